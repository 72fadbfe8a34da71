"""The records of the circulation log on fees, fines and manual blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
Added = Callable[[], list[Record]]


@pytest.fixture(name="added")
def _added(library: Library) -> Added:
    """Return the records since the start of the test, in their order."""
    before = set(library.circulation_log)
    return lambda: [each for key, each in library.circulation_log.items() if key not in before]


@pytest.fixture(name="account")
def _account(library: Library) -> Record:
    """An open account with 7.25 of 12.50 owed."""
    return next(each for each in library.accounts.values() if each["status"]["name"] == "Open")


@pytest.fixture(name="body")
def _body(circ_desk: str) -> Body:
    return {
        "amount": "2.00",
        "paymentMethod": "Cash",
        "notifyPatron": False,
        "servicePointId": circ_desk,
        "userName": "Desk, Dana",
        "comments": "STAFF : x",
    }


@pytest.mark.parametrize(
    ("action", "amount", "expected"),
    [
        ("pay", "2.00", ["Paid partially"]),
        ("pay", "7.25", ["Paid fully"]),
        ("waive", "2.00", ["Waived partially"]),
        ("transfer", "7.25", ["Transferred fully"]),
        ("cancel", None, ["Cancelled as error"]),
        ("refund", "5.25", ["Credited fully", "Refunded fully"]),
        ("refund", "2.00", ["Refunded partially"]),
    ],
)
async def test_an_action_on_an_account(
    client: httpx.AsyncClient,
    library: Library,
    account: Record,
    circ_desk: str,
    added: Added,
    body: Body,
    action: str,
    amount: str | None,
    expected: list[str],
) -> None:
    """Its record has the account, loan and desk. mod-audit knows no partial credit, and does not store it."""
    left_out = ("amount", "paymentMethod") if amount is None else ()
    sent = {name: value for name, value in (body | {"amount": amount}).items() if name not in left_out}
    response = await client.post(f"/accounts/{account['id']}/{action}", json=sent)

    assert response.status_code == 201, response.text
    records = added()
    assert [(each["object"], each["action"]) for each in records] == [("Fee/Fine", each) for each in expected]
    for record in records:
        assert record["linkToIds"] == {"userId": account["userId"], "feeFineId": account["id"]}
        assert record["items"][0]["loanId"] == account["loanId"]
        assert record["userBarcode"] == library.users[account["userId"]]["barcode"]
        assert (record["servicePointId"], record["source"]) == (circ_desk, "Desk, Dana")


@pytest.mark.parametrize(
    ("kind", "expected"), [("Overdue fine", "Billed"), ("Staff info only", "Staff information only added")]
)
async def test_a_charge_and_a_note(
    client: httpx.AsyncClient, account: Record, added: Added, kind: str, expected: str
) -> None:
    """The first action of an account is its charge, and a note has an action of its own."""
    action = {"accountId": account["id"], "userId": account["userId"], "typeAction": kind}
    response = await client.post("/feefineactions", json=action | {"comments": "STAFF : x"})

    assert response.status_code == 201
    assert [each["action"] for each in added()] == [expected]


async def test_a_cancellation_by_circulation_is_logged_as_a_charge(
    client: httpx.AsyncClient, library: Library, circ_desk: str, added: Added
) -> None:
    """mod-feesfines takes actions of other kinds for charges if they have no payment method."""
    item = library.item_by_barcode("2000000112")
    assert item is not None
    loan = library.open_loan_of_item(item["id"])
    assert loan is not None
    lost = {"declaredLostDateTime": "2026-01-02T03:04:05Z", "servicePointId": circ_desk}
    await client.post(f"/circulation/loans/{loan['id']}/declare-item-lost", json=lost)
    before = len(added())
    body = {"itemBarcode": "2000000112", "servicePointId": circ_desk, "checkInDate": "2026-01-02T03:04:05Z"}
    await client.post("/circulation/check-in-by-barcode", json=body)

    kinds = [each["typeAction"] for each in library.fee_fine_actions.values()]
    assert kinds.count("Cancelled item returned") == 2
    fees = [each["action"] for each in added()[before:] if each["object"] == "Fee/Fine"]
    assert fees == ["Billed", "Billed"]


async def test_a_manual_block(client: httpx.AsyncClient, library: Library, added: Added) -> None:
    """Its creation, change and deletion have records without items, in the name of the caller."""
    user_id = next(iter(library.manual_blocks.values()))["userId"]
    body = {"desc": "Card lost", "userId": user_id, "borrowing": True}
    created = (await client.post("/manualblocks", json=body)).json()
    path = f"/manualblocks/{created['id']}"
    await client.put(path, json=body | {"desc": "Card found"})
    await client.delete(path)

    records = added()
    assert [(each["object"], each["action"]) for each in records] == [
        ("Manual Block", "Created"),
        ("Manual Block", "Modified"),
        ("Manual Block", "Deleted"),
    ]
    for record in records:
        assert (record["items"], record["source"]) == ([], "Head, Hanna")
        assert record["linkToIds"] == {"userId": user_id}
        assert "servicePointId" not in record
