"""Requests: all their links, and the effect of an invalid member."""

from __future__ import annotations

import pytest

from gateway.sandbox import Library
from gateway.sandbox.collections.requests import bff_requests
from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import by, check_back, check_forward, is_open_request, merged

pytestmark = pytest.mark.anyio

# The link, the stored key, and what it leads to.
LEADS_TO = [
    ("requester", "requesterId", "users"),
    ("proxy", "proxyUserId", "users"),
    ("cancelledBy", "cancelledByUserId", "users"),
    ("instance", "instanceId", "instances"),
    ("holdings", "holdingsRecordId", "holdings"),
    ("item", "itemId", "items"),
    ("pickupServicePoint", "pickupServicePointId", "service_points"),
    ("deliveryAddressType", "deliveryAddressTypeId", "address_types"),
    ("metadata.createdBy", "metadata.createdByUserId", "users"),
    ("metadata.updatedBy", "metadata.updatedByUserId", "users"),
]


@pytest.mark.parametrize(("edge", "key", "target"), LEADS_TO)
async def test_links_of_a_request(reader: Gateway, edge: str, key: str, target: str) -> None:
    """Each link of a request is the record with the stored key, null without a key or a record."""
    await check_forward(reader, "requests", edge, key, "requests", target)


# The other way: the list of requests on each record that they name.
LISTED_ON = [
    ("users", "requests", "requesterId", False),
    ("users", "openRequests", "requesterId", True),
    ("items", "requests", "itemId", False),
    ("items", "openRequests", "itemId", True),
    ("instances", "requests", "instanceId", False),
    ("instances", "openRequests", "instanceId", True),
    ("servicePoints", "pickupRequests", "pickupServicePointId", True),
]


@pytest.mark.parametrize(("root", "edge", "key", "only_open"), LISTED_ON)
async def test_lists_of_requests(reader: Gateway, root: str, edge: str, key: str, only_open: bool) -> None:
    """Users, items, titles and service points list exactly their requests, and their open requests."""
    keep = is_open_request if only_open else lambda record: True
    await check_back(reader, root, edge, by(key), "requests", keep)


async def test_a_request_leads_to_the_open_loan_of_its_item(reader: Gateway) -> None:
    """The open loan of a request is the open loan of its item, with the loan's own id."""
    data = await reader.data("{ requests(first: 1000) { nodes { id openLoan { id item { id } } } } }")

    library = reader.library
    lent = 0
    for node in data["requests"]["nodes"]:
        item = library.requests[node["id"]].get("itemId")
        loan = library.open_loan_of_item(item) if item else None
        assert node["openLoan"] == (loan and {"id": loan["id"], "item": {"id": item}})
        lent += loan is not None
    assert lent >= 1


def place_of(library: Library, request_id: str) -> tuple[str | None, str | None]:
    """Return the location of a request's item and its service point."""
    item = library.items.get(library.requests[request_id].get("itemId", ""))
    if item is None:
        return None, None
    holdings = library.holdings[item["holdingsRecordId"]]
    place = (
        item.get("temporaryLocationId")
        or item.get("permanentLocationId")
        or holdings.get("temporaryLocationId")
        or holdings["permanentLocationId"]
    )
    return place, library.locations[place]["primaryServicePoint"]


async def test_location_of_a_requested_item(reader: Gateway) -> None:
    """The embedded item links to its location and to the service point that retrieves it."""
    data = await reader.data(
        """{ requests(first: 1000) { nodes { id requestItem {
            effectiveLocation { id isActive } retrievalServicePoint { id ecsRequestRouting }
        } } } }"""
    )

    for node in data["requests"]["nodes"]:
        place, desk = place_of(reader.library, node["id"])
        if place is None:
            assert node["requestItem"] is None
        else:
            assert node["requestItem"]["effectiveLocation"]["id"] == place
            assert node["requestItem"]["retrievalServicePoint"]["id"] == desk
            assert node["requestItem"]["effectiveLocation"]["isActive"] is not None


@pytest.mark.slow
async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a request is missing, null or of another type, only the fields that read it are null."""
    library = reader.library
    full = merged(bff_requests(library, list(library.requests.values())))

    assert await poisoned.check("Request", "requests", "/requests", "requests", full) > 500


async def test_an_invalid_element_costs_its_place_alone() -> None:
    """An element that is null or of another type is null with an error, and the others are returned."""
    names = [{"name": "a"}, "b", None, 5, {"name": ["c"]}, {"name": "d"}]
    body = {"requests": [{"id": "r", "instance": {"contributorNames": names}}]}

    response = await poisoned.query_over(
        "/requests", body, "{ requests { nodes { requestInstance { contributorNames { name } } } } }"
    )

    assert response["data"]["requests"]["nodes"][0]["requestInstance"]["contributorNames"] == [
        {"name": "a"},
        None,
        None,
        None,
        {"name": None},
        {"name": "d"},
    ]
    assert [each["path"][4:] for each in response["errors"]] == [
        ["contributorNames", 1],
        ["contributorNames", 2],
        ["contributorNames", 3],
        ["contributorNames", 4, "name"],
    ]
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_BAD_RESPONSE"}
