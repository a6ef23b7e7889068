"""The verdict for each number: right, right to its digits, following from an earlier one, or wrong."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np

from chainrule.check.answers import Answer
from chainrule.check.bounds import (
    CARELESS,
    FLOAT32,
    FULL_DIGITS,
    Style,
    looks_single,
    noise,
    rounding,
    significant,
    single_tolerance,
    styles_of,
)
from chainrule.check.sheet import Sheet, calculated, sources
from chainrule.formula.expression import refs
from chainrule.numbers.arithmetic import INTERVAL, MIXED
from chainrule.numbers.interval import Interval

DRIFT = 1e-12  # relative: what many rounds in floats may be off from many rounds in other floats


class Verdict(StrEnum):
    """What a number is."""

    RIGHT = "right"
    DIGITS = "right to the digits given"
    FOLLOWS = "follows from your earlier value"
    WRONG = "wrong"
    UNCHECKABLE = "not checkable"


@dataclass(frozen=True, slots=True)
class Reported:
    """An answer and the line of the sheet that it is for."""

    answer: Answer
    line: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict with its ground.

    ``expected`` is the right value, ``own`` what the line gives with the person's own earlier numbers, ``earlier``
    the lines whose wrong numbers it follows from. ``note`` says what there is to say: the digits, float32, the bounds.
    """

    verdict: Verdict
    expected: Any = None
    own: Any = None
    earlier: tuple[str, ...] = ()
    note: str = ""
    cause: str = ""  # the kind of a small difference: rounded, truncated, last_digit, float32, carried_rounding


@dataclass(slots=True)
class Marking:
    """A sheet with a person's numbers on it, and what has been worked out from them."""

    sheet: Sheet
    reported: Sequence[Reported]
    right: dict[str, Any]
    tight: dict[str, Interval]
    single: dict[str, Any]
    drift: Mapping[int, float] = field(default_factory=dict)
    bounds: dict[Style, dict[str, Interval]] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)
    replaced: dict[str, Any] = field(default_factory=dict)  # the person's numbers by line; of several the first

    def is_number(self, place: int) -> bool:
        """Whether an answer is a finite number."""
        return self.reported[place].answer.value.is_finite()


def number(answer: Answer) -> Any:
    """An answer's value for a calculation: exact where it was typed, a float where it is one."""
    return MIXED.number(answer.value if answer.unit else float(answer.value))


def marking(sheet: Sheet, reported: Sequence[Reported], drift: Mapping[int, float] | None = None) -> Marking:
    """The verdicts for all numbers of a sheet, in the order in which they were handed in.

    ``drift`` is the relative noise of the given numbers of a round, by the rounds done before it.
    """
    right = calculated(sheet, MIXED)
    with np.errstate(all="ignore"):
        single = calculated(sheet, FLOAT32)
    found = Marking(sheet, reported, right, calculated(sheet, INTERVAL), single, drift or {})
    order = {text: place for place, text in enumerate((*sheet.given, *sheet.lines))}
    styles = styles_of([each.answer for each in reported])
    for each in reported:
        if each.answer.value.is_finite():
            found.replaced.setdefault(each.line, number(each.answer))
    found.own = calculated(sheet, MIXED, found.replaced)
    marks: dict[int, Mark] = {}
    for place in sorted(range(len(reported)), key=lambda each: order[reported[each].line]):
        marks[place] = _mark(found, place, marks, styles.get(place, ()))
    found.marks = [marks[place] for place in range(len(reported))]
    return found


def _mark(marking: Marking, place: int, before: Mapping[int, Mark], styles: Sequence[Style]) -> Mark:
    each = marking.reported[place]
    expected, own = marking.right[each.line], marking.own[each.line]
    if not each.answer.value.is_finite():
        return Mark(Verdict.WRONG, expected, own, note="it is not a number")
    done = marking.sheet.keys[each.line].done
    slack = noise(marking.tight[each.line], marking.drift.get(done, 0.0), float(expected))
    exact = agreement(each.answer, float(expected), slack)
    if exact is not None and exact.cause == "last_digit" and each.line in marking.sheet.given:
        exact = None  # a given number is copied, not calculated
    if exact is None:
        exact = _in_single(each.answer, float(expected), float(marking.single[each.line]))
    if exact is not None:
        return replace(exact, expected=expected, own=own)
    reported = {marking.reported[i].line: (i, mark) for i, mark in before.items() if marking.is_number(i)}
    wrong = {text for text, (_, mark) in reported.items() if mark.verdict not in (Verdict.RIGHT, Verdict.DIGITS)}
    earlier = _nearest(marking.sheet, each.line, reported, wrong)
    mine = agreement(each.answer, float(own), slack)
    if not earlier:
        if mine is not None or any(_within(marking, each, styles, before, own=own) for own in (True, False)):
            note = "what rounding your earlier numbers does" if mine is None else "worked out from your rounded numbers"
            return Mark(Verdict.DIGITS, expected, own, note=note, cause="carried_rounding")
        return Mark(Verdict.WRONG, expected, own)
    if mine is not None or _within(marking, each, styles, before, own=True):
        trivial = _trivial(marking, each, earlier)
        if trivial:
            return Mark(Verdict.UNCHECKABLE, expected, own, earlier, trivial)
        return Mark(Verdict.FOLLOWS, expected, own, earlier)
    return Mark(Verdict.WRONG, expected, own, earlier)


def agreement(answer: Answer, value: float, slack: float) -> Mark | None:
    """Whether a number agrees with a value to the digits typed, and how; None where it doesn't."""
    if not (math.isfinite(value) and math.isfinite(slack)):
        return None
    off = abs(float(answer.value - Decimal(value)))
    unit = float(answer.unit)
    digits = significant(answer)
    if off <= slack or (off <= unit / 2 + slack and digits >= FULL_DIGITS):
        return Mark(Verdict.RIGHT)
    if off <= unit / 2 * (1 + 1e-9) + slack:
        return Mark(Verdict.DIGITS, note=f"to the {_digits(digits)} given", cause="rounded")
    exactly = abs(answer.value - Decimal(value))  # what a program cuts off is the float: -0.06 becomes -0.05
    if exactly < answer.unit + Decimal(slack) and abs(answer.value) <= abs(Decimal(value)) + Decimal(slack):
        return Mark(Verdict.DIGITS, note=f"cut off after {_digits(digits)}, not rounded", cause="truncated")
    if off <= unit * (1 + 1e-9) + slack and digits > 1:
        return Mark(Verdict.DIGITS, note="but for one unit in the last digit", cause="last_digit")
    if digits > FULL_DIGITS and off <= CARELESS * abs(value):
        right = max(1, math.floor(-math.log10(off / abs(value))))
        return Mark(
            Verdict.DIGITS,
            note=f"{_digits(right)} are right, as with earlier numbers that were rounded",
            cause="rounded",
        )
    return None


def _digits(count: int) -> str:
    return f"{count} digit{'s' * (count != 1)}"


def _in_single(answer: Answer, value: float, in_single: float) -> Mark | None:
    if not (math.isfinite(value) and math.isfinite(in_single)) or not looks_single(answer):
        return None
    if abs(float(answer.value) - value) <= single_tolerance(value, in_single):
        return Mark(Verdict.RIGHT, note="as float32 has it", cause="float32")
    return None


def _within(marking: Marking, each: Reported, styles: Sequence[Style], before: Mapping[int, Mark], own: bool) -> bool:
    """Whether rounding on the way can give this number: from the right numbers, or from the person's ``own``."""
    if marking.drift.get(marking.sheet.keys[each.line].done):
        return False
    known = {
        marking.reported[place].line: marking.reported[place].answer
        for place, mark in before.items()
        if marking.is_number(place) and (own or mark.verdict in (Verdict.RIGHT, Verdict.DIGITS))
    }
    values = {**marking.own, **marking.replaced, each.line: marking.own[each.line]} if own else marking.right
    off = abs(float(each.answer.value) - float(values[each.line]))
    half = float(each.answer.unit) / 2
    return any(off <= rounding(marking.sheet, style, values, known, each.line) + half for style in styles)


def _nearest(sheet: Sheet, line: str, reported: Mapping[str, tuple[int, Mark]], wrong: set[str]) -> tuple[str, ...]:
    """The reported wrong lines that this one is calculated from, with no other reported line between."""
    return tuple(text for text in sources(sheet, line, reported) if text != line and text in wrong) if wrong else ()


def _trivial(marking: Marking, each: Reported, earlier: Sequence[str]) -> str:
    """Why following from an earlier wrong number shows nothing here; empty where it does show something.

    A factor 0 makes any product 0, a factor 1 leaves the other one as it is: whoever carries on from there has not
    shown that the step is understood.
    """
    for text in earlier:
        value = float(marking.replaced[text])
        if value in (0.0, 1.0, -1.0) and float(marking.right[text]) != value:
            name = {0.0: "0", 1.0: "1", -1.0: "-1"}[value]
            return f"your {{{text}}} is {name}, and with {name} this step shows nothing"
    own = float(marking.own[each.line])
    if own == 0.0 and float(marking.right[each.line]) != 0.0:
        return "with your earlier numbers it is 0 whatever else is done, which shows nothing"
    used = [node.name for node in refs(marking.sheet.lines[each.line])] if each.line in marking.sheet.lines else []
    values = {text: marking.replaced.get(text, marking.own[text]) for text in used if text in marking.own}
    if len(values) > 1 and any(
        float(value) == own and float(marking.right[text]) != float(marking.right[each.line])
        for text, value in values.items()
    ):
        return "with your earlier numbers this step changes nothing, which shows nothing"
    return ""
