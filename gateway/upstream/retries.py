"""Retries: how often and when a read that met a transient fault is sent again. A write never is.

A loop of our own, because the budget, Retry-After and the operation's deadline would be three hooks around
the loop of stamina.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from gateway import errors
from gateway.observability.counters import ProcessCounter
from gateway.upstream.circuit_breaker import SlidingWindowCount
from gateway.upstream.routes import UPSTREAMS

BUDGET_SHARE = 0.1  # of the recent calls: more retries than that keep a struggling upstream down
MIN_BUDGET = 3  # retries that are always allowed, because a tenth of few calls is none
RETRY_PAUSES = (0.05, 0.5)  # bounds in seconds of the random pause before a retry
MAX_RETRY_AFTER = 1.0  # seconds of Retry-After that the gateway waits for; a longer one is left to the client

_TRANSIENT = frozenset({502, 503, 504})
_WITH_RETRY_AFTER = frozenset({429, 503})


class Fault(NamedTuple):
    """The end of an attempt that is no result: the error for the caller, and its cause.

    `retry_after` is in seconds; None if another attempt cannot succeed.
    """

    error: errors.GatewayError
    cause: BaseException | None
    retry_after: float | None = None


def is_transient(status: int, retry_after: float | None) -> bool:
    """Return True if a read with this response may be retried."""
    if retry_after is not None:
        return status in _TRANSIENT | _WITH_RETRY_AFTER and retry_after <= MAX_RETRY_AFTER
    return status in _TRANSIENT


class RetryBudget:
    """The retries of one upstream, limited to a share of its recent calls."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.calls = SlidingWindowCount(clock)
        """The reads, each counted once for all its attempts."""
        self._retries = SlidingWindowCount(clock)

    def spend(self) -> bool:
        """Take one retry from the budget; return False if none is left."""
        if self._retries.total() >= max(MIN_BUDGET, BUDGET_SHARE * self.calls.total()):
            return False
        self._retries.add()
        return True


RETRIES = ProcessCounter("gateway_upstream_retries", "Reads that were retried.", "upstream", UPSTREAMS)


class Retries:
    """The attempts of the reads of one upstream."""

    def __init__(self, upstream: str, attempts: int, pauses: tuple[float, float]) -> None:
        """`pauses` are the bounds in seconds of the random pause between two attempts."""
        self._upstream = upstream
        self._attempts = attempts
        self._pauses = pauses
        self._budget = RetryBudget()
        self.calls = self._budget.calls

    async def wait(self, fault: Fault, attempts: int, until: float) -> None:
        """Wait for the time of the next attempt after so many of them.

        Raises the error of the fault if no attempt, budget or time (by the loop's clock) is left.
        """
        if fault.retry_after is None:
            raise fault.error from fault.cause
        pause = fault.retry_after + random.uniform(*self._pauses)  # noqa: S311 - no secret
        in_time = asyncio.get_running_loop().time() + pause < until
        if attempts == self._attempts or not in_time or not self._budget.spend():
            raise fault.error from fault.cause
        RETRIES.add(self._upstream)
        await asyncio.sleep(pause)
