"""From nodes to text: what is written is read as the same nodes again."""

import pytest
from hypothesis import given, settings

from chainrule.formula.expression import Expr, walk
from chainrule.formula.parse import parse_expression, parse_formulas
from chainrule.formula.unparse import index_text, statement_text, to_text
from random_formulas import formulas

# These texts are written in the way in which they are read.
TEXTS = [
    "0.10",
    "0.15 * 0.05 + 0.20 * 0.10",
    "-(a + b)",
    "-a * b",
    "-(a * b)",
    "a - b - c",
    "a - (b - c)",
    "a - -b",
    "a + (b + c)",
    "a * (b * c)",
    "a / b / c",
    "a / (b / c)",
    "a * b / c",
    "a * (b / c)",
    "a / (b * c)",
    "a**b**c",
    "(a**b)**c",
    "(-a)**2",
    "-a**2",
    "a**-b",
    "a**(b + c)",
    "(a / b)**2",
    "leaky_relu(a, 0.01)",
    "sum[i,j](a + b) * c",
    "max[i](w[i]) - max(a, b)",
    "sum[n](x[n]) / count[n]",
    "w[2*i + u - 1,-i,0,i - j]",
    "a if x > 0 else b if x < -1 else c",
    "(a if x > 0 else b) if y != 0 else c",
    "(a if x > 0 else b) + 1",
    "a if x > 0 and y > 0 else b",
    "[0 <= i and i < 3 and i != j]",
    "[i == j] * x[i]",
    "sum[i](x[i] if i >= 1 else 0)",
    "1E+5 * 1E-40",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_the_usual_form_comes_back_to_the_character(text: str) -> None:
    assert to_text(parse_expression(text)) == text


@settings(max_examples=400)
@given(formulas())
def test_what_is_written_is_read_as_the_same_tree(formula: Expr) -> None:
    again = parse_expression(to_text(formula))
    assert again == formula
    # Decimals are equal however many zeros were typed, and marks are not compared.
    for new, old in zip(walk(again), walk(formula), strict=True):
        assert getattr(new, "why", None) == getattr(old, "why", None)
        assert to_text(new) == to_text(old)


def test_a_definition_is_written_with_its_left_side() -> None:
    for text in ("y[n,j] = x[n] * w[j]", "E = 1/2 * y**2"):
        (statement,) = parse_formulas(text)
        written = statement_text(statement.target, statement.indices, statement.formula)
        assert parse_formulas(written)[0].formula == statement.formula
        assert written.replace(" ", "") == text.replace(" ", "")


def test_an_index_is_written_as_people_write_it() -> None:
    for text in ("i", "2*i + u - 1", "-i + 3", "-2*i - j", "0", "-4", "i - 2*j"):
        (index,) = parse_expression(f"w[{text}]").indices  # type: ignore[union-attr]
        assert index_text(index) == text
