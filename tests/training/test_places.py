"""Outputs of several axes: a class at each place, numbers in order; in training, use, files and messages."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

import chainrule as cr
from chainrule.catalogue.build import Conventions, DenseLayer, Inputs, parameter_shapes
from chainrule.catalogue.layer_row import LayerUse
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine
from chainrule.model.answers import evaluated, predicted
from chainrule.model.train import TrainedNetwork
from chainrule.training.batches import in_memory, pieces, samples
from chainrule.training.data import Choices, learn
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.measure import Forward, measure
from chainrule.training.preparation import ledger_of, parse_preparation, preparation_text
from chainrule.training.problems import DataError
from chainrule.training.programs import Trainable, inputs_of, outputs_of
from chainrule.training.progress import Options
from chainrule.training.readers import Data, read
from chainrule.training.session import train
from chainrule.training.use import evaluate, predict

Array = NDArray[Any]
Weights = dict[str, Tensor]
ROWS, BATCH, EPOCHS, RATE = 30, 6, 20, 0.01  # 100 rounds


def use(kind: str, **settings: object) -> LayerUse:
    return LayerUse(kind, tuple(settings.items()))


def net(loss: str, inputs: Inputs, *layers: DenseLayer | LayerUse) -> Trainable:
    return Trainable(inputs, layers, Conventions(loss), Update("adam", Decimal(str(RATE))))


def classes_at_places(w: Weights, x: Tensor) -> Tensor:
    chosen = w["w_e"][x.long()]
    q, k, v = (torch.einsum("nte,hde->nhtd", chosen, w[f"w_a_{each}"]) + w[f"b_a_{each}"][:, None] for each in "qkv")
    scores = torch.einsum("nhtd,nhsd->nhts", q, k) / 2**0.5
    masked = scores.masked_fill(~torch.ones(6, 6, dtype=torch.bool).tril(), float("-inf"))
    mixed = torch.einsum("nhtd,ehd->nte", torch.softmax(masked, -1) @ v, w["w_a_o"]) + w["b_a_o"]
    return mixed @ w["w_o"].T + w["b_o"]


def numbers_in_time(w: Weights, x: Tensor) -> Tensor:
    into, back, bias = (torch.cat([w[f"{kind}_l_{gate}"] for gate in "ifgo"]) for kind in "wub")
    zero = torch.zeros(1, len(x), 4, dtype=x.dtype)
    own = [into, back, bias, torch.zeros_like(bias)]
    states = torch.lstm(x.reshape(-1, 5, 3), (zero, zero), own, True, 1, 0.0, True, False, True)[0]
    return states @ w["w_o"].T + w["b_o"]


def yes_or_no(w: Weights, x: Tensor) -> Tensor:
    hidden = torch.tanh(x.reshape(-1, 5, 3) @ w["w_h"].T + w["b_h"])
    return hidden @ w["w_o"].T + w["b_o"]


def pictures(w: Weights, x: Tensor) -> Tensor:
    found = torch.tanh(functional.conv2d(x.reshape(-1, 1, 6, 6), w["k_c1"][:, None], w["b_c1"], padding=1))
    return functional.conv2d(found, w["k_c2"][None], w["b_c2"].reshape(1), padding=1)[:, 0]


def cross_entropy(out: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(out.flatten(0, 1), target.argmax(-1).flatten())


LAST = DenseLayer(7, "softmax")
CASES: dict[str, tuple[Trainable, Callable[[Weights, Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "a class at each place": (
        net("cross_entropy", 6, use("embedding", words=7, units=4),
            use("multi_head_attention", heads=2, causal=True), LAST),
        classes_at_places, cross_entropy,
    ),
    "numbers in time": (
        net("mean_squared_error", (5, 3), use("lstm", units=4, returns="all"), DenseLayer(2)),
        numbers_in_time, functional.mse_loss,
    ),
    "yes or no at each place": (
        net("binary_cross_entropy", (5, 3), DenseLayer(4, "tanh"), DenseLayer(1, "logistic")),
        yes_or_no, functional.binary_cross_entropy_with_logits,
    ),
    "pictures": (
        net("half_squared_error", (6, 6), use("convolution_2d", kernel=(3, 3), filters=2, padding=(1, 1),
            activation="tanh"), use("convolution_2d", kernel=(3, 3), padding=(1, 1))),
        pictures, lambda out, target: ((target - out) ** 2).sum() / 2 / target.shape[0] / target.shape[1],
    ),
}  # fmt: skip


def data_for(trainable: Trainable, rng: np.random.Generator) -> tuple[Array, Array]:
    shape = (ROWS, inputs_of(trainable))
    x = rng.integers(0, 7, shape).astype(float) if trainable.layers[-1] is LAST else rng.normal(size=shape)
    out = (ROWS, *outputs_of(trainable))
    if trainable.layers[-1] is LAST:
        return x, np.eye(7)[rng.integers(0, 7, out[:-1])]
    numbers = rng.normal(size=out)
    return x, (numbers > 0).astype(float) if out[-1] == 1 else numbers


@pytest.mark.parametrize("engine", [NumpyEngine(), JaxEngine()], ids=["numpy", "jax"])
@pytest.mark.parametrize("name", CASES)
def test_the_curve_is_that_of_pytorch(name: str, engine: Engine) -> None:
    pytest.importorskip("jax")
    trainable, outputs, error_of = CASES[name]
    rng = np.random.default_rng(3)
    x, target = data_for(trainable, rng)
    shapes = parameter_shapes(trainable.inputs, trainable.layers)
    start = {each: rng.normal(size=size) / 2 for each, size in shapes.items()}
    done = fit(trainable, start, samples(x, target), Options(EPOCHS, BATCH), engine=engine)
    weights = {each: torch.tensor(array, requires_grad=True) for each, array in start.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=RATE)
    losses = []
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in next(pieces(in_memory({"x": x}), BATCH, 0, epoch, shuffle=True)).order:
            error = error_of(outputs(weights, torch.tensor(x[rows])), torch.tensor(target[rows]))
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            total += error.item() * BATCH / ROWS
        losses.append(total)
    np.testing.assert_allclose([each.loss for each in done.history], losses, rtol=1e-6)
    for each, tensor in weights.items():
        np.testing.assert_allclose(done.state[each], tensor.detach().numpy(), rtol=1e-6, atol=1e-8, err_msg=each)
    found = measure(trainable, done.state, samples(x, target))
    with torch.no_grad():
        after = outputs(weights, torch.tensor(x))
    assert found.loss == pytest.approx(float(error_of(after, torch.tensor(target))), rel=1e-6)
    if found.accuracy is not None:
        right = (after.argmax(-1) == torch.tensor(target).argmax(-1)) if target.shape[-1] > 1 else (after > 0) == (
            torch.tensor(target) > 0)  # fmt: skip
        assert found.accuracy == pytest.approx(float(right.double().mean()))
        assert found.confusion is not None
        assert found.confusion.sum() == right.numel()


def test_probabilities_of_0_and_1_at_a_place_harm_nothing() -> None:
    trainable, *_ = CASES["a class at each place"]
    rng = np.random.default_rng(3)
    x, target = data_for(trainable, rng)
    start = {each: 300 * rng.normal(size=size) for each, size in parameter_shapes(6, trainable.layers).items()}
    done = fit(trainable, start, samples(x, target), Options(2, BATCH))
    assert np.isfinite([each.loss for each in done.history]).all()


def test_weights_of_samples_and_classes_count_at_each_place() -> None:
    """Twice the weight is the sample twice; a class weight counts the places of the class, as in PyTorch."""
    trainable, outputs, _ = CASES["a class at each place"]
    summed = replace(trainable, conventions=Conventions("cross_entropy", over_batch="sum"))
    rng = np.random.default_rng(3)
    x, target = data_for(trainable, rng)
    start = {each: rng.normal(size=size) / 2 for each, size in parameter_shapes(6, trainable.layers).items()}
    rows = np.r_[0:ROWS, 0:3]
    weight = np.where(np.arange(ROWS) < 3, 2.0, 1.0)
    one = fit(summed, start, samples(x, target, weight), Options(2, None))
    two = fit(summed, start, samples(x[rows], target[rows]), Options(2, None))
    np.testing.assert_allclose(one.state["w_o"], two.state["w_o"], rtol=1e-9)
    by_class = {0: 3.0, 4: 0.25}
    done = fit(trainable, start, samples(x, target), Options(1, None, class_weight=by_class))
    given = torch.tensor([by_class.get(each, 1.0) for each in range(7)], dtype=torch.float64)
    out = outputs({each: torch.tensor(array) for each, array in start.items()}, torch.tensor(x)).flatten(0, 1)
    error = functional.cross_entropy(out, torch.tensor(target.argmax(-1).ravel()), given, reduction="sum")
    assert done.history[0].loss == pytest.approx(float(error) / ROWS / 6, rel=1e-9)


WORDS = {
    "a1": ["x", "y", "x", "z"], "a2": ["y", "z", "y", "x"],
    "b1": ["no", "no", "yes", "3"], "b2": ["no", "yes", "maybe", "no"],
}  # fmt: skip


def tagger(units: int = 4, loss: str = "cross_entropy", activation: str = "softmax") -> Trainable:
    return net(loss, 2, use("embedding", words=3, units=2), DenseLayer(units, activation))


def test_all_places_have_the_same_classes() -> None:
    found = learn([read(WORDS)], Choices(("b*",)), tagger())
    assert (found.kind, found.classes, found.places) == ("classes", ("3", "maybe", "no", "yes"), (2,))
    assert [each.name for each in found.targets] == ["b1", "b2"]
    target = ledger_of(found, read(WORDS))["target"]
    assert target.shape == (4, 2, 4)
    assert target.argmax(-1).tolist() == [[2, 2], [2, 3], [3, 1], [0, 2]]
    assert parse_preparation(preparation_text(found)) == found
    older = json.loads(preparation_text(found))
    del older["places"]
    assert parse_preparation(json.dumps(older)).places == ()


def test_a_column_of_numbers_beside_one_of_text_is_text() -> None:
    table = read(WORDS | {"b1": [1.0, 2.0, 1.0, 1.0]})
    found = learn([table], Choices(("b1", "b2")), tagger(5))
    assert found.classes == ("1", "2", "maybe", "no", "yes")
    assert ledger_of(found, table)["target"].argmax(-1).tolist() == [[0, 3], [1, 4], [0, 2], [0, 3]]


def test_columns_by_pattern_and_between_commas() -> None:
    for target in (("b*",), ("b1,b2",), ("b?",), ("b1", "b2"), ("b[12]",)):
        found = learn([read(WORDS | {"c1": [1.0] * 4})], Choices(target, leave_out=("c*",)), tagger())
        assert [each.name for each in found.targets] == ["b1", "b2"]
        assert [each.name for each in found.inputs] == ["a1", "a2"]
    odd = {"a": [1.0, 2.0], "b,c*": [1.0, 3.0]}
    single = Trainable(1, (DenseLayer(1),))
    assert learn([read(odd)], Choices(("b,c*",)), single).targets[0].name == "b,c*"


def test_numbers_are_in_the_order_of_the_outputs() -> None:
    numbers = {f"y{place}": [float(place), place + 10.0] for place in range(6)}
    trainable = Trainable((2, 1), (DenseLayer(3),))
    table = read({"x1": [0.0, 1.0], "x2": [1.0, 0.0], **numbers})
    found = learn([table], Choices(("y*",)), trainable)
    assert (found.kind, found.places) == ("numbers", (2,))
    np.testing.assert_array_equal(ledger_of(found, table)["target"][0], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("network", "target", "said"),
    [
        (tagger(), ("b1",), "there is 1 target column, but the network's outputs are 2 x 4 for each sample: 8 numbers, "
                            "or a class at each of 2 places; name a column for each"),
        (tagger(5), ("b*",), "the data have 4 classes (3, maybe, no, yes), but the network has 5 outputs; set units = "
                             "4 in the last layer"),
        (tagger(1, "binary_cross_entropy", "logistic"), ("b*",), "columns b1 and 1 more: there are 4 classes (3, "
         "maybe, no, yes), but the network has one output at each"),
        (tagger(), ("c*",), "there is no column 'c*'"),
    ],
)  # fmt: skip
def test_what_is_refused(network: Trainable, target: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError) as problem:
        learn([read(WORDS)], Choices(target), network)
    assert said in str(problem.value)


def test_numbers_are_no_classes_for_a_network_that_learns_numbers() -> None:
    table = read({"x1": [0.0, 1.0], "x2": [1.0, 0.0], "y1": [1.0, 2.0], "y2": [2.0, 1.0]})
    with pytest.raises(
        DataError, match=r"there are 2 target columns, but the network's outputs are 2 x 3 .*: 6 numbers"
    ):
        learn([table], Choices(("y*",)), Trainable((2, 1), (DenseLayer(3),)))


RNG = np.random.default_rng(0)
X = RNG.integers(0, 5, (40, 6))
NEXT = (X + 1) % 5


def network() -> cr.Network:
    layers = [cr.Layer("embedding", words=5, units=4), cr.Layer("recurrent", units=6, returns="all"),
              cr.Dense(5, "softmax")]  # fmt: skip
    return cr.Network(6, layers, "cross_entropy")


def test_a_class_at_each_place_from_arrays(tmp_path: Path) -> None:
    trained = network().fit(X, NEXT, epochs=60, learning_rate=0.03, validation=0.2, folder=tmp_path / "net")
    assert trained.score(X, NEXT) > 0.95
    np.testing.assert_array_equal(trained.predict(X), trained.outputs(X).argmax(-1))
    again = cr.load_trained(tmp_path / "net")
    np.testing.assert_array_equal(again.outputs(X), trained.outputs(X))
    hot = np.eye(5)[NEXT]
    other = network().fit(X, hot, epochs=60, learning_rate=0.03, validation=0.2)
    np.testing.assert_array_equal(other.outputs(X), trained.outputs(X))
    assert other.evaluate(X, hot).accuracy == trained.evaluate(X, NEXT).accuracy
    assert other.history[-1].score == trained.history[-1].score
    step = trained.step(3)
    np.testing.assert_allclose(step["out_o"][0], trained.outputs(X)[2], rtol=1e-9)
    assert step["E_total"] == pytest.approx(trained.evaluate(X[2:3], NEXT[2:3]).loss, rel=1e-9)
    assert "at 6 places (target1, target2, " in str(step.explain())
    assert "error for each place" in repr(trained.curve())


def test_numbers_at_places_from_arrays() -> None:
    steps = RNG.normal(size=(50, 4))
    sums = np.cumsum(steps, axis=1)
    layers = [cr.Layer("recurrent", units=4, returns="all"), cr.Dense(1)]
    trained = cr.Network((4, 1), layers, "mean_squared_error").fit(steps, sums, epochs=60, learning_rate=0.03)
    assert trained.predict(steps).shape == sums.shape
    assert trained.score(steps, sums) == pytest.approx(
        float(np.mean(1 - ((sums - trained.predict(steps)) ** 2).sum(0) / ((sums - sums.mean(0)) ** 2).sum(0)))
    )
    named = np.where(sums > 0, "up", "down")
    signs = cr.Network((4, 1), [layers[0], cr.Dense(1, "logistic")], "binary_cross_entropy")
    decided = signs.fit(steps, named, epochs=40, learning_rate=0.03)
    assert decided.predict(steps).shape == named.shape
    assert (decided.predict(steps) == named).mean() == decided.evaluate(steps, named).accuracy


def test_a_picture_as_the_output() -> None:
    shown = RNG.normal(size=(20, 5, 5))
    layers = [cr.Layer("convolution", kernel=3, padding=1, filters=2), cr.Layer("convolution", kernel=3, padding=1)]
    net = cr.Network((5, 5), layers, "mean_squared_error")
    trained = net.fit(shown, shown, epochs=20, learning_rate=0.03, standardise_targets=True)
    assert trained.predict(shown).shape == (20, 5, 5)
    columns = np.array(trained.evaluate(shown, shown).rmse).reshape(5, 5)
    np.testing.assert_allclose(columns, np.sqrt(((trained.predict(shown) - shown) ** 2).mean(0)), rtol=1e-9)
    assert "over 25 numbers, at most" in evaluated(trained, trained.data_at(), "text")


def write(path: Path, x: Array, y: Array) -> Data:
    head = [*(f"c{place}" for place in range(1, 7)), *(f"next{place}" for place in range(1, 7))]
    rows = ["".join("abcde"[each] for each in (*one, *two)) for one, two in zip(x, y, strict=True)]
    path.write_text("\n".join([",".join(head), *map(",".join, rows)]) + "\n")
    return Data(str(path))


def test_a_table_is_predicted_a_column_a_place_and_streamed_alike(tmp_path: Path) -> None:
    data = write(tmp_path / "letters.csv", X, NEXT)
    spec = network().spec(Update("adam", Decimal("0.03")))
    options = Options(3, 8, shuffle=False)
    trained = train(spec, data, Choices(("next*",)), options)
    streamed = train(spec, Data(data.source, stream=True), Choices(("next*",)), options)
    for name, array in trained.progress.state.items():
        np.testing.assert_allclose(streamed.progress.state[name], array, rtol=1e-12)
    found = predict(trained, data)
    assert found.answers.shape == (40, 6)
    assert found.outputs.shape == (40, 6, 5)
    measured = evaluate(trained, data)
    right = (found.answers == np.array(list("abcde"))[NEXT]).sum()
    assert measured.accuracy == right / 240
    text = predicted(TrainedNetwork(trained), data, "csv").splitlines()
    assert text[0] == "row,next1,next2,next3,next4,next5,next6"
    assert text[1] == ",".join(["1", *found.answers[0]])
    assert json.loads(predicted(TrainedNetwork(trained), data, "json"))["rows"][0]["next2"] == found.answers[0, 1]
    assert f"({right} of 240 places)" in evaluated(TrainedNetwork(trained), data, "text")
    other = write(tmp_path / "other.csv", X[:2], NEXT[:2])
    (tmp_path / "other.csv").write_text((tmp_path / "other.csv").read_text()[:-2] + "q\n")
    with pytest.raises(DataError, match="row 2, column next6: 'q' is no class that was there in training: a, b, c"):
        evaluate(trained, other)
    assert Forward(trained.net).outputs(trained.parameters, np.empty((0, 6))).shape == (0, 6, 5)


def test_rows_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="the rows of y have different lengths: row 1 has 2 and row 3 1"):
        network().fit(X[:3], [[0, 1], [1, 0], [0]])
    with pytest.raises(DataError, match="the rows of X have different lengths"):
        network().fit([[0, 1], [1]], [0, 1])
