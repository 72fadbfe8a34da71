"""A client of Valkey or Redis that tolerates a slow or unavailable store.

The gateway works without the store: all its users have a local alternative. So calls have a short timeout,
are never retried, and are skipped for a while after a failure, as by a circuit breaker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal, TypeAlias, TypeVar, get_args

from gateway.observability.counters import ProcessCounter

T = TypeVar("T")
Outcome: TypeAlias = Literal["success", "failure", "skipped"]

PAUSE = 1.0  # seconds without calls after a failure
MAX_CONNECTIONS = 32  # per process; further concurrent calls wait, and their timeout begins afterwards
TIMEOUT_STEPS = 5  # in which a timeout passes

log = logging.getLogger(__name__)


REDIS_CALLS = ProcessCounter(
    "gateway_redis_calls",
    "Calls to the shared store; after a failed or skipped call the process uses its local state.",
    "outcome",
    get_args(Outcome),
)
"""`failure`: unreachable, timed out, or an error of the store. `skipped`: it had failed a moment before."""


class RedisUnavailable(Exception):
    """The shared store failed, or the call was skipped."""


class RedisStore:
    """One Valkey or Redis for all replicas, over a bounded connection pool.

    After a failure, calls are skipped for `PAUSE` seconds. Then one call probes the store while the others
    are still skipped, so that an unavailable store costs one timeout per second.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is `redis://`, `rediss://`, `valkey://`, `valkeys://` or `unix://`; times are in seconds.

        `timeout` is for a complete call, including connecting, but not waiting for one of the connections:
        that is no fault of the store. Nothing is opened before the first call. Raises `ValueError` for a URL
        with another scheme.
        """
        # Imported only if a store is configured: the client takes 40 ms to load.
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.maint_notifications import MaintNotificationsConfig

        # The protocol is the same; the client supports only the older scheme.
        redis_url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
        # No retries: a counter would be incremented twice, and the deadline would have passed anyway.
        no_retries = Retry(NoBackoff(), 0)
        pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=MAX_CONNECTIONS,
            retry=no_retries,
            # `execute` has one deadline for the complete call. The client's own timeout for sending uses
            # asyncio.wait_for, which up to Python 3.11 can swallow the cancellation of that deadline.
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            client_name="circulation-gateway",
            # The greetings of RESP3 and of the library would be two more round trips of a new connection.
            protocol=2,
            driver_info=None,
            # With these notifications, the client (8.1) does not notice a closed connection.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self.redis = Redis.from_pool(pool)  # for commands inside `execute` only
        self._failures = (RedisError, OSError, TimeoutError)
        self._timeout = timeout
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._pause = pause
        self._clock = clock
        self._probe_at: float | None = None  # the time of the next probe; None while the store works
        self._is_probing = False

    async def execute(self, command: Callable[[], Awaitable[T]]) -> T:
        """Execute a command on one connection, once. Raises `RedisUnavailable` after the timeout or earlier.

        A command that timed out may have been executed, so it must not be repeated unless it is idempotent.
        """
        self._skip_if_suspended()
        async with self._connections:
            return await self._execute(command)

    def _skip_if_suspended(self) -> None:
        if self._probe_at is not None and (self._is_probing or self._clock() < self._probe_at):
            REDIS_CALLS.add("skipped")
            raise RedisUnavailable

    async def _execute(self, command: Callable[[], Awaitable[T]]) -> T:
        self._skip_if_suspended()  # the store may have failed while this call waited for a connection
        is_probe = self._probe_at is not None
        self._is_probing = is_probe
        try:
            async with _timeout(self._timeout):
                result = await command()
        except self._failures as problem:
            REDIS_CALLS.add("failure")
            self._suspend(problem)
            raise RedisUnavailable from None  # the original message names the host
        finally:
            if is_probe:
                self._is_probing = False
        REDIS_CALLS.add("success")
        if is_probe:
            self._probe_at = None
            log.warning("The shared store is available again")
        return result

    async def aclose(self) -> None:
        """Close the connections, within the timeout."""
        with suppress(*self._failures):
            async with _timeout(self._timeout):
                await self.redis.aclose(close_connection_pool=True)

    def _suspend(self, problem: Exception) -> None:
        if self._probe_at is None:
            log.warning("The shared store is unavailable: %s", type(problem).__name__)
        self._probe_at = self._clock() + self._pause


@asynccontextmanager
async def _timeout(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` after a time in which the event loop was free to read the response.

    The time passes in steps, each of which begins when the loop gets to it. A loop that is busy with other
    requests for longer than the timeout delays one step, and then reads a response that is there already.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as deadline:
        timer: asyncio.TimerHandle | None = None

        def step(remaining: int = TIMEOUT_STEPS) -> None:
            nonlocal timer
            if remaining == 0:
                deadline.reschedule(loop.time())
            else:
                timer = loop.call_later(seconds / TIMEOUT_STEPS, step, remaining - 1)

        step()
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
