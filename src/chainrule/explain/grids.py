"""The numbers of a family as people draw them: rows and columns, a grid for each head, filter or sample."""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import prod

from chainrule.explain.document import ELLIPSIS, Axis, Block, Grid, Grids, Paragraph
from chainrule.explain.names import Scalar, family_name
from chainrule.explain.writing import Writing, family_ref, shown, shown_number, value_of
from chainrule.formula.expression import Expr, letter, refs
from chainrule.program.program import Family, Role

MOST = 12  # rows or columns: of more the first ones and the last are drawn
MOST_GRIDS = 8
MOST_NUMBERS = 200  # of a family with more one array is drawn, and less of it
MOST_OF_LARGE = 6
WIDE = 5  # columns: in a wider grid calculated numbers have fewer digits
FEW_DIGITS = 4


def is_drawn(writing: Writing, family: Family) -> bool:
    """Whether a family's scalars have no names of their own, ``w1``, but places in an array: ``x[1,2]``."""
    of = family.of if family.role in (Role.ADJOINT, Role.UPDATED) else family.name
    label = writing.names.labels.get(of)
    return label is not None and label.address


def is_listed(writing: Writing, family: Family) -> bool:
    """Whether given numbers stand one below the other by name; else they are an array, and a list has one row."""
    label = writing.names.labels.get(family.name)
    plain = label is not None and not label.first and label.base.rstrip("_") == family.name
    return not (is_drawn(writing, family) or (writing.arrays and plain and prod(family.shape) > 1))


def words_of(writing: Writing, family: Family, parts: bool = False) -> tuple[str, ...]:
    """What each axis of a family counts: its word or, where there is none, the letter that formulas read it by."""
    of = family.of if family.role in (Role.ADJOINT, Role.UPDATED, Role.STATE) and family.of else family.name
    words = (writing.words.parts if parts else writing.words.axes).get(of, ())
    if len(words) != len(family.axes):
        words = ("sample",) * (family.axes[:1] == ("n",)) + ("",) * len(family.axes)
    read = [
        node.indices for each in writing.names.program.definitions for node in refs(each.formula) if node.name == of
    ]
    return tuple(
        word or (axis if not read or any(indices[at] == letter(axis) for indices in read) else "")
        for at, (word, axis) in enumerate(zip(words, family.axes, strict=False))
    )


def family_grids(writing: Writing, family: Family) -> Iterator[Block]:
    """All numbers of a family; of a large one the corners, and how many there are."""
    yield from families_grids(writing, [family])


def families_grids(writing: Writing, families: Sequence[Family]) -> Iterator[Block]:
    """All numbers of some families, beside each other where there is room."""
    grids: list[Grid] = []
    said: dict[str, None] = {}
    for family in families:
        own, remarks = _of_family(writing, family)
        grids += own
        said |= dict.fromkeys(remarks)
    if grids:
        yield Grids(tuple(grids))
    if said:
        yield Paragraph((f"({'; '.join(said)})",))


def _of_family(writing: Writing, family: Family) -> tuple[list[Grid], list[str]]:
    axes = [at for at, size in enumerate(family.shape) if not (size == 1 and family.axes[at] == "n")]
    rows, columns = (axes[:0], axes) if len(axes) < 2 else (axes[-2:-1], axes[-1:])
    others = [at for at in axes if at not in (*rows, *columns)]
    places = product(*(range(family.shape[at]) for at in others))
    count = prod(family.shape[at] for at in others)
    large = prod(family.shape) > MOST_NUMBERS
    most, rows_at_most = (1, MOST_OF_LARGE) if large else (MOST_GRIDS, MOST)
    few = bool(columns) and min(family.shape[columns[0]], rows_at_most) > WIDE and writing.digits > FEW_DIGITS
    grids = [
        _grid(writing, family, dict(zip(others, place, strict=True)), rows, columns, few, rows_at_most)
        for place in islice(places, most)
    ]
    said = [f"calculated numbers to {FEW_DIGITS} digits"] if few and family.name not in writing.typed else []
    if count > most or any(family.shape[at] > rows_at_most for at in (*rows, *columns)):
        said.append(
            f"{family_name(writing.names, family.name)} has {' x '.join(str(family.shape[at]) for at in axes)} numbers"
        )
    return grids, said


def _grid(
    writing: Writing,
    family: Family,
    at: dict[int, int],
    rows: Sequence[int],
    columns: Sequence[int],
    few: bool,
    most: int,
) -> Grid:
    words = words_of(writing, family)
    down = _shown_places(family.shape[rows[0]], most) if rows else [0]
    across = _shown_places(family.shape[columns[0]], most) if columns else [0]

    def number(row: int | None, column: int | None) -> Expr:
        if row is None or column is None:
            return ELLIPSIS
        index = {**at, **dict.fromkeys(rows, row), **dict.fromkeys(columns, column)}
        scalar = Scalar(family.name, tuple(index.get(axis, 0) for axis in range(len(family.shape))))
        if few and family.name not in writing.typed:
            return shown_number(writing, value_of(writing, scalar), FEW_DIGITS)
        return shown(writing, scalar)

    numbers = tuple(tuple(number(row, column) for column in across) for row in down)
    part = ", ".join(f"{words[axis]} {place + 1}" for axis, place in at.items())
    return Grid(
        numbers, family_ref(writing, family.name), part,
        Axis(words[rows[0]], _marks(down)) if rows else Axis(),
        Axis(words[columns[0]], _marks(across)) if columns else Axis(),
    )  # fmt: skip


def _shown_places(size: int, most: int) -> list[int | None]:
    return [*range(size)] if size <= most else [*range(most - 2), None, size - 1]


def _marks(places: Sequence[int | None]) -> tuple[str, ...]:
    return tuple("…" if place is None else str(place + 1) for place in places)
