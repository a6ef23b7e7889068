"""Tensor files: what NumPy, safetensors and PyTorch write is read to the bit, and nothing in a file is ever run."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as save_safetensors
from safetensors.torch import save as save_safetensors_torch

from chainrule.interop.elements import as_floats
from chainrule.interop.tensors import TensorError, content_kind, read_tensors

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool,
]  # fmt: skip


def saved(value: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def same(found: Any, tensor: torch.Tensor) -> bool:
    """Whether an array has a tensor's numbers, each of them to the bit."""
    expected = tensor.detach()
    expected = expected.float() if expected.dtype == torch.bfloat16 else expected
    return found.shape == tuple(expected.shape) and bool((found == expected.numpy()).all())


def example(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    torch.manual_seed(1)
    numbers = torch.randn(shape) * 10
    return (numbers.abs() if not dtype.is_signed else numbers).to(dtype)


# PyTorch


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 4), (), (0,), (2, 0)], ids=str)
def test_every_type_and_shape_is_read_to_the_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = example(dtype, *shape)
    assert same(read_tensors("a.pt", saved({"w": tensor}))["w"], tensor)


def test_views_share_a_storage_and_keep_their_strides() -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    views = {
        "whole": whole,
        "transposed": whole.T,
        "part": whole[1:3, ::2],
        "last": whole[3],
        "one": whole[2, 3],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 5),
        "permuted": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1),
    }
    found = read_tensors("a.pt", saved(views))
    for name, tensor in views.items():
        assert same(found[name], tensor), name


def test_a_real_state_dict_and_a_checkpoint() -> None:
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.LSTM(3, 2), torch.nn.Conv2d(1, 2, 3)
    )
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    state = model.state_dict()
    plain = read_tensors("a.pt", saved(state))
    assert list(plain) == list(state)
    assert all(same(plain[name], tensor) for name, tensor in state.items())
    checkpoint = {"epoch": 5, "model": state, "optimizer": optimizer.state_dict(), "loss": 0.25, "best": None}
    found = read_tensors("a.pt", saved(checkpoint))
    assert (found["epoch"], found["loss"], found["best"]) == (5, 0.25, None)
    assert all(same(found["model"][name], tensor) for name, tensor in state.items())
    expected = optimizer.state_dict()
    for key, entry in expected["state"].items():
        for name, tensor in entry.items():
            assert same(found["optimizer"]["state"][key][name], tensor)
    assert found["optimizer"]["param_groups"][0]["betas"] == (0.9, 0.999)


def test_parameters_and_other_data() -> None:
    parameter = torch.nn.Parameter(torch.randn(2))
    nested = OrderedDict(a=OrderedDict(b=[parameter, parameter]), size=torch.Size([2, 3]), kind=torch.float32)
    found = read_tensors("a.pt", saved(nested))
    assert same(found["a"]["b"][0], parameter)
    assert same(found["a"]["b"][1], parameter)
    assert found["size"] == (2, 3)
    assert same(read_tensors("a.pt", saved(parameter))["tensor"], parameter)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle(protocol: int) -> None:
    state = {"w": torch.randn(3, 2), "n": [1, -2, 300, 70000, 2**40, -(2**70), 0.5, "é", True, None, (1, 2), {}, ()]}
    found = read_tensors("a.pt", saved(state, pickle_protocol=protocol))
    assert same(found["w"], state["w"])  # type: ignore[arg-type]
    assert found["n"] == state["n"]


def test_a_file_of_another_byte_order() -> None:
    data = saved({"w": torch.tensor([1.0, 2.0])})
    turned = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(turned, "w") as other:
        for name in file.namelist():
            content = file.read(name)
            if name.endswith("byteorder"):
                content = b"big"
            elif name.endswith("data/0"):
                content = struct.pack(">2f", 1.0, 2.0)
            other.writestr(name, content)
    assert read_tensors("a.pt", turned.getvalue())["w"].tolist() == [1.0, 2.0]


class Runs:
    """An object whose pickle makes a file when it is loaded by Python."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def with_pickle(pickled: bytes, **others: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        for name, content in others.items():
            file.writestr(f"archive/{name}", content)
    return stream.getvalue()


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_something_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "ran"
    pickled = pickle.dumps({"w": Runs(mark)}, protocol=protocol)
    pickle.loads(pickled)  # noqa: S301 - to show that it would
    assert mark.exists()
    mark.unlink()
    with pytest.raises(TensorError, match="not read"):
        read_tensors("a.pt", with_pickle(pickled))
    with pytest.raises(TensorError):
        read_tensors("a.pt", saved({"w": Runs(mark)}))
    assert not mark.exists()


REFUSED = {
    "os.system": b"cos\nsystem\n(S'true'\ntR.",
    "builtins.eval by stack": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'true'\no.",
    "NEWOBJ": b"\x80\x02cbuiltins\nobject\n)\x81.",
    "EXT1": b"\x80\x02\x82\x01.",
    "a memo of billions": b"\x80\x02}r\xff\xff\xff\x7f0cos\nsystem\n)R.",
    "BUILD of a list": b"\x80\x02]}b.",
    "a key that is a list": b"\x80\x02}]K\x01s.",
    "an empty stack": b"\x80\x020.",
    "no STOP": b"\x80\x02}",
    "nothing": b"",
    "not a pickle": b"net_h1 = 0.3775",
    "a mark as a value": b"\x80\x02}K\x01(s.",
    "a memo that isn't there": b"\x80\x02h\x05.",
}


@pytest.mark.parametrize("pickled", REFUSED.values(), ids=REFUSED)
def test_other_pickles_are_refused(pickled: bytes) -> None:
    with pytest.raises(TensorError):
        read_tensors("a.pt", with_pickle(pickled))


def test_a_whole_model_is_refused_with_what_to_do() -> None:
    with pytest.raises(TensorError, match=r"Linear.*torch\.save\(model\.state_dict\(\), path\)"):
        read_tensors("a.pt", saved(torch.nn.Linear(2, 3)))


def test_what_was_saved_before_pytorch_1_6_is_refused() -> None:
    with pytest.raises(TensorError, match="save it again"):
        read_tensors("a.pt", saved({"w": torch.ones(2)}, _use_new_zipfile_serialization=False))


def tensor_pickle(count: int, start: Any, shape: Any, stride: Any, kind: str = "FloatStorage") -> bytes:
    """The pickle of one tensor, with any numbers in it."""

    def text(value: Any) -> bytes:
        return pickle.dumps(value, protocol=2)[2:-1]

    storage = text("storage") + f"ctorch\n{kind}\n".encode() + text("0") + text("cpu") + text(count)
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(("
        + storage + b"tQ" + text(start) + text(shape) + text(stride) + b"\x89N" + b"tR."
    )  # fmt: skip


LIES = {
    "a storage that is too short": (5, 0, (4,), (1,)),
    "a tensor larger than its storage": (4, 0, (5,), (1,)),
    "a start behind the end": (4, 4, (1,), (1,)),
    "a stride that leads out": (4, 0, (2, 2), (3, 1)),
    "a negative stride": (4, 0, (2,), (-1,)),
    "a negative size": (4, 0, (-2,), (1,)),
    "sizes without strides": (4, 0, (2, 2), (1,)),
    "a size that is a text": (4, 0, ("2",), (1,)),
    "true as a size": (4, 0, (True,), (1,)),
    "an expanded one of many gigabytes": (4, 0, (2**40,), (0,)),
    "many sizes": (4, 0, (1,) * 60, (0,) * 60),
    "a list of sizes": (4, 0, [2], [1]),
}


@pytest.mark.parametrize("numbers", LIES.values(), ids=LIES)
def test_impossible_tensors_are_refused(numbers: tuple[Any, ...]) -> None:
    good = with_pickle(tensor_pickle(4, 0, (2, 2), (2, 1)), **{"data/0": bytes(16)})
    assert read_tensors("a.pt", good)["tensor"].shape == (2, 2)
    with pytest.raises(TensorError):
        read_tensors("a.pt", with_pickle(tensor_pickle(*numbers), **{"data/0": bytes(16)}))


def test_an_unknown_type_and_a_missing_storage_are_refused() -> None:
    with pytest.raises(TensorError, match="unknown type"):
        read_tensors("a.pt", with_pickle(tensor_pickle(4, 0, (4,), (1,), "ComplexFloatStorage")))
    with pytest.raises(TensorError):
        read_tensors("a.pt", with_pickle(tensor_pickle(4, 0, (4,), (1,))))


def test_a_zip_bomb_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\x80\x02}.")
        file.writestr("archive/data/0", bytes(80 * 2**20))
    assert len(stream.getvalue()) < 2**20
    with pytest.raises(TensorError, match="too many for a file"):
        read_tensors("a.pt", stream.getvalue())


# NumPy


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4", "<f2", "<i8", ">i4", "|i1", "<u8", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_files_are_read_to_the_bit(tmp_path: Path, dtype: str, order: Any) -> None:
    array = np.asarray((np.arange(12).reshape(3, 4) * 7 % 5).astype(dtype), order=order)
    np.save(tmp_path / "w_o.npy", array)
    found = read_tensors(tmp_path / "w_o.npy")["w_o"]
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "all.npz", w_o=array, one=array[0, 0], none=array[:0])
        several = read_tensors(tmp_path / "all.npz")
        assert list(several) == ["w_o", "one", "none"]
        assert np.array_equal(several["w_o"], array)
        assert several["one"].shape == ()
        assert several["none"].shape == (0, 4)


def test_objects_in_numpy_files_are_refused(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    np.save(tmp_path / "a.npy", np.array([Runs(mark)], object), allow_pickle=True)
    with pytest.raises(TensorError, match="Python objects"):
        read_tensors(tmp_path / "a.npy")
    assert not mark.exists()


def test_a_numpy_header_is_not_believed() -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**20)})
    with pytest.raises(TensorError, match="shorter than its header says"):
        read_tensors("a.npy", stream.getvalue() + bytes(64))
    with pytest.raises(TensorError, match="damaged"):
        read_tensors("a.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x y z'")


# safetensors


def test_safetensors_are_read_to_the_bit() -> None:
    tensors = {str(dtype): example(dtype, 2, 3) for dtype in DTYPES}
    found = read_tensors("a.safetensors", save_safetensors_torch(tensors))
    assert all(same(found[name], tensor) for name, tensor in tensors.items())
    arrays = {"w": np.arange(6.0).reshape(2, 3), "one": np.array(0.5, np.float32), "none": np.zeros((0, 2))}
    others = read_tensors("a.safetensors", save_safetensors(arrays))
    for name, array in arrays.items():
        assert np.array_equal(others[name], array)
        assert others[name].shape == array.shape


def test_damaged_safetensors_and_unknown_types_are_refused() -> None:
    data = save_safetensors({"w": np.arange(6.0)})
    for damaged in (data[:-1], data[:20], data + b"x", b"\xff" * 7 + b"\x00{"):
        with pytest.raises(TensorError):
            read_tensors("a.safetensors", damaged, "safetensors")
    with pytest.raises(TensorError, match="save them as float32"):
        read_tensors("a.safetensors", save_safetensors_torch({"w": torch.ones(2).to(torch.float8_e4m3fn)}))


# All of them


def test_bfloat16_says_that_it_has_two_bytes() -> None:
    few = read_tensors("a.pt", saved({"w": torch.tensor([0.3775, -1e-3, 0.0, float("inf")]).bfloat16()}))["w"]
    assert few.dtype == np.float16
    far = read_tensors("a.pt", saved({"w": torch.tensor([1e10, 1e-20]).bfloat16()}))["w"]
    assert far.dtype == np.float32
    assert same(far, torch.tensor([1e10, 1e-20]).bfloat16())


def test_floats_of_every_kind() -> None:
    for dtype in ("<f8", ">f8", "<f4", ">f2", "<i4", "|u1"):
        found = as_floats(np.array([1, 2, 3], dtype))
        assert found is not None
        assert found.dtype.kind == "f"
        assert found.dtype.isnative
        assert found.tolist() == [1.0, 2.0, 3.0]
    assert as_floats(np.longdouble([0.5])).dtype == np.float64  # type: ignore[union-attr]
    for other in (np.array([True]), np.array(["1"]), np.array([1j]), np.array([None]), np.zeros(1, "M8[s]")):
        assert as_floats(other) is None


def test_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    array, stream = np.arange(3.0), io.BytesIO()
    np.savez(stream, w=array)
    for data, kind in [
        (stream.getvalue(), "npz"),
        (save_safetensors({"w": array}), "safetensors"),
        (saved({"w": torch.ones(2)}), "pt"),
        (saved({"w": torch.ones(2)}, _use_new_zipfile_serialization=False), "pt"),
        (b"net_h1 = 0.3775", ""),
        (b"", ""),
        (b"PK\x03\x04", ""),
    ]:
        assert content_kind(data) == kind


WHOLE = [
    saved({"w": torch.arange(6.0).reshape(2, 3), "n": [1, 0.5]}),
    save_safetensors({"w": np.arange(6.0)}),
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".ljust(117)
    + b"\n"
    + bytes(16),
]


def refusal(data: bytes, kind: str) -> str:
    """What is said about a file that can't be read; nothing for one that can be."""
    try:
        read_tensors("a", data, kind)
    except TensorError as problem:
        return str(problem)
    return ""


@given(st.data())
def test_damage_leads_to_one_clear_refusal(data: st.DataObject) -> None:
    """A changed byte anywhere: the numbers, or one error of ours; never anything else."""
    whole = data.draw(st.sampled_from(WHOLE))
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        changed = changed[: data.draw(st.integers(0, len(whole)))]
    for kind in ("", "pt", "npz", "npy", "safetensors"):
        said = refusal(bytes(changed), kind)
        assert "\n" not in said
        assert not said or said.startswith("a: ")


@given(st.binary(max_size=200))
def test_any_bytes_as_a_pickle(pickled: bytes) -> None:
    for data in (with_pickle(pickled), with_pickle(b"\x80\x02" + pickled + b"."), pickled):
        assert "\n" not in refusal(data, "pt")
