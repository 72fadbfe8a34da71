"""`sandbox`: serve the embedded library alone."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.startup import (
    CannotStart,
    announce,
    fit_connections,
    listen,
    local_url,
    sandbox_message,
    show_progress,
)
from gateway.identity import SANDBOX_TENANT
from gateway.observability import logs
from gateway.server.lifecycle import run
from gateway.server.names import check_hosts
from gateway.settings import ObservabilitySettings, ServerSettings
from gateway.settings_group import SettingsError

BFF_VERSIONS = ("latest", "released", "early", "without-mediated-requests", "fails-on-tags")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9130,
    show_default=True,
    help="TCP port to listen on; 0 takes any free port.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of FOLIO records, in place of the sample records.",
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    help="Seconds to delay each response.",
)
@click.option(
    "--bff",
    type=click.Choice(BFF_VERSIONS),
    default=BFF_VERSIONS[0],
    show_default=True,
    help="Version of the circulation BFF: an older one lacks lists, others break on a page of requests.",
)
@click.option(
    "--allowed-hosts",
    envvar="ALLOWED_HOSTS",
    default="",
    help="Comma-separated names to serve besides localhost; unset: any, but on loopback no other.",
)
def sandbox(host: str, port: int, data: Path | None, latency: float, bff: str, allowed_hosts: str) -> None:
    """Serve the embedded library alone, with the REST interfaces of FOLIO and Polaris.

    \b
    Example:
      circulation-gateway sandbox --port 9130
      circulation-gateway --okapi-url http://127.0.0.1:9130 --polaris-url http://127.0.0.1:9130
    """
    try:
        settings = ServerSettings(allowed_hosts=allowed_hosts)
    except SettingsError as error:
        raise CannotStart(str(error)) from error
    log_settings = ObservabilitySettings(log_level="info", log_format="text")
    with listen(host, port) as listener, logs.configure(log_settings):
        settings, max_spare = fit_connections(settings)
        with show_progress(f"Loading the records in {data}" if data else "Creating the sample records"):
            from gateway.http.error_response import error_response
            from gateway.sandbox import create_sandbox
            from gateway.sandbox.http.bff import VERSIONS
            from gateway.server.protocol import bounded_protocol

            try:
                app = create_sandbox(data, latency=latency, bff=VERSIONS[bff])
            except ValueError as error:
                raise CannotStart(f"--data: {error}") from error
        message = sandbox_message(app.summary(SANDBOX_TENANT), data, local_url(listener))
        run(
            app,
            listener,
            announce=lambda: announce(message),
            drain=0.0,
            shutdown_timeout=5,
            log_level="info",
            http=bounded_protocol(
                settings,
                error_response,
                hosts=check_hosts(listener, settings.host_names),
                max_spare=max_spare,
            ),
        )
