"""Shorter forms of a derivative that are taught, beside the derived one, with their condition."""

from collections.abc import Iterator

from chainrule.explain.document import Note
from chainrule.explain.names import Scalar
from chainrule.explain.round import Round
from chainrule.explain.writing import Writing, formula_equation, quantity_ref, shown
from chainrule.program.program import Family, adjoint_name


def shorter_note(writing: Writing, example: Round, family: Family) -> Iterator[Note]:
    """For a net input with a taught shorter form: that form with the first neuron's numbers."""
    for shorter in example.shorter:
        if shorter.family != family.name:
            continue
        scalar = Scalar(adjoint_name(family.name), (0,) * len(family.shape))
        at = dict.fromkeys(family.axes, 0)
        sizes = dict(zip(family.axes, family.shape, strict=True))
        line = formula_equation(
            writing, quantity_ref(writing, scalar), shorter.formula, at, sizes, shown(writing, scalar)
        )
        parts: list[object] = ["Often taught in a shorter form: "]
        for place, side in enumerate(line.sides):
            parts.extend([" = ", side] if place else [side])
        parts.append(f"; {shorter.condition}." if shorter.condition else ".")
        yield Note(tuple(parts))  # type: ignore[arg-type]
