"""A formula in one row of text: Python's own syntax in ASCII, the same with ``∂``, ``·`` and ``−`` in Unicode."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import assert_never

from chainrule.explain.document import ELLIPSIS, Document, Partial
from chainrule.formula.expression import Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum
from chainrule.formula.unparse import printed_index
from chainrule.render.printer import (
    Notation,
    Place,
    factor_place,
    is_indicator,
    needs_parentheses,
    number_parts,
    symbol_of,
    terms,
)
from chainrule.render.symbols import SUPERSCRIPTS, ascii_name, ascii_text, partial_name, unicode_name

RELATIONS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


@dataclass(frozen=True, slots=True)
class Script:
    """The characters that formulas are written with."""

    minus: str
    times: str
    ellipsis: str
    total: str
    ascii: bool


UNICODE = Script("−", "·", "…", "Σ", ascii=False)
ASCII = Script("-", "*", "...", "sum", ascii=True)


def formula_line(expr: Expr, document: Document, ascii: bool = False) -> str:  # noqa: A002
    """A formula in one row.

    >>> from chainrule.formula.expression import number
    >>> gradient = Mul((number(2), Neg(Add((Ref("w_h"), number("-0.10"))))))
    >>> formula_line(gradient, Document("", ()), ascii=True)
    '2 * (-(w_h - 0.10))'
    """
    text = _line(expr, Notation(document, built_up=False), ASCII if ascii else UNICODE, top=True)
    return ascii_text(text) if ascii else text


def _line(expr: Expr, notation: Notation, script: Script, top: bool = False) -> str:
    def inner(child: Expr, place: Place) -> str:
        text = _line(child, notation, script)
        return f"({text})" if needs_parentheses(child, place, notation) else text

    def bare(child: Expr) -> str:
        return _line(child, notation, script)

    match expr:
        case Num(value):
            return number_line(value, script)
        case Ref():
            return ref_line(expr, notation.document, script)
        case Neg(arg):
            return script.minus + inner(arg, Place.ADDEND)
        case Add():
            return sum_line([(sign, inner(arg, _addend(i, sign))) for i, (sign, arg) in enumerate(terms(expr))], script)
        case Mul(args):
            factors = [inner(arg, factor_place(i, len(args))) for i, arg in enumerate(args)]
            return product_sign(script.times, factors, top).join(factors)
        case Div(numerator, denominator):
            return f"{inner(numerator, Place.NUMERATOR)}/{inner(denominator, Place.DENOMINATOR)}"
        case Pow(base, exponent):
            return _power(inner(base, Place.BASE), exponent, inner(exponent, Place.EXPONENT), script)
        case Call("pi", ()) if not script.ascii:
            return "π"
        case Call(function, args):
            return f"{function}({', '.join(map(bare, args))})"
        case Sum(indices, body):
            return f"{script.total}[{','.join(indices)}]({bare(body)})"
        case Max(indices, body):
            return f"max[{','.join(indices)}]({bare(body)})"
        case If(test, then, otherwise):
            left, right, first = (_branch(child, bare) for child in (test.left, test.right, then))
            relation = test.relation if script.ascii else RELATIONS.get(test.relation, test.relation)
            condition = f"{left} {relation} {right}"
            return f"[{condition}]" if is_indicator(expr) else f"{first} if {condition} else {bare(otherwise)}"
        case _:
            assert_never(expr)


def _addend(position: int, sign: int) -> Place:
    return Place.FIRST_ADDEND if position == 0 and sign > 0 else Place.ADDEND


def _branch(expr: Expr, bare: Callable[[Expr], str]) -> str:
    return f"({bare(expr)})" if isinstance(expr, If) and not is_indicator(expr) else bare(expr)


def _power(base: str, exponent: Expr, text: str, script: Script) -> str:
    if script.ascii:
        return f"{base}**{text}"
    return base + text.translate(SUPERSCRIPTS) if is_small_exponent(exponent) else f"{base}^{text}"


def is_small_exponent(expr: Expr) -> bool:
    """Whether an exponent is a whole number, which has raised digits of its own."""
    return isinstance(expr, Num) and expr.value >= 0 and str(expr.value).isdecimal()


def number_line(value: Decimal, script: Script) -> str:
    """A number in a row: ``-0.10``, ``1.5e-9``."""
    digits, exponent = number_parts(value)
    power = (
        "" if exponent is None else f"e{exponent}" if script.ascii else f"×10{str(exponent).translate(SUPERSCRIPTS)}"
    )
    return script.minus * value.is_signed() + digits + power


def ref_line(ref: Ref, document: Document, script: Script) -> str:
    """A name in a row: ``net_h1``, ``∂E_total/∂w5``, ``w_h[j,i]``."""
    if ref == ELLIPSIS:
        return script.ellipsis
    symbol = symbol_of(document, ref)
    indices = indices_text(ref)
    if isinstance(symbol, Partial):
        if script.ascii:
            return partial_name(symbol, indices)
        return f"∂{unicode_name(symbol.of)}/∂{unicode_name(symbol.by, indices)}"
    return ascii_name(symbol, indices) if script.ascii else unicode_name(symbol, indices)


def indices_text(ref: Ref) -> str:
    """``[j,i]``; empty for a name without indices."""
    return f"[{','.join(map(printed_index, ref.indices))}]" if ref.indices else ""


def sum_line(addends: list[tuple[int, str]], script: Script) -> str:
    """Signed addends in a row: ``a - b``."""
    sign, text = addends[0]
    text = script.minus * (sign < 0) + text
    return text + "".join(f" {'+' if sign > 0 else script.minus} {addend}" for sign, addend in addends[1:])


def product_sign(times: str, factors: list[str], top: bool) -> str:
    """The sign between factors: tight in ``0.15·0.05 + 0.20·0.10``, with air where factors are long or stand alone."""
    return f" {times} " if top or any(" " in factor for factor in factors) else times


BREAKS = re.compile(
    r"""
    [ ](?=[-+−·*][ ])               # before " + ", " - ", " * "
    | (?<![ ·])(?=·)                # before a tight ·
    | (?<![ *])(?=\*(?!\*))         # before a tight *, which isn't **
    | [ ](?=(?:if|else)[ ])
    | [ ](?=(?:[<>=≤≥≠]|[<>=!]=)[ ])
    | (?<=,)[ ]
    | (?=/(?![d∂]))                 # before a division, not within a derivative
    """,
    re.VERBOSE,
)
LAST_BREAKS = {"·": 1, "*": 1, "/": 2}  # broken before these only where no other break will do


def wrap_formula(text: str, width: int, hanging: int = 2) -> list[str]:
    """A formula's row broken before operators, outer ones rather than inner ones, the further rows indented.

    >>> wrap_formula("0.15*0.05 + (0.20 - 0.1) * 0.10 + 0.35", 24)
    ['0.15*0.05', '  + (0.20 - 0.1) * 0.10', '  + 0.35']
    """
    rows = []
    while len(text) > width:
        at = _best_break(text, width)
        if at is None:
            break
        rows.append(text[:at].rstrip())
        text = " " * hanging + text[at:].lstrip()
    return [*rows, text]


def _best_break(text: str, width: int) -> int | None:
    """Where to break: outside parentheses and before a plus, if that fills a third of the row; as far right as fits."""
    depth = list(accumulate((char in "([") - (char in ")]") for char in text))
    start = len(text) - len(text.lstrip())
    places = [match.start() for match in BREAKS.finditer(text, start + 1)]
    fitting = [at for at in places if at <= width]
    if not fitting:
        return places[0] if places else None
    return min(fitting, key=lambda at: (at < width // 3, depth[at], LAST_BREAKS.get(text[at:].lstrip()[:1], 0), -at))
