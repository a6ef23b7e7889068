"""Layers in Python: their settings are held to the rules of network files, and shared parameters are shared whole."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.catalogue.row import CatalogueError
from chainrule.numbers.ledger import LedgerError

WRONG = [
    ("lstm", {"units": 1, "returns": "frist"}, "returns: 'frist' is not one of last or all"),
    ("lstm", {"units": 1, "truncate": -1}, "truncate: -1 is not a whole number from 1"),
    ("gru", {"units": "3"}, "units: '3' is not a whole number from 1"),
    ("attention", {"heads": 0}, "heads: 0 is not a whole number from 1"),
    ("attention", {"causal": "yes"}, "causal: 'yes' is not true or false"),
    ("conv2d", {"kernel": 2, "padding": "valid"}, "'valid' is not a whole number from 0, a list of them, or same"),
    ("conv2d", {"kernel": (2, 0)}, "kernel: \\[2, 0\\] is not a whole number from 1, or a list of them"),
    ("batch_norm", {"momentum": "abc"}, "momentum: 'abc' is not a number"),
    ("transformer_block", {"norm": "bogus"}, "'bogus' is not one of layer_normalisation or rms_normalisation"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), WRONG, ids=[str(each[1]) for each in WRONG])
def test_settings_are_checked_as_in_a_file(kind: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        cr.Layer(kind, **settings)


def test_sizes_may_be_numbers_of_numpy() -> None:
    sizes = dict(cr.Layer("conv2d", kernel=(np.int64(2), 3), filters=np.int32(4)).use.settings)
    assert sizes == {"kernel": (2, 3), "filters": 4}


def test_a_layer_that_shares_has_a_bias_where_the_other_one_has() -> None:
    weights = [[0.5, -0.2], [0.3, 0.8]]
    for bias in ([0.0, 0.1], None):
        first = cr.Dense(2, "tanh", weights, bias, name="h")
        net = cr.Network(2, [first, cr.Dense(2, "tanh", share="h", name="again")], "half_squared_error")
        x = np.array([1.0, 0.5])
        for _ in range(2):
            x = np.tanh(np.array(weights) @ x + np.array(bias or 0))
        step = net.step([[1.0, 0.5]], [[1.0, 1.0]])
        np.testing.assert_allclose([step["out_again1"], step["out_again2"]], x, rtol=1e-12)


def test_numbers_beside_a_share_are_refused() -> None:
    with pytest.raises(CatalogueError, match="uses the weights and the bias of h: leave its own out"):
        cr.Dense(2, "tanh", bias=[0, 0.1], share="h")
    with pytest.raises(CatalogueError, match="uses the weights of c: leave its own out"):
        cr.Layer("conv2d", kernel=1, weights=[[1]], share="c")


def test_weights_that_are_no_numbers_and_targets_before_a_flatten_are_told() -> None:
    with pytest.raises(LedgerError, match="the weights of o must be numbers, in rows of one length"):
        cr.Network(2, [cr.Dense(2, weights=[["a", "b"], [1, 2]])])
    net = cr.Network((4, 4), [cr.Layer("conv", kernel=2), cr.Dense(2)])
    assert repr(net) == "<Network of 4 x 4 inputs, convolution_2d, identity; half_squared_error>"
    with pytest.raises(LedgerError, match="is a flatten missing before the last layer"):
        net.step(np.zeros((1, 4, 4)), [[1, 2]])


def test_a_recurrent_layer_may_have_a_softmax() -> None:
    net = cr.Network((2, 3), [cr.Layer("rnn", units=2, activation="softmax", name="r")], "half_squared_error")
    w, u = (net.parameters[name] for name in ("w_r", "u_r"))
    x, h = np.array([[1.0, 2, 3], [0.5, -1, 0]]), np.zeros(2)
    for row in x:
        h = np.exp(w @ row + u @ h)
        h /= h.sum()
    step = net.step([x], [[0, 1]])
    np.testing.assert_allclose([step["out_r[1,1]"], step["out_r[1,2]"]], h, rtol=1e-12)
