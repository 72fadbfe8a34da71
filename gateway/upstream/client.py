"""The client of one upstream: concurrency limit, timeouts, retries, circuit breaker, translation of failures.

Reads (`GET`) may be cancelled at any time, and retried. Writes (everything else) are sent exactly once: no
layer below repeats them, and without a conclusive response the outcome is `OutcomeUnknown`, never a guess.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from gateway import errors
from gateway.settings import UpstreamSettings
from gateway.upstream.budget import OperationBudget
from gateway.upstream.circuit_breaker import CircuitBreakers, NoCircuitBreaker
from gateway.upstream.retries import RETRY_PAUSES, Retries, TransientFault, is_transient
from gateway.upstream.statuses import (
    Write,
    WriteTarget,
    outcome_unknown,
    read_status_error,
    request_too_long,
    retry_after,
    write_status_error,
)
from gateway.upstream.transport.exceptions import (
    CONNECTION_ERRORS,
    TRANSPORT_ERRORS,
    is_unsent,
    read_error,
)
from gateway.upstream.transport.exchange import Attempt, Transport, UpstreamResponse, open_exchange

MAX_TARGET = 65_000  # characters; httpx rejects addresses beyond 65536, and no server reads them

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Deadline:
    """The end of the reads of one operation. Each write begins and ends with a new one.

    Mutations have their own time (ACT_TIMEOUT), and the result of a write is useless to a client who cannot
    read it: the links below the result have the complete time of an operation again.
    """

    seconds: float
    ends: float
    clock: Callable[[], float] = time.monotonic

    def remaining(self) -> float:
        """Return the seconds until the end; zero or negative once it has passed."""
        return self.ends - self.clock()

    def renew(self) -> None:
        self.ends = self.clock() + self.seconds


@dataclass(frozen=True, slots=True)
class _ReadTimeout:
    """The time of one read, and the limit that it comes from: the read's own or the operation's."""

    seconds: float
    limit: float
    by_operation: bool


class NotConfigured:
    """A client without an address: every read and write fails before it is sent."""

    base_path = ""

    def __init__(self, name: str, setting: str) -> None:
        self.name = name
        self._message = f"{name} is not configured: the operator has to set {setting}."

    def error(self) -> errors.UpstreamNotConfigured:
        return errors.UpstreamNotConfigured(self._message, upstream=self.name)

    async def read(
        self,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
        deadline: Deadline | None,
        budget: OperationBudget | None,
    ) -> UpstreamResponse:
        raise self.error()

    async def write(
        self,
        write: Write,
        target: WriteTarget,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
    ) -> UpstreamResponse:
        raise self.error()

    async def aclose(self) -> None:
        return None


class Client:
    """One upstream service for the life of the process. Holds no state of any caller."""

    def __init__(
        self,
        name: str,
        base_url: str,
        transport: Transport,
        settings: UpstreamSettings,
        *,
        retry_pauses: tuple[float, float] = RETRY_PAUSES,
    ) -> None:
        self.name = name
        self._exchange = open_exchange(name, base_url.rstrip("/"), transport, settings)
        self.base_path = self._exchange.base_path
        self._settings = settings
        # A semaphore here, because httpcore loses the slots of calls that are cancelled in its queue (#1093).
        self._slots = asyncio.Semaphore(settings.upstream_concurrency)
        self._retries = Retries(name, settings.read_attempts, retry_pauses)
        self._circuit_breakers = CircuitBreakers(name) if settings.breaker else NoCircuitBreaker()
        self._read_timeout = _ReadTimeout(settings.read_timeout, settings.read_timeout, by_operation=False)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    async def read(
        self,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
        deadline: Deadline | None = None,
        budget: OperationBudget | None = None,
    ) -> UpstreamResponse:
        """Send a read. `query` is percent-encoded. A status that is neither 2xx nor `expected` raises."""
        target = f"{path}?{query}" if query else path
        if len(target) > MAX_TARGET:
            raise request_too_long(self.name)
        timeout = self._timeout(deadline)
        until = asyncio.get_running_loop().time() + timeout.seconds
        try:
            return await self._retries.run(
                lambda: self._read_once(target, headers, expected, tenant, timeout, until, budget), until
            )
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

    async def _read_once(
        self,
        target: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
        limit: _ReadTimeout,
        until: float,
        budget: OperationBudget | None,
    ) -> UpstreamResponse:
        """Send one attempt of a read. Raises `TransientFault` if another attempt may succeed."""
        with self._circuit_breakers.admit(tenant, read=True) as call:
            attempt = Attempt(until, budget)
            try:
                if self._slots.locked():
                    await self._wait_for_slot(until)
                else:
                    await self._slots.acquire()
                try:
                    attempt.sent = True
                    response = await self._exchange(
                        "GET", target, headers, None, self._settings.first_byte_timeout, attempt
                    )
                finally:
                    self._slots.release()
            except TimeoutError as problem:
                # The rest of an operation's time is too short to blame upstream.
                if attempt.sent and not limit.by_operation:
                    call.failed = True
                raise self._timeout_error(limit) from problem
            except TRANSPORT_ERRORS as problem:
                call.failed = True
                error = read_error(self.name, problem)
                if isinstance(problem, CONNECTION_ERRORS) and not attempt.body_has_begun:
                    raise TransientFault(error) from problem
                raise error from problem
            call.failed = response.status >= 500
        if 200 <= response.status < 300 or response.status in expected:
            return response
        error = read_status_error(self.name, response)
        after = retry_after(response)
        raise TransientFault(error, after or 0.0) if is_transient(response.status, after) else error

    def _timeout(self, deadline: Deadline | None) -> _ReadTimeout:
        """Return the time of a read: its own, or the rest of the operation's. Raises if none is left."""
        remaining = math.inf if deadline is None else deadline.remaining()
        if deadline is None or remaining > self._settings.read_timeout:
            return self._read_timeout
        timeout = _ReadTimeout(remaining, deadline.seconds, by_operation=True)
        if remaining <= 0:
            raise self._timeout_error(timeout)
        return timeout

    def _timeout_error(self, timeout: _ReadTimeout) -> errors.UpstreamTimeout:
        limit = "the operation's " if timeout.by_operation else ""
        return errors.UpstreamTimeout(
            f"{self.name} did not respond within {limit}{timeout.limit:g} s.", upstream=self.name
        )

    async def write(
        self,
        write: Write,
        target: WriteTarget,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
    ) -> UpstreamResponse:
        """Send a write, once. A rejection raises `Refused`, an inconclusive end raises `OutcomeUnknown`."""
        try:
            return await self._write_once(write, target, body, headers, expected, tenant)
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

    async def _write_once(
        self,
        write: Write,
        target: WriteTarget,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        tenant: str | None,
    ) -> UpstreamResponse:
        content = None if body is None else _encode(body)
        with self._circuit_breakers.admit(tenant, read=False) as call:
            if self._slots.locked():
                await self._wait_for_slot()
            else:
                await self._slots.acquire()
            sent_at = datetime.now(UTC)
            attempt = Attempt(asyncio.get_running_loop().time() + self._settings.act_timeout)
            try:
                response = await self._exchange(
                    target.method, target.path, headers, content, self._settings.act_timeout, attempt
                )
            except TimeoutError as problem:
                call.failed = True
                raise outcome_unknown(self.name, write, sent_at) from problem
            except TRANSPORT_ERRORS as problem:
                call.failed = True
                if is_unsent(problem):
                    raise errors.UpstreamUnavailable(
                        f"{self.name} cannot be reached; nothing was sent.", upstream=self.name
                    ) from problem
                raise outcome_unknown(self.name, write, sent_at) from problem
            except errors.UpstreamBadResponse as problem:
                raise outcome_unknown(self.name, write, sent_at) from problem
            finally:
                self._slots.release()
            call.failed = response.status >= 500
        if 200 <= response.status < 300 or response.status in expected:
            return response
        raise write_status_error(self.name, write, target, response)

    async def _wait_for_slot(self, until: float | None = None) -> None:
        async with asyncio.timeout_at(until):
            try:
                async with asyncio.timeout(self._settings.queue_timeout):
                    await self._slots.acquire()
            except TimeoutError as problem:
                raise errors.UpstreamUnavailable(
                    f"{self.name} is busy; nothing was sent.", upstream=self.name
                ) from problem
