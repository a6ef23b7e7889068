"""From a file's bytes to plain nested data: TOML or JSON, with typed numbers kept as typed."""

import json
import re
import sys
import tomllib
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path as FilePath
from typing import Any

from chainrule.spec.lines import Path, locate
from chainrule.spec.problems import Problem, SpecErrors

LARGEST = 50_000_000  # bytes


def read_text(path: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises `SpecErrors` with what stands in the way."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with FilePath(path).open("rb") as file:
                data = file.read(LARGEST + 1)
    except OSError as problem:
        raise _refused(path, (problem.strerror or str(problem)).lower()) from None
    except ValueError:
        raise _refused(path[:60], "this is not a file's name") from None
    if len(data) > LARGEST:
        raise _refused(path, f"the file is larger than {LARGEST // 1_000_000} MB")
    if b"\0" in data[:4096]:
        raise _refused(path, "this is not a text file", "a network file is TOML or JSON")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise _refused(path, "this is not UTF-8 text", "save it as UTF-8", line) from None


def _refused(source: str, message: str, hint: str = "", line: int = 0) -> SpecErrors:
    return SpecErrors(source, [Problem(line, "", message, hint)])


class _TooLong(ValueError):
    """A number that Python itself refuses to read."""


class _Twice(ValueError):
    """A name that stands twice in a JSON object."""


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _TooLong(text) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a name that stands in it twice is refused, as TOML does."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return found


def plain_data(text: str, source: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """The nested data of a TOML or JSON text, and the line of each part. Raises `SpecErrors`."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise _refused(source, "the file is empty", "`chainrule new` writes one to start from")
    json_text = text.lstrip().startswith("{")
    try:
        if json_text:
            data = json.loads(text, parse_float=_decimal, parse_constant=Decimal, object_pairs_hook=_once)
        else:
            data = tomllib.loads(text, parse_float=_decimal)
        return data, locate(text)
    except json.JSONDecodeError as problem:
        where = f" at column {problem.colno}"
        raise _refused(source, f"this is not JSON: {problem.msg}{where}", "check the line", problem.lineno) from None
    except tomllib.TOMLDecodeError as problem:
        raise _not_toml(text, source, str(problem)) from None
    except _Twice as problem:
        raise _refused(source, f"the name {str(problem)[:60]!r} stands twice", "leave one of them out") from None
    except RecursionError:
        raise _refused(source, "this is nested too deeply") from None
    except ValueError as problem:
        raise _too_long(text, source, problem) from None


def _too_long(text: str, source: str, problem: ValueError) -> SpecErrors:
    """A whole number of thousands of digits, or an exponent of twenty."""
    if isinstance(problem, _TooLong):
        place = text.find(str(problem))
    else:
        found = re.search(r"\d(?:_?\d){4299}", text)
        place = found.start() if found else 0
    line = text.count("\n", 0, place) + 1
    return _refused(source, f"{text[place : place + 20]}... is outside the range of float64", "", line)


# What people write that TOML doesn't read, each looked for in the line where reading stopped.
SLIPS = (
    (r"[“”„‘’]", "these are typographic quotes; write straight ones"),
    (r"=\s*(True|False|TRUE|FALSE)\b", "write true or false in small letters"),
    (r"=\s*(None|null|nil)\b", "leave the line out, or write \"none\" in quotes"),
    (r"^\s*-(\s|--)", "this looks like YAML; `chainrule new` writes a file in TOML"),
    (r"^\s*[A-Za-z_][\w-]*\s*:", "TOML has = and not : between a name and its value"),
    (r"^\s*(//|;|%)", "a comment begins with #"),
    (r"=\s*[^\W\d]", "put text into double quotes"),
    (r"[=\[,]\s*[+-]?\.\d", "write a digit before the point: 0.5"),
    (r"[=\[,]\s*[+-]?\d+\.(?!\d)", "write a digit after the point: 1.0"),
    (r"=\s*[+-]?\d+,\d+\s*(#|$)", "write a point and not a comma: 0.5"),
    (r"[=\[,]\s*[+-]?0\d", "a number begins with one 0 at most"),
    (r"[\d.]\s+[+-]?[\d.]", "put a comma between two numbers"),
    (r"==", "write one = between a name and its value"),
    (r"=\s*(#|$)", "write a value after ="),
    (r"=.*;", "a line has one name and its value, and no semicolon"),
    (r"=[^\"'\[{#]+=", "write each name and its value on a line of its own"),
    (r"^\s*[A-Za-z_][\w-]*\s*($|[^\s=.])", "write a name, =, and a value"),
)  # fmt: skip


def _not_toml(text: str, source: str, message: str) -> SpecErrors:
    """The reader's own words, the line, and what people most often meant."""
    lines = text.split("\n")
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(found[1]) if found else len(text.rstrip().split("\n"))
    column = f" at column {found[2]}" if found else ""
    words = re.sub(r"\s*\(at .*\)$", "", message)
    raw = lines[line - 1].rstrip("\r") if line <= len(lines) else ""
    shown = "".join(each if each.isprintable() else "?" for each in raw.strip()[:60])
    said = f"this is not TOML: {words[0].lower()}{words[1:]}{column}" + (f", in: {shown}" if shown else "")
    return _refused(source, said, _slip(raw, words), line)


def _slip(line: str, words: str) -> str:
    if "overwrite" in words or "twice" in words or "already" in words:
        return "this name or table stands twice; leave one of them out"
    usual = "check the line, and that brackets and quotes are closed"
    return next((hint for pattern, hint in SLIPS if re.search(pattern, line)), usual)
