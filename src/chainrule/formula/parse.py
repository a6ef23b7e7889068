"""From the text of a formula to its nodes. The text is Python expression syntax, read by a whitelist, never run."""

import ast
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from chainrule.formula.expression import Expr, children
from chainrule.formula.reader import Reader, why_no_name
from chainrule.formula.slips import DEEPEST, EQUALS, FormulaError, check_characters, check_text, why_unreadable

__all__ = ["FormulaError", "FormulaErrors", "Statement", "parse_expression", "parse_formulas"]

LONGEST = 10_000  # characters of a formula
MOST_NODES = 20_000


class FormulaErrors(ValueError):
    """All the problems of a list of formulas."""

    def __init__(self, errors: tuple[FormulaError, ...]) -> None:
        self.errors = errors
        super().__init__(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


@dataclass(frozen=True, slots=True)
class Statement:
    """``target[indices] = formula``, the text it was read from, and its line."""

    target: str
    indices: tuple[str, ...]
    formula: Expr
    text: str = ""
    line: int = 0


@lru_cache(maxsize=1024)  # the catalogue's formulas are read again for every network
def parse_expression(text: str) -> Expr:
    """Read one formula. Raises `FormulaError`.

    >>> parse_expression("1/2 * x[n,i]").args[0]
    Div(numerator=Num(value=Decimal('1'), why=None), denominator=Num(value=Decimal('2'), why=None), why=None)
    """
    if not text.strip():
        raise FormulaError("the formula is empty", "write an expression such as w * x + b", text)
    if len(text) > LONGEST:
        raise FormulaError(f"the formula has {len(text)} characters", f"{LONGEST} are the most; split it", text)
    check_text(text)
    body = re.sub(r"\s", " ", text)
    start = len(body) - len(body.lstrip())
    try:
        formula = Reader(body.strip(), text, start).read(ast.parse(body.strip(), mode="eval").body)
        _check_extent(formula, text)
        return formula
    except SyntaxError as problem:
        column = min(len(body.rstrip()), problem.offset - 1 + start) if problem.offset else len(body.rstrip())
        raise FormulaError(*why_unreadable(problem, body, column), text, column) from None
    except (RecursionError, MemoryError):
        raise FormulaError("the formula is too long or nested too deeply", "split it into several", text) from None
    except ValueError as problem:
        if isinstance(problem, FormulaError):
            raise
        raise FormulaError("this is not a formula", "check the characters in it", text) from None


def _check_extent(formula: Expr, text: str) -> None:
    """A formula may be so deep and so large that every reader gets through it."""
    extents: dict[int, tuple[int, int]] = {}  # by identity: a test with `and` has one branch in several places

    def extent(node: Expr) -> tuple[int, int]:
        if id(node) not in extents:
            below = [extent(child) for child in children(node)]
            extents[id(node)] = 1 + max((d for d, _ in below), default=0), 1 + sum(size for _, size in below)
        return extents[id(node)]

    depth, nodes = extent(formula)
    if depth > DEEPEST:
        raise FormulaError("the formula is nested too deeply", "split it into several", text)
    if nodes > MOST_NODES:
        raise FormulaError("the formula is too large", "split it into several", text)


def parse_formulas(text: str) -> tuple[Statement, ...]:
    """Read formulas line by line: ``name[i,j] = expression``.

    A line may go on while a parenthesis is open; ``#`` begins a comment. Raises `FormulaErrors` with every problem.
    """
    found: list[Statement] = []
    errors: list[FormulaError] = []
    for line, statement in _statements(text):
        try:
            found.append(replace(_statement(statement), line=line))
        except FormulaError as problem:
            here = line + problem.text.count("\n", 0, problem.column)
            errors.append(FormulaError(problem.problem, problem.hint, problem.text, problem.column, here))
    if errors:
        raise FormulaErrors(tuple(errors))
    return tuple(found)


NAME = r"[A-Za-z_]\w*+"
TARGET = re.compile(rf"\s*+({NAME})\s*+(?:\[([^\[\]]*+)\]\s*+)?$", re.ASCII)
BEGINNING = re.compile(rf"\s*+{NAME}\s*+(?:\[[^\[\]]*+\]\s*+)?{EQUALS.pattern}")


def _statements(text: str) -> list[tuple[int, str]]:
    """The statements with the line that each begins on; comments left out, line breaks kept."""
    found: list[tuple[int, list[str]]] = []
    open_count = 0
    for line, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        code = raw.split("#", 1)[0].rstrip()
        # Where a parenthesis was forgotten, the next formula is not part of this one.
        if open_count > 0 and not BEGINNING.match(code):
            found[-1][1].append(code)
        elif code.strip():
            found.append((line, [code]))
            open_count = 0
        open_count += sum((each in "([") - (each in ")]") for each in code)
    return [(line, "\n".join(codes).rstrip()) for line, codes in found]


def _statement(text: str) -> Statement:
    if len(text) > LONGEST:
        raise FormulaError(f"the formula has {len(text)} characters", f"{LONGEST} are the most; split it", text)
    equals = EQUALS.search(text)
    if equals is None:
        raise FormulaError("this line has no =", "write it like net[j] = sum[i](w[j,i] * x[i])", text)
    left = re.sub(r"\s", " ", text[: equals.start()])
    check_characters(left, text)
    match = TARGET.match(left)
    if match is None:
        if re.match(rf"\s*+{NAME}\s*+\(", left):
            raise FormulaError("a formula can't define a function", "write y[i] = ... for each index i", text)
        hint = "write a name, or a name with letters as indices: net[n,j] = ..."
        raise FormulaError("the left side is not a name with indices", hint, text)
    indices = tuple(each.strip() for each in match[2].split(",")) if match[2] is not None else ()
    if any(not re.fullmatch(NAME, each, re.ASCII) for each in indices) or len(set(indices)) != len(indices):
        raise FormulaError(
            "the indices on the left must be different letters", "as in net[n,j] = ...", text, match.start(2)
        )
    for word in re.finditer(NAME, left):
        wrong = why_no_name(word[0])
        if wrong:
            raise FormulaError(*wrong, text, word.start())
    again = EQUALS.search(text, equals.end())
    if again:
        hint = "a comparison is ==; two formulas need two lines"
        raise FormulaError("= stands twice in this line", hint, text, again.start())
    try:
        formula = parse_expression(text[equals.end() :])
    except FormulaError as problem:
        raise FormulaError(problem.problem, problem.hint, text, problem.column + equals.end()) from None
    return Statement(match[1], indices, formula, " ".join(text.split()))
