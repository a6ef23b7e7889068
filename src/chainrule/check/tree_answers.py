"""Answers from JSON, TOML and Python mappings: names with numbers, lists and arrays, in groups or not."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.check.answers import AnswersError, ArrayAnswer
from chainrule.check.gather import Item, Note, answer, some, unread
from chainrule.check.leaves import as_array, number_of
from chainrule.check.printed import entries
from chainrule.check.rounds import heading, split_after
from chainrule.check.statements import clean_name, value_items
from chainrule.check.typed import Typed, of_float

DEEPEST = 40
MOST = 5_000_000  # numbers that are no arrays
NAME_KEYS = ("name", "quantity", "variable")
VALUE_KEYS = ("value", "answer", "result", "given", "number")
ROUND_KEYS = ("after", "round", "rounds", "iteration", "epoch")
FRAMEWORK = re.compile(r"[._/](?:weight|bias|kernel)(?:[:_]0)?$")  # these stay arrays: their shapes tell the layers
GROUPS = ("values", "numbers", "answers")  # of all answers: no part of a name


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written, also with a name that is there twice."""


@dataclass(slots=True)
class _Walk:
    """What is the same for the whole tree, and what was met on the way."""

    join: str
    strict: bool  # what is no number is listed; else a note says what was left out
    count: int = 0
    empty: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _At:
    """Where in the tree: the name so far, the rounds, all keys on the way."""

    name: str = ""
    after: int = 0
    path: str = ""
    depth: int = 0

    def inner(self, key: str, name: str, after: int) -> "_At":
        return _At(name, after, f"{self.path}.{key}"[-400:].lstrip(".") if self.path else key[:400], self.depth + 1)

    @property
    def place(self) -> str:
        return "" if self.path == self.name else self.path


def json_items(text: str, source: str = "") -> Iterator[Item]:
    """The numbers of a JSON text, or of one with an object on each line. Raises ``AnswersError`` for any other."""
    return tree_items(json_tree(text, source))


def json_tree(text: str, source: str = "") -> Any:
    """A JSON text's values, each number as the text that was typed. Raises ``AnswersError`` where it is no JSON."""
    where = source or "the answers"
    try:
        return _loads(text)
    except RecursionError:
        raise AnswersError(f"{where}: this JSON is nested too deeply; a name needs one level") from None
    except json.JSONDecodeError as problem:
        lines = text.splitlines()
        try:
            if problem.msg == "Extra data" and problem.lineno > 1:
                return [_loads(line) for line in lines if line.strip()]
        except (ValueError, RecursionError):
            pass
        place = f"line {problem.lineno}, column {problem.colno}"
        raise AnswersError(f"{where}: this is no JSON: {problem.msg.lower()} in {place}") from None


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=Pairs)


def toml_items(text: str, source: str = "") -> Iterator[Item]:
    """The numbers of a TOML text. Raises ``AnswersError`` where it is none."""
    return tree_items(toml_tree(text, source))


def toml_tree(text: str, source: str = "") -> Any:
    """A TOML text's values, each float as the text that was typed. Raises ``AnswersError`` where it is no TOML."""
    try:
        return tomllib.loads(text, parse_float=lambda number: number.replace("_", ""))
    except RecursionError:
        raise AnswersError(f"{source or 'the answers'}: this TOML is nested too deeply") from None
    except (tomllib.TOMLDecodeError, ValueError) as problem:
        raise AnswersError(f"{source or 'the answers'}: this is no TOML: {problem}") from None


def tree_items(tree: Any, join: str = "_", strict: bool = True) -> Iterator[Item]:
    """The numbers of nested mappings and lists; the names on the way are joined.

    Understood are groups by rounds too, and lists of objects with a name and a value. Raises ``AnswersError`` for
    more numbers than anybody means.

    >>> [(each.name, each.text) for each in tree_items({"net": {"h1": 0.3775}})]
    [('net_h1', '0.3775')]
    """
    walk = _Walk(join, strict)
    yield from _walk(walk, tree, _At())
    if walk.empty:
        yield Note(f"without a number: {some(walk.empty)}")
    if walk.others:
        yield Note(f"left out, since they are no numbers: {some(walk.others)}")


def _walk(walk: _Walk, tree: Any, at: _At) -> Iterator[Item]:
    if at.depth > DEEPEST:
        yield unread(at.place or at.name, "...", f"it is nested in more than {DEEPEST} levels")
    elif isinstance(tree, Mapping):
        yield from _mapping(walk, [(str(key), each) for key, each in tree.items()], at)
    elif isinstance(tree, Pairs):
        yield from _mapping(walk, tree, at)
    elif (array := as_array(tree)) is not None:
        yield from _array(array, at)
    elif isinstance(tree, list | tuple):
        yield from _list(walk, tree, at)
    else:
        yield from _leaf(walk, tree, at)


def _mapping(walk: _Walk, items: Sequence[tuple[str, Any]], at: _At) -> Iterator[Item]:
    keys = {key.lower(): key for key, _ in items}
    values = dict(items)
    if not at.name and "schema" in values and isinstance(values.get("values"), Mapping | Pairs):
        after = _whole(values.get("after"))  # our own listing of all quantities
        yield from _walk(walk, values["values"], at.inner("values", "", after or 0))
        return
    named = next((keys[each] for each in NAME_KEYS if each in keys), None)
    value = next((keys[each] for each in VALUE_KEYS if each in keys), None)
    words = ROUND_KEYS if walk.strict else ROUND_KEYS[:-1]  # an epoch of a framework is many rounds
    rounds = next((keys[each] for each in words if each in keys and _whole(values[keys[each]]) is not None), None)
    after = at.after if rounds is None else _whole(values[rounds]) or 0
    if rounds is not None and rounds.lower() != "after":
        yield Note(f"{rounds} is read as the number of rounds done before")
    if named is not None and value is not None and isinstance(values[named], str):
        name, said = split_after(values[named])
        yield from _walk(walk, values[value], at.inner(value, clean_name(name), after if said is None else said))
        return
    first = 0 if any((found := heading(key, 0)) is not None and found.note and not found.after for key in values) else 1
    for key, each in items:
        if key != rounds:
            yield from _entry(walk, key, each, at, after, first)


def _entry(walk: _Walk, key: str, each: Any, at: _At, after: int, first: int) -> Iterator[Item]:
    """A name of a mapping: that of a number, a part of one, or a round."""
    if isinstance(each, Mapping | Pairs | list | tuple):
        found = heading(key, first)
        if found is not None and not found.rest:
            if found.note:
                yield Note(found.note)
            yield from _walk(walk, each, at.inner(key, at.name, found.after))
            return
        if key.lower() in ROUND_KEYS and (groups := list(_rounds(each))):
            yield Note(f"{key} is read as groups of numbers, each by the number of rounds done before")
            for done, group in groups:
                yield from _walk(walk, group, at.inner(f"{key}.{done}", at.name, done))
            return
        if not at.name and key.lower() in GROUPS:
            yield from _walk(walk, each, at.inner(key, "", after))
            return
    name, said = split_after(key)
    name = clean_name(name)
    joined = f"{at.name}{walk.join}{name}" if at.name and name else at.name or name
    yield from _walk(walk, each, at.inner(key, joined, after if said is None else said))


def _rounds(tree: Any) -> Iterator[tuple[int, Any]]:
    """The groups of ``rounds``: by the number of rounds, or in their order; none where it is something else."""
    if isinstance(tree, Mapping | Pairs):
        items: Iterable[tuple[Any, Any]] = tree.items() if isinstance(tree, Mapping) else tree
        numbered = [(_whole(key), group) for key, group in items]
    else:
        numbered = list(enumerate(tree))
    if all(done is not None and isinstance(group, Mapping | Pairs) for done, group in numbered):
        yield from ((done, group) for done, group in numbered if done is not None)


def _whole(value: Any) -> int | None:
    """A number of rounds; None for anything else."""
    number = number_of(value) if isinstance(value, str | int | float) else None
    if number is None or not 0 <= number.value < 10**12 or number.value != number.value.to_integral_value():
        return None
    return int(number.value)


def _array(array: Any, at: _At) -> Iterator[Item]:
    if not at.name:
        yield unread(at.place or "the array", f"{array.size:,} numbers", "they have no name")
    elif not array.size:
        yield unread(at.place or at.name, at.name, "this is an array without numbers")
    elif array.size == 1 and FRAMEWORK.search(at.name) is None:
        yield answer(at.name, of_float(array.ravel()[0]), at.after, at.place)
    else:
        yield ArrayAnswer(at.name, array, at.after, at.place)


def _list(walk: _Walk, tree: Sequence[Any], at: _At) -> Iterator[Item]:
    """Objects one after the other, pairs of a name and a number, or nested numbers."""
    if tree and all(isinstance(each, Mapping | Pairs) for each in tree):
        for place, each in enumerate(tree, 1):
            yield from _walk(walk, each, at.inner(f"[{place}]", at.name, at.after))
    elif not at.name and tree and all(_is_pair(each) for each in tree):
        yield from _mapping(walk, [(name, value) for name, value in tree], at)
    elif not at.name:
        yield unread(at.place or "the list", str(tree[:20]), "these numbers have no name")
    else:
        items: list[Item] = []
        found = _nested(walk, tree, at, "", items)
        if not items:
            yield from entries(at.name, found, at.after, at.place)
        else:
            yield from items
            for index, number in _numbered(found, ()):
                yield answer(f"{at.name}[{','.join(map(str, index))}]", number, at.after, at.place)


def _is_pair(each: Any) -> bool:
    return isinstance(each, list | tuple) and len(each) == 2 and isinstance(each[0], str) and number_of(each[0]) is None


def _nested(walk: _Walk, tree: Sequence[Any], at: _At, address: str, items: list[Item]) -> list[Any]:
    """Nested lists of numbers; what is none goes to ``items``, and leaves a gap of None."""
    found: list[Any] = []
    for place, each in enumerate(tree, 1):
        inner = f"{address},{place}".lstrip(",")
        walk.count += 1
        if isinstance(each, list | tuple) and not isinstance(each, Pairs):
            if inner.count(",") < DEEPEST - 10:
                found.append(_nested(walk, each, at, inner, items))
            else:
                items.append(unread(at.place or at.name, f"{at.name}[{inner}]", "the list is nested too deeply"))
            continue
        array = as_array(each)
        number = number_of(each) if array is None else of_float(array.ravel()[0]) if array.size == 1 else None
        if number is None:
            items += _walk(walk, each, _At(f"{at.name}[{inner}]", at.after, f"{at.path}[{inner}]", at.depth + 1))
        found.append(number)
    _refuse_too_many(walk)
    return found


def _numbered(tree: Sequence[Any], index: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Typed]]:
    for place, each in enumerate(tree, 1):
        if isinstance(each, list):
            yield from _numbered(each, (*index, place))
        elif each is not None:
            yield (*index, place), each


def _leaf(walk: _Walk, value: Any, at: _At) -> Iterator[Item]:
    walk.count += 1
    _refuse_too_many(walk)
    number = number_of(value)
    place = at.place or at.name
    if number is not None and at.name:
        yield answer(at.name, number, at.after, at.place)
    elif number is not None:
        yield unread(place or "the top", str(value), "this number has no name")
    elif not walk.strict:
        walk.others.append(at.name)
    elif value is None or (isinstance(value, str) and not value):
        walk.empty.append(at.name)
    elif isinstance(value, bool):
        yield unread(place, f"{at.name} = {value}", "true and false are no numbers")
    elif isinstance(value, str) and at.name:
        yield from value_items(at.name, value.rpartition("=")[2], at.after, place)
    else:
        yield unread(place, f"{at.name} = {type(value).__name__}", "this is no number")


def _refuse_too_many(walk: _Walk) -> None:
    if walk.count > MOST:
        raise AnswersError(f"there are more than {MOST:,} single numbers; hand them in as arrays, in a .npz file")
