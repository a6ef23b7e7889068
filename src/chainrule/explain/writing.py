"""Turning a program's formulas into the formulas of a document: names for references, numbers for names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from chainrule.explain.document import ELLIPSIS, Equation, Partial, Symbol
from chainrule.explain.expand import ASKED_ADDENDS, SHOWN_ADDENDS, addend_total, expand, position_of
from chainrule.explain.names import (
    Names,
    Ratio,
    Scalar,
    family_key,
    family_symbol,
    name,
    ratio_name,
    ratio_symbol,
    symbol,
)
from chainrule.explain.round import Words
from chainrule.formula.expression import (
    Add,
    Call,
    Div,
    Expr,
    If,
    Neg,
    Num,
    Ref,
    replace_refs,
    transform,
    walk,
    with_children,
)
from chainrule.formula.expression import children as below
from chainrule.formula.slopes import formula_of
from chainrule.numbers.evaluate import FLOAT, Arithmetic, evaluate
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Definition

DIGITS = 9  # as many as the tutorial prints


@dataclass(slots=True)
class Writing:
    """What is needed to write about a program's numbers, and the symbols that the document has used so far.

    ``typed`` holds the given numbers as a person typed them, Decimals by family; they are shown so.
    """

    names: Names
    ledger: Ledger
    digits: int = DIGITS
    typed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    arithmetic: Arithmetic = FLOAT
    large: bool = False  # too many numbers to write out each that a derivation needs: they can be asked for by name
    arrays: bool = False  # whether numbers are drawn as arrays and derivatives go step by step: not in dense networks
    words: Words = field(default_factory=Words)
    asked: frozenset[Scalar] = frozenset()  # what a person asked for: longer sums of it are written out
    symbols: dict[str, Symbol | Partial] = field(default_factory=dict)


def quantity_ref(writing: Writing, quantity: Scalar | Ratio) -> Ref:
    """The name of a scalar, or of the derivative of one by another, as a formula."""
    names = writing.names
    if isinstance(quantity, Ratio):
        text, looks = ratio_name(names, quantity), ratio_symbol(names, quantity)
        writing.symbols[text] = looks
    else:
        text = name(names, quantity)
        writing.symbols[text] = symbol(names, quantity)
    return Ref(text)


def family_ref(writing: Writing, family: str) -> Ref:
    """The name of a whole family as a formula."""
    text = family_key(writing.names, family)
    writing.symbols.setdefault(text, family_symbol(writing.names, family))
    return Ref(text)


def with_names(writing: Writing, expr: Expr) -> Expr:
    """A written-out formula with people's names in it."""
    match expr:
        case Ref(family) if expr != ELLIPSIS:
            return quantity_ref(writing, Scalar(family, position_of(expr)))
        case _:
            return with_children(expr, tuple(with_names(writing, child) for child in below(expr)))


def with_numbers(writing: Writing, expr: Expr) -> Expr:
    """A written-out formula with the numbers put in, rounded for display."""
    match expr:
        case Ref(family) if expr != ELLIPSIS:
            return shown(writing, Scalar(family, position_of(expr)))
        case _:
            return with_children(expr, tuple(with_numbers(writing, child) for child in below(expr)))


def value_of(writing: Writing, scalar: Scalar) -> Any:
    """The value of a scalar, of whatever kind the ledger holds."""
    return writing.ledger[scalar.family][scalar.index]


def shown(writing: Writing, scalar: Scalar) -> Num | Neg:
    """A scalar's value for display: as typed, where a person typed it, else rounded."""
    if scalar.family in writing.typed:
        typed = writing.typed[scalar.family][scalar.index]
        if isinstance(typed, Decimal):
            return _node(typed)
    return shown_number(writing, value_of(writing, scalar))


def shown_number(writing: Writing, value: Any, digits: int = 0) -> Num | Neg:
    """A number for display, to the digits asked for unless said otherwise."""
    return _node(rounded(value, digits or writing.digits))


def _node(value: Decimal) -> Num | Neg:
    return Neg(Num(-value)) if value < 0 else Num(abs(value))


def rounded(value: Any, digits: int) -> Decimal:
    """A number correctly rounded to so many significant digits, without trailing zeros.

    >>> rounded(0.2983711087600027, 9), rounded(1e-12, 9), rounded(120.0, 2)
    (Decimal('0.298371109'), Decimal('1E-12'), Decimal('120'))
    """
    context = Context(prec=digits)
    if isinstance(value, Fraction):
        result = context.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(context)
    else:
        result = context.create_decimal(exact_decimal(value)).normalize(context)
    exponent = result.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0 and result.adjusted() < max(digits, 15):
        result = result.quantize(Decimal(1))
    return result or Decimal(0)


def exact_decimal(value: Any) -> Decimal:
    """The exact value of a float, or of a number of many digits, as a Decimal."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if hasattr(value, "man_exp"):
        mantissa, exponent = value.man_exp
        signed = -abs(int(mantissa)) if value < 0 else abs(int(mantissa))  # some versions leave the sign out
        wide = Context(prec=20_000)
        return wide.multiply(Decimal(signed), wide.power(Decimal(2), int(exponent)))
    return Decimal(float(value))


def most_addends(writing: Writing, scalar: Scalar, definition: Definition) -> int:
    """How many addends a sum in a scalar's formula may have and be written out."""
    whole = scalar in writing.asked and addend_total(definition.formula, definition.sizes) <= ASKED_ADDENDS
    return ASKED_ADDENDS if whole else SHOWN_ADDENDS


def equation(
    writing: Writing, scalar: Scalar, definition: Definition, *, final: bool = False, note: str = ""
) -> Equation:
    """``name = formula = the same with numbers = value``; a side that repeats the one before is left out."""
    at = dict(zip(definition.indices, scalar.index, strict=True))
    return formula_equation(
        writing, quantity_ref(writing, scalar), definition.formula, at, definition.sizes, shown(writing, scalar),
        final=final, note=note, most=most_addends(writing, scalar, definition),
    )  # fmt: skip


def formula_equation(
    writing: Writing,
    left: Expr,
    formula: Expr,
    at: Mapping[str, int],
    sizes: Mapping[str, int],
    value: Expr,
    *,
    before: tuple[Expr, ...] = (),
    final: bool = False,
    note: str = "",
    most: int = SHOWN_ADDENDS,
) -> Equation:
    """An equation for a formula at given indices; ``before`` are sides to show ahead of the formula."""
    written = untied(writing, expand(formula, at, sizes, most))
    sides = [left, *before, with_names(writing, written), with_numbers(writing, _unfolded(written)), value]
    kept = [sides[0]]
    for side in sides[1:]:
        if side != kept[-1]:
            kept.append(side)
    return Equation(tuple(kept), note, final)


def untied(writing: Writing, written: Expr) -> Expr:
    """The slope of a largest value without the number of those that share it, where it is the only one."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Div) or not isinstance(node.denominator, Add) or ELLIPSIS in walk(node):
            return node
        held = [_is_largest(writing, each) for each in node.denominator.args]
        return node.numerator if None not in held and sum(map(bool, held)) == 1 else node

    return transform(written, rule)


def _is_largest(writing: Writing, node: Expr) -> bool | None:
    """Whether ``[x = max(...)]`` holds; None for any other formula."""
    if not isinstance(node, If) or node.test.relation != "==" or not isinstance(node.test.right, Call):
        return None
    if node.test.right.function != "max":
        return None
    values = [evaluated(writing, each, {}, {}) for each in node.test.right.args]
    return bool(evaluated(writing, node.test.left, {}, {}) == max(values))


def _unfolded(formula: Expr) -> Expr:
    """A function by its formula, ``1 / (1 + exp(-x))`` for ``logistic(x)``, where that is one expression."""
    if not isinstance(formula, Call):
        return formula
    row = formula_of(formula.function)
    if row is None or any(isinstance(node, If) for node in walk(row.formula)):
        return formula
    return replace_refs(row.formula, dict(zip(row.parameters, formula.args, strict=True)))


def evaluated(writing: Writing, formula: Expr, at: Mapping[str, int], sizes: Mapping[str, int]) -> Any:
    """The value of a formula at given indices."""
    return evaluate(formula, writing.ledger, at, sizes, writing.arithmetic)
