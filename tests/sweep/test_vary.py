"""What can be varied: each setting changes what it says, and nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from chainrule.catalogue.row import CatalogueError
from chainrule.spec.reader import parse_spec
from chainrule.spec.spec import Drawn, NetworkPart
from chainrule.spec.write import write_spec
from chainrule.sweep.vary import NAMES, Plan, varied
from chainrule.training.problems import TrainingError
from chainrule.training.progress import Options
from sweep.cases import spec

PLAN = Plan(spec(), Options())


def sizes(plan: Plan) -> list[int]:
    return [each.layer.units for each in plan.part.layers]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"units": 7}, [7, 2]),
        ({"layers": 3}, [4, 4, 4, 2]),
        ({"layers": 0}, [2]),
        ({"layers": 2, "units": 5}, [5, 5, 2]),
        ({"hidden": "6-3"}, [6, 3, 2]),
        ({"hidden": 9}, [9, 2]),
    ],
)
def test_sizes(settings: dict[str, int | str], expected: list[int]) -> None:
    plan = varied(PLAN, settings)
    assert sizes(plan) == expected
    assert all(each.layer.activation == "tanh" for each in plan.part.layers[:-1])
    assert plan.part.layers[-1].layer.activation == "softmax"


def test_a_network_without_hidden_layers_gets_some() -> None:
    alone = varied(PLAN, {"layers": 0})
    assert sizes(varied(alone, {"hidden": "3-3"})) == [3, 3, 2]


def test_typed_start_values_are_drawn_where_they_no_longer_fit() -> None:
    typed = parse_spec(
        """
        [network]
        inputs = 2
        loss = "half_squared_error"
        [[layer]]
        units = 1
        weights = [[0.1, 0.2]]
        bias = [0]
        activation = "tanh"
        [[layer]]
        units = 1
        weights = [[0.3]]
        bias = [0]
        """,
        "typed.toml",
    )
    plan = Plan(typed, Options())
    same = varied(plan, {"learning_rate": 0.1})
    assert same.part.layers == plan.part.layers
    other = varied(plan, {"units": 3})
    assert isinstance(other.part.layers[0].weights, Drawn)
    assert isinstance(other.part.layers[1].weights, Drawn)


@pytest.mark.parametrize("settings", [{"optimizer": "sgd"}, {"optimizer": "momentum", "momentum": 0.5}])
def test_an_optimizer_comes_with_its_own_rate(settings: dict[str, str | float]) -> None:
    """0.02 was meant for Adam."""
    assert varied(PLAN, settings).spec.update.rate is None
    assert varied(PLAN, settings | {"learning_rate": 0.3}).spec.update.rate == Decimal("0.3")
    assert varied(PLAN, {"optimizer": "adam"}).spec.update.rate == Decimal("0.02")


def test_numbers_of_other_optimizers_change_nothing() -> None:
    sgd = varied(PLAN, {"optimizer": "sgd"})
    assert varied(PLAN, {"optimizer": "sgd", "beta1": 0.8}) == sgd
    assert varied(PLAN, {"beta1": 0.8}).spec.update.settings == {"beta1": Decimal("0.8")}


def test_everything_else() -> None:
    plan = varied(
        PLAN,
        {"activation": "relu", "weights": "he_normal", "dropout": 0.5, "weight_decay": 0.01, "clip_norm": 1.5,
         "batch": "all", "epochs": 7, "seed": 3},
    )  # fmt: skip
    assert plan.part.layers[0].layer.activation == "relu"
    assert plan.part.layers[0].weights == Drawn("he_normal")
    assert plan.dropout == {"h": Decimal("0.5")}
    assert (plan.spec.update.weight_decay, plan.spec.update.clip_norm) == (Decimal("0.01"), Decimal("1.5"))
    assert (plan.options.batch, plan.options.epochs, plan.options.seed) == (None, 7, 3)
    assert plan.part.seed == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"units": 0}, "whole number from 1"),
        ({"units": 2.5}, "whole number from 1"),
        ({"layers": -1}, "whole number from 0"),
        ({"hidden": "3-x"}, "such as 64 or 64-32"),
        ({"hidden": "3", "units": 2}, "leave out layers and units"),
        ({"dropout": 1}, "up to but not 1"),
        ({"learning_rate": "fast"}, "a number"),
        ({"batch": 0}, "whole number from 1"),
    ],
)
def test_values_that_make_no_sense(settings: dict[str, int | str], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        varied(PLAN, settings)


def test_unknown_rows() -> None:
    for setting in ("activation", "optimizer", "weights"):
        with pytest.raises(CatalogueError, match="there is no"):
            varied(PLAN, {setting: "nonsense"})


def test_own_formulas_are_refused() -> None:
    text = '[formulas]\ntext = "E_total = (w - x)**2"\n[inputs]\nx = 1\n[parameters]\nw = 0.5\n'
    own = parse_spec(text, "own.toml")
    assert not isinstance(own.network, NetworkPart)
    with pytest.raises(TrainingError, match="not own formulas"):
        varied(replace(PLAN, spec=own), {"units": 2})


def test_every_setting_has_words_and_its_plan_can_be_written_down() -> None:
    values = {"hidden": "3", "activation": "relu", "weights": "he_normal", "optimizer": "sgd", "batch": "all"}
    for name, text in NAMES.items():
        assert text
        plan = varied(PLAN, {name: values.get(name, 1 if name in ("layers", "units", "epochs", "seed") else 0.5)})
        assert parse_spec(write_spec(plan.spec), name).network == plan.spec.network
