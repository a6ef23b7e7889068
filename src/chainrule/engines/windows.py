"""Sums with tests of their letters that need no array along all of the letters: numbers in one list, and windows."""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.formula.expression import (
    ZERO,
    Expr,
    If,
    Index,
    Num,
    Ref,
    add_indices,
    fresh_letter,
    index_value,
    letter,
    number,
    refs,
    substitute,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.solve import guarded, index_of


@dataclass(frozen=True, slots=True)
class Listed:
    """A sum whose letters, in the order of ``parts``, count through the places of the letter ``name``."""

    name: str
    parts: tuple[str, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Windows:
    """A sum over windows, for the places of the letter ``name`` taken apart: ``step * outer + within - start``.

    ``over`` are the letters of the sum that is left: how many windows further back, and those that there were.
    ``sizes`` are those of all letters, with ``outer`` and ``within`` in the place of ``name``.
    """

    name: str
    outer: str
    within: str
    start: int
    over: tuple[str, ...]
    body: Expr
    sizes: Mapping[str, int]


def listed(over: tuple[str, ...], body: Expr, sizes: Mapping[str, int]) -> Listed | None:
    """What ``sum[p,q](x[p,q] if i == 12*p + q else 0)`` is: the numbers of x one after the other, along i.

    >>> from chainrule.formula.parse import parse_expression
    >>> found = listed(("p", "q"), parse_expression("x[p,q] if i == 2*p + q else 0"), {"i": 6, "p": 3, "q": 2})
    >>> found.name, found.parts
    ('i', ('p', 'q'))
    """
    if not isinstance(body, If) or body.otherwise != ZERO or body.test.relation != "==":
        return None
    for one, other in ((body.test.left, body.test.right), (body.test.right, body.test.left)):
        index = index_of(other)
        if not isinstance(one, Ref) or one.indices or one.name in over or one.name not in sizes or index is None:
            continue
        parts = digits(index, sizes[one.name], sizes)
        if parts is not None and set(parts) <= set(over) and one.name not in _names(body.then):
            return Listed(one.name, parts, body.then)
    return None


def digits(index: Index, size: int, sizes: Mapping[str, int]) -> tuple[str, ...] | None:
    """The letters that count through a size as digits do, the last one fastest: ``2*p + u`` where u has two values.

    None where they don't, or not through all of it: windows that overlap, or leave some places out.

    >>> digits(Index((("p", 2), ("u", 1))), 6, {"p": 3, "u": 2})
    ('p', 'u')
    """
    terms = sorted(index.terms, key=lambda term: term[1])
    count = 1
    for name, times in terms:
        if times != count or name not in sizes:
            return None
        count *= sizes[name]
    return tuple(name for name, _ in reversed(terms)) if count == size and not index.constant else None


def windows(over: tuple[str, ...], body: Expr, sizes: Mapping[str, int]) -> Windows | None:
    """A sum over all windows of which only those count that a place lies in: over these few alone.

    For a place ``p`` and windows of width k that begin every s places, the sum over q with the tests
    ``0 <= p - s*q`` and ``p - s*q < k``: with ``p = s*outer + within`` the windows are ``outer``, ``outer - 1``, ...

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> body = parse_expression("d[q] * x[p] if 0 <= p - 2*q and p - 2*q < 2 else 0")
    >>> found = windows(("q",), body, {"p": 8, "q": 4})
    >>> found.over, to_text(found.body)
    ((), 'd[outer] * x[2*outer + within]')
    """
    tests: list[Comparison] = []
    inner = body
    while isinstance(inner, If) and inner.otherwise == ZERO:
        tests.append(inner.test)
        inner = inner.then
    for at, low in enumerate(tests):
        index = index_of(low.right)
        if low.relation != "<=" or low.left != ZERO or index is None:
            continue
        high = next((each for each in tests if each.relation == "<" and index_of(each.left) == index), None)
        if high is None or not isinstance(high.right, Num) or index.constant < 0 or len(index.terms) != 2:
            continue
        (first, second) = sorted(index.terms, key=lambda term: term[1])
        (back, minus), (name, times) = first, second
        step, width = -minus, int(high.right.value)
        if times != 1 or step < 1 or back not in over or name in over or name not in sizes:
            continue
        if -(-width // step) >= sizes[back]:
            continue
        others = [each for place, each in enumerate(tests) if place != at and each is not high]
        return _taken_apart(over, inner, others, sizes, name, back, step, width, index.constant)
    return None


def _taken_apart(
    over: tuple[str, ...],
    inner: Expr,
    others: list[Comparison],
    sizes: Mapping[str, int],
    name: str,
    back: str,
    step: int,
    width: int,
    start: int,
) -> Windows:
    taken = {*sizes, *_names(inner)}
    outer, within, further = (fresh_letter(each, taken) for each in ("outer", "within", "further"))
    count, reach = -(-(sizes[name] + start) // step), -(-width // step)
    place = Index(((outer, step), (within, 1)), -start)
    window = add_indices(letter(outer), letter(further), -1) if reach > 1 else letter(outer)
    bindings = {name: place, back: window}
    inside = Index(((within, 1), (further, step))) if reach > 1 else letter(within)
    wanted = [
        (reach * step > width, Comparison(index_value(inside), "<", number(width))),
        (reach > 1, Comparison(ZERO, "<=", index_value(window))),
        (count > sizes[back], Comparison(index_value(window), "<", number(sizes[back]))),
        (start > 0, Comparison(ZERO, "<=", index_value(place))),
        (step * count - start > sizes[name], Comparison(index_value(place), "<", number(sizes[name]))),
    ]
    tests = [each for needed, each in wanted if needed]
    tests += [Comparison(substitute(t.left, bindings), t.relation, substitute(t.right, bindings)) for t in others]
    left: dict[str, int] = {}
    for each, size in sizes.items():
        left |= {outer: count, within: step} if each == name else {} if each == back else {each: size}
    if reach > 1:
        left[further] = reach
    rest = tuple(each for each in over if each != back)
    return Windows(
        name, outer, within, start, (*rest, further) if reach > 1 else rest,
        guarded(substitute(inner, bindings), tuple(tests)), left,
    )  # fmt: skip


def _names(expr: Expr) -> set[str]:
    """The letters and families of a formula."""
    found: set[str] = set()
    for node in refs(expr):
        found.update([node.name], (name for index in node.indices for name, _ in index.terms))
    return found
