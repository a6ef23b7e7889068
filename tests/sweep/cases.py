"""A network and data to try networks on."""

from pathlib import Path

import numpy as np

from chainrule.spec.reader import parse_spec
from chainrule.spec.spec import Spec
from chainrule.sweep.run import Sweep, setup_of
from chainrule.sweep.store import Results
from chainrule.sweep.vary import Plan
from chainrule.training.data import Choices
from chainrule.training.progress import Options
from chainrule.training.readers import Data

NETWORK = """
[network]
inputs = 3
loss = "cross_entropy"
[[layer]]
units = 4
activation = "tanh"
weights = "glorot_uniform"
bias = "zeros"
[[layer]]
units = 2
activation = "softmax"
weights = "glorot_uniform"
bias = "zeros"
[training]
optimizer = "adam"
learning_rate = 0.02
"""


def spec() -> Spec:
    return parse_spec(NETWORK, "network.toml")


def write_data(folder: Path, rows: int = 60, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 3)).round(3)
    kinds = np.where(numbers.sum(axis=1) > 0, "up", "down")
    path = folder / "data.csv"
    lines = [",".join(map(str, row)) + f",{kind}" for row, kind in zip(numbers.tolist(), kinds, strict=True)]
    path.write_text("\n".join(["a,b,c,kind", *lines]) + "\n")
    return path


def small_sweep(folder: Path, engine: str = "numpy", **options: object) -> Sweep:
    path = folder / "data.csv"
    data = Data(str(path if path.exists() else write_data(folder)))
    how: dict[str, object] = {"epochs": 3, "batch": 16, "validation": 0.2, "split_seed": 0, **options}
    plan = Plan(spec(), Options(**how))  # type: ignore[arg-type]
    results = Results.create(folder / "tried.sqlite")
    return Sweep(plan, data, setup_of(data, Choices(("kind",))), results, engine)
