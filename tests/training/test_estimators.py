"""The estimators in scikit-learn: all of its checks, pipelines, searches; and nothing of it before it is used."""

import warnings

import pytest
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
