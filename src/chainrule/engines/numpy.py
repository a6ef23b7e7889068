"""The engine on NumPy: a plan as one Python function that calls NumPy once for each instruction."""

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from chainrule.engines.arrays import ELEMENTWISE, operation
from chainrule.engines.generate import assign, call, function_of, name
from chainrule.engines.lower import lower
from chainrule.engines.plan import Apply, Arrange, Constant, Given, Plan, Read, Scan, Spread, inputs
from chainrule.engines.rounds import check_carry, fed_arrays, given_names
from chainrule.engines.scalar import Flat, compile_scalars, operations
from chainrule.numbers.ledger import Ledger, given_array, given_families
from chainrule.program.program import Program

Array = NDArray[Any]
LARGE = 4096  # numbers in an array that is worth freeing early and writing into again
YIELDS_BOOL = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and"})
# Written out scalar by scalar, a program pays off with few operations for each call of NumPy, and many rounds.
SCALARS_PER_CALL = 15
MANY_ROUNDS = 1000


def compile_program(
    program: Program, wanted: Collection[str] | None = None, dtype: DTypeLike = np.float64
) -> Callable[[Ledger], dict[str, Array]]:
    """A fast function from the given numbers to those of the wanted families, or of all that are defined.

    The function raises `LedgerError` for numbers that are missing or have the wrong shape. Overflow and division by
    zero give infinities and NaN without a warning.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> w, x = Family("w", Role.PARAMETER, ("j", "i"), (2, 2)), Family("x", Role.INPUT, ("i",), (2,))
    >>> net = extend(Program({}), "y[j] = sum[i](w[j,i] * x[i])", given=[w, x])
    >>> compile_program(net)({"w": np.eye(2), "x": np.array([3.0, 4.0])})
    {'y': array([3., 4.])}
    """
    plan = lower(program, wanted)
    calculate = executor(plan, dtype)
    families = [program.families[each] for each in given_names(plan)]
    # A result that is a given array or a constant is copied, so that whoever gets it may change it.
    shared = {each: not _is_fresh(plan, place) for each, place in plan.results.items()}

    def compiled(ledger: Ledger) -> dict[str, Array]:
        given = [np.asarray(given_array(family, ledger), dtype) for family in families]
        with np.errstate(all="ignore"):
            results = calculate(*given)
        return {
            each: np.array(array) if copied else np.asarray(array)
            for (each, copied), array in zip(shared.items(), results, strict=True)
        }

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
    """Repeat a program: after each round the families in ``carry`` replace those that they update.

    ``carry`` maps an updated family to the one that it replaces: ``{"w_next": "w"}``. ``feeds`` gives, for the number
    of a round (from 0), given families that change. The result holds the given families as they are after the last
    round, and the wanted ones as the last round calculated them. Raises `LedgerError` where numbers don't fit.

    >>> from chainrule.program.program import Family, Role
    >>> from chainrule.program.read import extend
    >>> halve = extend(Program({}), "w_next = w / 2", given=[Family("w", Role.PARAMETER)])
    >>> float(run_rounds(halve, {"w": np.array(8.0)}, 3, {"w_next": "w"})["w"])
    1.0
    """
    check_carry(program, carry)
    start = {**given, **feeds(0)} if feeds and rounds else given
    state: dict[str, Any] = {
        family.name: np.array(given_array(family, start), dtype) for family in given_families(program)
    }
    outputs = tuple(dict.fromkeys((*carry, *wanted)))
    plan = lower(program, outputs)
    tiny = operations(program, outputs) < SCALARS_PER_CALL * len(plan.instructions)
    calculate: Callable[..., Sequence[Any]] = executor(plan, dtype)
    read: Callable[[Array], Any] = np.asarray
    if tiny and rounds >= MANY_ROUNDS and np.dtype(dtype) == np.float64:
        calculate, read = _with_scalars(program, plan, calculate), _flat
    state = {each: read(array) for each, array in state.items()}
    names = given_names(plan)
    results: Sequence[Any] = ()
    with np.errstate(all="ignore"):
        for number in range(rounds):
            if feeds and number:
                fed = fed_arrays(program, feeds(number), dtype)
                state.update({each: read(array) for each, array in fed.items()})
            results = calculate(*[state[each] for each in names])
            state.update(zip(carry.values(), results, strict=False))
    final = state | dict(zip(outputs, results, strict=False))
    wanted = {*wanted} if rounds else set()
    return {
        each: np.array(array, dtype).reshape(program.families[each].shape)
        for each, array in final.items()
        if each in state or each in wanted
    }


def _flat(array: Array) -> Flat:
    return tuple(array.ravel().tolist())


def _with_scalars(
    program: Program, plan: Plan, arrays: Callable[..., Sequence[Array]]
) -> Callable[..., Sequence[Flat]]:
    """The program scalar by scalar; with arrays in a round that overflows or divides by zero."""
    names = given_names(plan)
    scalars = compile_scalars(program, names, tuple(plan.results))

    def calculate(*given: Flat) -> Sequence[Flat]:
        try:
            return scalars(*given)
        except (ArithmeticError, ValueError):
            shaped = [
                np.array(flat).reshape(program.families[each].shape) for each, flat in zip(names, given, strict=True)
            ]
            return [_flat(np.asarray(array)) for array in arrays(*shaped)]

    return calculate


def executor(plan: Plan, dtype: DTypeLike = np.float64) -> Callable[..., Sequence[Array]]:
    """The plan as a function of the given arrays, in their order, to the results, in theirs.

    Whoever calls it has checked the shapes, and silenced the warnings of NumPy.
    """
    names: dict[str, Any] = {}
    lines: list[ast.stmt] = []
    last = _last_reads(plan)
    for place, each in enumerate(plan.instructions):
        if isinstance(each, Given):
            continue
        if isinstance(each, Constant):
            names[_array(place)] = each.value.astype(dtype) if each.value.dtype.kind == "f" else each.value
            continue
        # A constant stays for the next call, and is no variable of the function.
        read = [source for source in dict.fromkeys(inputs(each)) if _array(source) not in names]
        dying = [source for source in read if last[source] == place and _is_large(plan, source)]
        args = [name(_array(source)) for source in inputs(each)]
        if isinstance(each, Apply) and each.function not in YIELDS_BOOL:
            # Memory that nobody reads again takes the result.
            free = [at for at in dying if plan.shapes[at] == plan.shapes[place] and _owns(plan, at)]
            args += [name(_array(at)) for at in free[:1] if isinstance(ELEMENTWISE[each.function], np.ufunc)]
        names[f"f{place}"] = _loop(each, dtype) if isinstance(each, Scan) else operation(each, plan.shapes)
        lines.append(assign(_array(place), call(f"f{place}", *args)))
        lines.extend(assign(_array(source), ast.Constant(None)) for source in dying)
    parameters = [_array(place) for place, each in enumerate(plan.instructions) if isinstance(each, Given)]
    results = ast.Tuple([name(_array(place)) for place in plan.results.values()], ast.Load())
    return function_of(parameters, lines, results, names)


def _loop(scan: Scan, dtype: DTypeLike) -> Callable[..., tuple[Array, ...]]:
    """A loop over steps, as a function of the arrays that it reads."""
    body = scan.body
    calculate = executor(body, dtype)
    names = given_names(body)
    results = list(body.results)
    kinds = [name for part in (scan.starts, scan.sliced, scan.same) for name, _ in part]
    first, last = len(scan.starts), len(scan.starts) + len(scan.sliced)

    def run(*arrays: Array) -> tuple[Array, ...]:
        found = [np.empty((scan.count, *body.shapes[body.results[each]]), dtype) for each in scan.kept]
        now: dict[str, Array] = dict(zip(kinds, arrays, strict=True))
        for step in range(scan.count - 1, -1, -1) if scan.backwards else range(scan.count):
            now.update({each: array[step] for each, array in zip(kinds[first:last], arrays[first:last], strict=True)})
            after = dict(zip(results, calculate(*[now[each] for each in names]), strict=True))
            now.update({each: after[each] for each in kinds[:first]})
            for each, array in zip(scan.kept, found, strict=True):
                array[step] = after[each]
        return tuple(found)

    return run


def _array(place: int) -> str:
    return f"a{place}"


def _is_large(plan: Plan, place: int) -> bool:
    return int(np.prod(plan.shapes[place])) >= LARGE


def _owns(plan: Plan, place: int) -> bool:
    """Whether an instruction has made an array with memory of its own."""
    return not isinstance(plan.instructions[place], Given | Constant | Arrange | Read | Spread)


def _is_fresh(plan: Plan, place: int) -> bool:
    """Whether a result shares its memory with no given array and no constant."""
    each = plan.instructions[place]
    if isinstance(each, Arrange | Read | Spread):
        return not isinstance(each, Spread) and _is_fresh(plan, each.source)
    return not isinstance(each, Given | Constant)


def _last_reads(plan: Plan) -> dict[int, int]:
    """The last instruction that reads each array, itself or through a view of it; past the end for a result."""
    last = {place: place for place in range(len(plan.instructions))}
    last.update(dict.fromkeys(plan.results.values(), len(plan.instructions)))
    for place in reversed(range(len(plan.instructions))):
        each = plan.instructions[place]
        until = last[place] if isinstance(each, Arrange | Read | Spread) else place
        for source in inputs(each):
            last[source] = max(last[source], until)
    return last
