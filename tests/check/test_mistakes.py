"""Each row of mistakes is found again: in its own example, and in random networks of its kind."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.check.answers import Answers
from chainrule.check.candidates import Candidate, candidates, changed_lines, recalculated
from chainrule.check.edits import edited, edits
from chainrule.check.example_networks import EXAMPLE_NETWORKS
from chainrule.check.mistakes import MISTAKES, Mistake
from chainrule.check.norm_mistakes import NORM_MISTAKES
from chainrule.check.resolve import at_round
from chainrule.check.result import Cause, Checked
from chainrule.check.rounds import split_after
from chainrule.check.sheet import Key, Sheet, calculated, dependents, identifier
from chainrule.check.slips import kin_of
from chainrule.check.time_mistakes import TIME_MISTAKES
from chainrule.check.window_mistakes import WINDOW_MISTAKES
from chainrule.explain.find import find
from chainrule.explain.names import Ratio, Scalar, name, ratio_name
from chainrule.model.check import Check
from chainrule.model.right import Rounds
from chainrule.model.trial import sheet_for
from chainrule.numbers.arithmetic import FLOAT, MIXED
from chainrule.numbers.evaluate import evaluate_names
from check.random_layers import BUILDS, layered
from check.random_networks import Case, Kind, Writing, answer, full, networks, often

LOSS = Scalar("E_total", ())
WAY = Writing(9, significant=True)
TELLING = 1e-6  # relative: nine digits show it for certain, and single precision does not account for it


def sheet_after(step: cr.Step, done: int, key: Key | None = None) -> Sheet:
    return sheet_for(Rounds(step._task), [key or Key(done, LOSS)])[0]


def bent(sheet: Sheet, candidate: Candidate, right: Mapping[str, Any]) -> dict[str, Any]:
    """All lines of a sheet, calculated with a mistake."""
    return {**right, **(recalculated(sheet, changed_lines(sheet, candidate), right, {}) or {})}


def differs(value: Any, right: Any) -> bool:
    return abs(float(value) - float(right)) > TELLING * abs(float(right))


def written_name(sheet: Sheet, text: str) -> str:
    done, quantity = sheet.keys[text]
    names = sheet.names[done]
    return ratio_name(names, quantity) if isinstance(quantity, Ratio) else name(names, quantity)


def first_in_question(check: Check) -> Checked:
    """The first wrong number; where another convention would make all right, the first with a cause."""
    result = check.result
    if result.first_wrong is not None:
        return result.checked[result.first_wrong]
    assert result.convention is not None, "all is right"
    return next(each for each in result.checked if each.causes)


def is_named(causes: tuple[Cause, ...], row: Mistake) -> bool:
    return bool(causes) and row.id in (causes[0].id, *causes[0].ambiguous_with)


def told(causes: tuple[Cause, ...]) -> list[tuple[Any, ...]]:
    return [(each.id, each.explains, each.against, each.ambiguous_with) for each in causes]


def test_ids_are_different_and_sentences_are_whole() -> None:
    assert len({row.id for row in MISTAKES}) == len(MISTAKES)
    for row in MISTAKES:
        assert row.text, row.id
        assert not row.text.endswith("."), row.id
        assert row.why.endswith("."), row.id
        assert 0 < row.plausible < 1, row.id


@pytest.mark.parametrize("row", MISTAKES, ids=lambda row: row.id)
def test_its_own_example(row: Mistake, tmp_path: Path) -> None:
    """The mistake spoils the quantity, and for the spoilt number alone it is named."""
    network, quantity = row.example
    if network in EXAMPLE_NETWORKS:
        file = tmp_path / f"{network}.toml"
        file.write_text(EXAMPLE_NETWORKS[network], "utf-8")
        network = str(file)
    step = cr.load(network)
    of, after = split_after(quantity)
    rounds = Rounds(step._task)
    found = find(rounds.names_at(after or 0), of)
    assert isinstance(found, Scalar | Ratio)
    key = at_round(found, after or 0, rounds.names_at)
    sheet = sheet_after(step, key.done, key)
    right = calculated(sheet, MIXED)
    line = identifier(key)
    values = [bent(sheet, each, right)[line] for each in candidates(sheet, [row])]
    spoilt = [value for value in values if value != right[line]]
    assert spoilt
    for value in spoilt:
        check = step.check(Answers((full(of, value, after or 0),)))
        if first := [each for each in check.result.checked if each.causes]:
            assert is_named(first[0].causes, row), told(first[0].causes)
        else:
            assert not differs(value, right[line])
    assert any(differs(value, right[line]) for value in spoilt) or row.id in TINY


TINY = ("epsilon-inside-the-root",)  # in a number of ordinary size it shows in the last digits only

SIGMOID = ("logistic", "tanh")
SQUARED = ("half_squared_error", "squared_error", "mean_squared_error")
USUAL = Kind(
    layers=(2,),
    sizes=(2,),
    hidden=SIGMOID,
    ends=tuple((activation, loss) for activation in SIGMOID for loss in SQUARED),
    optimizers=("gradient_descent",),
    batches=(1,),
    biases=("shared", "per_neuron"),
    means=(None,),
)
SOFTMAX = replace(USUAL, ends=(("softmax", "cross_entropy"),))
CROSS = replace(USUAL, ends=(("softmax", "cross_entropy"), ("logistic", "binary_cross_entropy")))
ADAM = replace(USUAL, optimizers=("adam",), layers=(1,), sizes=(1, 2))
SQUARE = replace(USUAL, square=True)
KINDS = {
    "elementwise-softmax": SOFTMAX,
    "softmax-twice": SOFTMAX,
    "cross-entropy-slope": CROSS,
    "log-base": CROSS,
    "no-bias-correction": ADAM,
    "correction-without-power": ADAM,
    "square-left-out": ADAM,
    "epsilon-inside-the-root": ADAM,
    "previous-state": replace(ADAM, optimizers=("adam", "momentum")),
    "mean-twice": replace(USUAL, batches=(2,)),
    "mean-left-out": replace(USUAL, batches=(2,)),
    "transposed-backward": SQUARE,
    "transposed-forward": SQUARE,
    "tanh-slope-plus": replace(USUAL, hidden=("tanh",)),
    "half-left-out": replace(USUAL, ends=tuple((activation, "half_squared_error") for activation in SIGMOID)),
}
IN_LATER_ROUNDS = ("correction-without-power", "previous-state")  # in the first round they make no difference
CHANCE = st.randoms(use_true_random=False)
OF_LAYERS = (*WINDOW_MISTAKES, *TIME_MISTAKES, *NORM_MISTAKES)  # those that aren't in BUILDS: test_layers_by_hand
IN_RANDOM_NETWORKS = [row for row in MISTAKES if row.id in BUILDS or row not in OF_LAYERS]


@pytest.mark.parametrize("row", IN_RANDOM_NETWORKS, ids=lambda row: row.id)
def test_found_again_in_random_networks(row: Mistake) -> None:
    """All numbers are calculated with the mistake, and handed in."""

    @often(2)
    @given(layered(row.id) if row.id in BUILDS else networks(KINDS.get(row.id, USUAL)), CHANCE)
    def found_again(case: Case, chance: Random) -> None:
        sheet = sheet_after(case.step, int(row.id in IN_LATER_ROUNDS))
        ways = list(candidates(sheet, [row]))
        assume(ways)
        way = chance.choice(ways)
        right = calculated(sheet, MIXED)
        values = bent(sheet, way, right)
        assume(all(np.isfinite(float(value)) for value in values.values()))
        assume(any(differs(values[text], right[text]) for text in sheet.lines))
        answers = [answer(written_name(sheet, text), WAY(values[text]), sheet.keys[text].done) for text in sheet.lines]
        first = first_in_question(case.step.check(Answers(tuple(answers))))
        assert is_named(first.causes, row), (way.bend.detail, first.name, first.given, told(first.causes))
        if first.causes[0].id != row.id and first.line:
            assert are_equals(sheet, right, first, row), "ambiguous with a cause that gives another number"

    found_again()


def are_equals(sheet: Sheet, right: Mapping[str, Any], first: Checked, row: Mistake) -> bool:
    """Whether the cause named first gives the same number as a way of making the row's mistake does."""
    both = [each for each in candidates(sheet) if each.row.id in (first.causes[0].id, row.id)]
    values = {each.row.id: set[str]() for each in both}
    for each in both:
        values[each.row.id].add(f"{float(bent(sheet, each, right)[first.line]):.7g}")
    return first.causes[0].id not in values or bool(values[first.causes[0].id] & values[row.id])


@often(20)
@given(networks(replace(USUAL, optimizers=("gradient_descent", "adam"))), CHANCE)
def test_a_single_edit_has_a_cause(case: Case, chance: Random) -> None:
    """One small change of one formula, and the number handed in: there is always something to say."""
    sheet = sheet_after(case.step, 0)
    right = calculated(sheet, MIXED)
    line = chance.choice(list(sheet.lines))
    formula = sheet.lines[line]
    later = {line, *dependents(sheet, [line])}
    kin = kin_of(sheet)
    floats = {text: float(each) for text, each in right.items()}
    ways, numbers = edits(formula, lambda node: (each for each in kin(node) if each.name not in later), floats)
    assume(ways)
    way = chance.randrange(len(ways))
    edit, value = ways[way], float(numbers[way])
    with np.errstate(all="ignore"):
        again = evaluate_names(edited(formula, edit), floats, FLOAT)
    assert value == pytest.approx(again, rel=1e-9, abs=1e-12, nan_ok=True)
    assume(np.isfinite(value) and value and abs(value - float(right[line])) > 1e-3 * abs(float(right[line])))
    (checked,) = case.step.check(Answers((answer(written_name(sheet, line), WAY(value)),))).result.checked
    assert checked.verdict == "wrong" or checked.verdict == "right"
    assert checked.causes, (edit.change, checked.name, checked.given)
