"""The rounds of an epoch: what each is given, run by an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.optimizers import find_optimizer
from chainrule.engines.rounds import LOOP
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program
from chainrule.training.batches import Piece, Source, masks, pieces, rounds_of
from chainrule.training.engine import Engine
from chainrule.training.measure import Forward, Kind
from chainrule.training.programs import Trainable
from chainrule.training.progress import Options, Progress, rate_of
from chainrule.training.schedules import rates

Array = NDArray[Any]
MASK_NUMBERS = 2**24  # in the masks that are drawn at once
ROWS = 2**22  # row numbers in the orders that are drawn at once
AT_ONCE = (4096, 256, 16)  # epochs in one loop, few sizes as each may be compiled; the first that takes less than
SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same through training. ``total`` are the rounds of all epochs.

    ``free``: nothing is decided or said between one epoch and the next, so that several can be done at once.
    """

    net: Trainable
    options: Options
    engine: Engine
    source: Source
    validation: Ledger | None
    kind: Kind | None
    program: Callable[[int], Program]
    forward: Forward
    fixed: Ledger
    total: int
    on_round: Callable[[int, int], None] | None
    free: bool = False

    @property
    def rounds(self) -> int:
        """Rounds in an epoch."""
        return rounds_of(self.source.rows, self.options.batch)


def epochs_at_once(job: Job, progress: Progress) -> int:
    """How many epochs to do in one loop: many where they are short, as each loop takes about a millisecond to begin."""
    if not job.free or progress.losses or not progress.history:
        return 1
    last = progress.history[-1]
    most = min(job.options.epochs - progress.epoch, ROWS // job.source.rows, LOOP // job.rounds)
    return next((count for count in AT_ONCE if count <= most and count * last.seconds < SECONDS), 1)


def do_rounds(
    job: Job, progress: Progress, interrupted: Callable[[], bool], epochs: int = 1, until: int | None = None
) -> tuple[dict[str, Any], Array, Array]:
    """The rounds of some epochs that are left, or only ``until`` so many are done: state, losses and rates."""
    state = dict(progress.state)
    losses, used = [np.empty(0)], [np.empty(0)]
    done = progress.rounds
    for piece in _pieces(job, progress, epochs):
        program = job.program(piece.order.shape[1])
        shapes = mask_shapes(job, program)
        most = max(1, MASK_NUMBERS // max(1, sum(prod(shape) for shape in shapes.values())))
        for first in range(0, len(piece.order), most):
            order = piece.order[first : first + most]
            if until is not None:
                order = order[: until - done]
            if not len(order) or (interrupted() and len(losses) > 1):
                return state, np.concatenate(losses), np.concatenate(used)
            fed = fed_in(job, progress, range(done, done + len(order)), shapes)
            state, found = job.engine.run_epoch(
                program, state, job.fixed, piece.data, order, fed, _watch(job, done, interrupted)
            )
            losses.append(np.asarray(found, float))
            used.append(fed["rate"][: len(found)])
            done += len(found)
            if not np.isfinite(found).all() or len(found) < len(order):
                return state, np.concatenate(losses), np.concatenate(used)
    return state, np.concatenate(losses), np.concatenate(used)


def _pieces(job: Job, progress: Progress, epochs: int) -> Iterator[Piece]:
    """The rounds that are left of an epoch; or those of several, in one piece."""
    options, skip = job.options, len(progress.losses)
    each = [
        pieces(job.source, options.batch, options.seed, epoch, options.shuffle, skip)
        for epoch in range(progress.epoch, progress.epoch + epochs)
    ]
    if epochs == 1:
        yield from each[0]
        return
    whole = [next(epoch) for epoch in each]
    yield Piece(whole[0].data, np.concatenate([piece.order for piece in whole]))


def _watch(job: Job, before: int, interrupted: Callable[[], bool]) -> Callable[[int], bool]:
    def watch(done: int) -> bool:
        if job.on_round is not None:
            job.on_round(before + done, job.total)
        return interrupted()

    return watch


def mask_shapes(job: Job, program: Program) -> dict[str, tuple[int, ...]]:
    return {f"mask_{layer}": program.families[f"mask_{layer}"].shape for layer in job.net.dropout}


def fed_in(job: Job, progress: Progress, rounds: range, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """What is given anew in every round: the rate, the round's number, and the masks of dropout."""
    own = find_optimizer(job.net.update.optimizer).rate
    base = rate_of(job.net.update.rate, own)
    fed: dict[str, Array] = {
        "rate": rates(job.options.schedule, base, rounds, job.total, job.rounds, progress.drops),
        "round": np.arange(rounds.start + 1, rounds.stop + 1, dtype=float),
    }
    dropout = {f"mask_{layer}": float(rate) for layer, rate in job.net.dropout.items()}
    return fed | dict(masks(job.options.seed, rounds, shapes, dropout))
