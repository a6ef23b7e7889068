"""Random small networks with layers of other kinds, each of the kind in which a mistake can be made."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

import chainrule as cr
from chainrule.catalogue.build import output_shape
from check.random_networks import Case, numbers

Build = Callable[[st.DrawFn], tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]]


def drawn(draw: st.DrawFn, kind: str, shapes: Mapping[str, tuple[int, ...]], **settings: Any) -> cr.Layer:
    """A layer whose numbers, of these shapes, are drawn; none is 0."""
    return cr.Layer(kind, **settings, **{key: numbers(draw, *shape) for key, shape in shapes.items()})


def convolutions(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    size = draw(st.integers(5, 6))
    layers: list[cr.Dense | cr.Layer] = [
        drawn(draw, "convolution_1d", {"weights": (2,), "bias": ()}, kernel=2, activation="tanh"),
        drawn(draw, "convolution_1d", {"weights": (3,), "bias": ()}, kernel=3),
    ]
    return (size,), layers, 2


def recurrences(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    shapes: dict[str, tuple[int, ...]] = {"weights": (), "recurrent_weights": (), "bias": ()}
    return (draw(st.integers(2, 3)),), [drawn(draw, "recurrent", shapes)], 1


def memories(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    shapes: dict[str, tuple[int, ...]] = {
        f"{gate}_{what}": ()
        for gate in ("input", "forget", "candidate", "output")
        for what in ("weights", "recurrent_weights", "bias")
    }
    return (2,), [drawn(draw, "lstm", shapes, returns="all")], 1


def normalised(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    kind = draw(st.sampled_from(("batch_norm", "layer_norm")))
    layers = [
        cr.Dense(3, "identity", numbers(draw, 3, 2), numbers(draw, 3), name="h"),
        drawn(draw, kind, {"gamma": (3,), "beta": (3,)}, eps=0.01),
        cr.Dense(1, "tanh", numbers(draw, 1, 3), numbers(draw, 1)),
    ]
    return (2,), layers, 3 if kind == "batch_norm" else 1


def attentions(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    shapes = {f"{name}_weights": (2, 2) for name in ("query", "key", "value", "output")}
    bare = {f"{name}_bias": None for name in ("query", "key", "value", "output")}
    return (2, 2), [drawn(draw, "attention", shapes, causal=True, **bare)], 1


def dropped(draw: st.DrawFn) -> tuple[tuple[int, ...], list[cr.Dense | cr.Layer], int]:
    layers = [
        cr.Dense(2, "tanh", numbers(draw, 2, 2), numbers(draw, 2), name="h"),
        cr.Layer("dropout", rate=0.5, mask=[[1, 1]]),
        cr.Dense(1, "identity", numbers(draw, 1, 2), numbers(draw, 1)),
    ]
    return (2,), layers, 1


BUILDS: Mapping[str, Build] = {
    "kernel-not-turned": convolutions,
    "bias-over-some-axes": convolutions,
    "last-step-only": recurrences,
    "carry-dropped": memories,
    "previous-step": memories,
    "statistics-constant": normalised,
    "scale-left-out": normalised,
    "root-left-out": attentions,
    "mask-after-softmax": attentions,
    "mask-left-out": attentions,
    "kept-share-left-out": dropped,
}


@st.composite
def layered(draw: st.DrawFn, mistake: str) -> Case:
    """A random network in which a mistake in such a layer can be made."""
    shape, layers, samples = BUILDS[mistake](draw)
    network = cr.Network(shape, layers)
    inputs = numbers(draw, samples, *shape)
    targets = numbers(draw, samples, *output_shape(network.inputs, network.layers))
    step = network.step(inputs, targets, learning_rate=0.5)
    return Case(step, f"{mistake}: {[getattr(each, 'values', each) for each in layers]}, {inputs}, {targets}")
