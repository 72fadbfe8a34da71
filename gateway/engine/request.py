"""The parameters of one GraphQL request, however they were transported."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gateway.errors import BadRequest

PERSISTED_QUERY = "persistedQuery"  # the extension that names a document by its hash


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of GraphQL over HTTP. Other members are ignored.

    Without a `query` there is a `documentId`, or the extension that names a document by its hash.
    """

    query: str | UnsetType = UNSET
    documentId: str | None = None
    operationName: str | None = None
    variables: dict[str, Any] | None = None  # Any: JSON, until graphql-core coerces it
    extensions: dict[str, Any] | None = None

    @property
    def has_document(self) -> bool:
        """True if the request has a document or names one."""
        return (
            self.query is not UNSET
            or self.documentId is not None
            or (self.extensions is not None and self.extensions.get(PERSISTED_QUERY) is not None)
        )


class PersistedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The extension `persistedQuery` of Apollo's clients."""

    version: int
    sha256Hash: str


def get_persisted_query(request: GraphQLRequest) -> PersistedQuery | None:
    """Return the extension `persistedQuery`. Raises `BadRequest` if it is malformed."""
    sent = None if request.extensions is None else request.extensions.get(PERSISTED_QUERY)
    if sent is None:
        return None
    place = f"extensions.{PERSISTED_QUERY}"
    try:
        extension = msgspec.convert(sent, PersistedQuery)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{place} is not a persisted query: {error}.") from None
    if extension.version != 1:
        raise BadRequest(f"{place}.version must be 1; got {extension.version}.")
    return extension
