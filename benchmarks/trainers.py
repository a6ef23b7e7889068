"""Training on data with chainrule and with what one would take instead, all in one run on one machine.

Dense networks with logistic hidden layers, linear outputs and half squared error, in float32, epochs over data that are
shuffled anew for each: chainrule's whole `fit` (its JAX engine), JAX written by hand, PyTorch with its usual loop and
compiled, Keras on JAX, scikit-learn's MLPRegressor, and tinygrad. Each begins with the same weights and is given the
same batches, and after one epoch each must have the same weights. They take turns as in `engines.py`. A peer that is
not installed is left out (``pip install keras tinygrad``; tinygrad needs clang). Prints Markdown tables.
"""

import argparse
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from _turns import (
    Arrays,
    Runner,
    check,
    figure,
    head,
    layers_text,
    machine,
    measured,
    operations,
    ratios_to,
    sgemm,
    shown,
    started,
)

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine, library
from chainrule.training.batches import in_memory, pieces, samples
from chainrule.training.fit import fit
from chainrule.training.programs import Trainable
from chainrule.training.progress import Options

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("DEV", "CPU")  # for tinygrad
RATES = {"sgd": 0.01, "adam": 0.001}
OURS = "chainrule"


@dataclass(frozen=True)
class Task:
    sizes: tuple[int, ...]
    batch: int
    rows: int
    optimizer: str = "sgd"


TASKS = (
    Task((2, 2, 2), 1, 4096),
    Task((4, 5, 3), 1, 4096),
    Task((4, 5, 3), 32, 16384, "adam"),
    Task((30, 16, 1), 32, 16384),
    Task((784, 128, 10), 1, 512),
    Task((784, 128, 10), 32, 4096),
    Task((784, 128, 10), 32, 4096, "adam"),
    Task((784, 128, 10), 1024, 8192),
    Task((784, 512, 512, 10), 1, 256),
    Task((784, 512, 512, 10), 32, 1024),
    Task((784, 512, 512, 10), 1024, 4096),
    Task((400,) * 14, 1, 128),
    Task((400,) * 14, 32, 512),
    Task((400,) * 14, 1024, 2048),
)
QUICK = (TASKS[0], TASKS[3])


@dataclass(frozen=True)
class Start:
    """What all begin with: weights and biases by layer, and the samples."""

    task: Task
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    x: np.ndarray
    target: np.ndarray

    def order(self, epoch: int) -> np.ndarray:
        """The rows of each round of an epoch, as chainrule shuffles them."""
        source = in_memory({"x": self.x})
        return next(pieces(source, self.task.batch, 0, epoch, shuffle=True)).order


def start_of(task: Task) -> Start:
    rng = np.random.default_rng(0)
    pairs = list(zip(task.sizes, task.sizes[1:], strict=False))
    weights = [rng.normal(size=(outputs, inputs)) / np.sqrt(inputs) for inputs, outputs in pairs]
    biases = [np.zeros(outputs) for _, outputs in pairs]
    x, target = rng.normal(size=(task.rows, task.sizes[0])), rng.random((task.rows, task.sizes[-1]))
    single = partial(np.asarray, dtype=np.float32)
    return Start(task, [single(each) for each in weights], [single(each) for each in biases], single(x), single(target))


def named(weights: list[Any], biases: list[Any]) -> Arrays:
    found = {f"w{at}": np.array(each) for at, each in enumerate(weights)}
    return found | {f"b{at}": np.array(each) for at, each in enumerate(biases)}


def with_chainrule(start: Start) -> Runner:
    task, last = start.task, len(start.weights) - 1
    layers = tuple(
        DenseLayer(len(each), "linear" if at == last else "logistic") for at, each in enumerate(start.biases)
    )
    net = Trainable(
        task.sizes[0], layers, Conventions(loss="half_squared_error"),
        Update(task.optimizer, Decimal(str(RATES[task.optimizer]))),
    )  # fmt: skip
    names = ["h"] if last == 1 else [f"h{at}" for at in range(1, last + 1)]
    names.append("o")
    begin = {f"w_{name}": each for name, each in zip(names, start.weights, strict=True)}
    begin |= {f"b_{name}": each for name, each in zip(names, start.biases, strict=True)}
    data, engine = samples(start.x, start.target), JaxEngine(np.float32)

    def run(epochs: int) -> Arrays:
        done = fit(net, begin, data, Options(epochs, task.batch), engine=engine).state
        return named([done[f"w_{name}"] for name in names], [done[f"b_{name}"] for name in names])

    return started(run, task.rows // task.batch)


def with_jax_by_hand(start: Start) -> Runner:
    jax, task = library(), start.task
    jnp, rate = jax.numpy, RATES[task.optimizer]

    def error(weights: Any, x: Any, target: Any) -> Any:
        for at, (w, b) in enumerate(weights):
            x = x @ w.T + b
            if at < len(weights) - 1:
                x = jax.nn.sigmoid(x)
        return jnp.sum((target - x) ** 2) / (2 * task.batch)

    def descend(w: Any, slope: Any) -> Any:
        return w - rate * slope

    def step(carry: Any, rows: Any, x: Any, target: Any) -> Any:
        weights, m, v, count = carry
        found, slopes = jax.value_and_grad(error)(weights, x[rows], target[rows])
        if task.optimizer == "sgd":
            return (jax.tree.map(descend, weights, slopes), m, v, count), found
        count = count + 1
        m = jax.tree.map(lambda old, slope: 0.9 * old + 0.1 * slope, m, slopes)
        v = jax.tree.map(lambda old, slope: 0.999 * old + 0.001 * slope**2, v, slopes)
        first, second = 1 - 0.9**count, 1 - 0.999**count
        move = jax.tree.map(lambda a, b: a / first / (jnp.sqrt(b / second) + 1e-8), m, v)
        return (jax.tree.map(descend, weights, move), m, v, count), found

    def train(carry: Any, x: Any, target: Any, order: Any) -> Any:
        return jax.lax.scan(lambda carry, rows: step(carry, rows, x, target), carry, order)

    compiled = jax.jit(train, donate_argnums=0)
    x, target = jnp.array(start.x), jnp.array(start.target)

    def run(epochs: int) -> Arrays:
        weights = [(jnp.array(w), jnp.array(b)) for w, b in zip(start.weights, start.biases, strict=True)]
        own = () if task.optimizer == "sgd" else jax.tree.map(jnp.zeros_like, weights)
        carry = (weights, own, jax.tree.map(jnp.copy, own), jnp.float32(0))
        for epoch in range(epochs):
            carry, errors = compiled(carry, x, target, start.order(epoch).astype(np.int32))
            np.array(errors)
        return named(*zip(*carry[0], strict=True))

    return started(run, task.rows // task.batch)


def with_torch(start: Start, compiled: bool = False) -> Runner:
    import torch

    task, linear, last = start.task, torch.nn.functional.linear, len(start.weights) - 1
    x, target = torch.tensor(start.x), torch.tensor(start.target)
    weights = [torch.tensor(each, requires_grad=True) for each in start.weights]
    biases = [torch.tensor(each, requires_grad=True) for each in start.biases]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[task.optimizer]

    def error(x: Any, target: Any) -> Any:
        for at, (w, b) in enumerate(zip(weights, biases, strict=True)):
            x = linear(x, w, b) if at == last else torch.sigmoid(linear(x, w, b))
        return ((target - x) ** 2).sum() / (2 * task.batch)

    calculate = torch.compile(error) if compiled else error

    def run(epochs: int) -> Arrays:
        with torch.no_grad():
            for each, begin in zip([*weights, *biases], [*start.weights, *start.biases], strict=True):
                each.copy_(torch.tensor(begin))
        optimizer = kind([*weights, *biases], lr=RATES[task.optimizer])
        for epoch in range(epochs):
            total = torch.zeros(())
            for rows in torch.tensor(start.order(epoch)):
                found = calculate(x[rows], target[rows])
                optimizer.zero_grad()
                found.backward()
                optimizer.step()
                total += found.detach()
        return named([each.detach() for each in weights], [each.detach() for each in biases])

    return started(run, task.rows // task.batch)


def with_keras(start: Start) -> Runner:
    import keras

    task, layers = start.task, [keras.layers.Input((start.task.sizes[0],))]
    layers += [keras.layers.Dense(len(each), "sigmoid") for each in start.biases[:-1]]
    model = keras.Sequential([*layers, keras.layers.Dense(task.sizes[-1])])
    rate = RATES[task.optimizer]

    def error(target: Any, out: Any) -> Any:
        return keras.ops.sum((target - out) ** 2, axis=-1) / 2

    optimizer = keras.optimizers.SGD(rate) if task.optimizer == "sgd" else keras.optimizers.Adam(rate, epsilon=1e-8)
    model.compile(optimizer=optimizer, loss=error)

    def run(epochs: int) -> Arrays:
        """One epoch in the order of the others, more in its own."""
        for layer, w, b in zip(model.layers, start.weights, start.biases, strict=True):
            layer.set_weights([w.T, b])
        for variable in optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(np.zeros(variable.shape))
        rows = start.order(0).ravel() if epochs == 1 else slice(None)
        model.fit(
            start.x[rows], start.target[rows], task.batch, epochs, verbose=0, shuffle=epochs > 1,
        )  # fmt: skip
        return named(*zip(*((each.get_weights()[0].T, each.get_weights()[1]) for each in model.layers), strict=True))

    return started(run, task.rows // task.batch)


def with_sklearn(start: Start) -> Runner:
    from sklearn.neural_network import MLPRegressor

    task = start.task

    def target_of(rows: Any) -> np.ndarray:
        return start.target[rows] if task.sizes[-1] > 1 else start.target[rows, 0]

    def run(epochs: int) -> Arrays:
        model = MLPRegressor(
            hidden_layer_sizes=task.sizes[1:-1], activation="logistic", solver=task.optimizer, alpha=0,
            batch_size=task.batch,
            learning_rate_init=RATES[task.optimizer], shuffle=False, momentum=0, nesterovs_momentum=False,
        )  # fmt: skip
        model.partial_fit(start.x[: task.batch], target_of(slice(task.batch)))  # makes the weights that are replaced
        model.coefs_ = [w.T.copy() for w in start.weights]
        model.intercepts_ = [b.copy() for b in start.biases]
        del model._optimizer
        model.t_ = model.n_iter_ = 0
        for epoch in range(epochs):
            rows = start.order(epoch).ravel()
            model.partial_fit(start.x[rows], target_of(rows))
        return named([each.T for each in model.coefs_], model.intercepts_)

    return started(run, task.rows // task.batch)


def with_tinygrad(start: Start) -> Runner:
    from tinygrad import Context, Tensor, TinyJit, Variable, nn

    task = start.task
    weights, biases = [Tensor(each) for each in start.weights], [Tensor(each) for each in start.biases]
    both = [*weights, *biases]
    rate = RATES[task.optimizer]
    optimizer = nn.optim.SGD(both, rate) if task.optimizer == "sgd" else nn.optim.Adam(both, rate)

    rounds = task.rows // task.batch
    place = Variable("place", 0, rounds - 1)
    x, target = (Tensor(part.reshape(rounds, task.batch, -1)) for part in (start.x, start.target))

    @TinyJit
    def step(number: Any) -> Any:
        optimizer.zero_grad()
        out = x[number]
        for at, (w, b) in enumerate(zip(weights, biases, strict=True)):
            out = out @ w.T + b if at == len(weights) - 1 else (out @ w.T + b).sigmoid()
        error = ((target[number] - out) ** 2).sum() / (2 * task.batch)
        error.backward()
        return error.realize(*optimizer.schedule_step())

    states = [each for each in nn.state.get_parameters(optimizer) if all(each is not other for other in both)]
    fresh = [each.numpy() for each in states]

    def run(epochs: int) -> Arrays:
        for each, begin in zip([*both, *states], [*start.weights, *start.biases, *fresh], strict=True):
            each.assign(Tensor(begin)).realize()
        with Context(TRAINING=1):
            for epoch in range(epochs):
                order = start.order(epoch)
                x.assign(Tensor(start.x[order])).realize()
                target.assign(Tensor(start.target[order])).realize()
                for number in range(rounds):
                    step(place.bind(number))
        return named([each.numpy() for each in weights], [each.numpy() for each in biases])

    return started(run, rounds)


PEERS: dict[str, tuple[str, Callable[[Start], Runner]]] = {
    OURS: ("jax", with_chainrule),
    "JAX by hand": ("jax", with_jax_by_hand),
    "PyTorch": ("torch", with_torch),
    "torch.compile": ("torch", partial(with_torch, compiled=True)),
    "Keras": ("keras", with_keras),
    "scikit-learn": ("sklearn", with_sklearn),
    "tinygrad": ("tinygrad", with_tinygrad),
}


def compare(task: Task, peers: dict[str, Callable[[Start], Runner]], quick: bool, rate: float) -> tuple[str, str, str]:
    """A row of the table of times, one of the table of first calls, and a sentence where another one is faster."""
    start = start_of(task)
    found = {}
    for name, build in peers.items():
        try:
            found[name] = build(start)
        except RuntimeError as error:  # a peer that lacks a device or a compiler
            print(f"{name} is left out: {error}")
    check(found, OURS, 5e-3, 1)
    taken = measured(found, 0.05 if quick else 0.4, 3 if quick else 5)
    ratios, took = ratios_to(OURS, taken), median(taken[OURS])
    title = f"{layers_text(task.sizes)}, batch {task.batch}{', Adam' if task.optimizer == 'adam' else ''}"
    share = operations(task.sizes, task.batch) / took / rate
    others = [name for name in peers if name != OURS]
    cells = [title, shown(took), f"{share:.0%}", *(figure(ratios[name]) if name in ratios else "" for name in others)]
    first = [title, *(f"{found[name].first:.1f} s" if name in found else "" for name in peers)]
    faster = [f"{name} takes {ratio:.2f} times as long as ours" for name, ratio in ratios.items() if ratio < 0.95]
    return (
        f"| {' | '.join(cells)} |", f"| {' | '.join(first)} |", f"- {title}: {', '.join(faster)}" if faster else ""
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few networks and short turns")
    quick = parser.parse_args().quick
    warnings.filterwarnings("ignore")  # of scikit-learn, about training that goes on
    peers = {name: build for name, (module, build) in PEERS.items() if find_spec(module)}
    if missing := [name for name in PEERS if name not in peers]:
        print(f"Not installed: {', '.join(missing)}.")
    if OURS not in peers:
        raise SystemExit('This needs JAX: pip install "chainrule[fast]"')
    rate = sgemm(np.float32)
    print(f"{machine('jax', 'torch', 'keras', 'scikit-learn', 'tinygrad')};")
    print(f"a matrix product of 1024 x 1024 in float32 on NumPy: {rate:.0f} GFLOP/s.")
    print("The last columns: how many times as long as chainrule each takes.\n", flush=True)
    others = [name for name in peers if name != OURS]
    print(head(("network", "chainrule: a round", "share of the product's rate", *others)))
    firsts, slower = [], []
    for task in QUICK if quick else TASKS:
        line, first, sentence = compare(task, peers, quick, rate * 1e9)
        print(line, flush=True)
        firsts.append(first)
        slower.append(sentence)
    print(f"\nThe first epoch, with what is compiled for it:\n\n{head(('network', *peers))}")
    print("\n".join(firsts))
    print("\nWhere another one is faster:\n")
    print("\n".join(filter(None, slower)) or "nowhere")


if __name__ == "__main__":
    main()
