"""Opening hours as mod-calendar computes them from calendars, and its errors."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

Json = Any  # records and bodies are JSON

POINT = "3a40852d-49fd-4df2-a1f9-6e2641a6e91f"
OTHER = "c4c90014-c8c9-4ade-8f24-b5e313319f4b"
ALL_DAY = ("00:00:00", "23:59:00")


def calendar(
    start: str, end: str, hours: list[tuple[str, str, str, str]], *exceptions: Json, point: str = POINT
) -> Json:
    return {
        "id": f"00000000-0000-4000-8000-{start.replace('-', ''):0>12}",
        "name": f"From {start}",
        "startDate": start,
        "endDate": end,
        "assignments": [point],
        "normalHours": [
            {"startDay": one, "startTime": opens, "endDay": other, "endTime": closes}
            for one, opens, other, closes in hours
        ],
        "exceptions": list(exceptions),
        "metadata": {},
    }


def exception(name: str, start: str, end: str, *openings: tuple[str, str, str, str]) -> Json:
    names = ("startDate", "startTime", "endDate", "endTime")
    return {
        "name": name,
        "startDate": start,
        "endDate": end,
        "openings": [dict(zip(names, each, strict=True)) for each in openings],
    }


@pytest.fixture
def calendars(library: Library) -> dict[str, Json]:
    """Return the calendars of the library, empty."""
    library.calendars.clear()
    return library.calendars


def add(calendars: dict[str, Json], *added: Json) -> None:
    calendars.update({each["id"]: each for each in added})


async def read_days(
    client: httpx.AsyncClient, start: str, end: str, closed: str = "true", **more: str
) -> Json:
    parameters = {"startDate": start, "endDate": end, "includeClosed": closed, "limit": "1000", **more}
    response = await client.get(f"/calendar/dates/{POINT}/all-openings", params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def ranges(days: Json) -> dict[str, list[tuple[str, str]]]:
    return {
        each["date"]: [(one["startTime"], one["endTime"]) for one in each["openings"]]
        for each in days["dates"]
    }


async def test_normal_hours_by_weekday(client: httpx.AsyncClient, calendars: dict[str, Json]) -> None:
    """Ranges are sorted, and one from day to day has no break at night; 2026-11-22 is a Sunday."""
    add(
        calendars,
        calendar(
            "2026-11-01",
            "2026-11-30",
            [
                ("TUESDAY", "14:00:00", "TUESDAY", "18:00:00"),
                ("TUESDAY", "09:00:00", "TUESDAY", "12:00:00"),
                ("FRIDAY", "20:00:00", "SUNDAY", "06:30:00"),
            ],
        ),
    )

    days = await read_days(client, "2026-11-22", "2026-11-28")

    assert ranges(days) == {
        "2026-11-22": [("00:00:00", "06:30:00")],
        "2026-11-23": [],
        "2026-11-24": [("09:00:00", "12:00:00"), ("14:00:00", "18:00:00")],
        "2026-11-25": [],
        "2026-11-26": [],
        "2026-11-27": [("20:00:00", "23:59:00")],
        "2026-11-28": [ALL_DAY],
    }
    assert days["totalRecords"] == 7
    assert days["dates"][1] == {
        "date": "2026-11-23",
        "allDay": True,
        "open": False,
        "exceptional": False,
        "openings": [],
    }
    assert [each["allDay"] for each in days["dates"]] == [False, True, False, True, True, False, True]
    assert [each["open"] for each in days["dates"]] == [True, False, True, False, False, True, True]


async def test_a_range_of_a_week(client: httpx.AsyncClient, calendars: dict[str, Json]) -> None:
    """Hours that end before they begin on the same weekday are those of the week between, in two parts."""
    add(calendars, calendar("2026-11-01", "2026-11-30", [("MONDAY", "10:00:00", "MONDAY", "08:00:00")]))

    days = await read_days(client, "2026-11-23", "2026-11-24")

    assert ranges(days) == {
        "2026-11-23": [("00:00:00", "08:00:00"), ("10:00:00", "23:59:00")],
        "2026-11-24": [ALL_DAY],
    }


async def test_adjacent_ranges_are_all_day_if_they_are_normal(
    client: httpx.AsyncClient, calendars: dict[str, Json]
) -> None:
    """Normal ranges that follow each other to the minute are the day; those of an exception never are."""
    halves = [("00:00:00", "11:59:00"), ("12:00:00", "23:59:00")]
    add(
        calendars,
        calendar(
            "2026-11-01",
            "2026-11-30",
            [("MONDAY", start, "MONDAY", end) for start, end in halves],
            exception(
                "Fair",
                "2026-11-24",
                "2026-11-24",
                *[("2026-11-24", start, "2026-11-24", end) for start, end in halves],
            ),
            exception(
                "Night", "2026-11-25", "2026-11-25", ("2026-11-25", "00:00:00", "2026-11-25", "23:59:00")
            ),
        ),
    )

    days = (await read_days(client, "2026-11-23", "2026-11-25"))["dates"]

    assert [each["allDay"] for each in days] == [True, False, True]
    assert [each["exceptional"] for each in days] == [False, True, True]
    assert ["exceptionName" in each for each in days] == [False, True, True]


async def test_exceptions_replace_normal_hours(client: httpx.AsyncClient, calendars: dict[str, Json]) -> None:
    """A closure is sent although closed days are omitted, and an opening over two days is cut at midnight."""
    add(
        calendars,
        calendar(
            "2026-11-01",
            "2026-11-30",
            [("MONDAY", "09:00:00", "FRIDAY", "17:00:00")],
            exception("Closed", "2026-11-23", "2026-11-23"),
            exception(
                "Night", "2026-11-24", "2026-11-25", ("2026-11-24", "18:00:00", "2026-11-25", "02:00:00")
            ),
        ),
    )

    days = await read_days(client, "2026-11-21", "2026-11-26", "false")

    assert ranges(days) == {
        "2026-11-23": [],
        "2026-11-24": [("18:00:00", "23:59:00")],
        "2026-11-25": [("00:00:00", "02:00:00")],
        "2026-11-26": [ALL_DAY],
    }
    assert days["totalRecords"] == 4
    assert days["dates"][0] == {
        "date": "2026-11-23",
        "allDay": True,
        "open": False,
        "exceptional": True,
        "exceptionName": "Closed",
        "openings": [],
    }


async def test_pages_of_days(client: httpx.AsyncClient, calendars: dict[str, Json]) -> None:
    """The total counts all days; ten are sent by default, and none for the limit 0."""
    add(calendars, calendar("2026-11-01", "2026-11-30", [("SUNDAY", ALL_DAY[0], "SATURDAY", ALL_DAY[1])]))

    page = await read_days(client, "2026-11-01", "2026-11-30", limit="2", offset="28")
    nothing = await read_days(client, "2026-11-01", "2026-11-30", limit="0")
    response = await client.get(
        f"/calendar/dates/{POINT}/all-openings",
        params={"startDate": "2026-11-01", "endDate": "2026-11-30", "includeClosed": "false"},
    )

    assert list(ranges(page)) == ["2026-11-29", "2026-11-30"]
    assert page["totalRecords"] == nothing["totalRecords"] == response.json()["totalRecords"] == 30
    assert nothing["dates"] == []
    assert len(response.json()["dates"]) == 10


async def test_a_range_that_ends_before_it_begins_is_empty(client: httpx.AsyncClient) -> None:
    """It is no error of mod-calendar."""
    assert await read_days(client, "2026-11-02", "2026-11-01") == {"dates": [], "totalRecords": 0}


async def surrounding(client: httpx.AsyncClient, day: str) -> Json:
    response = await client.get(f"/calendar/dates/{POINT}/surrounding-openings", params={"date": day})
    assert response.status_code == 200, response.text
    return response.json()["openings"]


async def test_surrounding_openings_skip_closed_days(
    client: httpx.AsyncClient, calendars: dict[str, Json]
) -> None:
    """The open days next to a day are found beyond closures and in other calendars of the service point."""
    add(
        calendars,
        calendar("2027-03-01", "2027-03-31", [("WEDNESDAY", "10:00:00", "WEDNESDAY", "12:00:00")]),
        calendar("2026-11-01", "2026-11-30", [("MONDAY", "09:00:00", "MONDAY", "17:00:00")]),
        calendar(
            "2026-12-01",
            "2026-12-31",
            [("MONDAY", "09:00:00", "MONDAY", "17:00:00")],
            exception("Winter", "2026-12-01", "2026-12-31"),
        ),
        calendar("2026-12-10", "2026-12-20", [("SUNDAY", ALL_DAY[0], "SATURDAY", ALL_DAY[1])], point=OTHER),
    )

    before, current, after = await surrounding(client, "2026-12-14")

    assert (before["date"], before["open"], before["exceptional"]) == ("2026-11-30", True, False)
    assert current["exceptionName"] == "Winter"
    assert (after["date"], after["openings"]) == (
        "2027-03-03",
        [{"startTime": "10:00:00", "endTime": "12:00:00"}],
    )


@pytest.mark.parametrize(
    ("day", "dates"),
    [
        ("2026-11-30", ["2026-11-29", "2026-11-30", "2026-12-01"]),
        ("0001-01-01", ["0000-12-31", "0001-01-01", "0001-01-02"]),
        ("9999-12-31", ["9999-12-30", "9999-12-31", "+10000-01-01"]),
    ],
)
async def test_surrounding_openings_without_a_calendar(
    client: httpx.AsyncClient, calendars: dict[str, Json], day: str, dates: list[str]
) -> None:
    """Without an open day the adjacent ones are sent as regularly closed."""
    openings = await surrounding(client, day)

    assert openings == [
        {"date": each, "allDay": True, "open": False, "exceptional": False, "openings": []} for each in dates
    ]


async def test_calendars_that_match(client: httpx.AsyncClient, calendars: dict[str, Json]) -> None:
    """Parameters narrow the list, repeated ones widen it, and the order is that of the first days."""
    first, second, third = (
        calendar("2026-01-01", "2026-05-31", []),
        calendar("2026-06-01", "2026-12-31", [], point=OTHER),
        calendar("2027-01-01", "2027-12-31", []),
    )
    add(calendars, third, first, second)

    async def names(*query: tuple[str, str]) -> Json:
        body = (await client.get("/calendar/calendars", params=list(query))).json()
        return [
            body["totalRecords"],
            *(each["name"][5:9] + each["name"][10:12] for each in body["calendars"]),
        ]

    assert await names() == [3, "202601", "202606", "202701"]
    assert await names(("servicePointId", POINT)) == [2, "202601", "202701"]
    assert await names(("servicePointId", POINT), ("servicePointId", OTHER.upper())) == [
        3,
        "202601",
        "202606",
        "202701",
    ]
    assert await names(("id", first["id"]), ("id", second["id"])) == [2, "202601", "202606"]
    assert await names(("id", f"{first['id']},{second['id']}"), ("servicePointId", OTHER)) == [1, "202606"]
    assert await names(("startDate", "2026-05-31"), ("endDate", "2026-06-01")) == [2, "202601", "202606"]
    assert await names(("startDate", "2028-01-01")) == [0]
    assert await names(("limit", "1"), ("offset", "1")) == [3, "202606"]
    assert await names(("limit", "0")) == [3]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/calendar/calendars", {"id": "42"}),
        ("/calendar/calendars", {"servicePointId": f"{POINT},x"}),
        ("/calendar/calendars", {"startDate": "2026-02-30"}),
        ("/calendar/calendars", {"limit": "x"}),
        ("/calendar/dates/42/surrounding-openings", {"date": "2026-11-21"}),
        (f"/calendar/dates/{POINT}/surrounding-openings", {}),
        (f"/calendar/dates/{POINT}/surrounding-openings", {"date": "20261121"}),
        (f"/calendar/dates/{POINT}/all-openings", {"startDate": "2026-11-21", "endDate": "2026-11-21"}),
        (f"/calendar/dates/{POINT}/all-openings", {"startDate": "2026-11-21", "includeClosed": "true"}),
    ],
)
async def test_invalid_parameters(client: httpx.AsyncClient, path: str, parameters: dict[str, str]) -> None:
    """They are a 400 with `errors[]`, whose parameters are an object."""
    response = await client.get(path, params=parameters)

    assert response.status_code == 400
    body = response.json()
    (error,) = body["errors"]
    assert (body["status"], error["code"], error["_parameters"]) == (400, "invalidParameter", {})
    assert error["message"].startswith("One of the parameters was the incorrect type: ")


async def test_a_negative_limit_is_not_handled(client: httpx.AsyncClient) -> None:
    """The validation of mod-calendar rejects it, and its handler of all other exceptions responds."""
    response = await client.get("/calendar/calendars", params={"limit": "-1"})

    assert (response.status_code, response.json()["errors"][0]["code"]) == (500, "internalServerError")


async def test_calendars_require_a_permission(client: httpx.AsyncClient) -> None:
    """Each route has a permission of its own."""
    nobody = {"X-Okapi-Token": "sandbox:nobody"}
    paths = {
        "/calendar/calendars": "get",
        f"/calendar/dates/{POINT}/all-openings": "allOpenings.get",
        f"/calendar/dates/{POINT}/surrounding-openings": "surroundingOpenings.get",
    }
    for path, permission in paths.items():
        response = await client.get(path, headers=nobody)
        assert response.status_code == 403
        assert response.text.endswith(f"requires permission: calendar.endpoint.calendars.{permission}")
