"""Twelve screens of the desk in seventeen operations: the data that each shows, and its upstream calls.

They are the same over every version of the BFF. Lists that a version lacks are read from circulation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.sandbox import Bff, create_sandbox
from gateway.sandbox.collections.item_context import get_item_context
from gateway.sandbox.http.bff import VERSIONS
from tests.gateway_under_test import Gateway, Json, estimated_calls, open_gateway

pytestmark = pytest.mark.anyio

SCREENS = Path(__file__).parent / "screens"
QUERIES = Path(__file__).parents[2] / "gateway" / "manual" / "queries.md"
CALLS = {
    "w1_check_out_patron": 8,
    "w1_check_out_item": 3,
    "w2_check_in": 4,
    "w3_request_list": 12,
    "w4_request_detail": 5,
    "w5_request_form": 9,
    "w5_create_request": 3,
    "w6_request_queue": 3,
    "w7_open_loans": 6,
    "w8_loan_detail": 8,
    "w9_pick_slips": 3,
    "w9_record_print": 1,
    "w10_fee_desk": 10,
    "w10_pay": 4,
    "w11_reading_room": 3,
    "w11_use_at_location": 1,
    "w12_morning_routine": 5,
}
"""The upstream calls of each operation, once it is known which lists the BFF has."""

RELEASED = VERSIONS["released"]
BFFS = {
    "latest": VERSIONS["latest"],
    "released, Okapi": RELEASED,
    "released, sidecar": replace(RELEASED, absent_from="sidecar"),
    "released, Kong": replace(RELEASED, absent_from="kong"),
    "released, Spring": replace(RELEASED, absent_from="spring"),
    "early": VERSIONS["early"],
    "without mediated requests": VERSIONS["without-mediated-requests"],
}
OPEN = ["OPEN_NOT_YET_FILLED", "OPEN_AWAITING_PICKUP", "OPEN_IN_TRANSIT", "OPEN_AWAITING_DELIVERY"]


@pytest.fixture(params=[*BFFS, "loans with dates of older versions"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """A gateway that has called the BFF before, over each version of it."""
    async with open_gateway(create_sandbox(bff=BFFS.get(request.param, BFFS["early"]))) as opened:
        opened.library.legacy_dates = request.param not in BFFS
        await opened.data("{ loans(first: 1) { nodes { id } } requests(first: 1) { nodes { id } } }")
        yield opened


async def run_screen(gateway: Gateway, screen: str, **variables: Json) -> Json:
    """Run one operation of a screen and return its data. The recorded calls are those of this operation.

    They are never more than was estimated.
    """
    gateway.sandbox.calls.clear()
    query = (SCREENS / f"{screen}.graphql").read_text()
    data = await gateway.data(query, variables, gateway.as_staff("head"))
    assert len(gateway.calls) == CALLS[screen] <= estimated_calls(query, variables)
    return data


def count_calls(gateway: Gateway) -> Counter[str]:
    """Count the calls by method and path, without the ids of single records."""
    return Counter("/".join(part for part in path.split("/") if len(part) != 36) for path in gateway.paths())


def calls_over(bff: Bff, latest: Mapping[str, int]) -> dict[str, int]:
    """Return the calls with circulation's lists in place of those that this BFF does not serve."""
    has_requests = bff.has_request_list and bff.has_mediated_requests
    served = {"GET /circulation-bff/requests": has_requests, "GET /circulation-bff/loans": bff.has_loan_list}
    return {
        each if served.get(each, True) else each.replace("-bff", ""): count for each, count in latest.items()
    }


def test_there_are_twelve_screens_in_seventeen_operations() -> None:
    """W1 to W12 exist, and no screen needs more than two operations."""
    operations = Counter(path.stem.partition("_")[0] for path in SCREENS.glob("*.graphql"))

    assert sorted(operations) == sorted(f"w{number}" for number in range(1, 13))
    assert operations.total() == 17
    assert max(operations.values()) == 2
    assert sorted(CALLS) == sorted(path.stem for path in SCREENS.glob("*.graphql"))


def test_estimates_are_exact_if_every_list_is_full() -> None:
    """Where no list can be shorter than its estimate, and no records the same, exactly that is sent."""
    estimates = {
        name: estimated_calls((SCREENS / f"{name}.graphql").read_text(), {"arrives": True}) for name in CALLS
    }

    assert {name for name, calls in CALLS.items() if estimates[name] == calls} == {
        "w1_check_out_item",
        "w5_request_form",
        "w5_create_request",
        "w9_pick_slips",
        "w9_record_print",
        "w10_pay",
        "w12_morning_routine",
    }


def test_the_manual_has_the_calls_of_each_screen() -> None:
    """The table of screens in the manual has these numbers."""
    calls: Counter[str] = Counter()
    for name, number in CALLS.items():
        calls[name.partition("_")[0].upper()] += number
    rows = re.findall(r"^\| (W\d+) \|.*\| (\d+) \|$", QUERIES.read_text(encoding="utf-8"), re.MULTILINE)

    assert {name: int(number) for name, number in rows} == calls


@pytest.mark.parametrize("version", ["released", "without-mediated-requests"])
async def test_the_first_screen_of_a_tenant_makes_one_call_more(version: str) -> None:
    """A gateway that has not called the BFF yet tries it once; the next screen makes the usual calls."""
    async with open_gateway(create_sandbox(bff=VERSIONS[version])) as gateway:
        user = gateway.library.user_by_barcode("1000000002")
        assert user
        query = (SCREENS / "w7_open_loans.graphql").read_text()

        first = await gateway.data(query, {"userId": user["id"]}, gateway.as_staff("head"))
        paths = gateway.paths()
        second = (await run_screen(gateway, "w7_open_loans", userId=user["id"]))["user"]

    assert first["user"] == second
    assert len(paths) == CALLS["w7_open_loans"] + 1
    assert sorted(paths) == sorted([*gateway.paths(), "GET /circulation-bff/requests"])


async def test_a_page_on_which_the_bff_fails() -> None:
    """Of a page with tags only the batch of each request fails, which circulation does not send."""
    async with open_gateway(create_sandbox(bff=VERSIONS["fails-on-tags"])) as gateway:
        for each in gateway.library.requests.values():
            each["tags"] = {"tagList": ["urgent"]}
        point = gateway.summary.service_point_id
        query = (SCREENS / "w3_request_list.graphql").read_text()

        response = await gateway.execute(
            query, {"filter": {"status": OPEN}, "servicePoint": point}, gateway.as_staff("head")
        )

    assert len(response["data"]["requests"]["nodes"]) == 100
    assert {each["path"][-1] for each in response["errors"]} == {"batchRequestInfo"}
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_ERROR"}
    assert count_calls(gateway)["GET /circulation/requests"] == 1
    assert count_calls(gateway)["GET /circulation-bff/requests"] == 3  # the page, and its ids in two batches


async def test_w1_check_out(gateway: Gateway) -> None:
    """Scan a patron and lend an item: 14 REST calls of the desk are 8 and 3 here."""
    sponsor = gateway.library.user_by_barcode("1000000010")
    assert sponsor

    patron = (await run_screen(gateway, "w1_check_out_patron", barcode="1000000009"))["user"]

    assert [each["user"]["id"] for each in patron["sponsors"]["nodes"]] == [sponsor["id"]]
    assert patron["patronGroup"]["group"]
    assert patron["accounts"]["amountRemaining"] == sum(
        account["remaining"]
        for account in gateway.library.accounts.values()
        if account["userId"] == patron["id"] and account["status"]["name"] == "Open"
    )

    lent = await run_screen(
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
    assert count_calls(gateway) == calls_over(
        gateway.sandbox.bff,
        {
            "POST /circulation-bff/loans/check-out-by-barcode": 1,
            "GET /inventory/items": 1,
            "GET /automated-patron-blocks": 1,
        },
    )


async def test_w2_check_in(gateway: Gateway) -> None:
    """Check in an item that is requested: 7 REST calls of the desk are 4 here."""
    requested_item_ids = [
        each.get("itemId")
        for each in gateway.library.requests.values()
        if each["status"] == "Open - Not yet filled"
    ]
    loan = next(
        each
        for each in gateway.library.loans.values()
        if each["status"]["name"] == "Open"
        and each["itemId"] in requested_item_ids
        and each.get("userId") in gateway.library.users
    )
    item = gateway.library.items[loan["itemId"]]
    assert item["status"]["name"] == "Checked out"

    data = await run_screen(
        gateway,
        "w2_check_in",
        input={"itemBarcode": item["barcode"], "servicePointId": gateway.summary.service_point_id},
    )

    result = data["checkIn"]
    assert result["loan"]["id"] == loan["id"]
    assert result["loan"]["borrower"]["id"] == loan["userId"]
    assert gateway.library.loans[loan["id"]]["status"] == {"name": "Closed"}
    assert result["item"]["status"]["name"] in ("AWAITING_PICKUP", "IN_TRANSIT", "AWAITING_DELIVERY")
    assert count_calls(gateway) == calls_over(
        gateway.sandbox.bff,
        {
            "POST /circulation-bff/loans/check-in-by-barcode": 1,
            "GET /inventory/items": 1,
            "GET /accounts": 1,
            "GET /circulation-bff/requests": 1,
        },
    )


async def test_w3_request_list(gateway: Gateway) -> None:
    """A hundred requests with every column of the page: 14 REST calls of the browser are 12 here."""
    page = await run_screen(
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
    assert count_calls(gateway) == calls_over(
        gateway.sandbox.bff,
        {
            "GET /circulation-bff/requests": 1,
            "GET /users": 2,
            "GET /circulation-bff/loans": 2,
            "GET /service-points": 2,
            "GET /circulation-bff/pick-slips": 1,
            "GET /circulation-bff/search-slips": 1,
            "GET /groups": 1,
            "GET /cancellation-reason-storage/cancellation-reasons": 1,
            "GET /circulation/settings": 1,
        },
    )


async def test_w4_request_detail(gateway: Gateway) -> None:
    """One request with its requester, proxy, instance and item: 5 calls."""
    request = next(
        each
        for each in gateway.library.requests.values()
        if each["status"].startswith("Open") and each.get("itemId") and each.get("proxyUserId")
    )

    detail = (await run_screen(gateway, "w4_request_detail", id=request["id"]))["request"]

    requester = gateway.library.users[request["requesterId"]]
    assert detail["requester"]["personal"]["email"] == requester["personal"]["email"]
    assert detail["instance"]["openRequests"]["totalCount"] == sum(
        each["instanceId"] == request["instanceId"] and each["status"].startswith("Open")
        for each in gateway.library.requests.values()
    )


async def test_w5_create_request(gateway: Gateway) -> None:
    """Fill a form and create the request: 14 REST calls of the browser are 9 and 3 here."""
    form = await run_screen(gateway, "w5_request_form", patron="1000000001", item="2000000037")

    title = form["searchInstance"]
    hold = title["item"]["allowedServicePoints"]["hold"]
    assert title["item"]["barcode"] == "2000000037"
    assert title["item"]["openLoan"]["dueDate"]
    before = title["item"]["openRequests"]["totalCount"]

    created = await run_screen(
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

    request = created["createRequest"]["request"]
    assert request["status"] == "OPEN_NOT_YET_FILLED"
    assert request["pickupServicePoint"] == {"name": hold[0]["name"]}
    assert request["item"]["openRequests"]["totalCount"] == before + 1
    assert gateway.library.requests[request["id"]]["requesterId"] == form["user"]["id"]
    assert count_calls(gateway) == calls_over(
        gateway.sandbox.bff, {"POST /circulation-bff/requests": 1, "GET /circulation-bff/requests": 2}
    )


async def test_w6_request_queue(gateway: Gateway) -> None:
    """The queue of an instance with requesters and locations: 6 REST calls of the browser are 3 here."""
    instance_id, _ = Counter(
        each["instanceId"] for each in gateway.library.requests.values() if each["status"].startswith("Open")
    ).most_common(1)[0]
    item = next(
        each["itemId"]
        for each in gateway.library.requests.values()
        if each["instanceId"] == instance_id and each.get("itemId")
    )

    queue = await run_screen(gateway, "w6_request_queue", instanceId=instance_id, itemId=item)

    positions = [node["position"] for node in queue["instance"]["requestQueue"]["nodes"]]
    assert positions == list(range(1, len(positions) + 1))
    assert len(positions) >= 2
    assert queue["item"]["id"] == item


async def test_w7_open_loans(gateway: Gateway) -> None:
    """Thirty loans of one patron with the requests for each: 8 REST calls of the browser are 6 here."""
    user = gateway.library.user_by_barcode("1000000002")
    assert user

    result = (await run_screen(gateway, "w7_open_loans", userId=user["id"]))["user"]

    loans = [
        each
        for each in gateway.library.loans.values()
        if each.get("userId") == user["id"] and each["status"]["name"] == "Open"
    ]
    assert result["openLoans"]["totalCount"] == len(result["openLoans"]["nodes"]) == len(loans) == 30
    open_requests = Counter(
        each.get("itemId") for each in gateway.library.requests.values() if each["status"].startswith("Open")
    )
    assert {node["id"]: node["openRequests"]["totalCount"] for node in result["openLoans"]["nodes"]} == {
        each["id"]: open_requests[each["itemId"]] for each in loans
    }
    assert count_calls(gateway) == calls_over(
        gateway.sandbox.bff,
        {
            "GET /users": 1,
            "GET /groups": 1,
            "GET /manualblocks": 1,
            "GET /automated-patron-blocks": 1,
            "GET /circulation-bff/loans": 1,
            "GET /circulation-bff/requests": 1,
        },
    )


async def test_w8_loan_detail(gateway: Gateway) -> None:
    """One loan by a proxy with fees and history: 11 REST calls of the browser are 8 here."""
    loan = next(
        each
        for each in gateway.library.loans.values()
        if each.get("proxyUserId") and each["status"]["name"] == "Open"
    )

    detail = (await run_screen(gateway, "w8_loan_detail", id=loan["id"]))["loan"]

    assert detail["proxy"]["id"] == loan["proxyUserId"]
    assert detail["proxy"]["personal"]["lastName"]
    assert detail["history"]["nodes"]
    assert any(node["staff"] for node in detail["history"]["nodes"])


async def test_w9_pick_slips(gateway: Gateway) -> None:
    """Print the slips of a service point and record it: 3 calls and 1."""
    point = gateway.summary.service_point_id

    slips = await run_screen(gateway, "w9_pick_slips", servicePoint=point)

    nodes = slips["pickSlips"]["nodes"]
    assert len(nodes) == slips["pickSlips"]["totalCount"] > 0
    assert all(node["request"]["request"]["id"] == node["request"]["requestId"] for node in nodes)

    recorded = await run_screen(
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


async def test_w10_the_fee_desk(gateway: Gateway) -> None:
    """What a patron owes with its history, what the buttons refer to, and a payment: two operations."""
    user = gateway.library.user_by_barcode("1000000002")
    assert user
    desk = await run_screen(gateway, "w10_fee_desk", userId=user["id"])
    accounts = desk["user"]["accounts"]
    assert (accounts["totalCount"], accounts["amountRemaining"]) == (2, 14.5)
    assert all(len(each["actions"]["nodes"]) == 2 for each in accounts["nodes"])
    owners = {each["id"] for each in desk["feeFineOwners"]["nodes"]}
    assert {each["owner"]["id"] for each in accounts["nodes"]} < owners
    assert {each["owner"]["id"] for each in desk["paymentMethods"]["nodes"]} == owners
    assert len(desk["waiveReasons"]["nodes"]) == len(desk["refundReasons"]["nodes"]) == 3
    assert count_calls(gateway) == {
        "GET /users": 1,
        "GET /groups": 1,
        "GET /accounts": 1,
        "GET /feefineactions": 1,
        "GET /owners": 1,
        "GET /feefines": 1,
        "GET /payments": 1,
        "GET /waives": 1,
        "GET /transfers": 1,
        "GET /refunds": 1,
    }

    account = accounts["nodes"][0]
    paid = (
        await run_screen(
            gateway,
            "w10_pay",
            input={
                "accountId": account["id"],
                "amount": "7.25",
                "paymentMethod": "Cash",
                "userName": "Desk, Dana",
                "servicePointId": gateway.summary.service_point_id,
                "notifyPatron": False,
            },
        )
    )["payFeeFine"]
    assert (paid["amount"], paid["remainingAmount"]) == ("7.25", "0.00")
    assert paid["account"]["status"] == {"name": "CLOSED"}
    assert paid["account"]["user"]["accounts"]["amountRemaining"] == 7.25
    assert paid["actions"][0]["createdAt"]["name"] == gateway.summary.service_point_name


async def test_w11_the_reading_room(gateway: Gateway) -> None:
    """Items in use and on the hold shelf with the hours of the day, a pickup and a hold: two operations."""
    held, used = sorted(gateway.library.open_loans(), key=lambda loan: "forUseAtLocation" in loan)[:-3:-1]
    used["forUseAtLocation"] = {"status": "In use", "statusDate": gateway.library.now()}
    used["checkoutServicePointId"] = point = held["checkoutServicePointId"]
    until = "2026-12-23T23:59:59.000+00:00"
    held["forUseAtLocation"]["holdShelfExpirationDate"] = until
    item, user = gateway.library.items[held["itemId"]], gateway.library.users[held["userId"]]

    room = (await run_screen(gateway, "w11_reading_room", servicePoint=point, today="2026-12-23"))[
        "servicePoint"
    ]

    loans = {each["id"]: each for each in room["openLoans"]["nodes"]}
    assert {key: each["forUseAtLocation"]["status"] for key, each in loans.items()} == {
        held["id"]: "HELD",
        used["id"]: "IN_USE",
    }
    row = loans[held["id"]]
    assert row["forUseAtLocation"]["holdShelfExpirationDate"] == "2026-12-23T23:59:59.000Z"
    assert (row["item"]["barcode"], row["borrower"]["barcode"]) == (item["barcode"], user["barcode"])
    assert row["item"]["title"]
    assert room["surroundingOpenings"]["current"]["openings"] == [
        {"startTime": "09:00:00", "endTime": "13:59:00"}
    ]
    assert room["surroundingOpenings"]["next"]["date"] == "2027-01-04"
    assert count_calls(gateway) == {
        "GET /service-points": 1,
        "GET /circulation/loans": 1,
        "GET /calendar/dates/surrounding-openings": 1,
    }

    barcodes = {"itemBarcode": item["barcode"], "userBarcode": user["barcode"]}
    arrived = await run_screen(gateway, "w11_use_at_location", **barcodes, arrives=True)
    assert arrived["pickUpForUseAtLocation"]["loan"]["forUseAtLocation"]["status"] == "IN_USE"
    assert held["forUseAtLocation"]["status"] == "In use"
    assert gateway.paths() == ["POST /circulation/pickup-by-barcode-for-use-at-location"]

    left = await run_screen(gateway, "w11_use_at_location", **barcodes, arrives=False)
    assert left["holdForUseAtLocation"]["loan"]["forUseAtLocation"] == {
        "status": "HELD",
        "statusDate": held["forUseAtLocation"]["statusDate"][:23] + "Z",
        "holdShelfExpirationDate": "2026-12-23T23:59:59.000Z",
    }
    assert gateway.paths() == ["POST /circulation/hold-by-barcode-for-use-at-location"]


async def test_w12_the_morning_routine(gateway: Gateway) -> None:
    """Slips to print, the hold shelf to clear and the items in transit: 5 REST calls are 5 here."""
    library, point = gateway.library, gateway.summary.service_point_id
    tally = {"Page": 0, "Hold": 0}
    for request in library.requests.values():
        item = library.items.get(request.get("itemId", ""))
        if request["status"] == "Open - Not yet filled" and request["requestType"] in tally and item:
            location = library.locations[get_item_context(library, item).location["id"]]
            tally[request["requestType"]] += location["primaryServicePoint"] == point

    morning = await run_screen(gateway, "w12_morning_routine", servicePoint=point)

    assert len(morning["pickSlips"]["nodes"]) == morning["pickSlips"]["totalCount"] == tally["Page"] > 0
    assert len(morning["searchSlips"]["nodes"]) == morning["searchSlips"]["totalCount"] == tally["Hold"] > 0
    cleared = morning["holdShelfClearance"]["nodes"]
    assert len(cleared) == 3
    assert all(node["requester"]["barcode"] and node["requestItem"]["barcode"] for node in cleared)
    closed = [node["awaitingPickupRequestClosedDate"] for node in cleared]
    assert closed == sorted(closed, reverse=True)
    assert morning["itemsInTransit"]["totalCount"] == len(morning["itemsInTransit"]["nodes"]) == 9
    assert {
        node["inTransitDestinationServicePoint"]["id"] for node in morning["itemsInTransit"]["nodes"]
    } <= {*library.service_points}
    assert {node["name"] for node in morning["staffSlipTemplates"]["nodes"]} >= {"Pick slip"}
    assert count_calls(gateway) == {
        "GET /circulation-bff/pick-slips": 1,
        "GET /circulation-bff/search-slips": 1,
        "GET /circulation/requests-reports/hold-shelf-clearance": 1,
        "GET /inventory-reports/items-in-transit": 1,
        "GET /staff-slips-storage/staff-slips": 1,
    }
