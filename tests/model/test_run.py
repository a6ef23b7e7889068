"""Many rounds of a network file's own numbers, with either engine."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.choose import UnknownEngine
from chainrule.model.rounds import NotFiniteError
from chainrule.numbers.arithmetic import MissingLibraryError

BATCHES = """
[network]
inputs = 2
loss = "half_squared_error"
[[layer]]
units = 3
activation = "tanh"
weights = "glorot_uniform"
bias = "zeros"
[[layer]]
units = 1
weights = "glorot_uniform"
bias = "zeros"
[data]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]]
targets = [[0], [1], [1], [0], [2]]
[training]
optimizer = "adam"
learning_rate = 0.01
batch = {batch}
"""


@pytest.mark.parametrize("batch", [5, 1, 2])
def test_both_engines_do_the_same_rounds(tmp_path: Path, batch: int) -> None:
    """With batches in turn, the last one smaller where they don't divide the samples."""
    (tmp_path / "net.toml").write_text(BATCHES.format(batch=batch))
    step = cr.load(str(tmp_path / "net.toml"))
    slow, fast, later = step.run(23, engine="numpy"), step.run(23, engine="jax"), step.after(23)
    assert slow.rounds_done == fast.rounds_done == 23
    for name in ("w_h", "w_o", "b_h", "dE/dw_h", "E_total"):
        assert np.array_equal(slow[name], later[name])
        np.testing.assert_allclose(fast[name], slow[name], rtol=1e-11)


def test_the_tutorials_ten_thousand_rounds() -> None:
    for engine in ("auto", "numpy", "jax"):
        assert f"{cr.load('mazur').run(10_000, engine=engine)['E_total']:.9g}" == "3.51018778e-05"


def test_rounds_add_up() -> None:
    step = cr.load("mazur")
    assert step.run(3).run(4)["w5"] == step.run(7)["w5"] == step.after(7)["w5"]
    assert step.run(0)["w5"] == step["w5"]


def test_the_choice_is_said() -> None:
    step = cr.load("mazur")
    assert step.engine_for(10_000) == "NumPy: less than 0.1 s of work"
    assert "JAX" in step.engine_for(10**9)


def test_what_cant_be_run() -> None:
    step = cr.load("mazur")
    with pytest.raises(UnknownEngine, match="there is no engine 'cuda'; there are: auto, numpy, jax"):
        step.run(2, engine="cuda")
    with pytest.raises(UnknownEngine, match="more than 15 digits"):
        step.after(0, digits=30).run(2, engine="jax")


def test_without_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    with pytest.raises(MissingLibraryError, match=r"chainrule\[fast\]"):
        cr.load("mazur").run(2, engine="jax")


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_numbers_that_end_are_named(tmp_path: Path, engine: str) -> None:
    text = BATCHES.format(batch=5).replace('"adam"', '"gradient_descent"').replace("0.01", "1e3")
    (tmp_path / "net.toml").write_text(text.replace('"tanh"', '"identity"'))
    with pytest.raises(NotFiniteError, match=r"is infinite in round \d+"):
        cr.load(str(tmp_path / "net.toml")).run(500, engine=engine)
