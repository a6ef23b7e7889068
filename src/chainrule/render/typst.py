"""A document in Typst, and through the ``typst`` package as a PDF, with no TeX installed."""

import re
from typing import Any, assert_never

from chainrule.explain.document import (
    Block,
    Diagram,
    Document,
    Equation,
    Equations,
    Grid,
    Grids,
    Heading,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Expr
from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.render.grids import cell_of, column_widths, marks_of, pieces
from chainrule.render.lines import EquationLine, beside_labels, equation_lines
from chainrule.render.picture import network_picture
from chainrule.render.svg import described, picture_svg
from chainrule.render.typeset import (
    APPLY,
    Cases,
    Fence,
    Fraction,
    Function,
    Italic,
    Limits,
    Node,
    Root,
    Row,
    Scripts,
    Sign,
    Upright,
    typeset,
)
from chainrule.render.weights import WeightTable, weight_tables

PAGE_WIDTH = 460  # points, between the margins
PIXEL = 0.62  # points that a pixel of the picture is drawn as, where there is room
ROOM = 76  # digits in a line: a longer equation gets a line for each side
HEAD = """\
#set page(paper: "a4", margin: (x: 2.2cm, y: 2.2cm), numbering: "1")
#set text(font: ("Libertinus Serif", "New Computer Modern"), size: 10.5pt, lang: "en")
#set par(leading: 0.62em)
#show math.equation.where(block: true): set align(left)
#show math.equation.where(block: true): set block(inset: (left: 0.8em), spacing: 1em, breakable: true)
#show heading: set block(above: 1.5em, below: 0.8em)
#set table(stroke: (x: none, y: 0.4pt + luma(200)), inset: (x: 0.4em, y: 0.35em))
#let result(body) = box(fill: rgb("#eaf2ff"), outset: (x: 2pt, y: 3pt), radius: 2pt, $#body$)
#let small(body) = text(size: 0.8em, fill: luma(90), body)
#let grid-of(n, ..cells) = table(columns: n, align: right, stroke: none, inset: (x: 0.45em, y: 0.3em), ..cells)
#let note(body) = block(inset: (left: 0.8em), stroke: (left: 1.5pt + luma(180)), text(fill: luma(80), body))
"""
DELIMITERS = {
    "(": "paren.l", ")": "paren.r", "[": "bracket.l", "]": "bracket.r", "|": "bar.v", "{": "brace.l", "}": "brace.r",
}  # fmt: skip
SYNTAX = set("\"#$&*/\\_^`~@=<>-+,;:()[]{}|!'.")  # what would mean something to Typst


def render_typst(document: Document) -> str:
    """The document as a source file for Typst."""
    first = document.blocks[0] if document.blocks else None
    titled = not document.title or (isinstance(first, Heading) and first.text == document.title)
    title = "" if titled else f"#heading(level: 1, {_string(document.title)})\n"
    body = "\n".join(_block(block, document) for block in document.blocks)
    return f"#set document(title: {_string(document.title)})\n{HEAD}\n{title}{body}\n"


def render_pdf(document: Document) -> bytes:
    """The document as a PDF. Raises ``MissingLibraryError`` where the ``typst`` package isn't installed."""
    pdf: bytes = _compiled(render_typst(document), "PDF")
    return pdf


def svg_as_png(svg: str, dots_per_inch: int = 192) -> bytes:
    """A picture in SVG as PNG. Raises ``MissingLibraryError`` where the ``typst`` package isn't installed.

    >>> svg_as_png('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>')[:4]
    b'\\x89PNG'
    """
    page = f'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes({_string(svg)}), format: "svg")'
    png: bytes = _compiled(page, "PNG", format="png", ppi=dots_per_inch)
    return png


def _compiled(source: str, what: str, **options: Any) -> Any:
    try:
        import typst
    except ImportError:
        raise MissingLibraryError(f'{what} needs: pip install "chainrule[pdf]"') from None
    return typst.compile(source.encode(), **options)


def _string(text: str) -> str:
    """Text as a string of Typst, in which nothing is markup."""
    plain = "".join(each for each in re.sub(r"\s+", " ", text) if each.isprintable())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return f"#heading(level: {level}, {_string(text)})"
        case Paragraph(parts):
            return f"{_running(parts, document)}\n"
        case Note(parts):
            return f"#note[{_running(parts, document)}]"
        case Equation():
            return _equations((block,), document)
        case Equations(equations):
            return _equations(equations, document)
        case Table(_, rows):
            columns = max((len(row) for row in rows), default=1)
            header = [f"strong({_string(text)})" for text in block.header if any(block.header)]
            cells = [f"[{_running((cell,), document)}]" for row in rows for cell in row]
            return f"#table(columns: {columns}, {', '.join([*header, *cells])})"
        case Grids():
            return _grids(block, document)
        case Diagram():
            return _diagram(block, document)
        case _:
            assert_never(block)


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    return "".join(
        f"#{_string(part)};" if isinstance(part, str) else f"${typst_formula(part, document, inline=True)}$"
        for part in parts
    )


def _equations(equations: tuple[Equation, ...], document: Document) -> str:
    room = beside_labels(equations, ROOM)
    rows = [row for equation in equations for row in _rows(equation, document, room)]
    return "$ " + " \\\n  ".join(rows) + " $" if rows else ""


def _rows(equation: Equation, document: Document, room: float) -> list[str]:
    """The lines of an equation, aligned at the equals signs."""
    return [_row(line) for line in equation_lines(equation, document, room)]


def _row(line: EquationLine) -> str:
    label = f"#text(fill: luma(90), size: 0.85em, {_string(line.label)}) quad " if line.label else ""
    left = label + ("" if line.left is None else typst_node(line.left))
    hanging = "quad" if line.hanging and line.right else ""
    right = " ".join(map(typst_node, line.right))
    result = "" if line.result is None else f"result({typst_node(line.result)})"
    note = f"quad #text(fill: luma(90), size: 0.85em, {_string(line.note)})" if line.note else ""
    return " ".join(part for part in (left, "&", hanging, right, result, note) if part)


def _grids(block: Grids, document: Document) -> str:
    """Grids beside each other, over as many lines as they need."""
    drawn = [_grid(part, document) for grid in block.grids for part in pieces(grid, document, ROOM)]
    sign = f" #box(inset: (x: 0.6em), ${typst_node(Sign(block.sign))}$) " if block.sign else " #h(1.4em) "
    return f"#block(inset: (left: 0.8em), [{sign.join(drawn)}])"


def _grid(grid: Grid, document: Document) -> str:
    """A grid as a table without lines, but for brackets: one left of the numbers, and one right of them."""
    marks, heads = marks_of(grid.rows), marks_of(grid.columns)
    widths = column_widths(grid, document)
    cells: list[str] = []
    if heads:
        cells += ["[]", *(f"align(center, small({_string(each)}))" for each in heads)]
    for place, row in enumerate(grid.numbers):
        cells.append(f"small({_string(marks[place])})" if marks else "[]")
        for each, (_, after) in zip(row, widths, strict=True):
            missing = after - len(cell_of(each, document).after)
            hidden = f"#hide(${'.' + '0' * (missing - 1) if missing == after else '0' * missing}$)" if missing else ""
            cells.append(f"[${typst_formula(each, document)}{hidden}$]")
    lines = [f"table.vline(x: {at}, start: {len(heads) and 1})" for at in (1, len(widths) + 1)]
    body = ", ".join([*lines, *cells])
    table = f"grid-of({len(widths) + 1}, {body})"
    name = f"${typst_formula(grid.name, document, inline=True)}$" if grid.name is not None else ""
    part = f"#box({_string((', ' if name else '') + grid.part)})" if grid.part else ""
    above = f"stack(spacing: 0.5em, align(left, box[{name}{part}]), {table})" if name or part else table
    return f"#box(baseline: 50%, {above})"


def _diagram(diagram: Diagram, document: Document) -> str:
    """The picture and, where it doesn't say every weight, tables of them."""
    picture = network_picture(diagram, document)
    drawn = _string(picture_svg(picture, described(diagram, document)))
    width = min(PAGE_WIDTH, PIXEL * picture.width)
    lines = [f'#image(bytes({drawn}), format: "svg", width: {width:g}pt)']
    return "\n".join(lines if picture.complete else [*lines, *map(_weights, weight_tables(diagram, document))])


def _weights(table: WeightTable) -> str:
    nodes = [each for row in (table.header, *table.rows) for each in row]
    cells = [f"box(${typst_node(each)}$)" if each != Row(()) else "[]" for each in nodes]
    columns = f"columns: {len(table.header)}, {', '.join(cells)}"
    return f"#block(strong({_string(table.title)}), below: 0.5em)\n#table({columns})"


def typst_formula(expr: Expr, document: Document, inline: bool = False) -> str:
    """A formula in Typst's mathematics, without the dollars.

    >>> from chainrule.formula.expression import Div, Ref, number
    >>> typst_formula(Div(Ref("net_h"), number(2)), Document("", ()))
    'frac(attach(italic("net"), b: upright("h")), 2)'
    """
    return typst_node(typeset(expr, document, inline))


def typst_node(node: Node) -> str:
    """What is set, in Typst."""
    match node:
        case Italic(text):
            return text if len(text) == 1 and text.isalpha() else f"italic({_string(text)})"
        case Upright(text):
            if re.fullmatch(r"\d+(\.\d+)?", text):
                return text
            return (
                f"upright({_string(text)})" if text.isalpha() or len(text) > 1 else f'class("normal", {_string(text)})'
            )
        case Sign(text):
            return "" if text == APPLY.text else "".join(f"\\{each}" if each in SYNTAX else each for each in text)
        case Function(text):
            return f"op({_string(text)})"
        case Row(items):
            return " ".join(part for part in map(typst_node, items) if part)
        case Fraction(top, bottom, small):
            fraction = f"frac({typst_node(top)}, {typst_node(bottom)})"
            return f"inline({fraction})" if small else fraction
        case Scripts(base, below, above):
            scripts = [
                f"{place}: {typst_node(each)}" for place, each in (("b", below), ("t", above)) if each is not None
            ]
            return f"attach({', '.join([typst_node(base), *scripts])})"
        case Root(inner):
            return f"sqrt({typst_node(inner)})"
        case Fence(left, inner, right, tall):
            inside = f"{DELIMITERS[left]} {typst_node(inner)} {DELIMITERS[right]}"
            return f"lr({inside})" if tall else inside
        case Limits(base, below):
            return f"attach(limits({typst_node(base)}), b: {typst_node(below)})"
        case Cases(rows, otherwise):
            lines = [f'{typst_node(value)} & "if " {typst_node(test)}' for value, test in rows]
            return f"cases({', '.join([*lines, f'{typst_node(otherwise)} & upright({chr(34)}otherwise{chr(34)})'])})"
        case _:
            assert_never(node)
