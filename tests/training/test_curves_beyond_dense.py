"""Training curves of convolution, LSTM, and an embedding with attention, equal to PyTorch's from the same start."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, parameter_shapes
from chainrule.catalogue.layer_row import LayerUse
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine
from chainrule.training.batches import in_memory, pieces, samples
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.programs import Trainable, inputs_of
from chainrule.training.progress import Options

ROWS, BATCH, EPOCHS, RATE = 30, 6, 20, 0.01  # 100 rounds
Weights = dict[str, Tensor]


def use(kind: str, **settings: object) -> LayerUse:
    return LayerUse(kind, tuple(settings.items()))


def net(inputs: Inputs, *layers: LayerUse) -> Trainable:
    return Trainable(
        inputs, (*layers, DenseLayer(3, "softmax")), Conventions("cross_entropy"), Update("adam", Decimal(str(RATE)))
    )


def convolution(w: Weights, x: Tensor) -> Tensor:
    kernel = w["k_c"][:, None]
    found = torch.relu(functional.conv2d(x.reshape(-1, 1, 8, 8), kernel, w["b_c"], stride=2, padding=1))
    return functional.max_pool2d(found, 2).flatten(1)


def lstm(w: Weights, x: Tensor) -> Tensor:
    into, back, bias = (torch.cat([w[f"{kind}_l_{gate}"] for gate in "ifgo"]) for kind in "wub")
    zero = torch.zeros(1, len(x), 4, dtype=x.dtype)
    own = [into, back, bias, torch.zeros_like(bias)]
    return torch.lstm(x.reshape(-1, 5, 3), (zero, zero), own, True, 1, 0.0, True, False, True)[1][0]


def attention(w: Weights, x: Tensor) -> Tensor:
    chosen = w["w_e"][x.long()]
    q, k, v = (torch.einsum("nte,hde->nhtd", chosen, w[f"w_a_{each}"]) + w[f"b_a_{each}"][:, None] for each in "qkv")
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    scores = torch.einsum("nhtd,nhsd->nhts", q, k) / 2**0.5
    mixed = torch.softmax(scores.masked_fill(~mask, float("-inf")), -1) @ v
    return (torch.einsum("nhtd,ehd->nte", mixed, w["w_a_o"]) + w["b_a_o"]).flatten(1)


CASES: dict[str, tuple[Trainable, Callable[[Weights, Tensor], Tensor]]] = {
    "convolution": (
        net((8, 8), use("convolution_2d", kernel=(3, 3), filters=2, stride=(2, 2), padding=(1, 1), activation="relu"),
            use("max_pooling", window=(2, 2)), use("flatten")),
        convolution,
    ),
    "lstm": (net((5, 3), use("lstm", units=4)), lstm),
    "attention": (
        net(6, use("embedding", words=7, units=4), use("multi_head_attention", heads=2, causal=True),
            use("flatten")),
        attention,
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", [NumpyEngine(), JaxEngine()], ids=["numpy", "jax"])
@pytest.mark.parametrize("name", CASES)
def test_the_curve_is_that_of_pytorch(name: str, engine: Engine) -> None:
    pytest.importorskip("jax")
    trainable, outputs = CASES[name]
    rng = np.random.default_rng(3)
    shape = (ROWS, inputs_of(trainable))
    x = rng.integers(0, 7, shape).astype(float) if name == "attention" else rng.normal(size=shape)
    target = np.eye(3)[rng.integers(0, 3, ROWS)]
    shapes = parameter_shapes(trainable.inputs, trainable.layers)
    start = {each: rng.normal(size=size) / 2 for each, size in shapes.items()}
    done = fit(trainable, start, samples(x, target), Options(EPOCHS, BATCH), engine=engine)
    weights = {each: torch.tensor(array, requires_grad=True) for each, array in start.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=RATE)
    losses = []
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in next(pieces(in_memory({"x": x}), BATCH, 0, epoch, shuffle=True)).order:
            out = outputs(weights, torch.tensor(x[rows])) @ weights["w_o"].T + weights["b_o"]
            error = -(torch.tensor(target[rows]) * torch.log_softmax(out, 1)).sum() / BATCH
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            total += error.item() * BATCH / ROWS
        losses.append(total)
    np.testing.assert_allclose([each.loss for each in done.history], losses, rtol=1e-6)
    for each, tensor in weights.items():
        np.testing.assert_allclose(done.state[each], tensor.detach().numpy(), rtol=1e-6, atol=1e-8, err_msg=each)
