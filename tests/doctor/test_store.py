"""The checks of the shared store: eviction and persistence, against a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.doctor.store import StoreCheck, check_store
from gateway.settings import Settings
from gateway.settings_group import Secret
from tests.store_server import PATIENCE, StoreServer, free_port, needs_store_server, store_server

pytestmark = pytest.mark.anyio


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with store_server(dir=str(tmp_path_factory.mktemp("store"))) as server:
        yield server


def settings(url: str, **more: bool) -> Settings:
    return Settings(sandbox=True, redis_url=Secret(url), redis_timeout=PATIENCE, **more)


async def test_without_a_store_there_is_nothing_to_check() -> None:
    """The store in the process has no settings that could be wrong."""
    assert await check_store(Settings(sandbox=True)) == ()


@needs_store_server
async def test_a_store_without_persistence(server: StoreServer) -> None:
    """It is healthy, with a warning that a restart forgets the keys."""
    connection, policy, persistence = await check_store(settings(server.url))

    assert connection.value.startswith("reachable, ")
    assert policy == StoreCheck(name="maxmemory-policy", value="noeviction")
    assert persistence == StoreCheck(
        name="appendonly",
        value="no",
        message="should be yes: a mutation whose key was lost in a restart can be executed twice",
    )


@needs_store_server
async def test_a_store_as_it_should_be(server: StoreServer) -> None:
    """With the append-only file and without eviction there is nothing to say."""
    server.execute("CONFIG SET appendonly yes")
    checks = await check_store(settings(server.url))
    server.execute("CONFIG SET appendonly no")

    assert all(each.is_healthy and each.message is None for each in checks)
    assert checks[2].value == "yes"


@needs_store_server
async def test_a_store_that_evicts(server: StoreServer) -> None:
    """A policy that evicts keys is an error, unless keys are not used."""
    server.execute("CONFIG SET maxmemory-policy allkeys-lru")
    checks = await check_store(settings(server.url))
    unused = await check_store(settings(server.url, idempotency=False))
    server.execute("CONFIG SET maxmemory-policy noeviction")

    assert checks[1] == StoreCheck(
        name="maxmemory-policy",
        value="allkeys-lru",
        is_healthy=False,
        message="must be noeviction: a mutation whose key was evicted can be executed twice",
    )
    assert [each.name for each in unused] == ["connection"]


async def test_a_store_that_is_not_there() -> None:
    """It is an error, and no address is shown."""
    (check,) = await check_store(settings(f"redis://127.0.0.1:{free_port()}/0"))

    assert (check.value, check.is_healthy) == ("unavailable", False)
    assert "127.0.0.1" not in str(check)
