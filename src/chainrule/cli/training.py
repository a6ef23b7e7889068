"""The commands that train a network on a table, and use it: train, predict, evaluate."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.base import (
    ASCII,
    ENGINE,
    OUTPUT,
    Refusal,
    answering,
    cli,
    output,
    terminal_width,
    unicode_terminal,
)
from chainrule.cli.learning import COLUMNS, HOW, SHEET, TARGET

if TYPE_CHECKING:
    from chainrule.model.train import Curve
    from chainrule.training.saved import Trained

FOLDER = click.argument("folder")
CURVES = (".svg", ".png", ".txt")
# What may be said with --resume.
KEPT = {"resume", "epochs", "engine", "curve", "ascii_only", "network", "data", "validation"}


@cli.command(epilog="Example: chainrule train network.toml houses.csv --target sold -o houses")
@click.argument("network", required=False)
@click.argument("data", required=False)
@TARGET
@click.option("-o", "--output", "folder", metavar="FOLDER", help="Where to keep it; NETWORK-trained unless given.")
@HOW
@click.option("--validation", metavar="SHARE|FILE", help="Samples only to watch: 0.2 of the data, or another table.")
@COLUMNS
@click.option("--stream", is_flag=True, help="Read the data in parts, again in each epoch: for more than memory holds.")
@click.option("--overwrite", is_flag=True, help="Replace a network that was kept in FOLDER before.")
@click.option("--resume", metavar="FOLDER", help="Go on where training of FOLDER stopped; no other arguments needed.")
@ENGINE
@click.option("--precision", type=click.Choice(["double", "single"]), default="double", help="Of numbers.  [double]")
@click.option("--curve", metavar="FILE", help="Write the curve of the error as .svg, .png or .txt.")
@ASCII
@click.pass_context
@answering
def train(context: click.Context, **given: Any) -> None:
    """Train NETWORK on the table DATA, and keep everything in a folder.

    DATA is CSV, Parquet, JSON lines, npz or a spreadsheet. Columns of text become categories, numbers are standardised;
    all columns but the target are inputs. Ctrl-C stops and keeps what was learnt.
    """
    from chainrule.training.problems import DivergedError

    if given["curve"] and Path(given["curve"]).suffix not in CURVES:
        raise Refusal(f"a curve is written as .svg, .png or .txt, not as {given['curve']}")
    if given["curve"] and Path(given["curve"]).suffix == ".png" and find_spec("typst") is None:
        raise Refusal('a curve as .png needs: pip install "chainrule[pdf]"')
    folder = given["resume"] or given["folder"] or f"{Path(given['network'] or '').stem or 'network'}-trained"
    try:
        trained, before = _resumed(context, given) if given["resume"] else _trained(given, folder)
    except DivergedError as problem:
        epochs = problem.progress.epoch
        kept = f"; the weights after epoch {epochs} are kept in {folder}" if epochs else ""
        raise Refusal(f"{problem}{kept}") from problem
    _conclude(trained, folder, before, given)


def _trained(given: dict[str, Any], folder: str) -> tuple[Trained, int]:
    from chainrule import model
    from chainrule.cli import progress
    from chainrule.model import fitting
    from chainrule.training import session
    from chainrule.training.readers import Data

    if not given["network"] or not given["data"]:
        raise Refusal("train what on what? Such as: chainrule train network.toml houses.csv --target sold")
    if not given["overwrite"] and model.is_trained(folder):
        raise Refusal(f"{folder} is there already; add --overwrite, name another folder with -o, or go on with it: "
                      f"chainrule train --resume {folder}")  # fmt: skip
    spec = model.spec_of(given["network"])
    data = Data(given["data"], given["sheet"], given["missing"], given["stream"])
    choices = fitting.choices_of(given)
    options, apart = fitting.options_of(spec, given)
    dropout = fitting.shares_of(given["dropout"])
    spec = fitting.for_data(spec, data, choices, given["seed"])
    rows = fitting.about_rows(data, spec)
    engine, why = fitting.engine_for(given["engine"], spec, dropout, rows, options, given["precision"])
    validation = Data(apart, given["sheet"], given["missing"]) if apart else None
    with progress.shown(options.epochs, fitting.score_name(spec, target=given["target"]), f"engine: {why}") as shown:
        trained = session.train(
            spec, data, choices, options, validation=validation, dropout=dropout, folder=folder,
            overwrite=given["overwrite"], engine=engine, on_progress=shown.on_progress, on_round=shown.on_round,
        )  # fmt: skip
    return trained, 0


def _resumed(context: click.Context, given: dict[str, Any]) -> tuple[Trained, int]:
    from chainrule.cli import progress
    from chainrule.model import fitting
    from chainrule.training import saved, session

    for name, value in given.items():
        source = context.get_parameter_source(name)
        if name not in KEPT and value and source is not None and source.name == "COMMANDLINE":
            option = "-o" if name == "folder" else f"--{name.replace('_', '-')}"
            raise Refusal(f"{option} can't be changed on the way; leave it out, or train a new network")
    if given["data"]:
        raise Refusal("with --resume the network is the one in the folder; name only the data, where they have moved")
    known = saved.load(given["resume"])
    made_from, moved = known.made_from, given["network"]
    engine = fitting.engine_like(given["engine"], made_from.engine)
    epochs = given["epochs"] or made_from.options.epochs
    if known.progress.stopped == "finished" and known.progress.epoch >= epochs:
        done = known.progress.epoch
        raise Refusal(f"all {done} epochs are done; for more of them: chainrule train --resume {given['resume']} "
                      f"--epochs {2 * done}")  # fmt: skip
    data = fitting.moved(made_from.data, moved) if moved else None
    apart = fitting.moved(made_from.validation, given["validation"]) if given["validation"] else None
    with progress.shown(epochs, fitting.score_name(known.spec, known.preparation)) as shown:
        trained = session.resume(
            given["resume"], data, validation=apart, epochs=given["epochs"], engine=engine,
            on_progress=shown.on_progress, on_round=shown.on_round,
        )  # fmt: skip
    return trained, known.progress.epoch


def _conclude(trained: Trained, folder: str, before: int, given: dict[str, Any]) -> None:
    """The curve, what came of it, where it is, and what to do next."""
    from chainrule.model.fitting import score_name
    from chainrule.model.train import TrainedNetwork, record_text
    from chainrule.training.preparation import input_names

    progress, history = trained.progress, trained.history
    interrupted = progress.stopped == "interrupted"
    ascii_only = given["ascii_only"] or not unicode_terminal()
    curve = TrainedNetwork(trained).curve()
    if len(history) > 1:
        click.echo(curve.text(min(100, terminal_width()), 10, ascii_only=ascii_only))
    names = input_names(trained.preparation)
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    click.echo(f"inputs   {listed}")
    if trained.preparation.classes:
        from chainrule.training.use import class_names

        classes = class_names(trained)
        more = f" and {len(classes) - 12} more" if len(classes) > 12 else ""
        click.echo(f"classes  {', '.join(classes[:12])}{more}")
    if history:
        score = score_name(trained.spec, trained.preparation)
        click.echo(f"epochs   {progress.epoch}: {record_text(history[-1], score)}")
    if progress.best and progress.best_epoch != progress.epoch:
        click.echo(f"         no smaller error since epoch {progress.best_epoch}, whose weights are the result")
    click.echo(f"kept in  {folder}")
    if given["curve"] and history:
        output(_drawn(curve, Path(given["curve"]).suffix, trained.spec.title, ascii_only), given["curve"])
    if interrupted:
        click.echo(f"stopped by Ctrl-C in epoch {progress.epoch + 1}; nothing is lost. To go on: "
                   f"chainrule train --resume {folder}", err=True)  # fmt: skip
        sys.exit(130)
    place = trained.made_from.data.name
    click.echo(f"now try  chainrule evaluate {folder} {place}\n         chainrule explain {folder} --row 1")


def _drawn(curve: Curve, kind: str, title: str, ascii_only: bool) -> str | bytes:
    if kind == ".txt":
        return curve.text(ascii_only=ascii_only)
    return curve.svg(title=title) if kind == ".svg" else curve.png(title=title)


@cli.command(epilog="Example: chainrule predict houses new.csv -o answers.csv")
@FOLDER
@click.argument("data")
@click.option("--format", "kind", type=click.Choice(["csv", "json"]), help="csv unless FILE says otherwise.")
@OUTPUT
@SHEET
@answering
def predict(folder: str, data: str, kind: str | None, path: str | None, sheet: str) -> None:
    """What a trained network says of each row of DATA.

    FOLDER is what `chainrule train` made. The target column need not be there. The outputs of classes stand beside
    the answer: with softmax or logistic their probabilities.
    """
    from chainrule import model
    from chainrule.model.answers import predicted

    trained = model.load_trained(folder)
    kind = kind or _by_ending(path, "csv")
    output(predicted(trained, trained.data_at(data, sheet), kind), path)


@cli.command(epilog="Example: chainrule evaluate houses houses.csv")
@FOLDER
@click.argument("data", required=False)
@click.option("--format", "kind", type=click.Choice(["text", "json"]), help="text unless FILE says otherwise.")
@OUTPUT
@SHEET
@answering
def evaluate(folder: str, data: str | None, kind: str | None, path: str | None, sheet: str) -> None:
    """How well a trained network does on DATA: the error, accuracy and confusion matrix, or R2 and RMSE.

    FOLDER is what `chainrule train` made. DATA are those of training unless given; new ones tell more.
    """
    from chainrule import model
    from chainrule.model.answers import evaluated

    trained = model.load_trained(folder)
    kind = kind or _by_ending(path, "text")
    output(evaluated(trained, trained.data_at(data, sheet), kind), path)


def _by_ending(path: str | None, plain: str) -> str:
    """The format by the ending of a file."""
    ending = Path(path).suffix if path else ""
    if ending == ".json":
        return "json"
    if ending not in ("", ".csv" if plain == "csv" else ".txt"):
        raise Refusal(
            f"there is no format for {ending}; end the file with .json or .{'csv' if plain == 'csv' else 'txt'}"
        )
    return plain
