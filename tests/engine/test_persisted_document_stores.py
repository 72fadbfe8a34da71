"""Texts stored by their hash: within limits, in process and shared, and never under another hash."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from sys import getsizeof

import pytest

from gateway.engine.persisted_documents import (
    ENTRY_BYTES,
    INDEX,
    MAX_STORED_BYTES,
    TOTAL,
    DocumentStore,
    LocalDocumentStore,
    RedisDocumentStore,
)
from gateway.redis_store import RedisStore
from tests.store_server import PATIENCE, StoreCalls, StoreServer, free_port, needs_store_server, store_server

TEXT = "query Überfällig { loans { nodes { dueDate } } }"


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def put(documents: DocumentStore, *texts: str) -> None:
    for text in texts:
        await documents.put(hash_of(text), text)


async def read(documents: DocumentStore, *texts: str) -> list[str]:
    return [text for text in texts if await documents.get(hash_of(text)) == text]


@asynccontextmanager
async def replica(
    url: str, *, longest: int = 1000, seconds: int = 60, max_bytes: int = MAX_STORED_BYTES
) -> AsyncIterator[tuple[RedisDocumentStore, StoreCalls]]:
    """The documents of one process that shares them."""
    calls = StoreCalls()
    store = RedisStore(url, timeout=PATIENCE)
    try:
        local = LocalDocumentStore(max_text=longest)
        yield RedisDocumentStore(store, local, expiry=seconds, max_bytes=max_bytes), calls
    finally:
        await store.aclose()


# In process


@pytest.mark.anyio
async def test_a_text_is_found_by_its_hash() -> None:
    """A text is read by its hash only."""
    documents = LocalDocumentStore(max_text=1000)
    await put(documents, TEXT)

    assert await documents.get(hash_of(TEXT)) == TEXT
    assert await documents.get(hash_of(TEXT).upper()) is None
    assert await documents.get("") is None


@pytest.mark.anyio
async def test_recently_used_texts_are_kept() -> None:
    """Beyond the maximum of bytes the least recently used text is evicted."""
    documents = LocalDocumentStore(max_text=10, max_bytes=3 * getsizeof("1" * 10))
    first, second, third, fourth = ("1" * 10, "2" * 10, "3" * 10, "4" * 10)
    await put(documents, first, second, third)

    await documents.get(hash_of(first))
    await put(documents, fourth, third)
    assert await read(documents, first, second, third, fourth) == [first, third, fourth]

    await put(documents, "5")
    assert await read(documents, first, third, fourth, "5") == [third, fourth, "5"]
    assert len(documents) == 3


@pytest.mark.anyio
@pytest.mark.parametrize(("longest", "size"), [(9, 1000), (100, getsizeof("0" * 9))])
async def test_long_text_evicts_nothing(longest: int, size: int) -> None:
    """A text beyond the maximum is not stored, and stored texts stay."""
    documents = LocalDocumentStore(max_text=longest, max_bytes=size)
    await put(documents, "{ a }", "0123456789")

    assert await read(documents, "{ a }", "0123456789") == ["{ a }"]


@pytest.mark.anyio
async def test_short_texts_are_bounded_by_their_number() -> None:
    """The third text in a store of two evicts the first, however short they are."""
    documents = LocalDocumentStore(max_text=10, max_texts=2)
    await put(documents, "1", "2", "2", "3")

    assert await read(documents, "1", "2", "3") == ["2", "3"]


@pytest.mark.anyio
async def test_wide_characters_count_by_bytes() -> None:
    """A text of four-byte characters evicts four times as many."""
    documents = LocalDocumentStore(max_text=1000, max_bytes=4000)
    await put(documents, "1" * 900, "2" * 900, "\U0001f4d6" * 900)

    assert await read(documents, "1" * 900, "2" * 900, "\U0001f4d6" * 900) == ["\U0001f4d6" * 900]


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["{ other }", "\ud800"])
async def test_no_text_is_stored_under_another_hash(text: str) -> None:
    """A hash of another text, or of one that UTF-8 cannot encode, is rejected and nothing is stored."""
    documents = LocalDocumentStore(max_text=1000)
    with pytest.raises(ValueError, match="not the hash"):
        await documents.put(hash_of(TEXT), text)

    assert len(documents) == 0


# Shared


@needs_store_server
@pytest.mark.anyio
async def test_replicas_share_texts() -> None:
    """A text registered in one process is read by another, which then caches it."""
    with store_server() as server:
        async with replica(server.url) as (one, _), replica(server.url) as (other, calls):
            await put(one, TEXT)

            assert [await other.get(hash_of(TEXT)) for _ in range(3)] == [TEXT] * 3
            assert calls.by_outcome == {"success": 2}
            assert await other.get(hash_of("{ unknown }")) is None
            assert await other.get("'; not a hash") is None
            assert calls.by_outcome == {"success": 3}


@pytest.mark.slow
@needs_store_server
@pytest.mark.anyio
async def test_unused_text_expires() -> None:
    """A text expires a fixed time after its last use."""
    with store_server() as server:
        async with replica(server.url, seconds=3) as (one, _), replica(server.url, seconds=50) as (other, _):
            await put(one, TEXT, "{ a }")
            assert await read(other, TEXT) == [TEXT]
            await asyncio.sleep(3.2)

            assert 0 < time_left(server, TEXT) <= 50
            assert await read(other, TEXT, "{ a }") == [TEXT]
            assert time_left(server, "{ a }") == -2  # no such key


@needs_store_server
@pytest.mark.anyio
async def test_texts_in_the_store_are_bounded_by_their_bytes() -> None:
    """Beyond the bytes of all replicas the texts registered first are dropped, each in one call."""
    texts = [f"{{ {letter * 96} }}" for letter in "abcde"]  # of 100 bytes
    with store_server() as server:
        bound = 3 * (100 + ENTRY_BYTES)
        async with (
            replica(server.url, max_bytes=bound) as (one, calls),
            replica(server.url, max_bytes=bound) as (other, _),
            replica(server.url) as (reader, _),
        ):
            await put(one, *texts[:3])
            await put(other, texts[3], texts[3], texts[1])  # the second is registered last
            await put(one, texts[4])

            assert await read(reader, *texts) == [texts[1], texts[3], texts[4]]
            assert calls.by_outcome == {"success": 12}  # 7 to register, and 5 to read
            assert server.execute(f"GET {TOTAL}") == b"$3\r\n900\r\n"
            assert server.execute(f"ZCARD {INDEX}") == b":3\r\n"
            assert server.execute("DBSIZE") == b":5\r\n"


@needs_store_server
@pytest.mark.anyio
async def test_lost_numbers_of_the_store_are_counted_again() -> None:
    """With a wrong total, and without the index, texts are stored again, and nothing is counted forever."""
    with store_server() as server:
        async with replica(server.url, max_bytes=1000) as (documents, _):
            await put(documents, TEXT)
            server.execute(f"SET {TOTAL} 5000")
            await put(documents, "{ a }", "{ b }")
            server.execute(f"DEL {INDEX}")
            await put(documents, "{ c }")
        async with replica(server.url) as (reader, _):
            assert await read(reader, "{ c }") == ["{ c }"]


@needs_store_server
@pytest.mark.anyio
async def test_a_text_that_was_tampered_with_is_not_used() -> None:
    """A text from the store is used only if it has the requested hash."""
    with store_server() as server:
        for value in ("'{ other }'", r'"\xff\xfe"', "x" * 2000):
            server.execute(f"SET gateway:document:{hash_of(TEXT)} {value}")
            async with replica(server.url) as (documents, calls):
                assert await documents.get(hash_of(TEXT)) is None
                assert calls.by_outcome == {"success": 1}


@needs_store_server
@pytest.mark.anyio
async def test_a_text_beyond_the_limit_is_not_sent() -> None:
    """A text beyond the limit is not stored anywhere, and the store is not called."""
    with store_server() as server:
        async with replica(server.url, longest=10) as (documents, calls):
            await put(documents, TEXT)

            assert await read(documents, TEXT) == []
            assert server.execute("DBSIZE") == b":0\r\n"
            assert calls.by_outcome == {"success": 1}  # by `read`


@pytest.mark.anyio
async def test_without_the_store_each_process_has_separate_texts() -> None:
    """While the store is down nothing fails: a process reads the texts registered with it, and no others."""
    async with replica(f"redis://127.0.0.1:{free_port()}") as (documents, calls):
        await put(documents, TEXT)

        assert await read(documents, TEXT, "{ unknown }") == [TEXT]
        assert calls.by_outcome == {"failure": 1, "skipped": 1}


def time_left(server: StoreServer, text: str) -> int:
    """Return the seconds until the store deletes a text."""
    return int(server.execute(f"TTL gateway:document:{hash_of(text)}")[1:])
