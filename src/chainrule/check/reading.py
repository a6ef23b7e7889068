"""Answers from whatever a person has: a file of any kind, pasted text, a mapping, arrays."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

from chainrule.check.answers import Answers, AnswersError
from chainrule.check.gather import Item, gathered
from chainrule.check.rounds import heading
from chainrule.check.table_answers import header_of, table_items
from chainrule.check.text_answers import text_items
from chainrule.check.tree_answers import json_items, json_tree, toml_items, tree_items
from chainrule.check.typed import typed
from chainrule.interop.tables import SPREADSHEETS, Row, TableError, csv_sheet, decoded, read_table
from chainrule.interop.tensors import TENSORS, TensorError, content_kind, read_tensors

LARGEST = 2 * 2**30  # bytes of a file
KINDS = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json", "jsonl": "json", "ndjson": "json", "toml": "toml",
    "txt": "", "text": "text", "log": "text", "md": "text", "markdown": "text", "tex": "text",
    **{each: each for each in (*SPREADSHEETS, *TENSORS)},
}  # fmt: skip
NO_PATH = re.compile(r"[\n=≈|]|[:\s]\s*[-+−]?[\d.]")  # text, in what could be a path too


def read_answers(source: str, kind: str | None = None) -> Answers:
    """The answers in a file, or on standard input for ``-``.

    How it is read is seen from its ending, and without a known one from its content; ``kind`` (``text``, ``csv``,
    ``json``, ``toml``, ``xlsx`` and so on: an ending) says it instead. What can't be read within it is listed in the
    result. Raises ``AnswersError`` for a file that can't be read at all.
    """
    if kind is not None and kind.lower().lstrip(".") not in KINDS:
        raise AnswersError(f"answers can't be read as {kind!r}; there are: {', '.join(KINDS)}")
    if source == "-":
        return _of_data(_standard_input(), "standard input", KINDS[kind.lower().lstrip(".")] if kind else "")
    path = Path(source)
    ending = (kind or path.suffix).lower().lstrip(".")
    try:
        if path.is_dir():
            raise AnswersError(f"{source}: this is a folder; name a file with answers")
        if path.stat().st_size > LARGEST:
            raise AnswersError(f"{source}: the file is larger than 2 GB; hand in a part of it")
        with path.open("rb") as stream:
            data = stream.read() if path.is_file() else _limited(stream, source)
        return _of_data(data, source, KINDS.get(ending, ""))
    except OSError as problem:
        raise AnswersError(f"{source}: {(problem.strerror or str(problem)).lower()}") from None
    except ValueError as problem:
        if isinstance(problem, AnswersError):
            raise
        raise AnswersError(f"{source!r} is no path of a file") from None


def answers_from(source: Any) -> Answers:
    """Answers from Python.

    ``source`` is a mapping of names to numbers, texts, nested lists, arrays or tensors; a path; pasted text; a data
    frame with the columns name and value, or with a column for each quantity; or a list of pairs of a name and a
    number. Raises ``AnswersError`` for anything else, and for a file that can't be read.

    >>> [(each.name, each.text) for each in answers_from("net_h1 = 0.3775, out_h1 = 0.59327").numbers]
    [('net_h1', '0.3775'), ('out_h1', '0.59327')]
    >>> answers_from({"w_o": [[0.4, 0.45]]}).numbers[1].name
    'w_o[1,2]'
    """
    if isinstance(source, Answers):
        return source
    if isinstance(source, Path):
        return read_answers(str(source))
    if isinstance(source, str):
        return _of_string(source)
    if isinstance(source, bytes):
        return _of_data(source, "the answers", "")
    if hasattr(source, "state_dict") and callable(source.state_dict):
        source = source.state_dict()
    if isinstance(source, Mapping):
        return gathered(tree_items(source))
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        return gathered(_frame_items(source))
    if hasattr(source, "items") and hasattr(source, "index"):  # a series: numbers with names
        return gathered(tree_items({str(name): value for name, value in source.items()}))
    if isinstance(source, list | tuple) or hasattr(source, "__array__"):
        return gathered(tree_items(source))
    raise AnswersError(
        f"answers are a mapping of names to numbers, a file, a text or a data frame, not {type(source).__name__}"
    )


def _standard_input() -> bytes:
    """All of standard input, which may have been replaced by a stream of text."""
    stream = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read().encode() if stream is None else _limited(stream, "standard input")


def _limited(stream: IO[bytes], source: str) -> bytes:
    """All of a stream whose length isn't known."""
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(2**20):
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise AnswersError(f"{source}: there are more than 2 GB; hand in a part of it")
    return b"".join(parts)


def _of_string(source: str) -> Answers:
    """Pasted text, or the path of a file."""
    try:
        there = "\n" not in source and source != "" and Path(source).exists()
    except (OSError, ValueError):  # too long for a path, or with characters that no path has
        there = False
    if there:
        return read_answers(source)
    if NO_PATH.search(source) is None and Path(source).suffix.lower().lstrip(".") in KINDS and len(source) < 4096:
        return read_answers(source)  # says that it isn't there
    found = _of_data(source.encode("utf-8", "replace"), "", "")
    if not found.numbers and not found.arrays and not found.unread:
        shown = source if len(source) <= 60 else f"{source[:57]}..."
        raise AnswersError(f"{shown!r} is neither a file nor a text with numbers; write as in net_h1 = 0.3775")
    return found


def _of_data(data: bytes, source: str, kind: str) -> Answers:
    """The answers in a file's content. Without a kind it is recognised."""
    try:
        kind = kind or content_kind(data)
        if kind in SPREADSHEETS:
            sheets = read_table(source, data, kind)
            return gathered(chain.from_iterable(table_items(each.rows, each.name) for each in sheets), source)
        if kind in TENSORS:
            return gathered(tree_items(read_tensors(source, data, kind), ".", strict=False), source)
        return gathered(_text_items(decoded(data, source), kind, source), source)
    except (TableError, TensorError) as problem:
        raise AnswersError(str(problem).removeprefix(": ")) from None


def _text_items(text: str, kind: str, source: str) -> Iterator[Item]:
    match kind or _kind_of(text):
        case "json":
            return json_items(text, source)
        case "toml":
            return toml_items(text, source)
        case "csv" | "tsv" as delimited:
            sheet = csv_sheet(text, "\t" if delimited == "tsv" else "")
            return table_items(sheet.rows, "", 0, sheet.grouped)
        case _:
            return text_items(text)


def _kind_of(text: str) -> str:
    """What a text is: JSON or TOML where it can be read as such, CSV where its first lines are rows of a table."""
    start = text[:100_000].lstrip()
    if start[:1] in ("{", "["):
        try:
            json_tree(text)
            return "json"
        except AnswersError:
            pass
    if re.search(r"^\[[^\W\d][\w.\s\"'-]*\]\s*$", start, re.MULTILINE):
        try:
            tomllib.loads(text)
            return "toml"
        except (ValueError, RecursionError):
            pass
    return "csv" if _is_csv(start) else "text"


def _is_csv(start: str) -> bool:
    """Whether the first lines have cells: a header that is known, or a name and a number in each."""
    lines = [line for line in start.splitlines()[:21] if line.strip() and not line.startswith("#")][:20]
    rows: list[Row] = list(csv_sheet("\n".join(lines)).rows)
    cells = [[str(cell).strip() for cell in row] for _, row in rows]
    if not cells or min(map(len, cells)) < 2 or "|" in lines[0]:
        return False
    if header_of(cells[0]) is not None:
        return True
    if any(mark in line for line in lines for mark in "=:≈") or any(heading(line) for line in lines):
        return False
    if any(re.search(r"\s[-+−]?\d+$", row[0]) for row in cells):  # net_h1 0,3775: a decimal comma
        return False
    widths = {len(row) for row in cells}
    body = cells[1:] if len(cells) > 1 and all(typed(cell) is None for cell in cells[0]) else cells
    return len(widths) == 1 and all(typed(row[-1]) is not None or not row[-1] for row in body)


def _frame_items(frame: Any) -> Iterator[Item]:
    """A data frame of any library that has ``columns`` and gives a column by its name."""
    names = [str(name) for name in frame.columns]
    columns = [list(frame[name]) for name in frame.columns]
    index = getattr(frame, "index", None)
    if index is not None and not callable(index) and header_of(names) is None:
        labels = list(index)
        if labels and all(isinstance(label, str) for label in labels):  # the names are the labels of the rows
            names, columns = ["name", *names], [labels, *columns]
            if header_of(names) is None and len(names) == 2:
                names[1] = "value"
    rows: list[Row] = [(0, names)]
    rows += [(number, [_plain(cell) for cell in row]) for number, row in enumerate(zip(*columns, strict=True), 1)]
    return table_items(rows)


def _plain(cell: Any) -> object:
    """A cell of a data frame as Python has it; NaN stands for an empty one."""
    cell = cell.item() if hasattr(cell, "item") and getattr(cell, "ndim", 0) == 0 else cell
    return None if isinstance(cell, float) and cell != cell else cell
