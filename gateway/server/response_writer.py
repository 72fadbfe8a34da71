"""Head and body of a response in one write: uvicorn uses two, and each is a system call.

uvicorn also checks and encodes each header field of each response, although most are the same in all. An
application may give the bytes of its fields to the server with the fields.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class ResponseWriter:
    """The transport as seen by the request-response cycle.

    The first write in a turn of the event loop is delayed to the end of that turn, by which time a response
    that is not streamed is complete.
    """

    __slots__ = ("_first", "_flush", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._first: bytes | None = None
        self._flush: asyncio.Handle | None = None

    def write(self, data: bytes) -> None:
        first, self._first = self._first, None
        if first is not None:
            self._transport.writelines((first, data))
            return
        self._first = data
        if self._flush is None:
            self._flush = self._loop.call_soon(self.flush)

    def hold(self, head: bytes) -> None:
        """Delay the head of a response until the first part of its body, which follows at once."""
        if self._first is not None:
            self.flush()
        self._first = head

    def flush(self) -> None:
        """Write the delayed bytes."""
        first, self._first = self._first, None
        self._flush = None
        if first is not None:
            self._transport.write(first)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class ResponseCycle(RequestResponseCycle):
    """uvicorn's cycle, with a short way for responses whose header fields are encoded by the application.

    Their `headers` have two more attributes: `lines`, the bytes of all fields, of which none concerns the
    connection, or None if they are to be encoded as any others, and `content_length`.
    """

    async def send(self, message: ASGISendEvent) -> None:
        if self.flow.write_paused or self.disconnected or self.access_log or self.scope["method"] == "HEAD":
            await super().send(message)
        elif message["type"] == "http.response.start" and not self.response_started:
            headers: Any = message.get("headers")  # Any: with or without the attributes
            lines = getattr(headers, "lines", None)
            if lines is None:
                await super().send(message)
            else:
                self._start(message["status"], lines, headers.content_length)
        elif message["type"] == "http.response.body" and self._is_complete_with(message):
            self._complete(message.get("body", b""))
        else:
            await super().send(message)

    async def send_until_close(self, message: ASGISendEvent) -> None:
        """Send a part of a response that ends with the connection, for clients that know no chunks."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start":
            self.keep_alive = False
            lines = b"".join([b"%s: %s\r\n" % field for field in message["headers"]])
            self._start(message["status"], lines, 0)
        elif message["type"] == "http.response.body":
            self.transport.write(message.get("body", b""))
            if not message.get("more_body", False):
                self._complete(b"")

    def _start(self, status: int, lines: bytes, content_length: int) -> None:
        self.response_started = True
        self.waiting_for_100_continue = self.chunked_encoding = False
        self.expected_content_length = content_length
        connection = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        defaults = b"".join([b"%s: %s\r\n" % field for field in self.default_headers])
        cast(ResponseWriter, self.transport).hold(STATUS_LINE[status] + defaults + lines + connection)

    def _is_complete_with(self, message: HTTPResponseBodyEvent) -> bool:
        """Return whether the body of a known length is complete with this part of it."""
        is_last = self.chunked_encoding is False and not message.get("more_body", False)
        return (
            is_last
            and not self.response_complete
            and len(message.get("body", b"")) == self.expected_content_length
        )

    def _complete(self, body: bytes) -> None:
        self.transport.write(body)
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
