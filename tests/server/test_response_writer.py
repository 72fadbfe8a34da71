"""The bytes of responses whose header fields the application has encoded."""

from __future__ import annotations

import asyncio
import re

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway.http.endpoint import ResponseHeaders
from gateway.http.error_response import error_response
from gateway.server.protocol import bounded_protocol
from gateway.settings import ServerSettings
from tests.server.edge import gateway_process, get, post
from tests.server.transports import Written

pytestmark = pytest.mark.anyio

BODY = b'{"data":{"__typename":"Query"}}'
HEAD = (
    rb"HTTP/1\.1 200 OK\r\n"
    rb"date: \w{3}, [^\r]+ GMT\r\n"
    rb"content-type: application/json; charset=utf-8\r\n"
    rb"vary: Accept\r\n"
    rb"cache-control: no-store\r\n"
    rb"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
    rb"referrer-policy: no-referrer\r\n"
    rb"x-content-type-options: nosniff\r\n"
    rb"x-frame-options: DENY\r\n"
    rb"content-length: 31\r\n"
    rb"x-okapi-request-id: 9/desk;\d{6}/graphql\r\n"
)


async def serve(*events: dict[str, object], request: bytes) -> Written:
    """Send events as the response to a request, and return the transport."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for event in events:
            await send(event)

    config = uvicorn.Config(app, lifespan="off", log_config=None)
    protocol = bounded_protocol(ServerSettings(), error_response)(
        config=config, server_state=ServerState(), app_state={}
    )
    transport = Written()
    protocol.connection_made(transport)
    protocol.data_received(request)
    await asyncio.sleep(0.02)
    protocol.connection_lost(None)
    return transport


def start(length: int = 2) -> dict[str, object]:
    """The start of a response whose one field is encoded."""
    fields = [(b"content-length", b"%d" % length)]
    headers = ResponseHeaders(fields, b"content-length: %d\r\n" % length, length)
    return {"type": "http.response.start", "status": 200, "headers": headers}


def body(part: bytes, *, more: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": part, "more_body": more}


@pytest.mark.slow
async def test_the_complete_head_of_a_response() -> None:
    """Each field is sent once, and with the last response of a connection that it is the last."""
    with gateway_process("--sandbox") as process, process.client() as client:
        client.send(
            post(b"X-Okapi-Request-Id: 9/desk"), post(b"X-Okapi-Request-Id: 9/desk", b"Connection: close")
        )
        received = client.reader.read()

    kept, last = rb"\r\n" + re.escape(BODY), rb"connection: close\r\n\r\n" + re.escape(BODY)
    assert re.fullmatch(HEAD + kept + HEAD + last, received), received


async def test_head_and_body_are_one_write() -> None:
    """A response in one piece is written at once, and one in pieces begins with its head and first piece."""
    whole = await serve(start(), body(b"ok"), request=get("/"))
    pieces = await serve(start(4), body(b"ok", more=True), body(b"ay"), request=get("/"))

    assert whole.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]
    assert b"".join(pieces.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nokay"
    assert pieces.writes[0] == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok"


async def test_pipelined_responses_are_in_order() -> None:
    """Responses to requests that were sent ahead come one after the other, each complete."""
    transport = await serve(start(), body(b"ok"), request=get("/") * 3)

    assert transport.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] * 3


async def test_a_middleware_may_change_the_fields() -> None:
    """Fields that were added to encoded ones are sent with them."""
    event = start()
    assert isinstance(event["headers"], ResponseHeaders)
    event["headers"].append((b"x-more", b"1"))

    transport = await serve(event, body(b"ok"), request=get("/"))

    assert b"".join(transport.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-more: 1\r\n\r\nok"


async def test_a_head_without_its_body_closes_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """If the application ends before the body is complete, the client gets the head and the end."""
    alone = await serve(start(), request=get("/"))
    short = await serve(start(), body(b"o"), request=get("/"))

    assert alone.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"]
    assert alone.closing
    assert short.closing
    assert "shorter than Content-Length" in caplog.text


async def test_a_response_to_head_has_no_body() -> None:
    """The fields are those of the response to GET."""
    transport = await serve(start(), body(b"ok"), request=get("/").replace(b"GET", b"HEAD"))

    assert b"".join(transport.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
