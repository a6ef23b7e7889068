"""Schedules of the learning rate, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.row import CatalogueError, find_row
from chainrule.engines.numpy import compile_program
from chainrule.formula.expression import Expr, Ref, letter, refs, transform
from chainrule.formula.parse import Statement, parse_expression
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend

Array = NDArray[Any]
BLOCK = 1024  # rounds whose rates are worked out together
BY_ROUND = ("round", "epoch", "drops")  # what a formula knows that changes from round to round


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the learning rate goes on from ``rate``, the optimizer's own.

    The formula may use ``round`` (how many rounds were done before), ``rounds`` (how many there will be in all),
    ``epoch`` (how many epochs were done), ``drops`` and the row's settings. ``drops`` counts, by ``drop_when``, every
    so many epochs (``every``), or how often the error that is watched has not become smaller for ``wait`` epochs
    (``no better``).
    """

    name: str
    formula: str
    title: str
    settings: tuple[tuple[str, str], ...] = ()
    drop_when: str = ""
    aliases: tuple[str, ...] = ()
    source: str = ""


SCHEDULES = (
    Schedule("constant", "rate", "the same rate all the time"),
    Schedule(
        "step",
        "rate * factor**drops",
        "times a factor every so many epochs",
        settings=(("factor", "0.1"), ("every", "10")),
        drop_when="every",
        source="as StepLR in PyTorch",
    ),
    Schedule(
        "exponential",
        "rate * factor**epoch",
        "times a factor after every epoch",
        settings=(("factor", "0.95"),),
        source="as ExponentialLR in PyTorch",
    ),
    Schedule(
        "linear",
        "rate + (last - rate) * round / rounds",
        "along a straight line",
        settings=(("last", "0"),),
        source="as LinearLR in PyTorch, round by round",
    ),
    Schedule(
        "cosine",
        "last + 1/2 * (rate - last) * (1 + cos(pi() * round / rounds))",
        "along half a wave of the cosine",
        settings=(("last", "0"),),
        aliases=("cosine_annealing",),
        source="Loshchilov and Hutter 2016, without restarts; as CosineAnnealingLR in PyTorch, round by round",
    ),
    Schedule(
        "warmup_cosine",
        "rate * (round + 1) / (warmup * rounds) if round + 1 < warmup * rounds"
        " else last + 1/2 * (rate - last) * (1 + cos(pi() * (round / rounds - warmup) / (1 - warmup)))"
        " if round > warmup * rounds else rate",
        "up along a line for a share of the rounds, then along half a wave of the cosine",
        settings=(("warmup", "0.1"), ("last", "0")),
        aliases=("warmup", "cosine_with_warmup"),
        source="Goyal and others 2017 for the warmup; Loshchilov and Hutter 2016",
    ),
    Schedule(
        "plateau",
        "max(last, rate * factor**drops)",
        "times a factor each time the error has not become smaller for a while",
        settings=(("factor", "0.1"), ("wait", "10"), ("last", "0")),
        drop_when="no better",
        aliases=("reduce_on_plateau",),
        source="as ReduceLROnPlateau in PyTorch, with a threshold of 0",
    ),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A schedule by name, and the settings that aren't the row's own."""

    name: str = "constant"
    settings: Mapping[str, Decimal] = field(default_factory=dict)


def find_schedule(name: str) -> Schedule:
    """The schedule of that name. Raises ``CatalogueError``."""
    return find_row(SCHEDULES, name, "schedule")


def schedule_settings(chosen: Chosen) -> dict[str, float]:
    """All settings of a chosen schedule. Raises ``CatalogueError`` for one that the row doesn't have or can't take.

    >>> schedule_settings(Chosen("step", {"every": Decimal(3)}))
    {'factor': 0.1, 'every': 3.0}
    """
    row = find_schedule(chosen.name)
    own = {name: float(value) for name, value in row.settings}
    for name, value in chosen.settings.items():
        if name not in own:
            has = f"it has {', '.join(own)}" if own else "it has none"
            raise CatalogueError(f"schedule {row.name} has no setting {name!r}; {has}")
        own[name] = float(value)
    for name in ("every", "wait"):
        if name in own and (own[name] < 1 or own[name] % 1):
            raise CatalogueError(f"{name} of schedule {row.name} is a whole number of epochs from 1, not {own[name]:g}")
    if "warmup" in own and not 0 <= own["warmup"] < 1:
        raise CatalogueError(f"warmup is the share of the rounds, from 0 up to but not 1, not {own['warmup']:g}")
    return own


def rates(chosen: Chosen, rate: float, rounds: range, total: int, in_epoch: int, drops: int) -> Array:
    """The learning rate of each of some rounds.

    ``rounds`` counts those done before, from 0 at the start of training; ``total`` is how many there will be, and
    ``in_epoch`` how many an epoch has; ``drops`` is what a schedule that waits for a plateau has counted. A round's
    rate is the same to the last bit whatever other rounds are asked for.

    >>> rates(Chosen("linear"), 0.5, range(4), 4, 4, 0)
    array([0.5  , 0.375, 0.25 , 0.125])
    """
    row = find_schedule(chosen.name)
    settings = tuple(schedule_settings(chosen).items())
    first = rounds.start // BLOCK
    blocks = [
        _block(row, settings, rate, number, total, in_epoch, drops) for number in range(first, -(-rounds.stop // BLOCK))
    ]
    found: Array = np.concatenate([np.empty(0), *blocks])[rounds.start - first * BLOCK :][: len(rounds)]
    return found


@lru_cache(maxsize=64)
def _block(
    row: Schedule, settings: tuple[tuple[str, float], ...], rate: float, number: int, total: int, in_epoch: int,
    drops: int,
) -> Array:  # fmt: skip
    """The rates of one block of rounds; an array of another length might be worked out with other last bits."""
    rounds = np.arange(number * BLOCK, (number + 1) * BLOCK)
    epochs = rounds // in_epoch
    every = int(dict(settings).get("every", 1))
    known = {name: np.array(value) for name, value in settings} | {
        "rate": np.array(rate),
        "rounds": np.array(float(total)),
    }
    dropped = epochs // every if row.drop_when == "every" else np.full(BLOCK, drops)
    for name, each in zip(BY_ROUND, (rounds, epochs, dropped), strict=True):
        known[name] = each.astype(float)
    found: Array = _compiled(row.formula)(known)["scheduled"]
    return found


@lru_cache(maxsize=16)
def _compiled(formula: str) -> Any:
    """The formula for a block of rounds."""
    expression = transform(parse_expression(formula), _by_round)
    used = dict.fromkeys(node.name for node in refs(expression))
    given = [
        Family(name, Role.SETTING, ("r",), (BLOCK,)) if name in BY_ROUND else Family(name, Role.SETTING)
        for name in used
    ]
    line = Statement("scheduled", ("r",), expression, formula)
    return compile_program(extend(Program({}), [line], given=given, sizes={"r": BLOCK}))


def _by_round(node: Expr) -> Expr:
    return replace(node, indices=(letter("r"),)) if isinstance(node, Ref) and node.name in BY_ROUND else node
