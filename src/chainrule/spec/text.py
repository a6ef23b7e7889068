"""From a file's bytes to plain nested data: TOML or JSON, with typed numbers kept as typed."""

import json
import re
import sys
import tomllib
from decimal import Decimal
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


def plain_data(text: str, source: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """The nested data of a TOML or JSON text, and the line of each part (of TOML). Raises `SpecErrors`."""
    if not text.strip():
        raise _refused(source, "the file is empty", "`chainrule new` writes one to start from")
    if text.lstrip().startswith("{"):
        try:
            data = json.loads(text, parse_float=Decimal, parse_constant=Decimal)
        except json.JSONDecodeError as problem:
            raise _refused(source, f"this is not JSON: {problem.msg}", "check the line", problem.lineno) from None
        except RecursionError:
            raise _refused(source, "this is nested too deeply") from None
        return data, {}
    try:
        return tomllib.loads(text, parse_float=Decimal), locate(text)
    except tomllib.TOMLDecodeError as problem:
        raise _not_toml(text, source, str(problem)) from None
    except RecursionError:
        raise _refused(source, "this is nested too deeply") from None


SLIPS = (
    (r"=\s*(True|False)\b", "write true or false in small letters"),
    (r"=\s*None\b", "leave the line out, or write \"none\" in quotes"),
    (r"^\s*[A-Za-z_][\w-]*\s*:", "TOML has = and not : between a name and its value"),
    (r"=\s*[A-Za-z_]", "put text into double quotes"),
    (r"=\s*\.\d", "write a digit before the point: 0.5"),
    (r"=\s*-?\d+\.(?!\d)", "write a digit after the point: 1.0"),
    (r"[\[,]\s*\.\d", "write a digit before the point: 0.5"),
    (r"^\s*[A-Za-z_][\w-]*\s*$", "write a name, =, and a value"),
)  # fmt: skip


def _not_toml(text: str, source: str, message: str) -> SpecErrors:
    """The reader's own words, the line, and what people most often meant."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(found[1]) if found else len(text.splitlines())
    words = re.sub(r"\s*\(at .*\)$", "", message)
    lines = text.splitlines()
    shown = lines[line - 1].strip()[:60] if 0 < line <= len(lines) else ""
    hint = next((hint for pattern, hint in SLIPS if re.search(pattern, lines[line - 1] if shown else "")), "")
    said = f"this is not TOML: {words[0].lower()}{words[1:]}" + (f", in: {shown}" if shown else "")
    return _refused(source, said, hint or "check the line, and that brackets and quotes are closed", line)
