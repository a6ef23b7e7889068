"""Answers from tables: a column of names and one of numbers, a column for each quantity, or named blocks of numbers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from chainrule.check.gather import Item, Note, answer, some, unread
from chainrule.check.printed import Tree, entries
from chainrule.check.rounds import heading, split_after
from chainrule.check.statements import FREE_NUMBER, clean_name, statement_items, value_items
from chainrule.check.typed import Typed, of_float, of_whole, typed

# The words of a header, those that say most first.
NAMES = ("name", "names", "quantity", "quantities", "variable", "symbol", "parameter", "what", "address")
VALUES = ("your number", "your value", "your answer", "my number", "my value", "my answer", "my result", "mine",
          "given", "answer", "answers", "result", "results", "value", "values", "number", "numbers")  # fmt: skip
ROUNDS = ("after", "round", "rounds", "iteration", "iterations", "epoch", "epochs", "rounds done", "after rounds")
Row = tuple[int, Sequence[object]]  # its number in the table, counted from 1, and its cells


@dataclass(frozen=True, slots=True)
class Header:
    """Where names, numbers and rounds stand; in a wide table, the name of each column instead."""

    name: int = -1
    value: int = -1
    after: int | None = None
    wide: tuple[tuple[int, str], ...] = ()
    said: str = ""  # the header of the column of rounds


@dataclass(slots=True)
class Reading:
    """Where the reader of one table is."""

    sheet: str
    grouped: bool
    after: int
    header: Header | None = None
    done: int = 0  # rows of a wide table without rounds
    empty: list[str] = field(default_factory=list)  # names without a number

    def place(self, number: int, column: int, name: str = "") -> str:
        if self.sheet:
            return f'sheet "{self.sheet}", cell {letters(column)}{number}'
        return f"line {number}, column {name}" if name else f"line {number}"


def letters(column: int) -> str:
    """The letters of a spreadsheet's column, which is counted from 0.

    >>> letters(0), letters(27)
    ('A', 'AB')
    """
    found = ""
    column += 1
    while column:
        column, last = divmod(column - 1, 26)
        found = chr(ord("A") + last) + found
    return found


def table_items(rows: Sequence[Row], sheet: str = "", after: int = 0, grouped: bool = False) -> Iterator[Item]:
    """The numbers of a table; what its columns mean is seen from the header, or from where names and numbers stand.

    >>> rows = [(1, ["round", "out_o1"]), (2, ["0", "0.75"]), (3, ["1", "0.74"])]
    >>> [(each.name, each.after, each.text) for each in table_items(rows) if hasattr(each, "name")]
    [('out_o1', 0, '0.75'), ('out_o1', 1, '0.74')]
    """
    state = Reading(sheet, grouped, after)
    at = 0
    while at < len(rows):
        header = state.header
        number, cells = rows[at]
        if header is not None and not header.wide and len(cells) > max(header.name, header.value):
            name, value = cells[header.name], cells[header.value]
            if name and value and isinstance(name, str) and isinstance(value, str) and header.after is None:
                found = typed(value, grouped)  # the usual row, without any detours
                if found is not None and "after" not in name:
                    yield answer(clean_name(name), found, state.after, state.place(number, header.value))
                    at += 1
                    continue
        used, items = _step(state, rows, at)
        yield from items
        at += used
    if state.empty:
        yield Note(f"without a number: {some(state.empty)}")


def _step(state: Reading, rows: Sequence[Row], at: int) -> tuple[int, list[Item]]:
    """What the row at a place holds, with the further rows of a block of numbers; how many rows that were."""
    number, cells = rows[at]
    filled = [(column, cell) for column, cell in enumerate(cells) if not _is_empty(cell)]
    if not filled:
        if state.header is not None and state.header.wide:
            state.header = None
        return 1, []
    first = filled[0][1]
    comment = isinstance(first, str) and first.lstrip().startswith("#")
    if isinstance(first, str) and (comment or len(filled) == 1):
        found = heading(" ".join(str(cell) for _, cell in filled))
        if found is not None and not found.rest:
            state.after = found.after
            return 1, [Note(found.note)] if found.note else []
    if comment:
        return 1, []
    following = rows[at + 1][1] if at + 1 < len(rows) else ()
    found_header = header_of(cells) or _wide_header(cells, following)
    if found_header is not None:
        state.header, state.done = found_header, 0
        return 1, list(_about(found_header, rows, at))
    if state.header is None:
        return _block(state, rows, at, filled)
    if not state.header.wide:
        return 1, list(_long_row(state, state.header, number, cells))
    return 1, list(_wide_row(state, state.header, number, cells))


def header_of(cells: Sequence[object]) -> Header | None:
    """The header of a table with a column of names and a column of numbers; None for any other row."""
    words = _words(cells)
    name, value = _column(words, NAMES), _column(words, VALUES)
    if name is None or value is None:
        return None
    after = _column(words, ROUNDS)
    return Header(name, value, after, (), "" if after is None else str(cells[after]).strip())


def _words(cells: Sequence[object]) -> list[str]:
    """The words of a header without capitals and signs."""
    return [" ".join(re.sub(r"[\W_]+", " ", cell.lower()).split()) if isinstance(cell, str) else "" for cell in cells]


def _column(words: Sequence[str], known: Sequence[str]) -> int | None:
    return next((words.index(word) for word in known if word in words), None)


def _wide_header(cells: Sequence[object], following: Sequence[object]) -> Header | None:
    """The header of a table with a column for each quantity: texts above numbers."""
    named = [(column, cell.strip()) for column, cell in enumerate(cells) if isinstance(cell, str) and cell.strip()]
    if len(named) < 2 or len(named) != sum(not _is_empty(cell) for cell in cells):
        return None
    if any(_number(cell) is not None or "=" in cell for _, cell in named):
        return None
    below = {column: cell for column, cell in enumerate(following) if not _is_empty(cell)}
    if not below or not below.keys() <= dict(named).keys() or any(_number(cell) is None for cell in below.values()):
        return None
    after = next((column for column, cell in named if cell.lower().replace("_", " ") in ROUNDS), None)
    wide = tuple((column, clean_name(cell)) for column, cell in named if column != after)
    return Header(after=after, wide=wide, said="" if after is None else dict(named)[after])


def _about(header: Header, rows: Sequence[Row], at: int) -> Iterator[Item]:
    """What there is to say about how a table's rounds are read."""
    if not header.wide and sum(word in VALUES for word in _words(rows[at][1])) > 1:
        yield Note(f"the numbers are those of the column {str(rows[at][1][header.value]).strip()}")
    if header.after is not None:
        yield Note(f"the column {header.said} is read as the number of rounds done before")
    elif header.wide and at + 2 < len(rows) and not all(_is_empty(cell) for cell in rows[at + 2][1]):
        yield Note("each row is read as a round: the first row is the first round, with no round done before it")


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _number(cell: object, grouped: bool = False) -> Typed | None:
    match cell:
        case bool():
            return None
        case int():
            return of_whole(cell)
        case float():
            return of_float(cell)
        case str():
            return typed(cell, grouped)
    return None


def _rounds(cells: Sequence[object], header: Header, state: Reading) -> int | None:
    """The rounds done before those of a row; None where its cell is no whole number."""
    if header.after is None or header.after >= len(cells) or _is_empty(cells[header.after]):
        return state.after
    found = _number(cells[header.after], True)
    if found is None or not 0 <= found.value < 10**12 or found.value != found.value.to_integral_value():
        return None
    return int(found.value)


def _long_row(state: Reading, header: Header, number: int, cells: Sequence[object]) -> Iterator[Item]:
    """A row with a name and a number."""
    name = cells[header.name] if header.name < len(cells) else None
    value = cells[header.value] if header.value < len(cells) else None
    place = state.place(number, header.value)
    after = _rounds(cells, header, state)
    if _is_empty(value):
        if isinstance(name, str):
            state.empty.append(clean_name(name))
    elif _is_empty(name):
        yield unread(place, _shown(cells), "no name stands in its row")
    elif after is None:
        yield unread(state.place(number, header.after or 0), _shown(cells), "its round is no whole number")
    else:
        yield from _cell(state, str(name), value, after, place)


def _cell(state: Reading, name: str, cell: object, after: int, place: str) -> Iterator[Item]:
    """A cell's number, by a name that may say its round too."""
    name, said = split_after(name)
    after = after if said is None else said
    name = clean_name(name)
    found = _number(cell, state.grouped)
    if not any(each.isalpha() for each in name):
        yield unread(place, f"{name} {cell}", "no name stands before the number")
    elif found is not None:
        yield answer(name, found, after, place)
    elif isinstance(cell, str):
        yield from value_items(name, cell.rpartition("=")[2], after, place, state.grouped)
    else:
        yield unread(place, f"{name} {cell}", _kind_of(cell))


def _kind_of(cell: object) -> str:
    if isinstance(cell, date | time | timedelta):
        return "this is a date or a time; a spreadsheet makes that of 1/2: write it as a decimal or as text"
    return "true and false are no numbers" if isinstance(cell, bool) else "this is no number"


def _wide_row(state: Reading, header: Header, number: int, cells: Sequence[object]) -> Iterator[Item]:
    """A row with a number for each of the quantities above."""
    after = _rounds(cells, header, state)
    if header.after is None and after is not None:
        after += state.done
        state.done += 1
    if after is None:
        yield unread(state.place(number, header.after or 0), _shown(cells), "its round is no whole number")
        return
    for column, name in header.wide:
        if column < len(cells) and not _is_empty(cells[column]):
            yield from _cell(state, name, cells[column], after, state.place(number, column, name))


def _block(
    state: Reading, rows: Sequence[Row], at: int, filled: Sequence[tuple[int, object]]
) -> tuple[int, list[Item]]:
    """A row without a header above: names with numbers to the right, or a name with a block of numbers below."""
    number = rows[at][0]
    if len(filled) == 1 and isinstance(filled[0][1], str) and _number(filled[0][1]) is None and "=" not in filled[0][1]:
        below = _numbers_below(state, rows, at + 1, 0)
        if below:
            return 1 + len(below), list(_matrix(state, filled[0][1], below, state.place(number, filled[0][0])))
    items: list[Item] = []
    used = 1
    groups = _groups(state, filled)
    for column, name, numbers in groups:
        place = state.place(number, numbers[0][0] if numbers else column)
        if len(numbers) == 1:
            items += _cell(state, name, numbers[0][1], state.after, place)
        elif numbers:
            below = _numbers_below(state, rows, at + 1, column + 1) if len(groups) == 1 else []
            used = 1 + len(below)
            items += _matrix(state, name, [[found for _, _, found in numbers], *below], place)
        elif FREE_NUMBER.search(name):
            items += statement_items(name, state.after, place, state.grouped)
    if not items and any(_number(cell, state.grouped) is not None for _, cell in filled):
        items = [
            unread(state.place(number, filled[0][0]), _shown(rows[at][1]), "no name stands to the left of the number")
        ]
    return used, items


def _groups(
    state: Reading, filled: Sequence[tuple[int, object]]
) -> list[tuple[int, str, list[tuple[int, object, Typed]]]]:
    """The names of a row, each with the numbers right of it."""
    groups: list[tuple[int, str, list[tuple[int, object, Typed]]]] = []
    for column, cell in filled:
        found = _number(cell, state.grouped)
        if found is None and isinstance(cell, str) and not (groups and not groups[-1][2] and cell.strip() in "=:≈"):
            groups.append((column, cell, []))
        elif found is not None and groups:
            groups[-1][2].append((column, cell, found))
    return groups


def _numbers_below(state: Reading, rows: Sequence[Row], at: int, first: int) -> list[list[Tree]]:
    """The rows from a place on that hold nothing but numbers, none of them left of a column."""
    found: list[list[Tree]] = []
    while at < len(rows):
        filled = [(column, cell) for column, cell in enumerate(rows[at][1]) if not _is_empty(cell)]
        numbers: list[Tree] = [
            each for column, cell in filled if column >= first and (each := _number(cell, state.grouped)) is not None
        ]
        if not filled or len(numbers) != len(filled):
            break
        found.append(numbers)
        at += 1
    return found


def _matrix(state: Reading, name: str, rows: Sequence[Sequence[Tree]], place: str) -> Iterator[Item]:
    """A block of numbers by one name: one number, a row of them, or a matrix."""
    name, said = split_after(name)
    after = state.after if said is None else said
    name = clean_name(name)
    tree: list[Tree] = [list(row) for row in rows]
    if all(len(row) == 1 for row in rows):
        tree = [row[0] for row in rows]
    elif len(rows) == 1:
        tree = list(rows[0])
    if len(tree) == 1 and isinstance(tree[0], Typed):
        yield answer(name, tree[0], after, place)
    else:
        yield from entries(name, tree, after, place)


def _shown(cells: Sequence[object]) -> str:
    return ", ".join(str(cell) for cell in cells if not _is_empty(cell))
