"""A subtree that equals a definition's right side becomes its left side again: ``exp(z) / S`` -> ``p``."""

from collections.abc import Iterable
from dataclasses import fields

from chainrule.formula.expression import (
    ONE,
    Div,
    Expr,
    Index,
    Max,
    Mul,
    Num,
    Ref,
    Sum,
    Why,
    because,
    children,
    letter,
    substitute_index,
    transform,
)
from chainrule.formula.expression import If as Conditional
from chainrule.program.program import Definition

Bindings = dict[str, Index]


def fold_definitions(expr: Expr, definitions: Iterable[Definition]) -> Expr:
    """The formula with every known right side in it replaced by a reference to its left side."""
    patterns = [each for each in definitions if not isinstance(each.formula, Num | Ref)]

    def rule(node: Expr) -> Expr:
        for definition in patterns:
            found = _as_reference(node, definition)
            if found is not None:
                return because(found, node.why)
        return _fold_quotient(node, patterns) if isinstance(node, Mul) else node

    return transform(expr, rule)


def _as_reference(node: Expr, definition: Definition) -> Ref | None:
    """The definition's left side at the indices at which its right side is ``node``, or None."""
    bindings: Bindings = {}
    if not _match(definition.formula, node, frozenset(definition.indices), bindings, {}):
        return None
    if any(name not in bindings for name in definition.indices):
        return None
    return Ref(definition.target, tuple(bindings[name] for name in definition.indices))


def _fold_quotient(product: Mul, patterns: list[Definition]) -> Expr:
    """In ``a / S * b`` the quotient ``b / S`` may be the one that has a name."""
    for place, factor in enumerate(product.args):
        if not isinstance(factor, Div):
            continue
        for other, numerator in enumerate(product.args):
            if other == place:
                continue
            for definition in patterns:
                if not isinstance(definition.formula, Div):
                    continue
                found = _as_reference(Div(because(numerator, None), factor.denominator), definition)
                if found is not None:
                    args = list(product.args)
                    args[other] = because(found, Why.SLOPE if numerator.why == Why.SLOPE else None)
                    args[place] = factor.numerator
                    kept = tuple(arg for arg in args if arg != ONE)
                    return kept[0] if len(kept) == 1 else Mul(kept, product.why)
    return product


def _match(pattern: Expr, node: Expr, free: frozenset[str], bindings: Bindings, renamed: dict[str, str]) -> bool:
    """Whether ``node`` is ``pattern`` for some indices in place of the ``free`` letters; records them.

    ``renamed`` pairs the letters that sums inside the pattern run over with those of the node's sums.
    """
    if type(pattern) is not type(node):
        return False
    match pattern, node:
        case Ref(name, ()), Ref(other, ()) if name in renamed:
            return renamed[name] == other
        case Ref(name, ()), Ref(other, ()) if name in free:
            return _match_index(letter(name), letter(other), free, bindings, renamed)
        case Ref(name, indices), Ref(other, others):
            return (
                name == other
                and len(indices) == len(others)
                and all(_match_index(a, b, free, bindings, renamed) for a, b in zip(indices, others, strict=True))
            )
        case Sum(indices) | Max(indices), Sum(others) | Max(others):
            if len(indices) != len(others):
                return False
            renamed = renamed | dict(zip(indices, others, strict=True))
        case Conditional(test), Conditional(other_test) if test.relation != other_test.relation:
            return False
        case _:
            plain = [f.name for f in fields(pattern) if f.name in ("value", "function")]
            if any(getattr(pattern, name) != getattr(node, name) for name in plain):
                return False
    below, beside = children(pattern), children(node)
    return len(below) == len(beside) and all(
        _match(a, b, free, bindings, renamed) for a, b in zip(below, beside, strict=True)
    )


def _match_index(
    pattern: Index, index: Index, free: frozenset[str], bindings: Bindings, renamed: dict[str, str]
) -> bool:
    unknown = [name for name, _ in pattern.terms if name in free and name not in bindings]
    if unknown:
        if pattern != letter(unknown[0]):
            return False  # an affine index can't tell its letter: another reference may
        bindings[unknown[0]] = index
        return True
    known = {name: letter(new) for name, new in renamed.items()} | bindings
    expected = substitute_index(pattern, known)
    return expected.constant == index.constant and dict(expected.terms) == dict(index.terms)
