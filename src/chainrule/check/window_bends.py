"""Mistakes with windows, poolings and lists of places: each function gives the ways in which one can be made."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from math import prod

from chainrule.check.anatomy import adjoints, with_formula
from chainrule.check.bends import Bend, Rule, changed, everywhere_or_once, forward, joined
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    If,
    Index,
    Max,
    Mul,
    Neg,
    Num,
    Ref,
    Sum,
    Why,
    add_indices,
    index_value,
    number,
    refs,
    substitute,
    substitute_index,
    transform,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role
from chainrule.program.solve import range_tests

IndexRule = Callable[[Index], Index]


def _affine(index: Index) -> bool:
    return len(index.terms) > 1


def _places_inside(definition: Definition) -> set[str]:
    """The letters of places in a window: those that stand with another letter in an index, and the index's last one."""
    found = set()
    for node in refs(definition.formula):
        for index in node.indices:
            if _affine(index):
                found |= {name for name, _ in index.terms}
    return found


def kernel_not_turned(program: Program) -> Iterator[Bend]:
    """On the way back through windows the kernel's last entry stands where its first belongs."""
    found = []
    for each in adjoints(program, Role.VALUE, Role.INPUT):
        upstream = [path.upstream for path in paths_of(each) if isinstance(path.upstream, Ref)]
        inside = {name for node in upstream for index in node.indices if _affine(index) for name, _ in index.terms}
        found += list(changed([each], _turned(program, inside - set(each.indices), affine=True)))
    yield from everywhere_or_once(found, split=True)


def kernel_turned(program: Program) -> Iterator[Bend]:
    """On the way forward the kernel is turned round, as in a convolution in the strict sense."""
    found = []
    for each in forward(program):
        inside = _places_inside(each) - set(each.indices)
        found += list(changed([each], _turned(program, inside, affine=False)))
    yield from everywhere_or_once(found)


def _turned(program: Program, inside: set[str], affine: bool) -> Rule:
    """The rule that turns kernels round: parameters at an index, or a letter, that tells a place in a window."""

    def is_place(index: Index) -> bool:
        return (affine and _affine(index)) or any(name in inside for name, _ in index.terms)

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.name not in program.families or not any(map(is_place, node.indices)):
            return node
        family = program.families[node.name]
        if family.role != Role.PARAMETER:
            return node
        turned = tuple(
            add_indices(Index((), size - 1), index, -1) if is_place(index) else index
            for index, size in zip(node.indices, family.shape, strict=True)
        )
        return replace(node, indices=turned)

    return rule


def gradient_turned(program: Program) -> Iterator[Bend]:
    """The gradient of a kernel comes out with its last entry first."""
    found = []
    for each in adjoints(program, Role.PARAMETER):
        inside = _places_inside(each) & set(each.indices)
        if inside:
            turned = {name: add_indices(Index((), each.sizes[name] - 1), Index(((name, 1),)), -1) for name in inside}
            found.append(with_formula(each, substitute(each.formula, turned)))
    yield from everywhere_or_once(found)


def stride_left_out(program: Program) -> Iterator[Bend]:
    """Windows lie side by side, on the way back, in the gradient of the kernel, and on the way forward."""

    def nearer(index: Index) -> Index:
        return Index(tuple((name, 1 if times > 0 else -1) for name, times in index.terms), index.constant)

    yield from _other_windows(program, nearer, "stride")


def padding_left_out(program: Program) -> Iterator[Bend]:
    """What is added to an index for the zeros around is forgotten."""

    def without(index: Index) -> Index:
        return Index(index.terms) if _affine(index) else index

    yield from _other_windows(program, without, "padding")


def _other_windows(program: Program, other: IndexRule, what: str) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        if isinstance(node, Ref) and any(map(_affine, node.indices)):
            return replace(node, indices=tuple(other(each) if _affine(each) else each for each in node.indices))
        if isinstance(node, If) and node.test.relation != "==":
            left, right = (_as_other(side, other) for side in (node.test.left, node.test.right))
            return replace(node, test=Comparison(left, node.test.relation, right))
        return node

    ways = (forward(program), list(adjoints(program, Role.VALUE, Role.INPUT)), list(adjoints(program, Role.PARAMETER)))
    for definitions in ways:
        found = [_zero_outside(each, program) for each in changed(definitions, rule) if _has_windows(each)]
        yield from everywhere_or_once(found, split=True, detail=what)


def _zero_outside(definition: Definition, program: Program) -> Definition:
    """The definition with 0 for what its indices would read outside of a family."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.name not in program.families or not any(map(_affine, node.indices)):
            return node
        sizes = zip(node.indices, program.families[node.name].shape, strict=True)
        tests = [test for index, size in sizes for test in range_tests(index, size, definition.sizes)]
        guarded: Expr = node
        for test in reversed(tests):
            guarded = If(test, guarded, ZERO)
        return guarded

    return with_formula(definition, transform(definition.formula, rule))


def _has_windows(definition: Definition) -> bool:
    return any(_affine(index) for node in refs(definition.formula) for index in node.indices)


def _as_other(side: Expr, other: IndexRule) -> Expr:
    """A side of a test that is an index, as the rule has it."""
    terms: dict[str, int] = {}
    constant = 0
    for part in side.args if isinstance(side, Add) else (side,):
        match part:
            case Ref(name, ()):
                terms[name] = 1
            case Mul((Num(times), Ref(name, ()))):
                terms[name] = int(times)
            case Num(value):
                constant += int(value)
            case _:
                sign = _negative(part)
                if sign is None:
                    return side
                terms |= sign[0]
                constant += sign[1]
    index = Index(tuple(terms.items()), constant)
    return index_value(other(index)) if _affine(index) else side


def _negative(part: Expr) -> tuple[dict[str, int], int] | None:
    match part:
        case Neg(Ref(name, ())):
            return {name: -1}, 0
        case Neg(Mul((Num(times), Ref(name, ())))):
            return {name: -int(times)}, 0
        case Neg(Num(value)):
            return {}, -int(value)
        case _:
            return None


def pooling_to_all(program: Program) -> Iterator[Bend]:
    """The derivative of a largest value goes to all of its window, in full or in equal parts, or to its first or last
    place, and not to where the largest value is."""
    for way in ("to all", "in equal parts", "to the first", "to the last"):
        found = []
        for each in adjoints(program, Role.VALUE, Role.INPUT):

            def rule(node: Expr, way: str = way, sizes: Mapping[str, int] = each.sizes) -> Expr:
                share = _share_of_largest(node)
                return node if share is None else _otherwise_shared(way, *share, sizes)

            found += list(changed([each], rule))
        yield from everywhere_or_once(found, split=True, detail=way)


def _share_of_largest(node: Expr) -> tuple[Ref, Max] | None:
    """The entry and the maximum of ``[x == max(...)] / ...``."""
    match node:
        case Div(If(Comparison(Ref() as entry, "==", Max() as largest)), Sum()):
            return entry, largest
        case _:
            return None


def _otherwise_shared(way: str, entry: Ref, largest: Max, sizes: Mapping[str, int]) -> Expr:
    if way == "to all":
        return ONE
    if way == "in equal parts":
        return Div(ONE, number(prod(sizes[name] for name in largest.indices)))
    inside = next((node for node in refs(largest.body) if node.name == entry.name), entry)
    places = {name: Index((), 0 if way == "to the first" else sizes[name] - 1) for name in largest.indices}
    found: Expr = ONE
    for own, there in zip(entry.indices, inside.indices, strict=True):
        if own != there:
            place = substitute_index(there, places)
            found = If(Comparison(index_value(own), "==", index_value(place)), found, ZERO)
    return found


def mean_not_divided(program: Program) -> Iterator[Bend]:
    """The sum stands where a mean belongs: in a pooling, a statistic, and where these go back."""

    def rule(node: Expr) -> Expr:
        match node:
            case Div(numerator, denominator) if denominator.why == Why.MEAN:
                return numerator
            case _:
                return node

    back = [each for each in adjoints(program, Role.VALUE, Role.INPUT) if _is_passed_on(each)]
    ahead = list(changed(forward(program), rule))
    behind = list(changed(back, rule))
    yield from everywhere_or_once(ahead, detail="forward")
    yield from everywhere_or_once(behind, split=True, detail="backward")
    if ahead and behind:
        yield Bend((*ahead, *behind), detail="both")


def _is_passed_on(adjoint: Definition) -> bool:
    """Whether a derivative comes from another one: not straight from the error, whose mean is a matter of its own."""
    return any(isinstance(path.upstream, Ref) for path in paths_of(adjoint))


def flattened_otherwise(program: Program) -> Iterator[Bend]:
    """The places of a list are counted in another order of the axes: columns first, channels last."""
    for each in forward(program):
        node = next((n for n in walk(each.formula) if isinstance(n, If) and n.test.relation == "=="), None)
        if not isinstance(each.formula, Sum) or node is None or not isinstance(node.test.right, Add):
            continue
        names = each.formula.indices
        if {ref.name for ref in refs(node.test.right)} != set(names):
            continue
        for order in permutations(names):
            if order == names:
                continue
            place = Index(tuple((name, prod(each.sizes[o] for o in order[at + 1 :])) for at, name in enumerate(order)))
            test = Comparison(node.test.left, "==", index_value(place))
            other = replace(node, test=test)

            def rule(part: Expr, node: Expr = node, other: Expr = other) -> Expr:
                return other if part == node else part

            yield Bend((with_formula(each, transform(each.formula, rule)),), detail=f"in the order {', '.join(order)}")


def addend_left_out(program: Program) -> Iterator[Bend]:
    """One of the branches that are added, entry by entry: a residual connection, a positional encoding."""
    for each in forward(program):
        if not isinstance(each.formula, Add) or not all(isinstance(arg, Ref) for arg in each.formula.args):
            continue
        for place, arg in enumerate(each.formula.args):
            kept = each.formula.args[:place] + each.formula.args[place + 1 :]
            if isinstance(arg, Ref) and program.families[arg.name].role in (Role.VALUE, Role.INPUT):
                yield Bend((with_formula(each, joined(Add, kept)),), detail=arg.name)
