"""The page's derivations are the worked example's: the same formulas, factors, sums over paths, and numbers."""

import json
from collections.abc import Callable
from typing import Any, assert_never

import pytest

import chainrule as cr
from chainrule.explain.derive import (
    addends_of,
    chain_of,
    factor_line,
    factor_value,
    head_line,
    own_line,
    paths_block,
    plain_ratio,
)
from chainrule.explain.document import Equation
from chainrule.explain.names import Scalar, scalars
from chainrule.explain.walkthrough import given_equation, writing_for
from chainrule.explain.writing import Writing, equation, quantity_ref, shown, shown_number
from chainrule.formula.expression import Add, Call, Div, Expr, If, Max, Mul, Neg, Num, Pow, Ref, Sum
from chainrule.formula.functions import function_row
from chainrule.page.program_json import live_data
from chainrule.program.program import Role, definition_of
from page.node import ask


def of_layers(*layers: cr.Dense, loss: str = "half_squared_error", samples: int = 1, **training: Any) -> cr.Step:
    inputs = [[0.5, -0.25], [1.5, 0.75], [-1.0, 0.1]][:samples]
    targets = [[0.2, 0.8, 0.0], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]][:samples]
    wanted = [row[: layers[-1].units] for row in targets]
    return cr.Network(2, layers, loss).step(inputs, wanted, learning_rate=0.1, **training)


Dense = cr.Dense
NETWORKS: dict[str, Callable[[], cr.Step]] = {
    **{example: lambda example=example: cr.load(example) for example, _ in cr.examples()},  # type: ignore[misc]
    "one neuron": lambda: of_layers(Dense(1, "tanh")),
    "several samples": lambda: of_layers(Dense(2, "tanh"), Dense(2, "logistic"), samples=3),
    "three layers": lambda: of_layers(Dense(2, "relu"), Dense(3, "leaky_relu"), Dense(2, "softplus")),
    "functions with branches": lambda: of_layers(Dense(2, "elu"), Dense(2, "hard_sigmoid"), loss="huber"),
    "softmax with cross-entropy": lambda: of_layers(Dense(2, "gelu"), Dense(3, "softmax"), loss="cross_entropy"),
    "on logits": lambda: of_layers(Dense(3), loss="cross_entropy_on_logits", samples=2),
    "a shared bias": lambda: of_layers(Dense(2, "silu", bias=0.3), Dense(2, "tanh", bias=0.3)),
    "adam with decay": lambda: of_layers(Dense(2, "tanh"), Dense(1), optimizer="adam", weight_decay=0.01),
    "long sums": lambda: of_layers(Dense(14, "tanh"), Dense(2, "logistic")),
}


def written(node: Expr) -> Any:
    """A formula as lists, with names for quantities."""
    match node:
        case Num(value):
            return str(value)
        case Ref(name):
            return ["ref", name]
        case Neg(arg):
            return ["neg", "", "", written(arg)]
        case Add(args):
            return ["add", "", "", *map(written, args)]
        case Mul(args):
            return ["mul", "", "", *map(written, args)]
        case Div(numerator, denominator):
            return ["div", "", "", written(numerator), written(denominator)]
        case Pow(base, exponent):
            return ["pow", "", "", written(base), written(exponent)]
        case Call(function, args):
            row = function_row(function)
            return ["call", function if row is None else row.name, "", *map(written, args)]
        case Sum(indices, body):
            return ["sum", "", "", *indices, written(body)]
        case Max(indices, body):
            return ["max", "", "", *indices, written(body)]
        case If(test, then, otherwise):
            return ["if", "", test.relation, *map(written, (test.left, test.right, then, otherwise))]
        case _:
            assert_never(node)


def told(line: Equation) -> dict[str, Any]:
    return {"sides": [written(side) for side in line.sides], "note": line.note, "final": line.final}


def key(each: Scalar) -> str:
    return f"{each.family}:{','.join(map(str, each.index))}"


def expected(writing: Writing, each: Scalar) -> dict[str, Any]:
    """What the worked example says about one number."""
    program = writing.names.program
    definition = definition_of(program, each.family)
    plain = given_equation(writing, each) if definition is None else equation(writing, each, definition)
    answer: dict[str, Any] = {"key": key(each), "equation": told(plain)}
    if program.families[each.family].role != Role.ADJOINT:
        return answer
    head, factors = chain_of(writing, each)
    into = list(addends_of(writing, head))
    several = len(into) > 1
    lines = [head_line(writing, head), *(factor_line(writing, factor) for factor in factors)]
    left = quantity_ref(writing, each)
    links = Mul((plain_ratio(writing, head), *(quantity_ref(writing, factor.ratio) for factor in factors)))
    values = (shown_number(writing, factor_value(writing, factor)) for factor in factors)
    numbers = Mul((shown(writing, head), *values))
    own = None if several or factors else told(own_line(writing, each))
    return answer | {
        "head": key(head),
        "through": [key(addend.upstream) for addend in into if several and addend.upstream],
        "paths": [told(line) for line in paths_block(writing, head, into).equations] if several else [],
        "chain": told(Equation((left, links))) if factors else None,
        "factors": [told(line) for line in lines] if factors else [],
        "product": told(Equation((left, numbers, shown(writing, each)), final=True)) if factors else None,
        "own": own,
        "slopes": [told(factor_line(writing, a.factor)) for a in addends_of(writing, each) if a.factor],
    }


@pytest.mark.parametrize("done", [0, 3])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_derivation_of_every_number(network: str, done: int) -> None:
    if network == "transformer-block":
        done = 0  # later the key's bias, whose derivative is 0, has nothing but rounding in its digits
    step = NETWORKS[network]()
    data = json.loads(json.dumps(live_data(step.page().live)))
    found = ask("derivations", task=data, digits=9, done=done)
    example = step.after(done).round
    writing = writing_for(example, 9)
    everything = [each for family in example.names.program.families.values() for each in scalars(family)]
    assert [each["key"] for each in found] == [key(each) for each in everything]
    for each, answer in zip(everything, found, strict=True):
        wanted = expected(writing, each)
        for part in wanted:
            assert answer[part] == wanted[part], f"{part} of {key(each)}"
        assert answer.keys() == wanted.keys()
