"""The memory of failed responses, which is freed with the request and not by the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from typing import Any, Literal

import httpx
import pytest

from gateway import errors
from gateway.app import create_app
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client
from gateway.upstream.collection import Collection, RecordDecoder
from gateway.upstream.record_types import Members
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write
from gateway.upstream.transport.transports import TransportFactory, aiohttp_transport, httpx_transport
from tests.gateway_over import CALLER, key
from tests.upstream.socket_server import (
    Responder,
    hangs_after,
    head,
    resets_after,
    responds,
    sends,
    socket_server,
)

pytestmark = pytest.mark.anyio

SIZE = 400_000  # bytes of each body
REQUESTS = 3
LIMITS = Settings(
    max_upstream_bytes=2 * SIZE,
    breaker=False,
    first_byte_timeout=0.2,
    read_timeout=0.4,
    act_timeout=0.4,
    look_up_timeout=0.2,  # one look
)
FILLER = b"x" * SIZE
RECORD = json.dumps({"id": key(1), "action": "x" * SIZE}).encode()


def page(records: bytes) -> Responder:
    return responds(200, b'{"loans":%b,"requests":%b,"totalRecords":1}' % (records, records))


FAULTS: dict[str, Responder] = {
    "500": responds(500, FILLER),
    "503": responds(503, FILLER),
    "redirect": responds(302, FILLER, "Location: /elsewhere"),
    "401": responds(401, FILLER),
    "404": responds(404, FILLER),
    "422": responds(422, json.dumps({"errors": [{"message": "no"}] * 10_000}).encode()),
    "no JSON": responds(200, FILLER),
    "wrong shape": responds(200, b"[%b]" % RECORD),
    "one null element": page(b"[%b,null]" % RECORD),
    "null id": page(b"[%b]" % RECORD.replace(b'"id"', b'"no"')),
    "wrong type": page(b"[%b]" % RECORD.replace(b'"action"', b'"dueDate": 1, "action"')),
    "too big": responds(200, b" " * (3 * SIZE)),
    "cut off": sends(head(200, f"Content-Length: {2 * SIZE}") + FILLER, close=True),
    "reset": resets_after(head(200, f"Content-Length: {2 * SIZE}") + FILLER),
    "timeout": hangs_after(head(200, f"Content-Length: {2 * SIZE}") + FILLER),
    "no gzip": responds(200, FILLER, "Content-Encoding: gzip"),
    "none": page(b"[%b]" % RECORD),
}
REQUIRED = ("500", "wrong shape", "one null element", "too big", "cut off")

READS = {
    "list": "{ loans(first: 1) { nodes { id action dueDate } } }",
    "record": f'{{ loan(id: "{key(1)}") {{ id action dueDate }} }}',
    "two": f'{{ loans {{ nodes {{ id action }} }} loan(id: "{key(1)}") {{ id action }} }}',
    "full list": f'{{ requestQueue(instanceId: "{key(1)}") {{ nodes {{ id }} }} }}',
    "lock": "{ objectLock(objectType: PATRON, objectId: 3) { polarisUserName } }",
}
CHECK_OUT = f"""mutation {{ checkOut(
    input: {{itemBarcode: "1", userBarcode: "2", servicePointId: "{key(1)}"}}
) {{
    ... on CheckedOut {{ loan {{ id action dueDate }} }} ... on Refusal {{ reasons {{ message }} }} }} }}"""
WRITES = {
    "check-out": CHECK_OUT,
    "reordering": f"""mutation {{ reorderQueue(input: {{instanceId: "{key(1)}",
        queue: [{{id: "{key(1)}", newPosition: 1}}]}}) {{ __typename }} }}""",
    "unlocking": "mutation { unlockObject(input: {objectType: PATRON, objectId: 3}) { __typename } }",
}
OPERATIONS = READS | WRITES


async def request(app: Any, query: str) -> None:  # Any: an ASGI application
    """Send an operation without a client, which could keep a reference to the response."""
    body = json.dumps({"query": query}).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in CALLER.items()]
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    statuses = []

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Future()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), *headers],
    }
    await app(scope, receive, send)
    assert statuses == [200]


@pytest.mark.slow  # memory is traced
@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_no_body_outlives_its_request(transport: Literal["aiohttp", "httpx"], operation: str) -> None:
    """Neither a failed response nor its records stay in memory, although nothing is collected."""
    fault = ""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await FAULTS[fault](reader, writer)

    kept: dict[str, float] = {}
    async with socket_server(respond) as server:
        settings = LIMITS.replace(okapi_url=server.url, polaris_url=server.url, upstream_transport=transport)
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport_to_app = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport_to_app, base_url="http://gateway") as http:
                await http.get("/metrics")  # the first scrape creates the time series
            for fault in FAULTS if operation in ("list", "check-out") else REQUIRED:
                await request(app, OPERATIONS[operation])
                kept[fault] = await kept_bytes(app, OPERATIONS[operation])

    assert {fault: size for fault, size in kept.items() if size > SIZE / 8} == {}


async def kept_bytes(app: Any, query: str) -> float:
    """Return the bytes that remain after a request if the garbage collector does not run."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(REQUESTS):
            await request(app, query)
        await asyncio.sleep(0.02)  # connections are closed in the background
        return tracemalloc.get_traced_memory()[0] / REQUESTS
    finally:
        tracemalloc.stop()
        gc.enable()


WRITE = Write(operation="checkOut", keys={}, verify="loans")


@pytest.mark.parametrize("factory", [aiohttp_transport, httpx_transport], ids=["aiohttp", "httpx"])
@pytest.mark.parametrize("fault", REQUIRED)
async def test_no_frame_of_an_error_holds_a_body(factory: TransportFactory, fault: str) -> None:
    """The frames of an error that leaves the upstream layer, and of its causes, hold no part of a body."""
    members = Members()
    members.leaf("id", str)
    async with socket_server(FAULTS[fault]) as server:
        client = Client("folio", server.url, factory(LIMITS), LIMITS)
        caller = CallerClient(client, ())
        loans = Collection(Route("GET", "/loans"), "loans").bind(caller)
        decoder = RecordDecoder(members, from_circulation=False)
        write = Route("POST", "/loans")
        calls = (
            lambda: loans(None, limit=1),
            lambda: loans(None, limit=1, decoder=decoder),
            lambda: caller.read_list(Route("GET", "/loans"), "loans"),
            lambda: caller.write_for_record(WRITE, write, {}),
            lambda: caller.write_without_record(WRITE, write, {}),
        )
        for call in calls:
            error: BaseException | None = None
            try:
                await call()
            except errors.GatewayError as problem:
                error = problem
            assert error is not None
            while error is not None:
                trace = error.__traceback__
                while trace is not None:
                    frame = trace.tb_frame
                    if frame.f_code.co_filename != __file__:
                        assert not [name for name, value in frame.f_locals.items() if is_response(value)]
                    trace = trace.tb_next
                error = error.__cause__ or error.__context__
        await client.aclose()


def is_response(value: object) -> bool:
    """Return True for a body, a response, or an attempt with the body that it receives."""
    if isinstance(value, bytes | bytearray | dict | list):
        return len(json.dumps(value, default=repr)) > SIZE / 2
    return getattr(value, "body", None) is not None
