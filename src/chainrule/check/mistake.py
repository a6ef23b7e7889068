"""What a row of mistakes is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.check.bends import Bend
from chainrule.program.program import Program


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: what it is, why it is wrong, and how it bends the formulas.

    ``bend`` gives the ways in which it can be made in a program; none where it can't be made. ``plausible`` orders
    mistakes that explain the same numbers. ``example`` is a network of ``chainrule list``, or of
    ``example_networks``, and a quantity that it spoils. ``source`` says who made it.
    """

    id: str
    text: str
    why: str
    bend: Callable[[Program], Iterator[Bend]]
    example: tuple[str, str]
    plausible: float = 0.5
    source: str = ""
    general: bool = False  # it has no reason of its own: any small change of a formula
