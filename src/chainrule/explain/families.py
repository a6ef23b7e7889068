"""The worked example of a network with other layers than dense ones: layer by layer, family by family.

Briefly, a family is its formula in letters, one entry worked out with numbers, and all its numbers as an array. In
full, every entry is worked out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from math import prod
from typing import Literal

from chainrule.explain.derive import addends_of
from chainrule.explain.document import Block, Equation, Equations, Heading, Paragraph
from chainrule.explain.expand import SHOWN_ADDENDS, scalar_formula
from chainrule.explain.grids import families_grids, family_grids, words_of
from chainrule.explain.letters import lettered
from chainrule.explain.names import Scalar, scalars
from chainrule.explain.parts import parts_blocks, single_line
from chainrule.explain.round import Round, backward_definitions, update_definitions
from chainrule.explain.shorter import shorter_blocks
from chainrule.explain.steps import step_blocks, together
from chainrule.explain.windows import window_blocks, window_of
from chainrule.explain.writing import Writing, equation, value_of
from chainrule.formula.expression import Expr, Ref, Sum, refs, rename_letters, transform
from chainrule.formula.unparse import to_text
from chainrule.program.blocks import Block as Recurrence
from chainrule.program.blocks import positions, steps
from chainrule.program.program import Definition, Family, Role

Detail = Literal["brief", "full"]
WRITTEN_OUT = 40  # scalars: of a larger family one is written out, and its numbers are an array
LOOKED_AT = 60  # scalars among which the most telling one is looked for,
MOST_ADDENDS = 600  # ... which have no more addends than this together


@dataclass(slots=True)
class Said:
    """What a part of the document has said so far: the layer it is at, and the shapes of formulas worked out."""

    layer: str = ""
    shapes: set[str] = field(default_factory=set)


def is_new(said: Said, definition: Definition) -> bool:
    """Whether no formula of this shape has been worked out with numbers; from now on one has."""
    shape = _shape(definition)
    new = shape not in said.shapes
    said.shapes.add(shape)
    return new


def _shape(definition: Definition) -> str:
    """A formula without the names in it: queries, keys and values are made alike."""
    families: dict[str, str] = {}
    letters = dict.fromkeys(definition.indices)
    for node in refs(definition.formula):
        if node.name not in definition.sizes:
            families.setdefault(node.name, f"f{len(families)}")
        letters |= dict.fromkeys(name for index in node.indices for name, _ in index.terms)

    def anonymous(node: Expr) -> Expr:
        if isinstance(node, Ref) and node.name in families:
            return Ref(families[node.name], node.indices)
        return node

    numbers = {letter: f"i{place}" for place, letter in enumerate(letters)}
    return to_text(rename_letters(transform(definition.formula, anonymous), numbers))


def layer_heading(example: Round, family: Family, said: Said) -> Iterator[Block]:
    """The heading of a layer before the first of its families, with what its letters count."""
    if not family.layer or family.layer == said.layer:
        return
    said.layer = family.layer
    kind = next((line.kind for line in example.layers if line.name == family.layer), "")
    yield Heading(3, f"Layer {family.layer}: {kind}" if kind else f"Layer {family.layer}")


def legend(writing: Writing, layer: str) -> Iterator[Block]:
    """``p row, q column, u row, v column``: what the letters of a layer count, in the order of its formulas."""
    words: dict[str, str] = {}
    families = writing.names.program.families
    for definition in writing.names.program.definitions:
        if families[definition.target].layer == layer and families[definition.target].role == Role.VALUE:
            for name in (definition.target, *(node.name for node in refs(definition.formula) if node.indices)):
                family = families[name]
                if family.layer == layer:
                    axes = zip(family.axes, words_of(writing, family), family.shape, strict=True)
                    words |= {a: w for a, w, size in axes if w != a and a not in words and (a != "n" or size > 1)}
    if words:
        yield Paragraph((f"Letters: {', '.join(f'{letter} {word}' for letter, word in words.items())}.",))


def family_blocks(writing: Writing, definitions: Sequence[Definition], detail: Detail, said: Said) -> Iterator[Block]:
    """Calculated families that aren't derivatives, made alike: in full each entry, else one of them and the arrays."""
    families = writing.names.program.families
    for definition in definitions:
        count = prod(families[definition.target].shape)
        if count == 1 or (detail == "full" and count <= WRITTEN_OUT):
            final = families[definition.target].role in (Role.LOSS, Role.UPDATED)
            entries = (entry_blocks(writing, definition, each, final=final) for each in
                       scalars(families[definition.target]))  # fmt: skip
            yield from together(block for blocks in entries for block in blocks)
    arrays = [each for each in definitions if prod(families[each.target].shape) > 1]
    if not arrays or (detail == "full" and all(prod(families[each.target].shape) <= WRITTEN_OUT for each in arrays)):
        return
    yield Equations(tuple(lettered(writing, each) for each in arrays))
    own = [each for each in arrays if not _is_copy(each)]
    for each in own:
        if is_new(said, each):
            yield from entry_blocks(writing, each, telling_entry(writing, each), note="for example")
    yield from families_grids(writing, [families[each.target] for each in own])


def recurrence_blocks(writing: Writing, recurrence: Recurrence[Definition]) -> Iterator[Block]:
    """A recurrence step by step: all that belongs to a step, in the order of calculation."""
    first = recurrence.lines[0]
    family = writing.names.program.families[first.target]
    word = words_of(writing, family)[first.indices.index(recurrence.letter)]
    for step in steps(recurrence):
        said = f"{word} =" if word == recurrence.letter else f"{word[0].upper()}{word[1:]}"
        yield Heading(4, f"{said} {step + 1}")
        entries = (
            entry_blocks(writing, line, Scalar(line.target, index))
            for line in recurrence.lines
            for index in positions(line, {recurrence.letter: step})
        )
        yield from together(block for blocks in entries for block in blocks)


def alike(definitions: Sequence[Definition]) -> Iterator[list[Definition]]:
    """Formulas that follow each other and differ in their names only."""
    for _, run in groupby(definitions, key=_shape):
        yield list(run)


def entry_blocks(
    writing: Writing, definition: Definition, scalar: Scalar, *, final: bool = False, note: str = ""
) -> Iterator[Block]:
    """One entry with its numbers; where it is a window, that window beside the kernel, and then the numbers alone."""
    drawn = list(window_blocks(writing, definition, scalar.index)) if window_of(definition) else []
    whole = equation(writing, scalar, definition, final=final, note=note)
    if not drawn:
        yield Equations((whole,))
        return
    if note:
        yield Paragraph((f"{note.capitalize()}, ", whole.sides[0], ":"))
    yield from drawn
    sides = (whole.sides[0], *whole.sides[-2:]) if len(whole.sides) > 2 else whole.sides
    yield Equations((Equation(sides, "", final),))


def _is_copy(definition: Definition) -> bool:
    """Whether a family has the numbers of another in the same places: it needs no numbers of its own."""
    formula, alone = definition.formula, {name for name, size in definition.sizes.items() if size == 1}
    while isinstance(formula, Sum) and set(formula.indices) <= alone:
        formula = formula.body
    if not isinstance(formula, Ref) or any(len(each.terms) != 1 or each.constant for each in formula.indices):
        return False
    letters = [each.terms[0][0] for each in formula.indices]
    return [each for each in letters if each not in alone] == [each for each in definition.indices if each not in alone]


def telling_entry(writing: Writing, definition: Definition) -> Scalar:
    """The entry that shows most: the longest formula, and rather one that isn't 0; the first of those."""
    family = writing.names.program.families[definition.target]

    def tells(scalar: Scalar) -> tuple[int, bool]:
        written = scalar_formula(definition, scalar.index)
        return sum(1 for _ in refs(written)), value_of(writing, scalar) != 0

    addends = prod(size for name, size in definition.sizes.items() if name not in definition.indices)
    return max(islice(scalars(family), min(LOOKED_AT, max(1, MOST_ADDENDS // addends))), key=tells)


def backward(writing: Writing, example: Round, detail: Detail) -> Iterator[Block]:
    """The backward pass: briefly each family of derivatives, in full each derivative by a parameter step by step."""
    yield Heading(2, "The backward pass")
    said = Said()
    known: set[Scalar] = set()
    for definition in backward_definitions(example.names):
        family = example.names.program.families[definition.target]
        below = example.names.program.families[family.of]
        blocks = list(
            _derivatives(writing, definition, said)
            if detail == "brief"
            else _all_derivatives(writing, definition, below, known)
        )
        if blocks or detail == "full":
            blocks += shorter_blocks(writing, example, below, telling_entry(writing, definition).index)
        if blocks:
            yield from layer_heading(example, below, said)
            yield from blocks


def _derivatives(writing: Writing, definition: Definition, said: Said) -> Iterator[Block]:
    """A family of derivatives: its formula, one entry, all numbers."""
    families = writing.names.program.families
    family = families[definition.target]
    if family.of in writing.words.omitted or not any(node.name in families for node in refs(definition.formula)):
        return
    if prod(family.shape) == 1:
        scalar = next(scalars(family))
        if len(list(islice(addends_of(writing, scalar), 2))) > 1:
            yield Equations((lettered(writing, definition),))
        yield from _entry(writing, scalar)
        return
    yield Equations((lettered(writing, definition),))
    if _is_copy(definition):
        return
    if is_new(said, definition):
        yield from _entry(writing, telling_entry(writing, definition), "for example")
    yield from family_grids(writing, family)


def _entry(writing: Writing, scalar: Scalar, note: str = "") -> Iterator[Block]:
    """One derivative by what it is made of directly: its parts, or its own line."""
    addends = list(islice(addends_of(writing, scalar), SHOWN_ADDENDS + 1))
    if len(addends) > 1:
        yield from parts_blocks(writing, scalar, addends, note)
    else:
        yield Equations((single_line(writing, scalar, note=note, final=not note),))


def _all_derivatives(writing: Writing, definition: Definition, below: Family, known: set[Scalar]) -> Iterator[Block]:
    """Each derivative by the numbers of a parameter, after those that it needs."""
    if below.role != Role.PARAMETER:
        return
    family = writing.names.program.families[definition.target]
    called = writing.words.called.get(below.name, "")
    yield Heading(4, f"{below.name}: {called}" if called else below.name)
    if prod(family.shape) > WRITTEN_OUT:
        yield Equations((lettered(writing, definition),))
        yield from step_blocks(writing, telling_entry(writing, definition), known)
        yield from family_grids(writing, family)
        return
    yield from together(block for each in scalars(family) for block in step_blocks(writing, each, known))


def updates(writing: Writing, example: Round, detail: Detail) -> Iterator[Block]:
    """The new parameters and states."""
    said = Said()
    for run in alike(update_definitions(example.names)):
        yield from family_blocks(writing, run, detail, said)
