"""The gateway behind nginx and HAProxy, as Debian configures them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.server.edge import PATIENCE, QUERY, Client, Process, gateway_process, get, post

NAMED = {"data": {"__typename": "Query"}}
PARTS = b"Accept: multipart/mixed;incrementalSpec=v0.2, application/json"
DEFERRED = b'{"query":"{ __typename ... @defer { __schema { queryType { name } } } }"}'
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
def haproxy(gateway: Process, folder: Path, more: str = "") -> Iterator[int]:
    """Start HAProxy in front of the gateway, with the timeouts of Debian's configuration; yield its port."""
    port = free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(f"""
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
frontend front
  bind 127.0.0.1:{port}
  default_backend gateway
backend gateway
  http-reuse always
  {more}
  server one 127.0.0.1:{gateway.port} check
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
    with haproxy(gateway, tmp_path) as port, client_of(port) as client:
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
    with haproxy(gateway, tmp_path) as port, client_of(port) as client:
        client.send(with_name(post(), b"other.example.org"))
        assert client.response().error == (421, "BAD_REQUEST")


def test_silent_clients_of_a_proxy_do_not_block_others(gateway: Process, tmp_path: Path) -> None:
    """HAProxy forwards heads without bodies; requests of others are served."""
    silent = with_name(post(b"Content-Length: 9", body=b"", length=False), b"graphql.example.org")
    with haproxy(gateway, tmp_path) as port, ExitStack() as stack:
        for _ in range(250):
            stack.enter_context(client_of(port)).send(silent)
        time.sleep(0.5)
        client = stack.enter_context(client_of(port))
        client.send(with_name(post(), b"graphql.example.org"))
        assert client.response().json == NAMED
