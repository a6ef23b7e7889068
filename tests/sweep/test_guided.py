"""Searches in which each run is chosen after those before it."""

from pathlib import Path

import pytest

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.sweep import guided
from chainrule.sweep.outcome import Outcome
from chainrule.sweep.run import Task
from chainrule.sweep.space import parse_dimension
from sweep.cases import small_sweep

DIMENSIONS = [parse_dimension(each) for each in ("units=2..6", "learning_rate=0.001..1 log", "activation=tanh,relu")]


def test_it_goes_on_from_what_is_there(tmp_path: Path) -> None:
    sweep, seen = small_sweep(tmp_path), []

    def on_done(task: Task, outcome: Outcome) -> None:
        seen.append(task.settings)

    guided.search(sweep, DIMENSIONS, 0, 4, on_done)
    guided.search(small_sweep(tmp_path), DIMENSIONS, 0, 7, on_done)
    guided.search(small_sweep(tmp_path), DIMENSIONS, 0, 7, on_done)
    runs = sweep.results.runs()
    assert [run.settings for run in runs] == seen
    assert len(runs) == 7
    assert all(2 <= run.settings["units"] <= 6 and 0.001 <= run.settings["learning_rate"] <= 1 for run in runs)
    assert len({str(run.settings) for run in runs}) == 7


def test_runs_of_another_search_in_the_same_file_do_no_harm(tmp_path: Path) -> None:
    guided.search(small_sweep(tmp_path), DIMENSIONS, 0, 2, lambda *_: None)
    guided.search(small_sweep(tmp_path), [parse_dimension("units=8,9,12")], 0, 4, lambda *_: None)
    assert small_sweep(tmp_path).results.run(4).settings["units"] in (8, 9, 12)


def test_a_search_ends_where_everything_is_tried(tmp_path: Path) -> None:
    guided.search(small_sweep(tmp_path), [parse_dimension("units=2,3")], 0, 6, lambda *_: None)
    assert len(small_sweep(tmp_path).results.runs()) <= 2


def test_without_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingLibraryError, match=r"chainrule\[search\]"):
        guided.search(small_sweep(tmp_path), DIMENSIONS, 0, 2, lambda *_: None)
