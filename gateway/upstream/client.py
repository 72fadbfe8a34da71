"""How one upstream is called: slots, deadlines, attempts, the breaker, and what each end means.

Reads (`GET`) may be cancelled at any time, and sent again. Writes (everything else) are sent exactly once: no
layer below repeats them, and when no conclusive answer comes the outcome is `OutcomeUnknown`, never a guess.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from gateway import errors
from gateway.upstream.circuit_breaker import CircuitBreakers, NoCircuitBreaker
from gateway.upstream.deadline import Deadline
from gateway.upstream.exceptions import BROKEN_OFF, FOREIGN, never_sent, read_failure
from gateway.upstream.response import UpstreamResponse
from gateway.upstream.retries import Passing, Retries, passing
from gateway.upstream.statuses import outcome_unknown, read_refusal, retry_after, too_long, write_refusal
from gateway.upstream.transport.exchange import Attempt, exchange_over
from gateway.upstream.transport.transports import Limits, Transport
from gateway.upstream.write import Write

LONGEST_TARGET = 65_000  # characters; httpx refuses addresses beyond 65536, and no server reads them

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Cut:
    """How long a read may take, and by whose limit."""

    seconds: float
    limit: float
    by_operation: bool


class NotConfigured:
    """Stands where a service has no address: every question and act is refused before it is sent."""

    base_path = ""

    def __init__(self, name: str, setting: str) -> None:
        self.name = name
        self._error = f"{name} is not configured here; an operator sets {setting}."

    def fail(self) -> errors.UpstreamNotConfigured:
        return errors.UpstreamNotConfigured(self._error, upstream=self.name)

    async def get(
        self,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
        deadline: Deadline | None,
    ) -> UpstreamResponse:
        raise self.fail()

    async def act(
        self,
        act: Write,
        method: str,
        path: str,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
    ) -> UpstreamResponse:
        raise self.fail()

    async def aclose(self) -> None:
        return None


class Client:
    """One upstream service for the life of the process. Holds nothing of any caller."""

    def __init__(self, name: str, base_url: str, transport: Transport, limits: Limits) -> None:
        self.name = name
        self._exchange = exchange_over(name, base_url.rstrip("/"), transport, limits)
        self.base_path = self._exchange.base_path
        self._limits = limits
        self._free = asyncio.Semaphore(limits.concurrency)
        self._retries = Retries(limits.attempts, limits.pauses)
        self._breakers = CircuitBreakers(name) if limits.breaker else NoCircuitBreaker()
        self._whole = _Cut(limits.read, limits.read, by_operation=False)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    async def get(
        self,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
        deadline: Deadline | None = None,
    ) -> UpstreamResponse:
        """Ask. `query` is percent-encoded already. A status that is neither 2xx nor `expected` raises."""
        target = f"{path}?{query}" if query else path
        if len(target) > LONGEST_TARGET:
            raise too_long(self.name)
        cut = self._cut(deadline)
        until = asyncio.get_running_loop().time() + cut.seconds
        return await self._retries.of(lambda: self._ask(target, headers, expected, tenant, cut, until), until)

    async def _ask(
        self,
        target: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
        cut: _Cut,
        until: float,
    ) -> UpstreamResponse:
        """Ask once. Raises `Passing` where another attempt may fare better."""
        with self._breakers.call(tenant, read=True) as verdict:
            attempt = Attempt(until)
            try:
                await self._take_slot(until)
                try:
                    attempt.sent = True
                    answer = await self._exchange(
                        "GET", target, headers, None, self._limits.first_byte, attempt
                    )
                finally:
                    self._free.release()
            except TimeoutError as problem:
                # A rest of an operation is too short to blame upstream.
                if attempt.sent and not cut.by_operation:
                    verdict.failed = True
                raise self._timeout(cut) from problem
            except FOREIGN as problem:
                verdict.failed = True
                error = read_failure(self.name, problem)
                if isinstance(problem, BROKEN_OFF) and not attempt.body_began:
                    raise Passing(error) from problem
                raise error from problem
            verdict.failed = answer.status >= 500
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        error = read_refusal(self.name, answer)
        after = retry_after(answer)
        raise Passing(error, after or 0.0) if passing(answer.status, after) else error

    def _cut(self, deadline: Deadline | None) -> _Cut:
        """The time of a read: its own, or what is left of the operation's. Raises where that is nothing."""
        left = math.inf if deadline is None else deadline.left()
        if deadline is None or left > self._limits.read:
            return self._whole
        cut = _Cut(left, deadline.seconds, by_operation=True)
        if left <= 0:
            raise self._timeout(cut)
        return cut

    def _timeout(self, cut: _Cut) -> errors.UpstreamTimeout:
        whose = "the operation's " if cut.by_operation else ""
        return errors.UpstreamTimeout(
            f"{self.name} did not answer within {whose}{cut.limit:g} s.", upstream=self.name
        )

    async def act(
        self,
        act: Write,
        method: str,
        path: str,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
    ) -> UpstreamResponse:
        """Send an act, once. A refusal raises `Refused`, an inconclusive end raises `OutcomeUnknown`."""
        content = None if body is None else _encode(body)
        with self._breakers.call(tenant, read=False) as verdict:
            await self._take_slot()
            sent_at = datetime.now(UTC)
            attempt = Attempt(asyncio.get_running_loop().time() + self._limits.act)
            try:
                answer = await self._exchange(method, path, headers, content, self._limits.act, attempt)
            except TimeoutError as problem:
                verdict.failed = True
                raise outcome_unknown(self.name, act, sent_at) from problem
            except FOREIGN as problem:
                verdict.failed = True
                if never_sent(problem):
                    raise errors.UpstreamUnavailable(
                        f"{self.name} cannot be reached; nothing was sent.", upstream=self.name
                    ) from problem
                raise outcome_unknown(self.name, act, sent_at) from problem
            except errors.UpstreamBadResponse as problem:
                raise outcome_unknown(self.name, act, sent_at) from problem
            finally:
                self._free.release()
            verdict.failed = answer.status >= 500
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        raise write_refusal(self.name, act, answer)

    async def _take_slot(self, until: float | None = None) -> None:
        # An own semaphore, because httpcore loses the slots of calls that are cancelled in its queue (#1093).
        if not self._free.locked():
            await self._free.acquire()
            return
        async with asyncio.timeout_at(until):
            try:
                async with asyncio.timeout(self._limits.queue):
                    await self._free.acquire()
            except TimeoutError as problem:
                raise errors.UpstreamUnavailable(
                    f"{self.name} is busy; nothing was sent.", upstream=self.name
                ) from problem
