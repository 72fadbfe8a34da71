"""`doctor`: ask everything that the gateway asks, once, as one user."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from gateway.cli.serve import require_something_to_serve
from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import CannotStart, notice_when_slow
from gateway.cli.startup_message import not_your_library
from gateway.errors import BadRequest
from gateway.identity import Caller, caller_from_headers
from gateway.settings import Settings

if TYPE_CHECKING:  # loaded when there is something to ask
    from gateway.doctor.examination import Examination

TOKEN = "OKAPI_TOKEN"  # noqa: S105 - the name of a variable
POLARIS_AUTHORIZATION = "POLARIS_AUTHORIZATION"
SANDBOX_TENANT = "diku"
SANDBOX_STAFF = "desk"
NAMED = 3  # questions that a notice names


@click.command()
@click.option("--tenant", envvar="OKAPI_TENANT", metavar="TENANT", help="In whose name is asked.")
@click.option(
    "--token-file",
    type=click.File(),
    metavar="FILE",
    help=f"File with the user's token, - for the standard input; unset: {TOKEN} from the environment.",
)
@click.option(
    "--polaris-authorization-file",
    type=click.File(),
    metavar="FILE",
    help="File with the staff member's Polaris identity, `PAS ...` or `Bearer ...`; unset: "
    f"{POLARIS_AUTHORIZATION} from the environment.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of text.")
@setting_options
@click.pass_context
def doctor(
    ctx: click.Context,
    /,
    tenant: str | None,
    token_file: IO[str] | None,
    polaris_authorization_file: IO[str] | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Reach each upstream with a user's token, and tell what this user may ask and do there.

    Every path that the gateway reads is asked once, for one record or none; nothing is changed. Mutations
    cannot be tried: what the user's permissions say of them is shown if FOLIO exposes them. The token
    is never printed. Exits with 0 when all is well, with 1 when something is wrong, with 2 when nothing
    could be asked.

    \b
    Example:
      OKAPI_TOKEN=... circulation-gateway doctor --tenant diku --okapi-url https://okapi.example.org
    """
    settings = read_settings(options)
    require_something_to_serve(settings)
    with notice_when_slow("Starting"):
        from gateway.doctor import report

    given = {
        "x-okapi-tenant": tenant or (SANDBOX_TENANT if settings.serves_sandbox else None),
        "x-okapi-token": secret(token_file, TOKEN),
        "x-polaris-authorization": secret(polaris_authorization_file, POLARIS_AUTHORIZATION),
    }
    if given["x-okapi-tenant"] is None:
        raise CannotStart("--tenant: is missing; name the tenant in whose name is asked")
    examination = asyncio.run(examined(settings, given))
    if as_json:
        click.echo(report.as_json(examination))
    else:
        click.echo("\n".join([*what_is_asked(settings), report.as_text(examination)]))
    ctx.exit(0 if examination.is_fine else 1)


async def examined(settings: Settings, given: dict[str, str | None]) -> Examination:
    """Examine the services that the settings name, or an embedded library of this process."""
    from gateway.doctor.examination import examine, services_to_examine

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
            "x-polaris-authorization": given["x-polaris-authorization"]
            or summary.polaris_authorizations[SANDBOX_STAFF],
            "x-polaris-workstation": str(summary.polaris_workstation),
            "x-polaris-organization": str(summary.polaris_organization),
        }
        transport = lambda limits: in_process_transport(sandbox)  # noqa: E731 - used once
    caller = caller_of(given)
    services = services_to_examine(settings, transport)
    try:
        return await examine(services, caller, tell_what_is_open)
    finally:
        await services.aclose()


def caller_of(given: dict[str, str | None]) -> Caller:
    """The caller that a request with these headers would have, checked as the endpoint checks it."""
    headers = [(name.encode(), value.encode()) for name, value in given.items() if value is not None]
    try:
        return caller_from_headers(headers, token_cookie=False)
    except BadRequest as error:
        raise CannotStart(f"the user cannot be asked for: {error.message}") from error


def secret(file: IO[str] | None, variable: str) -> str | None:
    """The text of a file, or of a variable of the environment; None where there is neither."""
    if file is None:
        return os.environ.get(variable) or None
    try:
        return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"{file.name}: cannot be read as text") from error


def what_is_asked(settings: Settings) -> list[str]:
    """The addresses, or that there is no library behind them."""
    if settings.serves_sandbox:
        return [not_your_library(settings.sandbox_data)]
    upstreams = {"folio": settings.okapi_url, "bff": settings.bff_url, "polaris": settings.polaris_url}
    return [f"{name} at {url}" for name, url in upstreams.items() if url]


def tell_what_is_open(names: Sequence[str]) -> None:
    """Tell people who wait what they wait for."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    click.echo(f"Waiting for {', '.join(names[:NAMED])}{more} ...", err=True)
