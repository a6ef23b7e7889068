"""From nodes back to the text of a formula: what is written parses to an equal tree."""

from decimal import Decimal
from typing import assert_never

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
    Why,
)

# How tightly a node holds together; an operand that holds less tightly needs parentheses.
CONDITION, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)


def to_text(expr: Expr) -> str:
    """The formula as text.

    >>> from chainrule.formula.parse import parse_expression
    >>> to_text(parse_expression("-(t[n,k] - out[n,k]) * 0.10"))
    '-(t[n,k] - out[n,k]) * 0.10'
    """
    return _text(expr, CONDITION)


def statement_text(target: str, indices: tuple[str, ...], formula: Expr) -> str:
    """A whole definition as text: ``net[n,j] = ...``."""
    return f"{target}[{','.join(indices)}] = {to_text(formula)}" if indices else f"{target} = {to_text(formula)}"


def _text(expr: Expr, needed: int) -> str:
    text, tightness = _parts(expr)
    return text if tightness >= needed else f"({text})"


def _parts(expr: Expr) -> tuple[str, int]:
    match expr:
        case Num(value):
            return number_text(value), ATOM
        case Ref(name, indices):
            return (f"{name}[{','.join(map(index_text, indices))}]" if indices else name), ATOM
        case Neg(arg):
            return f"-{_text(arg, SIGN)}", SIGN
        case Add(args):
            # The first addend keeps its parentheses if it is a sum itself: `(a + b) + c` is read as one sum of three.
            rest = "".join(
                f" - {_text(arg.arg, PRODUCT)}" if isinstance(arg, Neg) else f" + {_text(arg, PRODUCT)}"
                for arg in args[1:]
            )
            return _text(args[0], PRODUCT) + rest, SUM
        case Mul(args):
            return " * ".join([_text(args[0], PRODUCT), *(_text(arg, SIGN) for arg in args[1:])]), PRODUCT
        case Div(numerator, denominator):
            return f"{_text(numerator, PRODUCT)} / {_text(denominator, SIGN)}", PRODUCT
        case Pow(base, exponent):
            return f"{_text(base, ATOM)}**{_text(exponent, SIGN)}", POWER
        case Call(function, args):
            return f"{function}({', '.join(to_text(arg) for arg in args)})", ATOM
        case Sum(indices, Num(value), Why.MEAN) if value == 1:
            return f"count[{','.join(indices)}]", ATOM
        case Sum(indices, body):
            return f"sum[{','.join(indices)}]({to_text(body)})", ATOM
        case Max(indices, body):
            return f"max[{','.join(indices)}]({to_text(body)})", ATOM
        case If():
            return _choice(expr)
        case _:
            assert_never(expr)


def _choice(expr: If) -> tuple[str, int]:
    """A choice inside another with the same last branch is one with two tests."""
    tests, then, otherwise = [expr.test], expr.then, to_text(expr.otherwise)
    while isinstance(then, If) and then.otherwise == expr.otherwise and to_text(then.otherwise) == otherwise:
        tests.append(then.test)
        then = then.then
    compared = " and ".join(f"{_text(each.left, SUM)} {each.relation} {_text(each.right, SUM)}" for each in tests)
    chosen = _text(then, SUM)
    if (chosen, otherwise) == ("1", "0"):
        return f"[{compared}]", ATOM
    return f"{chosen} if {compared} else {otherwise}", CONDITION


def number_text(value: Decimal) -> str:
    """A number as Python reads it."""
    return f"{value:f}" if -30 <= value.as_tuple().exponent <= 0 else str(value)  # type: ignore[operator]


def printed_index(index: Index) -> str:
    """An index as it is printed, which is shorter than as it is typed.

    >>> printed_index(Index((("i", 2), ("u", 1)), -1))
    '2i+u−1'
    """
    text = ""
    for name, times in index.terms:
        size = "" if abs(times) == 1 else str(abs(times))
        text += ("−" if times < 0 else "+" if text else "") + size + name
    constant = str(index.constant).replace("-", "−")
    if not text or not index.constant:
        return text or constant
    return f"{text}{'+' * (index.constant > 0)}{constant}"


def index_text(index: Index) -> str:
    """An index as people type it: ``2*i + u - 1``."""
    parts: list[str] = []
    for name, times in index.terms:
        sign = "-" if times < 0 else "+"
        size = name if abs(times) == 1 else f"{abs(times)}*{name}"
        parts.append(f"{sign} {size}")
    if index.constant or not parts:
        parts.append(f"{'-' if index.constant < 0 else '+'} {abs(index.constant)}")
    first = parts[0].removeprefix("+ ").replace("- ", "-", 1)
    return " ".join([first, *parts[1:]])
