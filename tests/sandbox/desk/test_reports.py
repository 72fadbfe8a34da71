"""The reports of the sandbox: hold-shelf clearance, and items in transit."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

CLEARANCE = "/circulation/requests-reports/hold-shelf-clearance"
IN_TRANSIT = "/inventory-reports/items-in-transit"
PERMISSIONS = {
    CLEARANCE: "circulation.requests.hold-shelf-clearance-report.get",
    IN_TRANSIT: "circulation.inventory.items-in-transit-report.get",
}
NOTHING = "00000000-0000-4000-8000-000000000000"
WHEN = "2026-01-02T03:04:05Z"

Body = dict[str, Any]


async def clearance(client: httpx.AsyncClient, service_point_id: str) -> list[Body]:
    response = await client.get(f"{CLEARANCE}/{service_point_id}")
    assert response.status_code == 200, response.text
    body = response.json()
    assert sorted(body) == ["requests", "totalRecords"]
    assert body["totalRecords"] == len(body["requests"])
    rows: list[Body] = body["requests"]
    return rows


async def in_transit(client: httpx.AsyncClient) -> list[Body]:
    response = await client.get(IN_TRANSIT)
    assert response.status_code == 200, response.text
    body = response.json()
    assert sorted(body) == ["items", "totalRecords"]
    assert body["totalRecords"] == len(body["items"])
    rows: list[Body] = body["items"]
    return rows


def awaiting(library: Library, circ_desk: str) -> Body:
    """Return a request that awaits pickup at this desk."""
    return next(
        each
        for each in library.requests.values()
        if each["status"] == "Open - Awaiting pickup" and each["pickupServicePointId"] == circ_desk
    )


async def close(client: httpx.AsyncClient, library: Library, request: Body, status: str) -> None:
    body = request | {
        "status": status,
        "cancellationReasonId": next(iter(library.cancellation_reasons)),
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": WHEN,
    }
    response = await client.put(f"/circulation/requests/{request['id']}", json=body)
    assert response.status_code == 204, response.text


async def test_a_request_in_the_report_is_as_stored(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The item is complete; requester and title are short; proxy, loan and pickup point are absent."""
    rows = await clearance(client, circ_desk)
    closed = [each["awaitingPickupRequestClosedDate"] for each in rows]
    row = rows[0]
    stored = library.requests[row["id"]]
    item = library.items[stored["itemId"]]
    user = library.users[stored["requesterId"]]

    assert len(rows) == 3
    assert closed == sorted(closed, reverse=True)
    assert {each["status"] for each in rows} == {"Closed - Pickup expired", "Closed - Cancelled"}
    assert {name: row[name] for name in stored} == stored
    assert set(row) - set(stored) == {"instance", "item", "requester"}
    assert set(row["instance"]) == {"title", "identifiers"}
    assert (row["item"]["barcode"], row["item"]["status"]) == (item["barcode"], "Awaiting pickup")
    assert row["item"]["location"]["libraryName"]
    assert row["requester"].items() <= {**user["personal"], "barcode": user["barcode"]}.items()
    assert "lastName" in row["requester"]


async def test_the_report_omits_what_circulation_computes(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """Anonymized requests have no requester, and proxies are ids alone."""
    first, second, _ = [library.requests[each["id"]] for each in await clearance(client, circ_desk)]
    del first["requesterId"]
    second["proxyUserId"] = next(iter(library.users))
    rows = {each["id"]: each for each in await clearance(client, circ_desk)}

    assert "requester" not in rows[first["id"]]
    assert rows[second["id"]]["proxyUserId"] == second["proxyUserId"]
    assert "proxy" not in rows[second["id"]]


@pytest.mark.parametrize(
    ("status", "listed"),
    [("Closed - Pickup expired", True), ("Closed - Cancelled", True), ("Closed - Unfilled", False)],
)
async def test_a_request_that_is_closed_on_the_shelf_is_listed(
    client: httpx.AsyncClient, library: Library, circ_desk: str, status: str, listed: bool
) -> None:
    """Storage dates the end of requests on the shelf that expire or are cancelled, and no others."""
    request = awaiting(library, circ_desk)
    before = await clearance(client, circ_desk)
    await close(client, library, request, status)
    after = await clearance(client, circ_desk)

    assert ("awaitingPickupRequestClosedDate" in request) is listed
    assert [each["id"] for each in after] == [request["id"]] * listed + [each["id"] for each in before]


async def test_a_request_that_was_not_on_the_shelf_is_not_listed(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """A cancelled request that was not yet filled has no such date."""
    request = next(
        each
        for each in library.requests.values()
        if each["status"] == "Open - Not yet filled" and each.get("pickupServicePointId") == circ_desk
    )
    before = await clearance(client, circ_desk)
    await close(client, library, request, "Closed - Cancelled")

    assert "awaitingPickupRequestClosedDate" not in request
    assert await clearance(client, circ_desk) == before


async def test_the_last_request_on_the_shelf_decides(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """Of several requests for one item the one closed last is listed, at its own service point."""
    row = (await clearance(client, circ_desk))[0]
    other_point = next(key for key in library.service_points if key != circ_desk)
    later = library.requests[row["id"]] | {
        "id": NOTHING,
        "pickupServicePointId": other_point,
        "awaitingPickupRequestClosedDate": library.now(),
    }
    library.requests[NOTHING] = later

    assert row["id"] not in [each["id"] for each in await clearance(client, circ_desk)]
    assert [each["id"] for each in await clearance(client, other_point)] == [NOTHING]


@pytest.mark.parametrize("reason", ["scanned", "awaited again"])
async def test_an_item_that_is_handled_leaves_the_report(
    client: httpx.AsyncClient, library: Library, circ_desk: str, reason: str
) -> None:
    """After its check-in, or if the next patron awaits it, an item is not to be cleared."""
    row, *others = await clearance(client, circ_desk)
    if reason == "scanned":
        body = {
            "itemBarcode": row["item"]["barcode"],
            "servicePointId": circ_desk,
            "checkInDate": WHEN,
        }
        await client.post("/circulation/check-in-by-barcode", json=body)
    else:
        request = awaiting(library, circ_desk)
        request["itemId"] = row["itemId"]

    assert await clearance(client, circ_desk) == others


async def test_the_order_is_that_of_batches(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """Requests are sorted among those of forty items at a time, in the order of the items."""
    closed = [each for each in library.requests.values() if each["status"].startswith("Closed")][:45]
    item_ids = list(library.items)[:45]
    for number, (request, item_id) in enumerate(zip(closed, item_ids, strict=True)):
        library.items[item_id]["status"] = {"name": "Awaiting pickup"}
        request |= {
            "itemId": item_id,
            "status": "Closed - Cancelled",
            "pickupServicePointId": circ_desk,
            "awaitingPickupRequestClosedDate": f"2026-01-01T00:00:{number:02}.000+00:00",
        }
    expected = [each["id"] for each in (*reversed(closed[:40]), *reversed(closed[40:]))]
    rows = [each["id"] for each in await clearance(client, circ_desk)]

    assert [each for each in rows if each in expected] == expected


@pytest.mark.parametrize("key", [NOTHING, "desk"])
async def test_an_unknown_service_point_has_an_empty_report(client: httpx.AsyncClient, key: str) -> None:
    """The service point is compared as text, and not looked up."""
    assert await clearance(client, key) == []


@pytest.mark.parametrize("path", [f"{CLEARANCE}/{NOTHING}", IN_TRANSIT])
async def test_reports_require_their_permissions(client: httpx.AsyncClient, path: str) -> None:
    """Each report has a permission of its own."""
    response = await client.get(path, headers={"X-Okapi-Token": "sandbox:nobody"})
    permission = PERMISSIONS[path.removesuffix(f"/{NOTHING}")]

    assert response.status_code == 403
    assert response.text.endswith(f"requires permission: {permission}")


async def test_every_item_in_transit_is_listed(client: httpx.AsyncClient, library: Library) -> None:
    """They are sorted by the name of the service point of the loan's end; those without one are last."""
    rows = await in_transit(client)
    expected = {key for key, item in library.items.items() if item["status"]["name"] == "In transit"}
    places = [each.get("loan", {}).get("checkInServicePoint", {}).get("name") for each in rows]

    assert {each["id"] for each in rows} == expected
    assert len(rows) == 9
    assert places == ["Law Desk", "Music Desk"] + [None] * 7
    assert all(each["status"] == {"name": "In transit"} for each in rows)


async def test_a_loan_that_ended_in_transit(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """A requested item that is returned elsewhere has its loan, its first request and its last scan."""
    request = next(
        each
        for each in library.requests.values()
        if each["status"] == "Open - Not yet filled"
        and each.get("pickupServicePointId", circ_desk) != circ_desk
        and each["position"] == 1
        and library.open_loan_of_item(each.get("itemId", ""))
    )
    request |= {"requestExpirationDate": WHEN, "tags": {"tagList": ["urgent"]}}
    item = library.items[request["itemId"]]
    item["yearCaption"] = ["1901"]
    group = library.groups[library.users[request["requesterId"]]["patronGroup"]]
    point = library.service_points[circ_desk]
    destination = library.service_points[request["pickupServicePointId"]]
    body = {"itemBarcode": item["barcode"], "servicePointId": circ_desk, "checkInDate": WHEN}
    checked_in = (await client.post("/circulation/check-in-by-barcode", json=body)).json()

    row = next(each for each in await in_transit(client) if each["id"] == item["id"])

    assert row["loan"] == {
        "checkInServicePoint": {
            name: point[name]
            for name in (
                "name",
                "code",
                "discoveryDisplayName",
                "description",
                "shelvingLagTime",
                "pickupLocation",
            )
        },
        "checkInDateTime": checked_in["loan"]["returnDate"],
    }
    assert row["request"] == {
        "requestType": request["requestType"],
        "requestDate": request["requestDate"],
        "requestExpirationDate": WHEN,
        "requestPickupServicePointName": destination["name"],
        "requestPatronGroup": group["desc"],
        "tags": ["urgent"],
    }
    assert row["lastCheckIn"] == {
        "dateTime": item["lastCheckIn"]["dateTime"],
        "servicePoint": {"id": circ_desk, "name": point["name"]},
    }
    assert row["inTransitDestinationServicePointId"] == destination["id"]
    assert row["inTransitDestinationServicePoint"] == {"id": destination["id"], "name": destination["name"]}
    assert row["yearCaption"] == ["1901"]
    assert row["contributors"] == checked_in["item"]["contributors"]


async def test_service_points_that_no_longer_exist(client: httpx.AsyncClient, library: Library) -> None:
    """Of the destination the id stays, of the last scan the date, of the loan the date of return."""
    row = (await in_transit(client))[0]
    item = library.items[row["id"]]
    loan = next(
        each
        for each in library.loans.values()
        if each["itemId"] == row["id"] and each["itemStatus"] == "In transit"
    )
    item["inTransitDestinationServicePointId"] = item["lastCheckIn"]["servicePointId"] = NOTHING
    loan["checkinServicePointId"] = NOTHING

    rows = await in_transit(client)
    changed = next(each for each in rows if each["id"] == row["id"])

    assert changed["inTransitDestinationServicePoint"] == {"id": NOTHING}
    assert changed["lastCheckIn"] == {"dateTime": item["lastCheckIn"]["dateTime"]}
    assert changed["loan"] == {"checkInDateTime": loan["returnDate"]}
    assert rows[0] != changed
