"""Circuit breakers: a service that failed half of a tenant's recent calls is not called for a while.

Behind one address are many services, each of which may be down for one tenant and up for another. So each
route family has its own circuit breaker for each tenant. Reads and writes are different families.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

import msgspec

from gateway import errors
from gateway.observability.counters import ProcessGauge
from gateway.upstream.routes import UPSTREAMS

WINDOW = 10  # seconds that count as recent, for circuit breakers and retry budgets
MIN_CALLS = 20  # recent calls below which no share of failures opens the circuit
FAILURE_SHARE = 0.5  # share of recent calls that opens it
OPEN_SECONDS = 5.0  # time without calls, until one call may probe the service
MIN_RETRY_AFTER = 1.0  # seconds in `retryAfter` while a probe is running
MAX_BREAKERS = 2000  # remembered per upstream; the caller chooses the tenant, so the number must be bounded
FAILURES = frozenset({502, 503, 504})  # not 500: one user's query can make a healthy service fail at will

OPEN_CIRCUITS = ProcessGauge(
    "gateway_circuit_breakers_open",
    "Open circuit breakers, one for each route family and tenant of an upstream.",
    "upstream",
    UPSTREAMS,
)

log = logging.getLogger(__name__)


class SlidingWindowCount:
    """A count over the last `WINDOW` seconds, kept by the second: its size does not grow with the load."""

    __slots__ = ("_clock", "_counts", "_total")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: deque[list[int]] = deque()  # [second, count], the oldest first
        self._total = 0

    def add(self) -> None:
        now = int(self._clock())
        if not self._counts or self._counts[-1][0] != now:
            self._counts.append([now, 0])
        self._counts[-1][1] += 1
        self._total += 1

    def total(self) -> int:
        oldest = int(self._clock()) - WINDOW
        while self._counts and self._counts[0][0] <= oldest:
            self._total -= self._counts.popleft()[1]
        return self._total


class CircuitOpen(Exception):
    """The circuit breaker admits no call for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class CircuitBreaker:
    """The circuit of one route family and tenant: closed, open, or half open while one call probes it.

    The probe is a call of some client, sent once like any other. Where clients only write, it is a write:
    a request of the gateway's own would need the credentials of a user, and nothing else may ever be sent.
    """

    __slots__ = ("_calls", "_clock", "_failures", "_opened_at", "_probe_until", "is_open", "on_change")

    def __init__(self, clock: Callable[[], float], on_change: Callable[[bool], None]) -> None:
        """`on_change` is called with True when the circuit opens and with False when it closes."""
        self._clock = clock
        self.on_change = on_change
        self.is_open = False
        self._opened_at = -math.inf
        self._probe_until = -math.inf
        self._reset()

    def check(self) -> None:
        """Raise `CircuitOpen` if no call would be admitted."""
        if not self.is_open:
            return
        now = self._clock()
        remaining = self._opened_at + OPEN_SECONDS - now
        if remaining > 0 or now < self._probe_until:
            raise CircuitOpen(max(remaining, MIN_RETRY_AFTER))

    def admit(self) -> bool:
        """Admit a call; return True if it is the probe. Raises `CircuitOpen`."""
        if not self.is_open:
            return False
        self.check()
        # A write may take long: another probe does not wait for its end.
        self._probe_until = self._clock() + OPEN_SECONDS
        return True

    def record(self, probe: bool, failed: bool | None) -> None:
        """Record the end of a call; `failed` is None if it proves nothing about the service."""
        if probe:
            self._probe_until = -math.inf
        if failed is None:
            return
        if self.is_open:
            if probe:  # others were sent before the circuit opened
                self._end_probe(failed)
            return
        self._calls.add()
        if failed:
            self._failures.add()
            calls = self._calls.total()
            if calls >= MIN_CALLS and self._failures.total() >= FAILURE_SHARE * calls:
                self._opened_at = self._clock()
                self.is_open = True
                self.on_change(True)

    def _end_probe(self, failed: bool) -> None:
        self._reset()
        if failed:
            self._opened_at = self._clock()
        else:
            self.is_open = False
            self.on_change(False)

    def _reset(self) -> None:
        self._calls = SlidingWindowCount(self._clock)
        self._failures = SlidingWindowCount(self._clock)


class AdmittedCall(msgspec.Struct, eq=False):
    """An admitted call with all its attempts; `failed` is None if they prove nothing about the service."""

    breaker: CircuitBreaker | None
    is_probe: bool = False
    failed: bool | None = None

    def __enter__(self) -> AdmittedCall:
        return self

    def __exit__(self, *problem: object) -> None:
        if self.breaker is not None:
            self.breaker.record(self.is_probe, self.failed)


class CircuitBreakers:
    """The circuit breakers of one upstream, by tenant and route family; the most recently used are kept."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._breakers: OrderedDict[tuple[str | None, str], CircuitBreaker] = OrderedDict()

    def admit(self, tenant: str | None, family: str) -> AdmittedCall:
        """Admit a call of this tenant. Raises `UpstreamUnavailable` if the circuit is open.

        The call is entered for its duration: `with circuit_breakers.admit(...) as call`.
        """
        key = tenant, family
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = self._add(key)
        else:
            self._breakers.move_to_end(key)
        if not breaker.is_open:
            return AdmittedCall(breaker)
        try:
            return AdmittedCall(breaker, breaker.admit())
        except CircuitOpen as problem:
            raise self._error(problem) from None

    def check(self, tenant: str | None, family: str) -> None:
        """Raise as `admit` if a call would not be admitted now."""
        breaker = self._breakers.get((tenant, family))
        if breaker is not None:
            try:
                breaker.check()
            except CircuitOpen as problem:
                raise self._error(problem) from None

    def __len__(self) -> int:
        return len(self._breakers)

    def _error(self, problem: CircuitOpen) -> errors.UpstreamUnavailable:
        return errors.UpstreamUnavailable(
            f"{self._name} failed too often recently; the circuit breaker is open and nothing was sent.",
            upstream=self._name,
            retry_after=float(math.ceil(problem.seconds)),
        )

    def _add(self, key: tuple[str | None, str]) -> CircuitBreaker:
        breaker = self._breakers[key] = CircuitBreaker(self._clock, partial(self._record, *key))
        if len(self._breakers) > MAX_BREAKERS:
            _, evicted = self._breakers.popitem(last=False)
            if evicted.is_open:
                OPEN_CIRCUITS.remove(self._name)
            evicted.on_change = lambda opened: None  # calls in flight may still open or close it
        return breaker

    def _record(self, tenant: str | None, family: str, opened: bool) -> None:
        (OPEN_CIRCUITS.add if opened else OPEN_CIRCUITS.remove)(self._name)
        change = "opened" if opened else "closed"
        log.warning("circuit breaker %s: %s, %s, tenant %s", change, self._name, family, tenant)


class NoCircuitBreaker:
    """A replacement for `CircuitBreakers` that admits every call."""

    def admit(self, tenant: str | None, family: str) -> AdmittedCall:
        return AdmittedCall(None)

    def check(self, tenant: str | None, family: str) -> None:
        return None
