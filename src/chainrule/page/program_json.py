"""A program with its numbers as plain data for JSON: what the live page evaluates.

A node is an object with ``op``, and ``args`` for what stands below it. An index is a letter, a number (counted from
0), or an object with its terms and its constant. A number that a person typed is a string, ``"0.10"``; any other is a
JSON number. Arrays are flat, the last index running fastest.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from chainrule.explain.names import Label, names_of
from chainrule.formula.expression import (
    Add,
    Call,
    Div,
    Expr,
    If,
    Index,
    Max,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    bound_letters,
    walk,
)
from chainrule.formula.functions import function_row
from chainrule.formula.slopes import formula_of, slope_of
from chainrule.page.activations import activation_choices
from chainrule.program.blocks import blocks
from chainrule.program.program import Definition, Family, Program, Role, definition_of, with_role

Data = dict[str, Any]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Live:
    """What the page shows: a network that is trained, its numbers and its data.

    ``programs`` are the programs of a round by its number of samples: one, or a second one for a smaller last batch.
    ``start`` are parameters and states before the first round, ``data`` the families whose first axis counts all
    samples, ``fixed`` the other given numbers. Arrays hold Decimals where a person typed them, else floats. ``batch``
    is None for all samples at once. ``conventions`` are the header's lines. ``file`` is the text of the network file in
    pieces, for downloads with other numbers: between the texts stand ``{"numbers": "w_h"}`` for a family's numbers,
    written as a number or as rows in brackets, and ``{"activation": "out_h"}`` for an activation's name without quotes.
    """

    title: str
    programs: Mapping[int, Program]
    start: Mapping[str, Array]
    data: Mapping[str, Array]
    fixed: Mapping[str, Array]
    batch: int | None = None
    loss: str = "E_total"
    conventions: tuple[tuple[str, str], ...] = ()
    file: tuple[str | Mapping[str, str], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)  # where the page begins: tab, selected, digits
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what each axis of a family counts


def live_data(live: Live) -> Data:
    """Everything that the page needs, as data for JSON."""
    programs = [program_data(program, samples, live.loss) for samples, program in live.programs.items()]
    choices = activation_choices(next(iter(live.programs.values())), live.loss)
    for program, data in zip(live.programs.values(), programs, strict=True):
        own = activation_choices(program, live.loss) if len(programs) > 1 else choices
        steps = _steps(program)
        data["choices"] = {
            target: {
                name: [_change(program, each, steps) for each in changed] for name, changed in options.changed.items()
            }
            for target, options in own.items()
        }
    formulas = [each.formula for program in live.programs.values() for each in program.definitions]
    formulas += [
        each.formula for options in choices.values() for changed in options.changed.values() for each in changed
    ]
    return {
        "title": live.title,
        "loss": live.loss,
        "programs": programs,
        "functions": functions_data(formulas),
        "activations": {
            target: {"now": options.now, "layer": options.layer, "titles": dict(options.titles)}
            for target, options in choices.items()
        },
        "start": {name: array_data(array) for name, array in live.start.items()},
        "data": {name: array_data(array) for name, array in live.data.items()},
        "fixed": {name: array_data(array) for name, array in live.fixed.items()},
        "samples": max((len(array) for array in live.data.values()), default=1),
        "batch": live.batch,
        "conventions": [list(line) for line in live.conventions],
        "file": list(live.file),
        "settings": dict(live.settings),
        "words": {name: list(words) for name, words in live.words.items() if len(words) > 1},
    }


def program_data(program: Program, samples: int = 1, loss: str = "E_total") -> Data:
    """A program: families with their labels, definitions, and what is carried from round to round.

    >>> from chainrule.program.read import extend
    >>> square = extend(Program({}), "y[i] = x[i]**2", given=[Family("x", Role.INPUT, ("i",), (2,))])
    >>> program_data(square)["definitions"][0]["formula"]["op"]
    'pow'
    """
    labels = names_of(program, loss).labels
    steps = _steps(program)
    return {
        "samples": samples,
        "families": [_family(family, labels.get(family.name)) for family in program.families.values()],
        "definitions": [_definition(each, steps) for each in program.definitions],
        "carried": {family.name: family.of for family in with_role(program, Role.UPDATED)},
    }


def _family(family: Family, label: Label | None) -> Data:
    data: Data = {
        "name": family.name,
        "role": family.role.value,
        "axes": list(family.axes),
        "shape": list(family.shape),
        "of": family.of,
        "layer": family.layer,
    }
    if label is not None:
        data["label"] = {
            "base": label.base,
            "first": label.first,
            "sampled": label.sampled,
            "samples": label.samples,
            "address": label.address,
        }
    return data


def _steps(program: Program) -> dict[str, Data]:
    """For each family of a recurrence the letter that counts its steps, and the number of the recurrence."""
    return {
        each.target: {"letter": block.letter, "backwards": block.backwards, "block": number}
        for number, block in enumerate(blocks(program.definitions))
        for each in block.lines
        if block.letter
    }


def _definition(definition: Definition, steps: Mapping[str, Data]) -> Data:
    """A definition; those of a recurrence stand together, and are calculated step by step."""
    letters = (*definition.indices, *bound_letters(definition.formula))
    data = {
        "target": definition.target,
        "indices": list(definition.indices),
        "sizes": {name: definition.sizes[name] for name in letters},
        "formula": formula_data(definition.formula),
    }
    return data | ({"steps": steps[definition.target]} if definition.target in steps else {})


def _change(program: Program, definition: Definition, steps: Mapping[str, Data]) -> Data:
    """What is other than in the program's definition of the same family, with the family's name."""
    before = definition_of(program, definition.target)
    own = {} if before is None else _definition(before, steps)
    data = _definition(definition, steps)
    return {key: value for key, value in data.items() if key == "target" or own.get(key) != value}


def formula_data(expr: Expr) -> Data:
    """A formula as nested objects.

    >>> formula_data(Neg(Num(Decimal("0.10"))))
    {'op': 'neg', 'args': [{'op': 'num', 'value': '0.10'}]}
    """
    data = _node(expr)
    return data | {"why": expr.why.value} if expr.why is not None else data


def _node(expr: Expr) -> Data:
    match expr:
        case Num(value):
            return {"op": "num", "value": number_text(value)}
        case Ref(name, indices):
            return {"op": "ref", "name": name} | ({"at": [_index(each) for each in indices]} if indices else {})
        case Neg(arg):
            return {"op": "neg", "args": [formula_data(arg)]}
        case Add(args):
            return {"op": "add", "args": [formula_data(arg) for arg in args]}
        case Mul(args):
            return {"op": "mul", "args": [formula_data(arg) for arg in args]}
        case Div(numerator, denominator):
            return {"op": "div", "args": [formula_data(numerator), formula_data(denominator)]}
        case Pow(base, exponent):
            return {"op": "pow", "args": [formula_data(base), formula_data(exponent)]}
        case Call(function, args):
            return {"op": "call", "name": _row_name(function), "args": [formula_data(arg) for arg in args]}
        case Sum(indices, body):
            return {"op": "sum", "over": list(indices), "args": [formula_data(body)]}
        case Max(indices, body):
            return {"op": "max", "over": list(indices), "args": [formula_data(body)]}
        case If(test, then, otherwise):
            parts = (test.left, test.right, then, otherwise)
            return {"op": "if", "relation": test.relation, "args": [formula_data(part) for part in parts]}
        case _:
            assert_never(expr)


def _row_name(function: str) -> str:
    row = function_row(function)
    return function if row is None else row.name


def _index(index: Index) -> str | int | Data:
    if not index.terms:
        return index.constant
    if len(index.terms) == 1 and not index.constant and index.terms[0][1] == 1:
        return index.terms[0][0]
    return {"terms": [list(term) for term in index.terms], "constant": index.constant}


def functions_data(formulas: Iterable[Expr]) -> Data:
    """The function rows that occur in formulas, and in the formulas of those rows. A primitive has no formula."""
    found: Data = {}
    waiting = list(formulas)
    while waiting:
        for node in walk(waiting.pop()):
            if not isinstance(node, Call) or (row := function_row(node.function)) is None or row.name in found:
                continue
            formula = formula_of(row.name)
            found[row.name] = {
                "parameters": list(row.parameters),
                "formula": None if formula is None else formula_data(formula.formula),
                "symbol": row.symbol or _command(row.latex) or row.name,
            }
            if row.parameters:
                found[row.name]["slope"] = formula_data(slope_of(row.name).formula)
            if row.kink:
                found[row.name]["kink"] = row.kink
            if formula is not None:
                waiting.append(formula.formula)
    return found


def _command(latex: str) -> str:
    """``ln`` of the command for it in LaTeX, where it is made of letters only."""
    name = latex.removeprefix("\\")
    return name if latex and name.isascii() and name.isalpha() else ""


def array_data(array: Array) -> list[str | float]:
    """The numbers of an array: text where they were typed, else floats. The array has no NaN and no infinity."""
    return [_number(each) for each in np.asarray(array).flatten().tolist()]


def _number(value: Any) -> str | float:
    if isinstance(value, Decimal):
        return number_text(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} has no place in JSON")
    return number


def number_text(value: Decimal) -> str:
    """A typed number with its own digits: ``0.10``, ``1E-8``."""
    return str(value)
