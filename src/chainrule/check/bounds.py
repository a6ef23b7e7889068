"""How far a right number may be off: the digits typed, a hand calculation's rounding, and a machine's.

A calculation by hand rounds or truncates after every product, quotient and function. Interval arithmetic carries that
through the sheet: a number outside its interval can't come from rounding.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from chainrule.check.answers import Answer
from chainrule.check.sheet import Sheet, sources
from chainrule.formula.expression import Add, Expr, Neg, Num, Ref, children, with_children
from chainrule.numbers.arithmetic import FLOAT, INTERVAL, Arithmetic
from chainrule.numbers.evaluate import evaluate_names
from chainrule.numbers.interval import EVERYTHING, Interval, hull, interval

FULL_DIGITS = 9  # so many right digits are as good as all of them
CARELESS = 5e-9  # relative: earlier numbers rounded to nine digits, in a number typed with more
SINGLE = 2.0**-24  # relative rounding of float32


def decimals(answer: Answer) -> int:
    """The digits after the point that were typed."""
    return max(0, -answer.unit.adjusted()) if answer.unit else 0


def significant(answer: Answer) -> int:
    """The significant digits that were typed; 17 for a float with all its bits."""
    if not answer.unit or not answer.value.is_finite():
        return 17
    return max(1, answer.value.adjusted() - answer.unit.adjusted() + 1) if answer.value else 1


@dataclass(frozen=True, slots=True)
class Style:
    """How a person rounds on the way: to so many decimals, or to so many significant digits."""

    digits: int
    fixed: bool  # decimals

    def unit(self, value: float) -> float:
        """The worth of the last digit that is kept of a value."""
        if self.fixed:
            return 10.0**-self.digits
        return 10.0 ** (math.floor(math.log10(abs(value))) - self.digits + 1) if value else 0.0


def styles_of(answers: Sequence[Answer]) -> dict[int, tuple[Style, ...]]:
    """How each answer, by its place, may have been rounded on the way.

    To as many decimals as it has, where most answers have equally many; to as many significant digits, where that
    is so or nothing else is.
    """
    typed = [(place, each) for place, each in enumerate(answers) if each.unit]
    most_decimals = _most(decimals(each) for _, each in typed)
    most_significant = _most(significant(each) for _, each in typed)
    found = {}
    for place, each in typed:
        fixed = most_decimals is not None and most_decimals <= FULL_DIGITS + 3
        styles = [Style(decimals(each), True)] if fixed else []
        if most_significant is not None or not fixed:
            styles.append(Style(max(2, significant(each)), False))
        found[place] = tuple(styles)
    return found


def _most(counts: Iterable[int]) -> int | None:
    """The largest of some counts, where most of them are that."""
    found = Counter(counts)
    largest = max(found, default=0)
    return largest if found and found[largest] >= 0.6 * found.total() else None


def rounded_bounds(sheet: Sheet, style: Style, known: Mapping[str, Interval], line: str) -> Interval:
    """The values that a hand calculation in this style can give a line; ``known`` are those of reported lines."""
    needed = set(sources(sheet, line, known))
    used = {text: known.get(text) or interval(sheet.given[text]) for text in needed if text in sheet.given}
    for text in sorted((text for text in needed if text in sheet.lines), key=lambda text: sheet.order[text]):
        found = known.get(text) if text != line else None
        used[text] = found or _bounded(sheet.lines[text], used, style)
    return used[line]


def _bounded(expr: Expr, used: Mapping[str, Interval], style: Style) -> Interval:
    """A formula in intervals, with the result of each operation that a person rounds widened by one unit."""
    match expr:
        case Num(typed):
            return interval(typed)
        case Ref(name):
            return used[name]
        case _:
            parts = {f"part{place}": _bounded(child, used, style) for place, child in enumerate(children(expr))}
            result: Interval = evaluate_names(with_children(expr, tuple(map(Ref, parts))), parts, INTERVAL)
            # A sum of numbers with equally many decimals has no more of them; of significant digits it may have more.
            kept = isinstance(expr, Neg) or (isinstance(expr, Add) and style.fixed)
            return result if kept else _widened(result, style)


def _widened(value: Interval, style: Style) -> Interval:
    """One unit more on each side, unless the number has no more digits than the style keeps."""
    if not (math.isfinite(value.lower) and math.isfinite(value.upper)):
        return EVERYTHING
    unit = style.unit(max(abs(value.lower), abs(value.upper)))
    middle = (value.lower + value.upper) / 2
    if not unit or (value.upper - value.lower <= 1e-9 * unit and abs(middle / unit - round(middle / unit)) < 1e-6):
        return value
    return Interval(value.lower - unit, value.upper + unit)


def typed_interval(answer: Answer) -> Interval:
    """The numbers that a typed one can stand for, rounded or cut off."""
    value, unit = float(answer.value), float(answer.unit)
    return Interval(value - unit, value + unit)


def around(value: Any, answer: Answer) -> Interval:
    """What a right answer can have stood for in the person's own calculation."""
    return hull(typed_interval(answer), INTERVAL.number(value))


def noise(tight: Interval, given_noise: float) -> float:
    """What floats of 64 bits may be off, whatever the order of the sums."""
    if not (math.isfinite(tight.lower) and math.isfinite(tight.upper)):
        return math.inf
    size = max(abs(tight.lower), abs(tight.upper))
    return 4 * (tight.upper - tight.lower) + 4 * math.ulp(size) + given_noise * size


def _single(function: Any) -> Any:
    return lambda *args: np.float32(function(*map(float, args)))


FLOAT32 = Arithmetic(
    "float32",
    np.float32,
    np.float32,
    {name: _single(function) for name, function in FLOAT.functions.items()},
    _single(FLOAT.divide),
    _single(FLOAT.power),
)


def looks_single(answer: Answer) -> bool:
    """Whether a number with many digits is one of those that float32 has."""
    if not answer.value.is_finite() or significant(answer) < 8:
        return False
    with np.errstate(over="ignore"):
        nearest = Decimal(repr(float(np.float32(float(answer.value)))))
    shortest = Decimal(str(np.float32(float(answer.value))))
    return abs(nearest - answer.value) <= answer.unit / 2 or shortest == answer.value


def single_tolerance(value: float, in_single: float) -> float:
    """What float32 arithmetic may be off: a few times what it is off here."""
    return 4 * max(abs(in_single - value), 2 * SINGLE * abs(value))
