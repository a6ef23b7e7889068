"""Mistakes with the slope of an activation: each function gives the ways in which one can be made in a program."""

from collections.abc import Callable, Iterator

from chainrule.check.anatomy import Activation, errors, with_formula
from chainrule.check.bends import (
    Bend,
    at_adjoint,
    everywhere_or_once,
    logistic_slope,
    net_adjoints,
    own_slope,
    placed_slope,
    replaced,
    upstream,
)
from chainrule.check.product_bends import inner_slope_left_out, inner_slope_plus, inner_slope_twice
from chainrule.formula.expression import Call, Expr, Mul, walk
from chainrule.formula.parse import parse_expression
from chainrule.formula.slopes import slope_of
from chainrule.program.program import Definition, Program

SLOPES = ("logistic", "tanh")  # those that are confused


def slope_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, upstream(each, adjoint))
        for each, adjoint in net_adjoints(program)
        if adjoint.formula != upstream(each, adjoint)
    )
    yield from inner_slope_left_out(program)


def slope_twice(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((adjoint.formula, slope)))
        for each, adjoint in net_adjoints(program)
        if (slope := own_slope(each, adjoint)) is not None
    )
    yield from inner_slope_twice(program)


def cross_entropy_slope(program: Program) -> Iterator[Bend]:
    """For outputs whose loss has a logarithm: there people write out - target, and multiply once more."""
    if not any(
        isinstance(node, Call) and node.function == "log" for each in errors(program) for node in walk(each.formula)
    ):
        return
    last = list(net_adjoints(program))[-1:]
    for each, adjoint in last:
        slope = own_slope(each, adjoint) or logistic_slope(each, adjoint)
        yield Bend((with_formula(adjoint, Mul((adjoint.formula, slope))),))


def _with_slopes(program: Program, slope: Callable[[Activation, Definition], Expr | None]) -> Iterator[Definition]:
    """The derivatives by net inputs with another slope."""
    for each, adjoint in net_adjoints(program):
        found = slope(each, adjoint)
        if found is not None and found != own_slope(each, adjoint):
            yield with_formula(adjoint, Mul((upstream(each, adjoint), found)))


def slope_at_output(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        own = own_slope(each, adjoint)
        if own is None or each.function is None:
            return None
        assert isinstance(each.definition.formula, Call)
        out = at_adjoint(each.out.name, adjoint)
        again = Call(each.function, (out, *each.definition.formula.args[1:]))
        return replaced(own, {each.out.name: again, each.net.name: out})

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)


def slope_at_net(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        own = own_slope(each, adjoint)
        return None if own is None else replaced(own, {each.out.name: at_adjoint(each.net.name, adjoint)})

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)


def other_slope(program: Program) -> Iterator[Bend]:
    for other in SLOPES:

        def slope(each: Activation, adjoint: Definition, other: str = other) -> Expr | None:
            if each.function is None or each.function == other:
                return None
            row = slope_of(other)
            return placed_slope(row.formula, each, adjoint, row.parameters)

        yield from everywhere_or_once(_with_slopes(program, slope), split=True, detail=f"that of {other}")


def tanh_slope_plus(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        if each.function != "tanh":
            return None
        return placed_slope(parse_expression("1 + y**2"), each, adjoint, ("x",))

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)
    yield from inner_slope_plus(program)


def extra_net(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((adjoint.formula, at_adjoint(each.net.name, adjoint))))
        for each, adjoint in net_adjoints(program)
    )


def elementwise_softmax(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((upstream(each, adjoint), logistic_slope(each, adjoint))))
        for each, adjoint in net_adjoints(program)
        if each.function is None
    )
