"""The training loop: epochs over batches, with everything that is watched on the way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.layer_row import sizes_text
from chainrule.numbers.ledger import Ledger
from chainrule.training.batches import Source, class_weights, in_memory, rounds_of, split
from chainrule.training.diverged import check_finite, check_record, has_grown, is_finite
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.measure import Forward, Kind, error_is_mean, kind_of, measures, true_classes
from chainrule.training.problems import DataError, TrainingError
from chainrule.training.programs import (
    SAMPLE_WEIGHT,
    Trainable,
    check_rounds,
    fixed_numbers,
    inputs_of,
    outputs_of,
    parameter_names,
    start_state,
    training_round,
)
from chainrule.training.progress import Options, Progress, Record, check_options, keeps_best, split_seed
from chainrule.training.rounds import Job, do_rounds, epochs_at_once
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
    on_progress: Callable[[Progress], None] | None = None,
    on_round: Callable[[int, int], None] | None = None,
) -> Progress:
    """Train a network on samples, and say where it has come to.

    ``data`` is what ``batches.samples`` gives, or a source that streams. ``validation`` are samples that are only
    watched; without them the options may take a share of ``data``. ``kind`` is what the targets are, where the numbers
    alone don't tell. With ``start`` training goes on from there as if it had never stopped. ``on_epoch`` is called
    after every epoch, and when training is interrupted in the middle of one; ``on_progress`` as well, but after several
    epochs where they are short; ``on_round`` now and then with the rounds that are done of how many. Ctrl-C stops after
    the round that is running; a second one stops at once.

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
    job = replace(job, free=on_epoch is None and _goes_by_itself(job, data))
    progress = replace(start, stopped="") if start else Progress(start_state(job.net, parameters))
    with interrupts() as interrupted:
        while not progress.stopped:
            if progress.epoch >= options.epochs:
                progress = replace(progress, stopped="finished")
            elif options.patience and progress.epoch - progress.best_epoch >= options.patience and progress.history:
                progress = replace(progress, stopped="early")
            else:
                progress = _epochs(job, progress, interrupted, epochs_at_once(job, progress))
                if on_progress is not None:
                    on_progress(progress)
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
    check_rounds(net, source.rows, options.batch)
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


def _goes_by_itself(job: Job, data: Ledger | Source) -> bool:
    """Whether nothing has to be decided between epochs, and their rounds are all of one size."""
    options, rows = job.options, job.source.rows
    decides = options.patience or find_schedule(options.schedule.name).drop_when == "no better"
    return not (
        decides or job.validation is not None or isinstance(data, Source) or rows % min(options.batch or rows, rows)
    )


def _check_samples(net: Trainable, data: Ledger) -> None:
    for family, shape, what in (
        ("x", (inputs_of(net),), "inputs"),
        ("target", outputs_of(net), "outputs"),
    ):
        if data[family].shape[1:] != shape:
            raise DataError(
                f"each sample has {sizes_text(data[family].shape[1:])} {'numbers' if family == 'x' else 'targets'}, "
                f"but the network has {sizes_text(shape)} {what}"
            )


def _split(data: Ledger, options: Options, validation: Ledger | None, kind: Kind) -> tuple[Ledger, Ledger | None]:
    """The samples to train on, with the weights of classes in theirs, and those to validate on."""
    classes = None if kind == "numbers" else true_classes(kind, data["target"])
    if options.class_weight is not None and classes is None:
        raise TrainingError("class weights need targets that are classes; these are numbers")
    rows = np.arange(len(data["x"]))
    if options.validation and validation is None:
        apart = classes if classes is not None and classes.ndim == 1 else None
        rows, watched = split(len(rows), options.validation, split_seed(options), apart)
        validation = {each: array[watched] for each, array in data.items()}
        data = {each: array[rows] for each, array in data.items()}
    if options.class_weight is not None and classes is not None:
        weights = class_weights(classes[rows], options.class_weight)
        data = {**data, SAMPLE_WEIGHT: weights * data.get(SAMPLE_WEIGHT, 1.0)}
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


def _epochs(job: Job, before: Progress, interrupted: Callable[[], bool], count: int) -> Progress:
    """Some epochs, from where they were left to their end or to an interruption."""
    begun = perf_counter()
    state, found, rates = do_rounds(job, before, interrupted, count)
    after = replace(
        before,
        state={each: np.array(array) for each, array in state.items()},
        rounds=before.rounds + len(found),
    )
    if count == 1:
        check_finite(job, before, after, found)
    losses = np.concatenate([before.losses, found])
    whole = len(losses) // job.rounds
    seconds = (perf_counter() - begun) / max(1, whole)
    errors = _errors(job, losses[: whole * job.rounds].reshape(whole, job.rounds))
    records = []
    for epoch, loss in enumerate(errors, before.epoch + 1):
        rate = rates[epoch * job.rounds - after.rounds - 1]  # counted from the last round
        record = Record(epoch, epoch * job.rounds, float(rate), loss, samples=job.source.rows, seconds=seconds)
        records.append(record if job.validation is None else _validated(job, after, record))
    if count > 1 and (not is_finite(after, found) or any(has_grown(job, before, each) for each in records)):
        return _one_by_one(job, before, interrupted, count)
    for record in records:
        check_record(job, before, record)
        watched = record.loss if record.validation_loss is None else record.validation_loss
        after = _watched(job, replace(after, epoch=record.epoch), watched)
    left = losses[whole * job.rounds :]
    return replace(
        after,
        losses=tuple(left.tolist()),
        history=(*before.history, *records),
        stopped="interrupted" if whole < count else "",
    )


def _one_by_one(job: Job, progress: Progress, interrupted: Callable[[], bool], count: int) -> Progress:
    """Epochs of which one diverges: up to the last good one, and the error that says where it was."""
    for _ in range(count):
        if not progress.stopped:
            progress = _epochs(job, progress, interrupted, 1)
    return progress


def _errors(job: Job, losses: Array) -> list[float]:
    """The error for each sample of each epoch; ``losses`` has a row for each epoch."""
    rows, rounds = job.source.rows, job.rounds
    size = min(job.options.batch or rows, rows)
    counts = np.full(rounds, size)
    counts[-1] = rows - size * (rounds - 1)
    errors: list[float] = ((losses * counts if error_is_mean(job.net) else losses).sum(axis=1) / rows).tolist()
    return errors


def _validated(job: Job, after: Progress, record: Record) -> Record:
    """The record of an epoch with how the network does on the validation samples after it."""
    assert job.validation is not None
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
