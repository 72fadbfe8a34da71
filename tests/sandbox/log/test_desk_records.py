"""The records that operations at the desk add to the circulation log, and that refusals add none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

PATRON, ITEM, READING_ROOM_ITEM = "1000000001", "2000000001", "2000000009"
PLAIN, CLAIMED, LENT_WITH_HOLD, ON_HOLD_SHELF = "2000000112", "2000000151", "2000000042", "2000000251"
HEAD, FORMER = "Head, Hanna", "Desk, Dana"  # the caller, and the author of the seeded loans
WHEN = "2026-01-02T03:04:05.000Z"

Body = dict[str, Any]
Added = Callable[[], list[Record]]


@pytest.fixture(name="added")
def _added(library: Library) -> Added:
    """Return the records since the start of the test, in their order."""
    before = set(library.circulation_log)
    return lambda: [each for key, each in library.circulation_log.items() if key not in before]


def item_of(library: Library, barcode: str) -> Record:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def loan_of(library: Library, barcode: str) -> Record:
    loan = library.open_loan_of_item(item_of(library, barcode)["id"])
    assert loan is not None
    return loan


def barcode_of(library: Library, user_id: str) -> str:
    return str(library.users[user_id]["barcode"])


def logged_item(library: Library, barcode: str, loan: Record | None) -> Record:
    item = item_of(library, barcode)
    title = library.holdings[item["holdingsRecordId"]]["instanceId"]
    known = {"itemBarcode": barcode, "itemId": item["id"], "instanceId": title}
    known["holdingId"] = item["holdingsRecordId"]
    return known if loan is None else known | {"loanId": loan["id"]}


def kinds(records: list[Record]) -> list[tuple[str, str]]:
    return [(each["object"], each["action"]) for each in records]


async def test_a_check_out(client: httpx.AsyncClient, library: Library, circ_desk: str, added: Added) -> None:
    """One record has the loan, the patron, the desk and the name of the caller."""
    body = {"itemBarcode": ITEM, "userBarcode": PATRON, "servicePointId": circ_desk}
    response = await client.post("/circulation/check-out-by-barcode", json=body)

    loan = response.json()
    (record,) = added()
    assert record.keys() == {
        "id",
        "userBarcode",
        "items",
        "object",
        "action",
        "date",
        "servicePointId",
        "source",
        "description",
        "linkToIds",
    }
    assert kinds([record]) == [("Loan", "Checked out")]
    assert record["userBarcode"] == PATRON
    assert record["items"] == [logged_item(library, ITEM, loan)]
    assert record["servicePointId"] == circ_desk
    assert record["source"] == HEAD
    assert record["linkToIds"] == {"userId": loan["userId"]}


async def test_a_check_out_by_override(client: httpx.AsyncClient, circ_desk: str, added: Added) -> None:
    """The action says that a rule was overridden."""
    due = {"itemNotLoanableBlock": {"dueDate": "2099-01-01T12:00:00Z"}, "comment": "exhibition"}
    body = {"itemBarcode": READING_ROOM_ITEM, "userBarcode": PATRON, "servicePointId": circ_desk}
    response = await client.post("/circulation/check-out-by-barcode", json=body | {"overrideBlocks": due})

    assert response.status_code == 201, response.text
    assert kinds(added()) == [("Loan", "Checked out through override")]


async def test_a_check_out_that_fills_a_request(
    client: httpx.AsyncClient, library: Library, circ_desk: str, added: Added
) -> None:
    """A second record has the former and the new status of the request."""
    key = item_of(library, ON_HOLD_SHELF)["id"]
    request = next(each for each in library.requests.values() if each.get("itemId") == key)
    patron = barcode_of(library, request["requesterId"])
    body = {"itemBarcode": ON_HOLD_SHELF, "userBarcode": patron, "servicePointId": circ_desk}
    await client.post("/circulation/check-out-by-barcode", json=body)

    lent, filled = added()
    assert kinds([lent, filled]) == [("Loan", "Checked out"), ("Request", "Request status changed")]
    assert filled["linkToIds"] == {"userId": request["requesterId"], "requestId": request["id"]}
    assert "Closed - Filled, before: Open - Awaiting pickup" in filled["description"]


async def test_a_check_in(client: httpx.AsyncClient, library: Library, circ_desk: str, added: Added) -> None:
    """The item, the loan and the next request have a record each; all name the borrower."""
    loan, item = loan_of(library, LENT_WITH_HOLD), item_of(library, LENT_WITH_HOLD)
    request = next(
        each
        for each in library.requests.values()
        if each.get("itemId") == item["id"] and each.get("position") == 1
    )
    body = {"itemBarcode": LENT_WITH_HOLD, "servicePointId": circ_desk, "checkInDate": WHEN}
    response = await client.post("/circulation/check-in-by-barcode", json=body)

    records = added()
    assert response.status_code == 200
    assert kinds(records) == [
        ("N/A", "Checked in"),
        ("Loan", "Closed loan"),
        ("Request", "Request status changed"),
    ]
    links = {"userId": loan["userId"]}
    assert [each["linkToIds"] for each in records] == [links, links, links | {"requestId": request["id"]}]
    for record in records:
        assert record["items"] == [logged_item(library, LENT_WITH_HOLD, loan)]
        assert record["userBarcode"] == barcode_of(library, loan["userId"])
        assert (record["servicePointId"], record["source"]) == (circ_desk, HEAD)
    assert "backdated to 2026-01-02 03:04" in records[1]["description"]


async def test_a_check_in_without_a_loan(client: httpx.AsyncClient, circ_desk: str, added: Added) -> None:
    """There is one record, without a patron and without a loan."""
    body = {"itemBarcode": ITEM, "servicePointId": circ_desk, "checkInDate": WHEN}
    await client.post("/circulation/check-in-by-barcode", json=body)

    (record,) = added()
    assert kinds([record]) == [("N/A", "Checked in")]
    assert "userBarcode" not in record
    assert "loanId" not in record["items"][0]
    assert record["linkToIds"] == {}


async def test_a_renewal(client: httpx.AsyncClient, library: Library, added: Added) -> None:
    """Two records have the old and the new due date, and the name of the caller."""
    loan = loan_of(library, PLAIN)
    former, patron = loan["dueDate"], barcode_of(library, loan["userId"])
    body = {"itemBarcode": PLAIN, "userBarcode": patron}
    response = await client.post("/circulation/renew-by-barcode", json=body)

    records = added()
    assert response.status_code == 200
    assert kinds(records) == [("Loan", "Changed due date"), ("Loan", "Renewed")]
    for record in records:
        assert record["source"] == HEAD
        assert record["description"] == f"Due {minute(loan['dueDate'])}, before: {minute(former)}."
        assert record["servicePointId"] == loan["checkoutServicePointId"]


def minute(date: str) -> str:
    return date[:16].replace("T", " ")


@pytest.mark.parametrize(
    ("barcode", "path", "body", "expected"),
    [
        (
            PLAIN,
            "declare-item-lost",
            {"declaredLostDateTime": WHEN, "comment": "train"},
            [("Fee/Fine", "Billed")] * 2 + [("Loan", "Declared lost")],
        ),
        (PLAIN, "claim-item-returned", {"itemClaimedReturnedDateTime": WHEN}, [("Loan", "Claimed returned")]),
        (
            CLAIMED,
            "declare-claimed-returned-item-as-missing",
            {"comment": "searched"},
            [("Loan", "Marked as missing")],
        ),
        (PLAIN, "change-due-date", {"dueDate": "2099-01-01T12:00:00Z"}, [("Loan", "Changed due date")]),
        (
            PLAIN,
            "add-info",
            {"action": "patronInfoAdded", "actionComment": "x"},
            [("Loan", "Patron info added")],
        ),
        (
            PLAIN,
            "add-info",
            {"action": "staffInfoAdded", "actionComment": "x"},
            [("Loan", "Staff info added")],
        ),
    ],
)
async def test_a_write_on_a_loan(
    client: httpx.AsyncClient,
    library: Library,
    circ_desk: str,
    added: Added,
    barcode: str,
    path: str,
    body: Body,
    expected: list[tuple[str, str]],
) -> None:
    """Its record names the author of the change before, as in mod-circulation, and the patron."""
    loan = loan_of(library, barcode)
    point = {"servicePointId": circ_desk} if path == "declare-item-lost" else {}
    response = await client.post(f"/circulation/loans/{loan['id']}/{path}", json=body | point)

    *fees, record = added()
    assert response.status_code == 204, response.text
    assert kinds([*fees, record]) == expected
    assert record["source"] == FORMER
    assert record["userBarcode"] == barcode_of(library, loan["userId"])
    assert record["items"] == [logged_item(library, barcode, loan)]
    assert all(each["items"] == record["items"] for each in fees)


async def test_use_at_the_location(client: httpx.AsyncClient, library: Library, added: Added) -> None:
    """The pickup and the hold have a record each; the second names the author of the first."""
    loan = next(each for each in library.loans.values() if "forUseAtLocation" in each)
    body = {"itemBarcode": library.items[loan["itemId"]]["barcode"]}
    patron = {"userBarcode": barcode_of(library, loan["userId"])}
    for path, sent in (("pickup", body | patron), ("hold", body)):
        await client.post(f"/circulation/{path}-by-barcode-for-use-at-location", json=sent)

    records = added()
    assert kinds(records) == [
        ("Loan", "Picked up for use at location"),
        ("Loan", "Held for use at location"),
    ]
    assert [each["source"] for each in records] == [FORMER, HEAD]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/circulation/check-out-by-barcode", {"itemBarcode": PLAIN, "userBarcode": PATRON}),
        ("/circulation/check-in-by-barcode", {"itemBarcode": CLAIMED, "checkInDate": WHEN}),
        ("/circulation/renew-by-barcode", {"itemBarcode": CLAIMED, "userBarcode": PATRON}),
    ],
)
async def test_a_refusal_has_no_record(
    client: httpx.AsyncClient, circ_desk: str, added: Added, path: str, body: Body
) -> None:
    """Nothing happened, and nothing is logged."""
    response = await client.post(path, json=body | {"servicePointId": circ_desk})

    assert response.status_code == 422
    assert added() == []
