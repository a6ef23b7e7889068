"""Small changes made wherever a family is calculated, as a program makes them; bends carried on into the derivatives.

The rows of ``mistakes`` have names and reasons. What is in here has neither: each reference, factor, term, sign or
index of one formula, changed for all entries at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations

from chainrule.check.anatomy import with_formula
from chainrule.check.bends import Bend
from chainrule.check.candidates import Candidate
from chainrule.check.edits import Edit, edited, every_edit
from chainrule.check.mistake import Mistake
from chainrule.check.slips import LIKELY
from chainrule.explain.names import Names, family_name
from chainrule.formula.expression import ZERO, Expr, If, Index, Ref, add_indices, children, number, refs
from chainrule.formula.expression import Test as Comparison
from chainrule.formula.unparse import to_text
from chainrule.program.adjoint import differentiate
from chainrule.program.blocks import recurrent
from chainrule.program.program import GIVEN, Definition, Family, Program, Role, definition_of, forward_part, with_role
from chainrule.program.sizes import ProgramError, index_range

LESS_LIKELY = 0.6  # than the same change on one line, so that a single number is told by its own line


def changed_everywhere(names: Names, done: int, family: str) -> Iterator[Candidate]:
    """Every small change of a family's formula, for all its entries."""
    program = names.program
    definition = definition_of(program, family)
    if definition is None:
        return
    seen = {definition.formula}
    for place, edit in enumerate(every_edit(definition.formula, _kin_in(program, definition))):
        formula = edited(definition.formula, edit)
        if formula not in seen and _stays_inside(formula, program, definition.sizes):
            seen.add(formula)
            row = _row(f"everywhere-{edit.change.name.lower()}-{place}@{family}", _said(names, family, edit), edit)
            yield Candidate(row, place, {done: Bend((with_formula(definition, formula),))})


def _stays_inside(formula: Expr, program: Program, sizes: Mapping[str, int]) -> bool:
    """Whether every reference without a test around it stays within its family for all values of its letters."""
    match formula:
        case If(test, _, otherwise) if not any(node.indices for node in (*refs(test.left), *refs(test.right))):
            return _stays_inside(otherwise, program, sizes)
        case Ref(name, indices) if name in program.families:
            ends = [index_range(index, sizes) for index in indices]
            return all(low >= 0 and high < size for (low, high), size in
                       zip(ends, program.families[name].shape, strict=True))  # fmt: skip
        case _:
            return all(_stays_inside(each, program, sizes) for each in children(formula))


def _row(name: str, text: str, edit: Edit) -> Mistake:
    return Mistake(name, text, "", lambda _: iter(()), ("", ""), LESS_LIKELY * LIKELY[edit.change], general=True)


def _said(names: Names, family: str, edit: Edit) -> str:
    said = edit.change.value.format(was=_written(names, edit.was), now=_written(names, edit.now))
    return f"in all of {family_name(names, family)}: {said}"


def _written(names: Names, formula: Expr) -> str:
    """A part of a formula in the names that people use, with its letters."""
    text = to_text(formula)
    for node in refs(formula):
        if node.name in names.program.families:
            text = text.replace(f"{node.name}[", f"{family_name(names, node.name)}[")
    return text


def _kin_in(program: Program, definition: Definition) -> Callable[[Ref], Iterable[Expr]]:
    """What a reference in a definition can be taken for: one of another family, or of the same at another place."""
    steps = recurrent(program.definitions)
    constant = {each.target for each in program.definitions if not any(refs(each.formula))}
    target = program.families[definition.target]
    order = {each.target: place for place, each in enumerate(program.definitions)}

    def kin(node: Ref) -> Iterator[Expr]:
        family = program.families.get(node.name)
        if family is None:
            return
        for other in program.families.values():
            if other.name not in constant and other.name != node.name and _alike(family, other, target, order):
                yield replace(node, name=other.name, why=None)
        yield from _turned(node, family)
        yield from _shifted(node, family, definition, steps)

    return kin


def _alike(family: Family, other: Family, target: Family, order: Mapping[str, int]) -> bool:
    """Whether one family can be taken for the other: of the same shape, and calculated by then."""
    forward = target.role in (Role.VALUE, Role.LOSS)
    if other.shape != family.shape or Role.SETTING in (family.role, other.role):
        return False
    if forward and other.role in (Role.ADJOINT, Role.UPDATED):
        return False
    both_given = family.role in GIVEN and other.role in GIVEN
    return other.name in order or both_given or other.role in (Role.INPUT, Role.PARAMETER)


def _turned(node: Ref, family: Family) -> Iterator[Ref]:
    """The same family with indices of axes of the same size exchanged."""
    for places in permutations(range(len(node.indices))):
        moved = [at for at, place in enumerate(places) if at != place]
        if len(moved) == 2 and family.shape[moved[0]] == family.shape[moved[1]]:
            turned = tuple(node.indices[place] for place in places)
            if turned != node.indices:
                yield replace(node, indices=turned, why=None)


def _shifted(node: Ref, family: Family, definition: Definition, steps: frozenset[str]) -> Iterator[Expr]:
    """The same family a step before or after; what would lie outside is 0."""
    if node.name not in steps and family.of not in steps and family.role != Role.INPUT:
        return
    for place, index in enumerate(node.indices):
        if len(index.terms) != 1 or index.terms[0][0] == "n" or index.terms[0][1] != 1:
            continue
        for away in (-1, 1):
            moved = add_indices(index, Index((), away))
            there = replace(node, indices=(*node.indices[:place], moved, *node.indices[place + 1 :]), why=None)
            letter = Ref(index.terms[0][0])
            edge = number(-moved.constant) if moved.constant < 0 else number(family.shape[place] - moved.constant)
            relation = ">=" if moved.constant < 0 else "<"
            yield there if not moved.constant else If(Comparison(letter, relation, edge), there, ZERO)


def carried_on(candidate: Candidate, names: Mapping[int, Names]) -> Candidate | None:
    """A mistake on the way forward, whose derivatives are those of the formulas with the mistake.

    So it is where a program is made by the wrong formulas throughout. None for a mistake on the way back.
    """
    bends = {}
    for done, bend in candidate.bends.items():
        program = names[done].program
        if any(program.families[each.target].role not in (Role.VALUE, Role.LOSS) for each in bend.changes):
            return None
        try:
            own = derivatives_of(program, bend, names[done].loss.family)
        except (ProgramError, RecursionError):
            return None
        bends[done] = replace(bend, changes=(*bend.changes, *own), split=False)
    return replace(candidate, bends=bends)


def derivatives_of(program: Program, bend: Bend, loss: str) -> tuple[Definition, ...]:
    """The derivatives that become other ones where forward formulas are bent."""
    changed = {each.target: each for each in bend.changes}
    forward = forward_part(program)
    wanted = [each.of for each in with_role(program, Role.ADJOINT) if each.of in forward.families]
    bent = replace(forward, definitions=tuple(changed.get(each.target, each) for each in forward.definitions))
    found = {each.target: each for each in differentiate(bent, loss, wanted).definitions}
    return tuple(
        found[each.target]
        for each in program.definitions
        if program.families[each.target].role == Role.ADJOINT and each.target in found and found[each.target] != each
    )
