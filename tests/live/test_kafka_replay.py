"""A stream that resumes gets from Kafka's log what it has missed, or learns that it must read again."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.live.changes import Change, Watch
from gateway.live.kafka_connection import open_consumer
from gateway.live.kafka_records import Topics
from gateway.live.kafka_replay import (
    KAFKA_REPLAYS,
    MAX_AGE_SECONDS,
    Replay,
)
from gateway.settings import KafkaSettings
from tests.live.kafka_server import KafkaServer, Modules, kafka_server, loan_event, modules

pytestmark = pytest.mark.anyio

ENVIRONMENTS = itertools.count()  # each test has topics of its own in one broker
PARTITIONS = range(3)


class Log:
    """The loans of two tenants, and their replay over connections that are counted."""

    def __init__(self, settings: KafkaSettings, **limits: Any) -> None:
        self.topics = [f"{settings.env}.{tenant}.circulation.loan" for tenant in ("college", "university")]
        self.connections = 0
        self.replay = Replay(self._connect, Topics(settings.env), **limits)
        self._settings = settings

    def _connect(self) -> Any:
        self.connections += 1
        return open_consumer(self._settings)

    async def create(self, folio: Modules) -> None:
        """Create the topics, each with an event from before the test."""
        await folio.create(*self.topics, partitions=len(PARTITIONS))
        for topic in self.topics:
            await folio.send(topic, loan_event("nowhere", "l", "u"), timestamp=now() - 60_000, partition=2)

    def cover(self) -> None:
        self.replay.cover(dict.fromkeys(self.topics, PARTITIONS))


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[KafkaServer]:
    with kafka_server() as server:
        yield server


@pytest.fixture(name="settings")
def _settings(server: KafkaServer) -> KafkaSettings:
    return KafkaSettings(kafka_url=server.address, env=f"replay{next(ENVIRONMENTS)}")


def now() -> int:
    return time.time_ns() // 1_000_000


def ids(changes: list[Change] | None) -> list[str]:
    assert changes is not None
    return [each.id for each in changes]


async def test_exactly_the_missed_changes_are_replayed(settings: KafkaSettings, server: KafkaServer) -> None:
    """Those of the tenant, of the watch, and after the position, in the order of their times."""
    log = Log(settings)
    began = now() - 10_000
    sent: list[tuple[int, str, str, str]] = [
        (0, "college", "l0", "u1"),  # seen before the break
        (3000, "college", "l3", "u1"),
        (2000, "college", "l2", "u1"),
        (2500, "college", "other", "u2"),
        (2500, "university", "foreign", "u1"),
        (4000, "college", "l4", "u1"),
    ]
    async with modules(server.address) as folio:
        await log.create(folio)
        for number, (time, tenant, id, user) in enumerate(sent):
            await folio.send(
                f"{settings.env}.{tenant}.circulation.loan",
                loan_event(tenant, id, user),
                timestamp=began + time,
                partition=number % len(PARTITIONS),
            )
    log.cover()

    of_user = await log.replay.since("college", Watch("loan", "userId", "u1"), began + 1000)
    of_loan = await log.replay.since("college", Watch("loan", "id", "l3"), began + 1000)
    foreign = await log.replay.since("university", Watch("loan", "userId", "u1"), began + 1000)
    later = await log.replay.since("college", Watch("loan", "userId", "u1"), began + 9000)
    accounts = await log.replay.since("college", Watch("accounts", "userId", "u1"), began)

    assert ids(of_user) == ["l2", "l3", "l4"]
    assert ids(of_loan) == ["l3"]
    assert ids(foreign) == ["foreign"]
    assert (later, accounts) == ([], [])
    assert [each.position for each in of_user or ()] == [began + 2000, began + 3000, began + 4000]


async def test_the_position_itself_is_read(settings: KafkaSettings, server: KafkaServer) -> None:
    """Several events have the same millisecond: the id of a result says which of them were sent."""
    log = Log(settings)
    began = now()
    async with modules(server.address) as folio:
        await log.create(folio)
        for id, time in (("before", began - 1), ("same", began), ("also", began)):
            await folio.send(log.topics[0], loan_event("college", id, "u1"), timestamp=time, partition=0)
    log.cover()

    assert ids(await log.replay.since("college", Watch("loan", "userId", "u1"), began)) == ["same", "also"]


async def test_streams_that_resume_share_a_read(settings: KafkaSettings, server: KafkaServer) -> None:
    """Of 200 streams one is served first and all others by one more read, each with its own changes."""
    log = Log(settings)
    began = now()
    before = Counter(KAFKA_REPLAYS.counts)
    async with modules(server.address) as folio:
        await log.create(folio)
        for number in range(400):
            event = loan_event("college", f"l{number}", f"u{number % 200}", "CREATED")
            await folio.post(log.topics[0], event, key=f"l{number}")
        await folio.producer.flush()
    log.cover()

    async def resume(number: int) -> list[Change] | None:
        return await log.replay.since("college", Watch("loan", "userId", f"u{number}"), began - 1)

    first = asyncio.create_task(resume(0))
    await asyncio.sleep(0)  # it begins to read
    results = await asyncio.gather(first, *map(resume, range(1, 200)))

    assert [set(ids(each)) for each in results] == [{f"l{each}", f"l{each + 200}"} for each in range(200)]
    assert log.connections == 2
    assert Counter(KAFKA_REPLAYS.counts) - before == {"success": 200}


async def test_what_cannot_be_replayed_is_none(settings: KafkaSettings, server: KafkaServer) -> None:
    """An old position, too many events, and an unavailable Kafka: the stream reads everything again."""
    log = Log(settings, max_events=6)
    watch = Watch("loan", "userId", "u1")
    began = now()
    before = Counter(KAFKA_REPLAYS.counts)
    async with modules(server.address) as folio:
        await log.create(folio)
        for number in range(6):
            await folio.send(log.topics[0], loan_event("college", f"l{number}", "u1"), key=f"l{number}")
            if number < 5:
                await folio.send(log.topics[1], loan_event("university", f"l{number}", "u1"))

    assert await log.replay.since("college", watch, began) is None  # not covered, so not counted
    log.cover()
    assert await log.replay.since("college", watch, now() - MAX_AGE_SECONDS * 1000 - 1) is None
    assert await log.replay.since("college", watch, began) is None
    assert len(ids(await log.replay.since("university", watch, began))) == 5
    assert Counter(KAFKA_REPLAYS.counts) - before == {"refused": 2, "success": 1}


async def test_a_failed_replay_is_none(caplog: pytest.LogCaptureFixture) -> None:
    """Kafka goes away at the moment of the resumption."""
    with kafka_server() as server:
        settings = KafkaSettings(kafka_url=server.address)
    log = Log(settings)
    log.cover()
    before = Counter(KAFKA_REPLAYS.counts)

    assert await log.replay.since("college", Watch("loan", "userId", "u1"), now()) is None
    assert Counter(KAFKA_REPLAYS.counts) - before == {"failure": 1}
    assert [each.getMessage() for each in caplog.records] == [
        "Kafka's log cannot be read again: KafkaConnectionError"
    ]


async def test_a_log_that_is_younger_than_the_position(settings: KafkaSettings, server: KafkaServer) -> None:
    """It may have been deleted and created again, so that its events are not all: streams read again.

    That of another tenant is complete, and so is this one for streams whose position it had an event before.
    """
    log = Log(settings)
    watch = Watch("loan", "userId", "u1")
    began = now() - 10_000
    async with modules(server.address) as folio:
        await log.create(folio)
        await folio.send(log.topics[0], loan_event("college", "lost", "u1"), timestamp=began + 1000)
        await folio.send(log.topics[1], loan_event("university", "l0", "u1"), timestamp=began + 1000)
        await folio.admin.delete_topics([log.topics[0]])
        await folio.create(log.topics[0], partitions=len(PARTITIONS))
        for id, time in (("l1", 3000), ("l2", 2000)):
            await folio.send(log.topics[0], loan_event("college", id, "u1"), timestamp=began + time)
    log.cover()
    before = Counter(KAFKA_REPLAYS.counts)

    results = await asyncio.gather(
        log.replay.since("college", watch, began),
        log.replay.since("college", watch, began + 2500),
        log.replay.since("university", watch, began),
    )

    assert results[0] is None
    assert [ids(each) for each in results[1:]] == [["l1"], ["l0"]]
    assert Counter(KAFKA_REPLAYS.counts) - before == {"refused": 1, "success": 2}
