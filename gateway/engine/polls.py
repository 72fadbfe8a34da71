"""Polls of records that send no events: one for each record and identity, which its subscribers share."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.errors import GatewayError, Unauthenticated
from gateway.live.changes import Change, Kind, Watch

POLL_SECONDS = 2.0
FAILURES = 3  # reads that fail in a row: what streams have shown may be no longer true


class Subscriber(Protocol):
    """An execution that awaits the changes of a record, and reads it with its own identity."""

    async def read_watched(self) -> Any:
        """Read the record; None if there is none. Raises `GatewayError`. Any: JSON."""

    def add(self, change: Change) -> None:
        """Add a change to all streams."""


class Polls:
    """The polls of this process, each as long as it has subscribers."""

    def __init__(self, seconds: float = POLL_SECONDS) -> None:
        self._seconds = seconds
        self._polls: dict[Hashable, Poll] = {}

    def __len__(self) -> int:
        return len(self._polls)

    def join(self, key: Hashable, subscriber: Subscriber, tenant: str, watch: Watch) -> None:
        """Let a subscriber receive the changes, from the state that its first read finds."""
        poll = self._polls.get(key)
        if poll is None:
            poll = self._polls[key] = Poll(tenant, watch, self._seconds)
        poll.subscribers[subscriber] = None

    def leave(self, key: Hashable, subscriber: Subscriber) -> None:
        """End the poll of the last subscriber."""
        poll = self._polls.get(key)
        if poll is not None:
            poll.subscribers.pop(subscriber, None)
            if not poll.subscribers:
                del self._polls[key]
                poll.end()

    def observe(self, key: Hashable, record: Any) -> None:
        """Start to poll, with the record that was read at the beginning of a stream. Any: JSON."""
        poll = self._polls.get(key)
        if poll is not None:
            poll.start(record)


class Poll:
    """The poll of one record. A read that fails is repeated; the end of the login is for the streams.

    While it fails again and again, streams show the error, and afterwards the record as it is then.
    """

    def __init__(self, tenant: str, watch: Watch, seconds: float) -> None:
        self.subscribers: dict[Subscriber, None] = {}
        self._tenant = tenant
        self._watch = watch
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self, record: Any) -> None:
        """Start with the record as it is, unless it has started. Any: JSON."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(record))

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self, record: Any) -> None:
        failures = 0
        while True:
            await asyncio.sleep(self._seconds)
            former = record
            try:
                record = await next(iter(self.subscribers)).read_watched()
            except Unauthenticated:
                self._send("resync")  # each stream reads it itself, and ends
            except GatewayError:
                failures += 1
                if failures == FAILURES:
                    self._send("resync")  # each stream reads it itself, and shows the error
                continue
            except Exception:  # reported where a stream reads it
                self._send("resync")
            failures, former_failures = 0, failures
            if former_failures >= FAILURES:
                self._send("resync")
            elif record != former:
                self._send("created" if former is None else "deleted" if record is None else "updated")

    def _send(self, kind: Kind) -> None:
        now = datetime.now(UTC)
        change = Change(
            tenant=self._tenant,
            subject=self._watch.subject,
            kind=kind,
            id=self._watch.value,
            keys=frozenset({(self._watch.key, self._watch.value)}),
            occurred_at=now,
            position=int(now.timestamp() * 1000),
        )
        for each in tuple(self.subscribers):
            each.add(change)
