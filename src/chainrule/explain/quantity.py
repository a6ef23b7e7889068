"""One quantity's derivation, back to given numbers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from math import prod

from chainrule.explain.derive import addends_of, own_line
from chainrule.explain.document import Block, Document, Equation, Equations, Heading, Paragraph, Table
from chainrule.explain.expand import position_of, scalar_formula
from chainrule.explain.families import Detail, entry_blocks
from chainrule.explain.find import Quantity, Whole
from chainrule.explain.grids import families_grids, family_grids, is_drawn, is_listed
from chainrule.explain.letters import lettered
from chainrule.explain.names import Names, Ratio, Scalar, address, family_name, name, scalars
from chainrule.explain.round import Round, update_definitions
from chainrule.explain.shorter import shorter_blocks
from chainrule.explain.steps import step_blocks, together
from chainrule.explain.walkthrough import derivative_blocks, given_equation, writing_for
from chainrule.explain.writing import DIGITS, Writing, equation, most_addends, quantity_ref, shown
from chainrule.formula.expression import refs
from chainrule.program.blocks import blocks, calculation
from chainrule.program.program import GIVEN, Definition, Role, adjoint_name, definition_of, updated_name

LISTED = 60  # quantities that a derivation is traced back through before it says how many more there are


def explain_quantity(
    example: Round, quantity: Quantity, detail: Detail | None = None, digits: int = DIGITS
) -> Document:
    """How a quantity comes about: its own line, then all that goes into it, back to the given numbers.

    A parameter is shown with its derivative and its update, an update with the derivatives that it goes by; a whole
    family as a table. ``brief`` leaves out what the quantity's own formula only refers to.
    """
    writing = writing_for(example, digits)
    if isinstance(quantity, Ratio):
        raise TypeError("the derivative of one scalar by another needs a program of its own: see derivative_of")
    if isinstance(quantity, Whole):
        title, blocks = family_name(example.names, quantity.family), _family(writing, quantity)
    else:
        title, blocks = (
            name(example.names, quantity),
            _scalar(writing, example, quantity, detail or ("brief" if writing.large else "full")),
        )
    return Document(title, tuple(blocks), writing.symbols)


def _scalar(writing: Writing, example: Round, scalar: Scalar, detail: Detail) -> Iterator[Block]:
    known: set[Scalar] = set()
    program = writing.names.program
    family = program.families[scalar.family]
    base = family.of if family.role in (Role.ADJOINT, Role.UPDATED) else family.name
    writing.asked = frozenset(Scalar(of(base), scalar.index) for of in (str, adjoint_name, updated_name))
    if family.role in GIVEN:
        yield Equations(
            (Equation((quantity_ref(writing, scalar), shown(writing, scalar)), _given_as(writing, scalar)),)
        )
        derivative = Scalar(adjoint_name(scalar.family), scalar.index)
        if derivative.family in program.families:
            yield Heading(2, "How the error depends on it")
            yield from _derivation(writing, example, derivative, known)
            known.add(derivative)
        update = Scalar(updated_name(scalar.family), scalar.index)
        if update.family in program.families:
            yield Heading(2, "Its update")
            yield from _own_lines(writing, update, known, final=True)
            known.add(update)
        start = [each for each in (derivative, update) if each.family in program.families]
    elif family.role == Role.ADJOINT:
        yield from _derivation(writing, example, scalar, known)
        start = [scalar]
    else:
        yield from _own_lines(writing, scalar, known, final=True)
        start = [scalar]
    for derivative in _derivatives_of_update(writing, start):
        if derivative not in known:
            below = Scalar(program.families[derivative.family].of, derivative.index)
            yield Heading(2, f"How the error depends on {name(writing.names, below)}")
            yield from _derivation(writing, example, derivative, known)
            known.add(derivative)
    if detail == "full" and start:
        yield from _back_to_given(writing, start, known)


def _derivatives_of_update(writing: Writing, start: Sequence[Scalar]) -> list[Scalar]:
    """The derivatives that an optimizer's formulas go by: an update's own, clipped by their norm all of them."""
    of_update = {each.target: each for each in update_definitions(writing.names)}
    found: dict[Scalar, None] = {}
    waiting, seen = [each for each in start if each.family in of_update], set(start)
    while waiting and len(found) < LISTED:
        scalar = waiting.pop()
        for below in _used(writing, of_update[scalar.family], scalar):
            if _is_derivative(writing, below):
                found[below] = None
            elif below.family in of_update and below not in seen:
                seen.add(below)
                waiting.append(below)
    return list(found)


def _derivation(writing: Writing, example: Round, scalar: Scalar, known: set[Scalar]) -> Iterator[Block]:
    """How a derivative comes about, and where it is an array's the form that is taught for it."""
    if not writing.arrays:
        yield from derivative_blocks(writing, scalar, known)
        return
    yield from step_blocks(writing, scalar, known)
    below = writing.names.program.families[writing.names.program.families[scalar.family].of]
    yield from shorter_blocks(writing, example, below, scalar.index)


def _given_as(writing: Writing, scalar: Scalar) -> str:
    family = writing.names.program.families[scalar.family]
    what = {"state": "carried from round to round", "setting": "a setting"}.get(family.role.value, family.role.value)
    place = address(writing.names, scalar)
    return f"given: {what}" + (f" {place}" if place != name(writing.names, scalar) else "")


def _own_lines(writing: Writing, scalar: Scalar, known: set[Scalar], *, final: bool = False) -> Iterator[Block]:
    known.add(scalar)
    yield from entry_blocks(writing, _definition(writing, scalar), scalar, final=final)


def _back_to_given(writing: Writing, start: list[Scalar], known: set[Scalar]) -> Iterator[Block]:
    """Everything that the start quantities were calculated from, in the order of calculation."""
    needed = _needed(writing, start)
    order = {each.target for each in writing.names.program.definitions}
    calculated = in_order_of_calculation(writing.names, (scalar for scalar in needed if scalar.family in order))
    shown_here = [scalar for scalar in calculated if scalar not in known and scalar not in start]
    if writing.arrays:  # the derivation has said every derivative that it needs
        shown_here = [scalar for scalar in shown_here if not _is_derivative(writing, scalar)]
    if shown_here:
        yield Heading(2, "What goes into it")
        yield from _lines(writing, shown_here[:LISTED])
        if len(shown_here) > LISTED:
            yield Paragraph((f"... and {len(shown_here) - LISTED} more quantities; ask for any of them by name.",))
    given = [scalar for scalar in sorted(needed) if scalar.family not in order and scalar not in start]
    if given:
        yield Heading(2, "Given")
        yield from _given(writing, given)


def _given(writing: Writing, given: Sequence[Scalar]) -> Iterator[Block]:
    """The given numbers that are needed: those of an array as the whole array, if it isn't too large."""
    order = list(writing.names.program.families)
    families = [writing.names.program.families[name] for name in sorted({s.family for s in given}, key=order.index)]
    left = LISTED
    for drawn, run in groupby(families, key=lambda each: not is_listed(writing, each) and prod(each.shape) <= LISTED):
        if drawn:
            yield from families_grids(writing, list(run))
            continue
        wanted = sorted(s for family in run for s in given if s.family == family.name)
        wanted.sort(key=lambda each: order.index(each.family))
        if left > 0:
            yield Equations(tuple(given_equation(writing, scalar) for scalar in wanted[:left]))
        left -= len(wanted)
    if left < 0:
        yield Paragraph((f"... and {-left} more given numbers.",))


def _lines(writing: Writing, calculated: Sequence[Scalar]) -> Iterator[Block]:
    if not writing.arrays:
        yield Equations(tuple(_line(writing, scalar) for scalar in calculated))
        return
    each = (entry_blocks(writing, _definition(writing, scalar), scalar) for scalar in calculated)
    yield from together(block for blocks in each for block in blocks)


def in_order_of_calculation(names: Names, chosen: Iterable[Scalar]) -> list[Scalar]:
    """Scalars that formulas define, in the order of calculation."""
    order: dict[str, tuple[int, int, int, bool]] = {}
    for at, block in enumerate(blocks(names.program.definitions)):
        for place, each in enumerate(block.lines):
            axis = each.indices.index(block.letter) if block.letter else -1
            order[each.target] = (at, axis, place, block.backwards)

    def key(scalar: Scalar) -> tuple[int, int, int, tuple[int, ...]]:
        at, axis, place, backwards = order[scalar.family]
        step = scalar.index[axis] if axis >= 0 else 0
        return at, -step if backwards else step, place, scalar.index

    return sorted(chosen, key=key)


def _line(writing: Writing, scalar: Scalar) -> Equation:
    if _is_derivative(writing, scalar):
        return own_line(writing, scalar)
    return equation(writing, scalar, _definition(writing, scalar))


def _definition(writing: Writing, scalar: Scalar) -> Definition:
    definition = definition_of(writing.names.program, scalar.family)
    assert definition is not None
    return definition


def _is_derivative(writing: Writing, scalar: Scalar) -> bool:
    return writing.names.program.families[scalar.family].role == Role.ADJOINT


def _needed(writing: Writing, start: list[Scalar]) -> set[Scalar]:
    """All scalars that the start quantities depend on; of a long sum only the addends that are shown."""
    found: set[Scalar] = set()
    waiting = list(start)
    while waiting and len(found) < 20 * LISTED:
        scalar = waiting.pop()
        definition = definition_of(writing.names.program, scalar.family)
        if definition is None:
            continue
        if writing.names.program.families[scalar.family].role == Role.ADJOINT and _is_zero(writing, scalar):
            found.discard(scalar)
            continue
        for below in _used(writing, definition, scalar):
            if below not in found:
                found.add(below)
                waiting.append(below)
    return found


def _used(writing: Writing, definition: Definition, scalar: Scalar) -> Iterator[Scalar]:
    """What a scalar's formula uses, as far as it is shown."""
    most = most_addends(writing, scalar, definition)
    for node in refs(scalar_formula(definition, scalar.index, most)):
        if node.name in writing.names.program.families:
            yield Scalar(node.name, position_of(node))


def _is_zero(writing: Writing, scalar: Scalar) -> bool:
    """Whether nothing that is differentiated depends on it: it is another entry, or no path leads back to it."""
    loss = writing.names.loss
    if scalar.family == adjoint_name(loss.family):
        return bool(loss.index)
    return bool(loss.index) and next(addends_of(writing, scalar), None) is None


def _family(writing: Writing, whole: Whole) -> Iterator[Block]:
    """A whole family: its formula and a table of its numbers."""
    family = writing.names.program.families[whole.family]
    definition = definition_of(writing.names.program, whole.family)
    if definition is not None:
        yield Equations((lettered(writing, definition),))
    if is_drawn(writing, family):
        yield from family_grids(writing, family)
        return
    count = prod(family.shape)
    rows = [
        (quantity_ref(writing, scalar), address(writing.names, scalar), shown(writing, scalar))
        for scalar in islice(scalars(family), LISTED)
    ]
    yield Table(("name", "address", "value"), tuple(rows), (False, False, True))
    if count > LISTED:
        yield Paragraph((f"... and {count - LISTED} more; ask for one by its address.",))


def quantities(names: Names) -> Iterator[Scalar]:
    """Every scalar of a program, given ones first, then in the order of calculation."""
    defined = {each.target for each in names.program.definitions}
    for family in names.program.families.values():
        if family.name not in defined:
            yield from scalars(family)
    for definition, index in calculation(names.program.definitions):
        yield Scalar(definition.target, index)
