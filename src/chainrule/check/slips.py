"""What can go wrong once, in one line: every small change of its formula, and of the numbers in it."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np

from chainrule.check.answers import Answer
from chainrule.check.bounds import significant
from chainrule.check.edits import Change, Edit, Kin, Numbers, edited, edits, exchanged
from chainrule.check.sheet import Key, Sheet, dependents, identifier, sources
from chainrule.check.vector import VECTOR
from chainrule.explain.names import Ratio, Scalar
from chainrule.formula.expression import Expr, Ref
from chainrule.numbers.evaluate import evaluate_names
from chainrule.program.program import Family, Role, adjoint_name, updated_name

MOST_KIN = 24  # quantities that one is taken for
MOST_LINES = 40  # lines that go into a number and are looked at
MOST_PER_LINE = 4000  # changes of one line


@dataclass(frozen=True, slots=True)
class Slip:
    """One change on one line: its formula edited, or its number changed on the way.

    ``was`` and ``now`` are the parts of the formula that an edit changed; ``text`` says a change of the number.
    ``likely`` is higher for what happens more often.
    """

    id: str
    line: str
    likely: float
    formula: Expr | None = None
    change: Change | None = None
    was: Expr | None = None
    now: Expr | None = None
    text: str = ""


LIKELY = {
    Change.REFERENCE: 0.5,
    Change.TERM: 0.45,
    Change.FACTOR: 0.45,
    Change.SIGN: 0.45,
    Change.TWICE: 0.2,
    Change.ADDED: 0.15,
    Change.DIVIDED: 0.15,
    Change.POWER: 0.4,
    Change.FUNCTION: 0.3,
    Change.NUMBER: 0.3,
    Change.BRANCH: 0.3,
}


Near = Callable[[Numbers], Iterable[int]]


def tried(
    sheet: Sheet,
    line: str,
    answer: Answer,
    values: Mapping[str, Any],
    pinned: Iterable[str],
    kin: Kin,
    near: Near,
) -> tuple[list[tuple[Slip, float]], Numbers]:
    """The single slips here and in the unreported lines before, as far back as reported (``pinned``) ones, that come
    ``near`` to the answer, with what each makes of it; and the numbers of all that were tried.

    ``values`` are what the lines give with the person's own numbers, and at reported lines those numbers themselves.
    """
    stop = {each for each in pinned if each != line}
    floats = {text: float(value) for text, value in values.items()}
    found: list[tuple[Slip, float]] = []
    every: list[Numbers] = []
    for here in islice((text for text in sources(sheet, line, stop) if text not in stop), MOST_LINES):
        slips = _on_line(sheet, here, floats, kin, answer, here == line)
        numbers = _carried(sheet, here, line, slips.numbers, floats, stop)
        found += [(slips.of(place), float(numbers[place])) for place in near(numbers)]
        every.append(numbers)
    return found, np.concatenate(every) if every else np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class _OnLine:
    """The slips on one line, edits of its formula first, and the number that each gives there."""

    line: str
    formula: Expr | None
    edits: Sequence[Edit]
    others: Sequence[Slip]
    numbers: Numbers

    def of(self, place: int) -> Slip:
        if place >= len(self.edits):
            return self.others[place - len(self.edits)]
        edit = self.edits[place]
        assert self.formula is not None
        name = f"{edit.change.name.lower()}-{place}@{self.line}"
        formula = edited(self.formula, edit)
        return Slip(name, self.line, LIKELY[edit.change], formula, edit.change, edit.was, edit.now)


def _on_line(
    sheet: Sheet, here: str, values: Mapping[str, float], kin: Kin, answer: Answer, last: bool
) -> _OnLine:  # fmt: skip
    """The slips on one line."""
    formula = sheet.lines.get(here)
    found: list[Edit] = []
    numbers = np.zeros(0)
    if formula is not None:
        later = {here, *dependents(sheet, [here])}

        def before(node: Ref) -> Iterator[Expr]:
            """A quantity that depends on this line can't have been taken for one that goes into it."""
            return (other for other in kin(node) if not isinstance(other, Ref) or other.name not in later)

        found, numbers = edits(formula, before, values)
    others = list(_misread(here, values[here], formula is None))
    if not last:
        others += _rounded_early(here, values[here], answer)
    most = MOST_PER_LINE
    numbers = np.concatenate([numbers[:most], np.array([value for _, value in others], float)])
    return _OnLine(here, formula, found[:most], [slip for slip, _ in others], numbers)


def _misread(here: str, value: float, given: bool) -> Iterator[tuple[Slip, float]]:
    """A number copied wrongly: the point moved, two digits exchanged, the sign lost."""
    read = "is read as" if given else "is carried on as"
    likely = 0.35 if given else 0.2
    for factor in (10.0, 0.1):
        text = f"{{line}} {read} {value * factor:.6g}: the point is moved"
        yield Slip(f"point-{factor:g}@{here}", here, likely, text=text), value * factor
    yield Slip(f"sign-lost@{here}", here, likely, text="the sign of {line} is lost"), -value
    exact = Decimal(repr(value)) if given and math.isfinite(value) else None
    if exact is not None and len(exact.as_tuple().digits) <= 6:
        for place, other in enumerate(exchanged(exact)):
            text = f"{{line}} is read as {other}: two digits exchanged"
            yield Slip(f"digits-{place}@{here}", here, 0.35, text=text), float(other)


def _rounded_early(here: str, value: float, answer: Answer) -> Iterator[tuple[Slip, float]]:
    """A number on the way rounded or cut off to few digits, then used."""
    if not value or not math.isfinite(value):
        return
    size = math.floor(math.log10(abs(value))) + 1
    for digits in range(1, min(7, significant(answer) + 3)):
        unit = 10.0 ** (size - digits)
        if abs(value / unit) > 1e15:
            return
        for way, rounded in (("rounded", round(value / unit) * unit), ("cut off", math.trunc(value / unit) * unit)):
            text = f"{{line}} was {way} to {rounded:.{digits}g} before it was used"
            yield Slip(f"rounded-early-{digits}-{way[0]}@{here}", here, 0.4 - 0.02 * digits, text=text), rounded


def written_slips(answer: Answer, value: float) -> Iterator[Slip]:
    """What can go wrong in writing the result down: digits exchanged, the point moved, the sign lost, one digit off."""
    if not math.isfinite(value) or not answer.unit:
        return
    unit = answer.unit
    right = Decimal(value).quantize(unit) if abs(value) < 1e20 else Decimal(value)
    if answer.value == -right and right:
        yield Slip("sign-lost", "", 0.5, text="the sign is turned round")
    for other in exchanged(right):
        if other == answer.value:
            yield Slip("digits-exchanged", "", 0.6, text=f"two digits of {right} are exchanged")
    for shift in (-3, -2, -1, 1, 2, 3):
        moved = Decimal(value).scaleb(shift)
        if abs(moved - answer.value) <= unit:
            places = f"{abs(shift)} place{'s' * (abs(shift) > 1)}"
            text = f"the decimal point is {places} too far to the {'right' if shift > 0 else 'left'}"
            yield Slip("point-moved", "", 0.5, text=text)
    off = abs(answer.value - right)
    digits = off.normalize().as_tuple().digits
    if off and len(digits) == 1 and off > 2 * unit and off < abs(right):
        text = "one digit differs from the right number: copied or added up wrongly"
        yield Slip("one-digit", "", 0.1, text=text)


def kin_of(sheet: Sheet) -> Kin:
    """What a quantity can be taken for: its neighbours, and those of the same place in other families."""
    known: dict[str, tuple[Expr, ...]] = {}
    families: dict[tuple[int, str], list[tuple[str, Scalar]]] = {}
    ratios: dict[tuple[int, str, str], list[str]] = {}
    for text, (done, quantity) in sheet.keys.items():
        if isinstance(quantity, Ratio):
            ratios.setdefault((done, quantity.of.family, quantity.by.family), []).append(text)
        else:
            families.setdefault((done, quantity.family), []).append((text, quantity))

    def found(key: Key) -> Iterator[str]:
        if isinstance(key.quantity, Ratio):
            yield from ratios[(key.done, key.quantity.of.family, key.quantity.by.family)]
            below = identifier(Key(key.done, Scalar(adjoint_name(key.quantity.by.family), key.quantity.by.index)))
            yield from (below,) if below in sheet.keys else ()
        else:
            yield from _relatives(sheet, key.done, key.quantity, families)

    def kin(node: Ref) -> Iterable[Expr]:
        if node.name not in known:
            key = sheet.keys.get(node.name)
            names = dict.fromkeys(islice(found(key), 4 * MOST_KIN)) if key is not None else {}
            known[node.name] = tuple(Ref(text) for text in islice(names, MOST_KIN) if text != node.name)
        return known[node.name]

    return kin


def _relatives(
    sheet: Sheet, done: int, scalar: Scalar, by_family: Mapping[tuple[int, str], Sequence[tuple[str, Scalar]]]
) -> Iterator[str]:
    families = sheet.names[done].program.families
    family, index = families[scalar.family], scalar.index
    others = [_updated_pair(family.name, families)]
    others += [each.name for each in families.values() if each.name != family.name and _alike(family, each)]
    for name in others:
        if name and len(families[name].shape) == len(index):
            text = identifier(Key(done, Scalar(name, index)))
            if text in sheet.keys:
                yield text
    same = by_family[(done, family.name)]
    yield from (text for text, _ in sorted(same, key=lambda pair: _distance(pair[1], index)))
    if family.role in (Role.PARAMETER, Role.INPUT):
        wanted = (Role.PARAMETER,) if family.role == Role.PARAMETER else (Role.INPUT, Role.TARGET)
        for each in families.values():
            if each.role in wanted:
                yield from (text for text, _ in by_family.get((done, each.name), ()))


def _updated_pair(family: str, families: Mapping[str, Any]) -> str:
    if updated_name(family) in families:
        return updated_name(family)
    return family.removesuffix("_next") if family.endswith("_next") and family.removesuffix("_next") in families else ""


def _alike(first: Family, second: Family) -> bool:
    """Families whose numbers stand at the same places, so that one can be taken for the other."""
    return first.shape == second.shape and Role.SETTING not in (first.role, second.role)


def _distance(scalar: Scalar, index: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(scalar.index, index, strict=True))


def _carried(
    sheet: Sheet, start: str, end: str, numbers: Numbers, values: Mapping[str, float], stop: set[str]
) -> Numbers:
    """What each of a line's numbers makes of a later line; reported lines between keep the person's number."""
    if start == end:
        return numbers
    wanted = set(sources(sheet, end, stop))
    used: dict[str, Any] = dict(values)
    used[start] = numbers
    with np.errstate(all="ignore"):
        for text in dependents(sheet, [start], stop):
            if text == end or (text in wanted and text not in stop):
                used[text] = evaluate_names(sheet.lines[text], used, VECTOR)
    return np.broadcast_to(np.asarray(used[end], float), numbers.shape)
