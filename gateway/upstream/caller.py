"""A client in one caller's name: the forms in which the services ask and act."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from gateway import errors
from gateway.observability import mutations as acts
from gateway.observability.operation import Call, OperationRecord
from gateway.upstream.client import Client, NotConfigured
from gateway.upstream.deadline import Deadline
from gateway.upstream.request_target import encoded
from gateway.upstream.response import Record, UpstreamResponse, decoded
from gateway.upstream.route_templates import template_of
from gateway.upstream.statuses import not_served, outcome_unknown
from gateway.upstream.transport.exchange import Headers
from gateway.upstream.write import Write

HAS_ID: Mapping[str, type] = {"id": str}
_TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})


class CallerClient:
    """A client that asks in one caller's name; lives as long as one operation."""

    __slots__ = ("_client", "_deadline", "_headers", "_tenant", "operation")

    def __init__(
        self,
        client: Client | NotConfigured,
        headers: Sequence[tuple[str, str]],
        tenant: str | None = None,
        deadline: Deadline | None = None,
        operation: OperationRecord | None = None,
    ) -> None:
        self._client = client
        self._headers = headers
        self._tenant = tenant
        self._deadline = deadline
        self.operation = operation or OperationRecord()

    @property
    def name(self) -> str:
        return self._client.name

    @property
    def base_path(self) -> str:
        return self._client.base_path

    async def one(self, path: str) -> Record | None:
        """The record at this path; None where upstream says 404."""
        try:
            return self._record((await self._get(path, "")).body)
        except errors.NotFound:
            return None

    async def question(self, path: str, query: Mapping[str, str]) -> Record:
        """One JSON object that a question with parameters gives."""
        return self._record((await self.asked(path, encoded(query))).body)

    async def asked(self, path: str, query: str) -> UpstreamResponse:
        """The answer to a question that names no record, so that a 404 is about the question."""
        try:
            return await self._get(path, query)
        except errors.NotFound as problem:
            raise not_served(self.name, 404) from problem

    async def _get(self, path: str, query: str, expected: frozenset[int] = frozenset()) -> UpstreamResponse:
        with self.operation.call(self.name, "GET", template_of(path)) as call:
            headers = self._headers_of(call)
            answer = await self._client.get(path, query, headers, expected, self._tenant, self._deadline)
            call.answered(answer.status)
        return answer

    def _headers_of(self, call: Call) -> Sequence[tuple[str, str]]:
        own = call.trace_headers
        if own is None:
            return self._headers
        given = (header for header in self._headers if header[0] not in _TRACE_CONTEXT)
        return Headers((*given, *own))

    async def list_of(self, path: str, key: str) -> list[Record]:
        """A list that upstream never pages, whole."""
        body = await self.question(path, {})
        records = body.get(key)
        if not isinstance(records, list) or any(type(record) is not dict for record in records):
            raise self.bad_shape()
        return records

    async def answer(self, path: str, query: Mapping[str, str], expected: frozenset[int]) -> UpstreamResponse:
        """The answer as it is, for services whose statuses mean more than HTTP says."""
        return await self._get(path, encoded(query), expected)

    async def act(
        self,
        act: Write,
        method: Literal["POST", "PUT", "DELETE"],
        path: str,
        body: object,
        expected: frozenset[int] = frozenset(),
    ) -> UpstreamResponse:
        noted = partial(self.operation.act, act.operation, self.name)
        try:
            with self.operation.call(self.name, method, template_of(path)) as call:
                headers = self._headers_of(call)
                answer = await self._client.act(act, method, path, body, headers, expected, self._tenant)
                call.answered(answer.status)
        except errors.GatewayError as problem:
            noted(problem.code, problem.status)
            raise
        except asyncio.CancelledError:
            noted(acts.CANCELLED)
            raise
        except Exception:
            noted(acts.INTERNAL_ERROR)
            raise
        else:
            noted(acts.LOCKED if answer.status == 409 else acts.SUCCESS, answer.status)
            return answer
        finally:
            if self._deadline is not None:
                self._deadline.renew()  # for the links below the answer

    async def write_for_record(
        self, act: Write, path: str, body: object, *, proof: Mapping[str, type] = HAS_ID
    ) -> Record:
        """Post an act whose success is one JSON object.

        It proves nothing unless it has one of the members of `proof`, of that type and not empty.
        """
        answer = await self.act(act, "POST", path, body)
        record = decoded(answer.body)
        if not isinstance(record, dict):
            raise self.unreadable(act, answer)
        if not any(type(record.get(name)) is kind and record[name] for name, kind in proof.items()):
            raise self.unreadable(act, answer)
        return record

    async def write_without_record(
        self, act: Write, method: Literal["POST", "PUT"], path: str, body: object
    ) -> None:
        """Send an act whose success is a bare 201 or 204: the page of a proxy in its place tells nothing."""
        answer = await self.act(act, method, path, body)
        if answer.status not in (201, 204):
            raise self.unreadable(act, answer)

    def unreadable(self, act: Write, answer: UpstreamResponse) -> errors.OutcomeUnknown:
        """The error for an act whose 2xx answer cannot be read."""
        self.operation.act_unreadable()
        return outcome_unknown(self.name, act, answer.sent_at)

    def _record(self, body: bytes) -> Record:
        record = decoded(body)
        if not isinstance(record, dict):
            raise self.bad_shape()
        return record

    def bad_shape(self) -> errors.UpstreamBadResponse:
        return errors.UpstreamBadResponse(f"{self.name} sent an answer of another shape.", upstream=self.name)
