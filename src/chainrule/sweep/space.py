"""The values to try: lists and ranges as they are typed, all their combinations, or some drawn at random."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, floor, log

import numpy as np

from chainrule.training.problems import TrainingError

Value = int | float | str
Settings = dict[str, Value]  # one value for each setting that is varied
RANGE = re.compile(r"(?P<low>[^.\s]\S*?)\.\.(?P<high>\S+)(?P<log>\s+log)?(?:\s+in\s+(?P<count>\d+))?")
HOW = "values as 8,16,32, a range as 1..13, or 0.001..1 log in 4"
DRAWN = 4  # what is drawn, as the second word of a seed: beside those of training


@dataclass(frozen=True, slots=True)
class Values:
    """Some values of a setting, each as good as any other.

    >>> Values("units", (8, 16)).at(0.6)
    16
    """

    name: str
    values: tuple[Value, ...]

    @property
    def listed(self) -> tuple[Value, ...]:
        """All values, for a grid."""
        return self.values

    def at(self, share: float) -> Value:
        """The value at a share from 0 up to but not 1 of the way through them."""
        return self.values[floor(share * len(self.values))]


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from ``low`` to ``high``: evenly, or with ``log`` evenly in their logarithm."""

    name: str
    low: float
    high: float
    log: bool = False

    @property
    def listed(self) -> tuple[Value, ...]:
        """Raises ``TrainingError``: a grid has no end of values."""
        raise TrainingError(
            f"{self.name}: a grid needs to know how many values there are between {self.low:g} and {self.high:g}; "
            f"write {self.low:g}..{self.high:g}{' log' * self.log} in 4, or choose --method random"
        )

    def at(self, share: float) -> Value:
        """The number at a share from 0 to 1 of the way."""
        if self.log:
            return exp(log(self.low) + share * (log(self.high) - log(self.low)))
        return self.low + share * (self.high - self.low)


Dimension = Values | Range


def parse_dimension(text: str) -> Dimension:
    """A setting and the values to try, as typed. Raises ``TrainingError`` for what can't be read.

    >>> parse_dimension("layers=1..3").listed
    (1, 2, 3)
    >>> parse_dimension("learning_rate=0.01..1 log in 3").listed
    (0.01, 0.1, 1.0)
    >>> parse_dimension("activation=tanh,relu").listed
    ('tanh', 'relu')
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    if not name or not equals or not values:
        raise TrainingError(f"what is varied is a setting and its values, such as units=8,16,32; not {text!r}")
    if match := RANGE.fullmatch(values):
        return _range(name, match)
    listed = tuple(_value(each) for each in values.split(","))
    if "" in listed:
        raise TrainingError(f"{name}: between two commas of {values!r} there is no value; write {HOW}")
    if len(set(listed)) < len(listed):
        twice = next(each for each in listed if listed.count(each) > 1)
        raise TrainingError(f"{name}: {twice} is there twice")
    return Values(name, listed)


def _range(name: str, match: re.Match[str]) -> Dimension:
    low, high = _value(match["low"]), _value(match["high"])
    if isinstance(low, str) or isinstance(high, str) or not low < high:
        raise TrainingError(f"{name}: {match[0]} is no range; write a smaller number, two dots and a larger one")
    if match["log"] and low <= 0:
        raise TrainingError(f"{name}: a logarithmic range begins above 0, not at {low}")
    whole = isinstance(low, int) and isinstance(high, int)
    logarithmic = bool(match["log"])
    if match["count"]:
        count = int(match["count"])
        if count < 2:
            raise TrainingError(f"{name}: a range has at least 2 values, its ends")
        between = Range(name, low, high, logarithmic)
        found = [between.at(place / (count - 1)) for place in range(count)]
        # As a person would write them: so many digits tell neighbours apart.
        rounded = (round(float(each)) if whole else float(f"{float(each):.6g}") for each in found)
        return Values(name, tuple(dict.fromkeys(rounded)))
    if whole and not logarithmic:
        return Values(name, tuple(range(int(low), int(high) + 1)))
    return Range(name, low, high, logarithmic)


def _value(text: str) -> Value:
    text = text.strip()
    for kind in (int, float):
        try:
            number: int | float = kind(text)
        except ValueError:
            continue
        if "_" not in text and abs(number) < float("inf"):
            return number
    return text


def grid(dimensions: Sequence[Dimension]) -> Iterator[Settings]:
    """All combinations; the last setting changes fastest. Raises ``TrainingError`` for a range without a count.

    >>> list(grid([Values("units", (1, 2)), Values("seed", (0,))]))
    [{'units': 1, 'seed': 0}, {'units': 2, 'seed': 0}]
    """
    listed = [each.listed for each in dimensions]
    return (dict(zip((each.name for each in dimensions), chosen, strict=True)) for chosen in product(*listed))


def drawn(dimensions: Sequence[Dimension], seed: int, number: int) -> Settings:
    """One draw of all settings, each independent of the others. It follows from the seed and its number alone."""
    shares = np.random.default_rng([seed, DRAWN, number]).random(len(dimensions))
    return {each.name: each.at(float(share)) for each, share in zip(dimensions, shares, strict=True)}


def check_names(dimensions: Sequence[Dimension], known: Mapping[str, str]) -> None:
    """Raise ``TrainingError`` for a setting that there isn't, with those that there are, or that is there twice."""
    names = [each.name for each in dimensions]
    for name in names:
        if name not in known:
            raise TrainingError(f"there is no setting {name!r} to vary; there are: {', '.join(known)}")
        if names.count(name) > 1:
            raise TrainingError(f"{name} is varied twice; give all its values at once")
