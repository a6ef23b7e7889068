"""A sweep of a thousand tiny networks, beside training them one by one with PyTorch and with chainrule's own `fit`.

The sweep is timed whole: start values, training, measuring, and a row for each run in its file of results; JAX is
imported before. Of those trained one by one only a few are timed, and the rest is extrapolated, as they all take the
same; the errors of those must agree with the sweep's. Prints a Markdown table.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _turns import figure, head, machine, timed

import chainrule as cr
from chainrule.engines.jax import library

ONE_BY_ONE = 3


@dataclass(frozen=True)
class Task:
    """Networks that differ in their seed, and what they are trained on, all samples in each round."""

    title: str
    sizes: tuple[int, ...]
    epochs: int
    x: np.ndarray
    target: np.ndarray

    def network(self, seed: int) -> cr.Network:
        layers = [cr.Dense(size, "logistic") for size in self.sizes[1:]]
        return cr.Network(self.sizes[0], layers, "half_squared_error", seed=seed)


RNG = np.random.default_rng(0)
TASKS = (
    Task("2-2-2, one sample, 10,000 rounds", (2, 2, 2), 10_000, np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])),
    Task("2-4-1, the four samples of XOR, 5,000 rounds", (2, 4, 1), 5_000,
         np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])),
    Task("4-8-3, 150 samples, 500 rounds", (4, 8, 3), 500,
         RNG.normal(size=(150, 4)), np.eye(3)[RNG.integers(0, 3, 150)]),
)  # fmt: skip
SETTINGS: dict[str, Any] = {"batch": None, "optimizer": "sgd", "learning_rate": 0.5, "standardise": False}


def swept(task: Task, networks: int) -> list[float]:
    """The error of each network after training."""
    with tempfile.TemporaryDirectory() as folder:
        runs = task.network(0).sweep(
            task.x, task.target, vary={"seed": list(range(networks))}, epochs=task.epochs, validation=0,
            file=Path(folder) / "runs.sqlite", **SETTINGS,
        ).runs  # fmt: skip
        assert len(runs) == networks
        return [run.loss or 0.0 for run in runs]


def fitted(task: Task, seed: int) -> float:
    trained = task.network(seed).fit(task.x, task.target, epochs=task.epochs, seed=seed, **SETTINGS)
    return trained.history[-1].loss


def with_torch(task: Task, seed: int) -> float:
    """As one would write it; the start values are chainrule's."""
    import torch

    start = task.network(seed).parameters
    names = [name.removeprefix("w_") for name in start if name.startswith("w_")]
    weights = [(torch.tensor(start[f"w_{name}"]), torch.tensor(start[f"b_{name}"])) for name in names]
    for w, b in weights:
        w.requires_grad_(), b.requires_grad_()
    optimizer = torch.optim.SGD([each for pair in weights for each in pair], lr=SETTINGS["learning_rate"])
    x, target = torch.tensor(task.x), torch.tensor(task.target)
    error = torch.zeros(())
    for _ in range(task.epochs):
        out = x
        for w, b in weights:
            out = torch.sigmoid(torch.nn.functional.linear(out, w, b))
        error = ((target - out) ** 2).sum() / (2 * len(x))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    return error.item()


def extrapolated(one: Callable[[Task, int], float], task: Task, networks: int, expected: list[float]) -> float:
    """Seconds for all, from a few, whose errors must be the expected ones."""
    seeds = range(min(ONE_BY_ONE, networks))
    found: list[float] = []
    seconds = timed(lambda: found.extend(one(task, seed) for seed in seeds))
    np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-6)
    return seconds / len(found) * networks


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="few networks; the numbers mean little")
    networks = 64 if parser.parse_args().quick else 1000
    library()
    print(f"{machine('jax', 'torch')};\n{networks} networks. The last columns: how many times as long it takes.\n")
    print(head(("network", "sweep, first time", "sweep", "rounds in a second", "PyTorch one by one", "fit one by one")))
    for task in TASKS:
        begun = time.perf_counter()
        losses = swept(task, networks)
        first = time.perf_counter() - begun
        seconds = sorted(timed(lambda task=task: swept(task, networks)) for _ in range(3))[1]
        peers = (extrapolated(one, task, networks, losses) / seconds for one in (with_torch, fitted))
        pace = networks * task.epochs / seconds
        cells = (task.title, f"{first:.1f} s", f"{seconds:.1f} s", f"{pace / 1e6:.2g} million", *map(figure, peers))
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
