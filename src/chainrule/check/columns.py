"""A program calculated for many changes of its formulas at once: every array has a last axis with a column for each.

What a change doesn't reach is taken from the unchanged program's numbers, so that it is the same to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from operator import add, mul
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from chainrule.check.vector import ELEMENTWISE, RELATIONS
from chainrule.formula.expression import (
    Add,
    Call,
    Div,
    Expr,
    If,
    Index,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    children,
    letter,
    refs,
)
from chainrule.formula.slopes import stable_of
from chainrule.program.blocks import Block, blocks, offset, steps
from chainrule.program.program import Definition, Program

Array = NDArray[Any]
MOST = 2_000_000  # numbers at once
SAME = 1e-13  # relative: as good as the unchanged number


@dataclass(frozen=True, slots=True)
class Change:
    """What is different in one column: other formulas, and other given numbers."""

    formulas: Mapping[str, Definition]
    given: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Pinned:
    """Numbers that stand in place of what the formulas give, where ``there`` is true."""

    there: NDArray[np.bool_]
    numbers: Array


@dataclass(frozen=True, slots=True)
class Columns:
    """The numbers of each family, with a column for each change; a single one where all are the same.

    ``found`` is what the formulas give, ``used`` the same with the pinned numbers in their places. ``possible`` says
    in which columns the formulas can be calculated at all: not where they need each other.
    """

    found: dict[str, Array]
    used: dict[str, Array]
    possible: NDArray[np.bool_]

    def of(self, family: str, index: tuple[int, ...], count: int) -> Array:
        """The number of one entry in each column."""
        return np.broadcast_to(self.found[family][index], (count,))


def columns(
    program: Program, base: Mapping[str, Array], changes: Sequence[Change], pinned: Mapping[str, Pinned]
) -> Columns:
    """The numbers of a program under each of some changes. ``base`` are those without any."""
    groups: dict[tuple[str, ...], list[int]] = {}
    orders: dict[tuple[str, ...], tuple[Block[Definition], ...]] = {}
    order = blocks(program.definitions)
    possible = np.ones(len(changes), bool)
    for place, change in enumerate(changes):
        own = order if _fits(order, change.formulas) else _reordered(program, change.formulas)
        if own is None:
            possible[place] = False
            continue
        key = tuple(each.target for block in own for each in block.lines) if own is not order else ()
        groups.setdefault(key, []).append(place)
        orders[key] = own
    found = _spread(base, len(changes))
    used = _spread(_with_pinned(base, pinned), len(changes))
    largest = max((_widest(each.formula, each.sizes, each.indices) for each in program.definitions), default=1)
    at_once = max(1, MOST // largest)
    for key, places in groups.items():
        for start in range(0, len(places), at_once):
            some = places[start : start + at_once]
            part = _Part(program, base, [changes[each] for each in some], pinned, {}, {}, {})
            _calculate(part, orders[key])
            for family in part.found:
                found.put(family, some, part.found[family])
                used.put(family, some, part.used[family])
    return Columns(found.arrays, used.arrays, possible)


def _widest(expr: Expr, sizes: Mapping[str, int], letters: Sequence[str]) -> int:
    """How many values a formula has at its innermost place, under these letters."""
    inner = (*letters, *expr.indices) if isinstance(expr, Sum | Max) else letters
    return max([prod(sizes[name] for name in inner), *(_widest(each, sizes, inner) for each in children(expr))])


@dataclass(slots=True)
class _Spread:
    """Arrays with as many columns as there are changes, once a column is different from the others."""

    arrays: dict[str, Array]
    count: int

    def put(self, family: str, places: Sequence[int], array: Array) -> None:
        if self.arrays[family].shape[-1] < self.count:
            self.arrays[family] = np.repeat(self.arrays[family], self.count, axis=-1)
        self.arrays[family][..., places] = array


def _spread(arrays: Mapping[str, Array], count: int) -> _Spread:
    return _Spread({name: np.asarray(array, float)[..., None] for name, array in arrays.items()}, count)


def _with_pinned(base: Mapping[str, Array], pinned: Mapping[str, Pinned]) -> dict[str, Array]:
    return {
        name: np.where(pinned[name].there, pinned[name].numbers, array) if name in pinned else array
        for name, array in base.items()
    }


def _fits(order: Sequence[Block[Definition]], formulas: Mapping[str, Definition]) -> bool:
    """Whether other formulas need only what stands before them in this order."""
    place = {each.target: (at, line) for at, block in enumerate(order) for line, each in enumerate(block.lines)}
    for name, changed in formulas.items():
        at, line = place[name]
        block = order[at]
        axis = {each.target: each.indices.index(block.letter) for each in block.lines} if block.letter else {}
        own = changed.indices[axis[name]] if axis else ""
        for node in refs(changed.formula):
            other, before = place.get(node.name, (-1, -1))
            if other > at or (other == at and not axis):
                return False
            if other == at:
                away = offset(node.indices[axis[node.name]], own)
                if away is None or (away == 0 and before >= line) or ((away > 0) != block.backwards and away != 0):
                    return False
    return True


def _reordered(program: Program, formulas: Mapping[str, Definition]) -> tuple[Block[Definition], ...] | None:
    """An order of calculation with other formulas; None where they need each other."""
    try:
        order = blocks([formulas.get(each.target, each) for each in program.definitions])
    except ValueError:
        return None
    own = {each.target: each for each in program.definitions}
    return tuple(replace(block, lines=tuple(own[each.target] for each in block.lines)) for block in order)


@dataclass(slots=True)
class _Part:
    """Some of the changes, calculated together; ``reached`` has the columns in which a family is another one."""

    program: Program
    base: Mapping[str, Array]
    changes: Sequence[Change]
    pinned: Mapping[str, Pinned]
    found: dict[str, Array]
    used: dict[str, Array]
    reached: dict[str, NDArray[np.bool_]]


def _calculate(part: _Part, order: Sequence[Block[Definition]]) -> None:
    count = len(part.changes)
    for family in {name for change in part.changes for name in change.given}:
        array = np.repeat(np.asarray(part.base[family], float)[..., None], count, axis=-1)
        part.reached[family] = np.zeros(count, bool)
        for place, change in enumerate(part.changes):
            if family in change.given:
                array[..., place] = change.given[family]
                part.reached[family][place] = True
        part.found[family], part.used[family] = array, _kept(part, family, array)
    changed: dict[str, dict[int, tuple[Definition, list[int]]]] = {}
    for place, change in enumerate(part.changes):
        for name, definition in change.formulas.items():
            same = changed.setdefault(name, {}).setdefault(id(definition), (definition, []))
            same[1].append(place)
    for block in order:
        _block(part, block, changed)


def _block(
    part: _Part, block: Block[Definition], changed: Mapping[str, Mapping[int, tuple[Definition, list[int]]]]
) -> None:
    """One formula, or those of a recurrence step by step, in the columns that are reached."""
    count = len(part.changes)
    reached = np.zeros(count, bool)
    for each in block.lines:
        others = changed.get(each.target, {})
        for definition, places in others.values():
            reached[places] = True
            for node in refs(definition.formula):
                if node.name in part.reached:
                    reached[places] |= part.reached[node.name][places]
        for node in refs(each.formula):
            if node.name in part.reached:
                reached |= part.reached[node.name]
    if not reached.any():
        return
    for each in block.lines:
        part.reached[each.target] = reached
        array = np.repeat(np.asarray(part.base[each.target], float)[..., None], count, axis=-1)
        part.found[each.target], part.used[each.target] = array, _kept(part, each.target, array)
    ledger = _Ledger(part)
    with np.errstate(all="ignore"):
        for step in steps(block):
            for each in block.lines:
                _line(part, ledger, each, {block.letter: step} if block.letter else {}, reached, changed)


def _line(
    part: _Part,
    ledger: "_Ledger",
    line: Definition,
    at: Mapping[str, int],
    reached: NDArray[np.bool_],
    changed: Mapping[str, Mapping[int, tuple[Definition, list[int]]]],
) -> None:
    """A family's numbers, all of them or those of one step."""
    others = list(changed.get(line.target, {}).values())
    taken = {place for _, places in others for place in places}
    left = [int(place) for place in np.flatnonzero(reached) if place not in taken]
    for definition, places in [*others, (line, left)]:
        if not places:
            continue
        here = tuple(at.get(name, slice(None)) for name in definition.indices)
        shape = tuple(definition.sizes[name] for name in definition.indices if name not in at)
        scope = _Scope(
            {name: np.asarray(value) for name, value in at.items()}, {}, len(shape), definition.sizes
        ).inside([name for name in definition.indices if name not in at], outermost=True)
        values = _value(definition.stable or definition.formula, ledger.of(places), scope)
        values = np.broadcast_to(values, (*shape, len(places)))
        old = np.asarray(part.base[line.target], float)[here][..., None]
        near = SAME * np.maximum(np.abs(old), 1e-3 * np.abs(part.base[line.target]).max(initial=0.0))
        values = np.where(np.abs(values - old) <= near, old, values)
        part.found[line.target][here][..., places] = values
        if line.target in part.pinned:
            pinned = part.pinned[line.target]
            values = np.where(pinned.there[here][..., None], pinned.numbers[here][..., None], values)
        part.used[line.target][here][..., places] = values


def _kept(part: _Part, family: str, array: Array) -> Array:
    if family not in part.pinned:
        return array.copy()
    pinned = part.pinned[family]
    return np.where(pinned.there[..., None], pinned.numbers[..., None], array)


class _Ledger:
    """The numbers that the formulas use, in some of the columns."""

    def __init__(self, part: _Part, places: Sequence[int] | None = None) -> None:
        self.part, self.places = part, places
        self.taken: dict[str, Array] = {}

    def of(self, places: Sequence[int]) -> "_Ledger":
        return _Ledger(self.part, places)

    def __getitem__(self, family: str) -> Array:
        if family in self.taken:
            return self.taken[family]
        array = self.part.used.get(family)
        if array is None:
            own = np.asarray(self.part.base[family], float)
            array = _kept(self.part, family, own[..., None])
        elif self.places is not None and len(self.places) < array.shape[-1]:
            array = array[..., self.places]
        self.taken[family] = array
        return array


@dataclass(frozen=True, slots=True)
class _Scope:
    """The letters around a formula: each an array of whole numbers along an axis of its own; and named values.

    The axes count from the end, so that a sum inside puts its own in front of all others.
    """

    letters: Mapping[str, Array]
    names: Mapping[str, Array]
    depth: int
    sizes: Mapping[str, int]

    def inside(self, names: Sequence[str], outermost: bool = False) -> "_Scope":
        """The scope within a sum over these letters."""
        depth = len(names) if outermost else self.depth + len(names)
        found = dict(self.letters)
        for place, name in enumerate(names):
            found[name] = np.arange(self.sizes[name]).reshape(-1, *(1,) * (depth - place - 1))
        return _Scope(found, self.names, depth, self.sizes)


def _value(expr: Expr, ledger: _Ledger, scope: _Scope) -> Array:
    """A formula's values: an axis for each letter of the scope, and last that of the columns."""

    def value(node: Expr) -> Array:
        return _value(node, ledger, scope)

    match expr:
        case Num(typed):
            return np.asarray(float(typed))
        case Ref():
            return _referred(expr, ledger, scope)
        case Neg(arg):
            return -value(arg)
        case Add(args):
            return reduce(add, map(value, args))
        case Mul(args):
            return reduce(mul, map(value, args))
        case Div(numerator, denominator):
            return np.divide(value(numerator), value(denominator))
        case Pow(base, exponent):
            return np.power(value(base), value(exponent))
        case Call(function, args):
            return _called(function, [value(arg) for arg in args], ledger, scope)
        case Sum(indices, body) | Max(indices, body):
            inner = scope.inside(indices)
            values = _value(body, ledger, inner)
            missing = inner.depth + 1 - values.ndim
            values = values.reshape((1,) * missing + values.shape)
            sizes = tuple(scope.sizes[name] for name in indices)
            values = np.broadcast_to(values, (*sizes, *values.shape[len(sizes) :]))
            over = tuple(range(len(sizes)))
            return np.asarray(values.sum(axis=over) if isinstance(expr, Sum) else values.max(axis=over))
        case If(test, then, otherwise):
            holds = RELATIONS[test.relation](value(test.left), value(test.right))
            return np.where(holds, value(then), value(otherwise))
        case _:
            assert_never(expr)


def _called(function: str, args: Sequence[Array], ledger: _Ledger, scope: _Scope) -> Array:
    row = stable_of(function)
    if row is None:
        return np.asarray(np.maximum(*args) if function == "max" else ELEMENTWISE[function](*args))
    named = dict(zip(row.parameters, args, strict=True))
    return _value(row.formula, ledger, replace(scope, names=named, letters={}))


def _referred(ref: Ref, ledger: _Ledger, scope: _Scope) -> Array:
    if not ref.indices and ref.name in scope.names:
        return scope.names[ref.name]
    if not ref.indices and ref.name in scope.letters:
        return scope.letters[ref.name][..., None]
    array = ledger[ref.name]
    if not ref.indices:
        return array
    position = tuple(_inside(index, scope, size) for index, size in zip(ref.indices, array.shape, strict=False))
    return np.asarray(array[position])


def _inside(index: Index, scope: _Scope, size: int) -> Array:
    """The places of an index; what lies outside stands behind a test, so that its number doesn't matter."""
    name = index.terms[0][0] if index.terms else ""
    if index == letter(name) and scope.sizes[name] <= size:
        return scope.letters[name]
    return np.clip(_place(index, scope), 0, size - 1)


def _place(index: Index, scope: _Scope) -> Array:
    if index == letter(next((name for name, _ in index.terms), "")):
        return scope.letters[index.terms[0][0]]
    found = np.asarray(index.constant)
    for name, times in index.terms:
        found = found + times * scope.letters[name]
    return found
