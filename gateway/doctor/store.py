"""The checks of the store that replicas share: what idempotency keys need of a Valkey or Redis."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.redis_store import RedisStore, RedisUnavailable
from gateway.settings import Settings

NO_EVICTION = "noeviction"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """A property of the store with its value, and the consequence of a value that is not as it should be.

    `is_healthy` is false if a mutation could be executed twice, or none can be with a key.
    """

    name: str
    value: str
    is_healthy: bool = True
    message: str | None = None


async def check_store(settings: Settings) -> tuple[StoreCheck, ...]:
    """Connect to the store of REDIS_URL and read its settings; without REDIS_URL there are no checks.

    They come from INFO, because hosted stores forbid CONFIG.
    """
    if settings.redis_url is None:
        return ()
    store = RedisStore(settings.redis_url.reveal(), timeout=settings.redis_timeout, pause=0.0)
    began = time.perf_counter()
    try:
        await store.execute(store.redis.ping)
        milliseconds = round(1000 * (time.perf_counter() - began))
        connection = StoreCheck(name="connection", value=f"reachable, {milliseconds} ms")
        if not settings.idempotency:
            return (connection,)
        information: Mapping[str, Any] = await store.execute(store.redis.info)  # Any: texts and numbers
    except RedisUnavailable:
        return (
            StoreCheck(
                name="connection",
                value="unavailable",
                is_healthy=False,
                message="it does not respond within REDIS_TIMEOUT, or refuses commands",
            ),
        )
    finally:
        await store.aclose()
    return connection, _policy(information), _persistence(information)


def _policy(information: Mapping[str, Any]) -> StoreCheck:
    policy = str(information.get("maxmemory_policy", "unknown"))
    is_healthy = policy == NO_EVICTION
    message = f"must be {NO_EVICTION}: a mutation whose key was evicted can be executed twice"
    return StoreCheck(
        name="maxmemory-policy", value=policy, is_healthy=is_healthy, message=None if is_healthy else message
    )


def _persistence(information: Mapping[str, Any]) -> StoreCheck:
    if information.get("aof_enabled") == 1:
        return StoreCheck(name="appendonly", value="yes")
    message = "should be yes: a mutation whose key was lost in a restart can be executed twice"
    return StoreCheck(name="appendonly", value="no", message=message)
