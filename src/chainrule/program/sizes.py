"""The size of every index in a formula, from the shapes of the families that it is used with."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from chainrule.formula.expression import Expr, If, Index, Max, Ref, Sum, bound_letters, children, refs
from chainrule.formula.unparse import to_text
from chainrule.program.program import Family


class ProgramError(ValueError):
    """Formulas that don't fit together: a name nobody defines, indices that don't fit a shape."""


def check_references(formula: Expr, letters: frozenset[str], families: Mapping[str, Family], place: str) -> None:
    """Every name must be a family with as many indices as it has axes, or the letter of a bound index."""
    inside = letters | frozenset(formula.indices if isinstance(formula, Sum | Max) else ())
    for child in children(formula):
        check_references(child, inside, families, place)
    if not isinstance(formula, Ref):
        return
    used = {name for index in formula.indices for name, _ in index.terms}
    unbound = sorted(used - inside)
    if unbound:
        raise ProgramError(
            f"{place}: the index {unbound[0]} in {to_text(formula)} stands neither on the left side nor in a sum; "
            f"write sum[{unbound[0]}](...) or add it on the left"
        )
    family = families.get(formula.name)
    if family is None:
        if not formula.indices and formula.name in inside:
            return
        raise ProgramError(f"{place}: {formula.name} is not defined before this line{_meant(formula.name, families)}")
    if formula.name in inside and not formula.indices:
        raise ProgramError(f"{place}: {formula.name} is an index here and a quantity as well; rename one of them")
    if len(formula.indices) != len(family.axes):
        raise ProgramError(
            f"{place}: {to_text(formula)} has {_count(len(formula.indices))}, but {formula.name} has the shape "
            f"{shape_text(family.shape)}: it takes {_count(len(family.shape))}"
        )


def _meant(name: str, families: Mapping[str, Family]) -> str:
    close = get_close_matches(name, families, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _count(number: int) -> str:
    return {0: "no index", 1: "1 index"}.get(number, f"{number} indices")


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people: ``2 x 3``, or ``a single number``."""
    return " x ".join(map(str, shape)) if shape else "a single number"


def infer_sizes(
    formula: Expr,
    indices: tuple[str, ...],
    families: Mapping[str, Family],
    place: str,
    known: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The size of every letter: from where it stands alone in a family's index, then from affine indices, then from
    the families that have it as an axis.

    ``known`` gives sizes that no reference tells. Raises `ProgramError` where two places contradict each other, where
    nothing tells a size, and where an index that no test guards runs out of its family.
    """
    sizes: dict[str, int] = {}
    told_by: dict[str, str] = {}
    uses = list(_index_uses(formula, families, guarded=False))
    for index, size, text, guarded in uses:
        name = _bare(index)
        if name is None or (guarded and name in (known or {})):
            continue
        if sizes.setdefault(name, size) != size:
            raise ProgramError(
                f"{place}: the index {name} runs over {sizes[name]} values in {told_by[name]} but over {size} in {text}"
            )
        told_by.setdefault(name, text)
    for name, size in (known or {}).items():
        sizes.setdefault(name, size)
    _infer_affine(uses, sizes, place)
    sizes = _sizes_elsewhere(families) | sizes
    for name in (*indices, *bound_letters(formula)):
        if name not in sizes:
            raise ProgramError(f"{place}: nothing tells how many values the index {name} has; give its size")
    for index, size, text, guarded in uses:
        low, high = index_range(index, sizes)
        if not guarded and (low < 0 or high >= size):
            raise ProgramError(
                f"{place}: the index in {text} runs from {low} to {high}, but that axis has {size} values, 0 to "
                f"{size - 1}; guard it with a test, or change a size"
            )
    return {name: sizes[name] for name in (*indices, *bound_letters(formula))}


def letter_sizes(formulas: Iterable[Expr], families: Mapping[str, Family]) -> dict[str, int]:
    """The sizes of the letters that have one size only wherever they stand alone in an index of a known family."""
    found = {name: {size} for name, size in _sizes_elsewhere(families).items()}
    here: dict[str, set[int]] = {}
    for formula in formulas:
        for node in refs(formula):
            if node.name in families and len(node.indices) == len(families[node.name].shape):
                for index, size in zip(node.indices, families[node.name].shape, strict=True):
                    name = _bare(index)
                    if name is not None:
                        here.setdefault(name, set()).add(size)
    return {name: next(iter(sizes)) for name, sizes in (found | here).items() if len(sizes) == 1}


def _sizes_elsewhere(families: Mapping[str, Family]) -> dict[str, int]:
    """The sizes of the letters that stand for axes of one size only in all families: a letter keeps its meaning."""
    found: dict[str, set[int]] = {}
    for family in families.values():
        for name, size in zip(family.axes, family.shape, strict=True):
            found.setdefault(name, set()).add(size)
    return {name: next(iter(sizes)) for name, sizes in found.items() if len(sizes) == 1}


def _infer_affine(uses: list[tuple[Index, int, str, bool]], sizes: dict[str, int], place: str) -> None:
    """The largest range of an unknown letter for which an affine index stays inside: 28 with kernel 5 gives 24."""
    found = True
    while found:
        found = False
        for index, size, text, guarded in uses:
            unknown = [(name, times) for name, times in index.terms if name not in sizes]
            if guarded or len(unknown) != 1 or unknown[0][1] < 0:
                continue
            name, times = unknown[0]
            rest = Index(tuple(term for term in index.terms if term[0] != name), index.constant)
            _, high = index_range(rest, sizes)
            room = (size - 1 - high) // times + 1
            if room < 1:
                raise ProgramError(f"{place}: {text} leaves no value for the index {name}: that axis has only {size}")
            sizes[name] = room
            found = True


def _index_uses(formula: Expr, families: Mapping[str, Family], guarded: bool) -> Iterator[tuple[Index, int, str, bool]]:
    """Every index of every reference, with the size of its axis, and whether a test stands before it."""
    if isinstance(formula, Ref) and formula.indices:
        text = to_text(formula)
        for index, size in zip(formula.indices, families[formula.name].shape, strict=True):
            yield index, size, text, guarded
    inside = guarded or isinstance(formula, If)
    for child in children(formula):
        yield from _index_uses(child, families, inside)


def _bare(index: Index) -> str | None:
    if index.constant == 0 and len(index.terms) == 1 and index.terms[0][1] == 1:
        return index.terms[0][0]
    return None


def index_range(index: Index, sizes: Mapping[str, int]) -> tuple[int, int]:
    """The smallest and the largest value of an index."""
    low = high = index.constant
    for name, times in index.terms:
        reach = times * (sizes[name] - 1)
        low, high = low + min(0, reach), high + max(0, reach)
    return low, high
