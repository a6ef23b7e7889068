"""The NumPy engine is the slow evaluator, only faster."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.numpy import compile_program, run_rounds
from chainrule.formula.functions import FUNCTIONS, Function
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import Ledger, LedgerError
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from oracle_programs import CASES, Case, program_of
from random_programs import random_program


def assert_same(program: Program, numbers: Ledger, tolerance: float = 1e-11) -> None:
    expected = run(program, numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = compile_program(program)(numbers)
    assert list(results) == [definition.target for definition in program.definitions]
    for name, array in results.items():
        assert array.shape == expected[name].shape
        assert array.dtype == np.float64
        np.testing.assert_allclose(array, expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


@settings(max_examples=300)
@given(random_program())
def test_random_programs(drawn: tuple[Program, Ledger]) -> None:
    assert_same(*drawn)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=5)
@given(a=st.integers(1, 4), b=st.integers(1, 4), c=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_networks_of_many_kinds_with_their_derivatives(case: Case, a: int, b: int, c: int, seed: int) -> None:
    shapes = case.shapes(a, b, c)
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    numbers |= {name: np.abs(numbers[name]) + 0.5 for name in case.positive}
    assert_same(differentiate(program_of(case, shapes)), numbers, 1e-9)


VALUES = np.concatenate([np.linspace(-25, 25, 41), np.linspace(-3.1, 3.1, 32), [0.0, 1e-6, -1e-6]])


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.parameters], ids=lambda row: row.name)
def test_every_function_and_its_slope(row: Function) -> None:
    given_families = [Family(name, Role.PARAMETER, ("i",), (len(VALUES),)) for name in row.parameters]
    others = dict(zip(row.parameters[1:], ("0.7", "0.3"), strict=False))
    call = ", ".join(others.get(name, f"{name}[i]") for name in row.parameters)
    text = f"y[i] = {row.name}({call})\nE_total = sum[i](y[i])"
    program = differentiate(extend(Program({}), text, given=given_families), wanted=[row.parameters[0]])
    positive = row.name in ("log", "sqrt", "log1p", "log2", "log10")
    numbers = {name: np.abs(VALUES) + 0.01 if positive else VALUES for name in row.parameters}
    assert_same(program, numbers, 1e-10)


@pytest.mark.parametrize("name", ["logistic", "softplus", "logsigmoid", "elu", "silu", "tanh", "gelu"])
def test_no_overflow_far_from_zero(name: str) -> None:
    program = extend(Program({}), f"y[i] = {name}(x[i])", given=[Family("x", Role.INPUT, ("i",), (4,))])
    y = compile_program(program)({"x": np.array([-1000.0, -800, 800, 1000])})["y"]
    right = {"logistic": [0, 0, 1, 1], "tanh": [-1, -1, 1, 1], "elu": [-1, -1, 800, 1000]}
    right["logsigmoid"] = [-1000, -800, 0, 0]
    assert y.tolist() == right.get(name, [0, 0, 800, 1000])


def test_a_branch_that_is_not_taken_neither_leaks_nor_warns() -> None:
    x = Family("x", Role.INPUT, ("i",), (4,))
    text = """
        y[i] = log(x[i]) if x[i] > 0 else 0
        z[i] = 7 if x[i] == 0 else 1 / x[i]
        s    = sum[i](x[i+1] / x[i+1] if i < 3 else 0)
        t    = sum[i,j](x[i] * exp(1000 * x[j]) if i + j < 2 else 0)
        u[i] = x[i+1] if x[i] > 7 else x[i]
        """
    program = extend(Program({}), text, given=[x], sizes={"i": 4, "j": 4})
    assert_same(program, {"x": np.array([0.0, -1.0, 1.0, 2.0])})


def test_numbers_that_are_not_finite_are_as_the_slow_evaluator_has_them() -> None:
    x = Family("x", Role.INPUT, ("i",), (6,))
    text = "a[i] = 1 / x[i]\nb[i] = log(x[i])\nc[i] = exp(x[i]) - exp(2 * x[i])\nd = max[i](a[i])\ne[i] = x[i]**3"
    program = extend(Program({}), text, given=[x])
    assert_same(program, {"x": np.array([0.0, -1.0, 500.0, np.inf, np.nan, -np.inf])})


LARGE = {
    "product": "y[n,j] = sum[i](w[j,i] * x[n,i])",
    "product with a weight": "y[n,j] = sum[i](w[j,i] * v[i] * x[n,i] * c[n])",
    "three in a row": "y[n,m] = sum[i,j](x[n,i] * w[j,i] * u[j,m])",
    "sum of products": "y[n,j] = sum[i](w[j,i] * x[n,i] - 2 * u[i,j] * x[n,i]) + v[j]",
    "products of all": "y = sum[n,i](x[n,i] * x[n,i] * v[i])",
    "apart": "y[n] = sum[i,j](x[n,i] * v[j])",
    "along": "y[n,j] = sum[i](x[n,i] * w[j,i] * x[n,j])",
    "stacked": "y[n,j] = sum[i](t[n,i,j] * x[n,i])",
    "stacked matrices": "y[n,a,b] = sum[i](t[n,i,a] * t[n,i,b])",
    "divided": "y[n,j] = sum[i](w[j,i] * x[n,i] / c[n])",
    "windows": "y[n,j] = sum[a,b](t[n,a,b+j] * r[a,b])",
    "guarded": "y[n,j] = sum[i](w[j,i] * (x[n,i-2*j] if i - 2*j < 20 else 0) if 0 <= i - 2*j else 0)",
    "two masks": "y[n,j] = sum[i](w[j,i] * x[n,i] * v[i] if i <= j else 0)",
    "mask of two factors": "y[n] = sum[i,m](x[n,i] * x[n,m] if i <= m else 0)",
    "denominator inside": "y[n] = sum[i](x[n,i] / (3 + v[i]**2))",
    "transposed": "y[i,j] = w[j,i]",
    "mask beside": "y[n,j] = sum[i](x[n,i] * c[n] if i < j else 0)",
    "nothing": "y[n] = sum[i,j,m](c[n])",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_sums_of_products(text: str) -> None:
    shapes = {"x": "ni", "w": "ji", "u": "jm", "v": "i", "c": "n", "t": "nij", "r": "ib"}
    sizes = {"n": 12, "i": 20, "j": 20, "m": 20, "b": 3}
    families = [
        Family(name, Role.INPUT, tuple(axes), tuple(sizes[each] for each in axes)) for name, axes in shapes.items()
    ]
    rng = np.random.default_rng(5)
    numbers = {family.name: rng.normal(size=family.shape) for family in families}
    known = {"m": 20, "j": 18} if "j+" in text or "b+j" in text else {"m": 20, "j": 20}
    assert_same(extend(Program({}), text, given=families, sizes=known), numbers)


def test_single_precision() -> None:
    w = Family("w", Role.PARAMETER, ("j", "i"), (3, 4))
    program = extend(Program({}), "y[j] = logistic(sum[i](w[j,i] * i) / 2 - erf(w[j,0]))\nz[j] = 0.1", given=[w])
    numbers = {"w": np.linspace(-1, 1, 12).reshape(3, 4)}
    single = compile_program(program, dtype=np.float32)(numbers)
    assert {array.dtype for array in single.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(single["y"], run(program, numbers)["y"], rtol=1e-5)


def test_results_can_be_changed_without_changing_what_was_given() -> None:
    x = Family("x", Role.INPUT, ("i",), (3,))
    program = extend(Program({}), "y[i] = x[i]\nz[i] = 2\nv[i] = x[2-i]", given=[x])
    numbers = {"x": np.array([1.0, 2.0, 3.0])}
    compiled = compile_program(program)
    for _ in range(2):
        results = compiled(numbers)
        assert [results[name].tolist() for name in "yzv"] == [[1, 2, 3], [2, 2, 2], [3, 2, 1]]
        for array in results.values():
            array[:] = -1
    assert numbers["x"].tolist() == [1, 2, 3]


def test_memory_that_is_used_again_holds_nothing_that_is_needed() -> None:
    x = Family("x", Role.INPUT, ("n", "i"), (80, 80))
    text = """
        a[n,i] = (x[n,i] + 1) * (x[i,n] - 1)
        b[n,i] = tanh(a[n,i] * a[i,n]) + a[n,i]
        c[n,i] = exp(-x[n,i]) * (exp(-x[n,i]) + x[n,i]) - (2 if exp(-x[n,i]) > 1 else exp(-x[n,i]))
        """
    program = extend(Program({}), text, given=[x])
    values = np.random.default_rng(2).normal(size=(80, 80))
    copy = values.copy()
    results = compile_program(program)({"x": values})
    a = (values + 1) * (values.T - 1)
    e = np.exp(-values)
    np.testing.assert_allclose(results["a"], a, rtol=1e-13)
    np.testing.assert_allclose(results["b"], np.tanh(a * a.T) + a, rtol=1e-12)
    np.testing.assert_allclose(results["c"], e * (e + values) - np.where(e > 1, 2, e), rtol=1e-12)
    np.testing.assert_array_equal(values, copy)


def test_memory_that_a_view_still_shows_is_not_used_again() -> None:
    x = Family("x", Role.INPUT, ("n", "i"), (80, 80))
    text = "a[n,i] = 2 * x[n,i]\nb[n,i] = a[i,n] + x[n,i]\nc[n,i] = exp(a[n,i])\nd[n,i] = c[n,i] * a[i,n] + b[n,i]"
    values = np.random.default_rng(2).normal(size=(80, 80))
    d = compile_program(extend(Program({}), text, given=[x]), ["d"])({"x": values})["d"]
    np.testing.assert_allclose(d, np.exp(2 * values) * 2 * values.T + 2 * values.T + values, rtol=1e-12)


def line() -> Program:
    w, rate, x = Family("w", Role.PARAMETER, ("i",), (2,)), Family("rate", Role.SETTING), Family("x", Role.INPUT)
    text = "loss = sum[i](w[i]**2) * x\nw_next[i] = w[i] - rate * 2 * w[i] * x\nround_next = round + 1"
    return extend(Program({}), text, given=[w, rate, x, Family("round", Role.SETTING)])


START = {"w": np.array([1.0, -2.0]), "rate": 0.01, "x": 1.0, "round": 0.0}


@pytest.mark.parametrize("rounds", [0, 1, 7, 1200])
@pytest.mark.parametrize("fed", [False, True])
def test_rounds_carry_what_is_updated(rounds: int, fed: bool) -> None:
    carry = {"w_next": "w", "round_next": "round"}
    feeds = (lambda number: {"x": np.array(1.0 + number % 3)}) if fed else None
    result = run_rounds(line(), START, rounds, carry, feeds, ["loss"])
    w, loss, x = START["w"], None, 1.0
    for number in range(rounds):
        x = 1.0 + number % 3 if fed else 1.0
        loss, w = (w**2).sum() * x, w - 0.01 * 2 * w * x
    np.testing.assert_allclose(result["w"], w, rtol=1e-12)
    assert result["round"] == rounds
    assert result["w"].shape == (2,)
    assert result["x"] == x
    if rounds:
        assert result["loss"] == pytest.approx(loss)
        assert result["loss"].shape == ()
    else:
        assert "loss" not in result
    assert START["w"].tolist() == [1, -2]


def test_rounds_that_run_away_end_at_infinity() -> None:
    given_families = [Family("w", Role.PARAMETER, ("i",), (2,))]
    program = extend(Program({}), "w_next[i] = exp(w[i]) / w[i]", given=given_families)
    result = run_rounds(program, {"w": np.array([2.0, 0.0])}, 1200, {"w_next": "w"})
    assert not np.isfinite(result["w"]).any()


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(LedgerError, match="w has the shape 3, but"):
        compile_program(line())(START | {"w": np.ones(3)})
    with pytest.raises(LedgerError, match="x has no numbers"):
        compile_program(line())({"w": np.ones(2), "rate": 1.0, "round": 0.0})
    with pytest.raises(LedgerError, match="no family of the program"):
        compile_program(line(), ["v"])
    with pytest.raises(LedgerError, match="the program has no v_next"):
        run_rounds(line(), START, 2, {"v_next": "w"})
    with pytest.raises(LedgerError, match="not a given family"):
        run_rounds(line(), START, 2, {"w_next": "loss"})
    with pytest.raises(LedgerError, match="the shapes are a single number and 2"):
        run_rounds(line(), START, 2, {"loss": "w"})
    with pytest.raises(LedgerError, match="x has the shape 2"):
        run_rounds(line(), START, 2, {"w_next": "w"}, lambda number: {"x": np.ones(2 if number else ())})
