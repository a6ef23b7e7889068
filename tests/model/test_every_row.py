"""Every activation, loss and optimizer goes all the way to a page of each format."""

import pytest

import chainrule as cr
from chainrule.catalogue.layers import OUTPUTS
from chainrule.catalogue.losses import LOSSES
from chainrule.catalogue.optimizers import OPTIMIZERS
from chainrule.formula.functions import FUNCTIONS
from chainrule.model.present import RENDERERS

ACTIVATIONS = [row.name for row in (*FUNCTIONS, *OUTPUTS) if isinstance(row, type(OUTPUTS[0])) or row.activation]


def pages(step: cr.Step) -> None:
    for kind in RENDERERS:
        if kind != "pdf":
            assert step.explain().to(kind)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation(activation: str) -> None:
    net = cr.Network(
        2, [cr.Dense(2, activation, [[0.5, -0.3], [0.2, 0.8]], [0.1, -0.2]), cr.Dense(1, weights=[[0.7, 0.4]])]
    )
    pages(net.step([[1.0, 0.5]], [[0.3]]))


@pytest.mark.parametrize("loss", [row.name for row in LOSSES])
def test_loss(loss: str) -> None:
    net = cr.Network(2, [cr.Dense(2, "softmax", [[0.5, -0.3], [0.2, 0.8]], [0.1, -0.2])], loss=loss)
    pages(net.step([[1.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 1.0]]))


@pytest.mark.parametrize("optimizer", [row.name for row in OPTIMIZERS])
def test_optimizer(optimizer: str) -> None:
    net = cr.Network(1, [cr.Dense(1, "tanh", [[0.5]], [0.1])])
    pages(net.step([[1.0]], [[1.0]], optimizer=optimizer, weight_decay=0.1, clip_norm=0.5, clip_value=0.4).next())
