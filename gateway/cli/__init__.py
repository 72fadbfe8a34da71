"""The command line: one module for each command; `serve` runs if no command is named."""

from __future__ import annotations

import click

from gateway import __version__
from gateway.cli.descriptor import descriptor
from gateway.cli.doctor import doctor
from gateway.cli.documents import documents
from gateway.cli.explain import explain
from gateway.cli.manual import manual
from gateway.cli.sandbox import sandbox
from gateway.cli.schema import schema
from gateway.cli.serve import serve
from gateway.cli.settings import settings
from gateway.cli.startup import PROGRAM


class ServeByDefault(click.Group):
    """A group that takes the options of `serve` if no command is named."""

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


for _command in (serve, sandbox, schema, settings, doctor, documents, explain, descriptor, manual):
    cli.add_command(_command)


def main() -> None:
    """Run the command line."""
    cli.main(prog_name=PROGRAM)
