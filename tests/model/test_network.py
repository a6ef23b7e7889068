"""The facade in Python: networks, steps, and what they refuse."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.catalogue.row import CatalogueError
from chainrule.numbers.ledger import LedgerError

SAMPLES = [[0.5, -1.0], [1.0, 0.25], [-0.75, 0.5]]
TARGETS = [[1.0], [0.0], [0.5]]


def network(**options: object) -> cr.Network:
    return cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], **options)  # type: ignore[arg-type]


def test_rounds_one_by_one_are_rounds_at_once() -> None:
    step = network().step(SAMPLES, TARGETS, optimizer="adam", learning_rate=0.05, batch=2)
    one_by_one = step.next().next().next()
    np.testing.assert_allclose(one_by_one["w_h"], step.after(3)["w_h"], rtol=1e-12)
    np.testing.assert_allclose(step.after(1).after(2)["w_h"], step.after(3)["w_h"], rtol=1e-12)


def test_many_digits_agree_with_floats() -> None:
    step = network().step(SAMPLES, TARGETS, optimizer="nadam", learning_rate=0.05)
    assert float(step.after(5, digits=30)["E_total"]) == pytest.approx(step.after(5)["E_total"], rel=1e-12)


def test_negative_numbers_keep_their_sign_in_many_digits() -> None:
    step = cr.Network(1, [cr.Dense(1, "identity", [[-0.5]], None)]).step([[-2.0]], [[0.25]], learning_rate=0.1)
    shown = step.after(0, digits=20).listing("csv", 20)
    assert "w1,w_o[1,1],-0.5" in shown.replace('"', "")
    assert "i1,x[1,1],-2" in shown.replace('"', "")


def test_the_same_seed_draws_the_same_numbers() -> None:
    first, second, other = (network(seed=seed).parameters["w_h"] for seed in (1, 1, 2))
    assert first.tolist() == second.tolist()
    assert first.tolist() != other.tolist()


def test_a_losss_own_number() -> None:
    narrow = network(loss="huber", loss_settings={"huber_delta": 0.1}).step(SAMPLES, TARGETS)["E_total"]
    wide = network(loss="huber", loss_settings={"huber_delta": 10}).step(SAMPLES, TARGETS)["E_total"]
    assert narrow < wide


def test_values_are_plain_numbers_by_name() -> None:
    values = cr.load("mazur").values()
    assert values["net_h1"] == 0.3775
    assert all(type(value) is float for value in values.values())


@pytest.mark.parametrize(
    ("samples", "targets", "message"),
    [
        ([[1.0]], [[1.0]], "inputs are 1 x 1, but must be a row for each sample with 2 numbers"),
        ([1.0, 2.0], [[1.0]], "inputs are 2, but must be a row for each sample"),
        ([[1.0, 2.0]], [[1.0], [2.0]], "1 samples of inputs but 2 of targets"),
        ([[1.0, float("nan")]], [[1.0]], "inputs: sample 1, number 2 is not finite"),
        ([], [], "inputs are"),
    ],
)
def test_samples_that_do_not_fit(samples: list[object], targets: list[object], message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        network().step(samples, targets)


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(LedgerError, match="the weights of o are 3 x 2, but must be 2 x 3"):
        cr.Network(3, [cr.Dense(2, "tanh", np.ones((3, 2)))])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"optimizer": "adm"}, "did you mean adam"), ({"settings": {"beta1": 0.5}}, "has no setting 'beta1'")],
)
def test_an_unknown_optimizer_or_setting(options: dict[str, object], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        network().step(SAMPLES, TARGETS, **options)["E_total"]  # type: ignore[arg-type]


def test_shared_and_absent_biases() -> None:
    net = cr.Network(2, [cr.Dense(2, "tanh", bias=0.5), cr.Dense(1, bias=None)])
    step = net.step(SAMPLES, TARGETS)
    assert step["b1"] == 0.5
    assert step["dE/db1"] == pytest.approx(float(np.sum(step["delta_h"])))
    assert "b_o" not in net.parameters


def test_the_taught_delta_holds_at_each_place() -> None:
    net = cr.Network((2, 1), [cr.Dense(2, "softmax", [[0.5], [0.2]], None)], "cross_entropy")
    step = net.step([[[1.0], [0.5]]], [[[1, 0], [0, 1]]])
    said = " ".join(str(step).split())
    assert "shorter form; this holds because the targets sum to 1: δ_o[r,j] = ½ · (out_o[r,j] − target[r,j])" in said
    expected = (step["out_o"] - [[[1, 0], [0, 1]]]) / 2
    np.testing.assert_allclose(step["dE/dnet_o"], expected, rtol=1e-12)


def test_every_listed_value_is_that_of_its_name() -> None:
    """Two paths to one part of the loss must not be listed as its derivative, each by itself."""
    layers = [cr.Dense(2, "tanh"), cr.Dense(2, "logistic"), cr.Dense(1)]
    step = cr.Network(2, layers, seed=1).step([[0.3, -0.6]], [[0.2]], learning_rate=0.5)
    for name, value in step.values().items():
        assert step[name] == pytest.approx(value, rel=1e-12), name


def test_a_step_shows_itself() -> None:
    step = cr.load("mazur")
    assert repr(step).startswith("Matt Mazur")
    shown = step._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/markdown"}
    assert "$$" in shown["text/markdown"]
    with pytest.raises(ValueError, match="there is no format 'docx'"):
        step.explain().to("docx")
