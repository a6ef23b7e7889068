"""Learning from a table how it is to be prepared: categories, missing numbers, means and spreads, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.build import activation_of
from chainrule.catalogue.layers import find_activation
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.place import chooses_below
from chainrule.training.columns import Table, as_text, at, column_of, is_text, missing_rows
from chainrule.training.measure import Kind
from chainrule.training.preparation import HOW_TO_FILL, Column, Preparation, checked_width
from chainrule.training.problems import DataError
from chainrule.training.programs import Trainable, inputs_of, outputs_of

Array = NDArray[Any]
MOST_CATEGORIES = 1000


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decides about the columns.

    ``target`` are the target columns; ``inputs`` all others unless named, without those in ``leave_out``. Columns in
    ``categories`` are categories although they hold numbers. ``impute`` is None (missing values are refused), mean,
    median, or a number or text that stands in; a mapping says it for each column. Categories that are missing get the
    most frequent one for mean and median. ``weight`` is the column of the samples' weights.
    """

    target: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    standardise: bool = True
    standardise_targets: bool = False
    impute: str | float | Mapping[str, str | float] | None = None
    weight: str = ""


@dataclass(slots=True)
class _Seen:
    """What has been seen of a column."""

    text: bool = False
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0  # the sum of squared distances from the mean
    low: float = float("inf")
    high: float = float("-inf")
    values: Counter[str | float] = field(default_factory=Counter)  # of categories and classes
    kept: list[Array] = field(default_factory=list)  # for a median
    missing: str = ""  # where something is missing first


def learn(
    parts: Iterable[Table], choices: Choices, net: Trainable, counted: Array | None = None, *, whole: bool = True
) -> Preparation:
    """The preparation of a table, given in parts, for a network.

    ``counted`` says of each row whether means, spreads and what is imputed are learnt from it: the rows that are
    trained on. Categories and classes are learnt from all. With ``whole`` False the parts are a stream, and a median
    is refused. Raises ``DataError`` for columns that don't fit, with row and column.

    >>> from chainrule.catalogue.build import DenseLayer
    >>> data = Table("mine", {"a": np.array([1.0, 3.0]), "y": np.array([0.0, 1.0])}, np.array([1, 2]))
    >>> learn([data], Choices(("y",)), Trainable(1, (DenseLayer(1),))).inputs[0].centre
    2.0
    """
    seen: dict[str, _Seen] = {}
    names: list[str] = []
    offset = 0
    for part in parts:
        if not seen:
            names = _chosen(part, choices)
            seen = {name: _Seen() for name in (*names, *choices.target)}
        if not part.rows:
            continue
        inside = np.ones(part.rows, bool) if counted is None else counted[offset : offset + part.rows]
        offset += part.rows
        for name, each in seen.items():
            _look(each, part, name, choices, inside, names, whole)
    if not offset:
        raise DataError("there are no rows of data")
    if below := chooses_below(net.inputs, net.layers):
        inputs = _choosing(names, seen, choices, below)
    else:
        inputs = tuple(_column(name, seen[name], choices) for name in names)
    targets = [seen[name] for name in choices.target]
    kind = _kind(net, targets, choices)
    if kind == "numbers":
        columns = tuple(_target(name, seen[name], choices) for name in choices.target)
        preparation = Preparation(inputs, columns, weight=choices.weight)
    else:
        classes = _classes(choices.target[0], targets[0], kind)
        preparation = Preparation(inputs, (Column(choices.target[0]),), kind, classes, choices.weight)
    checked_width(preparation, inputs_of(net), outputs_of(net))
    return preparation


def _chosen(part: Table, choices: Choices) -> list[str]:
    """The input columns."""
    if not choices.target:
        raise DataError(f"{part.source}: which column is the target? There are: {', '.join(part.columns)}")
    others = (*choices.leave_out, *choices.categories, *([choices.weight] if choices.weight else []))
    for name in (*choices.target, *choices.inputs, *others):
        column_of(part, name)
    apart = {*choices.target, *choices.leave_out, choices.weight}
    if both := [name for name in choices.inputs if name in apart]:
        raise DataError(f"{part.source}: column {both[0]} can't be an input and something else too")
    return list(choices.inputs) or [name for name in part.columns if name not in apart]


def _look(
    seen: _Seen, part: Table, name: str, choices: Choices, inside: Array, inputs: Sequence[str], whole: bool
) -> None:
    column = column_of(part, name)
    missing = missing_rows(column)
    if missing.any() and _fill_for(choices, name) is None and not seen.missing:
        place, more = int(np.argmax(missing)), int(missing.sum()) - 1
        others = f" (and in {more} more row{'s' * (more > 1)} of this column)" if more else ""
        seen.missing = f"{at(part, place, name)}: there is nothing{others}"
    seen.text |= is_text(column) and not missing.all()
    is_target = name not in inputs
    if is_target or seen.text or name in choices.categories:
        _count(seen, part, name, column, missing, is_target)
    if not is_text(column):
        _add(seen, column[inside & ~missing], part, name)
        if _fill_for(choices, name) == "median" and not is_target:
            if not whole:
                raise DataError(f"column {name}: a median needs all rows at once; impute the mean or a number")
            seen.kept.append(column[inside & ~missing])


def _count(seen: _Seen, part: Table, name: str, column: Array, missing: Array, is_target: bool) -> None:
    """Categories and classes. Too many different ones are refused, unless they are a target's numbers."""
    if len(seen.values) > MOST_CATEGORIES:
        return
    values = as_text(column) if seen.text or not is_target else column
    seen.values.update(values[~missing].tolist())
    if len(seen.values) > MOST_CATEGORIES and (seen.text or not is_target):
        place = int(np.argmin(missing))
        raise DataError(
            f"{at(part, place, name)}: this column has more than {MOST_CATEGORIES} different texts, such as "
            f"{str(values[place])[:40]!r}; leave it out, or make numbers of it"
        )


def _add(seen: _Seen, numbers: Array, part: Table, name: str) -> None:
    """Count, mean and spread, from part to part as Chan, Golub and LeVeque have it."""
    endless = np.isinf(column_of(part, name))
    if endless.any():
        raise DataError(f"{at(part, int(np.argmax(endless)), name)}: this number is not finite")
    if not len(numbers):
        return
    count, mean = len(numbers), float(numbers.mean())
    squares = float(((numbers - mean) ** 2).sum())
    total = seen.count + count
    apart = mean - seen.mean
    seen.squares += squares + apart**2 * seen.count * count / total
    seen.mean += apart * count / total
    seen.count = total
    seen.low, seen.high = min(seen.low, float(numbers.min())), max(seen.high, float(numbers.max()))


def _fill_for(choices: Choices, name: str) -> str | float | None:
    if isinstance(choices.impute, Mapping):
        return choices.impute.get(name)
    return choices.impute


def _column(name: str, seen: _Seen, choices: Choices) -> Column:
    """How an input column is prepared."""
    if seen.missing:
        raise DataError(f"{seen.missing}; {HOW_TO_FILL}")
    how = _fill_for(choices, name)
    if seen.text or name in choices.categories:
        known = sorted(str(each) for each in seen.values)
        fill: str | None = None
        if how in ("mean", "median"):
            fill = str(seen.values.most_common(1)[0][0]) if seen.values else None
        elif how is not None:
            fill = str(how)
            known = sorted({*known, fill})
        if not known:
            raise DataError(f"column {name}: there is nothing in any row; leave it out")
        return Column(name, tuple(known), fill)
    if not seen.count and (how is None or isinstance(how, str)):
        raise DataError(f"column {name}: there is no number in any row; leave it out")
    number = _imputed(name, how, seen)
    if not choices.standardise:
        return Column(name, fill=number)
    spread = _spread(seen)
    return Column(name, (), number, seen.mean, spread)


def _choosing(names: Sequence[str], seen: Mapping[str, _Seen], choices: Choices, below: int) -> tuple[Column, ...]:
    """Input columns that choose rows of a table. Where there are texts, all columns number them alike."""
    plain = replace(choices, standardise=False)
    columns = [replace(_column(name, seen[name], plain), below=below) for name in names]
    known = tuple(sorted({each for column in columns for each in column.categories}))
    if known and not all(column.categories for column in columns):
        number, text = (next(each.name for each in columns if bool(each.categories) == has) for has in (False, True))
        raise DataError(
            f"column {number} has numbers and column {text} texts; columns that choose rows of one table have either"
        )
    if len(known) > below:
        raise DataError(
            f"the inputs have {len(known)} different texts, but the embedding has {below} rows; set words = "
            f"{len(known)}"
        )
    return tuple(replace(column, categories=known) if known else column for column in columns)


def _imputed(name: str, how: str | float | None, seen: _Seen) -> float | None:
    if how == "mean":
        return seen.mean
    if how == "median":
        return float(np.median(np.concatenate(seen.kept)))
    try:
        return None if how is None else float(how)
    except ValueError:
        raise DataError(f"column {name} holds numbers; impute mean, median or a number, not {how!r}") from None


def _spread(seen: _Seen) -> float:
    """The standard deviation; 1 for a column that is the same everywhere."""
    spread = (seen.squares / seen.count) ** 0.5 if seen.count else 0.0
    return spread if spread > 1e-12 * max(abs(seen.low), abs(seen.high)) else 1.0


def _target(name: str, seen: _Seen, choices: Choices) -> Column:
    if seen.text:
        example = next(str(each) for each in seen.values if isinstance(each, str))
        raise DataError(f"column {name}: the target {example[:40]!r} is not a number, but this network learns numbers")
    if seen.missing:
        raise DataError(f"{seen.missing}; rows without a target can't be learnt from: leave them out")
    return Column(name, (), None, seen.mean, _spread(seen)) if choices.standardise_targets else Column(name)


def _kind(net: Trainable, targets: Sequence[_Seen], choices: Choices) -> Kind:
    """What the targets are: by the last layer and the error of the network, and by what is in the columns.

    A single column is classes where it holds text, where there are several outputs for it, and where one output is a
    probability and the column has two values.
    """
    if len(targets) > 1:
        return "numbers"
    seen, units = targets[0], outputs_of(net)
    if units > 1:
        return "classes"
    loss, activation = find_loss(net.conventions.loss), find_activation(activation_of(net.layers[-1])).name
    as_classes = seen.text or choices.target[0] in choices.categories
    if loss.name == "hinge":
        return "signs"
    probability = loss.on != "any" or activation == "logistic"
    return "two classes" if as_classes or (probability and len(seen.values) <= 2) else "numbers"


def _classes(name: str, seen: _Seen, kind: Kind) -> tuple[str | float, ...]:
    if seen.missing:
        raise DataError(f"{seen.missing}; rows without a class can't be learnt from: leave them out")
    if len(seen.values) > MOST_CATEGORIES:
        raise DataError(
            f"column {name}: there are more than {MOST_CATEGORIES} different values, too many to be classes"
        )
    if len(seen.values) < 2:
        raise DataError(f"column {name}: all rows have the same class")
    if kind != "classes" and len(seen.values) > 2:
        listed = ", ".join(sorted(map(str, seen.values))[:12])
        raise DataError(
            f"column {name}: there are {len(seen.values)} classes ({listed}), but the network has one output; give it "
            f"{len(seen.values)}, with softmax and cross_entropy"
        )
    return tuple(sorted(map(str, seen.values)) if seen.text else sorted(float(each) for each in seen.values))
