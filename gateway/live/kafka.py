"""The Kafka source of changes: one reader of all events in each process, without a consumer group."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gateway.live.changes import SKEW_MS, Change, Changes, Watch
from gateway.live.kafka_connection import assign, close, explain, open_consumer
from gateway.live.kafka_records import KAFKA_EVENTS, SLICE_SECONDS, Topics
from gateway.live.kafka_replay import Replay
from gateway.observability.counters import ProcessCounter, ProcessGauge
from gateway.settings import KafkaSettings

DISCOVERY_SECONDS = 10.0  # between two looks at the list of topics: new tenants, new modules
PROBE_SECONDS = 1.0  # between two probes of the brokers
PROBE_TIMEOUT = 5.0  # in which another broker may take over the partitions of one that is restarted
PROBED_PARTITIONS = 50
RETRY_SECONDS = (0.2, 5.0)  # the first pause after a failure, and the longest

log = logging.getLogger(__name__)

KAFKA_AVAILABLE = ProcessGauge("gateway_kafka_available", "1 while events are read from Kafka, otherwise 0.")
KAFKA_LAG = ProcessGauge("gateway_kafka_lag_events", "Events in Kafka that were not read a second ago.")
KAFKA_RESYNCS = ProcessCounter(
    "gateway_kafka_resyncs",
    "Resyncs of all streams because events may have been missed.",
)


class _Gap(Exception):
    """The log of a partition ends before the next event to read: it was lost, or created again."""


class KafkaSource:
    """Reads FOLIO's events from Kafka and publishes their changes, from the time of its start.

    While Kafka is unavailable the source tries to connect again. Afterwards all streams are to read again,
    because modules of FOLIO drop the events that they cannot send.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        changes: Changes,
        *,
        probe_timeout: float = PROBE_TIMEOUT,
        discovery_seconds: float = DISCOVERY_SECONDS,
    ) -> None:
        self._settings = settings
        self._changes = changes
        # Partitions are read side by side, and one may wait so long for another broker.
        changes.skew = SKEW_MS + round(probe_timeout * 1000)
        self._probe_timeout = probe_timeout
        self._discovery_seconds = discovery_seconds
        self._topics = Topics(settings.env)
        self._replay = Replay(lambda: open_consumer(settings), self._topics)
        self._task: asyncio.Task[None] | None = None
        self._positions: dict[Any, int] = {}  # the offset of the next event of each partition
        self._new: dict[Any, int] = {}  # that of partitions which are not read yet
        self._has_new = asyncio.Event()
        self._was_available: bool | None = None  # None before the first attempt to connect
        self._pause = RETRY_SECONDS[0]

    def start(self) -> None:
        """Begin to read in the background; that Kafka is unavailable is logged, and no error."""
        self._task = asyncio.create_task(self._run())

    async def since(self, tenant: str, watch: Watch, position: int) -> list[Change] | None:
        """Return the changes from a position on from Kafka's log: see `Replay.since`."""
        return await self._replay.since(tenant, watch, position)

    async def aclose(self) -> None:
        """Stop reading, and close the connections."""
        await self._replay.aclose()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._connect_and_read()
            except Exception as problem:
                if self._was_available is not False:
                    await self._report(problem)
                self._was_available = False
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, RETRY_SECONDS[1])

    async def _report(self, problem: Exception) -> None:
        from aiokafka.errors import KafkaError

        if isinstance(problem, _Gap):
            log.warning("Kafka is unavailable: events were lost with its log")
        elif isinstance(problem, KafkaError | OSError):  # a timeout is the latter
            log.warning("Kafka is unavailable: %s", await explain(problem, self._settings))
        else:
            log.error("Kafka is unavailable: unexpected exception", exc_info=problem)

    async def _connect_and_read(self) -> None:
        consumer = open_consumer(self._settings)
        reader: asyncio.Task[None] | None = None
        try:
            await consumer.start()
            self._positions, self._new = {}, {}
            self._has_new.clear()
            await self._discover(consumer, since=None)
            self._begin()
            reader = asyncio.create_task(self._read(consumer))
            await self._supervise(consumer, reader)
        finally:
            KAFKA_AVAILABLE.set(0)
            KAFKA_LAG.set(0)
            self._replay.cover({})
            if reader is not None:
                reader.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await reader
            await close(consumer)

    def _begin(self) -> None:
        """Publish from here on. Streams may be older than this connection, and have missed events."""
        if self._was_available is False:
            log.warning("Kafka is available again")
        now = time.time_ns() // 1_000_000
        if self._was_available is not None:
            KAFKA_RESYNCS.add()
            self._replay.complete_since = now
        self._was_available, self._pause = True, RETRY_SECONDS[0]
        KAFKA_AVAILABLE.set(1)
        self._changes.start(now)
        self._changes.resync(datetime.now(UTC), now)

    async def _supervise(self, consumer: Any, reader: asyncio.Task[None]) -> None:
        """Probe the brokers and look for new topics until the reader or a broker fails. Raises its error."""
        loop = asyncio.get_running_loop()
        discovered = loop.time()
        while True:
            await asyncio.wait({reader}, timeout=PROBE_SECONDS)
            if reader.done():
                reader.result()
            async with asyncio.timeout(self._probe_timeout):
                await self._probe(consumer)
                now = loop.time()
                if now >= discovered + self._discovery_seconds:
                    await self._discover(consumer, since=time.time() - (now - discovered) - PROBE_SECONDS)
                    discovered = now

    async def _probe(self, consumer: Any) -> None:
        """Read the ends of some partitions: the client reports neither a lost broker nor a lost log."""
        partitions = random.sample(list(self._positions), min(len(self._positions), PROBED_PARTITIONS))
        if partitions:
            await consumer.end_offsets(partitions)
        else:
            await consumer.topics()
        lag = 0
        for partition, position in self._positions.items():
            end = consumer.highwater(partition)  # that of the last fetch
            if end is not None and end < position:
                raise _Gap
            lag += 0 if end is None else end - position
        KAFKA_LAG.set(lag)

    async def _discover(self, consumer: Any, since: float | None) -> None:
        """Find the partitions of topics that have appeared, to be read from a time or from their ends on."""
        from aiokafka import TopicPartition

        # The public methods of the consumer know only partitions that are read already.
        cluster = await consumer._client.fetch_all_metadata()
        names = {
            name: sorted(cluster.partitions_for_topic(name) or ())
            for name in self._topics.select(cluster.topics())
        }
        current = {TopicPartition(name, number) for name, numbers in names.items() for number in numbers}
        if self._positions.keys() - current:
            raise _Gap  # a topic was deleted
        new = current - self._positions.keys()
        if new:
            offsets = await consumer.end_offsets(list(new))
            if since is not None:
                earlier = await consumer.offsets_for_times(dict.fromkeys(new, int(since * 1000)))
                offsets |= {each: first.offset for each, first in earlier.items() if first is not None}
            self._new = offsets
            self._has_new.set()
        self._replay.cover(names)

    async def _read(self, consumer: Any) -> None:
        from aiokafka.errors import RecordTooLargeError

        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE_SECONDS
        while True:
            if not self._positions:
                await self._has_new.wait()
            if self._has_new.is_set():
                self._assign(consumer)
            try:
                batches = await consumer.getmany(timeout_ms=1000, max_records=500)
            except RecordTooLargeError:
                KAFKA_EVENTS.add("oversized")
                self._changes.resync(datetime.now(UTC), time.time_ns() // 1_000_000)  # it may be any topic's
                continue
            for partition, records in batches.items():
                self._positions[partition] = records[-1].offset + 1
            for records in batches.values():
                for record in records:
                    self._publish(record)
                    if loop.time() > until:
                        await asyncio.sleep(0)
                        until = loop.time() + SLICE_SECONDS

    def _assign(self, consumer: Any) -> None:
        """Read the new partitions too.

        An assignment forgets all offsets, and so does the client's own subscription to a pattern when a topic
        appears: its offsets would be those of that moment, and the events before would be lost.
        """
        self._positions |= self._new
        self._has_new.clear()
        assign(consumer, self._positions)

    def _publish(self, record: Any) -> None:
        outcome, changes = self._topics.read(record)
        KAFKA_EVENTS.add(outcome)
        for change in changes:
            self._changes.publish(change)
