"""Replay of Kafka's log for streams that resume: the changes of their tenants from a position on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from gateway.live.changes import ALL_KEYS, Change, Subject, Watch
from gateway.live.folio_events import SUBJECT_TOPICS
from gateway.live.kafka_connection import assign, close
from gateway.live.kafka_records import SLICE_SECONDS, Topics
from gateway.observability.counters import ProcessCounter

Outcome: TypeAlias = Literal["success", "refused", "failure"]
Key: TypeAlias = tuple[str, Subject, str, str]

MAX_AGE_SECONDS = 3600  # of a position; after a longer break everything is to be read again
MAX_EVENTS = 20_000  # of a topic of Kafka, for all streams that resume at the same time
REPLAY_SECONDS = 5.0

log = logging.getLogger(__name__)

KAFKA_REPLAYS = ProcessCounter(
    "gateway_kafka_replays",
    "Resumed streams that needed Kafka's log; a refused or failed one begins with a resync.",
    "outcome",
    get_args(Outcome),
)
"""`refused`: the position is too old or before an outage, too many events followed, or the log is younger."""


@dataclass(frozen=True, slots=True, eq=False)
class _Resumed:
    """A stream that resumes: what it watches, and the changes that it awaits."""

    tenant: str
    watch: Watch
    position: int
    changes: asyncio.Future[list[Change] | None]


class Replay:
    """Reads the log for all streams that resume at the same time together, on a separate connection.

    When a replica is replaced, thousands of streams resume within seconds: while the log is read for the
    first of them, the others gather, and are then served by one more read.
    """

    def __init__(
        self,
        connect: Callable[[], Any],  # Any: aiokafka has no types
        topics: Topics,
        *,
        max_events: int = MAX_EVENTS,
    ) -> None:
        """`connect` returns a consumer that is not started."""
        self.complete_since = 0
        """The position before which events may be missing in the log."""
        self._max_events = max_events
        self._connect = connect
        self._topics = topics
        self._names: Mapping[str, Collection[int]] = {}
        self._resumed: list[_Resumed] = []
        self._task: asyncio.Task[None] | None = None

    def cover(self, partitions: Mapping[str, Collection[int]]) -> None:
        """Set the names of the topics to read, with their partitions; none while Kafka is unavailable."""
        self._names = partitions

    async def since(self, tenant: str, watch: Watch, position: int) -> list[Change] | None:
        """Return the changes of what is watched from a position on, in milliseconds.

        They are in the order of their positions. Returns None if some may be missing: Kafka is unavailable or
        was so since the position, the position is too old, there are too many events, or a log begins after
        the position.
        """
        if not self._names:
            return None
        if position < max(self.complete_since, (time.time() - MAX_AGE_SECONDS) * 1000):
            KAFKA_REPLAYS.add("refused")
            return None
        resumed = _Resumed(tenant, watch, position, asyncio.get_running_loop().create_future())
        self._resumed.append(resumed)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await resumed.changes

    async def aclose(self) -> None:
        """Abort what is being read."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _serve(self) -> None:
        from aiokafka.errors import KafkaError

        while self._resumed:
            resumed, self._resumed = self._resumed, []
            results: Mapping[_Resumed, list[Change] | None] = {}
            outcome: Outcome = "failure"
            try:
                async with asyncio.timeout(REPLAY_SECONDS):
                    results = await self._read(resumed)
                outcome = "refused"
            except (KafkaError, OSError, TimeoutError) as problem:
                log.warning("Kafka's log cannot be read again: %s", type(problem).__name__)
            finally:
                for each in resumed:
                    changes = results.get(each)
                    KAFKA_REPLAYS.add(outcome if changes is None else "success")
                    if not each.changes.done():
                        each.changes.set_result(changes)

    async def _read(self, resumed: Collection[_Resumed]) -> Mapping[_Resumed, list[Change] | None]:
        starts: dict[str, int] = {}
        names: dict[_Resumed, set[str]] = {}
        for each in resumed:
            topics = SUBJECT_TOPICS[each.watch.subject]
            names[each] = self._topics.of_tenant(self._names, each.tenant, topics)
            for name in names[each]:
                starts[name] = min(starts.get(name, each.position), each.position)
        consumer = self._connect()
        try:
            await consumer.start()
            ranges, older = await self._ranges(consumer, starts)
            full = {name for name, offsets in ranges.items() if _events(offsets) > self._max_events}
            read = {name: offsets for name, offsets in ranges.items() if name not in full}
            served = [each for each in resumed if names[each].isdisjoint(full)]
            results, beginnings = await self._read_ranges(consumer, read, served)
        finally:
            await close(consumer)
        # A topic without events before the position may be new. But it may also have been created again after
        # a deletion, which leaves nothing of the events that were lost.
        return {
            each: changes
            for each, changes in results.items()
            if all(each.position >= beginnings[name] for name in names[each] & beginnings.keys() - older)
        }

    async def _ranges(
        self, consumer: Any, starts: Mapping[str, int]
    ) -> tuple[dict[str, dict[Any, tuple[int, int]]], set[str]]:  # Any: aiokafka has no types
        """Return the first offset to read and the end of each partition with events to read, by topic.

        And the topics that are known to have events before the first one to read.
        """
        from aiokafka import TopicPartition

        times = {
            TopicPartition(name, partition): max(0, position)
            for name, position in starts.items()
            for partition in self._names.get(name, ())
        }
        if not times:
            return {}, set()
        ends = await consumer.end_offsets(list(times))
        first = await consumer.offsets_for_times(times)
        ranges: defaultdict[str, dict[Any, tuple[int, int]]] = defaultdict(dict)
        older: set[str] = set()
        for partition, offset in first.items():
            name, end = partition.topic, ends[partition]
            if offset is not None and 0 <= offset.offset < end:
                ranges[name][partition] = (offset.offset, end)
            if end > 0 and (offset is None or offset.offset != 0):
                older.add(name)
        return ranges, older

    async def _read_ranges(
        self, consumer: Any, ranges: Mapping[str, dict[Any, tuple[int, int]]], resumed: list[_Resumed]
    ) -> tuple[dict[_Resumed, list[Change] | None], dict[str, int]]:
        """Return the changes for each stream, and the time of the earliest event of each topic."""
        results: dict[_Resumed, list[Change] | None] = {each: [] for each in resumed}
        beginnings: dict[str, int] = {}
        keys: defaultdict[Key, list[_Resumed]] = defaultdict(list)
        for each in resumed:
            for key, value in ((each.watch.key, each.watch.value), ALL_KEYS):
                keys[each.tenant, each.watch.subject, key, value].append(each)
        offsets = {partition: range for each in ranges.values() for partition, range in each.items()}
        unread = {partition: end for partition, (_, end) in offsets.items()}
        is_begun = dict.fromkeys(unread, False)
        if unread:
            assign(consumer, {partition: first for partition, (first, _) in offsets.items()})
        until = asyncio.get_running_loop().time() + SLICE_SECONDS
        while unread:
            for partition, records in (await consumer.getmany(timeout_ms=500, max_records=500)).items():
                name, earliest = partition.topic, min(record.timestamp for record in records)
                beginnings[name] = min(earliest, beginnings.get(name, earliest))
                for record in records:
                    self._add(record, keys, results)
                    if asyncio.get_running_loop().time() > until:
                        await asyncio.sleep(0)
                        until = asyncio.get_running_loop().time() + SLICE_SECONDS
                if not is_begun[partition]:
                    is_begun[partition] = True
                    # Some brokers respond with the last batch of events, and not with its end.
                    unread[partition] = max(unread[partition], consumer.highwater(partition) or 0)
                if partition in unread and records[-1].offset + 1 >= unread[partition]:
                    del unread[partition]
        for changes in results.values():
            if changes is not None:
                changes.sort(key=lambda change: change.position)
        return results, beginnings

    def _add(
        self, record: Any, keys: Mapping[Key, list[_Resumed]], results: Mapping[_Resumed, list[Change] | None]
    ) -> None:
        for change in self._topics.read(record)[1]:
            for key, value in change.keys:
                for each in keys.get((change.tenant, change.subject, key, value), ()):
                    changes = results[each]
                    if changes is not None and change.position >= each.position:
                        changes.append(change)


def _events(offsets: Mapping[Any, tuple[int, int]]) -> int:
    return sum(end - first for first, end in offsets.values())
