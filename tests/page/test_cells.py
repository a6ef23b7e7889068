"""Layers that aren't dense, drawn as cells: what a reader sees, and what can be done with them."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

import chainrule as cr
from chainrule.model import new_file, parse_spec, task_of
from chainrule.page.program_json import live_data
from page.conftest import Show
from page.screen import Screen, number, shown
from page.test_arranged import CELLS

NOISE = 1e-14  # of a number that would be 0 without rounding
PHONE = {"width": 390, "height": 844}


def cell(screen: Screen, name: str) -> Locator:
    """The cell of a number, whatever its value is."""
    return screen.page.locator("figure").get_by_role("gridcell").and_(screen.page.locator(f'[aria-label^="{name} "]'))


def names_of(screen: Screen, kind: str) -> set[str]:
    labels = screen.page.locator(f".cell.{kind}").evaluate_all(
        "all => all.map((each) => each.getAttribute('aria-label'))"
    )
    return {label.split(" = ")[0].replace("delta ", "delta_") for label in labels}


@pytest.mark.parametrize("example", CELLS)
def test_every_cell_says_its_number(show: Show, example: str) -> None:
    """To the digits that it shows it is Python's, now and ten rounds later."""
    step = cr.load(example)
    screen = show(step)
    for later in (step, step.after(10)):
        if later is not step:
            screen.train("Ten rounds", 10)
        screen.eventually(assert_cells, screen, later.values())


def assert_cells(screen: Screen, values: dict[str, Any]) -> None:
    pairs = screen.page.locator(".cell [data-quantity]").evaluate_all(
        "all => all.filter((each) => each.getClientRects().length)"
        ".map((each) => [each.dataset.quantity, each.textContent])"
    )
    assert len(pairs) > 5
    for name, text in pairs:
        if abs(values[name]) < NOISE:
            continue
        digits = max(1, len(text.partition("×")[0].replace("−", "").replace(".", "").lstrip("0")))
        assert number(text) == shown(values[name], digits) or number(text) == shown(values[name]), name


TREE = """
- figure:
  - group /The network/:
    - 'grid "x: 4 × 4"':
      - row:
        - columnheader "column 1"
        - columnheader "column 4"
      - row:
        - rowheader "row 1"
        - gridcell "x[1,1] = 1"
        - gridcell "x[1,2] = 0.5"
    - 'grid "k_c: 3 × 3"':
      - row:
        - columnheader "column 1"
      - row:
        - rowheader "row 1"
        - gridcell "k_c[1,1] = 1; derivative of E_total by k_c[1,1] = 0" [selected]
    - 'grid "b_c: 1 × 1"':
      - row:
        - gridcell "b1 = 0.1; derivative of E_total by b1 = 0"
    - 'grid "net_c: 2 × 2"'
    - 'grid "out_c: 2 × 2"':
      - row:
        - rowheader "row 2"
        - gridcell "out_c[2,2] = 2.1; derivative of E_total by out_c[2,2] = 0.4274"
    - 'grid "out_p: 1 × 2"'
    - button "out_f1 = 1.6; derivative of E_total by out_f1 = −0.4274"
    - button "w1 = 0.5, from f1 to o1; derivative of E_total by w1 = −0.977"
    - button "out_o2 = 0.6106; derivative of E_total by out_o2 = 0"
    - button "E_total = 0.9432"
"""


def test_the_tree_of_accessible_names(show: Show) -> None:
    expect(show(cr.load("conv")).region("Picture of the network")).to_match_aria_snapshot(TREE)


def test_a_cell_lights_what_goes_into_it(show: Show) -> None:
    screen = show(cr.load("conv"))
    cell(screen, "net_c[1,2]").click()
    window = {f"x[{row},{column}]" for row in (1, 2, 3) for column in (2, 3, 4)}
    kernel = {f"k_c[{row},{column}]" for row in (1, 2, 3) for column in (1, 2, 3)}
    assert names_of(screen, "near") == window | kernel | {"b1"}
    expect(screen.region("Derivation").get_by_role("heading", level=2)).to_contain_text("net")
    # Its derivative: below it in the cell, or by choosing it again.
    cell(screen, "net_c[1,2]").press("Enter")
    assert names_of(screen, "near-below") == {"out_c[1,2]"}
    assert names_of(screen, "selected-below") == {"net_c[1,2]"}
    cell(screen, "k_c[3,3]").click()
    assert names_of(screen, "near-below") == {f"net_c[{p},{q}]" for p in (1, 2) for q in (1, 2)}
    assert names_of(screen, "near") == {f"x[{row},{column}]" for row in (3, 4) for column in (3, 4)}


def test_the_way_of_a_derivative_goes_on_through_the_neurons(show: Show) -> None:
    screen = show(cr.load("conv"))
    cell(screen, "k_c[1,1]").click()
    lit = screen.page.locator(".weight.lit").evaluate_all(
        "all => all.map((each) => each.getAttribute('aria-label').split(' ')[0])"
    )
    assert {*lit} == {"w1", "w2", "w3", "w4"}
    assert names_of(screen, "lit") >= {"out_p[1,1]", "out_p[1,2]", "out_c[1,1]", "net_c[1,1]"}


def test_by_keyboard_alone(show: Show) -> None:
    screen = show(cr.load("attention"))
    keys = screen.page.keyboard

    def focused() -> str:
        return str(
            screen.page.evaluate(
                "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
            )
        )

    screen.page.get_by_text("Download", exact=True).focus()
    keys.press("Tab")
    assert focused() == "Skip the picture"
    stops = []
    for _ in range(15):
        keys.press("Tab")
        stops.append(focused().split("[")[0].split(" ")[0])
    assert stops == [
        "x",
        "w_a_q",
        "q_a",
        "w_a_k",
        "k_a",
        "w_a_v",
        "v_a",
        "score_a",
        "attn_a",
        "mix_a",
        "w_a_o",
        "out_a",
        "target",
        "E",
        "E_total",
    ]
    cell(screen, "score_a[1,1]").focus()
    for press, name in (
        ("ArrowRight", "[1,2]"),
        ("ArrowDown", "[2,2]"),
        ("End", "[2,3]"),
        ("ArrowRight", "[2,3]"),
        ("Home", "[2,1]"),
        ("ArrowUp", "[1,1]"),
    ):
        keys.press(press)
        assert focused().startswith(f"score_a{name} = "), press
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(screen.region("Derivation").get_by_role("heading", level=2)).to_contain_text("score")
    assert names_of(screen, "near") == {"q_a[2,1]", "q_a[2,2]", "k_a[1,1]", "k_a[1,2]"}
    expect(
        screen.region("Picture of the network").get_by_text("Next begins the walk")
    ).to_be_visible()  # no arrow walked


def test_a_number_in_a_cell_is_changed(show: Show) -> None:
    """By keys, by dragging, and in its field; all other numbers follow."""
    screen = show(cr.load("conv-1d"))
    step = cr.load("conv-1d")
    kernel = cell(screen, "k_c1_2")
    kernel.focus()
    before = float(step["k_c1_2"])
    kernel.press("+")
    expect(screen.page.get_by_label("Change k_c1_2", exact=True)).to_have_value(f"{before + 0.01:.2f}")
    kernel.press("-")
    box = kernel.bounding_box()
    assert box
    screen.page.mouse.move(box["x"] + 20, box["y"] + 10)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + 40, box["y"] + 10)
    screen.page.mouse.up()
    expect(screen.page.get_by_label("Change k_c1_2", exact=True)).to_have_value(f"{before + 0.05:.2f}")
    screen.type("Change k_c1_2", "0.125")
    other = cr.Step(task_of(parse_spec(new_file("conv-1d").replace("weights = [0.5, -0.4]", "weights = [0.5, 0.125]"))))
    screen.eventually(assert_cells, screen, other.values())
    screen.button("Reset").click()
    screen.eventually(assert_cells, screen, step.values())


def test_a_word_is_chosen_by_whole_numbers(show: Show) -> None:
    screen = show(cr.load("word-embedding"))
    words = cell(screen, "i1")
    words.focus()
    words.press("-")
    expect(words).to_have_attribute("aria-label", "i1 = 1")
    assert names_of(screen, "idle") == {"w5", "w6"}


def test_the_walk_fills_the_cells(show: Show) -> None:
    screen = show(cr.load("conv"))
    screen.button("Next").click()
    assert names_of(screen, "selected") == {"net_c[1,1]"}
    expect(cell(screen, "net_c[1,2]")).to_have_attribute("aria-label", "net_c[1,2] is not calculated yet")
    expect(cell(screen, "net_c[1,1]")).to_have_attribute("aria-label", "net_c[1,1] = 1.6")
    screen.button("Backward pass").click()
    expect(cell(screen, "net_c[1,2]")).to_have_attribute("aria-label", "net_c[1,2] = 1.85")
    screen.button("Update").click()
    for _ in range(12):
        screen.button("Next").click()
    expect(screen.page.locator(".cell text.updated")).not_to_have_count(0)


def test_hidden_numbers_are_nowhere(show: Show) -> None:
    step = cr.load("attention")
    screen = show(step)
    screen.button("Hide the numbers").click()
    picture = screen.page.locator("figure")
    seen = picture.inner_text() + " ".join(
        picture.locator("[aria-label]").evaluate_all("all => all.map((each) => each.getAttribute('aria-label'))")
    )
    for name in ("attn_a[2,1]", "score_a[3,1]", "mix_a[2,1]", "E_total", "dE_total/dw_a_o[1,1]"):
        assert str(shown(step[name], 3)) not in seen.replace("−", "-"), name
    screen.type("your number for q_a[1,1]", "1")
    expect(cell(screen, "q_a[1,1]")).to_have_attribute("aria-label", "q_a[1,1] = 1")
    # The largest of a window would be told by what is lit.
    screen = show(cr.load("pooling"))
    screen.button("Hide the numbers").click()
    screen.button("dE_total/dout_c[1,1]".replace("dE_total/d", "derivative of E_total by ") + ", explain").click()
    assert "out_p[1,1] is not calculated yet" in names_of(screen, "near-below")


def test_the_picture_is_saved_with_its_cells(show: Show, tmp_path: Any) -> None:
    screen = show(cr.load("attention"), accept_downloads=True)
    screen.page.get_by_text("Download", exact=True).click()
    with screen.page.expect_download() as found:
        screen.button("Picture (SVG)").click()
    found.value.save_as(tmp_path / "picture.svg")
    saved = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert saved.count(">0.7428<") == 1
    assert "score" in saved
    assert "var(" not in saved
    hatched = re.findall(r'<path[^>]* opacity="0\.5"', saved)
    assert len(hatched) == 6  # the places that the mask leaves out, of scores and of weights


@pytest.mark.parametrize("example", ["conv", "attention", "transformer-block", "lstm"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 768, "height": 900}])
def test_it_fits(show: Show, example: str, viewport: dict[str, int]) -> None:
    """The page is no wider than the window; what is wider scrolls in a frame of its own."""
    screen = show(cr.load(example), viewport=viewport)
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    screen.page.set_viewport_size({"width": 1280, "height": 800})
    expect(screen.page.locator("svg.network")).to_be_visible()
    screen.page.emulate_media(media="print")
    assert screen.page.evaluate(
        "document.querySelector('figure').scrollWidth <= document.querySelector('figure').clientWidth + 1"
    )


CONTRAST = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const over = (below, above, share) => below.map((each, place) => each * (1 - share) + above[place] * share);
    const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, part, place) => {
        const value = colour[place] / 255;
        return sum + part * (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    }, 0.05);
    const style = (cell, part) => getComputedStyle(cell.querySelector(part));
    return Math.min(...[...document.querySelectorAll(".numbered .cell:not(.idle)")].map((cell) => {
        const tint = style(cell, ".tint");
        const ground = over(channels(style(cell, ".paper").fill), channels(tint.fill), Number(tint.fillOpacity));
        const [one, two] = [light(ground), light(channels(style(cell, "text.forward").fill))];
        return Math.max(one, two) / Math.min(one, two);
    }));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tint_leaves_numbers_readable(show: Show, scheme: str) -> None:
    screen = show(cr.load("attention"), color_scheme=scheme)
    assert screen.page.evaluate(CONTRAST) >= 4.5
    screen.page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    assert screen.page.evaluate(CONTRAST) >= 4.5


def test_words_for_axes(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the data say what an axis counts, its headings do."""
    words = {"score_a": ["sample", "query", "key"]}
    monkeypatch.setattr("chainrule.page.html.live_data", lambda live: live_data(live) | {"words": words})
    screen = show(cr.load("attention"))
    grid = screen.page.get_by_role("grid", name="score_a: 3 × 3", exact=True)
    expect(grid.get_by_role("rowheader", name="query 2", exact=True)).to_have_count(1)
    expect(grid.get_by_role("columnheader", name="key 3", exact=True)).to_have_count(1)


def digits_step() -> cr.Step:
    chance = np.random.default_rng(1)
    layers = [
        cr.Layer("convolution", kernel=3, filters=8, activation="relu"), cr.Layer("max_pooling", window=2),
        cr.Layer("flatten"), cr.Dense(10, "softmax"),
    ]  # fmt: skip
    net = cr.Network((8, 8), layers, "cross_entropy", seed=1)
    return net.step(chance.random((1, 8, 8)).round(2), np.eye(10)[[3]], learning_rate=0.1)


def test_a_larger_network_has_squares(show: Show) -> None:
    """A square for each number, as large as it; hollow where it is negative, or where its derivative is."""
    step = digits_step()
    screen = show(step)
    signs = {}
    for side, family in (("Values", "net_c"), ("Derivatives of the error", "d_net_c")):
        screen.button(side).click()
        hollow = screen.page.locator('.cell[data-key^="net_c:"]:has(.square.negative)')
        screen.eventually(
            assert_count, hollow, int((np.asarray(step["net_c" if side == "Values" else "dE/dnet_c"]) < 0).sum())
        )
        signs[family] = hollow.count()
    assert signs["net_c"] != signs["d_net_c"]
    filter_ = screen.page.get_by_role("grid", name="k_c, filter 3: 3 × 3", exact=True)
    expect(filter_.get_by_role("gridcell")).to_have_count(9)


def assert_count(found: Locator, wanted: int) -> None:
    assert found.count() == wanted


def test_a_picture_with_filters_as_maps(show: Show) -> None:
    """Too many numbers for cells: heat maps, a matrix for each filter."""
    chance = np.random.default_rng(1)
    layers = [
        cr.Layer("convolution", kernel=5, filters=6, activation="relu"),
        cr.Layer("max_pooling", window=8),
        cr.Layer("flatten"),
        cr.Dense(2, "softmax"),
    ]
    step = cr.Network((28, 28), layers, "cross_entropy", seed=1).step(
        chance.random((1, 28, 28)).round(2), [[0, 1]], learning_rate=0.1
    )
    screen = show(step)
    maps = screen.page.locator(".maps canvas")
    expect(maps.and_(screen.page.get_by_label("net_c: 6 × 24 × 24"))).to_have_count(1)
    for map_ in maps.all():
        box = map_.bounding_box()
        assert box
        assert box["width"] < 1280
        assert box["height"] < 600
    canvas = screen.page.locator('canvas[data-family="net_c"]')
    canvas.focus()
    canvas.press("PageDown")  # to the last row, which is that of another filter
    canvas.press("Enter")
    expect(screen.region("Derivation").get_by_role("heading", level=2)).to_contain_text("net")
    assert screen.page.evaluate("document.querySelector('.readout[role=status]').textContent").startswith(
        "net_c[4,24,1] = "
    )


def test_the_formulas_are_those_of_the_forward_pass(show: Show) -> None:
    """What an optimizer calculates on the way is no part of it."""
    net = cr.Network(3, [cr.Layer("recurrent", name="r")], loss="half_squared_error")
    screen = show(net.step([[1.0, 0.5, -1.0]], [[0.3]], optimizer="adam"))
    screen.page.locator(".formula-list summary").click()
    listed = screen.page.locator(".formula-list button").evaluate_all("all => all.map((each) => each.dataset.family)")
    assert listed == ["net_r", "h_r", "out_r", "E", "E_total"]
