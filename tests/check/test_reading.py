"""Answers in every form that people and programs give them: the same names, digits, units, rounds and places."""

import datetime
import io
import json
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.check import tree_answers
from chainrule.check.answers import Answer, Answers, AnswersError
from chainrule.check.reading import answers_from, read_answers
from chainrule.check.typed import of_float, typed
from chainrule.model import load, present
from chainrule.numbers.arithmetic import MissingLibraryError

GOLDEN = Path(__file__).parent.parent / "golden"


def plain(answers: Answers) -> list[tuple[str, str, str, int]]:
    """Name, text, unit and rounds of each number."""
    return [(each.name, each.text, f"{each.unit:f}", each.after) for each in answers.numbers]


def read_text(text: str, tmp_path: Path, ending: str = "txt") -> Answers:
    path = tmp_path / f"answers.{ending}"
    path.write_text(text, encoding="utf-8", newline="")
    return read_answers(str(path))


# Numbers

NUMBERS = [
    ("0.3775", "0.3775", "0.0001"),
    ("3.8e-4", "0.00038", "0.00001"),
    ("120", "120", "0"),
    ("-0.10", "-0.10", "0.01"),
    ("1/2", "0.5", "0"),
    ("-3/4", "-0.75", "0"),
    ("50%", "0.50", "0.01"),
    ("12.5 %", "0.125", "0.001"),
    ("1,234.5", "1234.5", "0.1"),
    ("1.234,5", "1234.5", "0.1"),
    ("1,234,567", "1234567", "0"),
    ("1 234.50", "1234.50", "0.01"),
    ("1_000.5", "1000.5", "0.1"),
    ("0,3775", "0.3775", "0.0001"),
    ("0,377", "0.377", "0.001"),
    (".5", "0.5", "0.1"),
    ("5.", "5", "0"),
    ("−0.25", "-0.25", "0.01"),
    ("– 0.25", "-0.25", "0.01"),
    ("+0.25", "0.25", "0.01"),
    ("1.2×10^-3", "0.0012", "0.0001"),
    ("1.2x10^{-3}", "0.0012", "0.0001"),
    ("1.2 · 10⁻³", "0.0012", "0.0001"),
    ("1.2*10**-3", "0.0012", "0.0001"),
    ("1.2E−3", "0.0012", "0.0001"),
    ("1.2D-03", "0.0012", "0.0001"),
    ("2e3", "2000", "1000"),
    ("nan", "NaN", "0"),
    ("-inf", "-Infinity", "0"),
    ("∞", "Infinity", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "unit"), NUMBERS, ids=[each[0] for each in NUMBERS])
def test_a_number_is_read_with_the_worth_of_its_last_digit(text: str, value: str, unit: str) -> None:
    found = typed(text)
    assert found is not None
    assert found.text == text
    assert str(found.value) == str(Decimal(value)) or found.value == Decimal(value)
    assert found.unit == Decimal(unit)


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.2.3", "0.377 0.392", "1,2,3", "a", "1a", "0x10", "1e", "1/0", "1e99999", "--1", "1" * 3000],
)
def test_what_is_no_number(text: str) -> None:
    assert typed(text) is None


def test_a_comma_before_three_digits_is_decided_by_the_rest() -> None:
    assert answers_from("a = 1,234\nb = 0,5").numbers[0].value == Decimal("1.234")
    assert answers_from("a = 1,234\nb = 0.5").numbers[0].value == 1234


def test_a_float_with_many_digits_has_all_its_bits() -> None:
    assert of_float(0.123456789012).unit == Decimal("1e-12")
    assert of_float(0.1234567890123).unit == 0
    assert of_float(1e-300).unit == Decimal("1e-300")
    assert of_float(np.float32(0.1)).text == "0.1"
    assert of_float(float("-inf")).value == Decimal("-Infinity")


# Lines of text: what stands there, and name, text and rounds of what is read.

LINES: list[tuple[str, list[tuple[str, str, int]]]] = [
    ("net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1: 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1\t0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1 ≈ 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1 := 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1 -> 0.3775", [("net_h1", "0.3775", 0)]),
    ("net h1 is 0.3775.", [("net h1", "0.3775", 0)]),
    ("The total error is 0.298", [("total error", "0.298", 0)]),
    ("- net_h1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("* [x] net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("3. net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("a) net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("> net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("dE/dw5 = 0.082167041", [("dE/dw5", "0.082167041", 0)]),
    ("∂E/∂w5 = 0.74 · 0.19 · 0.59 = 0.082", [("∂E/∂w5", "0.082", 0)]),
    ("new w5 = 0.35891648", [("new w5", "0.35891648", 0)]),
    ("new w5: 0.4 - 0.5*0.082167041 = 0.35891648", [("new w5", "0.35891648", 0)]),
    ("w5+ = 0.3589", [("w5+", "0.3589", 0)]),
    ("w5' = 0.3589", [("w5'", "0.3589", 0)]),
    ("δ_o1 = 0.1385", [("δ_o1", "0.1385", 0)]),
    ("Forward pass: net_h1 = w1*i1 + w2*i2 + b1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("net_h1: w1*i1 + w2*i2 + b1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("E_o1 = 1/2 (0.01 - 0.75136507)^2 = 0.274811083", [("E_o1", "0.274811083", 0)]),
    ("out_o1 after 10000 = 0.0159", [("out_o1", "0.0159", 10000)]),
    ("out_o1_after_10000 = 0.0159", [("out_o1", "0.0159", 10000)]),
    ("out_o1 (after 10,000 rounds) = 0.0159", [("out_o1", "0.0159", 10000)]),
    ("out_o1 = 0.0159 after 10000 iterations", [("out_o1", "0.0159", 10000)]),
    ("after 10000 rounds: out_o1 = 0.0159, out_o2 = 0.984", [("out_o1", "0.0159", 10000), ("out_o2", "0.984", 10000)]),
    ("After 1 round, E_total = 0.291", [("E_total", "0.291", 1)]),
    ("E_total after 1 round 0.291", [("E_total", "0.291", 1)]),
    ("Round 3: E_total = 0.28", [("E_total", "0.28", 2)]),
    ("Epoch 5/10 - loss: 0.31", [("loss", "0.31", 4)]),
    ("2nd round: E = 0.291", [("E", "0.291", 1)]),
    ("a = 1, b = 2", [("a", "1", 0), ("b", "2", 0)]),
    ("a = 1; b = 0,5", [("a", "1", 0), ("b", "0,5", 0)]),
    ("a = 0,5, b = 0,25", [("a", "0,5", 0), ("b", "0,25", 0)]),
    ("a=0.5 b=0.25", [("a", "0.5", 0), ("b", "0.25", 0)]),
    ("a = 0.5   b = 0.25", [("a", "0.5", 0), ("b", "0.25", 0)]),
    ("w5 is 0.3589 and w6 is 0.4087", [("w5", "0.3589", 0), ("w6", "0.4087", 0)]),
    ("{'w5': 0.3589, \"w6\": 0.4087}", [("w5", "0.3589", 0), ("w6", "0.4087", 0)]),
    ("w_o[1,1] = 0.4, w_o[1,2] = 0.45", [("w_o[1,1]", "0.4", 0), ("w_o[1,2]", "0.45", 0)]),
    ("w = [0.4, 0.45]", [("w[1]", "0.4", 0), ("w[2]", "0.45", 0)]),
    ("w = (0.4, 0.45)", [("w[1]", "0.4", 0), ("w[2]", "0.45", 0)]),
    ("w = [0.4 0.45; 0.5 0.55]",
     [("w[1,1]", "0.4", 0), ("w[1,2]", "0.45", 0), ("w[2,1]", "0.5", 0), ("w[2,2]", "0.55", 0)]),
    ("w [[0.40 0.45]]", [("w[1,1]", "0.40", 0), ("w[1,2]", "0.45", 0)]),
    ("w = [[1/2], [nan]]", [("w[1,1]", "1/2", 0), ("w[2,1]", "nan", 0)]),
    ("loss = tensor(0.2984, grad_fn=<MulBackward0>)", [("loss", "0.2984", 0)]),
    ("loss: np.float64(0.2984)", [("loss", "0.2984", 0)]),
    ("x = Decimal('0.10')", [("x", "0.10", 0)]),
    ("net_h1 = 0.3775 # as on page 3", [("net_h1", "0.3775", 0)]),
    ("net_h1 = 0.3775 // rounded", [("net_h1", "0.3775", 0)]),
    ("net_h1#2 = 0.3775", [("net_h1#2", "0.3775", 0)]),
    ("net_h1^(2) = 0.3775", [("net_h1^(2)", "0.3775", 0)]),
    ("net_h1 sample 2 0.3775", [("net_h1 sample 2", "0.3775", 0)]),
    ("net_h1 = 0.3775 (rounded, from line 2)", [("net_h1", "0.3775", 0)]),
    ("net_h1 = 0.3775, from line 2", [("net_h1", "0.3775", 0)]),
    ("net_h1 = 0.3775 rad", [("net_h1", "0.3775", 0)]),
    ("net_h1 = 0.3775 ± 0.0001", [("net_h1", "0.3775", 0)]),
    ("net_h1 = 0.377...", [("net_h1", "0.377", 0)]),
    ("$net_{h1} = 0.3775$", [("net_{h1}", "0.3775", 0)]),
    (r"w_5^{+} = 0{,}3589 \\", [("w_5^{+}", "0,3589", 0)]),
    (r"$$\frac{\partial E}{\partial w_5} &= 0.14 \cdot 0.59 = 8.2\times 10^{-2}$$",
     [(r"\frac{\partial E}{\partial w_5}", r"8.2× 10^{-2}", 0)]),
    (r"\text{net}_{h1} \approx 0.3775", [("net_{h1}", "0.3775", 0)]),
    ("**net_h1** = `0.3775`", [("net_h1", "0.3775", 0)]),
    ("| net_h1 | 0.3775 |", [("net_h1", "0.3775", 0)]),
    ("2024-01-01 12:00:00,123 INFO net_h1 = 0.3775", [("net_h1", "0.3775", 0)]),
    ("h1 ──── w5 = 0.40 ───╮", [("w5", "0.40", 0)]),
    ("w5 = nan", [("w5", "nan", 0)]),
    ("w5 = -inf", [("w5", "-inf", 0)]),
    ("net_h1 = 10e-1%", [("net_h1", "10e-1%", 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[each[0] for each in LINES])
def test_a_line_of_text(line: str, expected: list[tuple[str, str, int]]) -> None:
    found = answers_from(line + "\n")
    assert [(each.name, each.text, each.after) for each in found.numbers] == expected
    assert not found.unread
    assert all(each.place == "line 1" for each in found.numbers)
    for each in found.numbers:
        number = typed(each.text)
        assert number is not None
        assert each.unit == number.unit
        assert str(each.value) == str(number.value)


def test_an_arrow_between_two_numbers_is_an_update() -> None:
    found = answers_from("w5: 0.40 → 0.3589\nw6 = 0.45 -> 0.4087\nnew w7: 0.5 => 0.51\nE → 0.3\nb = 0.6 - 0.1 → 0.5\n")
    expected = [("w5", "0.40"), ("w5+", "0.3589"), ("w6", "0.45"), ("w6+", "0.4087"), ("new w7", "0.51")]
    assert [(each.name, each.text) for each in found.numbers] == [*expected, ("E", "0.3"), ("b", "0.5")]
    assert found.notes[0] == "w5: 0.40 → 0.3589 is read as w5 before and after the update"


UNREAD = [
    ("net_h1 = 0.15*0.05 + 0.35", "a calculation without its result"),
    ("net_h1 = 2 * net_o1", "a calculation without its result"),
    ("net_h1 = 0.1, 0.2", "several numbers for one name"),
    ("net_h1, net_h2 = 0.1, 0.2", "several numbers for one name"),
    ("net_h1 = 1 and 2", "several numbers for one name"),
    ("net_h1 = O.3775", "this is no number"),
    ("net_h1 = oops", "no number stands behind the name"),
    ("net_h1 = 0.37S", "this is no number"),
    ("net_h1 = sigmoid(0.3775)", "this is no number"),
    ("0.3775", "no name stands before the number"),
    ("0.3775 = net_h1", "no name stands before the number"),
    ("[0.1, 0.2]", "no name stands before the number"),
    ("E < 0.01", "doesn't say what the number is"),
    ("E <= 0.01", "doesn't say what the number is"),
    ("w5 += 0.1", "doesn't say what the number is"),
    ("Layer 2", "may be a heading"),
    ("We had 3 apples and ate them", "no number stands behind the name"),
    ("# net_h1 = 0.3775", "a comment or a heading"),
    ("w = [0.1, x]", "x stands among its numbers"),
    ("w = [0.1, ..., 0.5]", "it is shortened with ...; print all of it"),
    ("w = [0.1, 0.2", "a bracket is not closed"),
    ("w = [0.1, 0.2] * 3", "something stands behind the array"),
    ("w = [1] [2]", "something stands behind the array"),
    ("w = [0.5-0.3]", "stands among its numbers"),
    ("x" * 250 + " = 0.5", "up to 200 characters"),
    ("x = " + "1" * 1_100_000, "longer than a million characters"),
    ("x = " + "[" * 40 + "1" + "]" * 40, "more than 32 levels"),
]


@pytest.mark.parametrize(("line", "reason"), UNREAD, ids=[each[0][:40] for each in UNREAD])
def test_what_can_t_be_read_is_listed_with_its_reason(line: str, reason: str) -> None:
    found = answers_from(f"a = 1.0\n{line}\nb = 2.0\n")
    assert [each.name for each in found.numbers] == ["a", "b"]
    (unread,) = found.unread
    assert unread.place == "line 2"
    assert reason in unread.reason
    assert len(unread.text) <= 60
    assert unread.text.rstrip(".")[:20] in " ".join(line.split())


SILENT = [
    "", "  \t", "---", "=====", "My numbers", "## Forward pass", "Forward pass:", "Step 1: compute the net inputs",
    "net_h1 = w1*i1 + w2*i2 + b1", "net_h1 =", "net_h1 = ?", "net_h1 = sum(w * i) + b",
    "Title: text", "# a comment", "// another", "────────", "|---|---|",
    r"\begin{align}", r"\end{align}", "```",
]  # fmt: skip


@pytest.mark.parametrize("line", SILENT)
def test_what_holds_no_number_is_left_out(line: str) -> None:
    found = answers_from(f"a = 1.0\n{line}\nb = 2.0\n")
    assert [each.name for each in found.numbers] == ["a", "b"]
    assert not found.unread
    assert not found.notes


# Several lines


def test_headings_say_the_round_of_the_lines_below() -> None:
    first = "E = 0.3\n\n## Round 2\nE = 0.29\n\n--- after 100 rounds ---\nE = 0.1\n"
    text = first + "Iteration #4:\nE = 0.2\nRound 9: E = 0.19\nE = 0.18"
    found = answers_from(text)
    assert [each.after for each in found.numbers] == [0, 1, 100, 3, 8, 3]
    assert found.notes[0] == '"round 2" is read as the round of that number: 1 round was done before it'
    assert "E is there more than once" in found.notes[1]


def test_rounds_may_be_counted_from_0() -> None:
    found = answers_from("iteration 0\nE = 0.3\niteration 1\nE = 0.29\n")
    assert [each.after for each in found.numbers] == [0, 1]
    assert found.notes == (
        'counting from 0, "iteration 0" is read as the round of that number: 0 rounds were done before it',
    )


PRINTED = [
    "w_o = [[0.4  0.45]\n [0.5  0.55]]",
    "w_o\n[[0.4  0.45]\n [0.5  0.55]]",
    "w_o:\n\n[[0.4  0.45]\n\n [0.5  0.55]]".replace(":\n\n", ":\n"),
    "w_o [[0.4  0.45]\n [0.5  0.55]]",
    "w_o = array([[0.4 , 0.45],\n       [0.5 , 0.55]], dtype=float32)",
    "w_o = np.array([[0.4 , 0.45], [0.5 , 0.55]])",
    "w_o: tensor([[0.40, 0.45],\n        [0.50, 0.55]],\n       grad_fn=<AddBackward0>)",
    "w_o: Parameter containing:\ntensor([[0.40, 0.45],\n        [0.50, 0.55]], requires_grad=True)",
    ">>> w_o\nArray([[0.4 , 0.45],\n       [0.5 , 0.55]], dtype=float32)",
    "In [3]: w_o\nOut[3]: \narray([[0.4 , 0.45],\n       [0.5 , 0.55]])".replace("Out[3]: \n", ""),
]


@pytest.mark.parametrize("text", PRINTED)
def test_printed_arrays_over_several_lines(text: str) -> None:
    """A program shows all numbers of an array to the same digit: 0.4 beside 0.45 is 0.40."""
    found = answers_from(f"{text}\nb = 2.0\n")
    expected = [("w_o[1,1]", 0.4), ("w_o[1,2]", 0.45), ("w_o[2,1]", 0.5), ("w_o[2,2]", 0.55)]
    assert [(each.name, float(each.value)) for each in found.numbers] == [*expected, ("b", 2.0)]
    assert {each.unit for each in found.numbers[:4]} == {Decimal("0.01")}
    assert not found.unread


def test_typed_arrays_keep_the_digits_of_each_number() -> None:
    found = answers_from("w_o = [[0.4, 0.45],\n [0.50, 1]]\n")
    assert [str(each.unit) for each in found.numbers] == ["0.1", "0.01", "0.01", "0"]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 2)])
@pytest.mark.parametrize("show", [str, repr])
def test_what_numpy_and_pytorch_print_is_read_back(shape: tuple[int, ...], show: Any) -> None:
    rng = np.random.default_rng(1)
    array = rng.normal(size=shape) * 10.0 ** rng.integers(-3, 2, shape)
    for value in (array, torch.tensor(array)):
        found = answers_from(f"w = {show(value)}\nb = 2.5\n")
        assert not found.unread
        assert len(found.numbers) == array.size + 1
        for (index, number), each in zip(np.ndenumerate(array), found.numbers, strict=False):
            assert each.name == f"w[{','.join(str(place + 1) for place in index)}]"
            assert abs(each.value - Decimal(number)) <= each.unit / 2 * Decimal("1.001")


def test_an_array_with_all_its_digits_is_an_array() -> None:
    array = np.random.default_rng(1).normal(size=(30, 4))
    with np.printoptions(floatmode="unique", precision=None, threshold=10**6):
        text = f"w = {array}\n"
    (found,) = answers_from(text).arrays
    assert np.array_equal(found.array, array)
    assert found.name == "w"
    (other,) = answers_from(json.dumps({"w": array.tolist()})).arrays
    assert np.array_equal(other.array, array)


def test_calculations_over_several_lines() -> None:
    text = """
        net_h1 = 0.15 * 0.05
                 + 0.2 * 0.1 + 0.35
               = 0.3775
        net_h2 = 0.25 * 0.05 +
                 0.3 * 0.1 + 0.35 = 0.3925
        dE
        ---- = 0.74 * 0.19 * 0.59 = 0.082
        dw5
          ∂E        ∂E      ∂out_o1
         ──── =  ─────── · ───────── = 0.5
          ∂w6    ∂out_o1      ∂w6
    """
    found = answers_from(text)
    assert [(each.name, each.text) for each in found.numbers] == [
        ("net_h1", "0.3775"), ("net_h2", "0.3925"), ("dE/dw5", "0.082"), ("∂E/∂w6", "0.5")
    ]  # fmt: skip
    assert not found.unread


TABLES = [
    "| name | value | remark |\n|:---|---:|---|\n| net_h1 | 0.3775 | good |\n| w5 | 0.40 | |",
    "name | value\n--- | ---\nnet_h1 | 0.3775\nw5 | 0.40",
    "┌───┬───┐\n│ name │ value │\n├───┼───┤\n│ net_h1 │ 0.3775 │\n│ w5 │ 0.40 │\n└───┴───┘",
    "name      address      value\n──────────────────\nnet_h1    net_h[1,1]   0.3775\nw5        w_o[1,1]     0.40",
    "     name   value\n0  net_h1  0.3775\n1      w5  0.40",
    "| | net_h1 | w5 |\n|---|---|---|\n| | 0.3775 | 0.40 |",
    "net_h1 | w5\n--- | ---\n0.3775 | 0.40",
]


@pytest.mark.parametrize("text", TABLES)
def test_tables_in_text(text: str) -> None:
    found = answers_from(f"My numbers:\n\n{text}\n\nE = 0.5\n")
    assert plain(found) == [("net_h1", "0.3775", "0.0001", 0), ("w5", "0.40", "0.01", 0), ("E", "0.5", "0.1", 0)]
    assert not found.unread


# CSV

CSV = {
    "usual": "name,value\nnet_h1,0.3775\nw5,0.40\n",
    "our own": 'name,address,value\nnet_h1,"net_h[1,1]",0.3775\nw5,"w_o[1,1]",0.40\n',
    "other words": "Remark;My Value;Quantity\nx;0,3775;net_h1\ny;0,40;w5\n",
    "semicolons": "name;value\r\nnet_h1;0,3775\r\nw5;0,40\r\n",
    "tabs": "name\tvalue\nnet_h1\t0.3775\nw5\t0.40\n",
    "no header": "net_h1,0.3775\nw5,0.40\n",
    "spaces": "  name , value\n net_h1 , 0.3775\n w5 , 0.40\n",
    "empty lines": "name,value\n\nnet_h1,0.3775\n,,\nw5,0.40\n\n",
    "calculated": "name,value\nnet_h1,0.15*0.05 + 0.37 = 0.3775\nw5,0.40\n",
    "comments": "# my numbers\nname,value\n# more\nnet_h1,0.3775\nw5,0.40\n",
    "a title": "My numbers,\nname,value\nnet_h1,0.3775\nw5,0.40\n",
    "wide": "net_h1,w5\n0.3775,0.40\n",
    "signs": "net_h1 =,0.3775\nw5:,0.40\n",
    "pairs": "net_h1,0.3775,w5,0.40\n",
    "numbered": "1,net_h1,0.3775\n2,w5,0.40\n",
    "lines of text": "net_h1 = 0.3775\nw5 = 0.40\n",
    "pdf-like quotes": '"name","value"\n"net_h1","0.3775"\n"w5","0,40"\n',
}


@pytest.mark.parametrize("text", CSV.values(), ids=CSV)
def test_csv(text: str, tmp_path: Path) -> None:
    for ending in ("csv", "tsv") if "\t" in text else ("csv",):
        found = read_text(text, tmp_path, ending)
        assert [(name, value.replace(",", "."), unit) for name, value, unit, _ in plain(found)] == [
            ("net_h1", "0.3775", "0.0001"), ("w5", "0.40", "0.01")
        ]  # fmt: skip
        assert not found.unread


@pytest.mark.parametrize("key", ["usual", "our own", "semicolons", "tabs", "no header", "wide"])
def test_csv_is_recognised_without_its_ending(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = plain(read_text(CSV[key], tmp_path, "csv"))
    assert plain(read_text(CSV[key], tmp_path, "txt")) == expected
    assert plain(read_text(CSV[key], tmp_path, "unknown")) == expected
    assert plain(answers_from(CSV[key])) == expected
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV[key].encode())))
    assert plain(read_answers("-")) == expected


def test_places_and_rounds_in_csv(tmp_path: Path) -> None:
    found = read_text(
        "round,name,value\n0,E,0.3\n\n10,E,0.2\n,w5,0.1\nx,E,0.1\n2,,5\n3,b,abc1\n4,c,\n", tmp_path, "csv"
    )
    assert [(each.name, each.after, each.place) for each in found.numbers] == [
        ("E", 0, "line 2"), ("E", 10, "line 4"), ("w5", 0, "line 5")
    ]  # fmt: skip
    assert [(each.place, each.reason) for each in found.unread] == [
        ("line 6", "its round is no whole number"),
        ("line 7", "no name stands in its row"),
        ("line 8", "this is no number"),
    ]
    assert found.notes == ("the column round is read as the number of rounds done before", "without a number: c")


def test_a_column_for_each_quantity_and_a_row_for_each_round(tmp_path: Path) -> None:
    found = read_text("round,out_o1,E\n0,0.75,0.298\n100,0.5,\n", tmp_path, "csv")
    assert [(each.name, each.after, each.text, each.place) for each in found.numbers] == [
        ("out_o1", 0, "0.75", "line 2, column out_o1"),
        ("E", 0, "0.298", "line 2, column E"),
        ("out_o1", 100, "0.5", "line 3, column out_o1"),
    ]
    without = read_text("out_o1,E\n0.75,0.298\n0.5,0.2\n", tmp_path, "csv")
    assert [each.after for each in without.numbers] == [0, 0, 1, 1]
    assert "each row is read as a round" in without.notes[0]


def test_of_several_columns_of_numbers_the_person_s_own_is_taken(tmp_path: Path) -> None:
    found = read_text("name,value,my value\nnet_h1,0.5,0.25\n", tmp_path, "csv")
    assert plain(found) == [("net_h1", "0.25", "0.01", 0)]
    assert found.notes == ("the numbers are those of the column my value",)
    marked = "name,your number,verdict,right number,with your numbers,note,likely cause\nw5 after 3,0.4,right,0.41,,,\n"
    assert plain(read_text(marked, tmp_path, "csv")) == [("w5", "0.4", "0.1", 3)]


def test_blocks_of_numbers_and_headings_in_csv(tmp_path: Path) -> None:
    text = "w_o,\n0.4,0.45\n0.5,0.55\n\nw_h,0.15,0.2\n,0.25,0.3\n\nb\n0.35\n\nRound 2,\nb_o,0.6\n0.7\n"
    found = read_text(text, tmp_path, "csv")
    assert [(each.name, each.text, each.after) for each in found.numbers] == [
        ("w_o[1,1]", "0.4", 0), ("w_o[1,2]", "0.45", 0), ("w_o[2,1]", "0.5", 0), ("w_o[2,2]", "0.55", 0),
        ("w_h[1,1]", "0.15", 0), ("w_h[1,2]", "0.2", 0), ("w_h[2,1]", "0.25", 0), ("w_h[2,2]", "0.3", 0),
        ("b", "0.35", 0), ("b_o", "0.6", 1),
    ]  # fmt: skip
    assert [each.place for each in found.unread] == ["line 13"]


# Spreadsheets


def test_a_spreadsheet_with_places_and_floats(tmp_path: Path) -> None:
    path = tmp_path / "mine.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("My answers")
    sheet.write_row(1, 1, ["Quantity", "My value", "Round"])
    sheet.write_row(2, 1, ["net_h1", 0.3775])
    sheet.write_row(3, 1, ["out_h1", 1 / 3, 2])
    sheet.write_row(4, 1, ["w5", "0.40"])
    sheet.write_row(5, 1, ["w6", True])
    sheet.write_row(6, 1, ["n", 3])
    other = book.add_worksheet("Other")
    other.write_row(0, 0, ["w_o", 0.4, 0.45])
    other.write_row(1, 1, [0.5, 0.55])
    book.close()
    found = read_answers(str(path))
    assert [(each.name, each.text, str(each.unit), each.after, each.place) for each in found.numbers[:4]] == [
        ("net_h1", "0.3775", "0.0001", 0, 'sheet "My answers", cell C3'),
        ("out_h1", "0.3333333333333333", "0", 2, 'sheet "My answers", cell C4'),
        ("w5", "0.40", "0.01", 0, 'sheet "My answers", cell C5'),
        ("n", "3.0", "0", 0, 'sheet "My answers", cell C7'),
    ]
    assert [each.name for each in found.numbers[4:]] == ["w_o[1,1]", "w_o[1,2]", "w_o[2,1]", "w_o[2,2]"]
    assert found.numbers[4].place == 'sheet "Other", cell B1'
    assert [(each.place, each.reason) for each in found.unread] == [
        ('sheet "My answers", cell C6', "true and false are no numbers")
    ]
    assert plain(answers_from(path.read_bytes())) == plain(found)


def test_a_fraction_that_a_spreadsheet_took_for_a_date(tmp_path: Path) -> None:
    path = tmp_path / "mine.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["name", "value"])
    sheet.write(1, 0, "w5")
    sheet.write_datetime(1, 1, datetime.datetime(2024, 2, 1), book.add_format({"num_format": "dd/mm"}))
    book.close()
    (unread,) = read_answers(str(path)).unread
    assert "a spreadsheet makes that of 1/2" in unread.reason


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.xlsx"
    xlsxwriter.Workbook(str(path)).close()
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MissingLibraryError, match="chainrule"):
        read_answers(str(path))


# JSON and TOML

JSON: dict[str, tuple[str, list[tuple[str, str, str, int]]]] = {
    "numbers": ('{"a": 0.10, "b": 3.8e-4, "c": 120}',
        [("a", "0.10", "0.01", 0), ("b", "3.8e-4", "0.00001", 0), ("c", "120", "0", 0)]),
    "texts": ('{"a": "0,5", "b": "0.1*2 = 0.2"}', [("a", "0,5", "0.1", 0), ("b", "0.2", "0.1", 0)]),
    "families": ('{"net": {"h1": 0.37, "h2": 0.39}}', [("net_h1", "0.37", "0.01", 0), ("net_h2", "0.39", "0.01", 0)]),
    "lists": ('{"w": [[0.4, 0.45], [1]]}',
        [("w[1,1]", "0.4", "0.1", 0), ("w[1,2]", "0.45", "0.01", 0), ("w[2,1]", "1", "0", 0)]),
    "objects": ('[{"name": "a", "value": 0.5, "round": 2}, {"quantity": "b", "answer": [0.1]}]',
        [("a", "0.5", "0.1", 2), ("b[1]", "0.1", "0.1", 0)]),
    "pairs": ('[["a", 0.5], ["b", 0.1]]', [("a", "0.5", "0.1", 0), ("b", "0.1", "0.1", 0)]),
    "lines": ('{"name": "a", "value": 0.5}\n{"name": "b", "value": 0.1}\n',
        [("a", "0.5", "0.1", 0), ("b", "0.1", "0.1", 0)]),
    "groups": ('{"after 100": {"E": 0.1}, "Round 2": {"E": 0.2}, "E": 0.3}',
        [("E", "0.1", "0.1", 100), ("E", "0.2", "0.1", 1), ("E", "0.3", "0.1", 0)]),
    "rounds": ('{"rounds": {"0": {"E": 0.3}, "100": {"E": 0.1}}}', [("E", "0.3", "0.1", 0), ("E", "0.1", "0.1", 100)]),
    "a list of rounds": ('{"rounds": [{"E": 0.3}, {"E": 0.1}]}', [("E", "0.3", "0.1", 0), ("E", "0.1", "0.1", 1)]),
    "from 0": ('{"round 0": {"E": 0.3}, "round 1": {"E": 0.1}}', [("E", "0.3", "0.1", 0), ("E", "0.1", "0.1", 1)]),
    "after in it": ('{"after": 5, "E": 0.3, "out": {"o1": 0.1}}',
        [("E", "0.3", "0.1", 5), ("out_o1", "0.1", "0.1", 5)]),
    "a name with its round": ('{"E after 7 rounds": 0.3}', [("E", "0.3", "0.1", 7)]),
    "values": ('{"values": {"E": 0.3}}', [("E", "0.3", "0.1", 0)]),
    "our own": ('{"schema": 1, "title": "t 5", "after": 3, "values": {"E": 0.25}, "addresses": {"E": "E[1]"}}',
        [("E", "0.25", "0.01", 3)]),
    "twice": ('{"a": 0.5, "a": 0.25}', [("a", "0.5", "0.1", 0), ("a", "0.25", "0.01", 0)]),
    "not finite": ('{"a": NaN, "b": -Infinity}', [("a", "NaN", "0", 0), ("b", "-Infinity", "0", 0)]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), JSON.values(), ids=JSON)
def test_json(text: str, expected: list[tuple[str, str, str, int]], tmp_path: Path) -> None:
    found = read_text(text, tmp_path, "json")
    assert plain(found) == expected
    assert not found.unread
    if "\n" not in text:
        assert plain(answers_from(text)) == expected
        assert plain(read_text(text, tmp_path, "txt")) == expected


def test_what_json_holds_besides_numbers(tmp_path: Path) -> None:
    text = '{"a": 1, "ok": true, "who": "me", "none": null, "w": [0.5, "x", null, {"y": 1}], "deep": ' + '{"a":' * 50
    found = read_text(text + "1" + "}" * 51, tmp_path, "json")
    assert [each.name for each in found.numbers] == ["a", "w[4]_y", "w[1]"]
    assert [(each.place[:10], each.reason) for each in found.unread[:2]] == [
        ("ok", "true and false are no numbers"), ("who", "this is no number")
    ]  # fmt: skip
    assert "more than 40 levels" in found.unread[-1].reason
    gaps = read_text('{"w": [0.5, "x", null, 0.25]}', tmp_path, "json")
    assert [(each.name, each.text) for each in gaps.numbers] == [("w[1]", "0.5"), ("w[4]", "0.25")]
    assert [each.place for each in gaps.unread] == ["w[2]"]
    assert gaps.notes == ("without a number: w[3]",)


def test_numbers_without_a_name_are_listed(tmp_path: Path) -> None:
    for text in ("[0.1, 0.2]", "0.5", "[[1, 2]]"):
        found = read_text(text, tmp_path, "json")
        assert not found.numbers
        assert len(found.unread) == 1
        assert "no name" in found.unread[0].reason
    assert answers_from(np.array([1.0, 2.0])).unread[0].reason == "they have no name"


def test_toml(tmp_path: Path) -> None:
    text = 'a = 0.10\nb = [[0.5, 0.25]]\nc = "1/2"\nn = 1_000\nx = nan\n'
    text += '[net]\nh1 = 1e-3\n["after 100"]\nE = 0.10\n[[late]]\nafter = 7\nE = 0.5\n'
    found = read_text(text, tmp_path, "toml")
    assert plain(found) == [
        ("a", "0.10", "0.01", 0), ("b[1,1]", "0.5", "0.1", 0), ("b[1,2]", "0.25", "0.01", 0), ("c", "1/2", "0", 0),
        ("n", "1000", "0", 0), ("x", "nan", "0", 0), ("net_h1", "1e-3", "0.001", 0), ("E", "0.10", "0.01", 100),
        ("late_E", "0.5", "0.1", 7),
    ]  # fmt: skip
    assert plain(answers_from(text)) == plain(found)


def test_deep_and_damaged_json_and_toml_get_one_message(tmp_path: Path) -> None:
    for text, said in [
        ("[" * 200_000, "nested too deeply"), ('{"a":' * 200_000, "nested too deeply"),
        ('{"a": 1,\n "b" 2}', "expecting ':' delimiter in line 2, column 6"), ("", "expecting value"),
    ]:  # fmt: skip
        with pytest.raises(AnswersError, match=said):
            read_text(text, tmp_path, "json")
    for text in ("a = \n", "a = 1\na = 2\n", "a = " + "[" * 100_000):
        with pytest.raises(AnswersError, match="TOML"):
            read_text(text, tmp_path, "toml")


# Our own output


@pytest.mark.parametrize("kind", ["csv", "json", "text"])
@pytest.mark.parametrize("digits", [None, 6])
@pytest.mark.parametrize("network", ["mazur", "softmax-classifier", "mini-batch"])
def test_our_own_listings_are_answers(kind: str, digits: int | None, network: str, tmp_path: Path) -> None:
    step = load(network).after(2)
    text = present.listing(step.round, kind, digits)
    found = read_text(text, tmp_path, {"text": "txt"}.get(kind, kind))
    shown = 9 if kind == "text" and digits is None else digits
    expected = [(each.name, present.number_text(each.value, shown)) for each in present.entries(step.round)]
    assert [(each.name, each.text) for each in found.numbers] == expected
    assert {each.after for each in found.numbers} == {2 if kind == "json" else 0}
    assert not found.unread


@pytest.mark.parametrize("name", ["mazur-80.txt", "mazur-80-ascii.txt", "mazur-50.txt", "mazur.md"])
def test_our_own_worked_example_is_read_as_it_says(name: str) -> None:
    """Fractions over three lines, calculations over several: each number that is read belongs to its name."""
    step = load("mazur")
    found = read_answers(str(GOLDEN / name))
    before = [each for each in found.numbers if "0.291027774" not in each.text and "learning rate" not in each.name]
    checked = 0
    for each in before:
        if each.name == "optimizer":
            continue
        assert abs(Decimal(step[each.name]) - each.value) <= each.unit / 2 + Decimal("1e-9"), each
        checked += 1
    assert checked >= 80


# Python


class Frame:
    """What is needed of a data frame."""

    def __init__(self, columns: dict[str, list[Any]], index: list[Any] | None = None) -> None:
        self.data, self.columns = columns, list(columns)
        if index is not None:
            self.index = index

    def __getitem__(self, name: str) -> list[Any]:
        return self.data[name]


class Series:
    """What is needed of a series with names."""

    index = ("a", "b")

    def items(self) -> Any:
        return iter([("a", 0.5), ("b", 0.25)])


def test_a_mapping_of_everything() -> None:
    found = answers_from(
        {
            "a": 0.3775, "b": np.float32(0.1), "c": np.float64(1 / 3), "d": 3, "e": "3.8e-4", "f": Decimal("0.10"),
            "g": Fraction(1, 4), "h": torch.tensor(0.5), "i": np.array([[0.25]]), "j after 5": 0.5, ("k", 1): 2,
            "l": {"m": 0.5}, "n": np.int64(7), "o": float("nan"),
        }
    )  # fmt: skip
    assert plain(found) == [
        ("a", "0.3775", "0.0001", 0), ("b", "0.1", "0.1", 0), ("c", "0.3333333333333333", "0", 0), ("d", "3", "0", 0),
        ("e", "3.8e-4", "0.00001", 0), ("f", "0.10", "0.01", 0), ("g", "1/4", "0", 0), ("h", "0.5", "0.1", 0),
        ("i", "0.25", "0.01", 0), ("j", "0.5", "0.1", 5), ("('k', 1)", "2", "0", 0), ("l_m", "0.5", "0.1", 0),
        ("n", "7", "0", 0), ("o", "nan", "0", 0),
    ]  # fmt: skip
    assert not found.arrays
    assert not found.unread


def test_arrays_of_every_library_stay_arrays() -> None:
    weights = torch.randn(2, 3, requires_grad=True)
    found = answers_from(
        {
            "w": weights, "half": weights.to(torch.bfloat16), "n": np.arange(3), "f4": np.ones(2, np.float32),
            "all": [1 / 3, 2 / 3], "none": np.zeros(0), "yes": np.array([True, False]), "text": np.array(["a"]),
        }
    )  # fmt: skip
    assert [(each.name, each.array.dtype.name, each.array.shape) for each in found.arrays] == [
        ("w", "float32", (2, 3)), ("half", "float16", (2, 3)), ("n", "float64", (3,)), ("f4", "float32", (2,)),
        ("all", "float64", (2,)),
    ]  # fmt: skip
    assert np.array_equal(found.arrays[0].array, weights.detach().numpy())
    assert [each.place for each in found.unread] == ["none", "yes", "text"]


def test_a_model_a_frame_and_a_series() -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    assert [each.name for each in answers_from(model).arrays] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    expected = [("a", "0.5", "0.1", 0), ("b", "0.25", "0.01", 0)]
    assert plain(answers_from(Frame({"name": ["a", "b"], "value": [0.5, 0.25]}))) == expected
    assert plain(answers_from(Frame({"value": [0.5, 0.25]}, index=["a", "b"]))) == expected
    assert plain(answers_from(Frame({"x": [0.5, 0.25]}, index=["a", "b"]))) == expected
    assert plain(answers_from(Frame({"a": [np.float64(0.5)], "b": [0.25]}, index=[0]))) == expected
    assert plain(answers_from(Series())) == expected
    assert plain(answers_from([("a", 0.5), ("b", 0.25)])) == expected
    wide = answers_from(Frame({"round": [0, 10], "E": [0.5, float("nan")], "b": [0.25, 0.5]}))
    assert [(each.name, each.after) for each in wide.numbers] == [("E", 0), ("b", 0), ("b", 10)]
    same = Answers((Answer("a", "1", Decimal(1)),))
    assert answers_from(same) is same


def test_tensor_files(tmp_path: Path) -> None:
    state = {"0.weight": torch.randn(2, 3), "0.bias": torch.randn(1), "steps": 7, "name": "mine", "good": True}
    torch.save({"model": state, "after": 3}, tmp_path / "a.pt")
    found = read_answers(str(tmp_path / "a.pt"))
    assert [(each.name, each.array.shape, each.after) for each in found.arrays] == [
        ("model.0.weight", (2, 3), 3), ("model.0.bias", (1,), 3)
    ]  # fmt: skip
    assert plain(found) == [("model.steps", "7", "0", 3)]
    assert found.notes == ("left out, since they are no numbers: model.name, model.good",)
    np.savez(tmp_path / "a.npz", w_o=np.eye(2), out_o1_after_10=np.float64(0.5))
    several = read_answers(str(tmp_path / "a.npz"))
    assert [(each.name, each.after) for each in several.arrays] == [("w_o", 0)]
    assert plain(several) == [("out_o1", "0.5", "0.1", 10)]
    (tmp_path / "a.unknown").write_bytes((tmp_path / "a.npz").read_bytes())
    assert plain(read_answers(str(tmp_path / "a.unknown"))) == plain(several)


def test_a_list_that_holds_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_answers, "MOST", 10_000)
    loop: list[Any] = [1.5]
    loop.append(loop)
    found = answers_from({"w": loop})
    assert found.unread
    heavy: list[Any] = [0.5]
    for _ in range(40):
        heavy = [heavy, heavy]
    with pytest.raises(AnswersError, match="single numbers"):
        answers_from({"w": heavy})


# Paths, standard input, refusals


def test_paths_and_pasted_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.txt", "a = 1.txt", "mine"):
        Path(name).write_text("net_h1 = 0.3775\n", encoding="utf-8")
        for source in (name, Path(name), str(Path(name).resolve())):
            found = answers_from(source)
            assert plain(found) == [("net_h1", "0.3775", "0.0001", 0)]
            assert found.source == str(source)
    assert plain(answers_from("net_h1 0.3775")) == [("net_h1", "0.3775", "0.0001", 0)]


@pytest.mark.parametrize("kind", ["text", "txt", "csv", "json", "toml", ".JSON"])
def test_the_kind_can_be_said(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = {"csv": "name,value\na,0.5\n", "json": '{"a": 0.5}', "toml": "a = 0.5"}.get(
        kind.lower().lstrip("."), "a 0.5"
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert plain(read_answers("-", kind)) == [("a", "0.5", "0.1", 0)]
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert plain(read_answers("-", kind)) == [("a", "0.5", "0.1", 0)]


def test_refusals_say_what_and_where(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(2 * 2**30 + 1)
    binary = tmp_path / "a.csv"
    binary.write_bytes(b"\x7fELF" + bytes(100))
    broken = tmp_path / "a.pt"
    broken.write_bytes(b"PK\x03\x04")
    for source, said in [
        (str(tmp_path / "none.csv"), "no such file"), (str(tmp_path), "this is a folder"),
        (str(large), "larger than 2 GB"), (str(binary), "this is no text"), (str(broken), "damaged"),
        ("a\0b.csv", "no path"),
    ]:  # fmt: skip
        with pytest.raises(AnswersError, match=said) as caught:
            read_answers(source)
        assert "\n" not in str(caught.value)
        assert source.replace("\0", "\\x00") in str(caught.value)
    with pytest.raises(AnswersError, match="can't be read as 'doc'; there are: csv"):
        read_answers("-", "doc")
    for nothing in ("", "nothing", "what is this?", "x" * 5000):
        with pytest.raises(AnswersError, match="neither a file nor a text with numbers"):
            answers_from(nothing)
    with pytest.raises(AnswersError, match=r"no such file"):
        answers_from("nothing.csv")
    with pytest.raises(AnswersError, match="not int"):
        answers_from(5)


def test_many_lines_of_everything_take_a_moment(tmp_path: Path) -> None:
    """A guard against anything that grows faster than the file."""
    count = 50_000
    lines = "".join(f"w{place} = 0.{place:06d}\n" for place in range(count))
    table = "name,value\n" + "".join(f"w{place},0.{place:06d}\n" for place in range(count))
    for text, ending in (
        (lines, "txt"),
        (table, "csv"),
        (lines, "csv"),
        ("w = [\n" * count, "txt"),
        ("= 1\n" * count, "txt"),
    ):
        found = read_text(text, tmp_path, ending)
        assert len(found.numbers) in (count, 0)


# Anything

NAMES = st.from_regex(r"[a-z][a-z_]{0,8}[0-9]{0,3}", fullmatch=True).filter(
    lambda name: (
        not name.startswith(("round", "iter", "epoch", "after", "nan", "inf", "is", "and", "so", "the", "with"))
        and name
        not in (
            "name",
            "value",
            "values",
            "result",
            "answer",
            "given",
            "number",
            "numbers",
            "answers",
            "what",
            "schema",
        )
    )
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=6).map(str)
SHORT = st.builds(
    lambda sign, whole, part, power: f"{sign}{whole}.{part}{power}",
    st.sampled_from(["", "-"]),
    st.integers(0, 9999),
    st.text("0123456789", min_size=1, max_size=18),
    st.sampled_from(["", "e-7", "E+3", "e12"]),
)
GIVEN = st.dictionaries(NAMES, st.one_of(DECIMALS, SHORT, st.integers(-999, 999).map(str)), min_size=1, max_size=8)


@given(GIVEN)
@example({"a": "0.10", "b": "5", "c": "-1.50e-7"})
def test_numbers_come_back_from_every_format(numbers: dict[str, str]) -> None:
    expected = [(name, text, typed(text)) for name, text in numbers.items()]
    forms = {
        "text": "\n".join(f"{name} = {text}" for name, text in numbers.items()) + "\n",
        "csv": "name,value\n" + "".join(f"{name},{text}\n" for name, text in numbers.items()),
        "tsv": "value\tname\n" + "".join(f"{text}\t{name}\n" for name, text in numbers.items()),
        "json": "{" + ", ".join(f'"{name}": {text}' for name, text in numbers.items()) + "}",
        "md": "| name | value |\n|---|---|\n" + "".join(f"| {name} | {text} |\n" for name, text in numbers.items()),
        "toml": "\n".join(f'{name} = "{text}"' for name, text in numbers.items()),
    }
    for kind, text in forms.items():
        found = answers_from(text) if kind == "md" else _read_as(text, kind)
        assert [(each.name, each.text) for each in found.numbers] == [(name, text) for name, text, _ in expected], kind
        for each, (_, _, number) in zip(found.numbers, expected, strict=True):
            assert number is not None
            assert (each.value, each.unit) == (number.value, number.unit)
        assert not found.unread


def _read_as(text: str, kind: str) -> Answers:
    kept = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    try:
        return read_answers("-", kind)
    finally:
        sys.stdin = kept


@given(st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_floats_come_back_to_the_bit(numbers: dict[str, float]) -> None:
    for source in (
        numbers,
        json.dumps(numbers),
        "\n".join(f"{name} = {value!r}" for name, value in numbers.items()) + "\n",
    ):
        found = answers_from(source)
        assert {each.name: float(each.value) for each in found.numbers} == numbers


PIECES = st.sampled_from(
    ["net_h1", "w5+", "δ_o1", " ", " ", "\n", "=", ":", "0.3775", "1", "-", "−", ",", ";", "[", "]", "(", ")", "{", "}",
     "|", "\t", "after 10", "Round 2", "name", "value", "round", "#", "%", "$", "\\", "\\frac", '"', "'", "...",
     "tensor(", "e-3", "×10^", "/", "*", "──", "---", "nan", "and", "is", "\0", "é", "\u2028", "=\n",
     "| a | 1 |\n", "name,value\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    for kind in ("text", "csv", "tsv", "json", "toml", "txt"):
        _never_crashes(text.encode(), kind)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=200).map(str.encode),
        st.binary().map(lambda data: b"PK\x03\x04" + data),
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for kind in ("text", "csv", "json", "toml", "txt", "xlsx", "ods", "xls", "npz", "npy", "safetensors", "pt"):
        _never_crashes(data, kind)


def _never_crashes(data: bytes, kind: str) -> None:
    kept = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data))
    try:
        found = read_answers("-", kind)
    except AnswersError as problem:
        message = str(problem)
        found = Answers()
    else:
        message = "fine"
    finally:
        sys.stdin = kept
    assert message
    assert "\n" not in message
    for each in found.numbers:
        assert each.name.strip()
        assert each.place or kind in ("json", "toml", "txt", "npz", "npy", "safetensors", "pt")
        assert isinstance(each.value, Decimal)
        assert each.unit >= 0
    assert all(len(each.text) <= 60 and each.reason for each in found.unread)
