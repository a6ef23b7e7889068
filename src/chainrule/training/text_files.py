"""Tables from text files: CSV and JSON lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.training.columns import MISSING, PART, File, Table, named, of_text, of_values, table
from chainrule.training.problems import DataError

DELIMITERS = ",;\t|"


def _open(path: str) -> io.TextIOWrapper:
    if path.endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return Path(path).open(encoding="utf-8-sig", newline="")


def csv_parts(file: File, text: frozenset[str]) -> Iterator[Table]:
    with _open(file.path) as lines:
        blank, first = next(((number, line) for number, line in enumerate(lines) if line.strip()), (0, ""))
        if not first:
            raise DataError(f"{file.path}: the file is empty")
        if "\0" in first:
            raise DataError(f"{file.path}: this is not a text file in UTF-8")
        delimiter = max(DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each))))
        header = next(csv.reader([first], delimiter=delimiter))
        if _all_numbers(header):
            names = [f"column{place + 1}" for place in range(len(header))]
            yield from _rows(file, names, chain([first], lines), delimiter, text, line=blank)
        else:
            yield from _rows(file, named(header, file.path), lines, delimiter, text, line=blank + 1)


def _all_numbers(cells: Sequence[str]) -> bool:
    column = of_text(cells)
    return bool(column.dtype != object and not np.isnan(column).all())


def _rows(
    file: File, names: list[str], lines: Iterable[str], delimiter: str, text: frozenset[str], line: int
) -> Iterator[Table]:
    """The rows below the header: by NumPy while all is numbers, else cell by cell; ``line`` is the header's."""
    done = 0
    lines = iter(lines)
    while not (text or file.missing):  # -999 may stand for nothing
        some = list(islice(lines, PART))
        full = [each for each in some if not each.isspace()]
        if not full:
            if some or not done:
                yield table(file.path, {name: np.empty(0) for name in names}, done + 1)
            if not some:
                return
            continue
        try:
            numbers = np.loadtxt(full, delimiter=delimiter, ndmin=2, comments=None)
        except ValueError:
            numbers = np.empty((0, 0))
        if numbers.shape[1] != len(names):  # the other way says where it goes wrong
            lines = chain(some, lines)
            break
        yield table(file.path, dict(zip(names, numbers.T, strict=True)), done + 1)
        done, line = done + len(numbers), line + len(some)
    reader = csv.reader(lines, delimiter=delimiter)
    missing = MISSING | frozenset(file.missing)
    cells: list[list[str]] = []
    try:
        for row in reader:
            if not row or (len(row) == 1 < len(names) and not row[0].strip()):
                continue
            if len(row) != len(names):
                raise DataError(
                    f"{file.path}, line {line + reader.line_num} (row {done + len(cells) + 1}): there are {len(row)} "
                    f"cells, but {len(names)} columns"
                )
            cells.append(row)
            if len(cells) == PART:
                yield _of_cells(file, names, cells, text, missing, delimiter, done)
                done, cells = done + PART, []
    except csv.Error as problem:
        raise DataError(f"{file.path}, line {line + reader.line_num}: {problem}") from None
    if cells or not done:
        yield _of_cells(file, names, cells, text, missing, delimiter, done)


def _of_cells(
    file: File,
    names: list[str],
    cells: list[list[str]],
    text: frozenset[str],
    missing: frozenset[str],
    delimiter: str,
    done: int,
) -> Table:
    columns = {
        name: of_text([row[place] for row in cells], missing, text=name in text, comma=delimiter == ";")
        for place, name in enumerate(names)
    }
    return table(file.path, columns, done + 1)


def json_lines_parts(file: File, text: frozenset[str]) -> Iterator[Table]:
    with _open(file.path) as lines:
        names: dict[str, None] = {}
        rows: list[dict[str, Any]] = []
        done = 0
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as problem:
                raise DataError(f"{file.path}, line {number}: this is not JSON: {problem}") from None
            if not isinstance(row, dict):
                raise DataError(f'{file.path}, line {number}: each line is an object: {{"name": value, ...}}')
            if done and (new := [name for name in row if name not in names]):
                raise DataError(f"{file.path}, line {number}: {new[0]!r} is new here; name it in the first lines too")
            names |= dict.fromkeys(map(str, row))
            rows.append(row)
            if len(rows) == PART:
                yield _of_rows(file, list(names), rows, text, done)
                done, rows = done + PART, []
        if rows or not done:
            yield _of_rows(file, list(names), rows, text, done)


def _of_rows(file: File, names: list[str], rows: list[dict[str, Any]], text: frozenset[str], done: int) -> Table:
    columns = {
        name: of_values([row.get(name) for row in rows], file.path, name, text=name in text, first=done + 1)
        for name in names
    }
    return table(file.path, columns, done + 1)
