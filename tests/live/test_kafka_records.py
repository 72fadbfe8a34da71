"""Records of Kafka as changes: their times, tenants and values, whatever they hold."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live.folio_events import TOPICS
from gateway.live.kafka_records import Topics

TOPIC = "folio.college.feesfines.FEE_FINE_BALANCE_CHANGED"
BALANCE = {"userId": "u1", "feeFineId": "f1", "balance": 3.5}
HOUR_MS = 3_600_000


def now() -> int:
    return time.time_ns() // 1_000_000


def record(
    value: bytes, *, topic: str = TOPIC, timestamp: int = 1, **members: Any
) -> Any:  # Any: as aiokafka's
    return SimpleNamespace(
        **{"topic": topic, "value": value, "timestamp": timestamp, "key": None, "headers": ()} | members
    )


@pytest.mark.parametrize(
    "timestamp", [-1, now() + HOUR_MS, 2**63 - 1], ids=["none", "an hour ahead", "the latest"]
)
def test_a_time_that_cannot_be_is_that_of_the_reading(timestamp: int) -> None:
    """A record without a time (-1), and one of a clock that is ahead, is dated when it is read."""
    before = now()
    _, (change,) = Topics("folio").read(record(json.dumps(BALANCE).encode(), timestamp=timestamp))

    assert before <= change.position <= now()
    assert change.occurred_at.timestamp() == pytest.approx(change.position / 1000, abs=0.001)


def test_a_time_that_can_be_is_kept() -> None:
    """Streams resume by it, at each replica."""
    at = now() - HOUR_MS
    _, (change,) = Topics("folio").read(record(json.dumps(BALANCE).encode(), timestamp=at))

    assert change.position == at


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    tenant=st.sampled_from(["college", "ALL"]),
    value=st.binary(max_size=20)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["UPDATED", "DELETED"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "type", "tenant", "data", "old", "new", "userId", "requestIds", "metadata"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=15,
    ).map(lambda value: json.dumps(value).encode()),
    key=st.none() | st.binary(max_size=5),
    headers=st.lists(
        st.tuples(st.text(max_size=4) | st.just("folio.tenantId"), st.none() | st.binary(max_size=5))
    ),
    timestamp=st.integers(-(2**63), 2**63 - 1),
)
def test_no_record_ends_the_reader(
    topic: str, tenant: str, value: bytes, key: bytes | None, headers: list[Any], timestamp: int
) -> None:
    """Whatever a record holds, its changes have texts as keys and a position that has been."""
    read = record(value, topic=f"folio.{tenant}.{topic}", timestamp=timestamp, key=key, headers=headers)
    outcome, changes = Topics("folio").read(read)

    assert outcome in ("published", "skipped", "malformed")
    assert all(0 <= each.position <= now() for each in changes)
    assert all(isinstance(part, str) for each in changes for key in each.keys for part in key)
