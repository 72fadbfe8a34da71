"""Operations as they begin and end: into the log, the metrics and the traces, as far as each is wanted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.observability import logs
from gateway.observability.operation import OperationRecord

if TYPE_CHECKING:  # each is loaded where it is on
    from gateway.observability.metrics import Metrics
    from gateway.observability.traces import Tracing

log = logging.getLogger("gateway.operation")


class Recorder:
    """What becomes of the records of operations. With nothing wanted they are forgotten."""

    def __init__(
        self, metrics: Metrics | None = None, tracing: Tracing | None = None, *, server_timing: bool = False
    ) -> None:
        self.server_timing = server_timing
        self._metrics = metrics
        self._tracing = tracing

    def begin(self) -> OperationRecord:
        """A record of an operation that begins now."""
        if self._metrics is not None:
            self._metrics.began()
        return OperationRecord()

    def trace(self, operation: OperationRecord, traceparent: str | None, tracestate: str | None) -> None:
        """Begin the span of an operation, when its caller is known."""
        if self._tracing is not None:
            operation.span = self._tracing.begin(traceparent, tracestate)

    def end(self, operation: OperationRecord) -> None:
        """Write down an operation that has ended."""
        operation.end()
        if self._metrics is not None:
            self._metrics.ended(operation)
        if operation.span is not None:
            operation.span.end(operation)
        if log.isEnabledFor(logging.INFO):
            logs.write(log, "operation", line(operation))


def line(operation: OperationRecord) -> dict[str, object]:
    """The members of an operation's log line. Times are in milliseconds; what is empty is left out."""
    found: dict[str, object] = {
        "requestId": operation.request_id,
        "tenant": operation.tenant,
        "kind": operation.kind,
        "operation": operation.name,
        "outcome": operation.outcome,
        "durationMs": _milliseconds(operation.seconds),
        "upstreamMs": _milliseconds(operation.upstream_seconds),
    }
    if operation.calls:
        found["upstreamCalls"] = calls = dict[str, int]()
        for call in operation.calls:
            calls[call.upstream] = calls.get(call.upstream, 0) + 1
    if operation.batches:
        found["batches"] = operation.batches
        found["loaderHits"] = operation.loader_hits
    if operation.carried:
        found["carriedLinks"] = operation.carried
    if operation.codes:
        found["errors"] = operation.codes
    if operation.span is not None:
        found["traceId"] = operation.span.trace_id
    return found


def server_timing(operation: OperationRecord) -> bytes:
    """The value of a `Server-Timing` header: the time until now, and that spent upstream."""
    operation.end()
    calls = len(operation.calls)
    noun = "call" if calls == 1 else "calls"
    total, upstream = _milliseconds(operation.seconds), _milliseconds(operation.upstream_seconds)
    return f'total;dur={total}, upstream;dur={upstream};desc="{calls} {noun}"'.encode("ascii")


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
