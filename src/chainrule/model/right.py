"""The right numbers of a task's rounds, each round calculated once."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import numpy as np

from chainrule.engines.numpy import compile_program
from chainrule.explain.names import Names, names_of
from chainrule.explain.round import Round
from chainrule.formula.expression import refs
from chainrule.model.rounds import round_after, run_floats, state_after
from chainrule.model.task import Array, Task, as_floats, given_of, next_state, rows_of, start_of
from chainrule.program.adjoint import differentiate
from chainrule.program.program import GIVEN, Program, Role, Same, adjoint_name, forward_part


@dataclass(slots=True)
class Rounds:
    """The rounds of a task, each calculated when it is asked for and then kept."""

    task: Task
    states: dict[int, dict[str, Array]] = field(default_factory=dict)
    names: dict[int, Names] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    quick: dict[int, tuple[Mapping[str, Array], dict[str, Array]]] = field(default_factory=dict)

    def names_at(self, done: int) -> Names:
        """The names of the round after so many."""
        rows = rows_of(self.task, done)
        count = rows.stop - rows.start
        if count not in self.names:
            self.names[count] = names_of(self.task.program_for(count), self.task.loss)
        return self.names[count]

    def state(self, done: int) -> dict[str, Array]:
        """Parameters and states before a round."""
        if done not in self.states:
            before = self.rounds.get(done - 1)
            self.states[done] = (
                state_after(self.task, done)
                if before is None
                else next_state(before.names.program, before.ledger, self.states[done - 1])
            )
        return self.states[done]

    def given(self, done: int) -> dict[str, Array]:
        """All given numbers of a round."""
        return given_of(self.task, self.state(done), done)[1]

    def at(self, done: int) -> Round:
        """The round after so many, with its right numbers."""
        if done not in self.rounds:
            self.rounds[done] = round_after(self.task, self.state(done), done)
        return self.rounds[done]

    def right(self, done: int, family: str) -> Array:
        """A family's right numbers in a round."""
        return np.asarray(self.at(done).ledger[family])

    def floats(self, done: int) -> Mapping[str, Array]:
        """A round's numbers as floats: quick, for rounds that are only looked at."""
        if done not in self.quick:
            start = as_floats(start_of(self.task))
            state = self.quick[done - 1][1] if done - 1 in self.quick else run_floats(self.task, start, done, "numpy")
            program, given = given_of(self.task, state, done)
            floats = as_floats(given)
            ledger = {**floats, **_compiled(Same(program))(floats)}
            self.quick[done] = (ledger, as_floats(next_state(program, ledger, state)))
        return self.quick[done][0]


@lru_cache(maxsize=8)
def _compiled(key: Same) -> Callable[..., Mapping[str, Array]]:
    return compile_program(key.program)


def with_derivatives(task: Task, asked: Collection[str] | None = None) -> Task:
    """The task with the derivatives of the loss by more of the given numbers: those asked for, or all there can be.

    A network is trained by its parameters only, but people calculate dE/dx too.
    """

    @cache
    def program_for(samples: int) -> Program:
        return _extended(task.program_for(samples), task.loss, asked)

    return replace(task, program_for=program_for)


def _extended(program: Program, loss: str, asked: Collection[str] | None) -> Program:
    forward = forward_part(program)
    used = {node.name for each in forward.definitions for node in refs(each.formula)}
    wanted = [
        family.name
        for family in program.families.values()
        if family.role in GIVEN - {Role.TARGET} and family.name in used and adjoint_name(family.name) not in
        program.families and (asked is None or family.name in asked)
    ]  # fmt: skip
    if not wanted:
        return program
    trained = [each.of for each in program.families.values() if each.role == Role.ADJOINT]
    derived = differentiate(forward, loss, [*wanted, *(name for name in trained if name in forward.families)])
    new = [each for each in derived.definitions if each.target not in program.families]
    last = max(at for at, each in enumerate(program.definitions) if program.families[each.target].role == Role.ADJOINT)
    families = {**program.families, **{each.target: derived.families[each.target] for each in new}}
    return Program(families, (*program.definitions[: last + 1], *new, *program.definitions[last + 1 :]))
