"""The ledger: every value of a program, an array for each family."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.program.program import Program
from chainrule.program.sizes import shape_text

Array = npt.NDArray[Any]
Ledger = Mapping[str, Array]


class LedgerError(ValueError):
    """Numbers that don't fit the program: one is missing, or an array has the wrong shape."""


def check_given(program: Program, given: Ledger) -> None:
    """Every family that no formula defines must have its numbers, in its shape. Raises `LedgerError`."""
    defined = {definition.target for definition in program.definitions}
    for name, family in program.families.items():
        if name in defined:
            continue
        if name not in given:
            raise LedgerError(f"{name} has no numbers; it needs {shape_text(family.shape)}")
        found = np.shape(given[name])
        if found != family.shape:
            raise LedgerError(f"{name} needs {shape_text(family.shape)}, but its numbers are {shape_text(found)}")


def first_not_finite(program: Program, ledger: Ledger) -> tuple[str, tuple[int, ...]] | None:
    """Where a NaN or an infinity first stands in order of calculation: the family and the index, counted from 0."""
    defined = [definition.target for definition in program.definitions]
    given = [name for name in program.families if name not in set(defined)]
    for name in (*given, *defined):
        if name in ledger:
            bad = np.argwhere(~np.isfinite(np.asarray(ledger[name], dtype=float)))
            if len(bad):
                return name, tuple(int(each) for each in bad[0])
    return None
