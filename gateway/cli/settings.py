"""`settings`: print the settings in effect; also the options of every command that takes settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from gateway.cli.startup import CannotStart
from gateway.settings import (
    BrowserSettings,
    DocumentSettings,
    IdempotencySettings,
    KafkaSettings,
    LimitSettings,
    ObservabilitySettings,
    Origin,
    ServerSettings,
    Settings,
    UpstreamSettings,
)
from gateway.settings_group import Secret, SettingsError, SettingsGroup

Command = TypeVar("Command", bound=Callable[..., Any])
GROUPS: Mapping[str, type[SettingsGroup]] = {
    "Upstreams": UpstreamSettings,
    "Limits": LimitSettings,
    "Documents": DocumentSettings,
    "Browsers": BrowserSettings,
    "Idempotency keys": IdempotencySettings,
    "Observability": ObservabilitySettings,
    "Server": ServerSettings,
    "Kafka": KafkaSettings,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A setting as text."""

    name: str
    value: str
    default: str
    meaning: str
    origin: Origin


def settings_table(settings: Settings) -> list[SettingRow]:
    """Return a row for each setting with its effective value, secrets hidden."""
    return [
        SettingRow(
            name=name.upper(),
            value=value_text(getattr(settings, name)),
            default=value_text(declared.default),
            meaning=declared.description,
            origin=settings.origin(name),
        )
        for name, declared in settings.declarations().items()
    ]


def settings_markdown() -> str:
    """Return the settings as the manual has them: a heading and a Markdown table for each group."""
    parts = []
    for title, group in GROUPS.items():
        lines = [f"## {title}", "", f"{group.__doc__}", "", "| Name | Default | Meaning |", "|---|---|---|"]
        for name, declared in group.declarations().items():
            default = "unset" if declared.default in (None, "") else f"`{value_text(declared.default)}`"
            meaning = declared.description.replace("|", "\\|")
            lines.append(f"| `{name.upper()}` | {default} | {meaning} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def value_text(value: bool | float | str | Path | Secret | None) -> str:
    """Return a value as it is written in the environment, a secret as asterisks."""
    if value is None:
        return "unset"
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def setting_options(command: Command) -> Command:
    """Add an option for each setting to a command."""
    for name, declared in reversed([*Settings.declarations().items()]):
        option = name.replace("_", "-")
        default = "" if declared.default is None else f" [default: {value_text(declared.default)}]"
        command = click.option(
            f"--{option}/--no-{option}" if declared.kind is bool else f"--{option}",
            name,
            default=None,
            metavar=None if declared.kind is bool else metavar(declared.kind),
            help=f"{declared.description}{default}",
        )(command)
    return command


def metavar(kind: object) -> str:
    """Return the placeholder of an option's value for its help."""
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    names: dict[object, str] = {int: "NUMBER", float: "SECONDS", Path: "PATH"}
    return names.get(kind, "TEXT")


def read_settings(options: dict[str, Any]) -> Settings:
    """Return the settings from the options of a command and the environment."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except SettingsError as error:
        raise CannotStart(str(error)) from error


@click.command()
@click.option("--markdown", is_flag=True, help="Print the tables of the manual: names, defaults, meanings.")
@setting_options
def settings(markdown: bool, **options: Any) -> None:
    """Print every setting in effect and its origin, secrets hidden.

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
