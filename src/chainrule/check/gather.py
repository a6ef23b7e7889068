"""What readers of answers produce one after the other, and all of it together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrule.check.answers import Answer, Answers, ArrayAnswer, Unread
from chainrule.check.typed import Typed

LONGEST_NAME = 200
SHOWN = 60  # characters of what could not be read
NAMED = 5  # names in a note


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about how the answers were read."""

    text: str


Item = Answer | ArrayAnswer | Unread | Note


def answer(name: str, number: Typed, after: int, place: str) -> Answer | Unread:
    """A number by its name; a name that is far too long is none."""
    if len(name) > LONGEST_NAME:
        return unread(place, name, f"names have up to {LONGEST_NAME} characters")
    return Answer(name, number.text, number.value, number.unit, after, place)


def unread(place: str, text: str, reason: str) -> Unread:
    """What could not be read, shortened.

    >>> unread("line 3", "a  b" * 40, "why").text
    'a ba ba ba ba ba ba ba ba ba ba ba ba ba ba ba ba ba ba b...'
    """
    text = " ".join(text[: 4 * SHOWN].split())
    return Unread(place, text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...", reason)


def gathered(items: Iterable[Item], source: str = "") -> Answers:
    """All items as answers. Names that are there twice are kept, and a note says so."""
    numbers: list[Answer] = []
    arrays: list[ArrayAnswer] = []
    others: list[Unread] = []
    notes: dict[str, None] = {}
    for item in items:
        match item:
            case Answer():
                numbers.append(item)
            case ArrayAnswer():
                arrays.append(item)
            case Unread():
                others.append(item)
            case Note():
                notes[item.text] = None
    twice = _twice([*numbers, *arrays])
    return Answers(tuple(numbers), tuple(arrays), tuple(others), (*notes, *twice), source)


def _twice(found: Sequence[Answer | ArrayAnswer]) -> list[str]:
    """A note for the names that are there more than once in the same round."""
    first: dict[tuple[str, int], Answer | ArrayAnswer] = {}
    again = [(kept, each) for each in found if (kept := first.setdefault((each.name, each.after), each)) is not each]
    if not again:
        return []
    names = list(dict.fromkeys(each.name for _, each in again))
    kept, each = again[0]
    where = f" ({kept.place} and {each.place})" if len(again) == 1 and kept.place and kept.place != each.place else ""
    one = len(names) == 1
    return [f"{some(names)} {'is' if one else 'are'} there more than once{where}; each of them is checked"]


def some(names: Sequence[str]) -> str:
    """Names for a note, the first few of many.

    >>> some(["a", "b"]), some([str(n) for n in range(9)])
    ('a, b', '0, 1, 2, 3, 4 and 4 more')
    """
    shown = ", ".join(name if len(name) <= SHOWN else f"{name[: SHOWN - 3]}..." for name in names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
