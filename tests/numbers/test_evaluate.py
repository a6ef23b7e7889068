"""The slow evaluator: what each kind of node means, and its errors."""

import math
from fractions import Fraction

import numpy as np
import pytest

from chainrule.formula.parse import parse_expression
from chainrule.numbers.evaluate import EXACT, evaluate, first_not_finite, many_digits, run
from chainrule.numbers.ledger import LedgerError
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend

LEDGER = {"w": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "x": np.array([10.0, 20.0, 30.0]), "b": np.array(0.5)}
SIZES = {"i": 3, "j": 2, "o": 2, "u": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("b", 0.5),
        ("j", 1.0),
        ("w[j,0] - b", 3.5),
        ("2 * x[j+1] / 4", 15.0),
        ("x[0]**2", 100.0),
        ("sum[i](w[j,i] * x[i])", 40 + 100 + 180),
        ("sum[o](sum[u](x[o+u]))", 10 + 20 + 20 + 30),
        ("max[i](-x[i])", -10.0),
        ("sum[i](2)", 6.0),
        ("logistic(0) + relu(-3)", 0.5),
        ("leaky_relu(-1, 0.25)", -0.25),
        ("logistic(logistic(0) - 1/2)", 0.5),
        ("x[j+7] if j > 1 else 3", 3.0),
        ("sum[i]([i == j] * x[i])", 20.0),
        ("log(-1) if b > 1 else b", 0.5),
    ],
)
def test_the_value_of_a_formula(text: str, value: float) -> None:
    assert evaluate(parse_expression(text), LEDGER, {"j": 1}, SIZES) == value


def test_a_parameter_of_a_function_hides_no_family() -> None:
    # silu's formula is in x, and so is its argument.
    assert evaluate(parse_expression("silu(x)"), {"x": np.array(1.0)}, {}, {}) == pytest.approx(1 / (1 + math.exp(-1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x[2*j + i - 1]", r"x\[2\*j \+ i - 1\] at j = 1, i = 2 is entry \[3\], but x ends at entry \[2\]"),
        ("x[0 - 1]", r"entry \[-1\]"),
        ("w[j]", r"w\[j\] has 1 indices, but w has 2 axes"),
        ("y", "y has no numbers"),
    ],
)
def test_an_index_out_of_range_names_the_part_of_the_formula(text: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        evaluate(parse_expression(text), LEDGER, {"j": 1, "i": 2}, SIZES)


def program() -> Program:
    families = [Family("w", Role.PARAMETER, ("j", "i"), (2, 3)), Family("x", Role.INPUT, ("i",), (3,))]
    return extend(Program({}), "y[j] = sum[i](w[j,i] * x[i])\nz[j] = log(y[j] - 140)\ns = sum[j](z[j])", given=families)


def test_a_program_is_run_for_all_indices() -> None:
    ledger = run(program(), {"w": [[1, 2, 3], [4, 5, 6]], "x": [10, 20, 30]})
    assert ledger["y"].tolist() == [140, 320]
    assert ledger["y"].dtype == ledger["w"].dtype == float
    assert ledger["s"].shape == ()


def test_given_numbers_must_be_there_and_fit() -> None:
    with pytest.raises(LedgerError, match="x has no numbers: give it 3 numbers"):
        run(program(), {"w": np.ones((2, 3))})
    with pytest.raises(LedgerError, match=r"w has the shape 3 x 2, but w\[j,i\] needs 2 x 3"):
        run(program(), {"w": np.ones((3, 2)), "x": np.ones(3)})


def test_where_a_number_first_stops_being_finite() -> None:
    given = {"w": np.array([[1.0, 2, 3], [4, 5, 6]]), "x": np.array([10.0, 20, 30])}
    assert first_not_finite(program(), run(program(), given)) == ("z", (0,))
    assert first_not_finite(program(), run(program(), given | {"x": np.array([10, np.nan, 30])})) == ("x", (1,))
    assert first_not_finite(program(), run(program(), given | {"x": np.array([11.0, 20, 30])})) is None
    many = run(program(), given, many_digits(20))
    assert first_not_finite(program(), many) == ("z", (0,))


def test_other_kinds_of_number_stand_in_arrays_of_objects() -> None:
    square = extend(Program({}), "y[i] = x[i]**2 / 3", given=[Family("x", Role.INPUT, ("i",), (2,))])
    ledger = run(square, {"x": np.array([0.5, 2.0])}, EXACT)
    assert ledger["y"].tolist() == [Fraction(1, 12), Fraction(4, 3)]
    assert first_not_finite(square, ledger) is None
    # Numbers of another kind in a ledger are read as this kind's.
    assert evaluate(parse_expression("y[0]"), ledger, {}, {}) == pytest.approx(1 / 12)
    assert run(square, ledger, many_digits(30))["x"].item(0) == 0.5
