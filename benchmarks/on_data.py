"""The two networks of docs/beyond-dense.md on their data: chainrule beside PyTorch, whole trainings.

The network files and the scripts that make the tables are taken from the page. All trainers begin with the same
weights and are given the same batches, in float64, and their curves are compared epoch by epoch. Then whole trainings
take turns: within one process, where all is loaded and compiled but for the first time, and from a cold start, as the
command ``chainrule train`` and as a PyTorch script that reads the same table. No samples are set apart. Prints
Markdown tables.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from _turns import Arrays, figure, head, machine, shown, timed

PAGE = Path(__file__).parent.parent / "docs" / "beyond-dense.md"
SHOWN = (1, 2, 3, 5, 10, 15, 20, 25, 30)  # epochs whose errors are printed


@dataclass(frozen=True)
class Case:
    """A network file, its table and what the command is told; ``lowest`` is where a cosine of the rate ends."""

    name: str
    title: str
    table: str
    target: str
    epochs: int
    schedule: str = "constant"


CASES = (
    Case("pictures", "convolution, digits", "digits", "digit", 20),
    Case("poem", "transformer, characters", "poem", "next*", 30, "cosine"),
)


def write_files(folder: Path) -> None:
    """What the page has for it, and the tables that its scripts make."""
    blocks = re.findall(r"^```(?:toml|text)\n(# ([\w-]+\.\w+)\n.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for text, name in blocks:
        (folder / name).write_text(text)
    for case in CASES:
        subprocess.run([sys.executable, f"{case.table}.py"], cwd=folder, check=True)


# PyTorch: this part needs nothing of chainrule, so that a cold start loads nothing else.


def pictures(torch: Any, w: dict[str, Any], x: Any) -> Any:
    found = torch.relu(torch.nn.functional.conv2d(x.reshape(-1, 1, 8, 8), w["k_c"][:, None], w["b_c"]))
    return torch.nn.functional.max_pool2d(found, 2).flatten(1) @ w["w_o"].T + w["b_o"]


def poem(torch: Any, w: dict[str, Any], x: Any) -> Any:
    def normalised(x: Any, place: int) -> Any:
        return torch.nn.functional.layer_norm(x, x.shape[-1:], w[f"gamma_t_norm{place}"], w[f"beta_t_norm{place}"])

    x = w["w_e"][x.long()] + positions(torch, x.shape[1], w["w_e"].shape[1], w["w_e"].dtype)
    first = normalised(x, 1)
    q, k, v = (
        torch.einsum("nte,hde->nhtd", first, w[f"w_t_{each}_attn"]) + w[f"b_t_{each}_attn"][:, None] for each in "qkv"
    )
    mix = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + torch.einsum("nhtd,ehd->nte", mix, w["w_t_o_attn"]) + w["b_t_o_attn"]
    hidden = torch.relu(normalised(x, 2) @ w["w_t_1_ff"].T + w["b_t_1_ff"])
    return (x + hidden @ w["w_t_2_ff"].T + w["b_t_2_ff"]) @ w["w_o"].T + w["b_o"]


def positions(torch: Any, steps: int, features: int, dtype: Any) -> Any:
    t, e = torch.meshgrid(torch.arange(steps), torch.arange(features), indexing="ij")
    angle = t / 10000.0 ** ((e - e % 2).to(dtype) / features)
    return torch.where(e % 2 == 0, torch.sin(angle), torch.cos(angle))


FORWARD: dict[str, Callable[[Any, dict[str, Any], Any], Any]] = {"pictures": pictures, "poem": poem}


def train_torch(case: Case, start: Arrays, x: np.ndarray, classes: np.ndarray, orders: list[list[np.ndarray]],
                base: float) -> tuple[Arrays, list[float]]:  # fmt: skip
    """Adam over the epochs' batches: the weights, and the error of each epoch."""
    import torch

    weights = {name: torch.tensor(each, requires_grad=True) for name, each in start.items()}
    placed, wanted, outputs = torch.tensor(x), torch.tensor(classes), FORWARD[case.name]
    optimizer = torch.optim.Adam(weights.values(), lr=base)
    rounds, done, curve = sum(map(len, orders)), 0, []
    for epoch in orders:
        total = torch.zeros((), dtype=placed.dtype)
        for rows in epoch:
            if case.schedule == "cosine":
                optimizer.param_groups[0]["lr"] = base / 2 * (1 + cos(pi * done / rounds))
            chosen = torch.tensor(rows)
            out = outputs(torch, weights, placed[chosen])
            error = torch.nn.functional.cross_entropy(out.reshape(-1, out.shape[-1]), wanted[chosen].reshape(-1))
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            total += error.detach() * len(rows)
            done += 1
        curve.append(float(total) / len(x))
    return {name: each.detach().numpy() for name, each in weights.items()}, curve


def script(case: Case, folder: Path, epochs: int) -> None:
    """What a cold start of PyTorch does: the table is read with the standard library, the start weights from a file."""
    import csv

    with (folder / f"{case.table}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    places = [place for place, name in enumerate(header) if re.fullmatch(case.target.replace("*", ".*"), name)]
    x, classes = (
        numbered([[cell for place, cell in enumerate(row) if (place in places) == wanted] for row in rows])
        for wanted in (False, True)
    )
    if case.name == "pictures":
        x = x.astype(float)
        x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    with np.load(folder / f"{case.name}.npz") as kept:
        start = dict(kept)
    rng = np.random.default_rng(0)
    orders = [np.array_split(rng.permutation(len(x)), range(32, len(x), 32)) for _ in range(epochs)]
    base = tomllib.loads((folder / f"{case.name}.toml").read_text())["training"]["learning_rate"]
    weights, curve = train_torch(case, start, x.astype(float), classes, orders, base)
    np.savez(folder / "trained.npz", **weights)
    print(curve[-1])


def numbered(rows: list[list[str]]) -> np.ndarray:
    """Numbers as they are, texts by their place in the alphabet."""
    try:
        return np.array(rows, dtype=int)
    except ValueError:
        known = {each: place for place, each in enumerate(sorted({each for row in rows for each in row}))}
        return np.array([[known[each] for each in row] for row in rows])


# chainrule


@dataclass(frozen=True)
class Made:
    """A case as chainrule prepares it."""

    case: Case
    net: Any
    options: Any
    start: Arrays
    data: Arrays

    @property
    def rounds(self) -> int:
        from chainrule.training.batches import rounds_of

        return rounds_of(len(self.data["x"]), self.options.batch) * self.options.epochs


def made(case: Case, folder: Path, epochs: int) -> Made:
    from chainrule.spec.reader import read_spec
    from chainrule.training.data import Choices
    from chainrule.training.programs import of_part, start_parameters
    from chainrule.training.progress import Options
    from chainrule.training.readers import Data
    from chainrule.training.schedules import Chosen
    from chainrule.training.session import prepare

    spec = read_spec(str(folder / f"{case.name}.toml"))
    part: Any = spec.network
    options = Options(epochs, spec.batch, part.seed, schedule=Chosen(case.schedule))
    net = of_part(part, spec.update)
    ready: Any = prepare(net, Data(str(folder / f"{case.table}.csv")), Choices((case.target,)), options)
    return Made(case, net, options, start_parameters(part), dict(ready.train))


def with_chainrule(one: Made, engine: Any) -> tuple[Arrays, list[float]]:
    from chainrule.training.fit import fit

    done = fit(one.net, one.start, one.data, one.options, engine=engine)
    return {name: np.asarray(done.state[name]) for name in one.start}, [each.loss for each in done.history]


def with_torch(one: Made) -> tuple[Arrays, list[float]]:
    from chainrule.training.batches import in_memory, pieces

    source, options = in_memory(one.data), one.options
    orders = [
        [rows for piece in pieces(source, options.batch, options.seed, epoch, shuffle=True) for rows in piece.order]
        for epoch in range(options.epochs)
    ]
    rate = float(one.net.update.rate)
    return train_torch(one.case, one.start, one.data["x"], one.data["target"].argmax(-1), orders, rate)


# What is printed


def same_digits(curves: dict[str, list[float]]) -> str:
    """To how many digits the curves are the same, and where they are furthest apart."""
    each = np.array(list(curves.values()))
    apart = np.maximum((each.max(axis=0) - each.min(axis=0)) / each.min(axis=0), 1e-16)
    worst = int(apart.argmax())
    first, least = (int(-np.log10(each)) for each in (apart[0], apart[worst]))
    return (
        f"The same to {first} digits in the first epoch and to {least} in all of them: the largest difference is "
        f"{apart[worst]:.1e} of the error, in epoch {worst + 1}."
    )


def print_curves(title: str, curves: dict[str, list[float]]) -> None:
    print(f"{title}: the error of each epoch\n")
    print(head(("epoch", *curves)))
    epochs = len(next(iter(curves.values())))
    for epoch in sorted({*(each for each in SHOWN if each <= epochs), epochs}):
        print(f"| {epoch} | {' | '.join(f'{curve[epoch - 1]:.10f}' for curve in curves.values())} |")
    print(f"\n{same_digits(curves)}\n", flush=True)


def commands(case: Case, folder: Path, epochs: int) -> dict[str, list[str]]:
    chosen = ["--target", case.target, "--epochs", str(epochs), "--schedule", case.schedule]
    files = [f"{case.name}.toml", f"{case.table}.csv", "--overwrite", "-o", "trained"]
    ours = [sys.executable, "-m", "chainrule", "train", *files, *chosen]
    return {
        "chainrule on JAX": [*ours, "--engine", "jax"],
        "chainrule on NumPy": [*ours, "--engine", "numpy"],
        "PyTorch": [sys.executable, __file__, "--script", case.name, "--folder", str(folder), "--epochs", str(epochs)],
    }


def cold(case: Case, folder: Path, epochs: int, turns: int) -> dict[str, float]:
    """Seconds of whole processes."""
    found: dict[str, list[float]] = {}
    for _ in range(turns):
        for name, command in commands(case, folder, epochs).items():
            begun = perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True, env=os.environ)
            found.setdefault(name, []).append(perf_counter() - begun)
    return {name: median(each) for name, each in found.items()}


def compare(case: Case, folder: Path, epochs: int, turns: int) -> list[str]:
    """The rows of the table of times; the curves are printed on the way."""
    from chainrule.engines.jax import JaxEngine
    from chainrule.training.engine import NumpyEngine

    one = made(case, folder, epochs)
    np.savez(folder / f"{case.name}.npz", **one.start)
    jax, numpy = JaxEngine(), NumpyEngine()
    trainers: dict[str, Callable[[], tuple[Arrays, list[float]]]] = {
        "chainrule on JAX": lambda: with_chainrule(one, jax),
        "chainrule on NumPy": lambda: with_chainrule(one, numpy),
        "PyTorch": lambda: with_torch(one),
    }
    weights, curves, first = {}, {}, {}
    for name, train in trainers.items():
        begun = perf_counter()
        weights[name], curves[name] = train()
        first[name] = perf_counter() - begun
    for name, each in weights.items():
        for weight, array in each.items():
            expected = weights["PyTorch"][weight]
            np.testing.assert_allclose(array, expected, rtol=1e-3, atol=1e-3, err_msg=f"{name}: {weight}")
    print_curves(f"{case.title}, {len(one.data['x'])} samples", curves)
    taken: dict[str, list[float]] = {name: [] for name in trainers}
    order = np.random.default_rng(0)
    for _ in range(turns):
        for name in order.permutation(list(trainers)):
            taken[name].append(timed(trainers[name]))
    started = cold(case, folder, epochs, turns)
    rows = []
    for name, each in taken.items():
        ratio = median(a / b for a, b in zip(each, taken["chainrule on JAX"], strict=True))
        cells = [f"{case.title}, {epochs} epochs", name, f"{median(each):.2f} s", figure(ratio)]
        cells += [shown(median(each) / one.rounds), f"{first[name]:.2f} s", f"{started[name]:.1f} s"]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="few epochs, one turn; the numbers mean little")
    parser.add_argument("--script", choices=[case.name for case in CASES], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.script:
        script(next(case for case in CASES if case.name == given.script), Path(given.folder), given.epochs)
        return
    print(f"{machine('jax', 'torch')}; batch 32, float64.\n")
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        write_files(Path(place))
        for case in CASES:
            rows += compare(case, Path(place), 3 if given.quick else case.epochs, 1 if given.quick else 5)
    columns = ("network", "trainer", "whole training", "beside chainrule on JAX", "a round", "the first time",
               "from a cold start")  # fmt: skip
    print("\n".join([head(columns), *rows]))


if __name__ == "__main__":
    main()
