"""How training is to go, and where it stands: plain data that a file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.training.problems import TrainingError
from chainrule.training.schedules import Chosen, schedule_settings

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How training goes over the data.

    ``batch`` is None for all samples in each round. ``patience`` stops after so many epochs without a smaller error
    (of the validation samples where there are any, else of training), and then the weights of the best epoch are the
    result, unless ``keep_best`` says otherwise. ``grown`` stops training whose error is that many times the error of
    the first epoch (None: never). ``class_weight`` is balanced, or a
    number for each class: by its number from 0, or by its name where there is a preparation that knows the names.
    ``split_seed`` is the seed of the split into training and validation samples, where it isn't ``seed``.
    """

    epochs: int = 20
    batch: int | None = 32
    seed: int = 0
    shuffle: bool = True
    validation: float = 0.0
    patience: int | None = None
    min_delta: float = 0.0
    keep_best: bool = True
    schedule: Chosen = field(default_factory=Chosen)
    class_weight: str | Mapping[Any, float] | None = None
    grown: float | None = 1e6
    split_seed: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one epoch. ``loss`` is the error for each sample, on average over the epoch's rounds.

    ``score`` is the accuracy of the validation samples, or R² where no classes are learnt. ``seconds`` is the only
    number that isn't the same in every run.
    """

    epoch: int
    rounds: int
    rate: float
    loss: float
    validation_loss: float | None = None
    score: float | None = None
    samples: int = 0
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Where training stands: all that is needed to go on as if it had never stopped.

    ``state`` has the parameters and the optimizer's states; ``losses`` are those of the rounds done in an epoch that
    is not finished. ``best`` are the parameters of the best epoch, where they are wanted. ``stopped`` says why there
    is no more: finished, early, interrupted, or nothing while it goes on.
    """

    state: Mapping[str, Array]
    epoch: int = 0
    rounds: int = 0
    losses: tuple[float, ...] = ()
    history: tuple[Record, ...] = ()
    best: Mapping[str, Array] = field(default_factory=dict)
    best_epoch: int = 0
    best_loss: float = float("inf")
    drops: int = 0
    drop_loss: float = float("inf")
    dropped_at: int = 0
    stopped: str = ""


def check_options(options: Options) -> None:
    """Raises ``TrainingError`` for what makes no sense, with what does, and ``CatalogueError`` for the schedule."""
    counts = {"epochs": options.epochs, "batch": options.batch, "patience": options.patience}
    for name, value in counts.items():
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 1):
            raise TrainingError(f"{name} is a whole number from 1, not {value}")
    if isinstance(options.seed, bool) or int(options.seed) != options.seed or options.seed < 0:
        raise TrainingError(f"a seed is a whole number from 0, not {options.seed}")
    if not 0 <= options.validation < 1:
        raise TrainingError(f"validation is a share of the samples from 0 up to but not 1, not {options.validation:g}")
    if not 0 <= options.min_delta < float("inf"):
        raise TrainingError(f"min_delta is a number from 0, not {options.min_delta:g}")
    if isinstance(options.class_weight, str) and options.class_weight != "balanced":
        raise TrainingError(f"class weights are balanced, or a number for each class, not {options.class_weight!r}")
    schedule_settings(options.schedule)


def split_seed(options: Options) -> int:
    """The seed of the split into training and validation samples."""
    return options.seed if options.split_seed is None else options.split_seed


def keeps_best(options: Options) -> bool:
    """Whether the result is the best epoch's weights."""
    return options.patience is not None and options.keep_best


def parameters_of(progress: Progress, options: Options, names: tuple[str, ...]) -> dict[str, Array]:
    """The parameters that training has led to: those of the best epoch or of the last, by the options."""
    source = progress.best if keeps_best(options) and progress.best else progress.state
    return {name: np.asarray(source[name]) for name in names}


def rate_of(update_rate: Decimal | None, own: str) -> float:
    """The learning rate: as chosen, or the optimizer row's own."""
    return float(update_rate if update_rate is not None else Decimal(own))
