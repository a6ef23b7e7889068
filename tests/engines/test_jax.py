"""The JAX engine is the slow evaluator too, and its loops are the NumPy engine's, compiled."""

import subprocess
import sys
import warnings
from decimal import Decimal

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.catalogue.build import DenseLayer
from chainrule.catalogue.optimizers import OPTIMIZERS
from chainrule.catalogue.training import Update, carried
from chainrule.engines import loop
from chainrule.engines.jax import JaxEngine, compile_program, run_rounds
from chainrule.engines.numpy import run_rounds as run_on_numpy
from chainrule.engines.rounds import InTurn
from chainrule.formula.functions import FUNCTIONS, Function
from chainrule.numbers.evaluate import run
from chainrule.numbers.ledger import Ledger, LedgerError
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role
from chainrule.program.read import extend
from chainrule.training.engine import NumpyEngine
from chainrule.training.programs import Trainable, fixed_numbers, parameter_names, start_state, training_round
from engine_cases import FAR, FAR_FROM_ZERO, LARGE, START, branches, function_and_slope, large, line, not_finite
from oracle_programs import CASES, Case, program_of
from random_programs import random_program


def assert_same(program: Program, numbers: Ledger, tolerance: float = 1e-11) -> None:
    """As the slow evaluator calculates it: called once, and as the last of two rounds of a compiled loop."""
    expected = run(program, numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        once = compile_program(program)(numbers)
        looped = in_a_loop(program, numbers)
    assert list(once) == [definition.target for definition in program.definitions]
    for name, array in once.items():
        for result in (array, looped[name]):
            assert result.shape == expected[name].shape
            assert result.dtype == np.float64
            np.testing.assert_allclose(result, expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def in_a_loop(program: Program, numbers: Ledger) -> dict[str, np.ndarray]:
    """Every family that is defined, carried over in a loop in place of one that nothing reads."""
    defined = [program.families[each.target] for each in program.definitions]
    kept = [Family(f"kept_{each.name}", Role.STATE, each.axes, each.shape) for each in defined]
    families = {**program.families, **{each.name: each for each in kept}}
    start = {**numbers, **{each.name: np.zeros(each.shape) for each in kept}}
    carry = {each.name: f"kept_{each.name}" for each in defined}
    after = run_rounds(Program(families, program.definitions), start, 2, carry)
    return {each.name: after[f"kept_{each.name}"] for each in defined}


@settings(max_examples=40)
@given(random_program())
def test_random_programs(drawn: tuple[Program, Ledger]) -> None:
    assert_same(*drawn)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@settings(max_examples=1)
@given(a=st.integers(1, 4), b=st.integers(1, 4), c=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_networks_of_many_kinds_with_their_derivatives(case: Case, a: int, b: int, c: int, seed: int) -> None:
    shapes = case.shapes(a, b, c)
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    numbers |= {name: np.abs(numbers[name]) + 0.5 for name in case.positive}
    assert_same(differentiate(program_of(case, shapes)), numbers, 1e-9)


@pytest.mark.parametrize("row", [row for row in FUNCTIONS if row.parameters], ids=lambda row: row.name)
def test_every_function_and_its_slope(row: Function) -> None:
    assert_same(*function_and_slope(row), 1e-10)


@pytest.mark.parametrize("name", FAR_FROM_ZERO)
def test_no_overflow_far_from_zero(name: str) -> None:
    program = extend(Program({}), f"y[i] = {name}(x[i])", given=[Family("x", Role.INPUT, ("i",), (4,))])
    assert compile_program(program)({"x": FAR})["y"].tolist() == FAR_FROM_ZERO[name]


def test_a_branch_that_is_not_taken_does_not_leak() -> None:
    assert_same(*branches())


def test_what_the_compiler_finds_unread_does_no_harm() -> None:
    """The power becomes 1, and nothing reads x: the compiler once ended the process over it."""
    program = extend(Program({}), "y = sum[i](x[i]) ** 0", given=[Family("x", Role.INPUT, ("i",), (3,))])
    assert_same(program, {"x": np.arange(3.0)})


def test_numbers_that_are_not_finite_are_as_the_slow_evaluator_has_them() -> None:
    assert_same(*not_finite())


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_sums_of_products(text: str) -> None:
    assert_same(*large(text))


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_a_network_of_matrix_products(batch: int) -> None:
    program, numbers = network("adam", batch=batch, inputs=70, hidden=50)
    expected = run(program, numbers)
    for results in (compile_program(program)(numbers), in_a_loop(program, numbers)):
        for name, array in results.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_single_precision_is_that_of_single_precision_whatever_the_process_has_chosen() -> None:
    program, numbers = network("gradient_descent", batch=40, inputs=70, hidden=50)
    expected = run(program, numbers)
    carry = carried(program)
    for wide in (False, True):
        with jax.enable_x64(wide):
            single = compile_program(program, dtype=np.float32)(numbers)
            after = run_rounds(program, numbers, 2, carry, wanted=["E_total"], dtype=np.float32)
            assert compile_program(program)(numbers)["E_total"].dtype == np.float64
            assert jax.numpy.ones(1).dtype == (np.float64 if wide else np.float32)
        assert {array.dtype for array in (*single.values(), *after.values())} == {np.dtype(np.float32)}
        for name, array in single.items():
            np.testing.assert_allclose(array, expected[name], rtol=2e-5, atol=1e-6, err_msg=name)


def network(
    optimizer: str, batch: int = 3, inputs: int = 3, hidden: int = 4, activation: str = "tanh"
) -> tuple[Program, dict[str, np.ndarray]]:
    """A round of training with its numbers."""
    layers = (DenseLayer(hidden, activation), DenseLayer(2, "logistic"))
    net = Trainable(inputs, layers, update=Update(optimizer, Decimal("0.1")))
    program = training_round(net, batch)
    rng = np.random.default_rng(4)
    weights = {name: 0.3 * rng.normal(size=program.families[name].shape) for name in parameter_names(net)}
    data = {"x": rng.normal(size=(batch, inputs)), "target": rng.random((batch, 2))}
    return program, {
        **fixed_numbers(net),
        **start_state(net, weights),
        **data,
        **({"rate": np.array(0.1)} if "rate" in program.families else {}),
        **({"round": np.array(1.0)} if "round" in program.families else {}),
    }


def in_turn(program: Program, numbers: Ledger) -> InTurn:
    """Five batches, and the number of the round where the optimizer asks for it."""
    rng = np.random.default_rng(7)
    batches = {name: rng.random((5, *numbers[name].shape)) for name in ("x", "target")}
    return InTurn(batches, {"round": 1.0} if "round" in program.families else {})


def assert_same_rounds(ours: Ledger, theirs: Ledger, tolerance: float = 1e-9) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert ours[name].shape == array.shape
        np.testing.assert_allclose(ours[name], array, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("row", OPTIMIZERS, ids=lambda row: row.name)
def test_rounds_of_every_optimizer_with_batches_in_turn(row: object) -> None:
    program, numbers = network(row.name)
    carry = carried(program)
    feeds = in_turn(program, numbers)
    expected = run_on_numpy(program, numbers, 23, carry, feeds, ["E_total"])
    assert_same_rounds(run_rounds(program, numbers, 23, carry, feeds, ["E_total"]), expected)
    # Any function does as well as one that is data.
    assert_same_rounds(run_rounds(program, numbers, 23, carry, lambda number: feeds(number), ["E_total"]), expected)


@pytest.mark.parametrize("rounds", [0, 1, 2, 1200])
@pytest.mark.parametrize("fed", [False, True])
def test_rounds_carry_what_is_updated(rounds: int, fed: bool) -> None:
    carry = {"w_next": "w", "round_next": "round"}
    feeds = (lambda number: {"x": np.array(1.0 + number % 3)}) if fed else None
    for wanted in ((), ["loss"], ["w_next"], ["w_next", "loss", "loss"]):
        expected = run_on_numpy(line(), START, rounds, carry, feeds, wanted)
        result = run_rounds(line(), START, rounds, carry, feeds, wanted)
        assert_same_rounds(result, expected, 1e-12)
        result["w"][:] = 0  # whoever gets it may change it
    assert START["w"].tolist() == [1, -2]


def test_rounds_that_run_away_end_as_with_numpy() -> None:
    given_families = [Family("w", Role.PARAMETER, ("i",), (3,))]
    program = extend(Program({}), "w_next[i] = exp(w[i]) / w[i]", given=given_families)
    start = {"w": np.array([2.0, 0.0, np.nan])}
    result = run_rounds(program, start, 1200, {"w_next": "w"})
    np.testing.assert_array_equal(result["w"], run_on_numpy(program, start, 1200, {"w_next": "w"})["w"])


def test_more_rounds_than_are_stacked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.engines.jax.STACKED", 80)  # ten numbers
    monkeypatch.setattr("chainrule.engines.jax.LONGEST", 7)
    program, numbers = network("momentum")
    carry, feeds = carried(program), in_turn(program, numbers)
    expected = run_on_numpy(program, numbers, 33, carry, feeds, ["E_total"])
    assert_same_rounds(run_rounds(program, numbers, 33, carry, feeds, ["E_total"]), expected)
    assert_same_rounds(run_rounds(program, numbers, 33, carry, lambda at: feeds(at), ["E_total"]), expected)
    start = {"x": 0.5}
    one = run_rounds(line(), START, 33, {"w_next": "w"}, lambda at: start)
    assert_same_rounds(one, run_on_numpy(line(), START, 33, {"w_next": "w"}, lambda at: start))


def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fills up with the names of what JAX traces for a loop."""
    traced: list[str] = []
    traceable = loop.traceable

    def noted(*args: object) -> object:
        calculate = traceable(*args)

        def noting(*given: object) -> object:
            traced.append("traced")
            return calculate(*given)

        return noting

    monkeypatch.setattr(loop, "traceable", noted)
    return traced


def test_the_whole_loop_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = compilations(monkeypatch)
    for rounds in (5, 5, 1000, 1001):
        program, numbers = network("adam", batch=2, hidden=6)  # made anew, of the same content
        run_rounds(program, numbers, rounds, carried(program))
    assert traced == ["traced"]
    for rounds in (3, 40):
        run_rounds(program, numbers, rounds, carried(program), in_turn(program, numbers))
    assert traced == ["traced"] * 2
    engine = JaxEngine()
    state, fixed, data, fed = epoch(program, numbers)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(20).reshape(10, 2)
        state, _ = engine.run_epoch(program, state, fixed, data, order, fed, lambda done: False)
    assert traced == ["traced"] * 3


def test_a_loop_that_the_compiler_refuses_in_one_piece_is_compiled_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        raise jax.errors.JaxRuntimeError("UNIMPLEMENTED: Fusion kind not implemented on CPU")

    monkeypatch.setattr(loop, "_in_one_piece", lambda *_: refused)
    program, numbers = network("gradient_descent", hidden=7)
    carry = carried(program)
    for _ in range(2):
        assert_same_rounds(run_rounds(program, numbers, 30, carry), run_on_numpy(program, numbers, 30, carry))


def test_small_loops_are_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_first_that_compiles", lambda functions, jax: functions[0])
    for text in LARGE.values():
        program, numbers = large(text)
        expected = run(program, numbers)
        for name, array in in_a_loop(program, numbers).items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-11, atol=1e-11)


def test_what_was_given_is_not_written_over() -> None:
    program, numbers = network("momentum", inputs=64, hidden=32)
    state, fixed, data, fed = epoch(program, numbers)
    memory = np.zeros(2048 + 8)
    first = (-memory.ctypes.data // 8) % 8  # where 64 bytes begin: such memory JAX can use as it is
    state["w_h"] = aligned = memory[first : first + 2048].reshape(32, 64)
    aligned[:] = 0.1
    before = {name: array.copy() for name, array in state.items()}
    JaxEngine().run_epoch(program, state, fixed, data, np.zeros((10, 3), int), fed, lambda done: False)
    run_rounds(program, {**numbers, **state}, 10, carried(program))
    for name, array in state.items():
        np.testing.assert_array_equal(array, before[name])


def epoch(program: Program, numbers: Ledger, samples: int = 20) -> tuple[dict, dict, dict, dict]:
    """State, fixed numbers, samples, and what is given anew in each of ten rounds."""
    rng = np.random.default_rng(9)
    state = {old: numbers[old] for old in carried(program).values()}
    data = {name: rng.random((samples, *numbers[name].shape[1:])) for name in ("x", "target")}
    fed = {"rate": np.linspace(0.1, 0.2, 10), "round": np.arange(1.0, 11.0)}
    fixed = {name: array for name, array in numbers.items() if name not in {*state, *data, *fed}}
    return state, fixed, data, fed


@pytest.mark.parametrize("hidden", [4, 200])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
def test_an_epoch_is_as_on_numpy(optimizer: str, hidden: int) -> None:
    program, numbers = network(optimizer, hidden=hidden)
    state, fixed, data, fed = epoch(program, numbers)
    order = np.random.default_rng(3).integers(20, size=(10, 3))
    watched: list[int] = []
    engine = JaxEngine()
    after, losses = engine.run_epoch(
        program, state, fixed, engine.place(data), order, fed, lambda done: bool(watched.append(done))
    )
    expected, expected_losses = NumpyEngine().run_epoch(program, state, fixed, data, order, fed, lambda done: False)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-12)
    assert_same_rounds({name: np.asarray(array) for name, array in after.items()}, expected)
    assert watched[-1] == 10
    # On from there, without what was given having changed.
    again, _ = engine.run_epoch(program, after, fixed, data, order, fed, lambda done: False)
    on, _ = NumpyEngine().run_epoch(program, expected, fixed, data, order, fed, lambda done: False)
    assert_same_rounds({name: np.asarray(array) for name, array in again.items()}, on)


def test_an_epoch_ends_where_the_watch_says_so() -> None:
    program, numbers = network("momentum", hidden=9)
    state, fixed, data, fed = epoch(program, numbers)
    order = np.arange(30).reshape(10, 3) % 20
    after, losses = JaxEngine().run_epoch(program, state, fixed, data, order, fed, lambda done: True)
    assert 1 <= len(losses) < 10  # the first call is of one round, for how long a round takes isn't known
    part = {name: array[: len(losses)] for name, array in fed.items()}
    expected, _ = NumpyEngine().run_epoch(program, state, fixed, data, order[: len(losses)], part, lambda done: False)
    assert_same_rounds({name: np.asarray(array) for name, array in after.items()}, expected)


def test_an_epoch_shows_where_it_stopped_being_a_number() -> None:
    program, numbers = network("gradient_descent", activation="identity")
    state, fixed, data, fed = epoch(program, numbers)
    fed = fed | {"rate": np.full(10, 1e300)}
    order = np.arange(30).reshape(10, 3) % 20
    _, losses = JaxEngine().run_epoch(program, state, fixed, data, order, fed, lambda done: False)
    _, expected = NumpyEngine().run_epoch(program, state, fixed, data, order, fed, lambda done: False)
    np.testing.assert_array_equal(np.isfinite(losses), np.isfinite(expected))


def test_the_engine_of_training_has_a_name_and_calculates() -> None:
    assert JaxEngine().name == "jax on cpu"
    assert JaxEngine(np.float32).name == "jax on cpu, float32"
    program, numbers = network("adam")
    found = JaxEngine().calculate(program, numbers, ("E_total",))
    np.testing.assert_allclose(found["E_total"], run(program, numbers)["E_total"], rtol=1e-12)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(LedgerError, match="w has the shape 3, but"):
        compile_program(line())(START | {"w": np.ones(3)})
    with pytest.raises(LedgerError, match="x has no numbers"):
        run_rounds(line(), {"w": np.ones(2), "rate": 1.0, "round": 0.0}, 3, {"w_next": "w"})
    with pytest.raises(LedgerError, match="the program has no v_next"):
        run_rounds(line(), START, 2, {"v_next": "w"})
    with pytest.raises(LedgerError, match="x has the shape 2"):
        run_rounds(line(), START, 3, {"w_next": "w"}, lambda number: {"x": np.ones(2 if number else ())})
    with pytest.raises(LedgerError, match="z can't be given in a round"):
        run_rounds(line(), START, 3, {"w_next": "w"}, lambda number: {"z": 1.0})
    with pytest.raises(LedgerError, match="the same families in every round"):
        run_rounds(line(), START, 3, {"w_next": "w"}, lambda number: {"x" if number else "rate": 1.0})


def test_without_jax_there_is_one_clear_line() -> None:
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "from chainrule.engines.jax import compile_program\n"
        "from chainrule.program.program import Program\n"
        "from chainrule.numbers.arithmetic import MissingLibraryError\n"
        "try:\n    compile_program(Program({}))\n"
        "except MissingLibraryError as error:\n    print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == 'the engine jax needs: pip install "chainrule[fast]"\n'


def test_jax_is_imported_only_when_something_is_calculated() -> None:
    code = "import sys, chainrule, chainrule.engines.jax; print('jax' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
