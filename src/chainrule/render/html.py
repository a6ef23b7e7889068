"""A document as one file of HTML that needs nothing else: MathML, an inline picture, its own font."""

from base64 import b64encode
from functools import cache
from html import escape
from importlib.resources import files
from typing import assert_never

from chainrule.explain.document import (
    Block,
    Diagram,
    Document,
    Equation,
    Equations,
    Heading,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Expr
from chainrule.render.lines import EquationLine, equation_lines
from chainrule.render.mathml import mathml_formula, mathml_node
from chainrule.render.picture import network_picture
from chainrule.render.svg import described, picture_svg
from chainrule.render.typeset import Node
from chainrule.render.weights import WeightTable, weight_tables

ROOM = 84  # digits in a line: a longer equation gets a line for each side
POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"


def render_html(document: Document) -> str:
    """The document as a page that works from disk, asks the network for nothing and runs no script."""
    title = escape(document.title) or "chainrule"
    first = document.blocks[0] if document.blocks else None
    titled = isinstance(first, Heading) and first.text == document.title
    body = "\n".join(_block(block, document) for block in document.blocks)
    heading = "" if titled else f"<h1>{title}</h1>\n"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n{heading}{body}\n</main>\n"
        "</body>\n</html>\n"
    )


@cache
def _style() -> str:
    folder = files("chainrule").joinpath("render", "fonts")
    font = b64encode(folder.joinpath("termes-math-subset.woff2").read_bytes()).decode()
    face = f'@font-face{{font-family:"Termes Math";src:url(data:font/woff2;base64,{font}) format("woff2")}}'
    return face + files("chainrule").joinpath("render", "page.css").read_text(encoding="utf-8")


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return f"<h{min(level, 6)}>{escape(text)}</h{min(level, 6)}>"
        case Paragraph(parts):
            return f"<p>{_running(parts, document)}</p>"
        case Note(parts):
            return f'<p class="note">{_running(parts, document)}</p>'
        case Equation():
            return _equations((block,), document)
        case Equations(equations):
            return _equations(equations, document)
        case Table():
            return _table(block, document)
        case Diagram():
            return _diagram(block, document)
        case _:
            assert_never(block)


def _math(expr: Expr, document: Document) -> str:
    return f"<math>{mathml_formula(expr, document, inline=True)}</math>"


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    return "".join(escape(part) if isinstance(part, str) else _math(part, document) for part in parts)


def _equations(equations: tuple[Equation, ...], document: Document) -> str:
    rows = "".join(row for equation in equations for row in _rows(equation, document))
    return f'<div class="formula"><math display="block"><mtable class="chain">{rows}</mtable></math></div>'


def _rows(equation: Equation, document: Document) -> list[str]:
    """The table rows of an equation, aligned at the equals signs."""
    return [_row(line) for line in equation_lines(equation, document, ROOM)]


def _row(line: EquationLine) -> str:
    left = "" if line.left is None else mathml_node(line.left)
    right = "".join(map(mathml_node, line.right))
    hanging = '<mspace width="1.5em"></mspace>' if line.hanging and right else ""
    result = "" if line.result is None else f'<mrow class="result">{mathml_node(line.result)}</mrow>'
    note = f'<mtext class="remark">{escape(line.note)}</mtext>' if line.note else ""
    return f"<mtr><mtd>{left}</mtd><mtd><mrow>{hanging}{right}{result}{note}</mrow></mtd></mtr>"


def _table(table: Table, document: Document) -> str:
    numeric = [*table.numeric, *[False] * (len(table.header) - len(table.numeric))]
    kinds = [' class="number"' if right else "" for right in numeric]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for text, kind in zip(table.header, kinds, strict=True))
    head = f"<thead><tr>{head}</tr></thead>" if any(table.header) else ""
    lines = [
        "<tr>" + "".join(f"<td{kind}>{_running((cell,), document)}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in table.rows
    ]  # fmt: skip
    return f'<div class="table"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'


def _diagram(diagram: Diagram, document: Document) -> str:
    """The picture and, where it doesn't say every weight, tables of them."""
    picture = network_picture(diagram, document)
    drawn = f'<figure class="picture">{picture_svg(picture, described(diagram, document))}</figure>'
    return drawn + ("" if picture.complete else "".join(map(_weights, weight_tables(diagram, document))))


def _weights(table: WeightTable) -> str:
    head = "".join(f"<th>{_node(each)}</th>" for each in table.header)
    rows = "".join(f"<tr>{''.join(f'<td>{_node(each)}</td>' for each in row)}</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.title)}</caption>"
    return f'<div class="table"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _node(node: Node) -> str:
    return f"<math>{mathml_node(node)}</math>"
