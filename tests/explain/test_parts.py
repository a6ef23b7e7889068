"""Derivatives as sums of named parts: each part once, no two alike, all of them together the derivative."""

import re

import pytest

import chainrule as cr
from chainrule.explain.derive import addend_value, addends_of
from chainrule.explain.document import Equations, Heading
from chainrule.explain.expand import SHOWN_ADDENDS
from chainrule.explain.names import Scalar, scalars
from chainrule.explain.parts import labels_of, parts_blocks
from chainrule.explain.walkthrough import walkthrough, writing_for
from chainrule.formula.expression import Ref
from chainrule.program.program import Role
from explain.networks import OTHER_THAN_DENSE


@pytest.mark.parametrize("name", OTHER_THAN_DENSE)
def test_parts_have_names_of_their_own_and_add_up(name: str) -> None:
    writing = writing_for(cr.load(name).round)
    families = writing.names.program.families
    several = 0
    for family in families.values():
        if family.role != Role.ADJOINT or family.of == writing.names.loss.family:
            continue
        for scalar in scalars(family):
            addends = list(addends_of(writing, scalar))
            if not 1 < len(addends) <= SHOWN_ADDENDS:
                continue
            several += 1
            labels, _ = labels_of(writing, addends)
            assert len(set(labels)) == len(labels), (scalar, labels)
            assert all(labels)
            total = sum(float(addend_value(writing, each)) for each in addends)
            assert total == pytest.approx(float(writing.ledger[scalar.family][scalar.index]), rel=1e-9, abs=1e-12)
            lines = [line for block in parts_blocks(writing, scalar, addends) if isinstance(block, Equations)
                     for line in block.equations]  # fmt: skip
            assert [line.label for line in lines] == [*labels, "sum"]
    assert several or name in ("dropout", "pooling")  # in which each number goes one way


@pytest.mark.parametrize(
    ("name", "quantity", "labels"),
    [
        ("conv", "dE/dk_c[2,2]", ["window 1,1", "window 1,2", "window 2,1", "window 2,2"]),
        ("attention", "dE/dv_a[1,1]", ["place 1", "place 2", "place 3"]),
        ("attention", "dE/dscore_a[3,1]", ["seen place 1", "seen place 2", "seen place 3"]),
        ("batch-norm", "dE/dgamma_bn1", ["sample 1", "sample 2", "sample 3"]),
        ("layer-norm", "dE/dout_h1", ["directly", "through the mean", "through the variance"]),
    ],
)
def test_the_parts_are_named_as_people_do(name: str, quantity: str, labels: list[str]) -> None:
    (document,) = cr.load(name).documents([quantity])
    groups = [[line.label for line in block.equations] for block in document.blocks if isinstance(block, Equations)]
    assert [*labels, "sum"] in groups


@pytest.mark.parametrize("name", OTHER_THAN_DENSE)
def test_in_full_every_derivative_is_derived_once(name: str) -> None:
    """No factor of a chain stands twice: a chain begins where one above ended."""
    example = cr.load(name).round
    document = walkthrough(example, "full")
    lines = [line for block in document.blocks if isinstance(block, Equations) for line in block.equations]
    lines = [line for line in lines if isinstance(line.sides[0], Ref) and line.sides[0].name.startswith("d")]
    results = [line.sides[0] for line in lines if line.final and not line.label]
    slopes = [line.sides[0] for line in lines if not line.final and line.note != "above" and len(line.sides) > 2]
    assert results
    assert len(results) == len(set(results))
    assert len(slopes) == len(set(slopes))


@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("name", OTHER_THAN_DENSE)
def test_every_parameter_has_its_derivative(name: str, detail: str) -> None:
    example = cr.load(name).round
    document = walkthrough(example, detail)  # type: ignore[arg-type]
    text = repr(cr.load(name).explain(detail=detail))  # type: ignore[arg-type]
    assert not re.search(r"\bd_[a-z]\w*_", text), "an internal name is shown"
    for at, block in enumerate(document.blocks):
        if isinstance(block, Heading):
            after = document.blocks[at + 1] if at + 1 < len(document.blocks) else None
            assert after is not None
            assert not isinstance(after, Heading) or after.level > block.level, f"nothing below {block.text}"


def test_the_first_derivative_by_a_kernel_lies_on_its_windows() -> None:
    writing = writing_for(cr.load("conv").round)
    addends = list(addends_of(writing, Scalar("d_k_c", (1, 1))))
    assert labels_of(writing, addends) == (
        ["window 1,1", "window 1,2", "window 2,1", "window 2,2"], "a part for each window",
    )  # fmt: skip
