"""Changes of records, and the streams of those who watch them.

A change is a signal: it says which record has changed, and holds nothing of the record. Each subscriber reads
the record with their own token, so that upstream decides each time what they may see.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple, Protocol, TypeAlias

import msgspec

MERGE_SECONDS = 0.2  # between two results about one record, in which further changes become one
MAX_PENDING = 1000  # records of one stream that have changed and are not sent; more are one `resync`
ALL_KEYS = ("", "")  # the key of a change that concerns all watches of its subject in the tenant
BUFFER_SECONDS = 300  # for which changes are kept for streams that resume
MAX_BUFFERED = 20_000
SKEW_MS = 1000  # by which a change of another partition or replica may come after others with a later time

Kind: TypeAlias = Literal["created", "updated", "deleted", "resync"]
Subject: TypeAlias = Literal[
    "loan", "request", "requestQueue", "item", "checkIn", "user", "accounts", "slips", "objectLock"
]


class Watch(NamedTuple):
    """Records of a subject that a subscriber watches: those with this value of a key, such as `userId`."""

    subject: Subject
    key: str
    value: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A sign that a record has changed.

    `keys` are all keys and values by which it is watched, those before the change included; with `ALL_KEYS`
    it concerns every watch of its subject in the tenant. `position` is the time in milliseconds by the clock
    of the source, after which a stream can resume. `updated_at` is `metadata.updatedDate` of the record after
    the change, if the source says it.

    | subject | `id`; ids are in lower case | keys |
    |---|---|---|
    | loan | of the loan | `id`, `userId`, `itemId` |
    | request | of the request | `id`, `requesterId`, `instanceId`, `itemId`, `pickupServicePointId` |
    | requestQueue | of the title, of the item without one | `instanceId`, `itemId` |
    | item | of the item | `id`, `instanceId` |
    | checkIn | of the check-in | `servicePointId`; `itemId` says the item |
    | user | of the user | `id` |
    | accounts | of the user | `userId` |
    | slips | none | `ALL_KEYS`: events do not say the service point |
    """

    tenant: str
    subject: Subject
    kind: Kind
    id: str
    keys: frozenset[tuple[str, str]]
    occurred_at: datetime
    position: int
    updated_at: datetime | None = None


def updated_at(record: Mapping[str, object], zone: tzinfo | None = UTC) -> datetime | None:
    """Return `metadata.updatedDate` of a record, in `zone` without an offset; None if it is no moment."""
    metadata = record.get("metadata")
    date = metadata.get("updatedDate") if isinstance(metadata, dict) else None
    try:
        moment = datetime.fromisoformat(date) if isinstance(date, str) else None
    except ValueError:
        return None
    if moment is None or moment.tzinfo is not None:
        return moment
    return None if zone is None else moment.replace(tzinfo=zone)


class ChangeStream:
    """The changes that one subscriber watches, the latest of each record: iterate over it, and close it."""

    __slots__ = ("_changes", "_is_closed", "_key", "_pending", "_sent", "_waiting")

    def __init__(self, changes: Changes, key: tuple[str, Watch]) -> None:
        self._changes = changes
        self._key = key
        self._pending: dict[str, Change] = {}
        self._sent: dict[str, float] = {}  # when the last change of a record was returned
        self._waiting: asyncio.Future[None] | None = None
        self._is_closed = False

    def add(self, change: Change) -> None:
        """Add a change. It replaces an earlier one of the same record that has not been returned."""
        earlier = self._pending.pop(change.id, None)
        if earlier is not None and earlier.kind == "created" and change.kind == "updated":
            change = msgspec.structs.replace(change, kind="created")
        if len(self._pending) >= MAX_PENDING:
            change = msgspec.structs.replace(change, kind="resync", id="", updated_at=None)
            self._pending.clear()
        self._pending[change.id] = change
        self._wake()

    def add_missed(self, missed: Iterable[Change]) -> None:
        """Add changes from before this stream began: those that came since replace them."""
        since, self._pending = self._pending, {}
        for change in (*missed, *since.values()):
            self.add(change)

    @property
    def first_pending(self) -> int | None:
        """The earliest position of a change that has not been returned."""
        return min((each.position for each in self._pending.values()), default=None)

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """End the iteration, and watch nothing more."""
        self._is_closed = True
        self._pending.clear()
        self._changes.forget(self, self._key)
        self._wake()

    def __aiter__(self) -> ChangeStream:
        return self

    async def __anext__(self) -> Change:
        loop, merging = asyncio.get_running_loop(), self._changes.merge_seconds
        while not self._is_closed:
            now = loop.time()
            self._sent = {each: at for each, at in self._sent.items() if at + merging > now}
            for record, change in self._pending.items():
                if record not in self._sent:
                    del self._pending[record]
                    self._sent[record] = now
                    return change
            waiting = self._waiting = loop.create_future()
            ready = min((self._sent[each] for each in self._pending), default=None)
            timer = None if ready is None else loop.call_at(ready + merging, self._wake)
            try:
                await waiting
            finally:
                if self._waiting is waiting:  # not if it was cancelled, and another one waits already
                    self._waiting = None
                if timer is not None:
                    timer.cancel()
        raise StopAsyncIteration

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class ChangeLog(Protocol):
    """The log of a source, which has more than this process keeps."""

    async def since(self, tenant: str, watch: Watch, position: int) -> Sequence[Change] | None:
        """Return the changes from a position on; None if some of them may be missing."""


class Changes:
    """The changes that this process learns of, for its streams. Sources publish them here.

    `log` is that of a source, if it has one.
    """

    def __init__(self, *, merge_seconds: float = MERGE_SECONDS) -> None:
        self.merge_seconds = merge_seconds
        self.log: ChangeLog | None = None
        self.skew = 0
        """Milliseconds by which a change may come after others with a later time, as the source says."""
        self.position = 0
        """The latest position of a change, or that from which on a source publishes."""
        self._streams: defaultdict[tuple[str, Watch], set[ChangeStream]] = defaultdict(set)
        self._buffer: deque[Change] = deque()
        self._complete_since: int | None = None
        self._when_first_watched: Callable[[], None] | None = None

    def when_first_watched(self, start: Callable[[], None]) -> None:
        """Call a function before the first stream begins, of a source that publishes from then on."""
        self._when_first_watched = start

    def watch(self, tenant: str, watch: Watch) -> ChangeStream:
        """Return a stream of the changes of a tenant, from now on."""
        if self._when_first_watched is not None:
            start, self._when_first_watched = self._when_first_watched, None
            start()
        stream = ChangeStream(self, (tenant, watch))
        self._streams[tenant, watch].add(stream)
        self._streams[tenant, Watch(watch.subject, *ALL_KEYS)].add(stream)
        return stream

    def forget(self, stream: ChangeStream, key: tuple[str, Watch]) -> None:
        """Send no further changes to a stream."""
        tenant, watch = key
        for each in (key, (tenant, Watch(watch.subject, *ALL_KEYS))):
            streams = self._streams.get(each)
            if streams is not None:
                streams.discard(stream)
                if not streams:
                    del self._streams[each]

    def publish(self, change: Change) -> None:
        """Send a change to all streams that watch one of its keys, and keep it for a while."""
        if self._complete_since is None:
            self._complete_since = change.position
        self.position = max(self.position, change.position)
        self._buffer.append(change)
        while self._buffer and (
            len(self._buffer) > MAX_BUFFERED
            or self._buffer[0].position < change.position - BUFFER_SECONDS * 1000
        ):
            # Changes of several partitions come out of order.
            self._complete_since = max(self._complete_since, self._buffer.popleft().position + 1)
        for key, value in change.keys:
            for stream in tuple(self._streams.get((change.tenant, Watch(change.subject, key, value)), ())):
                stream.add(change)

    @property
    def kept(self) -> tuple[Change, ...]:
        """The changes that are kept for streams that resume, oldest first."""
        return tuple(self._buffer)

    def next_position(self) -> int:
        """Return the position of a change of this process: the time, or later than all positions before.

        Those of other replicas are among these, so that it is later than theirs although clocks differ.
        """
        return max(time.time_ns() // 1_000_000, self.position + 1)

    @property
    def skew_to_resume(self) -> int:
        """The skew in milliseconds for a stream that resumes here: it may have begun at another replica."""
        return self.skew or SKEW_MS

    @property
    def beginning(self) -> int:
        """The position to which a stream that begins now goes back if it is interrupted at once.

        Changes that are still to come may be that much earlier than the latest one.
        """
        return max(0, self.position - self.skew) if self.skew else self.position + 1

    def start(self, position: int) -> None:
        """Record that no change from this position on is missing: a source has begun, or is back."""
        self._buffer.clear()
        self._complete_since = position
        self.position = max(self.position, position)

    def since(self, tenant: str, watch: Watch, position: int) -> list[Change] | None:
        """Return the changes from a position on that are kept; None if some of them may be missing."""
        if self._complete_since is None or position < self._complete_since:
            return None
        own = {(watch.key, watch.value), ALL_KEYS}
        return [
            each
            for each in self._buffer
            if each.position >= position
            and each.tenant == tenant
            and each.subject == watch.subject
            and not own.isdisjoint(each.keys)
        ]

    async def missed(self, tenant: str, watch: Watch, position: int) -> Sequence[Change] | None:
        """Return the same, from the log of the source if this process does not keep all of them.

        A position that is still to come is of a clock that was ahead: what followed it is not known.
        """
        if position > max(time.time_ns() // 1_000_000, self.position) + self.skew_to_resume:
            return None
        kept = self.since(tenant, watch, position)
        if kept is None and self.log is not None:
            return await self.log.since(tenant, watch, position)
        return kept

    def resync(self, at: datetime, position: int) -> None:
        """Send a resync to all streams, because changes may have been missed."""
        for (tenant, watch), streams in tuple(self._streams.items()):
            if (watch.key, watch.value) != ALL_KEYS:
                change = resync_of(tenant, watch, at, position)
                for stream in tuple(streams):
                    stream.add(change)

    def close(self) -> None:
        """End all streams."""
        for streams in tuple(self._streams.values()):
            for stream in tuple(streams):
                stream.close()


def resync_of(tenant: str, watch: Watch, at: datetime, position: int) -> Change:
    """Return the sign that changes of a watch may have been missed."""
    return Change(
        tenant=tenant,
        subject=watch.subject,
        kind="resync",
        id="",
        keys=frozenset({(watch.key, watch.value)}),
        occurred_at=at,
        position=position,
    )
