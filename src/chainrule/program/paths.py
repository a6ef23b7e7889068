"""The paths that a gradient takes: an adjoint's formula read as a sum of *upstream x slope*."""

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.formula.expression import ONE, Add, Expr, If, Mul, Neg, Sum, Why, refs
from chainrule.formula.expression import Test as Comparison
from chainrule.program.program import Definition, Program, adjoint_name


@dataclass(frozen=True, slots=True)
class Path:
    """One addend of an adjoint: for each value of the letters in ``over`` that passes the tests, upstream x slope.

    ``upstream`` is None where the loss itself is upstream with the factor 1.
    """

    over: tuple[str, ...]
    tests: tuple[Comparison, ...]
    upstream: Expr | None
    slope: Expr


def paths_of(adjoint: Definition) -> tuple[Path, ...]:
    """The paths by which the loss reaches back to a family."""
    addends = adjoint.formula.args if isinstance(adjoint.formula, Add) else (adjoint.formula,)
    return tuple(_path(addend) for addend in addends)


def _path(addend: Expr) -> Path:
    over: tuple[str, ...] = ()
    tests: list[Comparison] = []
    negative = False
    while True:
        match addend:
            case Neg(arg):
                negative, addend = not negative, arg
            case Sum(indices, body):
                over, addend = over + indices, body
            case If(test, then) if any(node.why == Why.UPSTREAM for node in refs(then)):
                tests.append(test)
                addend = then
            case _:
                break
    upstream, slope = _split(addend)
    return Path(over, tuple(tests), upstream, Neg(slope) if negative else slope)


def _split(addend: Expr) -> tuple[Expr | None, Expr]:
    if addend.why == Why.UPSTREAM:
        return addend, ONE
    if isinstance(addend, Mul):
        for place, factor in enumerate(addend.args):
            if factor.why == Why.UPSTREAM:
                rest = addend.args[:place] + addend.args[place + 1 :]
                return factor, rest[0] if len(rest) == 1 else Mul(rest)
    return None, addend


def loss_term(program: Program, family: str, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
    """The one part of the loss that a scalar acts on: ``E_o1`` for ``out_o1``; None where it isn't a single one.

    Found for a family that is used by one formula only, at bare letters, whose own derivative is 1.
    """
    users = [each for each in program.definitions if _uses_forward(program, each, family)]
    if len(users) != 1:
        return None
    user = users[0]
    adjoint = next((each for each in program.definitions if each.target == adjoint_name(user.target)), None)
    if adjoint is None or adjoint.formula != ONE or not user.indices:
        return None
    for node in refs(user.formula):
        if node.name == family and all(len(each.terms) == 1 and not each.constant for each in node.indices):
            at: Mapping[str, int] = {each.terms[0][0]: value for each, value in zip(node.indices, index, strict=True)}
            if all(name in at for name in user.indices):
                return user.target, tuple(at[name] for name in user.indices)
    return None


def _uses_forward(program: Program, definition: Definition, family: str) -> bool:
    return adjoint_name(definition.target) in program.families and any(
        n.name == family for n in refs(definition.formula)
    )
