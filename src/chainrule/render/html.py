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
    Layer,
    Neuron,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Expr
from chainrule.render.lines import EquationLine, equation_lines
from chainrule.render.mathml import mathml_formula, mathml_node
from chainrule.render.svg import network_svg

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
    kind = ' class="final"' if line.final else ""
    note = f'<mtd class="note"><mtext>{escape(line.note)}</mtext></mtd>' if line.note else ""
    left = "" if line.left is None else mathml_node(line.left)
    begin = '<mo form="infix">=</mo>' if line.equals else '<mspace width="2em"></mspace>' if line.right else ""
    right = "" if line.right is None else mathml_node(line.right)
    return f"<mtr{kind}><mtd>{left}</mtd><mtd><mrow>{begin}{right}</mrow></mtd>{note}</mtr>"


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
    picture = network_svg(diagram, document)
    if picture is not None:
        return f'<figure class="picture">{picture}</figure>'
    return "".join(_layer(layer, document) for layer in diagram.layers)


def _layer(layer: Layer, document: Document) -> str:
    """A layer of a network too large for the picture: a line for each neuron with all that leads into it."""
    lines = "".join(f"<tr><td><b>{escape(n.name)}</b></td><td>{_into(n, document)}</td></tr>" for n in layer.neurons)
    return f'<div class="table"><table><caption>{escape(layer.title)}</caption><tbody>{lines}</tbody></table></div>'


def _into(neuron: Neuron, document: Document) -> str:
    if not neuron.edges:
        return escape(neuron.value)
    said = [
        f"{escape(edge.source.name)} · {_math(edge.weight, document)} = {escape(edge.value.replace('-', '−'))}"
        for edge in neuron.edges
    ]
    if neuron.bias is not None:
        said.append(f"{_math(neuron.bias[0], document)} = {escape(neuron.bias[1].replace('-', '−'))}")
    return "<br>".join(said)
