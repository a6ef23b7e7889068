"""Numbers as text on the page: rounded as the package rounds them, and read as a person types them."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.check.typed import typed as checked_number
from chainrule.explain.writing import rounded
from page.node import ask, sent

DIGITS = range(1, 18)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
HALF = st.builds(lambda whole, power: (whole + 0.5) / 2**power, st.integers(-(10**6), 10**6), st.integers(0, 30))
FIVE = st.builds(lambda n, place: Fraction(10 * n + 5) * Fraction(10) ** place, st.integers(), st.integers(-20, 20))
SHORT = st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(-999, 999), st.integers(-25, 25))
NUMBERS = {
    "any": FLOATS, "near": st.floats(-1000, 1000), "halves": HALF, "five at the end": FIVE, "short": SHORT,
    "fractions": st.fractions(),
}  # fmt: skip


def assert_alike(cases: list[tuple[float | Fraction, int]]) -> None:
    answers = ask("rounded", cases=[[sent(value), digits] for value, digits in cases])
    for (value, digits), answer in zip(cases, answers, strict=True):
        assert answer == str(rounded(value, digits)), f"{value!r} with {digits} digits"


@pytest.mark.parametrize("kind", NUMBERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_random_numbers(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(NUMBERS[kind], min_size=20, max_size=40))
    assert_alike([(value, digits) for value in values for digits in DIGITS])


def test_numbers_at_every_border() -> None:
    borders = [0.0, 1.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 0.5, 2.5, 0.25, 1e15, 1e16, 1e17]
    borders += [9.5, 99.5, 0.95, 999999999.5, 9999999995.0, 0.0000015, 0.00000015, 1e-6, 1e-7, 123456789012345678.0]
    borders += [float(f"1e{power}") for power in range(-20, 23)] + [2.0**power for power in range(-1074, 1024, 61)]
    borders += [math.nextafter(each, side) for each in borders for side in (0.0, math.inf)]
    finite = [each for each in borders if math.isfinite(each)]
    assert_alike([(sign * each, digits) for each in finite for sign in (1, -1) for digits in DIGITS])


def test_what_is_no_number() -> None:
    texts = ask("rounded", cases=[[sent(each), 9] for each in (math.nan, math.inf, -math.inf, -0.0)])
    assert texts == ["NaN", "Infinity", "-Infinity", "0"]
    assert texts[:3] == [str(rounded(each, 9)) for each in (math.nan, math.inf, -math.inf)]


def test_a_number_in_a_line_of_text() -> None:
    texts = ["-0.25", "1E-12", "-2.5E+20", "Infinity", "-Infinity", "NaN"]
    assert ask("lines", texts=texts) == ["−0.25", "1×10⁻¹²", "−2.5×10²⁰", "∞", "−∞", "not a number"]


# What a person types.


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("0.10", "0.10"), ("0,10", "0.10"), (" 0.5\n", "0.5"), (".5", "0.5"), (",5", "0.5"), ("5.", "5"), ("007", "7"),
        ("-0.3", "-0.3"), ("−0.3", "-0.3"), ("–0,3", "-0.3"), ("+2", "2"), ("1e-5", "1E-5"), ("1E+5", "1E5"),
        ("−2,5e−3", "-2.5E-3"), ("0", "0"), ("-0", "-0"), ("1e300", "1E300"), ("5,", "5"),
        ("12345678901234567890", "12345678901234567890"), ("2.5×10⁻³", "2.5E-3"), ("−3,5 * 10^-12", "-3.5E-12"),
        ("2·10**5", "2E5"), ("1×10⁺¹⁰", "1E10"), ("0." + "1" * 60, "0." + "1" * 60),
    ],
)  # fmt: skip
def test_a_number_as_a_person_types_it(typed: str, text: str) -> None:
    (answer,) = ask("typed", texts=[typed])
    assert answer == text
    assert checked_number(typed).value == Decimal(answer)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "-", ".", ",", "e5", "1e", "1e+", "abc", "1 2", "1.2.3", "1,2,3", "--1", "+-1", "1e1000", "1e400",
        "0x10", "1×105", "1×10", "×10⁵", "1×10⁵⁵⁵⁵", "1×10⁵1", "+-−1", "Infinity", "NaN", "1_000", "1/2", "²",
        "٣", "1e5.5", "<b>1</b>", "1" * 400, "0." + "1" * 70, "1,000.5",
    ],
)  # fmt: skip
def test_what_is_not_a_number_is_refused(typed: str) -> None:
    assert ask("typed", texts=[typed]) == [None]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(FLOATS, st.integers(1, 17)), min_size=30, max_size=60))
def test_what_is_shown_can_be_typed(cases: list[tuple[float, int]]) -> None:
    shown = ask("rounded", cases=[[sent(value), digits] for value, digits in cases])
    for written in (shown, ask("lines", texts=shown)):
        for text, typed in zip(shown, ask("typed", texts=written), strict=True):
            if math.isfinite(float(text)):  # the largest number, rounded up, is too large to be typed
                assert Decimal(typed) == Decimal(text)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=20, max_size=40))
def test_any_text_is_read_as_a_number_or_not_at_all(texts: list[str]) -> None:
    for typed in ask("typed", texts=texts):
        assert typed is None or math.isfinite(float(typed))
