"""From the nodes of Python's own tree to the eleven kinds of a formula: a whitelist."""

import ast
import keyword
import re
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
from chainrule.formula.slips import FormulaError, reserved

LONGEST_NAME = 100
LARGEST_INDEX = 10**9
REDUCTIONS = {  # with what to write
    "sum": "write sum[i](...) with a formula inside",
    "max": "write max[i](...) with a formula inside, or max(a, b)",
    "mean": "write mean[i](...) with a formula inside",
    "count": "write count[i]",
}
NO_NUMBERS = ("nan", "inf", "infinity")
RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class Reader:
    """Reads the nodes of Python's own tree for one formula, and knows its text for the errors."""

    def __init__(self, body: str, text: str, start: int) -> None:
        self.body, self.text, self.start = body.encode(), text, start

    def error(self, node: ast.expr, problem: str, hint: str, column: int | None = None) -> FormulaError:
        """An error at the beginning of the node, or elsewhere in it. Python counts columns in bytes."""
        column = node.col_offset if column is None else column
        return FormulaError(problem, hint, self.text, self.start + len(self.body[:column].decode()))

    def written(self, node: ast.expr) -> str:
        """What was typed for a node, the beginning of it where it is long."""
        text = self.body[node.col_offset : node.end_col_offset].decode()
        return text if len(text) <= 40 else f"{text[:37]}..."

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
                    raise self.error(node, f"{name}[...] has no formula after it", REDUCTIONS[name])
                return Ref(self.name(node, name), self.indices(inside))
            case ast.Subscript(value):
                hint = "write all indices together: w[i,j]"
                raise self.error(node, "an index follows something that has no index", hint, value.end_col_offset)
            case ast.UnaryOp(ast.USub(), operand):
                return Neg(self.read(operand))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.read(operand)
            case ast.BinOp():
                return self.operation(node)
            case ast.IfExp(test, body, orelse):
                return self.conditional(test, self.read(body), self.read(orelse))
            case ast.List([ast.Compare() | ast.BoolOp() as test]):
                return self.conditional(test, ONE, ZERO)
            case ast.Call():
                return self.call(node)
            case ast.Compare():
                raise self.error(node, "a comparison stands alone", "write [a > b] for 1 or 0, or x if a > b else y")
            case ast.BoolOp() | ast.UnaryOp(ast.Not()):
                raise self.error(node, "and, or, not can't stand here", "write x if a > b else y, one inside another")
            case ast.Attribute(value):
                raise self.error(
                    node, "a dot stands here", "names have no parts; write w_h for the w of h", value.end_col_offset
                )
            case ast.Tuple([]):
                raise self.error(node, "nothing stands between these parentheses", "write the value, or leave them out")
            case ast.Tuple([ast.Constant(int()), *_]):
                raise self.error(node, "a comma stands between two numbers", "a decimal number has a point: 0.5")
            case ast.Tuple():
                raise self.error(node, "a comma stands between two formulas", "write each on its own line")
            case ast.List():
                hint = "[i == j] is 1 where the test holds, else 0"
                raise self.error(node, "a list stands where a number belongs", hint)
            case _:
                raise self.error(
                    node, "this has no meaning in a formula", "use names, numbers, + - * / ** and functions"
                )

    def number(self, node: ast.Constant) -> Num:
        text = self.body[node.col_offset : node.end_col_offset].decode()
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(node, f"{self.written(node)} is not a number", "write a number such as 0.5 or 1e-3")
        if not re.fullmatch(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", text):
            hint = "write it like 0.5 or 1e-3; an exponent has at most 4 digits"
            raise self.error(node, f"{self.written(node)} is not a decimal number", hint)
        return Num(Decimal(text))

    def name(self, node: ast.expr, name: str) -> str:
        wrong = why_no_name(name)
        if wrong:
            raise self.error(node, *wrong)
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
            case ast.Name("sum" | "mean" | "count" as name):
                raise self.error(node, f"{name}(...) doesn't say over which index", REDUCTIONS[name])
            case ast.Name(name):
                return self.function(node, name)
            case ast.Subscript(ast.Name(name)) if name.lower() in REDUCTIONS:
                raise self.error(node, f"there is no {name}[...](...)", REDUCTIONS[name.lower()])
            case ast.Subscript(ast.Name(name)) if function_row(name):
                raise self.error(node, f"{name} takes no index", f"write {name}(x[i])")
            case function:
                hint = "for a product write * before it: (a - b) * (a + b)"
                opening = self.body.find(b"(", function.end_col_offset)
                raise self.error(node, "this ( follows what is not a function", hint, opening)

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
            close = get_close_matches(name[:100].lower(), [*known, "sum", "mean"], 1)
            meant = f"did you mean {close[0]}{'[i]' if close[0] in REDUCTIONS else ''}(...)?" if close else ""
            raise self.error(
                node,
                f"there is no function {self.written(node.func)}",
                meant or f"for a product write {self.written(node.func)} * (...)",
            )
        most, least = len(row.parameters), len(row.parameters) - len(row.defaults)
        if not least <= len(node.args) <= most:
            takes = str(most) if least == most else f"{least} to {most}"
            usage = f"write {name}({', '.join(row.parameters)})"
            hint = f"{usage}, or max[i](...) over an index" if row.name == "max" else usage
            count = "1 argument" if len(node.args) == 1 else f"{len(node.args)} arguments"
            raise self.error(node, f"{name} has {count} but takes {takes}", hint)
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
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.index(operand)
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


def why_no_name(name: str) -> tuple[str, str] | None:
    """Why a word can't be the name of a quantity or an index, and what to do; None if it can."""
    if len(name) > LONGEST_NAME:
        return f"a name has {len(name)} characters", f"{LONGEST_NAME} are the most"
    if keyword.iskeyword(name):
        return reserved(name)
    if name in REDUCTIONS:
        return f"{name} has a meaning of its own and can't be a name", f"choose another, or {REDUCTIONS[name]}"
    if name.lower() in NO_NUMBERS:
        return f"{name} is not a number that a formula can use", "write a number such as 0.5, or choose another name"
    return None
