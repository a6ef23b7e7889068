"""The whole worked example of a round, in the order in which a person calculates it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import prod
from typing import Literal

from chainrule.explain.derive import chain_blocks, chain_of, plain_blocks
from chainrule.explain.document import Block, Document, Equation, Equations, Heading, Note, Paragraph, Table
from chainrule.explain.expand import scalar_formula
from chainrule.explain.names import Scalar, is_net_input, scalars
from chainrule.explain.picture import diagram
from chainrule.explain.round import Round, backward_definitions, forward_definitions, update_definitions
from chainrule.explain.shorter import shorter_note
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
from chainrule.formula.unparse import statement_text
from chainrule.program.program import Definition, Family, Role, definition_of, with_role

Detail = Literal["brief", "full"]
SHOWN_SCALARS = 40  # of a larger family the first few are written out, as examples
EXAMPLES = 2
LARGE = 2000  # scalars: of a larger network a derivation names what it needs and stops there
FULL_AT_MOST = 60  # parameters: beyond that the brief form is the default


def writing_for(example: Round, digits: int = DIGITS) -> Writing:
    """What writes about a round, with so many significant digits."""
    large = sum(prod(family.shape) for family in example.names.program.families.values()) > LARGE
    return Writing(example.names, example.ledger, digits, example.typed, example.arithmetic, large)


def walkthrough(example: Round, detail: Detail | None = None, digits: int = DIGITS) -> Document:
    """The worked example: network, forward pass, error, backward pass, update, and the error afterwards.

    ``full`` writes out every derivative with its factors; ``brief`` the first of each family so, and the others in
    one line. The default is full for a network that a person would do by hand.
    """
    writing = writing_for(example, digits)
    parameters = sum(prod(family.shape) for family in with_role(example.names.program, Role.PARAMETER))
    detail = detail or ("full" if parameters <= FULL_AT_MOST else "brief")
    blocks: list[Block] = []
    blocks.extend(_network(writing, example))
    blocks.extend(_forward(writing, example))
    blocks.extend(_backward(writing, example, detail))
    blocks.extend(_updates(writing, example))
    blocks.extend(_afterwards(writing, example))
    return Document(example.title, tuple(blocks), dict(writing.symbols))


def _network(writing: Writing, example: Round) -> Iterator[Block]:
    yield Heading(2, "The network")
    if example.conventions:
        yield Table(("", ""), tuple(example.conventions))
    picture = diagram(writing)
    if picture is not None:
        yield picture
    given = [f for f in with_role(writing.names.program, Role.INPUT, Role.TARGET) if prod(f.shape) <= SHOWN_SCALARS]
    if picture is None:
        given += [f for f in with_role(writing.names.program, Role.PARAMETER) if prod(f.shape) <= SHOWN_SCALARS]
    given += [f for f in with_role(writing.names.program, Role.STATE) if prod(f.shape) <= SHOWN_SCALARS]
    lines = [given_equation(writing, scalar) for family in given for scalar in scalars(family)]
    if lines:
        yield Paragraph(("Given:",))
        yield Equations(tuple(lines))
    for family in with_role(writing.names.program, Role.INPUT, Role.TARGET, Role.PARAMETER):
        if prod(family.shape) > SHOWN_SCALARS and (picture is None or family.role != Role.PARAMETER):
            yield Paragraph((family_ref(writing, family.name), f" is given: {_shape(family)}."))


def given_equation(writing: Writing, scalar: Scalar) -> Equation:
    """``i1 = 0.05``."""
    return Equation((quantity_ref(writing, scalar), shown(writing, scalar)))


def _shape(family: Family) -> str:
    return " x ".join(str(size) for size in family.shape) + " numbers"


def _forward(writing: Writing, example: Round) -> Iterator[Block]:
    definitions = forward_definitions(example.names)
    families = example.names.program.families
    yield Heading(2, "The forward pass")
    in_error = False
    for group in _interleaved(definitions, example):
        family = families[group[0].target]
        if not in_error and _is_error(group[0], example):
            in_error = True
            yield Heading(2, "The error")
        yield from _equations(writing, group, family)


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
    if count > SHOWN_SCALARS:
        for definition in group:
            yield Paragraph((f"{family_text(writing, definition)}: {count} numbers; the first {EXAMPLES} of them:",))
    wanted = islice(scalars(family), EXAMPLES if count > SHOWN_SCALARS else None)
    lines = [
        equation(writing, Scalar(definition.target, scalar.index), definition, final=not family.shape)
        for scalar in wanted
        for definition in group
    ]
    yield Equations(tuple(lines))


def family_text(writing: Writing, definition: Definition) -> str:
    """A family's formula as text: ``net_h[n,j] = sum[i](...)``."""
    return statement_text(definition.target, definition.indices, definition.formula)


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
    large = prod(family.shape) > SHOWN_SCALARS
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
        if below.role == Role.INPUT and prod(family.shape) <= SHOWN_SCALARS:
            for scalar in scalars(family):
                yield from derivative_blocks(writing, scalar, known)


def _updates(writing: Writing, example: Round) -> Iterator[Block]:
    definitions = update_definitions(example.names)
    if not definitions:
        return
    yield Heading(2, "The update")
    yield Paragraph(("All derivatives above are taken at the original parameters; now all of them change at once.",))
    settings = [scalar for family in with_role(example.names.program, Role.SETTING) for scalar in scalars(family)]
    if settings:
        yield Equations(tuple(given_equation(writing, scalar) for scalar in settings))
    for definition in definitions:
        family = example.names.program.families[definition.target]
        large = prod(family.shape) > SHOWN_SCALARS
        if large:
            yield Paragraph(
                (f"{family_text(writing, definition)}: {prod(family.shape)} numbers; the first {EXAMPLES}:",)
            )
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
