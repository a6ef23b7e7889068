"""What a check has found, as plain data; every report is made from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.check.mark import Verdict
from chainrule.formula.expression import Expr


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake that gives a number.

    ``explains`` are the names of the person's wrong numbers that it gives, ``against`` how many right ones it would
    have made wrong. ``ambiguous_with`` are the ids of other causes that explain as much; ``apart`` says which other
    inputs would tell them apart. ``chance`` is how many of the tried candidates would fit these digits by accident.
    """

    id: str
    text: str
    why: str = ""
    explains: tuple[str, ...] = ()
    against: int = 0
    ambiguous_with: tuple[str, ...] = ()
    apart: str = ""
    chance: float = 0.0
    made: "Made | None" = None


@dataclass(frozen=True, slots=True)
class Made:
    """The line on which a mistake was made, its formula with the mistake, and the numbers in it."""

    line: str
    formula: Expr
    text: str  # the same as plain text: ``delta_o1 = dE_total/dout_o1``
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """One of the person's numbers with its verdict. ``expected`` and ``own`` are None where there is none."""

    name: str
    given: str
    verdict: Verdict
    expected: Any = None
    own: Any = None  # with the person's own earlier numbers
    note: str = ""
    after: int = 0
    place: str = ""
    quantity: str = ""  # the name that the program has for it
    earlier: tuple[str, ...] = ()  # the numbers that it follows from
    causes: tuple[Cause, ...] = ()
    line: str = ""  # of the sheet
    count: int = 1  # how many numbers were handed in by this name


@dataclass(frozen=True, slots=True)
class FamilySummary:
    """The entries of one whole array: how many there are, and how many are right."""

    name: str
    count: int
    right: int
    largest: float  # difference
    first_wrong: str = ""


@dataclass(frozen=True, slots=True)
class Convention:
    """Another convention than the network's, such as the error without its half; or two of them."""

    id: str
    text: str

    @property
    def is_double(self) -> bool:
        """Whether two choices are made otherwise."""
        return "+" in self.id


@dataclass(frozen=True, slots=True)
class Result:
    """A whole check. ``convention`` is another one under which all is right."""

    title: str
    checked: tuple[Checked, ...]
    first_wrong: int | None = None  # a place in ``checked``
    convention: Convention | None = None
    notes: tuple[str, ...] = ()
    unread: tuple[tuple[str, str, str], ...] = ()  # place, text, reason
    families: tuple[FamilySummary, ...] = ()
    tried: int = 0
    published: bool = False
    source: str = ""

    def count(self, *verdicts: Verdict) -> int:
        """How many numbers have one of the verdicts."""
        return sum(1 for each in self.checked if each.verdict in verdicts)


def all_right(result: Result) -> bool:
    """Whether no number is wrong, and some could be checked: then a command that checks exits with 0."""
    checkable = result.families or not result.checked or result.count(Verdict.RIGHT, Verdict.DIGITS)
    wrong = result.count(Verdict.WRONG, Verdict.FOLLOWS)
    return bool(checkable) and not wrong and all(each.right == each.count for each in result.families)


def first_name(result: Result) -> str | None:
    """The name of the first wrong number, with its round; of a whole array, that of its first wrong entry."""
    if result.first_wrong is None:
        return None
    each = result.checked[result.first_wrong]
    if each.count > 1:
        return each.quantity
    return each.name if not each.after else f"{each.name} after {each.after}"


def as_data(result: Result) -> dict[str, Any]:
    """The result as plain data for JSON."""
    convention = result.convention
    return {
        "schema": 1,
        "title": result.title,
        "source": result.source,
        "first_wrong": first_name(result),
        "convention": None if convention is None else {"id": convention.id, "text": convention.text},
        "verdicts": [_checked_data(each) for each in result.checked],
        "families": [_family_data(each) for each in result.families],
        "unread": [{"place": place, "text": text, "reason": reason} for place, text, reason in result.unread],
        "notes": list(result.notes),
        "candidates_tried": result.tried,
    }


def _checked_data(each: Checked) -> dict[str, Any]:
    return {
        "name": each.name,
        "quantity": each.quantity or None,
        "given": _number(each.given),
        "given_text": each.given,
        "expected": _float(each.expected),
        "with_your_numbers": _float(each.own),
        "verdict": each.verdict.value,
        "note": each.note,
        "after": each.after,
        "place": each.place,
        "follows_from": list(each.earlier),
        "causes": [
            {
                "id": cause.id,
                "text": cause.text,
                "why": cause.why,
                "formula": None if cause.made is None else cause.made.text,
                "explains": len(cause.explains),
                "explains_names": list(cause.explains),
                "contradicts": cause.against,
                "ambiguous_with": list(cause.ambiguous_with),
                "to_tell_apart": cause.apart,
                "by_chance": round(cause.chance, 4),
            }
            for cause in each.causes
        ],
    }


def _family_data(each: FamilySummary) -> Mapping[str, Any]:
    return {
        "name": each.name,
        "count": each.count,
        "right": each.right,
        "wrong": each.count - each.right,
        "largest_difference": _float(each.largest),
        "first_wrong": each.first_wrong or None,
    }


def _float(value: Any) -> float | None:
    """A number for JSON, which knows no NaN and no infinity."""
    if value is None:
        return None
    number = float(value)
    return number if number - number == 0 else None


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if number - number == 0 else text


def as_json(result: Result) -> str:
    """The result as JSON text."""
    return json.dumps(as_data(result), indent=2, ensure_ascii=False) + "\n"


MARKS_HEADER = ("name", "your number", "verdict", "right number", "with your numbers", "note", "likely cause")


def marks(result: Result) -> list[tuple[Any, ...]]:
    """The answers handed back: a row each, with the columns of ``MARKS_HEADER``."""
    return [
        (
            each.name if not each.after else f"{each.name} after {each.after}",
            _number(each.given),
            each.verdict.value,
            _float(each.expected),
            _float(each.own) if each.verdict in (Verdict.FOLLOWS, Verdict.WRONG) else None,
            each.note,
            each.causes[0].text if each.causes and each.verdict == Verdict.WRONG else "",
        )
        for each in result.checked
    ]
