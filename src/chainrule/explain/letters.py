"""A family's formula in letters, as people write it: numbered from 1, one sample unsaid, in the names that are shown.

In a program letters count from 0 and every family has its samples; ``x[n,p + u]`` is read as ``x[p+u−1]``.
"""

from collections.abc import Mapping
from dataclasses import replace

from chainrule.explain.document import Equation, Partial, Symbol
from chainrule.explain.names import family_key, family_symbol
from chainrule.explain.writing import Writing
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    If,
    Index,
    Max,
    Neg,
    Ref,
    Sum,
    Test,
    children,
    index_value,
    letter,
    rename_letters,
    substitute,
    with_children,
)
from chainrule.formula.simplify import tidy
from chainrule.formula.unparse import printed_index
from chainrule.program.program import Definition, Role
from chainrule.program.solve import index_of, settled

PRIMES = "′″‴"
RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def lettered(writing: Writing, definition: Definition, note: str = "") -> Equation:
    """``net_c[p,q] = Σ k_c[u,v] · x[p+u−1,q+v−1] + b_c``: a family by its formula."""
    left = Ref(definition.target, tuple(map(letter, definition.indices)))
    formula, ties = _without_ties(tidy(settled(definition.formula, definition.sizes)))
    sides = [_people(writing, definition, left), _people(writing, definition, formula)]
    return Equation(tuple(sides), note or ("equal largest ones share it" if ties else ""))


def _people(writing: Writing, definition: Definition, expr: Expr) -> Expr:
    """An expression over a definition's letters, as people write it."""
    alone = {name: Index(()) for name, size in definition.sizes.items() if size == 1 and name.rstrip("23456789") == "n"}
    primed = {each: _primed(each) for each in definition.sizes if _primed(each) != each}
    return tidy(_written(writing, rename_letters(substitute(_without(alone, expr), alone), primed)))


def _primed(name: str) -> str:
    """A second letter for the same axis: ``p2`` is read as ``p′``."""
    head = name.rstrip("0123456789")
    count = int(name[len(head) :] or 1) - 1
    return head + PRIMES[count - 1] if len(head) == 1 and 0 < count <= len(PRIMES) else name


def _without(alone: Mapping[str, Index], expr: Expr) -> Expr:
    """Sums that don't run over the letters of which there is one."""
    inner = with_children(expr, tuple(_without(alone, child) for child in children(expr)))
    if isinstance(inner, Sum | Max):
        left = tuple(name for name in inner.indices if name not in alone)
        return replace(inner, indices=left) if left else inner.body
    return inner


def _without_ties(expr: Expr) -> tuple[Expr, bool]:
    """The slope of a largest value without the number of those that share it, and whether there was one."""
    if isinstance(expr, Div) and isinstance(expr.denominator, Sum) and _is_largest(expr.denominator.body):
        return expr.numerator, True
    parts = [_without_ties(child) for child in children(expr)]
    return with_children(expr, tuple(part for part, _ in parts)), any(ties for _, ties in parts)


def _is_largest(expr: Expr) -> bool:
    return isinstance(expr, If) and expr.test.relation == "==" and isinstance(expr.test.right, Max)


def _written(writing: Writing, expr: Expr) -> Expr:
    match expr:
        case Ref(name, indices) if name in writing.names.program.families:
            return _named(writing, name, indices)
        case Ref(name, ()):
            return Add((expr, Neg(ONE)))  # a letter's value: it counts from 0
        case Sum(indices, body):
            tests, body = _conditions(body)
            below = (_below(indices, tests),) if tests else indices
            return replace(expr, indices=below, body=_written(writing, body))
        case If(test, then, otherwise):
            return If(_compared(writing, test), _written(writing, then), _written(writing, otherwise))
        case _:
            return with_children(expr, tuple(_written(writing, child) for child in children(expr)))


def _named(writing: Writing, family: str, indices: tuple[Index, ...]) -> Ref:
    """A family at letters, its sample as a superscript."""
    names = writing.names
    whole = names.program.families[family]
    label = names.labels.get(whole.of if whole.role in (Role.ADJOINT, Role.UPDATED) else family)
    text, looks = family_key(names, family), family_symbol(names, family)
    if label is not None and label.sampled:
        first, indices = indices[0], indices[1:]
        if label.samples:
            sample = "".join(name for name, _ in first.terms) or str(first.constant + 1)
            text, looks = f"{text}^({sample})", _of_sample(looks, sample)
    writing.symbols[text] = looks
    return Ref(text, tuple(map(from_one, indices)))


def _of_sample(looks: Symbol | Partial, sample: str) -> Symbol | Partial:
    if isinstance(looks, Partial):
        return Partial(looks.of, replace(looks.by, sample=sample))
    return replace(looks, sample=sample)


def from_one(index: Index) -> Index:
    """An index with its letters and itself counted from 1.

    >>> from_one(Index((("p", 1), ("u", 1))))
    Index(terms=(('p', 1), ('u', 1)), constant=-1)
    """
    return Index(index.terms, index.constant + 1 - sum(times for _, times in index.terms))


def _compared(writing: Writing, test: Test) -> Test:
    """A comparison of whole numbers that letters count, or of anything else."""
    ends = _ends(test)
    if ends is None:
        return Test(_written(writing, test.left), test.relation, _written(writing, test.right))
    return Test(index_value(ends[0]), test.relation, index_value(ends[1]))


def _conditions(body: Expr) -> tuple[list[str], Expr]:
    """The conditions of letters alone under which an addend isn't 0, as text, and the addend."""
    tests: list[str] = []
    while isinstance(body, If) and body.otherwise == ZERO and (ends := _ends(body.test)):
        left, right = map(printed_index, ends)
        tests.append(f"{left} {RELATIONS.get(body.test.relation, body.test.relation)} {right}")
        body = body.then
    return tests, body


def _below(indices: tuple[str, ...], tests: list[str]) -> str:
    """What stands below a Σ with conditions: ``m ≤ t``, or ``p,q: i = 2p+q−2``."""
    plain = len(indices) == 1 and all(test.startswith(f"{indices[0]} ") for test in tests)
    return ", ".join(tests) if plain else f"{','.join(indices)}: {', '.join(tests)}"


def _ends(test: Test) -> tuple[Index, Index] | None:
    """The two sides of a comparison of letters, counted from 1; None where anything else is compared."""
    left, right = index_of(test.left), index_of(test.right)
    if left is None or right is None or not (left.terms or right.terms):
        return None
    shifts = [each.constant - sum(times for _, times in each.terms) for each in (left, right)]
    shift = shifts[1] - shifts[0]
    if right.terms and (not left.terms or shift > 0):
        return Index(left.terms, -shift if not left.terms else 0), Index(right.terms, 0 if not left.terms else shift)
    return Index(left.terms), Index(right.terms, shift)
