"""Relations between proxies and sponsors."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

PROXY = "1000000009"
SPONSOR = "1000000010"


async def test_sponsors_of_a_proxy(reader: Gateway) -> None:
    """The sponsors of a proxy with names take one call for the relations and one for the users."""
    data = await reader.data(
        """query($b: String!) { user(barcode: $b) { id sponsors { totalCount nodes {
            id status expirationDate requestForSponsor notificationsTo accrueTo
            proxyUser { id } user { id barcode personal { lastName } }
        } } } }""",
        {"b": PROXY},
    )

    sponsors = data["user"]["sponsors"]
    relation = next(
        each for each in reader.library.proxies.values() if each["proxyUserId"] == data["user"]["id"]
    )
    (node,) = sponsors["nodes"]
    sponsor = reader.library.users[relation["userId"]]
    assert sponsors["totalCount"] == 1
    assert node["user"] == {
        "id": sponsor["id"],
        "barcode": SPONSOR,
        "personal": {"lastName": sponsor["personal"]["lastName"]},
    }
    assert node["proxyUser"] == {"id": data["user"]["id"]}
    for name in ("id", "status", "requestForSponsor", "notificationsTo", "accrueTo"):
        assert node[name] == relation[name]
    assert reader.paths() == ["GET /users", "GET /proxiesfor", "GET /users"]
    assert reader.calls[1].query["query"] == f'proxyUserId=="{data["user"]["id"]}" sortby id'


async def test_proxies_of_a_sponsor(reader: Gateway) -> None:
    """A sponsor has its proxies, and can exclude inactive relations."""
    sponsor = reader.library.user_by_barcode(SPONSOR)
    assert sponsor is not None

    data = await reader.data(
        """query($b: String!) { user(barcode: $b) {
            all: proxies { nodes { proxyUser { id } user { id } } }
            active: proxies(filter: { status: ["Active"] }) { nodes { proxyUser { id } } }
        } }""",
        {"b": SPONSOR},
    )

    stored = [each for each in reader.library.proxies.values() if each["userId"] == sponsor["id"]]
    assert {each["proxyUser"]["id"] for each in data["user"]["all"]["nodes"]} == {
        each["proxyUserId"] for each in stored
    }
    assert {each["user"]["id"] for each in data["user"]["all"]["nodes"]} == {sponsor["id"]}
    assert {each["proxyUser"]["id"] for each in data["user"]["active"]["nodes"]} == {
        each["proxyUserId"] for each in stored if each["status"] == "Active"
    }
    assert reader.paths() == ["GET /users", "GET /proxiesfor", "GET /proxiesfor"]


async def test_relations_of_many_users_are_two_calls(reader: Gateway) -> None:
    """Both directions for a list of users take one call each."""
    await reader.data(
        "{ users(first: 40) { nodes { proxies { totalCount } sponsors { totalCount nodes { id } } } } }"
    )

    assert reader.paths() == ["GET /users", "GET /proxiesfor", "GET /proxiesfor"]
    assert sorted(call.query["query"].partition("==")[0] for call in reader.calls[1:]) == [
        "proxyUserId",
        "userId",
    ]
