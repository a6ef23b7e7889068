"""Mistakes in normalisations, attention and dropout: each function gives the ways in which one can be made."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from math import prod

from chainrule.check.anatomy import adjoints, with_formula
from chainrule.check.bends import Bend, changed, everywhere_or_once, forward, joined
from chainrule.formula.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    If,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    Why,
    fresh_letter,
    letter,
    number,
    refs,
    substitute,
    transform,
    walk,
)
from chainrule.formula.expression import Test as Comparison
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role

RootRule = Callable[[Expr, Expr], Expr]
QuotientRule = Callable[[Div], Expr]


def _statistics(program: Program) -> list[Definition]:
    """The means, and the roots of means."""
    return [each for each in forward(program) if _is_statistic(each.formula)]


def _is_statistic(formula: Expr) -> bool:
    """A mean, or the root of one with a small number."""
    if isinstance(formula, Call) and formula.function == "sqrt":
        return any(_is_statistic(node) for node in walk(formula.args[0]))
    return isinstance(formula, Div) and isinstance(formula.numerator, Sum) and formula.denominator.why == Why.MEAN


def statistics_constant(program: Program) -> Iterator[Bend]:
    """The derivative does not go through the mean, or the variance, or either."""
    means = {each.target for each in _statistics(program)}
    for left_out in (means, *({each} for each in sorted(means))):
        found = []
        for each in adjoints(program, Role.VALUE, Role.INPUT):
            if not isinstance(each.formula, Add) or program.families[each.target].of in means:
                continue
            names = {f"d_{name}" for name in left_out}
            pairs = zip(each.formula.args, paths_of(each), strict=True)
            kept = tuple(a for a, path in pairs if not (isinstance(path.upstream, Ref) and path.upstream.name in names))
            if kept and len(kept) < len(each.formula.args):
                found.append(with_formula(each, joined(Add, kept)))
        yield from everywhere_or_once(found, detail=", ".join(sorted(left_out)))


def variance_by_one_less(program: Program) -> Iterator[Bend]:
    """The mean of squares divides by the count less one; with N = 1 there would be nothing to divide by."""

    def rule(node: Expr) -> Expr:
        match node:
            case Div(Sum() as summed, Num(count) as denominator) if denominator.why == Why.MEAN and count > 1:
                squared = any(isinstance(part, Pow) for part in walk(summed))
                return Div(summed, Num(count - 1, Why.MEAN)) if squared else node
            case _:
                return node

    yield from everywhere_or_once(changed(forward(program), rule))


def epsilon_left_out(program: Program) -> Iterator[Bend]:
    """The small number below the root is forgotten."""
    yield from _at_roots(program, lambda inside, _: Call("sqrt", (inside,)))


def epsilon_outside(program: Program) -> Iterator[Bend]:
    """The small number is added to the root, not below it."""
    yield from _at_roots(program, lambda inside, eps: Add((Call("sqrt", (inside,)), eps)))


def variance_root_left_out(program: Program) -> Iterator[Bend]:
    """The division is by the variance, not by its root."""
    yield from _at_roots(program, lambda inside, eps: Add((inside, eps)))


def _at_roots(program: Program, other: RootRule) -> Iterator[Bend]:
    """Another formula for each ``sqrt(var + eps)``: forward, backward, and both."""

    def rule(node: Expr) -> Expr:
        match node:
            case Call("sqrt", (Add((inside, Num() as eps)),)) if any(n.name for n in refs(inside)):
                return other(inside, eps)
            case _:
                return node

    ahead = list(changed(forward(program), rule))
    back = list(changed(adjoints(program, Role.VALUE, Role.INPUT), rule))
    yield from everywhere_or_once(ahead, detail="forward")
    yield from everywhere_or_once(back, split=True, detail="backward")
    if ahead and back:
        yield Bend((*ahead, *back), split=True, detail="both")


def other_axis(program: Program) -> Iterator[Bend]:
    """Mean and variance go over other axes: the features of a sample for the samples of a batch, or the other way."""
    statistics = {each.target: each for each in _statistics(program)}
    for each in forward(program):
        used = [name for name in dict.fromkeys(node.name for node in refs(each.formula)) if name in statistics]
        if not used or each.target in statistics:
            continue
        usual = set(each.indices) - set(statistics[used[-1]].indices)
        for count in range(1, len(each.indices) + 1):
            for over in combinations(each.indices, count):
                if set(over) != usual and prod(each.sizes[n] for n in over) > 1:
                    bent = _with_statistics_over(each, over, used, statistics)
                    if bent is not None:
                        yield Bend((bent,), detail=f"over {', '.join(over)}")


def _with_statistics_over(
    definition: Definition, over: tuple[str, ...], used: list[str], statistics: dict[str, Definition]
) -> Definition | None:
    """A formula with its mean and variance written out, over other letters of its own."""
    sizes = dict(definition.sizes)

    def written(name: str) -> Expr | None:
        own = statistics[name].formula
        inner = next((node for node in walk(own) if isinstance(node, Div) and isinstance(node.numerator, Sum)), None)
        if inner is None or not isinstance(inner.numerator, Sum):
            return None
        source = next((n for n in refs(inner.numerator.body) if n.name not in statistics), None)
        if source is None or len(source.indices) != len(definition.indices):
            return None
        names = {index.terms[0][0]: own for index, own in zip(source.indices, definition.indices, strict=True)}
        letters = {}
        for each in over:
            letters[each] = fresh_letter(each, set(sizes))
            sizes[letters[each]] = sizes[each]
        body = substitute(inner.numerator.body, {old: letter(letters.get(new, new)) for old, new in names.items()})
        body = transform(body, replaced)
        mean = Div(Sum(tuple(letters.values()), body), number(prod(sizes[n] for n in over)))
        return transform(own, lambda node: mean if node == inner else node) if own != inner else mean

    known: dict[str, Expr] = {}

    def replaced(node: Expr) -> Expr:
        return known[node.name] if isinstance(node, Ref) and node.name in known else node

    for name in statistics:
        if name in used or any(name in {n.name for n in refs(statistics[other].formula)} for other in used):
            found = written(name)
            if found is None:
                return None
            known[name] = found
    return replace(with_formula(definition, transform(definition.formula, replaced)), sizes=sizes)


def scale_left_out(program: Program) -> Iterator[Bend]:
    """A parameter that multiplies entry by entry is left out, forward and backward."""
    scales = {
        factor.name
        for each in forward(program)
        for node in walk(each.formula) if isinstance(node, Mul)
        for factor in node.args
        if isinstance(factor, Ref) and _is_parameter(program, factor) and not isinstance(each.formula, Sum)
        and set(_letters(factor)) <= set(each.indices)
        and not any(isinstance(inner, Sum) and factor in walk(inner) for inner in walk(each.formula))
        and any(isinstance(n, Ref) and set(_letters(n)) == set(each.indices) for n in walk(node))
    }  # fmt: skip
    statistics = {each.target for each in _statistics(program)}
    if not statistics:
        return

    def rule(node: Expr) -> Expr:
        match node:
            case Mul(args):
                kept = tuple(arg for arg in args if not (isinstance(arg, Ref) and arg.name in scales))
                return joined(Mul, kept) if len(kept) < len(args) else node
            case Div(Ref(name), denominator) if name in scales:
                return Div(ONE, denominator)
            case _:
                return node

    ahead = list(changed(forward(program), rule))
    scaled = {each.target: each for each in ahead}

    def folded(node: Expr) -> Expr:
        """A scaled number that stands for itself in the derivative of a statistic."""
        if not isinstance(node, Ref) or node.name not in scaled:
            return rule(node)
        return substitute(scaled[node.name].formula, dict(zip(scaled[node.name].indices, node.indices, strict=True)))

    of_statistics = [each for each in adjoints(program, Role.VALUE) if program.families[each.target].of in statistics]
    others = [each for each in adjoints(program, Role.VALUE, Role.INPUT) if each not in of_statistics]
    back = [*changed(others, rule), *changed(of_statistics, folded)]
    yield from everywhere_or_once(back, detail="backward")
    yield from everywhere_or_once(ahead, detail="forward")
    if ahead and back:
        yield Bend((*ahead, *back), detail="both")


def _is_parameter(program: Program, node: Ref) -> bool:
    return node.name in program.families and program.families[node.name].role == Role.PARAMETER


def _letters(node: Ref) -> list[str]:
    return [name for index in node.indices for name, _ in index.terms]


def root_left_out(program: Program) -> Iterator[Bend]:
    """The division by the root of the width, forward, backward, and both."""
    yield from _scaled_by(program, lambda node: node.numerator, "")


def scaled_otherwise(program: Program) -> Iterator[Bend]:
    """The division is by the width itself, or by the root of another one: of all heads together, of the places."""
    yield from _scaled_by(program, lambda node: Div(node.numerator, _width(node)), "by the width itself")
    yield from _scaled_by(
        program, lambda node: Div(node.numerator, Mul((node.denominator, node.denominator))), "twice", forward_too=False
    )
    widths = dict.fromkeys(
        size for each in forward(program) if any(_is_root(node.denominator) for node in walk(each.formula)
        if isinstance(node, Div)) for name, size in each.sizes.items() if name != "n" and size > 1
    )  # fmt: skip
    for size in widths:
        for times in (True, False):

            def other(node: Div, size: int = size, times: bool = times) -> Expr:
                width = _width(node)
                assert isinstance(width, Num)
                return Div(node.numerator, Call("sqrt", (Num(width.value * size) if times else number(size),)))

            said = f"by the root of {size} times the width" if times else f"by the root of {size}"
            yield from _scaled_by(program, other, said)


def _scaled_by(program: Program, other: QuotientRule, detail: str, forward_too: bool = True) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        return other(node) if isinstance(node, Div) and _is_root(node.denominator) else node

    said = f"{detail}, " if detail else ""
    ahead = list(changed(forward(program), rule)) if forward_too else []
    back = list(changed(adjoints(program, Role.VALUE, Role.INPUT), rule))
    yield from everywhere_or_once(ahead, detail=f"{said}forward")
    yield from everywhere_or_once(back, split=True, detail=f"{said}backward")
    if ahead and back:
        yield Bend((*ahead, *back), split=True, detail=f"{said}both")


def _is_root(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "sqrt" and isinstance(expr.args[0], Num)


def _width(node: Div) -> Expr:
    assert isinstance(node.denominator, Call)
    return node.denominator.args[0]


def mask_after_softmax(program: Program) -> Iterator[Bend]:
    """The sum below a softmax goes over what the mask hides as well."""
    found = []
    for each in forward(program):
        if isinstance(each.formula, Div):
            below = each.formula.denominator
            if isinstance(below, Sum) and isinstance(below.body, If) and below.body.otherwise == ZERO:
                shown = replace(each.formula, denominator=replace(below, body=below.body.then))
                found.append(with_formula(each, shown))
    yield from everywhere_or_once(found)


def mask_left_out(program: Program) -> Iterator[Bend]:
    """No place is hidden, above and below."""

    def rule(node: Expr) -> Expr:
        return node.then if isinstance(node, If) and _is_mask(node) else node

    found = changed((each for each in forward(program) if isinstance(each.formula, Div)), rule)
    yield from everywhere_or_once(found)


def mask_otherwise(program: Program) -> Iterator[Bend]:
    """Other places are hidden: those before instead of those after, or the place itself too."""
    for relation, said in ((">=", "what came before is hidden"), ("<", "the place itself is hidden too"),
                           (">", "the place itself and what came before are hidden")):  # fmt: skip

        def rule(node: Expr, relation: str = relation) -> Expr:
            if not isinstance(node, If) or not _is_mask(node) or node.test.relation != "<=":
                return node
            first = Comparison(node.test.right, "==", ZERO)  # where nothing would be left, the first place
            shown = If(Comparison(node.test.left, "==", ZERO), node.then, ZERO)
            other = replace(node, test=replace(node.test, relation=relation))
            return If(first, shown, other) if relation == "<" else other

        found = changed((each for each in forward(program) if isinstance(each.formula, Div)), rule)
        yield from everywhere_or_once(found, detail=said)


def _is_mask(node: If) -> bool:
    return node.otherwise == ZERO and isinstance(node.then, Call)


def softmax_over_other_axis(program: Program) -> Iterator[Bend]:
    """The weights add up to 1 over the queries, not over the keys; or over another axis."""
    for each in forward(program):
        match each.formula:
            case Div(above, Sum((summed,), below) as bottom):
                pass
            case _:
                continue
        own = next((name for name in each.indices if _stands_for(above, below, name, summed)), None)
        if own is None:
            continue
        for other in each.indices:
            if other not in (own, "n") and each.sizes[other] > 1:
                sizes = dict(each.sizes)
                new = fresh_letter(other, set(sizes))
                sizes[new] = sizes[other]
                body = substitute(above, {other: letter(new)})
                formula = replace(each.formula, denominator=Sum((new,), body, bottom.why))
                yield Bend((replace(with_formula(each, formula), sizes=sizes),), detail=f"over {other}")


def _stands_for(above: Expr, below: Expr, own: str, summed: str) -> bool:
    return substitute(above, {own: letter(summed)}) == below


def _masks(program: Program) -> set[str]:
    """Given numbers that multiply entry by entry and aren't trained, as a mask of dropout is."""
    return {
        factor.name
        for each in forward(program)
        for node in walk(each.formula)
        if isinstance(node, Mul)
        for factor in node.args
        if isinstance(factor, Ref) and factor.name in program.families
        and program.families[factor.name].role == Role.INPUT and program.families[factor.name].layer
        and tuple(_letters(factor)) == each.indices
    }  # fmt: skip


def dropout_mask_left_out(program: Program) -> Iterator[Bend]:
    """What dropout set to 0 comes back all the same, or goes on."""
    masks = _masks(program)

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Mul):
            return node
        kept = tuple(arg for arg in node.args if not (isinstance(arg, Ref) and arg.name in masks))
        return joined(Mul, kept) if len(kept) < len(node.args) else node

    ahead = list(changed(forward(program), rule))
    back = list(changed(adjoints(program, Role.VALUE, Role.INPUT), rule))
    yield from everywhere_or_once(back, split=True, detail="backward")
    yield from everywhere_or_once(ahead, detail="forward")


def kept_share_left_out(program: Program) -> Iterator[Bend]:
    """What dropout keeps is not divided by the share that is kept, or by the share that is dropped."""
    yield from _shares(program, lambda node: node.numerator, "")
    yield from _shares(program, _by_dropped, "by the share that is set to 0 instead")


def _by_dropped(node: Div) -> Expr:
    assert isinstance(node.denominator, Add)
    rest = node.denominator.args[1]
    return Div(node.numerator, rest.arg if isinstance(rest, Neg) else rest)


def _shares(program: Program, other: QuotientRule, detail: str) -> Iterator[Bend]:
    def rule(node: Expr) -> Expr:
        return other(node) if isinstance(node, Div) and _is_share(node.denominator) else node

    said = f"{detail}, " if detail else ""
    ahead = list(changed(forward(program), rule))
    back = list(changed(adjoints(program, Role.VALUE, Role.INPUT), rule))
    yield from everywhere_or_once(ahead, detail=f"{said}forward")
    yield from everywhere_or_once(back, split=True, detail=f"{said}backward")
    if ahead and back:
        yield Bend((*ahead, *back), split=True, detail=f"{said}both")


def _is_share(expr: Expr) -> bool:
    """1 less a number."""
    plain = isinstance(expr, Add) and len(expr.args) == 2 and expr.args[0] == ONE
    return plain and not any(isinstance(node, Ref | Call | Pow) for node in walk(expr))
