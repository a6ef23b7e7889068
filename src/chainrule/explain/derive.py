"""How one derivative comes about: its chain of factors, or the sum over the paths that lead to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

from chainrule.explain.document import Equation, Equations
from chainrule.explain.expand import RELATIONS, SHOWN_ADDENDS, expand, index_number, position_of
from chainrule.explain.names import Ratio, Scalar, has_delta
from chainrule.explain.writing import (
    Writing,
    equation,
    evaluated,
    formula_equation,
    most_addends,
    quantity_ref,
    shown,
    shown_number,
    with_names,
    with_numbers,
)
from chainrule.formula.expression import ONE, ZERO, Add, Expr, If, Index, Mul, Neg, Num, Ref, substitute, walk
from chainrule.formula.simplify import tidy
from chainrule.program.paths import Path, loss_term, paths_of
from chainrule.program.program import Definition, definition_of

GROUPED_AT_MOST = 2000  # addends: of a longer sum only the first few are looked at


@dataclass(frozen=True, slots=True)
class Factor:
    """One link of the chain: ``d upstream / d here`` with the formula of that slope at these indices."""

    ratio: Ratio
    slope: Expr
    at: Mapping[str, int]
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Addend:
    """What one path sends to a scalar: the adjoint upstream (None: the loss itself) and the link to it."""

    upstream: Scalar | None
    scale: Expr | None  # a constant that stands for the adjoint upstream: the 1/N of a mean
    factor: Factor | None
    slope: Expr
    at: Mapping[str, int]
    sizes: Mapping[str, int]


def addends_of(writing: Writing, scalar: Scalar) -> Iterator[Addend]:
    """The paths to a scalar's derivative, in order: one for each derivative upstream, its slopes added up."""
    if addend_count(writing, scalar) > GROUPED_AT_MOST:
        yield from _ungrouped(writing, scalar)
        return
    found: dict[Scalar | None, Addend] = {}
    for place, addend in enumerate(_ungrouped(writing, scalar)):
        if addend.upstream is None or addend.upstream not in found:
            found[addend.upstream or Scalar("", (place,))] = addend
        else:
            found[addend.upstream] = _together(found[addend.upstream], addend)
    # By what they come through: the part of the first output stands first.
    yield from sorted(found.values(), key=lambda addend: addend.upstream or Scalar("", ()))


def _together(first: Addend, second: Addend) -> Addend:
    """Two ways from the same quantity to the same quantity are one slope: ``p * (1 - p)`` of a softmax."""
    slope = tidy(Add((_placed(first), _placed(second))))
    assert first.factor is not None
    factor = Factor(first.factor.ratio, slope, {}, first.sizes)
    return Addend(first.upstream, None, factor, slope, {}, first.sizes)


def _placed(addend: Addend) -> Expr:
    return substitute(addend.slope, {name: Index((), value) for name, value in addend.at.items()})


def _ungrouped(writing: Writing, scalar: Scalar) -> Iterator[Addend]:
    """One for each path and each value of the letters summed over; lazily."""
    adjoint = adjoint_definition(writing, scalar)
    below = Scalar(writing.names.program.families[scalar.family].of, scalar.index)
    start = dict(zip(adjoint.indices, scalar.index, strict=True))
    for path in paths_of(adjoint):
        for position in product(*(range(adjoint.sizes[name]) for name in path.over)):
            at = start | dict(zip(path.over, position, strict=True))
            if _passes(path, at):
                addend = _addend(writing, path, below, at, adjoint.sizes)
                if addend is not None:
                    yield addend


def adjoint_definition(writing: Writing, scalar: Scalar) -> Definition:
    definition = definition_of(writing.names.program, scalar.family)
    if definition is None:
        raise ValueError(f"{scalar.family} has no formula")
    return definition


def _passes(path: Path, at: Mapping[str, int]) -> bool:
    bindings = {name: Index((), value) for name, value in at.items()}
    for test in path.tests:
        left = index_number(substitute(test.left, bindings))
        right = index_number(substitute(test.right, bindings))
        if left is not None and right is not None and not RELATIONS[test.relation](left, right):
            return False
    return True


def _addend(
    writing: Writing, path: Path, below: Scalar, at: Mapping[str, int], sizes: Mapping[str, int]
) -> Addend | None:
    """What a path sends; None where a test of its indices makes it 0, and where it comes from another entry of the
    family that is differentiated.
    """
    if any(isinstance(node, If) for node in walk(path.slope)) and expand(path.slope, at, sizes) == ZERO:
        return None
    if isinstance(path.upstream, Ref):
        node = expand(path.upstream, at, sizes)
        assert isinstance(node, Ref)
        upstream = Scalar(node.name, position_of(node))
        above = Scalar(writing.names.program.families[upstream.family].of, upstream.index)
        if above == writing.names.loss:
            return Addend(None, None, None, path.slope, at, sizes)
        if above.family == writing.names.loss.family:
            return None
        if writing.names.loss.index and next(addends_of(writing, upstream), None) is None:
            return None
        factor = Factor(Ratio(above, below), path.slope, at, sizes)
        return Addend(upstream, None, factor, path.slope, at, sizes)
    return Addend(None, path.upstream, None, path.slope, at, sizes)


def chain_of(writing: Writing, scalar: Scalar) -> tuple[Scalar, list[Factor]]:
    """Follow the single paths from a derivative towards the loss: the derivative where they end, and the links.

    ``dE/dw5`` gives ``dE/dout_o1`` and the links ``dout_o1/dnet_o1``, ``dnet_o1/dw5``.
    """
    factors: list[Factor] = []
    head = scalar
    while True:
        addends = list(islice(addends_of(writing, head), 2))
        if len(addends) != 1 or addends[0].factor is None or addends[0].upstream is None:
            return head, factors
        factors.insert(0, addends[0].factor)
        head = addends[0].upstream


def chain_blocks(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Equations]:
    """A derivative in full: its chain, each factor on a line of its own, and the product.

    ``known`` are the derivatives that the document has explained before; it grows by those explained here.
    """
    head, factors = chain_of(writing, scalar)
    yield from head_blocks(writing, head, known)
    if not factors:
        return
    left = quantity_ref(writing, scalar)
    links = [plain_ratio(writing, head), *(quantity_ref(writing, factor.ratio) for factor in factors)]
    yield Equations((Equation((left, Mul(tuple(links)))),))
    lines = [head_line(writing, head), *(factor_line(writing, factor) for factor in factors)]
    yield Equations(tuple(lines))
    numbers = [shown(writing, head), *(shown_number(writing, factor_value(writing, factor)) for factor in factors)]
    yield Equations((Equation((left, Mul(tuple(numbers)), shown(writing, scalar)), final=True),))
    known.add(scalar)


def plain_ratio(writing: Writing, scalar: Scalar) -> Ref:
    """A derivative written as one (``dE_total/dnet_o1``) even where it has a name of its own (``delta_o1``)."""
    below = Scalar(writing.names.program.families[scalar.family].of, scalar.index)
    return quantity_ref(writing, Ratio(writing.names.loss, below))


def head_line(writing: Writing, head: Scalar) -> Equation:
    """Where the chain begins: the loss by the first quantity, with its formula or its value from before."""
    if len(list(islice(addends_of(writing, head), 2))) > 1:
        before = delta_name(writing, head)
        return Equation(
            (plain_ratio(writing, head), *before, shown(writing, head)), note="the sum over the paths, above"
        )
    return Equation((plain_ratio(writing, head), *own_line(writing, head).sides[1:]))


def delta_name(writing: Writing, scalar: Scalar) -> tuple[Ref, ...]:
    """The derivative's other name, where it has one."""
    named = has_delta(writing.names, writing.names.program.families[scalar.family])
    return (quantity_ref(writing, scalar),) if named else ()


def own_line(writing: Writing, scalar: Scalar, note: str = "") -> Equation:
    """A derivative by its own formula, in one line."""
    addends = list(islice(addends_of(writing, scalar), 2))
    if len(addends) == 1 and addends[0].upstream is None and addends[0].scale is None:
        only = addends[0]
        left, value = quantity_ref(writing, scalar), shown(writing, scalar)
        return formula_equation(writing, left, only.slope, only.at, only.sizes, value, note=note)
    return equation(writing, scalar, adjoint_definition(writing, scalar), note=note)


def factor_line(writing: Writing, factor: Factor) -> Equation:
    """``dout_o1/dnet_o1 = out_o1 * (1 - out_o1) = ... = 0.186815602``."""
    value = shown_number(writing, factor_value(writing, factor))
    return formula_equation(writing, quantity_ref(writing, factor.ratio), factor.slope, factor.at, factor.sizes, value)


def factor_value(writing: Writing, factor: Factor) -> object:
    return evaluated(writing, factor.slope, factor.at, factor.sizes)


def head_blocks(writing: Writing, head: Scalar, known: set[Scalar]) -> Iterator[Equations]:
    """What must be said before a chain can begin at ``head``: the sum over its paths, and what that needs in turn."""
    if head in known:
        return
    known.add(head)
    most = most_addends(writing, head, adjoint_definition(writing, head))
    first = list(islice(addends_of(writing, head), most + 1))
    if len(first) < 2:
        return
    for addend in first[:most]:
        if addend.upstream is not None and not writing.large:
            yield from plain_blocks(writing, addend.upstream, known)
    yield paths_block(writing, head, first)


def plain_blocks(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Equations]:
    """A derivative in one line, after what it needs."""
    if scalar in known:
        return
    if chain_of(writing, scalar)[1]:
        yield from chain_blocks(writing, scalar, known)
    else:
        yield from head_blocks(writing, scalar, known)
        if len(list(islice(addends_of(writing, scalar), 2))) < 2:
            yield Equations((own_line(writing, scalar),))
    known.add(scalar)


def paths_block(writing: Writing, head: Scalar, addends: list[Addend]) -> Equations:
    """The sum over paths: first the parts by name, then each part, then the sum with numbers."""
    left = plain_ratio(writing, head)
    if len(addends) > SHOWN_ADDENDS:
        line = equation(writing, head, adjoint_definition(writing, head), final=True)
        return Equations((Equation((left, *line.sides[1:]), f"{addend_count(writing, head)} addends", True),))
    terms = loss_terms(writing, addends)
    parts = [part_line(writing, head, addend, term) for addend, term in zip(addends, terms, strict=True)]
    named = Add(tuple(part.sides[0] for part in parts))
    values = Add(tuple(part.sides[-1] for part in parts))
    return Equations(
        (
            Equation((left, named), note="the sum over the paths"),
            *parts,
            Equation((left, *delta_name(writing, head), values, shown(writing, head)), final=True),
        )
    )


def part_line(writing: Writing, head: Scalar, addend: Addend, term: Scalar | None) -> Equation:
    """One path's part: ``dE_o1/dout_h1 = delta_o1 * w5 = ... = 0.0553994247``."""
    below = Scalar(writing.names.program.families[head.family].of, head.index)
    name = part_name(writing, addend, below, term)
    written = expand(addend.slope, addend.at, addend.sizes)
    upstream = addend_upstream(writing, addend)
    named, numbers = with_names(writing, written), with_numbers(writing, written)
    if upstream is not None:
        named, numbers = product_of(upstream[0], named), product_of(upstream[1], numbers)
    sides: list[Expr] = [name]
    for side in (named, numbers, shown_number(writing, addend_value(writing, addend))):
        if side != sides[-1]:
            sides.append(side)
    return Equation(tuple(sides))


def product_of(first: Expr, second: Expr) -> Expr:
    """A product without a factor 1, its sign in front."""
    if second == ONE:
        return first
    if isinstance(second, Neg) and not isinstance(second.arg, Num):
        return Neg(product_of(first, second.arg))
    return Mul((first, *second.args)) if isinstance(second, Mul) else Mul((first, second))


def addend_upstream(writing: Writing, addend: Addend) -> tuple[Expr, Expr] | None:
    """The upstream factor of a path as a name and as a number; None where it is 1."""
    if addend.upstream is not None:
        return quantity_ref(writing, addend.upstream), shown(writing, addend.upstream)
    return None if addend.scale is None else (addend.scale, addend.scale)


def addend_value(writing: Writing, addend: Addend) -> Any:
    value = evaluated(writing, addend.slope, addend.at, addend.sizes)
    if addend.upstream is not None:
        return writing.ledger[addend.upstream.family][addend.upstream.index] * value
    return value if addend.scale is None else evaluated(writing, addend.scale, {}, {}) * value


def part_name(writing: Writing, addend: Addend, below: Scalar, term: Scalar | None) -> Expr:
    """``dE_o1/dout_h1`` where the path belongs to one part of the loss, else the product of its two derivatives."""
    if addend.upstream is None or addend.factor is None:
        return addend_symbol(writing, addend)
    if term is not None:
        return quantity_ref(writing, Ratio(term, below))
    return Mul((plain_ratio(writing, addend.upstream), quantity_ref(writing, addend.factor.ratio)))


def addend_symbol(writing: Writing, addend: Addend) -> Expr:
    """A path straight from the loss has no second derivative to name: its formula stands for it."""
    named = with_names(writing, expand(addend.slope, addend.at, addend.sizes))
    return named if addend.scale is None else product_of(addend.scale, named)


def loss_terms(writing: Writing, addends: list[Addend]) -> list[Scalar | None]:
    """For each path the part of the loss that it belongs to, ``E_o1``, where no other path belongs to the same one.

    Two paths to one part of the loss are together its derivative; neither may have that name alone. Nor may a path
    beside one that leads to several parts, as through a layer before: those may be the same ones.
    """
    terms: list[Scalar | None] = []
    for each in addends:
        terms.append(None if each.upstream is None else loss_term_of(writing, each.upstream))
        if terms[-1] is None and each.upstream is not None:
            return [None] * len(addends)
    return [term if terms.count(term) == 1 else None for term in terms]


def loss_term_of(writing: Writing, upstream: Scalar) -> Scalar | None:
    """The single part of the loss that a derivative belongs to: ``E_o1`` for ``delta_o1``."""
    head, _ = chain_of(writing, upstream)
    program = writing.names.program
    if len(list(islice(addends_of(writing, head), 2))) != 1:
        return None
    term = loss_term(program, program.families[head.family].of, head.index)
    return Scalar(*term) if term else None


def addend_count(writing: Writing, scalar: Scalar) -> int:
    """How many addends a derivative's sum has, without looking at each."""
    adjoint = adjoint_definition(writing, scalar)
    return sum(prod(adjoint.sizes[name] for name in path.over) for path in paths_of(adjoint))
