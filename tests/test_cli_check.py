"""``chainrule check`` as a person uses it: exit status, formats, answers handed back, what can't be read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

import chainrule as cr

MINE = "net_h1 = 0.3775\nout_h1 = 0.5933\ndelta_o1 = 0.7414\nw5+ = 0.1800\n"


def run(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chainrule", "check", *arguments]
    return subprocess.run(command, cwd=folder, input=given, capture_output=True, encoding="utf-8", check=False)


def test_the_first_wrong_number_and_its_cause(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(MINE)
    done = run(tmp_path, "mazur", "mine.txt")
    assert done.returncode == 1
    assert "delta_o1 = 0.7414 (line 3)" in done.stdout
    assert "the slope of the activation is left out" in done.stdout
    assert "follows from your delta_o1" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_asked_for(tmp_path: Path, width: int) -> None:
    (tmp_path / "mine.txt").write_text(MINE)
    done = run(tmp_path, "mazur", "mine.txt", "--width", str(width))
    assert max(map(len, done.stdout.splitlines())) <= width


def test_right_numbers_end_with_0(tmp_path: Path) -> None:
    (tmp_path / "right.csv").write_text(cr.load("mazur").listing("csv"))
    done = run(tmp_path, "mazur", "right.csv")
    assert done.returncode == 0
    assert "73 numbers of yours: 73 right." in done.stdout


def test_another_convention_is_no_error(tmp_path: Path) -> None:
    done = run(tmp_path, "mazur", "-", given="E_total = 0.596742218\n")
    assert done.returncode == 0
    assert "the squared error without the half" in done.stdout


def test_json_has_what_is_promised(tmp_path: Path) -> None:
    done = run(tmp_path, "mazur", "-", "--format", "json", given=MINE)
    data = json.loads(done.stdout)
    assert (data["schema"], data["first_wrong"]) == (1, "delta_o1")
    third = data["verdicts"][2]
    assert (third["name"], third["given"], third["verdict"]) == ("delta_o1", 0.7414, "wrong")
    assert third["expected"] == pytest.approx(0.13849856162855698)
    cause = third["causes"][0]
    assert (cause["id"], cause["explains"], cause["ambiguous_with"]) == ("slope-left-out", 1, [])
    assert cause["text"]


def test_answers_are_handed_back_with_marks(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text(MINE)
    assert run(tmp_path, "mazur", "mine.txt", "-o", "marked.xlsx").returncode == 1
    rows = CalamineWorkbook.from_path(tmp_path / "marked.xlsx").get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows] == [
        "verdict", "right", "right to the digits given", "wrong", "follows from your earlier value",
    ]  # fmt: skip
    again = run(tmp_path, "mazur", "marked.xlsx")  # what was handed back can be handed in
    assert again.returncode == 1
    assert "delta_o1 = 0.7414" in again.stdout


@pytest.mark.parametrize("kind", ["markdown", "html", "latex", "typst", "notebook"])
def test_every_format_of_a_report(tmp_path: Path, kind: str) -> None:
    done = run(tmp_path, "mazur", "-", "--format", kind, given=MINE)
    assert done.returncode == 1
    assert "0.7414" in done.stdout


def test_what_can_not_be_read_is_listed_and_the_rest_checked(tmp_path: Path) -> None:
    done = run(tmp_path, "mazur", "-", given="net_h1 = 0.3775\nnet_h2 = oops\nfoo = 1.5\n")
    assert done.returncode == 0
    assert "line 2" in done.stdout
    assert "there is no quantity 'foo'" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("mazur", "nothing.csv"), "", "nothing.csv"),
        (("mazur", "-"), "", "there is no number with a name"),
        (("-", "-"), "", "can't both come from standard input"),
        (("nosuch", "-"), MINE, "nosuch"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: tuple[str, ...], given: str, said: str) -> None:
    done = run(tmp_path, *arguments, given=given)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_numbers_of_a_later_round(tmp_path: Path) -> None:
    given = f"w5 = {cr.load('mazur').after(3)['w5']!r}\n"
    assert run(tmp_path, "mazur", "-", "--after", "3", given=given).returncode == 0
    assert run(tmp_path, "mazur", "-", given=given).returncode == 1


def test_many_numbers_of_a_framework() -> None:
    net = cr.Network(50, [cr.Dense(80, "relu"), cr.Dense(10, "softmax")], loss="cross_entropy", seed=1)
    rng = np.random.default_rng(0)
    step = net.step(rng.normal(size=(6, 50)), np.eye(10)[:6], learning_rate=0.1)
    names = ("net_h", "out_h", "net_o", "dE/dw_o", "dE/dw_h")
    right = {name: step[name].astype(np.float32) for name in names}
    assert step.check(right).ok
    wrong = {**right, "net_o": right["net_o"].copy()}
    wrong["net_o"][3, 2] += 0.01
    check = step.check(wrong)
    assert check.first_wrong == "net_o3^(4)"
    assert [each["wrong"] for each in check.data["families"]] == [0, 0, 1, 0, 0]


def test_swapped_entries_have_the_same_mean_and_are_found() -> None:
    net = cr.Network(50, [cr.Dense(80, "relu"), cr.Dense(10)], seed=1)
    step = net.step(np.ones((2, 50)), np.zeros((2, 10)), learning_rate=0.1)
    swapped = step["w_h"].copy()
    swapped[[0, 1], 0] = swapped[[1, 0], 0]
    assert step.check({"w_h": swapped}).data["families"][0]["wrong"] == 2


def test_a_bent_array_is_explained() -> None:
    net = cr.Network(50, [cr.Dense(80, "tanh"), cr.Dense(10)], seed=1)
    step = net.step(np.ones((2, 50)) * 0.1, np.zeros((2, 10)), learning_rate=0.1)
    check = step.check({"dE/dout_h": step["dE/dout_h"], "delta_h": step["dE/dout_h"]})
    assert check.verdicts[1]["verdict"] == "wrong"
    assert check.verdicts[1]["causes"][0]["id"] == "slope-left-out"
