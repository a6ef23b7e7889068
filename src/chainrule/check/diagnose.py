"""The mistakes behind wrong numbers: every candidate tried, the ones that fit ranked, and what else fits as well."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from typing import Any

import numpy as np

from chainrule.check.bounds import CARELESS, noise, significant
from chainrule.check.candidates import Candidate, candidates
from chainrule.check.edits import Kin
from chainrule.check.everywhere import carried_on, changed_everywhere
from chainrule.check.mark import Marking, Verdict, agreement
from chainrule.check.mistakes import Mistake
from chainrule.check.sheet import sources
from chainrule.check.slips import Slip, kin_of, tried, written_slips
from chainrule.check.trials import Numbers, Rerun, Trials, formulas_of, joined, numbers_of, trials_of
from chainrule.explain.names import Ratio, Scalar
from chainrule.program.program import Definition

MOST_STARTS = 3  # wrong numbers without an explanation on whose way all formulas are changed
MOST_WAY = 200  # lines on that way
MOST_EVERYWHERE = 3000  # changes of formulas for all entries
MOST_WRONG = 12  # wrong numbers whose slips are looked for
MOST_PAIRS = 1200
MOST_CAUSES = 5  # shown for one number
WORTH_SAYING = 0.1  # accidental matches expected: above it a nameless slip says nothing


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

    With ``named_only`` only the rows are tried: no slips, no pairs, no changes for all entries.
    """
    wrong = [i for i, mark in enumerate(marking.marks) if mark.verdict == Verdict.WRONG and marking.is_number(i)]
    found = Diagnosis()
    if not wrong:
        return found
    trials = trials_of(marking, list(candidates(marking.sheet)), rerun)
    fits = _rows(marking, trials, wrong)
    more = list(_more(marking, fits, wrong, 0 if named_only else MOST_STARTS))
    if more:
        trials = joined(trials, trials_of(marking, more))
        fits = _rows(marking, trials, wrong)
    kin = kin_of(marking.sheet)
    for place in wrong[: 0 if named_only else MOST_WRONG]:
        fits[place] += _slips(marking, place, found, kin)
        if other_rounds is not None:
            fits[place] += _rounds(marking, place, other_rounds)
        if not fits[place]:
            fits[place] += _pairs(marking, place, trials)
    found.tried += len(trials.candidates)
    found.fits = {place: _ranked(each) for place, each in fits.items()}
    return found


def _off(marking: Marking, place: int, value: Any) -> float | None:
    """How far a value is from an answer, in units of what the answer's digits can tell; None where it doesn't fit."""
    answer, line = marking.reported[place].answer, marking.reported[place].line
    number = float(value)
    if not math.isfinite(number):
        return None
    slack = _slack(marking, line)
    if agreement(answer, number, slack) is not None:
        return 0.0 if abs(float(answer.value) - number) <= float(answer.unit) / 2 + slack else 1.0
    off = abs(float(answer.value) - number)
    if off > 0.2 * min(abs(float(answer.value) - float(each[line])) for each in (marking.right, marking.own)):
        return None  # hardly nearer than what is right: no explanation of the difference
    # Made from earlier numbers that were rounded: not to the digits, but near enough to be no accident.
    loose = 1e-5 * abs(number) if significant(answer) > 7 else 3 * float(answer.unit)
    digit = max(float(answer.unit), CARELESS * abs(number))
    return 1 + off / digit if off <= loose and digit else None


def _slack(marking: Marking, line: str) -> float:
    """What floats may be off at a line."""
    done = marking.sheet.keys[line].done
    drift = max(marking.drift.get(done, 0.0), 1e-12 if done else 0.0)
    return noise(marking.tight[line], drift, float(marking.right[line]))


def _near(marking: Marking, place: int, values: Numbers) -> Iterator[int]:
    """The candidates whose value may fit an answer at all: a quick look, before each is looked at closely."""
    answer, line = marking.reported[place].answer, marking.reported[place].line
    number, unit = float(answer.value), float(answer.unit)
    bound = 4 * unit + 1e-5 * np.maximum(np.abs(values), abs(number)) + _slack(marking, line)
    with np.errstate(invalid="ignore"):
        near = np.abs(values - number) <= bound
    return (int(each) for each in np.flatnonzero(near))


def _more(
    marking: Marking, fits: Mapping[int, list[Fit]], wrong: Sequence[int], most_starts: int
) -> Iterator[Candidate]:
    """Further candidates, where some wrong numbers have none yet.

    Mistakes on the way forward that fit, with the derivatives that go with them; and every small change of the
    formulas on the way to the first number without an explanation, made for all entries of a family.
    """
    sheet = marking.sheet
    order = sorted(wrong, key=lambda place: sheet.order.get(marking.reported[place].line, -1))
    forward = [
        fit.candidate for place in order[:1] for fit in fits[place] if fit.candidate is not None and fit.off <= 1
    ]
    found = [carried for each in forward if (carried := carried_on(each, sheet.names)) is not None]
    left = [place for place in order if not any(fit.off <= 1 for fit in fits[place])]
    families: dict[tuple[int, str], None] = {}
    for place in left[:most_starts]:
        line = marking.reported[place].line
        for text in islice((each for each in sources(sheet, line, marking.replaced) if each in sheet.lines), MOST_WAY):
            done, quantity = sheet.keys[text]
            if isinstance(quantity, Scalar) and (text == line or text not in marking.replaced):
                families[(done, quantity.family)] = None
    for done, family in families:
        new = list(changed_everywhere(sheet.names[done], done, family))
        found += new
        if len(found) > MOST_EVERYWHERE:
            break
    return iter(found)


def _rows(marking: Marking, trials: Trials, wrong: Sequence[int]) -> dict[int, list[Fit]]:
    """For each wrong number the best way of making each row's mistake that gives it."""
    against = _against(marking, trials)
    offs = {place: _offs(marking, trials, against, place) for place in wrong}
    explained: dict[int, set[int]] = {}
    for place, found in offs.items():
        for at in found:
            explained.setdefault(at, set()).add(place)
    fits = {}
    for place, found in offs.items():
        line = marking.reported[place].line
        chance = _chance(marking, place, trials.throughout[line])
        best: dict[str, Fit] = {}
        for at, off in found.items():
            candidate, value = trials.candidates[at], float(trials.throughout[line][at])
            row = candidate.row
            fit = Fit(
                row.id, frozenset(explained[at]), against[at], off, chance, row.plausible, row, candidate, value=value
            )
            if row.id not in best or _order(fit) < _order(best[row.id]):
                best[row.id] = fit
        fits[place] = list(best.values())
    return fits


def _offs(marking: Marking, trials: Trials, against: Sequence[int], place: int) -> dict[int, float]:
    """The candidates that give a wrong number, with how far they are from it.

    One that would have made right numbers wrong was at most made after them, from the person's own numbers.
    """
    line = marking.reported[place].line
    found: dict[int, float] = {}
    for at in _near(marking, place, trials.own[line]):
        off = _off(marking, place, trials.own[line][at])
        if off is not None:
            found[at] = off
    for at in _near(marking, place, trials.throughout[line]):
        off = None if against[at] else _off(marking, place, trials.throughout[line][at])
        if off is not None:
            found[at] = min(off, found.get(at, off))
    return found


def _against(marking: Marking, trials: Trials) -> list[int]:
    """For each candidate how many right numbers would be others if the mistake had been made throughout."""
    count = np.zeros(len(trials.candidates), int)
    for place, mark in enumerate(marking.marks):
        line = marking.reported[place].line
        if mark.verdict not in (Verdict.RIGHT, Verdict.DIGITS):
            continue
        values = trials.throughout[line]
        other = np.isfinite(values) & (values != float(marking.right[line]))
        for at in _near(marking, place, values):
            if other[at] and _off(marking, place, values[at]) is not None:
                other[at] = False
        count += other
    return [int(each) for each in count]


def _chance(marking: Marking, place: int, values: Numbers) -> float:
    """How many of these values would hit the answer's digits by accident, from how dense they lie around it."""
    answer = marking.reported[place].answer
    target = float(answer.value)
    width = max(float(answer.unit), CARELESS * abs(target))
    near = np.abs(values - target)
    window = max(0.5 * abs(target), 20 * width)
    with np.errstate(invalid="ignore"):
        count = int(np.count_nonzero((near <= window) & (near > 2 * width)))
    return count * width / window if window else 0.0


def _slips(marking: Marking, place: int, found: Diagnosis, kin: Kin) -> list[Fit]:
    each = marking.reported[place]
    values = {**marking.own, **marking.replaced, each.line: marking.own[each.line]}
    near, numbers = tried(
        marking.sheet, each.line, each.answer, values, marking.replaced, kin,
        lambda numbers: _near(marking, place, numbers),
    )  # fmt: skip
    found.tried += len(numbers)
    chance = _chance(marking, place, numbers)
    fits = [
        Fit(slip.id, frozenset([place]), 0, off, chance, slip.likely, slip=slip, value=value)
        for slip, value in near
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


def _pairs(marking: Marking, place: int, trials: Trials) -> list[Fit]:
    """Two of the named mistakes at once, in different families."""
    line = marking.reported[place].line
    if isinstance(marking.sheet.keys[line].quantity, Ratio):
        return []
    values, right = trials.throughout[line], float(marking.right[line])
    relevant = [(each, formulas_of(each)) for at, each in enumerate(trials.candidates) if values[at] != right]
    pairs = list(islice(_apart(relevant), MOST_PAIRS))
    both = [_merged(one, two) for (_, one), (_, two) in pairs]
    numbers = numbers_of(marking.sheet, marking.right, both, [line], {})[line]
    fits = []
    for at in _near(marking, place, numbers):
        off = _off(marking, place, numbers[at])
        if off is not None and off <= 1:
            (first, _), (second, _) = pairs[at]
            likely = 0.5 * first.row.plausible * second.row.plausible
            name = f"{first.row.id}+{second.row.id}"
            fits.append(
                Fit(name, frozenset([place]), 0, off, 0.0, likely, first.row, first, also=second, value=numbers[at])
            )
    chance = _chance(marking, place, numbers)
    return [replace(fit, chance=chance) for fit in fits if chance <= WORTH_SAYING]


Formulas = Mapping[int, Mapping[str, Definition]]


def _apart(
    found: Sequence[tuple[Candidate, Formulas]],
) -> Iterator[tuple[tuple[Candidate, Formulas], tuple[Candidate, Formulas]]]:
    """The pairs of candidates of different rows that don't change the same formulas."""
    for first, second in combinations(found, 2):
        targets = {name for own in first[1].values() for name in own}
        if first[0].row is not second[0].row and not any(name in targets for own in second[1].values() for name in own):
            yield first, second


def _merged(one: Formulas, two: Formulas) -> dict[int, dict[str, Definition]]:
    return {done: {**one.get(done, {}), **two.get(done, {})} for done in (*one, *two)}


def _order(fit: Fit) -> tuple[Any, ...]:
    """What explains more comes first; then what contradicts less, fits closer, and happens more often."""
    named = (fit.row is not None and not fit.row.general) or fit.rounds is not None
    accidental = fit.chance > WORTH_SAYING and not named
    explained = len(fit.explained) - 0.6 * bool(fit.against)
    return (-explained, accidental, fit.off > 1, -fit.likely - 0.3 * named, fit.against, fit.off)


def _ranked(fits: list[Fit]) -> list[Fit]:
    """The best few, each with the others that explain as much.

    A change without a name is left out where a row fits: it is that row said in another way, or an accident.
    """
    ordered = sorted(fits, key=_order)
    named = any(fit.row is not None and not fit.row.general and fit.off <= 1 for fit in ordered)
    kept: list[Fit] = []
    best = max((fit.explained for fit in ordered if fit.row and not fit.row.general), key=len, default=frozenset())
    for fit in ordered:
        nameless = fit.slip is not None or (fit.row is not None and fit.row.general)
        again = nameless and any(math.isclose(other.value, fit.value, rel_tol=1e-12) for other in kept)
        if len(kept) < MOST_CAUSES and not again and not (named and nameless and fit.explained <= best):
            kept.append(fit)

    def equals(fit: Fit) -> tuple[str, ...]:
        return tuple(
            other.id
            for other in kept
            if other is not fit and other.explained == fit.explained and (other.off > 1) == (fit.off > 1)
        )

    return [replace(fit, ambiguous_with=equals(fit)) for fit in kept]
