"""How mistakes bend a program: each function gives the ways in which one mistake can be made in it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from chainrule.check.anatomy import (
    Activation,
    activations,
    adjoint_of,
    adjoints,
    errors,
    is_constant,
    renamed,
    samples,
    updates,
    with_formula,
    without_constant,
)
from chainrule.formula.expression import (
    ONE,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Ref,
    Sum,
    children,
    refs,
    replace_refs,
    substitute,
    transform,
    walk,
    with_children,
)
from chainrule.formula.expression import Index as AffineIndex
from chainrule.formula.parse import parse_expression
from chainrule.formula.slopes import slope_of
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role, adjoint_name

SLOPES = ("logistic", "tanh")  # those that are confused


@dataclass(frozen=True, slots=True)
class Bend:
    """Other formulas for some families of a program.

    ``split`` says whether the slopes and parts that a derivative is made of are bent with it: they are where the
    mistake is in one of them, and not where it is in how they are put together.
    """

    changes: tuple[Definition, ...]
    split: bool = False
    detail: str = ""  # what tells this way of making the mistake from the others


def everywhere_or_once(changes: Iterable[Definition], split: bool = False, detail: str = "") -> Iterator[Bend]:
    """The mistake made wherever it can be made, then in one place only."""
    found = tuple(changes)
    if found:
        yield Bend(found, split, detail)
    if len(found) > 1:
        for each in found:
            yield Bend((each,), split, detail)


def _net_adjoints(program: Program) -> Iterator[tuple[Activation, Definition]]:
    for each in activations(program):
        adjoint = adjoint_of(program, each.net.name)
        if adjoint is not None and adjoint_of(program, each.out.name) is not None:
            yield each, adjoint


def _upstream(each: Activation, adjoint: Definition) -> Expr:
    """The derivative by the output, at the indices of the net input's."""
    letters = tuple(AffineIndex(((name, 1),)) for name in adjoint.indices)
    marked = next((path.upstream.why for path in paths_of(adjoint) if path.upstream is not None), None)
    return Ref(adjoint_name(each.out.name), letters, marked)


def slope_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, _upstream(each, adjoint))
        for each, adjoint in _net_adjoints(program)
        if adjoint.formula != _upstream(each, adjoint)
    )


def slope_twice(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((adjoint.formula, slope)))
        for each, adjoint in _net_adjoints(program)
        if (slope := _own_slope(each, adjoint)) is not None
    )


def cross_entropy_slope(program: Program) -> Iterator[Bend]:
    """For outputs whose loss has a logarithm: there people write out - target, and multiply once more."""
    if not any(
        isinstance(node, Call) and node.function == "log" for each in errors(program) for node in walk(each.formula)
    ):
        return
    last = list(_net_adjoints(program))[-1:]
    for each, adjoint in last:
        slope = _own_slope(each, adjoint) or _logistic_slope(each, adjoint)
        yield Bend((with_formula(adjoint, Mul((adjoint.formula, slope))),))


def _logistic_slope(each: Activation, adjoint: Definition) -> Expr:
    y = _at_adjoint(each.out.name, adjoint)
    return Mul((y, Add((ONE, Neg(y)))))


def _at_adjoint(family: str, adjoint: Definition) -> Ref:
    return Ref(family, tuple(AffineIndex(((name, 1),)) for name in adjoint.indices))


def _own_slope(each: Activation, adjoint: Definition) -> Expr | None:
    """The slope of the activation by the output y and the net input x; None for one over a whole layer."""
    if each.function is None:
        return None
    row = slope_of(each.function)
    return _placed_slope(row.formula, each, adjoint, row.parameters)


def _placed_slope(formula: Expr, each: Activation, adjoint: Definition, parameters: tuple[str, ...]) -> Expr:
    assert isinstance(each.definition.formula, Call)
    values: dict[str, Expr] = {"y": _at_adjoint(each.out.name, adjoint)}
    letters = {old: AffineIndex(((new, 1),)) for old, new in zip(each.definition.indices, adjoint.indices, strict=True)}
    args = tuple(substitute(arg, letters) for arg in each.definition.formula.args)
    values |= dict(zip(parameters, args, strict=False))
    return replace_refs(formula, values)


def _with_slopes(program: Program, slope: Callable[[Activation, Definition], Expr | None]) -> Iterator[Definition]:
    """The derivatives by net inputs with another slope."""
    for each, adjoint in _net_adjoints(program):
        found = slope(each, adjoint)
        if found is not None and found != _own_slope(each, adjoint):
            yield with_formula(adjoint, Mul((_upstream(each, adjoint), found)))


def slope_at_output(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        own = _own_slope(each, adjoint)
        if own is None or each.function is None:
            return None
        assert isinstance(each.definition.formula, Call)
        out = _at_adjoint(each.out.name, adjoint)
        again = Call(each.function, (out, *each.definition.formula.args[1:]))
        return _replaced(own, {each.out.name: again, each.net.name: out})

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)


def _replaced(formula: Expr, values: dict[str, Expr]) -> Expr:
    """A formula with the references to families replaced, whatever their indices; all at once."""
    match formula:
        case Ref(name) if name in values:
            return values[name]
        case _:
            return with_children(formula, tuple(_replaced(child, values) for child in children(formula)))


def slope_at_net(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        own = _own_slope(each, adjoint)
        return None if own is None else _replaced(own, {each.out.name: _at_adjoint(each.net.name, adjoint)})

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)


def other_slope(program: Program) -> Iterator[Bend]:
    for other in SLOPES:

        def slope(each: Activation, adjoint: Definition, other: str = other) -> Expr | None:
            if each.function is None or each.function == other:
                return None
            row = slope_of(other)
            return _placed_slope(row.formula, each, adjoint, row.parameters)

        yield from everywhere_or_once(_with_slopes(program, slope), split=True, detail=f"that of {other}")


def tanh_slope_plus(program: Program) -> Iterator[Bend]:
    def slope(each: Activation, adjoint: Definition) -> Expr | None:
        if each.function != "tanh":
            return None
        return _placed_slope(parse_expression("1 + y**2"), each, adjoint, ("x",))

    yield from everywhere_or_once(_with_slopes(program, slope), split=True)


def extra_net(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((adjoint.formula, _at_adjoint(each.net.name, adjoint))))
        for each, adjoint in _net_adjoints(program)
    )


def elementwise_softmax(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(adjoint, Mul((_upstream(each, adjoint), _logistic_slope(each, adjoint))))
        for each, adjoint in _net_adjoints(program)
        if each.function is None
    )


def softmax_twice(program: Program) -> Iterator[Bend]:
    for each in activations(program):
        if each.function is None:
            safe = each.definition
            again = _replaced_refs_by(safe.formula, each.net.name, safe)
            yield Bend((with_formula(safe, again),))


def _replaced_refs_by(formula: Expr, net: str, definition: Definition) -> Expr:
    """The formula with itself, at the same place, in place of the net input; its sums get letters of their own."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.name != net:
            return node
        at = dict(zip(definition.indices, node.indices, strict=True))
        return substitute(formula, at)

    return _nested(formula, rule)


def _nested(formula: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    return rule(formula) if isinstance(formula, Ref) else with_children(
        formula, tuple(_nested(child, rule) for child in children(formula))
    )  # fmt: skip


def error_for_delta(program: Program) -> Iterator[Bend]:
    """dE/dout for dE/dnet in the gradients of the biases, of the weights, in what goes back, and in all of them."""
    names = {adjoint_name(each.net.name): adjoint_name(each.out.name) for each, _ in _net_adjoints(program)}
    parameters = list(adjoints(program, Role.PARAMETER))
    biases = [each for each in parameters if _is_bias_gradient(each)]
    groups = (biases, [each for each in parameters if each not in biases], list(adjoints(program, Role.VALUE)))
    for group in groups:
        yield from everywhere_or_once(
            with_formula(each, renamed(each.formula, names))
            for each in group
            if any(node.name in names for node in refs(each.formula))
            and program.families[each.target].of not in _nets(program)
        )
    yield from everywhere_or_once(
        with_formula(each, renamed(each.formula, names))
        for each in parameters
        if any(node.name in names for node in refs(each.formula))
    )


def _nets(program: Program) -> set[str]:
    return {each.net.name for each in activations(program)}


def _is_bias_gradient(adjoint: Definition) -> bool:
    """Whether nothing but derivatives is added up: nothing comes in along a bias."""
    return all(path.slope == ONE for path in paths_of(adjoint))


def updated_weights(program: Program) -> Iterator[Bend]:
    trained = {program.families[each.target].of: each.target for each in updates(program)}
    yield from everywhere_or_once(
        (
            with_formula(each, renamed(each.formula, trained))
            for each in adjoints(program, Role.VALUE)
            if any(node.name in trained for node in refs(each.formula))
        ),
        split=True,
    )


def _transposed(definition: Definition, program: Program) -> Definition | None:
    """The definition with its square matrices read the other way round; None where there is none."""

    def rule(node: Expr) -> Expr:
        if not isinstance(node, Ref) or len(node.indices) != 2 or node.name not in program.families:
            return node
        family = program.families[node.name]
        square = len(family.shape) == 2 and family.shape[0] == family.shape[1]
        if family.role != Role.PARAMETER or not square:
            return node
        return replace(node, indices=node.indices[::-1])

    formula = transform(definition.formula, rule)
    return None if formula == definition.formula else with_formula(definition, formula)


def transposed_backward(program: Program) -> Iterator[Bend]:
    found = (_transposed(each, program) for each in adjoints(program, Role.VALUE, Role.INPUT))
    yield from everywhere_or_once((each for each in found if each is not None), split=True)


def transposed_forward(program: Program) -> Iterator[Bend]:
    forward = [each for each in program.definitions if program.families[each.target].role == Role.VALUE]
    found = (_transposed(each, program) for each in forward)
    yield from everywhere_or_once(each for each in found if each is not None)


def one_path(program: Program) -> Iterator[Bend]:
    """The sum over what a neuron feeds with one addend only: the first, the second, the last, or its own place."""
    summed = [each for each in adjoints(program, Role.VALUE) if _fed(each)]
    most = max((each.sizes[_fed(each)[0]] for each in summed), default=0)
    for place in dict.fromkeys((0, 1, most - 1)):
        yield from everywhere_or_once(
            (_kept(each, AffineIndex((), place)) for each in summed if place < each.sizes[_fed(each)[0]]),
            detail=f"path {place + 1}",
        )
    yield from everywhere_or_once(
        (
            _kept(each, AffineIndex(((each.indices[-1], 1),)))
            for each in summed
            if each.indices and each.sizes[each.indices[-1]] == each.sizes[_fed(each)[0]]
        ),
        detail="the neuron of the same number",
    )


def _fed(adjoint: Definition) -> tuple[str, ...]:
    match adjoint.formula:
        case Sum(indices) if len(indices) == 1 and adjoint.sizes[indices[0]] > 1:
            return indices
        case _:
            return ()


def _kept(adjoint: Definition, place: AffineIndex) -> Definition:
    assert isinstance(adjoint.formula, Sum)
    return with_formula(adjoint, substitute(adjoint.formula.body, {adjoint.formula.indices[0]: place}))


def bias_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(each, formula)
        for each in program.definitions
        if program.families[each.target].role == Role.VALUE
        and (formula := _without_bias(each.formula, program)) is not None
    )


def _without_bias(formula: Expr, program: Program) -> Expr | None:
    if not isinstance(formula, Add):
        return None
    kept = tuple(
        arg
        for arg in formula.args
        if not (
            isinstance(arg, Ref) and arg.name in program.families and program.families[arg.name].role == Role.PARAMETER
        )
    )
    if len(kept) == len(formula.args) or not kept:
        return None
    return kept[0] if len(kept) == 1 else Add(kept)


def activation_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(
        with_formula(each.definition, Ref(each.net.name, _letters(each.definition))) for each in activations(program)
    )


def _letters(definition: Definition) -> tuple[AffineIndex, ...]:
    return tuple(AffineIndex(((name, 1),)) for name in definition.indices)


def other_activation(program: Program) -> Iterator[Bend]:
    for other in ("logistic", "tanh", "relu"):
        yield from everywhere_or_once(
            (
                with_formula(each.definition, Call(other, (Ref(each.net.name, _letters(each.definition)),)))
                for each in activations(program)
                if each.function != other
            ),
            detail=other,
        )


def net_for_out(program: Program) -> Iterator[Bend]:
    """In the gradients of the weights, and in the next layer's net inputs."""
    names = {each.out.name: each.net.name for each in activations(program)}
    nets = _nets(program)
    gradients = [
        with_formula(each, renamed(each.formula, names))
        for each in adjoints(program, Role.PARAMETER)
        if any(node.name in names for node in refs(each.formula))
    ]
    yield from everywhere_or_once(gradients, split=True)
    yield from everywhere_or_once(
        with_formula(each, renamed(each.formula, names))
        for each in program.definitions
        if each.target in nets and any(node.name in names for node in refs(each.formula))
    )


def own_output_incoming(program: Program) -> Iterator[Bend]:
    """``delta * out`` of one and the same neuron."""
    outs = {adjoint_name(each.net.name): each.out.name for each in activations(program)}
    found = []
    for each in adjoints(program, Role.PARAMETER):
        for path in paths_of(each):
            if isinstance(path.upstream, Ref) and path.upstream.name in outs and path.slope != ONE:
                own = Ref(outs[path.upstream.name], path.upstream.indices)
                body: Expr = Mul((path.upstream, own))
                found.append(with_formula(each, Sum(path.over, body) if path.over else body))
                break
    yield from everywhere_or_once(found, split=True)


def _slopes_left_out(definitions: Iterable[Definition]) -> Iterator[Definition]:
    """Derivatives that are the sum of what comes from upstream, with nothing multiplied."""
    for each in definitions:
        paths = paths_of(each)
        if len(paths) == 1 and paths[0].upstream is not None and paths[0].slope != ONE and not paths[0].tests:
            body = paths[0].upstream
            yield with_formula(each, Sum(paths[0].over, body) if paths[0].over else body)


def incoming_left_out(program: Program) -> Iterator[Bend]:
    yield from everywhere_or_once(_slopes_left_out(adjoints(program, Role.PARAMETER)))


def weight_left_out(program: Program) -> Iterator[Bend]:
    outs = {each.out.name for each in activations(program)}
    back = [each for each in adjoints(program, Role.VALUE) if program.families[each.target].of in outs]
    yield from everywhere_or_once(_slopes_left_out(each for each in back if isinstance(each.formula, Sum)))


def delta_by_weight_only(program: Program) -> Iterator[Bend]:
    found = []
    for each in adjoints(program, Role.VALUE):
        paths = paths_of(each)
        if len(paths) == 1 and paths[0].over and paths[0].slope != ONE and isinstance(paths[0].upstream, Ref):
            found.append(with_formula(each, Sum(paths[0].over, paths[0].slope)))
    yield from everywhere_or_once(found)


def half_left_out(program: Program) -> Iterator[Bend]:
    """The constant of the error or of the total, in the value and, second, in the derivatives as well."""
    for each in errors(program):
        formula = without_constant(each.formula)
        if formula is not None:
            yield Bend((with_formula(each, formula),))


def gradient_doubled(program: Program) -> Iterator[Bend]:
    outputs = [each for each in adjoints(program, Role.VALUE) if not _has_upstream(each)]
    for factor in (Num(Decimal(2)), Div(ONE, Num(Decimal(2)))):
        detail = "twice" if isinstance(factor, Num) else "half"
        yield from everywhere_or_once(
            (with_formula(each, Mul((factor, each.formula))) for each in outputs if not is_constant(each.formula)),
            detail=detail,
        )


def _has_upstream(adjoint: Definition) -> bool:
    return any(isinstance(path.upstream, Ref) for path in paths_of(adjoint))


def _scaled(definitions: Iterable[Definition], factor: Expr) -> Iterator[Definition]:
    return (with_formula(each, Mul((factor, each.formula))) for each in definitions)


def _counts(program: Program) -> list[int]:
    """What a mean may divide by: the samples, or the outputs."""
    targets = [family for family in program.families.values() if family.role == Role.TARGET]
    outputs = targets[0].shape[-1] if targets and targets[0].shape else 1
    return [each for each in dict.fromkeys((samples(program), outputs)) if each > 1]


def mean_twice(program: Program) -> Iterator[Bend]:
    for count in _counts(program):
        factor = Div(ONE, Num(Decimal(count)))
        yield from _scaled_gradients(program, factor, f"1/{count}")


def mean_left_out(program: Program) -> Iterator[Bend]:
    for count in _counts(program):
        yield from _scaled_gradients(program, Num(Decimal(count)), f"{count} times as much")


def _scaled_gradients(program: Program, factor: Expr, detail: str) -> Iterator[Bend]:
    """All gradients, those of the biases, those of the weights, each; and the deltas of hidden layers."""
    parameters = list(adjoints(program, Role.PARAMETER))
    biases = [each for each in parameters if _is_bias_gradient(each)]
    yield from everywhere_or_once(_scaled(parameters, factor), detail=detail)
    for group in (biases, [each for each in parameters if each not in biases]):
        if 1 < len(group) < len(parameters):
            yield Bend(tuple(_scaled(group, factor)), detail=detail)
    deltas = [adjoint for _, adjoint in _net_adjoints(program)]
    yield from everywhere_or_once(_scaled(deltas, factor), detail=detail)


def sign_of_error(program: Program) -> Iterator[Bend]:
    outputs = [
        each for each in adjoints(program, Role.VALUE) if not _has_upstream(each) and not is_constant(each.formula)
    ]
    yield from everywhere_or_once(
        with_formula(each, each.formula.arg if isinstance(each.formula, Neg) else Neg(each.formula)) for each in outputs
    )


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
            ways[way].append(with_formula(update, _replaced(update.formula, {gradient.target: Ref(name, at)})))
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


def log_base(program: Program) -> Iterator[Bend]:
    for other in ("log2", "log10"):

        def rule(node: Expr, other: str = other) -> Expr:
            return replace(node, function=other) if isinstance(node, Call) and node.function == "log" else node

        found = [(each, transform(each.formula, rule)) for each in errors(program)]
        yield from everywhere_or_once(
            (with_formula(each, formula) for each, formula in found if formula != each.formula), detail=other
        )
