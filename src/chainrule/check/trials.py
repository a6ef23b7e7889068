"""What the reported numbers are under every candidate: made throughout, and from the person's own earlier numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.check.candidates import Candidate, changed_lines, recalculated
from chainrule.check.columns import Change, Columns, Pinned, columns
from chainrule.check.mark import Marking
from chainrule.check.sheet import Key, Sheet, calculated
from chainrule.explain.names import Ratio, Scalar
from chainrule.numbers.arithmetic import MIXED
from chainrule.program.program import Definition, Program, updated_name

Numbers = NDArray[np.float64]
# For a round that the sheet can't reach from the start: its given numbers if the mistake was made all along.
Rerun = Callable[[Candidate], Mapping[int, Mapping[str, Any]] | None]


@dataclass(frozen=True, slots=True)
class Trials:
    """Candidates, and for each reported line what it is under each of them; NaN where it can't be calculated.

    ``throughout`` is with the mistake made from the start, ``own`` from the person's own earlier numbers.
    """

    candidates: Sequence[Candidate]
    throughout: Mapping[str, Numbers]
    own: Mapping[str, Numbers]


def trials_of(marking: Marking, found: Sequence[Candidate], rerun: Rerun | None = None) -> Trials:
    """Candidates tried."""
    given = [(rerun(each) if rerun is not None else None) or {} for each in found]
    lines = list(dict.fromkeys(each.line for each in marking.reported))
    if any(isinstance(marking.sheet.keys[line].quantity, Ratio) for line in lines):
        return _line_by_line(marking, found, given, lines)
    changes = [formulas_of(each) for each in found]
    throughout = numbers_of(marking.sheet, marking.right, changes, lines, {}, given)
    if len(lines) == 1 and not marking.replaced.keys() - set(lines) and not any(given):
        return Trials(found, throughout, throughout)  # no earlier numbers of the person's own
    own = numbers_of(marking.sheet, marking.own, changes, lines, marking.replaced)
    return Trials(found, throughout, own)


def joined(one: Trials, two: Trials) -> Trials:
    """All candidates of both."""
    return Trials(
        [*one.candidates, *two.candidates],
        {line: np.concatenate([numbers, two.throughout[line]]) for line, numbers in one.throughout.items()},
        {line: np.concatenate([numbers, two.own[line]]) for line, numbers in one.own.items()},
    )


def formulas_of(candidate: Candidate) -> dict[int, dict[str, Definition]]:
    """A candidate's other formulas by round and family."""
    return {done: {each.target: each for each in bend.changes} for done, bend in candidate.bends.items()}


def numbers_of(
    sheet: Sheet,
    values: Mapping[str, Any],
    formulas: Sequence[Mapping[int, Mapping[str, Definition]]],
    lines: Sequence[str],
    replaced: Mapping[str, Any],
    given: Sequence[Mapping[int, Mapping[str, Any]]] = (),
) -> dict[str, Numbers]:
    """The numbers on some lines under each of some changes: other formulas by round and family.

    ``values`` are those of the unchanged sheet; ``replaced`` stand in place of what a line gives. ``given`` are other
    given numbers by round.
    """
    count = len(formulas)
    found: dict[int, Columns] = {}
    possible = np.ones(count, bool)
    arrays = _arrays(sheet, values)
    for done, names in sheet.names.items():
        before = found.get(done - 1)
        changes = []
        for place in range(count):
            other = dict(given[place].get(done, {})) if given else {}
            if before is not None:
                other |= _carried(names.program, before, place, arrays[done])
            changes.append(Change(formulas[place].get(done, {}), other))
        pinned = _pinned(sheet, done, arrays[done], replaced)
        found[done] = columns(names.program, arrays[done], changes, pinned)
        possible &= found[done].possible
    result = {}
    for line in lines:
        done, quantity = sheet.keys[line]
        assert isinstance(quantity, Scalar)
        result[line] = np.where(possible, found[done].of(quantity.family, quantity.index, count), np.nan)
    return result


def _arrays(sheet: Sheet, values: Mapping[str, Any]) -> dict[int, dict[str, Numbers]]:
    """The numbers of each family by round."""
    found: dict[int, dict[str, Numbers]] = {
        done: {name: np.full(family.shape, np.nan) for name, family in names.program.families.items()}
        for done, names in sheet.names.items()
    }
    for text, (done, quantity) in sheet.keys.items():
        if isinstance(quantity, Scalar) and quantity.family in found[done]:
            found[done][quantity.family][quantity.index] = float(values[text])
    return found


def _carried(
    program: Program, before: Columns, place: int, base: Mapping[str, Numbers]
) -> dict[str, Numbers]:  # fmt: skip
    """The parameters and states that the round before made other ones, in one column."""
    found = {}
    for family in program.families:
        array = before.used.get(updated_name(family))
        if array is not None and array.shape[-1] > 1 and not np.array_equal(array[..., place], base[family]):
            found[family] = array[..., place]
    return found


def _pinned(
    sheet: Sheet, done: int, arrays: Mapping[str, Numbers], replaced: Mapping[str, Any]
) -> dict[str, Pinned]:  # fmt: skip
    found: dict[str, Pinned] = {}
    for text, value in replaced.items():
        key: Key = sheet.keys[text]
        if key.done == done and isinstance(key.quantity, Scalar):
            family, index = key.quantity.family, key.quantity.index
            own = found.setdefault(family, Pinned(np.zeros(arrays[family].shape, bool), arrays[family].copy()))
            own.there[index], own.numbers[index] = True, float(value)
    return found


def _line_by_line(
    marking: Marking,
    found: Sequence[Candidate],
    given: Sequence[Mapping[int, Mapping[str, Any]]],
    lines: Sequence[str],
) -> Trials:
    """The same on the sheet, which has the slopes and the parts by path on it that people report."""
    throughout = {line: np.full(len(found), np.nan) for line in lines}
    own = {line: np.full(len(found), np.nan) for line in lines}
    base = {**marking.own, **marking.replaced}
    for place, candidate in enumerate(found):
        changes = changed_lines(marking.sheet, candidate)
        start = _with_given(marking, given[place]) if given[place] else marking.right
        bent = recalculated(marking.sheet, changes, start, {})
        if bent is None:
            continue
        mine = recalculated(marking.sheet, changes, base, marking.replaced) or {}
        for line in lines:
            throughout[line][place] = float(bent.get(line, start[line]))
            own[line][place] = float(mine.get(line, marking.own[line]))
    return Trials(found, throughout, own)


def _with_given(marking: Marking, given: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The whole sheet with other given numbers for some rounds."""
    start = dict(marking.sheet.given)
    for text in start:
        done, quantity = marking.sheet.keys[text]
        if isinstance(quantity, Scalar) and quantity.family in given.get(done, {}):
            start[text] = given[done][quantity.family][quantity.index]
    return calculated(marking.sheet, MIXED, given=start)
