"""The training loop: epochs over batches, with everything that is watched on the way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.ledger import Ledger
from chainrule.training.batches import Source, class_weights, in_memory, rounds_of, split
from chainrule.training.diverged import check_finite, check_record
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.measure import Forward, Kind, error_is_mean, kind_of, measures, true_classes
from chainrule.training.problems import DataError, TrainingError
from chainrule.training.programs import (
    SAMPLE_WEIGHT,
    Trainable,
    fixed_numbers,
    inputs_of,
    outputs_of,
    parameter_names,
    start_state,
    training_round,
)
from chainrule.training.progress import Options, Progress, Record, check_options, keeps_best, split_seed
from chainrule.training.rounds import Job, do_rounds
from chainrule.training.schedules import find_schedule, schedule_settings

Array = NDArray[Any]


def fit(
    net: Trainable,
    parameters: Mapping[str, Array],
    data: Ledger | Source,
    options: Options,
    *,
    validation: Ledger | None = None,
    kind: Kind | None = None,
    engine: Engine | None = None,
    start: Progress | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_round: Callable[[int, int], None] | None = None,
) -> Progress:
    """Train a network on samples, and say where it has come to.

    ``data`` is what ``batches.samples`` gives, or a source that streams. ``validation`` are samples that are only
    watched; without them the options may take a share of ``data``. ``kind`` is what the targets are, where the numbers
    alone don't tell. With ``start`` training goes on from there as if it had never stopped. ``on_epoch`` is called
    after every epoch, and when training is interrupted in the middle of one; ``on_round`` now and then with the rounds
    that are done of how many. Ctrl-C stops after the round that is running; a second one stops at once.

    Raises ``DataError`` for samples that don't fit the network, ``TrainingError`` for options that make no sense and
    ``DivergedError``, which has the last good weights, where the error is no number any more or has grown without end.

    >>> from chainrule.catalogue.build import DenseLayer
    >>> from chainrule.training.batches import samples
    >>> net = Trainable(1, (DenseLayer(1),))
    >>> start = {"w_o": np.array([[0.0]]), "b_o": np.array([0.0])}
    >>> done = fit(net, start, samples([[1.0], [2.0]], [[2.0], [4.0]]), Options(epochs=200, batch=None))
    >>> round(float(done.state["w_o"][0, 0]), 3), done.stopped
    (2.0, 'finished')
    """
    check_options(options)
    job = _job(net, data, options, validation, kind, engine or NumpyEngine(), on_round)
    progress = replace(start, stopped="") if start else Progress(start_state(job.net, parameters))
    with interrupts() as interrupted:
        while not progress.stopped:
            if progress.epoch >= options.epochs:
                progress = replace(progress, stopped="finished")
            elif options.patience and progress.epoch - progress.best_epoch >= options.patience and progress.history:
                progress = replace(progress, stopped="early")
            else:
                progress = _epoch(job, progress, interrupted)
                if on_epoch is not None:
                    on_epoch(progress)
    return progress


def _job(
    net: Trainable,
    data: Ledger | Source,
    options: Options,
    validation: Ledger | None,
    kind: Kind | None,
    engine: Engine,
    on_round: Callable[[int, int], None] | None,
) -> Job:
    if isinstance(data, Source):
        source = data
        weighted = net.weighted
        if options.validation or options.class_weight is not None:
            raise TrainingError(
                "data that are streamed can't be split or weighted by class; give the validation samples apart"
            )
        if options.batch is None:
            raise TrainingError("data that are streamed need a batch size; all samples at once don't fit")
    else:
        _check_samples(net, data)
        kind = kind or kind_of(net, data["target"])
        train, validation = _split(data, options, validation, kind)
        weighted = SAMPLE_WEIGHT in train
        source = in_memory(engine.place(train))
    if validation is not None:
        _check_samples(net, validation)
        kind = kind or kind_of(net, validation["target"])
    net = replace(net, weighted=weighted)
    watched = replace(net, weighted=validation is not None and SAMPLE_WEIGHT in validation)
    program = lru_cache(maxsize=8)(partial(training_round, net))
    total = rounds_of(source.rows, options.batch) * options.epochs
    return Job(
        net,
        options,
        engine,
        source,
        validation,
        kind,
        program,
        Forward(watched, engine),
        fixed_numbers(net),
        total,
        on_round,
    )


def _check_samples(net: Trainable, data: Ledger) -> None:
    for family, width, what in (
        ("x", inputs_of(net), "inputs"),
        ("target", outputs_of(net), "outputs"),
    ):
        if data[family].shape[1:] != (width,):
            raise DataError(
                f"each sample has {prod(data[family].shape[1:])} {'numbers' if family == 'x' else 'targets'}, but the "
                f"network has {width} {what}"
            )


def _split(data: Ledger, options: Options, validation: Ledger | None, kind: Kind) -> tuple[Ledger, Ledger | None]:
    """The samples to train on, with the weights of classes in theirs, and those to validate on."""
    classes = None if kind == "numbers" else true_classes(kind, data["target"])
    if options.class_weight is not None and classes is None:
        raise TrainingError("class weights need targets that are classes; these are numbers")
    rows = np.arange(len(data["x"]))
    if options.validation and validation is None:
        rows, watched = split(len(rows), options.validation, split_seed(options), classes)
        validation = {each: array[watched] for each, array in data.items()}
        data = {each: array[rows] for each, array in data.items()}
    if options.class_weight is not None and classes is not None:
        weights = class_weights(classes[rows], options.class_weight)
        data = {**data, SAMPLE_WEIGHT: weights * data.get(SAMPLE_WEIGHT, np.ones(len(rows)))}
    return data, validation


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed since; the second time it interrupts as usual. Only in the main thread."""
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, _: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _epoch(job: Job, progress: Progress, interrupted: Callable[[], bool]) -> Progress:
    """An epoch, from where it was left to its end or to an interruption."""
    begun = perf_counter()
    state, found, rate = do_rounds(job, progress, interrupted)
    losses = np.concatenate([progress.losses, found])
    after = replace(
        progress,
        state={each: np.array(array) for each, array in state.items()},
        rounds=progress.rounds + len(found),
    )
    check_finite(job, progress, after, found)
    if len(losses) < rounds_of(job.source.rows, job.options.batch):
        return replace(after, losses=tuple(losses.tolist()), stopped="interrupted")
    record = _record(job, after, losses, rate, perf_counter() - begun)
    check_record(job, progress, record)
    after = replace(after, epoch=record.epoch, losses=(), history=(*progress.history, record))
    watched = record.loss if record.validation_loss is None else record.validation_loss
    return _watched(job, after, watched)


def _record(job: Job, after: Progress, losses: Array, rate: float, seconds: float) -> Record:
    """The record of an epoch whose rounds are done."""
    rows, batch = job.source.rows, job.options.batch
    size = min(batch or rows, rows)
    counts = np.full(len(losses), size)
    counts[-1] = rows - size * (len(counts) - 1)
    loss = float((losses * counts).sum() if error_is_mean(job.net) else losses.sum()) / rows
    record = Record(after.epoch + 1, after.rounds, rate, loss, samples=rows, seconds=seconds)
    if job.validation is None:
        return record
    parameters = {each: after.state[each] for each in after.state if each in parameter_names(job.net)}
    outputs, watched = job.forward.outputs_and_loss(parameters, job.validation)
    target = job.validation["target"]
    score = measures(job.net, job.kind or "numbers", target, outputs, watched).score
    return replace(record, validation_loss=watched, score=score)


def _watched(job: Job, after: Progress, watched: float) -> Progress:
    """Early stopping and schedules that wait: whether this epoch was the best so far."""
    options = job.options
    if watched < after.best_loss - options.min_delta:
        best = {each: after.state[each] for each in parameter_names(job.net)} if keeps_best(options) else {}
        after = replace(after, best=best, best_epoch=after.epoch, best_loss=watched)
    if find_schedule(options.schedule.name).drop_when != "no better":
        return after
    if watched < after.drop_loss:
        return replace(after, drop_loss=watched, dropped_at=after.epoch)
    if after.epoch - after.dropped_at > schedule_settings(options.schedule)["wait"]:
        return replace(after, drops=after.drops + 1, dropped_at=after.epoch)
    return after
