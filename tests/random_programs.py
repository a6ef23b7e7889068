"""Random programs: trees of all eleven kinds of node over given arrays, with strided, clipped and repeated indices."""

from decimal import Decimal
from math import prod

import numpy as np
from hypothesis import strategies as st

from chainrule.formula.expression import (
    ONE,
    ZERO,
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
    index_value,
    number,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.numbers.ledger import Ledger
from chainrule.program.program import Definition, Family, Program, Role
from chainrule.program.sizes import index_range

# Bounded functions, so that numbers stay of ordinary size; a kink or a test stands at given numbers only.
SMOOTH = ("tanh", "logistic", "sin", "cos", "erf", "gaussian", "softsign")
RELATIONS = ("<", "<=", ">", ">=", "==", "!=")


class _Draw:
    """One program in the making: its families so far, and the letters of the formula being drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.families: dict[str, Family] = {}
        self.sizes: dict[str, int] = {}

    def one_of(self, *choices: object) -> object:
        return self.draw(st.sampled_from(choices))

    def family(self, name: str, role: Role, shape: tuple[int, ...]) -> Family:
        family = Family(name, role, tuple("abc"[: len(shape)]), shape)
        self.families[name] = family
        return family

    def formula(self, depth: int, letters: tuple[str, ...]) -> Expr:
        if depth == 0:
            return self.leaf(letters)
        below = lambda: self.formula(depth - 1, letters)  # noqa: E731
        match self.draw(st.integers(0, 10)):
            case 0:
                return Neg(below())
            case 1:
                return Add((below(), Neg(below()), below()) if self.draw(st.booleans()) else (below(), below()))
            case 2 | 3:
                return Mul((below(), below(), Neg(below())) if self.draw(st.booleans()) else (below(), below()))
            case 4:
                return Div(below(), Add((ONE, Pow(below(), Num(Decimal(2))))))
            case 5:
                return Pow(below(), Num(Decimal(self.draw(st.integers(0, 3)))))
            case 6:
                return Call(str(self.one_of(*SMOOTH)), (below(),))
            case 7 | 8:
                return self.over(Sum, depth, letters)
            case 9:
                return self.over(Max, depth, letters)
            case _:
                test = Comparison(self.exact(letters), str(self.one_of(*RELATIONS)), self.exact(letters))
                return If(test, below(), below())

    def over(self, kind: type, depth: int, letters: tuple[str, ...]) -> Expr:
        new = tuple(self.letter() for _ in range(self.draw(st.integers(1, 2))))
        body = self.formula(depth - 1, (*letters, *new))
        if kind is Sum and self.draw(st.booleans()):
            body = Mul((body, self.leaf((*letters, *new)), self.leaf((*letters, *new))))
        return kind(new, body)

    def letter(self) -> str:
        name = f"i{len(self.sizes)}"
        self.sizes[name] = self.draw(st.integers(1, 3))
        return name

    def exact(self, letters: tuple[str, ...]) -> Expr:
        """What can be compared: rounding can't change it."""
        if letters and self.draw(st.booleans()):
            return Ref(str(self.one_of(*letters)))
        return self.one_of(ONE, ZERO) if self.draw(st.booleans()) else self.entry(letters, "given")

    def leaf(self, letters: tuple[str, ...]) -> Expr:
        match self.draw(st.integers(0, 9)):
            case 0:
                return number(str(self.draw(st.sampled_from(["0.5", "-1", "2", "0", "0.25"]))))
            case 1 if letters:
                return Ref(str(self.one_of(*letters)))
            case _:
                return self.entry(letters)

    def entry(self, letters: tuple[str, ...], only: str = "") -> Expr:
        names = [name for name, family in self.families.items() if not only or family.role == Role.INPUT]
        family = self.families[self.draw(st.sampled_from(names))]
        indices = tuple(self.index(letters, size) for size in family.shape)
        result: Expr = Ref(family.name, indices)
        for index, size in reversed(list(zip(indices, family.shape, strict=True))):
            low, high = index_range(index, self.sizes)
            if high >= size:
                result = If(Comparison(index_value(index), "<", number(size)), result, ZERO)
            if low < 0:
                result = If(Comparison(ZERO, "<=", index_value(index)), result, ZERO)
        return result

    def index(self, letters: tuple[str, ...], size: int) -> Index:
        """A bare letter where one fits; an affine index, that may run out of range; or a place."""
        fitting = [name for name in letters if self.sizes[name] == size]
        if fitting and self.draw(st.integers(0, 2)):
            return Index(((self.draw(st.sampled_from(fitting)), 1),))
        terms = tuple((name, self.draw(st.sampled_from([-1, 1, 2]))) for name in letters if self.draw(st.booleans()))
        return Index(terms, self.draw(st.integers(-1, size - 1 if terms else 0)) if terms else size - 1)


@st.composite
def random_program(draw: st.DrawFn) -> tuple[Program, Ledger]:
    """A program of one to three definitions, and numbers for its given families."""
    making = _Draw(draw)
    numbers: dict[str, np.ndarray] = {}
    for name in ("p", "q", "r"):
        shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
        making.family(name, Role.INPUT, shape)
        values = draw(st.lists(st.integers(-8, 8), min_size=prod(shape), max_size=prod(shape)))
        numbers[name] = np.array(values, float).reshape(shape) / 4
    definitions = []
    for at in range(draw(st.integers(1, 3))):
        making.sizes = {}
        letters = tuple(making.letter() for _ in range(draw(st.integers(0, 3))))
        formula = making.formula(draw(st.integers(1, 3)), letters)
        shape = tuple(making.sizes[name] for name in letters)
        definitions.append(Definition(f"y{at}", letters, formula, dict(making.sizes)))
        making.family(f"y{at}", Role.VALUE, shape)
    return Program(making.families, tuple(definitions)), numbers
