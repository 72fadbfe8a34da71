"""The relay of changes between replicas, over the publish/subscribe of a Valkey or Redis.

A change is a signal, so that one which arrives twice does no harm, and one that is lost is repaired by
`resync`. A store that is away delays or loses only the changes of other replicas.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from gateway.live.changes import SKEW_MS, Change, Changes
from gateway.observability.counters import ProcessCounter, ProcessGauge
from gateway.redis_store import RedisStore, RedisUnavailable

CHANNEL = "gateway:changes"  # of each database of the store: channels have no database
PAUSE = 1.0  # seconds before the next attempt to subscribe or to publish
MAX_CHANGES = 100  # in one message
MAX_MESSAGE = 250_000  # bytes; a change has about 500
MAX_QUEUED = 10_000  # changes that wait for the store

log = logging.getLogger(__name__)

RELAY_CONNECTED = ProcessGauge(
    "gateway_relay_connected", "1 while the changes of other replicas are received over the shared store."
)
RELAY_MESSAGES = ProcessCounter(
    "gateway_relay_messages",
    "Messages with changes between replicas, by what the gateway did.",
    "outcome",
    ("sent", "received", "malformed", "oversized", "dropped"),
)
"""`malformed` and `oversized`: received, and followed by a resync. `dropped`: the changes of a message that
were not sent, because too many waited for the store; the others then send a resync to their streams."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of one process. `is_incomplete` if others before them were dropped."""

    sender: str
    changes: list[Change] = []
    is_incomplete: bool = False


class Relay:
    """Sends the changes of this process to the other replicas, and publishes theirs."""

    def __init__(self, store: RedisStore, changes: Changes, *, pause: float = PAUSE) -> None:
        """`pause` is in seconds, before the next attempt after a failure."""
        self._store = store
        self._changes = changes
        changes.skew = SKEW_MS
        self._pause = pause
        self._channel = f"{CHANNEL}:{store.database}"
        self._sender = uuid4().hex
        self._queue: deque[Change] = deque()
        self._has_dropped = False
        self._has_work = asyncio.Event()
        self._was_lost = False
        self._tasks: list[asyncio.Task[None]] = []
        self._resync: asyncio.TimerHandle | None = None
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Message)

    def start(self) -> None:
        """Begin to receive and to send, in the background."""
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._send())]
        for each in self._tasks:
            each.add_done_callback(_report_end)

    def send(self, changes: Iterable[Change]) -> None:
        """Send changes to the other replicas, as soon as the store takes them."""
        self._queue.extend(changes)
        while len(self._queue) > MAX_QUEUED:
            self._queue.popleft()
            self._has_dropped = True
        self._has_work.set()

    async def aclose(self) -> None:
        """End the background tasks, and try once more to send what waits."""
        if self._resync is not None:
            self._resync.cancel()
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(RedisUnavailable):
            while self._queue:
                await self._send_next()

    async def _send(self) -> None:
        while True:
            await self._has_work.wait()
            try:
                await self._send_next()
            except RedisUnavailable:
                await asyncio.sleep(self._pause)

    async def _send_next(self) -> None:
        """Send the first changes of the queue in one message. They stay there if the store fails.

        It may have taken them then, and takes them again: they are signals.
        """
        changes = [self._queue[index] for index in range(min(MAX_CHANGES, len(self._queue)))]
        message = Message(sender=self._sender, changes=changes, is_incomplete=self._has_dropped)
        content = self._encoder.encode(message)
        await self._store.execute(lambda: self._store.redis.publish(self._channel, content))
        if message.is_incomplete:
            self._has_dropped = False
            RELAY_MESSAGES.add("dropped")
        RELAY_MESSAGES.add("sent")
        for each in changes:
            if self._queue and self._queue[0] is each:  # else it was dropped meanwhile
                self._queue.popleft()
        if not self._queue:
            self._has_work.clear()

    async def _receive(self) -> None:
        """Subscribe, again and again, and publish what the others send."""
        while True:
            try:
                async with self._store.subscription(self._channel) as messages:
                    self._begin()
                    async for content in messages:
                        self._take(content)
            except RedisUnavailable:
                self._note_loss()
            finally:
                RELAY_CONNECTED.counts[""] = 0
            await asyncio.sleep(self._pause)

    def _begin(self) -> None:
        """Begin to publish what others send. Streams that are open may have missed changes before."""
        RELAY_CONNECTED.counts[""] = 1
        if self._was_lost:
            log.warning("The changes of other replicas are received again")
            self._was_lost = False
        self._publish_resync()

    def _note_loss(self) -> None:
        if not self._was_lost:
            log.warning("The changes of other replicas are not received: the shared store is unavailable")
            self._was_lost = True

    def _take(self, content: bytes) -> None:
        """Publish the changes of a message, unless it is this process's own.

        One that cannot be read, such as that of a replica of another version, has changes that are missing.
        """
        if len(content) > MAX_MESSAGE:
            RELAY_MESSAGES.add("oversized")
            self._resync_soon()
            return
        try:
            message = self._decoder.decode(content)
        except (msgspec.DecodeError, RecursionError):  # invalid UTF-8, and wrong types too
            RELAY_MESSAGES.add("malformed")
            self._resync_soon()
            return
        if message.sender == self._sender:
            return
        RELAY_MESSAGES.add("received")
        for change in message.changes:
            self._changes.publish(change)
        if message.is_incomplete:
            self._publish_resync()

    def _resync_soon(self) -> None:
        """Let all streams read again, once for all messages of the pause that cannot be read."""
        if self._resync is None:
            self._resync = asyncio.get_running_loop().call_later(self._pause, self._publish_resync)

    def _publish_resync(self) -> None:
        self._resync = None
        position = self._changes.next_position()
        self._changes.start(position)
        self._changes.resync(datetime.now(UTC), position)


def _report_end(task: asyncio.Task[None]) -> None:
    """Log the end of a background task that was not cancelled: there is no other."""
    if not task.cancelled():
        log.error("The relay of changes has ended", exc_info=task.exception())
