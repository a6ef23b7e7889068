"""Mistakes on the way forward: each function gives the ways in which one can be made in a program."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from chainrule.check.anatomy import activations, errors, with_formula, without_constant
from chainrule.check.bends import Bend, everywhere_or_once, forward, letters_of, transposed
from chainrule.check.product_bends import function_left_out, matrix_turned
from chainrule.formula.expression import Add, Call, Expr, Ref, children, substitute, transform, with_children
from chainrule.program.program import Definition, Program, Role


def bias_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(each, formula)
        for each in program.definitions
        if program.families[each.target].role == Role.VALUE
        and (formula := _without_bias(each.formula, program)) is not None
    )


def _without_bias(formula: Expr, program: Program) -> Expr | None:
    if not isinstance(formula, Add):
        return None
    kept = tuple(
        arg
        for arg in formula.args
        if not (
            isinstance(arg, Ref) and arg.name in program.families and program.families[arg.name].role == Role.PARAMETER
        )
    )
    if len(kept) == len(formula.args) or not kept:
        return None
    return kept[0] if len(kept) == 1 else Add(kept)


def activation_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(each.definition, Ref(each.net.name, letters_of(each.definition))) for each in activations(program)
    )
    yield from function_left_out(program)


def other_activation(program: Program) -> Iterator[Bend]:
    for other in ("logistic", "tanh", "relu"):
        yield from everywhere_or_once(
            (
                with_formula(each.definition, Call(other, (Ref(each.net.name, letters_of(each.definition)),)))
                for each in activations(program)
                if each.function != other
            ),
            detail=other,
        )


def transposed_forward(program: Program) -> Iterator[Bend]:
    yield from transposed(forward(program), program)
    yield from matrix_turned(program, forward(program))


def softmax_twice(program: Program) -> Iterator[Bend]:
    for each in activations(program):
        if each.function is None:
            safe = each.definition
            again = _replaced_refs_by(safe.formula, each.net.name, safe)
            yield Bend((with_formula(safe, again),))


def _replaced_refs_by(formula: Expr, net: str, definition: Definition) -> Expr:
    """The formula with itself, at the same place, in place of the net input; its sums get letters of their own."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.name != net:
            return node
        at = dict(zip(definition.indices, node.indices, strict=True))
        return substitute(formula, at)

    return _nested(formula, rule)


def _nested(formula: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    return rule(formula) if isinstance(formula, Ref) else with_children(
        formula, tuple(_nested(child, rule) for child in children(formula))
    )  # fmt: skip


def half_left_out(program: Program) -> Iterator[Bend]:
    """The constant of the error or of the total, in the value and, second, in the derivatives as well."""
    for each in errors(program):
        formula = without_constant(each.formula)
        if formula is not None:
            yield Bend((with_formula(each, formula),))


def log_base(program: Program) -> Iterator[Bend]:
    for other in ("log2", "log10"):

        def rule(node: Expr, other: str = other) -> Expr:
            return replace(node, function=other) if isinstance(node, Call) and node.function == "log" else node

        found = [(each, transform(each.formula, rule)) for each in errors(program)]
        yield from everywhere_or_once(
            (with_formula(each, formula) for each, formula in found if formula != each.formula), detail=other
        )
