"""Layers in Python: dense ones, and those of every other kind by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

import numpy as np

from chainrule.catalogue.build import AnyLayer, DenseLayer, LayerUse
from chainrule.catalogue.kinds import find_kind
from chainrule.catalogue.layer_row import Given, LayerRow
from chainrule.catalogue.row import CatalogueError
from chainrule.spec.layers import setting_value
from chainrule.spec.spec import KindPart, LayerPart


@dataclass(frozen=True)
class Dense:
    """A layer of neurons that each see all outputs of the layer before.

    ``weights`` has a row for each neuron and a column for each of its inputs, or is an initialiser's name. ``bias`` is
    a number (one shared by the layer), one for each neuron, an initialiser's name (one for each neuron), or None.
    ``inputs`` names the layer that it takes in, the one before unless given; ``share`` the one whose parameters it
    uses. Of an input with several axes, such as time and features, it goes along the last.
    """

    units: int
    activation: str = "identity"
    weights: Any = "glorot_uniform"
    bias: Any = "zeros"
    parameters: Sequence[float] = ()
    train_weights: bool = True
    train_bias: bool = True
    name: str = ""
    inputs: str = ""
    share: str = ""

    def __post_init__(self) -> None:
        if self.share and not (isinstance(self.weights, str) and isinstance(self.bias, str)):
            raise CatalogueError(f"this layer uses the weights and the bias of {self.share}: leave its own out")


class Layer:
    """A layer of some kind: ``Layer("convolution", kernel=3, filters=2, activation="relu")``.

    Its settings and its numbers are those of the kind's row, the same as in a network file; what is not given is drawn
    as the row says, and ``bias=None`` leaves the bias out. `chainrule list layers` has the kinds, `chainrule list lstm`
    what one may be given. ``inputs`` names the layers that it takes in, the one
    before unless given. Raises ``CatalogueError`` for an unknown kind and for what its row doesn't have.

    >>> Layer("conv2d", kernel=3).row.name
    'convolution_2d'
    """

    def __init__(
        self, kind: str, *, name: str = "", inputs: str | Sequence[str] = (), train: bool = True, share: str = "",
        **values: Any,
    ) -> None:  # fmt: skip
        self.row: LayerRow = find_kind(kind)
        own = {setting.name: setting for setting in self.row.settings}
        keys = dict(self.row.keys)
        for key in values:
            if key not in own and key not in keys:
                raise CatalogueError(f"{self.row.name} has no {key!r}; it has: {', '.join([*own, *keys])}")
        without = tuple(key for key, value in values.items() if key in keys and _is_none(value))
        self.values = {key: value for key, value in values.items() if key in keys and key not in without}
        if share and self.values:
            raise CatalogueError(f"this layer uses the {' and '.join(self.values)} of {share}: leave its own out")
        settings = tuple(
            (key, None if value is None else setting_value(self.row, own[key], _plain(value)))
            for key, value in values.items()
            if key in own
        )
        self.use = LayerUse(
            self.row.name, (*settings, ("without", without)) if without else settings, name,
            (inputs,) if isinstance(inputs, str) else tuple(inputs), train, share,
        )  # fmt: skip


def _is_none(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value == "none")


def _plain(value: Any) -> Any:
    """A setting as a file gives it: lists, whole numbers, and other numbers as typed."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


def layer_of(layer: Dense | Layer) -> AnyLayer:
    """The layer without its start values."""
    if isinstance(layer, Layer):
        return layer.use
    if _is_none(layer.bias):
        bias = "none"
    else:
        bias = "shared" if not isinstance(layer.bias, str) and np.ndim(layer.bias) == 0 else "per_neuron"
    parameters = tuple(Decimal(repr(float(each))) for each in layer.parameters)
    return DenseLayer(
        layer.units, layer.activation, parameters, bias, layer.train_weights, layer.train_bias, layer.name,
        (layer.inputs,) if layer.inputs else (), layer.share,
    )  # fmt: skip


def start_of(layer: Dense | Layer, given: Given) -> Any:
    """What a layer is given: numbers, or an initialiser's name."""
    if isinstance(layer, Layer):
        return layer.values.get(given.key, given.start)
    return layer.weights if given.key == "weights" else layer.bias


def part_of(layer: Dense | Layer) -> LayerPart | KindPart:
    """The layer as a network file has it."""
    start = import_module("chainrule.model.fitting").drawn_or_given
    if isinstance(layer, Layer):
        values: Mapping[str, Any] = {key: start(value) for key, value in layer.values.items()}
        return KindPart(layer.use, values)
    use = layer_of(layer)
    assert isinstance(use, DenseLayer)
    return LayerPart(use, start(layer.weights), None if use.bias == "none" else start(layer.bias))
