"""Every row of the function table: its slopes, its stable form, its convention at a kink, and PyTorch's numbers.

Also the derivative of any scalar formula, and what may be left out of it, because the rows' slopes come from there.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from chainrule.formula.expression import (
    Add,
    Call,
    Div,
    Expr,
    If,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Why,
    because,
    children,
    number,
    refs,
    replace_refs,
    walk,
    with_children,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import FUNCTIONS, Function, function_row
from chainrule.formula.parse import parse_expression
from chainrule.formula.simplify import tidy
from chainrule.formula.slopes import derivative, formula_of, slope_of, stable_of
from chainrule.formula.unparse import to_text
from chainrule.numbers.evaluate import FLOAT, Arithmetic, evaluate, many_digits

DIGITS = many_digits(100)  # so that a difference quotient with a tiny step has 40 right digits
STEP = DIGITS.number(10) ** -25
ROWS = pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
FORMULAS = pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.formula], ids=lambda row: row.name)
ACTIVATIONS = pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.activation], ids=lambda row: row.name)

# Every kink of a row with its default settings is a multiple of a half; these keep away from all of them.
SMOOTH = [half / 2 + shift for half in range(-16, 16) for shift in (0.13, 0.31)]
CORNERS = [half / 2 for half in range(-13, 14)]
# Values of the second parameter that a 32-bit float holds exactly: PyTorch rounds the a of celu to one on the way back.
OTHERS = [0.25, 2.0]

# The same function in PyTorch, in the row's own name.
TORCH: Mapping[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "erf", "log1p", "expm1")},
    **{name: getattr(torch, name) for name in ("abs", "sign", "log2", "log10", "tanh", "square")},
    "max": torch.maximum,
    "min": torch.minimum,
    "identity": torch.nn.Identity(),
    "logistic": torch.sigmoid,
    "relu": functional.relu,
    "leaky_relu": lambda x, a=0.01: functional.leaky_relu(x, float(a)),
    "elu": lambda x, a=1.0: functional.elu(x, float(a)),
    "celu": lambda x, a=1.0: functional.celu(x, float(a)),
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "softplus": lambda x: functional.softplus(x, threshold=1000),  # PyTorch gives x itself above its threshold
    "mish": functional.mish,
    "softsign": functional.softsign,
    "logsigmoid": functional.logsigmoid,
    "tanhshrink": functional.tanhshrink,
    "hard_sigmoid": functional.hardsigmoid,
    "hard_tanh": functional.hardtanh,
    "hard_swish": functional.hardswish,
    "relu6": functional.relu6,
    "hard_shrink": lambda x, a=0.5: functional.hardshrink(x, float(a)),
    "soft_shrink": lambda x, a=0.5: functional.softshrink(x, float(a)),
    "sine": torch.sin,
}
# PyTorch holds the 1/6 of this slope as a 32-bit float, whatever the type of x.
ROUNDED_IN_TORCH = {"hard_sigmoid"}
NOT_IN_TORCH = {"pi", "gaussian", "hard_sigmoid_keras2", "stop_gradient"}  # the last is Tensor.detach
IN_TORCH = pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.name in TORCH], ids=lambda row: row.name)


def value(expr: Expr, names: Mapping[str, Any], arithmetic: Arithmetic = DIGITS) -> Any:
    return evaluate(expr, {name: np.array(number, object) for name, number in names.items()}, {}, {}, arithmetic)


def points(row: Function, where: list[float] = SMOOTH) -> list[tuple[float, ...]]:
    """Arguments of a row at which it has a real, finite value."""
    rest: list[tuple[float, ...]] = [(other,) for other in OTHERS] if len(row.parameters) > 1 else [()]
    found = [(x, *others) for x in where for others in rest] if row.parameters else []
    return [each for each in found if math.isfinite(value(call_of(row), named(row, each)))]


def call_of(row: Function) -> Call:
    return Call(row.name, tuple(map(Ref, row.parameters)))


def named(row: Function, at: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(row.parameters, at, strict=True))


def quotient(row: Function, at: tuple[float, ...], argument: int = 0, sides: tuple[int, int] = (-1, 1)) -> Any:
    """The difference quotient of a row's value between two points a few tiny steps away: its true slope."""

    def moved(steps: int) -> Any:
        x = DIGITS.number(at[argument]) + steps * STEP
        return value(call_of(row), named(row, (*at[:argument], x, *at[argument + 1 :])))

    left, right = sides
    return (moved(right) - moved(left)) / ((right - left) * STEP)


def close(ours: Any, theirs: Any) -> bool:
    return bool(abs(ours - theirs) <= 1e-15 * abs(theirs) + STEP)


def stably(expr: Expr) -> Expr:
    """The formula down to the primitives, through the stable forms, as an engine reads it."""
    expr = with_children(expr, tuple(map(stably, children(expr))))
    row = stable_of(expr.function) if isinstance(expr, Call) else None
    if row is None or not isinstance(expr, Call):
        return expr
    return replace_refs(stably(row.formula), dict(zip(row.parameters, expr.args, strict=True)))


def test_names_and_aliases_are_all_different() -> None:
    names = [name for row in FUNCTIONS for name in (row.name, *row.aliases)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.isidentifier() for name in names)


@ROWS
def test_a_row_is_found_by_each_of_its_names(row: Function) -> None:
    for name in (row.name, *row.aliases):
        assert function_row(name) is function_row(name.upper()) is function_row(name.replace("_", "-")) is row


def test_an_unknown_name_has_no_row() -> None:
    assert function_row("sigmoyd") is None
    with pytest.raises(KeyError, match="there is no function sigmoyd"):
        formula_of("sigmoyd")


@ROWS
def test_the_texts_of_a_row_use_its_parameters_only(row: Function) -> None:
    assert "y" not in row.parameters  # in a slope it is the value
    assert len(row.defaults) < len(row.parameters) or not row.defaults
    for text, allowed in ((row.formula, ()), (row.stable, ()), (row.slope, ("y",)), *((d, ()) for d in row.defaults)):
        if text is not None:
            assert {node.name for node in refs(parse_expression(text))} <= {*row.parameters, *allowed}


@ACTIVATIONS
def test_an_activation_needs_no_more_than_one_argument(row: Function) -> None:
    assert len(row.parameters) == 1 + len(row.defaults)
    assert row.title


@ROWS
def test_every_slope_is_the_difference_quotient(row: Function) -> None:
    if row.name == "stop_gradient":  # whose slope is 0 by definition, and not that of its value
        assert slope_of(row.name).formula == parse_expression("0")
        return
    for argument in range(len(row.parameters)):
        formula = slope_of(row.name, argument).formula
        for at in points(row):
            names = named(row, at)
            ours = value(formula, names | {"y": value(call_of(row), names)})
            assert close(ours, quotient(row, at, argument)), (argument, at)


@FORMULAS
def test_the_slope_that_is_derived_is_the_difference_quotient_too(row: Function) -> None:
    assert row.formula is not None
    formula = derivative(parse_expression(row.formula), row.parameters[0])
    for at in points(row):
        assert close(value(formula, named(row, at)), quotient(row, at)), at


@ROWS
def test_points_were_found_for_every_row(row: Function) -> None:
    assert len(points(row)) >= 30 or not row.parameters


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.stable], ids=lambda row: row.name)
def test_the_stable_form_is_the_formula(row: Function) -> None:
    assert row.formula is not None
    assert row.stable is not None
    for at in points(row, SMOOTH + CORNERS):
        names = named(row, at)
        assert close(value(parse_expression(row.stable), names), value(parse_expression(row.formula), names)), at


@ACTIVATIONS
@pytest.mark.parametrize("x", [-1000.0, -100.0, 100.0, 1000.0])
def test_the_stable_form_is_finite_and_right_far_out(row: Function, x: float) -> None:
    names = named(row, (x, *map(float, row.defaults)))
    ours = value(stably(call_of(row)), names, FLOAT)
    slope = value(stably(tidy(slope_of(row.name).formula)), names | {"y": ours}, FLOAT)
    assert ours == pytest.approx(float(value(call_of(row), names)), rel=1e-12, abs=1e-300)
    assert slope == pytest.approx(float(quotient(row, tuple(names.values()))), rel=1e-12, abs=1e-15)


@ROWS
def test_a_kink_is_stated_where_there_is_one_and_nowhere_else(row: Function) -> None:
    """A kink is where the slopes from the two sides differ; where the value jumps they are huge between the sides."""
    bent = []
    for at in points(row, [*CORNERS, 0.25, -0.25]):
        left, across, right = (quotient(row, at, 0, sides) for sides in ((-2, -1), (-1, 1), (1, 2)))
        if abs(left - right) > 1e-15 or abs(across - left) > 1e15:
            bent.append(at)
    assert bool(bent) == bool(row.kink), bent


def test_every_row_is_compared_with_pytorch_or_known_to_be_missing_there() -> None:
    assert set(TORCH) | NOT_IN_TORCH == {row.name for row in FUNCTIONS}
    assert all("PyTorch" not in row.kink for row in FUNCTIONS if row.name in NOT_IN_TORCH)


@IN_TORCH
def test_values_and_slopes_are_those_of_pytorch(row: Function) -> None:
    """At corners too, unless the row states a convention of its own."""
    where = SMOOTH if row.kink and "PyTorch" not in row.kink else [*SMOOTH, *CORNERS, 0.25, -0.25]
    for at in points(row, where):
        x = torch.tensor(at[0], dtype=torch.float64, requires_grad=True)
        oracle = TORCH[row.name](x, *(torch.tensor(other, dtype=torch.float64) for other in at[1:]))
        oracle.backward()
        names = named(row, at)
        ours = value(call_of(row), names)
        slope = value(slope_of(row.name).formula, names | {"y": ours})
        assert x.grad is not None
        assert oracle.item() == pytest.approx(float(ours), rel=1e-12, abs=1e-14), at
        rel = 1e-7 if row.name in ROUNDED_IN_TORCH else 1e-12
        assert x.grad.item() == pytest.approx(float(slope), rel=rel, abs=1e-14), at


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.defaults], ids=lambda row: row.name)
def test_the_default_of_a_parameter_is_that_of_pytorch(row: Function) -> None:
    for x in SMOOTH:
        ours = value(parse_expression(f"{row.name}(x)"), {"x": x}, FLOAT)
        assert ours == pytest.approx(TORCH[row.name](torch.tensor(x, dtype=torch.float64)).item(), rel=1e-13)


@pytest.mark.parametrize(
    ("name", "slopes"),
    [("max", (0, 1)), ("min", (0, 1)), ("hard_sigmoid_keras2", (0,))],
)
def test_the_conventions_that_are_not_pytorchs(name: str, slopes: tuple[int, ...]) -> None:
    row = function_row(name)
    assert row is not None
    for at in [(x,) * len(row.parameters) for x in (-2.5, 2.5)]:
        taken = [float(value(slope_of(name, argument).formula, named(row, at))) for argument in range(len(at))]
        assert taken == list(slopes)


def test_the_constants_of_selu_make_mean_0_and_variance_1_a_fixed_point() -> None:
    """The closed forms in the appendix of the paper."""
    tail = "(1 - erf(1 / sqrt(2)))"
    alpha = value(parse_expression(f"-sqrt(2 / pi()) / ({tail} * exp(1/2) - 1)"), {})
    scale = value(
        parse_expression(
            f"(1 - {tail} * sqrt(exp(1))) * sqrt(2 * pi()) / sqrt(2 * (1 - erf(sqrt(2))) * exp(2) + pi() * {tail}**2"
            f" * exp(1) - 2 * (2 + pi()) * {tail} * sqrt(exp(1)) + pi() + 2)"
        ),
        {},
    )
    assert abs(value(parse_expression("selu(1)"), {}) - scale) < 1e-30
    assert abs(value(parse_expression("selu(x)"), {"x": -1000}) + scale * alpha) < 1e-30


# The derivative of any scalar formula, and tidying.

LEAVES = st.sampled_from([Ref("x"), Ref("z"), *map(number, (0, 1, 2, 3, "0.5", "0.10", -1, -2))])


def _larger(smaller: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(smaller, min_size=2, max_size=3).map(tuple)
    threshold = st.sampled_from([number("0.3"), number(-1)])
    return st.one_of(
        smaller.map(Neg),
        several.map(Add),
        several.map(Mul),
        st.builds(Div, smaller, smaller),
        st.builds(Pow, smaller, st.sampled_from(list(map(number, (0, 1, 2, 3, "0.5", -1))))),
        st.builds(Pow, st.just(number(2)), smaller),
        st.builds(lambda name, arg: Call(name, (arg,)), st.sampled_from(["tanh", "logistic", "gelu", "silu"]), smaller),
        st.builds(lambda left, a, b: If(Comparison(Ref("x"), ">", left), a, b), threshold, smaller, smaller),
    )


EXPRESSIONS = st.recursive(LEAVES, _larger, max_leaves=8)


def real(expr: Expr, names: Mapping[str, Any]) -> Any:
    """The value, where it and all its parts are of ordinary size; other examples, as x / (1 / 0), are passed over."""
    assume(all(abs(value(node, names)) < 1e8 for node in walk(expr)))
    return value(expr, names)


@given(EXPRESSIONS, st.sampled_from(SMOOTH), st.sampled_from([0.83, -1.7]))
def test_the_derivative_of_any_formula_is_the_difference_quotient(expr: Expr, x: float, z: float) -> None:
    above, here, below = (real(expr, {"x": DIGITS.number(x) + side * STEP, "z": z}) for side in (1, 0, -1))
    assume(abs(above - 2 * here + below) < STEP * 1e-15)  # no pole or root nearby
    slope = value(derivative(expr, "x"), {"x": x, "z": z})
    assert abs(slope - (above - below) / (2 * STEP)) <= 1e-12 * max(1, abs(slope))


@given(EXPRESSIONS, st.sampled_from(SMOOTH))
def test_tidying_never_changes_a_value_and_needs_to_be_done_once(expr: Expr, x: float) -> None:
    names = {"x": x, "z": 0.83}
    before = real(expr, names)
    assert abs(value(tidy(expr), names) - before) <= 1e-60 * max(1, abs(before))
    assert tidy(tidy(expr)) == tidy(expr)


@given(EXPRESSIONS)
def test_tidying_does_not_invent_or_alter_a_typed_number(expr: Expr) -> None:
    typed = {str(node.value) for node in walk(expr) if isinstance(node, Num)} | {"0", "1"}
    assert {str(node.value) for node in walk(tidy(expr)) if isinstance(node, Num)} <= typed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1 * x", "x"),
        ("x * 1", "x"),
        ("x / 1", "x"),
        ("x**1", "x"),
        ("0 + x", "x"),
        ("0 * x", "0"),
        ("-0", "0"),
        ("-(-x)", "x"),
        ("-(0 * x)", "0"),
        ("a * (-b)", "-(a * b)"),
        ("(-a) * (-b)", "a * b"),
        ("a * (b * c)", "a * b * c"),
        ("1/2 * 2 * e", "e"),
        ("1/2 * e * 2", "e"),
        ("1/3 * 2 * e", "1 / 3 * 2 * e"),
        ("a if x > 0 else a", "a"),
        ("0.15 * 0.05 + 0.20 * 0.10", "0.15 * 0.05 + 0.20 * 0.10"),
        ("z + y + x", "z + y + x"),
        ("z * y * x", "z * y * x"),
        ("sum[i](sum[j](w[i,j]))", "sum[i](sum[j](w[i,j]))"),
    ],
)
def test_what_says_nothing_is_left_out_and_the_rest_stays_as_written(before: str, after: str) -> None:
    assert to_text(tidy(parse_expression(before))) == after


@pytest.mark.parametrize("text", ["y", "y * (1 - y)", "-y", "1 * y", "y / 1", "y**1", "0 + y", "-(-y)"])
def test_a_factor_that_is_a_slope_stays_marked(text: str) -> None:
    product = tidy(Mul((Ref("d", why=Why.UPSTREAM), because(parse_expression(text), Why.SLOPE))))
    factors = product.arg if isinstance(product, Neg) else product
    assert isinstance(factors, Mul)
    assert [factor.why for factor in factors.args] == [Why.UPSTREAM] + [Why.SLOPE] * (len(factors.args) - 1)


@pytest.mark.parametrize(
    ("formula", "slope"),
    [
        ("x**2", "2 * x"),
        ("x**3", "3 * x**2"),
        ("x**0.5", "0.5 * x**-0.5"),
        ("x**2.00000000000000000000000000000000000001", "2.00000000000000000000000000000000000001 * "
         "x**1.00000000000000000000000000000000000001"),
        ("2**x", "log(2) * 2**x"),
        ("1/2 * (t - x)**2", "-(t - x)"),
        ("logistic(x)", "logistic(x) * (1 - logistic(x))"),
        ("a * z", "0"),
        ("x if z > 0 else 0", "[z > 0]"),
        ("sum[i](x * w[i])", "w[i]"),
    ],
)  # fmt: skip
def test_derivatives_read_as_people_write_them(formula: str, slope: str) -> None:
    assert to_text(derivative(parse_expression(formula), "x")) == slope
