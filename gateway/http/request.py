"""What clients send: the parameters of GraphQL over HTTP, in a body or in an address."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, UnsetType
from starlette.types import Receive

from gateway.errors import BadRequest
from gateway.http.disconnect import ClientDisconnected
from gateway.http.negotiation import LEGACY_JSON, is_utf8_json
from gateway.identity import Headers

T = TypeVar("T")

PERSISTED_QUERY = "persistedQuery"  # the extension that names a document by its hash


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of GraphQL over HTTP; members that it does not name are passed over.

    Without a `query` there is a `documentId`, or the extension that names a document by its hash.
    """

    query: str | UnsetType = UNSET
    documentId: str | None = None
    operationName: str | None = None
    variables: dict[str, Any] | None = None  # Any: JSON, until graphql-core coerces it
    extensions: dict[str, Any] | None = None

    @property
    def names_no_document(self) -> bool:
        """Whether nothing tells what to execute."""
        return (
            self.query is UNSET
            and self.documentId is None
            and (self.extensions is None or self.extensions.get(PERSISTED_QUERY) is None)
        )


class PersistedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The extension `persistedQuery`, as Apollo's clients send it."""

    version: int
    sha256Hash: str


_request = msgspec.json.Decoder(GraphQLRequest)
_object: msgspec.json.Decoder[dict[str, Any] | None] = msgspec.json.Decoder(dict[str, Any] | None)


class HttpRefusal(Exception):
    """A request that ends with a status of its own, before any field is resolved."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.error = BadRequest(message)
        self.headers = headers


async def request_in_body(headers: Headers, receive: Receive, *, max_bytes: int) -> GraphQLRequest:
    """Read the body of a POST. Raises `HttpRefusal` and `ClientDisconnected`."""
    of_content = [header for header in headers if header[0].startswith(b"content-")]
    _check_content(of_content)
    length = (values_of(of_content, b"content-length") or [b"0"])[0]
    if length.isdigit() and int(length[:18]) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
        more = message.get("more_body", False)
    request = _decoded(b"".join(chunks), _request, "The body")
    if request.query is UNSET and request.names_no_document:
        raise HttpRefusal(400, "Member query is missing.")
    return request


def request_in_address(query_string: bytes) -> GraphQLRequest:
    """Read the parameters of a GET. Raises `HttpRefusal`."""
    given: dict[str, str] = {}
    try:
        pairs = parse_qsl(query_string.decode(), errors="strict")
    except ValueError:
        raise HttpRefusal(400, "The address is not UTF-8.") from None
    for name, value in pairs:
        if name in given and name in GraphQLRequest.__struct_fields__:
            raise HttpRefusal(400, f"Parameter {name} was given more than once.")
        given[name] = value
    request = GraphQLRequest(
        query=given.get("query", UNSET),
        documentId=given.get("documentId"),
        operationName=given.get("operationName"),
        variables=_object_in(given, "variables"),
        extensions=_object_in(given, "extensions"),
    )
    if request.names_no_document:
        raise HttpRefusal(400, "Parameter query is missing.")
    return request


def names_document(query_string: bytes) -> bool:
    """Whether an address asks something, rather than opening the place where one can ask."""
    names = {name for name, _ in parse_qsl(query_string.decode("latin-1"))}
    return not names.isdisjoint(("query", "documentId", "extensions"))


def persisted_query(request: GraphQLRequest) -> PersistedQuery | None:
    """The extension that names a document by its hash. Raises `HttpRefusal` where it has another form."""
    given = None if request.extensions is None else request.extensions.get(PERSISTED_QUERY)
    if given is None:
        return None
    place = f"extensions.{PERSISTED_QUERY}"
    try:
        found = msgspec.convert(given, PersistedQuery)
    except msgspec.ValidationError as error:
        raise HttpRefusal(400, f"{place} has not the form of a persisted query: {error}.") from None
    if found.version != 1:
        raise HttpRefusal(400, f"{place} must be of version 1.")
    return found


def values_of(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all fields of that name."""
    return [value for each, value in headers if each == name]


def _check_content(headers: Headers) -> None:
    types = values_of(headers, b"content-type")
    if len(types) > 1:
        raise HttpRefusal(400, "Header Content-Type was sent more than once.")
    if not types or not is_utf8_json(types[0]):
        raise HttpRefusal(415, f"The body of a POST must be {LEGACY_JSON} in UTF-8.")
    if any(value.strip().lower() != b"identity" for value in values_of(headers, b"content-encoding")):
        raise HttpRefusal(415, "The body of a POST must not be compressed.")


def _too_large(max_bytes: int) -> HttpRefusal:
    # The connection is closed: the rest of the body is on its way, and nobody is going to read it.
    return HttpRefusal(413, f"The body is larger than {max_bytes} bytes.", (b"connection", b"close"))


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
