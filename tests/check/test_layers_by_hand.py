"""Layers of other kinds calculated by hand in NumPy: right numbers are right, and each mistake is named.

The tables of ``by_hand`` say for each mistake where the first wrong number is, and the ids that name it. All of them
are made in CI; elsewhere the best known ones and a quarter of the others.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from chainrule.check.answers import Answer, Answers
from chainrule.check.result import Checked
from chainrule.model.check import Check
from check.by_hand.attention import ATTENTION, attention
from check.by_hand.convolution import SLIPS, convolution
from check.by_hand.made import Calculation, Made, Slip
from check.by_hand.normalisation import NORM, RMS, norm, rms
from check.by_hand.recurrence import GRU, LSTM, SIMPLE, gru, lstm, simple
from check.by_hand.shaping import BRANCHED, DROPPED, WORDS, branched, dropped, words
from check.random_networks import Writing, answer, full

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
RIGHT = ("right", "right to the digits given")
WRITINGS: Mapping[str, Writing | None] = {
    "all bits": None,
    "4 decimals": Writing(4, significant=False),
    "5 digits": Writing(5, significant=True),
    "6 decimals": Writing(6, significant=False),
    "6 digits, cut off": Writing(6, significant=True, cut=True),
}
TABLES: Mapping[Calculation, Mapping[str, Slip]] = {
    convolution: SLIPS,
    attention: ATTENTION,
    norm: NORM,
    rms: RMS,
    simple: SIMPLE,
    lstm: LSTM,
    gru: GRU,
    words: WORDS,
    dropped: DROPPED,
    branched: BRANCHED,
}
NETWORKS: Mapping[Calculation, tuple[dict[str, Any], ...]] = {
    convolution: (
        {},
        {"second": True, "stride": 2, "padding": 1},
        {"pool": "max", "activation": "relu"},
        {"pool": "average", "padding": 1},
    ),
    attention: ({}, {"heads": None, "causal": True}, {"bias": False, "causal": True}),
    norm: ({}, {"kind": "layer", "samples": 2}),
    rms: ({},),
    simple: ({}, {"returns": "all"}),
    lstm: ({"samples": 1}, {"returns": "last"}),
    gru: ({}, {"reset": "before"}),
    words: ({},),
    dropped: ({},),
    branched: ({},),
}
ONE = {"samples": 1}
SMALL = {attention: ONE, simple: ONE, lstm: ONE, gru: ONE, convolution: {"channels": 1, "size": 5}}


def written(made: Made, writing: Writing | None) -> Iterator[Answer]:
    """All numbers of a calculation, each by its family and its place there."""
    for name, array in made.numbers.items():
        for index in np.ndindex(*array.shape):
            label = f"{name}[{','.join(str(each + 1) for each in index)}]" if index else name
            value = float(array[index])
            yield full(label, value) if writing is None else answer(label, writing(value))


def checked(made: Made, writing: Writing | None) -> Check:
    return made.step.check(Answers(tuple(written(made, writing))))


@pytest.mark.parametrize("writing", WRITINGS if IN_CI else ["4 decimals", "6 digits, cut off"])
@pytest.mark.parametrize(
    ("calculation", "settings"),
    [(calculation, settings) for calculation, ways in NETWORKS.items() for settings in ways],
    ids=lambda each: each.__name__ if callable(each) else ",".join(f"{k}={v}" for k, v in each.items()),
)
def test_right_numbers(calculation: Calculation, settings: dict[str, Any], writing: str) -> None:
    check = checked(calculation(np.random.default_rng(1), **settings), WRITINGS[writing])
    assert [(each.name, each.given, each.verdict) for each in check.result.checked if each.verdict not in RIGHT] == []


# What the mistakes that are taught and asked about most have to be called.
NAMED = {
    "kernel not turned round on the way back": (convolution, "kernel not turned", "kernel-not-turned"),
    "bias summed over the wrong axes": (convolution, "bias over the samples only", "bias-over-some-axes"),
    "the last time step only": (lstm, "last step only", "last-step-only"),
    "memory not carried back": (lstm, "memory not carried back", "carry-dropped"),
    "current state for the previous": (simple, "current state for previous", "wrong-step"),
    "statistics as constants": (norm, "statistics constant", "statistics-constant"),
    "gamma forgotten": (norm, "gamma forgotten", "scale-left-out"),
    "softmax entry by entry": (attention, "softmax elementwise", "elementwise-softmax"),
    "sqrt(d) forgotten": (attention, "not scaled", "root-left-out"),
    "mask after softmax": (attention, "mask after softmax", "mask-after-softmax"),
}


CASES = [(calculation, slip) for calculation, table in TABLES.items() for slip in table]
CHOSEN = CASES if IN_CI else list(dict.fromkeys([*((own, slip) for own, slip, _ in NAMED.values()), *CASES[::4]]))


@pytest.mark.parametrize(
    ("calculation", "slip", "writing"),
    [(*case, list(WRITINGS)[place % len(WRITINGS)]) for place, case in enumerate(CHOSEN)],
    ids=lambda each: each.__name__ if callable(each) else each,
)
def test_mistake(calculation: Calculation, slip: str, writing: str) -> None:
    """The first wrong number is where the mistake was made, and its first cause, or one as good, is the mistake."""
    expected = TABLES[calculation][slip]
    settings = {**SMALL.get(calculation, {}), **expected.only}
    check = checked(calculation(np.random.default_rng(0), slip, **settings), WRITINGS[writing])
    first = in_question(check)
    assert first.name.partition("[")[0] == expected.where
    named = {cause for each in first.causes[:1] for cause in (each.id, *each.ambiguous_with)}
    if expected.ids:
        assert any(is_one_of(cause, expected) for cause in named), [each.id for each in first.causes]


def in_question(check: Check) -> Checked:
    """The first wrong number; where another convention would make all right, the first with a cause."""
    result = check.result
    if result.first_wrong is not None:
        return result.checked[result.first_wrong]
    assert result.convention is not None, "all is right"
    return next(each for each in result.checked if each.causes)


def is_one_of(cause: str, expected: Slip) -> bool:
    """Whether a cause is expected: by its id, or as one of the small changes that have no row of their own."""
    return cause in expected.ids or any(
        cause.startswith(name) for name in expected.ids if name.startswith("everywhere-")
    )


@pytest.mark.parametrize("case", NAMED)
def test_its_row_is_expected(case: str) -> None:
    calculation, slip, row = NAMED[case]
    assert row in TABLES[calculation][slip].ids


@pytest.mark.parametrize("slip", ["statistics constant", "gamma forgotten", "gamma forgotten on the way back"])
def test_layer_norm(slip: str) -> None:
    made = norm(np.random.default_rng(0), slip, kind="layer", samples=2)
    first = in_question(checked(made, WRITINGS["5 digits"]))
    assert first.name.partition("[")[0] == NORM[slip].where
    assert first.causes[0].id in NORM[slip].ids
