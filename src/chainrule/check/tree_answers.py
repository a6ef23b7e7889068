"""Answers from JSON, TOML and Python mappings: names with numbers, lists and arrays, in groups or not."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from chainrule.check.answers import Answer, Answers, AnswersError, ArrayAnswer, Unread
from chainrule.check.typed import Typed, of_float, typed

DEEPEST = 40
GROUP = re.compile(r"^after[\s_]*(\d+)(?:[\s_]*rounds?)?$", re.IGNORECASE)
NAME_KEYS = ("name", "quantity", "variable")
VALUE_KEYS = ("value", "answer", "result", "given", "number")
ROUND_KEYS = ("round", "after", "rounds")
OWN_GROUPS = ("values", "numbers", "answers")
NO_ANSWERS = ("schema", "title", "addresses")
AS_TYPED = 15  # significant digits: an array of numbers with fewer was typed by a person


class Number(str):
    """A number of a JSON or TOML file, as its text."""

    __slots__ = ()


@dataclass(slots=True)
class _Found:
    numbers: list[Answer] = field(default_factory=list)
    arrays: list[ArrayAnswer] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def read_json(text: str, source: str = "") -> Answers:
    """The numbers of a JSON text. Raises ``AnswersError`` where it isn't JSON."""
    try:
        tree = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
    except (json.JSONDecodeError, RecursionError) as problem:
        raise AnswersError(f"{source or 'the answers'}: this is no JSON: {problem}") from None
    return read_tree(tree, source)


def read_toml(text: str, source: str = "") -> Answers:
    """The numbers of a TOML text. Raises ``AnswersError`` where it isn't TOML."""
    try:
        tree = tomllib.loads(text, parse_float=Number)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise AnswersError(f"{source or 'the answers'}: this is no TOML: {problem}") from None
    return read_tree(tree, source)


def read_tree(tree: Any, source: str = "") -> Answers:
    """The numbers of nested mappings and lists.

    >>> [(each.name, each.text) for each in read_tree({"net": {"h1": 0.3775}}).numbers]
    [('net_h1', '0.3775')]
    """
    found = _Found()
    _walk(found, tree, "", 0, 0)
    return Answers(tuple(found.numbers), tuple(found.arrays), tuple(found.unread), (), source)


def _walk(found: _Found, tree: Any, name: str, after: int, depth: int) -> None:
    if depth > DEEPEST:
        found.unread.append(Unread(name, "...", f"it is nested deeper than {DEEPEST} levels"))
    elif isinstance(tree, Mapping):
        _mapping(found, tree, name, after, depth)
    elif (array := as_array(tree)) is not None:
        _array(found, array, name, after)
    elif isinstance(tree, list | tuple):
        _list(found, tree, name, after, depth)
    else:
        _leaf(found, tree, name, after)


def _mapping(found: _Found, tree: Mapping[Any, Any], name: str, after: int, depth: int) -> None:
    keys = {str(key).lower(): key for key in tree}
    row = next((keys[each] for each in NAME_KEYS if each in keys), None)
    value = next((keys[each] for each in VALUE_KEYS if each in keys), None)
    given_round = next(
        (keys[each] for each in ROUND_KEYS if each in keys and _whole(tree[keys[each]]) is not None), None
    )
    if given_round is not None:
        after = _whole(tree[given_round]) or 0
    if row is not None and value is not None and isinstance(tree[row], str):
        _walk(found, tree[value], str(tree[row]), after, depth + 1)
        return
    for key, each in tree.items():
        text = str(key)
        if key == given_round or (not name and text in NO_ANSWERS):
            continue
        group = GROUP.match(text)
        if group is not None and isinstance(each, Mapping):
            _walk(found, each, name, int(group[1]), depth + 1)
        elif not name and text.lower() in OWN_GROUPS and isinstance(each, Mapping | list):
            _walk(found, each, "", after, depth + 1)
        else:
            _walk(found, each, f"{name}_{text}" if name else text, after, depth + 1)


def _whole(value: Any) -> int | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() and number >= 0 else None


def as_array(value: Any) -> np.ndarray[Any, Any] | None:
    """A framework's or NumPy's array; None for anything else."""
    if hasattr(value, "detach"):  # a PyTorch tensor
        value = value.detach().cpu()
        value = value.float().numpy() if "bfloat16" in str(value.dtype) else value.numpy()
    elif not hasattr(value, "__array__") or isinstance(value, np.generic):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "fiu" else None


def _array(found: _Found, array: np.ndarray[Any, Any], name: str, after: int) -> None:
    if not name:
        found.unread.append(Unread("", f"{array.size} numbers", "they have no name"))
    elif array.size == 1:
        single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
        _number(found, of_float(float(array.ravel()[0]), single), name, after)
    else:
        found.arrays.append(ArrayAnswer(name, array if array.dtype.kind == "f" else array.astype(float), after))


def _list(found: _Found, tree: Sequence[Any], name: str, after: int, depth: int) -> None:
    if any(isinstance(each, Mapping) for each in tree):
        for each in tree:
            _walk(found, each, name, after, depth + 1)
        return
    leaves = list(_leaves(tree, ()))
    if not name:
        found.unread.append(Unread("", str(tree)[:60], "these numbers have no name"))
        return
    values = [_typed(leaf) for _, leaf in leaves]
    shape = np.shape(_plain(tree))
    full = all(value is not None and len(value.value.as_tuple().digits) >= AS_TYPED for value in values[:50])
    if full and len(leaves) > 1 and len(shape) and None not in values:
        numbers = np.array([float(value.value) for value in values if value is not None]).reshape(shape)
        found.arrays.append(ArrayAnswer(name, numbers, after))
        return
    for (index, leaf), value in zip(leaves, values, strict=True):
        place = f"{name}[{','.join(str(each + 1) for each in index)}]"
        if value is None:
            found.unread.append(Unread(place, str(leaf)[:60], "this is no number"))
        else:
            _number(found, value, place, after)


def _plain(tree: Any) -> Any:
    try:
        return np.zeros(np.shape(tree))
    except ValueError:  # rows of different lengths
        return ()


def _leaves(tree: Any, index: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
    if isinstance(tree, list | tuple) and len(index) < DEEPEST:
        for place, each in enumerate(tree):
            yield from _leaves(each, (*index, place))
    else:
        yield index, tree


def _typed(value: Any) -> Typed | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return typed(value)
    if isinstance(value, Decimal):
        return typed(str(value))
    if isinstance(value, int):
        return Typed(str(value), Decimal(value), Decimal(0))
    if isinstance(value, float | np.floating):
        return of_float(float(value), isinstance(value, np.float32 | np.float16))
    return None


def _leaf(found: _Found, value: Any, name: str, after: int) -> None:
    number = _typed(value)
    if number is None:
        found.unread.append(Unread(name, str(value)[:60], "this is no number"))
    elif not name:
        found.unread.append(Unread("", str(value)[:60], "this number has no name"))
    else:
        _number(found, number, name, after)


def _number(found: _Found, number: Typed, name: str, after: int) -> None:
    match = re.match(r"^(.*\S)\s+after\s+(\d+)(?:\s+rounds?)?$", name, re.IGNORECASE)
    name, after = (match[1], int(match[2])) if match else (name, after)
    found.numbers.append(Answer(name, number.text, number.value, number.unit, after))
