"""What every engine needs to repeat a program: what is carried over, and what changes from round to round."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.engines.plan import Given, Plan
from chainrule.numbers.ledger import Ledger, LedgerError, given_array, given_families
from chainrule.program.program import Program
from chainrule.program.sizes import shape_text

Array = NDArray[Any]
LOOP = 4096  # rounds that are done in one loop where they are short


@dataclass(frozen=True, slots=True, eq=False)
class InTurn:
    """Batches in turn, and families that count the rounds: what changes from round to round, as data.

    It can be called like any other ``feeds``, and an engine that compiles the whole loop can put it inside the loop.
    ``batches`` has arrays with one more axis in front: round ``r`` (from 0) is given ``batches[name][r % B]`` of B.
    ``counted`` has the number of the first round for each family that goes up by 1 from round to round.

    >>> feeds = InTurn({"x": np.array([[1.0, 2.0], [3.0, 4.0]])}, {"round": 1.0})
    >>> feeds(3)
    {'x': array([3., 4.]), 'round': array(4.)}
    """

    batches: Ledger = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, number: int) -> dict[str, Array]:
        fed: dict[str, Array] = {name: array[number % len(array)] for name, array in self.batches.items()}
        return fed | {name: np.array(float(first + number)) for name, first in self.counted.items()}


def given_names(plan: Plan) -> list[str]:
    """The given families that a plan reads, in the order in which its function takes them."""
    return [each.name for each in plan.instructions if isinstance(each, Given)]


def check_carry(program: Program, carry: Mapping[str, str]) -> None:
    """Raise `LedgerError` where a family can't replace another after a round."""
    given = {family.name for family in given_families(program)}
    for new, old in carry.items():
        if new not in program.families:
            raise LedgerError(f"{new} can't replace {old}: the program has no {new}")
        if old not in given:
            raise LedgerError(f"{new} can't replace {old}: that is not a given family of the program")
        if program.families[new].shape != program.families[old].shape:
            shapes = [shape_text(program.families[each].shape) for each in (new, old)]
            raise LedgerError(f"{new} can't replace {old}: the shapes are {shapes[0]} and {shapes[1]}")


def fed_arrays(program: Program, fed: Ledger, dtype: DTypeLike) -> dict[str, Array]:
    """What is given anew in a round, checked. Raises `LedgerError` where it doesn't fit the program."""
    for name in fed:
        if name not in program.families:
            raise LedgerError(f"{name} can't be given in a round: the program has no {name}")
    return {name: np.asarray(given_array(program.families[name], fed), dtype) for name in fed}
