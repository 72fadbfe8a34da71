"""The gateway behind nginx and HAProxy, as Debian configures them."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.engine.response_body import GraphQLResponse
from gateway.http.event_stream import HEADERS, EventStream
from tests.server.edge import PATIENCE, QUERY, Client, Process, gateway_process, get, post

OPERATIONS = Path(__file__).parents[2] / "gateway" / "manual" / "operations.md"
NAMED = {"data": {"__typename": "Query"}}
PARTS = b"Accept: multipart/mixed;incrementalSpec=v0.2, application/json"
DEFERRED = b'{"query":"{ __typename ... @defer { __schema { queryType { name } } } }"}'
EVENTS = b"Accept: text/event-stream"
DESK = "1df88d03-62ee-575e-8f87-51a3e14c5dd1"
CHECK_INS = (
    f'{{"query":"subscription {{ itemCheckedIn(servicePointId: \\"{DESK}\\") {{ kind }} }}"}}'.encode()
)
CHECK_IN = f"""{{"query":"mutation {{ checkIn(input: {{
  itemBarcode: \\"2000000001\\", servicePointId: \\"{DESK}\\" }}) {{ __typename }} }}"}}""".replace(
    "\n", ""
).encode()
CHECKED_IN = {"data": {"checkIn": {"__typename": "CheckedIn"}}}
WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
HTTP_1_1 = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;'
UPGRADES = """proxy_http_version 1.1; proxy_set_header Host localhost;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;"""


@pytest.fixture(name="gateway", scope="module")
def _gateway() -> Iterator[Process]:
    with gateway_process("--sandbox", "--allowed-hosts=graphql.example.org") as process:
        yield process


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        process.kill()
                        reason = process.stderr.read() if process.stderr else ""
                        pytest.fail(f"{command[0]} did not start: {reason}")
                    time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def find(program: str) -> str:
    """Return the path of a program. Skips without it."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def nginx(gateway: Process, folder: Path, more: str, path: str = "/") -> Iterator[int]:
    """Start nginx in front of the gateway, with its defaults and these directives; yield its port."""
    port = free_port()
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off; {temporary}
  upstream gateway {{ server 127.0.0.1:{gateway.port}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location {path} {{
      proxy_pass http://gateway/;
      {more}
    }}
  }}
}}
""")
    with running([find("nginx"), "-c", str(configuration), "-e", "stderr"], port):
        yield port


@contextmanager
def haproxy(gateway: int, folder: Path, more: str = "") -> Iterator[int]:
    """Start HAProxy in front of a port of the gateway; yield its own.

    Its timeouts are those of Debian's configuration, unless these lines of `defaults` have others.
    """
    port = free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(f"""
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
  {more}
frontend front
  bind 127.0.0.1:{port}
  default_backend gateway
backend gateway
  http-reuse always
  server one 127.0.0.1:{gateway} check
  option httpchk GET /admin/health/readiness
""")
    with running([find("haproxy"), "-db", "-f", str(configuration)], port):
        yield port


@contextmanager
def client_of(port: int) -> Iterator[Client]:
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


def read_chunks(client: Client) -> bytes:
    """Read a response in chunks; return its content."""
    content = b""
    while size := int(client.line(), 16):
        content += client.reader.read(size)
        client.line()
    client.line()
    return content


def is_silence(chunk: bytes) -> bool:
    """Return True for heartbeats, of which a proxy may send several in one chunk."""
    return bool(chunk) and not chunk.replace(b":\n\n", b"")


NGINX = {
    "HTTP/1.0": "proxy_http_version 1.0; proxy_set_header Host localhost;",
    "HTTP/1.1": HTTP_1_1,
    "upgrades passed on": UPGRADES,
}


@pytest.mark.parametrize("more", NGINX.values(), ids=NGINX)
def test_behind_nginx(gateway: Process, tmp_path: Path, more: str) -> None:
    """nginx passes queries, large bodies, offers to upgrade and responses in parts on, by HTTP/1.0 or 1.1."""
    more += " client_max_body_size 2m;"
    with nginx(gateway, tmp_path, more) as port, client_of(port) as client:
        for _ in range(3):
            client.send(post())
            assert client.response().json == NAMED
        client.send(post(body=QUERY + b" " * 500_000))
        assert client.response().json == NAMED
        client.send(post(b"Transfer-Encoding: chunked", body=b"", length=False))
        time.sleep(0.1)
        client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY))
        assert client.response().json == NAMED
        client.send(post(*WEBSOCKET))
        assert client.response().json == NAMED
    with nginx(gateway, tmp_path, more) as port, client_of(port) as client:
        client.send(post(PARTS, b"Connection: close", body=DEFERRED))
        content = client.reader.read()
        assert content.startswith(b"HTTP/1.1 200 OK\r\n")
        assert content.count(b'"hasNext":false') == 1


@pytest.mark.parametrize("more", NGINX.values(), ids=NGINX)
def test_event_streams_behind_nginx(gateway: Process, tmp_path: Path, more: str) -> None:
    """nginx passes each event on at once, and a client that leaves ends its stream at the gateway."""
    with nginx(gateway, tmp_path, more) as port:
        with client_of(port) as client:
            client.send(post(EVENTS, body=CHECK_INS))
            assert client.line() == "HTTP/1.1 200 OK"
            assert "x-accel-buffering: no" not in iter(client.line, "")  # it is for nginx itself
            assert is_silence(client.chunk())
            for _ in range(2):
                assert gateway.execute(post(body=CHECK_IN)).json == CHECKED_IN
                event = client.event()
                assert '"data":{"itemCheckedIn":{"kind":"CREATED"}}' in event
        wait_until_no_stream_is_open(gateway)


def wait_until_no_stream_is_open(gateway: Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while b"gateway_subscriptions_open 0.0" not in gateway.execute(get("/metrics")).body:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nginx_keeps_its_connections(gateway: Process, tmp_path: Path) -> None:
    """An idle connection of nginx is used again after a pause, without an error."""
    with nginx(gateway, tmp_path, HTTP_1_1) as port, client_of(port) as client:
        for pause in (0, 12, 0):  # the tenth second used to be the last of a connection
            time.sleep(pause)
            client.send(post())
            assert client.response().json == NAMED


def test_nginx_sends_the_name_of_its_upstream(gateway: Process, tmp_path: Path) -> None:
    """By default nginx sends the name in `proxy_pass`, which is rejected on loopback."""
    with nginx(gateway, tmp_path, "") as port, client_of(port) as client:
        client.send(post())
        assert client.response().error == (421, "BAD_REQUEST")


def test_below_a_path(gateway: Process, tmp_path: Path) -> None:
    """nginx may serve the gateway below a path, which it removes."""
    with nginx(gateway, tmp_path, HTTP_1_1, path="/desk/") as port, client_of(port) as client:
        client.send(post().replace(b"POST /graphql", b"POST /desk/graphql"))
        assert client.response().json == NAMED
        client.send(get("/desk/graphql", b"Accept: text/html"))
        assert client.response().status == 200


def with_name(request: bytes, name: bytes) -> bytes:
    return request.replace(b"Host: localhost", b"Host: " + name)


def test_behind_haproxy(gateway: Process, tmp_path: Path) -> None:
    """HAProxy forwards the host name of its client, so ALLOWED_HOSTS is required, except for health
    checks."""
    with haproxy(gateway.port, tmp_path) as port, client_of(port) as client:
        for _ in range(3):
            client.send(with_name(post(), b"graphql.example.org"))
            assert client.response().json == NAMED
        client.send(with_name(post(*WEBSOCKET), b"graphql.example.org"))
        assert client.response().json == NAMED
        client.send(with_name(post(PARTS, body=DEFERRED), b"graphql.example.org"))
        assert client.line() == "HTTP/1.1 200 OK"
        assert "transfer-encoding: chunked" in iter(client.line, "")
        assert "" in iter(client.line, None)
        assert read_chunks(client).count(b'"hasNext":false') == 1
    with haproxy(gateway.port, tmp_path) as port, client_of(port) as client:
        client.send(with_name(post(), b"other.example.org"))
        assert client.response().error == (421, "BAD_REQUEST")


def test_event_streams_behind_haproxy(gateway: Process, tmp_path: Path) -> None:
    """With the manual's lines, HAProxy passes each event on at once, and a client that leaves ends its stream
    at the gateway.
    """
    (lines,) = re.findall(r"```haproxy\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    with haproxy(gateway.port, tmp_path, lines) as port:
        with client_of(port) as client:
            client.send(with_name(post(EVENTS, body=CHECK_INS), b"graphql.example.org"))
            assert client.line() == "HTTP/1.1 200 OK"
            assert "transfer-encoding: chunked" in iter(client.line, "")
            assert "" in iter(client.line, None)
            assert is_silence(client.chunk())
            delays = []
            for _ in range(3):
                assert gateway.execute(post(body=CHECK_IN)).json == CHECKED_IN
                started = time.monotonic()
                assert '"data":{"itemCheckedIn":{"kind":"CREATED"}}' in client.event()
                delays.append(time.monotonic() - started)
            assert min(delays) < 0.15  # without the lines each is 0.2
        wait_until_no_stream_is_open(gateway)


class NoResults:
    """The results of a subscription to which nothing happens."""

    async def __anext__(self) -> tuple[str | None, GraphQLResponse]:
        await asyncio.Event().wait()
        raise StopAsyncIteration

    async def aclose(self) -> None: ...


async def silent_streams(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a stream without results, whose path is the number of seconds between its heartbeats."""
    heartbeat = float(scope["path"].removeprefix("/").partition("/")[0].replace("admin", "60"))
    await EventStream(NoResults(), "1", heartbeat=heartbeat).send(receive, send, [*HEADERS], lambda: None)


@contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """Serve an application in a thread; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.force_exit = server.should_exit = True
            thread.join()


def test_heartbeats_keep_a_stream_open(tmp_path: Path) -> None:
    """A stream outlives the timeouts of HAProxy by its heartbeats; without them it is closed."""
    timeouts = "timeout client 1s\n  timeout server 1s"
    with (
        serving(silent_streams) as gateway,
        haproxy(gateway, tmp_path, timeouts) as port,
        client_of(port) as client,
        client_of(port) as silent,
    ):
        client.send(get("/0.3"))
        silent.send(get("/60"))
        for each in (client, silent):
            each.head()
            assert is_silence(each.chunk())
        started = time.monotonic()
        while time.monotonic() - started < 2.5:
            assert is_silence(client.chunk())

        assert silent.is_closed()


def test_silent_clients_of_a_proxy_do_not_block_others(gateway: Process, tmp_path: Path) -> None:
    """HAProxy forwards heads without bodies; requests of others are served."""
    silent = with_name(post(b"Content-Length: 9", body=b"", length=False), b"graphql.example.org")
    with haproxy(gateway.port, tmp_path) as port, ExitStack() as stack:
        for _ in range(250):
            stack.enter_context(client_of(port)).send(silent)
        time.sleep(0.5)
        client = stack.enter_context(client_of(port))
        client.send(with_name(post(), b"graphql.example.org"))
        assert client.response().json == NAMED
