"""From a formula with letters to array instructions without them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import pi
from typing import assert_never

import numpy as np

from chainrule.engines.building import Builder, Letters, Value
from chainrule.engines.contract import SMALL, sum_of_product
from chainrule.engines.entries import Stored, entries, in_range
from chainrule.engines.plan import Read
from chainrule.engines.windows import listed, windows
from chainrule.formula.expression import (
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
    refs,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.slopes import RowFormula, formula_of, stable_of
from chainrule.formula.unparse import to_text
from chainrule.numbers.ledger import LedgerError
from chainrule.program.program import Definition

RELATIONS = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
}
# Where exp overflows to infinity these still come out right, so that their stable form would only cost more.
RIGHT_AS_WRITTEN = frozenset({"logistic"})
LARGEST_PRODUCT = 4  # the largest whole exponent that becomes a product


@dataclass(frozen=True, slots=True)
class Scope:
    """What a formula can refer to: families, and inside a function its parameters.

    ``guarded`` says that a test stands around: an index may be out of range where the test fails.
    """

    letters: Letters
    families: Mapping[str, Stored]
    names: Mapping[str, Value] = field(default_factory=dict)
    guarded: bool = False


def stored_of(definition: Definition, families: Mapping[str, Stored], builder: Builder) -> Stored:
    """The array of a definition, from those of the families that it uses."""
    order = (*definition.indices, *(name for name in definition.sizes if name not in definition.indices))
    letters = Letters(builder, {name: definition.sizes[name] for name in order})
    value = _lowered(definition.stable or definition.formula, Scope(letters, families))
    axes = tuple(definition.indices.index(name) for name in value.axes)
    return Stored(value.place, axes, letters.shape(definition.indices))


def _lowered(expr: Expr, scope: Scope) -> Value:
    letters = scope.letters
    match expr:
        case Num(typed):
            return letters.number(float(typed))
        case Ref():
            return _referred(expr, scope)
        case Neg(arg):
            return _negative(arg, scope)
        case Add(args):
            return _added(args, scope)
        case Mul():
            negative, factors = _signed_factors(expr)
            product = letters.multiply([_lowered(factor, scope) for factor in factors])
            return letters.apply("negative", product) if negative else product
        case Div(numerator, denominator):
            return letters.apply("divide", _lowered(numerator, scope), _lowered(denominator, scope))
        case Pow(base, exponent):
            return _power(_lowered(base, scope), exponent, scope)
        case Call(function, args):
            return _called(function, [_lowered(arg, scope) for arg in args], scope)
        case Sum(indices, body):
            return _summed(indices, body, scope)
        case Max(indices, body):
            return letters.reduce("maximum", _lowered(body, scope), indices)
        case If(test, then, otherwise):
            return _chosen(test, then, otherwise, scope)
        case _:
            assert_never(expr)


def _negative(arg: Expr, scope: Scope) -> Value:
    match arg:
        case Add((first, Neg(second))):
            return _added((second, Neg(first)), scope)
        case _:
            return scope.letters.apply("negative", _lowered(arg, scope))


def _added(args: tuple[Expr, ...], scope: Scope) -> Value:
    first, second, *rest = args
    if isinstance(first, Neg) and not isinstance(second, Neg):
        first, second = second, first
    total = _lowered(first, scope)
    for arg in (second, *rest):
        if isinstance(arg, Neg):
            total = scope.letters.apply("subtract", total, _lowered(arg.arg, scope))
        else:
            total = scope.letters.apply("add", total, _lowered(arg, scope))
    return total


def _signed_factors(expr: Expr) -> tuple[bool, list[Expr]]:
    """Whether a product is negative, and its factors without their signs."""
    match expr:
        case Neg(arg):
            negative, factors = _signed_factors(arg)
            return not negative, factors
        case Mul(args):
            parts = [_signed_factors(arg) for arg in args]
            return sum(negative for negative, _ in parts) % 2 == 1, [each for _, part in parts for each in part]
        case _:
            return False, [expr]


def _power(base: Value, exponent: Expr, scope: Scope) -> Value:
    if isinstance(exponent, Num) and exponent.value == int(exponent.value) and 2 <= exponent.value <= LARGEST_PRODUCT:
        power = base
        for _ in range(int(exponent.value) - 1):
            power = scope.letters.apply("multiply", power, base)
        return power
    return scope.letters.apply("power", base, _lowered(exponent, scope))


def row_formula(function: str) -> RowFormula | None:
    """The formula by which an engine calculates a function; None for a primitive."""
    return formula_of(function) if function in RIGHT_AS_WRITTEN else stable_of(function)


def _called(function: str, args: list[Value], scope: Scope) -> Value:
    row = row_formula(function)
    if row is not None:
        names = dict(zip(row.parameters, args, strict=True))
        return _lowered(row.formula, replace(scope, names=names))
    return scope.letters.apply(function, *args) if args else scope.letters.number(pi)


def _chosen(test: Comparison, then: Expr, otherwise: Expr, scope: Scope) -> Value:
    mask = _tested(test, scope)
    known = scope.letters.builder.constant_at(mask)
    if known is not None and known.all():
        return _lowered(then, scope)
    if known is not None and not known.any():
        return _lowered(otherwise, scope)
    inside = replace(scope, guarded=True)
    return scope.letters.apply("where", mask, _lowered(then, inside), _lowered(otherwise, inside))


def _tested(test: Comparison, scope: Scope) -> Value:
    return scope.letters.apply(RELATIONS[test.relation], _lowered(test.left, scope), _lowered(test.right, scope))


def _summed(over: tuple[str, ...], body: Expr, scope: Scope) -> Value:
    letters = scope.letters
    match body:
        case Neg(arg):
            return letters.apply("negative", _summed(over, arg, scope))
        case Sum(indices, inner):
            return _summed((*over, *indices), inner, scope)
        case Div(numerator, denominator) if not _letters_of(denominator) & set(over):
            return letters.apply("divide", _summed(over, numerator, scope), _lowered(denominator, scope))
        case Add(args) if any(_is_large_product(arg, letters) for arg in args):
            # Term by term, so that each can be a matrix product.
            total, *rest = [_summed(over, arg, scope) for arg in args]
            for value in rest:
                total = letters.apply("add", total, value)
            return total
        case _:
            special = _along_a_list(over, body, scope) or _over_windows(over, body, scope)
            if special is not None:
                return special
            mask, body, scope = _unguarded(body, scope)
            negative, factors = _signed_factors(body)
            total = sum_of_product([_lowered(factor, scope) for factor in factors], over, mask, letters)
            return letters.apply("negative", total) if negative else total


def _along_a_list(over: tuple[str, ...], body: Expr, scope: Scope) -> Value | None:
    """A sum that puts an array's numbers in one list: the same array in another shape."""
    letters, found = scope.letters, listed(over, body, scope.letters.sizes)
    if found is None:
        return None
    rest = tuple(name for name in over if name not in found.parts)
    value = _summed(rest, found.body, scope) if rest else _lowered(found.body, scope)
    if not set(found.parts) <= set(value.axes):
        return None
    others = tuple(name for name in value.axes if name not in found.parts)
    shape = letters.shape((*others, found.name))
    return Value(letters.arranged(value, (*others, *found.parts), shape), (*others, found.name))


def _over_windows(over: tuple[str, ...], body: Expr, scope: Scope) -> Value | None:
    """A sum over windows, for each place over those that it lies in alone."""
    found = windows(over, body, scope.letters.sizes)
    if found is None:
        return None
    letters, builder = Letters(scope.letters.builder, found.sizes), scope.letters.builder
    inside = replace(scope, letters=letters)
    value = _summed(found.over, found.body, inside) if found.over else _lowered(found.body, inside)
    if not {found.outer, found.within} <= set(value.axes):
        return None
    parted = letters.ordered(value.axes)
    at = parted.index(found.outer)
    axes = (*parted[:at], found.name, *parted[at + 2 :])
    count = letters.count((found.outer, found.within))
    joined = tuple(count if name == found.name else letters.sizes[name] for name in axes)
    shape = scope.letters.shape(axes)
    place = letters.arranged(value, parted, joined)
    if joined != shape:
        start = tuple(found.start if name == found.name else 0 for name in axes)
        steps = tuple(tuple(int(one == other) for other in axes) for one in axes)
        place = builder.emit(Read(place, start, steps, shape), shape)
    return Value(place, axes)


def _unguarded(body: Expr, scope: Scope) -> tuple[Value | None, Expr, Scope]:
    """The body inside tests of indices only that are 0 elsewhere, and the mask where all of the tests hold."""
    mask: Value | None = None
    while isinstance(body, If) and body.otherwise == ZERO:
        held = _tested(body.test, scope)
        known = scope.letters.builder.constant_at(held)
        if known is None or not known.any():
            break
        if not known.all():
            mask = held if mask is None else scope.letters.apply("and", mask, held)
            scope = replace(scope, guarded=True)
        body = body.then
    return mask, body, scope


def _is_large_product(expr: Expr, letters: Letters) -> bool:
    """Whether writing down all products of the factors would take much more room than the factors."""
    _, factors = _signed_factors(expr)
    parts = [_letters_of(factor) & set(letters.sizes) for factor in factors]
    every = set().union(*parts)
    return letters.count(every) > SMALL and every not in parts


def _letters_of(expr: Expr) -> set[str]:
    """The letters that a formula's references use, inside sums too."""
    found: set[str] = set()
    for node in refs(expr):
        found.update([node.name] if not node.indices else (name for index in node.indices for name, _ in index.terms))
    return found


def _referred(ref: Ref, scope: Scope) -> Value:
    letters = scope.letters
    if not ref.indices and ref.name in scope.names:
        return scope.names[ref.name]
    if not ref.indices and ref.name in letters.sizes:
        return Value(letters.builder.constant(np.arange(letters.sizes[ref.name], dtype=float)), (ref.name,))
    if ref.name not in scope.families:
        raise LedgerError(f"{ref.name} has no numbers")
    stored = scope.families[ref.name]
    if len(ref.indices) != len(stored.shape):
        raise LedgerError(f"{to_text(ref)} has {len(ref.indices)} indices, but {ref.name} has {len(stored.shape)} axes")
    inside = [in_range(index, size, letters) for index, size in zip(ref.indices, stored.shape, strict=True)]
    if not all(inside) and not scope.guarded:
        raise LedgerError(f"{to_text(ref)} runs out of {ref.name}, and no test guards it")
    return entries(stored, [ref.indices[axis] for axis in stored.axes], letters)
