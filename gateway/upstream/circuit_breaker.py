"""Circuit breakers: an upstream that failed half of a tenant's recent calls is not called for a while.

A library of one tenant may be down while the others are up, so each tenant has its own circuit breaker.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial

from gateway import errors
from gateway.observability.counters import ProcessGauge
from gateway.upstream.routes import UPSTREAMS

WINDOW = 10  # seconds that count as recent, for circuit breakers and retry budgets
MIN_CALLS = 20  # recent calls below which no share of failures opens the circuit
FAILURE_SHARE = 0.5  # share of recent calls that opens it
OPEN_SECONDS = 5.0  # time without calls, until one read may probe the upstream
MIN_RETRY_AFTER = 1.0  # seconds in `retryAfter` while a probe is due or running
MAX_TENANTS = 1000  # remembered per upstream; the caller chooses the tenant, so the number must be bounded

OPEN_CIRCUITS = ProcessGauge(
    "gateway_circuit_breakers_open",
    "Open circuit breakers, one for each tenant of an upstream.",
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
    """The circuit of one upstream and tenant: closed, open, or half open while one read probes it."""

    __slots__ = ("_calls", "_clock", "_failures", "_is_probing", "_on_change", "_opened_at")

    def __init__(self, clock: Callable[[], float], on_change: Callable[[bool], None]) -> None:
        """`on_change` is called with True when the circuit opens and with False when it closes."""
        self._clock = clock
        self._on_change = on_change
        self._opened_at: float | None = None
        self._is_probing = False
        self._reset()

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def admit(self, read: bool) -> bool:
        """Admit a call; return True if it is the probe, which a write never is. Raises `CircuitOpen`."""
        if self._opened_at is None:
            return False
        remaining = self._opened_at + OPEN_SECONDS - self._clock()
        if remaining > 0 or self._is_probing or not read:
            raise CircuitOpen(max(remaining, MIN_RETRY_AFTER))
        self._is_probing = True
        return True

    def record(self, probe: bool, failed: bool | None) -> None:
        """Record the end of a call; `failed` is None if it proves nothing about the upstream."""
        if probe:
            self._is_probing = False
        if failed is not None:
            self._update(probe, failed)

    def _update(self, probe: bool, failed: bool) -> None:
        if self._opened_at is not None:
            if not probe:  # sent before the circuit opened
                return
            self._opened_at = self._clock() if failed else None
            self._reset()
            if not failed:
                self._on_change(False)
            return
        self._calls.add()
        if failed:
            self._failures.add()
            calls = self._calls.total()
            if calls >= MIN_CALLS and self._failures.total() >= FAILURE_SHARE * calls:
                self._opened_at = self._clock()
                self._on_change(True)

    def _reset(self) -> None:
        self._calls = SlidingWindowCount(self._clock)
        self._failures = SlidingWindowCount(self._clock)


class AdmittedCall:
    """An admitted call; `failed` stays None if its end proves nothing about the upstream."""

    __slots__ = ("_breaker", "_probe", "failed")

    def __init__(self, breaker: CircuitBreaker | None, probe: bool) -> None:
        self._breaker = breaker
        self._probe = probe
        self.failed: bool | None = None

    def __enter__(self) -> AdmittedCall:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._breaker is not None:
            self._breaker.record(self._probe, self.failed)


class CircuitBreakers:
    """The circuit breakers of one upstream, by tenant; the most recently used are kept."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._by_tenant: OrderedDict[str | None, CircuitBreaker] = OrderedDict()

    def admit(self, tenant: str | None, *, read: bool) -> AdmittedCall:
        """Admit a call of this tenant. Raises `UpstreamUnavailable` if the circuit is open.

        The call is entered for its duration: `with circuit_breakers.admit(...) as call`.
        """
        breaker = self._breaker(tenant)
        try:
            return AdmittedCall(breaker, breaker.admit(read))
        except CircuitOpen as problem:
            raise errors.UpstreamUnavailable(
                f"{self._name} failed too often recently; the circuit breaker is open and nothing was sent.",
                upstream=self._name,
                retry_after=float(math.ceil(problem.seconds)),
            ) from None

    def __len__(self) -> int:
        return len(self._by_tenant)

    def _breaker(self, tenant: str | None) -> CircuitBreaker:
        breaker = self._by_tenant.get(tenant)
        if breaker is None:
            breaker = self._by_tenant[tenant] = CircuitBreaker(self._clock, partial(self._record, tenant))
            if len(self._by_tenant) > MAX_TENANTS:
                _, evicted = self._by_tenant.popitem(last=False)
                if evicted.is_open:
                    OPEN_CIRCUITS.remove(self._name)
        else:
            self._by_tenant.move_to_end(tenant)
        return breaker

    def _record(self, tenant: str | None, opened: bool) -> None:
        (OPEN_CIRCUITS.add if opened else OPEN_CIRCUITS.remove)(self._name)
        log.warning("circuit breaker %s: %s, tenant %s", "opened" if opened else "closed", self._name, tenant)


class NoCircuitBreaker:
    """A replacement for `CircuitBreakers` that admits every call."""

    def admit(self, tenant: str | None, *, read: bool) -> AdmittedCall:
        return AdmittedCall(None, False)
