"""Start values drawn from an initialiser."""

from __future__ import annotations  # numpy.random is loaded by whoever draws, not by naming its type

from collections.abc import Mapping
from math import inf, isfinite

import numpy as np
import numpy.typing as npt

from chainrule.catalogue.initialisers import Initialiser
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.parse import parse_expression
from chainrule.numbers.evaluate import evaluate


def draw(
    initialiser: Initialiser,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    settings: Mapping[str, float] | None = None,
    fans: tuple[int, int] | None = None,
) -> npt.NDArray[np.float64]:
    """An array of start values; a row of ``shape`` is a neuron, a column one of its inputs.

    ``fans`` are ``fan_in`` and ``fan_out`` where that isn't so, as in a kernel; for biases, which have no inputs, both
    are their number. The same seed draws the same
    numbers. Raises ``CatalogueError`` for a setting that the initialiser doesn't have and for one that makes no sense.

    >>> from chainrule.catalogue.initialisers import find_initialiser
    >>> draw(find_initialiser("constant"), (2, 3), np.random.default_rng(0), {"value": 0.5})
    array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]])
    """
    names = _numbers(initialiser, settings or {})
    fan_in, fan_out = fans or ((shape[-1], shape[0]) if shape else (1, 1))
    names |= {"fan_in": float(fan_in), "fan_out": float(fan_out)}
    ledger = {name: np.array(value) for name, value in names.items()}

    def number(formula: str) -> float:
        # A setting may have a name that means something else in a formula: mean.
        return names[formula] if formula in names else float(evaluate(parse_expression(formula), ledger, {}, {}))

    match initialiser.distribution:
        case "constant":
            return np.full(shape, number(initialiser.mean))
        case "uniform":
            low, high = number(initialiser.low), number(initialiser.high)
            if not 0 <= high - low < inf:
                raise CatalogueError(f"{initialiser.name} draws from low to high; {low:g} to {high:g} is no such range")
            return np.asarray(rng.uniform(low, high, shape))
        case "normal":
            mean, deviation = number(initialiser.mean), number(initialiser.deviation)
            if deviation < 0:
                raise CatalogueError(f"{initialiser.name} has a deviation of 0 or more, not {deviation:g}")
            return np.asarray(rng.normal(mean, deviation, shape))
        case _:
            return number(initialiser.mean) * _orthogonal(shape, rng)


def _numbers(initialiser: Initialiser, settings: Mapping[str, float]) -> dict[str, float]:
    """The initialiser's settings, those given in the place of the row's own."""
    known = {name: float(value) for name, value in initialiser.settings}
    for name, value in settings.items():
        if name not in known:
            has = f"its settings are {', '.join(known)}" if known else "it has no settings"
            raise CatalogueError(f"{initialiser.name} has no setting {name}; {has}")
        if not isfinite(value):
            raise CatalogueError(f"{name} of {initialiser.name} must be a finite number, not {value}")
    return known | dict(settings)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A matrix with orthonormal rows, or columns where there are more rows than columns."""
    if len(shape) != 2:
        raise CatalogueError("orthogonal start values need a matrix of weights")
    rows, columns = shape
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    signed: npt.NDArray[np.float64] = q * np.sign(np.diagonal(r))  # else the signs are LAPACK's choice
    return signed if rows >= columns else signed.T
