"""The facade: networks, steps, files and examples, with the methods that people call."""

import json
from pathlib import Path

from chainrule.catalogue.row import CatalogueError
from chainrule.check.answers import AnswersError, later
from chainrule.check.reading import read_answers
from chainrule.explain.find import UnknownQuantity
from chainrule.formula.parse import FormulaError, FormulaErrors
from chainrule.model.network import Dense, Network
from chainrule.model.prepare import task_of
from chainrule.model.present import render, text
from chainrule.model.rounds import NotFiniteError
from chainrule.model.step import Explanation, Step
from chainrule.numbers.arithmetic import MissingLibraryError, NumberError
from chainrule.numbers.ledger import LedgerError
from chainrule.program.sizes import ProgramError
from chainrule.spec.examples import example_names, example_text, new_spec_text
from chainrule.spec.fields import spec_schema
from chainrule.spec.problems import SpecErrors
from chainrule.spec.reader import parse_spec, read_spec

# What a person's input can be refused with: each says what is wrong, where, and what to do.
PROBLEMS = (
    AnswersError,
    CatalogueError,
    FormulaError,
    FormulaErrors,
    LedgerError,
    MissingLibraryError,
    NotFiniteError,
    NumberError,
    ProgramError,
    SpecErrors,
    UnknownQuantity,
)


def load(network: str) -> Step:
    """The first round of a network file, or of a shipped example by its name; ``-`` reads standard input.

    Raises ``SpecErrors`` with every problem of the file.

    >>> load("mazur")["net_h1"]
    0.3775
    """
    if network != "-" and not _is_file(network):
        spec = parse_spec(example_text(network), f"example {network}")
    else:
        spec = read_spec(network)
    return Step(task_of(spec))


def _is_file(network: str) -> bool:
    """A name with a dot or a slash is meant as a file, whether it is there or not."""
    return network not in example_names() and (any(each in network for each in "./\\") or Path(network).exists())


def examples() -> list[tuple[str, str]]:
    """The shipped examples: name and title."""
    return [(name, parse_spec(example_text(name), name).title) for name in example_names()]


def new_file(like: str | None = None) -> str:
    """The text of a commented network file to start from, or of an example."""
    return example_text(like) if like else new_spec_text()


def schema_text() -> str:
    """The JSON Schema of network files."""
    return json.dumps(spec_schema(), indent=2) + "\n"


__all__ = [
    "PROBLEMS",
    "Dense",
    "Explanation",
    "Network",
    "Step",
    "examples",
    "later",
    "load",
    "new_file",
    "read_answers",
    "render",
    "schema_text",
    "text",
]
