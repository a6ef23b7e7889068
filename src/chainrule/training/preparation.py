"""What was done to the data before training, remembered so that new data get the same: plain data, kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.catalogue.place import no_row
from chainrule.training.batches import at_places
from chainrule.training.columns import Table, as_text, at, column_of, is_text, missing_rows, number_text
from chainrule.training.measure import Kind
from chainrule.training.problems import DataError, SavedError
from chainrule.training.programs import SAMPLE_WEIGHT

Array = NDArray[Any]
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Column:
    """How one column becomes numbers.

    With ``categories`` it becomes a 1 in the place of its category and a 0 in the others. ``fill`` stands in where
    it is missing (None: that is refused). Numbers lose ``centre`` and are divided by ``scale``. Where ``below`` isn't 0
    the column chooses rows of a table: its numbers are whole ones from 0 below it, and of its categories it becomes
    the place.
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float | str | None = None
    centre: float = 0.0
    scale: float = 1.0
    below: int = 0


@dataclass(frozen=True, slots=True)
class Preparation:
    """From a table's columns to a network's inputs and targets, and back from its outputs.

    ``kind`` says what the targets are. ``classes`` are those of a single target column, in the order of the outputs
    (for two classes: that of 0 first); numbers where the column holds numbers. ``weight`` is the column of the
    samples' weights, or nothing. ``places`` are the axes of the outputs before their last: each target column is then
    the class at one place, and all have the same classes; or the columns are all numbers of the outputs in order.
    """

    inputs: tuple[Column, ...]
    targets: tuple[Column, ...]
    kind: Kind = "numbers"
    classes: tuple[str | float, ...] = ()
    weight: str = ""
    places: tuple[int, ...] = ()


def input_names(preparation: Preparation) -> list[str]:
    """A name for each of the network's inputs: the column's, and the category's behind it.

    >>> input_names(Preparation((Column("age"), Column("colour", ("blue", "red"))), ()))
    ['age', 'colour=blue', 'colour=red']
    """
    return [
        each
        for column in preparation.inputs
        for each in (
            [f"{column.name}={one}" for one in column.categories]
            if column.categories and not column.below
            else [column.name]
        )
    ]


def output_names(preparation: Preparation) -> list[str]:
    """A name for each of the network's outputs: the class (the same at each place), or the target column."""
    if preparation.kind == "classes":
        return [class_text(each) for each in preparation.classes]
    if preparation.classes:
        return [class_text(preparation.classes[1])]
    return [column.name for column in preparation.targets]


def class_text(value: str | float) -> str:
    """A class as people write it: 3 and not 3.0."""
    return value if isinstance(value, str) else number_text(value)


def inputs_of(preparation: Preparation, data: Table) -> Array:
    """The network's inputs, a row for each row of the table.

    Raises ``DataError`` for missing columns, missing and infinite numbers, and unknown categories, with row and column.
    """
    blocks = [_encoded(column, data) for column in preparation.inputs]
    return np.concatenate(blocks, axis=1) if blocks else np.empty((data.rows, 0))


def targets_of(preparation: Preparation, data: Table) -> Array:
    """The network's targets, an entry for each row of the table, in the shape of the outputs.

    Raises ``DataError`` as `inputs_of` does.
    """
    if not preparation.classes:
        numbers = np.concatenate([_encoded(column, data) for column in preparation.targets], axis=1)
        width = len(preparation.targets) // prod(preparation.places)
        return numbers.reshape((data.rows, *preparation.places, width))
    found = class_places(preparation, data)
    if preparation.kind == "classes":
        one_hot: Array = np.eye(len(preparation.classes))[found]
        return one_hot
    low = -1.0 if preparation.kind == "signs" else 0.0
    return np.where(found == 1, 1.0, low)[..., None]


def class_places(preparation: Preparation, data: Table) -> Array:
    """The class of each row, or of each of its places, as a number from 0.

    Raises ``DataError`` for a class that wasn't there in training.
    """
    found = [_class_places(preparation, data, column.name) for column in preparation.targets]
    return np.stack(found, axis=1).reshape((data.rows, *preparation.places))


def _class_places(preparation: Preparation, data: Table, name: str) -> Array:
    """The class in each row of a column."""
    column = column_of(data, name)
    _refuse_missing(missing_rows(column), data, name, "there is no class", "leave such rows out")
    if isinstance(preparation.classes[0], str):
        return _places(as_text(column), tuple(map(str, preparation.classes)), data, name, "class")
    if is_text(column):
        place = next(place for place, each in enumerate(column) if not _is_number(each))
        raise DataError(f"{at(data, place, name)}: {column[place]!r} is not a number, and in training classes were")
    known = np.array(preparation.classes)
    found = np.searchsorted(known, column).clip(max=len(known) - 1)
    _refuse_unknown(known[found] != column, data, name, [class_text(each) for each in preparation.classes], "class")
    return np.asarray(found)


def ledger_of(preparation: Preparation, data: Table, *, targets: bool = True) -> dict[str, Array]:
    """The arrays that training and measuring take: inputs; and, where they are asked for, targets and weights."""
    found = {"x": inputs_of(preparation, data)}
    if targets:
        found["target"] = targets_of(preparation, data)
        if preparation.weight:
            found[SAMPLE_WEIGHT] = at_places(_weights(preparation.weight, data), preparation.places)
    return found


def as_answers(preparation: Preparation, outputs: Array) -> Array:
    """Outputs for targets that are numbers, in the units of the table's columns: one for each of them."""
    scale = np.array([column.scale for column in preparation.targets])
    centre = np.array([column.centre for column in preparation.targets])
    answers: Array = outputs.reshape(len(outputs), -1) * scale + centre
    return answers


def _weights(name: str, data: Table) -> Array:
    column = column_of(data, name)
    numbers = _numbers(Column(name), column, data)
    if len(numbers) and not numbers.any():
        raise DataError(f"{data.source}, column {name}: all weights are 0")
    if (numbers < 0).any():
        place = int(np.argmax(numbers < 0))
        raise DataError(f"{at(data, place, name)}: the weight {numbers[place]:g} is below 0")
    return numbers


def _encoded(column: Column, data: Table) -> Array:
    found = column_of(data, column.name)
    if column.categories:
        texts = as_text(found)
        missing = missing_rows(texts)
        if column.fill is not None:
            texts = np.where(missing, column.fill, texts)
        else:
            _refuse_missing(missing, data, column.name, "there is nothing", HOW_TO_FILL)
        places = _places(texts, column.categories, data, column.name, "category")
        encoded: Array = places[:, None].astype(float) if column.below else np.eye(len(column.categories))[places]
        return encoded
    if column.below:
        return _chosen(column, _numbers(column, found, data), data)[:, None]
    return ((_numbers(column, found, data) - column.centre) / column.scale)[:, None]


def _chosen(column: Column, numbers: Array, data: Table) -> Array:
    """Numbers of rows of a table, which has to have them."""
    wrong = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= column.below)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise DataError(f"{at(data, place, column.name)}: {no_row(column.below, numbers[place : place + 1])}")
    return numbers


HOW_TO_FILL = "leave such rows out, or have missing values imputed"


def _numbers(column: Column, found: Array, data: Table) -> Array:
    """A column's numbers, with nothing missing and all finite."""
    if is_text(found):
        place = next((place for place, each in enumerate(found) if each is not None and not _is_number(each)), None)
        if place is not None:
            raise DataError(f"{at(data, place, column.name)}: {found[place]!r} is not a number")
        found = np.array([np.nan if each is None else float(each) for each in found], dtype=float)
    missing = np.isnan(found)
    if column.fill is not None:
        found = np.where(missing, column.fill, found)
    else:
        _refuse_missing(missing, data, column.name, "there is no number", HOW_TO_FILL)
    endless = np.isinf(found)
    if endless.any():
        place = int(np.argmax(endless))
        raise DataError(f"{at(data, place, column.name)}: {found[place]} is not a finite number")
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _refuse_missing(missing: Array, data: Table, name: str, said: str, hint: str) -> None:
    if missing.any():
        place, more = int(np.argmax(missing)), int(missing.sum()) - 1
        others = f" (and in {more} more row{'s' * (more > 1)} of this column)" if more else ""
        raise DataError(f"{at(data, place, name)}: {said}{others}; {hint}")


def _places(texts: Array, known: tuple[str, ...], data: Table, name: str, what: str) -> Array:
    """The place of each text among those known."""
    places = {each: place for place, each in enumerate(known)}
    found = np.array([places.get(each, -1) for each in texts.tolist()], dtype=int)
    _refuse_unknown(found < 0, data, name, list(known), what, texts)
    return found


def _refuse_unknown(
    unknown: Array, data: Table, name: str, known: list[str], what: str, texts: Array | None = None
) -> None:
    if unknown.any():
        place = int(np.argmax(unknown))
        value = repr(texts[place]) if texts is not None else number_text(float(column_of(data, name)[place]))
        listed = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise DataError(f"{at(data, place, name)}: {value} is no {what} that was there in training: {listed}")


def preparation_text(preparation: Preparation) -> str:
    """The preparation as JSON. Every float reads back as the same float."""
    return json.dumps({"schema": SCHEMA} | asdict(preparation), indent=2, ensure_ascii=False) + "\n"


def parse_preparation(text: str, source: str = "preparation.json") -> Preparation:
    """The preparation that a JSON text describes. Raises ``SavedError`` for anything else.

    >>> one = Preparation((Column("age", centre=40.5, scale=3.25),), (Column("height"),))
    >>> parse_preparation(preparation_text(one)) == one
    True
    """
    try:
        data: Mapping[str, Any] = json.loads(text)
        if data["schema"] != SCHEMA:
            raise SavedError(f"{source}: it was written by another version of chainrule (schema {data['schema']})")
        kind: Kind = data["kind"]
        if kind not in get_args(Kind):
            raise ValueError(kind)
        return Preparation(
            tuple(_column(each) for each in data["inputs"]),
            tuple(_column(each) for each in data["targets"]),
            kind,
            tuple(each if isinstance(each, str) else float(each) for each in data["classes"]),
            str(data["weight"]),
            tuple(int(each) for each in data.get("places", ())),
        )
    except SavedError:
        raise
    except (KeyError, TypeError, ValueError) as problem:
        raise SavedError(f"{source}: this is no description of prepared data ({problem})") from None


def _column(data: Mapping[str, Any]) -> Column:
    fill = data["fill"]
    return Column(
        str(data["name"]),
        tuple(map(str, data["categories"])),
        fill if fill is None or isinstance(fill, str) else float(fill),
        float(data["centre"]),
        float(data["scale"]),
        int(data.get("below", 0)),
    )


def checked_width(preparation: Preparation, inputs: int, outputs: int) -> None:
    """Raise ``DataError`` where the prepared columns are not as many as the network has inputs and outputs.

    ``outputs`` are those of one place, where there are several.
    """
    names = input_names(preparation)
    if len(names) != inputs:
        listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        raise DataError(
            f"the data give {len(names)} inputs ({listed}), but the network has {inputs}; choose the columns, or "
            f"change the inputs of the network to {len(names)}"
        )
    found = output_names(preparation)
    if len(found) != outputs * (1 if preparation.classes else prod(preparation.places)):
        what = "classes" if preparation.kind == "classes" else "target columns"
        listed = ", ".join(found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "")
        raise DataError(
            f"the data have {len(found)} {what} ({listed}), but the network has {outputs} output"
            f"{'s' * (outputs != 1)}; set units = {len(found)} in the last layer"
        )
