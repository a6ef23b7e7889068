"""Where training ran out of the numbers: the round, the quantity that was first not finite, and what to try."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.names import Scalar, name, names_of
from chainrule.numbers.evaluate import first_not_finite
from chainrule.program.program import Program, Role
from chainrule.training.batches import pieces
from chainrule.training.problems import DivergedError
from chainrule.training.programs import LOSS
from chainrule.training.progress import Progress, Record
from chainrule.training.rounds import Job, do_rounds, fed_in, mask_shapes

Array = NDArray[Any]
WAYS_OUT = "Try a smaller learning rate, clipped gradients, standardised inputs, or other start values"


def check_finite(job: Job, before: Progress, after: Progress, losses: Array) -> None:
    """Raise ``DivergedError`` where the error of a round or a parameter is no finite number."""
    finite = np.isfinite(losses)
    if not finite.all():
        raise _not_finite(job, before, int(np.argmin(finite)))
    if not all(np.isfinite(array).all() for array in after.state.values()):
        raise _not_finite(job, before, len(losses) - 1)


def has_grown(job: Job, before: Progress, record: Record) -> bool:
    """Whether an epoch's error has grown without end since the first. One below 1 has not, which may be small then."""
    grown = job.options.grown
    return bool(before.history) and grown is not None and record.loss > max(1.0, grown * abs(before.history[0].loss))


def is_finite(after: Progress, losses: Array) -> bool:
    """Whether the errors of all rounds and all parameters are finite numbers."""
    return bool(np.isfinite(losses).all()) and all(np.isfinite(array).all() for array in after.state.values())


def check_record(job: Job, before: Progress, record: Record) -> None:
    """Raise ``DivergedError`` where an epoch's error has grown without end, or that of validation isn't finite."""
    watched = record.validation_loss
    if watched is not None and not isfinite(watched):
        what = "not a number (NaN)" if watched != watched else "infinite"
        raise DivergedError(
            f"the error of the validation samples is {what} after epoch {record.epoch}. {WAYS_OUT}", before
        )
    if has_grown(job, before, record):
        raise DivergedError(
            f"the error has grown from {before.history[0].loss:.6g} in the first epoch to {record.loss:.6g} in epoch "
            f"{record.epoch} (round {record.rounds}). {WAYS_OUT}",
            before,
        )


def _not_finite(job: Job, before: Progress, place: int) -> DivergedError:
    """The quantity that was first not finite, found by doing the rounds up to there once more."""
    for back in (1, 0) if place else (0,):  # a weight that is infinite became so in the round before
        at = place - back
        program, ledger = _ledger(job, before, at)
        found = first_not_finite(program, ledger)
        if found is not None:
            break
    if found is None:
        return DivergedError(f"the error is no finite number in {_round_text(job, before, place)}. {WAYS_OUT}", before)
    scalar = Scalar(*found)
    value = float(ledger[scalar.family][scalar.index])
    what = "not a number (NaN)" if value != value else "infinite"
    known = "; the numbers before it are finite" if program.families[scalar.family].role != Role.PARAMETER else ""
    return DivergedError(
        f"{name(names_of(program, LOSS), scalar)} is {what} in {_round_text(job, before, at)}{known}. {WAYS_OUT}",
        before,
    )


def _ledger(job: Job, before: Progress, place: int) -> tuple[Program, dict[str, Array]]:
    """All the numbers of one round of an epoch, the rounds before it done again."""
    state, _, _ = do_rounds(job, before, lambda: False, until=before.rounds + place)
    options = job.options
    skip = len(before.losses) + place
    piece = next(pieces(job.source, options.batch, options.seed, before.epoch, options.shuffle, skip))
    program = job.program(piece.order.shape[1])
    rounds = range(before.rounds + place, before.rounds + place + 1)
    fed = {each: array[0] for each, array in fed_in(job, before, rounds, mask_shapes(job, program)).items()}
    rows = {each: np.asarray(array)[piece.order[0]] for each, array in piece.data.items()}
    given = {**job.fixed, **state, **rows, **fed}
    given = {each: np.asarray(given[each]) for each in program.families if each in given}
    return program, given | job.engine.calculate(program, given, None)


def _round_text(job: Job, before: Progress, place: int) -> str:
    """``round 153 (epoch 2, batch 3)``."""
    inside = len(before.losses) + place + 1
    return f"round {before.rounds + place + 1} (epoch {before.epoch + 1}, batch {inside})"
