"""From rows and sizes to programs: names, letters, biases, conventions, and any network against PyTorch."""

from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.catalogue.build import (
    Conventions,
    DenseLayer,
    forward_program,
    layer_names,
    total_formula,
    trained_parameters,
)
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.unparse import to_text
from chainrule.numbers.evaluate import run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Program, Role, definition_of, with_role

BIASES = ("none", "shared", "per_neuron")
ACTIVATIONS = {
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "softmax": lambda z: z.softmax(-1),
}
LAYERS = st.builds(
    DenseLayer,
    units=st.integers(1, 4),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    bias=st.sampled_from(BIASES),
)


def lines(program: Program) -> list[str]:
    return [f"{each.target}[{','.join(each.indices)}] = {to_text(each.formula)}" for each in program.definitions]


def test_one_hidden_layer_reads_as_people_write_it() -> None:
    layers = [DenseLayer(2, "logistic", bias="shared"), DenseLayer(2, "logistic", bias="shared")]
    assert lines(forward_program(2, layers, Conventions())) == [
        "net_h[n,j] = sum[i](w_h[j,i] * x[n,i]) + b_h",
        "out_h[n,j] = logistic(net_h[n,j])",
        "net_o[n,k] = sum[j](w_o[k,j] * out_h[n,j]) + b_o",
        "out_o[n,k] = logistic(net_o[n,k])",
        "E[n,k] = 1 / 2 * (target[n,k] - out_o[n,k])**2",
        "E_total[] = sum[n,k](E[n,k])",
    ]


def test_families() -> None:
    layers = [DenseLayer(3, bias="none"), DenseLayer(4), DenseLayer(1, bias="shared")]
    program = forward_program(2, layers, Conventions("huber"), 5)
    shapes = {name: (family.axes, family.shape) for name, family in program.families.items()}
    assert shapes["x"] == (("n", "i"), (5, 2))
    assert shapes["target"] == (("n", "l"), (5, 1))
    assert shapes["w_h1"] == (("j", "i"), (3, 2))
    assert shapes["w_h2"] == (("k", "j"), (4, 3))
    assert shapes["b_h2"] == (("k",), (4,))
    assert shapes["w_o"] == (("l", "k"), (1, 4))
    assert shapes["b_o"] == ((), ())
    assert "b_h1" not in shapes
    assert program.families["net_h2"].layer == "h2"
    assert [family.name for family in with_role(program, Role.LOSS)] == ["E_total"]
    assert [family.name for family in with_role(program, Role.PARAMETER)] == ["w_h1", "w_h2", "b_h2", "w_o", "b_o"]
    assert [family.name for family in with_role(program, Role.SETTING)] == ["huber_delta"]


@settings(max_examples=25)
@given(
    inputs=st.integers(1, 3),
    layers=st.lists(LAYERS, min_size=1, max_size=4),
    samples=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_any_network_has_the_gradients_of_pytorch(
    inputs: int, layers: list[DenseLayer], samples: int, seed: int
) -> None:
    program = forward_program(inputs, layers, Conventions("mse"), samples)
    rng = np.random.default_rng(seed)
    given_numbers = {
        family.name: rng.normal(size=family.shape)
        for family in with_role(program, Role.INPUT, Role.TARGET, Role.PARAMETER)
    }
    ledger = run(differentiate(program), given_numbers)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given_numbers.items()}
    out = tensors["x"]
    for layer, name in zip(layers, layer_names(layers), strict=True):
        net = out @ tensors[f"w_{name}"].T + tensors.get(f"b_{name}", torch.zeros(()))
        out = ACTIVATIONS[layer.activation](net)
    loss = torch.nn.functional.mse_loss(out, tensors["target"])
    loss.backward()
    np.testing.assert_allclose(ledger["E_total"], loss.item(), rtol=1e-10)
    for family in with_role(program, Role.PARAMETER):
        expected = tensors[family.name].grad.numpy()
        np.testing.assert_allclose(ledger[f"d_{family.name}"], expected, rtol=1e-9, atol=1e-12)


def test_more_layers_than_letters() -> None:
    layers = [DenseLayer(2, "softmax")] * 16
    program = forward_program(2, layers, Conventions())
    numbers = {
        family.name: np.random.default_rng(0).normal(size=family.shape)
        for family in with_role(program, Role.INPUT, Role.TARGET, Role.PARAMETER)
    }
    out = torch.tensor(numbers["x"])
    for name in layer_names(layers):
        out = (out @ torch.tensor(numbers[f"w_{name}"]).T + torch.tensor(numbers[f"b_{name}"])).softmax(-1)
    np.testing.assert_allclose(run(program, numbers)["out_o"], out.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("",), ("o",)),
        (("", ""), ("h", "o")),
        (("", "", ""), ("h1", "h2", "o")),
        (("encoder", "", "answer"), ("encoder", "h2", "answer")),
    ],
)
def test_names_of_layers(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert layer_names([DenseLayer(1, name=name) for name in names]) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a b", "o"), "a layer's name is made of letters, digits and _; 'a b' is not"),
        (("<script>",), "a layer's name is made of letters, digits and _; '<script>' is not"),
        (("same", "same"), "two layers have the name same; give one of them another"),
        (("o", ""), "two layers have the name o; give one of them another"),
        (("a", "a_next"), "a_next is how layer a after the round is written; rename that layer"),
    ],
)
def test_names_that_can_not_be_used(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        layer_names([DenseLayer(1, name=name) for name in names])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("inputs", "layers", "samples", "message"),
    [
        (2, [], 1, "a network needs at least one layer"),
        (0, [DenseLayer(1)], 1, "the number of inputs must be at least 1, not 0"),
        (1, [DenseLayer(1)], 0, "the number of samples must be at least 1, not 0"),
        (1, [DenseLayer(-3), DenseLayer(1)], 1, "layer h: the number of neurons must be at least 1, not -3"),
        (1, [DenseLayer(1, bias="both")], 1, "layer o: a bias is none, shared or per_neuron, not 'both'"),
        (1, [DenseLayer(1, "tahn")], 1, "layer o: there is no activation 'tahn'; did you mean tanh?"),
    ],
)
def test_networks_that_make_no_sense(inputs: int, layers: list[DenseLayer], samples: int, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        forward_program(inputs, layers, Conventions(), samples)
    assert str(caught.value) == message


def test_an_unknown_way_to_add_up() -> None:
    with pytest.raises(CatalogueError, match="added by sum or mean, not 'median'"):
        forward_program(1, [DenseLayer(1)], Conventions(over_batch="median"))


@pytest.mark.parametrize(
    ("outputs", "batch", "samples", "width", "expected"),
    [
        ("sum", "sum", 3, 2, "sum[n,k](E[n,k])"),
        ("sum", "mean", 3, 2, "1 / count[n] * sum[n,k](E[n,k])"),
        ("mean", "sum", 3, 2, "1 / count[k] * sum[n,k](E[n,k])"),
        ("mean", "mean", 3, 2, "1 / count[n,k] * sum[n,k](E[n,k])"),
        ("mean", "mean", 1, 2, "1 / count[k] * sum[n,k](E[n,k])"),
        ("mean", "mean", 1, 1, "sum[n,k](E[n,k])"),
    ],
)
def test_the_total_shows_its_means(outputs: str, batch: str, samples: int, width: int, expected: str) -> None:
    conventions = Conventions(over_outputs=outputs, over_batch=batch)
    assert total_formula(find_loss("sse"), conventions, {"n": samples, "k": width}) == expected


def test_the_rows_own_choice_is_taken_where_none_is_made() -> None:
    assert total_formula(find_loss("mse"), Conventions("mse"), {"n": 3, "k": 2}).startswith("1 / count[n,k] *")
    assert total_formula(find_loss("sse"), Conventions("sse"), {"n": 3, "k": 2}).startswith("1 / count[n] *")


def test_what_training_changes() -> None:
    layers = [
        DenseLayer(1, bias="none"),
        DenseLayer(1, bias="shared", train_bias=False),
        DenseLayer(1, train_weights=False, name="last"),
    ]
    assert trained_parameters(2, layers) == ("w_h1", "w_h2", "b_last")


def test_an_activations_own_number_stays_as_typed() -> None:
    program = forward_program(1, [DenseLayer(1, "leaky_relu", (Decimal("0.10"),))], Conventions())
    definition = definition_of(program, "out_o")
    assert definition is not None
    assert to_text(definition.formula) == "leaky_relu(net_o[n,j], 0.10)"
