"""Nine screens of FOLIO in twelve operations: a visit each, what it shows, and how often it asks upstream."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.gateway_under_test import Gateway, Json

pytestmark = pytest.mark.anyio

SCREENS = Path(__file__).parent / "screens"
OPEN = ["OPEN_NOT_YET_FILLED", "OPEN_AWAITING_PICKUP", "OPEN_IN_TRANSIT", "OPEN_AWAITING_DELIVERY"]


async def play(gateway: Gateway, screen: str, **variables: Json) -> Json:
    """What one operation of a screen shows. The calls of the gateway are those of this operation alone."""
    gateway.sandbox.calls.clear()
    query = (SCREENS / f"{screen}.graphql").read_text()
    return await gateway.data(query, variables, gateway.as_staff("head"))


def calls(gateway: Gateway) -> Counter[str]:
    """The calls by method and path, ids of single records left out."""
    return Counter("/".join(part for part in path.split("/") if len(part) != 36) for path in gateway.paths())


def test_there_are_nine_screens_in_twelve_operations() -> None:
    """W1 to W9 are here, and no screen takes more than two operations."""
    operations = Counter(path.name[:2] for path in SCREENS.glob("*.graphql"))

    assert sorted(operations) == [f"w{number}" for number in range(1, 10)]
    assert operations.total() == 12
    assert max(operations.values()) == 2


async def test_w1_check_out(gateway: Gateway) -> None:
    """A patron is scanned and an item lent: 14 REST calls of the desk are 8 and 3 here."""
    sponsor = gateway.library.user_by_barcode("1000000010")
    assert sponsor

    patron = (await play(gateway, "w1_check_out_patron", barcode="1000000009"))["user"]

    assert [each["user"]["id"] for each in patron["sponsors"]["nodes"]] == [sponsor["id"]]
    assert patron["patronGroup"]["group"]
    assert patron["accounts"]["amountRemaining"] == sum(
        account["remaining"]
        for account in gateway.library.accounts.values()
        if account["userId"] == patron["id"] and account["status"]["name"] == "Open"
    )
    assert len(gateway.calls) == 8

    lent = await play(
        gateway,
        "w1_check_out_item",
        input={
            "itemBarcode": "2000000001",
            "userBarcode": "1000000009",
            "servicePointId": gateway.summary.service_point_id,
        },
    )

    loan = lent["checkOut"]["loan"]
    assert loan["item"]["barcode"] == "2000000001"
    assert loan["item"]["status"] == {"name": "CHECKED_OUT"}
    assert gateway.library.loans[loan["id"]]["userId"] == patron["id"]
    assert calls(gateway) == {
        "POST /circulation-bff/loans/check-out-by-barcode": 1,
        "GET /inventory/items": 1,
        "GET /automated-patron-blocks": 1,
    }


async def test_w2_check_in(gateway: Gateway) -> None:
    """A lent item comes back that somebody waits for: 7 REST calls of the desk are 4 here."""
    wanted = [
        each.get("itemId")
        for each in gateway.library.requests.values()
        if each["status"] == "Open - Not yet filled"
    ]
    loan = next(
        each
        for each in gateway.library.loans.values()
        if each["status"]["name"] == "Open"
        and each["itemId"] in wanted
        and each.get("userId") in gateway.library.users
    )
    item = gateway.library.items[loan["itemId"]]
    assert item["status"]["name"] == "Checked out"

    returned = await play(
        gateway,
        "w2_check_in",
        input={"itemBarcode": item["barcode"], "servicePointId": gateway.summary.service_point_id},
    )

    shown = returned["checkIn"]
    assert shown["loan"]["id"] == loan["id"]
    assert shown["loan"]["borrower"]["id"] == loan["userId"]
    assert gateway.library.loans[loan["id"]]["status"] == {"name": "Closed"}
    assert shown["item"]["status"]["name"] in ("AWAITING_PICKUP", "IN_TRANSIT", "AWAITING_DELIVERY")
    assert calls(gateway) == {
        "POST /circulation-bff/loans/check-in-by-barcode": 1,
        "GET /inventory/items": 1,
        "GET /accounts": 1,
        "GET /circulation-bff/requests": 1,
    }


async def test_w3_request_list(gateway: Gateway) -> None:
    """A hundred requests with all that the page shows: 14 REST calls of the browser are 12 here."""
    page = await play(
        gateway,
        "w3_request_list",
        filter={"status": OPEN},
        servicePoint=gateway.summary.service_point_id,
    )

    expected = [each for each in gateway.library.requests.values() if each["status"].startswith("Open")]
    nodes = page["requests"]["nodes"]
    assert page["requests"]["totalCount"] == len(expected)
    assert len(nodes) == 100
    assert page["requests"]["pageInfo"]["hasNextPage"] is (len(expected) > 100)
    assert [node["requestDate"] for node in nodes] == sorted(node["requestDate"] for node in nodes)
    assert sum(1 for node in nodes if (node["requester"] or {}).get("personal", {}).get("email")) >= 90
    assert any(node["openLoan"] for node in nodes)
    assert page["patronGroups"]["nodes"]
    assert calls(gateway) == {
        "GET /circulation-bff/requests": 1,
        "GET /users": 2,
        "GET /circulation-bff/loans": 2,
        "GET /service-points": 2,
        "GET /circulation-bff/pick-slips": 1,
        "GET /circulation-bff/search-slips": 1,
        "GET /groups": 1,
        "GET /cancellation-reason-storage/cancellation-reasons": 1,
        "GET /circulation/settings": 1,
    }


async def test_w4_request_detail(gateway: Gateway) -> None:
    """One request with its people, its title and its item: 5 calls."""
    request = next(
        each
        for each in gateway.library.requests.values()
        if each["status"].startswith("Open") and each.get("itemId") and each.get("proxyUserId")
    )

    detail = (await play(gateway, "w4_request_detail", id=request["id"]))["request"]

    requester = gateway.library.users[request["requesterId"]]
    assert detail["requester"]["personal"]["email"] == requester["personal"]["email"]
    assert detail["instance"]["openRequests"]["totalCount"] == sum(
        each["instanceId"] == request["instanceId"] and each["status"].startswith("Open")
        for each in gateway.library.requests.values()
    )
    assert len(gateway.calls) == 5


async def test_w5_create_request(gateway: Gateway) -> None:
    """A form is filled and sent: 14 REST calls of the browser are 9 and 3 here."""
    form = await play(gateway, "w5_request_form", patron="1000000001", item="2000000037")

    title = form["searchInstance"]
    hold = title["item"]["allowedServicePoints"]["hold"]
    assert title["item"]["barcode"] == "2000000037"
    assert title["item"]["openLoan"]["dueDate"]
    assert len(gateway.calls) == 9
    before = title["item"]["openRequests"]["totalCount"]

    made = await play(
        gateway,
        "w5_create_request",
        input={
            "requesterId": form["user"]["id"],
            "instanceId": title["id"],
            "itemId": title["item"]["id"],
            "holdingsRecordId": title["item"]["holdings"]["id"],
            "requestType": "HOLD",
            "requestLevel": "ITEM",
            "fulfillmentPreference": "HOLD_SHELF",
            "pickupServicePointId": hold[0]["id"],
        },
    )

    request = made["createRequest"]["request"]
    assert request["status"] == "OPEN_NOT_YET_FILLED"
    assert request["pickupServicePoint"] == {"name": hold[0]["name"]}
    assert request["item"]["openRequests"]["totalCount"] == before + 1
    assert gateway.library.requests[request["id"]]["requesterId"] == form["user"]["id"]
    assert calls(gateway) == {"POST /circulation-bff/requests": 1, "GET /circulation-bff/requests": 2}


async def test_w6_request_queue(gateway: Gateway) -> None:
    """The queue of a title, with people and places: 6 REST calls of the browser are 3 here."""
    longest, _ = Counter(
        each["instanceId"] for each in gateway.library.requests.values() if each["status"].startswith("Open")
    ).most_common(1)[0]
    item = next(
        each["itemId"]
        for each in gateway.library.requests.values()
        if each["instanceId"] == longest and each.get("itemId")
    )

    queue = await play(gateway, "w6_request_queue", instanceId=longest, itemId=item)

    places = [node["position"] for node in queue["instance"]["requestQueue"]["nodes"]]
    assert places == list(range(1, len(places) + 1))
    assert len(places) >= 2
    assert queue["item"]["id"] == item
    assert len(gateway.calls) == 3


async def test_w7_open_loans(gateway: Gateway) -> None:
    """Thirty loans of one patron, with who waits for each: 8 REST calls of the browser are 6 here."""
    user = gateway.library.user_by_barcode("1000000002")
    assert user

    shown = (await play(gateway, "w7_open_loans", userId=user["id"]))["user"]

    loans = [
        each
        for each in gateway.library.loans.values()
        if each.get("userId") == user["id"] and each["status"]["name"] == "Open"
    ]
    assert shown["openLoans"]["totalCount"] == len(shown["openLoans"]["nodes"]) == len(loans) == 30
    waiting = Counter(
        each.get("itemId") for each in gateway.library.requests.values() if each["status"].startswith("Open")
    )
    assert {node["id"]: node["openRequests"]["totalCount"] for node in shown["openLoans"]["nodes"]} == {
        each["id"]: waiting[each["itemId"]] for each in loans
    }
    assert calls(gateway) == {
        "GET /users": 1,
        "GET /groups": 1,
        "GET /manualblocks": 1,
        "GET /automated-patron-blocks": 1,
        "GET /circulation-bff/loans": 1,
        "GET /circulation-bff/requests": 1,
    }


async def test_w8_loan_detail(gateway: Gateway) -> None:
    """One loan that a proxy made, with fees and history: 11 REST calls of the browser are 8 here."""
    loan = next(
        each
        for each in gateway.library.loans.values()
        if each.get("proxyUserId") and each["status"]["name"] == "Open"
    )

    detail = (await play(gateway, "w8_loan_detail", id=loan["id"]))["loan"]

    assert detail["proxy"]["id"] == loan["proxyUserId"]
    assert detail["proxy"]["personal"]["lastName"]
    assert detail["history"]["nodes"]
    assert any(node["staff"] for node in detail["history"]["nodes"])
    assert len(gateway.calls) == 8


async def test_w9_pick_slips(gateway: Gateway) -> None:
    """The slips of a service point are printed, and that is recorded: 3 calls and 1."""
    point = gateway.summary.service_point_id

    slips = await play(gateway, "w9_pick_slips", servicePoint=point)

    nodes = slips["pickSlips"]["nodes"]
    assert len(nodes) == slips["pickSlips"]["totalCount"] > 0
    assert all(node["request"]["request"]["id"] == node["request"]["requestId"] for node in nodes)
    assert len(gateway.calls) == 3

    recorded = await play(
        gateway,
        "w9_record_print",
        input={
            "requestIds": [node["request"]["requestId"] for node in nodes],
            "requesterId": gateway.summary.user_id,
            "requesterName": "Desk, Circulation",
        },
    )

    assert recorded == {"recordPrintEvents": {"recorded": True}}
    assert gateway.paths() == ["POST /circulation/print-events-entry"]
