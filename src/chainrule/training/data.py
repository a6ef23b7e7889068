"""Learning from a table how it is to be prepared: categories, missing numbers, means and spreads, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.layer_row import sizes_text
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.place import chooses_below
from chainrule.training.columns import Table, as_text, at, column_of, is_text, missing_rows, named_columns, number_text
from chainrule.training.measure import Kind
from chainrule.training.preparation import HOW_TO_FILL, Column, Preparation, checked_width
from chainrule.training.problems import DataError
from chainrule.training.programs import Trainable, inputs_of, learns_classes, outputs_of

Array = NDArray[Any]
MOST_CATEGORIES = 1000


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decides about the columns.

    ``target`` are the target columns; ``inputs`` all others unless named, without those in ``leave_out``. Columns in
    ``categories`` are categories although they hold numbers. All of these may be like ``next*``, or several between
    commas. ``impute`` is None (missing values are refused), mean,
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
            choices = in_table(choices, part)
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
    targets = {name: seen[name] for name in choices.target}
    kind, (*places, units) = _kind(net, targets, choices), outputs_of(net)
    if below := chooses_below(net.inputs, net.layers):
        inputs = _choosing(names, seen, choices, below)
    else:
        inputs = tuple(_column(name, seen[name], choices) for name in names)
    if kind == "numbers":
        columns = tuple(_target(name, each, choices) for name, each in targets.items())
        preparation = Preparation(inputs, columns, weight=choices.weight, places=tuple(places))
    else:
        columns, classes = tuple(map(Column, targets)), _classes(targets, kind)
        preparation = Preparation(inputs, columns, kind, classes, choices.weight, tuple(places))
    checked_width(preparation, inputs_of(net), units)
    return preparation


def in_table(choices: Choices, part: Table) -> Choices:
    """The choices with the table's columns by name."""
    groups = (choices.target, choices.inputs, choices.leave_out, choices.categories)
    target, inputs, leave_out, categories = (named_columns(names, part.columns) for names in groups)
    return replace(choices, target=target, inputs=inputs, leave_out=leave_out, categories=categories)


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


def _kind(net: Trainable, targets: Mapping[str, _Seen], choices: Choices) -> Kind:
    """What the targets are: by the last layer and the error of the network, and by what is in the columns.

    A column for each place with several outputs is classes, and so is one where an output is a probability and the
    columns have two values. Else there is a number for each output.
    """
    *places, units = outputs_of(net)
    text = any(each.text for each in targets.values())
    as_classes = text or any(name in choices.categories for name in targets)
    probability = learns_classes(net.layers, net.conventions)
    if len(targets) != prod(places):
        _check_numbers(places, units, len(targets), probability)
        return "numbers"
    if units > 1:
        if places and not (as_classes or probability):
            _check_numbers(places, units, len(targets), probability)
        return "classes"
    if find_loss(net.conventions.loss).name == "hinge":
        return "signs"
    few = len({value for each in targets.values() for value in each.values}) <= 2
    return "two classes" if as_classes or (probability and few) else "numbers"


def _check_numbers(places: Sequence[int], units: int, count: int, classes: bool) -> None:
    """Raise ``DataError`` where the target columns are neither one for each place nor one for each output."""
    if not places or count == prod(places) * units:
        return
    shape, of = sizes_text((*places, units)), prod(places)
    ways = [f"{of * units} numbers", *([f"a class at each of {of} places"] if classes and units > 1 else [])]
    raise DataError(
        f"there {'is 1 target column' if count == 1 else f'are {count} target columns'}, but the network's outputs are "
        f"{shape} for each sample: {', or '.join(ways)}; name a column for each (--target 'next*' names all that begin "
        f"so){', or put a flatten before the last layer for one answer a sample' if count == 1 else ''}"
    )


def _classes(targets: Mapping[str, _Seen], kind: Kind) -> tuple[str | float, ...]:
    """The classes of one column, or of all together; where one of them has text, numbers are taken as text too."""
    text = any(each.text for each in targets.values())
    known: set[str | float] = set()
    for name, seen in targets.items():
        if seen.missing:
            raise DataError(f"{seen.missing}; rows without a class can't be learnt from: leave them out")
        known |= {number_text(each) if text and isinstance(each, float) else each for each in seen.values}
        if len(known) > MOST_CATEGORIES:
            raise DataError(
                f"column {name}: there are more than {MOST_CATEGORIES} different values, too many to be classes"
            )
    one = len(targets) == 1
    what = f"column {next(iter(targets))}" if one else f"columns {next(iter(targets))} and {len(targets) - 1} more"
    if len(known) < 2:
        raise DataError(f"{what}: all rows have the same class")
    if kind != "classes" and len(known) > 2:
        listed = ", ".join(sorted(map(str, known))[:12])
        raise DataError(
            f"{what}: there are {len(known)} classes ({listed}), but the network has one output"
            f"{'' if one else ' at each place'}; give it {len(known)}, with softmax and cross_entropy"
        )
    return tuple(sorted(map(str, known)) if text else sorted(float(each) for each in known))
