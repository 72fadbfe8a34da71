"""Calendars of service points: all fields, pages, and the conditions that mod-calendar has."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

ALL = """id name startDate endDate servicePoints { id }
    normalHours { startDay startDayText startTime endDay endDayText endTime }
    exceptions { name startDate endDate openings { startDate startTime endDate endTime } }
    metadata { createdDate createdBy { id } updatedDate updatedBy { id } createdByUsername }"""


async def test_all_fields_of_calendars(reader: Gateway) -> None:
    """Each calendar is as it is stored, in the order of the first days; ids of links cost no call."""
    stored = reader.library.calendars

    data = await reader.data(f"{{ calendars(first: 100) {{ totalCount nodes {{ {ALL} }} }} }}")

    nodes = data["calendars"]["nodes"]
    assert data["calendars"]["totalCount"] == len(nodes) == len(stored) >= 6
    assert [each["startDate"] for each in nodes] == sorted(each["startDate"] for each in nodes)
    for each in nodes:
        kept = stored[each["id"]]
        assert {name: each[name] for name in ("name", "startDate", "endDate", "exceptions")} == {
            name: kept[name] for name in ("name", "startDate", "endDate", "exceptions")
        }
        assert [one["id"] for one in each["servicePoints"]] == kept["assignments"]
        assert each["normalHours"] == [
            {**one, "startDayText": one["startDay"], "endDayText": one["endDay"]}
            for one in kept["normalHours"]
        ]
        assert each["metadata"]["createdBy"] == {"id": kept["metadata"]["createdByUserId"]}
        assert each["metadata"]["createdByUsername"] is None
    assert reader.paths() == ["GET /calendar/calendars"]
    assert reader.calls[0].query == {"limit": "100", "totalRecords": "exact"}


async def test_service_points_of_calendars_are_one_call(reader: Gateway) -> None:
    """The service points of a page are a batch."""
    data = await reader.data("{ calendars { nodes { name servicePoints { code } } } }")

    codes = {
        each["name"][:-5]: [one["code"] for one in each["servicePoints"]]
        for each in data["calendars"]["nodes"]
    }
    assert codes == {"Main and annex": ["cd1", "cd2", "annex"], "Law": ["law"], "Science": ["science"]}
    assert reader.paths() == ["GET /calendar/calendars", "GET /service-points"]


async def test_pages(reader: Gateway) -> None:
    """A page says if another follows, and its cursor leads there; 0 only counts."""
    first = (
        await reader.data("{ calendars(first: 4) { nodes { id } pageInfo { hasNextPage endCursor } } }")
    )["calendars"]
    calls = reader.calls
    reader.sandbox.calls.clear()
    second = (
        await reader.data(
            "query($at: String) {"
            " calendars(first: 100, after: $at) { nodes { id } pageInfo { hasNextPage } } }",
            {"at": first["pageInfo"]["endCursor"]},
        )
    )["calendars"]
    counted = await reader.data("{ calendars(first: 0) { totalCount } }")

    assert first["pageInfo"]["hasNextPage"] is True
    assert second["pageInfo"]["hasNextPage"] is False
    ids = [each["id"] for each in (*first["nodes"], *second["nodes"])]
    assert len(ids) == len(set(ids)) == counted["calendars"]["totalCount"] == len(reader.library.calendars)
    assert [each.query.get("limit") for each in (*calls, *reader.calls)] == ["5", "101", "0"]
    assert reader.calls[0].query["offset"] == "4"


async def test_filters(reader: Gateway) -> None:
    """The calendar of a service point on a day, by the parameters of mod-calendar."""
    point = next(each["id"] for each in reader.library.service_points.values() if each["code"] == "law")

    data = await reader.data(
        """query($point: [ID!], $day: Date) {
            calendars(filter: { servicePointId: $point, from: $day, to: $day }) { nodes { name } }
        }""",
        {"point": [point.upper()], "day": "2027-02-01"},
    )

    assert data == {"calendars": {"nodes": [{"name": "Law 2027"}]}}
    assert reader.calls[0].query == {
        "limit": "10",
        "totalRecords": "none",
        "servicePointId": point,
        "startDate": "2027-02-01",
        "endDate": "2027-02-01",
    }


async def test_ids_are_sent_as_separate_parameters() -> None:
    """mod-calendar takes several ids as repeated parameters."""

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"calendars": [], "totalRecords": 0})

    ids = f'id: ["{key(1)}", "{key(2)}"], servicePointId: ["{key(3)}"]'
    query = f"{{ calendars(first: 2, filter: {{ {ids} }}) {{ nodes {{ id }} }} }}"
    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(query)

    assert response == {"data": {"calendars": {"nodes": []}}}
    (request,) = gateway.requests
    assert request.url.query.decode() == (
        f"limit=2&totalRecords=none&id={key(1)}&id={key(2)}&servicePointId={key(3)}"
    )


@pytest.mark.parametrize(
    ("filter", "code", "message"),
    [
        ({"id": []}, "BAD_USER_INPUT", "`id` must not be empty; omit it to read all records."),
        (
            {"servicePointId": []},
            "BAD_USER_INPUT",
            "`servicePointId` must not be empty; omit it to read all records.",
        ),
        (
            {"from": "2026-11-22", "to": "2026-11-21"},
            "BAD_USER_INPUT",
            "`to` must not be before `from`; got 2026-11-21 and 2026-11-22.",
        ),
        (
            {"id": [key(number) for number in range(200)]},
            "LIMIT_EXCEEDED",
            "`filter` makes a request line of ",
        ),
    ],
)
async def test_a_filter_that_is_not_sent(reader: Gateway, filter: Json, code: str, message: str) -> None:
    """The error has its code, the field is null, and no call is made."""
    response = await reader.execute(
        "query($filter: CalendarFilter) { calendars(filter: $filter) { nodes { id } } }", {"filter": filter}
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].startswith(message)
    assert response["data"] == {"calendars": None}
    assert reader.calls == []


async def test_a_tenant_without_calendars() -> None:
    """The interface is optional: without mod-calendar the field has its error, and others their data."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/calendar/"):
            text = f"No suitable module found for path {request.url.path} for tenant diku"
            return httpx.Response(404, text=text)
        return httpx.Response(
            200, json={"servicepoints": [{"id": key(1), "name": "Desk"}], "totalRecords": 1}
        )

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(
            "{ calendars { nodes { id } } servicePoints { nodes { name"
            ' surroundingOpenings(date: "2026-11-21") { current { open } } } } }'
        )

    assert response["data"] == {
        "calendars": None,
        "servicePoints": {"nodes": [{"name": "Desk", "surroundingOpenings": None}]},
    }
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_BAD_RESPONSE"}


async def test_a_weekday_of_a_newer_version() -> None:
    """A value that is not known is UNKNOWN, with upstream's text beside it."""

    def upstream(request: httpx.Request) -> httpx.Response:
        calendar = {"id": key(1), "normalHours": [{"startDay": "Someday", "endDay": "monday"}]}
        return httpx.Response(200, json={"calendars": [calendar], "totalRecords": 1})

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(
            "{ calendars { nodes { normalHours { startDay startDayText endDay } exceptions { name } } } }"
        )

    assert response["data"]["calendars"]["nodes"] == [
        {
            "normalHours": [{"startDay": "UNKNOWN", "startDayText": "Someday", "endDay": "MONDAY"}],
            "exceptions": None,
        }
    ]
