"""The options of every command that trains on data."""

from __future__ import annotations

from collections.abc import Callable

import click

from chainrule.cli.base import Command

Option = Callable[[Command], Command]


def several(name: str, *aliases: str, metavar: str, text: str) -> Option:
    """An option that may be given more than once."""
    return click.option(name, *aliases, multiple=True, metavar=metavar, help=text)


def _in_order(*options: Option) -> Option:
    def add(command: Command) -> Command:
        for each in reversed(options):
            command = each(command)
        return command

    return add


TARGET = several("--target", metavar="COLUMN", text="The column to learn; more than once, or 'next*', for several.")
SHEET = click.option("--sheet", default="", metavar="NAME", help="The sheet of a spreadsheet; the first unless given.")
HOW = _in_order(
    click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="How often every sample is taken.  [20]"),
    click.option("--batch", metavar="N", help="Samples in a round, or all; that of the file unless given.  [32]"),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of start values, orders and masks."),
    click.option(
        "--patience", type=click.IntRange(min=1), metavar="N", help="Stop after N epochs with no smaller error."
    ),
    click.option(
        "--schedule", default="constant", metavar="NAME", help="Of the learning rate: cosine, 'step every=5'."
    ),
    several("--dropout", metavar="LAYER=SHARE", text="Set this share of a layer's outputs to 0, such as h=0.5."),
    several("--class-weight", metavar="balanced|CLASS=X", text="How much the errors of a class count."),
)
COLUMNS = _in_order(
    click.option("--weight", default="", metavar="COLUMN", help="The column of the samples' weights."),
    several("--impute", metavar="HOW", text="What stands in where a value is missing: mean, median, 0, age=mean."),
    several("--missing", metavar="TEXT", text="A cell that stands for a missing value, beside an empty one and NA."),
    several("--categories", metavar="COLUMN", text="A column of numbers that are categories."),
    several("--leave-out", metavar="COLUMN", text="A column that is no input."),
    click.option("--no-standardise", is_flag=True, help="Take inputs as they are, not centred and scaled."),
    click.option("--standardise-targets", is_flag=True, help="Learn centred and scaled numbers; answers are not."),
    SHEET,
)
