"""The network as a picture in SVG: neurons in columns, each weight's name and value on its own line."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from chainrule.explain.document import Diagram, Document
from chainrule.formula.expression import Ref
from chainrule.render.line import formula_line
from chainrule.render.picture import FONT, Label, Line, Picture, Spot, network_picture
from chainrule.render.typeset import Form, Function, Italic, Node, Row, Scripts, Sign, Upright, shortened

SMALLER = 0.72  # an index, as a share of the letter before it
DROP, RISE = 0.28, 0.42  # how far an index is set down and a sign set up, as a share of the letter
MIDDLE = 0.34  # from the middle of a line of text down to its baseline, as a share of its size
SAID_AT_MOST = 100  # weights: of a larger network only the sizes are said
LINE, INK, SOFT, PAPER, FILL = "#6b7280", "#1b1f24", "#57606a", "#ffffff", "#eef3fb"
FONTS = "'Termes Math', 'Libertinus Serif', 'Times New Roman', serif"


def network_svg(diagram: Diagram, document: Document) -> str:
    """The picture of a network, in the colours of a white page; a style sheet may change them by its classes.

    >>> from chainrule.explain.document import Layer, Neuron
    >>> network_svg(Diagram((Layer("inputs", (Neuron("i1"),)),)), Document("", ()))[:41]
    '<svg xmlns="http://www.w3.org/2000/svg" v'
    """
    return picture_svg(network_picture(diagram, document), described(diagram, document))


def picture_svg(picture: Picture, description: str) -> str:
    """A picture with its description for those who can't see it."""
    size = f'viewBox="0 0 {picture.width:g} {picture.height:g}" width="{picture.width:g}" height="{picture.height:g}"'
    marks = [
        *(_line(line) for line in picture.lines),
        *(_spot(spot, "neuron", FILL) for spot in picture.neurons),
        *(_spot(spot, "bias", PAPER) for spot in picture.biases),
        *(_label(label) for label in picture.labels),
        *(_title(*title) for title in picture.titles),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_clean(description)}"'
    return f'{head} font-family="{FONTS}" text-anchor="middle">\n' + "\n".join(marks) + "\n</svg>"


def described(diagram: Diagram, document: Document) -> str:
    """The picture in words: ``h1: w1 = 0.15 from i1, w2 = 0.20 from i2, b1 = 0.35``; of a large network its sizes."""
    sizes = ", ".join(f"{shortened(layer.title)}: {len(layer.neurons)}" for layer in diagram.layers)
    if sum(len(neuron.edges) for layer in diagram.layers for neuron in layer.neurons) > SAID_AT_MOST:
        return f"The network's neurons. {sizes}"
    said = []
    for neuron in (neuron for layer in diagram.layers[1:] for neuron in layer.neurons):
        into = [
            f"{_said(edge.weight, document)} = {edge.value} from {_said(edge.source, document)}"
            for edge in neuron.edges
        ]
        into += [f"{_said(neuron.bias[0], document)} = {neuron.bias[1]}"] if neuron.bias else []
        said.append(f"{shortened(neuron.name)}: {', '.join(into)}")
    return f"The network. {'. '.join(said)}"


def _said(name: Ref, document: Document) -> str:
    return shortened(formula_line(name, document))


def _clean(text: str) -> str:
    """Text in which nothing is markup, and without the characters that XML forbids."""
    return escape("".join(each for each in text if each.isprintable()), quote=True)


def _line(line: Line) -> str:
    (x1, y1), (x2, y2) = line.start, line.end
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line class="edge" {ends} stroke="{LINE}" stroke-width="1.2"/>'


def _spot(spot: Spot, kind: str, fill: str) -> str:
    x, y = spot.label.x - spot.half_width, spot.label.y - spot.half_height
    size = f'width="{2 * spot.half_width:.1f}" height="{2 * spot.half_height:.1f}" rx="{spot.half_height:.1f}"'
    shape = f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size} fill="{fill}" stroke="{LINE}" stroke-width="1.2"/>'
    return shape + _text(spot.label, FONT + 2 if kind == "neuron" else FONT - 1)


def _label(label: Label) -> str:
    """A label on a piece of paper that interrupts its line."""
    x, y = label.x - label.width / 2, label.y - label.height / 2
    size = f'width="{label.width:.1f}" height="{label.height:.1f}"'
    paper = f'<rect class="paper" x="{x:.1f}" y="{y:.1f}" {size} fill="{PAPER}"/>'
    turn = f' transform="rotate({label.angle:.1f} {label.x:.1f} {label.y:.1f})"' if label.angle else ""
    return f"<g{turn}>{paper}{_text(label, FONT)}</g>"


def _text(label: Label, size: float) -> str:
    place = f'x="{label.x:.1f}" y="{label.y + MIDDLE * size:.1f}" font-size="{size:g}" fill="{INK}"'
    return f'<text class="ink" {place}>{_spans(label.text, size)}</text>'


def _title(text: str, x: float, y: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{FONT - 1:g}" fill="{SOFT}"'
    return f'<text class="soft" {place}>{_clean(text)}</text>'


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one kind; ``level`` is how far they are raised (+1) or lowered (-1), and with it their size."""

    text: str
    italic: bool = False
    level: int = 0


def _spans(node: Node, size: float) -> str:
    """A name or an equation in a row, as text with shifts: SVG has no mathematics."""
    spans, level = [], 0
    for run in _runs(node, 0):
        here, before = (_shift(each) * size for each in (run.level, level))
        shift = f' dy="{here - before:.1f}"' if run.level != level else ""
        smaller = f' font-size="{SMALLER * size:.1f}"' if run.level else ""
        slant = ' font-style="italic"' if run.italic else ""
        text = _clean(run.text)
        spans.append(f"<tspan{shift}{smaller}{slant}>{text}</tspan>" if shift or smaller or slant else text)
        level = run.level
    return "".join(spans)


def _shift(level: int) -> float:
    return -RISE if level > 0 else DROP if level < 0 else 0.0


def _runs(node: Node, level: int) -> Iterator[Run]:
    match node:
        case Italic(text):
            yield Run(text, True, level)
        case Upright(text) | Function(text):
            yield Run(text, False, level)
        case Sign(text, form):
            yield Run(f" {text} " if form == Form.INFIX and not level else text, False, level)
        case Row(items):
            for item in items:
                yield from _runs(item, level)
        case Scripts(base, below, above):
            yield from _runs(base, level)
            if below is not None:
                yield from _runs(below, -1)
            if above is not None:
                yield from _runs(above, 1)
        case _:
            yield Run("…", False, level)  # a picture holds names and numbers only
