"""The right numbers of a task's rounds, each round calculated once."""

from dataclasses import dataclass, field

import numpy as np

from chainrule.explain.names import Names, names_of
from chainrule.explain.round import Round
from chainrule.model.rounds import round_after, state_after
from chainrule.model.task import Array, Task, given_of, next_state, rows_of


@dataclass(slots=True)
class Rounds:
    """The rounds of a task, each calculated when it is asked for and then kept."""

    task: Task
    states: dict[int, dict[str, Array]] = field(default_factory=dict)
    names: dict[int, Names] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)

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
