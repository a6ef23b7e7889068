"""What the benchmarks share: contenders that take turns, and how their times are shown.

On a machine that others use too, ``taskset -c 1`` in front gives steadier ratios: on one core the processor's time
counts, in which whatever else runs there doesn't.
"""

import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from statistics import median

import numpy as np

Arrays = dict[str, np.ndarray]
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Runner:
    """``run(n)`` does n times ``rounds`` rounds from the start and returns the weights.

    ``first`` is what the first call took.
    """

    run: Callable[[int], Arrays]
    first: float
    rounds: int = 1


def started(run: Callable[[int], Arrays], rounds: int = 1) -> Runner:
    begun = time.perf_counter()
    run(1)
    return Runner(run, time.perf_counter() - begun, rounds)


def check(found: dict[str, Runner], reference: str, tolerance: float, rounds: int) -> None:
    """All of them train alike: each weight after some rounds."""
    expected = found[reference].run(rounds)
    for name, runner in found.items():
        for weight, array in runner.run(rounds).items():
            np.testing.assert_allclose(
                array, expected[weight], rtol=tolerance, atol=tolerance, err_msg=f"{name}: {weight}"
            )


def measured(found: dict[str, Runner], turn: float, turns: int) -> dict[str, list[float]]:
    """The seconds of a round in each turn."""

    def seconds(name: str, times: int) -> float:
        return timed(lambda: found[name].run(times)) / times

    counts = {}
    for name in found:
        times = 1
        while (took := seconds(name, times)) * times < turn / 4:
            times *= 4
        counts[name] = max(1, round(turn / took))
    taken: dict[str, list[float]] = {name: [] for name in found}
    order = np.random.default_rng(0)
    for _ in range(turns):
        for name in order.permutation(list(found)):
            time.sleep(0.02)  # until the threads of the one before rest
            taken[name].append(seconds(name, counts[name]) / found[name].rounds)
    return taken


def sgemm(dtype: type) -> float:
    """Operations in a second of a large matrix product of NumPy, in thousands of millions."""
    a = np.ones((1024, 1024), dtype)
    return max(2 * 1024**3 / timed(lambda: a @ a) for _ in range(5)) / 1e9


def timed(action: Callable[[], object]) -> float:
    """Seconds; on one core those of the processor, in which whatever else runs there doesn't count."""
    clock = time.process_time if CORES == 1 else time.perf_counter
    begun = clock()
    action()
    return clock() - begun


def shown(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def ratios_to(ours: str, taken: dict[str, list[float]]) -> dict[str, float]:
    """How many times as long as ours each takes: the median of the ratios within a turn."""
    return {name: median(a / b for a, b in zip(each, taken[ours], strict=True)) for name, each in taken.items()}


def operations(sizes: tuple[int, ...], batch: int) -> int:
    """Of a round's matrix products: forward, for the weights, and for the layer below, which the first hasn't."""
    products = [a * b for a, b in pairwise(sizes)]
    return (6 * sum(products) - 2 * products[0]) * batch


def layers_text(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes)) if len(sizes) < 6 else f"{len(sizes) - 1} layers of {sizes[0]}"


def head(columns: tuple[str, ...]) -> str:
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"


def machine(*libraries: str) -> str:
    """The machine and the versions of what is installed."""
    parts = [f"{platform.machine()}, cores: {CORES}, Python {platform.python_version()}"]
    for name in ("numpy", *libraries):
        with suppress(PackageNotFoundError):
            parts.append(f"{name} {version(name)}")
    return ", ".join(parts)
