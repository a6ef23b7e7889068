"""The commands. Each reads its arguments, asks the facade, and prints; heavy imports wait until a command runs."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click
import rich_click

from chainrule import __version__

NETWORK_HELP = (
    "NETWORK is a network file (TOML or JSON), the name of an example (see `chainrule list`), or - for standard input."
)
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
OUTPUT = click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE; its ending chooses the format.")


@cli.command(epilog="Example: chainrule explain mazur w5")
@NETWORK
@click.argument("quantity", nargs=-1)
@AFTER
@click.option("--rounds", type=click.IntRange(min=1), metavar="N", help="Explain N rounds, one after the other.")
@DIGITS
@click.option(
    "--detail", type=click.Choice(["brief", "full"]), help="Each factor of each derivative, or one line each."
)
@click.option("--format", "kind", type=click.Choice(FORMATS), help="The format; text unless FILE says otherwise.")
@OUTPUT
@click.option("--width", type=click.IntRange(20, 400), help="Columns of text; the terminal's unless given.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Text without any character outside ASCII.")
@answering
def explain(
    network: str,
    quantity: tuple[str, ...],
    after: int,
    rounds: int | None,
    digits: int,
    detail: str | None,
    kind: str | None,
    path: str | None,
    width: int | None,
    ascii_only: bool,
) -> None:
    """The worked example of a network, or the derivation of one QUANTITY.

    A quantity is written as a person would: w5, dE/dw5, delta_o1, net_h1, w5+, "new w5", w_o[1,1].
    """
    from chainrule import model

    step = model.load(network).after(after, digits=digits)
    kind = kind or BY_SUFFIX.get(Path(path).suffix if path else "", "text")
    depth: Literal["brief", "full"] | None = "full" if detail == "full" else "brief" if detail == "brief" else None
    documents = step.documents(quantity, rounds=rounds or 1, detail=depth, digits=digits)
    if kind == "text":
        output(
            model.text(documents, width or terminal_width(), ascii_only or not unicode_terminal(), colour(path)), path
        )
    elif kind == "pdf" and path is None and sys.stdout.isatty():
        raise Refusal("a PDF is not for a terminal; add -o FILE.pdf")
    else:
        output(model.render(documents, kind), path)


@cli.command(epilog="Example: chainrule values mazur --after 1 --format json")
@NETWORK
@AFTER
@click.option("--digits", type=click.IntRange(1, 1000), help="Significant digits; all of them unless given.")
@click.option("--format", "kind", type=click.Choice(["table", "csv", "json"]), help="table unless FILE says otherwise.")
@OUTPUT
@answering
def values(network: str, after: int, digits: int | None, kind: str | None, path: str | None) -> None:
    """Every quantity of a network with its value."""
    from chainrule import model

    suffix = Path(path).suffix if path else ""
    kind = kind or {".csv": "csv", ".json": "json"}.get(suffix, "table")
    output(model.load(network).after(after, digits=digits or 0).listing(kind, digits), path)


@cli.command(epilog="Example: chainrule check mazur my-numbers.csv")
@NETWORK
@click.argument("answers")
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Numbers without a round are from after N rounds.",
)
@click.option("--published", is_flag=True, help="They are printed figures: which are right, rounded or wrong, and why.")
@click.option("--format", "kind", type=click.Choice(REPORTS), help="The format; text unless FILE says otherwise.")
@OUTPUT
@click.option("--width", type=click.IntRange(20, 400), help="Columns of text; the terminal's unless given.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Text without any character outside ASCII.")
@answering
def check(
    network: str,
    answers: str,
    after: int,
    published: bool,
    kind: str | None,
    path: str | None,
    width: int | None,
    ascii_only: bool,
) -> None:
    """Check your own numbers: the first wrong one, what only follows from it, and the mistake behind it.

    ANSWERS is a file with names and numbers (text, CSV, JSON, TOML, a spreadsheet, npz, safetensors, a PyTorch state
    dict), or - for standard input. The exit status is 1 where a number is wrong.
    """
    from chainrule import model

    if network == answers == "-":
        raise Refusal("the network and the answers can't both come from standard input; name a file for one of them")
    found = model.load(network).check(model.later(model.read_answers(answers), after), published=published)
    kind = kind or BY_SUFFIX.get(Path(path).suffix if path else "", "text")
    if kind == "text":
        output(found.text(width or terminal_width(), ascii_only or not unicode_terminal(), colour(path)), path)
    elif kind in ("pdf", "xlsx") and path is None and sys.stdout.isatty():
        raise Refusal(f"a {kind} file is not for a terminal; add -o FILE.{kind}")
    else:
        output(found.to(kind), path)
    if not found.result.checked and not found.result.families:
        raise Refusal(f"there is no number with a name in {answers}; write lines such as: net_h1 = 0.3775")
    if not found.ok:
        sys.exit(1)


@cli.command("list", epilog="Example: chainrule list")
@answering
def list_examples() -> None:
    """The examples that can be named in place of a network file."""
    from chainrule import model

    for name, title in model.examples():
        click.echo(f"{name:22}{title}")


@cli.command(epilog="Example: chainrule new mine.toml")
@click.argument("file", default="network.toml")
@click.option("--like", metavar="EXAMPLE", help="Start from an example instead (see `chainrule list`).")
@click.option("--force", is_flag=True, help="Overwrite a file that is there already.")
@answering
def new(file: str, like: str | None, force: bool) -> None:
    """Write a commented network file to start from."""
    from chainrule import model

    if file != "-" and Path(file).exists() and not force:
        raise Refusal(f"{file} is there already; name another file, or add --force to overwrite it")
    output(model.new_file(like), file)
    if file != "-":
        click.echo(f"now try: chainrule explain {file}", err=True)


@cli.command(epilog="Example: chainrule schema -o network.schema.json")
@OUTPUT
@answering
def schema(path: str | None) -> None:
    """The JSON Schema of network files, for editors that complete and check as one types."""
    from chainrule import model

    output(model.schema_text(), path)


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


def main() -> None:
    """The console command. Ctrl-C ends with 130, and a reader that went away (``| head``) quietly."""
    try:
        status = cli(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.NoArgsIsHelpError as help_text:
        help_text.show()
        sys.exit(2)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
