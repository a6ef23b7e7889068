"""The eleven kinds of node that a formula is made of, and plain functions over them.

A node is frozen data without behaviour. A constructor keeps what it is given: nothing is reordered, folded or
cancelled, so that a formula is shown as it was written. Each reader of formulas is one function with one ``match``
over the eleven kinds, ending in ``assert_never``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import assert_never


class Why(StrEnum):
    """What a node stands for in the chain rule; left out when formulas are compared."""

    UPSTREAM = "upstream"  # the adjoint that a use receives from further back
    SLOPE = "slope"  # the slope of an activation or another function
    HALF = "half"  # the half of a half squared error
    MEAN = "mean"  # the 1/N of a mean


@dataclass(frozen=True, slots=True)
class Index:
    """An affine index: ``2*i + u - 1`` has the terms ``(("i", 2), ("u", 1))`` and the constant ``-1``.

    Counted from 0. Each letter stands in ``terms`` at most once, with a coefficient that is not 0.
    """

    terms: tuple[tuple[str, int], ...]
    constant: int = 0


@dataclass(frozen=True, slots=True)
class Num:
    """A number as it was typed: ``0.10`` stays ``0.10``. Never negative: ``-2`` is ``Neg(Num(2))``."""

    value: Decimal
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """A family at an index, ``w_h[j,i]``; without indices a scalar ``b_h``, or the value of a bound index ``i``."""

    name: str
    indices: tuple[Index, ...] = ()
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Neg:
    arg: "Expr"
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Add:
    """Two or more addends, in the order in which they were written; ``a - b`` is ``Add((a, Neg(b)))``."""

    args: tuple["Expr", ...]
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mul:
    """Two or more factors, in the order in which they were written."""

    args: tuple["Expr", ...]
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Div:
    numerator: "Expr"
    denominator: "Expr"
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pow:
    base: "Expr"
    exponent: "Expr"
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function that is a row of ``chainrule.formula.functions``: ``logistic(x)``, ``leaky_relu(x, 0.01)``."""

    function: str
    args: tuple["Expr", ...]
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """``sum[i,j](body)``: over each whole range of the indices."""

    indices: tuple[str, ...]
    body: "Expr"
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Max:
    """``max[i](body)``: the largest over the whole range of the indices. Slope at a tie: shared equally."""

    indices: tuple[str, ...]
    body: "Expr"
    why: Why | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Test:
    """The comparison in an ``If``; ``relation`` is one of ``< <= > >= == !=``."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    left: "Expr"
    relation: str
    right: "Expr"


@dataclass(frozen=True, slots=True)
class If:
    """``then if left > right else otherwise``; ``[i == j]`` is ``If(i == j, 1, 0)``. Only the branch taken is read."""

    test: Test
    then: "Expr"
    otherwise: "Expr"
    why: Why | None = field(default=None, compare=False)


Expr = Num | Ref | Neg | Add | Mul | Div | Pow | Call | Sum | Max | If

ZERO, ONE, TWO = Num(Decimal(0)), Num(Decimal(1)), Num(Decimal(2))


def number(value: int | str | Decimal, why: Why | None = None) -> Num | Neg:
    """A number as a node: ``number(-2)`` is ``Neg(Num(2))``."""
    exact = Decimal(value)
    return Neg(Num(-exact, why)) if exact.is_signed() and exact != 0 else Num(exact, why)


def letter(name: str) -> Index:
    """The index that is one bare letter."""
    return Index(((name, 1),))


def ref(name: str, letters: tuple[str, ...] = (), why: Why | None = None) -> Ref:
    """A family at bare letters: ``ref("w", ("j", "i"))`` is ``w[j,i]``."""
    return Ref(name, tuple(letter(each) for each in letters), why)


def because(expr: "Expr", why: Why | None) -> "Expr":
    """The same node, marked with what it stands for."""
    return replace(expr, why=why)


def children(expr: "Expr") -> tuple["Expr", ...]:
    """The nodes directly below, in the order in which they are written."""
    match expr:
        case Num() | Ref():
            return ()
        case Neg(arg):
            return (arg,)
        case Add(args) | Mul(args) | Call(_, args):
            return args
        case Div(numerator, denominator):
            return (numerator, denominator)
        case Pow(base, exponent):
            return (base, exponent)
        case Sum(_, body) | Max(_, body):
            return (body,)
        case If(test, then, otherwise):
            return (test.left, test.right, then, otherwise)
        case _:
            assert_never(expr)


def with_children(expr: "Expr", new: tuple["Expr", ...]) -> "Expr":
    """The same node over other children: the inverse of ``children``."""
    match expr:
        case Num() | Ref():
            return expr
        case Neg(_, why):
            return Neg(new[0], why)
        case Add(_, why):
            return Add(new, why)
        case Mul(_, why):
            return Mul(new, why)
        case Call(function, _, why):
            return Call(function, new, why)
        case Div(_, _, why):
            return Div(new[0], new[1], why)
        case Pow(_, _, why):
            return Pow(new[0], new[1], why)
        case Sum(indices, _, why):
            return Sum(indices, new[0], why)
        case Max(indices, _, why):
            return Max(indices, new[0], why)
        case If(test, _, _, why):
            return If(Test(new[0], test.relation, new[1]), new[2], new[3], why)
        case _:
            assert_never(expr)


def walk(expr: "Expr") -> Iterator["Expr"]:
    """The node itself and every node below it, from the top down."""
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def refs(expr: "Expr") -> Iterator[Ref]:
    """Every reference in a formula, from left to right."""
    return (node for node in walk(expr) if isinstance(node, Ref))


def transform(expr: "Expr", rule: Callable[["Expr"], "Expr"]) -> "Expr":
    """Apply ``rule`` to every node, children first."""
    old = children(expr)
    new = tuple(transform(child, rule) for child in old)
    return rule(expr if new == old and all(a is b for a, b in zip(new, old, strict=True)) else with_children(expr, new))


def add_indices(first: Index, second: Index, times: int = 1) -> Index:
    """``first + times * second``."""
    total = dict(first.terms)
    for name, coefficient in second.terms:
        total[name] = total.get(name, 0) + times * coefficient
    terms = tuple((name, coefficient) for name, coefficient in total.items() if coefficient)
    return Index(terms, first.constant + times * second.constant)


def substitute_index(index: Index, bindings: Mapping[str, Index]) -> Index:
    """An index with letters replaced by indices."""
    result = Index((), index.constant)
    for name, coefficient in index.terms:
        result = add_indices(result, bindings.get(name, letter(name)), coefficient)
    return result


def index_value(index: Index) -> "Expr":
    """An index as a formula, for use in a test: ``2*i - 1``."""
    parts: list[Expr] = []
    for name, coefficient in index.terms:
        size = abs(coefficient)
        part: Expr = Ref(name) if size == 1 else Mul((number(size), Ref(name)))
        parts.append(Neg(part) if coefficient < 0 else part)
    if index.constant or not parts:
        parts.append(number(index.constant))
    return parts[0] if len(parts) == 1 else Add(tuple(parts))


def substitute(expr: "Expr", bindings: Mapping[str, Index]) -> "Expr":
    """A formula with index letters replaced by indices, in subscripts and where a letter stands for its value.

    A letter that a ``Sum`` or ``Max`` inside binds is that node's own and stays.
    """
    if not bindings:
        return expr
    match expr:
        case Ref(name, (), why) if name in bindings:
            value = index_value(bindings[name])
            return because(value, why) if why else value
        case Ref(_, indices):
            return replace(expr, indices=tuple(substitute_index(index, bindings) for index in indices))
        case Sum(indices, body) | Max(indices, body):
            left = {name: index for name, index in bindings.items() if name not in indices}
            return replace(expr, body=substitute(body, left))
        case _:
            return with_children(expr, tuple(substitute(child, bindings) for child in children(expr)))


def bound_letters(expr: "Expr") -> Iterator[str]:
    """The letters that the sums and maxima of a formula run over."""
    for node in walk(expr):
        if isinstance(node, Sum | Max):
            yield from node.indices


def fresh_letter(wanted: str, taken: set[str]) -> str:
    """``wanted`` itself, or with the first number that makes it new."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}{count}"
    return name


def rename_bound(expr: "Expr", taken: set[str], sizes: dict[str, int] | None = None) -> "Expr":
    """The same formula in which no sum or maximum runs over a letter in ``taken``, or over another's letter.

    ``taken`` grows by the letters that are used; ``sizes`` learns the size of each new letter.
    """
    if isinstance(expr, Sum | Max):
        new = []
        for name in expr.indices:
            new.append(fresh_letter(name, taken) if name not in taken else fresh_letter(name, taken | set(sizes or ())))
            taken.add(new[-1])
            if sizes is not None and name in sizes:
                sizes[new[-1]] = sizes[name]
        pairs = {old: letter(name) for old, name in zip(expr.indices, new, strict=True) if old != name}
        return replace(expr, indices=tuple(new), body=rename_bound(substitute(expr.body, pairs), taken, sizes))
    return with_children(expr, tuple(rename_bound(child, taken, sizes) for child in children(expr)))


def replace_refs(expr: "Expr", values: Mapping[str, "Expr"]) -> "Expr":
    """A formula with names that have no indices replaced by formulas: a function's parameters by its arguments."""
    match expr:
        case Ref(name, ()) if name in values:
            return values[name]
        case _:
            return with_children(expr, tuple(replace_refs(child, values) for child in children(expr)))


def rename_letters(expr: "Expr", letters: Mapping[str, str]) -> "Expr":
    """A formula with every index letter renamed at once, those of sums too. The new letters must be different."""

    def rename(node: "Expr") -> "Expr":
        match node:
            case Ref(name, indices):
                new = tuple(
                    Index(tuple((letters.get(each, each), times) for each, times in index.terms), index.constant)
                    for index in indices
                )
                return replace(node, name=name if indices else letters.get(name, name), indices=new)
            case Sum(indices) | Max(indices):
                return replace(node, indices=tuple(letters.get(each, each) for each in indices))
            case _:
                return node

    return transform(expr, rename)
