"""Upstream over TLS, called by a process: trust follows the machine's certificate authorities."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.benchmarks.processes import started

USERS = b'{"users":[{"id":"11111111-1111-4111-8111-111111111111"}],"totalRecords":1}'
QUESTION = {"query": "{ users(first: 1) { nodes { id } } }"}


class Upstream(ThreadingHTTPServer):
    """A service that is what its certificate says, `localhost`; it records its requests."""

    daemon_threads = True

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), Users)
        self.query_gateway: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore failed handshakes: the client rejected the certificate."""


class Users(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        self.server.query_gateway.append(self.path.partition("?")[0])
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(USERS)))
        self.end_headers()
        self.wfile.write(USERS)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(name="authority", scope="module")
def _authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(name="upstream")
def _upstream(authority: trustme.CA) -> Iterator[Upstream]:
    with Upstream(authority) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def query_gateway(upstream: Upstream, host: str, transport: str, **variables: str) -> Any:  # Any: JSON
    """Return the response of a gateway process that calls the service by this name."""
    environment = {
        "OKAPI_URL": f"https://{host}:{upstream.server_port}",
        "UPSTREAM_TRANSPORT": transport,
        **variables,
    }
    with started(["-m", "gateway", "--port", "0"], environment, says=r"GraphQL +(http://[^/]+)") as gateway:
        headers = {"X-Okapi-Tenant": "diku"}
        return httpx.post(f"{gateway.url}/graphql", json=QUESTION, headers=headers, timeout=20).json()


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_a_custom_authority(
    upstream: Upstream, authority: trustme.CA, tmp_path: Path, transport: str
) -> None:
    """SSL_CERT_FILE names the trusted authorities, as for every program that uses OpenSSL."""
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)

    response = query_gateway(upstream, "localhost", transport, SSL_CERT_FILE=str(trusted))

    assert response == {"data": {"users": {"nodes": [{"id": "11111111-1111-4111-8111-111111111111"}]}}}
    assert upstream.query_gateway == ["/users"]


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_nothing_is_sent_to_an_untrusted_service(
    upstream: Upstream, authority: trustme.CA, tmp_path: Path, transport: str, wrong: str
) -> None:
    """A certificate of an unknown authority, or for another name, ends the call before a token is sent."""
    trusted = tmp_path / "authority.pem"
    (authority if wrong == "name" else trustme.CA()).cert_pem.write_to_path(trusted)
    host = "127.0.0.1" if wrong == "name" else "localhost"

    response = query_gateway(upstream, host, transport, SSL_CERT_FILE=str(trusted))

    assert response["data"] == {"users": None}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_UNAVAILABLE"]
    assert upstream.query_gateway == []
