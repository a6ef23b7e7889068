"""From a network and data to a trained network and its folder; and on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.ledger import Ledger
from chainrule.spec.spec import NetworkPart, Spec
from chainrule.spec.write import write_spec
from chainrule.training.batches import Source, split
from chainrule.training.columns import File, Table, take, unsettled
from chainrule.training.data import Choices, learn
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.preparation import Preparation, class_places, class_text, ledger_of
from chainrule.training.problems import DataError, DivergedError, SavedError, TrainingError
from chainrule.training.programs import Trainable, check_rounds, of_part, start_parameters, start_state
from chainrule.training.progress import Options, Progress, check_options, split_seed
from chainrule.training.readers import Data, parts, read
from chainrule.training.saved import (
    MadeFrom,
    Trained,
    arrays_sha256,
    create,
    file_sha256,
    load,
    record_text,
    save_checkpoint,
    update,
    versions,
)

Array = NDArray[Any]
SECONDS_ON_DISK = 1.0  # at most so much is lost in a power cut; the end of the process loses no finished epoch


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Data as training takes them: how they were prepared, the samples, and those that are only watched."""

    preparation: Preparation
    train: Ledger | Source
    validation: Ledger | None
    rows: int


def train(
    spec: Spec,
    data: Data,
    choices: Choices,
    options: Options,
    *,
    validation: Data | None = None,
    dropout: Mapping[str, Decimal] | None = None,
    parameters: Mapping[str, Array] | None = None,
    folder: str | Path | None = None,
    overwrite: bool = False,
    engine: Engine | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_round: Callable[[int, int], None] | None = None,
) -> Trained:
    """Train a network on data from its start values (or from ``parameters``).

    With ``folder`` everything is kept there from the first moment on, and after every epoch: see ``saved``. ``dropout``
    is by layer, as in ``Trainable``. Raises ``DataError``, ``TrainingError``, ``SavedError`` and ``CatalogueError`` for
    what doesn't fit, and ``DivergedError`` where training ran out of the numbers; the folder then has the last good
    weights.
    """
    check_options(options)
    part = spec.network
    if not isinstance(part, NetworkPart):
        raise TrainingError("own formulas are trained on the numbers in their file; data need a network of layers")
    net = of_part(part, spec.update, dropout)

    ready = prepare(net, data, choices, options, validation)
    net = replace(net, weighted=is_weighted(ready.preparation, options))
    rows = ready.train.rows if isinstance(ready.train, Source) else len(ready.train["x"])
    check_rounds(net, rows, options.batch)  # before there is a folder
    start = start_parameters(part) | dict(parameters or {})
    engine = engine or NumpyEngine()
    made_from = MadeFrom(
        options,
        net.dropout,
        engine.name,
        _kept(data),
        data_sha256(data),
        ready.rows,
        None if validation is None else _kept(validation),
        "" if validation is None else data_sha256(validation),
        sha256(write_spec(spec).encode()).hexdigest(),
        arrays_sha256(start),
        versions(),
    )
    begun = Trained(spec, net, ready.preparation, made_from, Progress(start_state(net, start)))
    if folder is not None:
        create(folder, begun, overwrite=overwrite)
    return _train(begun, ready, folder, engine, on_epoch, on_progress, on_round)


def prepare(net: Trainable, data: Data, choices: Choices, options: Options, validation: Data | None = None) -> Ready:
    """The data as a network is trained on them. Raises ``DataError`` and ``TrainingError`` for what doesn't fit."""

    def learnt(parts_of: Iterable[Table], counted: Array | None) -> Preparation:
        return learn(parts_of, choices, net, counted, whole=not data.stream)

    return _ready(data, validation, options, learnt)


def is_weighted(preparation: Preparation, options: Options) -> bool:
    """Whether each sample's error has a weight."""
    return bool(preparation.weight) or options.class_weight is not None


def resume(
    folder: str | Path,
    data: Data | None = None,
    *,
    validation: Data | None = None,
    epochs: int | None = None,
    engine: Engine | None = None,
    on_epoch: Callable[[Progress], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_round: Callable[[int, int], None] | None = None,
) -> Trained:
    """Go on with the training of a saved folder as if it had never stopped; or for more epochs than were planned.

    ``data`` are those that it was trained on, looked for where they were unless given. Raises ``SavedError`` for other
    data.
    """
    trained = load(folder)
    made_from = trained.made_from
    data = replace(data or made_from.data, stream=made_from.data.stream)
    if data_sha256(data) != made_from.data_sha256:
        raise SavedError(f"{data.name} has changed since training began; begin again, or give the data as they were")
    validation = validation or made_from.validation
    if validation is not None and data_sha256(validation) != made_from.validation_sha256:
        raise SavedError(f"{validation.name} has changed since training began; give the data as they were")
    if epochs is not None:
        made_from = replace(made_from, options=replace(made_from.options, epochs=epochs))
    check_options(made_from.options)
    trained = replace(trained, made_from=made_from)
    ready = _ready(data, validation, made_from.options, lambda *_: trained.preparation)
    return _train(trained, ready, folder, engine or NumpyEngine(), on_epoch, on_progress, on_round)


def _train(
    trained: Trained,
    ready: Ready,
    folder: str | Path | None,
    engine: Engine,
    on_epoch: Callable[[Progress], None] | None,
    on_progress: Callable[[Progress], None] | None,
    on_round: Callable[[int, int], None] | None,
) -> Trained:
    written = monotonic()
    records: list[str] = []

    def after_some(progress: Progress) -> None:
        nonlocal written
        if folder is not None:
            durable = monotonic() - written > SECONDS_ON_DISK
            records.extend(record_text(each) for each in progress.history[len(records) :])
            save_checkpoint(folder, progress, durable=durable, records=records)
            written = monotonic() if durable else written
        if on_progress is not None:
            on_progress(progress)

    options = by_place(trained.made_from.options, ready.preparation)
    try:
        progress = fit(
            trained.net, {}, ready.train, options, validation=ready.validation, engine=engine,
            kind=ready.preparation.kind, start=trained.progress, on_epoch=on_epoch, on_progress=after_some,
            on_round=on_round,
        )  # fmt: skip
    except DivergedError as problem:
        if folder is not None:
            update(folder, replace(trained, progress=problem.progress))
        raise
    trained = replace(trained, progress=progress)
    if folder is not None:
        update(folder, trained)
    return trained


def _ready(
    data: Data,
    validation: Data | None,
    options: Options,
    learnt: Callable[[Iterable[Table], Array | None], Preparation],
) -> Ready:
    """The data as arrays, split into those to train on and those to validate on.

    ``learnt`` gives the preparation; from all rows, or its means and the like from those that are counted.
    """
    if data.stream:
        if options.validation and validation is None:
            raise TrainingError("data that are streamed can't be split; give the validation samples as another table")
        texts = _texts(data)
        preparation = learnt(_stream(data, texts), None)
        rows = sum(part.rows for part in _stream(data, texts))
        train: Ledger | Source = Source(
            rows, lambda: (ledger_of(preparation, part) for part in _stream(data, texts) if part.rows)
        )
    else:
        whole = table_of(data)
        preparation, rows = learnt([whole], None), whole.rows
        if options.validation and validation is None:
            single = preparation.classes and not preparation.places
            classes = class_places(preparation, whole) if single else None
            chosen, watched = split(rows, options.validation, split_seed(options), classes)
            preparation = learnt([whole], np.isin(np.arange(rows), chosen))
            train, apart = (ledger_of(preparation, take(whole, each)) for each in (chosen, watched))
            return Ready(preparation, train, apart, rows)
        train = ledger_of(preparation, whole)
    return Ready(preparation, train, None if validation is None else ledger_of(preparation, table_of(validation)), rows)


def table_of(data: Data) -> Table:
    """The whole table of some data. Raises ``DataError``."""
    return read(data.source, data.sheet, data.missing)


def _stream(data: Data, texts: frozenset[str]) -> Iterator[Table]:
    return parts(_file(data), texts)


def _file(data: Data) -> File:
    if not isinstance(data.source, str | Path):
        raise DataError("only files are streamed; arrays and data frames are in memory already")
    return File(str(data.source), data.sheet, tuple(data.missing))


def _texts(data: Data) -> frozenset[str]:
    """The columns of a streamed file that have to be read as text from the start."""
    file = _file(data)
    return frozenset() if file.path.endswith(".parquet") else unsettled(parts(file))


def _kept(data: Data) -> Data:
    """Where the data are, in words; arrays and data frames are nowhere."""
    return replace(data, source=data.name, missing=tuple(data.missing))


def data_sha256(data: Data) -> str:
    """A hash of the data: of a file's bytes, or of the columns."""
    if isinstance(data.source, str | Path):
        try:
            return file_sha256(data.source)
        except OSError as problem:
            raise DataError(f"{data.source}: {(problem.strerror or str(problem)).lower()}") from None
    return arrays_sha256(table_of(data).columns)


def by_place(options: Options, preparation: Preparation) -> Options:
    """Class weights by the place of the class, from those by its name. Validation samples are split off already."""
    options = replace(options, validation=0.0)
    if not isinstance(options.class_weight, Mapping):
        return options
    places = {class_text(each): place for place, each in enumerate(preparation.classes)}
    for each in options.class_weight:
        if str(each) not in places:
            raise TrainingError(f"there is no class {each!r} to weigh; there are: {', '.join(places) or 'none'}")
    return replace(options, class_weight={places[str(name)]: each for name, each in options.class_weight.items()})
