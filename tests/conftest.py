"""What all tests share: golden files, hypothesis profiles, and the TeX that some of them need."""

import difflib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The oracles compute in double precision on the CPU. Set here, because JAX reads it when it is imported.
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
GOLDEN = Path(__file__).parent / "golden"

# A slow first example (an import, a compilation) is no failure, so there is no deadline.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=2000)  # --hypothesis-profile=long: a search for hours
settings.load_profile("ci" if IN_CI else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the files in tests/golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("mazur.md", text)`` compares a text with ``tests/golden/mazur.md``, to the character."""
    update: bool = request.config.getoption("--update-golden")

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        if not path.exists():
            pytest.fail(f"tests/golden/{name} does not exist yet; if the output is right: make golden", pytrace=False)
        expected = path.read_bytes().decode("utf-8")
        if text != expected:
            lines = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), f"tests/golden/{name}", "now", lineterm=""
            )
            difference = "\n".join(lines) or "They differ in line endings only."
            pytest.fail(f"{difference}\n\nIf the change is meant: make golden", pytrace=False)

    return check


@pytest.fixture(scope="session")
def pdflatex() -> str:
    """The path of pdflatex. Without it a test is skipped, but fails in CI, where it has to run."""
    found = shutil.which("pdflatex")
    if found is None:
        reason = "pdflatex is not installed (Debian: texlive-latex-recommended texlive-pictures)"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found
