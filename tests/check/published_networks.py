"""The collected mistakes: their networks as network files, their numbers by our names, and what should be found."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.check.answers import Answer, Answers
from chainrule.model import Step, load
from chainrule.model.check import Check
from test_published import EXAMPLES, circuit, step_of

MISTAKES: Mapping[str, Mapping[str, Any]] = {
    each["id"]: each
    for each in json.loads((Path(__file__).parent.parent / "data" / "mistakes.json").read_text("utf-8"))["mistakes"]
}

# One layer of a network file.
LAYER = """
[[layer]]
units = {units}
activation = "{activation}"
weights = {weights}
bias = {bias}
"""


def dense(loss: str, layers: Sequence[tuple[str, Any, Any]], inputs: Any, targets: Any, rate: float = 0.5) -> str:
    """The network file of dense layers: of each the activation, the weights with a row for each neuron, the biases."""
    parts = [f'[network]\ninputs = {len(inputs[0])}\nloss = "{loss}"\n']
    for activation, weights, bias in layers:
        rows = json.dumps(np.asarray(weights).tolist())
        parts.append(LAYER.format(units=len(bias), activation=activation, weights=rows, bias=json.dumps(list(bias))))
    data = f"inputs = {json.dumps(np.asarray(inputs).tolist())}\ntargets = {json.dumps(np.asarray(targets).tolist())}"
    return "".join(parts) + f"\n[data]\n{data}\n\n[training]\nlearning_rate = {rate}\n"


def not_so_random_walk() -> str:
    network = EXAMPLES["W06-anotsorandomwalk-3-2-2"]["network"]
    layers = [("logistic", np.transpose(each["W_in_by_out"]), each["b"]) for each in network["layers"]]
    return dense("half_squared_error", layers, [network["input"]], [network["target"]], 0.01)


def relu_and_softmax() -> str:
    network = EXAMPLES["W11-geoj-cs231n-two-layer"]["network"]
    names = ("relu", "softmax")
    layers = [
        (name, np.transpose(each["W_in_by_out"]), each["b"])
        for name, each in zip(names, network["layers"], strict=True)
    ]
    return dense("cross_entropy", layers, [network["input"]], [np.eye(3)[network["target_class"]]])


def planar_data() -> str:
    network = EXAMPLES["W14-coursera-planar-backprop"]["network"]
    layers = [("tanh", network["W1"], network["b1"]), ("logistic", network["W2"], network["b2"])]
    return dense("binary_cross_entropy", layers, np.transpose(network["X"]), np.transpose(network["Y"]))


def one_neuron() -> str:
    test = EXAMPLES["W15-deepml-25-single-neuron-batch3"]["network"]["tests"][0]
    layers = [("logistic", [test["w"]], [test["b"]])]
    return dense("mean_squared_error", layers, test["X"], [[y] for y in test["y"]], test["eta"])


# A parameter whose gradient is 0.1 in every round.
ADAM = """
[formulas]
text = "E_total = g * w"

[constants]
g = 0.1

[parameters]
w = 1.0

[training]
optimizer = "adam"
learning_rate = 0.001
settings = { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }
"""

# One LSTM cell, its two steps written one after the other; the steps are counted from 0.
LSTM_STEP = """
net_a{t} = wa1 * x{t}1 + wa2 * x{t}2{ua} + ba
net_i{t} = wi1 * x{t}1 + wi2 * x{t}2{ui} + bi
net_f{t} = wf1 * x{t}1 + wf2 * x{t}2{uf} + bf
net_o{t} = wo1 * x{t}1 + wo2 * x{t}2{uo} + bo
a{t} = tanh(net_a{t})
i{t} = logistic(net_i{t})
f{t} = logistic(net_f{t})
o{t} = logistic(net_o{t})
state{t} = a{t} * i{t}{carried}
squashed{t} = tanh(state{t})
out{t} = squashed{t} * o{t}
E{t} = 1/2 * (out{t} - label{t})**2
"""


def lstm() -> str:
    network = EXAMPLES["W31-gomez-lstm"]["network"]
    first = LSTM_STEP.format(t=0, carried="", **{f"u{gate}": "" for gate in "aifo"})
    back = {f"u{gate}": f" + u{gate} * out0" for gate in "aifo"}
    second = LSTM_STEP.format(t=1, carried=" + f1 * state0", **back)
    parameters = {f"w{gate}{i + 1}": network[f"W_{gate}"][i] for gate in "aifo" for i in range(2)}
    parameters |= {f"u{gate}": network["U"][gate] for gate in "aifo"}
    parameters |= {f"b{gate}": network["b"][gate] for gate in "aifo"}
    inputs = {f"x{t}{i + 1}": network["x"][t][i] for t in range(2) for i in range(2)}
    labels = {f"label{t}": network["labels"][t] for t in range(2)}
    tables = {"inputs": inputs, "targets": labels, "parameters": parameters, "training": {"learning_rate": 0.1}}
    return f'[formulas]\ntext = """{first}{second}E_total = E0 + E1\n"""\n' + "".join(
        f"\n[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
        for name, table in tables.items()
    )


NETWORKS: Mapping[str, Callable[[], Step]] = {
    "W01-mazur": lambda: load("mazur"),
    "W02-mazur-biases": lambda: load("mazur-biases"),
    "W06-anotsorandomwalk-3-2-2": lambda: step_of(not_so_random_walk()),
    "W09-mahfuzar-bce-2-2-1": lambda: load("binary-cross-entropy"),
    "W11-geoj-cs231n-two-layer": lambda: step_of(relu_and_softmax()),
    "W12-cs231n-circuits": lambda: circuit("c2"),
    "W14-coursera-planar-backprop": lambda: step_of(planar_data()),
    "W15-deepml-25-single-neuron-batch3": lambda: step_of(one_neuron()),
    "W16-deepml-optimizers": lambda: step_of(ADAM),
    "W31-gomez-lstm": lambda: step_of(lstm()),
    "adam-constant-gradient": lambda: step_of(ADAM),
}

# Our names for the quantities of an entry; "E_total after 1" is that of the round after one.
NAMES: Mapping[str, Sequence[str]] = {
    "M001": ["dE_o2/dout_h1"],
    "M002": ["net_h1"],
    "M004": ["b2+"],
    "M005": ["b1+"],
    "M006": ["dE/db2"],
    "M007": ["dE/db1"],
    "M008": ["E_total after 1"],
    "M009": ["E_total after 1"],
    "M010": ["out_o1 after 10000", "out_o2 after 10000"],
    "M011": ["E_total after 10000"],
    "M013": ["E_total after 1"],
    "M018": ["E_total"],
    "M020": ["df/dx0"],
    "M021": ["w1 after 2", "w2 after 2", "b_o1 after 2", "E_total", "E_total after 1"],
    "M024": ["w1 after 2", "w2 after 2", "b_o1 after 2", "E_total", "E_total after 1"],
    "M025": ["v_w+"],
    "M031": [f"dE/dw{place}" for place in range(1, 9)],
    "M033": ["dE/dw1", "dE/db_h1"],
    "M047": ["dE/dw6"],
    "M064": ["dE/db_o1"],
    "M080": ["w5+"],
    "M082": ["delta_o1"],
    "M084": ["delta_o1", "delta_o2", "delta_o3"],
    "M088": ["w after 2"],
    "M091": ["dE/dnet_a1"],
    "M099": ["dE/dstate0"],
    "M107": ["w5+"],
    "M109": ["out_o1"],
    "M111": ["dE/dw1"],
    "M113": ["dE/dw5"],
    "M115": ["E_total"],
}


# What should be found, by the collection's categories: the id of a mistake, of another convention, the kind of a slip.
CAUSES: Mapping[str, Sequence[str]] = {
    "transposed_or_wrong_weight": ["transposed-backward", "transposed-forward"],
    "bias_gradient_without_activation_derivative": ["error-for-delta"],
    "updated_weights_in_hidden_layer": ["updated-weights"],
    "off_by_one_step": ["after-9999-rounds"],
    "stale_state": ["after-11-rounds"],
    "batch_mean_twice": ["mean-twice"],
    "power_or_square_forgotten": ["square-left-out"],
    "extra_factor": ["net-times-slope"],
    "missing_activation_derivative": ["slope-left-out"],
    "activation_derivative_of_activation": ["slope-at-output"],
    "softmax_elementwise": ["elementwise-softmax"],
    "adam_bias_correction": ["correction-without-power"],
    "tanh_derivative_formula": ["tanh-slope-plus"],
    "bptt_incomplete_or_wrong": ["term", "one-path"],
    "learning_rate_missing": ["rate-left-out"],
    "missing_bias": ["bias-left-out"],
    "preactivation_used_as_activation": ["net-for-output"],
    "unknown": [],
}
CONVENTIONS = {"convention_bias_updated": "biases-per-neuron", "half_or_factor_two": "squared-error"}
ROUNDING = "rounding_or_truncation"

# The first wrong number in the order of calculation, where it isn't the first one in the collection.
# In M021 the error before it, 0.2947 for 0.29422, is within what a calculation with four digits can do.
FIRST_WRONG = {"M021": "b_o1 after 2", "M024": "E_total"}

SURE = 0.01  # chance: below it a cause is said to have been found


@dataclass(frozen=True, slots=True)
class Handed:
    """Numbers as a person handed them in, what was found out about them, and in how many seconds."""

    network: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    check: Check
    seconds: float

    @property
    def verdicts(self) -> Mapping[str, Mapping[str, Any]]:
        """The verdicts by the names that were handed in."""
        return dict(zip(self.names, self.check.verdicts, strict=True))

    @property
    def first_wrong(self) -> str | None:
        """The first wrong number's name with its round."""
        place = self.check.result.first_wrong
        return None if place is None else self.names[place]

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        """Those of the first wrong number."""
        return () if self.first_wrong is None else self.verdicts[self.first_wrong]["causes"]


def missed(entry: str) -> str:
    """What should have been found out about an entry and wasn't, in a sentence; empty where all was."""
    handed, category = collected(entry), MISTAKES[entry]["category"]
    convention = handed.check.data["convention"]
    if category in CONVENTIONS:
        found = None if convention is None else convention["id"]
        return "" if found == CONVENTIONS[category] else f"the convention found is {found}, not {CONVENTIONS[category]}"
    if category == ROUNDING:
        verdict = handed.check.verdicts[0]["verdict"]
        return "" if verdict == "right to the digits given" else f"the verdict is {verdict!r}, but it is only rounding"
    if convention is not None:
        return f"only another convention is named, {convention['text']}, and not {CAUSES[category][0]}"
    first = FIRST_WRONG.get(entry, handed.names[0])
    if handed.first_wrong != first:
        verdict = handed.verdicts[first]
        return f"{first} is {verdict['verdict']!r} ({verdict['note']}) and not the first wrong number"
    if category == "unknown":
        return _claimed(handed)
    return _not_named(handed, CAUSES[category])


def _claimed(handed: Handed) -> str:
    """What is said to have been found where there is nothing to be found."""
    sure = [cause["id"] for each in handed.check.verdicts for cause in each["causes"] if cause["by_chance"] < SURE]
    assumed = [note for note in handed.check.data["notes"] if "checked as if" in note]
    return "; ".join([*(f"{each} is named, which is an accident" for each in sure), *assumed])


def _not_named(handed: Handed, expected: Sequence[str]) -> str:
    """Empty where the first cause, or one that is as good, is an expected one."""
    if not handed.causes:
        return f"no cause is named; {expected[0]} should be"
    best = handed.causes[0]
    kinds = [kind(each) for each in (best["id"], *best["ambiguous_with"])]
    return "" if set(kinds) & set(expected) else f"{', '.join(kinds)} is named, not {expected[0]}"


def kind(cause: str) -> str:
    """A named mistake's id; of a slip, whose id has its line, what kind it is."""
    return cause.split("-")[0] if "@" in cause else cause


@cache
def handed_in(network: str, names: tuple[str, ...], texts: tuple[str, ...], published: bool = False) -> Handed:
    """Check numbers by their names."""
    answers = Answers(tuple(answer(name, text) for name, text in zip(names, texts, strict=True)))
    step = NETWORKS[network]()
    started = perf_counter()
    check = step.check(answers, published=published)
    return Handed(network, names, texts, check, perf_counter() - started)


def answer(name: str, text: str) -> Answer:
    """A number as a person writes it; its name may say how many rounds have been done."""
    quantity, _, rounds = name.partition(" after ")
    value = Decimal(text)
    return Answer(quantity, text, value, Decimal(1).scaleb(int(value.as_tuple().exponent)), int(rounds or 0))


def collected(entry: str) -> Handed:
    """Check the wrong numbers of an entry: as they were written, or to 12 digits where they were computed."""
    facts = MISTAKES[entry]
    texts = np.asarray(facts["recomputed"] if facts["written"] is None else facts["written"], dtype=object).reshape(-1)
    return handed_in(facts["network"], tuple(NAMES[entry]), tuple(written(entry, each) for each in texts))


def written(entry: str, number: Any) -> str:
    if isinstance(number, str):
        return number
    if entry == "M088":  # the collection has the step, the network the parameter after it
        number = adam_after_one() - number
    return f"{number:.12g}" if number else "0.000000000"


@cache
def adam_after_one() -> float:
    return float(NETWORKS["adam-constant-gradient"]().after(1)["w"])
