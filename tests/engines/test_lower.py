"""What a plan consists of: nothing that isn't needed, nothing twice, no array larger than it must be."""

from collections import Counter
from math import prod

import numpy as np
import pytest

from chainrule.engines.lower import lower
from chainrule.engines.numpy import compile_program
from chainrule.engines.plan import Apply, Arrange, Constant, Given, Join, Plan, Product, Read, Take
from chainrule.formula.parse import parse_expression
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import LedgerError
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend


def program(text: str, sizes: dict[str, int] | None = None, **shapes: tuple[int, ...]) -> Program:
    families = [Family(name, Role.PARAMETER, tuple("abcd"[: len(shape)]), shape) for name, shape in shapes.items()]
    return extend(Program({}), text, given=families, sizes=sizes)


def functions(plan: Plan) -> Counter[str]:
    return Counter(each.function for each in plan.instructions if isinstance(each, Apply))


def kinds(plan: Plan) -> Counter[type]:
    return Counter(map(type, plan.instructions))


def test_only_what_is_wanted_is_calculated() -> None:
    two = program("y[i] = exp(x[i])\nz[i] = sin(v[i])\ns = sum[i](y[i])", x=(3,), v=(3,))
    plan = lower(two, ["s"])
    assert functions(plan) == {"exp": 1}
    assert [each.name for each in plan.instructions if isinstance(each, Given)] == ["x"]
    assert compile_program(two, ["s"])({"x": np.zeros(3)})["s"] == 3  # v is not asked for


def test_the_same_is_calculated_once_whatever_its_letters() -> None:
    plan = lower(program("p[i] = exp(x[i]) / sum[k](exp(x[k]))\nq[j] = exp(x[j]) * sum[m](exp(x[m]))", x=(3,)))
    assert functions(plan) == {"exp": 1, "divide": 1, "multiply": 1}


def test_constants_are_worked_out_beforehand() -> None:
    plan = lower(program("y[i] = (1/2 + 3 * i) * log(10) * x[i]", x=(3,)))
    assert functions(plan) == {"multiply": 1}


def test_a_test_of_indices_is_decided_beforehand() -> None:
    text = "y[i] = (x[i] if i >= 0 else exp(x[i])) + (sin(x[i]) if i < 0 else v[i])"
    assert functions(lower(program(text, x=(3,), v=(3,)))) == {"add": 1}
    plan = lower(program("y[i] = v[i] + (x[i] if i == 1 else v[i])", x=(3,), v=(3,)))
    assert functions(plan) == {"add": 1, "where": 1}
    assert any(isinstance(each, Constant) and each.value.tolist() == [False, True, False] for each in plan.instructions)


def test_a_sign_costs_nothing_in_a_sum() -> None:
    assert functions(lower(program("y = -x + v", x=(), v=()))) == {"subtract": 1}
    assert functions(lower(program("y = -(x - v)", x=(), v=()))) == {"subtract": 1}


def test_small_powers_are_products() -> None:
    assert functions(lower(program("y = x**2 + x**3", x=()))) == {"multiply": 2, "add": 1}
    assert functions(lower(program("y = x**7", x=()))) == {"power": 1}


def test_the_logistic_function_takes_one_exponential() -> None:
    assert functions(lower(program("y[i] = logistic(x[i])", x=(3,))))["exp"] == 1


def test_an_affine_index_is_a_view() -> None:
    for text in ("y[o] = sum[u](k[u] * x[2*o + u])", "y[i] = w[i,i]", "y[i] = x[2 - i]", "y[i] = x[i+1] * w[2,i]"):
        plan = lower(program(text, {"i": 3}, x=(7,), k=(3,), w=(3, 3)))
        assert kinds(plan)[Read] >= 1
        assert kinds(plan)[Take] == 0


def test_an_index_that_runs_out_must_be_guarded() -> None:
    guarded = program("y[i] = x[i-1] if i > 0 else 0\nz[i] = y[i] + x[i]", {"i": 4}, x=(4,))
    assert kinds(lower(guarded))[Join] == 1  # the first entry, then all before the last
    strided = lower(program("y[i] = x[2*i - 1] if i > 0 else 0", {"i": 2}, x=(4,)))
    tables = [strided.instructions[each.table].value for each in strided.instructions if isinstance(each, Take)]
    assert [table.tolist() for table in tables] == [[0, 1]]
    formula = guarded.definitions[0].formula.then
    bare = Program(guarded.families, (type(guarded.definitions[0])("y", ("i",), formula, {"i": 4}),))
    with pytest.raises(LedgerError, match=r"x\[i - 1\] runs out of x, and no test guards it"):
        lower(bare)


def dense(batch: int, inputs: int, outputs: int) -> Program:
    given = [
        Family("x", Role.INPUT, ("n", "i"), (batch, inputs)),
        Family("w", Role.PARAMETER, ("j", "i"), (outputs, inputs)),
        Family("b", Role.PARAMETER, ("j",), (outputs,)),
    ]
    text = "y[n,j] = tanh(sum[i](w[j,i] * x[n,i]) + b[j])\nE_total = sum[n,j](1/2 * y[n,j]**2)"
    return differentiate(extend(Program({}), text, given=given), wanted=["w", "b", "x"])


def test_no_array_is_larger_than_the_families() -> None:
    plan = lower(dense(20, 30, 40))
    assert max(prod(shape) for shape in plan.shapes) == 30 * 40
    assert kinds(plan)[Product] == 3
    assert kinds(plan)[Take] == 0


def test_a_dense_layer_moves_no_axes_but_by_views() -> None:
    plan = lower(dense(20, 30, 40))
    # The weights in the forward pass, and the upstream in the weights' derivative.
    assert [each.order for each in plan.instructions if isinstance(each, Arrange)] == [(1, 0), (1, 0)]


def test_a_guarded_sum_reaches_a_matrix_product() -> None:
    given = [
        Family("k", Role.PARAMETER, ("c", "u"), (16, 3)),
        Family("x", Role.PARAMETER, ("n", "i"), (32, 41)),
    ]
    text = "y[n,c,o] = sum[u](k[c,u] * x[n,2*o + u])\nE_total = sum[n,c,o](y[n,c,o]**2)"
    plan = lower(differentiate(extend(Program({}), text, given=given)), ["d_x", "d_k"])
    assert kinds(plan)[Product] == 3
    assert max(prod(shape) for shape in plan.shapes) <= 32 * 16 * 42  # places, in pairs


def test_numbers_in_one_list_are_the_same_array_in_another_shape() -> None:
    plan = lower(program("y[n,i] = sum[p,q](x[n,p,q] if i == 5*p + q else 0)", sizes={"i": 20}, x=(3, 4, 5)))
    assert kinds(plan) == {Given: 1, Arrange: 1}


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_the_derivative_by_windows_needs_no_array_of_places_and_windows(width: int, step: int, padding: int) -> None:
    size, count = 40, (40 + 2 * padding - width) // step + 1
    inside = f"{step}*p + u - {padding}"
    text = (
        f"y[n,p] = max[u](x[n,{inside}] if 0 <= {inside} and {inside} < {size} else -9)\n"
        f"z[n,p] = sum[u](k[u] * x[n,{inside}] if 0 <= {inside} and {inside} < {size} else 0)\n"
        "E_total = sum[n,p](y[n,p]**2 + z[n,p]**2)"
    )
    families = [Family("k", Role.PARAMETER, ("u",), (width,)), Family("x", Role.PARAMETER, ("n", "i"), (8, size))]
    whole = differentiate(extend(Program({}), text, given=families, sizes={"p": count}))
    plan = lower(whole, ["d_x", "d_k"])
    assert max(prod(shape) for shape in plan.shapes) <= 8 * (size + 2 * step) * width * width
    rng = np.random.default_rng(0)
    given = {"k": rng.normal(size=width), "x": rng.normal(size=(8, size))}
    expected, found = run(whole, given), compile_program(whole, ["d_x", "d_k"])(given)
    for name in ("d_x", "d_k"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-12)


def test_a_definition_has_a_stable_form() -> None:
    text = "p[n,i] = exp(x[n,i]) / sum[k](exp(x[n,k]))"
    safe = parse_expression("exp(x[n,i] - max[m](x[n,m])) / sum[k](exp(x[n,k] - max[m](x[n,m])))")
    x = Family("x", Role.INPUT, ("n", "i"), (1, 2))
    stable = extend(Program({}), text, given=[x], stable={"p": safe})
    p = compile_program(stable)({"x": np.array([[1000.0, 1000.0]])})["p"]
    assert p.tolist() == [[0.5, 0.5]]
    assert np.isnan(compile_program(program(text, x=(1, 2)))({"x": np.array([[1000.0, 1000.0]])})["p"]).all()
