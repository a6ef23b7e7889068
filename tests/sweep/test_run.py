"""Sweeps: each run is what training alone makes of it, and can be done again from its row."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule.engines.jax import JaxEngine
from chainrule.sweep import run as running
from chainrule.sweep.outcome import Outcome, alone
from chainrule.sweep.run import Sweep, Task, again, ready_for
from chainrule.sweep.space import Values, grid, parse_dimension
from chainrule.sweep.store import Results
from chainrule.training import session
from chainrule.training.engine import NumpyEngine
from chainrule.training.problems import DataError, SavedError, TrainingError
from chainrule.training.readers import Data
from sweep.cases import small_sweep, write_data

SOME = [parse_dimension(each) for each in ("units=3,5", "seed=0..2", "learning_rate=0.01,0.1")]


def done(sweep: Sweep, dimensions: list[object] = SOME) -> list[running.Run]:  # type: ignore[assignment]
    sweep.do(sweep.ahead(grid(dimensions)).tasks)  # type: ignore[arg-type]
    return sweep.results.runs()


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_run_is_what_training_makes_of_its_network_file(tmp_path: Path, engine: str) -> None:
    sweep = small_sweep(tmp_path, engine)
    runs = done(sweep)
    assert len(runs) == 12
    assert {run.status for run in runs} == {"done"}
    for run in runs[::5]:
        plan = run.plan
        trained = session.train(plan.spec, sweep.data, run.setup.choices, plan.options)
        last = trained.history[-1]
        assert last.loss == pytest.approx(run.loss, rel=1e-12)
        assert last.validation_loss == pytest.approx(run.validation_loss, rel=1e-12)
        assert last.score == run.score
        assert run.measure == "accuracy"


@pytest.mark.parametrize(
    "settings",
    [
        ["optimizer=adam,rmsprop", "seed=1,2"],
        ["dropout=0.25", "seed=0..2"],
        ["weight_decay=0.01,0.1", "clip_norm=0.1"],
        ["batch=all", "seed=0..2"],
        ["layers=3", "activation=relu", "weights=he_normal", "seed=0..2"],
        ["epochs=2", "batch=7", "seed=4,5"],
    ],
)
def test_together_is_the_same_as_alone(tmp_path: Path, settings: list[str]) -> None:
    sweep = small_sweep(tmp_path, "jax")
    for run in done(sweep, [parse_dimension(each) for each in settings]):
        assert run.engine.endswith("together")
        outcome = alone(run.plan, ready_for(run.plan, sweep.data, run.setup), NumpyEngine())
        assert outcome.loss == pytest.approx(run.loss, rel=1e-11)
        assert outcome.validation_loss == pytest.approx(run.validation_loss, rel=1e-11)
        assert outcome.score == run.score


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_run_is_done_again_from_its_row_to_the_last_bit(tmp_path: Path, engine: str) -> None:
    """Whatever stood beside it then: from the row alone, in a file opened anew."""
    done(small_sweep(tmp_path, engine))
    results = Results.open(tmp_path / "tried.sqlite")
    for number in (1, 8, 12):
        kept = results.run(number)
        trained, outcome = again(kept)
        assert (outcome.loss, outcome.validation_loss, outcome.score) == (kept.loss, kept.validation_loss, kept.score)
        assert trained.progress.epoch == kept.epochs
        trained_alone = session.train(kept.plan.spec, Data(kept.setup.data), kept.setup.choices, kept.plan.options)
        for name, array in trained_alone.parameters.items():
            assert np.allclose(trained.parameters[name], array, rtol=1e-9)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    first = sweep.ahead(grid(SOME)).tasks
    sweep.do(first[:5])
    ahead = small_sweep(tmp_path).ahead(grid(SOME))
    assert (len(ahead.tasks), ahead.done, ahead.same) == (7, 5, 0)
    assert {str(task.settings) for task in ahead.tasks} == {str(task.settings) for task in first[5:]}


def test_combinations_that_are_the_same_are_done_once(tmp_path: Path) -> None:
    ahead = small_sweep(tmp_path).ahead(grid([Values("optimizer", ("sgd", "adam")), Values("beta1", (0.8, 0.9))]))
    assert (len(ahead.tasks), ahead.same) == (3, 1)


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)

    def stop(task: Task, outcome: Outcome) -> None:
        if len(sweep.results.runs()) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.do(sweep.ahead(grid(SOME)).tasks, stop)
    assert len(sweep.results.runs()) == 4


def test_a_run_that_diverges_is_kept_as_that(tmp_path: Path) -> None:
    for engine in ("numpy", "jax"):
        (tmp_path / engine).mkdir()
        sweep = small_sweep(tmp_path / engine, engine)
        runs = done(sweep, [parse_dimension(each) for each in ("optimizer=sgd", "weight_decay=0.1,1e60,1e90")])
        assert [run.status for run in runs] == ["done", "diverged", "diverged"]
        assert runs[1].score is None
        assert runs[1].problem
        with pytest.raises(SavedError, match="can't be kept"):
            again(runs[1])


def test_data_that_changed_are_refused(tmp_path: Path) -> None:
    done(small_sweep(tmp_path), [Values("seed", (0,))])
    kept = Results.open(tmp_path / "tried.sqlite").run(1)
    write_data(tmp_path, seed=1)
    with pytest.raises(SavedError, match="not the data of run 1"):
        again(kept)
    other = small_sweep(tmp_path)
    with pytest.raises(SavedError, match="has runs on other data"):
        other.ahead(grid(SOME))


def test_data_that_do_not_fit_are_refused_at_once(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path)
    wrong = replace(sweep, setup=replace(sweep.setup, choices=replace(sweep.setup.choices, target=("price",))))
    with pytest.raises(DataError, match="price"):
        done(wrong, [Values("seed", (0,))])
    assert not sweep.results.runs()


def test_results_can_be_asked_in_sql(tmp_path: Path) -> None:
    done(small_sweep(tmp_path))
    with sqlite3.connect(tmp_path / "tried.sqlite") as connection:
        best = connection.execute("SELECT units, max(score) FROM results GROUP BY units").fetchall()
    assert [units for units, _ in best] == [3, 5]


def test_files_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(SavedError, match="there is no such file"):
        Results.open(tmp_path / "nothing.sqlite")
    (tmp_path / "text.sqlite").write_text("hello, this is not a database at all")
    with pytest.raises(SavedError, match="no file of a sweep's results"):
        Results.create(tmp_path / "text.sqlite")
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(SavedError, match="no file of a sweep's results"):
        Results.create(tmp_path / "other.sqlite")
    done(small_sweep(tmp_path), [Values("seed", (0,))])
    with pytest.raises(SavedError, match="there is no run 2; there are 1 to 1"):
        Results.open(tmp_path / "tried.sqlite").run(2)


def test_streamed_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="leave out --stream"):
        running.setup_of(Data(str(write_data(tmp_path)), stream=True), None)


def test_what_cant_be_together_is_done_alone(tmp_path: Path) -> None:
    """Early stopping is decided between epochs."""
    sweep = small_sweep(tmp_path, "jax", patience=1)
    runs = done(sweep, [parse_dimension("seed=0..2")])
    assert {run.engine for run in runs} == {JaxEngine().name}
