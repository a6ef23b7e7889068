"""The order of calculation: recurrences found among formulas, their steps, and what can't be one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.formula.parse import parse_formulas
from chainrule.numbers.evaluate import run
from chainrule.program.blocks import blocks, calculation
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from chainrule.program.sizes import ProgramError

X = Family("x", Role.INPUT, ("n", "t"), (2, 3))


def program(text: str) -> Program:
    return extend(Program({}), text, given=[X, Family("a", Role.PARAMETER)])


def found(text: str) -> list[tuple[str, str, bool]]:
    return [(" ".join(each.target for each in block.lines), block.letter, block.backwards)
            for block in blocks(program(text).definitions)]  # fmt: skip


def test_formulas_that_need_each_other_are_one_block() -> None:
    text = "net[n,t] = a * h[n,t - 1] + x[n,t]\nh[n,t] = tanh(net[n,t])\ny[n] = h[n,2]"
    assert found(text) == [("net h", "t", False), ("y", "", False)]


def test_a_formula_between_them_that_takes_no_part_goes_before_or_behind() -> None:
    text = """
        net[n,t] = a * h[n,t - 1] + x[n,t]
        square[n,t] = x[n,t]**2
        h[n,t] = tanh(net[n,t]) + c[n,t - 1]
        y[n,t] = h[n,t] + square[n,t]
        c[n,t] = h[n,t] * c[n,t - 1]
        """
    assert found(text) == [("net h c", "t", False), ("square", "", False), ("y", "", False)]


def test_steps_may_go_backwards() -> None:
    assert found("h[n,t] = tanh(a * h[n,t + 1] + x[n,t])") == [("h", "t", True)]


def test_within_a_step_each_stands_after_what_it_needs() -> None:
    assert found("h[n,t] = tanh(net[n,t])\nnet[n,t] = a * h[n,t - 1] + x[n,t]") == [("net h", "t", False)]


def test_every_number_comes_after_what_it_is_made_from() -> None:
    definitions = program("net[n,t] = a * h[n,t - 1] + x[n,t]\nh[n,t] = tanh(net[n,t])").definitions
    order = [(each.target, index) for each, index in calculation(definitions)]
    assert order[:4] == [("net", (0, 0)), ("net", (1, 0)), ("h", (0, 0)), ("h", (1, 0))]
    assert len(order) == 12
    assert order[-1] == ("h", (1, 2))


def test_before_the_first_step_a_state_is_0_and_the_first_step_is_shown_so() -> None:
    numbers = {"x": np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]), "a": np.array(2.0)}
    assert run(program("h[n,t] = a * h[n,t - 1] + x[n,t]"), numbers)["h"].tolist() == [[1, 4, 11], [0, 0, 1]]
    assert run(program("h[n,t] = a * h[n,t + 1] + x[n,t]"), numbers)["h"].tolist() == [[17, 8, 3], [4, 2, 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("h[n,t] = tanh(h[n,t])", r"h needs itself for h\[n,t\]; a quantity may use itself only at another value"),
        ("h[n,t] = tanh(g[n,t])\ng[n,t] = h[n,t] + 1", "h, g need each other"),
        ("h[n,t] = h[n,t - 1] + h[n,t + 1]", "on one side"),
        ("h[n,t] = sum[s](h[n,s] if s < t else 0)", "only at another value of one index"),
        ("h[n,t] = h[n,2*t - 4]", "only at another value of one index"),
        ("y[n,t] = h[n,t - 1]\nh[n,t] = x[n,t]", "h is not defined before this line"),
        ("h[n,q] = h[n,q - 1] + x[n,0]", "nothing tells how many values the index q has"),
        ("h[n,t] = h[n] + x[n,t]", r"needs itself for h\[n\]"),
    ],
)
def test_what_can_be_no_recurrence_is_told(text: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        program(text)


@settings(max_examples=50)
@given(st.permutations(range(5)))
def test_the_order_of_the_lines_makes_no_difference(order: list[int]) -> None:
    lines = ["a[t] = b[t - 1] + x[t]", "b[t] = a[t] + c[t]", "c[t] = d[t]", "d[t] = 2 * a[t] + e[t - 1]",
             "e[t] = d[t] - b[t]"]  # fmt: skip
    [block] = blocks(parse_formulas("\n".join(lines[at] for at in order)))
    place = {each.target: at for at, each in enumerate(block.lines)}
    assert block.letter == "t"
    assert place["a"] < place["d"] < place["c"] < place["b"] < place["e"]
