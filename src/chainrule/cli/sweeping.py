"""The commands that try many networks: sweep, results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.base import ENGINE, OUTPUT, Refusal, answering, cli, output, terminal_width
from chainrule.cli.learning import COLUMNS, HOW, TARGET, several

if TYPE_CHECKING:
    from chainrule.model.sweeping import SweepResults
    from chainrule.sweep.outcome import Outcome
    from chainrule.sweep.run import Task

BEST = 10  # runs that are shown at the end
LINES = 10  # of progress at most, where there is no terminal
FORMATS = {".csv": "csv", ".json": "json", ".md": "markdown", ".txt": "text"}


@cli.command(
    epilog="Example: chainrule sweep network.toml houses.csv --target sold --vary units=4,8,16 --vary seed=0..4"
)
@click.argument("network")
@click.argument("data", required=False)
@several(
    "--vary",
    metavar="SETTING=VALUES",
    text="What is tried: units=8,16 or layers=1..5 or learning_rate=0.01..1 log in 5.",
)
@TARGET
@click.option(
    "--method",
    type=click.Choice(["grid", "random", "optuna"]),
    default="grid",
    show_default=True,
    help="All combinations, some drawn at random, or each chosen after those before it.",
)
@click.option("--trials", type=click.IntRange(min=1), metavar="N", help="How many runs, of random and optuna.  [50]")
@click.option(
    "-o", "--output", "file", metavar="FILE", help="Where results are kept; NETWORK-sweep.sqlite unless given."
)
@HOW
@click.option(
    "--validation", metavar="SHARE", help="Samples that the score is taken from, the same in all runs.  [0.2]"
)
@COLUMNS
@ENGINE
@answering
def sweep(network: str, data: str | None, **given: Any) -> None:
    """Try many networks like NETWORK on the table DATA, and keep a row for each in an SQLite file.

    Without DATA they are trained on the numbers in the file. Small networks of one shape are trained together. Ctrl-C
    keeps what is done; the same command goes on.
    """
    from dataclasses import replace

    from chainrule import model
    from chainrule.model import fitting, sweeping
    from chainrule.training.readers import Data

    spec = model.spec_of(network)
    options, _ = fitting.options_of(spec, given | {"validation": None})
    dropout = fitting.shares_of(given["dropout"])
    search = sweeping.Search(sweeping.dimensions_of(given["vary"]), given["method"], given["trials"], options.seed)
    search.check()
    if data is None:
        if given["target"]:
            raise Refusal("a target is a column of a table; name the table behind the network")
        table, choices = sweeping.on_own_numbers(spec)
    else:
        table, choices = Data(data, given["sheet"], given["missing"]), fitting.choices_of(given)
        spec = fitting.for_data(spec, table, choices, given["seed"])
    options = replace(options, validation=_share(given["validation"], 0.0 if data is None else 0.2))
    file = given["file"] or f"{Path(network).stem}-sweep.sqlite"
    trying = sweeping.sweep_of(spec, table, choices, options, dropout, file, given["engine"])
    ahead = search.ahead(trying)
    results, left = sweeping.SweepResults(trying.results), search.left(ahead)
    click.echo(_ahead(left, ahead.done, ahead.same), err=True)
    try:
        with shown(left) as on_done:
            search.do(trying, ahead, on_done)
    except KeyboardInterrupt:
        kept = len(results.runs)
        click.echo(
            f"stopped by Ctrl-C; {kept} runs are kept in {file}. To go on, give the same command again", err=True
        )
        sys.exit(130)
    _conclude(results, file)


def _share(text: str | None, unless_given: float) -> float:
    try:
        return unless_given if text is None else float(text)
    except ValueError:
        raise Refusal(f"the validation samples of a sweep are a share of the data, such as 0.2, not {text}") from None


def _ahead(left: int, done: int, same: int) -> str:
    said = f"{left} run{'s' * (left != 1)} to do"
    if done:
        said += f", {done} done before"
    if same:
        said += f"; {same} {'are' if same > 1 else 'is'} the same as another one, as what differs says nothing about it"
    return said


def _conclude(results: SweepResults, file: str) -> None:
    runs = results.runs
    click.echo(results.table("text", BEST, width=terminal_width()), nl=False)
    click.echo()
    bad = [run for run in runs if run.status != "done"]
    kinds = sorted({run.status for run in bad})
    counted = ", ".join(f"{sum(run.status == kind for run in bad)} {kind}" for kind in kinds)
    click.echo(f"{len(runs)} run{'s' * (len(runs) != 1)}{f' ({counted})' * bool(bad)} in {file}")
    if len(runs) > BEST:
        click.echo(f"all of them  chainrule results {file}")
    if runs:
        click.echo(f"the best     chainrule results {file} --run {results.best().id} -o best")


@contextmanager
def shown(runs: int) -> Iterator[Any]:
    """What is called after each run, and shows how far the sweep is."""
    done, best = 0, None

    def said(outcome: Outcome) -> str:
        nonlocal done, best
        done += 1
        if outcome.score is not None:
            best = outcome.score if best is None else max(best, outcome.score)
        return "" if best is None else f"best {outcome.measure or 'score'} {best:.4g}"

    if not sys.stderr.isatty():
        every = max(1, -(-runs // LINES))

        def line(task: Task, outcome: Outcome) -> None:
            text = said(outcome)
            if done % every == 0:
                click.echo(f"run {done} of {runs}: {text}", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.completed:.0f} of {task.total:.0f} runs"), BarColumn(None),
        TextColumn("{task.fields[said]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("", total=runs, said="")
        yield lambda task, outcome: bar.update(row, advance=1, said=said(outcome))


@cli.command(epilog="Example: chainrule results network-sweep.sqlite --top 20")
@click.argument("file")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the best N.")
@click.option(
    "--sort", default="score", metavar="NAME", help="score, validation, error, epochs, seconds, or a setting."
)
@click.option("--run", type=click.IntRange(min=1), metavar="N", help="Do run N once more from its row, and compare.")
@click.option("--data", metavar="FILE", help="With --run: the data, where they have moved.")
@click.option(
    "--format", "kind", type=click.Choice(["text", "csv", "json", "markdown"]), help="text unless FILE says otherwise."
)
@OUTPUT
@answering
def results(file: str, run: int | None, data: str | None, path: str | None, **given: Any) -> None:
    """The runs of a sweep, the best first; or one of them done again.

    FILE is what `chainrule sweep` made. With --run the trained network is kept in the folder of -o, for predict,
    evaluate and explain.
    """
    from chainrule import model

    found = model.load_results(file)
    if run is not None:
        _again(found, run, data, path)
        return
    if data:
        raise Refusal("--data goes with --run: the data of the run that is done again")
    ending = Path(path).suffix if path else ""
    if not given["kind"] and ending and ending not in FORMATS:
        raise Refusal(f"there is no format for {ending}; end the file with {', '.join(FORMATS)}, or give --format")
    kind = given["kind"] or FORMATS.get(ending, "text")
    width = terminal_width() if path in (None, "-") else 1000
    output(found.table(kind, given["top"], given["sort"], width), path)


def _again(found: SweepResults, number: int, data: str | None, folder: str | None) -> None:
    from chainrule import model

    if folder and model.is_trained(folder):
        raise Refusal(f"{folder} is there already; name another folder with -o")
    network, compared = found.compared(number, data)
    click.echo(compared, nl=False)
    if folder:
        network.save(folder)
        click.echo(f"kept in  {folder}\nnow try  chainrule explain {folder} --row 1")
