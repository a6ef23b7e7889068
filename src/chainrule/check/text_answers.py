"""Answers from text: a number a line, as people write it down and as programs print it."""

import re
from collections.abc import Iterator

from chainrule.check.gather import Item, Note, unread
from chainrule.check.rounds import FROM_ZERO, heading
from chainrule.check.statements import FREE_NUMBER, statement_items
from chainrule.check.table_answers import Row, header_of, table_items
from chainrule.check.text_lines import Line, lines

RULE = re.compile(r"[\s|+:=_*#─━═│┃┼╪╋├┤┌┐└┘┬┴╭╮╰╯.~-]*")
PIPES = re.compile(r"[|│┃]")
COLUMNS = re.compile(r"\s{2,}|\t")
POINT = re.compile(r"\d\.\d")
USUAL = re.compile(r"([A-Za-z_]\w*) ?[=:] ?([-+]?\d+\.\d+)")


def text_items(text: str) -> Iterator[Item]:
    """All numbers with a name in a text, and what could not be read.

    >>> [(each.name, each.after, each.text) for each in text_items("after 2 rounds\\nnet_h1 = 0.3775")]
    [('net_h1', 2, '0.3775')]
    """
    first = 0 if FROM_ZERO.search(text) else 1
    grouped = POINT.search(text) is not None  # where points are decimal marks, 1,234 is no fraction of ten
    after, noted = 0, False
    table: list[Row] = []
    for line in lines(text):
        place = f"line {line.number}"
        if line.long:
            yield unread(place, line.text, "the line is longer than a million characters")
            continue
        cells = _cells(line, table)
        if cells is not None:
            table.append((line.number, cells))
            continue
        if table:
            yield from table_items(table, "", after, grouped)
            table = []
        if RULE.fullmatch(line.text):
            continue
        found = heading(line.text, first)
        if found is None:
            yield from statement_items(line.text, after, place, grouped)
            continue
        if found.note and not noted:
            noted = True
            yield Note(found.note)
        if found.rest and (FREE_NUMBER.search(found.rest) or "=" in found.rest):
            yield from statement_items(found.rest, found.after, place, grouped)
        else:
            after = found.after
    if table:
        yield from table_items(table, "", after, grouped)


def _cells(line: Line, table: list[Row]) -> list[str] | None:
    """The cells of a line of a table; None for any other line."""
    text = line.text
    if not text:
        return None
    if (
        PIPES.match(text)
        or (table and PIPES.search(text))
        or (PIPES.search(text) and header_of(_piped(text)) is not None)
    ):
        return [""] if RULE.fullmatch(text) else _piped(text)
    if table and RULE.fullmatch(text):
        return [""]
    if table and not PIPES.search("".join(map(str, table[0][1]))):
        wide = COLUMNS.split(text)
        width = len(table[0][1])
        if len(wide) == width:
            return list(wide)
        if len(wide) == width + 1 and wide[0].isdigit():  # the numbers of the rows of a data frame
            return list(wide[1:])
        return None
    if len(wide := COLUMNS.split(text)) > 1 and header_of(wide) is not None:
        return list(wide)
    return None


def _piped(text: str) -> list[str]:
    return [cell.strip() for cell in PIPES.split(text.strip().strip("|│┃"))]
