"""The commands of the live page: page, open."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chainrule.cli.base import AFTER, NETWORK, Command, Refusal, answering, cli, output
from chainrule.cli.explaining import DATA, ROW, step_of

if TYPE_CHECKING:
    from chainrule.model.live import Page

TITLE = click.option("--title", default="", metavar="TEXT", help="The heading; the network's title unless given.")
DIGITS = click.option(
    "--digits", type=click.IntRange(1, 15), default=9, show_default=True, help="Significant digits to show."
)


def of_a_round(command: Command) -> Command:
    """The options that say which round a page shows, and how."""
    for option in (DIGITS, TITLE, DATA, ROW, AFTER, NETWORK):
        command = option(command)
    return command


@cli.command("page", epilog="Example: chainrule page mazur -o mazur.html")
@of_a_round
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE; - for standard output.")
@answering
def page(
    network: str, after: int, row: int | None, data: str | None, title: str, digits: int, path: str | None
) -> None:
    """Write the live page of a network: one HTML file that works from disk and that can be mailed.

    Change a weight, an input, a target, the learning rate or an activation in it, and every number and formula
    follows. It asks the network for nothing.
    """
    if path is None and sys.stdout.isatty():
        raise Refusal("a page is not for a terminal; add -o FILE.html, or look at it with: chainrule open " + network)
    if path not in (None, "-") and Path(path).suffix.lower() not in (".html", ".htm"):
        raise Refusal(f"a page is HTML; write it to FILE.html, not {path} (explain writes PDF, Markdown and others)")
    output(page_of(network, row, data, after, digits, title).html, path)


@cli.command("open", epilog="Example: chainrule open mazur")
@of_a_round
@answering
def open_page(network: str, after: int, row: int | None, data: str | None, title: str, digits: int) -> None:
    """Show the live page of a network in the browser."""
    made = page_of(network, row, data, after, digits, title)
    path = pages_folder() / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', Path(network).stem).strip('-') or 'network'}.html"
    try:
        shown = made.open(path)
    except OSError as problem:
        raise Refusal(f"can't write {path}: {problem.strerror}; use chainrule page {network} -o FILE") from problem
    click.echo(f"{'opened' if shown else 'there is no browser to open; the page is'} {path}", err=True)


def page_of(network: str, row: int | None, data: str | None, after: int, digits: int, title: str) -> "Page":
    """The live page of a network file's round, or of one row in a trained network."""
    return step_of(network, row, data, after, digits).page(title)


def pages_folder() -> Path:
    """Where pages that were only looked at are kept: the user's cache, else a folder for this one."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    folder = Path(cache) / "chainrule" / "pages"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="chainrule-"))
    return folder
