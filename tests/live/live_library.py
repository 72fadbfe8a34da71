"""Subscriptions to the embedded library, whose events reach them as those of FOLIO do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from gateway.app import create_documents
from gateway.context import ContextFactory, ShutdownState
from gateway.engine.operations import Operations
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.rate_limit import RateLimit
from gateway.engine.request import GraphQLRequest
from gateway.engine.response_body import GraphQLResponse, encode
from gateway.engine.subscriptions import SubscriptionResponse, Subscriptions
from gateway.graph import schema
from gateway.identity import Caller, PolarisIdentity
from gateway.live.changes import Changes
from gateway.live.folio_events import changes_of
from gateway.observability.operation import OperationRecord, Recorder
from gateway.sandbox import Event, Sandbox, create_sandbox
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import in_process_transport
from tests.store_server import PATIENCE

Json = Any  # a result is JSON of the shape that each test expects

MERGING = 0.02  # seconds
REREAD = 0.01
POLLING = 0.02


class Result(NamedTuple):
    """A result of a stream, its response as JSON."""

    id: str | None
    response: Json

    @property
    def data(self) -> Json:
        assert "errors" not in self.response, self.response["errors"]
        return self.response["data"]

    @property
    def codes(self) -> list[str]:
        return [each["extensions"]["code"] for each in self.response.get("errors", ())]


class StreamEnded(Exception):
    """A stream that has no further result."""


class Stream:
    """An open subscription."""

    def __init__(self, response: SubscriptionResponse, tasks: list[asyncio.Task[Result]]) -> None:
        self.response = response
        self._tasks = tasks

    async def next(self) -> Result:
        """Return the next result. Raises `StreamEnded`."""
        try:
            async with asyncio.timeout(PATIENCE):
                id, response = await anext(self.response)
        except StopAsyncIteration:
            raise StreamEnded from None
        return Result(id, msgspec.json.decode(encode(response)))

    async def begin(self) -> asyncio.Task[Result]:
        """Start to wait for the next result, and return when the stream has begun and is idle."""
        task = asyncio.create_task(self.next())
        self._tasks.append(task)
        await idle(task)
        return task

    async def has_ended(self) -> bool:
        """Wait for the next result. Return True if there is none."""
        try:
            await self.next()
        except StreamEnded:
            return True
        return False


async def idle(*tasks: asyncio.Task[Any]) -> bool:
    """Wait until the calls that are being made have ended. Return True if none of the tasks is done."""
    for _ in range(50):
        await asyncio.sleep(0)
    return not any(task.done() for task in tasks)


class LiveLibrary:
    """The embedded library, and subscriptions to it at the level of the engine."""

    def __init__(
        self, operations: Operations, sandbox: Sandbox, changes: Changes, records: list[OperationRecord]
    ) -> None:
        self.operations = operations
        self.sandbox = sandbox
        self.changes = changes
        self.library = sandbox.library("diku")
        self.summary = sandbox.summary()
        self.records = records  # of the results that were executed
        self.tasks: list[asyncio.Task[Result]] = []  # that wait for results

    def publish(self, event: Event) -> None:
        for change in changes_of(event.topic, event.key, event.value, event.tenant, event.timestamp):
            self.changes.publish(change)

    def update(self, collection: str, key: str, **members: Json) -> None:
        """Change a record as its module does, which publishes the event."""
        with self.sandbox.changes("diku"):
            record = getattr(self.library, collection)[key]
            record |= members
            record["metadata"] = record.get("metadata", {}) | {"updatedDate": self.library.now()}

    def delete(self, collection: str, key: str) -> None:
        with self.sandbox.changes("diku"):
            del getattr(self.library, collection)[key]

    async def execute(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        *,
        user: str | None = None,
        token: str | None = None,
        tenant: str = "diku",
        operation_name: str | None = None,
        event_stream: bool = True,
        resume_after: str | None = None,
        request_id: str = "7/graphql",
        polaris: PolarisIdentity | None = None,
    ) -> Any:
        """Execute an operation with the token of a seeded user. Any: a response of any kind."""
        request = GraphQLRequest(
            query=query, variables=msgspec.Raw(encode(variables or {})), operationName=operation_name
        )
        token = self.summary.staff_tokens[user] if user is not None else token
        caller = Caller(
            tenant=tenant, token=token, request_id=request_id, polaris=polaris, last_event_id=resume_after
        )
        return await self.operations.execute(
            request,
            caller,
            OperationRecord(),
            allow_mutations=True,
            incremental=False,
            event_stream=event_stream,
        )

    async def subscribe(
        self, query: str, variables: Mapping[str, Json] | None = None, **options: Json
    ) -> Stream:
        response = await self.execute(query, variables, **options)
        assert isinstance(response, SubscriptionResponse), response
        return Stream(response, self.tasks)

    async def refused(self, query: str, variables: Mapping[str, Json] | None = None) -> list[Json]:
        """Return the errors of a subscription that is refused before anything is read."""
        response = await self.execute(query, variables)
        assert isinstance(response, GraphQLResponse)
        assert self.calls() == []
        errors: list[Json] = msgspec.json.decode(encode(response))["errors"]
        return errors

    async def mutate(self, query: str, **options: Json) -> Json:
        response = await self.execute(query, **options)
        decoded = msgspec.json.decode(encode(response))
        assert "errors" not in decoded, decoded["errors"]
        return decoded["data"]

    def calls(self) -> list[str]:
        """Return the upstream calls since this was called last."""
        calls = [
            f"{each.method} {each.path}" + (f"?{each.query['query']}" if "query" in each.query else "")
            for each in self.sandbox.calls
        ]
        self.sandbox.calls.clear()
        return calls


class KeptRecords(Recorder):
    """The records of the results that were executed."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[OperationRecord] = []

    def end_result(self, operation: OperationRecord) -> None:
        super().end_result(operation)
        self.results.append(operation)


@asynccontextmanager
async def live_library(
    *,
    execution: str = "plan",
    rate_limit: RateLimit | None = None,
    sandbox: Sandbox | None = None,
    **given: Json,
) -> AsyncIterator[LiveLibrary]:
    """Open the embedded library. Changes are merged for a short time, and records read again after one."""
    settings = Settings(sandbox=True, execution=execution, look_up_timeout=0, **given)
    sandbox = sandbox or create_sandbox()
    changes = Changes(merge_seconds=MERGING)
    services = Services(settings, lambda limits: in_process_transport(sandbox))
    recorder = KeptRecords()
    subscriptions = Subscriptions(
        changes,
        rate_limit=rate_limit,
        reread_seconds=REREAD,
        poll_seconds=POLLING,
        max_response_bytes=settings.max_response_bytes,
        max_records=settings.max_records,
        recorder=recorder,
    )
    operations = Operations(
        create_documents(settings),
        ContextFactory(services, limits=settings, upstream=settings, stopping=ShutdownState()),
        plans=PlanExecutor(schema) if settings.execution == "plan" else None,
        rate_limit=rate_limit,
        subscriptions=subscriptions,
    )
    live = LiveLibrary(operations, sandbox, changes, recorder.results)
    changes.start(0)

    sandbox.publish = live.publish
    sandbox.calls.clear()
    try:
        yield live
    finally:
        for task in live.tasks:
            task.cancel()
        await asyncio.gather(*live.tasks, return_exceptions=True)
        changes.close()
        await services.aclose()
