"""The scalars DateTime and JSON."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError

from gateway.engine.core import ScalarDefinition
from gateway.errors import UpstreamBadResponse
from gateway.upstream.record_types import is_too_deep

_UNIFORM = b"0000-00-00T00:00:00.000"
_UTC = frozenset({"", "Z", "+00:00", "+0000"})
_ZONES = {len(_UNIFORM) + len(zone): f"{zone}\n" for zone in _UTC}  # by the length of the whole text
_DIGITS = bytes.maketrans(b"0123456789", b"0000000000")
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d(?::?\d\d)?)", re.ASCII
)
_WITHOUT_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?)?", re.ASCII)


def from_upstream(value: Any) -> str:  # Any: JSON of upstream
    """Convert a date and time of upstream to the form of responses: UTC, milliseconds, `Z`.

    FOLIO sends `Z`, `+00:00`, `+0000` and, in the history of loans, `+00`, with and without milliseconds.
    Members without a format in their schema (`loanDate` and `returnDate` of circulation-storage) may have no
    offset or be a date alone, and FOLIO itself reads them as UTC (CIRC-1577, MODFEE-266). A fraction finer
    than milliseconds is kept. Raises `GraphQLError` for anything else, and for a date or a time that does not
    exist.
    """
    if type(value) is not str:
        raise GraphQLError("DateTime cannot represent a value that is not text.")
    time = value[:23]  # as a pattern would, in half the time
    if value[23:] in _UTC and time.encode("ascii", "replace").translate(_DIGITS) == _UNIFORM:
        return _existing(time[:10], time[11:]) + "Z"
    parts = _RFC3339.fullmatch(value)
    if parts is not None:
        day, time, _, offset = parts.groups()
    elif (parts := _WITHOUT_OFFSET.fullmatch(value)) is not None:
        day, time, offset = parts[1], parts[2] or "00:00:00", "Z"
    else:
        raise GraphQLError("DateTime cannot represent text that is not a date and time.")
    fraction = (parts[3] or "").ljust(3, "0")
    if offset in ("Z", "z") or not offset.strip("+-:0"):
        return f"{_existing(day, time)}.{fraction}Z"
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{_hours_and_minutes(offset)}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime cannot represent a date that does not exist.") from None
    return f"{moment.isoformat()[:19]}.{fraction}Z"


def all_from_upstream(
    values: list[str | None], invalid: Callable[[GraphQLError], Any]
) -> list[Any]:  # Any: text, null, or the replacement
    """Convert many at once, in a third of the time if all have the same form; null stays null.

    What cannot be converted is replaced by what `invalid` returns for its error.
    """
    try:
        lines = "\n".join(values) + "\n"  # type: ignore[arg-type]  # a null raises the TypeError below
    except TypeError:
        if None not in values:
            return [_convert(value, invalid) for value in values]
        converted = iter(all_from_upstream([value for value in values if value is not None], invalid))
        return [None if value is None else next(converted) for value in values]
    zone = _ZONES.get(len(values[0] or "")) if values else None
    if zone is not None:
        pattern = _UNIFORM + zone.encode("ascii").translate(_DIGITS)
        if lines.encode("ascii", "replace").translate(_DIGITS) == pattern * len(values):
            times = lines.split(zone)
            if len(times) > len(values) and _exist(times[:-1]):  # no other zone has these digits
                return [*"Z\n".join(times).split("\n")[:-1]]
    return [_convert(value, invalid) for value in values]


def _convert(value: Any, invalid: Callable[[GraphQLError], Any]) -> Any:  # Any: as above
    try:
        return from_upstream(value)
    except GraphQLError as error:
        return invalid(error)


def _existing(day: str, time: str) -> str:
    """Return date and time. Raises `GraphQLError` if one of them does not exist."""
    if not _exist([f"{day}T{time[:8]}"]):
        raise GraphQLError("DateTime cannot represent a date that does not exist.")
    return f"{day}T{time}"


def _exist(times: list[str]) -> bool:
    """Return True if these are existing dates and times, given that they have the digits of some."""
    try:
        deque(map(datetime.fromisoformat, times), maxlen=0)  # without a loop of its own
    except ValueError:
        return False
    return True


def _hours_and_minutes(offset: str) -> str:
    return f"{offset[:3]}:{offset[3:].lstrip(':') or '00'}"


def has_offset(value: object) -> bool:
    """Return True for a date and time with an offset, False for a local time."""
    return isinstance(value, str) and _RFC3339.fullmatch(value) is not None


def is_date(value: object) -> bool:
    """Return True for a date, or a date and time, with or without an offset."""
    return has_offset(value) or (isinstance(value, str) and _WITHOUT_OFFSET.fullmatch(value) is not None)


def from_caller(value: Any) -> datetime:  # Any: JSON that a client sent
    """Parse a date and time of a client. Raises `GraphQLError` if it has no offset."""
    parts = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise GraphQLError("DateTime must be RFC 3339 with an offset, such as '2026-11-21T10:00:00Z'.")
    day, time, fraction, offset = parts.groups()
    sign = "+00:00" if offset in ("Z", "z") else _hours_and_minutes(offset)
    text = f"{day}T{time}.{(fraction or '').ljust(6, '0')[:6]}{sign}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime must be an existing date and time.") from None


def upstream_text(moment: datetime) -> str:
    """Format a date and time as FOLIO's own front end does: UTC, milliseconds, `Z`."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _checked_json(value: Any) -> Any:
    """Return a JSON value. Raises the error in the place of a text in it that upstream sent wrongly.

    Raises `UpstreamBadResponse` for one that is nested so deeply that it may not be encoded.
    """
    if is_too_deep(value):
        raise UpstreamBadResponse("An upstream service sent JSON that is nested too deeply.")
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, Exception):
            raise part
        if isinstance(part, dict | list):
            pending += part.values() if isinstance(part, dict) else part
    return value


DateTime = NewType("DateTime", datetime)
JSON = NewType("JSON", object)

SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description=(
            "A date and time in RFC 3339: `2026-11-21T10:00:00.000Z`. Responses are in UTC with a `Z`; "
            "a due date at the end of a day is the end of that day in the library's time zone."
        ),
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=from_upstream,
        parse_value=from_caller,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as sent by upstream. Used for members that the library defines.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_checked_json,
    ),
}
