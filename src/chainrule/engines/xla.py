"""What each instruction of a plan does in JAX, and a plan as one function that JAX can trace and compile."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import inf, prod
from operator import add
from types import ModuleType
from typing import Any, assert_never

import numpy as np
from numpy.typing import DTypeLike

from chainrule.engines.plan import (
    Apply,
    Arrange,
    Constant,
    Given,
    Instruction,
    Item,
    Join,
    Plan,
    Product,
    Read,
    Reduce,
    Scan,
    Shape,
    Spread,
    Take,
    inputs,
)

Traced = Any  # an array of JAX, or what stands for one while it traces
# Up to so many products of two numbers a matrix product is written as multiply-and-sum, which the compiler fuses with
# what stands around it; a call of its matrix product costs more than that.
FEW_PRODUCTS = 1024
FEW_STEPS = 16
WRITTEN_OUT = 2  # a sum of so many products is written out: an addition less than a sum that begins at 0
# A plan whose instructions calculate no more numbers than this, each and all together, is faster as one piece of
# machine code than as calls of many, although it then has one core and no library's matrix product.
SMALL_STEP, SMALL_PLAN = 8192, 32768

# The names that JAX has for the elementwise functions; where it has the same name, there is no line.
ELEMENTWISE: Mapping[str, str] = {"and": "logical_and"}


def work(plan: Plan) -> list[int]:
    """How many numbers each instruction calculates: those of its result, and those that it adds up."""
    return [_work(each, shape, plan.shapes) for each, shape in zip(plan.instructions, plan.shapes, strict=True)]


def _work(instruction: Instruction, shape: Shape, shapes: Sequence[Shape]) -> int:
    match instruction:
        case Given() | Constant():
            return 0
        case Product(left):
            return prod(shape) * shapes[left][-1]
        case Reduce(_, source):
            return prod(shapes[source])
        case Scan(body, count):
            return count * sum(work(body))
        case _:
            return prod(shape)


def is_small(plan: Plan) -> bool:
    """Whether the plan is best compiled as one piece."""
    each = work(plan)
    return max(each, default=0) <= SMALL_STEP and sum(each) <= SMALL_PLAN


def traceable(plan: Plan, dtype: DTypeLike, jax: ModuleType, few: float = FEW_PRODUCTS) -> Callable[..., list[Traced]]:
    """The plan as a function of the given arrays, in their order, to the results, in theirs.

    A matrix product of up to ``few`` products of two numbers is written as multiply-and-sum.
    """

    def calculate(*given: Traced) -> list[Traced]:
        arrays: list[Traced] = []
        waiting = iter(given)
        for each in plan.instructions:
            if isinstance(each, Given):
                arrays.append(next(waiting))
            elif isinstance(each, Constant):
                arrays.append(_constant(each.value, dtype))
            else:
                arrays.append(_result(each, [arrays[place] for place in inputs(each)], plan.shapes, jax, few))
        return [jax.numpy.asarray(arrays[place]) for place in plan.results.values()]

    return calculate


def _constant(value: Any, dtype: DTypeLike) -> Any:
    kinds: Mapping[str, DTypeLike] = {"f": dtype, "i": np.int32, "b": np.bool_}
    return value.astype(kinds[value.dtype.kind])


def _result(
    instruction: Instruction, args: Sequence[Traced], shapes: Sequence[Shape], jax: ModuleType, few: float
) -> Traced:
    jnp = jax.numpy
    match instruction:
        case Given() | Constant():
            raise TypeError("given numbers and constants are there before anything is calculated")
        case Apply("erf"):
            return jax.lax.erf(*args)
        case Apply(function):
            return getattr(jnp, ELEMENTWISE.get(function, function))(*args)
        case Arrange(_, order, shape):
            return jnp.transpose(args[0], order).reshape(shape)
        case Read(source, start, steps, shape):
            return _read(args[0], shapes[source], start, steps, shape, jax)
        case Take(_, axis):
            return jnp.take(args[0], args[1], axis=axis, mode="clip")
        case Reduce(function, _, axes):
            return jnp.sum(args[0], axis=axes) if function == "add" else jnp.max(args[0], axis=axes)
        case Product(left):
            count = prod(shapes[left]) * (shapes[instruction.right][-1] if len(shapes[instruction.right]) > 1 else 1)
            if count <= few:
                return _multiplied_and_summed(args[0], args[1], jnp)
            # The highest precision, for otherwise a GPU rounds float32 to fewer digits before it multiplies.
            return jnp.matmul(*args, precision=jax.lax.Precision.HIGHEST)
        case Spread(_, shape):
            return jnp.broadcast_to(args[0], shape)
        case Join(_, axis):
            return jnp.concatenate(args, axis)
        case Scan():
            return _loop(instruction, args, jax, few)
        case Item(_, at):
            return args[0][at]
        case _:
            assert_never(instruction)


def _loop(scan: Scan, args: Sequence[Traced], jax: ModuleType, few: float) -> tuple[Traced, ...]:
    """A loop over steps: what is kept of each of them."""
    calculate = traceable(scan.body, args[0].dtype, jax, few)
    names = [each.name for each in scan.body.instructions if isinstance(each, Given)]
    arrays = iter(args)
    first, along, same = ({name: next(arrays) for name, _ in group} for group in (scan.starts, scan.sliced, scan.same))

    def step(carried: dict[str, Traced], entries: dict[str, Traced]) -> tuple[dict[str, Traced], tuple[Traced, ...]]:
        given = carried | entries | same
        found = dict(zip(scan.body.results, calculate(*[given[name] for name in names]), strict=True))
        return {name: found[name] for name in carried}, tuple(found[name] for name in scan.kept)

    # In one piece of machine code a few steps one after the other need no loop.
    written_out = scan.count if few == inf and scan.count <= FEW_STEPS else 1
    loop = jax.lax.scan(step, first, along, scan.count, reverse=scan.backwards, unroll=written_out)
    kept: tuple[Traced, ...] = loop[1]
    return kept


def _multiplied_and_summed(left: Traced, right: Traced, jnp: ModuleType) -> Traced:
    """The matrix product, or that of vectors, as ``matmul`` has it."""
    if right.ndim == 1:
        return jnp.sum(left * right, axis=-1)
    if left.ndim == 1:
        return jnp.sum(left[:, None] * right, axis=0)
    if left.shape[-1] <= WRITTEN_OUT:
        return reduce(add, [left[..., :, at, None] * right[..., at, None, :] for at in range(left.shape[-1])])
    return jnp.sum(left[..., :, None, :] * jnp.swapaxes(right, -1, -2)[..., None, :, :], axis=-1)


def _read(
    source: Traced,
    size: Shape,
    start: tuple[int, ...],
    steps: tuple[tuple[int, ...], ...],
    shape: Shape,
    jax: ModuleType,
) -> Traced:
    """Entries at affine places: by slices where each axis of the result runs along one axis of the source.

    Where several run along one (a window), that axis is taken apart slice by slice; what is left is a gather.
    """
    jnp = jax.numpy
    along = [[axis for axis in range(len(start)) if step[axis]] for step in steps]
    if any(len(axes) > 1 for axes in along):
        places = [
            first
            + sum(
                step[axis] * np.arange(count).reshape([-1 if at == own else 1 for own in range(len(shape))])
                for at, (step, count) in enumerate(zip(steps, shape, strict=True))
            )
            for axis, first in enumerate(start)
        ]
        table = tuple(np.broadcast_to(each, shape).astype(np.int32) for each in places)
        return source.at[table].get(mode="promise_in_bounds")
    order: list[int] = []
    for axis in reversed(range(len(start))):
        users = [at for at, axes in enumerate(along) if axes == [axis]]
        order = [*users, *order]
        source = _along(source, axis, start[axis], [(steps[at][axis], shape[at]) for at in users], jnp)
    for at, axes in enumerate(along):
        if not axes:
            source, order = source[None], [at, *order]
    source = jnp.transpose(source, tuple(order.index(at) for at in range(len(shape))))
    return jnp.broadcast_to(source, shape)


def _along(source: Traced, axis: int, first: int, runs: list[tuple[int, int]], jnp: Any) -> Traced:
    """One axis replaced by as many as there are runs, each a step and a count."""
    if not runs:
        return source[(slice(None),) * axis + (first,)]
    if len(runs) == 1:
        ((step, count),) = runs
        last = first + step * (count - 1)
        low, high = min(first, last), max(first, last)
        part = source[(slice(None),) * axis + (slice(low, high + 1, abs(step)),)]
        return part if step > 0 else jnp.flip(part, axis)
    # The shortest run is written out.
    shortest = min(range(len(runs)), key=lambda at: runs[at][1])
    step, count = runs[shortest]
    rest = runs[:shortest] + runs[shortest + 1 :]
    parts = [_along(source, axis, first + step * at, rest, jnp) for at in range(count)]
    return jnp.stack(parts, axis + shortest)
