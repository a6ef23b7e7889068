"""The short view of networks with other layers than dense ones: each family by its formula, an entry and its array."""

import pytest

import chainrule as cr
from chainrule.explain.document import Grids, Heading, Paragraph
from chainrule.explain.names import scalars
from chainrule.explain.walkthrough import walkthrough, writing_for
from chainrule.explain.writing import shown
from chainrule.formula.expression import Num
from chainrule.program.program import Family
from chainrule.render.text import render_text
from explain.networks import OTHER_THAN_DENSE


def grids_of(name: str, detail: str = "brief") -> list[Grids]:
    document = walkthrough(cr.load(name).round, detail)  # type: ignore[arg-type]
    return [block for block in document.blocks if isinstance(block, Grids)]


@pytest.mark.parametrize("width", [80, 60, 50])
@pytest.mark.parametrize("detail", ["brief", "full"])
@pytest.mark.parametrize("name", OTHER_THAN_DENSE)
def test_it_fits_the_page(name: str, detail: str, width: int) -> None:
    document = walkthrough(cr.load(name).round, detail)  # type: ignore[arg-type]
    for ascii_only in (False, True):
        lines = render_text(document, width, ascii=ascii_only).splitlines()
        assert max(map(len, lines)) <= width, max(lines, key=len)
        assert not ascii_only or all(line.isascii() and "?" not in line for line in lines)


def test_attention_is_scores_weights_and_mix() -> None:
    document = walkthrough(cr.load("attention").round, "brief")
    heads = [block.text for block in document.blocks if isinstance(block, Heading)]
    assert heads[heads.index("Queries, keys, values") :][:4] == ["Queries, keys, values", "Scores", "Weights", "Mix"]


@pytest.mark.parametrize(("name", "family"), [("attention", "attn_a"), ("conv", "d_k_c"), ("batch-norm", "hat_bn")])
def test_an_array_has_every_number_in_its_place(name: str, family: str) -> None:
    writing = writing_for(cr.load(name).round)
    whole: Family = writing.names.program.families[family]
    wanted = [shown(writing, scalar) for scalar in scalars(whole)]
    found = [[cell for row in grid.numbers for cell in row] for block in grids_of(name) for grid in block.grids]
    assert wanted in found


def test_a_copy_has_no_array_of_its_own() -> None:
    """The outputs of a layer without activation are its net inputs."""
    names = [getattr(grid.name, "name", "") for block in grids_of("layer-norm") for grid in block.grids]
    assert "net_h" in names
    assert "out_h" not in names


def test_the_entry_that_is_worked_out_tells_something() -> None:
    """Under a causal mask the first weight is 1 whatever the scores are; the third place sees three."""
    text = repr(cr.load("attention").explain(detail="brief"))
    assert "attn_a[3,1] = " in text
    assert "\n  attn_a[1,1] = " not in text


def test_a_large_array_shows_its_corners_and_its_size() -> None:
    net = cr.Network((20, 20), [cr.Layer("convolution_2d", name="c", kernel=3)], loss="half_squared_error")
    step = net.step([[[0.5] * 20] * 20], [[[0.0] * 18] * 18], learning_rate=0.1)
    document = walkthrough(step.round, "brief")
    arrays = [g for b in document.blocks if isinstance(b, Grids) for g in b.grids]
    (grid,) = (each for each in arrays if getattr(each.name, "name", "") == "net_c")
    assert grid.rows.marks == ("1", "2", "3", "4", "…", "18")
    said = ["".join(map(str, b.parts)) for b in document.blocks if isinstance(b, Paragraph)]
    assert any("net_c has 18 x 18 numbers" in each and "to 4 digits" in each for each in said)
    assert {str(cell.value) for row in grid.numbers for cell in row if isinstance(cell, Num)} == {
        f"{step['net_c[1,1]']:.4g}"
    }


def test_the_default_is_what_a_person_would_follow() -> None:
    for name, long in (("attention", True), ("transformer-block", True), ("conv", False), ("rnn", False)):
        example = cr.load(name).round
        brief = walkthrough(example, "brief").blocks
        assert (walkthrough(example).blocks == brief) is long


def test_given_arrays_are_drawn_and_named_numbers_listed() -> None:
    text = repr(cr.load("conv").explain(detail="brief"))
    assert "x   column 1    2    3    4" in text
    assert "x[1,1] = 1" not in text
    assert "w1 = 0.5" in text
