"""Candidates for a mistake: other formulas for some lines of the sheet, and the numbers that they lead to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.check.bends import Bend
from chainrule.check.mistakes import MISTAKES, Mistake
from chainrule.check.sheet import Sheet, dependents, identifier, lines_of, with_lines
from chainrule.explain.names import Names
from chainrule.formula.expression import Expr
from chainrule.numbers.arithmetic import MIXED, Arithmetic
from chainrule.numbers.evaluate import evaluate_names
from chainrule.program.blocks import positions
from chainrule.program.program import Program


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way in which a row's mistake can be made in all rounds of a sheet.

    ``place`` is its number among the row's ways, ``changes`` the lines that become other ones.
    """

    row: Mistake
    place: int
    bend: Bend
    changes: Mapping[str, Expr]


def candidates(sheet: Sheet, rows: Iterable[Mistake] = MISTAKES) -> Iterator[Candidate]:
    """All ways in which the rows' mistakes can be made on a sheet."""
    programs = {done: names.program for done, names in sheet.names.items()}
    for row in rows:
        by_round = {done: list(row.bend(program)) for done, program in programs.items()}
        first = next(iter(by_round.values()), [])
        for place, bend in enumerate(first):
            changes: dict[str, Expr] = {}
            for done, bends in by_round.items():
                if place < len(bends):
                    changes.update(bent_lines(done, sheet.names[done], bends[place]))
            changes = {text: formula for text, formula in changes.items() if sheet.lines.get(text) != formula}
            if changes:
                yield Candidate(row, place, bend, changes)


def bent_lines(done: int, names: Names, bend: Bend) -> dict[str, Expr]:
    """The lines of a round with a bend's formulas."""
    bent = replace(names, program=bent_program(names.program, bend))
    return {
        identifier(key): formula
        for definition in bend.changes
        for index in positions(definition)
        for key, formula in lines_of(done, bent, definition, index, split=bend.split)
    }


def bent_program(program: Program, bend: Bend) -> Program:
    """The program with a bend's formulas."""
    changed = {each.target: each for each in bend.changes}
    return replace(program, definitions=tuple(changed.get(each.target, each) for each in program.definitions))


def recalculated(
    sheet: Sheet,
    changes: Mapping[str, Expr],
    values: Mapping[str, Any],
    replaced: Mapping[str, Any],
    kind: Arithmetic = MIXED,
) -> dict[str, Any] | None:
    """What the lines give once some have other formulas: the changed ones and all that use them.

    ``values`` are those of the unchanged sheet; ``replaced`` stand in place of what a line gives, for those that use
    it. None where the formulas would need each other in a circle.
    """
    bent = with_lines(sheet, changes)
    if bent is None:
        return None
    found: dict[str, Any] = {}
    used = {**values, **replaced}
    wanted = {*changes, *dependents(bent, changes, replaced)}
    for text in sorted(wanted, key=lambda text: bent.order[text]):
        found[text] = evaluate_names(bent.lines[text], used, kind)
        used[text] = replaced.get(text, found[text])
    return found
