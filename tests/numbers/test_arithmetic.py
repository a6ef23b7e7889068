"""Each kind of number against mpmath, and against what IEEE 754 says at the edges."""

import math
from decimal import Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.parse import parse_expression
from chainrule.numbers.arithmetic import EXACT, FLOAT, INTERVAL, NumberError, many_digits
from chainrule.numbers.evaluate import evaluate
from chainrule.numbers.interval import Interval, interval

PRIMITIVES = [row.name for row in FUNCTIONS if row.formula is None and row.parameters]
NUMBERS = st.floats(-30, 30, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0])
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 800.0, -800.0, math.inf, -math.inf, math.nan]


def exact_value(name: str, x: float) -> mpmath.mpf | None:
    """What the function is, to 60 digits; None where it has no real finite value."""
    with mpmath.workdps(60):
        try:
            value = {"abs": mpmath.fabs, "log": mpmath.ln}.get(name, getattr(mpmath, name, None))(mpmath.mpf(x))
        except (ValueError, ZeroDivisionError):
            return None
        return None if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value) else value


@pytest.mark.parametrize("name", PRIMITIVES)
@given(x=NUMBERS)
def test_every_primitive_agrees_with_mpmath(name: str, x: float) -> None:
    true = exact_value(name, x)
    if true is None:
        assert not math.isfinite(FLOAT.functions[name](x))
        return
    assert FLOAT.functions[name](x) == pytest.approx(float(true), rel=1e-14, abs=1e-300)
    many = many_digits(40)
    error = as_fraction(many.functions[name](many.number(x))) - as_fraction(true)
    assert abs(error) <= abs(as_fraction(true)) / 10**40
    assert Fraction(INTERVAL.functions[name](interval(x)).lower) <= as_fraction(true)
    assert as_fraction(true) <= Fraction(INTERVAL.functions[name](interval(x)).upper)


def test_pi() -> None:
    bounds = INTERVAL.functions["pi"]()
    with mpmath.workdps(60):
        true = as_fraction(+mpmath.pi)
    assert FLOAT.functions["pi"]() == math.pi
    assert Fraction(bounds.lower) < true < Fraction(bounds.upper)
    assert abs(as_fraction(many_digits(40).functions["pi"]()) - true) < Fraction(1, 10**40)


def as_fraction(value: mpmath.mpf) -> Fraction:
    sign, numerator, exponent, _ = value._mpf_
    return (-1) ** int(sign) * Fraction(int(numerator)) * Fraction(2) ** int(exponent)


@pytest.mark.parametrize("name", PRIMITIVES)
@pytest.mark.parametrize("x", EDGES)
def test_floats_do_at_the_edges_what_numpy_does(name: str, x: float) -> None:
    value = FLOAT.functions[name](x)
    expected = math.erf(x) if name == "erf" else float(getattr(np, name)(np.float64(x)) if x == x else math.nan)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value, expected, rtol=1e-15)


@pytest.fixture(autouse=True)
def _quiet() -> object:
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("a", EDGES)
@pytest.mark.parametrize("b", EDGES)
def test_float_quotients_and_powers_are_those_of_ieee(a: float, b: float) -> None:
    np.testing.assert_equal(FLOAT.divide(a, b), float(np.float64(a) / np.float64(b)))
    if b != 0.5:  # NumPy takes the square root, which differs for -0 and -infinity
        np.testing.assert_allclose(FLOAT.power(a, b), np.power(np.float64(a), np.float64(b)), rtol=1e-14)
    np.testing.assert_equal(FLOAT.largest(a, b), float(np.maximum(np.float64(a), np.float64(b))))


RATIONAL = "(a + b / 3)**2 - 7 * a / (1 + b**2) + abs(a - b)"
FRACTIONS = st.fractions(-10, 10, max_denominator=50)


@given(a=FRACTIONS, b=FRACTIONS)
def test_exact_arithmetic_is_exact(a: Fraction, b: Fraction) -> None:
    names = {"a": np.array(a, object), "b": np.array(b, object)}
    value = evaluate(parse_expression(RATIONAL), names, {}, {}, EXACT)
    assert value == (a + b / 3) ** 2 - 7 * a / (1 + b**2) + abs(a - b)
    bounds = evaluate(parse_expression(RATIONAL), names, {}, {}, INTERVAL)
    assert Fraction(bounds.lower) <= value <= Fraction(bounds.upper)


def test_exact_arithmetic_refuses_what_has_no_exact_value() -> None:
    for text in ("exp(1)", "2**(1/2)", "1 / 0", "0**(-1)", "logistic(0)", "2**(10**9)"):
        with pytest.raises(NumberError):
            evaluate(parse_expression(text), {}, {}, {}, EXACT)
    with pytest.raises(NumberError, match="finite"):
        EXACT.number(math.nan)


def test_a_typed_number_is_read_without_a_detour_over_floats() -> None:
    assert EXACT.number(Decimal("0.1")) == Fraction(1, 10)
    many = many_digits(30)
    assert abs(as_fraction(many.number(Decimal("0.1"))) - Fraction(1, 10)) < Fraction(1, 10**40)
    assert Fraction(INTERVAL.number(Decimal("0.1")).lower) < Fraction(1, 10) < Fraction(INTERVAL.number(0.1).upper)


def test_many_digits_leave_the_global_precision_of_mpmath_alone() -> None:
    before = mpmath.mp.dps
    many = many_digits(50)
    many.functions["exp"](many.number(1))
    assert mpmath.mp.dps == before


@pytest.mark.parametrize(
    "text", ["log(0)", "1 / 0", "-1 / 0", "0 / 0", "log(-1)", "sqrt(-1)", "(-8)**(1/3)", "log1p(-1)"]
)
def test_many_digits_have_infinities_and_nan_where_floats_do(text: str) -> None:
    ours = float(evaluate(parse_expression(text), {}, {}, {}, many_digits(30)))
    np.testing.assert_equal(ours, evaluate(parse_expression(text), {}, {}, {}))


EXPRESSIONS = [
    "a * b - b * a",
    "exp(a) / (1 + exp(b))",
    "(a - b)**3 / (2 + sin(a))",
    "tanh(a) * cos(b) - erf(a * b / 9)",
    "a**2 - b**2 if a > b else sqrt(abs(a - b))",
    "log(1 + a**2) ** 1.5",
    "sin(7 * a) + cos(3 * b)",
    "max(a, b) - min(a, b)",
    "(1 + a**2)**(-2)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
@given(a=st.floats(-5, 5), b=st.floats(-5, 5), width=st.sampled_from([0.0, 1e-9, 0.1, 2.0]), at=st.floats(0, 1))
def test_an_interval_contains_the_value_of_each_number_in_it(
    text: str, a: float, b: float, width: float, at: float
) -> None:
    formula = parse_expression(text)
    inside = a + width * at
    names = {"a": np.array(Interval(a, a + width), object), "b": np.array(b)}
    bounds = evaluate(formula, names, {}, {}, INTERVAL)
    many = many_digits(40)
    point = min(max(inside, a), a + width)
    true = evaluate(formula, {"a": np.array(point), "b": np.array(b)}, {}, {}, many)
    assert many.number(bounds.lower) <= true <= many.number(bounds.upper)


@given(a=st.floats(-1e9, 1e9), b=st.floats(-1e9, 1e9), c=st.floats(0.5, 9))
def test_each_operation_rounds_outwards(a: float, b: float, c: float) -> None:
    x, y, z = interval(a), interval(b), interval(c)
    exact = [(x + y, Fraction(a) + Fraction(b)), (x * y, Fraction(a) * Fraction(b))]
    exact.append((INTERVAL.divide(x, z), Fraction(a) / Fraction(c)))
    for bounds, true in exact:
        assert Fraction(bounds.lower) <= true <= Fraction(bounds.upper)


@given(x=st.floats(-5, 5))
def test_an_interval_of_a_point_stays_narrow(x: float) -> None:
    bounds = evaluate(parse_expression("tanh(x) / (1 + exp(-x)) + 3"), {"x": np.array(x)}, {}, {}, INTERVAL)
    assert bounds.upper - bounds.lower < 1e-13


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.formula], ids=lambda row: row.name)
@given(x=st.floats(-20, 20))
def test_floats_agree_with_many_digits_on_every_function(row: object, x: float) -> None:
    call = parse_expression(f"{row.name}(x, 0.7)" if row.name in ("max", "min") else f"{row.name}(x)")
    names = {"x": np.array(x)}
    value = evaluate(call, names, {}, {})
    if math.isnan(value):
        assert row.name in ("log2", "log10")
        return
    assert value == pytest.approx(float(evaluate(call, names, {}, {}, many_digits(30))), rel=1e-12, abs=1e-13)
    bounds = evaluate(call, names, {}, {}, INTERVAL)
    assert bounds.lower <= value <= bounds.upper
