"""A formula as a tree of what is set on the page, for the formats that typeset: LaTeX, MathML, Typst.

Every decision is made here, once: parentheses, signs, how a name is taken apart, what is tall. The formats only spell
the tree out.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import assert_never

from chainrule.explain.document import ELLIPSIS, Document, Symbol
from chainrule.formula.expression import Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import function_row
from chainrule.formula.unparse import printed_index
from chainrule.render.line import RELATIONS
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
from chainrule.render.symbols import pieces

LONGEST_NAME = 60  # a longer one loses its middle: it has to fit on a page
WIDEST_EXPONENT = 12  # of e, in characters; a wider one is written exp(...)


class Form(Enum):
    """How a sign stands among its neighbours."""

    INFIX = auto()  # a + b
    PREFIX = auto()  # -a
    ORDINARY = auto()  # like a letter
    SEPARATOR = auto()  # a, b


@dataclass(frozen=True, slots=True)
class Italic:
    """A variable: one letter, a Greek one too, or a word."""

    text: str


@dataclass(frozen=True, slots=True)
class Upright:
    """Digits, and words that name no variable: the ``total`` of ``E_total``."""

    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    text: str
    form: Form = Form.INFIX


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function before its arguments; ``latex`` is empty where LaTeX has no command for it."""

    text: str
    latex: str


@dataclass(frozen=True, slots=True)
class Row:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    top: "Node"
    bottom: "Node"
    small: bool = False  # a half in front of a square: set small wherever it stands


@dataclass(frozen=True, slots=True)
class Scripts:
    base: "Node"
    below: "Node | None" = None
    above: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Root:
    inner: "Node"


@dataclass(frozen=True, slots=True)
class Fence:
    """Something in parentheses, brackets or bars; ``tall`` ones grow with what they hold."""

    left: str
    inner: "Node"
    right: str
    tall: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """``Σ`` or ``max`` with the indices that it runs over below."""

    base: "Sign | Function"
    below: "Node"


@dataclass(frozen=True, slots=True)
class Cases:
    """Values behind a brace, each with its condition; the last has none."""

    rows: tuple[tuple["Node", "Node"], ...]
    otherwise: "Node"


Node = Italic | Upright | Sign | Function | Row | Fraction | Scripts | Root | Fence | Limits | Cases

EQUALS = Sign("=")
APPLY = Sign("\N{FUNCTION APPLICATION}", Form.ORDINARY)
PARTIAL = Sign("∂", Form.ORDINARY)


@dataclass(frozen=True, slots=True)
class Setting:
    """Whose symbols, and whether the formula stands within running text, where a derivative has a slash."""

    notation: Notation
    inline: bool


def typeset(expr: Expr, document: Document, inline: bool = False) -> Node:
    """The tree of a formula.

    >>> typeset(Neg(Ref("net_h")), Document("", ())).items[1]
    Scripts(base=Italic(text='net'), below=Upright(text='h'), above=None)
    """
    return _node(expr, Setting(Notation(document, built_up=True), inline))


def typeset_pieces(expr: Expr, document: Document, room: float = float("inf")) -> list[Node]:
    """The pieces between which a long formula may be broken: signed addends, or factors with their dots.

    One that is wider than the room is broken within its parentheses too.
    """
    return _pieces(expr, Setting(Notation(document, built_up=True), inline=False), room)


def _pieces(expr: Expr, setting: Setting, room: float) -> list[Node]:
    match expr:
        case Add():
            parts, whole = [(sign, arg) for sign, arg in terms(expr)], _addends(expr, setting)
            places = [Place.ADDEND if at or sign < 0 else Place.FIRST_ADDEND for at, (sign, _) in enumerate(parts)]
            signs = ["+" if sign > 0 else "−" if at or sign < 0 else "" for at, (sign, _) in enumerate(parts)]
            signs[0] = signs[0].replace("+", "")
        case Mul(args):
            parts, whole = [(1, arg) for arg in args], _factors(expr, setting)
            places = [factor_place(at, len(args)) for at in range(len(args))]
            signs = ["", *["·"] * (len(args) - 1)]
        case _:
            return [_node(expr, setting)]
    pieces: list[Node] = []
    for node, sign, (_, arg), place in zip(whole, signs, parts, places, strict=True):
        inner = _pieces(arg, setting, room) if width(node) > room else []
        if len(inner) < 2:
            pieces.append(node)
            continue
        if needs_parentheses(arg, place, setting.notation):
            inner = [row(Sign("(", Form.ORDINARY), inner[0]), *inner[1:-1], row(inner[-1], Sign(")", Form.ORDINARY))]
        form = Form.PREFIX if sign == "−" and not pieces else Form.INFIX
        pieces += [row(Sign(sign, form), inner[0]) if sign else inner[0], *inner[1:]]
    return pieces


def row(*items: Node) -> Node:
    """Things next to each other; rows among them are laid open."""
    flat = tuple(inner for item in items for inner in (item.items if isinstance(item, Row) else (item,)))
    return flat[0] if len(flat) == 1 else Row(flat)


def _node(expr: Expr, setting: Setting) -> Node:
    match expr:
        case Num(value):
            return _number(value)
        case Ref():
            return _ref(expr, setting)
        case Neg(arg):
            return row(Sign("−", Form.PREFIX), _placed(arg, Place.ADDEND, setting))
        case Add():
            return row(*_addends(expr, setting))
        case Mul():
            return row(*_factors(expr, setting))
        case Div(numerator, denominator):
            small = isinstance(numerator, Num) and isinstance(denominator, Num) and _is_short(numerator, denominator)
            return Fraction(_node(numerator, setting), _node(denominator, setting), small)
        case Pow(base, exponent):
            return Scripts(_placed(base, Place.BASE, setting), above=_node(exponent, setting))
        case Call(function, args):
            return _call(function, [_node(arg, setting) for arg in args])
        case Sum(indices, body):
            return row(Limits(Sign("∑", Form.PREFIX), _letters(indices)), _placed(body, Place.BODY, setting))
        case Max(indices, body):
            return row(Limits(Function("max", r"\max"), _letters(indices)), _placed(body, Place.BODY, setting))
        case If():
            return _condition(expr, setting)
        case _:
            assert_never(expr)


def _is_short(*numbers: Num) -> bool:
    return all(len(str(each.value)) == 1 for each in numbers)


def _placed(expr: Expr, place: Place, setting: Setting) -> Node:
    inner = _node(expr, setting)
    return fenced(inner) if needs_parentheses(expr, place, setting.notation) else inner


def fenced(inner: Node, left: str = "(", right: str = ")") -> Fence:
    """Something in parentheses that are as tall as it needs."""
    return Fence(left, inner, right, is_tall(inner))


def is_tall(node: Node) -> bool:
    """Whether something is clearly taller than a line."""
    match node:
        case Fraction(_, _, small):
            return not small
        case Limits() | Cases():
            return True
        case Row(items):
            return any(map(is_tall, items))
        case Scripts(inner) | Root(inner) | Fence(_, inner):
            return is_tall(inner)
        case Italic() | Upright() | Sign() | Function():
            return False
        case _:
            assert_never(node)


def _addends(expr: Add, setting: Setting) -> list[Node]:
    addends = []
    for position, (sign, arg) in enumerate(terms(expr)):
        inner = _placed(arg, Place.ADDEND if position or sign < 0 else Place.FIRST_ADDEND, setting)
        if position:
            inner = row(Sign("+" if sign > 0 else "−"), inner)
        elif sign < 0:
            inner = row(Sign("−", Form.PREFIX), inner)
        addends.append(inner)
    return addends


def _factors(expr: Mul, setting: Setting) -> list[Node]:
    first, *others = (_placed(arg, factor_place(i, len(expr.args)), setting) for i, arg in enumerate(expr.args))
    return [first, *(row(Sign("·"), each) for each in others)]


def _number(value: Decimal) -> Node:
    digits, exponent = number_parts(value)
    sign = (Sign("−", Form.PREFIX),) * value.is_signed()
    if exponent is None:
        return row(*sign, Upright(digits.replace("inf", "∞")))
    power = row(*(Sign("−", Form.PREFIX),) * (exponent < 0), Upright(str(abs(exponent))))
    return row(*sign, Upright(digits), Sign("×"), Scripts(Upright("10"), above=power))


def _ref(ref: Ref, setting: Setting) -> Node:
    if ref == ELLIPSIS:
        return Sign("…", Form.ORDINARY)
    symbol = symbol_of(setting.notation.document, ref)
    indices = tuple(map(printed_index, ref.indices))
    if isinstance(symbol, Symbol):
        return symbol_node(symbol, indices)
    of, by = row(PARTIAL, symbol_node(symbol.of)), row(PARTIAL, symbol_node(symbol.by, indices))
    return row(of, Sign("/", Form.ORDINARY), by) if setting.inline else Fraction(of, by)


def symbol_node(symbol: Symbol, indices: tuple[str, ...] = ()) -> Node:
    """A name with its subscript and superscript; ``x2`` without a subscript is taken as ``x_2``.

    Several indices, and letters, stand in brackets behind the layer's name: ``k_c[1,2]``.
    """
    parts = pieces(symbol)
    base, subscript = parts.base, parts.subscript
    if not subscript and (match := re.fullmatch(r"([^\W\d_]+)(\d+)", base)):
        base, subscript = match.groups()
    subscript = shortened(subscript)
    below, places = (subscript, indices) if indices else _apart(subscript)
    above = Upright(shortened(parts.superscript)) if parts.superscript else None
    letter = Italic(parts.greek or shortened(base))
    named = bool(places) or not re.search(r"\d", below)  # a layer's name is upright, and no letter of an index
    low = _subscript(below, upright=named) if below else None
    if not places:
        return Scripts(letter, low, above) if low or above else letter
    whole = row(Scripts(letter, low) if low else letter, Fence("[", _subscript(",".join(places)), "]", tall=False))
    return Scripts(whole, above=above) if above else whole


def _apart(subscript: str) -> tuple[str, tuple[str, ...]]:
    """A subscript's own part and the numbers in brackets behind it: ``c[1,2]``, or ``1,2`` alone."""
    if re.fullmatch(r"\d+(,\d+)+", subscript):
        return "", (subscript,)
    own, _, inside = subscript.partition("[")
    return own, (inside.removesuffix("]"),) if inside else ()


def shortened(text: str) -> str:
    """A name that fits on a page.

    >>> shortened("x" * 1000)[25:35]
    'xxxx…xxxxx'
    """
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME // 2 - 1]}…{text[-LONGEST_NAME // 2 :]}"


def _subscript(text: str, upright: bool = False) -> Node:
    """``h1`` is a variable and a digit, ``p,q`` are two, ``h2_1`` the first of ``h2``."""
    items: list[Node] = []
    for run in re.findall(r"[^\W\d_]+|\d+|,|_(?=\d)|.", text, re.DOTALL):
        if run in (",", "_"):
            items.append(Sign(",", Form.SEPARATOR) if run == "," or items else Upright(run))
        else:
            items.append(Italic(run) if run.isalpha() and len(run) == 1 and not upright else Upright(run))
    return row(*items)


def _letters(indices: tuple[str, ...]) -> Node:
    return _subscript(",".join(indices))


def _call(function: str, args: list[Node]) -> Node:
    match function, args:
        case "exp", [exponent] if not is_tall(exponent) and width(exponent) <= WIDEST_EXPONENT:
            return Scripts(Italic("e"), above=exponent)
        case "sqrt", [inner]:
            return Root(inner)
        case "abs", [inner]:
            return fenced(inner, "|", "|")
        case "pi", []:
            return Upright("π")
        case _:
            separated = [part for arg in args for part in (Sign(",", Form.SEPARATOR), arg)][1:]
            return row(_function(function), APPLY, fenced(row(*separated) if separated else Row(())))


def _function(name: str) -> Function:
    """How a function is called: by its letter, by its LaTeX command (``\\ln``), else by its name."""
    known = function_row(name)
    latex = known.latex if known else ""
    command = latex[1:] if re.fullmatch(r"\\[a-z]+", latex) else ""
    return Function((known.symbol if known else "") or command or shortened(name), latex)


def _condition(expr: If, setting: Setting) -> Node:
    if is_indicator(expr):
        return fenced(_comparison(expr.test, setting), "[", "]")
    rows = [(_node(expr.then, setting), _comparison(expr.test, setting))]
    otherwise = expr.otherwise
    while isinstance(otherwise, If) and not is_indicator(otherwise):
        rows.append((_node(otherwise.then, setting), _comparison(otherwise.test, setting)))
        otherwise = otherwise.otherwise
    return Cases(tuple(rows), _node(otherwise, setting))


def _comparison(test: Comparison, setting: Setting) -> Node:
    relation = RELATIONS.get(test.relation, test.relation)
    return row(_node(test.left, setting), Sign(relation), _node(test.right, setting))


def width(node: Node) -> float:
    """About how wide something is, in digits."""
    match node:
        case Italic(text) | Upright(text) | Function(text):
            return len(text)
        case Sign(text, form):
            return (1.6 if text == "·" else 2.6) if form == Form.INFIX else 0 if text == APPLY.text else 1
        case Row(items):
            return sum(map(width, items))
        case Fraction(top, bottom, small):
            return max(width(top), width(bottom)) * (0.7 if small else 1) + 0.5
        case Scripts(base, below, above):
            return width(base) + 0.75 * max(width(each) if each else 0 for each in (below, above))
        case Root(inner):
            return width(inner) + 2
        case Fence(_, inner, _, tall):
            return width(inner) + (2 if tall else 1.4)
        case Limits(base, below):
            return max(width(base) + 2, 0.75 * width(below)) + 0.5
        case Cases(rows, otherwise):
            values = max(width(each) for each in (*(value for value, _ in rows), otherwise))
            return values + max(9, *(width(condition) + 3 for _, condition in rows)) + 4
        case _:
            assert_never(node)
