"""Calendars and opening hours against FOLIO's published schemas: nothing is missing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.calendar_facts import PARAMETERS, RESPONSES
from tests.fee_fine_facts import Values
from tests.gateway_over import gateway_over
from tests.test_fee_fine_contract import missing
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # responses are JSON

POINT = "00000000-0000-4000-8000-000000000001"
ALL_OPENINGS = "/calendar/dates/{servicePointId}/all-openings"
SURROUNDING = "/calendar/dates/{servicePointId}/surrounding-openings"
QUERIES = {
    "/calendar/calendars": f"{{ calendars(first: 1) {{ nodes {selection('Calendar')} }} }}",
    ALL_OPENINGS: f'{{ servicePoint(id: "{POINT}") {{ openings(from: "2026-11-21", to: "2026-11-21") '
    f"{selection('SingleDayOpening')} }} }}",
    SURROUNDING: f'{{ servicePoint(id: "{POINT}") {{ surroundingOpenings(date: "2026-11-21") '
    f"{selection('SurroundingOpenings')} }} }}",
}
# Members that are not returned, with reasons. `totalRecords` is `totalCount`, or the length of the list.
OMITTED = {
    "/calendar/calendars": {
        "calendars.normalHours.calendarId": "never sent (NormalOpeningMapper); the calendar is around it",
        "calendars.exceptions.calendarId": "never sent (ExceptionRangeMapper); the calendar is around it",
        "calendars.exceptions.openings.exceptionId": "never sent (ExceptionHourMapper); it has no id",
    },
    ALL_OPENINGS: {},
    SURROUNDING: {},
}


class CalendarValues(Values):
    """Values of the kinds of calendars: days and weekdays too."""

    def __init__(self) -> None:
        super().__init__()
        self.day = date(2031, 1, 1)

    def value(self, kind: str) -> Json:
        if kind == "count":
            return 1
        if kind == "weekday":
            return "SATURDAY"
        if kind == "day":
            self.day += timedelta(days=1)
            return self.day.isoformat()
        return super().value(kind)


class Upstream:
    """Responds to one route with one body, and to others with the records of links; keeps the parameters."""

    def __init__(self, path: str, body: Json) -> None:
        self.pattern, self.body = re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), body
        self.parameters: list[set[str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.pattern.fullmatch(request.url.path):
            self.parameters.append(set(request.url.params))
            return httpx.Response(200, json=self.body)
        return httpx.Response(200, json={"servicepoints": [{"id": POINT}], "users": [], "totalRecords": 1})


@pytest.mark.parametrize("path", RESPONSES)
async def test_every_member_of_a_response_reaches_the_client(path: str) -> None:
    """With a unique value in each member of FOLIO's schema, the query of all fields returns all of them."""
    values = CalendarValues()
    record = values.record(RESPONSES[path])
    if path == SURROUNDING:
        record = {"openings": [values.record(RESPONSES[path])["openings"][0] for _ in range(3)]}
    upstream = Upstream(path, record)

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(QUERIES[path])

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) - {"totalRecords"} == set(OMITTED[path])
    # mod-calendar ignores a parameter that it does not know, and this one is of every list.
    assert [each - {"totalRecords"} <= PARAMETERS[path] for each in upstream.parameters] == [True]
