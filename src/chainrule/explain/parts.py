"""A derivative as the sum of its parts, each named in words: by its window, its step in time, its head, its sample."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from chainrule.explain.derive import (
    Addend,
    addend_count,
    addend_upstream,
    addend_value,
    addends_of,
    adjoint_definition,
    delta_name,
    plain_ratio,
    product_of,
)
from chainrule.explain.document import Block, Equation, Equations, Paragraph
from chainrule.explain.expand import SHOWN_ADDENDS, expand
from chainrule.explain.grids import words_of
from chainrule.explain.names import Scalar
from chainrule.explain.windows import window_blocks
from chainrule.explain.writing import (
    Writing,
    equation,
    shown,
    shown_number,
    untied,
    with_names,
    with_numbers,
)
from chainrule.formula.expression import ONE, Add, Expr, Mul, transform
from chainrule.program.program import Family


def parts_blocks(writing: Writing, head: Scalar, addends: Sequence[Addend], note: str = "") -> Iterator[Block]:
    """The sum over the paths to a derivative: the window where there is one, each part, and the sum with numbers.

    ``note`` stands before it, such as "for example".
    """
    left = plain_ratio(writing, head)
    definition = adjoint_definition(writing, head)
    window = window_blocks(writing, definition, head.index)
    if len(addends) > SHOWN_ADDENDS:
        yield from window
        line = equation(writing, head, definition, final=True)
        said = f"{note}{', ' * bool(note)}{addend_count(writing, head)} addends"
        yield Equations((Equation((left, *line.sides[1:]), said, True),))
        return
    labels, each = labels_of(writing, addends)
    start = f"{note.capitalize()}, " if note else ""
    named = [part for name in delta_name(writing, head) for part in (" = ", name)]
    yield Paragraph((*[start] * bool(start), left, *named, f" is a sum with {each}:"))
    yield from window
    lines = [part_line(writing, addend, label) for addend, label in zip(addends, labels, strict=True)]
    total = Add(tuple(line.sides[-1] for line in lines))
    yield Equations((*lines, Equation((total, shown(writing, head)), final=True, label="sum")))


def _family(writing: Writing, name: str) -> Family:
    return writing.names.program.families[name]


def part_line(writing: Writing, addend: Addend, label: str) -> Equation:
    """One part: ``window 1,2   delta_c[1,2] · x[1,2] = 0 · 0.5 = 0``."""
    written = transform(untied(writing, expand(addend.slope, addend.at, addend.sizes)), _without_ones)
    named, numbers = with_names(writing, written), with_numbers(writing, written)
    upstream = addend_upstream(writing, addend)
    if upstream is not None:
        named, numbers = product_of(upstream[0], named), product_of(upstream[1], numbers)
    sides: list[Expr] = [named]
    for side in (numbers, shown_number(writing, addend_value(writing, addend))):
        if side != sides[-1]:
            sides.append(side)
    return Equation(tuple(sides), label=label)


def _without_ones(node: Expr) -> Expr:
    """A test that holds leaves a factor 1, which says nothing."""
    if not isinstance(node, Mul) or ONE not in node.args:
        return node
    left = tuple(each for each in node.args if each != ONE)
    return ONE if not left else left[0] if len(left) == 1 else Mul(left)


def single_line(writing: Writing, scalar: Scalar, *, note: str = "", final: bool = False) -> Equation:
    """A derivative that has one part, or none, in one line."""
    name = next(iter(delta_name(writing, scalar)), plain_ratio(writing, scalar))
    addends = list(islice(addends_of(writing, scalar), 1))
    sides = part_line(writing, addends[0], "").sides if addends else (shown(writing, scalar),)
    return Equation((name, *(side for side in sides if side != name)), note, final)


def labels_of(writing: Writing, addends: Sequence[Addend]) -> tuple[list[str], str]:
    """A name in words for each part, and what all of them are: ``window 1,2`` and "a part for each window"."""
    families = {each.upstream.family for each in addends if each.upstream is not None}
    through = len(families) > 1
    layers = {_layer(writing, family) for family in families}
    by_layer = len(layers) == len(families) and "" not in layers
    words: dict[str, None] = {}
    labels = []
    for addend in addends:
        if addend.upstream is None:
            labels.append("directly")
            continue
        upstreams = [each.upstream for each in addends if each.upstream is not None]
        others = [each.index for each in upstreams if each.family == addend.upstream.family]
        said = _said(writing, addend.upstream, others)
        words |= dict.fromkeys(word for word, _ in said)
        place = ", ".join(f"{word} {numbers}" for word, numbers in said)
        way = _way(writing, addend.upstream.family, by_layer) if through else ""
        labels.append(", ".join(each for each in (way, place) if each))
    return labels, "a part for each way to it" if through else f"a part for each {' and '.join(words) or 'way to it'}"


def _said(writing: Writing, upstream: Scalar, others: Sequence[tuple[int, ...]]) -> list[tuple[str, str]]:
    """The words and numbers that tell a part from the others: those of the axes along which they differ."""
    words = words_of(writing, _family(writing, upstream.family), parts=True)
    told = [
        (words[at], str(place + 1))
        for at, place in enumerate(upstream.index)
        if len({index[at] for index in others}) > 1
    ]
    return [(word, ",".join(number for _, number in run)) for word, run in groupby(told, key=lambda each: each[0])]


def _layer(writing: Writing, derivative: str) -> str:
    return _family(writing, _family(writing, derivative).of).layer


def _way(writing: Writing, derivative: str, by_layer: bool) -> str:
    """Which way a part takes: "through the mean"; by the layer, or the family, where nothing is said of it."""
    of = _family(writing, derivative).of
    said = writing.words.ways.get(of)
    return said or (f"through layer {_layer(writing, derivative)}" if by_layer else f"through {of}")
