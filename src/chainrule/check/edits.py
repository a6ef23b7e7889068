"""All small changes of one formula: a reference, a term, a factor, a sign, a constant, a power, a function.

They say nothing about people: whatever can go wrong once in writing down a formula is in here. The mistakes that have
a name and a reason are rows of ``mistakes``.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from chainrule.formula.expression import (
    ONE,
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
    children,
    with_children,
)


class Change(StrEnum):
    """What kind of small change an edit is; its text says it with ``was`` and ``now`` filled in."""

    REFERENCE = "{now} stands where {was} belongs"
    TERM = "the term {was} is left out"
    FACTOR = "the factor {was} is left out"
    TWICE = "the factor {was} stands there twice"
    SIGN = "the sign of {was} is turned round"
    ADDED = "{now} stands in place of {was}: added instead of multiplied"
    DIVIDED = "{now} stands in place of {was}: the division is the wrong way round"
    POWER = "{was} without its exponent"
    FUNCTION = "{now} stands in place of {was}"
    NUMBER = "{now} stands in place of {was}"
    BRANCH = "the other case of {was} is taken"


@dataclass(frozen=True, slots=True)
class Edit:
    """A formula after one small change, and the part that it changed."""

    formula: Expr
    change: Change
    was: Expr
    now: Expr


Kin = Callable[[Ref], Iterable[Expr]]

# Functions that are taken for each other.
CONFUSED = {
    "logistic": ("tanh", "exp"),
    "tanh": ("logistic",),
    "relu": ("logistic",),
    "log": ("log2", "log10"),
    "exp": (),
    "sqrt": (),
}


def edits(formula: Expr, kin: Kin) -> Iterator[Edit]:
    """Every single change of a formula; ``kin`` gives what may be taken for a reference.

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> [to_text(each.formula) for each in edits(parse_expression("a - b"), lambda _: ())]
    ['-b', 'a', '-a - b', 'a + b', 'a + b', '-(a - b)']
    """
    yield from _below(formula, kin)
    yield Edit(_negated(formula), Change.SIGN, formula, _negated(formula))


def _below(formula: Expr, kin: Kin) -> Iterator[Edit]:
    """The changes of the node itself, then those of each node below it."""
    for change, was, now, result in _of_node(formula, kin):
        yield Edit(result, change, was, now)
    parts = children(formula)
    for place, part in enumerate(parts):
        for edit in _below(part, kin):
            whole = with_children(formula, (*parts[:place], edit.formula, *parts[place + 1 :]))
            yield Edit(whole, edit.change, edit.was, edit.now)


Found = tuple[Change, Expr, Expr, Expr]  # the change, the part as it was, as it is now, and the node with it


def _of_node(node: Expr, kin: Kin) -> Iterator[Found]:
    match node:
        case Ref():
            for other in kin(node):
                yield Change.REFERENCE, node, other, other
        case Add(args):
            for place, arg in enumerate(args):
                yield Change.TERM, arg, ONE, _joined(Add, args[:place] + args[place + 1 :])
            for place, arg in enumerate(args):
                turned = Add((*args[:place], _negated(arg), *args[place + 1 :]))
                yield Change.SIGN, arg, _negated(arg), turned
        case Mul(args):
            for place, arg in enumerate(args):
                yield Change.FACTOR, arg, ONE, _joined(Mul, args[:place] + args[place + 1 :])
                yield Change.TWICE, arg, arg, Mul((*args, arg))
            yield Change.ADDED, node, Add(args), Add(args)
        case Neg(arg):
            yield Change.SIGN, arg, arg, arg
        case Div(numerator, denominator):
            yield Change.FACTOR, Div(ONE, denominator), ONE, numerator
            yield Change.DIVIDED, node, Div(denominator, numerator), Div(denominator, numerator)
            yield Change.DIVIDED, node, Mul((numerator, denominator)), Mul((numerator, denominator))
        case Pow(base, _):
            yield Change.POWER, node, base, base
        case Call(function, args):
            yield from _of_call(node, function, args)
        case Num(value):
            for read in _numbers(value):
                yield Change.NUMBER, node, Num(read), Num(read)
        case If(_, then, otherwise):
            yield Change.BRANCH, node, then, then
            yield Change.BRANCH, node, otherwise, otherwise
        case Sum() | Max():
            return


def _of_call(node: Call, function: str, args: tuple[Expr, ...]) -> Iterator[Found]:
    if len(args) != 1:
        return
    yield Change.FUNCTION, node, args[0], args[0]
    yield Change.FUNCTION, node, Call(function, (node,)), Call(function, (node,))
    for other in CONFUSED.get(function, ()):
        yield Change.FUNCTION, node, Call(other, args), Call(other, args)


def _numbers(value: Decimal) -> Iterator[Decimal]:
    """What a number is taken for: ten times as much, a tenth, two digits exchanged."""
    if value == value.to_integral_value() and abs(value) <= 2:
        return
    yield value * 10
    yield value / 10
    yield from exchanged(value)


def exchanged(value: Decimal) -> Iterator[Decimal]:
    """A number with two neighbouring digits exchanged: 0.45 read as 0.54."""
    sign, digits, exponent = value.as_tuple()
    for place in range(len(digits) - 1):
        if digits[place] != digits[place + 1]:
            swapped = (*digits[:place], digits[place + 1], digits[place], *digits[place + 2 :])
            yield Decimal((sign, swapped, int(exponent)))


def _joined(kind: type[Add] | type[Mul], args: tuple[Expr, ...]) -> Expr:
    return args[0] if len(args) == 1 else kind(args)


def _negated(expr: Expr) -> Expr:
    return expr.arg if isinstance(expr, Neg) else Neg(expr)
