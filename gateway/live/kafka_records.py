"""Kafka's records as changes: their topics, tenants and values."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from gateway.live.changes import Change
from gateway.live.folio_events import TOPICS, changes_of, changes_of_unreadable
from gateway.observability.counters import ProcessCounter

Outcome: TypeAlias = Literal["published", "skipped", "malformed", "oversized"]

SLICE_SECONDS = 0.005  # of events that are read without a turn for others
MAX_EVENT_BYTES = 1_000_000  # Kafka's own limit unless it is raised
TENANT_HEADERS = ("folio.tenantid", "x-okapi-tenant")
COLLECTION = re.compile(r"[A-Z][A-Z0-9]{0,30}")  # in place of a tenant: KAFKA_PRODUCER_TENANT_COLLECTION

KAFKA_EVENTS = ProcessCounter(
    "gateway_kafka_events",
    "Events read from Kafka; skipped ones concern nothing that can be watched.",
    "outcome",
    get_args(Outcome),
)


class Topics:
    """The names of FOLIO's topics in one environment: `{ENV}.{tenant}.{topic}`."""

    def __init__(self, environment: str) -> None:
        topics = "|".join(map(re.escape, TOPICS))
        self._pattern = re.compile(rf"{re.escape(environment)}\.(\w+)\.({topics})")
        self._split: dict[str, tuple[str | None, str] | None] = {}

    def split(self, name: str) -> tuple[str | None, str] | None:
        """Return tenant and topic of a name, without a tenant if several share it; None for other topics."""
        if name not in self._split:
            match = self._pattern.fullmatch(name)
            if match is None:
                self._split[name] = None
            else:
                tenant, topic = match.groups()
                self._split[name] = (None if COLLECTION.fullmatch(tenant) else tenant, topic)
        return self._split[name]

    def select(self, names: Iterable[str]) -> set[str]:
        """Return the names of topics that concern a watch."""
        return {name for name in names if self.split(name) is not None}

    def of_tenant(self, names: Iterable[str], tenant: str, topics: tuple[str, ...]) -> set[str]:
        """Return the names that may have events of a tenant and of these topics."""
        return {
            name
            for name in names
            if (parts := self.split(name)) is not None and parts[0] in (None, tenant) and parts[1] in topics
        }

    def read(self, record: Any) -> tuple[Outcome, list[Change]]:  # Any: aiokafka has no types
        """Return the changes of a record of Kafka, and the outcome to count.

        Those of one that cannot be read are resyncs, if its tenant is known: a change is missing.
        """
        parts = self.split(record.topic)
        if parts is None or record.value is None:  # the latter is a deletion in a compacted topic
            return "skipped", []
        topic, tenant = parts[1], parts[0] or _tenant(record.headers)
        # Producers set the time of their events (Kafka, `message.timestamp.type=CreateTime`). One whose clock
        # is ahead would let streams resume in the future, and miss all that comes before. -1 is none.
        now = time.time_ns() // 1_000_000
        timestamp = record.timestamp if 0 <= record.timestamp <= now else now
        outcome: Outcome = "malformed"
        if len(record.value) > MAX_EVENT_BYTES:
            outcome = "oversized"
        else:
            try:
                value: object = msgspec.json.decode(record.value)
                key = None if record.key is None else record.key.decode()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
            else:
                result = changes_of(topic, key, value, tenant, timestamp)
                return ("published" if result else "skipped"), result
        return outcome, [] if tenant is None else changes_of_unreadable(topic, tenant, timestamp)


def _tenant(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the tenant of the headers, whose case is that of the request that led to the event."""
    values = {name.lower(): value for name, value in headers}
    for name in TENANT_HEADERS:
        value = values.get(name)
        if value:
            return value.decode(errors="replace")
    return None
