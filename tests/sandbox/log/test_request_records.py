"""The records of the circulation log on requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

REQUESTS = "/circulation/requests"
AVAILABLE, LENT, COPY_OF_LENT, LENT_TWICE, PAGED = (
    "2000000001",
    "2000000112",
    "2000000198",
    "2000000032",
    "2000000231",
)
LENT_WITH_HOLD = "2000000038"  # another copy of the title of COPY_OF_LENT
MORE = ("1000000041", "1000000043")

Body = dict[str, Any]
Added = Callable[[], list[Record]]
RequestBody = Callable[..., Body]


@pytest.fixture(name="added")
def _added(library: Library) -> Added:
    """Return the records since the start of the test, in their order."""
    before = set(library.circulation_log)
    return lambda: [each for key, each in library.circulation_log.items() if key not in before]


def request_for(library: Library, barcode: str) -> Record:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return next(
        each for each in library.requests.values() if each.get("itemId") == item["id"] and "position" in each
    )


def kinds(records: list[Record]) -> list[tuple[str, str]]:
    return [(each["object"], each["action"]) for each in records]


async def test_a_new_request(
    client: httpx.AsyncClient, library: Library, circ_desk: str, added: Added, request_body: RequestBody
) -> None:
    """The record has the requester, the pickup service point, the item and no loan."""
    response = await client.post(REQUESTS, json=request_body(AVAILABLE))

    request = response.json()
    (record,) = added()
    assert kinds([record]) == [("Request", "Created")]
    assert record["linkToIds"] == {"userId": request["requesterId"], "requestId": request["id"]}
    assert record["userBarcode"] == request["requester"]["barcode"]
    assert (record["servicePointId"], record["source"]) == (circ_desk, "Head, Hanna")
    assert record["items"][0].keys() == {"itemBarcode", "itemId", "instanceId", "holdingId"}
    assert record["items"][0]["itemId"] == request["itemId"]


async def test_a_new_title_level_request_without_an_item(
    client: httpx.AsyncClient, library: Library, added: Added, request_body: RequestBody
) -> None:
    """mod-audit finds no item, and stores an empty one."""
    for item in library.items.values():
        if item["status"]["name"] == "Available":  # a copy on the shelf would have to be paged
            item["status"]["name"] = "Checked out"
    body = request_body(LENT, MORE[0], "Hold", requestLevel="Title", itemId=None, holdingsRecordId=None)
    response = await client.post(REQUESTS, json=body)

    assert response.status_code == 201, response.text
    (record,) = added()
    assert record["items"] == [{}]


async def test_recalls_of_an_item_on_loan(
    client: httpx.AsyncClient, added: Added, request_body: RequestBody
) -> None:
    """Each has a record with the due date of the loan; only the first one is announced."""
    for user in MORE:
        response = await client.post(REQUESTS, json=request_body(LENT, user, "Recall"))
        assert response.status_code == 201, response.text

    assert kinds(added()) == [
        ("Request", "Created"),
        ("Loan", "Changed due date"),
        ("Loan", "Recall requested"),
        ("Request", "Created"),
        ("Loan", "Changed due date"),
    ]


async def test_an_override(client: httpx.AsyncClient, added: Added, request_body: RequestBody) -> None:
    """A request in spite of a patron's block has an action of its own."""
    blocked = "1000000003"
    override = {"overrideBlocks": {"patronBlock": {}, "comment": "x"}}
    body = request_body(AVAILABLE, blocked, requestProcessingParameters=override)
    response = await client.post(REQUESTS, json=body)

    assert response.status_code == 201, response.text
    assert kinds(added()) == [("Request", "Created through override")]


async def test_an_update_and_a_cancellation(
    client: httpx.AsyncClient, library: Library, added: Added
) -> None:
    """Both are updates of the record; their actions differ."""
    request = request_for(library, PAGED)
    path = f"{REQUESTS}/{request['id']}"
    reason = next(iter(library.cancellation_reasons.values()))
    stored = (await client.get(path)).json()
    updated = await client.put(path, json=stored | {"requestExpirationDate": "2099-01-01T00:00:00Z"})
    cancellation = {
        "status": "Closed - Cancelled",
        "cancellationReasonId": reason["id"],
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": "2026-01-02T03:04:05Z",
    }
    cancelled = await client.put(path, json=stored | cancellation)

    assert (updated.status_code, cancelled.status_code) == (204, 204)
    edited, closed = added()
    assert kinds([edited, closed]) == [("Request", "Edited"), ("Request", "Cancelled")]
    assert "Expiration date: 2099-01-01" in edited["description"]
    assert reason["description"] in closed["description"]
    assert edited["linkToIds"] == closed["linkToIds"]


async def test_a_move(client: httpx.AsyncClient, library: Library, added: Added) -> None:
    """The record has the former item, and its description the barcodes of both."""
    request, copy = request_for(library, LENT_WITH_HOLD), library.item_by_barcode(COPY_OF_LENT)
    assert copy is not None
    former = request["itemId"]
    body = {"destinationItemId": copy["id"], "requestType": "Page"}
    response = await client.post(f"{REQUESTS}/{request['id']}/move", json=body)

    assert response.status_code == 200, response.text
    (record,) = added()
    assert kinds([record]) == [("Request", "Moved")]
    assert record["items"][0]["itemId"] == former
    assert f"Item: {COPY_OF_LENT}, before: {LENT_WITH_HOLD}." in record["description"]


async def test_a_new_order(client: httpx.AsyncClient, library: Library, added: Added) -> None:
    """Each request whose position changes has a record; the same order again has none."""
    item = library.item_by_barcode(LENT_TWICE)
    assert item is not None
    path = f"{REQUESTS}/queue/item/{item['id']}"
    first, second = (each["id"] for each in (await client.get(path)).json()["requests"])
    rows = [{"id": second, "newPosition": 1}, {"id": first, "newPosition": 2}]
    for _ in range(2):
        response = await client.post(f"{path}/reorder", json={"reorderedQueue": rows})
        assert response.status_code == 200, response.text

    records = added()
    assert kinds(records) == [("Request", "Queue position reordered")] * 2
    assert {each["linkToIds"]["requestId"] for each in records} == {first, second}


async def test_a_refused_request_has_no_record(
    client: httpx.AsyncClient, added: Added, request_body: RequestBody
) -> None:
    """Nothing happened, and nothing is logged."""
    response = await client.post(REQUESTS, json=request_body(AVAILABLE, "1000000003"))

    assert response.status_code == 422
    assert added() == []
