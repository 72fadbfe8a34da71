"""The host names that the server accepts: protection against DNS rebinding."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.cli.startup import listen
from gateway.server.names import HostCheck, check_hosts
from tests.http.held_upstream import MUTATION, held_upstream
from tests.server.edge import Client, Process, gateway_process, get, post

REFUSAL = (
    "The gateway listens on this machine only, and serves requests for localhost and loopback addresses;"
    " ALLOWED_HOSTS adds names."
)
LOCAL = ["localhost", "LocalHost:8081", "desk.localhost", "127.0.0.1", "127.1.2.3:1", "[::1]", "[::1]:8081"]
FOREIGN = [
    "attacker.example",
    "attacker.example:8081",
    "127.0.0.1.attacker.example",
    "localhost.attacker.example",
    "notlocalhost",
    "128.0.0.1",
    "10.0.0.1",
    "0.0.0.0",  # noqa: S104 - as a name
    "[::]",
    "[2001:db8::1]:8081",
    "localhost@attacker.example",
    "localhost, attacker.example",
    "localhost:80:80",
    "[localhost]",
    "::1",
    "",
]


@pytest.fixture(name="gateway", scope="module")
def _gateway() -> Iterator[Process]:
    with gateway_process("--sandbox", "--allowed-hosts=graphql.example.org, *.desk.example.org") as process:
        yield process


def addressed(request: bytes, host: str) -> bytes:
    return request.replace(b"Host: localhost", b"Host: " + host.encode())


@pytest.mark.parametrize("host", [*LOCAL, "GraphQL.example.org:443", "one.desk.example.org"])
@pytest.mark.parametrize("request_", [post(), get("/admin/health")])
def test_names_of_this_machine_are_served(gateway: Process, request_: bytes, host: str) -> None:
    """On loopback requests for localhost, for loopback addresses and for ALLOWED_HOSTS are served."""
    assert gateway.execute(addressed(request_, host)).status == 200


@pytest.mark.parametrize("host", [*FOREIGN, "desk.example.org", "example.org", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("request_", [post(), get("/admin/health")])
def test_other_names_are_refused(gateway: Process, request_: bytes, host: str) -> None:
    """A page whose name leads to 127.0.0.1 reads nothing, on any path."""
    response = gateway.execute(addressed(request_, host))

    assert response.error == (421, "BAD_REQUEST")
    assert response.json["errors"][0]["message"] == REFUSAL
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/graphql", "/metrics", "/admin/info", "/nowhere", "/graphql/assets/x.js"])
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"HEAD"])
def test_every_path_and_method_is_protected(gateway: Process, path: str, method: bytes) -> None:
    """The name is checked before the path and the method."""
    request = addressed(get(path).replace(b"GET", method, 1), "attacker.example")
    assert gateway.execute(request).status == 421


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://attacker.example", "localhost", 421),
        ("http://localhost", "attacker.example", 421),
        ("HTTP://localhost@attacker.example", "localhost", 421),
        ("http://localhost:1", "127.0.0.1", 200),
    ],
)
def test_absolute_targets_are_checked(gateway: Process, target: str, host: str, status: int) -> None:
    """The authority of a target in absolute form has to be permitted, and so does Host."""
    request = addressed(get("/admin/health"), host).replace(b"/admin", target.encode() + b"/admin")

    assert gateway.execute(request).status == status


def test_the_name_of_an_upgrade_request_is_checked(gateway: Process) -> None:
    """The name is checked for a request that offers another protocol."""
    offer = (b"Connection: Upgrade", b"Upgrade: websocket")
    assert gateway.execute(addressed(post(*offer), "attacker.example")).status == 421


def test_http_1_0_without_a_name_is_served(gateway: Process) -> None:
    """No browser sends HTTP/1.0, or a request without Host."""
    assert gateway.execute(b"GET /admin/health HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.slow
def test_a_refused_mutation_sends_nothing() -> None:
    """A mutation with a foreign host name is rejected before anything is sent upstream."""
    with held_upstream() as upstream, gateway_process("--okapi-url", upstream.url) as gateway:
        assert gateway.execute(addressed(post(body=MUTATION), "attacker.example")).status == 421
        assert upstream.open == []
        assert not upstream.arrived.acquire(timeout=0.2)


@pytest.mark.slow
def test_other_addresses_serve_any_name() -> None:
    """A gateway that does not listen on loopback cannot know its names, and accepts any."""
    with gateway_process("--sandbox", "--host=0.0.0.0") as gateway:
        assert gateway.execute(addressed(post(), "graphql.example.org")).status == 200


@pytest.mark.slow
def test_names_may_be_limited_elsewhere() -> None:
    """With ALLOWED_HOSTS a gateway on other addresses refuses other names too, but serves health checks."""
    with gateway_process("--sandbox", "--host=0.0.0.0", "--allowed-hosts=graphql.example.org") as gateway:
        assert gateway.execute(addressed(post(), "graphql.example.org")).status == 200
        assert gateway.execute(addressed(get("/admin/health"), "127.0.0.1:8081")).status == 200
        response = gateway.execute(addressed(post(), "attacker.example"))
    assert response.status == 421
    assert "ALLOWED_HOSTS" in response.json["errors"][0]["message"]


def test_addresses_of_a_connection_are_permitted() -> None:
    """Off loopback, health checks may use the address of their connection."""
    hosts = HostCheck(["graphql.example.org"], is_loopback=False)

    assert hosts.permits(b"10.1.2.3:8081", ("10.1.2.3", 8081))
    assert hosts.permits(b"10.1.2.3:8081", ("::ffff:10.1.2.3", 8081))
    assert hosts.permits(b"[fd00::2]", ("fd00::2", 8081))
    assert not hosts.permits(b"10.1.2.4:8081", ("10.1.2.3", 8081))
    assert not HostCheck([], is_loopback=True).permits(b"10.1.2.3", ("10.1.2.3", 8081))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("address", "is_checked"), [("::1", True), ("::", False)])
def test_loopback_of_ipv6_is_loopback(address: str, is_checked: bool) -> None:
    """The names are checked on ::1 as on 127.0.0.1."""
    with listen(address, 0) as listener:
        assert (check_hosts(listener, ()) is not None) is is_checked


# The sandbox


@contextmanager
def sandbox_process(*options: str) -> Iterator[int]:
    """The sandbox as a process; yields its port."""
    command = [sys.executable, "-m", "gateway", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            url = next(line for line in process.stdout if line.startswith("  FOLIO and Polaris"))
            match = re.search(r":(\d+)$", url.strip())
            assert match is not None
            yield int(match[1])
        finally:
            process.kill()


LOANS = get("/circulation/loans?limit=1", b"X-Okapi-Tenant: diku")


@pytest.mark.slow
def test_the_sandbox_is_protected() -> None:
    """The sandbox serves localhost and the names of `--allowed-hosts`, and no other ones."""
    statuses = []
    with sandbox_process("--allowed-hosts", "folio.example.org") as port:
        for host in ("localhost", "folio.example.org", "attacker.example"):
            client = Client(port)
            client.send(addressed(LOANS, host))
            statuses.append(client.response().status)
            client.close()

    assert statuses == [200, 200, 421]
