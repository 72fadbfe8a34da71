"""Check-in: loans close, queues move, items are routed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.records import encode_records

pytestmark = pytest.mark.anyio

BFF = "/circulation-bff/loans/check-in-by-barcode"
CIRCULATION = "/circulation/check-in-by-barcode"
YESTERDAY = "2026-01-02T03:04:05Z"

Body = dict[str, Any]
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(name="check_in")
def _check_in(client: httpx.AsyncClient, circ_desk: str) -> Send:
    async def check_in(barcode: str, path: str = BFF, **more: object) -> httpx.Response:
        body = {"itemBarcode": barcode, "servicePointId": circ_desk, "checkInDate": YESTERDAY, **more}
        return await client.post(path, json=body)

    return check_in


def get_item(library: Library, barcode: str) -> Body:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def request_for(library: Library, item: Body) -> Body:
    return next(each for each in library.requests.values() if each.get("itemId") == item["id"])


async def test_check_in_closes_the_loan(
    client: httpx.AsyncClient, library: Library, check_in: Send, circ_desk: str
) -> None:
    """The loan has the date of the return and the time at which it was recorded."""
    item = get_item(library, "2000000113")  # on loan, not requested, served by Circ Desk 1
    before = library.open_loan_of_item(item["id"])
    assert before is not None

    response = await check_in("2000000113")
    body = response.json()

    assert response.status_code == 200
    assert sorted(body) == ["item", "loan", "staffSlipContext"]
    assert body["loan"]["id"] == before["id"]
    assert body["loan"]["status"] == {"name": "Closed"}
    assert body["loan"]["action"] == "checkedin"
    assert body["loan"]["returnDate"] == "2026-01-02T03:04:05.000+00:00"
    assert body["loan"]["systemReturnDate"] > body["loan"]["returnDate"]
    assert body["loan"]["checkinServicePoint"]["name"] == "Circ Desk 1"
    assert body["item"]["status"]["name"] == "Available"
    assert item["lastCheckIn"]["servicePointId"] == circ_desk
    assert library.open_loan_of_item(item["id"]) is None


async def test_item_without_a_loan(check_in: Send) -> None:
    """Checking in an available item succeeds without a loan; only mod-circulation reports in-house use."""
    through_bff = (await check_in("2000000001")).json()
    directly = (await check_in("2000000001", CIRCULATION)).json()
    lent = (await check_in("2000000113", CIRCULATION)).json()

    assert sorted(through_bff) == ["item", "staffSlipContext"]
    assert directly["inHouseUse"] is True
    assert lent["inHouseUse"] is False


async def test_item_of_another_location(library: Library, check_in: Send) -> None:
    """The item goes in transit to the primary service point of its location."""
    body = (await check_in("2000000119")).json()  # of the music library
    music = next(key for key, point in library.service_points.items() if point["name"] == "Music Desk")

    assert body["item"]["status"]["name"] == "In transit"
    assert body["item"]["inTransitDestinationServicePointId"] == music
    assert body["item"]["inTransitDestinationServicePoint"] == {"id": music, "name": "Music Desk"}
    assert body["staffSlipContext"]["item"]["toServicePoint"] == "Music Desk"
    assert body["staffSlipContext"]["item"]["fromServicePoint"] == "Circ Desk 1"
    assert "request" not in body["staffSlipContext"]


async def test_request_awaits_pickup(library: Library, check_in: Send, circ_desk: str) -> None:
    """At its pickup point the item goes to the hold shelf for that service point's period."""
    item = get_item(library, "2000000037")
    request = request_for(library, item) | {"pickupServicePointId": circ_desk}
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


async def test_request_for_another_service_point(library: Library, check_in: Send) -> None:
    """An item for another pickup point goes in transit there."""
    item = get_item(library, "2000000038")
    request = request_for(library, item)

    body = (await check_in("2000000038")).json()

    assert request["status"] == "Open - In transit"
    assert body["item"]["status"]["name"] == "In transit"
    assert body["item"]["inTransitDestinationServicePointId"] == request["pickupServicePointId"]


async def test_delivery(library: Library, check_in: Send) -> None:
    """A request by delivery awaits delivery, and the slip has the address."""
    item = get_item(library, "2000000041")
    body = (await check_in("2000000041")).json()

    assert request_for(library, item)["status"] == "Open - Awaiting delivery"
    assert body["item"]["status"]["name"] == "Awaiting delivery"
    assert body["staffSlipContext"]["request"]["deliveryAddressType"] == "Home"
    assert body["staffSlipContext"]["requester"]["addressType"] == "Home"
    assert body["staffSlipContext"]["requester"]["city"]


async def test_title_level_request_is_assigned_the_item(library: Library, check_in: Send) -> None:
    """The first item that is checked in fills a request for the instance."""
    item = get_item(library, "2000000035")  # number 34: its title has a request without an item
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
async def test_claimed_returned_item_with_a_resolution(check_in: Send, resolution: str, action: str) -> None:
    """With a resolution the item is checked in, and the loan shows the resolution."""
    response = await check_in("2000000151", claimedReturnedResolution=resolution)

    assert response.status_code == 200
    assert response.json()["loan"]["action"] == action


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
    before = encode_records(library.items, library.loans, library.requests)
    response = await check_in(barcode, **more)

    assert response.status_code == 422
    assert response.json() == {"errors": [expected]}
    assert encode_records(library.items, library.loans, library.requests) == before


async def test_intellectual_item_is_refused(check_in: Send) -> None:
    """An intellectual item cannot be checked in."""
    response = await check_in("2000000018")
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"].endswith(
        "has the item status Intellectual item and cannot be checked in"
    )


@pytest.mark.parametrize(
    "change", [{"checkInDate": None}, {"checkInDate": "soon"}, {"servicePointId": "x"}, {"sessionId": "x"}]
)
async def test_invalid_bodies_are_rejected(check_in: Send, change: Body) -> None:
    """Required fields and formats are validated before any rule."""
    assert (await check_in("2000000001", **change)).json()["error"] == "Bad Request"
    assert (await check_in("2000000001", CIRCULATION, **change)).status_code in (400, 422)


async def test_check_out_after_check_in(
    client: httpx.AsyncClient, library: Library, check_in: Send, circ_desk: str
) -> None:
    """An item is lent, returned and lent again."""
    body = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": circ_desk}
    path = "/circulation-bff/loans/check-out-by-barcode"

    first = await client.post(path, json=body)
    await check_in("2000000001")
    second = await client.post(path, json=body)

    assert (first.status_code, second.status_code) == (200, 200)
    loans = [loan for loan in library.loans.values() if loan["itemId"] == first.json()["itemId"]]
    assert sorted(loan["status"]["name"] for loan in loans) == ["Closed", "Open"]


async def test_queues(client: httpx.AsyncClient, library: Library) -> None:
    """An instance's queue holds the open requests for all of its items, by position."""
    item = get_item(library, "2000000031")  # number 30 has two requests
    instance_id = library.holdings[item["holdingsRecordId"]]["instanceId"]

    of_title = (await client.get(f"/circulation/requests/queue/instance/{instance_id}")).json()
    of_item = (await client.get(f"/circulation/requests/queue/item/{item['id']}")).json()

    assert [each["position"] for each in of_title["requests"]] == [1, 2]
    assert of_item == of_title
    assert of_title["totalRecords"] == 2


async def test_queue_moves_up(
    client: httpx.AsyncClient, library: Library, check_in: Send, circ_desk: str
) -> None:
    """When the first request is filled, the second one becomes the first."""
    item = get_item(library, "2000000031")
    first, second = sorted(
        (
            each
            for each in library.requests.values()
            if each.get("itemId") == item["id"] and "position" in each
        ),
        key=lambda each: each["position"],
    )
    first["pickupServicePointId"] = circ_desk
    await check_in("2000000031")
    requester = library.users[first["requesterId"]]["barcode"]

    body = {"itemBarcode": "2000000031", "userBarcode": requester, "servicePointId": circ_desk}
    response = await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)

    assert response.status_code == 200
    assert first["status"] == "Closed - Filled"
    assert second["position"] == 1
