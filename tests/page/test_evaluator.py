"""The page's evaluator is the slow evaluator too: on every row of every table, and on random programs."""

import math
from decimal import Decimal
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.initialisers import INITIALISERS, Initialiser
from chainrule.catalogue.layers import BIASES, activation_names
from chainrule.catalogue.losses import LOSSES, Loss
from chainrule.catalogue.optimizers import OPTIMIZERS, Optimizer
from chainrule.catalogue.training import Update, carried
from chainrule.formula.expression import Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum, letter, walk
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import FUNCTIONS, Function
from chainrule.numbers.evaluate import FLOAT, run
from chainrule.numbers.ledger import Ledger
from chainrule.page.program_json import formula_data, program_data
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Definition, Family, Program, Role
from chainrule.program.read import extend
from chainrule.training.programs import Trainable, fixed_numbers, parameter_names, start_state, training_round
from engine_cases import FAR, FAR_FROM_ZERO, LARGE, branches, function_and_slope, large, not_finite
from oracle_programs import CASES, Case, program_of
from page.node import PageFault, ask, run_on_page
from random_programs import random_program

VARIANTS: dict[str, dict[str, Decimal]] = {
    "plain": {},
    "decayed and clipped": {
        "weight_decay": Decimal("0.1"),
        "clip_norm": Decimal("0.05"),
        "clip_value": Decimal("0.03"),
    },
}
# Of the large sums those that the slow evaluator is done with at once.
INDICES = ("windows", "stacked", "two masks", "transposed", "diagonal", "backwards", "strides", "divided", "apart")


def assert_same(program: Program, numbers: Ledger, tolerance: float = 1e-13) -> None:
    expected, found = run(program, numbers), run_on_page(program, numbers)
    assert list(found) == list(program.families)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


@settings(max_examples=100, deadline=None)
@given(random_program())
def test_random_programs(drawn: tuple[Program, Ledger]) -> None:
    assert_same(*drawn, 1e-11)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=3, deadline=None)
@given(a=st.integers(1, 4), b=st.integers(1, 4), c=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_networks_of_many_kinds_with_their_derivatives(case: Case, a: int, b: int, c: int, seed: int) -> None:
    shapes = case.shapes(a, b, c)
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    numbers |= {name: np.abs(numbers[name]) + 0.5 for name in case.positive}
    assert_same(differentiate(program_of(case, shapes)), numbers, 1e-9)


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.parameters], ids=lambda row: row.name)
def test_every_function_and_its_slope(row: Function) -> None:
    assert_same(*function_and_slope(row))


def test_every_primitive_function_of_the_package_is_one_of_the_page() -> None:
    used = {row.name for row in FUNCTIONS if row.formula is None}
    assert used <= set(FLOAT.functions) <= set(ask("primitives"))


@pytest.mark.parametrize("name", FAR_FROM_ZERO)
def test_far_from_zero_a_function_is_infinite_only_where_its_plain_formula_is(name: str) -> None:
    program = extend(Program({}), f"y[i] = {name}(x[i])", given=[Family("x", Role.INPUT, ("i",), (4,))])
    found, plain = (each(program, {"x": FAR})["y"].tolist() for each in (run_on_page, run))
    assert found == plain
    assert all(math.isinf(a) or a == b for a, b in zip(found, FAR_FROM_ZERO[name], strict=True))


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.parameters], ids=lambda row: row.name)
def test_every_function_and_its_slope_at_zero_far_away_and_at_what_is_no_number(row: Function) -> None:
    """Kinks and poles are at whole numbers; -0 is one of those numbers too."""
    odd = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 3.0, -2.0, 6.0, -6.0, *FAR, 1e300, -1e300, 1e-300, 5e-324])
    odd = np.concatenate([odd, [math.inf, -math.inf, math.nan]])
    given_families = [Family(name, Role.PARAMETER, ("i",), odd.shape) for name in row.parameters]
    others = dict(zip(row.parameters[1:], ("0.7", "0.3"), strict=False))
    call = ", ".join(others.get(name, f"{name}[i]") for name in row.parameters)
    text = f"y[i] = {row.name}({call})\nE_total = sum[i](y[i])"
    program = differentiate(extend(Program({}), text, given=given_families), wanted=[row.parameters[0]])
    assert_same(program, dict.fromkeys(row.parameters, odd))


def test_a_branch_that_is_not_taken_is_not_worked_out() -> None:
    assert_same(*branches())


def test_numbers_that_are_not_finite() -> None:
    assert_same(*not_finite())


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_with_what_is_no_number(relation: str) -> None:
    x = Family("x", Role.INPUT, ("i",), (5,))
    program = extend(Program({}), f"y[i,j] = 1 if x[i] {relation} x[j] else 2", given=[x])
    numbers = {"x": np.array([math.nan, math.inf, -math.inf, 0.0, -0.0])}
    assert_same(program, numbers)


def test_the_largest_of_several_that_are_equal_or_no_numbers() -> None:
    """The slope goes to all that are largest; a NaN is passed on wherever it stands."""
    x = Family("x", Role.PARAMETER, ("n", "i"), (5, 3))
    text = "y[n] = max[i](x[n,i])\nz[n] = max(x[n,0], 1)\nE_total = sum[n](y[n] + z[n])"
    numbers = np.array([[1, 1, 0], [2, 2, 2], [math.nan, 1, 2], [1, math.nan, 2], [-math.inf, math.inf, math.inf]])
    assert_same(differentiate(extend(Program({}), text, given=[x])), {"x": numbers})


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_every_kind(name: str) -> None:
    assert_same(*large(LARGE[name]), 1e-12)


# Layers, losses, optimizers: each row in a network.


def network_round(
    layers: tuple[DenseLayer, ...],
    conventions: Conventions | None = None,
    update: Update | None = None,
    samples: int = 3,
) -> tuple[Program, dict[str, np.ndarray]]:
    """A round with its numbers; inputs and targets are probabilities, so that every loss can take them."""
    net = Trainable(2, layers, conventions or Conventions(), update or Update(rate=Decimal("0.1")))
    program = training_round(net, 3)
    rng = np.random.default_rng(11)
    weights = {name: rng.normal(size=program.families[name].shape) for name in parameter_names(net)}
    targets = rng.random((3, layers[-1].units))
    data = {"x": rng.normal(size=(3, 2)), "target": targets / targets.sum(1, keepdims=True)}
    known = {**fixed_numbers(net), **start_state(net, weights), **data, "rate": np.array(0.1), "round": np.array(1.0)}
    return program, {name: array for name, array in known.items() if name in program.families}


@pytest.mark.parametrize("activation", activation_names())
def test_every_activation_in_a_network(activation: str) -> None:
    assert_same(*network_round((DenseLayer(3, activation), DenseLayer(2, "logistic", bias="shared"))), 1e-12)


@pytest.mark.parametrize("bias", BIASES)
def test_every_kind_of_bias(bias: str) -> None:
    assert_same(*network_round((DenseLayer(3, "tanh", bias=bias), DenseLayer(2, "softmax", bias=bias))), 1e-12)


@pytest.mark.parametrize("over_batch", ["sum", "mean"])
@pytest.mark.parametrize("over_outputs", ["sum", "mean"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_loss_and_how_it_is_added_up(loss: Loss, over_outputs: str, over_batch: str) -> None:
    activation = {"any": "tanh", "probabilities": "softmax", "logits": "identity"}[loss.on]
    layers = (DenseLayer(3, "logistic"), DenseLayer(2, activation))
    assert_same(*network_round(layers, Conventions(loss.name, over_outputs, over_batch)), 1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_five_rounds_of_every_optimizer(row: Optimizer, variant: str) -> None:
    layers = (DenseLayer(3, "tanh", bias="per_neuron"), DenseLayer(2, "logistic", bias="shared"))
    program, ours = network_round(layers, update=Update(row.name, Decimal("0.1"), **VARIANTS[variant]))
    theirs = dict(ours)
    for done in range(5):
        found, expected = run_on_page(program, ours), run(program, theirs)
        for name, array in expected.items():
            np.testing.assert_allclose(
                found[name], array, rtol=1e-11, atol=1e-12, err_msg=f"{name} in round {done + 1}"
            )
        carry = carried(program)
        ours, theirs = (
            numbers | {old: ledger[new] for new, old in carry.items()}
            for numbers, ledger in ((ours, found), (theirs, expected))
        )
        if "round" in program.families:
            ours["round"] = theirs["round"] = np.array(done + 2.0)


@pytest.mark.parametrize("row", INITIALISERS, ids=lambda row: row.name)
def test_start_values_of_every_initialiser(row: Initialiser) -> None:
    """Numbers that were drawn and numbers that were typed, side by side in one round."""
    net = cr.Network(2, [cr.Dense(3, "tanh", weights=row.name), cr.Dense(2, weights=row.name)])
    example = net.step([[0.5, -1.0]], [[0.1, 0.2]], learning_rate=0.1).round
    found = run_on_page(example.names.program, {**example.ledger, **example.typed}, "MIXED")
    for name, array in example.ledger.items():
        np.testing.assert_allclose(found[name].astype(float), array.astype(float), rtol=1e-14, err_msg=name)


# The eleven nodes, and no others.


def formula_of_all_nodes() -> Expr:
    x = Ref("x", (letter("i"),))
    nodes = (
        Neg(x), Mul((x, x)), Div(x, Num(Decimal("3"))), Pow(x, Num(Decimal(2))), Call("tanh", (x,)), Sum(("j",), x),
        Max(("j",), x), If(Comparison(x, ">", Num(Decimal("0.5"))), x, Num(Decimal(7))),
    )  # fmt: skip
    return Add(nodes)


def operations(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {node["op"]} | {op for each in node.get("args", ()) for op in operations(each)}
    return set()


def test_there_are_eleven_nodes_and_the_page_knows_them() -> None:
    formula = formula_of_all_nodes()
    assert {type(node) for node in walk(formula)} == set(get_args(Expr))
    program = Program(
        {"x": Family("x", Role.INPUT, ("i",), (2,)), "y": Family("y", Role.VALUE, ("i",), (2,))},
        (Definition("y", ("i",), formula, {"i": 2, "j": 3}),),
    )
    assert len(operations(formula_data(formula))) == len(get_args(Expr)) == 11
    assert_same(program, {"x": np.array([0.25, 2.0])})


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ({"op": "script", "args": []}, "no formula of the kind script"),
        ({"op": "constructor", "args": []}, "kind constructor"),
        ({"args": []}, "kind undefined"),
        ({"op": "ref", "name": "nothing"}, "nothing has no numbers"),
        ({"op": "ref", "name": "x", "at": []}, "x has 1 axes"),
        ({"op": "ref", "name": "x", "at": [2]}, "x has no entry 2"),
        ({"op": "ref", "name": "x", "at": ["k"]}, "the index k has no value"),
        ({"op": "ref", "name": "x", "at": [{"terms": [["k", 2]], "constant": 1}]}, "the index k has no value"),
        ({"op": "call", "name": "eval", "args": [{"op": "num", "value": "1"}]}, "there is no function eval"),
        ({"op": "call", "name": "constructor", "args": [{"op": "num", "value": "1"}]}, "no function constructor"),
    ],
)
def test_anything_else_is_refused(formula: dict[str, Any], message: str) -> None:
    program = program_data(extend(Program({}), "y[i] = 2 * x[i]", given=[Family("x", Role.INPUT, ("i",), (2,))]))
    program["definitions"][0]["formula"] = formula
    for kind in ("FLOATS", "MIXED"):
        with pytest.raises(PageFault, match=message):
            ask("run", program=program, functions={}, given={"x": ["1", "2"]}, kind=kind)


def test_numbers_that_are_missing_or_of_another_count_are_refused() -> None:
    program = program_data(extend(Program({}), "y[i] = 2 * x[i]", given=[Family("x", Role.INPUT, ("i",), (2,))]))
    for wrong in ({}, {"x": [1.0]}, {"x": [1.0, 2.0, 3.0]}):
        with pytest.raises(PageFault, match="x has no numbers"):
            ask("run", program=program, functions={}, given=wrong, kind="FLOATS")
