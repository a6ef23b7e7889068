"""Every loss row against PyTorch: its parts, its total, its gradient; its kinks, its safe form, its taught delta."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from chainrule.catalogue.build import Conventions, DenseLayer, forward_program, instantiate, taught_delta
from chainrule.catalogue.losses import LOSSES, TAUGHT, Loss, Taught, find_loss
from chainrule.catalogue.row import CatalogueError
from chainrule.engines.numpy import compile_program
from chainrule.formula.parse import parse_expression
from chainrule.numbers.evaluate import evaluate, run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Program, definition_of

DELTA = 0.3  # of Huber: some errors lie below and some above

# The part of the error of each output, from the outputs and the targets.
PARTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "half_squared_error": lambda out, target: functional.mse_loss(out, target, reduction="none") / 2,
    "squared_error": lambda out, target: functional.mse_loss(out, target, reduction="none"),
    "mean_squared_error": lambda out, target: functional.mse_loss(out, target, reduction="none"),
    "absolute_error": lambda out, target: functional.l1_loss(out, target, reduction="none"),
    "huber": lambda out, target: functional.huber_loss(out, target, reduction="none", delta=DELTA),
    "log_cosh": lambda out, target: torch.log(torch.cosh(out - target)),
    "hinge": lambda out, target: torch.relu(1 - target * out),
    "binary_cross_entropy": lambda out, target: functional.binary_cross_entropy(out, target, reduction="none"),
    "binary_cross_entropy_on_logits": lambda out, target: functional.binary_cross_entropy_with_logits(
        out, target, reduction="none"
    ),
    "cross_entropy": lambda out, target: -target * torch.log(out),
    "cross_entropy_on_logits": lambda out, target: -target * functional.log_softmax(out, -1),
    "kl_divergence": lambda out, target: functional.kl_div(torch.log(out), target, reduction="none"),
}
# What PyTorch gives without further arguments, for one output: all rows average over the batch, as it does.
WHOLE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean_squared_error": functional.mse_loss,
    "absolute_error": functional.l1_loss,
    "huber": lambda out, target: functional.huber_loss(out, target, delta=DELTA),
    "cross_entropy_on_logits": functional.cross_entropy,
    "kl_divergence": lambda out, target: functional.kl_div(torch.log(out), target, reduction="batchmean"),
}
OVER = ("sum", "mean")


def activation_for(loss: Loss) -> str:
    """An activation whose outputs the loss can take."""
    on_one = "logistic" if loss.name == "binary_cross_entropy" else "softmax"
    return {"any": "tanh", "probabilities": on_one, "logits": "identity"}[loss.on]


def activated(loss: Loss, net: Tensor) -> Tensor:
    row = activation_for(loss)
    return {"tanh": torch.tanh, "logistic": torch.sigmoid, "softmax": lambda z: z.softmax(-1)}.get(row, lambda z: z)(
        net
    )


def targets_for(loss: Loss, rng: np.random.Generator, samples: int, outputs: int) -> np.ndarray:
    """Targets of the kind that the loss is made for: any numbers, -1 and 1, or a distribution with a zero in it."""
    if loss.name == "hinge":
        return rng.choice([-1.0, 1.0], (samples, outputs))
    if loss.on == "any":
        return rng.normal(size=(samples, outputs))
    if loss.name.startswith("binary"):
        return rng.uniform(size=(samples, outputs))
    weights = rng.uniform(0.1, 1, (samples, outputs))
    weights[:, 1:2] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def one_layer(loss: Loss, samples: int, outputs: int, over_outputs: str | None, over_batch: str | None) -> Program:
    own = {"huber_delta": Decimal(str(DELTA))} if loss.name == "huber" else {}
    conventions = Conventions(loss.name, over_outputs, over_batch, own)
    return differentiate(forward_program(2, [DenseLayer(outputs, activation_for(loss))], conventions, samples))


def numbers_for(loss: Loss, samples: int, outputs: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.normal(size=(samples, 2)),
        "w_o": rng.normal(size=(outputs, 2)),
        "b_o": rng.normal(size=outputs),
        "target": targets_for(loss, rng, samples, outputs),
        "huber_delta": np.array(DELTA),
    }


def assert_same_as_torch(
    loss: Loss, program: Program, numbers: dict[str, np.ndarray], total: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """The total, and its derivatives by the weights and by the biases."""
    ledger = run(program, numbers)
    w, b = (torch.tensor(numbers[name], requires_grad=True) for name in ("w_o", "b_o"))
    out = activated(loss, torch.tensor(numbers["x"]) @ w.T + b)
    expected = total(out, torch.tensor(numbers["target"]))
    expected.backward()
    np.testing.assert_allclose(ledger["E_total"], expected.item(), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(ledger["d_w_o"], w.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ledger["d_b_o"], b.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_every_row_has_an_oracle() -> None:
    assert set(PARTS) == {row.name for row in LOSSES}


@pytest.mark.parametrize("over_batch", OVER)
@pytest.mark.parametrize("over_outputs", OVER)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda row: row.name)
@settings(max_examples=6)
@given(samples=st.integers(1, 3), outputs=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_a_loss_and_its_gradient(
    loss: Loss, over_outputs: str, over_batch: str, samples: int, outputs: int, seed: int
) -> None:
    program = one_layer(loss, samples, outputs, over_outputs, over_batch)

    def total(out: Tensor, target: Tensor) -> Tensor:
        parts = PARTS[loss.name](out, target)
        parts = parts.mean(1) if over_outputs == "mean" else parts.sum(1)
        return parts.mean() if over_batch == "mean" else parts.sum()

    assert_same_as_torch(loss, program, numbers_for(loss, samples, outputs, seed), total)


@pytest.mark.parametrize("name", WHOLE)
def test_the_row_adds_up_as_pytorch_does_without_further_arguments(name: str) -> None:
    loss = find_loss(name)
    assert_same_as_torch(loss, one_layer(loss, 3, 4, None, None), numbers_for(loss, 3, 4, 5), WHOLE[name])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda row: row.name)
def test_each_part_of_the_error(loss: Loss) -> None:
    numbers = numbers_for(loss, 3, 4, 11)
    ledger = run(one_layer(loss, 3, 4, None, None), numbers)
    parts = PARTS[loss.name](torch.tensor(ledger["out_o"]), torch.tensor(numbers["target"]))
    np.testing.assert_allclose(ledger["E"], parts.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("loss", [row for row in LOSSES if row.stable], ids=lambda row: row.name)
def test_the_safe_form_is_the_same(loss: Loss) -> None:
    definition = definition_of(one_layer(loss, 3, 4, None, None), "E")
    assert definition is not None
    assert definition.stable is not None
    rng = np.random.default_rng(3)
    ledger = {"out_o": rng.uniform(-9, 9, (3, 4)), "target": rng.normal(size=(3, 4))}
    for n, k in np.ndindex(3, 4):
        at = dict(zip(definition.indices, (n, k), strict=True))
        plain, safe = (evaluate(each, ledger, at, definition.sizes) for each in (definition.formula, definition.stable))
        assert safe == pytest.approx(plain, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("loss", [row for row in LOSSES if row.stable], ids=lambda row: row.name)
def test_engines_do_not_overflow_where_the_safe_form_does_not(loss: Loss) -> None:
    program = forward_program(2, [DenseLayer(2, "identity", bias="none")], Conventions(loss.name))
    out, target = np.array([[900.0, -800.0]]), np.array([[0.0, 1.0]])
    ledger = compile_program(program)({"x": out, "w_o": np.eye(2), "target": target})
    if loss.name == "log_cosh":
        expected = np.abs(out - target) - np.log(2)  # PyTorch has no safe form to compare with
    else:
        expected = PARTS[loss.name](torch.tensor(out), torch.tensor(target)).numpy()
    np.testing.assert_allclose(ledger["E"], expected, rtol=1e-12)


def slope_by_output(loss: str, out: float, target: float) -> float:
    conventions = Conventions(loss)
    program = differentiate(forward_program(1, [DenseLayer(1, bias="none")], conventions), wanted=["out_o"])
    numbers = {"x": np.array([[out]]), "w_o": np.ones((1, 1)), "target": np.array([[target]]), "huber_delta": 1.0}
    return float(run(program, {name: np.array(value) for name, value in numbers.items()})["d_out_o"].item())


def test_the_convention_at_every_kink() -> None:
    assert slope_by_output("absolute_error", 0.5, 0.5) == 0
    assert slope_by_output("absolute_error", 0.5, 0.75) == -1
    assert slope_by_output("hinge", -1, -1) == 0
    assert slope_by_output("hinge", -0.5, -1) == 1
    assert slope_by_output("kl_divergence", 0.5, 0) == 0
    # Both sides of Huber's kink have the same slope.
    assert slope_by_output("huber", 2, 1) == 1
    assert slope_by_output("huber", 2.5, 1) == 1


def test_a_target_of_zero_adds_nothing_to_the_divergence() -> None:
    loss = find_loss("kl")
    ledger = run(one_layer(loss, 1, 2, None, None), numbers_for(loss, 1, 2, 0) | {"target": np.array([[1.0, 0.0]])})
    assert ledger["E"][0, 1] == 0
    assert ledger["E"][0, 0] == -np.log(ledger["out_o"][0, 0])


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("row", TAUGHT, ids=lambda row: f"{row.activation} with {row.loss}")
@settings(max_examples=10)
@given(samples=st.integers(1, 3), outputs=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_a_taught_delta_equals_the_derived_one(row: Taught, over: str, samples: int, outputs: int, seed: int) -> None:
    layers = [DenseLayer(outputs, row.activation)]
    conventions = Conventions(row.loss, "sum", over)
    assert taught_delta(layers, conventions) == row
    numbers = numbers_for(find_loss(row.loss), samples, outputs, seed)
    ledger = run(differentiate(forward_program(2, layers, conventions, samples)), numbers)
    formula = instantiate(parse_expression(row.formula), {"out": "out_o"}, {})
    for n, k in np.ndindex(samples, outputs):
        value = evaluate(formula, ledger, {"n": n, "k": k}, {"m": outputs})
        value /= samples if over == "mean" else 1
        assert ledger["d_net_o"][n, k] == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("row", [row for row in TAUGHT if row.targets_sum_to_one], ids=lambda row: row.loss)
def test_the_condition_of_a_taught_delta_is_needed(row: Taught) -> None:
    assert row.condition
    numbers = numbers_for(find_loss(row.loss), 1, 3, 0) | {"target": np.array([[0.5, 0.5, 0.5]])}
    program = forward_program(2, [DenseLayer(3, row.activation)], Conventions(row.loss))
    ledger = run(differentiate(program), numbers)
    assert np.abs(ledger["d_net_o"] - (ledger["out_o"] - 0.5)).max() > 0.01


def test_no_taught_delta_for_other_pairs() -> None:
    assert taught_delta([DenseLayer(2, "tanh")], Conventions("cross_entropy")) is None
    assert taught_delta([DenseLayer(2, "sigmoid")], Conventions("bce")) is not None


def test_names() -> None:
    names = [name for row in LOSSES for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    for row in LOSSES:
        assert all(find_loss(name) is row for name in (row.name, *row.aliases))
    assert find_loss(" Mean-Squared Error ").name == "mean_squared_error"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("crossentropy", "there is no loss 'crossentropy'; did you mean cross_entropy?"),
        ("zzz", "there is no loss 'zzz'; there are: half_squared_error, squared_error,"),
        ("x" * 1000, "there is no loss 'xxx"),
    ],
)
def test_an_unknown_loss(wrong: str, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        find_loss(wrong)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 400


def test_settings() -> None:
    with pytest.raises(CatalogueError, match="huber has no setting 'delta'; it has huber_delta"):
        forward_program(1, [DenseLayer(1)], Conventions("huber", loss_settings={"delta": Decimal(1)}))
    with pytest.raises(CatalogueError, match="squared_error has no setting 'delta'; it has none"):
        forward_program(1, [DenseLayer(1)], Conventions("squared_error", loss_settings={"delta": Decimal(1)}))


def test_rows_are_data() -> None:
    with pytest.raises(AttributeError):
        LOSSES[0].name = "other"  # type: ignore[misc]
    assert replace(LOSSES[0], over_batch="sum").over_batch == "sum"
