"""Every page runs: its commands and its Python print what the page says, and the documentation builds.

In README.md and docs/, top to bottom, in one fresh folder for each page:

- a ``toml`` or ``text`` block that begins with a comment like ``# net.toml`` is saved under that name;
- in a ``console`` block each line ``$ command`` is run by the shell, 80 columns wide, and the lines below it are what
  it prints, errors included (a command that is not to be run, such as an installation, goes into an ``sh`` block);
- a ``python`` block with ``>>>`` is run as a doctest; a page's blocks share their names.

Output is compared exactly, but for spaces at the ends of lines; a line that is just ``...`` stands for any lines.
"""

import difflib
import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_LINES = "..."


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    text: str
    line: int  # of the block's first line in its page, from 1


def blocks(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        yield Block(found[1], found[2], page.count("\n", 0, found.start(2)) + 1)


def commands(block: Block) -> Iterator[tuple[int, str, str]]:
    """The line, command and expected output of each command in a console block."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield block.line + start, lines[start][2:], "\n".join(lines[start + 1 : end])


def plain_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def matches(expected: str, actual: str) -> bool:
    """Whether the lines are the same, where a line ``...`` in ``expected`` stands for any number of lines."""
    parts = (".*" if line == ANY_LINES else re.escape(line) + "\n" for line in plain_lines(expected))
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in plain_lines(actual)), re.DOTALL) is not None


def difference(expected: str, actual: str) -> str:
    return "\n".join(difflib.unified_diff(plain_lines(expected), plain_lines(actual), "page", "now", lineterm="", n=1))


class LineChecker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return matches(want.replace(doctest.BLANKLINE_MARKER, ""), got)


def run_console(block: Block, folder: Path) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "LINES"}}
    environment |= {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line, command, expected in commands(block):
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        if not matches(expected, done.stdout):
            yield f"line {line}: $ {command}\n{difference(expected, done.stdout)}"


def run_python(block: Block, names: dict[str, object]) -> Iterator[str]:
    test = doctest.DocTestParser().get_doctest(block.text, names, "block", "page", block.line - 1)
    test.globs = names  # shared with the page's other blocks, not a copy
    said: list[str] = []
    doctest.DocTestRunner(LineChecker(), verbose=False).run(test, out=said.append, clear_globs=False)
    yield from said


def run_page(text: str, folder: Path) -> Iterator[str]:
    """What is wrong in a page, one message for each command or example."""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(text):
        if block.language == "console":
            yield from run_console(block, folder)
        elif block.language == "python" and ">>>" in block.text:
            yield from run_python(block, names)
        elif block.language in ("toml", "text") and (name := re.match(r"# ([\w-]+\.\w+)\n", block.text)):
            (folder / name[1]).write_text(block.text, encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = list(run_page(page.read_text(encoding="utf-8"), tmp_path))
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)


def test_documentation_builds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


GOOD_PAGE = """
```toml
# net.toml
inputs = 2
```

```console
$ cat net.toml
...
inputs = 2
$ echo one; echo two >&2
one
two
```

```python
>>> count = 2
```

```python
>>> print(f"count\\n{count}\\nend")
count
...
end
>>> 1 / 0
Traceback (most recent call last):
ZeroDivisionError: division by zero
```
"""


def test_a_good_page_passes(tmp_path: Path) -> None:
    assert list(run_page(GOOD_PAGE, tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\none\n", "\nnone\n", "line 11: $ echo one"),
        ("inputs = 2\n$", "inputs = 3\n$", "line 8: $ cat net.toml"),
        ("count = 2", "count = 2\n>>> count\n3", "line 18"),
        ("division by zero", "division by one", "division by one"),
    ],
)
def test_a_wrong_page_fails(tmp_path: Path, old: str, new: str, says: str) -> None:
    (wrong,) = run_page(GOOD_PAGE.replace(old, new), tmp_path)
    assert says in wrong


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a \nb\n\n", True),
        ("a\nb", "a\n\nb", False),
        ("a", " a", False),
        ("...", "", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...\nc", "a\nc", True),
        ("a\n...\nc", "a\nb", False),
        ("a ... c", "a b c", False),
    ],
)
def test_matching_of_lines(expected: str, actual: str, same: bool) -> None:
    assert matches(expected, actual) is same
