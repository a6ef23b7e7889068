"""The numbers that a person hands in, each as it was written and with the place where it stands."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray


class AnswersError(ValueError):
    """Answers that can't be read at all: says what, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One number that a person hands in.

    ``text`` is the number as written (``0.3775``, ``3.8e-4``, ``1/2``), ``value`` what it says, ``unit`` the worth of
    one unit in its last digit: ``0.0001`` for ``0.3775``, ``0.1e-4`` for ``3.8e-4``. ``unit`` is 0 where the number
    was not written in digits but is a float with all its bits, or a fraction. ``after`` is the number of rounds done
    before the round that the number belongs to. ``place`` says where it stands: ``line 3``, ``row 4, column value``.
    """

    name: str
    text: str
    value: Decimal
    unit: Decimal = Decimal(0)
    after: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayAnswer:
    """A whole array by one name, with its own dtype: what a framework or a program hands in."""

    name: str
    array: NDArray[np.floating]
    after: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read as a number with a name: where it stands, what it says, and why not."""

    place: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was handed in, in its order. ``notes`` say how it was read where that could be doubted."""

    numbers: tuple[Answer, ...] = ()
    arrays: tuple[ArrayAnswer, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = field(default="", compare=False)


def later(answers: Answers, rounds: int) -> Answers:
    """The same answers, each so many rounds later."""
    if not rounds:
        return answers
    return replace(
        answers,
        numbers=tuple(replace(each, after=each.after + rounds) for each in answers.numbers),
        arrays=tuple(replace(each, after=each.after + rounds) for each in answers.arrays),
    )
