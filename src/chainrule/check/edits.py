"""All small changes of one formula: a reference, a term, a factor, a sign, a constant, a power, a function.

They say nothing about people: whatever can go wrong once in writing down a formula is in here. The mistakes that have
a name and a reason are rows of ``mistakes``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.check.vector import VECTOR
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
from chainrule.numbers.arithmetic import FLOAT
from chainrule.numbers.evaluate import evaluate_names


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
    """One small change of a formula: the part at ``path``, by the places of the nodes on the way, becomes ``node``.

    ``was`` and ``now`` are what changed in it.
    """

    path: tuple[int, ...]
    node: Expr
    change: Change
    was: Expr
    now: Expr


Kin = Callable[[Ref], Iterable[Expr]]
Numbers = NDArray[np.float64]

# Functions that are taken for each other.
CONFUSED = {
    "logistic": ("tanh", "exp"),
    "tanh": ("logistic",),
    "relu": ("logistic",),
    "log": ("log2", "log10"),
    "exp": (),
    "sqrt": (),
}


def edits(formula: Expr, kin: Kin, values: Mapping[str, float]) -> tuple[list[Edit], Numbers]:
    """Every single change of a formula, and its value under each; ``kin`` gives what may be taken for a reference.

    ``values`` are those of the names in the formula, and of their kin.

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> formula = parse_expression("a - b")
    >>> found, numbers = edits(formula, lambda _: (), {"a": 3.0, "b": 1.0})
    >>> [to_text(edited(formula, each)) for each in found], numbers.tolist()
    (['-b', 'a', '-a - b', 'a + b', 'a + b', '-(a - b)'], [-1.0, 3.0, -4.0, 4.0, 4.0, -2.0])
    """
    with np.errstate(all="ignore"):
        found = _below(formula, kin, values, ())
    turned = _negated(formula)
    every = [*found.edits, Edit((), turned, Change.SIGN, formula, turned)]
    return every, np.append(found.numbers, -found.value)


def every_edit(formula: Expr, kin: Kin) -> Iterator[Edit]:
    """The same without values, of a formula with letters."""
    yield from _every(formula, kin, ())
    yield Edit((), _negated(formula), Change.SIGN, formula, _negated(formula))


def _every(node: Expr, kin: Kin, path: tuple[int, ...]) -> Iterator[Edit]:
    yield from (Edit(path, new, change, was, now) for change, was, now, new in _changes(node, kin))
    for place, part in enumerate(children(node)):
        yield from _every(part, kin, (*path, place))


def edited(formula: Expr, edit: Edit) -> Expr:
    """The formula after a change."""
    return _put(formula, edit.path, edit.node)


def _put(formula: Expr, path: tuple[int, ...], node: Expr) -> Expr:
    if not path:
        return node
    parts = children(formula)
    inner = _put(parts[path[0]], path[1:], node)
    return with_children(formula, (*parts[: path[0]], inner, *parts[path[0] + 1 :]))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of a formula: its value, and its value under each change below it."""

    value: float
    edits: list[Edit]
    numbers: Numbers


def _below(formula: Expr, kin: Kin, values: Mapping[str, float], path: tuple[int, ...]) -> _Part:
    """The changes of the node itself, then those of each node below it."""
    below = children(formula)
    parts = [_below(part, kin, values, (*path, place)) for place, part in enumerate(below)]
    own = [part.value for part in parts]
    value = float(_with(formula, own, 0, own[0])) if own else evaluate_names(formula, values, FLOAT)
    known = {id(node): number for node, number in zip((*below, formula), (*own, value), strict=True)}
    found: list[Edit] = []
    numbers: list[float] = []
    for change, was, now, node in _changes(formula, kin):
        found.append(Edit(path, node, change, was, now))
        numbers.append(_known(node, known, values))
    arrays = [np.array(numbers, float)]
    for place, part in enumerate(parts):
        if part.edits:
            found += part.edits
            arrays.append(np.broadcast_to(_with(formula, own, place, part.numbers), part.numbers.shape))
    return _Part(value, found, np.concatenate(arrays))


def _with(node: Expr, own: Sequence[float], place: int, inner: Any) -> Any:
    """The node's value where one of its parts has another value, or other values; the others have their own."""
    match node:
        case Add():
            return sum(own[:place]) + inner + sum(own[place + 1 :])
        case Mul():
            return prod(own[:place]) * inner * prod(own[place + 1 :])
        case _:
            named = {f"part{at}": np.asarray(value) for at, value in enumerate(own)} | {f"part{place}": inner}
            return evaluate_names(with_children(node, tuple(Ref(f"part{at}") for at in range(len(own)))), named, VECTOR)


def _known(node: Expr, known: Mapping[int, float], values: Mapping[str, float]) -> float:
    """The value of a formula made of parts whose values are known."""
    if id(node) in known:
        return known[id(node)]
    own = [_known(each, known, values) for each in children(node)]
    return float(_with(node, own, 0, own[0])) if own else float(evaluate_names(node, values, FLOAT))


def _changes(node: Expr, kin: Kin) -> Iterator[tuple[Change, Expr, Expr, Expr]]:
    """The changes of one node: what changed, as it was, as it is now, and the node with it."""
    match node:
        case Ref():
            for other in kin(node):
                yield Change.REFERENCE, node, other, other
        case Add(args):
            for place, arg in enumerate(args):
                yield Change.TERM, arg, ONE, _joined(Add, args[:place] + args[place + 1 :])
            for place, arg in enumerate(args):
                yield Change.SIGN, arg, _negated(arg), Add((*args[:place], _negated(arg), *args[place + 1 :]))
        case Mul(args):
            for place, arg in enumerate(args):
                yield Change.FACTOR, arg, ONE, _joined(Mul, args[:place] + args[place + 1 :])
                yield Change.TWICE, arg, arg, Mul((*args, arg))
            yield Change.ADDED, node, Add(args), Add(args)
        case Neg(arg):
            yield Change.SIGN, arg, arg, arg
        case Div(numerator, denominator):
            turned, product = Div(denominator, numerator), Mul((numerator, denominator))
            yield Change.FACTOR, Div(ONE, denominator), ONE, numerator
            yield Change.DIVIDED, node, turned, turned
            yield Change.DIVIDED, node, product, product
        case Pow(base, _):
            yield Change.POWER, node, base, base
        case Call(function, (arg,)):
            yield Change.FUNCTION, node, arg, arg
            for now in (Call(function, (node,)), *(Call(each, (arg,)) for each in CONFUSED.get(function, ()))):
                yield Change.FUNCTION, node, now, now
        case Num(typed):
            for read in _numbers(typed):
                yield Change.NUMBER, node, Num(read), Num(read)
        case If(_, then, otherwise):
            yield Change.BRANCH, node, then, then
            yield Change.BRANCH, node, otherwise, otherwise
        case Sum() | Max() | Call():
            return


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
