"""Samples in batches: the order of each epoch, the split for validation, weights of samples and classes, masks.

Nothing here keeps a random state: what an epoch or a round draws follows from the seed and its number alone, so that
training can go on from any round as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.ledger import Ledger
from chainrule.training.problems import DataError, TrainingError
from chainrule.training.programs import SAMPLE_WEIGHT

Array = NDArray[Any]
ORDER, SPLIT, MASKS = 1, 2, 3  # what is drawn, as the second word of a seed


@dataclass(frozen=True, slots=True)
class Source:
    """Samples to train on: ``rows`` of them, in one piece or, where they don't fit into memory, chunk after chunk.

    ``chunks()`` begins again from the first chunk. A chunk has arrays whose first axis counts samples: ``x``,
    ``target`` and perhaps ``sample_weight``.
    """

    rows: int
    chunks: Callable[[], Iterator[Ledger]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Rounds of one size: round ``r`` takes the rows ``order[r]`` of ``data``."""

    data: Ledger
    order: Array


def samples(x: Any, target: Any, weight: Any = None) -> dict[str, Array]:
    """The arrays of samples: a row of ``x`` and of ``target`` for each, and a weight where errors are weighted.

    Targets may have more axes: those of the network's outputs. Raises ``DataError`` for arrays of different lengths,
    numbers that aren't finite, and weights below 0.

    >>> samples([[0, 1], [1, 0]], [1, 0])["target"].shape
    (2, 1)
    """
    found = {"x": _numbers(x), "target": _numbers(target)}
    found = {name: array[:, None] if array.ndim == 1 else array for name, array in found.items()}
    for name, array in found.items():
        what = "inputs" if name == "x" else "targets"
        if array.ndim < 2 or (array.ndim > 2 and name == "x"):
            raise DataError(f"the {what} have {array.ndim} axes; there must be a row for each sample")
        if not np.isfinite(array).all():
            row, *place = np.argwhere(~np.isfinite(array))[0]
            raise DataError(f"{what}: row {row + 1}, number {','.join(str(each + 1) for each in place)} is not finite")
    if len(found["x"]) != len(found["target"]):
        raise DataError(f"there are {len(found['x'])} rows of inputs but {len(found['target'])} of targets")
    if not len(found["x"]):
        raise DataError("there are no samples")
    if weight is not None:
        checked = _checked_weights(np.asarray(weight, dtype=float), len(found["x"]))
        found[SAMPLE_WEIGHT] = at_places(checked, found["target"].shape[1:-1])
    return found


def _numbers(values: Any) -> Array:
    """As double precision, unless they are an array of single precision already."""
    return np.asarray(values, dtype=np.float32 if getattr(values, "dtype", None) == np.float32 else float)


def at_places(weight: Array, places: tuple[int, ...]) -> Array:
    """A sample's weight at each of its places.

    >>> at_places(np.array([1.0, 2.0]), (3,)).shape
    (2, 3)
    """
    return np.broadcast_to(weight.reshape((len(weight), *(1 for _ in places))), (len(weight), *places)).copy()


def _checked_weights(weight: Array, rows: int) -> Array:
    if weight.shape != (rows,):
        raise DataError(f"there must be a weight for each of the {rows} samples; these are {weight.shape}")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        row = int(np.argmin(np.isfinite(weight) & (weight >= 0)))
        raise DataError(f"the weight of row {row + 1} is {weight[row]}; weights are finite and not below 0")
    if not weight.any():
        raise DataError("all weights of samples are 0")
    return weight


def in_memory(data: Ledger) -> Source:
    """Samples that are all in memory."""
    return Source(len(data["x"]), lambda: iter((data,)))


def generator(seed: int, *words: int) -> np.random.Generator:
    """The generator of one purpose: the same for the same seed and words, independent of all others."""
    return np.random.default_rng([seed, *words])


def rounds_of(rows: int, batch: int | None) -> int:
    """How many rounds an epoch has. The last may be smaller.

    >>> rounds_of(10, 4), rounds_of(10, None)
    (3, 1)
    """
    return 1 if batch is None else -(-rows // batch)


def pieces(source: Source, batch: int | None, seed: int, epoch: int, shuffle: bool, skip: int = 0) -> Iterator[Piece]:
    """The rounds of an epoch, without the first ``skip``: pieces of full batches, and the last smaller batch.

    Samples of one chunk are shuffled among each other; what is left over of a chunk begins the next one.
    """
    size = min(batch or source.rows, source.rows)
    left: Ledger | None = None
    last = None
    for number, chunk in enumerate(source.chunks()):
        data = chunk if left is None else {name: np.concatenate([left[name], chunk[name]]) for name in chunk}
        rows = len(data["x"])
        drawn = shuffle and size < source.rows  # the order within a single batch changes nothing
        order = generator(seed, ORDER, epoch, number).permutation(rows) if drawn else np.arange(rows)
        full = rows // size
        if skip < full:
            yield Piece(data, order[skip * size : full * size].reshape(-1, size))
        skip = max(0, skip - full)
        rest = order[full * size :]
        left = None
        last = Piece(data, rest[None]) if len(rest) else None
        if last is not None and source.rows > rows:
            left = {name: np.asarray(array)[rest] for name, array in data.items()}
            last = Piece(left, np.arange(len(rest))[None])
    if last is not None and not skip:
        yield last


def split(rows: int, share: float, seed: int, classes: Array | None = None) -> tuple[Array, Array]:
    """The rows to train on and those to validate on, in their old order; with the same share of each class.

    ``classes`` has a number for each row. Every class keeps a row to train on. Raises ``TrainingError`` for a share
    that leaves nothing on one side.

    >>> train, validate = split(10, 0.2, seed=0, classes=np.array([0, 1] * 5))
    >>> len(train), sorted(validate % 2)
    (8, [np.int64(0), np.int64(1)])
    """
    if not 0 < share < 1:
        raise TrainingError(f"the share of samples to validate on is between 0 and 1, not {share:g}")
    rng = generator(seed, SPLIT)
    groups = [np.arange(rows)] if classes is None else [np.flatnonzero(classes == each) for each in np.unique(classes)]
    wanted = max(1, round(rows * share))
    exact = np.array([len(group) * share for group in groups])
    counts = np.floor(exact).astype(int)
    for place in np.argsort(counts - exact, kind="stable")[: max(0, wanted - int(counts.sum()))]:
        counts[place] += 1
    counts = np.minimum(counts, [max(0, len(group) - 1) for group in groups])
    chosen = np.concatenate([rng.permutation(group)[:count] for group, count in zip(groups, counts, strict=True)])
    if not 0 < len(chosen) < rows:
        raise TrainingError(f"{share:g} of {rows} samples leaves none to {'validate' if rows > 1 else 'train'} on")
    chosen = np.sort(chosen)
    return np.setdiff1d(np.arange(rows), chosen), chosen


def class_weights(classes: Array, chosen: str | Mapping[int, float]) -> Array:
    """The weight of each sample, or place, by its class.

    Weights are given by class, or ``balanced``: all classes count the same in total.

    >>> class_weights(np.array([0, 0, 0, 1]), "balanced")
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    counts = np.bincount(classes.ravel())
    if isinstance(chosen, str):
        if chosen != "balanced":
            raise TrainingError(f"class weights are balanced, or a number for each class, not {chosen!r}")
        by_class = classes.size / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        by_class = np.array([float(chosen.get(each, 1.0)) for each in range(len(counts))])
    weights: Array = by_class[classes]
    return weights


def masks(seed: int, rounds: range, shapes: Mapping[str, tuple[int, ...]], dropout: Mapping[str, float]) -> Ledger:
    """The masks of dropout for some rounds: 1 where a number stays, 0 where it is set to 0; rounds first."""
    found = {name: np.empty((len(rounds), *shape), np.float32) for name, shape in shapes.items()}
    for place, number in enumerate(rounds if found else ()):
        rng = generator(seed, MASKS, number)
        for name, shape in shapes.items():
            found[name][place] = rng.random(shape) >= dropout[name]
    return found
