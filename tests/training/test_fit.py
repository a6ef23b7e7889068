"""The loop: its order, dropout and weights in the formulas, stopping early, going on, and what stops it."""

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from chainrule.catalogue.build import Conventions, DenseLayer
from chainrule.catalogue.losses import find_loss
from chainrule.catalogue.row import CatalogueError
from chainrule.catalogue.training import Update
from chainrule.engines.jax import JaxEngine
from chainrule.formula.unparse import to_text
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import given_families
from chainrule.program.program import Role, definition_of
from chainrule.training.batches import Source, class_weights, in_memory, masks, pieces, samples, split
from chainrule.training.engine import Engine, NumpyEngine
from chainrule.training.fit import fit
from chainrule.training.problems import DataError, DivergedError, TrainingError
from chainrule.training.programs import (
    Trainable,
    drawn_part,
    fixed_numbers,
    start_parameters,
    start_state,
    training_round,
)
from chainrule.training.progress import Options, Progress
from chainrule.training.schedules import SCHEDULES, Chosen, rates
from chainrule.training.stable import PAIRS

RNG = np.random.default_rng(2)
X, LABELS = RNG.normal(size=(50, 4)), RNG.integers(0, 3, 50)
DATA = samples(X, np.eye(3)[LABELS])
LAYERS = (DenseLayer(6, "tanh"), DenseLayer(3, "softmax"))
NET = Trainable(4, LAYERS, Conventions("cross_entropy"), Update("adam", Decimal("0.01")))
START = start_parameters(drawn_part(4, LAYERS, NET.conventions, 1))
OPTIONS = Options(epochs=6, batch=8, seed=4)


def same(one: Progress, other: Progress) -> None:
    """Every bit, but for the seconds that it took."""
    assert one.history == other.history
    assert (one.epoch, one.rounds, one.losses, one.stopped) == (other.epoch, other.rounds, other.losses, other.stopped)
    for name, array in one.state.items():
        np.testing.assert_array_equal(array, other.state[name], strict=True)
    assert one.best.keys() == other.best.keys()
    for name, array in one.best.items():
        np.testing.assert_array_equal(array, other.best[name], strict=True)


def every_row(
    source: Source, batch: int | None, epoch: int = 0, shuffle: bool = True, skip: int = 0
) -> list[list[int]]:
    """The numbers of the samples of each round; a sample's x is its number."""
    found = []
    for piece in pieces(source, batch, 5, epoch, shuffle, skip):
        x = np.asarray(piece.data["x"])
        found += [x[rows, 0].astype(int).tolist() for rows in piece.order]
    return found


def numbered(rows: int, chunk: int) -> Source:
    def chunks() -> Iterator[dict[str, np.ndarray]]:
        for first in range(0, rows, chunk):
            yield {"x": np.arange(first, min(first + chunk, rows), dtype=float)[:, None]}

    return Source(rows, chunks)


@pytest.mark.parametrize("chunk", [100, 23, 7, 3])
@pytest.mark.parametrize(("rows", "batch"), [(23, 5), (20, 5), (4, 5), (1, 1)])
def test_an_epoch_takes_each_sample_once(rows: int, batch: int, chunk: int) -> None:
    source = numbered(rows, chunk)
    rounds = every_row(source, batch)
    assert sorted(each for one in rounds for each in one) == list(range(rows))
    assert all(len(one) == min(batch, rows) for one in rounds[:-1])
    for skip in range(len(rounds) + 1):
        assert every_row(source, batch, skip=skip) == rounds[skip:]


def test_another_epoch_has_another_order_and_the_same_seed_the_same() -> None:
    source = numbered(20, 20)
    assert every_row(source, 5) == every_row(source, 5)
    assert every_row(source, 5) != every_row(source, 5, epoch=1)
    assert every_row(source, 6, shuffle=False) == [list(range(first, min(first + 6, 20))) for first in range(0, 20, 6)]


def test_a_split_keeps_the_share_of_each_class() -> None:
    classes = np.repeat([0, 1, 2], [60, 30, 1])
    train, validate = split(91, 0.2, 7, classes)
    assert sorted([*train, *validate]) == list(range(91))
    assert np.bincount(classes[validate], minlength=3).tolist() == [12, 6, 0]
    assert split(91, 0.2, 8, classes)[1].tolist() != validate.tolist()
    for rows, share in ((1, 0.5), (5, 0.0), (5, 1.0)):
        with pytest.raises(TrainingError):
            split(rows, share, 0)


def test_training_is_the_same_for_the_same_seed() -> None:
    options = replace(OPTIONS, validation=0.2, patience=3)
    dropped = replace(NET, dropout={"h": Decimal("0.4"), "inputs": Decimal("0.1")})
    same(fit(dropped, START, DATA, options), fit(dropped, START, DATA, options))
    other = fit(dropped, START, DATA, replace(options, seed=5))
    assert other.history != fit(dropped, START, DATA, options).history


def test_training_in_chunks_without_shuffling_is_that_in_memory() -> None:
    """Larger than memory: the same rounds, when nothing is shuffled."""
    options = replace(OPTIONS, shuffle=False)

    def chunks() -> Iterator[dict[str, np.ndarray]]:
        yield from ({name: array[first : first + 13] for name, array in DATA.items()} for first in range(0, 50, 13))

    same(fit(NET, START, Source(50, chunks), options), fit(NET, START, DATA, options))


def test_going_on_after_an_epoch_is_as_if_it_had_never_stopped() -> None:
    dropped = replace(NET, dropout={"h": Decimal("0.4")})
    schedule = Chosen("plateau", {"wait": Decimal(1)})
    options = replace(OPTIONS, epochs=12, validation=0.3, patience=4, schedule=schedule)
    steps: list[Progress] = []
    whole = fit(dropped, START, DATA, options, on_epoch=steps.append)
    for each in steps[:-1]:
        same(fit(dropped, START, DATA, options, start=each), whole)


@pytest.mark.parametrize("engine", [NumpyEngine(), JaxEngine()])
@pytest.mark.parametrize("batch", [None, 10])
def test_many_epochs_at_once_are_the_same_as_one_by_one(engine: Engine, batch: int | None) -> None:
    dropped = replace(NET, dropout={"h": Decimal("0.4")})
    schedule = Chosen("step", {"every": Decimal(100)})
    options = replace(OPTIONS, epochs=600, batch=batch, schedule=schedule)
    pieces_: list[Progress] = []
    whole = fit(dropped, START, DATA, options, engine=engine, on_progress=pieces_.append)
    assert len(pieces_) < 600
    same(whole, fit(dropped, START, DATA, options, engine=engine, on_epoch=lambda _: None))
    for each in pieces_[1:-1]:
        same(whole, fit(dropped, START, DATA, options, engine=engine, start=each))


def test_what_diverges_among_many_epochs_is_found_where_it_was() -> None:
    """From a negative bias on the error grows by a factor each round."""
    net = Trainable(1, (DenseLayer(1),), Conventions("mean_squared_error"), Update("sgd", Decimal("1.01")))
    start = {"w_o": np.array([[0.0]]), "b_o": np.array([1e-9])}
    data = samples([[0.0]], [[0.0]])
    options = Options(epochs=50_000, batch=None)

    def stopped(**said: Any) -> tuple[str, Progress]:
        with pytest.raises(DivergedError) as problem:
            fit(net, start, data, options, **said)
        return str(problem.value), problem.value.progress

    (at_once, kept), (one_by_one, also_kept) = stopped(), stopped(on_epoch=lambda _: None)
    assert at_once == one_by_one
    assert kept.epoch > 300
    same(kept, also_kept)


def test_an_interruption_keeps_every_round_and_going_on_is_the_same() -> None:
    """Ctrl-C in the middle of an epoch."""
    options = replace(OPTIONS, validation=0.2)

    def press(done: int, total: int) -> None:
        assert total == 6 * 5
        if done == 12:
            signal.raise_signal(signal.SIGINT)

    whole = fit(NET, START, DATA, options)
    half = fit(NET, START, DATA, options, on_round=press)
    assert (half.stopped, half.rounds, half.epoch, len(half.losses)) == ("interrupted", 12, 2, 2)
    same(fit(NET, START, DATA, options, start=half), whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interruption_ends_it_at_once() -> None:
    def press(done: int, _: int) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(NET, START, DATA, OPTIONS, on_round=press)


def test_training_runs_in_another_thread() -> None:
    found: list[Progress] = []
    thread = threading.Thread(target=lambda: found.append(fit(NET, START, DATA, OPTIONS)))
    thread.start()
    thread.join()
    same(found[0], fit(NET, START, DATA, OPTIONS))


def test_early_stopping_gives_the_best_weights() -> None:
    """A rate so large that it gets worse after a while."""
    hasty = replace(NET, update=Update("adam", Decimal("0.3")))
    steps: list[Progress] = []
    options = replace(OPTIONS, epochs=100, validation=0.3, patience=5)
    done = fit(hasty, START, DATA, options, on_epoch=steps.append)
    watched = [each.validation_loss for each in done.history]
    assert done.stopped == "early"
    assert done.best_epoch == int(np.argmin(watched)) + 1 == len(watched) - 5
    for name, array in done.best.items():
        np.testing.assert_array_equal(array, steps[done.best_epoch - 1].state[name])


def written(net: Trainable, family: str, samples_: int = 8) -> str:
    definition = definition_of(training_round(net, samples_), family)
    assert definition is not None
    return to_text(definition.formula)


def test_dropout_and_weights_stand_in_the_formulas() -> None:
    net = replace(NET, dropout={"h": Decimal("0.4")}, weighted=True)
    assert written(net, "dropped_h") == "mask_h[n,j] * out_h[n,j] / (1 - dropout_h)"
    assert written(net, "net_o") == "sum[j](w_o[k,j] * dropped_h[n,j]) + b_o[k]"
    assert written(net, "E_total") == "1 / 8 * sum[n,k](sample_weight[n] * E[n,k])"
    assert "mask_h[n,j]" in written(net, "d_out_h")


def test_masks_keep_the_share_that_is_asked_for() -> None:
    found = masks(0, range(20), {"mask_h": (50, 10)}, {"mask_h": 0.3})["mask_h"]
    assert set(np.unique(found)) == {0.0, 1.0}
    assert abs(found.mean() - 0.7) < 0.02
    np.testing.assert_array_equal(masks(0, range(7, 8), {"mask_h": (50, 10)}, {"mask_h": 0.3})["mask_h"][0], found[7])


def test_dropout_of_what_is_not_there() -> None:
    for layer, rate, said in (
        ("o", "0.5", "the last layer"),
        ("h2", "0.5", "there is no"),
        ("h", "1", "up to but not"),
    ):
        with pytest.raises(CatalogueError, match=said):
            training_round(replace(NET, dropout={layer: Decimal(rate)}), 2)


def test_twice_the_weight_is_the_sample_twice() -> None:
    summed = replace(NET, conventions=Conventions("cross_entropy", over_batch="sum"))
    weight = np.ones(50)
    weight[:10], weight[10:20] = 2.0, 0.0
    rows = [*range(10), *range(10), *range(20, 50)]
    twice = samples(X[rows], np.eye(3)[LABELS[rows]])
    options = Options(epochs=20, batch=None)
    one = fit(summed, START, samples(X, np.eye(3)[LABELS], weight), options)
    other = fit(summed, START, twice, options)
    for name, array in one.state.items():
        np.testing.assert_allclose(array, other.state[name], atol=1e-9)


def test_class_weights() -> None:
    weights = class_weights(LABELS, "balanced")
    assert [round(float(weights[each == LABELS].sum()), 9) for each in range(3)] == [round(50 / 3, 9)] * 3
    given = class_weights(LABELS, {0: 2.0, 2: 0.5})
    done = fit(NET, START, DATA, replace(OPTIONS, class_weight={0: 2.0, 2: 0.5}))
    same(done, fit(NET, START, DATA | {"sample_weight": given}, OPTIONS))
    assert done.history != fit(NET, START, DATA, OPTIONS).history
    with pytest.raises(TrainingError, match="classes"):
        fit(Trainable(4, (DenseLayer(1),)), {}, samples(X, X[:, 0]), replace(OPTIONS, class_weight="balanced"))


def test_every_number_of_a_round_is_that_of_the_slow_evaluator() -> None:
    """A round with dropout, weights, decay and clipping: the engine against the definition of every formula."""
    update = Update("nadam", Decimal("0.01"), {}, Decimal("0.1"), Decimal("0.5"))
    net = replace(NET, update=update, dropout={"h": Decimal("0.4")}, weighted=True)
    data = DATA | {"sample_weight": RNG.uniform(size=50)}
    program = training_round(net, 8)
    state = start_state(net, START)
    mask = masks(4, range(1), {"mask_h": (8, 6)}, {"mask_h": 0.4})
    order = next(pieces(in_memory(data), 8, 4, 0, True)).order[:1]
    fed = {"rate": np.array([0.01]), "round": np.array([1.0]), **mask}
    after, losses = NumpyEngine().run_epoch(program, state, fixed_numbers(net), data, order, fed, lambda _: False)
    given = {**fixed_numbers(net), **state, **{name: array[order[0]] for name, array in data.items()}}
    given |= {name: array[0] for name, array in fed.items()}
    ledger = run(program, {family.name: given[family.name] for family in given_families(program)})
    assert losses[0] == pytest.approx(float(ledger["E_total"]), rel=1e-12)
    for family in program.families.values():
        if family.role == Role.UPDATED:
            np.testing.assert_allclose(after[family.of], ledger[family.name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda each: each.loss)
def test_forms_without_overflow_are_equal_and_stay_finite(pair: Any) -> None:
    """The error and the delta of probabilities with cross-entropy, with targets that need not sum to 1."""
    layers = (DenseLayer(3, pair.activation),)
    net = Trainable(2, layers, Conventions(find_loss(pair.loss).name), weighted=True)
    program = training_round(net, 4)
    target = RNG.uniform(0.1, 0.9, (4, 3))
    given = {"x": RNG.normal(size=(4, 2)), "target": target, "w_o": RNG.normal(size=(3, 2)), "b_o": RNG.normal(size=3)}
    given |= {"sample_weight": RNG.uniform(size=4), "rate": np.array(0.1)}
    engine, slow = NumpyEngine(), run(program, given)
    fast = engine.calculate(program, given, None)
    for name in ("E", "E_total", "d_net_o", "d_w_o"):
        np.testing.assert_allclose(fast[name], slow[name], rtol=1e-10, atol=1e-14)
    far = given | {"w_o": given["w_o"] * 1e4, "target": np.eye(3)[[0, 1, 2, 0]]}
    found = engine.calculate(program, far, ("E", "d_net_o", "w_o_next"))
    assert all(np.isfinite(array).all() for array in found.values())


def test_a_loss_that_is_no_number_names_where_it_arose() -> None:
    net = Trainable(4, (DenseLayer(2, "tanh"), DenseLayer(1, "square")), NET.conventions, Update("sgd", Decimal(1)))
    net = replace(net, conventions=Conventions("squared_error"))
    start = start_parameters(drawn_part(4, net.layers, net.conventions, 1))
    steps: list[Progress] = []
    data = samples(X, X[:, 0] * 100)
    with pytest.raises(DivergedError) as problem:
        fit(net, start, data, replace(OPTIONS, grown=None), on_epoch=steps.append)
    said = str(problem.value)
    assert "(epoch 1, batch " in said
    assert "infinite in round" in said
    assert "Try a smaller learning rate" in said
    assert problem.value.progress.epoch == len(steps) == 0


def test_the_last_good_weights_are_kept() -> None:
    """The error first gets smaller, then a schedule that goes the wrong way ruins it."""
    net = Trainable(4, (DenseLayer(1),), Conventions("squared_error"), Update("sgd", Decimal("0.01")))
    start = start_parameters(drawn_part(4, net.layers, net.conventions, 1))
    steps: list[Progress] = []
    options = Options(epochs=40, batch=10, schedule=Chosen("exponential", {"factor": Decimal(2)}), grown=1e3)
    with pytest.raises(
        DivergedError, match=r"the error has grown from .* in the first epoch to .* in epoch \d+"
    ) as problem:
        fit(net, start, samples(X, X[:, 0]), options, on_epoch=steps.append)
    assert len(steps) > 5
    same(problem.value.progress, steps[-1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "epochs is a whole number from 1"),
        ({"batch": 2.5}, "batch is a whole number"),
        ({"seed": -1}, "a seed is a whole number from 0"),
        ({"validation": 1.0}, "validation is a share"),
        ({"patience": 0}, "patience"),
        ({"class_weight": "fair"}, "balanced"),
        ({"min_delta": float("nan")}, "min_delta"),
    ],
)
def test_options_that_make_no_sense(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        fit(NET, START, DATA, replace(OPTIONS, **changes))


def test_samples_that_do_not_fit_the_network() -> None:
    with pytest.raises(DataError, match="each sample has 3 numbers, but the network has 4 inputs"):
        fit(NET, START, samples(X[:, :3], DATA["target"]), OPTIONS)
    with pytest.raises(DataError, match="each sample has 2 targets, but the network has 3 outputs"):
        fit(NET, START, samples(X, DATA["target"][:, :2]), OPTIONS)
    for x, target, said in (
        ([[1.0], [np.nan]], [1, 2], "inputs: row 2, number 1 is not finite"),
        ([[1.0]], [1, 2], "1 rows of inputs but 2 of targets"),
        (np.zeros((0, 2)), np.zeros((0, 1)), "there are no samples"),
    ):
        with pytest.raises(DataError, match=said):
            samples(x, target)
    with pytest.raises(DataError, match="row 2 is -1"):
        samples([[1], [2]], [1, 2], [1, -1])


def by_hand(name: str, done: int) -> float:
    """The rate of round ``done`` (from 0) of 20, from 0.5, in epochs of 5 rounds."""
    epoch, part = done // 5, done / 20
    wave = 0.5 * (1 + np.cos(np.pi * part))
    return {
        "constant": 0.5,
        "step": 0.5 * 0.1 ** (epoch // 10),
        "exponential": 0.5 * 0.95**epoch,
        "linear": 0.5 * (1 - part),
        "cosine": 0.5 * wave,
        "warmup_cosine": [0.25, 0.5, 0.5][done] if done < 3 else 0.25 * (1 + np.cos(np.pi * (part - 0.1) / 0.9)),
        "plateau": 0.05,
    }[name]


@pytest.mark.parametrize("name", [row.name for row in SCHEDULES])
def test_every_schedule(name: str) -> None:
    for epoch in range(4):
        found = rates(Chosen(name), 0.5, range(epoch * 5, epoch * 5 + 5), 20, 5, 1)
        np.testing.assert_allclose(found, [by_hand(name, done) for done in range(epoch * 5, epoch * 5 + 5)])


def test_settings_of_schedules() -> None:
    for chosen, said in (
        (Chosen("cosin"), "did you mean cosine"),
        (Chosen("cosine", {"factor": Decimal(1)}), "no setting 'factor'; it has last"),
        (Chosen("step", {"every": Decimal("0.5")}), "whole number of epochs"),
        (Chosen("warmup", {"warmup": Decimal(1)}), "share of the rounds"),
    ):
        with pytest.raises(CatalogueError, match=said):
            fit(NET, START, DATA, replace(OPTIONS, schedule=chosen))


def test_single_precision() -> None:
    double, single = fit(NET, START, DATA, OPTIONS), fit(NET, START, DATA, OPTIONS, engine=NumpyEngine(np.float32))
    assert all(array.dtype == np.float32 for array in single.state.values())
    assert single.history[-1].loss == pytest.approx(double.history[-1].loss, rel=1e-4)
    assert single.history[-1].loss != double.history[-1].loss


def test_the_example_of_the_tutorial_is_trained_the_same_way() -> None:
    """Both ways to the same numbers: rounds of a network file, and epochs over its one sample."""
    net = Trainable(1, (DenseLayer(1, "logistic"),), update=Update("gradient_descent", Decimal("0.5")))
    start = {"w_o": np.array([[0.3]]), "b_o": np.array([0.1])}
    done = fit(net, start, samples([[1.0]], [[0.2]]), Options(epochs=3, batch=None))
    w, b = 0.3, 0.1
    for _ in range(3):
        out = 1 / (1 + np.exp(-(w + b)))
        delta = (out - 0.2) * out * (1 - out)
        w, b = w - 0.5 * delta, b - 0.5 * delta
    assert (float(done.state["w_o"][0, 0]), float(done.state["b_o"][0])) == (pytest.approx(w), pytest.approx(b))


def test_a_small_error_at_first_is_no_sign_of_growing() -> None:
    """With one sample at a time the first error may be next to nothing."""
    net = Trainable(1, (DenseLayer(1),), Conventions("squared_error"), Update("sgd", Decimal("0.01")))
    start = {"w_o": np.array([[1.0]]), "b_o": np.array([0.0])}
    done = fit(net, start, samples([[1.0], [2.0], [3.0]], [[1.0], [9.0], [1.0]]), Options(5, 1, shuffle=False))
    assert done.stopped == "finished"


def test_a_validation_error_that_is_not_finite_stops_it() -> None:
    net = Trainable(1, (DenseLayer(1),), Conventions("squared_error"), Update("sgd", Decimal("0.01")))
    start = {"w_o": np.array([[1.0]]), "b_o": np.array([0.0])}
    with pytest.raises(DivergedError, match="the error of the validation samples is infinite after epoch 1"):
        fit(net, start, samples([[1.0]], [[2.0]]), Options(5), validation=samples([[1e200]], [[0.0]]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_jax_trains_as_numpy_does(dtype: type) -> None:
    """The other engine: dropout, a smaller last batch, a schedule, an interruption."""
    pytest.importorskip("jax")
    jax = pytest.importorskip("chainrule.engines.jax")
    net = replace(NET, dropout={"h": Decimal("0.2")})
    options = replace(OPTIONS, validation=0.2, schedule=Chosen("cosine"))
    ours, theirs = (fit(net, START, DATA, options, engine=each) for each in (NumpyEngine(dtype), jax.JaxEngine(dtype)))
    close = 1e-9 if dtype is np.float64 else 1e-3
    assert [each.loss for each in theirs.history] == pytest.approx([each.loss for each in ours.history], rel=close)
    for name, array in ours.state.items():
        np.testing.assert_allclose(theirs.state[name], array, rtol=close, atol=close)
    again = fit(net, START, DATA, replace(options, epochs=3), engine=jax.JaxEngine(dtype))
    assert again.stopped == "finished"
