"""The client of one upstream: slots, timeouts, retries, circuit breakers, translation of failures.

Reads (`GET`, and `POST` of routes that only read) may be cancelled at any time, and retried. Writes
(everything else) are sent exactly once: no layer below repeats them, and without a conclusive response the
outcome is `OutcomeUnknown`, never a guess.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from gateway import errors
from gateway.settings import UpstreamSettings
from gateway.upstream.budget import OperationBudget
from gateway.upstream.circuit_breaker import FAILURES, AdmittedCall, CircuitBreakers, NoCircuitBreaker
from gateway.upstream.retries import RETRY_PAUSES, Fault, Retries, is_transient
from gateway.upstream.slots import LoopDelay, Slots
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


class Deadline(msgspec.Struct, eq=False):
    """The end of the reads of one operation. Each write begins and ends with a new one.

    Mutations have their own time (ACT_TIMEOUT), and the result of a write is useless to a client who cannot
    read it: the links below the result have the complete time of an operation again.
    """

    seconds: float
    ends: float
    clock: Callable[[], float] = time.monotonic
    timed_out: set[str] = msgspec.field(default_factory=set)
    """The route families of which a read of this operation timed out."""

    def remaining(self) -> float:
        """Return the seconds until the end; zero or negative once it has passed."""
        return self.ends - self.clock()


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
        content: bytes | None = None,
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
        budget: OperationBudget | None,
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
        self._loop_delay = LoopDelay(self._slots)
        self._connection_failures = ConnectionFailureLog(name)
        self._retries = Retries(name, settings.read_attempts, retry_pauses)
        self._circuit_breakers = CircuitBreakers(name) if settings.breaker else NoCircuitBreaker()
        self._first_byte_timeout = settings.first_byte_timeout
        self._act_timeout = settings.act_timeout
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
        content: bytes | None = None,
    ) -> UpstreamResponse:
        """Send a read of a route of this family. A status that is neither 2xx nor `expected` raises.

        `query` is percent-encoded. All attempts have one slot, and count once for the circuit breaker. With
        `content`, which is JSON, it is a POST that changes nothing.
        """
        method = "GET" if content is None else "POST"
        target = f"{path}?{query}" if query else path
        if len(target) > MAX_TARGET:
            raise request_too_long(self.name)
        try:
            if not self._slots.take(family, read=True):
                if deadline is not None and deadline.ends <= deadline.clock():
                    raise self._timeout_error(_ReadTimeout(0.0, deadline.seconds, by_operation=True))
                await self._wait_for_slot(family, tenant, deadline, read=True)
            try:
                timeout = self._read_timeout
                if deadline is not None and deadline.ends - deadline.clock() <= timeout.seconds:
                    timeout = self._rest_of(deadline)
                with self._circuit_breakers.admit(tenant, family) as call:
                    self._retries.calls.add()
                    loop = asyncio.get_running_loop()
                    began = loop.time()
                    if self._loop_delay.loop is not loop:
                        self._loop_delay.start(loop)
                    until = began + timeout.seconds
                    attempts = 0
                    while True:
                        attempts += 1
                        attempt = Attempt(until, budget)
                        try:
                            response = await self._exchange(
                                method, target, headers, content, self._first_byte_timeout, attempt
                            )
                        except Exception as problem:
                            fault = self._read_fault(problem, family, deadline, timeout, attempt, call, began)
                        else:
                            call.failed = response.status in FAILURES
                            if 200 <= response.status < 300 or response.status in expected:
                                return response
                            fault = self._status_fault(response)
                            del response
                        del attempt  # an error holds the frames that it passes, and these their locals
                        await self._retries.wait(fault, attempts, until)
                        del fault  # and its cause this frame
            finally:
                self._slots.release(family)
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

    def _read_fault(
        self,
        problem: Exception,
        family: str,
        deadline: Deadline | None,
        limit: _ReadTimeout,
        attempt: Attempt,
        call: AdmittedCall,
        began: float,
    ) -> Fault:
        """Return the fault of an attempt without a response. Raises what is no fault of a transport."""
        if isinstance(problem, TimeoutError):
            # The rest of an operation's time is too short to blame upstream.
            if not limit.by_operation:
                self._count_failure(call, problem, family, deadline, began)
            return Fault(self._timeout_error(limit), problem)
        if isinstance(problem, TRANSPORT_ERRORS):
            self._count_failure(call, problem, family, deadline, began)
            may_be_over = isinstance(problem, CONNECTION_ERRORS) and not attempt.body_has_begun
            return Fault(read_error(self.name, problem), problem, 0.0 if may_be_over else None)
        if isinstance(problem, errors.GatewayError):  # the response is not what it should be, but it is one
            call.failed = False
            return Fault(problem, problem.__cause__)
        raise problem

    def _status_fault(self, response: UpstreamResponse) -> Fault:
        """Return the fault of an attempt with this status."""
        after = retry_after(response)
        pause = (after or 0.0) if is_transient(response.status, after) else None
        return Fault(read_status_error(self.name, response), None, pause)

    def _rest_of(self, deadline: Deadline) -> _ReadTimeout:
        """Return the rest of the operation's time, for a read. Raises if none is left."""
        timeout = _ReadTimeout(deadline.remaining(), deadline.seconds, by_operation=True)
        if timeout.seconds <= 0:
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
        budget: OperationBudget | None = None,
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
                    content = None if body is None else _encode(body)
                    sent_at = datetime.now(UTC)
                    loop = asyncio.get_running_loop()
                    began = loop.time()
                    if self._loop_delay.loop is not loop:
                        self._loop_delay.start(loop)
                    attempt = Attempt(began + self._act_timeout, budget, is_limited=False)
                    try:
                        response = await self._exchange(
                            target.method, target.path, headers, content, self._act_timeout, attempt
                        )
                    except TRANSPORT_ERRORS as problem:  # TimeoutError is one
                        self._count_failure(call, problem, family, deadline, began)
                        if is_unsent(problem):
                            raise errors.UpstreamUnavailable(
                                f"{self.name} cannot be reached; nothing was sent.", upstream=self.name
                            ) from problem
                        raise outcome_unknown(self.name, write, sent_at) from problem
                    except errors.UpstreamBadResponse as problem:
                        call.failed = False
                        raise outcome_unknown(self.name, write, sent_at) from problem
                    finally:
                        del attempt  # an error holds the frames that it passes, and these their locals
                    call.failed = response.status in FAILURES
                    if 200 <= response.status < 300 or response.status in expected:
                        return response
                    error = write_status_error(self.name, write, target, response)
                    del response
                    raise error
            finally:
                self._slots.release(family)
        except errors.GatewayError as error:
            raise errors.without_frames(error)  # noqa: B904 - it is the same error

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
