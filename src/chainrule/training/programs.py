"""The programs of training on data: the network's formulas with dropout and sample weights, and the forward pass alone.

Dropout and sample weights are ordinary given families in the formulas, so that an explanation shows them::

    dropped_h[n,j] = mask_h[n,j] * out_h[n,j] / (1 - dropout_h)
    E_total        = 1/count[n] * sum[n,k](sample_weight[n] * E[n,k])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from math import prod
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.build import (
    AnyLayer,
    Conventions,
    DenseLayer,
    Inputs,
    Placed,
    activation_of,
    forward_program,
    layer_names,
    output_shape,
    place_layers,
    trained_parameters,
)
from chainrule.catalogue.initialisers import find_initialiser
from chainrule.catalogue.kinds import find_kind
from chainrule.catalogue.layer_row import Given, LayerUse
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.place import add_running, given_of_layer, input_shape, running_of_layer, settings_of
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import Update, setting_values, start_values, training_program
from chainrule.formula.expression import Expr, Mul, Ref, transform
from chainrule.numbers.draw import draw
from chainrule.program.program import Definition, Family, Program, Role, definition_of, with_role
from chainrule.program.read import extend
from chainrule.spec.layers import start_value
from chainrule.spec.spec import Drawn, LayerPart, NetworkPart
from chainrule.training.problems import TrainingError
from chainrule.training.stable import with_stable_output

Array = NDArray[Any]
INPUTS = "inputs"  # the name under which the network's inputs can have dropout
SAMPLE_WEIGHT = "sample_weight"
LOSS = "E_total"


@dataclass(frozen=True, slots=True)
class Trainable:
    """A network of layers and how it is trained, without numbers. Data give a sample's inputs as one list.

    ``dropout`` has the share of a hidden layer's outputs that is set to 0, by the layer's name (``inputs`` for the
    network's inputs). ``weighted`` says that each sample's error has a weight.

    >>> net = Trainable(2, (DenseLayer(3, "relu"), DenseLayer(1)), dropout={"h": Decimal("0.5")})
    >>> [each.target for each in training_round(net, 4).definitions][:4]
    ['net_h', 'out_h', 'dropped_h', 'net_o']
    """

    inputs: Inputs
    layers: tuple[AnyLayer, ...]
    conventions: Conventions = field(default_factory=Conventions)
    update: Update = field(default_factory=Update)
    dropout: Mapping[str, Decimal] = field(default_factory=dict)
    weighted: bool = False


def of_part(part: NetworkPart, update: Update, dropout: Mapping[str, Decimal] | None = None) -> Trainable:
    """The trainable network of a network file's part.

    A layer of dropout hands on what it takes in, and its outputs have the layer's dropout unless ``dropout`` says
    otherwise: in training its masks are drawn anew in each round, and in use there is none. Raises ``CatalogueError``
    for a layer that is to be given statistics or the like, where the file doesn't give them.
    """
    layers = tuple(each.layer for each in part.layers)
    _check_statistics(part, layers)
    own = {
        name: Decimal(str(settings_of(find_kind(layer.kind), layer)["rate"]))
        for name, layer in zip(layer_names(layers), layers, strict=True)
        if _is_dropout(layer)
    }
    if own:  # all named, for names go by what kinds of layers there are
        named = [replace(layer, name=name) for name, layer in zip(layer_names(layers), layers, strict=True)]
        layers = tuple(
            LayerUse("activation", (), each.name, each.inputs) if _is_dropout(each) else each for each in named
        )
    return Trainable(part.inputs, layers, part.conventions, update, {**own, **(dropout or {})})


def _check_statistics(part: NetworkPart, layers: tuple[AnyLayer, ...]) -> None:
    for each, placed in zip(part.layers, place_layers(part.inputs, layers), strict=True):
        for _, given in given_of_layer(placed):
            if given.role == Role.SETTING and start_value(each, given) is None:
                raise CatalogueError(
                    f"layer {placed.name}: without its {given.key} it can't be trained on data; give it "
                    f"{given.key} = ..."
                )


def _is_dropout(layer: AnyLayer) -> TypeGuard[LayerUse]:
    return isinstance(layer, LayerUse) and find_kind(layer.kind).name == "dropout"


def output_family(net: Trainable) -> str:
    """The family of the network's outputs: ``out_o``."""
    return place_layers(net.inputs, net.layers)[-1].out.family


def parameter_names(net: Trainable) -> tuple[str, ...]:
    """The families of the numbers that a network has in use: parameters, trained or not, and statistics."""
    return tuple(family for placed in place_layers(net.inputs, net.layers) for family, _ in kept_of_layer(placed))


def kept_of_layer(placed: Placed) -> Iterator[tuple[str, Given]]:
    """What a layer has without data, by the family's name: parameters, given numbers and running ones."""
    yield from ((family, given) for family, given in given_of_layer(placed) if not given.by_sample)
    yield from running_of_layer(placed)


def running_names(net: Trainable) -> tuple[str, ...]:
    """The statistics that training carries from round to round."""
    return tuple(family for placed in place_layers(net.inputs, net.layers) for family, _ in running_of_layer(placed))


def in_use(net: Trainable) -> Trainable:
    """The network as it is used after training: batch normalisation with its running statistics, no dropout."""
    return replace(net, layers=tuple(map(_in_use, net.layers)), dropout={})


def _in_use(layer: AnyLayer) -> AnyLayer:
    if isinstance(layer, DenseLayer):
        return layer
    settings = dict(find_kind(layer.kind).in_use)
    kept = tuple(each for each in layer.settings if each[0] not in settings)
    return replace(layer, settings=(*kept, *settings.items()))


def inputs_of(net: Trainable) -> int:
    """How many numbers a sample's inputs are."""
    return prod(input_shape(net.inputs))


def outputs_of(net: Trainable) -> tuple[int, ...]:
    """The shape of a sample's outputs: the last axis is theirs, those before it are the places that have some.

    Raises ``CatalogueError`` where a sample has a single number without an axis.
    """
    shape = output_shape(net.inputs, net.layers)
    if not shape:
        raise CatalogueError(
            "the network's output is a single number without an axis; to train on data, end with a layer whose outputs "
            "are a list, such as a dense one"
        )
    return shape


def learns_classes(layers: Sequence[AnyLayer], conventions: Conventions) -> bool:
    """Whether outputs are about classes by what the network says: probabilities, or a loss that is made for them."""
    activation = find_activation(activation_of(layers[-1])).name
    return find_loss(conventions.loss).on != "any" or activation in ("softmax", "logistic")


def training_round(net: Trainable, samples: int) -> Program:
    """One round on so many samples: forward, with dropout and sample weights; derivatives; updates.

    The same program for networks that differ in numbers alone, such as rates. Raises ``CatalogueError`` for a network
    that no rows describe, for dropout of a layer that isn't there, and where nothing is trained.
    """
    if not trained_parameters(net.inputs, net.layers):
        raise CatalogueError("nothing of this network is trained: leave out train_weights = false in a layer")
    _check_given(net)
    _check_dropout(net)
    setting_values(net.update)  # which says what an optimizer doesn't have
    return _training_round(_Shape(net), samples)


def _check_given(net: Trainable) -> None:
    """Data have no masks: a layer that is given one for each sample belongs to a worked example."""
    for placed in place_layers(net.inputs, net.layers):
        for _, given in given_of_layer(placed):
            if given.by_sample:
                raise CatalogueError(f"layer {placed.name}: data have no {given.key} for each sample")


def check_rounds(net: Trainable, rows: int, batch: int | None) -> None:
    """Raise ``TrainingError`` where batch normalisation would take the spread of a single number in some round."""
    size = min(batch or rows, rows)
    fewest = rows % size or size
    for placed in place_layers(net.inputs, net.layers):
        for each in placed.plan.running:
            if fewest * prod(placed.out.shape) // prod(each.shape) > 1:
                continue
            if rows == 1 or size == 1:
                hint = "train on several" if rows == 1 else "take a larger batch"
                raise TrainingError(f"layer {placed.name}: one sample in a round has no spread to normalise by; {hint}")
            better = next(size for size in range(size + 1, rows + 1) if rows % size != 1)
            raise TrainingError(
                f"layer {placed.name}: of {rows} samples in batches of {size} the last round would have one alone, "
                f"which has no spread to normalise by; take batches of {better}"
            )


class _Shape:
    """A network as a key: without the numbers that its programs are given."""

    def __init__(self, net: Trainable) -> None:
        self.net, update = net, net.update
        extra = (update.weight_decay is None, update.clip_norm is None, update.clip_value is None)
        self.content = (
            net.inputs, net.layers, repr(net.conventions), update.optimizer, extra, tuple(net.dropout), net.weighted
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and other.content == self.content


@lru_cache(maxsize=32)
def _training_round(shape: _Shape, samples: int) -> Program:
    net = shape.net
    forward = forward_program(net.inputs, net.layers, net.conventions, samples, listed=True)
    forward = _with_dropout(net, forward)
    trained = trained_parameters(net.inputs, net.layers)
    program = training_program(_weighted(forward) if net.weighted else forward, trained, net.update)
    for placed in place_layers(net.inputs, net.layers):
        program = add_running(program, placed, samples)
    return with_stable_output(program, net.layers, net.conventions)


def forward_round(net: Trainable, samples: int) -> Program:
    """The forward pass and the error of so many samples, as in use after training: see `in_use`."""
    return _forward_round(_Shape(in_use(net)), samples)


@lru_cache(maxsize=32)
def _forward_round(shape: _Shape, samples: int) -> Program:
    net = shape.net
    forward = forward_program(net.inputs, net.layers, net.conventions, samples, listed=True)
    return with_stable_output(_weighted(forward) if net.weighted else forward, net.layers, net.conventions)


def fixed_numbers(net: Trainable) -> dict[str, Array]:
    """The given numbers that no round changes: the optimizer's, the loss's, and the rates of dropout."""
    loss = find_loss(net.conventions.loss)
    numbers: dict[str, Decimal] = {name: Decimal(value) for name, value in loss.settings}
    numbers |= dict(net.conventions.loss_settings)
    numbers |= {name: each for name, each in setting_values(net.update).items() if name not in ("rate", "round")}
    numbers |= {f"dropout_{layer}": rate for layer, rate in net.dropout.items()}
    return {name: np.array(float(each)) for name, each in numbers.items()}


def start_state(net: Trainable, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Parameters, running statistics and optimizer states before the first round."""
    program = training_round(net, 1)
    states = start_values(program, net.update)
    running = {
        family: _start(Drawn(given.start), given.shape, np.random.default_rng(0), given.fans)
        for placed in place_layers(net.inputs, net.layers)
        for family, given in running_of_layer(placed)
    }
    start = {
        family.name: np.full(family.shape, float(states[family.name])) for family in with_role(program, Role.STATE)
    }
    return start | running | {name: np.array(array, dtype=float) for name, array in parameters.items()}


def start_parameters(part: NetworkPart, seed: int | None = None) -> dict[str, Array]:
    """The start values of a network file's part, drawn with its own seed unless another is given.

    The same numbers as those that a worked example of the file begins with, and what its layers are given.
    """
    rng = np.random.default_rng(part.seed if seed is None else seed)
    found: dict[str, Array] = {}
    for each, placed in zip(part.layers, place_layers(part.inputs, [one.layer for one in part.layers]), strict=True):
        for family, given in kept_of_layer(placed):
            value = start_value(each, given)
            found[family] = _start(Drawn(given.start) if value is None else value, given.shape, rng, given.fans)
    return found


def _start(value: Any, shape: tuple[int, ...], rng: np.random.Generator, fans: tuple[int, int] | None) -> Array:
    if isinstance(value, Drawn):
        settings = {name: float(each) for name, each in value.settings.items()}
        return draw(find_initialiser(value.initialiser), shape, rng, settings, fans)
    return np.broadcast_to(np.array(value, dtype=float), shape).copy()


def drawn_part(
    inputs: int, layers: tuple[DenseLayer, ...], conventions: Conventions, seed: int, weights: str = "glorot_uniform"
) -> NetworkPart:
    """A network file's part whose start values are drawn: biases 0, weights by an initialiser; with no data."""
    parts = tuple(
        LayerPart(layer, Drawn(weights), None if layer.bias == "none" else Drawn("zeros")) for layer in layers
    )
    return NetworkPart(inputs, parts, conventions, seed, (), ())


def _with_dropout(net: Trainable, program: Program) -> Program:
    """Each use of the outputs that have dropout replaced by what is left of them."""
    sources = {"x" if layer == INPUTS else f"out_{layer}": layer for layer in net.dropout}
    result = Program({})
    moved: dict[str, str] = {}
    for family in program.families.values():
        definition = definition_of(program, family.name)
        added = () if definition is None else (_renamed(definition, moved),)
        result = Program({**result.families, family.name: family}, (*result.definitions, *added))
        if layer := sources.get(family.name):
            axes = ",".join(family.axes)
            mask = Family(f"mask_{layer}", Role.INPUT, family.axes, family.shape, layer=family.layer)
            line = f"dropped_{layer}[{axes}] = mask_{layer}[{axes}] * {family.name}[{axes}] / (1 - dropout_{layer})"
            given = [mask, Family(f"dropout_{layer}", Role.SETTING)]
            result = extend(result, line, given=given, layer=family.layer)
            moved[family.name] = f"dropped_{layer}"
    return result


def _check_dropout(net: Trainable) -> None:
    names = layer_names(net.layers)
    known = [INPUTS, *names[:-1]]
    for layer, rate in net.dropout.items():
        if layer not in known:
            last = "; the last layer's outputs are the answer" if layer == names[-1] else ""
            raise CatalogueError(f"there is no dropout of {layer!r}{last}; there is: {', '.join(known)}")
        if not 0 <= rate < 1:
            raise CatalogueError(f"dropout of {layer} is a share from 0 up to but not 1, not {rate}")


def _renamed(definition: Definition, moved: Mapping[str, str]) -> Definition:
    def rename(node: Expr) -> Expr:
        return replace(node, name=moved[node.name]) if isinstance(node, Ref) and node.name in moved else node

    stable = None if definition.stable is None else transform(definition.stable, rename)
    return replace(definition, formula=transform(definition.formula, rename), stable=stable)


def _weighted(program: Program) -> Program:
    """The total with each sample's errors times the sample's weight, which may be another one at each place."""

    def weigh(node: Expr) -> Expr:
        if isinstance(node, Ref) and node.name == "E":
            return Mul((Ref(SAMPLE_WEIGHT, node.indices[:-1]), node))
        return node

    families: dict[str, Family] = {}
    for family in program.families.values():
        if family.name == "E":
            families[SAMPLE_WEIGHT] = Family(SAMPLE_WEIGHT, Role.INPUT, family.axes[:-1], family.shape[:-1])
        families[family.name] = family
    return Program(
        families,
        tuple(
            replace(each, formula=transform(each.formula, weigh)) if each.target == LOSS else each
            for each in program.definitions
        ),
    )
