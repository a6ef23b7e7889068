"""Index equations: which values of a formula's indices reach a given entry of a family that it uses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chainrule.formula.expression import (
    ZERO,
    Add,
    Expr,
    If,
    Index,
    Mul,
    Neg,
    Num,
    Ref,
    add_indices,
    because,
    fresh_letter,
    index_value,
    letter,
    number,
    substitute,
    substitute_index,
    transform,
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
            tests.extend(range_tests(value, sizes[name], known))
    return _renamed(bound, tests, goals, target, known, tuple(name for name in sizes if name not in bound))


def _is_bare(index: Index) -> bool:
    return index.constant == 0 and len(index.terms) == 1 and index.terms[0][1] == 1


def range_tests(value: Index, size: int, sizes: Mapping[str, int]) -> list[Comparison]:
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


def pinned(over: tuple[str, ...], body: Expr, sizes: Mapping[str, int]) -> tuple[tuple[str, ...], Expr]:
    """A letter of a sum that a test pins to an index needs no sum: the index is put in its place.

    Of ``sum[i](d[i] if i == 2*p + q else 0)`` only ``d[2*p + q]`` is left, where the index stays in the range of ``i``.

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> left, body = pinned(("i",), parse_expression("g[i] * [i == 2*p + q]"), {"i": 4, "p": 2, "q": 2})
    >>> left, to_text(body)
    ((), 'g[2*p + q] * 1')
    """
    for name in over:
        for node in _factors(body):
            if not isinstance(node, If) or node.otherwise != ZERO or node.test.relation != "==":
                continue
            index = _other_side(node.test, name)
            if index is None or any(each not in sizes for each, _ in index.terms):
                continue
            low, high = index_range(index, sizes)
            if low < 0 or high >= sizes[name]:
                continue
            factors = tuple(node.then if each is node else each for each in _factors(body))
            left = substitute(replace(body, args=factors) if isinstance(body, Mul) else factors[0], {name: index})
            return pinned(tuple(each for each in over if each != name), left, sizes)
    return over, body


def _factors(body: Expr) -> tuple[Expr, ...]:
    return body.args if isinstance(body, Mul) else (body,)


def _other_side(test: Comparison, name: str) -> Index | None:
    """What a test says that a letter equals, as an index; None where it is something else."""
    for one, other in ((test.left, test.right), (test.right, test.left)):
        if one == Ref(name):
            index = index_of(other)
            if index is not None and name not in dict(index.terms):
                return index
    return None


def index_of(expr: Expr) -> Index | None:
    """The index that a formula of letters and whole numbers is; None for any other formula."""
    match expr:
        case Ref(name, ()):
            return letter(name)
        case Num(value) if value == int(value):
            return Index((), int(value))
        case Neg(arg):
            inner = index_of(arg)
            return None if inner is None else add_indices(Index(()), inner, -1)
        case Add(args):
            total = Index(())
            for each in args:
                part = index_of(each)
                if part is None:
                    return None
                total = add_indices(total, part)
            return total
        case Mul(args):
            product = Index((), 1)
            for each in args:
                part = index_of(each)
                if part is None or (part.terms and product.terms):
                    return None
                size, times = (part, product) if part.terms else (product, part)
                product = add_indices(Index(()), size, times.constant)
            return product
        case _:
            return None


def settled(expr: Expr, sizes: Mapping[str, int]) -> Expr:
    """The formula without the tests of its letters that always hold, or never do.

    >>> from chainrule.formula.parse import parse_expression
    >>> from chainrule.formula.unparse import to_text
    >>> to_text(settled(parse_expression("h[t] if t + 1 >= 1 else 0"), {"t": 3}))
    'h[t]'
    """

    def rule(node: Expr) -> Expr:
        holds = _holds(node.test, sizes) if isinstance(node, If) else None
        if not isinstance(node, If) or holds is None:
            return node
        branch = node.then if holds else node.otherwise
        return because(branch, branch.why or node.why)

    return transform(expr, rule)


def _holds(test: Comparison, sizes: Mapping[str, int]) -> bool | None:
    """Whether a test of letters holds for all their values (True) or for none (False)."""
    left, right = index_of(test.left), index_of(test.right)
    if left is None or right is None:
        return None
    apart = add_indices(left, right, -1)
    if any(name not in sizes for name, _ in apart.terms):
        return None
    low, high = index_range(apart, sizes)
    always, never = {
        "<": (high < 0, low >= 0),
        "<=": (high <= 0, low > 0),
        ">": (low > 0, high <= 0),
        ">=": (low >= 0, high < 0),
        "==": (low == high == 0, low > 0 or high < 0),
        "!=": (low > 0 or high < 0, low == high == 0),
    }[test.relation]
    return True if always else False if never else None


def guarded(expr: Expr, tests: tuple[Comparison, ...]) -> Expr:
    """The formula where all tests hold, and 0 elsewhere."""
    for test in reversed(tests):
        expr = If(test, expr, ZERO)
    return expr
