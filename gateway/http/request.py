"""A GraphQL request over HTTP: its parameters, from the body or the query string, and its disconnect."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET
from starlette.types import Receive

from gateway.engine.request import GraphQLRequest, RequestExtensions
from gateway.errors import BadRequest, GatewayError, Overloaded
from gateway.http.negotiation import LEGACY_JSON, is_utf8_json
from gateway.identity import Headers
from gateway.observability.operation import OperationRecord

T = TypeVar("T")

RETRY_AFTER = 1  # seconds
DISCONNECT_DELAY = 0.2  # seconds before a disconnect is watched for: most queries take less, and a task costs

_BRACE = ord("{")

_request = msgspec.json.Decoder(GraphQLRequest)
_object: msgspec.json.Decoder[dict[str, Any] | None] = msgspec.json.Decoder(dict[str, Any] | None)
_raw = msgspec.json.Decoder(msgspec.Raw)
_extensions: msgspec.json.Decoder[RequestExtensions | None] = msgspec.json.Decoder(RequestExtensions | None)


class HTTPError(Exception):
    """A request that is refused with its own HTTP status, before any field is resolved.

    `error` is the message of a `BadRequest`, or another error.
    """

    def __init__(self, status: int, error: str | GatewayError, *headers: tuple[bytes, bytes]) -> None:
        self.status = status
        self.error = BadRequest(error) if isinstance(error, str) else error
        self.headers = headers
        super().__init__(self.error.message)


class ClientDisconnected(Exception):
    """The client closed the connection before its response."""


class BodiesInFlight:
    """The size of all bodies that are being received, or whose requests are being served, in bytes."""

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.size = 0


class BodySize(msgspec.Struct):
    """The size of the body of one request so far, which is a part of those in flight until its end."""

    of_all: BodiesInFlight
    size: int = 0


async def parse_body(headers: Headers, receive: Receive, *, max_bytes: int, body: BodySize) -> GraphQLRequest:
    """Read and parse the body of a POST. Raises `HTTPError`, `ClientDisconnected` and `Overloaded`."""
    length = _check_content(headers)
    if length.isdigit() and int(length[:18]) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        chunks.append(chunk)
        body.size += len(chunk)
        body.of_all.size += len(chunk)
        if body.of_all.size > body.of_all.maximum:
            raise Overloaded("Too many large requests at once. Nothing was sent.", retry_after=RETRY_AFTER)
        if body.size > max_bytes:
            raise _too_large(max_bytes)
    request = _decode(chunks[0] if len(chunks) == 1 else b"".join(chunks), _request, "The body")
    chunks.clear()
    _check_variables(request.variables, "The body", " - at `$.variables`")
    if request.query:
        return request
    if request.names_document:  # Relay and others send `"query": ""` or null beside the id
        return msgspec.structs.replace(request, query=UNSET)
    if request.query != "":
        raise HTTPError(400, "Member query is missing.")
    return request


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """Parse the parameters of a GET. Raises `HTTPError`."""
    parameters: dict[str, str] = {}
    try:
        pairs = parse_qsl(query_string.decode(), errors="strict")
    except ValueError:
        raise HTTPError(400, "The query string is not UTF-8.") from None
    for name, value in pairs:
        if name in parameters and name in GraphQLRequest.__struct_fields__:
            raise HTTPError(400, f"Parameter {name} was sent more than once.")
        parameters[name] = value
    request = GraphQLRequest(
        query=parameters.get("query", UNSET),
        documentId=parameters.get("documentId"),
        operationName=parameters.get("operationName"),
        variables=_decode_parameter(parameters, "variables", _raw) or msgspec.Raw(),
        extensions=_decode_parameter(parameters, "extensions", _extensions),
    )
    _check_variables(request.variables, "Parameter variables")
    if not isinstance(request.query, str) and not request.names_document:
        raise HTTPError(400, "Parameter query is missing.")
    return request


def has_document(query_string: bytes) -> bool:
    """Return whether a query string holds or names a document, rather than opening GraphiQL."""
    names = {name for name, _ in parse_qsl(query_string.decode("latin-1"))}
    return not names.isdisjoint(("query", "documentId", "extensions"))


async def run_while_connected(execution: Awaitable[T], receive: Receive, record: OperationRecord) -> T:
    """Await an execution, but cancel a query if its client disconnects. Raises `ClientDisconnected`.

    A mutation (`record.kind`) is not cancelled: upstream executes what was sent regardless.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine always runs in a task
    watch = DisconnectWatch(task, record)
    timer = asyncio.get_running_loop().call_later(DISCONNECT_DELAY, watch.start, receive)
    try:
        return await execution
    except asyncio.CancelledError:
        if watch.is_disconnected and task.cancelling() == 1:  # cancelled by the watch alone
            raise ClientDisconnected from None
        raise
    finally:
        timer.cancel()
        if watch.watcher is not None:
            watch.stop()


class DisconnectWatch:
    """Cancels the task of a query when its client disconnects, from `start` on."""

    def __init__(self, task: asyncio.Task[Any], record: OperationRecord) -> None:
        self.is_disconnected = False
        self._task = task
        self._record = record
        self.watcher: asyncio.Task[None] | None = None

    def start(self, receive: Receive) -> None:
        """Start watching."""
        if self._record.kind != "mutation":
            self.watcher = asyncio.create_task(self._watch(receive))

    def stop(self) -> None:
        """Stop watching, and withdraw the cancellation of the task if there was one."""
        # A cancelled task has a traceback, whose frames have this object: a reference cycle.
        watcher, self.watcher = self.watcher, None
        if watcher is not None:
            watcher.cancel()
        if self.is_disconnected:
            self._task.uncancel()

    async def _watch(self, receive: Receive) -> None:
        await wait_for_disconnect(receive)
        if self._record.kind != "mutation":
            self.is_disconnected = True
            self._task.cancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def await_unless(disconnected: asyncio.Task[None], awaitable: Awaitable[T]) -> T:
    """Await a part of a response. Cancel it and raise `ClientDisconnected` if the client disconnects."""
    part = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait((part, disconnected), return_when=asyncio.FIRST_COMPLETED)
        if part.done():
            return part.result()
        raise ClientDisconnected
    finally:
        if not part.done():
            part.cancel()
            await asyncio.wait((part,))


def _check_content(headers: Headers) -> bytes:
    """Check the header fields about the body. Return its length as the client says it, "0" if it does not."""
    content_type: bytes | None = None
    lengths: list[bytes] = []
    encodings: list[bytes] = []
    for name, value in headers:
        if name == b"content-type":
            if content_type is not None and value != content_type:
                raise HTTPError(400, "Header Content-Type was sent more than once, with different values.")
            content_type = value
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"content-encoding":
            encodings.append(value)
    if content_type != b"application/json" and (content_type is None or not is_utf8_json(content_type)):
        raise HTTPError(415, f"The body of a POST must be {LEGACY_JSON} in UTF-8.")
    for each in encodings:
        if each.strip().lower() != b"identity":
            raise HTTPError(415, "The body of a POST must not be compressed.")
    return lengths[0] if lengths else b"0"


def _too_large(max_bytes: int) -> HTTPError:
    # The connection is closed: the rest of the body is in transit, and is not read.
    return HTTPError(413, f"The body exceeds MAX_BODY_BYTES of {max_bytes} bytes.", (b"connection", b"close"))


def _decode_parameter(parameters: dict[str, str], name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    if name not in parameters:
        return None
    return _decode(parameters[name].encode(), decoder, f"Parameter {name}")


def _check_variables(variables: msgspec.Raw, place: str, path: str = "") -> None:
    """Check that variables are an object or null, whose members are not decoded yet."""
    raw = bytes(variables)
    if raw and raw[0] != _BRACE and raw != b"null":
        try:
            _object.decode(variables)
        except msgspec.ValidationError as error:
            raise HTTPError(400, f"{place} is not a GraphQL request: {error}{path}.") from None


def _decode(raw: bytes, decoder: msgspec.json.Decoder[T], place: str) -> T:
    """Decode JSON that may be hostile: every failure is an error of the client."""
    try:
        # As text: msgspec does not check the encoding of members that it ignores.
        return decoder.decode(raw.removeprefix(codecs.BOM_UTF8).decode())
    except msgspec.ValidationError as error:
        raise HTTPError(400, f"{place} is not a GraphQL request: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HTTPError(400, f"{place} is not JSON in UTF-8.") from None
    except RecursionError:
        raise HTTPError(400, f"{place} is nested too deeply.") from None
