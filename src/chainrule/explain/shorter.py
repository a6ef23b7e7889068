"""Shorter forms of a derivative that are taught, beside the derived one, with their condition."""

from collections.abc import Iterator

from chainrule.explain.derive import addend_value, addends_of
from chainrule.explain.document import Block, Equation, Equations, Note
from chainrule.explain.letters import lettered
from chainrule.explain.names import Scalar
from chainrule.explain.round import Round, Shorter
from chainrule.explain.writing import Writing, formula_equation, quantity_ref, shown, shown_number
from chainrule.program.program import Family, adjoint_name

TAUGHT = "Often taught in a shorter form"


def shorter_note(writing: Writing, example: Round, family: Family) -> Iterator[Note]:
    """For a net input with a taught shorter form: that form with the first neuron's numbers."""
    for shorter in example.shorter:
        if shorter.family == family.name:
            scalar = Scalar(adjoint_name(family.name), (0,) * len(family.shape))
            line = _worked(writing, shorter, scalar)
            parts: list[object] = [f"{TAUGHT}: "]
            for place, side in enumerate(line.sides):
                parts.extend([" = ", side] if place else [side])
            parts.append(f"; {shorter.condition}." if shorter.condition else ".")
            yield Note(tuple(parts))  # type: ignore[arg-type]


def shorter_blocks(writing: Writing, example: Round, family: Family, index: tuple[int, ...]) -> Iterator[Block]:
    """The taught form of the derivatives by a family: its formula, and one entry with numbers."""
    for shorter in example.shorter:
        if shorter.family != family.name:
            continue
        scalar = Scalar(adjoint_name(family.name), index)
        whole = _is_whole(writing, shorter, scalar)
        what = "" if whole else ", but for what comes by other ways"
        condition = f"; {shorter.condition}" if shorter.condition else ""
        yield Note((f"{TAUGHT}{what}{condition}:",))
        formula, worked = lettered(writing, shorter.definition), _worked(writing, shorter, scalar)
        numbers = Equation((worked.sides[0], *worked.sides[-2:]))  # the formula stands above: the numbers are enough
        if not whole:
            formula = Equation(formula.sides[1:], label="this part")
            numbers = Equation(numbers.sides[1:], label="of one number")
        yield Equations((formula, numbers))


def _worked(writing: Writing, shorter: Shorter, scalar: Scalar) -> Equation:
    form = shorter.definition
    value = shown(writing, scalar)
    if not _is_whole(writing, shorter, scalar):
        parts = [addend_value(writing, each) for each in addends_of(writing, scalar) if _comes(shorter, each.upstream)]
        value = shown_number(writing, sum(parts))
    at = dict(zip(form.indices, scalar.index, strict=True))
    return formula_equation(writing, quantity_ref(writing, scalar), form.formula, at, form.sizes, value)


def _comes(shorter: Shorter, upstream: Scalar | None) -> bool:
    return not shorter.through or (upstream is not None and upstream.family in shorter.through)


def _is_whole(writing: Writing, shorter: Shorter, scalar: Scalar) -> bool:
    """Whether the form is the whole derivative, and not a part of it beside others."""
    return not shorter.through or all(_comes(shorter, each.upstream) for each in addends_of(writing, scalar))
