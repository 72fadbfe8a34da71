"""The GraphQL endpoint: one HTTP request in, its operations executed, one answer out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.engine.documents import Documents
from gateway.engine.error_masking import refusal
from gateway.engine.operations import Operations, Planned
from gateway.engine.persisted_documents import PersistedDocuments
from gateway.engine.rate_limit import RateLimit
from gateway.engine.running_mutations import RunningMutations
from gateway.errors import GatewayError, RateLimited
from gateway.http.disconnect import ClientDisconnected, unless, wait_for_disconnect
from gateway.http.multipart import CLOSING, MEDIA_TYPE, OPENING, Parts, PartWriter, enclosed
from gateway.http.negotiation import LEGACY_JSON, RESPONSE_JSON, accepted, answer_type, prefers_html
from gateway.http.request import (
    HttpRefusal,
    names_document,
    request_in_address,
    request_in_body,
)
from gateway.identity import Caller, Headers, request_id_from_headers
from gateway.observability.operation import OperationRecord, Recorder, server_timing

_encode = msgspec.json.Encoder().encode


class GraphQLEndpoint:
    """Serve GraphQL over HTTP: what of a request is HTTP, and how its answer is sent."""

    def __init__(
        self,
        documents: Documents,
        new_context: Callable[[Caller, OperationRecord], object],
        identify: Callable[[Headers], Caller],
        *,
        max_body_bytes: int,
        graphiql: bytes | None,
        running_mutations: RunningMutations | None = None,
        planned: Planned | None = None,
        rate_limit: RateLimit | None = None,
        persisted_documents: PersistedDocuments | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        if max_body_bytes < 1:
            raise ValueError("max_body_bytes must be at least 1")
        self.identify = identify
        self.max_body_bytes = max_body_bytes
        self.graphiql = graphiql
        self.running_mutations = running_mutations or RunningMutations()
        self.operations = Operations(
            documents,
            new_context,
            running_mutations=self.running_mutations,
            planned=planned,
            rate_limit=rate_limit,
            persisted_documents=persisted_documents,
        )
        self.recorder = recorder or Recorder()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # noqa: S101 - a websocket here would be a slip in the routes
        headers: Headers = scope["headers"]
        accept = accepted(headers)
        if self.graphiql is not None and _opens_graphiql(scope, accept):
            await _send(send, 200, b"text/html", self.graphiql)
            return
        record = self.recorder.start()
        try:
            await self._operate(scope, accept, receive, send, record)
        finally:
            self.recorder.end(record)

    async def _operate(
        self, scope: Scope, accept: bytes, receive: Receive, send: Send, record: OperationRecord
    ) -> None:
        headers: Headers = scope["headers"]
        media_type = answer_type(accept)
        caller: Caller | None = None
        more_headers: Sequence[tuple[bytes, bytes]] = ()
        try:
            _check_method(scope["method"])
            if media_type is None:
                raise HttpRefusal(406, f"Answers come as {RESPONSE_JSON} or as {LEGACY_JSON}.")
            caller = self.identify(headers)
            record.tenant, record.request_id = caller.tenant, caller.request_id
            self.recorder.trace(record, caller.traceparent, caller.tracestate)
            if scope["method"] == "GET":
                request = request_in_address(scope["query_string"])
            else:
                request = await request_in_body(headers, receive, max_bytes=self.max_body_bytes)
            well_formed, answer = await self.operations.answer(
                request, caller, scope["method"], accept, receive, record
            )
            if isinstance(answer, Parts):
                await self._send_parts(answer, caller, receive, send, record)
                return
            # Clients of plain JSON take any other status for a failure of the transport.
            status = 200 if well_formed or media_type == LEGACY_JSON else 400
            body = _encode(answer)
            record.complete(well_formed, answer.get("errors", ()))
        except ClientDisconnected:
            return
        except Exception as error:
            status, reason, more_headers = _refused(error)
            request_id = caller.request_id if caller else request_id_from_headers(headers)
            told = refusal(reason, request_id)
            body = _encode({"errors": [told]})
            record.request_id = request_id
            record.refuse(status, told)
        else:
            request_id = caller.request_id
        record.end()
        if self.recorder.server_timing:
            more_headers = (*more_headers, (b"server-timing", server_timing(record)))
        await _send(
            send,
            status,
            (media_type or LEGACY_JSON).encode(),
            body,
            (b"x-okapi-request-id", request_id.encode()),
            *more_headers,
        )
        self.running_mutations.answered()

    async def _send_parts(
        self, parts: Parts, caller: Caller, receive: Receive, send: Send, record: OperationRecord
    ) -> None:
        """Send an answer part by part. A client that hangs up stops the rest; an act is done by then."""
        written = PartWriter(caller.request_id)
        body = OPENING + enclosed(_encode(written.first(parts.first)))
        await _begin(
            send,
            200,
            MEDIA_TYPE,
            (b"x-okapi-request-id", caller.request_id.encode()),
            (b"x-accel-buffering", b"no"),  # proxies that know it pass each part on at once
        )
        gone = asyncio.create_task(wait_for_disconnect(receive))
        try:
            more = True
            while more:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                following: Awaitable[Any] = unless(gone, anext(parts.others, None))
                if parts.operation.act is not None:
                    following = self.running_mutations.finish(
                        following, parts.operation.act, caller.request_id
                    )
                part = await following
                more = part is not None and part.has_next
                body = b"" if part is None else enclosed(_encode(written.next(part)))
        except ClientDisconnected:
            return
        except Exception as error:  # the status is sent: what remains is to say that the rest will not come
            told = refusal(error, caller.request_id)
            written.problems.append(told)
            body = enclosed(_encode({"errors": [told], "hasNext": False}))
        finally:
            gone.cancel()
            await parts.others.aclose()
        record.complete(True, written.problems)
        record.end()
        await send({"type": "http.response.body", "body": body + CLOSING})
        self.running_mutations.answered()


def _opens_graphiql(scope: Scope, accept: bytes) -> bool:
    if scope["method"] != "GET" or not prefers_html(accept):
        return False
    return not names_document(scope["query_string"])


def _check_method(method: str) -> None:
    if method not in ("GET", "POST"):
        raise HttpRefusal(405, "GraphQL is served by GET and by POST.", (b"allow", b"GET, POST"))


def _refused(error: Exception) -> tuple[int, Exception, Sequence[tuple[bytes, bytes]]]:
    if isinstance(error, HttpRefusal):
        return error.status, error.error, error.headers
    if isinstance(error, RateLimited):
        # For clients of plain JSON too: it is about the caller, not the document, and proxies know this code.
        return 429, error, ((b"retry-after", b"%d" % (error.retry_after or 1)),)
    return 400 if isinstance(error, GatewayError) else 500, error, ()


async def _send(
    send: Send, status: int, media_type: bytes, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await _begin(send, status, media_type + b"; charset=utf-8", length, *headers)
    await send({"type": "http.response.body", "body": body})


async def _begin(send: Send, status: int, content_type: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"cache-control", b"no-store"),
                (b"vary", b"Accept"),
                (b"x-content-type-options", b"nosniff"),
                *headers,
            ],
        }
    )
