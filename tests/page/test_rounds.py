"""Training on the page: every number that is shown is the package's, to all digits; what is exact, is exact."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.explain.writing import rounded
from chainrule.model.prepare import task_of
from chainrule.page.program_json import live_data
from chainrule.spec.reader import parse_spec
from page.node import ask, received, run_on_page

ROUNDS = (0, 1, 9, 99, 999, 9999)  # done before: those of the rounds 1, 2, 10, 100, 1000 and 10,000
SLOWEST = 20.0  # seconds for 10,000 rounds of the tutorial's network: it takes about one


def data_of(step: cr.Step) -> Any:
    """What the page is given, after a way through JSON."""
    return json.loads(json.dumps(live_data(step.page().live), allow_nan=False))


# What is left where numbers near 1 cancel is rounding: the order of a sum changes all its digits.
NOISE = 1e-14


def assert_same_text(text: str, number: float, digits: int, name: str) -> None:
    shown = str(rounded(number, digits))
    assert text == shown or abs(float(shown) - float(text)) <= NOISE + _last_digit(shown, digits), name


def _last_digit(shown: str, digits: int) -> float:
    """The worth of the last digit of a number so small that noise may decide how that digit is rounded."""
    return abs(float(shown)) * 10.0 ** (1 - digits) if abs(float(shown)) < NOISE * 10.0 ** (digits + 1) else 0.0


def assert_shown_alike(step: cr.Step, shown: Any, digits: int) -> int:
    """Each number's text; returns how many there were."""
    ledger = step.round.ledger
    assert shown["texts"].keys() == ledger.keys()
    for name, array in ledger.items():
        for number, text in zip(np.asarray(array).ravel(), shown["texts"][name], strict=True):
            assert_same_text(text, number, digits, name)
    if step.round.afterwards is None:
        assert shown["afterwards"] is None
    else:
        assert_same_text(shown["afterwards"], step.round.afterwards["E_total"][()], digits, "E_total")
    return sum(np.size(array) for array in ledger.values())


def test_ten_thousand_rounds_of_the_tutorial() -> None:
    step = cr.load("mazur")
    answer = ask("train", task=data_of(step), wanted=[*ROUNDS, 10_000], digits=9)
    for done, shown in zip((*ROUNDS, 10_000), answer["rounds"], strict=True):
        assert assert_shown_alike(step.after(done), shown, 9) > 50
    assert len(answer["losses"]) == 10_000
    assert answer["seconds"] < SLOWEST


@pytest.mark.parametrize("example", [name for name, _ in cr.examples()])
def test_rounds_of_every_example(example: str) -> None:
    step = cr.load(example)
    wanted = (0, 1, 2, 3, 50)
    answer = ask("train", task=data_of(step), wanted=wanted, digits=9)
    for done, shown in zip(wanted, answer["rounds"], strict=True):
        assert_shown_alike(step.after(done), shown, 9)


def test_what_training_reports_is_the_loss_of_each_round() -> None:
    step = cr.load("mini-batch")
    losses = ask("train", task=data_of(step), wanted=[7], digits=9)["losses"]
    for done, loss in enumerate(losses):
        assert received(loss) == pytest.approx(float(step.after(done).round.ledger["E_total"]), rel=1e-12)


# Exact fractions, as on paper.

RATIONAL = ("identity", "relu", "leaky_relu", "hard_sigmoid")
IRRATIONAL = ("logistic", "tanh", "softplus")
LOSSES = ("half_squared_error", "mean_squared_error", "absolute_error", "huber")
DECIMALS = st.builds(lambda whole, places: f"{Decimal(whole).scaleb(-places):f}", st.integers(-300, 300), st.just(2))
RATES = st.sampled_from(("0.5", "0.1", "0.03", "1"))
FILE = """
[network]
inputs = {inputs}
loss = "{loss}"
[[layer]]
name = "h"
units = {hidden}
activation = "{first}"
weights = {w_h}
bias = {b_h}
[[layer]]
name = "o"
units = {outputs}
activation = "{last}"
weights = {w_o}
bias = {b_o}
[data]
inputs = {x}
targets = {target}
[training]
learning_rate = {rate}
"""


def loaded(text: str) -> cr.Step:
    """A network file's text: its numbers are typed, those of arrays in a program are not."""
    return cr.Step(task_of(parse_spec(text, "a file")))


@st.composite
def small_networks(draw: st.DrawFn) -> str:
    """Network files, of functions with and without exact values."""
    inputs, hidden, outputs, samples = (draw(st.integers(1, 3)) for _ in range(4))
    activation = st.sampled_from((*RATIONAL, *IRRATIONAL))

    def array(*shape: int) -> str:
        parts = (array(*shape[1:]) if shape[1:] else draw(DECIMALS) for _ in range(shape[0]))
        return f"[{', '.join(parts)}]"

    return FILE.format(
        inputs=inputs, hidden=hidden, outputs=outputs, loss=draw(st.sampled_from(LOSSES)), rate=draw(RATES),
        first=draw(activation), last=draw(activation), w_h=array(hidden, inputs), b_h=array(hidden),
        w_o=array(outputs, hidden), b_o=array(outputs), x=array(samples, inputs), target=array(samples, outputs),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(small_networks())
def test_fractions_stay_exact_as_long_as_those_of_the_package(text: str) -> None:
    example = loaded(text).round
    found = run_on_page(example.names.program, {**example.ledger, **example.typed}, "MIXED")
    for name, array in example.ledger.items():
        for ours, theirs in zip(found[name].flat, np.asarray(array).flat, strict=True):
            assert isinstance(ours, Fraction) == isinstance(theirs, Fraction), name
            if isinstance(theirs, Fraction):
                assert ours == theirs, name
            assert ours == pytest.approx(theirs, rel=1e-11, abs=1e-13), name


ON_PAPER = FILE.format(
    inputs=2, hidden=2, outputs=1, loss="half_squared_error", rate="0.1", first="relu", last="identity",
    w_h="[[0.3, -0.4], [0.1, 0.70]]", b_h="[0.1, 0.1]", w_o="[[0.7, 1.1]]", b_o="[0]", x="[[1, 1.0]]", target="[[0.3]]",
)  # fmt: skip


def test_a_network_of_fractions_is_exact_throughout() -> None:
    step = loaded(ON_PAPER)
    (shown,) = ask("train", task=data_of(step), wanted=[0], digits=17)["rounds"]
    assert_shown_alike(step, shown, 17)
    assert shown["texts"]["net_h"] == ["0", "0.9"]  # with floats the first is -2.8e-17
    for name in ("net_h", "out_o", "E_total", "d_w_h", "w_h_next"):
        assert all("fraction" in each for each in shown["exact"][name])


@pytest.mark.parametrize("text", ["0.25000000001", "1E-300", "-12345678.9", "0.250", "0.1" + "0" * 50 + "1"])
def test_a_weight_typed_anew_gives_what_the_package_gives_for_it(text: str) -> None:
    data = data_of(loaded(ON_PAPER))
    data["start"]["w_h"][1] = text
    (shown,) = ask("train", task=data, wanted=[0], digits=9)["rounds"]
    assert_shown_alike(loaded(ON_PAPER.replace("-0.4", text)), shown, 9)
