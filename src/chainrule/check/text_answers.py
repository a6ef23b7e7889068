"""Answers from text: a number a line, as people write it down and as programs print it."""

import re
from collections.abc import Iterator
from itertools import chain, pairwise

from chainrule.check.gather import Item, Note, answer, unread
from chainrule.check.rounds import FROM_ZERO, heading
from chainrule.check.statements import FREE_NUMBER, statement_items
from chainrule.check.table_answers import Row, header_of, table_items
from chainrule.check.text_lines import SIGN, Line, lines
from chainrule.check.typed import typed

USUAL = re.compile(r"((?!(?:round|iteration|iter|epoch)\d*\b|\w*after)[a-z]\w{0,60}) ?[=:] ?(\d+\.\d+)", re.IGNORECASE)
RULE = re.compile(r"[\s|+:=_*#─━═│┃┼╪╋├┤┌┐└┘┬┴╭╮╰╯.~-]*")
PIPES = re.compile(r"[|│┃]")
COLUMNS = re.compile(r"\s{2,}|\t")
DRAWING = re.compile(r"\s*(?:[─━═╌]{2,}[╭╮╯╰┼┬┴├┤►─]*|(?<=\s)-{3,}[.+'>|-]*)\s*")  # between the parts of a picture
UNDERLINE = re.compile(r"[\s|:│┃┼+-]*-[\s|:│┃┼+-]*|[\s─━═┼╪│┃]*[─━═][\s─━═┼╪│┃]*")
COMMENT = re.compile(r"#|//|%|--\s")
POINT = re.compile(r"\d\.\d")


def text_items(text: str) -> Iterator[Item]:
    """All numbers with a name in a text, and what could not be read.

    >>> [(each.name, each.after, each.text) for each in text_items("after 2 rounds\\nnet_h1 = 0.3775")]
    [('net_h1', 2, '0.3775')]
    """
    first = 0 if FROM_ZERO.search(text) else 1
    grouped = POINT.search(text) is not None  # where points are decimal marks, 1,234 is no fraction of ten
    after, noted = 0, False
    table: list[Row] = []
    for line, following in pairwise(chain(lines(text), [Line(0, "")])):
        place = f"line {line.number}"
        if line.long:
            yield unread(place, line.text, "the line is longer than a million characters")
            continue
        if not table and (usual := USUAL.fullmatch(line.text)) and (number := typed(usual[2])) is not None:
            yield answer(usual[1], number, after, place)
            continue
        cells = _cells(line.text, following.text, table)
        if cells is not None:
            if cells:
                table.append((line.number, cells))
            continue
        if table:
            yield from table_items(table, "", after, grouped)
            table = []
        if RULE.fullmatch(line.text):
            continue
        found = heading(line.text, first)
        if found is None and COMMENT.match(line.text):
            if FREE_NUMBER.search(line.text):
                yield unread(place, line.text, "this is a comment or a heading")
            continue
        if found is None:
            parts = DRAWING.split(line.text)
            for part in parts:
                if len(parts) == 1 or SIGN.search(part):
                    yield from statement_items(part, after, place, grouped)
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


def _cells(text: str, following: str, table: list[Row]) -> list[str] | None:
    """The cells of a line of a table, none for a line that only rules it off; None for any other line."""
    if not text:
        return None
    if RULE.fullmatch(text) and (table or PIPES.search(text)):
        return []
    if (
        table
        and PIPES.search("".join(map(str, table[0][1]))) is None
        and len(table[0][1]) > 1
        and not PIPES.search(text)
    ):
        return _columns(text, len(table[0][1]))
    if PIPES.search(text):
        starts = PIPES.match(text) or (UNDERLINE.fullmatch(following) and PIPES.search(following))
        return _piped(text) if table or starts or header_of(_piped(text)) is not None else None
    wide = COLUMNS.split(text)
    return list(wide) if len(wide) > 1 and header_of(wide) is not None else None


def _columns(text: str, width: int) -> list[str] | None:
    """The cells of a line whose columns are two spaces apart."""
    cells = COLUMNS.split(text)
    if len(cells) == width + 1 and cells[0].isdigit():  # the numbers of the rows of a data frame
        return list(cells[1:])
    return list(cells) if len(cells) == width else None


def _piped(text: str) -> list[str]:
    return [cell.strip() for cell in PIPES.split(text.strip().strip("|│┃"))]
