"""Forms without overflow for probabilities with cross-entropy: the error from net inputs, and the delta of the output.

A probability that is rounded to 0 or 1 makes ``log`` infinite, and infinity times 0 is no number. The formulas stay as
they are taught; the engines calculate these, which are equal to them wherever those give a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chainrule.catalogue.build import AnyLayer, Conventions, activation_of, instantiate, layer_names, of_outputs
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.losses import find_loss
from chainrule.formula.expression import Expr, rename_bound
from chainrule.formula.parse import parse_expression
from chainrule.program.program import Definition, Program, adjoint_name
from chainrule.program.read import define

LOG_SUM = "(max[a](net[n,a]) + log(sum[m](exp(net[n,m] - max[b](net[n,b])))) - net[n,k])"


@dataclass(frozen=True, slots=True)
class Pair:
    """An activation with a loss: the error ``E[n,k]`` and the delta ``d_net[n,k]``, both without overflow.

    The delta holds because the derivative by ``E[n,k]``, ``d_E``, is the same for all outputs ``k`` of a sample (or of
    one of its places, which count as samples do).
    """

    activation: str
    loss: str
    error: str
    delta: str


PAIRS = (
    Pair(
        "softmax",
        "cross_entropy",
        f"target[n,k] * {LOG_SUM}",
        "d_E[n,k] * (out[n,k] * sum[m](target[n,m]) - target[n,k])",
    ),
    Pair(
        "softmax",
        "kl_divergence",
        f"target[n,k] * (log(target[n,k]) + {LOG_SUM}) if target[n,k] > 0 else 0",
        "d_E[n,k] * (out[n,k] * sum[m](target[n,m]) - target[n,k])",
    ),
    Pair(
        "logistic",
        "binary_cross_entropy",
        "softplus(net[n,k]) - target[n,k] * net[n,k]",
        "d_E[n,k] * (out[n,k] - target[n,k])",
    ),
)


def with_stable_output(program: Program, layers: tuple[AnyLayer, ...], conventions: Conventions) -> Program:
    """The program with stable forms of its error and of its output's delta, where its last layer and loss have them.

    >>> from chainrule.catalogue.build import DenseLayer, forward_program
    >>> layers, conventions = (DenseLayer(3, "softmax"),), Conventions("cross_entropy")
    >>> program = with_stable_output(forward_program(2, layers, conventions), layers, conventions)
    >>> [each.target for each in program.definitions if each.stable is not None]
    ['out_o', 'E']
    """
    activation, loss = find_activation(activation_of(layers[-1])).name, find_loss(conventions.loss).name
    pair = next((each for each in PAIRS if (each.activation, each.loss) == (activation, loss)), None)
    output = layer_names(layers)[-1]
    if pair is None or f"net_{output}" not in program.families:
        return program
    names = {"net": f"net_{output}", "out": f"out_{output}"}
    axes = program.families["E"].axes
    forms = {
        target: instantiate(parse_expression(of_outputs(form, axes)), names, {})
        for target, form in (("E", pair.error), (adjoint_name(names["net"]), pair.delta))
    }
    return Program(program.families, tuple(_with(each, forms, program) for each in program.definitions))


def _with(definition: Definition, forms: Mapping[str, Expr], program: Program) -> Definition:
    form = forms.get(definition.target)
    if form is None:
        return definition
    safe = define(definition.target, definition.indices, form, program.families)
    sizes = dict(safe.sizes) | dict(definition.sizes)
    stable = rename_bound(safe.formula, set(definition.sizes), sizes)
    return replace(definition, stable=stable, sizes=sizes)
