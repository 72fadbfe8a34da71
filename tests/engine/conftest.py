"""The stores of idempotency keys, of this process and in a real Valkey or Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from gateway.engine.idempotency_stores import LocalIdempotencyStore, RedisIdempotencyStore
from gateway.redis_store import RedisStore
from tests.store_server import PATIENCE, StoreServer, needs_store_server, store_server

NewStore = Callable[..., LocalIdempotencyStore | RedisIdempotencyStore]
"""Creates a store with a lease in seconds; each sees the same entries if they are shared."""


@pytest.fixture(scope="session", name="running_store")
def _running_store() -> Iterator[StoreServer]:
    with store_server() as server:
        yield server


@pytest.fixture(
    params=[pytest.param("local"), pytest.param("redis", marks=needs_store_server)], name="new_store"
)
async def _new_store(request: pytest.FixtureRequest) -> AsyncIterator[NewStore]:
    if request.param == "local":
        yield lambda lease=15.0: LocalIdempotencyStore(max_keys=1000, max_bytes=1_000_000, lease=lease)
        return
    server: StoreServer = request.getfixturevalue("running_store")
    server.execute("FLUSHALL")
    store = RedisStore(server.url, timeout=PATIENCE)
    yield lambda lease=15.0: RedisIdempotencyStore(store, lease=lease)
    await store.aclose()
