"""A training task: a program for each size of batch, the given numbers, the data, and the header's conventions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.training import Update, carried, setting_values, start_values
from chainrule.explain.round import LayerLine, Shorter, Words
from chainrule.program.program import Program, Role, with_role
from chainrule.spec.spec import Spec

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is trained, on what, and how.

    ``program_for`` gives the program of a round for so many samples. ``parameters`` are the start values; ``data`` are
    the families whose first axis counts the samples, ``fixed`` the given numbers that stay the same. Arrays hold
    Decimals where a person typed them, else floats. ``batch`` is None for all samples at once.
    """

    title: str
    program_for: Callable[[int], Program]
    parameters: Mapping[str, Array]
    data: Mapping[str, Array]
    fixed: Mapping[str, Array]
    update: Update
    loss: str = "E_total"
    batch: int | None = None
    conventions: tuple[tuple[str, str], ...] = ()
    shorter: Callable[[Program, Mapping[str, Array]], tuple[Shorter, ...]] = field(default=lambda *_: ())
    variants: Callable[[], Iterable[tuple[str, str, "Task"]]] = field(
        default=tuple
    )  # other conventions: id, text, task
    spec: Callable[[], Spec | None] = lambda: None  # what a network file of it says, where one can
    words: Words = field(default_factory=Words)
    layers: tuple[LayerLine, ...] = ()

    @property
    def samples(self) -> int:
        return max((len(array) for array in self.data.values()), default=1)


def rows_of(task: Task, done: int) -> slice:
    """The samples of the round after ``done`` rounds: batches in turn, then again from the first."""
    if task.batch is None:
        return slice(0, task.samples)
    batches = -(-task.samples // task.batch)
    first = (done % batches) * task.batch
    return slice(first, min(first + task.batch, task.samples))


def start_of(task: Task) -> dict[str, Array]:
    """Parameters and states before the first round."""
    program = task.program_for(len(range(*rows_of(task, 0).indices(task.samples))))
    states = start_values(program, task.update)
    return dict(task.parameters) | {
        family.name: np.full(family.shape, float(states[family.name])) for family in with_role(program, Role.STATE)
    }


def given_of(task: Task, state: Mapping[str, Array], done: int) -> tuple[Program, dict[str, Array]]:
    """The program of the round after ``done`` rounds, and all that is given in it."""
    rows = rows_of(task, done)
    chosen = {name: array[rows] for name, array in task.data.items()}
    program = task.program_for(rows.stop - rows.start)
    settings = {name: np.array(value, object) for name, value in setting_values(task.update).items()}
    given: dict[str, Array] = settings | dict(task.fixed) | chosen | dict(state)
    if "round" in settings:
        given["round"] = np.array(float(done + 1))
    return program, {name: given[name] for name in program.families if name in given}


def as_floats(given: Mapping[str, Array]) -> dict[str, Array]:
    """Typed numbers as float64."""
    return {name: np.asarray(array, dtype=float) for name, array in given.items()}


def next_state(program: Program, ledger: Mapping[str, Array], state: Mapping[str, Array]) -> dict[str, Array]:
    """Parameters and states after a round."""
    return dict(state) | {old: ledger[new] for new, old in carried(program).items()}
