"""Mistakes in layers other than dense ones: each function gives the ways in which one can be made in a program."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.check.anatomy import adjoints, with_formula
from chainrule.check.bends import Bend, everywhere_or_once, is_bias_gradient
from chainrule.formula.expression import (
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    If,
    Index,
    Mul,
    Num,
    Pow,
    Ref,
    Sum,
    Why,
    add_indices,
    letter,
    number,
    refs,
    substitute,
    transform,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.blocks import blocks, offset
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role, adjoint_name, definition_of

FEW_STEPS = 8  # of a recurrence whose mistakes are looked for in each of its steps as well


def kernel_not_turned(program: Program) -> Iterator[Bend]:
    """On the way back through windows the kernel's last entry stands where its first belongs."""
    found = []
    for each in adjoints(program, Role.VALUE, Role.INPUT):
        formula = transform(each.formula, _turned(each, program))
        if formula != each.formula:
            found.append(with_formula(each, formula))
    yield from everywhere_or_once(found, split=True)


def _turned(adjoint: Definition, program: Program) -> Callable[[Expr], Expr]:
    """The rule that turns kernels round: parameters at an index, or a letter, that tells a place in a window."""
    upstream = [path.upstream for path in paths_of(adjoint) if isinstance(path.upstream, Ref)]
    inside = {name for each in upstream for index in each.indices if _affine(index) for name, _ in index.terms}
    inside -= set(adjoint.indices)

    def is_place(index: Index) -> bool:
        return _affine(index) or any(name in inside for name, _ in index.terms)

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


def _affine(index: Index) -> bool:
    return len(index.terms) > 1


def bias_over_some(program: Program) -> Iterator[Bend]:
    """The sum of a bias's gradient over some of the axes only: of another one a single place is taken."""
    for each in adjoints(program, Role.PARAMETER):
        paths = paths_of(each)
        if len(paths) != 1 or len(paths[0].over) < 2 or not is_bias_gradient(each) or not isinstance(each.formula, Sum):
            continue
        for name in paths[0].over:
            if each.sizes[name] > 1:
                left = tuple(other for other in each.formula.indices if other != name)
                for place in dict.fromkeys((0, each.sizes[name] - 1)):
                    body = substitute(each.formula.body, {name: Index((), place)})
                    yield Bend((with_formula(each, Sum(left, body)),), detail=f"{name} = {place + 1} only")


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a family of a recurrence, or of its derivative: which axis they are, and the last one."""

    axis: int
    last: int


def steps_of(program: Program) -> dict[str, Steps]:
    """The steps of every family of a recurrence and of every derivative by one."""
    found: dict[str, Steps] = {}
    for block in blocks([each for each in program.definitions if program.families[each.target].role == Role.VALUE]):
        for each in block.lines if block.letter else ():
            own = Steps(each.indices.index(block.letter), 0 if block.backwards else each.sizes[block.letter] - 1)
            found |= {each.target: own, adjoint_name(each.target): own}
    return found


def _away(node: Ref, steps: Mapping[str, Steps], letter: str) -> int:
    """How many steps a reference is away from the step that a letter stands for."""
    return offset(node.indices[steps[node.name].axis], letter) or 0 if node.name in steps else 0


def _in_a_step(found: Sequence[Definition], program: Program, steps: Mapping[str, Steps]) -> Iterator[Bend]:
    """Changed formulas of a recurrence: all of them, each, and each in a single step, where these are few."""
    yield from everywhere_or_once(found)
    for each in found:
        letter = each.indices[steps[each.target].axis]
        before = definition_of(program, each.target)
        assert before is not None
        for step in range(each.sizes[letter]) if each.sizes[letter] <= FEW_STEPS else ():
            once = If(Comparison(Ref(letter), "==", number(step)), each.formula, before.formula)
            yield Bend((with_formula(each, once),), detail=f"{letter} = {step + 1} only")


def last_step_only(program: Program) -> Iterator[Bend]:
    """Of a parameter that every step in time uses, the last step's part of the gradient alone."""
    steps = steps_of(program)

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Sum):
            return node
        at: dict[str, Index] = {}
        for each in refs(node.body):
            for name in node.indices:
                if each.name in steps and each.indices[steps[each.name].axis] == letter(name):
                    at[name] = Index((), steps[each.name].last)
        left = tuple(name for name in node.indices if name not in at)
        body = substitute(node.body, at)
        return Sum(left, body, node.why) if left else body

    found = [(each, transform(each.formula, rule)) for each in adjoints(program, Role.PARAMETER)]
    yield from everywhere_or_once(with_formula(each, formula) for each, formula in found if formula != each.formula)


def carry_dropped(program: Program) -> Iterator[Bend]:
    """What comes back from the next step in time is left out, where something comes back at the same step too."""
    steps = steps_of(program)
    found = []
    for each in adjoints(program, Role.VALUE):
        if each.target not in steps or not isinstance(each.formula, Add):
            continue
        own = each.indices[steps[each.target].axis]
        pairs = zip(each.formula.args, paths_of(each), strict=True)
        kept = tuple(
            addend
            for addend, path in pairs
            if not (isinstance(path.upstream, Ref) and _away(path.upstream, steps, own))
        )  # fmt: skip
        if kept and len(kept) < len(each.formula.args):
            found.append(with_formula(each, kept[0] if len(kept) == 1 else Add(kept)))
    yield from _in_a_step(found, program, steps)


def previous_step(program: Program) -> Iterator[Bend]:
    """A state of the step before stands where that of the step itself belongs."""
    steps = steps_of(program)
    of_recurrences = [
        each for each in program.definitions
        if each.target in steps and program.families[each.target].role == Role.VALUE
    ]  # fmt: skip
    far: dict[str, int] = {}
    for each in of_recurrences:
        own = each.indices[steps[each.target].axis]
        far |= {node.name: away for node in refs(each.formula) if (away := _away(node, steps, own))}
    found = []
    for each in of_recurrences:
        own = each.indices[steps[each.target].axis]

        def rule(node: Expr, own: str = own) -> Expr:
            if not isinstance(node, Ref) or node.name not in far or _away(node, steps, own):
                return node
            axis, away = steps[node.name].axis, 1 if far[node.name] > 0 else -1
            there = add_indices(node.indices[axis], Index((), away))
            before = replace(node, indices=(*node.indices[:axis], there, *node.indices[axis + 1 :]))
            first = program.families[node.name].shape[axis] - 1 if away > 0 else 0
            return If(Comparison(Ref(own), "!=", number(first)), before, node)

        formula = transform(each.formula, rule)
        if formula != each.formula:
            found.append(with_formula(each, formula))
    yield from _in_a_step(found, program, steps)


def statistics_constant(program: Program) -> Iterator[Bend]:
    """The derivative does not go through the mean, or the variance, or either."""
    means = {
        each.target
        for each in program.definitions
        if program.families[each.target].role == Role.VALUE and _is_statistic(each.formula)
    }
    for left_out in (means, *({each} for each in sorted(means))):
        found = []
        for each in adjoints(program, Role.VALUE, Role.INPUT):
            if not isinstance(each.formula, Add) or program.families[each.target].of in means:
                continue
            names = {f"d_{name}" for name in left_out}
            pairs = zip(each.formula.args, paths_of(each), strict=True)
            kept = tuple(a for a, path in pairs if not (isinstance(path.upstream, Ref) and path.upstream.name in names))
            if kept and len(kept) < len(each.formula.args):
                found.append(with_formula(each, kept[0] if len(kept) == 1 else Add(kept)))
        yield from everywhere_or_once(found, detail=", ".join(sorted(left_out)))


def _is_statistic(formula: Expr) -> bool:
    """A mean, or the root of one with a small number."""
    if isinstance(formula, Call) and formula.function == "sqrt":
        return any(_is_statistic(node) for node in walk(formula.args[0]))
    return isinstance(formula, Div) and isinstance(formula.numerator, Sum) and formula.denominator.why == Why.MEAN


def scale_left_out(program: Program) -> Iterator[Bend]:
    """A parameter that multiplies number by number is left out on the way back."""
    found = []
    for each in adjoints(program, Role.VALUE):
        paths = paths_of(each)
        if len(paths) == 1 and not paths[0].over and not paths[0].tests and paths[0].upstream is not None:
            slope = paths[0].slope
            if isinstance(slope, Ref) and program.families[slope.name].role == Role.PARAMETER:
                found.append(with_formula(each, paths[0].upstream))
    yield from everywhere_or_once(found)


def root_left_out(program: Program) -> Iterator[Bend]:
    """The division by the root of the width, forward, backward, and both."""

    def rule(node: Expr) -> Expr:
        if isinstance(node, Div) and _is_root(node.denominator):
            return node.numerator
        return node

    found = [(each, transform(each.formula, rule)) for each in program.definitions]
    changed = [with_formula(each, formula) for each, formula in found if formula != each.formula]
    forward = [each for each in changed if program.families[each.target].role == Role.VALUE]
    yield from everywhere_or_once(forward, detail="forward")
    backward = [each for each in changed if each not in forward]
    yield from everywhere_or_once(backward, split=True, detail="backward")
    if forward and backward:
        yield Bend(tuple(changed), split=True, detail="both")


def _is_root(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "sqrt" and isinstance(expr.args[0], Num)


def mask_after_softmax(program: Program) -> Iterator[Bend]:
    """The sum below a softmax goes over what the mask hides as well."""
    found = []
    for each in program.definitions:
        if program.families[each.target].role == Role.VALUE and isinstance(each.formula, Div):
            below = each.formula.denominator
            if isinstance(below, Sum) and isinstance(below.body, If) and below.body.otherwise == ZERO:
                found.append(
                    with_formula(each, replace(each.formula, denominator=replace(below, body=below.body.then)))
                )
    yield from everywhere_or_once(found)


def mask_left_out(program: Program) -> Iterator[Bend]:
    """No place is hidden, above and below."""

    def rule(node: Expr) -> Expr:
        hides = isinstance(node, If) and node.otherwise == ZERO and isinstance(node.then, Call)
        return node.then if hides and isinstance(node, If) else node

    found: list[Definition] = []
    for each in program.definitions:
        if program.families[each.target].role == Role.VALUE and isinstance(each.formula, Div):
            formula = transform(each.formula, rule)
            if formula != each.formula:
                found.append(with_formula(each, formula))
    yield from everywhere_or_once(found)


def kept_share_left_out(program: Program) -> Iterator[Bend]:
    """What dropout keeps is not divided by the share that is kept."""

    def is_share(expr: Expr) -> bool:
        return isinstance(expr, Add) and not any(isinstance(node, Ref | Call | Pow) for node in walk(expr))

    found = [
        with_formula(each, each.formula.numerator)
        for each in program.definitions
        if isinstance(each.formula, Div)
        and isinstance(each.formula.numerator, Mul)
        and is_share(each.formula.denominator)
    ]
    yield from everywhere_or_once(found)
