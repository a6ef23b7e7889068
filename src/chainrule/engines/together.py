"""Many networks of one shape trained together: one compiled loop over rounds in which every number has lanes.

Each network has a lane. On a CPU the lanes go through the loop a few at a time, so that all their numbers stay in the
nearest memory, and each core takes its share; on a GPU all of them go at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.engines.jax import (
    Compiled,
    Watch,
    drive,
    fixed_ones,
    library,
    placed,
    precision,
    read_ones,
    training_loop,
)
from chainrule.engines.loop import Changing, Loop, compiled_loop
from chainrule.engines.lower import lower
from chainrule.engines.xla import is_small
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program

Array = NDArray[Any]
LANES = 8  # go through the loop at once on a CPU


def is_worth_it(program: Program, wanted: Sequence[str]) -> bool:
    """Whether networks of this size gain from being trained together: a large one keeps the machine busy by itself."""
    return is_small(lower(program, wanted))


def train_together(
    program: Program,
    states: Ledger,
    fixed: Ledger,
    data: Ledger,
    orders: Array | None,
    fed: Ledger,
    rounds: int,
    watch: Watch = lambda done: False,
    dtype: DTypeLike = np.float64,
) -> tuple[dict[str, Array], Array]:
    """Rounds of one program for many networks at once; each lane means the same as ``run_epoch`` for it alone.

    ``states`` has the parameters and optimizer states with an axis for the lanes in front, as have the families in
    ``fixed`` that are not the same for all. Round ``r`` of lane ``l`` is given the rows ``orders[l, r]`` of ``data``
    (all rows where there are no orders) and ``fed[name][l, r]``. Returns the states after the last round, and
    ``E_total`` of each lane and round. The same numbers come out of a lane wherever it stands among the others.
    ``watch(done)`` is called from time to time with how many rounds of the first lanes are done; when it returns True
    no more are begun, and the states are worth nothing. Raises `MissingLibraryError` without JAX.
    """
    number = np.dtype(dtype)
    jax = library()
    lanes = len(next(iter(states.values())))
    with precision(number):
        loop = training_loop(program, number)
        width = LANES if jax.default_backend() == "cpu" else lanes
        # What training doesn't change is a network's own all the same.
        fixed = {**fixed, **{name: array for name, array in states.items() if name not in dict(loop.carry).values()}}
        shared = {name: placed(array, number) for name, array in data.items()}
        owned = frozenset(name for name, array in fixed.items() if np.ndim(array) > len(program.families[name].shape))
        same = {name: placed(array, number) for name, array in fixed.items() if name not in owned}
        own = {name: np.asarray(fixed[name], number) for name in owned}

        def part(first: int, rounds: int) -> tuple[dict[str, Array], Array]:
            """Some lanes; where there are too few left the last one is repeated."""
            here = np.minimum(np.arange(first, first + width), lanes - 1)
            state = {old: placed(np.asarray(states[old], number)[here], number) for _, old in loop.carry}
            known = {**same, **shared, **{name: array[here] for name, array in own.items()}}
            changing = Changing(
                turns={name: (np.asarray(array, number)[here], np.int32(0)) for name, array in fed.items()},
                rows={} if orders is None else shared,
                counted={},
                order=None if orders is None else np.asarray(orders, np.int32)[here],
            )
            changing = read_ones(changing, loop.lowered.given)
            given = fixed_ones(loop, state, known, changing)
            compiled = _compiled(loop, frozenset(given) & owned)
            kept = jax.numpy.zeros((width, rounds), number)
            after, losses, _ = drive(compiled, state, kept, given, changing, rounds, watch)
            count = min(width, lanes - first)
            return {old: np.array(each)[:count] for old, each in after.items()}, np.array(losses)[:count]

        done = _each_part(part, range(0, lanes, width), rounds, number)
    after = {old: np.concatenate([state[old] for state, _ in done]) for _, old in loop.carry}
    kept_states = {name: after.get(name, np.asarray(array)) for name, array in states.items()}
    return kept_states, np.concatenate([losses for _, losses in done])


def _each_part(part: Any, firsts: range, rounds: int, number: np.dtype[Any]) -> list[tuple[dict[str, Array], Array]]:
    """Every part, on all cores where there are several."""
    if len(firsts) == 1:
        return [part(firsts[0], rounds)]

    def alone(first: int) -> tuple[dict[str, Array], Array]:
        with precision(number):  # which is a matter of the thread
            found: tuple[dict[str, Array], Array] = part(first, rounds)
            return found

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(alone, firsts))


@lru_cache(maxsize=64)
def _compiled(loop: Loop, own: frozenset[str]) -> Compiled:
    return Compiled(compiled_loop(loop, library(), own))
