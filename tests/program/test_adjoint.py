"""The chain rule on programs of many kinds, against PyTorch's autodiff and against finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.numbers.evaluate import run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role, adjoint_name
from chainrule.program.read import extend
from chainrule.program.sizes import ProgramError
from oracle_programs import CASES, Case, program_of

SIZES = st.integers(1, 4)


def numbers_for(case: Case, shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return {name: np.abs(value) + 0.5 if name in case.positive else value for name, value in drawn.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=8)
@given(a=SIZES, b=SIZES, c=SIZES, seed=st.integers(0, 2**31))
def test_every_gradient_agrees_with_autodiff(case: Case, a: int, b: int, c: int, seed: int) -> None:
    shapes = case.shapes(a, b, c)
    numbers = numbers_for(case, shapes, seed)
    ledger = run(differentiate(program_of(case, shapes)), numbers)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in numbers.items()}
    loss = case.oracle(**tensors)
    loss.backward()
    np.testing.assert_allclose(ledger["E_total"], loss.item(), rtol=1e-11, atol=1e-13)
    for name, tensor in tensors.items():
        scale = max(1.0, float(tensor.grad.abs().max()))
        np.testing.assert_allclose(ledger[adjoint_name(name)], tensor.grad.numpy(), rtol=1e-9, atol=1e-11 * scale)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_gradient_agrees_with_finite_differences(case: Case) -> None:
    shapes = case.shapes(2, 3, 2)
    numbers = numbers_for(case, shapes, seed=7)
    program = program_of(case, shapes)
    ledger = run(differentiate(program), numbers)
    rng = np.random.default_rng(1)
    for name, value in numbers.items():
        direction = rng.normal(size=value.shape)
        step = 1e-5
        above = run(program, numbers | {name: value + step * direction})["E_total"]
        below = run(program, numbers | {name: value - step * direction})["E_total"]
        slope = float((above - below) / (2 * step))
        assert float((ledger[adjoint_name(name)] * direction).sum()) == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_only_what_is_wanted_is_derived() -> None:
    case = CASES[0]
    program = differentiate(program_of(case, case.shapes(2, 2, 2)), wanted=["b"])
    assert {definition.target for definition in program.definitions} >= {"d_b", "d_net"}
    assert "d_x" not in program.families
    assert "d_w" not in program.families


def test_a_wanted_family_that_the_loss_does_not_use_has_the_derivative_zero() -> None:
    given_families = [Family("w", Role.PARAMETER, ("i",), (2,)), Family("unused", Role.PARAMETER, ("i",), (3,))]
    program = differentiate(extend(Program({}), "E_total = sum[i](w[i])", given=given_families))
    ledger = run(program, {"w": np.ones(2), "unused": np.ones(3)})
    assert ledger["d_unused"].tolist() == [0, 0, 0]
    assert ledger["d_w"].tolist() == [1, 1]


def test_one_entry_of_a_family_can_be_differentiated() -> None:
    w = Family("w", Role.PARAMETER, ("i",), (3,))
    program = differentiate(extend(Program({}), "y[i] = w[i]**2", given=[w]), "y", at=(1,))
    assert run(program, {"w": np.array([1.0, 2.0, 3.0])})["d_w"].tolist() == [0, 4, 0]


def test_ties_of_a_maximum_share_the_gradient() -> None:
    w = Family("w", Role.PARAMETER, ("i",), (3,))
    program = differentiate(extend(Program({}), "E_total = max[i](w[i])", given=[w]))
    assert run(program, {"w": np.array([2.0, 1.0, 2.0])})["d_w"].tolist() == [0.5, 0, 0.5]


def test_the_loss_must_be_one_number_that_exists() -> None:
    w = Family("w", Role.PARAMETER, ("i",), (3,))
    program = extend(Program({}), "y[i] = w[i]**2", given=[w])
    with pytest.raises(ProgramError, match="not a single number"):
        differentiate(program, "y")
    with pytest.raises(ProgramError, match="no quantity E_total"):
        differentiate(program)
    with pytest.raises(ProgramError, match="no quantity v to"):
        differentiate(program, "y", wanted=["v"], at=(0,))
