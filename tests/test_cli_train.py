"""Training from the command line, as a person types it."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainrule.training.saved import load
from houses import NARROW, NETWORK, NUMBERS, chainrule, refused, write_data

TRAIN = ("train", "net.toml", "houses.csv", "--target", "sold", "--leave-out", "worth")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, networks, and one network trained on them."""
    folder = tmp_path_factory.mktemp("houses")
    write_data(folder)
    done = chainrule(folder, *TRAIN, "--validation", "0.2", "-o", "houses", "--curve", "curve.svg")
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, encoding="utf-8")
    (folder / "meanwhile.txt").write_text(done.stderr, encoding="utf-8")
    return folder


def test_training_says_what_came_of_it(place: Path) -> None:
    said = (place / "said.txt").read_text(encoding="utf-8")
    assert "error for each sample" in said
    assert any("\u2801" <= each <= "\u28ff" for each in said)
    assert "inputs   size, town=Aue, town=Bonn, town=Ulm\n" in said
    assert "classes  no, yes\n" in said
    assert "kept in  houses\nnow try  chainrule evaluate houses houses.csv\n" in said
    meanwhile = (place / "meanwhile.txt").read_text(encoding="utf-8")
    assert "engine: NumPy" in meanwhile
    assert meanwhile.count("epoch ") == 10
    assert "accuracy" in meanwhile
    assert "\r" not in meanwhile
    assert (place / "curve.svg").read_text().startswith("<svg")


def test_the_curve_as_a_picture_of_dots(place: Path) -> None:
    done = chainrule(place, *TRAIN, "--epochs", "3", "-o", "dots", "--curve", "curve.png")
    assert done.returncode == 0, done.stderr
    assert (place / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_evaluation_counts_as_the_predictions_do(place: Path) -> None:
    found = json.loads(chainrule(place, "evaluate", "houses", "houses.csv", "--format", "json").stdout)
    assert found["accuracy"] > 0.9
    assert found["classes"] == ["no", "yes"]
    with (place / "houses.csv").open() as file:
        true = [row["sold"] for row in csv.DictReader(file)]
    rows = list(csv.DictReader(io.StringIO(chainrule(place, "predict", "houses", "houses.csv").stdout)))
    assert [row["row"] for row in rows] == [str(place + 1) for place in range(300)]
    predicted = [row["sold"] for row in rows]
    pairs = list(zip(true, predicted, strict=True))
    assert found["confusion"] == [[pairs.count((a, b)) for b in ("no", "yes")] for a in ("no", "yes")]
    assert all((float(row["sold=yes"]) > 0.5) == (row["sold"] == "yes") for row in rows)
    text = chainrule(place, "evaluate", "houses").stdout
    assert f"accuracy  {found['accuracy']:.4f}" in text
    assert "true" in text
    assert "predicted" in text


def test_predictions_go_to_a_file_by_its_ending(place: Path) -> None:
    (place / "new.csv").write_text("town,size\nUlm,200\nUlm,20\n")
    assert chainrule(place, "predict", "houses", "new.csv", "-o", "answers.json").returncode == 0
    rows = json.loads((place / "answers.json").read_text())["rows"]
    assert [row["sold"] for row in rows] == ["yes", "no"]
    assert rows[0]["outputs"]["yes"] > 0.9
    (place / "new.csv").write_text("town,size\nRom,200\n")
    said = refused(place, "predict", "houses", "new.csv")
    assert said.startswith("chainrule: new.csv, row 1, column town: 'Rom' is no category")


def test_a_real_row_is_explained(place: Path) -> None:
    text = chainrule(place, "explain", "houses", "--row", "17").stdout
    assert text.startswith("Houses: row 17 of houses.csv")
    assert "i1 = size, i2 = town=Aue" in text
    values = json.loads(chainrule(place, "values", "houses", "--row", "17", "--format", "json").stdout)["values"]
    predicted = json.loads(chainrule(place, "predict", "houses", "houses.csv", "--format", "json").stdout)["rows"][16]
    assert values["out_o1"] == pytest.approx(predicted["outputs"]["yes"], rel=1e-12)
    one = chainrule(place, "explain", "houses", "E_total", "--row", "17", "--detail", "brief").stdout
    assert one.startswith("E_total")
    (place / "other.csv").write_text("size,town,sold\n100,Ulm,yes\n")
    assert "row 1 of other.csv" in chainrule(place, "explain", "houses", "--row", "1", "--data", "other.csv").stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("explain", "houses"), "this is the folder of a trained network; ask for a row of its data"),
        (("explain", "houses", "--row", "301"), "there is no row 301; there are rows 1 to 300"),
        (("explain", "mazur", "--row", "1"), "--row and --data are for the folder of a trained network"),
        (("explain", "houses", "--row", "1", "--after", "3"), "--after is for network files"),
        (("explain", "net.toml"), "this network has no data of its own; add [data], or train it on a table"),
        (("values", "net.toml"), "this network has no data of its own"),
        (("check", "net.toml", "houses.csv"), "this network has no data of its own"),
        (("train",), "train what on what?"),
        (("train", "net.toml", "houses.csv"), "which column is the target? There are: size, town, sold, worth"),
        (("train", "net.toml", "houses.csv", "--target", "solt"), "there is no column 'solt'; did you mean sold?"),
        (("train", "net.toml", "hauses.csv", "--target", "sold"), "hauses.csv: no such file or directory"),
        (("train", "mazur", "houses.csv", "--target", "sold"), "the data give 5 inputs"),
        (("train", "formulas", "houses.csv", "--target", "sold"), "own formulas are trained on the numbers in their"),
        ((*TRAIN, "--batch", "0"), "a batch is a number of samples from 1, or all, not 0"),
        ((*TRAIN, "--dropout", "x"), "dropout is a layer and its share, such as h=0.5, not 'x'"),
        ((*TRAIN, "--dropout", "o=0.5"), "there is no dropout of 'o'"),
        ((*TRAIN, "--schedule", "cosin"), "did you mean cosine"),
        ((*TRAIN, "--curve", "a.gif"), "a curve is written as .svg, .png or .txt, not as a.gif"),
        ((*TRAIN, "-o", "houses"), "houses is there already"),
        (("train", "--resume", "houses"), "all 20 epochs are done; for more of them: chainrule train --resume houses"),
        (("train", "--resume", "houses", "--batch", "4"), "--batch can't be changed on the way"),
        (("train", "--resume", "missing"), "this is no folder of a trained network"),
        (
            ("predict", "houses", "houses.csv", "-o", "a.xlsx"),
            "there is no format for .xlsx; end the file with .json or",
        ),
        (("predict", "missing", "houses.csv"), "this is no folder of a trained network"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_mistake_gets_one_message(place: Path, args: tuple[str, ...], message: str) -> None:
    said = refused(place, *args)
    assert message in said
    assert len(said.splitlines()) == 1


def test_missing_values_are_named_or_imputed(tmp_path: Path) -> None:
    write_data(tmp_path)
    lines = (tmp_path / "houses.csv").read_text().splitlines()
    lines[5] = ",".join(["", *lines[5].split(",")[1:]])
    (tmp_path / "houses.csv").write_text("\n".join(lines))
    said = refused(tmp_path, *TRAIN)
    assert said.startswith("chainrule: houses.csv, row 5, column size: there is nothing")
    assert not (tmp_path / "net-trained").exists()
    assert chainrule(tmp_path, *TRAIN, "--impute", "mean", "--epochs", "2").returncode == 0
    assert (tmp_path / "net-trained" / "made_from.json").exists()
    assert "net-trained is there already" in refused(tmp_path, *TRAIN, "--impute", "mean")
    assert chainrule(tmp_path, *TRAIN, "--impute", "size=100", "--epochs", "3", "--overwrite").returncode == 0
    assert load(tmp_path / "net-trained").preparation.inputs[0].fill == 100


def test_every_option_reaches_training(tmp_path: Path) -> None:
    write_data(tmp_path)
    done = chainrule(
        tmp_path, *TRAIN, "--epochs", "6", "--batch", "all", "--seed", "5", "--validation", "0.25", "--patience", "3",
        "--schedule", "step every=2", "--dropout", "h=0.25", "--class-weight", "yes=2", "--no-standardise",
        "--engine", "numpy", "--ascii",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    trained = load(tmp_path / "net-trained")
    options = trained.made_from.options
    assert (options.epochs, options.batch, options.seed, options.validation) == (6, None, 5, 0.25)
    assert (options.patience, options.schedule.name, options.class_weight) == (3, "step", {"yes": 2.0})
    assert {name: str(share) for name, share in trained.net.dropout.items()} == {"h": "0.25"}
    assert trained.preparation.inputs[0].scale == 1
    assert trained.net.weighted


def test_the_batch_of_the_file_is_taken(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "net.toml").write_text(f"{NETWORK}batch = 50\n")
    assert chainrule(tmp_path, *TRAIN, "--epochs", "2").returncode == 0
    trained = load(tmp_path / "net-trained")
    assert trained.made_from.options.batch == 50
    assert trained.progress.rounds == 12


def test_numbers_are_learnt_in_their_own_units(tmp_path: Path) -> None:
    write_data(tmp_path)
    args = ("train", "numbers.toml", "houses.csv", "--target", "worth", "--leave-out", "sold", "-o", "worth")
    assert chainrule(tmp_path, *args, "--standardise-targets", "--epochs", "40").returncode == 0
    found = json.loads(chainrule(tmp_path, "evaluate", "worth", "--format", "json").stdout)
    assert found["r2"] > 0.9
    assert found["rmse"]["worth"] < 20
    assert "RMSE" in chainrule(tmp_path, "evaluate", "worth").stdout
    assert chainrule(tmp_path, "predict", "worth", "houses.csv").stdout.startswith("row,worth\n1,")


def test_streamed_data_need_the_number_of_inputs(tmp_path: Path) -> None:
    write_data(tmp_path)
    assert "write inputs = ... in [network]" in refused(tmp_path, *TRAIN, "--stream")
    (tmp_path / "net.toml").write_text(NETWORK.replace("[network]", "[network]\ninputs = 4"))
    assert chainrule(tmp_path, *TRAIN, "--stream", "--epochs", "2").returncode == 0


def test_divergence_keeps_the_last_good_weights(tmp_path: Path) -> None:
    write_data(tmp_path)
    text = NUMBERS.replace('"adam"', '"gradient_descent"').replace("0.02", "0.5")
    (tmp_path / "numbers.toml").write_text(text)
    done = chainrule(tmp_path, "train", "numbers.toml", "houses.csv", "--target", "worth", "--leave-out", "sold")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "learning rate" in done.stderr
    assert (tmp_path / "numbers-trained" / "weights.safetensors").exists()


def test_going_on_gives_the_same_bits(tmp_path: Path) -> None:
    write_data(tmp_path)
    assert chainrule(tmp_path, *TRAIN, "--epochs", "3", "-o", "part").returncode == 0
    done = chainrule(tmp_path, "train", "--resume", "part", "--epochs", "6")
    assert done.returncode == 0, done.stderr
    assert chainrule(tmp_path, *TRAIN, "--epochs", "6", "-o", "whole").returncode == 0
    part, whole = load(tmp_path / "part"), load(tmp_path / "whole")
    assert part.history == whole.history
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(part.parameters[name], array)
    (tmp_path / "houses.csv").rename(tmp_path / "moved.csv")
    assert "houses.csv" in refused(tmp_path, "train", "--resume", "part", "--epochs", "7")
    assert chainrule(tmp_path, "train", "--resume", "part", "moved.csv", "--epochs", "7").returncode == 0
    assert "the data of training are not at houses.csv any more" in refused(tmp_path, "explain", "part", "--row", "1")


def test_single_precision_is_remembered(tmp_path: Path) -> None:
    write_data(tmp_path)
    assert chainrule(tmp_path, *TRAIN, "--precision", "single", "--epochs", "2", "-o", "single").returncode == 0
    assert load(tmp_path / "single").made_from.engine == "numpy, float32"
    assert chainrule(tmp_path, "train", "--resume", "single", "--epochs", "3").returncode == 0
    trained = load(tmp_path / "single").parameters
    assert all((array == array.astype(np.float32)).all() for array in trained.values())


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_ctrl_c_keeps_everything(tmp_path: Path) -> None:
    write_data(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *TRAIN, "--epochs", "1000000", "--engine", "numpy", "-o", "long"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, **NARROW},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "long").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "chainrule train --resume long" in errors
    assert "kept in  long" in said
    stopped = load(tmp_path / "long").progress
    assert stopped.epoch > 0
    more = str(stopped.epoch + 1)
    assert chainrule(tmp_path, "train", "--resume", "long", "--epochs", more).returncode == 0
    assert load(tmp_path / "long").progress.epoch == stopped.epoch + 1


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as POSIX has it")
def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    write_data(tmp_path)
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "chainrule", *TRAIN, "--epochs", "200"],
        stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path, env={**os.environ, **NARROW, "TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert process.returncode == 0
    assert b"samples/s" in shown
    assert b"of 200" in shown


def test_every_command_has_an_example() -> None:
    for command in ("train", "predict", "evaluate", "explain", "sweep", "results"):
        assert f"Example: chainrule {command} " in chainrule(Path.cwd(), command, "--help").stdout
