"""Programs of many kinds with the same calculation in PyTorch: what the chain rule is tried on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Case:
    """Formulas, the letters of each given family, the shapes for some sizes, and the oracle."""

    name: str
    text: str
    axes: dict[str, str]
    shapes: Callable[[int, int, int], Shapes]  # of three sizes from 1 to 4
    oracle: Callable[..., Tensor]  # the loss, from the given families by name
    positive: tuple[str, ...] = ()  # families that must be positive


def program_of(case: Case, shapes: Shapes) -> Program:
    """The case's program for these shapes; every given family is one that derivatives are wanted of."""
    given = [Family(name, Role.PARAMETER, tuple(letters), shapes[name]) for name, letters in case.axes.items()]
    return extend(Program({}), case.text, given=given, roles={"E_total": Role.LOSS})


def _rnn(x: Tensor, w: Tensor, u: Tensor, b: Tensor, h0: Tensor) -> Tensor:
    h = h0
    for t in range(3):
        h = torch.tanh(x[:, t] @ w.T + h @ u.T + b)
    return (h**2).sum()


def _lstm(x: Tensor, h: Tensor, c: Tensor, w: Tensor, u: Tensor, b: Tensor) -> Tensor:
    z = torch.einsum("gji,ni->ngj", w, x) + torch.einsum("gjk,nk->ngj", u, h) + b
    a, i, f, o = torch.tanh(z[:, 0]), torch.sigmoid(z[:, 1]), torch.sigmoid(z[:, 2]), torch.sigmoid(z[:, 3])
    state = a * i + f * c
    return (o * torch.tanh(state)).pow(2).sum() + state.sum()


def _states(step: Callable[..., Tensor], x: Tensor, start: Tensor, backwards: bool = False) -> Tensor:
    """The states of a recurrence along axis 1 of x."""
    state, found = start, []
    for t in range(x.shape[1] - 1, -1, -1) if backwards else range(x.shape[1]):
        state = step(state, x[:, t])
        found.append(state)
    return torch.stack(found[::-1] if backwards else found, 1)


def _gated(x: Tensor, w: Tensor, u: Tensor, v: Tensor, c0: Tensor) -> Tensor:
    c, h, total = c0.expand(len(x), -1), torch.zeros(len(x), len(c0), dtype=x.dtype), torch.zeros((), dtype=x.dtype)
    for t in range(x.shape[1]):
        c = torch.sigmoid(x[:, t] @ u.T + h @ v.T) * c + torch.tanh(x[:, t] @ w.T)
        h = torch.tanh(c) * x[:, t].sum(-1, keepdim=True)
        total = total + (h**2).sum()
    return total


def _second_order(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    h = [torch.zeros(len(x), dtype=x.dtype)] * 2
    for t in range(x.shape[1]):
        h.append(torch.tanh(a * h[-1] + b * h[-2] + x[:, t]) + h[-1] * h[-2])
    return torch.stack(h[2:]).pow(2).sum()


def _looks_at_all(x: Tensor, w: Tensor) -> Tensor:
    def step(h: Tensor, now: Tensor) -> Tensor:
        seen = torch.softmax(torch.einsum("nj,nsj->ns", h, x), 1)
        return torch.tanh(torch.einsum("ns,nsj->nj", seen, x) @ w.T + now)

    return _states(step, x, torch.zeros_like(x[:, 0])).pow(2).sum()


def _different_starts(x: Tensor, a: Tensor, z: Tensor) -> Tensor:
    h, total = [], torch.zeros((), dtype=x.dtype)
    for t in range(len(x)):
        one, two = (h[-1], h[-1]) if h else (torch.ones((), dtype=x.dtype), z)
        h.append(torch.sin(a * one - x[t]) + torch.exp(two) * torch.cos(one))
        total = total + h[-1] ** 2
    return total


def _layer_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return (functional.layer_norm(x, x.shape[1:], gamma, beta, 1e-3) ** 3).sum()


def _batch_norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    return (functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-3) ** 3).sum()


CASES = (
    Case(
        "softmax with cross-entropy",
        """
        net[n,k] = sum[i](w[k,i] * x[n,i]) + b[k]
        p[n,k]   = exp(net[n,k]) / sum[m](exp(net[n,m]))
        E[n,k]   = -target[n,k] * log(p[n,k])
        E_total  = mean[n](sum[k](E[n,k]))
        """,
        {"x": "ni", "w": "ki", "b": "k", "target": "nk"},
        lambda a, b, c: {"x": (a, b), "w": (c, b), "b": (c,), "target": (a, c)},
        lambda x, w, b, target: -(target * torch.log_softmax(x @ w.T + b, 1)).sum(1).mean(),
    ),
    Case(
        "softmax with cross-entropy, in steps",
        """
        top[n]   = max[k](x[n,k])
        e[n,k]   = exp(x[n,k] - top[n])
        s[n]     = sum[k](e[n,k])
        p[n,k]   = e[n,k] / s[n]
        E_total  = -sum[n,k](target[n,k] * log(p[n,k]))
        """,
        {"x": "nk", "target": "nk"},
        lambda a, b, c: {"x": (a, c), "target": (a, c)},
        lambda x, target: -(target * torch.log_softmax(x, 1)).sum(),
    ),
    Case(
        "strided convolution",
        """
        y[n,c,o] = sum[d,u](k[c,d,u] * x[n,d,2*o + u]) + b[c]
        E_total  = sum[n,c,o](y[n,c,o]**2)
        """,
        {"x": "ndi", "k": "cdu", "b": "c"},
        lambda a, b, c: {"x": (a, b, 2 * c + 3), "k": (c, b, 3), "b": (c,)},
        lambda x, k, b: functional.conv1d(x, k, b, stride=2).pow(2).sum(),
    ),
    Case(
        "convolution in two dimensions, stride and dilation",
        """
        y[n,o,q] = sum[u,v](k[u,v] * x[n,o + 2*u,3*q + v])
        E_total  = sum[n,o,q](tanh(y[n,o,q]))
        """,
        {"x": "nij", "k": "uv"},
        lambda a, b, c: {"x": (a, b + 4, 3 * c + 2), "k": (3, 2)},
        lambda x, k: torch.tanh(functional.conv2d(x[:, None], k[None, None], stride=(1, 3), dilation=(2, 1))).sum(),
    ),
    Case(
        "convolution with padding",
        """
        y[n,i]  = sum[u](k[u] * x[n,i + u - 1] if 0 <= i + u - 1 < count[i] else 0)
        E_total = sum[n,i](y[n,i] * z[n,i])
        """,
        {"x": "nm", "k": "u", "z": "ni"},
        lambda a, b, c: {"x": (a, b + 1), "k": (3,), "z": (a, b + 1)},
        lambda x, k, z: (functional.conv1d(x[:, None], k[None, None], padding=1)[:, 0] * z).sum(),
    ),
    Case(
        "batch normalisation",
        """
        mu[j]   = mean[n](x[n,j])
        var[j]  = mean[n]((x[n,j] - mu[j])**2)
        hat[n,j] = (x[n,j] - mu[j]) / sqrt(var[j] + 0.001)
        y[n,j]  = gamma[j] * hat[n,j] + beta[j]
        E_total = sum[n,j](y[n,j]**3)
        """,
        {"x": "nj", "gamma": "j", "beta": "j"},
        lambda a, b, c: {"x": (a + 1, b), "gamma": (b,), "beta": (b,)},
        _batch_norm,
    ),
    Case(
        "layer normalisation",
        """
        mu[n]   = mean[j](x[n,j])
        var[n]  = mean[j]((x[n,j] - mu[n])**2)
        y[n,j]  = gamma[j] * (x[n,j] - mu[n]) / sqrt(var[n] + 0.001) + beta[j]
        E_total = sum[n,j](y[n,j]**3)
        """,
        {"x": "nj", "gamma": "j", "beta": "j"},
        lambda a, b, c: {"x": (a, b + 1), "gamma": (b + 1,), "beta": (b + 1,)},
        _layer_norm,
    ),
    Case(
        "recurrent cell, three steps unrolled",
        """
        h1[n,j] = tanh(sum[i](w[j,i] * x[n,0,i]) + sum[k](u[j,k] * h0[n,k]) + b[j])
        h2[n,j] = tanh(sum[i](w[j,i] * x[n,1,i]) + sum[k](u[j,k] * h1[n,k]) + b[j])
        h3[n,j] = tanh(sum[i](w[j,i] * x[n,2,i]) + sum[k](u[j,k] * h2[n,k]) + b[j])
        E_total = sum[n,j](h3[n,j]**2)
        """,
        {"x": "nti", "w": "ji", "u": "jk", "b": "j", "h0": "nj"},
        lambda a, b, c: {"x": (a, 3, b), "w": (c, b), "u": (c, c), "b": (c,), "h0": (a, c)},
        _rnn,
    ),
    Case(
        "LSTM cell",
        """
        z[n,g,j]   = sum[i](w[g,j,i] * x[n,i]) + sum[k](u[g,j,k] * h[n,k]) + b[g,j]
        state[n,j] = tanh(z[n,0,j]) * logistic(z[n,1,j]) + logistic(z[n,2,j]) * c[n,j]
        out[n,j]   = logistic(z[n,3,j]) * tanh(state[n,j])
        E_total    = sum[n,j](out[n,j]**2) + sum[n,j](state[n,j])
        """,
        {"x": "ni", "h": "nk", "c": "nj", "w": "gji", "u": "gjk", "b": "gj"},
        lambda a, b, c: {"x": (a, b), "h": (a, c), "c": (a, c), "w": (4, c, b), "u": (4, c, c), "b": (4, c)},
        _lstm,
    ),
    Case(
        "single-head attention",
        """
        q[n,t,d]   = sum[e](wq[d,e] * x[n,t,e])
        k[n,t,d]   = sum[e](wk[d,e] * x[n,t,e])
        v[n,t,d]   = sum[e](wv[d,e] * x[n,t,e])
        s[n,t,r]   = sum[d](q[n,t,d] * k[n,r,d]) / sqrt(count[d])
        a[n,t,r]   = exp(s[n,t,r]) / sum[m](exp(s[n,t,m]))
        y[n,t,d]   = sum[r](a[n,t,r] * v[n,r,d])
        E_total    = sum[n,t,d](y[n,t,d]**2)
        """,
        {"x": "nte", "wq": "de", "wk": "de", "wv": "de"},
        lambda a, b, c: {"x": (a, b, c), "wq": (2, c), "wk": (2, c), "wv": (2, c)},
        lambda x, wq, wk, wv: functional.scaled_dot_product_attention(x @ wq.T, x @ wk.T, x @ wv.T).pow(2).sum(),
    ),
    Case(
        "a parameter used twice",
        """
        h[n,j]  = tanh(sum[i](w[j,i] * x[n,i]))
        r[n,i]  = sum[j](w[j,i] * h[n,j])
        d[n]    = w[0,0] * sum[i](w[0,i])
        E_total = sum[n,i]((r[n,i] - x[n,i])**2) + sum[n](d[n])
        """,
        {"x": "ni", "w": "ji"},
        lambda a, b, c: {"x": (a, b), "w": (c, b)},
        lambda x, w: ((torch.tanh(x @ w.T) @ w - x) ** 2).sum() + len(x) * w[0, 0] * w[0].sum(),
    ),
    Case(
        "a diagonal, a fixed entry, powers and quotients",
        """
        y[i]    = w[i,i] * x[i]**3 / (1 + x[0]**2) - x[i]**p
        E_total = sum[i](y[i] * w[i,0]) / sum[i](x[i])
        """,
        {"x": "i", "w": "ij", "p": ""},
        lambda a, b, c: {"x": (a,), "w": (a, a), "p": ()},
        lambda x, w, p: ((torch.diag(w) * x**3 / (1 + x[0] ** 2) - x**p) * w[:, 0]).sum() / x.sum(),
        positive=("x",),
    ),
    Case(
        "max pooling",
        """
        y[n,o]  = max[u](x[n,2*o + u] + k[u])
        E_total = sum[n,o](y[n,o]**2)
        """,
        {"x": "ni", "k": "u"},
        lambda a, b, c: {"x": (a, 2 * b + 2), "k": (2,)},
        lambda x, k: (x.unfold(1, 2, 2) + k).amax(-1).pow(2).sum(),
    ),
    Case(
        "recurrence: two states, one with a start of its own",
        """
        f[n,t,j] = logistic(sum[i](u[j,i] * x[n,t,i]) + sum[k](v[j,k] * h[n,t - 1,k]))
        c[n,t,j] = f[n,t,j] * (c[n,t - 1,j] if t > 0 else c0[j]) + tanh(sum[i](w[j,i] * x[n,t,i]))
        h[n,t,j] = tanh(c[n,t,j]) * sum[i](x[n,t,i])
        E_total  = sum[n,t,j](h[n,t,j]**2)
        """,
        {"x": "nti", "w": "ji", "u": "ji", "v": "jk", "c0": "j"},
        lambda a, b, c: {"x": (a, b, 2), "w": (c, 2), "u": (c, 2), "v": (c, c), "c0": (c,)},
        _gated,
    ),
    Case(
        "recurrence: from the last step to the first, the last state alone",
        """
        h[n,t,j] = tanh(sum[i](w[j,i] * x[n,t,i]) + sum[k](u[j,k] * h[n,t + 1,k]))
        E_total  = sum[n,j](h[n,0,j]**3)
        """,
        {"x": "nti", "w": "ji", "u": "jk"},
        lambda a, b, c: {"x": (a, b, 2), "w": (c, 2), "u": (c, c)},
        lambda x, w, u: (
            _states(lambda h, now: torch.tanh(now @ w.T + h @ u.T), x, x.new_zeros(len(x), len(w)), backwards=True)[
                :, 0
            ]
            .pow(3)
            .sum()
        ),
    ),
    Case(
        "recurrence: two steps back, and a product of both",
        """
        h[n,t]  = tanh(a * h[n,t - 1] + b * h[n,t - 2] + x[n,t]) + h[n,t - 1] * h[n,t - 2]
        E_total = sum[n,t](h[n,t]**2)
        """,
        {"x": "nt", "a": "", "b": ""},
        lambda a, b, c: {"x": (a, b + 1), "a": (), "b": ()},
        _second_order,
    ),
    Case(
        "recurrence: each step looks at all inputs",
        """
        score[n,t,s] = sum[j](h[n,t - 1,j] * x[n,s,j])
        seen[n,t,s]  = exp(score[n,t,s]) / sum[m](exp(score[n,t,m]))
        h[n,t,j]     = tanh(sum[s,k](w[j,k] * seen[n,t,s] * x[n,s,k]) + x[n,t,j])
        E_total      = sum[n,t,j](h[n,t,j]**2)
        """,
        {"x": "ntj", "w": "jk"},
        lambda a, b, c: {"x": (a, b, c), "w": (c, c)},
        _looks_at_all,
    ),
    Case(
        "recurrence: another start at each place",
        """
        h[t]    = (sin(a * (h[t - 1] if t > 0 else 1) - x[t])
                   + exp(h[t - 1] if t > 0 else z) * cos(h[t - 1] if t > 0 else 1))
        E_total = sum[t](h[t]**2)
        """,
        {"x": "t", "a": "", "z": ""},
        lambda a, b, c: {"x": (b,), "a": (), "z": ()},
        _different_starts,
    ),
)
