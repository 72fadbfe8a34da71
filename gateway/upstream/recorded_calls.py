"""The upstream calls of one operation in detail, for a caller who wants to see them."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from time import perf_counter
from typing import Any, NamedTuple

from gateway.errors import GatewayError
from gateway.observability.operation import OperationRecord, UpstreamCall
from gateway.upstream.caller import CallerClient
from gateway.upstream.routes import Route
from gateway.upstream.services import Upstream
from gateway.upstream.statuses import Write
from gateway.upstream.transport.exchange import UpstreamResponse

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class SentCall(NamedTuple):
    """One upstream call: `started` in seconds after the operation, and the number of UUIDs in its query.

    `status` is None if there was no response.
    """

    call: UpstreamCall
    status: int | None
    started: float
    keys: int | None


class Recording:
    """The upstream calls of one operation, and the counts of its loaders by their names."""

    def __init__(self) -> None:
        self.calls: list[SentCall] = []
        self.loaders: dict[str, OperationRecord] = {}

    async def record(
        self, operation: OperationRecord, sending: Awaitable[UpstreamResponse], query: str = ""
    ) -> UpstreamResponse:
        """Await a call and add it, unless it is refused before it is recorded in the operation."""
        before, status = len(operation.calls), None
        try:
            response = await sending
            status = response.status
        except GatewayError as error:
            status = error.status
            raise
        finally:
            # The record of a call is complete as soon as the call is, without a turn of the event loop.
            if len(operation.calls) > before:
                call = operation.calls[-1]
                started = perf_counter() - call.seconds - operation.started
                self.calls.append(SentCall(call, status, started, len(_ID.findall(query)) or None))
        return response


class RecordedClient(CallerClient):
    """A client whose calls are recorded. Another one sends them."""

    def __init__(self, client: CallerClient, recording: Recording) -> None:
        for name in CallerClient.__slots__:
            setattr(self, name, getattr(client, name))
        self.client = client
        self.recording = recording

    async def read_response(self, route: Route, query: str, *keys: str, **options: Any) -> UpstreamResponse:
        sending = self.client.read_response(route, query, *keys, **options)
        return await self.recording.record(self.operation, sending, query)

    async def write(
        self, write: Write, route: Route, body: object, *keys: str, **options: Any
    ) -> UpstreamResponse:
        sending = self.client.write(write, route, body, *keys, **options)
        return await self.recording.record(self.operation, sending)


class RecordedServices(Upstream):
    """The services for one caller, whose calls are recorded."""

    def __init__(self, upstream: Upstream, recording: Recording | None = None) -> None:
        """Create the services for the same operation as others, before these have sent anything."""
        super().__init__(upstream._services, upstream._caller, upstream.operation, upstream.budget)
        self.deadline = upstream.deadline
        self.recording = recording or Recording()

    def _again(self) -> Upstream:
        return RecordedServices(self, self.recording)

    def _client(self, *arguments: Any, **options: Any) -> CallerClient:  # Any: those of other services
        return RecordedClient(super()._client(*arguments, **options), self.recording)
