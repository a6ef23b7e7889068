"""Estimators for scikit-learn, which is imported when one is fitted and not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.build import Conventions, DenseLayer, layer_names
from chainrule.catalogue.training import Update
from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.training.batches import class_weights, samples
from chainrule.training.fit import fit
from chainrule.training.measure import Forward
from chainrule.training.problems import TrainingError
from chainrule.training.programs import Trainable, drawn_part, parameter_names, start_parameters
from chainrule.training.progress import Options, parameters_of
from chainrule.training.schedules import Chosen

Array = NDArray[Any]
NEEDS = 'estimators need: pip install "chainrule[sklearn]"'
AUTO_BATCH = 200  # as in scikit-learn


class _Estimator:
    """What both kinds share: parameters, and training."""

    KIND: ClassVar[str]

    # These are set by each class's own __init__, as scikit-learn wants it.
    hidden_layer_sizes: Sequence[int]
    activation: str
    optimizer: str
    learning_rate: float | None
    epochs: int
    batch_size: int | str
    weight_decay: float | None
    clip_norm: float | None
    dropout: float
    schedule: str
    weights: str
    patience: int | None
    tol: float
    validation_fraction: float
    shuffle: bool
    random_state: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; ``deep`` is for estimators that contain others."""
        return {name: getattr(self, name) for name in signature(type(self).__init__).parameters if name != "self"}

    def set_params(self, **params: Any) -> Self:
        """Change parameters. Raises ``ValueError`` for one that there isn't."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"there is no parameter {name!r} of {type(self).__name__}; there are: {', '.join(known)}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: each.default for name, each in signature(type(self).__init__).parameters.items()}
        own = [f"{name}={value!r}" for name, value in self.get_params().items() if repr(value) != repr(defaults[name])]
        return f"{type(self).__name__}({', '.join(own)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        is_classifier = self.KIND == "classifier"
        return Tags(
            estimator_type=self.KIND,
            target_tags=TargetTags(required=True, multi_output=not is_classifier),
            classifier_tags=ClassifierTags() if is_classifier else None,
            regressor_tags=None if is_classifier else RegressorTags(),
        )

    def _fit(self, x: Array, target: Array, activation: str, loss: str, weight: Array | None) -> Self:
        from sklearn.utils import check_random_state

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        hidden: list[int] = np.ravel(np.asarray(self.hidden_layer_sizes, dtype=int)).tolist()
        layers = (
            *(DenseLayer(units, self.activation) for units in hidden),
            DenseLayer(target.shape[1], activation),
        )
        conventions = Conventions(loss)
        optional = [
            None if value is None else Decimal(repr(float(value)))
            for value in (self.learning_rate, self.weight_decay, self.clip_norm)
        ]
        update = Update(self.optimizer, optional[0], {}, optional[1], optional[2])
        share = Decimal(repr(float(self.dropout)))
        dropout = dict.fromkeys(layer_names(layers)[:-1], share) if share else {}
        net = Trainable(x.shape[1], layers, conventions, update, dropout)
        start = start_parameters(drawn_part(x.shape[1], layers, conventions, seed, self.weights))
        data = samples(x, target, weight)
        progress = fit(net, start, data, self._options(len(x), seed))
        if progress.stopped == "interrupted":
            raise KeyboardInterrupt
        self.network_ = net
        self.parameters_ = parameters_of(progress, self._options(len(x), seed), parameter_names(net))
        self.n_iter_ = progress.epoch
        self.loss_ = progress.history[-1].loss
        self.loss_curve_ = [each.loss for each in progress.history]
        self.validation_scores_ = [each.score for each in progress.history if each.score is not None]
        return self

    def _options(self, rows: int, seed: int) -> Options:
        batch = min(AUTO_BATCH, rows) if self.batch_size == "auto" else int(self.batch_size)
        watched = bool(self.validation_fraction)
        return Options(
            self.epochs, batch, seed, self.shuffle, self.validation_fraction, self.patience, self.tol, watched,
            Chosen(self.schedule),
        )  # fmt: skip

    def _outputs(self, X: Any) -> Array:
        validation = _validation()
        validation.check_is_fitted(self, "parameters_")
        x = validation.validate_data(self, X, dtype=np.float64, reset=False)
        return Forward(self.network_).outputs(self.parameters_, x)


def _validation() -> Any:
    """scikit-learn's checks of what a person hands in."""
    try:
        from sklearn.utils import validation
    except ImportError:
        raise MissingLibraryError(NEEDS) from None
    return validation


class NetworkClassifier(_Estimator):
    """A network of dense layers that learns classes, with softmax and cross-entropy; for scikit-learn.

    The last layer has a neuron for each class, or one logistic neuron for two. ``batch_size`` auto is 200, or all
    samples where there are fewer. Training stops early after ``patience`` epochs in which the error of training (of the
    validation samples, where ``validation_fraction`` sets some apart) has not become smaller by ``tol``; ``schedule``
    is a row of the learning rate's schedules, ``class_weight`` balanced or a weight for each class.

    >>> NetworkClassifier(hidden_layer_sizes=(8,))
    NetworkClassifier(hidden_layer_sizes=(8,))
    """

    KIND = "classifier"

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float | None = None,
        epochs: int = 200,
        batch_size: int | str = "auto",
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        dropout: float = 0.0,
        schedule: str = "constant",
        weights: str = "glorot_uniform",
        patience: int | None = 10,
        tol: float = 1e-4,
        validation_fraction: float = 0.0,
        shuffle: bool = True,
        class_weight: str | Mapping[Any, float] | None = None,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.dropout = dropout
        self.schedule = schedule
        self.weights = weights
        self.patience = patience
        self.tol = tol
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples and their classes. Raises ``ValueError`` for what can't be learnt from."""
        validation = _validation()
        from sklearn.utils.multiclass import check_classification_targets

        x, y = validation.validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, places = np.unique(validation.column_or_1d(y, warn=True), return_inverse=True)
        weight = _weights(self, sample_weight, x)
        present = np.unique(places if weight is None else places[weight > 0])
        if len(present) < 2:
            raise TrainingError("there is only one class in y; a classifier needs samples of at least two classes")
        if self.class_weight is not None:
            weight = _by_class(self.class_weight, self.classes_, places, np.ones(len(x)) if weight is None else weight)
        if len(self.classes_) == 2:
            return self._fit(x, places[:, None].astype(float), "logistic", "binary_cross_entropy", weight)
        return self._fit(x, np.eye(len(self.classes_))[places], "softmax", "cross_entropy", weight)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, a row for each sample."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> Array:
        """The most probable class of each sample."""
        found: Array = np.asarray(self.predict_proba(X).argmax(axis=1))
        return np.asarray(self.classes_[found])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy."""
        return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))


class NetworkRegressor(_Estimator):
    """A network of dense layers that learns numbers, one or several for each sample; for scikit-learn.

    The last layer has a neuron without an activation for each target; ``loss`` is a row of the losses. The other
    parameters are those of `NetworkClassifier`.

    >>> NetworkRegressor(loss="huber")
    NetworkRegressor(loss='huber')
    """

    KIND = "regressor"

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        loss: str = "mean_squared_error",
        optimizer: str = "adam",
        learning_rate: float | None = None,
        epochs: int = 200,
        batch_size: int | str = "auto",
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        dropout: float = 0.0,
        schedule: str = "constant",
        weights: str = "glorot_uniform",
        patience: int | None = 10,
        tol: float = 1e-4,
        validation_fraction: float = 0.0,
        shuffle: bool = True,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.dropout = dropout
        self.schedule = schedule
        self.weights = weights
        self.patience = patience
        self.tol = tol
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples and their targets. Raises ``ValueError`` for what can't be learnt from."""
        x, y = _validation().validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(y, dtype=float)
        self._flat = targets.ndim == 1
        weight = _weights(self, sample_weight, x)
        return self._fit(x, targets[:, None] if self._flat else targets, "identity", self.loss, weight)

    def predict(self, X: Any) -> Array:
        """The numbers for each sample."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², as scikit-learn has it."""
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X), sample_weight=sample_weight))


def _weights(estimator: _Estimator, sample_weight: Any, x: Array) -> Array | None:
    """The samples' weights, 1 on average: so that twice the weight is the same as the sample twice."""
    if sample_weight is None:
        return None
    weight: Array = np.array(_validation()._check_sample_weight(sample_weight, x, ensure_non_negative=True))
    if not weight.any():
        raise TrainingError("all weights of samples are 0")
    return np.asarray(weight * (len(weight) / weight.sum()))


def _by_class(chosen: str | Mapping[Any, float], classes: Array, places: Array, weight: Array) -> Array:
    if isinstance(chosen, Mapping):
        known = classes.tolist()
        for name in chosen:
            if name not in known:
                raise TrainingError(f"there is no class {name!r} to weigh; there are: {', '.join(map(str, known))}")
        chosen = {known.index(name): value for name, value in chosen.items()}
    return weight * class_weights(places, chosen)
