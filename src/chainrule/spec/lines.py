"""On which line of a TOML or JSON text a part stands; the standard library's readers don't tell.

The text has been read by one of them before, so this scanner only follows its structure. It takes anything else
without harm.
"""

import json
import re
import tomllib
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

GAP = re.compile(r"\s*+(?:#[^\n]*+\s*+)*+")
KEY = re.compile(r"""[ \t]*([A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*')[ \t]*""")
SCALAR = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}|\'{3}(?:[^']|'{1,2}(?!'))*+'{3,5}'''
    r"""|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*'|[^\n,\]}#]+|.""",
    re.DOTALL,
)
NUMBERS = re.compile(r"(?:[0-9+\-.eE_ \t]+,)*+")  # most of a data file: read at once where they stand on one line


@dataclass(slots=True)
class _Scan:
    text: str
    ends: list[int]  # where each line ends
    found: dict[Path, int] = field(default_factory=dict)
    at: int = 0


def locate(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table and key, by its path.

    An element of an array is there only if it begins on a later line than the array, and so is a line of a text over
    several lines: ask with `line_of`.

    >>> locate("[[layer]]\\nunits = 2\\nweights = [\\n  [1, 2],\\n  [3, 4],\\n]")[("layer", 0, "weights", 1)]
    5
    """
    scan = _Scan(text, [place for place, each in enumerate(text) if each == "\n"])
    if not _skip_gap(scan):
        return scan.found
    if _next(scan) == "{":
        _value(scan, (), 1)
        return scan.found
    counts: dict[Path, int] = {}
    table: Path = ()
    while _skip_gap(scan):
        if _next(scan) == "[":
            table = _header(scan, counts)
        else:
            _pair(scan, table)
    return scan.found


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it; 0 where nothing of it is in the text."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _skip_gap(scan: _Scan) -> bool:
    """Go past spaces, line ends and comments. False at the end of the text."""
    found = GAP.match(scan.text, scan.at)
    scan.at = found.end() if found else scan.at
    return scan.at < len(scan.text)


def _next(scan: _Scan) -> str:
    return scan.text[scan.at : scan.at + 1]


def _line(scan: _Scan) -> int:
    return bisect_left(scan.ends, scan.at) + 1


def _record(scan: _Scan, table: Path, keys: Path, line: int) -> Path:
    """Each table on the way to a dotted key stands, at the latest, where the key does."""
    path = table
    for key in keys:
        path = (*path, key)
        scan.found.setdefault(path, line)
    return path


def _keys(scan: _Scan) -> Path:
    """A dotted key: ``a."b c".d``."""
    keys: list[str] = []
    while found := KEY.match(scan.text, scan.at):
        keys.append(_plain(found[1]))
        scan.at = found.end()
        if _next(scan) != ".":
            break
        scan.at += 1
    return tuple(keys)


def _plain(key: str) -> str:
    """A key without its quotes and escapes."""
    if key[0] not in "\"'":
        return key
    if key[0] == "'" or "\\" not in key:
        return key[1:-1]
    for read in (json.loads, lambda text: tomllib.loads(f"key = {text}")["key"]):
        with suppress(ValueError):
            return str(read(key))
    return key


def _header(scan: _Scan, counts: dict[Path, int]) -> Path:
    """The path of the table that a header opens; ``[[layer]]`` opens the next one of its name."""
    line = _line(scan)
    brackets = 2 if scan.text.startswith("[[", scan.at) else 1
    scan.at += brackets
    *outer, last = _keys(scan) or ("",)
    scan.at += brackets
    path: Path = ()
    for key in outer:
        path = _record(scan, path, (key,), line)
        if path in counts:
            path = (*path, counts[path])
    path = _record(scan, path, (last,), line)
    if brackets == 2:
        counts[path] = counts.get(path, -1) + 1
        path = _record(scan, path, (counts[path],), line)
    return path


def _pair(scan: _Scan, table: Path) -> None:
    """``key = value``, or ``"key": value``."""
    line = _line(scan)
    path = _record(scan, table, _keys(scan), line)
    _skip_gap(scan)
    scan.at += 1  # the sign between them
    _skip_gap(scan)
    _value(scan, path, line)


def _value(scan: _Scan, path: Path, line: int) -> None:
    """Go past a value that stands at ``path``, recording the lines of what is in it."""
    opening = _next(scan)
    if opening not in ("[", "{"):
        _scalar(scan, path)
        return
    scan.at += 1
    place = 0
    while _skip_gap(scan) and _next(scan) not in "]}":
        if opening == "{":
            _pair(scan, path)
        else:
            place = _element(scan, path, place, line)
        if _skip_gap(scan) and _next(scan) == ",":
            scan.at += 1
    scan.at += 1


def _scalar(scan: _Scan, path: Path) -> None:
    """Go past a text, a number or another single value, recording the lines of a text that has several."""
    first = _line(scan)
    found = SCALAR.match(scan.text, scan.at)
    scan.at = found.end() if found else scan.at
    if found and found[0].startswith(('"""', "'''")):
        places = _places(found[0][3:-3].split("\n"), escapes=found[0][0] == '"')
        scan.found |= {(*path, place): first + offset for place, offset in places.items() if offset}


def _places(rows: list[str], escapes: bool) -> dict[int, int]:
    """Which row of the file each line of a text begins in: it may be empty after the quotes, or go on after ``\\``."""
    places: dict[int, int] = {}
    goes_on = False
    for offset, row in enumerate(rows):
        opening = offset == 0 and len(rows) > 1 and (not row.strip("\r") or (escapes and row.rstrip() == "\\"))
        if not opening and not (goes_on and (places or not row.strip())):
            places[len(places)] = offset
        goes_on = escapes and (row.rstrip().endswith("\\") or (goes_on and not row.strip()))
    return places


def _element(scan: _Scan, path: Path, place: int, line: int) -> int:
    """Go past an element of an array that stands on ``line``, or past several plain numbers; the next one's place."""
    here = _line(scan)
    if here != line:
        scan.found[(*path, place)] = here
    elif (run := NUMBERS.match(scan.text, scan.at)) and run.end() > scan.at:
        scan.at = run.end()
        return place + run[0].count(",")
    _value(scan, (*path, place), here)
    return place + 1
