"""Tables: columns of numbers or of text, and what a cell is taken for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.training.problems import DataError

Array = NDArray[Any]
PART = 65536  # rows that are read at once
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL", "#N/A"})  # and None


@dataclass(frozen=True, slots=True)
class File:
    """A file of data. ``sheet`` is the name of a spreadsheet's sheet, the first one unless given.

    ``missing`` are cells of a text file that stand for nothing, beside an empty one, NA, NaN and null.
    """

    path: str
    sheet: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Some rows of data.

    A column is float64 with NaN where a number is missing, or of objects: text, and None where it is missing.
    ``numbers`` are those of the rows in their source, counted from 1 without its header; messages name them.
    """

    source: str
    columns: Mapping[str, Array]
    numbers: Array

    @property
    def rows(self) -> int:
        return len(self.numbers)


def table(source: str, columns: Mapping[str, Array], first: int = 1) -> Table:
    """A table whose rows follow each other from number ``first``. Raises ``DataError`` for columns of two lengths.

    >>> table("mine", {"a": np.array([1.0, 2.0])}).rows
    2
    """
    rows = len(next(iter(columns.values()), ()))
    for name, column in columns.items():
        if len(column) != rows:
            raise DataError(f"{source}, column {name}: it has {len(column)} rows, but {next(iter(columns))} has {rows}")
    return Table(source, columns, np.arange(first, first + rows))


def is_text(column: Array) -> bool:
    """Whether a column holds text."""
    return column.dtype == object


def named_columns(names: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The columns that are meant: by name, several between commas, or all that are like ``next*``.

    What names no column is left as it is.

    >>> named_columns(["c*", "b,a"], ["a", "b", "c1", "c2"])
    ('c1', 'c2', 'b', 'a')
    """
    found: list[str] = []
    for name in names:
        for part in [name] if name in known or "," not in name else name.split(","):
            like = [] if part in known else [each for each in known if fnmatchcase(each, part)]
            found += like or [part]
    return tuple(dict.fromkeys(found))


def take(whole: Table, rows: Array) -> Table:
    """Some rows of a table, which keep their numbers."""
    return Table(whole.source, {name: column[rows] for name, column in whole.columns.items()}, whole.numbers[rows])


def joined(parts: Sequence[Table]) -> Table:
    """Tables of the same columns below each other."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    return Table(parts[0].source, columns, np.concatenate([part.numbers for part in parts]))


def unsettled(parts: Iterable[Table]) -> frozenset[str]:
    """The columns that are numbers in one part and text in another: they have to be read as text from the start."""
    kinds: dict[str, set[bool]] = {}
    for part in parts:
        for name, column in part.columns.items():
            known = ~np.isnan(column) if not is_text(column) else np.True_
            if np.any(known):  # a part without any number says nothing
                kinds.setdefault(name, set()).add(is_text(column))
    return frozenset(name for name, found in kinds.items() if len(found) > 1)


def of_text(cells: Sequence[str | None], missing: frozenset[str] = MISSING, *, text: bool = False,
            comma: bool = False) -> Array:  # fmt: skip
    """A column from cells of a text file: numbers, if each cell that isn't missing is one, else text.

    With ``comma`` a decimal comma is read as a point.

    >>> of_text(["1", "", "2.5"])
    array([1. , nan, 2.5])
    >>> of_text(["red", ""])
    array(['red', None], dtype=object)
    """
    known = [None if cell is None or cell.strip() in missing else cell.strip() for cell in cells]
    if not text:
        plain = ["nan" if cell is None else cell for cell in known]
        if comma and not any("." in cell for cell in plain):
            plain = [cell.replace(",", ".") for cell in plain]
        try:
            if not any("_" in cell for cell in plain):  # Python would read 1_000
                return np.array(plain, dtype=str).astype(float)
        except ValueError:
            pass
    return _objects(known)


def of_values(values: Sequence[Any], source: str, name: str, *, text: bool = False, first: int = 1) -> Array:
    """A column from Python values: numbers, and true and false as 1 and 0; or text, with numbers written out.

    Raises ``DataError`` for lists, tables and other things that are no cell.
    """
    if not text and all(each is None or isinstance(each, bool | int | float | Decimal | np.number) for each in values):
        return np.array([np.nan if each is None else float(each) for each in values], dtype=float)
    return _objects([_text(each, source, name, row) for row, each in enumerate(values, first)])


def _text(value: Any, source: str, name: str, row: int) -> str | None:
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str):
        return None if value.strip() in MISSING else value.strip()
    if isinstance(value, bool | int | float | Decimal | np.number):
        return number_text(float(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise DataError(
        f"{source}, row {row}, column {name}: {str(value)[:40]!r} is neither a number nor text; leave the column out"
    )


def _objects(cells: Sequence[str | None]) -> Array:
    column = np.empty(len(cells), object)
    column[:] = cells
    return column


def number_text(value: float) -> str:
    """A number as a category is written: 3 and not 3.0.

    >>> number_text(3.0), number_text(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)


def as_text(column: Array) -> Array:
    """A column as categories: numbers written out."""
    if is_text(column):
        return column
    return _objects([None if each != each else number_text(each) for each in column.tolist()])


def missing_rows(column: Array) -> Array:
    """Where a column has nothing."""
    if not is_text(column):
        return np.isnan(column)
    return np.array([each is None for each in column.tolist()], dtype=bool)


def column_of(whole: Table, name: str) -> Array:
    """A column by name. Raises ``DataError`` with the nearest name."""
    if name in whole.columns:
        return whole.columns[name]
    close = get_close_matches(name, whole.columns, 1, 0.5)
    names = list(whole.columns)
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    hint = f"did you mean {close[0]}?" if close else f"there are: {listed}"
    raise DataError(f"{whole.source}: there is no column {name!r}; {hint}")


def at(whole: Table, place: int, name: str) -> str:
    """``wine.csv, row 17, column alcohol``: the beginning of a message; ``place`` counts from 0 in this table."""
    return f"{whole.source}, row {whole.numbers[place]}, column {name}"


def named(header: Sequence[str], source: str) -> list[str]:
    """Column names from a header: each once, those that are empty by their place.

    >>> named(["a", " "], "mine.csv")
    ['a', 'column2']
    """
    names = [each.strip() or f"column{place + 1}" for place, each in enumerate(header)]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise DataError(
                f"{source}: two columns have the name {name!r}, column {names.index(name) + 1} and column {place + 1}; "
                "give one another name"
            )
    return names


def in_parts(whole: Table, rows: int) -> Iterator[Table]:
    """A table in parts of so many rows."""
    for first in range(0, max(1, whole.rows), rows):
        chosen = slice(first, first + rows)
        yield Table(
            whole.source, {name: column[chosen] for name, column in whole.columns.items()}, whole.numbers[chosen]
        )


def suffix(path: str) -> str:
    """The ending that says what a file is: that before ``.gz``.

    >>> suffix("a.CSV.gz"), suffix("b.parquet")
    ('csv', 'parquet')
    """
    return Path(path.removesuffix(".gz")).suffix.lower().removeprefix(".")


def spread(name: str, array: Array) -> dict[str, Array]:
    """An array as columns: one by its name, or several by its name and their number. Raises ``DataError``."""
    if array.ndim == 0:
        raise DataError(f"{name} is a single number; there must be one for each row")
    flat = array.reshape(len(array), -1)
    if array.ndim == 1:
        return {name: of_array(array, name)}
    return {f"{name}{place + 1}": of_array(flat[:, place], name) for place in range(flat.shape[1])}


def of_array(values: Any, name: str) -> Array:
    """A column from a list or an array of values. Raises ``DataError`` for more than one axis."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column {name} has {array.ndim} axes; there must be one value for each row")
    if array.dtype.kind in "fiub":
        return np.asarray(array, dtype=float)
    return of_values([each.item() if isinstance(each, np.generic) else each for each in array], "data", name)
