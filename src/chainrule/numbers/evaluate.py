"""The slow, obvious definition of what every node means: one scalar at a time, with any kind of number."""

import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, assert_never

import numpy as np

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
from chainrule.numbers.arithmetic import FLOAT, Arithmetic
from chainrule.numbers.ledger import Array, Ledger, LedgerError, check_given
from chainrule.program.program import Program

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def evaluate(
    expr: Expr,
    ledger: Ledger,
    at: Mapping[str, int],
    sizes: Mapping[str, int],
    arithmetic: Arithmetic = FLOAT,
) -> Any:
    """The value of a formula with the letters in ``at`` at these values, counted from 0.

    ``sizes`` has the size of every letter that is summed over. Of an ``If`` only the branch taken is read. Raises
    `LedgerError` for a name without numbers and an index outside its family.
    """

    def value(node: Expr, at: Mapping[str, int]) -> Any:
        match node:
            case Num(number):
                return arithmetic.number(number)
            case Ref(name, ()) if name in at:
                return arithmetic.number(at[name])
            case Ref(name, indices):
                return _entry(node, ledger, tuple(_index(index, at) for index in indices), arithmetic)
            case Neg(arg):
                return -value(arg, at)
            case Add(args):
                total = value(args[0], at)
                for arg in args[1:]:
                    total = total + value(arg, at)
                return total
            case Mul(args):
                total = value(args[0], at)
                for arg in args[1:]:
                    total = total * value(arg, at)
                return total
            case Div(numerator, denominator):
                return arithmetic.divide(value(numerator, at), value(denominator, at))
            case Pow(base, exponent):
                return arithmetic.power(value(base, at), value(exponent, at))
            case Call(function, args):
                return call(function, [value(arg, at) for arg in args])
            case Sum(indices, body):
                total = arithmetic.number(0)
                for inside in _ranges(indices, at, sizes):
                    total = total + value(body, inside)
                return total
            case Max(indices, body):
                return max(value(body, inside) for inside in _ranges(indices, at, sizes))
            case If(test, then, otherwise):
                holds = RELATIONS[test.relation](value(test.left, at), value(test.right, at))
                return value(then if holds else otherwise, at)
            case _:
                assert_never(node)

    def call(function: str, args: list[Any]) -> Any:
        row = formula_of(function)
        if row is None:
            return arithmetic.primitives[function](*args)
        return evaluate(row.formula, _Arguments(row.parameters, args), {}, {}, arithmetic)

    return value(expr, at)


class _Arguments(dict[str, Any]):
    """A function's arguments as the ledger of its own formula."""

    def __init__(self, parameters: tuple[str, ...], args: list[Any]) -> None:
        super().__init__({name: {(): arg} for name, arg in zip(parameters, args, strict=True)})


def _ranges(indices: tuple[str, ...], at: Mapping[str, int], sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    for position in product(*(range(sizes[name]) for name in indices)):
        yield {**at, **dict(zip(indices, position, strict=True))}


def _index(index: Index, at: Mapping[str, int]) -> int:
    return index.constant + sum(times * at[name] for name, times in index.terms)


def _entry(node: Ref, ledger: Ledger, index: tuple[int, ...], arithmetic: Arithmetic) -> Any:
    family = ledger.get(node.name)
    if family is None:
        raise LedgerError(f"{node.name} has no numbers")
    if any(each < 0 for each in index):
        raise LedgerError(f"an index of {to_text(node)} is {min(index)}, below the first one; guard it with a test")
    try:
        return arithmetic.number(family[index])
    except IndexError:
        last = " x ".join(str(size) for size in family.shape)
        raise LedgerError(f"{to_text(node)} is asked for at {index}, but it has {last} entries") from None


def run(program: Program, given: Ledger, arithmetic: Arithmetic = FLOAT) -> dict[str, Array]:
    """All values of a program, from those of the families that no formula defines.

    Raises `LedgerError` where given numbers are missing or have the wrong shape.
    """
    check_given(program, given)
    dtype = float if arithmetic.plain else object
    ledger: dict[str, Array] = {}
    for name, numbers in given.items():
        array = np.empty(np.shape(numbers), dtype)
        source = np.asarray(numbers)
        for index in np.ndindex(array.shape):
            array[index] = arithmetic.number(source[index].item() if hasattr(source[index], "item") else source[index])
        ledger[name] = array
    for definition in program.definitions:
        array = np.empty(tuple(definition.sizes[name] for name in definition.indices), dtype)
        for index in np.ndindex(array.shape):
            at = dict(zip(definition.indices, index, strict=True))
            array[index] = evaluate(definition.formula, ledger, at, definition.sizes, arithmetic)
        ledger[definition.target] = array
    return ledger
