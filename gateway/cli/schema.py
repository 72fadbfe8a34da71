"""`schema`: print, write, check or compare the schema."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from gateway.cli.startup import PROGRAM, CannotStart, show_progress

SCHEMA_FILE = Path("schema.graphql")
MAX_DIFF_LINES = 40


@click.command()
@click.option("--write", is_flag=True, help="Write the schema to schema.graphql in this folder.")
@click.option("--check", is_flag=True, help="Fail if schema.graphql in this folder differs from the schema.")
@click.option(
    "--breaking-against",
    "older",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List the changes since the schema in FILE, and fail if one may break clients.",
)
def schema(write: bool, check: bool, older: Path | None) -> None:
    """Print, write, check or compare the GraphQL schema.

    \b
    Example:
      circulation-gateway schema --breaking-against released.graphql
    """
    if write + check + (older is not None) > 1:
        raise click.UsageError("Use only one of --write, --check and --breaking-against.")

    with show_progress("Building the schema"):
        from gateway.graph import schema as graph

    text = graph.as_str().rstrip("\n") + "\n"
    if write:
        SCHEMA_FILE.write_text(text, encoding="utf-8")
        click.echo(f"{SCHEMA_FILE} written")
    elif check:
        check_schema_file(text)
    elif older is not None:
        compare_schemas(older, text)
    else:
        click.echo(text, nl=False)


def check_schema_file(text: str) -> None:
    """Fail with the first lines of the difference if the committed schema differs from `text`."""
    remedy = f"write it with: {PROGRAM} schema --write"
    if not SCHEMA_FILE.exists():
        raise click.ClickException(f"{SCHEMA_FILE} does not exist in this folder; {remedy}")
    committed = SCHEMA_FILE.read_text(encoding="utf-8")
    if committed == text:
        click.echo(f"{SCHEMA_FILE} is up to date")
        return
    difference = list(
        difflib.unified_diff(
            committed.splitlines(), text.splitlines(), f"{SCHEMA_FILE} (committed)", "schema", lineterm=""
        )
    )
    click.echo("\n".join(difference[:MAX_DIFF_LINES]))
    if len(difference) > MAX_DIFF_LINES:
        click.echo(f"... and {len(difference) - MAX_DIFF_LINES} more lines")
    raise click.ClickException(f"{SCHEMA_FILE} is not up to date; {remedy}")


def compare_schemas(older: Path, text: str) -> None:
    """List the changes since an older schema, breaking ones first, and fail if there is a breaking one."""
    from graphql import GraphQLError, build_schema, find_schema_changes
    from graphql.utilities.find_schema_changes import BreakingChange, DangerousChange

    try:
        before = build_schema(older.read_text(encoding="utf-8"))
    except (GraphQLError, TypeError, UnicodeDecodeError) as error:
        raise CannotStart(f"{older}: must be a GraphQL schema: {error}") from error
    labels: dict[type, str] = {BreakingChange: "BREAKING", DangerousChange: "DANGEROUS"}
    changes = find_schema_changes(before, build_schema(text))
    lines = sorted((labels.get(type(change), "SAFE"), change.description) for change in changes)
    for label, description in lines:
        click.echo(f"{label:<9}  {description}")
    breaking = sum(label == "BREAKING" for label, _ in lines)
    if breaking:
        raise click.ClickException(f"{breaking} of {len(lines)} changes may break clients")
    click.echo(f"{len(lines)} changes, none of them breaking")
