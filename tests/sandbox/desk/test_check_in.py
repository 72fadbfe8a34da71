"""Taking items back: loans end, queues move, items travel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

BFF = "/circulation-bff/loans/check-in-by-barcode"
CIRCULATION = "/circulation/check-in-by-barcode"
YESTERDAY = "2026-01-02T03:04:05Z"

Body = dict[str, Any]
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(name="check_in")
def _check_in(client: httpx.AsyncClient, desk: str) -> Send:
    async def check_in(barcode: str, path: str = BFF, **more: object) -> httpx.Response:
        body = {"itemBarcode": barcode, "servicePointId": desk, "checkInDate": YESTERDAY, **more}
        return await client.post(path, json=body)

    return check_in


def the_item(library: Library, barcode: str) -> Body:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def waiting_for(library: Library, item: Body) -> Body:
    return next(each for each in library.requests.values() if each.get("itemId") == item["id"])


async def test_a_loan_ends(client: httpx.AsyncClient, library: Library, check_in: Send, desk: str) -> None:
    """The loan carries the date of the return and the moment it was recorded."""
    item = the_item(library, "2000000113")  # on loan, nobody waits for it, at home at Circ Desk 1
    before = library.open_loan_of_item(item["id"])
    assert before is not None

    answer = await check_in("2000000113")
    body = answer.json()

    assert answer.status_code == 200
    assert sorted(body) == ["item", "loan", "staffSlipContext"]
    assert body["loan"]["id"] == before["id"]
    assert body["loan"]["status"] == {"name": "Closed"}
    assert body["loan"]["action"] == "checkedin"
    assert body["loan"]["returnDate"] == "2026-01-02T03:04:05.000+00:00"
    assert body["loan"]["systemReturnDate"] > body["loan"]["returnDate"]
    assert body["loan"]["checkinServicePoint"]["name"] == "Circ Desk 1"
    assert body["item"]["status"]["name"] == "Available"
    assert item["lastCheckIn"]["servicePointId"] == desk
    assert library.open_loan_of_item(item["id"]) is None


async def test_an_item_that_was_not_lent(check_in: Send) -> None:
    """Checking in an available item succeeds without a loan; only mod-circulation says that it was used."""
    through_bff = (await check_in("2000000001")).json()
    directly = (await check_in("2000000001", CIRCULATION)).json()
    lent = (await check_in("2000000113", CIRCULATION)).json()

    assert sorted(through_bff) == ["item", "staffSlipContext"]
    assert directly["inHouseUse"] is True
    assert lent["inHouseUse"] is False


async def test_an_item_far_from_home(library: Library, check_in: Send) -> None:
    """It travels to the primary service point of its location."""
    body = (await check_in("2000000119")).json()  # at home in the music library
    music = next(key for key, point in library.service_points.items() if point["name"] == "Music Desk")

    assert body["item"]["status"]["name"] == "In transit"
    assert body["item"]["inTransitDestinationServicePointId"] == music
    assert body["item"]["inTransitDestinationServicePoint"] == {"id": music, "name": "Music Desk"}
    assert body["staffSlipContext"]["item"]["toServicePoint"] == "Music Desk"
    assert body["staffSlipContext"]["item"]["fromServicePoint"] == "Circ Desk 1"
    assert "request" not in body["staffSlipContext"]


async def test_a_request_waits_for_pickup(library: Library, check_in: Send, desk: str) -> None:
    """At its pickup point the item goes to the hold shelf, for as long as that point keeps it."""
    item = the_item(library, "2000000037")
    request = waiting_for(library, item) | {"pickupServicePointId": desk}
    library.requests[request["id"]] = request

    body = (await check_in("2000000037")).json()
    expires = request["holdShelfExpirationDate"]

    assert body["item"]["status"]["name"] == "Awaiting pickup"
    assert request["status"] == "Open - Awaiting pickup"
    assert expires.endswith("T23:59:59.000+00:00")
    assert body["staffSlipContext"]["request"]["requestID"] == request["id"]
    assert body["staffSlipContext"]["request"]["servicePointPickup"] == "Circ Desk 1"
    assert (
        body["staffSlipContext"]["requester"]["barcode"] == library.users[request["requesterId"]]["barcode"]
    )

    await check_in("2000000037")
    assert request["holdShelfExpirationDate"] == expires


async def test_a_request_elsewhere(library: Library, check_in: Send) -> None:
    """An item for another pickup point travels there."""
    item = the_item(library, "2000000038")
    request = waiting_for(library, item)

    body = (await check_in("2000000038")).json()

    assert request["status"] == "Open - In transit"
    assert body["item"]["status"]["name"] == "In transit"
    assert body["item"]["inTransitDestinationServicePointId"] == request["pickupServicePointId"]


async def test_a_delivery(library: Library, check_in: Send) -> None:
    """A request by delivery waits for the messenger, and the slip has the address."""
    item = the_item(library, "2000000041")
    body = (await check_in("2000000041")).json()

    assert waiting_for(library, item)["status"] == "Open - Awaiting delivery"
    assert body["item"]["status"]["name"] == "Awaiting delivery"
    assert body["staffSlipContext"]["request"]["deliveryAddressType"] == "Home"
    assert body["staffSlipContext"]["requester"]["addressType"] == "Home"
    assert body["staffSlipContext"]["requester"]["city"]


async def test_a_title_level_request_gets_its_item(library: Library, check_in: Send) -> None:
    """The first copy that comes back fills a request for the title."""
    item = the_item(library, "2000000035")  # number 34: its title has a request without an item
    instance_id = library.holdings[item["holdingsRecordId"]]["instanceId"]
    request = next(
        each
        for each in library.requests.values()
        if each["instanceId"] == instance_id and each["requestLevel"] == "Title"
    )
    request["position"] = 0
    assert "itemId" not in request

    await check_in("2000000035")

    assert request["itemId"] == item["id"]
    assert request["status"] in ("Open - In transit", "Open - Awaiting pickup")


@pytest.mark.parametrize(
    ("resolution", "action"),
    [("Found by library", "checkedInFoundByLibrary"), ("Returned by patron", "checkedInReturnedByPatron")],
)
async def test_claimed_returned_is_resolved(check_in: Send, resolution: str, action: str) -> None:
    """With a resolution the item comes back, and the loan says how."""
    answer = await check_in("2000000151", claimedReturnedResolution=resolution)

    assert answer.status_code == 200
    assert answer.json()["loan"]["action"] == action


@pytest.mark.parametrize(
    ("barcode", "more", "expected"),
    [
        (
            "2000000151",
            {},
            {
                "message": "Item is claimed returned, a resolution is required",
                "parameters": [{"key": "claimedReturnedResolution", "value": None}],
            },
        ),
        (
            "2000000151",
            {"claimedReturnedResolution": "found by library"},
            {
                "message": "No such claimed returned resolution",
                "parameters": [{"key": "claimedReturnedResolution", "value": "found by library"}],
            },
        ),
        (
            "nowhere",
            {},
            {
                "message": "No item with barcode nowhere exists",
                "parameters": [{"key": "itemBarcode", "value": "nowhere"}],
                "code": "ITEM_BARCODE_NOT_FOUND",
            },
        ),
        (
            "2000000001",
            {"servicePointId": "00000000-0000-4000-8000-000000000000"},
            {
                "message": "Check in must be performed at a service point",
                "parameters": [{"key": "servicePointId", "value": "00000000-0000-4000-8000-000000000000"}],
            },
        ),
    ],
)
async def test_refusals(library: Library, check_in: Send, barcode: str, more: Body, expected: Body) -> None:
    """A refused check-in changes nothing."""
    before = deepcopy((library.items, library.loans, library.requests))
    answer = await check_in(barcode, **more)

    assert answer.status_code == 422
    assert answer.json() == {"errors": [expected]}
    assert (library.items, library.loans, library.requests) == before


async def test_an_intellectual_item(check_in: Send) -> None:
    """What is not a thing cannot come back."""
    answer = await check_in("2000000018")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].endswith(
        "has the item status Intellectual item and cannot be checked in"
    )


@pytest.mark.parametrize(
    "change", [{"checkInDate": None}, {"checkInDate": "soon"}, {"servicePointId": "x"}, {"sessionId": "x"}]
)
async def test_bodies_that_are_not_valid(check_in: Send, change: Body) -> None:
    """Required fields and forms are checked before any rule."""
    assert (await check_in("2000000001", **change)).json()["error"] == "Bad Request"
    assert (await check_in("2000000001", CIRCULATION, **change)).status_code in (400, 422)


async def test_there_and_back(client: httpx.AsyncClient, library: Library, check_in: Send, desk: str) -> None:
    """An item is lent, returned and lent again."""
    body = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": desk}
    path = "/circulation-bff/loans/check-out-by-barcode"

    first = await client.post(path, json=body)
    await check_in("2000000001")
    second = await client.post(path, json=body)

    assert (first.status_code, second.status_code) == (200, 200)
    loans = [loan for loan in library.loans.values() if loan["itemId"] == first.json()["itemId"]]
    assert sorted(loan["status"]["name"] for loan in loans) == ["Closed", "Open"]


async def test_queues(client: httpx.AsyncClient, library: Library) -> None:
    """A title's queue holds the open requests for all of its copies, by position."""
    item = the_item(library, "2000000031")  # number 30 has two requests
    instance_id = library.holdings[item["holdingsRecordId"]]["instanceId"]

    of_title = (await client.get(f"/circulation/requests/queue/instance/{instance_id}")).json()
    of_item = (await client.get(f"/circulation/requests/queue/item/{item['id']}")).json()

    assert [each["position"] for each in of_title["requests"]] == [1, 2]
    assert of_item == of_title
    assert of_title["totalRecords"] == 2


async def test_those_behind_move_up(
    client: httpx.AsyncClient, library: Library, check_in: Send, desk: str
) -> None:
    """When the first request is filled, the second one becomes the first."""
    item = the_item(library, "2000000031")
    first, second = sorted(
        (
            each
            for each in library.requests.values()
            if each.get("itemId") == item["id"] and "position" in each
        ),
        key=lambda each: each["position"],
    )
    first["pickupServicePointId"] = desk
    await check_in("2000000031")
    requester = library.users[first["requesterId"]]["barcode"]

    body = {"itemBarcode": "2000000031", "userBarcode": requester, "servicePointId": desk}
    answer = await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)

    assert answer.status_code == 200
    assert first["status"] == "Closed - Filled"
    assert second["position"] == 1
