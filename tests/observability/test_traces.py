"""Traces have a span for each operation and each upstream call, in the caller's trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.observability.traces import Tracing
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from tests.gateway_under_test import Json

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
LOANS = "query Loans { loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Traced:
    """A gateway, its finished spans, and its upstream requests."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.sent: list[httpx.Request] = []
        self.sandbox = create_sandbox()
        self.app: ASGIApp
        self.http: httpx.AsyncClient

    async def execute(self, query: str, **headers: str) -> Json:
        response = await self.http.post("/graphql", json={"query": query}, headers=headers)
        return response.json()

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def propagated(self, path: str) -> tuple[str | None, str | None]:
        (request,) = [each for each in self.sent if each.url.path == path]
        return request.headers.get("traceparent"), request.headers.get("tracestate")


class RecordingTransport(httpx.AsyncBaseTransport):
    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        self.inner = httpx.ASGITransport(app=traced.sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.traced.sent.append(request)
        return await self.inner.handle_async_request(request)


@asynccontextmanager
async def traced(*, on: bool = True) -> AsyncIterator[Traced]:
    opened = Traced()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(opened.exporter))
    app = create_app(
        Settings(sandbox=True),
        transport=lambda limits: RecordingTransport(opened),
        tracing=Tracing(provider) if on else None,
    )
    opened.app = app
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://gateway", headers={"X-Okapi-Tenant": "diku"}
    ) as http:
        opened.http = http
        yield opened


def span_id(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_id(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


async def test_a_trace_over_two_services() -> None:
    """The operation's span is a child of the caller's, and the parent of each call's, which is propagated."""
    async with traced() as gateway:
        await gateway.execute(LOANS, traceparent=TRACEPARENT, tracestate="vendor=1")

    spans = gateway.spans
    operation, loans, groups = spans["query"], spans["GET /circulation-bff/loans"], spans["GET /groups"]
    assert len(spans) == 3  # none for fields
    assert {f"{span.context.trace_id:032x}" for span in spans.values() if span.context} == {TRACE}
    assert parent_id(operation) == PARENT
    assert parent_id(loans) == parent_id(groups) == span_id(operation)
    assert [operation.kind, loans.kind, groups.kind] == [SpanKind.SERVER, SpanKind.CLIENT, SpanKind.CLIENT]
    assert gateway.propagated("/circulation-bff/loans") == (f"00-{TRACE}-{span_id(loans)}-01", "vendor=1")
    assert gateway.propagated("/groups") == (f"00-{TRACE}-{span_id(groups)}-01", "vendor=1")


async def test_spans_have_no_personal_data() -> None:
    """Spans have kind, name, upstream, route and status: no query text, no ids, no variables."""
    async with traced() as gateway:
        batch = 'batchRequest(id: "7c9e6679-7425-40de-944b-000000000001")'
        await gateway.execute(f"query Batch {{ {batch} {{ requestDate }} }}")

    operation, call = gateway.spans["query"], gateway.spans["GET /circulation-bff/batch-requests/{batchId}"]
    assert operation.parent is None
    attributes = dict(operation.attributes or {})
    assert str(attributes.pop("gateway.request_id")).endswith("/graphql")
    assert attributes == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "Batch",
        "gateway.outcome": "success",
    }
    assert dict(call.attributes or {}) == {
        "http.request.method": "GET",
        "url.template": "/circulation-bff/batch-requests/{batchId}",
        "peer.service": "bff",
        "http.response.status_code": 404,
    }
    assert call.status.status_code is StatusCode.UNSET  # there is no such record, and nothing is wrong
    assert not any("7c9e6679" in span.to_json() for span in gateway.spans.values())


async def test_failures_are_marked() -> None:
    """A failed call and the operation with its error are marked as errors with their type."""
    async with traced() as gateway:
        gateway.sandbox.faults.add(kind="status", status=500, path="/groups")
        await gateway.execute(LOANS)

    operation, call = gateway.spans["query"], gateway.spans["GET /groups"]
    assert operation.status.status_code is call.status.status_code is StatusCode.ERROR
    assert (operation.attributes or {})["gateway.error_codes"] == ("UPSTREAM_ERROR",)
    assert (call.attributes or {})["error.type"] == "5xx"
    assert gateway.spans["GET /circulation-bff/loans"].status.status_code is StatusCode.UNSET


async def test_without_tracing_the_callers_context_is_passed_on() -> None:
    """Without tracing, the caller's trace context is passed on unchanged."""
    async with traced(on=False) as gateway:
        await gateway.execute(LOANS, traceparent=TRACEPARENT, tracestate="vendor=1")

    assert gateway.spans == {}
    assert gateway.propagated("/groups") == (TRACEPARENT, "vendor=1")


async def test_what_is_not_sampled_is_not_sampled_upstream() -> None:
    """The caller's decision not to sample is passed on."""
    async with traced() as gateway:
        await gateway.execute(LOANS, traceparent=f"00-{TRACE}-{PARENT}-00")

    propagated, _ = gateway.propagated("/groups")
    assert propagated is not None
    assert propagated.startswith(f"00-{TRACE}-")
    assert propagated.endswith("-00")
    assert gateway.spans == {}


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, **environment},
        cwd=ROOT,
        text=True,
        check=False,
        capture_output=True,
    )


def test_without_tracing_opentelemetry_is_not_imported() -> None:
    """OpenTelemetry is not imported unless tracing is enabled."""
    script = """
import sys
from gateway.app import create_app
create_app()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    assert run(script).stdout == "[]\n"


def test_without_the_extra_tracing_is_refused() -> None:
    """TRACING=1 without the extra is refused at startup with the package to install."""
    script = """
import sys
sys.modules["opentelemetry"] = None
from gateway.settings import Settings
Settings(tracing=True)
"""
    ended = run(script)

    last = ended.stderr.splitlines()[-1]
    assert last.endswith("TRACING: requires OpenTelemetry; install circulation-gateway[otel] (got 'True')")


def test_the_variables_of_opentelemetry_are_read() -> None:
    """OTEL_... configures exporter, sampler, name and attributes; spans are exported at shutdown."""
    script = """
import asyncio, httpx
from gateway.app import create_app

async def main():
    app = create_app()
    async with app.router.lifespan_context(app), httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://gateway"
    ) as http:
        await http.post("/graphql", json={"query": "{ loans { nodes { id } } }"})

asyncio.run(main())
"""
    console = {"TRACING": "1", "OTEL_TRACES_EXPORTER": "console"}

    output = run(script, **console, OTEL_RESOURCE_ATTRIBUTES="deployment.environment=test")
    renamed = run(script, **console, OTEL_SERVICE_NAME="desk")
    unsampled = run(script, **console, OTEL_TRACES_SAMPLER="always_off")
    unknown = run(script, TRACING="1", OTEL_TRACES_EXPORTER="jaeger")

    assert output.stdout.count('"name": "query"') == 1
    assert output.stdout.count('"name": "GET /circulation-bff/loans"') == 1
    assert '"service.name": "circulation-gateway"' in output.stdout
    assert '"deployment.environment": "test"' in output.stdout
    assert '"service.name": "desk"' in renamed.stdout
    assert (unsampled.stdout, unsampled.returncode) == ("", 0)
    last = unknown.stderr.splitlines()[-1]
    assert last.endswith("OTEL_TRACES_EXPORTER: must be otlp, console or none (got 'jaeger')")
