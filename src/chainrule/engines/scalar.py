"""The engine for tiny programs: every number a Python float of its own, all formulas written out as one function.

A call of NumPy costs more than the few sums and products of a 2-2-2 network: this is several times as fast there.
"""

import ast
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from itertools import count, product
from math import prod
from typing import assert_never

from chainrule.engines.formulas import row_formula
from chainrule.engines.generate import assign, call, function_of, name
from chainrule.engines.lower import needed
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    If,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    children,
    refs,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.numbers.arithmetic import FLOAT
from chainrule.numbers.evaluate import evaluate
from chainrule.program.blocks import calculation
from chainrule.program.program import Program

Flat = tuple[float, ...]  # a family's numbers, the last index running fastest

RELATIONS: Mapping[str, type[ast.cmpop]] = {
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
}
PRIMITIVES: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "erf": math.erf,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "tanh": math.tanh,
    "abs": abs,
    "sign": FLOAT.functions["sign"],
    "pi": FLOAT.functions["pi"],
    "power": math.pow,
    "largest": FLOAT.largest,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a formula is written out: the values and sizes of its indices, and what stands for each number.

    ``scalars`` has the variable of each entry of each family; ``names`` what stands for a function's parameters.
    """

    scalars: Mapping[str, Mapping[tuple[int, ...], str]]
    shapes: Mapping[str, tuple[int, ...]]
    at: Mapping[str, int]
    sizes: Mapping[str, int]
    names: Mapping[str, ast.expr]


def operations(program: Program, wanted: Collection[str]) -> int:
    """How many nodes there are when every formula is written out for all values of its indices."""
    return sum(
        prod(each.sizes[index] for index in each.indices) * _count(each.stable or each.formula, each.sizes)
        for each in needed(program, wanted)
    )


def _count(expr: Expr, sizes: Mapping[str, int]) -> int:
    times = prod(sizes[index] for index in expr.indices) if isinstance(expr, Sum | Max) else 1
    return times * (1 + sum(_count(child, sizes) for child in children(expr)))


def compile_scalars(program: Program, given: Sequence[str], wanted: Sequence[str]) -> Callable[..., tuple[Flat, ...]]:
    """A function from the given families' numbers, a tuple for each, to those of the wanted ones.

    It raises ``ArithmeticError`` or ``ValueError`` where an array engine gives an infinity or NaN.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> square = extend(Program({}), "y[i] = x[i]**2", given=[Family("x", Role.INPUT, ("i",), (2,))])
    >>> compile_scalars(square, ["x"], ["y"])((2.0, 3.0))
    ((4.0, 9.0),)
    """
    definitions = needed(program, wanted)
    shapes = {each: program.families[each].shape for each in (*given, *(each.target for each in definitions))}
    numbered = count()
    scalars = {
        each: {position: f"v{next(numbered)}" for position in product(*map(range, shape))}
        for each, shape in shapes.items()
    }
    # Names of its own for all of them, for a family may be called v0 or exp.
    handed = [f"given{place}" for place in range(len(given))]
    lines = [_unpacked(each, scalars[family].values()) for each, family in zip(handed, given, strict=True)]
    for definition, position in calculation(definitions):
        at = dict(zip(definition.indices, position, strict=True))
        written = _written(definition.stable or definition.formula, Scope(scalars, shapes, at, definition.sizes, {}))
        lines.append(assign(scalars[definition.target][position], written))
    results = _tuple(_tuple(map(name, scalars[each].values())) for each in wanted)
    names = PRIMITIVES | _functions(each.stable or each.formula for each in definitions)
    return function_of(handed, lines, results, names)


def _tuple(parts: Iterable[ast.expr]) -> ast.expr:
    return ast.Tuple(list(parts), ast.Load())


def _unpacked(handed: str, variables: Iterable[str]) -> ast.stmt:
    return ast.Assign([ast.Tuple([ast.Name(each, ast.Store()) for each in variables], ast.Store())], name(handed))


def _functions(formulas: Iterable[Expr]) -> dict[str, Callable[..., float]]:
    """Every function that the formulas call and that isn't a primitive."""
    called = {node.function for formula in formulas for node in walk(formula) if isinstance(node, Call)}
    return {each: _function(each) for each in called if row_formula(each) is not None}


@cache
def _function(function: str) -> Callable[..., float]:
    row = row_formula(function)
    assert row is not None
    scope = Scope({}, {}, {}, {}, {each: name(each) for each in row.parameters})
    return function_of(row.parameters, [], _written(row.formula, scope), PRIMITIVES | _functions([row.formula]))


def _written(expr: Expr, scope: Scope) -> ast.expr:
    """The formula as Python, for the scope's values of its indices."""

    def written(node: Expr) -> ast.expr:
        return _written(node, scope)

    match expr:
        case Num(typed):
            return ast.Constant(float(typed))
        case Ref():
            return _referred(expr, scope)
        case Neg(arg):
            return ast.UnaryOp(ast.USub(), written(arg))
        case Add(args):
            return reduce(lambda total, arg: _plus(total, arg, scope), args[1:], written(args[0]))
        case Mul(args):
            return reduce(lambda a, b: ast.BinOp(a, ast.Mult(), b), map(written, args))
        case Div(numerator, denominator):
            return ast.BinOp(written(numerator), ast.Div(), written(denominator))
        case Pow(base, exponent):
            return _power(written(base), written(exponent))
        case Call(function, args):
            return _called(function, [written(arg) for arg in args], scope)
        case Sum(indices, body):
            return reduce(lambda a, b: ast.BinOp(a, ast.Add(), b), _over(indices, body, scope))
        case Max(indices, body):
            return reduce(lambda a, b: call("largest", a, b), _over(indices, body, scope))
        case If(test, then, otherwise):
            return _chosen(test, then, otherwise, scope)
        case _:
            assert_never(expr)


def _plus(total: ast.expr, arg: Expr, scope: Scope) -> ast.expr:
    if isinstance(arg, Neg):
        return ast.BinOp(total, ast.Sub(), _written(arg.arg, scope))
    return ast.BinOp(total, ast.Add(), _written(arg, scope))


def _power(base: ast.expr, exponent: ast.expr) -> ast.expr:
    # A whole exponent can't lead to a complex number; the others go through math.pow, which raises instead.
    if isinstance(exponent, ast.Constant) and isinstance(exponent.value, float) and exponent.value.is_integer():
        if exponent.value == 2 and isinstance(base, ast.Name):
            return ast.BinOp(base, ast.Mult(), base)
        return ast.BinOp(base, ast.Pow(), exponent)
    return call("power", base, exponent)


def _called(function: str, args: list[ast.expr], scope: Scope) -> ast.expr:
    row = row_formula(function)
    if row is None or len(list(refs(row.formula))) > len(row.parameters):
        return call(function, *args)
    # A formula that uses its argument once can stand in the place of the call.
    return _written(row.formula, replace(scope, names=dict(zip(row.parameters, args, strict=True))))


def _over(indices: tuple[str, ...], body: Expr, scope: Scope) -> Iterable[ast.expr]:
    for position in product(*(range(scope.sizes[each]) for each in indices)):
        yield _written(body, replace(scope, at={**scope.at, **dict(zip(indices, position, strict=True))}))


def _chosen(test: Comparison, then: Expr, otherwise: Expr, scope: Scope) -> ast.expr:
    if all(node.name in scope.at for side in (test.left, test.right) for node in refs(side)):
        holds = evaluate(If(test, ONE, ZERO), {}, scope.at, {})
        return _written(then if holds else otherwise, scope)
    comparison = ast.Compare(_written(test.left, scope), [RELATIONS[test.relation]()], [_written(test.right, scope)])
    return ast.IfExp(comparison, _written(then, scope), _written(otherwise, scope))


def _referred(ref: Ref, scope: Scope) -> ast.expr:
    if not ref.indices and ref.name in scope.names:
        return scope.names[ref.name]
    if not ref.indices and ref.name in scope.at:
        return ast.Constant(float(scope.at[ref.name]))
    places = (index.constant + sum(times * scope.at[each] for each, times in index.terms) for index in ref.indices)
    # Out of range it stands in a branch that is not taken: there any entry will do.
    clipped = (min(max(place, 0), size - 1) for place, size in zip(places, scope.shapes[ref.name], strict=True))
    return name(scope.scalars[ref.name][tuple(clipped)])
