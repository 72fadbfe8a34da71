"""Opening hours of service points: on a day, around it, and in a range of days."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import create_sandbox
from tests.gateway_over import gateway_over
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

POINT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
EVERYTHING = "date open allDay exceptional exceptionName openings { startTime endTime }"


def point_of(gateway: Gateway, code: str) -> str:
    points = gateway.library.service_points.values()
    return str(next(each["id"] for each in points if each["code"] == code))


async def test_surrounding_openings_of_a_day(reader: Gateway) -> None:
    """A day with short hours, the open day before, and the one after the closure; two calls."""
    point = point_of(reader, "cd1")

    data = await reader.data(
        f"""query($id: ID!) {{ servicePoint(id: $id) {{ name surroundingOpenings(date: "2026-12-23") {{
            previous {{ {EVERYTHING} }} current {{ {EVERYTHING} }} next {{ {EVERYTHING} }}
        }} }} }}""",
        {"id": point},
    )

    hours = [{"startTime": "09:00:00", "endTime": "20:59:00"}]
    normal = {"open": True, "allDay": False, "exceptional": False, "exceptionName": None, "openings": hours}
    assert data["servicePoint"]["surroundingOpenings"] == {
        "previous": {"date": "2026-12-22", **normal},
        "current": {
            "date": "2026-12-23",
            "open": True,
            "allDay": False,
            "exceptional": True,
            "exceptionName": "Holiday eve",
            "openings": [{"startTime": "09:00:00", "endTime": "13:59:00"}],
        },
        "next": {
            "date": "2027-01-04",
            **normal,
        },
    }
    assert reader.paths() == ["GET /service-points", f"GET /calendar/dates/{point}/surrounding-openings"]
    assert reader.calls[1].query == {"date": "2026-12-23"}


async def test_openings_of_a_range(reader: Gateway) -> None:
    """All days of the range in one call, with closures; closed days are omitted if the client says so."""
    point = point_of(reader, "cd1")
    query = """query($id: ID!, $closed: Boolean!) { servicePoint(id: $id) {
        openings(from: "2026-12-17", to: "2026-12-24", includeClosed: $closed) {
            date open exceptionName openings { startTime endTime }
        } } }"""

    all_days = (await reader.data(query, {"id": point, "closed": True}))["servicePoint"]["openings"]
    calls = reader.calls
    reader.sandbox.calls.clear()
    open_days = (await reader.data(query, {"id": point, "closed": False}))["servicePoint"]["openings"]

    assert [each["date"][-2:] for each in all_days] == ["17", "18", "19", "20", "21", "22", "23", "24"]
    assert [each["open"] for each in all_days] == [True, True, False, False, True, True, True, False]
    assert all_days[1]["openings"] == [
        {"startTime": "09:00:00", "endTime": "12:29:00"},
        {"startTime": "13:30:00", "endTime": "18:59:00"},
    ]
    assert (all_days[2]["exceptionName"], all_days[7]["exceptionName"]) == (None, "Winter closure")
    assert open_days == [each for each in all_days if each["open"] or each["exceptionName"]]
    parameters = {"startDate": "2026-12-17", "endDate": "2026-12-24", "limit": "8"}
    assert calls[1].query == {**parameters, "includeClosed": "true"}
    assert reader.calls[1].query == {**parameters, "includeClosed": "false"}


async def test_all_day_and_a_point_without_hours(reader: Gateway) -> None:
    """A desk that never closes is open all day, and one without a calendar is closed all day."""
    data = await reader.data(
        """query($science: ID!, $music: ID!) {
            science: servicePoint(id: $science) {
                openings(from: "2026-11-21", to: "2026-11-21") { open allDay }
            }
            music: servicePoint(id: $music) { surroundingOpenings(date: "2026-11-21") {
                previous { date open } current { open allDay openings { startTime } } next { date open }
            } }
        }""",
        {"science": point_of(reader, "science"), "music": point_of(reader, "music")},
    )

    assert data["science"]["openings"] == [{"open": True, "allDay": True}]
    assert data["music"]["surroundingOpenings"] == {
        "previous": {"date": "2026-11-20", "open": False},
        "current": {"open": False, "allDay": True, "openings": []},
        "next": {"date": "2026-11-22", "open": False},
    }


async def test_openings_are_one_call_per_service_point(reader: Gateway) -> None:
    """Each service point and day takes a call, and the same one at two places takes no second."""
    points = {each["id"] for each in reader.library.service_points.values()}

    data = await reader.data(
        """{ servicePoints(first: 20) { nodes {
            a: surroundingOpenings(date: "2026-11-20") { current { open } }
            b: surroundingOpenings(date: "2026-11-20") { next { date } }
            c: surroundingOpenings(date: "2026-11-21") { __typename }
        } } }"""
    )

    nodes = data["servicePoints"]["nodes"]
    assert sum(each["a"]["current"]["open"] for each in nodes) == 5
    assert all(each["c"] == {"__typename": "SurroundingOpenings"} for each in nodes)
    path = "GET /calendar/dates/{}/surrounding-openings"
    assert reader.paths()[0] == "GET /service-points"
    assert sorted(reader.paths()[1:]) == sorted([path.format(each) for each in points] * 2)


async def test_openings_are_priced_by_the_service_point() -> None:
    """The estimate has a call for each service point, also if nothing is selected of the days."""
    days = 'openings(from: "2026-11-20", to: "2026-11-20") { __typename }'
    query = f"{{ servicePoints(first: 20) {{ nodes {{ {days} }} }} }}"
    async with open_gateway(max_cost=20) as gateway:
        response = await gateway.execute(query)

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert (error["extensions"]["limit"], error["extensions"]["estimated"]) == ("MAX_COST", 21)
    assert gateway.calls == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            'from: "2024-01-01", to: "2025-01-01"',
            "LIMIT_EXCEEDED",
            "`from` and `to` must span at most 366 days; got 367.",
        ),
        (
            'from: "0001-01-01", to: "9999-12-31"',
            "LIMIT_EXCEEDED",
            "`from` and `to` must span at most 366 days; got 3652059.",
        ),
        (
            'from: "2026-11-22", to: "2026-11-21"',
            "BAD_USER_INPUT",
            "`to` must not be before `from`; got 2026-11-21 and 2026-11-22.",
        ),
    ],
)
async def test_a_range_beyond_the_limit_is_not_sent(
    reader: Gateway, arguments: str, code: str, message: str
) -> None:
    """The service point is complete, the list is null, and no opening hours are requested."""
    response = await reader.execute(
        f'{{ servicePoint(id: "{point_of(reader, "cd1")}") {{ name openings({arguments}) {{ date }} }} }}'
    )

    (error,) = response["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["servicePoint", "openings"], code)
    assert error["message"] == message
    assert response["data"] == {"servicePoint": {"name": "Circ Desk 1", "openings": None}}
    assert reader.paths() == ["GET /service-points"]


async def test_the_longest_range(reader: Gateway) -> None:
    """A leap year has 366 days, which are one call."""
    data = await reader.data(
        f'{{ servicePoint(id: "{point_of(reader, "science")}") {{'
        ' openings(from: "2028-01-01", to: "2028-12-31") { date open } } }'
    )

    days = data["servicePoint"]["openings"]
    assert (len(days), days[0]["date"], days[-1]["date"]) == (366, "2028-01-01", "2028-12-31")
    assert reader.calls[1].query["limit"] == "366"


@pytest.mark.parametrize("day", ["2026-11-31", "2026-11-21T10:00:00Z", "20261121", "today", ""])
async def test_an_invalid_day_is_rejected(reader: Gateway, day: str) -> None:
    """A variable that is no existing day is an error of the request, and nothing is sent."""
    response = await reader.execute(
        "query($day: Date!) { servicePoints { nodes { surroundingOpenings(date: $day) { __typename } } } }",
        {"day": day},
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "Date must be an existing day, such as '2026-11-21'." in error["message"]
    assert reader.calls == []


async def test_a_failing_calendar_keeps_the_service_point() -> None:
    """The error is that of the one service point; its other fields and the other points are complete."""
    sandbox = create_sandbox()
    async with open_gateway(sandbox, read_attempts=1) as gateway:
        law = point_of(gateway, "law")
        sandbox.faults.add(kind="status", status=503, path=f"/calendar/dates/{law}")
        response = await gateway.execute(
            "{ servicePoints { nodes { code"
            ' surroundingOpenings(date: "2026-11-20") { current { open } } } } }'
        )

    nodes = {each["code"]: each["surroundingOpenings"] for each in response["data"]["servicePoints"]["nodes"]}
    assert [code for code, each in nodes.items() if each is None] == ["law"]
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("surrounding-openings", {"openings": [{"date": "2026-11-21"}] * 2}),
        ("surrounding-openings", {"openings": None}),
        ("surrounding-openings", []),
        ("all-openings", {"dates": {}, "totalRecords": 0}),
        ("all-openings", {"dates": [{"date": "2026-11-21"}], "totalRecords": 2}),
    ],
)
async def test_a_response_of_another_shape(path: str, body: Json) -> None:
    """Days that are missing are an error, and not a shorter list."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(path):
            return httpx.Response(200, json=body)
        return httpx.Response(200, json={"servicepoints": [{"id": POINT, "name": "Desk"}], "totalRecords": 1})

    field = {
        "surrounding-openings": 'surroundingOpenings(date: "2026-11-21") { current { date } }',
        "all-openings": 'openings(from: "2026-11-21", to: "2026-11-22") { date }',
    }[path]
    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(f'{{ servicePoint(id: "{POINT}") {{ name {field} }} }}')

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert response["data"] == {"servicePoint": {"name": "Desk", field.partition("(")[0]: None}}


async def test_values_of_another_type() -> None:
    """A day that does not exist, and a time that is no text, cost only themselves."""
    days = [
        {"date": "2026-02-30", "open": True, "openings": [{"startTime": "09:00:00", "endTime": {}}]},
        {"date": "2026-11-22", "open": "yes"},
    ]

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/calendar/"):
            return httpx.Response(200, json={"dates": days, "totalRecords": 2})
        return httpx.Response(200, json={"servicepoints": [{"id": POINT}], "totalRecords": 1})

    async with gateway_over(upstream) as gateway:
        response = await gateway.execute(
            f'{{ servicePoint(id: "{POINT}") {{ openings(from: "2026-11-21", to: "2026-11-22") {{'
            " date open openings { startTime endTime } } } }"
        )

    assert response["data"]["servicePoint"]["openings"] == [
        {"date": None, "open": True, "openings": [{"startTime": "09:00:00", "endTime": None}]},
        {"date": "2026-11-22", "open": None, "openings": None},
    ]
    paths = [each["path"][2:] for each in response["errors"]]
    assert sorted(paths, key=str) == sorted(
        [[0, "date"], [0, "openings", 0, "endTime"], [1, "open"]], key=str
    )
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_BAD_RESPONSE"}
