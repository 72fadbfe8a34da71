"""The clock of a library, which shows the current time and can be advanced, and FOLIO's date formats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

PERIOD_LENGTHS = {
    "Minutes": timedelta(minutes=1),
    "Hours": timedelta(hours=1),
    "Days": timedelta(days=1),
    "Weeks": timedelta(weeks=1),
    "Months": timedelta(days=30),
}


class Clock:
    """The system's time, shifted if another `start` is given or the clock was advanced."""

    def __init__(self, start: datetime | None = None) -> None:
        now = datetime.now(UTC)
        self.start = start or now
        self._shift = self.start - now

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def advance(self, step: timedelta) -> None:
        """Move the time forward, so that loans fall due and expiration dates pass."""
        self.start += step
        self._shift += step


def format_timestamp(moment: datetime) -> str:
    """Format a timestamp as the services do: UTC, milliseconds, a numeric offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def parse_timestamp(text: str) -> datetime:
    """Parse any of FOLIO's date forms; UTC and midnight are the defaults. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_java_date(text: str) -> str:
    """Reformat a date as java.util.Date does, which holds every typed date of the circulation BFF."""
    if len(text) == 29 and text.endswith("+00:00"):
        return text
    return format_timestamp(parse_timestamp(text))


def to_java_text(text: str) -> str:
    """Reformat a date as ZonedDateTime.toString does: seconds and milliseconds that are zero are left out."""
    time = format_timestamp(parse_timestamp(text))[:23]
    return f"{time.removesuffix(':00.000').removesuffix('.000')}Z"


def add_period(moment: datetime, period: dict[str, object]) -> datetime:
    """Add a period; periods of days and longer end at the end of the day."""
    length = PERIOD_LENGTHS.get(str(period.get("intervalId")), PERIOD_LENGTHS["Days"])
    end = moment + length * int(str(period.get("duration", 1)))
    if length >= PERIOD_LENGTHS["Days"]:
        return end.replace(hour=23, minute=59, second=59, microsecond=0)
    return end
