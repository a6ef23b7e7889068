"""How people read a network of layers: words for the axes of its families, and its table of layers."""

from collections.abc import Iterator, Sequence

from chainrule.catalogue.build import AnyLayer, DenseLayer, Inputs, Placed, place_layers
from chainrule.catalogue.dense import NEURON
from chainrule.catalogue.dense import READING as DENSE
from chainrule.catalogue.kinds import find_kind
from chainrule.catalogue.layer_row import Reading, Source, sizes_text
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.place import given_of_layer, in_layer, input_shape
from chainrule.explain.round import LayerLine, Words
from chainrule.formula.parse import parse_formulas

SAMPLE = "sample"


def words_for(inputs: Inputs, layers: Sequence[AnyLayer]) -> Words:
    """The words for a network's families, gathered from the rows of its layers.

    >>> from chainrule.catalogue.layer_row import LayerUse
    >>> words = words_for((3, 2), [LayerUse("attention", name="a")])
    >>> words.axes["score_a"], words.called["attn_a"]
    (('sample', 'place', 'seen place'), 'weights')
    """
    axes: dict[str, tuple[str, ...]] = {}
    parts: dict[str, tuple[str, ...]] = {}
    called: dict[str, str] = {}
    ways: dict[str, str] = {}
    omitted: set[str] = set()
    known: dict[str, dict[str, str]] = {}  # by the family that a layer gives to others: its letters' words
    placed = place_layers(inputs, layers)
    for each in placed:
        reading = reading_of(each)
        for source in each.sources:
            if source.family == "x" and "x" not in axes:
                _name_inputs(reading, source, axes, known)
        words = _letters(each, reading, known)
        for family, letters in _families(each):
            axes[family] = tuple(words.get(letter, "") for letter in letters)
            parts[family] = tuple(reading.parts.get(letter) or words.get(letter, "") for letter in letters)
        called |= {in_layer(name, each.name): word for name, word in reading.called.items()}
        ways |= {in_layer(name, each.name): word for name, word in reading.ways.items()}
        omitted |= {in_layer(name, each.name) for name in reading.omitted}
        known[each.out.family] = {letter: words.get(letter, "") for letter in each.out.axes}
    last = placed[-1].out
    for family in ("E", "target"):
        axes[family] = (SAMPLE, *(known[last.family][letter] for letter in last.axes))
    return Words(axes, parts, called | {"E": "the error of each output"}, ways, frozenset(omitted))


def reading_of(placed: Placed) -> Reading:
    """How a layer is read: as its row says."""
    return DENSE if isinstance(placed.layer, DenseLayer) else find_kind(placed.layer.kind).reading


def _name_inputs(
    reading: Reading, source: Source, axes: dict[str, tuple[str, ...]], known: dict[str, dict[str, str]]
) -> None:
    """The inputs' axes have the words of the first layer that takes them in."""
    count = len(source.axes)
    words = ("",) * (count - len(reading.inputs)) + reading.inputs[max(0, len(reading.inputs) - count) :]
    axes["x"] = axes["image"] = (SAMPLE, *words)  # of a table, where each sample is a list, the image is made first
    known["x"] = dict(zip(source.axes, words, strict=True))


def _letters(placed: Placed, reading: Reading, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """What each letter of a layer's formulas counts: its own ones, else as in what comes in."""
    words = {"n": SAMPLE}
    for source in placed.sources:
        words |= known.get(source.family, {})
    if isinstance(placed.layer, DenseLayer):
        words[placed.plan.axes[-1]] = NEURON
    return words | dict(reading.letters)


def _families(placed: Placed) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A layer's own families with their letters."""
    for line in parse_formulas(placed.plan.formulas):
        yield in_layer(line.target, placed.name), line.indices
    for family, given in given_of_layer(placed):
        yield family, (("n", *given.axes) if given.by_sample else given.axes)


def dense_text(placed: Placed) -> str:
    """A dense layer in a line: ``2 in layer h (logistic)``."""
    layer = placed.layer
    assert isinstance(layer, DenseLayer)
    each = f" at each of {sizes_text(placed.out.shape[:-1])} places" if len(placed.out.shape) > 1 else ""
    return f"{layer.units} in layer {placed.name} ({', '.join(_activation(layer))}){each}"


def _activation(layer: DenseLayer) -> list[str]:
    row = find_activation(layer.activation)
    return [row.title or row.name, *map(str, layer.parameters)]


def layer_lines(inputs: Inputs, layers: Sequence[AnyLayer]) -> tuple[LayerLine, ...]:
    """The layers as the rows of a table; none for a network of dense layers alone, which is drawn."""
    if all(isinstance(each, DenseLayer) for each in layers):
        return ()
    first = LayerLine("", "inputs", "", sizes_text(input_shape(inputs)))
    return (first, *map(_line, place_layers(inputs, layers)))


def _line(placed: Placed) -> LayerLine:
    layer, gives = placed.layer, sizes_text(placed.out.shape) or "one number"
    takes = f"takes in {' and '.join(layer.inputs)}" if layer.inputs else ""
    shares = f"shares the parameters of {layer.share}" if layer.share else ""
    if isinstance(layer, DenseLayer):
        return LayerLine(placed.name, "dense", _joined([*_activation(layer), takes, shares]), gives)
    settings = [f"{name} {setting_text(value)}" for name, value in layer.settings if name != "without"]
    return LayerLine(placed.name, find_kind(layer.kind).title, _joined([*settings, takes, shares]), gives)


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part)


def setting_text(value: object) -> str:
    """A setting's value in a line: sizes with an x between, a flag as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return sizes_text(value) if isinstance(value, tuple) else str(value).lower()
