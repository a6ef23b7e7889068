"""Rounds of training on NumPy: formulas run by the engine against a round written by hand, in the same process.

Both take turns, and the fastest turn of each counts, so that a busy machine slows neither more than the other. The
ratio is what to look at: it says how many times as long as the hand-written round the engine takes.
"""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from _turns import Arrays

from chainrule.engines.numpy import compile_program, run_rounds
from chainrule.program.adjoint import differentiate
from chainrule.program.program import Family, Program, Role, with_role
from chainrule.program.read import extend

SECONDS = 1.5  # for each network and engine
TURNS = 5


@dataclass(frozen=True)
class Case:
    sizes: tuple[int, ...]
    batch: int
    dtype: type = np.float64


CASES = (
    Case((2, 2, 2), 1),
    Case((4, 16, 3), 8),
    Case((784, 128, 10), 64),
    Case((784, 512, 512, 10), 64),
    Case((784, 512, 512, 10), 64, np.float32),
    Case((784, 1024, 10), 256),
)


def program_of(case: Case) -> Program:
    """A dense logistic network with half squared error, its backward pass, and gradient descent."""
    given = [
        Family("x", Role.INPUT, ("n", "i"), (case.batch, case.sizes[0])),
        Family("target", Role.TARGET, ("n", "k"), (case.batch, case.sizes[-1])),
        Family("rate", Role.SETTING),
    ]
    lines, below = [], "x"
    for at, (inputs, outputs) in enumerate(zip(case.sizes, case.sizes[1:], strict=False), start=1):
        given.append(Family(f"w{at}", Role.PARAMETER, ("j", "i"), (outputs, inputs)))
        given.append(Family(f"b{at}", Role.PARAMETER, ("j",), (outputs,)))
        lines.append(f"net{at}[n,j] = sum[i](w{at}[j,i] * {below}[n,i]) + b{at}[j]")
        lines.append(f"out{at}[n,j] = logistic(net{at}[n,j])")
        below = f"out{at}"
    lines.append(f"E_total = sum[n,k](1/2 * (target[n,k] - {below}[n,k])**2)")
    program = differentiate(extend(Program({}), "\n".join(lines), given=given, roles={"E_total": Role.LOSS}))
    updates = []
    for family in with_role(program, Role.PARAMETER):
        at_indices = f"[{','.join(family.axes)}]"
        updates.append(
            f"{family.name}_next{at_indices} = {family.name}{at_indices} - rate * d_{family.name}{at_indices}"
        )
    return extend(program, "\n".join(updates))


def by_hand(state: Arrays, layers: int) -> Arrays:
    """One round as people write it."""
    outs = [state["x"]]
    for at in range(1, layers + 1):
        outs.append(1 / (1 + np.exp(-(outs[-1] @ state[f"w{at}"].T + state[f"b{at}"]))))
    delta = (outs[-1] - state["target"]) * outs[-1] * (1 - outs[-1])
    updated = {}
    for at in range(layers, 0, -1):
        updated[f"w{at}"] = state[f"w{at}"] - state["rate"] * (delta.T @ outs[at - 1])
        updated[f"b{at}"] = state[f"b{at}"] - state["rate"] * delta.sum(0)
        if at > 1:
            delta = (delta @ state[f"w{at}"]) * outs[at - 1] * (1 - outs[at - 1])
    return updated


def numbers_of(program: Program, case: Case) -> Arrays:
    rng = np.random.default_rng(0)
    defined = {definition.target for definition in program.definitions}
    names = [family for family in program.families.values() if family.name not in defined]
    numbers = {family.name: 0.1 * rng.normal(size=family.shape) for family in names}
    numbers["rate"] = 0.5
    return {name: np.asarray(value, case.dtype) for name, value in numbers.items()}


def seconds(action: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - start) / times


def compare(case: Case) -> tuple[float, float]:
    """The seconds of a round by the engine and by hand, after making sure that they agree."""
    program = program_of(case)
    numbers = numbers_of(program, case)
    layers = len(case.sizes) - 1
    carry = {f"{name}_next": name for name in numbers if name[0] in "wb"}
    engine = compile_program(program, tuple(carry), case.dtype)
    ours, theirs = engine(numbers), by_hand(numbers, layers)
    for new, old in carry.items():
        tolerance = 1e-4 if case.dtype is np.float32 else 1e-10
        np.testing.assert_allclose(ours[new], theirs[old], rtol=tolerance, atol=tolerance)
    once = seconds(lambda: by_hand(numbers, layers), 3)
    times = max(1, int(SECONDS / TURNS / once))
    turns = [
        (seconds(lambda: engine(numbers), times), seconds(lambda: by_hand(numbers, layers), times))
        for _ in range(TURNS)
    ]
    return min(ours for ours, _ in turns), min(theirs for _, theirs in turns)


def ten_thousand_rounds() -> tuple[float, float]:
    """The 2-2-2 network: 10,000 rounds with the updates carried over."""
    program = program_of(CASES[0])
    numbers = numbers_of(program, CASES[0])
    carry = {f"{name}_next": name for name in numbers if name[0] in "wb"}

    def hand() -> None:
        state = dict(numbers)
        for _ in range(10_000):
            state.update(by_hand(state, 2))

    turns = [(seconds(lambda: run_rounds(program, numbers, 10_000, carry), 1), seconds(hand, 1)) for _ in range(3)]
    return min(ours for ours, _ in turns), min(theirs for _, theirs in turns)


def main() -> None:
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    print("one round: forward, backward, update       engine      by hand   ratio")
    for case in CASES:
        ours, theirs = compare(case)
        title = f"{'-'.join(map(str, case.sizes))}, batch {case.batch}, {np.dtype(case.dtype).name}"
        print(f"{title:38} {ours * 1e6:9.1f} us {theirs * 1e6:9.1f} us {ours / theirs:7.2f}")
    ours, theirs = ten_thousand_rounds()
    print(f"{'2-2-2, 10,000 rounds carried over':38} {ours:10.3f} s {theirs:10.3f} s {ours / theirs:7.2f}")


if __name__ == "__main__":
    main()
