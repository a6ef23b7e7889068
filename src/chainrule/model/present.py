"""Documents in a format, and all quantities of a round as a list."""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

from chainrule.explain.derive import addend_value, addends_of, factor_value, loss_terms
from chainrule.explain.document import Document, Heading
from chainrule.explain.names import Ratio, Scalar, address, name, ratio_name
from chainrule.explain.quantity import quantities
from chainrule.explain.round import Round, backward_definitions
from chainrule.explain.walkthrough import writing_for
from chainrule.explain.writing import Writing, rounded
from chainrule.render.text import render_text

SMALL = 2000  # scalars: up to here the slopes and the parts by path are listed too


class Entry(NamedTuple):
    """A quantity with its name, its address, and its value."""

    name: str
    address: str
    value: Any


# Each format's module and function; a module is loaded when its format is asked for, so that commands start soon.
RENDERERS = {
    "text": ("text", "render_text"),
    "markdown": ("markdown", "render_markdown"),
    "latex": ("article", "render_latex"),
    "html": ("html", "render_html"),
    "notebook": ("notebook", "render_notebook"),
    "typst": ("typst", "render_typst"),
    "pdf": ("typst", "render_pdf"),
    "json": ("json", "render_json"),
}


def text(documents: Sequence[Document], width: int, ascii_only: bool, color: bool) -> str:
    """As text for a terminal."""
    return render_text(documents_as_one(documents), width=width, ascii=ascii_only, color=color)


def render(documents: Sequence[Document], kind: str) -> str | bytes:
    """In one of the formats: text, markdown, latex, html, notebook, typst, json; pdf as bytes."""
    if kind not in RENDERERS:
        raise ValueError(f"there is no format {kind!r}; there are: {', '.join(RENDERERS)}")
    module, function = RENDERERS[kind]
    renderer = getattr(import_module(f"chainrule.render.{module}"), function)
    rendered: str | bytes = renderer(documents_as_one(documents))
    return rendered


def entries(example: Round) -> Iterator[Entry]:
    """Every quantity, in the order of calculation; of a small network the slopes and the parts by path too."""
    names = example.names
    writing = writing_for(example)
    seen: set[str] = set()
    small = sum(prod(family.shape) for family in names.program.families.values()) <= SMALL
    backward = {each.target for each in backward_definitions(names)} if small else set()
    for scalar in quantities(names):
        if scalar.family in backward:
            yield from _parts(writing, scalar, seen)
        yield Entry(name(names, scalar), address(names, scalar), example.ledger[scalar.family][scalar.index])


def _parts(writing: Writing, scalar: Scalar, seen: set[str]) -> Iterator[Entry]:
    """The slopes and the parts by path that a derivative is made of."""
    names = writing.names
    below = Scalar(names.program.families[scalar.family].of, scalar.index)
    addends = list(addends_of(writing, scalar))
    terms = loss_terms(writing, addends) if len(addends) > 1 else [None] * len(addends)
    for addend, term in zip(addends, terms, strict=True):
        if addend.factor is not None:
            slope = ratio_name(names, addend.factor.ratio)
            if slope not in seen:
                seen.add(slope)
                yield Entry(slope, _ratio_address(names, addend.factor.ratio), factor_value(writing, addend.factor))
        if term is not None and (part := ratio_name(names, Ratio(term, below))) not in seen:
            seen.add(part)
            yield Entry(part, _ratio_address(names, Ratio(term, below)), addend_value(writing, addend))


def _ratio_address(names: Any, ratio: Ratio) -> str:
    return f"d{address(names, ratio.of)}/d{address(names, ratio.by)}"


def number_text(value: Any, digits: int | None) -> str:
    """A number as text: rounded to so many digits, else all the digits that tell a float from its neighbours."""
    if digits is None:
        return repr(float(value))
    return f"{rounded(value, digits)}".lower()


def listing(example: Round, kind: str, digits: int | None) -> str:
    """Every quantity with its value: as an aligned table, as CSV, or as JSON."""
    found = list(entries(example))
    match kind:
        case "csv":
            rows = [("name", "address", "value")]
            rows += [(each.name, _quoted(each.address), number_text(each.value, digits)) for each in found]
            return "".join(f"{_quoted(first)},{place},{value}\n" for first, place, value in rows)
        case "json":
            values = ",\n".join(f"    {json.dumps(each.name)}: {number_text(each.value, digits)}" for each in found)
            places = ",\n".join(f"    {json.dumps(each.name)}: {json.dumps(each.address)}" for each in found)
            head = f'  "schema": 1,\n  "title": {json.dumps(example.title)},\n  "after": {example.before},\n'
            return f'{{\n{head}  "values": {{\n{values}\n  }},\n  "addresses": {{\n{places}\n  }}\n}}\n'
        case _:
            shown = 9 if digits is None else digits
            lines = [(each.name, each.address, number_text(each.value, shown)) for each in found]
            wide = [max(len(row[column]) for row in [("name", "address", "value"), *lines]) for column in range(2)]
            return "".join(
                f"{first:<{wide[0]}}  {place:<{wide[1]}}  {value}\n"
                for first, place, value in [("name", "address", "value"), *lines]
            )


def _quoted(text: str) -> str:
    return f'"{text}"' if "," in text else text


def documents_as_one(documents: Sequence[Document]) -> Document:
    """Several documents as one, each under a heading of its own."""
    if len(documents) == 1:
        return documents[0]
    blocks = [block for each in documents for block in (Heading(1, each.title), *each.blocks)]
    symbols = {name: looks for each in documents for name, looks in each.symbols.items()}
    return Document(documents[0].title, tuple(blocks), symbols)
