"""Lists that upstream sends as a whole: a long one is projected in parts, to the same result."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.engine.plans.links import PAGE_RECORDS
from tests.engine.plans.test_unexpected_records import BOTH
from tests.gateway_over import Json, gateway_over, key

pytestmark = pytest.mark.anyio

RECORDS = 2 * PAGE_RECORDS + 7
PATRONS = 50
QUEUE = f"""{{ requestQueue(itemId: "{key(1)}") {{
    totalCount requests: nodes {{ id requester {{ id username }} }}
    nodes {{ requestDate position }} again: nodes {{ position requestDate }}
}} }}"""


def queue(requests: list[Json]) -> Json:
    """Return an upstream with one queue, and with users."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/circulation"):
            return httpx.Response(200, json={"requests": requests, "totalRecords": len(requests)})
        ids = re.findall(r"[0-9a-f-]{36}", request.url.params["query"])
        users = [{"id": each, "username": f"u{int(each[-12:])}"} for each in ids]
        return httpx.Response(200, json={"users": users, "totalRecords": len(users)})

    return upstream


def request(number: int, **members: Json) -> Json:
    date = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000+00:00"
    return {
        "id": key(number),
        "requesterId": key(number % PATRONS),
        "requestDate": date,
        "position": number + 1,
        **members,
    }


@BOTH
async def test_a_long_page_is_complete_and_in_order(execution: str) -> None:
    """Each name of the list has all records, the fields of the page are of all, and links share one call."""
    requests = [request(each) for each in range(RECORDS)]
    async with gateway_over(queue(requests), execution=execution, max_result_nodes=100_000) as gateway:
        response = await gateway.execute(QUEUE)

    assert "errors" not in response
    page = response["data"]["requestQueue"]
    assert page["totalCount"] == RECORDS
    assert page["requests"] == [
        {"id": key(each), "requester": {"id": key(each % PATRONS), "username": f"u{each % PATRONS}"}}
        for each in range(RECORDS)
    ]
    dates = [each["requestDate"].replace("+00:00", "Z") for each in requests]
    assert page["nodes"] == [
        {"requestDate": date, "position": place} for place, date in enumerate(dates, start=1)
    ]
    assert page["again"] == page["nodes"]
    assert gateway.lines() == [f"GET /circulation/requests/queue/item/{key(1)}", "GET /users"]


@BOTH
@pytest.mark.parametrize("place", [0, PAGE_RECORDS + 3, RECORDS - 1])
async def test_an_unexpected_record_of_a_long_page_costs_itself(execution: str, place: int) -> None:
    """The position that is a text is null with one error; all else of all parts is there, each once."""
    requests = [request(each, **({"position": "first"} if each == place else {})) for each in range(RECORDS)]
    async with gateway_over(queue(requests), execution=execution, max_result_nodes=100_000) as gateway:
        response = await gateway.execute(QUEUE.replace("again: nodes { position requestDate }", ""))

    assert [each["path"] for each in response["errors"]] == [["requestQueue", "nodes", place, "position"]]
    page = response["data"]["requestQueue"]
    assert [each["position"] for each in page["nodes"]] == [
        None if each == place else each + 1 for each in range(RECORDS)
    ]
    assert [each["id"] for each in page["requests"]] == [key(each) for each in range(RECORDS)]
    assert [each["requester"]["username"] for each in page["requests"]] == [
        f"u{each % PATRONS}" for each in range(RECORDS)
    ]
    assert gateway.lines() == [f"GET /circulation/requests/queue/item/{key(1)}", "GET /users"]
