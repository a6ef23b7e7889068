"""What the commands share: the group, options, output, and one clear message for a mistake."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
import rich_click

from chainrule import __version__

FORMATS = ("text", "markdown", "latex", "pdf", "html", "notebook", "typst", "json")
REPORTS = (*FORMATS, "csv", "xlsx")
BY_SUFFIX = {
    ".md": "markdown",
    ".tex": "latex",
    ".pdf": "pdf",
    ".html": "html",
    ".ipynb": "notebook",
    ".typ": "typst",
    ".json": "json",
    ".csv": "csv",
    ".xlsx": "xlsx",
}


class Refusal(Exception):
    """A command that can't be carried out as it was given; says why."""


@rich_click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="chainrule", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the full Python error where something goes wrong.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Every number of backpropagation, for any network: computed and explained.

    Begin with: chainrule explain mazur
    """
    context.obj = {"debug": debug}


Command = Callable[..., None]


def answering(command: Command) -> Command:
    """A person's mistake gets one clear message on standard error and exit status 2, not a traceback."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        from chainrule.model import PROBLEMS

        refused: tuple[type[Exception], ...] = (*PROBLEMS, Refusal)
        debug = bool((click.get_current_context().obj or {}).get("debug"))
        try:
            command(*args, **options)
        except refused as problem:
            if debug:
                raise
            click.echo(f"chainrule: {problem}", err=True)
            sys.exit(2)

    return run


def output(data: str | bytes, path: str | None) -> None:
    """To standard output, or to a file that is complete or not there at all."""
    if path is None or path == "-":
        if isinstance(data, bytes):
            sys.stdout.buffer.write(data)
        else:
            click.echo(data, nl=not data.endswith("\n"))
        return
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(data if isinstance(data, bytes) else data.encode())
        beside.replace(target)
    except OSError as problem:
        raise Refusal(f"can't write {path}: {problem.strerror}") from problem
    click.echo(f"wrote {path}", err=True)


NETWORK = click.argument("network")
AFTER = click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="N", help="The round after N rounds of training."
)
DIGITS = click.option(
    "--digits", type=click.IntRange(1, 1000), default=9, show_default=True, help="Significant digits to show."
)
ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "numpy", "jax"]),
    default="auto",
    help="What calculates; what pays for the work ahead unless given.",
)
OUTPUT = click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE; its ending chooses the format.")
WIDTH = click.option("--width", type=click.IntRange(20, 400), help="Columns of text; the terminal's unless given.")
ASCII = click.option("--ascii", "ascii_only", is_flag=True, help="Text without any character outside ASCII.")


def terminal_width() -> int:
    """The columns of the terminal; 80 where the output isn't one."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)


def unicode_terminal() -> bool:
    """Whether standard output takes all the characters that the text form uses."""
    try:
        "∂δ·−⎧╮▶⁺".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def colour(path: str | None) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR asks for none; or where FORCE_COLOR asks for it."""
    if os.environ.get("NO_COLOR") or path not in (None, "-"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
