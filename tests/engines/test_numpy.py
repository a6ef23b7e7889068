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
from engine_cases import FAR, FAR_FROM_ZERO, LARGE, START, branches, function_and_slope, large, line, not_finite
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


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.parameters], ids=lambda row: row.name)
def test_every_function_and_its_slope(row: Function) -> None:
    assert_same(*function_and_slope(row), 1e-10)


@pytest.mark.parametrize("name", FAR_FROM_ZERO)
def test_no_overflow_far_from_zero(name: str) -> None:
    program = extend(Program({}), f"y[i] = {name}(x[i])", given=[Family("x", Role.INPUT, ("i",), (4,))])
    assert compile_program(program)({"x": FAR})["y"].tolist() == FAR_FROM_ZERO[name]


def test_a_branch_that_is_not_taken_neither_leaks_nor_warns() -> None:
    assert_same(*branches())


def test_numbers_that_are_not_finite_are_as_the_slow_evaluator_has_them() -> None:
    assert_same(*not_finite())


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_sums_of_products(text: str) -> None:
    assert_same(*large(text))


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
