"""Tables from CSV files and spreadsheets: rows of cells, each with the place where it stands."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

from chainrule.numbers.arithmetic import MissingLibraryError

DELIMITERS = ",;\t|"
Row = tuple[str, list[Any]]  # where it stands, and its cells


class TableError(ValueError):
    """A table that can't be read: says what is wrong with the file."""


def csv_rows(text: str) -> list[Row]:
    """The rows of a CSV text; the delimiter is the one that its first lines have most of.

    >>> csv_rows("name;value\\nnet_h1;0,3775\\n")
    [('line 1', ['name', 'value']), ('line 2', ['net_h1', '0,3775'])]
    """
    start = "\n".join(text.lstrip("\ufeff").splitlines()[:20])
    delimiter = max(DELIMITERS, key=lambda each: start.count(each) if each != "," or ";" not in start else 0)
    lines = text.lstrip("\ufeff").splitlines()
    kept = [
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    try:
        cells = list(csv.reader(StringIO("\n".join(line for _, line in kept)), delimiter=delimiter))
    except csv.Error as problem:
        raise TableError(f"this is no table: {problem}") from None
    return [(f"line {number}", [cell.strip() for cell in row]) for (number, _), row in zip(kept, cells, strict=False)]


def sheets(path: str) -> list[tuple[str, list[Row]]]:
    """The sheets of a spreadsheet (.xlsx, .ods, .xls) with their rows.

    Raises `MissingLibraryError` where python-calamine isn't installed, and `TableError` for a file that isn't one.
    """
    try:
        import python_calamine
    except ImportError:
        raise MissingLibraryError(f'reading {Path(path).suffix} needs: pip install "chainrule[data]"') from None
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
        found = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError) as problem:
        raise TableError(f"{path}: {problem}") from None
    return [
        (name, [(f"sheet {name}, row {number}", list(row)) for number, row in enumerate(rows, 1)])
        for name, rows in found
    ]
