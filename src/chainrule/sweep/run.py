"""A sweep: the runs that are still to be done, those of one shape together; and one of them done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.catalogue.build import parameter_shapes
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import carried
from chainrule.engines.choose import choose_engine
from chainrule.engines.jax import JaxEngine, library
from chainrule.numbers.memory import check_size
from chainrule.spec.write import write_spec
from chainrule.sweep.outcome import Outcome, alone, trainable
from chainrule.sweep.space import Settings
from chainrule.sweep.store import Results, Run, Setup, network_of, training_of
from chainrule.sweep.together import AT_ONCE, can_be_together, shape_of, together
from chainrule.sweep.vary import Plan, varied
from chainrule.training.batches import rounds_of
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import interrupts
from chainrule.training.problems import SavedError, TrainingError
from chainrule.training.programs import LOSS, of_part, start_parameters, training_round
from chainrule.training.readers import Data, of_arrays
from chainrule.training.saved import MadeFrom, Trained, arrays_sha256, versions
from chainrule.training.session import Ready, data_sha256, prepare

FEW = 2  # so many runs of one shape gain from being trained together
TOGETHER = " together"  # ends the name of an engine that trained many at once


@dataclass(frozen=True, slots=True)
class Task:
    """A run that is to be done."""

    settings: Settings
    plan: Plan


@dataclass(frozen=True, slots=True)
class Ahead:
    """The runs of a sweep: those to do, how many are done already, and how many are the same as another one."""

    tasks: tuple[Task, ...]
    done: int
    same: int


@dataclass(frozen=True)
class Sweep:
    """Many runs of one network on the same data, and the file of their results."""

    base: Plan
    data: Data
    setup: Setup
    results: Results
    engine: str = "auto"

    def ahead(self, wanted: Iterable[Settings]) -> Ahead:
        """What is to be done of the runs that are wanted.

        Raises ``TrainingError`` for settings that make no sense, and ``SavedError`` for a file of runs on other data.
        """
        runs = self.results.runs()
        if any(run.setup.sha256 != self.setup.sha256 for run in runs):
            raise SavedError(f"{self.results.path} has runs on other data; name another file for these")
        known = {_identity(run.network, run.training) for run in runs}
        tasks: dict[object, Task] = {}
        done = same = 0
        for settings in wanted:
            plan = self._plan(settings)
            one = self._identity(plan)
            if one in known:
                done += 1
            elif one in tasks:
                same += 1
            else:
                tasks[one] = Task(settings, plan)
        return Ahead(tuple(tasks.values()), done, same)

    def _plan(self, settings: Settings) -> Plan:
        try:
            plan = varied(self.base, settings)
            check_size(parameter_shapes(plan.part.inputs, [each.layer for each in plan.part.layers]))
            training_round(of_part(plan.part, plan.spec.update, plan.dropout), 1)
        except CatalogueError as problem:
            said = ", ".join(f"{name}={value}" for name, value in settings.items())
            raise TrainingError(f"{said}: {problem}") from None
        return plan

    def _identity(self, plan: Plan) -> object:
        return _identity(network_of(plan), json.loads(training_of(plan, self.setup)))

    def do(self, tasks: Sequence[Task], on_done: Callable[[Task, Outcome], None] = lambda *_: None) -> None:
        """Do the runs, and keep each result.

        Raises ``KeyboardInterrupt`` where it is stopped; what is done is kept. Raises ``DataError`` for data that don't
        fit the network.
        """
        groups: dict[object, list[Task]] = {}
        for task in tasks:
            groups.setdefault(shape_of(task.plan), []).append(task)
        for group in groups.values():
            for some, engine, outcomes in self._group(group):
                kept = [
                    (task.settings, task.plan, self.setup, engine, outcome)
                    for task, outcome in zip(some, outcomes, strict=True)
                ]
                self.results.add(kept)
                for task, outcome in zip(some, outcomes, strict=True):
                    on_done(task, outcome)

    def _group(self, group: list[Task]) -> Iterator[tuple[Sequence[Task], str, list[Outcome]]]:
        """Runs of one shape, a few at a time, with the name of the engine."""
        first = group[0].plan
        ready = self._ready(first)
        engine = self._engine(first, ready, len(group))
        if len(group) >= FEW and isinstance(engine, JaxEngine) and can_be_together(first, ready):
            for at in range(0, len(group), AT_ONCE):
                some = group[at : at + AT_ONCE]
                with interrupts() as interrupted:
                    outcomes = together([task.plan for task in some], ready, interrupted)
                yield some, engine.name + TOGETHER, outcomes
                if interrupted():  # when the training was over; what came of it is kept by now
                    raise KeyboardInterrupt
            return
        for task in group:
            yield [task], engine.name, [alone(task.plan, ready, engine)]

    def _ready(self, plan: Plan) -> Ready:
        """The data as a plan takes them, prepared once for all plans that take them alike."""
        last, options = plan.part.layers[-1].layer, plan.options
        key = (last, plan.part.conventions.loss, options.validation, options.split_seed)
        if key not in self._prepared:
            self._prepared[key] = ready_for(plan, self.data, self.setup)
        return self._prepared[key]

    @cached_property
    def _prepared(self) -> dict[object, Ready]:
        return {}

    def _engine(self, plan: Plan, ready: Ready, runs: int) -> Engine:
        """What calculates so many runs of a shape."""
        name = self.engine
        if name == "auto":
            rows, batch = len(_samples(ready)["x"]), plan.options.batch
            program = training_round(trainable(plan, ready), min(batch or rows, rows))
            rounds = rounds_of(rows, batch) * plan.options.epochs * runs
            name = choose_engine(program, rounds, (LOSS, *carried(program)), on_data=True).engine
        if name == "jax":
            library()
            return JaxEngine()
        return NumpyEngine()


def _samples(ready: Ready) -> dict[str, Any]:
    return dict(ready.train)  # type: ignore[arg-type]  # a sweep's data are never streamed


def _identity(network: str, training: Any) -> str:
    """What makes a run the one that it is: everything but the engine and the place of the data."""
    setup = {name: value for name, value in training["setup"].items() if name != "data"}
    return network + json.dumps({**training, "setup": setup}, sort_keys=True)


def ready_for(plan: Plan, data: Data, setup: Setup) -> Ready:
    """The data as a plan takes them. Raises ``DataError`` and ``TrainingError`` for what doesn't fit."""
    return prepare(of_part(plan.part, plan.spec.update, plan.dropout), data, setup.choices, plan.options)


def own_data(plan: Plan) -> Data:
    """The numbers in the network file, as data to train on."""
    part = plan.part
    if not part.data_inputs:
        raise TrainingError(f"{plan.spec.source}: there are no numbers in the file; name a table of data")
    return Data(of_arrays(np.array(part.data_inputs, float), np.array(part.data_targets, float)))


def again(run: Run, data: Data | None = None) -> tuple[Trained, Outcome]:
    """A run done once more from its row alone, in the same way: the trained network, and what came of it.

    On the same machine and versions it is the same to the last bit. ``data`` are looked for where they were unless
    given. Raises ``SavedError`` for other data than those of the run.
    """
    plan, setup = run.plan, run.setup
    if data is None:
        data = Data(setup.data, setup.sheet, setup.missing) if setup.data else own_data(plan)
    if data_sha256(data) != setup.sha256:
        raise SavedError(f"{data.name or 'the data'}: these are not the data of run {run.id}; give those with --data")
    ready = ready_for(plan, data, setup)
    if run.engine.endswith(TOGETHER):
        outcome = together([plan], ready, keep=True)[0]
        engine = run.engine.removesuffix(TOGETHER)
    else:
        calculating: Engine = JaxEngine() if run.engine.startswith("jax") else NumpyEngine()
        outcome, engine = alone(plan, ready, calculating), calculating.name
    if outcome.progress is None:
        raise SavedError(f"run {run.id} can't be kept: {outcome.problem}")
    made_from = MadeFrom(
        plan.options, plan.dropout, engine, replace(data, source=data.name), setup.sha256, ready.rows,
        network_sha256=sha256(write_spec(plan.spec).encode()).hexdigest(),
        start_sha256=arrays_sha256(start_parameters(plan.part)), versions=versions(),
    )  # fmt: skip
    net = trainable(plan, ready)
    return Trained(plan.spec, net, ready.preparation, made_from, outcome.progress), outcome


def setup_of(data: Data, choices: Any) -> Setup:
    """What all runs on some data have in common."""
    if data.stream:
        raise TrainingError("a sweep takes its data into memory; leave out --stream")
    place = str(Path(data.name).resolve()) if data.name else ""
    return Setup(choices, place, data.sheet, tuple(data.missing), data_sha256(data))
