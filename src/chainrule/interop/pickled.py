"""The pickle inside a PyTorch file, read as a small closed language: data only, and nothing in it is ever run.

A pickle is a program for a machine with a stack. Python's own machine imports and calls whatever the program names,
and takes whatever memory it asks for. This one knows containers, numbers and texts; a call is handed to the caller's
``call``, which knows the few names a tensor is made of and refuses every other one.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_STEPS = 20_000_000


class PickledError(ValueError):
    """A pickle that is damaged, or that holds anything but data."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a pickle names in a module, without importing it."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class _Mark:
    """Where on the stack the items of a container begin."""


MARK = _Mark()
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
}  # fmt: skip
Call = Callable[[Named, tuple[Any, ...]], Any]


def unpickled(data: bytes, call: Call, storage: Callable[[Any], Any]) -> Any:
    """The value that a pickle describes.

    ``call`` gives the result of calling a name, ``storage`` what a persistent id stands for; both refuse by raising.
    Raises ``PickledError`` for what is damaged or isn't data.
    """
    machine = _Machine(call, storage)
    try:
        for steps, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if steps > MOST_STEPS:
                raise PickledError("it has too many parts")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as problem:
        raise PickledError(f"it is damaged ({type(problem).__name__})") from None
    except ValueError as problem:
        raise problem if isinstance(problem, PickledError) else PickledError(f"it is damaged: {problem}") from None
    raise PickledError("it ends too early")


class _Machine:
    """The stack and the memo."""

    def __init__(self, call: Call, storage: Callable[[Any], Any]) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.call, self.storage = call, storage

    def pop(self) -> Any:
        found = self.stack.pop()
        if found is MARK:
            raise IndexError
        return found

    def popped(self, count: int) -> list[Any]:
        found = [self.pop() for _ in range(count)]
        return found[::-1]

    def marked(self) -> list[Any]:
        """The items above the last mark, which goes too."""
        found = []
        while (item := self.stack.pop()) is not MARK:
            found.append(item)
        return found[::-1]

    def step(self, name: str, argument: Any) -> None:
        push = self.stack.append
        if name in LITERALS:
            push(argument)
            return
        match name:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                push(CONSTANTS[name])
            case "MARK":
                push(MARK)
            case "POP":
                self.stack.pop()
            case "POP_MARK":
                self.marked()
            case "DUP":
                push(self.stack[-1])
            case "GET" | "BINGET" | "LONG_BINGET":
                push(self.memo[int(argument)])
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[int(argument)] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "GLOBAL":
                module, _, attribute = str(argument).partition(" ")
                push(Named(module, attribute))
            case "STACK_GLOBAL":
                push(Named(*map(_text, self.popped(2))))
            case "REDUCE" | "NEWOBJ":
                function, arguments = self.popped(2)
                push(self._called(function, arguments))
            case "BUILD":  # attributes of an ordered dictionary, which are no numbers
                self.pop()
                if not isinstance(self.stack[-1], dict):
                    raise PickledError(f"it holds an object: {type(self.stack[-1]).__name__} with attributes")
            case "BINPERSID":
                push(self.storage(self.pop()))
            case _:
                self._container(name)

    def _container(self, name: str) -> None:
        push = self.stack.append
        match name:
            case "EMPTY_LIST" | "EMPTY_SET":
                push([])
            case "EMPTY_TUPLE":
                push(())
            case "EMPTY_DICT":
                push({})
            case "LIST" | "FROZENSET":
                push(self.marked())
            case "TUPLE":
                push(tuple(self.marked()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(self.popped(int(name[-1]))))
            case "DICT":
                push(_filled({}, self.marked()))
            case "APPEND":
                item = self.pop()
                _list(self.stack[-1]).append(item)
            case "APPENDS" | "ADDITEMS":
                items = self.marked()
                _list(self.stack[-1]).extend(items)
            case "SETITEM":
                items = self.popped(2)
                _filled(self.stack[-1], items)
            case "SETITEMS":
                items = self.marked()
                _filled(self.stack[-1], items)
            case _:
                raise PickledError(f"it does more than hold data ({name})")

    def _called(self, function: Any, arguments: Any) -> Any:
        if not isinstance(function, Named) or not isinstance(arguments, tuple):
            raise PickledError("it is damaged")
        if function == Named("collections", "OrderedDict"):
            pairs = arguments[0] if arguments else []
            return _filled({}, [each for pair in _list(pairs) for each in (pair[0], pair[1])])
        return self.call(function, arguments)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _filled(target: Any, items: list[Any]) -> dict[Any, Any]:
    """A dictionary with more items, which are keys and values in turn."""
    if not isinstance(target, dict) or len(items) % 2:
        raise TypeError
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | int | float | None):
            raise PickledError("a key is no name")
        target[key] = value
    return target
