"""Many numbers at once as a kind of number: one evaluation of a formula for a whole array of candidates."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.numbers.arithmetic import FLOAT, Arithmetic

ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "log1p": np.log1p,
    "expm1": np.expm1, "tanh": np.tanh, "abs": np.abs, "sign": np.sign, "pi": lambda: np.asarray(np.pi),
    "erf": np.vectorize(FLOAT.functions["erf"], otypes=[float]),
}  # fmt: skip
RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip

VECTOR = Arithmetic(
    "array",
    np.ndarray,
    lambda value: np.asarray(value, float),
    ELEMENTWISE,
    lambda a, b: np.divide(a, b),
    lambda a, b: np.power(a, b),
    lambda a, b: np.maximum(a, b),
    RELATIONS,
    lambda holds, then, otherwise: np.where(holds, then, otherwise),
)
