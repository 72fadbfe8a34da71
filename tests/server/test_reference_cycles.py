"""Requests leave no reference cycles: their objects are freed with their responses, not by the collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.app import create_app
from gateway.http.error_response import error_response
from gateway.http.request import DISCONNECT_DELAY
from gateway.sandbox import Sandbox, create_sandbox
from gateway.server.protocol import bounded_protocol
from gateway.settings import ServerSettings, Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.server.transports import Written

pytestmark = pytest.mark.anyio

REQUESTS = 3
HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n"
)
OURS = ("gateway", "graphql", "strawberry", "uvicorn", "starlette", "aiodataloader")

LOAN = "query Loan($id: ID!) { loan(id: $id) { id borrower { barcode } item { instance { title } } } }"
LOANS = "{ loans(first: 20) { totalCount nodes { id borrower { username patronGroup { group } } } } }"
FAILS = '{ loan(id: "00000000-0000-4000-8000-000000000000") { id } user(barcode: "") { id } }'
CHECK_IN = """
mutation CheckIn($input: CheckInInput!) {
  checkIn(input: $input) { ... on CheckedIn { item { barcode } } ... on Refusal { reasons { code } } }
}
"""


@contextmanager
def collected() -> Iterator[list[object]]:
    """Yield a list that has, after the block, all objects that only the collector could free."""
    unreachable: list[object] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield unreachable
        gc.collect()
        unreachable += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


class Connection:
    """A connection to the server's protocol, whose requests are sent one by one."""

    def __init__(self, sandbox: Sandbox, **settings: object) -> None:
        app = create_app(
            Settings(sandbox=True, metrics=False, **settings),
            transport=lambda limits: in_process_transport(sandbox),
        )
        config = uvicorn.Config(app, lifespan="off", log_config=None)
        self._transport = Written()
        self._protocol = bounded_protocol(ServerSettings(), error_response)(
            config=config, server_state=ServerState(), app_state={}
        )
        self._protocol.connection_made(self._transport)

    async def send(self, body: bytes, times: int) -> list[bytes]:
        """Send a request so many times, and return its responses."""
        responses = []
        for _ in range(times):
            self._transport.writes.clear()
            self._protocol.data_received(HEAD % len(body) + body)
            async with asyncio.timeout(60):
                while not self._transport.writes or self._protocol.tasks:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.001)
            responses.append(b"".join(self._transport.writes))
        return responses


def unreachable_kinds(unreachable: list[object]) -> list[str]:
    """Return the names of the types of objects, but for those of the embedded library."""
    kinds = {f"{type(each).__module__}.{type(each).__qualname__}" for each in unreachable}
    return sorted(each for each in kinds if each.startswith(OURS) and not each.startswith("gateway.sandbox"))


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("query", [LOAN, LOANS, FAILS, CHECK_IN], ids=["loan", "loans", "fails", "check-in"])
async def test_requests_leave_nothing_to_the_collector(query: str, execution: str) -> None:
    """The objects of the server, of the engine and of the loaders are freed without the collector."""
    sandbox = create_sandbox()
    summary = sandbox.summary("diku")
    variables = {
        "id": summary.loan_id,
        "input": {"itemBarcode": summary.loaned_item_barcode, "servicePointId": summary.service_point_id},
    }
    body = msgspec.json.encode({"query": query, "variables": variables})
    connection = Connection(sandbox, execution=execution)
    await connection.send(body, 2)  # caches are filled

    with collected() as unreachable:
        responses = await connection.send(body, REQUESTS)

    assert [b"200 OK" in each for each in responses] == [True] * REQUESTS, responses
    assert unreachable_kinds(unreachable) == []


async def test_slow_queries_leave_nothing_to_the_collector() -> None:
    """That the disconnect of the client was watched for changes nothing."""
    sandbox = create_sandbox()
    connection = Connection(sandbox)
    body = msgspec.json.encode({"query": LOANS})
    await connection.send(body, 1)  # it is validated once
    sandbox.faults.add(kind="slow", delay=DISCONNECT_DELAY + 0.1, path="/circulation-bff/loans", times=1)

    with collected() as unreachable:
        (response,) = await connection.send(body, 1)

    assert b'"totalCount":' in response
    assert sandbox.faults.take("GET", "/circulation-bff/loans") is None
    assert unreachable_kinds(unreachable) == []
