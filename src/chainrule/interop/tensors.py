"""Arrays by name from the files of frameworks: npz, npy, safetensors, PyTorch. Nothing in a file is ever run."""

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.interop.archives import DAMAGED, said
from chainrule.interop.elements import from_bytes
from chainrule.interop.pickled import Named, PickledError, unpickled
from chainrule.numbers.arithmetic import MissingLibraryError

TENSORS = ("npz", "npy", "safetensors", "pt", "pth", "bin", "ckpt")
LARGEST = 4 * 2**30  # bytes of all arrays together
SMALL = 64 * 2**20  # bytes up to which a file may unpack to any size
UNPACKED = 100  # times the size of a larger file
PICKLE = 128 * 2**20  # bytes of the pickle in a PyTorch file


class TensorError(ValueError):
    """A file of tensors that can't be read, or that has anything else in it: says what."""


def read_tensors(path: str | Path, data: bytes | None = None, kind: str = "") -> Mapping[str, Any]:
    """The arrays of a file by name, nested as the file has them; beside them there may be numbers and texts.

    ``data`` is the file's content where it is at hand already, ``kind`` its ending where the path doesn't say it.
    Raises `TensorError` for a damaged file and for one that would need a program to be run, `MissingLibraryError` where
    reading it needs an extra, and ``OSError`` where it isn't there.
    """
    kind = content_kind(b"" if data is None else data[:64]) or kind or Path(path).suffix.lower().removeprefix(".")
    data = Path(path).read_bytes() if data is None else data
    readers = {"npz": _npz, "npy": _npy, "safetensors": _safetensors}
    try:
        if kind == "npy":
            return {Path(path).stem: _npy(data)}
        return readers.get(kind, _pytorch)(data)  # type: ignore[return-value]
    except TensorError as problem:
        raise TensorError(f"{path}: {problem}") from None
    except DAMAGED as problem:
        raise TensorError(f"{path}: the file is damaged: {said(problem)}") from None


def content_kind(data: bytes) -> str:
    """What a file is by its first bytes: the ending that it should have; nothing for text.

    >>> content_kind(b"\\x93NUMPY..."), content_kind(b"net_h1 = 0.3775")
    ('npy', '')
    """
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if data[8:9] == b"{" and 2 <= int.from_bytes(data[:8], "little") < 2**32:
        return "safetensors"
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and b"\0" in data[:4096]:
        return "pt"
    return _zip_kind(data) if data.startswith(b"PK\x03\x04") else ""


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            names = file.namelist()
    except DAMAGED:
        return ""
    if any(name.endswith("/data.pkl") for name in names):
        return "pt"
    if "content.xml" in names:
        return "ods"
    return "xlsx" if any(name.startswith("xl/") for name in names) else "npz"


def _opened(data: bytes) -> zipfile.ZipFile:
    """A zip file that doesn't unpack to far more than it is."""
    file = zipfile.ZipFile(BytesIO(data))
    size = sum(each.file_size for each in file.infolist())
    if size > _limit(data):
        raise TensorError(f"unpacked it has {size:,} bytes, too many for a file of {len(data):,}")
    return file


def _limit(data: bytes) -> int:
    return min(LARGEST, max(SMALL, UNPACKED * len(data)))


def _npz(data: bytes) -> dict[str, Any]:
    with _opened(data) as file:
        return {name.removesuffix(".npy"): _npy(file.read(name)) for name in file.namelist()}


def _npy(data: bytes) -> NDArray[Any]:
    """An array in NumPy's own format, whose header is not believed."""
    stream = BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, by_column, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise TensorError(f"this version of NumPy's format is not known: {version}")
    except TensorError:
        raise
    except Exception as problem:  # whatever a damaged header makes of NumPy's reader
        raise TensorError(f"the file is damaged: {said(problem)}") from None
    if dtype.hasobject:
        raise TensorError("it holds Python objects, which are not read; save arrays of numbers")
    count, start = prod(shape), stream.tell()
    if min(shape, default=0) < 0 or count * dtype.itemsize > len(data) - start or not dtype.itemsize:
        raise TensorError("the file is damaged: it is shorter than its header says")
    found = np.frombuffer(data, dtype, count, start)
    return found.reshape(shape, order="F" if by_column else "C")


SAFE_ELEMENTS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<bfloat16", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


def _safetensors(data: bytes) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError:
        raise MissingLibraryError('reading .safetensors needs: pip install "chainrule[models]"') from None
    try:
        parts = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as problem:
        raise TensorError(f"the file is damaged: {said(problem)}") from None
    found: dict[str, Any] = {}
    for name, part in parts:
        if part["dtype"] not in SAFE_ELEMENTS:
            raise TensorError(f"{name} has numbers of the type {part['dtype']}; save them as float32")
        found[name] = from_bytes(bytes(part["data"]), SAFE_ELEMENTS[part["dtype"]]).reshape(part["shape"])
    return found


# A PyTorch file is a zip of a pickle, which says what is a tensor, and of the bytes of each storage.

ELEMENTS = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "b1",
}  # fmt: skip
BY_DTYPE = {
    "float64": "f8", "double": "f8", "float32": "f4", "float": "f4", "float16": "f2", "half": "f2",
    "bfloat16": "bfloat16", "int64": "i8", "long": "i8", "int32": "i4", "int": "i4", "int16": "i2", "short": "i2",
    "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "b1",
}  # fmt: skip
STATE_DICT = "save a state dict instead: torch.save(model.state_dict(), path)"


def _pytorch(data: bytes) -> dict[str, Any]:
    if not data.startswith(b"PK"):
        raise TensorError("this is no file of torch.save of PyTorch 1.6 or later; load it in PyTorch and save it again")
    with _opened(data) as file:
        inside = {name.partition("/")[2]: name for name in file.namelist()}
        if "data.pkl" not in inside:
            raise TensorError("this is no file of torch.save: there is no data.pkl in it")
        if file.getinfo(inside["data.pkl"]).file_size > PICKLE:
            raise TensorError("the part that says what its tensors are is too large")
        order = ">" if "byteorder" in inside and file.read(inside["byteorder"]) == b"big" else "<"
        reader = _Reader(lambda key: file.read(inside[f"data/{key}"]), order, _limit(data))
        try:
            found = unpickled(file.read(inside["data.pkl"]), reader.call, reader.storage)
        except PickledError as problem:
            raise TensorError(f"the pickle in it is not read: {problem}") from None
    if isinstance(found, Mapping):
        return dict(found)
    name = "tensor" if isinstance(found, np.ndarray) else "values"
    return {name: found}


class _Storage:
    """A storage of a PyTorch file: its bytes, read when they are needed, and the type of its elements."""

    def __init__(self, element: str, key: str, count: int) -> None:
        self.element, self.key, self.count = element, key, count


class _Reader:
    """What a PyTorch pickle may name: tensors and storages."""

    def __init__(self, read: Callable[[str], bytes], order: str, limit: int) -> None:
        self.read, self.order, self.left = read, order, limit
        self.kept: dict[tuple[str, str], NDArray[Any]] = {}

    def storage(self, identity: Any) -> _Storage:
        if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
            raise PickledError("a storage of an unknown kind")
        kind, key, count = identity[1], identity[2], identity[4]
        if not isinstance(kind, Named) or not isinstance(key, str) or not _is_size(count):
            raise PickledError("a storage of an unknown kind")
        if kind.module == "torch" and kind.name in ELEMENTS:
            return _Storage(ELEMENTS[kind.name], key, count)
        if kind == Named("torch.storage", "UntypedStorage"):
            return _Storage("", key, count)
        raise PickledError(f"numbers of an unknown type: {kind.name}")

    def call(self, function: Named, arguments: tuple[Any, ...]) -> Any:
        match str(function), arguments:
            case "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", (
                _Storage() as storage, start, shape, stride, *_
            ):  # fmt: skip
                return self.tensor(storage, storage.element, start, shape, stride)
            case "torch._utils._rebuild_tensor_v3", (_Storage() as storage, start, shape, stride, _, _, dtype, *_):
                element = BY_DTYPE.get(dtype.name, "") if isinstance(dtype, Named) else ""
                return self.tensor(storage, element, start, shape, stride)
            case "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", (
                np.ndarray() as found, *_
            ):  # fmt: skip
                return found
            case "torch.Size", (tuple() as sizes,):
                return sizes
            case "torch.device", _:
                return None
        raise PickledError(f"it would have to call {function}, and nothing in a file is run; {STATE_DICT}")

    def tensor(self, storage: _Storage, element: str, start: Any, shape: Any, stride: Any) -> NDArray[Any]:
        """A tensor as a copy of its part of a storage; every number in the file about it is checked."""
        if not element:
            raise PickledError("numbers of an unknown type")
        if not (
            isinstance(shape, tuple)
            and isinstance(stride, tuple)
            and len(shape) == len(stride) <= 32
            and all(map(_is_size, (start, *shape, *stride)))
        ):
            raise PickledError("a tensor has an impossible shape")
        flat = self._flat(storage, element)
        if not prod(shape):
            return np.zeros(shape, flat.dtype)
        last = start + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        self.left -= prod(shape) * flat.itemsize
        if last >= flat.size or self.left < 0:
            raise PickledError("a tensor is larger than its storage")
        steps = tuple(step * flat.itemsize for step in stride)
        return np.lib.stride_tricks.as_strided(flat[start:], shape, steps, writeable=False).copy()

    def _flat(self, storage: _Storage, element: str) -> NDArray[Any]:
        if (storage.key, element) not in self.kept:
            data = self.read(storage.key)
            size = 2 if element == "bfloat16" else np.dtype(element).itemsize
            if len(data) != storage.count * (size if storage.element else 1) or len(data) % size:
                raise PickledError("a storage is shorter or longer than it should be")
            self.kept[storage.key, element] = from_bytes(data, self.order + element)
        return self.kept[storage.key, element]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62
