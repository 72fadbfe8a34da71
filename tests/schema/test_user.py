"""Users and patron groups: all their links, and the effect of an invalid member."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway
from tests.schema import poisoned
from tests.schema.edges import by, check_back, check_forward, merged

pytestmark = pytest.mark.anyio


async def test_a_user_links_to_the_patron_group_and_back(reader: Gateway) -> None:
    """The group of a user is the stored one, and lists exactly its members."""
    await check_forward(reader, "users", "patronGroup", "patronGroup", "users", "groups")
    await check_back(reader, "patronGroups", "users", by("patronGroup"), "users")


@pytest.mark.parametrize(
    ("edge", "key"), [("createdBy", "createdByUserId"), ("updatedBy", "updatedByUserId")]
)
async def test_a_user_links_to_its_creator_and_editor(reader: Gateway, edge: str, key: str) -> None:
    """The creator and the last editor of a record are users."""
    await check_forward(reader, "users", f"metadata.{edge}", f"metadata.{key}", "users", "users")


async def test_a_user_links_to_departments_and_address_types(reader: Gateway) -> None:
    """Departments are in the order of the keys, and each address has its type."""
    data = await reader.data(
        """{ users(first: 1000) { nodes {
            id departments { name } personal { addresses { addressType { addressType } } }
        } } }"""
    )

    library = reader.library
    for node in data["users"]["nodes"]:
        user = library.users[node["id"]]
        expected = [{"name": library.departments[key]["name"]} for key in user.get("departments", ())]
        assert (node["departments"] or []) == expected
        addresses = user.get("personal", {}).get("addresses", [])
        shown = (node["personal"] or {}).get("addresses") or []
        assert [each["addressType"]["addressType"] for each in shown] == [
            library.address_types[each["addressTypeId"]]["addressType"] for each in addresses
        ]


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("personal.lastName==Müller", '(personal.lastName=="Müller")'),
        ('("personal.lastName"=="Müller")', '(("personal.lastName"=="Müller"))'),
        ('("personal.lastName"==Mül* or "id"=="x")', '(("personal.lastName"=="Mül*" or "id"=="x"))'),
    ],
)
async def test_cql_of_front_ends(reader: Gateway, query: str, sent: str) -> None:
    """Quoted index names and unquoted values beyond ASCII select the same users as the usual form."""
    reader.sandbox.calls.clear()
    data = await reader.data(
        "query ($cql: String) { users(first: 1000, sort: [{ field: BARCODE }], cql: $cql) { nodes { id } } }",
        {"cql": query},
    )

    users = reader.library.users.items()
    expected = sorted(each for each, user in users if user.get("personal", {}).get("lastName") == "Müller")
    assert expected
    assert sorted(each["id"] for each in data["users"]["nodes"]) == expected
    assert [call.query["query"] for call in reader.calls] == [f"{sent} sortby barcode id"]


@pytest.mark.parametrize(
    ("argument", "member"),
    [
        ("id", "id"),
        ("barcode", "barcode"),
        ("username", "username"),
        ("externalSystemId", "externalSystemId"),
    ],
)
async def test_a_user_is_found_by_each_key(reader: Gateway, argument: str, member: str) -> None:
    """Each natural key returns the one user, and an unknown key returns null."""
    user = reader.library.users[str(reader.summary.user_id)]
    other = "00000000-0000-4000-8000-000000000000"
    kind = "ID" if argument == "id" else "String"
    text = f"query($key: {kind}) {{ user({argument}: $key) {{ id }} }}"

    data = await reader.data(text, {"key": user[member]})
    none = await reader.data(text, {"key": other})

    assert data["user"] == {"id": user["id"]}
    assert none["user"] is None


async def test_two_users_with_one_barcode_are_a_conflict(gateway: Gateway) -> None:
    """A barcode of two users is an error: neither of them is chosen."""
    one, other = list(gateway.library.users.values())[5:7]
    other["barcode"] = one["barcode"]

    response = await gateway.execute(
        "query($key: String) { user(barcode: $key) { id } }", {"key": one["barcode"]}
    )

    assert response["data"] == {"user": None}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["CONFLICT"]


async def test_each_invalid_member_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a user is missing, null or of another type, only the fields that read it are null."""
    full = merged(list(reader.library.users.values()))

    assert await poisoned.check("User", "users", "/users", "users", full) > 250


async def test_each_invalid_member_of_a_group_costs_its_own_fields(reader: Gateway) -> None:
    """If a member of a patron group is missing, null or of another type, only its fields are null."""
    full = merged(list(reader.library.groups.values()))

    assert await poisoned.check("PatronGroup", "patronGroups", "/groups", "usergroups", full) > 50
