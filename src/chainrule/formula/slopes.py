"""The chain rule inside one formula, and the slopes of the function rows that it needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context
from functools import cache
from typing import assert_never

from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    If,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    Why,
    because,
    number,
    refs,
    replace_refs,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import Function, function_row
from chainrule.formula.parse import parse_expression
from chainrule.formula.simplify import tidy


@dataclass(frozen=True, slots=True)
class RowFormula:
    """A row's formula or slope in terms of its ``parameters``; a slope may use ``y``, the function's value."""

    formula: Expr
    parameters: tuple[str, ...]


# Room for the difference of 1 and any number that a formula can hold: its digits, and its exponent of up to 4 digits.
EXACTLY = Context(prec=30_000)


def _row(name: str) -> Function:
    row = function_row(name)
    if row is None:
        raise KeyError(f"there is no function {name}")
    return row


@cache
def formula_of(name: str) -> RowFormula | None:
    """A function's formula; None for a primitive."""
    row = _row(name)
    return None if row.formula is None else RowFormula(parse_expression(row.formula), row.parameters)


@cache
def stable_of(name: str) -> RowFormula | None:
    """The form of a function that doesn't overflow, or its formula; None for a primitive."""
    row = _row(name)
    return formula_of(name) if row.stable is None else RowFormula(parse_expression(row.stable), row.parameters)


@cache
def slope_of(name: str, argument: int = 0) -> RowFormula:
    """The slope of a function with respect to one of its arguments: the row's own, or derived from its formula.

    >>> from chainrule.formula.unparse import to_text
    >>> to_text(slope_of("logistic").formula)
    'y * (1 - y)'
    """
    row = _row(name)
    if argument == 0 and row.slope is not None:
        return RowFormula(parse_expression(row.slope), row.parameters)
    return RowFormula(derivative(parse_expression(row.formula or row.name), row.parameters[argument]), row.parameters)


def derivative(formula: Expr, by: str) -> Expr:
    """The derivative of a formula without sums with respect to one of its names.

    >>> from chainrule.formula.unparse import to_text
    >>> to_text(derivative(parse_expression("a * x**3"), "x"))
    'a * 3 * x**2'
    """
    return tidy(Add(tuple(use.slope for use in uses(formula, by))))


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a formula uses a name.

    ``slope`` is the formula's derivative with respect to ``at``, for one value of the letters in ``over``: those of
    the sums and maxima around it.
    """

    at: Ref
    slope: Expr
    over: tuple[str, ...] = ()


def uses(formula: Expr, name: str) -> Iterator[Use]:
    """Every use of ``name`` in a formula, from left to right, with the slopes on the way to it multiplied up.

    >>> from chainrule.formula.unparse import to_text
    >>> [to_text(tidy(use.slope)) for use in uses(parse_expression("w * x + w * z"), "w")]
    ['x', 'z']
    """
    return _uses(formula, name, ONE, ())


def _uses(expr: Expr, name: str, slope: Expr, over: tuple[str, ...]) -> Iterator[Use]:
    if not any(node.name == name for node in refs(expr)):
        return
    match expr:
        case Num():
            return
        case Ref():
            yield Use(expr, slope, over)
        case Neg(arg):
            yield from _uses(arg, name, Neg(slope), over)
        case Add(args):
            for arg in args:
                yield from _uses(arg, name, slope, over)
        case Mul(args):
            for place, arg in enumerate(args):
                others = args[:place] + args[place + 1 :]
                yield from _uses(arg, name, Mul((slope, *others)), over)
        case Div(numerator, denominator):
            yield from _uses(numerator, name, Div(slope, denominator), over)
            # -(a / b) / b and not -a / b**2, so that a quotient that has a name keeps it.
            yield from _uses(denominator, name, Neg(Mul((slope, Div(expr, denominator)))), over)
        case Pow(base, exponent):
            yield from _uses(base, name, Mul((slope, exponent, Pow(base, _one_less(exponent)))), over)
            yield from _uses(exponent, name, Mul((slope, Call("log", (base,)), expr)), over)
        case Call(function, args):
            for place, arg in enumerate(args):
                row_slope = slope_of(function, place)
                here = replace_refs(row_slope.formula, dict(zip(row_slope.parameters, args, strict=True)) | {"y": expr})
                yield from _uses(arg, name, Mul((slope, because(here, Why.SLOPE))), over)
        case Sum(indices, body):
            yield from _uses(body, name, slope, over + indices)
        case Max(indices, body):
            # Where the largest value stands more than once, each of those places gets an equal share.
            largest = Comparison(body, "==", expr)
            ties = Sum(indices, If(largest, ONE, ZERO))
            yield from _uses(body, name, Mul((slope, Div(If(largest, ONE, ZERO), ties))), over + indices)
        case If(test, then, otherwise):
            # The slopes inside a branch stay inside the test: it may guard an index.
            for use in _uses(then, name, ONE, over):
                yield Use(use.at, Mul((slope, If(test, use.slope, ZERO))), use.over)
            for use in _uses(otherwise, name, ONE, over):
                yield Use(use.at, Mul((slope, If(test, ZERO, use.slope))), use.over)
        case _:
            assert_never(expr)


def _one_less(exponent: Expr) -> Expr:
    match exponent:
        case Num(value):
            return number(EXACTLY.subtract(value, 1))
        case _:
            return Add((exponent, Neg(ONE)))
