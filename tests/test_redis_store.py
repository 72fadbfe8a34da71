"""The shared store may be slow or away: whoever asks is told so soon, and it is used when it is back."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.redis_store import MAX_CONNECTIONS, RedisStore, RedisUnavailable
from tests.store_server import StoreCalls, StoreServer, free_port, needs_store_server, store_server

SOON = 2.0  # seconds: many times the timeout, for a busy machine, and far from the client's own 5


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(
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
    """What one wrote another reads, whichever of its two names the store goes by."""
    with store_server() as server:
        url = server.url.replace("redis", kind, 1)
        async with opened(url, within=SOON) as (one, calls), opened(url, within=SOON) as (other, _):
            await written(one, "a", "1")

            assert await read(other, "a") == b"1"
            assert calls.by_outcome == {"success": 2}


@pytest.mark.anyio
async def test_a_store_that_is_away_is_asked_once_a_second() -> None:
    """After a failure nothing is asked for a second; then one question tries, and the others do not wait."""
    clock = Clock()
    async with opened(f"redis://127.0.0.1:{free_port()}", clock=clock) as (store, calls):
        for _ in range(5):
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
        assert calls.by_outcome == {"failure": 1, "skipped": 4}

        clock.now += 1.0
        answers = await asyncio.gather(*(read(store, "a") for _ in range(5)), return_exceptions=True)

        assert [type(answer) for answer in answers] == [RedisUnavailable] * 5
        assert calls.by_outcome == {"failure": 2, "skipped": 8}


@needs_store_server
@pytest.mark.anyio
async def test_a_store_that_is_back_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    """When it answers the one question that tries, every question goes to it; both turns are logged."""
    clock = Clock()
    with store_server() as server, caplog.at_level(logging.WARNING, "gateway"):
        async with opened(server.url, within=SOON, clock=clock) as (store, calls):
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
async def test_a_restart_between_two_questions_goes_unnoticed() -> None:
    """Connections of before a restart are no failure of the store: the next question is answered."""
    with store_server() as server:
        async with opened(server.url, within=SOON) as (store, calls):
            keys = [f"key-{number}" for number in range(10)]
            await asyncio.gather(*(written(store, key, "1") for key in keys))
            server.kill()
            server.start()
            await asyncio.sleep(0.05)  # for the loop to read that the connections have ended

            assert await asyncio.gather(*(read(store, key) for key in keys)) == [None] * 10
            assert calls.by_outcome == {"success": 20}


@needs_store_server
@pytest.mark.anyio
async def test_a_store_that_hangs_is_given_up_soon() -> None:
    """A store that takes the question and says nothing costs the timeout, not the client's patience."""
    with store_server() as server:
        async with opened(server.url, pause=0.0) as (store, calls):
            await warmed_up(store)
            calls.clear()
            server.hold_up()
            began = time.monotonic()
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
            took = time.monotonic() - began
            server.let_go()

            assert 0.1 <= took < SOON
            assert calls.by_outcome == {"failure": 1}


@needs_store_server
@pytest.mark.anyio
async def test_nobody_reads_an_answer_to_another_question() -> None:
    """Questions that were given up leave no answer behind for those that follow, and lose no connection."""
    clock = Clock()
    keys = [f"key-{number}" for number in range(3 * MAX_CONNECTIONS)]
    with store_server() as server:
        async with opened(server.url, within=0.5, clock=clock) as (store, _):
            for key in keys:
                await written(store, key, f"of {key}")

            for round_of in range(3):
                await given_up(server, store, keys)
                clock.now += 1.0
                assert await read(store, keys[round_of]) == f"of {keys[round_of]}".encode()

            values = await asyncio.gather(*(read(store, key) for key in keys))
            assert values == [f"of {key}".encode() for key in keys]


async def given_up(server: StoreServer, store: RedisStore, keys: list[str]) -> None:
    """Ask a store that hangs all at once, some until they are cancelled, the rest until they fail, soon."""
    server.hold_up()
    tasks = [asyncio.create_task(read(store, key)) for key in keys]
    await asyncio.sleep(0.05)
    for task in tasks[::2]:
        task.cancel()
    began = time.monotonic()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    took = time.monotonic() - began
    server.let_go()
    assert took < SOON
    assert {type(answer) for answer in answers} == {asyncio.CancelledError, RedisUnavailable}


async def warmed_up(store: RedisStore) -> None:
    """Open a connection, which on a busy machine may take longer than the timeout."""
    for _ in range(50):
        try:
            await read(store, "a")
        except RedisUnavailable:
            continue
        else:
            return
    pytest.fail("the store does not answer")


@needs_store_server
@pytest.mark.anyio
async def test_a_refusal_is_a_failure() -> None:
    """A store that answers with an error, as one that wants a password does, is no store."""
    with store_server() as server:
        server.ask("CONFIG SET requirepass correct-horse")
        async with opened(server.url, within=SOON) as (store, calls):
            with pytest.raises(RedisUnavailable):
                await read(store, "a")
            assert calls.by_outcome == {"failure": 1}

        with_password = server.url.replace("//", "//:correct-horse@")
        async with opened(with_password, within=SOON) as (store, calls):
            assert await read(store, "a") is None


@pytest.mark.anyio
async def test_a_question_is_sent_once() -> None:
    """A question whose connection breaks is not sent again: a counter must not be raised twice."""
    heard: list[bytes] = []
    greetings = {b"HELLO": b"%0\r\n", b"CLIENT": b"+OK\r\n"}

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A command is an array of texts, each behind its length: *2 $4 INCR $1 a
        while line := await reader.readline():
            parts = [(await reader.readline(), await reader.readline())[1] for _ in range(int(line[1:]))]
            heard.append(parts[0].strip())
            if heard[-1] not in greetings:
                break
            writer.write(greetings[heard[-1]])
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"redis://127.0.0.1:{port}", within=SOON) as (store, calls):
            with pytest.raises(RedisUnavailable):
                await store.execute(lambda: store.redis.incr("a"))

    assert [command for command in heard if command not in greetings] == [b"INCRBY"]
    assert calls.by_outcome == {"failure": 1}


@pytest.mark.anyio
async def test_a_failure_tells_no_address(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log nor the exception has the host or the password of the store."""
    url = f"redis://:hunter2@127.0.0.1:{free_port()}"
    async with opened(url) as (store, _):
        with caplog.at_level(logging.DEBUG), pytest.raises(RedisUnavailable) as failed:
            await read(store, "a")

    told = caplog.text + "".join(traceback.format_exception(failed.value))
    assert "hunter2" not in told
    assert "127.0.0.1" not in told
    assert "RedisUnavailable" in told


@pytest.mark.anyio
async def test_a_mistake_of_ours_is_no_failure_of_the_store() -> None:
    """An exception that is not the store's is raised as it is, and the store is asked on."""
    async with opened(f"redis://127.0.0.1:{free_port()}") as (store, calls):

        async def mistaken() -> None:
            raise KeyError("a")

        for _ in range(2):
            with pytest.raises(KeyError):
                await store.execute(mistaken)

        assert calls.by_outcome == {}


def test_only_stores_are_taken() -> None:
    """A URL of another kind is refused when the store is made, not when it is asked."""
    with pytest.raises(ValueError, match="scheme"):
        RedisStore("http://127.0.0.1", timeout=0.1)


def test_who_shares_nothing_does_not_load_the_client() -> None:
    """A gateway without REDIS_URL and RATE_LIMIT starts without the libraries for them."""
    script = (
        "import sys; from gateway.app import create_app; from gateway.settings import Settings;"
        "create_app(Settings(sandbox=True));"
        "sys.exit(bool({'redis', 'limits'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0  # noqa: S603
