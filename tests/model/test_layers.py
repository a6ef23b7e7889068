"""Layers in Python: their settings are held to the rules of network files, and shared parameters are shared whole."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.catalogue.row import CatalogueError

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
