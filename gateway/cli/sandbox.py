"""`sandbox`: the embedded library by itself."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.listening import address, listen
from gateway.cli.startup import CannotStart, notice_when_slow
from gateway.cli.startup_message import sandbox_greeting
from gateway.server.lifecycle import run

SANDBOX_TENANT = "diku"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9130,
    show_default=True,
    help="TCP port to listen on; 0 takes any free one.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of FOLIO records, in place of the invented ones.",
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    help="Seconds that each answer takes longer.",
)
def sandbox(host: str, port: int, data: Path | None, latency: float) -> None:
    """Serve the embedded library by itself, with the REST interfaces of FOLIO and Polaris.

    \b
    Example:
      circulation-gateway sandbox --port 9130
      circulation-gateway --okapi-url http://127.0.0.1:9130 --polaris-url http://127.0.0.1:9130
    """
    with listen(host, port) as listener:
        with notice_when_slow(f"Loading the records in {data}" if data else "Inventing a library"):
            from gateway.sandbox import create_sandbox

            try:
                app = create_sandbox(data, latency=latency)
            except ValueError as error:
                raise CannotStart(f"--data: {error}") from error
        text = sandbox_greeting(app.summary(SANDBOX_TENANT), data, address(listener))
        run(
            app,
            listener,
            announce=lambda: click.echo(text),
            drain=0.0,
            shutdown_timeout=5,
            log_level="info",
        )
