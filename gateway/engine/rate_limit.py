"""How much one user may ask in a while, counted in upstream calls.

The window slides: what was spent in the window before still counts, less and less as this one goes on. So a
budget that was spent at once comes back evenly, and two figures are kept for each user, not a list of what
they asked.

A refused operation is not counted. Replicas share the figures through a `RedisStore`; while it does not
answer, each process counts what comes to it, as it does where there is no store.
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
from gateway.redis_store import RedisStore, RedisUnavailable

MOST_USERS = 10_000  # whose figures a process keeps, 2 MB: a user is whoever brings a token, whatever token


class Decisions:
    """Counts since the process began: operations that the rate limit let through, and those it refused."""

    def __init__(self) -> None:
        self.admitted = 0
        self.refused = 0


DECISIONS = Decisions()


class Window(NamedTuple):
    """What a user has spent: in the window before, in this one, and how many seconds of this one are left."""

    before: int
    now: int
    left: float


def user_key(caller: Caller) -> str:
    """Name whose budget it is, in 32 hexadecimal digits behind the tenant: `diku/9a0c...`.

    A user is a token, by its hash: no store ever sees the token. The claims inside would outlive the 10
    minutes of a FOLIO token, but they are not checked here, and whoever knows a user's id could write them
    into a token of their own and spend that user's budget. Nobody can bring another's token. The price: a new
    token is a new budget, so a user who refreshes it may spend twice the limit in that one window.

    Who brings no token is known by the Polaris authorization, and without that all of a tenant are one user.
    A flood of invented tokens is no case for this limit: each would be a user. Upstream refuses them.
    """
    brought = caller.token
    if brought is None and caller.polaris is not None:
        brought = caller.polaris.authorization
    digest = hashlib.blake2b((brought or "").encode(), digest_size=16, person=b"rate limit").hexdigest()
    return f"{caller.tenant}/{digest}"


def seconds_to_wait(window: Window, cost: int, most: int, seconds: int) -> float:
    """How long until `cost`, which is at most `most`, may be spent, if nothing else is until then."""
    room = most - window.now - cost
    if room >= 0:  # it is the window before that is in the way: its share shrinks to what there is room for
        return window.left - room * seconds / window.before if window.before else 0.0
    # It is this window, which then is the one before.
    return window.left + seconds - (most - cost) * seconds / window.now


class LocalCounters:
    """The figures of this process, of the users who asked last.

    The in-process storage of `limits` is not used: each hit walks through all its keys to find those that
    have run out, 2 ms with 20,000 of them (measured on limits 5.8), and nothing bounds their number.
    """

    def __init__(
        self,
        most: int,
        seconds: int,
        *,
        users: int = MOST_USERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._users = users
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, int, int]] = OrderedDict()  # began, before, now

    def __len__(self) -> int:
        return len(self._spent)

    def spend(self, key: str, cost: int) -> float | None:
        """Spend, or say how many seconds later it could be."""
        time_now = self._clock()
        began, before, now = self._figures(key, time_now)
        window = Window(before, now, began + self._seconds - time_now)
        weighted = math.floor(before * window.left / self._seconds) + now
        refused = weighted + cost > self._most
        self._spent[key] = (began, before, now if refused else now + cost)
        self._spent.move_to_end(key)  # who is refused too: going on to ask is no way to be forgotten
        if len(self._spent) > self._users:
            self._spent.popitem(last=False)
        return seconds_to_wait(window, cost, self._most, self._seconds) if refused else None

    def _figures(self, key: str, time_now: float) -> tuple[float, int, int]:
        """When the user's window began, at first by asking, and what was spent before it and in it."""
        began, before, now = self._spent.get(key, (time_now, 0, 0))
        if time_now < began + self._seconds:
            return began, before, now
        if time_now < began + 2 * self._seconds:
            return began + self._seconds, now, 0
        return time_now, 0, 0


class RedisCounters:
    """The figures of all replicas, kept and weighed by a script of `limits` inside the store."""

    def __init__(self, store: RedisStore, most: int, seconds: int) -> None:
        from limits import RateLimitItemPerSecond  # loaded where it is used, as the client of the store is
        from limits.aio.storage import RedisStorage

        self._store = store
        self._item = RateLimitItemPerSecond(most, seconds, namespace="rate")
        self._storage = RedisStorage(
            "redis://",  # the pool knows where
            implementation="redispy",
            key_prefix="gateway",
            connection_pool=store.redis.connection_pool,  # type: ignore[arg-type]  # documented, not declared
        )

    async def spend(self, key: str, cost: int) -> float | None:
        """Spend, or say how many seconds later it could be. Raises `RedisUnavailable`."""
        return await self._store.ask(partial(self._spend, self._item.key_for(key), cost))

    async def _spend(self, key: str, cost: int) -> float | None:
        most, seconds = self._item.amount, self._item.get_expiry()
        if await self._storage.acquire_sliding_window_entry(key, most, seconds, cost):
            return None
        before, _, now, ends = await self._storage.get_sliding_window(key, seconds)
        # A window's figure is kept for twice its time: in the second half it is the one before.
        return seconds_to_wait(Window(before, now, max(ends - seconds, 0.0)), cost, most, seconds)


class RateLimit:
    """At most `most` upstream calls of one user in `seconds`, in this process or in all that share a store.

    It is asked when the cost of an operation is known and before it is executed.
    """

    def __init__(
        self,
        most: int,
        seconds: int,
        store: RedisStore | None = None,
        *,
        decisions: Decisions = DECISIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if most < 1 or seconds < 1:
            raise ValueError("most and seconds must be at least 1")
        self.most = most
        self.seconds = seconds
        self._own = LocalCounters(most, seconds, clock=clock)
        self._shared = RedisCounters(store, most, seconds) if store is not None else None
        self._decisions = decisions

    async def check(self, caller: Caller, cost: int) -> RateLimited | None:
        """Spend `cost` upstream calls of the caller's, or say why not and when to come again.

        An operation that asks nothing upstream costs one call all the same, and one that needs more than
        `most` takes a whole budget: it would be refused for ever.
        """
        wait = await self._spend(user_key(caller), min(max(cost, 1), self.most))
        if wait is None:
            self._decisions.admitted += 1
            return None
        self._decisions.refused += 1
        return RateLimited(
            f"Too much was asked of late: at most {self.most} upstream calls in {self.seconds} seconds are"
            f" allowed, and this operation may need {cost}. Nothing was asked.",
            retry_after=max(math.ceil(wait), 1),
            details={
                "limit": "RATE_LIMIT",
                "maximum": self.most,
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
        return self._own.spend(key, cost)
