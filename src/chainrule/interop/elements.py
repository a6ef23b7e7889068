"""The elements of arrays: which ones files and libraries have, and as which floats they are read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BFLOAT16 = "bfloat16"  # NumPy has no such type: the upper half of a float32


def from_bytes(data: bytes, element: str) -> NDArray[Any]:
    """A flat array from its bytes. ``element`` is a NumPy type string, or ``bfloat16`` with ``<`` or ``>`` before it.

    >>> from_bytes(bytes([0xC0, 0x3F]), "<bfloat16")
    array([1.5], dtype=float16)
    """
    if not element.endswith(BFLOAT16):
        return np.frombuffer(data, np.dtype(element))
    halves = np.frombuffer(data, np.dtype(element[0] + "u2")).astype(np.uint32)
    return halved((halves << 16).view(np.float32))


def halved(array: NDArray[np.float32]) -> NDArray[Any]:
    """Numbers that were bfloat16 as float16, which says that they were rounded to two bytes.

    As float32 where float16 can't have them: too large, or so small that float16 would round them more.

    >>> halved(np.array([1e10], np.float32)).dtype
    dtype('float32')
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = array.astype(np.float16)
        back = found.astype(np.float32)
        close = np.abs(back - array) <= 2.0**-9 * np.abs(array)
    fits = close | np.isnan(array) | (np.isinf(array) & (back == array))
    return found if bool(fits.all()) else array


def as_floats(array: NDArray[Any]) -> NDArray[np.floating] | None:
    """An array's numbers as floats in the machine's byte order; None for truth values, texts, records, complex numbers.

    >>> as_floats(np.array([1, 2])), as_floats(np.array(["a"]))
    (array([1., 2.]), None)
    """
    if array.dtype.name == BFLOAT16:  # as JAX gives it
        return halved(array.astype(np.float32))
    match array.dtype.kind:
        case "f" if array.dtype.itemsize <= 8:
            return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
        case "f" | "i" | "u":
            return array.astype(np.float64)
    return None
