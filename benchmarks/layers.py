"""Layers beyond dense: chainrule's `fit` on JAX beside JAX by hand and PyTorch, in one run on one machine.

A convolutional network, an LSTM over a sequence and a transformer block, in float32, with gradient descent, epochs over
shuffled data. All begin with the same weights and are given the same batches, and must have the same weights after an
epoch. They take turns as in `trainers.py`. Prints Markdown tables.
"""

import argparse
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from typing import Any

import numpy as np
from _turns import Arrays, Runner, check, figure, head, machine, measured, ratios_to, shown, started

from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, parameter_shapes
from chainrule.catalogue.layer_row import LayerUse
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine, library
from chainrule.training.batches import in_memory, pieces, samples
from chainrule.training.engine import NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.programs import Trainable
from chainrule.training.progress import Options

ROWS, BATCH, RATE, CLASSES = 640, 32, 0.01, 10
Errors = Callable[[Arrays, Any, Any], Any]  # of weights, inputs and targets


def use(kind: str, **settings: Any) -> LayerUse:
    return LayerUse(kind, tuple(settings.items()))


def net(inputs: Inputs, *layers: LayerUse) -> Trainable:
    last = DenseLayer(CLASSES, "softmax")
    return Trainable(inputs, (*layers, last), Conventions("cross_entropy"), Update("sgd", Decimal(str(RATE))))


TASKS = {
    "convolution 5x5 with 8 filters on 28x28, max pooling 2x2, dense 10": net(
        (28, 28), use("convolution_2d", kernel=(5, 5), filters=8, activation="relu"),
        use("max_pooling", window=(2, 2)), use("flatten"),
    ),
    "LSTM of 32 over 16 steps of 16, dense 10": net((16, 16), use("lstm", units=32)),
    "transformer block, 32 places of 32, 4 heads, causal, dense 10": net(
        (32, 32), use("transformer_block", heads=4, units=64, causal=True), use("flatten")
    ),
}  # fmt: skip


def convolution(by: Any) -> Errors:
    def outputs(w: Arrays, x: Any) -> Any:
        found = by.relu(by.convolve(x.reshape(-1, 1, 28, 28), w["k_c"].reshape(8, 1, 5, 5)) + w["b_c"][:, None, None])
        return by.pool(found).reshape(len(x), -1) @ w["w_o"].T + w["b_o"]

    return lambda w, x, target: by.cross_entropy(outputs(w, x), target)


def lstm(by: Any) -> Errors:
    def outputs(w: Arrays, x: Any) -> Any:
        into = by.concatenate([w[f"w_l_{gate}"] for gate in "ifgo"])
        back = by.concatenate([w[f"u_l_{gate}"] for gate in "ifgo"])
        bias = by.concatenate([w[f"b_l_{gate}"] for gate in "ifgo"])
        return by.lstm(x.reshape(-1, 16, 16), into, back, bias, 32) @ w["w_o"].T + w["b_o"]

    return lambda w, x, target: by.cross_entropy(outputs(w, x), target)


def transformer(by: Any) -> Errors:
    def normalised(x: Any, w: Arrays, place: int) -> Any:
        mean = x.mean(-1)[..., None]
        spread = ((x - mean) ** 2).mean(-1)[..., None]
        return w[f"gamma_t_norm{place}"] * (x - mean) / (spread + 1e-5) ** 0.5 + w[f"beta_t_norm{place}"]

    def outputs(w: Arrays, x: Any) -> Any:
        x = x.reshape(-1, 32, 32)
        first = normalised(x, w, 1)
        q, k, v = (
            by.einsum("nte,hde->nhtd", first, w[f"w_t_{each}_attn"]) + w[f"b_t_{each}_attn"][:, None] for each in "qkv"
        )
        mix = by.einsum("nhts,nhsd->nhtd", by.causal(by.einsum("nhtd,nhsd->nhts", q, k) / 8**0.5), v)
        x = x + by.einsum("nhtd,ehd->nte", mix, w["w_t_o_attn"]) + w["b_t_o_attn"]
        hidden = by.relu(normalised(x, w, 2) @ w["w_t_1_ff"].T + w["b_t_1_ff"])
        x = x + hidden @ w["w_t_2_ff"].T + w["b_t_2_ff"]
        return x.reshape(len(x), -1) @ w["w_o"].T + w["b_o"]

    return lambda w, x, target: by.cross_entropy(outputs(w, x), target)


BY_HAND = (convolution, lstm, transformer)


class Jax:
    """What JAX has for it."""

    def __init__(self) -> None:
        jax = library()
        self.jax, self.lax, self.jnp = jax, jax.lax, jax.numpy
        self.relu, self.einsum, self.concatenate = jax.nn.relu, jax.numpy.einsum, jax.numpy.concatenate

    def convolve(self, x: Any, kernel: Any) -> Any:
        return self.lax.conv_general_dilated(x, kernel, (1, 1), "VALID")

    def pool(self, x: Any) -> Any:
        return self.lax.reduce_window(x, -self.jnp.inf, self.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def lstm(self, x: Any, into: Any, back: Any, bias: Any, units: int) -> Any:
        sigmoid, tanh = self.jax.nn.sigmoid, self.jnp.tanh

        def step(carried: Any, now: Any) -> Any:
            h, c = carried
            i, f, g, o = self.jnp.split(now + h @ back.T, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * tanh(g)
            return (sigmoid(o) * tanh(c), c), None

        zero = self.jnp.zeros((len(x), units), x.dtype)
        return self.lax.scan(step, (zero, zero), self.jnp.swapaxes(x @ into.T + bias, 0, 1))[0][0]

    def causal(self, scores: Any) -> Any:
        size = scores.shape[-1]
        return self.jax.nn.softmax(self.jnp.where(self.jnp.tri(size, dtype=bool), scores, -self.jnp.inf), axis=-1)

    def cross_entropy(self, outputs: Any, target: Any) -> Any:
        return -self.jnp.sum(target * self.jax.nn.log_softmax(outputs)) / len(outputs)


class Torch:
    """What PyTorch has for it."""

    def __init__(self) -> None:
        import torch

        self.torch, self.nn = torch, torch.nn.functional
        self.relu, self.convolve = torch.relu, torch.nn.functional.conv2d
        self.einsum, self.concatenate = torch.einsum, torch.cat

    def pool(self, x: Any) -> Any:
        return self.nn.max_pool2d(x, 2)

    def lstm(self, x: Any, into: Any, back: Any, bias: Any, units: int) -> Any:
        zero = self.torch.zeros(1, len(x), units)
        own = [into, back, bias, self.torch.zeros_like(bias)]
        return self.torch.lstm(x, (zero, zero), own, True, 1, 0.0, True, False, True)[1][0]

    def causal(self, scores: Any) -> Any:
        size = scores.shape[-1]
        mask = self.torch.ones(size, size, dtype=self.torch.bool).tril()
        return self.torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)

    def cross_entropy(self, outputs: Any, target: Any) -> Any:
        return -(target * self.nn.log_softmax(outputs, dim=1)).sum() / len(outputs)


def orders(x: np.ndarray, epoch: int) -> np.ndarray:
    return next(pieces(in_memory({"x": x}), BATCH, 0, epoch, shuffle=True)).order


def with_chainrule(net: Trainable, start: Arrays, x: np.ndarray, target: np.ndarray, engine: Any) -> Runner:
    data = samples(x, target)

    def run(epochs: int) -> Arrays:
        done = fit(net, start, data, Options(epochs, BATCH), engine=engine).state
        return {name: np.array(done[name]) for name in start}

    return started(run, ROWS // BATCH)


def with_jax(errors: Errors, start: Arrays, x: np.ndarray, target: np.ndarray) -> Runner:
    jax = library()
    placed = jax.numpy.array(x), jax.numpy.array(target)

    def step(weights: Any, rows: Any, x: Any, target: Any) -> Any:
        error, slopes = jax.value_and_grad(errors)(weights, x[rows], target[rows])
        return jax.tree.map(lambda w, slope: w - RATE * slope, weights, slopes), error

    def train(weights: Any, x: Any, target: Any, order: Any) -> Any:
        return jax.lax.scan(lambda weights, rows: step(weights, rows, x, target), weights, order)

    compiled = jax.jit(train, donate_argnums=0)

    def run(epochs: int) -> Arrays:
        weights = {name: jax.numpy.array(each) for name, each in start.items()}
        for epoch in range(epochs):
            weights, found = compiled(weights, *placed, orders(x, epoch).astype(np.int32))
            np.array(found)
        return {name: np.array(each) for name, each in weights.items()}

    return started(run, ROWS // BATCH)


def with_torch(errors: Errors, start: Arrays, x: np.ndarray, target: np.ndarray) -> Runner:
    import torch

    weights = {name: torch.tensor(each, requires_grad=True) for name, each in start.items()}
    placed = torch.tensor(x), torch.tensor(target)

    def run(epochs: int) -> Arrays:
        with torch.no_grad():
            for name, each in weights.items():
                each.copy_(torch.tensor(start[name]))
        optimizer = torch.optim.SGD(weights.values(), lr=RATE)
        for epoch in range(epochs):
            total = torch.zeros(())
            for rows in torch.tensor(orders(x, epoch)):
                error = errors(weights, placed[0][rows], placed[1][rows])
                optimizer.zero_grad()
                error.backward()
                optimizer.step()
                total += error.detach()
        return {name: each.detach().numpy() for name, each in weights.items()}

    return started(run, ROWS // BATCH)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="short turns; the numbers mean little")
    quick = parser.parse_args().quick
    print(f"{machine('jax', 'torch')}; batch {BATCH}, float32.")
    print("The last columns: how many times as long as chainrule on JAX each takes; first calls in seconds.\n")
    peers = ("JAX by hand", "PyTorch", "chainrule on NumPy")
    print(head(("network", "chainrule: a round", *peers, "first call", "of JAX by hand")))
    for (title, net), by_hand in zip(TASKS.items(), BY_HAND, strict=True):
        rng = np.random.default_rng(0)
        shapes = parameter_shapes(net.inputs, net.layers)
        start = {name: (rng.normal(size=shape) / 8).astype(np.float32) for name, shape in shapes.items()}
        x = rng.normal(size=(ROWS, int(np.prod(net.inputs)))).astype(np.float32)
        target = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, ROWS)]
        found = {
            "chainrule": with_chainrule(net, start, x, target, JaxEngine(np.float32)),
            "JAX by hand": with_jax(by_hand(Jax()), start, x, target),
            "PyTorch": with_torch(by_hand(Torch()), start, x, target),
            "chainrule on NumPy": with_chainrule(net, start, x, target, NumpyEngine(np.float32)),
        }
        check(found, "chainrule", 2e-3, 1)
        taken = measured(found, 0.05 if quick else 0.5, 3 if quick else 7)
        ratios = ratios_to("chainrule", taken)
        cells = [title, shown(median(taken["chainrule"])), *(figure(ratios[name]) for name in peers)]
        cells += [f"{found[name].first:.1f} s" for name in ("chainrule", "JAX by hand")]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
