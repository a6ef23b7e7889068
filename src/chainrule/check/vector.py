"""Many numbers at once as a kind of number: one evaluation of a formula for a whole array of candidates."""

from typing import Any

import numpy as np

from chainrule.numbers.arithmetic import FLOAT, Arithmetic


def _vector(function: Any) -> Any:
    """A function of one float as one of arrays."""
    elementwise = np.vectorize(function, otypes=[float])
    return lambda *args: elementwise(*args)


VECTOR = Arithmetic(
    "array",
    np.ndarray,
    lambda value: np.asarray(value, float),
    {name: _vector(function) for name, function in FLOAT.functions.items()},
    lambda a, b: np.divide(a, b),
    lambda a, b: np.power(a, b),
    lambda a, b: np.maximum(a, b),
    {
        "<": np.less,
        "<=": np.less_equal,
        ">": np.greater,
        ">=": np.greater_equal,
        "==": np.equal,
        "!=": np.not_equal,
    },
    lambda holds, then, otherwise: np.where(holds, then, otherwise),
)
