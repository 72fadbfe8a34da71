"""The command line: serve (when no command is named), sandbox, schema, settings."""

from __future__ import annotations

import asyncio
import difflib
import errno
import ipaddress
import json
import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

import click
import uvicorn

from gateway import __version__
from gateway.settings import Settings, SettingsError, settings_markdown, settings_table, value_text

if TYPE_CHECKING:  # the library is loaded by the commands that serve it
    from gateway.sandbox import Summary

PROGRAM = "circulation-gateway"
SCHEMA_FILE = Path("schema.graphql")
DRAIN_SECONDS = 3.0  # what a load balancer takes to notice that readiness is off
DIFF_LINES = 40
SANDBOX_TENANT = "diku"
FIRST_QUERY = "{ loans(first: 3) { nodes { dueDate borrower { barcode } item { title } } } }"
FIRST_QUERY_OF_LOCKS = "{ objectLocks { nodes { objectId } } }"

Command = TypeVar("Command", bound=Callable[..., Any])


class CannotStart(click.ClickException):
    """What the operator must change before the command can do its work: plain lines, no traceback."""

    exit_code = 2

    def show(self, file: Any = None) -> None:  # Any: as click declares it
        click.echo(self.message, err=True)


class Server(uvicorn.Server):
    """uvicorn that says when it listens, turns readiness off before it stops, and then exits with 0."""

    def __init__(self, config: uvicorn.Config, *, announce: Callable[[], None], drain: float = 0.0) -> None:
        super().__init__(config)
        self.announce = announce
        self.drain = drain
        self.stop_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announce()

    async def on_tick(self, counter: int) -> bool:
        if self.stop_at is not None and time.monotonic() >= self.stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not passed on: uvicorn raises the signals it has noted once more, and the process would die of them.
        if sig == signal.SIGTERM and self.started and self.stop_at is None:
            # The state that every request finds in its scope, as the ASGI lifespan protocol has it.
            self.lifespan.state["draining"] = True
            self.stop_at = time.monotonic() + self.drain
        elif self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True


class ServesByDefault(click.Group):
    """A group whose options are those of `serve` when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own_options = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own_options):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def setting_options(command: Command) -> Command:
    """Give a command one option for each setting."""
    for name, field in reversed(Settings.model_fields.items()):
        option = name.replace("_", "-")
        types = (field.annotation, *get_args(field.annotation))
        default = "" if field.default is None else f" [default: {value_text(field.default)}]"
        command = click.option(
            f"--{option}/--no-{option}" if bool in types else f"--{option}",
            name,
            default=None,
            metavar=None if bool in types else metavar(types),
            help=f"{field.description}{default}",
        )(command)
    return command


def metavar(types: Sequence[object]) -> str:
    """Name what an option takes, for its help."""
    if get_origin(types[0]) is Literal:
        return "|".join(get_args(types[0]))
    names: dict[object, str] = {int: "NUMBER", float: "SECONDS", Path: "FOLDER"}
    plain = [getattr(each, "__origin__", each) for each in types]  # of Annotated[Path, ...]: Path
    return next((names[each] for each in plain if each in names), "TEXT")


def read_settings(options: dict[str, Any]) -> Settings:
    """Read the settings from the options that were given and the environment."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except SettingsError as error:
        raise CannotStart(str(error)) from error


@click.group(cls=ServesByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """One GraphQL endpoint over the circulation services of a library.

    Without a command it serves, and takes the options of `serve`.

    \b
    Examples:
      circulation-gateway                                       an embedded library of invented records
      circulation-gateway --okapi-url https://okapi.example.org
      circulation-gateway serve --help                          every setting
    """


@cli.command()
@setting_options
def serve(**options: Any) -> None:
    """Serve GraphQL. Each option is also an environment variable: --okapi-url is OKAPI_URL.

    \b
    Example:
      circulation-gateway serve --okapi-url https://okapi.example.org --port 8081
    """
    settings = read_settings(options)
    require_something_to_serve(settings)
    drain = min(DRAIN_SECONDS, settings.shutdown_timeout / 2)
    with listen(settings.host, settings.port) as listener:
        with notice_when_slow("Starting ..."):
            from gateway.app import create_app
            from gateway.web.protocol import WireLimits, bounded_protocol

            try:
                app = create_app(settings)
            except ValueError as error:
                if settings.sandbox_data is None:
                    raise
                raise CannotStart(f"SANDBOX_DATA: {error}") from error
        url = address(listener)
        run(
            app,
            listener,
            announce=lambda: click.echo(greeting(settings, url)),
            drain=drain,
            shutdown_timeout=settings.shutdown_timeout - drain,
            log_level=settings.log_level,
            http=bounded_protocol(
                WireLimits(
                    head_timeout=settings.head_timeout,
                    body_timeout=settings.body_timeout,
                    idle_timeout=settings.idle_timeout,
                    max_header_bytes=settings.max_header_bytes,
                    max_headers=settings.max_headers,
                    max_connections=settings.max_connections,
                )
            ),
        )


@cli.command()
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
        with notice_when_slow("Loading the library ..."):
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


@cli.command()
@click.option("--write", is_flag=True, help="Write the schema to schema.graphql in this folder.")
@click.option("--check", is_flag=True, help="Fail when schema.graphql in this folder is not the schema.")
@click.option(
    "--breaking-against",
    "older",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List what changed since the schema in FILE, and fail when a change may break clients.",
)
def schema(write: bool, check: bool, older: Path | None) -> None:
    """Print the GraphQL schema, or write it, check it, compare it.

    \b
    Example:
      circulation-gateway schema --breaking-against released.graphql
    """
    if write + check + (older is not None) > 1:
        raise click.UsageError("Only one of --write, --check and --breaking-against at a time.")

    from gateway.graph import schema as graph

    text = graph.as_str().rstrip("\n") + "\n"
    if write:
        SCHEMA_FILE.write_text(text, encoding="utf-8")
        click.echo(f"{SCHEMA_FILE} written")
    elif check:
        check_schema_file(text)
    elif older is not None:
        compare_schemas(older, text)
    else:
        click.echo(text, nl=False)


@cli.command("settings")
@click.option("--markdown", is_flag=True, help="Print the README's table: names, defaults, meanings.")
@setting_options
def show_settings(markdown: bool, **options: Any) -> None:
    """Print every setting as it is in effect here and where it came from, secrets hidden.

    \b
    Example:
      OKAPI_URL=https://okapi.example.org circulation-gateway settings
    """
    if markdown:
        click.echo(settings_markdown(), nl=False)
        return
    rows = [("NAME", "VALUE", "FROM", "MEANING")]
    rows += [(row.name, row.value, row.origin, row.meaning) for row in settings_table(read_settings(options))]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for cells in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def main() -> None:
    """Run the command line."""
    cli.main(prog_name=PROGRAM)


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


def listen(host: str, port: int) -> socket.socket:
    """Bind the port before anything is loaded, so that a taken one is told at once."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"HOST: is not an address of this machine (got {host!r})") from error
    # A name such as localhost has several addresses: IPv4 first, which every client tries.
    family, _, _, _, where = min(addresses, key=lambda each: each[0] != socket.AF_INET)
    try:
        return socket.create_server(
            where[:2],
            family=family,
            backlog=2048,
            dualstack_ipv6=where[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise CannotStart(cannot_listen(error, host, port)) from error


def cannot_listen(error: OSError, host: str, port: int) -> str:
    """Say in one line why a port could not be opened, and what to change."""
    if error.errno == errno.EADDRINUSE:
        return f"PORT: is in use on {host}; take another, or 0 for any free one (got '{port}')"
    if error.errno == errno.EACCES:
        return f"PORT: may not be opened by this user; take one above 1023 (got '{port}')"
    return f"HOST: is not an address of this machine (got {host!r})"


def address(listener: socket.socket) -> str:
    """Write the URL under which people on this machine reach a listening socket."""
    host, port = listener.getsockname()[:2]
    ip = ipaddress.ip_address(host)
    if ip.is_unspecified:
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ip.version == 6 else f"http://{host}:{port}"


@contextmanager
def notice_when_slow(notice: str, after: float = 1.0) -> Iterator[None]:
    """Tell people who wait longer than a moment what they wait for."""
    timer = threading.Timer(after, click.echo, args=(notice,), kwargs={"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run(
    app: Callable[..., Any],  # Any: uvicorn's and Starlette's ASGI types differ in name only
    listener: socket.socket,
    *,
    announce: Callable[[], None],
    drain: float,
    shutdown_timeout: float,
    log_level: str,
    http: type[asyncio.Protocol] | Literal["httptools"] = "httptools",
) -> None:
    """Serve an application on a listening socket until a signal ends it."""
    config = uvicorn.Config(
        app,
        loop="auto",  # uvloop, which every platform has but Windows
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,  # the application decides where log lines go
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing depends on the client's address
        timeout_graceful_shutdown=math.ceil(shutdown_timeout),
    )
    Server(config, announce=announce, drain=drain).run(sockets=[listener])


def greeting(settings: Settings, url: str) -> str:
    """Tell what is served, where, and a first query to paste."""
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            *what_is_served(settings),
            "",
            f"  GraphQL  {url}/graphql" + ("  (GraphiQL in a browser)" if settings.graphiql else ""),
            f"  Health   {url}/admin/health",
            f"  Told     {what_is_told(settings)}",
            "",
            "A first query:",
            "",
            f"  {first_query(settings, url)}",
            "",
        ]
    )


def what_is_told(settings: Settings) -> str:
    """Name what is open about the schema, so that nobody leaves it open unawares."""
    told = {"introspection": settings.introspection, "suggestions": settings.suggestions}
    return ", ".join(name for name, is_open in told.items() if is_open) or "nothing about the schema"


def what_is_served(settings: Settings) -> list[str]:
    """Name the upstreams, or say that there are none behind the records."""
    if settings.serves_sandbox:
        return [not_your_library(settings.sandbox_data), "Set OKAPI_URL to serve yours."]
    upstreams = {
        "FOLIO": settings.okapi_url,
        "FOLIO circulation BFF": settings.bff_url,
        "Polaris": settings.polaris_url,
    }
    return [f"Serving {name} at {url}" for name, url in upstreams.items() if url]


def sandbox_greeting(summary: Summary, data: Path | None, url: str) -> str:
    """Tell what the embedded library holds, where it is, and how to ask it."""
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.counts.items() if count)
    return "\n".join(
        [
            f"{PROGRAM} {__version__}",
            not_your_library(data),
            f"Tenant {summary.tenant}: {counts}.",
            "",
            f"  FOLIO and Polaris  {url}",
            "",
            "A first call, and a gateway over it:",
            "",
            f'  curl "{url}/circulation/loans?limit=1" -H "X-Okapi-Tenant: {summary.tenant}"',
            f"  {PROGRAM} --okapi-url {url} --polaris-url {url}",
            "",
        ]
    )


def not_your_library(data: Path | None) -> str:
    """Say that what is served is not a library's own records, where nobody overlooks it."""
    records = f"the records in {data}" if data else "invented records"
    notice = f"SANDBOX: an embedded library with {records}, not your library."
    return click.style(notice, fg="yellow", bold=True)


def first_query(settings: Settings, url: str) -> str:
    """Write the curl command of a query that works as it stands, but for the caller's own token."""
    query = FIRST_QUERY
    headers = ["Content-Type: application/json"]
    if not settings.serves_sandbox:
        headers += ["X-Okapi-Tenant: diku", "X-Okapi-Token: $TOKEN"]
        if not (settings.okapi_url or settings.bff_url):
            query = FIRST_QUERY_OF_LOCKS
            headers.append("X-Polaris-Authorization: PAS $POLARIS_TOKEN")
            if settings.polaris_workstation is None:
                headers.append("X-Polaris-Workstation: $WORKSTATION")
            if settings.polaris_organization is None:
                headers.append("X-Polaris-Organization: $ORGANIZATION")
    options = " ".join(f'-H "{header}"' for header in headers)
    return f"curl {url}/graphql {options} -d '{json.dumps({'query': query})}'"


def check_schema_file(text: str) -> None:
    """Fail, with the first lines of the difference, when the committed schema is not this one."""
    rewrite = f"write it with: {PROGRAM} schema --write"
    if not SCHEMA_FILE.exists():
        raise click.ClickException(f"{SCHEMA_FILE} is not in this folder; {rewrite}")
    committed = SCHEMA_FILE.read_text(encoding="utf-8")
    if committed == text:
        click.echo(f"{SCHEMA_FILE} is the schema")
        return
    difference = list(
        difflib.unified_diff(
            committed.splitlines(), text.splitlines(), f"{SCHEMA_FILE} (committed)", "schema", lineterm=""
        )
    )
    click.echo("\n".join(difference[:DIFF_LINES]))
    if len(difference) > DIFF_LINES:
        click.echo(f"... and {len(difference) - DIFF_LINES} lines more")
    raise click.ClickException(f"{SCHEMA_FILE} is not the schema; {rewrite}")


def compare_schemas(older: Path, text: str) -> None:
    """List what changed since an older schema, the breaking changes first, and fail when there are any."""
    from graphql import GraphQLError, build_schema, find_schema_changes
    from graphql.utilities.find_schema_changes import BreakingChange, DangerousChange

    try:
        before = build_schema(older.read_text(encoding="utf-8"))
    except (GraphQLError, TypeError, UnicodeDecodeError) as error:
        raise CannotStart(f"{older}: is not a GraphQL schema: {error}") from error
    labels: dict[type, str] = {BreakingChange: "BREAKING", DangerousChange: "DANGEROUS"}
    changes = find_schema_changes(before, build_schema(text))
    lines = sorted((labels.get(type(change), "SAFE"), change.description) for change in changes)
    for label, description in lines:
        click.echo(f"{label:<9}  {description}")
    breaking = sum(label == "BREAKING" for label, _ in lines)
    if breaking:
        raise click.ClickException(f"{breaking} of {len(lines)} changes may break clients")
    click.echo(f"{len(lines)} changes, none of which breaks a client")
