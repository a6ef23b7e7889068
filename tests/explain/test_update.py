"""An updated parameter is explained with the derivative that it goes by, in each example of the gallery."""

import pytest

import chainrule as cr
from chainrule.explain.document import Block, Heading
from chainrule.explain.names import Scalar, scalars
from chainrule.explain.quantity import explain_quantity
from chainrule.program.program import Role, adjoint_name, updated_name, with_role
from chainrule.spec.examples import example_names


def before(blocks: tuple[Block, ...], heading: str) -> tuple[Block, ...]:
    """The blocks above a heading."""
    place = next((at for at, each in enumerate(blocks) if isinstance(each, Heading) and each.text == heading), None)
    return blocks[:place]


@pytest.mark.parametrize("name", example_names())
def test_an_update_has_the_derivation_of_its_derivative(name: str) -> None:
    example = cr.load(name).round
    program = example.names.program
    parameters = [each for each in with_role(program, Role.PARAMETER) if updated_name(each.name) in program.families]
    assert parameters
    for family in parameters:
        scalar = next(scalars(family))
        derivative, update = (Scalar(of(family.name), scalar.index) for of in (adjoint_name, updated_name))
        derivation = before(explain_quantity(example, derivative).blocks, "What goes into it")
        for detail in ("brief", "full"):
            shown = before(explain_quantity(example, update, detail).blocks, "What goes into it")
            assert isinstance(shown[1], Heading)
            assert shown[1].text.startswith("How the error depends on ")
            assert shown[2:] == derivation, scalar


def test_what_an_optimizer_keeps_is_explained_with_the_derivative_too() -> None:
    text = repr(cr.load("adam").explain("mhat_w1"))
    assert "How the error depends on w1\n" in text


def test_clipped_by_their_norm_all_derivatives_are_gone_by() -> None:
    net = cr.Network(3, [cr.Layer("recurrent", name="r")], loss="half_squared_error")
    text = repr(net.step([[1.0, 0.5, -1.0]], [[0.3]], clip_norm=0.1).explain("u_r+"))
    assert [f"How the error depends on {each}\n" in text for each in ("w_r", "u_r", "b1")] == [True] * 3
