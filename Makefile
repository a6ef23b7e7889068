# Everything here works from a bare clone with Python 3.11 or later and make: .venv is built when it is needed.

# The first of the two that runs, is new enough and can make environments.
CAN_MAKE_VENV = import ensurepip, sys; sys.version_info >= (3, 11) and print(sys.executable)
PYTHON ?= $(firstword $(foreach each,python3.11 python3,$(shell $(each) -c '$(CAN_MAKE_VENV)' 2>/dev/null)))
JOBS ?= 2
BIN := .venv/bin

.PHONY: demo test lint docs bench golden clean

demo: .venv/core.stamp
	@echo '$$ chainrule explain mazur'
	@$(BIN)/chainrule explain mazur
	@echo
	@echo 'One number back to what was given:  $(BIN)/chainrule explain mazur w5'

test: lint
	$(BIN)/pytest -n $(JOBS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/dev.stamp
	$(BIN)/sphinx-build -W --keep-going docs docs/_build/html

bench: .venv/dev.stamp
	@set -e; for each in benchmarks/[a-z]*.py; do echo "== $$each"; $(BIN)/python $$each; done

golden: .venv/dev.stamp
	$(BIN)/pytest -n $(JOBS) --update-golden tests
	git --no-pager diff --stat -- tests/golden

clean:
	rm -rf .venv dist build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/dev.stamp: extras := [dev]
.venv/%.stamp: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'This needs Python 3.11 or later with its venv module (Debian: python3-venv).' \
		'Where it has another name: make PYTHON=/path/to/python' >&2; exit 1; }
	@echo 'Building .venv$(if $(extras), with everything for development: a minute or two,) (only the first time)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --editable '.$(extras)'
	@touch $@
