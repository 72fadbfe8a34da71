"""The GraphQL endpoint: HTTP methods, statuses, headers and disconnects around the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import UNSET
from starlette.types import Receive, Scope, Send

from gateway.engine.error_masking import mask_exception
from gateway.engine.operations import IncrementalResponse, Operations
from gateway.engine.rate_limit import user_keys
from gateway.engine.response_body import (
    CONFIRMED,
    LARGE,
    LARGE_RESULT,
    GraphQLResponse,
    encode,
    encode_in_pieces,
)
from gateway.engine.subscriptions import SubscriptionResponse
from gateway.http.event_stream import HEADERS as EVENT_STREAM_HEADERS
from gateway.http.event_stream import frame_only_result
from gateway.http.middleware.security_headers import PAGE_HEADERS, SECURITY_HEADERS
from gateway.http.multipart import CLOSING, MEDIA_TYPE, OPENING, PartFormatter, frame_part
from gateway.http.negotiation import (
    EVENT_STREAM,
    HTML,
    LEGACY_JSON,
    MAX_ACCEPT,
    RESPONSE_JSON,
    negotiate,
    prefers_html,
)
from gateway.http.open_streams import OpenStream, OpenStreams
from gateway.http.refusals import refuse_request
from gateway.http.request import (
    BodiesInFlight,
    BodySize,
    ClientDisconnected,
    HTTPError,
    await_unless,
    has_document,
    parse_body,
    parse_query_string,
    run_while_connected,
    wait_for_disconnect,
)
from gateway.identity import RAW_REQUEST_ID_HEADER, Caller, Headers, request_id_from_headers
from gateway.observability.operation import RECORD_SIZE, OperationRecord, Recorder

REPLAYED = ((b"idempotent-replayed", b"true"),)
"""The mark of a response to an earlier request with the same idempotency key, or of its look-up."""


class ResponseHeaders(list[tuple[bytes, bytes]]):
    """The header fields of a response, with their bytes for a server that writes them as they are.

    `content_length` is the number in the field of that name.
    """

    __slots__ = ("_fields", "_lines", "content_length")

    def __init__(self, fields: list[tuple[bytes, bytes]], lines: bytes, content_length: int) -> None:
        super().__init__(fields)
        self._fields = fields
        self._lines = lines
        self.content_length = content_length

    @property
    def lines(self) -> bytes | None:
        """The bytes of the fields in HTTP/1.1; None if a middleware has changed the fields."""
        return self._lines if self == self._fields else None


def _head(
    content_type: bytes, security: Sequence[tuple[bytes, bytes]] = SECURITY_HEADERS
) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", content_type), (b"vary", b"Accept"), *security]


_HEADS = {
    LEGACY_JSON: _head(b"application/json; charset=utf-8"),
    RESPONSE_JSON: _head(b"application/graphql-response+json; charset=utf-8"),
    EVENT_STREAM: list(EVENT_STREAM_HEADERS),
    HTML: _head(b"text/html; charset=utf-8", PAGE_HEADERS),
}
"""The header fields that all responses of a media type have, those of browsers' rules included."""

_LINES = {
    media_type: b"".join([b"%s: %s\r\n" % field for field in fields]) for media_type, fields in _HEADS.items()
}


class GraphQLEndpoint:
    """Serve GraphQL over HTTP as an ASGI application."""

    def __init__(
        self,
        operations: Operations,
        identify: Callable[[Headers], Caller],
        *,
        max_body_bytes: int,
        max_bodies_bytes: int = 50_000_000,
        max_response_bytes: int = 50_000_000,
        max_records: int = 300_000,
        graphiql: bytes | None = None,
        recorder: Recorder | None = None,
        streams: OpenStreams | None = None,
    ) -> None:
        """`graphiql` is the page for browsers, if it is served."""
        if max_body_bytes < 1:
            raise ValueError(f"max_body_bytes must be at least 1; got {max_body_bytes}")
        self.operations = operations
        self.identify = identify
        self.max_body_bytes = max_body_bytes
        self.bodies = BodiesInFlight(max_bodies_bytes)
        self.max_response_bytes = max_response_bytes
        self.max_records = max_records
        self.large_result = min(LARGE_RESULT, RECORD_SIZE * max_records)
        self.graphiql = graphiql
        self.recorder = recorder or Recorder()
        self.streams = streams or OpenStreams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # noqa: S101 - a websocket here would be a defect of the routes
        headers: Headers = scope["headers"]
        accept = b",".join([value for name, value in headers if name == b"accept"])[:MAX_ACCEPT]
        if (
            self.graphiql is not None
            and scope["method"] == "GET"
            and prefers_html(accept)
            and not has_document(scope["query_string"])
        ):
            await _send(send, 200, HTML, [self.graphiql])
            return
        if (stream := await self._serve(scope, accept, receive, send)) is not None:
            await stream.serve(scope, receive, send)

    async def _serve(self, scope: Scope, accept: bytes, receive: Receive, send: Send) -> OpenStream | None:
        """Execute the operation of a request and send the response, unless the client disconnects.

        The results of a subscription are returned as a stream, whose operation ends with its beginning.
        """
        media_type, accepts_parts, accepts_events = negotiate(accept)
        caller: Caller | None = None
        more_headers: Sequence[tuple[bytes, bytes]] = ()
        record = self.recorder.start()
        body_size = BodySize(self.bodies)
        try:
            try:
                is_get = scope["method"] == "GET"
                if not is_get and scope["method"] != "POST":
                    if media_type == EVENT_STREAM:
                        media_type = LEGACY_JSON  # there is no operation
                    raise HTTPError(405, "GraphQL is served by GET and POST.", (b"allow", b"GET, POST"))
                if media_type is None:
                    raise HTTPError(406, f"Responses are {RESPONSE_JSON}, {LEGACY_JSON} or {EVENT_STREAM}.")
                caller = self.identify(scope["headers"])
                record.tenant, record.request_id = caller.tenant, caller.request_id
                if self.recorder.tracing is not None:
                    self.recorder.trace(record, caller.traceparent, caller.tracestate)
                if is_get:
                    request = parse_query_string(scope["query_string"])
                else:
                    request = await parse_body(
                        scope["headers"], receive, max_bytes=self.max_body_bytes, body=body_size
                    )
                execution = self.operations.execute(
                    request,
                    caller,
                    record,
                    allow_mutations=not is_get,
                    incremental=accepts_parts,
                    event_stream=accepts_events,
                )
                response = await run_while_connected(execution, receive, record)
                if isinstance(response, GraphQLResponse):
                    is_executed = response.data is not UNSET
                    # A client of plain JSON takes any other status for a failure of the transport.
                    status = 200 if is_executed or media_type == LEGACY_JSON else 400
                    if record.received < LARGE and record.result_size < self.large_result:
                        body = [encode(response)]
                    else:
                        response, body = await encode_in_pieces(
                            response, record, max_bytes=self.max_response_bytes, max_records=self.max_records
                        )
                    record.complete(is_executed, response.errors or ())
                elif isinstance(response, IncrementalResponse):
                    await self._send_parts(response, caller, receive, send, record)
                    return None
                elif isinstance(response, SubscriptionResponse):
                    operation = response.operation
                    users = user_keys(caller, calls_polaris=operation.calls_polaris)
                    stream = await self.streams.admit(response, caller, record.name, users)
                    record.complete(True, ())
                    return stream
                else:
                    status, body = 200, [response.body]
                    more_headers = REPLAYED if response.is_replayed else ()
                    record.complete(True, response.errors)
            except ClientDisconnected:
                return None
            except Exception as error:
                status, reason, more_headers = refuse_request(error)
                record.request_id = caller.request_id if caller else request_id_from_headers(scope["headers"])
                masked = mask_exception(reason, record.request_id)
                body = [encode({"errors": [masked]})]
                record.refuse(status, masked)
            record.end()
            if media_type == EVENT_STREAM:
                status, body = 200, frame_only_result(body)  # refusals too: clients read no other status
            if self.recorder.adds_headers:
                more_headers = (*more_headers, *self.recorder.headers(record))
            await _send(send, status, media_type or LEGACY_JSON, body, record.request_id, more_headers)
            if record.kind == "mutation":
                self.operations.running_mutations.response_sent()
            return None
        finally:
            self.bodies.size -= body_size.size
            self.recorder.end(record)

    async def _send_parts(
        self,
        response: IncrementalResponse,
        caller: Caller,
        receive: Receive,
        send: Send,
        record: OperationRecord,
    ) -> None:
        """Send a response part by part. A disconnect cancels the remaining parts.

        Raises `ClientDisconnected`. Fields of a mutation are complete in the initial part.
        """
        formatter = PartFormatter(caller.request_id)
        extensions = CONFIRMED if record.has_confirmed else {}
        body = OPENING + frame_part(encode(formatter.format_initial(response.initial, extensions)))
        operation, running_mutations = response.operation, self.operations.running_mutations
        headers = [
            *_head(MEDIA_TYPE),
            (RAW_REQUEST_ID_HEADER, caller.request_id.encode()),
            (b"x-accel-buffering", b"no"),  # for proxies: pass each part on at once
            *record.rate_limit,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        disconnected = asyncio.create_task(wait_for_disconnect(receive))
        try:
            more = True
            while more:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                next_part: Awaitable[Any] = await_unless(disconnected, anext(response.subsequent, None))
                if operation.is_mutation:
                    next_part = running_mutations.finish(next_part, operation.node, caller.request_id)
                part = await next_part
                more = part is not None and part.has_next
                body = b"" if part is None else frame_part(encode(formatter.format_subsequent(part)))
        except ClientDisconnected:
            raise
        except Exception as error:  # the status is sent: the client learns that no further part will come
            masked = mask_exception(error, caller.request_id)
            formatter.errors.append(masked)
            body = frame_part(encode({"errors": [masked], "hasNext": False}))
        finally:
            disconnected.cancel()
            await response.subsequent.aclose()
            response.release()
        record.complete(True, formatter.errors)
        record.end()
        await send({"type": "http.response.body", "body": body + CLOSING})
        running_mutations.response_sent()


async def _send(
    send: Send,
    status: int,
    media_type: str,
    pieces: Sequence[bytes],
    request_id: str | None = None,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send a response in one piece or several. `more` are further header fields, which few responses have."""
    size = sum(map(len, pieces))
    length = (b"content-length", b"%d" % size)
    headers = [*_HEADS[media_type], length]
    if request_id is not None:
        # It was checked when it was read from a request, or is our own: it cannot end the line.
        field = (RAW_REQUEST_ID_HEADER, request_id.encode("ascii"))
        headers.append(field)
        if not more:
            lines = b"%s%s: %s\r\n%s: %s\r\n" % (_LINES[media_type], *length, *field)
            headers = ResponseHeaders(headers, lines, size)
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, *more] if more else headers}
    )
    *others, last = pieces
    for each in others:
        await send({"type": "http.response.body", "body": each, "more_body": True})
    await send({"type": "http.response.body", "body": last})
