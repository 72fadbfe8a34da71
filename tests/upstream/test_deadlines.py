"""The time of one operation: shared by its reads, and separate for its writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway import errors
from gateway.identity import Caller
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Deadline
from gateway.upstream.routes import Route
from gateway.upstream.services import Services
from gateway.upstream.statuses import Write
from tests.upstream.socket_server import (
    Responder,
    SocketServer,
    drips,
    hangs,
    head,
    responds,
    socket_server,
)

pytestmark = pytest.mark.anyio

CALLER = Caller(tenant="diku", request_id="1/graphql")
WRITE = Write(operation="checkOut", keys={"itemBarcode": "1"}, verify="item(barcode:) { id }")
USERS = responds(200, b'{"users":[]}')


def late(seconds: float) -> Responder:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await USERS(reader, writer)

    return respond


@asynccontextmanager
async def services_over(
    response: Responder, network: str, seconds: float
) -> AsyncIterator[tuple[Services, SocketServer]]:
    async with socket_server(response) as server:
        services = Services(
            Settings(okapi_url=server.url, upstream_transport=network, operation_timeout=seconds)
        )
        try:
            yield services, server
        finally:
            await services.aclose()


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    "response", [hangs, drips(head(200) + b" " * 1000, every=0.02)], ids=["hangs", "drips"]
)
async def test_reads_end_with_their_operation(response: Responder, network: str) -> None:
    """A read is cancelled at the end of the operation's time, if its own timeout is longer."""
    async with services_over(response, network, 0.3) as (services, server):
        upstream = services.for_caller(CALLER)
        started = time.monotonic()
        with pytest.raises(errors.UpstreamTimeout) as caught:
            await upstream.users.users(None, limit=1)
        took = time.monotonic() - started

    assert caught.value.message == "folio did not respond within the operation's 0.3 s."
    assert caught.value.extensions == {"code": "UPSTREAM_TIMEOUT", "retryable": True, "upstream": "folio"}
    assert 0.28 < took < 4
    assert len(server.received) == 1


async def test_reads_of_an_operation_share_its_time() -> None:
    """The time of the first read is not available to the second; once none is left, nothing is sent."""
    async with services_over(late(0.3), "aiohttp", 0.5) as (services, server):
        upstream = services.for_caller(CALLER)
        await upstream.users.users(None, limit=1)
        for _ in range(2):
            with pytest.raises(errors.UpstreamTimeout):
                await upstream.users.users(None, limit=1)
        assert len(server.received) == 2

        await services.for_caller(CALLER).users.users(None, limit=1)  # another operation has its own


async def test_a_write_is_not_cut_by_the_operation() -> None:
    """A write has its own time, and the links below its result have a new deadline."""
    async with services_over(late(0.3), "aiohttp", 0.2) as (services, server):
        deadline = Deadline(0.2, time.monotonic() + 0.2)
        client = CallerClient(services.folio, (), "diku", deadline)
        response = await client.write(WRITE, Route("POST", "/write"), {})

        assert response.status == 200
        assert deadline.remaining() > 0.15
        assert server.lines() == ["POST /write"]


def test_a_deadline_passes_and_is_renewed() -> None:
    """The rest becomes negative, until a write starts the deadline again."""
    now = 5.0
    deadline = Deadline(10.0, 15.0, lambda: now)
    now = 9.0
    assert deadline.remaining() == 6.0
    now = 16.0
    assert deadline.remaining() == -1.0
    upstream = Services(Settings(okapi_url="http://folio")).for_caller(CALLER)
    upstream.deadline = deadline
    assert upstream.begin_write() is upstream
    assert deadline.remaining() == 10.0


async def test_the_rest_of_an_operation_is_not_blamed_on_upstream() -> None:
    """Reads that started too late for a response do not open the circuit breaker."""
    async with services_over(late(0.4), "aiohttp", 0.12) as (services, server):
        for _ in range(25):
            with pytest.raises(errors.UpstreamTimeout):
                await services.for_caller(CALLER).users.users(None, limit=1)

        assert len(server.received) == 25
