"""The reordering of a queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

NOTHING = "00000000-0000-4000-8000-000000000000"
LENT_TWICE, PAGED = "2000000032", "2000000231"
MORE = ("1000000041", "1000000043")

Body = dict[str, Any]
Refuse = Callable[..., Awaitable[list[Body]]]
RequestBody = Callable[..., Body]


def paths(library: Library, barcode: str) -> tuple[str, str]:
    """Return the paths of the instance's and the item's queue."""
    item = library.item_by_barcode(barcode)
    assert item is not None
    title = library.holdings[item["holdingsRecordId"]]["instanceId"]
    queue = "/circulation/requests/queue"
    return f"{queue}/instance/{title}", f"{queue}/item/{item['id']}"


def in_order(*ids: str) -> Body:
    return {"reorderedQueue": [{"id": key, "newPosition": number} for number, key in enumerate(ids, start=1)]}


async def queue_at(client: httpx.AsyncClient, path: str) -> list[str]:
    return [request["id"] for request in (await client.get(path)).json()["requests"]]


async def test_instance_queue(client: httpx.AsyncClient, library: Library) -> None:
    """The response is the new queue."""
    path, _ = paths(library, LENT_TWICE)
    first, second = await queue_at(client, path)
    response = await client.post(f"{path}/reorder", json=in_order(second, first))
    body = response.json()

    assert response.status_code == 200
    assert body["totalRecords"] == 2
    assert [(each["id"], each["position"]) for each in body["requests"]] == [(second, 1), (first, 2)]
    assert await queue_at(client, path) == [second, first]


async def test_item_queue(client: httpx.AsyncClient, library: Library, request_body: RequestBody) -> None:
    """The item's requests exchange their positions; others of the instance keep theirs."""
    title, copy = paths(library, PAGED)
    for user in MORE:
        assert (
            await client.post("/circulation/requests", json=request_body(PAGED, user, "Hold"))
        ).status_code == 201
    before = await queue_at(client, title)
    page, second, third = await queue_at(client, copy)
    response = await client.post(f"{copy}/reorder", json=in_order(page, third, second))
    swapped = {second: third, third: second}

    assert response.status_code == 200
    assert await queue_at(client, copy) == [page, third, second]
    assert await queue_at(client, title) == [swapped.get(key, key) for key in before]


async def test_started_requests_stay_in_front(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody, refuse: Refuse
) -> None:
    """A Page, or a request with its item in transit, is not displaced."""
    _, path = paths(library, PAGED)
    await client.post("/circulation/requests", json=request_body(PAGED, MORE[0], "Hold"))
    page, hold = await queue_at(client, path)
    (paged,) = await refuse("POST", f"{path}/reorder", in_order(hold, page))
    library.requests[page]["status"] = "Open - In transit"
    (started,) = await refuse("POST", f"{path}/reorder", in_order(hold, page))

    assert paged["message"].startswith("Page requests can not be displaced")
    assert started["message"].startswith("Requests can not be displaced")


async def test_refused_orders(client: httpx.AsyncClient, library: Library, refuse: Refuse) -> None:
    """Every open request has to occur once, with positions from one on."""
    path, _ = paths(library, LENT_TWICE)
    first, second = await queue_at(client, path)
    rows = in_order(first, second)["reorderedQueue"]
    of_title = [{"key": "instanceId", "value": path.rpartition("/")[2]}]
    for queue, message in (
        (rows[:1], "There is inconsistency between provided reordered queue and request queue."),
        ([*rows, {"id": NOTHING, "newPosition": 3}], "There is inconsistency between provided"),
        ([rows[0], rows[0]], "There is inconsistency between provided"),
        ([rows[0], {"id": second, "newPosition": 3}], "Positions must have sequential order."),
        ([rows[0], {"id": second, "newPosition": 1}], "Positions must have sequential order."),
    ):
        (error,) = await refuse("POST", f"{path}/reorder", {"reorderedQueue": queue})
        assert error["message"].startswith(message)
        assert error["parameters"] == of_title
        assert "code" not in error


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reorderedQueue": "all"},
        {"reorderedQueue": ["first"]},
        {"reorderedQueue": [{"id": "first", "newPosition": 1}]},
        {"reorderedQueue": [{"id": NOTHING, "newPosition": "1"}]},
        {"reorderedQueue": [{"id": NOTHING, "newPosition": True}]},
    ],
)
async def test_invalid_bodies_are_rejected(client: httpx.AsyncClient, library: Library, body: Body) -> None:
    """They are 400 in plain text."""
    path, _ = paths(library, LENT_TWICE)
    assert (await client.post(f"{path}/reorder", json=body)).status_code == 400


@pytest.mark.parametrize("kind", ["instance", "item"])
async def test_unknown_records(client: httpx.AsyncClient, kind: str) -> None:
    """An unknown instance or item is 404."""
    response = await client.post(f"/circulation/requests/queue/{kind}/{NOTHING}/reorder", json=in_order())
    assert (response.status_code, response.text) == (
        404,
        f'{kind} record with ID "{NOTHING}" cannot be found',
    )
