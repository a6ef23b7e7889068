"""Losses, a row each. The formula is for one output; how the parts add up to the total is a convention beside it."""

from dataclasses import dataclass

from chainrule.catalogue.row import find_row


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss: ``E[n,k]`` in terms of ``out[n,k]`` and ``target[n,k]``.

    ``over_outputs`` and ``over_batch`` say whether the parts are summed or averaged, unless the network says
    otherwise. ``on`` says what the outputs must be: any numbers, probabilities, or logits (net inputs). ``settings``
    are numbers in the formula that can be chosen. ``stable`` is a form that doesn't overflow, for engines.
    """

    name: str
    formula: str
    title: str
    aliases: tuple[str, ...] = ()
    over_outputs: str = "sum"
    over_batch: str = "mean"
    on: str = "any"
    settings: tuple[tuple[str, str], ...] = ()
    stable: str | None = None
    kink: str = ""
    source: str = ""


LOSSES = (
    Loss(
        "half_squared_error",
        "1/2 * (target[n,k] - out[n,k])**2",
        "half the squared error",
        aliases=("half_sse", "half_mse"),
        source="Rumelhart, Hinton and Williams 1986",
    ),
    Loss("squared_error", "(target[n,k] - out[n,k])**2", "squared error", aliases=("sse", "sum_squared_error")),
    Loss(
        "mean_squared_error",
        "(target[n,k] - out[n,k])**2",
        "mean squared error",
        aliases=("mse", "l2"),
        over_outputs="mean",
    ),
    Loss(
        "absolute_error",
        "abs(target[n,k] - out[n,k])",
        "absolute error",
        aliases=("mae", "l1", "mean_absolute_error"),
        over_outputs="mean",
        kink="Where output and target are equal the slope is taken as 0.",
    ),
    Loss(
        "huber",
        "1/2 * (target[n,k] - out[n,k])**2 if abs(target[n,k] - out[n,k]) <= huber_delta"
        " else huber_delta * (abs(target[n,k] - out[n,k]) - 1/2 * huber_delta)",
        "Huber loss",
        over_outputs="mean",
        settings=(("huber_delta", "1"),),
        source="Huber 1964",
    ),
    Loss("log_cosh", "log((exp(out[n,k] - target[n,k]) + exp(target[n,k] - out[n,k])) / 2)", "log cosh",
         over_outputs="mean",
         stable="abs(out[n,k] - target[n,k]) + log1p(exp(-2 * abs(out[n,k] - target[n,k]))) - log(2)"),
    Loss(
        "hinge",
        "1 - target[n,k] * out[n,k] if target[n,k] * out[n,k] < 1 else 0",
        "hinge loss, for targets of -1 and 1",
        over_outputs="mean",
        kink="Where target times output is 1 the slope is taken as 0.",
        source="Cortes and Vapnik 1995",
    ),
    Loss(
        "binary_cross_entropy",
        "-(target[n,k] * log(out[n,k]) + (1 - target[n,k]) * log(1 - out[n,k]))",
        "binary cross-entropy",
        aliases=("bce",),
        on="probabilities",
    ),
    Loss(
        "binary_cross_entropy_on_logits",
        "log(1 + exp(out[n,k])) - target[n,k] * out[n,k]",
        "binary cross-entropy on logits",
        aliases=("bce_on_logits", "bce_with_logits", "binary_cross_entropy_with_logits"),
        on="logits",
        stable="softplus(out[n,k]) - target[n,k] * out[n,k]",
    ),
    Loss(
        "cross_entropy",
        "-target[n,k] * log(out[n,k])",
        "cross-entropy",
        aliases=("categorical_cross_entropy", "ce"),
        on="probabilities",
    ),
    Loss(
        "cross_entropy_on_logits",
        "target[n,k] * (log(sum[m](exp(out[n,m]))) - out[n,k])",
        "cross-entropy on logits",
        aliases=("ce_on_logits", "cross_entropy_with_logits", "softmax_cross_entropy"),
        on="logits",
        stable="target[n,k] * (max[a](out[n,a]) + log(sum[m](exp(out[n,m] - max[b](out[n,b])))) - out[n,k])",
    ),
    Loss(
        "kl_divergence",
        "target[n,k] * (log(target[n,k]) - log(out[n,k])) if target[n,k] > 0 else 0",
        "Kullback-Leibler divergence",
        aliases=("kl", "kullback_leibler"),
        on="probabilities",
        kink="A target of 0 adds 0.",
        source="Kullback and Leibler 1951",
    ),
)  # fmt: skip


def find_loss(name: str) -> Loss:
    """The loss of that name. Raises ``CatalogueError``."""
    return find_row(LOSSES, name, "loss")


@dataclass(frozen=True, slots=True)
class Taught:
    """A shorter form of the delta that teachers write for an activation with a loss, and what it needs.

    ``formula`` is for a total that sums its parts; a mean divides it too.
    """

    activation: str
    loss: str
    formula: str
    condition: str = ""
    targets_sum_to_one: bool = False


TAUGHT = (
    Taught("softmax", "cross_entropy", "out[n,k] - target[n,k]", "this holds because the targets sum to 1", True),
    Taught("softmax", "kl_divergence", "out[n,k] - target[n,k]", "this holds because the targets sum to 1", True),
    Taught("logistic", "binary_cross_entropy", "out[n,k] - target[n,k]"),
    Taught("identity", "binary_cross_entropy_on_logits", "logistic(out[n,k]) - target[n,k]"),
    Taught("identity", "cross_entropy_on_logits", "exp(out[n,k]) / sum[m](exp(out[n,m])) - target[n,k]",
           "this holds because the targets sum to 1", True),
    Taught("identity", "half_squared_error", "out[n,k] - target[n,k]"),
)  # fmt: skip
