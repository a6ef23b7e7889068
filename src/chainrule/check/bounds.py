"""How far a right number may be off: the digits typed, a hand calculation's rounding, and a machine's.

A calculation by hand rounds or truncates after every product, quotient and function. What that can do to a number
further on is worked out by carrying each rounding on through the sheet.
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
from chainrule.check.vector import VECTOR
from chainrule.formula.expression import Add, Expr, If, Mul, Neg, Num, Ref, children, refs, with_children
from chainrule.numbers.arithmetic import FLOAT, INTERVAL, Arithmetic
from chainrule.numbers.evaluate import evaluate_names
from chainrule.numbers.interval import EVERYTHING, ZERO, Interval, hull, interval

FULL_DIGITS = 9  # so many right digits are as good as all of them
SECOND_ORDER = 1.6  # for what roundings do together, and in another order of the products
ROUGH = 2.5  # the same with few digits, where a rounding is no longer small
FEW = 4  # digits
CARELESS = 5e-9  # relative: earlier numbers rounded to nine digits, in a number typed with more
FEWEST_OF_SINGLE = 6  # digits: with fewer, their own tolerance is wider
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

    To as many decimals as it has, where most answers have equally many; to as many significant digits as most
    answers have; where neither is so, to its own.
    """
    typed = [(place, each) for place, each in enumerate(answers) if each.unit]
    most_decimals = _most(decimals(each) for _, each in typed)
    most_significant = _most(significant(each) for _, each in typed)
    found = {}
    for place, each in typed:
        styles = []
        if most_decimals is not None and most_decimals <= FULL_DIGITS + 3:
            styles.append(Style(decimals(each), True))
        if most_significant is not None and most_significant > 2:
            styles.append(Style(most_significant, False))
        if not styles:
            few = significant(each) < 2 or not each.value
            styles.append(Style(decimals(each), True) if few else Style(significant(each), False))
        found[place] = tuple(styles)
    return found


def _most(counts: Iterable[int]) -> int | None:
    """The largest of some counts, where most of them are that."""
    found = Counter(counts)
    largest = max(found, default=0)
    return largest if found and found[largest] >= 0.6 * found.total() else None


def rounding(sheet: Sheet, style: Style, values: Mapping[str, Any], reported: Mapping[str, Answer], line: str) -> float:
    """How far a hand calculation in this style can be off at a line.

    Each line that goes into it is moved by what may be rounded there, up and down, and carried on: a reported one by a
    unit of its last digit, any other by what the rounding of its own products, quotients and functions can do. The
    effects of all of them are added up. ``values`` are those of the lines, the reported numbers among them.
    """
    needed = set(sources(sheet, line, reported))
    order = sorted((text for text in needed if text in sheet.lines), key=lambda text: sheet.order[text])
    moved = [*(text for text in needed if text in sheet.given and text in reported), *order]
    columns = {text: place for place, text in enumerate(moved)}
    used: dict[str, Any] = {text: np.full(2 * len(moved), float(values[text])) for text in needed}
    with np.errstate(all="ignore"):
        for text in moved:
            here = used[text]
            if text in sheet.lines and (text == line or text not in reported):
                here = np.array(np.broadcast_to(evaluate_names(sheet.lines[text], used, VECTOR), here.shape), float)
            off = _own_rounding(sheet, text, style, values, reported if text != line else {})
            here[columns[text]] += off
            here[columns[text] + len(moved)] -= off
            used[text] = here
        effects = np.abs(used[line] - float(values[line]))
    if not np.isfinite(effects).all():
        return math.inf
    total = float(np.maximum(effects[: len(moved)], effects[len(moved) :]).sum())
    return (ROUGH if style.digits <= FEW else SECOND_ORDER) * total


def _own_rounding(
    sheet: Sheet, text: str, style: Style, values: Mapping[str, Any], reported: Mapping[str, Answer]
) -> float:
    """What a line's own number may be off by rounding, its earlier numbers being as they are."""
    if text in reported:
        return float(reported[text].unit)
    points = {node.name: interval(float(values[node.name])) for node in refs(sheet.lines[text])}
    own = _bounded(sheet.lines[text], points, style)
    exact = evaluate_names(sheet.lines[text], {name: each.lower for name, each in points.items()}, FLOAT)
    off = max(own.upper - exact, exact - own.lower)
    return off if math.isfinite(off) else math.inf


def _bounded(expr: Expr, used: Mapping[str, Interval], style: Style) -> Interval:
    """A formula in intervals, with room for what a person rounds at each operation."""
    match expr:
        case Num(typed):
            return interval(typed)
        case Ref(name):
            return used[name]
        case If(test, then, otherwise) if test.relation == "==":  # which one is the largest is seen, and not rounded
            points = {name: each.lower for name, each in used.items()}
            left, right = (evaluate_names(side, points, FLOAT) for side in (test.left, test.right))
            return _bounded(then if FLOAT.relations[test.relation](left, right) else otherwise, used, style)
        case Mul(args) if len(args) > 2:  # one product after the other, each of them rounded
            return _bounded(Mul((Mul(args[:-1]), args[-1])), used, style)
        case Add(args) if len(args) > 2 and not style.fixed:
            return _bounded(Add((Add(args[:-1]), args[-1])), used, style)
        case _:
            parts = {f"part{place}": _bounded(child, used, style) for place, child in enumerate(children(expr))}
            result = interval(evaluate_names(with_children(expr, tuple(map(Ref, parts))), parts, INTERVAL))
            # A sum of numbers with equally many decimals has no more of them; of significant digits it may have more.
            kept = isinstance(expr, Neg) or (isinstance(expr, Add) and style.fixed)
            return result if kept else _widened(result, style)


def _widened(value: Interval, style: Style) -> Interval:
    """The interval with room for rounding by half a unit, or for cutting off, which goes towards 0 by up to a unit.

    As it is where the number has no more digits than the style keeps; what is below half a unit can only become 0.
    """
    if not (math.isfinite(value.lower) and math.isfinite(value.upper)):
        return EVERYTHING
    unit = style.unit(max(abs(value.lower), abs(value.upper)))
    middle = (value.lower + value.upper) / 2
    if not unit or (value.upper - value.lower <= 1e-9 * unit and abs(middle / unit - round(middle / unit)) < 1e-6):
        return value
    if max(abs(value.lower), abs(value.upper)) < unit / 2:
        return hull(value, ZERO)
    lower = min(value.lower, max(0.0, value.lower - unit)) if value.lower >= 0 else value.lower - unit / 2
    upper = max(value.upper, min(0.0, value.upper + unit)) if value.upper <= 0 else value.upper + unit / 2
    return Interval(lower, upper)


def noise(tight: Interval, given_noise: float, value: float) -> float:
    """What floats of 64 bits may be off, whatever the order of the sums.

    Where no bound can be given, as for a quotient of what is 0 but for rounding, it is what the ``value`` itself may
    be rounded by: then the digits alone decide.
    """
    if not (math.isfinite(tight.lower) and math.isfinite(tight.upper)):
        return (4 * math.ulp(value) + given_noise * abs(value)) if math.isfinite(value) else 0.0
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
    """Whether a number is one of those that float32 has, as any number with few enough digits is."""
    if not answer.value.is_finite() or significant(answer) < FEWEST_OF_SINGLE:
        return False
    with np.errstate(over="ignore"):
        nearest = Decimal(repr(float(np.float32(float(answer.value)))))
    shortest = Decimal(str(np.float32(float(answer.value))))
    return abs(nearest - answer.value) <= answer.unit / 2 or shortest == answer.value


def single_tolerance(value: float, in_single: float) -> float:
    """What float32 arithmetic may be off: a few times what it is off here."""
    return 8 * max(abs(in_single - value), 2 * SINGLE * abs(value))
