"""Sums of products: matrix products, where two arrays share the letters of a sum, in place of all single products."""

from collections.abc import Collection
from itertools import combinations

from chainrule.engines.building import Letters, Value
from chainrule.engines.plan import Arrange, Product, Shape

SMALL = 4096  # products that may as well all be written down


def sum_of_product(values: list[Value], over: Collection[str], mask: Value | None, letters: Letters) -> Value:
    """The sum over letters of the product of arrays, counting only where the mask is true.

    In a large masked sum one factor is set to 0 where the mask is false: exact for finite numbers, while an infinity
    in another factor there shows as NaN.
    """
    if mask is not None and not set(mask.axes) & set(over):
        inner = sum_of_product(values, over, None, letters)
        return letters.apply("where", mask, inner, letters.number(0.0))
    outside = [value for value in values if not set(value.axes) & set(over)]
    inside = [value for value in values if set(value.axes) & set(over)]
    if mask is not None:
        inside = _masked(inside, mask, letters)
    unused = [name for name in over if not any(name in value.axes for value in inside)]
    if unused:
        outside.append(letters.number(letters.count(unused)))
    return letters.multiply(outside + _products(inside, over, letters))


def _masked(values: list[Value], mask: Value, letters: Letters) -> list[Value]:
    """The factors so that their product is 0 where the mask is false."""
    zero = letters.number(0.0)
    every = {name for value in values for name in value.axes} | set(mask.axes)
    if not values:
        return [letters.apply("where", mask, letters.number(1.0), zero)]
    if len(values) == 1 or letters.count(every) <= SMALL:
        return [letters.apply("where", mask, letters.multiply(values), zero)]
    covering = [value for value in values if set(mask.axes) <= set(value.axes)]
    if not covering:
        return [*values, letters.apply("where", mask, letters.number(1.0), zero)]
    chosen = min(covering, key=lambda value: letters.count(value.axes))
    return [value for value in values if value is not chosen] + [letters.apply("where", mask, chosen, zero)]


def _products(values: list[Value], over: Collection[str], letters: Letters) -> list[Value]:
    """The factors multiplied and summed, until one is left."""
    values = _merged([_alone(value, values, over, letters) for value in values], letters)
    while len(values) > 2:
        first, second = min(combinations(values, 2), key=lambda pair: _left_over(pair, values, over, letters))
        rest = [value for value in values if value is not first and value is not second]
        needed = {name for value in rest for name in value.axes}
        values = [*rest, _pair(first, second, [name for name in over if name not in needed], letters)]
    if len(values) == 2:
        values = [_pair(values[0], values[1], over, letters)]
    return [letters.reduce("add", value, over) for value in values]


def _alone(value: Value, values: list[Value], over: Collection[str], letters: Letters) -> Value:
    """A factor already summed over the letters that no other factor has."""
    others = {name for other in values if other is not value for name in other.axes}
    return letters.reduce("add", value, [name for name in over if name not in others]) if others else value


def _merged(values: list[Value], letters: Letters) -> list[Value]:
    """Of three or more factors, those multiplied together whose letters another one has too: that costs little."""
    while len(values) > 2:
        pairs = [(a, b) for a in values for b in values if a is not b and set(a.axes) <= set(b.axes)]
        if not pairs:
            break
        small, large = min(pairs, key=lambda pair: letters.count(pair[1].axes))
        values = [value for value in values if value is not small and value is not large]
        values.append(letters.apply("multiply", small, large))
    return values


def _left_over(pair: tuple[Value, Value], values: list[Value], over: Collection[str], letters: Letters) -> int:
    """How many numbers remain when a pair is multiplied and summed."""
    others = {name for value in values if value is not pair[0] and value is not pair[1] for name in value.axes}
    axes = set(pair[0].axes) | set(pair[1].axes)
    return letters.count([name for name in axes if name in others or name not in over])


def _pair(first: Value, second: Value, over: Collection[str], letters: Letters) -> Value:
    """The sum of the product of two arrays: over all letters of the sum that either has."""
    shared = [name for name in first.axes if name in second.axes]
    summed = [name for name in shared if name in over]
    along = letters.ordered([name for name in shared if name not in over])
    apart = [name for name in (*first.axes, *second.axes) if name not in shared]
    if not summed or (along and not apart):
        return letters.reduce("add", letters.apply("multiply", first, second), over)
    if apart and letters.ordered(apart)[0] in second.axes:
        first, second = second, first
    bigger = max(first, second, key=lambda value: letters.count(value.axes))
    inner = tuple(name for name in bigger.axes if name in summed)
    rows = tuple(name for name in first.axes if name not in shared)
    columns = tuple(name for name in second.axes if name not in shared)
    left = letters.arranged(first, (*along, *rows, *inner), _joined(letters, along, rows, inner))
    right = letters.arranged(second, (*along, *inner, *columns), _joined(letters, along, inner, columns))
    joined = _joined(letters, along, rows, columns)
    place = letters.builder.emit(Product(left, right), joined)
    axes = (*along, *rows, *columns)
    shape = letters.shape(axes)
    if shape != joined:
        place = letters.builder.emit(Arrange(place, tuple(range(len(joined))), shape), shape)
    return Value(place, axes)


def _joined(letters: Letters, along: tuple[str, ...], *groups: tuple[str, ...]) -> Shape:
    """A shape in which each group of letters is one axis; without letters it is none, or 1 in a stack of matrices."""
    sizes = tuple(letters.count(group) for group in groups if group or along)
    return (*letters.shape(along), *sizes)
