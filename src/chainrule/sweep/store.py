"""The results of a sweep in one SQLite file: a row for each run, from which alone it can be done again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from chainrule.spec.reader import parse_spec
from chainrule.spec.write import write_spec
from chainrule.sweep.outcome import Outcome
from chainrule.sweep.space import Settings
from chainrule.sweep.vary import Plan
from chainrule.training.data import Choices
from chainrule.training.problems import SavedError
from chainrule.training.progress import Options
from chainrule.training.saved import versions
from chainrule.training.schedules import Chosen

SCHEMA = 1
APPLICATION = 0x63527331  # marks the file as one of these
TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    settings TEXT NOT NULL,   -- JSON: what was varied
    network TEXT NOT NULL,    -- the network file
    training TEXT NOT NULL,   -- JSON: how it was trained, on which data
    made_with TEXT NOT NULL,  -- JSON: engine and versions
    status TEXT NOT NULL,     -- done, diverged, refused
    epochs INTEGER NOT NULL,
    loss REAL,                -- of the last epoch, for each sample
    validation_loss REAL,     -- of the trained network, on the validation samples
    score REAL,               -- accuracy or R2 on them; without any on those of training
    measure TEXT NOT NULL,    -- what the score is
    seconds REAL NOT NULL,
    problem TEXT NOT NULL,    -- why it did not end well
    UNIQUE (network, training)
) STRICT
"""
COLUMNS = (
    "settings, network, training, made_with, status, epochs, loss, validation_loss, score, measure, seconds, problem"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What all runs of a sweep have in common: the data, and how they are prepared.

    ``data`` is where they were, nothing where they stand in the network file; ``sha256`` is a hash of them.
    """

    choices: Choices
    data: str = ""
    sheet: str = ""
    missing: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was done: its row of the file."""

    id: int
    settings: Settings
    network: str
    training: Mapping[str, Any]
    made_with: Mapping[str, Any]
    status: str
    epochs: int
    loss: float | None
    validation_loss: float | None
    score: float | None
    measure: str
    seconds: float
    problem: str

    @property
    def plan(self) -> Plan:
        """What the run was made from, read back from its row."""
        kept = dict(self.training["options"])
        schedule = kept.pop("schedule")
        settings = {name: Decimal(each) for name, each in schedule["settings"].items()}
        options = Options(**kept, schedule=Chosen(schedule["name"], settings))
        dropout = {name: Decimal(each) for name, each in self.training["dropout"].items()}
        return Plan(parse_spec(self.network, f"the network of run {self.id}"), options, dropout)

    @property
    def setup(self) -> Setup:
        """The data that it was trained on, read back from its row."""
        kept = dict(self.training["setup"])
        choices = kept.pop("choices")
        listed: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in choices.items()
        }
        return Setup(Choices(**listed), **{**kept, "missing": tuple(kept["missing"])})

    @property
    def engine(self) -> str:
        """What calculated: numpy, jax on cpu, jax on cpu together."""
        return str(self.made_with["engine"])


def network_of(plan: Plan) -> str:
    """The network file of a run."""
    return write_spec(plan.spec)


def training_of(plan: Plan, setup: Setup) -> str:
    """How a run is trained, as JSON."""
    data = {"schema": SCHEMA, "options": asdict(plan.options), "dropout": dict(plan.dropout)}
    return json.dumps(data | {"setup": asdict(setup)}, default=_jsonable, allow_nan=False, sort_keys=True)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(value)


@contextmanager
def _connected(path: Path, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    """The file, open. Raises ``SavedError`` for what is none of these files, and for what can't be read or written."""
    if not new and not path.is_file():
        raise SavedError(f"{path}: there is no such file of results")
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            if new:
                with connection:
                    connection.execute(TABLES)
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
                raise SavedError(f"{path}: this is no file of a sweep's results")
            if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                raise SavedError(f"{path}: it was written by another version of chainrule")
            yield connection
    except sqlite3.DatabaseError as problem:
        kind = "this is no file of a sweep's results" if "not a database" in str(problem) else str(problem)
        raise SavedError(f"{path}: {kind}") from None


class Results:
    """A file of results. Every run is written whole or not at all, whenever the process stops."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def open(cls, path: str | Path) -> Results:
        """A file that is there. Raises ``SavedError`` for one that isn't, and for a file of something else."""
        with _connected(Path(path)):
            return cls(path)

    @classmethod
    def create(cls, path: str | Path) -> Results:
        """A new file, or the one that is there. Raises ``SavedError`` for a file of something else."""
        results = cls(path)
        results.path.parent.mkdir(parents=True, exist_ok=True)
        with _connected(results.path, new=not results.path.exists()):
            return results

    def add(self, done: Sequence[tuple[Settings, Plan, Setup, str, Outcome]]) -> None:
        """Runs that are done: settings, plan, data, engine and outcome of each. One that is there already stays."""
        rows = [
            (
                json.dumps(settings), network_of(plan), training_of(plan, setup),
                json.dumps({"engine": engine, "versions": versions()}), outcome.status, outcome.epochs, outcome.loss,
                outcome.validation_loss, outcome.score, outcome.measure, outcome.seconds, outcome.problem,
            )
            for settings, plan, setup, engine, outcome in done
        ]  # fmt: skip
        with _connected(self.path) as connection, connection:
            marks = ", ".join("?" * 12)
            connection.executemany(f"INSERT OR IGNORE INTO runs ({COLUMNS}) VALUES ({marks})", rows)
            names = dict.fromkeys(name for settings, *_ in done for name in settings)
            _renew_view(connection, list(names))

    def runs(self) -> list[Run]:
        """All runs, in the order in which they were done."""
        with _connected(self.path) as connection:
            rows = connection.execute(f"SELECT id, {COLUMNS} FROM runs ORDER BY id").fetchall()
        return [_run(row) for row in rows]

    def run(self, number: int) -> Run:
        """One run by its number. Raises ``SavedError`` for one that isn't there."""
        with _connected(self.path) as connection:
            row = connection.execute(f"SELECT id, {COLUMNS} FROM runs WHERE id = ?", (number,)).fetchone()
            if row is None:
                most = connection.execute("SELECT max(id) FROM runs").fetchone()[0]
                there = f"there are 1 to {most}" if most else "nothing has been done yet"
                raise SavedError(f"{self.path}: there is no run {number}; {there}")
        return _run(row)


def _run(row: tuple[Any, ...]) -> Run:
    number, settings, network, training, made_with, *rest = row
    return Run(number, json.loads(settings), network, json.loads(training), json.loads(made_with), *rest)


def _renew_view(connection: sqlite3.Connection, names: list[str]) -> None:
    """``results``: a column for each setting that is varied, for those who ask in SQL."""
    there = [row[1] for row in connection.execute("PRAGMA table_info(results)")]
    if there and set(names) <= set(there):
        return
    known = [name for name in there if name not in ("id", "status", "epochs_done", *MEASURES)]
    columns = [f"json_extract(settings, '$.{name}') AS \"{name}\"" for name in dict.fromkeys([*known, *names])]
    connection.execute("DROP VIEW IF EXISTS results")
    listed = ", ".join(["id", *columns, "status", "epochs AS epochs_done", *MEASURES])
    connection.execute(f"CREATE VIEW results AS SELECT {listed} FROM runs")


MEASURES = ("loss", "validation_loss", "score", "measure", "seconds")
