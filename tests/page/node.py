"""The page's JavaScript modules, run by Node: one process for all tests, a question and an answer for each line."""

import atexit
import json
import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from chainrule.numbers.ledger import Ledger
from chainrule.page.program_json import functions_data, program_data
from chainrule.program.program import Program

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
SECONDS = 60  # the longest that an answer may take

DRIVER = r"""
import { createInterface } from "node:readline";
import { FLOATS, MIXED } from "./arithmetic.js";
import { evaluator, count, unflat } from "./evaluate.js";
import { numberText, rounded, typedNumber } from "./format.js";
import { addressOf, keyOf, lineOf, nameOf, scalar, scalarOf, symbolOf } from "./names.js";
import { arranged } from "./arrange.js";
import { addendsTo, derivationOf, equationOf, ratioLine } from "./derive.js";
import { idleIn, readerOf } from "./reads.js";
import { givenOf, history, programOf, roundRunner, withActivations } from "./rounds.js";

const KINDS = { FLOATS, MIXED };
// JSON has no NaN, no infinity and no -0: these are an object, {"float": "NaN"}. A fraction is {"fraction": "1/3"}.
const sent = (value) =>
  typeof value !== "number" ? { fraction: `${value.n}/${value.d}` }
  : Number.isFinite(value) && !Object.is(value, -0) ? value : { float: Object.is(value, -0) ? "-0" : String(value) };
const received = (value) =>
  value?.float ? Number(value.float)
  : value?.fraction ? fractionFrom(value.fraction) : value;
const fractionFrom = (text) => { const [n, d] = text.split("/").map(BigInt); return { n, d }; };
const numbers = (ledger, put) =>
  Object.fromEntries(Object.entries(ledger).map(([name, values]) => [name, values.map(put)]));

const shownOf = ({ task, digits = 9, done = 0, chosen = {} }) => {
  const whole = { ...task, programs: task.programs.map((each) => withActivations(each, chosen)) };
  const trained = history(whole, whole.start, 0);
  while (trained.done < done) trained.step();
  const program = programOf(whole, done);
  const given = givenOf(whole, trained.stateAt(done), done);
  const { ledger, kind, afterwards } = roundRunner(program, whole).run(given);
  return {
    ...structureOf(program, task.loss), ledger, typed: given, functions: task.functions, kind, digits, afterwards,
  };
};
const structureOf = (program, loss) => ({
  families: new Map(program.families.map((each) => [each.name, each])),
  definitions: new Map(program.definitions.map((each) => [each.target, each])),
  loss,
});
const scalarsOf = (shown) =>
  [...shown.families.values()].flatMap(({ name, shape }) =>
    Array.from({ length: count(shape) }, (_, place) => scalar(name, unflat(shape, place))));

// A formula in a way that both languages can write: lists, with names for quantities.
const written = (shown, node) =>
  node.op === "num" ? node.value
  : node.op === "ref" ? ["ref", node.of ? nameOf(shown, node.of) : node.name]
  : [node.op, node.name ?? "", node.relation ?? "", ...(node.over ?? []), ...writtenAll(shown, node.args)];
const writtenAll = (shown, all) => all.map((each) => written(shown, each));
const equation = (shown, line) =>
  line && { sides: line.sides.map((side) => written(shown, side)), note: line.note ?? "", final: line.final ?? false };

const ACTIONS = {
  primitives: () => Object.keys(FLOATS.functions).filter((name) => name in MIXED.functions),
  run({ program, functions, given, kind }) {
    const arithmetic = KINDS[kind];
    const start = numbers(given, (value) => (value.fraction ? received(value) : arithmetic.number(received(value))));
    return numbers(evaluator(program, functions, arithmetic).run(start), sent);
  },
  train({ task, wanted, digits }) {
    const began = performance.now();
    const trained = history(task, task.start, 0);
    while (trained.done < Math.max(...wanted)) trained.step();
    const seconds = (performance.now() - began) / 1000;
    const rounds = wanted.map((done) => {
      const program = programOf(task, done);
      const { ledger, afterwards } = roundRunner(program, task).run(givenOf(task, trained.stateAt(done), done));
      const texts = numbers(ledger, (value) => rounded(value, digits));
      const after = afterwards === null ? null : rounded(afterwards, digits);
      return { texts, exact: numbers(ledger, sent), afterwards: after };
    });
    return { seconds, rounds, losses: trained.losses.map(sent) };
  },
  rounded: ({ cases }) => cases.map(([value, digits]) => rounded(received(value), digits)),
  lines: ({ texts }) => texts.map(numberText),
  typed: ({ texts }) => texts.map(typedNumber),
  names({ program, loss, ratios }) {
    const names = { families: new Map(program.families.map((each) => [each.name, each])), loss };
    const named = (each) => ({ name: nameOf(names, each), symbol: symbolOf(names, each), line: lineOf(names, each) });
    return {
      scalars: scalarsOf(names).map((each) => ({
        ...named(each), address: addressOf(names, each), key: keyOf(each), back: scalarOf(keyOf(each)),
      })),
      ratios: ratios.map(([of, by]) => named({ of: scalarOf(of), by: scalarOf(by) })),
    };
  },
  // What each scalar's formula uses, with these numbers.
  reads({ program, functions, loss, given }) {
    const ledger = numbers(given, (value) => FLOATS.number(received(value)));
    const shown = { ...structureOf(program, loss), functions, kind: FLOATS, ledger };
    const reads = readerOf(shown);
    const idle = idleIn(shown, reads);
    const all = scalarsOf(shown).map((each) => [keyOf(each), reads(each)]);
    return { reads: Object.fromEntries(all), idle: all.map(([key]) => key).filter(idle) };
  },
  // Where everything stands in the picture: grids with their cells, and neurons.
  arranged({ program, loss, limit, sample }) {
    const how = { sample, limit, upright: limit < 720, titles: {} };
    const { width, height, blocks, notes } = arranged(structureOf(program, loss), how);
    const gridBox = ({ x, y, w, h, grid: { family, rows, columns, panels } }) =>
      ({ x, y, w, h, family, rows, columns, keys: panels.flatMap((panel) => panel.keys.flat()) });
    const unitBox = ({ x, y, w, h, keys: { net, out, value } }) =>
      ({ x: x - w / 2, y: y - h / 2, w, h, family: null, keys: [net, out, value].filter(Boolean) });
    return {
      width, height, notes,
      blocks: blocks.map(({ part, boxes, dense }) => ({
        kind: part.kind, families: part.items.map((item) => item.family),
        boxes: [...boxes.map(gridBox), ...(dense?.units ?? []).map(unitBox)],
      })),
    };
  },
  derivations(asked) {
    const shown = shownOf(asked);
    return scalarsOf(shown).map((each) => {
      const { role } = shown.families.get(each.family);
      const answer = { key: keyOf(each), equation: equation(shown, equationOf(shown, each)) };
      if (role !== "adjoint") return answer;
      const found = derivationOf(shown, each);
      const lines = (all) => all.map((line) => equation(shown, line));
      return {
        ...answer, head: keyOf(found.head), through: found.through.map(keyOf), paths: lines(found.paths),
        chain: equation(shown, found.chain), factors: lines(found.factors), product: equation(shown, found.product),
        own: equation(shown, found.own),
        slopes: lines(addendsTo(shown, each).flatMap(({ factor }) => (factor ? ratioLine(shown, factor.ratio) : []))),
      };
    });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { action, ...asked } = JSON.parse(line);
  let answer;
  try {
    answer = { answer: ACTIONS[action](asked) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
"""


class PageFault(Exception):
    """What a module of the page threw."""


class Node:
    """A process that answers."""

    def __init__(self, program: str) -> None:
        self.folder = TemporaryDirectory(prefix="chainrule-page-")
        here = Path(self.folder.name)
        for module in files("chainrule").joinpath("page").iterdir():
            if module.name.endswith(".js"):
                (here / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
        (here / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        (here / "driver.js").write_text(DRIVER, encoding="utf-8")
        self.process = subprocess.Popen(
            [program, str(here / "driver.js")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1,
        )  # fmt: skip

    def ask(self, action: str, **asked: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"action": action, **asked}, allow_nan=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "node ended; what it said stands above"
        answer = json.loads(line)
        if "error" in answer:
            raise PageFault(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.folder.cleanup()


@cache
def node() -> Node:
    """The process. Without Node a test is skipped, but fails in CI, where it has to run."""
    program = shutil.which("node")
    if program is None:
        reason = "node is not installed (Debian: nodejs): the page's modules were not tried"
        if IN_CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    started = Node(program)
    atexit.register(started.close)
    return started


def ask(action: str, **asked: Any) -> Any:
    """What a page's module answers. Raises ``PageFault`` with what it threw."""
    return node().ask(action, **asked)


def sent(value: Any) -> Any:
    """A number for JSON: a typed one as its text, NaN, infinity and -0 as an object."""
    if isinstance(value, Fraction):
        return {"fraction": f"{value.numerator}/{value.denominator}"}
    if not isinstance(value, float):
        return str(value)
    return value if math.isfinite(value) and (value or math.copysign(1, value) > 0) else {"float": _text(value)}


def _text(value: float) -> str:
    return "NaN" if value != value else f"{value}".replace("inf", "Infinity").replace("-0.0", "-0")


def received(value: Any) -> Any:
    """A number from JSON: a float or a fraction."""
    if isinstance(value, dict):
        return Fraction(value["fraction"]) if "fraction" in value else float(value["float"])
    return float(value)


def sent_ledger(ledger: Ledger) -> dict[str, list[Any]]:
    return {name: [sent(each) for each in np.asarray(array).flatten().tolist()] for name, array in ledger.items()}


def run_on_page(program: Program, given: Ledger, kind: str = "FLOATS") -> dict[str, np.ndarray]:
    """All numbers of a program as the page calculates them."""
    defined = {each.target for each in program.definitions}
    needed = {name: given[name] for name in program.families if name not in defined}
    answer: Mapping[str, list[Any]] = ask(
        "run", program=program_data(program), functions=functions_data(each.formula for each in program.definitions),
        given=sent_ledger(needed), kind=kind,
    )  # fmt: skip
    dtype = float if kind == "FLOATS" else object
    return {
        name: np.array([received(each) for each in values], dtype).reshape(program.families[name].shape)
        for name, values in answer.items()
    }
