"""The folder of a trained network: complete or not there at all, whenever the process or the machine stops.

    network.toml              the network
    weights.safetensors       its parameters: those of the best epoch, or of the last
    preparation.json          how data become its inputs
    history.json              a record for each epoch
    made_from.json            settings, seed, versions, and hashes of the network and of the data
    checkpoint.safetensors    all that is needed to go on training

The checkpoint is one file, replaced as a whole after every epoch, and so always belongs together.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from math import inf
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.spec.reader import parse_spec
from chainrule.spec.spec import NetworkPart, Spec
from chainrule.spec.write import write_spec
from chainrule.training.preparation import Preparation, parse_preparation, preparation_text
from chainrule.training.problems import SavedError
from chainrule.training.programs import Trainable, of_part, parameter_names, running_names
from chainrule.training.progress import Options, Progress, Record, parameters_of
from chainrule.training.readers import Data
from chainrule.training.schedules import Chosen

Array = NDArray[Any]
SCHEMA = 1
NETWORK, WEIGHTS, CHECKPOINT = "network.toml", "weights.safetensors", "checkpoint.safetensors"
PREPARATION, HISTORY, MADE_FROM = "preparation.json", "history.json", "made_from.json"


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """What a trained network was made from: enough to make it again, and to see whether that was it.

    ``data`` says where the data were, as given; ``rows`` how many. ``validation`` are those of a separate table.
    """

    options: Options
    dropout: Mapping[str, Decimal] = field(default_factory=dict)
    engine: str = "numpy"
    data: Data = field(default_factory=lambda: Data(""))
    data_sha256: str = ""
    rows: int = 0
    validation: Data | None = None
    validation_sha256: str = ""
    network_sha256: str = ""
    start_sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained network with all that belongs to it."""

    spec: Spec
    net: Trainable
    preparation: Preparation
    made_from: MadeFrom
    progress: Progress

    @property
    def parameters(self) -> dict[str, Array]:
        """The weights that training has led to: those of the best epoch or of the last."""
        return parameters_of(self.progress, self.made_from.options, parameter_names(self.net))

    @property
    def history(self) -> tuple[Record, ...]:
        return self.progress.history


def versions() -> dict[str, str]:
    """The versions of what takes part in every number."""
    return {"chainrule": _own_version(), "numpy": np.__version__, "python": platform.python_version()}


@cache
def _own_version() -> str:
    try:
        return version("chainrule")
    except PackageNotFoundError:  # run from its source
        return "unknown"


def arrays_sha256(arrays: Mapping[str, Array]) -> str:
    """A hash of named arrays: of their names, shapes, types and bytes."""
    digest = sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        digest.update("\0".join(map(str, array.tolist())).encode() if array.dtype == object else array.tobytes())
    return digest.hexdigest()


def file_sha256(path: str | Path) -> str:
    """A hash of a file's bytes."""
    digest = sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def create(folder: str | Path, trained: Trained, *, overwrite: bool = False) -> Path:
    """A new folder with everything in it, made beside its place and put there as a whole.

    Raises ``SavedError`` where there is something already, unless it is to be overwritten, and where nothing can be
    written.
    """
    target = Path(folder)
    empty = target.is_dir() and not any(target.iterdir())
    if target.exists() and not overwrite and not empty:
        raise SavedError(f"{target} is there already; name another folder, go on with it, or overwrite it")
    if target.exists() and not empty and not (target / MADE_FROM).exists():
        raise SavedError(f"{target} is no folder of a trained network; it is not overwritten")
    beside: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        beside.chmod(0o755)
        for name, content in _files(trained).items():
            _write(beside / name, content)
        _write(beside / CHECKPOINT, checkpoint_bytes(trained.progress))
        _sync(beside)
        if empty:
            target.rmdir()
        if target.exists():
            old = beside.with_name(f"{beside.name}.old")
            target.replace(old)
            beside.replace(target)
            shutil.rmtree(old)
        else:
            beside.replace(target)
        _sync(target.parent)
    except OSError as problem:
        raise SavedError(f"can't write {target}: {problem.strerror or problem}") from None
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return target


def update(folder: str | Path, trained: Trained) -> None:
    """Everything that training changes, each file replaced as a whole."""
    save_checkpoint(folder, trained.progress)
    for name, content in _files(trained).items():
        _replace(Path(folder) / name, content)


def save_checkpoint(
    folder: str | Path, progress: Progress, *, durable: bool = True, records: Sequence[str] | None = None
) -> None:
    """Where training stands, in one file that is replaced as a whole.

    Without ``durable`` it outlives the process, but perhaps not a power cut in the next seconds. ``records`` are the
    texts of the history's records, where they were made before: see `record_text`.
    """
    _replace(Path(folder) / CHECKPOINT, checkpoint_bytes(progress, records), durable=durable)


def record_text(record: Record) -> str:
    """A record of the history as JSON."""
    return json.dumps(asdict(record), allow_nan=False)


def load(folder: str | Path) -> Trained:
    """A trained network from its folder. Raises ``SavedError`` for what is missing or can't be read."""
    place = Path(folder)
    made_from = _made_from(_read(place / MADE_FROM), str(place / MADE_FROM))
    text = _read(place / NETWORK)
    spec = parse_spec(text, str(place / NETWORK))
    if not isinstance(spec.network, NetworkPart):
        raise SavedError(f"{place / NETWORK}: a network of layers is wanted here, not own formulas")
    if sha256(text.encode()).hexdigest() != made_from.network_sha256:
        raise SavedError(f"{place / NETWORK} has been changed since training; the weights don't belong to it any more")
    net = replace(of_part(spec.network, spec.update), dropout=made_from.dropout)
    preparation = parse_preparation(_read(place / PREPARATION), str(place / PREPARATION))
    net = replace(net, weighted=bool(preparation.weight) or made_from.options.class_weight is not None)
    if (place / CHECKPOINT).exists():
        progress = read_checkpoint(place / CHECKPOINT)
    else:
        tensors, _ = _tensors(place / WEIGHTS)
        progress = Progress(tensors, best=tensors, history=_history(_read(place / HISTORY)), stopped="finished")
    missing = set(parameter_names(net)) - set(progress.state)
    if missing and missing <= set(running_names(net)):
        raise SavedError(
            f"{place}: it was trained by an older version, which kept no running statistics of batch normalisation "
            f"({', '.join(sorted(missing))}); train it again"
        )
    if missing:
        raise SavedError(f"{place}: there are no numbers of {', '.join(sorted(missing))}")
    return Trained(spec, net, preparation, made_from, progress)


def _files(trained: Trained) -> dict[str, bytes]:
    """All but the checkpoint."""
    history = {"schema": SCHEMA, "epochs": [asdict(each) for each in trained.history]}
    found = {
        NETWORK: write_spec(trained.spec),
        PREPARATION: preparation_text(trained.preparation),
        HISTORY: _json(history),
        MADE_FROM: _json(_plain(trained.made_from)),
    }
    epoch = trained.progress.best_epoch if trained.progress.best else trained.progress.epoch
    return {name: text.encode() for name, text in found.items()} | {
        WEIGHTS: _safetensors(trained.parameters, {"epoch": str(epoch)})
    }


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=_jsonable, allow_nan=False) + "\n"


def _jsonable(value: Any) -> Any:
    """Settings as JSON takes them; numbers that were typed as they were."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(value)


def _plain(made_from: MadeFrom) -> dict[str, Any]:
    return {"schema": SCHEMA} | asdict(made_from)


def _made_from(text: str, source: str) -> MadeFrom:
    try:
        data = json.loads(text)
        if data.pop("schema") != SCHEMA:
            raise SavedError(f"{source}: it was written by another version of chainrule")
        options = data.pop("options")
        schedule = options.pop("schedule")
        settings = {name: Decimal(each) for name, each in schedule["settings"].items()}
        chosen = Options(**options, schedule=Chosen(schedule["name"], settings))
        dropout = {name: Decimal(each) for name, each in data.pop("dropout").items()}
        where, apart = _data(data.pop("data")), _data(data.pop("validation"))
        return MadeFrom(chosen, dropout, data=where or Data(""), validation=apart, **data)
    except SavedError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as problem:
        raise SavedError(f"{source}: this doesn't say what a network was made from ({problem!r})") from None


def _data(kept: dict[str, Any] | None) -> Data | None:
    return None if kept is None else Data(str(kept["source"]), kept["sheet"], tuple(kept["missing"]), kept["stream"])


def _history(text: str) -> tuple[Record, ...]:
    try:
        return tuple(Record(**each) for each in json.loads(text)["epochs"])
    except (KeyError, TypeError, ValueError) as problem:
        raise SavedError(f"{HISTORY}: this is no history of training ({problem})") from None


def checkpoint_bytes(progress: Progress, records: Sequence[str] | None = None) -> bytes:
    """Where training stands, as the bytes of a file."""
    if records is None:
        records = [record_text(each) for each in progress.history]
    tensors = {f"state.{name}": array for name, array in progress.state.items()}
    tensors |= {f"best.{name}": array for name, array in progress.best.items()}
    tensors["losses"] = np.array(progress.losses)
    kept = {name: getattr(progress, name) for name in NUMBERS}
    # JSON has no infinity: an error that nothing was better than yet is left out.
    kept = {name: value for name, value in kept.items() if value != inf}
    metadata = {"progress": json.dumps(kept, allow_nan=False), "history": f"[{', '.join(records)}]"}
    return _safetensors(tensors, metadata | {"schema": str(SCHEMA)})


NUMBERS = ("epoch", "rounds", "best_epoch", "best_loss", "drops", "drop_loss", "dropped_at", "stopped")


def read_checkpoint(path: str | Path) -> Progress:
    """Where training stood. Raises ``SavedError``."""
    tensors, metadata = _tensors(Path(path))
    try:
        kept = json.loads(metadata["progress"])
        history = tuple(Record(**each) for each in json.loads(metadata["history"]))
        parts: dict[str, dict[str, Array]] = {"state": {}, "best": {}}
        losses = tuple(float(each) for each in tensors.pop("losses"))
        for name, array in tensors.items():
            kind, _, family = name.partition(".")
            parts[kind][family] = array
        return Progress(parts["state"], best=parts["best"], losses=losses, history=history, **kept)
    except (KeyError, TypeError, ValueError) as problem:
        raise SavedError(f"{path}: this is no checkpoint of training ({problem!r})") from None


def _safetensors(tensors: Mapping[str, Array], metadata: dict[str, str]) -> bytes:
    try:
        from safetensors.numpy import save
    except ImportError:
        raise MissingLibraryError('saved networks need: pip install "chainrule[models]"') from None
    saved: bytes = save({name: np.array(array, order="C") for name, array in tensors.items()}, metadata)
    return saved


def _tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingLibraryError('saved networks need: pip install "chainrule[models]"') from None
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, SafetensorError) as problem:
        raise SavedError(f"{path}: {problem}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        kind = "" if path.parent.is_dir() else "; this is no folder of a trained network"
        raise SavedError(f"{path}: {(problem.strerror or str(problem)).lower()}{kind}") from None
    except UnicodeDecodeError:
        raise SavedError(f"{path}: this is not UTF-8 text") from None


def _write(path: Path, content: bytes, *, durable: bool = True) -> None:
    with path.open("wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """A file that has either its old content or its new one."""
    beside = path.with_name(f".{path.name}.part")
    try:
        _write(beside, content, durable=durable)
        beside.replace(path)
        if durable:
            _sync(path.parent)
    except OSError as problem:
        raise SavedError(f"can't write {path}: {problem.strerror or problem}") from None


def _sync(folder: Path) -> None:
    """The names in a folder, on the disk; where the system can't do that for a folder, it is left."""
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(place)
    finally:
        os.close(place)
