"""Tables from files that are no text: Parquet, npz, spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.training.columns import PART, File, Table, in_parts, named, of_values, spread, suffix, table
from chainrule.training.problems import DataError

Array = NDArray[Any]


def parquet_parts(file: File, text: frozenset[str]) -> Iterator[Table]:
    try:
        import duckdb
    except ImportError:
        raise MissingLibraryError('reading .parquet needs: pip install "chainrule[data]"') from None
    if not Path(file.path).exists():
        raise DataError(f"{file.path}: no such file or directory")
    try:
        with duckdb.connect() as database:
            described = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [file.path]).fetchall()
            chosen = ", ".join(_selected(file.path, str(row[0]), str(row[1]), text) for row in described)
            rows = database.execute("SELECT count(*) FROM read_parquet(?)", [file.path]).fetchall()[0][0]
            for first in range(0, max(1, rows), PART):
                found = database.execute(
                    f"SELECT {chosen} FROM read_parquet(?, file_row_number = true) "
                    "WHERE file_row_number >= ? AND file_row_number < ? ORDER BY file_row_number",
                    [file.path, first, first + PART],
                ).fetchnumpy()
                yield table(file.path, {str(name): _unmasked(column) for name, column in found.items()}, first + 1)
    except duckdb.Error as problem:
        raise DataError(f"{file.path}: {str(problem).splitlines()[0]}") from None


NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")


def _selected(path: str, name: str, kind: str, text: frozenset[str]) -> str:
    """A column of a query: as numbers, or as text."""
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB")):
        raise DataError(f"{path}, column {name}: it holds {kind.lower()}, neither numbers nor text; leave it out")
    numeric = kind.removeprefix("U").startswith(NUMERIC) and name not in text
    return f"CAST({quoted} AS {'DOUBLE' if numeric else 'VARCHAR'}) AS {quoted}"


def _unmasked(column: Any) -> Array:
    """What is masked is missing."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    if column.dtype != object:
        return np.asarray(column.filled(np.nan))
    found = np.array(column.data, object)
    found[np.ma.getmaskarray(column)] = None
    return found


def npz_parts(file: File, text: frozenset[str]) -> Iterator[Table]:
    try:
        with np.load(file.path, allow_pickle=False) as arrays:
            columns = {each: part for name in arrays.files for each, part in spread(name, arrays[name]).items()}
    except (ValueError, EOFError) as problem:
        raise DataError(f"{file.path}: {str(problem).splitlines()[0]}") from None
    yield from in_parts(table(file.path, columns), PART)


def sheet_parts(file: File, text: frozenset[str]) -> Iterator[Table]:
    try:
        import python_calamine
    except ImportError:
        raise MissingLibraryError(f'reading .{suffix(file.path)} needs: pip install "chainrule[data]"') from None
    try:
        book = python_calamine.CalamineWorkbook.from_path(file.path)
    except python_calamine.CalamineError as problem:
        raise DataError(f"{file.path}: {problem}") from None
    if file.sheet and file.sheet not in book.sheet_names:
        raise DataError(f"{file.path}: there is no sheet {file.sheet!r}; there are: {', '.join(book.sheet_names)}")
    rows = book.get_sheet_by_name(file.sheet or book.sheet_names[0]).to_python()
    if not rows:
        raise DataError(f"{file.path}: the sheet is empty")
    names = named([str(each) for each in rows[0]], file.path)
    body = [[None if cell == "" else cell for cell in row] for row in rows[1:]]
    columns = {
        name: of_values([row[place] for row in body], file.path, name, text=name in text)
        for place, name in enumerate(names)
    }
    yield from in_parts(table(file.path, columns), PART)
