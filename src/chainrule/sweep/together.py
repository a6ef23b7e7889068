"""Runs of one shape trained together: what each does alone, with their numbers in lanes of one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.optimizers import find_optimizer
from chainrule.catalogue.training import carried
from chainrule.engines.together import is_worth_it, train_together
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program
from chainrule.sweep.outcome import Outcome, measured, trainable
from chainrule.sweep.vary import Plan
from chainrule.training.batches import Source, in_memory, masks, pieces, rounds_of
from chainrule.training.engine import NumpyEngine
from chainrule.training.measure import error_is_mean
from chainrule.training.problems import TrainingError
from chainrule.training.programs import (
    LOSS,
    Trainable,
    check_rounds,
    fixed_numbers,
    parameter_names,
    start_parameters,
    start_state,
    training_round,
)
from chainrule.training.progress import Options, Progress, Record, rate_of
from chainrule.training.rounds import MASK_NUMBERS
from chainrule.training.schedules import find_schedule, rates
from chainrule.training.session import Ready

Array = NDArray[Any]
AT_ONCE = 64  # runs; so many are done before results are kept
ROWS = 2**22  # row numbers in the orders that are drawn at once


def shape_of(plan: Plan) -> object:
    """Plans with the same shape differ in numbers alone, and can be trained together."""
    update, options = plan.spec.update, plan.options
    given = [each is None for each in (update.weight_decay, update.clip_norm, update.clip_value)]
    return (
        plan.part.inputs, tuple(each.layer for each in plan.part.layers), repr(plan.part.conventions),
        find_optimizer(update.optimizer).name, *given, tuple(plan.dropout), repr(replace(options, seed=0)),
    )  # fmt: skip


def can_be_together(plan: Plan, ready: Ready) -> bool:
    """Whether nothing in a plan has to be decided between its epochs, and its network is small."""
    options = plan.options
    if options.patience or options.class_weight is not None or find_schedule(options.schedule.name).drop_when:
        return False
    net, rows = trainable(plan, ready), in_memory(_samples(ready)).rows
    try:
        check_rounds(net, rows, options.batch)
    except TrainingError:  # which training alone reports
        return False
    program = training_round(net, min(options.batch or rows, rows))
    return is_worth_it(program, (LOSS, *carried(program)))


def together(
    plans: Sequence[Plan], ready: Ready, interrupted: Callable[[], bool] = lambda: False, *, keep: bool = False
) -> list[Outcome]:
    """Runs of one shape. The same numbers come out for a run whatever others are beside it.

    With ``keep`` the outcomes have the progress of their training. Raises ``KeyboardInterrupt`` where it was stopped.
    """
    begun = perf_counter()
    job = _job(plans, ready)
    states = [start_state(net, start_parameters(plan.part)) for net, plan in zip(job.nets, plans, strict=True)]
    state = {name: np.stack([each[name] for each in states]) for name in states[0]}
    found: list[Array] = []
    for epochs in _blocks(job):
        state, losses = _block(job, state, epochs, interrupted)
        found.append(losses)
    seconds = (perf_counter() - begun) / len(plans)
    losses = np.concatenate(found, axis=1)
    outcomes = []
    for lane, plan in enumerate(plans):
        own = {name: array[lane] for name, array in state.items()}
        outcome = _outcome(job, plan, own, losses[lane])
        progress = _progress(job, lane, own, losses[lane]) if keep and outcome.status == "done" else None
        outcomes.append(replace(outcome, seconds=seconds, progress=progress))
    return outcomes


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What stays the same through the training of a group. ``options`` are equal but for their seeds."""

    ready: Ready
    nets: list[Trainable]
    seeds: list[int]
    options: Options
    source: Source
    programs: dict[int, Program]
    fixed: dict[str, Array]
    measuring: NumpyEngine = field(default_factory=NumpyEngine)  # keeps the forward pass that all runs share

    @property
    def size(self) -> int:
        """Samples in a round."""
        return min(self.options.batch or self.source.rows, self.source.rows)

    @property
    def rounds(self) -> int:
        """Rounds in an epoch."""
        return rounds_of(self.source.rows, self.options.batch)


def _job(plans: Sequence[Plan], ready: Ready) -> _Job:
    nets = [trainable(plan, ready) for plan in plans]
    numbers = [fixed_numbers(net) for net in nets]
    source, options = in_memory(_samples(ready)), plans[0].options
    sizes = {min(options.batch or source.rows, source.rows)}
    if options.batch and source.rows % options.batch:
        sizes.add(source.rows % options.batch)
    return _Job(
        ready, nets, [plan.options.seed for plan in plans], options, source,
        {size: training_round(nets[0], size) for size in sizes},
        {name: np.stack([each[name] for each in numbers]) for name in numbers[0]},
    )  # fmt: skip


def _samples(ready: Ready) -> Ledger:
    return ready.train  # type: ignore[return-value]  # a sweep's data are never streamed


def _blocks(job: _Job) -> Iterator[range]:
    """The epochs, as many at once as their orders and masks leave room for."""
    most = 1
    if job.source.rows % job.size == 0:
        masked = sum(prod(shape) for shape in _mask_shapes(job, job.programs[job.size]).values())
        numbers = len(job.nets) * job.rounds * max(1, job.size if job.rounds > 1 else 1, masked)
        most = max(1, min(ROWS, MASK_NUMBERS) // numbers)
    for first in range(0, job.options.epochs, most):
        yield range(first, min(first + most, job.options.epochs))


def _block(
    job: _Job, state: dict[str, Array], epochs: range, interrupted: Callable[[], bool]
) -> tuple[dict[str, Array], Array]:
    """The rounds of some epochs: the state after them, and the error of each lane and epoch."""
    done = epochs.start * job.rounds
    sums, counted = np.zeros((len(job.nets), len(epochs))), 0
    for data, size, count, orders in _rounds(job, epochs):
        begin = done + counted
        counted += count
        program = job.programs[size]
        fed = _fed(job, program, range(begin, begin + count))
        state, losses = train_together(program, state, job.fixed, data, orders, fed, count, lambda _: interrupted())
        if interrupted():
            raise KeyboardInterrupt
        weight = size if error_is_mean(job.nets[0]) else 1
        sums += losses.reshape(len(job.nets), len(epochs), -1).sum(axis=2) * weight
    return state, sums / job.source.rows


def _rounds(job: _Job, epochs: range) -> Iterator[tuple[Ledger, int, int, Array | None]]:
    """The rounds of one size: their data, the samples of each, how many, and the rows that each takes in each lane."""
    source, options = job.source, job.options
    if job.size == source.rows:  # every round takes all rows
        for data in source.chunks():
            yield data, job.size, len(epochs), None
        return
    each_epoch = [
        [list(pieces(source, options.batch, seed, epoch, options.shuffle)) for epoch in epochs] for seed in job.seeds
    ]
    for place, first in enumerate(each_epoch[0][0]):
        orders = np.stack([np.concatenate([epoch[place].order for epoch in lane]) for lane in each_epoch])
        yield first.data, first.order.shape[1], orders.shape[1], orders


def _mask_shapes(job: _Job, program: Program) -> dict[str, tuple[int, ...]]:
    return {f"mask_{layer}": program.families[f"mask_{layer}"].shape for layer in job.nets[0].dropout}


def _fed(job: _Job, program: Program, rounds: range) -> dict[str, Array]:
    """What is given anew in every round of each lane: the rate, the round's number, and the masks of dropout."""
    own = find_optimizer(job.nets[0].update.optimizer).rate
    bases = [rate_of(net.update.rate, own) for net in job.nets]
    numbers = np.arange(rounds.start + 1, rounds.stop + 1, dtype=float)
    of_base = {base: _rates(job, base, rounds) for base in set(bases)}
    fed = {
        "rate": np.stack([of_base[base] for base in bases]),
        "round": np.tile(numbers, (len(bases), 1)),
    }
    shapes = _mask_shapes(job, program)
    drawn = [
        masks(seed, rounds, shapes, {f"mask_{layer}": float(share) for layer, share in net.dropout.items()})
        for seed, net in zip(job.seeds, job.nets, strict=True)
    ]
    return fed | {name: np.stack([each[name] for each in drawn]) for name in shapes}


def _rates(job: _Job, base: float, rounds: range) -> Array:
    """The learning rate of each of some rounds."""
    return rates(job.options.schedule, base, rounds, job.rounds * job.options.epochs, job.rounds, 0)


def _outcome(job: _Job, plan: Plan, state: dict[str, Array], losses: Array) -> Outcome:
    """What came of one run: by the same rules as when it is trained alone."""
    bad = ~np.isfinite(losses)
    if job.options.grown is not None:
        bad |= losses > np.maximum(1.0, job.options.grown * abs(losses[0]))
    if bad.any() or not all(np.isfinite(array).all() for array in state.values()):
        epochs = int(np.argmax(bad)) if bad.any() else len(losses) - 1
        return Outcome("diverged", epochs, problem=f"diverged in epoch {epochs + 1}")
    parameters = {name: state[name] for name in parameter_names(job.nets[0])}
    found = measured(plan, job.ready, parameters, job.measuring)
    return Outcome("done", len(losses), float(losses[-1]), *found)


def _progress(job: _Job, lane: int, state: dict[str, Array], losses: Array) -> Progress:
    """Where the training of one run ended, with a record of each epoch."""
    net, rounds = job.nets[lane], job.rounds
    base = rate_of(net.update.rate, find_optimizer(net.update.optimizer).rate)
    each = _rates(job, base, range(rounds * len(losses)))[rounds - 1 :: rounds]
    history = tuple(
        Record(number, number * rounds, float(rate), float(loss), samples=job.source.rows)
        for number, (rate, loss) in enumerate(zip(each, losses, strict=True), 1)
    )
    return Progress(state, len(losses), rounds * len(losses), history=history, stopped="finished")
