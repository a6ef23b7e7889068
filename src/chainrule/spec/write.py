"""From a `Spec` to the text of a network file that reads back to it."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chainrule.catalogue.build import layer_names
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.training import setting_values
from chainrule.spec.spec import OWN, Drawn, FormulaPart, KindPart, LayerPart, NetworkPart, Spec

BARE = re.compile(r"[A-Za-z0-9_-]+")
OTHER_NUMBERS = ("rate", "round", "weight_decay", "clip_norm", "clip_value")  # of an update, beside its own settings
EDGE = "\0"  # of a hole: no text of a file has it, since a title's or a formula's is escaped
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def write_spec(spec: Spec) -> str:
    """The TOML text of a network file, with every number as it was typed. Comments of the file that was read are lost.

    >>> from chainrule.spec.examples import example_text
    >>> from chainrule.spec.reader import parse_spec
    >>> spec = parse_spec(example_text("mazur"))
    >>> parse_spec(write_spec(spec)) == spec
    True
    """
    return "\n".join(_table(header, values) for header, values in _tables(spec))


@dataclass(frozen=True, slots=True)
class Hole:
    """A place of a file's text where something else can stand: ``numbers`` or ``activation``, and whose."""

    kind: str
    name: str


def spec_pieces(spec: Spec, known: Container[str]) -> tuple[str | Hole, ...]:
    """The text of a network file in pieces, with a hole for each array or number whose name is ``known``.

    An activation's hole stands between its quotes.

    >>> from chainrule.spec.examples import example_text
    >>> from chainrule.spec.reader import parse_spec
    >>> pieces = spec_pieces(parse_spec(example_text("mazur")), {"w_o", "rate"})
    >>> [each.name for each in pieces if isinstance(each, Hole)]
    ['out_h', 'out_o', 'w_o', 'rate']
    """
    part = spec.network
    layers = iter(() if isinstance(part, FormulaPart) else layer_names([each.layer for each in part.layers]))
    text = "\n".join(
        _table(header, _with_holes(header, values, spec, known, layers)) for header, values in _tables(spec)
    )
    found: list[str | Hole] = []
    for place, piece in enumerate(text.split(EDGE)):
        found.append(Hole(*piece.split(" ", 1)) if place % 2 else piece)
    return tuple(found)


def _tables(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """The file's tables: their headers, and their values; a value of None is left out."""
    yield "", {"title": spec.title}
    yield from _formulas(spec.network) if isinstance(spec.network, FormulaPart) else _network(spec.network)
    update = spec.update
    yield (
        "[training]",
        {
            "optimizer": update.optimizer,
            "learning_rate": update.rate,
            "settings": update.settings or None,
            "weight_decay": update.weight_decay,
            "clip_norm": update.clip_norm,
            "clip_value": update.clip_value,
            "batch": "all" if spec.batch is None else spec.batch,
            "rounds": spec.rounds,
        },
    )


def _network(part: NetworkPart) -> Iterator[tuple[str, dict[str, Any]]]:
    conventions = part.conventions
    yield (
        "[network]",
        {
            "inputs": part.inputs or None,
            "loss": conventions.loss,
            "loss_over_outputs": conventions.over_outputs,
            "loss_over_batch": conventions.over_batch,
            "loss_settings": conventions.loss_settings or None,
            "seed": part.seed,
        },
    )
    for each in part.layers:
        yield "[[layer]]", _layer(each) if isinstance(each, LayerPart) else _kind(each)
    if part.data_inputs:
        yield "[data]", {"inputs": part.data_inputs, "targets": part.data_targets}


def _layer(part: LayerPart) -> dict[str, Any]:
    layer = part.layer
    return {
        "name": layer.name or None,
        "inputs": layer.inputs or None,
        "share": layer.share or None,
        "units": layer.units,
        "activation": layer.activation,
        "activation_parameters": layer.parameters or None,
        "weights": None if layer.share else part.weights,
        "bias": "none" if part.bias is None else part.bias,
        "train_weights": layer.train_weights,
        "train_bias": layer.train_bias if part.bias is not None else None,
    }


def _kind(part: KindPart) -> dict[str, Any]:
    layer = part.layer
    settings = dict(layer.settings)
    without = dict.fromkeys(settings.pop("without", ()), "none")
    named = {"name": layer.name or None, "kind": layer.kind, "inputs": layer.inputs or None}
    return named | settings | {"share": layer.share or None, "train": layer.trained} | dict(part.values) | without


def _formulas(part: FormulaPart) -> Iterator[tuple[str, dict[str, Any]]]:
    trained = None if part.trained is None else " ".join(part.trained)
    yield "[formulas]", {"text": part.text, "loss": part.loss, "trained": trained}
    for name in OWN:
        if arrays := getattr(part, name):
            yield f"[{name}]", dict(arrays)


def _with_holes(
    header: str, values: dict[str, Any], spec: Spec, known: Container[str], layers: Iterator[str]
) -> dict[str, Any]:
    """A table's values, with a hole in place of each whose name is known."""

    def holes(names: Mapping[str, str]) -> dict[str, Hole]:
        return {key: Hole("numbers", name) for key, name in names.items() if name in known}

    match header:
        case "[[layer]]":
            layer = next(layers)
            names = {"weights": f"w_{layer}"} | ({} if values["bias"] == "none" else {"bias": f"b_{layer}"})
            return values | {"activation": Hole("activation", f"out_{layer}")} | holes(names)
        case "[data]":
            return values | holes({"inputs": "x", "targets": "target"})
        case "[network]":
            own = dict(find_loss(values["loss"]).settings) | (values["loss_settings"] or {})
            return values | {"loss_settings": holes({name: name for name in own}) or values["loss_settings"]}
        case "[training]":
            numbers = setting_values(spec.update)
            own = {name: each for name, each in numbers.items() if name not in OTHER_NUMBERS}
            others = {name: name for name in OTHER_NUMBERS if name in values and values[name] is not None}
            return (
                values
                | {"settings": (own | holes({name: name for name in own})) or None}
                | holes({"learning_rate": "rate"} | others)
            )
        case _ if header.strip("[]") in OWN:
            return values | holes({name: name for name in values})
        case _:
            return values


def _table(header: str, values: Mapping[str, Any]) -> str:
    """A table, a line for each value that there is."""
    lines = [header] if header else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _quoted(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | Decimal():
            return str(value)
        case str():
            return _text(value)
        case Hole(kind, name):
            return f'"{EDGE}{kind} {name}{EDGE}"' if kind == "activation" else f"{EDGE}{kind} {name}{EDGE}"
        case Drawn(name, settings):
            return _value({"initialiser": name} | dict(settings) if settings else name)
        case Mapping():
            return f"{{ {', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())} }}"
        case _:
            return _array(value)


def _array(value: tuple[Any, ...], indent: str = "") -> str:
    """An array: its rows on a line each, its numbers beside each other."""
    if len(value) == 1 or not isinstance(value[0], tuple):
        return f"[{', '.join(_array(each, indent) if isinstance(each, tuple) else _value(each) for each in value)}]"
    inner = indent + "    "
    return "[\n" + "".join(f"{inner}{_array(each, inner)},\n" for each in value) + f"{indent}]"


def _text(text: str) -> str:
    """A text over several lines in three quotes, so that formulas stay readable."""
    if "\n" not in text:
        return _quoted(text)
    return '"""\n' + "\n".join(_quoted(line)[1:-1] for line in text.split("\n")) + '"""'


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(each) for each in text) + '"'


def _escaped(each: str) -> str:
    if each in ESCAPES:
        return ESCAPES[each]
    return each if each.isprintable() else f"\\U{ord(each):08x}"
