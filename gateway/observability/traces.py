"""Traces: one span for each operation and each upstream call, none for fields.

OpenTelemetry is an extra, `circulation-gateway[otel]`; this module is imported only if tracing is enabled.
Exporter, endpoint and sampler are configured by OpenTelemetry's environment variables (`OTEL_...`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.observability.operation import OperationRecord, Status
from gateway.settings_group import SettingsError, display

NAME = "circulation-gateway"
EXPORTER = "OTEL_TRACES_EXPORTER"
OTLP_TRACES, OTLP = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"  # the first has precedence

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
    any other value, and for variables that OpenTelemetry cannot use.
    """
    kind = (os.environ.get(EXPORTER) or "otlp").strip().lower()
    if kind not in ("otlp", "console", "none"):
        raise SettingsError([f"{EXPORTER}: must be otlp, console or none (got {kind!r})"])
    if kind == "otlp":
        _check_exporter()
    try:
        return Tracing(_provider(kind))
    except ValueError as error:
        raise SettingsError([f"OTEL_...: {' '.join(str(error).split())}"]) from error


def _provider(kind: str) -> TracerProvider:
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: NAME}))
    provider = TracerProvider(resource=resource)
    if kind != "none":
        provider.add_span_processor(BatchSpanProcessor(_exporter(kind)))
    return provider


def _check_exporter() -> None:
    """Check the variables of the exporter, which reports unusable ones only when it exports."""
    name, endpoint = _get_variable("ENDPOINT")
    if endpoint and not _is_http_url(endpoint):
        example = "http://collector:4318"
        problem = f"must be an http or https URL such as {example} (got {display(endpoint)!r})"
        raise SettingsError([f"{name}: {problem}"])
    for suffix in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"):
        name, file = _get_variable(suffix)
        if file and not _is_readable(Path(file)):
            raise SettingsError([f"{name}: must be a readable file (got {file!r})"])


def _get_variable(suffix: str) -> tuple[str, str]:
    name = OTLP_TRACES + suffix if os.environ.get(OTLP_TRACES + suffix) else OTLP + suffix
    return name, os.environ.get(name, "")


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        is_valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # an invalid port or IPv6 address
        return False
    return is_valid and not re.search(r"[\s\\\x00-\x1f\x7f]", text)


def _is_readable(file: Path) -> bool:
    try:
        return file.is_file() and os.access(file, os.R_OK)
    except OSError:
        return False


def _exporter(kind: str) -> SpanExporter:
    if kind == "console":
        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # loads requests

    return OTLPSpanExporter()
