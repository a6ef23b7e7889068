"""The commands as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NARROW = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def chainrule(*args: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainrule", *args], input=stdin, capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, **NARROW, **environment}, timeout=120, check=False,
    )  # fmt: skip


def test_values_as_json() -> None:
    data = json.loads(chainrule("values", "mazur", "--after", "1", "--format", "json").stdout)
    assert data["schema"] == 1
    assert data["after"] == 1
    assert data["values"]["E_total"] == pytest.approx(0.29102777369359933)
    assert data["addresses"]["w5"] == "w_o[1,1]"
    assert {"dE_total/dw5", "delta_o1", "w5+", "dE_o1/dout_h1", "dout_h1/dnet_h1"} <= set(data["values"])


def test_forty_digits_in_json_stay_digits() -> None:
    text = chainrule("values", "mazur", "--digits", "40", "--format", "json").stdout
    assert '"w5+": 0.3589164797178846105767904832229468061474' in text
    assert json.loads(text)["values"]["w5+"] == pytest.approx(0.35891647971788465)


def test_a_file_takes_its_format_from_its_ending(tmp_path: Path) -> None:
    for name, start in (("a.md", b"# "), ("a.tex", b"\\documentclass"), ("a.pdf", b"%PDF"), ("a.html", b"<!doctype"),
                        ("a.ipynb", b"{"), ("a.typ", b"#set"), ("a.json", b"{"), ("a.txt", b"w5")):  # fmt: skip
        done = chainrule("explain", "mazur", "w5", "-o", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert (tmp_path / name).read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_several_rounds_follow_each_other() -> None:
    text = chainrule("explain", "mazur", "w5", "--rounds", "2", "--detail", "brief").stdout
    assert text.count("Its update") == 2
    assert "0.35891648" in text.partition("Round 2")[2]


def test_after_shows_the_later_round() -> None:
    assert "0.35891648" in chainrule("explain", "mazur", "w5", "--after", "1", "--detail", "brief").stdout


@pytest.mark.parametrize("width", [40, 59, 60, 80])
@pytest.mark.parametrize("example", ["mini-batch", "formulas"])
def test_no_line_is_wider_than_asked(example: str, width: int) -> None:
    text = chainrule("explain", example, "--width", str(width)).stdout
    too_long = [line for line in text.splitlines() if len(line) > width and " " in line.strip()]
    assert not too_long


def test_ascii_is_ascii() -> None:
    assert chainrule("explain", "softmax-classifier", "--ascii").stdout.isascii()
    assert chainrule("explain", "mazur", "w5", PYTHONIOENCODING="ascii").stdout.isascii()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("explain", "mazur", "w55"), "did you mean w5"),
        (("explain", "mazor"), "did you mean mazur"),
        (("explain", "missing.toml"), "no such file"),
        (("values", "mazur", "--after", "-1"), "-1 is not in the range"),
        (("explain",), "Missing argument 'NETWORK'"),
        (("explain", "mazur", "--format", "docx"), "'docx' is not one of"),
        (("explain", "mazur", "w5", "-o", "missing/a.md"), "can't write missing/a.md"),
        (("new", "--like", "mazor", "-"), "did you mean mazur"),
    ],
)
def test_a_mistake_gets_one_message(args: tuple[str, ...], message: str) -> None:
    done = chainrule(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in chainrule("--debug", "explain", "mazur", "w55").stderr


def test_a_diverging_training_names_round_and_quantity() -> None:
    text = chainrule("new", "--like", "regression", "-").stdout
    text = text.replace('activation = "logistic"', 'activation = "identity"').replace("0.1\nrounds", "1e9\nrounds")
    done = chainrule("values", "-", "--after", "60", stdin=text)
    assert done.returncode == 2
    assert "in round" in done.stderr
    assert "Try a smaller learning rate" in done.stderr


def test_new_does_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    assert chainrule("new", str(path)).returncode == 0
    before = path.read_text()
    done = chainrule("new", "--like", "adam", str(path))
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert path.read_text() == before
    assert chainrule("new", "--like", "adam", str(path), "--force").returncode == 0
    assert chainrule("explain", str(path), "w1").returncode == 0


def test_standard_input_is_a_network() -> None:
    text = chainrule("new", "-").stdout
    assert "net_h1" in chainrule("values", "-", stdin=text).stdout


def test_the_schema_is_json() -> None:
    assert json.loads(chainrule("schema").stdout)["title"] == "A chainrule network file"


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_ctrl_c_ends_with_130() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "values", "mazur", "--after", "100000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m chainrule explain mazur | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("Matt Mazur")
    assert done.stderr == ""
