"""The engine on JAX: a whole loop of rounds as one compiled function, on a CPU or a GPU.

JAX is an extra and slow to import: it is imported when something is to be calculated. Numbers are of the type that is
asked for, whatever the process has configured. The compiler's arithmetic takes denormal numbers as 0.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.catalogue.training import carried
from chainrule.engines.loop import Changing, Loop, Lowered, as_key, compiled_loop
from chainrule.engines.lower import lower
from chainrule.engines.rounds import LOOP, InTurn, check_carry, fed_arrays
from chainrule.engines.xla import traceable
from chainrule.numbers.arithmetic import MissingLibraryError
from chainrule.numbers.ledger import Ledger, LedgerError, given_array, given_families
from chainrule.program.program import Program, Same

Array = NDArray[Any]
Traced = Any  # an array of JAX
Watch = Callable[[int], bool]
LOSS = "E_total"
STACKED = 2**26  # bytes of what changes from round to round that are put beside the program at once
LONGEST = 2**30  # rounds of one loop, whose number is an integer of 32 bits
PADDED = 2**21  # bytes of what changes from round to round that a shorter loop is filled up to
PATIENCE = 0.25  # seconds after which a loop comes back to see whether to go on


def library() -> ModuleType:
    """JAX. Raises `MissingLibraryError` where it isn't installed."""
    try:
        import jax
    except ImportError as error:
        raise MissingLibraryError('the engine jax needs: pip install "chainrule[fast]"') from error
    with suppress(ImportError):  # what is experimental may go
        import jax.experimental.xla_metadata
    return jax


def compile_program(
    program: Program, wanted: Collection[str] | None = None, dtype: DTypeLike = np.float64
) -> Callable[[Ledger], dict[str, Array]]:
    """A compiled function from the given numbers to those of the wanted families, or of all that are defined.

    It means the same as the NumPy engine's. Raises `MissingLibraryError` without JAX, and the function `LedgerError`
    for numbers that are missing or have the wrong shape.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> w, x = Family("w", Role.PARAMETER, ("j", "i"), (2, 2)), Family("x", Role.INPUT, ("i",), (2,))
    >>> net = extend(Program({}), "y[j] = sum[i](w[j,i] * x[i])", given=[w, x])
    >>> compile_program(net)({"w": np.eye(2), "x": np.array([3.0, 4.0])})
    {'y': array([3., 4.])}
    """
    library()
    number = np.dtype(dtype)
    lowered = _lowered(Same(program), None if wanted is None else tuple(wanted))
    families = [program.families[each] for each in lowered.given]

    def compiled(ledger: Ledger) -> dict[str, Array]:
        given = [np.asarray(given_array(family, ledger), number) for family in families]
        with precision(number):
            results = _once(lowered, number)(*given)
        return {each: np.array(array) for each, array in zip(lowered.plan.results, results, strict=True)}

    return compiled


def run_rounds(
    program: Program,
    given: Ledger,
    rounds: int,
    carry: Mapping[str, str],
    feeds: Callable[[int], Ledger] | None = None,
    wanted: Collection[str] = (),
    dtype: DTypeLike = np.float64,
) -> dict[str, Array]:
    """Repeat a program in a compiled loop; it means the same as the NumPy engine's ``run_rounds``.

    ``feeds`` that are an `InTurn` are calculated inside the loop. Any other function is asked for many rounds
    beforehand, and must give the same families in each. Raises `LedgerError` where numbers don't fit and
    `MissingLibraryError` without JAX.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> halve = extend(Program({}), "w_next = w / 2", given=[Family("w", Role.PARAMETER)])
    >>> float(run_rounds(halve, {"w": np.array(8.0)}, 3, {"w_next": "w"})["w"])
    1.0
    """
    jax, number = library(), np.dtype(dtype)
    check_carry(program, carry)
    start = {**given, **feeds(0)} if feeds and rounds else given
    known = {each.name: np.array(given_array(each, start), number) for each in given_families(program)}
    if not rounds:
        return known
    outputs = tuple(dict.fromkeys((*carry, *wanted)))
    # What is only wanted after the last round is calculated in none of the others.
    before = rounds if set(outputs) == set(carry) else rounds - 1
    loop = Loop(_lowered(Same(program), tuple(carry)), tuple(carry.items()), number)
    with precision(number):
        state: dict[str, Traced] = {old: jax.numpy.array(known[old]) for old in carry.values()}
        for fed, count in _blocks(program, loop.lowered.given, feeds, before, number):
            state, _ = _driven(loop, state, known, fed, count)
        last = {} if feeds is None else fed_arrays(program, feeds(rounds - 1), number)
        found = {new: state[old] for new, old in carry.items()}
        if before < rounds:
            lowered = _lowered(Same(program), outputs)
            values = known | state | last
            results = _once(lowered, number)(*[values[each] for each in lowered.given])
            found = dict(zip(outputs, results, strict=True))
        final = known | last | {old: found[new] for new, old in carry.items()} | {each: found[each] for each in wanted}
        return {each: np.array(array) for each, array in final.items()}


def run_epoch(
    program: Program,
    state: Ledger,
    fixed: Ledger,
    data: Ledger,
    order: Array,
    fed: Ledger,
    watch: Watch = lambda done: False,
    dtype: DTypeLike = np.float64,
) -> tuple[dict[str, Traced], Array]:
    """Rounds of one program, one for each row of ``order``, in a compiled loop.

    Round ``r`` is given the rows ``order[r]`` of every array in ``data``, ``fed[name][r]``, and what is in ``fixed``
    and ``state``; the updated families replace those in ``state``. Returns the state after the last round, as arrays
    of JAX, and ``E_total`` of each round that was run. ``watch(done)`` is called every quarter of a second or so with
    how many rounds are done; when it returns True the rounds end there. Arrays of JAX in ``state`` are used up.
    Raises `MissingLibraryError` without JAX.
    """
    number = np.dtype(dtype)
    carry = carried(program)
    with precision(number):
        known = {name: _handed(array, number) for part in (fixed, state) for name, array in part.items()}
        loop = training_loop(program, number)
        before = {old: known[old] for old in carry.values()}
        length = _length(len(order), [order, *fed.values()])
        changing = Changing(
            turns={name: (_padded(np.asarray(array, number), length), np.int32(0)) for name, array in fed.items()},
            rows={name: placed(array, number) for name, array in data.items()},
            counted={},
            order=_padded(np.asarray(order, np.int32), length),
        )
        after, losses = _driven(loop, before, known, changing, len(order), watch)
    return {name: after.get(name, known[name]) for name in state}, losses


def _length(rounds: int, arrays: Collection[Array]) -> int:
    """How long the arrays with an entry for each round are made, so that loops of different lengths compile once."""
    size = sum(array.nbytes for array in arrays) / max(1, rounds)
    return LOOP if rounds < LOOP and LOOP * size <= PADDED else rounds


def _padded(array: Array, length: int) -> Array:
    """The array with its last entry repeated up to a length."""
    return np.concatenate([array, np.repeat(array[-1:], length - len(array), axis=0)])


@dataclass(frozen=True, slots=True)
class JaxEngine:
    """JAX as training needs an engine: what is on its device stays there from call to call.

    >>> JaxEngine("float32").name
    'jax on cpu, float32'
    """

    dtype: DTypeLike = np.float64

    @property
    def name(self) -> str:
        """The engine with the device that it runs on, and the type of number where that isn't float64."""
        device = library().default_backend()
        return f"jax on {device}" + ("" if np.dtype(self.dtype) == np.float64 else f", {np.dtype(self.dtype)}")

    def place(self, arrays: Ledger) -> Ledger:
        """The arrays on the device."""
        with precision(np.dtype(self.dtype)):
            return {name: placed(array, np.dtype(self.dtype)) for name, array in arrays.items()}

    def run_epoch(
        self, program: Program, state: Ledger, fixed: Ledger, data: Ledger, order: Array, fed: Ledger, watch: Watch
    ) -> tuple[dict[str, Traced], Array]:
        """Rounds of one program, as ``run_epoch`` has them."""
        return run_epoch(program, state, fixed, data, order, fed, watch, self.dtype)

    def calculate(self, program: Program, given: Ledger, wanted: Collection[str] | None) -> dict[str, Array]:
        """The wanted families (None: all that are defined) of one program, as numpy's arrays."""
        return compile_program(program, wanted, self.dtype)(given)


def precision(number: np.dtype[Any]) -> AbstractContextManager[Any]:
    """Inside it JAX has 64-bit numbers or not, and outside as the process has chosen."""
    jax = library()
    if hasattr(jax, "enable_x64"):
        wide: Callable[[bool], AbstractContextManager[Any]] = jax.enable_x64
    else:  # before JAX 0.8
        from jax import experimental

        wide = vars(experimental)["enable_x64"]
    return wide(number == np.float64)


@lru_cache(maxsize=64)
def _lowered(same: Same, wanted: tuple[str, ...] | None) -> Lowered:
    return as_key(lower(same.program, wanted))


def training_loop(program: Program, number: np.dtype[Any]) -> Loop:
    """The loop over rounds of a program that trains, which keeps the error of each."""
    carry = carried(program)
    return Loop(_lowered(Same(program), (LOSS, *carry)), tuple(carry.items()), number, LOSS)


@lru_cache(maxsize=64)
def _once(lowered: Lowered, number: np.dtype[Any]) -> Callable[..., list[Traced]]:
    """The plan, compiled."""
    jax = library()
    compiled: Callable[..., list[Traced]] = jax.jit(traceable(lowered.plan, number, jax))
    return compiled


@dataclass(slots=True)
class Compiled:
    """A compiled loop, and how many rounds it did in a second the last time."""

    run: Callable[..., tuple[dict[str, Traced], Traced]]
    pace: float = 0


@lru_cache(maxsize=64)
def _compiled(loop: Loop) -> Compiled:
    return Compiled(compiled_loop(loop, library()))


def drive(
    compiled: Compiled,
    state: dict[str, Traced],
    kept: Traced,
    fixed: Ledger,
    changing: Changing,
    count: int,
    watch: Watch | None = None,
) -> tuple[dict[str, Traced], Traced, int]:
    """The rounds of a loop, in pieces that take so long that coming back between them costs nothing.

    Between the pieces an interruption can come through. Returns the state, what is kept of each round, and how many
    rounds were done.
    """
    jax = library()
    done = 0
    while done < count:
        last = min(count, done + max(1, int(compiled.pace * PATIENCE)))
        begun = perf_counter()
        state, kept = jax.block_until_ready(compiled.run(state, kept, fixed, changing, np.int32(done), np.int32(last)))
        compiled.pace = (last - done) / (perf_counter() - begun)
        done = last
        if watch is not None and watch(done):
            break
    return state, kept, done


def _driven(
    loop: Loop, state: dict[str, Traced], known: Ledger, changing: Changing, count: int, watch: Watch | None = None
) -> tuple[dict[str, Traced], Array]:
    """The rounds of a loop: the state after them, and what is kept of each round."""
    changing = read_ones(changing, loop.lowered.given)
    fixed = fixed_ones(loop, state, known, changing)
    length = max([count, *(len(array) for array in (changing.order,) if array is not None)])
    kept = np.zeros(length, loop.number) if loop.kept else None
    state, kept, done = drive(_compiled(loop), state, kept, fixed, changing, count, watch)
    return state, np.array(kept)[:done] if loop.kept else np.empty(0)


def fixed_ones(loop: Loop, state: Collection[str], known: Ledger, changing: Changing) -> dict[str, Any]:
    """The given families of a loop that stay the same in all its rounds."""
    changes = {*state, *changing.turns, *changing.counted, *changing.rows}
    return {name: known[name] for name in loop.lowered.given if name not in changes}


def read_ones(changing: Changing, names: Collection[str]) -> Changing:
    """What is read of it."""

    def read(part: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in part.items() if name in names}

    return Changing(read(changing.turns), read(changing.counted), read(changing.rows), changing.order)


def _blocks(
    program: Program,
    names: Collection[str],
    feeds: Callable[[int], Ledger] | None,
    rounds: int,
    number: np.dtype[Any],
) -> Iterator[tuple[Changing, int]]:
    """Rounds with what changes in them: all at once where it is data, else as many as memory allows."""
    if feeds is None:
        for first in range(0, rounds, LONGEST):
            yield Changing({}, {}, {}, None), min(LONGEST, rounds - first)
    elif isinstance(feeds, InTurn):
        for first in range(0, rounds, LONGEST):
            turns = {
                name: (np.asarray(array, number), np.int32(first % len(array))) for name, array in feeds.batches.items()
            }
            counted = {name: number.type(start + first) for name, start in feeds.counted.items()}
            yield Changing(turns, counted, {}, None), min(LONGEST, rounds - first)
    else:
        yield from _stacked(program, names, feeds, rounds, number)


def _stacked(
    program: Program, names: Collection[str], feeds: Callable[[int], Ledger], rounds: int, number: np.dtype[Any]
) -> Iterator[tuple[Changing, int]]:
    """What a function gives for each round, stacked; each stack of one length, so that one compiled loop does."""
    if not rounds:
        return
    sample = fed_arrays(program, feeds(0), number)
    size = sum(array.nbytes for name, array in sample.items() if name in names)
    length = max(1, min(STACKED // max(size, 8), 1 << (rounds - 1).bit_length()))
    for first in range(0, rounds, length):
        fed = [fed_arrays(program, feeds(each), number) for each in range(first, min(first + length, rounds))]
        if any(each.keys() != sample.keys() for each in fed):
            raise LedgerError("what is given anew must be the same families in every round")
        fed += fed[-1:] * (length - len(fed))
        stacks = {name: (np.stack([each[name] for each in fed]), np.int32(0)) for name in sample if name in names}
        yield Changing(stacks, {}, {}, None), min(length, rounds - first)


def _handed(array: Any, number: np.dtype[Any]) -> Any:
    """The array as a compiled loop takes it: one of numpy's is copied to the device by the call itself, much faster."""
    return array if isinstance(array, library().Array) else np.asarray(array, number)


def placed(array: Any, number: np.dtype[Any]) -> Traced:
    """The array on the device: a copy, unless it is there already."""
    jax = library()
    if isinstance(array, jax.Array) and array.dtype == number:
        return array
    return jax.numpy.array(np.asarray(array, number))
