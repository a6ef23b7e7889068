"""Mistakes in the update: each function gives the ways in which one can be made in a program."""

from collections.abc import Iterator

from chainrule.check.anatomy import activations, adjoint_of, renamed, samples, updates, with_formula
from chainrule.check.bends import Bend, everywhere_or_once, replaced
from chainrule.formula.expression import ONE, Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref, refs, transform
from chainrule.formula.expression import Index as AffineIndex
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role, adjoint_name


def sign_of_update(program: Program) -> Iterator[Bend]:
    def turned(formula: Expr) -> Expr:
        assert isinstance(formula, Add)
        return Add(tuple(arg.arg if isinstance(arg, Neg) else arg for arg in formula.args))

    yield from everywhere_or_once(
        with_formula(each, turned(each.formula))
        for each in updates(program)
        if isinstance(each.formula, Add) and any(isinstance(arg, Neg) for arg in each.formula.args)
    )


def rate_left_out(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        if not isinstance(node, Mul):
            return node
        kept = tuple(arg for arg in node.args if not (isinstance(arg, Ref) and arg.name == "rate"))
        return node if len(kept) == len(node.args) or not kept else kept[0] if len(kept) == 1 else Mul(kept)

    found = [(each, transform(each.formula, rule)) for each in program.definitions]
    yield from everywhere_or_once(with_formula(each, formula) for each, formula in found if formula != each.formula)


def sum_for_gradient(program: Program) -> Iterator[Bend]:
    """The derivative by the net input, or by the output, of the neuron in the place of the weight's own."""
    ways: dict[str, list[Definition]] = {"delta": [], "dE/dout": []}
    outs = {adjoint_name(each.net.name): adjoint_name(each.out.name) for each in activations(program)}
    for update in updates(program):
        gradient = adjoint_of(program, program.families[update.target].of)
        if gradient is None:
            continue
        path = paths_of(gradient)[0]
        if not isinstance(path.upstream, Ref) or path.slope == ONE or len(path.upstream.indices) != 2:
            continue
        letters = dict(zip(gradient.indices, update.indices, strict=True))
        for way, name in (("delta", path.upstream.name), ("dE/dout", outs.get(path.upstream.name, ""))):
            if not name or samples(program) > 1:
                continue
            at = tuple(
                AffineIndex(((letters[index.terms[0][0]], 1),)) if index.terms and index.terms[0][0] in letters
                else AffineIndex((), 0)
                for index in path.upstream.indices
            )  # fmt: skip
            ways[way].append(with_formula(update, replaced(update.formula, {gradient.target: Ref(name, at)})))
    for way, found in ways.items():
        yield from everywhere_or_once(found, detail=way)


def correction_left_out(program: Program) -> Iterator[Bend]:
    found = [
        with_formula(each, each.formula.numerator)
        for each in program.definitions
        if isinstance(each.formula, Div) and _has_round(each.formula.denominator)
    ]
    yield from everywhere_or_once(found)


def _has_round(expr: Expr) -> bool:
    return any(node.name == "round" for node in refs(expr))


def correction_without_power(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        return node.base if isinstance(node, Pow) and _has_round(node.exponent) else node

    found = [(each, transform(each.formula, rule)) for each in program.definitions if _has_round(each.formula)]
    yield from everywhere_or_once(with_formula(each, formula) for each, formula in found if formula != each.formula)


def power_left_out(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        return node.base if isinstance(node, Pow) and isinstance(node.exponent, Num) else node

    found = [(each, transform(each.formula, rule)) for each in program.definitions]
    states = [each for each in found if program.families[each[0].target].role == Role.UPDATED]
    others = [each for each in found if each not in states]
    for group in (states, others):
        yield from everywhere_or_once(with_formula(each, formula) for each, formula in group if formula != each.formula)


def epsilon_inside(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        match node:
            case Add((Call("sqrt", (inside,)), Ref() as eps)):
                return Call("sqrt", (Add((inside, eps)),))
            case _:
                return node

    found = [(each, transform(each.formula, rule)) for each in updates(program)]
    yield from everywhere_or_once(with_formula(each, formula) for each, formula in found if formula != each.formula)


def previous_state(program: Program) -> Iterator[Bend]:
    states = {
        family.name: family.of
        for family in program.families.values()
        if family.role == Role.UPDATED and program.families[family.of].role == Role.STATE
    }
    found = [(each, renamed(each.formula, states)) for each in program.definitions]
    yield from everywhere_or_once(with_formula(each, formula) for each, formula in found if formula != each.formula)
