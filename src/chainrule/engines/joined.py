"""Small matrix products that share an array made into one: a call costs more than such a product itself."""

from collections.abc import Sequence

from chainrule.engines.building import Builder
from chainrule.engines.plan import Arrange, Constant, Given, Join, Plan, Product, Read, inputs, moved

FEWEST_ROWS = 8  # of the array that is shared: joining the others copies them, which takes about as long as a row


def with_joined_products(plan: Plan) -> Plan:
    """The same plan in which products of one array with several given ones are one product with all of these.

    Those are the gates of a cell, or queries, keys and values of attention.
    """
    given = _given(plan)
    groups = _groups(plan, given)
    if not groups:
        return plan
    builder = Builder()
    places: dict[int, int] = {}
    # What is made of given arrays alone comes first, for a product may be joined with a later one.
    for at in sorted(range(len(plan.instructions)), key=lambda at: not given[at]):
        if at in places:
            continue
        if at in groups:
            places |= _joined(groups[at], plan, places, builder)
        else:
            places[at] = builder.emit(moved(plan.instructions[at], places), plan.shapes[at])
    results = {name: places[at] for name, at in plan.results.items()}
    return Plan(tuple(builder.instructions), tuple(builder.shapes), results)


def _given(plan: Plan) -> list[bool]:
    """Which arrays are given, or entries and other arrangements of those."""
    found: list[bool] = []
    for each in plan.instructions:
        found.append(isinstance(each, Given | Constant | Arrange | Read) and all(found[at] for at in inputs(each)))
    return found


def _groups(plan: Plan, given: Sequence[bool]) -> dict[int, tuple[int, ...]]:
    """The products that can be made one, by each of them."""
    by_left: dict[int, list[int]] = {}
    for at, each in enumerate(plan.instructions):
        if isinstance(each, Product) and given[each.right]:
            left, right = plan.shapes[each.left], plan.shapes[each.right]
            if len(left) == len(right) == 2 and left[0] >= FEWEST_ROWS:
                by_left.setdefault(each.left, []).append(at)
    return {at: tuple(group) for group in by_left.values() if len(group) > 1 for at in group}


def _joined(group: Sequence[int], plan: Plan, places: dict[int, int], builder: Builder) -> dict[int, int]:
    """One product in place of several, and the columns of its result that belong to each."""
    products = [each for at in group if isinstance(each := plan.instructions[at], Product)]
    rows, inner = plan.shapes[products[0].left]
    columns = [plan.shapes[each.right][1] for each in products]
    right = builder.emit(Join(tuple(places[each.right] for each in products), 1), (inner, sum(columns)))
    whole = builder.emit(Product(places[products[0].left], right), (rows, sum(columns)))
    found, first = {}, 0
    for at, count in zip(group, columns, strict=True):
        found[at] = builder.emit(Read(whole, (0, first), ((1, 0), (0, 1)), (rows, count)), (rows, count))
        first += count
    return found
