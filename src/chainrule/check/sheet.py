"""The sheet: every number of a few rounds as a person would write them down, a line each.

A line has a key and a formula over the keys of other lines. Besides the scalars of the program there are the slopes
(``dout_o1/dnet_o1``) and the parts by path (``dE_o1/dout_h1``), because people calculate those too and make their
mistakes there; a derivative's line refers to them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any, NamedTuple

from chainrule.explain.derive import addends_of, loss_terms
from chainrule.explain.expand import expand, position_of
from chainrule.explain.names import Names, Ratio, Scalar, name, ratio_name, scalars
from chainrule.explain.writing import Writing
from chainrule.formula.expression import Add, Call, Expr, Mul, Ref, refs, transform, walk
from chainrule.numbers.arithmetic import Arithmetic
from chainrule.numbers.evaluate import evaluate_names
from chainrule.program.blocks import calculation
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Role, definition_of

EVERY_ADDEND = 10**6  # sums are written out in full here
MOST_PARTS = 2000  # of all derivatives together: with more, slopes and parts get lines only where they are asked for


class Key(NamedTuple):
    """A quantity of a round: ``done`` rounds were done before it."""

    done: int
    quantity: Scalar | Ratio


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lines in the order of calculation, and the numbers that are given.

    A ``Ref`` in a line's formula is the identifier of another line or of a given number; ``keys`` has what each
    identifier stands for.
    """

    lines: Mapping[str, Expr]
    given: Mapping[str, Any]
    keys: Mapping[str, Key]
    names: Mapping[int, Names]  # by the rounds done before
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the identifiers in each line's formula
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the lines that use an identifier
    order: Mapping[str, int] = field(default_factory=dict)  # each line's place
    split: bool = True  # slopes and parts have lines of their own


def identifier(key: Key) -> str:
    """The text that stands for a quantity in the sheet's formulas; no two quantities share one."""
    return f"{key.done}:{_quantity_text(key.quantity)}"


def _quantity_text(quantity: Scalar | Ratio) -> str:
    if isinstance(quantity, Ratio):
        return f"d{_quantity_text(quantity.of)}/d{_quantity_text(quantity.by)}"
    return f"{quantity.family}{list(quantity.index)}"


def key_name(names: Mapping[int, Names], key: Key) -> str:
    """A quantity as people write it, with its round where there are several: ``w5+``, ``out_o1 after 1 round``."""
    here = names[key.done]
    text = ratio_name(here, key.quantity) if isinstance(key.quantity, Ratio) else name(here, key.quantity)
    if len(names) == 1 and not key.done:
        return text
    return f"{text} after {key.done:,} round{'s' * (key.done != 1)}" if key.done else text


def sheet_of(
    rounds: Iterable[tuple[int, Names, Mapping[str, Any]]], ratios: Iterable["Extra"] = (), split: bool = True
) -> Sheet:
    """The sheet of some rounds: for each the rounds done before, its names, and its given arrays by family.

    Where the round before is there too, a round's parameters and states are its updated ones. Without ``split`` a
    derivative has a single line.
    """
    lines: dict[str, Expr] = {}
    given: dict[str, Any] = {}
    keys: dict[str, Key] = {}
    all_names: dict[int, Names] = {}
    for done, names, arrays in rounds:
        before = all_names.get(done - 1)
        all_names[done] = names
        for family, array in arrays.items():
            if family not in names.program.families:
                continue
            carried = f"{family}_next" if before and f"{family}_next" in before.program.families else None
            for scalar in scalars(names.program.families[family]):
                key = Key(done, scalar)
                text = keys_added(keys, key)
                if carried is not None:
                    lines[text] = Ref(identifier(Key(done - 1, Scalar(carried, scalar.index))))
                else:
                    given[text] = array[scalar.index]
        for definition, index in calculation(names.program.definitions):
            for key, formula in lines_of(done, names, definition, index, split):
                lines.setdefault(keys_added(keys, key), formula)
    for extra in ratios:
        for key, formula in extra_lines(extra):
            text = keys_added(keys, key)
            if text not in given:
                lines.setdefault(text, formula)
    uses = {text: used_in(formula) for text, formula in lines.items()}
    lines = _sorted(lines, uses)
    return Sheet(lines, given, keys, all_names, uses, users_of(uses), _order_of(lines), split)


def keys_added(keys: dict[str, Key], key: Key) -> str:
    text = identifier(key)
    keys[text] = key
    return text


def used_in(formula: Expr) -> tuple[str, ...]:
    """The identifiers in a line's formula, each once."""
    return tuple(dict.fromkeys(node.name for node in refs(formula)))


def users_of(uses: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """For each identifier the lines whose formulas use it."""
    found: dict[str, list[str]] = {}
    for text, used in uses.items():
        for each in used:
            found.setdefault(each, []).append(text)
    return {text: tuple(each) for text, each in found.items()}


def _sorted(lines: dict[str, Expr], uses: Mapping[str, tuple[str, ...]]) -> dict[str, Expr]:
    """The lines in an order in which each uses only those before it; their own order where that is one already."""
    seen: set[str] = set()
    for text in lines:
        if any(each in lines and each not in seen for each in uses[text]):
            return ordered(lines)
        seen.add(text)
    return lines


def _order_of(lines: Mapping[str, Expr]) -> dict[str, int]:
    return {text: place for place, text in enumerate(lines)}


def ordered(lines: Mapping[str, Expr]) -> dict[str, Expr]:
    """The lines in an order of calculation. Raises ``CycleError`` where each needs the other."""
    graph = {text: [node.name for node in refs(formula) if node.name in lines] for text, formula in lines.items()}
    return {text: lines[text] for text in TopologicalSorter(graph).static_order()}


def lines_of(
    done: int, names: Names, definition: Definition, index: tuple[int, ...], split: bool = True
) -> Iterator[tuple[Key, Expr]]:
    """The lines of one scalar: its own, with ``split`` that of a derivative after the slopes and parts in it."""
    scalar = Scalar(definition.target, index)
    if split and names.program.families[definition.target].role == Role.ADJOINT and _reads_as_paths(definition):
        yield from _derivative_lines(done, Writing(names, {}), scalar)
    else:
        yield Key(done, scalar), _written(done, definition, index)


def has_few_parts(names: Names) -> bool:
    """Whether the slopes and parts that the derivatives are made of can all have lines of their own."""
    count = 0
    for each in names.program.definitions:
        if names.program.families[each.target].role == Role.ADJOINT:
            places = prod(each.sizes[name] for name in each.indices)
            count += places * sum(prod(each.sizes[name] for name in path.over) for path in paths_of(each))
    return count <= MOST_PARTS


def _reads_as_paths(definition: Definition) -> bool:
    """Whether the formula has an upstream derivative in it: the seed of the chain has none."""
    return any(node.why is not None and node.why.value == "upstream" for node in walk(definition.formula))


def _written(done: int, definition: Definition, index: tuple[int, ...]) -> Expr:
    at = dict(zip(definition.indices, index, strict=True))
    return _as_keys(done, expand(definition.formula, at, definition.sizes, EVERY_ADDEND))


def _as_keys(done: int, formula: Expr) -> Expr:
    """A written-out formula with identifiers for its references."""

    def rule(node: Expr) -> Expr:
        if isinstance(node, Ref):
            return Ref(identifier(Key(done, Scalar(node.name, position_of(node)))), (), node.why)
        return _of_two(node)

    return transform(formula, rule)


def _of_two(node: Expr) -> Expr:
    """A maximum that was written out, as maxima of two numbers: the function takes no more."""
    if isinstance(node, Call) and node.function == "max" and len(node.args) > 2:
        return reduce(lambda a, b: Call("max", (a, b)), node.args)
    return node


def _derivative_lines(done: int, writing: Writing, scalar: Scalar) -> Iterator[tuple[Key, Expr]]:
    """The slopes, the parts by path, and the derivative as their product or sum."""
    addends = list(addends_of(writing, scalar))
    if not addends or any(each.upstream is None or each.factor is None for each in addends):
        definition = definition_of(writing.names.program, scalar.family)
        assert definition is not None
        yield Key(done, scalar), _written(done, definition, scalar.index)
        return
    below = Scalar(writing.names.program.families[scalar.family].of, scalar.index)
    terms = loss_terms(writing, addends) if len(addends) > 1 else [None]
    parts: list[Expr] = []
    for addend, term in zip(addends, terms, strict=True):
        assert addend.upstream is not None
        assert addend.factor is not None
        slope = Key(done, addend.factor.ratio)
        yield slope, _as_keys(done, expand(addend.slope, addend.at, addend.sizes, EVERY_ADDEND))
        part: Expr = Mul((Ref(identifier(Key(done, addend.upstream))), Ref(identifier(slope))))
        if term is not None:
            named = Key(done, Ratio(term, below))
            yield named, part
            part = Ref(identifier(named))
        parts.append(part)
    yield Key(done, scalar), parts[0] if len(parts) == 1 else Add(tuple(parts))


@dataclass(frozen=True, slots=True)
class Extra:
    """Derivatives of one scalar in place of the loss: ``dout_o1/dw5``, and all that lies between the two."""

    done: int
    of: Scalar
    names: Names  # of the program of these derivatives
    definitions: tuple[Definition, ...]


def extra_lines(extra: Extra) -> Iterator[tuple[Key, Expr]]:
    """The lines of such derivatives; each is the key ``d of / d below``."""
    families = extra.names.program.families

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref):
            return _of_two(node)
        scalar = Scalar(node.name, position_of(node))
        if families[node.name].role == Role.ADJOINT:
            return Ref(identifier(Key(extra.done, Ratio(extra.of, Scalar(families[node.name].of, scalar.index)))))
        return Ref(identifier(Key(extra.done, scalar)), (), node.why)

    for definition, index in calculation(extra.definitions):
        at = dict(zip(definition.indices, index, strict=True))
        written = expand(definition.formula, at, definition.sizes, EVERY_ADDEND)
        below = Scalar(families[definition.target].of, index)
        yield Key(extra.done, Ratio(extra.of, below)), transform(written, rule)


def calculated(
    sheet: Sheet, kind: Arithmetic, replaced: Mapping[str, Any] | None = None, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The value of every line. ``replaced`` stands in place of what a line gives, for all that uses it later.

    The result holds what each line gives, also where it is replaced.
    """
    replaced = replaced or {}
    used: dict[str, Any] = {text: kind.number(value) for text, value in (given or sheet.given).items()}
    found = dict(used)
    used.update({text: value for text, value in replaced.items() if text in used})
    for text, formula in sheet.lines.items():
        found[text] = evaluate_names(formula, used, kind)
        used[text] = replaced.get(text, found[text])
    return found


def dependents(sheet: Sheet, changed: Iterable[str], pinned: Iterable[str] = ()) -> list[str]:
    """The lines that use a changed one, at whatever remove, in the order of calculation; ``pinned`` ones stop it."""
    stop = set(pinned)
    reached: set[str] = set()
    waiting = list(changed)
    while waiting:
        for text in sheet.users.get(waiting.pop(), ()):
            if text not in reached:
                reached.add(text)
                if text not in stop:
                    waiting.append(text)
    return sorted(reached, key=lambda text: sheet.order[text])


def with_lines(sheet: Sheet, changed: Mapping[str, Expr]) -> Sheet | None:
    """The sheet with other formulas on some lines; None where they would need each other in a circle."""
    lines = {**sheet.lines, **changed}
    uses, users = dict(sheet.uses), dict(sheet.users)
    in_order = all(text in sheet.order for text in changed)
    for text, formula in changed.items():
        here = sheet.order.get(text, 0)
        uses[text] = used_in(formula)
        for used in uses[text]:
            in_order = in_order and sheet.order.get(used, -1) < here
            if text not in users.get(used, ()):
                users[used] = (*users.get(used, ()), text)
    try:
        lines = lines if in_order else ordered(lines)
    except CycleError:
        return None
    order = sheet.order if in_order else _order_of(lines)
    return Sheet(lines, sheet.given, sheet.keys, sheet.names, uses, users, order, sheet.split)


def sources(sheet: Sheet, text: str, pinned: Iterable[str]) -> list[str]:
    """The line itself and all that goes into it, as far back as pinned lines; nearest first."""
    stop = set(pinned)
    found = [text]
    seen = {text}
    for each in found:
        if each in stop and each != text:
            continue
        for used in sheet.uses.get(each, ()):
            if used not in seen:
                seen.add(used)
                found.append(used)
    return found
