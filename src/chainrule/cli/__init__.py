"""The commands. Each reads its arguments, asks the facade, and prints; heavy imports wait until a command runs."""

import os
import sys

import click

from chainrule.cli import explaining, files, live, sweeping, training
from chainrule.cli.base import cli

__all__ = ["cli", "explaining", "files", "live", "main", "sweeping", "training"]


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
