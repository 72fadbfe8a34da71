"""The parameters of one GraphQL request, however they were transported."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, UnsetType

from gateway.errors import BadRequest
from gateway.identity import Caller

PERSISTED_QUERY = "persistedQuery"  # the extension that names a document by its hash
SHA256 = "sha256:"  # the prefix of hashes as ids in the specification of GraphQL over HTTP

# MD5 (Relay), SHA-1 (graphql-codegen) or SHA-256
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII | re.IGNORECASE)


class RequestExtensions(msgspec.Struct, frozen=True):
    """The extensions of a request that are read; others are ignored.

    `resumeAfter` is the id of the last result of a subscription that the client has received.
    """

    persistedQuery: msgspec.Raw = msgspec.Raw()
    resumeAfter: str | None = None


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of GraphQL over HTTP. Other members are ignored.

    Without a `query` there is a `documentId`, or the extension that names a document by its hash.

    `variables` are a JSON object or null, and are empty if there are none. They are not decoded before it is
    known which of them the operation declares: objects in memory take up to 21 times the bytes of their JSON.
    """

    query: str | UnsetType | None = UNSET
    documentId: str | None = None
    operationName: str | None = None
    variables: msgspec.Raw = msgspec.Raw()
    extensions: RequestExtensions | None = None

    @property
    def names_document(self) -> bool:
        """True if the request has the id or the hash of a document."""
        return self.documentId is not None or (
            self.extensions is not None and has_value(self.extensions.persistedQuery)
        )


def resume_after(request: GraphQLRequest, caller: Caller) -> str | None:
    """Return the id of the last result that a subscriber has, as the client sent it; None if it sent none.

    The header has precedence: a browser's EventSource that reconnects repeats the URL of its first request.
    """
    if caller.last_event_id is not None:
        return caller.last_event_id
    return None if request.extensions is None else request.extensions.resumeAfter


def has_value(raw: msgspec.Raw) -> bool:
    """Return whether a member is there and is not null."""
    return bytes(raw) not in (b"", b"null")


def normalize_document_id(document_id: str) -> str:
    """Return an id as it is compared: without the prefix `sha256:`, and in lower case if it is a hash."""
    match = _HASH.fullmatch(document_id)
    return match[1].lower() if match else document_id.removeprefix(SHA256)


class PersistedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The extension `persistedQuery` of Apollo's clients."""

    version: int
    sha256Hash: str


_persisted_query = msgspec.json.Decoder(PersistedQuery)


def get_persisted_query(request: GraphQLRequest) -> PersistedQuery | None:
    """Return the extension `persistedQuery`. Raises `BadRequest` if it is malformed."""
    if request.extensions is None or not has_value(request.extensions.persistedQuery):
        return None
    place = f"extensions.{PERSISTED_QUERY}"
    try:
        extension = _persisted_query.decode(request.extensions.persistedQuery)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{place} is not a persisted query: {error}.") from None
    if extension.version != 1:
        raise BadRequest(f"{place}.version must be 1; got {extension.version}.")
    return PersistedQuery(version=1, sha256Hash=normalize_document_id(extension.sha256Hash))
