"""The names that people use for the scalars of a program, and the way back from what a person writes.

A scalar is a family and an index counted from 0; its address counts from 1 (``w_h[2,1]``). Names follow from rules, so
that a network with a million weights costs nothing until a name is asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple

from chainrule.explain.document import Partial, Symbol
from chainrule.program.blocks import recurrent
from chainrule.program.program import Family, Program, Role

NUMBERED_AT_MOST = 100  # weights: beyond that w_h[12,7] says more than w791


@dataclass(frozen=True, slots=True, order=True)
class Scalar:
    """One number of a program: a family and an index counted from 0."""

    family: str
    index: tuple[int, ...]


class Ratio(NamedTuple):
    """The derivative of one scalar by another: ``dout_o1/dnet_o1``."""

    of: Scalar
    by: Scalar


@dataclass(frozen=True, slots=True)
class Label:
    """How the scalars of a family are written.

    ``base`` is followed by the index: directly where one axis is left (``net_h`` + ``1``), else in brackets.
    ``first`` is the number of the first scalar where they are numbered through (``w5`` is the first weight of the
    output layer), and 0 where they aren't. ``samples`` says that the first axis counts samples and has several.
    """

    base: str
    first: int = 0
    sampled: bool = False  # the first axis is that of the samples
    samples: bool = False  # ... and there are several
    address: bool = False  # written with its whole index in brackets


@dataclass(frozen=True, slots=True)
class Names:
    """The labels of a program's families, and the loss that derivatives are taken of."""

    program: Program
    labels: Mapping[str, Label]
    loss: Scalar
    deltas: bool = True  # whether the derivatives by net inputs are called delta: those of the whole loss are


def names_of(program: Program, loss: str = "E_total", at: tuple[int, ...] = (), *, deltas: bool = True) -> Names:
    """The names of a program's scalars; derivatives are of ``loss``, or of its entry ``at`` counted from 0.

    >>> w = Family("w_o", Role.PARAMETER, ("k", "j"), (2, 2))
    >>> names = names_of(Program({"w_o": w}))
    >>> name(names, Scalar("w_o", (0, 1))), address(names, Scalar("w_o", (0, 1)))
    ('w2', 'w_o[1,2]')
    """
    labels: dict[str, Label] = {}
    layered = any(family.layer for family in program.families.values())
    weights = [f for f in program.families.values() if f.role == Role.PARAMETER and _is_weight(f)]
    numbered = sum(prod(f.shape) for f in weights) <= NUMBERED_AT_MOST
    output = next((f.layer for f in reversed(list(program.families.values())) if f.layer and f.role == Role.VALUE), "")
    stepped = recurrent(program.definitions)
    next_weight, next_bias = 1, 1
    for family in program.families.values():
        if family.role in (Role.ADJOINT, Role.UPDATED):
            continue
        sampled = family.axes[:1] == ("n",)
        left = len(family.axes) - sampled
        base = _separated(family.name, family.name in stepped) if left == 1 else family.name
        first, addressed = 0, left > 1
        if family.role == Role.PARAMETER and _is_weight(family) and numbered:
            base, first, addressed = "w", next_weight, False
            next_weight += prod(family.shape)
        elif family.role == Role.PARAMETER and _is_own("b", family):
            base = f"b{next_bias}" if not family.shape else base
            next_bias += 1
        elif layered and left == 1:
            base = _layered_base(family, output) or base
        labels[family.name] = Label(base, first, sampled, sampled and family.shape[0] > 1, addressed)
    for family in program.families.values():
        if family.role in (Role.STATE, Role.VALUE) and family.of in labels:
            whole = labels[family.of]
            prefix = family.name.removesuffix(family.of)
            labels[family.name] = Label(f"{prefix}{whole.base}", whole.first, address=whole.address)
    return Names(program, _without_clashes(labels, program), Scalar(loss, at), deltas)


def _is_weight(family: Family) -> bool:
    return len(family.axes) == 2 and (family.name == "w" or _is_own("w", family))


def _is_own(letter: str, family: Family) -> bool:
    """Whether a layer has no other weights, or biases, than these: then one number is enough to tell one of them."""
    return family.name == f"{letter}_{family.layer}" if family.layer else family.name.startswith(f"{letter}_")


def _separated(base: str, stepped: bool = False) -> str:
    """``net_h`` stays, so that its scalars are ``net_h1``; ``net_h2`` becomes ``net_h2_``: ``net_h2_1``.

    A state of a recurrence has the number of its step set apart as well: ``h_r_2``.
    """
    return f"{base}_" if stepped or base[-1].isdigit() else base


def _layered_base(family: Family, output: str) -> str:
    """What people write in a network of layers: inputs i1, i2; E_o1 and target_o1 by the output neuron."""
    if family.role == Role.INPUT and family.name == "x":
        return "i"
    if family.name in ("E", "target"):
        return _separated(f"{family.name}_{output}")
    return ""


def _without_clashes(labels: dict[str, Label], program: Program) -> dict[str, Label]:
    """Labels under which two scalars could have the same name give way to addresses."""
    bases: dict[str, list[str]] = {}
    for family, label in labels.items():
        if not label.address and not label.first:
            bases.setdefault(label.base, []).append(family)
    for family, label in labels.items():
        shape = program.families[family].shape
        left = shape[1:] if label.sampled else shape
        count = prod(left)
        clash = len(bases.get(label.base, ())) > 1 and not label.first
        clash |= bool(left) and any(
            other != family
            and other.startswith(label.base)
            and other[len(label.base) :].isdigit()
            and max(label.first, 1) <= int(other[len(label.base) :]) <= label.first + count
            for other in program.families
        )
        if clash and left:
            labels[family] = Label(family, 0, label.sampled, label.samples, address=True)
    return labels


def name(names: Names, scalar: Scalar) -> str:
    """The name that people use: ``w5``, ``net_h1``, ``delta_o1``, ``dE_total/dw5``, ``w5+``, ``net_h1^(2)``."""
    family = names.program.families[scalar.family]
    if family.role == Role.ADJOINT:
        below = Scalar(family.of, scalar.index)
        plain = _plain(names, below)
        if has_delta(names, family):
            return "delta_" + plain.removeprefix("net_")
        return f"d{_loss_name(names)}/d{plain}"
    if family.role == Role.UPDATED:
        return f"{_plain(names, Scalar(family.of, scalar.index))}+"
    return _plain(names, scalar)


def is_net_input(family: Family) -> bool:
    """Whether a family is a net input, whose adjoint is called delta."""
    return family.name.startswith("net_")


def has_delta(names: Names, adjoint: Family) -> bool:
    """Whether a derivative is called delta: that of the loss by a net input."""
    return names.deltas and is_net_input(names.program.families[adjoint.of])


def _loss_name(names: Names) -> str:
    return _plain(names, names.loss) if names.loss.family in names.labels else names.loss.family


def ratio_name(names: Names, ratio: Ratio) -> str:
    """``dout_o1/dnet_o1``."""
    return f"d{name(names, ratio.of)}/d{name(names, ratio.by)}"


def _plain(names: Names, scalar: Scalar) -> str:
    """The name of a scalar that is neither a derivative nor an update."""
    label = names.labels[scalar.family]
    shape = names.program.families[scalar.family].shape
    sample = f"^({scalar.index[0] + 1})" if label.samples else ""
    index, shape = (scalar.index[1:], shape[1:]) if label.sampled else (scalar.index, shape)
    if label.first:
        return f"{label.base}{label.first + _position(index, shape)}{sample}"
    if not index:
        return f"{label.base}{sample}"
    numbers = ",".join(str(each + 1) for each in index)
    return f"{label.base}[{numbers}]{sample}" if label.address else f"{label.base}{numbers}{sample}"


def _position(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    position = 0
    for each, size in zip(index, shape, strict=True):
        position = position * size + each
    return position


def address(names: Names, scalar: Scalar) -> str:
    """The family with the whole index, counted from 1: ``w_h[2,1]``; a derivative's as ``dE_total/dw_h[2,1]``."""
    family = names.program.families[scalar.family]
    numbers = f"[{','.join(str(each + 1) for each in scalar.index)}]" if scalar.index else ""
    if family.role == Role.ADJOINT:
        return f"d{_loss_name(names)}/d{family.of}{numbers}"
    if family.role == Role.UPDATED:
        return f"{family.of}{numbers}+"
    return f"{scalar.family}{numbers}"


def family_name(names: Names, family: str) -> str:
    """A whole family's name: ``w_o``, ``dE_total/dw_o``, ``w_o+``."""
    whole = names.program.families[family]
    if whole.role == Role.ADJOINT:
        return f"d{_loss_name(names)}/d{whole.of}"
    return f"{whole.of}+" if whole.role == Role.UPDATED else family


def scalars(family: Family) -> Iterator[Scalar]:
    """Every scalar of a family, the last index running fastest."""
    return (Scalar(family.name, index) for index in product(*map(range, family.shape)))


def symbol(names: Names, scalar: Scalar) -> Symbol | Partial:
    """How a scalar is typeset."""
    family = names.program.families[scalar.family]
    if family.role == Role.ADJOINT:
        below = Scalar(family.of, scalar.index)
        if has_delta(names, family):
            return _split("delta_" + _plain(names, below).removeprefix("net_"))
        return Partial(_split(_loss_name(names)), _split(_plain(names, below)))
    if family.role == Role.UPDATED:
        plain = _split(_plain(names, Scalar(family.of, scalar.index)))
        return Symbol(plain.base, plain.subscript, plain.sample, updated=True)
    return _split(_plain(names, scalar))


def family_key(names: Names, family: str) -> str:
    """A whole family's name among a document's symbols, where none of its scalars has it: ``delta_o``."""
    whole = names.program.families[family]
    if whole.role == Role.ADJOINT and has_delta(names, whole):
        return "delta_" + whole.of.removeprefix("net_")
    return family_name(names, family)


def family_symbol(names: Names, family: str) -> Symbol | Partial:
    """How a whole family is typeset: ``w_o``, ``dE_total/dw_o``, ``delta_o``."""
    whole = names.program.families[family]
    if whole.role == Role.ADJOINT:
        if has_delta(names, whole):
            return _split("delta_" + whole.of.removeprefix("net_"))
        return Partial(_split(_loss_name(names)), _split(whole.of))
    plain = _split(whole.of if whole.role == Role.UPDATED else family)
    return Symbol(plain.base, plain.subscript, updated=whole.role == Role.UPDATED)


def ratio_symbol(names: Names, ratio: Ratio) -> Partial:
    """How the derivative of one scalar by another is typeset."""
    return Partial(_split(_plain(names, ratio.of)), _split(_plain(names, ratio.by)))


SYMBOLS = {"rate": "eta"}  # settings that have a letter of their own


def _split(plain: str) -> Symbol:
    """``net_h1^(2)`` -> base net, subscript h1, sample 2; ``w5`` -> base w, subscript 5."""
    plain, _, sample = plain.partition("^")
    head, underscore, rest = plain.partition("_")
    if not underscore:
        head = plain.rstrip("0123456789")
        if "[" in plain:
            head = plain[: plain.index("[")]
        rest = plain[len(head) :]
    if rest.startswith("[") and rest.endswith("]"):
        rest = rest[1:-1]
    return Symbol(SYMBOLS.get(head, head), rest, sample.strip("()"))
