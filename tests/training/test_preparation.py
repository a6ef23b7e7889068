"""Learning how data are prepared, doing it again to new data, and what is refused: with row and column."""

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.layer_row import LayerUse
from chainrule.training.columns import Table, in_parts
from chainrule.training.data import Choices, learn
from chainrule.training.preparation import (
    Preparation,
    as_answers,
    input_names,
    ledger_of,
    output_names,
    parse_preparation,
    preparation_text,
)
from chainrule.training.problems import DataError, SavedError
from chainrule.training.programs import Trainable
from chainrule.training.readers import read

TABLE = {
    "age": [20.0, 30.0, 50.0, 60.0],
    "town": ["Ulm", "Bonn", "Ulm", "Aue"],
    "kind": ["b", "a", "a", "b"],
    "y": [1.0, 2.0, 3.0, 5.0],
}


def net(inputs: int, units: int, activation: str = "identity", loss: str = "half_squared_error") -> Trainable:
    return Trainable(inputs, (DenseLayer(units, activation),), Conventions(loss))


def table(**changes: Any) -> Table:
    return read(TABLE | changes)


def learnt(network: Trainable, choices: Choices, data: Table | None = None, **how: Any) -> Preparation:
    return learn([data or table()], choices, network, **how)


def test_categories_become_a_one_in_their_place() -> None:
    found = learnt(net(4, 1), Choices(("y",), leave_out=("kind",)))
    assert input_names(found) == ["age", "town=Aue", "town=Bonn", "town=Ulm"]
    assert ledger_of(found, table())["x"][:, 1:].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_standardising_is_that_of_scikit_learn_also_in_parts() -> None:
    numbers = np.random.default_rng(0).normal(5, 3, (1001, 2))
    data = read({"a": numbers[:, 0], "b": numbers[:, 1] * 1e6, "same": np.full(1001, 7.3), "y": numbers[:, 0]})
    whole = learn([data], Choices(("y",)), net(3, 1))
    parts = learn(in_parts(data, 100), Choices(("y",)), net(3, 1), whole=False)
    wanted = StandardScaler().fit_transform(np.stack([data.columns[name] for name in ("a", "b", "same")], 1))
    np.testing.assert_allclose(ledger_of(whole, data)["x"], wanted, atol=1e-12)
    np.testing.assert_allclose(ledger_of(parts, data)["x"], wanted, atol=1e-12)


def test_numbers_stay_as_they_are_where_that_is_wanted() -> None:
    found = learnt(net(1, 1), Choices(("y",), inputs=("age",), standardise=False))
    assert ledger_of(found, table())["x"][:, 0].tolist() == TABLE["age"]


def test_means_come_from_the_rows_that_are_trained_on_and_categories_from_all() -> None:
    found = learnt(net(4, 1), Choices(("y",), leave_out=("kind",)), counted=np.array([True, True, False, False]))
    assert (found.inputs[0].centre, found.inputs[0].scale) == (25.0, 5.0)
    assert found.inputs[1].categories == ("Aue", "Bonn", "Ulm")


def test_targets_in_other_units_and_back() -> None:
    found = learnt(net(1, 1), Choices(("y",), inputs=("age",), standardise_targets=True))
    target = ledger_of(found, table())["target"]
    assert abs(target.mean()) < 1e-15
    np.testing.assert_allclose(as_answers(found, target)[:, 0], TABLE["y"])


@pytest.mark.parametrize(
    ("network", "target", "kind", "classes", "first"),
    [
        (net(1, 2, "softmax", "cross_entropy"), "kind", "classes", ("a", "b"), [0, 1]),
        (net(1, 1, "logistic", "binary_cross_entropy"), "kind", "two classes", ("a", "b"), [1]),
        (net(1, 1, "identity", "hinge"), "kind", "signs", ("a", "b"), [1]),
        (net(1, 4, "softmax", "cross_entropy"), "y", "classes", (1.0, 2.0, 3.0, 5.0), [1, 0, 0, 0]),
        (net(1, 1), "y", "numbers", (), [1]),
        (net(1, 1, "logistic"), "y", "numbers", (), [1]),
    ],
)
def test_targets_by_what_the_network_learns(
    network: Trainable, target: str, kind: str, classes: tuple[Any, ...], first: list[float]
) -> None:
    found = learnt(network, Choices((target,), inputs=("age",)))
    assert (found.kind, found.classes) == (kind, classes)
    assert ledger_of(found, table())["target"][0].tolist() == first


def test_numbers_as_categories_and_as_classes() -> None:
    found = learnt(net(3, 1, "logistic"), Choices(("code",), ("plz",), categories=("plz", "code")),
                   table(plz=[10.0, 11.0, 10.0, 12.5], code=[7.0, 9.0, 7.0, 9.0]))  # fmt: skip
    assert input_names(found) == ["plz=10", "plz=11", "plz=12.5"]
    assert (found.kind, found.classes, output_names(found)) == ("two classes", (7.0, 9.0), ["9"])


@pytest.mark.parametrize(
    ("how", "age", "town"),
    [("mean", 30.0, "Ulm"), ("median", 20.0, "Ulm"), (0.5, 0.5, "0.5"), ({"age": 1.0, "town": "?"}, 1.0, "?")],
)
def test_imputing(how: Any, age: float, town: str) -> None:
    data = table(age=[20.0, np.nan, 20.0, 50.0], town=["Ulm", None, "Ulm", "Aue"])
    found = learnt(net(3 + (town != "Ulm"), 1), Choices(("y",), leave_out=("kind",), impute=how), data)
    assert [column.fill for column in found.inputs] == [age, town]
    row = ledger_of(found, data)["x"][1]
    assert row[0] == pytest.approx((age - found.inputs[0].centre) / found.inputs[0].scale)
    assert input_names(found)[1 + int(np.argmax(row[1:]))] == f"town={town}"


def test_a_preparation_is_kept_as_json() -> None:
    data = table(age=[0.1, np.nan, 1 / 3, 5e-324])
    found = learnt(net(4, 2, "softmax", "cross_entropy"), Choices(("kind",), leave_out=("y",), impute="mean"), data)
    assert parse_preparation(preparation_text(found)) == found
    for wrong in ("{}", "[]", "no", preparation_text(found).replace('"classes"', '"clases"')):
        with pytest.raises(SavedError):
            parse_preparation(wrong)
    with pytest.raises(SavedError, match="another version"):
        parse_preparation(preparation_text(found).replace('"schema": 1', '"schema": 2'))


CLASSIFIER = net(4, 2, "softmax", "cross_entropy")
CHOICES = Choices(("kind",), leave_out=("y",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": [20.0, 30.0, np.nan, np.nan]}, "data, row 3, column age: there is nothing (and in 1 more row of"),
        ({"age": [20.0, np.inf, 1.0, 1.0]}, "data, row 2, column age: this number is not finite"),
        ({"town": ["Ulm", None, "Ulm", "Aue"]}, "data, row 2, column town: there is nothing"),
        ({"kind": ["a", "b", None, "b"]}, "data, row 3, column kind: there is nothing; rows without a class"),
        ({"kind": ["a", "a", "a", "a"]}, "column kind: all rows have the same class"),
        ({"kind": ["a", "b", "c", "a"]}, "the data have 3 classes (a, b, c), but the network has 2 outputs"),
        ({"town": ["Ulm", "Ulm", "Ulm", "Aue"]}, "the data give 3 inputs (age, town=Aue, town=Ulm), but the network"),
    ],
)
def test_data_that_cannot_be_learnt_from(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as problem:
        learnt(CLASSIFIER, CHOICES, table(**changes))
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("network", "choices", "said"),
    [
        (CLASSIFIER, Choices(()), "which column is the target? There are: age, town, kind, y"),
        (CLASSIFIER, Choices(("kid",)), "there is no column 'kid'; did you mean kind?"),
        (CLASSIFIER, Choices(("kind",), ("ages",)), "did you mean age?"),
        (CLASSIFIER, Choices(("kind",), ("kind",)), "column kind can't be an input and something else too"),
        (net(1, 1), Choices(("town",), ("age",)), "there are 3 classes (Aue, Bonn, Ulm), but the network has one"),
        (net(1, 2), Choices(("town", "y"), ("age",)), "column town: the target 'Ulm' is not a number"),
        (net(1, 1), Choices(("y",), ("age",), impute="often"), "impute mean, median or a number, not 'often'"),
    ],
)
def test_choices_that_make_no_sense(network: Trainable, choices: Choices, said: str) -> None:
    with pytest.raises(DataError) as problem:
        learnt(network, choices)
    assert said in str(problem.value)


def test_text_of_too_many_kinds() -> None:
    data = read({"name": [f"n{each}" for each in range(1200)], "y": np.arange(1200)})
    with pytest.raises(DataError, match=r"row 1, column name: this column has more than 1000 different texts.*'n0'"):
        learn([data], Choices(("y",)), net(1, 1))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": [1.0, np.nan, 2.0, 3.0]}, "row 2, column age: there is no number"),
        ({"age": ["1", "2", "many", "3"]}, "row 3, column age: 'many' is not a number"),
        ({"age": [1.0, 2.0, 3.0, -np.inf]}, "row 4, column age: -inf is not a finite number"),
        ({"town": ["Ulm", "Rom", "Ulm", "Aue"]}, "row 2, column town: 'Rom' is no category that was there in training"),
        ({"kind": ["a", "b", "b", "c"]}, "row 4, column kind: 'c' is no class that was there in training: a, b"),
        ({"kind": ["a", None, "b", "b"]}, "row 2, column kind: there is no class"),
    ],
)
def test_new_data_that_do_not_fit(changes: dict[str, Any], said: str) -> None:
    found = learnt(CLASSIFIER, CHOICES)
    with pytest.raises(DataError) as problem:
        ledger_of(found, table(**changes))
    assert said in str(problem.value)


def test_new_data_without_a_column() -> None:
    found = learnt(CLASSIFIER, CHOICES)
    data = read({"ages": [1.0], "town": ["Ulm"]})
    with pytest.raises(DataError, match="there is no column 'age'; did you mean ages"):
        ledger_of(found, data, targets=False)


def test_weights_of_samples_from_a_column() -> None:
    found = learnt(net(1, 1), Choices(("y",), ("age",), weight="w"), table(w=[1.0, 0.0, 2.0, 3.0]))
    assert ledger_of(found, table(w=[1.0, 0.0, 2.0, 3.0]))["sample_weight"].tolist() == [1, 0, 2, 3]
    with pytest.raises(DataError, match="row 2, column w: the weight -1 is below 0"):
        ledger_of(found, table(w=[1.0, -1.0, 2.0, 3.0]))


def embedded(words: int, inputs: int = 2) -> Trainable:
    use = LayerUse("embedding", (("words", words), ("units", 2)))
    return Trainable(inputs, (use, LayerUse("flatten"), DenseLayer(2, "softmax")), Conventions("cross_entropy"))


def test_columns_that_choose_rows_of_a_table_are_not_standardised() -> None:
    data = Table(
        "mine", {"a": np.array([2.0, 0.0]), "b": np.array([1.0, 1.0]), "y": np.array([0.0, 1.0])}, np.arange(2)
    )
    found = learnt(embedded(3), Choices(("y",)), data)
    assert ledger_of(found, data)["x"].tolist() == [[2, 1], [0, 1]]
    assert parse_preparation(preparation_text(found)) == found
    for number in (3.0, -1.0, 0.5):
        other = Table("new", {**data.columns, "b": np.array([0.0, number])}, np.arange(2))
        with pytest.raises(DataError, match=f"row 1, column b: {number:g} chooses no row .* from 0 to 2"):
            ledger_of(found, other)


def test_texts_that_choose_rows_are_numbered_alike_in_all_columns() -> None:
    data = read({"a": ["so", "it"], "b": ["it", "is"], "y": ["x", "z"]})
    found = learnt(embedded(3), Choices(("y",)), data)
    assert input_names(found) == ["a", "b"]
    assert ledger_of(found, data)["x"].tolist() == [[2, 1], [1, 0]]  # is, it, so
    with pytest.raises(DataError, match="'was' is no category that was there"):
        ledger_of(found, read({"a": ["so"], "b": ["was"], "y": ["x"]}))
    with pytest.raises(DataError, match="3 different texts, but the embedding has 2 rows; set words = 3"):
        learnt(embedded(2), Choices(("y",)), data)
    with pytest.raises(DataError, match="column a has numbers and column b texts"):
        learnt(embedded(9), Choices(("y",)), read({"a": [1.0, 2.0], "b": ["it", "is"], "y": ["x", "z"]}))
