"""From a program of the error to a whole round: its derivatives, and the optimizer's update of each parameter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches

from chainrule.catalogue.optimizers import Optimizer, find_optimizer
from chainrule.catalogue.row import CatalogueError
from chainrule.formula.expression import Expr, Ref, letter, refs, transform
from chainrule.formula.parse import Statement, parse_expression, parse_formulas
from chainrule.formula.unparse import statement_text
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Definition, Family, Program, Role, adjoint_name, updated_name, with_role
from chainrule.program.read import extend

CLIP_BY_VALUE = "max(-clip_value, min(clip_value, g[p]))"
CLIP_BY_NORM = "g[p] * clip_scale"
CLIP_SCALE = "min(1, clip_norm / (gradient_norm + 0.000001))"  # the small number as in PyTorch
DECAY = "g[p] + weight_decay * w[p]"
SHARES = frozenset({"momentum", "decay", "beta1", "beta2"})  # of what is kept from round to round


@dataclass(frozen=True, slots=True)
class Update:
    """The optimizer and its numbers; what is None is left out or is the row's own choice."""

    optimizer: str = "gradient_descent"
    rate: Decimal | None = None
    settings: Mapping[str, Decimal] = field(default_factory=dict)
    weight_decay: Decimal | None = None
    clip_norm: Decimal | None = None
    clip_value: Decimal | None = None


def training_program(program: Program, trained: Sequence[str], update: Update, loss: str = "E_total") -> Program:
    """One round: the program, the derivatives by the trained parameters, and their updates.

    The next value of a parameter ``w_h`` is the family ``w_h_next``, that of a state ``m_w_h`` is ``m_w_h_next``.
    Raises ``CatalogueError`` for an unknown optimizer and for what can't be trained, and ``ProgramError`` for a loss
    that can't be differentiated and for a name in the program that the optimizer needs.
    """
    if not trained:
        return differentiate(program, loss)
    _check_trained(program, trained)
    optimizer = find_optimizer(update.optimizer)
    at = {name: name for name in trained}
    given = [Family(name, Role.SETTING) for name in setting_values(update)]
    if optimizer.gradient_at:
        program, at = _looked_ahead(program, trained, optimizer, given)
        given = []
    program = differentiate(program, loss, list(at.values()))
    program = extend(program, (), given=given)
    gradients = {name: adjoint_name(at[name]) for name in trained}
    program, gradients = _clipped(program, gradients, update)
    if update.weight_decay is not None:
        program, gradients = _each(program, gradients, "decayed", DECAY)
    for name in trained:
        program = _updated(program, name, gradients[name], optimizer, first=name == trained[0])
    return program


def _check_trained(program: Program, trained: Sequence[str]) -> None:
    defined = {definition.target for definition in program.definitions}
    for place, name in enumerate(trained):
        if name not in program.families:
            close = get_close_matches(name, program.families, 1)
            raise CatalogueError(f"there is no {name} to train" + (f"; did you mean {close[0]}?" if close else ""))
        if name in defined:
            raise CatalogueError(f"{name} can't be trained: a formula calculates it; train what is given")
        if name in trained[:place]:
            raise CatalogueError(f"{name} is trained twice; name it once")


def setting_values(update: Update) -> dict[str, Decimal]:
    """The chosen numbers of an optimizer by name: learning rate, its own settings, decay and clipping.

    ``round`` is the number of the round, 1 at first. Raises ``CatalogueError`` for a setting that it doesn't have, and
    for a number that makes no sense.
    """
    optimizer = find_optimizer(update.optimizer)
    own = {name: Decimal(value) for name, value in optimizer.settings}
    for name in update.settings:
        if name not in own:
            has = f"it has {', '.join(own)}" if own else "it has none but the learning rate"
            raise CatalogueError(f"{optimizer.name} has no setting {name!r}; {has}")
    values = {"rate": update.rate if update.rate is not None else Decimal(optimizer.rate)} | own | dict(update.settings)
    extra = {"weight_decay": update.weight_decay, "clip_norm": update.clip_norm, "clip_value": update.clip_value}
    values |= {name: value for name, value in extra.items() if value is not None}
    for name, value in values.items():
        _check_range(name, value)
    if any(node.name == "round" for line in _lines(optimizer) for node in refs(line.formula)):
        values["round"] = Decimal(1)
    return values


def _check_range(name: str, value: Decimal) -> None:
    """Raises ``CatalogueError`` for a negative number, or a share of what is kept that isn't below 1."""
    said = "learning_rate" if name == "rate" else name
    if not (value.is_finite() and value >= 0):
        raise CatalogueError(f"{said} is a number from 0, not {value}")
    if name in SHARES and value >= 1:
        raise CatalogueError(f"{said} is a number from 0 up to but not 1, not {value}")


def start_values(program: Program, update: Update) -> dict[str, Decimal]:
    """The start of each state family: 0, or what the optimizer's row says."""
    start = dict(find_optimizer(update.optimizer).start)
    return {
        family.name: Decimal(start.get(family.name.removesuffix(f"_{family.of}") if family.of else family.name, "0"))
        for family in with_role(program, Role.STATE)
    }


def carried(program: Program) -> dict[str, str]:
    """What becomes what in the next round: the updated family by name, and the family that it replaces."""
    return {family.name: family.of for family in with_role(program, Role.UPDATED)}


def _lines(optimizer: Optimizer) -> tuple[Statement, ...]:
    return parse_formulas(optimizer.formulas)


def _for_parameter(statement: Statement, names: Mapping[str, str], axes: tuple[str, ...], target: str) -> Statement:
    """A template's line for one parameter: its names, and all its indices for ``p``."""
    p = (letter("p"),)

    def rename(node: Expr) -> Expr:
        if not isinstance(node, Ref):
            return node
        indices = tuple(letter(each) for each in axes) if node.indices == p else node.indices
        return replace(node, name=names.get(node.name, node.name), indices=indices)

    formula = transform(statement.formula, rename)
    indices = axes if statement.indices == ("p",) else ()
    return Statement(target, indices, formula, statement_text(target, indices, formula))


def _each(program: Program, gradients: Mapping[str, str], prefix: str, formula: str) -> tuple[Program, dict[str, str]]:
    """One more step for the gradient of every parameter; the new families are ``prefix_w_h``."""
    found = {}
    for name, gradient in gradients.items():
        target = f"{prefix}_{name}"
        line = Statement(target, ("p",), parse_expression(formula))
        statement = _for_parameter(line, {"g": gradient, "w": name}, program.families[name].axes, target)
        program = extend(program, [statement], of={target: name}, layer=program.families[name].layer)
        found[name] = target
    return program, found


def _clipped(program: Program, gradients: dict[str, str], update: Update) -> tuple[Program, dict[str, str]]:
    if update.clip_value is not None:
        program, gradients = _each(program, gradients, "clipped", CLIP_BY_VALUE)
    if update.clip_norm is not None:
        squares = [_square_sum(program.families[name], gradient) for name, gradient in gradients.items()]
        text = f"gradient_norm = sqrt({' + '.join(squares)})\nclip_scale = {CLIP_SCALE}"
        program = extend(program, text)
        program, gradients = _each(program, gradients, "scaled", CLIP_BY_NORM)
    return program, gradients


def _square_sum(family: Family, gradient: str) -> str:
    axes = ",".join(family.axes)
    return f"sum[{axes}]({gradient}[{axes}]**2)" if axes else f"{gradient}**2"


def _updated(program: Program, name: str, gradient: str, optimizer: Optimizer, first: bool) -> Program:
    """The optimizer's lines for one parameter; one number for all parameters comes with the ``first`` of them."""
    family = program.families[name]
    names = {"w": name, "g": gradient, "w_next": updated_name(name)}
    lines = _lines(optimizer)
    for line in lines:
        state = line.target.removesuffix("_next")
        own = f"{state}_{name}" if line.indices else state
        if line.target in names:
            continue
        names[line.target] = updated_name(own) if state in optimizer.state else own
        names[state] = own
    given = [
        Family(names[state], Role.STATE, family.axes, family.shape, of=name, layer=family.layer)
        if names[state] != state
        else Family(state, Role.STATE)
        for state in optimizer.state
        if (first if names[state] == state else not optimizer.gradient_at)  # else the state is there already
    ]
    program = extend(program, (), given=given)
    for line in lines:
        if not (line.indices or first):
            continue
        target = names[line.target]
        is_updated = line.target == "w_next" or line.target.removesuffix("_next") in optimizer.state
        of = target.removesuffix("_next") if is_updated else name if line.indices else ""
        role = Role.UPDATED if is_updated else Role.VALUE
        statement = _for_parameter(line, names, family.axes, target)
        program = extend(program, [statement], roles={target: role}, of={target: of}, layer=family.layer)
    return program


def _looked_ahead(
    program: Program, trained: Sequence[str], optimizer: Optimizer, settings: Iterable[Family]
) -> tuple[Program, dict[str, str]]:
    """The program at the point where the gradient is taken; and the family that stands there for each parameter."""
    ahead = {name: f"ahead_{name}" for name in trained}
    start = extend(Program(program.families), (), given=settings)
    for name in trained:
        family = program.families[name]
        states = {each: f"{each}_{name}" for each in optimizer.state}
        given = [
            Family(own, Role.STATE, family.axes, family.shape, of=name, layer=family.layer) for own in states.values()
        ]
        line = Statement(ahead[name], ("p",), parse_expression(optimizer.gradient_at))
        statement = _for_parameter(line, {"w": name, **states}, family.axes, ahead[name])
        start = extend(start, [statement], given=given, of={ahead[name]: name}, layer=family.layer)

    def rename(node: Expr) -> Expr:
        return replace(node, name=ahead[node.name]) if isinstance(node, Ref) and node.name in ahead else node

    moved = tuple(
        replace(
            each,
            formula=transform(each.formula, rename),
            stable=None if each.stable is None else transform(each.stable, rename),
        )
        for each in program.definitions
    )
    calculated = {each.target: program.families[each.target] for each in program.definitions}
    families = {name: family for name, family in start.families.items() if name not in calculated} | calculated
    definitions: tuple[Definition, ...] = (*start.definitions, *moved)
    return Program(families, definitions), ahead
