"""Which engine is chosen, and that the reason given is that of these numbers."""

import re
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from chainrule.catalogue.build import DenseLayer
from chainrule.catalogue.training import Update, carried
from chainrule.engines.choose import choose_engine
from chainrule.program.program import Program
from chainrule.training.programs import Trainable, training_round


@pytest.fixture(autouse=True)
def _jax_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jax", raising=False)


def network(*sizes: int, batch: int = 1) -> Program:
    layers = tuple(DenseLayer(units, "logistic") for units in sizes[1:])
    return training_round(Trainable(sizes[0], layers, update=Update(rate=Decimal("0.5"))), batch)


def test_the_tutorials_rounds_stay_with_numpy_and_a_million_do_not() -> None:
    program = network(2, 2, 2)
    wanted = tuple(carried(program))
    few = choose_engine(program, 10_000, wanted, installed=True)
    assert (few.engine, few.why) == ("numpy", "NumPy: less than 0.1 s of work")
    many = choose_engine(program, 1_000_000, wanted, installed=True)
    assert many.engine == "jax"
    assert many.why.startswith("JAX: about 1 s with its start, and NumPy would take about ")
    assert many.with_jax < many.with_numpy


def test_a_large_network_goes_to_jax_when_there_is_enough_to_do() -> None:
    program = network(784, 512, 512, 10, batch=64)
    assert choose_engine(program, 5, installed=True).engine == "numpy"
    assert choose_engine(program, 10_000, installed=True).engine == "jax"


def test_without_jax_it_is_numpy_and_what_jax_would_save_is_said() -> None:
    choice = choose_engine(network(2, 2, 2), 100_000_000, installed=False)
    assert choice.engine == "numpy"
    assert re.fullmatch(
        r"NumPy: about \d+ minutes of work; with JAX, which is not installed, about \d+ s: "
        r'pip install "chainrule\[fast\]"',
        choice.why,
    )


def test_work_in_between_says_what_each_would_take() -> None:
    choice = choose_engine(network(30, 16, 1, batch=32), 10_000, installed=True)
    assert choice.engine == "numpy"
    assert re.fullmatch(r"NumPy: about 0\.\d s of work, and JAX would take about 1 s with its start", choice.why)


def test_single_precision_costs_less_work() -> None:
    program = network(784, 128, 10, batch=64)
    double, single = (choose_engine(program, 100, dtype=dtype) for dtype in (np.float64, np.float32))
    assert single.with_numpy < double.with_numpy
    assert single.with_jax < double.with_jax


def test_an_import_that_is_done_already_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = choose_engine(network(2, 2, 2), 1000).with_jax
    monkeypatch.setitem(sys.modules, "jax", sys)
    assert choose_engine(network(2, 2, 2), 1000).with_jax < before - 0.5


def test_to_choose_imports_no_jax() -> None:
    code = (
        "import sys\nfrom chainrule.engines.choose import choose_engine\n"
        "from chainrule.program.program import Program\n"
        "choose_engine(Program({}), 10)\nprint('jax' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"
