"""The facade: networks, steps, files and examples, with the methods that people call."""

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.catalogue.row import CatalogueError
from chainrule.check.answers import AnswersError, later
from chainrule.check.reading import read_answers
from chainrule.engines.choose import UnknownEngine
from chainrule.explain.find import UnknownQuantity
from chainrule.formula.parse import FormulaError, FormulaErrors
from chainrule.model.kinds import kind_text, kinds
from chainrule.model.layers import Dense, Layer
from chainrule.model.network import Network
from chainrule.model.prepare import task_of
from chainrule.model.present import render, text
from chainrule.model.rounds import NotFiniteError
from chainrule.model.step import Explanation, Step
from chainrule.numbers.arithmetic import MissingLibraryError, NumberError
from chainrule.numbers.ledger import LedgerError
from chainrule.page.problems import PageError
from chainrule.program.sizes import ProgramError
from chainrule.spec.examples import example_names, example_text, new_spec_text
from chainrule.spec.problems import Problem, SpecErrors
from chainrule.spec.reader import parse_spec, read_spec
from chainrule.spec.schema import spec_schema
from chainrule.spec.spec import Spec
from chainrule.training.problems import DivergedError, TrainingError

if TYPE_CHECKING:
    from chainrule.model.sweeping import SweepResults
    from chainrule.model.train import TrainedNetwork

# What a person's input can be refused with: each says what is wrong, where, and what to do.
PROBLEMS = (
    AnswersError,
    CatalogueError,
    DivergedError,
    FormulaError,
    FormulaErrors,
    LedgerError,
    MissingLibraryError,
    NotFiniteError,
    NumberError,
    PageError,
    ProgramError,
    SpecErrors,
    TrainingError,
    UnknownEngine,
    UnknownQuantity,
)


def load(network: str) -> Step:
    """The first round of a network file, or of a shipped example by its name; ``-`` reads standard input.

    Raises ``SpecErrors`` with every problem of the file.

    >>> load("mazur")["net_h1"]
    0.3775
    """
    return Step(task_of(spec_of(network)))


def spec_of(network: str) -> Spec:
    """What a network file says, or a shipped example by its name. Raises ``SpecErrors``."""
    if is_trained(network):
        hint = f"ask for a row of its data: chainrule explain {network} --row 1"
        raise SpecErrors(network, [Problem(0, "", "this is the folder of a trained network", hint)])
    if network != "-" and not _is_file(network):
        return parse_spec(example_text(network), f"example {network}")
    return read_spec(network)


def is_trained(place: str) -> bool:
    """Whether this is the folder of a trained network."""
    return (Path(place) / "made_from.json").is_file()


def load_trained(folder: str) -> "TrainedNetwork":
    """A trained network from its folder. Raises ``SavedError`` for what is missing or can't be read."""
    found: TrainedNetwork = import_module("chainrule.model.train").load_trained(folder)
    return found


def load_results(file: str | Path) -> "SweepResults":
    """The results of a sweep from their file. Raises ``SavedError`` for what is no such file."""
    found: SweepResults = import_module("chainrule.model.sweeping").load_results(file)
    return found


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
    "Layer",
    "Network",
    "Step",
    "examples",
    "is_trained",
    "kind_text",
    "kinds",
    "later",
    "load",
    "load_results",
    "load_trained",
    "new_file",
    "read_answers",
    "render",
    "schema_text",
    "spec_of",
    "text",
]
