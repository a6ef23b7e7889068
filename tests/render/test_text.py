"""A document as text: nothing wider than the page, ASCII that is ASCII, equations that line up."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.explain.document import (
    Block,
    Diagram,
    Document,
    Equations,
    Grids,
    Heading,
    Layer,
    Neuron,
    Note,
    Paragraph,
    Table,
)
from chainrule.formula.expression import Add, Call, Div, Expr, Mul, Neg, Pow, Sum, number
from chainrule.render.line import BREAKS
from chainrule.render.text import render_text
from render.sample import (
    CHAIN,
    KERNEL,
    LARGE_NETWORK,
    NETWORK,
    PARTS,
    SAMPLE,
    SYMBOLS,
    WIDE,
    WINDOW,
    equation,
    plus,
    r,
    times,
)


def shown(*blocks: Block, width: int = 80, ascii: bool = False, one_line: bool | None = None) -> str:  # noqa: A002
    return render_text(Document("", blocks, SYMBOLS), width, ascii=ascii, one_line=one_line)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_sample_fits(width: int) -> None:
    for ascii_only in (False, True):
        assert max(map(len, render_text(SAMPLE, width, ascii=ascii_only).splitlines())) <= width


def test_ascii_is_ascii() -> None:
    document = Document("Größe δ — “naïve”", (*SAMPLE.blocks, LARGE_NETWORK), SYMBOLS)
    assert render_text(document, ascii=True).isascii()
    assert not render_text(document).isascii()


def test_no_line_ends_in_a_blank() -> None:
    assert not re.search(r"[ \t]\n", render_text(SAMPLE, 80))


def test_the_chain_rule_is_built_up() -> None:
    assert shown(equation(r("dE_total/dw5"), CHAIN)).splitlines() == [
        "  ∂E_total   ∂E_total   ∂out_o1   ∂net_o1",
        "  ──────── = ──────── · ─────── · ───────",
        "     ∂w5      ∂out_o1   ∂net_o1     ∂w5",
    ]


def test_the_chain_rule_in_one_line() -> None:
    block = equation(r("dE_total/dw5"), CHAIN)
    line = "  dE_total/dw5 = dE_total/dout_o1 * dout_o1/dnet_o1 * dnet_o1/dw5\n"
    assert shown(block, ascii=True) == line
    assert shown(block, one_line=True) == line.replace("d", "∂").replace("*", "·").replace("∂w5", "∂w5")


def test_one_side_a_row_where_the_page_is_narrow() -> None:
    sides = equation(r("net_h1"), plus(times(r("w1"), r("i1")), r("b1")), plus(times("0.15", "0.05"), "0.35"), "0.3575")
    assert shown(sides, width=80).splitlines() == ["  net_h1 = w1·i1 + b1 = 0.15·0.05 + 0.35 = 0.3575"]
    assert shown(sides, width=40).splitlines() == [
        "  net_h1 = w1·i1 + b1",
        "         = 0.15·0.05 + 0.35",
        "         = 0.3575",
    ]


def test_equals_signs_are_aligned_in_a_group() -> None:
    group = Equations((equation(r("net_h1"), "1"), equation(r("b1"), "0.5")))
    assert shown(group).splitlines() == ["  net_h1 = 1", "      b1 = 0.5"]


def test_a_left_side_that_leaves_no_room_stands_alone() -> None:
    slope = equation(r("dE_total/dout_o1"), Neg(plus(r("target_o1"), Neg(r("out_o1")))), "0.741365070")
    assert shown(slope, width=30).splitlines() == [
        "  ∂E_total/∂out_o1",
        "    = −(target_o1 − out_o1)",
        "    = 0.741365070",
    ]


def test_a_long_sum_is_broken_at_a_plus() -> None:
    sums = Add(tuple(times(f"0.{i}", f"0.0{i}") for i in range(10, 22)))
    text = shown(equation(r("net_h1"), sums), width=60).splitlines()
    assert len(text) > 1
    assert [row[:13] for row in text[1:]] == ["             "] * (len(text) - 1)
    assert all(row.strip().startswith("+ ") for row in text[1:])


def test_notes_stand_beside_or_below() -> None:
    noted = equation(r("b1"), "0.5", note="not trained")
    assert shown(noted) == "  b1 = 0.5   (not trained)\n"
    assert shown(noted, width=20) == "  b1 = 0.5\n    (not trained)\n"


def test_color_only_adds_codes() -> None:
    plain, colored = render_text(SAMPLE), render_text(SAMPLE, color=True)
    assert "\x1b" not in plain
    assert "\x1b[1mOne round of backpropagation\x1b[0m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain


def test_a_text_from_a_file_cannot_speak_to_the_terminal() -> None:
    assert "\x1b" not in shown(Paragraph(("\x1b[31mred",)), Heading(2, "\x1b]0;title\x07"), Note(("\x9b1m",)))


def test_every_weight_stands_on_the_line_to_its_neuron() -> None:
    text = shown(NETWORK)
    assert text.splitlines()[3:7] == [
        "hidden layer h (logistic)",
        "  i1 = 0.05 ──── w1 = 0.15 ───╮",
        "  i2 = 0.10 ──── w2 = 0.20 ───┼──► h1",
        "  1 ──────────── b1 = 0.35 ───╯",
    ]
    assert "w6 = −0.45" in text


def test_a_large_diagram_says_how_much_it_leaves_out() -> None:
    text = shown(LARGE_NETWORK)
    assert "(784 weights)" in text
    assert "128 neurons in all" in text
    assert "w_h[128,784]" in text
    assert len(text.splitlines()) < 40


def test_a_narrow_diagram_is_a_list() -> None:
    text = shown(NETWORK, width=24)
    assert "    w3 = 0.25 from i1\n" in text
    assert max(map(len, text.splitlines())) <= 24


def test_neurons_with_one_line_or_none() -> None:
    layers = (Layer("inputs", (Neuron("x", value="2"),)), Layer("out", (Neuron("y", bias=(r("b1"), "1")),)))
    assert shown(Diagram(layers)).splitlines()[-1] == "  1 ──── b1 = 1 ──────► y"


def test_a_table_aligns_numbers_right_and_wraps_words() -> None:
    table = Table(
        ("name", "value", "why"), ((r("w5"), "0.40", "given by the file"), ("x", "10.00", "")), (False, True, False)
    )
    assert shown(table).splitlines() == [
        "name  value  why",
        "──────────────────────────────",
        "w5     0.40  given by the file",
        "x     10.00",
    ]
    assert shown(table, width=24).splitlines() == [
        "name: w5",
        "value: 0.40",
        "why: given by the file",
        "",
        "name: x",
        "value: 10.00",
    ]


def test_a_table_without_a_header_is_only_its_rows() -> None:
    assert shown(Table(("", ""), (("loss", "half squared error"), ("bias", "shared")))).splitlines() == [
        "loss  half squared error",
        "bias  shared",
    ]


def test_a_window_lies_beside_its_kernel() -> None:
    assert shown(Grids((WINDOW, KERNEL), "·")).splitlines() == [
        "  x   column 2    3    4        w_c   column 1   2   3",
        "    row 1 ⎡ 0.5  0    0   ⎤         row 1 ⎡ 1    0  −1   ⎤",
        "        2 ⎢ 1    0    0.5 ⎥  ·          2 ⎢ 0.5  0  −0.5 ⎥",
        "        3 ⎣ 1    0.5  0   ⎦             3 ⎣ 1    0  −1   ⎦",
    ]


def test_where_there_is_no_room_the_kernel_lies_below() -> None:
    assert shown(Grids((WINDOW, KERNEL), "·"), width=34, ascii=True).splitlines() == [
        "  x   column 2    3    4",
        "    row 1 [ 0.5  0    0   ]",
        "        2 [ 1    0    0.5 ]",
        "        3 [ 1    0.5  0   ]",
        "",
        "     w_c   column 1   2   3",
        "         row 1 [ 1    0  -1   ]",
        "  *          2 [ 0.5  0  -0.5 ]",
        "             3 [ 1    0  -1   ]",
    ]


def test_a_wide_grid_is_cut_between_its_columns() -> None:
    lines = shown(Grids((WIDE,)), width=50).splitlines()
    assert max(map(len, lines)) <= 50
    assert [line.split() for line in lines if "unit" in line] == [
        ["p", "unit", "1", "2", "3"], ["p", "unit", "4", "5", "6"], ["p", "unit", "7"],
    ]  # fmt: skip
    assert sum(line.count("0.123456789") for line in lines) == 14


def test_parts_stand_behind_their_names() -> None:
    assert shown(PARTS).splitlines() == [
        "  output 1              δ_o1 · w5 = 0.138498562 · 0.40 = 0.0553994249",
        "",
        "                                1",
        "  by v      ∂E_total/∂out_o1 · ── = −0.019",
        "                               √v",
        "",
        "  sum       0.0553994249 − 0.019 = 0.0363994249",
    ]
    assert shown(PARTS, width=40, one_line=True).splitlines()[:2] == [
        "  output 1",
        "    δ_o1 · w5 = 0.138498562 · 0.40",
    ]


def test_empty_blocks_leave_no_trace() -> None:
    assert shown(Equations(()), Paragraph(()), Heading(3, "end")) == "end\n"


words = st.text("abcdefgh ,.", max_size=80).map(lambda text: " ".join(word[:12] for word in text.split()))
names = st.sampled_from([r(name) for name in ("w5", "net_h1", "b1", "delta_o1", "dE_total/dw5", "w5+")])
leaves: st.SearchStrategy[Expr] = names | st.integers(-99, 99).map(number)


def breakable(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, min_size=2, max_size=6).map(tuple)
    return st.one_of(
        st.builds(Add, several),
        st.builds(Mul, several),
        st.builds(Neg, inner),
        st.builds(Div, inner, inner),
        st.builds(Pow, inner, st.just(number(2))),
        st.builds(lambda arg: Call("exp", (arg,)), inner),
        st.builds(lambda body: Sum(("i",), body), inner),
    )


exprs = st.recursive(leaves, breakable, max_leaves=12)
parts = st.lists(words | names, max_size=5).map(tuple)
rows = st.tuples(names, words, words)
blocks = st.one_of(
    st.builds(Heading, st.integers(1, 3), words),
    st.builds(Paragraph, parts),
    st.builds(Note, parts),
    st.builds(lambda name, sides, note: equation(name, *sides, note=note), names, st.lists(exprs, max_size=3), words),
    st.builds(lambda rows: Table(("name", "first", "second"), tuple(rows)), st.lists(rows, max_size=3)),
    st.just(NETWORK),
    st.sampled_from([Grids((WINDOW, KERNEL), "·"), PARTS]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(blocks, max_size=4), st.integers(30, 100), st.booleans())
def test_no_line_is_longer_than_the_page(some: list[Block], width: int, ascii_only: bool) -> None:
    text = shown(*some, width=width, ascii=ascii_only)
    for line in text.splitlines():
        assert len(line) <= width or not BREAKS.search(line.strip(), 1), line
        assert not ascii_only or line.isascii()


@settings(deadline=None, max_examples=30)
@given(st.lists(blocks, max_size=3), st.integers(1, 59))
def test_a_tiny_page_still_prints(some: list[Block], width: int) -> None:
    assert isinstance(shown(*some, width=width), str)
