"""Small networks in which mistakes show that none of the gallery's networks shows, as network files."""

from collections.abc import Mapping

HEAD = """
[network]
inputs = {inputs}
loss = "half_squared_error"
"""
TAIL = """
[data]
inputs = {inputs}
targets = {targets}

[training]
learning_rate = 0.1
"""


def _network(inputs: object, layers: str, data: object, targets: object) -> str:
    return HEAD.format(inputs=inputs) + layers + TAIL.format(inputs=data, targets=targets)


EXAMPLE_NETWORKS: Mapping[str, str] = {
    "padded-convolution": _network(4, """
        [[layer]]
        kind = "convolution_1d"
        kernel = 3
        padding = 1
        activation = "tanh"
        weights = [0.5, -0.4, 0.3]
        bias = 0.1
        [[layer]]
        kind = "convolution_1d"
        kernel = 3
        padding = 1
        stride = 2
        weights = [0.6, -0.2, 0.4]
        bias = -0.1
        """, [[1.0, 0.5, -1.0, 2.0]], [[0.5, -0.5]]),
    "positions": _network([2, 2], """
        [[layer]]
        kind = "positional_encoding"
        name = "p"
        [[layer]]
        kind = "flatten"
        [[layer]]
        units = 1
        weights = [[0.5, -0.3, 0.2, 0.4]]
        bias = [0.1]
        """, [[[0.5, -0.2], [0.1, 0.4]]], [[1.0]]),
    "two-by-two-normalised": _network(2, """
        [[layer]]
        kind = "batch_normalisation"
        name = "bn"
        gamma = [1.5, 0.5]
        beta = [0.2, -0.1]
        """, [[1.0, 0.5], [2.0, -1.0], [0.0, 0.7]], [[0, 1], [1, 0], [1, 1]]),
    "shared-weights": _network(2, """
        [[layer]]
        name = "h"
        units = 2
        activation = "tanh"
        weights = [[0.5, -0.2], [0.3, 0.8]]
        bias = [0.0, 0.1]
        [[layer]]
        name = "again"
        units = 2
        activation = "tanh"
        share = "h"
        """, [[1.0, 0.5]], [[1.0, 1.0]]),
}  # fmt: skip
