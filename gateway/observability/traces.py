"""Traces: one span for each operation and each upstream call, none for fields.

OpenTelemetry is an extra, `circulation-gateway[otel]`; this module is imported only if tracing is enabled.
Exporter, endpoint and sampler are configured by OpenTelemetry's environment variables (`OTEL_...`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.observability.operation import OperationRecord, Status
from gateway.settings import SettingsError

NAME = "circulation-gateway"
EXPORTER = "OTEL_TRACES_EXPORTER"

_FAILED = frozenset({"5xx", "timeout", "unavailable", "unreadable", "unknown", "error"})
_w3c = TraceContextTextMapPropagator()


class Tracing:
    """Creates spans, for the life of the process."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("gateway")

    def start(self, traceparent: str | None, tracestate: str | None) -> OperationSpan:
        """Start the span of an operation, in the caller's trace if the request has one."""
        context = {"traceparent": traceparent, "tracestate": tracestate}
        carrier = {name: value for name, value in context.items() if value is not None}
        span = self._tracer.start_span("GraphQL operation", _w3c.extract(carrier), SpanKind.SERVER)
        return OperationSpan(self._tracer, span)

    def close(self) -> None:
        """Export the remaining spans and shut down, within the exporter's timeout."""
        self._provider.shutdown()


class OperationSpan:
    """The span of one operation."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def trace_id(self) -> str:
        """The id of its trace, in 32 hexadecimal digits."""
        return f"{self._span.get_span_context().trace_id:032x}"

    def call(self, upstream: str, method: str, route: str) -> CallSpan:
        """Start the span of an upstream call, and create the headers with its context."""
        span = self._tracer.start_span(
            f"{method} {route}",
            set_span_in_context(self._span),
            SpanKind.CLIENT,
            {"http.request.method": method, "url.template": route, "peer.service": upstream},
        )
        carrier: dict[str, str] = {}
        _w3c.inject(carrier, set_span_in_context(span))
        return CallSpan(span, tuple(carrier.items()))

    def end(self, operation: OperationRecord) -> None:
        """End the span with the outcome of the operation, without its text and its variables."""
        span = self._span
        if operation.kind != "none":
            span.update_name(operation.kind)  # names are unbounded: clients choose them
            span.set_attribute("graphql.operation.type", operation.kind)
        if operation.name is not None:
            span.set_attribute("graphql.operation.name", operation.name)
        span.set_attribute("gateway.outcome", operation.outcome)
        span.set_attribute("gateway.request_id", operation.request_id)
        if operation.codes:
            span.set_attribute("gateway.error_codes", sorted(operation.codes))
        if operation.outcome in ("partial", "failed"):
            span.set_status(StatusCode.ERROR)
        span.end()


class CallSpan:
    """The span of one upstream call; `headers` contain its context."""

    def __init__(self, span: Span, headers: Sequence[tuple[str, str]]) -> None:
        self._span = span
        self.headers = headers

    def end(self, status: Status, number: int | None) -> None:
        """End the span with the status of the call, and with its HTTP status if there is one."""
        if number is not None:
            self._span.set_attribute("http.response.status_code", number)
        if status in _FAILED:
            self._span.set_attribute("error.type", status)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def tracing_from_environment() -> Tracing:
    """Create tracing from the variables `OTEL_...`: exporter, endpoint, sampler, attributes, batches.

    `OTEL_TRACES_EXPORTER` is `otlp` (over HTTP, the default), `console` or `none`. Raises `SettingsError` for
    any other value.
    """
    kind = os.environ.get(EXPORTER) or "otlp"
    if kind not in ("otlp", "console", "none"):
        raise SettingsError([f"{EXPORTER}: must be otlp, console or none (got {kind!r})"])
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: NAME}))
    provider = TracerProvider(resource=resource)
    if kind != "none":
        provider.add_span_processor(BatchSpanProcessor(_exporter(kind)))
    return Tracing(provider)


def _exporter(kind: str) -> SpanExporter:
    if kind == "console":
        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # loads requests

    return OTLPSpanExporter()
