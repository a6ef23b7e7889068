"""Recurrences as loops: what is left for a step, and that neither plan nor step grows with the steps."""

import pytest

from chainrule.catalogue.build import Conventions, LayerUse, forward_program
from chainrule.engines.lower import lower
from chainrule.engines.plan import Plan, Product, Scan
from chainrule.engines.steps import Steps, taken_apart
from chainrule.formula.unparse import to_text
from chainrule.program.adjoint import differentiate
from chainrule.program.blocks import blocks
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend


def lstm(steps: int) -> Program:
    layer = LayerUse("lstm", (("units", 8),), "l")
    return differentiate(forward_program((steps, 5), [layer], Conventions("half_squared_error"), 16))


def loops(plan: Plan) -> list[Scan]:
    return [each for each in plan.instructions if isinstance(each, Scan)]


def products(plan: Plan) -> int:
    return sum(isinstance(each, Product) for each in plan.instructions)


def apart(text: str) -> Steps:
    given = [Family("x", Role.INPUT, ("n", "t", "i"), (2, 4, 3)), Family("w", Role.PARAMETER, ("j", "i"), (5, 3)),
             Family("u", Role.PARAMETER, ("j", "k"), (5, 5)), Family("s", Role.PARAMETER, ("j",), (5,))]  # fmt: skip
    program = extend(Program({}), text, given=given)
    return taken_apart(next(block for block in blocks(program.definitions) if block.letter))


def test_what_does_not_need_the_state_is_calculated_for_all_steps_at_once() -> None:
    steps = apart("h[n,t,j] = tanh(sum[i](w[j,i] * x[n,t,i]) + sum[k](u[j,k] * h[n,t - 1,k]))")
    assert [to_text(each.formula) for each in steps.before] == ["sum[i](w[j,i] * x[n,t,i])"]
    assert steps.before[0].indices == ("t", "n", "j")
    assert [to_text(each.formula) for each in steps.body] == [
        "tanh(h part 1[n,j] + sum[k](u[j,k] * h 1 before[n,k]))"  # without the test for the first step
    ]
    assert [each.start for each in steps.carried] == [None]


def test_a_start_of_its_own_is_what_is_carried_at_first() -> None:
    steps = apart("h[n,t,j] = tanh(s[j] * (h[n,t - 1,j] if t > 0 else s[j]))\nE[n] = sum[j,i](h[n,3,j] * x[n,0,i])")
    assert [to_text(each.formula) for each in steps.body] == ["tanh(s[j] * h 1 before[n,j])"]
    assert [each.start and to_text(each.start.formula) for each in steps.carried] == ["s[axis1]"]


def test_a_start_that_does_not_vanish_keeps_its_test() -> None:
    (formula,) = (each.formula for each in apart("h[n,t,i] = (exp(h[n,t - 1,i]) if t > 0 else 0) + x[n,t,i]").body)
    assert " if " in to_text(formula)


@pytest.mark.parametrize("steps", [3, 300])
def test_a_plan_does_not_grow_with_the_steps(steps: int) -> None:
    plan = lower(lstm(steps), ["E_total", *(f"d_{kind}_l_{gate}" for kind in "wub" for gate in "ifgo")])
    forward, backward = loops(plan)
    assert (forward.count, forward.backwards) == (steps, False)
    assert (backward.count, backward.backwards) == (steps, True)
    assert len(plan.instructions) < 130
    assert len(forward.body.instructions) < 45


def test_the_gates_of_a_step_are_one_product() -> None:
    (forward,) = loops(lower(lstm(6), ["E_total"]))
    assert products(forward.body) == 1


def test_a_loop_keeps_only_what_is_read_outside() -> None:
    (forward,) = loops(lower(lstm(6), ["out_l"]))
    assert forward.kept == ("h_l",)
