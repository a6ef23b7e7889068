"""Whole arrays of numbers, as a framework or a program hands them in: every entry compared, none in an average.

What the sheet does line by line is done family by family here: a family's right numbers, what it should be with the
person's own earlier arrays, and what each mistake would make of it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.check.bends import Bend
from chainrule.check.candidates import bent_program
from chainrule.check.mark import Verdict
from chainrule.check.mistakes import MISTAKES, Mistake
from chainrule.explain.names import Names, Scalar, name
from chainrule.formula.expression import refs
from chainrule.program.program import GIVEN, Definition, Program

Array = NDArray[Any]
# Calculates the wanted families of a program from given numbers, as floats of a dtype.
Calculate = Callable[[Program, Collection[str], Mapping[str, Array], type], Mapping[str, Array]]

NEAR = 1e-9  # relative to the entry: floats of 64 bits, whatever the order of long sums
ROUNDED = {2: 2.0**-8, 4: 2.0**-24}  # relative rounding by the bytes of a dtype; two bytes may be bfloat16
OWN = "__own"  # what a reported family would be, from the person's own numbers


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Numbers of one family in one round: all of it, or at some places (a row of indices each)."""

    name: str  # as the person wrote it
    family: str
    values: Array  # flat
    places: Array | None = None  # None for all of it
    bytes: int = 8  # of the dtype in which they were handed in
    digits: Array | None = None  # the worth of one unit in the last digit typed, for each; None for floats

    def of(self, array: Array) -> Array:
        """The same entries of another array of the family's shape."""
        return (
            np.asarray(array, float).ravel() if self.places is None else np.asarray(array, float)[tuple(self.places.T)]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A part with what it should be, and a verdict for each entry as a flat array of booleans."""

    part: Part
    right: Array
    own: Array
    is_right: NDArray[np.bool_]
    follows: NDArray[np.bool_]
    single: bool  # right as float32 has it

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The entries that are neither right nor follow from earlier ones."""
        return ~self.is_right & ~self.follows

    @property
    def verdict(self) -> Verdict:
        """The verdict for the part as a whole: that of its worst entry."""
        if self.wrong.any():
            return Verdict.WRONG
        return Verdict.FOLLOWS if self.follows.any() else Verdict.RIGHT


def compared(names: Names, given: Mapping[str, Array], parts: Sequence[Part], calculate: Calculate) -> list[Compared]:
    """Compare the parts of one round, in the order of calculation."""
    program = names.program
    order = {
        each: place for place, each in enumerate((*_given_names(program), *(d.target for d in program.definitions)))
    }
    parts = sorted(parts, key=lambda part: order[part.family])
    families = {part.family for part in parts}
    right = dict(given) | dict(calculate(program, families, given, np.float64))
    single = dict(given) | dict(calculate(program, families, given, np.float32))
    own = dict(right)
    whole = {part.family: part for part in parts if part.places is None and np.isfinite(part.values).all()}
    mine = _own_program(program, whole)
    numbers = {each: part.values.reshape(program.families[each].shape) for each, part in whole.items()}
    calculated = calculate(
        mine, [each + OWN for each in whole if each in _defined(program)], {**given, **numbers}, np.float64
    )
    own |= {each.removesuffix(OWN): array for each, array in calculated.items()}
    found: list[Compared] = []
    wrong: set[str] = set()
    for part in parts:
        each = _compare(part, right[part.family], single[part.family], own[part.family])
        if not _uses(program, part.family, wrong, families):
            each = replace(each, follows=np.zeros_like(each.follows))
        if not each.is_right.all():
            wrong.add(part.family)
        found.append(each)
    return found


def _given_names(program: Program) -> list[str]:
    return [each.name for each in program.families.values() if each.name not in _defined(program)]


def _defined(program: Program) -> set[str]:
    return {each.target for each in program.definitions}


def _own_program(program: Program, reported: Collection[str]) -> Program:
    """The program in which reported families are given, and what they would be has a name of its own."""
    families = dict(program.families)
    definitions: list[Definition] = []
    for definition in program.definitions:
        if definition.target in reported:
            families[definition.target + OWN] = replace(families[definition.target], name=definition.target + OWN)
            definitions.append(replace(definition, target=definition.target + OWN))
        else:
            definitions.append(definition)
    return Program(families, tuple(definitions))


def _compare(part: Part, right: Array, single: Array, own: Array) -> Compared:
    true, mine = part.of(right), part.of(own)
    as_single = np.abs(part.of(single) - true)
    # Where an entry is a difference of larger numbers, the noise is that of the family, not of the entry.
    noise = NEAR * np.abs(true) + 1e-13 * np.abs(true).max(initial=0.0)
    rough = ROUNDED.get(part.bytes, 0.0) * 4 * np.abs(true) if part.bytes == 2 else 0.0
    in_single = 8 * (ROUNDED[4] * np.abs(true) + as_single.max(initial=0.0)) + rough
    off = np.abs(part.values - true)
    plain = off <= _tolerance(part, noise)
    is_single = _are_single(part)
    close = plain | (is_single & (off <= in_single))
    slack = np.where(is_single, np.maximum(_tolerance(part, noise), in_single), _tolerance(part, noise))
    follows = ~close & (np.abs(part.values - mine) <= np.maximum(slack, NEAR * np.abs(mine)))
    follows &= ~((mine == 0) & (true != 0))  # what is 0 whatever is done shows nothing
    return Compared(part, true, mine, close, follows, bool((close & ~plain).any()))


def _tolerance(part: Part, noise: Array) -> Array:
    return noise if part.digits is None else noise + part.digits * (1 + 1e-9)


def _are_single(part: Part) -> NDArray[np.bool_]:
    """Which of the numbers are floats of 32 bits, or fewer."""
    if part.bytes <= 4:
        return np.ones(part.values.shape, bool)
    with np.errstate(over="ignore"):
        return np.asarray(part.values.astype(np.float32).astype(float) == part.values)


def _uses(program: Program, family: str, wrong: set[str], reported: set[str]) -> bool:
    """Whether a family is calculated from a wrong one, with no other reported family between."""
    definitions = {each.target: each for each in program.definitions}
    waiting, seen = [family], {family}
    while waiting:
        each = waiting.pop()
        if each in wrong and each != family:
            return True
        if (each in reported and each != family) or each not in definitions:
            continue
        for node in refs(definitions[each].formula):
            if node.name not in seen and node.name in program.families:
                seen.add(node.name)
                waiting.append(node.name)
    return False


def first_wrong(names: Names, each: Compared) -> tuple[str, float, float]:
    """The first wrong entry of a part: its name, what was given, and what is right."""
    at = int(np.argmax(each.wrong if each.wrong.any() else ~each.is_right))
    shape = names.program.families[each.part.family].shape
    index = np.unravel_index(at, shape) if each.part.places is None else tuple(each.part.places[at])
    scalar = Scalar(each.part.family, tuple(int(i) for i in index))
    return name(names, scalar), float(each.part.values[at]), float(each.right[at])


@dataclass(frozen=True, slots=True)
class ArrayCause:
    """What gives the wrong entries of a part: a row, or a plain relation to the right numbers; and how many of them."""

    id: str
    text: str
    why: str
    explained: int
    plausible: float


def array_causes(
    names: Names, given: Mapping[str, Array], found: Sequence[Compared], place: int, calculate: Calculate
) -> list[ArrayCause]:
    """The mistakes that give the wrong entries of one part, best first: made with the person's own earlier arrays."""
    each = found[place]
    program = names.program
    if program.families[each.part.family].role in GIVEN:
        return sorted(_relations(names, given, each, calculate), key=_order)
    whole = {
        other.part.family: other.part.values.reshape(program.families[other.part.family].shape)
        for other in found
        if other.part.places is None and np.isfinite(other.part.values).all()
    }
    causes: dict[str, ArrayCause] = {}
    for row in MISTAKES:
        for bend in row.bend(program):
            cause = _bent_cause(program, given, each, whole, row, bend, calculate)
            if cause is not None and (row.id not in causes or _order(cause) < _order(causes[row.id])):
                causes[row.id] = cause
    most = max((cause.explained for cause in causes.values()), default=0)
    others = [cause for cause in _relations(names, given, each, calculate) if cause.explained > most]
    return sorted([*causes.values(), *others], key=_order)


def _order(cause: ArrayCause) -> tuple[float, float]:
    return (-cause.explained, -cause.plausible)


def _bent_cause(
    program: Program,
    given: Mapping[str, Array],
    each: Compared,
    whole: Mapping[str, Array],
    row: Mistake,
    bend: Bend,
    calculate: Calculate,
) -> ArrayCause | None:
    family = each.part.family
    earlier = {other: array for other, array in whole.items() if other != family}
    bent = _own_program(bent_program(program, bend), [family, *earlier])
    if not _reached(
        bent, {d.target if d.target not in (family, *earlier) else d.target + OWN for d in bend.changes}, family + OWN
    ):
        return None
    try:
        values = calculate(bent, [family + OWN], {**given, **whole}, np.float64)[family + OWN]
    except (ValueError, KeyError):  # the mistake can't be made with these numbers: they would need each other
        return None
    explained = _count(each, each.part.of(values))
    if not explained:
        return None
    detail = f" ({bend.detail})" if bend.detail else ""
    return ArrayCause(row.id, row.text + detail, row.why, explained, row.plausible)


def _reached(program: Program, changed: set[str], target: str) -> bool:
    """Whether a family is, or is calculated from, a changed one."""
    definitions = {each.target: each for each in program.definitions}
    waiting, seen = [target], {target}
    while waiting:
        each = waiting.pop()
        if each in changed:
            return True
        for node in refs(definitions[each].formula) if each in definitions else ():
            if node.name not in seen:
                seen.add(node.name)
                waiting.append(node.name)
    return False


def _count(each: Compared, values: Array) -> int:
    """How many wrong entries have these values."""
    close = 1e-6 if _are_single(each.part).all() else 1e-8
    unit = 0.0 if each.part.digits is None else each.part.digits
    largest = float(np.abs(values).max(initial=0.0))
    near = np.abs(each.part.values - values) <= close * np.abs(values) + 1e-7 * close * largest + unit
    return int((near & each.wrong).sum())


def _relations(names: Names, given: Mapping[str, Array], each: Compared, calculate: Calculate) -> Iterator[ArrayCause]:
    """A constant factor, or another family's numbers."""
    wrong = int(each.wrong.sum())
    with np.errstate(all="ignore"):
        ratios = each.part.values[each.wrong] / each.own[each.wrong]
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) > 1:
        factor = float(np.median(ratios))
        explained = _count(each, factor * each.own)
        if explained > 1 and factor not in (0.0, 1.0):
            text = f"each is {factor:.9g} times the right number"
            yield ArrayCause("constant-factor", text, "", explained, 0.3)
    program = names.program
    shape = program.families[each.part.family].shape
    alike = [f.name for f in program.families.values() if f.shape == shape and f.name != each.part.family]
    values = dict(given) | dict(
        calculate(program, [name for name in alike if name in _defined(program)], given, np.float64)
    )
    for other in alike if wrong > 1 else ():
        explained = _count(each, each.part.of(values[other]))
        if explained > 1:
            yield ArrayCause("other-array", f"these are the numbers of {other}", "", explained, 0.4)
