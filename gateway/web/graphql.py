"""The GraphQL endpoint: one HTTP request in, one operation executed, one JSON answer out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, TypeVar, cast

import msgspec
from graphql import ExecutionResult, ExperimentalIncrementalExecutionResults, GraphQLError
from graphql.execution.executor import Executor, default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues, get_variable_values
from starlette.types import Receive, Scope, Send
from strawberry.execution import optimized_is_awaitable

from gateway.errors import GatewayError, LimitExceeded, RateLimited
from gateway.observability.operation import OperationRecord
from gateway.observability.recorder import Recorder, server_timing
from gateway.security.identity import Caller, Headers, request_id_from_headers
from gateway.security.masking import all_masked, refusal
from gateway.security.rate_limit import RateLimit
from gateway.web.documents import MAX_ERRORS, Documents, Operation, Prepared, Rejected
from gateway.web.graphql_request import (
    ClientGone,
    GraphQLRequest,
    HttpRefusal,
    names_document,
    request_in_address,
    request_in_body,
)
from gateway.web.incremental import CLOSING, OPENING, Parts, enclosed, writer
from gateway.web.negotiation import (
    LEGACY_JSON,
    RESPONSE_JSON,
    accepted,
    answer_type,
    incremental_format,
    prefers_html,
)
from gateway.web.open_acts import OpenActs
from gateway.web.persisted_queries import PersistedQueries

T = TypeVar("T")

WATCH_AFTER = 0.2  # seconds until somebody looks whether the client is still there

_encode = msgspec.json.Encoder().encode


class Planned(Protocol):
    """What executes the operations that it has plans for."""

    def execution(
        self, operation: Operation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """The execution, to be awaited; None where graphql-core is to do it. Any: the schema's context."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """An operation of which nothing more can be said against before it is executed."""

    operation: Operation
    variables: VariableValues
    request: GraphQLRequest


class GraphQLEndpoint:
    """Serve GraphQL over HTTP, straight on graphql-core with the schema and the executor of Strawberry.

    Strawberry's view and its extension runner are left out: they cost more than most operations do, and no
    extension of ours needs them.
    """

    def __init__(
        self,
        documents: Documents,
        new_context: Callable[[Caller, OperationRecord], object],
        identify: Callable[[Headers], Caller],
        *,
        max_body_bytes: int,
        max_batch: int = 0,
        graphiql: bytes | None,
        open_acts: OpenActs | None = None,
        planned: Planned | None = None,
        rate_limit: RateLimit | None = None,
        persisted_queries: PersistedQueries | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        if max_body_bytes < 1:
            raise ValueError("max_body_bytes must be at least 1")
        self.documents = documents
        self.new_context = new_context
        self.identify = identify
        self.max_body_bytes = max_body_bytes
        self.max_batch = max_batch
        self.graphiql = graphiql
        self.open_acts = open_acts or OpenActs()
        self.rate_limit = rate_limit
        self.planned = planned
        self.persisted_queries = persisted_queries or PersistedQueries(documents)
        self.recorder = recorder or Recorder()
        self._preparing = asyncio.Lock()
        self._executor: Callable[..., Executor[Any]] = documents.schema.execution_context_class

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # noqa: S101 - a websocket here would be a slip in the routes
        headers: Headers = scope["headers"]
        accept = accepted(headers)
        if self.graphiql is not None and _opens_graphiql(scope, accept):
            await _send(send, 200, b"text/html", self.graphiql)
            return
        record = self.recorder.begin()
        try:
            await self._operate(scope, receive, send, record)
        finally:
            self.recorder.end(record)

    async def _operate(self, scope: Scope, receive: Receive, send: Send, record: OperationRecord) -> None:
        headers: Headers = scope["headers"]
        accept = accepted(headers)
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
            request: GraphQLRequest | list[GraphQLRequest]
            if scope["method"] == "GET":
                request = request_in_address(scope["query_string"])
            else:
                request = await request_in_body(
                    headers, receive, max_bytes=self.max_body_bytes, max_batch=self.max_batch
                )
            if isinstance(request, list):
                answers = await self._answers(request, caller, receive, record)
                status, body = 200, _encode(answers)
                record.answered(True, [error for each in answers for error in each.get("errors", ())])
            else:
                well_formed, answer = await self._answer(
                    request, caller, scope["method"], accept, receive, record
                )
                if isinstance(answer, Parts):
                    await self._send_parts(answer, caller, receive, send, record)
                    return
                # Clients of plain JSON take any other status for a failure of the transport and read no
                # further.
                status = 200 if well_formed or media_type == LEGACY_JSON else 400
                body = _encode(answer)
                record.answered(well_formed, answer.get("errors", ()))
        except ClientGone:
            return
        except Exception as error:
            status, reason, more_headers = _refused(error)
            request_id = caller.request_id if caller else request_id_from_headers(headers)
            told = refusal(reason, request_id)
            body = _encode({"errors": [told]})
            record.request_id = request_id
            record.refused(status, told)
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
        self.open_acts.answered()

    async def _answer(
        self,
        request: GraphQLRequest,
        caller: Caller,
        method: str,
        accept: bytes,
        receive: Receive,
        record: OperationRecord,
    ) -> tuple[bool, dict[str, Any] | Parts]:
        """Execute, and say whether it came to that: a request error leaves no `data`."""
        ready = await self._ready(request, caller, method)
        if not isinstance(ready, _Ready):
            return False, ready
        operation, variables = ready.operation, ready.variables
        name = operation.node.name
        record.operation_is("mutation" if operation.is_mutation else "query", name.value if name else None)
        if self.rate_limit is not None:
            cost = self.documents.cost(operation, variables.coerced)
            if limited := await self.rate_limit.check(caller, cost):
                raise limited

        context = self.new_context(caller, record)
        if (
            operation.in_parts is not None
            and operation.in_parts.defers(variables.coerced)
            and (form := incremental_format(accept)) is not None
        ):
            found: Any = self._execute(operation.in_parts.operation, variables, request, context)
            if not isinstance(found, ExecutionResult | ExperimentalIncrementalExecutionResults):
                found = await self._finished(found, operation, caller, receive)
            if isinstance(found, ExperimentalIncrementalExecutionResults):
                return True, Parts.of(found, form, operation)
            return True, _formatted(found, caller)
        result = self._start(ready, context)
        if not isinstance(result, ExecutionResult):
            result = await self._finished(result, operation, caller, receive)
        return True, _formatted(result, caller)

    async def _answers(
        self, requests: Sequence[GraphQLRequest], caller: Caller, receive: Receive, record: OperationRecord
    ) -> list[dict[str, Any]]:
        """Execute the operations of a batch, and answer each in its place.

        Questions that stand next to each other share their loaders, so that they share upstream calls too.
        Acts come one after the other, and what is asked behind an act is asked after it.
        """
        ready = [await self._ready(each, caller, "POST") for each in requests]
        operations = [each for each in ready if isinstance(each, _Ready)]
        is_mutation = any(each.operation.is_mutation for each in operations)
        record.operation_is("mutation" if is_mutation else "query", None)
        cost = sum(self.documents.cost(each.operation, each.variables.coerced) for each in operations)
        if cost > self.documents.limits.cost:
            raise _batch_too_costly(cost, self.documents.limits.cost)
        if self.rate_limit is not None and operations and (
            limited := await self.rate_limit.check(caller, cost)
        ):
            raise limited

        results: list[ExecutionResult] = []
        for group in _side_by_side(operations):
            results += await self._together(group, self.new_context(caller, record), caller, receive)
        executed = (_formatted(result, caller) for result in results)
        return [next(executed) if isinstance(each, _Ready) else each for each in ready]

    async def _together(
        self, group: Sequence[_Ready], context: object, caller: Caller, receive: Receive
    ) -> list[ExecutionResult]:
        """Execute one operation, or several questions side by side."""
        if len(group) == 1:
            result = self._start(group[0], context)
            if not isinstance(result, ExecutionResult):
                result = await self._finished(result, group[0].operation, caller, receive)
            return [result]
        # Not by plans: each would have the records decoded in a shape of its own, and the loaders are shared.
        started = [self._execute(each.operation, each.variables, each.request, context) for each in group]

        async def finished(result: Any) -> ExecutionResult:  # Any: a result, or what will be one
            return cast(ExecutionResult, result if isinstance(result, ExecutionResult) else await result)

        return await _while_connected(asyncio.gather(*map(finished, started)), receive)

    async def _finished(
        self, result: Awaitable[T], operation: Operation, caller: Caller, receive: Receive
    ) -> T:
        # An act that has begun is never broken off: what was sent upstream is done there all the same.
        if operation.is_mutation:
            return await self.open_acts.finish(result, operation.node, caller.request_id)
        return await _while_connected(result, receive)

    async def _send_parts(
        self, parts: Parts, caller: Caller, receive: Receive, send: Send, record: OperationRecord
    ) -> None:
        """Send an answer part by part. A client that hangs up stops the rest; an act is done by then."""
        written = writer(parts.format, caller.request_id)
        body = OPENING + enclosed(_encode(written.first(parts.first)))
        await _begin(
            send,
            200,
            parts.media_type,
            (b"x-okapi-request-id", caller.request_id.encode()),
            (b"x-accel-buffering", b"no"),  # proxies that know it pass each part on at once
        )
        gone = asyncio.create_task(_hangs_up(receive))
        try:
            more = True
            while more:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                following: Awaitable[Any] = _unless(gone, anext(parts.others, None))
                if parts.operation.is_mutation:
                    following = self.open_acts.finish(following, parts.operation.node, caller.request_id)
                part = await following
                more = part is not None and part.has_next
                body = b"" if part is None else enclosed(_encode(written.next(part)))
        except ClientGone:
            return
        except Exception as error:  # the status is sent: what remains is to say that the rest will not come
            told = refusal(error, caller.request_id)
            written.problems.append(told)
            body = enclosed(_encode({"errors": [told], "hasNext": False}))
        finally:
            gone.cancel()
            await parts.others.aclose()
        record.answered(True, written.problems)
        record.end()
        await send({"type": "http.response.body", "body": body + CLOSING})
        self.open_acts.answered()

    async def _ready(self, request: GraphQLRequest, caller: Caller, method: str) -> _Ready | dict[str, Any]:
        """Find what is to be executed, or the answer that refuses it. Raises `HttpRefusal`."""
        query = request.query
        if isinstance(query, str) and request.extensions is None:
            prepared = self.documents.known(query, request.operationName)
            if prepared is None:
                prepared = await self._prepared(query, request.operationName)
        else:
            prepared = await self.persisted_queries.prepared(request, self._prepared)
        if isinstance(prepared, Rejected):
            return {"errors": all_masked(prepared.errors, caller.request_id)}
        if prepared.is_mutation and method == "GET":
            raise HttpRefusal(405, "A mutation is sent by POST.", (b"allow", b"POST"))
        variables = self._variables(prepared, request)
        if isinstance(variables, list):
            return {"errors": all_masked(variables, caller.request_id)}
        refused = self.documents.too_costly(prepared, variables.coerced)
        if refused is not None:
            return {"errors": all_masked([refused], caller.request_id)}
        return _Ready(prepared, variables, request)

    async def _prepared(self, query: str, operation_name: str | None) -> Prepared:
        """Parse and validate, one text in each turn of the event loop: known ones are answered in between."""
        async with self._preparing:
            prepared = self.documents.prepared(query, operation_name)
            await asyncio.sleep(0)
        return prepared

    def _variables(
        self, operation: Operation, request: GraphQLRequest
    ) -> VariableValues | list[GraphQLError]:
        definitions = operation.node.variable_definitions
        if not definitions:
            return VariableValues({}, {})
        return get_variable_values(
            self.documents.core_schema,
            definitions,
            request.variables or {},
            max_errors=MAX_ERRORS,
            hide_suggestions=not self.documents.suggestions,
        )

    def _start(self, ready: _Ready, context: object) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute by a plan where there is one."""
        if self.planned is not None:
            execution = self.planned.execution(ready.operation, ready.variables, context)
            if execution is not None:
                return execution
        # Without @defer the result always comes in one piece.
        return cast(
            "ExecutionResult | Awaitable[ExecutionResult]",
            self._execute(ready.operation, ready.variables, ready.request, context),
        )

    def _execute(
        self, operation: Operation, variables: VariableValues, request: GraphQLRequest, context: object
    ) -> object:
        """Execute as graphql-core does; what comes is a result or is to be awaited."""
        executor = self._executor(
            self.documents.core_schema,
            operation.fragment_definitions,
            operation.fragments,
            None,
            context,
            operation.node,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=request.extensions,
        )
        return executor.execute_operation()


async def _while_connected(execution: Awaitable[T], receive: Receive) -> T:
    """Await a query, but give it up when the client hangs up.

    Nobody watches the first moments: most queries are done by then, and watching costs more than some.
    """
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - a coroutine always runs in a task
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        running.cancel()

    watcher: asyncio.Task[None] | None = None

    def begin() -> None:
        nonlocal watcher
        watcher = asyncio.create_task(watch())

    timer = asyncio.get_running_loop().call_later(WATCH_AFTER, begin)
    try:
        return await execution
    except asyncio.CancelledError:
        if gone and running.cancelling() == 1:  # by us and by nobody else
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()
        if gone:
            running.uncancel()


async def _hangs_up(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unless(gone: asyncio.Task[None], part: Awaitable[T]) -> T:
    """Await a part, but give it up when the client is gone. Raises `ClientGone`."""
    making = asyncio.ensure_future(part)
    try:
        await asyncio.wait((making, gone), return_when=asyncio.FIRST_COMPLETED)
        if making.done():
            return making.result()
        raise ClientGone
    finally:
        if not making.done():
            making.cancel()
            await asyncio.wait((making,))


def _side_by_side(operations: Iterable[_Ready]) -> Iterator[list[_Ready]]:
    """Questions as they stand next to each other, and each act by itself."""
    for is_act, neighbours in groupby(operations, lambda each: each.operation.is_mutation):
        if is_act:
            yield from ([each] for each in neighbours)
        else:
            yield list(neighbours)


def _formatted(result: ExecutionResult, caller: Caller) -> dict[str, Any]:
    if result.errors:
        return {"errors": all_masked(result.errors, caller.request_id), "data": result.data}
    return {"data": result.data}


def _batch_too_costly(cost: int, most: int) -> LimitExceeded:
    return LimitExceeded(
        f"The batch may need {cost} upstream calls; at most {most} are allowed (MAX_COST).",
        details={"limit": "MAX_COST", "maximum": most, "estimated": cost},
    )


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
