"""A number as a person or a program writes it: what it says, and how much its last digit is worth."""

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np

MANY_DIGITS = 12  # of a spreadsheet's or a program's float: with more it has all its bits


class Typed(NamedTuple):
    """A number's text, its value, and the worth of one unit in its last digit (0: it is exact, or a float)."""

    text: str
    value: Decimal
    unit: Decimal


DIGITS = r"(?:\d{1,3}(?:[, ]\d{3})+(?:\.\d*)?|\d+(?:[.,]\d*)?|[.,]\d+)"
POWER = r"(?:\s*(?:[eE]|(?:\s*[×x*·]\s*10\s*(?:\^|\*\*)\s*\{?))\s*([-+−]?\d{1,4})\}?)?"
NUMBER = re.compile(rf"([-+−]?)\s*({DIGITS}){POWER}\s*(%?)")
FRACTION = re.compile(r"([-+−]?\d+)\s*/\s*(\d+)")
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity", "∞": "Infinity"}


def typed(text: str) -> Typed | None:
    """The number that a text is; None where it isn't one.

    >>> typed("0,3775")
    Typed(text='0,3775', value=Decimal('0.3775'), unit=Decimal('0.0001'))
    >>> typed("1.2×10^-3").value, typed("1/4").unit, typed("2").unit
    (Decimal('0.0012'), Decimal('0'), Decimal('0'))
    """
    shown = text.strip().strip("$").strip()
    sign = "-" if shown[:1] in "-−" and shown[1:].lower() in NOT_FINITE else ""
    if shown.lower().lstrip("+-−") in NOT_FINITE:
        return Typed(shown, Decimal(sign + NOT_FINITE[shown.lower().lstrip("+-−")]), Decimal(0))
    if (fraction := FRACTION.fullmatch(shown)) and int(fraction[2]):
        return Typed(shown, Decimal(fraction[1].replace("−", "-")) / Decimal(fraction[2]), Decimal(0))
    match = NUMBER.fullmatch(shown)
    return None if match is None else _value(shown, match)


def _value(shown: str, match: re.Match[str]) -> Typed | None:
    sign, digits, power, percent = match.groups()
    plain = _plain(digits)
    exponent = int((power or "0").replace("−", "-")) - (2 if percent else 0)
    try:
        value = Decimal(f"{'-' if sign in ('-', '−') and sign else ''}{plain}e{exponent}")
    except InvalidOperation:
        return None
    after = len(plain.partition(".")[2])
    whole = "." not in plain and power is None and not percent
    return Typed(shown, value, Decimal(0) if whole else Decimal(1).scaleb(exponent - after))


def _plain(digits: str) -> str:
    """Digits with a point: a comma is the decimal one, or one that groups thousands."""
    if re.fullmatch(r"\d{1,3}(?:[, ]\d{3})+(?:\.\d*)?", digits) and (
        "." in digits or digits.count(",") + digits.count(" ") > 1
    ):
        return digits.replace(",", "").replace(" ", "")
    return digits.replace(" ", "").replace(",", ".")


def of_float(value: float, single: bool = False) -> Typed:
    """A float of a program or a spreadsheet, by its shortest text.

    >>> of_float(0.3775).unit, of_float(0.1 + 0.2).unit
    (Decimal('0.0001'), Decimal('0'))
    """
    text = str(np.float32(value)) if single else repr(float(value))
    found = Decimal(text) if value - value == 0 else Decimal(NOT_FINITE[text.lstrip("-")])
    if not found.is_finite():
        return Typed(text, found if value == value and value > 0 else -found, Decimal(0))
    exponent = found.as_tuple().exponent
    few = len(found.as_tuple().digits) <= MANY_DIGITS and isinstance(exponent, int)
    exact = found == found.to_integral_value()
    return Typed(text, found, Decimal(1).scaleb(int(exponent)) if few and not exact else Decimal(0))
