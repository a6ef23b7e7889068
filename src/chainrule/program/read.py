"""From the text of formulas to a program."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from math import prod

from chainrule.formula.expression import Expr, Num, Sum, Why, bound_letters, rename_bound, transform
from chainrule.formula.parse import Statement, parse_formulas
from chainrule.program.program import Definition, Family, Program, Role
from chainrule.program.sizes import ProgramError, check_references, infer_sizes


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
    definitions = list(program.definitions)
    for statement in parse_formulas(text) if isinstance(text, str) else text:
        place = f"line {statement.line}: {statement.text}" if statement.line else statement.text
        _check_new(statement.target, families, place)
        definition = define(statement.target, statement.indices, statement.formula, families, place, sizes)
        if stable and statement.target in stable:
            safe = define(statement.target, statement.indices, stable[statement.target], families, place, sizes)
            definition = _with_stable(definition, safe)
        definitions.append(definition)
        families[statement.target] = Family(
            statement.target,
            (roles or {}).get(statement.target, Role.VALUE),
            statement.indices,
            tuple(definition.sizes[name] for name in statement.indices),
            (of or {}).get(statement.target, ""),
            layer,
        )
    return Program(families, tuple(definitions))


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
