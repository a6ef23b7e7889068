"""The house stays in order: layers, sizes of files, imports at the top."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter import cli as import_linter

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "chainrule"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 400

# Heavy and optional: imported where they are used, so that nobody pays who doesn't use them.
OPTIONAL = {
    "mpmath", "typst", "jax", "duckdb", "narwhals", "python_calamine", "xlsxwriter", "safetensors", "sklearn",
    "anywidget", "traitlets",
}  # fmt: skip


def test_imports_run_strictly_downward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts stand in ``[tool.importlinter]`` in pyproject.toml."""
    monkeypatch.chdir(ROOT)
    assert import_linter.lint_imports(no_cache=True) == import_linter.EXIT_STATUS_SUCCESS


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE, "is there a second thing in there?"


def imports_inside_functions(tree: ast.Module) -> Iterator[str]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_optional_libraries_are_imported_inside_functions(path: Path) -> None:
    """The commands (``cli``) and the package itself also do it, so that ``chainrule --help`` starts at once."""
    first = path.relative_to(PACKAGE).parts[0]
    if first in {"cli.py", "cli", "__init__.py"}:
        return
    inside = {name.partition(".")[0] for name in imports_inside_functions(ast.parse(path.read_text(encoding="utf-8")))}
    assert inside <= OPTIONAL
