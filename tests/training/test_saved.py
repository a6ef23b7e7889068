"""The saved folder: complete or not there, read back to every bit, and nothing lost when the process is killed."""

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from chainrule.spec.reader import read_spec
from chainrule.training import saved
from chainrule.training.data import Choices
from chainrule.training.problems import DataError, DivergedError, SavedError, TrainingError
from chainrule.training.progress import Options, Progress
from chainrule.training.readers import Data
from chainrule.training.saved import Trained, create, load, read_checkpoint
from chainrule.training.schedules import Chosen
from chainrule.training.session import resume, train
from chainrule.training.use import evaluate, predict, row_of
from training.network import spec_of, write_csv

SPEC = spec_of(30, 8, 1)
CHOICES = Choices(("class",))
OPTIONS = Options(epochs=4, validation=0.2, patience=3, schedule=Chosen("cosine", {"last": Decimal("1e-5")}))


@pytest.fixture(scope="module")
def cancer(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data(write_csv(tmp_path_factory.mktemp("data"), "cancer"))


def same(one: Trained, other: Trained) -> None:
    """Everything but the seconds that it took."""
    assert one.history == other.history
    assert one.preparation == other.preparation
    assert one.made_from == other.made_from
    assert one.progress.stopped == other.progress.stopped
    for part in ("state", "best"):
        arrays, others = getattr(one.progress, part), getattr(other.progress, part)
        assert arrays.keys() == others.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, others[name], strict=True)


def test_a_folder_reads_back_to_every_bit(tmp_path: Path, cancer: Data) -> None:
    trained = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path / "net", dropout={"h": Decimal("0.2")})
    same(load(tmp_path / "net"), trained)
    assert not [each for each in tmp_path.iterdir() if each.name != "net"]
    assert not list((tmp_path / "net").glob(".*"))


def test_what_is_in_a_folder(tmp_path: Path, cancer: Data) -> None:
    """Each file can be read with nothing but its own format."""
    trained = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path)
    weights = load_file(tmp_path / "weights.safetensors")
    assert {name: array.shape for name, array in weights.items()} == {
        "w_h": (8, 30), "b_h": (8,), "w_o": (1, 8), "b_o": (1,),
    }  # fmt: skip
    for name, array in trained.parameters.items():
        np.testing.assert_array_equal(array, weights[name])
    epochs = json.loads((tmp_path / "history.json").read_text())["epochs"]
    assert [each["loss"] for each in epochs] == [each.loss for each in trained.history]
    made_from = json.loads((tmp_path / "made_from.json").read_text())
    assert made_from["options"]["seed"] == 0
    assert made_from["data_sha256"] == saved.file_sha256(cancer.source)
    assert set(made_from["versions"]) == {"chainrule", "numpy", "python"}
    assert read_spec(str(tmp_path / "network.toml")).update == SPEC.update
    preparation = json.loads((tmp_path / "preparation.json").read_text())
    assert preparation["classes"] == ["benign", "malignant"]


def test_predictions_need_no_checkpoint(tmp_path: Path, cancer: Data) -> None:
    trained = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path)
    (tmp_path / "checkpoint.safetensors").unlink()
    again = load(tmp_path)
    assert again.history == trained.history
    np.testing.assert_array_equal(predict(again, cancer).outputs, predict(trained, cancer).outputs)


def test_a_folder_that_is_there_is_not_overwritten_unasked(tmp_path: Path, cancer: Data) -> None:
    first = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path / "net")
    with pytest.raises(SavedError, match="is there already"):
        train(SPEC, cancer, CHOICES, replace(OPTIONS, seed=9), folder=tmp_path / "net")
    same(load(tmp_path / "net"), first)
    train(SPEC, cancer, CHOICES, replace(OPTIONS, seed=9), folder=tmp_path / "net", overwrite=True)
    assert load(tmp_path / "net").made_from.options.seed == 9
    assert [each.name for each in tmp_path.iterdir()] == ["net"]
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("all of it")
    with pytest.raises(SavedError, match="is no folder of a trained network"):
        create(tmp_path / "papers", first, overwrite=True)


class Stopped(BaseException):
    """Stands for the end of the process."""


def test_wherever_writing_ends_the_folder_is_complete_or_not_there(
    tmp_path: Path, cancer: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends at the first, second, third ... time that something is put on the disk."""
    trained = train(SPEC, cancer, CHOICES, OPTIONS)
    real, left = os.fsync, 0

    def fsync(place: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Stopped
        real(place)

    monkeypatch.setattr(os, "fsync", fsync)
    for times in range(20):
        left, target = times, tmp_path / f"net{times}"
        try:
            create(target, trained)
        except Stopped:
            if target.exists():
                same(load(target), trained)
        else:
            break
    assert 5 < times < 15
    # A checkpoint that is cut off leaves the one before.
    later = replace(trained.progress, epoch=99)
    for times in range(2):
        left = times
        with pytest.raises(Stopped):
            saved.save_checkpoint(target, later)
        assert read_checkpoint(target / "checkpoint.safetensors").epoch in ((4,), (4, 99))[times]


def test_going_on_from_the_folder_is_as_if_it_had_never_stopped(tmp_path: Path, cancer: Data) -> None:
    """Ctrl-C in the middle of the second epoch, and on from the files alone."""

    def press(done: int, _: int) -> None:
        if done == 20:
            signal.raise_signal(signal.SIGINT)

    dropout = {"h": Decimal("0.3")}
    whole = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path / "whole", dropout=dropout)
    half = train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path / "half", dropout=dropout, on_round=press)
    assert (half.progress.stopped, half.progress.rounds) == ("interrupted", 20)
    assert predict(load(tmp_path / "half"), cancer).outputs.shape == (569, 1)
    same(resume(tmp_path / "half"), whole)
    for name in ("weights.safetensors", "preparation.json", "made_from.json", "network.toml"):
        assert (tmp_path / "half" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_more_epochs_than_were_planned(tmp_path: Path, cancer: Data) -> None:
    constant = replace(OPTIONS, schedule=Chosen(), patience=None)
    train(SPEC, cancer, CHOICES, constant, folder=tmp_path / "more")
    whole = train(SPEC, cancer, CHOICES, replace(constant, epochs=7))
    same(resume(tmp_path / "more", epochs=7), whole)
    same(load(tmp_path / "more"), whole)


def test_going_on_needs_the_same_data(tmp_path: Path, cancer: Data) -> None:
    train(SPEC, cancer, CHOICES, OPTIONS, folder=tmp_path / "net")
    other = write_csv(tmp_path, "cancer", slice(10, 300))
    with pytest.raises(SavedError, match="has changed since training began"):
        resume(tmp_path / "net", Data(other))
    with pytest.raises(DataError, match="no such file"):
        resume(tmp_path / "net", Data("gone.csv"))


def test_streamed_data(tmp_path: Path, cancer: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of 100 rows: trained, stopped and gone on with; without shuffling the same as in memory."""
    options = replace(OPTIONS, validation=0.0, shuffle=False, patience=None)
    whole = train(SPEC, cancer, CHOICES, options)
    monkeypatch.setattr("chainrule.training.text_files.PART", 100)
    streamed = train(SPEC, replace(cancer, stream=True), CHOICES, options, folder=tmp_path / "streamed")
    for name, array in whole.parameters.items():
        np.testing.assert_allclose(streamed.parameters[name], array, rtol=1e-9, atol=1e-12)
    shuffled = replace(options, shuffle=True, epochs=3, schedule=Chosen())
    three = train(SPEC, replace(cancer, stream=True), CHOICES, shuffled, validation=cancer)
    two = replace(shuffled, epochs=2)
    train(SPEC, replace(cancer, stream=True), CHOICES, two, validation=cancer, folder=tmp_path / "two")
    again = resume(tmp_path / "two", epochs=3)
    assert again.history == three.history
    np.testing.assert_array_equal(again.parameters["w_h"], three.parameters["w_h"])
    with pytest.raises(TrainingError, match="can't be split"):
        train(SPEC, replace(cancer, stream=True), CHOICES, OPTIONS)


def test_training_that_runs_out_of_the_numbers_leaves_the_last_good_weights(tmp_path: Path, cancer: Data) -> None:
    hasty = replace(SPEC, update=replace(SPEC.update, optimizer="gradient_descent", rate=Decimal("0.01")))
    growing = replace(OPTIONS, epochs=200, schedule=Chosen("exponential", {"factor": Decimal(3)}), patience=None)
    steps: list[Progress] = []
    with pytest.raises(DivergedError):
        train(hasty, cancer, CHOICES, growing, folder=tmp_path / "net", on_epoch=steps.append)
    left = load(tmp_path / "net")
    assert left.progress.epoch == len(steps) > 0
    assert all(np.isfinite(array).all() for array in left.parameters.values())


def damaged(folder: Path, name: str, text: str | None) -> Path:
    path = folder / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    return folder


@pytest.mark.parametrize("name", ["network.toml", "preparation.json", "made_from.json", "checkpoint.safetensors"])
@pytest.mark.parametrize("text", [None, "", "{}", "[1]", '{"schema": 1}'])
def test_folders_that_are_damaged(tmp_path: Path, cancer: Data, name: str, text: str | None) -> None:
    train(SPEC, cancer, CHOICES, replace(OPTIONS, epochs=1), folder=tmp_path / "net")
    folder = damaged(tmp_path / "net", name, text)
    if name == "checkpoint.safetensors" and text is None:
        return
    with pytest.raises((SavedError, ValueError)) as problem:
        load(folder)
    assert name in str(problem.value)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SavedError, match="this is no folder of a trained network"):
        load(tmp_path / "gone")


def test_a_network_file_that_was_changed(tmp_path: Path, cancer: Data) -> None:
    train(SPEC, cancer, CHOICES, replace(OPTIONS, epochs=1), folder=tmp_path)
    text = (tmp_path / "network.toml").read_text()
    damaged(tmp_path, "network.toml", text.replace('"relu"', '"tanh"'))
    with pytest.raises(SavedError, match="has been changed since training"):
        load(tmp_path)


def test_a_row_of_the_data_for_its_worked_example(cancer: Data) -> None:
    trained = train(SPEC, cancer, CHOICES, replace(OPTIONS, epochs=1))
    row = row_of(trained, cancer, 17)
    assert {name: array.shape for name, array in row.items()} == {"x": (1, 30), "target": (1, 1)}
    assert evaluate(trained, cancer).samples == 569
    with pytest.raises(DataError, match="there is no row 570; there are rows 1 to 569"):
        row_of(trained, cancer, 570)


CHILD = """
import sys
from training.network import spec_of
from chainrule.training.data import Choices
from chainrule.training.progress import Options
from chainrule.training.readers import Data
from chainrule.training.session import resume, train

folder, data, begin = sys.argv[1:]
said = lambda progress: print(progress.epoch, flush=True)
if begin == "begin":
    options = Options(epochs=60, validation=0.2, patience=50)
    train(spec_of(30, 8, 1), Data(data), Choices(("class",)), options, folder=folder, on_epoch=said)
else:
    resume(folder, on_epoch=said)
"""


def run_and_kill(arguments: list[str], epochs: int) -> tuple[int, bool]:
    """Run the child, and kill it at once after so many epochs. The last that it said was done, and whether it ended."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen([sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        last = 0
        for line in child.stdout:
            last = int(line)
            epochs -= 1
            if not epochs:
                child.kill()
        return last, child.wait() == 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_kill_minus_nine_loses_nothing_but_the_running_epoch(tmp_path: Path, cancer: Data) -> None:
    """Killed four times at chance moments, then let go to the end: the same bits as without."""
    chance = random.Random(3)
    folder, done, ended = tmp_path / "killed", 0, False
    for _ in range(4):
        begin = "on" if folder.exists() else "begin"
        last, ended = run_and_kill([str(folder), cancer.source, begin], chance.randint(1, 12))
        now = read_checkpoint(folder / "checkpoint.safetensors").epoch
        assert now >= max(last, done)
        assert len(load(folder).history) == now
        done = now
    assert 0 < done < 60
    assert not ended
    options: Any = Options(epochs=60, validation=0.2, patience=50)
    same(resume(folder), train(SPEC, cancer, CHOICES, options))
