"""Other activations for a layer: which formulas of a program change with one, its derivative's too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from chainrule.catalogue.layers import OUTPUTS
from chainrule.formula.expression import Call, Expr, Num, Ref, bound_letters, letter, rename_letters, transform
from chainrule.formula.functions import FUNCTIONS, function_row
from chainrule.formula.parse import parse_expression
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Definition, Program, Role, with_role

MOST_LAYERS = 6  # of a deeper network the page would be mostly formulas that nobody asks for


@dataclass(frozen=True, slots=True)
class Choices:
    """What a layer's output can be: by the activation's name, the definitions that change and its title."""

    now: str
    layer: str
    changed: Mapping[str, tuple[Definition, ...]]
    titles: Mapping[str, str]


def activation_choices(program: Program, loss: str) -> dict[str, Choices]:
    """For each family that is an activation of another one, all activations that it could be.

    Raises ``ProgramError`` where the program can't be differentiated, as it could not be before.
    """
    forward = _forward(program)
    outputs = [each for each in forward.definitions if _net_of(each) is not None]
    if len(outputs) > MOST_LAYERS:
        return {}
    wanted = [family.of for family in with_role(program, Role.ADJOINT)]
    found: dict[str, Choices] = {}
    for definition in outputs:
        net = _net_of(definition)
        assert net is not None
        changed: dict[str, tuple[Definition, ...]] = {}
        titles: dict[str, str] = {}
        for name, title, formula, sizes in _rows(definition, net, last=definition is outputs[-1]):
            if name != _activation(definition):
                new = replace(definition, formula=formula, sizes=dict(definition.sizes) | sizes, stable=None)
                changed[name] = _differing(program, forward, new, loss, wanted)
            titles[name] = title
        found[definition.target] = Choices(
            _activation(definition), program.families[definition.target].layer, changed, titles
        )
    return found


def _forward(program: Program) -> Program:
    """The program up to its error."""
    adjoints = {family.name for family in with_role(program, Role.ADJOINT)}
    first = next((at for at, each in enumerate(program.definitions) if each.target in adjoints), None)
    definitions = program.definitions[:first]
    kept = {each.target for each in definitions}
    defined = {each.target for each in program.definitions}
    families = {name: each for name, each in program.families.items() if name in kept or name not in defined}
    return Program(families, definitions)


def _net_of(definition: Definition) -> Ref | None:
    """The net input of an output ``out_h[n,j]`` that is a function of ``net_h[n,j]``, or equal to it."""
    here = tuple(letter(each) for each in definition.indices)
    formula = definition.formula
    if not definition.target.startswith("out_"):
        return None
    net = Ref(f"net_{definition.target.removeprefix('out_')}", here)
    if formula == net:
        return net
    match formula:
        case Call(function, (first, *others)) if first == net and all(isinstance(each, Num) for each in others):
            row = function_row(function)
            return net if row is not None and row.activation else None
        case _:
            return net if formula == _softmax(definition, net) else None


def _activation(definition: Definition) -> str:
    match definition.formula:
        case Ref():
            return "identity"
        case Call(function, _):
            row = function_row(function)
            return function if row is None else row.name
        case _:
            return "softmax"


def _softmax(definition: Definition, net: Ref) -> Expr:
    """The row's formula with this layer's net input, and with the letter that its own sum has here."""
    row = next(each for each in OUTPUTS if each.name == "softmax")
    own = definition.indices[-1]
    formula = rename_letters(parse_expression(row.out), {"j": own, "m": _summed(definition)})

    def rename(node: Expr) -> Expr:
        return replace(node, name=net.name) if isinstance(node, Ref) and node.name == "net" else node

    return transform(formula, rename)


def _summed(definition: Definition) -> str:
    """The letter that the formula sums over, or one that it may sum over."""
    free = next(each for each in ("m", "m2", "m3") if each not in definition.indices)
    return next(bound_letters(definition.formula), free)


def _rows(definition: Definition, net: Ref, last: bool) -> Iterator[tuple[str, str, Expr, dict[str, int]]]:
    """Each activation's name, title and formula, and the sizes of the letters that it brings."""
    if last and definition.indices[:1] == ("n",) and len(definition.indices) == 2:
        size = definition.sizes[definition.indices[-1]]
        yield "softmax", "softmax", _softmax(definition, net), {_summed(definition): size}
    for row in FUNCTIONS:
        if row.activation:
            settings = tuple(Num(Decimal(each)) for each in row.defaults)
            yield row.name, row.title, net if row.name == "identity" else Call(row.name, (net, *settings)), {}


def _differing(
    program: Program, forward: Program, new: Definition, loss: str, wanted: list[str]
) -> tuple[Definition, ...]:
    """The definitions of a program that differ with another formula for one family."""
    definitions = tuple(new if each.target == new.target else each for each in forward.definitions)
    again = differentiate(Program(forward.families, definitions), loss, wanted)
    before = {each.target: each for each in program.definitions}
    return tuple(each for each in again.definitions if each.target not in before or before[each.target] != each)
