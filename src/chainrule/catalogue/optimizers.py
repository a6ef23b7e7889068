"""Optimizers, a row of formulas each. ``p`` stands for all the indices of a parameter ``w`` with the gradient ``g``."""

from dataclasses import dataclass

from chainrule.catalogue.row import find_row


@dataclass(frozen=True, slots=True)
class Optimizer:
    """The update of one parameter: formulas that end with ``w_next[p]``.

    ``state`` are the families carried from round to round, 0 at the start or as ``start`` says; their next values are
    ``m_next[p]``. A line without ``[p]`` is one number for all parameters.
    ``rate`` is the learning rate; ``round`` the number of this round, counted from 1. ``gradient_at`` is the point at
    which the gradient is taken, where that isn't the parameter itself.
    """

    name: str
    formulas: str
    title: str
    state: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    rate: str = "0.01"
    aliases: tuple[str, ...] = ()
    source: str = ""
    gradient_at: str = ""
    start: tuple[tuple[str, str], ...] = ()


OPTIMIZERS = (
    Optimizer(
        "gradient_descent",
        "w_next[p] = w[p] - rate * g[p]",
        "gradient descent",
        aliases=("sgd", "gd", "stochastic_gradient_descent"),
        rate="0.5",
    ),
    Optimizer(
        "momentum",
        """
        v_next[p] = momentum * v[p] + rate * g[p]
        w_next[p] = w[p] - v_next[p]
        """,
        "momentum, with the learning rate inside the velocity",
        state=("v",),
        settings=(("momentum", "0.9"),),
        source="Polyak 1964; as in Sutskever and others 2013",
    ),
    Optimizer(
        "momentum_pytorch",
        """
        v_next[p] = momentum * v[p] + g[p]
        w_next[p] = w[p] - rate * v_next[p]
        """,
        "momentum, with the learning rate outside the velocity, as PyTorch has it",
        state=("v",),
        settings=(("momentum", "0.9"),),
        source="as in PyTorch",
    ),
    Optimizer(
        "nesterov",
        """
        v_next[p] = momentum * v[p] + g[p]
        w_next[p] = w[p] - rate * (g[p] + momentum * v_next[p])
        """,
        "Nesterov momentum, with the gradient at the parameters themselves, as PyTorch and Keras have it",
        state=("v",),
        settings=(("momentum", "0.9"),),
        source="Nesterov 1983; reformulated in Bengio, Boulanger-Lewandowski and Pascanu 2012",
    ),
    Optimizer(
        "nesterov_lookahead",
        """
        v_next[p] = momentum * v[p] + rate * g[p]
        w_next[p] = w[p] - v_next[p]
        """,
        "Nesterov momentum, with the gradient at the point looked ahead to",
        state=("v",),
        settings=(("momentum", "0.9"),),
        source="Sutskever, Martens, Dahl and Hinton 2013",
        gradient_at="w[p] - momentum * v[p]",
    ),
    Optimizer(
        "adagrad",
        """
        s_next[p] = s[p] + g[p]**2
        w_next[p] = w[p] - rate * g[p] / (sqrt(s_next[p]) + eps)
        """,
        "AdaGrad",
        state=("s",),
        settings=(("eps", "1e-10"),),
        source="Duchi, Hazan and Singer 2011; eps outside the root and a start at 0, as in PyTorch",
    ),
    Optimizer(
        "rmsprop",
        """
        s_next[p] = decay * s[p] + (1 - decay) * g[p]**2
        w_next[p] = w[p] - rate * g[p] / (sqrt(s_next[p]) + eps)
        """,
        "RMSProp",
        state=("s",),
        settings=(("decay", "0.99"), ("eps", "1e-8")),
        source="Tieleman and Hinton 2012; eps outside the root, as in PyTorch",
    ),
    Optimizer(
        "adam",
        """
        m_next[p] = beta1 * m[p] + (1 - beta1) * g[p]
        v_next[p] = beta2 * v[p] + (1 - beta2) * g[p]**2
        mhat[p]   = m_next[p] / (1 - beta1**round)
        vhat[p]   = v_next[p] / (1 - beta2**round)
        w_next[p] = w[p] - rate * mhat[p] / (sqrt(vhat[p]) + eps)
        """,
        "Adam",
        state=("m", "v"),
        settings=(("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8")),
        rate="0.001",
        source="Kingma and Ba 2014",
    ),
    Optimizer(
        "adamw",
        """
        m_next[p] = beta1 * m[p] + (1 - beta1) * g[p]
        v_next[p] = beta2 * v[p] + (1 - beta2) * g[p]**2
        mhat[p]   = m_next[p] / (1 - beta1**round)
        vhat[p]   = v_next[p] / (1 - beta2**round)
        w_next[p] = w[p] - rate * decoupled_decay * w[p] - rate * mhat[p] / (sqrt(vhat[p]) + eps)
        """,
        "AdamW",
        state=("m", "v"),
        settings=(("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8"), ("decoupled_decay", "0.01")),
        rate="0.001",
        source="Loshchilov and Hutter 2017; the decay is times the learning rate, as in PyTorch",
    ),
    Optimizer(
        "adamax",
        """
        m_next[p] = beta1 * m[p] + (1 - beta1) * g[p]
        u_next[p] = max(beta2 * u[p], abs(g[p]) + eps)
        w_next[p] = w[p] - rate / (1 - beta1**round) * m_next[p] / u_next[p]
        """,
        "Adamax",
        state=("m", "u"),
        settings=(("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8")),
        rate="0.002",
        source="Kingma and Ba 2014, section 7; eps as in PyTorch",
    ),
    Optimizer(
        "nadam",
        """
        mu_now    = beta1 * (1 - 1/2 * 0.96**(round * momentum_decay))
        mu_after  = beta1 * (1 - 1/2 * 0.96**((round + 1) * momentum_decay))
        mu_next   = mu * mu_now
        m_next[p] = beta1 * m[p] + (1 - beta1) * g[p]
        v_next[p] = beta2 * v[p] + (1 - beta2) * g[p]**2
        mhat[p]   = mu_after * m_next[p] / (1 - mu_next * mu_after) + (1 - mu_now) * g[p] / (1 - mu_next)
        vhat[p]   = v_next[p] / (1 - beta2**round)
        w_next[p] = w[p] - rate * mhat[p] / (sqrt(vhat[p]) + eps)
        """,
        "Nadam",
        state=("m", "v", "mu"),
        start=(("mu", "1"),),
        settings=(("beta1", "0.9"), ("beta2", "0.999"), ("eps", "1e-8"), ("momentum_decay", "0.004")),
        rate="0.002",
        source="Dozat 2016, with the momentum growing in the first rounds, as in PyTorch",
    ),
)


def find_optimizer(name: str) -> Optimizer:
    """The optimizer of that name. Raises ``CatalogueError``."""
    return find_row(OPTIMIZERS, name, "optimizer")
