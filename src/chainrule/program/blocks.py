"""The order of calculation: formulas one after the other, and those of a recurrence step by step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Generic, Protocol, TypeVar

from chainrule.formula.expression import Expr, Index, Ref, refs
from chainrule.formula.unparse import to_text
from chainrule.program.program import Definition
from chainrule.program.sizes import ProgramError


class Line(Protocol):
    """``target[indices] = formula``: a definition, or a statement that is to become one."""

    @property
    def target(self) -> str: ...
    @property
    def indices(self) -> tuple[str, ...]: ...
    @property
    def formula(self) -> Expr: ...


L = TypeVar("L", bound=Line)
NOWHERE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Block(Generic[L]):
    """One formula, or the formulas of a recurrence: each needs the others, or itself, at steps that come before.

    ``letter`` counts the steps of a recurrence, ``backwards`` says that they go from the last to the first; without a
    letter the block is a single formula that doesn't need itself. The formulas stand in an order in which each uses of
    the same step only what stands before it.
    """

    lines: tuple[L, ...]
    letter: str = ""
    backwards: bool = False


def blocks(lines: Sequence[L]) -> tuple[Block[L], ...]:
    """The formulas in an order of calculation, those that need each other together; else as they stand.

    >>> from chainrule.formula.parse import parse_formulas
    >>> [found] = blocks(parse_formulas("net[t] = w*h[t - 1] + x[t]" + chr(10) + "h[t] = tanh(net[t])"))
    >>> found.letter, found.backwards, len(found.lines)
    ('t', False, 2)

    Raises `ProgramError` for formulas that need each other at the same step, or at steps on both sides.
    """
    place = {each.target: at for at, each in enumerate(lines)}
    used = [[place[name] for name in {node.name for node in refs(each.formula)} if name in place] for each in lines]
    if all(other < at for at, others in enumerate(used) for other in others):
        return tuple(Block((each,)) for each in lines)
    group = _grouped(used)
    members: dict[int, list[int]] = {}
    for at, own in enumerate(group):
        members.setdefault(own, []).append(at)
    needs = {own: {group[other] for at in each for other in used[at]} - {own} for own, each in members.items()}
    recurrent = {own for own, each in members.items() if len(each) > 1 or own in used[own]}
    return tuple(
        _recurrence([lines[at] for at in members[own]]) if own in recurrent else Block((lines[own],))
        for own in _sorted(needs)
    )


def in_order(lines: Sequence[L]) -> tuple[L, ...]:
    """The formulas in an order of calculation. Raises `ProgramError` where there is none."""
    return tuple(each for block in blocks(lines) for each in block.lines)


def recurrent(lines: Sequence[Line]) -> frozenset[str]:
    """The families of all recurrences."""
    return frozenset(each.target for block in blocks(lines) if block.letter for each in block.lines)


def calculation(definitions: Sequence[Definition]) -> Iterator[tuple[Definition, tuple[int, ...]]]:
    """Every number in an order of calculation: its definition and its index, counted from 0."""
    for block in blocks(definitions):
        for step in steps(block):
            for each in block.lines:
                yield from ((each, index) for index in positions(each, {block.letter: step} if block.letter else {}))


def steps(block: Block[Definition]) -> range:
    """The steps of a block in the order in which they are calculated; a single one where it is no recurrence."""
    size = block.lines[0].sizes[block.letter] if block.letter else 1
    return range(size - 1, -1, -1) if block.backwards else range(size)


def positions(definition: Definition, pinned: Mapping[str, int] = NOWHERE) -> Iterator[tuple[int, ...]]:
    """Every index of a family, where the ``pinned`` letters have one value each; the last one runs fastest."""
    ranges = ((pinned[name],) if name in pinned else range(definition.sizes[name]) for name in definition.indices)
    return product(*ranges)


def _grouped(used: Sequence[Sequence[int]]) -> list[int]:
    """For each formula the first of those that it needs and that need it, at whatever remove."""
    users: list[list[int]] = [[] for _ in used]
    for at, others in enumerate(used):
        for other in others:
            users[other].append(at)
    group = list(range(len(used)))
    for at, others in enumerate(used):
        # Every circle has a formula that needs a later one.
        if group[at] == at and any(other > at for other in others):
            together = _reached(used, at) & _reached(users, at)
            for each in together:
                group[each] = min(together)
    return group


def _reached(graph: Sequence[Sequence[int]], start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        for each in graph[waiting.pop()]:
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def _sorted(needs: Mapping[int, set[int]]) -> list[int]:
    """Each after what it needs, the first possible one first."""
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    found: list[int] = []
    ready: list[int] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found


def _recurrence(lines: Sequence[L]) -> Block[L]:
    """Formulas that need each other: the letter that counts their steps, and their order within one."""
    letters = [name for name in lines[0].indices if all(name in each.indices for each in lines)]
    for name in letters:
        found = _along(lines, name)
        if found is not None:
            return found
    names = ", ".join(each.target for each in lines)
    subject = f"{names} needs itself" if len(lines) == 1 else f"{names} need each other"
    raise ProgramError(
        f"{subject} for {to_text(_inner_use(lines))}; a quantity may use itself only at another value of one index, "
        f"on one side: h[n,t] may use h[n,t - 1]"
    )


def _along(lines: Sequence[L], name: str) -> Block[L] | None:
    """The recurrence whose steps a letter counts; None where it can't be that one."""
    axis = {each.target: each.indices.index(name) for each in lines}
    at = {each.target: place for place, each in enumerate(lines)}
    same: dict[int, set[int]] = {place: set() for place in at.values()}
    apart: set[int] = set()
    for place, each in enumerate(lines):
        for node in refs(each.formula):
            if node.name not in axis:
                continue
            distance = offset(node.indices[axis[node.name]], name) if len(node.indices) > axis[node.name] else None
            if distance is None:
                return None
            if distance:
                apart.add(distance)
            else:
                same[place].add(at[node.name])
    if not apart or min(apart) < 0 < max(apart):
        return None
    try:
        order = _sorted(same)
    except CycleError:
        return None
    return Block(tuple(lines[place] for place in order), name, backwards=min(apart) > 0)


def offset(index: Index, name: str) -> int | None:
    """How far an index is from a letter: -1 for ``t - 1``; None for an index that isn't that letter and a number."""
    return index.constant if index.terms == ((name, 1),) else None


def _inner_use(lines: Sequence[Line]) -> Ref:
    """A place where the formulas use one of themselves."""
    own = {each.target for each in lines}
    return next(node for each in lines for node in refs(each.formula) if node.name in own)
