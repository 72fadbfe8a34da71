"""The memory of a server that has run for a while."""

from __future__ import annotations

import json
import urllib.parse
from contextlib import closing
from http.client import HTTPConnection

from tests.benchmarks.processes import Process, started
from tests.soak.memory import resident_bytes

REQUESTS = 10_000
DOCUMENTS = 2_000
WARM_UP = 2_000  # with 1000 documents, more than the gateway keeps
TYPE = "{ __typename }"
ITEM = '{ item(barcode: "2000000001") { id barcode status { name } } }'


def test_memory_stays() -> None:
    """After the warm-up, 10,000 requests and 2,000 distinct documents leave a process as it was."""
    with started(["-m", "gateway", "sandbox", "--port", "0"], says=r"(http://\S+)") as upstream:
        arguments = ["-m", "gateway", "--port", "0", "--okapi-url", upstream.url, "--log-level", "error"]
        with started(arguments, says=r"(http://\S+?)/graphql") as server:
            fresh = resident_bytes(server.pid)
            ask_all(server, 0, WARM_UP, 1_000)
            warm = resident_bytes(server.pid)
            ask_all(server, WARM_UP, WARM_UP + REQUESTS, DOCUMENTS)
            end = resident_bytes(server.pid)

    print(  # noqa: T201 - for the README
        f"\n{fresh / 1e6:.0f} MB after the start, {warm / 1e6:.0f} MB when warm, "
        f"{end / 1e6:.0f} MB after {REQUESTS} requests and {DOCUMENTS} distinct documents"
    )
    assert end < warm * 1.1


def ask_all(server: Process, start: int, end: int, documents: int) -> None:
    """Questions one after the other: the first are all different, then each fifth goes upstream."""
    headers = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}
    with closing(HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=60)) as connection:
        for number in range(start, end):
            # The name is long, as real documents are.
            name = f"Q{number}{'x' * 300}" if number - start < documents else "Same"
            document = f"query {name} {ITEM if number % 5 == 0 else TYPE}"
            connection.request("POST", "/graphql", json.dumps({"query": document}), headers)
            answer = json.loads(connection.getresponse().read())
            assert "errors" not in answer, answer
