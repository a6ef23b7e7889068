"""Tables from files of every kind; what is wrong with one is said with its line or row and its column."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import xlsxwriter

from chainrule.training import columns, text_files
from chainrule.training.columns import File, Table
from chainrule.training.problems import DataError
from chainrule.training.readers import parts, read


def values(table: Table) -> dict[str, list[Any]]:
    """The columns as lists, with None for whatever is missing."""
    return {
        name: [None if each is None or each != each else each for each in column.tolist()]
        for name, column in table.columns.items()
    }


def text_file(folder: Path, text: str, name: str = "data.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


PEOPLE = {"age": [41.0, None, 7.5], "town": ["Ulm", "Köln", None]}


def test_csv_with_text_and_gaps(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, 'age,town\n41,Ulm\nNA,"Köln"\n7.5,\n'))) == PEOPLE


def test_csv_of_numbers_needs_no_other_library(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, "a,b\n1,2.5\n-3e2,4\n"))) == {"a": [1, -300], "b": [2.5, 4]}


def test_csv_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, "a;b\n1,5;x\n2;y\n"))) == {"a": [1.5, 2], "b": ["x", "y"]}


def test_tabs_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_bytes("\ufeffa\tb\r\n1\t2\r\n".encode())
    assert values(read(path)) == {"a": [1], "b": [2]}


def test_csv_without_a_header(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, "1,2\n3,4\n"))) == {"column1": [1, 3], "column2": [2, 4]}


def test_compressed_csv(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n"))
    assert values(read(path)) == {"a": [1]}


def test_other_marks_of_what_is_missing(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, "a,b\n1,x\n?,?\n"), missing=["?"])) == {"a": [1, None], "b": ["x", None]}


def test_a_number_can_stand_for_nothing(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, "a,b\n-999,1\n2,3\n"), missing=["-999"])) == {"a": [None, 2], "b": [1, 3]}


def test_a_delimiter_inside_quotes_is_none(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, '"a,b,c";d\n1;2\n'))) == {"a,b,c": [1], "d": [2]}


def test_quoted_cells_over_several_lines(tmp_path: Path) -> None:
    assert values(read(text_file(tmp_path, 'a,b\n1,"x, and\ny"\n'))) == {"a": [1], "b": ["x, and\ny"]}


def test_numbers_that_look_like_others_stay_text(tmp_path: Path) -> None:
    """Python would read 1_000 as a number."""
    assert values(read(text_file(tmp_path, "a\n1_000\n2\n"))) == {"a": ["1_000", "2"]}


def test_a_column_is_of_one_kind_in_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text far down: the numbers before it are read again as what was typed."""
    monkeypatch.setattr(text_files, "PART", 2)
    table = read(text_file(tmp_path, "a,b,c\n01,1,\n2,2,\n3,3,\nx,4,z\n5,5,\n"))
    assert values(table) == {"a": ["01", "2", "3", "x", "5"], "b": [1, 2, 3, 4, 5], "c": [None] * 3 + ["z", None]}
    assert table.numbers.tolist() == [1, 2, 3, 4, 5]


def test_rows_keep_their_numbers_over_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "PART", 2)
    found = list(parts(File(text_file(tmp_path, "a,b\n1,1\n\n2,2\n3,3\n4,4\n5,5\n"))))
    assert [part.numbers.tolist() for part in found if part.rows] == [[1], [2, 3], [4, 5]]
    assert [part.columns["a"].tolist() for part in found if part.rows] == [[1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n3\n", "line 3 (row 2): there are 1 cells, but 2 columns"),
        ("a,b\n1,x\n\n3,4,5\n", "line 4 (row 2): there are 3 cells, but 2 columns"),
        ('a,b\n1,"x\ny"\n2\n', "line 4 (row 2): there are 1 cells"),
        ("a,a\n1,2\n", "two columns have the name 'a', column 1 and column 2"),
    ],
)
def test_a_csv_that_is_not_a_table(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as problem:
        read(text_file(tmp_path, text))
    assert said in str(problem.value)


def test_files_that_are_not_there_or_of_no_known_kind(tmp_path: Path) -> None:
    for name, said in (("gone.csv", "no such file"), ("gone.parquet", "no such file"), ("a.docx", "can't be read")):
        with pytest.raises(DataError, match=said):
            read(tmp_path / name)
    (tmp_path / "latin.csv").write_bytes("a\nKöln\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read(tmp_path / "latin.csv")


def parquet(folder: Path, query: str) -> str:
    path = str(folder / "data.parquet")
    with duckdb.connect() as database:
        database.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = """SELECT * FROM (VALUES (41.0, 'Ulm', true, DATE '2020-02-01'), (NULL, 'Köln', false, NULL),
        (7.5, NULL, NULL, DATE '2020-02-03')) AS t(age, town, yes, "the day")"""
    path = parquet(tmp_path, query)
    wanted = PEOPLE | {"yes": [1, 0, None], "the day": ["2020-02-01", None, "2020-02-03"]}
    assert values(read(path)) == wanted
    monkeypatch.setattr("chainrule.training.binary_files.PART", 2)
    assert [part.numbers.tolist() for part in parts(File(path))] == [[1, 2], [3]]
    assert values(read(path)) == wanted


def test_parquet_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column tags: it holds integer\[\]"):
        read(parquet(tmp_path, "SELECT 1 AS a, [1, 2] AS tags"))
    (tmp_path / "no.parquet").write_bytes(b"nothing of that kind")
    with pytest.raises(DataError, match=r"no\.parquet"):
        read(tmp_path / "no.parquet")


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"age": 41, "town": "Ulm"}, {"town": "Köln"}, {"age": 7.5, "town": None}]
    text = "\n".join(json.dumps(row) for row in rows)
    assert values(read(text_file(tmp_path, text, "data.jsonl"))) == PEOPLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: this is not JSON"),
        ('{"a": 1}\n[1]\n', "line 2: each line is an object"),
        ('{"a": 1}\n{"a": [2]}\n', "row 2, column a: '[2]' is neither a number nor text"),
    ],
)
def test_json_lines_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as problem:
        read(text_file(tmp_path, text, "data.jsonl"))
    assert said in str(problem.value)


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x=np.arange(12).reshape(3, 2, 2), y=np.array(["a", "b", "a"]))
    table = read(path)
    assert list(table.columns) == ["x1", "x2", "x3", "x4", "y"]
    assert values(table)["x4"] == [3, 7, 11]
    assert values(table)["y"] == ["a", "b", "a"]


def test_npz_that_cannot_be_used(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.zeros(4))
    with pytest.raises(DataError, match="column y: it has 4 rows, but x1 has 3"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match=r"b\.npz: .*allow_pickle"):
        read(tmp_path / "b.npz")


def test_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("notes").write(0, 0, "nothing here")
        sheet = book.add_worksheet("people")
        for row, cells in enumerate([("age", "town", "day"), (41, "Ulm", 3), (None, "Köln", 4), (7.5, None, "5")]):
            for place, cell in enumerate(cells):
                if cell is not None:
                    sheet.write(row, place, cell)
    assert values(read(path, sheet="people")) == PEOPLE | {"day": ["3", "4", "5"]}
    with pytest.raises(DataError, match="there is no sheet 'folk'; there are: notes, people"):
        read(path, sheet="folk")
    (tmp_path / "no.xlsx").write_bytes(b"no")
    with pytest.raises(DataError, match=r"no\.xlsx"):
        read(tmp_path / "no.xlsx")


def test_dictionaries_arrays_and_tables() -> None:
    table = read({"age": [41, np.nan, 7.5], "town": ["Ulm", "Köln", None], "day": [date(2020, 1, 2)] * 3})
    assert values(table) == PEOPLE | {"day": ["2020-01-02"] * 3}
    assert read(table) is table
    assert values(read(np.array([[1, 2]]))) == {"x1": [1], "x2": [2]}
    assert values(read((np.zeros((1, 2, 2)), [1]))) == {"x1": [0], "x2": [0], "x3": [0], "x4": [0], "target": [1]}
    with pytest.raises(DataError, match="column b: it has 1 rows, but a has 2"):
        read({"a": [1, 2], "b": [1]})
    with pytest.raises(DataError, match="not int"):
        read(3)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library: str) -> None:
    frames = pytest.importorskip(library)
    table = read(
        frames.DataFrame({"age": [41.0, None, 7.5], "town": ["Ulm", "Köln", None], "yes": [True, False, True]})
    )
    assert values(table) == PEOPLE | {"yes": [1, 0, 1]}


def test_data_frames_that_are_collected_first() -> None:
    pytest.importorskip("pyarrow")
    table = read(duckdb.sql("SELECT 1.5 AS a, 'x' AS b"))
    assert values(table) == {"a": [1.5], "b": ["x"]}


def test_a_missing_column_names_the_nearest() -> None:
    table = read({"colour": ["red"], "size": [1.0]})
    with pytest.raises(DataError, match="data: there is no column 'color'; did you mean colour"):
        columns.column_of(table, "color")
