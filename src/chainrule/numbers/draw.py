"""Start values drawn from an initialiser."""

from collections.abc import Mapping

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
) -> npt.NDArray[np.float64]:
    """An array of start values; a row of ``shape`` is a neuron, a column one of its inputs.

    Raises ``CatalogueError`` for a setting that the initialiser doesn't have.
    """
    known = {name: float(value) for name, value in initialiser.settings}
    unknown = sorted(set(settings or {}) - set(known))
    if unknown:
        has = f"its settings are {', '.join(known)}" if known else "it has no settings"
        raise CatalogueError(f"{initialiser.name} has no setting {unknown[0]}; {has}")
    names = known | dict(settings or {})
    names |= {"fan_out": float(shape[0]), "fan_in": float(shape[-1])}

    def number(formula: str) -> float:
        return float(evaluate(parse_expression(formula), {k: np.array(v) for k, v in names.items()}, {}, {}))

    match initialiser.distribution:
        case "constant":
            return np.full(shape, number(initialiser.mean))
        case "uniform":
            return rng.uniform(number(initialiser.low), number(initialiser.high), shape)
        case "normal":
            return rng.normal(number(initialiser.mean), number(initialiser.deviation), shape)
        case _:
            return number(initialiser.mean) * _orthogonal(shape, rng)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A matrix with orthonormal rows, or columns where there are more rows than columns."""
    if len(shape) != 2:
        raise CatalogueError("orthogonal start values need a matrix of weights")
    rows, columns = shape
    normal = rng.normal(size=(max(shape), min(shape)))
    q, r = np.linalg.qr(normal)
    q = q * np.sign(np.diagonal(r))
    return q if rows >= columns else q.T
