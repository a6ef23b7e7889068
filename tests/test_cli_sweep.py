"""Many networks tried from the command line, as a person types it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from houses import NARROW, chainrule, refused, write_data

SWEEP = ("sweep", "net.toml", "houses.csv", "--target", "sold", "--leave-out", "worth", "--epochs", "4")
SOME = ("--vary", "units=2,4", "--vary", "learning_rate=0.01..0.1 log in 2", "--vary", "seed=0..1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, networks, and a sweep that was done."""
    folder = tmp_path_factory.mktemp("tried")
    write_data(folder)
    done = chainrule(folder, *SWEEP, *SOME)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, encoding="utf-8")
    (folder / "meanwhile.txt").write_text(done.stderr, encoding="utf-8")
    return folder


def test_a_sweep_says_what_came_of_it(place: Path) -> None:
    said = (place / "said.txt").read_text(encoding="utf-8").splitlines()
    assert " ".join(said[0].split()) == "run units learning_rate seed accuracy validation error epochs"
    accuracies = [float(line.split()[4]) for line in said[1:9]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert "8 runs in net-sweep.sqlite" in said
    assert "8 runs to do" in (place / "meanwhile.txt").read_text(encoding="utf-8")


def test_the_same_command_does_nothing_twice(place: Path) -> None:
    assert "0 runs to do, 8 done before" in chainrule(place, *SWEEP, *SOME).stderr


def test_a_run_is_done_again_and_kept(place: Path) -> None:
    best = (place / "said.txt").read_text(encoding="utf-8").splitlines()[1].split()
    done = chainrule(place, "results", "net-sweep.sqlite", "--run", best[0], "-o", "best")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert [row[0] for row in rows] == ["accuracy", "validation", "error"]
    assert all(row[1] == row[2] and row[3] == "none" for row in rows)
    explained = chainrule(place, "explain", "best", "--row", "1", "E_total")
    assert explained.returncode == 0
    assert "E_total" in explained.stdout
    assert "is there already" in refused(place, "results", "net-sweep.sqlite", "--run", best[0], "-o", "best")


def test_results_in_every_format(place: Path) -> None:
    chainrule(place, "results", "net-sweep.sqlite", "-o", "tried.csv")
    with (place / "tried.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"done"}
    kept = json.loads(chainrule(place, "results", "net-sweep.sqlite", "--format", "json", "--top", "3").stdout)["runs"]
    assert [each["score"] for each in kept] == [float(row["accuracy"]) for row in rows[:3]]
    assert "[network]" in kept[0]["network"]
    table = chainrule(place, "results", "net-sweep.sqlite", "--format", "markdown", "--sort", "seed").stdout
    assert table.splitlines()[2].split(" | ")[3] == "0"


def test_wide_tables_fit_the_terminal(place: Path) -> None:
    text = chainrule(place, "results", "net-sweep.sqlite", COLUMNS="60").stdout
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_random_draws_go_on_where_they_stopped(tmp_path: Path, engine: str) -> None:
    write_data(tmp_path)
    vary = ("--method", "random", "--vary", "units=2..9", "--vary", "learning_rate=0.001..1 log", "--engine", engine)
    assert chainrule(tmp_path, *SWEEP, *vary, "--trials", "3", "-o", "a.sqlite").returncode == 0
    assert "2 runs to do, 3 done before" in chainrule(tmp_path, *SWEEP, *vary, "--trials", "5", "-o", "a.sqlite").stderr
    assert chainrule(tmp_path, *SWEEP, *vary, "--trials", "5", "-o", "b.sqlite").returncode == 0
    tried = [
        [line.split(",")[1:4] for line in chainrule(tmp_path, "results", file, "--format", "csv").stdout.splitlines()]
        for file in ("a.sqlite", "b.sqlite")
    ]
    assert sorted(tried[0]) == sorted(tried[1])


def test_a_guided_search(tmp_path: Path) -> None:
    write_data(tmp_path)
    done = chainrule(tmp_path, *SWEEP, "--method", "optuna", "--trials", "3", "--vary", "learning_rate=0.001..1 log")
    assert "3 runs in net-sweep.sqlite" in done.stdout


def test_the_numbers_of_a_file_without_any_table(tmp_path: Path) -> None:
    done = chainrule(tmp_path, "sweep", "mazur", "--vary", "learning_rate=0.1,0.5,1", "--epochs", "100")
    assert [line.split()[1] for line in done.stdout.splitlines()[1:4]] == ["1", "0.5", "0.1"]
    again = chainrule(tmp_path, "results", "mazur-sweep.sqlite", "--run", "2").stdout
    assert again.splitlines()[2].split()[-1] == "none"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "say what is varied, such as --vary units=8,16,32; there are: layers, units"),
        (("--vary", "width=3"), "there is no setting 'width' to vary"),
        (("--vary", "units=0"), "units is a whole number from 1, not 0"),
        (("--vary", "activation=foo"), "activation=foo: there is no activation 'foo'"),
        (("--vary", "learning_rate=0.1..1"), "or choose --method random"),
        (("--vary", "units=2", "--trials", "3"), "a grid is all combinations"),
        (("--vary", "units=2", "--validation", "new.csv"), "are a share of the data"),
        (("--vary", "units=2", "--batch", "0"), "a batch is a number of samples from 1"),
        (("--vary", "units=2", "-o", "houses.csv"), "houses.csv: this is no file of a sweep's results"),
        (("--vary", "units=2", "--target", "price"), "price"),
    ],
)
def test_a_mistake_gets_one_message(place: Path, args: tuple[str, ...], message: str) -> None:
    assert message in refused(place, *SWEEP, *args)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("results", "nothing.sqlite"), "nothing.sqlite: there is no such file of results"),
        (("results", "houses.csv"), "houses.csv: this is no file of a sweep's results"),
        (("results", "net-sweep.sqlite", "--run", "99"), "there is no run 99; there are 1 to 8"),
        (("results", "net-sweep.sqlite", "--sort", "beauty"), "runs are sorted by score, validation, error"),
        (("results", "net-sweep.sqlite", "--data", "houses.csv"), "--data goes with --run"),
        (("results", "net-sweep.sqlite", "-o", "tried.pdf"), "there is no format for .pdf"),
        (("results", "net-sweep.sqlite", "--run", "1", "--data", "net.toml"), "net.toml"),
        (("sweep", "mazur", "--target", "x", "--vary", "seed=1"), "name the table behind the network"),
    ],
)
def test_mistakes_about_results(place: Path, args: tuple[str, ...], message: str) -> None:
    assert message in refused(place, *args)


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_ctrl_c_keeps_what_is_done(tmp_path: Path, engine: str) -> None:
    write_data(tmp_path)
    command = [*SWEEP[:-1], "20", "--vary", "seed=0..5000", "--engine", engine]
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, **NARROW},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.5)
        if (tmp_path / "net-sweep.sqlite").exists() and chainrule(
            tmp_path, "results", "net-sweep.sqlite"
        ).stdout.splitlines()[1:]:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "runs are kept in net-sweep.sqlite" in errors
    assert len(chainrule(tmp_path, "results", "net-sweep.sqlite").stdout.splitlines()) > 1
