"""The estimators in scikit-learn: all of its checks, pipelines, searches; and nothing of it before it is used."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule.training.estimators import NetworkClassifier, NetworkRegressor

SMALL = {"hidden_layer_sizes": (20,), "learning_rate": 0.01}


@pytest.mark.parametrize("make", [NetworkClassifier, NetworkRegressor], ids=lambda each: each.__name__)
def test_every_check_of_scikit_learn_passes(make: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(make(**SMALL), on_fail=None)
    failed = [
        (each["check_name"], each["exception"]) for each in results if each["status"] not in ("passed", "skipped")
    ]
    assert not failed
    assert sum(each["status"] == "passed" for each in results) > 40


def test_a_pipeline_a_search_and_cross_validation() -> None:
    x, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y]
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier((8,), learning_rate=0.02, epochs=60, random_state=0))
    assert cross_val_score(pipeline, x, names, cv=3).mean() > 0.9
    grid = GridSearchCV(pipeline, {"networkclassifier__hidden_layer_sizes": [(4,), (8, 4), ()]}, cv=3).fit(x, names)
    assert grid.best_score_ > 0.9
    assert set(grid.predict(x)) == set(names)


def test_a_regressor_for_several_targets() -> None:
    x, y = make_regression(200, 5, n_targets=2, random_state=0)
    y = y / y.std(axis=0)
    model = NetworkRegressor((20,), learning_rate=0.01, random_state=1).fit(x, y)
    assert model.predict(x).shape == (200, 2)
    assert model.score(x, y) > 0.95
    assert NetworkRegressor((20,), learning_rate=0.01, random_state=1).fit(x, y[:, 0]).predict(x).shape == (200,)


def test_a_classifier_is_level_with_that_of_scikit_learn() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    ours = cross_val_score(NetworkClassifier((16,), random_state=0), x, y, cv=4).mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of not having converged
        theirs = cross_val_score(MLPClassifier((16,), alpha=0, random_state=0), x, y, cv=4).mean()
    assert ours > theirs - 0.01


def test_probabilities_weights_of_classes_and_early_stopping() -> None:
    x, y = load_digits(return_X_y=True)
    model = NetworkClassifier((16,), patience=3, validation_fraction=0.2, class_weight="balanced", random_state=0)
    model.fit(x / 16, y)
    assert model.predict_proba(x / 16).sum(axis=1) == pytest.approx(1)
    assert 3 < model.n_iter_ < 200
    assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
    heavy = NetworkClassifier((16,), class_weight={8: 50.0}, epochs=5, random_state=0).fit(x / 16, y)
    light = NetworkClassifier((16,), class_weight={8: 0.02}, epochs=5, random_state=0).fit(x / 16, y)
    assert (heavy.predict(x / 16) == 8).sum() > 150 > 50 > (light.predict(x / 16) == 8).sum()


def test_what_is_refused() -> None:
    x = np.zeros((4, 2))
    with pytest.raises(NotFittedError):
        NetworkClassifier().predict(x)
    with pytest.raises(ValueError, match="only one class"):
        NetworkClassifier().fit(x, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="there is no class 7 to weigh"):
        NetworkClassifier(class_weight={7: 1.0}).fit(x, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="there is no activation 'rely'; did you mean relu"):
        NetworkClassifier(activation="rely").fit(x, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="there is no parameter 'epoch'"):
        NetworkClassifier().set_params(epoch=3)


def test_nothing_of_scikit_learn_is_imported_before_it_is_used() -> None:
    probe = (
        "import sys; from chainrule.training.estimators import NetworkClassifier as C; "
        "repr(C().set_params(epochs=3)); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
