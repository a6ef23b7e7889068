"""A document as text for a terminal: formulas in two dimensions, or in one line where there is little room."""

import textwrap
from dataclasses import dataclass, replace
from itertools import groupby
from typing import assert_never

from chainrule.explain.document import (
    Block,
    Diagram,
    Document,
    Equation,
    Equations,
    Grids,
    Heading,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Expr, Sum, walk
from chainrule.render.diagram import diagram_lines
from chainrule.render.grids import grids_lines
from chainrule.render.layout import Box, beside, box, formula_box, row_boxes
from chainrule.render.line import ASCII, UNICODE, Script, formula_line, wrap_formula
from chainrule.render.symbols import ascii_text

NARROW = 60  # below this width formulas stand in one line
INDENT = 2  # of equations
LEAST_BESIDE = 44  # room beside the words before an equation; with less it stands below them
WORDS = 18  # a column of words isn't made narrower than this
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Page:
    """What the blocks of a document are set on."""

    document: Document
    width: int
    script: Script
    built_up: bool
    color: bool
    slashed: bool = False  # whether names of derivatives stay in a line


def render_text(
    document: Document,
    width: int = 80,
    ascii: bool = False,  # noqa: A002
    one_line: bool | None = None,
    color: bool = False,
) -> str:
    """The document as text of at most ``width`` columns; only a word or a number that is longer goes beyond.

    ``one_line`` says whether formulas stay in one line (``a/b``) or are built up in two dimensions; when it is None,
    they are built up from a width of 60 on. In ASCII they always stay in one line. ``color`` adds ANSI codes: headings
    and results bold, notes dim.

    >>> from chainrule.formula.expression import Mul, Ref, number
    >>> sides = (Ref("net"), Mul((Ref("w"), Ref("x"))), Mul((number("0.5"), number("-2"))), number(-1))
    >>> print(render_text(Document("Forward", (Equation(sides),))), end="")
    Forward
    ═══════
    <BLANKLINE>
      net = w · x = 0.5 · (−2) = −1
    """
    narrow = width < NARROW if one_line is None else one_line
    page = Page(document, width, ASCII if ascii else UNICODE, built_up=not (narrow or ascii), color=color)
    first = document.blocks[0] if document.blocks else None
    titled = not document.title or (isinstance(first, Heading) and first.text == document.title)
    blocks = document.blocks if titled else (Heading(1, document.title), *document.blocks)
    return "".join(f"{line}\n" for line in _joined([_block(block, page) for block in blocks]))


def _joined(blocks: list[list[str]]) -> list[str]:
    """The blocks with an empty line between."""
    return [line for block in blocks if block for line in ("", *block)][1:]


def _block(block: Block, page: Page) -> list[str]:
    match block:
        case Heading(level, text):
            return _heading(level, text, page)
        case Paragraph(parts):
            return _running(parts, page, page.width)
        case Equation():
            return _equations((block,), page)
        case Equations(equations):
            return _equations(equations, page)
        case Table():
            return _table(block, page)
        case Grids():
            lines = grids_lines(block, page.document, page.width - INDENT, page.script)
            return [_text(f"{'':{INDENT}}{line}".rstrip(), page) for line in lines]
        case Diagram():
            return [_text(line, page) for line in diagram_lines(block, page.document, page.width, page.script)]
        case Note(parts):
            bar = "| " if page.script.ascii else "│ "
            return [_painted(f"{bar}{line}", DIM, page) for line in _running(parts, page, page.width - 2)]
        case _:
            assert_never(block)


def _heading(level: int, text: str, page: Page) -> list[str]:
    lines = _wrapped(_text(text, page), page.width)
    longest = max(map(len, lines), default=0)
    rule = ("=" if level == 1 else "-") if page.script.ascii else ("═" if level == 1 else "─")
    painted = [_painted(line, BOLD, page) for line in lines]
    return [*painted, rule * longest] if level <= 2 else painted


def _running(parts: tuple[str | Expr, ...], page: Page, width: int) -> list[str]:
    """Words and formulas in lines; a short formula isn't broken."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += _text(part, page)
            continue
        formula = formula_line(part, page.document, page.script.ascii)
        text += formula.replace(" ", "\N{NO-BREAK SPACE}") if len(formula) <= width // 2 else formula
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in _wrapped(text, width)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)


def _text(text: str, page: Page) -> str:
    """Running text in the characters of the page; none of them moves a cursor or changes a colour."""
    safe = "".join(each if each.isprintable() or each.isspace() else "?" for each in text)
    return ascii_text(safe) if page.script.ascii else safe


def _painted(text: str, style: str, page: Page) -> str:
    return f"{style}{text}{PLAIN}" if page.color and text.strip() else text


def _equations(equations: tuple[Equation, ...], page: Page) -> list[str]:
    """Equations below each other, with an empty line around each that takes more than one line."""
    if not equations:
        return []
    if any(each.label for each in equations):
        return _labelled(equations, page)
    blocks = _aligned(equations, page)
    column = max(
        (rows[0].width for rows, each in zip(blocks, equations, strict=True) if each.note and _flat(rows)), default=0
    )
    lines: list[str] = []
    before = True
    for equation, rows in zip(equations, blocks, strict=True):
        flat = _flat(rows)
        lines += [""] * bool(lines and not (flat and before))
        lines += _with_note(equation, rows, column if flat else 0, page)
        before = flat
    return lines


def _labelled(equations: tuple[Equation, ...], page: Page) -> list[str]:
    """Equations in one line each behind the words that tell them apart, or below them where there is little room."""
    labels = [_text(each.label, page) for each in equations]
    beside_labels = max(map(len, labels)) + 2
    if page.width - beside_labels < LEAST_BESIDE:
        beside_labels = INDENT
    inner = replace(page, width=page.width - beside_labels, slashed=True)
    runs = [tuple(run) for _, run in groupby(equations, key=lambda each: each.final)]
    set_out = [rows for run in runs for rows in _aligned(run, inner)]
    lines: list[str] = []
    before = True
    for equation, label, rows in zip(equations, labels, set_out, strict=True):
        flat = all(row.height == 1 for row in rows)
        lines += [""] * bool(lines and not (flat and before))
        fits = len(label) + 2 <= beside_labels
        own = [] if fits else [f"{'':{INDENT}}{label}"]
        for number, row in enumerate(rows):
            own += [""] * bool(number and min(row.height, rows[number - 1].height) > 1)
            for level, text in enumerate(row.lines):
                words = label if fits and (number, level) == (0, row.baseline) else ""
                own.append(f"{'':{INDENT}}{words:<{beside_labels}}{text}".rstrip())
        lines += [_painted(line, BOLD, page) if equation.final else line for line in own]
        before = flat
    return lines


def _flat(rows: list[Box]) -> bool:
    return len(rows) == 1 and rows[0].height == 1


def _side(expr: Expr, page: Page) -> Box:
    return (
        formula_box(expr, page.document, page.slashed)
        if page.built_up
        else box(formula_line(expr, page.document, page.script.ascii))
    )


def _aligned(equations: tuple[Equation, ...], page: Page) -> list[list[Box]]:
    """The rows of each equation, the first equals signs aligned unless that costs rows."""
    plain = [_equation_rows(each.sides, page, 0) for each in equations]
    names = max(_side(each.sides[0], page).width for each in equations)
    if names > (page.width - INDENT) // 2:
        return plain
    aligned = [_equation_rows(each.sides, page, names) for each in equations]
    room = page.width - INDENT
    return min((aligned, plain), key=lambda blocks: _cost([row for rows in blocks for row in rows], room))


def _whole(sides: list[Box], names: int) -> Box:
    first, *others = sides
    return beside(_padded(first, names), *(part for each in others for part in (box(" = "), each)))


def _padded(inner: Box, width: int) -> Box:
    return Box(tuple(line.rjust(width) for line in inner.lines), inner.baseline) if inner.width < width else inner


def _equation_rows(sides: tuple[Expr, ...], page: Page, names: int) -> list[Box]:
    """An equation in one row where it fits, else one side a row, aligned at the equals signs.

    Where the left side takes so much room that the others would be broken, they start below it.
    """
    room = page.width - INDENT
    boxes = [_side(side, page) for side in sides]
    whole = _whole(boxes, names)
    if whole.width <= room:
        return [whole]
    if len(sides) == 1:
        return _side_rows(sides[0], page, room)
    first = _padded(boxes[0], names)
    others = sides[1:]
    hanging = [*_side_rows(sides[0], page, room), *_rows_after(box("  = "), others, page, room)]
    if first.width > room // 2:
        return hanging
    start, *rest = _rows_after(box(" " * first.width + " = "), others, page, room)
    aligned = [beside(first, Box(tuple(line[first.width :] for line in start.lines), start.baseline)), *rest]
    return min((aligned, hanging), key=lambda rows: _cost(rows, room))


def _cost(rows: list[Box], room: int) -> tuple[int, int]:
    """How far rows go beyond the page, and how many they are."""
    return max(0, *(row.width - room for row in rows)), len(rows)


def _rows_after(equals: Box, sides: tuple[Expr, ...], page: Page, room: int) -> list[Box]:
    """Each side in rows that begin to the right of an equals sign."""
    rows = []
    for side in sides:
        start, *rest = _side_rows(side, page, room - equals.width)
        rows += [beside(equals, start), *(beside(box(" " * equals.width), each) for each in rest)]
    return rows


def _side_rows(expr: Expr, page: Page, width: int) -> list[Box]:
    """One side, in several rows where it is too long: broken at its pluses or dots, else set in lines."""
    if page.built_up:
        whole = formula_box(expr, page.document, page.slashed)
        if whole.width <= width:
            return [whole]
        open_at = width - INDENT if any(isinstance(node, Sum) for node in walk(expr)) else None
        pieces = row_boxes(expr, page.document, page.slashed, open_at)
        if len(pieces) > 1 and all(each.width + INDENT <= width for each in pieces):
            return _packed(pieces, width)
    text = formula_line(expr, page.document, page.script.ascii)
    return [box(line) for line in wrap_formula(text, width, INDENT)]


def _packed(pieces: list[Box], width: int) -> list[Box]:
    """As many pieces in a row as fit; the rows after the first are indented."""
    rows = [pieces[0]]
    for piece in pieces[1:]:
        longer = beside(rows[-1], box(" "), piece)
        if longer.width <= width:
            rows[-1] = longer
        else:
            rows.append(beside(box(" " * INDENT), piece))
    return rows


def _with_note(equation: Equation, rows: list[Box], column: int, page: Page) -> list[str]:
    """The lines of an equation, its note to the right of the first row or, where there is no room, below."""
    note = _text(equation.note, page)
    at = next((at for at in (max(column, rows[0].width), rows[0].width) if at + len(note) + 7 <= page.width), None)
    lines = []
    for number, row in enumerate(rows):
        if number and min(row.height, rows[number - 1].height) > 1:
            lines.append("")
        for level, content in enumerate(row.lines):
            text = f"{'':{INDENT}}{content}".rstrip()
            line = _painted(text, BOLD, page) if equation.final else text
            if note and at is not None and (number, level) == (0, row.baseline):
                line += " " * (INDENT + at + 3 - len(text)) + _painted(f"({note})", DIM, page)
            lines.append(line)
    if note and at is None:
        lines += [_painted(f"    {line}", DIM, page) for line in _wrapped(f"({note})", page.width - 4)]
    return lines


def _table(table: Table, page: Page) -> list[str]:
    cells = [
        [
            _text(cell, page) if isinstance(cell, str) else formula_line(cell, page.document, page.script.ascii)
            for cell in row
        ]
        for row in table.rows
    ]
    header = [_text(each, page) for each in table.header]
    numeric = [*table.numeric, *[False] * (len(header) - len(table.numeric))]
    widths = _column_widths([header, *cells], numeric, page.width - 2 * (len(header) - 1))
    if widths is None:
        return _records(header, cells, page)
    lines = [line for row in cells for line in _table_row(row, widths, numeric)]
    if not any(header):
        return lines
    rule = ("-" if page.script.ascii else "─") * (sum(widths) + 2 * (len(widths) - 1))
    return [*(_painted(line, BOLD, page) for line in _table_row(header, widths, numeric)), rule, *lines]


def _column_widths(rows: list[list[str]], numeric: list[bool], room: int) -> list[int] | None:
    """The widths of the columns; where they don't fit, columns of words are narrowed, and None where that won't do."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    least = [
        width if is_number else max(min(width, WORDS), *(len(word) for cell in column for word in cell.split()))
        for column, width, is_number in zip(columns, widths, numeric, strict=True)
    ]
    while sum(widths) > room:
        spare, widest = max(
            (width if width > low else 0, i) for i, (width, low) in enumerate(zip(widths, least, strict=True))
        )
        if not spare:
            return None
        widths[widest] -= 1
    return widths


def _table_row(cells: list[str], widths: list[int], numeric: list[bool]) -> list[str]:
    wrapped = [_wrapped(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        texts = [cell[at] if at < len(cell) else "" for cell in wrapped]
        columns = zip(texts, widths, numeric, strict=True)
        lines.append(
            "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in columns).rstrip()
        )
    return lines


def _records(header: list[str], cells: list[list[str]], page: Page) -> list[str]:
    """A table too wide for the page: each row as a block of ``column: cell`` lines."""
    blocks = []
    for row in cells:
        lines = []
        for name, cell in zip(header, row, strict=True):
            if not cell:
                continue
            text = f"{name}: {cell}" if name else cell
            lines += textwrap.wrap(
                text, page.width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
            )
        blocks.append(lines)
    return _joined(blocks)
