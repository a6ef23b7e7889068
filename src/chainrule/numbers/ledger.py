"""The ledger: the numbers of a program, an array for each family."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.program.program import Family, Program
from chainrule.program.sizes import shape_text

# Family name -> array of the family's shape: float64, or object for other kinds of number.
Ledger = Mapping[str, NDArray[Any]]


class LedgerError(ValueError):
    """Numbers that don't fit a program: a family without numbers, a wrong shape, an index out of range."""


def given_families(program: Program) -> tuple[Family, ...]:
    """The families that no formula defines: their numbers must be given."""
    defined = {definition.target for definition in program.definitions}
    return tuple(family for family in program.families.values() if family.name not in defined)


def given_array(family: Family, ledger: Ledger) -> NDArray[Any]:
    """A given family's numbers, their shape checked.

    Raises `LedgerError` where they are missing or have another shape.

    >>> from chainrule.program.program import Role
    >>> given_array(Family("w", Role.PARAMETER, ("j", "i"), (1, 2)), {"w": np.array([[0.15, 0.20]])})
    array([[0.15, 0.2 ]])
    """
    if family.name not in ledger:
        close = get_close_matches(family.name, ledger, 1)
        meant = f"; {close[0]} is there: is that what is meant?" if close else ""
        raise LedgerError(
            f"{family.name} has no numbers: give it {_needed(family.shape)}, for it is no formula's result{meant}"
        )
    array = np.asarray(ledger[family.name])
    if array.shape != family.shape:
        raise LedgerError(
            f"{family.name} has the shape {shape_text(array.shape)}, but {_written(family)} needs "
            f"{shape_text(family.shape)}"
        )
    return array


def _needed(shape: tuple[int, ...]) -> str:
    return f"{shape_text(shape)} numbers" if shape else "a number"


def _written(family: Family) -> str:
    return f"{family.name}[{','.join(family.axes)}]" if family.axes else family.name
