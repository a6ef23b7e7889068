"""Which engine pays: how long the work ahead would take with each, estimated from a program's plan.

The estimates are rough, from measurements on one core of about 3 GHz; what has to be right is which one is far slower.
"""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from chainrule.engines.lower import lower
from chainrule.engines.numpy import MANY_ROUNDS, SCALARS_PER_CALL
from chainrule.engines.plan import Apply, Constant, Given, Plan, Product
from chainrule.engines.scalar import operations
from chainrule.engines.xla import is_small, work
from chainrule.program.program import Program

# Seconds.
CALL = 5e-7  # a call of NumPy
BATCH = 1e-5  # what a round of training takes to fetch its batch
SCALAR = 1.2e-8  # a node of a formula as plain Python
KERNEL = 2e-7  # a step of a compiled program that isn't one piece
PRODUCT = 3e-11  # a product and its sum in a matrix product, in float64
NUMBER = {"numpy": 3e-10, "jax": 1.5e-10}  # a number that goes through an elementwise step
CURVED = {"numpy": 4e-9, "jax": 1.5e-9}  # exp, tanh and the like
IN_ONE_PIECE = 1.2e-10  # each number of a small program, compiled in one piece
IMPORT, COMPILE, COMPILE_STEP = 0.7, 0.2, 0.002
PLAIN = frozenset({"add", "subtract", "multiply", "negative", "where", "abs", "divide", "sqrt"})


ENGINES = ("auto", "numpy", "jax")


class UnknownEngine(ValueError):
    """An engine that there isn't."""


def check_engine(name: str) -> None:
    """Raises ``UnknownEngine`` for a name that is none of auto, numpy, jax."""
    if name not in ENGINES:
        raise UnknownEngine(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine by name, why in one sentence, and the seconds that each engine would take."""

    engine: Literal["numpy", "jax"]
    why: str
    with_numpy: float
    with_jax: float


def choose_engine(
    program: Program,
    rounds: int,
    wanted: Collection[str] | None = None,
    dtype: DTypeLike = np.float64,
    installed: bool | None = None,
    on_data: bool = False,
) -> Choice:
    """The engine for so many rounds of a program: JAX where it is installed and its start is made up for.

    ``wanted`` are the families that each round calculates, all that are defined where it is None. ``installed`` says
    whether JAX is there; without it that is looked up, without importing it. With ``on_data`` each round takes its
    batch from data.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> w = Family("w", Role.PARAMETER, ("i",), (1000,))
    >>> halve = extend(Program({}), "w_next[i] = w[i] / 2", given=[w])
    >>> choose_engine(halve, 10).why
    'NumPy: less than 0.1 s of work'
    >>> choose_engine(halve, 10**9, installed=True).engine
    'jax'
    """
    wanted = tuple(each.target for each in program.definitions) if wanted is None else tuple(wanted)
    plan = lower(program, wanted)
    single = 1.0 if np.dtype(dtype) == np.float64 else 0.5
    with_numpy = rounds * _numpy_round(program, plan, wanted, rounds, single, on_data)
    a_round = _jax_round(plan, single)
    start = COMPILE + COMPILE_STEP * _steps(plan) + (0.0 if "jax" in sys.modules else IMPORT)
    with_jax = start + rounds * a_round
    there = find_spec("jax") is not None if installed is None else installed
    chosen: Literal["numpy", "jax"] = "jax" if there and with_jax < with_numpy else "numpy"
    return Choice(chosen, _why(there, with_numpy, with_jax), with_numpy, with_jax)


def _why(there: bool, with_numpy: float, with_jax: float) -> str:
    if with_numpy <= with_jax:
        if with_numpy < 0.1:
            return "NumPy: less than 0.1 s of work"
        return f"NumPy: {_about(with_numpy)} of work, and JAX would take {_about(with_jax)} with its start"
    if there:
        return f"JAX: {_about(with_jax)} with its start, and NumPy would take {_about(with_numpy)}"
    return (
        f"NumPy: {_about(with_numpy)} of work; with JAX, which is not installed, {_about(with_jax)}: "
        'pip install "chainrule[fast]"'
    )


def _about(seconds: float) -> str:
    if seconds < 10:
        return f"about {seconds:.1g} s"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 7200:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:,.0f} hours"


def _steps(plan: Plan) -> int:
    return sum(not isinstance(each, Given | Constant) for each in plan.instructions)


def _numpy_round(
    program: Program, plan: Plan, wanted: tuple[str, ...], rounds: int, single: float, on_data: bool
) -> float:
    """As ``engines.numpy.run_rounds`` decides: plain Python for a tiny program, else a call for each instruction."""
    if on_data:
        return BATCH + CALL * _steps(plan) + single * _numbers(plan, "numpy")
    count = operations(program, wanted)
    if count < SCALARS_PER_CALL * len(plan.instructions) and rounds >= MANY_ROUNDS and single == 1:
        return count * SCALAR
    return CALL * _steps(plan) + single * _numbers(plan, "numpy")


def _jax_round(plan: Plan, single: float) -> float:
    if is_small(plan):
        return 5e-8 + IN_ONE_PIECE * sum(work(plan)) * single
    # About a third of the steps are left as steps of their own when the compiler has joined what it can.
    return KERNEL * _steps(plan) / 3 + single * _numbers(plan, "jax")


def _numbers(plan: Plan, engine: Literal["numpy", "jax"]) -> float:
    """The seconds that a round takes for its numbers alone."""
    total = 0.0
    for each, count, shape in zip(plan.instructions, work(plan), plan.shapes, strict=True):
        match each:
            case Product():
                total += PRODUCT * count
            case Apply(function) if function not in PLAIN:
                total += CURVED[engine] * prod(shape)
            case _:
                total += NUMBER[engine] * count
    return total
