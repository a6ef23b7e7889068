"""What starting costs: nothing heavy is imported before it is needed."""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
arguments = json.loads(sys.argv.pop())
if arguments is None:
    import chainrule
else:
    from chainrule.cli import main
    sys.argv = ["chainrule", *arguments]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_by(arguments: list[str] | None) -> set[str]:
    """The top-level modules that a command has imported at its end; None stands for ``import chainrule`` alone."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_costs_nothing() -> None:
    assert not imported_by(None) & {"numpy", "click", "rich", "rich_click", "mpmath", "typst"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["explain", "--help"], ["page", "--help"], ["--version"]], ids=" ".join
)
def test_help_needs_no_numbers(arguments: list[str]) -> None:
    assert not imported_by(arguments) & {"numpy", "mpmath", "typst"}


def test_version_needs_no_colours() -> None:
    assert "rich" not in imported_by(["--version"])


def test_an_explanation_needs_no_optional_library() -> None:
    assert not imported_by(["explain", "mazur", "w5"]) & {"mpmath", "typst"}


def test_json_needs_no_colours() -> None:
    assert "rich" not in imported_by(["values", "mazur", "--format", "json"])
