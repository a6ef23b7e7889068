"""Simplifications that a person makes without a word: a factor 1, an addend 0, two minus signs.

Nothing is reordered, and typed numbers stay apart: ``0.15 * 0.05`` is not folded. Marks (``why``) are kept.
"""

from dataclasses import replace
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
    transform,
)


def tidy(expr: Expr) -> Expr:
    """The same value, written without the factors, addends and signs that say nothing.

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> to_text(tidy(parse_expression("1/2 * 2 * (t - o) * (-1) + 0")))
    '-(t - o)'
    """
    return transform(expr, _tidied)


def _tidied(expr: Expr) -> Expr:
    match expr:
        case Num() | Ref() | Call() | Max():
            return expr
        case Neg(arg):
            return _marked(arg.arg, arg.why or expr.why) if isinstance(arg, Neg) else ZERO if arg == ZERO else expr
        case Add():
            return _sum(expr)
        case Mul():
            return _product(expr)
        case Div(numerator, denominator):
            if numerator == ZERO or denominator == ONE:
                return _marked(numerator, expr.why)
            if isinstance(numerator, Neg):
                return Neg(replace(expr, numerator=numerator.arg))
            return expr
        case Pow(base, exponent):
            return _marked(base, expr.why) if exponent == ONE else ONE if exponent == ZERO else expr
        case Sum(_, body):
            return ZERO if body == ZERO else expr
        case If(_, then, otherwise):
            return _marked(then, expr.why) if then == otherwise else expr
        case _:
            assert_never(expr)


def _sum(expr: Add) -> Expr:
    args = tuple(each for arg in expr.args for each in (arg.args if isinstance(arg, Add) else (arg,)) if each != ZERO)
    return ZERO if not args else _marked(args[0], expr.why) if len(args) == 1 else replace(expr, args=args)


def _product(expr: Mul) -> Expr:
    """One flat product with its sign in front; ``a * (1 / b)`` becomes ``a / b``."""
    negative, factors = _signed_factors(expr)
    if ZERO in factors:
        return ZERO
    factors = _over(_without_reciprocals([factor for factor in factors if factor != ONE]))
    product = replace(expr, args=tuple(factors)) if len(factors) > 1 else _marked((*factors, ONE)[0], expr.why)
    return Neg(product) if negative else product


def _marked(expr: Expr, why: Why | None) -> Expr:
    """What is left of a node keeps that node's mark, unless it has its own."""
    return because(expr, expr.why or why)


def _signed_factors(expr: Expr) -> tuple[bool, list[Expr]]:
    """Whether a product is negative, and its factors without their signs."""
    match expr:
        case Neg(arg):
            negative, factors = _signed_factors(arg)
            return not negative, factors
        case Mul(args):
            parts = [_signed_factors(arg) for arg in args]
            factors = [
                _marked(each, arg.why) for arg, (_, part) in zip(args, parts, strict=True) for each in part
            ]  # the factors of a slope are part of the slope
            return sum(negative for negative, _ in parts) % 2 == 1, factors
        case _:
            return False, [expr]


def _without_reciprocals(factors: list[Expr]) -> list[Expr]:
    """``1/2 * 2`` says nothing: the half of a half squared error and the 2 of a square's slope."""
    for place, factor in enumerate(factors):
        if isinstance(factor, Div) and factor.numerator == ONE and isinstance(factor.denominator, Num):
            if factor.why is not None or factor.denominator.why is not None:
                continue  # the 1/N of a mean stays visible
            for other, number in enumerate(factors):
                if number == factor.denominator:
                    return [each for at, each in enumerate(factors) if at not in (place, other)]
    return factors


def _over(factors: list[Expr]) -> list[Expr]:
    """``a * (1 / b)`` -> ``a / b``, for a quotient that isn't a plain number such as 1/2."""
    for place, factor in enumerate(factors):
        if place and isinstance(factor, Div) and factor.numerator == ONE and not isinstance(factor.denominator, Num):
            before = factors[place - 1]
            if before.why is None and not isinstance(before, Num):
                quotient = Div(before, factor.denominator, factor.why)
                return _over([*factors[: place - 1], quotient, *factors[place + 1 :]])
    return factors
