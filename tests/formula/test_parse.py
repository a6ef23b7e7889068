"""From text to nodes, and what is said about text that is no formula."""

import pickle
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.formula.expression import (
    ONE,
    TWO,
    ZERO,
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
    letter,
    number,
    ref,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.parse import FormulaError, FormulaErrors, Statement, parse_expression, parse_formulas

A, B, C, X = Ref("a"), Ref("b"), Ref("c"), Ref("x")
AT_I, AT_J = Ref("i"), Ref("j")
POSITIVE = Comparison(X, ">", ZERO)

TREES: dict[str, Expr] = {
    # sums: flat from the left, as written on the right
    "a + b + c": Add((A, B, C)),
    "a + (b + c)": Add((A, Add((B, C)))),
    "a - b": Add((A, Neg(B))),
    "a - b + c": Add((A, Neg(B), C)),
    "a - (b - c)": Add((A, Neg(Add((B, Neg(C)))))),
    "a + -b": Add((A, Neg(B))),
    "a - -b": Add((A, Neg(Neg(B)))),
    # products and quotients
    "a * b * c": Mul((A, B, C)),
    "a * (b * c)": Mul((A, Mul((B, C)))),
    "a * b / c": Div(Mul((A, B)), C),
    "a / b * c": Mul((Div(A, B), C)),
    "a / b / c": Div(Div(A, B), C),
    "a / (b / c)": Div(A, Div(B, C)),
    "a * b + c": Add((Mul((A, B)), C)),
    "a * (b + c)": Mul((A, Add((B, C)))),
    # signs and powers
    "-2": Neg(TWO),
    "+a": A,
    "--a": Neg(Neg(A)),
    "-a * b": Mul((Neg(A), B)),
    "-a**2": Neg(Pow(A, TWO)),
    "(-a)**2": Pow(Neg(A), TWO),
    "a**-b": Pow(A, Neg(B)),
    "a**b**c": Pow(A, Pow(B, C)),
    # quantities
    "w_h[j,i]": ref("w_h", ("j", "i")),
    "E": Ref("E"),
    " \t a\u00a0+\r\n b ": Add((A, B)),
    # functions and what runs over an index
    "tanh(a)": Call("tanh", (A,)),
    "sigmoid(a)": Call("logistic", (A,)),
    "σ(a)": Call("logistic", (A,)),
    "ln(a)": Call("log", (A,)),
    "leaky_relu(a)": Call("leaky_relu", (A, number("0.01"))),
    "leaky_relu(a, b)": Call("leaky_relu", (A, B)),
    "pi()": Call("pi", ()),
    "max(a, b)": Call("max", (A, B)),
    "min(a, b)": Call("min", (A, B)),
    "sum[i](a)": Sum(("i",), A),
    "sum[i, k](a)": Sum(("i", "k"), A),
    "max[j](a)": Max(("j",), A),
    "mean[n](a)": Div(Sum(("n",), A), Sum(("n",), ONE)),
    "count[n]": Sum(("n",), ONE),
    # choices
    "a if x > 0 else b": If(POSITIVE, A, B),
    "a if x > 0 else b if x != a else c": If(POSITIVE, A, If(Comparison(X, "!=", A), B, C)),
    "[i == j]": If(Comparison(AT_I, "==", AT_J), ONE, ZERO),
    "[i <= j] * a": Mul((If(Comparison(AT_I, "<=", AT_J), ONE, ZERO), A)),
    "a if 0 <= i < 3 else b": If(Comparison(ZERO, "<=", AT_I), If(Comparison(AT_I, "<", number(3)), A, B), B),
    "a if x > 0 and i >= j else b": If(POSITIVE, If(Comparison(AT_I, ">=", AT_J), A, B), B),
    "[x > 0 and i == j]": If(POSITIVE, If(Comparison(AT_I, "==", AT_J), ONE, ZERO), ZERO),
}


@pytest.mark.parametrize("text", TREES)
def test_a_text_is_read_as_its_tree(text: str) -> None:
    assert parse_expression(text) == TREES[text]


@pytest.mark.parametrize("text", ["0.10", "0.1", "10", "1e-3", "1E5", "2.50e+10", ".5", "1e9999", "0", "0.0", "1e-05"])
def test_a_number_stays_as_it_was_typed(text: str) -> None:
    found = parse_expression(text)
    assert isinstance(found, Num)
    assert found.value.as_tuple() == Decimal(text).as_tuple()


def test_the_count_of_a_mean_is_marked() -> None:
    for text in ("count[n]", "1 / count[n]", "mean[n](a)"):
        assert [node.indices for node in walk(parse_expression(text)) if node.why is Why.MEAN] == [("n",)]
    assert all(node.why is None for node in walk(parse_expression("sum[n](1)")))


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("i", letter("i")),
        ("0", Index(())),
        ("-2", Index((), -2)),
        ("i + u", Index((("i", 1), ("u", 1)))),
        ("2*i + u", Index((("i", 2), ("u", 1)))),
        ("t - 1", Index((("t", 1),), -1)),
        ("-1 + i", Index((("i", 1),), -1)),
        ("i*2", Index((("i", 2),))),
        ("2*(i+1)", Index((("i", 2),), 2)),
        ("-(i - 2*u)", Index((("i", -1), ("u", 2)))),
        ("+i", letter("i")),
        ("i + i", Index((("i", 2),))),
        ("i - i", Index(())),
        ("2*3*i", Index((("i", 6),))),
    ],
)
def test_an_index_is_affine(text: str, index: Index) -> None:
    assert parse_expression(f"x[{text}]") == Ref("x", (index,))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_every_function_is_read_under_each_of_its_names(row) -> None:  # type: ignore[no-untyped-def]
    needed = len(row.parameters) - len(row.defaults)
    expected = Call(row.name, (*[A] * needed, *map(parse_expression, row.defaults)))
    for name in (row.name, *row.aliases):
        assert parse_expression(f"{name}({', '.join(['a'] * needed)})") == expected


# What people write; where it is wrong (at the sign ▼, which is not part of the text), and words of what is said.
MISTAKES: list[tuple[str, str, str]] = [
    ("x▼^2", "^ is not a power", "x**2"),
    ("a + ▼2x", "number stands right before a name", "2 * x"),
    ("▼2 w", "number stands right before", "2 * x"),
    ("▼2(a + b)", "number stands right before", "2 * x"),
    ("w ▼x", "two values stand side by side", "w * x"),
    ("w[i] ▼x[i]", "two values stand side by side", "w * x"),
    ("(a + b) ▼c", "two values stand side by side", "w * x"),
    ("(a - b)▼(a + b)", "follows what is not a function", "write *"),
    ("w[i]▼(a)", "follows what is not a function", "write *"),
    ("tanh(a)▼(b)", "follows what is not a function", "write *"),
    ("exp ▼a", "the argument of exp", "exp(...)"),
    ("▼w5(a)", "there is no function w5", "w5 * (...)"),
    ("a + ▼sigmod(x)", "there is no function sigmod", "did you mean sigmoid(...)?"),
    ("▼Sum(x)", "there is no function Sum", "did you mean sum[i](...)?"),
    ("▼Sum[i](x[i])", "there is no Sum", "sum[i](...)"),
    ("▼exp[i](x)", "exp takes no index", "exp(x[i])"),
    ("▼tanh(a, b)", "tanh has 2 arguments but takes 1", "tanh(x)"),
    ("▼leaky_relu()", "leaky_relu has 0 arguments but takes 1 to 2", "leaky_relu(x, a)"),
    ("▼max(a)", "max has 1 argument but takes 2", "max[i](...)"),
    ("▼exp(*a)", "a star", "in their order"),
    # sums
    ("▼sum(w[i] * x[i])", "over which index", "sum[i](...)"),
    ("▼mean(x)", "over which index", "mean[i](...)"),
    ("1 / ▼count(x)", "over which index", "count[i]"),
    ("a * ▼sum[i]", "no formula after it", "sum[i](...)"),
    ("▼max[i]", "no formula after it", "max(a, b)"),
    ("sum[i] ▼x[i]", "needs parentheses", "sum[i](...)"),
    ("▼sum + 1", "a meaning of its own", "sum[i](...)"),
    ("▼sum[i](a, b)", "takes one formula", "sum[i](w[i] * x[i])"),
    ("sum[▼2](a)", "different letters", "sum[i,j](...)"),
    ("sum[▼i,i](a)", "different letters", "sum[i,j](...)"),
    ("sum[▼i + 1](a)", "different letters", "sum[i](...)"),
    ("▼count[n](a)", "takes no formula", "1 / count[i]"),
    # indices
    ("w[i]▼[j]", "an index follows", "w[i,j]"),
    ("x[▼i*j]", "can't be an index", "2*i + u"),
    ("x[▼0.5]", "can't be an index", "t - 1"),
    ("x[i + ▼1.0]", "can't be an index", "t - 1"),
    ("x[▼True]", "can't be an index", "t - 1"),
    ("x[1▼:2]", "a colon", "whole range"),
    ("x[▼99999999999]", "too large", "1000000000"),
    ("x[▼]", "missing before this ]", "write it"),
    ("x[▼sum]", "a meaning of its own", "another"),
    # numbers
    ("▼0x1F", "decimal digits", "0.5"),
    ("▼1_000", "_ in it", "1e-3"),
    ("a + ▼007", "begins with a 0", "leave"),
    ("▼1e99999", "not a decimal number", "4 digits"),
    ("▼nan", "not a number", "0.5"),
    ("-▼inf", "not a number", "0.5"),
    ("▼True", "not a number", "0.5"),
    ("▼1,5 * x", "a comma", "0.5"),
    ("▼" + "1" * 5000, "more than 1000 digits", "fewer"),
    ("1 + ▼... + 9", "dots", "sum[i](...)"),
    # signs of other ways of writing
    ("a ▼− b", "typographic minus", "write -"),
    ("a ▼· b", "not read as a product", "*"),
    ("a ▼× b", "not read as a product", "*"),
    ("a ▼÷ b", "not read as a quotient", "/"),
    ("x▼²", "raised sign", "x**2"),
    ("x▼⁻¹", "raised sign", "x**2"),
    ("▼Σ w[i]", "not read as a sum", "sum[i](...)"),
    ("▼√x", "not read as a root", "sqrt(...)"),
    ("▼∂E", "not read", "derivatives"),
    ("1 if a ▼≤ b else 0", "comparison is not read", "<="),
    ("1 if a ▼=> b else 0", "comparison is not read", ">="),
    ("▼|x|", "no meaning", "abs(x)"),
    ("w▼{j}", "brace", "[ ]"),
    ("▼\\frac{a}{b}", "LaTeX", "a / b"),
    ("▼$x", "LaTeX", "a / b"),
    ("x▼'", "quotation mark", "x_new"),
    ("▼'a'", "quotation mark", "names"),
    ("a ▼@ b", "@ is not a product", "sum[i]"),
    ("a ▼// b", "no meaning", "quotient"),
    ("a ▼% b", "% has no meaning", "0.1"),
    ("a▼; b", "semicolon", "own line"),
    ("a ▼# b", "a comment", "leave it out"),
    ("▼η * w", "the character η", "write eta"),
    ("a + ▼δ_o1", "the character δ", "write delta"),
    ("▼λ * w", "the character λ", "write lam"),
    ("2 * ▼π", "the character π", "write pi()"),
    ("▼½ * x", "the character ½", "write 1/2"),
    ("x▼₁", "the character ₁", "write 1"),
    ("x▼\0", "U+0000", "a to z"),
    ("▼\ud800", "U+D800", "a to z"),
    ("σ(x) + σ(w[i]▼[j])", "an index follows", "w[i,j]"),
    # Python that is no formula
    ("a▼.b", "a dot", "w_h"),
    ("▼lambda * w", "reserved word", "lam"),
    ("▼lambda x: x", "reserved word", "lam"),
    ("[i ▼for i in x]", "for is a reserved word", "sum[i](...)"),
    ("▼yield a", "reserved word", "another"),
    ("a ▼= b", "= stands inside", "=="),
    ("exp(x▼=1)", "= stands inside", "=="),
    ("(x :▼= 1)", "= stands inside", "=="),
    ("▼a == b", "stands alone", "[a > b]"),
    ("▼a and b", "can't stand here", "x if a > b"),
    ("▼not a", "can't stand here", "x if a > b"),
    ("a if ▼x else b", "must compare", "x > 0"),
    ("a if ▼not x > 0 else b", "must compare", "x > 0"),
    ("a if ▼x > 0 or y > 0 else b", "joined by and only", "inside another"),
    ("a if ▼x is b else c", "comparison has no meaning", "=="),
    ("▼[a, b]", "a list", "[i == j]"),
    ("▼a, b", "a comma", "own line"),
    ("▼if x > 0", "an if needs", "x if a > b else y"),
    # what is missing or too much
    ("▼", "empty", "w * x + b"),
    ("a +▼ ", "ends where a value is missing", "write the value"),
    ("a + ▼* b", "missing before this *", "leave out"),
    ("(a + ▼)", "missing before this )", "leave out"),
    ("a * ▼(b + c", "this ( is never closed", "missing )"),
    ("w▼[j,i", "this [ is never closed", "missing ]"),
    ("a + b▼)", "this ) closes nothing", "leave it out"),
    ("w[j,i▼)", ") stands where ] must close", "write ]"),
    ("▼" + "n" * 101, "a name has 101 characters", "100"),
    ("▼" + "a + " * 2500 + "a", "10001 characters", "10000"),
    ("(" * 60 + "▼(a" + ")" * 61, "more than 60", "split"),
    ("▼" + "-" * 61 + "a", "nested too deeply", "split"),
    ("▼" + "-" * 9000 + "a", "nested too deeply", "split"),
    ("▼" + "a if b > c else " * 600 + "a", "nested too deeply", "split"),
    ("▼" + "a if " + " and ".join(["b > c"] * 50) + " else (" + "a + " * 500 + "a)", "too large", "split"),
]


@pytest.mark.parametrize(("marked", "problem", "hint"), MISTAKES, ids=[each[0][:30] for each in MISTAKES])
def test_an_error_says_what_where_and_what_to_write_instead(marked: str, problem: str, hint: str) -> None:
    text = marked.replace("▼", "")
    with pytest.raises(FormulaError) as caught:
        parse_expression(text)
    error = caught.value
    assert problem in error.problem
    assert hint in error.hint
    assert (error.text, error.column, error.line) == (text, marked.index("▼"), 0)


def shown(text: str) -> list[str]:
    with pytest.raises(FormulaError) as caught:
        parse_expression(text)
    return str(caught.value).split("\n")


def test_an_error_points_at_the_character() -> None:
    assert shown("w * x^2") == [
        "^ is not a power here",
        "    w * x^2",
        "         ^ write ** for a power: x**2",
    ]
    # in a long formula only the part around it is shown
    _, formula, caret = shown("a + " * 100 + "x^2" + " + a" * 100)
    assert len(formula) <= 104
    assert formula[caret.index("^")] == "^"
    # of several lines, the one
    assert shown("(a +\n  x^2 +\n b)")[1:] == ["      x^2 +", "       ^ write ** for a power: x**2"]
    # what a terminal would obey is not shown, and a wide character takes two places
    assert shown("a\x1b[31m + b")[1] == "    a [31m + b"
    assert shown("x + 中^")[2].index("^") == 4 + len("x + ") + 2


def test_errors_can_be_sent_to_another_process() -> None:
    with pytest.raises(FormulaErrors) as caught:
        parse_formulas("a = 2x\nb = y^2")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert isinstance(again, FormulaErrors)
    assert str(again) == str(caught.value)
    assert [each.line for each in again.errors] == [1, 2]


def test_formulas_stand_on_lines() -> None:
    text = """
# the forward pass
net[n,j] = sum[i](w[j,i] * x[n,i]) + b  # one bias for all

E = (a +   # goes on while a parenthesis is open
     # with a comment between

     b)
y[ n , j ]=a if x == b else c\r\nz=1"""
    net, e, y, z = parse_formulas(text)
    body = Mul((ref("w", ("j", "i")), ref("x", ("n", "i"))))
    assert net == Statement(
        "net",
        ("n", "j"),
        Add((Sum(("i",), body), B)),
        "net[n,j] = sum[i](w[j,i] * x[n,i]) + b",
        3,
    )
    assert e == Statement("E", (), Add((A, B)), "E = (a + b)", 5)
    assert y == Statement("y", ("n", "j"), If(Comparison(X, "==", B), A, C), "y[ n , j ]=a if x == b else c", 9)
    assert z == Statement("z", (), ONE, "z=1", 10)


def test_no_formulas_are_no_problem() -> None:
    assert parse_formulas("") == parse_formulas("\n  # nothing yet\n") == ()


def problems(text: str) -> list[tuple[int, str]]:
    """Each problem's line and the text from the place it points at."""
    with pytest.raises(FormulaErrors) as caught:
        parse_formulas(text)
    return [(each.line, each.text[each.column :]) for each in caught.value.errors]


def test_all_errors_of_a_text_come_at_once() -> None:
    text = "a = x^2\nb = 1\nc = (2 *\n# a comment\n\n  y[i][j] +\n  z)\nd = (e + \nf = 2g\n3 = h"
    assert problems(text) == [
        (1, "^2"),
        (6, "[j] +\n  z)"),
        (8, "(e +"),  # the parenthesis that was forgotten doesn't swallow the next line
        (9, "2g"),
        (10, "3 = h"),
    ]


@pytest.mark.parametrize(
    ("marked", "problem", "hint"),
    [
        ("▼w * x + b", "no =", "net[j] ="),
        ("▼y == x", "no =", "net[j] ="),
        ("▼2 = x", "left side", "net[n,j]"),
        ("▼ = x", "left side", "net[n,j]"),
        ("▼y + 1 = x", "left side", "net[n,j]"),
        ("▼y[i][j] = x", "left side", "net[n,j]"),
        ("▼f(x) = 2 * x", "can't define a function", "y[i]"),
        ("y[▼i,i] = x", "different letters", "net[n,j]"),
        ("y[▼i + 1] = x", "different letters", "net[n,j]"),
        ("y[▼0] = x", "different letters", "net[n,j]"),
        ("y[▼] = x", "different letters", "net[n,j]"),
        ("▼sum = x", "meaning of its own", "another"),
        ("▼lambda = x", "reserved word", "lam"),
        ("y[▼in] = x", "reserved word", "another"),
        ("▼nan = x", "not a number", "another name"),
        ("▼" + "n" * 101 + " = x", "101 characters", "100"),
        ("▼η = 0.5", "the character η", "eta"),
        ("y[▼λ] = 0.5", "the character λ", "lam"),
        ("y = a ▼= b", "= stands twice", "two lines"),
        ("y =▼", "empty", "w * x + b"),
        ("y = ▼()", "nothing stands", "leave them out"),
    ],
)
def test_a_left_side_is_a_name_with_letters(marked: str, problem: str, hint: str) -> None:
    text = marked.replace("▼", "")
    with pytest.raises(FormulaErrors) as caught:
        parse_formulas(text)
    (error,) = caught.value.errors
    assert problem in error.problem
    assert hint in error.hint
    assert (error.text, error.column, error.line) == (text, marked.index("▼"), 1)


def test_a_long_sum_is_not_a_deep_one() -> None:
    found = parse_expression(" + ".join(["a"] * 2000))
    assert isinstance(found, Add)
    assert len(found.args) == 2000


def test_the_deepest_formula_is_read() -> None:
    assert parse_expression("-" * 59 + "a")
    assert parse_expression("(" * 60 + "a" + ")" * 60) == A


# Any text is read or refused. Random characters rarely get far, so most texts are made of a formula's own pieces.
PIECES = [
    *"abijxwnσλ0129 .,:=<>!+-*/%^()[]{}#'\"\\\n\t_~@é²−Σ中\u200b\u2028\r\0",
    *("sum", "max", "mean", "count", "sum[i](", "mean[n](", "count[n]", "exp(", "leaky_relu(", "w[j,i]", "**", "=="),
    *("!=", "<=", " if ", " else ", " and ", " or ", " not ", " in ", "lambda ", " for ", "1e-3", "0x1", "1_0", "2j"),
    *("True", "nan", "...", "[i == j]", " = ", "\ny[i] = ", "[i]", "()", "[]", "a" * 101, "-" * 70, "(" * 61),
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))


def errors_in(text: str, read: Callable[[str], object]) -> tuple[FormulaError, ...]:
    """What is said about a text: nothing where it can be read."""
    try:
        assert read(text) is not None
    except FormulaError as error:
        return (error,)
    except FormulaErrors as errors:
        return errors.errors or pytest.fail("errors without an error")
    return ()


@settings(max_examples=600)
@given(texts)
def test_any_text_is_a_formula_or_a_formula_error(text: str) -> None:
    for error in errors_in(text, parse_expression):
        assert 0 <= error.column <= len(text)
        assert error.problem
        assert error.hint
        lines = str(error).split("\n")
        assert len(lines) == 3
        assert all(line.isprintable() for line in lines)


@settings(max_examples=600)
@given(texts, texts)
def test_any_text_is_a_list_of_formulas_or_formula_errors(first: str, second: str) -> None:
    text = f"y = {first}\n{second}"
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for error in errors_in(text, parse_formulas):
        assert 1 <= error.line <= len(lines)
        # the line named is the line that holds the character
        begin = error.text.rfind("\n", 0, error.column) + 1
        assert lines[error.line - 1].startswith(error.text[begin:].split("\n")[0].rstrip())
