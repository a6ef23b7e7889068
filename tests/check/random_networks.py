"""Random small networks of every kind, and their numbers written as people and programs write them."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.catalogue.layers import activation_names, find_activation
from chainrule.catalogue.losses import LOSSES, find_loss
from chainrule.check.answers import Answer
from chainrule.check.sheet import Key, Sheet
from chainrule.explain.names import Scalar
from chainrule.model import Step
from chainrule.model.right import Rounds
from chainrule.model.trial import sheet_for

ACTIVATIONS = tuple(dict.fromkeys(find_activation(each).name for each in activation_names()))
WHOLE_LAYER = ("softmax", "log_softmax")
ANY_LOSS = tuple(row.name for row in LOSSES if row.on == "any")
OPTIMIZERS = ("gradient_descent", "momentum", "adam")
SMOOTH = ("logistic", "tanh", "softplus", "silu", "gelu")
BIASES = ("none", "shared", "per_neuron")


def often(examples: int) -> settings:
    """So many examples; twenty times as many with ``--hypothesis-profile=long``."""
    times = max(1, settings.default.max_examples // 100)
    return settings(max_examples=examples * times, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Kind:
    """What a random network may be made of."""

    layers: tuple[int, ...] = (1, 2, 3)
    sizes: tuple[int, ...] = (1, 2, 3)
    square: bool = False  # as many inputs and neurons in each layer
    hidden: tuple[str, ...] = tuple(each for each in ACTIVATIONS if each not in WHOLE_LAYER)
    ends: tuple[tuple[str, str], ...] = (
        *((each, loss) for loss in ANY_LOSS for each in ("logistic", "tanh", "identity", "relu", "softmax")),
        ("logistic", "binary_cross_entropy"),
        ("softmax", "cross_entropy"),
        ("softmax", "kl_divergence"),
        ("identity", "binary_cross_entropy_on_logits"),
        ("identity", "cross_entropy_on_logits"),
    )
    optimizers: tuple[str, ...] = OPTIMIZERS
    batches: tuple[int, ...] = (1, 2)
    biases: tuple[str, ...] = BIASES
    means: tuple[str | None, ...] = (None, "sum", "mean")


def numbers(draw: st.DrawFn, *shape: int) -> np.ndarray:
    """Numbers of two decimals, none of them 0, 1 or -1, which would make a mistake invisible."""
    size = int(np.prod(shape))
    each = st.integers(5, 95).flatmap(lambda n: st.sampled_from((n, -n)))
    return np.array(draw(st.lists(each, min_size=size, max_size=size)), float).reshape(shape) / 100


def targets_for(draw: st.DrawFn, loss: str, shape: tuple[int, int]) -> np.ndarray:
    """Targets as a loss needs them: probabilities, classes, -1 and 1, or any numbers."""
    if loss == "hinge":
        return np.where(numbers(draw, *shape) > 0, 1.0, -1.0)
    if loss in ("cross_entropy", "cross_entropy_on_logits", "kl_divergence"):
        classes = draw(st.lists(st.integers(0, shape[1] - 1), min_size=shape[0], max_size=shape[0]))
        return np.eye(shape[1])[classes]
    if find_loss(loss).on != "any":
        return (numbers(draw, *shape) > 0).astype(float)
    return numbers(draw, *shape)


def bias_for(draw: st.DrawFn, kind: str, units: int) -> Any:
    match kind:
        case "none":
            return None
        case "shared":
            return float(numbers(draw, 1)[0])
        case _:
            return numbers(draw, units).tolist()


class Case:
    """The first round of a random network, shown as the code that builds it."""

    def __init__(self, step: Step, code: str) -> None:
        self.step, self.code = step, code

    def __repr__(self) -> str:
        return self.code


@st.composite
def networks(draw: st.DrawFn, kind: Kind = Kind()) -> Case:
    """A random network."""
    activation, loss = draw(st.sampled_from(kind.ends))
    count = draw(st.sampled_from(kind.layers))
    widths = [draw(st.sampled_from(kind.sizes))] * (count + 1)
    if not kind.square:
        widths = [draw(st.sampled_from(kind.sizes)) for _ in widths]
    layers, built = [], []
    for place in range(count):
        units, last = widths[place + 1], place == count - 1
        function = activation if last else draw(st.sampled_from(kind.hidden))
        bias = bias_for(draw, draw(st.sampled_from(kind.biases)), units)
        weights = numbers(draw, units, widths[place]).tolist()
        layers.append(cr.Dense(units, function, weights, bias))
        built.append(f"cr.Dense({units}, {function!r}, {weights}, {bias})")
    way = draw(st.sampled_from(kind.means))
    network = cr.Network(widths[0], layers, loss, over_batch=way, over_outputs=way)
    batch = draw(st.sampled_from(kind.batches))
    optimizer = draw(st.sampled_from(kind.optimizers))
    rate = 0.5 if optimizer == "gradient_descent" else 0.05
    inputs = numbers(draw, batch, widths[0]).tolist()
    targets = targets_for(draw, loss, (batch, widths[-1])).tolist()
    code = (
        f"cr.Network({widths[0]}, [{', '.join(built)}], {loss!r}, over_batch={way!r}, over_outputs={way!r})"
        f".step({inputs}, {targets}, optimizer={optimizer!r}, learning_rate={rate})"
    )
    return Case(network.step(inputs, targets, optimizer=optimizer, learning_rate=rate), code)


@dataclass(frozen=True)
class Writing:
    """How a person writes numbers: to so many decimals or significant digits, rounded or cut off."""

    digits: int
    significant: bool
    cut: bool = False

    def __call__(self, value: Any) -> Decimal:
        exact = _decimal(value)
        if not exact:
            return Decimal(0) if self.significant else Decimal(0).scaleb(-self.digits)
        unit = Decimal(1).scaleb(exact.adjusted() - self.digits + 1 if self.significant else -self.digits)
        return exact.quantize(unit, ROUND_DOWN if self.cut else ROUND_HALF_EVEN)


def _decimal(value: Any) -> Decimal:
    return Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else Decimal(float(value))


WRITINGS = st.builds(Writing, st.integers(2, 12), st.booleans(), st.booleans())


def answer(name: str, written: Decimal, after: int = 0) -> Answer:
    """A number as it was written; a plain 0 is exact."""
    exponent = int(written.as_tuple().exponent)
    unit = Decimal(1).scaleb(exponent) if written or exponent else Decimal(0)
    return Answer(name, f"{written:f}" if -20 < exponent <= 0 else f"{written}", written, unit, after)


def full(name: str, value: Any, after: int = 0) -> Answer:
    """A float with all its bits."""
    text = repr(float(value))
    return Answer(name, text, Decimal(text), Decimal(0), after)


def sheet_of_round(step: Step) -> Sheet:
    """All lines of the first round."""
    return sheet_for(Rounds(step._task), [Key(0, Scalar("E_total", ()))])[0]
