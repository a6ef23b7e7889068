"""Tiny programs as plain floats: the same numbers, and an exception where an array engine has an infinity."""

import numpy as np
import pytest
from hypothesis import given, settings

from chainrule.engines.scalar import compile_scalars, operations
from chainrule.formula.functions import FUNCTIONS, Function
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import Ledger, given_families
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from random_programs import random_program


def calculated(program: Program, numbers: Ledger) -> dict[str, np.ndarray]:
    names = [family.name for family in given_families(program)]
    wanted = [definition.target for definition in program.definitions]
    flat = compile_scalars(program, names, wanted)(*[tuple(np.ravel(numbers[name]).tolist()) for name in names])
    shapes = [program.families[name].shape for name in wanted]
    return {name: np.array(values).reshape(shape) for name, values, shape in zip(wanted, flat, shapes, strict=True)}


@settings(max_examples=150)
@given(random_program())
def test_random_programs(drawn: tuple[Program, Ledger]) -> None:
    program, numbers = drawn
    expected = run(program, numbers)
    for name, array in calculated(program, numbers).items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-13, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_every_function(row: Function) -> None:
    call = ", ".join(["x[i]", "0.7"][: len(row.parameters)])
    x = Family("x", Role.INPUT, ("i",), (5,))
    program = extend(Program({}), f"y[i] = x[i] + {row.name}({call})\nz[i] = {row.name}({call}) * x[i]", given=[x])
    numbers = {"x": np.array([0.1, 0.5, 1.0, 2.5, 7.0])}
    expected = run(program, numbers)
    for name, array in calculated(program, numbers).items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-12)


@pytest.mark.parametrize(
    "formula", ["1 / x", "log(x)", "exp(1000 + x)", "x**(-1)", "(x - 1)**(1/2)", "(1000 + x)**200"]
)
def test_what_is_not_finite_is_refused(formula: str) -> None:
    program = extend(Program({}), f"y = {formula}", given=[Family("x", Role.INPUT)])
    with pytest.raises((ArithmeticError, ValueError)):
        calculated(program, {"x": np.array(0.0)})


def test_only_the_branch_taken_is_calculated() -> None:
    program = extend(Program({}), "y = log(x) if x > 0 else x", given=[Family("x", Role.INPUT)])
    assert calculated(program, {"x": np.array(-2.0)})["y"] == -2


def test_an_index_may_run_out_in_a_branch_that_is_not_taken() -> None:
    x = Family("x", Role.INPUT, ("i",), (3,))
    program = extend(Program({}), "y[i] = x[i+1] if x[i] < 3 else x[i]", given=[x], sizes={"i": 3})
    assert calculated(program, {"x": np.array([1.0, 2.0, 3.0])})["y"].tolist() == [2, 3, 3]


def test_what_is_written_out_is_counted() -> None:
    families = [Family("w", Role.PARAMETER, ("j", "i"), (3, 4)), Family("x", Role.INPUT, ("i",), (4,))]
    program = extend(Program({}), "y[j] = sum[i](w[j,i] * x[i])\nz = x[0]", given=families)
    # A product and its two factors, and the sum's own step, for each of 4 addends of 3 numbers; then z.
    assert operations(program, ["y"]) == 3 * 4 * (1 + 3)
    assert operations(program, ["y", "z"]) == 3 * 4 * (1 + 3) + 1


def test_families_may_have_any_name() -> None:
    """Also those that the written out function has for its own variables."""
    families = [Family(each, Role.PARAMETER, ("i",), (2,)) for each in ("v1", "v0", "given0", "largest")]
    text = "y = sum[i](v1[i] * v0[i] + given0[i] * largest[i] + max[k](v1[k]))"
    calculate = compile_scalars(
        extend(Program({}), text, given=families, sizes={"k": 2}), ["v1", "v0", "given0", "largest"], ["y"]
    )
    assert calculate((1.0, 2.0), (3.0, 4.0), (5.0, 6.0), (7.0, 8.0)) == ((98.0,),)
