"""Responses for HTTP/1.0, which has no chunks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    HTTPResponseStartEvent,
    Scope,
)

SendUntilClose: TypeAlias = Callable[[ASGISendEvent], Awaitable[None]]

_EVENT_STREAM = b"text/event-stream"


def send_without_chunks(app: ASGI3Application, send_until_close: SendUntilClose) -> ASGI3Application:
    """Return the application with its response sent at once, with its length, if it does not say its length.

    uvicorn would send such a response in chunks, which a client of HTTP/1.0 takes for its content. An event
    stream is sent as it comes by `send_until_close`: it ends with the connection.
    """

    async def serve(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        held: HTTPResponseStartEvent | None = None
        is_stream = False
        body = bytearray()

        async def send_at_once(message: ASGISendEvent) -> None:
            nonlocal held, is_stream
            if message["type"] == "http.response.start":
                headers = {name.lower(): value for name, value in message["headers"]}
                if b"content-length" not in headers:
                    is_stream = headers.get(b"content-type", b"").startswith(_EVENT_STREAM)
                    if not is_stream:
                        held = message
                        return
            elif message["type"] == "http.response.body" and held is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                length = (b"content-length", b"%d" % len(body))
                await send({**held, "headers": [*held["headers"], length]})
                message = {**message, "body": bytes(body)}
            await (send_until_close(message) if is_stream else send(message))

        await app(scope, receive, send_at_once)

    return serve
