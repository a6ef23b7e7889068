"""From what fits to what is said: each cause in plain words and in the person's own numbers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from chainrule.check.candidates import Candidate, bent_line, changed_lines, recalculated
from chainrule.check.diagnose import Diagnosis, Fit
from chainrule.check.mark import Marking, Verdict
from chainrule.check.result import Cause, Made
from chainrule.check.sheet import Sheet, dependents, key_name, sources, used_in
from chainrule.check.trials import formulas_of, numbers_of
from chainrule.explain.names import Ratio, Scalar
from chainrule.explain.writing import rounded
from chainrule.formula.expression import Expr, Ref, transform
from chainrule.formula.unparse import to_text
from chainrule.numbers.arithmetic import FLOAT
from chainrule.numbers.evaluate import evaluate_names
from chainrule.program.program import Role

DIGITS = 9
TOLD_APART = 0.02  # relative difference that a changed input has to make
MOST_TRIES = 8  # given numbers that are changed to tell two causes apart
MOST_APART = 6  # wrong numbers whose causes are told apart


@dataclass(frozen=True, slots=True)
class Named:
    """The marking with the names that the report uses."""

    marking: Marking
    labels: Sequence[str]  # of the reported numbers, as the person wrote them
    bent: dict[int, Mapping[str, Expr]] = field(default_factory=dict)  # a candidate's lines, by its identity

    @property
    def told(self) -> Sequence[int]:
        """The wrong numbers whose causes are told apart: the first few."""
        wrong = [place for place, mark in enumerate(self.marking.marks) if mark.verdict == Verdict.WRONG]
        return sorted(wrong, key=lambda place: self.marking.sheet.order.get(self.marking.reported[place].line, -1))[
            :MOST_APART
        ]

    def line(self, text: str) -> str:
        """A line's name."""
        sheet = self.marking.sheet
        return key_name(sheet.names, sheet.keys[text])


def causes_of(named: Named, diagnosis: Diagnosis, place: int) -> tuple[Cause, ...]:
    """What can be said about a wrong number, the likeliest first."""
    fits = diagnosis.fits.get(place, [])
    return tuple(
        Cause(
            fit.id,
            _text(named, place, fit),
            fit.row.why if fit.row is not None else "",
            tuple(named.labels[each] for each in sorted(fit.explained)),
            fit.against,
            fit.ambiguous_with,
            _apart(named, place, fit, fits),
            fit.chance,
            _made(named, place, fit),
        )
        for fit in fits
    )


def _text(named: Named, place: int, fit: Fit) -> str:
    line = named.marking.reported[place].line
    if fit.rounds is not None:
        done = named.marking.sheet.keys[line].done
        return f"it is the value after {fit.rounds:,} round{'s' * (fit.rounds != 1)}, not after {done:,}"
    if fit.slip is not None:
        return _slip_text(named, fit)
    assert fit.row is not None
    assert fit.candidate is not None
    detail = f" ({fit.candidate.bend.detail})" if fit.candidate.bend.detail else ""
    return f"{fit.row.text}{detail}" + (f"; and {fit.also.row.text}" if fit.also is not None else "")


def _made(named: Named, place: int, fit: Fit) -> Made | None:
    """The nearest line on which the mistake was made, with the person's own numbers where there are any."""
    marking, line = named.marking, named.marking.reported[place].line
    if fit.also is not None or (fit.candidate is None and (fit.slip is None or fit.slip.formula is None)):
        return None
    if fit.slip is not None:
        assert fit.slip.formula is not None
        return _as_made(named, fit.slip.line, fit.slip.formula, {**marking.own, **marking.replaced})
    assert fit.candidate is not None
    for text in sources(marking.sheet, line, ()):
        formula = bent_line(marking.sheet, fit.candidate, text)
        if formula is not None:
            return _as_made(named, text, formula, _bent_values(named, fit.candidate, text, formula))
    return None


def _as_made(named: Named, line: str, formula: Expr, values: Mapping[str, Any]) -> Made:
    return Made(line, formula, f"{named.line(line)} = {formula_text(named, formula)}", values)


def _bent_values(named: Named, candidate: Candidate, near: str, formula: Expr) -> Mapping[str, Any]:
    """What a candidate makes of a line and of all that is in its formula, from the person's own numbers."""
    marking, sheet = named.marking, named.marking.sheet
    replaced = {text: value for text, value in marking.replaced.items() if text != near}
    used = used_in(formula)
    ratios = {text: bent_line(sheet, candidate, text) or sheet.lines[text] for text in used if _is_ratio(sheet, text)}
    wanted = dict.fromkeys((*used, *(each for line in ratios.values() for each in used_in(line))))
    scalars = [text for text in wanted if text in sheet.keys and not _is_ratio(sheet, text)]
    found = numbers_of(sheet, marking.own, [formulas_of(candidate)], scalars, replaced)
    values = {text: float(numbers[0]) for text, numbers in found.items()} | replaced
    for text, own in ratios.items():
        if all(each in values for each in used_in(own)):
            values.setdefault(text, evaluate_names(own, values, FLOAT))
    values = {**marking.own, **values}
    return {**values, near: evaluate_names(formula, values, FLOAT)}


def _is_ratio(sheet: Sheet, text: str) -> bool:
    return text in sheet.keys and isinstance(sheet.keys[text].quantity, Ratio)


def _slip_text(named: Named, fit: Fit) -> str:
    slip = fit.slip
    assert slip is not None
    if slip.text:
        return slip.text.replace("{line}", named.line(slip.line) if slip.line else "")
    assert slip.change is not None
    was = formula_text(named, slip.was) if slip.was is not None else ""
    now = formula_text(named, slip.now) if slip.now is not None else ""
    return f"in {named.line(slip.line)}: " + slip.change.value.format(was=was, now=now)


def formula_text(named: Named, formula: Expr) -> str:
    """A line's formula with the names that people use."""

    def rule(node: Expr) -> Expr:
        return Ref(named.line(node.name)) if isinstance(node, Ref) and node.name in named.marking.sheet.keys else node

    return to_text(transform(formula, rule))


def shown(value: Any, digits: int = DIGITS) -> str:
    """A number with so many significant digits."""
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    text = rounded(number, digits)
    return f"{text}" if abs(number) < 1e-6 or abs(number) >= 1e15 else f"{text:f}"


def _apart(named: Named, place: int, fit: Fit, fits: Sequence[Fit]) -> str:
    """A changed given number under which this cause and the next one that is as good lead to different values."""
    if not fit.ambiguous_with or fit is not fits[0] or place not in named.told:
        return ""
    other = next((each for each in fits if each.id == fit.ambiguous_with[0]), None)
    changes = None if other is None else (_changes(named, fit), _changes(named, other))
    if changes is None or changes[0] is None or changes[1] is None:
        return ""
    for name, number, first, second in _tries(named, place, changes[0], changes[1]):
        if abs(first - second) > TOLD_APART * max(abs(first), abs(second)):
            return f"with {name} = {number} the first gives {shown(first, 6)}, the other {shown(second, 6)}"
    return ""


def _changes(named: Named, fit: Fit) -> Mapping[str, Expr] | None:
    if fit.candidate is not None and fit.also is None:
        if id(fit.candidate) not in named.bent:
            named.bent[id(fit.candidate)] = changed_lines(named.marking.sheet, fit.candidate)
        return named.bent[id(fit.candidate)]
    if fit.slip is not None and fit.slip.formula is not None:
        return {fit.slip.line: fit.slip.formula}
    return None


def _tries(
    named: Named, place: int, first: Mapping[str, Expr], second: Mapping[str, Expr]
) -> Iterator[tuple[str, str, float, float]]:
    """Given numbers that go into the line, each changed; with what the two causes then lead to."""
    marking = named.marking
    sheet, line = marking.sheet, marking.reported[place].line
    right = {text: float(value) for text, value in marking.right.items()}
    for text in islice((text for text in sources(sheet, line, ()) if _may_change(sheet, text)), MOST_TRIES):
        value = Decimal(repr(float(sheet.given[text])))
        changed = value * 2 if value else Decimal("0.5")
        values = {**right, text: float(changed)}
        for later in dependents(sheet, [text]):
            values[later] = evaluate_names(sheet.lines[later], values, FLOAT)
        one, two = (recalculated(sheet, lines, values, {}, FLOAT) for lines in (first, second))
        if one is not None and two is not None and line in one and line in two:
            yield named.line(text), f"{changed}", one[line], two[line]


def _may_change(sheet: Sheet, text: str) -> bool:
    """Whether a person could choose another number there: not that of a state, nor that of the round."""
    if text not in sheet.given:
        return False
    done, quantity = sheet.keys[text]
    assert isinstance(quantity, Scalar)
    role = sheet.names[done].program.families[quantity.family].role
    return role != Role.STATE and quantity.family != "round"
