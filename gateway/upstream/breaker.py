"""When an upstream is left alone: it failed half of its calls of late, as one tenant finds it.

A library of one tenant may be down while the others are up, so each tenant has a breaker of its own.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway import errors
from gateway.upstream.recent import Recent

FEWEST_CALLS = 20  # of late, before their failures mean anything
FAILING = 0.5  # share of the calls
PAUSE = 5.0  # seconds without a call, until one question may try
MOST_TENANTS = 1000  # remembered per upstream; a tenant is whatever a caller says, so there is an end to it

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Verdict:
    """What a call told about its upstream; None where it told nothing, as when it was given up."""

    failed: bool | None = None


class Open(Exception):
    """The breaker lets no call through."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Breaker:
    """One upstream as one tenant finds it: closed, open, or half open while one question tries."""

    __slots__ = ("_calls", "_clock", "_failures", "_opened", "_probing")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._opened: float | None = None
        self._probing = False
        self._forget()

    @contextmanager
    def call(self, *, read: bool) -> Iterator[Verdict]:
        """Let a call through, learn from its verdict. Raises `Open`; an act is never the one that tries."""
        probe = self._opened is not None
        if probe:
            self._check(read)
            self._probing = True
        verdict = Verdict()
        try:
            yield verdict
        finally:
            if probe:
                self._probing = False
            if verdict.failed is not None:
                self._learn(verdict.failed, probe)

    @property
    def is_open(self) -> bool:
        return self._opened is not None

    def _check(self, read: bool) -> None:
        left = 0.0 if self._opened is None else self._opened + PAUSE - self._clock()
        if left > 0 or self._probing or not read:
            raise Open(max(left, 1.0))

    def _learn(self, failed: bool, probe: bool) -> None:
        if self._opened is not None:
            if not probe:  # sent before it opened
                return
            self._opened = self._clock() if failed else None
            self._forget()
            return
        self._calls.add()
        if failed:
            self._failures.add()
            calls = self._calls.total()
            if calls >= FEWEST_CALLS and self._failures.total() >= FAILING * calls:
                self._opened = self._clock()

    def _forget(self) -> None:
        self._calls = Recent(self._clock)
        self._failures = Recent(self._clock)


class Breakers:
    """The breakers of one upstream, by tenant; those that were used last are kept."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._by_tenant: OrderedDict[str | None, Breaker] = OrderedDict()

    @contextmanager
    def call(self, tenant: str | None, *, read: bool) -> Iterator[Verdict]:
        """Let a call of this tenant through. Raises `UpstreamUnavailable` where the breaker does not."""
        breaker = self._of(tenant)
        before = breaker.is_open
        try:
            with breaker.call(read=read) as verdict:
                yield verdict
        except Open as problem:
            so = "it is left alone" if read else "nothing was sent"
            raise errors.UpstreamUnavailable(
                f"{self._name} failed too often of late; {so}.",
                upstream=self._name,
                retry_after=float(math.ceil(problem.seconds)),
            ) from None
        finally:
            if breaker.is_open is not before:
                log.warning(
                    "%s is %s for tenant %s", self._name, "left alone" if breaker.is_open else "back", tenant
                )

    def __len__(self) -> int:
        return len(self._by_tenant)

    def _of(self, tenant: str | None) -> Breaker:
        breaker = self._by_tenant.get(tenant)
        if breaker is None:
            breaker = self._by_tenant[tenant] = Breaker(self._clock)
            if len(self._by_tenant) > MOST_TENANTS:
                self._by_tenant.popitem(last=False)
        else:
            self._by_tenant.move_to_end(tenant)
        return breaker


class NoBreaker:
    """In the place of `Breakers` where an operator wants every call to be tried."""

    @contextmanager
    def call(self, tenant: str | None, *, read: bool) -> Iterator[Verdict]:
        yield Verdict()
