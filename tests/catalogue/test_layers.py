"""Every activation as a layer against PyTorch: its output, and the derivatives by all that goes in."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from chainrule.catalogue.build import Conventions, DenseLayer, forward_program
from chainrule.catalogue.layers import OUTPUTS, Layer, activation_formula, activation_names, find_activation
from chainrule.catalogue.row import CatalogueError
from chainrule.engines.numpy import compile_program
from chainrule.formula.functions import FUNCTIONS
from chainrule.numbers.evaluate import evaluate, run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import definition_of

# PyTorch 2.13's own backward kernels of hardsigmoid and celu take 1/6 and 1/alpha as 32-bit numbers, even for 64-bit
# tensors, so these two are written with plainer functions of PyTorch.
ORACLES: dict[str, Callable[..., Tensor]] = {
    "identity": lambda z: z,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "celu": lambda z, a=1.0: torch.where(z > 0, z, a * torch.expm1(z / a)),
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "silu": functional.silu,
    "softplus": functional.softplus,
    "mish": functional.mish,
    "softsign": functional.softsign,
    "logsigmoid": functional.logsigmoid,
    "tanhshrink": functional.tanhshrink,
    "hard_sigmoid": lambda z: torch.clamp(z / 6 + 0.5, 0, 1),
    "hard_sigmoid_keras2": lambda z: torch.clamp(0.2 * z + 0.5, 0, 1),
    "hard_tanh": functional.hardtanh,
    "hard_swish": functional.hardswish,
    "relu6": functional.relu6,
    "hard_shrink": functional.hardshrink,
    "soft_shrink": functional.softshrink,
    "gaussian": lambda z: torch.exp(-(z**2)),
    "sine": torch.sin,
    "square": torch.square,
    "softmax": lambda z: functional.softmax(z, -1),
    "log_softmax": lambda z: functional.log_softmax(z, -1),
}
ROWS = (*(row for row in FUNCTIONS if row.activation), *OUTPUTS)


def test_every_row_has_an_oracle() -> None:
    assert set(ORACLES) == {row.name for row in ROWS}


@pytest.mark.parametrize(("name", "function"), [("celu", functional.celu), ("hard_sigmoid", functional.hardsigmoid)])
def test_the_plainer_oracles_are_pytorchs_functions(name: str, function: Callable[[Tensor], Tensor]) -> None:
    z = torch.linspace(-4, 4, 41, dtype=torch.float64)
    torch.testing.assert_close(ORACLES[name](z), function(z), rtol=1e-14, atol=1e-14)


def assert_same(name: str, parameters: tuple[str, ...], samples: int, units: int, seed: int) -> None:
    """The outputs, and the derivatives of a squared error by weights, biases and inputs."""
    layer = DenseLayer(units, name, tuple(map(Decimal, parameters)))
    program = forward_program(3, [layer], Conventions(over_batch="sum"), samples)
    rng = np.random.default_rng(seed)
    numbers = {"x": rng.normal(size=(samples, 3)), "w_o": rng.normal(size=(units, 3)), "b_o": rng.normal(size=units)}
    target = rng.normal(size=(samples, units))
    ledger = run(differentiate(program, wanted=list(numbers)), numbers | {"target": target})
    x, w, b = (torch.tensor(value, requires_grad=True) for value in numbers.values())
    out = ORACLES[name](x @ w.T + b, *map(float, parameters))
    (((torch.tensor(target) - out) ** 2).sum() / 2).backward()
    np.testing.assert_allclose(ledger["out_o"], out.detach().numpy(), rtol=1e-10, atol=1e-13)
    for family, tensor in zip(numbers, (x, w, b), strict=True):
        np.testing.assert_allclose(ledger[f"d_{family}"], tensor.grad.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ORACLES)
@settings(max_examples=8)
@given(samples=st.integers(1, 3), units=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_an_activation_and_its_gradients(name: str, samples: int, units: int, seed: int) -> None:
    assert_same(name, (), samples, units, seed)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("leaky_relu", "0.3"), ("elu", "0.7"), ("celu", "0.7"), ("hard_shrink", "0.2"), ("soft_shrink", "0.2")],
)
def test_an_activation_with_a_number_of_its_own(name: str, parameter: str) -> None:
    assert_same(name, (parameter,), 3, 4, 1)


def test_numbers_stand_in_the_formula_as_typed() -> None:
    assert activation_formula("leaky_relu", ("0.10",)) == ("leaky_relu(net[n,j], 0.10)", None)
    assert activation_formula("leaky relu") == ("leaky_relu(net[n,j], 0.01)", None)
    assert activation_formula("linear") == ("net[n,j]", None)


@pytest.mark.parametrize("row", OUTPUTS, ids=lambda row: row.name)
def test_the_safe_form_is_the_same_and_does_not_overflow(row: Layer) -> None:
    program = forward_program(3, [DenseLayer(3, row.name, bias="none")], Conventions())
    definition = definition_of(program, "out_o")
    assert definition is not None
    assert definition.stable is not None
    ledger = {"net_o": np.array([[3.0, -5, 7]])}
    for k in range(3):
        at = dict(zip(definition.indices, (0, k), strict=True))
        plain, safe = (evaluate(each, ledger, at, definition.sizes) for each in (definition.formula, definition.stable))
        assert safe == pytest.approx(plain, rel=1e-12)
    x = np.array([[1000.0, -1000, 998]])
    out = compile_program(program)({"x": x, "w_o": np.eye(3), "target": np.zeros((1, 3))})["out_o"]
    np.testing.assert_allclose(out, ORACLES[row.name](torch.tensor(x)).numpy(), rtol=1e-12)


def test_names() -> None:
    names = activation_names()
    assert len(names) == len(set(names))
    assert {find_activation(name).name for name in names} == set(ORACLES)
    assert find_activation("Sigmoid").name == "logistic"


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sigmod", (), "there is no activation 'sigmod'; did you mean sigmoid?"),
        ("exp", (), "there is no activation 'exp'; "),  # a function, but none that is used for a layer
        ("softmax", ("1",), "softmax takes no parameters"),
        ("tanh", ("1",), "tanh takes no parameters, but 1 are given"),
        ("elu", ("1", "2"), "elu takes 1 parameters, but 2 are given"),
    ],
)
def test_what_can_not_be_an_activation(name: str, parameters: tuple[str, ...], message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        activation_formula(name, parameters)
    assert str(caught.value).startswith(message)
