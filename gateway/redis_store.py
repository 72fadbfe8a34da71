"""A client of Valkey or Redis that tolerates a slow or unavailable store.

The gateway works without the store: its users have a local alternative, or refuse what needs it. So calls
have a short timeout, are never retried, and are skipped for a while after a failure, as by a circuit breaker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

from gateway.observability.counters import ProcessCounter

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

T = TypeVar("T")
Outcome: TypeAlias = Literal["success", "failure", "skipped"]

PAUSE = 1.0  # seconds without calls after a failure
MAX_CONNECTIONS = 32  # per process; further concurrent calls wait, and their timeout begins afterwards
TIMEOUT_STEPS = 5  # in which a timeout passes
PING_SECONDS = 5.0  # between two pings on the connection of a subscription

log = logging.getLogger(__name__)


REDIS_CALLS = ProcessCounter(
    "gateway_redis_calls",
    "Calls to the shared store; after a failed or skipped call the process does without it.",
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
        ping_seconds: float = PING_SECONDS,
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
            max_connections=MAX_CONNECTIONS + 1,  # that of a subscription waits for no call
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
        self.database: int = pool.connection_kwargs.get("db") or 0
        self._failures = (RedisError, OSError, TimeoutError)
        self._timeout = timeout
        self._connections = asyncio.Semaphore(MAX_CONNECTIONS)
        self._pause = pause
        self._ping_seconds = ping_seconds
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

    @asynccontextmanager
    async def subscription(self, channel: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Subscribe to a channel on a separate connection, and return its messages.

        Raises `RedisUnavailable` here and in the iteration, which ends in no other way. There may be one
        subscription at a time. It is no call: it is neither counted nor skipped, and its failures suspend
        no calls.
        """
        pubsub = self.redis.pubsub()
        pinging: asyncio.Task[None] | None = None
        try:
            try:
                async with _timeout(self._timeout):
                    await pubsub.subscribe(channel)
                    await pubsub.get_message(timeout=None)  # the confirmation
            except self._failures:
                raise RedisUnavailable from None
            pinging = asyncio.create_task(self._ping(pubsub))
            yield self._messages(pubsub)
        finally:
            if pinging is not None:
                pinging.cancel()
            with suppress(*self._failures):
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # of the client

    async def _messages(self, pubsub: PubSub) -> AsyncIterator[bytes]:
        """Return the messages of a subscription. A store that does not even respond to pings has failed."""
        while True:
            try:
                async with asyncio.timeout(2 * self._ping_seconds):
                    message = await pubsub.get_message(timeout=None)
            except self._failures:
                raise RedisUnavailable from None
            if message is not None and message["type"] == "message":
                yield message["data"]

    async def _ping(self, pubsub: PubSub) -> None:
        """Ping the store, so that a subscription without messages shows a store that does not respond."""
        with suppress(*self._failures):  # the iteration fails too
            while True:
                await asyncio.sleep(self._ping_seconds)
                await pubsub.ping()

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
