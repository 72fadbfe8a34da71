"""What may be asked again, how often and when: questions that met a passing fault, and never an act.

A loop of our own, because budget, Retry-After and the operation's deadline would be three hooks around the
one that stamina brings.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway import errors
from gateway.upstream.sliding_window import SlidingWindowCount

SHARE = 0.1  # of the calls of late: more retries than that keep a struggling upstream down
LEAST = 3  # retries that are allowed all the same, because a tenth of few calls is none
LONGEST_WAIT = 1.0  # seconds of Retry-After that we wait for; whoever needs longer is told

_NOT_READY = frozenset({502, 503, 504})
_WAITS = frozenset({429, 503})

T = TypeVar("T")


class Passing(Exception):
    """A fault that may have passed by the next attempt; `error` is what the caller gets if not."""

    def __init__(self, error: errors.GatewayError, after: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


def passing(status: int, retry_after: float | None) -> bool:
    """Whether a question with this answer may be asked again."""
    if retry_after is not None:
        return status in _NOT_READY | _WAITS and retry_after <= LONGEST_WAIT
    return status in _NOT_READY


class Budget:
    """Retries as a share of the calls of late, for one upstream."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = SlidingWindowCount(clock)
        self._retries = SlidingWindowCount(clock)

    def call(self) -> None:
        """Note a question, however often it will be sent."""
        self._calls.add()

    def spend(self) -> bool:
        """Take one retry, if there is one left."""
        if self._retries.total() >= max(LEAST, SHARE * self._calls.total()):
            return False
        self._retries.add()
        return True


class RetryCounts:
    """Counts since the process began: questions that were sent again, by upstream."""

    def __init__(self) -> None:
        self._by_upstream: Counter[str | None] = Counter()

    def of(self, upstream: str) -> int:
        return self._by_upstream[upstream]

    def count(self, upstream: str | None) -> None:
        self._by_upstream[upstream] += 1


RETRIES = RetryCounts()


class Retries:
    """The attempts of the questions to one upstream."""

    def __init__(self, attempts: int, pauses: tuple[float, float], budget: Budget | None = None) -> None:
        self._attempts = attempts
        self._pauses = pauses
        self._budget = budget or Budget()

    async def of(self, ask: Callable[[], Awaitable[T]], until: float) -> T:
        """Ask until there is an answer, or no attempt, no time (by the loop's clock) or no budget is left."""
        self._budget.call()
        for attempt in range(1, self._attempts + 1):
            try:
                return await ask()
            except Passing as fault:
                pause = fault.after + random.uniform(*self._pauses)  # noqa: S311 - spreads calls, no secret
                in_time = asyncio.get_running_loop().time() + pause < until
                if attempt == self._attempts or not in_time or not self._budget.spend():
                    raise fault.error from fault.__cause__
                RETRIES.count(fault.error.upstream)
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")
