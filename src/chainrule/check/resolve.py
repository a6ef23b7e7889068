"""From the names that a person writes to the quantities meant; what is not plain is said, never guessed silently."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.check.answers import Answer, Answers, ArrayAnswer
from chainrule.check.sheet import Key
from chainrule.explain.find import Quantity, UnknownQuantity, Whole, find_short
from chainrule.explain.names import Names, Ratio, Scalar, name, scalars
from chainrule.program.program import Family, Role, updated_name

NamesAt = Callable[[int], Names]
Known = dict[int, dict[str, Scalar]]  # by the rounds done before
SMALL = 2000  # scalars
FEW_DIGITS = 12  # of a float: with more it has all its bits
FRAMEWORK = re.compile(r"^(.*?)[._/](weight|bias|kernel|w|b|W)(?:[:_]0)?$")
ZERO = re.compile(r"^(.*?)(\d+)$")


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with the quantity that it is for, or the reason why there is none."""

    answer: Answer
    key: Key | None = None
    reason: str | UnknownQuantity = ""


@dataclass(frozen=True, slots=True, eq=False)
class FoundArray:
    """An array for a whole family, brought into the family's shape; or the reason why it can't be."""

    answer: ArrayAnswer
    done: int = 0
    family: str = ""
    array: NDArray[Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """All answers with what they are for, and what there is to say about how they were read."""

    numbers: tuple[Found, ...]
    arrays: tuple[FoundArray, ...]
    notes: tuple[str, ...]


def resolve(answers: Answers, names_at: NamesAt, right: Callable[[int, str], NDArray[Any]]) -> Resolved:
    """Find the quantity of each answer. ``right`` gives a family's right numbers in a round.

    They are needed for one thing only: to recognise a square matrix that was handed in transposed.
    """
    notes: list[str] = []
    known: Known = {}
    numbers = [_found(each, names_at, known, notes) for each in answers.numbers]
    numbers = _from_zero(numbers, names_at, notes)
    arrays = [_array(each, names_at, right, notes) for each in answers.arrays]
    arrays = _framework_names(arrays, names_at, right, notes)
    return Resolved(tuple(numbers), tuple(arrays), (*answers.notes, *dict.fromkeys(notes)))


# W1, dW1, db2, Z1, A1, dZ1: a letter and the number of the layer, as courses write it.
COURSE = re.compile(r"^(d?)([WwbZzAa])\^?[\[{(]?(\d{1,2})[\]})]?(\[[\d,\s]+\])?$")
FAMILIES = {"w": "w_", "b": "b_", "z": "net_", "a": "out_"}


def _by_layer(name: str, names: Names, notes: list[str]) -> str:
    """An array that is named by the number of its layer, under the name that the program has; and says so."""
    match = COURSE.match(re.sub(r"\]\s*\[", ",", name))
    layers = list(dict.fromkeys(each.layer for each in names.program.families.values() if each.layer))
    if match is None or not 0 < int(match[3]) <= len(layers):
        return name
    layer = layers[int(match[3]) - 1]
    family = FAMILIES[match[2].lower()] + layer
    if family not in names.program.families:
        return name
    plain = f"dE/d{family}" if match[1] else family
    notes.append(f"{match[1]}{match[2]}{match[3]} is read as {plain}, of layer {layer}")
    return f"{plain}{match[4] or ''}"


def _found(answer: Answer, names_at: NamesAt, known: Known, notes: list[str]) -> Found:
    text = re.sub(r"\]\s*\[", ",", answer.name)
    names = names_at(answer.after)
    if text.endswith("]"):
        text = _by_layer(text, names, notes)
    if answer.after not in known:
        known[answer.after] = _plain_names(names)
    quantity: Quantity | None = known[answer.after].get(text)
    short = False
    try:
        if quantity is None:
            quantity, short = find_short(names, text)
    except UnknownQuantity as unknown:
        return Found(answer, None, unknown)
    if isinstance(quantity, Whole):
        shape = " x ".join(map(str, names.program.families[quantity.family].shape))
        one = f"{quantity.family}[{','.join('1' for _ in names.program.families[quantity.family].shape)}]"
        return Found(answer, None, f"{answer.name} has {shape} numbers; say which one it is, as in {one}")
    if isinstance(quantity, Scalar) and short:
        notes.append(f"{answer.name} is read as {name(names, quantity)}")
    return Found(answer, at_round(quantity, answer.after, names_at))


def _plain_names(names: Names) -> dict[str, Scalar]:
    """The quantities of a small program by their own names, which needs no search."""
    families = names.program.families.values()
    if sum(prod(family.shape) for family in families) > SMALL:
        return {}
    return {name(names, scalar): scalar for family in families for scalar in scalars(family)}


def at_round(quantity: Scalar | Ratio, done: int, names_at: NamesAt) -> Key:
    """A parameter after so many rounds is what the round before made of it."""
    if isinstance(quantity, Scalar) and done > 0:
        program = names_at(done - 1).program
        role = program.families[quantity.family].role if quantity.family in program.families else None
        if role in (Role.PARAMETER, Role.STATE) and updated_name(quantity.family) in program.families:
            return Key(done - 1, Scalar(updated_name(quantity.family), quantity.index))
    return Key(done, quantity)


def _from_zero(numbers: list[Found], names_at: NamesAt, notes: list[str]) -> list[Found]:
    """Names counted from 0 (``w0``, ``h0``, ``w_o[0,1]``), where one of them shows that they are."""
    stems = {stem for each in numbers if each.key is None and (stem := _zero_stem(each.answer.name)) is not None}
    for stem in stems:
        places = [i for i, each in enumerate(numbers) if _stem_of(each.answer.name) == stem]
        shifted = [
            _found(replace(numbers[i].answer, name=_shifted(numbers[i].answer.name)), names_at, {}, notes)
            for i in places
        ]
        if all(each.key is not None for each in shifted):
            for i, each in zip(places, shifted, strict=True):
                numbers[i] = Found(numbers[i].answer, each.key)
            first = numbers[places[0]].answer.name
            notes.append(f"{stem}... is read as counted from 0: {first} as {_shifted(first)}")
        else:
            bad = next(i for i, each in zip(places, shifted, strict=True) if each.key is None)
            for i in places:
                if _zero_stem(numbers[i].answer.name) is not None:
                    reason = (
                        f"counted from 0, {numbers[bad].answer.name} would not be there; counted from 1, this isn't"
                    )
                    numbers[i] = Found(numbers[i].answer, None, reason)
    return numbers


def _plain(name: str) -> str:
    return re.sub(r"\]\s*\[", ",", name).replace(" ", "")


def _stem_of(name: str) -> str | None:
    """What stands before the number or the brackets."""
    plain = _plain(name)
    bracket = re.match(r"^(.*?)\[[\d,]+\]$", plain)
    if bracket:
        return bracket[1] + "["
    match = ZERO.match(plain)
    return match[1] if match else None


def _zero_stem(name: str) -> str | None:
    """The stem of a name that has the index 0."""
    plain = _plain(name)
    bracket = re.match(r"^(.*?)\[([\d,]+)\]$", plain)
    if bracket:
        return bracket[1] + "[" if "0" in bracket[2].split(",") else None
    match = ZERO.match(plain)
    return match[1] if match and int(match[2]) == 0 else None


def _shifted(name: str) -> str:
    plain = _plain(name)
    bracket = re.match(r"^(.*?)\[([\d,]+)\]$", plain)
    if bracket:
        return f"{bracket[1]}[{','.join(str(int(each) + 1) for each in bracket[2].split(','))}]"
    match = ZERO.match(plain)
    assert match is not None
    return f"{match[1]}{int(match[2]) + 1}"


def _array(
    answer: ArrayAnswer, names_at: NamesAt, right: Callable[[int, str], NDArray[Any]], notes: list[str]
) -> FoundArray:
    names = names_at(answer.after)
    by_layer = _by_layer(answer.name, names, notes)
    try:
        quantity, short = find_short(names, by_layer)
    except UnknownQuantity as unknown:
        return FoundArray(answer, reason=str(unknown))
    if isinstance(quantity, Ratio):
        return FoundArray(answer, reason=f"{answer.name} is one number, not an array")
    if isinstance(quantity, Scalar) and prod(names.program.families[quantity.family].shape) > 1:
        return FoundArray(answer, reason=f"{answer.name} is one number, but here are {answer.array.size}")
    if short:
        notes.append(f"{answer.name} is read as {quantity.family}")
    return _placed(answer, quantity.family, names_at, right, notes)


def _placed(
    answer: ArrayAnswer, name: str, names_at: NamesAt, right: Callable[[int, str], NDArray[Any]], notes: list[str]
) -> FoundArray:
    """The array in the family's shape."""
    family = names_at(answer.after).program.families[name]
    key = at_round(Scalar(name, ()), answer.after, names_at)
    assert isinstance(key.quantity, Scalar)
    done, name = key.done, key.quantity.family
    array, said = in_shape(np.asarray(answer.array), family)
    if array is None and not family.shape and answer.array.size and bool((answer.array == answer.array.flat[0]).all()):
        array, said = (
            np.asarray(answer.array.flat[0]),
            f"{answer.array.size} equal numbers, read as the one that is shared",
        )
    if array is None:
        have = " x ".join(map(str, answer.array.shape)) or "one number"
        need = " x ".join(map(str, family.shape)) or "one number"
        return FoundArray(answer, done, name, reason=f"{answer.name} has the shape {have}; {family.name} needs {need}")
    plain = (
        len(family.shape) == 2 or family.role in (Role.PARAMETER, Role.UPDATED) or _is_gradient(names_at, done, name)
    )
    if plain and len(family.shape) >= 2 and family.shape[-1] == family.shape[-2] and not said:
        array, said = _square(array, right(done, name), said)
    if said:
        notes.append(f"{answer.name} is {said}")
    return FoundArray(answer, done, name, array)


def _is_gradient(names_at: NamesAt, done: int, name: str) -> bool:
    """Whether a family holds the derivatives by a parameter."""
    families = names_at(done).program.families
    return families[name].role == Role.ADJOINT and families[families[name].of].role == Role.PARAMETER


def in_shape(array: NDArray[Any], family: Family) -> tuple[NDArray[Any] | None, str]:
    """An array in a family's shape, and how it was brought there; None where it can't be."""
    shape = family.shape
    if array.shape == shape:
        return array, ""
    if array.size != prod(shape):
        return None, ""
    squeezed = tuple(size for size in shape if size > 1)
    if tuple(size for size in array.shape if size > 1) == squeezed:
        return array.reshape(shape), ""
    if len(squeezed) == 2 and array.ndim >= 2 and tuple(s for s in array.shape if s > 1) == squeezed[::-1]:
        return array.reshape(squeezed[::-1]).T.reshape(shape), "read as transposed: its shape is the other way round"
    if array.ndim == 1:
        return array.reshape(shape), "one row of numbers: read row by row"
    return None, ""


def _square(array: NDArray[Any], right: NDArray[Any], said: str) -> tuple[NDArray[Any], str]:
    """A square matrix transposed, where that makes all of it right and as it stands it isn't."""
    numbers, true = np.asarray(array, float), np.asarray(right, float)
    turned = np.swapaxes(numbers, -1, -2)

    def close(a: NDArray[Any]) -> bool:
        return bool(np.allclose(a, true, rtol=1e-4, atol=1e-7 * float(np.abs(true).max(initial=0.0))))

    if not close(numbers) and close(turned):
        return np.swapaxes(array, -1, -2), "read as transposed: so all of it is right, as it stands it isn't"
    return array, said


def _framework_names(
    arrays: list[FoundArray], names_at: NamesAt, right: Callable[[int, str], NDArray[Any]], notes: list[str]
) -> list[FoundArray]:
    """``0.weight``, ``fc1.bias``: the parameters of a framework, by their order, where every shape fits."""
    places = [i for i, each in enumerate(arrays) if not each.family and FRAMEWORK.match(each.answer.name)]
    if not places:
        return arrays
    names = names_at(arrays[places[0]].answer.after)
    modules = list(dict.fromkeys(_module(arrays[i].answer.name) for i in places))
    layers = _layers(names)
    if len(modules) > len(layers):
        return arrays
    for i in places:
        weights, bias = layers[modules.index(_module(arrays[i].answer.name))]
        match = FRAMEWORK.match(arrays[i].answer.name)
        assert match is not None
        family = bias if match[2].startswith("b") else weights
        if not family:
            continue
        placed = _placed(arrays[i].answer, family, names_at, right, notes)
        if placed.array is not None:
            notes.append(f"{arrays[i].answer.name} is read as {family}, by its order and shape")
            arrays[i] = placed
    return arrays


def _module(name: str) -> str:
    match = FRAMEWORK.match(name)
    return match[1] if match else name


def _layers(names: Names) -> list[tuple[str, str]]:
    """The weights and the bias of each layer, in order; an empty name where it has none."""
    found: dict[str, list[str]] = {}
    for family in names.program.families.values():
        if family.role == Role.PARAMETER:
            pair = found.setdefault(family.layer or family.name, ["", ""])
            pair[family.name.startswith("b")] = family.name
    return [(pair[0], pair[1]) for pair in found.values()]


def entries(found: FoundArray) -> Iterator[tuple[Answer, Key]]:
    """An array's numbers one by one, for a small network.

    Where all of them have few digits, as after rounding, they count as typed with as many decimals.
    """
    assert found.array is not None
    single = found.answer.array.dtype.itemsize <= 4
    texts = {
        index: str(np.float32(found.array[index])) if single else repr(float(found.array[index]))
        for index in np.ndindex(found.array.shape)
    }
    exact = {index: Decimal(text) for index, text in texts.items()}
    finite = [each for each in exact.values() if each.is_finite()]
    rounded = all(len(each.as_tuple().digits) <= FEW_DIGITS for each in finite) and not single
    least = min((int(each.as_tuple().exponent) for each in finite), default=0)
    for index, value in exact.items():
        place = ",".join(str(each + 1) for each in index)
        name = f"{found.answer.name}[{place}]" if place else found.answer.name
        unit = Decimal(0)
        if value.is_finite() and found.answer.array.dtype.itemsize == 2:  # float16, or bfloat16 with its 8 bits
            unit = abs(value) / 256
        elif value.is_finite() and (single or rounded):
            unit = Decimal(1).scaleb(int(value.as_tuple().exponent) if single else least)
        yield (
            Answer(name, texts[index], value, unit, found.answer.after, found.answer.place),
            Key(found.done, Scalar(found.family, tuple(index))),
        )
