"""The verdicts of the page are those of the checker: on right, rounded, bent and carried-on numbers."""

import json
import random
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.check.answers import Answer, Answers
from chainrule.check.mark import Verdict
from chainrule.check.typed import typed
from chainrule.model.live import live_of
from chainrule.model.step import Step
from chainrule.model.task import Task
from chainrule.model.trial import tried
from chainrule.page.modules import joined
from chainrule.page.program_json import live_data
from page.node import IN_CI

DRIVER = """
import { readFileSync } from "node:fs";
const { data, sheets } = JSON.parse(readFileSync(0, "utf8"));
const view = modelOf(data).viewOf(stateOf(data));
const sheet = sheetOf(view.shown);
const keys = new Map([...sheet.order.keys()].map((key) => [keyName(view.shown, key), key]));
process.stdout.write(JSON.stringify(sheets.map((answers) => {
  const byKey = Object.entries(answers).map(([name, text]) => [keys.get(name) ?? name, text]);
  const marking = marksOf(sheet, Object.fromEntries(byKey));
  return Object.fromEntries(Object.keys(answers).map((name) => {
    const mark = marking.marks.get(keys.get(name));
    const slip = mark?.verdict === "wrong" ? likelySlip(view.shown, marking, keys.get(name)) : "";
    const earlier = mark?.earlier.map((key) => keyName(view.shown, key));
    return [name, mark ? { verdict: mark.verdict, note: mark.note, earlier, slip } : null];
  }));
})));
"""
Sheet = Mapping[str, str]


def on_page(task: Task, sheets: list[Sheet], folder: Path) -> list[dict[str, Any]]:
    program = shutil.which("node")
    if program is None:
        (pytest.fail if IN_CI else pytest.skip)("node is not installed (Debian: nodejs): the verdicts were not tried")
    module = folder / "verdicts.mjs"
    module.write_text(joined("tryit") + DRIVER, encoding="utf-8")
    asked = json.dumps({"data": live_data(live_of(task)), "sheets": sheets})
    found = subprocess.run([program, str(module)], input=asked, capture_output=True, text=True, check=False, timeout=60)
    assert not found.returncode, found.stderr
    answers: list[dict[str, Any]] = json.loads(found.stdout)
    return answers


def by_checker(task: Task, sheet: Sheet) -> dict[str, tuple[Verdict, str]]:
    answers = []
    for name, text in sheet.items():
        read = typed(text)
        assert read is not None
        answers.append(Answer(name, text, read.value, read.unit))
    marks = tried(task, Answers(tuple(answers))).marked.marks
    return {name: (mark.verdict, mark.note) for name, mark in zip(sheet, marks, strict=True)}


def task_of(name: str) -> Task:
    return cr.load(name)._task


def drawn_sheets(task: Task, count: int) -> list[Sheet]:
    """A few numbers each, some of them slightly or wholly wrong, with few digits or many."""
    rng = random.Random(1)
    values = {name: value for name, value in Step(task).values().items() if isinstance(value, float)}
    return [
        {name: _text(rng, _bent(rng, values[name], digits), digits) for name in rng.sample(sorted(values), size)}
        for size, digits in ((rng.randint(1, 8), rng.choice((2, 3, 4, 5, 7, 9, 11))) for _ in range(count))
    ]


def _bent(rng: random.Random, value: float, digits: int) -> float:
    return rng.choice([value] * 5 + [-value, value * 1.1, value * 1.001, value * 1.00001, value + 10.0**-digits])


def _text(rng: random.Random, value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if rng.random() < 0.6 else f"{value:.{digits}g}"


def carried_sheets(task: Task) -> list[Sheet]:
    """All numbers of a person who begins with one wrong given number and calculates right from there."""
    sheets: list[Sheet] = []
    for family, array in task.parameters.items():
        for digits in (4, 9):
            wrong = np.asarray(array, float) * 1.2
            values = Step(replace(task, parameters={**task.parameters, family: wrong})).values()
            calculated = (name for name in values if name.startswith(("net", "out", "delta", "dE", "E")))
            sheets.append({name: f"{values[name]:.{digits}g}" for name in calculated})
    return sheets


@pytest.mark.parametrize("name", ["mazur", "mazur-biases", "softmax-classifier", "regression", "momentum"])
def test_verdicts(name: str, tmp_path: Path) -> None:
    task = task_of(name)
    sheets = drawn_sheets(task, 40) + carried_sheets(task)
    for sheet, found in zip(sheets, on_page(task, sheets, tmp_path), strict=True):
        for answer, (verdict, note) in by_checker(task, sheet).items():
            assert found[answer] is not None, answer
            assert found[answer]["verdict"] == verdict, (answer, sheet)
            if verdict != Verdict.UNCHECKABLE:
                assert found[answer]["note"] == note, (answer, sheet)


SLIPS = [
    ({"E_o1": "0.549622167"}, "E_o1", "the factor ½ is left out"),
    ({"delta_o1": "-0.138498562"}, "delta_o1", "the sign is turned round"),
    ({"net_h1": "0.0275"}, "net_h1", "the term b1 is left out"),
    ({"dE_o2/dout_h1": "-0.0171442064"}, "dE_o2/dout_h1", "w6"),
    ({"w5+": "0.44108352"}, "w5+", "the sign of"),
    ({"dE_total/dout_h1": "0.0302297395"}, "dE_total/dout_h1", "already updated"),
]


@pytest.mark.parametrize(("sheet", "name", "said"), SLIPS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_likely_slip(sheet: Sheet, name: str, said: str, tmp_path: Path) -> None:
    (found,) = on_page(task_of("mazur"), [sheet], tmp_path)
    assert found[name]["verdict"] == "wrong"
    assert said in found[name]["slip"], found[name]["slip"]


def test_following_names_what_it_follows_from(tmp_path: Path) -> None:
    (found,) = on_page(task_of("mazur"), [{"net_h1": "0.4775", "out_h1": "0.617157"}], tmp_path)
    assert found["out_h1"] == {
        "verdict": "follows from your earlier value", "note": "", "earlier": ["net_h1"], "slip": ""
    }  # fmt: skip
