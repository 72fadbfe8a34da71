"""A subscription has a line in the log at its start and at its end, and spans and metrics of its results."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Message

from gateway.http.event_stream import HEARTBEAT
from tests.http.event_stream import EVENT_STREAM, Event, events_of
from tests.observability.log_lines import logged
from tests.observability.test_traces import PARENT, TRACE, TRACEPARENT, parent_id, span_id, traced

pytestmark = pytest.mark.anyio

WATCH = 'subscription Watch { loanChanged(userId: "%s") { kind loan { borrower { barcode } } } }'
LEND = """mutation { checkOut(input: {
    itemBarcode: "2000000001", userBarcode: "1000000001", servicePointId: "%s"
}) { __typename } }"""


async def test_one_subscription() -> None:
    """Start, read and result are spans in the caller's trace; the log has two lines for all results."""
    messages = asyncio.Queue[Message]()
    received = asyncio.Queue[bytes]()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            received.put_nowait(message["body"])

    async def next_event() -> Event:
        while (body := await received.get()) == HEARTBEAT:
            pass
        (event,) = events_of(body)
        return event

    async with traced() as gateway:
        summary = gateway.sandbox.summary()
        query = WATCH % summary.user_id
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": [
                (b"x-okapi-tenant", b"diku"),
                (b"content-type", b"application/json"),
                (b"accept", EVENT_STREAM.encode()),
                (b"traceparent", TRACEPARENT.encode()),
            ],
        }
        messages.put_nowait({"type": "http.request", "body": json.dumps({"query": query}).encode()})
        with logged() as lines:
            stream = asyncio.ensure_future(gateway.app(scope, messages.get, send))
            assert await received.get() == HEARTBEAT
            lent = await gateway.execute(LEND % summary.service_point_id)
            event = await next_event()
            messages.put_nowait({"type": "http.disconnect"})
            await stream
        metrics = (await gateway.http.get("/metrics")).text

    assert lent == {"data": {"checkOut": {"__typename": "CheckedOut"}}}
    assert event.data["data"]["loanChanged"]["loan"]["borrower"] == {"barcode": "1000000001"}
    of_caller = [span for span in gateway.exporter.get_finished_spans() if parent_id(span) == PARENT]
    assert [span.name for span in of_caller] == ["subscription"] * 3
    assert {f"{span.context.trace_id:032x}" for span in of_caller if span.context} == {TRACE}
    _, read, result = of_caller
    calls = {parent_id(span): span.name for span in gateway.exporter.get_finished_spans()}
    assert calls[span_id(read)].startswith("GET /users")
    assert calls[span_id(result)].startswith("GET /circulation")
    assert 'gateway_subscription_result_duration_seconds_count{outcome="success"} 2.0' in metrics
    assert 'gateway_operation_duration_seconds_count{kind="subscription",outcome="success"} 1.0' in metrics
    assert "gateway_operations_in_flight 0.0" in metrics
    own = [line for line in lines.all if line.get("operation") == "Watch"]
    assert [line["event"] for line in own] == ["operation", "subscription"]
    assert own[1]["ended"] == "disconnected"
    assert own[1]["results"] == 1
