"""The functions that may stand in a formula, a row each."""

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one or more numbers.

    ``formula`` is in terms of ``parameters``, and None for a primitive, whose values each number system brings.
    ``slope`` is the derivative with respect to the first parameter and may use ``y``, the function's own value; the
    other derivatives, and that of a row without it, follow from the formula. ``defaults`` are for the last
    parameters. ``stable`` is a form that doesn't overflow, for engines. ``kink`` states what holds where the slope
    isn't defined. ``source`` says where the function comes from.
    """

    name: str
    formula: str | None
    slope: str | None = None
    parameters: tuple[str, ...] = ("x",)
    defaults: tuple[str, ...] = ()
    stable: str | None = None
    kink: str = ""
    symbol: str = ""
    latex: str = ""
    aliases: tuple[str, ...] = ()
    source: str = ""
    title: str = ""
    activation: bool = False


def _primitive(name: str, slope: str, *aliases: str, kink: str = "", latex: str = "") -> Function:
    return Function(name, None, slope, aliases=aliases, kink=kink, latex=latex)


FUNCTIONS = (
    _primitive("exp", "y", latex=r"\exp"),
    _primitive("log", "1 / x", "ln", latex=r"\ln"),
    _primitive("sqrt", "1 / (2 * y)"),
    _primitive("sin", "cos(x)", latex=r"\sin"),
    _primitive("cos", "-sin(x)", latex=r"\cos"),
    Function("tan", "sin(x) / cos(x)", "1 + y**2", latex=r"\tan"),
    _primitive("erf", "2 / sqrt(pi()) * exp(-x**2)"),
    Function("pi", None, parameters=(), symbol="π", latex=r"\pi", title="pi, written pi()"),
    _primitive("log1p", "1 / (1 + x)"),
    _primitive("expm1", "y + 1"),
    Function("abs", None, "1 if x > 0 else (-1 if x < 0 else 0)", kink="At 0 the slope is taken as 0, as in PyTorch."),
    Function("sign", None, "0", kink="At 0 the value is 0; the slope is 0 everywhere, as in PyTorch."),
    Function("stop_gradient", "x", "0", title="x itself, for derivatives a given number"),
    Function(
        "max",
        "a if a > b else b",
        parameters=("a", "b"),
        kink="Where both are equal, the second one gets the slope 1.",
        latex=r"\max",
    ),
    Function(
        "min",
        "a if a < b else b",
        parameters=("a", "b"),
        kink="Where both are equal, the second one gets the slope 1.",
        latex=r"\min",
    ),
    Function("log2", "log(x) / log(2)", latex=r"\log_2"),
    Function("log10", "log(x) / log(10)", latex=r"\log_{10}"),
    Function("identity", "x", "1", aliases=("linear", "none"), title="identity", activation=True),
    Function(
        "logistic",
        "1 / (1 + exp(-x))",
        "y * (1 - y)",
        stable="1 / (1 + exp(-x)) if x > 0 else exp(x) / (1 + exp(x))",
        symbol="σ",
        latex=r"\sigma",
        aliases=("sigmoid", "σ"),
        title="logistic",
        activation=True,
    ),
    Function("tanh", None, "1 - y**2", latex=r"\tanh", title="hyperbolic tangent", activation=True),
    Function(
        "relu",
        "x if x > 0 else 0",
        "1 if x > 0 else 0",
        kink="At 0 the slope is taken as 0, as in PyTorch.",
        title="rectified linear unit",
        source="Nair and Hinton 2010",
        activation=True,
    ),
    Function(
        "leaky_relu",
        "x if x > 0 else a * x",
        "1 if x > 0 else a",
        ("x", "a"),
        ("0.01",),
        kink="At 0 the slope is taken as a, as in PyTorch.",
        title="leaky rectified linear unit",
        source="Maas, Hannun and Ng 2013",
        activation=True,
    ),
    Function(
        "elu",
        "x if x > 0 else a * (exp(x) - 1)",
        "1 if x > 0 else a * exp(x)",
        ("x", "a"),
        ("1",),
        stable="x if x > 0 else a * expm1(x)",
        kink="At 0 the slope is taken as a, as in PyTorch.",
        title="exponential linear unit",
        source="Clevert, Unterthiner and Hochreiter 2015",
        activation=True,
    ),
    Function(
        "celu",
        "x if x > 0 else a * (exp(x / a) - 1)",
        "1 if x > 0 else exp(x / a)",
        ("x", "a"),
        ("1",),
        stable="x if x > 0 else a * expm1(x / a)",
        title="continuously differentiable exponential linear unit",
        source="Barron 2017",
        activation=True,
    ),
    Function(
        "selu",
        "1.0507009873554804934193349852946 * (x if x > 0 else 1.6732632423543772848170429916717 * (exp(x) - 1))",
        "1.0507009873554804934193349852946 * (1 if x > 0 else 1.6732632423543772848170429916717 * exp(x))",
        stable="1.0507009873554804934193349852946 * (x if x > 0 else 1.6732632423543772848170429916717 * expm1(x))",
        kink="At 0 the slope is that of the left side, as in PyTorch.",
        title="scaled exponential linear unit",
        source="Klambauer, Unterthiner, Mayr and Hochreiter 2017",
        activation=True,
    ),
    Function(
        "gelu",
        "1/2 * x * (1 + erf(x / sqrt(2)))",
        title="Gaussian error linear unit",
        source="Hendrycks and Gimpel 2016",
        activation=True,
    ),
    Function(
        "gelu_tanh",
        "1/2 * x * (1 + tanh(sqrt(2 / pi()) * (x + 0.044715 * x**3)))",
        title="Gaussian error linear unit, tanh form",
        source="Hendrycks and Gimpel 2016",
        activation=True,
    ),
    Function(
        "silu",
        "x * logistic(x)",
        aliases=("swish",),
        title="sigmoid linear unit",
        source="Elfwing, Uchibe and Doya 2017",
        activation=True,
    ),
    Function(
        "softplus",
        "log(1 + exp(x))",
        "logistic(x)",
        stable="x + log1p(exp(-x)) if x > 0 else log1p(exp(x))",
        title="softplus",
        source="Dugas and others 2001",
        activation=True,
    ),
    Function("mish", "x * tanh(softplus(x))", title="mish", source="Misra 2019", activation=True),
    Function(
        "softsign",
        "x / (1 + abs(x))",
        "1 / (1 + abs(x))**2",
        title="softsign",
        source="Bergstra and others 2009",
        activation=True,
    ),
    Function(
        "logsigmoid",
        "log(logistic(x))",
        "1 - logistic(x)",
        stable="-log1p(exp(-x)) if x > 0 else x - log1p(exp(x))",
        aliases=("log_sigmoid",),
        title="logarithm of the logistic function",
        activation=True,
    ),
    Function("tanhshrink", "x - tanh(x)", title="tanh shrink", activation=True),
    Function(
        "hard_sigmoid",
        "0 if x <= -3 else (1 if x >= 3 else x / 6 + 1/2)",
        "0 if x <= -3 else (0 if x >= 3 else 1/6)",
        kink="At -3 and 3 the slope is taken as 0, as in PyTorch.",
        title="hard sigmoid",
        source="as in PyTorch and in Keras 3: slope 1/6; Keras 2 had the slope 0.2",
        activation=True,
    ),
    Function(
        "hard_sigmoid_keras2",
        "0 if x <= -2.5 else (1 if x >= 2.5 else 0.2 * x + 0.5)",
        "0 if x <= -2.5 else (0 if x >= 2.5 else 0.2)",
        kink="At -2.5 and 2.5 the slope is taken as 0.",
        title="hard sigmoid of Keras 2",
        source="Keras 2; PyTorch and Keras 3 have the slope 1/6, as in hard_sigmoid",
        activation=True,
    ),
    Function(
        "hard_tanh",
        "-1 if x <= -1 else (1 if x >= 1 else x)",
        "0 if x <= -1 else (0 if x >= 1 else 1)",
        kink="At -1 and 1 the slope is taken as 0, as in PyTorch.",
        title="hard hyperbolic tangent",
        activation=True,
    ),
    Function(
        "hard_swish",
        "0 if x <= -3 else (x if x >= 3 else x * (x + 3) / 6)",
        "0 if x <= -3 else (1 if x >= 3 else x / 3 + 1/2)",
        kink="At -3 the slope is taken as 0, at 3 as 1, as in PyTorch.",
        title="hard swish",
        source="Howard and others 2019",
        aliases=("hard_silu",),
        activation=True,
    ),
    Function(
        "relu6",
        "0 if x <= 0 else (6 if x >= 6 else x)",
        "0 if x <= 0 else (0 if x >= 6 else 1)",
        kink="At 0 and 6 the slope is taken as 0, as in PyTorch.",
        title="rectified linear unit up to 6",
        activation=True,
    ),
    Function(
        "hard_shrink",
        "x if x > a else (x if x < -a else 0)",
        "1 if x > a else (1 if x < -a else 0)",
        ("x", "a"),
        ("0.5",),
        kink="At -a and a the slope is taken as 0, as in PyTorch.",
        title="hard shrink",
        activation=True,
    ),
    Function(
        "soft_shrink",
        "x - a if x > a else (x + a if x < -a else 0)",
        "1 if x > a else (1 if x < -a else 0)",
        ("x", "a"),
        ("0.5",),
        kink="At -a and a the slope is taken as 0, as in PyTorch.",
        title="soft shrink",
        activation=True,
    ),
    Function("gaussian", "exp(-x**2)", "-2 * x * y", title="Gaussian", activation=True),
    Function("sine", "sin(x)", "cos(x)", title="sine", source="Sitzmann and others 2020", activation=True),
    Function("square", "x**2", title="square", activation=True),
)


@cache
def _by_name() -> dict[str, Function]:
    return {name: row for row in FUNCTIONS for name in (row.name, *row.aliases)}


def function_row(name: str) -> Function | None:
    """The row of a function, by its name or an alias, in whatever case and with - for _; None if there is none.

    >>> function_row("sigmoid").name
    'logistic'
    """
    return _by_name().get(name) or _by_name().get(name.lower().replace("-", "_"))
