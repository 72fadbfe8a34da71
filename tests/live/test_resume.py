"""The ids of results, by which an interrupted stream goes on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live.changes import SKEW_MS, Change, Changes, Watch
from gateway.live.resume import MAX_SENT, ResumePoint, bind

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BINDING = bind("diku", "subscription { x }", None)
ALL = Watch("loan", "userId", "ann")


def change(record: str, position: int) -> Change:
    return Change(
        tenant="diku",
        subject="loan",
        kind="updated",
        id=record,
        keys=frozenset({("userId", "ann")}),
        occurred_at=NOON,
        position=position,
    )


def again(point: ResumePoint) -> ResumePoint:
    """Return the point that a client sends back."""
    decoded = ResumePoint.decode(point.encode(BINDING), BINDING)
    assert decoded is not None
    return decoded


def test_an_id_has_the_point() -> None:
    """The id of a result leads to the position and to what was sent after it."""
    point = ResumePoint(5000)
    point.add(change("a", 7000), None)

    decoded = again(point)

    assert decoded.position == 7000 - SKEW_MS
    assert decoded.has_passed(change("a", 7000))
    assert not decoded.has_passed(change("a", 7001))
    assert not decoded.has_passed(change("b", 7000))


def test_ids_are_short_and_opaque() -> None:
    """An id holds neither the tenant nor the record, and is a safe value of a header."""
    point = ResumePoint(1_763_726_400_000)
    point.add(change("7c9e6679-7425-40de-944b-e07fc1f90ae7", 1_763_726_400_500), None)

    text = point.encode(BINDING)

    assert len(text) == 34
    assert text.replace("-", "").replace("_", "").isalnum()


def test_nothing_before_the_stream_is_missed() -> None:
    """A stream does not go on before the position at which it began."""
    point = ResumePoint(5000)
    point.add(change("a", 5001), None)

    assert again(point).position == 5000


def test_pending_changes_are_not_passed_over() -> None:
    """While an earlier change waits to be merged, the position stays before it."""
    point = ResumePoint(0)
    point.add(change("a", 10_000), None)
    point.add(change("b", 20_000), 12_000)

    decoded = again(point)

    assert decoded.position == 12_000
    assert decoded.has_passed(change("b", 20_000))
    assert not decoded.has_passed(change("a", 12_000))
    assert decoded.has_passed(change("a", 11_999))


def test_the_number_of_records_is_bounded() -> None:
    """A burst of more records than an id holds makes it no longer; the latest of them are in it."""
    point = ResumePoint(0)
    for number in range(3 * MAX_SENT):
        point.add(change(f"record-{number}", 10_000 + number), None)

    decoded = again(point)

    assert len(point.encode(BINDING)) < 710
    assert decoded.has_passed(change(f"record-{3 * MAX_SENT - 1}", 10_000 + 3 * MAX_SENT - 1))
    assert not decoded.has_passed(change("record-0", decoded.position))


@pytest.mark.parametrize(
    "binding",
    [
        bind("college", "subscription { x }", None),
        bind("diku", "subscription { y }", None),
        bind("diku", "subscription { x }", "X"),
        bind("diku", "subscription { x ", "}"),
    ],
)
def test_ids_are_bound(binding: bytes) -> None:
    """An id of another tenant, document or operation is none."""
    assert ResumePoint.decode(ResumePoint(1).encode(binding), BINDING) is None


@pytest.mark.parametrize("text", ["", "x", "AAAA", "%%%%", "é" * 34, "A" * 34, "A" * 5000])
def test_other_texts_are_no_ids(text: str) -> None:
    """A text that is no id is not read as one."""
    assert ResumePoint.decode(text, BINDING) is None


@pytest.mark.parametrize("skew", [SKEW_MS, 3 * SKEW_MS])
@given(
    published=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 4000)), max_size=12), data=st.data()
)
def test_each_change_is_sent_once(published: list[tuple[str, int]], data: st.DataObject, skew: int) -> None:
    """However late changes come, within the time that is allowed for, and wherever the stream is
    interrupted: the latest change of each record is sent before or after that, and none before it twice.

    Changes from before the stream are none of its own: it may send those of the time that is allowed for.
    """
    start = 10_000
    changes = Changes()
    changes.skew = skew
    changes.start(start)
    changes.start(start - skew)  # as the log of a source has what came before it
    events = []
    latest = start
    for record, offset in published:
        latest = max(latest, start + offset)
        events.append(change(record, max(start + offset, latest - skew)))
    begin = data.draw(st.integers(0, len(events)))
    cut = data.draw(st.integers(begin, len(events)))
    for each in events[:begin]:
        changes.publish(each)
    before, beginning = changes.position, changes.beginning
    point = ResumePoint(beginning, skew=skew)
    for each in events[begin:]:
        changes.publish(each)
    for each in events[begin:cut]:
        point.add(each, None)

    point = again(point)
    kept = changes.since("diku", ALL, point.position)
    assert kept is not None
    missed = [each for each in kept if not point.has_passed(each)]

    sent_before = {(each.id, each.position) for each in events[begin:cut]}
    assert sent_before.isdisjoint((each.id, each.position) for each in missed)
    assert all(each in events[begin:] or before - skew <= each.position <= before for each in missed)
    for record in {each.id for each in events[begin:]}:
        last = max(each.position for each in events[begin:] if each.id == record)
        assert (record, last) in sent_before | {(each.id, each.position) for each in missed}
