"""A slow or unavailable store fails fast, and is used again after it recovers."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.redis_store import MAX_CONNECTIONS, RedisStore, RedisUnavailable
from tests.store_server import (
    StoreCalls,
    StoreServer,
    at_distance,
    free_port,
    needs_store_server,
    store_server,
)

SOON = 2.0  # seconds: many times the timeout, for a busy machine, and far from the client's own 5


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def open_store(
    url: str, *, within: float = 0.1, pause: float = 1.0, clock: Clock | None = None
) -> AsyncIterator[tuple[RedisStore, StoreCalls]]:
    calls = StoreCalls()
    store = RedisStore(url, timeout=within, pause=pause, clock=clock or Clock())
    try:
        yield store, calls
    finally:
        await store.aclose()


async def written(store: RedisStore, key: str, value: str) -> None:
    await store.execute(lambda: store.redis.set(key, value))


async def read(store: RedisStore, key: str) -> bytes | str | None:
    return await store.execute(lambda: store.redis.get(key))


@needs_store_server
@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["redis", "valkey"])
async def test_two_processes_see_the_same(kind: str) -> None:
    """A value written by one process is read by another, with both schemes of URLs."""
    with store_server() as server:
        url = server.url.replace("redis", kind, 1)
        async with open_store(url, within=SOON) as (one, calls), open_store(url, within=SOON) as (other, _):
            await written(one, "a", "1")

            assert await read(other, "a") == b"1"
            assert calls.by_outcome == {"success": 2}


@pytest.mark.anyio
async def test_an_unavailable_store_is_probed_once_a_second() -> None:
    """After a failure calls are skipped for a second; then one call probes the store."""
    clock = Clock()
    async with open_store(f"redis://127.0.0.1:{free_port()}", clock=clock) as (store, calls):
        for _ in range(5):
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
        assert calls.by_outcome == {"failure": 1, "skipped": 4}

        clock.now += 1.0
        responses = await asyncio.gather(*(read(store, "a") for _ in range(5)), return_exceptions=True)

        assert [type(response) for response in responses] == [RedisUnavailable] * 5
        assert calls.by_outcome == {"failure": 2, "skipped": 8}


@needs_store_server
@pytest.mark.anyio
async def test_a_recovered_store_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    """After a successful probe every call reaches the store; failure and recovery are logged."""
    clock = Clock()
    with store_server() as server, caplog.at_level(logging.WARNING, "gateway"):
        async with open_store(server.url, within=SOON, clock=clock) as (store, calls):
            await written(store, "a", "1")
            server.kill()
            for _ in range(2):
                with pytest.raises(RedisUnavailable):
                    await read(store, "a")
                clock.now += 1.0
            server.start()

            await written(store, "a", "2")

            assert await asyncio.gather(*(read(store, "a") for _ in range(5))) == [b"2"] * 5
            assert calls.by_outcome == {"success": 7, "failure": 2}
    first, second = caplog.messages
    assert first == "The shared store is unavailable: ConnectionError"
    assert second == "The shared store is available again"


@needs_store_server
@pytest.mark.anyio
async def test_a_restart_between_two_calls_is_not_a_failure() -> None:
    """Connections closed by a restart are replaced without a failed call."""
    with store_server() as server:
        async with open_store(server.url, within=SOON) as (store, calls):
            keys = [f"key-{number}" for number in range(10)]
            await asyncio.gather(*(written(store, key, "1") for key in keys))
            server.kill()
            server.start()
            await asyncio.sleep(0.05)  # for the loop to read that the connections have ended

            assert await asyncio.gather(*(read(store, key) for key in keys)) == [None] * 10
            assert calls.by_outcome == {"success": 20}


@needs_store_server
@pytest.mark.anyio
async def test_a_hanging_store_costs_the_timeout() -> None:
    """A call without a response fails after the timeout of the store, not after that of the client."""
    with store_server() as server:
        async with open_store(server.url, pause=0.0) as (store, calls):
            await warmed_up(store)
            calls.clear()
            server.pause()
            began = time.monotonic()
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
            took = time.monotonic() - began
            server.resume()

            assert 0.1 <= took < SOON
            assert calls.by_outcome == {"failure": 1}


@needs_store_server
@pytest.mark.anyio
async def test_many_calls_are_sent_at_once() -> None:
    """Of 200 calls at a distance of 50 ms many share each round trip."""
    with store_server() as server, at_distance(server, 0.025) as url:
        async with open_store(url, within=0.5) as (store, _):
            await warmed_up(store)
            began = time.monotonic()

            await asyncio.gather(*(read(store, "a") for _ in range(200)))
            assert time.monotonic() - began < 2.0  # ten seconds, if each waits for the one before


@needs_store_server
@pytest.mark.anyio
async def test_waiting_for_a_connection_is_no_failure_of_the_store() -> None:
    """The timeout of a call begins when it has a connection, of which there are fewer than calls."""
    waits = 25 * MAX_CONNECTIONS  # one second in all, on each connection 25 round trips of 40 ms
    with store_server() as server, at_distance(server, 0.02) as url:
        async with open_store(url, within=0.5) as (store, calls):
            await warmed_up(store)
            calls.clear()

            assert await asyncio.gather(*(read(store, "a") for _ in range(waits))) == [None] * waits
            assert calls.by_outcome == {"success": waits}


@needs_store_server
@pytest.mark.anyio
async def test_a_busy_process_is_no_failure_of_the_store() -> None:
    """A response that arrives while the event loop is busy with other requests is read."""
    with store_server() as server, at_distance(server, 0.02) as url:
        async with open_store(url, within=0.1, pause=0.0) as (store, calls):
            await warmed_up(store)
            calls.clear()

            reading = asyncio.create_task(read(store, "a"))
            await asyncio.sleep(0.005)  # it is sent
            time.sleep(0.3)  # noqa: ASYNC251 - the loop must be blocked
            assert await reading is None
            assert calls.by_outcome == {"success": 1}


@needs_store_server
@pytest.mark.anyio
async def test_no_call_reads_the_response_to_another() -> None:
    """Cancelled and timed-out calls leave no response for later calls, and lose no connection."""
    clock = Clock()
    keys = [f"key-{number}" for number in range(3 * MAX_CONNECTIONS)]
    with store_server() as server:
        async with open_store(server.url, within=0.5, clock=clock) as (store, _):
            for key in keys:
                await written(store, key, f"of {key}")

            for round_of in range(3):
                await abort_calls(server, store, keys)
                clock.now += 1.0
                assert await read(store, keys[round_of]) == f"of {keys[round_of]}".encode()

            values = await asyncio.gather(*(read(store, key) for key in keys))
            assert values == [f"of {key}".encode() for key in keys]


async def abort_calls(server: StoreServer, store: RedisStore, keys: list[str]) -> None:
    """Send concurrent calls to a hanging store; cancel some, and let the others time out."""
    server.pause()
    tasks = [asyncio.create_task(read(store, key)) for key in keys]
    await asyncio.sleep(0.05)
    for task in tasks[::2]:
        task.cancel()
    began = time.monotonic()
    responses = await asyncio.gather(*tasks, return_exceptions=True)
    took = time.monotonic() - began
    server.resume()
    assert took < SOON
    assert {type(response) for response in responses} == {asyncio.CancelledError, RedisUnavailable}


async def warmed_up(store: RedisStore) -> None:
    """Open a connection, which may take longer than the timeout on a busy machine."""
    for _ in range(50):
        try:
            await read(store, "a")
        except RedisUnavailable:
            continue
        else:
            return
    pytest.fail("the store does not respond")


@needs_store_server
@pytest.mark.anyio
async def test_an_error_of_the_store_is_a_failure() -> None:
    """An error response, such as a missing password, counts as a failure."""
    with store_server() as server:
        server.execute("CONFIG SET requirepass correct-horse")
        async with open_store(server.url, within=SOON) as (store, calls):
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
            assert calls.by_outcome == {"failure": 1}

        with_password = server.url.replace("//", "//:correct-horse@")
        async with open_store(with_password, within=SOON) as (store, calls):
            assert await read(store, "a") is None


@pytest.mark.anyio
async def test_a_command_is_sent_once() -> None:
    """A command is not repeated after its connection broke: a counter must not be incremented twice."""
    received: list[bytes] = []
    greetings = {b"HELLO": b"%0\r\n", b"CLIENT": b"+OK\r\n"}

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A command is an array of texts, each behind its length: *2 $4 INCR $1 a
        while line := await reader.readline():
            parts = [(await reader.readline(), await reader.readline())[1] for _ in range(int(line[1:]))]
            received.append(parts[0].strip())
            if received[-1] not in greetings:
                break
            writer.write(greetings[received[-1]])
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with open_store(f"redis://127.0.0.1:{port}", within=SOON) as (store, calls):
            with pytest.raises(RedisUnavailable):
                await store.execute(lambda: store.redis.incr("a"))

    assert [command for command in received if command not in greetings] == [b"INCRBY"]
    assert calls.by_outcome == {"failure": 1}


@pytest.mark.anyio
async def test_a_failure_does_not_reveal_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log nor the exception contains the host or the password of the store."""
    url = f"redis://:hunter2@127.0.0.1:{free_port()}"
    async with open_store(url) as (store, _):
        with caplog.at_level(logging.DEBUG), pytest.raises(RedisUnavailable) as failed:
            await read(store, "a")

    log = caplog.text + "".join(traceback.format_exception(failed.value))
    assert "hunter2" not in log
    assert "127.0.0.1" not in log
    assert "RedisUnavailable" in log


@pytest.mark.anyio
async def test_a_programming_error_is_not_a_failure_of_the_store() -> None:
    """Other exceptions are raised unchanged, and later calls are not skipped."""
    async with open_store(f"redis://127.0.0.1:{free_port()}") as (store, calls):

        async def mistaken() -> None:
            raise KeyError("a")

        for _ in range(2):
            with pytest.raises(KeyError):
                await store.execute(mistaken)

        assert calls.by_outcome == {}


def test_other_schemes_are_refused() -> None:
    """A URL with another scheme is refused when the store is created."""
    with pytest.raises(ValueError, match="scheme"):
        RedisStore("http://127.0.0.1", timeout=0.1)
