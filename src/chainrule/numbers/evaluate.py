"""The slow, obvious definition of what every node means: engines are tested against it."""

import math
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import product
from operator import add, mul
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from chainrule.formula.expression import (
    Add,
    Call,
    Div,
    Expr,
    If,
    Index,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
)
from chainrule.formula.slopes import formula_of
from chainrule.formula.unparse import to_text
from chainrule.numbers.arithmetic import (
    EXACT,
    FLOAT,
    INTERVAL,
    Arithmetic,
    MissingLibraryError,
    NumberError,
    array_type,
    many_digits,
)
from chainrule.numbers.interval import Interval
from chainrule.numbers.ledger import Ledger, LedgerError, given_array, given_families
from chainrule.program.blocks import calculation
from chainrule.program.program import Program

__all__ = [
    "EXACT",
    "FLOAT",
    "INTERVAL",
    "Arithmetic",
    "MissingLibraryError",
    "NumberError",
    "evaluate",
    "first_not_finite",
    "many_digits",
    "run",
]


def evaluate(
    expr: Expr, ledger: Ledger, bindings: Mapping[str, int], sizes: Mapping[str, int], arithmetic: Arithmetic = FLOAT
) -> Any:
    """The value of a formula for given values of its indices (from 0), as a number of the arithmetic's kind.

    ``sizes`` are those of the letters that sums and maxima run over. Raises `LedgerError` for a name without numbers
    and for an index out of range, and `NumberError` where this kind of number can't do what the formula asks.

    >>> from chainrule.formula.parse import parse_expression
    >>> formula = parse_expression("sum[i](w[j,i] * x[i])")
    >>> evaluate(formula, {"w": np.array([[1.0, 2.0]]), "x": np.array([3.0, 4.0])}, {"j": 0}, {"i": 2})
    11.0
    """
    return _value(expr, ledger, bindings, sizes, arithmetic)


def evaluate_names(expr: Expr, values: Mapping[str, Any], arithmetic: Arithmetic = FLOAT) -> Any:
    """The value of a formula without indices, its names' values given.

    >>> from chainrule.formula.parse import parse_expression
    >>> evaluate_names(parse_expression("w * x + 1"), {"w": 2.0, "x": 3.0})
    7.0
    """
    return _value(expr, {}, values, {}, arithmetic)


def _value(expr: Expr, ledger: Ledger, names: Mapping[str, Any], sizes: Mapping[str, int], kind: Arithmetic) -> Any:
    """The value, where ``names`` are those of bound indices or, inside a function, of its parameters."""

    def value(node: Expr) -> Any:
        return _value(node, ledger, names, sizes, kind)

    match expr:
        case Num(typed):
            return kind.number(typed)
        case Ref():
            return _referred(expr, ledger, names, kind)
        case Neg(arg):
            return -value(arg)
        case Add(args):
            return reduce(add, map(value, args))
        case Mul(args):
            return reduce(mul, map(value, args))
        case Div(numerator, denominator):
            return kind.divide(value(numerator), value(denominator))
        case Pow(base, exponent):
            return kind.power(value(base), value(exponent))
        case Call(function, args):
            return _called(function, [value(arg) for arg in args], kind)
        case Sum(indices, body):
            values = _over(indices, body, ledger, names, sizes, kind)
            return reduce(add, values, kind.number(0))
        case Max(indices, body):
            return reduce(kind.largest, _over(indices, body, ledger, names, sizes, kind))
        case If(test, then, otherwise):
            holds = kind.relations[test.relation](value(test.left), value(test.right))
            if kind.choose is not None and not isinstance(holds, bool):
                return kind.choose(holds, value(then), value(otherwise))
            return value(then) if holds else value(otherwise)
        case _:
            assert_never(expr)


def _over(
    indices: tuple[str, ...],
    body: Expr,
    ledger: Ledger,
    names: Mapping[str, Any],
    sizes: Mapping[str, int],
    kind: Arithmetic,
) -> Iterator[Any]:
    """The body's values over the whole range of the indices, the last one running fastest."""
    for position in product(*(range(sizes[name]) for name in indices)):
        yield _value(body, ledger, {**names, **dict(zip(indices, position, strict=True))}, sizes, kind)


def _referred(ref: Ref, ledger: Ledger, names: Mapping[str, Any], kind: Arithmetic) -> Any:
    if not ref.indices and ref.name in names:
        return kind.number(names[ref.name])
    if ref.name not in ledger:
        raise LedgerError(f"{ref.name} has no numbers")
    array = ledger[ref.name]
    position = tuple(_position(index, names) for index in ref.indices)
    if len(position) != array.ndim or not all(0 <= p < size for p, size in zip(position, array.shape, strict=True)):
        raise _out_of_range(ref, position, array.shape, names)
    entry = array.item(*position)
    return entry if type(entry) is kind.kind else kind.number(entry)


def _position(index: Index, names: Mapping[str, Any]) -> int:
    return index.constant + sum(times * int(names[name]) for name, times in index.terms)


def _out_of_range(ref: Ref, position: tuple[int, ...], shape: tuple[int, ...], names: Mapping[str, Any]) -> LedgerError:
    if len(position) != len(shape):
        return LedgerError(f"{to_text(ref)} has {len(position)} indices, but {ref.name} has {len(shape)} axes")
    letters = dict.fromkeys(name for index in ref.indices for name, _ in index.terms)
    where = f" at {', '.join(f'{name} = {names[name]}' for name in letters)}" if letters else ""
    entry = ", ".join(map(str, position))
    last = ", ".join(str(size - 1) for size in shape)
    return LedgerError(
        f"{to_text(ref)}{where} is entry [{entry}], but {ref.name} ends at entry [{last}], counted from 0"
    )


def _called(function: str, args: list[Any], kind: Arithmetic) -> Any:
    row = formula_of(function)
    if row is None:
        return kind.functions[function](*args)
    return _value(row.formula, {}, dict(zip(row.parameters, args, strict=True)), {}, kind)


def run(program: Program, given: Ledger, arithmetic: Arithmetic = FLOAT) -> Ledger:
    """All numbers of a program: those given, and every definition's for all values of its indices.

    Raises `LedgerError` where given numbers are missing or have the wrong shape.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> square = extend(Program({}), "y[i] = x[i]**2", given=[Family("x", Role.INPUT, ("i",), (2,))])
    >>> run(square, {"x": np.array([1.0, 3.0])})["y"]
    array([1., 9.])
    """
    ledger = {family.name: _numbers(given_array(family, given), arithmetic) for family in given_families(program)}
    for definition in program.definitions:
        shape = tuple(definition.sizes[name] for name in definition.indices)
        ledger[definition.target] = np.empty(shape, array_type(arithmetic))
    for definition, position in calculation(program.definitions):
        bindings = dict(zip(definition.indices, position, strict=True))
        value = evaluate(definition.formula, ledger, bindings, definition.sizes, arithmetic)
        ledger[definition.target][position] = value
    return ledger


def _numbers(array: NDArray[Any], arithmetic: Arithmetic) -> NDArray[Any]:
    """The array with every entry as a number of the arithmetic's kind."""
    if arithmetic.kind is float:
        return array.astype(float)
    result = np.empty(array.shape, object)
    for position in np.ndindex(array.shape):
        result[position] = arithmetic.number(array.item(*position))
    return result


def first_not_finite(program: Program, ledger: Ledger) -> tuple[str, tuple[int, ...]] | None:
    """Where NaN or infinity first stands, in the order of calculation: a family and an index from 0.

    Given numbers come first. None where all are finite.

    >>> first_not_finite(Program({}), {})
    """
    for family in given_families(program):
        if family.name in ledger and not _all_finite(ledger[family.name]):
            for position in np.ndindex(family.shape):
                if not _is_finite(ledger[family.name].item(*position)):
                    return family.name, position
    names = [each.target for each in program.definitions]
    spoilt = {name for name in names if name in ledger and not _all_finite(ledger[name])}
    for definition, position in calculation(program.definitions) if spoilt else ():
        name = definition.target
        if name in spoilt and not _is_finite(ledger[name].item(*position)):
            return name, position
    return None


def _all_finite(array: NDArray[Any]) -> bool:
    """Whether no number of an array is NaN or infinite; False also where only looking at each one tells."""
    return array.dtype != object and bool(np.isfinite(array).all())


def _is_finite(value: Any) -> bool:
    if isinstance(value, Interval):
        return math.isfinite(value.lower) and math.isfinite(value.upper)
    return bool(value - value == 0)  # infinity less infinity is NaN, in every kind of number
