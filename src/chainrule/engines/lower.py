"""From a program to a plan: formulas with letters become array instructions, recurrences become loops."""

from collections.abc import Collection, Mapping

import numpy as np

from chainrule.engines.building import Builder
from chainrule.engines.entries import Stored
from chainrule.engines.formulas import stored_of
from chainrule.engines.plan import Arrange, Constant, Item, Plan, Scan, Shape, Spread, inputs, moved
from chainrule.engines.steps import Steps, taken_apart
from chainrule.formula.expression import refs
from chainrule.numbers.ledger import LedgerError, given_families
from chainrule.program.blocks import Block, blocks
from chainrule.program.program import Definition, Program


def lower(program: Program, wanted: Collection[str] | None = None) -> Plan:
    """The instructions that calculate the wanted families, or all that are defined, and nothing else.

    Raises `LedgerError` for a wanted family that the program doesn't have and for an index that runs out of range.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> square = extend(Program({}), "y[i] = x[i]**2", given=[Family("x", Role.INPUT, ("i",), (3,))])
    >>> lower(square).instructions
    (Given(name='x'), Apply(function='multiply', args=(0, 0)))
    """
    wanted = tuple(each.target for each in program.definitions) if wanted is None else tuple(wanted)
    for name in wanted:
        if name not in program.families:
            raise LedgerError(f"{name} is no family of the program; name some of: {', '.join(program.families)}")
    builder = Builder()
    families = {
        each.name: _with_all_axes(builder.given(each.name, each.shape), each.shape) for each in given_families(program)
    }
    for block, read in _needed(program, wanted):
        if block.letter:
            families |= _looped(block, families, read, builder)
        else:
            (definition,) = block.lines
            families[definition.target] = stored_of(definition, families, builder)
    return _plan(builder, {name: _whole(families[name], builder) for name in wanted})


def needed(program: Program, wanted: Collection[str]) -> tuple[Definition, ...]:
    """The definitions that the wanted families need, in their order."""
    return tuple(each for block, _ in _needed(program, wanted) for each in block.lines)


def _needed(program: Program, wanted: Collection[str]) -> list[tuple[Block[Definition], frozenset[str]]]:
    """The blocks that the wanted families need, in their order, each with those of its families read outside it."""
    names = set(wanted)
    kept = []
    for block in reversed(blocks(program.definitions)):
        read = names & {each.target for each in block.lines}
        if read:
            kept.append((block, frozenset(read)))
            names.update(node.name for each in block.lines for node in refs(each.stable or each.formula))
    return kept[::-1]


def _plan(builder: Builder, results: Mapping[str, int]) -> Plan:
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


def _with_all_axes(place: int, shape: Shape) -> Stored:
    return Stored(place, tuple(range(len(shape))), shape)


def _whole(stored: Stored, builder: Builder) -> int:
    """The place of a family's array with all of its axes, in their order."""
    present = tuple(sorted(stored.axes))
    shape = tuple(size if axis in present else 1 for axis, size in enumerate(stored.shape))
    place = stored.place
    if present != stored.axes or shape != builder.shapes[place]:
        place = builder.emit(Arrange(place, tuple(stored.axes.index(axis) for axis in present), shape), shape)
    return place if shape == stored.shape else builder.emit(Spread(place, stored.shape), stored.shape)


def _looped(
    block: Block[Definition], families: Mapping[str, Stored], read: Collection[str], builder: Builder
) -> dict[str, Stored]:
    """The families of a recurrence that are read outside it, by a loop over its steps."""
    steps = taken_apart(block)
    known = dict(families)
    for each in steps.before:
        known[each.target] = stored_of(each, known, builder)
    inner = Builder()
    local, sliced, same = _handed(steps, known, block.letter, builder, inner)
    for each in steps.body:
        local[each.target] = stored_of(each, local, inner)
    kept = tuple(each.target for each in steps.body if each.target in read)
    results = {each.name: _whole(local[each.source], inner) for each in steps.carried}
    body = _plan(inner, results | {name: _whole(local[name], inner) for name in kept})
    starts = {
        each.name: builder.constant(np.zeros(each.shape))
        if each.start is None
        else _whole(stored_of(each.start, known, builder), builder)
        for each in steps.carried
    }
    scan = Scan(body, steps.count, steps.backwards, tuple(starts.items()), sliced, same, kept)
    place = builder.emit(scan, ())
    found = {}
    for at, name in enumerate(kept):
        axis = next(each.indices.index(block.letter) for each in block.lines if each.target == name)
        shape = body.shapes[body.results[name]]
        item = builder.emit(Item(place, at), (steps.count, *shape))
        others = tuple(each for each in range(len(shape) + 1) if each != axis)
        found[name] = Stored(item, (axis, *others), (*shape[:axis], steps.count, *shape[axis:]))
    return found


def _handed(
    steps: Steps, known: Mapping[str, Stored], letter: str, builder: Builder, inner: Builder
) -> tuple[dict[str, Stored], tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """What a step is given, in the step's own plan; and where it comes from: entries for the step, and the rest."""
    local = {each.name: _with_all_axes(inner.given(each.name, each.shape), each.shape) for each in steps.carried}
    along = {each.target for each in steps.before if each.indices[:1] == (letter,)}
    sliced: list[tuple[str, int]] = []
    same: list[tuple[str, int]] = []
    for name in dict.fromkeys(node.name for each in steps.body for node in refs(each.formula)):
        if name in local or name not in known:
            continue
        stored, axes = known[name], known[name].axes
        place, shape = stored.place, stored.shape
        if name in along:
            axes, shape = tuple(axis - 1 for axis in axes if axis), stored.shape[1:]
        constant = builder.instructions[place]
        if name in along and 0 in stored.axes:
            order = (stored.axes.index(0), *(at for at, axis in enumerate(stored.axes) if axis))
            in_front = tuple(builder.shapes[place][at] for at in order)
            if order != tuple(range(len(order))):
                place = builder.emit(Arrange(place, order, in_front), in_front)
            sliced.append((name, place))
            local[name] = Stored(inner.given(name, in_front[1:]), axes, shape)
        elif isinstance(constant, Constant):
            local[name] = Stored(inner.constant(constant.value), axes, shape)
        else:
            same.append((name, place))
            local[name] = Stored(inner.given(name, builder.shapes[place]), axes, shape)
    return local, tuple(sliced), tuple(same)
