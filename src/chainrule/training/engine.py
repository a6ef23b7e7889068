"""What the training loop needs of an engine, and NumPy as one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.catalogue.training import carried
from chainrule.engines.lower import lower
from chainrule.engines.numpy import compile_program, executor
from chainrule.engines.plan import Given
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Program
from chainrule.training.programs import LOSS

Array = NDArray[Any]
Watch = Callable[[int], bool]
MOST_KEPT = 16  # compiled programs


class Engine(Protocol):
    """Runs the rounds of training. Arrays may be the engine's own kind, as long as ``numpy.asarray`` reads them."""

    @property
    def name(self) -> str:
        """What is said of it: ``numpy``, ``jax on cpu``."""

    def place(self, arrays: Ledger) -> Ledger:
        """The arrays where the engine wants them and of its number type, done once for what many calls use."""

    def run_epoch(
        self, program: Program, state: Ledger, fixed: Ledger, data: Ledger, order: Array, fed: Ledger, watch: Watch
    ) -> tuple[dict[str, Any], Array]:
        """Rounds of one program, one for each row of ``order``.

        Round ``r`` is given the rows ``order[r]`` of every array in ``data``, ``fed[name][r]`` for every name in
        ``fed`` (such as the rate, the round's number, masks), what is in ``fixed``, and ``state``: the parameters and
        optimizer states, which each round replaces as ``catalogue.training.carried`` says. Returns the state after the
        last round and ``E_total`` of each, as many as were run. ``watch(done)`` is called as often as the engine can,
        at best after every round, with how many are done; when it returns True the engine stops there. NaN is no
        error: the caller sees it in the losses. ``state`` is numpy's arrays or what the last call returned, and
        isn't used again by the caller.
        """

    def calculate(self, program: Program, given: Ledger, wanted: Collection[str] | None) -> dict[str, Array]:
        """The wanted families (None: all that are defined) of one program, as numpy's arrays."""


class NumpyEngine:
    """The engine that is always there.

    >>> NumpyEngine().name
    'numpy'
    """

    def __init__(self, dtype: DTypeLike = np.float64) -> None:
        self.dtype = np.dtype(dtype)
        self._rounds: dict[int, tuple[Program, list[str], Callable[..., Sequence[Array]], list[str]]] = {}
        self._wanted: dict[tuple[int, tuple[str, ...] | None], tuple[Program, Callable[[Ledger], Any]]] = {}

    @property
    def name(self) -> str:
        return "numpy" if self.dtype == np.float64 else f"numpy, {self.dtype}"

    def place(self, arrays: Ledger) -> Ledger:
        return {name: np.ascontiguousarray(array, dtype=self.dtype) for name, array in arrays.items()}

    def run_epoch(
        self, program: Program, state: Ledger, fixed: Ledger, data: Ledger, order: Array, fed: Ledger, watch: Watch
    ) -> tuple[dict[str, Any], Array]:
        names, calculate, replaced = self._compiled(program)
        known: dict[str, Array] = {
            name: np.asarray(array, self.dtype) for part in (fixed, state) for name, array in part.items()
        }
        data = {name: array for name, array in self.place(data).items() if name in names}
        fed = {name: np.asarray(array, self.dtype) for name, array in fed.items() if name in names}
        losses: list[float] = []
        with np.errstate(all="ignore"):
            for number, rows in enumerate(order):
                for name, array in data.items():
                    known[name] = array.take(rows, axis=0)
                for name, array in fed.items():
                    known[name] = array[number]
                loss, *after = calculate(*[known[name] for name in names])
                known.update(zip(replaced, after, strict=True))
                losses.append(float(loss))
                if watch(number + 1):
                    break
        return {name: known[name] for name in state}, np.array(losses)

    def calculate(self, program: Program, given: Ledger, wanted: Collection[str] | None) -> dict[str, Array]:
        key = (id(program), None if wanted is None else tuple(wanted))
        if key not in self._wanted:
            _make_room(self._wanted)
            self._wanted[key] = (program, compile_program(program, wanted, self.dtype))
        found: Mapping[str, Array] = self._wanted[key][1](given)
        return dict(found)

    def _compiled(self, program: Program) -> tuple[list[str], Callable[..., Sequence[Array]], list[str]]:
        """The given names in order, the function, and the names that its results replace after the loss."""
        if id(program) not in self._rounds:
            _make_room(self._rounds)
            carry = carried(program)
            plan = lower(program, (LOSS, *carry))
            names = [each.name for each in plan.instructions if isinstance(each, Given)]
            self._rounds[id(program)] = (program, names, executor(plan, self.dtype), list(carry.values()))
        return self._rounds[id(program)][1:]


def _make_room(kept: dict[Any, Any]) -> None:
    """Forget the oldest of many."""
    while len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
