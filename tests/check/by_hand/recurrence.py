"""Recurrent layers by hand: a simple cell, an LSTM and a GRU, backwards through time."""

import numpy as np

import chainrule as cr
from check.by_hand.made import Array, Made, Slip, draw, sigmoid

SIMPLE = {
    "last step only": Slip("dE/dw_r", ["last-step-only"]),
    "recurrent weights of the last step only": Slip("dE/du_r", ["last-step-only", "overwritten"]),
    "carry dropped": Slip("dE/dh_r", ["carry-dropped"]),
    "cut after two steps": Slip("dE/dh_r", ["cut-too-early"], {"steps": 5, "returns": "all"}),
    "slope left out": Slip("delta_r", ["slope-left-out"]),
    "tanh slope plus": Slip("delta_r", ["tanh-slope-plus"]),
    "recurrent weights transposed back": Slip("dE/dh_r", ["transposed-backward"]),
    "recurrent weights transposed": Slip("net_r", ["transposed-forward"]),
    "current state for previous": Slip("dE/du_r", ["wrong-step"]),
    "input of the step before": Slip("net_r", ["input-of-other-step"]),
    "gradient with the input of the step before": Slip("dE/dw_r", ["input-of-other-step"]),
    "bias forgotten": Slip("net_r", ["bias-left-out"]),
    "bias twice": Slip("net_r", ["bias-twice"]),
    "gradients averaged over the steps": Slip("dE/dw_r", ["mean-for-sum"]),
    "delta of the next step without its slope": Slip("dE/dh_r", ["error-for-delta"]),
    "state forgotten": Slip("net_r", ["state-left-out"]),
}


def target_of(rng: np.random.Generator, out: Array) -> Array:
    return draw(rng, *out.shape)


def simple(
    rng: np.random.Generator, slip: str = "", *, samples: int = 2, steps: int = 3, inputs: int = 2, units: int = 2,
    returns: str = "last",
) -> Made:  # fmt: skip
    """A simple recurrent layer and a dense one behind it, or with ``returns`` all its states."""
    x = draw(rng, samples, steps, inputs)
    w, u, b = draw(rng, units, inputs), draw(rng, units, units), draw(rng, units)
    net, h = np.zeros((samples, steps, units)), np.zeros((samples, steps, units))
    for t in range(steps):
        before = h[:, t - 1] if t and slip != "state forgotten" else np.zeros((samples, units))
        seen = x[:, max(t - 1, 0)] if slip == "input of the step before" else x[:, t]
        recurrent = u if slip == "recurrent weights transposed" else u.T
        net[:, t] = seen @ w.T + before @ recurrent
        net[:, t] += {"bias forgotten": 0, "bias twice": 2}.get(slip, 1) * b
        h[:, t] = np.tanh(net[:, t])
    numbers = {"net_r": net, "h_r": h}
    layers: list[cr.Dense | cr.Layer] = [
        cr.Layer("recurrent", units=units, name="r", weights=w, recurrent_weights=u, bias=b, returns=returns)
    ]
    direct = np.zeros_like(h)
    if returns == "all":
        target = draw(rng, *h.shape)
        numbers["E_total"] = np.array(((target - h) ** 2).sum() / 2)
        direct[:] = h - target
    else:
        v, c = draw(rng, 1, units), draw(rng, 1)
        layers.append(cr.Dense(1, "identity", v, c, name="o"))
        y = h[:, -1] @ v.T + c
        target = draw(rng, *y.shape)
        d = y - target
        numbers |= {"out_o": y, "E_total": np.array(((target - y) ** 2).sum() / 2), "dE/dout_o": d,
                    "dE/dw_o": d.T @ h[:, -1], "dE/db_o": d.sum(axis=0)}  # fmt: skip
        direct[:, -1] = d @ v
    dh, dnet = np.zeros_like(h), np.zeros_like(h)
    for t in reversed(range(steps)):
        dh[:, t] = direct[:, t]
        back = u.T if slip == "recurrent weights transposed back" else u
        later = dh if slip == "delta of the next step without its slope" else dnet
        cut = slip == "cut after two steps" and t < steps - 2
        if t < steps - 1 and slip != "carry dropped" and not cut:
            dh[:, t] += later[:, t + 1] @ back
        slope = {"slope left out": 1, "tanh slope plus": 1 + h[:, t] ** 2}.get(slip, 1 - h[:, t] ** 2)
        dnet[:, t] = dh[:, t] * slope
    before = np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1)
    if slip == "current state for previous":
        before = h
    seen = np.concatenate([x[:, :1], x[:, :-1]], axis=1) if "the input of the step before" in slip else x
    dw, du, db = (np.einsum("ntj,nti->ji", dnet, seen), np.einsum("ntj,ntk->jk", dnet, before), dnet.sum(axis=(0, 1)))
    if slip == "last step only":
        dw, du, db = dnet[:, -1].T @ x[:, -1], dnet[:, -1].T @ before[:, -1], dnet[:, -1].sum(axis=0)
    if slip == "recurrent weights of the last step only":
        du = dnet[:, -1].T @ before[:, -1]
    if slip == "gradients averaged over the steps":
        dw, du, db = dw / steps, du / steps, db / steps
    numbers |= {"dE/dh_r": dh, "delta_r": dnet, "dE/dw_r": dw, "dE/du_r": du, "dE/db_r": db}
    step = cr.Network((steps, inputs), layers, "half_squared_error", over_batch="sum").step(
        x, target, learning_rate=0.1
    )
    return Made(step, numbers)


LSTM = {
    "forget and input swapped": Slip("c_l", ["exchanged"]),
    "output and forget swapped": Slip("c_l", ["everywhere-reference"]),
    "tanh slope plus": Slip("delta_l_g", ["tanh-slope-plus"]),
    "slope of the memory at the state": Slip("dE/dc_l", ["slope-at-state"]),
    "slope of the memory left out": Slip("dE/dc_l", ["slope-left-out"]),
    "slope of the memory twice": Slip("dE/dc_l", ["slope-twice"]),
    "memory not carried back": Slip("dE/dc_l", ["carry-dropped"]),
    "state not carried back": Slip("dE/dh_l", ["carry-dropped"]),
    "gate slopes left out": Slip("delta_l_o", ["slope-left-out"]),
    "gate slopes of tanh": Slip("delta_l_o", ["other-slope"]),
    "bias twice": Slip("net_l_i", ["bias-twice"]),
    "last step only": Slip("dE/dw_l_i", ["last-step-only"]),
    "memory of the step before": Slip("h_l", ["previous-step"]),
    "own memory in the forget gate": Slip("dE/df_l", ["wrong-step"]),
    "own state in the recurrent gradients": Slip("dE/du_l_i", ["wrong-step"]),
    "forget gate left out on the way back": Slip("dE/dc_l", ["factor-left-out"]),
    "own forget gate on the way back": Slip("dE/dc_l", ["wrong-step"]),
    "output gate left out on the way back": Slip("dE/dc_l", ["factor-left-out"]),
    "memory not squashed": Slip("h_l", ["activation-left-out"]),
    "candidate logistic": Slip("g_l", ["other-activation"]),
    "one gate's part of the carry": Slip("dE/dh_l", ["one-path"]),
    "memory forgotten": Slip("c_l", ["state-left-out"]),
    "recurrent weights transposed back": Slip("dE/dh_l", ["transposed-backward"]),
    "input of the step before": Slip("net_l_i", ["input-of-other-step"]),
    "input gate for candidate": Slip("dE/dg_l", ["everywhere-reference"]),
    "no part of the direct error": Slip("dE/dc_l", ["one-path"]),
}
GATES = "ifgo"


def lstm(
    rng: np.random.Generator, slip: str = "", *, samples: int = 2, steps: int = 3, inputs: int = 2, units: int = 2,
    returns: str = "all",
) -> Made:  # fmt: skip
    """A long short-term memory, with all its states or with a dense layer behind the last one."""
    x = draw(rng, samples, steps, inputs)
    w = {gate: draw(rng, units, inputs) for gate in GATES}
    u = {gate: draw(rng, units, units) for gate in GATES}
    b = {gate: draw(rng, units) for gate in GATES}
    shape = (samples, steps, units)
    net, act = {gate: np.zeros(shape) for gate in GATES}, {gate: np.zeros(shape) for gate in GATES}
    c, h = np.zeros(shape), np.zeros(shape)
    none = np.zeros((samples, units))
    for t in range(steps):
        h_before, c_before = (h[:, t - 1], c[:, t - 1]) if t else (none, none)
        seen = x[:, max(t - 1, 0)] if slip == "input of the step before" else x[:, t]
        for gate in GATES:
            net[gate][:, t] = seen @ w[gate].T + h_before @ u[gate].T + b[gate] * (2 if slip == "bias twice" else 1)
            tanh = gate == "g" and slip != "candidate logistic"
            act[gate][:, t] = np.tanh(net[gate][:, t]) if tanh else sigmoid(net[gate][:, t])
        i, f, g, o = (act[gate][:, t] for gate in GATES)
        match slip:
            case "forget and input swapped":
                c[:, t] = i * c_before + f * g
            case "output and forget swapped":
                c[:, t] = o * c_before + i * g
            case "memory forgotten":
                c[:, t] = i * g
            case _:
                c[:, t] = f * c_before + i * g
        shown = c_before if slip == "memory of the step before" else c[:, t]
        h[:, t] = o * (shown if slip == "memory not squashed" else np.tanh(shown))
    numbers = {}
    for gate in GATES:
        numbers |= {f"net_l_{gate}": net[gate], f"{gate}_l": act[gate]}
    numbers |= {"c_l": c, "h_l": h}
    layers: list[cr.Dense | cr.Layer] = [
        cr.Layer("lstm", units=units, name="l", returns=returns, **{
            f"{word}_{what}": array[gate]
            for gate, word in zip(GATES, ("input", "forget", "candidate", "output"), strict=True)
            for what, array in (("weights", w), ("recurrent_weights", u), ("bias", b))
        })
    ]  # fmt: skip
    direct = np.zeros(shape)
    if returns == "all":
        target = draw(rng, *shape)
        numbers["E_total"] = np.array(((target - h) ** 2).sum() / 2)
        direct[:] = h - target
    else:
        v, a = draw(rng, 1, units), draw(rng, 1)
        layers.append(cr.Dense(1, "identity", v, a, name="o"))
        y = h[:, -1] @ v.T + a
        target = draw(rng, *y.shape)
        d = y - target
        numbers |= {"out_o": y, "E_total": np.array(((target - y) ** 2).sum() / 2),
                    "dE/dw_o": d.T @ h[:, -1], "dE/db_o": d.sum(axis=0)}  # fmt: skip
        direct[:, -1] = d @ v
    dh, dc = np.zeros(shape), np.zeros(shape)
    dact, dnet = {gate: np.zeros(shape) for gate in GATES}, {gate: np.zeros(shape) for gate in GATES}
    for t in reversed(range(steps)):
        i, f, g, o = (act[gate][:, t] for gate in GATES)
        c_before = c[:, t - 1] if t else none
        dh[:, t] = direct[:, t]
        if t < steps - 1 and slip != "state not carried back":
            gates = "g" if slip == "one gate's part of the carry" else GATES
            back = {gate: u[gate].T if slip == "recurrent weights transposed back" else u[gate] for gate in gates}
            dh[:, t] += sum(dnet[gate][:, t + 1] @ back[gate] for gate in gates)
        squashed = np.tanh(c[:, t])
        slope = {
            "slope of the memory at the state": 1 - h[:, t] ** 2,
            "slope of the memory left out": 1,
            "slope of the memory twice": (1 - squashed**2) ** 2,
        }.get(slip, 1 - squashed**2)
        dc[:, t] = dh[:, t] * (1 if slip == "output gate left out on the way back" else o) * slope
        if t < steps - 1 and slip != "memory not carried back":
            gate = {"forget gate left out on the way back": 1, "own forget gate on the way back": f}.get(
                slip, act["f"][:, t + 1]
            )
            dc[:, t] = (0 if slip == "no part of the direct error" else dc[:, t]) + dc[:, t + 1] * gate
        dact["o"][:, t] = dh[:, t] * squashed
        dact["g"][:, t] = dc[:, t] * (g if slip == "input gate for candidate" else i)
        dact["f"][:, t] = dc[:, t] * (c[:, t] if slip == "own memory in the forget gate" else c_before)
        dact["i"][:, t] = dc[:, t] * g
        for gate in GATES:
            y = act[gate][:, t]
            own = 1 - y**2 if gate == "g" else y * (1 - y)
            if slip == "tanh slope plus" and gate == "g":
                own = 1 + y**2
            if slip == "gate slopes left out" and gate != "g":
                own = np.ones_like(y)
            if slip == "gate slopes of tanh" and gate != "g":
                own = 1 - y**2
            dnet[gate][:, t] = dact[gate][:, t] * own
    before = np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1)
    if slip == "own state in the recurrent gradients":
        before = h
    numbers |= {"dE/dh_l": dh, "dE/dc_l": dc}
    numbers |= {f"dE/d{gate}_l": dact[gate] for gate in GATES} | {f"delta_l_{gate}": dnet[gate] for gate in GATES}
    for gate in GATES:
        own = slice(-1, None) if slip == "last step only" else slice(None)
        numbers |= {
            f"dE/dw_l_{gate}": np.einsum("ntj,nti->ji", dnet[gate][:, own], x[:, own]),
            f"dE/du_l_{gate}": np.einsum("ntj,ntk->jk", dnet[gate][:, own], before[:, own]),
            f"dE/db_l_{gate}": dnet[gate][:, own].sum(axis=(0, 1)),
        }
    step = cr.Network((steps, inputs), layers, "half_squared_error", over_batch="sum").step(
        x, target, learning_rate=0.1
    )
    return Made(step, numbers)


GRU = {
    "update gate the other way round": Slip("h_g", ["gate-turned-round"]),
    "reset before": Slip("net_g_g", ["convention-reset-before"]),
    "reset gate left out": Slip("net_g_g", ["everywhere-factor"]),
    "direct way back left out": Slip("dE/dh_g", ["one-path"]),
    "carry dropped": Slip("dE/dh_g", ["carry-dropped"]),
    "through the reset gate left out": Slip("dE/dh_g", ["one-path", "factor-left-out"]),
    "sign of the update gate": Slip("dE/dz_g", ["sign-of-part", "one-path"]),
    "candidate only in the update gate": Slip("dE/dz_g", ["one-path"]),
    "tanh slope plus": Slip("delta_g_g", ["tanh-slope-plus"]),
    "slopes left out": Slip("delta_g_z", ["slope-left-out"]),
    "last step only": Slip("dE/dw_g_r", ["last-step-only"]),
    "update gate for reset gate": Slip("net_g_g", ["everywhere-reference"]),
}
PARTS = "rzg"


def gru(
    rng: np.random.Generator, slip: str = "", *, samples: int = 2, steps: int = 3, inputs: int = 2, units: int = 2,
    reset: str = "after",
) -> Made:  # fmt: skip
    """A gated recurrent unit with all its states; without the bias beside the recurrent weights."""
    x = draw(rng, samples, steps, inputs)
    w = {part: draw(rng, units, inputs) for part in PARTS}
    u = {part: draw(rng, units, units) for part in PARTS}
    b = {part: draw(rng, units) for part in PARTS}
    shape = (samples, steps, units)
    net, act = {part: np.zeros(shape) for part in PARTS}, {part: np.zeros(shape) for part in PARTS}
    h, none = np.zeros(shape), np.zeros((samples, units))
    way = {"before": "after", "after": "before"}[reset] if slip == "reset before" else reset
    for t in range(steps):
        before = h[:, t - 1] if t else none
        for part in "rz":
            net[part][:, t] = x[:, t] @ w[part].T + before @ u[part].T + b[part]
            act[part][:, t] = sigmoid(net[part][:, t])
        r, z = act["r"][:, t], act["z"][:, t]
        r = {"reset gate left out": 1, "update gate for reset gate": z}.get(slip, r)
        recurrent = r * (before @ u["g"].T) if way == "after" else (r * before) @ u["g"].T
        net["g"][:, t] = x[:, t] @ w["g"].T + recurrent + b["g"]
        g = act["g"][:, t] = np.tanh(net["g"][:, t])
        h[:, t] = z * g + (1 - z) * before if slip.startswith("update gate the") else (1 - z) * g + z * before
    numbers = {}
    for part in PARTS:
        numbers |= {f"net_g_{part}": net[part], f"{part}_g": act[part]}
    target = draw(rng, *shape)
    numbers |= {"h_g": h, "E_total": np.array(((target - h) ** 2).sum() / 2)}
    dh = np.zeros(shape)
    dact, dnet = {part: np.zeros(shape) for part in PARTS}, {part: np.zeros(shape) for part in PARTS}
    for t in reversed(range(steps)):
        before = h[:, t - 1] if t else none
        r, z, g = (act[part][:, t] for part in PARTS)
        dh[:, t] = (h - target)[:, t]
        if t < steps - 1 and slip != "carry dropped":
            later_r, later_z = act["r"][:, t + 1], act["z"][:, t + 1]
            if slip != "direct way back left out":
                dh[:, t] += dh[:, t + 1] * (1 - later_z if slip.startswith("update gate the") else later_z)
            dh[:, t] += sum(dnet[part][:, t + 1] @ u[part] for part in "rz")
            if slip != "through the reset gate left out":
                if way == "after":
                    dh[:, t] += (dnet["g"][:, t + 1] * later_r) @ u["g"]
                else:
                    dh[:, t] += (dnet["g"][:, t + 1] @ u["g"]) * later_r
        turned = slip.startswith("update gate the")
        dact["g"][:, t] = dh[:, t] * (z if turned else 1 - z)
        part_of_g = {"sign of the update gate": 1, "candidate only in the update gate": -1}.get(slip, -1)
        own = 0 if slip == "candidate only in the update gate" else 1
        dact["z"][:, t] = dh[:, t] * (g - before if turned else part_of_g * g + own * before)
        dnet["g"][:, t] = dact["g"][:, t] * (1 + g**2 if slip == "tanh slope plus" else 1 - g**2)
        if way == "after":
            dact["r"][:, t] = dnet["g"][:, t] * (before @ u["g"].T)
        else:
            dact["r"][:, t] = (dnet["g"][:, t] @ u["g"]) * before
        for part in "rz":
            y = act[part][:, t]
            dnet[part][:, t] = dact[part][:, t] * (1 if slip == "slopes left out" else y * (1 - y))
    before = np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1)
    numbers["dE/dh_g"] = dh
    for part in PARTS:
        numbers |= {f"dE/d{part}_g": dact[part], f"delta_g_{part}": dnet[part]}
    own = slice(-1, None) if slip == "last step only" else slice(None)
    for part in PARTS:
        seen, d = before, dnet[part]
        if part == "g":
            seen, d = (before, d * act["r"]) if way == "after" else (before * act["r"], d)
        numbers |= {
            f"dE/dw_g_{part}": np.einsum("ntj,nti->ji", dnet[part][:, own], x[:, own]),
            f"dE/du_g_{part}": np.einsum("ntj,ntk->jk", d[:, own], seen[:, own]),
            f"dE/db_g_{part}": dnet[part][:, own].sum(axis=(0, 1)),
        }
    layer = cr.Layer("gru", units=units, name="g", returns="all", reset=reset, **{
        f"{word}_{what}": array[part]
        for part, word in zip(PARTS, ("reset", "update", "candidate"), strict=True)
        for what, array in (("weights", w), ("recurrent_weights", u), ("bias", b))
    }, **({"candidate_recurrent_bias": None} if reset == "after" else {}))  # fmt: skip
    step = cr.Network((steps, inputs), [layer], "half_squared_error", over_batch="sum").step(
        x, target, learning_rate=0.1
    )
    return Made(step, numbers)
