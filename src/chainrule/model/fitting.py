"""What a person chooses for training, as the settings of training: from options, from a network file and its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.catalogue.build import output_shape, parameter_shapes
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.place import input_shape
from chainrule.catalogue.training import Update, carried
from chainrule.engines.choose import check_engine, choose_engine
from chainrule.engines.jax import JaxEngine, library
from chainrule.numbers.memory import check_size
from chainrule.spec.spec import Drawn, NetworkPart, Spec
from chainrule.training import session
from chainrule.training.batches import rounds_of
from chainrule.training.columns import Table, as_text, column_of, is_text, missing_rows, suffix
from chainrule.training.data import Choices, in_table
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.preparation import Preparation
from chainrule.training.problems import DataError, SavedError, TrainingError
from chainrule.training.programs import LOSS, learns_classes, of_part, training_round
from chainrule.training.progress import Options
from chainrule.training.readers import Data
from chainrule.training.schedules import Chosen

COLUMNS = ("inputs", "leave_out", "categories", "impute", "weight", "standardise", "standardise_targets")
PRECISIONS = {"double": "float64", "single": "float32"}
BATCH = 32  # samples in a round, where neither the command nor the network file says


def engine_for(
    name: str, spec: Spec, dropout: Mapping[str, Decimal], rows: int, options: Options, precision: str = "double"
) -> tuple[Engine, str]:
    """An engine by name (numpy, jax, auto), and why that one, for so many samples.

    Raises ``MissingLibraryError`` for one whose library is missing, ``UnknownEngine`` for another name, and
    ``TrainingError`` for a precision that is neither double nor single.
    """
    check_engine(name)
    if precision not in PRECISIONS:
        raise TrainingError(f"precision is {' or '.join(PRECISIONS)}, not {precision!r}")
    number, why = PRECISIONS[precision], ""
    if name == "auto" and isinstance(spec.network, NetworkPart):
        size = max(1, min(options.batch or rows, rows))
        program = training_round(of_part(spec.network, spec.update, dropout), size)
        rounds = rounds_of(max(1, rows), options.batch) * options.epochs
        choice = choose_engine(program, rounds, (LOSS, *carried(program)), number, on_data=True)
        name, why = choice.engine, choice.why
    if name == "jax":
        library()
        return JaxEngine(number), why or "JAX, as asked for"
    return NumpyEngine(number), why or "NumPy, as asked for"


def engine_like(name: str | None, before: str) -> Engine:
    """The engine to go on with: by name, or the one of before, in its precision. Raises ``MissingLibraryError``."""
    number = next((number for number in PRECISIONS.values() if number in before), PRECISIONS["double"])
    if name == "jax" or (name != "numpy" and before.startswith("jax")):
        library()
        return JaxEngine(number)
    return NumpyEngine(number)


def about_rows(data: Data, spec: Spec) -> int:
    """About how many rows a file has, without reading it as a table: enough to choose an engine by."""
    try:
        path = Path(str(data.source))
        if suffix(str(path)) in ("csv", "tsv", "txt", "data", "jsonl", "ndjson") and path.suffix != ".gz":
            with path.open("rb") as file:
                return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        inputs = spec.network.inputs if isinstance(spec.network, NetworkPart) else 1
        return path.stat().st_size // (8 * (prod(input_shape(inputs)) + 1)) + 1
    except OSError:
        return 1  # reading it says what is wrong


def for_data(spec: Spec, data: Data, choices: Choices, seed: int | None) -> Spec:
    """A network file's spec as it is trained on data: without rounds of its own, and with as many inputs as they give.

    ``seed`` is for the start values, that of the file unless given. Raises ``TrainingError`` for own formulas, and
    ``CatalogueError`` for a network that doesn't fit into memory.
    """
    part = spec.network
    if not isinstance(part, NetworkPart):
        raise TrainingError(f"{spec.source}: own formulas are trained on the numbers in their file, not on a table")
    inputs = part.inputs or width_of(data, choices)
    part = replace(part, inputs=inputs, seed=part.seed if seed is None else seed, data_inputs=(), data_targets=())
    check_size(parameter_shapes(inputs, [each.layer for each in part.layers]))
    return replace(spec, network=part, batch=None, rounds=1)


def width_of(data: Data, choices: Choices) -> int:
    """How many inputs the columns of some data give: one for each number, and one for each category."""
    if data.stream:
        raise DataError("data that are streamed don't say how many inputs there are; write inputs = ... in [network]")
    whole = session.table_of(data)
    choices = in_table(choices, whole)
    apart = {*choices.target, *choices.leave_out, choices.weight}
    names = choices.inputs or [name for name in whole.columns if name not in apart]
    count = sum(_width(whole, name, name in choices.categories) for name in names)
    if not count:
        raise DataError(f"{whole.source}: there is no column left for the inputs")
    return count


def _width(whole: Table, name: str, as_category: bool) -> int:
    column = column_of(whole, name)
    if not is_text(column) and not as_category:
        return 1
    texts = as_text(column)
    return len(set(texts[~missing_rows(texts)].tolist()))


def options_of(spec: Spec, given: Mapping[str, Any]) -> tuple[Options, str]:
    """The options of training, and the file of the validation samples where there is one.

    ``given`` are a command's options by name. Raises ``TrainingError`` for what can't be read.
    """
    share, apart = _share(given["validation"])
    in_file = ("training", "batch") in spec.lines
    batch = _batch(given["batch"]) if given["batch"] else spec.batch if in_file else BATCH
    part = spec.network
    seed = part.seed if isinstance(part, NetworkPart) else 0
    return Options(
        given["epochs"] or 20, batch, seed if given["seed"] is None else given["seed"], validation=share,
        patience=given["patience"], schedule=schedule_of(given["schedule"]),
        class_weight=class_weight_of(given["class_weight"]),
    ), apart  # fmt: skip


def choices_of(given: Mapping[str, Any]) -> Choices:
    """What a command's options say of the columns. Raises ``TrainingError`` for what can't be read."""
    return Choices(
        given["target"], (), given["leave_out"], given["categories"], not given["no_standardise"],
        given["standardise_targets"], impute_of(given["impute"]), given["weight"],
    )  # fmt: skip


def _share(text: str | None) -> tuple[float, str]:
    """A share of the samples, or the path of a table."""
    try:
        return float(text or 0), ""
    except ValueError:
        return 0.0, str(text)


def _batch(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or not int(text):
        raise TrainingError(f"a batch is a number of samples from 1, or all, not {text}")
    return int(text)


def _pair(text: str, what: str) -> tuple[str, Decimal]:
    name, _, value = text.rpartition("=")
    try:
        number = Decimal(value)
    except ArithmeticError:
        number = Decimal("NaN")
    if not name or not number.is_finite():
        raise TrainingError(f"{what}, not {text!r}")
    return name, number


def shares_of(texts: Sequence[str]) -> dict[str, Decimal]:
    """The shares of dropout by layer.

    >>> shares_of(["h=0.5"])
    {'h': Decimal('0.5')}
    """
    return dict(_pair(each, "dropout is a layer and its share, such as h=0.5") for each in texts)


def class_weight_of(texts: Sequence[str]) -> str | dict[str, float] | None:
    """Class weights: balanced, or by the name of the class."""
    if not texts or tuple(texts) == ("balanced",):
        return "balanced" if texts else None
    said = "class weights are balanced, or a class and its weight, such as yes=2"
    return {name: float(number) for name, number in (_pair(each, said) for each in texts)}


def impute_of(texts: Sequence[str]) -> str | float | dict[str, str | float] | None:
    """What stands in for missing values: for all columns, or by column.

    >>> impute_of(["mean"]), impute_of(["age=0", "town=Ulm"])
    ('mean', {'age': 0.0, 'town': 'Ulm'})
    """
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return _number_or_text(texts[0])
    if wrong := [each for each in texts if "=" not in each]:
        raise TrainingError(
            f"with several --impute each is a column and what stands in, such as age=mean, not {wrong[0]}"
        )
    return {name: _number_or_text(how) for name, _, how in (each.partition("=") for each in texts)}


def _number_or_text(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def moved(data: Data | None, path: str) -> Data:
    """The same data in another place. Raises ``SavedError`` where there were none."""
    if data is None:
        raise SavedError("the validation samples of this training were a share of the data, not another table")
    return replace(data, source=path)


def score_name(spec: Spec, preparation: Preparation | None = None, target: Sequence[str] = ()) -> str:
    """What the score of a network's validation samples is: accuracy or R².

    Before data are read, what is known is how many columns ``target`` names.
    """
    if preparation is not None:
        return "accuracy" if preparation.classes else "R2"
    part = spec.network
    if not isinstance(part, NetworkPart):
        return "score"
    layers = [each.layer for each in part.layers]
    *places, units = output_shape(part.inputs, layers) or (1,)
    decides = learns_classes(layers, part.conventions) or find_loss(part.conventions.loss).name == "hinge"
    if not places and (len(target) > 1 or any(each in "".join(target) for each in ",*?")):
        decides = False  # several numbers
    elif not places:
        decides |= units > 1
    return "accuracy" if decides else "R2"


def update_of(
    optimizer: str,
    learning_rate: float | None,
    settings: Mapping[str, float] | None,
    weight_decay: float | None,
    clip_norm: float | None,
    clip_value: float | None,
) -> Update:
    """The optimizer with its numbers as they were typed."""
    own = {name: Decimal(repr(value)) for name, value in (settings or {}).items()}
    extra = [None if value is None else Decimal(repr(value)) for value in (weight_decay, clip_norm, clip_value)]
    return Update(optimizer, None if learning_rate is None else Decimal(repr(learning_rate)), own, *extra)


def schedule_of(text: str) -> Chosen:
    """A schedule by name, with its settings behind it.

    >>> schedule_of("step every=5")
    Chosen(name='step', settings={'every': Decimal('5')})
    """
    name, *settings = text.split() or [""]
    found: dict[str, Decimal] = {}
    for each in settings:
        key, _, value = each.partition("=")
        try:
            found[key] = Decimal(value)
        except ArithmeticError:
            raise TrainingError(
                f"a schedule's setting is a name and a number, such as factor=0.5, not {each!r}"
            ) from None
    return Chosen(name, found)


def drawn_or_given(value: Any) -> Any:
    """Start values as a network file has them: an initialiser's name, or numbers."""
    if isinstance(value, str):
        return Drawn(value)
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return Decimal(repr(float(array)))
    return tuple(drawn_or_given(each) for each in array)


@dataclass(frozen=True, slots=True)
class Fitting:
    """What the arguments of ``Network.fit`` say."""

    update: Update
    options: Options
    columns: Mapping[str, Any]
    dropout: Mapping[str, Decimal]
    engine: str
    precision: str


def fitting_of(
    own_seed: int,
    *,
    epochs: int = 20,
    batch: int | None = 32,
    optimizer: str = "adam",
    learning_rate: float | None = None,
    settings: Mapping[str, float] | None = None,
    weight_decay: float | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    patience: int | None = None,
    schedule: str = "constant",
    dropout: Mapping[str, float] | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    seed: int | None = None,
    engine: str = "auto",
    precision: str = "double",
    **columns: Any,
) -> Fitting:
    """The arguments of ``Network.fit`` sorted by what they are about. Raises ``TrainingError`` for unknown ones."""
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise TrainingError(f"fit has no argument {unknown[0]!r}; of columns there are: {', '.join(COLUMNS)}")
    check_engine(engine)
    return Fitting(
        update_of(optimizer, learning_rate, settings, weight_decay, clip_norm, clip_value),
        Options(
            epochs, batch, own_seed if seed is None else seed, patience=patience, schedule=schedule_of(schedule),
            class_weight=class_weight,
        ),
        columns,
        {name: Decimal(repr(float(share))) for name, share in (dropout or {}).items()},
        engine,
        precision,
    )  # fmt: skip
