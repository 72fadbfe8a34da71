"""The GraphQL endpoint: one HTTP request in, one operation executed, one JSON answer out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from graphql import ExecutionResult, GraphQLError
from graphql.execution.executor import Executor, default_field_resolver, default_type_resolver
from graphql.execution.values import VariableValues, get_variable_values
from starlette.types import Receive, Scope, Send
from strawberry.execution import optimized_is_awaitable

from gateway.errors import BadRequest, GatewayError, RateLimited
from gateway.observability.operation import OperationRecord
from gateway.observability.recorder import Recorder, server_timing
from gateway.security.identity import Caller, Headers, request_id_from_headers
from gateway.security.masking import all_masked, refusal
from gateway.security.rate_limit import RateLimit
from gateway.web.documents import MAX_ERRORS, Documents, Operation, Prepared, Rejected
from gateway.web.negotiation import (
    LEGACY_JSON,
    RESPONSE_JSON,
    accepted,
    answer_type,
    is_utf8_json,
    prefers_html,
)
from gateway.web.open_acts import OpenActs

T = TypeVar("T")

WATCH_AFTER = 0.2  # seconds until somebody looks whether the client is still there

_encode = msgspec.json.Encoder().encode


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of GraphQL over HTTP; members that it does not name are passed over."""

    query: str
    operationName: str | None = None
    variables: dict[str, Any] | None = None  # Any: JSON, until graphql-core coerces it
    extensions: dict[str, Any] | None = None


_request = msgspec.json.Decoder(GraphQLRequest)
_object: msgspec.json.Decoder[dict[str, Any] | None] = msgspec.json.Decoder(dict[str, Any] | None)


class HttpRefusal(Exception):
    """A request that ends with a status of its own, before any field is resolved."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.error = BadRequest(message)
        self.headers = headers


class ClientGone(Exception):
    """Nobody is left to answer."""


class Planned(Protocol):
    """What executes the operations that it has plans for."""

    def execution(
        self, operation: Operation, variables: VariableValues, context: Any
    ) -> Awaitable[ExecutionResult] | None:
        """The execution, to be awaited; None where graphql-core is to do it. Any: the schema's context."""


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
        graphiql: bytes | None,
        open_acts: OpenActs | None = None,
        planned: Planned | None = None,
        rate_limit: RateLimit | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        if max_body_bytes < 1:
            raise ValueError("max_body_bytes must be at least 1")
        self.documents = documents
        self.new_context = new_context
        self.identify = identify
        self.max_body_bytes = max_body_bytes
        self.graphiql = graphiql
        self.open_acts = open_acts or OpenActs()
        self.rate_limit = rate_limit
        self.planned = planned
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
        media_type = answer_type(accepted(headers))
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
                request = _request_in_address(scope["query_string"])
            else:
                request = await self._request_in_body(headers, receive)
            well_formed, answer = await self._answer(request, caller, scope["method"], receive, record)
            # Clients of plain JSON take any other status for a failure of the transport and read no further.
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

    async def _request_in_body(self, headers: Headers, receive: Receive) -> GraphQLRequest:
        _check_content(headers)
        length = (_values(headers, b"content-length") or [b"0"])[0]
        if length.isdigit() and int(length[:18]) > self.max_body_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.max_body_bytes:
                raise self._too_large()
            chunks.append(chunk)
            more = message.get("more_body", False)
        return _decoded(b"".join(chunks), _request, "The body")

    def _too_large(self) -> HttpRefusal:
        # The connection is closed: the rest of the body is on its way, and nobody is going to read it.
        return HttpRefusal(
            413, f"The body is larger than {self.max_body_bytes} bytes.", (b"connection", b"close")
        )

    async def _answer(
        self,
        request: GraphQLRequest,
        caller: Caller,
        method: str,
        receive: Receive,
        record: OperationRecord,
    ) -> tuple[bool, dict[str, Any]]:
        """Execute, and say whether it came to that: a request error leaves no `data`."""
        operation = self.documents.known(request.query, request.operationName)
        if operation is None:
            operation = await self._prepared(request)
        if isinstance(operation, Rejected):
            return False, {"errors": all_masked(operation.errors, caller.request_id)}
        name = operation.node.name
        record.operation_is("mutation" if operation.is_mutation else "query", name.value if name else None)
        if operation.is_mutation and method == "GET":
            raise HttpRefusal(405, "A mutation is sent by POST.", (b"allow", b"POST"))
        variables = self._variables(operation, request)
        if isinstance(variables, list):
            return False, {"errors": all_masked(variables, caller.request_id)}
        refused = self.documents.too_costly(operation, variables.coerced)
        if refused is not None:
            return False, {"errors": all_masked([refused], caller.request_id)}
        if self.rate_limit is not None:
            cost = self.documents.cost(operation, variables.coerced)
            if limited := await self.rate_limit.check(caller, cost):
                raise limited

        result = self._execute(operation, variables, request, self.new_context(caller, record))
        if not isinstance(result, ExecutionResult):
            # An act that has begun is never broken off: what was sent upstream is done there all the same.
            if operation.is_mutation:
                result = await self.open_acts.finish(result, operation.node, caller.request_id)
            else:
                result = await _while_connected(result, receive)
        if result.errors:
            return True, {"errors": all_masked(result.errors, caller.request_id), "data": result.data}
        return True, {"data": result.data}

    async def _prepared(self, request: GraphQLRequest) -> Prepared:
        """Parse and validate, one text in each turn of the event loop: known ones are answered in between."""
        async with self._preparing:
            prepared = self.documents.prepared(request.query, request.operationName)
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

    def _execute(
        self, operation: Operation, variables: VariableValues, request: GraphQLRequest, context: object
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        if self.planned is not None:
            execution = self.planned.execution(operation, variables, context)
            if execution is not None:
                return execution
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
        # The schema has no @defer and no @stream, so the result always comes in one piece.
        return cast("ExecutionResult | Awaitable[ExecutionResult]", executor.execute_operation())


async def _while_connected(execution: Awaitable[T], receive: Receive) -> T:
    """Await a query, but give it up when the client hangs up.

    Nobody watches the first moments: most queries are done by then, and watching costs more than some of them.
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


def _opens_graphiql(scope: Scope, accept: bytes) -> bool:
    if scope["method"] != "GET" or not prefers_html(accept):
        return False
    return all(name != "query" for name, _ in parse_qsl(scope["query_string"].decode("latin-1")))


def _check_method(method: str) -> None:
    if method not in ("GET", "POST"):
        raise HttpRefusal(405, "GraphQL is served by GET and by POST.", (b"allow", b"GET, POST"))


def _check_content(headers: Headers) -> None:
    types = _values(headers, b"content-type")
    if len(types) > 1:
        raise HttpRefusal(400, "Header Content-Type was sent more than once.")
    if not types or not is_utf8_json(types[0]):
        raise HttpRefusal(415, f"The body of a POST must be {LEGACY_JSON} in UTF-8.")
    if any(value.strip().lower() != b"identity" for value in _values(headers, b"content-encoding")):
        raise HttpRefusal(415, "The body of a POST must not be compressed.")


def _request_in_address(query_string: bytes) -> GraphQLRequest:
    given: dict[str, str] = {}
    try:
        pairs = parse_qsl(query_string.decode(), errors="strict")
    except ValueError:
        raise HttpRefusal(400, "The address is not UTF-8.") from None
    for name, value in pairs:
        if name in given and name in GraphQLRequest.__struct_fields__:
            raise HttpRefusal(400, f"Parameter {name} was given more than once.")
        given[name] = value
    if "query" not in given:
        raise HttpRefusal(400, "Parameter query is missing.")
    return GraphQLRequest(
        query=given["query"],
        operationName=given.get("operationName"),
        variables=_object_in(given, "variables"),
        extensions=_object_in(given, "extensions"),
    )


def _object_in(given: dict[str, str], name: str) -> dict[str, Any] | None:
    if name not in given:
        return None
    return _decoded(given[name].encode(), _object, f"Parameter {name}")


def _decoded(raw: bytes, decoder: msgspec.json.Decoder[T], place: str) -> T:
    """Decode JSON that may be hostile: whatever is wrong with it is the sender's mistake."""
    try:
        # As text: msgspec would not look at the encoding of members that it passes over.
        return decoder.decode(raw.decode())
    except msgspec.ValidationError as error:
        raise HttpRefusal(400, f"{place} has not the form of a GraphQL request: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HttpRefusal(400, f"{place} is not JSON in UTF-8.") from None
    except RecursionError:
        raise HttpRefusal(400, f"{place} is nested too deeply.") from None


def _refused(error: Exception) -> tuple[int, Exception, Sequence[tuple[bytes, bytes]]]:
    if isinstance(error, HttpRefusal):
        return error.status, error.error, error.headers
    if isinstance(error, RateLimited):
        # For clients of plain JSON too: it is about the caller, not the document, and proxies know this code.
        return 429, error, ((b"retry-after", b"%d" % (error.retry_after or 1)),)
    return 400 if isinstance(error, GatewayError) else 500, error, ()


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for each, value in headers if each == name]


async def _send(
    send: Send, status: int, media_type: bytes, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", media_type + b"; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
                (b"vary", b"Accept"),
                (b"x-content-type-options", b"nosniff"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
