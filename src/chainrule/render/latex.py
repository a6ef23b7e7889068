"""Formulas in LaTeX."""

import re
from typing import assert_never

from chainrule.explain.document import Document, Grid, Grids
from chainrule.formula.expression import Expr
from chainrule.render.grids import cell_of, column_widths, grid_width, marks_of, pieces
from chainrule.render.symbols import GREEK
from chainrule.render.typeset import (
    APPLY,
    Cases,
    Fence,
    Form,
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

COMMANDS = {letter: f"\\{name}" for name, letter in GREEK.items() if name != "eps"} | {"ε": r"\varepsilon"}
SIGNS = {
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "…": r"\cdots",
    "∂": r"\partial",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "∑": r"\sum",
    "∞": r"\infty",
    "⋮": r"\vdots",
    "′": "'",
    "″": "''",
    "‴": "'''",
    APPLY.text: "",
}
PLAIN = re.compile(r"[A-Za-z0-9]+")
ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{each: f"\\{each}" for each in "{}$&#%_"},
}


def latex_formula(expr: Expr, document: Document, inline: bool = False) -> str:
    """A formula in LaTeX's mathematics, without the dollars; it needs amsmath.

    ``inline`` is for running text: a derivative is written with a slash.

    >>> from chainrule.formula.expression import Mul, Ref, number
    >>> latex_formula(Mul((number("0.5"), number(-2), Ref("net_h"))), Document("", ()))
    '0.5 \\\\cdot (-2) \\\\cdot \\\\mathit{net}_{\\\\mathrm{h}}'
    """
    return latex_node(typeset(expr, document, inline))


def latex_node(node: Node) -> str:
    """What is set, in LaTeX."""
    match node:
        case Italic(text):
            return _italic(text)
        case Upright(text):
            return _upright(text)
        case Sign(text, form):
            sign = SIGNS.get(text, text)
            return f"{{{sign}}}" if form == Form.ORDINARY and sign == "/" else sign
        case Function(text, latex):
            return latex or _upright(text)
        case Row(items):
            return _row(items)
        case Fraction(top, bottom, small):
            return rf"\{'t' if small else ''}frac{{{latex_node(top)}}}{{{latex_node(bottom)}}}"
        case Scripts(base, below, above):
            return _scripts(base, below, above)
        case Root(inner):
            return rf"\sqrt{{{latex_node(inner)}}}"
        case Fence(left, inner, right, tall):
            return _fence(left, latex_node(inner), right, tall)
        case Limits(base, below):
            return f"{latex_node(base)}_{{{latex_node(below)}}}"
        case Cases(rows, otherwise):
            lines = [rf"{latex_node(value)} & \text{{if }} {latex_node(test)}" for value, test in rows]
            lines.append(rf"{latex_node(otherwise)} & \text{{otherwise}}")
            return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"
        case _:
            assert_never(node)


def _row(items: tuple[Node, ...]) -> str:
    """Things in a row, with spaces for the reader of the source, and where a command would run into a letter."""
    text = ""
    for before, item in zip((None, *items), items, strict=False):
        part = latex_node(item)
        tight = before in (None, APPLY) or (isinstance(item, Sign) and item.form == Form.SEPARATOR)
        tight |= isinstance(before, Sign) and before.form in (Form.PREFIX, Form.SEPARATOR)
        tight |= isinstance(before, Italic | Upright) and isinstance(item, Italic | Upright)  # h1
        tight |= isinstance(before, Italic | Scripts) and isinstance(item, Fence)  # x[1]
        needed = re.search(r"\\[A-Za-z]+$", text) and part[:1].isalpha()
        text += part if not part or (tight and not needed) else f" {part}"
    return text


def _italic(text: str) -> str:
    if text in COMMANDS:
        return COMMANDS[text]
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text
    return rf"\mathit{{{text}}}" if PLAIN.fullmatch(text) else rf"\textit{{{words(text)}}}"


def _upright(text: str) -> str:
    if re.fullmatch(r"[0-9.()+\[\]]+", text):
        return text
    if text in COMMANDS or text in SIGNS:
        return COMMANDS.get(text) or SIGNS[text]
    return rf"\mathrm{{{text}}}" if PLAIN.fullmatch(text) else rf"\text{{{words(text)}}}"


def _scripts(base: Node, below: Node | None, above: Node | None) -> str:
    text = latex_node(base)
    if isinstance(base, Scripts | Row):
        text = f"{{{text}}}"
    for mark, script in (("_", below), ("^", above)):
        if script is not None:
            inner = latex_node(script)
            text += f"{mark}{inner}" if len(inner) == 1 and inner.isalnum() else f"{mark}{{{inner}}}"
    return text


def _fence(left: str, inner: str, right: str, tall: bool) -> str:
    if tall:
        return rf"\left{left} {inner} \right{right}"
    return rf"\lvert {inner} \rvert" if left == "|" else f"{left}{inner}{right}"


def latex_grids(block: Grids, document: Document, room: float) -> list[str]:
    """Grids in LaTeX's mathematics, each line of them as wide as the page."""
    lines: list[str] = []
    used = 0.0
    for grid in block.grids:
        for place, part in enumerate(pieces(grid, document, room)):
            wide = grid_width(part, document)
            drawn = _grid(part, document)
            if lines and not place and used + wide <= room:
                lines[-1] += (f" \\;{SIGNS[block.sign]}\\; " if block.sign else r" \qquad ") + drawn
                used += wide
            else:
                lines.append(drawn)
                used = wide
    return lines


def _grid(grid: Grid, document: Document) -> str:
    """The numbers in brackets, or with a line to the left and above where something stands beside them."""
    part = rf"\text{{{words(grid.part)}}}" if grid.part else ""
    named = "" if grid.name is None else latex_formula(grid.name, document, inline=True)
    name = r",\ ".join(each for each in (named, part) if each)
    rows, widths = [], column_widths(grid, document)
    for row in grid.numbers:
        ends = [cell_of(each, document).after for each in row]
        rows.append(
            [
                latex_formula(each, document) + _filled(end, after)
                for each, end, (_, after) in zip(row, ends, widths, strict=True)
            ]
        )
    marks, heads = ([rf"\text{{{words(each)}}}" for each in marks_of(axis)] for axis in (grid.rows, grid.columns))
    columns = "r" * len(widths)
    if not marks and not heads:
        inner = r" \\ ".join(" & ".join(row) for row in rows)
        equals = f"{name}: " if name else ""
        return rf"{equals}\left[\begin{{array}}{{{columns}}} {inner} \end{{array}}\right]"
    lines = [" & ".join([mark, *row]) for mark, row in zip(marks or [""] * len(rows), rows, strict=True)]
    top = " & ".join([name, *(heads or [""] * len(widths))])
    body = r" \\ ".join(lines)
    return rf"\begin{{array}}{{r|{columns}}} {top} \\ \hline {body} \end{{array}}"


def _filled(end: str, wide: int) -> str:
    """Room for the digits that a number has fewer behind its point than others in its column."""
    missing = wide - len(end)
    if not missing:
        return ""
    return rf"\phantom{{{'' if end else '.'}{'0' * (missing - (not end))}}}"


def words(text: str) -> str:
    """Running text in which nothing is a command.

    >>> print(words("100 % of $5_000 -- \\\\input{x}"))
    100 \\% of \\$5\\_000 -{}- \\textbackslash{}input\\{x\\}
    """
    plain = "".join(each for each in re.sub(r"\s+", " ", text) if each.isprintable())
    escaped = "".join(ESCAPES.get(each, each) for each in plain)
    return re.sub(r"([-,'`!?])(?=[-,'`])", r"\1{}", escaped)  # no dashes, quotes or ¡ of several characters
