"""The commands that show and check the numbers of one round: explain, values, check."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from chainrule.cli.base import (
    AFTER,
    ASCII,
    BY_SUFFIX,
    DIGITS,
    ENGINE,
    FORMATS,
    NETWORK,
    OUTPUT,
    REPORTS,
    WIDTH,
    Refusal,
    answering,
    cli,
    colour,
    output,
    terminal_width,
    unicode_terminal,
)

if TYPE_CHECKING:
    from chainrule.model import Step

ROW = click.option(
    "--row", type=click.IntRange(min=1), metavar="N", help="Of a trained network's folder: row N of its data."
)
DATA = click.option("--data", metavar="FILE", help="The data of --row, where they are not those of training.")


def step_of(
    network: str, row: int | None, data: str | None, after: int, digits: int, engine: str | None = None
) -> "Step":
    """The round of a network file after so many, or of one row in a trained network.

    Without an engine the rounds are done when their numbers are asked for, and the round knows those before it.
    """
    from chainrule import model

    if row is None and data is None:
        if engine is None:
            return model.load(network).after(after, digits=digits)
        step = model.load(network).after(0, digits=digits)
        why = step.engine_for(after)
        if engine == "auto" and "less than" not in why:
            click.echo(f"engine: {why}", err=True)
        return step.run(after, engine=engine)
    if not model.is_trained(network):
        raise Refusal(f"--row and --data are for the folder of a trained network, which {network} is not")
    if row is None:
        raise Refusal("which row of the data? Add --row 1")
    if after:
        raise Refusal("--after is for network files; a row of a trained network is explained as it is after training")
    return model.load_trained(network).step(row, data, digits=digits)


@cli.command(epilog="Example: chainrule explain mazur w5")
@NETWORK
@click.argument("quantity", nargs=-1)
@AFTER
@ENGINE
@ROW
@DATA
@click.option("--rounds", type=click.IntRange(min=1), metavar="N", help="Explain N rounds, one after the other.")
@DIGITS
@click.option(
    "--detail", type=click.Choice(["brief", "full"]), help="Each factor of each derivative, or one line each."
)
@click.option("--format", "kind", type=click.Choice(FORMATS), help="The format; text unless FILE says otherwise.")
@OUTPUT
@WIDTH
@ASCII
@answering
def explain(
    network: str,
    quantity: tuple[str, ...],
    after: int,
    engine: str,
    row: int | None,
    data: str | None,
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

    NETWORK is a network file, an example, - for standard input, or with --row the folder of a trained network.
    """
    from chainrule import model

    step = step_of(network, row, data, after, digits, engine)
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
@ENGINE
@ROW
@DATA
@click.option("--digits", type=click.IntRange(1, 1000), help="Significant digits; all of them unless given.")
@click.option("--format", "kind", type=click.Choice(["table", "csv", "json"]), help="table unless FILE says otherwise.")
@OUTPUT
@answering
def values(
    network: str,
    after: int,
    engine: str,
    row: int | None,
    data: str | None,
    digits: int | None,
    kind: str | None,
    path: str | None,
) -> None:
    """Every quantity of a network with its value."""
    suffix = Path(path).suffix if path else ""
    kind = kind or {".csv": "csv", ".json": "json"}.get(suffix, "table")
    output(step_of(network, row, data, after, digits or 0, engine).listing(kind, digits), path)


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
@WIDTH
@ASCII
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
    dict), or - for standard input. The exit status is 1 where a number is wrong, or none could be checked.
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
