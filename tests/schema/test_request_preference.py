"""Patrons' preferences for receiving requested items."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

PREFERENCE = """query($ids: [ID!]) { users(filter: { id: $ids }) { nodes { id requestPreference {
    id holdShelf delivery fulfillment defaultServicePoint { id } defaultDeliveryAddressType { id addressType }
    user { id }
} } } }"""


async def test_preferences_of_users(reader: Gateway) -> None:
    """Users have their preference or null, with one call for all of them."""
    library = reader.library
    stored = {each["userId"]: each for each in library.request_preferences.values()}
    without = next(key for key in library.users if key not in stored)

    data = await reader.data(PREFERENCE, {"ids": [*stored, without]})

    preferences = {node["id"]: node["requestPreference"] for node in data["users"]["nodes"]}
    assert preferences.pop(without) is None
    assert preferences.keys() == stored.keys()
    for user, preference in preferences.items():
        kept = stored[user]
        assert preference["id"] == kept["id"] != user
        assert preference["holdShelf"] is kept["holdShelf"]
        assert preference["delivery"] is kept["delivery"]
        assert preference["fulfillment"] == kept["fulfillment"].upper().replace(" ", "_")
        assert preference["user"] == {"id": user}
        assert preference["defaultServicePoint"] == {"id": kept["defaultServicePointId"]}
        kind = kept.get("defaultDeliveryAddressTypeId")
        expected = kind and {"id": kind, "addressType": library.address_types[kind]["addressType"]}
        assert preference["defaultDeliveryAddressType"] == expected
    assert reader.paths() == [
        "GET /users",
        "GET /request-preference-storage/request-preference",
        "GET /addresstypes",
    ]
    assert reader.calls[1].query["query"].startswith("userId==(")
    assert reader.calls[1].query["limit"] == "3"


async def test_the_id_of_a_preference_is_its_own(reader: Gateway) -> None:
    """The id of a preference is read upstream, and differs from that of its user."""
    kept = next(iter(reader.library.request_preferences.values()))

    data = await reader.data(
        "query($id: ID!) { user(id: $id) { id requestPreference { id } } }", {"id": kept["userId"]}
    )

    assert data["user"] == {"id": kept["userId"], "requestPreference": {"id": kept["id"]}}
