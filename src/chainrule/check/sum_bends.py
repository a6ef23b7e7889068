"""Mistakes in adding up: each function gives the ways in which one can be made in a program."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import prod

from chainrule.check.anatomy import adjoints, with_formula
from chainrule.check.bends import Bend, everywhere_or_once, forward, is_bias_gradient, joined
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    If,
    Index,
    Mul,
    Neg,
    Num,
    Ref,
    Sum,
    fresh_letter,
    index_value,
    letter,
    number,
    refs,
    substitute,
    transform,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role


def _over(adjoint: Definition) -> tuple[str, ...]:
    """The letters of several values that a gradient is the sum over."""
    summed = adjoint.formula.arg if isinstance(adjoint.formula, Neg) else adjoint.formula
    return tuple(n for n in summed.indices if adjoint.sizes[n] > 1) if isinstance(summed, Sum) else ()


def _groups(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Some of the letters, at least one."""
    for count in range(1, len(names) + 1):
        yield from combinations(names, count)


def _pinned(adjoint: Definition, names: tuple[str, ...], last: bool) -> Definition:
    """A gradient with a single place of each of some letters."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Sum) or not set(names) & set(node.indices):
            return node
        at = {n: Index((), adjoint.sizes[n] - 1 if last else 0) for n in names if n in node.indices}
        left = tuple(n for n in node.indices if n not in at)
        body = substitute(node.body, at)
        return Sum(left, body, node.why) if left else body

    return with_formula(adjoint, transform(adjoint.formula, rule))


def bias_over_some(program: Program) -> Iterator[Bend]:
    """The sum of a bias's gradient over some of the axes only: of others a single place is taken."""
    for each in adjoints(program, Role.PARAMETER):
        if is_bias_gradient(each) and len(_over(each)) > 1:
            for names in _groups(_over(each)):
                for last in (False, True):
                    places = ", ".join(f"{n} = {each.sizes[n] if last else 1}" for n in names)
                    yield Bend((_pinned(each, names, last),), detail=f"{places} only")


def bias_over_too_many(program: Program) -> Iterator[Bend]:
    """The gradient of a bias is summed over its own axis as well, so that all of its entries are equal."""
    found = []
    for each in adjoints(program, Role.PARAMETER):
        own = [n for n in each.indices if each.sizes[n] > 1]
        if not own or not is_bias_gradient(each):
            continue
        sizes, letters = dict(each.sizes), []
        for name in own:
            letters.append(fresh_letter(name, set(sizes)))
            sizes[letters[-1]] = sizes[name]
        body = substitute(each.formula, {old: letter(new) for old, new in zip(own, letters, strict=True)})
        found.append(replace(with_formula(each, Sum(tuple(letters), body)), sizes=sizes))
    yield from everywhere_or_once(found)


def overwritten(program: Program) -> Iterator[Bend]:
    """The parts of a gradient are not added up: each replaces the one before, and the last one is left.

    In a loop that goes backwards that is the first one.
    """
    gradients = list(adjoints(program, Role.PARAMETER))
    every = dict.fromkeys(names for each in gradients for names in _groups(_over(each)))
    for names in every:
        for last in (True, False):
            found = [_pinned(each, names, last) for each in gradients if set(names) <= set(_over(each))]
            yield from everywhere_or_once(found, detail=f"{', '.join(names)}: the {'last' if last else 'first'} only")
    for last in (True, False):
        found = [own for each in gradients if (own := _of_chosen(each, last)) is not None]
        yield from everywhere_or_once(found, detail=f"the {'last' if last else 'first'} of each")


def _of_chosen(adjoint: Definition, last: bool) -> Definition | None:
    """A gradient that data choose the addends of, as words do: of those with the same choice one is left."""
    over = _over(adjoint)
    if not over or not isinstance(adjoint.formula, Sum):
        return None
    body = adjoint.formula.body
    if not isinstance(body, If) or body.test.relation != "==" or not any(n.indices for n in refs(body.test.right)):
        return None
    sizes, again = dict(adjoint.sizes), []
    for name in over:
        again.append(fresh_letter(name, set(sizes)))
        sizes[again[-1]] = sizes[name]
    steps = [prod(adjoint.sizes[n] for n in over[at + 1 :]) for at in range(len(over))]
    own, other = (index_value(Index(tuple(zip(names, steps, strict=True)))) for names in (over, again))
    same = substitute(body.test.right, {old: letter(new) for old, new in zip(over, again, strict=True)})
    beside = If(
        Comparison(other, ">" if last else "<", own), If(Comparison(body.test.left, "==", same), ONE, ZERO), ZERO
    )
    alone = If(Comparison(Sum(tuple(again), beside), "==", ZERO), body, ZERO)
    return replace(with_formula(adjoint, Sum(adjoint.formula.indices, alone)), sizes=sizes)


def mean_for_sum(program: Program) -> Iterator[Bend]:
    """The mean over steps or places stands where a gradient is the sum over them."""
    gradients = list(adjoints(program, Role.PARAMETER))
    for names in dict.fromkeys(names for each in gradients for names in _groups(_over(each)) if names != ("n",)):
        found = [
            with_formula(each, Mul((Div(ONE, number(prod(each.sizes[n] for n in names))), each.formula)))
            for each in gradients
            if set(names) <= set(_over(each))
        ]
        yield from everywhere_or_once(found, detail=f"over {', '.join(names)}")
        biases = [each for each in found if is_bias_gradient(_own(gradients, each))]
        if 1 < len(biases) < len(found):
            yield Bend(tuple(biases), detail=f"over {', '.join(names)}, for biases")


def _own(gradients: list[Definition], changed: Definition) -> Definition:
    return next(each for each in gradients if each.target == changed.target)


def one_place(program: Program) -> Iterator[Bend]:
    """Parameters that are used in several places get the gradient of one of them."""
    for each in adjoints(program, Role.PARAMETER):
        paths = paths_of(each)
        names = {path.upstream.name for path in paths if isinstance(path.upstream, Ref)}
        if isinstance(each.formula, Add) and len(names) > 1:
            for place, addend in enumerate(each.formula.args):
                yield Bend((with_formula(each, addend),), detail=f"place {place + 1} of {len(paths)}")


def bias_twice(program: Program) -> Iterator[Bend]:
    """A parameter that is added is added twice."""

    def doubled(formula: Expr) -> Expr:
        assert isinstance(formula, Add)
        args = tuple(Mul((Num(2 * ONE.value), arg)) if _is_bias(arg, program) else arg for arg in formula.args)
        return Add(args, formula.why)

    yield from everywhere_or_once(
        with_formula(each, doubled(each.formula))
        for each in forward(program)
        if isinstance(each.formula, Add) and any(_is_bias(arg, program) for arg in each.formula.args)
    )


def _is_bias(arg: Expr, program: Program) -> bool:
    return isinstance(arg, Ref) and arg.name in program.families and program.families[arg.name].role == Role.PARAMETER


def sign_of_part(program: Program) -> Iterator[Bend]:
    """The sign of one of the parts that a derivative is the sum of is turned round."""
    for each in adjoints(program, Role.VALUE, Role.INPUT, Role.PARAMETER):
        if not isinstance(each.formula, Add):
            continue
        for place, addend in enumerate(each.formula.args):
            turned = addend.arg if isinstance(addend, Neg) else Neg(addend)
            args = (*each.formula.args[:place], turned, *each.formula.args[place + 1 :])
            yield Bend((with_formula(each, joined(Add, args)),), detail=f"part {place + 1}")
