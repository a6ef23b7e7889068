"""Other conventions for a network of layers: what else a person may have meant, one choice changed, then two."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeGuard

import numpy as np

from chainrule.catalogue.build import AnyLayer, Conventions, DenseLayer, layer_names
from chainrule.catalogue.kinds import find_kind
from chainrule.catalogue.layer_row import LayerUse
from chainrule.catalogue.losses import find_loss

SQUARED = {  # the losses that are taken for each other, with how each adds up
    "half_squared_error": "half the squared error",
    "squared_error": "the squared error without the half",
    "mean_squared_error": "the mean squared error",
}
WAYS = {"mean": "averaged", "sum": "summed"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What a network of layers is made from."""

    layers: tuple[AnyLayer, ...]
    conventions: Conventions
    batch: int | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice made otherwise. ``kind`` is what it is about: two of one kind don't go together."""

    kind: str
    id: str
    text: str
    change: Callable[[Choices], Choices]


def other_choices(choices: Choices, outputs: int, samples: int) -> Iterator[Choice]:
    """Every choice that could have been made otherwise."""
    loss = find_loss(choices.conventions.loss)
    for name, text in SQUARED.items():
        if loss.name in SQUARED and name != loss.name:
            conventions = replace(choices.conventions, loss=name, over_outputs=None)
            yield Choice("loss", name.replace("_", "-"), text, _with_conventions(conventions))
    ways = (("over_outputs", outputs, "outputs"), ("over_batch", samples, "samples"))
    for where, count, noun in ways:
        way = getattr(choices.conventions, where) or getattr(loss, where)
        other = "sum" if way == "mean" else "mean"
        if count > 1:
            conventions = (
                replace(choices.conventions, over_outputs=other)
                if where == "over_outputs"
                else replace(choices.conventions, over_batch=other)
            )
            text = f"the error {WAYS[other]} over the {noun}, not {WAYS[way]}"
            yield Choice(where, f"{other}-over-{noun}", text, _with_conventions(conventions))
    yield from _biases(choices)
    yield from _reset_gates(choices)
    if samples > 1 and choices.batch != 1:
        yield Choice("batch", "one-at-a-time", "one sample in each round, in turn", lambda c: replace(c, batch=1))
    if choices.batch is not None and choices.batch < samples:
        yield Choice("batch", "all-at-once", "all samples in each round", lambda c: replace(c, batch=None))


def _with_conventions(conventions: Conventions) -> Callable[[Choices], Choices]:
    fields = ("loss", "over_outputs", "over_batch")

    def change(choices: Choices) -> Choices:
        changed = {each: getattr(conventions, each) for each in fields}
        return replace(choices, conventions=replace(choices.conventions, **changed))

    return change


def _biases(choices: Choices) -> Iterator[Choice]:
    """Trained or not, one for the layer or one for each neuron."""
    with_bias = [each for each in choices.layers if isinstance(each, DenseLayer) and each.bias != "none"]
    if not with_bias:
        return
    if any(not each.train_bias for each in with_bias):
        yield Choice("biases", "biases-trained", "the biases are trained too", _each_layer(train_bias=True))
    if any(each.train_bias for each in with_bias):
        yield Choice("biases", "biases-not-trained", "the biases are not trained", _each_layer(train_bias=False))
    if any(each.bias == "shared" for each in with_bias):
        text = "each neuron has a bias of its own, which is trained"
        yield Choice("biases", "biases-per-neuron", text, _own_biases)


def _reset_gates(choices: Choices) -> Iterator[Choice]:
    """The reset gate of gated recurrent units on the other side of the recurrent weights."""
    found = {dict(each.settings).get("reset", "after") for each in choices.layers if _is_gru(each)}
    for own, other in (("after", "before"), ("before", "after")):
        if found == {own}:
            text = f"the reset gate acts {other} the recurrent weights, not {own} them"
            yield Choice("reset", f"reset-{other}", text, _with_resets(other))


def _is_gru(layer: AnyLayer) -> TypeGuard[LayerUse]:
    return isinstance(layer, LayerUse) and find_kind(layer.kind).name == "gru"


def _with_resets(way: str) -> Callable[[Choices], Choices]:
    """All such layers made the other way, without the bias that only one way has."""

    def change(choices: Choices) -> Choices:
        layers, parameters = [], dict(choices.parameters)
        for layer, name in zip(choices.layers, layer_names(choices.layers), strict=True):
            if _is_gru(layer):
                settings = dict(layer.settings)
                without = (*settings.get("without", ()), "candidate_recurrent_bias")
                layer = replace(layer, settings=tuple({**settings, "reset": way, "without": without}.items()))
                parameters.pop(f"v_{name}_g", None)
            layers.append(layer)
        return replace(choices, layers=tuple(layers), parameters=parameters)

    return change


def _each_layer(**changes: Any) -> Callable[[Choices], Choices]:
    def change(choices: Choices) -> Choices:
        layers = (replace(each, **changes) if isinstance(each, DenseLayer) else each for each in choices.layers)
        return replace(choices, layers=tuple(layers))

    return change


def _own_biases(choices: Choices) -> Choices:
    """One bias for each neuron, all beginning with the shared one."""
    parameters = dict(choices.parameters)
    layers = []
    for layer, name in zip(choices.layers, layer_names(choices.layers), strict=True):
        if isinstance(layer, DenseLayer) and layer.bias == "shared":
            own = np.empty((layer.units,), object)
            own[...] = choices.parameters[f"b_{name}"][()]
            parameters[f"b_{name}"] = own
            layer = replace(layer, bias="per_neuron", train_bias=True)
        layers.append(layer)
    return replace(choices, layers=tuple(layers), parameters=parameters)


def made_otherwise(choices: Choices, outputs: int, samples: int) -> Iterator[tuple[str, str, Choices]]:
    """One choice changed, then two of different kinds."""
    found = list(other_choices(choices, outputs, samples))
    for each in found:
        yield each.id, each.text, each.change(choices)
    for first, second in combinations(found, 2):
        if first.kind != second.kind:
            yield f"{first.id}+{second.id}", f"{first.text}; and {second.text}", second.change(first.change(choices))
