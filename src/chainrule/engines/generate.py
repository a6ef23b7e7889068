"""Straight-line Python functions, made of assignments that this package builds itself: no text is ever run."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any


def name(variable: str) -> ast.Name:
    """A variable, to be read."""
    return ast.Name(variable, ast.Load())


def call(function: str, *args: ast.expr) -> ast.Call:
    return ast.Call(name(function), list(args), [])


def assign(variable: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(variable, ast.Store())], value)


def function_of(
    parameters: Sequence[str], assignments: Iterable[ast.stmt], result: ast.expr, names: Mapping[str, Any]
) -> Callable[..., Any]:
    """A function of the parameters that makes the assignments and returns the result; ``names`` are what it can use.

    >>> double = function_of(["x"], [assign("y", call("add", name("x"), name("x")))], name("y"), {"add": int.__add__})
    >>> double(4)
    8
    """
    arguments = ast.arguments([], [ast.arg(each) for each in parameters], None, [], [], None, [])
    definition = ast.FunctionDef("calculate", arguments, [*assignments, ast.Return(result)], [])
    module = ast.fix_missing_locations(ast.Module([definition], []))
    compiled = compile(module, "<formulas>", "exec")
    code = next(each for each in compiled.co_consts if isinstance(each, CodeType))
    return FunctionType(code, {"__builtins__": {}, **names})
