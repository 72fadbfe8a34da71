"""`settings`: what is in effect, and the options that every command which takes settings has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from gateway.cli.startup import CannotStart
from gateway.settings import Settings, SettingsError, settings_markdown, settings_table, value_text

Command = TypeVar("Command", bound=Callable[..., Any])


def setting_options(command: Command) -> Command:
    """Give a command one option for each setting."""
    for name, field in reversed(Settings.model_fields.items()):
        option = name.replace("_", "-")
        types = (field.annotation, *get_args(field.annotation))
        default = "" if field.default is None else f" [default: {value_text(field.default)}]"
        command = click.option(
            f"--{option}/--no-{option}" if bool in types else f"--{option}",
            name,
            default=None,
            metavar=None if bool in types else metavar(types),
            help=f"{field.description}{default}",
        )(command)
    return command


def metavar(types: Sequence[object]) -> str:
    """Name what an option takes, for its help."""
    if get_origin(types[0]) is Literal:
        return "|".join(get_args(types[0]))
    names: dict[object, str] = {int: "NUMBER", float: "SECONDS", Path: "PATH"}
    plain = [getattr(each, "__origin__", each) for each in types]  # of Annotated[Path, ...]: Path
    return next((names[each] for each in plain if each in names), "TEXT")


def read_settings(options: dict[str, Any]) -> Settings:
    """Read the settings from the options that were given and the environment."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except SettingsError as error:
        raise CannotStart(str(error)) from error


@click.command("settings")
@click.option("--markdown", is_flag=True, help="Print the manual's table: names, defaults, meanings.")
@setting_options
def show_settings(markdown: bool, **options: Any) -> None:
    """Print every setting as it is in effect here and where it came from, secrets hidden.

    \b
    Example:
      OKAPI_URL=https://okapi.example.org circulation-gateway settings
    """
    if markdown:
        click.echo(settings_markdown(), nl=False)
        return
    rows = [("NAME", "VALUE", "FROM", "MEANING")]
    rows += [(row.name, row.value, row.origin, row.meaning) for row in settings_table(read_settings(options))]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for cells in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
