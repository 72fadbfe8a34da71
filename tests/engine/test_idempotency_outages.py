"""Keyed mutations while the shared store fails: nothing is sent without a claim."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.engine.idempotency_stores import RedisIdempotencyStore
from gateway.redis_store import RedisStore
from gateway.sandbox import Sandbox, create_sandbox
from tests.engine.keyed_gateway import (
    CHECK_OUT_PATH,
    GRAPHQL,
    Decisions,
    KeyedGateway,
    error_of,
    is_replayed,
    keyed_gateway,
    until_sent,
)
from tests.store_server import StoreServer, needs_store_server, store_server

pytestmark = [pytest.mark.anyio, needs_store_server]

LEASE = 0.3  # seconds
PAUSE = 0.05  # seconds without calls after a failure


@pytest.fixture(name="server")
def _server() -> Iterator[StoreServer]:
    with store_server() as server:
        yield server


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


@asynccontextmanager
async def open_gateway(server: StoreServer, sandbox: Sandbox) -> AsyncIterator[KeyedGateway]:
    store = RedisStore(server.url, timeout=0.5, pause=PAUSE)
    shared = RedisIdempotencyStore(store, lease=LEASE)
    async with keyed_gateway(shared, sandbox, lease=LEASE) as gateway:
        yield gateway
    await store.aclose()


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_without_the_store_nothing_is_sent(server: StoreServer, sandbox: Sandbox, accept: str) -> None:
    """A keyed mutation is refused with 503; one without a key is executed."""
    decisions = Decisions()
    server.kill()
    async with open_gateway(server, sandbox) as gateway:
        refused = await gateway.send(headers={"Accept": accept})
        assert gateway.sent == []
        unkeyed = await gateway.send(key=None)

    assert error_of(refused) == (503, "UPSTREAM_UNAVAILABLE")
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["retryable"] is True
    assert unkeyed.json()["data"]["checkOut"]["__typename"] == "CheckedOut"
    assert decisions.counts == {"unavailable": 1}


async def test_a_full_store_refuses_keys(server: StoreServer, sandbox: Sandbox) -> None:
    """A store that is full and evicts nothing takes no claim, so that nothing is sent."""
    server.execute("CONFIG SET maxmemory 1")
    async with open_gateway(server, sandbox) as gateway:
        refused = await gateway.send()

    assert error_of(refused) == (503, "UPSTREAM_UNAVAILABLE")
    assert gateway.sent == []


async def test_a_claim_that_was_stored_too_late_is_released(server: StoreServer, sandbox: Sandbox) -> None:
    """A store that executes the claim after its timeout keeps the key for a moment, not for a day."""
    async with open_gateway(server, sandbox) as gateway:
        await gateway.send(key="warms the connection up")
        sandbox.calls.clear()
        server.pause()
        refused = await gateway.send()
        server.resume()
        await asyncio.sleep(2 * LEASE)

        again = await gateway.send()

    assert error_of(refused) == (503, "UPSTREAM_UNAVAILABLE")
    assert again.status_code == 200
    assert not is_replayed(again)
    assert gateway.sent.count(f"POST {CHECK_OUT_PATH}") == 1


async def test_the_store_fails_after_the_write(server: StoreServer, sandbox: Sandbox) -> None:
    """The client gets its response. A repetition is looked up, if the response could not be stored later."""
    sandbox.latency = 0.2
    async with open_gateway(server, sandbox) as gateway:
        sending = asyncio.create_task(gateway.send())
        await until_sent(gateway)
        server.execute("ACL SETUSER default -eval")  # it refuses everything, and keeps what it has
        first = await sending
        await asyncio.sleep(2 * LEASE)
        server.execute("ACL SETUSER default +eval")
        await asyncio.sleep(2 * PAUSE)
        sandbox.calls.clear()

        again = await gateway.send()

    assert first.json()["data"]["checkOut"]["__typename"] == "CheckedOut"
    assert not is_replayed(first)
    assert is_replayed(again)
    assert again.json() == {**first.json(), "extensions": {"outcome": "confirmed"}}
    assert gateway.sent == ["GET /inventory/items", "GET /circulation/loans"]
    assert gateway.writes == 1


async def test_the_response_is_stored_after_an_outage(server: StoreServer, sandbox: Sandbox) -> None:
    """A store that comes back empty within the lease gets claim and response again."""
    async with open_gateway(server, sandbox) as gateway:
        sandbox.latency = 0.2
        sending = asyncio.create_task(gateway.send())
        await until_sent(gateway)
        server.kill()
        first = await sending
        server.start()
        await asyncio.sleep(LEASE)
        sandbox.calls.clear()

        again = await gateway.send()

    assert (again.content, is_replayed(again)) == (first.content, True)
    assert gateway.sent == []
