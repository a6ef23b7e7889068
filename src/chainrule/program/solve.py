"""Index equations: which values of a formula's indices reach a given entry of a family that it uses."""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.formula.expression import (
    ZERO,
    Expr,
    If,
    Index,
    add_indices,
    fresh_letter,
    index_value,
    letter,
    number,
    substitute,
    substitute_index,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.sizes import index_range


@dataclass(frozen=True, slots=True)
class Solution:
    """What to put for each letter of the formula, the letters still summed over, and what must hold.

    ``sizes`` gives the size of each letter in ``over`` and of the target's own letters.
    """

    bindings: Mapping[str, Index]
    over: tuple[str, ...]
    tests: tuple[Comparison, ...]
    sizes: Mapping[str, int]


def solve(
    used: tuple[Index, ...], target: tuple[str, ...], shape: tuple[int, ...], sizes: Mapping[str, int]
) -> Solution:
    """Solve ``used[a] == target[a]`` for each axis ``a``, for the letters in ``sizes``.

    A bare letter is renamed; of an affine index the first letter with coefficient 1 or -1 is eliminated, with a test
    that it stays in its range; what can't be solved (a letter that repeats, ``2*i``) remains as a test ``2*i == t``.

    >>> solve((Index((("o", 2), ("u", 1))),), ("i",), (7,), {"o": 3, "u": 3}).over
    ('o',)
    """
    goals = tuple(f"'{name}" for name in target)  # quoted: no letter of the formula can be the same
    bound: dict[str, Index] = {}
    tests: list[Comparison] = []
    known = dict(sizes) | dict(zip(goals, shape, strict=True))
    # Bare letters first: they need no test.
    for bare in (True, False):
        for index, goal in zip(used, goals, strict=True):
            if _is_bare(index) != bare:
                continue
            now = substitute_index(index, bound)
            name = next((n for n in sizes if (n, 1) in now.terms or (n, -1) in now.terms), None)
            if name is None:
                if now != letter(goal):
                    tests.append(Comparison(index_value(letter(goal)), "==", index_value(now)))
                continue
            sign = dict(now.terms)[name]
            rest = Index(tuple(term for term in now.terms if term[0] != name), now.constant)
            value = add_indices(Index(()), add_indices(letter(goal), rest, -1), sign)
            bound = {key: substitute_index(old, {name: value}) for key, old in bound.items()} | {name: value}
            tests.extend(_range_tests(value, sizes[name], known))
    return _renamed(bound, tests, goals, target, known, tuple(name for name in sizes if name not in bound))


def _is_bare(index: Index) -> bool:
    return index.constant == 0 and len(index.terms) == 1 and index.terms[0][1] == 1


def _range_tests(value: Index, size: int, sizes: Mapping[str, int]) -> list[Comparison]:
    """``0 <= value`` and ``value < size``, each only where it can fail."""
    low, high = index_range(value, sizes)
    tests = []
    if low < 0:
        tests.append(Comparison(ZERO, "<=", index_value(value)))
    if high >= size:
        tests.append(Comparison(index_value(value), "<", number(size)))
    return tests


def _renamed(
    bound: Mapping[str, Index],
    tests: list[Comparison],
    goals: tuple[str, ...],
    target: tuple[str, ...],
    known: Mapping[str, int],
    over: tuple[str, ...],
) -> Solution:
    """Unquote the target's letters, and give the letters still summed over names that don't clash with them."""
    taken = set(target)
    names = dict(zip(goals, target, strict=True))
    for name in over:
        names[name] = fresh_letter(name, taken)
        taken.add(names[name])
    pairs = {old: letter(new) for old, new in names.items()}
    return Solution(
        {name: substitute_index(index, pairs) for name, index in bound.items()}
        | {old: letter(names[old]) for old in over},
        tuple(names[name] for name in over),
        tuple(Comparison(substitute(t.left, pairs), t.relation, substitute(t.right, pairs)) for t in tests),
        {new: known[old] for old, new in names.items()},
    )


def guarded(expr: Expr, tests: tuple[Comparison, ...]) -> Expr:
    """The formula where all tests hold, and 0 elsewhere."""
    for test in reversed(tests):
        expr = If(test, expr, ZERO)
    return expr
