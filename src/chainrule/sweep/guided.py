"""Runs that are chosen one after another, each where the ones before let hope for most: with optuna."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.sweep.outcome import Outcome
from chainrule.sweep.run import Sweep, Task
from chainrule.sweep.space import Dimension, Range, Settings
from chainrule.sweep.store import Run


def search(
    sweep: Sweep, dimensions: Sequence[Dimension], seed: int, runs: int, on_done: Callable[[Task, Outcome], None]
) -> None:
    """Runs until the file of results has so many, for the highest score.

    The runs that are there already count as tried, whoever chose them. Raises ``MissingLibraryError`` without optuna.
    """
    optuna = _library()
    before = sweep.results.runs()
    distributions = {each.name: _distribution(optuna, each) for each in dimensions}
    # Another seed after each stop: the same one would propose the same runs again.
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed + len(before)))
    study.add_trials([each for run in before if (each := _tried(optuna, run, distributions)) is not None])
    for _ in range(len(before), runs):
        trial = study.ask(distributions)
        settings: Settings = dict(trial.params)
        tasks = sweep.ahead([settings]).tasks
        scores: list[float | None] = []

        def done(task: Task, outcome: Outcome, scores: list[float | None] = scores) -> None:
            scores.append(outcome.score)
            on_done(task, outcome)

        sweep.do(tasks, done)
        score = scores[0] if scores else None
        states = optuna.trial.TrialState
        # What diverged is worse than any score; what was tried before tells nothing new.
        state = states.FAIL if not scores else states.PRUNED if score is None else states.COMPLETE
        study.tell(trial, score, state)


def _library() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingLibraryError('--method optuna needs: pip install "chainrule[search]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    """What optuna knows of a setting: whole numbers with even steps have an order, other lists have none."""
    if isinstance(dimension, Range):
        return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    values = dimension.values
    if len(values) > 1 and all(type(each) is int for each in values):
        low, step = values[0], values[1] - values[0]  # type: ignore[operator]
        if step > 0 and values == tuple(range(low, values[-1] + 1, step)):  # type: ignore[arg-type, operator]
            return optuna.distributions.IntDistribution(low, values[-1], step=step)
    return optuna.distributions.CategoricalDistribution(values)


def _tried(optuna: Any, run: Run, distributions: dict[str, Any]) -> Any:
    """A run that was done before as optuna knows it; None where its settings are not among those that are searched."""
    state = optuna.trial.TrialState.PRUNED if run.score is None else optuna.trial.TrialState.COMPLETE
    try:
        return optuna.trial.create_trial(params=run.settings, distributions=distributions, value=run.score, state=state)
    except ValueError:
        return None
