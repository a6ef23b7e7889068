"""Mistakes that people made: each wrong number is found, and what is behind it is named."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from check.published_networks import CAUSES, CONVENTIONS, MISTAKES, NAMES, ROUNDING, Handed, handed_in, kind, missed

ROOT = Path(__file__).parent.parent.parent

# What is not found yet, and why.
MISSED: dict[str, str] = {}


def expected_to_fail(entry: str) -> object:
    marks = [pytest.mark.xfail(strict=True, reason=MISSED[entry])] if entry in MISSED else []
    return pytest.param(entry, marks=marks)


def test_every_entry_is_tried() -> None:
    assert set(NAMES) == set(MISTAKES)
    assert {each["category"] for each in MISTAKES.values()} == {*CAUSES, *CONVENTIONS, ROUNDING}


@pytest.mark.parametrize("entry", [expected_to_fail(entry) for entry in MISTAKES])
def test_entry(entry: str) -> None:
    assert missed(entry) == ""


def first_cause(handed: Handed) -> str:
    return kind(handed.causes[0]["id"])


def test_reader_who_took_w6_for_w7() -> None:
    handed = handed_in("W01-mazur", ("dE_o2/dout_h1",), ("-0.01714420647497980579542508125",))
    assert handed.first_wrong == "dE_o2/dout_h1"
    assert first_cause(handed) == "transposed-backward"


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (("dE/db2", "b2+"), ("0.5242935348737783", "0.33785323256311084")),
        (("dE/db1", "b1+"), ("0.0777206290418894", "0.3111396854790553")),
    ],
)
def test_reader_who_added_up_derivatives_by_outputs(names: tuple[str, str], texts: tuple[str, str]) -> None:
    handed = handed_in("W01-mazur", names, texts)
    assert handed.first_wrong == names[0]
    assert handed.verdicts[names[1]]["verdict"] == "follows from your earlier value"
    best = handed.causes[0]
    assert "error-for-delta" in (best["id"], *best["ambiguous_with"])


def test_reader_who_read_a_target_as_a_tenth() -> None:
    names = ("out_o1", "E_o1", "E_o2", "E_total")
    handed = handed_in("W01-mazur", names, ("0.75136507", "0.212138227", "0.023560026", "0.235698253"))
    assert handed.first_wrong == "E_o1"
    assert handed.causes[0]["text"] == "target_o1 is read as 0.1: the point is moved"
    assert [each["verdict"] for each in handed.check.verdicts] == [
        "right to the digits given", "wrong", "right to the digits given", "follows from your earlier value",
    ]  # fmt: skip


PRINTED = {
    "E_total after 1": ("0.291027924", "updated-weights"),
    "E_total after 10000": ("0.0000351085", "after-9999-rounds"),
    "out_o1 after 10000": ("0.015912196", "updated-weights"),
    "out_o2 after 10000": ("0.984065734", "updated-weights"),
}


def test_the_tutorials_own_figures() -> None:
    texts = tuple(text for text, _ in PRINTED.values())
    handed = handed_in("W01-mazur", tuple(PRINTED), texts, published=True)
    assert handed.first_wrong == "E_total after 1"
    for name, (_, cause) in PRINTED.items():
        verdict = handed.verdicts[name]
        assert (verdict["verdict"], verdict["causes"][0]["id"]) == ("wrong", cause), name


def table_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mistakes_table", ROOT / "scripts" / "mistakes_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_in_the_docs_is_what_a_run_gives() -> None:
    maker = table_maker()
    page = maker.PAGE.read_text("utf-8")
    assert maker.without_seconds(page) == maker.without_seconds(maker.renewed(page)), (
        "docs/check-corpus.md is not what is found now; if that is right: python scripts/mistakes_table.py"
    )


@pytest.mark.parametrize(("line", "expected"), [("| M001 | a | 0.4 |", "| M001 | a |"), ("a 0.4 b", "a 0.4 b")])
def test_seconds_are_not_compared(line: str, expected: str) -> None:
    assert table_maker().without_seconds(line) == expected
