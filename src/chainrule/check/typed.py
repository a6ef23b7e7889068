"""A number as a person or a program writes it: what it says, and how much its last digit is worth."""

import re
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

import numpy as np

MANY_DIGITS = 12  # a program's float with more significant digits has all its bits
LONGEST = 2000  # characters of a number
EXACT = Decimal(0)


class Typed(NamedTuple):
    """A number's text, its value, and the worth of one unit in its last digit (0: it is exact, or a float)."""

    text: str
    value: Decimal
    unit: Decimal


MINUS = "-−–"
SPACES = "    "  # also no-break, thin and narrow ones
DIGITS = (
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d*)?|\d{1,3}(?:\.\d{3})+(?!\d),\d*|\d{1,3}(?:\.\d{3}){2,}(?!\d)"
    rf"|\d{{1,3}}(?:['’_{SPACES}]\d{{3}})+(?!\d)(?:[.,]\d*)?|\d+(?:[.,]\d*)?|[.,]\d+)"
)
TIMES_TEN = r"\s*[×x*·⋅]\s*10\s*(?:\^|\*\*)?\s*[{(]?\s*"
POWER = rf"(?:(?:[eEdD]|{TIMES_TEN})([-+−–]?\d{{1,4}})(?!\d)[)}}]?)?"
# A number that may stand within other text; whoever uses it looks at what stands before and behind it.
NUMBER_TEXT = rf"[-+−–]?\s?{DIGITS}{POWER}(?:\s?%)?"
NUMBER = re.compile(rf"([-+−–]?)\s?({DIGITS}){POWER}(\s?%)?")
USUAL = re.compile(r"[-+]?\d+\.(\d+)")  # by far most numbers
GROUPED = re.compile(rf"\d{{1,3}}([,.'’_{SPACES}])\d{{3}}(?:\1\d{{3}})*(?:([.,])\d*)?")
FRACTION = re.compile(r"([-+−–]?)\s?(\d{1,100})\s?/\s?(\d{1,100})")
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity", "∞": "Infinity"}
RAISED = str.maketrans("⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "-+0123456789")


def typed(text: str, grouped: bool = False) -> Typed | None:
    """The number that a text is; None where it isn't one. A whole number is exact, as a fraction is.

    A comma is the decimal mark or groups thousands. Which of the two ``1,234`` means is not to be seen in it:
    ``grouped`` says that it is one thousand two hundred and thirty-four.

    >>> typed("0,3775")
    Typed(text='0,3775', value=Decimal('0.3775'), unit=Decimal('0.0001'))
    >>> typed("1.2×10^-3").value, typed("50%").value, typed("1,234.5").value
    (Decimal('0.0012'), Decimal('0.50'), Decimal('1234.5'))
    >>> typed("1/4").unit, typed("2").unit, typed("0.10").unit
    (Decimal('0'), Decimal('0'), Decimal('0.01'))
    """
    shown = text.strip()
    if len(shown) > LONGEST:
        return None
    if (match := USUAL.fullmatch(shown)) is not None:
        return Typed(shown, Decimal(shown), unit_of(match.end(1) - match.start(1)))
    if (found := NOT_FINITE.get(shown.lstrip("+" + MINUS).lower())) is not None:
        return Typed(shown, Decimal("-" + found if shown[0] in MINUS else found), EXACT)
    if (match := FRACTION.fullmatch(shown)) is not None and int(match[3]):
        value = Decimal(int(match[2])) / Decimal(int(match[3]))
        return Typed(shown, -value if match[1] and match[1] in MINUS else value, EXACT)
    match = NUMBER.fullmatch(shown.translate(RAISED))
    return None if match is None else _value(shown, match, grouped)


def _value(shown: str, match: re.Match[str], grouped: bool) -> Typed | None:
    sign, digits, power, percent = match.groups()
    plain = _plain(digits, grouped)
    exponent = int((power or "0").translate(str.maketrans("−–", "--"))) - (2 if percent else 0)
    try:
        value = Decimal(f"{'-' if sign and sign in MINUS else ''}{plain}e{exponent}")
    except InvalidOperation:  # separators in impossible places
        return None
    after = len(plain.partition(".")[2])
    whole = not after and power is None and not percent
    return Typed(shown, value, EXACT if whole else unit_of(after - exponent))


def _plain(digits: str, grouped: bool) -> str:
    """The same digits with a point as the decimal mark, and without what groups thousands."""
    match = GROUPED.fullmatch(digits)
    if match is None or match[1] == match[2]:
        return digits.replace(",", ".")
    mark, once = match[1], digits.count(match[1]) == 1
    if once and not match[2] and (mark == "." or (mark == "," and (not grouped or digits.startswith("0")))):
        return digits.replace(",", ".")
    return digits.replace(mark, "").replace(",", ".")


@cache
def unit_of(places: int) -> Decimal:
    """The worth of one unit in so many places behind the point.

    >>> unit_of(2)
    Decimal('0.01')
    """
    return Decimal(1).scaleb(-places)


def of_float(value: float | np.floating) -> Typed:
    """A float of a program or a spreadsheet, by the shortest text that gives it back.

    With more than twelve significant digits it is taken to have all its bits; with fewer, to have been typed or
    rounded.

    >>> of_float(0.3775).unit, of_float(0.1 + 0.2).unit, of_float(2.0).unit
    (Decimal('0.0001'), Decimal('0'), Decimal('0'))
    """
    text = str(value) if isinstance(value, np.float32 | np.float16) else repr(float(value))
    found = Decimal(text)
    _, digits, exponent = found.as_tuple()
    if not isinstance(exponent, int) or len(digits) > MANY_DIGITS or found == found.to_integral_value():
        return Typed(text, found, EXACT)
    return Typed(text, found, unit_of(-exponent))


def of_whole(value: int) -> Typed | None:
    """A whole number, which is exact; None for one of thousands of digits."""
    if abs(value) >= 10**LONGEST:
        return None
    return Typed(str(value), Decimal(value), EXACT)
