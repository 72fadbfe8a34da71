"""The gateway's own mutations as a source of changes.

They are the only source if neither Kafka nor the embedded library publishes. Each mutation declares which
records it changes, see `gateway/live/changed_records.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from gateway.live.changes import Change, Changes, Kind, Subject
from gateway.live.relay import Relay


class ChangedRecord(NamedTuple):
    """A record that a mutation has changed: a `Change` without its tenant and time.

    Of kind `resync` and without an id, if records with these keys may have changed whose ids are not known.
    """

    subject: Subject
    kind: Kind
    id: str
    keys: frozenset[tuple[str, str]]
    updated_at: datetime | None = None


class OwnMutations:
    """Publishes the changes of the gateway's own mutations to the streams of this process, and to a relay."""

    def __init__(self, changes: Changes, relay: Relay | None = None) -> None:
        """Without a relay, nothing is published before the first stream of the process.

        With one, other replicas may have streams, and a stream may resume in this process.
        """
        self.is_active = relay is not None
        self._changes = changes
        self._relay = relay
        if relay is None:
            changes.when_first_watched(self._activate)

    def publish(self, tenant: str, records: Iterable[ChangedRecord]) -> None:
        """Publish the records that one mutation of a tenant has changed."""
        now = datetime.now(UTC)
        published = []
        for each in records:
            change = Change(
                tenant=tenant,
                subject=each.subject,
                kind=each.kind,
                id=each.id,
                keys=each.keys,
                occurred_at=now,
                position=self._changes.next_position(),
                updated_at=each.updated_at,
            )
            self._changes.publish(change)
            published.append(change)
        if self._relay is not None:
            self._relay.send(published)

    def _activate(self) -> None:
        self.is_active = True
        self._changes.start(self._changes.next_position())
