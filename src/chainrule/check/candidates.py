"""Candidates for a mistake: other formulas for some families, the lines of the sheet that they change, and the numbers
that these lead to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.check.bends import Bend
from chainrule.check.mistakes import MISTAKES, Mistake
from chainrule.check.sheet import Sheet, dependents, identifier, lines_of, with_lines
from chainrule.explain.names import Names, Scalar
from chainrule.formula.expression import Expr, replace_refs
from chainrule.numbers.arithmetic import MIXED, Arithmetic
from chainrule.numbers.evaluate import evaluate_names
from chainrule.program.blocks import positions
from chainrule.program.program import Definition, Program, adjoint_name


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way in which a row's mistake can be made in all rounds of a sheet.

    ``place`` is its number among the row's ways, ``bends`` what it does in each round, by the rounds done before.
    """

    row: Mistake
    place: int
    bends: Mapping[int, Bend]

    @property
    def bend(self) -> Bend:
        """What it does in the first round."""
        return next(iter(self.bends.values()))


def candidates(sheet: Sheet, rows: Iterable[Mistake] = MISTAKES) -> Iterator[Candidate]:
    """All ways in which the rows' mistakes can be made on a sheet."""
    programs = {id(names.program): names.program for names in sheet.names.values()}
    for row in rows:
        bends = {own: list(row.bend(program)) for own, program in programs.items()}
        by_round = {done: bends[id(names.program)] for done, names in sheet.names.items()}
        for place in range(len(next(iter(by_round.values()), []))):
            own = {done: found[place] for done, found in by_round.items() if place < len(found)}
            yield Candidate(row, place, own)


def changed_lines(sheet: Sheet, candidate: Candidate) -> dict[str, Expr]:
    """The lines of a sheet that become other ones."""
    changes: dict[str, Expr] = {}
    for done, bend in candidate.bends.items():
        bent = replace(sheet.names[done], program=bent_program(sheet.names[done].program, bend))
        for definition in bend.changes:
            for index in positions(definition):
                changes.update(_bent_lines(sheet, done, bent, bend, definition, index))
    return {text: formula for text, formula in changes.items() if sheet.lines.get(text) != formula}


def bent_line(sheet: Sheet, candidate: Candidate, text: str) -> Expr | None:
    """The formula of one line that becomes another one; None where it stays."""
    done, quantity = sheet.keys[text]
    bend = candidate.bends.get(done)
    scalar = quantity if isinstance(quantity, Scalar) else Scalar(adjoint_name(quantity.by.family), quantity.by.index)
    definition = next((each for each in bend.changes if each.target == scalar.family), None) if bend else None
    if bend is None or definition is None:
        return None
    bent = replace(sheet.names[done], program=bent_program(sheet.names[done].program, bend))
    lines = dict(_bent_lines(sheet, done, bent, bend, definition, scalar.index))
    if text not in lines or lines[text] == sheet.lines.get(text):
        return None
    # Slopes that are there with the mistake only have no line to refer to.
    return replace_refs(lines[text], {name: own for name, own in lines.items() if name not in sheet.keys})


def _bent_lines(
    sheet: Sheet, done: int, bent: Names, bend: Bend, definition: Definition, index: tuple[int, ...]
) -> Iterator[tuple[str, Expr]]:
    for key, formula in lines_of(done, bent, definition, index, split=bend.split and sheet.split):
        yield identifier(key), formula


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
