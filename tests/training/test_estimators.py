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
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from chainrule.training.estimators import NetworkClassifier, NetworkRegressor

SMALL = {"hidden_layer_sizes": (20,), "learning_rate": 0.01}


@pytest.mark.parametrize(
    "make", [NetworkClassifier, NetworkRegressor], ids=lambda each: each.__name__
)
def test_every_check_of_scikit_learn_passes(make: type) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(make(**SMALL), on_fail=None)
    failed = [(each["check_name"], each["exception"]) for each in results if each["status"] not in ("passed", "skipped")]
    assert not failed
    assert sum(each["status"] == "passed" for each in results) > 40
