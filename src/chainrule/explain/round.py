"""One round of a network with its numbers: what a worked example is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from chainrule.explain.names import Names
from chainrule.numbers.evaluate import FLOAT, Arithmetic
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Definition, Role


@dataclass(frozen=True, slots=True)
class Shorter:
    """A shorter form of the derivative by ``family`` that is taught, ``delta = out - target``, and when it holds.

    ``definition`` is the form, as a definition of that derivative. It is all of it, or what comes ``through`` the
    derivatives by these families.
    """

    family: str
    definition: Definition
    condition: str = ""
    through: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """What people say of a program's families.

    ``axes`` has a word for each axis of a family (``("sample", "place", "seen place")``), empty where there is none;
    ``parts`` the same for naming the parts of a sum. ``called`` is what a family is called ("scores"), ``ways`` what a
    derivative that comes through it is said to come through. The short view leaves out the
    derivatives by the families in ``omitted``.
    """

    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()


class LayerLine(NamedTuple):
    """A layer in the table at the head: its name, its kind, what was chosen for it, and the shape of what it gives."""

    name: str
    kind: str
    settings: str
    gives: str


@dataclass(frozen=True, slots=True)
class Round:
    """The names and the numbers of one round: forward pass, derivatives and updates.

    ``before`` is the number of rounds done before this one. ``conventions`` are the header's lines, a label and a
    text; ``layers`` is the table of layers, empty for a network that is drawn. ``typed`` has the given numbers as a
    person typed them, Decimals by family. ``afterwards`` are the values of the forward pass with the updated
    parameters. ``words`` is what people say of the families.
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
    words: Words = Words()
    layers: tuple[LayerLine, ...] = ()


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
