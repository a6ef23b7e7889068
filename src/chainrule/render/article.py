"""A document as a LaTeX article, which pdflatex compiles with amsmath, booktabs and TikZ alone."""

import unicodedata
from collections.abc import Iterator, Sequence
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
from chainrule.formula.expression import Expr
from chainrule.render.latex import COMMANDS, SIGNS, latex_formula, latex_grids, latex_node, words
from chainrule.render.line import formula_line
from chainrule.render.lines import EquationLine, beside_labels, equation_lines
from chainrule.render.picture import network_picture
from chainrule.render.tikz import picture_tikz
from chainrule.render.weights import WeightTable, weight_tables

ROOM = 76.0  # the width of the page, in digits
ROWS_ON_A_PAGE = 30  # a longer table may go over to the next page
HEADINGS = {1: "section*", 2: "section*", 3: "subsection*", 4: "subsubsection*"}
PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[margin=2.4cm]{geometry}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage[fleqn]{amsmath}
\usepackage{amssymb,booktabs,longtable,tikz}
\setlength{\mathindent}{1.2em}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em plus 0.2em}
\setlength{\jot}{5pt}
\allowdisplaybreaks
\AtBeginDocument{\abovedisplayskip=5pt plus 2pt\belowdisplayskip=5pt plus 2pt\abovedisplayshortskip=3pt}
\newcommand{\remark}[1]{\textcolor{black!60}{\small #1}}
\newcommand{\result}[1]{\boldsymbol{#1}}
"""
ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327", "`'^~\"rvc", strict=True))
LETTERS = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "œ": r"\oe{}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "½": r"\ensuremath{\tfrac{1}{2}}", "\xa0": "~",
    "→": r"\ensuremath{\to}", "√": r"\ensuremath{\surd}", "σ": r"\ensuremath{\sigma}", "…": r"\dots{}",
    "²": r"\ensuremath{^2}", "³": r"\ensuremath{^3}", "⁺": r"\ensuremath{^+}", "°": r"\ensuremath{^\circ}",
}  # fmt: skip


def render_latex(document: Document) -> str:
    """The document as a complete article in plain ASCII.

    >>> print(render_latex(Document("A & B", (Paragraph(("Words.",)),))).partition("{document}")[2])
    <BLANKLINE>
    <BLANKLINE>
    {\\LARGE\\bfseries A \\& B\\par}
    <BLANKLINE>
    Words.
    <BLANKLINE>
    \\end{document}
    <BLANKLINE>
    """
    first = document.blocks[0] if document.blocks else None
    titled = not document.title or (isinstance(first, Heading) and first.text == document.title)
    title = [] if titled else [rf"{{\LARGE\bfseries {words(document.title)}\par}}"]
    body = _joined(document, title)
    return f"{PREAMBLE}\\begin{{document}}\n\n{ascii_tex(body)}\n\n\\end{{document}}\n"


def _joined(document: Document, title: list[str]) -> str:
    """The blocks as paragraphs; equations belong to the paragraph before, and at a start close up to what is above."""
    text, started = "\n\n".join(title), False
    for block in document.blocks:
        part = _block(block, document)
        if not part:
            continue
        display = isinstance(block, Equation | Equations | Grids)
        text += "\n" if display and started else "\n\n" if text else ""
        text += "\\vspace*{-0.65\\baselineskip}\n" + part if display and not started else part
        started = display or isinstance(block, Paragraph)
    return text


def ascii_tex(text: str) -> str:
    """TeX in which every character outside ASCII is a command, or its number where LaTeX has none.

    >>> print(ascii_tex("déjà 你 δ"))
    d\\'{e}j\\`{a} [U+4F60] \\ensuremath{\\delta}
    """
    return "".join(each if each.isascii() else _command(each) for each in text)


def _command(letter: str) -> str:
    if letter in LETTERS:
        return LETTERS[letter]
    if letter in COMMANDS or letter in SIGNS:
        return rf"\ensuremath{{{COMMANDS.get(letter) or SIGNS[letter]}}}"
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in ACCENTS:
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"[U+{ord(letter):04X}]"


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return rf"\{HEADINGS.get(level, 'paragraph*')}{{{words(text)}}}"
        case Paragraph(parts):
            return _running(parts, document)
        case Note(parts):
            return f"\\begin{{quote}}\\small\n{_running(parts, document)}\n\\end{{quote}}"
        case Equation():
            return _equations((block,), document)
        case Equations(equations):
            return _equations(equations, document)
        case Table():
            return _table(block, document)
        case Grids():
            lines = latex_grids(block, document, ROOM)
            return "\\begin{gather*}\n" + " \\\\\n".join(f"{each} " for each in lines) + "\n\\end{gather*}"
        case Diagram():
            return _diagram(block, document)
        case _:
            assert_never(block)


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    return "".join(
        words(part) if isinstance(part, str) else f"${latex_formula(part, document, inline=True)}$" for part in parts
    ).strip()


def _equations(equations: Sequence[Equation], document: Document) -> str:
    lines, room = [], beside_labels(equations, ROOM)
    for position, equation in enumerate(equations):
        own = equation_lines(equation, document, room)
        lines += [_line(each) + r" \\" for each in own]
        if len(own) > 1 and position < len(equations) - 1:
            lines[-1] += "[4pt]"
    if not lines:
        return ""
    lines[-1] = lines[-1].removesuffix(r" \\")
    return "\\begin{align*}\n" + "\n".join(lines) + "\n\\end{align*}"


def _line(line: EquationLine) -> str:
    left = latex_node(line.left) if line.left is not None else ""
    left = (rf"\text{{\remark{{{words(line.label)}}}}}\quad " if line.label else "") + left
    parts = [latex_node(each) for each in line.right]
    if line.result is not None:
        parts.append(rf"\result{{{latex_node(line.result)}}}")
    if line.note:
        parts.append((r"\qquad " if line.right else "") + rf"\text{{\remark{{{words(line.note)}}}}}")
    hanging = r"\quad " if line.hanging and line.right else ""
    return f"{left} &{hanging}{' '.join(parts)}"


def _table(table: Table, document: Document) -> str:
    numeric = [*table.numeric, *[False] * (len(table.header) - len(table.numeric))]
    cells = [[_running((cell,), document) for cell in row] for row in table.rows]
    plain = [[cell if isinstance(cell, str) else formula_line(cell, document) for cell in row] for row in table.rows]
    header = [words(each) for each in table.header] if any(table.header) else []
    return _tabular(header, cells, list(_columns(table.header, plain, numeric)))


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> Iterator[str]:
    """The columns' kinds; where they are too wide together, those of words share the room that is left."""
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    room = ROOM * 1.1 - 2.5 * len(widths)
    fixed = sum(width for width, right in zip(widths, numeric, strict=True) if right)
    words_together = sum(widths) - fixed
    for width, right in zip(widths, numeric, strict=True):
        if right:
            yield "r"
        elif fixed + words_together <= room:
            yield "l"
        else:
            share = max(0.1, (room - fixed) / room * width / words_together) * (1 - 0.03 * len(widths))
            yield rf"p{{{share:.2f}\linewidth}}"


def _tabular(header: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[str]) -> str:
    head = [" & ".join(rf"\textbf{{{each}}}" for each in header) + r" \\", r"\midrule"] if header else []
    body = [" & ".join(row) + r" \\" for row in rows]
    long = len(rows) > ROWS_ON_A_PAGE
    name, options = ("longtable", "[l]") if long else ("tabular", "")
    kinds = "@{}" + "".join(columns) + "@{}"
    top = [rf"\begin{{{name}}}{options}{{{kinds}}}", r"\toprule", *head, *[r"\endhead"] * long]
    return "\n".join([*top, *body, r"\bottomrule", rf"\end{{{name}}}"])


def _diagram(diagram: Diagram, document: Document) -> str:
    picture = network_picture(diagram, document)
    drawn = f"\\begin{{center}}\n{picture_tikz(picture)}\n\\end{{center}}"
    tables = [] if picture.complete else [_weights(each) for each in weight_tables(diagram, document)]
    return "\n\n".join([drawn, *tables])


def _weights(table: WeightTable) -> str:
    rows = [[f"${latex_node(each)}$" for each in row] for row in (table.header, *table.rows)]
    return rf"\textbf{{{words(table.title)}}}\par" + "\n" + _tabular([], rows, "l" * len(table.header))
