"""A convolutional network by hand: convolution, pooling, perhaps a second convolution, a dense layer with softmax."""

import numpy as np

import chainrule as cr
from check.by_hand.made import Array, Made, Slip, draw, softmax

SLIPS = {
    "forward kernel turned": Slip("net_c1", ["kernel-turned"]),
    "kernel not turned": Slip("dE/dout_c1", ["kernel-not-turned"], {"second": True}),
    "stride left out on the way back": Slip(
        "dE/dout_c1", ["stride-left-out"], {"second": True, "stride": 2, "size": 7}
    ),
    "padding not cut off": Slip("dE/dout_c1", ["padding-left-out"], {"second": True, "padding": 1}),
    "bias of one place": Slip("dE/db_c1", ["bias-over-some-axes"]),
    "bias over the samples only": Slip("dE/db_c1", ["bias-over-some-axes"]),
    "bias averaged over places": Slip("dE/db_c1", ["mean-for-sum"]),
    "bias over the filters too": Slip("dE/db_c1", ["bias-over-too-many-axes"]),
    "kernel gradient of the last sample": Slip("dE/dk_c1", ["overwritten"]),
    "kernel gradient of the last window": Slip("dE/dk_c1", ["overwritten"]),
    "slope left out": Slip("delta_c1", ["slope-left-out"]),
    "pooling gradient to all": Slip("dE/dout_c1", ["pooling-to-all"], {"pool": "max"}),
    "pooling gradient to the first": Slip("dE/dout_c1", ["pooling-to-all"], {"pool": "max"}),
    "pooling gradient shared": Slip("dE/dout_c1", ["pooling-to-all"], {"pool": "max"}),
    "average not divided": Slip("out_p", ["mean-not-divided"], {"pool": "average"}),
    "average not divided on the way back": Slip("dE/dout_c1", ["mean-not-divided"], {"pool": "average"}),
    "flattened by columns": Slip("out_f", ["flattened-otherwise"]),
    "kernel gradient turned": Slip("dE/dk_c1", ["kernel-gradient-turned"]),
    "last channel only": Slip("dE/dout_c1", ["one-path"], {"second": True}),
    "bias forgotten": Slip("net_c1", ["bias-left-out"]),
}


def windows(x: Array, kernel: int, stride: int, padding: int) -> list[tuple[int, int, Array]]:
    """The place of each window among the outputs, and its part of the padded picture."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    count = (padded.shape[2] - kernel) // stride + 1
    return [
        (r, c, padded[:, :, r * stride : r * stride + kernel, c * stride : c * stride + kernel])
        for r in range(count)
        for c in range(count)
    ]


def convolved(x: Array, k: Array, b: Array, stride: int, padding: int) -> Array:
    found = windows(x, k.shape[2], stride, padding)
    size = max(r for r, _, _ in found) + 1
    out = np.zeros((len(x), len(k), size, size))
    for r, c, window in found:
        out[:, :, r, c] = np.einsum("ncuv,ocuv->no", window, k) + b
    return out


def back_through(d: Array, k: Array, shape: tuple[int, ...], stride: int, padding: int, slip: str) -> Array:
    """The derivative by the input, scattered window by window."""
    n, c, height, width = shape
    dx = np.zeros((n, c, height + 2 * padding, width + 2 * padding))
    used = k[:, :, ::-1, ::-1] if slip == "kernel not turned" else k
    if slip == "last channel only":
        d, used = d[:, -1:], used[-1:]
    step = 1 if slip == "stride left out on the way back" else stride
    size = k.shape[2]
    for r in range(d.shape[2]):
        for s in range(d.shape[3]):
            part = np.einsum("no,ocuv->ncuv", d[:, :, r, s], used)
            dx[:, :, r * step : r * step + size, s * step : s * step + size] += part
    if slip == "padding not cut off":
        return dx[:, :, :height, :width]
    return dx[:, :, padding : padding + height, padding : padding + width]


def kernel_gradient(d: Array, x: Array, k: Array, stride: int, padding: int, slip: str) -> Array:
    dk = np.zeros_like(k)
    for r, c, window in windows(x, k.shape[2], stride, padding):
        part = np.einsum("no,ncuv->nocuv", d[:, :, r, c], window)
        part = part[-1] if slip == "kernel gradient of the last sample" else part.sum(axis=0)
        dk = part if slip == "kernel gradient of the last window" else dk + part
    return dk[:, :, ::-1, ::-1] if slip == "kernel gradient turned" else dk


def bias_gradient(d: Array, slip: str) -> Array:
    match slip:
        case "bias of one place":
            return d[:, :, 0, 0].sum(axis=0)
        case "bias over the samples only":
            return d.sum(axis=0)[:, 0, :].sum(axis=1)
        case "bias averaged over places":
            return d.mean(axis=(2, 3)).sum(axis=0)
        case "bias over the filters too":
            return np.full(d.shape[1], d.sum())
    return d.sum(axis=(0, 2, 3))


def pooled(x: Array, kind: str, slip: str) -> Array:
    n, c, h, w = x.shape
    parts = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
    if kind == "max":
        return parts.max(axis=(3, 5))
    return parts.sum(axis=(3, 5)) if slip == "average not divided" else parts.mean(axis=(3, 5))


def back_through_pooling(d: Array, x: Array, kind: str, slip: str) -> Array:
    dx = np.zeros_like(x)
    for n, c, r, s in np.ndindex(*d.shape):
        window = x[n, c, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2]
        target = dx[n, c, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2]
        if kind == "average":
            target += d[n, c, r, s] / (1 if "average not divided" in slip else 4)
        elif slip == "pooling gradient to all":
            target += d[n, c, r, s]
        elif slip == "pooling gradient shared":
            target += d[n, c, r, s] / 4
        elif slip == "pooling gradient to the first":
            target[0, 0] += d[n, c, r, s]
        else:
            largest = window == window.max()
            target[largest] += d[n, c, r, s] / largest.sum()
    return dx


def convolution(
    rng: np.random.Generator,
    slip: str = "",
    *,
    samples: int = 2,
    channels: int = 2,
    filters: int = 2,
    size: int = 6,
    stride: int = 1,
    padding: int = 0,
    pool: str = "",
    second: bool = False,
    activation: str = "tanh",
) -> Made:
    """All numbers of a round. With ``second`` the stride and the padding are those of a second convolution."""
    x = draw(rng, samples, channels, size, size)
    k1, b1 = draw(rng, filters, channels, 3, 3), draw(rng, filters)
    s1, p1 = (1, 0) if second else (stride, padding)
    layers: list[cr.Dense | cr.Layer] = [
        cr.Layer("convolution", kernel=3, filters=filters, stride=s1, padding=p1, activation=activation, name="c1",
                 weights=k1, bias=b1)
    ]  # fmt: skip
    used = k1[:, :, ::-1, ::-1] if slip == "forward kernel turned" else k1
    net1 = convolved(x, used, 0 * b1 if slip == "bias forgotten" else b1, s1, p1)
    out1 = np.tanh(net1) if activation == "tanh" else np.maximum(net1, 0)
    numbers = {"net_c1": net1, "out_c1": out1}
    last = out1
    k2 = b2 = out2 = np.zeros(0)
    if pool:
        layers.append(cr.Layer(f"{pool}_pooling", window=2, name="p"))
        last = numbers["out_p"] = pooled(out1, pool, slip)
    if second:
        k2, b2 = draw(rng, 2, filters, 3, 3), draw(rng, 2)
        layers.append(
            cr.Layer("convolution", kernel=3, filters=2, stride=stride, padding=padding, activation="tanh", name="c2",
                     weights=k2, bias=b2)
        )  # fmt: skip
        numbers["net_c2"] = convolved(out1, k2, b2, stride, padding)
        last = out2 = numbers["out_c2"] = np.tanh(numbers["net_c2"])
    layers.append(cr.Layer("flatten", name="f"))
    by_columns = slip == "flattened by columns"
    flat = (last.transpose(0, 1, 3, 2) if by_columns else last).reshape(samples, -1)
    w, b = draw(rng, 2, flat.shape[1]), draw(rng, 2)
    layers.append(cr.Dense(2, "softmax", w, b, name="o"))
    net = flat @ w.T + b
    p = softmax(net)
    classes = rng.integers(0, 2, samples)
    t = np.eye(2)[classes]
    numbers |= {"out_f": flat, "net_o": net, "out_o": p, "E_total": np.array(-(t * np.log(p)).sum() / samples)}
    d = (p - t) / samples
    numbers |= {"delta_o": d, "dE/dw_o": d.T @ flat, "dE/db_o": d.sum(axis=0), "dE/dout_f": d @ w}
    d = (d @ w).reshape(last.transpose(0, 1, 3, 2).shape if by_columns else last.shape)
    d = d.transpose(0, 1, 3, 2) if by_columns else d
    if second:
        numbers["dE/dout_c2"] = d
        d = d * (1 - out2**2)
        numbers |= {
            "delta_c2": d,
            "dE/dk_c2": kernel_gradient(d, out1, k2, stride, padding, ""),
            "dE/db_c2": d.sum(axis=(0, 2, 3)),
        }
        d = back_through(d, k2, out1.shape, stride, padding, slip)
    if pool:
        numbers["dE/dout_p"] = d
        d = back_through_pooling(d, out1, pool, slip)
    numbers["dE/dout_c1"] = d
    if slip != "slope left out":
        d = d * ((1 - out1**2) if activation == "tanh" else (net1 > 0))
    numbers |= {
        "delta_c1": d,
        "dE/dk_c1": kernel_gradient(d, x, k1, s1, p1, slip),
        "dE/db_c1": bias_gradient(d, slip),
    }
    step = cr.Network((channels, size, size), layers, "cross_entropy").step(x, t, learning_rate=0.1)
    return Made(step, numbers)
