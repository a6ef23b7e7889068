"""Tables from files, arrays and data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.training.binary_files import npz_parts, parquet_parts, sheet_parts
from chainrule.training.columns import File, Table, joined, of_array, of_values, spread, suffix, table, unsettled
from chainrule.training.problems import DataError
from chainrule.training.text_files import csv_parts, json_lines_parts

Array = NDArray[Any]
Reader = Callable[[File, frozenset[str]], Iterator[Table]]


@dataclass(frozen=True, slots=True)
class Data:
    """Data to train on, evaluate or predict: whatever `read` takes.

    ``sheet`` and ``missing`` are for spreadsheets and text files. ``stream`` reads a file in parts, again in each
    epoch, instead of taking it into memory.
    """

    source: Any
    sheet: str = ""
    missing: Sequence[str] = ()
    stream: bool = False

    @property
    def name(self) -> str:
        """The path; nothing for data without one."""
        return str(self.source) if isinstance(self.source, str | Path) else ""


def read(source: Any, sheet: str = "", missing: Sequence[str] = ()) -> Table:
    """A whole table: from a file by its path, a dictionary of columns, a data frame, or arrays.

    An array, or a pair of inputs and targets, has the columns x1, x2, ... and target, as in `of_arrays`.

    Raises ``DataError`` for what can't be read, with its line, row and column, and ``MissingLibraryError`` where an
    optional library is needed.
    """
    if isinstance(source, str | Path):
        file = File(str(source), sheet, tuple(missing))
        return joined(_settled(file))
    if isinstance(source, Table):
        return source
    if isinstance(source, Mapping):
        columns = {str(name): of_array(values, str(name)) for name, values in source.items()}
        return table("data", columns)
    if isinstance(source, np.ndarray):
        return of_arrays(source)
    if isinstance(source, tuple) and len(source) == 2:
        return of_arrays(*source)
    return _frame(source)


def parts(file: File, text: frozenset[str] = frozenset()) -> Iterator[Table]:
    """The file's rows, some at a time. Columns in ``text`` are read as text, also where they look like numbers."""
    kind = suffix(file.path)
    if kind not in READERS:
        known = ", ".join(f".{each}" for each in READERS)
        raise DataError(f"{file.path}: files ending with .{kind} can't be read; there are: {known}")
    try:
        yield from READERS[kind](file, text)
    except OSError as problem:
        raise DataError(f"{file.path}: {(problem.strerror or str(problem)).lower()}") from None
    except UnicodeDecodeError:
        raise DataError(f"{file.path}: this is not UTF-8 text; save it as UTF-8") from None


def _settled(file: File) -> list[Table]:
    """All parts of a file, each column of one kind in all of them."""
    found = list(parts(file))
    mixed = unsettled(found)
    if mixed:
        found = list(parts(file, mixed))
    texts = {name for part in found for name, column in part.columns.items() if column.dtype == object}
    return [_as_text(part, texts) for part in found]


def _as_text(part: Table, texts: set[str]) -> Table:
    """Columns without anything in them are of the kind that they have elsewhere."""
    if not any(part.columns[name].dtype != object for name in texts):
        return part
    columns = {
        name: np.full(len(column), None, object) if name in texts and column.dtype != object else column
        for name, column in part.columns.items()
    }
    return Table(part.source, columns, part.numbers)


READERS: Mapping[str, Reader] = {
    "csv": csv_parts, "tsv": csv_parts, "txt": csv_parts, "data": csv_parts,
    "parquet": parquet_parts,
    "jsonl": json_lines_parts, "ndjson": json_lines_parts,
    "npz": npz_parts,
    "xlsx": sheet_parts, "xls": sheet_parts, "xlsb": sheet_parts, "ods": sheet_parts,
}  # fmt: skip


def of_arrays(x: Any, target: Any = None) -> Table:
    """A table from arrays: columns x1, x2, ...; and target, or target1, target2, ... where there are several.

    What has more than two axes, such as pictures, is read as a row of numbers for each sample.

    >>> list(of_arrays([[1, 2], [3, 4]], [0, 1]).columns)
    ['x1', 'x2', 'target']
    """
    inputs = np.asarray(x)
    if not inputs.size:
        raise DataError("there are no rows of data")
    columns = spread("x", inputs.reshape(len(inputs), -1))
    if target is not None:
        columns |= spread("target", np.asarray(target))
    return table("data", columns)


def _frame(frame: Any) -> Table:
    """A data frame of whatever library."""
    try:
        import narwhals
    except ImportError:
        raise MissingLibraryError('reading data frames needs: pip install "chainrule[data]"') from None
    try:
        known = narwhals.from_native(frame)
    except TypeError:
        raise DataError(
            f"data are a file, a dictionary of columns, arrays or a data frame, not {type(frame).__name__}"
        ) from None
    try:
        eager = known.collect() if isinstance(known, narwhals.LazyFrame) else known
    except ImportError as problem:
        raise MissingLibraryError(f"this data frame has to be collected, and that needs {problem.name}") from None
    columns = {}
    for name in eager.columns:
        series = eager[name]
        numeric = series.dtype.is_numeric() or series.dtype == narwhals.Boolean
        if numeric and not series.null_count():
            columns[name] = np.asarray(series.to_numpy(), dtype=float)
        else:
            pairs = zip(series.to_list(), series.is_null().to_list(), strict=True)
            columns[name] = of_values([None if empty else each for each, empty in pairs], "data", name)
    return table("data", columns)
