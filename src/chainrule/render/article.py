"""A document as a LaTeX article that compiles with pdflatex."""

import re
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
from chainrule.render.latex import COMMANDS, SIGNS, latex_formula, latex_node, words
from chainrule.render.lines import EquationLine, equation_lines
from chainrule.render.svg import RADIUS, Picture, network_picture

ROOM = 76  # digits in a line: a longer equation gets a line for each side
SCALE = 0.0185  # centimetres in a pixel of the picture
HEAD = r"""\documentclass[11pt]{article}
\usepackage[a4paper,margin=2.3cm]{geometry}
\usepackage{amsmath,amssymb,booktabs,longtable,tikz}
\setlength{\parindent}{0pt}\setlength{\parskip}{6pt plus 2pt}
\allowdisplaybreaks
\newcommand{\remark}[1]{\begin{quote}\small #1\end{quote}}
"""
SECTIONS = {1: "section*", 2: "section*", 3: "subsection*", 4: "subsubsection*"}


def render_latex(document: Document) -> str:
    """The document as the source of an article; it needs amsmath, booktabs, longtable and TikZ."""
    first = document.blocks[0] if document.blocks else None
    titled = not document.title or (isinstance(first, Heading) and first.text == document.title)
    title = "" if titled else f"\\begin{{center}}\\Large\\bfseries {running(document.title)}\\end{{center}}\n"
    body = "\n\n".join(_block(block, document) for block in document.blocks)
    return f"{HEAD}\\begin{{document}}\n{title}\n{body}\n\\end{{document}}\n"


def running(text: str) -> str:
    """Running text: nothing in it is a command, and a sign or Greek letter is set as mathematics."""
    parts = re.split("([^\x00-\x7f])", text)
    return "".join(_character(part) if len(part) == 1 and not part.isascii() else words(part) for part in parts)


def _character(each: str) -> str:
    command = COMMANDS.get(each) or SIGNS.get(each)
    if command is not None:
        return f"${command}$" if command else ""
    return each if "\xa0" < each < "\u0180" else "?"


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return f"\\{SECTIONS.get(level, 'paragraph*')}{{{running(text)}}}"
        case Paragraph(parts):
            return _running(parts, document)
        case Note(parts):
            return f"\\remark{{{_running(parts, document)}}}"
        case Equation():
            return _equations((block,), document)
        case Equations(equations):
            return _equations(equations, document)
        case Table():
            return _table(block, document)
        case Diagram():
            picture = network_picture(block, document)
            return _list(block, document) if picture is None else _tikz(picture)
        case _:
            assert_never(block)


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    return "".join(
        running(part) if isinstance(part, str) else f"${latex_formula(part, document, inline=True)}$" for part in parts
    )


def _equations(equations: tuple[Equation, ...], document: Document) -> str:
    rows = [_row(line) for equation in equations for line in equation_lines(equation, document, ROOM)]
    return "\\begin{flalign*}\n" + " \\\\\n".join(rows) + "\n\\end{flalign*}" if rows else ""


def _row(line: EquationLine) -> str:
    left = "" if line.left is None else latex_node(line.left)
    begin = "={}" if line.equals else "\\quad {}" if line.right is not None else ""
    right = "" if line.right is None else latex_node(line.right)
    note = f"\\qquad \\text{{\\small {running(line.note)}}}" if line.note else ""
    return f"{left} &{begin} {right} {note} &&"


def _table(table: Table, document: Document) -> str:
    numeric = [*table.numeric, *[False] * (len(table.header) - len(table.numeric))]
    last = "p{0.72\\linewidth}" if len(table.header) == 2 and not any(table.header) else "l"
    columns = "".join("r" if right else "l" for right in numeric[:-1]) + ("r" if numeric[-1:] == [True] else last)
    head = " & ".join(running(text) for text in table.header) + " \\\\ \\midrule\n" if any(table.header) else ""
    rows = "".join(" & ".join(_running((cell,), document) for cell in row) + " \\\\\n" for row in table.rows)
    return f"\\begin{{longtable}}[l]{{{columns}}}\n\\toprule\n{head}{rows}\\bottomrule\n\\end{{longtable}}"


def _list(diagram: Diagram, document: Document) -> str:
    """A network too large for the picture: for each neuron all that leads into it."""
    said = []
    for layer in diagram.layers:
        said.append(f"\\textbf{{{running(layer.title)}}}")
        for neuron in layer.neurons:
            into = [
                f"{running(edge.source.name)}: ${latex_formula(edge.weight, document)} = {running(edge.value)}$"
                for edge in neuron.edges
            ]
            if neuron.bias is not None:
                into.append(f"${latex_formula(neuron.bias[0], document)} = {running(neuron.bias[1])}$")
            said.append(f"{running(neuron.name)}: " + (", ".join(into) or running(neuron.value)))
    return "\n\n".join(said)


def _tikz(picture: Picture) -> str:
    """The picture, its lengths in centimetres from the bottom left."""

    def at(x: float, y: float) -> str:
        return f"({x * SCALE:.2f},{(picture.height - y) * SCALE:.2f})"

    lines = [f"\\draw[gray] {at(*start)} -- {at(*end)};" for (start, end), _, _ in picture.edges]
    labels = [
        f"\\node[fill=white,inner sep=1.2pt,font=\\scriptsize] at {at(box.x, box.y)} {{{running(label)}}};"
        for _, label, box in picture.edges
    ]
    neurons = []
    for neuron, below, (x, y) in picture.neurons:
        size = f"minimum size={2 * RADIUS * SCALE:.2f}cm"
        neurons.append(f"\\node[circle,draw,fill=blue!6,{size},font=\\small] at {at(x, y)} {{{running(neuron.name)}}};")
        if below:
            neurons.append(f"\\node[font=\\scriptsize] at {at(x, y + RADIUS + 14)} {{{running(below)}}};")
    titles = [
        f"\\node[font=\\footnotesize,gray] at {at(*place)} {{{running(text)}}};" for text, place in picture.titles
    ]
    body = "\n".join([*lines, *labels, *neurons, *titles])
    return f"\\begin{{center}}\\begin{{tikzpicture}}\n{body}\n\\end{{tikzpicture}}\\end{{center}}"
