"""A document as one file of HTML that needs nothing else: MathML, an inline picture, its own font."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import assert_never

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
from chainrule.render.grids import Cell, cell_of, column_widths, marks_of
from chainrule.render.lines import EquationLine, beside_labels, equation_lines
from chainrule.render.mathml import mathml_formula, mathml_node
from chainrule.render.picture import network_picture
from chainrule.render.svg import described, picture_svg
from chainrule.render.typeset import Form, Node, Row, Sign, row, width
from chainrule.render.weights import WeightTable, weight_tables

ROOM = 84  # digits in a line: a longer equation gets a line for each side
POLICY = "default-src 'none'; style-src 'sha256-{style}'; font-src data:; base-uri 'none'; form-action 'none'"
FONTS = (("termes-math-subset", "normal"), ("termes-italic-subset", "italic"))
LONG_PIECE = 22.0  # digits: on a narrow page a longer addend may be broken between its factors


def render_html(document: Document) -> str:
    """The document as a page that works from disk, asks the network for nothing and runs no script."""
    title = clean(document.title) or "chainrule"
    first = document.blocks[0] if document.blocks else None
    titled = isinstance(first, Heading) and first.text == document.title
    body = "\n".join(_block(block, document) for block in document.blocks)
    heading = "" if titled else f"<h1>{title}</h1>\n"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>\n{heading}{body}\n</main>\n"
        "</body>\n</html>\n"
    )


def policy() -> str:
    """What the page may do: show itself with its own style sheet and fonts, and nothing else."""
    return POLICY.format(style=b64encode(sha256(_style().encode()).digest()).decode())


@cache
def _style() -> str:
    folder = files("chainrule").joinpath("render")
    faces = ""
    for name, style in FONTS:
        font = b64encode(folder.joinpath("fonts", f"{name}.woff2").read_bytes()).decode()
        source = f'src:url(data:font/woff2;base64,{font}) format("woff2")'
        faces += f'@font-face{{font-family:"Termes Math";font-style:{style};{source}}}\n'
    return faces + folder.joinpath("page.css").read_text(encoding="utf-8")


def clean(text: str) -> str:
    """Text in which nothing is markup, and without characters that steer."""
    return escape("".join(each for each in text if each.isprintable() or each.isspace()))


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading(level, text):
            return f"<h{min(level, 6)}>{clean(text)}</h{min(level, 6)}>"
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
        case Grids(grids, sign):
            between = f'<span class="sign">{clean(sign)}</span>' if sign else ""
            return f'<div class="grids">{between.join(_grid(grid, document) for grid in grids)}</div>'
        case Diagram():
            return _diagram(block, document)
        case _:
            assert_never(block)


def _math(expr: Expr, document: Document) -> str:
    return f"<math>{mathml_formula(expr, document, inline=True)}</math>"


def _running(parts: tuple[str | Expr, ...], document: Document) -> str:
    return "".join(clean(part) if isinstance(part, str) else _math(part, document) for part in parts)


def _equations(equations: tuple[Equation, ...], document: Document) -> str:
    """Two columns, before and from the equals signs on, so that these stand below each other."""
    room = beside_labels(equations, ROOM)
    rows = "\n".join(_equation(equation, document, room) for equation in equations)
    return f'<div class="formula"><div class="chain">\n{rows}\n</div></div>' if rows else ""


def _equation(equation: Equation, document: Document, room: float) -> str:
    first, *others = equation_lines(equation, document, room)
    left = "" if first.left is None else f"<math>{mathml_node(first.left)}</math>"
    lines = "".join(map(_line, (first, *others)))
    label = f'<span class="remark label">{clean(first.label)}</span>' if first.label else ""
    return f'<div class="equation"><div class="left">{label}{left}</div><div>{lines}</div></div>'


def _line(line: EquationLine) -> str:
    """A line of an equation; a page too narrow for it breaks it between its sides, and a side at its signs."""
    sides = [_side(side, line.result if last else None) for last, side in _sides(line)]
    note = f'<span class="remark">{clean(line.note)}</span>' if line.note else ""
    kind = ' class="further"' if line.hanging and sides else ""
    return f"<div{kind}>{'<wbr>'.join(sides)} {note}</div>"


def _sides(line: EquationLine) -> list[tuple[bool, tuple[Node, ...]]]:
    """What stands between equals signs, each with its sign; the last one is marked."""
    sides = _split(_laid_open(line.right), ("=",))
    return [(at == len(sides) - 1, side) for at, side in enumerate(sides)]


def _side(nodes: tuple[Node, ...], result: Node | None) -> str:
    pieces = [
        f"<math>{''.join(map(mathml_node, part))}</math>"
        for piece in _split(nodes, ("+", "−"))
        for part in (_split(piece, ("·",)) if width(Row(piece)) > LONG_PIECE else [piece])
    ]
    if result is not None:
        pieces.append(f'<math class="result">{mathml_node(result)}</math>')
        return f'<span class="side whole"><span>{"".join(pieces)}</span></span>'
    return f'<span class="side"><span>{"<wbr>".join(pieces)}</span></span>'


def _laid_open(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    whole = row(*nodes) if nodes else Row(())
    return whole.items if isinstance(whole, Row) else (whole,)


def _split(items: tuple[Node, ...], signs: tuple[str, ...]) -> list[tuple[Node, ...]]:
    """Things in a row, cut before each of the signs between them."""
    cuts = [at for at, each in enumerate(items) if at and isinstance(each, Sign) and _cuts(each, signs)]
    return [items[start:end] for start, end in zip((0, *cuts), (*cuts, len(items)), strict=True) if start < end]


def _cuts(sign: Sign, signs: tuple[str, ...]) -> bool:
    return sign.form == Form.INFIX and sign.text in signs


def _table(table: Table, document: Document) -> str:
    numeric = [*table.numeric, *[False] * (len(table.header) - len(table.numeric))]
    kinds = [' class="number"' if right else "" for right in numeric]
    head = "".join(f"<th{kind}>{clean(text)}</th>" for text, kind in zip(table.header, kinds, strict=True))
    head = f"<thead><tr>{head}</tr></thead>" if any(table.header) else ""
    lines = [
        "<tr>" + "".join(f"<td{kind}>{_running((cell,), document)}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in table.rows
    ]  # fmt: skip
    return f'<div class="table"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'


def _grid(grid: Grid, document: Document) -> str:
    """Numbers between brackets, what stands beside and above them outside."""
    name = "" if grid.name is None else _math(grid.name, document)
    part = ", " * bool(name and grid.part) + clean(grid.part)
    caption = f"<caption>{name}{part}</caption>" if name or grid.part else ""
    marks, heads = marks_of(grid.rows), marks_of(grid.columns)
    head = "".join(f"<th>{clean(each)}</th>" for each in heads)
    head = f"<thead><tr>{'<th></th>' * bool(marks)}{head}</tr></thead>" if heads else ""
    widths = column_widths(grid, document)
    rows = [
        (f"<th>{clean(marks[place])}</th>" if marks else "")
        + "".join(f"<td>{_padded(cell_of(each, document), after)}</td>" for each, (_, after) in
                  zip(row, widths, strict=True))
        for place, row in enumerate(grid.numbers)
    ]  # fmt: skip
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table class="grid">{caption}{head}<tbody>{body}</tbody></table>'


def _padded(cell: Cell, wide: int) -> str:
    """A number with blanks as wide as the digits that others in its column have more behind the point."""
    missing = wide - len(cell.after)
    blank = "" if cell.after or not missing else "\N{PUNCTUATION SPACE}"
    return clean(cell.before + cell.after) + blank + "\N{FIGURE SPACE}" * (missing - len(blank))


def _diagram(diagram: Diagram, document: Document) -> str:
    """The picture and, where it doesn't say every weight, tables of them."""
    picture = network_picture(diagram, document)
    drawn = f'<figure class="picture">{picture_svg(picture, described(diagram, document))}</figure>'
    return drawn + ("" if picture.complete else "".join(map(_weights, weight_tables(diagram, document))))


def _weights(table: WeightTable) -> str:
    head = "".join(f"<th>{_node(each)}</th>" for each in table.header)
    rows = "".join(f"<tr>{''.join(f'<td>{_node(each)}</td>' for each in row)}</tr>" for row in table.rows)
    caption = f"<caption>{clean(table.title)}</caption>"
    return f'<div class="table"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _node(node: Node) -> str:
    return f"<math>{mathml_node(node)}</math>"
