"""Execution of subscriptions: a result for each change, by the plan of the operation as that of a query.

A change says which record has changed. It is read with the token of the subscriber, and its result is made
from that: upstream decides each time what they may see. Streams that are identical, up to the token, read and
execute each change once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec
from graphql import ExecutionResult, GraphQLSchema, VariableValues, located_error
from msgspec import UNSET

from gateway import errors
from gateway.context import Context
from gateway.engine.core import collect_fields
from gateway.engine.documents import SubscriptionOperation
from gateway.engine.error_masking import mask_errors
from gateway.engine.plans.plan import FieldPlan
from gateway.engine.polls import POLL_SECONDS, Polls
from gateway.engine.rate_limit import RateLimit
from gateway.engine.response_body import LARGE, LARGE_RESULT, GraphQLResponse, encode, encode_in_pieces
from gateway.fields.selection import Document, analyze_selection
from gateway.fields.subscription import SubscriptionField
from gateway.identity import Caller
from gateway.live.changes import Change, Changes, ChangeStream, Watch, resync_of
from gateway.live.resume import ResumePoint, bind
from gateway.loaders import Loaders
from gateway.observability.counters import ProcessCounter
from gateway.observability.operation import OperationRecord, Recorder

REREAD_SECONDS = 0.3  # until a record is read once more that was older than its change
KEPT_SECONDS = 1.0  # for which the result of a change is kept for streams that come to it later
MAX_KNOWN = 10_000  # records of identical streams that are known to have been read

RESYNCS = ProcessCounter(
    "gateway_subscription_resyncs", "Results that say that changes may have been missed."
)

Json: TypeAlias = Any  # the value of a result


class EventStreamRequired(Exception):
    """A subscription in a request that accepts no event stream. Nothing was read."""


class SubscriptionResult(NamedTuple):
    """One result of a stream. `id` is the point after which another stream goes on, None at the end."""

    id: str | None
    response: GraphQLResponse


class Engine(Protocol):
    """Executes the operation for one result."""

    @property
    def new_context(self) -> Callable[[Caller, OperationRecord], Any]:
        """The function that returns the context of an operation. Any: a `Context`."""

    def start(self, operation: SubscriptionOperation, variables: VariableValues, context: Context) -> Any:
        """Execute an operation. Any: a result, or an awaitable of one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subscription:
    """A subscription that is executed for each change of what it watches. `root` is its only field."""

    caller: Caller
    operation: SubscriptionOperation
    variables: VariableValues
    calls: int  # estimated for each result
    root: FieldPlan
    watch: Watch

    @property
    def field(self) -> SubscriptionField:
        field: SubscriptionField = self.root.declaration
        return field

    @property
    def text(self) -> str:
        node = self.operation.node
        assert node.loc is not None  # noqa: S101 - documents are parsed with locations
        return node.loc.source.body


def root_of(schema: GraphQLSchema, operation: SubscriptionOperation, variables: VariableValues) -> FieldPlan:
    """Return the only field of a valid subscription."""
    kind = schema.subscription_type
    assert kind is not None  # noqa: S101 - the document is valid
    collected = collect_fields(schema, operation.fragments, variables, kind, operation.node)
    (details,) = collected.grouped_field_set.values()
    nodes = [each.node for each in details]
    field = kind.fields[nodes[0].name.value]
    root = FieldPlan(parent_type=kind, field=field, nodes=nodes)
    document = Document(operation.fragment_definitions, variables.coerced)
    root.selected = analyze_selection(root.declaration, field, nodes, document)
    return root


class Outcome(NamedTuple):
    """The outcome of one change: a response, None if the client learns nothing of it.

    `is_read` if the record was read, so that the ids of results may say that the change was sent: they must
    not show a record that the caller may not see, and one that could not be read is to be sent again.
    """

    response: GraphQLResponse | None
    is_last: bool = False
    is_read: bool = False


class Subscriptions:
    """The streams of this process over the changes that it learns of."""

    def __init__(
        self,
        changes: Changes,
        *,
        rate_limit: RateLimit | None = None,
        recorder: Recorder | None = None,
        reread_seconds: float = REREAD_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        max_response_bytes: int = 50_000_000,
        max_records: int = 300_000,
    ) -> None:
        self.changes = changes
        self.rate_limit = rate_limit
        self.recorder = recorder or Recorder()
        self.reread_seconds = reread_seconds
        self.polls = Polls(poll_seconds)
        self.max_response_bytes = max_response_bytes
        self.max_records = max_records
        self._shared: dict[Hashable, SharedExecution] = {}

    def open(
        self, engine: Engine, subscription: Subscription, resume_after: str | None
    ) -> SubscriptionResponse:
        """Return the response to a subscription, which is to be closed. Nothing is read before its iteration.

        `resume_after` is the id of the last result that the client has received in another stream.
        """
        caller, name = subscription.caller, subscription.operation.name
        # All that a result may depend on. Variables are those that the operation declares.
        variables = msgspec.json.encode(subscription.variables.coerced, enc_hook=repr, order="deterministic")
        identity = (caller.tenant, caller.token, caller.polaris, caller.accept_language)
        key = (*identity, subscription.text, name, variables)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = SharedExecution(self, engine, subscription, key)
        return SubscriptionResponse(shared, resume_after)

    def forget(self, key: Hashable) -> None:
        """Drop an execution that no stream has."""
        self._shared.pop(key, None)

    def __len__(self) -> int:
        return sum(each.streams for each in self._shared.values())


class SharedExecution:
    """The execution of identical streams: each change is read and executed once for all of them."""

    __slots__ = ("_engine", "_key", "_known", "_outcomes", "_owner", "_streams", "binding", "subscription")

    def __init__(
        self, owner: Subscriptions, engine: Engine, subscription: Subscription, key: Hashable
    ) -> None:
        self.subscription = subscription
        self._streams: set[ChangeStream] = set()
        self.binding = bind(subscription.caller.tenant, subscription.text, subscription.operation.name)
        self._owner = owner
        self._engine = engine
        self._key = key
        self._known: dict[str, None] = {}  # the ids of records that were read with this token
        self._outcomes: dict[Change | None, asyncio.Task[Outcome]] = {}

    @property
    def changes(self) -> Changes:
        return self._owner.changes

    @property
    def streams(self) -> int:
        return len(self._streams)

    @property
    def _poll_key(self) -> Hashable:
        """The record that is polled, and the identity that reads it."""
        caller = self.subscription.caller
        return caller.tenant, caller.polaris, self.subscription.watch

    def join(self) -> ChangeStream:
        """Return the changes for one more stream."""
        tenant, watch = self.subscription.caller.tenant, self.subscription.watch
        stream = self.changes.watch(tenant, watch)
        self._streams.add(stream)
        if self.subscription.field.is_polled:
            self._owner.polls.join(self._poll_key, self, tenant, watch)
        return stream

    def leave(self, stream: ChangeStream) -> None:
        """Cancel what is executed for the last stream."""
        self._streams.discard(stream)
        if not self._streams:
            self._owner.forget(self._key)
            if self.subscription.field.is_polled:
                self._owner.polls.leave(self._poll_key, self)
            for task in self._outcomes.values():
                task.cancel()

    def add(self, change: Change) -> None:
        """Add a change to all streams."""
        for stream in tuple(self._streams):
            stream.add(change)

    async def read_watched(self) -> Json:
        """Read the record of the watched key. Raises `GatewayError`."""
        records: list[Json] = []

        async def read(context: Context) -> Outcome:
            field, watch = self.subscription.field, self.subscription.watch
            records.append(await field.read_watched(_loaders(context), watch))
            return Outcome(None)

        await self._in_context(read)
        return records[0]

    async def outcome(self, change: Change | None) -> Outcome:
        """Return the outcome of a change; without one, that of the read at the beginning of a stream."""
        task = self._outcomes.get(change)
        if task is None:
            execution = self._begin() if change is None else self._execute(change)
            task = self._outcomes[change] = asyncio.create_task(execution)
            task.add_done_callback(lambda _: self._keep(change))
        return await asyncio.shield(task)

    def _keep(self, change: Change | None) -> None:
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._outcomes.pop, change, None)

    async def _begin(self) -> Outcome:
        """Read the record of the watched key. The outcome is the last one if it may not be watched."""
        subscription = self.subscription
        field, watch = subscription.field, subscription.watch

        async def read(context: Context) -> Outcome:
            try:
                record = await field.read_watched(_loaders(context), watch)
                if record is None and not field.is_polled:
                    raise errors.NotFound(f"There is no record with this `{watch.key}` to watch.")
            except Exception as error:
                return self._refusal(error)
            if field.is_polled:
                self._owner.polls.observe(self._poll_key, record)
            self._add_known(field.id_in(watch, resync_of("", watch, datetime.now(UTC), 0)))
            return Outcome(None)

        return await self._in_context(read)

    async def _execute(self, change: Change) -> Outcome:
        subscription, owner = self.subscription, self._owner
        limit = owner.rate_limit
        while limit is not None:
            refusal = await limit.check(
                subscription.caller,
                subscription.calls,
                calls_polaris=subscription.operation.calls_polaris,
            )
            if refusal is None:
                break
            await asyncio.sleep(refusal.retry_after or 1)

        async def execute(context: Context) -> Outcome:
            try:
                value = await self._read(context, change)
            except errors.Unauthenticated as error:
                return self._refusal(error)
            if value is None:
                return Outcome(None)
            context = msgspec.structs.replace(context, change=value)
            execution = self._engine.start(subscription.operation, subscription.variables, context)
            try:
                result = execution if isinstance(execution, ExecutionResult) else await execution
            except asyncio.CancelledError:
                context.cancel_loading()
                raise
            finally:
                context.forget_records()
            masked = mask_errors(result.errors, subscription.caller.request_id) if result.errors else UNSET
            response = await self._encode(GraphQLResponse(masked, result.data), context.operation)
            return Outcome(response, is_read=not isinstance(value, Exception))

        return await self._in_context(execute)

    async def _encode(self, response: GraphQLResponse, record: OperationRecord) -> GraphQLResponse:
        """Return a response whose data are encoded once for all streams, within the limits of a query's."""
        if record.received < LARGE and record.result_size < LARGE_RESULT:
            return GraphQLResponse(response.errors, msgspec.Raw(encode(response.data)))
        owner = self._owner
        response, pieces = await encode_in_pieces(
            response, record, max_bytes=owner.max_response_bytes, max_records=owner.max_records
        )
        if len(pieces) == 1:
            return GraphQLResponse(response.errors, msgspec.Raw(encode(response.data)))
        _, *roots, _ = pieces  # without the members around the data
        return GraphQLResponse(response.errors, msgspec.Raw(b"".join((b"{", *roots, b"}"))))

    async def _in_context(self, execute: Callable[[Context], Awaitable[Outcome]]) -> Outcome:
        """Execute in the context of an operation of its own, with its time, its budget and its calls."""
        caller, operation = self.subscription.caller, self.subscription.operation
        recorder = self._owner.recorder
        record = OperationRecord(
            tenant=caller.tenant,
            request_id=caller.request_id,
            kind="subscription",
            name=operation.name,
            aliases=operation.aliases,
            nests_lists=operation.nests_lists,
        )
        recorder.trace(record, caller.traceparent, caller.tracestate)
        try:
            outcome = await execute(self._engine.new_context(caller, record))
            problems = UNSET if outcome.response is None else outcome.response.errors
            record.complete(True, problems or ())
            return outcome
        finally:
            recorder.end_result(record)

    async def _read(self, context: Context, change: Change) -> Json:
        """Return the value of a result, or the error in its place; None if the client learns nothing.

        Raises `Unauthenticated`.
        """
        subscription = self.subscription
        field, watch, selected = subscription.field, subscription.watch, subscription.root.selected
        try:
            record = await field.read(_loaders(context), watch, change, selected)
            if field.is_outdated(watch, change, record):
                await asyncio.sleep(self._owner.reread_seconds)
                record = await field.read(_loaders(context), watch, change, selected)
        except errors.Unauthenticated:
            raise
        except Exception as error:  # raised where the result has the field
            return errors.without_frames(error)
        key = field.id_in(watch, change)
        if not key:
            return field.result(watch, change, record)
        if record is None or change.kind == "deleted":
            if record is None and key not in self._known:
                return None
            self._known.pop(key, None)
            return field.result(watch, msgspec.structs.replace(change, kind="deleted"), None)
        self._add_known(key)
        return field.result(watch, change, record)

    def _add_known(self, key: str) -> None:
        if key:
            self._known.pop(key, None)
            self._known[key] = None
            if len(self._known) > MAX_KNOWN:
                del self._known[next(iter(self._known))]

    def _refusal(self, error: Exception) -> Outcome:
        """Return the end of a stream: an error in the place of a result."""
        root, request_id = self.subscription.root, self.subscription.caller.request_id
        located = located_error(error, root.nodes, [root.name])
        return Outcome(GraphQLResponse(mask_errors([located], request_id)), is_last=True)


def _loaders(context: Context) -> Loaders:
    """Return loaders that have read nothing. Those of plans load other members of the same records."""
    return Loaders(context.upstream, context.limits, lists_from=context.lists_from)


class SubscriptionResponse:
    """The results of one stream: iterate over it, in one task, and close it."""

    __slots__ = ("_is_closed", "_point", "_results", "_resume_after", "_shared", "_stream")

    def __init__(self, shared: SharedExecution, resume_after: str | None) -> None:
        self._shared = shared
        self._stream = shared.join()
        self._resume_after = resume_after
        self._point = ResumePoint(shared.changes.beginning, skew=shared.changes.skew_to_resume)
        self._results = self._run()
        self._is_closed = False

    @property
    def operation(self) -> SubscriptionOperation:
        return self._shared.subscription.operation

    @property
    def resume_id(self) -> str:
        """The id of the last result; before the first one, that of the beginning of the stream."""
        return self._point.encode(self._shared.binding)

    def __aiter__(self) -> SubscriptionResponse:
        return self

    async def __anext__(self) -> SubscriptionResult:
        return await anext(self._results)

    async def aclose(self) -> None:
        """End the stream, and cancel what is executed for it alone."""
        self._close()
        await self._results.aclose()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._stream.close()
            self._shared.leave(self._stream)

    async def _run(self) -> AsyncGenerator[SubscriptionResult, None]:
        try:
            refusal = await self._shared.outcome(None)
            if refusal.response is not None:
                yield SubscriptionResult(None, refusal.response)
                return
            resync = None if self._resume_after is None else await self._add_missed(self._resume_after)
            if resync is not None:
                outcome = await self._shared.outcome(resync)
                if outcome.response is not None:
                    yield self._result(resync, outcome, outcome.response)
                if outcome.is_last:
                    return
            async for change in self._stream:
                outcome = await self._shared.outcome(change)
                if outcome.is_read:
                    self._point.add(change, self._stream.first_pending)
                if outcome.response is not None:
                    yield self._result(change, outcome, outcome.response)
                if outcome.is_last:
                    return
        finally:
            self._close()

    def _result(self, change: Change, outcome: Outcome, response: GraphQLResponse) -> SubscriptionResult:
        if change.kind == "resync":
            RESYNCS.add()
        return SubscriptionResult(None if outcome.is_last else self.resume_id, response)

    async def _add_missed(self, resume_after: str) -> Change | None:
        """Add the changes since the last result of another stream; return a resync if some may be missing."""
        shared = self._shared
        tenant, watch = shared.subscription.caller.tenant, shared.subscription.watch
        point = ResumePoint.decode(resume_after, shared.binding, skew=shared.changes.skew_to_resume)
        missed = None
        if point is not None and not shared.subscription.field.is_polled:
            missed = await shared.changes.missed(tenant, watch, point.position)
        if point is None or missed is None:
            return resync_of(tenant, watch, datetime.now(UTC), shared.changes.position)
        self._point = point
        self._stream.add_missed(each for each in missed if not point.has_passed(each))
        return None
