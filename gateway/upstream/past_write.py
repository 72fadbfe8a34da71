"""A write that was sent, whose outcome is looked up: its time by the clock of its upstream."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RESOLUTION = 2.0  # seconds: a date is a whole second, and servers keep it for up to another one


class ClockOffset:
    """The seconds that an upstream's clock is ahead, as the dates of its responses show.

    One date shows it with the resolution of `RESOLUTION`; each further one narrows that. Clocks that may be
    equal count as equal. Otherwise the offset is the least that is possible.
    """

    def __init__(self) -> None:
        self._least = -math.inf
        self._most = math.inf

    def observe(self, requested: float, received: float, date: str | None) -> None:
        """Add the header `Date` of a response (RFC 9110, section 6.6.1). One that is no date is ignored.

        `requested` and `received` are the times around the exchange, in seconds since 1970.
        """
        try:
            sent = parsedate_to_datetime(date or "")
            # One that is in the year 10000 in UTC is a date in its own zone.
            seconds = (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
        except (ValueError, OverflowError):
            return
        least, most = seconds - received, seconds + RESOLUTION - requested
        if least > self._most or most < self._least:  # another server, or the clock was set
            self._least, self._most = least, most
        else:
            self._least, self._most = max(least, self._least), min(most, self._most)

    def at_upstream(self, moment: datetime) -> datetime:
        """Return the time that upstream's clock had at a moment of this machine."""
        if not math.isfinite(self._least) or self._least <= 0 <= self._most:
            return moment
        return moment + timedelta(seconds=self._least)


class PastWrite:
    """A write that was sent at `sent_at`, by the clock of this machine."""

    def __init__(self, sent_at: datetime) -> None:
        self.sent_at = sent_at
        self.clock_offset = ClockOffset()

    def precedes(self, moment: datetime) -> bool:
        """Return True if it was sent before a moment of upstream's clock, or in the same millisecond."""
        sent = self.clock_offset.at_upstream(self.sent_at)
        return moment >= sent.replace(microsecond=sent.microsecond // 1000 * 1000)
