"""Answers marked and diagnosed on one task: the sheet of their rounds, and the rounds that lie further off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from chainrule.catalogue.training import carried
from chainrule.check.answers import Answer, Answers
from chainrule.check.candidates import Candidate, bent_program
from chainrule.check.diagnose import Diagnosis, diagnose
from chainrule.check.mark import Marking, Reported, Verdict, marking
from chainrule.check.resolve import Found, Resolved, entries, resolve
from chainrule.check.sheet import Extra, Key, Sheet, has_few_parts, identifier, sheet_of
from chainrule.explain.names import Names, Ratio, Scalar, names_of
from chainrule.explain.round import forward_definitions
from chainrule.formula.expression import refs
from chainrule.model.right import Rounds, with_derivatives
from chainrule.model.rounds import NotFiniteError, floats_after
from chainrule.model.task import Task
from chainrule.numbers.arithmetic import NumberError
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Program, Role

NEAR = 4  # rounds from the start that stand on one sheet, one after the other
DRIFT = 1e-11  # relative: how far the floats of many rounds may lie apart
ROUGHLY = 50  # units in the last digit
STALE = 40  # rounds from the start that a number may be from by mistake


@dataclass(slots=True)
class Trial:
    """The answers marked under one set of conventions."""

    rounds: Rounds
    resolved: Resolved
    found: list[Found]
    marked: Marking

    @property
    def unknown(self) -> int:
        """How many answers have a name that isn't there."""
        return sum(each.key is None for each in self.found)

    @property
    def wrong(self) -> int:
        """How many numbers are wrong, or follow from wrong ones."""
        return sum(mark.verdict not in (Verdict.RIGHT, Verdict.DIGITS) for mark in self.marked.marks)

    @property
    def is_right(self) -> bool:
        """Whether every number that can be checked is right."""
        return bool(self.marked.marks) and not self.wrong


def tried(task: Task, answers: Answers, like: Trial | None = None) -> Trial:
    """The answers marked on a task; ``like`` are the same under other conventions, with the same names."""
    if like is not None:
        rounds = Rounds(with_derivatives(task, asked_of(like)))
        return Trial(rounds, like.resolved, like.found, _marked(rounds, like.found))
    rounds, resolved = read(task, answers)
    found = _all_found(resolved)
    return Trial(rounds, resolved, found, _marked(rounds, found))


def read(task: Task, answers: Answers) -> tuple[Rounds, Resolved]:
    """What the answers are for; and the rounds, with the derivatives by inputs where there are such answers."""
    wide = Rounds(with_derivatives(task))
    resolved = resolve(answers, wide.names_at, wide.right)
    return Rounds(with_derivatives(task, _by_given(wide, resolved))), resolved


def _by_given(wide: Rounds, resolved: Resolved) -> frozenset[str]:
    """The families that the loss is differentiated by in some answer."""
    families = wide.names_at(0).program.families
    named = [name for each in resolved.numbers if each.key is not None for name in _families_of(each.key)]
    named += [each.family for each in resolved.arrays if each.family]
    return frozenset(families[name].of for name in named if name in families and families[name].role == Role.ADJOINT)


def asked_of(trial: Trial) -> frozenset[str]:
    """The families that the loss is differentiated by in some answer."""
    return _by_given(trial.rounds, trial.resolved)


def tried_safely(task: Task, answers: Answers, base: Trial) -> Trial | None:
    """The answers under another convention; None where that leads to no numbers, or knows fewer of the names."""
    try:
        if _has_names_of(task, base):
            return tried(task, answers, base)
        rounds, resolved = read(task, answers)
        found = _all_found(resolved)
        known = sum(each.key is None for each in found) <= base.unknown
        return Trial(rounds, resolved, found, _marked(rounds, found)) if known else None
    except (NotFiniteError, NumberError):
        return None


def may_be_right(task: Task, base: Trial, strict: bool = False) -> bool:
    """Whether all numbers may be right under another convention: a quick look, before they are marked.

    A hand calculation's rounding is allowed for roughly. Where names may mean other quantities nothing is known yet,
    which with ``strict`` counts as no.
    """
    shapes = _shapes(task, base)
    if shapes is None or any(shape is None for shape in shapes.values()):
        return shapes is None and not strict
    if not _has_names_of(task, base):
        return not strict
    rounds = Rounds(with_derivatives(task, asked_of(base)))
    for each, key in zip(base.marked.reported, (each.key for each in base.found if each.key is not None), strict=True):
        if isinstance(key.quantity, Ratio):
            continue
        right = float(rounds.floats(key.done)[key.quantity.family][key.quantity.index])
        if not abs(float(each.answer.value) - right) <= ROUGHLY * float(each.answer.unit) + 1e-5 * abs(right):
            return False
    return True


def _has_names_of(task: Task, base: Trial) -> bool:
    """Whether all answers have a quantity that is there, in the same shape, under the other convention."""
    shapes = _shapes(task, base)
    mine = base.rounds.names_at(0).program.families
    return shapes is not None and all(shape == mine[name].shape for name, shape in shapes.items())


def _shapes(task: Task, base: Trial) -> dict[str, tuple[int, ...] | None] | None:
    """The shapes of the answers' families under another convention; None where names may mean something else there."""
    losses = [each.key for each in base.found if each.key is not None and _is_by_loss(base, each.key)]
    if base.unknown or losses:
        return None
    families = Rounds(with_derivatives(task, asked_of(base))).names_at(0).program.families
    used = {name for each in base.found if each.key is not None for name in _families_of(each.key)}
    return {name: families[name].shape if name in families else None for name in used}


def _is_by_loss(base: Trial, key: Key) -> bool:
    """Whether a quantity is the derivative of the loss by something that isn't trained, but elsewhere may be."""
    return isinstance(key.quantity, Ratio) and key.quantity.of == base.rounds.names_at(key.done).loss


def _families_of(key: Key) -> tuple[str, ...]:
    if isinstance(key.quantity, Ratio):
        return key.quantity.of.family, key.quantity.by.family
    return (key.quantity.family,)


def diagnosed(trial: Trial, named_only: bool = False) -> Diagnosis:
    """The mistakes behind the wrong numbers; with ``named_only`` those that have a row."""
    rerun = partial(_rerun, trial.rounds, trial.marked)
    return diagnose(trial.marked, rerun, partial(_other_rounds, trial.rounds, trial.marked), named_only)


def _all_found(resolved: Resolved) -> list[Found]:
    """The numbers, and those of the arrays one by one."""
    found = list(resolved.numbers)
    for array in resolved.arrays:
        if array.array is None:
            answer = array.answer
            shape = " x ".join(map(str, answer.array.shape))
            whole = Answer(answer.name, f"{shape} numbers", Decimal("NaN"), after=answer.after, place=answer.place)
            found.append(Found(whole, None, array.reason))
            continue
        found += [Found(answer, key) for answer, key in entries(array)]
    return found


def places_of(marked: Marking, found: Sequence[Found]) -> list[int | None]:
    """For each answer its place among the reported ones."""
    count = iter(range(len(marked.reported)))
    return [None if each.key is None else next(count) for each in found]


def _marked(rounds: Rounds, found: Sequence[Found]) -> Marking:
    """The sheet with all that these answers are from, and the verdicts."""
    sheet, drift = sheet_for(rounds, [each.key for each in found if each.key is not None])
    reported = [Reported(each.answer, identifier(each.key)) for each in found if each.key is not None]
    return marking(sheet, reported, drift)


def sheet_for(rounds: Rounds, keys: Sequence[Key]) -> tuple[Sheet, dict[int, float]]:
    """The sheet that has the keys on it; and the noise of the rounds that don't stand beside the first one."""
    wanted = sorted({key.done for key in keys}) or [0]
    near = [done for done in wanted if done <= NEAR]
    chosen = list(range(max(near) + 1)) if near else []
    far = [done for done in wanted if done > NEAR]
    parts = [(done, rounds.names_at(done), rounds.given(done)) for done in (*chosen, *far)]
    split = any(isinstance(key.quantity, Ratio) for key in keys) or has_few_parts(rounds.names_at(0))
    sheet = sheet_of(parts, split=split)
    extras = [
        extra
        for key in dict.fromkeys(keys)
        if isinstance(key.quantity, Ratio) and identifier(key) not in sheet.keys
        for extra in [_extra(rounds.names_at(key.done), key.done, key.quantity)]
    ]
    if extras:
        sheet = sheet_of(parts, extras, split)
    return sheet, dict.fromkeys(far, DRIFT)


def _extra(names: Names, done: int, ratio: Ratio) -> Extra:
    """The derivatives of one scalar by another, and by all that lies between them."""
    definitions = forward_definitions(names)
    program = names.program
    kept = {each.target for each in definitions}
    defined = {each.target for each in program.definitions}
    families = {name: each for name, each in program.families.items() if name in kept or name not in defined}
    derived = differentiate(Program(families, definitions), ratio.of.family, [ratio.by.family], ratio.of.index)
    return Extra(done, ratio.of, names_of(derived, ratio.of.family, ratio.of.index, deltas=False),
                 derived.definitions[len(definitions) :])  # fmt: skip


def _rerun(rounds: Rounds, marked: Marking, candidate: Candidate) -> Mapping[int, Mapping[str, Any]] | None:
    """The given numbers of the far rounds of a sheet, had the mistake been made in every round; None without any."""
    far = [done for done in marked.sheet.names if done > NEAR]
    if not far or not _reaches_update(rounds.names_at(far[0]).program, candidate):
        return None

    @cache
    def program_for(samples: int) -> Program:
        program = rounds.task.program_for(samples)
        bends = list(candidate.row.bend(program))
        return _in_order(bent_program(program, bends[candidate.place])) if candidate.place < len(bends) else program

    task = replace(rounds.task, program_for=program_for)
    try:
        states = {done: floats_after(task, done) for done in far}
    except CycleError:
        return None
    return {done: state for done, state in states.items() if state is not None}


def _reaches_update(program: Program, candidate: Candidate) -> bool:
    """Whether the bent families go into the updated ones at all: else every round begins with the right numbers."""
    changed = {each.target for each in candidate.bend.changes}
    for definition in program.definitions:
        if any(node.name in changed for node in refs(definition.formula)):
            changed.add(definition.target)
    return any(name in changed for name in carried(program))


def _in_order(program: Program) -> Program:
    """The program's definitions in an order of calculation: a bend may need what comes later."""
    definitions = {each.target: each for each in program.definitions}
    graph = {
        name: [node.name for node in refs(each.formula) if node.name in definitions]
        for name, each in definitions.items()
    }
    return replace(program, definitions=tuple(definitions[name] for name in TopologicalSorter(graph).static_order()))


def _other_rounds(rounds: Rounds, marked: Marking, line: str) -> Mapping[int, float]:
    """A line's value in the rounds nearby, and in the first ones."""
    done, quantity = marked.sheet.keys[line]
    if not isinstance(quantity, Scalar):
        return {}
    found: dict[int, float] = {}
    for each in dict.fromkeys([*range(STALE), *(each for each in range(done - 2, done + 3) if each >= 0)]):
        if each == done:
            continue
        try:
            found[each] = float(rounds.floats(each)[quantity.family][quantity.index])
        except (KeyError, IndexError):
            break
    return found
