"""Retries: which reads are sent again, how often and when; writes never are."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from gateway import errors
from gateway.settings import Settings, UpstreamSettings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client
from gateway.upstream.collection import BoundCollection, Collection
from gateway.upstream.retries import RETRY_PAUSES, RetryBudget
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write, WriteTarget
from gateway.upstream.transport.transports import aiohttp_transport, httpx_transport
from tests.upstream.socket_server import (
    Responder,
    SocketServer,
    closes,
    hangs,
    head,
    resets,
    resets_after,
    responds,
    socket_server,
)

pytestmark = pytest.mark.anyio

QUICK = Settings(upstream_concurrency=4, first_byte_timeout=1.0, read_timeout=2.0, act_timeout=1.0)
QUICK_PAUSES = (0.01, 0.02)
USERS = responds(200, b'{"users":[{"id":"a"}]}')
WRITE = Write(operation="checkOut", keys={"itemBarcode": "1"}, verify="item(barcode:) { id }")
TRANSIENT: dict[str, Responder] = {
    "reset": resets,
    "closed": closes,
    "reset before the first byte of the body": resets_after(head(200, "Content-Length: 100")),
    "502": responds(502),
    "503": responds(503),
    "504": responds(504),
    "503 with Retry-After": responds(503, b"", "Retry-After: 0"),
    "429 with Retry-After": responds(429, b"", "Retry-After: 0.1"),
}
LASTING: dict[str, Responder] = {
    **{str(status): responds(status) for status in (302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 501)},
    "429 with a long Retry-After": responds(429, b"", "Retry-After: 2"),
    "503 with a long Retry-After": responds(503, b"", "Retry-After: 2"),
    "reset in the body": resets_after(head(200, "Content-Length: 100") + b'{"users":'),
    "no JSON": responds(200, b"<html>"),
    "no first byte": hangs,
}


@pytest.fixture(name="network", params=["aiohttp", "httpx"])
def _network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def client_of(
    server: SocketServer,
    network: str = "aiohttp",
    settings: UpstreamSettings = QUICK,
    pauses: tuple[float, float] = QUICK_PAUSES,
) -> Client:
    transport = aiohttp_transport if network == "aiohttp" else httpx_transport
    return Client("folio", server.url, transport(settings), settings, retry_pauses=pauses)


def users(client: Client) -> BoundCollection:
    return Collection(Route("GET", "/users"), "users").bind(CallerClient(client, ()))


def first(times: int, fault: Responder) -> Responder:
    """Return a fault that is over after so many requests."""
    remaining = times

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal remaining
        remaining -= 1
        await (fault if remaining >= 0 else USERS)(reader, writer)

    return respond


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_transient_fault_is_retried(network: str, fault: str) -> None:
    """A fault that is over by the second attempt never reaches the client."""
    async with socket_server(first(1, TRANSIENT[fault])) as server:
        client = client_of(server, network)
        page = await users(client)(None, limit=1)
        await client.aclose()

    assert page.records == [{"id": "a"}]
    assert server.lines() == ["GET /users?limit=1&totalRecords=none"] * 2


@pytest.mark.parametrize("fault", LASTING)
async def test_a_lasting_fault_is_not_retried(network: str, fault: str) -> None:
    """A rejection, a broken response, a slow upstream and a long Retry-After are not retried."""
    async with socket_server(LASTING[fault]) as server:
        client = client_of(server, network)
        with pytest.raises(errors.GatewayError):
            await users(client)(None, limit=1)
        await client.aclose()

    assert len(server.received) == 1


async def test_a_refused_connection_is_retried() -> None:
    """A refused connection is the safest case of all: nothing was sent."""
    sent = 0

    def respond(request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        if sent < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, content=b'{"users":[]}')

    client = Client("folio", "http://folio", httpx.MockTransport(respond), QUICK, retry_pauses=QUICK_PAUSES)

    assert (await users(client)(None, limit=1)).records == []
    assert sent == 3


async def test_a_read_is_sent_three_times_at_most(network: str) -> None:
    """Then the last failure is raised, as if it had been the first."""
    async with socket_server(responds(503, b"", "Retry-After: 0")) as server:
        client = client_of(server, network)
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            await users(client)(None, limit=1)
        await client.aclose()

    assert len(server.received) == 3
    assert caught.value.extensions == {
        "code": "UPSTREAM_UNAVAILABLE",
        "retryable": True,
        "upstream": "folio",
        "status": 503,
        "retryAfter": 0.0,
    }


async def test_retry_after_is_honoured() -> None:
    """The retry is not sent before the time that upstream requests."""
    async with socket_server(first(1, responds(503, b"", "Retry-After: 0.2"))) as server:
        client = client_of(server)
        started = time.monotonic()
        await users(client)(None, limit=1)
        took = time.monotonic() - started
        await client.aclose()

    assert 0.2 < took < 4


async def test_pauses_are_random() -> None:
    """Between two attempts there are 50 to 500 ms, at random, so that callers do not return together."""
    assert RETRY_PAUSES == (0.05, 0.5)

    async with socket_server(first(1, responds(503))) as server:
        client = client_of(server, pauses=(0.1, 0.15))
        started = time.monotonic()
        await users(client)(None, limit=1)
        took = time.monotonic() - started
        await client.aclose()

    assert 0.1 < took < 4


async def test_no_attempt_starts_after_the_end_of_the_call() -> None:
    """If there is no time for the pause, the failure is raised at once."""
    async with socket_server(responds(503, b"", "Retry-After: 6")) as server:
        client = client_of(server, settings=QUICK.replace(read_timeout=5.0))
        started = time.monotonic()
        with pytest.raises(errors.UpstreamUnavailable):
            await users(client)(None, limit=1)
        took = time.monotonic() - started
        await client.aclose()

    assert len(server.received) == 1
    assert took < 4


async def test_retries_have_a_budget() -> None:
    """Ten reads of an upstream that is down are ten calls and three retries, not thirty calls."""
    async with socket_server(responds(503)) as server:
        client = client_of(server)
        for _ in range(10):
            with pytest.raises(errors.UpstreamUnavailable):
                await users(client)(None, limit=1)
        await client.aclose()

    assert len(server.received) == 13


@pytest.mark.parametrize(("calls", "retries"), [(0, 3), (30, 3), (31, 4), (100, 10), (1000, 100)])
def test_the_retry_budget_is_a_tenth_of_recent_calls(calls: int, retries: int) -> None:
    """Three are always allowed; after ten seconds all is forgotten."""
    now = 0.0
    budget = RetryBudget(lambda: now)
    for _ in range(calls):
        budget.calls.add()

    assert sum(budget.spend() for _ in range(200)) == retries
    now = 10.0
    assert sum(budget.spend() for _ in range(200)) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_write_is_never_retried(network: str, fault: str, method: str) -> None:
    """A fault that would be retried for a read is no reason to repeat a write."""
    async with socket_server(first(1, TRANSIENT[fault])) as server:
        client = client_of(server, network)
        with pytest.raises((errors.OutcomeUnknown, errors.RateLimited)):
            await client.write(WRITE, WriteTarget(method, "/write", "write /write"), {}, ())
        await client.aclose()

    assert server.lines() == [f"{method} /write"]
