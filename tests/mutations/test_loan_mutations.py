"""Mutations on an open loan: their effects and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_under_test import Gateway
from tests.mutations.mutation_cases import key
from tests.mutations.seeded import CLAIMED_RETURNED_ITEM, LENT_ITEM, record, service_point, state

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

LOAN = "loan { id dueDate action actionComment status { name } renewalCount item { status { name } } }"
REASONS = """... on Refusal { reasons {
    code message parameters { key value } overridableBlock { name missingPermissions }
} }"""
RESULTS = {
    "renew": "Renewed",
    "changeDueDate": "DueDateChanged",
    "declareItemLost": "ItemDeclaredLost",
    "claimItemReturned": "ItemClaimedReturned",
    "declareClaimedReturnedItemAsMissing": "ItemDeclaredMissing",
    "addLoanInfo": "LoanInfoAdded",
}


def document(mutation: str) -> str:
    pascal = mutation[0].upper() + mutation[1:]
    return (
        f"mutation($input: {pascal}Input!) {{ {mutation}(input: $input) {{ __typename "
        f"... on {RESULTS[mutation]} {{ {LOAN} }} {REASONS} }} }}"
    )


def loan_of(gateway: Gateway, barcode: str = LENT_ITEM) -> Json:
    item = record(gateway.library.item_by_barcode(barcode))
    return record(gateway.library.open_loan_of_item(item["id"]))


async def done(gateway: Gateway, mutation: str, inputs: Json) -> Json:
    """Return the loan after a mutation with one write and the reads that its link needs."""
    gateway.sandbox.calls.clear()
    result = (await gateway.data(document(mutation), {"input": inputs}))[mutation]

    assert result["__typename"] == RESULTS[mutation], result
    assert [call.method for call in gateway.calls].count("POST") == 1
    return result["loan"]


async def reasons(gateway: Gateway, mutation: str, inputs: Json, staff: str | None = None) -> Json:
    """Return the reasons of a mutation that is refused after one call and changes nothing."""
    before = state(gateway)
    gateway.sandbox.calls.clear()
    headers = gateway.as_staff(staff) if staff else None
    result = (await gateway.data(document(mutation), {"input": inputs}, headers))[mutation]

    assert result["__typename"] == "Refusal", result
    assert [call.method for call in gateway.calls] == ["POST"]
    assert state(gateway) == before
    return result["reasons"]


def about(result: Json) -> list[tuple[str, list[str]]]:
    """Return code and parameters of each reason."""
    return [(each["code"], [parameter["key"] for parameter in each["parameters"]]) for each in result]


def barcodes(gateway: Gateway, barcode: str = LENT_ITEM) -> Json:
    user = gateway.library.users[loan_of(gateway, barcode)["userId"]]
    return {"itemBarcode": barcode, "userBarcode": user["barcode"]}


# Renewing


@pytest.mark.parametrize("by", ["barcode", "id"])
async def test_renewal_extends_the_loan(gateway: Gateway, by: str) -> None:
    """The loan is returned with its new due date, with one call, by barcodes or ids."""
    loan = loan_of(gateway)
    loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 0
    by_id = {"itemId": loan["itemId"], "userId": loan["userId"]}
    result = await done(gateway, "renew", barcodes(gateway) if by == "barcode" else by_id)

    assert gateway.paths() == [f"POST /circulation/renew-by-{by}"]
    assert (result["id"], result["action"], result["renewalCount"]) == (loan["id"], "renewed", 1)
    assert result["dueDate"] == loan["dueDate"].replace("+00:00", "Z")


@pytest.mark.parametrize("by", ["barcode", "id"])
async def test_renewal_override(gateway: Gateway, by: str) -> None:
    """A loan at its renewal limit is refused with a block, and renewed with its override."""
    loan = loan_of(gateway)
    loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 99
    by_id = {"itemId": loan["itemId"], "userId": loan["userId"]}
    inputs = barcodes(gateway) if by == "barcode" else by_id
    (refused,) = await reasons(gateway, "renew", inputs)
    lifted = {"overrideBlocks": {refused["overridableBlock"]["name"]: True, "comment": "Please"}}
    result = await done(gateway, "renew", inputs | lifted)

    assert refused["code"] == "LOAN_RENEWAL_LIMIT_REACHED"
    assert (result["action"], result["actionComment"]) == ("renewedThroughOverride", "Please")
    assert result["renewalCount"] == 100


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"itemBarcode": "1"},
        {"userBarcode": "1"},
        {"itemId": key(1)},
        {"itemBarcode": "1", "userId": key(1)},
        {"itemId": key(1), "userBarcode": "1"},
        {"itemBarcode": "1", "userBarcode": "2", "itemId": key(1)},
        {"itemBarcode": "1", "userBarcode": "2", "itemId": key(1), "userId": key(2)},
    ],
)
async def test_loan_is_identified_in_one_way(gateway: Gateway, inputs: Json) -> None:
    """Both barcodes or both ids: any other combination is rejected before any call."""
    response = await gateway.execute(document("renew"), {"input": inputs})

    (error,) = response["errors"]
    assert (
        error["message"] == "Either `itemBarcode` and `userBarcode` or `itemId` and `userId` must be given."
    )
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.paths() == []


async def test_service_point_requires_barcodes(gateway: Gateway) -> None:
    """Upstream accepts the service point with barcodes only, so it is rejected with ids, not dropped."""
    inputs = {"itemId": key(1), "userId": key(2), "servicePointId": key(3)}
    response = await gateway.execute(document("renew"), {"input": inputs})

    assert "`servicePointId`" in response["errors"][0]["message"]
    assert gateway.paths() == []


@pytest.mark.parametrize(("field", "value"), [("itemBarcode", ""), ("userBarcode", "bell\x07")])
async def test_invalid_barcodes_are_not_sent(gateway: Gateway, field: str, value: str) -> None:
    """An empty barcode and one with control characters are rejected by field name."""
    response = await gateway.execute(document("renew"), {"input": barcodes(gateway) | {field: value}})

    assert f"`{field}`" in response["errors"][0]["message"]
    assert gateway.paths() == []


async def test_unknown_barcodes_are_refused(gateway: Gateway) -> None:
    """Unknown barcodes are reported by the name of their field."""
    result = await reasons(gateway, "renew", {"itemBarcode": "no item", "userBarcode": "no user"})

    assert about(result) == [
        ("ITEM_BARCODE_NOT_FOUND", ["itemBarcode"]),
        ("USER_BARCODE_NOT_FOUND", ["userBarcode"]),
    ]


async def test_renewal_override_requires_a_comment(gateway: Gateway) -> None:
    """Without a comment nothing is overridden, and the refusal names the comment."""
    inputs = barcodes(gateway) | {"overrideBlocks": {"renewalBlock": True}}

    assert about(await reasons(gateway, "renew", inputs)) == [
        ("OVERRIDE_RENEWAL_COMMENT_REQUIRED", ["comment"])
    ]


async def test_renewal_override_requires_the_permission(gateway: Gateway) -> None:
    """The refusal has the missing permission."""
    inputs = barcodes(gateway) | {"overrideBlocks": {"renewalBlock": True, "comment": "Please"}}
    result = await reasons(gateway, "renew", inputs, "desk")

    (lacking,) = [each for each in result if each["code"] == "INSUFFICIENT_OVERRIDE_PERMISSIONS"]
    assert lacking["overridableBlock"] == {
        "name": "renewalBlock",
        "missingPermissions": ["circulation.override-renewal-block.post"],
    }


# Due date, lost, claimed returned, missing, notes


async def test_due_date_is_changed(gateway: Gateway) -> None:
    """The loan shows the new due date, and the action of its former change, which FOLIO keeps."""
    loan = loan_of(gateway)
    action = loan["action"]
    inputs = {"loanId": loan["id"], "dueDate": "2099-01-01T12:00:00+01:00"}
    result = await done(gateway, "changeDueDate", inputs)

    assert (result["dueDate"], result["action"]) == ("2099-01-01T11:00:00.000Z", action)


async def test_item_is_declared_lost_once(gateway: Gateway) -> None:
    """The item is lost; a second declaration is refused and names the item."""
    inputs = {
        "loanId": loan_of(gateway)["id"],
        "servicePointId": service_point(gateway.library),
        "comment": "In the sea",
    }
    result = await done(gateway, "declareItemLost", inputs)

    assert (result["action"], result["actionComment"]) == ("declaredLost", "In the sea")
    assert result["item"] == {"status": {"name": "DECLARED_LOST"}}
    assert about(await reasons(gateway, "declareItemLost", inputs)) == [("OTHER", ["itemId"])]


async def test_claimed_item_is_declared_missing(gateway: Gateway) -> None:
    """A claimed item is declared missing, and the loan is closed."""
    loan_id = loan_of(gateway)["id"]
    claimed = await done(gateway, "claimItemReturned", {"loanId": loan_id, "comment": "Last week"})
    missing = await done(
        gateway, "declareClaimedReturnedItemAsMissing", {"loanId": loan_id, "comment": "Not on the shelf"}
    )

    assert (claimed["action"], claimed["status"]) == ("claimedReturned", {"name": "OPEN"})
    assert claimed["item"] == {"status": {"name": "CLAIMED_RETURNED"}}
    assert (missing["action"], missing["status"]) == ("markedMissing", {"name": "CLOSED"})
    assert missing["item"] == {"status": {"name": "MISSING"}}


async def test_only_a_claimed_item_can_be_declared_missing(gateway: Gateway) -> None:
    """The BFF has one code for every failure; the refusal names the loan."""
    inputs = {"loanId": loan_of(gateway)["id"], "comment": "Not on the shelf"}
    result = await reasons(gateway, "declareClaimedReturnedItemAsMissing", inputs)

    assert about(result) == [("FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING", ["loanId"])]


async def test_due_date_of_a_claimed_item_cannot_change(gateway: Gateway) -> None:
    """Another due date is refused, and the refusal names the item."""
    inputs = {"loanId": loan_of(gateway, CLAIMED_RETURNED_ITEM)["id"], "dueDate": "2099-01-01T00:00:00Z"}

    assert about(await reasons(gateway, "changeDueDate", inputs)) == [("OTHER", ["itemId"])]


@pytest.mark.parametrize(
    ("action", "kept"), [("PATRON_INFO_ADDED", "patronInfoAdded"), ("STAFF_INFO_ADDED", "staffInfoAdded")]
)
async def test_note_is_added(gateway: Gateway, action: str, kept: str) -> None:
    """The loan's last action is the note, for the patron or for the staff."""
    inputs = {"loanId": loan_of(gateway)["id"], "action": action, "comment": "Calls back\non Monday"}
    result = await done(gateway, "addLoanInfo", inputs)

    assert (result["action"], result["actionComment"]) == (kept, "Calls back\non Monday")


LOANLESS = {
    "changeDueDate": {"dueDate": "2099-01-01T00:00:00Z"},
    "declareItemLost": {"servicePointId": key(2)},
    "claimItemReturned": {},
    "addLoanInfo": {"action": "STAFF_INFO_ADDED", "comment": "x"},
}


@pytest.mark.parametrize("mutation", LOANLESS)
async def test_unknown_loan(gateway: Gateway, mutation: str) -> None:
    """An unknown loan is an error with its code, after one call."""
    response = await gateway.execute(document(mutation), {"input": {"loanId": key(1), **LOANLESS[mutation]}})

    (error,) = response["errors"]
    assert response["data"] == {mutation: None}
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("NOT_FOUND", 404)
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("mutation", ["addLoanInfo", "declareClaimedReturnedItemAsMissing"])
async def test_blank_comment_is_not_sent(gateway: Gateway, mutation: str) -> None:
    """A blank required comment is rejected before any call."""
    inputs = {"loanId": key(1), "comment": " \n"} | (
        {"action": "STAFF_INFO_ADDED"} if mutation == "addLoanInfo" else {}
    )
    response = await gateway.execute(document(mutation), {"input": inputs})

    (error,) = response["errors"]
    assert error["message"] == "`comment` must not be blank."
    assert gateway.paths() == []


async def test_loan_is_read_only_if_selected(gateway: Gateway) -> None:
    """A mutation without a response body makes one call, and one more if its loan is selected."""
    inputs = {"loanId": loan_of(gateway)["id"], "dueDate": "2099-01-01T00:00:00Z"}
    query = (
        "mutation($input: ChangeDueDateInput!) {{ changeDueDate(input: $input) "
        "{{ ... on DueDateChanged {} }} }}"
    )
    await gateway.data(query.format("{ loan { id } }"), {"input": inputs})
    alone = gateway.paths()
    gateway.sandbox.calls.clear()
    await gateway.data(query.format("{ loan { dueDate } }"), {"input": inputs})

    assert alone == [f"POST /circulation/loans/{inputs['loanId']}/change-due-date"]
    assert gateway.paths() == [*alone, "GET /circulation-bff/loans"]


async def test_failed_link_keeps_the_result(gateway: Gateway) -> None:
    """If the loan cannot be read afterwards, the mutation succeeded and the link has an error."""
    gateway.sandbox.faults.add(kind="status", status=503, method="GET", path="/circulation-bff/loans")
    loan = loan_of(gateway)
    inputs = {"loanId": loan["id"], "dueDate": "2099-01-01T00:00:00Z"}
    response = await gateway.execute(document("changeDueDate"), {"input": inputs})

    (error,) = response["errors"]
    assert response["data"] == {"changeDueDate": {"__typename": "DueDateChanged", "loan": None}}
    assert error["path"] == ["changeDueDate", "loan"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert loan["dueDate"].startswith("2099-01-01T00:00:00")


async def test_sessions_end(gateway: Gateway) -> None:
    """Sessions of several patrons end in one call, with or without notices to send."""
    ended = (
        "mutation($input: EndPatronActionSessionInput!) "
        "{ endPatronActionSession(input: $input) { __typename } }"
    )
    sessions = [
        {"patronId": user_id, "actionType": "CHECK_IN"} for user_id in list(gateway.library.users)[:2]
    ]
    data = await gateway.data(ended, {"input": {"endSessions": sessions}})
    none = await gateway.execute(ended, {"input": {"endSessions": []}})

    assert data == {"endPatronActionSession": {"__typename": "PatronActionSessionEnded"}}
    assert none["errors"][0]["message"] == "`endSessions` must have at least one element."
    assert gateway.paths() == ["POST /circulation/end-patron-action-session"]
