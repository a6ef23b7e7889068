"""Normalisations by hand, between a dense layer and a logistic output, with the derivatives by mean and variance."""

import numpy as np

import chainrule as cr
from check.by_hand.made import Array, Made, Slip, draw, sigmoid

NORM = {
    "variance by one less": Slip("var_m", ["variance-by-one-less"]),
    "eps outside the root": Slip("hat_m", ["epsilon-outside-the-root"], {"eps": 0.1}),
    "eps forgotten": Slip("hat_m", ["epsilon-left-out"], {"eps": 0.1}),
    "gamma forgotten": Slip("out_m", ["scale-left-out"]),
    "beta forgotten": Slip("out_m", ["bias-left-out"]),
    "gamma forgotten on the way back": Slip("dE/dhat_m", ["scale-left-out"]),
    "statistics constant": Slip("dE/dout_h", ["statistics-constant"]),
    "variance constant": Slip("dE/dout_h", ["statistics-constant"]),
    "mean constant": Slip("dE/dout_h", ["statistics-constant"]),
    "other axis": Slip("hat_m", ["other-axis"]),
    "root left out": Slip("hat_m", ["variance-for-deviation"]),
    "root left out on the way back": Slip("dE/dout_h", ["variance-for-deviation"]),
    "half of the variance's part": Slip("dE/dout_h", ["everywhere-factor"]),
    "gamma's gradient of the last sample": Slip("dE/dgamma_m", ["overwritten"]),
    "gamma's gradient with the scaled number": Slip("dE/dgamma_m", ["everywhere-reference"]),
    "gamma's gradient with the number itself": Slip("dE/dgamma_m", ["everywhere-reference"]),
    "beta's gradient averaged": Slip("dE/dbeta_m", ["mean-twice"]),
    "mean forgotten": Slip("hat_m", ["everywhere-term"]),
}


def norm(
    rng: np.random.Generator, slip: str = "", *, samples: int = 4, inputs: int = 2, units: int = 3, kind: str = "batch",
    eps: float = 0.001,
) -> Made:  # fmt: skip
    """Batch or layer normalisation: over the samples, or over the features of each."""
    x, w, b = draw(rng, samples, inputs), draw(rng, units, inputs), draw(rng, units)
    gamma, beta, t = draw(rng, units), draw(rng, units), rng.integers(0, 2, (samples, units)).astype(float)
    h = x @ w.T + b
    axis = (0 if kind == "batch" else 1) if slip != "other axis" else (1 if kind == "batch" else 0)
    count = h.shape[axis]
    mu = h.mean(axis=axis, keepdims=True)
    var = ((h - mu) ** 2).sum(axis=axis, keepdims=True) / (count - (slip == "variance by one less"))
    root = np.sqrt(var + eps)
    if slip == "eps outside the root":
        root = np.sqrt(var) + eps
    if slip == "eps forgotten":
        root = np.sqrt(var)
    if slip == "root left out":
        root = var + eps
    hat = (h if slip == "mean forgotten" else h - mu) / root
    scale = 1 if slip == "gamma forgotten" else gamma
    m = scale * hat + (0 if slip == "beta forgotten" else beta)
    out = sigmoid(m)
    numbers: dict[str, Array] = {"out_h": h, "mu_m": mu.ravel(), "var_m": var.ravel(), "hat_m": hat, "out_m": m}
    numbers |= {"out_s": out, "E_total": np.array(((t - out) ** 2).sum() / 2 / samples)}
    d_out = (out - t) / samples
    d_m = d_out * out * (1 - out)
    d_gamma = (d_m * hat).sum(axis=0)
    if slip == "gamma's gradient of the last sample":
        d_gamma = (d_m * hat)[-1]
    if slip == "gamma's gradient with the scaled number":
        d_gamma = (d_m * m).sum(axis=0)
    if slip == "gamma's gradient with the number itself":
        d_gamma = (d_m * h).sum(axis=0)
    d_beta = d_m.mean(axis=0) if slip == "beta's gradient averaged" else d_m.sum(axis=0)
    d_hat = d_m * (1 if "gamma forgotten" in slip else gamma)
    back = var + eps if slip == "root left out on the way back" else root
    d_var = (d_hat * (h - mu) * -0.5 / (var + eps) ** 1.5).sum(axis=axis, keepdims=True)
    d_mu = (-d_hat / root).sum(axis=axis, keepdims=True)
    through_var = d_var * (1 if slip == "half of the variance's part" else 2) * (h - mu) / count
    through_mu = d_mu / count
    if slip in ("statistics constant", "variance constant"):
        through_var = 0 * through_var
    if slip in ("statistics constant", "mean constant"):
        through_mu = 0 * through_mu
    d_h = d_hat / back + through_var + through_mu
    numbers |= {"dE/dout_s": d_out, "dE/dout_m": d_m, "dE/dgamma_m": d_gamma, "dE/dbeta_m": d_beta, "dE/dhat_m": d_hat,
                "dE/dvar_m": d_var.ravel(), "dE/dmu_m": d_mu.ravel(), "dE/dout_h": d_h,
                "dE/dw_h": d_h.T @ x, "dE/db_h": d_h.sum(axis=0)}  # fmt: skip
    layers = [
        cr.Dense(units, "identity", w, b, name="h"),
        cr.Layer(f"{kind}_norm", name="m", gamma=gamma, beta=beta, eps=eps),
        cr.Layer("activation", activation="logistic", name="s"),
    ]
    step = cr.Network(inputs, layers, "half_squared_error").step(x, t, learning_rate=0.1)
    if slip == "other axis":
        numbers = {name: array for name, array in numbers.items() if name not in ("dE/dvar_m", "dE/dmu_m")}
        if samples != units:
            numbers = {name: array for name, array in numbers.items() if name not in ("mu_m", "var_m")}
    return Made(step, numbers)


RMS = {
    "root left out": Slip("rms_m", ["variance-for-deviation"]),
    "mean taken off": Slip("out_m", []),
    "statistics constant": Slip("dE/dout_h", ["statistics-constant"]),
    "gamma forgotten on the way back": Slip("dE/dout_h", ["scale-left-out", "factor"]),
}


def rms(rng: np.random.Generator, slip: str = "", *, samples: int = 2, inputs: int = 2, units: int = 3) -> Made:
    """Root mean square normalisation of the features of each sample."""
    eps = 0.001
    x, w, b = draw(rng, samples, inputs), draw(rng, units, inputs), draw(rng, units)
    gamma, t = draw(rng, units), draw(rng, samples, units)
    h = x @ w.T + b
    taken = h - h.mean(axis=1, keepdims=True) if slip == "mean taken off" else h
    square = (h**2).mean(axis=1, keepdims=True) + eps
    root = square if slip == "root left out" else np.sqrt(square)
    out = gamma * taken / root
    d = (out - t) / samples
    scale = 1 if slip == "gamma forgotten on the way back" else gamma
    d_root = -(d * scale * h / root**2).sum(axis=1, keepdims=True)
    d_h = d * scale / root + (0 if slip == "statistics constant" else d_root * h / units / root)
    numbers = {"out_h": h, "rms_m": root.ravel(), "out_m": out,
               "E_total": np.array(((t - out) ** 2).sum() / 2 / samples), "dE/dout_m": d,
               "dE/dgamma_m": (d * h / root).sum(axis=0), "dE/dout_h": d_h, "dE/dw_h": d_h.T @ x,
               "dE/db_h": d_h.sum(axis=0)}  # fmt: skip
    layers = [cr.Dense(units, "identity", w, b, name="h"), cr.Layer("rms_norm", name="m", gamma=gamma, eps=eps)]
    return Made(cr.Network(inputs, layers, "half_squared_error").step(x, t, learning_rate=0.1), numbers)
