"""The slips of a service point, and the log of print events."""

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
callNumberSuffix lastCheckedInDateTime accessionNumber administrativeNotes datesOfPublication editions
instanceHrid physicalDescriptions seriesStatements shelvingOrder"""
REQUEST = """requestID servicePointPickup requestDate requestExpirationDate holdShelfExpirationDate
deliveryAddressType patronComments"""
REQUESTER = """firstName preferredFirstName lastName middleName barcode patronGroup departments
primaryDeliveryAddressType primaryAddressLine1 primaryAddressLine2 primaryCity primaryStateProvRegion
primaryZipPostalCode primaryCountry addressType addressLine1 addressLine2 city region postalCode countryId"""

Body = dict[str, Any]


async def slips(client: httpx.AsyncClient, kind: str, service_point_id: str, service: str = "") -> list[Body]:
    response = await client.get(f"{service or SERVICES[0]}/{kind}/{service_point_id}")
    assert response.status_code == 200, response.text
    body = response.json()
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
async def test_every_page_is_on_one_pick_list(
    client: httpx.AsyncClient, library: Library, service: str
) -> None:
    """Each Page whose item is still on the shelf is on the list of that shelf's service point."""
    lists = [await slips(client, "pick-slips", key, service) for key in library.service_points]
    pages = {
        key
        for key, request in library.requests.items()
        if (request["requestType"], request["status"]) == ("Page", "Open - Not yet filled")
    }

    assert sum(len(rows) for rows in lists) == len(pages) == 20
    assert set().union(*(ids(rows) for rows in lists)) == pages


async def test_pick_slip_is_display_text(client: httpx.AsyncClient, library: Library) -> None:
    """Item, request and requester are rendered as text; the only id is the request's."""
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
    """Every declared field has a value except those of cancelled requests; there are no others."""
    rows = [row for key in library.service_points for row in await slips(client, "pick-slips", key)]
    full = next(row for row in rows if row["item"]["barcode"] == "2000000250")

    for part, names in (("item", ITEM), ("request", REQUEST), ("requester", REQUESTER)):
        assert set().union(*(row[part] for row in rows)) == set(names.split())
    assert set(ITEM.split()) - set(full["item"]) == {"accessionNumber"}
    assert full["item"]["yearCaption"] == "1901; 1902"
    assert full["requester"]["departments"] == "Law; Astronomy"


async def test_pick_list_follows_the_state(client: httpx.AsyncClient, library: Library) -> None:
    """An item that is checked in leaves the list."""
    annex = by_name(library, "Annex Desk")
    before = await slips(client, "pick-slips", annex)
    body = {"itemBarcode": before[0]["item"]["barcode"], "servicePointId": annex, "checkInDate": WHEN}
    await client.post("/circulation-bff/loans/check-in-by-barcode", json=body)
    after = await slips(client, "pick-slips", annex)

    assert ids(before) - ids(after) == {before[0]["request"]["requestID"]}
    assert len(after) == len(before) - 1


@pytest.mark.parametrize("service", SERVICES)
async def test_search_slips_are_for_holds(client: httpx.AsyncClient, library: Library, service: str) -> None:
    """Each Hold with an item is on the list of the item's service point; title-level Holds have no item."""
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
    """Without the setting the list is empty."""
    setting = next(
        each for each in library.circulation_settings.values() if each["name"] == "PRINT_HOLD_REQUESTS"
    )
    setting["value"]["printHoldRequestsEnabled"] = False

    assert await slips(client, "search-slips", by_name(library, "Circ Desk 1")) == []


@pytest.mark.parametrize("kind", ["pick-slips", "search-slips"])
async def test_unknown_service_point_has_an_empty_list(client: httpx.AsyncClient, kind: str) -> None:
    """An invalid id is rejected."""
    assert await slips(client, kind, NOTHING) == []
    assert (await client.get(f"/circulation/{kind}/desk")).status_code == 400


@pytest.mark.parametrize("kind", ["pick-slips", "search-slips"])
@pytest.mark.parametrize(
    ("service", "permission"),
    [("/circulation-bff", "circulation-bff.{}.collection.get"), ("/circulation", "circulation.{}.get")],
)
async def test_slips_require_their_permission(
    client: httpx.AsyncClient, kind: str, service: str, permission: str
) -> None:
    """The BFF and mod-circulation have separate permissions."""
    response = await client.get(f"{service}/{kind}/{NOTHING}", headers={"X-Okapi-Token": "sandbox:nobody"})
    assert response.status_code == 403
    assert response.text.endswith(f"requires permission: {permission.format(kind)}")


async def test_long_pick_list(client: httpx.AsyncClient, library: Library) -> None:
    """Two hundred further slips have as many requesters, and each has its request."""
    annex = by_name(library, "Annex Desk")
    before = len(await slips(client, "pick-slips", annex))
    fill_pick_list(library, annex, 200)
    rows = await slips(client, "pick-slips", annex)

    assert len(rows) == before + 200
    assert len({row["requester"]["barcode"] for row in rows}) >= 200
    assert ids(rows) <= set(library.requests)


def test_pick_list_requires_a_location(library: Library) -> None:
    """A service point without a location cannot get pick slips."""
    with pytest.raises(ValueError, match=NOTHING):
        fill_pick_list(library, NOTHING, 1)


@pytest.fixture(name="event")
def _event(library: Library) -> Body:
    """Build the event that the desk has printed two slips."""
    circ_desk = library.user_by_name("desk")
    assert circ_desk is not None
    requests = [key for key, request in library.requests.items() if request["requestType"] == "Page"][:2]
    return {
        "requestIds": requests,
        "requesterId": circ_desk["id"],
        "requesterName": "desk",
        "printEventDate": WHEN,
    }


async def test_printing_is_logged(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """Each request shows the count, time and staff member; the BFF omits them."""
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


async def test_printing_by_an_unknown_user(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """A user without a record has no name."""
    await client.post("/circulation/print-events-entry", json=event | {"requesterId": NOTHING})
    assert "lastPrintRequester" not in library.requests[event["requestIds"][0]]["printDetails"]


async def refuse(client: httpx.AsyncClient, body: Body) -> str:
    response = await client.post("/circulation/print-events-entry", json=body)
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    return str(error["message"])


async def test_unknown_request_is_refused(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """One unknown request refuses all of them."""
    changed_event = event | {"requestIds": [*event["requestIds"], NOTHING]}
    assert await refuse(client, changed_event) == "invalid request found"
    assert "printDetails" not in library.requests[event["requestIds"][0]]


@pytest.mark.parametrize("ids", [None, [], "all", ["x"]])
async def test_request_ids_are_required(client: httpx.AsyncClient, event: Body, ids: object) -> None:
    """A list of UUIDs is required."""
    assert await refuse(client, event | {"requestIds": ids}) == "Print Event Request JSON is invalid"


async def test_disabled_print_log(client: httpx.AsyncClient, library: Library, event: Body) -> None:
    """The switch may be off, even as text, or never set."""
    key, setting = next(
        pair for pair in library.circulation_settings.items() if pair[1]["name"] == "printEventLogFeature"
    )
    setting["value"]["enablePrintLog"] = "false"
    off = await refuse(client, event)
    del library.circulation_settings[key]
    unset = await refuse(client, event)

    assert off == "print event feature is disabled for this tenant"
    assert unset == "No configuration found for print event feature"
