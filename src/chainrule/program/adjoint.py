"""The chain rule, family by family: from a program to the program of its derivatives.

Each use of a family on a right-hand side sends back *upstream adjoint x the slopes on the way*, summed over the
indices left over once the index equations are solved. The adjoint of a family is the sum of what its uses send.
"""

from collections.abc import Collection, Iterator, Mapping

from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Expr,
    If,
    Mul,
    Neg,
    Num,
    Ref,
    Sum,
    Why,
    because,
    bound_letters,
    letter,
    refs,
    rename_bound,
    substitute,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.simplify import tidy
from chainrule.formula.slopes import Use, uses
from chainrule.program.blocks import Block, blocks, in_order
from chainrule.program.fold import fold_definitions
from chainrule.program.program import Definition, Family, Program, Role, adjoint_name
from chainrule.program.sizes import ProgramError
from chainrule.program.solve import guarded, pinned, settled, solve


def differentiate(
    program: Program, loss: str = "E_total", wanted: Collection[str] | None = None, at: tuple[int, ...] = ()
) -> Program:
    """The program with the adjoint of every family between ``wanted`` and ``loss`` added.

    ``wanted`` are the families whose derivatives are asked for; without it, the parameters. ``loss`` is a family of
    one number, or with ``at`` (counted from 0) one entry of a family. Raises `ProgramError` for a loss that isn't one
    number and for names that the program doesn't have.

    >>> from chainrule.program.read import extend
    >>> w = Family("w", Role.PARAMETER)
    >>> square = differentiate(extend(Program({}), "E_total = w**2", given=[w]))
    >>> [definition.target for definition in square.definitions]
    ['E_total', 'd_E_total', 'd_w']
    """
    names = _checked(program, loss, wanted, at)
    reached = _reached(program, names, loss)
    families = dict(program.families)
    adjoints: list[Definition] = []
    constants: dict[str, Expr] = {}
    for name in _backward_order(program, reached):
        family = program.families[name]
        if name == loss:
            adjoint = _seed(family, at)
        else:
            adjoint = _adjoint(program, family, reached, constants)
        families[adjoint.target] = Family(
            adjoint.target, Role.ADJOINT, family.axes, family.shape, of=name, layer=family.layer
        )
        if not any(isinstance(node, Ref | If) for node in walk(adjoint.formula)):
            constants[adjoint.target] = adjoint.formula
        adjoints.append(adjoint)
    return Program(families, (*program.definitions, *in_order(adjoints)))


def _checked(program: Program, loss: str, wanted: Collection[str] | None, at: tuple[int, ...]) -> frozenset[str]:
    """The wanted names, once the question makes sense."""
    if loss not in program.families:
        raise ProgramError(f"there is no quantity {loss} to differentiate; name one of: {', '.join(program.families)}")
    shape = program.families[loss].shape
    if len(at) != len(shape):
        raise ProgramError(
            f"{loss} is not a single number but has {len(shape)} axes; differentiate its sum, or one entry of it"
        )
    if wanted is None:
        wanted = [name for name, family in program.families.items() if family.role == Role.PARAMETER]
    for name in wanted:
        if name not in program.families:
            raise ProgramError(f"there is no quantity {name} to differentiate by")
        if adjoint_name(name) in program.families:
            raise ProgramError(f"the name {adjoint_name(name)} is needed for the derivative by {name}; rename it")
    return frozenset(wanted)


def _reached(program: Program, wanted: frozenset[str], loss: str) -> frozenset[str]:
    """The families that depend on a wanted one and that the loss depends on, and the wanted ones and the loss."""
    forward, backward = set(wanted), {loss}
    order = [({each.target for each in block.lines}, _used(block)) for block in blocks(program.definitions)]
    for targets, used in order:
        if used & forward:
            forward |= targets
    for targets, used in reversed(order):
        if targets & backward:
            backward |= targets | used
    return frozenset((forward & backward) | wanted | {loss})


def _used(block: Block[Definition]) -> set[str]:
    return {node.name for each in block.lines for node in refs(each.formula)}


def _backward_order(program: Program, reached: frozenset[str]) -> Iterator[str]:
    """The reached families from the loss back; a given one right after the last block back that uses it."""
    defined = {definition.target for definition in program.definitions}
    given = [name for name in program.families if name in reached and name not in defined]
    order = blocks(program.definitions)
    first_users: list[list[str]] = []
    seen: set[str] = set()
    for block in order:
        used = [node.name for each in block.lines for node in refs(each.formula) if node.name in given]
        first_users.append([name for name in dict.fromkeys(used) if name not in seen])
        seen.update(used)
    for block, names in zip(reversed(order), reversed(first_users), strict=True):
        yield from (each.target for each in reversed(block.lines) if each.target in reached)
        yield from names
    yield from (name for name in given if name not in seen)  # what no formula uses: its derivative is 0


def _seed(family: Family, at: tuple[int, ...]) -> Definition:
    """The derivative of the loss by itself: 1, and 0 for the other entries of its family."""
    formula: Expr = ONE
    for name, position in reversed(list(zip(family.axes, at, strict=True))):
        formula = If(Comparison(Ref(name), "==", Num(ZERO.value + position)), formula, ZERO)
    return Definition(
        adjoint_name(family.name), family.axes, formula, dict(zip(family.axes, family.shape, strict=True))
    )


def _adjoint(program: Program, family: Family, reached: frozenset[str], constants: Mapping[str, Expr]) -> Definition:
    """The sum of what every use of the family sends back."""
    addends: list[Expr] = []
    sizes = dict(zip(family.axes, family.shape, strict=True))
    taken = set(family.axes)
    for definition in program.definitions:
        if definition.target not in reached or not any(n.name == family.name for n in refs(definition.formula)):
            continue
        for use in uses(definition.formula, family.name):
            addend, found = _sent_back(program, definition, use, family, constants)
            addend = rename_bound(addend, taken, found)
            sizes.update({name: found[name] for name in bound_letters(addend)})
            if addend != ZERO:
                addends.append(addend)
    formula = tidy(Add(tuple(addends))) if len(addends) > 1 else addends[0] if addends else ZERO
    letters = (*family.axes, *bound_letters(formula))
    return Definition(adjoint_name(family.name), family.axes, formula, {name: sizes[name] for name in letters})


def _sent_back(
    program: Program, definition: Definition, use: Use, family: Family, constants: Mapping[str, Expr]
) -> tuple[Expr, dict[str, int]]:
    """Upstream adjoint x slope, summed over the indices left over; and the sizes of all letters in it."""
    scope = {name: definition.sizes[name] for name in (*definition.indices, *use.over)}
    solution = solve(use.at.indices, family.axes, family.shape, scope)
    sizes = dict(definition.sizes)
    # Sums inside the slope must not catch a letter of the solution, nor one of those around the use.
    slope = rename_bound(use.slope, {*solution.sizes, *scope}, sizes)
    slope = settled(substitute(slope, solution.bindings), sizes | dict(solution.sizes))
    slope = tidy(fold_definitions(tidy(slope), program.definitions))
    name = adjoint_name(definition.target)
    indices = tuple(solution.bindings.get(each, letter(each)) for each in definition.indices)
    upstream = because(constants.get(name, Ref(name, indices)), Why.UPSTREAM)
    negative = isinstance(slope, Neg)
    addend = guarded(tidy(Mul((upstream, slope.arg if isinstance(slope, Neg) else slope))), solution.tests)
    if addend == ZERO:
        return ZERO, sizes
    over, addend = pinned(solution.over, addend, solution.sizes)
    if over:
        addend = Sum(over, addend)
    return (Neg(addend) if negative else addend), sizes | dict(solution.sizes)
