"""Training by the engines against the same training written by hand, all in one run on one machine.

For each network: rounds of forward pass, backward pass and update of a dense logistic network with half squared error,
by the NumPy engine, by the JAX engine, and written by hand for JAX, for PyTorch, and for 2-2-2 in C; then epochs over
data whose order is shuffled. They take turns in an order that is drawn anew, and the median of each counts; ratios are
medians of the ratios within a turn, so that a busy machine slows no one more than another. Prints Markdown tables.
``--quick`` takes less than a minute. On a machine that others use too, ``taskset -c 0`` in front gives steadier ratios.
"""

import argparse
import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
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
from rounds import Case, numbers_of, program_of

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine, library, run_rounds
from chainrule.engines.numpy import run_rounds as run_on_numpy
from chainrule.program.program import Program
from chainrule.training.engine import NumpyEngine
from chainrule.training.programs import Trainable, fixed_numbers, parameter_names, training_round

NETWORKS = (
    ((2, 2, 2), 1),
    ((4, 5, 3), 1),
    ((30, 16, 1), 32),
    ((784, 128, 10), 1),
    ((784, 128, 10), 64),
    ((784, 512, 512, 10), 64),
    ((784, 512, 512, 10), 1024),
    ((400,) * 14, 32),
)
DATA = (((30, 16, 1), 32, 65536), ((784, 128, 10), 64, 8192))
QUICK = NETWORKS[:3] + NETWORKS[4:5]
FIRST = ("network", "JAX engine: a round", "GFLOP/s", "first call")
RATE = 0.5
TOLERANCE = {np.float64: 1e-9, np.float32: 2e-3}


def by_engine(case: Case, numbers: Arrays, engine: Callable[..., Arrays]) -> Runner:
    carry = {f"{name}_next": name for name in numbers if name[0] in "wb"}
    program = program_of(case)
    return started(lambda rounds: engine(program, numbers, rounds, carry, dtype=case.dtype))


def by_hand_on_jax(case: Case, numbers: Arrays) -> Runner:
    """As people write it: the error, its gradient by JAX, and one compiled loop whose state is given away."""
    jax = library()
    jnp, layers = jax.numpy, range(1, len(case.sizes))
    weights = {name: array for name, array in numbers.items() if name[0] in "wb"}

    def error(weights: Any, x: Any, target: Any) -> Any:
        for at in layers:
            x = jax.nn.sigmoid(x @ weights[f"w{at}"].T + weights[f"b{at}"])
        return jnp.sum((target - x) ** 2) / 2

    def rounds(weights: Any, x: Any, target: Any, count: Any) -> Any:
        def body(_: Any, weights: Any) -> Any:
            slopes = jax.grad(error)(weights, x, target)
            return jax.tree.map(lambda w, slope: w - RATE * slope, weights, slopes)

        return jax.lax.fori_loop(0, count, body, weights)

    compiled = jax.jit(rounds, donate_argnums=0)

    def run(count: int) -> Arrays:
        with jax.enable_x64(case.dtype == np.float64):
            start = {name: jnp.array(array) for name, array in weights.items()}
            after = compiled(start, numbers["x"], numbers["target"], np.int32(count))
            return {name: np.array(array) for name, array in after.items()}

    return started(run)


def on_torch(case: Case, numbers: Arrays, compiled: bool = False) -> Runner:
    import torch

    layers = range(1, len(case.sizes))
    x, target = torch.tensor(numbers["x"]), torch.tensor(numbers["target"])

    def error(weights: Any) -> Any:
        out = x
        for at in layers:
            out = torch.sigmoid(torch.nn.functional.linear(out, weights[f"w{at}"], weights[f"b{at}"]))
        return ((target - out) ** 2).sum() / 2

    calculate = torch.compile(error) if compiled else error

    def run(count: int) -> Arrays:
        weights = {name: torch.tensor(array, requires_grad=True) for name, array in numbers.items() if name[0] in "wb"}
        optimizer = torch.optim.SGD(weights.values(), lr=RATE)
        for _ in range(count):
            optimizer.zero_grad()
            calculate(weights).backward()
            optimizer.step()
        return {name: array.detach().numpy() for name, array in weights.items()}

    return started(run)


C = """
#include <math.h>
static REAL f(REAL z) { return 1 / (1 + EXP(-z)); }
void rounds(REAL *w1, REAL *b1, REAL *w2, REAL *b2, const REAL *x, const REAL *t, REAL rate, long n) {
    REAL a[4], c[4], p[2], q[2], x0 = x[0], x1 = x[1];
    for (int k = 0; k < 4; k++) { a[k] = w1[k]; c[k] = w2[k]; }
    for (int k = 0; k < 2; k++) { p[k] = b1[k]; q[k] = b2[k]; }
    for (long at = 0; at < n; at++) {
        REAL h0 = f(a[0] * x0 + a[1] * x1 + p[0]), h1 = f(a[2] * x0 + a[3] * x1 + p[1]);
        REAL o0 = f(c[0] * h0 + c[1] * h1 + q[0]), o1 = f(c[2] * h0 + c[3] * h1 + q[1]);
        REAL d0 = (o0 - t[0]) * o0 * (1 - o0), d1 = (o1 - t[1]) * o1 * (1 - o1);
        REAL e0 = (c[0] * d0 + c[2] * d1) * h0 * (1 - h0), e1 = (c[1] * d0 + c[3] * d1) * h1 * (1 - h1);
        a[0] -= rate * e0 * x0; a[1] -= rate * e0 * x1; a[2] -= rate * e1 * x0; a[3] -= rate * e1 * x1;
        c[0] -= rate * d0 * h0; c[1] -= rate * d0 * h1; c[2] -= rate * d1 * h0; c[3] -= rate * d1 * h1;
        p[0] -= rate * e0; p[1] -= rate * e1; q[0] -= rate * d0; q[1] -= rate * d1;
    }
    for (int k = 0; k < 4; k++) { w1[k] = a[k]; w2[k] = c[k]; }
    for (int k = 0; k < 2; k++) { b1[k] = p[k]; b2[k] = q[k]; }
}
"""


def in_c(case: Case, numbers: Arrays, compiler: str) -> Runner:
    """The 2-2-2 network with all its numbers in registers."""
    double = case.dtype == np.float64
    real, exp = ("double", "exp") if double else ("float", "expf")
    kind = ctypes.c_double if double else ctypes.c_float
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "rounds.c"), Path(folder, "rounds.so")
        source.write_text(C.replace("REAL", real).replace("EXP", exp))
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", str(source), "-o", str(built), "-lm"]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        took = time.perf_counter() - begun
        rounds = ctypes.CDLL(str(built)).rounds
    names = ("w1", "b1", "w2", "b2", "x", "target")

    def run(count: int) -> Arrays:
        arrays = {name: numbers[name].copy() for name in names}
        pointers = [array.ctypes.data_as(ctypes.POINTER(kind)) for array in arrays.values()]
        rounds(*pointers, kind(RATE), ctypes.c_long(count))
        return arrays

    return Runner(run, took)


def runners(case: Case, numbers: Arrays, quick: bool) -> dict[str, Runner]:
    found = {
        "JAX engine": by_engine(case, numbers, run_rounds),
        "JAX by hand": by_hand_on_jax(case, numbers),
        "NumPy engine": by_engine(case, numbers, run_on_numpy),
    }
    if find_spec("torch"):
        found["PyTorch"] = on_torch(case, numbers)
        if not quick and case.dtype is np.float32 and len(case.sizes) < 6:  # compiling takes it half a minute
            found["torch.compile"] = on_torch(case, numbers, compiled=True)
    compiler = shutil.which("cc") or shutil.which("gcc")
    if case.sizes == (2, 2, 2) and compiler:
        found["C"] = in_c(case, numbers, compiler)
    return found


def compare(sizes: tuple[int, ...], batch: int, dtype: type, quick: bool, columns: tuple[str, ...]) -> tuple[str, str]:
    """A row of the table of rounds, and a sentence where another one is faster."""
    case = Case(sizes, batch, dtype)
    found = runners(case, numbers_of(program_of(case), case), quick)
    return row(case, found, quick, columns)


def row(case: Case, found: dict[str, Runner], quick: bool, columns: tuple[str, ...]) -> tuple[str, str]:
    check(found, "NumPy engine", TOLERANCE[case.dtype], 3)
    taken = measured(found, 0.03 if quick else 0.3, 3 if quick else 9)
    ratios, took = ratios_to("JAX engine", taken), median(taken["JAX engine"])
    title = f"{layers_text(case.sizes)}, batch {case.batch}, {np.dtype(case.dtype).name}"
    rate = operations(case.sizes, case.batch) / took / 1e9
    cells = [title, shown(took), figure(rate), f"{found['JAX engine'].first:.2f} s"]
    cells += [figure(ratios[name]) if name in ratios else "" for name in columns]
    faster = [f"{name} takes {ratio:.2f} times as long as ours" for name, ratio in ratios.items() if ratio < 0.95]
    return f"| {' | '.join(cells)} |", f"- {title}: {', '.join(faster)}" if faster else ""


@dataclass(frozen=True)
class Epochs:
    """Training on data: each round takes other rows, and every error is kept."""

    case: Case
    state: Arrays
    data: Arrays
    order: np.ndarray  # the rows of each round


def epochs_of(case: Case, samples: int) -> tuple[Epochs, Program, Arrays]:
    layers = tuple(DenseLayer(units, "logistic") for units in case.sizes[1:])
    net = Trainable(case.sizes[0], layers, Conventions(loss="half_squared_error"), Update(rate=Decimal(str(RATE))))
    program = training_round(net, case.batch)
    rng = np.random.default_rng(0)
    state = {name: 0.1 * rng.normal(size=program.families[name].shape) for name in parameter_names(net)}
    data = {"x": rng.normal(size=(samples, case.sizes[0])), "target": rng.random((samples, case.sizes[-1]))}
    order = rng.permutation(samples).reshape(-1, case.batch)
    arrays = [{name: array.astype(case.dtype) for name, array in part.items()} for part in (state, data)]
    return Epochs(case, *arrays, order), program, fixed_numbers(net)


def epochs_by_engine(epochs: Epochs, program: Program, fixed: Arrays, engine: Any) -> Runner:
    data = engine.place(epochs.data)

    fed = {"rate": np.full(len(epochs.order), RATE)}

    def run(times: int) -> Arrays:
        state = epochs.state
        for _ in range(times):
            state, _ = engine.run_epoch(program, state, fixed, data, epochs.order, fed, lambda done: False)
        return {name: np.array(array) for name, array in state.items()}

    return started(run, len(epochs.order))


def epochs_by_hand_on_jax(epochs: Epochs) -> Runner:
    jax = library()
    jnp, layers = jax.numpy, len(epochs.case.sizes) - 1
    names = ["o"] if layers == 1 else (["h", "o"] if layers == 2 else [*(f"h{at}" for at in range(1, layers)), "o"])

    def error(weights: Any, x: Any, target: Any) -> Any:
        for name in names:
            x = jax.nn.sigmoid(x @ weights[f"w_{name}"].T + weights[f"b_{name}"])
        return jnp.sum((target - x) ** 2) / (2 * epochs.case.batch)

    def train(weights: Any, x: Any, target: Any, order: Any) -> Any:
        def body(weights: Any, rows: Any) -> Any:
            found, slopes = jax.value_and_grad(error)(weights, x[rows], target[rows])
            return jax.tree.map(lambda w, slope: w - RATE * slope, weights, slopes), found

        return jax.lax.scan(body, weights, order)

    compiled = jax.jit(train, donate_argnums=0)
    wide = epochs.case.dtype == np.float64
    with jax.enable_x64(wide):
        data = {name: jnp.array(array) for name, array in epochs.data.items()}

    def run(times: int) -> Arrays:
        with jax.enable_x64(wide):
            state = {name: jnp.array(array) for name, array in epochs.state.items()}
            for _ in range(times):
                state, errors = compiled(state, data["x"], data["target"], epochs.order.astype(np.int32))
                np.array(errors)
            return {name: np.array(array) for name, array in state.items()}

    return started(run, len(epochs.order))


def epochs_on_torch(epochs: Epochs) -> Runner:
    import torch

    x, target = (torch.tensor(epochs.data[name]) for name in ("x", "target"))

    def run(times: int) -> Arrays:
        weights = {name: torch.tensor(array, requires_grad=True) for name, array in epochs.state.items()}
        optimizer = torch.optim.SGD(weights.values(), lr=RATE)
        names = [name[2:] for name in weights if name.startswith("w")]
        errors = []
        for rows in torch.tensor(np.tile(epochs.order, (times, 1))):
            out = x[rows]
            for name in names:
                out = torch.sigmoid(torch.nn.functional.linear(out, weights[f"w_{name}"], weights[f"b_{name}"]))
            error = ((target[rows] - out) ** 2).sum() / (2 * epochs.case.batch)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            errors.append(error.item())
        return {name: array.detach().numpy() for name, array in weights.items()}

    return started(run, len(epochs.order))


def compare_epochs(case: Case, samples: int, quick: bool, columns: tuple[str, ...]) -> tuple[str, str]:
    """A row of the table of epochs."""
    epochs, program, fixed = epochs_of(case, samples)
    found = {
        "JAX engine": epochs_by_engine(epochs, program, fixed, JaxEngine(case.dtype)),
        "JAX by hand": epochs_by_hand_on_jax(epochs),
        "NumPy engine": epochs_by_engine(epochs, program, fixed, NumpyEngine(case.dtype)),
    }
    if find_spec("torch"):
        found["PyTorch"] = epochs_on_torch(epochs)
    return row(case, found, quick, columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few networks and short turns")
    quick = parser.parse_args().quick
    print(f"{machine('jax', 'torch')}; a matrix product of 1024 x 1024 on NumPy: {sgemm(np.float32):.0f} GFLOP/s")
    print(f"in float32, {sgemm(np.float64):.0f} in float64. The last columns: how many times as long as the JAX engine")
    print("each takes.\n\nRounds on the same samples:\n")
    columns = ("JAX by hand", "NumPy engine", "PyTorch", *(() if quick else ("torch.compile",)), "C")
    print(head((*FIRST, *columns)))
    slower = []
    for sizes, batch in QUICK if quick else NETWORKS:
        for dtype in (np.float64, np.float32):
            line, sentence = compare(sizes, batch, dtype, quick, columns)
            print(line, flush=True)
            slower.append(sentence)
    print("\nEpochs over shuffled data:\n")
    print(head((*FIRST, *columns[:3])))
    for sizes, batch, samples in DATA[:1] if quick else DATA:
        for dtype in (np.float64, np.float32):
            line, sentence = compare_epochs(Case(sizes, batch, dtype), samples, quick, columns[:3])
            print(line, flush=True)
            slower.append(sentence and f"{sentence} (epochs)")
    print("\nWhere another one is faster:\n")
    print("\n".join(filter(None, slower)) or "nowhere")


if __name__ == "__main__":
    main()
