"""Arrays in answers: as a person types them, as NumPy and PyTorch print them, as nested lists."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.check.answers import ArrayAnswer
from chainrule.check.gather import Item, answer, unread
from chainrule.check.typed import Typed, typed

ALL_DIGITS = 15  # significant: a number with so many was not typed by hand
MOSTLY = 0.8  # of many numbers
DEEPEST = 32
TOKEN = re.compile(
    r"[\[\],;]|\.\.\.|…|[-+−]?\d+/\d+(?![\d./])|[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+−]?\d+)?|[-+−]?(?:nan|inf(?:inity)?|∞)\b|\S",
    re.IGNORECASE,
)
NUMERIC = re.compile(r"[-+−]?[\d.]|[-+−]?(?:nan|inf|∞)", re.IGNORECASE)

Tree = Typed | list["Tree"]


class Printed(NamedTuple):
    """A printed array as nested lists of numbers, and where it ends in the text; or the reason why it can't be read."""

    tree: list[Tree]
    end: int
    reason: str = ""
    commas: bool = True  # numbers with only spaces between are a program's print


def printed(text: str) -> Printed:
    """Read the array that a text begins with. A semicolon ends a row, as in ``[0.4 0.45; 0.5 0.55]``.

    >>> [[each.text for each in row] for row in printed("[[0.4  0.45]\\n [0.5  0.55]]").tree]
    [['0.4', '0.45'], ['0.5', '0.55']]
    """
    open_lists: list[list[Tree]] = []
    rows: list[list[Tree]] = []  # finished by semicolons, of the innermost list
    commas, follows = False, False
    for match in TOKEN.finditer(text):
        token = match[0]
        spaced, follows = follows, False
        if token == "[":
            if len(open_lists) == DEEPEST:
                return Printed([], 0, f"it has more than {DEEPEST} levels of brackets")
            inner: list[Tree] = []
            if open_lists:
                open_lists[-1].append(inner)
            open_lists.append(inner)
        elif token == "]":
            done = open_lists.pop()
            if rows:
                done[:] = [*rows, done.copy()] if done else list(rows)
                rows = []
            if not open_lists:
                return Printed(done, match.end(), commas=commas)
        elif token == ";" and len(open_lists) == 1:
            commas = True
            rows.append(open_lists[-1].copy())
            open_lists[-1].clear()
        elif token == ",":
            commas = True
        elif token in ("...", "…"):
            return Printed([], 0, "it is shortened with ...; print all of it")
        elif NUMERIC.match(token) and (number := typed(token)) is not None and not (spaced and _touches(text, match)):
            open_lists[-1].append(number)
            follows = True
        else:
            return Printed([], 0, f"{token} stands among its numbers")
    return Printed([], 0, "a bracket is not closed")


def _touches(text: str, match: re.Match[str]) -> bool:
    """Whether a number stands right behind another one, as in ``0.5-0.3``."""
    return not text[match.start() - 1].isspace()


def as_printed(tree: Tree) -> Tree:
    """The numbers of a program's print: it shows all of them to the same digit and leaves zeros out at the end."""
    most = max((_decimals(each) for _, each in leaves(tree)), default=0)
    return _widened(tree, most) if most else tree


def _decimals(number: Typed) -> int:
    return len(re.split("[eE]", number.text)[0].partition(".")[2])


def _widened(tree: Tree, most: int) -> Tree:
    if isinstance(tree, list):
        return [_widened(each, most) for each in tree]
    if "." not in tree.text:
        return tree
    missing = most - _decimals(tree)
    unit = tree.unit or Decimal(1)
    return tree._replace(unit=unit.scaleb(-missing)) if missing or tree.unit else tree


def leaves(tree: Tree, index: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Typed]]:
    """The numbers of nested lists with their places, which are counted from 1."""
    if isinstance(tree, list):
        for place, each in enumerate(tree, 1):
            yield from leaves(each, (*index, place))
    else:
        yield index, tree


def entries(name: str, tree: list[Tree], after: int, place: str) -> Iterator[Item]:
    """Nested lists of numbers: one array where they have all their digits, else each number by its address.

    The shortest text of one float in ten or so has fewer digits than the others.
    """
    found = list(leaves(tree))
    if not found:
        yield unread(place, f"{name} = []", "this is a list without numbers")
    elif _have_all_digits([number for _, number in found]) and (array := as_array(tree)) is not None:
        yield ArrayAnswer(name, array, after, place)
    else:
        for index, number in found:
            yield answer(f"{name}[{','.join(map(str, index))}]", number, after, place)


def _have_all_digits(numbers: Sequence[Typed]) -> bool:
    full = sum(number.value.is_finite() and len(number.value.as_tuple().digits) >= ALL_DIGITS for number in numbers)
    return full == len(numbers) or full >= MOSTLY * len(numbers) > MOSTLY * 10


def as_array(tree: list[Tree]) -> NDArray[np.float64] | None:
    """Nested lists as an array of floats; None where the rows have different lengths."""
    plain = _floats(tree)
    try:
        return np.array(plain, float)
    except ValueError:
        return None


def _floats(tree: Tree) -> object:
    return [_floats(each) for each in tree] if isinstance(tree, list) else float(tree.value)
