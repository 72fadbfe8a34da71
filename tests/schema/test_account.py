"""Accounts: the amounts that a patron owes, in pages and as a sum."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.gateway_over import gateway_over
from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

DEBTOR = "1000000002"


def owe(library: Library, user_id: str, *remaining: float, status: str = "Open") -> list[str]:
    """Create one account per amount for a user. Returns the ids, oldest first."""
    ids = []
    for number, sum_ in enumerate(remaining):
        account: dict[str, Any] = {
            "id": str(uuid.UUID(int=len(library.accounts) + 1, version=4)),
            "userId": user_id,
            "amount": sum_ + 1,
            "remaining": sum_,
            "status": {"name": status},
            "paymentStatus": {"name": "Outstanding"},
            "feeFineId": str(uuid.UUID(int=1, version=4)),
            "ownerId": str(uuid.UUID(int=2, version=4)),
            "metadata": {"createdDate": f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000+00:00"},
        }
        library.accounts[account["id"]] = account
        ids.append(account["id"])
    return ids


def debtor(library: Library) -> str:
    """The id of a patron without accounts except those of the test."""
    library.accounts.clear()
    user = library.user_by_barcode(DEBTOR)
    assert user is not None
    return str(user["id"])


SUM = """query($id: ID!) { user(id: $id) {
    accounts(filter: { status: [OPEN] }, first: 2) { totalCount amountRemaining nodes { remaining } }
} }"""


async def test_count_sum_and_page_are_one_call(gateway: Gateway) -> None:
    """Count and sum cover all accounts that match the filter, and come with the call for the page."""
    user = debtor(gateway.library)
    owe(gateway.library, user, 0.1, 0.2, 0.4)
    owe(gateway.library, user, 99.0, status="Closed")

    data = await gateway.data(SUM, {"id": user})

    assert data["user"]["accounts"] == {
        "totalCount": 3,
        "amountRemaining": 0.7,  # to the cent: in binary 0.1 + 0.2 + 0.4 is 0.7000000000000001
        "nodes": [{"remaining": 0.4}, {"remaining": 0.2}],
    }
    assert gateway.paths() == ["GET /users", "GET /accounts"]
    assert gateway.calls[1].query == {
        "query": f'(userId=="{user}" and status.name=="Open") sortby metadata.createdDate/sort.descending id',
        "limit": "1000",
        "totalRecords": "exact",
    }


async def test_a_page_without_the_sum_is_only_a_page(gateway: Gateway) -> None:
    """Without the sum in the selection, only the page is read."""
    user = debtor(gateway.library)
    owe(gateway.library, user, 1, 2, 3)

    data = await gateway.data(
        "query($id: ID!) { user(id: $id) { accounts(first: 1) { totalCount nodes { amount } } } }",
        {"id": user},
    )

    assert data["user"]["accounts"] == {"totalCount": 3, "nodes": [{"amount": 4.0}]}
    assert gateway.calls[1].query["limit"] == "1"
    assert gateway.calls[1].query["totalRecords"] == "exact"


async def test_nothing_owed_is_zero(gateway: Gateway) -> None:
    """The sum of an empty list is zero, not an error."""
    user = debtor(gateway.library)

    data = await gateway.data(SUM, {"id": user})

    assert data["user"]["accounts"] == {"totalCount": 0, "amountRemaining": 0.0, "nodes": []}


async def test_a_long_list_is_read_to_its_end(gateway: Gateway) -> None:
    """A sum over more than 1000 accounts takes one call per 1000 and includes all of them."""
    user = debtor(gateway.library)
    owe(gateway.library, user, *[0.01] * 1234)

    data = await gateway.data(
        "query($id: ID!) { user(id: $id) { accounts { totalCount amountRemaining } } }", {"id": user}
    )

    assert data["user"]["accounts"] == {"totalCount": 1234, "amountRemaining": 12.34}
    assert gateway.paths() == ["GET /users", "GET /accounts", "GET /accounts"]
    assert [call.query.get("offset") for call in gateway.calls[1:]] == [None, "1000"]


async def test_the_accounts_of_many_users_are_one_call(gateway: Gateway) -> None:
    """The sums of a list of users come from one call, each user's separately."""
    library = gateway.library
    library.accounts.clear()
    users = [user["id"] for user in library.users.values() if user.get("barcode")][:20]
    for number, user in enumerate(users):
        owe(library, user, *[1.5] * number)

    data = await gateway.data(
        "query($ids: [ID!]) { users(first: 20, filter: { id: $ids }) { nodes {"
        " id accounts(first: 1) { totalCount amountRemaining nodes { user { id } } } } } }",
        {"ids": users},
    )

    assert {
        node["id"]: (node["accounts"]["totalCount"], node["accounts"]["amountRemaining"])
        for node in data["users"]["nodes"]
    } == {user: (number, 1.5 * number) for number, user in enumerate(users)}
    assert gateway.paths() == ["GET /users", "GET /accounts"]


async def test_the_accounts_of_loans(reader: Gateway) -> None:
    """A loan has its accounts, including closed ones, with one call for all loans."""
    owed = {account["loanId"] for account in reader.library.accounts.values()}

    data = await reader.data(
        "query($ids: [ID!]) { loans(filter: { id: $ids }) { nodes { id feesAndFines { amountRemainingToPay }"
        " accounts { amountRemaining nodes { status { name } paymentStatus { name } loan { id } } } } } }",
        {"ids": sorted(owed)},
    )

    nodes = data["loans"]["nodes"]
    assert {node["id"] for node in nodes} == owed
    for node in nodes:
        accounts = node["accounts"]
        assert accounts["amountRemaining"] == node["feesAndFines"]["amountRemainingToPay"] == 7.25
        assert [
            (each["status"]["name"], each["paymentStatus"]["name"], each["loan"]["id"])
            for each in sorted(accounts["nodes"], key=lambda each: each["status"]["name"])
        ] == [("CLOSED", "PAID_FULLY", node["id"]), ("OPEN", "PAID_PARTIALLY", node["id"])]
    assert reader.paths() == ["GET /circulation-bff/loans", "GET /accounts"]


async def test_every_member_of_an_account(reader: Gateway) -> None:
    """An account has all members that upstream stores, and ids of its links cost no call."""
    stored = next(each for each in reader.library.accounts.values() if "returnedDate" in each)

    data = await reader.data(
        """query($id: ID!) { account(id: $id) {
            id amount remaining dateCreated dateUpdated feeFineType feeFineOwner feeFine { id } owner { id }
            title barcode callNumber location materialType itemMaterialType { id name } itemStatus { name }
            contributors { name } dueDate returnedDate user { id } loan { id } item { id } holdings { id }
            instance { id } loanPolicy { id } overdueFinePolicy { id } lostItemFeePolicy { id }
            metadata { createdByUsername }
        } }""",
        {"id": stored["id"]},
    )

    account = data["account"]
    plain = "id amount remaining feeFineType feeFineOwner title barcode callNumber location"
    for name in plain.split():
        assert account[name] == stored[name], name
    assert account["materialType"] == stored["materialType"]
    assert account["itemMaterialType"] == {"id": stored["materialTypeId"], "name": stored["materialType"]}
    assert account["itemStatus"] == {"name": "CHECKED_OUT"}
    assert account["contributors"] == stored["contributors"]
    for name, key in (
        ("feeFine", "feeFineId"),
        ("owner", "ownerId"),
        ("user", "userId"),
        ("loan", "loanId"),
        ("item", "itemId"),
        ("holdings", "holdingsRecordId"),
        ("instance", "instanceId"),
        ("loanPolicy", "loanPolicyId"),
        ("overdueFinePolicy", "overdueFinePolicyId"),
        ("lostItemFeePolicy", "lostItemFeePolicyId"),
    ):
        assert account[name] == {"id": stored[key]}
    for name in ("dateCreated", "dateUpdated", "dueDate", "returnedDate"):
        assert account[name][:19] == stored[name][:19]
    assert account["metadata"] == {"createdByUsername": stored["metadata"]["createdByUsername"]}
    assert reader.paths() == ["GET /accounts"]


async def test_a_hyphen_is_no_date(gateway: Gateway) -> None:
    """FOLIO writes a hyphen for a return without a loan; it is null here and no error."""
    user = debtor(gateway.library)
    (account,) = owe(gateway.library, user, 5)
    gateway.library.accounts[account]["returnedDate"] = "-"

    data = await gateway.data("query($id: ID!) { account(id: $id) { returnedDate } }", {"id": account})

    assert data == {"account": {"returnedDate": None}}


async def test_invalid_amount_is_an_error_of_the_sum(gateway: Gateway) -> None:
    """A remaining amount that is no number is an error of the sum alone; the accounts are returned."""
    user = debtor(gateway.library)
    (account,) = owe(gateway.library, user, 5)
    gateway.library.accounts[account]["remaining"] = "much"

    response = await gateway.execute(
        "query($id: ID!) { user(id: $id) { accounts { amountRemaining totalCount } } }", {"id": user}
    )

    assert response["data"]["user"]["accounts"] == {"amountRemaining": None, "totalCount": 1}
    (problem,) = response["errors"]
    assert problem["path"] == ["user", "accounts", "amountRemaining"]
    assert problem["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"


async def test_accounts_at_the_root(gateway: Gateway) -> None:
    """All accounts can be listed, filtered and sorted by number."""
    user = debtor(gateway.library)
    owe(gateway.library, user, 10, 9, 100)

    data = await gateway.data(
        """query($id: ID!) { accounts(
            filter: { userId: [$id], paymentStatus: [OUTSTANDING] }, sort: [{ field: REMAINING }]
        ) { amountRemaining nodes { remaining } } }""",
        {"id": user},
    )

    assert data["accounts"] == {
        "amountRemaining": 119.0,
        "nodes": [{"remaining": 9.0}, {"remaining": 10.0}, {"remaining": 100.0}],
    }
    assert gateway.paths() == ["GET /accounts"]
    assert gateway.calls[0].query["query"].endswith(" sortby remaining/number id")


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_amounts_beyond_a_double_have_one_sum(execution: str) -> None:
    """Numbers without a fraction are doubles too, as a compiled plan decodes them."""
    accounts = [
        {"id": str(uuid.UUID(int=number + 1, version=4)), "remaining": 2**53 + 1} for number in range(3)
    ]
    body = {"accounts": accounts, "totalRecords": 3}
    async with gateway_over(lambda _: httpx.Response(200, json=body), execution=execution) as gateway:
        response = await gateway.execute("{ accounts { amountRemaining } }")

    assert response["data"] == {"accounts": {"amountRemaining": 3.0 * 2**53}}
