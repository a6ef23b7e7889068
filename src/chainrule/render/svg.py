"""The network as a picture in SVG: neurons in columns, each weight's name and value on its own line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from chainrule.explain.document import Diagram, Document, Edge, Layer, Neuron
from chainrule.render.line import formula_line

COLUMN, ROW, RADIUS = 280, 112, 24  # pixels: between layers, between neurons, of a neuron
MARGIN_X, MARGIN_Y = 96, 74
LETTER, LINE = 6.9, 15  # the width of a letter and the height of a line of a label
DROP = 4.5  # from the middle of a line of text to its baseline
DRAWN_AT_MOST = 40  # edges: of a larger network the table of weights says more than the picture
PLACES = tuple(share / 100 for share in range(16, 88, 3))  # along an edge, tried in this order
CLEAR = 11  # pixels between a label's middle and any other line

Point = tuple[float, float]
Line = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a label is: its middle, and half its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float = LINE / 2 + 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A network laid out: titles, neurons and edges with where they are, in pixels from the top left."""

    width: float
    height: float
    titles: tuple[tuple[str, Point], ...]
    neurons: tuple[tuple[Neuron, str, Point], ...]  # with the bias or the value that stands below
    edges: tuple[tuple[Line, str, Box], ...]  # with the label and its place


def network_picture(diagram: Diagram, document: Document) -> Picture | None:
    """Where everything goes; None for a network with so many edges that their labels would not find room."""
    if sum(len(neuron.edges) for layer in diagram.layers for neuron in layer.neurons) > DRAWN_AT_MOST:
        return None
    tallest = max(len(layer.neurons) for layer in diagram.layers)
    places = {
        (column, neuron.name): (MARGIN_X + COLUMN * column, _height(layer, row, tallest))
        for column, layer in enumerate(diagram.layers)
        for row, neuron in enumerate(layer.neurons)
    }
    taken = [Box(x, y, RADIUS + 4, RADIUS + 4) for x, y in places.values()]
    edges: list[tuple[Line, str, Box]] = []
    for column, layer in enumerate(diagram.layers[1:], 1):
        here = [(edge, _between(places, column, edge, neuron)) for neuron in layer.neurons for edge in neuron.edges]
        for edge, line in here:
            label = _edge_label(edge, document)
            others = [other for _, other in here if other is not None and other != line]
            box = None if line is None else _free_place(line, others, label, taken)
            if line is None or box is None:
                return None
            taken.append(box)
            edges.append((line, label, box))
    return Picture(
        2 * MARGIN_X + COLUMN * (len(diagram.layers) - 1),
        2 * MARGIN_Y + ROW * (tallest - 1),
        tuple((layer.title, (MARGIN_X + COLUMN * column, 18.0)) for column, layer in enumerate(diagram.layers)),
        tuple(
            (neuron, _below(neuron, document), places[(column, neuron.name)])
            for column, layer in enumerate(diagram.layers)
            for neuron in layer.neurons
        ),
        tuple(edges),
    )


def network_svg(diagram: Diagram, document: Document) -> str | None:
    """The picture; None for a network with so many edges that their labels would not find room.

    Its colours are the page's: lines and text in ``currentColor``, labels on ``var(--page)``.
    """
    picture = network_picture(diagram, document)
    if picture is None:
        return None
    titles = [f'<text x="{x:g}" y="{y:g}" class="title">{escape(text)}</text>' for text, (x, y) in picture.titles]
    lines = [_line(*line) for line, _, _ in picture.edges]
    labels = [_label(box, label) for _, label, box in picture.edges]
    neurons = [mark for each in picture.neurons for mark in _neuron(*each)]
    size = f'viewBox="0 0 {picture.width:g} {picture.height:g}" width="{picture.width:g}" height="{picture.height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'role="img" aria-label="{escape(_described(diagram, document), quote=True)}">'
        f"<style>{STYLE}</style>{''.join([*titles, *lines, *labels, *neurons])}</svg>"
    )


STYLE = (
    "text{font:13px ui-sans-serif,system-ui,sans-serif;text-anchor:middle;fill:currentColor}"
    ".title{font-size:12px;opacity:.7}.name{font-weight:600;font-size:14px}"
    ".edge{stroke:currentColor;stroke-opacity:.45;stroke-width:1.4}"
    ".neuron{fill:var(--neuron,#eef3fb);stroke:currentColor;stroke-opacity:.6;stroke-width:1.4}"
    ".label{fill:var(--page,#fff)}"
)


def _between(places: Mapping[tuple[int, str], Point], column: int, edge: Edge, neuron: Neuron) -> Line | None:
    """An edge's ends; None where it doesn't come from the layer before."""
    start = places.get((column - 1, edge.source.name))
    return None if start is None else (start, places[(column, neuron.name)])


def _height(layer: Layer, row: int, tallest: int) -> float:
    """Columns are centred."""
    return MARGIN_Y + ROW * (row + (tallest - len(layer.neurons)) / 2)


def _line(start: Point, end: Point) -> str:
    return f'<line class="edge" x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}"/>'


def _edge_label(edge: Edge, document: Document) -> str:
    return f"{formula_line(edge.weight, document)} = {edge.value.replace('-', '−')}"


def _free_place(line: Line, others: list[Line], label: str, taken: list[Box]) -> Box | None:
    """Where along its line a label is farthest from every other line and covers nothing; None if it is never clear."""
    found: tuple[float, Box] | None = None
    for share in PLACES:
        x, y = _at(line, share)
        box = Box(x, y, len(label) * LETTER / 2 + 3)
        if any(_overlap(box, other) for other in taken):
            continue
        apart = min((abs(_at(other, share)[1] - y) for other in others), default=CLEAR)
        if found is None or apart > found[0]:
            found = apart, box
    return found[1] if found is not None and found[0] >= CLEAR else None


def _at(line: Line, share: float) -> tuple[float, float]:
    (x1, y1), (x2, y2) = line
    return x1 + share * (x2 - x1), y1 + share * (y2 - y1)


def _overlap(a: Box, b: Box) -> bool:
    return abs(a.x - b.x) < a.half_width + b.half_width and abs(a.y - b.y) < a.half_height + b.half_height


def _label(box: Box, text: str) -> str:
    corner = f'x="{box.x - box.half_width:g}" y="{box.y - box.half_height:g}"'
    size = f'width="{2 * box.half_width:g}" height="{2 * box.half_height:g}"'
    return f'<rect class="label" rx="3" {corner} {size}/><text x="{box.x:g}" y="{box.y + DROP:g}">{escape(text)}</text>'


def _below(neuron: Neuron, document: Document) -> str:
    """What stands below a neuron: its bias, or an input's value."""
    if neuron.bias is None:
        return neuron.value.replace("-", "−")
    name, value = neuron.bias
    return f"{formula_line(name, document)} = {value.replace('-', '−')}"


def _neuron(neuron: Neuron, below: str, place: Point) -> Iterator[str]:
    x, y = place
    yield f'<circle class="neuron" cx="{x:g}" cy="{y:g}" r="{RADIUS}"/>'
    yield f'<text class="name" x="{x:g}" y="{y + DROP:g}">{escape(neuron.name)}</text>'
    if below:
        yield f'<text x="{x:g}" y="{y + RADIUS + 13 + DROP:g}">{escape(below)}</text>'


def _described(diagram: Diagram, document: Document) -> str:
    """The picture in words, for those who can't see it."""
    said = [
        f"{neuron.name}: "
        + ", ".join(f"{_edge_label(edge, document)} from {edge.source.name}" for edge in neuron.edges)
        for layer in diagram.layers[1:]
        for neuron in layer.neurons
    ]
    return "The network. " + ". ".join(said)
