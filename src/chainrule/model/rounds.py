"""Running a task's rounds: with NumPy for floats, with the slow evaluator for any other kind of number."""

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from chainrule.catalogue.training import carried
from chainrule.engines.choose import check_engine, choose_engine
from chainrule.engines.jax import library
from chainrule.engines.jax import run_rounds as compiled_rounds
from chainrule.engines.numpy import compile_program, run_rounds
from chainrule.engines.rounds import InTurn
from chainrule.explain.names import Names, Scalar, name, names_of
from chainrule.explain.round import Round
from chainrule.model.task import Array, Task, as_floats, given_of, next_state, rows_of, start_of
from chainrule.numbers.arithmetic import FLOAT, MIXED, Arithmetic
from chainrule.numbers.evaluate import first_not_finite, run
from chainrule.program.program import Program, Role, Same, definition_of, forward_part

SMALL = 2000  # scalars


class NotFiniteError(ArithmeticError):
    """A NaN or an infinity: says where it first arose."""


def state_after(task: Task, rounds: int, arithmetic: Arithmetic = FLOAT, engine: str = "numpy") -> dict[str, Array]:
    """Parameters and states after so many rounds. Raises `NotFiniteError` where they are no numbers any more.

    ``engine`` is for floats: numpy or jax, which may differ in the last digits.
    """
    state = start_of(task)
    if not rounds:
        return state
    if arithmetic is not FLOAT:
        for done in range(rounds):
            program, given = given_of(task, state, done)
            state = next_state(program, run(program, given, arithmetic), state)
        return state
    after = floats_after(task, rounds, engine)
    if after is None:
        _find_not_finite(task, rounds)
        raise NotFiniteError(f"the numbers of round {rounds} are too large")
    return after


def floats_after(task: Task, rounds: int, engine: str = "numpy") -> dict[str, Array] | None:
    """Parameters and states after so many rounds, as floats; None where they are no numbers any more."""
    after = run_floats(task, as_floats(start_of(task)), rounds, engine)
    return after if all(np.isfinite(array).all() for array in after.values()) else None


def engine_for(task: Task, rounds: int, engine: str = "auto") -> tuple[str, str]:
    """The engine for so many rounds (numpy or jax) and why that one, where it was not asked for.

    Raises ``UnknownEngine`` and ``MissingLibraryError`` for one that is not installed.
    """
    check_engine(engine)
    if engine == "jax":
        library()
    if engine != "auto":
        return engine, ""
    program, _ = given_of(task, start_of(task), 0)
    choice = choose_engine(program, rounds, tuple(carried(program)))
    return choice.engine, choice.why


def run_floats(task: Task, state: dict[str, Array], rounds: int, engine: str) -> dict[str, Array]:
    """All rounds in one call where every round takes equally many samples, else round by round with NumPy."""
    sizes = {rows.stop - rows.start for rows in (rows_of(task, done) for done in range(min(rounds, task.samples)))}
    if len(sizes) == 1:
        program, given = _given_floats(task, state, 0)
        run_all = compiled_rounds if engine == "jax" else run_rounds
        after = run_all(program, given, rounds, carried(program), _feeds(task, program))
        return state | {name: after[name] for name in state}
    compiled = lru_cache(maxsize=8)(_compiled)
    for done in range(rounds):
        program, given = _given_floats(task, state, done)
        state = state | _renamed(compiled(Same(program))(given), program)
    return state


def _feeds(task: Task, program: Program) -> InTurn | None:
    """What changes from round to round: the samples of a batch, and the number of the round."""
    counted = {"round": 1.0} if "round" in program.families else {}
    if task.batch is None or task.batch >= task.samples:
        return InTurn({}, counted) if counted else None
    batches = [
        as_floats({name: array[rows_of(task, done)] for name, array in task.data.items()})
        for done in range(-(-task.samples // task.batch))
    ]
    return InTurn({name: np.stack([batch[name] for batch in batches]) for name in task.data}, counted)


def _compiled(key: Same) -> Any:
    return compile_program(key.program, tuple(carried(key.program)))


def _renamed(updated: Mapping[str, Array], program: Program) -> dict[str, Array]:
    return {old: updated[new] for new, old in carried(program).items()}


def _given_floats(task: Task, state: Mapping[str, Array], done: int) -> tuple[Program, dict[str, Array]]:
    program, given = given_of(task, state, done)
    return program, as_floats(given)


def _find_not_finite(task: Task, rounds: int) -> None:
    """The first round in which something isn't a number, and the first quantity in it."""
    state = as_floats(start_of(task))
    compiled = lru_cache(maxsize=8)(lambda key: compile_program(key.program))
    for done in range(rounds):
        program, given = _given_floats(task, state, done)
        ledger = given | compiled(Same(program))(given)
        raise_not_finite(program, ledger, task.loss, done)
        state = next_state(program, ledger, state)


def raise_not_finite(program: Program, ledger: Mapping[str, Array], loss: str, done: int) -> None:
    """Raise `NotFiniteError` if a quantity of a round is NaN or infinite."""
    place = first_not_finite(program, ledger)
    if place is None:
        return
    scalar = Scalar(*place)
    value = float(ledger[scalar.family][scalar.index])
    what = "not a number (NaN)" if value != value else "infinite"
    definition = definition_of(program, scalar.family)
    made = "" if definition is None else "; the numbers before it are finite"
    raise NotFiniteError(
        f"{name(names_of(program, loss), scalar)} is {what} in round {done + 1}{made}. "
        "Try a smaller learning rate, other start values, or a loss on logits"
    )


def round_after(task: Task, state: Mapping[str, Array], done: int, arithmetic: Arithmetic = FLOAT) -> Round:
    """The round that follows ``done`` rounds, with all its numbers."""
    program, given = given_of(task, state, done)
    if arithmetic is FLOAT and is_small(program):
        arithmetic = MIXED
    ledger = _all_values(program, given, arithmetic)
    raise_not_finite(program, ledger, task.loss, done)
    names = names_of(program, task.loss)
    title = task.title if not done else f"{task.title}: after {done:,} rounds"
    return Round(
        title, names, ledger, done, _conventions(task, done, names), _typed(program, given),
        _afterwards(task, program, ledger, given, arithmetic), task.shorter(program, ledger), arithmetic, task.words,
        task.layers,
    )  # fmt: skip


def _conventions(task: Task, done: int, names: Names) -> tuple[tuple[str, str], ...]:
    lines = list(task.conventions)
    rows = rows_of(task, done)
    if task.samples > rows.stop - rows.start:
        which = (
            f"sample {rows.start + 1}" if rows.stop == rows.start + 1 else f"samples {rows.start + 1} to {rows.stop}"
        )
        lines.append(("this round", f"round {done + 1}, with {which}"))
    elif done:
        lines.append(("this round", f"round {done + 1}"))
    return tuple(lines)


def _typed(program: Program, given: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array for name, array in given.items() if array.dtype == object and name in program.families}


def _afterwards(
    task: Task, program: Program, ledger: Mapping[str, Array], given: Mapping[str, Array], arithmetic: Arithmetic
) -> Mapping[str, Array] | None:
    """The forward pass once more, with the updated parameters."""
    updated = next_state(program, ledger, {})
    if not updated:
        return None
    forward = _forward_only(Same(program))
    again = dict(given) | {
        name: array for name, array in updated.items() if program.families[name].role == Role.PARAMETER
    }
    again = {name: array for name, array in again.items() if name in forward.families}
    return _all_values(forward, again, arithmetic)


def _all_values(program: Program, given: Mapping[str, Array], arithmetic: Arithmetic) -> dict[str, Array]:
    if arithmetic is not FLOAT:
        return dict(run(program, given, arithmetic))
    floats = as_floats(given)
    return floats | compile_program(program)(floats)


def is_small(program: Program) -> bool:
    """Whether a person could calculate it by hand: then it is calculated exactly as far as that goes."""
    return sum(prod(family.shape) for family in program.families.values()) <= SMALL


@lru_cache(maxsize=8)
def _forward_only(key: Same) -> Program:
    return forward_part(key.program)
