"""Mistakes with the steps of a recurrence: each function gives the ways in which one can be made in a program."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.check.anatomy import adjoints, with_formula
from chainrule.check.bends import Bend, changed, everywhere_or_once, joined
from chainrule.formula.expression import (
    ZERO,
    Add,
    Call,
    Expr,
    If,
    Index,
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


def _recurrent(program: Program, steps: Mapping[str, Steps]) -> list[Definition]:
    """The formulas of the recurrences on the way forward."""
    return [
        each for each in program.definitions
        if each.target in steps and program.families[each.target].role == Role.VALUE
    ]  # fmt: skip


def _away(node: Ref, steps: Mapping[str, Steps], letter: str) -> int:
    """How many steps a reference is away from the step that a letter stands for."""
    return offset(node.indices[steps[node.name].axis], letter) or 0 if node.name in steps else 0


def _at(node: Ref, axis: int, index: Index) -> Ref:
    return replace(node, indices=(*node.indices[:axis], index, *node.indices[axis + 1 :]), why=None)


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

    yield from everywhere_or_once(changed(adjoints(program, Role.PARAMETER), rule))


def _without_carry(program: Program, steps: Mapping[str, Steps]) -> Iterator[Definition]:
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
            yield with_formula(each, joined(Add, kept))


def carry_dropped(program: Program) -> Iterator[Bend]:
    """What comes back from the next step in time is left out, where something comes back at the same step too."""
    steps = steps_of(program)
    yield from _in_a_step(list(_without_carry(program, steps)), program, steps)


def cut_too_early(program: Program) -> Iterator[Bend]:
    """Nothing comes back across one step, and so to no step before it."""
    steps = steps_of(program)
    found = list(_without_carry(program, steps))
    most = max((each.sizes[each.indices[steps[each.target].axis]] for each in found), default=0)
    for step in range(most - 1) if most <= 2 * FEW_STEPS else ():
        cut: dict[str, list[Definition]] = {"at": [], "before": []}
        for each in found:
            letter = each.indices[steps[each.target].axis]
            before = definition_of(program, each.target)
            assert before is not None
            # Forward in time a step is cut off from those after it, backwards from those before it.
            last = steps[each.target].last
            own, relation = (step, "<=") if last else (each.sizes[letter] - 1 - step, ">=")
            for way, sign in (("at", "=="), ("before", relation)):
                test = Comparison(Ref(letter), sign, number(own))
                cut[way].append(with_formula(each, If(test, each.formula, before.formula)))
        for way, changes in cut.items():
            yield Bend(tuple(changes), detail=f"nothing comes back to step {step + 1}{' or before' * (way != 'at')}")


def previous_step(program: Program) -> Iterator[Bend]:
    """A state of the step before stands where that of the step itself belongs."""
    steps = steps_of(program)
    of_recurrences = _recurrent(program, steps)
    far: dict[str, int] = {}
    for each in of_recurrences:
        own = each.indices[steps[each.target].axis]
        far |= {node.name: away for node in refs(each.formula) if (away := _away(node, steps, own))}
    found = []
    for each in of_recurrences:
        own = each.indices[steps[each.target].axis]
        for edge in (True, False):  # the first step keeps its own state, or has none

            def rule(node: Expr, own: str = own, edge: bool = edge) -> Expr:
                if not isinstance(node, Ref) or node.name not in far or _away(node, steps, own):
                    return node
                axis, away = steps[node.name].axis, 1 if far[node.name] > 0 else -1
                before = _at(node, axis, add_indices(node.indices[axis], Index((), away)))
                first = program.families[node.name].shape[axis] - 1 if away > 0 else 0
                return If(Comparison(Ref(own), "!=", number(first)), before, node if edge else ZERO)

            formula = transform(each.formula, rule)
            if formula != each.formula:
                found.append(with_formula(each, formula))
    yield from _in_a_step(found[::2], program, steps)
    yield from _in_a_step(found[1::2], program, steps)


def wrong_step(program: Program) -> Iterator[Bend]:
    """On the way back a quantity of the step itself stands where that of the step before or after belongs."""
    steps = steps_of(program)
    back = list(adjoints(program, Role.VALUE, Role.PARAMETER, Role.INPUT))
    far = dict.fromkeys(node.name for each in back for node in refs(each.formula) if _is_far(node, steps))
    for family in far:
        if program.families[family].role != Role.VALUE:
            continue
        found = list(changed(back, _nearer(steps, family)))
        yield from everywhere_or_once(found, split=True, detail=family)
        gradients = [
            each for each in found if program.families[program.families[each.target].of].role == Role.PARAMETER
        ]
        if 1 < len(gradients) < len(found):
            yield Bend(tuple(gradients), True, family)


def _is_far(node: Ref, steps: Mapping[str, Steps]) -> bool:
    return node.name in steps and node.indices[steps[node.name].axis].constant != 0


def _nearer(steps: Mapping[str, Steps], family: str) -> Callable[[Expr], Expr]:
    """The rule that reads a family at the step itself; a guard that nothing needs any more goes."""

    def rule(node: Expr) -> Expr:
        if isinstance(node, Ref) and node.name == family and _is_far(node, steps):
            axis = steps[family].axis
            return _at(node, axis, Index(node.indices[axis].terms))
        guarded = isinstance(node, If) and node.otherwise == ZERO and any(n.name == family for n in refs(node.then))
        if isinstance(node, If) and guarded and not any(_is_far(each, steps) for each in refs(node.then)):
            return node.then
        return node

    return rule


def input_of_other_step(program: Program) -> Iterator[Bend]:
    """What goes into a recurrence is read a step too early or too late, forward, in the gradients, and in both."""
    steps = steps_of(program)
    read = _recurrent(program, steps)
    forward = {each.target for each in read}
    gradients = [each for each in adjoints(program, Role.PARAMETER) if any(n.name in steps for n in refs(each.formula))]
    letters = {each.indices[steps[each.target].axis] for each in read}
    letters |= {index.terms[0][0] for each in gradients for node in refs(each.formula) if node.name in steps
                for index in (node.indices[steps[node.name].axis],) if index.terms}  # fmt: skip
    for away in (-1, 1):
        for edge in ("zero", "own", "other end"):
            found = list(changed((*read, *gradients), _read_at(program, steps, letters, away, edge)))
            ahead = [each for each in found if each.target in forward]
            back = [each for each in found if each.target not in forward]
            said = "a step too early" if away < 0 else "a step too late"
            yield from everywhere_or_once(ahead, detail=said)
            yield from everywhere_or_once(back, split=True, detail=said)
            if ahead and back:
                yield Bend(tuple(found), detail=said)


def _read_at(
    program: Program, steps: Mapping[str, Steps], letters: set[str], away: int, edge: str
) -> Callable[[Expr], Expr]:
    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.name in steps or node.name not in program.families:
            return node
        family = program.families[node.name]
        if family.role not in (Role.INPUT, Role.VALUE):
            return node
        for axis, index in enumerate(node.indices):
            if len(index.terms) == 1 and index.terms[0][0] in letters and not index.constant:
                moved = _at(node, axis, add_indices(index, Index((), away)))
                last = family.shape[axis] - 1
                first, end = (0, last) if away < 0 else (last, 0)
                ends: dict[str, Expr] = {"zero": ZERO, "own": _at(node, axis, Index((), first)),
                                         "other end": _at(node, axis, Index((), end))}  # fmt: skip
                return If(Comparison(Ref(index.terms[0][0]), "!=", number(first)), moved, ends[edge])
        return node

    return rule


def state_left_out(program: Program) -> Iterator[Bend]:
    """The addends of a recurrence with a state of the step before, of all states or of one."""
    steps = steps_of(program)
    read = _recurrent(program, steps)
    names = dict.fromkeys(node.name for each in read for node in refs(each.formula) if _is_far(node, steps))
    for states in (tuple(names), *((name,) for name in names if len(names) > 1)):

        def rule(node: Expr, states: tuple[str, ...] = states) -> Expr:
            if not isinstance(node, Add):
                return node
            kept = tuple(arg for arg in node.args if not any(n.name in states and _is_far(n, steps) for n in refs(arg)))
            return joined(Add, kept) if kept and len(kept) < len(node.args) else node

        yield from everywhere_or_once(changed(read, rule), detail=", ".join(states) if len(names) > 1 else "")


def slope_at_state(program: Program) -> Iterator[Bend]:
    """The slope of a function within a product is taken from the product: 1 - h**2, where h = o * tanh(c)."""
    made = {
        node: each.target
        for each in program.definitions
        if program.families[each.target].role == Role.VALUE
        for node in walk(each.formula)
        if node != each.formula and _is_function(node)
    }
    found = []
    for each in adjoints(program, Role.VALUE):

        def rule(node: Expr, each: Definition = each) -> Expr:
            if node.why != Why.SLOPE:
                return node

            def taken(inner: Expr) -> Expr:
                return Ref(made[inner], tuple(map(letter, each.indices))) if inner in made else inner

            return transform(node, taken)

        found += list(changed([each], rule))
    yield from everywhere_or_once(found, split=True)


def _is_function(node: Expr) -> bool:
    return isinstance(node, Call) and len(node.args) == 1 and isinstance(node.args[0], Ref)
