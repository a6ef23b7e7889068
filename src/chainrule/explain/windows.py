"""A window as people draw it: the part of an array that a kernel lies on, and the kernel beside it.

Read off the formula: in a sum, or a largest value, a factor whose index is made of the letters that the sum runs over
and of those that say which window it is, ``x[p + u, q + v]``, lies under the factor that has the letters ``u, v``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod

from chainrule.explain.document import Axis, Block, Grid, Grids, Paragraph
from chainrule.explain.expand import expand, position_of
from chainrule.explain.grids import FEW_DIGITS, words_of
from chainrule.explain.names import Scalar
from chainrule.explain.writing import Writing, family_ref, shown, shown_number, value_of
from chainrule.formula.expression import ZERO, Expr, If, Index, Max, Mul, Ref, Sum, children, letter, refs, walk
from chainrule.formula.simplify import tidy
from chainrule.program.program import Definition, Role
from chainrule.program.solve import settled

MOST_ENTRIES = 64
WIDE = 3  # columns: in a wider window calculated numbers have fewer digits, so that the kernel has room beside it
MOST_PAIRS = 4
OUTSIDE = "–"  # in place of the number of a row outside the array


@dataclass(frozen=True, slots=True)
class Window:
    """What a formula lays on what; ``letters`` are those inside the window, ``over`` the others that it sums over."""

    cut: Expr  # the factor that is cut out of an array, with the test that makes it 0 outside
    source: Ref  # the array's reference in it
    kernel: Ref | None
    letters: tuple[str, ...]
    over: tuple[str, ...]


def window_of(definition: Definition) -> Window | None:
    """The window in a family's formula; None where there is none, or more than one."""
    formula = tidy(settled(definition.formula, definition.sizes))
    found = [each for node in _outermost(formula) if (each := _window(node))]
    return found[0] if len(found) == 1 else None


def _outermost(expr: Expr) -> Iterator[Sum | Max]:
    """The sums and largest values that stand in no other."""
    if isinstance(expr, Sum | Max):
        yield expr
        return
    for child in children(expr):
        yield from _outermost(child)


def _window(node: Sum | Max) -> Window | None:
    factors = _factors(node.body)
    cuts = [(each, ref) for each in factors if (ref := _cut_ref(each, node.indices))]
    if len(cuts) != 1 or len(factors) > 2 or any(isinstance(each, Sum | Max) for each in walk(node.body)):
        return None
    cut, source = cuts[0]
    inside = [[name for name, _ in index.terms if name in node.indices] for index in _mixed(source)]
    letters = tuple(names[0] for names in inside if len(names) == 1)
    kernel = next((each for each in factors if each is not cut), None)
    fits = kernel is None or (isinstance(kernel, Ref) and all(letter(name) in kernel.indices for name in letters))
    if not 1 <= len(letters) == len(inside) <= 2 or not fits:
        return None
    assert kernel is None or isinstance(kernel, Ref)
    return Window(cut, source, kernel, letters, tuple(name for name in node.indices if name not in letters))


def _factors(body: Expr) -> list[Expr]:
    """The factors of an addend; a condition around a product belongs to the factor that is cut out."""
    if isinstance(body, If) and body.otherwise == ZERO:
        return [If(body.test, each, ZERO) if any(map(_mixed, refs(each))) else each for each in _factors(body.then)]
    return list(body.args) if isinstance(body, Mul) else [body]


def _mixed(node: Ref) -> list[Index]:
    """The indices of several letters."""
    return [index for index in node.indices if len(index.terms) > 1]


def _cut_ref(factor: Expr, over: tuple[str, ...]) -> Ref | None:
    """The reference whose index adds a letter that is summed over to one that isn't, if the factor is one."""
    while isinstance(factor, If):
        factor = factor.then
    if isinstance(factor, Ref) and any(name in over for index in _mixed(factor) for name, _ in index.terms):
        return factor
    return None


def window_blocks(writing: Writing, definition: Definition, index: tuple[int, ...]) -> Iterator[Block]:
    """One scalar's windows, a pair of grids for each channel; nothing for a window too large to draw."""
    window = window_of(definition)
    families = writing.names.program.families
    if window is None or families[window.source.name].role == Role.PARAMETER:
        return  # no one cuts a window out of a kernel
    if not 1 < prod(definition.sizes[name] for name in window.letters) <= MOST_ENTRIES:
        return
    sizes = definition.sizes
    at = dict(zip(definition.indices, index, strict=True))
    for position in islice(product(*(range(sizes[name]) for name in window.over)), MOST_PAIRS):
        here = at | dict(zip(window.over, position, strict=True))
        grids = (_cut_out(writing, window, here, sizes), *_laid_on(writing, window, here, sizes))
        yield Grids(grids, "·" if window.kernel is not None else "")
    if _is_wide(window, sizes) and any(ref.name not in writing.typed for ref in (window.source, window.kernel) if ref):
        yield Paragraph((f"(in the arrays calculated numbers to {FEW_DIGITS} digits)",))


def _is_wide(window: Window, sizes: Mapping[str, int]) -> bool:
    return sizes[window.letters[-1]] > WIDE


def _orders(window: Window, sizes: Mapping[str, int]) -> list[list[int]]:
    """The values of each letter, so that the window lies as it does in its array: a kernel may be turned round."""
    times = {name: factor for index in _mixed(window.source) for name, factor in index.terms}
    return [list(range(sizes[name]))[:: 1 if times[name] > 0 else -1] for name in window.letters]


def _cut_out(writing: Writing, window: Window, here: Mapping[str, int], sizes: Mapping[str, int]) -> Grid:
    """The numbers below the window, zeros outside the array."""
    source, orders = window.source, _orders(window, sizes)
    family = writing.names.program.families[source.name]
    axes = [at for at, index in enumerate(source.indices) if len(index.terms) > 1]
    marks = []
    for at, name, order in zip(axes, window.letters, orders, strict=True):
        numbers = [place_at(source.indices[at], {**here, name: value}) for value in order]
        marks.append(tuple(str(each + 1) if 0 <= each < family.shape[at] else OUTSIDE for each in numbers))
    return _drawn(writing, window, source, window.cut, axes, marks, here, sizes)


def _laid_on(writing: Writing, window: Window, here: Mapping[str, int], sizes: Mapping[str, int]) -> Iterator[Grid]:
    """The kernel, turned round where the window goes the other way."""
    kernel = window.kernel
    if kernel is None:
        return
    orders = _orders(window, sizes)
    axes = [kernel.indices.index(letter(name)) for name in window.letters]
    marks = [tuple(str(value + 1) for value in order) for order in orders]
    grid = _drawn(writing, window, kernel, kernel, axes, marks, here, sizes)
    turned = any(order[0] > order[-1] for order in orders)
    yield replace(grid, part=", ".join(each for each in (grid.part, "turned round" * turned) if each))


def _drawn(
    writing: Writing,
    window: Window,
    node: Ref,
    formula: Expr,
    axes: list[int],
    marks: list[tuple[str, ...]],
    here: Mapping[str, int],
    sizes: Mapping[str, int],
) -> Grid:
    def entry(*values: int) -> Expr:
        written = expand(formula, {**here, **dict(zip(window.letters, values, strict=True))}, sizes)
        if not isinstance(written, Ref):
            return ZERO
        scalar = Scalar(written.name, position_of(written))
        if _is_wide(window, sizes) and scalar.family not in writing.typed:
            return shown_number(writing, value_of(writing, scalar), min(FEW_DIGITS, writing.digits))
        return shown(writing, scalar)

    family = writing.names.program.families[node.name]
    words = words_of(writing, family)
    others = [at for at in range(len(node.indices)) if at not in axes and family.shape[at] > 1]
    part = ", ".join(f"{words[at]} {place_at(node.indices[at], here) + 1}" for at in others)
    *down, across = _orders(window, sizes)
    numbers = tuple(tuple(entry(*row, column) for column in across) for row in product(*down))
    *rows, columns = (Axis(words[at], each) for at, each in zip(axes, marks, strict=True))
    return Grid(numbers, family_ref(writing, node.name), part, rows[0] if rows else Axis(), columns)


def place_at(index: Index, at: Mapping[str, int]) -> int:
    """The value of an index, counted from 0."""
    return index.constant + sum(times * at[name] for name, times in index.terms)
