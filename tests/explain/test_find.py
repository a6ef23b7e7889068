"""Every way in which a person writes a quantity."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explain.find import Quantity, UnknownQuantity, Whole, find, find_short
from chainrule.explain.names import Names, Ratio, Scalar, address, name, names_of, scalars
from chainrule.explain.quantity import quantities
from chainrule.model import load

MAZUR = load("mazur").round.names
BATCH = load("mini-batch").round.names
OWN = load("formulas").round.names

WAYS = {
    ("w_o", (0, 0)): ["w5", "W5", "w_5", "w_{5}", "w_o[1,1]", "w_o[1, 1]", " w5 ", "$w_5$"],
    ("w_o", (0, 1)): ["w6", "w_o[1,2]"],
    ("d_w_o", (0, 0)): [
        "dE/dw5", "dE_total/dw5", "∂E/∂w5", "∂E_total/∂w_5", "dE / dw5", "dL/dw5", "dLoss/dw5", "dJ/dw_o[1,1]",
        r"\frac{\partial E}{\partial w_5}", "grad w5", "gradient of w5", "w5.grad", "dw5", "(dE)/(dw5)",
    ],
    ("d_net_o", (0, 0)): [
        "delta_o1", "δo1", "δ_o1", "delta o1", "deltao1", "dE/dnet_o1", r"\delta_{o1}", "delta_o[1]",
        "dE_total/dnet_o1",
    ],
    ("net_h", (0, 0)): ["net_h1", "neth1", "net h1", "net_{h1}", "net_h[1]", "net_h[1,1]", "NET_H1"],
    ("w_o_next", (0, 0)): [
        "w5+", "new w5", "w5_new", "w5 new", "updated w5", "w5^+", "w5⁺", "w5'", "w5_next", "w_5^{+}", "w_o[1,1]+",
        "w_o+[1,1]", "w_o'[1, 1]",
    ],
    ("E_total", ()): ["E", "E_total", "Etotal", "E total", "loss", "error", "total error", "cost"],
    ("E", (0, 1)): ["E_o2", "Eo2", "E[1,2]"],
    ("x", (0, 1)): ["i2", "i_2", "x[1,2]", "x2"],
    ("target", (0, 0)): ["target_o1", "target[1,1]"],
    ("b_h", ()): ["b1", "b_1", "b_h"],
    ("rate", ()): ["rate", "eta", "η", "lr", "learning rate", "alpha"],
}  # fmt: skip


@pytest.mark.parametrize(("expected", "text"), [(key, text) for key, texts in WAYS.items() for text in texts])
def test_a_scalar_is_found_however_it_is_written(expected: tuple[str, tuple[int, ...]], text: str) -> None:
    assert find(MAZUR, text) == Scalar(*expected)


@pytest.mark.parametrize("names", [MAZUR, BATCH, OWN], ids=["mazur", "mini-batch", "formulas"])
def test_every_name_and_every_address_leads_back(names: Names) -> None:
    for scalar in quantities(names):
        assert find(names, name(names, scalar)) == scalar, name(names, scalar)
        assert find(names, address(names, scalar)) == scalar, address(names, scalar)


@pytest.mark.parametrize("names", [MAZUR, BATCH, OWN], ids=["mazur", "mini-batch", "formulas"])
def test_no_two_quantities_have_the_same_name(names: Names) -> None:
    found = [name(names, scalar) for scalar in quantities(names)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("text", "of", "by"),
    [
        ("dE_o1/dout_h1", ("E", (0, 0)), ("out_h", (0, 0))),
        ("∂out_o1/∂net_o1", ("out_o", (0, 0)), ("net_o", (0, 0))),
        ("dnet_o2/dw7", ("net_o", (0, 1)), ("w_o", (1, 0))),
        ("dE/di1", ("E_total", ()), ("x", (0, 0))),
    ],
)
def test_a_derivative_of_one_quantity_by_another(
    text: str, of: tuple[str, tuple[int, ...]], by: tuple[str, tuple[int, ...]]
) -> None:
    assert find(MAZUR, text) == Ratio(Scalar(*of), Scalar(*by))


@pytest.mark.parametrize(
    ("text", "family"),
    [("w_o", "w_o"), ("net_h", "net_h"), ("dE/dw_o", "d_w_o"), ("w_o+", "w_o_next"), ("delta_h", "d_net_h")],
)
def test_a_whole_family(text: str, family: str) -> None:
    assert find(MAZUR, text) == Whole(family)


@pytest.mark.parametrize("text", ["net_h1^(2)", "net_h1#2", "net_h1 sample 2", "net_h1@2", "net_h[2,1]"])
def test_one_of_several_samples(text: str) -> None:
    assert find(BATCH, text) == Scalar("net_h", (1, 0))


def test_which_sample_is_meant_must_be_said() -> None:
    with pytest.raises(UnknownQuantity, match=r"net_h1\^\(1\)"):
        find(BATCH, "net_h1")


@pytest.mark.parametrize(
    ("text", "close"), [("w55", "w5"), ("net_h3", "net_h"), ("out_01", "out_o1"), ("delta_o3", "delta_o")]
)
def test_an_unknown_name_gets_the_nearest(text: str, close: str) -> None:
    with pytest.raises(UnknownQuantity, match=f"did you mean .*{close}"):
        find(MAZUR, text)


@pytest.mark.parametrize(
    "text", ["", " ", "w0", "w9", "w_o[0,1]", "w_o[3,1]", "w_o[1]", "w" * 10_000, "[" * 50, "d/d", "∂∂", "w5++"]
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UnknownQuantity):
        find(MAZUR, text)


@given(st.text(max_size=40))
def test_any_text_is_found_or_refused(text: str) -> None:
    with suppress(UnknownQuantity):
        assert find(MAZUR, text) is not None


def test_names_in_deeper_networks_are_unambiguous() -> None:
    import chainrule as cr

    net = cr.Network(2, [cr.Dense(12, "tanh"), cr.Dense(12, "tanh"), cr.Dense(1)])
    names = net.step([[1.0, 2.0]], [[1.0]]).round.names
    assert name(names, Scalar("net_h1", (0, 1))) == "net_h1_2"
    for family in names.program.families.values():
        for scalar in scalars(family):
            assert find(names, name(names, scalar)) == scalar


def test_a_large_network_names_its_weights_by_address() -> None:
    import chainrule as cr

    net = cr.Network(20, [cr.Dense(10, "tanh"), cr.Dense(1)])
    names = names_of(net.step([[0.5] * 20], [[1.0]]).round.names.program)
    assert name(names, Scalar("w_h", (2, 4))) == "w_h[3,5]"
    assert find(names, "w_h[3,5]") == Scalar("w_h", (2, 4))


SHORT = [
    ("rnn", "h2", Scalar("h_r", (0, 1))),
    ("rnn", "h_2", Scalar("h_r", (0, 1))),
    ("rnn", "dE/dh2", Scalar("d_h_r", (0, 1))),
    ("rnn", "dW", Scalar("d_w_r", ())),
    ("rnn", "U+", Scalar("u_r_next", ())),
    ("conv", "dK", Whole("d_k_c")),
    ("conv", "K[1,2]", Scalar("k_c", (0, 1))),
    ("conv", "net_c12", Scalar("net_c", (0, 0, 1))),
]


@pytest.mark.parametrize(("example", "text", "expected"), SHORT, ids=[text for _, text, _ in SHORT])
def test_the_layer_may_be_left_out_where_only_one_is_meant(example: str, text: str, expected: Quantity) -> None:
    names = load(example).round.names
    assert find(names, text) == expected
    assert find_short(names, text) == (expected, text != "net_c12")


def test_a_name_that_two_layers_share_is_not_guessed() -> None:
    with pytest.raises(UnknownQuantity):
        find(load("mazur").round.names, "net1")
