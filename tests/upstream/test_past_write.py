"""The time of a write by the clock of its upstream, as the dates of responses show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gateway.upstream.past_write import ClockOffset, PastWrite

SENT = datetime(2026, 11, 21, 10, 0, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)


def observe(offset: ClockOffset, ahead: timedelta, *, at: datetime = SENT, lasts: float = 0.05) -> None:
    """Observe a response whose upstream is ahead by this much, and dates it halfway of the exchange."""
    halfway = at + timedelta(seconds=lasts / 2) + ahead
    requested = at.timestamp()
    offset.observe(requested, requested + lasts, format_datetime(halfway.replace(microsecond=0), usegmt=True))


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "soon",
        "Sat, 99 Nov 2026 10:00:00 GMT",
        "2026-11-21T10:00:00Z",
        "Fri, 31 Dec 9999 23:59:59 -0100",  # the year 10000
    ],
)
def test_without_a_date_the_clocks_are_equal(date: str | None) -> None:
    """A response without a date, or with one that is none, shows nothing."""
    offset = ClockOffset()
    offset.observe(SENT.timestamp(), SENT.timestamp() + 1, date)

    assert offset.at_upstream(SENT) == SENT


@pytest.mark.parametrize("seconds", [-0.9, 0, 0.7])
def test_clocks_that_may_be_equal_are(seconds: float) -> None:
    """A date is a whole second, so that it cannot show less than one."""
    offset = ClockOffset()
    observe(offset, timedelta(seconds=seconds))

    assert offset.at_upstream(SENT) == SENT


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, timedelta(seconds=10), timedelta(seconds=-10)])
def test_other_clock(ahead: timedelta) -> None:
    """The time at upstream is never later than it was, and at most two seconds and the exchange earlier."""
    offset = ClockOffset()
    observe(offset, ahead)

    late = SENT + ahead - offset.at_upstream(SENT)
    assert timedelta() <= late <= timedelta(seconds=2.05)


def test_each_date_narrows_the_offset() -> None:
    """A date at the beginning of a second leaves less of the uncertainty than the others."""
    offset = ClockOffset()
    errors = []
    for milliseconds in (0, 400, 755):
        observe(offset, HOUR, at=SENT + timedelta(milliseconds=milliseconds), lasts=0.01)
        errors.append(SENT + HOUR - offset.at_upstream(SENT))

    assert errors == sorted(errors, reverse=True)
    assert timedelta() <= errors[-1] < timedelta(seconds=0.05) < errors[0]


def test_clock_that_was_set() -> None:
    """A date that contradicts the earlier ones, of another server or after a correction, replaces them."""
    offset = ClockOffset()
    observe(offset, HOUR)
    observe(offset, timedelta(), at=SENT + timedelta(seconds=1))

    assert offset.at_upstream(SENT) == SENT


@pytest.mark.parametrize(
    ("milliseconds", "precedes"), [(-10_000, False), (-1, False), (0, True), (1, True), (10_000, True)]
)
@pytest.mark.parametrize("ahead", [timedelta(), HOUR, -HOUR])
def test_write_precedes_what_is_later(milliseconds: int, precedes: bool, ahead: timedelta) -> None:
    """It precedes records of the same millisecond, whatever upstream's clock shows."""
    write = PastWrite(SENT)
    for step in range(0, 1000, 10):  # until the offset is known to the hundredth of a second
        observe(write.clock_offset, ahead, at=SENT + timedelta(milliseconds=step), lasts=0.001)

    moment = write.clock_offset.at_upstream(SENT) + timedelta(milliseconds=milliseconds)
    assert write.precedes(moment) is precedes
