"""Checking whole arrays, and numbers of networks that are too large for a sheet."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import prod

import numpy as np

from chainrule.check.answers import Answers
from chainrule.check.arrays import Array, ArrayCause, Compared, Part, array_causes, compared, first_wrong
from chainrule.check.mark import Verdict
from chainrule.check.mistakes import MISTAKES
from chainrule.check.resolve import Found, FoundArray, Resolved
from chainrule.check.result import Cause, Checked, Convention, FamilySummary, Result
from chainrule.engines.numpy import compile_program
from chainrule.explain.names import Names, Scalar, family_name, name
from chainrule.model.right import Rounds
from chainrule.model.rounds import NotFiniteError, is_small
from chainrule.model.task import Task, as_floats
from chainrule.model.trial import read
from chainrule.numbers.arithmetic import NumberError
from chainrule.program.program import Program

MOST_ENTRIES = 2000  # handed in: more are compared as arrays
EXPLAINED = 5  # parts whose causes are looked for


def is_large(rounds: Rounds, answers: Answers) -> bool:
    """Whether the answers are too many, or the network too large, to go line by line."""
    entries = len(answers.numbers) + sum(each.array.size for each in answers.arrays)
    return entries > MOST_ENTRIES or not is_small(rounds.names_at(0).program)


def check_arrays(task: Task, answers: Answers, published: bool) -> Result:
    """Check all answers array by array."""
    rounds, resolved = read(task, answers)
    found = _compared(rounds, resolved)
    convention = None
    if any(not each.is_right.all() for _, each in found):
        for name_, text, task in rounds.task.variants():
            other = None if "+" in name_ else _under(task, answers)
            same = other is not None and len(other[2]) == len(found) > 0
            if other is not None and same and all(each.is_right.all() for _, each in other[2]):
                convention, (rounds, resolved, found) = Convention(name_, text), other
                break
    checked = [*_unplaced(resolved), *_checked(rounds, resolved, found)]
    order = [place for place, each in enumerate(checked) if each.verdict == Verdict.WRONG]
    first = next((each for done, each in found if each.wrong.any()), None)
    at = None
    if first is not None and order:
        done = next(d for d, each in found if each is first)
        label = first_wrong(rounds.names_at(done), first)[0]
        at = next((place for place in order if checked[place].quantity == label), order[0])
    families = tuple(_summary(rounds.names_at(done), each) for done, each in found if each.part.places is None)
    unread = tuple((each.place, each.text, each.reason) for each in answers.unread)
    return Result(
        rounds.task.title, tuple(checked), at, convention, resolved.notes, unread, families,
        tried=len(MISTAKES), published=published, source=answers.source,
    )  # fmt: skip


def _under(task: Task, answers: Answers) -> tuple[Rounds, Resolved, list[tuple[int, Compared]]] | None:
    """The same under another convention; None where that leads to no numbers."""
    try:
        rounds, resolved = read(task, answers)
        return rounds, resolved, _compared(rounds, resolved)
    except (NotFiniteError, NumberError):
        return None


def _calculate(
    program: Program, wanted: Collection[str], given: Mapping[str, Array], dtype: type
) -> Mapping[str, Array]:
    defined = {each.target for each in program.definitions}
    names = tuple(each for each in wanted if each in defined)
    return compile_program(program, names, dtype)(given) if names else {}


def _compared(rounds: Rounds, resolved: Resolved) -> list[tuple[int, Compared]]:
    """Each part with the rounds done before its round."""
    parts: dict[int, list[Part]] = {}
    for array in resolved.arrays:
        if array.array is not None:
            flat = np.asarray(array.array, float).ravel()
            part = Part(array.answer.name, array.family, flat, bytes=array.answer.array.dtype.itemsize)
            parts.setdefault(array.done, []).append(part)
    for (done, _), group in _scalars(resolved).items():
        parts.setdefault(done, []).append(_part(group))
    return [
        (done, each)
        for done in sorted(parts)
        for each in compared(rounds.names_at(done), as_floats(rounds.given(done)), parts[done], _calculate)
    ]


def _scalars(resolved: Resolved) -> dict[tuple[int, str], list[tuple[Found, Scalar]]]:
    """The single numbers by round and family."""
    groups: dict[tuple[int, str], list[tuple[Found, Scalar]]] = {}
    for each in resolved.numbers:
        if each.key is not None and isinstance(each.key.quantity, Scalar):
            scalar = each.key.quantity
            groups.setdefault((each.key.done, scalar.family), []).append((each, scalar))
    return groups


def _part(group: Sequence[tuple[Found, Scalar]]) -> Part:
    values = np.array([float(found.answer.value) for found, _ in group])
    places = np.array([scalar.index for _, scalar in group], int).reshape(len(group), -1)
    digits = np.array([float(found.answer.unit) for found, _ in group])
    return Part(group[0][0].answer.name, group[0][1].family, values, places, digits=digits)


def _unplaced(resolved: Resolved) -> Iterator[Checked]:
    """What has no quantity that could be compared."""
    for each in resolved.numbers:
        if each.key is None or not isinstance(each.key.quantity, Scalar):
            reason = (
                str(each.reason) or "the derivative of one number by another isn't checked in a network of this size"
            )
            answer = each.answer
            yield Checked(
                answer.name, answer.text, Verdict.UNCHECKABLE, note=reason, after=answer.after, place=answer.place
            )
    for array in resolved.arrays:
        if array.array is None:
            yield Checked(array.answer.name, _size(array), Verdict.UNCHECKABLE, note=array.reason)


def _size(array: FoundArray) -> str:
    return f"{array.answer.array.size:,} numbers"


def _checked(rounds: Rounds, resolved: Resolved, found: Sequence[tuple[int, Compared]]) -> Iterator[Checked]:
    """One entry for each whole array, and one for each single number."""
    scalars = _scalars(resolved)
    explained = 0
    for done, each in found:
        names = rounds.names_at(done)
        causes: tuple[Cause, ...] = ()
        if each.wrong.any() and explained < EXPLAINED:
            explained += 1
            together = [other for at, other in found if at == done]
            given = as_floats(rounds.given(done))
            listed = array_causes(names, given, together, together.index(each), _calculate)
            causes = _causes(names, each, listed)
        if each.part.places is None:
            yield _whole(names, done, each, causes)
        else:
            for place, (one, scalar) in enumerate(scalars[(done, each.part.family)]):
                yield _one(names, each, place, one, scalar, causes)


def _causes(names: Names, each: Compared, listed: Sequence[ArrayCause]) -> tuple[Cause, ...]:
    """What explains the most, and what explains as much."""
    wrong = int(each.wrong.sum())
    kept = listed[:4]
    label = family_name(names, each.part.family)
    return tuple(
        Cause(
            cause.id,
            f"{cause.text}: gives {cause.explained:,} of the {wrong:,} wrong numbers of {label}",
            cause.why,
            (label,),
            ambiguous_with=tuple(o.id for o in kept if o is not cause and o.explained == cause.explained),
        )
        for cause in kept
    )


def _whole(names: Names, done: int, each: Compared, causes: tuple[Cause, ...]) -> Checked:
    count = len(each.part.values)
    label, expected, own, note, given = "", None, None, "", f"{count:,} numbers"
    if not each.is_right.all():
        label, number, expected = first_wrong(names, each)
        off = int((~each.is_right).sum())
        note = f"{off:,} of {count:,} differ, the first of them {label} = {number:.9g} instead of {expected:.9g}"
    elif each.single:
        note = "as float32 has it"
    return Checked(
        each.part.name, given, each.verdict, expected, own, note, done, quantity=label, causes=causes, count=count
    )


def _one(names: Names, each: Compared, place: int, found: Found, scalar: Scalar, causes: tuple[Cause, ...]) -> Checked:
    answer = found.answer
    verdict = Verdict.RIGHT if each.is_right[place] else Verdict.FOLLOWS if each.follows[place] else Verdict.WRONG
    if verdict == Verdict.RIGHT and answer.unit:
        verdict = Verdict.DIGITS
    return Checked(
        answer.name, answer.text, verdict, float(each.right[place]), float(each.own[place]), "", answer.after,
        answer.place, name(names, scalar), causes=causes if verdict == Verdict.WRONG else (),
    )  # fmt: skip


def _summary(names: Names, each: Compared) -> FamilySummary:
    shape = names.program.families[each.part.family].shape
    assert prod(shape) == len(each.part.values)
    with np.errstate(invalid="ignore"):
        largest = float(np.abs(each.part.values - each.right).max(initial=0.0))
    first = "" if each.is_right.all() else first_wrong(names, each)[0]
    return FamilySummary(each.part.name, len(each.part.values), int(each.is_right.sum()), largest, first)
