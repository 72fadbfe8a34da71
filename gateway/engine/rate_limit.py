"""A rate limit per user, in estimated upstream calls.

The window slides: the calls of the previous window count with a weight that falls to zero in the current one.
So a spent budget recovers evenly, and two counts are kept per user instead of a list of calls.

A refused operation is not counted. Responses have the header fields of draft-ietf-httpapi-ratelimit-headers
(the revisions since 08): the policy, and the calls that are left of it.

Replicas share the counts in a `RedisStore`. Without one, and during an
outage of it, each process counts its own operations.

The library `limits` is not used: it has no call that spends and returns the time to wait, so a refusal takes
two round trips, and its storage of one process walks through all its keys at each hit.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.errors import RateLimited
from gateway.identity import Caller
from gateway.observability.counters import ProcessCounter
from gateway.observability.operation import OperationRecord
from gateway.redis_store import RedisStore, RedisUnavailable

# The sliding window of `LocalCounters`, by the clock of the store. Times are in milliseconds. A hash holds
# the start of the window and both counts, for as long as they matter.
SPEND = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local maximum, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'start', 'previous', 'current')
local start = tonumber(kept[1]) or now
local previous, current = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if now >= start + 2 * window then
  start, previous, current = now, 0, 0
elseif now >= start + window then
  start, previous, current = start + window, current, 0
end
local left = math.min(start + window - now, window)
if math.floor(previous * left / window) + current + cost > maximum then
  return {0, previous, current, left}
end
redis.call('HSET', KEYS[1], 'start', start, 'previous', previous, 'current', math.max(current + cost, 0))
redis.call('PEXPIRE', KEYS[1], left + window)
return {1, previous, current, left}
"""

POLICY = "upstream-calls"  # its name in the header fields
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


class Spent(NamedTuple):
    """The result of spending: the seconds until it could be spent, None if it was; the window after it."""

    wait: float | None
    window: Window


def user_keys(caller: Caller, *, calls_polaris: bool) -> tuple[str, ...]:
    """Return the keys of the user's budgets: one, or two for an operation that calls Polaris.

    FOLIO verifies the token and the tenant, Polaris the login, and neither what the other verifies: if a lock
    counted for the token alone, each invented token and tenant would be another user with the same login.
    """
    login = None if caller.polaris is None else caller.polaris.authorization
    if login is None or (caller.token is not None and not calls_polaris):
        return (user_key(caller),)
    of_login = f"-/{_digest(login)}"  # `-` is no tenant
    return (of_login,) if caller.token is None else (user_key(caller), of_login)


def user_key(caller: Caller) -> str:
    """Return the key of a budget in FOLIO, the tenant and 32 hexadecimal digits: `diku/9a0c...`.

    A user is identified by the hash of their token, so that no store sees the token. The claims in a token
    would outlive the 10 minutes of a FOLIO token, but they are not verified here: with a forged user id a
    caller could spend another user's budget. A token cannot be forged. The price: a new token is a new
    budget, so a user who refreshes it may spend twice the limit in that window.

    Without a token, all callers of a tenant share one budget. This limit does not stop a flood of forged
    tokens: each is a user, which FOLIO rejects.
    """
    return f"{caller.tenant}/{_digest(caller.token or '')}"


def _digest(credential: str) -> str:
    return hashlib.blake2b(credential.encode(), digest_size=16, person=b"rate limit").hexdigest()


def seconds_to_wait(window: Window, cost: int, maximum: int, seconds: int) -> float:
    """Return the time until `cost` (at most `maximum`) may be spent, if nothing else is spent until then."""
    room = maximum - window.current - cost
    if room >= 0:  # the previous window exceeds the limit: its weight must fall to the room that is left
        return window.left - room * seconds / window.previous if window.previous else 0.0
    # The current window exceeds it, and will be the previous one.
    return window.left + seconds - (maximum - cost) * seconds / window.current


def remaining_calls(window: Window, maximum: int, seconds: int) -> int:
    """Return the calls that are left of `maximum`."""
    return max(maximum - _weight(window, seconds) - window.current, 0)


def seconds_to_more(window: Window, seconds: int) -> float | None:
    """Return the time after which calls are left that are not now; None if all are."""
    if weight := _weight(window, seconds):
        return window.left - weight * seconds / window.previous
    return window.left if window.current else None


def _weight(window: Window, seconds: int) -> int:
    """Return how many of the previous window's calls count."""
    return math.floor(window.previous * window.left / seconds)


class LocalCounters:
    """The counts of this process, for the users seen last."""

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

    def spend(self, key: str, cost: int) -> Spent:
        """Spend `cost`, unless that is too much."""
        now = self._clock()
        start, previous, current = self._get_counts(key, now)
        window = Window(previous, current, start + self._seconds - now)
        is_refused = cost > remaining_calls(window, self._maximum, self._seconds)
        after = window if is_refused else window._replace(current=max(current + cost, 0))
        self._counts[key] = (start, previous, after.current)
        self._counts.move_to_end(key)  # refused users too: repeated requests must not evict their counts
        if len(self._counts) > self._max_users:
            self._counts.popitem(last=False)
        wait = seconds_to_wait(window, cost, self._maximum, self._seconds) if is_refused else None
        return Spent(wait, after)

    def _get_counts(self, key: str, now: float) -> tuple[float, int, int]:
        """Return the start of the user's window, and the calls before it and in it."""
        start, previous, current = self._counts.get(key, (now, 0, 0))
        if now < start + self._seconds:
            return start, previous, current
        if now < start + 2 * self._seconds:
            return start + self._seconds, current, 0
        return now, 0, 0


class _Spending(NamedTuple):
    """A cost that waits for the store; the result is as of `spend`."""

    key: str
    cost: int
    result: asyncio.Future[Spent]


class RedisCounters:
    """The counts of all replicas, kept and weighted by a script in the store.

    Everything that is spent at the same time is one round trip on one connection, so that a burst does not
    wait for connections.
    """

    def __init__(self, store: RedisStore, maximum: int, seconds: int) -> None:
        self._store = store
        self._maximum = maximum
        self._seconds = seconds
        self._waiting: list[_Spending] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def spend(self, key: str, cost: int) -> Spent:
        """Spend `cost`, unless that is too much. Raises `RedisUnavailable`."""
        result: asyncio.Future[Spent] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Spending(key, cost, result))
        if len(self._waiting) == 1:
            sending = asyncio.create_task(self._send())
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
        return await result

    async def _send(self) -> None:
        """Spend all that waits. More is added to it until there is a connection."""
        batch: list[_Spending] = []

        async def spend() -> None:
            batch[:], self._waiting = self._waiting, []
            for spending, spent in zip(batch, await self._spend(batch), strict=True):
                if not spending.result.done():  # cancelled with its request
                    spending.result.set_result(spent)

        try:
            await self._store.execute(spend)
        except Exception as problem:
            if not batch:
                batch, self._waiting = self._waiting, []
            for spending in batch:
                if not spending.result.done():
                    spending.result.set_exception(problem)

    async def _spend(self, batch: Sequence[_Spending]) -> list[Spent]:
        pipeline = self._store.redis.pipeline(transaction=False)
        for each in batch:
            # With its text, which the store hashes: a digest alone may be unknown to a store that restarted.
            name = f"gateway/rate/{each.key}/{self._maximum}/{self._seconds}"
            pipeline.eval(SPEND, 1, name, self._maximum, self._seconds * 1000, each.cost)
        results = []
        for each, (is_spent, previous, current, left) in zip(batch, await pipeline.execute(), strict=True):
            window = Window(previous, current, left / 1000)
            if is_spent:
                results.append(Spent(None, window._replace(current=current + each.cost)))
            else:
                results.append(
                    Spent(seconds_to_wait(window, each.cost, self._maximum, self._seconds), window)
                )
        return results


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
        self._policy = f'"{POLICY}";q={maximum};w={seconds}'.encode()

    async def check(
        self,
        caller: Caller,
        cost: int,
        record: OperationRecord | None = None,
        *,
        calls_polaris: bool = False,
    ) -> RateLimited | None:
        """Spend `cost` upstream calls of the caller's budgets, or return the error with the time to wait.

        `calls_polaris` is true if some may be to Polaris: see `user_keys`.

        An operation without upstream calls counts as one. One that needs more than `maximum` spends a
        complete budget, because it would otherwise never be admitted. The header fields of the response are
        set in the record.
        """
        keys = user_keys(caller, calls_polaris=calls_polaris)
        wait, window = await self._spend_all(keys, min(max(cost, 1), self.maximum))
        if record is not None:
            record.rate_limit = self._headers(window)
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

    def _headers(self, window: Window) -> Sequence[tuple[bytes, bytes]]:
        """Return the policy, the calls that are left of it, and the seconds until there is one more."""
        limit = f'"{POLICY}";r={remaining_calls(window, self.maximum, self.seconds)}'
        if (wait := seconds_to_more(window, self.seconds)) is not None:
            limit += f";t={math.floor(wait) + 1}"
        return ((b"ratelimit-policy", self._policy), (b"ratelimit", limit.encode()))

    async def _spend_all(self, keys: Sequence[str], cost: int) -> Spent:
        """Spend `cost` of each budget, or of none. The result is that of the budget with the least left."""
        if len(keys) == 1:
            return await self._spend(keys[0], cost)
        spent = await asyncio.gather(*(self._spend(key, cost) for key in keys))
        refused = [each for each in spent if each.wait is not None]
        if not refused:
            return min(spent, key=lambda each: remaining_calls(each.window, self.maximum, self.seconds))
        admitted = [key for key, each in zip(keys, spent, strict=True) if each.wait is None]
        await asyncio.gather(*(self._spend(key, -cost) for key in admitted))
        return max(refused, key=lambda each: each.wait or 0.0)

    async def _spend(self, key: str, cost: int) -> Spent:
        if self._shared is not None:
            try:
                return await self._shared.spend(key, cost)
            except RedisUnavailable:
                pass
        return self._local.spend(key, cost)
