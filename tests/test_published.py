"""Worked examples that others published: each printed number is ours to its digits, or its known error is stated."""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.model import Step, load
from chainrule.model.prepare import task_of
from chainrule.spec.reader import parse_spec

EXAMPLES = {
    each["id"]: each
    for each in json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text())["examples"]
}
Find = Mapping[str, Callable[[], Any]]


def published(example: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in EXAMPLES[example]["published"]}


def agrees(printed: str, ours: float, how: str) -> bool:
    """Whether a number is the printed one: rounded to its digits, truncated, or one unit off in the last."""
    digits = Decimal(printed.rstrip("."))
    unit = Decimal(1).scaleb(int(digits.as_tuple().exponent))
    match how:
        case "yes":
            # Half a unit, and what a float's own representation adds.
            return abs(Decimal(ours) - digits) <= unit / 2 + Decimal("1e-15")
        case "truncated":
            return Decimal(ours).quantize(unit, ROUND_DOWN) == digits
        case "last-digit":
            return abs(Decimal(ours) - digits) <= unit * Decimal("1.5")
        case _:
            return abs(Decimal(ours) - digits) > unit / 2


def check(entry: Mapping[str, Any], ours: Any) -> None:
    """Our numbers are those that the collection recomputed, and the printed ones agree in the way that it says."""
    ours = np.asarray(ours, dtype=float)
    np.testing.assert_allclose(
        ours, np.asarray(entry["recomputed"], dtype=float).reshape(ours.shape), rtol=1e-7, atol=2e-9
    )
    printed = np.asarray(entry["printed"], dtype=object).reshape(-1)
    ways = np.asarray(entry.get("per_entry") or [entry["agrees"]] * printed.size, dtype=object).reshape(-1)
    for text, number, how in zip(printed, ours.reshape(-1), ways, strict=True):
        assert agrees(str(text), float(number), how), f"{entry['name']}: {text} is said to be {how}, ours is {number}"


def check_all(example: str, ours: Mapping[str, Any]) -> None:
    """Every published number of an example has ours beside it."""
    entries = published(example)
    assert set(ours) == set(entries)
    for name, value in ours.items():
        check(entries[name], value)


def step_of(text: str) -> Step:
    return Step(task_of(parse_spec(text)))


def test_mazur() -> None:
    step = load("mazur")
    names = {
        "dE/dout_o1", "dE/dw5", "dE/dout_h1", "dE/dw1", "dout_o1/dnet_o1", "dout_h1/dnet_h1", "dE_o1/dout_h1",
        "dE_o2/dout_h1", "net_h1", "out_h1", "out_h2", "net_o1", "out_o1", "out_o2", "E_o1", "E_o2", "E_total",
        "delta_o1", *(f"w{n}+" for n in range(1, 9)),
    }  # fmt: skip
    trained = step.after(10_000)
    ours = {name: step[name] for name in names} | {
        "E after 1 step": step.after(1)["E_total"],
        "E after 10000 steps": trained["E_total"],
        "out_o1 after 10000": trained["out_o1"],
        "out_o2 after 10000": trained["out_o2"],
    }
    check_all("W01-mazur", ours)


def test_the_tutorials_error_after_10000_rounds_is_that_after_9999() -> None:
    assert f"{load('mazur').after(9_999)['E_total']:.10f}" == "0.0000351085"


def test_mazur_with_biases() -> None:
    step = load("mazur-biases")
    after = {rounds: step.after(rounds) for rounds in (1, 11, 1010)}
    end = after[1010]
    check_all(
        "W02-mazur-biases",
        {
            "error printed at loop index 0 (claimed: after 1 step)": after[1]["E_total"],
            "same number vs 11 updates": after[11]["E_total"],
            "error at loop index 999 vs 1010 updates": end["E_total"],
            "final w1,w2 (1010 updates)": end["w_h"][0],
            "final w3,w4": end["w_h"][1],
            "final w5,w6": end["w_o"][0],
            "final w7,w8": end["w_o"][1],
            "final bias of h1": end["b_h1"],
            "final bias printed for h2": end["b_h2"],
            "final bias of o1": end["b_o1"],
            "final bias printed for o2": end["b_o2"],
        },
    )


def test_han_and_kamber() -> None:
    step = step_of("""
        [network]
        inputs = 3
        loss = "half_squared_error"
        [[layer]]
        units = 2
        activation = "logistic"
        weights = [[0.2, 0.4, -0.5], [-0.3, 0.1, 0.2]]
        bias = [-0.4, 0.2]
        [[layer]]
        units = 1
        activation = "logistic"
        weights = [[-0.3, -0.2]]
        bias = [0.1]
        [data]
        inputs = [[1, 0, 1]]
        targets = [[1]]
        [training]
        learning_rate = 0.9
        """)
    # The book's Err is minus our delta.
    ours = {
        "I4": step["net_h1"], "O4": step["out_h1"], "I5": step["net_h2"], "O5": step["out_h2"], "I6": step["net_o1"],
        "O6": step["out_o1"], "Err6": -step["delta_o1"], "Err5": -step["delta_h2"], "Err4": -step["delta_h1"],
        "w46": step["w7+"], "w56": step["w8+"], "w14": step["w1+"], "w24": step["w2+"], "w34": step["w3+"],
        "w15": step["w4+"], "w25": step["w5+"], "w35": step["w6+"], "theta4": step["b_h1+"], "theta5": step["b_h2+"],
        "theta6": step["b_o1+"],
    }  # fmt: skip
    check_all("W04-han-kamber-9", ours)


def test_not_so_random_walk() -> None:
    network = EXAMPLES["W06-anotsorandomwalk-3-2-2"]["network"]
    first, second = network["layers"]
    net = cr.Network(
        inputs=3,
        layers=[
            cr.Dense(2, "logistic", np.transpose(first["W_in_by_out"]), first["b"]),
            cr.Dense(2, "logistic", np.transpose(second["W_in_by_out"]), second["b"]),
        ],
        loss="half_squared_error",
    )
    step = net.step([network["input"]], [network["target"]], learning_rate=0.01)
    slopes = [[step[f"dout_{n}{k}/dnet_{n}{k}"] for k in (1, 2)] for n in "ho"]
    weights, biases = {n: step[f"w_{n}+"].T for n in "ho"}, {n: step[f"b_{n}+"] for n in "ho"}
    check_all(
        "W06-anotsorandomwalk-3-2-2",
        {
            "z1": step["net_h"][0], "a1": step["out_h"][0], "z2": step["net_o"][0], "a2": step["out_o"][0],
            "dJda2": step["dE/dout_o"][0], "f2'(z2)": slopes[1], "d2": step["delta_o"][0], "f1'(z1)": slopes[0],
            "d1": step["delta_h"][0], "dLdW1": step["dE/dw_h"].T, "dLdW2": step["dE/dw_o"].T,
            "W1 new (code)": weights["h"], "W2 new (code)": weights["o"], "b1 new (code)": biases["h"],
            "b2 new (code)": biases["o"], "dL/db2[0] (text)": step["dE/db_o"][0], "W1 new (text)": weights["h"],
            "W2 new (text)": weights["o"], "b1 new (text)": biases["h"], "b2 new (text)": biases["o"],
        },
    )  # fmt: skip


def test_binary_cross_entropy() -> None:
    step = load("binary-cross-entropy")
    check_all(
        "W09-mahfuzar-bce-2-2-1",
        {
            "z1": step["net_h"][0], "a1": step["out_h"][0], "z2": step["net_o1"], "yhat": step["out_o1"],
            "loss": step["E_total"], "delta2": step["delta_o1"], "dL/dW2": step["dE/dw_o"][0],
            "delta1": step["delta_h"][0], "dL/dW1": step["dE/dw_h"],
        },
    )  # fmt: skip


def test_relu_and_softmax() -> None:
    network = EXAMPLES["W11-geoj-cs231n-two-layer"]["network"]
    first, second = network["layers"]
    net = cr.Network(
        inputs=2,
        layers=[
            cr.Dense(2, "relu", np.transpose(first["W_in_by_out"]), first["b"]),
            cr.Dense(3, "softmax", np.transpose(second["W_in_by_out"]), second["b"]),
        ],
        loss="cross_entropy",
    )
    step = net.step([network["input"]], [np.eye(3)[network["target_class"]]])
    check_all(
        "W11-geoj-cs231n-two-layer",
        {
            "M": step["net_h"][0], "scores": step["net_o"][0], "loss": step["E_total"], "dscores": step["delta_o"][0],
            "dW2": step["dE/dw_o"].T, "dh1": step["dE/dout_h"][0], "dW1": step["dE/dw_h"].T, "db1": step["dE/db_h"],
            "db2": step["dE/db_o"],
        },
    )  # fmt: skip


CIRCUITS = {
    "c1": ("f = (x + y) * z", {"x": -2, "y": 5, "z": -4}),
    "c2": (
        "dot = w0 * x0 + w1 * x1 + w2\nminus = -dot\nraised = exp(minus)\nbelow = 1 + raised\nf = 1 / below",
        {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3},
    ),
    "c3": ("f = 2 * (x * y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1}),
}


def circuit(name: str) -> Step:
    text, numbers = CIRCUITS[name]
    parameters = "\n".join(f"{key} = {value}" for key, value in numbers.items())
    return step_of(f'[formulas]\ntext = """\n{text}\n"""\nloss = "f"\n[parameters]\n{parameters}\n')


def test_circuits() -> None:
    one, two, three = circuit("c1"), circuit("c2"), circuit("c3")

    def slopes(step: Step, names: Sequence[str]) -> list[float]:
        return [step[f"df/d{name}"] for name in names]

    check_all(
        "W12-cs231n-circuits",
        {
            "c1 f": one["f"], "c1 df/dx,dy,dz": slopes(one, "xyz"), "c2 dot": two["dot"], "c2 exp": two["raised"],
            "c2 1+exp": two["below"], "c2 f": two["f"], "c2 d(1+exp)": two["df/dbelow"], "c2 d(dot)": two["df/ddot"],
            "c2 dw0,dw1,dw2": slopes(two, ["w0", "w1", "w2"]), "c2 dx0,dx1": slopes(two, ["x0", "x1"]),
            "c3 f": three["f"], "c3 dx,dy,dz,dw": slopes(three, "xyzw"),
        },
    )  # fmt: skip


def test_planar_data() -> None:
    network = EXAMPLES["W14-coursera-planar-backprop"]["network"]
    net = cr.Network(
        inputs=2,
        layers=[
            cr.Dense(4, "tanh", network["W1"], network["b1"]),
            cr.Dense(1, "logistic", network["W2"], network["b2"]),
        ],
        loss="binary_cross_entropy",
    )
    step = net.step(np.transpose(network["X"]), np.transpose(network["Y"]))
    ours = {"dW1": step["dE/dw_h"], "db1": step["dE/db_h"], "dW2": step["dE/dw_o"][0], "db2": step["dE/db_o1"]}
    for name, value in ours.items():
        entry = published("W14-coursera-planar-backprop")[name]
        # The course gives the activations rounded to eight digits, so its own results hold to about as many.
        np.testing.assert_allclose(np.ravel(value), np.ravel(np.asarray(entry["printed"], dtype=float)), atol=6e-9)


@pytest.mark.parametrize(("number", "rounds"), [(0, 2), (1, 3)])
def test_one_neuron_on_three_samples(number: int, rounds: int) -> None:
    test = EXAMPLES["W15-deepml-25-single-neuron-batch3"]["network"]["tests"][number]
    net = cr.Network(2, [cr.Dense(1, "logistic", [test["w"]], [test["b"]])], "mean_squared_error")
    step = net.step(test["X"], [[y] for y in test["y"]], learning_rate=test["eta"])
    entries = published("W15-deepml-25-single-neuron-batch3")
    check(entries[f"T{number + 1} w"], step.after(rounds)["w_o"][0])
    check(entries[f"T{number + 1} b"], step.after(rounds)["b_o1"])
    check(entries[f"T{number + 1} mse"], [step.after(done)["E_total"] for done in range(rounds)])


def neuron(optimizer: str, w: float, gradient: str, state: Mapping[str, float], **settings: float) -> dict[str, Any]:
    """One update of a single parameter with a given gradient and a given state."""
    from chainrule.catalogue.training import Update, setting_values, training_program
    from chainrule.numbers.evaluate import run
    from chainrule.program.program import Family, Program, Role
    from chainrule.program.read import extend

    rate = Decimal(str(settings.pop("rate")))
    update = Update(optimizer, rate, {name: Decimal(str(value)) for name, value in settings.items()})
    program = extend(Program({}), f"E_total = {gradient}", given=[Family("w", Role.PARAMETER)])
    program = training_program(program, ["w"], update)
    given = {name: np.array(float(value)) for name, value in setting_values(update).items()}
    given |= {"w": np.array(w)} | {f"{name}_w": np.array(value) for name, value in state.items()}
    ledger = run(
        program, {name: given.get(name, np.array(0.0)) for name in program.families if not name.startswith("d_")}
    )
    return {name: float(value) for name, value in ledger.items()}


def test_optimizer_steps() -> None:
    zero = {"m": 0.0, "v": 0.0}
    adam = neuron("adam", 1.0, "0.1 * w", zero, rate=0.001)
    adam_array = [neuron("adam", 1.0, f"{g} * w", zero, rate=0.001)["v_w_next"] for g in (0.1, 0.2)]
    momentum = [neuron("momentum", 1.0, "0.1 * w", {"v": v}, rate=0.01, momentum=0.9) for v in (0.1, 0.5)]
    nesterov = [
        neuron("nesterov_lookahead", w, "1/2 * w**2", {"v": v}, rate=0.01, momentum=0.9)
        for w, v in ((1.0, 0.1), (1.0, 0.5), (0.9, 1.0))
    ]
    adagrad = neuron("adagrad", 1.0, "0.1 * w", {"s": 1.0}, rate=0.01, eps=1e-8)
    adamax = neuron("adamax", 1.0, "0.1 * w", {"m": 0.0, "u": 0.0}, rate=0.002)
    check_all(
        "W16-deepml-optimizers",
        {
            "Adam param": adam["w_next"],
            "Adam m": adam["m_w_next"],
            "Adam v (example.json, test 1)": adam["v_w_next"],
            "Adam v (test 2 array)": adam_array,
            "momentum (1,.1,.1)": [momentum[0][name] for name in ("w_next", "v_w_next")],
            "momentum (1,.1,.5)": [momentum[1][name] for name in ("w_next", "v_w_next")],
            "NAG grad=x (1,v=.1)": [nesterov[0][name] for name in ("w_next", "v_w_next")],
            "NAG (1,.5)": [nesterov[1][name] for name in ("w_next", "v_w_next")],
            "NAG (0.9,1)": [nesterov[2][name] for name in ("w_next", "v_w_next")],
            "Adagrad (1,.1,G=1)": [adagrad[name] for name in ("w_next", "s_w_next")],
            "Adamax": [adamax[name] for name in ("w_next", "m_w_next", "u_w_next")],
        },
    )


def test_batch_normalisation() -> None:
    network = EXAMPLES["W21-dlbook-batchnorm"]["network"]
    step = step_of(f"""
        [formulas]
        text = '''
        mu[j]    = mean[n](z[n,j])
        var[j]   = mean[n]((z[n,j] - mu[j])**2)
        hat[n,j] = (z[n,j] - mu[j]) / sqrt(var[j] + eps)
        q[n,j]   = gamma[j] * hat[n,j] + beta[j]
        E_total  = sum[n,j](weight[n,j] * q[n,j])
        '''
        [inputs]
        weight = {json.dumps(network["upstream_dq"])}
        [parameters]
        z = {json.dumps(network["z"])}
        gamma = [1, 1, 1]
        beta = [0, 0, 0]
        [constants]
        eps = 1e-6
        """)
    check_all(
        "W21-dlbook-batchnorm",
        {
            "mu": step["mu"], "var": step["var"], "q row0": step["q"][0], "dq row0": step["dE/dq"][0],
            "dgamma": step["dE/dgamma"], "dbeta": step["dE/dbeta"], "dz": step["dE/dz"],
        },
    )  # fmt: skip


def test_batch_normalisation_by_its_row() -> None:
    network = EXAMPLES["W21-dlbook-batchnorm"]["network"]
    q, weight = np.array(published("W21-dlbook-batchnorm")["q row0"]["recomputed"]), np.array(network["upstream_dq"])
    net = cr.Network(3, [cr.Layer("batch_norm", name="n", eps=network["eps"])], "squared_error", over_batch="sum")
    step = net.step(network["z"], np.zeros((7, 3)))
    np.testing.assert_allclose(step["out_n"][0], q, rtol=1e-9)
    # A target that makes the upstream derivative 2 (q - target) the published one.
    step = net.step(network["z"], np.asarray(step["out_n"]) - weight / 2)
    for name, ours in (("mu", "mu_n"), ("var", "var_n"), ("dgamma", "dE/dgamma_n"), ("dbeta", "dE/dbeta_n")):
        check(published("W21-dlbook-batchnorm")[name], step[ours])


ROWS = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize(
    ("test", "x", "y", "rate", "rounds"),
    [
        ("T1", [ROWS], [[1, 0]], 0.01, 1),
        ("T2", [ROWS, [row[::-1] for row in ROWS[::-1]]], [[0, 1], [1, 0]], 0.01, 4),
        ("T3", [[[each + 1 for each in row] for row in ROWS]], [[0.5, 0.5]], 0.005, 1),
    ],
)
def test_a_convolution_step(test: str, x: Any, y: Any, rate: float, rounds: int) -> None:
    rng = np.random.RandomState(42)
    k, w = rng.randn(3, 3) * 0.01, rng.randn(1, 2) * 0.01
    layers = [
        cr.Layer("convolution", kernel=3, activation="relu", weights=k, bias=0.0, name="c"),
        cr.Layer("flatten"),
        cr.Dense(2, "softmax", w.T, [0.0, 0.0]),
    ]
    step = cr.Network((3, 3), layers, "cross_entropy").step(x, y, learning_rate=rate, batch=1).after(rounds)
    ours = {"W_conv": "k_c", "b_conv": "b_c", "W_dense": "w_o", "b_dense": "b_o"}
    entries = published("W19-deepml-130-cnn-step")
    found = {
        f"{test} {theirs}": np.transpose(step[name]) if name == "w_o" else step[name] for theirs, name in ours.items()
    }
    for name in set(found) & set(entries):
        check(entries[name], found[name])


def test_an_lstm_through_time() -> None:
    step = load("lstm")
    ours = {}
    for at in (0, 1):
        names = {"a": "g", "i": "i", "f": "f", "o": "o", "state": "c", "out": "h"}
        ours |= {f"{theirs}{at}": step[f"{name}_l_{at + 1}"] for theirs, name in names.items()}
    ours |= {
        "dstate1": step["dE/dc_l_2"], "dstate0": step["dE/dc_l_1"], "Delta0+Dout0": step["dE/dh_l_1"],
        "Delta1": step["dE/dh_l_2"],
        **{f"d{theirs}1": step[f"dE/dnet_l_{name}_2"] for theirs, name in zip("aifo", "gifo", strict=True)},
        **{f"d{theirs}0": step[f"dE/dnet_l_{name}_1"] for theirs, name in zip("aio", "gio", strict=True)},
        "dW": [step[f"dE/dw_l_{gate}"] for gate in "gifo"], "dU": [step[f"dE/du_l_{gate}"] for gate in "gifo"],
        "db": [step[f"dE/db_l_{gate}"] for gate in "gifo"], "W new": [step[f"w_l_{gate}+"] for gate in "gifo"],
        "U new": [step[f"u_l_{gate}+"] for gate in "gifo"], "b new": [step[f"b_l_{gate}+"] for gate in "gifo"],
    }  # fmt: skip
    entries = published("W31-gomez-lstm")
    rest = set(entries) - set(ours)
    assert rest == {"f0", "dx1[0]", "dx1[1]", "Dout0"} - set(ours)  # derivatives by inputs, which no row trains
    for name, value in ours.items():
        check(entries[name], value)


def test_pytorchs_own_examples() -> None:
    one = step_of("""
        [formulas]
        text = '''
        Q[i] = 3 * a[i]**3 - b[i]**2
        E_total = sum[i](Q[i])
        '''
        [parameters]
        a = [2, 3]
        b = [6, 4]
        """)
    two = step_of("""
        [formulas]
        text = "E_total = mean[i,j](3 * (x[i,j] + 2)**2)"
        [parameters]
        x = [[1, 1], [1, 1]]
        """)
    assert np.unique(two["dE/dx"]).tolist() == [4.5]
    check_all(
        "W35-pytorch-autograd-tutorials",
        {"a.grad": one["dE/da"], "b.grad": one["dE/db"], "x.grad": two["dE/dx"][0, 0],
         "out": two["E_total"]},
    )  # fmt: skip
