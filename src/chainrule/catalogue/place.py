"""Layers in their places: which takes in what, its name, its formulas in the network's names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

from chainrule.catalogue.dense import DenseLayer, dense_plan
from chainrule.catalogue.kinds import find_kind
from chainrule.catalogue.layer_row import Given, LayerRow, LayerUse, Plan, Source, sizes_text
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Ref, transform
from chainrule.formula.parse import Statement, parse_expression, parse_formulas
from chainrule.formula.unparse import statement_text
from chainrule.program.program import Family, Program, Role, updated_name
from chainrule.program.read import extend

LETTERS = "jklpqrstuvwyz"  # of the dense layers, from the first; i is the inputs', n the samples'
INPUT_LETTERS = {1: ("i",), 2: ("r", "s"), 3: ("c", "r", "s")}
MOST_AXES = 3
NETWORK_INPUT = "input"

AnyLayer = DenseLayer | LayerUse
Inputs = int | tuple[int, ...]


class LayerError(CatalogueError):
    """A layer that doesn't fit where it stands; ``layer`` is its name."""

    def __init__(self, layer: str, problem: str) -> None:
        self.layer, self.problem = layer, problem
        super().__init__(f"layer {layer}: {problem}")


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer where it stands: its plan for what it takes in, and what it gives to others."""

    name: str
    layer: AnyLayer
    sources: tuple[Source, ...]
    plan: Plan
    out: Source


def layer_names(layers: Sequence[AnyLayer]) -> tuple[str, ...]:
    """The names of the layers: those given, else ``h`` (or ``h1``, ``h2``, ...) and ``o`` for the last dense one.

    Layers of other kinds are named by their row: ``c`` (or ``c1``, ``c2``, ...) for convolutions. Raises
    `CatalogueError` for a name twice, for one that can't stand in a formula, and for one that would make ``w_h_next``
    mean two things: a layer's weights, and another layer's weights after the round.
    """
    shorts = [_short(layer, last=place == len(layers) - 1) for place, layer in enumerate(layers)]
    names = []
    for place, (layer, short) in enumerate(zip(layers, shorts, strict=True)):
        number = shorts[: place + 1].count(short) if shorts.count(short) > 1 else ""
        names.append(layer.name or f"{short}{number}")
    for name in names:
        if not name.isidentifier() or name == NETWORK_INPUT:
            raise CatalogueError(f"a layer's name is made of letters, digits and _; {name[:40]!r} is not")
        if names.count(name) > 1:
            raise CatalogueError(f"two layers have the name {name}; give one of them another")
        if updated_name(name) in names:
            raise CatalogueError(
                f"{updated_name(name)} is how layer {name} after the round is written; rename that layer"
            )
    return tuple(names)


def _short(layer: AnyLayer, *, last: bool) -> str:
    if isinstance(layer, LayerUse):
        return find_kind(layer.kind).short
    return "o" if last else "h"


def input_shape(inputs: Inputs) -> tuple[int, ...]:
    """The shape of a sample's inputs: ``2`` is a list of two numbers."""
    return (inputs,) if isinstance(inputs, int) else tuple(inputs)


def output_shape(inputs: Inputs, layers: Sequence[AnyLayer]) -> tuple[int, ...]:
    """The shape of a network's outputs for one sample."""
    return place_layers(inputs, layers)[-1].out.shape


def chooses_below(inputs: Inputs, layers: Sequence[AnyLayer]) -> int:
    """Where a sample's inputs choose rows of a table (an embedding): how many rows there are. Else 0."""
    readers = [each for each in place_layers(inputs, layers) if each.plan.below]
    return min((each.plan.below for each in readers if each.sources[0].family == "x"), default=0)


def no_row(below: int, numbers: Iterable[float | Decimal]) -> str:
    """What is wrong with the first of some numbers that chooses no row of a table. Nothing where each does.

    >>> no_row(3, [0, 2]), no_row(3, [2, 1.5])
    ('', '1.5 chooses no row of the embedding, whose rows are the whole numbers from 0 to 2')
    """
    wrong = next((each for each in numbers if not 0 <= each < below or each % 1), None)
    if wrong is None:
        return ""
    return f"{wrong:.10g} chooses no row of the embedding, whose rows are the whole numbers from 0 to {below - 1}"


def place_layers(inputs: Inputs, layers: Sequence[AnyLayer]) -> tuple[Placed, ...]:
    """Every layer with its formulas, from the first on.

    >>> first, second = place_layers((4, 4), [LayerUse("convolution_2d", (("kernel", 3),)), LayerUse("flatten")])
    >>> first.plan.arithmetic, second.out.shape
    ('4 with kernel 3, stride 1 and no padding gives 2', (4,))

    Raises `CatalogueError` for layers that don't fit together, with the layer's name and the arithmetic so far.
    """
    return _placed(inputs, tuple(layers))


@lru_cache(maxsize=64)
def _placed(inputs: Inputs, layers: tuple[AnyLayer, ...]) -> tuple[Placed, ...]:
    if not layers:
        raise CatalogueError("a network needs at least one layer")
    names = layer_names(layers)
    shape = input_shape(inputs)
    if not shape or len(shape) > MOST_AXES:
        raise CatalogueError(f"a sample's inputs have 1 to {MOST_AXES} axes, not {len(shape)}")
    if min(shape) < 1:
        raise CatalogueError(f"the number of inputs must be at least 1, not {sizes_text(shape)}")
    known = {NETWORK_INPUT: Source("x", INPUT_LETTERS[len(shape)], shape)}
    placed: list[Placed] = []
    for place, (layer, name) in enumerate(zip(layers, names, strict=True)):
        try:
            sources = _sources(layer, names[place - 1] if place else NETWORK_INPUT, known)
            owner = _owner(layer, placed) if layer.share else None
            layer = layer if owner is None else _sharing(layer, owner.layer)
            plan = _plan(layer, place, sources)
            if owner is not None:
                _check_shared(plan, owner)
        except CatalogueError as problem:
            raise LayerError(name, f"{problem}{_so_far(placed)}") from None
        out = Source(in_layer(plan.out, name), plan.axes, plan.shape)
        placed.append(Placed(name, layer, sources, plan, out))
        known[name] = out
    return tuple(placed)


def _sources(layer: AnyLayer, before: str, known: Mapping[str, Source]) -> tuple[Source, ...]:
    for each in layer.inputs:
        if each not in known:
            close = get_close_matches(each, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
            raise CatalogueError(f"it takes in {each!r}, which is no layer before it; {hint}")
    return tuple(known[each] for each in layer.inputs or (before,))


def _so_far(placed: Sequence[Placed]) -> str:
    said = [f"{each.name}: {each.plan.arithmetic}" for each in placed if each.plan.arithmetic]
    return f" (layer {'; layer '.join(said)})" if said else ""


def arithmetic_of(placed: Sequence[Placed], name: str) -> str:
    """How the shape that a layer takes in comes about, in words; empty where there is nothing to say."""
    before = [each.name for each in placed].index(name)
    return _so_far(placed[:before]).strip(" ()")


def _plan(layer: AnyLayer, place: int, sources: tuple[Source, ...]) -> Plan:
    if isinstance(layer, DenseLayer):
        if len(sources) > 1:
            raise CatalogueError("a dense layer takes in one layer; join several with add or concatenate before")
        if layer.units < 1:
            raise CatalogueError(f"the number of neurons must be at least 1, not {layer.units}")
        return dense_plan(layer, _own_letter(place, sources[0]), sources[0])
    row = find_kind(layer.kind)
    if row.inputs == 1 and len(sources) > 1:
        raise CatalogueError(f"{row.name} takes in one layer, not {len(sources)}; join them with add or concatenate")
    if row.inputs == 2 and len(sources) < 2:
        raise CatalogueError(f'{row.name} takes in two layers or more; name them: inputs = ["h1", "h2"]')
    return row.plan(settings_of(row, layer), sources)


def _own_letter(place: int, x: Source) -> str:
    usual = LETTERS[place] if place < len(LETTERS) else f"j{place + 1}"
    free: list[str] = [each for each in (usual, *LETTERS) if each not in x.axes]
    return free[0]


def settings_of(row: LayerRow, layer: LayerUse) -> dict[str, object]:
    """The settings of a layer, the row's own choice where it makes none. Raises `CatalogueError` for a missing one."""
    given = dict(layer.settings)
    known = {setting.name for setting in row.settings} | {"without"}
    for name in given:
        if name not in known:
            has = f"it has {', '.join(each.name for each in row.settings)}" if row.settings else "it has none"
            raise CatalogueError(f"{row.name} has no setting {name!r}; {has}")
    for setting in row.settings:
        if setting.required and given.get(setting.name) is None:
            raise CatalogueError(f"{row.name} needs {setting.name}: {setting.meaning[0].lower()}{setting.meaning[1:]}")
    chosen = {setting.name: setting.default for setting in row.settings} | {"without": ()}
    return chosen | {name: value for name, value in given.items() if value is not None}


def _owner(layer: AnyLayer, placed: Sequence[Placed]) -> Placed:
    """The layer whose parameters another one uses. Raises `CatalogueError` if it doesn't stand before or has none."""
    owner = next((each for each in placed if each.name == layer.share), None)
    if owner is None:
        raise CatalogueError(f"it shares the parameters of {layer.share!r}, which is no layer before it")
    if owner.layer.share:
        raise CatalogueError(f"{layer.share} has no parameters of its own; share {owner.layer.share}")
    return owner


def _sharing(layer: AnyLayer, owner: AnyLayer) -> AnyLayer:
    """A layer that uses another's parameters: it has a bias, or leaves one out, where that one does."""
    if isinstance(layer, DenseLayer):
        return replace(layer, bias=owner.bias) if isinstance(owner, DenseLayer) else layer
    without = dict(owner.settings).get("without", ()) if isinstance(owner, LayerUse) else ()
    settings = tuple(each for each in layer.settings if each[0] != "without")
    return replace(layer, settings=(*settings, ("without", without)) if without else settings)


def _check_shared(plan: Plan, owner: Placed) -> None:
    """The layer whose parameters are shared has the same ones, of the same shapes."""
    there = {each.name: each.shape for each in owner.plan.given}
    for each in plan.given:
        if each.role == Role.PARAMETER and there.get(each.name) != each.shape:
            raise CatalogueError(f"it can't share the {each.key} of {owner.name}, which have another shape")


def given_of_layer(placed: Placed) -> Iterator[tuple[str, Given]]:
    """What a layer is given, by the family's name in the network; nothing of what it shares."""
    for each in placed.plan.given:
        if not (placed.layer.share and each.role == Role.PARAMETER):
            yield in_layer(each.name, placed.name), each


def running_of_layer(placed: Placed) -> Iterator[tuple[str, Given]]:
    """What training on data carries from round to round for a layer, by the family's name in the network."""
    return ((in_layer(each.name, placed.name), each) for each in placed.plan.running)


def in_layer(name: str, layer: str) -> str:
    """A plan's name in the network: ``net`` of layer c is ``net_c``, ``net_2`` is ``net_c_2``."""
    head, _, rest = name.partition("_")
    return f"{head}_{layer}_{rest}" if rest else f"{head}_{layer}"


def add_layer(program: Program, placed: Placed, samples: int) -> Program:
    """The program with a layer's given numbers and formulas, in the network's names."""
    plan = placed.plan
    names = _names_in_network(placed)
    given = []
    for family, each in given_of_layer(placed):
        axes, shape = (("n", *each.axes), (samples, *each.shape)) if each.by_sample else (each.axes, each.shape)
        given.append(Family(family, each.role, axes, shape, layer=placed.name))
    lines = _in_network(plan.formulas, names)
    stable = {names[name]: _named(parse_expression(text), names) for name, text in plan.stable.items()}
    sizes = {**plan.sizes, "n": samples} if plan.sizes else None
    return extend(program, lines, given=given, layer=placed.name, stable=stable, sizes=sizes)


def add_running(program: Program, placed: Placed, samples: int) -> Program:
    """The program with what a layer carries from round to round, and the formulas of its next values."""
    running = dict(running_of_layer(placed))
    if not running:
        return program
    given = [Family(name, Role.STATE, each.axes, each.shape, layer=placed.name) for name, each in running.items()]
    after = {updated_name(name): name for name in running}
    return extend(
        program, _in_network(placed.plan.follow, _names_in_network(placed)), given=given, layer=placed.name,
        roles=dict.fromkeys(after, Role.UPDATED), of=after, sizes={**placed.plan.sizes, "n": samples},
    )  # fmt: skip


def _names_in_network(placed: Placed) -> dict[str, str]:
    """A plan's names and what they are in the network: parameters may be those of another layer."""
    plan, layer = placed.plan, placed.layer
    names = {
        line.target: in_layer(line.target, placed.name)
        for text in (plan.formulas, plan.follow)
        if text
        for line in parse_formulas(text)
    }
    for each in (*plan.given, *plan.running):
        own = layer.share if layer.share and each.role == Role.PARAMETER else placed.name
        names[each.name] = in_layer(each.name, own)
    several = len(placed.sources) > 1
    return names | {f"x{place}" if several else "x": each.family for place, each in enumerate(placed.sources, 1)}


def _in_network(text: str, names: Mapping[str, str]) -> list[Statement]:
    """A plan's formulas in the network's names."""
    lines = []
    for line in parse_formulas(text):
        target, formula = names[line.target], _named(line.formula, names)
        lines.append(Statement(target, line.indices, formula, statement_text(target, line.indices, formula)))
    return lines


def _named(formula: Expr, names: Mapping[str, str]) -> Expr:
    def rename(node: Expr) -> Expr:
        return replace(node, name=names[node.name]) if isinstance(node, Ref) and node.name in names else node

    return transform(formula, rename)
