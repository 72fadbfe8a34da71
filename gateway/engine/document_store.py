"""Documents that clients name by their hash instead of sending them: where their texts are kept.

A text that is not found is no error: the client sends it once more. So what is kept here may be lost at any
time, and a store that does not answer is the same as one that does not know.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import Protocol

from gateway.redis_store import RedisStore, RedisUnavailable

KEPT_CHARACTERS = 10_000_000  # per process: some thousand documents of the size of a screen's
KEPT_SECONDS = 7 * 24 * 3600  # since it was last asked of the shared store: a week without a client is enough
PREFIX = "gateway:document:"

_SHA256 = re.compile(r"[0-9a-f]{64}")


class DocumentStore(Protocol):
    """Texts by the SHA-256 of their UTF-8, in 64 small hexadecimal digits."""

    async def get(self, sha256: str) -> str | None:
        """Find a text; None where it is not known, or was lost."""

    async def put(self, sha256: str, text: str) -> None:
        """Keep a text, which should be a valid document: what is kept takes the place of others.

        A text that is too long is not kept. Raises `ValueError` where the hash is not that of the text.
        """


class LocalDocumentStore:
    """The texts that this process was asked for last, bounded by their characters in all."""

    def __init__(self, *, longest: int, characters: int = KEPT_CHARACTERS) -> None:
        """`longest` is the longest text that is kept, in characters."""
        self._longest = longest
        self._most = characters
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._texts)

    async def get(self, sha256: str) -> str | None:
        text = self._texts.get(sha256)
        if text is not None:
            self._texts.move_to_end(sha256)
        return text

    async def put(self, sha256: str, text: str) -> None:
        if not is_hash_of(sha256, text):
            raise ValueError("sha256 is not the hash of the text")
        self.keep(sha256, text)

    def keeps(self, text: str) -> bool:
        """Whether a text is short enough to be kept."""
        return len(text) <= min(self._longest, self._most)

    def keep(self, sha256: str, text: str) -> None:
        """Keep a text whose hash was checked."""
        if not self.keeps(text):
            return
        if sha256 not in self._texts:
            self._characters += len(text)
        self._texts[sha256] = text
        self._texts.move_to_end(sha256)
        while self._characters > self._most:
            _, oldest = self._texts.popitem(last=False)
            self._characters -= len(oldest)


class RedisDocumentStore:
    """The texts of all replicas in the shared store, and those asked for last in this process too.

    What this process has is found without a word to the store, and while the store is away it is all there
    is. A text from the store is used only if it has the hash it was asked by: whoever can write there must
    not choose what a client executes.
    """

    def __init__(self, store: RedisStore, own: LocalDocumentStore, *, seconds: int = KEPT_SECONDS) -> None:
        self._store = store
        self._own = own
        self._seconds = seconds

    async def get(self, sha256: str) -> str | None:
        text = await self._own.get(sha256)
        if text is not None or not _SHA256.fullmatch(sha256):
            return text
        redis, key = self._store.redis, PREFIX + sha256
        try:
            found = await self._store.ask(lambda: redis.getex(key, ex=self._seconds))
        except RedisUnavailable:
            return None
        text = _decoded(found)
        if text is None or not self._own.keeps(text) or not is_hash_of(sha256, text):
            return None
        self._own.keep(sha256, text)
        return text

    async def put(self, sha256: str, text: str) -> None:
        await self._own.put(sha256, text)
        if not self._own.keeps(text):
            return
        redis, key = self._store.redis, PREFIX + sha256
        try:
            await self._store.ask(lambda: redis.set(key, text.encode(), ex=self._seconds))
        except RedisUnavailable:
            return


def is_hash_of(sha256: str, text: str) -> bool:
    """Whether this is the SHA-256 of the text's UTF-8, in small hexadecimal digits."""
    try:
        return hashlib.sha256(text.encode()).hexdigest() == sha256
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can hold and UTF-8 cannot
        return False


def _decoded(found: object) -> str | None:
    if not isinstance(found, bytes):
        return None
    try:
        return found.decode()
    except UnicodeDecodeError:
        return None
