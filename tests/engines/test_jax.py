"""The JAX engine is the slow evaluator too, and its loops are the NumPy engine's, compiled."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.jax import compile_program
from chainrule.formula.functions import FUNCTIONS, Function
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import Ledger
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from engine_cases import FAR, FAR_FROM_ZERO, LARGE, branches, function_and_slope, large, not_finite
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


@settings(max_examples=60)
@given(random_program())
def test_random_programs(drawn: tuple[Program, Ledger]) -> None:
    assert_same(*drawn)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=1)
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


def test_a_branch_that_is_not_taken_does_not_leak() -> None:
    assert_same(*branches())


def test_numbers_that_are_not_finite_are_as_the_slow_evaluator_has_them() -> None:
    assert_same(*not_finite())


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_sums_of_products(text: str) -> None:
    assert_same(*large(text))
