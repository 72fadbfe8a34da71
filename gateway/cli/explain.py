"""`explain`: print the plan of an operation: its upstream calls, their order and their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import CannotStart, show_progress

if TYPE_CHECKING:  # imported when the command runs, to show its progress
    from gateway.engine.explain import Explanation, PlannedCall
    from gateway.settings import Settings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--variables",
    "variables_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The variables, a JSON object.",
)
@click.option("--operation", metavar="NAME", help="The operation, if FILE has several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as `extensions.explain` of a response.")
@setting_options
def explain(
    file: Path, variables_file: Path | None, operation: str | None, as_json: bool, **options: Any
) -> None:
    """Print the upstream calls that the operation in FILE may need. Nothing is sent.

    FILE is a GraphQL document, - is the standard input. The calls are those of the estimate that MAX_COST
    limits, with the limits of the settings; those of a subscription are the calls of each result. Calls after
    the same call are sent side by side. Without --variables these have their default values.

    \b
    Examples:
      circulation-gateway explain request-list.graphql
      circulation-gateway explain request-list.graphql --variables variables.json --json
    """
    settings = read_settings(options)
    text = _read(file)
    variables = None if variables_file is None else _read_variables(variables_file)
    with show_progress("Building the schema"):
        import gateway.app  # noqa: F401 - built here, to show its progress

    explanation = explain_document(settings, text, operation, variables)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(explanation)).decode())
    else:
        click.echo("\n".join(describe(explanation)))


def explain_document(
    settings: Settings, text: str, name: str | None, variables: Mapping[str, Any] | None
) -> Explanation:
    """Return the plan of an operation of a document; `variables` are None for their default values.

    Any: JSON. Raises `ClickException` with the errors of a document, or of variables, that are not valid.
    """
    from graphql import GraphQLError, get_variable_values

    from gateway.app import create_documents, create_explainer
    from gateway.engine.documents import Rejected, default_values
    from gateway.engine.trusted_documents import describe_error

    documents = create_documents(settings.replace(documents_mode="off"))
    prepared = documents.prepare(text, name)
    if isinstance(prepared, Rejected):
        raise click.ClickException("\n".join(describe_error(error) for error in prepared.errors))
    explainer = create_explainer(settings)
    if variables is None:
        return explainer.explain(prepared, default_values(prepared))
    try:
        values = get_variable_values(
            documents.core_schema, prepared.node.variable_definitions or (), dict(variables)
        )
    except GraphQLError as error:
        values = [error]
    if isinstance(values, list):
        raise click.ClickException("\n".join(describe_error(error) for error in values))
    return explainer.explain(prepared, values.coerced)


def describe(explanation: Explanation) -> Iterator[str]:
    """Yield the lines of a plan as text."""
    estimate, limits = explanation.estimate, explanation.limits
    yield f"Upstream calls: {estimate.calls} of at most {limits.calls} (MAX_COST)"
    yield f"Records in the result: {estimate.nodes} of at most {limits.nodes} (MAX_RESULT_NODES)"
    if explanation.calls:
        yield ""
        yield from _table([_COLUMNS, *map(_row, explanation.calls)])
    if explanation.links:
        yield ""
        links = explanation.links
        yield from _table(
            [
                ("Link", "Cost"),
                *((each.path, each.hint or "none: its parent has what is selected") for each in links),
            ]
        )


_COLUMNS = ("Call", "After", "Times", "Keys", "Service", "Route", "For")


def _row(call: PlannedCall) -> Sequence[str]:
    routes = [f"{call.method} {call.route}", *call.alternatives]
    return (
        str(call.id),
        ", ".join(map(str, call.after)) or "-",
        str(call.estimated),
        "-" if call.batch is None else str(call.batch),
        call.service,
        " or ".join(routes),
        call.path,
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, whose first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _read(file: Path) -> str:
    """Return the text of a file, or of the standard input."""
    from gateway.engine.manifests import decode_text

    try:
        with click.open_file(str(file), "rb") as stream:
            return decode_text(stream.read())
    except OSError as error:
        raise CannotStart(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotStart(f"{file}: must be in UTF-8, or in UTF-16 with a byte order mark") from error


def _read_variables(file: Path) -> Mapping[str, Any]:
    try:
        variables = msgspec.json.decode(_read(file))
    except (msgspec.DecodeError, RecursionError) as error:
        raise CannotStart(f"{file}: is not JSON") from error
    if not isinstance(variables, dict):
        raise CannotStart(f"{file}: must be a JSON object")
    return variables
