"""The weights of a larger network as tables, a layer each: a row for each neuron, a column for each source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chainrule.explain.document import Diagram, Document, Layer
from chainrule.formula.expression import Ref
from chainrule.render.picture import weight_node
from chainrule.render.typeset import Form, Node, Row, Sign, Upright, typeset

COLUMNS = 6  # of more sources the table goes on in another one
LISTED_AT_MOST = 200  # weights of a layer; of more, the first neurons and sources and the last are listed
DOTS, DOTS_DOWN = Sign("…", Form.ORDINARY), Sign("⋮", Form.ORDINARY)
NOTHING = Row(())
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Weights into a layer: a row of names and values for each neuron, a column for each source or the biases."""

    title: str
    header: tuple[Node, ...]
    rows: tuple[tuple[Node, ...], ...]


def weight_tables(diagram: Diagram, document: Document) -> Iterator[WeightTable]:
    """All that leads into each neuron, for a network whose picture doesn't say it."""
    for layer in diagram.layers[1:]:
        if layer.neurons:
            yield from _layer(layer, document)


def _layer(layer: Layer, document: Document) -> Iterator[WeightTable]:
    few = sum(len(neuron.edges) for neuron in layer.neurons) <= LISTED_AT_MOST
    neurons, gap = _some(layer.neurons, few)
    header, rows = [], []
    for neuron in neurons:
        edges, dots = _some(neuron.edges, few)
        header = _dotted([typeset(edge.source, document, inline=True) for edge in edges], dots, DOTS)
        cells = _dotted([weight_node(edge.weight, edge.value, document) for edge in edges], dots, DOTS)
        if any(each.bias for each in neurons):
            header.append(Upright("bias"))
            cells.append(weight_node(*neuron.bias, document) if neuron.bias else NOTHING)
        rows.append((typeset(Ref(neuron.name), document, inline=True), *cells))
    rows = _dotted(rows, gap, (DOTS_DOWN, *(NOTHING for _ in header)))
    for start in range(0, max(len(header), 1), COLUMNS):
        part = slice(start + 1, start + COLUMNS + 1)
        yield WeightTable(
            f"Into {layer.title}" + (" (continued)" if start else ""),
            (NOTHING, *header[start : start + COLUMNS]),
            tuple((line[0], *line[part]) for line in rows),
        )


def _some(items: Sequence[Item], all_of_them: bool) -> tuple[Sequence[Item], bool]:
    """The items that are listed, and whether some are left out before the last of them."""
    if all_of_them or len(items) <= COLUMNS:
        return items, False
    return (*items[: COLUMNS - 3], items[-1]), True


def _dotted(shown: list[Item], gap: bool, dots: Item) -> list[Item]:
    return [*shown[:-1], dots, shown[-1]] if gap else shown
