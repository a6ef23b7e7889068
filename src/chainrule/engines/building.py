"""Making a plan: arrays whose axes carry the letters of a formula, each instruction emitted once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engines.arrays import operation
from chainrule.engines.plan import (
    Apply,
    Arrange,
    Constant,
    Given,
    Instruction,
    Plan,
    Reduce,
    Scan,
    Shape,
    inputs,
    moved,
)


@dataclass(frozen=True, slots=True)
class Value:
    """An array of the plan, and the letter that runs along each of its axes."""

    place: int
    axes: tuple[str, ...] = ()


class Builder:
    """The instructions so far. The same instruction is emitted once; what needs only constants is done at once."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.shapes: list[Shape] = []
        self._places: dict[object, int] = {}

    def emit(self, instruction: Instruction, shape: Shape) -> int:
        """The place of the array that an instruction makes."""
        sources = [self.instructions[place] for place in inputs(instruction)]
        arrays = [each.value for each in sources if isinstance(each, Constant)]
        if sources and len(arrays) == len(sources) and not isinstance(instruction, Scan):
            with np.errstate(all="ignore"):
                return self.constant(operation(instruction, self.shapes)(*arrays))
        return self._place(instruction, instruction, shape)

    def constant(self, value: NDArray[Any]) -> int:
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        array.flags.writeable = False
        return self._place((array.shape, array.dtype.str, array.tobytes()), Constant(array), array.shape)

    def given(self, name: str, shape: Shape) -> int:
        return self.emit(Given(name), shape)

    def constant_at(self, value: Value) -> NDArray[Any] | None:
        """The numbers of an array that is known already."""
        instruction = self.instructions[value.place]
        return instruction.value if isinstance(instruction, Constant) else None

    def _place(self, key: object, instruction: Instruction, shape: Shape) -> int:
        if key not in self._places:
            self._places[key] = len(self.instructions)
            self.instructions.append(instruction)
            self.shapes.append(shape)
        return self._places[key]


def plan_of(builder: Builder, results: Mapping[str, int]) -> Plan:
    """What has been built, without instructions whose arrays nobody reads: what a simpler form has replaced."""
    alive = set(results.values())
    for place in reversed(range(len(builder.instructions))):
        if place in alive:
            alive.update(inputs(builder.instructions[place]))
    places = {old: new for new, old in enumerate(sorted(alive))}
    return Plan(
        tuple(moved(builder.instructions[old], places) for old in places),
        tuple(builder.shapes[old] for old in places),
        {name: places[old] for name, old in results.items()},
    )


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of a definition with their sizes, in the order in which the axes of a result stand."""

    builder: Builder
    sizes: Mapping[str, int]

    def ordered(self, letters: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in self.sizes if name in letters)

    def shape(self, letters: Collection[str]) -> Shape:
        return tuple(self.sizes[name] for name in letters)

    def count(self, letters: Collection[str]) -> int:
        return prod(self.shape(letters))

    def number(self, value: float) -> Value:
        return Value(self.builder.constant(np.array(float(value))))

    def integer(self, value: int) -> Value:
        return Value(self.builder.constant(np.array(value)))

    def arranged(self, value: Value, axes: tuple[str, ...], shape: Shape) -> int:
        """The array with its axes in the order of ``axes``, which are all of them, in a shape of the same count."""
        order = tuple(value.axes.index(name) for name in axes)
        if axes == value.axes and shape == self.builder.shapes[value.place]:
            return value.place
        return self.builder.emit(Arrange(value.place, order, shape), shape)

    def aligned(self, value: Value, axes: tuple[str, ...]) -> int:
        """The array so that it broadcasts against one with these axes."""
        have = tuple(name for name in axes if name in value.axes)
        inner = axes[axes.index(have[0]) :] if have else ()
        return self.arranged(value, have, tuple(self.sizes[name] if name in have else 1 for name in inner))

    def apply(self, function: str, *values: Value) -> Value:
        """An elementwise function of arrays along all of their letters."""
        axes = self.ordered({name for value in values for name in value.axes})
        places = tuple(self.aligned(value, axes) for value in values)
        return Value(self.builder.emit(Apply(function, places), self.shape(axes)), axes)

    def multiply(self, values: list[Value]) -> Value:
        """A product, small arrays first."""
        first, *rest = sorted(values, key=lambda value: self.count(value.axes))
        for value in rest:
            first = self.apply("multiply", first, value)
        return first

    def reduce(self, function: str, value: Value, letters: Collection[str]) -> Value:
        """The sum (``add``) or the largest (``maximum``) over those of the letters that the array has."""
        axes = tuple(at for at, name in enumerate(value.axes) if name in letters)
        left = tuple(name for name in value.axes if name not in letters)
        if not axes:
            return value
        return Value(self.builder.emit(Reduce(function, value.place, axes), self.shape(left)), left)
