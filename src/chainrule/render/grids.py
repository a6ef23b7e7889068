"""Grids of numbers, aligned at their decimal points and cut where they are wider than the page."""

from dataclasses import dataclass, replace
from itertools import pairwise

from chainrule.explain.document import ELLIPSIS, Axis, Document, Grid, Grids
from chainrule.formula.expression import Expr
from chainrule.render.layout import Box, beside
from chainrule.render.line import Script, formula_line

GAP = 2  # columns of text between two numbers
BETWEEN = 4  # ... and between two grids
LONG_NAME = 14  # a longer name stands on a line of its own


@dataclass(frozen=True, slots=True)
class Cell:
    """A number's text up to its decimal point, and from there on."""

    before: str
    after: str


def cell_of(number: Expr, document: Document, ascii: bool = False) -> Cell:  # noqa: A002
    """A number taken apart at its point.

    >>> from chainrule.formula.expression import number
    >>> cell_of(number("-0.25"), Document("", ()), ascii=True)
    Cell(before='-0', after='.25')
    """
    text = formula_line(number, document, ascii)
    if number == ELLIPSIS:
        return Cell(text, "")
    before, point, after = text.partition(".")
    return Cell(before, point + after)


def column_widths(grid: Grid, document: Document, ascii: bool = False) -> list[tuple[int, int]]:  # noqa: A002
    """How wide each column is before and behind its points."""
    columns = zip(*grid.numbers, strict=True)
    cells = [[cell_of(each, document, ascii) for each in column] for column in columns]
    return [(max(len(c.before) for c in column), max(len(c.after) for c in column)) for column in cells]


def pieces(grid: Grid, document: Document, room: float) -> list[Grid]:
    """A grid as it is, or cut into several with as many of its columns as fit into so many digits."""
    widths = column_widths(grid, document)
    marks, heads = marks_of(grid.rows), marks_of(grid.columns)
    starts = [0]
    for place in range(1, len(widths) + 1):
        head = heads[:1] if not starts[-1] else [f"{grid.columns.word} {each}" for each in heads[starts[-1] :][:1]]
        own = widths[starts[-1] : place]
        if place - starts[-1] > 1 and _left("", marks, head, own) + _across(own) > room:
            starts.append(place - 1)
    cuts = [*starts, len(widths)]
    return [_columns(grid, first, last) for first, last in pairwise(cuts)]


def _left(name: str, marks: list[str], heads: list[str], widths: list[tuple[int, int]]) -> int:
    """How much room is left of the brackets: for what stands beside the rows, and for the first head beside a name."""
    left = max(map(len, marks), default=0)
    if not heads:
        return left
    reach = len(heads[0]) - (2 + (sum(widths[0]) + 1) // 2)
    return max(left, reach + len(name) + 2 * bool(name), len(name))


def _across(widths: list[tuple[int, int]]) -> int:
    """How wide the numbers are with their brackets."""
    return 5 + sum(before + after for before, after in widths) + GAP * (len(widths) - 1)


def _columns(grid: Grid, first: int, last: int) -> Grid:
    numbers = tuple(row[first:last] for row in grid.numbers)
    return replace(grid, numbers=numbers, columns=replace(grid.columns, marks=grid.columns.marks[first:last]))


def grid_width(grid: Grid, document: Document) -> int:
    """About how wide a grid is with all that stands beside it, in digits."""
    heads = [*marks_of(grid.columns), *[""] * len(grid.numbers[0])]
    beside = max(map(len, (name_of(grid, document), *marks_of(grid.rows))))
    columns = zip(column_widths(grid, document), heads, strict=False)
    return 4 + beside + sum(GAP + max(before + after, len(head)) for (before, after), head in columns)


def marks_of(axis: Axis) -> list[str]:
    """What stands beside each row or above each column: the word before the first number."""
    return [f"{axis.word} {mark}" if axis.word and not place else mark for place, mark in enumerate(axis.marks)]


def name_of(grid: Grid, document: Document, ascii: bool = False) -> str:  # noqa: A002
    """What a grid is called, with its part: ``k_c, filter 2``."""
    name = "" if grid.name is None else formula_line(grid.name, document, ascii)
    return ", ".join(each for each in (name, grid.part) if each)


def grids_lines(block: Grids, document: Document, width: int, script: Script) -> list[str]:
    """Grids as text, beside each other where they fit."""
    sign = {"·": script.times}.get(block.sign, block.sign)
    room = width - (len(sign) + 2) * bool(sign)  # of two grids below each other the second one has the sign before it
    rows: list[Box] = []
    for grid in block.grids:
        for place, part in enumerate(pieces(grid, document, room)):
            drawn = Box(*_lines(part, document, script, room))
            between = Box((f"  {sign}  " if sign else " " * BETWEEN,))
            if rows and not place and rows[-1].width + between.width + drawn.width <= width:
                rows[-1] = beside(rows[-1], between, drawn)
            else:
                rows.append(beside(Box((f"{sign}  ",)), drawn) if rows and sign and not place else drawn)
    return [line.rstrip() for place, each in enumerate(rows) for line in (*[""] * (place > 0), *each.lines)]


def _lines(grid: Grid, document: Document, script: Script, room: int) -> tuple[tuple[str, ...], int]:
    """One grid as lines of equal width, and which of them is in its middle."""
    name, marks, heads = name_of(grid, document, script.ascii), marks_of(grid.rows), marks_of(grid.columns)
    widths = column_widths(grid, document, script.ascii)
    left = _left(name, marks, heads, widths)
    beside = max(map(len, marks), default=0)
    fits = left + _across(widths) <= room and len(name) <= max(beside, LONG_NAME)
    above = [name] if name and not (heads and fits) else []
    if above:
        name, left = "", _left("", marks, heads, widths)
    ends, at = [], 2
    for before, after in widths:
        ends.append(at + (before + after + 1) // 2)
        at += before + after + GAP
    lines = [_row(row, mark, left, widths, fence, document, script) for row, mark, fence in _rows(grid, marks, script)]
    if heads:
        above.append(_head(name, heads, [left + each for each in ends]))
    wide = max(map(len, (*above, *lines)))
    return tuple(line.ljust(wide) for line in (*above, *lines)), len(above) + (len(lines) - 1) // 2


def _rows(grid: Grid, marks: list[str], script: Script) -> list[tuple[tuple[Expr, ...], str, str]]:
    """Each row with what stands beside it and its two brackets."""
    last = len(grid.numbers) - 1
    found = []
    for place, row in enumerate(grid.numbers):
        fence = "[]" if script.ascii or not last else "⎡⎤" if not place else "⎣⎦" if place == last else "⎢⎥"
        found.append((row, marks[place] if marks else "", fence))
    return found


def _row(
    row: tuple[Expr, ...], mark: str, left: int, widths: list[tuple[int, int]], fence: str, document: Document,
    script: Script,
) -> str:  # fmt: skip
    cells = [cell_of(each, document, script.ascii) for each in row]
    texts = [
        f"{cell.before:>{before}}{cell.after:<{after}}" for cell, (before, after) in zip(cells, widths, strict=True)
    ]
    return f"{mark:>{left}}{' ' * bool(left)}{fence[0]} {(' ' * GAP).join(texts)} {fence[1]}"


def _head(name: str, heads: list[str], ends: list[int]) -> str:
    """The line above: the name, and each column's number over the middle of it."""
    line = name
    for head, end in zip(heads, ends, strict=True):
        start = max(end - len(head) + 1, len(line) + bool(line))
        line = f"{line:<{start}}{head}"
    return line
