"""Reading one value of a network file by the kind that its field says, with a problem where it is something else."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from chainrule.catalogue.initialisers import find_initialiser
from chainrule.catalogue.row import CatalogueError
from chainrule.spec.fields import KINDS, Field
from chainrule.spec.lines import Path
from chainrule.spec.problems import Report
from chainrule.spec.spec import Drawn, Matrix, Nested

LARGEST_WHOLE = 2**63 - 1


def shown(value: Any) -> str:
    """A value in a message: short, and text in quotes."""
    if isinstance(value, list):
        text = f"[{', '.join(shown(each) for each in value[:20])}]"
    elif isinstance(value, dict):
        text = f"{{{', '.join(f'{key} = {shown(each)}' for key, each in list(value.items())[:20])}}}"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def counted(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``3 rows``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def numbers_text(shape: tuple[int, ...], noun: str = "number") -> str:
    """How many numbers a shape has: ``3 numbers``, ``2 x 3 numbers``."""
    return counted(shape[0], noun) if len(shape) == 1 else f"{' x '.join(map(str, shape))} {noun}s"


def read_value(report: Report, path: Path, field: Field, value: Any) -> Any:
    """The value as the rest of the program wants it; None, and a problem in the report, where it isn't of its kind."""
    match field.kind:
        case "text" | "name":
            if not isinstance(value, str):
                return _not(report, path, field, value)
            if field.choices and value not in field.choices:
                report.add(path, f"{shown(value)} is not one of {' or '.join(field.choices)}")
                return None
            return value
        case "flag":
            return value if isinstance(value, bool) else _not(report, path, field, value)
        case "count" | "whole":
            return whole(report, path, field, value)
        case "number":
            return number(report, path, value)
        case "numbers":
            return numbers(report, path, value)
        case "samples":
            return samples(report, path, value)
        case "sizes":
            return (
                wholes(report, path, field, value, 1) if isinstance(value, list) else whole(report, path, field, value)
            )
        case "padding":
            return value if value == "same" or _is_whole(value, 0) else wholes(report, path, field, value, 0)
        case "names":
            if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
                return _not(report, path, field, value)
            return tuple(value)
        case "weights":
            return drawn(report, path, value) if isinstance(value, str | dict) else matrix(report, path, value)
        case "bias":
            if value == "none":
                return None
            if isinstance(value, str | dict):
                return drawn(report, path, value)
            return numbers(report, path, value) if isinstance(value, list) else number(report, path, value)
        case "batch":
            if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
                return value
            return _not(report, path, field, value)
        case _:
            return settings(report, path, value)


def _not(report: Report, path: Path, field: Field, value: Any) -> None:
    quoted = isinstance(value, str) and (value in ("true", "false") or value.lstrip("+-").replace(".", "").isdigit())
    hint = "write it without quotes" if quoted and field.kind not in ("text", "name") else ""
    report.add(path, f"{shown(value)} is not {KINDS[field.kind][0]}", hint)


def whole(report: Report, path: Path, field: Field, value: Any) -> int | None:
    """A whole number, from 0 for a whole one and from 1 otherwise, that fits into 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or value < (0 if field.kind == "whole" else 1):
        _not(report, path, field, value)
        return None
    if value > LARGEST_WHOLE:
        report.add(path, f"{shown(value)} is larger than any that can be used")
        return None
    return value


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST_WHOLE


def wholes(report: Report, path: Path, field: Field, value: Any, least: int) -> tuple[int, ...] | None:
    """A list of whole numbers, from ``least`` on."""
    if not isinstance(value, list) or not value or not all(_is_whole(each, least) for each in value):
        _not(report, path, field, value)
        return None
    return tuple(value)


def samples(report: Report, path: Path, value: Any) -> tuple[Nested, ...] | None:
    """A list with an entry for each sample: rows of one length, or rows in rows of one shape."""
    if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
        report.add(path, f"{shown(value)} is not a list of rows", "write a row in brackets for each: [[0.1, 0.2]]")
        return None
    if not any(isinstance(each, list) for row in value for each in row):
        return matrix(report, path, value)
    found = nested(report, path, value)
    return found if isinstance(found, tuple) else None


def number(report: Report, path: Path, value: Any) -> Decimal | None:
    """A finite number as typed."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        hint = "write it without quotes" if isinstance(value, str) else ""
        report.add(path, f"{shown(value)} is not a number", hint)
        return None
    exact = Decimal(value)
    if not exact.is_finite():
        report.add(path, f"{value} is not a finite number", "every given number must be finite")
        return None
    if exact and abs(exact.adjusted()) > 300:
        report.add(path, f"{shown(value)} is outside the range of float64")
        return None
    return exact


def numbers(report: Report, path: Path, value: Any) -> tuple[Decimal, ...] | None:
    """A list of numbers; every wrong one is a problem of its own."""
    if not isinstance(value, list):
        report.add(path, f"{shown(value)} is not a list of numbers", "write it like [0.1, 0.2]")
        return None
    found = [number(report, (*path, place), each) for place, each in enumerate(value)]
    return None if any(each is None for each in found) else tuple(each for each in found if each is not None)


def matrix(report: Report, path: Path, value: Any) -> Matrix | None:
    """Rows of numbers, all of one length."""
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        report.add(path, f"{shown(value)} is not a list of rows", "write a row in brackets for each: [[0.1, 0.2]]")
        return None
    if not value or not value[0]:
        report.add(path, "there are no numbers in it")
        return None
    rows = [numbers(report, (*path, place), row) for place, row in enumerate(value)]
    for place, row in enumerate(value):
        if len(row) != len(value[0]):
            report.add((*path, place), f"this row has {counted(len(row), 'number')}, but the first has {len(value[0])}")
            return None
    return None if any(row is None for row in rows) else tuple(row for row in rows if row is not None)


def nested(report: Report, path: Path, value: Any) -> Nested | None:
    """A number, or lists of numbers in lists, of one length on each level."""
    if not isinstance(value, list):
        return number(report, path, value)
    if not value:
        report.add(path, "there are no numbers in it")
        return None
    found = [nested(report, (*path, place), each) for place, each in enumerate(value)]
    if any(each is None for each in found):
        return None
    shapes = [shape_of(each) for each in found if each is not None]
    for place, shape in enumerate(shapes):
        if shape != shapes[0]:
            report.add((*path, place), f"this part is {_size(shape)}, but the first is {_size(shapes[0])}")
            return None
    return tuple(each for each in found if each is not None)


def shape_of(value: Nested) -> tuple[int, ...]:
    """The shape of nested numbers."""
    return (len(value), *shape_of(value[0])) if isinstance(value, tuple) else ()


def numbers_in(value: Nested) -> Iterator[Decimal]:
    """All the numbers of nested ones."""
    if isinstance(value, tuple):
        for each in value:
            yield from numbers_in(each)
    else:
        yield value


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + f" number{'s' * (shape != (1,))}" if shape else "a single number"


def drawn(report: Report, path: Path, value: str | Mapping[str, Any]) -> Drawn | None:
    """An initialiser by its name, or as a table with its settings."""
    table: Mapping[str, Any] = {"initialiser": value} if isinstance(value, str) else value
    name = table.get("initialiser")
    if not isinstance(name, str):
        report.add(path, "this table has no initialiser", 'write { initialiser = "normal", deviation = 0.1 }')
        return None
    try:
        row = find_initialiser(name)
    except CatalogueError as problem:
        report.add(path, str(problem))
        return None
    known = {each for each, _ in row.settings}
    for key in table:
        if key != "initialiser" and key not in known:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            report.add((*path, key), f"{row.name} has no setting {key}", has)
    own = {key: number(report, (*path, key), each) for key, each in table.items() if key in known}
    return Drawn(row.name, {key: each for key, each in own.items() if each is not None})


def settings(report: Report, path: Path, value: Any) -> dict[str, Decimal] | None:
    """Names with a number each."""
    if not isinstance(value, dict):
        report.add(path, f"{shown(value)} is not a table of numbers", "write { name = 0.9 }")
        return None
    found = {key: number(report, (*path, key), each) for key, each in value.items()}
    return {key: each for key, each in found.items() if each is not None}
