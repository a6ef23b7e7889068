"""Arrays by name from the files of frameworks: npz, safetensors, PyTorch state dicts. Nothing in a file is ever run."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.numbers.arithmetic import MissingLibraryError

TENSORS = (".npz", ".npy", ".safetensors", ".pt", ".pth", ".bin")
LARGEST = 4 * 2**30  # bytes of all tensors together
MOST = 100_000  # entries of a mapping
NESTED = 20


class TensorError(ValueError):
    """A file of tensors that can't be read, or that has anything else in it: says what."""


def tensors(path: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name; those of nested mappings with dots between the names.

    Raises `TensorError` for a damaged file and for one that holds anything but numbers, and `MissingLibraryError`
    where reading it needs an extra. ``OSError`` where it isn't there.
    """
    ending = Path(path).suffix.lower()
    try:
        if ending in (".npz", ".npy"):
            return _numpy(path)
        if ending == ".safetensors":
            return _safetensors(path)
        return _state_dict(path)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, pickle.UnpicklingError, AttributeError) as problem:
        if isinstance(problem, TensorError):
            raise
        said = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise TensorError(f"{path}: the file is damaged or of another kind: {said}") from None


def _numpy(path: str) -> dict[str, NDArray[Any]]:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return {Path(path).stem: _numbers(found, path, Path(path).stem)}
    with found:
        return {name: _numbers(found[name], path, name) for name in found.files}


def _numbers(array: NDArray[Any], path: str, name: str) -> NDArray[Any]:
    if array.dtype.kind not in "fiub":
        raise TensorError(f"{path}: {name} holds no numbers but {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(float)


def _safetensors(path: str) -> dict[str, NDArray[Any]]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError:
        raise MissingLibraryError('reading .safetensors needs: pip install "chainrule[models]"') from None
    try:
        return {name: _numbers(array, path, name) for name, array in load_file(path).items()}
    except (SafetensorError, TypeError) as problem:
        raise TensorError(f"{path}: {problem}") from None


# A PyTorch file is a zip of a pickle and the bytes of each storage. The pickle is read by an unpickler that knows the
# few names a state dict is made of, and refuses every other one before anything is called.

STORAGES: Mapping[str, str] = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}


class _Storage:
    """Stands for a storage's class, by its name."""

    def __init__(self, name: str) -> None:
        self.dtype = STORAGES[name]


def _tensor(storage: NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Any:
    """What ``torch._utils._rebuild_tensor_v2`` makes: a view of a storage."""
    shape, stride = tuple(map(int, shape)), tuple(map(int, stride))
    if len(shape) != len(stride) or any(size < 0 for size in shape) or offset < 0 or any(step < 0 for step in stride):
        raise TensorError("a tensor has an impossible shape")
    if prod(shape) == 0:
        return np.zeros(shape, storage.dtype)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= storage.size:
        raise TensorError("a tensor is larger than its storage")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()


def _parameter(data: Any, *_: Any) -> Any:
    return data


KNOWN: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
}


class _Closed(pickle.Unpickler):
    """Reads a state dict's pickle; any name that it doesn't know is refused."""

    def __init__(self, data: bytes, storage: Callable[[str, str], NDArray[Any]]) -> None:
        super().__init__(io.BytesIO(data))
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return lambda: _Storage(name)
        if (module, name) in KNOWN:
            return KNOWN[(module, name)]
        raise TensorError(f"it would need {module}.{name}; save a state dict: torch.save(model.state_dict(), file)")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        kind, storage, key, _, _ = pid
        if kind != "storage" or not callable(storage):
            raise TensorError("a storage of an unknown kind")
        return self.storage(storage().dtype, str(key))


def _state_dict(path: str) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as file:
        inside = {name.partition("/")[2]: name for name in file.namelist()}
        if "data.pkl" not in inside:
            raise TensorError(f"{path}: this is no file of torch.save (of PyTorch 1.6 or later)")
        if sum(each.file_size for each in file.infolist()) > LARGEST:
            raise TensorError(f"{path}: the tensors are larger than 4 GB")
        kept: dict[str, NDArray[Any]] = {}

        def storage(dtype: str, key: str) -> NDArray[Any]:
            if key not in kept:
                kept[key] = _decoded(file.read(inside[f"data/{key}"]), dtype)
            return kept[key]

        try:
            tree = _Closed(file.read(inside["data.pkl"]), storage).load()
        except TensorError as problem:
            raise TensorError(f"{path}: {problem}") from None
    return dict(_flat(tree, "", 0, path))


def _decoded(data: bytes, dtype: str) -> NDArray[Any]:
    if dtype != "bfloat16":
        return np.frombuffer(data, np.dtype(dtype))
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


def _flat(tree: Any, name: str, depth: int, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(tree, np.ndarray):
        yield name, _numbers(tree, path, name)
    elif isinstance(tree, Mapping) and depth < NESTED and len(tree) <= MOST:
        for key, each in tree.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key), depth + 1, path)
    elif isinstance(tree, int | float) and not isinstance(tree, bool) and name:
        yield name, np.array(float(tree))
