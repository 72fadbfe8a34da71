"""Responses for HTTP/1.0, which has no chunks."""

from __future__ import annotations

from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    HTTPResponseStartEvent,
    Scope,
)


def send_with_length(app: ASGI3Application) -> ASGI3Application:
    """Return the application with its response sent at once, with its length, if it does not say its length.

    uvicorn would send such a response in chunks, which a client of HTTP/1.0 takes for its content.
    """

    async def serve(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        held: HTTPResponseStartEvent | None = None
        body = bytearray()

        async def send_at_once(message: ASGISendEvent) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                if b"content-length" not in names:
                    held = message
                    return
            elif message["type"] == "http.response.body" and held is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                length = (b"content-length", b"%d" % len(body))
                await send({**held, "headers": [*held["headers"], length]})
                message = {**message, "body": bytes(body)}
            await send(message)

        await app(scope, receive, send_at_once)

    return serve
