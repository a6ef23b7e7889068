"""What came of one run, and its training alone: the same as the ``train`` command does with the run's network file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.catalogue.row import CatalogueError
from chainrule.numbers.ledger import Ledger
from chainrule.sweep.vary import Plan
from chainrule.training.engine import Engine
from chainrule.training.fit import fit
from chainrule.training.measure import Forward, measures
from chainrule.training.problems import DivergedError, TrainingError
from chainrule.training.programs import SAMPLE_WEIGHT, Trainable, of_part, parameter_names, start_parameters
from chainrule.training.progress import Progress, parameters_of
from chainrule.training.session import Ready, by_place, is_weighted


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a run ended: ``status`` is done, diverged or refused (with the ``problem`` in words).

    ``loss`` is the error for each sample over the last epoch. ``validation_loss`` and ``score`` (accuracy, or R²) are
    of the trained network, on the validation samples; without any the score is that on the samples of training.
    ``measure`` says which of the two the score is. ``progress`` is where training ended.
    """

    status: str
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    score: float | None = None
    measure: str = ""
    seconds: float = 0.0
    problem: str = ""
    progress: Progress | None = None


def trainable(plan: Plan, ready: Ready) -> Trainable:
    """The network of a plan as it is trained on prepared data."""
    net = of_part(plan.part, plan.spec.update, plan.dropout)
    return replace(net, weighted=is_weighted(ready.preparation, plan.options))


def alone(plan: Plan, ready: Ready, engine: Engine) -> Outcome:
    """One run by itself. Raises ``KeyboardInterrupt`` where it was stopped."""
    begun = perf_counter()
    net = trainable(plan, ready)
    options = by_place(plan.options, ready.preparation)
    try:
        start = start_parameters(plan.part)
        progress = fit(
            net, start, ready.train, options, validation=ready.validation, kind=ready.preparation.kind, engine=engine
        )
    except DivergedError as problem:
        return Outcome("diverged", problem.progress.epoch, seconds=perf_counter() - begun, problem=str(problem))
    except (TrainingError, CatalogueError) as problem:
        return Outcome("refused", problem=str(problem))
    if progress.stopped == "interrupted":
        raise KeyboardInterrupt
    parameters = parameters_of(progress, plan.options, parameter_names(net))
    found = measured(plan, ready, parameters, engine)
    seconds = perf_counter() - begun
    return Outcome("done", progress.epoch, progress.history[-1].loss, *found, seconds=seconds, progress=progress)


def measured(plan: Plan, ready: Ready, parameters: Ledger, engine: Engine) -> tuple[float | None, float | None, str]:
    """The error of the validation samples, the score, and what it is; None where they are no numbers."""
    samples: Any = ready.train if ready.validation is None else ready.validation
    net = replace(trainable(plan, ready), weighted=SAMPLE_WEIGHT in samples)
    outputs, loss = Forward(net, engine).outputs_and_loss(parameters, samples)
    if not np.isfinite(outputs).all() or not isfinite(loss):
        return None, None, ""
    found = measures(net, ready.preparation.kind, samples["target"], outputs, loss)
    measure = "R2" if found.accuracy is None else "accuracy"
    return None if ready.validation is None else loss, found.score, measure
