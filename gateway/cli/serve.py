"""`serve`: the gateway."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from gateway.cli.listening import address, listen
from gateway.cli.settings import read_settings, setting_options
from gateway.cli.startup import CannotStart, notice_when_slow
from gateway.cli.startup_message import PROGRAM, greeting
from gateway.cli.workers import Workers, metrics_folder
from gateway.observability import logs
from gateway.server.lifecycle import run
from gateway.settings import Settings, SettingsError, value_text

DRAIN_SECONDS = 3.0  # what a load balancer takes to notice that readiness is off


@click.command()
@setting_options
def serve(**options: Any) -> None:
    """Serve GraphQL. Each option is also an environment variable: --okapi-url is OKAPI_URL.

    \b
    Example:
      circulation-gateway serve --okapi-url https://okapi.example.org --port 8081
    """
    settings = read_settings(options)
    require_something_to_serve(settings)
    require_one_library(settings)
    with listen(settings.host, settings.port) as listener:
        greeted = greeting(settings, address(listener))
        if settings.workers == 1:
            serve_here(settings, listener, lambda: click.echo(greeted))
        else:
            serve_in_workers(settings, listener, lambda: click.echo(greeted))


def serve_here(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve in this process until a signal ends it."""
    with logs.written(settings.log_level, settings.log_format):
        _serve(settings, listener, announce)


def _serve(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    with notice_when_slow("Starting"):
        from gateway.app import create_app
        from gateway.server.protocol import bounded_protocol

        try:
            app = create_app(settings)
        except SettingsError as error:
            raise CannotStart(str(error)) from error
        except ValueError as error:
            if settings.sandbox_data is None:
                raise
            raise CannotStart(f"SANDBOX_DATA: {error}") from error
    drain = min(DRAIN_SECONDS, settings.shutdown_timeout / 2)
    run(
        app,
        listener,
        announce=announce,
        drain=drain,
        last_acts=max(0.0, settings.shutdown_timeout / 2 - drain),  # and then they have ACT_TIMEOUT
        shutdown_timeout=settings.shutdown_timeout - drain,
        log_level=settings.log_level,
        http=bounded_protocol(settings),
    )


def serve_in_workers(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve in as many processes as WORKERS says until a signal ends them; exit as they did."""
    with logs.written(settings.log_level, settings.log_format), metrics_folder():
        workers = Workers(settings.workers, partial(serve_here, settings), listener, announce=announce)
        status = workers.run()
    if status:
        sys.exit(status)


def require_something_to_serve(settings: Settings) -> None:
    """Refuse settings which name neither an upstream nor the embedded library."""
    if settings.has_upstream or settings.serves_sandbox:
        return
    name = "REQUIRE_UPSTREAM" if settings.sandbox is None else "SANDBOX"
    raise CannotStart(
        f"{name}: no upstream is configured; set OKAPI_URL, BFF_URL or POLARIS_URL to serve your library,"
        " or SANDBOX=1 to serve an embedded library of invented records"
        f" (got {value_text(getattr(settings, name.lower()))!r})"
    )


def require_one_library(settings: Settings) -> None:
    """Refuse several embedded libraries: what one worker lends the others would not know of."""
    if settings.workers > 1 and settings.serves_sandbox:
        raise CannotStart(
            "WORKERS: the embedded library lives in one process; use 1, or serve the library by itself with"
            f" `{PROGRAM} sandbox` and set OKAPI_URL to it (got '{settings.workers}')"
        )
