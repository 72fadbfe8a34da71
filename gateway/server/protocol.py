"""HTTP/1.1 on the wire: how long and how large a request may be, and which ones are not spoken with."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import Any

import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.engine.error_masking import refusal
from gateway.errors import BadRequest, GatewayError, Overloaded
from gateway.http.middleware.security_headers import SECURITY_HEADERS
from gateway.identity import request_id_from_headers
from gateway.server.response_writer import ResponseWriter
from gateway.settings import ServerSettings

LINGER = 1.0  # seconds for a refused client to read why: closing on unread bytes resets the connection
HALF_CLOSED = 0.5  # seconds that a client who has hung up may still be reading, as shell probes do
SPARE_CONNECTIONS = 64
SPARE_HEAD_TIMEOUT = 1.0  # seconds
SPARE_PATH = b"/admin/"
RETRY_AFTER = 1  # seconds


class Phase(Enum):
    """What is to come next from the client."""

    NOTHING = auto()  # between two requests
    HEAD = auto()
    BODY = auto()


class RefusedOnTheWire(Exception):
    """Raised inside the parser, which stops there."""

    def __init__(self, status: int, error: GatewayError) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error


class SpareConnections(dict["BoundedProtocol", None]):
    """The connections beyond MAX_CONNECTIONS, the oldest first.

    A flood of connections must not look like a dead process. So those beyond the limit are heard for a
    moment: health is answered, everything else is turned away. When they in turn are too many, the oldest
    makes room: a probe says what it wants at once, a flood says nothing.
    """

    def admit(self, protocol: BoundedProtocol) -> None:
        """Take one more, which may cost the oldest its place."""
        if len(self) >= SPARE_CONNECTIONS:
            oldest = next(iter(self))
            del self[oldest]
            oldest.give_way()
        self[protocol] = None


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines and limits, which it has not.

    The parser itself refuses what requests are smuggled with: Content-Length beside Transfer-Encoding, either
    of them twice, folded headers, bare line feeds, broken chunks. Whoever refuses, the client is told in JSON
    and the connection ends: after a framing error nobody knows where the next request begins.

    Deadlines are absolute, so that a byte now and then does not move them.
    """

    limits = ServerSettings()
    spare = SpareConnections()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: they are uvicorn's own
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.limits.idle_timeout  # type: ignore[assignment]  # takes fractions too
        self.phase = Phase.HEAD
        self.deadline: asyncio.TimerHandle | None = None
        self.deadline_of: tuple[Phase, int] | None = None
        self.heads = 0  # that were begun on this connection
        self.whole_heads = 0
        self.uncounted = 0  # bytes that belong to no field and to no body yet
        self.field_bytes = 0
        self.got_body = False
        self.refusal = RefusedOnTheWire(400, BadRequest("The request is not HTTP/1.1."))
        self.refused = False
        self.hung_up = False
        self.lost = False
        self.unread: asyncio.TimerHandle | None = None  # what the client leaves unread has an end as well
        self.running: RequestResponseCycle | None = None

    # What asyncio says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.answers = ResponseWriter(transport, self.loop)
        if len(self.connections) - len(self.spare) > self.limits.max_connections:
            self.spare.admit(self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.spare.pop(self, None)
        self._unwatch()
        self._was_read()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it; uvicorn never stays
        """Close, but leave who waits for an answer a moment: half a connection is enough to read it."""
        if self.hung_up:
            return True
        waiting = self.running is not None and not self.running.response_complete
        if self.refused or not waiting or not self.transport.can_write_eof():
            return False
        self.hung_up = True
        self.loop.call_later(HALF_CLOSED, self._close)
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._must_be_read()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._was_read()

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        phase, whole_heads = self.phase, self.whole_heads
        if phase is Phase.NOTHING:
            self.phase = Phase.HEAD
        self.got_body = False
        super().data_received(data)
        if self.refused:
            return
        # The parser keeps a field until it is whole. What ends no head and is no body is such a field, or the
        # trailers and chunk extensions of a body.
        in_head = phase is not Phase.BODY and self.phase is Phase.HEAD and whole_heads == self.whole_heads
        in_body = phase is self.phase is Phase.BODY and not self.got_body
        if in_head or in_body:
            self.uncounted += len(data)
        if self.uncounted > self.limits.max_header_bytes:
            self._refuse(431, BadRequest(self._too_many_bytes()))
        else:
            self._watch()

    # What the parser says

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.phase = Phase.HEAD
        self.heads += 1
        self.field_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url) + 2)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase is Phase.BODY:
            # Trailers would become headers of a request that has been answered to its headers already.
            raise self._stop(400, "Header fields behind a body are not read.")
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)  # a colon and a blank, the end of the line
        if len(self.headers) > self.limits.max_headers:
            raise self._stop(431, f"More than {self.limits.max_headers} header fields.")

    def on_headers_complete(self) -> None:
        self._check_head()
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # it knows of no interim answers
        super().on_headers_complete()  # which refuses targets that it cannot take apart
        self.cycle.transport = self.answers  # type: ignore[assignment]  # all of it that a cycle uses
        self.whole_heads += 1
        self.uncounted = 0
        self.phase = Phase.BODY
        # Who is refused before it sent its body may leave the body out or not: nobody could tell where the
        # next request begins. Who comes while the process drains is better off with another one next time.
        if self.expect_100_continue or self in self.spare or self.app_state.get("draining"):
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self.got_body = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.uncounted = 0
        self.phase = Phase.NOTHING

    def send_400_response(self, msg: str) -> None:
        self._refuse(self.refusal.status, self.refusal.error)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    # What the server and the application say

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._must_be_read()
        elif self.hung_up and self.running is not None and self.running.response_complete:
            self._close()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._must_be_read()

    def give_way(self) -> None:
        """Make room for a newer connection, at once."""
        if self.refused or self.heads:
            self.transport.abort()
            return
        self.refused = True
        self._unwatch()
        self.transport.write(self._answer(503, _too_many_connections()))
        self._close()

    # Rules

    def _check_head(self) -> None:
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise self._stop(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise self._stop(400, "Header Host must be sent exactly once.")
        if b"transfer-encoding" in names:
            codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
            if codings != [b"chunked"] or version == "1.0":
                raise self._stop(400, "The one Transfer-Encoding that is read is chunked, in HTTP/1.1.")
        if self.parser.should_upgrade():
            raise self._stop(400, "The connection cannot be upgraded to another protocol.")
        if self in self.spare and not self.url.startswith(SPARE_PATH):
            self.refusal = RefusedOnTheWire(503, _too_many_connections())
            raise self.refusal

    def _count(self, size: int) -> None:
        self.field_bytes += size
        if self.field_bytes > self.limits.max_header_bytes:
            raise self._stop(431, self._too_many_bytes())

    def _too_many_bytes(self) -> str:
        return f"The head of the request is larger than {self.limits.max_header_bytes} bytes."

    def _stop(self, status: int, message: str) -> RefusedOnTheWire:
        self.refusal = RefusedOnTheWire(status, BadRequest(message))
        return self.refusal

    # Time

    def _watch(self) -> None:
        """See to it that what the client owes now has a deadline, set when it began to owe it."""
        owed = (self.phase, self.heads)
        if self.deadline is not None and (owed == self.deadline_of or self._begins_first_head(owed)):
            return
        self._unwatch()
        if self.phase is not Phase.NOTHING:
            head = self.phase is Phase.HEAD
            seconds = self.limits.head_timeout if head else self.limits.body_timeout
            if self in self.spare:
                seconds = min(seconds, SPARE_HEAD_TIMEOUT)
            self.deadline_of = owed
            self.deadline = self.loop.call_later(seconds, self._too_late)

    def _begins_first_head(self, owed: tuple[Phase, int]) -> bool:
        """A head is owed from the beginning of the connection, not from its first byte."""
        return owed == (Phase.HEAD, 1) and self.deadline_of == (Phase.HEAD, 0)

    def _unwatch(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _too_late(self) -> None:
        self.deadline = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:  # it is we who do not listen: earlier requests are being answered
            self._watch()
        elif self in self.spare:
            self._refuse(503, _too_many_connections())
        elif self.phase is Phase.HEAD and self.heads == 0:
            self.refused = True
            self._close()  # it never said a word, and gets none
        else:
            part = "head" if self.phase is Phase.HEAD else "body"
            self._refuse(408, BadRequest(f"The {part} of the request did not come in time."))

    def _must_be_read(self) -> None:
        """See to it that what was written is read in time, or the connection is given up with it.

        Asked for where answers pile up and where nothing more is to be written. What waits in the buffers
        besides is bounded by them, and comes to one of both.
        """
        if self.unread is None and not self.lost:
            self.unread = self.loop.call_later(self.limits.write_timeout, self._left_unread)

    def _was_read(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _left_unread(self) -> None:
        self.unread = None
        self.transport.abort()

    # The end

    def _refuse(self, status: int, error: GatewayError) -> None:
        """Say no and close, once the requests that came before are answered."""
        self.refused = True
        self._unwatch()
        if self.phase is Phase.BODY:
            if self.pipeline:  # the newest stands first, and has not begun
                self.pipeline.popleft()
            elif not self.cycle.response_started:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        before = self.pipeline[0][0] if self.pipeline else self.running
        if before is not None and not before.disconnected and not before.response_complete:
            before.keep_alive = False
            return
        answered = self.phase is Phase.BODY and self.cycle.response_complete
        if not answered:
            self.transport.write(self._answer(status, error))
        self._linger()

    def _linger(self) -> None:
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER, self._close)
        else:  # TLS has no half-closed connections
            self._close()

    def _close(self) -> None:
        if not self.lost:
            self.transport.close()
            self._must_be_read()

    def _answer(self, status: int, error: GatewayError) -> bytes:
        request_id = request_id_from_headers(self.headers or ())
        body = msgspec.json.encode({"errors": [refusal(error, request_id)]})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]
        if error.retry_after is not None:
            headers.append((b"retry-after", str(RETRY_AFTER).encode()))
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])


def _too_many_connections() -> Overloaded:
    return Overloaded("Too many connections are open.", retry_after=RETRY_AFTER)


def bounded_protocol(bounds: ServerSettings) -> type[BoundedProtocol]:
    """Make the protocol class that uvicorn takes, which it calls with arguments of its own."""

    class Bounded(BoundedProtocol):
        limits = bounds
        spare = SpareConnections()

    return Bounded
