"""Recurrent layers, written out step by step in time: every step uses the same parameters.

The derivative of a parameter is then a sum over the steps, which is backpropagation through time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from chainrule.catalogue.layer_row import Given, LayerRow, Plan, Planner, Setting, Settings, Source, letters, sizes_text
from chainrule.catalogue.layers import activation_formula
from chainrule.catalogue.row import CatalogueError
from chainrule.program.program import Role

MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """What the formulas of a step are made from: letters, sizes, and the states before the step."""

    settings: Settings
    features: tuple[int, ...]  # of the input at one time: none, or one axis
    units: tuple[int, ...]  # of the state: none, or one axis

    @property
    def own(self) -> tuple[str, ...]:
        return ("j",) * len(self.units)

    def state(self, name: str, step: int) -> str:
        """A state at a step: ``h_2[n,j]``."""
        return f"{name}_{step}[{letters(('n',), self.own)}]"

    def before(self, name: str, step: int, unit: str = "j") -> str:
        """A state before a step; empty before the first one where it starts at 0.

        Where backpropagation is cut it is a constant for the steps that follow.
        """
        at = letters(("n",), (unit,) if self.units else ())
        if step == 1:
            if self.settings["start"] == "zeros":
                return ""
            return f"{name}_0[{unit}]" if self.units else f"{name}_0"
        cut = self.settings["truncate"]
        text = f"{name}_{step - 1}[{at}]"
        return f"stop_gradient({text})" if cut and (step - 1) % cut == 0 else text

    def weighted(self, gate: str, step: int) -> str:
        """``sum[i](w[j,i] * x[n,t,i])``, the input at a step with its weights."""
        w = f"w{gate}[{letters(self.own, ('i',) * len(self.features))}]" if self.own or self.features else f"w{gate}"
        product = f"{w} * x[{letters(('n', str(step - 1)), ('i',) * len(self.features))}]"
        return f"sum[i]({product})" if self.features else product

    def recurrent(self, gate: str, step: int, times: str = "") -> str:
        """``sum[k](u[j,k] * h_1[n,k])``, the state before with its weights; ``times`` is a gate's family."""
        before = self.before("h", step, "k")
        if not before:
            return ""
        if not self.units:
            gated = f" * {times}_{step}[n]" if times else ""
            return f"u{gate} * {before}{gated}"
        gated = f" * {times}_{step}[n,k]" if times else ""
        return f"sum[k](u{gate}[j,k] * {before}{gated})"

    def bias(self, name: str, key: str = "bias") -> str:
        """``b[j]``; empty where the layer has none."""
        if key in self.settings["without"]:
            return ""
        return f"{name}[j]" if self.units else name

    def net(self, gate: str, step: int, key: str) -> str:
        """The net input of a gate: ``net_f_2[n,j] = ...``."""
        parts = [self.weighted(gate, step), self.recurrent(gate, step), self.bias(f"b{gate}", key)]
        return f"{self.state(f'net{gate}', step)} = {_sum(parts)}"

    def given(self, gate: str, word: str) -> list[Given]:
        """The parameters of a gate; ``word`` stands before their keys."""
        feature, unit = ("i",) * len(self.features), ("j",) * len(self.units)
        other = ("k",) * len(self.units)
        found = [
            Given(f"w{gate}", f"{word}weights", (*unit, *feature), (*self.units, *self.features),
                  fans=(prod(self.features), prod(self.units))),
            Given(f"u{gate}", f"{word}recurrent_weights", (*unit, *other), (*self.units, *self.units), "orthogonal"
                  if self.units else "glorot_uniform"),
            Given(f"b{gate}", f"{word}bias", unit, self.units, "zeros"),
        ]  # fmt: skip
        return [each for each in found if each.key not in self.settings["without"]]


def _sum(parts: list[str]) -> str:
    return " + ".join(part for part in parts if part)


StepOf = Callable[[Cell, int], list[str]]
GivenOf = Callable[[Cell], list[Given]]


def _recurrent(step_of: StepOf, given_of: GivenOf, states: tuple[str, ...]) -> Planner:
    """A layer from the formulas of one step and what they are given."""

    def plan(settings: Settings, sources: tuple[Source, ...]) -> Plan:
        x = sources[0]
        if len(x.shape) not in (1, 2):
            raise CatalogueError(f"a recurrent layer goes along time, with or without features at each time; its input "
                                 f"is {sizes_text(x.shape)}")  # fmt: skip
        steps = x.shape[0]
        if steps > MOST_STEPS:
            raise CatalogueError(f"{steps} steps in time would be written out one by one; {MOST_STEPS} are the most")
        units = () if settings["units"] is None else (settings["units"],)
        cell = Cell(settings, x.shape[1:], units)
        lines = [line for step in range(1, steps + 1) for line in step_of(cell, step)]
        given = given_of(cell)
        if settings["start"] != "zeros":
            role = Role.PARAMETER if settings["start"] == "trained" else Role.SETTING
            given += [Given(f"{name}_0", f"start_{name}", cell.own, units, "zeros", role) for name in states]
        sizes: dict[str, int] = dict.fromkeys(("j", "k"), int(settings["units"])) if units else {}
        if x.shape[1:]:
            sizes["i"] = x.shape[1]
        if settings["returns"] == "last":
            return Plan("\n".join(lines), cell.own, units, tuple(given), sizes, f"h_{steps}", arithmetic=_said(steps))
        right = f"h_{steps}[{letters(('n',), cell.own)}]"
        for step in range(steps - 1, 0, -1):
            right = f"h_{step}[{letters(('n',), cell.own)}] if t == {step - 1} else ({right})"
        lines.append(f"out[{letters(('n', 't'), cell.own)}] = {right}")
        return Plan("\n".join(lines), ("t", *cell.own), (steps, *units), tuple(given), sizes | {"t": steps},
                    arithmetic=_said(steps))  # fmt: skip

    return plan


def _said(steps: int) -> str:
    return f"{steps} step{'s' * (steps != 1)} in time"


def _simple_step(cell: Cell, step: int) -> list[str]:
    net = cell.state("net", step)
    right = activation_formula(cell.settings["activation"])[0].replace("net[n,j]", net)
    return [cell.net("", step, "bias"), f"{cell.state('h', step)} = {right}"]


GATES = (("_i", "input_", "i", "logistic"), ("_f", "forget_", "f", "logistic"), ("_g", "candidate_", "g", "tanh"),
         ("_o", "output_", "o", "logistic"))  # fmt: skip


def _lstm_step(cell: Cell, step: int) -> list[str]:
    lines = []
    for gate, word, name, function in GATES:
        lines.append(cell.net(gate, step, f"{word}bias"))
        lines.append(f"{cell.state(name, step)} = {function}({cell.state(f'net{gate}', step)})")
    kept = cell.before("c", step)
    new = f"{cell.state('i', step)} * {cell.state('g', step)}"
    kept = f"{cell.state('f', step)} * {kept} + " if kept else ""
    lines.append(f"{cell.state('c', step)} = {kept}{new}")
    lines.append(f"{cell.state('h', step)} = {cell.state('o', step)} * tanh({cell.state('c', step)})")
    return lines


def _lstm_given(cell: Cell) -> list[Given]:
    return [each for gate, word, _, _ in GATES for each in cell.given(gate, word)]


def _gru_step(cell: Cell, step: int) -> list[str]:
    lines = []
    for gate, word, name in (("_r", "reset_", "r"), ("_z", "update_", "z")):
        lines.append(cell.net(gate, step, f"{word}bias"))
        lines.append(f"{cell.state(name, step)} = logistic({cell.state(f'net{gate}', step)})")
    weighted, bias = cell.weighted("_g", step), cell.bias("b_g", "candidate_bias")
    if cell.settings["reset"] == "before":
        recurrent = cell.recurrent("_g", step, times="r")
    else:
        parts = _sum([cell.recurrent("_g", step), cell.bias("v_g", "candidate_recurrent_bias")])
        recurrent = f"{cell.state('r', step)} * ({parts})" if parts else ""
    lines.append(f"{cell.state('net_g', step)} = {_sum([weighted, recurrent, bias])}")
    lines.append(f"{cell.state('g', step)} = tanh({cell.state('net_g', step)})")
    update, before = cell.state("z", step), cell.before("h", step)
    kept = f" + {update} * {before}" if before else ""
    lines.append(f"{cell.state('h', step)} = (1 - {update}) * {cell.state('g', step)}{kept}")
    return lines


def _gru_given(cell: Cell) -> list[Given]:
    found = [each for gate, word in (("_r", "reset_"), ("_z", "update_"), ("_g", "candidate_"))
             for each in cell.given(gate, word)]  # fmt: skip
    own = Given("v_g", "candidate_recurrent_bias", ("j",) * len(cell.units), cell.units, "zeros")
    inside = cell.settings["reset"] == "after" and own.key not in cell.settings["without"]
    return [*found, own] if inside else found


def _keys(*words: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for word in words:
        of = f" of the {word[:-1]} gate" if word and word != "candidate_" else " of the candidate" if word else ""
        found += [
            (f"{word}weights", f"for the input{of}: a row for each unit"),
            (f"{word}recurrent_weights", f"for the state before{of}: a row for each unit"),
            (f"{word}bias", f"one for each unit{of}, or none"),
        ]
    return tuple(found)


STEPS = (
    Setting("units", "count", "How many numbers the state has; a single one unless given.", None),
    Setting("returns", "text", "The state after the last step, or after all steps.", "last", choices=("last", "all")),
    Setting("truncate", "count", "Backpropagation is cut after so many steps.", None),
    Setting("start", "text", "What the state is before the first step.", "zeros",
            choices=("zeros", "given", "trained")),
)  # fmt: skip
START_H = ("start_h", "the state before the first step")
START_C = ("start_c", "the cell's memory before the first step")

RECURRENCES = (
    LayerRow("recurrent", "simple recurrent layer", _recurrent(_simple_step, lambda cell: cell.given("", ""), ("h",)),
             (*STEPS, Setting("activation", "name", "What is made of the net input.", "tanh")), (*_keys(""), START_H),
             "r", aliases=("rnn", "simple_rnn"), source="Elman 1990; Werbos 1990 for backpropagation through time"),
    LayerRow("lstm", "long short-term memory", _recurrent(_lstm_step, _lstm_given, ("h", "c")), STEPS,
             (*_keys("input_", "forget_", "candidate_", "output_"), START_H, START_C), "l",
             aliases=("long_short_term_memory",),
             source="Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000"),
    LayerRow("gru", "gated recurrent unit", _recurrent(_gru_step, _gru_given, ("h",)),
             (*STEPS, Setting("reset", "text", "Whether the reset gate acts after the recurrent weights, as in "
                              "PyTorch, or before them, as in the paper.", "after", choices=("after", "before"))),
             (*_keys("reset_", "update_", "candidate_"),
              ("candidate_recurrent_bias", "beside the recurrent weights of the candidate, or none"), START_H), "g",
             aliases=("gated_recurrent_unit",), source="Cho and others 2014"),
)  # fmt: skip
