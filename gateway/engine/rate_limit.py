"""A rate limit per user, in estimated upstream calls.

The window slides: the calls of the previous window count with a weight that falls to zero in the current one.
So a spent budget recovers evenly, and two counts are kept per user instead of a list of calls.

A refused operation is not counted. Replicas share the counts in a `RedisStore`. Without one, and during an
outage of it, each process counts its own operations.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from gateway.errors import RateLimited
from gateway.identity import Caller
from gateway.observability.counters import ProcessCounter
from gateway.redis_store import RedisStore, RedisUnavailable

MAX_USERS = 10_000  # counted per process, 2 MB: each token counts as a user, valid or not


DECISIONS = ProcessCounter(
    "gateway_rate_limit_decisions",
    "Operations admitted and refused by the rate limit.",
    "decision",
    ("admitted", "refused"),
)


class Window(NamedTuple):
    """Calls of a user in the previous and the current window, and the seconds left of the current one."""

    previous: int
    current: int
    left: float


def user_key(caller: Caller) -> str:
    """Return the key of the user's budget, the tenant and 32 hexadecimal digits: `diku/9a0c...`.

    A user is identified by the hash of their token, so that no store sees the token. The claims in a token
    would outlive the 10 minutes of a FOLIO token, but they are not verified here: with a forged user id a
    caller could spend another user's budget. A token cannot be forged. The price: a new token is a new
    budget, so a user who refreshes it may spend twice the limit in that window.

    Callers without a token are identified by their Polaris authorization. Without both, all callers of a
    tenant share one budget. This limit does not stop a flood of forged tokens: each is a user, which upstream
    rejects.
    """
    credential = caller.token
    if credential is None and caller.polaris is not None:
        credential = caller.polaris.authorization
    digest = hashlib.blake2b((credential or "").encode(), digest_size=16, person=b"rate limit").hexdigest()
    return f"{caller.tenant}/{digest}"


def seconds_to_wait(window: Window, cost: int, maximum: int, seconds: int) -> float:
    """Return the time until `cost` (at most `maximum`) may be spent, if nothing else is spent until then."""
    room = maximum - window.current - cost
    if room >= 0:  # the previous window exceeds the limit: its weight must fall to the room that is left
        return window.left - room * seconds / window.previous if window.previous else 0.0
    # The current window exceeds it, and will be the previous one.
    return window.left + seconds - (maximum - cost) * seconds / window.current


class LocalCounters:
    """The counts of this process, for the users seen last.

    The in-process storage of `limits` is not used: each hit walks through all its keys to find the expired
    ones, 2 ms with 20,000 of them (measured on limits 5.8), and their number is not bounded.
    """

    def __init__(
        self,
        maximum: int,
        seconds: int,
        *,
        max_users: int = MAX_USERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._maximum = maximum
        self._seconds = seconds
        self._max_users = max_users
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int, int]] = OrderedDict()  # start, previous, current

    def __len__(self) -> int:
        return len(self._counts)

    def spend(self, key: str, cost: int) -> float | None:
        """Spend `cost`, or return the seconds until it could be spent."""
        now = self._clock()
        start, previous, current = self._get_counts(key, now)
        window = Window(previous, current, start + self._seconds - now)
        weighted = math.floor(previous * window.left / self._seconds) + current
        is_refused = weighted + cost > self._maximum
        self._counts[key] = (start, previous, current if is_refused else current + cost)
        self._counts.move_to_end(key)  # refused users too: repeated requests must not evict their counts
        if len(self._counts) > self._max_users:
            self._counts.popitem(last=False)
        return seconds_to_wait(window, cost, self._maximum, self._seconds) if is_refused else None

    def _get_counts(self, key: str, now: float) -> tuple[float, int, int]:
        """Return the start of the user's window, and the calls before it and in it."""
        start, previous, current = self._counts.get(key, (now, 0, 0))
        if now < start + self._seconds:
            return start, previous, current
        if now < start + 2 * self._seconds:
            return start + self._seconds, current, 0
        return now, 0, 0


class RedisCounters:
    """The counts of all replicas, kept and weighted by a script of `limits` in the store."""

    def __init__(self, store: RedisStore, maximum: int, seconds: int) -> None:
        from limits import RateLimitItemPerSecond  # imported if used, like the client of the store
        from limits.aio.storage import RedisStorage

        self._store = store
        self._item = RateLimitItemPerSecond(maximum, seconds, namespace="rate")
        self._storage = RedisStorage(
            "redis://",  # the address is the pool's
            implementation="redispy",
            key_prefix="gateway",
            connection_pool=store.redis.connection_pool,  # type: ignore[arg-type]  # documented, not declared
        )

    async def spend(self, key: str, cost: int) -> float | None:
        """Spend `cost`, or return the seconds until it could be spent. Raises `RedisUnavailable`."""
        return await self._store.execute(partial(self._spend, self._item.key_for(key), cost))

    async def _spend(self, key: str, cost: int) -> float | None:
        maximum, seconds = self._item.amount, self._item.get_expiry()
        if await self._storage.acquire_sliding_window_entry(key, maximum, seconds, cost):
            return None
        previous, _, current, expiry = await self._storage.get_sliding_window(key, seconds)
        # A window's count is kept for twice its length: in the second half it is the previous one.
        window = Window(previous, current, max(expiry - seconds, 0.0))
        return seconds_to_wait(window, cost, maximum, seconds)


class RateLimit:
    """At most `maximum` upstream calls per user in `seconds`, in this process or in all that share a store.

    It is checked after the cost of an operation is known and before the operation is executed.
    """

    def __init__(
        self,
        maximum: int,
        seconds: int,
        store: RedisStore | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if maximum < 1 or seconds < 1:
            raise ValueError("maximum and seconds must be at least 1")
        self.maximum = maximum
        self.seconds = seconds
        self._local = LocalCounters(maximum, seconds, clock=clock)
        self._shared = RedisCounters(store, maximum, seconds) if store is not None else None

    async def check(self, caller: Caller, cost: int) -> RateLimited | None:
        """Spend `cost` upstream calls of the caller's budget, or return the error with the time to wait.

        An operation without upstream calls counts as one. One that needs more than `maximum` spends a
        complete budget, because it would otherwise never be admitted.
        """
        wait = await self._spend(user_key(caller), min(max(cost, 1), self.maximum))
        if wait is None:
            DECISIONS.add("admitted")
            return None
        DECISIONS.add("refused")
        return RateLimited(
            f"RATE_LIMIT allows {self.maximum} upstream calls in {self.seconds} seconds; this operation may"
            f" need {cost}. Nothing was sent.",
            retry_after=max(math.ceil(wait), 1),
            details={
                "limit": "RATE_LIMIT",
                "maximum": self.maximum,
                "seconds": self.seconds,
                "estimated": cost,
            },
        )

    async def _spend(self, key: str, cost: int) -> float | None:
        if self._shared is not None:
            try:
                return await self._shared.spend(key, cost)
            except RedisUnavailable:
                pass
        return self._local.spend(key, cost)
