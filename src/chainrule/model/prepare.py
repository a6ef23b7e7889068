"""From a network file, or from a network in Python, to a training task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from chainrule.catalogue.build import (
    AnyLayer,
    Conventions,
    DenseLayer,
    Inputs,
    Placed,
    forward_program,
    parameter_shapes,
    place_layers,
    trained_parameters,
)
from chainrule.catalogue.initialisers import find_initialiser
from chainrule.catalogue.layer_row import sizes_text
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.optimizers import find_optimizer
from chainrule.catalogue.place import given_of_layer, input_shape
from chainrule.catalogue.training import Update, setting_values, training_program
from chainrule.formula.expression import Ref, refs
from chainrule.formula.parse import FormulaErrors, Statement, parse_formulas
from chainrule.model.conventions import Choices, made_otherwise
from chainrule.model.reading import dense_text, layer_lines, words_for
from chainrule.model.task import Array, Task
from chainrule.model.taught import shorter_for
from chainrule.numbers.draw import draw
from chainrule.numbers.memory import check_size
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from chainrule.program.sizes import ProgramError
from chainrule.spec.layers import start_value
from chainrule.spec.problems import Problem, SpecErrors
from chainrule.spec.spec import Drawn, FormulaPart, Spec

AXES = "abcdefgh"  # of given arrays that no formula uses with plain letters


def task_of(spec: Spec) -> Task:
    """The training task of a network file. Raises ``SpecErrors`` for formulas that don't fit together."""
    part = spec.network
    if isinstance(part, FormulaPart):
        return _formula_task(spec, part)
    if not part.data_inputs:
        hint = "add [data], or train it on a table: chainrule train NETWORK DATA --target COLUMN"
        raise SpecErrors(spec.source, [Problem(0, "", "this network has no data of its own", hint)])
    layers = [each.layer for each in part.layers]
    check_size(parameter_shapes(part.inputs, layers))
    draw_with = _drawing(part.seed)
    samples = len(part.data_inputs)
    parameters: dict[str, Array] = {}
    others: dict[str, Array] = {}
    data = {
        "x": shaped(np.array(part.data_inputs, object), input_shape(part.inputs)),
        "target": shaped(np.array(part.data_targets, object), place_layers(part.inputs, layers)[-1].out.shape),
    }
    for each, placed in zip(part.layers, place_layers(part.inputs, layers), strict=True):
        for family, given in given_of_layer(placed):
            value = start_value(each, given)
            value = Drawn(given.start) if value is None else value
            into = parameters if given.role == Role.PARAMETER else data if given.by_sample else others
            shape = (samples, *given.shape) if given.by_sample else given.shape
            into[family] = _start(value, shape, given.fans, draw_with)
    task = layered_task(
        spec.title, part.inputs, layers, part.conventions, parameters, data, spec.update, spec.batch, others
    )
    return replace(task, spec=lambda: spec)


def shaped(samples: Array, shape: tuple[int, ...]) -> Array:
    """An entry of this shape for each sample; what is listed without its axes gets them."""
    return samples.reshape((len(samples), *shape))


Fans = tuple[int, int] | None


def _drawing(seed: int) -> Callable[[Drawn, tuple[int, ...], Fans], Array]:
    """Draws one array after the other from the same seed; numpy's generators are loaded with the first."""
    made: list[np.random.Generator] = []

    def draw_with(drawn: Drawn, shape: tuple[int, ...], fans: Fans) -> Array:
        if not made:
            made.append(np.random.default_rng(seed))
        settings = {name: float(each) for name, each in drawn.settings.items()}
        return draw(find_initialiser(drawn.initialiser), shape, made[0], settings, fans)

    return draw_with


def _start(
    value: Any, shape: tuple[int, ...], fans: Fans, draw_with: Callable[[Drawn, tuple[int, ...], Fans], Array]
) -> Array:
    """Given start values as typed, or drawn ones."""
    if isinstance(value, Drawn):
        return draw_with(value, shape, fans)
    result = np.empty(shape, object)
    result[...] = value if shape == () else np.array(value, object)
    return result


def layered_task(
    title: str,
    inputs: Inputs,
    layers: Sequence[AnyLayer],
    conventions: Conventions,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array],
    update: Update,
    batch: int | None,
    others: Mapping[str, Array] | None = None,
) -> Task:
    """The task of a network of layers; ``others`` are what its layers are given and training doesn't change."""
    trained = trained_parameters(inputs, layers)

    @lru_cache(maxsize=8)
    def program_for(samples: int) -> Program:
        forward = forward_program(inputs, layers, conventions, samples)
        return training_program(forward, trained, update)

    def variants() -> Iterator[tuple[str, str, Task]]:
        choices = Choices(tuple(layers), conventions, batch, parameters)
        for name, text, other in made_otherwise(choices, data["target"].shape[-1], len(data["x"])):
            yield name, text, layered_task(
                title, inputs, other.layers, other.conventions, other.parameters, data, update, other.batch, others
            )  # fmt: skip

    loss = find_loss(conventions.loss)
    settings = dict(loss.settings) | {k: str(v) for k, v in conventions.loss_settings.items()}
    fixed = {name: _number(value) for name, value in settings.items()} | dict(others or {})
    return Task(
        title, program_for, parameters, data, fixed, update, "E_total", batch,
        header_of(inputs, layers, conventions, update, batch, len(data["x"])),
        shorter_for(inputs, layers, conventions), variants, words=words_for(inputs, layers),
        layers=layer_lines(inputs, layers),
    )  # fmt: skip


def _number(text: str) -> Array:
    result = np.empty((), object)
    result[()] = Decimal(text)
    return result


def header_of(
    inputs: Inputs,
    layers: Sequence[AnyLayer],
    conventions: Conventions,
    update: Update,
    batch: int | None,
    samples: int,
) -> tuple[tuple[str, str], ...]:
    """The header's lines: every choice that changes a number."""
    loss = find_loss(conventions.loss)
    placed = place_layers(inputs, layers)
    dense = [dense_text(each) for each in placed if isinstance(each.layer, DenseLayer)]
    shape = [f"{sizes_text(input_shape(inputs))} input{'s' * (inputs != 1)}", *dense]
    outputs = prod(placed[-1].out.shape)
    ways = [f"{_way(conventions.over_outputs or loss.over_outputs)} over the outputs"] if outputs > 1 else []
    several = ["the samples of a round"] if (batch or samples) > 1 else []
    several += ["the places of the sequence"] if prod(placed[-1].out.shape[:-1]) > 1 else []
    if several:
        ways.append(f"{_way(conventions.over_batch or loss.over_batch)} over {' and '.join(several)}")
    lines = [
        *([("network", ", ".join(shape))] if len(dense) == len(placed) else []),  # else a table of layers says it
        (
            "error",
            f"{loss.title}" + (f", {', '.join(ways)}" if ways else "") + f": E = {loss.formula.replace('[n,k]', '')}",
        ),
        ("biases", _biases(placed)),
        ("samples", _samples(batch, samples)),
        ("optimizer", optimizer_line(update)),
    ]
    frozen = [
        each.name
        for each in placed
        if each.plan.given
        and not (each.layer.train_weights if isinstance(each.layer, DenseLayer) else each.layer.trained)
    ]
    if frozen:
        said = ", ".join(f"the weights of layer {name}" for name in frozen)
        lines.insert([name for name, _ in lines].index("samples"), ("not trained", said))
    return tuple(lines)


def _way(way: str) -> str:
    return "averaged" if way == "mean" else "summed"


def _biases(placed: Sequence[Placed]) -> str:
    """``one shared by each layer, not trained``; layer by layer where they differ."""
    words = {"none": "none", "shared": "one shared by the layer", "per_neuron": "one for each neuron"}
    said = {}
    for each in placed:
        layer = each.layer
        if isinstance(layer, DenseLayer):
            trained = "" if layer.bias == "none" else ", trained" if layer.train_bias else ", not trained"
            said[each.name] = words[layer.bias] + trained
        elif any("bias" in given.key for given in each.plan.given):
            said[each.name] = ("one for each filter" if each.plan.given[0].name == "k" else "of its own") + (
                ", trained" if layer.trained else ", not trained"
            )
    if len(set(said.values())) <= 1:
        return next(iter(said.values()), "none")
    return "; ".join(f"layer {name}: {each}" for name, each in said.items())


def _samples(batch: int | None, samples: int) -> str:
    if samples == 1:
        return "one"
    if batch is None or batch >= samples:
        return f"all {samples} in each round"
    return "one" * (batch == 1) + f"{batch}" * (batch != 1) + f" of {samples} in each round, in turn"


def optimizer_line(update: Update) -> str:
    """The optimizer with all its numbers."""
    values = setting_values(update)
    numbers = [f"learning rate {values['rate']}"]
    numbers += [f"{name} {value}" for name, value in values.items() if name not in ("rate", "round")]
    return f"{find_optimizer(update.optimizer).title}, {', '.join(numbers)}"


def _formula_task(spec: Spec, part: FormulaPart) -> Task:
    """The task of own formulas."""
    try:
        statements = parse_formulas(part.text)
    except FormulaErrors as problems:
        first = spec.lines.get(("formulas", "text"), 0)
        raise SpecErrors(
            spec.source,
            [Problem(first + each.line if first else 0, "formulas", _indented(str(each))) for each in problems.errors],
        ) from None
    roles = {
        Role.INPUT: part.inputs,
        Role.TARGET: part.targets,
        Role.PARAMETER: part.parameters,
        Role.SETTING: part.constants,
    }
    arrays = {name: np.array(value, object) for values in roles.values() for name, value in values.items()}
    given = [
        Family(name, role, _axes(name, arrays[name].ndim, statements), arrays[name].shape)
        for role, values in roles.items()
        for name in values
    ]
    trained = part.trained if part.trained is not None else tuple(part.parameters)
    try:
        forward = extend(Program({}), statements, given=given, roles={part.loss: Role.LOSS})
        program = training_program(forward, trained, spec.update, part.loss)
    except ProgramError as problem:
        first = spec.lines.get(("formulas", "text"), 0)
        raise SpecErrors(spec.source, [Problem(first, "formulas", str(problem))]) from None
    others = {name: array for name, array in arrays.items() if name not in part.parameters}
    header = (
        ("network", f"own formulas for {len(statements)} quantities"),
        ("differentiated", part.loss),
        ("trained", ", ".join(trained) or "nothing"),
        ("optimizer", optimizer_line(spec.update)),
    )
    parameters = {name: arrays[name] for name in part.parameters}
    return Task(
        spec.title, lambda _: program, parameters, {}, others, spec.update, part.loss, None, header, spec=lambda: spec
    )


def _indented(text: str) -> str:
    return text.split(": ", 1)[1] if text.startswith("line ") else text


def _axes(name: str, count: int, statements: Sequence[Statement]) -> tuple[str, ...]:
    """The letters that a given family is first used with; others where it isn't used with plain letters."""
    for statement in statements:
        for node in refs(statement.formula):
            letters = _letters(node)
            if node.name == name and len(letters) == count and len(set(letters)) == count:
                return letters
    return tuple(AXES[:count])


def _letters(node: Ref) -> tuple[str, ...]:
    return tuple(
        index.terms[0][0] for index in node.indices if not index.constant and [t for _, t in index.terms] == [1]
    )
