"""What it costs to explain one number of a network with a million parameters, beside one pass of NumPy by hand.

Prints times and their ratio to the pass by hand, and the memory beside that of the parameters; from one run on one
machine, which is named.
"""

import platform
import resource
import time
from collections.abc import Callable

import numpy as np

import chainrule as cr

SIZES = (784, 1000, 200, 10)
BATCH = 16
TURNS = 5


def fastest(action: Callable[[], object]) -> float:
    """Seconds of the fastest of several turns."""
    found = []
    for _ in range(TURNS):
        start = time.perf_counter()
        action()
        found.append(time.perf_counter() - start)
    return min(found)


def by_hand(weights: list[np.ndarray], x: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Forward pass, backward pass and update of the same network, written out in NumPy."""
    h1 = np.maximum(x @ weights[0].T, 0)
    h2 = np.maximum(h1 @ weights[1].T, 0)
    z = h2 @ weights[2].T
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    d3 = (p - targets) / len(x)
    d2 = (d3 @ weights[2]) * (h2 > 0)
    d1 = (d2 @ weights[1]) * (h1 > 0)
    gradients = [d1.T @ x, d2.T @ h1, d3.T @ h2]
    return [w - 0.1 * g for w, g in zip(weights, gradients, strict=True)]


def main() -> None:
    rng = np.random.default_rng(0)
    layers = [
        cr.Dense(SIZES[1], "relu", "he_normal", bias=None),
        cr.Dense(SIZES[2], "relu", "he_normal", bias=None),
        cr.Dense(SIZES[3], "softmax", bias=None),
    ]
    net = cr.Network(SIZES[0], layers, loss="cross_entropy")
    x, targets = rng.normal(size=(BATCH, SIZES[0])), np.eye(SIZES[3])[rng.integers(0, SIZES[3], BATCH)]
    weights = list(net.parameters.values())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hand = fastest(lambda: by_hand(weights, x, targets))
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"{'-'.join(map(str, SIZES))}, batch {BATCH}: {sum(w.size for w in weights):,} parameters, float64")
    print(f"by hand: forward, backward, update   {hand * 1000:8.1f} ms   1.00")
    for what, action in (
        ("all numbers of a round", lambda: net.step(x, targets).round),
        ("one weight, from the network on", lambda: repr(net.step(x, targets).explain("w_h1[3,5]"))),
        ("one delta, from the network on", lambda: repr(net.step(x, targets).explain("delta_h1_7^(3)"))),
        ("the whole example, shortened", lambda: repr(net.step(x, targets))),
    ):
        seconds = fastest(action)
        print(f"{what:36} {seconds * 1000:8.1f} ms {seconds / hand:6.2f}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(f"memory: {grown / sum(w.nbytes for w in weights):.1f} times the parameters, beyond what was there before")


if __name__ == "__main__":
    main()
