"""How mistakes bend a program: what a bend is, and what its makers share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chainrule.check.anatomy import Activation, activations, adjoint_of, with_formula
from chainrule.formula.expression import (
    ONE,
    Add,
    Call,
    Expr,
    Mul,
    Neg,
    Ref,
    children,
    refs,
    replace_refs,
    substitute,
    transform,
    with_children,
)
from chainrule.formula.expression import Index as AffineIndex
from chainrule.formula.slopes import slope_of
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role, adjoint_name


@dataclass(frozen=True, slots=True)
class Bend:
    """Other formulas for some families of a program.

    ``split`` says whether the slopes and parts that a derivative is made of are bent with it: they are where the
    mistake is in one of them, and not where it is in how they are put together.
    """

    changes: tuple[Definition, ...]
    split: bool = False
    detail: str = ""  # what tells this way of making the mistake from the others


def everywhere_or_once(changes: Iterable[Definition], split: bool = False, detail: str = "") -> Iterator[Bend]:
    """The mistake made wherever it can be made, then in one place only."""
    found = tuple(changes)
    if found:
        yield Bend(found, split, detail)
    if len(found) > 1:
        for each in found:
            yield Bend((each,), split, detail)


Rule = Callable[[Expr], Expr]


def changed(definitions: Iterable[Definition], rule: Rule) -> Iterator[Definition]:
    """The definitions that a rule changes, with their formulas changed."""
    for each in definitions:
        formula = transform(each.formula, rule)
        if formula != each.formula:
            yield with_formula(each, formula)


def joined(kind: type[Add] | type[Mul], args: tuple[Expr, ...]) -> Expr:
    """A sum or a product of what is left: a single one as it is, and of nothing a 1."""
    return kind(args) if len(args) > 1 else args[0] if args else ONE


def forward(program: Program) -> list[Definition]:
    """The formulas of the way forward up to the error."""
    return [each for each in program.definitions if program.families[each.target].role == Role.VALUE]


def net_adjoints(program: Program) -> Iterator[tuple[Activation, Definition]]:
    for each in activations(program):
        adjoint = adjoint_of(program, each.net.name)
        if adjoint is not None and adjoint_of(program, each.out.name) is not None:
            yield each, adjoint


def upstream(each: Activation, adjoint: Definition) -> Expr:
    """The derivative by the output, at the indices of the net input's."""
    letters = tuple(AffineIndex(((name, 1),)) for name in adjoint.indices)
    marked = next((path.upstream.why for path in paths_of(adjoint) if path.upstream is not None), None)
    return Ref(adjoint_name(each.out.name), letters, marked)


def at_adjoint(family: str, adjoint: Definition) -> Ref:
    return Ref(family, tuple(AffineIndex(((name, 1),)) for name in adjoint.indices))


def own_slope(each: Activation, adjoint: Definition) -> Expr | None:
    """The slope of the activation by the output y and the net input x; None for one over a whole layer."""
    if each.function is None:
        return None
    row = slope_of(each.function)
    return placed_slope(row.formula, each, adjoint, row.parameters)


def placed_slope(formula: Expr, each: Activation, adjoint: Definition, parameters: tuple[str, ...]) -> Expr:
    assert isinstance(each.definition.formula, Call)
    values: dict[str, Expr] = {"y": at_adjoint(each.out.name, adjoint)}
    letters = {old: AffineIndex(((new, 1),)) for old, new in zip(each.definition.indices, adjoint.indices, strict=True)}
    args = tuple(substitute(arg, letters) for arg in each.definition.formula.args)
    values |= dict(zip(parameters, args, strict=False))
    return replace_refs(formula, values)


def logistic_slope(each: Activation, adjoint: Definition) -> Expr:
    y = at_adjoint(each.out.name, adjoint)
    return Mul((y, Add((ONE, Neg(y)))))


def replaced(formula: Expr, values: dict[str, Expr]) -> Expr:
    """A formula with the references to families replaced, whatever their indices; all at once."""
    match formula:
        case Ref(name) if name in values:
            return values[name]
        case _:
            return with_children(formula, tuple(replaced(child, values) for child in children(formula)))


def letters_of(definition: Definition) -> tuple[AffineIndex, ...]:
    return tuple(AffineIndex(((name, 1),)) for name in definition.indices)


def net_inputs(program: Program) -> set[str]:
    return {each.net.name for each in activations(program)}


def is_bias_gradient(adjoint: Definition) -> bool:
    """Whether nothing but derivatives is added up: nothing comes in along a bias."""
    return all(path.slope == ONE for path in paths_of(adjoint))


def transposed(definitions: Sequence[Definition], program: Program, split: bool = False) -> Iterator[Bend]:
    """The definitions with their square matrices read the other way round: all of them, and each."""
    names = dict.fromkeys(
        node.name for each in definitions for node in refs(each.formula) if _is_square_matrix(program, node)
    )
    for chosen in (tuple(names), *((name,) for name in names if len(names) > 1)):

        def rule(node: Expr, chosen: tuple[str, ...] = chosen) -> Expr:
            turned = isinstance(node, Ref) and node.name in chosen and _is_square_matrix(program, node)
            return replace(node, indices=node.indices[::-1]) if turned and isinstance(node, Ref) else node

        yield from everywhere_or_once(changed(definitions, rule), split)


def _is_square_matrix(program: Program, node: Ref) -> bool:
    family = program.families.get(node.name)
    if family is None or family.role != Role.PARAMETER or len(node.indices) != 2:
        return False
    return family.shape[0] == family.shape[1]
