"""Every row of a layer: its derivatives as PyTorch and JAX find them, over random shapes, and as differences do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

import chainrule as cr
from chainrule.catalogue.build import Conventions, DenseLayer, LayerUse, forward_program, place_layers
from chainrule.catalogue.kinds import LAYER_ROWS
from chainrule.catalogue.row import CatalogueError
from chainrule.engines.jax import compile_program as compile_jax
from chainrule.engines.jax import precision
from chainrule.engines.lower import lower
from chainrule.engines.numpy import compile_program
from chainrule.engines.plan import Given
from chainrule.engines.xla import traceable
from chainrule.numbers.evaluate import many_digits, run
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Program, Role, adjoint_name

SEEDS = range(4)
TOLERANCE = 1e-9
STEP = 2.0**-20
Params = Mapping[str, Tensor]
Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A layer for a random generator, its input's shape, and the same in PyTorch of x and the parameters by name."""

    name: str
    layer: Callable[[Rng], LayerUse]
    shape: Callable[[Rng], tuple[int, ...]]
    oracle: Callable[[Tensor, Params, dict[str, Any]], Tensor]
    whole: int = 0  # the inputs are whole numbers below this


def use(kind: str, **settings: Any) -> LayerUse:
    return LayerUse(kind, tuple(settings.items()), "l")


def conv(dimensions: int, channels: bool, filters: bool) -> Case:
    def layer(rng: Rng) -> LayerUse:
        settings: dict[str, Any] = {
            "kernel": tuple(int(each) for each in rng.integers(1, 4, dimensions)),
            "stride": tuple(int(each) for each in rng.integers(1, 3, dimensions)),
            "padding": tuple(int(each) for each in rng.integers(0, 3, dimensions)),
            "dilation": tuple(int(each) for each in rng.integers(1, 3, dimensions)),
            "activation": "tanh",
        }
        return use(f"convolution_{dimensions}d", **settings, **({"filters": 2} if filters else {}))

    def oracle(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
        function = functional.conv1d if dimensions == 1 else functional.conv2d
        k = p["k"] if filters else p["k"][None]
        k = k if channels else k[:, None]
        out = function(x if channels else x[:, None], k, p["b"].reshape(-1), s["stride"], s["padding"], s["dilation"])
        return torch.tanh(out if filters else out[:, 0])

    def shape(rng: Rng) -> tuple[int, ...]:
        return (
            *((int(rng.integers(1, 3)),) if channels else ()),
            *(int(each) for each in rng.integers(5, 8, dimensions)),
        )

    return Case(f"convolution {dimensions} {channels} {filters}", layer, shape, oracle)


def pool(kind: str, dimensions: int) -> Case:
    def oracle(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
        names = {"max": (functional.max_pool1d, functional.max_pool2d), "average": (functional.avg_pool1d,
                 functional.avg_pool2d)}  # fmt: skip
        return names[kind][dimensions - 1](x, s["window"], s.get("stride") or s["window"])

    def layer(rng: Rng) -> LayerUse:
        stride = (int(rng.integers(1, 4)),) * dimensions
        return use(f"{kind}_pooling_{dimensions}d", window=(2,) * dimensions, stride=stride)

    return Case(
        f"{kind} pooling {dimensions}", layer, lambda rng: (2, *(int(each) for each in rng.integers(4, 7, dimensions))),
        oracle,
    )  # fmt: skip


def batch_norm(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    return functional.batch_norm(x, None, None, p["gamma"], p["beta"], training=True, eps=float(s["eps"]))


def batch_norm_in_use(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    return functional.batch_norm(
        x, p["mu_run"], p["var_run"], p["gamma"], p["beta"], training=False, eps=float(s["eps"])
    )


def layer_norm(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    return functional.layer_norm(x, p["gamma"].shape, p["gamma"], p["beta"], float(s["eps"]))


def recurrent(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    x = x.flip(1) if s["backwards"] else x
    h = p["h_0"].expand(len(x), -1) if "h_0" in p else torch.zeros(len(x), s["units"], dtype=x.dtype)
    found = []
    for t in range(x.shape[1]):
        if s["truncate"] and t and t % s["truncate"] == 0:
            h = h.detach()
        h = torch.tanh(x[:, t] @ p["w"].T + h @ p["u"].T + p["b"])
        found.append(h)
    return torch.stack(found[::-1] if s["backwards"] else found, 1) if s["returns"] == "all" else h


def lstm(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    module = torch.nn.LSTM(x.shape[2], s["units"], batch_first=True, dtype=x.dtype)
    gates = [torch.cat([p[f"{name}_{gate}"] for gate in "ifgo"]) for name in "wub"]
    values = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), gates, strict=True))
    values["bias_hh_l0"] = torch.zeros_like(gates[2])
    start = [p[name].expand(1, len(x), -1) if name in p else torch.zeros(1, len(x), s["units"]).to(x)
             for name in ("h_0", "c_0")]  # fmt: skip
    out, _ = torch.func.functional_call(module, values, (x, tuple(start)))
    return out if s.get("returns") == "all" else out[:, -1]


def gru(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    module = torch.nn.GRU(x.shape[2], s["units"], batch_first=True, dtype=x.dtype)
    gates = [torch.cat([p[f"{name}_{gate}"] for gate in "rzg"]) for name in "wub"]
    zero = torch.zeros_like(p["b_r"])
    values = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), gates, strict=True))
    values["bias_hh_l0"] = torch.cat([zero, zero, p["v_g"]])
    out, _ = torch.func.functional_call(module, values, (x,))
    return out if s.get("returns") == "all" else out[:, -1]


def gru_of_the_paper(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    h = torch.zeros(len(x), s["units"], dtype=x.dtype)
    for t in range(x.shape[1]):
        r, z = (torch.sigmoid(x[:, t] @ p[f"w_{g}"].T + h @ p[f"u_{g}"].T + p[f"b_{g}"]) for g in "rz")
        h = (1 - z) * torch.tanh(x[:, t] @ p["w_g"].T + (r * h) @ p["u_g"].T + p["b_g"]) + z * h
    return h


def attention(x: Tensor, p: Params, s: dict[str, Any], tag: str = "") -> Tensor:
    q, k, v = (torch.einsum("hde,nte->nhtd", p[f"w_{name}{tag}"], x) + p[f"b_{name}{tag}"][:, None] for name in "qkv")
    mix = functional.scaled_dot_product_attention(q, k, v, is_causal=s["causal"])
    return torch.einsum("fhd,nhtd->ntf", p[f"w_o{tag}"], mix) + p[f"b_o{tag}"]


def feed_forward(x: Tensor, p: Params, s: dict[str, Any], tag: str = "") -> Tensor:
    return torch.relu(x @ p[f"w_1{tag}"].T + p[f"b_1{tag}"]) @ p[f"w_2{tag}"].T + p[f"b_2{tag}"]


def block(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    def norm(y: Tensor, place: int) -> Tensor:
        gamma, beta = p[f"gamma_norm{place}"], p[f"beta_norm{place}"]
        return functional.layer_norm(y, gamma.shape, gamma, beta, 1e-5)

    if s["order"] == "pre":
        x = x + attention(norm(x, 1), p, s, "_attn")
        return x + feed_forward(norm(x, 2), p, s, "_ff")
    x = norm(x + attention(x, p, s, "_attn"), 1)
    return norm(x + feed_forward(x, p, s, "_ff"), 2)


def encoded(x: Tensor, p: Params, s: dict[str, Any]) -> Tensor:
    t, e = torch.meshgrid(torch.arange(x.shape[1]), torch.arange(x.shape[2]), indexing="ij")
    angle = t / 10000.0 ** ((e - e % 2).double() / x.shape[2])
    return x + torch.where(e % 2 == 0, torch.sin(angle), torch.cos(angle))


def sequence(rng: Rng) -> tuple[int, ...]:
    return (int(rng.integers(1, 5)), int(rng.integers(1, 4)))


def features(rng: Rng) -> tuple[int, ...]:
    return (int(rng.integers(2, 5)),)


def wide(rng: Rng) -> tuple[int, ...]:
    return (int(rng.integers(1, 5)), 4)


CASES = (
    *(conv(dimensions, channels, filters) for dimensions in (1, 2) for channels in (False, True)
      for filters in (False, True)),
    *(pool(kind, dimensions) for kind in ("max", "average") for dimensions in (1, 2)),
    Case("flatten", lambda rng: use("flatten"), lambda rng: (2, 3, int(rng.integers(1, 4))),
         lambda x, p, s: x.flatten(1)),
    Case("embedding", lambda rng: use("embedding", words=4, units=3), lambda rng: (int(rng.integers(1, 5)),),
         lambda x, p, s: p["w"][x.long()], whole=4),
    Case("dropout", lambda rng: use("dropout", rate=0.25), features, lambda x, p, s: x * p["mask"] / 0.75),
    Case("activation", lambda rng: use("activation", activation="softmax"), sequence,
         lambda x, p, s: torch.softmax(x, -1)),
    Case("batch normalisation", lambda rng: use("batch_norm", eps="0.001"), features, batch_norm),
    Case("batch normalisation of images", lambda rng: use("batch_norm", eps="0.001"), lambda rng: (2, 3, 2),
         batch_norm),
    Case("batch normalisation in use", lambda rng: use("batch_norm", eps="0.001", mode="evaluation"), features,
         batch_norm_in_use),
    Case("layer normalisation", lambda rng: use("layer_norm", eps="0.001"), lambda rng: (3, 2 + int(rng.integers(3))),
         layer_norm),
    Case("layer normalisation of all", lambda rng: use("layer_norm", eps="0.001", over="all"), lambda rng: (3, 2),
         layer_norm),
    Case("rms normalisation", lambda rng: use("rms_norm", eps="0.001"), sequence,
         lambda x, p, s: functional.rms_norm(x, p["gamma"].shape, p["gamma"], 0.001)),
    Case("recurrent", lambda rng: use("recurrent", units=2), sequence, recurrent),
    Case("recurrent, all states", lambda rng: use("recurrent", units=2, returns="all"), sequence, recurrent),
    Case("recurrent, truncated", lambda rng: use("recurrent", units=2, truncate=2), lambda rng: (5, 2), recurrent),
    Case("recurrent, from the last step to the first",
         lambda rng: use("recurrent", units=2, backwards=True, returns=("all", "last")[int(rng.integers(2))]),
         sequence, recurrent),
    Case("recurrent, backwards and truncated, with a start",
         lambda rng: use("recurrent", units=2, backwards=True, truncate=2, start="trained", returns="all"),
         lambda rng: (5, 2), recurrent),
    Case("lstm with a start", lambda rng: use("lstm", units=2, start="trained"), sequence, lstm),
    Case("lstm", lambda rng: use("lstm", units=2, returns="all"), sequence, lstm),
    Case("gru", lambda rng: use("gru", units=2), sequence, gru),
    Case("gru of the paper", lambda rng: use("gru", units=2, reset="before"), sequence, gru_of_the_paper),
    Case("dot-product attention", lambda rng: use("scaled_dot_product_attention", causal=bool(rng.integers(2))),
         sequence, lambda x, p, s: functional.scaled_dot_product_attention(x, x, x, is_causal=s["causal"])),
    Case("multi-head attention", lambda rng: use("attention", heads=2, causal=bool(rng.integers(2))), wide, attention),
    Case("positional encoding", lambda rng: use("positional_encoding"), sequence, encoded),
    Case("learned positions", lambda rng: use("positional_encoding", learned=True), sequence,
         lambda x, p, s: x + p["pe"]),
    Case("feed-forward", lambda rng: use("feed_forward", units=3), sequence, feed_forward),
    Case("transformer block", lambda rng: use("transformer_block", heads=2, units=3, causal=bool(rng.integers(2)),
         order=("pre", "post")[int(rng.integers(2))]), wide, block),
)  # fmt: skip


def numbers(program: Program, rng: Rng, whole: int) -> dict[str, NDArray[Any]]:
    found = {}
    for family in program.families.values():
        if family.role in (Role.INPUT, Role.TARGET, Role.PARAMETER, Role.SETTING):
            found[family.name] = rng.normal(size=family.shape)
    if whole:
        found["x"] = rng.integers(whole, size=program.families["x"].shape).astype(float)
    if "var_l_run" in found:
        found["var_l_run"] = found["var_l_run"] ** 2
    return found


def settings_of(layer: LayerUse) -> dict[str, Any]:
    row = next(each for each in LAYER_ROWS if layer.kind in (each.name, *each.aliases))
    return {each.name: each.default for each in row.settings} | dict(layer.settings)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_derivatives_are_those_of_pytorch(case: Case, seed: int) -> None:
    rng = np.random.default_rng([seed, len(case.name)])
    layer, shape, samples = case.layer(rng), case.shape(rng), 2 + seed
    forward = forward_program(shape, [layer], Conventions("half_squared_error"), samples)
    wanted = [each.name for each in forward.families.values() if each.role == Role.PARAMETER]
    wanted += [] if case.whole else ["x"]
    program = differentiate(forward, "E_total", wanted)
    given = numbers(program, rng, case.whole)
    tensors = {name: torch.tensor(array, requires_grad=name in wanted) for name, array in given.items()}
    (placed,) = place_layers(shape, [layer])
    own = {each.name: tensors[f"{each.name.split('_')[0]}_l{each.name[len(each.name.split('_')[0]) :]}"]
           for each in placed.plan.given}  # fmt: skip
    out = case.oracle(tensors["x"], own, settings_of(layer))
    loss = ((tensors["target"] - out) ** 2).sum() / 2 / np.prod(out.shape[:-1] if out.ndim > 1 else len(out))
    loss.backward()  # type: ignore[no-untyped-call]
    slow = run(program, given)
    fast = compile_program(program, [adjoint_name(each) for each in wanted])(given)
    np.testing.assert_allclose(slow["E_total"], loss.detach().numpy(), rtol=TOLERANCE)
    for each in wanted:
        gradient = tensors[each].grad
        expected = np.zeros(given[each].shape) if gradient is None else gradient.numpy()
        scale = max(float(np.abs(expected).max(initial=0)), 1e-3)
        np.testing.assert_allclose(slow[adjoint_name(each)], expected, rtol=TOLERANCE, atol=TOLERANCE * scale)
        np.testing.assert_allclose(fast[adjoint_name(each)], expected, rtol=TOLERANCE, atol=TOLERANCE * scale)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_derivatives_are_those_of_jax_and_of_differences(case: Case) -> None:
    """JAX differentiates the forward pass; the difference quotient is one in a random direction, with 40 digits."""
    rng = np.random.default_rng(len(case.name))
    layer, shape = case.layer(rng), case.shape(rng)
    forward = forward_program(shape, [layer], Conventions("half_squared_error"), 2)
    wanted = [each.name for each in forward.families.values() if each.role == Role.PARAMETER]
    wanted += [] if case.whole else ["x"]
    truncated = dict(layer.settings).get("truncate")  # whose derivative is not that of its value, by definition
    given = numbers(forward, rng, case.whole)
    program = differentiate(forward, "E_total", wanted)
    ours = compile_jax(program, [adjoint_name(each) for each in wanted])(given)
    slow = run(program, given)
    for each in wanted:
        np.testing.assert_allclose(ours[adjoint_name(each)], slow[adjoint_name(each)], rtol=1e-9, atol=1e-12)
    if truncated or not wanted:
        return
    plan = lower(forward, ["E_total"])
    names = [each.name for each in plan.instructions if isinstance(each, Given)]
    with precision(np.dtype(float)):
        function = traceable(plan, np.float64, jax)
        places = tuple(place for place, name in enumerate(names) if name in wanted)
        arrays = [jax.numpy.asarray(given[name]) for name in names]
        theirs = jax.grad(lambda *args: function(*args)[0], places)(*arrays)
    for place, gradient in zip(places, theirs, strict=True):
        right = slow[adjoint_name(names[place])]
        np.testing.assert_allclose(gradient, right, rtol=TOLERANCE, atol=TOLERANCE * np.abs(right).max(initial=1e-3))
    way = {each: rng.normal(size=given[each].shape) for each in wanted}
    there, back = ({each: given[each] + h * way[each] for each in wanted} for h in (STEP, -STEP))
    errors = [run(forward, given | moved, many_digits(40))["E_total"][()] for moved in (there, back)]
    parts = np.concatenate([((there[each] - back[each]) * slow[adjoint_name(each)]).ravel() for each in wanted])
    assert float(errors[0] - errors[1]) == pytest.approx(parts.sum(), rel=TOLERANCE, abs=TOLERANCE * abs(parts).sum())


def test_every_row_has_a_case() -> None:
    covered = {each.layer(np.random.default_rng(0)).kind for each in CASES}
    missing = {row.name for row in LAYER_ROWS if not covered & {row.name, *row.aliases}}
    assert missing == {"add", "multiply", "concatenate"}  # which take in several layers: below


BRANCHES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "concatenate": lambda a, b: torch.cat([a, b], -1),
}


@pytest.mark.parametrize("kind", BRANCHES)
def test_branches_that_join(kind: str) -> None:
    rng = np.random.default_rng(3)
    layers = [DenseLayer(3, "tanh", name="a"), DenseLayer(3, "logistic", name="b", inputs=("input",)),
              LayerUse(kind, (), "j", ("a", "b"))]  # fmt: skip
    program = differentiate(forward_program(2, layers, Conventions(), 2))
    given = numbers(program, rng, 0)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in given.items()}
    one, two = (tensors["x"] @ tensors[f"w_{each}"].T + tensors[f"b_{each}"] for each in "ab")
    out = BRANCHES[kind](torch.tanh(one), torch.sigmoid(two))
    (((tensors["target"] - out) ** 2).sum() / 2 / len(out)).backward()
    slow = run(program, given)
    for each in ("w_a", "b_a", "w_b", "b_b"):
        np.testing.assert_allclose(slow[adjoint_name(each)], tensors[each].grad, rtol=TOLERANCE)  # type: ignore[arg-type]


def test_attention_to_another_layer() -> None:
    """Cross-attention: three places of two features are looked at from four of three."""
    layers = [LayerUse("convolution_2d", (("kernel", (2, 2)),), "m"),
              LayerUse("attention", (("heads", 2), ("units", 4)), "a", ("input", "m"))]  # fmt: skip
    program = differentiate(forward_program((4, 3), layers, Conventions("half_squared_error"), 2))
    given = numbers(program, np.random.default_rng(4), 0)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in given.items()}
    x = tensors["x"]
    seen = functional.conv2d(x[:, None], tensors["k_m"][None, None], tensors["b_m"][None])[:, 0]
    q, k, v = (torch.einsum("hde,nte->nhtd", tensors[f"w_a_{name}"], of) + tensors[f"b_a_{name}"][:, None]
               for name, of in (("q", x), ("k", seen), ("v", seen)))  # fmt: skip
    mix = functional.scaled_dot_product_attention(q, k, v)
    out = torch.einsum("fhd,nhtd->ntf", tensors["w_a_o"], mix) + tensors["b_a_o"]
    (((tensors["target"] - out) ** 2).sum() / 2 / np.prod(out.shape[:-1])).backward()
    slow, fast = run(program, given), compile_program(program)(given)
    for name in given:
        if adjoint_name(name) in slow:
            np.testing.assert_allclose(slow[adjoint_name(name)], tensors[name].grad, rtol=TOLERANCE, atol=1e-12)
            np.testing.assert_allclose(fast[adjoint_name(name)], tensors[name].grad, rtol=TOLERANCE, atol=1e-12)
    with pytest.raises(CatalogueError, match="as many places that look as are looked at"):
        place_layers((4, 3), [layers[0], LayerUse("attention", (("causal", True),), "a", ("input", "m"))])


def test_shared_parameters_get_the_sum_of_both_places() -> None:
    layers = [DenseLayer(2, "tanh", name="a"), DenseLayer(2, "tanh", name="b", share="a"), DenseLayer(1)]
    program = differentiate(forward_program(2, layers, Conventions(), 3))
    given = numbers(program, np.random.default_rng(5), 0)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in given.items()}
    out = tensors["x"]
    for _ in range(2):
        out = torch.tanh(out @ tensors["w_a"].T + tensors["b_a"])
    out = out @ tensors["w_o"].T + tensors["b_o"]
    (((tensors["target"] - out) ** 2).sum() / 2 / len(out)).backward()
    np.testing.assert_allclose(run(program, given)["d_w_a"], tensors["w_a"].grad, rtol=TOLERANCE)  # type: ignore[arg-type]


def test_start_values_count_the_whole_window_and_all_heads() -> None:
    """As PyTorch counts fans: the channels times the window, and every unit of every head."""
    conv = cr.Network((3, 9, 9), [cr.Layer("convolution_2d", filters=64, kernel=(5, 5), weights="he_normal")])
    (kernel,) = [array for name, array in conv.parameters.items() if name.startswith("k_")]
    fan_in, _ = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(kernel.shape))
    assert kernel.std() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    heads = cr.Network((4, 32), [cr.Layer("multi_head_attention", heads=4)])
    limit = (6 / (32 + 32)) ** 0.5
    for name, array in heads.parameters.items():
        if name.startswith("w_"):
            assert 0.95 * limit < abs(array).max() < limit, name
