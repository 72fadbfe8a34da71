"""Calendars, and the opening hours of service points that follow from them, as mod-calendar computes them.

A day of a calendar is exceptional, or has the normal hours of its weekday, or is closed (CalendarUtils).
Times are those of a clock at the service point, to the minute; the last minute of a day is 23:59.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from starlette.responses import Response

from gateway.sandbox.http.errors import CalendarError
from gateway.sandbox.http.request import MAX_INTEGER, UUID, HttpRequest, json_response
from gateway.sandbox.library import Library, Record

WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
FIRST_MINUTE, LAST_MINUTE = "00:00:00", "23:59:00"
DEFAULT_LIMIT = 10
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
BOOLEANS = {  # that Spring converts
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}


def read_calendars(http_request: HttpRequest) -> Response:
    """GET the calendars that match all parameters, in the order of their first days."""
    ids, points = (ids_parameter(http_request, name) for name in ("id", "servicePointId"))
    first, last = (day_parameter(http_request, name) for name in ("startDate", "endDate"))
    offset, limit = page_parameters(http_request)
    matches = [
        each
        for each in in_order(http_request.library.calendars.values())
        if (not ids or each["id"] in ids)
        and (not points or not points.isdisjoint(each["assignments"]))
        and (first is None or each["endDate"] >= first.isoformat())
        and (last is None or each["startDate"] <= last.isoformat())
    ]
    return json_response({"calendars": matches[offset : offset + limit], "totalRecords": len(matches)})


def read_openings(http_request: HttpRequest) -> Response:
    """GET the days of a range; those that are regularly closed only if `includeClosed` says so."""
    point = point_parameter(http_request)
    first, last = (required_day(http_request, name) for name in ("startDate", "endDate"))
    include_closed = BOOLEANS.get(http_request.query.get("includeClosed", "").lower())
    if include_closed is None:
        raise invalid_parameter("includeClosed")
    offset, limit = page_parameters(http_request)
    openings = {}
    for calendar in calendars_of(http_request.library, point):
        for day in days_between(max(first, start_of(calendar)), min(last, end_of(calendar))):
            opening = opening_in(calendar, day)
            if opening is not None:
                openings[day] = opening
    if include_closed:
        openings = {day: openings.get(day) or closed(day.isoformat()) for day in days_between(first, last)}
    dates = [openings[day] for day in sorted(openings)]
    return json_response({"dates": dates[offset : offset + limit], "totalRecords": len(dates)})


def read_surrounding_openings(http_request: HttpRequest) -> Response:
    """GET the last open day before a date, the date itself, and the first open day after it."""
    point, day = point_parameter(http_request), required_day(http_request, "date")
    calendars = calendars_of(http_request.library, point)
    current = next(
        (each for calendar in calendars if (each := opening_in(calendar, day))), closed(day.isoformat())
    )
    before = next(open_days(calendars, day, -1), closed(adjacent(day, -1)))
    after = next(open_days(calendars, day, 1), closed(adjacent(day, 1)))
    return json_response({"openings": [before, current, after]})


def open_days(calendars: Sequence[Record], day: date, step: int) -> Iterator[Record]:
    """Yield the open days before or after a day, those next to it first."""
    for calendar in calendars if step > 0 else reversed(calendars):
        start, end = start_of(calendar).toordinal(), end_of(calendar).toordinal()
        here = day.toordinal()
        days = range(max(here + 1, start), end + 1) if step > 0 else range(min(here - 1, end), start - 1, -1)
        for number in days:
            opening = opening_in(calendar, date.fromordinal(number))
            if opening is not None and opening["open"]:
                yield opening


def adjacent(day: date, step: int) -> str:
    """Return the day before or after, as Java writes it, which has years that Python has not."""
    if step < 0 and day == date.min:
        return "0000-12-31"
    return "+10000-01-01" if step > 0 and day == date.max else (day + timedelta(days=step)).isoformat()


def opening_in(calendar: Record, day: date) -> Record | None:
    """Return the hours of a day in a calendar; None if it does not apply, or is regularly closed then."""
    text = day.isoformat()
    if not calendar["startDate"] <= text <= calendar["endDate"]:
        return None
    for each in calendar["exceptions"]:
        if each["startDate"] <= text <= each["endDate"]:
            return opening_of(day, exceptional_ranges(each, text), each["name"])
    ranges = sorted(normal_ranges(calendar, WEEKDAYS[day.weekday()]))
    return opening_of(day, ranges) if ranges else None


def exceptional_ranges(exception: Record, day: str) -> list[tuple[str, str]]:
    """Return the hours of an exception on one of its days, in the order in which they are stored."""
    return [
        (
            each["startTime"] if each["startDate"] == day else FIRST_MINUTE,
            each["endTime"] if each["endDate"] == day else LAST_MINUTE,
        )
        for each in exception["openings"]
        if each["startDate"] <= day <= each["endDate"]
    ]


def normal_ranges(calendar: Record, weekday: str) -> Iterator[tuple[str, str]]:
    """Yield the normal hours on a weekday."""
    for each in calendar["normalHours"]:
        start, end = each["startDay"], each["endDay"]
        if start == end and each["startTime"] > each["endTime"]:  # a week later
            if weekday == start:
                yield FIRST_MINUTE, each["endTime"]
                yield each["startTime"], LAST_MINUTE
            else:
                yield FIRST_MINUTE, LAST_MINUTE
        elif weekday in weekdays_between(start, end):
            yield (
                each["startTime"] if weekday == start else FIRST_MINUTE,
                each["endTime"] if weekday == end else LAST_MINUTE,
            )


def weekdays_between(start: str, end: str) -> list[str]:
    first = WEEKDAYS.index(start)
    length = (WEEKDAYS.index(end) - first) % 7 + 1
    return [WEEKDAYS[(first + number) % 7] for number in range(length)]


def opening_of(day: date, ranges: Sequence[tuple[str, str]], exception: str | None = None) -> Record:
    is_exceptional = exception is not None
    opening = {
        "date": day.isoformat(),
        # Several ranges of an exception are never all of the day, even if they are adjacent.
        "allDay": is_all_day(ranges) if len(ranges) == 1 or not is_exceptional else not ranges,
        "open": bool(ranges),
        "exceptional": is_exceptional,
        "openings": [{"startTime": start, "endTime": end} for start, end in ranges],
    }
    return opening | {"exceptionName": exception} if is_exceptional else opening


def is_all_day(ranges: Sequence[tuple[str, str]]) -> bool:
    """Return True for sorted ranges that have every minute of the day."""
    if ranges[0][0][:5] != FIRST_MINUTE[:5] or ranges[-1][1][:5] != LAST_MINUTE[:5]:
        return False
    return all(minute_of(one[1]) + 1 == minute_of(other[0]) for one, other in pairwise(ranges))


def minute_of(time: str) -> int:
    hours, minutes = time.split(":")[:2]
    return int(hours) * 60 + int(minutes)


def closed(day: str) -> Record:
    return {"date": day, "allDay": True, "open": False, "exceptional": False, "openings": []}


def calendars_of(library: Library, point: str) -> list[Record]:
    return in_order(each for each in library.calendars.values() if point in each["assignments"])


def in_order(calendars: Iterable[Record]) -> list[Record]:
    return sorted(calendars, key=lambda each: str(each["startDate"]))


def start_of(calendar: Record) -> date:
    return date.fromisoformat(calendar["startDate"])


def end_of(calendar: Record) -> date:
    return date.fromisoformat(calendar["endDate"])


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days of a range; none if it ends before it begins."""
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def point_parameter(http_request: HttpRequest) -> str:
    value = http_request.path_params["service_point_id"]
    if not UUID.fullmatch(value):
        raise invalid_parameter("servicePointId")
    return value.lower()


def ids_parameter(http_request: HttpRequest, name: str) -> set[str]:
    """Return the values of a parameter that may be repeated, or have several with commas between them."""
    values = [each for value in http_request.query_values(name) for each in value.split(",")]
    if not all(map(UUID.fullmatch, values)):
        raise invalid_parameter(name)
    return {value.lower() for value in values}


def required_day(http_request: HttpRequest, name: str) -> date:
    day = day_parameter(http_request, name)
    if day is None:
        raise invalid_parameter(name)
    return day


def day_parameter(http_request: HttpRequest, name: str) -> date | None:
    text = http_request.query.get(name)
    if not text:
        return None
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise invalid_parameter(name)


def page_parameters(http_request: HttpRequest) -> tuple[int, int]:
    """Return offset and limit. A negative one fails the validation, for which there is no handler."""
    numbers = []
    for name, default in (("offset", 0), ("limit", DEFAULT_LIMIT)):
        text = http_request.query.get(name, str(default))
        if not re.fullmatch(r"-?\d{1,10}", text, re.ASCII) or int(text) > MAX_INTEGER:
            raise invalid_parameter(name)
        if int(text) < 0:
            raise CalendarError(
                f"An internal server error occurred (ConstraintViolationException): {name}",
                "internalServerError",
                500,
            )
        numbers.append(int(text))
    return numbers[0], numbers[1]


def invalid_parameter(name: str) -> CalendarError:
    return CalendarError(f"One of the parameters was the incorrect type: {name}", "invalidParameter")
