"""Kinds of number: how each reads a typed number, divides, compares and knows the primitive functions."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from chainrule.numbers.interval import Interval, divide, functions, hull, interval, largest, power

MOST_BITS = 10_000_000  # of an exact power


class NumberError(ValueError):
    """A kind of number that can't do what a formula asks: the exact value of exp(1), the interval of a NaN."""


class MissingLibraryError(ImportError):
    """An optional library is needed and not installed."""


RELATIONS: Mapping[str, Callable[[Any, Any], bool | None]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _larger(a: Any, b: Any) -> Any:
    """The larger number; NaN if one of them is."""
    return a if a != a or a > b else b


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A kind of number. Sums, products and signs come from its Python operators.

    ``number`` reads a Decimal, a float, an int or a number of another kind. ``relations`` may answer something else
    than True or False where a comparison can't be decided; ``choose`` then joins the values of the two branches.
    """

    name: str
    kind: type
    number: Callable[[Any], Any]
    functions: Mapping[str, Callable[..., Any]]  # the primitives among the function rows
    divide: Callable[[Any, Any], Any] = operator.truediv
    power: Callable[[Any, Any], Any] = operator.pow
    largest: Callable[[Any, Any], Any] = _larger
    relations: Mapping[str, Callable[[Any, Any], Any]] = field(default_factory=lambda: RELATIONS)
    choose: Callable[[Any, Any, Any], Any] | None = None


def array_type(arithmetic: Arithmetic) -> type:
    """The dtype of an array of such numbers."""
    return float if arithmetic.kind is float else object


# Floats, as IEEE 754 has them: x / 0, log(0) and overflow are infinities, what has no value is NaN; nothing is raised.


def _divide_floats(a: float, b: float) -> float:
    if b != 0 or b != b:
        return a / b
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


def _power_floats(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a == 0:
            return math.copysign(math.inf, a) if b % 2 == 1 else math.inf
        return math.nan


def _total(function: Callable[[float], float], pole: float | None = None) -> Callable[[float], float]:
    """A function of ``math`` without exceptions: minus infinity at its pole, infinity on overflow, else NaN."""

    def safe(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.inf if x == pole else math.nan

    return safe


def _sign(x: Any) -> Any:
    return x if x == 0 or x != x else x / abs(x)


def _sign_float(x: float) -> float:
    return x if x == 0 or x != x else math.copysign(1.0, x)


FLOAT = Arithmetic(
    "float",
    float,
    float,
    {
        "exp": _total(math.exp),
        "log": _total(math.log, pole=0),
        "sqrt": _total(math.sqrt),
        "sin": _total(math.sin),
        "cos": _total(math.cos),
        "erf": math.erf,
        "log1p": _total(math.log1p, pole=-1),
        "expm1": _total(math.expm1),
        "tanh": math.tanh,
        "abs": abs,
        "sign": _sign_float,
        "pi": lambda: math.pi,
    },
    _divide_floats,
    _power_floats,
)


# Fractions: sums, products, quotients and whole powers, without any rounding.


def _fraction(value: Any) -> Fraction:
    try:
        return Fraction(value)
    except (ValueError, OverflowError):
        raise NumberError(f"{value} is no fraction: exact arithmetic needs finite numbers") from None


def _divide_fractions(a: Fraction, b: Fraction) -> Fraction:
    if b == 0:
        raise NumberError("a division by 0 has no exact value")
    return a / b


def _power_fractions(a: Fraction, b: Fraction) -> Fraction:
    if b.denominator != 1:
        raise NumberError(f"a power with the exponent {b} has no exact value as a fraction")
    if a == 0 and b < 0:
        raise NumberError("a negative power of 0 has no exact value")
    if abs(b) * max(a.numerator.bit_length(), a.denominator.bit_length()) > MOST_BITS:
        raise NumberError(f"a power with the exponent {b} has too many digits to be written exactly")
    return a ** int(b)


def _not_exact(name: str) -> Callable[..., Any]:
    def refuse(*args: Any) -> Any:
        raise NumberError(f"{name} has no exact value as a fraction; use floats or many digits for this formula")

    return refuse


EXACT = Arithmetic(
    "exact",
    Fraction,
    _fraction,
    {name: _not_exact(name) for name in FLOAT.functions} | {"abs": abs, "sign": _sign},
    _divide_fractions,
    _power_fractions,
)


# Intervals: a lower and an upper bound that contain the true value.


def _certainly(holds: Callable[[Interval, Interval], bool], fails: Callable[[Interval, Interval], bool]) -> Any:
    """True or False where that is certain for every value in the two intervals, else None."""

    def relation(a: Interval, b: Interval) -> bool | None:
        return True if holds(a, b) else False if fails(a, b) else None

    return relation


def _same_point(a: Interval, b: Interval) -> bool:
    return a.lower == a.upper == b.lower == b.upper


def _apart(a: Interval, b: Interval) -> bool:
    return a.upper < b.lower or b.upper < a.lower


INTERVAL = Arithmetic(
    "interval",
    Interval,
    interval,
    functions(),
    divide,
    power,
    largest,
    {
        "<": _certainly(lambda a, b: a.upper < b.lower, lambda a, b: a.lower >= b.upper),
        "<=": _certainly(lambda a, b: a.upper <= b.lower, lambda a, b: a.lower > b.upper),
        ">": _certainly(lambda a, b: a.lower > b.upper, lambda a, b: a.upper <= b.lower),
        ">=": _certainly(lambda a, b: a.lower >= b.upper, lambda a, b: a.upper < b.lower),
        "==": _certainly(_same_point, _apart),
        "!=": _certainly(_apart, _same_point),
    },
    lambda _, then, otherwise: hull(then, otherwise),
)


@cache
def many_digits(digits: int) -> Arithmetic:
    """Floating point with so many right decimal digits in the results of ordinary formulas, by mpmath.

    Raises `MissingLibraryError` where mpmath isn't installed.

    >>> str(many_digits(30).functions["exp"](many_digits(30).number(1)))[:32]
    '2.718281828459045235360287471352'
    """
    try:
        from mpmath import MPContext
    except ImportError:
        raise MissingLibraryError('--digits above 15 needs: pip install "chainrule[digits]"') from None
    context = MPContext()  # our own: mpmath's global precision stays as it is
    context.dps = digits + 15  # guard digits for what cancels

    def number(value: Any) -> Any:
        if isinstance(value, Decimal):
            return context.mpf(str(value))
        if isinstance(value, Fraction):
            return context.mpf(value.numerator) / value.denominator
        return context.mpf(value)

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        """Without exceptions and complex numbers: what has no real value is NaN, as for floats."""

        def safe(*args: Any) -> Any:
            result = function(*args)
            return context.nan if isinstance(result, context.mpc) else result

        return safe

    def quotient(a: Any, b: Any) -> Any:
        if b != 0:
            return a / b
        return context.nan if a == 0 or a != a else context.inf * context.sign(a)

    def raised(a: Any, b: Any) -> Any:
        if a == 0 and b < 0:
            return context.inf
        return real(operator.pow)(a, b)

    names = ("exp", "sqrt", "sin", "cos", "erf", "expm1", "tanh", "sign")
    primitives = {name: real(getattr(context, name)) for name in names}
    primitives |= {"abs": abs, "log": real(context.ln), "pi": lambda: +context.pi}
    primitives["log1p"] = lambda x: -context.inf if x == -1 else real(context.log1p)(x)
    return Arithmetic(f"{digits} digits", context.mpf, number, primitives, quotient, raised)


def _mixed_number(value: Any) -> Any:
    """Typed numbers exactly; a float stays one."""
    return float(value) if isinstance(value, float) else Fraction(value)


def _by_floats(function: Callable[..., float]) -> Callable[..., float]:
    return lambda *args: function(*map(float, args))


def _divide_mixed(a: Any, b: Any) -> Any:
    exact = isinstance(a, Fraction) and isinstance(b, Fraction) and b != 0
    return a / b if exact else FLOAT.divide(float(a), float(b))


def _power_mixed(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1
    if whole and base != 0 and abs(exponent) <= MOST_EXACT_POWER:
        return base ** int(exponent)
    return FLOAT.power(float(base), float(exponent))


MOST_EXACT_POWER = 64

# For a small example by hand: 0.3 - 0.4 + 0.1 is 0, as it is on paper; floats begin where a number is irrational.
MIXED = Arithmetic(
    "exact fractions, and float64 from the first irrational number on",
    object,
    _mixed_number,
    {name: _by_floats(function) for name, function in FLOAT.functions.items()} | {"abs": abs, "sign": _sign},
    _divide_mixed,
    _power_mixed,
)
