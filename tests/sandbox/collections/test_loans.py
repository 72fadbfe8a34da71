"""Records around loans: accounts, policies, settings, preferences, and users of other tenants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox

pytestmark = pytest.mark.anyio

# path -> key of the rows, permission without its end, how many there are
COLLECTIONS = {
    "/accounts": ("accounts", "accounts", 8),
    "/feefineactions": ("feefineactions", "feefineactions", 16),
    "/loan-policy-storage/loan-policies": ("loanPolicies", "circulation-storage.loan-policies", 4),
    "/overdue-fines-policies": ("overdueFinePolicies", "overdue-fines-policies", 2),
    "/lost-item-fees-policies": ("lostItemFeePolicies", "lost-item-fees-policies", 2),
    "/request-policy-storage/request-policies": (
        "requestPolicies",
        "circulation-storage.request-policies",
        5,
    ),
    "/patron-notice-policy-storage/patron-notice-policies": (
        "patronNoticePolicies",
        "circulation-storage.patron-notice-policies",
        2,
    ),
    "/tags": ("tags", "tags", 6),
    "/request-preference-storage/request-preference": (
        "requestPreferences",
        "circulation-storage.request-preferences",
        2,
    ),
    "/circulation/settings": ("circulationSettings", "circulation.settings", 5),
}
Search = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_collection_and_its_records(client: httpx.AsyncClient, path: str) -> None:
    """A page has at most ten rows under the module's key, and each record can be read by id."""
    key, _, count = COLLECTIONS[path]
    body = (await client.get(path)).json()
    alone = await client.get(f"{path}/{body[key][0]['id']}")

    assert list(body) == [key, "totalRecords"]
    assert (len(body[key]), body["totalRecords"]) == (min(10, count), count)
    assert alone.json() == body[key][0]


@pytest.mark.parametrize("path", COLLECTIONS)
async def test_each_collection_requires_its_permission(client: httpx.AsyncClient, path: str) -> None:
    """The list and the single record have separate permissions."""
    permission, unauthorized = COLLECTIONS[path][1], {"X-Okapi-Token": "sandbox:nobody"}
    many = await client.get(path, headers=unauthorized)
    one = await client.get(f"{path}/00000000-0000-4000-8000-000000000000", headers=unauthorized)

    assert many.text.endswith(f"requires permission: {permission}.collection.get")
    assert one.text.endswith(f"requires permission: {permission}.item.get")


async def test_loan_history_is_a_collection(client: httpx.AsyncClient, library: Library) -> None:
    """It is paged like the others; single entries cannot be read."""
    body = (await client.get("/loan-storage/loan-history")).json()
    one = await client.get(f"/loan-storage/loan-history/{next(iter(library.loan_history))}")
    unauthorized = await client.get("/loan-storage/loan-history", headers={"X-Okapi-Token": "sandbox:nobody"})

    assert list(body) == ["loansHistory", "totalRecords"]
    assert (len(body["loansHistory"]), body["totalRecords"]) == (10, len(library.loan_history))
    assert one.status_code == 404
    assert unauthorized.text.endswith("requires permission: circulation-storage.loans-history.collection.get")


async def test_accounts_of_a_loan(search: Search, library: Library) -> None:
    """An account names the item, and its actions add up to the remaining amount."""
    item = library.item_by_barcode("2000000031")
    assert item is not None
    rows = await search("/accounts", f"(itemId=={item['id']}) and status.name==Open")
    (account,) = rows
    acts = await search("/feefineactions", f"accountId=={account['id']} sortby dateAction")

    assert (account["amount"], account["remaining"]) == (12.5, 7.25)
    assert (account["barcode"], account["feeFineType"]) == ("2000000031", "Overdue fine")
    assert account["paymentStatus"] == {"name": "Paid partially"}
    assert library.loans[account["loanId"]]["userId"] == account["userId"]
    assert [(act["typeAction"], act["amountAction"], act["balance"]) for act in acts] == [
        ("Overdue fine", 12.5, 12.5),
        ("Paid partially", 5.25, 7.25),
    ]


async def test_loan_policy_is_complete(search: Search) -> None:
    """Loans, renewals and requests have their sections; a policy without loans has none of them."""
    (standard,) = await search("/loan-policy-storage/loan-policies", 'name=="Standard loan"')
    (hours,) = await search("/loan-policy-storage/loan-policies", 'name=="Three hours"')
    (never,) = await search("/loan-policy-storage/loan-policies", "loanable==false")

    assert standard["loansPolicy"]["period"] == {"duration": 28, "intervalId": "Days"}
    assert standard["renewalsPolicy"]["numberAllowed"] == 3
    assert standard["requestManagement"]["holds"]["renewItemsWithRequest"] is True
    assert (hours["loanable"], hours["renewable"]) == (True, False)
    assert not {"loansPolicy", "renewalsPolicy", "requestManagement"} & set(never)


async def test_fee_policies(search: Search) -> None:
    """They contain the prices that the desk charges."""
    fines = await search("/overdue-fines-policies", "cql.allRecords=1 sortby name")
    lost = await search("/lost-item-fees-policies", f"id=={'0' * 8}* or name==* sortby name")

    assert [each["overdueFine"] for each in fines] == [
        {"quantity": 1.0, "intervalId": "hour"},
        {"quantity": 0.25, "intervalId": "day"},
    ]
    assert [each["chargeAmountItem"] for each in lost] == [
        {"chargeType": "actualCost"},
        {"chargeType": "anotherCost", "amount": 40.0},
    ]
    assert [each["lostItemProcessingFee"] for each in lost] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("printEventLogFeature", {"enablePrintLog": True}),
        ("PRINT_HOLD_REQUESTS", {"printHoldRequestsEnabled": True}),
        ("ecsTlrFeature", {"enabled": False}),
    ],
)
async def test_settings_by_name(search: Search, name: str, value: dict[str, bool]) -> None:
    """Front ends and the BFF query one setting at a time, with `=` or `==`."""
    for relation in ("==", "="):
        (setting,) = await search("/circulation/settings", f"(name{relation}{name})")
        assert setting["value"] == value


async def test_tlr_settings(client: httpx.AsyncClient, library: Library) -> None:
    """The consortium's switch is the tenant's setting."""
    off = await client.get("/tlr/settings")
    setting = next(each for each in library.circulation_settings.values() if each["name"] == "ecsTlrFeature")
    setting["value"]["enabled"] = True

    assert off.json() == {"ecsTlrFeatureEnabled": False}
    assert (await client.get("/tlr/settings")).json() == {"ecsTlrFeatureEnabled": True}


async def test_request_preferences(search: Search, library: Library, circ_desk: str) -> None:
    """One patron collects, one has items delivered, most have no preference."""
    path = "/request-preference-storage/request-preference"
    first, delivered, silent = (
        library.user_by_barcode(barcode) for barcode in ("1000000001", "1000000021", "1000000022")
    )
    assert first is not None
    assert delivered is not None
    assert silent is not None
    (collects,) = await search(path, f'(userId=="{first["id"]}")')
    (home,) = await search(path, f'(userId=="{delivered["id"]}")')

    assert (collects["holdShelf"], collects["delivery"], collects["fulfillment"]) == (
        True,
        False,
        "Hold Shelf",
    )
    assert collects["defaultServicePointId"] == circ_desk
    assert "defaultDeliveryAddressTypeId" not in collects
    assert library.address_types[home["defaultDeliveryAddressTypeId"]]["addressType"] == "Home"
    assert await search(path, f"userId=={silent['id']}") == []


async def external(client: httpx.AsyncClient, number: str, tenant: str) -> httpx.Response:
    return await client.get(f"/circulation-bff/external-users/{number}/tenant/{tenant}")


async def test_user_by_external_id(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """The user is read from the tenant of the path, not from the caller's."""
    own_tenant = (await external(client, "diku-00000", "diku")).json()
    there = (await external(client, "college-00000", "college")).json()
    other_tenant = (await external(client, "college-00000", "diku")).json()

    assert (own_tenant["totalRecords"], own_tenant["users"][0]["barcode"]) == (1, "1000000001")
    assert there["users"][0]["id"] in sandbox.library("college").users
    assert other_tenant == {"users": [], "totalRecords": 0}


async def test_external_id_is_inserted_unquoted(client: httpx.AsyncClient) -> None:
    """The BFF neither quotes nor escapes the id: its clients have to."""
    smuggled = (await external(client, "x or cql.allRecords=1", "diku")).json()
    broken = await external(client, "(", "diku")

    assert (len(smuggled["users"]), smuggled["totalRecords"]) == (10, 300)
    assert broken.status_code == 400


async def test_external_user_of_an_unknown_tenant(client: httpx.AsyncClient) -> None:
    """The response is 400 in plain text, as for an unknown tenant header."""
    response = await external(client, "1", "nowhere")
    assert (response.status_code, response.text) == (400, "No such Tenant nowhere")


async def test_external_users_require_their_permission(client: httpx.AsyncClient) -> None:
    """The BFF's permission is required."""
    path = "/circulation-bff/external-users/1/tenant/diku"
    response = await client.get(path, headers={"X-Okapi-Token": "sandbox:nobody"})
    assert response.text.endswith("requires permission: circulation-bff.external-users.collection.get")
