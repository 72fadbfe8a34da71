"""When an upstream is left alone: it failed half of its calls of late, as one tenant finds it.

A library of one tenant may be down while the others are up, so each tenant has a breaker of its own.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial

from gateway import errors
from gateway.upstream.sliding_window import SlidingWindowCount

FEWEST_CALLS = 20  # of late, before their failures mean anything
FAILING = 0.5  # share of the calls
PAUSE = 5.0  # seconds without a call, until one question may try
MOST_TENANTS = 1000  # remembered per upstream; a tenant is whatever a caller says, so there is an end to it

log = logging.getLogger(__name__)


class OpenCircuits:
    """How many breakers are open now in this process, by upstream: one for each tenant that finds it so."""

    def __init__(self) -> None:
        self._by_upstream: Counter[str] = Counter()

    def of(self, upstream: str) -> int:
        return self._by_upstream[upstream]

    def turned(self, upstream: str, opened: bool) -> None:
        """Note that a breaker opened, or that it is open no more."""
        self._by_upstream[upstream] += 1 if opened else -1


OPEN_CIRCUITS = OpenCircuits()


class Open(Exception):
    """The breaker lets no call through."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class CircuitBreaker:
    """One upstream as one tenant finds it: closed, open, or half open while one question tries."""

    __slots__ = ("_calls", "_clock", "_failures", "_opened", "_probing", "_turned")

    def __init__(self, clock: Callable[[], float], turned: Callable[[bool], None]) -> None:
        """`turned` is told whenever it opens (true) or closes, and never otherwise."""
        self._clock = clock
        self._turned = turned
        self._opened: float | None = None
        self._probing = False
        self._forget()

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def admit(self, read: bool) -> bool:
        """Let a call through; true where it is the one that tries. Raises `Open`; an act never tries."""
        if self._opened is None:
            return False
        left = self._opened + PAUSE - self._clock()
        if left > 0 or self._probing or not read:
            raise Open(max(left, 1.0))
        self._probing = True
        return True

    def ended(self, probe: bool, failed: bool | None) -> None:
        """Learn from the end of a call; None where it told nothing."""
        if probe:
            self._probing = False
        if failed is not None:
            self._learn(probe, failed)

    def _learn(self, probe: bool, failed: bool) -> None:
        if self._opened is not None:
            if not probe:  # sent before it opened
                return
            self._opened = self._clock() if failed else None
            self._forget()
            if not failed:
                self._turned(False)
            return
        self._calls.add()
        if failed:
            self._failures.add()
            calls = self._calls.total()
            if calls >= FEWEST_CALLS and self._failures.total() >= FAILING * calls:
                self._opened = self._clock()
                self._turned(True)

    def _forget(self) -> None:
        self._calls = SlidingWindowCount(self._clock)
        self._failures = SlidingWindowCount(self._clock)


class Verdict:
    """A call that was let through, and whether it failed; None where it told nothing of its upstream."""

    __slots__ = ("_breaker", "_probe", "failed")

    def __init__(self, breaker: CircuitBreaker | None, probe: bool) -> None:
        self._breaker = breaker
        self._probe = probe
        self.failed: bool | None = None

    def __enter__(self) -> Verdict:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._breaker is not None:
            self._breaker.ended(self._probe, self.failed)


class CircuitBreakers:
    """The breakers of one upstream, by tenant; those that were used last are kept."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._by_tenant: OrderedDict[str | None, CircuitBreaker] = OrderedDict()

    def call(self, tenant: str | None, *, read: bool) -> Verdict:
        """Let a call of this tenant through. Raises `UpstreamUnavailable` where the breaker does not.

        What is returned is entered while the call lasts: `with breakers.call(...) as verdict`.
        """
        breaker = self._of(tenant)
        try:
            return Verdict(breaker, breaker.admit(read))
        except Open as problem:
            so = "it is left alone" if read else "nothing was sent"
            raise errors.UpstreamUnavailable(
                f"{self._name} failed too often of late; {so}.",
                upstream=self._name,
                retry_after=float(math.ceil(problem.seconds)),
            ) from None

    def __len__(self) -> int:
        return len(self._by_tenant)

    def _of(self, tenant: str | None) -> CircuitBreaker:
        breaker = self._by_tenant.get(tenant)
        if breaker is None:
            breaker = self._by_tenant[tenant] = CircuitBreaker(self._clock, partial(self._turned, tenant))
            if len(self._by_tenant) > MOST_TENANTS:
                _, forgotten = self._by_tenant.popitem(last=False)
                if forgotten.is_open:
                    OPEN_CIRCUITS.turned(self._name, False)
        else:
            self._by_tenant.move_to_end(tenant)
        return breaker

    def _turned(self, tenant: str | None, opened: bool) -> None:
        OPEN_CIRCUITS.turned(self._name, opened)
        log.warning("%s is %s for tenant %s", self._name, "left alone" if opened else "back", tenant)


class NoCircuitBreaker:
    """In the place of `CircuitBreakers` where an operator wants every call to be tried."""

    def call(self, tenant: str | None, *, read: bool) -> Verdict:
        return Verdict(None, False)
