"""Attention by hand, with several heads or one, masked or not."""

import numpy as np

import chainrule as cr
from check.by_hand.made import Array, Made, Slip, draw, softmax

ATTENTION = {
    "not scaled": Slip("score_a", ["root-left-out"]),
    "scaled by the width": Slip("score_a", ["scaled-otherwise"]),
    "scaled by the whole width": Slip("score_a", ["scaled-otherwise"], {"heads": 2}),
    "softmax over the wrong axis": Slip("attn_a", ["softmax-over-other-axis"]),
    "mask after softmax": Slip("attn_a", ["mask-after-softmax"], {"causal": True}),
    "mask forgotten": Slip("attn_a", ["mask-left-out"], {"causal": True}),
    "mask the other way round": Slip("attn_a", ["mask-otherwise"], {"causal": True}),
    "mask hides the place itself": Slip("attn_a", ["mask-otherwise"], {"causal": True}),
    "queries and keys swapped": Slip("score_a", ["exchanged"]),
    "softmax elementwise": Slip("dE/dscore_a", ["elementwise-softmax"]),
    "softmax slope left out": Slip("dE/dscore_a", ["slope-left-out"]),
    "output projection forgotten": Slip("out_a", ["projection-left-out"]),
    "values not weighted on the way back": Slip("dE/dv_a", ["unweighted"]),
    "weights transposed on the way back": Slip("dE/dv_a", ["read-transposed"]),
    "scale left out on the way back": Slip("dE/dk_a", ["root-left-out"]),
    "scale twice on the way back": Slip("dE/dk_a", ["scaled-otherwise"]),
    "scores transposed on the way back": Slip("dE/dk_a", ["read-transposed"]),
    "keys for queries on the way back": Slip("dE/dk_a", ["everywhere-reference"]),
    "values are the inputs": Slip("v_a", ["projection-left-out"]),
    "output weights transposed": Slip("out_a", ["transposed-forward"]),
    "output weights transposed on the way back": Slip("dE/dmix_a", ["transposed-backward"]),
}


def attention(
    rng: np.random.Generator, slip: str = "", *, samples: int = 2, places: int = 3, width: int = 4,
    heads: int | None = 2, causal: bool = False, bias: bool = True,
) -> Made:  # fmt: skip
    """Multi-head attention with half the squared error on its outputs."""
    count = heads or 1
    d = width // count
    x, t = draw(rng, samples, places, width), draw(rng, samples, places, width)
    w = {name: draw(rng, count, d, width) for name in "qkv"}
    b = {name: draw(rng, count, d) if bias else np.zeros((count, d)) for name in "qkv"}
    wo, bo = draw(rng, width, count, d), draw(rng, width) if bias else np.zeros(width)
    q, k, v = (np.einsum("hde,nte->nhtd", w[name], x) + b[name][:, None, :] for name in "qkv")
    if slip == "values are the inputs":
        v = np.einsum("nthd->nhtd", x.reshape(samples, places, count, d))
    scale = {"not scaled": 1, "scaled by the width": d, "scaled by the whole width": np.sqrt(width)}.get(
        slip, np.sqrt(d)
    )
    score = np.einsum("nhtd,nhsd->nhts", q, k) / scale
    if slip == "queries and keys swapped":
        score = score.swapaxes(2, 3)
    mask = np.tril(np.ones((places, places), bool)) if causal else np.ones((places, places), bool)
    if slip == "mask forgotten":
        mask = np.ones_like(mask)
    if slip == "mask the other way round":
        mask = mask.T
    if slip == "mask hides the place itself":
        mask = np.tril(np.ones((places, places), bool), -1)
        mask[0, 0] = True
    axis = 2 if slip == "softmax over the wrong axis" else 3
    a = softmax(score, axis) * mask if slip == "mask after softmax" else softmax(np.where(mask, score, -np.inf), axis)
    mix = np.einsum("nhts,nhsd->nhtd", a, v)
    joined = np.einsum("nhtd->nthd", mix)
    if slip == "output projection forgotten":
        out = joined.reshape(samples, places, width)
    elif slip == "output weights transposed":
        out = joined.reshape(samples, places, width) @ wo.reshape(width, width) + bo
    else:
        out = np.einsum("fhd,nthd->ntf", wo, joined) + bo
    numbers: dict[str, Array] = {
        "q_a": q,
        "k_a": k,
        "v_a": v,
        "score_a": score,
        "attn_a": a,
        "mix_a": mix,
        "out_a": out,
    }
    numbers["E_total"] = np.array(((t - out) ** 2).sum() / 2)
    d_out = out - t
    numbers |= {
        "dE/dout_a": d_out,
        "dE/dw_a_o": np.einsum("ntf,nthd->fhd", d_out, joined),
        "dE/db_a_o": d_out.sum((0, 1)),
    }
    back = wo.reshape(width, width).T.reshape(width, count, d) if slip.endswith("transposed on the way back") and (
        slip.startswith("output")) else wo  # fmt: skip
    d_mix = np.einsum("ntf,fhd->nhtd", d_out, back)
    if slip == "output projection forgotten":
        d_mix = np.einsum("nthd->nhtd", d_out.reshape(samples, places, count, d))
    d_a = np.einsum("nhtd,nhsd->nhts", d_mix, v)
    weights = a.swapaxes(2, 3) if slip == "weights transposed on the way back" else a
    d_v = d_mix if slip == "values not weighted on the way back" else np.einsum("nhts,nhtd->nhsd", weights, d_mix)
    match slip:
        case "softmax elementwise":
            d_score = d_a * a * (1 - a)
        case "softmax slope left out":
            d_score = d_a
        case "softmax over the wrong axis":
            d_score = a * (d_a - (d_a * a).sum(axis=2, keepdims=True))
        case _:
            d_score = a * (d_a - (d_a * a).sum(axis=3, keepdims=True))
    way = {"scale left out on the way back": 1, "scale twice on the way back": scale**2}.get(slip, scale)
    down = d_score.swapaxes(2, 3) if slip == "queries and keys swapped" else d_score
    seen = down.swapaxes(2, 3) if slip == "scores transposed on the way back" else down
    d_q = np.einsum("nhts,nhsd->nhtd", seen, k) / way
    d_k = np.einsum("nhts,nhtd->nhsd", seen, k if slip == "keys for queries on the way back" else q) / way
    numbers |= {
        "dE/dmix_a": d_mix,
        "dE/dattn_a": d_a,
        "dE/dv_a": d_v,
        "dE/dscore_a": d_score,
        "dE/dk_a": d_k,
        "dE/dq_a": d_q,
    }
    for name, own in (("q", d_q), ("k", d_k), ("v", d_v)):
        numbers[f"dE/dw_a_{name}"] = np.einsum("nhtd,nte->hde", own, x)
        if bias:
            numbers[f"dE/db_a_{name}"] = own.sum(axis=(0, 2))
    if not bias:
        del numbers["dE/db_a_o"]
    if heads is None:
        numbers = {name: _without_heads(name, array) for name, array in numbers.items()}
    one = heads is None
    words = {"query": "q", "key": "k", "value": "v"}
    given = {
        **{f"{word}_weights": w[name][0] if one else w[name] for word, name in words.items()},
        **{f"{word}_bias": (b[name][0] if one else b[name]) if bias else None for word, name in words.items()},
        "output_weights": wo[:, 0] if one else wo,
        "output_bias": bo if bias else None,
    }  # fmt: skip
    layer = cr.Layer("attention", name="a", causal=causal, heads=heads, **given)
    step = cr.Network((places, width), [layer], "half_squared_error", over_batch="sum").step(x, t, learning_rate=0.1)
    return Made(step, numbers)


def _without_heads(name: str, array: Array) -> Array:
    if name in ("out_a", "E_total", "dE/dout_a", "dE/db_a_o"):
        return array
    if name == "dE/dw_a_o":
        return array[:, 0]
    return array[0] if name.startswith(("dE/dw", "dE/db")) else array[:, 0]
