"""Faults of Kafka's brokers: events are neither lost nor repeated, or streams read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from gateway.live.changes import Change, Changes, ChangeStream, Watch
from gateway.live.kafka import KAFKA_RESYNCS, KafkaSource
from gateway.settings import KafkaSettings
from tests.live.faulty_kafka import (
    DISCONNECTED,
    FETCH,
    NOT_LEADER,
    OFFSET_OUT_OF_RANGE,
    REQUEST_TIMED_OUT,
    FaultyKafka,
    faulty_kafka,
)
from tests.live.kafka_server import Modules, loan_event
from tests.store_server import PATIENCE

pytestmark = pytest.mark.anyio

TOPIC = "folio.college.circulation.loan"
LOANS = Watch("loan", "userId", "u1")


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[FaultyKafka]:
    with faulty_kafka(2) as cluster:
        cluster.create(TOPIC, leader=1)
        yield cluster


class Opened:
    """A source over the cluster, one stream, and a module that sends events of loans."""

    def __init__(self, source: KafkaSource, stream: ChangeStream, folio: Modules) -> None:
        self.source = source
        self._stream = stream
        self._folio = folio
        self._sent = 0

    async def send(self, number: int) -> None:
        """Send events of the next loans, wherever their partition is."""
        for _ in range(number):
            await self._folio.send(TOPIC, loan_event("college", f"l{self._sent}", "u1"))
            self._sent += 1

    async def next(self) -> Change:
        return await asyncio.wait_for(anext(self._stream), PATIENCE)

    async def receive(self, number: int) -> list[str]:
        return [(await self.next()).id for _ in range(number)]


@asynccontextmanager
async def opened(cluster: FaultyKafka, **options: Any) -> AsyncIterator[Opened]:
    changes = Changes()
    source = KafkaSource(KafkaSettings(kafka_url=cluster.address), changes, **options)
    stream = changes.watch("college", LOANS)
    producer = AIOKafkaProducer(bootstrap_servers=cluster.address, retry_backoff_ms=10)
    source.start()
    try:
        await producer.start()
        result = Opened(source, stream, Modules(producer, None))
        assert (await result.next()).kind == "resync"
        yield result
    finally:
        await source.aclose()
        await producer.stop()


async def test_failed_reads_are_repeated(cluster: FaultyKafka, caplog: pytest.LogCaptureFixture) -> None:
    """Timeouts, closed connections and a leader that is none cost no event, and are no outage."""
    before = KAFKA_RESYNCS.counts[""]
    async with opened(cluster) as reader:
        await reader.send(5)
        assert await reader.receive(5) == [f"l{number}" for number in range(5)]
        cluster.fail(FETCH, REQUEST_TIMED_OUT, DISCONNECTED, NOT_LEADER, REQUEST_TIMED_OUT)
        await reader.send(20)
        assert await reader.receive(20) == [f"l{number}" for number in range(5, 25)]

    assert KAFKA_RESYNCS.counts[""] == before
    assert caplog.records == []


async def test_another_broker_takes_over(cluster: FaultyKafka, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that is restarted leaves its partitions to another: no event is lost or repeated."""
    before = KAFKA_RESYNCS.counts[""]
    async with opened(cluster) as reader:
        await reader.send(5)
        cluster.lead(TOPIC, 2)
        cluster.stop(1)
        await reader.send(5)
        assert await reader.receive(10) == [f"l{number}" for number in range(10)]

    assert KAFKA_RESYNCS.counts[""] == before
    assert caplog.records == []


async def test_a_broker_that_nobody_replaces(cluster: FaultyKafka, caplog: pytest.LogCaptureFixture) -> None:
    """After the timeout it is an outage, although another broker responds; then streams read again.

    So do those that come back later with an id from before: the log lacks what modules could not send.
    """
    async with opened(cluster, probe_timeout=0.3) as reader:
        await reader.send(1)
        last = await reader.next()
        assert last.id == "l0"
        # These brokers look up no times, so that the log has nothing after any: none is missing.
        assert await reader.source.since("college", LOANS, last.position) == []
        cluster.stop(1)
        async with asyncio.timeout(PATIENCE):
            while not caplog.records:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.01)
        cluster.restart(1)
        resync = await reader.next()
        assert resync.kind == "resync"
        await reader.send(1)
        assert await reader.receive(1) == ["l1"]
        assert await reader.source.since("college", LOANS, last.position) is None
        assert await reader.source.since("college", LOANS, resync.position) == []

    assert [each.getMessage().partition(":")[0] for each in caplog.records] == [
        "Kafka is unavailable",
        "Kafka is available again",
    ]


async def test_events_that_are_gone(cluster: FaultyKafka, caplog: pytest.LogCaptureFixture) -> None:
    """If the next event to read is no longer in the log, streams read again, and go on at its end."""
    async with opened(cluster) as reader:
        await reader.send(1)
        assert await reader.receive(1) == ["l0"]
        cluster.fail(FETCH, OFFSET_OUT_OF_RANGE)
        assert (await reader.next()).kind == "resync"
        await reader.send(1)
        assert await reader.receive(1) == ["l1"]

    assert [each.getMessage() for each in caplog.records] == [
        "Kafka is unavailable: events that were not read are no longer in its log",
        "Kafka is available again",
    ]
