"""Subscriptions over a real Kafka: several replicas, a resumption on another one, and an outage."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.live.kafka import KafkaSource
from gateway.live.kafka_replay import KAFKA_REPLAYS
from gateway.sandbox import Event, Sandbox, create_sandbox
from gateway.settings import KafkaSettings
from tests.live.kafka_server import KafkaServer, Modules, kafka_server, loan_event, modules
from tests.live.live_library import LiveLibrary, idle, live_library
from tests.store_server import PATIENCE

pytestmark = pytest.mark.anyio

HOUR_MS = 3_600_000
LOANS_OF_USER = "subscription($id: ID!) { loanChanged(userId: $id) { kind loan { id renewalCount } } }"


@pytest.fixture(name="server")
def _server() -> Iterator[KafkaServer]:
    with kafka_server() as server:
        yield server


class Library:
    """The embedded library, whose modules send their events to Kafka."""

    def __init__(self, server: KafkaServer, sandbox: Sandbox, folio: Modules) -> None:
        self.settings = KafkaSettings(kafka_url=server.address)
        self.sandbox = sandbox
        self.folio = folio
        self.events: list[Event] = []
        loans = sandbox.library("diku").loans
        users = Counter(each["userId"] for each in loans.values() if "userId" in each)
        ((self.user_id, _),) = users.most_common(1)
        self.loans = [id for id, each in loans.items() if each.get("userId") == self.user_id][:3]

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[LiveLibrary]:
        """Start a gateway that has read nothing of Kafka, and return when it is connected."""
        async with live_library(sandbox=self.sandbox) as replica:
            self.sandbox.publish = self.events.append
            source = replica.changes.log = KafkaSource(
                self.settings, replica.changes, probe_timeout=0.5, discovery_seconds=0.1
            )
            source.start()
            try:
                async with asyncio.timeout(PATIENCE):
                    while replica.changes.position == 0:  # noqa: ASYNC110 - it has no event for tests
                        await asyncio.sleep(0.01)
                yield replica
            finally:
                await source.aclose()

    async def renew(self, replica: LiveLibrary, loan: str, count: int, *, at: int | None = None) -> int:
        """Renew a loan, wait until Kafka has the event, and return its time in milliseconds."""
        replica.update("loans", loan, renewalCount=count)
        events, self.events[:] = list(self.events), []
        assert [each.topic for each in events] == ["circulation.loan"]
        for each in events:
            at = at or each.timestamp
            topic = f"folio.{each.tenant}.{each.topic}"
            await self.folio.send(topic, each.value, key=each.key, timestamp=at)
        assert at is not None
        return at


@pytest.fixture(name="library")
async def _library(server: KafkaServer) -> AsyncIterator[Library]:
    async with modules(server.address) as folio:
        await folio.create("folio.diku.circulation.loan", partitions=10)
        earlier = time.time_ns() // 1_000_000 - 60_000
        await folio.send("folio.diku.circulation.loan", loan_event("diku", "l", "u"), timestamp=earlier)
        yield Library(server, create_sandbox(), folio)


async def test_a_stream_resumes_on_another_replica(library: Library) -> None:
    """It receives each loan that was renewed in between once, and then those that are renewed later."""
    first, second, third = library.loans
    variables = {"id": library.user_id}
    before = Counter(KAFKA_REPLAYS.counts)
    async with library.replica() as one:
        stream = await one.subscribe(LOANS_OF_USER, variables)
        waiting = await stream.begin()
        await library.renew(one, first, 1)
        seen = await waiting
        await stream.response.aclose()
        await library.renew(one, second, 2)
        await library.renew(one, third, 3)
        await library.renew(one, third, 4)

    async with library.replica() as other:
        resumed = await other.subscribe(LOANS_OF_USER, variables, resume_after=seen.id)
        missed = [(await resumed.next()).data["loanChanged"] for _ in range(2)]
        nothing = await resumed.begin()
        assert await idle(nothing)
        await library.renew(other, first, 5)
        later = (await nothing).data["loanChanged"]

    assert seen.data["loanChanged"] == {"kind": "UPDATED", "loan": {"id": first, "renewalCount": 1}}
    assert missed == [
        {"kind": "UPDATED", "loan": {"id": second, "renewalCount": 2}},
        {"kind": "UPDATED", "loan": {"id": third, "renewalCount": 4}},
    ]
    assert later == {"kind": "UPDATED", "loan": {"id": first, "renewalCount": 5}}
    assert Counter(KAFKA_REPLAYS.counts) - before == {"success": 1}


async def test_a_change_that_comes_late_is_not_missed(library: Library) -> None:
    """A partition that waits for another broker is behind others, which a stream has seen that resumes."""
    first, second, _ = library.loans
    variables = {"id": library.user_id}
    async with library.replica() as one:
        stream = await one.subscribe(LOANS_OF_USER, variables)
        waiting = await stream.begin()
        at = await library.renew(one, first, 1)
        seen = await waiting
        await stream.response.aclose()
        await library.renew(one, second, 2, at=at - 1400)
        async with asyncio.timeout(PATIENCE):
            while len(one.changes.kept) < 2:  # noqa: ASYNC110 - it has no event for tests
                await asyncio.sleep(0.01)
        resumed = await one.subscribe(LOANS_OF_USER, variables, resume_after=seen.id)
        missed = (await resumed.next()).data["loanChanged"]
        assert await idle(await resumed.begin())

    assert missed == {"kind": "UPDATED", "loan": {"id": second, "renewalCount": 2}}


async def test_a_clock_that_is_ahead_hides_no_later_change(library: Library) -> None:
    """A module whose clock is an hour ahead dates its events in the future. Changes after them are
    resumed all the same, at this replica and at one that began after the event.
    """
    first, second, third = library.loans
    variables = {"id": library.user_id}
    async with library.replica() as one:
        stream = await one.subscribe(LOANS_OF_USER, variables)
        waiting = await stream.begin()
        await library.renew(one, first, 1, at=time.time_ns() // 1_000_000 + HOUR_MS)
        seen = await waiting
        await stream.response.aclose()
        await library.renew(one, second, 2)
        async with asyncio.timeout(PATIENCE):
            while len(one.changes.kept) < 2:  # noqa: ASYNC110 - it has no event for tests
                await asyncio.sleep(0.01)
        resumed = await one.subscribe(LOANS_OF_USER, variables, resume_after=seen.id)
        here = (await resumed.next()).data["loanChanged"]
        await resumed.response.aclose()
        begun = await one.subscribe(LOANS_OF_USER, variables)
        beginning = begun.response.resume_id
        await begun.response.aclose()
        await library.renew(one, third, 3)

    async with library.replica() as other:
        resumed = await other.subscribe(LOANS_OF_USER, variables, resume_after=beginning)
        missed = [(await resumed.next()).data["loanChanged"] for _ in range(3)]

    assert here == {"kind": "UPDATED", "loan": {"id": second, "renewalCount": 2}}
    assert {"kind": "UPDATED", "loan": {"id": third, "renewalCount": 3}} in missed


async def test_an_outage_is_a_result_of_each_stream(library: Library, server: KafkaServer) -> None:
    """Streams stay open while Kafka is away. Then each gets a resync, and goes on."""
    async with library.replica() as one:
        stream = await one.subscribe(LOANS_OF_USER, {"id": library.user_id})
        waiting = await stream.begin()
        server.kill()
        server.start()

        assert (await waiting).data["loanChanged"]["kind"] == "RESYNC"
        async with modules(server.address) as library.folio:
            await library.folio.create("folio.diku.circulation.loan")
            later = await stream.begin()
            await library.renew(one, library.loans[0], 2)
            result = (await later).data["loanChanged"]

    assert result == {"kind": "UPDATED", "loan": {"id": library.loans[0], "renewalCount": 2}}
