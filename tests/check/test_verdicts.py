"""Right numbers are never called wrong, however they are written; wrong ones are told from those that follow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.check.answers import Answer, Answers
from chainrule.check.sheet import Sheet, calculated, dependents, key_name
from chainrule.engines.numpy import compile_program
from chainrule.explain.names import name, scalars
from chainrule.formula.expression import Call, Div, Expr, Mul, Num, Pow, Ref, children, with_children
from chainrule.model import NotFiniteError
from chainrule.model.right import Rounds
from chainrule.numbers.arithmetic import MIXED
from chainrule.numbers.evaluate import evaluate_names
from check.random_networks import SMOOTH, WRITINGS, Case, Kind, Writing, answer, networks, often, sheet_of_round

RIGHT = ("right", "right to the digits given")
SQUARED = ("half_squared_error", "squared_error", "mean_squared_error")


def verdicts(case: Case, answers: Iterable[Answer]) -> list[dict[str, Any]]:
    return case.step.check(Answers(tuple(answers))).verdicts


def assert_right(case: Case, answers: Sequence[Answer]) -> None:
    for each in verdicts(case, answers):
        assert each["verdict"] in RIGHT, (each["name"], each["after"], each["given_text"], each["expected"])


def some(chance: Random, numbers: Sequence[Any]) -> list[Any]:
    """Any of them in any order: all, half of the time."""
    return chance.sample(numbers, chance.choice((len(numbers), chance.randint(1, len(numbers)))))


def by_hand(formula: Expr, used: Mapping[str, Any], writing: Writing) -> Any:
    """A formula with the result of each product, quotient, power and function written down."""
    match formula:
        case Num(typed):
            return MIXED.number(typed)
        case Ref(of):
            return used[of]
    parts = {f"part{place}": by_hand(child, used, writing) for place, child in enumerate(children(formula))}
    value = evaluate_names(with_children(formula, tuple(map(Ref, parts))), parts, MIXED)
    if isinstance(formula, Mul | Div | Pow | Call):
        assume(np.isfinite(float(value)))
        return MIXED.number(writing(value))
    return value


def calculation(case: Case, writing: Writing) -> dict[str, Decimal]:
    """The whole sheet by hand, each line worked out from the lines as they were written, by its name."""
    sheet = sheet_of_round(case.step)
    used = {text: MIXED.number(Decimal(repr(float(value)))) for text, value in sheet.given.items()}
    written = {}
    for text, formula in sheet.lines.items():
        value = by_hand(formula, used, writing)
        assume(np.isfinite(float(value)))
        written[line_name(sheet, text)] = writing(value)
        used[text] = MIXED.number(writing(value))
    return written


def line_name(sheet: Sheet, text: str) -> str:
    return key_name(sheet.names, sheet.keys[text])


def built(network: cr.Network, optimizer: str, inputs: Sequence[float], targets: Sequence[float]) -> Case:
    return Case(network.step([inputs], [targets], optimizer=optimizer, learning_rate=0.05), f"a network, {optimizer}")


# The second layer sees nothing, so that the gradients are 0 and Adam divides 0 by its epsilon.
NOTHING_COMES_IN = built(
    cr.Network(1, [cr.Dense(1, "soft_shrink", [[0.5]], None), cr.Dense(1, "tanh", [[0.3]], None)]),
    "adam", [0.5], [0.2],
)  # fmt: skip
# Gradients are exactly 0, and 1e-17 for who calculates with floats: cut off, 0.71999 for 0.72.
ALL_BUT_NOTHING = Case(
    cr.Network(
        1,
        [
            cr.Dense(3, "identity", [[0.47], [0.72], [0.71]], None),
            cr.Dense(1, "hard_shrink", [[0.06, 0.9, 0.46]], None),
            cr.Dense(2, "logistic", [[0.7], [0.9]], 0.67),
        ],
        "half_squared_error",
    ).step([[0.36], [0.36]], [[0.15, 0.89], [0.74, 0.2]], optimizer="adam", learning_rate=0.05),
    "a network whose hidden layer sends nothing",
)
WITH_ADAM = built(cr.Network(1, [cr.Dense(1, "logistic", [[0.05]], None)]), "adam", [0.05], [0.05])

CHANCE = st.randoms(use_true_random=False)


@example(NOTHING_COMES_IN, Random(0), Writing(6, False), False, False)
@example(ALL_BUT_NOTHING, Random(0), Writing(5, False, True), False, False)
@often(20)
@given(networks(), CHANCE, WRITINGS, st.booleans(), st.booleans())
def test_rounded_and_truncated(case: Case, chance: Random, way: Writing, own_ways: bool, next_too: bool) -> None:
    """Each number with the same number of digits, or each with its own, of this round and of the next."""
    try:
        values = [
            (of, value, step.rounds_done)
            for step in ([case.step, case.step.next()] if next_too else [case.step])
            for of, value in step.values().items()
        ]
    except NotFiniteError:
        assume(False)
    answers = []
    for of, value, after in some(chance, values):
        own = Writing(chance.randint(2, 12), chance.random() < 0.5, chance.random() < 0.5) if own_ways else way
        answers.append(answer(of, own(value), after))
    assert_right(case, answers)


@example(NOTHING_COMES_IN, "w2+", Writing(6, False))
@example(ALL_BUT_NOTHING, "w2+", Writing(5, True, True))
@often(20)
@given(networks(), CHANCE, WRITINGS)
def test_one_number_alone(case: Case, chance: Random | str, way: Writing) -> None:
    values = case.step.values()
    of = chance if isinstance(chance, str) else chance.choice(list(values))
    assert_right(case, [answer(of, way(values[of]))])


# Adam divides by the root of a squared gradient, which a few decimals leave nothing of.
BY_HAND = Kind(optimizers=("gradient_descent", "momentum"))


@often(15)
@given(networks(BY_HAND), CHANCE, st.integers(3, 6), st.booleans())
def test_by_hand_with_decimals(case: Case, chance: Random, digits: int, cut: bool) -> None:
    written = calculation(case, Writing(digits, significant=False, cut=cut))
    assert_right(case, [answer(*each) for each in some(chance, list(written.items()))])


@often(15)
@given(networks(BY_HAND), CHANCE, st.integers(4, 6), st.booleans())
def test_by_hand_with_significant_digits(case: Case, chance: Random, digits: int, cut: bool) -> None:
    written = calculation(case, Writing(digits, significant=True, cut=cut))
    assert_right(case, [answer(*each) for each in some(chance, list(written.items()))])


@example(WITH_ADAM, Random(0))
@often(15)
@given(networks(), CHANCE)
def test_float32(case: Case, chance: Random) -> None:
    """What NumPy calculates in float32 throughout, as it prints it."""
    rounds = Rounds(case.step._task)
    names = rounds.names_at(0)
    single = compile_program(names.program, dtype=np.float32)(rounds.given(0))
    texts = [
        (name(names, scalar), str(np.float32(array[scalar.index])))
        for family, array in single.items()
        for scalar in scalars(names.program.families[family])
    ]
    assume(all(np.isfinite(float(text)) for _, text in texts))
    chosen = texts if case is WITH_ADAM else some(chance, texts)
    assert_right(case, [answer(of, Decimal(text)) for of, text in chosen])


def test_float32_is_named() -> None:
    found = built(cr.Network(1, [cr.Dense(1, "tanh", [[0.7]], 0.1)]), "adam", [0.3], [0.2])
    right = found.step["delta_o1"]
    (verdict,) = verdicts(found, [answer("delta_o1", Decimal(str(np.float32(right) + np.float32(3e-8))))])
    assert (verdict["verdict"], verdict["note"]) == ("right", "as float32 has it")


def test_an_exact_zero_is_only_wrong() -> None:
    (verdict,) = verdicts(NOTHING_COMES_IN, [answer("net_h1", Decimal(0))])
    assert verdict["verdict"] == "wrong"


FOLLOWS = "follows from your earlier value"
SMOOTH_ONES = Kind(
    hidden=SMOOTH,
    ends=(
        *((activation, loss) for activation in ("logistic", "tanh") for loss in SQUARED),
        ("softmax", "cross_entropy"),
        ("logistic", "binary_cross_entropy"),
    ),
)


def carried_on(case: Case, chance: Random, number: Callable[[float], float]) -> tuple[Sheet, str, dict[str, Any]]:
    """A sheet with another number on one line, and all that was rightly calculated from it."""
    sheet = sheet_of_round(case.step)
    right = calculated(sheet, MIXED)
    changed = chance.choice(list(sheet.lines))
    given = MIXED.number(Decimal(repr(number(float(right[changed])))))
    assume(not np.isclose(float(given), float(right[changed]), rtol=1e-6, atol=0))
    values = calculated(sheet, MIXED, {changed: given})
    assume(all(np.isfinite(float(value)) for value in values.values()))
    return sheet, changed, {**values, changed: given}


@often(6)
@given(networks(SMOOTH_ONES), CHANCE, st.floats(1.1, 1.9))
def test_one_wrong_number_carried_on(case: Case, chance: Random, factor: float) -> None:
    sheet, changed, values = carried_on(case, chance, lambda right: round(right * factor + 0.001, 9))
    others = some(chance, [text for text in sheet.lines if text != changed])
    chosen = chance.sample([changed, *others], len(others) + 1)
    way = Writing(9, significant=True)
    check = case.step.check(Answers(tuple(answer(line_name(sheet, text), way(values[text])) for text in chosen)))
    assert check.first_wrong == line_name(sheet, changed)
    later = dependents(sheet, [changed])
    for text, each in zip(chosen, check.verdicts, strict=True):
        allowed = ("wrong",) if text == changed else (*RIGHT, FOLLOWS) if text in later else RIGHT
        assert each["verdict"] in allowed, (each["name"], each["given_text"], each["with_your_numbers"])


@often(6)
@given(networks(SMOOTH_ONES), CHANCE, st.sampled_from((0.0, 1.0)))
def test_what_a_trivial_number_makes_trivial_is_not_credited(case: Case, chance: Random, number: float) -> None:
    sheet, changed, values = carried_on(case, chance, lambda _: number)
    way = Writing(9, significant=True)
    lines = list(sheet.lines)
    check = case.step.check(Answers(tuple(answer(line_name(sheet, text), way(values[text])) for text in lines)))
    assert check.first_wrong == line_name(sheet, changed)
    for text, each in zip(lines, check.verdicts, strict=True):
        if text == changed:
            assert each["verdict"] == "wrong"
        elif text in sheet.users.get(changed, ()):
            assert each["verdict"] in (*RIGHT, "not checkable"), each["name"]
        elif each["verdict"] == "not checkable":
            assert "shows nothing" in each["note"]
        else:
            assert each["verdict"] in (*RIGHT, FOLLOWS), each["name"]
