"""Every optimizer against PyTorch's for twenty rounds, with weight decay and clipping; what a round consists of."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from chainrule.catalogue.build import Conventions, DenseLayer, forward_program, trained_parameters
from chainrule.catalogue.optimizers import OPTIMIZERS, Optimizer, find_optimizer
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import Update, carried, setting_values, start_values, training_program
from chainrule.engines.numpy import run_rounds
from chainrule.formula.unparse import to_text
from chainrule.numbers.evaluate import run
from chainrule.program.program import Family, Program, Role, definition_of, with_role
from chainrule.program.read import extend
from chainrule.program.sizes import ProgramError

ROUNDS = 20
LAYERS = (DenseLayer(3, "tanh", bias="per_neuron"), DenseLayer(2, "logistic", bias="shared"))
TRAINED = trained_parameters(2, LAYERS)
RNG = np.random.default_rng(8)
START = {
    "w_h": RNG.normal(size=(3, 2)),
    "b_h": RNG.normal(size=3),
    "w_o": RNG.normal(size=(2, 3)),
    "b_o": RNG.normal(size=()),
}
DATA = {"x": RNG.normal(size=(4, 2)), "target": RNG.uniform(size=(4, 2))}
RATE = Decimal("0.05")

Tensors = dict[str, Tensor]
Make = Callable[[Iterable[Tensor], float, dict[str, float]], torch.optim.Optimizer]


def betas(settings: dict[str, float]) -> dict[str, Any]:
    return {"betas": (settings["beta1"], settings["beta2"]), "eps": settings["eps"]}


# `s` are the row's settings; a row without PyTorch's own optimizer is done by hand below.
IN_PYTORCH: dict[str, Make] = {
    "gradient_descent": lambda p, rate, s: torch.optim.SGD(p, rate),
    "momentum": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"]),
    "momentum_pytorch": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"]),
    "nesterov": lambda p, rate, s: torch.optim.SGD(p, rate, momentum=s["momentum"], nesterov=True),
    "adagrad": lambda p, rate, s: torch.optim.Adagrad(p, rate, eps=s["eps"]),
    "rmsprop": lambda p, rate, s: torch.optim.RMSprop(p, rate, alpha=s["decay"], eps=s["eps"]),
    "adam": lambda p, rate, s: torch.optim.Adam(p, rate, **betas(s)),
    "adamw": lambda p, rate, s: torch.optim.AdamW(p, rate, **betas(s), weight_decay=s["decoupled_decay"]),
    "adamax": lambda p, rate, s: torch.optim.Adamax(p, rate, **betas(s)),
    "nadam": lambda p, rate, s: torch.optim.NAdam(p, rate, **betas(s), momentum_decay=s["momentum_decay"]),
}
# Numbers that aren't the rows' own, so that a setting that is ignored shows.
OTHER = {
    "momentum": "0.8", "beta1": "0.7", "beta2": "0.9", "eps": "0.01", "decay": "0.8", "decoupled_decay": "0.3",
    "momentum_decay": "0.05",
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight decay": {"weight_decay": Decimal("0.1")},
    "clipped by norm": {"clip_norm": Decimal("0.02")},
    "norm too small to clip": {"clip_norm": Decimal("1000")},
    "clipped by value": {"clip_value": Decimal("0.003")},
    "all": {"weight_decay": Decimal("0.1"), "clip_norm": Decimal("0.005"), "clip_value": Decimal("0.003")},
}


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    """PyTorch keeps Nadam's product of momenta in the default precision, whatever that of the parameters is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@cache
def forward() -> Program:
    return forward_program(2, LAYERS, Conventions("half_squared_error"), samples=4)


def loss_of(tensors: Tensors) -> Tensor:
    x, target = torch.tensor(DATA["x"]), torch.tensor(DATA["target"])
    hidden = torch.tanh(x @ tensors["w_h"].T + tensors["b_h"])
    out = torch.sigmoid(hidden @ tensors["w_o"].T + tensors["b_o"])
    return ((target - out) ** 2).sum() / 2 / len(x)


def prepare_gradients(tensors: Tensors, update: Update) -> None:
    """Clipping by PyTorch, then the decay that PyTorch's optimizers would add."""
    if update.clip_value is not None:
        clip_grad_value_(tensors.values(), float(update.clip_value))
    if update.clip_norm is not None:
        clip_grad_norm_(tensors.values(), float(update.clip_norm))
    if update.weight_decay is not None:
        for tensor in tensors.values():
            tensor.grad += float(update.weight_decay) * tensor.detach()


def by_pytorch(update: Update) -> list[dict[str, np.ndarray]]:
    """The parameters after each round."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    values = {name: float(value) for name, value in setting_values(update).items()}
    optimizer = IN_PYTORCH[find_optimizer(update.optimizer).name](tensors.values(), values["rate"], values)
    after = []
    for _ in range(ROUNDS):
        optimizer.zero_grad()
        loss_of(tensors).backward()
        prepare_gradients(tensors, update)
        optimizer.step()
        after.append({name: tensor.detach().numpy().copy() for name, tensor in tensors.items()})
    return after


def looking_ahead(update: Update) -> list[dict[str, np.ndarray]]:
    """Nesterov's momentum by hand: the gradient, by PyTorch, at the point that the momentum alone would reach."""
    values = {name: float(value) for name, value in setting_values(update).items()}
    mu, rate = values["momentum"], values["rate"]
    w = {name: value.copy() for name, value in START.items()}
    v = {name: np.zeros_like(value) for name, value in START.items()}
    after = []
    for _ in range(ROUNDS):
        ahead = {name: torch.tensor(w[name] - mu * v[name], requires_grad=True) for name in w}
        loss_of(ahead).backward()
        for name, tensor in ahead.items():
            v[name] = mu * v[name] + rate * tensor.grad.numpy()
            w[name] = w[name] - v[name]
        after.append(dict(w))
    return after


def by_formulas(update: Update) -> list[dict[str, np.ndarray]]:
    program = training_program(forward(), TRAINED, update)
    state, given = start(program, update)
    after = []
    for done in range(ROUNDS):
        if "round" in given:
            given["round"] = np.array(done + 1.0)
        ledger = run(program, given | state)
        state = {old: ledger[new] for new, old in carried(program).items()}
        after.append({name: state[name] for name in TRAINED})
    return after


def start(program: Program, update: Update) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters and states at the start; and all else that is given."""
    states = {
        name: np.full(program.families[name].shape, float(value))
        for name, value in start_values(program, update).items()
    }
    given = DATA | {name: np.array(float(value)) for name, value in setting_values(update).items()}
    return START | states, given


def assert_same(ours: list[dict[str, np.ndarray]], theirs: list[dict[str, np.ndarray]]) -> None:
    for done, (mine, other) in enumerate(zip(ours, theirs, strict=True), 1):
        for name in TRAINED:
            np.testing.assert_allclose(mine[name], other[name], rtol=1e-9, atol=1e-11, err_msg=f"{name}, round {done}")


def test_every_row_has_an_oracle() -> None:
    assert {*IN_PYTORCH, "nesterov_lookahead"} == {row.name for row in OPTIMIZERS}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", IN_PYTORCH)
def test_twenty_rounds(name: str, variant: str) -> None:
    update = Update(name, RATE, **VARIANTS[variant])
    assert_same(by_formulas(update), by_pytorch(update))


@pytest.mark.parametrize("row", [row for row in OPTIMIZERS if row.settings], ids=lambda row: row.name)
def test_twenty_rounds_with_other_settings(row: Optimizer) -> None:
    update = Update(row.name, RATE, {name: Decimal(OTHER[name]) for name, _ in row.settings})
    assert_same(by_formulas(update), looking_ahead(update) if row.gradient_at else by_pytorch(update))


def test_nesterov_with_the_gradient_at_the_point_looked_ahead_to() -> None:
    update = Update("nesterov_lookahead", RATE)
    assert_same(by_formulas(update), looking_ahead(update))


@pytest.mark.parametrize("name", ["gradient_descent", "adagrad", "adam", "adamax", "nadam", "nesterov", "rmsprop"])
def test_weight_decay_is_the_one_of_pytorchs_optimizers(name: str) -> None:
    decay = Decimal("0.1")
    update = Update(name, RATE, weight_decay=decay)
    tensors = {key: torch.tensor(value, requires_grad=True) for key, value in START.items()}
    values = {key: float(value) for key, value in setting_values(update).items()}
    optimizer = IN_PYTORCH[name](tensors.values(), values["rate"], values)
    for group in optimizer.param_groups:
        group["weight_decay"] = float(decay)
    loss_of(tensors).backward()
    optimizer.step()
    first = by_formulas(update)[0]
    for key, tensor in tensors.items():
        np.testing.assert_allclose(first[key], tensor.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_the_engine_runs_the_same_rounds(row: Optimizer) -> None:
    update = Update(row.name, RATE, **VARIANTS["all"])
    program = training_program(forward(), TRAINED, update)
    state, given = start(program, update)
    feeds = (lambda done: {"round": np.array(done + 1.0)}) if "round" in given else None
    after = run_rounds(program, given | state, ROUNDS, carried(program), feeds)
    for name, value in by_formulas(update)[-1].items():
        np.testing.assert_allclose(after[name], value, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_any_program_with_parameters_of_any_number_of_axes(row: Optimizer) -> None:
    """Own formulas; the letters p and m are no different from others."""
    families = [
        Family("theta", Role.PARAMETER, ("p", "m", "k"), (2, 1, 3)),
        Family("kappa", Role.PARAMETER),
        Family("data", Role.INPUT, ("p", "k"), (2, 3)),
    ]
    program = extend(Program({}), "loss = sum[p,k]((theta[p,0,k] - kappa * data[p,k])**2)", given=families)
    update = Update(row.name, Decimal("0.01"))
    program = training_program(program, ["theta", "kappa"], update, "loss")
    shapes = {family.name: family.shape for family in families}
    rng = np.random.default_rng(0)
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    given |= {name: np.array(float(value)) for name, value in setting_values(update).items()}
    for name, value in start_values(program, update).items():
        given[name] = np.full(program.families[name].shape, float(value))
    losses = []
    for done in range(10):
        if "round" in given:
            given["round"] = np.array(done + 1.0)
        ledger = run(program, given)
        losses.append(float(ledger["loss"]))
        given |= {old: ledger[new] for new, old in carried(program).items()}
    assert program.families["theta_next"].shape == (2, 1, 3)
    assert program.families["kappa_next"].shape == ()
    assert losses[-1] < losses[0]


def lines(update: Update) -> list[str]:
    program = extend(Program({}), "E_total = sum[i](w[i]**2)", given=[Family("w", Role.PARAMETER, ("i",), (2,))])
    program = training_program(program, ["w"], update)
    written = [f"{each.target}[{','.join(each.indices)}] = {to_text(each.formula)}" for each in program.definitions]
    return written[written.index("d_w[i] = 2 * w[i]") + 1 :]


def test_an_update_reads_as_its_row() -> None:
    assert lines(Update()) == ["w_next[i] = w[i] - rate * d_w[i]"]
    assert lines(Update("momentum")) == [
        "v_w_next[i] = momentum * v_w[i] + rate * d_w[i]",
        "w_next[i] = w[i] - v_w_next[i]",
    ]


def test_decay_and_clipping_are_lines_of_their_own() -> None:
    assert lines(Update(weight_decay=Decimal("0.1"), clip_norm=Decimal(1), clip_value=Decimal(2))) == [
        "clipped_w[i] = max(-clip_value, min(clip_value, d_w[i]))",
        "gradient_norm[] = sqrt(sum[i](clipped_w[i]**2))",
        "clip_scale[] = min(1, clip_norm / (gradient_norm + 0.000001))",
        "scaled_w[i] = clipped_w[i] * clip_scale",
        "decayed_w[i] = scaled_w[i] + weight_decay * w[i]",
        "w_next[i] = w[i] - rate * decayed_w[i]",
    ]


def test_roles_of_what_an_optimizer_adds() -> None:
    program = training_program(forward(), ["w_o"], Update("nadam"))
    assert [family.name for family in with_role(program, Role.STATE)] == ["m_w_o", "v_w_o", "mu"]
    assert carried(program) == {"mu_next": "mu", "m_w_o_next": "m_w_o", "v_w_o_next": "v_w_o", "w_o_next": "w_o"}
    settings = {family.name for family in with_role(program, Role.SETTING)}
    assert settings == {"rate", "beta1", "beta2", "eps", "momentum_decay", "round"}
    assert program.families["m_w_o"].of == "w_o"
    assert program.families["m_w_o_next"].layer == "o"


def test_only_what_is_trained_is_updated() -> None:
    program = training_program(forward(), ["w_o"], Update())
    assert carried(program) == {"w_o_next": "w_o"}
    assert definition_of(program, "d_w_h") is None


def test_without_anything_trained_the_parameters_have_derivatives_but_no_updates() -> None:
    program = training_program(forward(), [], Update("adam"))
    assert carried(program) == {}
    assert definition_of(program, "d_w_h") is not None


def test_settings() -> None:
    assert setting_values(Update()) == {"rate": Decimal("0.5")}
    adam = setting_values(Update("Adam", settings={"beta1": Decimal("0.8")}))
    expected = {"rate": "0.001", "beta1": "0.8", "beta2": "0.999", "eps": "1e-8", "round": "1"}
    assert adam == {name: Decimal(value) for name, value in expected.items()}
    assert setting_values(Update(clip_norm=Decimal(2)))["clip_norm"] == 2


def test_states_start_at_zero_but_for_what_the_row_says() -> None:
    update = Update("nadam")
    states = start_values(training_program(forward(), ["b_o"], update), update)
    assert states == {"m_b_o": 0, "v_b_o": 0, "mu": 1}


@pytest.mark.parametrize(
    ("update", "message"),
    [
        (Update("adan"), "there is no optimizer 'adan'; did you mean adam?"),
        (Update("adam", settings={"beta": Decimal(1)}), "adam has no setting 'beta'; it has beta1, beta2, eps"),
        (
            Update("sgd", settings={"momentum": Decimal(1)}),
            "gradient_descent has no setting 'momentum'; it has none but",
        ),
    ],
)
def test_what_an_optimizer_does_not_have(update: Update, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        training_program(forward(), TRAINED, update)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("optimizer", "text", "name"),
    [
        ("sgd", "w_next = 3\nE_total = (w * w_next - 1)**2", "w_next"),
        ("adam", "mhat_w = 3\nE_total = (w * mhat_w - 1)**2", "mhat_w"),
        ("adam", "v_w = 3\nE_total = (w * v_w - 1)**2", "v_w"),
        ("nadam", "mu = 3\nE_total = (w * mu - 1)**2", "mu"),
        ("nesterov_lookahead", "ahead_w = 3\nE_total = (w * ahead_w - 1)**2", "ahead_w"),
        ("adam", "rate = 3\nE_total = (w * rate - 1)**2", "rate"),
    ],
)
def test_a_name_that_the_optimizer_needs_is_not_taken_for_its_own(optimizer: str, text: str, name: str) -> None:
    program = extend(Program({}), text, given=[Family("w", Role.PARAMETER)])
    with pytest.raises(ProgramError, match=f"{name} is there already"):
        training_program(program, ["w"], Update(optimizer))


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (["w_hh"], "there is no w_hh to train; did you mean w_h?"),
        (["zzzz"], "there is no zzzz to train"),
        (["E_total"], "E_total can't be trained: a formula calculates it; train what is given"),
        (["w_h", "w_h"], "w_h is trained twice; name it once"),
    ],
)
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov_lookahead"])
def test_what_can_not_be_trained(optimizer: str, trained: list[str], message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        training_program(forward(), trained, Update(optimizer))
    assert str(caught.value) == message


def test_names() -> None:
    names = [name for row in OPTIMIZERS for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    for row in OPTIMIZERS:
        assert all(find_optimizer(name) is row for name in (row.name, *row.aliases))
