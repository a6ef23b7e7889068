"""Entries of arrays at indices made of letters: as they are, at affine places, or by a table."""

from dataclasses import dataclass

import numpy as np

from chainrule.engines.building import Builder, Letters, Value
from chainrule.engines.plan import Arrange, Join, Read, Shape, Spread, Take
from chainrule.engines.windows import digits
from chainrule.formula.expression import Index, letter
from chainrule.program.sizes import index_range


@dataclass(frozen=True, slots=True)
class Stored:
    """A family's array: for each of its axes, which axis of the family it is. Others would hold the same number."""

    place: int
    axes: tuple[int, ...]
    shape: tuple[int, ...]  # the family's own, with all axes


def with_all_axes(place: int, shape: Shape) -> Stored:
    """An array that has all axes of its family."""
    return Stored(place, tuple(range(len(shape))), shape)


def whole(stored: Stored, builder: Builder) -> int:
    """The place of a family's array with all of its axes, in their order."""
    present = tuple(sorted(stored.axes))
    shape = tuple(size if axis in present else 1 for axis, size in enumerate(stored.shape))
    place = stored.place
    if present != stored.axes or shape != builder.shapes[place]:
        place = builder.emit(Arrange(place, tuple(stored.axes.index(axis) for axis in present), shape), shape)
    return place if shape == stored.shape else builder.emit(Spread(place, stored.shape), stored.shape)


def in_range(index: Index, size: int, letters: Letters) -> bool:
    low, high = index_range(index, letters.sizes)
    return low >= 0 and high < size


def entries(stored: Stored, indices: list[Index], letters: Letters) -> Value:
    """The entries of an array at indices, an index for each of its axes."""
    builder = letters.builder
    sizes = builder.shapes[stored.place]
    used = tuple(dict.fromkeys(name for index in indices for name, _ in index.terms))
    if not all(in_range(index, size, letters) for index, size in zip(indices, sizes, strict=True)):
        return _clipped(stored, indices, letters)
    bare = tuple(Index(((name, 1),)) for name in used)
    if tuple(indices) == bare and letters.shape(used) == sizes:
        return Value(stored.place, used)
    parts = [digits(index, size, letters.sizes) or () for index, size in zip(indices, sizes, strict=True)]
    names = tuple(name for each in parts for name in each)
    if any(len(each) > 1 for each in parts) and all(parts) and len(set(names)) == len(names):
        shape = letters.shape(names)
        return Value(builder.emit(Arrange(stored.place, tuple(range(len(sizes))), shape), shape), names)
    start = tuple(index.constant for index in indices)
    steps = tuple(tuple(dict(index.terms).get(name, 0) for index in indices) for name in used)
    return Value(builder.emit(Read(stored.place, start, steps, letters.shape(used)), letters.shape(used)), used)


def _clipped(stored: Stored, indices: list[Index], letters: Letters) -> Value:
    """The entries at indices that leave the array where a test around them fails: there the nearest entry."""
    builder, place = letters.builder, stored.place
    sizes = builder.shapes[place]
    used = [name for index in indices for name, _ in index.terms]
    if len(set(used)) < len(used):
        return _from_list(place, indices, letters)
    axes: list[Index] = []
    for index, size in zip(indices, sizes, strict=True):
        if in_range(index, size, letters):
            axes.append(index)
            continue
        place = _shifted(place, len(axes), index, letters) or _taken(place, len(axes), index, letters)
        axes.extend(letter(name) for name in letters.ordered([name for name, _ in index.terms]))
    shape = builder.shapes[place]
    return entries(with_all_axes(place, shape), axes, letters)


def _from_list(place: int, indices: list[Index], letters: Letters) -> Value:
    """The same where a letter stands in several of the indices: by one table of places in the flattened array."""
    builder = letters.builder
    sizes = builder.shapes[place]
    flat = Value(builder.constant(np.array(0)))
    for index, size in zip(indices, sizes, strict=True):
        flat = letters.apply("multiply", flat, letters.integer(size))
        flat = letters.apply("add", flat, _table(index, size, letters))
    count = int(np.prod(sizes))
    place = builder.emit(Arrange(place, tuple(range(len(sizes))), (count,)), (count,))
    return Value(builder.emit(Take(place, 0, flat.place), letters.shape(flat.axes)), flat.axes)


def _taken(place: int, axis: int, index: Index, letters: Letters) -> int:
    """The entries along an axis by a table of indices."""
    shape = letters.builder.shapes[place]
    table = _table(index, shape[axis], letters)
    taken = (*shape[:axis], *letters.shape(table.axes), *shape[axis + 1 :])
    return letters.builder.emit(Take(place, axis, table.place), taken)


def _shifted(place: int, axis: int, index: Index, letters: Letters) -> int | None:
    """The entries along an axis at a letter and a number, the first or last one repeated beyond the ends."""
    builder, shape = letters.builder, letters.builder.shapes[place]
    if len(index.terms) != 1 or index.terms[0][1] != 1:
        return None
    count, size = letters.sizes[index.terms[0][0]], shape[axis]
    before, behind = max(0, -index.constant), max(0, count + index.constant - size)
    inside = count - before - behind
    if inside < 1:
        return None

    def part(first: int, many: int, step: int) -> int:
        start = tuple(first if at == axis else 0 for at in range(len(shape)))
        own = tuple(many if at == axis else each for at, each in enumerate(shape))
        along = [step if at == axis else 1 for at in range(len(shape))]
        steps = tuple(tuple(along[at] if at == other else 0 for other in range(len(shape))) for at in range(len(shape)))
        return builder.emit(Read(place, start, steps, own), own)

    parts = [(0, before, 0), (before + index.constant, inside, 1), (size - 1, behind, 0)]
    joined = (*shape[:axis], count, *shape[axis + 1 :])
    return builder.emit(Join(tuple(part(*each) for each in parts if each[1]), axis), joined)


def _table(index: Index, size: int, letters: Letters) -> Value:
    """The values of an index, kept between 0 and the last entry."""
    axes = letters.ordered([name for name, _ in index.terms])
    grids = np.meshgrid(*(np.arange(letters.sizes[name]) for name in axes), indexing="ij", sparse=True)
    total = index.constant + sum(
        (dict(index.terms)[name] * grid for name, grid in zip(axes, grids, strict=True)), start=np.array(0)
    )
    return Value(letters.builder.constant(np.clip(total, 0, size - 1)), axes)
