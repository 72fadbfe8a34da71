"""The client of one upstream for one caller: their headers and tenant, deadline, and record of calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, TypeVar
from urllib.parse import quote

import msgspec

from gateway import errors
from gateway.errors import ErrorCode
from gateway.observability.operation import CANCELLED, LOCKED, SUCCESS, Call, OperationRecord
from gateway.upstream.budget import LARGE_BODY, OperationBudget
from gateway.upstream.client import Client, Deadline, NotConfigured
from gateway.upstream.past_write import PastWrite
from gateway.upstream.record_types import (
    Record,
    decode_large_object,
    decode_object,
    invalid_value_in,
    rows_of,
)
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write, WriteTarget, not_served, outcome_unknown
from gateway.upstream.transport.exchange import Headers, UpstreamResponse

T = TypeVar("T")

HAS_ID: Mapping[str, type] = {"id": str}
_TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_KEY_SEPARATOR = '" or "'  # most of the characters to encode in the queries of loaders
_ENCODED_SEPARATOR = quote(_KEY_SEPARATOR, safe="")
_CQL_ENCODING = tuple((text, quote(text, safe="")) for text in '%" ()=/')


def percent_encode(text: str) -> str:
    """Encode a value of a query string, as `quote` with nothing safe; faster if there are keys in it."""
    first, *keys = text.split(_KEY_SEPARATOR)
    if len(keys) > 1 and _is_unreserved("".join(keys[:-1])):
        return _ENCODED_SEPARATOR.join([_encode_cql(first), *keys[:-1], _encode_cql(keys[-1])])
    return _encode_cql(text)


def _encode_cql(text: str) -> str:
    encoded = text
    for part, code in _CQL_ENCODING:
        encoded = encoded.replace(part, code)
    return encoded if _is_unreserved(encoded.replace("%", "")) else quote(text, safe="")


def _is_unreserved(text: str) -> bool:
    return text.isascii() and not text.encode("ascii").translate(None, _UNRESERVED)


def encode_query(query: Mapping[str, str]) -> str:
    """Encode a query string."""
    return "&".join(f"{name}={percent_encode(value)}" for name, value in query.items())


def encode_segment(value: str) -> str:
    """Encode one path segment. Raises `BadUserInput` for dots that walk up a path, which httpx resolves."""
    if value in ("", ".", ".."):
        raise errors.BadUserInput("An id must not be empty, '.' or '..'.")
    return quote(value, safe="")


def keys_in(body: Record, *names: str) -> dict[str, str]:
    """Return the caller's own keys that are present in the body of a write."""
    return {name: body[name] for name in names if name in body}


def _has_id(record: Record, key: str | None = None) -> bool:
    """Return False if a record says that its id is another one. FOLIO matches ids in any case."""
    id = record.get("id")
    return key is None or not isinstance(id, str) or id.lower() == key.lower()


class CallerClient:
    """A client that sends the headers of one caller; lives as long as one operation."""

    __slots__ = (
        "_budget",
        "_client",
        "_deadline",
        "_headers",
        "_tenant",
        "_token_expires",
        "base_path",
        "name",
        "operation",
        "path",
    )

    def __init__(
        self,
        client: Client | NotConfigured,
        headers: Sequence[tuple[str, str]],
        tenant: str | None = None,
        deadline: Deadline | None = None,
        operation: OperationRecord | None = None,
        path: str = "",
        token_expires: float | None = None,
        budget: OperationBudget | None = None,
    ) -> None:
        """`path` is the encoded prefix of every path; it is no part of route templates.

        From `token_expires` on, in seconds since 1970, nothing is sent: every call raises `Unauthenticated`.
        """
        self._client = client
        self._headers = headers
        self._tenant = tenant
        self._token_expires = token_expires
        self._deadline = deadline
        self._budget = budget
        self.operation = operation or OperationRecord()
        self.path = path
        self.name = client.name
        self.base_path = client.base_path

    def path_of(self, route: Route, keys: tuple[str, ...] = ()) -> str:
        """Return the path of a route below the base URL, with these values of its parameters."""
        return self.path + route.pattern % tuple(map(encode_segment, keys))

    async def read_record(self, route: Route, *keys: str) -> Record | None:
        """Return the record at this path, whose last key is its id; None if upstream responds with 404.

        Raises `UpstreamBadResponse` for another record: it would be shown, or written back, in the place of
        this one.
        """
        try:
            record = decode_object((await self.read_response(route, "", *keys)).body)
        except errors.NotFound:
            return None
        if record is None or not _has_id(record, *keys[-1:]):
            raise self.bad_shape()
        return record

    async def read_by_post(
        self, route: Route, body: Record, *keys: str, expected: frozenset[int] = frozenset()
    ) -> Record | None:
        """Return the JSON object in the response to a body, for a route that changes nothing.

        The statuses in `expected` are responses like a 2xx. None if upstream responds with 404.
        """
        content = msgspec.json.encode(body)
        try:
            response = await self.read_response(route, "", *keys, expected=expected, content=content)
        except errors.NotFound:
            return None
        record = decode_object(response.body)
        if record is None:
            raise self.bad_shape()
        return record

    async def read_object(self, route: Route, query: Mapping[str, str], *keys: str) -> Record:
        """Return the JSON object of a read with parameters."""
        body = (await self.read(route, encode_query(query), *keys)).body
        excess = self.count_objects(body, as_dictionaries=True)
        record: Record | None = None
        if excess is None:
            record = await decode_large_object(body) if len(body) > LARGE_BODY else decode_object(body)
        del body  # which the frame of an error would hold
        if excess is not None:
            raise excess
        if record is None:
            raise self.bad_shape()
        return record

    async def read_list(self, route: Route, member: str, *keys: str) -> list[Record]:
        """Return the records in a member of the response, for lists that upstream never pages.

        Raises `UpstreamBadResponse` if the response has fewer than its total says.
        """
        page = await self.read_object(route, {}, *keys)
        records = rows_of(page.get(member))
        if records is None:
            raise self.bad_shape()
        self.check_complete(page, records)
        return records

    def count_objects(self, body: bytes, *, as_dictionaries: bool) -> errors.LimitExceeded | None:
        """Count the objects of a body that is large. Return the error if there are too many to decode it."""
        if len(body) <= LARGE_BODY or self._budget is None:
            return None
        return self._budget.hold_objects(body, as_dictionaries=as_dictionaries)

    def check_complete(self, page: Record, records: Sequence[Record]) -> None:
        """Check a list that is not read on. Raises `UpstreamBadResponse` if its total says it goes on."""
        total = page.get("totalRecords")
        if type(total) is int and total > len(records):
            raise self.incomplete()

    def incomplete(self) -> errors.UpstreamBadResponse:
        """Return the error for records that are missing although the total of upstream includes them."""
        return errors.UpstreamBadResponse(
            f"{self.name} sent fewer records than its total says.", upstream=self.name
        )

    async def read(self, route: Route, query: str, *keys: str) -> UpstreamResponse:
        """Return the response to a read that names no record, so that a 404 is about the route."""
        try:
            return await self.read_response(route, query, *keys)
        except errors.NotFound as problem:
            raise not_served(self.name, 404) from problem

    async def read_response(
        self,
        route: Route,
        query: str,
        *keys: str,
        expected: frozenset[int] = frozenset(),
        content: bytes | None = None,
    ) -> UpstreamResponse:
        """Return the response to a read; the statuses in `expected` are returned like a 2xx.

        `content` is the JSON that a route which reads by POST takes.
        """
        path = self.path_of(route, keys)
        self._require_valid_token()
        budget = self._budget
        if budget is not None:
            budget.calls += 1
            if budget.calls > budget.max_calls or budget.bytes > budget.max_bytes:
                raise budget.read_error()
        with Call(self.operation, self.name, route.method, route.template) as call:
            traced = call.trace_headers
            headers = self._headers if traced is None else self._with_trace(traced)
            response = await self._client.read(
                route.family,
                path,
                query,
                headers,
                expected,
                self._tenant,
                self._deadline,
                budget,
                content,
            )
            call.status = response.status
        self.operation.received += len(response.content)
        return response

    async def write(
        self,
        write: Write,
        route: Route,
        body: object,
        *keys: str,
        expected: frozenset[int] = frozenset(),
    ) -> UpstreamResponse:
        """Send a write once and return its response; the outcome is recorded and logged.

        The statuses in `expected` are returned like a 2xx. Raises as `Client.write`.
        """
        target = WriteTarget(
            method=route.method,
            path=self.path_of(route, keys),
            family=route.family,
            base_path=self.base_path,
            permission=route.permission,
            token_expires=self._token_expires,
        )
        record = partial(self.operation.record_mutation, write.operation, self.name)
        try:
            self._require_valid_token()
            with Call(self.operation, self.name, route.method, route.template) as call:
                traced = call.trace_headers
                headers = self._headers if traced is None else self._with_trace(traced)
                response = await self._client.write(
                    write, target, body, headers, expected, self._tenant, self._deadline, self._budget
                )
                call.status = response.status
        except errors.GatewayError as problem:
            record(problem.code, problem.status)
            raise
        except asyncio.CancelledError:
            record(CANCELLED)
            raise
        except Exception:
            record(ErrorCode.INTERNAL_ERROR)
            raise
        else:
            record(LOCKED if response.status == 409 else SUCCESS, response.status)
            return response
        finally:
            deadline = self._deadline
            if deadline is not None:  # a new one for the links below the result
                deadline.ends = deadline.clock() + deadline.seconds

    async def write_for_record(
        self,
        write: Write,
        route: Route,
        body: object,
        *keys: str,
        proof: Mapping[str, type] = HAS_ID,
        mark: str | None = None,
    ) -> Record:
        """Send a write whose success is one JSON object, and return the object.

        It proves success only if it has one of the members of `proof`, of that type and not empty. `mark` is
        a member to add to it, as in `Collection`.
        """
        response = await self.write(write, route, body, *keys)
        record = decode_object(response.body) or {}
        for name, kind in proof.items():
            if type(record.get(name)) is kind and record[name]:
                if mark is not None:
                    record[mark] = True
                return record
        sent_at = response.sent_at
        del response, record  # an error holds the frames that it passes, and these their locals
        raise self._unproven(write, sent_at)

    async def write_without_record(self, write: Write, route: Route, body: object, *keys: str) -> None:
        """Send a write whose success is a bare 201 or 204: a proxy's page in its place proves nothing."""
        await self.write_and_decode(
            write, route, body, *keys, decode=lambda response: response.status in (201, 204) or None
        )

    async def replace_record(self, write: Write, route: Route, record: Record, *keys: str) -> None:
        """Send a record that was read before, with its changes. Its success is as of `write_without_record`.

        Raises `UpstreamBadResponse`, before anything is sent, if the record has a value that JSON cannot
        have: it would be lost.
        """
        if invalid_value_in(record) is not None:
            raise errors.UpstreamBadResponse(
                f"{self.name} sent a record with a value that cannot be sent back; nothing was sent.",
                upstream=self.name,
            )
        await self.write_without_record(write, route, record, *keys)

    async def write_and_decode(
        self,
        write: Write,
        route: Route,
        body: object,
        *keys: str,
        decode: Callable[[UpstreamResponse], T | None],
        expected: frozenset[int] = frozenset(),
    ) -> T:
        """Send a write once and return its decoded response.

        Raises as `write`, and `OutcomeUnknown` if `decode` returns None: the response proves nothing.
        """
        response = await self.write(write, route, body, *keys, expected=expected)
        result = decode(response)
        if result is None:
            sent_at = response.sent_at
            del response  # an error holds the frames that it passes, and these their locals
            raise self._unproven(write, sent_at)
        return result

    def _unproven(self, write: Write, sent_at: datetime) -> errors.OutcomeUnknown:
        self.operation.mutation_unreadable()
        return outcome_unknown(self.name, write, sent_at)

    def bad_shape(self) -> errors.UpstreamBadResponse:
        return errors.UpstreamBadResponse(
            f"{self.name} sent a response of an unexpected shape.", upstream=self.name
        )

    def _require_valid_token(self) -> None:
        if self._token_expires is not None and time.time() >= self._token_expires:
            raise errors.Unauthenticated("The token has expired; nothing was sent.", upstream=self.name)

    def _with_trace(self, trace_headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        forwarded = (header for header in self._headers if header[0] not in _TRACE_CONTEXT)
        return Headers((*forwarded, *trace_headers))


class LookUpClient(CallerClient):
    """A client for the look-up of a write that was sent: it compares clocks, and it sends no writes."""

    __slots__ = ("_past_write",)

    def __init__(self, client: CallerClient, past_write: PastWrite) -> None:
        """Create a client for the same caller and upstream as another."""
        for name in CallerClient.__slots__:
            setattr(self, name, getattr(client, name))
        self._past_write = past_write

    async def read_response(
        self,
        route: Route,
        query: str,
        *keys: str,
        expected: frozenset[int] = frozenset(),
        content: bytes | None = None,
    ) -> UpstreamResponse:
        requested = time.time()
        response = await super().read_response(route, query, *keys, expected=expected, content=content)
        self._past_write.clock_offset.observe(requested, time.time(), response.headers.get("date"))
        return response

    async def write(
        self,
        write: Write,
        route: Route,
        body: object,
        *keys: str,
        expected: frozenset[int] = frozenset(),
    ) -> UpstreamResponse:
        """Raise `OutcomeUnknown`: the write was sent before, or was about to be, and is never sent again."""
        raise outcome_unknown(self.name, write, self._past_write.sent_at)


class Service:
    """The REST API of one upstream module for one caller: a method, collection or `Route` for each call."""

    upstream: ClassVar[str] = "folio"

    def __init__(self, client: CallerClient) -> None:
        self._client = client
