"""Answers from whatever a person has: a file of any kind, pasted text, a mapping, arrays."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.check.answers import Answers, AnswersError, ArrayAnswer
from chainrule.check.table_answers import read_rows
from chainrule.check.text_answers import read_text
from chainrule.check.tree_answers import read_json, read_toml, read_tree
from chainrule.interop.tables import TableError, csv_rows, sheets
from chainrule.interop.tensors import TENSORS, TensorError, tensors

LARGEST = 2 * 2**30  # bytes
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
TEXT_KINDS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".toml": "toml"}


def read_answers(source: str, kind: str | None = None) -> Answers:
    """The answers in a file, or on standard input for ``-``; how it is read follows from its ending and its content.

    ``kind`` (text, csv, json, toml) says it instead. Raises ``AnswersError`` for a file that can't be read at all; what
    can't be read within it is listed in the result.
    """
    if source == "-":
        return _from_text(sys.stdin.read(), kind or "", "standard input")
    path = Path(source)
    ending = path.suffix.lower()
    try:
        if path.stat().st_size > LARGEST:
            raise AnswersError(f"{source}: the file is larger than 2 GB; hand in a part of it")
        if ending in SPREADSHEETS:
            return _together([read_rows(rows, source) for _, rows in sheets(source)], source)
        if ending in TENSORS:
            arrays = tuple(ArrayAnswer(name, array, place=source) for name, array in tensors(source).items())
            return _with_small(Answers(arrays=arrays, source=source))
        return _from_text(_decoded(path.read_bytes(), source), kind or TEXT_KINDS.get(ending, ""), source)
    except OSError as problem:
        raise AnswersError(f"can't read {source}: {problem.strerror}") from None
    except (TableError, TensorError) as problem:
        raise AnswersError(str(problem)) from None


def answers_from(source: Any) -> Answers:
    """Answers from Python: a mapping of names to numbers or arrays, a path, pasted text, or a data frame.

    >>> answers_from({"net_h1": 0.3775}).numbers[0].name
    'net_h1'
    """
    if isinstance(source, Answers):
        return source
    if isinstance(source, Path) or (isinstance(source, str) and "\n" not in source and "=" not in source):
        return read_answers(str(source))
    if isinstance(source, str):
        return _from_text(source, "", "")
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        return _from_frame(source)
    if isinstance(source, Mapping | list | tuple):
        return _with_small(read_tree(source))
    raise AnswersError(f"answers are a mapping of names to numbers, a file or a text, not a {type(source).__name__}")


def _from_frame(frame: Any) -> Answers:
    """A data frame of any library that has ``columns`` and gives a column by its name."""
    names = [str(name) for name in frame.columns]
    columns = [list(frame[name]) for name in frame.columns]
    rows: list[tuple[str, list[Any]]] = [("the header", list(names))]
    rows += [(f"row {number}", list(row)) for number, row in enumerate(zip(*columns, strict=True), 1)]
    return read_rows(rows)


def _from_text(text: str, kind: str, source: str) -> Answers:
    kind = kind or _kind_of(text)
    match kind:
        case "json":
            return read_json(text, source)
        case "toml":
            return read_toml(text, source)
        case "csv":
            try:
                return read_rows(csv_rows(text), source)
            except TableError as problem:
                raise AnswersError(f"{source or 'the answers'}: {problem}") from None
        case _:
            return read_text(text, source)


def _kind_of(text: str) -> str:
    """What a text without an ending is: JSON by its bracket, CSV by a header that names its columns."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in "{[" and "=" not in start.partition("\n")[0]:
        return "json"
    first = start.partition("\n")[0].lower()
    if "=" not in first and any(mark in first for mark in ",;\t"):
        cells = {cell.strip().strip('"') for cell in first.replace(";", ",").replace("\t", ",").split(",")}
        if cells & {"name", "quantity", "variable"} and cells & {"value", "answer", "result"}:
            return "csv"
    return "text"


def _decoded(data: bytes, source: str) -> str:
    """A file's text: UTF-8 or UTF-16 by its mark, else UTF-8, else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise AnswersError(f"{source}: this is neither text nor a kind of file that is known") from None
    if b"\0" in data[:4096]:
        raise AnswersError(
            f"{source}: this is no text; give text, CSV, JSON, TOML, a spreadsheet, npz, safetensors or a state dict"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _together(parts: Iterable[Answers], source: str) -> Answers:
    parts = list(parts)
    return Answers(
        tuple(each for part in parts for each in part.numbers),
        tuple(each for part in parts for each in part.arrays),
        tuple(each for part in parts for each in part.unread),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        source,
    )


def _with_small(answers: Answers) -> Answers:
    """Arrays of one number as that number."""
    single = [each for each in answers.arrays if each.array.size == 1]
    if not single:
        return answers
    numbers = read_tree({each.name: each.array for each in single}).numbers
    return replace(
        answers,
        numbers=(*answers.numbers, *numbers),
        arrays=tuple(each for each in answers.arrays if each.array.size != 1),
    )
