"""Answers from tables: a column of names and one of numbers, or a column for each quantity."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from chainrule.check.answers import Answer, Answers, Unread
from chainrule.check.typed import Typed, of_float, typed

NAMES = ("name", "quantity", "variable", "symbol", "what")
VALUES = ("value", "your number", "my value", "answer", "result", "number", "given", "mine")
ROUNDS = ("after", "round", "rounds", "iteration", "step", "epoch")
OTHERS = ("address", "verdict", "note", "right number")

Row = tuple[str, Sequence[Any]]  # where it stands, and its cells


def read_rows(rows: Sequence[Row], source: str = "", where: str = "") -> Answers:
    """The numbers of a table, its header found by the words in it."""
    rows = [(place, cells) for place, cells in rows if any(_text(cell) for cell in cells)]
    if not rows:
        return Answers(source=source)
    header = [_text(cell).lower() for cell in rows[0][1]]
    name, value = _column(header, NAMES), _column(header, VALUES)
    after = _column(header, ROUNDS)
    notes = [f"the column {header[after]} is read as the rounds done before"] if after is not None else []
    numbers: list[Answer] = []
    unread: list[Unread] = []
    if name is not None and value is not None:
        _long(rows[1:], name, value, after, numbers, unread)
    elif _is_wide(header, rows, after):
        _wide(rows, after, numbers, unread)
    else:
        notes = []
        _plain(rows, numbers, unread)
    return Answers(tuple(numbers), (), tuple(unread), tuple(notes), source)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _column(header: Sequence[str], words: Sequence[str]) -> int | None:
    return next((header.index(word) for word in words if word in header), None)


def _number(cell: Any) -> Typed | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return of_float(float(cell))
    return typed(_text(cell)) if _text(cell) else None


def _add(numbers: list[Answer], name: str, value: Typed, after: int, place: str) -> None:
    match = re.match(r"^(.*\S)\s+after\s+(\d+)(?:\s+rounds?)?$", name, re.IGNORECASE)
    name, after = (match[1], int(match[2])) if match else (name, after)
    numbers.append(Answer(name, value.text, value.value, value.unit, after, place))


def _rounds(cells: Sequence[Any], column: int | None) -> int | None:
    """The rounds of a row; 0 where it has none, None where they are no whole number."""
    if column is None or column >= len(cells) or not _text(cells[column]):
        return 0
    number = _number(cells[column])
    if number is None or number.value < 0 or number.value != number.value.to_integral_value():
        return None
    return int(number.value)


def _long(
    rows: Sequence[Row], name: int, value: int, after: int | None, numbers: list[Answer], unread: list[Unread]
) -> None:
    for place, cells in rows:
        label = _text(cells[name]) if name < len(cells) else ""
        number = _number(cells[value]) if value < len(cells) else None
        done = _rounds(cells, after)
        shown = ", ".join(_text(cell) for cell in cells)[:60]
        if not label:
            unread.append(Unread(place, shown, "it has no name"))
        elif number is None:
            empty = value >= len(cells) or not _text(cells[value])
            if not empty:
                unread.append(Unread(place, shown, f"{_text(cells[value])[:30]!r} is no number"))
        elif done is None:
            unread.append(Unread(place, shown, "its round is no whole number"))
        else:
            _add(numbers, label, number, done, place)


def _is_wide(header: Sequence[str], rows: Sequence[Row], after: int | None) -> bool:
    """A column for each quantity: names in the first row, numbers below each of them."""
    if len(rows) < 2 or any(_number(cell) is not None for cell in header if cell):
        return False
    below = rows[1][1]
    filled = [column for column, cell in enumerate(header) if cell and column != after]
    many = len(filled) > 2 or (after is not None and bool(filled))
    return many and all(column < len(below) and _number(below[column]) is not None for column in filled)


def _wide(rows: Sequence[Row], after: int | None, numbers: list[Answer], unread: list[Unread]) -> None:
    names = [_text(cell) for cell in rows[0][1]]
    for place, cells in rows[1:]:
        done = _rounds(cells, after)
        if done is None:
            unread.append(Unread(place, ", ".join(map(_text, cells))[:60], "its round is no whole number"))
            continue
        for column, name in enumerate(names):
            if not name or column == after or column >= len(cells) or not _text(cells[column]):
                continue
            number = _number(cells[column])
            if number is None:
                unread.append(Unread(f"{place}, {name}", _text(cells[column])[:60], "this is no number"))
            else:
                _add(numbers, name, number, done, f"{place}, column {name}")


def _plain(rows: Sequence[Row], numbers: list[Answer], unread: list[Unread]) -> None:
    """Names with a number to the right of each, anywhere in the table; a matrix with a name above it or to its left."""
    for place, cells in rows:
        found = list(_pairs(cells))
        for name, number in found:
            _add(numbers, name, number, 0, place)
        texts = [cell for cell in cells if _text(cell)]
        if not found and any(_number(cell) is not None for cell in texts):
            unread.append(Unread(place, ", ".join(map(_text, texts))[:60], "no name stands to the left of the number"))


def _pairs(cells: Sequence[Any]) -> Iterator[tuple[str, Typed]]:
    name = ""
    for cell in cells:
        number = _number(cell)
        if number is None:
            name = _text(cell).rstrip("=:≈ ").strip() or name
        elif name:
            yield name, number
            name = ""
