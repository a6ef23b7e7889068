"""What each instruction of a plan does in NumPy."""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter, mul
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from chainrule.engines.plan import (
    Apply,
    Arrange,
    Constant,
    Given,
    Instruction,
    Item,
    Join,
    Product,
    Read,
    Reduce,
    Scan,
    Shape,
    Spread,
    Take,
)

Array = NDArray[Any]
Operation = Callable[..., Array]

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Array) -> Array:
    """The error function of every entry."""
    x = np.asarray(x)
    return np.asarray(_erf(x)).astype(x.dtype)


ELEMENTWISE: Mapping[str, Operation] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "negative": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "abs": np.absolute,
    "sign": np.sign,
    "erf": erf,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "where": np.where,
}


def operation(instruction: Instruction, shapes: Sequence[Shape]) -> Operation:
    """The instruction as a function of the arrays that it reads; ``shapes`` are those of all arrays of the plan."""
    match instruction:
        case Given() | Constant():
            raise TypeError("given numbers and constants are there before anything is calculated")
        case Join(_, axis):
            return lambda *sources: np.concatenate(sources, axis)
        case Scan():
            raise TypeError("a loop is more than one operation")
        case Item(_, at):
            return itemgetter(at)
        case Apply(function):
            return ELEMENTWISE[function]
        case Arrange(source, order, shape):
            return _arranged(shapes[source], order, shape)
        case Read(_, start, steps, shape):
            return _read(start, steps, shape)
        case Take(_, axis):
            return lambda source, table: source.take(table, axis, mode="clip")
        case Reduce("add", _, axes):
            return lambda source: np.add.reduce(source, axes)
        case Reduce(_, _, axes):
            return lambda source: np.maximum.reduce(source, axes)
        case Product(left, right):
            # For matrices and vectors dot is the same, with less time before it starts.
            return np.dot if max(len(shapes[left]), len(shapes[right])) <= 2 else np.matmul
        case Spread(_, shape):
            return lambda source: np.broadcast_to(source, shape)
        case _:
            assert_never(instruction)


def _arranged(before: Shape, order: tuple[int, ...], shape: Shape) -> Operation:
    """The cheapest way to put axes into an order and a shape."""
    if order == tuple(range(len(order))):
        return lambda source: source.reshape(shape)
    if tuple(before[axis] for axis in order) != shape:
        return lambda source: source.transpose(order).reshape(shape)
    return attrgetter("T") if order == (1, 0) else lambda source: source.transpose(order)


def _read(start: tuple[int, ...], steps: tuple[tuple[int, ...], ...], shape: Shape) -> Operation:
    """A view: by slices where each axis of the source serves at most one axis of the result, else by strides."""
    users = [[at for at, step in enumerate(steps) if step[axis]] for axis in range(len(start))]
    in_order = [axis_users[0] for axis_users in users if axis_users]
    if all(len(each) <= 1 for each in users) and in_order == list(range(len(steps))):
        index = tuple(
            _slice(first, steps[used[0]][axis], shape[used[0]]) if used else first
            for axis, (first, used) in enumerate(zip(start, users, strict=True))
        )
        return lambda source: source[index]

    def windows(source: Array) -> Array:
        # The lowering has proven that every place is in range, so that no stride can leave the array.
        source = np.ascontiguousarray(source)
        strides = tuple(sum(map(mul, step, source.strides)) for step in steps)
        offset = sum(map(mul, start, source.strides))
        return np.ndarray(shape, source.dtype, source, offset, strides)

    return windows


def _slice(first: int, step: int, count: int) -> slice:
    last = first + step * (count - 1)
    return slice(first, (last + 1) if step > 0 else (last - 1 if last else None), step)
