"""The live page of a round: as a file, in a notebook, as a widget."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.explain.writing import DIGITS
from chainrule.model.task import Array, Task, given_of, rows_of, start_of
from chainrule.page.activations import activation_choices
from chainrule.page.html import page_frame, page_html
from chainrule.page.problems import PageError
from chainrule.page.program_json import Live
from chainrule.page.widget import widget
from chainrule.program.program import Program
from chainrule.spec.spec import FormulaPart, LayerPart, Spec
from chainrule.spec.write import Hole, spec_pieces

MOST_NUMBERS = 10_000  # that are given: with more the page no longer answers at once
MOST_ROUNDS = 100_000  # that the page trains, as often as it is opened
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")  # without one, only a browser for text would be found
MOST_DIGITS = 15  # of the numbers of a browser


class Page:
    """The live page of a round: one file of HTML, in which every number can be changed and every other one follows.

    Shows itself in a notebook. ``html`` is the file's text, ``live`` what is shown.

    >>> from chainrule import load
    >>> page = load("xor").page("Our class")
    >>> page, page.html[:15]
    (<live page of 'Our class'>, '<!doctype html>')
    """

    def __init__(self, live: Live) -> None:
        self.live = live

    @property
    def title(self) -> str:
        """The heading."""
        return self.live.title

    @cached_property
    def html(self) -> str:
        """The file's text."""
        return page_html(self.live)

    def save(self, path: str | Path) -> Path:
        """Write the file, which is complete or not there at all, and return where it is."""
        target = Path(path)
        beside = target.with_name(f".{target.name}.part")
        beside.write_text(self.html, encoding="utf-8", newline="")
        return beside.replace(target)

    def open(self, path: str | Path) -> bool:
        """Write the file and show it in the browser. Says whether there is one."""
        return show_in_browser(self.save(path))

    def widget(self) -> Any:
        """The page as a widget (anywidget) for notebooks. Raises ``MissingLibraryError`` without the extra."""
        return widget(self.live)

    def _repr_html_(self) -> str:
        return page_frame(self.live)

    def __repr__(self) -> str:
        return f"<live page of {self.live.title[:100]!r}>"


def live_of(
    task: Task, done: int = 0, state: Mapping[str, Array] | None = None, digits: int = DIGITS, title: str = ""
) -> Live:
    """What the page of the round after ``done`` rounds shows.

    With the ``state`` of that round it begins there; without one it trains from the start as it is opened. Raises
    ``PageError`` for what is too large or too far off for a browser.
    """
    start = dict(state) if state is not None else start_of(task)
    _check_size(task, start)
    if state is None and done > MOST_ROUNDS:
        raise PageError(
            f"the page trains as it is opened, up to {MOST_ROUNDS:,} rounds; {done:,} are too many. For the numbers "
            "of that round: chainrule values NETWORK --after N"
        )
    programs = _programs(task)
    program, given = given_of(task, start_of(task), 0)
    fixed = {name: array for name, array in given.items() if name not in start and name not in task.data}
    begin = {"round": done, "until": done} if state is None else {"first": done, "round": done, "until": done}
    return Live(
        title or task.title, programs, start, dict(task.data), fixed, task.batch, task.loss, task.conventions,
        _file(task, program, {*start, *task.data, *fixed}),
        settings={"digits": min(digits, MOST_DIGITS), **({"state": begin} if done else {})}, words=task.words.axes,
    )  # fmt: skip


def _programs(task: Task) -> dict[int, Program]:
    """The programs of a round by its number of samples: of a whole batch, and of a smaller last one."""
    rounds = range(1 if task.batch is None else -(-task.samples // task.batch))
    sizes = dict.fromkeys(rows.stop - rows.start for rows in (rows_of(task, done) for done in rounds))
    return {size: task.program_for(size) for size in sizes}


def _file(task: Task, program: Program, known: set[str]) -> tuple[str | Mapping[str, str], ...]:
    """The network file in pieces; none where a text could not follow what is changed on the page."""
    spec = task.spec()
    if spec is None or not _can_follow(spec, program, task.loss):
        return ()
    return tuple({each.kind: each.name} if isinstance(each, Hole) else each for each in spec_pieces(spec, known))


def _can_follow(spec: Spec, program: Program, loss: str) -> bool:
    """Whether the file's text can have other numbers and activations: not so own formulas with activations, nor
    layers other than dense ones, activations with numbers of their own, and parameters of another layer.
    """
    if isinstance(spec.network, FormulaPart):
        return not activation_choices(program, loss)
    return all(
        isinstance(each, LayerPart) and not each.layer.parameters and not each.layer.share
        for each in spec.network.layers
    )


def _check_size(task: Task, start: Mapping[str, Array]) -> None:
    parameters = sum(prod(np.shape(array)) for array in start.values())
    data = sum(prod(np.shape(array)) for array in task.data.values())
    if parameters + data <= MOST_NUMBERS:
        return
    hint = (
        f"leave out some of the {task.samples:,} samples"
        if parameters <= MOST_NUMBERS // 2
        else "for one number of it: chainrule explain NETWORK w1"
    )
    raise PageError(
        f"the page is for networks that a person can look at, up to {MOST_NUMBERS:,} given numbers; this one has "
        f"{parameters:,} parameters and {data:,} numbers of data. Instead, {hint}"
    )


def show_in_browser(path: Path) -> bool:
    """Whether a browser took it."""
    graphical = os.name != "posix" or sys.platform == "darwin" or any(map(os.environ.get, SCREENS))
    try:
        return graphical and webbrowser.open(path.resolve().as_uri())
    except webbrowser.Error:
        return False
