"""Documents that clients name instead of sending them.

An id is looked for in the manifests first. Where clients may register documents themselves, as Apollo's
automatic persisted queries do, a SHA-256 is looked for among these next. Codes and messages of what is not
found are Apollo's, whose clients act on them: they send the text once more, or no hashes any longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from gateway.engine.documents import Documents, Prepared, Rejected, refused
from gateway.engine.manifests import SHA256
from gateway.errors import ErrorCode
from gateway.http.request import GraphQLRequest, HttpRefusal, PersistedQuery, persisted_query

Prepare: TypeAlias = Callable[[str, str | None], Awaitable[Prepared]]  # a text and the name of its operation


class Registered(Protocol):
    """Texts that clients registered, by the SHA-256 of their UTF-8."""

    async def get(self, sha256: str) -> str | None: ...

    async def put(self, sha256: str, text: str) -> None:
        """Raises `ValueError` where the hash is not that of the text."""


class PersistedDocuments:
    """Finds the document of a request. `registered` is None where clients may register none."""

    def __init__(self, documents: Documents, registered: Registered | None = None) -> None:
        self.documents = documents
        self.registered = None if documents.trust == "enforce" else registered

    async def prepared(self, request: GraphQLRequest, prepare: Prepare) -> Prepared:
        """The operation of a request that may name its document. Raises `HttpRefusal`."""
        hashed = persisted_query(request)
        text = request.query
        if not isinstance(text, str):
            found = await self._text(request, hashed)
            if isinstance(found, Rejected):
                return found
            text, hashed = found, None  # what is known already need not be registered
        prepared = self.documents.known(text, request.operationName)
        if prepared is None:
            prepared = await prepare(text, request.operationName)
        if hashed is not None and self.registered is not None and not isinstance(prepared, Rejected):
            await self._register(self.registered, hashed, text)
        return prepared

    async def _text(self, request: GraphQLRequest, hashed: PersistedQuery | None) -> str | Rejected:
        name = request.documentId
        if name is None:
            assert hashed is not None  # noqa: S101 - the request was checked to name a document
            name = hashed.sha256Hash
        text = self.documents.trusted.text(name)
        if text is None and self.registered is not None:
            text = await self.registered.get(name.removeprefix(SHA256))
        if text is not None:
            return text
        if self.documents.trust == "enforce":
            return refused(
                "The document is not in the manifest of trusted documents.", ErrorCode.DOCUMENT_NOT_TRUSTED
            )
        if request.documentId is None and self.registered is None:
            return refused("PersistedQueryNotSupported", ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED)
        return refused("PersistedQueryNotFound", ErrorCode.PERSISTED_QUERY_NOT_FOUND)

    async def _register(self, registered: Registered, hashed: PersistedQuery, text: str) -> None:
        try:
            await registered.put(hashed.sha256Hash, text)
        except ValueError:
            message = "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query."
            raise HttpRefusal(400, message) from None
