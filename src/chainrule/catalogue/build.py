"""From rows and sizes to a program: a network's forward pass and error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import prod

from chainrule.catalogue.dense import DenseLayer
from chainrule.catalogue.layer_row import LayerUse, Source, with_axes
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.losses import TAUGHT, Loss, Taught, find_loss
from chainrule.catalogue.place import (
    INPUT_LETTERS,
    AnyLayer,
    Inputs,
    Placed,
    add_layer,
    given_of_layer,
    input_shape,
    layer_names,
    output_shape,
    place_layers,
)
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Ref, rename_letters, transform
from chainrule.formula.parse import Statement, parse_expression, parse_formulas
from chainrule.formula.unparse import statement_text, to_text
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend

__all__ = [
    "AnyLayer",
    "Conventions",
    "DenseLayer",
    "Inputs",
    "LayerUse",
    "Placed",
    "activation_of",
    "forward_program",
    "instantiate",
    "layer_names",
    "of_outputs",
    "output_shape",
    "parameter_shapes",
    "place_layers",
    "taught_delta",
    "total_formula",
    "trained_parameters",
]


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a network's error is put together. None stands for the loss row's own choice."""

    loss: str = "half_squared_error"
    over_outputs: str | None = None
    over_batch: str | None = None
    loss_settings: Mapping[str, Decimal] = field(default_factory=dict)


def forward_program(
    inputs: Inputs, layers: Sequence[AnyLayer], conventions: Conventions, samples: int = 1, *, listed: bool = False
) -> Program:
    """The forward pass and the error of a network of layers, for so many samples at once.

    With ``listed`` a sample's inputs are one list ``x[n,i]``, whatever axes the network gives them: so they stand in
    a table.

    >>> program = forward_program(2, [DenseLayer(3, "tanh"), DenseLayer(1)], Conventions())
    >>> [definition.target for definition in program.definitions]
    ['net_h', 'out_h', 'net_o', 'out_o', 'E', 'E_total']

    Raises `CatalogueError` for an unknown activation, loss, bias or setting, for layers that don't fit together, and
    for a size below 1.
    """
    if samples < 1:
        raise CatalogueError(f"the number of samples must be at least 1, not {samples}")
    placed = place_layers(inputs, layers)
    shape = input_shape(inputs)
    letters = INPUT_LETTERS[len(shape)]
    if listed and len(shape) > 1:
        program = _arranged(letters, shape, samples)
        placed = tuple(
            replace(each, sources=tuple(replace(s, family="image") if s.family == "x" else s for s in each.sources))
            for each in placed
        )
    else:
        program = Program({"x": Family("x", Role.INPUT, ("n", *letters), (samples, *shape))})
    for each in placed:
        program = add_layer(program, each, samples)
    return _add_error(program, conventions, placed[-1].out, samples)


def _arranged(letters: tuple[str, ...], shape: tuple[int, ...], samples: int) -> Program:
    """The inputs as a list, and as ``image`` with the axes that the network gives them."""
    listed = Family("x", Role.INPUT, ("n", "i"), (samples, prod(shape)))
    steps = [prod(shape[place + 1 :]) for place in range(len(shape))]
    place = " + ".join(f"{step}*{each}" for each, step in zip(letters, steps, strict=True))
    own = ",".join(letters)
    sizes = dict(zip(letters, shape, strict=True))
    return extend(Program({}), f"image[n,{own}] = x[n,{place}]", given=[listed], sizes=sizes)


def instantiate(formula: Expr, families: Mapping[str, str], letters: Mapping[str, str]) -> Expr:
    """A template's formula with other families and other letters in it."""

    def rename(node: Expr) -> Expr:
        return replace(node, name=families[node.name]) if isinstance(node, Ref) and node.name in families else node

    return rename_letters(transform(formula, rename), letters)


def _add_error(program: Program, conventions: Conventions, source: Source, samples: int) -> Program:
    """The parts of the error and their total, summed or averaged as the conventions say.

    The last axis is that of the outputs; the others, such as time, count as samples do.
    """
    loss = find_loss(conventions.loss)
    _check_settings(loss, conventions.loss_settings)
    own = ("n", *source.axes)
    shape = (samples, *source.shape)
    given = [Family("target", Role.TARGET, own, shape)]
    given += [Family(name, Role.SETTING) for name, _ in loss.settings]
    families = {"out": source.family}
    formula = instantiate(parse_expression(of_outputs(loss.formula, own)), families, {})
    safe = {"E": instantiate(parse_expression(of_outputs(loss.stable, own)), families, {})} if loss.stable else {}
    part = Statement("E", own, formula, statement_text("E", own, formula))
    program = extend(program, [part], given=given, stable=safe)
    total = parse_formulas(f"E_total = {total_formula(loss, conventions, dict(zip(own, shape, strict=True)))}")
    return extend(program, total, roles={"E_total": Role.LOSS})


def of_outputs(formula: str, own: tuple[str, ...]) -> str:
    """A loss's formula with the letters of these outputs in place of its ``k``."""
    return with_axes(to_text(rename_letters(parse_expression(formula), {"k": "j"})), own)


def _check_settings(loss: Loss, settings: Iterable[str]) -> None:
    known = [name for name, _ in loss.settings]
    for name in settings:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise CatalogueError(f"{loss.name} has no setting {name!r}; {has}")


def total_formula(loss: Loss, conventions: Conventions, sizes: Mapping[str, int]) -> str:
    """The right side of ``E_total``: ``1 / count[n] * sum[n,k](E[n,k])``, with the means that the conventions ask for.

    ``sizes`` has the letters of the samples and, last, of the outputs; a mean over one value says nothing and is left
    out.
    """
    ways = (conventions.over_batch or loss.over_batch, conventions.over_outputs or loss.over_outputs)
    for way in ways:
        if way not in ("sum", "mean"):
            raise CatalogueError(f"parts of the error are added by sum or mean, not {way!r}")
    *samples, _ = sizes
    over = [name for name, size in sizes.items() if ways[0 if name in samples else 1] == "mean" and size > 1]
    factor = f"1 / count[{','.join(over)}] * " if over else ""
    letters = ",".join(sizes)
    return f"{factor}sum[{letters}](E[{letters}])"


def trained_parameters(inputs: Inputs, layers: Sequence[AnyLayer]) -> tuple[str, ...]:
    """The families that training changes."""
    return tuple(
        family
        for placed in place_layers(inputs, layers)
        for family, given in given_of_layer(placed)
        if given.role == Role.PARAMETER and _is_trained(placed.layer, given.key)
    )


def _is_trained(layer: AnyLayer, key: str) -> bool:
    if isinstance(layer, DenseLayer):
        return layer.train_bias if key == "bias" else layer.train_weights
    return layer.trained


def parameter_shapes(inputs: Inputs, layers: Sequence[AnyLayer]) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's parameters, trained or not, by family."""
    return {
        family: given.shape
        for placed in place_layers(inputs, layers)
        for family, given in given_of_layer(placed)
        if given.role == Role.PARAMETER
    }


def activation_of(layer: AnyLayer) -> str:
    """The name of the activation that a layer ends with; a layer of a kind that has none gives what it calculates."""
    if isinstance(layer, DenseLayer):
        return layer.activation
    return str(dict(layer.settings).get("activation", "identity"))


def taught_delta(layers: Sequence[AnyLayer], conventions: Conventions) -> Taught | None:
    """The shorter form of the output delta that is taught for this activation and loss, if there is one."""
    last = layers[-1]
    if not isinstance(last, DenseLayer):
        return None
    activation, loss = find_activation(last.activation).name, find_loss(conventions.loss).name
    return next((row for row in TAUGHT if (row.activation, row.loss) == (activation, loss)), None)
