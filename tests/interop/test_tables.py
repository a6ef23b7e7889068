"""Tables: real spreadsheets and CSV files of every kind, their places, and damaged ones."""

import csv
import datetime
import io
import re
import sys
import zipfile
from html import escape
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from chainrule.interop.tables import TableError, csv_sheet, decoded, delimiter_of, read_table
from chainrule.numbers.arithmetic import MissingLibraryError

ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">
<office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body></office:document-content>"""


def ods_cell(value: Any) -> str:
    match value:
        case None:
            return "<table:table-cell/>"
        case float() | int():
            shown = f"<text:p>{value:.2f}</text:p>"
            return f'<table:table-cell office:value-type="float" office:value="{value!r}">{shown}</table:table-cell>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'


def ods(sheets: dict[str, list[list[Any]]] | str) -> bytes:
    """An OpenDocument spreadsheet, written by hand."""
    if not isinstance(sheets, str):
        sheets = "".join(
            f'<table:table table:name="{escape(name)}">'
            + "".join(f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows)
            + "</table:table>"
            for name, rows in sheets.items()
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", ODS.format(sheets=sheets))
        manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        file.writestr("META-INF/manifest.xml", manifest)
    return stream.getvalue()


def xlsx(sheets: dict[str, list[list[Any]]], row: int = 0, column: int = 0) -> bytes:
    """An Excel workbook with tables that begin at a row and a column."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for place, cells in enumerate(rows):
            sheet.write_row(row + place, column, cells)
    book.close()
    return stream.getvalue()


TABLE: list[list[Any]] = [["name", "value"], ["net_h1", 0.3775], ["w_o[1,1]", "0.40"], ["a <b> & ä", -1.5e-7]]


def test_sheets_of_a_workbook_keep_their_rows_and_columns() -> None:
    sheets = read_table("a.xlsx", xlsx({"One": TABLE, "Two words": [[1, True]]}, 2, 1))
    assert [each.name for each in sheets] == ["One", "Two words"]
    rows = [(number, list(cells)) for number, cells in sheets[0].rows]
    assert rows == [(1, [""] * 3), (2, [""] * 3), *((place, ["", *cells]) for place, cells in enumerate(TABLE, 3))]
    assert list(sheets[1].rows[2][1]) == ["", 1.0, True]


def test_a_formula_gives_its_value_and_a_date_stays_one() -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    sheet.write_formula(0, 0, "=1/8", None, 0.125)
    sheet.write_datetime(0, 1, datetime.datetime(2024, 2, 1), book.add_format({"num_format": "dd/mm/yy"}))
    book.close()
    ((_, cells),) = read_table("a.xlsx", stream.getvalue())[0].rows
    assert cells[0] == 0.125
    assert isinstance(cells[1], datetime.date)


def test_an_open_document_spreadsheet() -> None:
    (sheet,) = read_table("a.ods", ods({"Blatt 1": TABLE}))
    assert sheet.name == "Blatt 1"
    assert [list(cells) for _, cells in sheet.rows] == TABLE


def test_empty_rows_and_cells_repeated_to_the_end_are_fine() -> None:
    """Spreadsheet programs write the rest of a sheet as one empty row, repeated a million times."""
    end = '<table:table-cell table:number-columns-repeated="16382"/></table:table-row>'
    rest = '<table:table-row table:number-rows-repeated="1048575">'
    rest += '<table:table-cell table:number-columns-repeated="16384"/>'
    row = f"<table:table-row>{ods_cell('w5')}{ods_cell(0.4)}"
    content = f'<table:table table:name="A">{row}{end}{rest}</table:table-row></table:table>'
    (sheet,) = read_table("a.ods", ods(content))
    assert [list(cells) for _, cells in sheet.rows] == [["w5", 0.4]]


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_sheet_that_claims_billions_of_cells_is_refused(kind: str) -> None:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    sheet.write(0, 0, 1)
    sheet.write(1048575, 16383, 1)
    book.close()
    cell = f'<table:table-cell table:number-columns-repeated="16384" {ods_cell(1.0).removeprefix("<table:table-cell ")}'
    row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    content = f'<table:table table:name="A">{row}</table:table>'
    with pytest.raises(TableError, match="17,179,869,184 cells"):
        read_table(f"a.{kind}", stream.getvalue() if kind == "xlsx" else ods(content))


def test_a_zip_bomb_is_refused() -> None:
    stream = io.BytesIO(xlsx({"A": TABLE}))
    with (
        zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as file,
        file.open("xl/media/a", "w", force_zip64=True) as part,
    ):
        for _ in range(2049):
            part.write(bytes(2**20))
    with pytest.raises(TableError, match="2 GB"):
        read_table("a.xlsx", stream.getvalue())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    for kind in ("xlsx", "ods", "xls"):
        with pytest.raises(
            MissingLibraryError, match=re.escape(f'reading .{kind} needs: pip install "chainrule[data]"')
        ):
            read_table(f"a.{kind}", xlsx({"A": TABLE}))


def test_other_files_by_the_name_of_a_spreadsheet_are_refused(tmp_path: Path) -> None:
    for kind in ("xlsx", "xls", "ods"):
        for data in (b"", b"net_h1 = 0.3775", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)):
            path = tmp_path / f"a.{kind}"
            path.write_bytes(data)
            with pytest.raises(TableError, match=re.escape(str(path))):
                read_table(path)
    with pytest.raises(OSError, match="No such file"):
        read_table(tmp_path / "none.xlsx")


# Text files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_every_delimiter_line_ending_and_encoding(delimiter: str, ending: str, encoding: str) -> None:
    rows = [["Größe", "Wert"], ["net_h1", "0.3775"], ["w5", "0.4"]]
    data = ending.join(delimiter.join(row) for row in rows).encode(encoding)
    (sheet,) = read_table("a.csv", data)
    assert sheet.rows == list(enumerate(rows, 1))
    assert sheet.grouped == (delimiter != ";")


def test_quotation_marks_lines_and_the_delimiter_inside_them() -> None:
    text = 'name,value\n"w_o[1,1]", "0,4"\n\n"two\nlines",1\nlast,"say ""x"""\n'
    rows = [(number, cells) for number, cells in csv_sheet(text).rows if cells]
    assert rows == [
        (1, ["name", "value"]), (2, ["w_o[1,1]", "0,4"]), (4, ["two\nlines", "1"]), (6, ["last", 'say "x"'])
    ]  # fmt: skip


def test_a_quotation_mark_that_is_not_closed_swallows_nothing() -> None:
    text = 'name,value\n"a,1\n' + "".join(f"b{n},{n}\n" for n in range(30))
    rows = csv_sheet(text).rows
    assert rows[2] == (3, ["b0", "0"])
    assert len(rows) == 33


def test_the_delimiter_that_a_spreadsheet_program_names() -> None:
    sheet = csv_sheet("sep=;\r\na;0,5\r\n")
    assert sheet.rows == [(2, ["a", "0,5"])]
    assert delimiter_of("a\nb\n") == ","
    assert delimiter_of('"a;b",1\n"c;d",2\n') == ","


def test_what_is_no_text_is_refused() -> None:
    for data in (bytes(100), b"\x7fELF\0\0\1\2", b"\xff\xfe\x00"):
        with pytest.raises(TableError, match="this is no text"):
            decoded(data, "a.csv")


# All of them

CELL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(lambda x: float(f"{x:.12g}")),
    st.text("abc_[]1 ,;\"'<&ä", min_size=1).filter(lambda text: text == text.strip() and not text.startswith("=")),
)
CELLS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1))


@given(CELLS)
def test_what_is_written_is_read_again(rows: list[list[Any]]) -> None:
    texts = [[cell if isinstance(cell, str) else repr(cell) for cell in row] for row in rows]
    (book,) = read_table("a.ods", ods({"A": rows}))
    assert [list(cells) for _, cells in book.rows] == rows
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL).writerows(texts)
    assert [cells for _, cells in csv_sheet(stream.getvalue(), ";").rows] == texts


WHOLE = [xlsx({"A": TABLE}), ods({"A": TABLE})]


@given(st.data())
def test_damage_leads_to_one_clear_refusal(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(WHOLE))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        changed = changed[: data.draw(st.integers(0, len(whole)))]
    try:
        read_table("a.xlsx", bytes(changed))
    except TableError as problem:
        said = str(problem)
    else:
        said = "a.xlsx: "
    assert said.startswith("a.xlsx: ")
    assert "\n" not in said
