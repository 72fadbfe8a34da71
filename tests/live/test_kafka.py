"""Events of a real Kafka become changes, through its restarts and its faults."""

from __future__ import annotations

import asyncio
import itertools
import logging
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.live.changes import Change, Changes, ChangeStream, Watch
from gateway.live.kafka import KAFKA_AVAILABLE, KAFKA_RESYNCS, KafkaSource
from gateway.live.kafka_records import KAFKA_EVENTS
from gateway.settings import KafkaSettings
from tests.live.kafka_server import KafkaServer, kafka_server, loan_event, modules
from tests.store_server import PATIENCE, free_port

pytestmark = pytest.mark.anyio

USER = Watch("loan", "userId", "u1")
ENVIRONMENTS = itertools.count()  # each test has topics of its own in one broker


class Recorded(Changes):
    """Changes that remember what was published, each as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Change] = []

    def publish(self, change: Change) -> None:
        self.published.append(change)
        super().publish(change)


class Reader:
    """A source that is connected, with one stream of the loans of a user."""

    def __init__(self, source: KafkaSource, changes: Recorded, stream: ChangeStream) -> None:
        self.source = source
        self.changes = changes
        self._stream = stream

    async def next(self) -> Change:
        return await asyncio.wait_for(anext(self._stream), PATIENCE)

    async def until_published(self, number: int) -> None:
        await until(lambda: len(self.changes.published) >= number)


@asynccontextmanager
async def reader(settings: KafkaSettings, tenant: str = "college", **options: Any) -> AsyncIterator[Reader]:
    """Open a source and a stream, which first reads again because it is older than the connection."""
    changes = Recorded()
    source = KafkaSource(settings, changes, **options)
    opened = Reader(source, changes, changes.watch(tenant, USER))
    source.start()
    try:
        yield opened
    finally:
        await source.aclose()


@asynccontextmanager
async def connected(
    settings: KafkaSettings, tenant: str = "college", **options: Any
) -> AsyncIterator[Reader]:
    async with reader(settings, tenant, **options) as opened:
        assert (await opened.next()).kind == "resync"
        yield opened


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[KafkaServer]:
    with kafka_server() as server:
        yield server


@pytest.fixture(name="settings")
def _settings(server: KafkaServer) -> KafkaSettings:
    return KafkaSettings(kafka_url=server.address, env=f"test{next(ENVIRONMENTS)}")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the source has no event for tests
            await asyncio.sleep(0.01)


def kafka_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name.startswith("gateway.live")]


async def test_an_event_is_a_change_within_milliseconds(settings: KafkaSettings, server: KafkaServer) -> None:
    """Half of the changes are there 100 milliseconds after the event was sent, or sooner."""
    topic = f"{settings.env}.college.circulation.loan"
    delays = []
    async with modules(server.address) as folio:
        await folio.create(topic, partitions=10)
        async with connected(settings) as opened:
            for number in range(40):
                event = loan_event("college", f"l{number}", "u1", "CREATED")
                began = time.perf_counter()
                _, change = await asyncio.gather(folio.send(topic, event, key=f"l{number}"), opened.next())
                delays.append(time.perf_counter() - began)
                assert (change.kind, change.id, change.tenant) == ("created", f"l{number}", "college")

    assert statistics.median(delays) < 0.1


async def test_a_burst_of_events_of_two_tenants(settings: KafkaSettings, server: KafkaServer) -> None:
    """Of 10,000 events in 30 partitions none is lost, each record's are in order, and the loop is free."""
    topics = {each: f"{settings.env}.{each}.circulation.loan" for each in ("college", "university")}
    sent: defaultdict[tuple[str, str], list[int]] = defaultdict(list)

    async def send() -> None:
        async with modules(server.address) as folio:
            for number in range(10_000):
                tenant, id = ("college", "university")[number % 2], f"l{number % 97}"
                sent[tenant, id].append(number)
                await folio.post(topics[tenant], loan_event(tenant, id, "u1") | {"timestamp": number}, key=id)
            await folio.producer.flush()

    async with modules(server.address) as folio:
        await folio.create(*topics.values(), partitions=15)
    pauses: list[float] = []
    async with connected(settings) as opened:
        measuring = asyncio.create_task(_measure(pauses))
        await asyncio.to_thread(asyncio.run, send())
        await opened.until_published(10_000)
        measuring.cancel()

    received: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for change in opened.changes.published:
        received[change.tenant, change.id].append(round(change.occurred_at.timestamp() * 1000))
    assert received == sent
    assert max(pauses) < 0.1


async def _measure(pauses: list[float]) -> None:
    """Measure the turns of the event loop in seconds of CPU: the sender and other processes take it too."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(0.001)
        pauses.append(time.thread_time() - began)


async def test_a_new_tenant_is_found(settings: KafkaSettings, server: KafkaServer) -> None:
    """Events of topics that appear later are read, those before they are found too, and no other is lost."""
    first, later = (f"{settings.env}.{tenant}.circulation.loan" for tenant in ("college", "university"))
    async with modules(server.address) as folio:
        await folio.create(first)
        async with connected(settings, discovery_seconds=0.1) as opened:
            await folio.create(later, partitions=3)
            for number in range(30):
                await folio.send(first, loan_event("college", f"a{number}", "u1"), key=f"a{number}")
                await folio.send(later, loan_event("university", f"b{number}", "u1"), key=f"b{number}")
            await opened.until_published(60)

    counts = Counter((each.tenant, each.id) for each in opened.changes.published)
    assert counts == {
        (tenant, f"{letter}{number}"): 1
        for tenant, letter in (("college", "a"), ("university", "b"))
        for number in range(30)
    }


async def test_without_topics_the_source_waits_for_them(settings: KafkaSettings, server: KafkaServer) -> None:
    """FOLIO may be installed after the gateway."""
    topic = f"{settings.env}.college.circulation.loan"
    async with modules(server.address) as folio, connected(settings, discovery_seconds=0.1) as opened:
        await folio.create(topic)
        await folio.send(topic, loan_event("college", "l1", "u1"))

        assert (await opened.next()).id == "l1"


async def test_a_topic_of_several_tenants(settings: KafkaSettings, server: KafkaServer) -> None:
    """The payload says the tenant, or the header if the payload is bare."""
    loans, balances = (
        f"{settings.env}.ALL.{topic}" for topic in ("circulation.loan", "feesfines.FEE_FINE_BALANCE_CHANGED")
    )
    async with modules(server.address) as folio:
        await folio.create(loans, balances)
        async with connected(settings) as opened:
            await folio.send(loans, loan_event("college", "l1", "u1"))
            await folio.send(loans, loan_event("university", "l2", "u1"), tenant="university")
            await opened.until_published(2)
            await folio.send(balances, {"userId": "u1", "feeFineId": "f1", "balance": 1}, tenant="college")
            await opened.until_published(3)

    assert [(each.tenant, each.subject) for each in opened.changes.published] == [
        ("college", "loan"),
        ("university", "loan"),
        ("college", "accounts"),
    ]


async def test_bad_events_are_counted(settings: KafkaSettings, server: KafkaServer) -> None:
    """Malformed, oversized, unknown and foreign events do not keep the next one away, nor do other topics.

    Those that cannot be read may have been changes, so that all who watch loans are to read again.
    """
    topic, rules = (f"{settings.env}.college.circulation.{each}" for each in ("loan", "rules"))
    before = Counter(KAFKA_EVENTS.counts)
    async with modules(server.address) as folio:
        await folio.create(topic, rules, f"other{topic}", f"{topic}.copy")
        async with connected(settings) as opened:
            await folio.send(topic, b"{")
            await folio.send(topic, b"\xff" * 10)
            await folio.send(topic, b"[" * 100_000)
            await folio.send(topic, b'"' + b"x" * 1_500_000 + b'"')
            await folio.send(topic, {"type": "RENAMED", "tenant": "college"})
            await folio.send(topic, loan_event("university", "l0", "u1"))
            for name in (rules, f"other{topic}", f"{topic}.copy"):
                await folio.send(name, loan_event("college", "l0", "u1"))
            await folio.send(topic, loan_event("college", "l1", "u1"))

            assert (await opened.next()).id == "l1"
            resync = await opened.next()
            assert (resync.kind, resync.tenant, resync.subject) == ("resync", "college", "loan")
            assert len(opened.changes.published) == 4 + 1

    assert Counter(KAFKA_EVENTS.counts) - before == {
        "malformed": 3,
        "oversized": 1,
        "skipped": 2,
        "published": 1,
    }


async def test_a_broker_that_is_killed_and_restarted(caplog: pytest.LogCaptureFixture) -> None:
    """The log and /metrics say once that it is away; after the restart streams read again and go on."""
    caplog.set_level(logging.WARNING)
    before = KAFKA_RESYNCS.counts[""]
    with kafka_server() as server:
        settings = KafkaSettings(kafka_url=server.address)
        topic = "folio.college.circulation.loan"
        async with modules(server.address) as folio:
            await folio.create(topic)
            async with connected(settings, probe_timeout=0.5, discovery_seconds=0.1) as opened:
                await folio.send(topic, loan_event("college", "l1", "u1"))
                assert (await opened.next()).id == "l1"
                assert KAFKA_AVAILABLE.counts[""] == 1

                server.kill()
                await until(lambda: len(kafka_lines(caplog)) == 1)
                assert KAFKA_AVAILABLE.counts[""] == 0
                server.start()

                assert (await opened.next()).kind == "resync"
                async with modules(server.address) as restarted:
                    await restarted.create(topic)
                    await restarted.send(topic, loan_event("college", "l2", "u1"))
                    assert (await opened.next()).id == "l2"

    assert KAFKA_RESYNCS.counts[""] == before + 1
    assert kafka_lines(caplog) == [
        "Kafka is unavailable: the connection is refused",
        "Kafka is available again",
    ]


async def test_a_topic_that_is_created_again(
    settings: KafkaSettings, server: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Its end is before the next event to read: streams read again, those that come back later as well."""
    caplog.set_level(logging.WARNING)
    topic = f"{settings.env}.college.circulation.loan"
    async with modules(server.address) as folio:
        await folio.create(topic, partitions=3)
        async with connected(settings) as opened:
            for number in range(3):
                await folio.send(topic, loan_event("college", f"l{number}", "u1"), partition=0)
            last = [await opened.next() for _ in range(3)][-1]
            await folio.admin.delete_topics([topic])
            await folio.create(topic, partitions=3)
            await folio.send(topic, loan_event("college", "lost", "u1"), partition=0)

            assert (await opened.next()).kind == "resync"
            await folio.send(topic, loan_event("college", "l3", "u1"), partition=0)
            assert (await opened.next()).id == "l3"
            assert await opened.source.since("college", USER, last.position) is None

    assert kafka_lines(caplog) == [
        "Kafka is unavailable: events were lost with its log",
        "Kafka is available again",
    ]


async def test_a_broker_that_is_not_there_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """One line says why, and the source connects when the broker is there."""
    caplog.set_level(logging.WARNING)
    server = KafkaServer(free_port())
    try:
        async with reader(KafkaSettings(kafka_url=server.address)) as opened:
            await until(lambda: len(kafka_lines(caplog)) == 1)
            server.start()

            assert (await opened.next()).kind == "resync"
    finally:
        server.kill()

    assert kafka_lines(caplog) == [
        "Kafka is unavailable: the connection is refused",
        "Kafka is available again",
    ]
