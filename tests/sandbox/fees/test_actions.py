"""Actions on accounts at the routes of mod-feesfines: statuses, bodies, permissions and metadata."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(name="account")
def _account(library: Library) -> Record:
    """An open account with 7.25 of 12.50 owed."""
    return next(each for each in library.accounts.values() if each["status"]["name"] == "Open")


@pytest.fixture(name="body")
def _body(circ_desk: str) -> Body:
    return {
        "amount": "2.00",
        "paymentMethod": "Cash",
        "notifyPatron": True,
        "servicePointId": circ_desk,
        "userName": "Desk, Dana",
        "comments": "STAFF : x",
    }


async def test_the_response_to_a_payment(
    client: httpx.AsyncClient, library: Library, account: Record, body: Body, circ_desk: str
) -> None:
    """201 with amounts as text and the new action, which is stored; the account is dated."""
    before = account["metadata"]["updatedDate"]

    response = await client.post(f"/accounts/{account['id']}/pay", json=body)

    assert response.status_code == 201
    paid = response.json()
    (action,) = paid.pop("feefineactions")
    assert paid == {"accountId": account["id"], "amount": "2.00", "remainingAmount": "5.25"}
    assert action == library.fee_fine_actions[action["id"]]
    assert {name: value for name, value in action.items() if name not in ("id", "dateAction")} == {
        "typeAction": "Paid partially",
        "comments": "STAFF : x",
        "notify": True,
        "amountAction": 2.0,
        "balance": 5.25,
        "createdAt": circ_desk,
        "source": "Desk, Dana",
        "paymentMethod": "Cash",
        "accountId": account["id"],
        "userId": account["userId"],
    }
    stored = library.accounts[account["id"]]
    assert (stored["remaining"], stored["paymentStatus"]) == (5.25, {"name": "Paid partially"})
    assert stored["metadata"]["updatedDate"] > before


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("7.26", "Requested amount exceeds remaining amount"),
        ("0", "Amount must be positive"),
        ("-1", "Amount must be positive"),
        ("much", "Invalid amount entered"),
    ],
)
async def test_a_denied_action_and_its_check(
    client: httpx.AsyncClient, library: Library, account: Record, body: Body, amount: str, message: str
) -> None:
    """Both are 422 with the message, and change nothing."""
    before = library.accounts[account["id"]].copy()

    action = await client.post(f"/accounts/{account['id']}/waive", json=body | {"amount": amount})
    check = await client.post(f"/accounts/{account['id']}/check-waive", json={"amount": amount})

    denied = {"accountId": account["id"], "amount": amount, "errorMessage": message}
    assert (action.status_code, action.json()) == (422, denied)
    assert (check.status_code, check.json()) == (422, denied | {"allowed": False})
    assert library.accounts[account["id"]] == before


async def test_an_account_that_does_not_exist(client: httpx.AsyncClient, body: Body) -> None:
    """404 with its id as text."""
    response = await client.post(f"/accounts/{NOTHING}/pay", json=body)

    assert (response.status_code, response.text) == (404, f"Fee/fine ID {NOTHING} not found")


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"servicePointId": "here"}, 422, "must match"),
        ({"ofTomorrow": 1}, 422, 'Unrecognized field \\"ofTomorrow\\"'),
        ({"amount": 2}, 400, "amount is not of type text"),
        ({"notifyPatron": None}, 422, "must not be null"),
    ],
)
async def test_an_invalid_body(
    client: httpx.AsyncClient, account: Record, body: Body, change: Body, status: int, text: str
) -> None:
    """A body that is not of the schema is rejected, and nothing is paid."""
    response = await client.post(f"/accounts/{account['id']}/pay", json=body | change)

    assert response.status_code == status
    assert text in response.text
    assert account["remaining"] == 7.25


async def test_each_action_has_a_permission(client: httpx.AsyncClient, account: Record, body: Body) -> None:
    """A user without it is rejected with its name."""
    response = await client.post(
        f"/accounts/{account['id']}/pay", json=body, headers={"X-Okapi-Token": "sandbox:nobody"}
    )

    assert response.status_code == 403
    assert response.text.endswith("requires permission: feesfines.accounts.pay.post")


async def test_an_unknown_reason_of_a_cancellation_fails(
    client: httpx.AsyncClient, account: Record, body: Body
) -> None:
    """It is no state of an account, which upstream finds out too late for a 422."""
    sent = {name: body[name] for name in ("notifyPatron", "servicePointId", "userName")}

    response = await client.post(
        f"/accounts/{account['id']}/cancel", json=sent | {"cancellationReason": "Because"}
    )

    assert response.status_code == 500
    assert account["status"] == {"name": "Open"}


async def test_a_charge_of_an_item_is_read_with_its_holdings(
    client: httpx.AsyncClient, library: Library, account: Record
) -> None:
    """Holdings and instance of the item are added when an account is read, not when it is created."""
    item = next(iter(library.items.values()))
    charged = {
        "amount": 1.5,
        "remaining": 1.5,
        "status": {"name": "Open"},
        "paymentStatus": {"name": "Outstanding"},
        "itemId": item["id"],
        **{name: account[name] for name in ("userId", "feeFineId", "ownerId")},
    }

    created = (await client.post("/accounts", json=charged)).json()
    read = (await client.get(f"/accounts/{created['id']}")).json()

    assert "instanceId" not in created
    assert created["metadata"]["createdDate"]
    assert read["holdingsRecordId"] == item["holdingsRecordId"]
    assert read["instanceId"] == library.holdings[item["holdingsRecordId"]]["instanceId"]
