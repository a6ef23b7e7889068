"""From the text of a formula to its nodes. The text is Python expression syntax, read by a whitelist, never run."""

import ast
import keyword
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches

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
    Why,
    add_indices,
    children,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import FUNCTIONS, function_row
from chainrule.formula.slips import DEEPEST, EQUALS, FormulaError, check_characters, check_text, why_unreadable

__all__ = ["FormulaError", "FormulaErrors", "Statement", "parse_expression", "parse_formulas"]

LONGEST = 10_000  # characters of a formula
MOST_NODES = 20_000
LONGEST_NAME = 100
LARGEST_INDEX = 10**9
REDUCTIONS = ("sum", "max", "mean", "count")
RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class FormulaErrors(ValueError):
    """All the problems of a list of formulas."""

    def __init__(self, errors: tuple[FormulaError, ...]) -> None:
        self.errors = errors
        super().__init__("\n".join(map(str, errors)))


@dataclass(frozen=True, slots=True)
class Statement:
    """``target[indices] = formula``, the text it was read from, and its line."""

    target: str
    indices: tuple[str, ...]
    formula: Expr
    text: str = ""
    line: int = 0


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
        formula = _Reader(body.strip(), text, start).read(ast.parse(body.strip(), mode="eval").body)
        _check_extent(formula, text)
        return formula
    except SyntaxError as problem:
        column = min(len(body.rstrip()), problem.offset - 1 + start) if problem.offset else len(body.rstrip())
        raise FormulaError(why_unreadable(problem, body), "check what stands here", text, column) from None
    except (RecursionError, MemoryError):
        raise FormulaError("the formula is nested too deeply", "split it into several", text) from None
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


class _Reader:
    """Reads the nodes of Python's own tree for one formula, and knows its text for the errors."""

    def __init__(self, body: str, text: str, start: int) -> None:
        self.body, self.text, self.start = body, text, start

    def error(self, node: ast.expr, problem: str, hint: str, after: ast.expr | None = None) -> FormulaError:
        """An error at the node, or right after a part of it."""
        column = node.col_offset if after is None else after.end_col_offset or 0
        return FormulaError(problem, hint, self.text, self.start + column)

    def read(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name(name):
                return Ref(self.name(node, name))
            case ast.Subscript(ast.Name(name), inside):
                if name == "count":
                    return Sum(self.letters(inside), ONE, Why.MEAN)
                if name in REDUCTIONS:
                    raise self.error(node, f"{name}[...] has no body", f"write {name}[i](...) with a formula inside")
                return Ref(self.name(node, name), self.indices(inside))
            case ast.Subscript(value):
                hint = "write all indices together: w[i,j]"
                raise self.error(node, "an index follows something that has no index", hint, after=value)
            case ast.UnaryOp(ast.USub(), operand):
                return Neg(self.read(operand))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.read(operand)
            case ast.BinOp():
                return self.operation(node)
            case ast.IfExp(test, body, orelse):
                return self.conditional(test, self.read(body), self.read(orelse))
            case ast.List([ast.Compare() as test]):
                return self.conditional(test, ONE, ZERO)
            case ast.Call():
                return self.call(node)
            case ast.Compare():
                raise self.error(node, "a comparison stands alone", "write [a > b] for 1 or 0, or x if a > b else y")
            case ast.BoolOp() | ast.UnaryOp(ast.Not()):
                raise self.error(node, "and, or, not can't stand here", "write x if a > b else y, one inside another")
            case ast.Attribute(value):
                raise self.error(
                    node, "a dot stands here", "names have no parts; write w_h for the w of h", after=value
                )
            case ast.List() | ast.Tuple() | ast.Dict() | ast.Set():
                raise self.error(
                    node, "a list stands where a number belongs", "[i == j] is 1 where the test holds, else 0"
                )
            case _:
                raise self.error(
                    node, "this has no meaning in a formula", "use names, numbers, + - * / ** and functions"
                )

    def number(self, node: ast.Constant) -> Num:
        text = self.body[node.col_offset : node.end_col_offset]
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(node, f"{text[:40]} is not a number", "write a number such as 0.5 or 1e-3")
        if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", text):
            raise self.error(node, f"{text[:40]} is not written as a decimal number", "write it like 0.5 or 1e-3")
        return Num(Decimal(text))

    def name(self, node: ast.expr, name: str) -> str:
        if len(name) > LONGEST_NAME:
            raise self.error(node, f"a name has {len(name)} characters", f"{LONGEST_NAME} are the most")
        return name

    def operation(self, node: ast.BinOp) -> Expr:
        """A chain such as ``a + b - c``, from the left: a long one is not a deep one."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        result = self.read(chain[-1].left)
        for each in reversed(chain):
            result = self.joined(each, result, self.read(each.right))
        return result

    def joined(self, node: ast.BinOp, left: Expr, right: Expr) -> Expr:
        match node.op:
            case ast.Add():
                return Add((*left.args, right) if isinstance(left, Add) else (left, right))
            case ast.Sub():
                return Add((*left.args, Neg(right)) if isinstance(left, Add) else (left, Neg(right)))
            case ast.Mult():
                return Mul((*left.args, right) if isinstance(left, Mul) else (left, right))
            case ast.Div():
                return Div(left, right)
            case ast.Pow():
                return Pow(left, right)
            case _:
                raise self.error(node, "this operation has no meaning in a formula", "use + - * / **")

    def conditional(self, test: ast.expr, then: Expr, otherwise: Expr) -> Expr:
        """Several tests at once are one inside another."""
        tests = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        pairs: list[Comparison] = []
        for each in tests:
            if isinstance(each, ast.BoolOp):
                hint = "write a choice inside another: a if x > 0 else (a if y > 0 else b)"
                raise self.error(each, "tests can be joined by and only", hint)
            if not isinstance(each, ast.Compare):
                raise self.error(each, "a test must compare two numbers", "write it like x > 0")
            sides = [self.read(side) for side in (each.left, *each.comparators)]
            for at, operator in enumerate(each.ops):
                if type(operator) not in RELATIONS:
                    raise self.error(each, "this comparison has no meaning in a formula", "use < <= > >= == !=")
                pairs.append(Comparison(sides[at], RELATIONS[type(operator)], sides[at + 1]))
        for pair in reversed(pairs):
            then = If(pair, then, otherwise)
        return then

    def call(self, node: ast.Call) -> Expr:
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self.error(node, "an argument with a name or a star", "write the arguments in their order")
        match node.func:
            case ast.Subscript(ast.Name(name), inside) if name in REDUCTIONS:
                return self.reduction(node, name, self.letters(inside))
            case ast.Name("sum" | "mean" as name):
                raise self.error(node, f"{name}(...) doesn't say over which index", f"write {name}[i](...)")
            case ast.Name(name):
                return self.function(node, name)
            case _:
                raise self.error(node, "parentheses follow something that is not a function", "write * for a product")

    def reduction(self, node: ast.Call, name: str, letters: tuple[str, ...]) -> Expr:
        if name == "count":
            raise self.error(node, "count[...] takes no formula", "it says how many values an index has: 1 / count[i]")
        if len(node.args) != 1:
            raise self.error(node, f"{name}[...](...) takes one formula", f"write {name}[i](w[i] * x[i])")
        body = self.read(node.args[0])
        if name == "mean":
            return Div(Sum(letters, body), Sum(letters, ONE, Why.MEAN))
        return Sum(letters, body) if name == "sum" else Max(letters, body)

    def function(self, node: ast.Call, name: str) -> Expr:
        row = function_row(name)
        if row is None:
            known = [each for row in FUNCTIONS for each in (row.name, *row.aliases)]
            close = get_close_matches(name[:100], [*known, "sum", "mean"], 1)
            meant = (
                f"did you mean {close[0]}?" if close else "for a product write *; the functions are in the reference"
            )
            raise self.error(node, f"there is no function {name[:40]}", meant)
        most, least = len(row.parameters), len(row.parameters) - len(row.defaults)
        if not least <= len(node.args) <= most:
            takes = str(most) if least == most else f"{least} to {most}"
            raise self.error(
                node, f"{name} has {len(node.args)} arguments but takes {takes}", f"as in {_usage(row.name)}"
            )
        args = [self.read(arg) for arg in node.args]
        missing = row.defaults[len(row.defaults) - (most - len(args)) :] if len(args) < most else ()
        return Call(row.name, (*args, *(Num(Decimal(each)) for each in missing)))

    def indices(self, node: ast.expr) -> tuple[Index, ...]:
        found = tuple(self.index(each) for each in (node.elts if isinstance(node, ast.Tuple) else [node]))
        if any(abs(each) > LARGEST_INDEX for index in found for each in (index.constant, *dict(index.terms).values())):
            raise self.error(node, "a number in this index is too large", f"{LARGEST_INDEX} is the largest")
        return found

    def index(self, node: ast.expr) -> Index:
        match node:
            case ast.Name(name):
                return Index(((self.name(node, name), 1),))
            case ast.Constant(int(value)) if not isinstance(value, bool):
                return Index((), value)
            case ast.UnaryOp(ast.USub(), operand):
                return add_indices(Index(()), self.index(operand), -1)
            case ast.BinOp(left, ast.Add(), right):
                return add_indices(self.index(left), self.index(right))
            case ast.BinOp(left, ast.Sub(), right):
                return add_indices(self.index(left), self.index(right), -1)
            case ast.BinOp(left, ast.Mult(), right):
                one, two = self.index(left), self.index(right)
                if not one.terms:
                    return add_indices(Index(()), two, one.constant)
                if not two.terms:
                    return add_indices(Index(()), one, two.constant)
            case _:
                pass
        raise self.error(node, "this can't be an index", "an index is like i, i + u, 2*i + u, t - 1 or 0")

    def letters(self, node: ast.expr) -> tuple[str, ...]:
        found = node.elts if isinstance(node, ast.Tuple) else [node]
        names = tuple(self.name(each, each.id) for each in found if isinstance(each, ast.Name))
        if len(names) != len(found) or len(set(names)) != len(names) or not names:
            raise self.error(node, "the indices of a sum are different letters", "write sum[i](...) or sum[i,j](...)")
        return names


def _usage(name: str) -> str:
    row = function_row(name)
    return f"{name}({', '.join(row.parameters)})" if row else name


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
            errors.append(FormulaError(problem.problem, problem.hint, problem.text, problem.column, line))
    if errors:
        raise FormulaErrors(tuple(errors))
    return tuple(found)


NAME = r"[A-Za-z_]\w*+"
TARGET = re.compile(rf"\s*+({NAME})\s*+(?:\[([^\[\]]*+)\]\s*+)?$", re.ASCII)
BEGINNING = re.compile(rf"\s*+{NAME}\s*+(?:\[[^\[\]]*+\]\s*+)?=(?!=)")


def _statements(text: str) -> list[tuple[int, str]]:
    """The statements with the line that each begins on; comments left out."""
    found: list[tuple[int, str]] = []
    open_count = 0
    for line, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        code = raw.split("#", 1)[0].rstrip()
        if not code.strip():
            continue
        # Where a parenthesis was forgotten, the next formula is not part of this one.
        if open_count > 0 and not BEGINNING.match(code):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{code}")
        else:
            found.append((line, code))
            open_count = 0
        open_count += sum((each in "([") - (each in ")]") for each in code)
    return found


def _statement(text: str) -> Statement:
    if len(text) > LONGEST:
        raise FormulaError(f"the formula has {len(text)} characters", f"{LONGEST} are the most; split it", text)
    equals = EQUALS.search(text)
    if equals is None:
        raise FormulaError("this line has no =", "write it like net[j] = sum[i](w[j,i] * x[i])", text)
    check_characters(text[: equals.start()], text)
    match = TARGET.match(text[: equals.start()])
    if match is None:
        hint = "write a name, or a name with letters as indices: net[n,j] = ..."
        raise FormulaError("the left side is not a name with indices", hint, text)
    indices = tuple(each.strip() for each in match[2].split(",")) if match[2] is not None else ()
    if any(not re.fullmatch(NAME, each, re.ASCII) for each in indices) or len(set(indices)) != len(indices):
        raise FormulaError(
            "the indices on the left must be different letters", "as in net[n,j] = ...", text, match.start(2)
        )
    for name in (match[1], *indices):
        _check_name(name, text)
    again = EQUALS.search(text, equals.end())
    if again:
        hint = "a comparison is ==; two formulas need two lines"
        raise FormulaError("= stands twice in this line", hint, text, again.start())
    try:
        formula = parse_expression(text[equals.end() :])
    except FormulaError as problem:
        raise FormulaError(problem.problem, problem.hint, text, problem.column + equals.end()) from None
    return Statement(match[1], indices, formula, " ".join(text.split()))


def _check_name(name: str, text: str) -> None:
    """A name on the left side must be one that a formula can use."""
    if len(name) > LONGEST_NAME:
        raise FormulaError("a name is too long", f"{LONGEST_NAME} characters are the most", text)
    if keyword.iskeyword(name) or name in REDUCTIONS:
        column = re.search(rf"\b{name}\b", text)
        raise FormulaError(
            f"{name} has a meaning of its own and can't be a name",
            "choose another name",
            text,
            column.start() if column else 0,
        )
