"""Formulas as two-dimensional text: fractions with a bar, raised exponents, indices below a ``Σ``."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import assert_never

from chainrule.explain.document import ELLIPSIS, Document, Partial
from chainrule.formula.expression import ONE, TWO, Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum
from chainrule.formula.expression import Test as Comparison
from chainrule.render.line import (
    RELATIONS,
    UNICODE,
    indices_text,
    is_small_exponent,
    number_line,
    product_sign,
    ref_line,
)
from chainrule.render.printer import (
    Notation,
    Place,
    factor_place,
    is_indicator,
    needs_parentheses,
    symbol_of,
    terms,
)
from chainrule.render.symbols import SUPERSCRIPTS, unicode_name

PEOPLES_NAMES = {"log": "ln"}


@dataclass(frozen=True, slots=True)
class Box:
    """Lines of equal width; those of neighbours are joined so that the lines at ``baseline`` (from 0) meet."""

    lines: tuple[str, ...]
    baseline: int = 0

    @property
    def width(self) -> int:
        return len(self.lines[0])

    @property
    def height(self) -> int:
        return len(self.lines)


def box(text: str) -> Box:
    """One line of text."""
    return Box((text,))


def stack(lines: list[str], baseline: int) -> Box:
    """Lines below each other, each in the middle."""
    width = max(map(len, lines))
    return Box(
        tuple(line.center(width) if (width - len(line)) % 2 == 0 else f" {line}".center(width) for line in lines),
        baseline,
    )


def beside(*boxes: Box) -> Box:
    """Boxes next to each other.

    >>> for line in beside(box("1 + "), fraction(box("a"), box("b + c"))).lines:
    ...     print(f"|{line}|")
    |      a  |
    |1 + ─────|
    |    b + c|
    """
    above = max(each.baseline for each in boxes)
    below = max(each.height - each.baseline for each in boxes)
    columns = []
    for each in boxes:
        blank = " " * each.width
        columns.append(
            (blank,) * (above - each.baseline) + each.lines + (blank,) * (below - each.height + each.baseline)
        )
    return Box(tuple(map("".join, zip(*columns, strict=True))), above)


def fraction(numerator: Box, denominator: Box) -> Box:
    """A built-up fraction; its bar is longer than that of a fraction inside it."""
    width = max(numerator.width, denominator.width)
    inner = any(line.startswith("─") or line.endswith("─") for line in (*numerator.lines, *denominator.lines))
    bar = "─" * (width + 2 * inner)
    return stack([*numerator.lines, bar, *denominator.lines], numerator.height)


def parenthesised(inner: Box, left: str = "(⎛⎜⎝", right: str = ")⎞⎟⎠") -> Box:
    """A box in parentheses as tall as itself."""
    return beside(fence(inner, left), inner, fence(inner, right))


def fence(inner: Box, pieces: str) -> Box:
    """A parenthesis as tall as a box; ``pieces`` are the short one, and top, middle and bottom of a tall one."""
    short, top, middle, bottom = tuple(pieces)
    if inner.height == 1:
        return box(short)
    return Box((top, *middle * (inner.height - 2), bottom), inner.baseline)


def raised(base: Box, exponent: Box) -> Box:
    """An exponent to the right of a box, above it."""
    above = (" " * base.width + line for line in exponent.lines)
    below = (line + " " * exponent.width for line in base.lines)
    return Box((*above, *below), exponent.height + base.baseline)


def below(sign: str, index: str) -> Box:
    """An operator such as Σ with its index below it."""
    return stack([sign, index], 0)


def formula_box(expr: Expr, document: Document, slashed: bool = False) -> Box:
    """A formula in two dimensions; ``slashed`` keeps the names of derivatives in a line.

    >>> from chainrule.formula.expression import number
    >>> logistic = Div(number(1), Add((number(1), Call("exp", (Neg(Ref("x")),)))))
    >>> for line in formula_box(logistic, Document("", ())).lines:
    ...     print(f"|{line}|")
    |   1   |
    |───────|
    |     −x|
    |1 + e  |
    """
    return _box(expr, Notation(document, built_up=True, slashed=slashed), top=True)


def row_boxes(expr: Expr, document: Document, slashed: bool = False, room: int | None = None) -> list[Box]:
    """The pieces between which a long formula is broken into rows: signed addends, or factors.

    Where a room is given, a sum in parentheses that is wider is broken at its addends.
    """
    notation = Notation(document, built_up=True, slashed=slashed)
    match expr:
        case Add():
            return _addends(expr, notation)
        case Mul(args):
            pieces: list[Box] = []
            for place, arg in enumerate(args):
                sign = [box(f"{UNICODE.times} ")] if place else []
                whole = _placed(arg, factor_place(place, len(args)), notation)
                wide = room is not None and whole.width > room
                inner = _opened(arg, notation) if wide and isinstance(arg, Add) else [whole]
                pieces += [beside(*sign, inner[0]), *inner[1:]]
            return pieces
        case _:
            return [_box(expr, notation, top=True)]


def _opened(add: Add, notation: Notation) -> list[Box]:
    """The addends of a sum in parentheses, the parentheses with the first and the last."""
    first, *between, last = _addends(add, notation)
    return [beside(fence(first, "(⎛⎜⎝"), first), *between, beside(last, fence(last, ")⎞⎟⎠"))]


def _placed(expr: Expr, place: Place, notation: Notation) -> Box:
    inner = _box(expr, notation)
    return parenthesised(inner) if needs_parentheses(expr, place, notation) else inner


def _box(expr: Expr, notation: Notation, top: bool = False) -> Box:
    match expr:
        case Num(value):
            return box(number_line(value, UNICODE))
        case Ref():
            return _ref(expr, notation)
        case Neg(arg):
            return _negative(_placed(arg, Place.ADDEND, notation))
        case Add():
            first, *others = _addends(expr, notation)
            return beside(first, *(part for each in others for part in (box(" "), each)))
        case Mul(args):
            return _product([_placed(arg, factor_place(i, len(args)), notation) for i, arg in enumerate(args)], top)
        case Div(numerator, denominator):
            if (numerator, denominator) == (ONE, TWO):
                return box("½")
            return fraction(_box(numerator, notation), _box(denominator, notation))
        case Pow(base, exponent):
            return _power(_placed(base, Place.BASE, notation), exponent, notation)
        case Call("pi", ()):
            return box("π")
        case Call(function, args):
            return _call(function, [_box(arg, notation) for arg in args], bare=isinstance(args[0], Ref | Num))
        case Sum(indices, body):
            return beside(below("Σ", ",".join(indices)), box(" "), _placed(body, Place.BODY, notation))
        case Max(indices, body):
            return beside(below("max", ",".join(indices)), box(" "), _placed(body, Place.BODY, notation))
        case If(test, then, otherwise):
            condition = _comparison(test, notation)
            if is_indicator(expr):
                return parenthesised(condition, "[⎡⎢⎣", "]⎤⎥⎦")
            return _cases(_box(then, notation), condition, _box(otherwise, notation))
        case _:
            assert_never(expr)


def _ref(ref: Ref, notation: Notation) -> Box:
    symbol = symbol_of(notation.document, ref)
    if ref == ELLIPSIS or not isinstance(symbol, Partial) or notation.slashed:
        return box(ref_line(ref, notation.document, UNICODE))
    return fraction(box(f"∂{unicode_name(symbol.of)}"), box(f"∂{unicode_name(symbol.by, indices_text(ref))}"))


def _negative(inner: Box) -> Box:
    """A minus sign, kept away from the bar of a fraction."""
    return beside(box("− " if inner.lines[inner.baseline].startswith("─") else "−"), inner)


def _addends(expr: Add, notation: Notation) -> list[Box]:
    boxes = []
    for position, (sign, arg) in enumerate(terms(expr)):
        inner = _placed(arg, Place.ADDEND if position or sign < 0 else Place.FIRST_ADDEND, notation)
        if position:
            inner = beside(box("+ " if sign > 0 else "− "), inner)
        boxes.append(_negative(inner) if sign < 0 and not position else inner)
    return boxes


def _product(factors: list[Box], top: bool) -> Box:
    tall = any(each.height > 1 for each in factors)
    sign = box(product_sign(UNICODE.times, [line for each in factors for line in each.lines], top or tall))
    first, *others = factors
    return beside(first, *(part for each in others for part in (sign, each)))


def _power(base: Box, exponent: Expr, notation: Notation) -> Box:
    inner = _box(exponent, notation)
    if is_small_exponent(exponent) and base.height == 1:
        return beside(base, box(inner.lines[0].translate(SUPERSCRIPTS)))
    return raised(base, inner)


def _call(function: str, args: list[Box], bare: bool) -> Box:
    inner = beside(args[0], *(part for each in args[1:] for part in (box(", "), each)))
    match function:
        case "exp":
            return raised(box("e"), inner)
        case "abs":
            return parenthesised(inner, "|⎢⎢⎢", "|⎥⎥⎥")
        case "sqrt":
            return beside(box("√"), inner if bare and inner.height == 1 else parenthesised(inner))
        case _:
            return beside(box(PEOPLES_NAMES.get(function, function)), parenthesised(inner))


def _comparison(test: Comparison, notation: Notation) -> Box:
    relation = RELATIONS.get(test.relation, test.relation)
    return beside(_box(test.left, notation), box(f" {relation} "), _box(test.right, notation))


def _cases(then: Box, condition: Box, otherwise: Box) -> Box:
    """Two rows behind a brace: the value and its condition, and the value otherwise."""
    width = max(then.width, otherwise.width)
    rows = [
        beside(_widened(then, width), box("  if "), condition),
        beside(_widened(otherwise, width), box("  otherwise")),
    ]
    width = max(row.width for row in rows)
    lines = [*(_widened(rows[0], width).lines), " " * width, *(_widened(rows[1], width).lines)]
    middle = rows[0].height
    brace = ["⎪"] * len(lines)
    brace[0], brace[middle], brace[-1] = "⎧", "⎨", "⎩"
    return Box(tuple(f"{piece} {line}" for piece, line in zip_longest(brace, lines)), middle)


def _widened(inner: Box, width: int) -> Box:
    return Box(tuple(line.ljust(width) for line in inner.lines), inner.baseline)
