"""Use at the location: the hold shelf of items that must not leave the library, and its refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.records import encode_records

pytestmark = pytest.mark.anyio

HOLD = "/circulation/hold-by-barcode-for-use-at-location"
PICK_UP = "/circulation/pickup-by-barcode-for-use-at-location"
ON_LOAN, AVAILABLE = "2000000041", "2000000001"
STORED = {"id", "userId", "itemId", "status", "loanDate", "dueDate", "action", "forUseAtLocation", "metadata"}
COMPUTED = {"borrower", "feesAndFines", "checkoutServicePoint", "patronGroupAtCheckout", "loanPolicy"}

Body = dict[str, Any]


def loan_for_use(library: Library) -> Body:
    return next(loan for loan in library.loans.values() if "forUseAtLocation" in loan)


def barcodes(library: Library) -> Body:
    loan = loan_for_use(library)
    return {
        "itemBarcode": library.items[loan["itemId"]]["barcode"],
        "userBarcode": library.users[loan["userId"]]["barcode"],
    }


async def test_pick_up_and_hold(client: httpx.AsyncClient, library: Library) -> None:
    """Both respond with the stored loan, without what circulation adds and with its former metadata."""
    loan, body = loan_for_use(library), barcodes(library)
    former = dict(loan["metadata"])
    picked_up = await client.post(PICK_UP, json=body)
    between = dict(loan["metadata"])
    held = await client.post(HOLD, json={"itemBarcode": body["itemBarcode"]})

    assert (picked_up.status_code, held.status_code) == (200, 200)
    assert picked_up.headers["Location"] == f"/circulation/loans/{loan['id']}"
    assert list(held.json()) == ["loan"]
    for stored, use, action, metadata in (
        (picked_up.json(), "In use", "pickedUpForUseAtLocation", former),
        (held.json()["loan"], "Held", "heldForUseAtLocation", between),
    ):
        assert stored.keys() >= STORED
        assert stored.keys().isdisjoint(COMPUTED)
        assert (stored["forUseAtLocation"]["status"], stored["action"]) == (use, action)
        assert stored["metadata"] == metadata
    assert "item" not in picked_up.json()
    assert held.json()["loan"]["item"]["barcode"] == body["itemBarcode"]
    assert loan["metadata"]["updatedDate"] > between["updatedDate"] > former["updatedDate"]


async def test_the_policy_sets_the_end_of_a_hold(client: httpx.AsyncClient, library: Library) -> None:
    """The date comes from the policy of the loan, and stays after the item is picked up."""
    loan, body = loan_for_use(library), barcodes(library)
    policy = library.loan_policies[loan["loanPolicyId"]]["loansPolicy"]
    policy |= {
        "forUseAtLocation": True,
        "holdShelfExpiryPeriodForUseAtLocation": {"duration": 3, "intervalId": "Days"},
    }
    await client.post(HOLD, json={"itemBarcode": body["itemBarcode"]})
    end = loan["forUseAtLocation"]["holdShelfExpirationDate"]
    await client.post(PICK_UP, json=body)

    assert end[11:19] == "23:59:59"
    assert loan["forUseAtLocation"]["holdShelfExpirationDate"] == end
    assert loan["forUseAtLocation"]["status"] == "In use"


async def test_a_loan_for_use_begins_in_use_and_ends_returned(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """A check-out under such a policy sets the use, and the check-in ends it."""
    for policy in library.loan_policies.values():
        policy.get("loansPolicy", {})["forUseAtLocation"] = True
    body = {"itemBarcode": AVAILABLE, "userBarcode": "1000000001", "servicePointId": circ_desk}
    lent = (await client.post("/circulation/check-out-by-barcode", json=body)).json()
    returned = await client.post(
        "/circulation/check-in-by-barcode",
        json={"itemBarcode": AVAILABLE, "servicePointId": circ_desk, "checkInDate": library.now()},
    )

    assert lent["forUseAtLocation"]["status"] == "In use"
    assert returned.json()["loan"]["forUseAtLocation"]["status"] == "Returned"


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        (HOLD, {"itemBarcode": "nowhere"}, "No open loan found for the item barcode. (nowhere)"),
        (HOLD, {"itemBarcode": AVAILABLE}, f"No open loan found for the item barcode. ({AVAILABLE})"),
        (
            HOLD,
            {"itemBarcode": ON_LOAN},
            f"The loan is open but is not for use at location., item barcode ({ON_LOAN})",
        ),
        (
            PICK_UP,
            {"itemBarcode": AVAILABLE, "userBarcode": "1000000001"},
            f"No open loan found for item barcode and user  ({AVAILABLE} and 1000000001).",
        ),
        (
            PICK_UP,
            {"itemBarcode": ON_LOAN, "userBarcode": "nobody"},
            f"No open loan found for item barcode and user  ({ON_LOAN} and nobody).",
        ),
    ],
)
async def test_refusals_are_plain_texts(
    client: httpx.AsyncClient, library: Library, path: str, body: Body, text: str
) -> None:
    """The service refuses with a 400 and a text, and nothing changes."""
    before = encode_records(library.loans, library.loan_history)
    response = await client.post(path, json=body)

    assert (response.status_code, response.text) == (400, text)
    assert response.headers["content-type"].startswith("text/plain")
    assert encode_records(library.loans, library.loan_history) == before


@pytest.mark.parametrize("path", [HOLD, PICK_UP])
async def test_it_may_not_be_enabled(client: httpx.AsyncClient, library: Library, path: str) -> None:
    """A tenant without this kind of loan refuses both, which is the default of mod-circulation."""
    library.use_at_location = False
    response = await client.post(path, json=barcodes(library))

    assert (response.status_code, response.text) == (
        400,
        "For-use-at-location is not enabled for this tenant.",
    )


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (HOLD, {}, "Request to put item on hold shelf must have an item barcode"),
        (PICK_UP, {"userBarcode": "1"}, "Request to pick up from hold shelf must have an item barcode"),
        (PICK_UP, {"itemBarcode": "1"}, "Request to pick up from hold shelf must have a user barcode"),
    ],
)
async def test_a_barcode_is_missing(client: httpx.AsyncClient, path: str, body: Body, message: str) -> None:
    """A missing barcode is a 422 that names it."""
    response = await client.post(path, json=body)

    assert response.status_code == 422
    assert [each["message"] for each in response.json()["errors"]] == [message]
