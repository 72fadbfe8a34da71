"""The resident memory of a server process whose upstream fails with large bodies."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.benchmarks.processes import Process, started
from tests.soak.memory import resident_bytes

SIZE = 500_000  # bytes of each body
MAX_BYTES = 1_000_000
FAILURES = 300
MAX_GROWTH = 20_000_000  # bytes
RECORD = b'{"id": "7c9e6679-7425-40de-944b-000000000001", "action": "%b"}' % (b"x" * SIZE)
FAULTS = {
    "500": (500, b"x" * SIZE, SIZE),
    "wrong shape": (200, b"[%b]" % RECORD, None),
    "too big": (200, b" " * (2 * MAX_BYTES), None),
    "cut off": (200, b"x" * SIZE, 2 * SIZE),
    "one null element": (200, b'{"loans": [%b, null]}' % RECORD, None),
}
READ = "{ loans(first: 1) { nodes { id action } } }"
WRITE = """mutation { checkOut(input: {itemBarcode: "1", userBarcode: "2",
    servicePointId: "7c9e6679-7425-40de-944b-000000000001"}) { __typename } }"""


@contextmanager
def failing_upstream(fault: str) -> Iterator[str]:
    status, body, length = FAULTS[fault]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            self.close_connection = True
            try:
                self.wfile.write(body)
            except OSError:
                return  # the gateway may disconnect

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def fail(gateway: Process, query: str, times: int) -> None:
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    with closing(HTTPConnection(urllib.parse.urlsplit(gateway.url).netloc, timeout=60)) as connection:
        for _ in range(times):
            connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
            assert "errors" in json.loads(connection.getresponse().read())


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("query", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("fault", FAULTS)
def test_failures_do_not_increase_the_memory(
    fault: str, query: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bodies of 300 failed calls are freed, each with its request."""
    monkeypatch.setenv("UPSTREAM_TRANSPORT", transport)
    monkeypatch.setenv("MAX_UPSTREAM_BYTES", str(MAX_BYTES))
    monkeypatch.setenv("BREAKER", "false")
    monkeypatch.setenv("READ_ATTEMPTS", "1")
    with failing_upstream(fault) as url:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", url, "--log-level", "error"]
        with started(arguments, says=r"(http://\S+?)/graphql") as gateway:
            fail(gateway, query, 10)
            before = resident_bytes(gateway.pid)
            fail(gateway, query, FAILURES)
            assert resident_bytes(gateway.pid) - before < MAX_GROWTH
