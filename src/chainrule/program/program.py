"""A program: families of numbers and the list of formulas that define them, in the order of calculation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile

from chainrule.formula.expression import Expr


class Role(StrEnum):
    """What a family is in the calculation."""

    INPUT = "input"
    TARGET = "target"
    PARAMETER = "parameter"
    STATE = "state"  # what an optimizer carries from round to round: momentum, Adam's m and v
    SETTING = "setting"  # a number that is chosen: the learning rate, beta1; and the number of the round
    VALUE = "value"
    LOSS = "loss"
    ADJOINT = "adjoint"  # the derivative of the loss with respect to the family `of`
    UPDATED = "updated"  # the family `of` (a parameter or a state) after the round


GIVEN = frozenset({Role.INPUT, Role.TARGET, Role.PARAMETER, Role.STATE, Role.SETTING})


@dataclass(frozen=True, slots=True)
class Family:
    """A named quantity with axes.

    ``axes`` are the letters it is written with (``("j", "i")`` for ``w_h[j,i]``), ``shape`` their sizes. ``of`` names
    the family that an adjoint, an updated parameter or a state belongs to; ``layer`` the layer that it is part of.
    """

    name: str
    role: Role
    axes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    of: str = ""
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """``target[indices] = formula``, for each value of the indices.

    ``sizes`` gives the size of every letter: of ``indices``, and of those that the formula sums over. All letters of a
    definition are different. ``stable`` computes the same without overflow, for engines.
    """

    target: str
    indices: tuple[str, ...]
    formula: Expr
    sizes: Mapping[str, int] = field(default_factory=dict)
    stable: Expr | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Program:
    """Families by name, and definitions in an order in which each uses only what is given or defined before."""

    families: Mapping[str, Family]
    definitions: tuple[Definition, ...] = ()


class Same:
    """A program as the key of a cache: equal to itself alone, so that no formulas are compared."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __hash__(self) -> int:
        return id(self.program)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.program is self.program


def forward_part(program: Program) -> Program:
    """The forward pass alone: what is given, and the definitions before the first derivative."""
    families = program.families
    forward = tuple(takewhile(lambda each: families[each.target].role != Role.ADJOINT, program.definitions))
    left_out = {each.target for each in program.definitions[len(forward) :]}
    return Program({name: each for name, each in families.items() if name not in left_out}, forward)


def with_role(program: Program, *roles: Role) -> Iterator[Family]:
    """The families that have one of the roles, in their order."""
    return (family for family in program.families.values() if family.role in roles)


def definition_of(program: Program, name: str) -> Definition | None:
    """The definition of a family, or None for one that is given."""
    return next((each for each in program.definitions if each.target == name), None)


def adjoint_name(name: str) -> str:
    """The name of the family that holds the derivatives of the loss with respect to family ``name``."""
    return f"d_{name}"


def updated_name(name: str) -> str:
    """The name of the family that holds ``name`` after the round."""
    return f"{name}_next"
