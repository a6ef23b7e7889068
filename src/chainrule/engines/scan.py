"""A recurrence as a loop over its steps, in a plan."""

from collections.abc import Collection, Mapping

import numpy as np

from chainrule.engines.building import Builder, plan_of
from chainrule.engines.entries import Stored, whole, with_all_axes
from chainrule.engines.formulas import stored_of
from chainrule.engines.joined import with_joined_products
from chainrule.engines.plan import Arrange, Constant, Given, Item, Plan, Scan, inputs, moved
from chainrule.engines.steps import Steps, taken_apart
from chainrule.formula.expression import refs
from chainrule.program.blocks import Block
from chainrule.program.program import Definition

Places = dict[str, int]  # by the name that a step has for an array, where it stands outside the loop


def looped(
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
    results = {each.name: whole(local[each.source], inner) for each in steps.carried}
    body = with_joined_products(plan_of(inner, results | {name: whole(local[name], inner) for name in kept}))
    body, same = _without_same(body, same, builder)
    starts = {
        each.name: builder.constant(np.zeros(each.shape))
        if each.start is None
        else whole(stored_of(each.start, known, builder), builder)
        for each in steps.carried
    }
    begun, along, all_of = (tuple(group.items()) for group in (starts, sliced, same))
    place = builder.emit(Scan(body, steps.count, steps.backwards, begun, along, all_of, kept), ())
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
) -> tuple[dict[str, Stored], Places, Places]:
    """What a step is given, in its own plan, and where it stands outside: entries for each step, and the rest."""
    local = {each.name: with_all_axes(inner.given(each.name, each.shape), each.shape) for each in steps.carried}
    along = {each.target for each in steps.before if each.indices[:1] == (letter,)}
    sliced: Places = {}
    same: Places = {}
    for name in dict.fromkeys(node.name for each in steps.body for node in refs(each.formula)):
        if name in local or name not in known:
            continue
        place, axes, shape = known[name].place, known[name].axes, known[name].shape
        if name in along:
            shape = shape[1:]
        if name in along and 0 in axes:
            sliced[name] = _steps_first(place, axes.index(0), builder)
            axes = tuple(axis - 1 for axis in axes if axis)
            local[name] = Stored(inner.given(name, builder.shapes[sliced[name]][1:]), axes, shape)
            continue
        if name in along:
            axes = tuple(axis - 1 for axis in axes)
        instruction = builder.instructions[place]
        if isinstance(instruction, Constant):
            local[name] = Stored(inner.constant(instruction.value), axes, shape)
        else:
            same[name] = place
            local[name] = Stored(inner.given(name, builder.shapes[place]), axes, shape)
    return local, sliced, same


def _steps_first(place: int, axis: int, builder: Builder) -> int:
    before = builder.shapes[place]
    if not axis:
        return place
    order = (axis, *(at for at in range(len(before)) if at != axis))
    shape = tuple(before[at] for at in order)
    return builder.emit(Arrange(place, order, shape), shape)


def _without_same(body: Plan, same: Places, builder: Builder) -> tuple[Plan, Places]:
    """The plan of a step without what would come out the same in each, which is calculated before the loop."""
    outside: dict[int, int] = {}
    for at, each in enumerate(body.instructions):
        if isinstance(each, Given) and each.name in same:
            outside[at] = same[each.name]
        elif isinstance(each, Constant):
            outside[at] = builder.constant(each.value)
        elif inputs(each) and all(source in outside for source in inputs(each)):
            outside[at] = builder.emit(moved(each, outside), body.shapes[at])
    left = [at for at in range(len(body.instructions)) if at not in outside]
    read = {source for at in left for source in inputs(body.instructions[at])} | set(body.results.values())
    inner = Builder()
    places: dict[int, int] = {}
    found: Places = {}
    for at, each in enumerate(body.instructions):
        if at not in outside or isinstance(each, Constant):
            places[at] = inner.emit(moved(each, places), body.shapes[at])
        elif at in read:
            name = each.name if isinstance(each, Given) else f"same {at}"
            places[at], found[name] = inner.given(name, body.shapes[at]), outside[at]
    return plan_of(inner, {name: places[at] for name, at in body.results.items()}), found
