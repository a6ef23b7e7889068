"""The picture of a network: nobody can doubt which label belongs to which line, and every weight is told."""

from itertools import combinations
from math import hypot
from xml.etree import ElementTree

import pytest

from chainrule.explain.document import Diagram, Document, Edge, Layer, Neuron, Symbol
from chainrule.formula.expression import Ref
from chainrule.render.picture import Label, Line, Picture, network_picture, source_of
from chainrule.render.svg import network_svg
from chainrule.render.weights import weight_tables
from render.sample import LARGE_NETWORK, NETWORK, SAMPLE

EMPTY = Document("", ())


def network(*sizes: int, value: str = "-0.12") -> Diagram:
    """A network of dense layers a, b, c, ... of these sizes."""
    layers = [Layer("inputs", tuple(Neuron(f"a{i}", value="0.5") for i in range(1, sizes[0] + 1)))]
    for letter, before, size, below in zip("bcdefg", sizes, sizes[1:], "abcdef", strict=False):
        neurons = []
        for j in range(1, size + 1):
            edges = [Edge(Ref(f"{below}{i}"), Ref(f"w_{letter}{j}{i}"), value) for i in range(1, before + 1)]
            neurons.append(Neuron(f"{letter}{j}", tuple(edges), (Ref(f"b_{letter}"), "0.3")))
        layers.append(Layer(f"layer {letter} (tanh)", tuple(neurons)))
    return Diagram(tuple(layers))


SMALL = [
    NETWORK,
    network(1, 1),
    network(2, 1),
    network(2, 2, 1),
    network(2, 3, 2),
    network(3, 3, 3),
    network(2, 2, 2, 2),
]
NETWORKS = [*SMALL, network(4, 5, 3), network(3, 4, 4, 2), network(9, 9), network(2, 12), LARGE_NETWORK]
LABELLED = [*SMALL, network(3, 4, 2)]


def edge_lines(picture: Picture) -> tuple[Line, ...]:
    return picture.lines[: len(picture.lines) - len(picture.biases)]


def edge_labels(picture: Picture) -> tuple[Label, ...]:
    return picture.labels[: len(edge_lines(picture))]


def corners(label: Label) -> list[complex]:
    """The corners of a label, turned as it is, computed apart from the code under test."""
    turn = complex(0, 1) ** (label.angle / 90)
    middle = complex(label.x, label.y)
    half = complex(label.width / 2, label.height / 2)
    return [middle + turn * each for each in (half, half.conjugate(), -half, -half.conjugate())]


def outline(points: list[complex], steps: int = 12) -> list[complex]:
    """Points all along the edge of a label."""
    ends = [*points[1:], points[0]]
    return [a + (b - a) * step / steps for a, b in zip(points, ends, strict=True) for step in range(steps)]


def within(label: Label, point: complex) -> bool:
    seen = (point - complex(label.x, label.y)) / complex(0, 1) ** (label.angle / 90)
    return abs(seen.real) < label.width / 2 and abs(seen.imag) < label.height / 2


def points(line: Line, steps: int = 150) -> list[complex]:
    start, end = complex(*line.start), complex(*line.end)
    return [start + (end - start) * step / steps for step in range(steps + 1)]


@pytest.mark.parametrize("diagram", LABELLED)
def test_every_line_has_its_own_label_on_it(diagram: Diagram) -> None:
    picture = network_picture(diagram, SAMPLE)
    lines, labels = edge_lines(picture), edge_labels(picture)
    edges = [edge for layer in diagram.layers for neuron in layer.neurons for edge in neuron.edges]
    assert len(lines) == len(labels) == len(edges)
    for line, label in zip(lines, labels, strict=True):
        (x1, y1), (x2, y2) = line.start, line.end
        length = hypot(x2 - x1, y2 - y1)
        off = abs((x2 - x1) * (label.y - y1) - (y2 - y1) * (label.x - x1)) / length
        assert off < 0.01
        assert min(hypot(x1 - label.x, y1 - label.y), hypot(x2 - label.x, y2 - label.y)) > label.width / 2


@pytest.mark.parametrize("diagram", LABELLED)
def test_no_label_meets_another_label_or_line(diagram: Diagram) -> None:
    picture = network_picture(diagram, SAMPLE)
    lines, labels = edge_lines(picture), edge_labels(picture)
    for own, label in enumerate(labels):
        for place, line in enumerate(lines):
            assert place == own or not any(within(label, point) for point in points(line))
    everything = [*picture.labels, *(spot.label for spot in (*picture.biases, *picture.neurons))]
    for a, b in combinations(everything, 2):
        assert not any(within(a, point) for point in outline(corners(b)))
        assert not any(within(b, point) for point in outline(corners(a)))


@pytest.mark.parametrize("diagram", NETWORKS)
def test_everything_is_within_the_picture(diagram: Diagram) -> None:
    picture = network_picture(diagram, SAMPLE)
    spots = [*picture.neurons, *picture.biases]
    for label in (*picture.labels, *(spot.label for spot in spots)):
        for corner in corners(label):
            assert 0 <= corner.real <= picture.width
            assert 0 <= corner.imag <= picture.height
    for a, b in combinations(picture.neurons, 2):
        assert hypot(a.label.x - b.label.x, a.label.y - b.label.y) >= a.half_height + b.half_height


@pytest.mark.parametrize("diagram", NETWORKS)
def test_the_svg_is_well_formed(diagram: Diagram) -> None:
    svg = ElementTree.fromstring(network_svg(diagram, SAMPLE))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(network_svg(diagram, SAMPLE)) < 60_000


def test_the_labels_say_name_and_value() -> None:
    svg = ElementTree.fromstring(network_svg(NETWORK, SAMPLE))
    said = {"".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"w5 = 0.40", "w6 = −0.45", "b2 = 0.60", "i1", "0.05", "hidden layer h", "logistic"} <= said


@pytest.mark.parametrize("diagram", [network(4, 5, 3), network(9, 9)])
def test_a_larger_network_has_tables_with_every_weight(diagram: Diagram) -> None:
    assert not network_picture(diagram, EMPTY).complete
    tables = list(weight_tables(diagram, EMPTY))
    cells = [cell for table in tables for line in table.rows for cell in line[1:]]
    edges = sum(len(neuron.edges) for layer in diagram.layers for neuron in layer.neurons)
    biases = sum(neuron.bias is not None for layer in diagram.layers for neuron in layer.neurons)
    assert len({str(cell) for cell in cells}) == edges + len(diagram.layers) - 1
    assert len(cells) == edges + biases
    assert all(len(line) == len(table.header) for table in tables for line in table.rows)


def test_a_huge_network_is_shown_by_its_first_and_last() -> None:
    picture = network_picture(LARGE_NETWORK, SAMPLE)
    assert len(picture.neurons) == 8
    assert tuple(text for text, _, _ in picture.titles if "neurons" in text) == ("784 neurons", "128 neurons, tanh")
    (table,) = weight_tables(LARGE_NETWORK, SAMPLE)
    assert len(table.rows) == 5
    assert all(len(line) == len(table.header) for line in table.rows)


def test_an_edge_finds_its_source_by_name_then_by_place() -> None:
    before = (Neuron("h1"), Neuron("h2"))
    for name, place, expected in (("h2", 0, 1), ("out_h1", 1, 0), ("x", 1, 1), ("x", 5, None)):
        assert source_of(Edge(Ref(name), Ref("w"), "1"), place, before) == expected


@pytest.mark.parametrize("name", ["<script>", "\"&'", "x" * 10_000, "a\x00\x1b[31mb", "中"])
def test_a_hostile_name_is_only_text(name: str) -> None:
    ref = Ref(name)
    neuron = Neuron(f"{name}2", (Edge(ref, ref, name[:9]),), (ref, "1"))
    diagram = Diagram((Layer(name, (Neuron(name, value="1"),)), Layer(name, (neuron,))))
    document = Document("", (), {name: Symbol(name, name, name)})
    text = network_svg(diagram, document)
    allowed = {"svg", "g", "rect", "line", "text", "tspan"}
    assert {each.tag.partition("}")[2] for each in ElementTree.fromstring(text).iter()} <= allowed
    assert len(text) < 60_000
