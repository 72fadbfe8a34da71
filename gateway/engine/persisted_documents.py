"""Documents that clients name by an id or a hash instead of sending them.

An id is looked up in the manifests first, then, if clients may register documents as Apollo's automatic
persisted queries do, among the registered ones. Codes and messages of a failed lookup are Apollo's, because
its clients react to them: they send the text, or stop sending hashes.

A registered document may be lost at any time: the client then sends its text again. A shared store that does
not respond is treated like one without the document.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from gateway.engine.documents import Documents, Prepared, Rejected, reject_untrusted, rejection
from gateway.engine.request import (
    GraphQLRequest,
    PersistedQuery,
    get_persisted_query,
    normalize_document_id,
)
from gateway.errors import BadRequest, ErrorCode
from gateway.redis_store import RedisStore, RedisUnavailable

MAX_BYTES = 10_000_000  # in memory, per process: several thousand documents of one screen each
MAX_TEXTS = 10_000  # per process: a short text takes little, and its entry takes 200 bytes
EXPIRY = 7 * 24 * 3600  # seconds in the shared store since the last use
PREFIX = "gateway:document:"
MAX_STORED_BYTES = 50_000_000  # in the shared store, which anyone can register documents in
ENTRY_BYTES = 200  # of the store for a text, beside it

# The texts by the time of their registration, each as its hash and its bytes, and the bytes of all. A text
# that has expired is counted until those registered before it are gone.
INDEX, TOTAL = "gateway:documents", "gateway:documents:bytes"
REGISTER = """
local time = redis.call('TIME')
local bytes = #ARGV[1] + tonumber(ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
local added = redis.call('ZADD', KEYS[2], time[1] * 1000000 + time[2], ARGV[2] .. ':' .. bytes)
local total = redis.call('INCRBY', KEYS[3], added * bytes)
while total > tonumber(ARGV[5]) do
  local oldest = redis.call('ZPOPMIN', KEYS[2])[1]
  if not oldest then return redis.call('DEL', KEYS[3]) end
  local hash, size = string.match(oldest, '^(%x+):(%d+)$')
  redis.call('DEL', ARGV[6] .. hash)
  total = redis.call('DECRBY', KEYS[3], size)
end
"""

_SHA256 = re.compile(r"[0-9a-f]{64}")

Prepare: TypeAlias = Callable[[str, str | None], Awaitable[Prepared]]  # a text and the name of its operation


class DocumentStore(Protocol):
    """Registered texts by the SHA-256 of their UTF-8, in 64 lower-case hexadecimal digits."""

    async def get(self, sha256: str) -> str | None:
        """Return a text, None if it was never registered or is lost."""

    async def put(self, sha256: str, text: str) -> None:
        """Store the text of a valid document, which may evict others. A text that is too long is ignored.

        Raises `ValueError` if the hash is not that of the text.
        """


class PersistedDocuments:
    """Prepares the document of a request. `registered` is None if clients may not register documents."""

    def __init__(self, documents: Documents, registered: DocumentStore | None = None) -> None:
        self.documents = documents
        self.registered = None if documents.trust == "enforce" else registered

    async def prepare(self, request: GraphQLRequest, prepare: Prepare) -> Prepared:
        """Return the operation of a request that may name its document. Raises `BadRequest`."""
        persisted = get_persisted_query(request)
        text = request.query
        if not isinstance(text, str):
            result = await self._get_text(request, persisted)
            if isinstance(result, Rejected):
                return result
            text, persisted = result, None  # it is registered
        operation = self.documents.get(text, request.operationName)
        if operation is None:
            operation = await prepare(text, request.operationName)
        if persisted is not None and self.registered is not None and not isinstance(operation, Rejected):
            await _register(self.registered, persisted, text)
        return operation

    async def _get_text(self, request: GraphQLRequest, persisted: PersistedQuery | None) -> str | Rejected:
        name = request.documentId
        if name is None:
            assert persisted is not None  # noqa: S101 - the request was checked to name a document
            name = persisted.sha256Hash
        text = self.documents.trusted.text(name)
        if text is None and self.registered is not None:
            text = await self.registered.get(normalize_document_id(name))
        if text is not None:
            return text
        if self.documents.trust == "enforce":
            return reject_untrusted()
        if request.documentId is None and self.registered is None:
            return rejection("PersistedQueryNotSupported", ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED)
        return rejection("PersistedQueryNotFound", ErrorCode.PERSISTED_QUERY_NOT_FOUND)


class LocalDocumentStore:
    """The texts used last in this process, bounded by their number and their total size."""

    def __init__(self, *, max_text: int, max_bytes: int = MAX_BYTES, max_texts: int = MAX_TEXTS) -> None:
        """`max_text` is the maximum length of one text, in characters; `max_bytes` are those in memory.

        A character takes one to four bytes.
        """
        self._max_text = max_text
        self._max_bytes = max_bytes
        self._max_texts = max_texts
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._texts)

    async def get(self, sha256: str) -> str | None:
        text = self._texts.get(sha256)
        if text is not None:
            self._texts.move_to_end(sha256)
        return text

    async def put(self, sha256: str, text: str) -> None:
        if not has_hash(text, sha256):
            raise ValueError("sha256 is not the hash of the text")
        self.add(sha256, text)

    def has_room_for(self, text: str) -> bool:
        """Return whether a text is short enough to be stored."""
        return len(text) <= self._max_text and sys.getsizeof(text) <= self._max_bytes

    def add(self, sha256: str, text: str) -> None:
        """Store a text whose hash was verified."""
        if not self.has_room_for(text):
            return
        if sha256 not in self._texts:
            self._bytes += sys.getsizeof(text)
            self._texts[sha256] = text
        self._texts.move_to_end(sha256)
        while self._bytes > self._max_bytes or len(self._texts) > self._max_texts:
            _, evicted = self._texts.popitem(last=False)
            self._bytes -= sys.getsizeof(evicted)


class RedisDocumentStore:
    """The texts of all replicas in a shared store, with those used last cached in this process.

    A cached text needs no call to the store, and is served during an outage of it. A text from the store is
    used only if it has the hash that was requested: write access to the store must not let anyone choose the
    documents that clients execute.

    The texts in the store are bounded by their bytes, because no token is needed to register one: they must
    not take the memory of the claims of idempotency keys. Beyond it, those registered first are dropped.
    """

    def __init__(
        self,
        store: RedisStore,
        cache: LocalDocumentStore,
        *,
        expiry: int = EXPIRY,
        max_bytes: int = MAX_STORED_BYTES,
    ) -> None:
        """`expiry` is in seconds since the last use; `max_bytes` are those of all texts in the store."""
        self._store = store
        self._cache = cache
        self._expiry = expiry
        self._max_bytes = max_bytes

    async def get(self, sha256: str) -> str | None:
        text = await self._cache.get(sha256)
        if text is not None or not _SHA256.fullmatch(sha256):
            return text
        redis, key = self._store.redis, PREFIX + sha256
        try:
            value = await self._store.execute(lambda: redis.getex(key, ex=self._expiry))
        except RedisUnavailable:
            return None
        text = _decode(value)
        if text is None or not self._cache.has_room_for(text) or not has_hash(text, sha256):
            return None
        self._cache.add(sha256, text)
        return text

    async def put(self, sha256: str, text: str) -> None:
        await self._cache.put(sha256, text)
        if not self._cache.has_room_for(text):
            return
        # Any: what redis returns. With its text, as the scripts of idempotency keys.
        evaluate: Callable[..., Awaitable[Any]] = self._store.redis.eval
        keys = (PREFIX + sha256, INDEX, TOTAL)
        arguments = (text.encode(), sha256, self._expiry, ENTRY_BYTES, self._max_bytes, PREFIX)
        try:
            await self._store.execute(lambda: evaluate(REGISTER, len(keys), *keys, *arguments))
        except RedisUnavailable:
            return


def has_hash(text: str, sha256: str) -> bool:
    """Return whether `sha256` is the hash of the text's UTF-8, in lower-case hexadecimal digits."""
    try:
        return hashlib.sha256(text.encode()).hexdigest() == sha256
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and UTF-8 cannot
        return False


async def _register(store: DocumentStore, persisted: PersistedQuery, text: str) -> None:
    try:
        await store.put(persisted.sha256Hash, text)
    except ValueError:
        message = "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query."
        raise BadRequest(message) from None


def _decode(value: object) -> str | None:
    if not isinstance(value, bytes):
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
