"""From a `Spec` to the text of a network file that reads back to it."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from chainrule.spec.spec import Drawn, FormulaPart, KindPart, LayerPart, NetworkPart, Spec

BARE = re.compile(r"[A-Za-z0-9_-]+")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def write_spec(spec: Spec) -> str:
    """The TOML text of a network file, with every number as it was typed. Comments of the file that was read are lost.

    >>> from chainrule.spec.examples import example_text
    >>> from chainrule.spec.reader import parse_spec
    >>> spec = parse_spec(example_text("mazur"))
    >>> parse_spec(write_spec(spec)) == spec
    True
    """
    tables = [_table("", {"title": spec.title})]
    if isinstance(spec.network, FormulaPart):
        tables += _formulas(spec.network)
    else:
        tables += _network(spec.network)
    update = spec.update
    training = {
        "optimizer": update.optimizer,
        "learning_rate": update.rate,
        "settings": update.settings or None,
        "weight_decay": update.weight_decay,
        "clip_norm": update.clip_norm,
        "clip_value": update.clip_value,
        "batch": "all" if spec.batch is None else spec.batch,
        "rounds": spec.rounds,
    }
    return "\n".join([*tables, _table("[training]", training)])


def _network(part: NetworkPart) -> Iterator[str]:
    conventions = part.conventions
    network = {
        "inputs": part.inputs or None,
        "loss": conventions.loss,
        "loss_over_outputs": conventions.over_outputs,
        "loss_over_batch": conventions.over_batch,
        "loss_settings": conventions.loss_settings or None,
        "seed": part.seed,
    }
    yield _table("[network]", network)
    for each in part.layers:
        yield _table("[[layer]]", _layer(each) if isinstance(each, LayerPart) else _kind(each))
    if part.data_inputs:
        yield _table("[data]", {"inputs": part.data_inputs, "targets": part.data_targets})


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


def _formulas(part: FormulaPart) -> Iterator[str]:
    trained = None if part.trained is None else " ".join(part.trained)
    yield _table("[formulas]", {"text": part.text, "loss": part.loss, "trained": trained})
    for name in ("inputs", "targets", "parameters", "constants"):
        if arrays := getattr(part, name):
            yield _table(f"[{name}]", arrays)


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
