"""A person at a terminal, with data on houses and networks to train on them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

NARROW = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
NETWORK = """
title = "Houses"
[network]
loss = "binary_cross_entropy"
[[layer]]
units = 8
activation = "relu"
weights = "he_normal"
bias = "zeros"
[[layer]]
units = 1
activation = "logistic"
weights = "glorot_uniform"
bias = "zeros"
[training]
optimizer = "adam"
learning_rate = 0.02
"""
NUMBERS = NETWORK.replace("binary_cross_entropy", "mean_squared_error").replace('"logistic"', '"identity"')


def chainrule(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainrule", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        encoding="utf-8", env={**os.environ, **NARROW, **environment}, timeout=120, check=False, cwd=folder,
    )  # fmt: skip


def refused(folder: Path, *args: str) -> str:
    """The message of a command that is refused: one, on standard error, and nothing else."""
    done = chainrule(folder, *args)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def write_data(folder: Path, rows: int = 300) -> None:
    rng = np.random.default_rng(0)
    size, town = rng.normal(120, 40, rows).round(1), rng.choice(["Aue", "Bonn", "Ulm"], rows)
    worth = size + 60 * (town == "Ulm") + rng.normal(0, 10, rows)
    lines = ["size,town,sold,worth"]
    lines += [f"{a},{b},{'yes' if c > 140 else 'no'},{c:.2f}" for a, b, c in zip(size, town, worth, strict=True)]
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")
    (folder / "net.toml").write_text(NETWORK)
    (folder / "numbers.toml").write_text(NUMBERS)
