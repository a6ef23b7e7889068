"""What all calculations by hand share: a network, its numbers by our names, and the mistakes that can be made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import chainrule as cr

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Made:
    """The first round of a network, and a person's numbers for it in the order in which they were calculated."""

    step: cr.Step
    numbers: Mapping[str, Array]


@dataclass(frozen=True)
class Slip:
    """A mistake that can be switched on: where the first wrong number is, and the ids that name it.

    ``same`` are ids of mistakes that give the same numbers in this calculation.
    """

    where: str
    ids: Sequence[str]
    only: Mapping[str, Any] = field(default_factory=dict)  # settings of the network in which it shows


Calculation = Callable[..., Made]


def draw(rng: np.random.Generator, *shape: int) -> Array:
    """Numbers of two decimals, none of them near 0."""
    return np.round(rng.uniform(0.1, 0.95, shape) * rng.choice([-1.0, 1.0], shape), 2)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
