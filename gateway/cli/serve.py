"""`serve`: serve the gateway."""

from __future__ import annotations

from typing import Any

import click

from gateway.cli.settings import read_settings, setting_options, value_text
from gateway.cli.startup import (
    CannotStart,
    announce,
    fit_connections,
    gateway_message,
    listen,
    local_url,
    show_progress,
)
from gateway.observability import logs
from gateway.server.lifecycle import close_unread_connections, run
from gateway.server.names import check_hosts, is_loopback
from gateway.settings import Settings
from gateway.settings_group import SettingsError

DRAIN_SECONDS = 3.0  # the time after which a load balancer has noticed that readiness is off


@click.command()
@setting_options
def serve(**options: Any) -> None:
    """Serve GraphQL. Each option is also an environment variable: --okapi-url is OKAPI_URL.

    \b
    Example:
      circulation-gateway serve --okapi-url https://okapi.example.org --port 8081
    """
    settings = read_settings(options)
    require_upstream_or_sandbox(settings)
    with listen(settings.host, settings.port) as listener, logs.configure(settings):
        settings, max_spare = fit_connections(settings)
        close_unread_connections(listener, settings.write_timeout)
        with show_progress("Starting"):
            from gateway.app import create_app
            from gateway.http.error_response import error_response
            from gateway.server.protocol import bounded_protocol

            try:
                app = create_app(settings)
            except SettingsError as error:
                raise CannotStart(str(error)) from error
            except ValueError as error:
                if settings.sandbox_data is None:
                    raise
                raise CannotStart(f"SANDBOX_DATA: {error}") from error
        message = gateway_message(settings, local_url(listener), is_local=is_loopback(listener))
        drain = min(DRAIN_SECONDS, settings.shutdown_timeout / 2)
        run(
            app,
            listener,
            announce=lambda: announce(message),
            drain=drain,
            last_mutations=max(0.0, settings.shutdown_timeout / 2 - drain),  # which then have ACT_TIMEOUT
            shutdown_timeout=settings.shutdown_timeout - drain,
            log_level=settings.log_level,
            http=bounded_protocol(
                settings,
                error_response,
                hosts=check_hosts(listener, settings.host_names),
                max_spare=max_spare,
            ),
        )


def require_upstream_or_sandbox(settings: Settings) -> None:
    """Raise `CannotStart` if the settings configure neither an upstream nor the embedded library."""
    if settings.has_upstream or settings.serves_sandbox:
        return
    name = "REQUIRE_UPSTREAM" if settings.sandbox is None else "SANDBOX"
    raise CannotStart(
        f"{name}: no upstream is configured; set OKAPI_URL, BFF_URL or POLARIS_URL to serve your library,"
        " or SANDBOX=1 to serve an embedded library of sample records"
        f" (got {value_text(getattr(settings, name.lower()))!r})"
    )
