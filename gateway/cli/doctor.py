"""`doctor`: send every read of the gateway once, as one user."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from gateway.cli.serve import require_upstream_or_sandbox
from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import CannotStart, sandbox_notice, show_progress
from gateway.errors import BadRequest
from gateway.identity import (
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    SANDBOX_STAFF,
    SANDBOX_TENANT,
    TENANT_HEADER,
    TOKEN_HEADER,
    Caller,
    caller_from_headers,
    raw,
)
from gateway.settings import Settings, strip_secret
from gateway.settings_group import SettingsError

if TYPE_CHECKING:  # loaded when there is something to check
    from gateway.doctor.diagnosis import Diagnosis

TOKEN = "OKAPI_TOKEN"  # noqa: S105 - the name of a variable
POLARIS_AUTHORIZATION = "POLARIS_AUTHORIZATION"
MAX_NAMES = 3  # checks that a notice names


@click.command()
@click.option("--tenant", envvar="OKAPI_TENANT", metavar="TENANT", help="Tenant of the user.")
@click.option(
    "--token-file",
    type=click.File("rb"),
    metavar="FILE",
    help=f"File with the user's token, - for the standard input; unset: {TOKEN} from the environment.",
)
@click.option(
    "--polaris-authorization-file",
    type=click.File("rb"),
    metavar="FILE",
    help="File with the staff member's Polaris identity, `PAS ...` or `Bearer ...`; unset: "
    f"{POLARIS_AUTHORIZATION} from the environment.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@setting_options
@click.pass_context
def doctor(
    ctx: click.Context,
    /,
    tenant: str | None,
    token_file: IO[bytes] | None,
    polaris_authorization_file: IO[bytes] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Check each upstream with a user's token, the permissions of this user, REDIS_URL and Kafka.

    Every path that the gateway reads is requested once, for one record or none; nothing is written. Mutations
    cannot be tried: they are checked against the user's permissions if FOLIO exposes them. The token is never
    printed. Exits with 0 if all checks passed, with 1 if one failed, with 2 if nothing could be checked.

    \b
    Example:
      OKAPI_TOKEN=... circulation-gateway doctor --tenant diku --okapi-url https://okapi.example.org
    """
    settings = read_settings(options)
    require_upstream_or_sandbox(settings)
    with show_progress("Starting"):
        from gateway.doctor import report

    given = {
        TENANT_HEADER: tenant or (SANDBOX_TENANT if settings.serves_sandbox else None),
        TOKEN_HEADER: read_secret(token_file, TOKEN),
        POLARIS_AUTHORIZATION_HEADER: read_secret(polaris_authorization_file, POLARIS_AUTHORIZATION),
    }
    if given[TENANT_HEADER] is None:
        raise CannotStart("--tenant: is missing; name the tenant of the user")
    diagnosis = asyncio.run(run(settings, given))
    if as_json:
        click.echo(report.as_json(diagnosis))
    else:
        click.echo("\n".join([*upstream_lines(settings), report.as_text(diagnosis)]))
    ctx.exit(0 if diagnosis.is_healthy else 1)


async def run(settings: Settings, given: dict[str, str | None]) -> Diagnosis:
    """Check the services that the settings name, or an embedded library in this process."""
    from gateway.doctor.diagnosis import diagnose, services_to_check
    from gateway.doctor.kafka import check_kafka
    from gateway.doctor.store import check_store

    transport = None
    if settings.serves_sandbox:
        from gateway.sandbox import create_sandbox
        from gateway.upstream.transport.transports import in_process_transport

        try:
            sandbox = create_sandbox(settings.sandbox_data)
        except ValueError as error:
            raise CannotStart(f"SANDBOX_DATA: {error}") from error
        summary = sandbox.summary(SANDBOX_TENANT)
        given = {
            **given,
            POLARIS_AUTHORIZATION_HEADER: given[POLARIS_AUTHORIZATION_HEADER]
            or summary.polaris_authorizations[SANDBOX_STAFF],
            POLARIS_WORKSTATION_HEADER: str(summary.polaris_workstation),
            POLARIS_ORGANIZATION_HEADER: str(summary.polaris_organization),
        }
        transport = lambda _: in_process_transport(sandbox)  # noqa: E731 - used once
    caller = read_caller(given)
    try:
        services = services_to_check(settings, transport)
    except SettingsError as error:
        raise CannotStart(str(error)) from error
    try:
        store = await check_store(settings)
        kafka = await check_kafka(settings, caller.tenant)
        return await diagnose(services, caller, print_pending, store=store, kafka=kafka)
    finally:
        await services.aclose()


def read_caller(given: dict[str, str | None]) -> Caller:
    """Return the caller of a request with these headers, validated as the endpoint validates it."""
    headers = [
        (raw(name), value.encode(errors="surrogateescape"))
        for name, value in given.items()
        if value is not None
    ]
    try:
        return caller_from_headers(headers, token_cookie=False)
    except BadRequest as error:
        raise CannotStart(f"the user cannot be checked: {error.message}") from error


def read_secret(file: IO[bytes] | None, variable: str) -> str | None:
    """Return the text of a file, or of an environment variable; None if there is neither."""
    if file is None:
        return strip_secret(os.environ.get(variable, "")) or None
    from gateway.engine.manifests import decode_text

    try:
        return strip_secret(decode_text(file.read()))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"{file.name}: cannot be read as text") from error


def upstream_lines(settings: Settings) -> list[str]:
    """List the addresses that are checked, or say that it is the embedded library."""
    if settings.serves_sandbox:
        return [sandbox_notice(settings.sandbox_data)]
    upstreams = {"folio": settings.okapi_url, "bff": settings.bff_url, "polaris": settings.polaris_url}
    return [f"{name} at {url}" for name, url in upstreams.items() if url]


def print_pending(names: Sequence[str]) -> None:
    """Print the names of pending checks."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    click.echo(f"Waiting for {', '.join(names[:MAX_NAMES])}{more} ...", err=True)
