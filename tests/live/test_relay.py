"""Replicas share the changes of their own mutations over a Valkey or Redis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from gateway.app import create_app
from gateway.live.changes import Change, Changes, ChangeStream, Watch
from gateway.live.relay import MAX_MESSAGE, MAX_QUEUED, RELAY_CONNECTED, RELAY_MESSAGES, Message, Relay
from gateway.redis_store import REDIS_CALLS, RedisStore
from gateway.settings import Settings
from tests.live.published_cases import shown
from tests.mutations.mutation_cases import key
from tests.store_server import PATIENCE, StoreServer, free_port, needs_store_server, store_server

pytestmark = [pytest.mark.anyio, needs_store_server]

CHANNEL = "gateway:changes:0"
LOAN = Watch("loan", "id", key(1))
DOCUMENT = "mutation($input: AddLoanInfoInput!) { addLoanInfo(input: $input) { __typename } }"


class Replica:
    """A process with a gateway, as far as changes are concerned."""

    def __init__(self, http: httpx.AsyncClient, changes: Changes) -> None:
        self.changes = changes
        self._http = http

    def watch(self, tenant: str = "diku", watch: Watch = LOAN) -> ChangeStream:
        return self.changes.watch(tenant, watch)

    async def change(self, number: int = 1) -> None:
        """Execute a mutation that changes a loan."""
        inputs = {"loanId": key(number), "action": "STAFF_INFO_ADDED", "comment": "x"}
        response = await self._http.post(
            "/graphql",
            json={"query": DOCUMENT, "variables": {"input": inputs}},
            headers={"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret"},
        )
        assert response.json() == {"data": {"addLoanInfo": {"__typename": "LoanInfoAdded"}}}


@asynccontextmanager
async def open_replica(url: str) -> AsyncIterator[Replica]:
    app = create_app(
        Settings(okapi_url="http://folio", redis_url=url, redis_timeout=2),
        transport=lambda limits: httpx.MockTransport(lambda request: httpx.Response(204)),
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http,
    ):
        yield Replica(http, app.state.changes)


@asynccontextmanager
async def open_replicas(server: StoreServer, number: int = 2) -> AsyncIterator[list[Replica]]:
    """Open replicas, and wait until all of them receive."""
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(open_replica(server.url)) for _ in range(number)]
        await until(lambda: all(each.changes.position for each in replicas))
        yield replicas


@asynccontextmanager
async def open_relay(
    url: str, *, within: float = 2, pause: float = 0.05, ping_seconds: float = 5.0
) -> AsyncIterator[tuple[Relay, Changes]]:
    """Open a relay, and wait until it receives."""
    store = RedisStore(url, timeout=within, pause=pause, ping_seconds=ping_seconds)
    changes = Changes()
    relay = Relay(store, changes, pause=pause)
    relay.start()
    try:
        await until(lambda: changes.position > 0)
        yield relay, changes
    finally:
        await relay.aclose()
        await store.aclose()


def subscribers(server: StoreServer) -> int:
    return int(server.execute(f"PUBSUB NUMSUB {CHANNEL}").rpartition(b":")[2])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the condition may be another process's
            await asyncio.sleep(0.01)


async def following(stream: ChangeStream) -> str:
    async with asyncio.timeout(PATIENCE):
        return shown([await anext(stream)])[0]


async def resync_of(stream: ChangeStream) -> None:
    """Wait for the change that tells a stream to read again; others may come before."""
    while await following(stream) != "loan resync : id=1":
        pass


def change(number: int = 1, tenant: str = "diku") -> Change:
    return Change(
        tenant=tenant,
        subject="loan",
        kind="updated",
        id=key(number),
        keys=frozenset({("id", key(number))}),
        occurred_at=datetime.now(UTC),
        position=number,
    )


async def publish(server: StoreServer, content: bytes) -> None:
    store = RedisStore(server.url, timeout=2)
    await store.execute(lambda: store.redis.publish(CHANNEL, content))
    await store.aclose()


async def test_a_mutation_at_one_replica_is_a_change_at_the_other() -> None:
    """Both replicas publish it to their own streams of the tenant, once."""
    with store_server() as server:
        async with open_replicas(server) as (one, other):
            streams, foreign = [one.watch(), other.watch()], other.watch("university")
            before = dict(RELAY_MESSAGES.counts)

            await one.change()
            assert [await following(each) for each in streams] == ["loan updated 1: id=1"] * 2
            await other.change(2)  # when it is at both, so is all that was sent before it
            await until(lambda: len(one.changes.kept) > 1)

            assert shown(one.changes.kept) == shown(other.changes.kept)
            assert shown(one.changes.kept) == ["loan updated 1: id=1", "loan updated 2: id=2"]
            assert one.changes.kept[0] == other.changes.kept[0]
            foreign.close()
            assert [each async for each in foreign] == []
            counted = {name: RELAY_MESSAGES.counts[name] - number for name, number in before.items()}
            assert counted == {"sent": 2, "received": 2, "malformed": 0, "oversized": 0, "dropped": 0}


async def test_a_stream_resumes_at_another_replica() -> None:
    """A replica without streams keeps the changes of the others, exactly those from a position on."""
    with store_server() as server:
        async with open_replicas(server) as (one, other):
            await one.change()
            await one.change()
            await until(lambda: len(other.changes.kept) == 2)
            _, second = one.changes.kept

            resumed = other.changes.since("diku", LOAN, second.position)

            assert resumed is not None
            assert [*resumed] == [second]


async def test_a_store_that_comes_back_is_a_resync(caplog: pytest.LogCaptureFixture) -> None:
    """While it is away own changes reach own streams. Then all streams are to read again, and are live."""
    caplog.set_level(logging.WARNING, "gateway.live.relay")
    with store_server() as server:
        async with open_replicas(server) as (one, other):
            own, foreign = one.watch(), other.watch()
            assert RELAY_CONNECTED.counts[""] == 1

            server.kill()
            await until(lambda: RELAY_CONNECTED.counts[""] == 0)
            await one.change()
            assert await following(own) == "loan updated 1: id=1"
            server.start()
            await until(lambda: subscribers(server) == 2)

            await resync_of(own)
            await resync_of(foreign)
            last = other.watch(watch=Watch("loan", "id", key(2)))
            await one.change(2)
            assert await following(last) == "loan updated 2: id=2"
            assert RELAY_CONNECTED.counts[""] == 1
    lost = "The changes of other replicas are not received: the shared store is unavailable"
    back = "The changes of other replicas are received again"
    logged = [each.getMessage() for each in caplog.records if each.name == "gateway.live.relay"]
    assert logged == [lost, lost, back, back]


async def test_a_change_waits_for_the_store() -> None:
    """A change that the store does not take in time is sent again when it responds."""
    with store_server() as server:
        async with open_relay(server.url, within=0.05) as (one, _), open_relay(server.url) as (_, changes):
            stream = changes.watch("diku", LOAN)
            sent, failed = RELAY_MESSAGES.counts["sent"], REDIS_CALLS.counts["failure"]
            server.pause()
            one.send([change()])
            await until(lambda: REDIS_CALLS.counts["failure"] > failed)
            assert RELAY_MESSAGES.counts["sent"] == sent
            server.resume()

            assert await following(stream) == "loan updated 1: id=1"
            await until(lambda: RELAY_MESSAGES.counts["sent"] == sent + 1)


async def test_dropped_changes_are_a_resync_of_the_others() -> None:
    """If too many changes wait for the store, the other replicas tell their streams to read again."""
    with store_server() as server:
        async with open_relay(server.url) as (_, changes):
            stream = changes.watch("diku", LOAN)
            dropped = RELAY_MESSAGES.counts["dropped"]
            async with open_relay(server.url) as (one, _):
                one.send(change(number) for number in range(2, MAX_QUEUED + 3))

                assert (await following(stream)).startswith("loan resync : ")
            await until(lambda: changes.kept[-1].id == key(MAX_QUEUED + 2))
            assert RELAY_MESSAGES.counts["dropped"] == dropped + 1


async def test_what_is_no_message_is_followed_by_a_resync() -> None:
    """Malformed and oversized messages are counted, and the next one is published. All streams are to read
    again, once, because such a message may have had changes.
    """
    contents = [
        b"",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        b'{"sender": "x", "changes": [{"tenant": "diku"}]}',
        b'{"sender": "x", "changes": [{"tenant": 1}]}',
        msgspec.json.encode({"sender": "x", "changes": [msgspec.to_builtins(change()) | {"subject": "?"}]}),
    ]
    with store_server() as server:
        async with open_relay(server.url, pause=1.0) as (_, changes):  # in which all of them are received
            stream = changes.watch("diku", LOAN)
            before = dict(RELAY_MESSAGES.counts)
            for content in contents:
                await publish(server, content)
            await publish(server, b" " * (MAX_MESSAGE + 1))
            await publish(server, msgspec.json.encode(Message(sender="x", changes=[change()])))

            assert await following(stream) == "loan updated 1: id=1"
            counted = {name: RELAY_MESSAGES.counts[name] - number for name, number in before.items()}
            assert counted == {"sent": 0, "received": 1, "malformed": 7, "oversized": 1, "dropped": 0}
            assert len(changes.kept) == 1
            position = changes.kept[0].position
            assert (await following(stream)).startswith("loan resync : ")
            assert changes.since("diku", LOAN, position) is None
            assert stream.first_pending is None


async def test_a_store_that_does_not_respond_is_noticed() -> None:
    """A connection on which no ping is answered is given up, and a new one is tried until it is back."""
    with store_server() as server:
        async with open_relay(server.url, ping_seconds=0.1) as (_, changes):
            stream = changes.watch("diku", LOAN)
            server.pause()
            await until(lambda: RELAY_CONNECTED.counts[""] == 0)
            server.resume()

            assert (await following(stream)).startswith("loan resync : ")
            assert RELAY_CONNECTED.counts[""] == 1


async def test_a_store_that_is_away_at_the_start_does_not_delay_it() -> None:
    """A gateway starts, serves and stops without its store, and own changes reach own streams."""
    async with open_replica(f"redis://127.0.0.1:{free_port()}/0") as replica:
        stream = replica.watch()
        await replica.change()

        assert await following(stream) == "loan updated 1: id=1"


async def test_databases_do_not_share_changes() -> None:
    """Deployments on different databases of one store do not receive each other's changes."""
    with store_server() as server:
        async with open_relay(server.url), open_relay(server.url[:-1] + "1"):
            assert b"gateway:changes:1" in server.execute("PUBSUB CHANNELS")


async def test_no_relay_beside_the_embedded_library() -> None:
    """The embedded library publishes its changes itself: mutations are not published twice, nor relayed."""
    with store_server() as server:
        app = create_app(Settings(sandbox=True, redis_url=server.url))
        async with app.router.lifespan_context(app):
            app.state.changes.watch("diku", LOAN)
            for _ in range(5):
                await asyncio.sleep(0)

            assert server.execute("PUBSUB CHANNELS") == b"*0\r\n"
