"""Slips of a service point, and the log of what was printed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.sandbox.desk.pick_list import fill_pick_list

pytestmark = pytest.mark.anyio

SERVICES = ("/circulation-bff", "/circulation")
NOTHING = "00000000-0000-4000-8000-000000000000"
WHEN = "2026-01-02T03:04:05Z"

ITEM = """title primaryContributor allContributors barcode status enumeration volume chronology yearCaption
materialType loanType copy numberOfPieces displaySummary descriptionOfPieces effectiveLocationSpecific
effectiveLocationLibrary effectiveLocationCampus effectiveLocationInstitution
effectiveLocationDiscoveryDisplayName effectiveLocationPrimaryServicePointName callNumber callNumberPrefix
callNumberSuffix lastCheckedInDateTime"""
REQUEST = """requestID servicePointPickup requestDate requestExpirationDate holdShelfExpirationDate
deliveryAddressType patronComments"""
REQUESTER = """firstName preferredFirstName lastName middleName barcode patronGroup departments
primaryDeliveryAddressType primaryAddressLine1 primaryAddressLine2 primaryCity primaryStateProvRegion
primaryZipPostalCode primaryCountry addressType addressLine1 addressLine2 city region postalCode countryId"""

Body = dict[str, Any]


async def slips(client: httpx.AsyncClient, kind: str, service_point_id: str, service: str = "") -> list[Body]:
    answer = await client.get(f"{service or SERVICES[0]}/{kind}/{service_point_id}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    (key,) = set(body) - {"totalRecords"}
    assert key == {"pick-slips": "pickSlips", "search-slips": "searchSlips"}[kind]
    assert body["totalRecords"] == len(body[key])
    rows: list[Body] = body[key]
    return rows


def by_name(library: Library, name: str) -> str:
    return next(key for key, point in library.service_points.items() if point["name"] == name)


def ids(rows: list[Body]) -> set[str]:
    return {row["request"]["requestID"] for row in rows}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_page_is_on_one_list(client: httpx.AsyncClient, library: Library, service: str) -> None:
    """Each Page whose item is still on the shelf is fetched where the shelf is."""
    lists = [await slips(client, "pick-slips", key, service) for key in library.service_points]
    pages = {
        key
        for key, request in library.requests.items()
        if (request["requestType"], request["status"]) == ("Page", "Open - Not yet filled")
    }

    assert sum(len(rows) for rows in lists) == len(pages) == 20
    assert set().union(*(ids(rows) for rows in lists)) == pages


async def test_a_pick_slip_is_display_text(client: httpx.AsyncClient, library: Library) -> None:
    """Item, request and requester are spelt out for paper; the only id is the request's."""
    slip = (await slips(client, "pick-slips", by_name(library, "Annex Desk")))[0]
    request = library.requests[slip["request"]["requestID"]]
    requester = library.users[request["requesterId"]]

    assert sorted(slip) == ["currentDateTime", "item", "request", "requester"]
    assert slip["item"]["status"] == "Paged"
    assert slip["item"]["effectiveLocationSpecific"] == "Annex"
    assert slip["item"]["effectiveLocationPrimaryServicePointName"] == "Annex Desk"
    assert slip["item"]["barcode"] == library.items[request["itemId"]]["barcode"]
    assert slip["request"]["requestDate"] == request["requestDate"]
    assert slip["requester"]["barcode"] == requester["barcode"]
    assert slip["requester"]["patronGroup"] == library.groups[requester["patronGroup"]]["group"]
    assert not {"fromServicePoint", "toServicePoint"} & set(slip["item"])


async def test_every_field_of_a_slip_occurs(client: httpx.AsyncClient, library: Library) -> None:
    """Something is known of every declared field but those of cancelled requests; nothing else is sent."""
    rows = [row for key in library.service_points for row in await slips(client, "pick-slips", key)]
    full = next(row for row in rows if row["item"]["barcode"] == "2000000250")

    for part, names in (("item", ITEM), ("request", REQUEST), ("requester", REQUESTER)):
        assert set().union(*(row[part] for row in rows)) == set(names.split())
    assert set(full["item"]) == set(ITEM.split())
    assert full["item"]["yearCaption"] == "1901; 1902"
    assert full["requester"]["departments"] == "Law; Astronomy"


async def test_a_list_follows_the_state(client: httpx.AsyncClient, library: Library) -> None:
    """What is fetched and checked in leaves the list."""
    annex = by_name(library, "Annex Desk")
    before = await slips(client, "pick-slips", annex)
    body = {"itemBarcode": before[0]["item"]["barcode"], "servicePointId": annex, "checkInDate": WHEN}
    await client.post("/circulation-bff/loans/check-in-by-barcode", json=body)
    after = await slips(client, "pick-slips", annex)

    assert ids(before) - ids(after) == {before[0]["request"]["requestID"]}
    assert len(after) == len(before) - 1


@pytest.mark.parametrize("service", SERVICES)
async def test_search_slips_are_for_holds(client: httpx.AsyncClient, library: Library, service: str) -> None:
    """Each Hold on a known item is looked for where the item belongs; title-level ones have no item."""
    lists = [await slips(client, "search-slips", key, service) for key in library.service_points]
    holds = {
        key
        for key, request in library.requests.items()
        if (request["requestType"], request["status"]) == ("Hold", "Open - Not yet filled")
        and "itemId" in request
    }

    assert len(holds) == 66
    assert set().union(*(ids(rows) for rows in lists)) == holds


async def test_search_slips_can_be_switched_off(client: httpx.AsyncClient, library: Library) -> None:
    """Without the setting nobody searches."""
    setting = next(
        each for each in library.circulation_settings.values() if each["name"] == "PRINT_HOLD_REQUESTS"
    )
    setting["value"]["printHoldRequestsEnabled"] = False

    assert await slips(client, "search-slips", by_name(library, "Circ Desk 1")) == []


@pytest.mark.parametrize("kind", ["pick-slips", "search-slips"])
async def test_a_service_point_that_fetches_nothing(client: httpx.AsyncClient, kind: str) -> None:
    """An unknown one has an empty list, a malformed id is refused."""
    assert await slips(client, kind, NOTHING) == []
    assert (await client.get(f"/circulation/{kind}/desk")).status_code == 400


@pytest.mark.parametrize("kind", ["pick-slips", "search-slips"])
@pytest.mark.parametrize(
    ("service", "permission"),
    [("/circulation-bff", "circulation-bff.{}.collection.get"), ("/circulation", "circulation.{}.get")],
)
async def test_slips_need_their_permission(
    client: httpx.AsyncClient, kind: str, service: str, permission: str
) -> None:
    """The BFF and mod-circulation ask for one each."""
    answer = await client.get(f"{service}/{kind}/{NOTHING}", headers={"X-Okapi-Token": "sandbox:nobody"})
    assert answer.status_code == 403
    assert answer.text.endswith(f"requires permission: {permission.format(kind)}")


async def test_a_long_list(client: httpx.AsyncClient, library: Library) -> None:
    """Two hundred more to fetch have as many readers, and each leads to its request."""
    annex = by_name(library, "Annex Desk")
    before = len(await slips(client, "pick-slips", annex))
    fill_pick_list(library, annex, 200)
    rows = await slips(client, "pick-slips", annex)

    assert len(rows) == before + 200
    assert len({row["requester"]["barcode"] for row in rows}) >= 200
    assert ids(rows) <= set(library.requests)


def test_a_list_nobody_fetches(library: Library) -> None:
    """A service point without a location cannot be given anything to fetch."""
    with pytest.raises(ValueError, match=NOTHING):
        fill_pick_list(library, NOTHING, 1)


@pytest.fixture(name="event")
def _event(library: Library) -> Body:
    """The desk has printed two slips."""
    desk = library.user_by_name("desk")
    assert desk is not None
    requests = [key for key, request in library.requests.items() if request["requestType"] == "Page"][:2]
    return {
        "requestIds": requests,
        "requesterId": desk["id"],
        "requesterName": "desk",
        "printEventDate": WHEN,
    }


async def test_printing_is_logged(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """Each request says how often, when and by whom; the BFF leaves that out."""
    first = await client.post("/circulation/print-events-entry", json=event)
    await client.post("/circulation/print-events-entry", json=event | {"requestIds": event["requestIds"][:1]})
    query = {"query": f"id==({' or '.join(event['requestIds'])}) sortby printDetails.printCount/number"}
    rows = (await client.get("/circulation/requests", params=query)).json()["requests"]
    bff = (await client.get("/circulation-bff/requests", params=query)).json()["requests"]

    assert (first.status_code, first.content) == (201, b"")
    assert [row["printDetails"] for row in rows] == [
        {
            "printCount": count,
            "requesterId": event["requesterId"],
            "isPrinted": True,
            "printEventDate": "2026-01-02T03:04:05.000+00:00",
            "lastPrintRequester": {"firstName": "Dana", "lastName": "Desk"},
        }
        for count in (1, 2)
    ]
    assert not any("printDetails" in row for row in bff)


async def test_printing_by_somebody_unknown(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """A printer without a record has no name."""
    await client.post("/circulation/print-events-entry", json=event | {"requesterId": NOTHING})
    assert "lastPrintRequester" not in library.requests[event["requestIds"][0]]["printDetails"]


async def refused(client: httpx.AsyncClient, body: Body) -> str:
    answer = await client.post("/circulation/print-events-entry", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return str(error["message"])


async def test_printing_what_does_not_exist(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """One unknown request refuses all of them."""
    asked = event | {"requestIds": [*event["requestIds"], NOTHING]}
    assert await refused(client, asked) == "invalid request found"
    assert "printDetails" not in library.requests[event["requestIds"][0]]


@pytest.mark.parametrize("ids", [None, [], "all", ["x"]])
async def test_printing_nothing(client: httpx.AsyncClient, event: Body, ids: object) -> None:
    """A list of UUIDs is needed."""
    assert await refused(client, event | {"requestIds": ids}) == "Print Event Request JSON is invalid"


async def test_a_tenant_that_logs_nothing(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """The switch may be off, even as text, or never have been set."""
    key, setting = next(
        pair for pair in library.circulation_settings.items() if pair[1]["name"] == "printEventLogFeature"
    )
    setting["value"]["enablePrintLog"] = "false"
    off = await refused(client, event)
    del library.circulation_settings[key]
    unset = await refused(client, event)

    assert off == "print event feature is disabled for this tenant"
    assert unset == "No configuration found for print event feature"
