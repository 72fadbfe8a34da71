"""The command line: one module for each command; `serve` runs if no command is named."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module

import click

from gateway import __version__
from gateway.cli.startup import PROGRAM

COMMANDS = (
    "descriptor",
    "doctor",
    "documents",
    "explain",
    "manual",
    "sandbox",
    "schema",
    "serve",
    "settings",
)  # each is a module of this package with a command of its name

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # of a file that standard output is written to


class ServeByDefault(click.Group):
    """A group that takes the options of `serve` if no command is named, and imports commands on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own_options = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own_options):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ServeByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """One GraphQL endpoint over the circulation services of a library.

    Without a command it runs `serve`, and takes its options.

    \b
    Examples:
      circulation-gateway                                       an embedded library of sample records
      circulation-gateway --okapi-url https://okapi.example.org
      circulation-gateway serve --help                          all settings
      circulation-gateway manual                                the pages of the manual
    """


def main() -> None:
    """Run the command line."""
    try:
        cli.main(prog_name=PROGRAM)
    except OSError as error:
        if error.errno not in FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes at its end
        click.echo(f"standard output: cannot be written: {error.strerror}", err=True)
        sys.exit(2)
