"""The mistakes behind wrong numbers: every candidate tried, the ones that fit ranked, and what else fits as well."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from typing import Any

import numpy as np

from chainrule.check.bounds import CARELESS, noise, significant
from chainrule.check.candidates import Candidate, candidates, recalculated
from chainrule.check.mark import Marking, Verdict, agreement
from chainrule.check.mistakes import Mistake
from chainrule.check.sheet import calculated
from chainrule.check.slips import Slip, tried, written_slips
from chainrule.explain.names import Scalar
from chainrule.numbers.arithmetic import FLOAT, MIXED

MOST_WRONG = 12  # wrong numbers whose slips are looked for
MOST_PAIRS = 1200
MOST_CAUSES = 5  # shown for one number
WORTH_SAYING = 0.1  # accidental matches expected: above it a nameless slip says nothing

# For a round that the sheet can't reach from the start: its given numbers if the mistake was made all along.
Rerun = Callable[[Candidate], Mapping[int, Mapping[str, Any]] | None]


@dataclass(frozen=True, slots=True)
class Fit:
    """A candidate that gives a wrong number, and all that it explains.

    ``explained`` are the places of the wrong numbers that it gives, ``against`` those of right ones that it would
    make wrong, ``off`` how far it is from the number in units of its last digit, ``chance`` how many of the tried
    candidates would have hit the number by accident.
    """

    id: str
    explained: frozenset[int]
    against: int
    off: float
    chance: float
    likely: float
    row: Mistake | None = None
    candidate: Candidate | None = None
    slip: Slip | None = None
    also: Candidate | None = None
    rounds: int | None = None  # the number is that of so many rounds
    value: float = math.nan
    ambiguous_with: tuple[str, ...] = ()


@dataclass(slots=True)
class Diagnosis:
    """For each wrong number, by its place, the fits in the order of how well they explain it."""

    fits: dict[int, list[Fit]] = field(default_factory=dict)
    tried: int = 0


def diagnose(
    marking: Marking,
    rerun: Rerun | None = None,
    other_rounds: Callable[[str], Mapping[int, float]] | None = None,
    named_only: bool = False,
) -> Diagnosis:
    """Try all candidates on the wrong numbers. ``other_rounds`` gives a line's value after other numbers of rounds.

    With ``named_only`` only the rows are tried, no slips and no pairs.
    """
    wrong = [i for i, mark in enumerate(marking.marks) if mark.verdict == Verdict.WRONG and marking.is_number(i)]
    found = Diagnosis()
    if not wrong:
        return found
    trials = list(_bent(marking, rerun))
    fits = {place: _rows(marking, trials, place, wrong) for place in wrong}
    for place in wrong[: 0 if named_only else MOST_WRONG]:
        fits[place] += _slips(marking, place, found)
        if other_rounds is not None:
            fits[place] += _rounds(marking, place, other_rounds)
        if not fits[place]:
            fits[place] += _pairs(marking, place, trials)
    found.tried += len(trials)
    found.fits = {place: _ranked(each) for place, each in fits.items()}
    return found


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate and what the reported lines are under it: made throughout, and with the person's own numbers.

    ``against`` counts the right numbers that would be others had it been made throughout. Then it was not: at most it
    was made after them, from the person's own numbers.
    """

    candidate: Candidate
    throughout: Mapping[str, Any]
    own: Mapping[str, Any]
    against: int


def _bent(marking: Marking, rerun: Rerun | None) -> Iterator[Trial]:
    replaced = marking.replaced
    own = {**marking.own, **replaced}
    for candidate in candidates(marking.sheet):
        given = rerun(candidate) if rerun is not None else None
        base = _with_given(marking, given) if given else marking.right
        throughout = recalculated(marking.sheet, candidate.changes, base, {})
        if throughout is None:
            continue
        with_own = recalculated(marking.sheet, candidate.changes, own, replaced) or {}
        throughout = {**base, **throughout} if given else throughout
        yield Trial(candidate, throughout, with_own, _against(marking, throughout))


def _with_given(marking: Marking, given: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The whole sheet with other given numbers for some rounds."""
    start = dict(marking.sheet.given)
    for text in start:
        done, quantity = marking.sheet.keys[text]
        if isinstance(quantity, Scalar) and quantity.family in given.get(done, {}):
            start[text] = given[done][quantity.family][quantity.index]
    return calculated(marking.sheet, MIXED, given=start)


def _off(marking: Marking, place: int, value: Any) -> float | None:
    """How far a value is from an answer, in units of what the answer's digits can tell; None where it doesn't fit."""
    answer, line = marking.reported[place].answer, marking.reported[place].line
    number = float(value)
    if not math.isfinite(number):
        return None
    done = marking.sheet.keys[line].done
    slack = noise(marking.tight[line], max(marking.drift.get(done, 0.0), 1e-12 if done else 0.0))
    if agreement(answer, number, slack) is not None:
        return 0.0 if abs(float(answer.value) - number) <= float(answer.unit) / 2 + slack else 1.0
    off = abs(float(answer.value) - number)
    if off > 0.2 * min(abs(float(answer.value) - float(each[line])) for each in (marking.right, marking.own)):
        return None  # hardly nearer than what is right: no explanation of the difference
    # Made from earlier numbers that were rounded: not to the digits, but near enough to be no accident.
    loose = 1e-5 * abs(number) if significant(answer) > 7 else 3 * float(answer.unit)
    digit = max(float(answer.unit), CARELESS * abs(number))
    return 1 + off / digit if off <= loose and digit else None


def _rows(marking: Marking, trials: Sequence[Trial], place: int, wrong: Sequence[int]) -> list[Fit]:
    """The best way of making each row's mistake that gives this number."""
    line = marking.reported[place].line
    best: dict[str, Fit] = {}
    for trial in trials:
        off = _trial_off(marking, trial, place)
        if off is None:
            continue
        row = trial.candidate.row
        explained = frozenset(each for each in wrong if _trial_off(marking, trial, each) is not None)
        value = float(trial.throughout.get(line, math.nan))
        fit = Fit(row.id, explained, trial.against, off, 0.0, row.plausible, row, trial.candidate, value=value)
        old = best.get(fit.id)
        if old is None or _order(fit) < _order(old):
            best[fit.id] = fit
    chance = _chance(marking, place, [float(each.throughout[line]) for each in trials if line in each.throughout])
    return [replace(fit, chance=chance) for fit in best.values()]


def _trial_off(marking: Marking, trial: Trial, place: int) -> float | None:
    line = marking.reported[place].line
    ways = (trial.own,) if trial.against else (trial.throughout, trial.own)
    offs = [_off(marking, place, values[line]) for values in ways if line in values]
    return min((each for each in offs if each is not None), default=None)


def _against(marking: Marking, throughout: Mapping[str, Any]) -> int:
    """How many right numbers would be others if the mistake had been made throughout."""
    return sum(
        1
        for place, mark in enumerate(marking.marks)
        if mark.verdict in (Verdict.RIGHT, Verdict.DIGITS)
        and marking.reported[place].line in throughout
        and _off(marking, place, throughout[marking.reported[place].line]) is None
    )


def _chance(marking: Marking, place: int, values: Sequence[float]) -> float:
    """How many of these values would hit the answer's digits by accident, from how dense they lie around it."""
    answer = marking.reported[place].answer
    target = float(answer.value)
    width = max(float(answer.unit), CARELESS * abs(target))
    near = np.abs(np.asarray(values) - target)
    window = max(0.5 * abs(target), 20 * width)
    count = int(np.count_nonzero((near <= window) & (near > 2 * width)))
    return count * width / window if window else 0.0


def _slips(marking: Marking, place: int, found: Diagnosis) -> list[Fit]:
    each = marking.reported[place]
    values = {**marking.own, **marking.replaced, each.line: marking.own[each.line]}
    trial = tried(marking.sheet, each.line, each.answer, values, marking.replaced)
    found.tried += len(trial.slips)
    chance = _chance(marking, place, trial.values.tolist())
    fits = [
        Fit(slip.id, frozenset([place]), 0, off, chance, slip.likely, slip=slip, value=float(value))
        for slip, value in zip(trial.slips, trial.values, strict=True)
        if (off := _off(marking, place, value)) is not None and off <= 2
    ]
    fits += [
        Fit(slip.id, frozenset([place]), 0, 0.0, 0.0, slip.likely, slip=slip, value=float(each.answer.value))
        for slip in written_slips(each.answer, float(marking.own[each.line]))
    ]
    return [fit for fit in fits if fit.chance <= WORTH_SAYING]


def _rounds(marking: Marking, place: int, other_rounds: Callable[[str], Mapping[int, float]]) -> list[Fit]:
    """The same quantity after another number of rounds: one too few, one too many, trained before."""
    each = marking.reported[place]
    done = marking.sheet.keys[each.line].done
    fits = []
    for rounds, value in other_rounds(each.line).items():
        off = _off(marking, place, value)
        if rounds != done and off is not None and off <= 1:
            likely = 0.6 / (1 + 0.1 * abs(rounds - done))
            name = f"after-{rounds}-rounds"
            fits.append(Fit(name, frozenset([place]), 0, off, 0.0, likely, rounds=rounds, value=value))
    return fits


def _pairs(marking: Marking, place: int, trials: Sequence[Trial]) -> list[Fit]:
    """Two of the named mistakes at once, on different lines."""
    line = marking.reported[place].line
    right = float(marking.right[line])
    relevant = [each for each in trials if line in each.throughout and float(each.throughout[line]) != right]
    right_floats = {text: float(value) for text, value in marking.right.items()}
    fits, values = [], []
    for first, second in islice(combinations(relevant, 2), MOST_PAIRS):
        one, two = first.candidate, second.candidate
        if one.row is two.row or set(one.changes) & set(two.changes):
            continue
        found = recalculated(marking.sheet, {**one.changes, **two.changes}, right_floats, {}, FLOAT)
        if found is None:
            continue
        values.append(float(found[line]))
        off = _off(marking, place, found[line])
        if off is not None and off <= 1:
            likely = 0.5 * one.row.plausible * two.row.plausible
            name = f"{one.row.id}+{two.row.id}"
            fits.append(Fit(name, frozenset([place]), 0, off, 0.0, likely, one.row, one, also=two, value=values[-1]))
    chance = _chance(marking, place, values)
    return [replace(fit, chance=chance) for fit in fits if chance <= WORTH_SAYING]


def _order(fit: Fit) -> tuple[Any, ...]:
    """What explains more comes first; then what contradicts less, fits closer, and happens more often."""
    named = fit.row is not None or fit.rounds is not None
    accidental = fit.chance > WORTH_SAYING and not named
    explained = len(fit.explained) - 0.6 * bool(fit.against)
    return (-explained, accidental, fit.off > 1, -fit.likely - 0.3 * named, fit.against, fit.off)


def _ranked(fits: list[Fit]) -> list[Fit]:
    """The best few, each with the others that explain as much.

    A change without a name is left out where a row fits: it is that row said in another way, or an accident.
    """
    ordered = sorted(fits, key=_order)
    named = any(fit.row is not None and fit.off <= 1 for fit in ordered)
    kept: list[Fit] = []
    for fit in ordered:
        again = fit.slip is not None and any(
            other.slip is not None and math.isclose(other.value, fit.value, rel_tol=1e-12) for other in kept
        )
        if len(kept) < MOST_CAUSES and not again and not (named and fit.slip is not None):
            kept.append(fit)

    def equals(fit: Fit) -> tuple[str, ...]:
        return tuple(
            other.id
            for other in kept
            if other is not fit and other.explained == fit.explained and (other.off > 1) == (fit.off > 1)
        )

    return [replace(fit, ambiguous_with=equals(fit)) for fit in kept]
