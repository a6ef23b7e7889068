"""By hand: words that choose rows of a table, dropout, a branch around a layer, parameters in two places."""

import numpy as np

import chainrule as cr
from check.by_hand.made import Array, Made, Slip, draw, softmax

WORDS = {
    "overwritten for a repeated word": Slip("dE/dw_e", ["overwritten"]),
    "first time only": Slip("dE/dw_e", ["overwritten"]),
    "averaged over the places": Slip("dE/dw_e", ["mean-for-sum"]),
    "positions forgotten": Slip("out_p", ["addend-left-out"]),
    "sine and cosine swapped": Slip("pe_p", ["sine-for-cosine"]),
}


def encoding(places: int, width: int, swapped: bool) -> Array:
    pe = np.zeros((places, width))
    for t in range(places):
        for e in range(width):
            angle = t / 10000 ** (2 * (e // 2) / width)
            pe[t, e] = np.cos(angle) if (e % 2 == 1) != swapped else np.sin(angle)
    return pe


def words(rng: np.random.Generator, slip: str = "", *, samples: int = 2, places: int = 3, width: int = 2) -> Made:
    """A table of words, a positional encoding, and classes."""
    table = draw(rng, 4, width)
    x = np.array([[1, 3, 1], [2, 1, 0], [3, 3, 2]])[:samples, :places]
    e = table[x]
    pe = encoding(places, width, slip == "sine and cosine swapped")
    out = e + (0 if slip == "positions forgotten" else pe)
    flat = out.reshape(samples, -1)
    w, b = draw(rng, 2, places * width), draw(rng, 2)
    net = flat @ w.T + b
    p = softmax(net)
    t = np.eye(2)[rng.integers(0, 2, samples)]
    d = (p - t) / samples
    d_out = (d @ w).reshape(out.shape)
    d_table = np.zeros_like(table)
    seen: set[int] = set()
    for n in range(samples):
        for at in range(places):
            word = int(x[n, at])
            if slip == "overwritten for a repeated word":
                d_table[word] = d_out[n, at]
            elif slip != "first time only" or word not in seen:
                d_table[word] += d_out[n, at]
            seen.add(word)
    if slip == "averaged over the places":
        d_table /= places
    numbers = {"out_e": e, "pe_p": pe, "out_p": out, "out_f": flat, "net_o": net, "out_o": p,
               "E_total": np.array(-(t * np.log(p)).sum() / samples), "delta_o": d, "dE/dw_o": d.T @ flat,
               "dE/db_o": d.sum(axis=0), "dE/dout_f": d @ w, "dE/dout_p": d_out, "dE/dout_e": d_out,
               "dE/dw_e": d_table}  # fmt: skip
    layers = [
        cr.Layer("embedding", words=4, units=width, name="e", weights=table),
        cr.Layer("positional_encoding", name="p"),
        cr.Layer("flatten", name="f"),
        cr.Dense(2, "softmax", w, b, name="o"),
    ]
    return Made(cr.Network(places, layers, "cross_entropy").step(x, t, learning_rate=0.1), numbers)


DROPPED = {
    "not made larger": Slip("out_d", ["kept-share-left-out"]),
    "mask forgotten on the way back": Slip("dE/dout_h", ["dropout-mask-left-out"]),
    "not made larger on the way back": Slip("dE/dout_h", ["kept-share-left-out"]),
    "mask forgotten": Slip("out_d", ["dropout-mask-left-out"]),
    "divided by the dropped share": Slip("out_d", ["kept-share-left-out"]),
}


def dropped(rng: np.random.Generator, slip: str = "", *, samples: int = 2, inputs: int = 2, units: int = 4) -> Made:
    """Dropout of a quarter between two dense layers."""
    x, w, b = draw(rng, samples, inputs), draw(rng, units, inputs), draw(rng, units)
    v, c, t = draw(rng, 1, units), draw(rng, 1), draw(rng, samples, 1)
    mask = np.ones((samples, units))
    mask[:, 1] = 0
    mask[0, 3] = 0
    net = x @ w.T + b
    h = np.tanh(net)
    kept = {"not made larger": 1.0, "divided by the dropped share": 0.25}.get(slip, 0.75)
    m = (1 if slip == "mask forgotten" else mask) * h / kept
    y = m @ v.T + c
    d = (y - t) / samples
    d_m = d @ v
    back = {"not made larger on the way back": 1.0}.get(slip, kept)
    d_h = d_m * (1 if "mask forgotten" in slip else mask) / back
    dn = d_h * (1 - h**2)
    numbers = {"net_h": net, "out_h": h, "out_d": m, "out_o": y,
               "E_total": np.array(((t - y) ** 2).sum() / 2 / samples), "dE/dout_o": d,
               "dE/dw_o": d.T @ m, "dE/db_o": d.sum(axis=0), "dE/dout_d": d_m, "dE/dout_h": d_h,
               "delta_h": dn, "dE/dw_h": dn.T @ x, "dE/db_h": dn.sum(axis=0)}  # fmt: skip
    layers = [
        cr.Dense(units, "tanh", w, b, name="h"),
        cr.Layer("dropout", rate=0.25, mask=mask, name="d"),
        cr.Dense(1, "identity", v, c, name="o"),
    ]
    return Made(cr.Network(inputs, layers, "half_squared_error").step(x, t, learning_rate=0.1), numbers)


BRANCHED = {
    "branch around forgotten": Slip("out_s", ["addend-left-out"]),
    "branch around forgotten on the way back": Slip("dE/dout_h", ["one-path"]),
    "layer forgotten on the way back": Slip("dE/dout_h", ["one-path"]),
    "shared weights counted once": Slip("dE/dw_h", ["one-place"]),
    "shared weights counted at the first place": Slip("dE/dw_h", ["one-place"]),
}


def branched(rng: np.random.Generator, slip: str = "", *, samples: int = 2, units: int = 2) -> Made:
    """A layer, the same weights again with a branch around them, and an output."""
    x, w, b = draw(rng, samples, units), draw(rng, units, units), draw(rng, units)
    v, c, t = draw(rng, 1, units), draw(rng, 1), draw(rng, samples, 1)
    n1 = x @ w.T + b
    h1 = np.tanh(n1)
    n2 = h1 @ w.T + b
    h2 = np.tanh(n2)
    s = h2 if slip == "branch around forgotten" else h2 + h1
    y = s @ v.T + c
    d = (y - t) / samples
    d_s = d @ v
    d2 = d_s * (1 - h2**2)
    d_h1 = {"branch around forgotten on the way back": d2 @ w, "layer forgotten on the way back": d_s,
            "branch around forgotten": d2 @ w}.get(slip, d2 @ w + d_s)  # fmt: skip
    d1 = d_h1 * (1 - h1**2)
    first, second = d1.T @ x, d2.T @ h1
    dw = {"shared weights counted once": second, "shared weights counted at the first place": first}.get(
        slip, first + second
    )
    numbers = {"net_h": n1, "out_h": h1, "net_g": n2, "out_g": h2, "out_s": s, "out_o": y,
               "E_total": np.array(((t - y) ** 2).sum() / 2 / samples), "dE/dout_o": d, "dE/dw_o": d.T @ s,
               "dE/db_o": d.sum(axis=0), "dE/dout_s": d_s, "delta_g": d2, "dE/dout_h": d_h1, "delta_h": d1,
               "dE/dw_h": dw, "dE/db_h": d1.sum(axis=0) + d2.sum(axis=0)}  # fmt: skip
    layers = [
        cr.Dense(units, "tanh", w, b, name="h"),
        cr.Dense(units, "tanh", share="h", name="g"),
        cr.Layer("add", inputs=["g", "h"], name="s"),
        cr.Dense(1, "identity", v, c, name="o"),
    ]
    return Made(cr.Network(units, layers, "half_squared_error").step(x, t, learning_rate=0.1), numbers)
