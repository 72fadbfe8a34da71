"""Records of operations while they run: counts, times and codes, and nothing about patrons.

When an operation ends, its record goes to the log, the metrics and the traces, as far as they are enabled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from gateway import errors
from gateway.errors import ErrorCode
from gateway.observability import logs

Kind: TypeAlias = Literal["query", "mutation", "subscription", "none"]
Outcome: TypeAlias = Literal["success", "partial", "refused", "failed", "abandoned"]
"""The outcome of an operation.

`success`: executed without errors. `partial`: executed with errors. `refused`: not executed, because of the
request. `failed`: not executed, because of the gateway. `abandoned`: the client disconnected.
"""

Status: TypeAlias = Literal[
    "1xx", "2xx", "3xx", "4xx", "5xx", "timeout", "unavailable", "unreadable", "unknown", "cancelled", "error"
]
"""The status of an upstream call: the class of its HTTP status, or the reason why there is none.

`timeout`: a read timed out. `unavailable`: nothing was sent, or the connection broke. `unreadable`: the
response is invalid. `unknown`: a write was sent without a conclusive response. `cancelled`: the client
disconnected or the process stopped. `error`: anything else.
"""

SUCCESS = "SUCCESS"
CONFIRMED = "CONFIRMED"
LOCKED = "LOCKED"
CANCELLED = "CANCELLED"

RECORD_SIZE = 50  # bytes of the JSON of a record, and most have more
MAX_NAME_LENGTH = 64  # characters of an operation's name

_UNCLEAR = frozenset({ErrorCode.OUTCOME_UNKNOWN, CANCELLED, ErrorCode.INTERNAL_ERROR})
_CLASSES: tuple[Status, ...] = ("1xx", "2xx", "3xx", "4xx", "5xx")
_KINDS: tuple[tuple[type[BaseException], Status], ...] = (
    (errors.UpstreamTimeout, "timeout"),
    (errors.UpstreamUnavailable, "unavailable"),
    (errors.UpstreamBadResponse, "unreadable"),
    (errors.OutcomeUnknown, "unknown"),
    (asyncio.CancelledError, "cancelled"),
)

log = logging.getLogger("gateway.operation")
mutation_log = logging.getLogger("gateway.mutation")


class UpstreamCall(NamedTuple):
    """A read or write with all its attempts. `route` is a template, `seconds` the total time."""

    upstream: str
    method: str
    route: str
    status: Status
    seconds: float


class MutationOutcome(msgspec.Struct):
    """A mutation and its outcome: `SUCCESS`, `LOCKED`, `CANCELLED`, or the code of its error.

    `CONFIRMED` if its response was inconclusive and a record that was read afterwards proves it.
    """

    mutation: str
    upstream: str
    outcome: str
    status: int | None = None


class CallSpan(Protocol):
    """The span of one upstream call. `headers` contain its context."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...

    def end(self, status: Status, number: int | None) -> None: ...


class OperationSpan(Protocol):
    """The span of one operation."""

    @property
    def trace_id(self) -> str: ...

    def call(self, upstream: str, method: str, route: str) -> CallSpan: ...

    def end(self, operation: OperationRecord) -> None: ...


class Tracing(Protocol):
    """The source of spans: `traces`, which is loaded only if tracing is enabled."""

    def start(self, traceparent: str | None, tracestate: str | None) -> OperationSpan: ...


class Metrics(Protocol):
    """The counts of operations, in `metrics`."""

    def start(self) -> None: ...

    def end(self, operation: OperationRecord) -> None: ...

    def end_result(self, operation: OperationRecord) -> None: ...


class Budget(Protocol):
    """The bytes that one operation may hold, in `upstream.budget`."""

    def hold_response(self, size: int) -> errors.LimitExceeded | None: ...

    def drop_response(self, size: int) -> None: ...

    def release(self) -> None: ...


class OperationRecord(msgspec.Struct, eq=False):
    """The record of one operation, from its request to its response.

    `loads` counts the keys passed to DataLoaders, `batches` the keys of each batch, and `embedded` the links
    resolved from members embedded in their parents.

    The size of a result is estimated from `received`, parts of which may be selected under `aliases` and be
    the target of `parents`, at most. graphql-core reports the `records` of the lists that it completes.
    """

    started: float = msgspec.field(default_factory=perf_counter)
    tenant: str | None = None
    request_id: str = ""
    kind: Kind = "none"
    name: str | None = None
    outcome: Outcome = "abandoned"
    codes: dict[str, int] = msgspec.field(default_factory=dict)
    calls: list[UpstreamCall] = msgspec.field(default_factory=list)
    mutations: list[MutationOutcome] = msgspec.field(default_factory=list)
    loads: int = 0
    batches: list[int] = msgspec.field(default_factory=list)
    embedded: int = 0
    received: int = 0  # bytes of upstream's responses
    aliases: int = 0
    nests_lists: bool = True  # False if no element of a list has a list in it
    parents: int = 1
    records: int = 0
    backlogs: int = 0  # of completions that wait for a turn; no batch is sent before there are none
    seconds: float = 0.0
    upstream_seconds: float = 0.0  # while at least one call was open: concurrent calls count once
    has_confirmed: bool = False  # a mutation whose outcome was unknown
    idempotency: str | None = None  # the decision about its idempotency key
    rate_limit: Sequence[tuple[bytes, bytes]] = ()  # the header fields about it, if there is one
    span: OperationSpan | None = None
    budget: Budget | None = None
    _open_calls: int = 0
    _waiting_since: float = 0.0

    @property
    def loader_hits(self) -> int:
        """The number of keys that a DataLoader had already loaded."""
        return max(self.loads - sum(self.batches), 0)

    @property
    def result_size(self) -> int:
        """The bytes that the result may have, by estimate: more than most results with links have."""
        size = self.received * (1 + self.aliases) * self.parents
        return max(size, RECORD_SIZE * self.records)

    def complete(self, executed: bool, problems: Sequence[Mapping[str, Any]]) -> None:
        """Record the outcome from the errors of the response, which are JSON (hence Any)."""
        self.outcome = ("partial" if problems else "success") if executed else "refused"
        for each in problems:
            code = each["extensions"]["code"]
            self.codes[code] = self.codes.get(code, 0) + 1

    def refuse(self, status: int, problem: Mapping[str, Any]) -> None:
        """Record an HTTP error status, and the error of the response, which is JSON (hence Any)."""
        self.complete(False, (problem,))
        if status >= 500:
            self.outcome = "failed"

    def record_mutation(self, mutation: str, upstream: str, outcome: str, status: int | None = None) -> None:
        """Record the outcome of a mutation and log it in the next turn of the event loop.

        Its body is judged before that, without waiting. The line is logged before links below the result are
        resolved, even if the client has disconnected.
        """
        record = MutationOutcome(mutation, upstream, outcome, status)
        self.mutations.append(record)
        asyncio.get_running_loop().call_soon(_log_mutation, record, self.tenant, self.request_id)

    def mutation_unreadable(self) -> None:
        """Record that the response to the last mutation proves nothing."""
        if self.mutations:
            self.mutations[-1].outcome = ErrorCode.OUTCOME_UNKNOWN

    def confirm_mutation(self, mutation: str, upstream: str) -> None:
        """Record that a record proves the last mutation, whose outcome was unknown, and log it."""
        if self.mutations and self.mutations[-1].mutation == mutation:
            del self.mutations[-1]
        self.has_confirmed = True
        self.record_mutation(mutation, upstream, CONFIRMED)

    def end(self) -> None:
        """Record the time of the response; only the first call has an effect."""
        if not self.seconds:
            self.seconds = perf_counter() - self.started

    def start_call(self, now: float) -> None:
        if not self._open_calls:
            self._waiting_since = now
        self._open_calls += 1

    def end_call(self, call: UpstreamCall, now: float) -> None:
        self.calls.append(call)
        self._open_calls -= 1
        if not self._open_calls:
            self.upstream_seconds += now - self._waiting_since


class Call(msgspec.Struct, eq=False):
    """The record of one upstream call while it lasts: `with Call(...) as call`."""

    operation: OperationRecord
    upstream: str
    method: str
    route: str
    started: float = 0.0
    status: int | None = None  # the HTTP status of a response that does not raise
    span: CallSpan | None = None
    trace_headers: Sequence[tuple[str, str]] | None = None  # to send in place of the caller's

    def __enter__(self) -> Call:
        operation = self.operation
        self.started = now = perf_counter()
        operation.start_call(now)
        if operation.span is not None:
            self.span = operation.span.call(self.upstream, self.method, self.route)
            self.trace_headers = self.span.headers
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        number = self.status
        if problem is not None:
            number = problem.status if isinstance(problem, errors.GatewayError) else None
        has_class = number is not None and 100 <= number < 600
        status = _CLASSES[number // 100 - 1] if number is not None and has_class else _status_of(problem)
        now = perf_counter()
        call = UpstreamCall(self.upstream, self.method, self.route, status, now - self.started)
        self.operation.end_call(call, now)
        if self.span is not None:
            self.span.end(status, number)


class Recorder:
    """Creates the records of operations, and sends them to the log, the metrics and the traces."""

    def __init__(
        self,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
        *,
        server_timing: bool = False,
        rate_limit: bool = False,
    ) -> None:
        """`server_timing` and `rate_limit` if responses have header fields about them."""
        self.adds_headers = server_timing or rate_limit
        self._server_timing = server_timing
        self._metrics = metrics
        self.tracing = tracing

    def headers(self, operation: OperationRecord) -> Sequence[tuple[bytes, bytes]]:
        """Return the header fields of a response about the caller's rate limit and the operation's times."""
        if not self._server_timing:
            return operation.rate_limit
        return (*operation.rate_limit, (b"server-timing", server_timing(operation)))

    def start(self) -> OperationRecord:
        """Return the record of an operation that starts now."""
        if self._metrics is not None:
            self._metrics.start()
        return OperationRecord()

    def trace(self, operation: OperationRecord, traceparent: str | None, tracestate: str | None) -> None:
        """Start the span of an operation, in the trace of the caller."""
        if self.tracing is not None:
            operation.span = self.tracing.start(traceparent, tracestate)

    def end_result(self, operation: OperationRecord) -> None:
        """Count a result that was executed, and release what it holds. It is no line in the log."""
        operation.end()
        if operation.budget is not None:
            operation.budget.release()
        if self._metrics is not None:
            self._metrics.end_result(operation)
        if operation.span is not None:
            operation.span.end(operation)

    def end(self, operation: OperationRecord) -> None:
        """Log and count an operation that has ended."""
        operation.end()
        if operation.budget is not None:
            operation.budget.release()
        if self._metrics is not None:
            self._metrics.end(operation)
        if operation.span is not None:
            operation.span.end(operation)
        if log.isEnabledFor(logging.INFO):
            logs.write(log, "operation", log_fields(operation))


def log_fields(operation: OperationRecord) -> dict[str, object]:
    """Return the fields of an operation's log line. Times are in milliseconds; empty members are omitted."""
    fields: dict[str, object] = {
        "requestId": operation.request_id,
        "tenant": operation.tenant,
        "kind": operation.kind,
        "operation": operation.name,
        "outcome": operation.outcome,
        "durationMs": _milliseconds(operation.seconds),
        "upstreamMs": _milliseconds(operation.upstream_seconds),
    }
    if operation.calls:
        fields["upstreamCalls"] = calls = dict[str, int]()
        for call in operation.calls:
            calls[call.upstream] = calls.get(call.upstream, 0) + 1
    if operation.batches:
        fields["batches"] = operation.batches
        fields["loaderHits"] = operation.loader_hits
    if operation.embedded:
        fields["embeddedLinks"] = operation.embedded
    if operation.idempotency is not None:
        fields["idempotency"] = operation.idempotency
    if operation.codes:
        fields["errors"] = operation.codes
    if operation.span is not None:
        fields["traceId"] = operation.span.trace_id
    return fields


def server_timing(operation: OperationRecord) -> bytes:
    """Return the value of a `Server-Timing` header: the total time, and the time and number of calls."""
    operation.end()
    calls = len(operation.calls)
    noun = "call" if calls == 1 else "calls"
    total, upstream = _milliseconds(operation.seconds), _milliseconds(operation.upstream_seconds)
    return f'total;dur={total}, upstream;dur={upstream};desc="{calls} {noun}"'.encode("ascii")


def _log_mutation(record: MutationOutcome, tenant: str | None, request_id: str) -> None:
    """Log the outcome of a mutation, as a warning if it is unclear. The line names no keys of records."""
    level = logging.WARNING if record.outcome in _UNCLEAR else logging.INFO
    if not mutation_log.isEnabledFor(level):
        return
    fields: dict[str, object] = {
        "mutation": record.mutation,
        "upstream": record.upstream,
        "outcome": record.outcome,
        "tenant": tenant,
        "requestId": request_id,
    }
    if record.status is not None:
        fields["status"] = record.status
    logs.write(mutation_log, "mutation", fields, level)


def _status_of(problem: BaseException | None) -> Status:
    for kind, status in _KINDS:
        if isinstance(problem, kind):
            return status
    return "error"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
