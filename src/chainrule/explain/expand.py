"""From a family's formula to one scalar's: indices put in, sums over a few values written out."""

import operator
from collections.abc import Iterator, Mapping
from itertools import islice, product
from math import prod

from chainrule.explain.document import ELLIPSIS
from chainrule.formula.expression import (
    ZERO,
    Add,
    Call,
    Expr,
    If,
    Index,
    Max,
    Ref,
    Sum,
    substitute,
    with_children,
)
from chainrule.formula.expression import children as below
from chainrule.formula.simplify import tidy
from chainrule.program.program import Definition
from chainrule.program.solve import index_of

SHOWN_ADDENDS = 12  # of a longer sum the first three and the last one are shown
ASKED_ADDENDS = 100  # ... unless it is what a person asked for, and no longer than this
RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def scalar_formula(definition: Definition, index: tuple[int, ...], shown: int = SHOWN_ADDENDS) -> Expr:
    """The formula of one scalar of a family: no letters are left, each ``Ref`` has constant indices.

    A sum of more than ``shown`` addends keeps its first three and its last, with ``ELLIPSIS`` between.
    """
    return expand(definition.formula, dict(zip(definition.indices, index, strict=True)), definition.sizes, shown)


def expand(expr: Expr, at: Mapping[str, int], sizes: Mapping[str, int], shown: int = SHOWN_ADDENDS) -> Expr:
    """A formula with the letters in ``at`` put in and its sums written out."""
    return _expand(substitute(expr, {name: Index((), value) for name, value in at.items()}), sizes, shown)


def addend_total(expr: Expr, sizes: Mapping[str, int]) -> int:
    """How many addends there are where all sums of a formula are written out."""
    inner = sum(addend_total(child, sizes) for child in below(expr))
    return prod(sizes[name] for name in expr.indices) * max(inner, 1) if isinstance(expr, Sum | Max) else inner


def _expand(expr: Expr, sizes: Mapping[str, int], shown: int) -> Expr:
    match expr:
        case Sum(indices, body):
            addends = [addend for addend in _addends(indices, body, sizes, shown) if addend != ZERO]
            return ZERO if not addends else addends[0] if len(addends) == 1 else Add(tuple(addends), expr.why)
        case Max(indices, body):
            largest = tuple(_addends(indices, body, sizes, shown))
            return Call("max", largest) if len(largest) > 1 else largest[0]
        case If(test, then, otherwise):
            left, right = (index_number(_expand(side, sizes, shown)) for side in (test.left, test.right))
            if left is not None and right is not None:
                return _expand(then if RELATIONS[test.relation](left, right) else otherwise, sizes, shown)
        case _:
            pass
    old = below(expr)
    new = tuple(_expand(child, sizes, shown) for child in old)
    if new == old:
        return expr
    if isinstance(expr, Add):  # the addends of a sum that was written out stand beside the others
        new = tuple(each for child in new for each in (child.args if isinstance(child, Add) else (child,)))
    return tidy(with_children(expr, new)) if ZERO in new else with_children(expr, new)


def _addends(indices: tuple[str, ...], body: Expr, sizes: Mapping[str, int], shown: int) -> Iterator[Expr]:
    """The addends of a sum, or of a long one the first three, the ellipsis and the last."""
    ranges = [range(sizes[name]) for name in indices]
    count = prod(map(len, ranges))

    def addend(position: tuple[int, ...]) -> Expr:
        at = {name: Index((), value) for name, value in zip(indices, position, strict=True)}
        return _expand(substitute(body, at), sizes, shown)

    if count <= shown:
        yield from map(addend, product(*ranges))
        return
    yield from islice((each for each in map(addend, product(*ranges)) if each != ZERO), 3)
    yield ELLIPSIS
    last = (addend(position) for position in product(*(tuple(reversed(each)) for each in ranges)))
    yield next((each for each in last if each != ZERO), ZERO)


def index_number(expr: Expr) -> int | None:
    """The value of a formula of whole numbers only, as tests of indices are; None where anything else is in it."""
    index = index_of(expr)
    return None if index is None or index.terms else index.constant


def position_of(node: Ref) -> tuple[int, ...]:
    """The index of a reference in a written-out formula, counted from 0."""
    return tuple(index.constant for index in node.indices)
