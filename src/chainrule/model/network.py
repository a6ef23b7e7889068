"""A network of layers in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, output_shape, parameter_shapes, place_layers
from chainrule.catalogue.initialisers import find_initialiser
from chainrule.catalogue.layer_row import sizes_text
from chainrule.catalogue.place import chooses_below, given_of_layer, input_shape, no_row
from chainrule.catalogue.training import Update
from chainrule.model.layers import Dense, Layer, layer_of, part_of, start_of
from chainrule.model.prepare import layered_task
from chainrule.model.step import Step
from chainrule.model.task import Array
from chainrule.numbers.draw import draw
from chainrule.numbers.ledger import LedgerError
from chainrule.numbers.memory import check_size
from chainrule.program.program import Role
from chainrule.program.sizes import shape_text
from chainrule.spec.spec import Nested, NetworkPart, Spec

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.model.sweeping import SweepResults
    from chainrule.model.train import TrainedNetwork


class Network:
    """A network of layers with its start values; ``inputs`` is how many numbers a sample has, or its shape.

    ``over_outputs`` and ``over_batch`` are sum or mean, and the loss's own choice unless given; ``loss_settings`` are
    numbers in the loss, such as ``huber_delta``; drawn start values are the same for the same ``seed``. Raises
    ``LedgerError`` for start values of a wrong shape and ``CatalogueError`` for names that no row has.

    >>> net = Network(inputs=2, layers=[Dense(2, "logistic", [[0.15, 0.2], [0.25, 0.3]], 0.35)])
    >>> net.step([[0.05, 0.10]], [[0.01, 0.99]], learning_rate=0.5)["net_h1"]
    Traceback (most recent call last):
    ...
    chainrule.explain.find.UnknownQuantity: there is no quantity 'net_h1'; did you mean net_o1 or net_o2?
    >>> net.step([[0.05, 0.10]], [[0.01, 0.99]], learning_rate=0.5)["net_o1"]
    0.3775
    """

    def __init__(
        self,
        inputs: Inputs,
        layers: Sequence[Dense | Layer],
        loss: str = "half_squared_error",
        *,
        over_outputs: str | None = None,
        over_batch: str | None = None,
        loss_settings: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        own = {name: Decimal(repr(value)) for name, value in (loss_settings or {}).items()}
        self.inputs, self.conventions = inputs, Conventions(loss, over_outputs, over_batch, own)
        self.layers = tuple(layer_of(layer) for layer in layers)
        self._given, self._seed = tuple(layers), seed
        check_size(parameter_shapes(inputs, self.layers))
        rng = np.random.default_rng(seed)
        self.parameters: dict[str, Array] = {}
        self._others: dict[str, Array] = {}
        self._by_sample: dict[str, tuple[Any, tuple[int, ...]]] = {}
        for layer, placed in zip(layers, place_layers(inputs, self.layers), strict=True):
            for family, given in given_of_layer(placed):
                value, what = start_of(layer, given), f"the {given.key} of {placed.name}"
                if given.by_sample:
                    self._by_sample[family] = (value, given.shape)
                else:
                    into = self.parameters if given.role == Role.PARAMETER else self._others
                    into[family] = _start(value, given.shape, rng, what, given.fans)

    def __repr__(self) -> str:
        kinds = (each.activation if isinstance(each, DenseLayer) else each.kind for each in self.layers)
        return (
            f"<Network of {sizes_text(input_shape(self.inputs))} inputs, {', '.join(kinds)}; {self.conventions.loss}>"
        )

    def step(
        self,
        inputs: Any,
        targets: Any,
        *,
        optimizer: str = "gradient_descent",
        learning_rate: float | None = None,
        batch: int | None = None,
        settings: Mapping[str, float] | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> Step:
        """One round on these samples: a row of ``inputs`` and of ``targets`` for each.

        With ``batch`` a round takes that many samples, and the next round the next ones. Raises ``LedgerError`` for
        arrays that don't fit the network and ``CatalogueError`` for an unknown optimizer or setting.
        """
        data = {
            "x": _samples(inputs, input_shape(self.inputs), "inputs"),
            "target": _samples(targets, output_shape(self.inputs, self.layers), "targets"),
        }
        if len(data["x"]) != len(data["target"]):
            raise LedgerError(f"there are {len(data['x'])} samples of inputs but {len(data['target'])} of targets")
        below = chooses_below(self.inputs, self.layers)
        if below and (problem := no_row(below, data["x"].flat)):
            raise LedgerError(f"inputs: {problem}")
        rng = np.random.default_rng(self._seed)
        for family, (value, shape) in self._by_sample.items():
            data[family] = _start(value, (len(data["x"]), *shape), rng, family)
        own = {name: Decimal(repr(value)) for name, value in (settings or {}).items()}
        extra = [_decimal(value) for value in (weight_decay, clip_norm, clip_value)]
        update = Update(optimizer, _decimal(learning_rate), own, *extra)
        size = None if batch is None or batch >= len(data["x"]) else batch
        task = layered_task(
            "Worked example",
            self.inputs,
            self.layers,
            self.conventions,
            self.parameters,
            data,
            update,
            size,
            self._others,
        )

        def spec() -> Spec:
            made = self.spec(update)
            assert isinstance(made.network, NetworkPart)
            part = replace(made.network, data_inputs=_typed(data["x"]), data_targets=_typed(data["target"]))
            return replace(made, title=task.title, network=part, batch=size)

        return Step(replace(task, spec=spec))

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: str | Sequence[str] = (),
        epochs: int = 20,
        batch: int | None = 32,
        optimizer: str = "adam",
        learning_rate: float | None = None,
        settings: Mapping[str, float] | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        validation: Any = 0.0,
        patience: int | None = None,
        schedule: str = "constant",
        dropout: Mapping[str, float] | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        standardise: bool | None = None,
        seed: int | None = None,
        engine: str = "auto",
        precision: str = "double",
        folder: str | None = None,
        overwrite: bool = False,
        on_epoch: Any = None,
        **columns: Any,
    ) -> TrainedNetwork:
        """Train on data from the start values, which stay as they are; the trained network is what comes back.

        ``X`` and ``y`` are arrays, a row for each sample, ``y`` the classes or the numbers; or ``X`` is a data frame, a
        dictionary of columns or a file, with the ``target`` column by name. Named columns of numbers are standardised
        and arrays are not, unless ``standardise`` says so. ``precision`` is double or single. ``validation`` is a
        share, or samples as ``(X, y)``. With
        ``folder`` everything is kept there after every epoch; Ctrl-C gives back what was learnt so far. Further
        arguments are those of ``Choices``: ``impute``, ``categories``, ``leave_out``, ``inputs``, ``weight``,
        ``standardise_targets``.

        Raises ``DataError`` and ``TrainingError`` for what doesn't fit, ``DivergedError`` with the last good weights.

        >>> net = Network(1, [Dense(1)], "mean_squared_error")
        >>> trained = net.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=500, learning_rate=0.1)
        >>> trained.predict([[10.0]]).round(2)
        array([21.])
        """
        training = import_module("chainrule.model.train")  # loaded when it is asked for, as checking is
        fitting = import_module("chainrule.model.fitting").fitting_of(
            self._seed, epochs=epochs, batch=batch, optimizer=optimizer, learning_rate=learning_rate,
            settings=settings, weight_decay=weight_decay, clip_norm=clip_norm, clip_value=clip_value,
            patience=patience, schedule=schedule, dropout=dropout, class_weight=class_weight, seed=seed,
            engine=engine, precision=precision, **columns, standardise=training.standardised(standardise, X),
        )  # fmt: skip
        fitted: TrainedNetwork = training.fit_network(
            self.spec(fitting.update), self.parameters, X, y, target, validation, fitting, folder, overwrite, on_epoch
        )
        return fitted

    def sweep(
        self,
        X: Any,
        y: Any = None,
        *,
        vary: Mapping[str, Any],
        file: str | Path,
        target: str | Sequence[str] = (),
        method: str = "grid",
        trials: int | None = None,
        validation: float = 0.2,
        standardise: bool | None = None,
        on_done: Any = None,
        **fit: Any,
    ) -> SweepResults:
        """Try networks like this one on the same data, and keep a row for each run in an SQLite ``file``.

        ``vary`` has the values of each setting: a list, or a range as text such as ``"0.001..0.1 log in 3"``. The
        ``method`` is grid (all combinations), random or optuna, the last two with so many ``trials``. Runs that the
        file has already are not done again; Ctrl-C keeps what is done. ``on_done(task, outcome)`` is called after each
        run. ``X``, ``y``, ``target`` and further arguments are those of ``fit``.

        Raises ``DataError``, ``TrainingError`` and ``SavedError`` for what doesn't fit.

        >>> net = Network(1, [Dense(2, "tanh"), Dense(1)], "mean_squared_error")
        >>> import tempfile
        >>> place = tempfile.mkdtemp() + "/tried.sqlite"
        >>> found = net.sweep([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], vary={"units": [2, 4]}, file=place, validation=0)
        >>> [run.settings for run in found.runs]
        [{'units': 2}, {'units': 4}]
        """
        training, sweeping = import_module("chainrule.model.train"), import_module("chainrule.model.sweeping")
        chosen = training.standardised(standardise, X)
        fitting = import_module("chainrule.model.fitting").fitting_of(self._seed, **fit, standardise=chosen)
        found: SweepResults = sweeping.sweep_network(
            self.spec(fitting.update), X, y, target, validation, fitting, vary, method, trials, file, on_done
        )
        return found

    def spec(self, update: Update | None = None) -> Spec:
        """The network as a network file has it, without data."""
        parts = tuple(part_of(layer) for layer in self._given)
        part = NetworkPart(self.inputs, parts, self.conventions, self._seed, (), ())
        return Spec("Trained network", part, update or Update(), None, 1)


def _start(
    value: Any, shape: tuple[int, ...], rng: np.random.Generator, what: str, fans: tuple[int, int] | None = None
) -> Array:
    if isinstance(value, str):
        return draw(find_initialiser(value), shape, rng, fans=fans)
    array = _array(value, what)
    if array.shape != shape:
        rows = ": a row for each neuron" if len(shape) == 2 else ""
        raise LedgerError(f"{what} are {shape_text(array.shape)}, but must be {shape_text(shape)}{rows}")
    return array


def _array(value: Any, what: str) -> Array:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise LedgerError(f"{what} must be numbers, in rows of one length") from None


def _samples(values: Any, shape: tuple[int, ...], what: str) -> Array:
    array = _array(values, what)
    if array.ndim > 1 and array.shape[1:] == (prod(shape),):
        array = array.reshape((len(array), *shape))
    if array.shape[1:] != shape or not array.ndim or not len(array):
        wanted = f"a row for each sample with {prod(shape)} numbers in it"
        wanted += f", or {shape_text(shape)} for each" if len(shape) > 1 else ""
        wanted += "; is a flatten missing before the last layer?" if what == "targets" and len(shape) > 1 else ""
        raise LedgerError(f"{what} are {shape_text(array.shape)}, but must be {wanted}")
    if not np.isfinite(array).all():
        row, *place = np.argwhere(~np.isfinite(array))[0]
        raise LedgerError(f"{what}: sample {row + 1}, number {', '.join(str(k + 1) for k in place)} is not finite")
    return array


def _typed(samples: Array) -> tuple[Nested, ...]:
    def typed(value: Any) -> Nested:
        return tuple(map(typed, value)) if isinstance(value, list) else Decimal(repr(value))

    return tuple(map(typed, samples.tolist()))


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))
