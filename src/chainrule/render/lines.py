"""How an equation is laid out in lines on a page of some width, for the formats that typeset."""

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.explain.document import Document, Equation
from chainrule.render.typeset import EQUALS, Node, Row, row, typeset, typeset_pieces, width

HANG = 2.0  # how far a broken side's further lines are set in, in digits


@dataclass(frozen=True, slots=True)
class EquationLine:
    """One line: ``left`` stands before the equals signs, and only in an equation's first line.

    ``equals`` says whether the right side begins with an equals sign; a line that goes on with a broken side doesn't.
    """

    left: Node | None
    right: Node | None
    equals: bool = True
    note: str = ""
    final: bool = False


def equation_lines(equation: Equation, document: Document, room: float) -> Iterator[EquationLine]:
    """An equation in one line where it is short, else a line for each side, long sides broken at their signs."""
    first, *others = [typeset(side, document) for side in equation.sides]
    total = width(first) + sum(width(side) + 3 for side in others)
    if not others:
        yield EquationLine(first, None, False, equation.note, equation.final)
        return
    if total <= room:
        joined = [part for side in others for part in (EQUALS, side)][1:]
        yield EquationLine(first, row(*joined), True, equation.note, equation.final)
        return
    for place, side in enumerate(equation.sides[1:]):
        for part, broken in enumerate(_broken(typeset_pieces(side, document), room - width(first))):
            start = place == 0 and part == 0
            yield EquationLine(
                first if start else None, broken, part == 0, equation.note if start else "", equation.final
            )


def _broken(pieces: list[Node], room: float) -> Iterator[Node]:
    """As many pieces in each line as there is room for."""
    line: list[Node] = []
    for piece in pieces:
        if line and sum(map(width, line)) + width(piece) > room - HANG:
            yield row(*line)
            line = []
        line.append(piece)
    yield line[0] if len(line) == 1 else Row(tuple(line))
