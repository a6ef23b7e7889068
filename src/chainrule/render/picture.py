"""Where everything in the picture of a network goes, for every format that draws it.

Each weight's label stands on its own line and turns with it, at the place where it is farthest from all other lines;
where there is no such place the picture grows, and a network too large for that is drawn without labels, beside
tables of its weights. Lengths are in CSS pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from math import atan2, cos, degrees, hypot, inf, radians, sin

from chainrule.explain.document import Diagram, Document, Edge, Layer, Neuron
from chainrule.formula.expression import Num, Ref
from chainrule.render.typeset import EQUALS, Form, Node, Sign, Upright, row, shortened, typeset, width

FONT = 15.0
DIGIT = 7.6  # pixels that a digit is wide
RADIUS = 24.0
LABEL_HEIGHT = 19.0
CLEAR, WELL_CLEAR = 3.0, 8.0  # pixels between a label and anything else: at least, and as it should be
SHOWN_NEURONS = 8  # in a column; of more neurons the first three and the last are drawn
LEADER = 8.0  # pixels of a line that are seen on either side of its label
LABELLED_EDGES = 20  # between two layers; a picture with more would be read by nobody
SIZES = ((112.0, 190.0), (124.0, 240.0), (132.0, 285.0), (144.0, 340.0), (160.0, 400.0))  # between rows, and columns
PLACES = tuple(share / 100 for share in range(20, 81, 4))  # along a line, from its source on

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Label:
    """A text in the picture: its middle, its size, how far it is turned (degrees), and what it says."""

    text: Node
    x: float
    y: float
    width: float
    angle: float = 0.0
    height: float = LABEL_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    start: Point
    end: Point


@dataclass(frozen=True, slots=True)
class Spot:
    """A neuron, round or, for a long name, longer; or a bias, smaller."""

    label: Label
    half_width: float
    half_height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """``titles`` are words above the columns, with their places; ``complete`` says that every line has its label."""

    width: float
    height: float
    lines: tuple[Line, ...]
    neurons: tuple[Spot, ...]
    biases: tuple[Spot, ...]
    labels: tuple[Label, ...]
    titles: tuple[tuple[str, float, float], ...]
    complete: bool


def network_picture(diagram: Diagram, document: Document) -> Picture:
    """The picture of a network: labelled at the smallest size that has room for it, else without labels."""
    layers = [_shown(layer) for layer in diagram.layers]
    whole = all(len(shown) == len(layer.neurons) for shown, layer in zip(layers, diagram.layers, strict=True))
    edges = max((sum(len(neuron.edges) for neuron in layer) for layer in layers[1:]), default=0)
    if whole and edges <= LABELLED_EDGES:
        for values, place in ((True, _in_column), (True, _one_by_one), (False, _in_column), (False, _one_by_one)):
            for down, across in SIZES:
                picture = _labelled(diagram, layers, document, (across, down), values, place)
                if picture is not None:
                    return picture
    return _bare(diagram, layers, document)


def value_node(text: str) -> Node:
    """A value as it is shown, its minus a real one."""
    try:
        return typeset(Num(Decimal(text)), Document("", ()))
    except InvalidOperation:
        return Upright(text)


def weight_node(name: Ref, value: str, document: Document) -> Node:
    """``w_5 = 0.40``."""
    return row(typeset(name, document, inline=True), EQUALS, value_node(value))


def source_of(edge: Edge, position: int, before: Sequence[Neuron]) -> int | None:
    """Which neuron of the layer before an edge comes from; ``out_h1`` is neuron ``h1``."""
    for place, neuron in enumerate(before):
        if edge.source.name in (neuron.name, f"out_{neuron.name}"):
            return place
    return position if position < len(before) else None


def _shown(layer: Layer) -> tuple[Neuron, ...]:
    neurons = layer.neurons
    return neurons if len(neurons) <= SHOWN_NEURONS else (*neurons[:3], neurons[-1])


def _label(text: Node, x: float, y: float, angle: float = 0.0) -> Label:
    return Label(text, x, y, width(text) * DIGIT + 6, angle)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the neurons are, layer by layer, and what stands beside them."""

    size: Point
    columns: tuple[float, ...]
    neurons: tuple[tuple[Spot, ...], ...]
    biases: tuple[tuple[Spot, Line], ...]
    values: tuple[Label, ...]


def _plan(
    layers: Sequence[Sequence[Neuron]],
    document: Document,
    size: Point,
    rows: Sequence[Sequence[int]],
    biases: bool,
) -> Plan:
    """Columns of neurons, each in the middle; ``rows`` are the places in them, counted from the top.

    ``size`` is the room between two columns, and from one row to the next.
    """
    across, down = size
    names = [[typeset(Ref(each.name), document, inline=True) for each in layer] for layer in layers]
    halves = [max((_half(name) for name in layer), default=RADIUS) for layer in names]
    room = max((width(value_node(each.value)) * DIGIT + 12 for each in layers[0] if each.value), default=0.0)
    columns = [max(room, 56.0) + halves[0]]
    for left, right in pairwise(halves):
        columns.append(columns[-1] + left + across + right)
    tallest = max(places[-1] for places in rows)
    top = 52.0 + RADIUS + (44.0 if biases else 0.0)
    whole = (columns[-1] + max(halves[-1], 45.0) + 28.0, top + down * tallest + RADIUS + 24.0)
    spots, pills, values = [], [], []
    for x, layer, layer_names, places in zip(columns, layers, names, rows, strict=True):
        line = []
        for neuron, name, place in zip(layer, layer_names, places, strict=True):
            y = top + down * (place + (tallest - places[-1]) / 2)
            line.append(Spot(_label(name, x, y), _half(name), RADIUS))
            if neuron.value:
                text = value_node(neuron.value)
                first = layer is layers[0]
                middle = x - _half(name) - 8 - width(text) * DIGIT / 2 if first else x
                values.append(_label(text, middle, y if first else y + RADIUS + 13))
            if biases and neuron.bias is not None:
                pill = _label(weight_node(*neuron.bias, document), x, y - RADIUS - 28)
                pills.append((Spot(pill, pill.width / 2 + 4, 11.0), Line((x, y - RADIUS - 17), (x, y - RADIUS))))
        spots.append(tuple(line))
    return Plan(whole, tuple(columns), tuple(spots), tuple(pills), tuple(values))


def _half(name: Node) -> float:
    return max(RADIUS, width(name) * DIGIT / 2 + 9)


def _edges(layers: Sequence[Sequence[Neuron]], plan: Plan) -> list[list[tuple[Edge, Line]]]:
    """The lines between each two layers, from the edge of one neuron to the edge of the other."""
    gaps = []
    for at, (before, layer) in enumerate(pairwise(layers)):
        gap = []
        for neuron, target in zip(layer, plan.neurons[at + 1], strict=True):
            for position, edge in enumerate(neuron.edges):
                place = source_of(edge, position, before)
                if place is not None:
                    gap.append((edge, _between(plan.neurons[at][place], target)))
        gaps.append(gap)
    return gaps


def _between(source: Spot, target: Spot) -> Line:
    (x1, y1), (x2, y2) = (source.label.x, source.label.y), (target.label.x, target.label.y)
    length = hypot(x2 - x1, y2 - y1)
    unit = ((x2 - x1) / length, (y2 - y1) / length)
    begin = (
        source.half_width * abs(unit[0]) + source.half_height * abs(unit[1]) if source.half_width > RADIUS else RADIUS
    )
    end = target.half_width * abs(unit[0]) + target.half_height * abs(unit[1]) if target.half_width > RADIUS else RADIUS
    return Line((x1 + unit[0] * begin, y1 + unit[1] * begin), (x2 - unit[0] * end, y2 - unit[1] * end))


def _labelled(
    diagram: Diagram,
    layers: Sequence[Sequence[Neuron]],
    document: Document,
    size: Point,
    values: bool,
    place: Callable[[Sequence[Node], Sequence[Line], Sequence[Label]], list[Label] | None],
) -> Picture | None:
    """The picture with a label on every line, its value too or only its name; None if there is no room at this size."""
    plan = _plan(layers, document, size, [range(len(layer)) for layer in layers], biases=True)
    gaps = _edges(layers, plan)
    fixed = [pill.label for pill, _ in plan.biases] + list(plan.values)
    labels: list[Label] = []
    for gap in gaps:
        lines = [line for _, line in gap]
        if any(_distance(each, line) < CLEAR for each in fixed for line in lines):
            return None
        texts = [
            weight_node(edge.weight, edge.value, document) if values else typeset(edge.weight, document, inline=True)
            for edge, _ in gap
        ]
        placed = place(texts, lines, fixed)
        if placed is None:
            return None
        labels += placed
    lines = [line for gap in gaps for _, line in gap]
    return _picture(diagram, plan, lines, labels, complete=values)


def _bare(diagram: Diagram, layers: Sequence[Sequence[Neuron]], document: Document) -> Picture:
    """The picture of a larger network: neurons and lines, and dots where neurons are left out."""
    rows = [
        range(len(layer)) if len(layer) == len(whole.neurons) else (*range(len(layer) - 1), len(layer))
        for layer, whole in zip(layers, diagram.layers, strict=True)
    ]
    plan = _plan(layers, document, (150.0, 62.0), rows, biases=False)
    dots = [
        _label(Sign("⋮", Form.ORDINARY), spots[-1].label.x, (spots[-2].label.y + spots[-1].label.y) / 2)
        for spots, places in zip(plan.neurons, rows, strict=True)
        if places[-1] >= len(spots)
    ]
    lines = [
        _between(source, target)
        for at, (before, layer) in enumerate(pairwise(plan.neurons))
        for target, neuron in zip(layer, layers[at + 1], strict=True)
        for source in before
        if neuron.edges
    ]
    return _picture(diagram, plan, lines, dots, complete=False)


def _picture(diagram: Diagram, plan: Plan, lines: Sequence[Line], labels: Sequence[Label], complete: bool) -> Picture:
    titles = []
    for layer, x, spots in zip(diagram.layers, plan.columns, plan.neurons, strict=True):
        title, bracket, rest = layer.title.partition(" (")
        titles.append((shortened(title), x, 14.0))
        count = "" if len(spots) == len(layer.neurons) else f"{len(layer.neurons)} neurons"
        details = ", ".join(each for each in (count, rest.removesuffix(")") if bracket else "") if each)
        if details:
            titles.append((shortened(details), x, 31.0))
    return Picture(
        *plan.size,
        (*lines, *(line for _, line in plan.biases)),
        tuple(spot for layer in plan.neurons for spot in layer),
        tuple(pill for pill, _ in plan.biases),
        (*labels, *plan.values),
        tuple(titles),
        complete,
    )


def _in_column(texts: Sequence[Node], lines: Sequence[Line], fixed: Sequence[Label]) -> list[Label] | None:
    """Each label on its line, all at the same share of the way; None if they aren't clear of everything anywhere.

    The place nearest to the sources is taken where all are well clear there, else the clearest.
    """
    best, found = CLEAR, None
    for share in PLACES:
        labels = [_on(text, line, share) for text, line in zip(texts, lines, strict=True)]
        clear = min((_clearance(at, labels, lines, fixed) for at in range(len(labels))), default=inf)
        if clear > best:
            best, found = clear, labels
        if clear >= WELL_CLEAR:
            break
    return found


def _one_by_one(texts: Sequence[Node], lines: Sequence[Line], fixed: Sequence[Label]) -> list[Label] | None:
    """Each label where it is clearest beside those before it."""
    placed: list[Label] = []
    for at, (text, line) in enumerate(zip(texts, lines, strict=True)):
        choices = [_on(text, line, share) for share in PLACES]
        clear, best = max(
            ((_clearance(at, [*placed, choice], lines, fixed), choice) for choice in choices), key=lambda each: each[0]
        )
        if clear < CLEAR:
            return None
        placed.append(best)
    return placed


def _on(text: Node, line: Line, share: float) -> Label:
    (x1, y1), (x2, y2) = line.start, line.end
    angle = degrees(atan2(y2 - y1, x2 - x1))
    return _label(text, x1 + share * (x2 - x1), y1 + share * (y2 - y1), angle)


def _clearance(at: int, labels: Sequence[Label], lines: Sequence[Line], fixed: Sequence[Label]) -> float:
    """The distance of one label to the nearest other line or label; 0 where it reaches to an end of its own line."""
    label, line = labels[at], lines[at]
    if min(hypot(x - label.x, y - label.y) for x, y in (line.start, line.end)) < label.width / 2 + LEADER:
        return 0.0
    least = inf
    for place, other in enumerate(lines):
        if place != at and (least := min(least, _distance(label, other))) == 0.0:
            return 0.0
    others = [*(each for place, each in enumerate(labels) if place != at), *fixed]
    return min([least, *(_distance(label, _middle_line(each)) - each.height / 2 for each in others)])


def _middle_line(label: Label) -> Line:
    """From the left end of a label to its right end."""
    ux, uy = _direction(label)
    dx, dy = ux * label.width / 2, uy * label.width / 2
    return Line((label.x - dx, label.y - dy), (label.x + dx, label.y + dy))


def _direction(label: Label) -> Point:
    return cos(radians(label.angle)), sin(radians(label.angle))


def _distance(label: Label, line: Line) -> float:
    """How far a line is from a label; 0 where it touches it."""
    (ux, uy), half_width, half_height = _direction(label), label.width / 2, label.height / 2
    ends = []
    for x, y in (line.start, line.end):  # as the label sees it: its middle at (0, 0), itself level
        dx, dy = x - label.x, y - label.y
        ends.append((dx * ux + dy * uy, dy * ux - dx * uy))
    start, end = ends
    if _touches(start, end, half_width, half_height):
        return 0.0
    from_ends = min(hypot(max(abs(x) - half_width, 0.0), max(abs(y) - half_height, 0.0)) for x, y in ends)
    corners = ((x, y) for x in (-half_width, half_width) for y in (-half_height, half_height))
    return min(from_ends, *(_to_line(corner, start, end) for corner in corners))


def _touches(start: Point, end: Point, half_width: float, half_height: float) -> bool:
    """Whether a line meets a box around (0, 0): whether some of it is within the box's columns and rows at once."""
    first, last = 0.0, 1.0
    for begin, finish, half in ((start[0], end[0], half_width), (start[1], end[1], half_height)):
        length = finish - begin
        if length == 0.0:
            if abs(begin) > half:
                return False
            continue
        low, high = sorted(((-half - begin) / length, (half - begin) / length))
        first, last = max(first, low), min(last, high)
    return first <= last


def _to_line(point: Point, start: Point, end: Point) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    square = dx * dx + dy * dy
    share = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / square if square else 0.0
    share = min(1.0, max(0.0, share))
    return hypot(start[0] + share * dx - point[0], start[1] + share * dy - point[1])
