"""Outputs and measures of a trained network: error, accuracy, confusion matrix, R², RMSE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.losses import find_loss
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.programs import (
    LOSS,
    SAMPLE_WEIGHT,
    Trainable,
    fixed_numbers,
    forward_round,
    learns_classes,
    output_family,
    outputs_of,
)

Array = NDArray[Any]
SLICE = 4096  # samples calculated at once

# What the targets are: one of several classes in a column each, 0 and 1, -1 and 1, or numbers.
Kind = Literal["classes", "two classes", "signs", "numbers"]


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """How well a network does on some samples.

    ``loss`` is the error for each sample. ``accuracy`` and ``confusion`` (a row for each true class, a column for
    each predicted one) are there for classes, and count each place where a sample has several; ``r2`` and ``rmse`` (for
    each output) are there for numbers.
    """

    samples: int
    loss: float
    accuracy: float | None = None
    confusion: Array | None = field(default=None)
    r2: float | None = None
    rmse: tuple[float, ...] | None = None

    @property
    def score(self) -> float | None:
        """The accuracy, or R²."""
        return self.accuracy if self.accuracy is not None else self.r2


def error_is_mean(net: Trainable) -> bool:
    """Whether the samples' errors are averaged over a round, else they are summed."""
    return (net.conventions.over_batch or find_loss(net.conventions.loss).over_batch) == "mean"


def kind_of(net: Trainable, target: Array) -> Kind:
    """What the targets of these samples are, by the network's last layer and error, and by the numbers themselves."""
    if target.shape[-1] > 1:
        one_each = ((target == 0) | (target == 1)).all() and (target.sum(axis=-1) == 1).all()
        return "classes" if one_each else "numbers"
    if find_loss(net.conventions.loss).name == "hinge" and (abs(target) == 1).all():
        return "signs"
    decides = learns_classes(net.layers, net.conventions)
    return "two classes" if decides and ((target == 0) | (target == 1)).all() else "numbers"


class Forward:
    """The forward passes of one network, for any number of samples."""

    def __init__(self, net: Trainable, engine: Engine | None = None) -> None:
        self.net, self.engine = net, engine or NumpyEngine()
        self.fixed = fixed_numbers(net)

    def _slices(self, rows: int) -> Iterator[tuple[Program, slice]]:
        for first in range(0, rows, SLICE):
            chosen = slice(first, min(first + SLICE, rows))
            yield forward_round(self.net, chosen.stop - chosen.start), chosen

    def outputs(self, parameters: Ledger, x: Array) -> Array:
        """The network's outputs, a row for each sample."""
        wanted = output_family(self.net)
        found = [
            self.engine.calculate(program, {**self.fixed, **parameters, "x": x[chosen]}, (wanted,))[wanted]
            for program, chosen in self._slices(len(x))
        ]
        return np.concatenate(found) if found else np.empty((0, *outputs_of(self.net)))

    def outputs_and_loss(self, parameters: Ledger, data: Ledger) -> tuple[Array, float]:
        """The outputs, and the error for each sample on average."""
        wanted = (output_family(self.net), LOSS)
        outputs, total, mean = [], 0.0, error_is_mean(self.net)
        rows = len(data["x"])
        for program, chosen in self._slices(rows):
            part = {name: array[chosen] for name, array in data.items()}
            found = self.engine.calculate(program, {**self.fixed, **parameters, **part}, wanted)
            outputs.append(found[wanted[0]])
            total += float(found[LOSS]) * (len(part["x"]) if mean else 1)
        return np.concatenate(outputs), total / rows


def decided(net: Trainable, kind: Kind, outputs: Array) -> Array:
    """The class of each sample (or at each of its places), as a number from 0.

    It is the largest output, or the side of the middle that the only output is on.
    """
    if kind == "classes":
        classes: Array = outputs.argmax(axis=-1)
        return classes
    middle = 0.0 if kind == "signs" or find_loss(net.conventions.loss).on == "logits" else 0.5
    return np.asarray(outputs[..., 0] > middle, dtype=int)


def true_classes(kind: Kind, target: Array) -> Array:
    """The class of each sample, or at each of its places, as a number from 0."""
    return target.argmax(axis=-1) if kind == "classes" else np.asarray(target[..., 0] > 0, dtype=int)


def r_squared(target: Array, outputs: Array) -> float:
    """R² of each output, averaged: 1 less the squared error over that of the mean; a constant target gives 0 or 1."""
    left = ((target - outputs) ** 2).sum(axis=0)
    spread = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    each = np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), np.where(left > 0, 0.0, 1.0))
    return float(each.mean())


def measure(net: Trainable, parameters: Ledger, data: Ledger, engine: Engine | None = None) -> Measures:
    """The measures of a network on samples whose targets are known.

    >>> from chainrule.catalogue.build import DenseLayer
    >>> net = Trainable(1, (DenseLayer(1),))
    >>> ledger = {"w_o": np.array([[2.0]]), "b_o": np.array([0.0])}
    >>> measure(net, ledger, {"x": np.array([[1.0], [2.0]]), "target": np.array([[2.0], [5.0]])}).rmse
    (0.7071067811865476,)
    """
    weighted = replace(net, weighted=SAMPLE_WEIGHT in data)
    outputs, loss = Forward(weighted, engine).outputs_and_loss(parameters, data)
    return measures(net, kind_of(net, data["target"]), data["target"], outputs, loss)


def measures(net: Trainable, kind: Kind, target: Array, outputs: Array, loss: float) -> Measures:
    """The measures that go with what the targets are."""
    rows = len(target)
    if kind == "numbers":
        target, outputs = target.reshape(rows, -1), outputs.reshape(rows, -1)
        with np.errstate(all="ignore"):  # an infinite output gives an infinite measure
            rmse = np.sqrt(((target - outputs) ** 2).mean(axis=0))
            r2 = r_squared(target, outputs)
        return Measures(rows, loss, r2=r2, rmse=tuple(float(each) for each in rmse))
    true, found = true_classes(kind, target).ravel(), decided(net, kind, outputs).ravel()
    count = outputs.shape[-1] if kind == "classes" else 2
    confusion = np.bincount(true * count + found, minlength=count * count).reshape(count, count)
    return Measures(rows, loss, accuracy=float((true == found).mean()), confusion=confusion)
