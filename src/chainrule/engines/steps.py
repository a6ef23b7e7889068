"""A recurrence taken apart: what can be calculated for all steps at once, and what is left for each step."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod

from chainrule.engines.contract import SMALL
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Ref,
    Sum,
    bound_letters,
    children,
    letter,
    refs,
    substitute,
    transform,
    with_children,
)
from chainrule.formula.expression import If as Conditional
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.simplify import tidy
from chainrule.numbers.evaluate import evaluate
from chainrule.program.blocks import Block, offset
from chainrule.program.program import Definition

HELD = "stop_gradient"  # a function that hands on what it is given


@dataclass(frozen=True, slots=True)
class Carried:
    """What a step is given of the steps before: ``name`` in the step's formulas, afterwards the value of ``source``.

    ``start`` is its value before the first step, a formula over ``indices``; None is 0.
    """

    name: str
    source: str
    shape: tuple[int, ...]
    start: Definition | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """A recurrence as a loop.

    ``before`` are formulas for all steps at once, which have the letter of the steps first, and others that are the
    same in every step; ``body`` those of one step, without that letter.
    """

    before: tuple[Definition, ...]
    body: tuple[Definition, ...]
    carried: tuple[Carried, ...]
    count: int
    backwards: bool


@dataclass(slots=True)
class _Found:
    """What is known of a recurrence while its formulas are gone through one after the other."""

    before: dict[object, Definition] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)  # how many steps back a family is used
    starts: dict[str, Definition | None] = field(default_factory=dict)  # of what is used of the step before


@dataclass(frozen=True, slots=True)
class _Here:
    """A place in a formula of a recurrence: ``axes`` are those of the steps in each of the recurrence's families.

    ``tests`` are those around it, which may guard an index: each with whether it holds here.
    """

    letter: str
    count: int
    axes: Mapping[str, int]
    found: _Found
    whole: Definition
    tests: tuple[tuple[Comparison, bool], ...] = ()


def taken_apart(block: Block[Definition]) -> Steps:
    """A recurrence as a loop over its steps.

    Addends and factors that need none of the recurrence's own families are calculated for all steps at once, so that a
    step has as little to do as possible: the product of inputs and weights becomes one matrix product.
    """
    name, found = block.letter, _Found()
    axes = {each.target: each.indices.index(name) for each in block.lines}
    count = block.lines[0].sizes[name]
    body, shapes = [], {}
    for each in block.lines:
        formula = tidy(transform(each.stable or each.formula, _handed_on))
        formula = _taken(formula, _Here(name, count, axes, found, each))
        sizes = {own: size for own, size in each.sizes.items() if own != name}
        indices = tuple(own for own in each.indices if own != name)
        body.append(Definition(each.target, indices, formula, sizes))
        shapes[each.target] = tuple(sizes[own] for own in indices)
    carried = [
        Carried(
            _earlier(family, back),
            family if back == 1 else _earlier(family, back - 1),
            shapes[family],
            found.starts.get(family) if back == 1 else None,
        )
        for family, far in found.reach.items()
        for back in range(1, far + 1)
    ]
    return Steps(tuple(found.before.values()), tuple(body), tuple(carried), count, block.backwards)


def _handed_on(node: Expr) -> Expr:
    return node.args[0] if isinstance(node, Call) and node.function == HELD else node


def _earlier(family: str, back: int) -> str:
    """The name in a step of a family's value so many steps before; no family of a program is called so."""
    return f"{family} {back} before"


def _uses(expr: Expr, here: _Here) -> bool:
    """Whether a formula needs the recurrence's own families."""
    return any(node.name in here.axes for node in refs(expr))


def _distance(node: Ref, here: _Here) -> int:
    """How many steps away a use of one of the recurrence's own families reaches: -1 for the step before."""
    found = offset(node.indices[here.axes[node.name]], here.letter)
    assert found is not None
    return found


def _taken(expr: Expr, here: _Here) -> Expr:
    """A formula for one step; what doesn't need the recurrence is put before it."""
    if not _uses(expr, here):
        return _put_before(expr, here)
    match expr:
        case Ref(name, indices):
            axis, back = here.axes[name], abs(_distance(expr, here))
            left = indices[:axis] + indices[axis + 1 :]
            if not back:
                return Ref(name, left)
            here.found.reach[name] = max(here.found.reach.get(name, 0), back)
            return Ref(_earlier(name, back), left)
        case Add(args):
            return _together(args, [[arg for arg in args if not _uses(arg, here)]], Add, here)
        case Mul(args):
            return _together(args, _without_growth(args, here), Mul, here)
        case Conditional(test, then, otherwise):
            inside = replace(here, tests=(*here.tests, (test, True)))
            if _tells_range(test, then, otherwise, here):
                return _taken(then, inside)
            outside = replace(here, tests=(*here.tests, (test, False)))
            sides = Comparison(_taken(test.left, here), test.relation, _taken(test.right, here))
            return Conditional(sides, _taken(then, inside), _taken(otherwise, outside))
        case _:
            return with_children(expr, tuple(_taken(child, here) for child in children(expr)))


def _together(
    args: tuple[Expr, ...], groups: Iterable[list[Expr]], kind: Callable[[tuple[Expr, ...]], Expr], here: _Here
) -> Expr:
    """A sum or a product in which the arguments of each group are calculated before as one."""
    parts = [_taken(arg, here) for arg in args if _uses(arg, here)]
    for group in groups:
        if group:
            parts.insert(0, _put_before(group[0] if len(group) == 1 else kind(tuple(group)), here))
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _without_growth(args: tuple[Expr, ...], here: _Here) -> list[list[Expr]]:
    """The factors that don't need the recurrence, together where their product is no larger than one of them."""
    free = [(arg, _letters(arg, here.whole)) for arg in args if not _uses(arg, here)]
    groups: list[tuple[list[Expr], set[str]]] = []
    for arg, own in sorted(free, key=lambda pair: -len(pair[1])):
        group = next((each for each, letters in groups if own <= letters), None)
        if group is None:
            groups.append(([arg], own))
        else:
            group.append(arg)
    return [group for group, _ in groups]


def _letters(expr: Expr, whole: Definition) -> set[str]:
    """The letters of the definition that a formula depends on, without those that its own sums run over."""
    found: set[str] = set()
    for node in refs(expr):
        found.update([node.name] if not node.indices else (name for index in node.indices for name, _ in index.terms))
    return (found & set(whole.sizes)) - set(bound_letters(expr))


def _put_before(expr: Expr, here: _Here) -> Expr:
    """A formula without the recurrence's own families: as it is, or the name of what is calculated before."""
    whole, own = here.whole, _letters(expr, here.whole)
    if isinstance(expr, Num) or (isinstance(expr, Ref) and here.letter not in own):
        return expr
    if not own - {here.letter} <= _largest(expr, whole) and prod(whole.sizes[name] for name in own) > SMALL:
        # As an array it would be larger than what it is made from.
        return with_children(expr, tuple(_put_before(child, here) for child in children(expr)))
    formula = _guarded(expr, here)
    own = _letters(formula, whole)
    steps = (here.letter,) if here.letter in own else ()
    left = tuple(name for name in whole.sizes if name in own and name != here.letter)
    sizes = {name: whole.sizes[name] for name in (*steps, *left, *bound_letters(formula))}
    key = (formula, tuple(sizes.items()))
    if key not in here.found.before:
        target = f"{whole.target} part {len(here.found.before) + 1}"
        here.found.before[key] = Definition(target, (*steps, *left), formula, sizes)
    return Ref(here.found.before[key].target, tuple(map(letter, left)))


def _guarded(expr: Expr, here: _Here) -> Expr:
    """A formula with the tests around it, where it reads at indices that they may guard; 1 where they fail."""
    if all(len(index.terms) <= 1 and not index.constant for node in refs(expr) for index in node.indices):
        return expr
    for test, holds in reversed(here.tests):
        if not _uses(Conditional(test, ONE, ZERO), here):
            expr = Conditional(test, expr, ONE) if holds else Conditional(test, ONE, expr)
    return expr


def _largest(expr: Expr, whole: Definition) -> set[str]:
    """The letters of the definition itself, or of the array with the most of them that a formula reads."""
    return max((_letters(node, whole) for node in refs(expr)), key=len, default=set()) | set(whole.indices)


def _tells_range(test: Comparison, then: Expr, otherwise: Expr, here: _Here) -> bool:
    """Whether a test only says that the step before is there, and can go: what is carried begins with what else holds.

    That is 0 where a sum or product of what is carried is then 0 as well, or a formula for the state itself.
    """
    passing = _passing(test, here)
    if passing is None:
        return False

    def missing(node: Ref) -> bool:
        """Whether a use reaches beyond the first step wherever the test fails."""
        if node.name not in here.axes or not _distance(node, here):
            return False
        away = _distance(node, here)
        return all(at in passing or not 0 <= at + away < here.count for at in range(here.count))

    if otherwise == ZERO:
        return _vanishes(then, lambda node: missing(node) and _starts_at_zero(node, here))
    if not isinstance(then, Ref) or not missing(then) or abs(_distance(then, here)) != 1 or _uses(otherwise, here):
        return False
    return _starts_with(then, otherwise, here)


def _passing(test: Comparison, here: _Here) -> set[int] | None:
    """The steps at which a test of the step alone holds; None for another test."""
    sides = Conditional(test, ONE, ZERO)
    if any(node.indices or node.name not in {here.letter, *bound_letters(sides)} for node in refs(sides)):
        return None
    return {at for at in range(here.count) if evaluate(sides, {}, {here.letter: at}, here.whole.sizes)}


def _vanishes(expr: Expr, zero: Callable[[Ref], bool]) -> bool:
    """Whether a formula is 0 where the references that ``zero`` tells are."""
    match expr:
        case Ref():
            return zero(expr)
        case Neg(arg) | Div(arg):
            return _vanishes(arg, zero)
        case Mul(args):
            return any(_vanishes(arg, zero) for arg in args)
        case Add(args):
            return all(_vanishes(arg, zero) for arg in args)
        case Sum(_, body):
            return _vanishes(body, zero)
        case Conditional(_, then, otherwise):
            return all(each == ZERO or _vanishes(each, zero) for each in (then, otherwise))
        case _:
            return False


def _starts_at_zero(node: Ref, here: _Here) -> bool:
    """Whether what a use finds before the first step is 0; where nothing has said otherwise it is from now on."""
    return here.found.starts.setdefault(node.name, None) is None


def _starts_with(node: Ref, start: Expr, here: _Here) -> bool:
    """Whether what a use finds before the first step can be ``start``, and that it is from now on."""
    axis, sizes = here.axes[node.name], here.whole.sizes
    left = node.indices[:axis] + node.indices[axis + 1 :]
    own = tuple(name for index in left for name, _ in index.terms)
    if tuple(map(letter, own)) != left or len(set(own)) < len(own) or here.letter in _letters(start, here.whole):
        return False
    # With letters of its own, so that other uses can be seen to begin with the same.
    named = {name: f"axis{place}" for place, name in enumerate(own)}
    formula = substitute(start, {name: letter(new) for name, new in named.items()})
    its = {named[name]: sizes[name] for name in own} | {name: sizes[name] for name in bound_letters(start)}
    begun = Definition(f"{node.name} start", tuple(named.values()), formula, its)
    return here.found.starts.setdefault(node.name, begun) == begun
