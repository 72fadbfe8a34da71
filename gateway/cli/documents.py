"""`documents`: check manifests of trusted documents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import PROGRESS_AFTER, PROGRESS_EVERY, CannotStart, show_progress


@click.group()
def documents() -> None:
    """Check manifests of trusted documents, which front-end builds generate.

    \b
    Example:
      circulation-gateway documents check persisted-documents.json
    """


@documents.command()
@click.argument("manifest", type=click.Path(exists=True, path_type=Path))
@setting_options
@click.pass_context
def check(ctx: click.Context, /, manifest: Path, **options: Any) -> None:
    """Check every operation of MANIFEST against the schema and the limits. Nothing is sent upstream.

    MANIFEST is a file of graphql-codegen's client preset, of Relay or of Apollo, or a folder of such files.
    The limits are those of the settings. Exits with 0 if all documents are valid, with 1 if one is not, with
    2 if the manifest cannot be read.

    \b
    Example:
      circulation-gateway documents check persisted-documents.json
    """
    settings = read_settings(options)
    with show_progress("Building the schema"):
        from gateway.app import create_documents
        from gateway.engine.manifests import ManifestError, TrustedDocuments, read_manifests
        from gateway.engine.trusted_documents import find_problems

        served = create_documents(settings.model_copy(update={"documents_mode": "off"}))
    try:
        trusted = TrustedDocuments(read_manifests(manifest))
    except ManifestError as error:
        raise CannotStart(str(error)) from error
    next_report = time.monotonic() + PROGRESS_AFTER
    problems = 0
    for number, document in enumerate(trusted):
        if time.monotonic() >= next_report:
            next_report = time.monotonic() + PROGRESS_EVERY
            click.echo(f"Checking ... {number} of {len(trusted)}", err=True)
        for problem in find_problems(document, served.pin(document.text), served):
            problems += 1
            click.echo(str(problem))
    if problems:
        click.echo(f"{len(trusted)} documents, {problems} problems", err=True)
        ctx.exit(1)
    click.echo(f"{len(trusted)} documents, all valid")
