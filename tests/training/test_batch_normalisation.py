"""Batch normalisation trained on data: the batch's statistics in training, the running ones in use, as in PyTorch."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional

import chainrule as cr
from chainrule.catalogue.build import Conventions, DenseLayer, Inputs
from chainrule.catalogue.layer_row import LayerUse
from chainrule.catalogue.place import place_layers
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine
from chainrule.training.batches import in_memory, pieces, samples
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.measure import Forward
from chainrule.training.problems import SavedError, TrainingError
from chainrule.training.programs import Trainable, kept_of_layer
from chainrule.training.progress import Options
from chainrule.training.saved import load, read_checkpoint, save_checkpoint
from chainrule.training.session import resume

Array = NDArray[Any]
Weights = dict[str, Tensor]
ROWS, BATCH, EPOCHS, RATE = 32, 6, 20, 0.01  # 120 rounds, the last of each epoch with two samples
STATISTICS = ("mu_bn_run", "var_bn_run")


def use(kind: str, **settings: object) -> LayerUse:
    return LayerUse(kind, tuple(settings.items()))


def net(inputs: Inputs, *layers: DenseLayer | LayerUse) -> Trainable:
    update = Update("adam", Decimal(str(RATE)))
    return Trainable(inputs, (*layers, DenseLayer(2)), Conventions("mean_squared_error"), update)


CASES = {
    # No bias before a normalisation: its derivative is 0, and Adam makes steps of what rounding leaves of it.
    "features": net(3, DenseLayer(4, bias="none"), use("batch_norm", momentum="0.2", eps="0.001"), use("activation",
                    activation="relu")),
    "pictures": net((6, 6), use("convolution_2d", kernel=(3, 3), filters=3, without=("bias",)), use("batch_norm"),
                    use("activation", activation="tanh"), use("flatten")),
    "frozen": net(3, DenseLayer(4, bias="none"), use("batch_norm", mode="evaluation"), use("activation",
                  activation="relu")),
}  # fmt: skip


def in_pytorch(name: str, w: Weights, x: Tensor, training: bool) -> Tensor:
    """The outputs; in training PyTorch moves the statistics along by itself."""
    own = *(w[each] for each in STATISTICS), w["gamma_bn"], w["beta_bn"]
    if name == "pictures":
        found = functional.conv2d(x.reshape(-1, 1, 6, 6), w["k_c"][:, None])
        hidden = torch.tanh(functional.batch_norm(found, *own, training)).flatten(1)
    else:
        found = x @ w["w_h"].T
        settings = (training, 0.2, 0.001) if name == "features" else (False,)
        hidden = torch.relu(functional.batch_norm(found, *own, *settings))
    return hidden @ w["w_o"].T + w["b_o"]


@pytest.mark.parametrize("engine", [NumpyEngine(), JaxEngine()], ids=["numpy", "jax"])
@pytest.mark.parametrize("name", CASES)
def test_the_curve_the_statistics_and_the_predictions_are_those_of_pytorch(name: str, engine: Engine) -> None:
    pytest.importorskip("jax")
    trainable, rng = CASES[name], np.random.default_rng(3)
    x, target = 1 + 2 * rng.normal(size=(ROWS, np.prod(trainable.inputs))), rng.normal(size=(ROWS, 2))
    placed = place_layers(trainable.inputs, trainable.layers)
    start = {
        family: abs(rng.normal(size=given.shape)) / 2 + 0.1 for each in placed for family, given in kept_of_layer(each)
    }
    done = fit(trainable, start, samples(x, target), Options(EPOCHS, BATCH), engine=engine)
    weights = {each: torch.tensor(array, requires_grad=each not in STATISTICS) for each, array in start.items()}
    optimizer = torch.optim.Adam([each for each in weights.values() if each.requires_grad], lr=RATE)
    losses = []
    for epoch in range(EPOCHS):
        total = 0.0
        for piece in pieces(in_memory({"x": x}), BATCH, 0, epoch, shuffle=True):
            for rows in piece.order:
                out = in_pytorch(name, weights, torch.tensor(x[rows]), True)
                error = functional.mse_loss(out, torch.tensor(target[rows]))
                optimizer.zero_grad()
                error.backward()
                optimizer.step()
                total += error.item() * len(rows) / ROWS
        losses.append(total)
    np.testing.assert_allclose([each.loss for each in done.history], losses, rtol=1e-7)
    for each, tensor in weights.items():
        np.testing.assert_allclose(done.state[each], tensor.detach().numpy(), rtol=1e-7, atol=1e-9, err_msg=each)
    with torch.no_grad():
        expected = in_pytorch(name, weights, torch.tensor(x), False).numpy()
    np.testing.assert_allclose(Forward(trainable, engine).outputs(done.state, x), expected, rtol=1e-7, atol=1e-9)
    assert name == "frozen" or not np.allclose(start["mu_bn_run"], done.state["mu_bn_run"])


RNG = np.random.default_rng(0)
X = RNG.normal(size=(34, 3))
Y = np.where(X.sum(axis=1) > 0, "yes", "no")


def network(**own: Any) -> cr.Network:
    layers = [cr.Dense(4), cr.Layer("batch_norm", **own), cr.Layer("activation", activation="relu"),
              cr.Dense(1, "logistic")]  # fmt: skip
    return cr.Network(3, layers, "binary_cross_entropy")


def test_a_row_alone_has_the_prediction_that_it_has_among_others() -> None:
    trained = network().fit(X, Y, epochs=3, batch=8, validation=0.3)
    np.testing.assert_allclose(trained.outputs(X[4:5]), trained.outputs(X)[4:5], rtol=1e-12)
    step = trained.step(5)
    assert step["out_o1"] == pytest.approx(float(trained.outputs(X)[4, 0]), rel=1e-12)
    assert step["mu_bn_run"] == pytest.approx(trained.parameters["mu_bn_run"])
    assert step["hat_bn2"] == pytest.approx(
        (step["out_h2"] - step["mu_bn_run2"]) / (step["var_bn_run2"] + 0.00001) ** 0.5
    )
    assert trained.evaluate(X[4:5], Y[4:5]).loss == pytest.approx(step["E_total"], rel=1e-12)


def test_the_folder_keeps_the_statistics_and_training_goes_on_from_them(tmp_path: Path) -> None:
    whole = network(momentum=0.3).fit(X, Y, epochs=6, batch=8, validation=0.3, patience=9, folder=tmp_path / "whole")
    half = network(momentum=0.3).fit(X, Y, epochs=3, batch=8, validation=0.3, patience=9, folder=tmp_path / "half")
    assert not np.allclose(whole.trained.progress.state["var_bn_run"], half.trained.progress.state["var_bn_run"])
    data = half.data_at()
    on = resume(tmp_path / "half", data, epochs=6)
    for each, array in whole.trained.progress.state.items():
        np.testing.assert_array_equal(on.progress.state[each], array, err_msg=each)
    again = cr.load_trained(tmp_path / "whole")
    np.testing.assert_array_equal(again.outputs(X), whole.outputs(X))
    assert "mu_bn_run" in load_file(tmp_path / "whole" / "weights.safetensors")
    assert "momentum = 0.3" in (tmp_path / "whole" / "network.toml").read_text()


def test_the_best_epoch_has_its_own_statistics() -> None:
    trained = network().fit(X, Y, epochs=30, batch=8, validation=0.3, patience=2, learning_rate=0.3)
    progress = trained.trained.progress
    assert progress.best_epoch < progress.epoch
    np.testing.assert_array_equal(trained.parameters["mu_bn_run"], progress.best["mu_bn_run"])
    assert not np.allclose(progress.best["mu_bn_run"], progress.state["mu_bn_run"])


def test_a_folder_without_statistics_says_what_to_do(tmp_path: Path) -> None:
    network().fit(X, Y, epochs=1, batch=8, folder=tmp_path / "old")
    progress = read_checkpoint(tmp_path / "old" / "checkpoint.safetensors")
    for each in STATISTICS:
        del progress.state[each]  # type: ignore[attr-defined]
    save_checkpoint(tmp_path / "old", progress)
    with pytest.raises(SavedError, match=r"older version.*\(mu_bn_run, var_bn_run\); train it again"):
        load(tmp_path / "old")


def test_statistics_in_the_network_file_are_where_the_running_ones_begin() -> None:
    given = {"mean": [1.0, 2, 3, 4], "variance": [1.0, 1, 2, 2]}
    slow = network(momentum=0, **given).fit(X, Y, epochs=2, batch=8)
    np.testing.assert_array_equal(slow.parameters["mu_bn_run"], given["mean"])
    np.testing.assert_array_equal(slow.parameters["var_bn_run"], given["variance"])
    frozen = network(mode="evaluation", **given).fit(X, Y, epochs=2, batch=8)
    np.testing.assert_array_equal(frozen.parameters["mu_bn_run"], given["mean"])
    assert not np.allclose(frozen.parameters["gamma_bn"], 1)


def test_a_shared_normalisation_has_statistics_of_its_own() -> None:
    layers = [cr.Dense(4), cr.Layer("batch_norm", name="one"), cr.Dense(4, "tanh"),
              cr.Layer("batch_norm", name="two", share="one"), cr.Dense(1, "logistic")]  # fmt: skip
    trained = cr.Network(3, layers, "binary_cross_entropy").fit(X, Y, epochs=2, batch=8, validation=0.3)
    assert "gamma_two" not in trained.parameters
    assert not np.allclose(trained.parameters["mu_one_run"], trained.parameters["mu_two_run"])
    assert trained.step(3)["out_o1"] == pytest.approx(float(trained.outputs(X)[2, 0]), rel=1e-12)


@pytest.mark.parametrize("rows", [8, 9, 33])
def test_a_round_of_one_sample_has_no_spread(rows: int, tmp_path: Path) -> None:
    batch = {8: 1, 9: 8, 33: 8}[rows]
    hint = {8: "take a larger batch", 9: "take batches of 9", 33: "take batches of 9"}[rows]
    with pytest.raises(TrainingError, match=f"layer bn: .*{hint}"):
        network().fit(X[:rows], Y[:rows], epochs=1, batch=batch, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_one_picture_has_a_spread_of_its_own() -> None:
    layers = [cr.Layer("convolution", kernel=2), cr.Layer("batch_norm", channels="none"), cr.Layer("flatten"),
              cr.Dense(1)]  # fmt: skip
    net = cr.Network((3, 3), layers, "mean_squared_error")
    trained = net.fit(RNG.normal(size=(5, 9)), RNG.normal(size=5), epochs=2, batch=4)
    assert np.isfinite(trained.parameters["var_bn_run"]).all()


def test_what_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"layer bn: without its mean it can't be trained on data"):
        network(mode="evaluation").fit(X, Y, epochs=1)
    with pytest.raises(CatalogueError, match=r"momentum is a share from 0 to 1, not 1\.5"):
        network(momentum=1.5)


def test_single_precision_keeps_statistics_too() -> None:
    one, two = (network().fit(X, Y, epochs=4, batch=8, validation=0.3, precision=each) for each in ("single", "double"))
    np.testing.assert_allclose(one.parameters["var_bn_run"], two.parameters["var_bn_run"], rtol=1e-4)


def test_runs_of_a_sweep_together_are_those_alone(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    ways = {"numpy": tmp_path / "one.sqlite", "jax": tmp_path / "two.sqlite"}
    frozen = network(mode="evaluation", mean=[0.0, 0, 0, 0], variance=[1.0, 2, 1, 1])
    for each in (network(), frozen):
        found = [each.sweep(X, Y, vary={"seed": [1, 2, 3]}, file=f"{file}{each is frozen}", engine=engine, epochs=5,
                            batch=8) for engine, file in ways.items()]  # fmt: skip
        for one, two in zip(*(sorted(each.runs, key=lambda run: run.settings["seed"]) for each in found), strict=True):
            assert (one.status, two.status) == ("done", "done")
            assert one.loss == pytest.approx(two.loss, rel=1e-9)
            assert one.validation_loss == pytest.approx(two.validation_loss, rel=1e-9)
