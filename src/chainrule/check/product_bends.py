"""Mistakes with products, gates and what stands for what: each function gives the ways in which one can be made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

from chainrule.check.anatomy import activations, adjoints, renamed, with_formula
from chainrule.check.bends import Bend, changed, everywhere_or_once, forward, joined, net_adjoints
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Expr,
    If,
    Index,
    Mul,
    Neg,
    Pow,
    Ref,
    Sum,
    Why,
    children,
    fresh_letter,
    index_value,
    letter,
    refs,
    substitute,
    transform,
    walk,
    with_children,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.functions import function_row
from chainrule.program.program import Definition, Program, Role


def exchanged(program: Program) -> Iterator[Bend]:
    """Two quantities of one formula exchange their places; or two activations take in each other's net inputs."""
    for each in forward(program):
        names = list(dict.fromkeys(node.name for node in refs(each.formula) if node.name in program.families))
        for one, two in combinations(names, 2):
            if _may_be_exchanged(program, one, two):
                formula = renamed(each.formula, {one: two, two: one})
                if formula != each.formula:
                    yield Bend((with_formula(each, formula),), detail=f"{one} and {two}")
    for first, second in combinations(list(activations(program)), 2):
        if first.net.shape == second.net.shape and first.function and second.function and first.net.layer:
            nets = {first.net.name: second.net.name, second.net.name: first.net.name}
            pair = tuple(
                with_formula(each.definition, renamed(each.definition.formula, nets)) for each in (first, second)
            )
            if first.net.layer == second.net.layer:
                yield Bend(pair, detail=f"{first.out.name} and {second.out.name}")


def _may_be_exchanged(program: Program, one: str, two: str) -> bool:
    first, second = program.families[one], program.families[two]
    return first.shape == second.shape and first.role == second.role == Role.VALUE


def gate_turned_round(program: Program) -> Iterator[Bend]:
    """A gate z stands where 1 - z belongs, and the other way round."""
    for each in forward(program):
        names = {
            node.args[1].arg.name
            for node in walk(each.formula)
            if isinstance(node, Add) and len(node.args) == 2 and node.args[0] == ONE
            and isinstance(node.args[1], Neg) and isinstance(node.args[1].arg, Ref)
        }  # fmt: skip
        for name in sorted(names):
            yield Bend((with_formula(each, _other_way_round(each.formula, name)),), detail=name)


def _other_way_round(formula: Expr, name: str) -> Expr:
    match formula:
        case Add((first, Neg(Ref() as gate))) if first == ONE and gate.name == name:
            return gate
        case Ref() if formula.name == name:
            return Add((ONE, Neg(formula)))
        case _:
            return with_children(formula, tuple(_other_way_round(each, name) for each in children(formula)))


def factor_left_out(program: Program) -> Iterator[Bend]:
    """A quantity that multiplies another on the way forward is left out where the derivative comes back."""
    for each in adjoints(program, Role.VALUE, Role.INPUT):
        factors = dict.fromkeys(
            factor for node in walk(each.formula) if isinstance(node, Mul) for factor in node.args
            if factor.why is None and _is_multiplier(program, factor)
        )  # fmt: skip
        for factor in factors:

            def rule(node: Expr, factor: Expr = factor) -> Expr:
                if not isinstance(node, Mul) or factor not in node.args:
                    return node
                place = node.args.index(factor)
                return joined(Mul, node.args[:place] + node.args[place + 1 :])

            yield from (Bend((found,), split=True, detail=_name_of(factor)) for found in changed([each], rule))


def _is_multiplier(program: Program, factor: Expr) -> bool:
    names = [node.name for node in refs(factor) if node.name in program.families]
    return bool(names) and all(program.families[name].role in (Role.VALUE, Role.INPUT) for name in names)


def _name_of(factor: Expr) -> str:
    return next(node.name for node in refs(factor) if node.indices or node.name)


def function_left_out(program: Program) -> Iterator[Bend]:
    """A function within a formula, such as the tanh of o * tanh(c), is left out."""

    def rule(node: Expr) -> Expr:
        return node.args[0] if _is_activation(node) and isinstance(node, Call) else node

    inner = [each for each in forward(program) if not _is_activation(each.formula)]
    yield from everywhere_or_once(changed(inner, rule))


def _is_activation(node: Expr) -> bool:
    if not isinstance(node, Call) or len(node.args) != 1:
        return False
    row = function_row(node.function)
    return row is not None and row.activation


def inner_slopes(program: Program) -> Iterator[Definition]:
    """The derivatives with a slope of a function within a formula, which no net input has of its own."""
    own = {adjoint.target for _, adjoint in net_adjoints(program)}
    for each in adjoints(program, Role.VALUE, Role.INPUT):
        if each.target not in own and any(node.why == Why.SLOPE for node in walk(each.formula)):
            yield each


def inner_slope_left_out(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        if not isinstance(node, Mul):
            return node
        return joined(Mul, tuple(arg for arg in node.args if arg.why != Why.SLOPE))

    yield from everywhere_or_once(changed(inner_slopes(program), rule), split=True)


def inner_slope_twice(program: Program) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        if not isinstance(node, Mul):
            return node
        return Mul((*node.args, *(arg for arg in node.args if arg.why == Why.SLOPE)))

    yield from everywhere_or_once(changed(inner_slopes(program), rule), split=True)


def inner_slope_plus(program: Program) -> Iterator[Bend]:
    """1 + tanh(c)**2 for 1 - tanh(c)**2."""

    def rule(node: Expr) -> Expr:
        match node:
            case Add((first, Neg(Pow() as square))) if first == ONE and node.why == Why.SLOPE:
                return replace(node, args=(ONE, square))
            case _:
                return node

    yield from everywhere_or_once(changed(inner_slopes(program), rule), split=True)


def projection_left_out(program: Program) -> Iterator[Bend]:
    """A product with a matrix that keeps the width is left out: what goes in stands where what comes out belongs."""
    yield from everywhere_or_once(
        with_formula(each, _list_of(row, value, each.sizes))
        for each, product, (_, value) in _products(program, forward(program))
        if (row := _widths(each, product, value)) is not None
    )


def matrix_turned(program: Program, definitions: Sequence[Definition], split: bool = False) -> Iterator[Bend]:
    """A matrix between several heads and a list, of which rows and columns are exchanged."""
    found = []
    for each, product, (matrix, value) in _products(program, definitions):
        row = _widths(each, product, value)
        if row is None or len(row.new) + len(row.summed) == 2:
            continue  # a plain matrix is transposed by its own row of mistakes
        sizes, fresh = dict(each.sizes), {}
        for name in (*row.new, *row.summed):
            fresh[name] = fresh_letter(name, set(sizes))
            sizes[fresh[name]] = sizes[name]
        # The entry whose row is the place that comes in, and whose column the place that goes out.
        turned = replace(matrix, indices=tuple(letter(fresh[_letter(index)]) for index in matrix.indices))
        entry = _chosen(turned, row.summed, [fresh[name] for name in row.new], sizes)
        entry = _chosen(entry, row.new, [fresh[name] for name in row.summed], sizes)
        entry = Sum(tuple(fresh.values()), entry)

        def rule(node: Expr, matrix: Ref = matrix, entry: Expr = entry) -> Expr:
            return entry if node == matrix else node

        found.append(replace(with_formula(each, transform(each.formula, rule)), sizes=sizes))
    yield from everywhere_or_once(found, split)


def _chosen(value: Expr, names: Sequence[str], others: Sequence[str], sizes: Mapping[str, int]) -> Expr:
    """A value where the place that some letters tell is the same as that of others, else 0."""
    return If(Comparison(_place(names, sizes), "==", _place(others, sizes)), value, ZERO)


def _place(names: Sequence[str], sizes: Mapping[str, int]) -> Expr:
    """The place in a list that letters tell, the last one running fastest."""
    steps = [prod(sizes[name] for name in names[at + 1 :]) for at in range(len(names))]
    return index_value(Index(tuple(zip(names, steps, strict=True))))


@dataclass(frozen=True, slots=True)
class _Widths:
    """The letters that a matrix brings, and those that it takes away."""

    new: tuple[str, ...]
    summed: tuple[str, ...]


def _products(program: Program, definitions: Sequence[Definition]) -> Iterator[tuple[Definition, Sum, tuple[Ref, Ref]]]:
    """The formulas with a product of a matrix of parameters and a value, perhaps with a bias added."""
    for each in definitions:
        for arg in each.formula.args if isinstance(each.formula, Add) else (each.formula,):
            match arg:
                case Sum(_, Mul((Ref() as one, Ref() as two))) if _is_matrix(program, one) != _is_matrix(
                    program, two
                ) and all(len(index.terms) == 1 for index in (*one.indices, *two.indices)):
                    yield each, arg, (one, two) if _is_matrix(program, one) else (two, one)
                case _:
                    pass


def _is_matrix(program: Program, node: Ref) -> bool:
    return node.name in program.families and program.families[node.name].role == Role.PARAMETER


def _letter(index: Index) -> str:
    return index.terms[0][0]


def _widths(definition: Definition, product: Sum, value: Ref) -> _Widths | None:
    """The letters that come and go; None where the list that comes out is not as wide as the one that goes in."""
    used = {_letter(index) for index in value.indices}
    new = tuple(name for name in definition.indices if name not in used)
    widths = [prod(definition.sizes[name] for name in names) for names in (new, product.indices)]
    return _Widths(new, product.indices) if new and widths[0] == widths[1] > 1 else None


def _list_of(row: _Widths, value: Ref, sizes: Mapping[str, int]) -> Expr:
    """What goes in, at the place of what comes out."""
    if len(row.new) == len(row.summed) == 1:
        return substitute(value, {row.summed[0]: letter(row.new[0])})
    return Sum(row.summed, _chosen(value, row.new, row.summed, sizes))


def weighted_left_out(program: Program) -> Iterator[Bend]:
    """A derivative comes back unweighted: from its own place only, without what it was multiplied with and added up."""
    found = []
    for each in adjoints(program, Role.VALUE, Role.INPUT):
        if not isinstance(each.formula, Sum) or not isinstance(each.formula.body, Mul):
            continue
        factors = [arg for arg in each.formula.body.args if arg.why == Why.UPSTREAM]
        if len(factors) != 1 or len(each.formula.indices) != 1 or not isinstance(factors[0], Ref):
            continue
        summed = each.formula.indices[0]
        used = {name for index in factors[0].indices for name, _ in index.terms}
        alike = [own for own in each.indices if each.sizes[own] == each.sizes[summed] and own not in used]
        found += [with_formula(each, substitute(factors[0], {summed: letter(own)})) for own in alike]
    yield from everywhere_or_once(found)


def read_transposed(program: Program) -> Iterator[Bend]:
    """A square array that was calculated, such as the weights of attention, is read the other way round."""
    for each in [*forward(program), *adjoints(program, Role.VALUE, Role.PARAMETER)]:
        names = dict.fromkeys(node.name for node in refs(each.formula) if _is_square(program, node.name))
        for name in names:

            def rule(node: Expr, name: str = name) -> Expr:
                if not isinstance(node, Ref) or node.name != name:
                    return node
                return replace(node, indices=(*node.indices[:-2], node.indices[-1], node.indices[-2]))

            formula = transform(each.formula, rule)
            if formula != each.formula:
                yield Bend((with_formula(each, formula),), split=True, detail=name)


def _is_square(program: Program, name: str) -> bool:
    family = program.families.get(name)
    if family is None or family.role not in (Role.VALUE, Role.ADJOINT) or len(family.shape) < 3:
        return False
    return family.shape[-1] == family.shape[-2] > 1


def sine_and_cosine(program: Program) -> Iterator[Bend]:
    """Sine and cosine exchange their places."""
    other = {"sin": "cos", "cos": "sin"}

    def rule(node: Expr) -> Expr:
        return (
            replace(node, function=other[node.function]) if isinstance(node, Call) and node.function in other else node
        )

    yield from everywhere_or_once(changed(forward(program), rule))
