"""The scalars DateTime, Date, Decimal and JSON."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError

from gateway.engine.core import ScalarDefinition
from gateway.errors import UpstreamBadResponse
from gateway.fields import money
from gateway.upstream.record_types import invalid_value_in, is_too_deep

_UNIFORM = b"0000-00-00T00:00:00.000"
_UTC = frozenset({"", "Z", "+00:00", "+0000"})
_ZONES = {len(_UNIFORM) + len(zone): f"{zone}\n" for zone in _UTC if zone}  # by the length of the whole text
_DIGITS = bytes.maketrans(b"0123456789", b"0000000000")
_DATE = re.compile(  # day, and maybe time, seconds, fraction and offset
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?:(:\d\d)(?:\.(\d{1,9}))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

FEW = 5  # dates, which cost less one by one

_ANY = "0123456789"


def _table(*impossible: str) -> bytes:
    """Return a byte for each digit, with the bits of those of the texts that it is in."""
    bits = [sum((digit in digits) << bit for bit, digits in enumerate(impossible)) for digit in _ANY]
    return bytes([*bytes(ord("0")), *bits]).ljust(256, b"\0")


# The digits of months and days, and of hours, that are impossible together.
_DAYS = [
    *map(
        _table,
        ("0", "0", _ANY, _ANY),
        ("1", "3456789", _ANY, _ANY),
        (_ANY, _ANY, "0", "0"),
        (_ANY, _ANY, "3", "23456789"),
        ("0", "2", "2", "9"),
        ("0", "2", "3", _ANY),
        ("0", "469", "3", "1"),
        ("1", "1", "3", "1"),
    )
]
_HOURS = [*map(_table, ("2", "456789"), ("3456789", _ANY))]
_OVER_1, _OVER_3, _OVER_5 = map(_table, ("23456789", "456789", "6789"))  # tens of months, days and minutes


def from_upstream(value: Any) -> str:  # Any: JSON of upstream
    """Convert a date and time of upstream to the form of responses: UTC, milliseconds, `Z`.

    FOLIO sends `Z`, `+00:00`, `+0000` and, in the history of loans, `+00`, with and without milliseconds.
    Members without a format in their schema (`loanDate` and `returnDate` of circulation-storage) may have no
    offset or be a date alone, and FOLIO itself reads them as UTC (CIRC-1577, MODFEE-266). A fraction finer
    than milliseconds is kept. Java writes no seconds if they are zero (`ZonedDateTime.toString`, in
    mod-circulation's Loan.changeStatusOfUsageAtLocation). Raises `GraphQLError` for anything else, and for a
    date or a time that does not exist.
    """
    if type(value) is not str:
        raise GraphQLError("DateTime cannot represent a value that is not text.")
    time = value[:23]  # as a pattern would, in half the time
    try:
        if value[23:] in _UTC and time.encode("ascii", "replace").translate(_DIGITS) == _UNIFORM:
            datetime.fromisoformat(time)
            return time + "Z"
        if (parts := _DATE.fullmatch(value)) is not None:
            day, minutes, seconds, fraction, offset = parts.groups(default="")
            text = f"{day}T{minutes or '00:00'}{seconds or ':00'}{offset.upper() or 'Z'}"
            moment = datetime.fromisoformat(text)
            time = (moment.astimezone(UTC).isoformat() if offset.strip("+-:0Zz") else text)[:19]
            return f"{time}.{fraction.ljust(3, '0')}Z"
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime cannot represent a date that does not exist.") from None
    raise GraphQLError("DateTime cannot represent text that is not a date and time.")


def all_from_upstream(
    values: list[str | None], invalid: Callable[[GraphQLError], Any]
) -> list[Any]:  # Any: text, null, or the replacement
    """Convert many at once, in a third of the time if all have the same form; null stays null.

    What cannot be converted is replaced by what `invalid` returns for its error.
    """
    if len(values) >= FEW:
        if (converted := _convert_alike(values)) is not None:
            return converted
        if None in values:
            rest = iter(all_from_upstream([value for value in values if value is not None], invalid))
            return [None if value is None else next(rest) for value in values]
    return [None if value is None else _convert(value, invalid) for value in values]


def _convert_alike(values: list[Any]) -> list[str] | None:  # Any: as above
    """Convert dates in UTC with milliseconds that all have the same form; None if one of them has not."""
    try:
        lines = "\n".join(values) + "\n"
    except TypeError:  # not all are text
        return None
    zone = _ZONES.get(len(values[0]))
    if zone is None:
        return None
    rows, form = lines.encode("ascii", "replace"), _UNIFORM + zone.encode().translate(_DIGITS)
    dates = bytearray(rows)  # whose translation takes less than that of bytes
    if dates.translate(_DIGITS) != form * len(values) or not _exist(rows, len(form)):
        return None
    dates[len(_UNIFORM) :: len(form)] = b"Z" * len(values)  # in the place of the sign
    converted = dates.decode("latin-1").split(zone[1:])
    return converted[:-1] if len(converted) > len(values) else None  # else an offset is not zero


def _convert(value: Any, invalid: Callable[[GraphQLError], Any]) -> Any:  # Any: as above
    try:
        return from_upstream(value)
    except GraphQLError as error:
        return invalid(error)


def _exist(rows: bytes, length: int) -> bool:
    """Return True if dates and times exist, given that these rows of a length have the digits of some.

    False also for February 29 and for years before 1000, which are rare. Digits that are impossible together
    have a bit in common, which numbers with a byte for each row show for all rows.
    """
    read = int.from_bytes
    months, days = rows[5::length], rows[8::length]
    month, month_2, day, day_2 = _DAYS
    hour, hour_2 = _HOURS
    return not (
        read(months.translate(month), "big")
        & read(rows[6::length].translate(month_2), "big")
        & read(days.translate(day), "big")
        & read(rows[9::length].translate(day_2), "big")
        or read(rows[11::length].translate(hour), "big") & read(rows[12::length].translate(hour_2), "big")
        or 1 in months.translate(_OVER_1)
        or 1 in days.translate(_OVER_3)
        or 1 in (rows[14::length] + rows[17::length]).translate(_OVER_5)
        or ord("0") in rows[::length]
    )


def is_date(value: object) -> bool:
    """Return True for a date, or a date and time, with or without an offset."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def has_offset(value: object) -> bool:
    """Return True for a date and time with an offset, False for a local time."""
    parts = _DATE.fullmatch(value) if isinstance(value, str) else None
    return parts is not None and parts[5] is not None


def from_caller(value: Any) -> datetime:  # Any: JSON that a client sent
    """Parse a date and time of a client. Raises `GraphQLError` if it has no offset."""
    if not has_offset(value) or value[16] != ":":  # RFC 3339 has seconds
        raise GraphQLError("DateTime must be RFC 3339 with an offset, such as '2026-11-21T10:00:00Z'.")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime must be an existing date and time.") from None


def upstream_text(moment: datetime) -> str:
    """Format a date and time as FOLIO's own front end does: UTC, milliseconds, `Z`."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def day_from_upstream(value: Any) -> str:  # Any: JSON of upstream
    """Return a day of upstream, `2026-11-21`. Raises `GraphQLError` for anything else."""
    _existing_day(value, "Date cannot represent a value that is not a day.")
    return str(value)


def day_from_caller(value: Any) -> date:  # Any: JSON that a client sent
    """Parse a day of a client. Raises `GraphQLError` for anything else, a date and time included."""
    return _existing_day(value, "Date must be an existing day, such as '2026-11-21'.")


def _existing_day(value: Any, message: str) -> date:  # Any: as above
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise GraphQLError(message)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise GraphQLError(message) from None


def _checked_json(value: Any) -> Any:
    """Return a JSON value. Raises the error in the place of a value in it that upstream sent wrongly.

    Raises `UpstreamBadResponse` for one that is nested so deeply that it may not be encoded, and for a number
    in it that overflows, which would be encoded as null.
    """
    if is_too_deep(value):
        raise UpstreamBadResponse("An upstream service sent JSON that is nested too deeply.")
    if (error := invalid_value_in(value)) is not None:
        raise error
    return value


DateTime = NewType("DateTime", datetime)
Date = NewType("Date", date)
Decimal = NewType("Decimal", decimal.Decimal)
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
    Date: strawberry.scalar(
        name="Date",
        description="A day in a calendar, without a time and a time zone: `2026-11-21`.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
        serialize=day_from_upstream,
        parse_value=day_from_caller,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An amount of money as text, exact: `10.50`. In inputs it has up to 9 digits, and up "
        "to 2 more after a point.",
        serialize=money.from_upstream,
        parse_value=money.from_caller,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, as sent by upstream. Used for members that the library defines.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_checked_json,
    ),
}
