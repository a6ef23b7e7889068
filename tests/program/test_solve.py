"""Formulas of letters and whole numbers: as indices, and in tests that always hold."""

import pytest

from chainrule.formula.parse import parse_expression
from chainrule.formula.unparse import index_text, to_text
from chainrule.program.solve import index_of, settled


@pytest.mark.parametrize(
    ("formula", "sizes", "left"),
    [
        ("x[i] if 0 <= i and i < 3 else 0", {"i": 3}, "x[i]"),
        ("x[i] if i < 3 else 0", {"i": 4}, "x[i] if i < 3 else 0"),
        ("x[i] if 1 <= i else 0", {"i": 4}, "x[i] if 1 <= i else 0"),
        ("x[p - u] if p - u + u < 2 else 0", {"p": 2, "u": 3}, "x[p - u]"),
    ],
)
def test_tests_that_always_hold_say_nothing(formula: str, sizes: dict[str, int], left: str) -> None:
    assert to_text(settled(parse_expression(formula), sizes)) == left


@pytest.mark.parametrize(
    ("formula", "index"),
    [
        ("2*i + u - 1", "2*i + u - 1"),
        ("(i - 1)*2 - 3*(u - i)", "5*i - 3*u - 2"),
        ("2*3*i*0", "0"),
        ("i*u", None),
        ("i/2", None),
        ("1.5*i", None),
    ],
)
def test_an_index_is_a_sum_of_letters(formula: str, index: str | None) -> None:
    found = index_of(parse_expression(formula))
    assert (found and index_text(found)) == index
