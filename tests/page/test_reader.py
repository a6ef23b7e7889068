"""The page for every reader: by keyboard alone, by its tree of accessible names, on a phone, dark, on paper."""

import pytest
from playwright.sync_api import expect

import chainrule as cr
from page.conftest import Show
from page.screen import number, shown
from page.tutorial import changed

TREE = """
- main:
  - heading /one round of backpropagation in a 2-2-2 network/ [level=1]
  - group "Page":
    - button "Reset"
    - button "Copy link"
  - region "Picture of the network":
    - figure:
      - group /The network/:
        - button "i1 = 0.05"
        - button "w1 = 0.15, from i1 to h1; derivative of E_total by w1 = 0.000439"
        - button "net_h1 = 0.3775; delta h1 = 0.008771"
        - button "out_o2 = 0.7729; derivative of E_total by out_o2 = −0.2171"
        - button "E_total = 0.2984"
    - list "Legend"
    - navigation "Walk through the round":
      - button "Back"
      - button "Next"
      - group "Parts of the round":
        - button "Forward pass"
        - button "Error"
        - button "Backward pass"
        - button "Update"
      - button "Whole round" [pressed]
      - status
      - progressbar "How far the walk has come"
  - region "Derivation":
    - heading /the weight from h1 to o1/ [level=2]
    - spinbutton "Change w5"
    - heading "How the error changes with it" [level=3]
    - heading "The chain of factors" [level=4]
    - heading "Each factor" [level=4]
    - heading "Their product" [level=4]
    - heading "Its new value" [level=3]
  - region "Training":
    - heading "Training" [level=2]
    - button "One round"
    - button "Ten rounds"
    - button "1000 rounds"
    - button "Run to 10,000"
    - slider "Round shown"
  - region "Settings":
    - heading "Settings" [level=2]
    - spinbutton "learning rate η"
    - combobox "activation of layer h"
    - combobox "activation of layer o"
  - region "All numbers":
    - heading "All numbers" [level=2]
    - button "Hide the numbers"
    - heading "Given" [level=3]
    - heading "Forward pass" [level=3]
    - heading "Error" [level=3]
    - heading "Backward pass" [level=3]
    - heading "Update" [level=3]
"""
PHONE = {"width": 390, "height": 844}


def test_the_tree_of_accessible_names(show: Show) -> None:
    expect(show().page.locator("body")).to_match_aria_snapshot(TREE)


def test_everything_that_can_be_pressed_has_a_name(show: Show) -> None:
    screen = show()
    nameless = screen.page.locator("main").aria_snapshot()
    roles = ("button", "slider", "spinbutton", "combobox", "textbox", "img")
    lines = [line.strip(" -") for line in nameless.splitlines()]
    assert [line for line in lines if line.rstrip(":") in roles] == []


def test_by_keyboard_alone(show: Show) -> None:
    """Change a weight, follow its derivation, walk, train and reset, and never touch a mouse."""
    screen = show()
    keys = screen.page.keyboard

    def tab_to(role: str, name: str) -> None:
        wanted = screen.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
        for _ in range(150):
            if wanted.evaluate("each => each === document.activeElement"):
                return
            keys.press("Tab")
        pytest.fail(f"the tab key never comes to {name}")

    tab_to("button", "w6 = 0.45, from h2 to o1; derivative of E_total by w6 = 0.08267")
    keys.press("Enter")
    expect(screen.region("Derivation").get_by_role("heading", level=2)).to_contain_text("from h2 to o1")
    tab_to("spinbutton", "Change w6")
    keys.press("ArrowUp")
    expect(screen.page.get_by_label("Change w6", exact=True)).to_have_value("0.46")
    tab_to("button", "derivative of net_o1 by w6")
    keys.press("Enter")
    expect(screen.region("Derivation").get_by_role("heading", level=2)).to_contain_text("how net_o1 changes with w6")
    tab_to("button", "One round")
    keys.press("Space")
    expect(screen.region("Training").get_by_text("1 round done")).to_be_visible()
    weights = ([[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.46], [0.50, 0.55]])
    screen.assert_all(changed(weights=weights).after(1).values())
    screen.page.get_by_role("heading", level=1).click()  # so that the tab key begins at the top again
    tab_to("button", "Reset")
    keys.press("Enter")
    screen.assert_all(cr.load("mazur").values())
    tab_to("button", "Next")
    keys.press("Enter")
    expect(screen.region("Picture of the network").get_by_text("Step 1 of 35")).to_be_visible()
    keys.press("ArrowRight")
    expect(screen.region("Picture of the network").get_by_text("Step 2 of 35")).to_be_visible()
    keys.press("ArrowLeft")
    expect(screen.region("Picture of the network").get_by_text("Step 1 of 35")).to_be_visible()


def test_what_has_the_focus_keeps_it(show: Show) -> None:
    screen = show()
    field = screen.page.get_by_label("Change w5", exact=True)
    field.fill("0.5")
    field.press("ArrowUp")
    field.press("ArrowUp")
    expect(field).to_have_value("0.52")
    expect(field).to_be_focused()


@pytest.mark.parametrize("example", ["mazur", "softmax-classifier", "formulas", "xor"])
def test_a_phone_is_wide_enough(show: Show, example: str) -> None:
    screen = show(cr.load(example), viewport=PHONE, has_touch=True)
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    screen.button("Next").tap()
    expect(screen.region("Picture of the network").get_by_text("Step 1 of")).to_be_visible()


def test_it_is_dark_where_that_is_wished(show: Show) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        screen = show(color_scheme=scheme)
        colour = screen.page.locator(".chainrule").evaluate("each => getComputedStyle(each).backgroundColor")
        brightness[scheme] = sum(map(float, colour.strip("rgba()").split(",")[:3]))
    assert brightness["dark"] < 200 < 600 < brightness["light"]


def test_on_paper_there_are_no_buttons(show: Show) -> None:
    screen = show()
    screen.page.emulate_media(media="print")
    expect(screen.button("Next")).to_be_hidden()
    expect(screen.page.locator("figure svg").first).to_be_visible()
    assert number(screen.numbers()["w5+"]) == shown(cr.load("mazur")["w5+"])


def test_a_large_network_is_shown_as_matrices(show: Show) -> None:
    net = cr.Network(64, [cr.Dense(32, "relu"), cr.Dense(10, "softmax")], "cross_entropy", seed=1)
    inputs = [[(7 * sample + 3 * place) % 16 / 16 for place in range(64)] for sample in range(4)]
    targets = [[float(place == sample) for place in range(10)] for sample in range(4)]
    step = net.step(inputs, targets, learning_rate=0.1)
    page = step.page().html
    assert len(page.encode()) < 450_000  # of 2,400 parameters; the tutorial's is below 400 kB
    assert len(cr.load("mazur").page().html.encode()) < 400_000
    screen = show(page)
    screen.train("Ten rounds", 10)
    found = number(screen.numbers("Training")["E_total"])
    assert found == shown(step.after(10)["E_total"])
