"""Networks for the tests of explanations: those of the gallery, and convolutions of every kind."""

from collections.abc import Callable

import numpy as np

import chainrule as cr
from chainrule.catalogue.build import output_shape

Settings = dict[str, object]
CONVOLUTIONS: dict[str, tuple[tuple[int, ...], Settings]] = {
    "padded": ((4, 4), {"kernel": 3, "padding": 1}),
    "strided": ((5, 5), {"kernel": 2, "stride": 2, "padding": 1}),
    "dilated": ((5, 6), {"kernel": 2, "dilation": 2}),
    "filters": ((4, 3), {"kernel": 2, "filters": 2}),
    "channels": ((2, 3, 4), {"kernel": 2, "filters": 2, "padding": 1}),
    "oblong": ((3, 5), {"kernel": (1, 3), "padding": (0, 1)}),
}


def convolution(name: str) -> cr.Step:
    """A convolution after one of kernel 1, so that what is passed back is there too."""
    shape, settings = CONVOLUTIONS[name]
    first = {"kernel": 1, "activation": "tanh", **({"filters": shape[0]} if len(shape) == 3 else {})}
    layers = [cr.Layer("convolution_2d", name="a", **first), cr.Layer("convolution_2d", name="c", **settings)]
    net = cr.Network(shape, layers, loss="half_squared_error")
    rng = np.random.default_rng(len(name))
    return net.step(
        rng.normal(size=(1, *shape)), rng.normal(size=(1, *output_shape(net.inputs, net.layers))), learning_rate=0.1
    )


WINDOWED: dict[str, Callable[[], cr.Step]] = {
    **{name: lambda name=name: convolution(name) for name in CONVOLUTIONS},  # type: ignore[misc]
    "conv": lambda: cr.load("conv"),
    "conv-1d": lambda: cr.load("conv-1d"),
}
OTHER_THAN_DENSE = (
    "attention", "batch-norm", "conv", "conv-1d", "dropout", "gru", "layer-norm", "lstm", "pooling", "rnn",
    "transformer-block", "word-embedding",
)  # fmt: skip
