"""A document as GitHub-flavoured Markdown, its formulas in LaTeX between dollar signs."""

import re
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
from chainrule.formula.expression import Expr, Neg, Num
from chainrule.render.diagram import diagram_lines
from chainrule.render.latex import latex_formula, latex_grids
from chainrule.render.line import UNICODE, formula_line

DIAGRAM_WIDTH = 100
ROW_WIDTH = 80  # an equation that is longer, as text, gets a row for each side
SPECIAL = re.compile(r"([\\`*_\[\]<>$~|])")
LINE_START = re.compile(r"^(\d*)(#{1,6}|[-+.)])(?=\s|$)")  # a heading or a list


def render_markdown(document: Document) -> str:
    """The document as Markdown: headings with ``#``, formulas as ``$...$``, tables with ``|``, diagrams as code.

    >>> from chainrule.formula.expression import Ref
    >>> print(render_markdown(Document("The net input", (Paragraph(("Here is ", Ref("x"), ".")),))), end="")
    # The net input
    <BLANKLINE>
    Here is $x$.
    """
    first = document.blocks[0] if document.blocks else None
    titled = not document.title or (isinstance(first, Heading) and first.text == document.title)
    blocks = document.blocks if titled else (Heading(1, document.title), *document.blocks)
    return "\n".join(f"{text}\n" for block in blocks if (text := _block(block, document)))


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * min(level, 6)} {escaped(text)}"
        case Paragraph(parts):
            return _running(parts, document)
        case Equation():
            return _equations((block,), document)
        case Equations(equations):
            return _equations(equations, document)
        case Table():
            return _table(block, document)
        case Grids():
            return "\n\n".join(f"$$\n{each}\n$$" for each in latex_grids(block, document, ROW_WIDTH))
        case Diagram():
            picture = "\n".join(diagram_lines(block, document, DIAGRAM_WIDTH, UNICODE))
            return f"```text\n{picture.replace('```', '')}\n```"
        case Note(parts):
            return f"> {_running(parts, document)}"
        case _:
            assert_never(block)


def escaped(text: str) -> str:
    """Running text in which nothing is taken for markup.

    >>> escaped("net_h1 | a*b")
    'net\\\\_h1 \\\\| a\\\\*b'
    """
    return SPECIAL.sub(r"\\\1", re.sub(r"\s+", " ", text))


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    text = "".join(escaped(each) if isinstance(each, str) else f"${latex_formula(each, document)}$" for each in parts)
    return LINE_START.sub(r"\1\\\2", text.strip())


def _equations(equations: tuple[Equation, ...], document: Document) -> str:
    rows = [row for each in equations for row in _rows(each, document)]
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}\n$$" if rows else ""


def _rows(equation: Equation, document: Document) -> list[str]:
    """An equation in one row where it is short, else one row a side, aligned at the equals signs."""
    sides = [latex_formula(side, document) for side in equation.sides]
    length = sum(len(formula_line(side, document)) + 3 for side in equation.sides)
    note = f" \\qquad \\text{{({latex_text(equation.note)})}}" if equation.note else ""
    first, *others = sides
    first = f"\\text{{{latex_text(equation.label)}}}\\quad {first}" if equation.label else first
    if not others:
        return [first + note]
    if length <= ROW_WIDTH:
        return [f"{first} &= {' = '.join(others)}{note}"]
    return [f"{first} &= {others[0]}{note}", *(f"&= {side}" for side in others[1:])]


def latex_text(text: str) -> str:
    """Words inside a formula, with nothing that TeX or Markdown would take for its own."""
    return re.sub(r"([#$%&_{}])", r"\\\1", re.sub(r"[\\^~`|<>]", " ", text))


def _table(table: Table, document: Document) -> str:
    numeric = [*table.numeric, *[False] * (len(table.header) - len(table.numeric))]
    rule = ["---:" if right else "---" for right in numeric]
    rows = [[_cell(cell, document) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [[escaped(each) for each in table.header], rule, *rows])


def _cell(cell: str | Expr, document: Document) -> str:
    """A cell; a number stays text, and a bar in a formula is spelled out, which else would end the cell."""
    if isinstance(cell, str):
        return escaped(cell)
    if isinstance(cell, Num) or (isinstance(cell, Neg) and isinstance(cell.arg, Num)):
        return formula_line(cell, document)
    formula = latex_formula(cell, document).replace("|", r"\vert ")
    return f"${formula}$"
