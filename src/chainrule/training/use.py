"""A trained network on new data: predictions, measures, and the numbers of one row for its worked example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.program.program import Program
from chainrule.training.columns import take
from chainrule.training.engine import Engine
from chainrule.training.measure import Forward, Measures, decided, error_is_mean, measures
from chainrule.training.preparation import as_answers, class_text, ledger_of, output_names
from chainrule.training.problems import DataError
from chainrule.training.programs import SAMPLE_WEIGHT, Trainable, fixed_numbers, in_use, training_round
from chainrule.training.readers import Data
from chainrule.training.saved import Trained
from chainrule.training.session import table_of

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a network says of some rows.

    ``outputs`` are its outputs, an entry for each sample; their last axis goes with ``names``, where they are classes.
    ``answers`` are what is read from them: a class for each sample, or an entry for each target column: the classes at
    the places, or numbers in the units of the columns.
    """

    rows: Array
    names: tuple[str, ...]
    outputs: Array
    answers: Array


def predict(trained: Trained, data: Data, engine: Engine | None = None) -> Predictions:
    """The predictions of a trained network for new data, prepared as the data that it was trained on.

    The target column need not be there. Raises ``DataError`` with row and column for what can't be prepared.
    """
    table = table_of(data)
    ledger = ledger_of(trained.preparation, table, targets=False)
    outputs = Forward(trained.net, engine).outputs(trained.parameters, ledger["x"])
    preparation = trained.preparation
    names = tuple(output_names(preparation))
    if not preparation.classes:
        return Predictions(table.numbers, names, outputs, as_answers(preparation, outputs))
    places = decided(trained.net, preparation.kind, outputs)
    answers = np.array(preparation.classes)[places]
    return Predictions(
        table.numbers, names, outputs, answers.reshape(len(answers), -1) if preparation.places else answers
    )


def evaluate(trained: Trained, data: Data, engine: Engine | None = None) -> Measures:
    """How well a trained network does on data whose targets are known: `Measures`.

    The error is that of training, with the samples' weights where they have any. R² and RMSE are in the units of the
    target columns. Raises ``DataError`` with row and column for what can't be prepared.
    """
    table = table_of(data)
    if not table.rows:
        raise DataError(f"{table.source}: there are no rows")
    preparation = trained.preparation
    ledger = ledger_of(preparation, table)
    forward = Forward(replace(trained.net, weighted=SAMPLE_WEIGHT in ledger), engine)
    outputs, loss = forward.outputs_and_loss(trained.parameters, ledger)
    kind, target = preparation.kind, ledger["target"]
    if kind == "numbers":
        target, outputs = as_answers(preparation, target), as_answers(preparation, outputs)
    return measures(trained.net, kind, target, outputs, loss)


def class_names(trained: Trained) -> tuple[str, ...]:
    """The classes in the order of the rows and columns of a confusion matrix."""
    return tuple(class_text(each) for each in trained.preparation.classes)


def each_of(trained: Trained) -> str:
    """What the error is for: each sample, or each place where samples have several and errors are averaged."""
    return "place" if prod(trained.preparation.places) > 1 and error_is_mean(trained.net) else "sample"


@dataclass(frozen=True, slots=True, eq=False)
class SampleRound:
    """The next round of training on one row of data alone: all that a worked example of it needs.

    ``program_for`` gives its program; ``parameters`` are the network's weights, ``state`` has them and the
    optimizer's states, ``rounds`` is how many rounds were done. Nothing is dropped out, and batch normalisation takes
    its running statistics, as in use.
    """

    net: Trainable
    program_for: Callable[[int], Program]
    parameters: Mapping[str, Array]
    state: Mapping[str, Array]
    rounds: int
    data: Mapping[str, Array]
    fixed: Mapping[str, Array]


def sample_round(trained: Trained, data: Data, row: int) -> SampleRound:
    """One row of data, counted from 1, in a trained network. Raises ``DataError`` for a row that isn't there."""
    numbers = row_of(trained, data, row)
    net = replace(in_use(trained.net), weighted=SAMPLE_WEIGHT in numbers)
    parameters = trained.parameters
    return SampleRound(
        net, lru_cache(maxsize=2)(partial(training_round, net)), parameters, {**trained.progress.state, **parameters},
        trained.progress.rounds, numbers, fixed_numbers(net),
    )  # fmt: skip


def row_of(trained: Trained, data: Data, row: int) -> dict[str, Array]:
    """The prepared numbers of one row of data, counted from 1: ``x`` and ``target``, each with one row.

    With them, and the network's parameters, a round on this sample is the worked example of a real row. Raises
    ``DataError`` for a row that isn't there.
    """
    table = table_of(data)
    place = np.flatnonzero(table.numbers == row)
    if not len(place):
        raise DataError(f"{table.source}: there is no row {row}; there are rows 1 to {table.rows}")
    return ledger_of(trained.preparation, take(table, place))
