"""Recurrent layers: every step in time uses the same parameters, and the states of the step before.

The derivative of a parameter is then a sum over the steps, which is backpropagation through time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from chainrule.catalogue.layer_row import (
    Given,
    LayerRow,
    Plan,
    Planner,
    Reading,
    Setting,
    Settings,
    Source,
    activated,
    letters,
    sizes_text,
)
from chainrule.catalogue.row import CatalogueError
from chainrule.program.program import Role


@dataclass(frozen=True, slots=True)
class Cell:
    """What the formulas of a cell are made from: its settings and sizes. ``t`` is the step, ``j`` the unit."""

    settings: Settings
    steps: int
    features: tuple[int, ...]  # of the input at one time: none, or one axis
    units: tuple[int, ...]  # of the state: none, or one axis

    @property
    def unit(self) -> tuple[str, ...]:
        return ("j",) * len(self.units)

    @property
    def feature(self) -> tuple[str, ...]:
        return ("i",) * len(self.features)

    def now(self, name: str, unit: str = "j") -> str:
        """A quantity at this step: ``h[n,t,j]``."""
        return f"{name}[{letters(('n', 't'), (unit,) * len(self.units))}]"

    def before(self, name: str, unit: str = "j") -> str:
        """A state at the step before: ``h[n,t - 1,j]``, and what it is before the first one unless that is 0.

        Where backpropagation is cut it is a constant for the steps that follow.
        """
        back, units = self.settings["backwards"], (unit,) * len(self.units)
        state = f"{name}[{letters(('n', 't + 1' if back else 't - 1'), units)}]"
        cut, start = self.settings["truncate"], self.settings["start"]
        if cut is None and start == "zeros":
            return state
        if cut is not None:
            done = f"{self.steps - 1} - t" if back else "t"
            state = f"(stop_gradient({state}) if sum[m](1 if {done} == {cut}*m else 0) == 1 else {state})"
        first = "0" if start == "zeros" else f"{name}_0[{unit}]" if units else f"{name}_0"
        return f"({state} if t {f'< {self.steps - 1}' if back else '> 0'} else {first})"

    def weighted(self, gate: str) -> str:
        """``sum[i](w[j,i] * x[n,t,i])``: the input with its weights."""
        product = f"{_indexed(f'w{gate}', (*self.unit, *self.feature))} * x[{letters(('n', 't'), self.feature)}]"
        return f"sum[i]({product})" if self.features else product

    def recurrent(self, gate: str, times: str = "") -> str:
        """``sum[k](u[j,k] * h[n,t - 1,k])``: the state before with its weights; ``times`` is a gate's family."""
        gated = f" * {self.now(times, 'k')}" if times else ""
        if not self.units:
            return f"u{gate} * {self.before('h')}{gated}"
        return f"sum[k](u{gate}[j,k] * {self.before('h', 'k')}{gated})"

    def bias(self, name: str, key: str = "bias") -> str:
        """``b[j]``; empty where the layer has none."""
        return "" if key in self.settings["without"] else _indexed(name, self.unit)

    def net(self, gate: str, key: str) -> str:
        """The net input of a gate: ``net_f[n,t,j] = ...``."""
        return (
            f"{self.now(f'net{gate}')} = {_sum(self.weighted(gate), self.recurrent(gate), self.bias(f'b{gate}', key))}"
        )

    def given(self, gate: str, word: str) -> list[Given]:
        """The parameters of a gate; ``word`` stands before their keys."""
        other = ("k",) * len(self.units)
        found = [
            Given(f"w{gate}", f"{word}weights", (*self.unit, *self.feature), (*self.units, *self.features),
                  fans=(prod(self.features), prod(self.units))),
            Given(f"u{gate}", f"{word}recurrent_weights", (*self.unit, *other), (*self.units, *self.units), "orthogonal"
                  if self.units else "glorot_uniform"),
            Given(f"b{gate}", f"{word}bias", self.unit, self.units, "zeros"),
        ]  # fmt: skip
        return [each for each in found if each.key not in self.settings["without"]]


def _indexed(name: str, own: tuple[str, ...]) -> str:
    return f"{name}[{letters(own)}]" if own else name


def _sum(*parts: str) -> str:
    return " + ".join(part for part in parts if part)


FormulasOf = Callable[[Cell], list[str]]
GivenOf = Callable[[Cell], list[Given]]


def _recurrent(formulas_of: FormulasOf, given_of: GivenOf, states: tuple[str, ...]) -> Planner:
    """A layer from the formulas of a cell and what they are given."""

    def plan(settings: Settings, sources: tuple[Source, ...]) -> Plan:
        x = sources[0]
        if len(x.shape) not in (1, 2):
            raise CatalogueError(f"a recurrent layer goes along time, with or without features at each time; its input "
                                 f"is {sizes_text(x.shape)}")  # fmt: skip
        steps, features = x.shape[0], x.shape[1:]
        units = () if settings["units"] is None else (settings["units"],)
        cell = Cell(settings, steps, features, units)
        lines, given = formulas_of(cell), given_of(cell)
        if settings["start"] != "zeros":
            role = Role.PARAMETER if settings["start"] == "trained" else Role.SETTING
            given += [Given(f"{name}_0", f"start_{name}", cell.unit, units, "zeros", role) for name in states]
        sizes = {"t": steps} | dict.fromkeys(("j", "k"), prod(units)) | {"i": prod(features)}
        if settings["truncate"]:
            sizes["m"] = -(-steps // settings["truncate"])
        said = f"{steps} step{'s' * (steps != 1)} in time"
        if settings["returns"] == "all":
            return Plan("\n".join(lines), ("t", *cell.unit), (steps, *units), tuple(given), sizes, "h", arithmetic=said)
        last = letters(("n", "0" if settings["backwards"] else str(steps - 1)), cell.unit)
        lines.append(f"out[{letters(('n',), cell.unit)}] = h[{last}]")
        return Plan("\n".join(lines), cell.unit, units, tuple(given), sizes, arithmetic=said)

    return plan


def _simple(cell: Cell) -> list[str]:
    out, _ = activated(cell.settings["activation"], ("n", "t", *cell.unit))
    return [cell.net("", "bias"), f"{cell.now('h')} = {out}"]


GATES = (("_i", "input_", "i", "logistic"), ("_f", "forget_", "f", "logistic"), ("_g", "candidate_", "g", "tanh"),
         ("_o", "output_", "o", "logistic"))  # fmt: skip


def _lstm(cell: Cell) -> list[str]:
    lines = []
    for gate, word, name, function in GATES:
        lines.append(cell.net(gate, f"{word}bias"))
        lines.append(f"{cell.now(name)} = {function}({cell.now(f'net{gate}')})")
    lines.append(f"{cell.now('c')} = {cell.now('f')} * {cell.before('c')} + {cell.now('i')} * {cell.now('g')}")
    lines.append(f"{cell.now('h')} = {cell.now('o')} * tanh({cell.now('c')})")
    return lines


def _lstm_given(cell: Cell) -> list[Given]:
    return [each for gate, word, _, _ in GATES for each in cell.given(gate, word)]


def _gru(cell: Cell) -> list[str]:
    lines = []
    for gate, word, name in (("_r", "reset_", "r"), ("_z", "update_", "z")):
        lines.append(cell.net(gate, f"{word}bias"))
        lines.append(f"{cell.now(name)} = logistic({cell.now(f'net{gate}')})")
    if cell.settings["reset"] == "before":
        recurrent = cell.recurrent("_g", times="r")
    else:
        own = cell.bias("v_g", "candidate_recurrent_bias")
        recurrent = f"{cell.now('r')} * ({_sum(cell.recurrent('_g'), own)})"
    lines.append(f"{cell.now('net_g')} = {_sum(cell.weighted('_g'), recurrent, cell.bias('b_g', 'candidate_bias'))}")
    lines.append(f"{cell.now('g')} = tanh({cell.now('net_g')})")
    lines.append(f"{cell.now('h')} = (1 - {cell.now('z')}) * {cell.now('g')} + {cell.now('z')} * {cell.before('h')}")
    return lines


def _gru_given(cell: Cell) -> list[Given]:
    found = [each for gate, word in (("_r", "reset_"), ("_z", "update_"), ("_g", "candidate_"))
             for each in cell.given(gate, word)]  # fmt: skip
    own = Given("v_g", "candidate_recurrent_bias", cell.unit, cell.units, "zeros")
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
    Setting("backwards", "flag", "Whether the steps go from the last to the first.", False),
)  # fmt: skip
START_H = ("start_h", "the state before the first step")
START_C = ("start_c", "the cell's memory before the first step")


def _reading(called: dict[str, str]) -> Reading:
    words = {"t": "step", "j": "unit", "k": "unit", "i": "feature"}
    ways = {"h": "through the state", "c": "through the memory", "out": "directly"}
    gates = {f"net_{name}": f"through the {word}" for name, word in called.items() if name not in ways}
    nets = {f"net_{name}": f"net input of the {word}" for name, word in called.items() if name not in ways}
    return Reading(words, inputs=("step", "feature"), called=called | nets | {"net": "net inputs"}, ways=ways | gates)


CELL = {"c": "memory", "h": "state", "out": "output"}
OF_LSTM = {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"} | CELL
OF_GRU = {"r": "reset gate", "z": "update gate", "g": "candidate", "h": "state", "out": "output"}

RECURRENCES = (
    LayerRow("recurrent", "simple recurrent layer", _recurrent(_simple, lambda cell: cell.given("", ""), ("h",)),
             (*STEPS, Setting("activation", "name", "What is made of the net input.", "tanh")), (*_keys(""), START_H),
             "r", aliases=("rnn", "simple_rnn"), source="Elman 1990; Werbos 1990 for backpropagation through time",
             reading=_reading({"h": "state", "out": "output"})),
    LayerRow("lstm", "long short-term memory", _recurrent(_lstm, _lstm_given, ("h", "c")), STEPS,
             (*_keys("input_", "forget_", "candidate_", "output_"), START_H, START_C), "l",
             aliases=("long_short_term_memory",),
             source="Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000",
             reading=_reading(OF_LSTM)),
    LayerRow("gru", "gated recurrent unit", _recurrent(_gru, _gru_given, ("h",)),
             (*STEPS, Setting("reset", "text", "Whether the reset gate acts after the recurrent weights, as in "
                              "PyTorch, or before them, as in the paper.", "after", choices=("after", "before"))),
             (*_keys("reset_", "update_", "candidate_"),
              ("candidate_recurrent_bias", "beside the recurrent weights of the candidate, or none"), START_H), "g",
             aliases=("gated_recurrent_unit",), source="Cho and others 2014",
             reading=_reading(OF_GRU)),
)  # fmt: skip
