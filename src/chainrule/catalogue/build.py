"""From rows and sizes to a program: a network's forward pass and error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from chainrule.catalogue.layers import BIASES, NET, activation_formula, find_activation
from chainrule.catalogue.losses import TAUGHT, Loss, Taught, find_loss
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Ref, rename_letters, transform
from chainrule.formula.parse import Statement, parse_expression, parse_formulas
from chainrule.formula.unparse import statement_text
from chainrule.program.program import Family, Program, Role, updated_name
from chainrule.program.read import extend

LETTERS = "jklpqrstuvwyz"  # of the layers, from the first; i is the inputs', n the samples'


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """A layer in which every neuron sees every output of the layer before.

    ``bias`` is none, shared (one for the layer) or per_neuron. ``parameters`` are the activation's own numbers, such
    as the slope of a leaky relu.
    """

    units: int
    activation: str = "identity"
    parameters: tuple[Decimal, ...] = ()
    bias: str = "per_neuron"
    train_weights: bool = True
    train_bias: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a network's error is put together. None stands for the loss row's own choice."""

    loss: str = "half_squared_error"
    over_outputs: str | None = None
    over_batch: str | None = None
    loss_settings: Mapping[str, Decimal] = field(default_factory=dict)


def layer_names(layers: Sequence[DenseLayer]) -> tuple[str, ...]:
    """The names of the layers: those given, else ``h`` (or ``h1``, ``h2``, ...) and ``o`` for the last.

    Raises `CatalogueError` for a name twice, for one that can't stand in a formula, and for one that would make
    ``w_h_next`` mean two things: a layer's weights, and another layer's weights after the round.
    """
    hidden = len(layers) - 1
    names = []
    for place, layer in enumerate(layers):
        usual = "o" if place == hidden else "h" if hidden == 1 else f"h{place + 1}"
        names.append(layer.name or usual)
    for name in names:
        if not name.isidentifier():
            raise CatalogueError(f"a layer's name is made of letters, digits and _; {name[:40]!r} is not")
        if names.count(name) > 1:
            raise CatalogueError(f"two layers have the name {name}; give one of them another")
        if updated_name(name) in names:
            raise CatalogueError(
                f"{updated_name(name)} is how layer {name} after the round is written; rename that layer"
            )
    return tuple(names)


def forward_program(inputs: int, layers: Sequence[DenseLayer], conventions: Conventions, samples: int = 1) -> Program:
    """The forward pass and the error of a network of dense layers, for so many samples at once.

    >>> program = forward_program(2, [DenseLayer(3, "tanh"), DenseLayer(1)], Conventions())
    >>> [definition.target for definition in program.definitions]
    ['net_h', 'out_h', 'net_o', 'out_o', 'E', 'E_total']

    Raises `CatalogueError` for an unknown activation, loss, bias or setting, and for a size below 1.
    """
    if not layers:
        raise CatalogueError("a network needs at least one layer")
    names = layer_names(layers)
    sizes = {"inputs": inputs, "samples": samples}
    sizes |= {f"neurons in layer {name}": layer.units for layer, name in zip(layers, names, strict=True)}
    for what, size in sizes.items():
        if size < 1:
            raise CatalogueError(f"the number of {what} must be at least 1, not {size}")
    letters = _letters(len(layers))
    program = Program({"x": Family("x", Role.INPUT, ("n", "i"), (samples, inputs))})
    source, width = ("x", "i"), inputs
    for layer, name, own in zip(layers, names, letters, strict=True):
        program = _add_layer(program, layer, name, own, source, width)
        source, width = (f"out_{name}", own), layer.units
    return _add_error(program, conventions, source, width, samples)


def _letters(count: int) -> tuple[str, ...]:
    return tuple(LETTERS[:count]) if count <= len(LETTERS) else tuple(f"j{place + 1}" for place in range(count))


def _add_layer(
    program: Program, layer: DenseLayer, name: str, own: str, source: tuple[str, str], width: int
) -> Program:
    """One layer's net input and output, from the template's names and letters to the network's."""
    given = [Family(f"w_{name}", Role.PARAMETER, (own, source[1]), (layer.units, width), layer=name)]
    if layer.bias not in BIASES:
        raise CatalogueError(f"a bias is none, shared or per_neuron, not {layer.bias!r}")
    if layer.bias != "none":
        axes, shape = ((own,), (layer.units,)) if layer.bias == "per_neuron" else ((), ())
        given.append(Family(f"b_{name}", Role.PARAMETER, axes, shape, layer=name))
    out, stable = activation_formula(layer.activation, tuple(f"{each:f}" for each in layer.parameters))
    families = {"x": source[0], "w": f"w_{name}", "b": f"b_{name}", "net": f"net_{name}", "out": f"out_{name}"}
    letters = {"i": source[1], "j": own}
    lines = [NET.format(bias=BIASES[layer.bias]), f"out[n,j] = {out}"]
    statements = [instantiated(each, families, letters) for each in parse_formulas("\n".join(lines))]
    safe = {f"out_{name}": instantiate(parse_expression(stable), families, letters)} if stable else {}
    return extend(program, statements, given=given, layer=name, stable=safe)


def instantiate(formula: Expr, families: Mapping[str, str], letters: Mapping[str, str]) -> Expr:
    """A template's formula with other families and other letters in it."""

    def rename(node: Expr) -> Expr:
        return replace(node, name=families[node.name]) if isinstance(node, Ref) and node.name in families else node

    return rename_letters(transform(formula, rename), letters)


def instantiated(statement: Statement, families: Mapping[str, str], letters: Mapping[str, str]) -> Statement:
    """A template's line with other families and letters."""
    target = families.get(statement.target, statement.target)
    indices = tuple(letters.get(each, each) for each in statement.indices)
    formula = instantiate(statement.formula, families, letters)
    return Statement(target, indices, formula, statement_text(target, indices, formula))


def _add_error(
    program: Program, conventions: Conventions, source: tuple[str, str], width: int, samples: int
) -> Program:
    """The parts of the error and their total, summed or averaged as the conventions say."""
    loss = find_loss(conventions.loss)
    _check_settings(loss, conventions.loss_settings)
    own = source[1]
    given = [Family("target", Role.TARGET, ("n", own), (samples, width))]
    given += [Family(name, Role.SETTING) for name, _ in loss.settings]
    families, letters = {"out": source[0]}, {"k": own}
    formula = instantiate(parse_expression(loss.formula), families, letters)
    safe = {"E": instantiate(parse_expression(loss.stable), families, letters)} if loss.stable else {}
    part = Statement("E", ("n", own), formula, statement_text("E", ("n", own), formula))
    program = extend(program, [part], given=given, stable=safe)
    total = parse_formulas(f"E_total = {total_formula(loss, conventions, {'n': samples, own: width})}")
    return extend(program, total, roles={"E_total": Role.LOSS})


def _check_settings(loss: Loss, settings: Iterable[str]) -> None:
    known = [name for name, _ in loss.settings]
    for name in settings:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise CatalogueError(f"{loss.name} has no setting {name!r}; {has}")


def total_formula(loss: Loss, conventions: Conventions, sizes: Mapping[str, int]) -> str:
    """The right side of ``E_total``: ``1 / count[n] * sum[n,k](E[n,k])``, with the means that the conventions ask for.

    ``sizes`` has the letters of the samples and of the outputs; a mean over one value says nothing and is left out.
    """
    ways = (conventions.over_batch or loss.over_batch, conventions.over_outputs or loss.over_outputs)
    for way in ways:
        if way not in ("sum", "mean"):
            raise CatalogueError(f"parts of the error are added by sum or mean, not {way!r}")
    over = [name for (name, size), way in zip(sizes.items(), ways, strict=True) if way == "mean" and size > 1]
    factor = f"1 / count[{','.join(over)}] * " if over else ""
    letters = ",".join(sizes)
    return f"{factor}sum[{letters}](E[{letters}])"


def trained_parameters(layers: Sequence[DenseLayer]) -> tuple[str, ...]:
    """The families that training changes."""
    found = []
    for layer, name in zip(layers, layer_names(layers), strict=True):
        if layer.train_weights:
            found.append(f"w_{name}")
        if layer.train_bias and layer.bias != "none":
            found.append(f"b_{name}")
    return tuple(found)


def taught_delta(layers: Sequence[DenseLayer], conventions: Conventions) -> Taught | None:
    """The shorter form of the output delta that is taught for this activation and loss, if there is one."""
    activation, loss = find_activation(layers[-1].activation).name, find_loss(conventions.loss).name
    return next((row for row in TAUGHT if (row.activation, row.loss) == (activation, loss)), None)


def parameter_shapes(inputs: int, layers: Sequence[DenseLayer]) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's weights, for what they need of memory."""
    widths = [inputs, *(layer.units for layer in layers)]
    names = layer_names(layers)
    return {f"w_{name}": (widths[place + 1], widths[place]) for place, name in enumerate(names)}
