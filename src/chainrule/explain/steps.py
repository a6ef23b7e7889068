"""A derivative step by step: each step begins where one that was derived above ended, so that nothing is said twice."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from math import prod

from chainrule.explain.derive import (
    Factor,
    addends_of,
    adjoint_definition,
    delta_name,
    factor_line,
    factor_value,
    head_line,
    plain_ratio,
)
from chainrule.explain.document import Block, Equation, Equations
from chainrule.explain.expand import SHOWN_ADDENDS
from chainrule.explain.names import Scalar
from chainrule.explain.parts import parts_blocks, single_line
from chainrule.explain.writing import Writing, most_addends, quantity_ref, shown, shown_number
from chainrule.formula.expression import Mul, refs
from chainrule.program.program import Role, Same


def step_blocks(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Block]:
    """A derivative after all that it needs; ``known`` are those derived above, and grows."""
    yield from together(block for each in _in_order(writing, scalar, known) for block in _step(writing, each))


def together(blocks: Iterator[Block]) -> Iterator[Block]:
    """Blocks in which equations of one line each that follow each other stand together."""
    lines: list[Equation] = []
    for block in blocks:
        if isinstance(block, Equations) and len(block.equations) == 1 and not block.equations[0].label:
            lines += block.equations
            continue
        if lines:
            yield Equations(tuple(lines))
            lines = []
        yield block
    if lines:
        yield Equations(tuple(lines))


def _in_order(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Scalar]:
    """The derivatives that must be said for this one, each after what it needs. Without recursion: time may be long."""
    waiting: list[tuple[Scalar, bool]] = [(scalar, False)]
    while waiting:
        each, ready = waiting.pop()
        if each in known:
            continue
        if ready:
            known.add(each)
            yield each
            continue
        waiting.append((each, True))
        if not writing.large or each == scalar:
            waiting += [(needed, False) for needed in reversed(_needed(writing, each)) if needed not in known]


def _needed(writing: Writing, scalar: Scalar) -> list[Scalar]:
    if writing.large:
        return []
    head, factors = chain_to_known(writing, scalar)
    if factors:
        return [head] if len(factors) == 1 or _is_said(writing, head) else []
    most = most_addends(writing, scalar, adjoint_definition(writing, scalar))
    first = islice(addends_of(writing, scalar), most)
    return [each.upstream for each in first if each.upstream is not None]


def _is_said(writing: Writing, head: Scalar) -> bool:
    """Whether where a chain begins is said by itself: others need it, or it is more than the loss's own slope."""
    addends = list(islice(addends_of(writing, head), 2))
    several = len(addends) > 1 or (bool(addends) and addends[0].upstream is not None)
    return several or head.family in _shared(Same(writing.names.program))


def chain_to_known(writing: Writing, scalar: Scalar) -> tuple[Scalar, list[Factor]]:
    """Follow the single paths towards the loss as far as a derivative that others need too: it is said by itself."""
    shared = _shared(Same(writing.names.program))
    factors: list[Factor] = []
    head = scalar
    while True:
        addends = list(islice(addends_of(writing, head), 2))
        if len(addends) != 1 or addends[0].factor is None or addends[0].upstream is None:
            return head, factors
        factors.insert(0, addends[0].factor)
        head = addends[0].upstream
        if head.family in shared:
            return head, factors


@lru_cache(maxsize=8)
def _shared(key: Same) -> frozenset[str]:
    """The families of derivatives that are used more than once: by several formulas, or for several entries of one."""
    families = key.program.families
    uses = [
        (node.name, each.target)
        for each in key.program.definitions
        if families[each.target].role == Role.ADJOINT
        for node in refs(each.formula)
        if node.name in families and families[node.name].role == Role.ADJOINT
    ]
    counts = Counter(name for name, _ in uses)
    spread = {name for name, target in uses if prod(families[target].shape) > prod(families[name].shape)}
    return frozenset(spread.union(name for name, count in counts.items() if count > 1))


def _step(writing: Writing, scalar: Scalar) -> Iterator[Block]:
    head, factors = chain_to_known(writing, scalar)
    if len(factors) > 1:
        yield from _chain(writing, scalar, head, factors)
        return
    addends = list(islice(addends_of(writing, scalar), SHOWN_ADDENDS + 1))
    if len(addends) > 1:
        yield from parts_blocks(writing, scalar, addends)
        return
    yield Equations((single_line(writing, scalar, final=True),))


def _chain(writing: Writing, scalar: Scalar, head: Scalar, factors: list[Factor]) -> Iterator[Equations]:
    """The chain from a derivative said above, each further factor on a line, and the product."""
    left = next(iter(delta_name(writing, scalar)), plain_ratio(writing, scalar))
    links = [plain_ratio(writing, head), *(quantity_ref(writing, factor.ratio) for factor in factors)]
    first = head_line(writing, head)
    if _is_said(writing, head):
        first = Equation((first.sides[0], *delta_name(writing, head), shown(writing, head)), note="above")
    yield Equations((Equation((left, Mul(tuple(links)))),))
    yield Equations((first, *(factor_line(writing, factor) for factor in factors)))
    numbers = [shown(writing, head), *(shown_number(writing, factor_value(writing, factor)) for factor in factors)]
    sides = (left, Mul(tuple(numbers)), shown(writing, scalar))
    yield Equations((Equation(sides, final=True),))
