"""The live page in a real browser: what is read from the screen is what Python says, and what the tutorial printed."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect

import chainrule as cr
from page.conftest import Show
from page.screen import Screen, is_listed, number, shown
from page.tutorial import changed

DATA = Path(__file__).parent.parent / "data" / "worked_examples.json"
TUTORIAL = next(each for each in json.loads(DATA.read_text())["examples"] if each["id"] == "W01-mazur")
# Where the tutorial's own numbers can't be had by the algorithm that it describes, the recomputed one is on the page.
DERIVED_WITH = {
    "dout_o1/dnet_o1": "dE_total/dw5",
    "dout_h1/dnet_h1": "dE_total/dw1",
    "dE_o1/dout_h1": "dE_total/dout_h1",
    "dE_o2/dout_h1": "dE_total/dout_h1",
}
TEN = 10  # digits: the tutorial prints net_o1 with so many
PRINTED = {each["name"]: each for each in TUTORIAL["published"]}


def assert_read(screen: Screen, place: str, quantity: str, name: str) -> None:
    """A number on the screen is the one that the tutorial printed, to the digits of it, or what it should have been."""
    entry = PRINTED[name]
    right = shown(entry["recomputed"], TEN)
    assert number(screen.numbers(place).get(quantity, "NaN")) == right, name
    printed = Decimal(entry["printed"])
    unit = Decimal(1).scaleb(printed.as_tuple().exponent)
    agrees = {"yes": abs(right - printed) <= unit / 2, "last-digit": abs(right - printed) <= unit}
    assert agrees.get(entry["agrees"], right != printed), name


def test_the_whole_tutorial(show: Show) -> None:
    """Every number that it prints, read from the screen in the order in which it is printed."""
    screen = show(cr.load("mazur").after(0, digits=TEN))
    seen = set()
    for name in PRINTED:
        if " after " in name:
            continue
        full = name.replace("dE/", "dE_total/")
        place = "All numbers" if is_listed(full) else "Derivation"
        if place == "Derivation":  # a factor or a part of the gradient of w5 or w1
            screen.explain(DERIVED_WITH[full])
        screen.eventually(assert_read, screen, place, full, name)
        seen.add(name)
    assert_read(screen, "Training", "E_total after 1 round", "E after 1 step")
    screen.train("One round", 1)
    assert_read(screen, "Training", "E_total", "E after 1 step")
    screen.train("Run to 10,000", 10_000)
    assert_read(screen, "Training", "E_total", "E after 10000 steps")
    for out in ("out_o1", "out_o2"):
        screen.eventually(assert_read, screen, "All numbers", out, f"{out} after 10000")
    assert len(seen) == len(PRINTED) - 4


@pytest.mark.parametrize("example", ["mazur", "mazur-biases", "softmax-classifier", "adam", "momentum", "regression"])
def test_every_number_of_an_example(show: Show, example: str) -> None:
    step = cr.load(example)
    screen = show(step)
    screen.assert_all(step.values())
    screen.train("Ten rounds", 10)
    screen.assert_all(step.after(10).values())


def test_a_later_round(show: Show) -> None:
    """A page that begins later: trained up to there as it is opened, or with the numbers of that round."""
    step = cr.load("adam")
    for later in (step.after(25), step.after(2).next()):
        screen = show(later)
        screen.assert_all(later.values())
        rounds = later.rounds_done + 10
        screen.train("Ten rounds", rounds)
        screen.assert_all(step.after(rounds).values())
        screen.button("Reset").click()
        screen.assert_all(later.values())


def test_every_number_of_a_middle_network(show: Show) -> None:
    """With more than 150 numbers the walk goes array by array, and every number is still in the list."""
    net = cr.Network(3, [cr.Dense(5, "tanh"), cr.Dense(3, "softmax")], "cross_entropy", seed=1)
    step = net.step([[0.5, -1, 2]], [[0, 1, 0]], learning_rate=0.1)
    screen = show(step)
    assert len(screen.numbers()) > 150
    screen.assert_all(step.values())


def test_ten_thousand_rounds_are_those_of_python(show: Show) -> None:
    step = cr.load("mazur")
    screen = show(step)
    for text, rounds in (("One round", 1), ("Ten rounds", 11), ("1000 rounds", 1011), ("Run to 10,000", 10_000)):
        screen.train(text, rounds)
        screen.assert_all(step.after(rounds).values())
    slider = screen.page.get_by_role("slider", name="Round shown")
    for rounds in (0, 1, 777):
        slider.fill(str(rounds))
        screen.assert_all(step.after(rounds).values())


def test_the_walk_goes_through_every_number(show: Show) -> None:
    screen = show()
    values = cr.load("mazur").values()
    status = screen.region("Picture of the network").get_by_role("status")
    given = {name for name, text in screen.numbers().items() if name in list(values)[:15]}
    known, phases = set(given), []
    for step in range(1, 36):
        screen.button("Next").click()
        expect(status).to_contain_text(f"Step {step} of 35: ")
        name, numbers = screen.eventually(the_new_one, screen, known)
        assert number(numbers[name]) == shown(values[name])
        known.add(name)
        # What is explained is the step's own number, and the last number of its derivation is its value.
        explained = [text for key, text in screen.numbers("Derivation").items() if key == name]
        assert name in ("E_total",) or [number(text) for text in explained] == [shown(values[name])], name
        phase = screen.page.locator(".walk [aria-current=step]").inner_text()
        phases.append(phase)
    assert list(dict.fromkeys(phases)) == ["Forward pass", "Error", "Backward pass", "Update"]
    screen.button("Back").click()
    expect(status).to_contain_text("Step 34 of 35")
    screen.button("Backward pass").click()
    expect(status).to_contain_text("Step 12 of 35")
    screen.button("Whole round").click()
    screen.assert_all(values)


def the_new_one(screen: Screen, known: set[str]) -> tuple[str, dict[str, str]]:
    """The one number that a step of the walk brings, and all the numbers."""
    numbers = screen.numbers()
    new = {name for name, text in numbers.items() if text != "?"} - known
    assert len(new) == 1, new
    return new.pop(), numbers


def test_each_factor_leads_on(show: Show) -> None:
    """From the gradient of w1 over the sum of both paths back to a given number, by what stands in the derivations."""
    screen = show()
    screen.page.locator("figure").get_by_role("button", name="w1 = 0.15, from i1 to h1").press("Enter")
    derivation = screen.region("Derivation")
    values = cr.load("mazur").values()
    for name, number_of in (
        ("derivative of E_total by out_h1", "dE_total/dout_h1"),
        ("delta o1", "delta_o1"),
        ("derivative of E_total by out_o1", "dE_total/dout_o1"),
        ("target_o1", "target_o1"),
    ):
        derivation.get_by_role("button", name=name, exact=True).first.click()
        if number_of == "dE_total/dout_h1":
            numbers = screen.numbers("Derivation")
            for part in ("dE_o1/dout_h1", "dE_o2/dout_h1", "dE_total/dout_h1"):
                assert number(numbers[part]) == shown(values[part])
    expect(screen.page.get_by_label("Change target_o1", exact=True)).to_have_value("0.01")


CHANGES = {
    "a weight": ("w5", "-0.3", {"weights": ([[0.15, 0.20], [0.25, 0.30]], [[-0.3, 0.45], [0.50, 0.55]])}),
    "an input": ("i1", "1.5", {"inputs": [[1.5, 0.10]]}),
    "a target": ("target_o2", "0", {"targets": [[0.01, 0.0]]}),
    "a bias": ("b1", "0,5", {"biases": (0.5, 0.60)}),
    "the learning rate": ("rate", "2", {"rate": 2.0}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_followed_by_every_number(show: Show, what: str) -> None:
    name, text, change = CHANGES[what]
    screen = show()
    screen.explain(name)
    screen.type("learning rate η" if name == "rate" else f"Change {name}", text)
    step = changed(**change)
    screen.assert_all(step.values())
    screen.train("Ten rounds", 10)
    screen.assert_all(step.after(10).values())
    screen.button("Reset").click()
    screen.assert_all(cr.load("mazur").values())


def test_another_activation(show: Show) -> None:
    screen = show()
    screen.page.get_by_label("activation of layer h").select_option("tanh")
    screen.page.get_by_label("activation of layer o").select_option("softmax")
    screen.assert_all(changed(activations=("tanh", "softmax")).values())


ANSWERS = (
    {"net_h1": "0.3775", "out_h1": "0.5932", "net_h2": "0,3925", "E_total": "0.2983711", "w5+": "0.35891648"},
    {"net_h1": "0.38", "out_h1": "0.593873", "delta_o1": "-0.1385", "dE_total/dw5": "-0.0821670", "w8+": "0.56"},
    {"out_o1": "0.75", "dE_total/dout_o1": "0.74", "delta_o1": "0.13875", "dE_total/dw5": "0.0823", "E_o1": "1"},
    {"dE_total/dout_h1": "0.036387", "delta_h1": "0.00878", "dE_total/dw1": "0.000439", "w1+": "0.14978"},
    {"net_o1": "1.1059", "out_o1": "0.7514", "w6+": "0.408666186", "w7+": "0.4887", "E_total": "0.291027924"},
)


@pytest.mark.parametrize("answers", ANSWERS, ids=lambda answers: " ".join(answers))
def test_the_verdicts_are_those_of_the_checker(show: Show, answers: dict[str, str]) -> None:
    screen = show()
    screen.button("Hide the numbers").click()
    for name, text in answers.items():
        screen.type(f"your number for {name}", text)
    checked = cr.load("mazur").check({name: text.replace(",", ".") for name, text in answers.items()})
    assert {each["name"] for each in checked.verdicts} == {*answers}
    for each in checked.verdicts:
        row = screen.page.get_by_label(f"your number for {each['name']}", exact=True).locator("xpath=ancestor::li")
        expect(row).to_have_attribute("data-verdict", each["verdict"])


def test_a_hidden_number_is_nowhere(show: Show) -> None:
    screen = show()
    screen.button("Hide the numbers").click()
    seen = screen.page.locator("main").inner_text() + " ".join(
        screen.page.locator("main [aria-label]").evaluate_all(
            "all => all.map((each) => each.getAttribute('aria-label'))"
        )
    )
    values = cr.load("mazur").values()
    for name in ("out_h1", "E_total", "dE_total/dw5", "w5+"):
        assert str(shown(values[name], 4)) not in seen, name
    screen.button("Show the numbers").click()
    screen.assert_all(values)


def test_a_link_brings_the_same_numbers(show: Show) -> None:
    screen = show()
    screen.explain("w5")
    screen.type("Change w5", "0.41")
    screen.page.get_by_label("activation of layer h").select_option("tanh")
    screen.train("Ten rounds", 10)
    screen.button("Copy link").click()
    expect(screen.page.get_by_text("link").first).to_be_visible()
    address = screen.page.evaluate("location.href")
    weights = ([[0.15, 0.20], [0.25, 0.30]], [[0.41, 0.45], [0.50, 0.55]])
    values = changed(weights=weights, activations=("tanh", "logistic")).after(10).values()
    screen.assert_all(values)
    other = show(state=f"#{address.partition('#')[2]}")
    expect(other.region("Training").get_by_text("10 rounds done")).to_be_visible()
    other.assert_all(values)


def test_an_address_that_makes_no_sense_does_no_harm(show: Show) -> None:
    screen = show(
        state="#start.w_o=1,x&round=-5&selected=<script>&activation.out_h=constructor&fixed.rate=1e999&step=9e9"
    )
    screen.button("Whole round").click()
    screen.assert_all(cr.load("mazur").values())
