"""What a program is made of, found by its formulas: activations, losses, what each derivative belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chainrule.formula.expression import Call, Div, Expr, Mul, Num, Pow, Ref, Sum, refs, transform, walk
from chainrule.program.program import Definition, Family, Program, Role, adjoint_name, definition_of


@dataclass(frozen=True, slots=True)
class Activation:
    """``out[n,j] = f(net[n,j])``; ``function`` is None for one that takes the whole layer, as softmax does."""

    net: Family
    out: Family
    definition: Definition
    function: str | None


def activations(program: Program) -> Iterator[Activation]:
    """The families that are a function of one other family of the same shape, in order; the identity is none."""
    for definition in program.definitions:
        out = program.families[definition.target]
        if out.role != Role.VALUE:
            continue
        used = {node.name for node in refs(definition.formula) if node.name in program.families}
        if len(used) != 1:
            continue
        net = program.families[next(iter(used))]
        if net.shape != out.shape or net.role != Role.VALUE:
            continue
        match definition.formula:
            case Call(function, (Ref(), *_)):
                yield Activation(net, out, definition, function)
            case Div() if any(isinstance(node, Sum) for node in walk(definition.formula)):
                yield Activation(net, out, definition, None)
            case _:
                pass


def adjoint_of(program: Program, family: str) -> Definition | None:
    """The definition of a family's derivative, where the program has one."""
    return definition_of(program, adjoint_name(family))


def adjoints(program: Program, *roles: Role) -> Iterator[Definition]:
    """The derivatives of the families of these roles."""
    for definition in program.definitions:
        family = program.families[definition.target]
        if family.role == Role.ADJOINT and program.families[family.of].role in roles:
            yield definition


def updates(program: Program) -> Iterator[Definition]:
    """The definitions of the updated parameters, not of an optimizer's states."""
    for definition in program.definitions:
        family = program.families[definition.target]
        if family.role == Role.UPDATED and program.families[family.of].role == Role.PARAMETER:
            yield definition


def errors(program: Program) -> Iterator[Definition]:
    """The loss, and before it what it is the sum of."""
    for definition in program.definitions:
        if program.families[definition.target].role == Role.LOSS:
            for name in dict.fromkeys(node.name for node in refs(definition.formula)):
                part = definition_of(program, name)
                if part is not None:
                    yield part
            yield definition


def samples(program: Program) -> int:
    """How many samples the round takes."""
    inputs = [family for family in program.families.values() if family.role == Role.INPUT and family.axes[:1] == ("n",)]
    return inputs[0].shape[0] if inputs else 1


def with_formula(definition: Definition, formula: Expr) -> Definition:
    """The definition with another formula over the same letters."""
    return replace(definition, formula=formula, stable=None)


def renamed(formula: Expr, names: dict[str, str]) -> Expr:
    """A formula that refers to other families at the same indices."""

    def rule(node: Expr) -> Expr:
        return replace(node, name=names[node.name]) if isinstance(node, Ref) and node.name in names else node

    return transform(formula, rule)


def is_constant(expr: Expr) -> bool:
    """Whether a formula has no quantity in it: 1/2, or the 1/N of a mean."""
    return not any(isinstance(node, Ref | Call) for node in walk(expr))


def without_constant(formula: Expr) -> Expr | None:
    """A product without its constant factors; None where it has none."""
    match formula:
        case Mul(args):
            kept = tuple(arg for arg in args if not is_constant(arg))
            if len(kept) < len(args):
                return kept[0] if len(kept) == 1 else Mul(kept, formula.why) if kept else None
        case Div(numerator, denominator) if is_constant(denominator) and not isinstance(numerator, Num):
            return numerator
        case _:
            pass
    return None


def without_powers(formula: Expr) -> Expr:
    """A formula with every whole power replaced by its base."""

    def rule(node: Expr) -> Expr:
        return node.base if isinstance(node, Pow) and isinstance(node.exponent, Num) else node

    return transform(formula, rule)
