"""Changes, and the streams of those who watch them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.live.changes import (
    ALL_KEYS,
    BUFFER_SECONDS,
    MAX_BUFFERED,
    MAX_PENDING,
    Change,
    Changes,
    ChangeStream,
    Kind,
    Watch,
)

pytestmark = pytest.mark.anyio

MERGING = 0.03  # seconds
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOANS_OF_ANN = Watch("loan", "userId", "ann")


def change(
    record: str = "loan-1",
    kind: Kind = "updated",
    position: int = 1,
    *,
    user: str = "ann",
    tenant: str = "diku",
) -> Change:
    return Change(
        tenant=tenant,
        subject="loan",
        kind=kind,
        id=record,
        keys=frozenset({("id", record), ("userId", user)}),
        occurred_at=NOON,
        position=position,
    )


@pytest.fixture(name="changes")
def _changes() -> Changes:
    return Changes(merge_seconds=MERGING)


@pytest.fixture(name="stream")
def _stream(changes: Changes) -> ChangeStream:
    return changes.watch("diku", LOANS_OF_ANN)


async def is_idle(stream: ChangeStream) -> bool:
    """Return True if nothing is ready in the next turns of the event loop. The stream goes on."""
    waiting = asyncio.ensure_future(anext(stream))
    for _ in range(5):
        await asyncio.sleep(0)
    is_waiting = not waiting.done()
    waiting.cancel()
    return is_waiting


async def test_a_change_is_returned_at_once(changes: Changes, stream: ChangeStream) -> None:
    """The first change of a record wakes the stream that waits for it, in the next turns of the loop."""
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)

    changes.publish(change())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert waiting.done()
    assert waiting.result() == change()


async def test_a_burst_is_two_results(changes: Changes, stream: ChangeStream) -> None:
    """The first change is returned at once, and those that follow within the time are one: the latest."""
    for position in range(1, 6):
        changes.publish(change(position=position))
        if position == 1:
            assert await anext(stream) == change(position=1)
            began = asyncio.get_running_loop().time()

    assert await is_idle(stream)
    assert await anext(stream) == change(position=5)
    assert asyncio.get_running_loop().time() - began >= MERGING
    assert await is_idle(stream)


async def test_other_records_do_not_wait(changes: Changes, stream: ChangeStream) -> None:
    """A burst of one record delays no other one."""
    changes.publish(change("loan-1", position=1))
    await anext(stream)
    changes.publish(change("loan-1", position=2))
    changes.publish(change("loan-2", position=3))

    assert await anext(stream) == change("loan-2", position=3)
    assert stream.first_pending == 2
    assert await anext(stream) == change("loan-1", position=2)
    assert stream.first_pending is None


@pytest.mark.parametrize(
    ("kinds", "merged"),
    [
        (("created", "updated"), "created"),
        (("created", "updated", "updated"), "created"),
        (("created", "deleted"), "deleted"),
        (("updated", "deleted"), "deleted"),
        (("deleted", "created"), "created"),
    ],
)
async def test_merged_kinds(
    changes: Changes, stream: ChangeStream, kinds: Sequence[Kind], merged: Kind
) -> None:
    """A new record that was changed before it was sent is still new; otherwise the latest kind wins."""
    for position, kind in enumerate(kinds):
        changes.publish(change(kind=kind, position=position))

    assert await anext(stream) == change(kind=merged, position=len(kinds) - 1)
    assert await is_idle(stream)


async def test_too_many_pending_changes_are_a_resync(changes: Changes, stream: ChangeStream) -> None:
    """A stream that is not read keeps a thousand records; one more replaces them all by a resync."""
    for number in range(MAX_PENDING):
        changes.publish(change(f"loan-{number}", position=number))
    assert stream.first_pending == 0

    changes.publish(change("one more", position=MAX_PENDING))

    resync = await anext(stream)
    assert (resync.kind, resync.id, resync.position) == ("resync", "", MAX_PENDING)
    assert await is_idle(stream)


async def test_streams_receive_what_they_watch(changes: Changes, stream: ChangeStream) -> None:
    """A change reaches the streams of its tenant that watch one of its keys, and no others."""
    by_id = changes.watch("diku", Watch("loan", "id", "loan-1"))
    others = [
        changes.watch("college", LOANS_OF_ANN),
        changes.watch("diku", Watch("loan", "userId", "bob")),
        changes.watch("diku", Watch("request", "id", "loan-1")),
    ]

    changes.publish(change())

    assert await anext(stream) == await anext(by_id) == change()
    assert [await is_idle(each) for each in others] == [True, True, True]


async def test_a_change_of_the_key_reaches_both(changes: Changes, stream: ChangeStream) -> None:
    """A record that moves from one key to another is sent to those who watch either of them, once each."""
    bob = changes.watch("diku", Watch("loan", "userId", "bob"))
    both = frozenset({("userId", "ann"), ("userId", "bob")})
    moved = Change(
        tenant="diku", subject="loan", kind="updated", id="1", keys=both, occurred_at=NOON, position=1
    )

    changes.publish(moved)

    assert await anext(stream) == await anext(bob) == moved
    assert await is_idle(stream)


async def test_close_ends_streams(changes: Changes, stream: ChangeStream) -> None:
    """A closed stream ends its iteration, also while it waits, and receives nothing more."""
    waiting = asyncio.ensure_future(anext(stream, None))
    other = changes.watch("diku", LOANS_OF_ANN)
    await asyncio.sleep(0)

    stream.close()
    changes.publish(change())

    assert await waiting is None
    assert await anext(other) == change()
    changes.publish(change(position=2))
    changes.close()
    assert [each async for each in other] == []
    assert other.is_closed


async def test_a_cancelled_wait_loses_nothing(changes: Changes, stream: ChangeStream) -> None:
    """A change that comes after its reader was cancelled is returned to the next one."""
    assert await is_idle(stream)

    changes.publish(change())

    assert await anext(stream) == change()


async def test_resync_reaches_all_streams(changes: Changes, stream: ChangeStream) -> None:
    """A resync is sent once to every stream, of each tenant and subject."""
    college = changes.watch("college", Watch("item", "id", "item-1"))

    changes.resync(NOON, 7)

    expected = Change(
        tenant="diku",
        subject="loan",
        kind="resync",
        id="",
        keys=frozenset({("userId", "ann")}),
        occurred_at=NOON,
        position=7,
    )
    assert await anext(stream) == expected
    resync = await anext(college)
    assert await is_idle(stream)
    assert await is_idle(college)
    assert (resync.kind, resync.tenant, resync.subject) == ("resync", "college", "item")


async def test_changes_since_a_position(changes: Changes) -> None:
    """What a source published from a position on is kept, for those who watch it."""
    changes.start(10)
    for position in (10, 11, 12):
        changes.publish(change(position=position))
    changes.publish(change(position=13, tenant="college"))
    changes.publish(change(position=14, user="bob"))

    kept = changes.since("diku", LOANS_OF_ANN, 11)

    assert kept == [change(position=11), change(position=12)]
    assert changes.since("diku", LOANS_OF_ANN, 13) == []
    assert changes.position == 14


async def test_nothing_is_known_before_the_start(changes: Changes) -> None:
    """Before a source has begun, or for a position before that, changes may be missing."""
    assert changes.since("diku", LOANS_OF_ANN, 5) is None

    changes.start(10)

    assert changes.since("diku", LOANS_OF_ANN, 9) is None
    assert changes.since("diku", LOANS_OF_ANN, 10) == []


async def test_a_gap_of_the_source_is_missing(changes: Changes) -> None:
    """A source that is back after a gap does not know what it missed, though earlier changes were kept."""
    changes.start(10)
    changes.publish(change(position=11))

    changes.start(20)

    assert changes.since("diku", LOANS_OF_ANN, 11) is None
    assert changes.since("diku", LOANS_OF_ANN, 20) == []


async def test_a_position_that_is_still_to_come_is_not_known(changes: Changes) -> None:
    """The id of a clock that was ahead, and was set since, leads to no changes: some may be missing.

    A process whose own positions are that late, because those of another replica are, knows them.
    """
    now = time.time_ns() // 1_000_000
    ahead = now + 3_600_000
    changes.start(now)
    changes.publish(change(position=now))

    assert await changes.missed("diku", LOANS_OF_ANN, now) == [change(position=now)]
    assert await changes.missed("diku", LOANS_OF_ANN, ahead) is None

    changes.publish(change(position=ahead))

    assert await changes.missed("diku", LOANS_OF_ANN, ahead) == [change(position=ahead)]


async def test_old_changes_are_dropped(changes: Changes) -> None:
    """A change is kept for its time; the position before it is then one whose changes may be missing."""
    later = 1 + BUFFER_SECONDS * 1000
    changes.start(0)
    changes.publish(change(position=1))
    changes.publish(change(position=later))
    assert changes.since("diku", LOANS_OF_ANN, 1) == [change(position=1), change(position=later)]

    changes.publish(change(position=later + 1))

    assert changes.since("diku", LOANS_OF_ANN, 1) is None
    assert changes.since("diku", LOANS_OF_ANN, 2) == [change(position=later), change(position=later + 1)]


async def test_the_number_of_kept_changes_is_bounded(changes: Changes) -> None:
    """Twenty thousand changes are kept, of all tenants; those of another partition may be out of order."""
    changes.start(0)
    changes.publish(change(position=50))
    changes.publish(change(position=40))
    for _ in range(MAX_BUFFERED):
        changes.publish(change(position=60, tenant="college"))

    assert changes.since("diku", LOANS_OF_ANN, 50) is None
    assert changes.since("diku", LOANS_OF_ANN, 51) == []


async def test_missed_changes_come_before_those_since(changes: Changes, stream: ChangeStream) -> None:
    """Changes that a stream has missed do not replace later ones of the same record."""
    changes.publish(change("loan-1", position=5))

    stream.add_missed([change("loan-1", position=1), change("loan-2", position=2)])

    assert await anext(stream) == change("loan-2", position=2)
    assert await anext(stream) == change("loan-1", position=5)
    assert await is_idle(stream)


async def test_the_log_of_a_source_has_what_is_not_kept(changes: Changes) -> None:
    """A position that this process does not keep is read from the log of the source, others are not."""

    class Log:
        def __init__(self) -> None:
            self.read: list[tuple[str, Watch, int]] = []

        async def since(self, tenant: str, watch: Watch, position: int) -> Sequence[Change] | None:
            self.read.append((tenant, watch, position))
            return [change(position=position)]

    assert await changes.missed("diku", LOANS_OF_ANN, 3) is None
    changes.log = log = Log()
    changes.start(10)

    assert await changes.missed("diku", LOANS_OF_ANN, 3) == [change(position=3)]
    assert await changes.missed("diku", LOANS_OF_ANN, 10) == []
    assert log.read == [("diku", LOANS_OF_ANN, 3)]


async def test_a_change_of_all_keys_reaches_every_watch(changes: Changes, stream: ChangeStream) -> None:
    """A change that concerns a whole subject is sent once to each of its streams in the tenant, and kept."""
    by_id = changes.watch("diku", Watch("loan", "id", "loan-9"))
    others = [changes.watch("college", LOANS_OF_ANN), changes.watch("diku", Watch("item", "id", "loan-9"))]
    everything = msgspec.structs.replace(change(), kind="resync", id="", keys=frozenset({ALL_KEYS}))
    changes.start(0)

    changes.publish(everything)

    assert await anext(stream) == await anext(by_id) == everything
    assert [await is_idle(each) for each in (stream, by_id, *others)] == [True, True, True, True]
    assert changes.since("diku", LOANS_OF_ANN, 0) == [everything]
