"""Numbers and arrays of whatever library, recognised by what they can do."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.check.typed import EXACT, Typed, of_float, of_whole, typed
from chainrule.interop.elements import as_floats, halved


def number_of(value: Any) -> Typed | None:
    """A number of Python's, NumPy's or another library's kind, or a text that is one; None for anything else.

    >>> number_of(0.3775).unit, number_of("3.8e-4").unit, number_of(True)
    (Decimal('0.0001'), Decimal('0.00001'), None)
    """
    match value:
        case bool() | np.bool_():
            return None
        case str():
            return typed(value)
        case int() | np.integer():
            return of_whole(int(value))
        case float() | np.floating():
            return of_float(value)
        case Decimal():
            return typed(str(value))
        case Fraction():
            return Typed(str(value), Decimal(value.numerator) / Decimal(value.denominator), EXACT)
    if hasattr(value, "_mpf_"):  # of mpmath, whose text has the digits it works with
        return typed(str(value))
    if hasattr(value, "__float__") and not hasattr(value, "__array__") and not hasattr(value, "__len__"):
        try:
            return of_float(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
    return None


def as_array(value: Any) -> NDArray[np.floating] | None:
    """An array of floats from a tensor or an array of any library; None for anything else."""
    if isinstance(value, np.generic | str | bytes):
        return None
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):  # PyTorch
            value = value.detach().cpu()
            if "bfloat16" in str(value.dtype):
                return halved(np.asarray(value.float().numpy()))
            return as_floats(np.asarray(value.numpy()))
        return as_floats(np.asarray(value)) if hasattr(value, "__array__") else None
    except (TypeError, ValueError, RuntimeError):
        return None
