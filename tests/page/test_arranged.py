"""Layers that aren't dense, as data for a picture: what goes into each number, and where it stands."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.formula.expression import If, Max, Ref, walk
from chainrule.formula.parse import parse_formulas
from chainrule.numbers.evaluate import evaluate
from chainrule.page.program_json import formula_data, functions_data, program_data
from chainrule.program.program import Program, Role
from page.node import ask, sent_ledger

CELLS = (
    "attention", "batch-norm", "conv", "conv-1d", "dropout", "formulas", "gru", "layer-norm", "lstm", "pooling", "rnn",
    "transformer-block", "word-embedding",
)  # fmt: skip
FORWARD = (Role.VALUE, Role.LOSS)


def program_of(step: cr.Step) -> Program:
    return next(iter(step.page().live.programs.values()))


def key(family: str, index: tuple[int, ...]) -> str:
    return f"{family}:{','.join(map(str, index))}"


def reads_of(program: Program, ledger: dict[str, np.ndarray]) -> Any:
    functions = functions_data(each.formula for each in program.definitions)
    data = program_data(program)
    return ask("reads", program=data, functions=functions, loss="E_total", given=sent_ledger(ledger))


def chance_ledger(step: cr.Step, program: Program) -> dict[str, np.ndarray]:
    """Any positive numbers, those that choose rows of a table as they are: no product is 0 and nothing ties."""
    chance = np.random.default_rng(7)
    ledger = {name: chance.uniform(0.5, 1.5, family.shape) for name, family in program.families.items()}
    if "embedding" in step.page().title:
        ledger["x"] = np.array([[2.0, 0.0]])
    return ledger


@pytest.mark.parametrize("example", CELLS)
def test_what_a_formula_uses_is_what_changes_it(example: str) -> None:
    """Every number of the families in a formula is moved a little: its value follows just where the number is read."""
    step = cr.load(example)
    program = program_of(step)
    ledger = chance_ledger(step, program)
    found = reads_of(program, ledger)["reads"]
    for definition in program.definitions:
        if program.families[definition.target].role not in FORWARD:
            continue
        nodes = list(walk(definition.formula))
        used = {each.name for each in nodes if isinstance(each, Ref) and each.name in program.families}
        sizes = definition.sizes
        for place in np.ndindex(*(sizes[name] for name in definition.indices)):
            at = dict(zip(definition.indices, place, strict=True))
            before = evaluate(definition.formula, ledger, at, sizes)
            changed = set()
            for name in used:
                for entry in np.ndindex(ledger[name].shape):
                    moved = {**ledger, name: ledger[name].copy()}
                    moved[name][entry] += 1e-3
                    if evaluate(definition.formula, moved, at, sizes) != before:
                        changed.add(key(name, entry))
            read = {*found[key(definition.target, place)]}
            if any(isinstance(each, Max | If) for each in nodes):  # the others of a window, and a masked place
                assert changed <= read, (definition.target, place)
            else:
                assert changed == read, (definition.target, place)


def test_the_window_of_a_convolution() -> None:
    step = cr.load("conv")
    reads = ask_of(step)["reads"]
    for p, q in np.ndindex(2, 2):
        window = {key("x", (0, p + u, q + v)) for u, v in np.ndindex(3, 3)}
        kernel = {key("k_c", place) for place in np.ndindex(3, 3)}
        assert {*reads[key("net_c", (0, p, q))]} == window | kernel | {"b_c:"}
    # The derivative of a kernel's entry: the deltas of all windows, and what lies under the entry in each.
    assert {*reads["d_k_c:1,2"]} == {
        *(key("d_net_c", (0, p, q)) for p, q in np.ndindex(2, 2)),
        *(key("x", (0, 1 + p, 2 + q)) for p, q in np.ndindex(2, 2)),
    }  # fmt: skip


def ask_of(step: cr.Step) -> Any:
    """What the formulas use with the numbers of a step."""
    program = program_of(step)
    names = [name for name, family in program.families.items() if family.role != Role.SETTING]
    return reads_of(program, {"rate": np.array(0.1)} | {name: np.asarray(step[name], float) for name in names})


def test_only_the_largest_of_a_window_passes_its_derivative_on() -> None:
    step = cr.load("pooling")
    reads = ask_of(step)["reads"]
    largest = 0
    out = np.asarray(step["out_c"])[0]
    for p, q in np.ndindex(4, 4):
        window = out[p // 2 * 2 : p // 2 * 2 + 2, q // 2 * 2 : q // 2 * 2 + 2]
        comes = f"d_out_p:0,{p // 2},{q // 2}" in reads[f"d_out_c:0,{p},{q}"]
        assert comes == (out[p, q] == window.max())
        largest += comes
    assert largest == 4


def test_masked_places_and_rows_that_no_word_chose_are_idle() -> None:
    answer = ask_of(cr.load("attention"))
    masked = {(t, s) for t, s in np.ndindex(3, 3) if s > t}
    assert {*answer["idle"]} == {key(name, (0, *place)) for name in ("score_a", "attn_a") for place in masked}
    assert {*answer["reads"]["attn_a:0,1,0"]} == {"score_a:0,1,0", "score_a:0,1,1"}
    answer = ask_of(cr.load("word-embedding"))
    assert {*answer["idle"]} == {"w_e:1,0", "w_e:1,1"}  # the words are 2 and 0, counted from 0
    assert {*answer["reads"]["out_e:0,0,1"]} == {"w_e:2,1", "x:0,0"}


def arranged(program: Program, limit: int = 1200) -> Any:
    return ask("arranged", program=program_data(program), loss="E_total", sample=0, limit=limit)


def boxes_of(answer: Any) -> list[Any]:
    return [box for block in answer["blocks"] for box in block["boxes"]]


def assert_apart(answer: Any) -> None:
    """Nothing stands over anything else, or outside."""
    boxes = boxes_of(answer)
    for one, two in combinations(boxes, 2):
        beside = one["x"] + one["w"] <= two["x"] + 1 or two["x"] + two["w"] <= one["x"] + 1
        below = one["y"] + one["h"] <= two["y"] + 1 or two["y"] + two["h"] <= one["y"] + 1
        assert beside or below, (one, two)
    for box in boxes:
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["w"] <= answer["width"] + 1
        assert box["y"] + box["h"] <= answer["height"] + 1


@pytest.mark.parametrize("limit", [1200, 700, 340])
@pytest.mark.parametrize("example", CELLS)
def test_every_number_has_one_place(example: str, limit: int) -> None:
    """Each number of the sample is there once, as a cell or in a neuron; weights of neurons are their edges."""
    program = program_of(cr.load(example))
    answer = arranged(program, limit)
    assert_apart(answer)
    drawn = [each for box in boxes_of(answer) for each in {*box["keys"]}]
    roles = {name: family.role for name, family in program.families.items()}
    for name, family in program.families.items():
        whole = example == "batch-norm" or family.axes[:1] != ("n",)  # one that takes the mean over the samples
        every = {key(name, place) for place in np.ndindex(family.shape) if whole or place[0] == 0}
        found = [each for each in drawn if each.startswith(f"{name}:")]
        if roles[name] in (*FORWARD, Role.INPUT, Role.TARGET):
            assert {*found} == every, name
            # A target may stand beside its neuron, a shared bias at each.
            assert len(found) == len(every), name
        elif roles[name] is not Role.PARAMETER:
            assert found == [], name


@pytest.mark.parametrize("example", CELLS)
def test_nothing_stands_before_what_it_is_made_from(example: str) -> None:
    program = program_of(cr.load(example))
    place = {
        each.partition(":")[0]: number
        for number, block in enumerate(arranged(program)["blocks"])
        for box in block["boxes"]
        for each in box["keys"]
    }
    for definition in program.definitions:
        if definition.target in place:
            used = {each.name for each in walk(definition.formula) if isinstance(each, Ref)} & place.keys()
            assert all(place[name] <= place[definition.target] for name in used), definition.target


def test_normalisation_has_its_mean_and_variance_beside_it() -> None:
    first = {box["family"]: box for box in arranged(program_of(cr.load("transformer-block")))["blocks"][0]["boxes"]}
    assert [*first] == ["x", "mu_t_norm1", "var_t_norm1"]
    assert first["x"]["rows"] == first["mu_t_norm1"]["rows"] == first["var_t_norm1"]["rows"] == 2
    assert first["x"]["x"] < first["mu_t_norm1"]["x"] < first["var_t_norm1"]["x"]


STEPS = """
net[n,t,j] = sum[i](w[j,i] * x[n,t,i]) + (sum[k](u[j,k] * h[n,t - 1,k]) if t > 0 else 0) + b[j]
h[n,t,j] = tanh(net[n,t,j])
E[n,t,j] = (target[n,t,j] - h[n,t,j])**2
E_total = sum[n,t,j](E[n,t,j])
"""


def test_steps_in_time_go_to_the_right() -> None:
    """A family that is made from itself a step before: steps are columns, and the parameters stand there once."""
    shapes = {
        "x": ("input", "nti", [1, 3, 2]), "w": ("parameter", "ji", [4, 2]), "u": ("parameter", "jk", [4, 4]),
        "b": ("parameter", "j", [4]), "net": ("value", "ntj", [1, 3, 4]), "h": ("value", "ntj", [1, 3, 4]),
        "target": ("target", "ntj", [1, 3, 4]), "E": ("value", "ntj", [1, 3, 4]), "E_total": ("loss", "", []),
    }  # fmt: skip
    families = [
        {"name": name, "role": role, "axes": [*axes], "shape": shape, "of": "", "layer": ""}
        for name, (role, axes, shape) in shapes.items()
    ]
    sizes = {"n": 1, "t": 3, "i": 2, "j": 4, "k": 4}
    definitions = [
        {"target": each.target, "indices": [*each.indices], "sizes": sizes, "formula": formula_data(each.formula)}
        for each in parse_formulas(STEPS.strip())
    ]
    program = {"families": families, "definitions": definitions}
    answer = ask("arranged", program=program, loss="E_total", sample=0, limit=1200)
    assert_apart(answer)
    steps = next(block for block in answer["blocks"] if block["kind"] == "steps")
    assert steps["families"] == ["net", "h"]
    boxes = {box["family"]: box for block in answer["blocks"] for box in block["boxes"]}
    for name in ("x", "net", "h", "target", "E"):
        assert boxes[name]["columns"] == 3, name
    assert [box["family"] for box in steps["boxes"]] == ["w", "u", "b", "net", "h"]
    assert boxes["b"]["rows"] == boxes["h"]["rows"] == 4
    assert [note["before"] for note in answer["notes"]] == [["h"]]
