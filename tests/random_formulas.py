"""Random trees of all eleven kinds of node, as the parser can make them, and their exact values."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any, assert_never

from hypothesis import strategies as st

from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    If,
    Index,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    Why,
)
from chainrule.formula.expression import Test as Comparison

RELATIONS = ("<", "<=", ">", ">=", "==", "!=")
KINDS = (Neg, Add, Mul, Div, Pow, Call, Sum, Max, If)


class _Draw:
    """A tree in the making. Choices are drawn one by one: strategies built for each node would be slow."""

    def __init__(self, draw: st.DrawFn, exact: bool) -> None:
        self.draw, self.exact = draw, exact

    def one_of(self, choices: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def why(self) -> Why | None:
        return self.one_of((None, None, Why.SLOPE, Why.MEAN, Why.UPSTREAM)) if self.exact else None

    def tree(self, depth: int) -> Expr:
        kind = self.one_of((None, *KINDS)) if depth else None
        return self.node(kind, depth - 1) if kind else self.leaf()

    def several(self, depth: int) -> tuple[Expr, ...]:
        return tuple(self.tree(depth) for _ in range(self.one_of((2, 2, 3))))

    def node(self, kind: type[Expr], depth: int) -> Expr:
        why = self.why()
        if kind is Add or kind is Mul:
            first, *rest = self.several(depth)
            # The parser never makes a sum whose first addend is a sum.
            return kind((Neg(first) if isinstance(first, kind) and not self.exact else first, *rest), why)
        if kind is Pow and self.exact:
            return Pow(self.tree(depth), Num(Decimal(self.one_of((0, 1, 2)))), why)
        if kind is Div or kind is Pow:
            return kind(self.tree(depth), self.tree(depth), why)
        if kind is Call:
            two = not self.exact and self.one_of((False, True))
            return Call("leaky_relu" if two else "relu", tuple(self.tree(depth) for _ in range(1 + two)), why)
        if kind is Sum or kind is Max:
            return kind(("i",) if self.exact else self.one_of((("i",), ("j", "i"))), self.tree(depth), why)
        if kind is If:
            test = Comparison(self.tree(depth), self.one_of(RELATIONS), self.tree(depth))
            return If(test, *((ONE, ZERO) if self.one_of((False, True)) else self.several(depth)[:2]), why)
        return Neg(self.tree(depth), why)

    def leaf(self) -> Expr:
        if self.exact and self.one_of((False, True)):
            return Ref(self.one_of(("a", "b", "i")), (), self.why())
        if self.exact:
            return Num(Decimal(self.one_of(("0", "1", "1.0", "2", "3", "0.5"))), self.why())
        match self.one_of(("number", "family", "count")):
            case "number":
                return Num(Decimal(self.one_of(("0", "1", "2", "0.10", "0.5", "1E+5", "12.50", "3E-40", "007.0"))))
            case "family":
                name, count = self.one_of(("w", "out_h1", "_x")), self.one_of((0, 1, 1, 2, 3))
                return Ref(name, tuple(self.index() for _ in range(count)))
            case _:
                return Sum(("i",), ONE, Why.MEAN)

    def index(self) -> Index:
        terms = ((name, self.one_of((0, 1, -1, 3, -2))) for name in "ij")
        return Index(tuple((name, times) for name, times in terms if times), self.one_of((0, 1, 12, -3)))


@st.composite
def formulas(draw: st.DrawFn) -> Expr:
    """Any formula that a text can stand for."""
    return _Draw(draw, exact=False).tree(draw(st.integers(0, 4)))


@st.composite
def exact_formulas(draw: st.DrawFn) -> Expr:
    """Formulas over ``a``, ``b`` and the letter ``i`` that have an exact value, with marks, signs, zeros and ones."""
    return _Draw(draw, exact=True).tree(draw(st.integers(0, 4)))


def exact_value(expr: Expr, names: Mapping[str, Fraction]) -> Fraction | None:
    """The value, where each letter has three; None where a division by 0 leaves no value.

    The branch of a choice that is not taken needs no value.
    """
    match expr:
        case Num(value):
            return Fraction(value)
        case Ref(name):
            return names[name]
        case If(test, then, otherwise):
            left, right = exact_value(test.left, names), exact_value(test.right, names)
            if left is None or right is None:
                return None
            holds = {
                "<": left < right,
                "<=": left <= right,
                ">": left > right,
                ">=": left >= right,
                "==": left == right,
                "!=": left != right,
            }[test.relation]
            return exact_value(then if holds else otherwise, names)
        case Sum(letters, body) | Max(letters, body):
            places = product(range(3), repeat=len(letters))
            each = [exact_value(body, {**names, **dict(zip(letters, map(Fraction, at), strict=True))}) for at in places]
            known = [value for value in each if value is not None]
            if len(known) < len(each):
                return None
            return sum(known, Fraction(0)) if isinstance(expr, Sum) else max(known)
        case Neg(arg):
            return _of((arg,), names, lambda x: -x)
        case Add(args):
            return _of(args, names, lambda *each: sum(each, Fraction(0)))
        case Mul(args):
            return _of(args, names, lambda *each: math.prod(each))
        case Div(numerator, denominator):
            return _of((numerator, denominator), names, lambda a, b: a / b if b else None)
        case Pow(base, exponent):
            return _of((base, exponent), names, lambda a, b: a ** int(b))
        case Call("relu", args):
            return _of(args, names, lambda x: max(x, Fraction(0)))
        case Call():
            raise NotImplementedError(expr.function)
        case _:
            assert_never(expr)


def _of(
    args: Sequence[Expr], names: Mapping[str, Fraction], function: Callable[..., Fraction | None]
) -> Fraction | None:
    values = [exact_value(arg, names) for arg in args]
    return None if None in values else function(*values)
