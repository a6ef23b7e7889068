"""Parentheses, signs and digits; a formula printed in a line means what its tree means."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.explain.document import Document, Partial, Symbol
from chainrule.formula.expression import Add, Call, Div, Expr, If, Index, Max, Mul, Neg, Num, Pow, Ref, Sum, number
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.unparse import printed_index
from chainrule.render.layout import formula_box
from chainrule.render.line import formula_line, wrap_formula
from chainrule.render.printer import number_parts, symbol_of
from chainrule.render.symbols import ascii_name, ascii_text, unicode_name
from render.sample import SYMBOLS

DOCUMENT = Document("", (), SYMBOLS)
VALUES = {"a": 1.5, "b": -0.75, "c": 3.0}
a, b, c = map(Ref, "abc")
two, half = number(2), Div(number(1), number(2))
CONDITION = If(Comparison(a, ">", b), a, b)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Add((a, Neg(b))), "a - b"),
        (Add((a, number("-0.10"))), "a - 0.10"),
        (Add((Neg(a), Neg(b))), "-a - b"),
        (Add((a, Neg(Add((b, c))))), "a - (b + c)"),
        (Add((a, Add((b, c)))), "a + (b + c)"),
        (Add((a, Neg(Neg(b)))), "a - (-b)"),
        (Add((number("0.4"), Neg(Mul((number("0.5"), number("-0.0217")))))), "0.4 - 0.5*(-0.0217)"),
        (Add((a, Mul((number("-0.3"), b)))), "a + (-0.3)*b"),
        (Add((a, Mul((Neg(Add((b, c))), c)))), "a + (-(b + c) * c)"),
        (Mul((a, Add((b, c)))), "a * (b + c)"),
        (Mul((a, Mul((b, c)))), "a * (b*c)"),
        (Mul((a, Div(b, c))), "a * (b/c)"),
        (Mul((half, Pow(Add((a, Neg(b))), two))), "1/2 * (a - b)**2"),
        (Div(Mul((a, b)), Mul((b, c))), "a*b/(b*c)"),
        (Div(a, Div(b, c)), "a/(b/c)"),
        (Div(Add((a, b)), Neg(c)), "(a + b)/(-c)"),
        (Pow(number(-2), two), "(-2)**2"),
        (Neg(Pow(a, two)), "-a**2"),
        (Pow(Pow(a, two), two), "(a**2)**2"),
        (Pow(a, Pow(b, two)), "a**b**2"),
        (Pow(a, number(-2)), "a**(-2)"),
        (Pow(number("1E-9"), two), "(1e-9)**2"),
        (Pow(Ref("w5+"), two), "(w5+)**2"),
        (Pow(Ref("dE_total/dw5"), two), "(dE_total/dw5)**2"),
        (Div(number("0.00000000150"), Ref("dE_total/dw5")), "1.50e-9/(dE_total/dw5)"),
        (Mul((a, CONDITION)), "a * (a if a > b else b)"),
        (
            If(Comparison(CONDITION, "<=", b), CONDITION, CONDITION),
            "(a if a > b else b) if (a if a > b else b) <= b else a if a > b else b",
        ),
        (Mul((a, If(Comparison(b, "==", c), number(1), number(0)))), "a * [b == c]"),
        (Mul((Sum(("i", "j"), Add((a, b))), c)), "sum[i,j](a + b) * c"),
        (Max(("j",), Ref("z", (Index((("j", 2),), -1),))), "max[j](z[2j-1])"),
        (Call("leaky_relu", (Neg(a), number("0.01"))), "leaky_relu(-a, 0.01)"),
        (Add((a, Ref("..."), b)), "a + ... + b"),
    ],
)
def test_line(expr: Expr, text: str) -> None:
    assert formula_line(expr, DOCUMENT, ascii=True) == text


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Add((a, Neg(Mul((b, c))))), "a − b·c"),
        (Div(Ref("dE_total/dw5"), Ref("delta_h1")), "∂E_total/∂w5/δ_h1"),
        (Pow(Add((a, b)), two), "(a + b)²"),
        (Pow(Ref("net_h1^(2)"), two), "(net_h1⁽²⁾)²"),
        (Pow(a, Ref("rate")), "a^η"),
        (number("-1.5E-9"), "−1.5×10⁻⁹"),
        (If(Comparison(a, "!=", b), number(1), number(0)), "[a ≠ b]"),
        (Sum(("i",), Mul((a, b))), "Σ[i](a·b)"),
    ],
)
def test_unicode_line(expr: Expr, text: str) -> None:
    assert formula_line(expr, DOCUMENT) == text


BOXES = [
    (Neg(Ref("dE_total/dw5")), ["  ∂E_total", "− ────────", "     ∂w5"]),
    (Mul((a, Sum(("i",), b))), ["a · Σ b", "    i"]),
    (Mul((Sum(("i",), b), a)), ["⎛Σ b⎞ · a", "⎝i  ⎠"]),
    (Mul((half, Pow(Add((a, Neg(b))), two))), ["½ · (a − b)²"]),
    (Mul((a, Div(b, c))), ["    b", "a · ─", "    c"]),
    (Pow(Div(b, c), two), ["   2", "⎛b⎞", "⎜─⎟", "⎝c⎠"]),
    (Pow(Call("exp", (a,)), two), ["    2", "⎛ a⎞", "⎝e ⎠"]),
    (Div(a, Div(b, c)), [" a", "───", " b", " ─", " c"]),
    (Call("sqrt", (a,)), ["√a"]),
    (Call("sqrt", (Add((a, b)),)), ["√(a + b)"]),
    (Call("abs", (Neg(a),)), ["|−a|"]),
    (Call("log", (Div(a, b),)), ["  ⎛a⎞", "ln⎜─⎟", "  ⎝b⎠"]),
    (Pow(a, Neg(b)), [" −b", "a"]),
    (CONDITION, ["⎧ a  if a > b", "⎨", "⎩ b  otherwise"]),
    (Max(("j",), a), ["max a", " j"]),
]


@pytest.mark.parametrize(("expr", "lines"), BOXES, ids=[lines[-1] for _, lines in BOXES])
def test_two_dimensions(expr: Expr, lines: list[str]) -> None:
    box = formula_box(expr, DOCUMENT)
    assert [line.rstrip() for line in box.lines] == lines
    assert {len(line) for line in box.lines} == {box.width}


numbers = st.decimals(0, 100, places=3, allow_nan=False) | st.sampled_from([Decimal("1E-9"), Decimal("2.50E+3")])
leaves = st.builds(Num, numbers) | st.sampled_from([a, b, c])


def compound(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    comparisons = st.builds(Comparison, inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner)
    whole = st.sampled_from([number(2), number(3), number(-1)])
    return st.one_of(
        st.builds(Neg, inner),
        st.builds(Add, several),
        st.builds(Mul, several),
        st.builds(Div, inner, inner),
        st.builds(Pow, inner, whole),
        st.builds(Call, st.just("abs"), st.tuples(inner)),
        st.builds(If, comparisons, inner, inner),
    )


formulas = st.recursive(leaves, compound, max_leaves=12)


def value(expr: Expr) -> float:
    """What the tree means, written out a second time."""
    match expr:
        case Num(digits):
            return float(digits)
        case Ref(name):
            return VALUES[name]
        case Neg(arg):
            return -value(arg)
        case Add(args):
            return sum(map(value, args))
        case Mul(args):
            return math.prod(map(value, args))
        case Div(top, bottom):
            return value(top) / value(bottom)
        case Pow(base, exponent):
            return value(base) ** value(exponent)
        case Call("abs", (arg,)):
            return abs(value(arg))
        case If(test, then, otherwise):
            relation = f"left {test.relation} right"
            taken = eval(relation, {"left": value(test.left), "right": value(test.right)})  # noqa: S307
            return value(then if taken else otherwise)
        case _:
            raise AssertionError(expr)


@settings(deadline=None, max_examples=400)
@given(formulas)
def test_a_line_reads_back_as_what_the_tree_means(expr: Expr) -> None:
    text = formula_line(expr, DOCUMENT, ascii=True)
    # An indicator is a Python list: [a == b]
    code = text.replace("[", "float(").replace("]", ")")
    try:
        expected = value(expr)
    except (ZeroDivisionError, OverflowError):
        return
    read = eval(code, {**VALUES, "abs": abs, "float": float})  # noqa: S307
    assert read == pytest.approx(expected, rel=1e-6, abs=1e-9) or abs(expected) > 1e12


@given(formulas, st.integers(1, 60))
def test_a_wrapped_line_keeps_every_character(expr: Expr, width: int) -> None:
    text = formula_line(expr, DOCUMENT)
    rows = wrap_formula(text, width)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(len(row) <= width or not any(sign in row.strip()[1:] for sign in (" + ", " · ")) for row in rows)


@given(formulas)
def test_boxes_are_rectangles(expr: Expr) -> None:
    box = formula_box(expr, DOCUMENT)
    assert {len(line) for line in box.lines} == {box.width}
    assert 0 <= box.baseline < box.height


def test_numbers_keep_their_digits() -> None:
    digits = ["0", "0.10", "1E-9", "1.50E-9", "0E-12", "1E+3", "-2.5", "NaN", "-Infinity"]
    assert [number_parts(Decimal(each)) for each in digits] == [
        ("0", None),
        ("0.10", None),
        ("1", -9),
        ("1.50", -9),
        ("0.000000000000", None),
        ("1", 3),
        ("2.5", None),
        ("nan", None),
        ("inf", None),
    ]


def test_names() -> None:
    assert ascii_name(Symbol("net", "h1", "2", updated=True)) == "net_h1^(2)+"
    assert unicode_name(Symbol("beta", "1")) == "β1"
    assert unicode_name(Symbol("w", "h[2,1]")) == "w_h[2,1]"
    assert unicode_name(Symbol("w", "5", sample="mean")) == "w5^(mean)"
    assert symbol_of(DOCUMENT, Ref("w_h")) == Symbol("w", "h")
    assert symbol_of(DOCUMENT, Ref("dE_total/dw5")) == Partial(Symbol("E", "total"), Symbol("w", "5"))
    assert ascii_text("Größe 中") == "Gro?e ?"
    assert printed_index(Index((), 3)) == "3"
    assert printed_index(Index((("i", -1), ("u", 2)), 0)) == "−i+2u"
