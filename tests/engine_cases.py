"""What every engine is tried on beside random programs: functions, large sums of products, and rounds."""

import numpy as np

from chainrule.formula.functions import Function
from chainrule.numbers.ledger import Ledger
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend

VALUES = np.concatenate([np.linspace(-25, 25, 41), np.linspace(-3.1, 3.1, 32), [0.0, 1e-6, -1e-6]])


def function_and_slope(row: Function) -> tuple[Program, Ledger]:
    """A function of many numbers with its derivative."""
    given_families = [Family(name, Role.PARAMETER, ("i",), (len(VALUES),)) for name in row.parameters]
    others = dict(zip(row.parameters[1:], ("0.7", "0.3"), strict=False))
    call = ", ".join(others.get(name, f"{name}[i]") for name in row.parameters)
    text = f"y[i] = {row.name}({call})\nE_total = sum[i](y[i])"
    program = differentiate(extend(Program({}), text, given=given_families), wanted=[row.parameters[0]])
    positive = row.name in ("log", "sqrt", "log1p", "log2", "log10")
    return program, {name: np.abs(VALUES) + 0.01 if positive else VALUES for name in row.parameters}


FAR = np.array([-1000.0, -800, 800, 1000])
FAR_FROM_ZERO = {
    "logistic": [0, 0, 1, 1],
    "softplus": [0, 0, 800, 1000],
    "logsigmoid": [-1000, -800, 0, 0],
    "elu": [-1, -1, 800, 1000],
    "silu": [0, 0, 800, 1000],
    "tanh": [-1, -1, 1, 1],
    "gelu": [0, 0, 800, 1000],
}


def branches() -> tuple[Program, Ledger]:
    """Branches that are not taken and would be infinite."""
    x = Family("x", Role.INPUT, ("i",), (4,))
    text = """
        y[i] = log(x[i]) if x[i] > 0 else 0
        z[i] = 7 if x[i] == 0 else 1 / x[i]
        s    = sum[i](x[i+1] / x[i+1] if i < 3 else 0)
        t    = sum[i,j](x[i] * exp(1000 * x[j]) if i + j < 2 else 0)
        u[i] = x[i+1] if x[i] > 7 else x[i]
        """
    program = extend(Program({}), text, given=[x], sizes={"i": 4, "j": 4})
    return program, {"x": np.array([0.0, -1.0, 1.0, 2.0])}


def not_finite() -> tuple[Program, Ledger]:
    """Infinities and NaN, given and made."""
    x = Family("x", Role.INPUT, ("i",), (6,))
    text = "a[i] = 1 / x[i]\nb[i] = log(x[i])\nc[i] = exp(x[i]) - exp(2 * x[i])\nd = max[i](a[i])\ne[i] = x[i]**3"
    return extend(Program({}), text, given=[x]), {"x": np.array([0.0, -1.0, 500.0, np.inf, np.nan, -np.inf])}


LARGE = {
    "product": "y[n,j] = sum[i](w[j,i] * x[n,i])",
    "product with a weight": "y[n,j] = sum[i](w[j,i] * v[i] * x[n,i] * c[n])",
    "three in a row": "y[n,m] = sum[i,j](x[n,i] * w[j,i] * u[j,m])",
    "sum of products": "y[n,j] = sum[i](w[j,i] * x[n,i] - 2 * u[i,j] * x[n,i]) + v[j]",
    "products of all": "y = sum[n,i](x[n,i] * x[n,i] * v[i])",
    "apart": "y[n] = sum[i,j](x[n,i] * v[j])",
    "along": "y[n,j] = sum[i](x[n,i] * w[j,i] * x[n,j])",
    "stacked": "y[n,j] = sum[i](t[n,i,j] * x[n,i])",
    "stacked matrices": "y[n,a,b] = sum[i](t[n,i,a] * t[n,i,b])",
    "divided": "y[n,j] = sum[i](w[j,i] * x[n,i] / c[n])",
    "windows": "y[n,j] = sum[a,b](t[n,a,b+j] * r[a,b])",
    "guarded": "y[n,j] = sum[i](w[j,i] * (x[n,i-2*j] if i - 2*j < 20 else 0) if 0 <= i - 2*j else 0)",
    "two masks": "y[n,j] = sum[i](w[j,i] * x[n,i] * v[i] if i <= j else 0)",
    "mask of two factors": "y[n] = sum[i,m](x[n,i] * x[n,m] if i <= m else 0)",
    "denominator inside": "y[n] = sum[i](x[n,i] / (3 + v[i]**2))",
    "transposed": "y[i,j] = w[j,i]",
    "mask beside": "y[n,j] = sum[i](x[n,i] * c[n] if i < j else 0)",
    "nothing": "y[n] = sum[i,j,m](c[n])",
    "diagonal": "y[i] = w[i,i] + w[19-i,i]",
    "backwards": "y[n,i] = x[n,19-i] - x[11-n,i]",
    "strides": "y[n,o] = sum[b](r[2*o+3,b] * x[n,3*o+b])",
}


def large(text: str) -> tuple[Program, Ledger]:
    """One of `LARGE` with random numbers."""
    shapes = {"x": "ni", "w": "ji", "u": "jm", "v": "i", "c": "n", "t": "nij", "r": "ib"}
    sizes = {"n": 12, "i": 20, "j": 20, "m": 20, "b": 3}
    families = [
        Family(name, Role.INPUT, tuple(axes), tuple(sizes[each] for each in axes)) for name, axes in shapes.items()
    ]
    rng = np.random.default_rng(5)
    numbers = {family.name: rng.normal(size=family.shape) for family in families}
    known = {"m": 20, "j": 18} if "j+" in text or "b+j" in text else {"m": 20, "j": 20}
    return extend(Program({}), text, given=families, sizes=known | {"o": 5}), numbers


def line() -> Program:
    """A program that updates its weights and counts its rounds."""
    w, rate, x = Family("w", Role.PARAMETER, ("i",), (2,)), Family("rate", Role.SETTING), Family("x", Role.INPUT)
    text = "loss = sum[i](w[i]**2) * x\nw_next[i] = w[i] - rate * 2 * w[i] * x\nround_next = round + 1"
    return extend(Program({}), text, given=[w, rate, x, Family("round", Role.SETTING)])


START = {"w": np.array([1.0, -2.0]), "rate": 0.01, "x": 1.0, "round": 0.0}
