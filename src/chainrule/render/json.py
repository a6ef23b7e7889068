"""A document as JSON: its blocks as plain data, each formula as one line of text and as LaTeX."""

import json
from typing import Any, assert_never

from chainrule.explain.document import (
    Axis,
    Block,
    Diagram,
    Document,
    Equation,
    Equations,
    Grid,
    Grids,
    Heading,
    Layer,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Expr
from chainrule.render.latex import latex_formula
from chainrule.render.line import formula_line

SCHEMA = 1


def render_json(document: Document) -> str:
    """An object with ``schema``, ``title`` and ``blocks``; each block has its ``kind``.

    >>> from chainrule.explain.document import Paragraph
    >>> print(render_json(Document("A", (Paragraph(("text",)),))), end="")
    {
      "schema": 1,
      "title": "A",
      "blocks": [
        {
          "kind": "paragraph",
          "parts": [
            "text"
          ]
        }
      ]
    }
    """
    blocks = [_block(block, document) for block in document.blocks]
    data = {"schema": SCHEMA, "title": document.title, "blocks": blocks}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _formula(expr: Expr, document: Document) -> dict[str, str]:
    return {"text": formula_line(expr, document, ascii=True), "latex": latex_formula(expr, document)}


def _part(part: str | Expr, document: Document) -> str | dict[str, str]:
    return part if isinstance(part, str) else _formula(part, document)


def _block(block: Block, document: Document) -> dict[str, Any]:
    match block:
        case Heading(level, text):
            return {"kind": "heading", "level": level, "text": text}
        case Paragraph(parts):
            return {"kind": "paragraph", "parts": [_part(part, document) for part in parts]}
        case Note(parts):
            return {"kind": "note", "parts": [_part(part, document) for part in parts]}
        case Equation():
            return {"kind": "equation"} | _equation(block, document)
        case Equations(equations):
            return {"kind": "equations", "equations": [_equation(each, document) for each in equations]}
        case Table(header, rows):
            cells = [[_part(cell, document) for cell in row] for row in rows]
            return {"kind": "table", "header": list(header), "rows": cells}
        case Grids(grids, sign):
            found = {"kind": "grids", "grids": [_grid(grid, document) for grid in grids]}
            return found | ({"sign": sign} if sign else {})
        case Diagram(layers):
            return {"kind": "diagram", "layers": [_layer(layer) for layer in layers]}
        case _:
            assert_never(block)


def _equation(equation: Equation, document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {"sides": [_formula(side, document) for side in equation.sides]}
    found |= {"label": equation.label} if equation.label else {}
    return found | ({"note": equation.note} if equation.note else {}) | ({"final": True} if equation.final else {})


def _grid(grid: Grid, document: Document) -> dict[str, Any]:
    return {
        "name": None if grid.name is None else _formula(grid.name, document),
        "part": grid.part,
        "rows": _axis(grid.rows),
        "columns": _axis(grid.columns),
        "numbers": [[formula_line(each, document, ascii=True) for each in row] for row in grid.numbers],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {"word": axis.word, "marks": list(axis.marks)}


def _layer(layer: Layer) -> dict[str, Any]:
    neurons = [
        {
            "name": neuron.name,
            "value": neuron.value or None,
            "weights": [
                {"from": edge.source.name, "name": edge.weight.name, "value": edge.value} for edge in neuron.edges
            ],
            "bias": None if neuron.bias is None else {"name": neuron.bias[0].name, "value": neuron.bias[1]},
        }
        for neuron in layer.neurons
    ]
    return {"title": layer.title, "neurons": neurons}
