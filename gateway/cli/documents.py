"""`documents`: check manifests of trusted documents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import PROGRESS_AFTER, PROGRESS_EVERY, CannotStart, show_progress

if TYPE_CHECKING:  # imported when the command runs, to show its progress
    from gateway.engine.manifests import TrustedDocuments


@click.group()
def documents() -> None:
    """Check manifests of trusted documents, which front-end builds generate.

    \b
    Example:
      circulation-gateway documents check persisted-documents.json
    """


@documents.command()
@click.argument("manifest", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--max-calls",
    type=click.IntRange(min=0),
    metavar="N",
    help="Fail if an operation may need more upstream calls.",
)
@click.option(
    "--baseline",
    type=click.Path(exists=True, path_type=Path),
    metavar="MANIFEST",
    help="Fail if an operation may need more upstream calls than the one of its name there.",
)
@setting_options
@click.pass_context
def check(
    ctx: click.Context,
    /,
    manifest: Path,
    max_calls: int | None,
    baseline: Path | None,
    **options: Any,
) -> None:
    """Check every operation of MANIFEST against the schema and the limits. Nothing is sent upstream.

    MANIFEST is a file of graphql-codegen's client preset, of Relay or of Apollo, or a folder of such files.
    The limits are those of the settings. With --max-calls or --baseline the upstream calls of each operation
    are printed, by the estimate that MAX_COST limits, with the default values of its variables. Exits with 0
    if all documents are valid, with 1 if one is not or needs more calls than it may, with 2 if a manifest
    cannot be read.

    \b
    Examples:
      circulation-gateway documents check persisted-documents.json
      circulation-gateway documents check persisted-documents.json --max-calls 10 --baseline released.json
    """
    settings = read_settings(options)
    with show_progress("Building the schema"):
        from gateway.app import create_documents
        from gateway.engine.trusted_documents import estimated_calls, find_problems

        served = create_documents(settings.replace(documents_mode="off"))
    trusted = _read_trusted(manifest)
    before: dict[str, int] | None = None
    if baseline is not None:
        before = {}
        for document in _read_trusted(baseline):
            for name, calls in estimated_calls(served.pin(document.text), served):
                key = name or document.id
                before[key] = max(calls, before.get(key, 0))
    next_report = time.monotonic() + PROGRESS_AFTER
    problems = 0
    for number, document in enumerate(trusted):
        if time.monotonic() >= next_report:
            next_report = time.monotonic() + PROGRESS_EVERY
            click.echo(f"Checking ... {number} of {len(trusted)}", err=True)
        prepared = served.pin(document.text)
        for problem in find_problems(document, prepared, served):
            problems += 1
            click.echo(str(problem))
        if max_calls is None and before is None:
            continue
        for name, calls in estimated_calls(prepared, served):
            known = None if before is None else before.get(name or document.id)
            is_more = known is not None and calls > known
            is_above = max_calls is not None and calls > max_calls
            problems += is_more or is_above
            operation = f"{document.id} ({name or 'without a name'})"
            click.echo(_describe_calls(operation, calls, known, max_calls))
    if problems:
        click.echo(
            f"{len(trusted)} documents, {problems} {'problem' if problems == 1 else 'problems'}", err=True
        )
        ctx.exit(1)
    click.echo(f"{len(trusted)} documents, all valid")


def _describe_calls(operation: str, calls: int, before: int | None, maximum: int | None) -> str:
    line = f"{operation}: {calls} {'call' if calls == 1 else 'calls'}"
    if before is not None and before != calls:
        line += f", {'more' if calls > before else 'fewer'} than the {before} in the baseline"
    return f"{line}; at most {maximum} are allowed" if maximum is not None and calls > maximum else line


def _read_trusted(manifest: Path) -> TrustedDocuments:
    from gateway.engine.manifests import ManifestError, TrustedDocuments, read_manifests

    try:
        return TrustedDocuments(read_manifests(manifest))
    except ManifestError as error:
        raise CannotStart(str(error)) from error
