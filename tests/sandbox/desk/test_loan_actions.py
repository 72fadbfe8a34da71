"""Writes on an open loan, at the BFF and at mod-circulation, and their refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.records import encode_records

pytestmark = pytest.mark.anyio

PLAIN, CLAIMED, DECLARED_LOST, AGED = "2000000112", "2000000151", "2000000152", "2000000153"
RECALLED = "2000000048"
NOTHING = "00000000-0000-4000-8000-000000000000"
WHEN, SHOWN = "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000+00:00"
SERVICES = ("/circulation-bff/loans", "/circulation/loans")

Body = dict[str, Any]


def loan_of(library: Library, barcode: str) -> Body:
    item = library.item_by_barcode(barcode)
    assert item is not None
    loan = library.open_loan_of_item(item["id"])
    assert loan is not None
    return loan


def closed_loan(library: Library) -> Body:
    return next(loan for loan in library.loans.values() if loan["status"]["name"] == "Closed")


def state(library: Library) -> bytes:
    return encode_records(library.loans, library.items, library.accounts, library.loan_history)


async def refuse(client: httpx.AsyncClient, library: Library, path: str, body: Body) -> Body:
    """Send a write, check that nothing has changed, and return the only error."""
    before = state(library)
    response = await client.post(path, json=body)

    assert response.status_code == 422, response.text
    assert state(library) == before
    (error,) = response.json()["errors"]
    return dict(error)


def lost(circ_desk: str, **more: object) -> Body:
    return {"declaredLostDateTime": WHEN, "servicePointId": circ_desk, **more}


@pytest.mark.parametrize("service", SERVICES)
async def test_item_is_declared_lost(
    client: httpx.AsyncClient, library: Library, circ_desk: str, service: str
) -> None:
    """Loan and item have the status, and the policy's price and fee are charged."""
    loan = loan_of(library, PLAIN)
    response = await client.post(
        f"{service}/{loan['id']}/declare-item-lost", json=lost(circ_desk, comment="on a train")
    )
    view = (await client.get(f"/circulation/loans/{loan['id']}")).json()
    owed = (
        await client.get("/accounts", params={"query": f"loanId=={loan['id']} sortby amount/number"})
    ).json()

    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert (view["action"], view["actionComment"]) == ("declaredLost", "on a train")
    assert (view["status"]["name"], view["declaredLostDate"]) == ("Open", SHOWN)
    assert view["item"]["status"]["name"] == "Declared lost"
    assert view["feesAndFines"] == {"amountRemainingToPay": 50.0}
    assert [(each["feeFineType"], each["amount"], each["remaining"]) for each in owed["accounts"]] == [
        ("Lost item processing fee", 10.0, 10.0),
        ("Lost item fee", 40.0, 40.0),
    ]
    assert owed["accounts"][0]["barcode"] == PLAIN


async def test_check_in_cancels_lost_item_fees(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The check-in cancels the fees for the lost item and keeps the fines."""
    loan = loan_of(library, PLAIN)
    await client.post(f"/circulation/loans/{loan['id']}/declare-item-lost", json=lost(circ_desk))
    body = {"itemBarcode": PLAIN, "servicePointId": circ_desk, "checkInDate": WHEN}
    response = await client.post("/circulation-bff/loans/check-in-by-barcode", json=body)
    accounts = [each for each in library.accounts.values() if each["loanId"] == loan["id"]]
    actions = (
        await client.get("/feefineactions", params={"query": f"accountId=={accounts[0]['id']}"})
    ).json()

    assert response.json()["loan"]["feesAndFines"] == {"amountRemainingToPay": 0}
    assert [each["paymentStatus"]["name"] for each in accounts] == ["Cancelled item returned"] * 2
    assert {
        (each["typeAction"], each["amountAction"], each["balance"]) for each in actions["feefineactions"]
    } == {
        ("Lost item fee", 40.0, 40.0),
        ("Cancelled item returned", 40.0, 0.0),
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_item_cannot_be_declared_lost_twice(
    client: httpx.AsyncClient, library: Library, circ_desk: str, service: str
) -> None:
    """The second declaration is refused without a code, with the item's id."""
    loan = loan_of(library, DECLARED_LOST)
    assert await refuse(client, library, f"{service}/{loan['id']}/declare-item-lost", lost(circ_desk)) == {
        "message": "The item is already declared lost",
        "parameters": [{"key": "itemId", "value": loan["itemId"]}],
    }


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("declare-item-lost", {"declaredLostDateTime": WHEN, "servicePointId": NOTHING}),
        ("claim-item-returned", {"itemClaimedReturnedDateTime": WHEN}),
        ("change-due-date", {"dueDate": WHEN}),
        ("declare-claimed-returned-item-as-missing", {"comment": "gone"}),
    ],
)
async def test_closed_loan_is_refused(
    client: httpx.AsyncClient, library: Library, act: str, body: Body
) -> None:
    """The refusal names the loan."""
    loan = closed_loan(library)
    assert await refuse(client, library, f"/circulation/loans/{loan['id']}/{act}", body) == {
        "message": "Loan is closed",
        "parameters": [{"key": "loanId", "value": loan["id"]}],
    }


async def test_unknown_service_point(client: httpx.AsyncClient, library: Library) -> None:
    """An item is declared lost at an existing service point."""
    loan = loan_of(library, PLAIN)
    assert await refuse(
        client, library, f"/circulation-bff/loans/{loan['id']}/declare-item-lost", lost(NOTHING)
    ) == {
        "message": "A service point is required for item to be declared lost",
        "parameters": [{"key": "servicePointId", "value": NOTHING}],
    }


@pytest.mark.parametrize(
    ("act", "missing"),
    [
        ("declare-item-lost", "servicePointId"),
        ("claim-item-returned", "itemClaimedReturnedDateTime"),
        ("declare-claimed-returned-item-as-missing", "comment"),
    ],
)
async def test_required_fields(client: httpx.AsyncClient, library: Library, act: str, missing: str) -> None:
    """The BFF's framework responds 400, mod-circulation 422 with the missing field."""
    loan = loan_of(library, CLAIMED)
    bff = await client.post(f"/circulation-bff/loans/{loan['id']}/{act}", json={})
    error = await refuse(client, library, f"/circulation/loans/{loan['id']}/{act}", {})

    assert (bff.status_code, bff.json()["error"]) == (400, "Bad Request")
    assert error["parameters"] == [{"key": missing, "value": None}]


@pytest.mark.parametrize("service", SERVICES)
async def test_item_is_claimed_returned(client: httpx.AsyncClient, library: Library, service: str) -> None:
    """The loan has the date and the comment and stays open."""
    loan = loan_of(library, PLAIN)
    body = {"itemClaimedReturnedDateTime": WHEN, "comment": "put on the trolley"}
    response = await client.post(f"{service}/{loan['id']}/claim-item-returned", json=body)
    view = (await client.get(f"/circulation/loans/{loan['id']}")).json()

    assert (response.status_code, response.content) == (204, b"")
    assert (view["action"], view["actionComment"]) == ("claimedReturned", "put on the trolley")
    assert (view["status"]["name"], view["claimedReturnedDate"]) == ("Open", SHOWN)
    assert view["item"]["status"]["name"] == "Claimed returned"


async def test_claim_without_a_comment(client: httpx.AsyncClient, library: Library) -> None:
    """The loan keeps its previous comment."""
    loan = loan_of(library, PLAIN)
    loan["actionComment"] = "from before"
    await client.post(
        f"/circulation-bff/loans/{loan['id']}/claim-item-returned", json={"itemClaimedReturnedDateTime": WHEN}
    )
    assert (loan["action"], loan["actionComment"]) == ("claimedReturned", "from before")


@pytest.mark.parametrize("service", SERVICES)
async def test_claimed_item_is_declared_missing(
    client: httpx.AsyncClient, library: Library, service: str
) -> None:
    """The item is missing and the loan is closed."""
    loan = loan_of(library, CLAIMED)
    path = f"{service}/{loan['id']}/declare-claimed-returned-item-as-missing"
    response = await client.post(path, json={"comment": "searched everywhere"})

    assert (response.status_code, response.content) == (204, b"")
    assert (loan["action"], loan["actionComment"]) == ("markedMissing", "searched everywhere")
    assert loan["status"] == {"name": "Closed"}
    assert library.items[loan["itemId"]]["status"]["name"] == "Missing"


async def test_only_a_claimed_item_can_be_declared_missing(
    client: httpx.AsyncClient, library: Library
) -> None:
    """mod-circulation sends the reason, the BFF one error for every reason."""
    loan = loan_of(library, PLAIN)
    act, body = "declare-claimed-returned-item-as-missing", {"comment": "gone"}
    before = state(library)
    plain = await refuse(client, library, f"/circulation/loans/{loan['id']}/{act}", body)
    wrapped = await client.post(f"/circulation-bff/loans/{loan['id']}/{act}", json=body)
    unknown = await client.post(f"/circulation-bff/loans/{NOTHING}/{act}", json=body)

    assert plain == {
        "message": "Item is not Claimed returned",
        "parameters": [{"key": "itemId", "value": loan["itemId"]}],
    }
    assert (wrapped.status_code, unknown.status_code) == (422, 422)
    assert wrapped.json()["total_records"] == 1
    assert wrapped.json()["errors"][0]["code"] == "FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING"
    assert wrapped.json()["errors"][0]["parameters"] == [{"key": "loanId", "value": loan["id"]}]
    assert unknown.json()["errors"][0]["parameters"] == [{"key": "loanId", "value": NOTHING}]
    assert state(library) == before


@pytest.mark.parametrize("act", ["declare-item-lost", "claim-item-returned"])
async def test_unknown_loan(client: httpx.AsyncClient, circ_desk: str, act: str) -> None:
    """The response is 404 in plain text, without a content type at mod-circulation."""
    body = lost(circ_desk, itemClaimedReturnedDateTime=WHEN)
    plain = await client.post(f"/circulation/loans/{NOTHING}/{act}", json=body)
    bff = await client.post(
        f"/circulation-bff/loans/{NOTHING}/{act}", json=body, headers={"Accept": "application/json"}
    )

    assert (plain.status_code, plain.text) == (404, f'loan record with ID "{NOTHING}" cannot be found')
    assert "content-type" not in plain.headers
    assert (bff.status_code, bff.text, bff.headers["content-type"]) == (404, plain.text, "application/json")


async def test_due_date_is_changed(client: httpx.AsyncClient, library: Library) -> None:
    """The loan has the new due date, and keeps the action and comment of its former change."""
    loan = loan_of(library, PLAIN)
    loan["actionComment"], action = "from before", loan["action"]
    response = await client.post(f"/circulation/loans/{loan['id']}/change-due-date", json={"dueDate": WHEN})

    assert (response.status_code, response.content) == (204, b"")
    assert (loan["action"], loan["dueDate"]) == (action, SHOWN)
    assert loan["actionComment"] == "from before"


@pytest.mark.parametrize(("recalled", "still"), [(RECALLED, True), ("2000000128", False)])
async def test_new_due_date_clears_a_closed_recall(
    client: httpx.AsyncClient, library: Library, recalled: str, still: bool
) -> None:
    """The recall flag stays while the recall is open."""
    loan = loan_of(library, recalled)
    assert loan["dueDateChangedByRecall"] is True
    await client.post(f"/circulation/loans/{loan['id']}/change-due-date", json={"dueDate": WHEN})

    assert loan["dueDateChangedByRecall"] is still


@pytest.mark.parametrize(
    ("barcode", "status"),
    [(CLAIMED, "Claimed returned"), (DECLARED_LOST, "Declared lost"), (AGED, "Aged to lost")],
)
async def test_due_date_of_a_lost_item_cannot_change(
    client: httpx.AsyncClient, library: Library, barcode: str, status: str
) -> None:
    """The refusal contains the item's status."""
    loan = loan_of(library, barcode)
    assert await refuse(
        client, library, f"/circulation/loans/{loan['id']}/change-due-date", {"dueDate": WHEN}
    ) == {
        "message": f"item is {status}",
        "parameters": [{"key": "itemId", "value": loan["itemId"]}],
    }


async def test_due_date_is_required(client: httpx.AsyncClient, library: Library) -> None:
    """A change without a due date is rejected."""
    loan = loan_of(library, PLAIN)
    assert await refuse(client, library, f"/circulation/loans/{loan['id']}/change-due-date", {}) == {
        "message": "A new due date is required in order to change the due date",
        "parameters": [{"key": "dueDate", "value": None}],
    }


@pytest.mark.parametrize("action", ["patronInfoAdded", "staffInfoAdded"])
async def test_note_on_a_loan(client: httpx.AsyncClient, library: Library, action: str) -> None:
    """A note for the patron or the staff is the loan's latest action, even if it is closed."""
    for loan in (loan_of(library, PLAIN), closed_loan(library)):
        response = await client.post(
            f"/circulation/loans/{loan['id']}/add-info",
            json={"action": action, "actionComment": "called twice"},
        )
        assert (response.status_code, response.content) == (204, b"")
        assert (loan["action"], loan["actionComment"]) == (action, "called twice")


@pytest.mark.parametrize(
    "body",
    [{}, {"action": "renewed", "actionComment": "x"}, {"action": "staffInfoAdded", "actionComment": " "}],
)
async def test_note_requires_action_and_comment(
    client: httpx.AsyncClient, library: Library, body: Body
) -> None:
    """Other actions and empty notes are rejected."""
    loan = loan_of(library, PLAIN)
    error = await refuse(client, library, f"/circulation/loans/{loan['id']}/add-info", body)
    assert error["parameters"] == [{"key": "action", "value": None}]


async def history_of(client: httpx.AsyncClient, loan_id: str) -> list[Body]:
    query = f'(loan.id=="{loan_id}") sortby createdDate'
    response = await client.get("/loan-storage/loan-history", params={"query": query, "limit": "100"})
    assert response.status_code == 200, response.text
    entries: list[Body] = response.json()["loansHistory"]
    return entries


async def test_every_change_is_in_the_history(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """From check-out to check-in each change has an entry, with the loan after it and its author."""
    headers = {"X-Okapi-Token": "sandbox:desk"}
    lend = {"itemBarcode": "2000000001", "userBarcode": "1000000001", "servicePointId": circ_desk}
    take = {"itemBarcode": "2000000001", "servicePointId": circ_desk, "checkInDate": WHEN}
    loan_id = (await client.post("/circulation-bff/loans/check-out-by-barcode", json=lend)).json()["id"]
    info = {"action": "staffInfoAdded", "actionComment": "worn"}
    library.clock.advance(timedelta(seconds=1))  # two writes in one millisecond have no order
    await client.post(f"/circulation/loans/{loan_id}/add-info", json=info, headers=headers)
    library.clock.advance(timedelta(seconds=1))
    await client.post("/circulation-bff/loans/check-in-by-barcode", json=take)
    entries = await history_of(client, loan_id)

    assert [(each["operation"], each["loan"]["action"]) for each in entries] == [
        ("I", "checkedout"),
        ("U", "staffInfoAdded"),
        ("U", "checkedin"),
    ]
    assert sorted(entries[0]) == ["createdDate", "id", "loan", "operation"]
    assert [each["loan"]["status"]["name"] for each in entries] == ["Open", "Open", "Closed"]
    staff = library.user_by_name("desk")
    assert staff is not None
    assert entries[1]["loan"]["metadata"]["updatedByUserId"] == staff["id"]
    assert entries[1]["loan"]["metadata"]["updatedByUsername"] == "desk"


async def test_seeded_loans_have_a_history(client: httpx.AsyncClient, library: Library) -> None:
    """The loan at its limit was renewed three times; the claimed one ends with the claim."""
    renewed = await history_of(client, loan_of(library, "2000000121")["id"])
    claimed = await history_of(client, loan_of(library, CLAIMED)["id"])

    assert [(each["loan"]["action"], each["loan"]["renewalCount"]) for each in renewed] == [
        ("checkedout", 0),
        ("renewed", 1),
        ("renewed", 2),
        ("renewed", 3),
    ]
    assert [each["loan"]["action"] for each in claimed] == ["checkedout", "claimedReturned"]
    assert "claimedReturnedDate" not in claimed[0]["loan"]
    assert set(library.loans) == {each["loan"]["id"] for each in library.loan_history.values()}


@pytest.mark.parametrize("kind", ["Check-out", "Check-in"])
async def test_session_end(client: httpx.AsyncClient, kind: str) -> None:
    """The request is accepted and has no visible effect."""
    body = {"endSessions": [{"actionType": kind, "patronId": NOTHING}]}
    response = await client.post("/circulation/end-patron-action-session", json=body)
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize(
    ("session", "key", "value"),
    [
        ({"actionType": "Check-out"}, "patronId", None),
        ({"patronId": NOTHING}, "actionType", None),
        ({"patronId": NOTHING, "actionType": "Reading"}, "actionType", "Reading"),
    ],
)
async def test_invalid_sessions_are_refused(
    client: httpx.AsyncClient, library: Library, session: Body, key: str, value: str | None
) -> None:
    """A session requires a patron and one of two action types."""
    error = await refuse(
        client, library, "/circulation/end-patron-action-session", {"endSessions": [session]}
    )
    assert error["parameters"] == [{"key": key, "value": value}]


async def test_session_body_of_another_shape(client: httpx.AsyncClient) -> None:
    """The response is 400 in plain text."""
    response = await client.post("/circulation/end-patron-action-session", json={"endSessions": "all"})
    assert (response.status_code, response.text) == (400, "endSessions is not an array of objects")


async def test_dry_run_returns_the_policies(client: httpx.AsyncClient, library: Library) -> None:
    """The response is 201, and nothing is lent."""
    before = state(library)
    body = {"itemBarcode": "2000000001", "userBarcode": "1000000001"}
    response = await client.post("/circulation/check-out-by-barcode-dry-run", json=body)
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Standard loan")

    assert response.status_code == 201
    assert response.json() == {
        "loanPolicyId": policy["id"],
        "overdueFinePolicyId": next(iter(library.overdue_fine_policies)),
        "lostItemPolicyId": next(iter(library.lost_item_policies)),
        "patronNoticePolicyId": next(iter(library.notice_policies)),
    }
    assert state(library) == before


async def test_dry_run_is_refused_like_a_check_out(client: httpx.AsyncClient, library: Library) -> None:
    """The reasons are those of a check-out."""
    body = {"itemBarcode": "2000000009", "userBarcode": "1000000001"}
    error = await refuse(client, library, "/circulation/check-out-by-barcode-dry-run", body)
    assert error["code"] == "ITEM_NOT_LOANABLE"


async def test_dry_run_reads_overrides(client: httpx.AsyncClient, library: Library) -> None:
    """A block is lifted as for a check-out, and nothing is lent."""
    before = state(library)
    body = {
        "itemBarcode": "2000000009",
        "userBarcode": "1000000001",
        "overrideBlocks": {"itemNotLoanableBlock": {"dueDate": "2030-01-01T00:00:00Z"}, "comment": "Please"},
    }
    response = await client.post("/circulation/check-out-by-barcode-dry-run", json=body)

    assert response.status_code == 201
    assert state(library) == before
