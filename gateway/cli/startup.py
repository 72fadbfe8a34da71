"""The start of a command: its listening socket, progress on standard error, and the startup message."""

from __future__ import annotations

import errno
import ipaddress
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway import __version__
from gateway.identity import (
    POLARIS_AUTHORIZATION_HEADER,
    POLARIS_ORGANIZATION_HEADER,
    POLARIS_WORKSTATION_HEADER,
    SANDBOX_TENANT,
    TENANT_HEADER,
    TOKEN_HEADER,
)
from gateway.observability.line_output import LineOutput
from gateway.server.open_files import (
    RESERVED,
    SPARE_CONNECTIONS,
    Connections,
    TooFewFiles,
    fit,
    raise_file_limit,
)
from gateway.settings import ServerSettings, Settings, UpstreamSettings

if TYPE_CHECKING:  # the sandbox is loaded only by the commands that serve it
    from gateway.sandbox import Summary

log = logging.getLogger(__name__)

ServerSettingsT = TypeVar("ServerSettingsT", bound=ServerSettings)

PROGRAM = "circulation-gateway"
PROGRESS_AFTER = 1.0  # seconds without output that make people wonder
PROGRESS_EVERY = 5.0  # seconds
FIRST_QUERY = "{ loans(first: 3) { nodes { dueDate borrower { barcode } item { title } } } }"
FIRST_LOCK_QUERY = "{ objectLocks { nodes { objectId } } }"


class CannotStart(click.ClickException):
    """An error that the operator must fix before the command can run, printed without a traceback."""

    exit_code = 2

    def show(self, file: Any = None) -> None:  # Any: as click declares it
        click.echo(self.message, err=True)


@contextmanager
def show_progress(
    activity: str, *, after: float = PROGRESS_AFTER, every: float = PROGRESS_EVERY
) -> Iterator[None]:
    """Print the activity and its elapsed time to standard error while it takes long."""
    started = time.monotonic()
    done = threading.Event()

    output = LineOutput(sys.stderr)

    def report() -> None:
        if done.wait(after):
            return
        output.write(f"{activity} ...\n")
        while not done.wait(every):
            output.write(f"{activity} ... {time.monotonic() - started:.0f} s\n")

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def fit_connections(settings: ServerSettingsT) -> tuple[ServerSettingsT, int]:
    """Return the settings with limits that fit the files that the process may open, as do all calls upstream.

    The limit of open files is raised as far as permitted. Also returns the number of connections beyond
    MAX_CONNECTIONS. Reduced limits are logged. Raises `CannotStart` if there are too few files to serve.
    """
    upstream = settings if isinstance(settings, UpstreamSettings) else None
    wanted = Connections(
        clients=settings.max_connections,
        spare=SPARE_CONNECTIONS,
        for_each_upstream=0 if upstream is None else upstream.upstream_concurrency,
        upstreams=0 if upstream is None else count_upstreams(upstream),
    )
    files = raise_file_limit(wanted.total + RESERVED)
    try:
        fitting = fit(wanted, files)
    except TooFewFiles as error:
        raise CannotStart(str(error)) from error
    if fitting == wanted:
        return settings, fitting.spare
    reduced: dict[str, int] = {"max_connections": fitting.clients}
    if wanted.upstreams:
        reduced["upstream_concurrency"] = fitting.for_each_upstream
    changes = " and ".join(
        f"{name.upper()} is {value} instead of {getattr(settings, name)}"
        for name, value in reduced.items()
        if value != getattr(settings, name)
    )
    log.warning("%s, because the process may open %s files (ulimit -n)", changes, files)
    return settings.replace(**reduced), fitting.spare


def count_upstreams(settings: UpstreamSettings) -> int:
    """Return the number of upstreams that have connections of their own."""
    urls = (settings.okapi_url, settings.bff_url or settings.okapi_url, settings.polaris_url)
    return sum(url is not None for url in urls)


def announce(message: str) -> None:
    """Print a startup message to standard output, unless that accepts none."""
    is_terminal = sys.stdout is not None and not sys.stdout.closed and sys.stdout.isatty()
    LineOutput(sys.stdout).write((message if is_terminal else click.unstyle(message)) + "\n")


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket before anything is loaded, so that a port in use is reported at once."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
        raise CannotStart(f"HOST: must be an address of this machine (got {host!r})") from error
    # A name such as localhost has several addresses: IPv4 first, which every client tries.
    family, _, _, _, target = min(addresses, key=lambda each: each[0] != socket.AF_INET)
    try:
        return socket.create_server(
            target[:2],
            family=family,
            backlog=2048,
            dualstack_ipv6=target[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise CannotStart(explain_listen_error(error, host, port)) from error


def explain_listen_error(error: OSError, host: str, port: int) -> str:
    """Return one line with the reason and the remedy."""
    if error.errno == errno.EADDRINUSE:
        return f"PORT: is in use on {host}; choose another, or 0 for any free port (got '{port}')"
    if error.errno == errno.EACCES:
        return f"PORT: requires privileges; choose a port above 1023 (got '{port}')"
    return f"HOST: must be an address of this machine (got {host!r})"


def local_url(listener: socket.socket) -> str:
    """Return the URL at which clients on this machine reach a listening socket."""
    host, port = listener.getsockname()[:2]
    ip = ipaddress.ip_address(host)
    if ip.is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ip.version == 6 else f"http://{host}:{port}"


def gateway_message(settings: Settings, url: str, *, is_local: bool) -> str:
    """Return the startup message of the gateway: upstreams, addresses, exposure, and a first query to paste.

    `is_local` is true if it listens on loopback.
    """
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            *list_upstreams(settings),
            "",
            f"  GraphQL  {url}/graphql" + ("  (GraphiQL in a browser)" if settings.graphiql else ""),
            f"  Health   {url}/admin/health",
            f"  Metrics  {url}/metrics",
            "",
            *describe_exposure(settings, is_local=is_local),
            "",
            "A first query:",
            "",
            f"  {first_query(settings, url)}",
            "",
        ]
    )


def sandbox_message(summary: Summary, data: Path | None, url: str) -> str:
    """Return the startup message of the sandbox: its records, its address, and a first call to paste."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.counts.items() if count)
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            sandbox_notice(data),
            f"Tenant {summary.tenant}: {counts}.",
            "",
            f"  FOLIO and Polaris  {url}",
            "",
            "A first call, and a gateway to it:",
            "",
            f'  curl "{url}/circulation/loans?limit=1" -H "{TENANT_HEADER}: {summary.tenant}"',
            f"  {PROGRAM} --okapi-url {url} --polaris-url {url}",
            "",
        ]
    )


def sandbox_notice(data: Path | None) -> str:
    """Return the line that makes clear that the records are not those of a library."""
    records = f"the records in {data}" if data else "invented records"
    notice = f"SANDBOX: an embedded library with {records}, not your library."
    return click.style(notice, fg="yellow", bold=True)


def list_upstreams(settings: Settings) -> list[str]:
    """Return a line for each upstream, or the notice of the sandbox."""
    if settings.serves_sandbox:
        return [sandbox_notice(settings.sandbox_data), "Set OKAPI_URL to serve your library."]
    upstreams = {
        "FOLIO": settings.okapi_url,
        "FOLIO circulation BFF": settings.bff_url,
        "Polaris": settings.polaris_url,
    }
    return [f"Serving {name} at {url}" for name, url in upstreams.items() if url]


def describe_exposure(settings: Settings, *, is_local: bool) -> list[str]:
    """Return a line about the machines that can connect, and one about what every client can read."""
    reach = "Only this machine can connect." if is_local else "Other machines can connect."
    exposure = {
        "GraphiQL": settings.graphiql,
        "introspection of the schema": settings.introspection,
        "plans of operations": settings.explains,
        "suggestions in errors": settings.suggestions,
    }
    enabled = [name for name, is_enabled in exposure.items() if is_enabled]
    if not enabled:
        return [reach, f"No client can use {_enumerate(exposure, 'or')}."]
    cure = "" if settings.production else " PRODUCTION=1 turns this off."
    return [reach, f"Every client can use {_enumerate(enabled, 'and')}.{cure}"]


def _enumerate(names: Iterable[str], conjunction: str) -> str:
    *others, last = names
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def first_query(settings: Settings, url: str) -> str:
    """Return the curl command of a query that works as it is, apart from the caller's token."""
    query = FIRST_QUERY
    headers = ["Content-Type: application/json"]
    if not settings.serves_sandbox:
        headers += [f"{TENANT_HEADER}: {SANDBOX_TENANT}", f"{TOKEN_HEADER}: $TOKEN"]
        if not (settings.okapi_url or settings.bff_url):
            query = FIRST_LOCK_QUERY
            headers.append(f"{POLARIS_AUTHORIZATION_HEADER}: PAS $POLARIS_TOKEN")
            if settings.polaris_workstation is None:
                headers.append(f"{POLARIS_WORKSTATION_HEADER}: $WORKSTATION")
            if settings.polaris_organization is None:
                headers.append(f"{POLARIS_ORGANIZATION_HEADER}: $ORGANIZATION")
    options = " ".join(f'-H "{header}"' for header in headers)
    return f"curl {url}/graphql {options} -d '{json.dumps({'query': query})}'"
