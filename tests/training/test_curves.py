"""Training curves equal to PyTorch's over a hundred rounds from the same start."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.losses import LOSSES
from chainrule.catalogue.optimizers import OPTIMIZERS, find_optimizer
from chainrule.catalogue.training import Update, setting_values
from chainrule.training.batches import Piece, in_memory, pieces, samples
from chainrule.training.fit import fit
from chainrule.training.programs import Trainable, drawn_part, start_parameters
from chainrule.training.progress import Options
from chainrule.training.schedules import Chosen

ROWS, BATCH, EPOCHS = 22, 4, 17  # rounds of 4, and one of 2 at the end of each epoch: 102 rounds
RNG = np.random.default_rng(5)
X = RNG.normal(size=(ROWS, 3))
LABELS = RNG.integers(0, 4, ROWS)

Make = Callable[[Iterable[Tensor], float, dict[str, float]], torch.optim.Optimizer]


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def betas(s: dict[str, float]) -> dict[str, Any]:
    return {"betas": (s["beta1"], s["beta2"]), "eps": s["eps"]}


IN_PYTORCH: dict[str, Make] = {
    "gradient_descent": lambda p, rate, s: torch.optim.SGD(p, rate),
    "momentum": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"]),
    "momentum_pytorch": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"]),
    "nesterov": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"], nesterov=True),
    "adagrad": lambda p, rate, s: torch.optim.Adagrad(p, rate, eps=s["eps"]),
    "rmsprop": lambda p, rate, s: torch.optim.RMSprop(p, rate, alpha=s["decay"], eps=s["eps"]),
    "adam": lambda p, rate, s: torch.optim.Adam(p, rate, **betas(s)),
    "adamw": lambda p, rate, s: torch.optim.AdamW(p, rate, **betas(s), weight_decay=s["decoupled_decay"]),
    "adamax": lambda p, rate, s: torch.optim.Adamax(p, rate, **betas(s)),
    "nadam": lambda p, rate, s: torch.optim.NAdam(p, rate, **betas(s), momentum_decay=s["momentum_decay"]),
}
OWN_FORM = {"nesterov_lookahead"}  # what PyTorch doesn't have

# By loss: the last layer's activation, the targets, PyTorch's error of (net input, target) with this mean.
ONE_HOT, NUMBERS = np.eye(4)[LABELS], RNG.normal(size=(ROWS, 4))
YES_NO, SIGNS = (NUMBERS > 0).astype(float), np.sign(NUMBERS)
SHARES = np.exp(NUMBERS) / np.exp(NUMBERS).sum(axis=1, keepdims=True)
Error = Callable[[Tensor, Tensor], Tensor]
LOSS_IN_PYTORCH: dict[str, tuple[str, Any, Error]] = {
    "half_squared_error": ("identity", NUMBERS, lambda o, t: ((t - o) ** 2).sum() / 2 / len(t)),
    "squared_error": ("identity", NUMBERS, lambda o, t: functional.mse_loss(o, t, reduction="sum") / len(t)),
    "mean_squared_error": ("identity", NUMBERS, functional.mse_loss),
    "absolute_error": ("identity", NUMBERS, functional.l1_loss),
    "huber": ("identity", NUMBERS, functional.huber_loss),
    "log_cosh": ("identity", NUMBERS, lambda o, t: torch.log(torch.cosh(o - t)).mean()),
    "hinge": ("identity", SIGNS, lambda o, t: torch.clamp(1 - t * o, min=0).mean()),
    "binary_cross_entropy": (
        "logistic", YES_NO,
        lambda o, t: functional.binary_cross_entropy(torch.sigmoid(o), t, reduction="sum") / len(t),
    ),
    "binary_cross_entropy_on_logits": (
        "identity", YES_NO, lambda o, t: functional.binary_cross_entropy_with_logits(o, t, reduction="sum") / len(t),
    ),
    "cross_entropy": ("softmax", ONE_HOT, functional.cross_entropy),
    "cross_entropy_on_logits": ("identity", ONE_HOT, functional.cross_entropy),
    "kl_divergence": (
        "softmax", SHARES, lambda o, t: functional.kl_div(torch.log_softmax(o, 1), t, reduction="batchmean"),
    ),
}  # fmt: skip


def trainable(loss: str, activation: str, update: Update) -> tuple[Trainable, dict[str, np.ndarray]]:
    layers = (DenseLayer(5, "tanh"), DenseLayer(4, activation))
    conventions = Conventions(loss)
    return Trainable(3, layers, conventions, update), start_parameters(drawn_part(3, layers, conventions, 7))


def every_batch(options: Options, data: dict[str, np.ndarray]) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The rows that each round takes, in the order in which training takes them."""
    for epoch in range(options.epochs):
        for piece in pieces(in_memory(data), options.batch, options.seed, epoch, options.shuffle):
            assert isinstance(piece, Piece)
            for rows in piece.order:
                yield epoch, torch.tensor(data["x"][rows]), torch.tensor(data["target"][rows])


def by_pytorch(
    start: dict[str, np.ndarray], update: Update, error: Error, options: Options, data: dict[str, np.ndarray]
) -> tuple[list[float], dict[str, np.ndarray]]:
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    values = {name: float(value) for name, value in setting_values(update).items()}
    optimizer = IN_PYTORCH[find_optimizer(update.optimizer).name](tensors.values(), values["rate"], values)
    losses = []
    for _, x, target in every_batch(options, data):
        optimizer.zero_grad()
        hidden = torch.tanh(x @ tensors["w_h"].T + tensors["b_h"])
        loss = error(hidden @ tensors["w_o"].T + tensors["b_o"], target)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses, {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def compare(loss: str, update: Update) -> None:
    activation, targets, error = LOSS_IN_PYTORCH[loss]
    net, start = trainable(loss, activation, update)
    data = samples(X, targets)
    options = Options(epochs=EPOCHS, batch=BATCH, seed=3)
    done = fit(net, start, data, options)
    losses, weights = by_pytorch(start, update, error, options, data)
    assert len(losses) == done.rounds == 102
    sizes = np.array([4, 4, 4, 4, 4, 2])
    by_epoch = (np.array(losses).reshape(EPOCHS, 6) * sizes).sum(axis=1) / ROWS
    np.testing.assert_allclose([each.loss for each in done.history], by_epoch, rtol=0, atol=1e-6)
    for name, value in weights.items():
        np.testing.assert_allclose(done.state[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", [row.name for row in OPTIMIZERS if row.name not in OWN_FORM])
def test_every_optimizer_trains_as_in_pytorch(optimizer: str) -> None:
    compare("cross_entropy", Update(optimizer, Decimal("0.02")))


@pytest.mark.parametrize("loss", [row.name for row in LOSSES])
def test_every_loss_trains_as_in_pytorch(loss: str) -> None:
    compare(loss, Update("adam", Decimal("0.02")))


SCHEDULES_IN_PYTORCH: dict[str, tuple[dict[str, Decimal], Callable[[torch.optim.Optimizer], Any]]] = {
    "step": (
        {"every": Decimal(3), "factor": Decimal("0.5")},
        lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    ),
    "exponential": ({"factor": Decimal("0.9")}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "plateau": (
        {"factor": Decimal("0.5"), "wait": Decimal(1)},
        lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.0),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES_IN_PYTORCH)
def test_schedules_by_epoch_are_those_of_pytorch(name: str) -> None:
    """The plateau's epochs are these runs' own: a rate so large that the error goes up and down."""
    settings, make = SCHEDULES_IN_PYTORCH[name]
    net, start = trainable("half_squared_error", "identity", Update("gradient_descent", Decimal("0.5")))
    done = fit(net, start, samples(X, NUMBERS), Options(20, 8, 1, schedule=Chosen(name, settings)))
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 0.5)
    scheduler = make(optimizer)
    wanted = []
    for record in done.history:
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(record.loss) if name == "plateau" else scheduler.step()
    np.testing.assert_allclose([each.rate for each in done.history], wanted, rtol=1e-12)
    assert len(set(wanted)) > 3
