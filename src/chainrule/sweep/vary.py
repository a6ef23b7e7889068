"""What can be varied in a network and its training: a row for each setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from chainrule.catalogue.build import DenseLayer, layer_names
from chainrule.catalogue.initialisers import find_initialiser
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.optimizers import OPTIMIZERS, find_optimizer
from chainrule.spec.spec import Drawn, LayerPart, NetworkPart, Spec
from chainrule.sweep.space import Settings, Value
from chainrule.training.problems import TrainingError
from chainrule.training.progress import Options

WEIGHTS, BIAS = "glorot_uniform", "zeros"  # of layers whose typed start values no longer fit


@dataclass(frozen=True, slots=True)
class Plan:
    """A network and how it is trained: what one run of a sweep is made from."""

    spec: Spec
    options: Options
    dropout: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def part(self) -> NetworkPart:
        """The network's layers. Raises ``TrainingError`` for own formulas."""
        if not isinstance(self.spec.network, NetworkPart):
            raise TrainingError("a sweep trains networks of layers, not own formulas")
        return self.spec.network

    @property
    def layers(self) -> tuple[LayerPart, ...]:
        """The network's dense layers. Raises ``TrainingError`` for layers of other kinds, which have no one size."""
        layers = tuple(each for each in self.part.layers if isinstance(each, LayerPart))
        if len(layers) < len(self.part.layers):
            raise TrainingError("the layers of a network can be varied where all of them are dense")
        return layers


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that can be varied: its name, what it means, and the plan with another value of it."""

    name: str
    text: str
    change: Callable[[Plan, Value], Plan]


def _whole(name: str, value: Value, least: int) -> int:
    if not isinstance(value, int) or value < least:
        raise TrainingError(f"{name} is a whole number from {least}, not {value}")
    return value


def _number(name: str, value: Value) -> Decimal:
    if isinstance(value, str):
        raise TrainingError(f"{name} is a number, not {value!r}")
    return Decimal(repr(value))


def _with_layers(plan: Plan, hidden: list[LayerPart]) -> Plan:
    part = replace(plan.part, layers=(*hidden, plan.layers[-1]))
    return replace(plan, spec=replace(plan.spec, network=part))


def _sized(layer: LayerPart, units: int) -> LayerPart:
    """A hidden layer of another size. Start values are drawn anew: typed ones would not fit."""
    weights = layer.weights if isinstance(layer.weights, Drawn) else Drawn(WEIGHTS)
    bias = layer.bias if layer.bias is None or isinstance(layer.bias, Drawn) else Drawn(BIAS)
    return LayerPart(replace(layer.layer, units=units, name=""), weights, bias)


def _sizes(plan: Plan, sizes: list[int]) -> Plan:
    """Hidden layers of these sizes, each like the one that stands in its place, or like the last hidden one."""
    hidden = list(plan.layers[:-1]) or [_first_hidden(plan.layers[-1])]
    like = [hidden[min(place, len(hidden) - 1)] for place in range(len(sizes))]
    wide = [_sized(layer, units) for layer, units in zip(like, sizes, strict=True)]
    last = plan.layers[-1]
    if sizes != [each.layer.units for each in plan.layers[:-1]]:
        last = replace(_sized(last, last.layer.units), layer=last.layer)
    part = replace(plan.part, layers=(*wide, last))
    return replace(plan, spec=replace(plan.spec, network=part))


def _first_hidden(last: LayerPart) -> LayerPart:
    """A hidden layer for a network that has none."""
    bias = None if last.bias is None else Drawn(BIAS)
    kind = "none" if bias is None else "per_neuron"
    return LayerPart(DenseLayer(last.layer.units, "tanh", bias=kind), Drawn(WEIGHTS), bias)


def _hidden(plan: Plan, value: Value) -> Plan:
    try:
        sizes = [int(each) for each in str(value).split("-")]
    except ValueError:
        sizes = [0]
    if min(sizes) < 1:
        raise TrainingError(f"hidden are the sizes of the hidden layers, such as 64 or 64-32, not {value}")
    return _sizes(plan, sizes)


def _layers(plan: Plan, value: Value) -> Plan:
    count = _whole("layers", value, 0)
    sizes = [each.layer.units for each in plan.layers[:-1]] or [plan.layers[-1].layer.units]
    return _sizes(plan, [sizes[min(place, len(sizes) - 1)] for place in range(count)])


def _units(plan: Plan, value: Value) -> Plan:
    units = _whole("units", value, 1)
    return _sizes(plan, [units] * max(1, len(plan.layers) - 1))


def _activation(plan: Plan, value: Value) -> Plan:
    row = find_activation(str(value))
    hidden = [replace(each, layer=replace(each.layer, activation=row.name, parameters=())) for each in plan.layers[:-1]]
    return _with_layers(plan, hidden)


def _weights(plan: Plan, value: Value) -> Plan:
    drawn = Drawn(find_initialiser(str(value)).name)
    part = replace(plan.part, layers=tuple(replace(each, weights=drawn) for each in plan.layers))
    return replace(plan, spec=replace(plan.spec, network=part))


def _optimizer(plan: Plan, value: Value) -> Plan:
    """Another optimizer, with its own numbers but for those that both have."""
    row, update = find_optimizer(str(value)), plan.spec.update
    kept = {name: number for name, number in update.settings.items() if name in dict(row.settings)}
    own = row.name == find_optimizer(update.optimizer).name
    # A learning rate belongs to its optimizer: 0.5 suits gradient descent, and never Adam.
    return _updated(plan, optimizer=row.name, settings=kept, rate=update.rate if own else None)


def _updated(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, spec=replace(plan.spec, update=replace(plan.spec.update, **changes)))


def _optional(name: str) -> Callable[[Plan, Value], Plan]:
    return lambda plan, value: _updated(plan, **{name: _number(name, value)})


def _learning_rate(plan: Plan, value: Value) -> Plan:
    return _updated(plan, rate=_number("learning_rate", value))


def _batch(plan: Plan, value: Value) -> Plan:
    batch = None if value == "all" else _whole("batch", value, 1)
    return replace(plan, options=replace(plan.options, batch=batch))


def _epochs(plan: Plan, value: Value) -> Plan:
    return replace(plan, options=replace(plan.options, epochs=_whole("epochs", value, 1)))


def _seed(plan: Plan, value: Value) -> Plan:
    seed = _whole("seed", value, 0)
    spec = replace(plan.spec, network=replace(plan.part, seed=seed))
    return replace(plan, spec=spec, options=replace(plan.options, seed=seed))


def _dropout(plan: Plan, value: Value) -> Plan:
    share = _number("dropout", value)
    if not 0 <= share < 1:
        raise TrainingError(f"dropout is a share from 0 up to but not 1, not {value}")
    layers = layer_names([each.layer for each in plan.part.layers])[:-1]
    return replace(plan, dropout=dict.fromkeys(layers, share) if share else {})


def _own(name: str) -> Setting:
    """A number that some optimizers have."""
    of = [row.name for row in OPTIMIZERS if name in dict(row.settings)]

    def change(plan: Plan, value: Value) -> Plan:
        # It says nothing about an optimizer without it, so that such runs are the same for all its values.
        if find_optimizer(plan.spec.update.optimizer).name not in of:
            return plan
        return _updated(plan, settings={**plan.spec.update.settings, name: _number(name, value)})

    return Setting(name, f"of {', '.join(of)}", change)


# In the order in which they are applied: layers before what is said of each of them, the optimizer before its numbers.
SETTINGS = (
    Setting("layers", "how many hidden layers, each as wide as the file's", _layers),
    Setting("units", "neurons in each hidden layer", _units),
    Setting("hidden", "the sizes of all hidden layers: 64, 64-32", _hidden),
    Setting("activation", "of the hidden layers", _activation),
    Setting("weights", "how the start weights are drawn", _weights),
    Setting("dropout", "the share of each hidden layer's outputs that is set to 0", _dropout),
    Setting("optimizer", "with its own learning rate, unless that is varied too", _optimizer),
    Setting("learning_rate", "of the optimizer", _learning_rate),
    *(_own(name) for name in dict.fromkeys(name for row in OPTIMIZERS for name, _ in row.settings)),
    Setting("weight_decay", "times each weight, added to its gradient", _optional("weight_decay")),
    Setting("clip_norm", "the longest that the whole gradient may be", _optional("clip_norm")),
    Setting("batch", "samples in a round, or all", _batch),
    Setting("epochs", "how often every sample is taken", _epochs),
    Setting("seed", "of start values, orders and masks; the validation samples stay the same", _seed),
)
NAMES = {each.name: each.text for each in SETTINGS}


def varied(plan: Plan, settings: Settings) -> Plan:
    """The plan with other settings. Raises ``TrainingError`` and ``CatalogueError`` for values that make no sense."""
    if "hidden" in settings and ("layers" in settings or "units" in settings):
        raise TrainingError("hidden gives all sizes of the hidden layers; leave out layers and units beside it")
    for row in SETTINGS:
        if row.name in settings:
            plan = row.change(plan, settings[row.name])
    return plan
