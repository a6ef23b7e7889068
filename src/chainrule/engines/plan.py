"""A plan: a program as a flat list of array instructions, which a backend executes.

Each instruction makes one array, known by its place in the list, from arrays that stand before it. Nothing depends on
the numbers: shapes, orders of axes and index tables are settled when the plan is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from numpy.typing import NDArray

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """The numbers of a family that no formula defines."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    value: NDArray[Any]  # float64, integers for index tables, or bool for masks


@dataclass(frozen=True, slots=True)
class Apply:
    """An elementwise function with NumPy's broadcasting: ``add``, ``exp``, ``greater``, ``where``, ..."""

    function: str
    args: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrange:
    """The axes in another order, then another shape: axes of size 1 put in, neighbours joined or parted."""

    source: int
    order: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Read:
    """Entries at affine places, all in range: result[a, b, ...] = source[start + a*steps[0] + b*steps[1] + ...].

    ``start`` and each of ``steps`` (one for an axis of the result) have a number for each axis of the source.
    """

    source: int
    start: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Take:
    """Entries along one axis, in the order of a table of indices; the table's axes stand in that axis's place."""

    source: int
    axis: int
    table: int


@dataclass(frozen=True, slots=True)
class Reduce:
    """The sum (``add``) or the largest (``maximum``) over axes, which disappear."""

    function: str
    source: int
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """The matrix product as ``matmul`` has it: of the last two axes, axes before them run along both; or of vectors.

    A backend that fuses elementwise steps should do a small one as multiply-and-sum.
    """

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The same numbers along new axes or along axes of size 1."""

    source: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Join:
    """Arrays one after the other along an axis."""

    sources: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A plan that is repeated: each time with what it gave the time before, and the next entry of some arrays.

    ``starts``, ``sliced`` and ``same`` say which array each of the body's given names has: at first, when the result of
    the same name takes its place; an entry along the first axis, in order or ``backwards``; and all of it each time.
    It makes no array but one for each result in ``kept``, with the repetitions as first axis: an `Item` picks it.
    """

    body: "Plan"
    count: int
    backwards: bool
    starts: tuple[tuple[str, int], ...]
    sliced: tuple[tuple[str, int], ...]
    same: tuple[tuple[str, int], ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One of the arrays that a `Scan` makes."""

    source: int
    at: int


Instruction = Given | Constant | Apply | Arrange | Read | Take | Reduce | Product | Spread | Join | Scan | Item


@dataclass(frozen=True, slots=True)
class Plan:
    """The instructions in their order, the shape that each one makes, and where the wanted families are."""

    instructions: tuple[Instruction, ...]
    shapes: tuple[Shape, ...]
    results: Mapping[str, int]


def inputs(instruction: Instruction) -> tuple[int, ...]:
    """The places of the arrays that an instruction reads."""
    match instruction:
        case Given() | Constant():
            return ()
        case Apply(_, args) | Join(args):
            return args
        case Take(source, _, table):
            return (source, table)
        case Product(left, right):
            return (left, right)
        case Scan():
            return tuple(place for _, place in (*instruction.starts, *instruction.sliced, *instruction.same))
        case Arrange() | Read() | Reduce() | Spread() | Item():
            return (instruction.source,)
        case _:
            assert_never(instruction)


def moved(instruction: Instruction, places: Mapping[int, int]) -> Instruction:
    """The instruction where the arrays that it reads stand at other places."""
    match instruction:
        case Given() | Constant():
            return instruction
        case Apply(_, args):
            return replace(instruction, args=tuple(places[arg] for arg in args))
        case Join(sources):
            return replace(instruction, sources=tuple(places[source] for source in sources))
        case Take(source, _, table):
            return replace(instruction, source=places[source], table=places[table])
        case Product(left, right):
            return Product(places[left], places[right])
        case Scan(_, _, _, starts, sliced, same):
            elsewhere = [tuple((name, places[at]) for name, at in each) for each in (starts, sliced, same)]
            return replace(instruction, starts=elsewhere[0], sliced=elsewhere[1], same=elsewhere[2])
        case Arrange() | Read() | Reduce() | Spread() | Item():
            return replace(instruction, source=places[instruction.source])
        case _:
            assert_never(instruction)
