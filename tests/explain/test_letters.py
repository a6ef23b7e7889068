"""A family's formula in letters: read as a person reads it, it gives the family's numbers."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import product

import pytest

import chainrule as cr
from chainrule.explain.letters import from_one, lettered
from chainrule.explain.names import family_key
from chainrule.explain.walkthrough import writing_for
from chainrule.explain.writing import Writing
from chainrule.formula.expression import Add, Call, Div, Expr, If, Index, Max, Mul, Neg, Num, Pow, Ref, Sum, number
from chainrule.formula.parse import parse_expression
from chainrule.formula.unparse import to_text
from chainrule.numbers.evaluate import evaluate
from chainrule.program.program import Definition
from explain.networks import CONVOLUTIONS, OTHER_THAN_DENSE, convolution

At = Mapping[str, int]
RELATIONS = {
    "<": lambda a, b: a < b, "≤": lambda a, b: a <= b, ">": lambda a, b: a > b, "≥": lambda a, b: a >= b,
    "=": lambda a, b: a == b, "≠": lambda a, b: a != b,
}  # fmt: skip
SIGNS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}


class Reader:
    """Reads a formula as it is shown: letters count from 1, a family's sample stands above, ``p′`` is like ``p``."""

    def __init__(self, writing: Writing, definition: Definition) -> None:
        self.writing, self.definition = writing, definition
        self.families = {family_key(writing.names, name): name for name in writing.names.program.families}

    def size(self, letter: str) -> int:
        plain = letter
        for count, prime in enumerate("′″‴", 2):
            plain = plain.replace(prime, str(count))
        return self.definition.sizes[plain]

    def index(self, index: Index, at: At) -> int:
        return index.constant + sum(times * at[name] for name, times in index.terms)

    def number(self, ref: Ref, at: At) -> float:
        name, _, sample = ref.name.partition("^")
        family = self.writing.names.program.families[self.families[name]]
        place = [self.index(each, at) - 1 for each in ref.indices]
        if len(place) < len(family.shape):
            letter = sample.strip("()")
            place.insert(0, (int(letter) if letter.isdigit() else at[letter]) - 1 if letter else 0)
        if any(not 0 <= each < size for each, size in zip(place, family.shape, strict=True)):
            raise IndexError(ref)
        return float(self.writing.ledger[family.name][tuple(place)])

    def places(self, below: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The letters below a sum, and the conditions behind them."""
        if len(below) > 1 or not re.search(r"[<>≤≥=≠]", below[0]):
            return list(below), []
        letters, colon, tests = below[0].rpartition(": ")
        return (letters.split(",") if colon else [tests.split()[0]]), tests.split(", ")

    def holds(self, test: str, at: At) -> bool:
        left, relation, right = re.fullmatch(r"(.*?) ([<>≤≥=≠]) (.*)", test).groups()  # type: ignore[union-attr]
        sides = [evaluate(parse_expression(self.plain(side)), {}, self.values(at), {}) for side in (left, right)]
        return bool(RELATIONS[relation](*map(float, sides)))

    @staticmethod
    def plain(text: str) -> str:
        text = text.replace("−", "-").replace("′", "_1").replace("″", "_2").replace("‴", "_3")
        return re.sub(r"(\d)([a-z])", r"\1*\2", text)

    @staticmethod
    def values(at: At) -> dict[str, int]:
        return {Reader.plain(name): value for name, value in at.items()}

    def value(self, expr: Expr, at: At) -> float:
        match expr:
            case Num(value):
                return float(value)
            case Ref(name, ()) if name in at:
                return at[name]
            case Ref():
                return self.number(expr, at)
            case Neg(arg):
                return -self.value(arg, at)
            case Add(args):
                return math.fsum(self.value(arg, at) for arg in args)
            case Mul(args):
                return math.prod(self.value(arg, at) for arg in args)
            case Div(top, bottom):
                return self.value(top, at) / self.value(bottom, at)
            case Pow(base, exponent):
                return float(self.value(base, at) ** self.value(exponent, at))
            case Call(function, args):
                numbers = [number(Decimal(self.value(arg, at))) for arg in args]
                return float(evaluate(Call(function, tuple(numbers)), {}, {}, {}))
            case Sum(below, body) | Max(below, body):
                letters, tests = self.places(below)
                found = []
                for place in product(*(range(1, self.size(letter) + 1) for letter in letters)):
                    here = {**at, **dict(zip(letters, place, strict=True))}
                    if all(self.holds(test, here) for test in tests):
                        found.append(self.value(body, here))
                return math.fsum(found) if isinstance(expr, Sum) else max(found)
            case If(test, then, otherwise):
                relation = SIGNS.get(test.relation, test.relation)
                chosen = RELATIONS[relation](self.value(test.left, at), self.value(test.right, at))
                return self.value(then if chosen else otherwise, at)


NETWORKS = {name: lambda name=name: cr.load(name) for name in (*OTHER_THAN_DENSE, "mini-batch", "softmax-classifier")}
NETWORKS |= {f"convolution, {name}": lambda name=name: convolution(name) for name in CONVOLUTIONS}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_formula_in_letters_gives_the_numbers(name: str) -> None:
    writing = writing_for(NETWORKS[name]().round)
    program = writing.names.program
    read = 0
    for definition in program.definitions:
        line = lettered(writing, definition)
        if "stop_gradient" in to_text(definition.formula):
            continue
        reader = Reader(writing, definition)
        family = program.families[definition.target]
        left, right = line.sides
        assert isinstance(left, Ref)
        for place in list(product(*map(range, family.shape)))[:12]:
            at = dict(zip(definition.indices, (each + 1 for each in place), strict=True))
            wanted = float(writing.ledger[family.name][place])
            assert reader.number(left, at) == wanted
            if "share" not in line.note:
                assert reader.value(right, at) == pytest.approx(wanted, rel=1e-9, abs=1e-9), definition.target
                read += 1
    assert read > 5


def test_an_index_counted_from_one() -> None:
    index = Index((("p", 2), ("u", 1)), -1)
    for p, u in product(range(3), repeat=2):
        people = from_one(index)
        assert people.constant + 2 * (p + 1) + (u + 1) == 2 * p + u - 1 + 1


def test_as_people_write_it() -> None:
    text = repr(cr.load("conv").explain("net_c"))
    assert "net_c[p,q] =  Σ  k_c[u,v]·x[p+u−1,q+v−1] + b_c" in text
    assert "m ≤ t" in repr(cr.load("attention").explain("attn_a"))
