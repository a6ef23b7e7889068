"""Tables from CSV files and spreadsheets: sheets of rows of cells, each row with its number."""

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO

from chainrule.interop.archives import DAMAGED, said
from chainrule.numbers.arithmetic import MissingLibraryError

Row = tuple[int, Sequence[object]]  # its number, counted from 1: the line of a file, the row of a sheet
DELIMITERS = ("\t", ";", "|", ",")
SPREADSHEETS = ("xlsx", "xlsm", "xls", "ods")
MOST_CELLS = 20_000_000  # of a spreadsheet, from its first to its last one
LARGEST = 2 * 2**30  # bytes of a file, also when unpacked
BROKEN_QUOTE = 10  # lines of a cell: with more, a quotation mark was not closed


class TableError(ValueError):
    """A table that can't be read: says what is wrong with the file."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. ``name`` is that of a spreadsheet's sheet, and nothing for a text file.

    ``grouped`` says that a comma in a number groups thousands; in a file whose delimiter is a semicolon it is the
    decimal mark.
    """

    name: str
    rows: Sequence[Row]
    grouped: bool = True


def read_table(path: str | Path, data: bytes | None = None, kind: str = "") -> list[Sheet]:
    """The sheets of a spreadsheet (.xlsx, .xls, .ods), or the one table of a text file (.csv, .tsv).

    ``data`` is the file's content where it is at hand already, ``kind`` its ending where the path doesn't say it.
    Raises `TableError` for a file that can't be read, `MissingLibraryError` where reading it needs an extra, and
    ``OSError`` where it isn't there.
    """
    kind = kind or Path(path).suffix.lower().removeprefix(".")
    data = Path(path).read_bytes() if data is None else data
    if kind in SPREADSHEETS:
        return _spreadsheet(path, data, kind)
    return [csv_sheet(decoded(data, str(path)), "\t" if kind == "tsv" else "")]


def decoded(data: bytes, source: str) -> str:
    """A file's text: UTF-16 or UTF-8 by its first bytes, else UTF-8, else Latin-1.

    >>> decoded("é".encode("utf-16"), ""), decoded(b"\\xe9", "")
    ('é', 'é')
    """
    start = data[:4096]
    try:
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        even, odd = start[::2].count(0), start[1::2].count(0)
        if odd > len(start) // 3 and not even:
            return data.decode("utf-16-le")
        if even > len(start) // 3 and not odd:
            return data.decode("utf-16-be")
    except UnicodeDecodeError:
        start = b"\0"
    if b"\0" in start:
        raise TableError(
            f"{source}: this is no text; hand in text, CSV, JSON, TOML, a spreadsheet (.xlsx, .ods), .npz, .npy, "
            ".safetensors or a PyTorch state dict"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def csv_sheet(text: str, delimiter: str = "") -> Sheet:
    """The table of a CSV text; the delimiter is seen from its first lines.

    >>> csv_sheet("name;value\\nnet_h1;0,3775\\n")
    Sheet(name='', rows=[(1, ['name', 'value']), (2, ['net_h1', '0,3775'])], grouped=False)
    """
    first = 1
    if (match := re.match(r"sep=(.)\r?\n", text)) is not None:  # a spreadsheet program's way of naming it
        delimiter, text, first = match[1], text[match.end() :], 2
    delimiter = delimiter or delimiter_of(text)
    try:
        rows = _quoted_rows(text, delimiter, first)
    except csv.Error:
        lines = re.split(r"\r\n|\r|\n", text)
        rows = [(number, line.split(delimiter)) for number, line in enumerate(lines, first)]
    return Sheet("", rows, delimiter != ";")


def _quoted_rows(text: str, delimiter: str, first: int) -> list[Row]:
    """Rows whose cells may stand in quotation marks. Raises ``csv.Error`` where those don't fit."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[Row] = []
    before = 0
    for cells in reader:
        if reader.line_num - before > BROKEN_QUOTE:
            raise csv.Error
        rows.append((before + first, cells))
        before = reader.line_num
    return rows


def delimiter_of(text: str) -> str:
    """The delimiter of a CSV text: the one that most of its first lines have; a comma where there is none."""
    lines = re.sub(r'"[^"\n]*"', "", text[:20_000]).split("\n")
    lines = [line for line in lines[:30] if line.strip() and not line.startswith("#")]
    counts = {each: sum(each in line for line in lines) for each in DELIMITERS}
    return max(DELIMITERS, key=counts.__getitem__) if any(counts.values()) else ","


def _spreadsheet(path: str | Path, data: bytes, kind: str) -> list[Sheet]:
    try:
        import python_calamine
    except ImportError:
        raise MissingLibraryError(f'reading .{kind} needs: pip install "chainrule[data]"') from None
    _refuse_bombs(path, data)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(BytesIO(data))
        sheets = [
            (str(name), book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names
        ]
    except BaseException as problem:
        # A damaged file can make the library panic, which is no ``Exception``.
        if isinstance(problem, Exception):
            raise TableError(f"{path}: this spreadsheet can't be read: {said(problem)}; save it again") from None
        if type(problem).__name__ == "PanicException":
            raise TableError(f"{path}: this spreadsheet is damaged; save it again") from None
        raise
    return [Sheet(name, list(enumerate(rows, 1))) for name, rows in sheets]


# A spreadsheet of a few bytes can claim to have billions of cells, for all of which the library would take memory.

XLSX_CELL = re.compile(rb'<(?:\w+:)?(?:c|row)\s[^<>]*?\br="([A-Z]{0,3})(\d{1,9})"')
ODS_TAG = re.compile(rb"<table:(table|table-row|table-cell|covered-table-cell)(\s[^<>]*?)?(/?)>")
ODS_ROWS = re.compile(rb'table:number-rows-repeated="(\d{1,12})"')
ODS_COLUMNS = re.compile(rb'table:number-columns-repeated="(\d{1,12})"')


def _refuse_bombs(path: str | Path, data: bytes) -> None:
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            if sum(each.file_size for each in file.infolist()) > LARGEST:
                raise TableError(f"{path}: unpacked it has more than 2 GB; hand in a part of it")
            for name in file.namelist():
                count = _ods_cells if name == "content.xml" else _xlsx_cells
                with file.open(name) as part:
                    cells = count(part)
                if cells > MOST_CELLS:
                    raise TableError(f"{path}: a sheet has {cells:,} cells; hand in the part with the answers")
    except TableError:
        raise
    except DAMAGED as problem:
        raise TableError(f"{path}: this spreadsheet is damaged: {said(problem)}") from None


def _tags(part: IO[bytes]) -> Iterator[bytes]:
    """An XML file in pieces that end at the end of a tag."""
    rest = b""
    while chunk := part.read(2**20):
        text = rest + chunk
        end = text.rfind(b">") + 1
        yield text[:end]
        rest = text[end:] if len(text) - end < 2**24 else b""


def _xlsx_cells(part: IO[bytes]) -> int:
    """How many cells there are from the first to the last one."""
    rows = columns = 0
    for text in _tags(part):
        for match in XLSX_CELL.finditer(text):
            rows = max(rows, int(match[2]))
            column = 0
            for letter in match[1]:
                column = column * 26 + letter - 64
            columns = max(columns, column)
    return rows * max(1, columns)


def _ods_cells(part: IO[bytes]) -> int:
    """The same for a sheet in which rows and cells may be repeated; those at the end that are empty don't count."""
    most = rows = columns = column = repeat = 0
    for text in _tags(part):
        for match in ODS_TAG.finditer(text):
            tag, attributes, closed = match[1], match[2] or b"", match[3]
            if tag == b"table":
                rows = columns = 0
            elif tag == b"table-row":
                found = ODS_ROWS.search(attributes)
                repeat, column = int(found[1]) if found else 1, 0
                rows += repeat
            else:
                found = ODS_COLUMNS.search(attributes)
                column += int(found[1]) if found else 1
                if not closed or b"office:" in attributes:
                    columns = max(columns, column)
                    most = max(most, rows * columns)
    return most
