"""Interval arithmetic on floats: two bounds that contain the true value, rounded outwards at every step."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# How many of its neighbours a result of the C library may be off; the common ones state at most 2.
LIBRARY_ERROR = 4
EXACT_WHOLE = 2.0**53  # whole numbers below it are exact
LARGEST = math.nextafter(math.inf, 0)


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from ``lower`` to ``upper``, both included.

    >>> from decimal import Decimal
    >>> interval(Decimal("0.1")).lower < Fraction(1, 10) < interval(Decimal("0.1")).upper
    True
    """

    lower: float
    upper: float

    def __add__(self, other: "Interval") -> "Interval":
        low, high = _total(self.lower, other.lower), _total(self.upper, other.upper)
        return Interval(low.lower, high.upper)

    def __neg__(self) -> "Interval":
        return Interval(-self.upper, -self.lower)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        bounds = [_product(a, b) for a in (self.lower, self.upper) for b in (other.lower, other.upper)]
        return Interval(min(each.lower for each in bounds), max(each.upper for each in bounds))

    def __abs__(self) -> "Interval":
        if self.lower >= 0:
            return self
        return -self if self.upper <= 0 else Interval(0.0, max(-self.lower, self.upper))


EVERYTHING = Interval(-math.inf, math.inf)
ZERO, ONE = Interval(0.0, 0.0), Interval(1.0, 1.0)


def _total(a: float, b: float) -> Interval:
    """The bounds of a sum, wider than a point only where it had to be rounded."""
    total = a + b
    if total - a == b and total - b == a:
        return Interval(total, total)
    return _outwards(total, total)


def _product(a: float, b: float) -> Interval:
    """The bounds of a product. 0 times an unbounded side is 0, for every number in it is finite."""
    if a == 0 or b == 0:
        return ZERO
    product = a * b
    if abs(a) == 1 or abs(b) == 1 or (abs(product) < EXACT_WHOLE and a.is_integer() and b.is_integer()):
        return Interval(product, product)
    return _outwards(product, product)


def _outwards(lower: float, upper: float, steps: int = 1) -> Interval:
    """The interval with each bound moved outwards by as many neighbouring floats."""
    if lower != lower or upper != upper:
        return EVERYTHING
    for _ in range(steps):
        lower, upper = math.nextafter(lower, -math.inf), math.nextafter(upper, math.inf)
    return Interval(lower, upper)


def interval(value: Any) -> Interval:
    """The narrowest interval around a number."""
    if isinstance(value, Interval):
        return value
    nearest = float(value)
    if nearest != nearest:
        return EVERYTHING
    if math.isinf(nearest):
        return Interval(math.nextafter(nearest, 0), nearest) if nearest > 0 else Interval(nearest, -LARGEST)
    if isinstance(value, float) or Fraction(value) == Fraction(nearest):
        return Interval(nearest, nearest)
    if Fraction(value) > Fraction(nearest):
        return Interval(nearest, math.nextafter(nearest, math.inf))
    return Interval(math.nextafter(nearest, -math.inf), nearest)


def hull(a: Interval, b: Interval) -> Interval:
    """The narrowest interval that contains both."""
    return Interval(min(a.lower, b.lower), max(a.upper, b.upper))


def largest(a: Interval, b: Interval) -> Interval:
    """What contains the larger of two numbers."""
    return Interval(max(a.lower, b.lower), max(a.upper, b.upper))


def divide(a: Interval, b: Interval) -> Interval:
    """A quotient; everything where the denominator may be 0."""
    if b.lower <= 0 <= b.upper:
        return EVERYTHING
    bounds = [_over(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
    if any(bound != bound for bound in bounds):
        return EVERYTHING
    return _outwards(min(bounds), max(bounds))


def _over(a: float, b: float) -> float:
    return 0.0 if a == 0 else a / b


def power(base: Interval, exponent: Interval) -> Interval:
    """A power: of any number where the exponent is one whole number, else of a positive one."""
    whole = int(exponent.lower) if exponent.lower == exponent.upper and exponent.lower % 1 == 0 else None
    if whole is None:
        if base.lower <= 0:
            return EVERYTHING
        primitives = functions()
        return primitives["exp"](exponent * primitives["log"](base))
    if whole < 0:
        return divide(ONE, power(base, -exponent))
    if whole == 0:
        return ONE
    sized = abs(base) if whole % 2 == 0 else base
    wide = _outwards(_whole(sized.lower, whole), _whole(sized.upper, whole), LIBRARY_ERROR)
    return wide if sized.lower < 0 else Interval(max(wide.lower, 0.0), wide.upper)


def _whole(x: float, exponent: int) -> float:
    try:
        return math.pow(x, exponent)
    except OverflowError:
        return -math.inf if x < 0 and exponent % 2 else math.inf


def _rising(
    function: Callable[[float], float], low: float = -math.inf, start: float = -math.inf, end: float = math.inf
) -> Callable[[Interval], Interval]:
    """An increasing function with values from ``start`` to ``end``, of numbers from ``low`` on."""

    def bound(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.inf  # the pole at the left end

    def extended(x: Interval) -> Interval:
        if x.lower < low:
            return EVERYTHING
        wide = _outwards(bound(x.lower), bound(x.upper), LIBRARY_ERROR)
        return Interval(max(wide.lower, start), min(wide.upper, end))

    return extended


def _waving(function: Callable[[float], float], first_top: float) -> Callable[[Interval], Interval]:
    """sin or cos: 1 at ``first_top`` and every full turn from there, -1 half a turn later."""

    def extended(x: Interval) -> Interval:
        width = x.upper - x.lower
        if not width < 6 or max(abs(x.lower), abs(x.upper)) > 1e6:
            return Interval(-1.0, 1.0)
        left, right = function(x.lower), function(x.upper)
        ends = _outwards(min(left, right), max(left, right), LIBRARY_ERROR)
        top = 1.0 if _passes(x, first_top) else min(1.0, ends.upper)
        bottom = -1.0 if _passes(x, first_top + math.pi) else max(-1.0, ends.lower)
        return Interval(bottom, top)

    return extended


def _passes(x: Interval, place: float) -> bool:
    """Whether the interval may contain ``place`` or a full turn from it; the margin is far above the rounding."""
    turns = math.ceil((x.lower - place) / math.tau - 1e-9)
    return place + turns * math.tau <= x.upper + 1e-8


def _sign(x: Interval) -> Interval:
    return Interval(_sign_of(x.lower), _sign_of(x.upper))


def _sign_of(x: float) -> float:
    return float((x > 0) - (x < 0))


def functions() -> Mapping[str, Callable[..., Interval]]:
    """The primitive functions."""
    return {
        "exp": _rising(math.exp, start=0.0),
        "log": _rising(math.log, low=0.0),
        "sqrt": _rising(math.sqrt, low=0.0, start=0.0),
        "sin": _waving(math.sin, math.pi / 2),
        "cos": _waving(math.cos, 0.0),
        "erf": _rising(math.erf, start=-1.0, end=1.0),
        "log1p": _rising(math.log1p, low=-1.0),
        "expm1": _rising(math.expm1, start=-1.0),
        "tanh": _rising(math.tanh, start=-1.0, end=1.0),
        "abs": abs,
        "sign": _sign,
        "pi": lambda: Interval(math.pi, math.nextafter(math.pi, math.inf)),
    }
