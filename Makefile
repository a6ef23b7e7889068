# Everything here works from a bare clone with Python 3.11 or later and make: .venv is built when it is needed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= 2
BIN := .venv/bin

.PHONY: demo test lint docs bench golden clean

demo: .venv/core.stamp
	@$(BIN)/chainrule explain mazur

test: lint
	$(BIN)/pytest -n $(JOBS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/dev.stamp
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: .venv/dev.stamp
	@set -e; for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python "$$each"; done

golden: .venv/dev.stamp
	$(BIN)/pytest --update-golden tests
	git --no-pager diff --stat -- tests/golden

clean:
	rm -rf .venv dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/core.stamp
