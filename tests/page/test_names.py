"""The page's names are those of the package: for every number of networks of many kinds."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.optimizers import OPTIMIZERS
from chainrule.catalogue.training import Update
from chainrule.explain.document import Partial, Symbol
from chainrule.explain.names import Ratio, Scalar, address, name, names_of, ratio_name, ratio_symbol, scalars, symbol
from chainrule.page.program_json import program_data
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from chainrule.render.symbols import unicode_name
from chainrule.training.programs import Trainable, training_round
from oracle_programs import CASES, Case, program_of
from page.node import ask


def of_layers(*layers: DenseLayer, inputs: int = 2, samples: int = 1, optimizer: str = "gradient_descent") -> Program:
    return training_round(Trainable(inputs, layers, Conventions(), Update(optimizer)), samples)


def of_formulas(text: str, **axes: str) -> Program:
    families = [Family(each, Role.PARAMETER, tuple(letters), (2,) * len(letters)) for each, letters in axes.items()]
    return differentiate(extend(Program({}), text, given=families, roles={"E_total": Role.LOSS}))


def of_case(case: Case) -> Program:
    return differentiate(program_of(case, case.shapes(2, 2, 2)))


PAIR = DenseLayer(2, "logistic")
NETWORKS: dict[str, Callable[[], Program]] = {
    "one layer": lambda: of_layers(PAIR),
    "one neuron": lambda: of_layers(DenseLayer(1)),
    "a batch": lambda: of_layers(PAIR, PAIR, samples=3),
    "a shared bias": lambda: of_layers(DenseLayer(3, "tanh", bias="shared"), DenseLayer(1, bias="shared"), samples=2),
    "no bias": lambda: of_layers(DenseLayer(3, "tanh", bias="none"), DenseLayer(2, "softmax", bias="none")),
    "three hidden layers": lambda: of_layers(PAIR, PAIR, PAIR, PAIR),
    "more than ten neurons": lambda: of_layers(DenseLayer(12, "relu"), DenseLayer(11)),
    "as many weights as are numbered": lambda: of_layers(DenseLayer(10, "relu"), DenseLayer(8), inputs=2),
    "more weights than are numbered": lambda: of_layers(DenseLayer(26, "relu"), DenseLayer(2), samples=2),
    "layers called like neurons": lambda: of_layers(DenseLayer(2, name="h1"), DenseLayer(2, name="h")),
    "layers called like weights": lambda: of_layers(DenseLayer(3, name="w"), DenseLayer(2, name="b2"), samples=2),
    "weights not trained": lambda: of_layers(DenseLayer(2, train_weights=False), PAIR),
    "formulas with names alike": lambda: of_formulas(
        "y[i] = sum[j](w[i,j] * x[j]) + x1[i]\nE_total = sum[i](y[i] * y12[i])", w="ij", x="j", x1="i", y12="i"
    ),
    "letters of mathematics": lambda: of_formulas(
        "theta[i] = alpha * x[i]**2\nE_total = sum[i](theta[i])", alpha="", x="i"
    ),
    "names of JavaScript": lambda: of_formulas(
        "toString[i] = constructor * x[i]\nE_total = sum[i](toString[i] * hasOwnProperty[i])",
        constructor="", x="i", hasOwnProperty="i",
    ),
}  # fmt: skip
NETWORKS |= {row.name: partial(of_layers, PAIR, PAIR, optimizer=row.name) for row in OPTIMIZERS}
NETWORKS |= {case.name: partial(of_case, case) for case in CASES}


def looks(each: Symbol | Partial) -> Any:
    if isinstance(each, Partial):
        return {"of": looks(each.of), "by": looks(each.by)}
    return {"base": each.base, "subscript": each.subscript, "sample": each.sample, "updated": each.updated}


def line(each: Symbol | Partial) -> str:
    return f"∂{line(each.of)}/∂{line(each.by)}" if isinstance(each, Partial) else unicode_name(each)


def key(each: Scalar) -> str:
    return f"{each.family}:{','.join(map(str, each.index))}"


def ratios_of(program: Program) -> Iterator[Ratio]:
    """Each definition's first and last number by those of every family that it uses."""
    plain = [each for each in program.families.values() if each.role not in (Role.ADJOINT, Role.UPDATED)]
    for above, below in product(plain[:8], plain[-8:]):
        yield Ratio(list(scalars(above))[-1], next(scalars(below)))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_names_of_all_numbers(network: str) -> None:
    program = NETWORKS[network]()
    names, ratios = names_of(program), list(ratios_of(program))
    data = json.loads(json.dumps(program_data(program)))
    found = ask("names", program=data, loss="E_total", ratios=[[key(of), key(by)] for of, by in ratios])
    everything = [each for family in program.families.values() for each in scalars(family)]
    assert len(found["scalars"]) == len(everything)
    for each, shown in zip(everything, found["scalars"], strict=True):
        assert shown["key"] == key(each)
        assert shown["back"] == {"family": each.family, "index": list(each.index)}
        assert shown["name"] == name(names, each)
        assert shown["address"] == address(names, each)
        assert shown["symbol"] == looks(symbol(names, each)), shown["name"]
        assert shown["line"] == line(symbol(names, each))
    for kind in ("name", "address", "key", "line"):
        assert len({each[kind] for each in found["scalars"]}) == len(everything), f"two with one {kind}"
    for ratio, shown in zip(ratios, found["ratios"], strict=True):
        assert shown["name"] == ratio_name(names, ratio)
        assert shown["symbol"] == looks(ratio_symbol(names, ratio))
        assert shown["line"] == line(ratio_symbol(names, ratio))


def test_names_in_a_line_of_text() -> None:
    data = program_data(of_layers(PAIR, PAIR, samples=2))
    asked = ask("names", program=data, loss="E_total", ratios=[["E_total:", "w_h:0,1"], ["out_o:1,0", "net_o:1,0"]])
    lines = {each["name"]: each["line"] for each in (*asked["scalars"], *asked["ratios"])}
    assert [lines[each] for each in ("w3", "w3+", "net_h1^(2)", "delta_o1^(2)", "E_total", "b_h1")] == [
        "w3", "w3⁺", "net_h1⁽²⁾", "δ_o1⁽²⁾", "E_total", "b_h1"
    ]  # fmt: skip
    assert lines["dE_total/dw2"] == "∂E_total/∂w2"
    assert lines["dout_o1^(2)/dnet_o1^(2)"] == "∂out_o1⁽²⁾/∂net_o1⁽²⁾"
