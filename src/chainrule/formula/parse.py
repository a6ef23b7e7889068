"""From the text of a formula to its nodes. The text is Python expression syntax, read by a whitelist, never run."""

import ast
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
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import FUNCTIONS, function_row

LONGEST = 10_000  # characters of a formula
DEEPEST = 60  # parentheses within parentheses
LONGEST_NAME = 100
REDUCTIONS = ("sum", "max", "mean", "count")
WORDS = frozenset({"if", "else", "and", "or", "not", "in", "is", "lambda"})
RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
# What people write that Python reads otherwise or not at all, with what to write instead.
SLIPS: tuple[tuple[str, str, str], ...] = (
    (r"\^", "^ is not a power here", "write ** for a power: x**2"),
    (r"[²³⁴⁵⁶⁷⁸⁹]", "a raised digit is not a power here", "write ** for a power: x**2"),
    (r"[·×∙⋅]", "this sign is not read as a product", "write * for a product"),
    (r"÷", "this sign is not read as a quotient", "write / for a quotient"),
    (r"[−–—]", "this is a typographic minus or dash", "write - for minus"),
    (r"[ΣΠ∑∏√∂∫]", "this sign is not read", "write sum[i](...) for a sum, sqrt(...) for a root"),
    (r"[≤≥≠]", "this sign is not read", "write <=, >= or !="),
    (r"[\"'`\\$;:!@?~&|%{}]", "this character has no meaning in a formula", "leave it out"),
    (
        r"(?<![\w.])(?>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*+(?=[^\W\d]|\()(?!(?:if|else|and|or)\b)",
        "a number stands right before a name or a parenthesis",
        "write * for a product: 2 * x",
    ),
)


class FormulaError(ValueError):
    """A formula that can't be read: what is wrong, where, and what to write instead.

    ``column`` counts from 0 in ``text``; ``line`` is that of the text it came from, 0 for a formula by itself.
    """

    def __init__(self, problem: str, hint: str, text: str, column: int = 0, line: int = 0) -> None:
        self.problem, self.hint, self.text, self.column, self.line = problem, hint, text, column, line
        super().__init__(problem)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        start = max(0, self.column - 50)
        shown = self.text[start : start + 100].replace("\n", " ")
        return f"{where}{self.problem}\n    {shown}\n    {' ' * (self.column - start)}^ {self.hint}"


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
    _check_depth(text)
    _check_slips(text)
    body = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    start = len(body) - len(body.lstrip())
    try:
        tree = ast.parse(body.strip(), mode="eval")
        return _Reader(body.strip(), text, start).read(tree.body)
    except SyntaxError as problem:
        column = min(len(text), max(0, (problem.offset or 1) - 1) + start)
        raise FormulaError(_syntax(problem, body), "check what stands here", text, column) from None
    except (RecursionError, MemoryError):
        raise FormulaError("the formula is nested too deeply", "split it into several", text) from None
    except ValueError as problem:
        if isinstance(problem, FormulaError):
            raise
        raise FormulaError("this is not a formula", "check the characters in it", text) from None


def _syntax(problem: SyntaxError, text: str) -> str:
    opened, closed = (sum(text.count(each) for each in kind) for kind in ("([", ")]"))
    if opened > closed:
        return f"{opened - closed} of the opened parentheses or brackets are never closed"
    if closed > opened:
        return "a parenthesis or bracket is closed that was never opened"
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return "= stands inside the formula; a comparison is =="
    words = re.findall(
        r"\b(lambda|def|class|from|import|return|yield|async|await|del|pass|with|as|try|in|is|not|or)\b", text
    )
    if words:
        return f"{words[0]} is a reserved word and can't be a name; choose another"
    return "this can't be read as a formula" + (f" ({problem.msg})" if "invalid syntax" not in problem.msg else "")


def _check_depth(text: str) -> None:
    depth = 0
    for column, each in enumerate(text):
        depth += (each in "([") - (each in ")]")
        if depth > DEEPEST:
            raise FormulaError(f"more than {DEEPEST} parentheses are open here", "split the formula", text, column)


def _check_slips(text: str) -> None:
    for pattern, problem, hint in SLIPS:
        found = re.search(pattern, text)
        if found:
            raise FormulaError(problem, hint, text, found.start())
    for pair in re.finditer(r"([^\W\d]\w*|[\])])\s+(?=([^\W\d]\w*))", text):
        if not WORDS & {pair[1], pair[2]}:
            raise FormulaError("two names stand side by side", "write * for a product: w * x", text, pair.end())


class _Reader:
    """Reads the nodes of Python's own tree for one formula, and knows its text for the errors."""

    def __init__(self, body: str, text: str, start: int) -> None:
        self.body, self.text, self.start = body, text, start

    def error(self, node: ast.AST, problem: str, hint: str) -> FormulaError:
        # Python counts in bytes of UTF-8.
        before = self.body.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")
        return FormulaError(problem, hint, self.text, self.start + len(before))

    def source(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.body, node) or ""

    def read(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name(name):
                return Ref(self.name(node, name))
            case ast.Subscript(ast.Name(name), inside):
                if name in REDUCTIONS and name != "count" and function_row(name) is None or name == "sum":
                    raise self.error(node, f"{name}[...] has no body", f"write {name}[i](...) with what to add up")
                if name == "count":
                    return Sum(self.letters(inside), ONE, Why.MEAN)
                return Ref(self.name(node, name), self.indices(inside))
            case ast.Subscript():
                raise self.error(
                    node, "an index follows something that has no index", "write all indices together: w[i,j]"
                )
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
            case ast.Attribute():
                raise self.error(node, "a dot follows a name", "names have no parts; write w_h for the w of h")
            case ast.List() | ast.Tuple() | ast.Dict() | ast.Set():
                raise self.error(
                    node, "a list stands where a number belongs", "[i == j] is 1 where the test holds, else 0"
                )
            case _:
                raise self.error(
                    node, "this has no meaning in a formula", "use names, numbers, + - * / ** and functions"
                )

    def number(self, node: ast.Constant) -> Num:
        text = self.source(node)
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(node, f"{text[:40]} is not a number", "write a number such as 0.5 or 1e-3")
        if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", text):
            raise self.error(node, f"{text[:40]} is not written as a decimal number", "write it like 0.5 or 1e-3")
        return Num(Decimal(text))

    def name(self, node: ast.AST, name: str) -> str:
        if len(name) > LONGEST_NAME:
            raise self.error(node, f"a name has {len(name)} characters", f"{LONGEST_NAME} are the most")
        return name

    def operation(self, node: ast.BinOp) -> Expr:
        left, right = self.read(node.left), self.read(node.right)
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
            case ast.BitXor():
                raise self.error(node, "^ is not a power here", "write ** for a power: x**2")
            case ast.MatMult():
                raise self.error(node, "@ is not a product here", "write sum[i](w[j,i] * x[i])")
            case _:
                raise self.error(node, "this operation has no meaning in a formula", "use + - * / **")

    def conditional(self, test: ast.expr, then: Expr, otherwise: Expr) -> Expr:
        """Several tests at once are one inside another."""
        tests = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        pairs: list[Comparison] = []
        for each in tests:
            if not isinstance(each, ast.Compare):
                raise self.error(each, "a test must compare two numbers", "write it like x > 0 or i == j")
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
        if len(node.args) != 1 or name == "count":
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
        return tuple(self.index(each) for each in (node.elts if isinstance(node, ast.Tuple) else [node]))

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
        names = tuple(each.id for each in found if isinstance(each, ast.Name))
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


def _statements(text: str) -> list[tuple[int, str]]:
    """The statements with the line that each begins on; comments left out."""
    found: list[tuple[int, str]] = []
    open_count = 0
    for line, raw in enumerate(text.splitlines(), 1):
        code = raw.split("#", 1)[0].rstrip()
        if not code.strip():
            continue
        if open_count > 0 and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{code}")
        else:
            found.append((line, code))
            open_count = 0
        open_count += sum((each in "([") - (each in ")]") for each in code)
    return found


TARGET = re.compile(r"\s*([^\W\d]\w*)\s*(?:\[([^\[\]]*)\])?\s*$")


def _statement(text: str) -> Statement:
    equals = re.search(r"(?<![<>=!])=(?!=)", text)
    if equals is None:
        raise FormulaError("this line has no =", "write it like net[j] = sum[i](w[j,i] * x[i])", text)
    left, right = text[: equals.start()], text[equals.end() :]
    match = TARGET.match(left)
    if match is None:
        hint = "write a name, or a name with letters as indices: net[n,j] = ..."
        raise FormulaError("the left side is not a name with indices", hint, text)
    indices = tuple(each.strip() for each in match[2].split(",")) if match[2] is not None else ()
    if any(not each.isidentifier() for each in indices) or len(set(indices)) != len(indices):
        raise FormulaError(
            "the indices on the left must be different letters", "as in net[n,j] = ...", text, match.start(2)
        )
    again = re.search(r"(?<![<>=!])=(?!=)", right)
    if again:
        column = equals.end() + again.start()
        raise FormulaError(
            "= stands twice in this line", "a comparison is ==; two formulas need two lines", text, column
        )
    if len(match[1]) > LONGEST_NAME or any(len(each) > LONGEST_NAME for each in indices):
        raise FormulaError("a name is too long", f"{LONGEST_NAME} characters are the most", text)
    try:
        formula = parse_expression(right)
    except FormulaError as problem:
        raise FormulaError(problem.problem, problem.hint, text, problem.column + equals.end()) from None
    return Statement(match[1], indices, formula, " ".join(text.split()))
