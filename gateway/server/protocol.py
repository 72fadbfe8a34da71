"""HTTP/1.1 connections: deadlines and limits for requests, and refusals of malformed ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum, auto
from inspect import isfunction
from typing import Any, TypeAlias, cast

import httptools
import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.errors import BadRequest, GatewayError, Overloaded
from gateway.server.http_1_0 import send_without_chunks
from gateway.server.names import HostCheck, authority_of
from gateway.server.open_files import SPARE_CONNECTIONS
from gateway.server.response_writer import ResponseCycle, ResponseWriter
from gateway.settings import ServerSettings

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
ErrorResponse: TypeAlias = Callable[[Exception, Headers], tuple[list[tuple[bytes, bytes]], bytes]]

LINGER = 1.0  # seconds for a refused client to read why: closing on unread bytes resets the connection
HALF_CLOSED = 0.5  # seconds for a client that has closed its side to read the response, as shell probes do
SPARE_HEAD_TIMEOUT = 1.0  # seconds
SPARE_PATH = b"/admin/"
MAX_WAIT = 1.0  # seconds for which a connection may await its client while others await a connection
RETRY_AFTER = 1  # seconds


# The members of uvicorn's classes that this module uses.
PROTOCOL_MEMBERS = """
    _start_asgi_task _unset_keepalive_if_required app_state connection_lost connection_made connections cycle
    data_received eof_received expect_100_continue flow headers loop on_body on_header on_headers_complete
    on_message_begin on_message_complete on_response_complete on_url parser pause_writing pipeline
    resume_writing server_state shutdown timeout_keep_alive timeout_keep_alive_handler transport url
"""
CYCLE_MEMBERS = """
    access_log chunked_encoding default_headers disconnected expected_content_length flow keep_alive
    message_event on_response response_complete response_started scope send transport waiting_for_100_continue
"""


def check_members(kind: type, members: str) -> None:
    """Raise `ImportError` if a class of uvicorn lacks a member, by definition or by use in its methods."""
    code = (each.__code__ for each in vars(kind).values() if isfunction(each))
    present = set(dir(kind)).union(*(each.co_names for each in code))
    if missing := sorted(set(members.split()) - present):
        raise ImportError(
            f"uvicorn {uvicorn.__version__}: {kind.__name__} has no {', '.join(missing)}, which the gateway"
            " uses; install the release that pyproject.toml names"
        )


check_members(HttpToolsProtocol, PROTOCOL_MEMBERS)
check_members(RequestResponseCycle, CYCLE_MEMBERS)


class Phase(Enum):
    """The part of a request that the client sends next."""

    NONE = auto()  # between two requests
    HEAD = auto()
    BODY = auto()


class RequestRefused(Exception):
    """Raised inside the parser, which stops there."""

    def __init__(self, status: int, error: GatewayError) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error


class SpareConnections(dict["BoundedProtocol", None]):
    """The connections beyond MAX_CONNECTIONS, the oldest first.

    A flood of connections must not make the process appear dead. So connections beyond the limit are read for
    a moment: health checks are served, everything else is refused. When there are too many of them, the
    oldest is closed: a health check is sent immediately, a flood sends nothing.
    """

    def __init__(self, limit: int = SPARE_CONNECTIONS) -> None:
        super().__init__()
        self.limit = limit

    def admit(self, protocol: BoundedProtocol) -> None:
        """Add a connection. The oldest is closed if there are too many."""
        if len(self) >= self.limit:
            oldest = next(iter(self))
            del self[oldest]
            oldest.evict()
        self[protocol] = None


class WaitingConnections(dict["BoundedProtocol", float]):
    """The connections on which the client is to send the next bytes: of a head, of a body, or anything.

    The value is the time of the event loop since which that is so; the longest wait comes first. Clients that
    are slow or silent hold their connections until their deadlines, which must not keep others out.
    """

    def make_room(self, now: float) -> bool:
        """Close the connection that has waited longest. Return False if none has waited for MAX_WAIT."""
        for longest, since in self.items():
            if now - since < MAX_WAIT:
                return False
            del self[longest]
            longest.give_way()
            return True
        return False


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines and limits.

    The parser itself refuses the means of request smuggling: Content-Length beside Transfer-Encoding, either
    of them twice, folded headers, bare line feeds, malformed chunks. Every refusal is sent as JSON and closes
    the connection: after a framing error the start of the next request is unknown.

    Deadlines are absolute, so that an occasional byte does not extend them.
    """

    limits = ServerSettings()
    hosts: HostCheck | None = None
    spare = SpareConnections()
    waiting = WaitingConnections()
    error_response: ErrorResponse

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: the arguments of uvicorn's protocol
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = self.limits.idle_timeout  # type: ignore[assignment]  # fractions work
        self.phase = Phase.HEAD
        self.deadline: asyncio.TimerHandle | None = None
        self.deadline_of: tuple[Phase, int] | None = None
        self.heads = 0  # begun on this connection
        self.complete_heads = 0
        self.uncounted = 0  # bytes of no field and no body yet
        self.field_bytes = 0
        self.has_body_bytes = False
        self.has_upgrade = False  # from the head with an offer to upgrade until the head without it
        self.parser_method = self.parser_version = b""
        self.refusal = RequestRefused(400, BadRequest("The request is not HTTP/1.1."))
        self.refused = False
        self.half_closed = False
        self.lost = False
        self.unread: asyncio.TimerHandle | None = None  # the deadline of the client to read its response
        self.running: RequestResponseCycle | None = None

    # Called by asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self.writer = ResponseWriter(transport, self.loop)
        is_full = len(self.connections) - len(self.spare) > self.limits.max_connections
        if is_full and not self.waiting.make_room(self.loop.time()):
            self.spare.admit(self)
        self._await_client()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.spare.pop(self, None)
        self.waiting.pop(self, None)
        self._unwatch()
        self._cancel_unread()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # as in asyncio; uvicorn always closes
        """Close, but let a client that awaits a response read it over the half-closed connection."""
        if self.half_closed:
            return True
        waiting = self.running is not None and not self.running.response_complete
        if self.refused or not waiting or not self.transport.can_write_eof():
            return False
        self.half_closed = True
        self.loop.call_later(HALF_CLOSED, self._close)
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_read()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._cancel_unread()

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        phase, complete_heads = self.phase, self.complete_heads
        if phase is Phase.NONE:
            self.phase = Phase.HEAD
        self.has_body_bytes = False
        self._parse(data)
        if self.refused:
            return
        self._await_client()
        # The parser buffers a field until it is complete. Bytes that end no head and are no body belong to
        # such a field, or to trailers and chunk extensions of a body.
        ends_head = complete_heads != self.complete_heads
        in_head = phase is not Phase.BODY and self.phase is Phase.HEAD and not ends_head
        in_body = phase is self.phase is Phase.BODY and not self.has_body_bytes
        if in_head or in_body:
            self.uncounted += len(data)
        if self.uncounted > self.limits.max_header_bytes:
            self._refuse(431, BadRequest(self._too_many_bytes()))
        else:
            self._watch()

    def _parse(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    # The parser takes what follows for another protocol. An offer may be ignored (RFC 9110,
                    # section 7.8): another parser gets the same head without it, and then the body.
                    self.parser = httptools.HttpRequestParser(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
                    data = self._head_without_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse(self.refusal.status, self.refusal.error)

    def _head_without_upgrade(self) -> bytes:
        self.has_upgrade = False
        lines = [b"%s %s HTTP/%s" % (self.parser_method, self.url, self.parser_version)]
        for name, value in self.headers:
            if name == b"connection":
                options = [each.strip() for each in value.split(b",")]
                value = b", ".join(each for each in options if each.lower() != b"upgrade")
            if name not in (b"upgrade", b"proxy-connection"):
                lines.append(name + b": " + value)
        return b"\r\n".join((*lines, b"", b""))

    # Called by the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.waiting.pop(self, None)
        self.phase = Phase.HEAD
        self.heads += 1
        self.field_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self.field_bytes += len(url) + 2
        if self.field_bytes > self.limits.max_header_bytes:
            raise self._stop(431, self._too_many_bytes())

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase is Phase.BODY:
            # Trailers would become headers of a request whose headers are processed already.
            raise self._stop(400, "Trailer fields after a body are not supported.")
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self.field_bytes += len(name) + len(value) + 4  # colon, space and line end
        if self.field_bytes > self.limits.max_header_bytes:
            raise self._stop(431, self._too_many_bytes())
        if len(self.headers) > self.limits.max_headers:
            raise self._stop(431, f"The request has more than {self.limits.max_headers} header fields.")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self.has_upgrade = True
            self.parser_method, version = self.parser.get_method(), self.parser.get_http_version()
            self.parser_version = version.encode()
            return
        self._check_head()
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # which has no interim responses
        super().on_headers_complete()  # which refuses malformed targets
        self.cycle.transport = self.writer  # type: ignore[assignment]  # it has the methods that a cycle uses
        self.cycle.__class__ = ResponseCycle  # it runs in the next turn of the event loop
        self.complete_heads += 1
        self.uncounted = 0
        self.phase = Phase.BODY
        # A client that is refused before it sent its body may send the body or not, so the start of the next
        # request would be unknown. While the process drains, clients should connect to another replica.
        if self.expect_100_continue or self in self.spare or self.app_state.get("draining"):
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self.has_body_bytes = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.has_upgrade:
            return
        super().on_message_complete()
        self.uncounted = 0
        self.phase = Phase.NONE

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        if cycle.scope["http_version"] == "1.0":
            # It is a `ResponseCycle` when the application sends.
            app = send_without_chunks(app, lambda part: cast(ResponseCycle, cycle).send_until_close(part))
        super()._start_asgi_task(cycle, app)

    # Called by the server and the application

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_client()
        if self.transport.is_closing():
            self._expect_read()
        elif self.half_closed and self.running is not None and self.running.response_complete:
            self._close()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._expect_read()

    def evict(self) -> None:
        """Close this connection immediately, in favor of a newer one."""
        if self.refused or self.heads:
            self.transport.abort()
            return
        self.refused = True
        self._unwatch()
        self.transport.write(self._format(503, _too_many_connections()))
        self._close()

    def give_way(self) -> None:
        """Close this connection, which awaits its client, in favor of a newer one."""
        is_unanswered = self.phase is Phase.BODY and not self.cycle.response_started
        if is_unanswered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if is_unanswered or (self.phase is Phase.HEAD and self.heads > self.complete_heads):
            self.transport.write(self._format(503, _too_many_connections()))
        self.refused = True
        self._unwatch()
        self._unset_keepalive_if_required()
        self._close()

    def _await_client(self) -> None:
        """Note since when the client is to send the next bytes, or that the gateway has work to do."""
        running = self.running
        if self.phase is Phase.BODY:
            is_waiting = running is self.cycle  # and not a request before it
        else:
            is_waiting = running is None or running.response_complete
        if not is_waiting or self.refused or self.lost or self in self.spare:
            self.waiting.pop(self, None)
        elif self not in self.waiting:
            self.waiting[self] = self.loop.time()

    # Checks

    def _check_head(self) -> None:
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise self._stop(400, "Only HTTP/1.0 and HTTP/1.1 are supported.")
        if self.parser.get_method() == b"CONNECT":
            raise self._stop(400, "The gateway is no proxy.")
        hosts, codings = [], []
        for name, value in self.headers:
            if name == b"host":
                hosts.append(value)
            elif name == b"transfer-encoding":
                codings.append(value.lower())
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            raise self._stop(400, "Header Host must be sent exactly once.")
        if self.hosts is not None:
            if (authority := authority_of(self.url)) is not None:
                hosts.append(authority)
            for host in hosts:
                if not self.hosts.permits(host, self.server):
                    raise self._stop(421, self.hosts.refusal)
        if codings and (codings != [b"chunked"] or version == "1.0"):
            raise self._stop(400, "Only Transfer-Encoding chunked is supported, in HTTP/1.1.")
        if self in self.spare and not self.url.startswith(SPARE_PATH):
            self.refusal = RequestRefused(503, _too_many_connections())
            raise self.refusal

    def _too_many_bytes(self) -> str:
        return f"The head of the request exceeds MAX_HEADER_BYTES of {self.limits.max_header_bytes} bytes."

    def _stop(self, status: int, message: str) -> RequestRefused:
        self.refusal = RequestRefused(status, BadRequest(message))
        return self.refusal

    # Deadlines

    def _watch(self) -> None:
        """Set the deadline of the part that the client is to send, if it has none yet."""
        expected = (self.phase, self.heads)
        if self.deadline is not None and (expected == self.deadline_of or self._begins_first_head(expected)):
            return
        self._unwatch()
        if self.phase is not Phase.NONE:
            head = self.phase is Phase.HEAD
            seconds = self.limits.head_timeout if head else self.limits.body_timeout
            if self in self.spare:
                seconds = min(seconds, SPARE_HEAD_TIMEOUT)
            self.deadline_of = expected
            self.deadline = self.loop.call_later(seconds, self._time_out)

    def _begins_first_head(self, expected: tuple[Phase, int]) -> bool:
        """Return whether the first head begins, whose deadline runs since the connection was opened."""
        return expected == (Phase.HEAD, 1) and self.deadline_of == (Phase.HEAD, 0)

    def _unwatch(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _time_out(self) -> None:
        self.deadline = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:  # the gateway does not read: earlier requests are running
            self._watch()
        elif self in self.spare:
            self._refuse(503, _too_many_connections())
        elif self.phase is Phase.HEAD and self.heads == 0:
            self.refused = True
            self._close()  # without a request there is no response
        else:
            part = "head" if self.phase is Phase.HEAD else "body"
            self._refuse(408, BadRequest(f"The {part} of the request was not received in time."))

    def _expect_read(self) -> None:
        """Set the deadline for the client to read what was written. Then the connection is aborted.

        It is set when the write buffer is full, and when nothing more will be written.
        """
        if self.unread is None and not self.lost:
            self.unread = self.loop.call_later(self.limits.write_timeout, self._abort_unread)

    def _cancel_unread(self) -> None:
        if self.unread is not None:
            self.unread.cancel()
            self.unread = None

    def _abort_unread(self) -> None:
        self.unread = None
        self.transport.abort()

    # Refusals

    def _refuse(self, status: int, error: GatewayError) -> None:
        """Refuse the request and close, after the responses to earlier requests."""
        self.refused = True
        self.waiting.pop(self, None)
        self._unwatch()
        if self.phase is Phase.BODY:
            if self.pipeline:  # the newest comes first, and has not begun
                self.pipeline.popleft()
            elif not self.cycle.response_started:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        before = self.pipeline[0][0] if self.pipeline else self.running
        if before is not None and not before.disconnected and not before.response_complete:
            before.keep_alive = False
            return
        has_response = self.phase is Phase.BODY and self.cycle.response_complete
        if not has_response:
            self.transport.write(self._format(status, error))
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
            self._expect_read()

    def _format(self, status: int, error: GatewayError) -> bytes:
        own_headers, body = type(self).error_response(error, self.headers or ())
        headers = [*self.server_state.default_headers, (b"connection", b"close"), *own_headers]
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])


def _too_many_connections() -> Overloaded:
    return Overloaded("Too many open connections.", retry_after=RETRY_AFTER)


def bounded_protocol(
    bounds: ServerSettings,
    respond: ErrorResponse,
    *,
    hosts: HostCheck | None = None,
    max_spare: int = SPARE_CONNECTIONS,
) -> type[BoundedProtocol]:
    """Return a protocol class for uvicorn, which instantiates it.

    `respond` returns headers and body of the response to a refused request. `hosts` checks the names by which
    the server is addressed; without it any is served. `max_spare` bounds the connections beyond
    MAX_CONNECTIONS, which are served /admin.
    """
    check = hosts

    class Protocol(BoundedProtocol):
        limits = bounds
        hosts = check
        spare = SpareConnections(max_spare)
        waiting = WaitingConnections()
        error_response = staticmethod(respond)

    return Protocol
