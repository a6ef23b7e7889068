"""What all printers of formulas share: where parentheses are needed, the signs in a sum, the digits of a number.

There are two notations. *In line* everything stands in one row and follows Python (``a / b``, ``a**2``,
``sum[i](a)``). *Built up* fractions have a bar, exponents are raised, and a sum is a ``Σ``: there the picture itself
groups, and fewer parentheses are needed.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum, auto
from typing import assert_never

from chainrule.explain.document import Document, Partial, Symbol
from chainrule.formula.expression import ONE, ZERO, Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum


class Precedence(IntEnum):
    """How tightly a formula holds together, from the loosest on."""

    CONDITION = 0  # a if x > 0 else b
    SUM = 1  # a + b
    BIG = 2  # Σ a, and a product that ends in one: they reach to their right as far as a product does
    PRODUCT = 3  # a · b, and in line a / b
    FRACTION = 4  # what is read as one factor but can't be raised to a power: a built-up fraction, dE/dw, 2×10⁻⁹
    POWER = 5
    ATOM = 6


class Place(Enum):
    """Where a formula stands in the one around it."""

    FIRST_ADDEND = auto()
    ADDEND = auto()  # after a plus or a minus, that of a Neg too
    FIRST_FACTOR = auto()
    FACTOR = auto()
    LAST_FACTOR = auto()  # as FACTOR, but a built-up Σ a may stand there bare
    NUMERATOR = auto()  # in line, as the next
    DENOMINATOR = auto()
    BASE = auto()
    EXPONENT = auto()  # in line
    BODY = auto()  # of a built-up Σ or max


# The loosest formula that may stand at a place without parentheses, and whether it may begin with a minus sign.
BARE = {
    Place.FIRST_ADDEND: (Precedence.BIG, True),
    Place.ADDEND: (Precedence.BIG, False),
    Place.FIRST_FACTOR: (Precedence.PRODUCT, True),
    Place.FACTOR: (Precedence.FRACTION, False),
    Place.LAST_FACTOR: (Precedence.FRACTION, False),
    Place.NUMERATOR: (Precedence.PRODUCT, True),
    Place.DENOMINATOR: (Precedence.POWER, False),
    Place.BASE: (Precedence.ATOM, False),
    Place.EXPONENT: (Precedence.POWER, False),
    Place.BODY: (Precedence.BIG, False),
}


def symbol_of(document: Document, ref: Ref) -> Symbol | Partial:
    """How a reference is written; a name without an entry is split at its first underscore (``net_h`` -> net, h).

    The indices of ``ref`` are not part of it.
    """
    known = document.symbols.get(ref.name)
    if known is not None:
        return known
    base, _, subscript = ref.name.partition("_")
    return Symbol(base, subscript) if base else Symbol(ref.name)


def number_parts(value: Decimal) -> tuple[str, int | None]:
    """The digits of a number without its sign, and the power of ten beside them or None where none is needed.

    >>> number_parts(Decimal("0.10")), number_parts(Decimal("-1.50E-9"))
    (('0.10', None), ('1.50', -9))
    """
    if not value.is_finite():
        return ("nan" if value.is_nan() else "inf"), None
    if value == 0:
        return format(abs(value), "f"), None
    digits, _, exponent = str(value.copy_abs()).partition("E")
    return digits, int(exponent) if exponent else None


def terms(add: Add) -> list[tuple[int, Expr]]:
    """The addends with their signs, 1 or -1: ``a - b`` is ``[(1, a), (-1, b)]``. The first may have a sign too."""
    return [(-1, _unsigned(arg)) if _is_signed(arg) else (1, arg) for arg in add.args]


def _is_signed(expr: Expr) -> bool:
    return isinstance(expr, Neg) or (isinstance(expr, Num) and expr.value.is_signed())


def _unsigned(expr: Expr) -> Expr:
    if isinstance(expr, Neg):
        return expr.arg
    return Num(expr.value.copy_abs(), expr.why) if isinstance(expr, Num) else expr


def _is_negative_number(expr: Expr) -> bool:
    return isinstance(_unsigned(expr), Num) and _is_signed(expr)


def is_indicator(expr: If) -> bool:
    """Whether a condition is written as a bracket: ``[i == j]``."""
    return expr.then == ONE and expr.otherwise == ZERO


@dataclass(frozen=True, slots=True)
class Notation:
    """Which of the two notations is printed, for the symbols of a document."""

    document: Document
    built_up: bool
    slashed: bool = False  # derivatives stand in a line, ``dE/dw``, even so


def needs_parentheses(expr: Expr, place: Place, notation: Notation) -> bool:
    """Whether a formula must stand in parentheses at a place of the formula around it."""
    if place == Place.LAST_FACTOR and notation.built_up and isinstance(expr, Sum | Max):
        return False
    if place == Place.FIRST_FACTOR and _is_negative_number(expr):
        return True  # (-0.3)·0.1 + (-0.4)·0.2: each factor is seen to have its sign
    loosest, signed = BARE[place]
    return precedence(expr, notation) < loosest or (not signed and leads_with_sign(expr, notation))


def factor_place(position: int, count: int) -> Place:
    """The place of a factor, counted from 0, in a product of ``count``."""
    return Place.FIRST_FACTOR if position == 0 else Place.LAST_FACTOR if position == count - 1 else Place.FACTOR


def precedence(expr: Expr, notation: Notation) -> Precedence:
    """How tightly a formula holds together in a notation."""
    built_up = notation.built_up
    match expr:
        case Num(value):
            if value.is_signed():
                return Precedence.PRODUCT
            return Precedence.ATOM if number_parts(value)[1] is None else Precedence.FRACTION
        case Ref():
            symbol = symbol_of(notation.document, expr)
            if isinstance(symbol, Partial):
                return Precedence.FRACTION
            return Precedence.POWER if symbol.updated or symbol.sample else Precedence.ATOM
        case Neg(arg):
            return Precedence.BIG if precedence(arg, notation) == Precedence.BIG else Precedence.PRODUCT
        case Add():
            return Precedence.SUM
        case Mul(args):
            return Precedence.BIG if built_up and isinstance(args[-1], Sum | Max) else Precedence.PRODUCT
        case Div():
            return Precedence.FRACTION if built_up else Precedence.PRODUCT
        case Pow():
            return Precedence.POWER
        case Call(function):
            return Precedence.POWER if built_up and function == "exp" else Precedence.ATOM
        case Sum() | Max():
            return Precedence.BIG if built_up else Precedence.ATOM
        case If():
            return Precedence.ATOM if is_indicator(expr) else Precedence.CONDITION
        case _:
            assert_never(expr)


def leads_with_sign(expr: Expr, notation: Notation) -> bool:
    """Whether the first thing printed of a formula is a minus sign."""
    match expr:
        case Num(value):
            return value.is_signed()
        case Neg():
            return True
        case Add(args):
            return _leads(args[0], Place.FIRST_ADDEND, notation)
        case Mul(args):
            return _leads(args[0], Place.FIRST_FACTOR, notation)
        case Div(numerator, _):
            return not notation.built_up and _leads(numerator, Place.NUMERATOR, notation)
        case If(_, then, _):
            return not notation.built_up and not is_indicator(expr) and leads_with_sign(then, notation)
        case Ref() | Pow() | Call() | Sum() | Max():
            return False
        case _:
            assert_never(expr)


def _leads(first: Expr, place: Place, notation: Notation) -> bool:
    return leads_with_sign(first, notation) and not needs_parentheses(first, place, notation)
