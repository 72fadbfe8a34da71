"""Valkey or Redis, asked as something that may be slow or away at any time.

Nothing that is kept there is needed for an answer: who asks it has another way to go on. So a question is
short, it is asked once, and a store that failed is left alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal, TypeAlias, TypeVar

T = TypeVar("T")
Outcome: TypeAlias = Literal["answered", "failed", "left alone"]

PAUSE = 1.0  # seconds that a store which failed is left alone
CONNECTIONS = 8  # per process: more questions at once wait for their turn, within the timeout

log = logging.getLogger(__name__)


class StoreCalls:
    """Counts since the process began: what became of the questions to the shared store.

    `answered`: the store did. `failed`: it could not be reached, took too long or refused.
    `left alone`: it was not asked, because it had failed a moment ago. The last two were decided without it.
    """

    def __init__(self) -> None:
        self.by_outcome: Counter[Outcome] = Counter()

    def count(self, outcome: Outcome) -> None:
        self.by_outcome[outcome] += 1


STORE_CALLS = StoreCalls()


class RedisUnavailable(Exception):
    """The shared store did not answer or was not asked; whoever asked goes on without it."""


class RedisStore:
    """One Valkey or Redis for all replicas, over a bounded pool of connections.

    After a failure it is left alone for `PAUSE` seconds, then one question tries while the others still go
    without. So a store that is away costs one question its timeout each second, and all others nothing.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        pause: float = PAUSE,
        calls: StoreCalls = STORE_CALLS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is `redis://`, `rediss://`, `valkey://`, `valkeys://` or `unix://`; times are in seconds.

        `timeout` is for a whole question, connecting and waiting for a connection included. Nothing is
        opened before the first question. Raises `ValueError` for a URL of another kind.
        """
        # Imported where there is a store: the client takes 40 ms to load, and most set-ups never need it.
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.maint_notifications import MaintNotificationsConfig

        # One protocol, two names: the client knows only the older one.
        known = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
        # Never twice: a counter would be raised twice, and the deadline would have passed anyway.
        once = Retry(NoBackoff(), 0)
        pool = BlockingConnectionPool.from_url(
            known,
            max_connections=CONNECTIONS,
            retry=once,
            # One deadline for all of a question, in `ask`. The client's own for sending rests on
            # asyncio.wait_for, which up to Python 3.11 can swallow that deadline's cancellation.
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            client_name="circulation-gateway",
            # While it listens for them, the client (8.1) does not see that a connection has been closed.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self.redis = Redis.from_pool(pool)  # to be asked inside `ask` only
        self._failures = (RedisError, OSError, TimeoutError)
        self._timeout = timeout
        self._pause = pause
        self._calls = calls
        self._clock = clock
        self._resumes: float | None = None  # when a question may try again; None while all is well
        self._trying = False

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask one question. Raises `RedisUnavailable`, at the latest after the timeout.

        The question must not ask twice for what may not be done twice: nobody knows whether a question that
        ran out of time was answered.
        """
        tries = self._resumes is not None
        if self._resumes is not None and (self._trying or self._clock() < self._resumes):
            self._calls.count("left alone")
            raise RedisUnavailable
        self._trying = tries
        try:
            async with asyncio.timeout(self._timeout):
                answer = await question()
        except self._failures as problem:
            self._calls.count("failed")
            self._leave_alone(problem)
            raise RedisUnavailable from None  # its text names the host
        finally:
            if tries:
                self._trying = False
        self._calls.count("answered")
        if tries:
            self._resumes = None
            log.warning("The shared store answers again")
        return answer

    async def aclose(self) -> None:
        """Close the connections, which a store that hangs cannot hold up."""
        with suppress(*self._failures):
            async with asyncio.timeout(self._timeout):
                await self.redis.aclose(close_connection_pool=True)

    def _leave_alone(self, problem: Exception) -> None:
        if self._resumes is None:
            log.warning("The shared store is left alone: %s", type(problem).__name__)
        self._resumes = self._clock() + self._pause
