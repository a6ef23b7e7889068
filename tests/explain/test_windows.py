"""Windows as they are drawn: their numbers lie where they lie in the array, and give the entry."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

import chainrule as cr
from chainrule.explain.document import Grids
from chainrule.explain.names import Scalar, scalars
from chainrule.explain.walkthrough import writing_for
from chainrule.explain.windows import OUTSIDE, window_blocks, window_of
from chainrule.explain.writing import Writing
from chainrule.formula.expression import Expr, Neg, Num
from chainrule.program.program import Definition, Role
from explain.networks import CONVOLUTIONS, WINDOWED, convolution


def number(cell: Expr) -> float:
    if isinstance(cell, Neg):
        return -number(cell.arg)
    assert isinstance(cell, Num)
    return float(cell.value)


def windowed(writing: Writing) -> Iterator[tuple[Definition, Scalar, list[Grids]]]:
    for definition in writing.names.program.definitions:
        if window_of(definition):
            for scalar in scalars(writing.names.program.families[definition.target]):
                blocks = list(window_blocks(writing, definition, scalar.index))
                yield definition, scalar, [block for block in blocks if isinstance(block, Grids)]


@pytest.fixture(autouse=True)
def all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In wide windows too, which else have fewer."""
    monkeypatch.setattr("chainrule.explain.windows.FEW_DIGITS", 15)


@pytest.mark.parametrize("name", WINDOWED)
def test_window_times_kernel_is_the_entry(name: str) -> None:
    """Number by number, added up over the channels: a net input but for its bias, a derivative by a kernel, and what
    is passed back."""
    writing = writing_for(WINDOWED[name]().round, 15)
    seen = set()
    for definition, scalar, blocks in windowed(writing):
        if not blocks or any(block.sign != "·" for block in blocks):
            continue
        seen.add(definition.target)
        total = 0.0
        for block in blocks:
            window, kernel = (
                np.array([[number(cell) for cell in row] for row in grid.numbers]) for grid in block.grids
            )
            assert window.shape == kernel.shape
            total += float((window * kernel).sum())
        value = float(writing.ledger[scalar.family][scalar.index])
        if writing.names.program.families[scalar.family].role != Role.ADJOINT:
            bias = writing.ledger["b_" + scalar.family.removeprefix("net_")]
            value -= float(bias[scalar.index[1]] if bias.ndim else bias)
        assert total == pytest.approx(value, rel=1e-9, abs=1e-9), scalar
    expected = {"net_c", "d_k_c"} if name == "conv" else {"net_c2", "d_k_c2", "d_out_c1"} if name == "conv-1d" else None
    assert seen >= (expected or {"net_c", "d_k_c"})


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_the_numbers_beside_a_window_say_where_it_lies(name: str) -> None:
    writing = writing_for(convolution(name).round, 15)
    for definition, scalar, blocks in windowed(writing):
        if definition.target != "net_c":
            continue
        for channel, block in enumerate(blocks):
            window = block.grids[0]
            source = writing.ledger["out_a"][0]
            plane = source if source.ndim == 2 else source[channel]
            for mark, row in zip(window.rows.marks, window.numbers, strict=True):
                for head, cell in zip(window.columns.marks, row, strict=True):
                    inside = OUTSIDE not in (mark, head)
                    wanted = plane[int(mark) - 1, int(head) - 1] if inside else 0.0
                    assert math.isclose(number(cell), float(wanted), rel_tol=1e-9, abs_tol=1e-12), scalar


def test_what_is_passed_back_comes_through_the_kernel_turned_round() -> None:
    writing = writing_for(WINDOWED["padded"]().round)
    blocks = next(found for definition, _, found in windowed(writing) if definition.target == "d_out_a")
    deltas, kernel = blocks[0].grids
    assert kernel.part == "turned round"
    assert kernel.rows.marks == ("3", "2", "1")
    assert deltas.rows.marks == (OUTSIDE, "1", "2") or deltas.rows.marks == ("1", "2", "3")


def test_a_dense_layer_has_no_window() -> None:
    program = cr.load("mazur").round.names.program
    assert not any(map(window_of, program.definitions))


def test_the_window_that_was_asked_for_has_all_its_addends() -> None:
    """18 of two channels, of which else four are shown; a sum of more than a hundred stays short."""
    rng = np.random.default_rng(3)
    for size, whole in ((3, True), (8, False)):
        layer = cr.Layer("convolution_2d", name="c", kernel=size, filters=1)
        net = cr.Network((2, size + 1, size), [layer, cr.Layer("flatten")], loss="half_squared_error")
        step = net.step(rng.normal(size=(1, 2, size + 1, size)), [[0.5, 0.5]], learning_rate=0.1)
        for detail in ("brief", "full"):
            assert ("…" in repr(step.explain("net_c[1,1,1]", detail=detail))) is not whole
    assert "…" in repr(step.explain("k_c[1,1,1,1]+"))
