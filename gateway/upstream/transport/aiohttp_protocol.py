"""HTTP/1.1 over one pooled connection of aiohttp, with a response parser of our own.

aiohttp opens, keeps and closes the connection. Its own parser is not used: the message, the stream and the
two queues that it builds for each response cost more than the call.
"""

from __future__ import annotations

import asyncio
import math
import select
from collections.abc import Callable
from functools import lru_cache

import httptools
import httpx
from aiohttp.client_proto import ResponseHandler

from gateway import errors
from gateway.upstream.transport.exchange import Body

MAX_HEADER_FIELDS = 1000  # of a response: joining a field that is repeated without end takes quadratic time
MAX_HEAD_BYTES = 131_072  # early hints included; Okapi echoes tokens in its headers

LARGE = 16_384  # bytes that arrive at once, of which a copy costs more than to look for the end of the head
BODILESS = frozenset({204, 304})  # whatever length they declare


class IncomingResponse:
    """A response while it arrives. Header names are in lower case; repeated headers are joined by a comma."""

    __slots__ = ("begin_body", "body", "headers", "status")

    def __init__(self, begin_body: Callable[[int, dict[str, str]], Body]) -> None:
        """`begin_body` creates the body from status and headers; an exception from it ends the call.

        It must not refer to the response: both would wait for a garbage collection, with the body.
        """
        self.begin_body = begin_body
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: Body | None = None

    def read(self) -> bytes | memoryview:
        """Return the body of a complete response. Raises as `Body.read`."""
        return b"" if self.body is None else self.body.read()


class HttpProtocol(ResponseHandler):
    """An HTTP/1.1 connection, one call at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._response_parser: httptools.HttpResponseParser | None = None
        self._incoming: IncomingResponse | None = None  # None once it is complete or has failed
        self._completed: asyncio.Future[None] | None = None
        self._idle_timeout = math.inf
        self._until = math.inf
        self._last_received = 0.0
        self._timeout_check: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._parsed = 0  # bytes of the body that the parser has had
        self._remaining = 0  # bytes of the body that go past it
        self._header_fields = 0
        self._unusable = False
        self._readable: select.poll | None = None

    @property
    def should_close(self) -> bool:
        """True if no other call may use this connection."""
        return self._unusable or self._completed is not None or not self.is_connected()

    @property
    def is_new(self) -> bool:
        """True if nothing was sent on this connection."""
        return not self._last_received

    def is_usable(self) -> bool:
        """Return False if the connection has ended, or has bytes that belong to no call.

        The event loop may not have read them yet, and would then pass them to the next call. With TLS a new
        connection may have some: those of TLS.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        if self.is_new and transport.get_extra_info("ssl_object") is not None:
            return True
        if self._readable is None:
            self._readable = select.poll()
            self._readable.register(transport.get_extra_info("socket"), select.POLLIN)
        return not self._readable.poll(0)

    async def call(
        self, request: bytes, incoming: IncomingResponse, idle_timeout: float, until: float
    ) -> None:
        """Send a request and wait until its response is complete.

        `idle_timeout` is in seconds, `until` a time of the event loop's clock; both may be infinite. Raises
        httpx's exceptions, `TimeoutError` at the end, and those of `Body`. The connection must be closed
        after any of them.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise httpx.ReadError("The connection was lost before it was used.")
        loop = self._loop
        self._response_parser = httptools.HttpResponseParser(self)
        self._incoming = incoming
        self._head_bytes = 0
        self._parsed = self._remaining = 0
        self._header_fields = 0
        self._completed = completed = loop.create_future()
        transport.write(request)
        self._idle_timeout, self._until = idle_timeout, until
        self._last_received = loop.time()
        self._start_timer()
        try:
            await completed
        finally:
            self._response_parser = self._incoming = None
            if self._timeout_check is not None:
                self._timeout_check.cancel()
                self._timeout_check = None
        self._completed = None  # not after a failure: see `should_close`
        if transport.get_write_buffer_size():  # the response came before all of the request was read
            self._unusable = True

    def _start_timer(self) -> None:
        """Schedule the next check of both timeouts."""
        when = min(self._last_received + self._idle_timeout, self._until)
        if when < math.inf:
            self._timeout_check = self._loop.call_at(when, self._check_timeouts)

    def _check_timeouts(self) -> None:
        now = self._loop.time()
        if now >= self._until:
            self._end(TimeoutError())
        elif now >= self._last_received + self._idle_timeout:
            self._end(httpx.ReadTimeout("No data arrived within the idle timeout."))
        else:
            self._start_timer()

    def _end(self, problem: Exception | None = None) -> None:
        self._incoming = None
        self._unusable = self._unusable or problem is not None
        if self._completed is None or self._completed.done():
            return
        if problem is None:
            self._completed.set_result(None)
        else:
            self._completed.set_exception(problem)

    # Callbacks of the connection

    def data_received(self, data: bytes) -> None:
        incoming = self._incoming
        if self._response_parser is None or incoming is None:  # no request is waiting for it
            self._unusable = True
            self.close()
            return
        self._last_received = self._loop.time()
        if len(data) < LARGE and not self._remaining:
            self._parse(data)
        else:
            self._receive_large(data, incoming)

    def _receive_large(self, data: bytes, incoming: IncomingResponse) -> None:
        """Receive a body of a declared length past the parser, which would copy it."""
        start = 0
        while incoming.body is None and (end := data.find(b"\r\n\r\n", start) + 4) > 3:
            self._parse(data[start:end])
            start = end
            if self._incoming is None:  # complete without a body, or failed: the rest belongs to no call
                self._unusable = self._unusable or start < len(data)
                return
        if not self._remaining and incoming.body is not None and incoming.status not in BODILESS:
            self._remaining = int(incoming.headers.get("content-length", self._parsed)) - self._parsed
        if self._remaining:
            self._receive_body(memoryview(data)[start:] if start else data)
        else:
            self._parse(data[start:])

    def _parse(self, data: bytes) -> None:
        """Parse a head, or a part of a body that is short or has no declared length."""
        assert self._response_parser is not None  # noqa: S101 - a request is waiting
        try:
            self._response_parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._unusable = True
        except httptools.HttpParserError as problem:
            failure = httpx.RemoteProtocolError(type(problem).__name__)
            failure.__cause__ = problem
            self._end(errors.without_frames(failure))
        if self._incoming is not None and self._incoming.body is None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._end(httpx.RemoteProtocolError(f"The response head is above {MAX_HEAD_BYTES} bytes."))

    def _receive_body(self, data: bytes | memoryview) -> None:
        if len(data) > self._remaining:
            self._unusable = True
            data = memoryview(data)[: self._remaining]
        self._remaining -= len(data)
        self.on_body(data)
        if not self._remaining:
            self.on_message_complete()

    def eof_received(self) -> None:
        """Do nothing: `connection_lost` follows."""

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unusable = True
        if exc is None and self._incoming is not None and _ends_with_eof(self._incoming):
            self._end()
        else:
            self._end(httpx.ReadError("The connection ended before the response did."))
        super().connection_lost(exc)

    # Callbacks of the parser; after the end of a response they change nothing

    def on_message_begin(self) -> None:
        if self._incoming is None:
            self._unusable = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._incoming is None or self._incoming.body is not None:  # the latter are trailers
            return
        self._header_fields += 1
        if self._header_fields > MAX_HEADER_FIELDS:
            self._end(httpx.RemoteProtocolError(f"The response has above {MAX_HEADER_FIELDS} header fields."))
            return
        key, text = _header_name(name), value.decode("latin-1")
        headers = self._incoming.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        incoming = self._incoming
        if incoming is None or self._response_parser is None:
            return
        incoming.status = status = self._response_parser.get_status_code()
        if status < 200 and status != 101:  # an interim response, which the final one follows
            incoming.headers.clear()
            return
        try:
            incoming.body = incoming.begin_body(status, incoming.headers)
        except errors.GatewayError as problem:
            self._end(errors.without_frames(problem))
        except Exception as problem:
            self._end(problem)

    def on_body(self, piece: bytes | memoryview) -> None:
        if self._incoming is None or self._incoming.body is None:
            return
        self._parsed += len(piece)
        try:
            self._incoming.body.add(piece)
        except errors.GatewayError as problem:
            self._end(errors.without_frames(problem))
        except Exception as problem:
            self._end(problem)

    def on_message_complete(self) -> None:
        if self._incoming is None or self._incoming.body is None or self._response_parser is None:
            return
        if not self._response_parser.should_keep_alive():
            self._unusable = True
        self._end()


@lru_cache(maxsize=256)  # services send the same few
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def _ends_with_eof(incoming: IncomingResponse) -> bool:
    """Return True if the end of the connection ends this response, because it declares no length."""
    has_length = "content-length" in incoming.headers or "transfer-encoding" in incoming.headers
    return incoming.body is not None and not has_length
