"""The digits and the breast-cancer set as a newcomer trains on them, beside scikit-learn's MLP; and measures."""

import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import accuracy_score, confusion_matrix, r2_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.training import Update
from chainrule.spec.spec import Spec
from chainrule.training.data import Choices
from chainrule.training.history import curve_svg, curve_text
from chainrule.training.measure import measure
from chainrule.training.preparation import input_names
from chainrule.training.programs import Trainable, drawn_part
from chainrule.training.progress import Options
from chainrule.training.readers import Data
from chainrule.training.session import train
from chainrule.training.use import class_names, evaluate, predict
from training.network import spec_of, write_csv

SETS = {"digits": (load_digits, 64, 32, 10), "cancer": (load_breast_cancer, 30, 16, 1)}
TRAIN = {"digits": 1300, "cancer": 400}
EPOCHS = 40


@pytest.mark.parametrize("name", SETS)
def test_accuracy_is_level_with_that_of_scikit_learn(tmp_path: Path, name: str) -> None:
    """The same network, optimizer, rate, batches and epochs; on average over some seeds."""
    load, inputs, hidden, outputs = SETS[name]
    x, y = load(return_X_y=True)
    cut = TRAIN[name]
    scaler = StandardScaler().fit(x[:cut])
    seen, unseen = Data(write_csv(tmp_path, name, slice(0, cut))), Data(write_csv(tmp_path, name, slice(cut, None)))
    ours, theirs = [], []
    for seed in range(5):
        spec = spec_of(inputs, hidden, outputs, "0.002", seed)
        trained = train(spec, seen, Choices(("class",)), Options(EPOCHS, 32, seed))
        ours.append(evaluate(trained, unseen).accuracy)
        mlp = MLPClassifier((hidden,), alpha=0, batch_size=32, learning_rate_init=0.002, max_iter=EPOCHS,
                            random_state=seed, tol=0, n_iter_no_change=EPOCHS)  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of not having converged, which is the same for both
            mlp.fit(scaler.transform(x[:cut]), y[:cut])
        theirs.append(mlp.score(scaler.transform(x[cut:]), y[cut:]))
    assert np.mean(ours) > np.mean(theirs) - 0.01
    assert np.mean(ours) > 0.9


def test_measures_are_those_of_scikit_learn(tmp_path: Path) -> None:
    data = Data(write_csv(tmp_path, "digits"))
    trained = train(spec_of(64, 8, 10), data, Choices(("class",)), Options(2, 64))
    y = load_digits(return_X_y=True)[1]
    answers, found = predict(trained, data), evaluate(trained, data)
    assert answers.answers.tolist() == answers.outputs.argmax(axis=1).tolist()
    assert answers.names == class_names(trained) == tuple("0123456789")
    assert found.accuracy == accuracy_score(y, answers.answers)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(y, answers.answers))
    loss = -np.log(answers.outputs[np.arange(len(y)), y]).mean()
    assert found.loss == pytest.approx(loss, rel=1e-12)


def test_numbers_are_answered_in_their_own_units() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    table = {"a": x[:, 0], "b": x[:, 1], "price": 5000 + 300 * x[:, 0] - 100 * x[:, 1] ** 2}
    layers = (DenseLayer(16, "tanh"), DenseLayer(1))
    conventions = Conventions("mean_squared_error")
    spec = Spec("Prices", drawn_part(2, layers, conventions, 0), Update("adam", Decimal("0.02")), None, 1)
    choices = Choices(("price",), standardise_targets=True)
    trained = train(spec, Data(table), choices, Options(60, 32, validation=0.2, patience=20))
    answers, found = predict(trained, Data({"a": table["a"], "b": table["b"]})), evaluate(trained, Data(table))
    assert found.r2 == pytest.approx(r2_score(table["price"], answers.answers[:, 0]))
    assert found.r2 > 0.98
    assert found.rmse == pytest.approx((np.sqrt(((table["price"] - answers.answers[:, 0]) ** 2).mean()),))
    assert trained.history[-1].score > 0.9
    assert input_names(trained.preparation) == ["a", "b"]


def test_two_outputs_against_a_constant_target() -> None:
    net = Trainable(1, (DenseLayer(2),))
    ledger = {"w_o": np.array([[1.0], [0.0]]), "b_o": np.array([0.0, 3.0])}
    data = {"x": np.array([[1.0], [2.0]]), "target": np.array([[1.0, 3.0], [2.0, 3.0]])}
    assert measure(net, ledger, data).r2 == 1.0
    off = {**ledger, "b_o": np.array([0.0, 4.0])}
    assert measure(net, off, data).r2 == 0.5


def test_the_curve_has_readable_axes(tmp_path: Path) -> None:
    data = Data(write_csv(tmp_path, "cancer"))
    history = train(spec_of(30, 16, 1), data, Choices(("class",)), Options(20, 32, validation=0.2)).history
    text = curve_text(history, 60, 10)
    lines = text.splitlines()
    assert lines[0].strip() == "error for each sample: ⠒⠒ training, ⠒ ⠒ validation"
    assert all(len(line) <= 60 for line in lines)
    assert lines[-1].strip() == "epoch"
    assert lines[-2].split()[0] == "1"
    assert lines[-2].split()[-1] == "20"
    assert sum("┤" in line for line in lines) >= 3
    plain = curve_text(history, 60, 10, ascii_only=True)
    assert plain.isascii()
    picture = curve_svg(history, title="<cancer>")
    assert "&lt;cancer&gt;" in picture
    assert ">epoch</text>" in picture
    assert curve_text(()) == ""
    with pytest.raises(ValueError, match="no epoch"):
        curve_svg(())
