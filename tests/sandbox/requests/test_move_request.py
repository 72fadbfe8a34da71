"""The move of a request to another item of its instance."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

# Both are copies of one title: the first is lent and has a hold, the second stands on the shelf.
LENT, SHELVED = "2000000038", "2000000198"
NOTHING = "00000000-0000-4000-8000-000000000000"

Body = dict[str, Any]
Refuse = Callable[..., Awaitable[list[Body]]]


def item_of(library: Library, barcode: str) -> Record:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


@pytest.fixture(name="hold")
def _hold(library: Library) -> Record:
    key = item_of(library, LENT)["id"]
    return next(each for each in library.requests.values() if each.get("itemId") == key)


@pytest.fixture(name="path")
def _path(hold: Record) -> str:
    return f"/circulation/requests/{hold['id']}/move"


async def test_hold_becomes_a_page(
    client: httpx.AsyncClient, library: Library, hold: Record, path: str
) -> None:
    """The other item is paged, and the request keeps its position."""
    copy = item_of(library, SHELVED)
    response = await client.post(path, json={"destinationItemId": copy["id"].upper(), "requestType": "Page"})
    request = response.json()

    assert response.status_code == 200
    assert (request["id"], request["itemId"], request["requestType"]) == (hold["id"], copy["id"], "Page")
    assert request["holdingsRecordId"] == copy["holdingsRecordId"]
    assert (request["status"], request["position"]) == ("Open - Not yet filled", 1)
    assert request["item"]["barcode"] == SHELVED
    assert copy["status"]["name"] == "Paged"
    assert item_of(library, LENT)["status"]["name"] == "Checked out"


async def test_page_becomes_a_recall(
    client: httpx.AsyncClient, library: Library, hold: Record, path: str
) -> None:
    """The paged item becomes available, and the other one is recalled."""
    lent, copy = item_of(library, LENT), item_of(library, SHELVED)
    await client.post(path, json={"destinationItemId": copy["id"], "requestType": "Page"})
    response = await client.post(path, json={"destinationItemId": lent["id"], "requestType": "Recall"})
    loan = library.open_loan_of_item(lent["id"])

    assert loan is not None
    assert response.json()["loan"] == {"dueDate": loan["dueDate"]}
    assert copy["status"]["name"] == "Available"
    assert loan["action"] == "recallrequested"


async def test_same_item_is_refused(library: Library, hold: Record, path: str, refuse: Refuse) -> None:
    """A request cannot be moved to its own item."""
    (error,) = await refuse("POST", path, {"destinationItemId": hold["itemId"]})

    assert error["code"] == "MOVING_REQUEST_TO_THE_SAME_ITEM"
    assert error["parameters"] == [
        {"key": "id", "value": hold["id"]},
        {"key": "itemId", "value": hold["itemId"]},
    ]


async def test_refused_items(library: Library, path: str, refuse: Refuse) -> None:
    """The item has to exist, to be of the instance and to allow the type, if it is not available."""
    other_title = item_of(library, "2000000001")["id"]
    copy = item_of(library, SHELVED)
    copy["status"]["name"] = "In transit"
    (unknown,) = await refuse("POST", path, {"destinationItemId": NOTHING})
    (foreign,) = await refuse("POST", path, {"destinationItemId": other_title, "requestType": "Page"})
    (disallowed,) = await refuse("POST", path, {"destinationItemId": copy["id"], "requestType": "Page"})

    assert unknown == {
        "message": "Item does not exist",
        "parameters": [{"key": "itemId", "value": NOTHING}],
    }
    assert foreign["message"] == "Request can only be moved to an item with the same instance ID"
    assert disallowed["code"] == "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION"


async def test_pickup_point_not_allowed_for_the_item(
    library: Library, hold: Record, path: str, refuse: Refuse
) -> None:
    """The new item's policy restricts the service points."""
    copy = item_of(library, SHELVED)
    copy["materialTypeId"] = next(
        key for key, each in library.material_types.items() if each["name"] == "dvd"
    )
    (error,) = await refuse("POST", path, {"destinationItemId": copy["id"], "requestType": "Page"})
    assert error["code"] == "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"


async def test_item_is_requested_already(
    client: httpx.AsyncClient,
    library: Library,
    hold: Record,
    path: str,
    refuse: Refuse,
    request_body: Callable[..., Body],
) -> None:
    """A user cannot request an item twice."""
    requester = library.users[hold["requesterId"]]["barcode"]
    copy = item_of(library, SHELVED)
    await client.post("/circulation/requests", json=request_body(SHELVED, requester))
    (requested,) = await refuse("POST", path, {"destinationItemId": copy["id"]})
    assert requested["code"] == "ITEM_ALREADY_REQUESTED"


async def test_item_on_loan_to_the_requester(
    client: httpx.AsyncClient, library: Library, hold: Record, path: str, refuse: Refuse
) -> None:
    """A user cannot request an item of their own loans."""
    copy, lent = item_of(library, SHELVED), item_of(library, LENT)
    await client.post(path, json={"destinationItemId": copy["id"], "requestType": "Page"})
    loan = library.open_loan_of_item(lent["id"])
    assert loan is not None
    loan["userId"] = hold["requesterId"]
    (error,) = await refuse("POST", path, {"destinationItemId": lent["id"], "requestType": "Hold"})
    assert error["code"] == "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN"


async def test_closed_request_is_refused(library: Library, refuse: Refuse) -> None:
    """A closed request cannot be moved."""
    request = next(each for each in library.requests.values() if "position" not in each)
    path = f"/circulation/requests/{request['id']}/move"
    (error,) = await refuse("POST", path, {"destinationItemId": item_of(library, SHELVED)["id"]})
    assert error["code"] == "REQUEST_ALREADY_CLOSED"


async def test_invalid_requests(client: httpx.AsyncClient, library: Library, path: str) -> None:
    """An unknown request is 404, an unknown type 400, a missing item 422."""
    body = {"destinationItemId": item_of(library, SHELVED)["id"]}
    unknown = await client.post(f"/circulation/requests/{NOTHING}/move", json=body)
    odd = await client.post(path, json=body | {"requestType": "Borrow"})
    empty = await client.post(path, json={})
    assert [response.status_code for response in (unknown, odd, empty)] == [404, 400, 422]
