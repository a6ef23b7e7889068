"""From a program to a plan: formulas with letters become array instructions, recurrences become loops."""

from collections.abc import Collection

from chainrule.engines.building import Builder, plan_of
from chainrule.engines.entries import whole, with_all_axes
from chainrule.engines.formulas import stored_of
from chainrule.engines.joined import with_joined_products
from chainrule.engines.plan import Plan
from chainrule.engines.scan import looped
from chainrule.formula.expression import refs
from chainrule.numbers.ledger import LedgerError, given_families
from chainrule.program.blocks import Block, blocks
from chainrule.program.program import Definition, Program


def lower(program: Program, wanted: Collection[str] | None = None) -> Plan:
    """The instructions that calculate the wanted families, or all that are defined, and nothing else.

    Raises `LedgerError` for a wanted family that the program doesn't have and for an index that runs out of range.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> square = extend(Program({}), "y[i] = x[i]**2", given=[Family("x", Role.INPUT, ("i",), (3,))])
    >>> lower(square).instructions
    (Given(name='x'), Apply(function='multiply', args=(0, 0)))
    """
    wanted = tuple(each.target for each in program.definitions) if wanted is None else tuple(wanted)
    for name in wanted:
        if name not in program.families:
            raise LedgerError(f"{name} is no family of the program; name some of: {', '.join(program.families)}")
    builder = Builder()
    families = {
        each.name: with_all_axes(builder.given(each.name, each.shape), each.shape) for each in given_families(program)
    }
    for block, read in _needed(program, wanted):
        if block.letter:
            families |= looped(block, families, read, builder)
        else:
            (definition,) = block.lines
            families[definition.target] = stored_of(definition, families, builder)
    return with_joined_products(plan_of(builder, {name: whole(families[name], builder) for name in wanted}))


def needed(program: Program, wanted: Collection[str]) -> tuple[Definition, ...]:
    """The definitions that the wanted families need, in their order."""
    return tuple(each for block, _ in _needed(program, wanted) for each in block.lines)


def _needed(program: Program, wanted: Collection[str]) -> list[tuple[Block[Definition], frozenset[str]]]:
    """The blocks that the wanted families need, in their order, each with those of its families read outside it."""
    names = set(wanted)
    kept = []
    for block in reversed(blocks(program.definitions)):
        read = names & {each.target for each in block.lines}
        if read:
            kept.append((block, frozenset(read)))
            names.update(node.name for each in block.lines for node in refs(each.stable or each.formula))
    return kept[::-1]
