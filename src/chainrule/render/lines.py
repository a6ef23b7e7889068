"""How an equation is laid out: in one line where it fits, else a line for each side, long sides broken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chainrule.explain.document import Document, Equation
from chainrule.formula.expression import Expr
from chainrule.render.typeset import EQUALS, Node, row, typeset, typeset_pieces, width

HANG = 2.0  # how far a broken side's further lines are set in, in digits
GAP = 4.0  # between an equation and its note, in digits
NOTE_LETTER = 0.85  # the width of a letter of a note


@dataclass(frozen=True, slots=True)
class EquationLine:
    """``left`` stands before the equals signs of its group, ``right`` begins with one or, ``hanging``, continues a sum.

    ``result`` is the value that the eye should find; it comes after ``right``.
    """

    left: Node | None
    right: tuple[Node, ...]
    hanging: bool = False
    result: Node | None = None
    note: str = ""
    label: str = ""  # words before ``left``


def beside_labels(equations: Sequence[Equation], room: float) -> float:
    """The room that is left beside the words before the equations of a group."""
    longest = max((len(each.label) for each in equations), default=0)
    return room - (NOTE_LETTER * longest + GAP / 2 if longest else 0)


def equation_lines(equation: Equation, document: Document, room: float) -> list[EquationLine]:
    """The lines of an equation in so much room, in digits; its label is on the first.

    >>> from chainrule.formula.expression import Ref, number
    >>> equation = Equation((Ref("a"), Ref("b"), number("0.5")))
    >>> [len(equation_lines(equation, Document("", ()), room)) for room in (80, 6)]
    [1, 2]
    """
    if equation.label:
        return _labelled(equation, document, room)
    first, *others = (typeset(side, document) for side in equation.sides)
    if not others:
        start, *more = _broken(equation.sides[0], first, document, room)
        return _with_note(
            [EquationLine(start, ()), *(EquationLine(None, (each,), True) for each in more)], equation, room
        )
    equals = width(EQUALS)
    if width(first) + sum(equals + width(each) for each in others) <= room:
        parts = tuple(part for each in others for part in (EQUALS, each))
        return _with_note([_line(first, parts, equation.final)], equation, room)
    lines: list[EquationLine] = []
    for place, (side, node) in enumerate(zip(equation.sides[1:], others, strict=True)):
        start, *more = _broken(side, node, document, room - width(first) - equals)
        last = place == len(others) - 1 and not more
        lines.append(_line(None if place else first, (EQUALS, start), equation.final and last))
        lines += [EquationLine(None, (each,), hanging=True) for each in more]
    return _with_note(lines, equation, room)


def _labelled(equation: Equation, document: Document, room: float) -> list[EquationLine]:
    """The words of the label in place of what stands before the equals signs; derivatives in a line."""
    sides = [typeset(side, document, inline=True) for side in equation.sides]
    if sum(map(width, sides)) + width(EQUALS) * (len(sides) - 1) <= room:
        parts = tuple(part for each in sides for part in (EQUALS, each))[1:]
        line = _line(None, parts, equation.final)
        return [replace(line, label=equation.label)]
    lines: list[EquationLine] = []
    for place, (side, node) in enumerate(zip(equation.sides, sides, strict=True)):
        start, *more = _broken(side, node, document, room - width(EQUALS))
        last = place == len(sides) - 1 and not more
        lines.append(_line(None, (EQUALS, start) if place else (start,), equation.final and last))
        lines += [EquationLine(None, (each,), hanging=True) for each in more]
    return [replace(lines[0], label=equation.label), *lines[1:]]


def _line(left: Node | None, parts: tuple[Node, ...], final: bool) -> EquationLine:
    return EquationLine(left, parts[:-1], result=parts[-1]) if final else EquationLine(left, parts)


def _broken(side: Expr, node: Node, document: Document, room: float) -> Iterator[Node]:
    """A side in as many lines as it needs, broken before its pluses or dots."""
    if width(node) <= room:
        yield node
        return
    line: list[Node] = []
    for piece in typeset_pieces(side, document, room - HANG):
        if line and sum(map(width, line)) + width(piece) > room - HANG:
            yield row(*line)
            line = []
        line.append(piece)
    yield row(*line)


def _with_note(lines: list[EquationLine], equation: Equation, room: float) -> list[EquationLine]:
    """The note beside the first line, or below all where there is no room."""
    if not equation.note:
        return lines
    start = lines[0]
    taken = sum(width(each) for each in (start.left, *start.right, start.result) if each is not None)
    if taken + GAP + NOTE_LETTER * len(equation.note) <= room:
        return [EquationLine(start.left, start.right, start.hanging, start.result, equation.note), *lines[1:]]
    return [*lines, EquationLine(None, (), hanging=True, note=equation.note)]
