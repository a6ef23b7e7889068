"""The commands about network files: list, new, schema."""

from pathlib import Path

import click

from chainrule.cli.base import OUTPUT, Refusal, answering, cli, output, terminal_width


@cli.command("list", epilog="Example: chainrule list lstm")
@click.argument("what", default="examples")
@answering
def list_names(what: str) -> None:
    """The examples that can be named in place of a network file.

    With `layers` the kinds of layers; with the name of a kind its settings and numbers.
    """
    from chainrule import model

    if what in ("examples", "layers"):
        rows = model.examples() if what == "examples" else model.kinds()
        width = 2 + max(len(name) for name, _ in rows)
        for name, title in rows:
            click.echo(f"{name:{width}}{title}")
    elif what == "dense":
        raise Refusal("a dense layer is described in docs/network-file.md; a commented one is in: chainrule new -")
    else:
        click.echo(model.kind_text(what, terminal_width()))


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
