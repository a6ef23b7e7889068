"""The whole worked example of a round, in the order in which a person calculates it."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from math import prod

from chainrule.explain.derive import chain_blocks, chain_of, plain_blocks
from chainrule.explain.document import Block, Document, Equation, Equations, Heading, Note, Paragraph, Table
from chainrule.explain.expand import scalar_formula
from chainrule.explain.families import (
    WRITTEN_OUT,
    Detail,
    Said,
    alike,
    backward,
    family_blocks,
    layer_heading,
    legend,
    recurrence_blocks,
    updates,
)
from chainrule.explain.grids import families_grids, is_listed
from chainrule.explain.letters import lettered
from chainrule.explain.names import Scalar, is_net_input, scalars
from chainrule.explain.picture import diagram, drawn
from chainrule.explain.round import Round, backward_definitions, forward_definitions, update_definitions
from chainrule.explain.shorter import shorter_note
from chainrule.explain.windows import window_of
from chainrule.explain.writing import (
    DIGITS,
    Writing,
    equation,
    family_ref,
    quantity_ref,
    shown,
    shown_number,
)
from chainrule.formula.expression import Expr, Index, Ref, refs
from chainrule.program.blocks import Block as Recurrence
from chainrule.program.blocks import blocks
from chainrule.program.program import Definition, Family, Role, definition_of, with_role

EXAMPLES = 2
LARGE = 2000  # scalars: of a larger network a derivation names what it needs and stops there
FULL_AT_MOST = 60  # parameters of a dense network: beyond that the brief form is the default
FULL_DERIVATIVES = 40  # derivatives of another network: as many as a person would follow one by one


def writing_for(example: Round, digits: int = DIGITS) -> Writing:
    """What writes about a round, with so many significant digits."""
    families = example.names.program.families
    large = sum(prod(family.shape) for family in families.values()) > LARGE
    writing = Writing(example.names, example.ledger, digits, example.typed, example.arithmetic, large)
    writing.words = example.words
    writing.arrays = bool(example.layers) or _has_arrays(example)
    return writing


def _has_arrays(example: Round) -> bool:
    """Whether a program of one's own formulas calculates with arrays, windows or recurrences, which are drawn."""
    families = example.names.program.families
    forward = forward_definitions(example.names)
    several = any(len([axis for axis in families[each.target].axes if axis != "n"]) > 1 for each in forward)
    return several or any(map(window_of, forward)) or any(block.letter for block in blocks(forward))


def walkthrough(example: Round, detail: Detail | None = None, digits: int = DIGITS) -> Document:
    """The worked example: network, forward pass, error, backward pass, update, and the error afterwards.

    ``full`` writes out every derivative with its factors; ``brief`` the first of each family so, and the others in
    one line, or where there are other layers than dense ones the others as an array. The default is full for a
    network that a person would do by hand.
    """
    writing = writing_for(example, digits)
    counted, most = (Role.ADJOINT, FULL_DERIVATIVES) if writing.arrays else (Role.PARAMETER, FULL_AT_MOST)
    count = sum(prod(family.shape) for family in with_role(example.names.program, counted))
    detail = detail or ("full" if count <= most else "brief")
    found: list[Block] = []
    found.extend(_network(writing, example))
    found.extend(_forward(writing, example, detail))
    found.extend(backward(writing, example, detail) if writing.arrays else _backward(writing, example, detail))
    found.extend(_updates(writing, example, detail))
    found.extend(_afterwards(writing, example))
    return Document(example.title, tuple(found), dict(writing.symbols))


def _network(writing: Writing, example: Round) -> Iterator[Block]:
    yield Heading(2, "The network")
    if example.layers:
        yield Table(("layer", "kind", "settings", "gives"), tuple(example.layers))
    if example.conventions:
        yield Table(("", ""), tuple(example.conventions))
    picture = diagram(writing)
    if picture is not None:
        yield picture
    in_picture = drawn(writing) if picture is not None else frozenset()
    roles = ((Role.INPUT, Role.TARGET), (Role.PARAMETER,), (Role.STATE,))
    given = [each for some in roles for each in with_role(writing.names.program, *some) if each.name not in in_picture]
    short = [each for each in given if prod(each.shape) <= WRITTEN_OUT]
    if short:
        yield Paragraph(("Given:",))
        yield from given_blocks(writing, short)
    for family in given:
        if family not in short and family.role != Role.STATE:
            yield Paragraph((family_ref(writing, family.name), f" is given: {_shape(family)}."))


def given_blocks(writing: Writing, families: Sequence[Family]) -> Iterator[Block]:
    """Given numbers: those that have names of their own one below the other, arrays as arrays."""
    for listed, run in groupby(families, key=lambda family: is_listed(writing, family)):
        if not listed:
            yield from families_grids(writing, list(run))
        else:
            yield Equations(tuple(given_equation(writing, scalar) for family in run for scalar in scalars(family)))


def given_equation(writing: Writing, scalar: Scalar) -> Equation:
    """``i1 = 0.05``."""
    return Equation((quantity_ref(writing, scalar), shown(writing, scalar)))


def _shape(family: Family) -> str:
    return " x ".join(str(size) for size in family.shape) + " numbers"


def _forward(writing: Writing, example: Round, detail: Detail) -> Iterator[Block]:
    definitions = forward_definitions(example.names)
    families = example.names.program.families
    yield Heading(2, "The forward pass")
    if writing.arrays and detail == "brief":
        yield Paragraph(("Of each array one entry is worked out as an example; ask for any other by its name.",))
    in_error = False
    said = Said()
    for group in _groups(writing, definitions, example, detail):
        if isinstance(group, Recurrence):
            yield from _layer_start(writing, example, families[group.lines[0].target], said)
            yield from recurrence_blocks(writing, group)
            continue
        family = families[group[0].target]
        if not in_error and _is_error(group[0], example):
            in_error = True
            yield Heading(2, "The error")
        if writing.arrays:
            yield from _by_family(writing, example, group, detail, said)
        else:
            yield from _equations(writing, group, family)


def _groups(
    writing: Writing, definitions: Sequence[Definition], example: Round, detail: Detail
) -> Iterator[list[Definition] | Recurrence[Definition]]:
    """What is written about together: in full a recurrence goes step by step, other formulas neuron by neuron."""
    if not writing.arrays:
        yield from _interleaved(definitions, example)
    elif detail == "brief":
        yield from _by_shape(definitions, example)
    else:
        for recurrent, run in groupby(blocks(definitions), key=lambda block: bool(block.letter)):
            if recurrent:
                yield from run
            else:
                yield from _interleaved([line for block in run for line in block.lines], example)


def _layer_start(writing: Writing, example: Round, family: Family, said: Said) -> Iterator[Block]:
    """A layer's heading, and what its letters count, before the first of its families."""
    before = said.layer
    yield from layer_heading(example, family, said)
    if said.layer != before:
        yield from legend(writing, family.layer)


def _by_family(
    writing: Writing, example: Round, group: list[Definition], detail: Detail, said: Said
) -> Iterator[Block]:
    """Formulas of a layer one family after the other, or together where in full they go entry by entry."""
    family = writing.names.program.families[group[0].target]
    yield from _layer_start(writing, example, family, said)
    if detail == "full" and prod(family.shape) <= WRITTEN_OUT and not any(map(window_of, group)):
        yield from _equations(writing, group, family)
        return
    for run in alike(group):
        called = ", ".join(filter(None, (writing.words.called.get(each.target) for each in run)))
        if called and detail == "brief":
            yield Heading(4, called[0].upper() + called[1:])
        yield from family_blocks(writing, run, detail, said)


def _is_error(definition: Definition, example: Round) -> bool:
    """Whether a formula belongs to the error: it compares with a target, or is the loss."""
    families = example.names.program.families
    targets = any(families[node.name].role == Role.TARGET for node in refs(definition.formula) if node.name in families)
    return targets or families[definition.target].role == Role.LOSS or definition.target == example.names.loss.family


def _interleaved(definitions: Sequence[Definition], example: Round) -> Iterator[list[Definition]]:
    """Formulas that go neuron by neuron together: net_h1, out_h1, net_h2, out_h2."""
    group: list[Definition] = []
    for definition in definitions:
        if (
            group
            and _goes_along(definition, group[-1])
            and _is_error(definition, example) == _is_error(group[0], example)
        ):
            group.append(definition)
            continue
        if group:
            yield group
        group = [definition]
    if group:
        yield group


def _by_shape(definitions: Sequence[Definition], example: Round) -> Iterator[list[Definition]]:
    """Formulas of one layer that are made alike: queries, keys and values."""
    families = example.names.program.families
    for _, of_layer in groupby(definitions, key=lambda each: (families[each.target].layer, _is_error(each, example))):
        yield from alike(list(of_layer))


def _goes_along(definition: Definition, before: Definition) -> bool:
    """Whether a formula uses the one before at its own index only, and names the same indices."""
    wanted = tuple(Index(((name, 1),)) for name in definition.indices)
    used = [node for node in refs(definition.formula) if node.name == before.target]
    return (
        bool(definition.indices)
        and before.indices == definition.indices
        and bool(used)
        and all(node.indices == wanted for node in used)
    )


def _equations(writing: Writing, group: list[Definition], family: Family) -> Iterator[Block]:
    """The scalars of formulas that go together; of a large family its formula and the first scalars."""
    count = prod(family.shape)
    if count > WRITTEN_OUT:
        for definition in group:
            yield Equations((lettered(writing, definition),))
            yield Paragraph((f"{count} numbers; the first {EXAMPLES} of them:",))
    wanted = islice(scalars(family), EXAMPLES if count > WRITTEN_OUT else None)
    lines = [
        equation(writing, Scalar(definition.target, scalar.index), definition, final=not family.shape)
        for scalar in wanted
        for definition in group
    ]
    yield Equations(tuple(lines))


def _backward(writing: Writing, example: Round, detail: Detail) -> Iterator[Block]:
    names = example.names
    known: set[Scalar] = set()
    layer = None
    yield Heading(2, "The backward pass")
    for definition in backward_definitions(names):
        family = names.program.families[definition.target]
        below = names.program.families[family.of]
        if below.layer != layer and below.layer:
            layer = below.layer
            yield Heading(3, f"Layer {layer}")
        if below.role == Role.PARAMETER:
            yield from _parameter_derivatives(writing, family, detail, known)
        elif is_net_input(below) and detail == "full":
            yield from shorter_note(writing, example, below)
    yield from _leftover(writing, example, known)


def _parameter_derivatives(writing: Writing, family: Family, detail: Detail, known: set[Scalar]) -> Iterator[Block]:
    """Each derivative by a parameter of one family."""
    large = prod(family.shape) > WRITTEN_OUT
    if large:
        definition = definition_of(writing.names.program, family.name)
        assert definition is not None
        yield Paragraph(
            (family_ref(writing, family.name), f" has {prod(family.shape)} entries; the first {EXAMPLES} of them:")
        )
    for place, scalar in enumerate(islice(scalars(family), EXAMPLES if large else None)):
        below = quantity_ref(writing, Scalar(family.of, scalar.index))
        if detail == "full" or place == 0:
            yield Heading(4, below.name)
            yield from derivative_blocks(writing, scalar, known)
        else:
            yield from plain_chain(writing, scalar, known)
        yield from _delta_line(writing, scalar, known)


def derivative_blocks(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Block]:
    """A derivative with all its factors."""
    if chain_of(writing, scalar)[1]:
        yield from chain_blocks(writing, scalar, known)
    else:
        yield from plain_blocks(writing, scalar, known)


def plain_chain(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Block]:
    """A derivative in one line, by its own formula."""
    definition = definition_of(writing.names.program, scalar.family)
    assert definition is not None
    for node in () if writing.large else refs(equation_formula(definition, scalar)):
        upstream = Scalar(node.name, tuple(index.constant for index in node.indices))
        if node.name in writing.names.program.families and _is_adjoint(writing, node):
            yield from plain_blocks(writing, upstream, known)
    if scalar not in known:
        yield Equations((equation(writing, scalar, definition, final=True),))
        known.add(scalar)


def equation_formula(definition: Definition, scalar: Scalar) -> Expr:
    return scalar_formula(definition, scalar.index)


def _is_adjoint(writing: Writing, node: Ref) -> bool:
    return writing.names.program.families[node.name].role == Role.ADJOINT


def _delta_line(writing: Writing, scalar: Scalar, known: set[Scalar]) -> Iterator[Block]:
    """The delta on the way to a weight, once: the product of all factors but the last."""
    definition = definition_of(writing.names.program, scalar.family)
    assert definition is not None
    lines = []
    for node in refs(equation_formula(definition, scalar)):
        delta = Scalar(node.name, tuple(index.constant for index in node.indices))
        family = writing.names.program.families.get(node.name)
        if family is None or family.role != Role.ADJOINT or delta in known:
            continue
        if is_net_input(writing.names.program.families[family.of]):
            own = definition_of(writing.names.program, node.name)
            assert own is not None
            lines.append(equation(writing, delta, own, note="the delta of this neuron"))
            known.add(delta)
    if lines:
        yield Equations(tuple(lines))


def _leftover(writing: Writing, example: Round, known: set[Scalar]) -> Iterator[Block]:
    """Derivatives asked for by something other than a parameter's chain: none in a network of layers."""
    for definition in backward_definitions(example.names):
        family = example.names.program.families[definition.target]
        below = example.names.program.families[family.of]
        if below.role == Role.INPUT and prod(family.shape) <= WRITTEN_OUT:
            for scalar in scalars(family):
                yield from derivative_blocks(writing, scalar, known)


def _updates(writing: Writing, example: Round, detail: Detail) -> Iterator[Block]:
    definitions = update_definitions(example.names)
    if not definitions:
        return
    yield Heading(2, "The update")
    yield Paragraph(("All derivatives above are taken at the original parameters; now all of them change at once.",))
    settings = [scalar for family in with_role(example.names.program, Role.SETTING) for scalar in scalars(family)]
    if settings:
        yield Equations(tuple(given_equation(writing, scalar) for scalar in settings))
    if writing.arrays:
        yield from updates(writing, example, detail)
        return
    for definition in definitions:
        family = example.names.program.families[definition.target]
        large = prod(family.shape) > WRITTEN_OUT
        if large:
            yield Equations((lettered(writing, definition),))
            yield Paragraph((f"{prod(family.shape)} numbers; the first {EXAMPLES} of them:",))
        yield Equations(
            tuple(
                equation(writing, scalar, definition, final=family.role == Role.UPDATED)
                for scalar in islice(scalars(family), EXAMPLES if large else None)
            )
        )


def _afterwards(writing: Writing, example: Round) -> Iterator[Block]:
    """The loss with the updated parameters, beside the one before."""
    if example.afterwards is None:
        return
    loss = example.names.loss
    before = quantity_ref(writing, loss)
    after = shown_number(writing, example.afterwards[loss.family][loss.index])
    yield Heading(2, "The error afterwards")
    yield Paragraph(("The forward pass once more, with the updated parameters, gives",))
    yield Equations((Equation((before, after), final=True),))
    yield Note((before, " was ", shown(writing, loss), " before this round."))
