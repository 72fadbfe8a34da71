"""What one operation may take of time: its reads together, and its acts apart."""

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
    SocketServer,
    UpstreamResponse,
    drips,
    hangs,
    head,
    responds,
    socket_server,
)

pytestmark = pytest.mark.anyio

CALLER = Caller(tenant="diku", request_id="1/graphql")
ACT = Write(operation="checkOut", keys={"itemBarcode": "1"}, verify="item(barcode:) { id }")
USERS = responds(200, b'{"users":[]}')


def late(seconds: float) -> UpstreamResponse:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await USERS(reader, writer)

    return answer


@asynccontextmanager
async def services_over(
    answer: UpstreamResponse, network: str, seconds: float
) -> AsyncIterator[tuple[Services, SocketServer]]:
    async with socket_server(answer) as server:
        services = Services(
            Settings(okapi_url=server.url, upstream_transport=network, operation_timeout=seconds)
        )
        try:
            yield services, server
        finally:
            await services.aclose()


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize(
    "answer", [hangs, drips(head(200) + b" " * 1000, every=0.02)], ids=["hangs", "drips"]
)
async def test_reads_end_with_their_operation(answer: UpstreamResponse, network: str) -> None:
    """However long a read might take by itself, it is cut at what is left of the operation."""
    async with services_over(answer, network, 0.3) as (services, server):
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
    """What the first read took is gone for the second; once nothing is left, nothing is sent."""
    async with services_over(late(0.3), "aiohttp", 0.5) as (services, server):
        upstream = services.for_caller(CALLER)
        await upstream.users.users(None, limit=1)
        for _ in range(2):
            with pytest.raises(errors.UpstreamTimeout):
                await upstream.users.users(None, limit=1)
        assert len(server.received) == 2

        await services.for_caller(CALLER).users.users(None, limit=1)  # another operation has its own


async def test_an_act_is_not_cut_by_the_operation() -> None:
    """An act has its own time, and the links below its answer have a whole new one."""
    async with services_over(late(0.3), "aiohttp", 0.2) as (services, server):
        deadline = Deadline(0.2, time.monotonic() + 0.2)
        client = CallerClient(services.folio, (), "diku", deadline)
        answer = await client.write(ACT, Route("POST", "/act"), {})

        assert answer.status == 200
        assert deadline.remaining() > 0.15
        assert server.lines() == ["POST /act"]


def test_a_deadline_passes_and_is_renewed() -> None:
    """What is left becomes less than nothing, until an act begins it anew."""
    now = 5.0
    deadline = Deadline(10.0, 15.0, lambda: now)
    now = 9.0
    assert deadline.remaining() == 6.0
    now = 16.0
    assert deadline.remaining() == -1.0
    deadline.renew()
    assert deadline.remaining() == 10.0


async def test_the_rest_of_an_operation_is_not_blamed_on_upstream() -> None:
    """Reads that began too late to be answered do not open the breaker."""
    async with services_over(late(0.2), "aiohttp", 0.06) as (services, server):
        for _ in range(25):
            with pytest.raises(errors.UpstreamTimeout):
                await services.for_caller(CALLER).users.users(None, limit=1)

        assert len(server.received) == 25
