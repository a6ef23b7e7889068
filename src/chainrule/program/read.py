"""From the text of formulas to a program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import prod

from chainrule.formula.expression import (
    ZERO,
    Expr,
    If,
    Num,
    Ref,
    Sum,
    Why,
    bound_letters,
    children,
    number,
    rename_bound,
    transform,
    with_children,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.parse import Statement, parse_formulas
from chainrule.program.blocks import Block, blocks, in_order, offset
from chainrule.program.program import Definition, Family, Program, Role
from chainrule.program.sizes import ProgramError, check_references, infer_sizes, letter_sizes


def extend(
    program: Program,
    text: str | Iterable[Statement],
    *,
    given: Iterable[Family] = (),
    roles: Mapping[str, Role] | None = None,
    layer: str = "",
    stable: Mapping[str, Expr] | None = None,
    sizes: Mapping[str, int] | None = None,
    of: Mapping[str, str] | None = None,
) -> Program:
    """A larger program: the families in ``given`` and the formulas of ``text`` added, in order.

    Sizes of indices and shapes of the defined families follow from the shapes of what they use; ``sizes`` gives those
    that don't. ``roles``, ``of`` and ``stable`` are by the defined family's name; a role not named is ``VALUE``.
    Formulas may need each other, or themselves, at steps before (``h[t - 1]``); before the first step that is 0.
    Raises `ProgramError` where the formulas don't fit together and ``FormulaErrors`` where they can't be read.

    >>> x = Family("x", Role.INPUT, ("n", "i"), (1, 2))
    >>> w = Family("w", Role.PARAMETER, ("j", "i"), (3, 2))
    >>> program = extend(Program({}), "net[n,j] = sum[i](w[j,i] * x[n,i])", given=[x, w])
    >>> program.families["net"].shape
    (1, 3)
    """
    families = dict(program.families)
    for family in given:
        _check_new(family.name, families, "")
        families[family.name] = family
    statements = tuple(parse_formulas(text) if isinstance(text, str) else text)
    recurrences = _recurrences(statements)
    steps = {each.target: block for block in recurrences for each in block.lines}
    ahead = _ahead(recurrences, statements, families, sizes)
    definitions = []
    for statement in statements:
        place = _place(statement)
        _check_new(statement.target, families, place)
        known = {**families, **ahead}

        def defined(formula: Expr, line: Statement = statement, known: dict[str, Family] = known) -> Definition:
            if line.target in steps:
                block = steps[line.target]
                formula = _begun(formula, block, known[line.target].shape[line.indices.index(block.letter)])
            return define(line.target, line.indices, formula, known, _place(line), sizes)

        definition = defined(statement.formula)
        if stable and statement.target in stable:
            definition = _with_stable(definition, defined(stable[statement.target]))
        definitions.append(definition)
        families[statement.target] = Family(
            statement.target,
            (roles or {}).get(statement.target, Role.VALUE),
            statement.indices,
            tuple(definition.sizes[name] for name in statement.indices),
            (of or {}).get(statement.target, ""),
            layer,
        )
    return Program(families, (*program.definitions, *(in_order(definitions) if recurrences else definitions)))


def _place(statement: Statement) -> str:
    return f"line {statement.line}: {statement.text}" if statement.line else statement.text


def _recurrences(statements: Sequence[Statement]) -> tuple[Block[Statement], ...]:
    """The recurrences among some formulas. Raises `ProgramError` for formulas that need each other in a circle."""
    if len({each.target for each in statements}) < len(statements):
        return ()  # which is told elsewhere
    return tuple(block for block in blocks(statements) if block.letter)


def _ahead(
    recurrences: Sequence[Block[Statement]],
    statements: Sequence[Statement],
    families: Mapping[str, Family],
    sizes: Mapping[str, int] | None,
) -> dict[str, Family]:
    """The families of recurrences, which are used before they are defined, with their shapes."""
    if not recurrences:
        return {}
    found = letter_sizes([each.formula for each in statements], families) | dict(sizes or {})
    ahead = {}
    for statement in (each for block in recurrences for each in block.lines):
        for name in statement.indices:
            if name not in found:
                raise ProgramError(
                    f"{_place(statement)}: nothing tells how many values the index {name} has; give its size"
                )
        shape = tuple(found[name] for name in statement.indices)
        ahead[statement.target] = Family(statement.target, Role.VALUE, statement.indices, shape)
    return ahead


def _begun(formula: Expr, block: Block[Statement], size: int) -> Expr:
    """A formula of a recurrence in which what it uses of steps that aren't there is 0, where no test says more."""
    match formula:
        case Ref(name, indices):
            axis = next((each.indices.index(block.letter) for each in block.lines if each.target == name), len(indices))
            distance = offset(indices[axis], block.letter) if axis < len(indices) else 0
            if not distance:
                return formula
            relation, end = ("<", size - distance) if distance > 0 else (">=", -distance)
            return If(Comparison(Ref(block.letter), relation, number(end)), formula, ZERO)
        case If():
            return formula
        case _:
            return with_children(formula, tuple(_begun(each, block, size) for each in children(formula)))


def define(
    target: str,
    indices: tuple[str, ...],
    formula: Expr,
    families: Mapping[str, Family],
    place: str = "",
    sizes: Mapping[str, int] | None = None,
) -> Definition:
    """A checked definition: letters made different from each other, sizes inferred, ``count[n]`` made a number."""
    place = place or target
    check_references(formula, frozenset(indices), families, place)
    found = infer_sizes(formula, indices, families, place, sizes)
    formula = rename_bound(transform(formula, lambda node: _resolve_count(node, found)), set(indices), found)
    letters = (*indices, *bound_letters(formula))
    return Definition(target, indices, formula, {name: found[name] for name in letters})


def _with_stable(definition: Definition, safe: Definition) -> Definition:
    """The definition with its safe form, whose own sums get letters that the definition doesn't use yet."""
    sizes = dict(safe.sizes) | dict(definition.sizes)
    formula = rename_bound(safe.formula, set(definition.sizes), sizes)
    return replace(definition, stable=formula, sizes=sizes)


def _resolve_count(node: Expr, sizes: Mapping[str, int]) -> Expr:
    """``count[n]`` says how many values the index n has: known now, it becomes that number."""
    match node:
        case Sum(indices, Num(_, Why.MEAN)) | Sum(indices, Num(), Why.MEAN):
            return Num(Decimal(prod(sizes[name] for name in indices)), Why.MEAN)
        case _:
            return node


def _check_new(name: str, families: Mapping[str, Family], place: str) -> None:
    if name in families:
        where = f"{place}: " if place else ""
        raise ProgramError(f"{where}{name} is there already, as {_kind(families[name])}; give this one another name")


def _kind(family: Family) -> str:
    return f"{family.role.value} {family.name}[{','.join(family.axes)}]" if family.axes else f"{family.role.value}"
