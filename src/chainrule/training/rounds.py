"""The rounds of an epoch: what each is given, run by an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.optimizers import find_optimizer
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program
from chainrule.training.batches import Source, masks, pieces
from chainrule.training.engine import Engine
from chainrule.training.measure import Forward, Kind
from chainrule.training.programs import Trainable
from chainrule.training.progress import Options, Progress, rate_of
from chainrule.training.schedules import rates

Array = NDArray[Any]
MASK_NUMBERS = 2**24  # in the masks that are drawn at once


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same through training. ``total`` are the rounds of all epochs."""

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


def do_rounds(
    job: Job, progress: Progress, interrupted: Callable[[], bool], until: int | None = None
) -> tuple[dict[str, Any], Array, float]:
    """The rounds of an epoch that are left, or only ``until`` so many are done: state, losses and the last rate."""
    options, state = job.options, dict(progress.state)
    losses: list[Array] = [np.empty(0)]
    done, rate = progress.rounds, 0.0
    skip = len(progress.losses)
    for piece in pieces(job.source, options.batch, options.seed, progress.epoch, options.shuffle, skip):
        program = job.program(piece.order.shape[1])
        shapes = mask_shapes(job, program)
        most = max(1, MASK_NUMBERS // max(1, sum(prod(shape) for shape in shapes.values())))
        for first in range(0, len(piece.order), most):
            order = piece.order[first : first + most]
            if until is not None:
                order = order[: until - done]
            if not len(order) or (interrupted() and len(losses) > 1):
                return state, np.concatenate(losses), rate
            fed = fed_in(job, progress, range(done, done + len(order)), shapes)
            state, found = job.engine.run_epoch(
                program, state, job.fixed, piece.data, order, fed, _watch(job, done, interrupted)
            )
            losses.append(np.asarray(found, float))
            done += len(found)
            rate = float(fed["rate"][len(found) - 1])
            if not np.isfinite(found).all() or len(found) < len(order):
                return state, np.concatenate(losses), rate
    return state, np.concatenate(losses), rate


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
        "rate": rates(job.options.schedule, base, rounds, job.total, progress.epoch, progress.drops),
        "round": np.arange(rounds.start + 1, rounds.stop + 1, dtype=float),
    }
    dropout = {f"mask_{layer}": float(rate) for layer, rate in job.net.dropout.items()}
    return fed | dict(masks(job.options.seed, rounds, shapes, dropout))
