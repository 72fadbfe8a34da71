"""The library's time: it starts at the real now and can be moved on."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

LENGTHS = {
    "Minutes": timedelta(minutes=1),
    "Hours": timedelta(hours=1),
    "Days": timedelta(days=1),
    "Weeks": timedelta(weeks=1),
    "Months": timedelta(days=30),
}


class Clock:
    def __init__(self, start: datetime | None = None) -> None:
        self.start = start or datetime.now(UTC)
        self._set_at = time.monotonic()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=time.monotonic() - self._set_at)

    def advance(self, step: timedelta) -> None:
        """Let time pass, so that loans fall due and expirations come."""
        self.start += step


def iso(moment: datetime) -> str:
    """A moment as the services write it: UTC, milliseconds, a numeric offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def moment_of(text: str) -> datetime:
    """Read any of FOLIO's date forms; a missing offset or time means UTC midnight. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def java_date(text: str) -> str:
    """A date after it went through a java.util.Date, as every typed date of the circulation BFF does."""
    if len(text) == 29 and text.endswith("+00:00"):
        return text
    return iso(moment_of(text))


def after(moment: datetime, period: dict[str, object]) -> datetime:
    """The moment a period later; days and longer end with the day."""
    length = LENGTHS.get(str(period.get("intervalId")), LENGTHS["Days"])
    later = moment + length * int(str(period.get("duration", 1)))
    if length >= LENGTHS["Days"]:
        return later.replace(hour=23, minute=59, second=59, microsecond=0)
    return later
