"""One round of a network with its numbers: what a worked example is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from chainrule.explain.names import Names
from chainrule.formula.expression import Expr
from chainrule.numbers.evaluate import FLOAT, Arithmetic
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Definition, Role


@dataclass(frozen=True, slots=True)
class Shorter:
    """A shorter form of a derivative that is taught, ``delta = out - target``, and the condition it needs.

    ``formula`` and ``given`` are over the letters of ``family``'s axes. ``given`` is None where it always holds.
    """

    family: str
    formula: Expr
    condition: str


@dataclass(frozen=True, slots=True)
class Round:
    """The names and the numbers of one round: forward pass, derivatives and updates.

    ``before`` is the number of rounds done before this one. ``conventions`` are the header's lines, a label and a
    text. ``typed`` has the given numbers as a person typed them, Decimals by family. ``afterwards`` are the values of
    the forward pass with the updated parameters.
    """

    title: str
    names: Names
    ledger: Ledger
    before: int = 0
    conventions: tuple[tuple[str, str], ...] = ()
    typed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    afterwards: Ledger | None = None
    shorter: tuple[Shorter, ...] = ()
    arithmetic: Arithmetic = FLOAT


def forward_definitions(names: Names) -> tuple[Definition, ...]:
    """The definitions before the first derivative, but only those that aren't updates."""
    return tuple(each for each in names.program.definitions if _part(names, each) == "forward")


def backward_definitions(names: Names) -> tuple[Definition, ...]:
    """The definitions of the derivatives."""
    return tuple(each for each in names.program.definitions if _part(names, each) == "backward")


def update_definitions(names: Names) -> tuple[Definition, ...]:
    """The definitions of the optimizer."""
    return tuple(each for each in names.program.definitions if _part(names, each) == "update")


def _part(names: Names, definition: Definition) -> str:
    families = names.program.families
    if families[definition.target].role == Role.ADJOINT:
        return "backward"
    targets = [each.target for each in names.program.definitions]
    derivatives = [i for i, target in enumerate(targets) if families[target].role == Role.ADJOINT]
    if derivatives and targets.index(definition.target) > derivatives[0]:
        return "update"
    return "forward"
