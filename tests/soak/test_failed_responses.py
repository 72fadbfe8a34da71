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
FAILURES = 100  # whose bodies are more than twice the growth that is allowed
MAX_GROWTH = 20_000_000  # bytes
RECORD = b'{"id": "7c9e6679-7425-40de-944b-000000000001", "action": "%b"}' % (b"x" * SIZE)
FAULTS = {
    "500": (500, b"x" * SIZE, SIZE),
    "wrong shape": (200, b"[%b]" % RECORD, None),
    "too big": (200, b" " * (2 * MAX_BYTES), None),
    "cut off": (200, b"x" * SIZE, 2 * SIZE),
    "one null element": (200, b'{"loans": [null, %b]}' % RECORD, None),
}
READ = "{ loans(first: 1) { nodes { id action } } }"
WRITE = """mutation { checkOut(input: {itemBarcode: "1", userBarcode: "2",
    servicePointId: "7c9e6679-7425-40de-944b-000000000001"}) { __typename } }"""


class FailingUpstream(ThreadingHTTPServer):
    """An upstream that responds to each request with the current fault."""

    fault = "500"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, FailingUpstream)
        status, body, length = FAULTS[self.server.fault]
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


@contextmanager
def failing_upstream() -> Iterator[FailingUpstream]:
    with FailingUpstream(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fail(gateway: Process, query: str, times: int) -> None:
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    with closing(HTTPConnection(urllib.parse.urlsplit(gateway.url).netloc, timeout=60)) as connection:
        for _ in range(times):
            connection.request("POST", "/graphql", json.dumps({"query": query}), headers)
            assert "errors" in json.loads(connection.getresponse().read())


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
def test_failures_do_not_increase_the_memory(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bodies of 100 failed calls of each kind, reads and writes, are freed, each with its request."""
    monkeypatch.setenv("UPSTREAM_TRANSPORT", transport)
    monkeypatch.setenv("MAX_UPSTREAM_BYTES", str(MAX_BYTES))
    monkeypatch.setenv("BREAKER", "false")
    monkeypatch.setenv("READ_ATTEMPTS", "1")
    monkeypatch.setenv("LOOK_UP_TIMEOUT", "0.1")  # one look after each of the writes
    growth: dict[str, int] = {}
    with failing_upstream() as upstream:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"]
        with started(arguments, says=r"(http://\S+?)/graphql") as gateway:
            for upstream.fault in FAULTS:
                for kind, query in {"read": READ, "write": WRITE}.items():
                    fail(gateway, query, 10)
                    before = resident_bytes(gateway.pid)
                    fail(gateway, query, FAILURES)
                    growth[f"{kind}, {upstream.fault}"] = resident_bytes(gateway.pid) - before

    assert {each: size for each, size in growth.items() if size >= MAX_GROWTH} == {}
