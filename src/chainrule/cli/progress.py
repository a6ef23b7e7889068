"""Training as it goes: a bar on a terminal, else a line now and then. Both on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chainrule.training.progress import Progress

LINES = 10  # at most, where there is no terminal


class Lines:
    """A line for every tenth of the epochs."""

    def __init__(self, epochs: int, score: str, first: str) -> None:
        self._epochs, self._score, self._first = epochs, score, first
        self._shown: int | None = None  # the last epoch that was looked at

    def on_progress(self, progress: Progress) -> None:
        """Called after one or several epochs."""
        from chainrule.model.train import record_text

        self._begin()
        every = max(1, -(-self._epochs // LINES))
        for record in progress.history[-1:] if self._shown is None else progress.history[self._shown :]:
            if record.epoch % every == 0:
                click.echo(f"epoch {record.epoch} of {self._epochs}: {record_text(record, self._score)}", err=True)
        self._shown = len(progress.history)

    def on_round(self, done: int, total: int) -> None:
        """Called now and then inside an epoch."""
        self._begin()

    def _begin(self) -> None:
        """What is said first, once the data are read and nothing is refused any more."""
        if self._first:
            click.echo(self._first, err=True)
        self._first = ""


class Bar:
    """A bar with epoch, error, validation, and samples a second."""

    def __init__(self, bar: Any, task: Any, epochs: int, first: str) -> None:
        self._bar, self._task, self._epochs, self._first = bar, task, epochs, first

    def on_progress(self, progress: Progress) -> None:
        """Called after one or several epochs."""
        if not progress.history:
            return
        last = progress.history[-1]
        said = f"error {last.loss:.4g}"
        if last.validation_loss is not None:
            said += f"  validation {last.validation_loss:.4g}"
        if last.seconds > 0:
            said += f"  {last.samples / last.seconds:,.0f} samples/s"
        self._bar.update(self._task, description=f"epoch {progress.epoch} of {self._epochs}", said=said)

    def on_round(self, done: int, total: int) -> None:
        """Called now and then inside an epoch."""
        if self._first:
            self._bar.console.print(self._first, highlight=False)
        self._first = ""
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def shown(epochs: int, score: str, first: str = "") -> Iterator[Lines | Bar]:
    """Whatever shows the progress of training here; ``first`` is said when it begins."""
    if not sys.stderr.isatty():
        yield Lines(epochs, score, first)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(None), TextColumn("{task.fields[said]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar, bar.add_task(f"epoch 0 of {epochs}", total=None, said=""), epochs, first)
