"""Training in Python: ``net.fit`` and what comes back."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.choose import UnknownEngine
from chainrule.model import PROBLEMS
from chainrule.training.problems import DataError, DivergedError, SavedError, TrainingError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
CLASSES = np.array(["first", "second", "third"])[X.argmax(axis=1)]


def classifier(**options: Any) -> cr.Network:
    return cr.Network(3, [cr.Dense(8, "tanh"), cr.Dense(3, "softmax")], "cross_entropy", **options)


def test_classes_are_learnt_and_named() -> None:
    trained = classifier().fit(X, CLASSES, epochs=30, learning_rate=0.02, validation=0.2)
    assert trained.classes == ("first", "second", "third")
    assert trained.score(X, CLASSES) > 0.9
    assert (trained.predict(X) == CLASSES).mean() == trained.score(X, CLASSES)
    assert trained.outputs(X).sum(axis=1) == pytest.approx(1)
    assert trained.evaluate(X, CLASSES).confusion.sum() == 150
    assert len(trained.history) == 30
    assert repr(trained).startswith("<network 3-8-3 after 30 epochs, error ")
    assert repr(trained.curve()).strip().startswith("error for each sample")
    assert trained.curve().svg().startswith("<svg")


def test_rows_with_a_single_one_are_classes() -> None:
    rows = np.eye(3)[X.argmax(axis=1)]
    trained = classifier().fit(X, rows, epochs=30, learning_rate=0.02)
    assert trained.predict(X[:20]).tolist() == trained.outputs(X[:20]).argmax(axis=1).tolist()
    assert trained.score(X, rows) == trained.score(X, X.argmax(axis=1)) > 0.9
    few = X.argmax(axis=1) < 2
    assert trained.evaluate(X[few], rows[few]).samples == few.sum()
    watched = classifier().fit(X, rows, epochs=1, validation=(X[few], rows[few]))
    assert watched.history[0].validation_loss > 0


@pytest.mark.parametrize("batch", [None, 150])
def test_an_epoch_is_the_rounds_that_are_explained(batch: int | None) -> None:
    """With all samples in a round, an epoch of fit is a round of the network file."""
    targets = X[:, :2] ** 2
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], seed=3)
    before = {name: array.copy() for name, array in net.parameters.items()}
    trained = net.fit(X, targets, epochs=5, batch=batch, optimizer="momentum", learning_rate=0.05)
    step = net.step(X, targets, optimizer="momentum", learning_rate=0.05).after(5)
    for name, array in trained.parameters.items():
        np.testing.assert_allclose(array, step[name], rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(net.parameters[name], before[name])


def test_numbers_keep_their_shape() -> None:
    net = cr.Network(3, [cr.Dense(1)], "mean_squared_error")
    assert net.fit(X, X[:, 0], epochs=1).predict(X).shape == (150,)
    assert net.fit(X, X[:, :1], epochs=1).predict(X).shape == (150, 1)


def test_columns_by_name(tmp_path: Path) -> None:
    table = {"size": X[:, 0] * 100 + 500, "town": np.where(X[:, 1] > 0, "Ulm", "Bonn"), "price": X[:, 0] * 7}
    net = cr.Network(3, [cr.Dense(1)], "mean_squared_error")
    trained = net.fit(table, target="price", epochs=200, learning_rate=0.05)
    assert trained.score(table) > 0.99
    assert trained.predict({"size": [500.0], "town": ["Ulm"]}) == pytest.approx([0], abs=0.5)
    text = str(trained.explain(3))
    assert "i1 = size, i2 = town=Bonn, i3 = town=Ulm; numbers standardised" in text
    with pytest.raises(DataError, match="there is no column 'size'"):
        trained.predict({"town": ["Ulm"]})


def test_several_columns_by_name() -> None:
    table = {"a": X[:, 0], "b": X[:, 1], "sum": X[:, 0] + X[:, 1], "difference": X[:, 0] - X[:, 1]}
    net = cr.Network(2, [cr.Dense(2)], "mean_squared_error")
    trained = net.fit(table, target=("sum", "difference"), epochs=60, learning_rate=0.05)
    both = np.stack([table["sum"], table["difference"]], axis=1)
    assert trained.predict({"a": [1.0], "b": [2.0]})[0] == pytest.approx([3, -1], abs=0.1)
    assert trained.score({"a": X[:, 0], "b": X[:, 1]}, both) == trained.score(table) > 0.99
    with pytest.raises(DataError, match="y has 1 columns, but what was learnt is sum, difference"):
        trained.score(table, X[:, 0])


def test_a_folder_gives_the_same_network(tmp_path: Path) -> None:
    trained = classifier().fit(X, CLASSES, epochs=3, validation=(X[:20], CLASSES[:20]))
    trained.save(tmp_path / "kept")
    again = cr.load_trained(tmp_path / "kept")
    np.testing.assert_array_equal(again.outputs(X), trained.outputs(X))
    assert again.history == trained.history
    with pytest.raises(SavedError, match="is there already"):
        trained.save(tmp_path / "kept")
    trained.save(tmp_path / "kept", overwrite=True)
    with pytest.raises(DataError, match="the folder has no data"):
        again.explain(1)
    assert str(again.explain(1, "E_total", data=(X, CLASSES))) == str(trained.explain(1, "E_total"))


def test_given_start_values_are_saved_as_numbers(tmp_path: Path) -> None:
    net = cr.Network(2, [cr.Dense(2, "tanh", [[0.1, 0.2], [0.3, 0.4]], 0.5), cr.Dense(1, bias=None)])
    net.fit([[1, 2], [3, 4]], [1.0, 2.0], epochs=2, folder=str(tmp_path / "kept"))
    text = (tmp_path / "kept" / "network.toml").read_text()
    assert "[0.1, 0.2]" in text
    assert "bias = 0.5" in text
    assert cr.load_trained(tmp_path / "kept").predict([[1, 2]]).shape == (1,)


def test_a_row_is_explained_by_what_was_learnt() -> None:
    trained = classifier().fit(X, CLASSES, epochs=4, optimizer="adam")
    step = trained.step(17)
    assert step["x"][0] == pytest.approx(X[16])
    assert [step[f"out_o{place}"] for place in (1, 2, 3)] == pytest.approx(trained.outputs(X)[16], rel=1e-12)
    assert step.rounds_done == 20
    later, by_hand = step.after(2), step.next().next()
    assert later["E_total"] == by_hand["E_total"] < step["E_total"]
    assert later.rounds_done == 22
    assert float(step.after(0, digits=30)["E_total"]) == pytest.approx(step["E_total"], rel=1e-12)
    with pytest.raises(TrainingError, match="checked on a network file"):
        step.check({"E_total": 1})
    with pytest.raises(DataError, match="there is no row 151"):
        trained.explain(151)


def test_arrays_are_taken_as_they_are_unless_asked() -> None:
    net = classifier()
    assert net.fit(X, CLASSES, epochs=1).trained.preparation.inputs[0].scale == 1
    assert net.fit(X, CLASSES, epochs=1, standardise=True).trained.preparation.inputs[0].scale != 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give the targets as y, or name their column"),
        ({"y": CLASSES, "target": "a"}, "not both"),
        ({"y": CLASSES[:7]}, "there are 150 rows of inputs but 7 of targets"),
        ({"y": CLASSES, "engine": "cuda"}, "there is no engine 'cuda'; there are: auto, numpy, jax"),
        ({"y": CLASSES, "epoch": 3}, "fit has no argument 'epoch'"),
        ({"y": CLASSES, "epochs": 0}, "epochs is a whole number from 1"),
        ({"y": CLASSES, "schedule": "step every=x"}, "a schedule's setting is a name and a number"),
    ],
)
def test_a_mistake_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TrainingError, UnknownEngine), match=message):
        classifier().fit(X, **options)


def test_divergence_has_the_last_good_weights() -> None:
    net = cr.Network(3, [cr.Dense(1)], "mean_squared_error")
    with pytest.raises(DivergedError) as caught:
        net.fit(X * 100, X[:, 0], optimizer="gradient_descent", learning_rate=10.0)
    assert np.isfinite(caught.value.progress.state["w_o"]).all()
    assert isinstance(caught.value, PROBLEMS)


def test_the_estimators_are_at_hand() -> None:
    assert cr.NetworkClassifier((8,), learning_rate=0.05, random_state=0).fit(X, CLASSES).score(X, CLASSES) > 0.5
    code = "import sys, chainrule; chainrule.NetworkRegressor((3,)); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_layer_of_dropout_is_the_dropout_of_what_it_takes_in() -> None:
    """A new mask in each round of training, none in use; a mask of the layer's own is for its worked example."""
    x, y = np.random.default_rng(0).normal(size=(20, 3)), [0, 1] * 10
    layers = [cr.Dense(6, "tanh"), cr.Dense(2, "softmax")]
    dropped = [layers[0], cr.Layer("dropout", rate=0.4, mask=1), layers[1]]
    plain, layered = (cr.Network(3, each, "cross_entropy", seed=2) for each in (layers, dropped))
    expected = plain.fit(x, y, epochs=4, batch=5, dropout={"h": 0.4})
    found = layered.fit(x, y, epochs=4, batch=5)
    assert [each.loss for each in found.history] == [each.loss for each in expected.history]
    np.testing.assert_array_equal(found.predict(x), expected.predict(x))
    assert "out_d1 = out_h1" in str(found.explain(1, "out_d1"))
