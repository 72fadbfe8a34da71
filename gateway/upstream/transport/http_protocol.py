"""One connection of the pool: a request goes out whole, and the parser fills its answer.

aiohttp makes, keeps and closes the connection. Its parser is not used: what it builds of each answer (a
message, a stream, two queues) costs more than the call.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import httptools
import httpx
from aiohttp.client_proto import ResponseHandler

from gateway.upstream.transport.body import Body

LONGEST_HEAD = 131_072  # bytes, early hints included; Okapi echoes tokens in its headers


class Incoming:
    """An answer on its way. Names of headers are in lower case; what came twice is joined by a comma."""

    __slots__ = ("begin", "body", "headers", "status")

    def __init__(self, begin: Callable[[dict[str, str]], Body]) -> None:
        """`begin` makes what takes the body, once the headers are there; what it raises ends the call."""
        self.begin = begin
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: Body | None = None

    def whole(self) -> bytes:
        """The body of an answer that has come. Raises as `Body.whole`."""
        return b"" if self.body is None else self.body.whole()


class HttpProtocol(ResponseHandler):
    """HTTP/1.1, one call at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._response: httptools.HttpResponseParser | None = None
        self._incoming: Incoming | None = None  # until it has come, or failed
        self._answered: asyncio.Future[None] | None = None
        self._silence = math.inf
        self._until = math.inf
        self._heard = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._spoilt = False

    @property
    def should_close(self) -> bool:
        """Whether no other call may use this connection."""
        return self._spoilt or self._answered is not None or not self.is_connected()

    async def call(self, request: bytes, incoming: Incoming, silence: float, until: float) -> None:
        """Send a request and wait until its answer is there whole.

        `silence` is in seconds, `until` a moment of the loop's clock; both may be infinite. Raises httpx's
        exceptions, `TimeoutError` at the end, and those of `Body`. The connection has to be closed after any
        of them.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise httpx.ReadError("The connection was lost before it was used.")
        loop = self._loop
        self._response = httptools.HttpResponseParser(self)
        self._incoming = incoming
        self._head_bytes = 0
        self._answered = answered = loop.create_future()
        transport.write(request)
        self._silence, self._until = silence, until
        self._heard = loop.time()
        self._watch()
        try:
            await answered
        finally:
            self._response = self._incoming = None
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
        self._answered = None  # not after a failure: see `should_close`
        if transport.get_write_buffer_size():  # answered before all of the request was read
            self._spoilt = True

    def _watch(self) -> None:
        """Look again when nothing was heard for too long, or when the call is to end at the latest."""
        when = min(self._heard + self._silence, self._until)
        if when < math.inf:
            self._alarm = self._loop.call_at(when, self._listen)

    def _listen(self) -> None:
        now = self._loop.time()
        if now >= self._until:
            self._end(TimeoutError())
        elif now >= self._heard + self._silence:
            self._end(httpx.ReadTimeout("Nothing came for too long."))
        else:
            self._watch()

    def _end(self, problem: Exception | None = None) -> None:
        self._incoming = None
        self._spoilt = self._spoilt or problem is not None
        if self._answered is None or self._answered.done():
            return
        if problem is None:
            self._answered.set_result(None)
        else:
            self._answered.set_exception(problem)

    # What the connection tells

    def data_received(self, data: bytes) -> None:
        if self._response is None or self._incoming is None:  # nobody asked for this
            self._spoilt = True
            self.close()
            return
        self._heard = self._loop.time()
        try:
            self._response.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._spoilt = True
        except httptools.HttpParserError as problem:
            failure = httpx.RemoteProtocolError(type(problem).__name__)
            failure.__cause__ = problem
            self._end(failure)
        if self._incoming is not None and self._incoming.body is None:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._end(httpx.RemoteProtocolError("The head of the answer has no end."))

    def eof_received(self) -> None:
        """Leave the rest to `connection_lost`, which follows."""

    def connection_lost(self, exc: BaseException | None) -> None:
        self._spoilt = True
        if exc is None and self._incoming is not None and _ends_with_eof(self._incoming):
            self._end()
        else:
            self._end(httpx.ReadError("The connection ended before the answer did."))
        super().connection_lost(exc)

    # What the parser tells; after the end of an answer nobody is told any more

    def on_message_begin(self) -> None:
        if self._incoming is None:
            self._spoilt = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._incoming is None or self._incoming.body is not None:  # the latter are trailers
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self._incoming.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        incoming = self._incoming
        if incoming is None or self._response is None:
            return
        incoming.status = status = self._response.get_status_code()
        if status < 200 and status != 101:  # it announces the answer and is not it
            incoming.headers.clear()
            return
        try:
            incoming.body = incoming.begin(incoming.headers)
        except Exception as problem:
            self._end(problem)

    def on_body(self, piece: bytes) -> None:
        if self._incoming is None or self._incoming.body is None:
            return
        try:
            self._incoming.body.add(piece)
        except Exception as problem:
            self._end(problem)

    def on_message_complete(self) -> None:
        if self._incoming is None or self._incoming.body is None or self._response is None:
            return
        if not self._response.should_keep_alive():
            self._spoilt = True
        self._end()


def _ends_with_eof(incoming: Incoming) -> bool:
    """Whether the end of the connection is the end of this answer, which told no other."""
    told = "content-length" in incoming.headers or "transfer-encoding" in incoming.headers
    return incoming.body is not None and not told
