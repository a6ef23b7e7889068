"""A round of a network as people use it: ask for a number, for its derivation, for the whole worked example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.engines.choose import UnknownEngine
from chainrule.explain.document import Document
from chainrule.explain.families import Detail
from chainrule.explain.find import Quantity, Whole, find
from chainrule.explain.names import Ratio, Scalar, names_of
from chainrule.explain.quantity import explain_quantity
from chainrule.explain.round import Round, forward_definitions
from chainrule.explain.walkthrough import walkthrough
from chainrule.explain.writing import DIGITS
from chainrule.model import present
from chainrule.model.rounds import engine_for, round_after, state_after
from chainrule.model.task import Array, Task, given_of, next_state
from chainrule.numbers.arithmetic import FLOAT, Arithmetic, many_digits
from chainrule.numbers.evaluate import run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Program, adjoint_name

if TYPE_CHECKING:
    from chainrule.model.check import Check
    from chainrule.model.live import Page

FLOAT_DIGITS = 15  # more digits than these need more than a float


class Step:
    """One round of a network: forward pass, error, derivatives and updates, with all their numbers.

    Shows itself as the worked example, as text in a terminal and as Markdown in a notebook.

    >>> step = load("mazur")  # doctest: +SKIP
    >>> step["w5+"]  # doctest: +SKIP
    0.35891647971788465
    """

    def __init__(
        self, task: Task, done: int = 0, digits: int = DIGITS, state: Mapping[str, Array] | None = None
    ) -> None:
        self._task, self._done, self._digits, self._state = task, done, digits, state

    @property
    def _arithmetic(self) -> Arithmetic:
        return many_digits(self._digits) if self._digits > FLOAT_DIGITS else FLOAT

    @cached_property
    def _start(self) -> Mapping[str, Array]:
        return self._state if self._state is not None else state_after(self._task, self._done, self._arithmetic)

    @cached_property
    def round(self) -> Round:
        """The program of this round with its numbers."""
        return round_after(self._task, self._start, self._done, self._arithmetic)

    @property
    def rounds_done(self) -> int:
        """How many rounds were done before this one."""
        return self._done

    def after(self, rounds: int, *, digits: int | None = None) -> "Step":
        """The round that follows after so many more rounds of training.

        With ``digits`` above 15 everything is calculated with that many digits from the start, which is slow.
        """
        digits = self._digits if digits is None else digits
        if digits > FLOAT_DIGITS or self._digits > FLOAT_DIGITS or not rounds:
            return Step(
                self._task, self._done + rounds, digits, None if rounds or digits != self._digits else self._state
            )
        return Step(self._task, self._done + rounds, digits)

    def run(self, rounds: int, *, engine: str = "auto") -> "Step":
        """The round that follows after so many more rounds of training, done now and with an engine of one's choice.

        ``engine`` is numpy, jax (one compiled loop, extra ``fast``), or auto: what pays for so many rounds. Raises
        ``NotFiniteError`` where training ran out of the numbers, ``MissingLibraryError`` without JAX, and
        ``UnknownEngine`` for an engine that there isn't.
        """
        chosen, _ = engine_for(self._task, rounds, engine)
        if self._arithmetic is not FLOAT:
            if engine != "auto":
                raise UnknownEngine(f"with more than {FLOAT_DIGITS} digits no engine calculates; leave it out")
            return self.after(rounds)
        done = self._done + rounds
        return Step(self._task, done, self._digits, state_after(self._task, done, FLOAT, chosen))

    def engine_for(self, rounds: int) -> str:
        """Which engine pays for so many rounds, and why, in one sentence."""
        return engine_for(self._task, rounds)[1]

    def next(self) -> "Step":
        """The round after this one."""
        program, _ = given_of(self._task, self._start, self._done)
        return Step(self._task, self._done + 1, self._digits, next_state(program, self.round.ledger, self._start))

    def __getitem__(self, name: str) -> Any:
        """A quantity's value: a number, or an array for a whole family. Raises ``UnknownQuantity``.

        Any way of writing it is understood: ``w5``, ``dE/dw5``, ``delta_o1``, ``net_h1``, ``w5+``, ``w_o[1,1]``.
        """
        found = find(self.round.names, name)
        if isinstance(found, Whole):
            array = np.array(self.round.ledger[found.family])
            return array if self._arithmetic is not FLOAT else array.astype(float)
        value = (
            ratio_value(self.round, found) if isinstance(found, Ratio) else self.round.ledger[found.family][found.index]
        )
        return float(value) if self._arithmetic is FLOAT else value

    def explain(
        self, name: str | None = None, *, detail: Detail | None = None, digits: int | None = None
    ) -> "Explanation":
        """The derivation of one quantity back to given numbers; without a name, the whole worked example."""
        return Explanation(self.documents([name] if name else [], detail=detail, digits=digits))

    def check(self, answers: Any, *, published: bool = False) -> "Check":
        """Check a person's own numbers: which are right, which is the first wrong one, and the mistake behind it.

        ``answers`` is a file (text, CSV, JSON, TOML, a spreadsheet, npz, safetensors, a PyTorch state dict), pasted
        text, or a mapping of names to numbers or arrays. Numbers without a round are taken to be from this one.
        Raises ``AnswersError`` where nothing can be read.

        >>> step.check({"net_h1": 0.3775, "delta_o1": 0.7414}).first_wrong  # doctest: +SKIP
        'delta_o1'
        """
        checking = import_module("chainrule.model.check")  # a third of the package: loaded when it is asked for
        found: Check = checking.check(self._task, answers, self._done, published)
        return found

    def page(self, title: str = "") -> "Page":
        """The live page, which shows itself in a notebook: change a number and all others follow.

        Raises ``PageError`` where the network or its data are too large for one.

        >>> step.page().save("mazur.html")  # doctest: +SKIP
        """
        live = import_module("chainrule.model.live")
        found: Page = live.Page(live.live_of(self._task, self._done, self._state, self._digits, title))
        return found

    def widget(self) -> Any:
        """The live page as a notebook's widget. Raises ``MissingLibraryError`` without the extra ``notebook``."""
        return self.page().widget()

    def values(self) -> dict[str, Any]:
        """Every quantity's value by the name that people use, in the order of calculation."""
        exact = self._arithmetic is not FLOAT
        return {entry.name: entry.value if exact else float(entry.value) for entry in present.entries(self.round)}

    def documents(
        self, names: Iterable[str], *, rounds: int = 1, detail: Detail | None = None, digits: int | None = None
    ) -> list[Document]:
        """A document for each name and each round; without names, the worked example of each round."""
        digits = self._digits if digits is None else digits
        step: Step = self
        found: list[Document] = []
        wanted = list(names)
        for place in range(rounds):
            if place:
                step = step.next()
            documents = [explained(step.round, name, detail, digits) for name in wanted]
            documents = documents or [walkthrough(step.round, detail, digits)]
            found += [_titled(each, step) if rounds > 1 else each for each in documents]
        return found

    def listing(self, kind: str, digits: int | None = None) -> str:
        """Every quantity as a table, CSV or JSON text."""
        return present.listing(self.round, kind, digits)

    def __repr__(self) -> str:
        return repr(self.explain())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.explain()._repr_mimebundle_()


class Explanation:
    """A derivation or a worked example, which shows itself in a terminal and in a notebook."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = list(documents)

    def to(self, kind: str) -> str | bytes:
        """As text, markdown, latex, html, notebook, typst or json; as pdf, bytes."""
        return present.render(self.documents, kind)

    def __repr__(self) -> str:
        return present.text(self.documents, width=80, ascii_only=False, color=False).rstrip("\n")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        markdown = present.render(self.documents, "markdown")
        assert isinstance(markdown, str)
        return {"text/plain": repr(self), "text/markdown": markdown}


def _titled(document: Document, step: Step) -> Document:
    title = (
        f"Round {step.rounds_done + 1}: {document.title}"
        if document.title != step.round.title
        else (f"Round {step.rounds_done + 1}")
    )
    return replace(document, title=title)


def explained(example: Round, name: str, detail: Detail | None, digits: int) -> Document:
    """The document of one quantity, by whatever name a person gives it."""
    found: Quantity = find(example.names, name)
    if isinstance(found, Ratio):
        other = ratio_round(example, found)
        below = Scalar(adjoint_name(found.by.family), found.by.index)
        return explain_quantity(other, below, detail, digits)
    return explain_quantity(example, found, detail, digits)


def ratio_round(example: Round, ratio: Ratio) -> Round:
    """The same round with the derivatives of one scalar by another in place of those of the loss."""
    definitions = forward_definitions(example.names)
    program = example.names.program
    kept = {each.target for each in definitions}
    defined = {each.target for each in program.definitions}
    families = {name: each for name, each in program.families.items() if name in kept or name not in defined}
    forward = Program(families, definitions)
    derived = differentiate(forward, ratio.of.family, [ratio.by.family], ratio.of.index)
    backward = replace(derived, definitions=derived.definitions[len(definitions) :])
    known = {name: array for name, array in example.ledger.items() if name in families}
    ledger = known | dict(run(backward, known, example.arithmetic))
    names = names_of(derived, ratio.of.family, ratio.of.index, deltas=False)
    return replace(example, names=names, ledger=ledger, afterwards=None, shorter=())


def ratio_value(example: Round, ratio: Ratio) -> Any:
    """The derivative of one scalar by another."""
    return ratio_round(example, ratio).ledger[adjoint_name(ratio.by.family)][ratio.by.index]
