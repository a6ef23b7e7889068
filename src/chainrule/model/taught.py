"""The shorter forms of derivatives that are taught, beside the derived ones: by the loss and by the layers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.build import AnyLayer, Conventions, Inputs, instantiate, of_outputs, place_layers, taught_delta
from chainrule.catalogue.losses import Taught
from chainrule.catalogue.place import Placed, in_layer
from chainrule.explain.round import Shorter
from chainrule.formula.expression import Div, Expr, Mul, Ref, refs, transform
from chainrule.formula.parse import parse_expression, parse_formulas
from chainrule.program.program import Program, adjoint_name, definition_of
from chainrule.program.read import define

Array = NDArray[Any]


def shorter_for(
    inputs: Inputs, layers: Sequence[AnyLayer], conventions: Conventions
) -> Callable[[Program, Mapping[str, Array]], tuple[Shorter, ...]]:
    """What is taught in a shorter form of this network, for its numbers."""
    return partial(_shorter, taught_delta(layers, conventions), place_layers(inputs, layers))


def _shorter(
    taught: Taught | None, placed: Sequence[Placed], program: Program, ledger: Mapping[str, Array]
) -> tuple[Shorter, ...]:
    output = () if taught is None else tuple(_of_output(taught, placed[-1].name, program, ledger))
    return (*output, *(form for each in placed for form in layer_forms(each, program)))


def _of_output(taught: Taught, output: str, program: Program, ledger: Mapping[str, Array]) -> Iterator[Shorter]:
    """The taught form of the output delta, where its condition holds for these numbers."""
    derivative = adjoint_name(f"net_{output}")
    if derivative not in program.families:
        return
    targets = np.asarray(ledger["target"], dtype=float)
    if taught.targets_sum_to_one and not np.allclose(targets.sum(axis=-1), 1, rtol=0, atol=1e-12):
        return
    family = program.families[f"net_{output}"]
    part = definition_of(program, adjoint_name("E"))
    assert part is not None
    formula = instantiate(
        parse_expression(of_outputs(taught.formula, family.axes)), {"out": f"out_{output}", "target": "target"}, {}
    )
    if isinstance(part.formula, Div):  # the 1/N of a mean stands in front of every part
        formula = Mul((part.formula, formula))
    yield Shorter(family.name, define(derivative, family.axes, formula, program.families), taught.condition)


def layer_forms(placed: Placed, program: Program) -> Iterator[Shorter]:
    """The taught forms of a layer, of those derivatives that the program has."""
    for form in placed.plan.taught:
        (line,) = parse_formulas(form.formula)
        names = _names(placed)
        target = names[line.target]
        formula = transform(line.formula, partial(_renamed, names))
        used = {node.name for node in refs(formula) if node.indices} | {target}
        if used <= program.families.keys():
            definition = define(target, line.indices, formula, program.families)
            through = frozenset(adjoint_name(in_layer(each, placed.name)) for each in form.through)
            yield Shorter(program.families[target].of, definition, form.condition, through)


def _names(placed: Placed) -> dict[str, str]:
    """The network's names for the families of a plan, and for the derivatives by them."""
    own = [line.target for line in parse_formulas(placed.plan.formulas)]
    names = {name: in_layer(name, placed.name) for name in own}
    names |= {each.name: in_layer(each.name, placed.layer.share or placed.name) for each in placed.plan.given}
    if len(placed.sources) == 1:
        names["x"] = placed.sources[0].family
    return names | {adjoint_name(name): adjoint_name(family) for name, family in names.items()}


def _renamed(names: Mapping[str, str], node: Expr) -> Expr:
    return replace(node, name=names[node.name]) if isinstance(node, Ref) and node.name in names else node
