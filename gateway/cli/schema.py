"""`schema`: print, write, check or compare the schema."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.startup import PROGRAM, CannotStart, show_progress

if TYPE_CHECKING:
    from graphql import GraphQLSchema

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
@click.option("--incremental", is_flag=True, help="Print the schema with the directive @defer.")
def schema(write: bool, check: bool, older: Path | None, incremental: bool) -> None:
    """Print, write, check or compare the GraphQL schema.

    The schema has no @defer unless --incremental is given: graphql-js 17 and graphql-core refuse to execute
    or mock a schema that declares it. Operations may use it in any case.

    \b
    Examples:
      circulation-gateway schema --incremental > schema.graphql
      circulation-gateway schema --breaking-against released.graphql
    """
    if write + check + (older is not None) + incremental > 1:
        raise click.UsageError("Use only one of --write, --check, --breaking-against and --incremental.")

    with show_progress("Building the schema"):
        from gateway import graph  # noqa: F401 - built here, to show its progress

    if write:
        try:
            SCHEMA_FILE.write_text(print_schema(), encoding="utf-8")
        except OSError as error:
            raise CannotStart(f"{SCHEMA_FILE}: cannot be written: {error.strerror}") from error
        click.echo(f"{SCHEMA_FILE} written")
    elif check:
        check_schema_file(print_schema())
    elif older is not None:
        before = read_schema(older)
        compare_schemas(before, print_schema(incremental=before.get_directive("defer") is not None))
    else:
        click.echo(print_schema(incremental=incremental), nl=False)


def print_schema(*, incremental: bool = False) -> str:
    """Return the schema as text. `incremental` includes the directive `@defer`, as introspection does."""
    from graphql import GraphQLDeferDirective, print_directive

    from gateway.engine.core import core_schema
    from gateway.fields.nullability import annotate
    from gateway.graph import schema as graph

    annotate(core_schema(graph))
    text = f"{print_schema_definition()}\n\n{graph.as_str()}".rstrip("\n") + "\n"
    return text if incremental else text.replace(print_directive(GraphQLDeferDirective) + "\n\n", "", 1)


def print_schema_definition() -> str:
    """Return the root types with the description of the schema, which Strawberry does not print."""
    from graphql import (
        NamedTypeNode,
        NameNode,
        OperationType,
        OperationTypeDefinitionNode,
        SchemaDefinitionNode,
        StringValueNode,
        print_ast,
    )

    from gateway.engine.core import core_schema
    from gateway.graph import schema as graph

    core = core_schema(graph)
    roots = {operation: core.get_root_type(operation) for operation in OperationType}
    return print_ast(
        SchemaDefinitionNode(
            description=StringValueNode(value=core.description or "", block=True),
            directives=(),
            operation_types=tuple(
                OperationTypeDefinitionNode(
                    operation=operation, type=NamedTypeNode(name=NameNode(value=root.name))
                )
                for operation, root in roots.items()
                if root is not None
            ),
        )
    )


def check_schema_file(text: str) -> None:
    """Fail with the first lines of the difference if the committed schema differs from `text`."""
    remedy = f"write it with: {PROGRAM} schema --write"
    if not SCHEMA_FILE.exists():
        raise click.ClickException(f"{SCHEMA_FILE} does not exist in this folder; {remedy}")
    committed = read_schema_file(SCHEMA_FILE)
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


def compare_schemas(before: GraphQLSchema, text: str) -> None:
    """List the changes since an older schema, breaking ones first, and fail if there is a breaking one."""
    from graphql import BreakingChange, DangerousChange, build_schema, find_schema_changes

    from gateway.fields.nullability import lost_levels

    labels: dict[type, str] = {BreakingChange: "BREAKING", DangerousChange: "DANGEROUS"}
    after = build_schema(text)
    changes = find_schema_changes(before, after)
    nullable = {("BREAKING", each) for each in lost_levels(before, after)}
    lines = sorted(
        [*nullable, *((labels.get(type(change), "SAFE"), change.description) for change in changes)]
    )
    for label, description in lines:
        click.echo(f"{label:<9}  {description}")
    breaking = sum(label == "BREAKING" for label, _ in lines)
    if breaking:
        raise click.ClickException(f"{breaking} of {len(lines)} changes may break clients")
    click.echo(f"{len(lines)} changes, none of them breaking")


def read_schema(file: Path) -> GraphQLSchema:
    """Return the schema in a file. Raises `CannotStart` if it has none."""
    from graphql import GraphQLError, build_schema

    try:
        return build_schema(read_schema_file(file))
    except (GraphQLError, TypeError) as error:
        raise CannotStart(f"{file}: must be a GraphQL schema: {error}") from error
    except RecursionError as error:
        raise CannotStart(f"{file}: must be a GraphQL schema: nested too deeply") from error


def read_schema_file(file: Path) -> str:
    """Return the text of a schema file, which may be in UTF-16 and have the line ends of Windows."""
    from gateway.engine.manifests import decode_text

    try:
        return decode_text(file.read_bytes()).replace("\r\n", "\n")
    except OSError as error:
        raise CannotStart(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"{file}: must be in UTF-8, or in UTF-16 with a byte order mark") from error
