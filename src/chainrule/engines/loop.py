"""A loop over rounds as a function that JAX compiles.

Only `chainrule.engines.jax` imports JAX; everything here is given it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from chainrule.engines.plan import Constant, Instruction, Plan, Scan
from chainrule.engines.rounds import given_names
from chainrule.engines.xla import FEW_PRODUCTS, Traced, is_small, traceable

# No parts of a program by a library, with which a program in one piece can't be compiled; older versions have none.
NO_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A plan that is the same key as any other plan of the same content, so that it is compiled once."""

    content: tuple[object, ...]
    plan: Plan = field(compare=False)
    given: tuple[str, ...] = field(compare=False)


def as_key(plan: Plan) -> Lowered:
    """The plan with what it consists of."""
    content = (*map(_content, plan.instructions), *plan.shapes, *plan.results.items())
    return Lowered(content, plan, tuple(given_names(plan)))


def _content(instruction: Instruction) -> object:
    match instruction:
        case Constant(value):
            return value.shape, value.dtype.str, value.tobytes()
        case Scan(body, count, backwards, starts, sliced, same, kept):
            return as_key(body).content, count, backwards, starts, sliced, same, kept
        case _:
            return instruction


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop over rounds: what is carried over, the type of number, and the family whose number is kept of each."""

    lowered: Lowered
    carry: tuple[tuple[str, str], ...]
    number: np.dtype[Any]
    kept: str = ""


class Changing(NamedTuple):
    """What a loop is given anew in each round ``r``, by name."""

    turns: dict[str, tuple[Any, Any]]  # arrays and where to begin: the entry r + begin, and again from the first
    counted: dict[str, Any]  # the number and r
    rows: dict[str, Any]  # arrays: the rows order[r]
    order: Any


def compiled_loop(
    loop: Loop, jax: ModuleType, own: frozenset[str] | None = None
) -> Callable[..., tuple[dict[str, Traced], Traced]]:
    """The rounds from ``first`` up to ``last``, compiled: state and what is kept are written over.

    Where ``own`` is given, everything has lanes, but for data and for the fixed families that aren't in it.
    """

    def rounds(few: float) -> Callable[..., Any]:
        alone = _rounds(loop, jax, few)
        return alone if own is None else _with_lanes(alone, own, jax)

    usual: Callable[..., tuple[dict[str, Traced], Traced]] = jax.jit(rounds(FEW_PRODUCTS), donate_argnums=(0, 1))
    markable = jax.default_backend() == "cpu" and hasattr(jax.experimental, "xla_metadata")
    if not markable or not is_small(loop.lowered.plan):
        return usual
    pieces = [_in_one_piece(rounds(inf), jax, each) for each in (NO_LIBRARY, None)]
    return _first_that_compiles([*pieces, usual], jax)


def _rounds(loop: Loop, jax: ModuleType, few: float) -> Callable[..., tuple[dict[str, Traced], Traced]]:
    """The rounds, to be traced."""
    lax = jax.lax
    calculate = traceable(loop.lowered.plan, loop.number, jax, few)

    def entry(array: Traced, place: Traced) -> Traced:
        return lax.dynamic_index_in_dim(array, place, keepdims=False)

    def rounds(
        state: dict[str, Traced],
        kept: Traced,
        fixed: dict[str, Traced],
        changing: Changing,
        first: Traced,
        last: Traced,
    ) -> tuple[dict[str, Traced], Traced]:
        def body(number: Traced, carried: tuple[dict[str, Traced], Traced]) -> tuple[dict[str, Traced], Traced]:
            state, kept = carried
            values = fixed | state
            for name, (array, begin) in changing.turns.items():
                values[name] = entry(array, lax.rem(number + begin, np.int32(len(array))))
            for name, start in changing.counted.items():
                values[name] = start + number.astype(loop.number)
            rows = None if changing.order is None else entry(changing.order, number)
            for name, array in changing.rows.items():
                values[name] = array.at[rows].get(mode="promise_in_bounds")
            results = calculate(*[values[name] for name in loop.lowered.given])
            found = dict(zip(loop.lowered.plan.results, results, strict=True))
            if loop.kept:
                kept = kept.at[number].set(found[loop.kept], mode="promise_in_bounds")
            return {**state, **{old: found[new] for new, old in loop.carry}}, kept

        after: tuple[dict[str, Traced], Traced] = lax.fori_loop(first, last, body, (state, kept))
        return after

    return rounds


def _with_lanes(rounds: Callable[..., Any], own: frozenset[str], jax: ModuleType) -> Callable[..., Any]:
    """Rounds for many networks at once; the first axis of everything that is a network's own counts them."""

    def together(
        state: dict[str, Traced], kept: Traced, fixed: dict[str, Traced], changing: Changing, *between: Traced
    ) -> Any:
        given = {name: 0 if name in own else None for name in fixed}
        fed = Changing(dict.fromkeys(changing.turns, (0, None)), {}, dict.fromkeys(changing.rows), 0)
        return jax.vmap(rounds, (0, 0, given, fed, None, None))(state, kept, fixed, changing, *between)

    return together


def _in_one_piece(function: Callable[..., Any], jax: ModuleType, options: Any) -> Callable[..., Any]:
    """A function compiled, and marked as a call that the compiler for CPUs makes one piece of machine code.

    It would do so by itself with loops that read and write less than a kilobyte; up to about 10,000 sums and products
    a round it pays several times over. The marks are the compiler's own and not documented: one that doesn't know them
    leaves the loop as it is. One that does ends the process where such a call is given what nothing reads (any longer,
    after ``x^0`` has become 1), so that an entry of everything given is returned as well.
    """
    marks = jax.experimental.xla_metadata.set_xla_metadata

    def read(*args: Any) -> Any:
        return function(*args), [jax.numpy.ravel(each)[:1] for each in jax.tree.leaves(args)]

    call = jax.jit(read)

    def marked(*args: Any) -> Any:
        with marks(xla_cpu_small_call="true", inlineable="false"):
            return call(*args)

    compiled = jax.jit(marked, donate_argnums=(0, 1), compiler_options=options)
    return lambda *args: compiled(*args)[0]


def _first_that_compiles(functions: Sequence[Callable[..., Any]], jax: ModuleType) -> Callable[..., Any]:
    """The first of some functions of the same meaning that the compiler doesn't refuse."""
    left = list(functions)

    def call(*args: Any) -> Any:
        while len(left) > 1:
            try:
                return left[0](*args)
            except jax.errors.JaxRuntimeError:
                del left[0]
        return left[0](*args)

    return call
