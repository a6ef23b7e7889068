"""A document as a Jupyter notebook: a cell of Markdown for each section."""

import json
from dataclasses import replace
from typing import Any

from chainrule.explain.document import Block, Document, Heading
from chainrule.render.markdown import render_markdown


def render_notebook(document: Document) -> str:
    """A notebook in nbformat 4.5, with a first cell of code that imports chainrule.

    >>> import json as reader
    >>> reader.loads(render_notebook(Document("A", (Heading(2, "One"), Heading(2, "Two")))))["cells"][1]["source"]
    ['# A\\n']
    """
    cells = [_cell("code", "import chainrule as cr\n", 0)]
    cells += [_cell("markdown", text, place + 1) for place, text in enumerate(_sections(document))]
    data = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _sections(document: Document) -> list[str]:
    """The title, and the Markdown of each section."""
    groups: list[list[Block]] = [[]]
    for block in document.blocks:
        if isinstance(block, Heading) and block.level <= 2:
            groups.append([])
        groups[-1].append(block)
    first = render_markdown(replace(document, blocks=tuple(groups[0])))
    return [first, *(render_markdown(replace(document, title="", blocks=tuple(group))) for group in groups[1:])]


def _cell(kind: str, text: str, place: int) -> dict[str, Any]:
    """A cell; its id is its place, so that the same document gives the same file."""
    cell = {"cell_type": kind, "id": f"cell-{place}", "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
