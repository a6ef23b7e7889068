"""Every initialiser: its range or spread against PyTorch's, the same numbers from the same seed, readable refusals."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import init

from chainrule.catalogue.initialisers import INITIALISERS, Initialiser, find_initialiser
from chainrule.catalogue.row import CatalogueError
from chainrule.numbers.draw import draw

SHAPE = (300, 200)  # 300 neurons with 200 inputs: fan_out and fan_in can't be mistaken for each other
IN_PYTORCH: dict[str, Callable[[Tensor], Tensor]] = {
    "zeros": init.zeros_,
    "ones": init.ones_,
    "constant": lambda w: init.constant_(w, 0.1),
    "uniform": lambda w: init.uniform_(w, -0.5, 0.5),
    "normal": lambda w: init.normal_(w, 0, 0.1),
    "glorot_uniform": init.xavier_uniform_,
    "glorot_normal": init.xavier_normal_,
    "he_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "he_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "lecun_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="linear"),
    "lecun_normal": lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
    "orthogonal": init.orthogonal_,
}


def drawn(name: str, shape: tuple[int, ...] = SHAPE, seed: int = 0, **settings: float) -> np.ndarray:
    return draw(find_initialiser(name), shape, np.random.default_rng(seed), settings)


def test_every_row_has_an_oracle() -> None:
    assert set(IN_PYTORCH) == {row.name for row in INITIALISERS}


@pytest.mark.parametrize("row", INITIALISERS, ids=lambda row: row.name)
def test_mean_spread_and_range(row: Initialiser) -> None:
    torch.manual_seed(0)
    ours, theirs = drawn(row.name), IN_PYTORCH[row.name](torch.empty(SHAPE, dtype=torch.float64)).numpy()
    assert ours.shape == SHAPE
    assert ours.dtype == np.float64
    spread = float(theirs.std())
    assert ours.std() == pytest.approx(spread, rel=0.02)  # 60,000 numbers: about seven standard errors
    assert ours.mean() == pytest.approx(theirs.mean(), abs=max(0.03 * spread, 1e-12))
    if row.distribution == "uniform":
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)
    if row.distribution == "normal":
        assert np.mean(np.abs(ours - ours.mean()) < spread) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("row", INITIALISERS, ids=lambda row: row.name)
def test_the_seed_decides(row: Initialiser) -> None:
    assert np.array_equal(drawn(row.name, seed=3), drawn(row.name, seed=3))
    if row.distribution != "constant":
        assert not np.array_equal(drawn(row.name, seed=3), drawn(row.name, seed=4))


def test_one_generator_draws_on() -> None:
    rng = np.random.default_rng(0)
    first, second = (draw(find_initialiser("he"), (2, 2), rng) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("shape", [(4, 4), (2, 5), (5, 2), (1, 3), (3, 1)])
def test_orthogonal_rows_or_columns(shape: tuple[int, int]) -> None:
    w = drawn("orthogonal", shape, gain=3)
    product = w @ w.T if shape[0] <= shape[1] else w.T @ w
    np.testing.assert_allclose(product, 9 * np.eye(min(shape)), atol=1e-12)


def test_orthogonal_signs_are_evenly_distributed() -> None:
    corners = [drawn("orthogonal", (2, 2), seed)[0, 0] > 0 for seed in range(200)]
    assert 60 < sum(corners) < 140


def test_settings_take_the_place_of_the_rows_own() -> None:
    low_high = drawn("uniform", low=2, high=3)
    assert low_high.min() >= 2
    assert low_high.max() < 3
    assert drawn("normal", mean=5, deviation=0).tolist() == np.full(SHAPE, 5.0).tolist()
    assert drawn("constant", (2,), value=-1.5).tolist() == [-1.5, -1.5]


@pytest.mark.parametrize("name", [row.name for row in INITIALISERS if row.name != "orthogonal"])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_biases_can_be_drawn(name: str, shape: tuple[int, ...]) -> None:
    b = drawn(name, shape)
    assert b.shape == shape
    assert np.isfinite(b).all()
    assert np.abs(b).max() <= 5 * sqrt(2)


@pytest.mark.parametrize(
    ("name", "shape", "settings", "message"),
    [
        ("uniform", (2, 2), {"hi": 1}, "uniform has no setting hi; its settings are low, high"),
        ("he", (2, 2), {"gain": 1}, "he_normal has no setting gain; it has no settings"),
        ("uniform", (2, 2), {"low": 1, "high": 0}, "uniform draws from low to high; 1 to 0 is no such range"),
        ("uniform", (2, 2), {"low": -1.7e308, "high": 1.7e308}, "uniform draws from low to high; -1.7e+308 to"),
        ("normal", (2, 2), {"deviation": -1}, "normal has a deviation of 0 or more, not -1"),
        ("normal", (2, 2), {"mean": float("nan")}, "mean of normal must be a finite number, not nan"),
        ("constant", (2, 2), {"value": float("inf")}, "value of constant must be a finite number, not inf"),
        ("orthogonal", (3,), {}, "orthogonal start values need a matrix of weights"),
        ("orthogonal", (), {}, "orthogonal start values need a matrix of weights"),
    ],
)
def test_what_can_not_be_drawn(name: str, shape: tuple[int, ...], settings: dict[str, float], message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        drawn(name, shape, **settings)
    assert str(caught.value).startswith(message)


def test_names() -> None:
    names = [name for row in INITIALISERS for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    for row in INITIALISERS:
        assert all(find_initialiser(name) is row for name in (row.name, *row.aliases))
    with pytest.raises(CatalogueError, match="there is no initialiser 'xaver'; did you mean xavier"):
        find_initialiser("xaver")
