"""The command line: `serve` when no command is named, and the others in `gateway.commands`."""

from __future__ import annotations

import click

from gateway import __version__
from gateway.cli.descriptor import descriptor
from gateway.cli.doctor import doctor
from gateway.cli.documents import documents
from gateway.cli.sandbox import sandbox
from gateway.cli.schema import schema
from gateway.cli.serve import serve
from gateway.cli.settings import show_settings
from gateway.cli.startup_message import PROGRAM


class ServesByDefault(click.Group):
    """A group whose options are those of `serve` when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own_options = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own_options):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ServesByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """One GraphQL endpoint over the circulation services of a library.

    Without a command it serves, and takes the options of `serve`.

    \b
    Examples:
      circulation-gateway                                       an embedded library of invented records
      circulation-gateway --okapi-url https://okapi.example.org
      circulation-gateway serve --help                          every setting
    """


cli.add_command(serve)
cli.add_command(sandbox)
cli.add_command(schema)
cli.add_command(show_settings)
cli.add_command(doctor)
cli.add_command(descriptor)
cli.add_command(documents)


def main() -> None:
    """Run the command line."""
    cli.main(prog_name=PROGRAM)
