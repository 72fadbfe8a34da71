"""The client of one upstream: slots, timeouts, retries, circuit breakers, translation of failures.

Reads (`GET`) may be cancelled at any time, and retried. Writes (everything else) are sent exactly once: no
layer below repeats them, and without a conclusive response the outcome is `OutcomeUnknown`, never a guess.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from gateway import errors
from gateway.settings import UpstreamSettings
from gateway.upstream.budget import OperationBudget
from gateway.upstream.circuit_breaker import FAILURES, AdmittedCall, CircuitBreakers, NoCircuitBreaker
from gateway.upstream.loop_delay import LoopDelay
from gateway.upstream.retries import RETRY_PAUSES, Retries, TransientFault, is_transient
from gateway.upstream.slots import Slots
from gateway.upstream.statuses import (
    Write,
    WriteTarget,
    outcome_unknown,
    read_status_error,
    request_too_long,
    retry_after,
    write_status_error,
)
from gateway.upstream.transport.connection_failures import ConnectionFailureLog
from gateway.upstream.transport.exceptions import (
    CONNECTION_ERRORS,
    TRANSPORT_ERRORS,
    is_pool_full,
    is_timeout,
    is_unsent,
    read_error,
)
from gateway.upstream.transport.exchange import Attempt, Transport, UpstreamResponse, open_exchange

MAX_TARGET = 65_000  # characters; httpx rejects addresses beyond 65536, and no server reads them

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class Deadline:
    """The end of the reads of one operation. Each write begins and ends with a new one.

    Mutations have their own time (ACT_TIMEOUT), and the result of a write is useless to a client who cannot
    read it: the links below the result have the complete time of an operation again.
    """

    seconds: float
    ends: float
    clock: Callable[[], float] = time.monotonic
    timed_out: set[str] = field(default_factory=set)
    """The route families of which a read of this operation timed out."""

    def remaining(self) -> float:
        """Return the seconds until the end; zero or negative once it has passed."""
        return self.ends - self.clock()

    def renew(self) -> None:
        self.ends = self.clock() + self.seconds


@dataclass(frozen=True, slots=True)
class _ReadTimeout:
    """The time of one read from its turn on, and the limit that it comes from: its own or the operation's."""

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
        family: str,
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
        deadline: Deadline | None,
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
        # A queue here, because httpcore loses the slots of calls that are cancelled in its own (#1093).
        self._slots = Slots(settings.upstream_concurrency)
        self._loop_delay = LoopDelay(lambda: self._slots.are_in_use)
        self._connection_failures = ConnectionFailureLog(name)
        self._retries = Retries(name, settings.read_attempts, retry_pauses)
        self._circuit_breakers = CircuitBreakers(name) if settings.breaker else NoCircuitBreaker()
        self._read_timeout = _ReadTimeout(settings.read_timeout, settings.read_timeout, by_operation=False)

    async def aclose(self) -> None:
        await self._exchange.aclose()

    async def read(
        self,
        family: str,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
        deadline: Deadline | None = None,
        budget: OperationBudget | None = None,
    ) -> UpstreamResponse:
        """Send a read of a route of this family. A status that is neither 2xx nor `expected` raises.

        `query` is percent-encoded. All attempts have one slot, and count once for the circuit breaker.
        """
        target = f"{path}?{query}" if query else path
        if len(target) > MAX_TARGET:
            raise request_too_long(self.name)
        try:
            if not self._slots.take(family, read=True):
                self._timeout(deadline)
                await self._wait_for_slot(family, tenant, deadline, read=True)
            try:
                timeout = self._timeout(deadline)
                with self._circuit_breakers.admit(tenant, family) as call:
                    began = self._loop_delay.start()
                    return await self._retries.run(
                        lambda: self._read_once(
                            family, target, headers, expected, deadline, budget, timeout, call, began
                        ),
                        began + timeout.seconds,
                    )
            finally:
                self._slots.release(family)
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

    async def _read_once(
        self,
        family: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        deadline: Deadline | None,
        budget: OperationBudget | None,
        limit: _ReadTimeout,
        call: AdmittedCall,
        began: float,
    ) -> UpstreamResponse:
        """Send one attempt of a read. Raises `TransientFault` if another attempt may succeed."""
        attempt = Attempt(began + limit.seconds, budget)
        try:
            response = await self._exchange(
                "GET", target, headers, None, self._settings.first_byte_timeout, attempt
            )
        except TimeoutError as problem:
            # The rest of an operation's time is too short to blame upstream.
            if not limit.by_operation:
                self._count_failure(call, problem, family, deadline, began)
            raise self._timeout_error(limit) from problem
        except TRANSPORT_ERRORS as problem:
            self._count_failure(call, problem, family, deadline, began)
            error = read_error(self.name, problem)
            if isinstance(problem, CONNECTION_ERRORS) and not attempt.body_has_begun:
                raise TransientFault(error) from problem
            raise error from problem
        except errors.GatewayError:  # the response is not what it should be, but it is one
            call.failed = False
            raise
        call.failed = response.status in FAILURES
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
        deadline: Deadline | None = None,
    ) -> UpstreamResponse:
        """Send a write, once. A rejection raises `Refused`, an inconclusive end raises `OutcomeUnknown`.

        `deadline` is the end of the wait for a slot; the write itself has its own time.
        """
        family = target.family
        try:
            if not self._slots.take(family, read=False):
                await self._wait_for_slot(family, tenant, deadline, read=False)
            try:
                with self._circuit_breakers.admit(tenant, family) as call:
                    return await self._write_once(write, target, body, headers, expected, deadline, call)
            finally:
                self._slots.release(family)
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

    async def _write_once(
        self,
        write: Write,
        target: WriteTarget,
        body: object,
        headers: Sequence[tuple[str, str]],
        expected: frozenset[int],
        deadline: Deadline | None,
        call: AdmittedCall,
    ) -> UpstreamResponse:
        content = None if body is None else _encode(body)
        sent_at = datetime.now(UTC)
        began = self._loop_delay.start()
        attempt = Attempt(began + self._settings.act_timeout)
        try:
            response = await self._exchange(
                target.method, target.path, headers, content, self._settings.act_timeout, attempt
            )
        except TRANSPORT_ERRORS as problem:  # TimeoutError is one
            self._count_failure(call, problem, target.family, deadline, began)
            if is_unsent(problem):
                raise errors.UpstreamUnavailable(
                    f"{self.name} cannot be reached; nothing was sent.", upstream=self.name
                ) from problem
            raise outcome_unknown(self.name, write, sent_at) from problem
        except errors.UpstreamBadResponse as problem:
            call.failed = False
            raise outcome_unknown(self.name, write, sent_at) from problem
        call.failed = response.status in FAILURES
        if 200 <= response.status < 300 or response.status in expected:
            return response
        raise write_status_error(self.name, write, target, response)

    def _count_failure(
        self, call: AdmittedCall, problem: Exception, family: str, deadline: Deadline | None, began: float
    ) -> None:
        """Count a call that ended with this exception of a transport against upstream, if it is to blame."""
        self._connection_failures.add(problem)
        if is_pool_full(problem):
            return
        if is_timeout(problem):
            if self._loop_delay.was_late_since(began):
                return
            if deadline is not None and not call.is_probe and not is_unsent(problem):
                # One user's slow queries, up to a hundred in an operation, are no outage.
                if family in deadline.timed_out:
                    return
                deadline.timed_out.add(family)
        call.failed = True

    async def _wait_for_slot(
        self, family: str, tenant: str | None, deadline: Deadline | None, *, read: bool
    ) -> None:
        """Wait for a slot until the end of the operation."""
        self._circuit_breakers.check(tenant, family)
        if deadline is None:
            remaining = seconds = self._settings.operation_timeout
        else:
            remaining, seconds = deadline.remaining(), deadline.seconds
        try:
            async with asyncio.timeout(remaining):
                await self._slots.wait(family, read, tenant, deadline)
        except TimeoutError as problem:
            message = f"{self.name} was busy for the operation's {seconds:g} s; nothing was sent."
            kind = errors.UpstreamTimeout if read else errors.UpstreamUnavailable
            raise kind(message, upstream=self.name) from problem
