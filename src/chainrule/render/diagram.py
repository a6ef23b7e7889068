"""The network as text: for each neuron its weights, each on the line from its source."""

import textwrap
from dataclasses import dataclass
from typing import NamedTuple

from chainrule.explain.document import Diagram, Document, Layer, Neuron
from chainrule.render.line import ASCII, Script, formula_line

EDGES_AT_MOST = 10  # of more edges the first three and the last are shown
NEURONS_AT_MOST = 8  # of more neurons in a layer the first two and the last


@dataclass(frozen=True, slots=True)
class Strokes:
    """The characters that the lines are drawn with; the corners are named after the row that they end."""

    dash: str
    first: str
    between: str
    last: str
    arrow_first: str
    arrow_between: str
    side: str
    arrow_side: str
    head: str
    dots: str


UNICODE_STROKES = Strokes("─", "╮", "┤", "╯", "┬", "┼", "│", "├", "►", "⋮")
ASCII_STROKES = Strokes("-", ".", "+", "'", "+", "+", "|", "+", ">", ":")


class Line(NamedTuple):
    """One line into a neuron: what comes in, and the weight on the way; without ``value``, a gap."""

    source: str
    weight: str
    value: str


def diagram_lines(diagram: Diagram, document: Document, width: int, script: Script) -> list[str]:
    """The layers below each other, every weight on a line of its own that ends at its neuron."""
    known = {neuron.name: signed(neuron.value, script) for layer in diagram.layers for neuron in layer.neurons}
    lines: list[str] = []
    for layer in diagram.layers:
        lines += ["", layer.title] if lines else [layer.title]
        shown = _shown_neurons(layer)
        if all(not neuron.edges and neuron.bias is None for neuron in layer.neurons):
            lines += _inputs(layer, shown, width, script)
            continue
        fans = [_lines_into(neuron, document, known, script) for neuron in shown]
        dashes = _dashes(fans, shown, width)
        for position, (neuron, fan) in enumerate(zip(shown, fans, strict=True)):
            lines += [""] * (position > 0)
            if position == len(shown) - 1 and len(shown) < len(layer.neurons):
                lines += [f"  {script.ellipsis} {len(layer.neurons)} neurons in all", ""]
            lines += _fan(neuron, fan, fans, dashes, script) if dashes else _list(neuron, fan)
    return [row for line in lines for row in (_wrapped(line, width) if len(line) > width else [line])]


def _wrapped(line: str, width: int) -> list[str]:
    """A title, or a line of a list, that is too long."""
    return textwrap.wrap(line, width, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)


def signed(value: str, script: Script) -> str:
    """A value with the script's own minus sign."""
    return value.replace("-", script.minus).replace("E", "e")


def _shown_neurons(layer: Layer) -> list[Neuron]:
    neurons = list(layer.neurons)
    return neurons if len(neurons) <= NEURONS_AT_MOST else [*neurons[:2], neurons[-1]]


def _inputs(layer: Layer, shown: list[Neuron], width: int, script: Script) -> list[str]:
    texts = [f"{neuron.name} = {signed(neuron.value, script)}" if neuron.value else neuron.name for neuron in shown]
    if len(shown) < len(layer.neurons):
        texts[-1:] = [script.ellipsis, texts[-1], f"({len(layer.neurons)} in all)"]
    lines = [""]
    for text in texts:
        if lines[-1] and len(lines[-1]) + 3 + len(text) > width:
            lines.append("")
        lines[-1] += ("   " if lines[-1] else "  ") + text
    return lines


def _lines_into(neuron: Neuron, document: Document, known: dict[str, str], script: Script) -> list[Line]:
    """The lines of a neuron; of many weights the first three and the last, and how many there are."""
    ascii_only = script.ascii
    edges = neuron.edges if len(neuron.edges) <= EDGES_AT_MOST else (*neuron.edges[:3], neuron.edges[-1])
    lines = []
    for edge in edges:
        source = formula_line(edge.source, document, ascii_only)
        value = known.get(source) or known.get(edge.source.name)
        text = f"{source} = {value}" if value else source
        lines.append(Line(text, formula_line(edge.weight, document, ascii_only), signed(edge.value, script)))
    if len(edges) < len(neuron.edges):
        lines.insert(3, Line("", f"({len(neuron.edges)} weights)", ""))
    if neuron.bias is not None:
        lines.append(Line("1", formula_line(neuron.bias[0], document, ascii_only), signed(neuron.bias[1], script)))
    return lines


def _columns(fans: list[list[Line]]) -> tuple[int, int, int]:
    """The widths of the sources, the names and the values of the weights of a layer."""
    lines = [line for fan in fans for line in fan]
    named = [line for line in lines if line.value]
    names = max((len(line.weight) for line in named), default=0)
    values = max((len(line.value) for line in named), default=0)
    gaps = max((len(line.weight) for line in lines if not line.value), default=0)
    return max((len(line.source) for line in lines), default=0), names, max(values, gaps - names - 3)


def _dashes(fans: list[list[Line]], shown: list[Neuron], width: int) -> tuple[int, int, int] | None:
    """The lengths of the dashes before, after and beyond a weight; None where no picture fits."""
    room = width - 2 - sum(_columns(fans)) - 3 - 6 - max(len(neuron.name) for neuron in shown)
    return next((each for each in ((4, 3, 2), (2, 2, 1), (1, 1, 1)) if sum(each) <= room), None)


def _fan(
    neuron: Neuron, fan: list[Line], fans: list[list[Line]], dashes: tuple[int, int, int], script: Script
) -> list[str]:
    strokes = ASCII_STROKES if script == ASCII else UNICODE_STROKES
    sources, names, values = _columns(fans)
    arrow = (len(fan) - 1) // 2
    rows = []
    for position, line in enumerate(fan):
        if line.value:
            before = strokes.dash * (sources - len(line.source) + dashes[0])
            weight = f"{line.weight:<{names}} = {line.value:>{values}}"
            row = f"{line.source} {before} {weight} {strokes.dash * dashes[1]}"
        else:
            row = f"{strokes.dots:<{sources}} {' ' * dashes[0]} {line.weight:<{names + 3 + values}} {' ' * dashes[1]}"
        row += _corner(position, arrow, len(fan), bool(line.value), strokes)
        if position == arrow:
            row += f"{strokes.dash * dashes[2]}{strokes.head} {neuron.name}"
        rows.append(f"  {row}")
    return rows or [f"  {neuron.name}"]


def _corner(position: int, arrow: int, count: int, line: bool, strokes: Strokes) -> str:
    if count == 1:
        return strokes.dash
    if not line:
        return strokes.arrow_side if position == arrow else strokes.side
    if position == 0:
        return strokes.arrow_first if position == arrow else strokes.first
    if position == count - 1:
        return strokes.last
    return strokes.arrow_between if position == arrow else strokes.between


def _list(neuron: Neuron, fan: list[Line]) -> list[str]:
    """The same as a list, where there is no room for a picture."""
    rows = [f"  {neuron.name}"]
    for line in fan:
        if not line.value:
            rows.append(f"    {line.weight}")
            continue
        source = "" if line.source == "1" else f" from {line.source.partition(' ')[0]}"
        rows.append(f"    {line.weight} = {line.value}{source}")
    return rows
