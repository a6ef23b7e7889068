"""Many networks tried on the same data, and what came of them: the results as people ask for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from chainrule.engines.choose import check_engine
from chainrule.model.fitting import Fitting
from chainrule.model.train import TrainedNetwork, samples
from chainrule.spec.spec import NetworkPart, Spec
from chainrule.sweep import guided
from chainrule.sweep.outcome import Outcome
from chainrule.sweep.run import Ahead, Sweep, Task, again, own_data, setup_of
from chainrule.sweep.space import Dimension, Values, check_names, drawn, grid, parse_dimension
from chainrule.sweep.store import Results, Run
from chainrule.sweep.vary import NAMES, Plan
from chainrule.training import session
from chainrule.training.data import Choices
from chainrule.training.problems import SavedError, TrainingError
from chainrule.training.progress import Options, check_options
from chainrule.training.readers import Data

METHODS = ("grid", "random", "optuna")
TRIALS = 50  # runs of a search that has no end by itself
MEASURES = {
    "score": "score",
    "validation": "validation_loss",
    "error": "loss",
    "epochs": "epochs",
    "seconds": "seconds",
}


@dataclass(frozen=True, slots=True)
class Search:
    """Which runs are wanted: all combinations, some drawn at random, or each chosen after those before it."""

    dimensions: tuple[Dimension, ...]
    method: str = "grid"
    trials: int | None = None
    seed: int = 0

    def check(self) -> None:
        """Raises ``TrainingError`` for what makes no sense."""
        if self.method not in METHODS:
            raise TrainingError(f"there is no method {self.method!r}; there are: {', '.join(METHODS)}")
        if not self.dimensions:
            raise TrainingError("say what is varied, such as --vary units=8,16,32; there are: " + ", ".join(NAMES))
        check_names(self.dimensions, NAMES)
        if self.method == "grid" and self.trials is not None:
            raise TrainingError("a grid is all combinations; leave out the number of trials, or choose random")

    def ahead(self, sweep: Sweep) -> Ahead:
        """The runs to do; those of optuna are not known before."""
        if self.method == "optuna":
            known = len(sweep.results.runs())
            sweep.ahead([drawn(self.dimensions, self.seed, 0)])  # which refuses what makes no sense
            return Ahead((), known, 0)
        if self.method == "grid":
            return sweep.ahead(grid(self.dimensions))
        return sweep.ahead(drawn(self.dimensions, self.seed, number) for number in range(self.trials or TRIALS))

    def do(self, sweep: Sweep, ahead: Ahead, on_done: Callable[[Task, Outcome], None]) -> None:
        """Do them. Raises ``KeyboardInterrupt`` where it is stopped; what is done is kept."""
        if self.method == "optuna":
            guided.search(sweep, self.dimensions, self.seed, self.trials or TRIALS, on_done)
        else:
            sweep.do(ahead.tasks, on_done)

    def left(self, ahead: Ahead) -> int:
        """How many runs are to be done."""
        if self.method == "optuna":
            return max(0, (self.trials or TRIALS) - ahead.done)
        return len(ahead.tasks)


def dimensions_of(vary: Iterable[str] | Mapping[str, Any]) -> tuple[Dimension, ...]:
    """What is varied: as typed, or settings with a list of values or a range as typed.

    >>> dimensions_of({"units": [8, 16], "learning_rate": "0.01..1 log in 3"})[1].listed
    (0.01, 0.1, 1.0)
    """
    if not isinstance(vary, Mapping):
        return tuple(parse_dimension(each) for each in vary)
    found: list[Dimension] = []
    for name, values in vary.items():
        if isinstance(values, str | int | float):
            found.append(parse_dimension(f"{name}={values}"))
        else:
            # Numbers of NumPy are as good as any.
            listed = tuple(each.item() if hasattr(each, "item") else each for each in values)
            if not listed:
                raise TrainingError(f"{name}: there is no value to try")
            found.append(Values(name, listed))
    return tuple(found)


class SweepResults:
    """What came of a sweep: a row for each run, the best first, and any of them done again.

    ``runs`` are all of them in the order in which they were done. ``score`` is the accuracy or R² on the validation
    samples (without any, on those of training).
    """

    def __init__(self, results: Results, data: Data | None = None) -> None:
        self._results, self._data = results, data

    @property
    def runs(self) -> list[Run]:
        """Every run as it is kept."""
        return self._results.runs()

    @property
    def score_name(self) -> str:
        """What the score is: accuracy or R2."""
        return next((run.measure for run in self.runs if run.measure), "score")

    def sorted(self, by: str = "score") -> list[Run]:
        """The runs, the best first, by score, validation, error, epochs, seconds, or a setting that was varied.

        Runs that don't have it come last. Raises ``TrainingError`` for anything else.
        """
        runs = self.runs
        names = settings_of(runs)
        if by in names:
            have = [run for run in runs if by in run.settings]
            ordered = sorted(have, key=lambda run: (isinstance(run.settings[by], str), run.settings[by]))
        elif by in MEASURES:
            sign = -1 if by == "score" else 1
            have = [run for run in runs if getattr(run, MEASURES[by]) is not None]
            ordered = sorted(have, key=lambda run: (sign * getattr(run, MEASURES[by]), *_ties(run)))
        else:
            raise TrainingError(f"runs are sorted by {', '.join([*MEASURES, *names])}, not by {by!r}")
        kept = {run.id for run in have}
        return ordered + [run for run in runs if run.id not in kept]

    def best(self, by: str = "score") -> Run:
        """The best run. Raises ``SavedError`` where there is none."""
        for run in self.sorted(by):
            return run
        raise SavedError(f"{self._results.path}: nothing has been done yet")

    def again(self, run: int, data: Any = None) -> TrainedNetwork:
        """A run done once more from its row alone: the trained network, equal to the last bit on the same machine.

        ``data`` are looked for where they were unless given. Raises ``SavedError`` for other data than the run's.
        """
        return self.compared(run, data)[0]

    def compared(self, run: int, data: Any = None) -> tuple[TrainedNetwork, str]:
        """A run done once more, and its measures beside those that are kept, as text. Raises as `again` does."""
        given = data if isinstance(data, Data) else self._data if data is None else Data(data)
        kept = self._results.run(run)
        trained, outcome = again(kept, given)
        header, lines = ["measure", "kept", "again", "difference"], []
        for name, field in ((self.score_name, "score"), ("validation", "validation_loss"), ("error", "loss")):
            old, new = getattr(kept, field), getattr(outcome, field)
            if old is not None and new is not None:
                lines.append([name, f"{old:.9g}", f"{new:.9g}", f"{new - old:.1e}" if new != old else "none"])
        return TrainedNetwork(trained, given), _text(header, lines, 1000)

    def table(self, kind: str = "text", top: int | None = None, by: str = "score", width: int = 80) -> str:
        """The runs as text, csv, json or markdown; the best first, all of them unless ``top`` says how many."""
        runs = self.sorted(by)[:top]
        if kind == "json":
            return json.dumps({"schema": 1, "runs": [asdict(run) for run in runs]}, indent=1) + "\n"
        header, rows = _columns(runs, self.score_name, exact=kind == "csv")
        if kind == "csv":
            text = StringIO()
            csv.writer(text, lineterminator="\n").writerows([header, *rows])
            return text.getvalue()
        if kind == "markdown":
            lines = [header, ["---:"] * len(header), *rows]
            return "".join(f"| {' | '.join(each)} |\n" for each in lines)
        return _text(header, rows, width)

    def __repr__(self) -> str:
        return self.table(top=10).rstrip("\n")


def settings_of(runs: Sequence[Run]) -> list[str]:
    """The names of all settings that are varied in some runs."""
    return list(dict.fromkeys(name for run in runs for name in run.settings))


def _ties(run: Run) -> tuple[float, ...]:
    """Of equal runs the one with the smaller error, then the earlier one."""
    worst = float("inf")
    validation, loss = (worst if each is None else each for each in (run.validation_loss, run.loss))
    return validation, loss, run.id


def _columns(runs: Sequence[Run], score: str, *, exact: bool) -> tuple[list[str], list[list[str]]]:
    names = settings_of(runs)
    validated = exact or any(run.validation_loss is not None for run in runs)
    failed = exact or any(run.status != "done" for run in runs)
    # How long a run took is another number each time, and matters to few.
    header = (
        ["run", *names, score, *(["validation"] * validated), "error", "epochs"]
        + ["seconds"] * exact
        + ["status"] * failed
    )

    def number(value: float | None, digits: str) -> str:
        return "" if value is None else repr(value) if exact else f"{value:{digits}}"

    rows = [
        [
            str(run.id), *(_setting(run.settings.get(name, ""), exact) for name in names), number(run.score, ".4f"),
            *([number(run.validation_loss, ".4g")] * validated), number(run.loss, ".4g"), str(run.epochs),
            *([number(run.seconds, "")] * exact), *([run.status] * failed),
        ]
        for run in runs
    ]  # fmt: skip
    return header, rows


def _setting(value: Any, exact: bool) -> str:
    return f"{value:.5g}" if isinstance(value, float) and not exact else str(value)


def _text(header: list[str], rows: list[list[str]], width: int) -> str:
    """Columns with two blanks between them, words at the left; without the last ones where they don't fit."""
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    wide = {name: max(map(len, (name, *column))) for name, column in columns.items()}
    for name in ("epochs", "error"):
        if name in wide and sum(wide.values()) + 2 * (len(wide) - 1) > width:
            del wide[name]
    words = {name for name, column in columns.items() if not all(_is_number(each) for each in column if each)}

    def line(cells: Mapping[str, str]) -> str:
        placed = (f"{cells[name]:{'<' if name in words else '>'}{size}}" for name, size in wide.items())
        return "  ".join(placed).rstrip() + "\n"

    listed = [dict(zip(header, row, strict=True)) for row in rows]
    return "".join(line(each) for each in [{name: name for name in header}, *listed])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def sweep_of(
    spec: Spec, data: Data, choices: Choices, options: Options, dropout: Mapping[str, Decimal], file: str | Path,
    engine: str = "auto",
) -> Sweep:  # fmt: skip
    """A sweep around a network, trained as the options say, with the file of its results.

    The validation samples are the same in all runs. Raises ``TrainingError`` and ``SavedError`` for what doesn't fit.
    """
    check_options(options)
    check_engine(engine)
    setup = setup_of(data, choices)
    base = Plan(spec, replace(options, split_seed=options.seed), dropout)
    return Sweep(base, data, setup, Results.create(file), engine)


def sweep_network(
    spec: Spec,
    X: Any,
    y: Any,
    target: str | Sequence[str],
    validation: float,
    fitting: Fitting,
    vary: Mapping[str, Any],
    method: str,
    trials: int | None,
    file: str | Path,
    on_done: Callable[[Task, Outcome], None] | None,
) -> SweepResults:
    """What ``Network.sweep`` does."""
    options = replace(fitting.options, validation=float(validation))
    search = Search(dimensions_of(vary), method, trials, options.seed)
    search.check()
    if fitting.precision != "double":
        raise TrainingError("a sweep calculates in double precision; leave out precision")
    assert isinstance(spec.network, NetworkPart)
    data, names = samples(spec.network, X, y, target)
    sweep = sweep_of(spec, data, Choices(names, **fitting.columns), options, fitting.dropout, file, fitting.engine)
    search.do(sweep, search.ahead(sweep), on_done or (lambda *_: None))
    return SweepResults(sweep.results, data)


def on_own_numbers(spec: Spec) -> tuple[Data, Choices]:
    """The numbers in a network file as data to train on. Raises ``TrainingError`` where there are none."""
    data = own_data(Plan(spec, Options()))
    targets = tuple(name for name in session.table_of(data).columns if name.startswith("target"))
    return data, Choices(targets, standardise=False)


def load_results(file: str | Path) -> SweepResults:
    """The results of a sweep from their file. Raises ``SavedError`` for what is no such file."""
    return SweepResults(Results.open(file))
