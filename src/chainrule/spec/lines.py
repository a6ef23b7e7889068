"""On which line of a TOML text a key or an array's element stands; the standard library's reader doesn't tell."""

import re

Path = tuple[str | int, ...]

HEADER = re.compile(r"^\s*(\[\[|\[)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
STRING = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)


def locate(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table, key and array element, by its path.

    >>> locate("[[layer]]\\nunits = 2\\nweights = [\\n  [1, 2],\\n  [3, 4],\\n]")[("layer", 0, "weights", 1)]
    5
    """
    plain = STRING.sub(lambda found: re.sub(r"[^\n]", " " if found[0][0] == "#" else "_", found[0]), text)
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    lines = plain.splitlines()
    originals = text.splitlines()
    at = 0
    while at < len(lines):
        header, key = HEADER.match(lines[at]), KEY.match(originals[at])
        if header:
            table = _table(header[1] == "[[", _parts(header[2]), counts)
            found.setdefault(table, at + 1)
            at += 1
        elif key and "=" in lines[at]:
            path = (*table, *_parts(key[1]))
            found.setdefault(path, at + 1)
            at = _elements(lines, at, lines[at].index("=") + 1, path, found)
        else:
            at += 1
    return found


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _table(repeated: bool, parts: Path, counts: dict[Path, int]) -> Path:
    """The path of a table that a header opens; ``[[layer]]`` opens the next one of its name."""
    path: Path = ()
    for part in parts[:-1]:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, parts[-1])
    if repeated:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path


def _elements(lines: list[str], at: int, column: int, path: Path, found: dict[Path, int]) -> int:
    """Record where each element of an array begins; returns the line after the value."""
    position: list[int] = []
    expecting = False
    while at < len(lines):
        for each in lines[at][column:]:
            if expecting and not each.isspace() and each not in ",]":
                found.setdefault((*path, *position), at + 1)
                expecting = False
            if each == "[":
                position.append(0)
                expecting = True
            elif each == "]":
                if position:
                    position.pop()
                expecting = False
            elif each == "," and position:
                position[-1] += 1
                expecting = True
        at, column = at + 1, 0
        if not position:
            break
    return at


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it; 0 where nothing of it is in the text."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)
