"""Kinds of numbers that formulas can be evaluated with: floats, many digits, exact fractions, intervals."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from chainrule.numbers.ledger import LedgerError


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A kind of number: how a typed or given number becomes one, its division and power, and the primitives.

    Sums, products and comparisons are those of the numbers themselves.
    """

    name: str
    number: Callable[[Any], Any]
    divide: Callable[[Any, Any], Any]
    power: Callable[[Any, Any], Any]
    primitives: Mapping[str, Callable[..., Any]]
    plain: bool = False  # numbers that fit into an array of float64


def _quiet(function: Callable[..., float], *, at_zero: float = math.nan) -> Callable[..., float]:
    """As IEEE arithmetic has it: no exception, but an infinity where a result overflows and NaN outside the domain."""

    def quiet(*args: float) -> float:
        try:
            return function(*args)
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return at_zero if args[0] == 0 else math.nan

    return quiet


def _float_divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _float_power(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ZeroDivisionError:
        return math.inf
    return result if isinstance(result, float) else math.nan


def _sign(x: Any) -> Any:
    return (x > 0) - (x < 0)


FLOAT = Arithmetic(
    "float64",
    float,
    _float_divide,
    _float_power,
    {
        "exp": _quiet(math.exp),
        "log": _quiet(math.log, at_zero=-math.inf),
        "sqrt": _quiet(math.sqrt),
        "sin": _quiet(math.sin),
        "cos": _quiet(math.cos),
        "tanh": math.tanh,
        "erf": math.erf,
        "abs": abs,
        "sign": _sign,
        "log1p": _quiet(math.log1p),
        "expm1": _quiet(math.expm1),
        "pi": lambda: math.pi,
    },
    plain=True,
)


def _no_primitive(name: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        raise LedgerError(f"{name} has no exact fraction as its value; use --digits for many digits instead")

    return refuse


def _fraction_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise LedgerError(f"a power with the exponent {exponent} has no exact fraction as its value")
    return base ** int(exponent)


EXACT = Arithmetic(
    "exact fractions",
    lambda value: Fraction(repr(value)) if isinstance(value, float) else Fraction(value),
    lambda a, b: a / b,
    _fraction_power,
    {name: _no_primitive(name) for name in FLOAT.primitives} | {"abs": abs, "sign": lambda x: Fraction(_sign(x))},
)

GUARD_DIGITS = 15  # calculated with, beyond those that are shown


class MissingExtra(ImportError):
    """An optional package is not installed; says which extra brings it."""


def many_digits(digits: int) -> Arithmetic:
    """Numbers of so many digits, with more in reserve. Needs mpmath; raises `MissingExtra` without it.

    A float is taken as the decimal number that it prints as: 0.1 is one tenth.
    """
    try:
        import mpmath
    except ImportError as problem:
        raise MissingExtra('many digits need: pip install "chainrule[digits]"') from problem
    context = mpmath.MPContext()
    context.dps = digits + GUARD_DIGITS

    def number(value: Any) -> Any:
        if isinstance(value, float | int | Decimal):
            return context.mpf(repr(float(value)) if isinstance(value, float) else str(value))
        return context.mpf(value)

    same = ("exp", "log", "sqrt", "sin", "cos", "tanh", "erf", "sign", "log1p", "expm1")
    primitives: dict[str, Callable[..., Any]] = {name: getattr(context, name) for name in same}
    primitives |= {"abs": abs, "pi": lambda: +context.pi, "log": lambda x: -context.inf if x == 0 else context.log(x)}
    return Arithmetic(f"{digits} digits", number, lambda a, b: a / b, lambda a, b: a**b, primitives)
