"""Entries of arrays at indices made of letters: as they are, at affine places, or by a table."""

from dataclasses import dataclass

import numpy as np

from chainrule.engines.building import Letters, Value
from chainrule.engines.plan import Arrange, Read, Take
from chainrule.formula.expression import Index
from chainrule.program.sizes import index_range


@dataclass(frozen=True, slots=True)
class Stored:
    """A family's array: for each of its axes, which axis of the family it is. Others would hold the same number."""

    place: int
    axes: tuple[int, ...]
    shape: tuple[int, ...]  # the family's own, with all axes


def in_range(index: Index, size: int, letters: Letters) -> bool:
    low, high = index_range(index, letters.sizes)
    return low >= 0 and high < size


def entries(stored: Stored, indices: list[Index], letters: Letters) -> Value:
    """The entries of an array at indices, an index for each of its axes."""
    builder = letters.builder
    sizes = builder.shapes[stored.place]
    used = tuple(dict.fromkeys(name for index in indices for name, _ in index.terms))
    if not all(in_range(index, size, letters) for index, size in zip(indices, sizes, strict=True)):
        return _clipped(stored.place, indices, letters)
    bare = tuple(Index(((name, 1),)) for name in used)
    if tuple(indices) == bare and letters.shape(used) == sizes:
        return Value(stored.place, used)
    start = tuple(index.constant for index in indices)
    steps = tuple(tuple(dict(index.terms).get(name, 0) for index in indices) for name in used)
    return Value(builder.emit(Read(stored.place, start, steps, letters.shape(used)), letters.shape(used)), used)


def _clipped(place: int, indices: list[Index], letters: Letters) -> Value:
    """The entries at indices that leave the array where a test around them fails: there the nearest entry."""
    builder = letters.builder
    sizes = builder.shapes[place]
    tables = [_table(index, size, letters) for index, size in zip(indices, sizes, strict=True)]
    every = [name for table in tables for name in table.axes]
    if len(set(every)) < len(every):
        # A letter in several axes: one table of places in the flattened array.
        flat = Value(builder.constant(np.array(0)))
        for table, size in zip(tables, sizes, strict=True):
            flat = letters.apply("add", letters.apply("multiply", flat, letters.integer(size)), table)
        place = builder.emit(Arrange(place, tuple(range(len(sizes))), (int(np.prod(sizes)),)), (int(np.prod(sizes)),))
        tables = [flat]
    for axis, table in reversed(list(enumerate(tables))):
        shape = builder.shapes[place]
        place = builder.emit(
            Take(place, axis, table.place), (*shape[:axis], *letters.shape(table.axes), *shape[axis + 1 :])
        )
    return Value(place, tuple(name for table in tables for name in table.axes))


def _table(index: Index, size: int, letters: Letters) -> Value:
    """The values of an index, kept between 0 and the last entry."""
    axes = letters.ordered([name for name, _ in index.terms])
    grids = np.meshgrid(*(np.arange(letters.sizes[name]) for name in axes), indexing="ij", sparse=True)
    total = index.constant + sum(
        (dict(index.terms)[name] * grid for name, grid in zip(axes, grids, strict=True)), start=np.array(0)
    )
    return Value(letters.builder.constant(np.clip(total, 0, size - 1)), axes)
