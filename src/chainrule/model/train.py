"""Training as people use it: a network fitted to data, and what can be asked of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.build import place_layers
from chainrule.catalogue.layer_row import sizes_text
from chainrule.catalogue.place import input_shape
from chainrule.explain.writing import DIGITS
from chainrule.model.fitting import Fitting, engine_for
from chainrule.model.prepare import header_of
from chainrule.model.reading import layer_lines, words_for
from chainrule.model.step import Explanation, Step
from chainrule.model.task import Task, given_of, next_state
from chainrule.model.taught import shorter_for
from chainrule.render.typst import svg_as_png
from chainrule.spec.spec import NetworkPart, Spec
from chainrule.training import saved, session, use
from chainrule.training.columns import of_array, spread, table
from chainrule.training.data import Choices
from chainrule.training.history import curve_svg, curve_text
from chainrule.training.measure import Measures
from chainrule.training.preparation import Preparation, input_names, output_names
from chainrule.training.problems import DataError, TrainingError
from chainrule.training.programs import learns_classes
from chainrule.training.progress import Progress, Record
from chainrule.training.readers import Data, of_arrays, read

Array = NDArray[Any]
NAMED = 12  # inputs that are named one by one in the head of a worked example


class TrainedNetwork:
    """A network that was trained on data: predictions, measures, the course of training, any row explained.

    ``trained`` holds everything as plain data; ``data`` are those of training, where they are at hand.
    """

    def __init__(self, trained: saved.Trained, data: Data | None = None) -> None:
        self.trained, self._data = trained, data

    @property
    def history(self) -> tuple[Record, ...]:
        """A record of each epoch: its error, that of validation, the learning rate, and more."""
        return self.trained.history

    @property
    def parameters(self) -> dict[str, Array]:
        """The weights and biases by family, such as ``w_h``: those of the best epoch, or of the last."""
        return self.trained.parameters

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes as text, in the order of a confusion matrix; empty where numbers are learnt."""
        return use.class_names(self.trained)

    def predict(self, X: Any) -> Array:
        """The class of each sample, or its numbers in the units of the targets.

        Where outputs have several axes there is a class at each place, or numbers in the shape of the outputs (without
        a last axis of one). ``X`` is prepared as the data of training were: an array, a data frame, a dictionary of
        columns, or a file.
        """
        answers = use.predict(self.trained, _inputs(X)).answers
        targets, places = self.trained.preparation.targets, self.trained.preparation.places
        if places:
            width = answers[0].size // prod(places) if len(answers) else 1
            answers = answers.reshape((len(answers), *places, *(() if width == 1 else (width,))))
        if self.trained.preparation.classes:
            whole = answers.dtype.kind == "f" and (answers == answers.round()).all()
            return answers.astype(int) if whole else answers
        if places:
            return answers
        return answers[:, 0] if len(targets) == 1 and targets[0].name != "target1" else answers

    def outputs(self, X: Any) -> Array:
        """The network's outputs, a row for each sample: of classes what the last layer makes of them."""
        return use.predict(self.trained, _inputs(X)).outputs

    def evaluate(self, X: Any, y: Any = None) -> Measures:
        """The error, and accuracy and confusion matrix or R² and RMSE, on data whose targets are known."""
        if y is None:
            return use.evaluate(self.trained, _inputs(X))
        names = [each.name for each in self.trained.preparation.targets]
        classes = self.trained.preparation.classes
        flat = _array(_as_classes(y, bool(classes), whole=False) if len(names) == 1 or classes else y, "y")
        flat = flat.reshape(len(flat), -1)
        if flat.shape[1] != len(names):
            raise DataError(f"y has {flat.shape[1]} columns, but what was learnt is {', '.join(names)}")
        return use.evaluate(
            self.trained, _joined(X, {name: of_array(flat[:, n], name) for n, name in enumerate(names)})
        )

    def score(self, X: Any, y: Any = None) -> float:
        """The accuracy where classes are learnt, else R²."""
        return float(self.evaluate(X, y).score or 0.0)

    def curve(self) -> Curve:
        """The course of training as a curve, which shows itself in a terminal and in a notebook."""
        return Curve(self.history, self.each)

    @property
    def each(self) -> str:
        """What the error in the history is for: each sample, or each place where samples have several."""
        return use.each_of(self.trained)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Keep everything in a folder, for `load_trained`. Raises ``SavedError`` where there is something already."""
        saved.create(folder, self.trained, overwrite=overwrite)

    def step(self, row: int, data: Any = None, *, digits: int = DIGITS) -> Step:
        """The next round of training on one row alone, counted from 1: with all its numbers.

        ``data`` are those that it was trained on unless given. Raises ``DataError`` for a row that isn't there.
        """
        return row_step(self.trained, self.data_at(data), row, digits)

    def explain(self, row: int, name: str | None = None, data: Any = None) -> Explanation:
        """The worked example of a real row, counted from 1; or of one quantity in it, such as ``E_total``."""
        return self.step(row, data).explain(name)

    def data_at(self, place: Any = None, sheet: str = "") -> Data:
        """Data like those of training; without a place those themselves. Raises ``DataError`` where they are gone."""
        known = self.trained.made_from.data
        if place is None:
            return self._data or _where(self.trained)
        if isinstance(place, str | Path):
            return Data(str(place), sheet or (known.sheet if str(place) == known.name else ""), known.missing)
        return _inputs(place)

    def __repr__(self) -> str:
        net = self.trained.net
        sizes = [
            sizes_text(input_shape(net.inputs)),
            *(sizes_text(each.out.shape) for each in place_layers(net.inputs, net.layers)),
        ]
        last = f", {record_text(self.history[-1], 'accuracy' if self.classes else 'R2')}" if self.history else ""
        return f"<network {'-'.join(map(str, sizes))} after {len(self.history)} epochs{last}>"


@dataclass(frozen=True, slots=True)
class Curve:
    """The error over the epochs: as text, and as an SVG picture; ``each`` is what the error is for."""

    history: tuple[Record, ...]
    each: str = "sample"

    def text(self, width: int = 72, height: int = 12, *, ascii_only: bool = False) -> str:
        """The curve in so many columns and rows of characters."""
        return curve_text(self.history, width, height, ascii_only=ascii_only, each=self.each)

    def svg(self, width: int = 640, height: int = 360, title: str = "") -> str:
        """The curve as a picture that stands by itself."""
        return curve_svg(self.history, width, height, title, each=self.each)

    def png(self, width: int = 640, height: int = 360, title: str = "") -> bytes:
        """The curve as a PNG picture of twice as many dots. Raises ``MissingLibraryError`` without ``typst``."""
        return svg_as_png(self.svg(width, height, title))

    def __repr__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_svg_(self) -> str:
        return self.svg()


def record_text(record: Record, score: str = "") -> str:
    """What is known of an epoch, in words; ``score`` is what that of validation is called.

    >>> record_text(Record(1, 10, 0.1, 0.5, 0.6, 0.9), "accuracy")
    'error 0.5, validation 0.6, accuracy 0.9'
    """
    said = [f"error {record.loss:.4g}"]
    if record.validation_loss is not None:
        said.append(f"validation {record.validation_loss:.4g}")
    if record.score is not None and score:
        said.append(f"{score} {record.score:.4g}")
    return ", ".join(said)


def load_trained(folder: str | Path) -> TrainedNetwork:
    """A trained network from its folder. Raises ``SavedError`` for what is missing or can't be read."""
    return TrainedNetwork(saved.load(folder))


def fit_network(
    spec: Spec,
    parameters: Mapping[str, Array],
    X: Any,
    y: Any,
    target: str | Sequence[str],
    validation: Any,
    fitting: Fitting,
    folder: str | Path | None,
    overwrite: bool,
    on_epoch: Callable[[Progress], None] | None,
) -> TrainedNetwork:
    """What ``Network.fit`` does."""
    part = spec.network
    assert isinstance(part, NetworkPart)
    data, names = samples(part, X, y, target)
    options, apart = fitting.options, None
    if isinstance(validation, tuple) and len(validation) == 2:
        apart, _ = samples(part, *validation, (), whole=names != ("target",))
    elif not isinstance(validation, int | float):
        apart = _inputs(validation)
    else:
        options = replace(options, validation=float(validation))
    rows = session.table_of(data).rows
    chosen, _ = engine_for(fitting.engine, spec, fitting.dropout, rows, options, fitting.precision)
    trained = session.train(
        spec, data, Choices(names, **fitting.columns), options, validation=apart, dropout=fitting.dropout,
        parameters=parameters, folder=folder, overwrite=overwrite, engine=chosen, on_epoch=on_epoch,
    )  # fmt: skip
    if trained.progress.stopped == "interrupted" and not trained.history:
        raise KeyboardInterrupt
    return TrainedNetwork(trained, data)


def samples(
    part: NetworkPart, X: Any, y: Any, target: str | Sequence[str], whole: bool = True
) -> tuple[Data, tuple[str, ...]]:
    """The data, and the names of the target columns; ``whole`` as in `_as_classes`."""
    named = (target,) if isinstance(target, str) else tuple(target)
    if y is None:
        if not any(named):
            raise TrainingError('give the targets as y, or name their column: fit(data, target="price")')
        return Data(X), named
    if any(named):
        raise TrainingError("give the targets as y, or name their column with target; not both")
    classes = learns_classes([each.layer for each in part.layers], part.conventions)
    columns = spread("target", _array(_as_classes(y, classes, whole), "y"))
    return _joined(X, columns), tuple(columns)


def _as_classes(y: Any, classes: bool, whole: bool) -> Any:
    """Rows with a single 1 as the numbers of classes; anything else, and without each class if ``whole``, as it is.

    Of more axes, such as places, the last one is read so only where the network learns ``classes``.
    """
    array = _array(y, "y")
    if array.ndim < 2 or array.shape[-1] < 2 or array.dtype.kind not in "fiub" or (array.ndim > 2 and not classes):
        return y
    one_each = ((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all()
    every = array.reshape(-1, array.shape[-1]).any(axis=0).all()
    return array.argmax(axis=-1) if one_each and (not whole or every) else y


def _array(values: Any, what: str) -> Array:
    """The values as an array. Raises ``DataError`` where rows are of different lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        lengths = [len(each) if hasattr(each, "__len__") else 1 for each in values]
        place = next((place for place, each in enumerate(lengths) if each != lengths[0]), None)
        said = f": row 1 has {lengths[0]} and row {place + 1} {lengths[place]}" if place is not None else ""
        raise DataError(f"the rows of {what} have different lengths{said}") from None


def _inputs(X: Any) -> Data:
    """Arrays get the column names x1, x2, ...; anything else has names of its own."""
    if isinstance(X, Data):
        return X
    return Data(of_arrays(_array(X, "X"))) if isinstance(X, np.ndarray | list) else Data(X)


def _joined(X: Any, targets: Mapping[str, Array]) -> Data:
    inputs = _inputs(X)
    found = read(inputs.source, inputs.sheet, inputs.missing)
    rows = len(next(iter(targets.values())))
    if found.rows != rows:
        raise DataError(f"there are {found.rows} rows of inputs but {rows} of targets")
    return Data(table("data", {**found.columns, **targets}))


def standardised(wanted: bool | None, X: Any) -> bool:
    """Whether inputs are standardised: unless that is said columns with names are, and arrays are taken as they are."""
    return not isinstance(X, np.ndarray | list) if wanted is None else wanted


def _where(trained: saved.Trained) -> Data:
    """The data of training, where they were. Raises ``DataError`` where they are not."""
    data = trained.made_from.data
    if not data.name or not Path(data.name).exists():
        said = f"the data of training are not at {data.name} any more" if data.name else "the folder has no data"
        raise DataError(f"{said}; say where they are (--data FILE, or data=... in Python)")
    return replace(data, stream=False)


def row_step(trained: saved.Trained, data: Data, row: int, digits: int = DIGITS) -> Step:
    """The next round of training on one row alone, counted from 1."""
    one = use.sample_round(trained, data, row)
    net = one.net
    preparation = trained.preparation
    head = (
        *header_of(net.inputs, net.layers, net.conventions, net.update, None, 1),
        ("inputs", _named("i", input_names(preparation), [each.scale != 1 for each in preparation.inputs])),
        ("outputs", _outputs_text(preparation)),
    )
    source = f" of {data.name}" if data.name else ""
    task = Task(
        f"{trained.spec.title}: row {row}{source}", one.program_for, one.parameters, one.data, one.fixed, net.update,
        conventions=head, shorter=shorter_for(net.inputs, net.layers, net.conventions),
        words=words_for(net.inputs, net.layers), layers=layer_lines(net.inputs, net.layers),
    )  # fmt: skip
    return RowStep(task, one.rounds, digits, one.state)


def _outputs_text(preparation: Preparation) -> str:
    """What the outputs are: by number, or by place."""
    if not preparation.places:
        return _named("o", output_names(preparation), [])
    columns, shape = [each.name for each in preparation.targets], sizes_text(preparation.places)
    listed = ", ".join(columns if len(columns) <= NAMED else [*columns[:3], "...", columns[-1]])
    if not preparation.classes:
        return f"at {shape} places: {listed}"
    return f"at {shape} places ({listed}), each with {_named('', output_names(preparation), [])}"


def _named(letter: str, names: Sequence[str], standardised: Sequence[bool]) -> str:
    """``i1 = size, i2 = town=Aue``; the first and the last where there are many."""
    shown = [f"{letter}{place} = {name}" for place, name in enumerate(names, 1)]
    if len(shown) > NAMED:
        shown = [*shown[:3], "...", shown[-1]]
    note = "; numbers standardised" if any(standardised) else ""
    return ", ".join(shown) + note


class RowStep(Step):
    """A round on one row in a trained network. What follows it are further rounds on the same row."""

    def after(self, rounds: int, *, digits: int | None = None) -> Step:
        """The round that follows after so many more rounds on this row."""
        step: Step = RowStep(self._task, self._done, self._digits if digits is None else digits, self._start)
        for _ in range(rounds):
            step = step.next()
        return step

    def next(self) -> Step:
        """The round after this one."""
        program, _ = given_of(self._task, self._start, self._done)
        state = next_state(program, self.round.ledger, self._start)
        return RowStep(self._task, self._done + 1, self._digits, state)

    def check(self, answers: Any, *, published: bool = False) -> Any:
        """Not for a row of a trained network: its start values are those of another round."""
        raise TrainingError("numbers are checked on a network file; those of a row in a trained network are not yet")
