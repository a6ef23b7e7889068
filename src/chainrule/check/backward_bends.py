"""Mistakes on the way back: each function gives the ways in which one can be made in a program."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import combinations

from chainrule.check.anatomy import activations, adjoints, is_constant, renamed, samples, updates, with_formula
from chainrule.check.bends import (
    Bend,
    everywhere_or_once,
    is_bias_gradient,
    joined,
    net_adjoints,
    net_inputs,
    transposed,
)
from chainrule.check.product_bends import matrix_turned
from chainrule.formula.expression import ONE, Add, Div, Expr, Mul, Neg, Num, Ref, Sum, refs, substitute
from chainrule.formula.expression import Index as AffineIndex
from chainrule.program.paths import paths_of
from chainrule.program.program import Definition, Program, Role, adjoint_name

FEW_PATHS = 6  # of which every selection is tried


def error_for_delta(program: Program) -> Iterator[Bend]:
    """dE/dout for dE/dnet in the gradients of the biases, of the weights, in what goes back, and in all of them."""
    names = {adjoint_name(each.net.name): adjoint_name(each.out.name) for each, _ in net_adjoints(program)}
    parameters = list(adjoints(program, Role.PARAMETER))
    biases = [each for each in parameters if is_bias_gradient(each)]
    groups = (biases, [each for each in parameters if each not in biases], list(adjoints(program, Role.VALUE)))
    for group in groups:
        yield from everywhere_or_once(
            with_formula(each, renamed(each.formula, names))
            for each in group
            if any(node.name in names for node in refs(each.formula))
            and program.families[each.target].of not in net_inputs(program)
        )
    yield from everywhere_or_once(
        with_formula(each, renamed(each.formula, names))
        for each in parameters
        if any(node.name in names for node in refs(each.formula))
    )


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


def transposed_backward(program: Program) -> Iterator[Bend]:
    back = list(adjoints(program, Role.VALUE, Role.INPUT))
    yield from transposed(back, program, split=True)
    yield from matrix_turned(program, back, split=True)


def one_path(program: Program) -> Iterator[Bend]:
    """The sum over what a neuron feeds with one addend only: the first, the second, the last, or its own place.

    Where different formulas use a quantity, as the next step in time does, each of their paths alone.
    """
    summed = [(each, name) for each in adjoints(program, Role.VALUE, Role.INPUT) for name in _fed(each)]
    most = max((each.sizes[name] for each, name in summed), default=0)
    for place in dict.fromkeys((0, 1, most - 1)):
        yield from everywhere_or_once(
            (_kept(each, name, AffineIndex((), place)) for each, name in summed if place < each.sizes[name]),
            detail=f"path {place + 1}",
        )
    yield from everywhere_or_once(
        (
            _kept(each, name, AffineIndex(((each.indices[-1], 1),)))
            for each, name in summed
            if each.indices and each.sizes[each.indices[-1]] == each.sizes[name]
        ),
        detail="the neuron of the same number",
    )
    several = [each for each in adjoints(program, Role.VALUE, Role.INPUT) if isinstance(each.formula, Add)]
    for each in several:
        assert isinstance(each.formula, Add)
        count = len(each.formula.args)
        sizes = range(1, count) if count <= FEW_PATHS else (1, count - 1)
        for kept in (places for size in sizes for places in combinations(range(count), size)):
            left = joined(Add, tuple(each.formula.args[place] for place in kept))
            said = f"path{'s' * (len(kept) > 1)} {', '.join(str(place + 1) for place in kept)} of {count}"
            yield Bend((with_formula(each, left),), detail=said)


def _fed(adjoint: Definition) -> tuple[str, ...]:
    """The letters of what a quantity feeds, where these are several."""
    match adjoint.formula:
        case Sum(indices):
            return tuple(name for name in indices if adjoint.sizes[name] > 1)
        case _:
            return ()


def _kept(adjoint: Definition, name: str, place: AffineIndex) -> Definition:
    assert isinstance(adjoint.formula, Sum)
    left = tuple(each for each in adjoint.formula.indices if each != name)
    body = substitute(adjoint.formula.body, {name: place})
    return with_formula(adjoint, Sum(left, body) if left else body)


def net_for_out(program: Program) -> Iterator[Bend]:
    """In the gradients of the weights, and in the next layer's net inputs."""
    names = {each.out.name: each.net.name for each in activations(program)}
    nets = net_inputs(program)
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
    biases = [each for each in parameters if is_bias_gradient(each)]
    yield from everywhere_or_once(_scaled(parameters, factor), detail=detail)
    for group in (biases, [each for each in parameters if each not in biases]):
        if 1 < len(group) < len(parameters):
            yield Bend(tuple(_scaled(group, factor)), detail=detail)
    deltas = [adjoint for _, adjoint in net_adjoints(program)]
    yield from everywhere_or_once(_scaled(deltas, factor), detail=detail)


def sign_of_error(program: Program) -> Iterator[Bend]:
    outputs = [
        each for each in adjoints(program, Role.VALUE) if not _has_upstream(each) and not is_constant(each.formula)
    ]
    yield from everywhere_or_once(
        with_formula(each, each.formula.arg if isinstance(each.formula, Neg) else Neg(each.formula)) for each in outputs
    )
