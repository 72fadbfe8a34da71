"""What the desk does to a loan that runs, seen afterwards; and what the library says no to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_under_test import Gateway
from tests.mutations.acts import key
from tests.mutations.seeded import CLAIMED_RETURNED_ITEM, LENT_ITEM, record, service_point, state

pytestmark = pytest.mark.anyio

Json = Any  # an answer is JSON, and each test knows which

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


def document(act: str) -> str:
    pascal = act[0].upper() + act[1:]
    return (
        f"mutation($input: {pascal}Input!) {{ {act}(input: $input) {{ __typename "
        f"... on {RESULTS[act]} {{ {LOAN} }} {REASONS} }} }}"
    )


def loan_of(gateway: Gateway, barcode: str = LENT_ITEM) -> Json:
    item = record(gateway.library.item_by_barcode(barcode))
    return record(gateway.library.open_loan_of_item(item["id"]))


async def done(gateway: Gateway, act: str, given: Json) -> Json:
    """The loan after an act that was done in one write, and the reads that its link needs."""
    gateway.sandbox.calls.clear()
    result = (await gateway.data(document(act), {"input": given}))[act]

    assert result["__typename"] == RESULTS[act], result
    assert [call.method for call in gateway.calls].count("POST") == 1
    return result["loan"]


async def reasons(gateway: Gateway, act: str, given: Json, staff: str | None = None) -> Json:
    """The reasons of an act that is refused after one call and changes nothing."""
    before = state(gateway)
    gateway.sandbox.calls.clear()
    headers = gateway.as_staff(staff) if staff else None
    result = (await gateway.data(document(act), {"input": given}, headers))[act]

    assert result["__typename"] == "Refusal", result
    assert [call.method for call in gateway.calls] == ["POST"]
    assert state(gateway) == before
    return result["reasons"]


def about(told: Json) -> list[tuple[str, list[str]]]:
    """Code and parameters of each reason."""
    return [(each["code"], [parameter["key"] for parameter in each["parameters"]]) for each in told]


def barcodes(gateway: Gateway, barcode: str = LENT_ITEM) -> Json:
    user = gateway.library.users[loan_of(gateway, barcode)["userId"]]
    return {"itemBarcode": barcode, "userBarcode": user["barcode"]}


# Renewing


@pytest.mark.parametrize("by", ["barcode", "id"])
async def test_a_renewal_gives_more_time(gateway: Gateway, by: str) -> None:
    """The loan comes back with its new due date, in the one call that made it, whichever way it was named."""
    loan = loan_of(gateway)
    loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 0
    by_id = {"itemId": loan["itemId"], "userId": loan["userId"]}
    told = await done(gateway, "renew", barcodes(gateway) if by == "barcode" else by_id)

    assert gateway.paths() == [f"POST /circulation/renew-by-{by}"]
    assert (told["id"], told["action"], told["renewalCount"]) == (loan["id"], "renewed", 1)
    assert told["dueDate"] == loan["dueDate"].replace("+00:00", "Z")


@pytest.mark.parametrize("by", ["barcode", "id"])
async def test_a_renewal_is_forced(gateway: Gateway, by: str) -> None:
    """A loan that was renewed too often is refused with a block, and lifted by name it is renewed."""
    loan = loan_of(gateway)
    loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 99
    by_id = {"itemId": loan["itemId"], "userId": loan["userId"]}
    given = barcodes(gateway) if by == "barcode" else by_id
    (refused,) = await reasons(gateway, "renew", given)
    lifted = {"overrideBlocks": {refused["overridableBlock"]["name"]: True, "comment": "Please"}}
    told = await done(gateway, "renew", given | lifted)

    assert refused["code"] == "LOAN_RENEWAL_LIMIT_REACHED"
    assert (told["action"], told["actionComment"]) == ("renewedThroughOverride", "Please")
    assert told["renewalCount"] == 100


@pytest.mark.parametrize(
    "given",
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
async def test_a_loan_is_named_in_one_way(gateway: Gateway, given: Json) -> None:
    """Both barcodes or both ids: anything else is told before anything is sent."""
    answer = await gateway.ask(document("renew"), {"input": given})

    (error,) = answer["errors"]
    assert (
        error["message"] == "Either `itemBarcode` and `userBarcode` or `itemId` and `userId` must be given."
    )
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.paths() == []


async def test_a_service_point_goes_with_barcodes(gateway: Gateway) -> None:
    """Upstream takes the service point by barcode only, so that it is refused and not dropped."""
    given = {"itemId": key(1), "userId": key(2), "servicePointId": key(3)}
    answer = await gateway.ask(document("renew"), {"input": given})

    assert "`servicePointId`" in answer["errors"][0]["message"]
    assert gateway.paths() == []


@pytest.mark.parametrize(("field", "value"), [("itemBarcode", ""), ("userBarcode", "bell\x07")])
async def test_a_barcode_is_text(gateway: Gateway, field: str, value: str) -> None:
    """An empty barcode and one with control characters are told by name and not sent."""
    answer = await gateway.ask(document("renew"), {"input": barcodes(gateway) | {field: value}})

    assert f"`{field}`" in answer["errors"][0]["message"]
    assert gateway.paths() == []


async def test_a_renewal_of_nothing_is_refused(gateway: Gateway) -> None:
    """Unknown barcodes come back by the name of their field."""
    told = await reasons(gateway, "renew", {"itemBarcode": "no item", "userBarcode": "no user"})

    assert about(told) == [
        ("ITEM_BARCODE_NOT_FOUND", ["itemBarcode"]),
        ("USER_BARCODE_NOT_FOUND", ["userBarcode"]),
    ]


async def test_a_renewal_override_needs_a_comment(gateway: Gateway) -> None:
    """Without a comment nothing is forced, and the refusal names the comment."""
    given = barcodes(gateway) | {"overrideBlocks": {"renewalBlock": True}}

    assert about(await reasons(gateway, "renew", given)) == [
        ("OVERRIDE_RENEWAL_COMMENT_REQUIRED", ["comment"])
    ]


async def test_a_renewal_override_needs_the_permission(gateway: Gateway) -> None:
    """Staff who may not force a renewal learn which permission they lack."""
    given = barcodes(gateway) | {"overrideBlocks": {"renewalBlock": True, "comment": "Please"}}
    told = await reasons(gateway, "renew", given, "desk")

    (lacking,) = [each for each in told if each["code"] == "INSUFFICIENT_OVERRIDE_PERMISSIONS"]
    assert lacking["overridableBlock"] == {
        "name": "renewalBlock",
        "missingPermissions": ["circulation.override-renewal-block.post"],
    }


# Another due date, lost, claimed, missing, a note


async def test_a_due_date_is_changed(gateway: Gateway) -> None:
    """The loan says so, and when it is due now."""
    given = {"loanId": loan_of(gateway)["id"], "dueDate": "2099-01-01T12:00:00+01:00"}
    told = await done(gateway, "changeDueDate", given)

    assert (told["dueDate"], told["action"]) == ("2099-01-01T11:00:00.000Z", "dueDateChanged")


async def test_an_item_is_declared_lost_once(gateway: Gateway) -> None:
    """The item is lost; a second time is refused, naming the item."""
    given = {
        "loanId": loan_of(gateway)["id"],
        "servicePointId": service_point(gateway.library),
        "comment": "In the sea",
    }
    told = await done(gateway, "declareItemLost", given)

    assert (told["action"], told["actionComment"]) == ("declaredLost", "In the sea")
    assert told["item"] == {"status": {"name": "DECLARED_LOST"}}
    assert about(await reasons(gateway, "declareItemLost", given)) == [("OTHER", ["itemId"])]


async def test_a_claim_and_its_end(gateway: Gateway) -> None:
    """A claimed item that nobody finds is declared missing, and the loan ends."""
    loan_id = loan_of(gateway)["id"]
    claimed = await done(gateway, "claimItemReturned", {"loanId": loan_id, "comment": "Last week"})
    missing = await done(
        gateway, "declareClaimedReturnedItemAsMissing", {"loanId": loan_id, "comment": "Not on the shelf"}
    )

    assert (claimed["action"], claimed["status"]) == ("claimedReturned", {"name": "OPEN"})
    assert claimed["item"] == {"status": {"name": "CLAIMED_RETURNED"}}
    assert (missing["action"], missing["status"]) == ("markedMissing", {"name": "CLOSED"})
    assert missing["item"] == {"status": {"name": "MISSING"}}


async def test_only_a_claimed_item_goes_missing(gateway: Gateway) -> None:
    """The BFF has one code for every failure; the refusal names the loan."""
    given = {"loanId": loan_of(gateway)["id"], "comment": "Not on the shelf"}
    told = await reasons(gateway, "declareClaimedReturnedItemAsMissing", given)

    assert about(told) == [("FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING", ["loanId"])]


async def test_a_claimed_item_keeps_its_due_date(gateway: Gateway) -> None:
    """While nobody knows where the item is, another due date is refused, naming the item."""
    given = {"loanId": loan_of(gateway, CLAIMED_RETURNED_ITEM)["id"], "dueDate": "2099-01-01T00:00:00Z"}

    assert about(await reasons(gateway, "changeDueDate", given)) == [("OTHER", ["itemId"])]


@pytest.mark.parametrize(
    ("action", "kept"), [("PATRON_INFO_ADDED", "patronInfoAdded"), ("STAFF_INFO_ADDED", "staffInfoAdded")]
)
async def test_a_note_is_added(gateway: Gateway, action: str, kept: str) -> None:
    """The loan's last action is the note, for the patron or for the staff."""
    given = {"loanId": loan_of(gateway)["id"], "action": action, "comment": "Calls back\non Monday"}
    told = await done(gateway, "addLoanInfo", given)

    assert (told["action"], told["actionComment"]) == (kept, "Calls back\non Monday")


LOANLESS = {
    "changeDueDate": {"dueDate": "2099-01-01T00:00:00Z"},
    "declareItemLost": {"servicePointId": key(2)},
    "claimItemReturned": {},
    "addLoanInfo": {"action": "STAFF_INFO_ADDED", "comment": "x"},
}


@pytest.mark.parametrize("act", LOANLESS)
async def test_a_loan_that_is_not_there(gateway: Gateway, act: str) -> None:
    """An unknown loan is an error with its code, after one call."""
    answer = await gateway.ask(document(act), {"input": {"loanId": key(1), **LOANLESS[act]}})

    (error,) = answer["errors"]
    assert answer["data"] == {act: None}
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("NOT_FOUND", 404)
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("act", ["addLoanInfo", "declareClaimedReturnedItemAsMissing"])
async def test_a_comment_that_is_needed_says_something(gateway: Gateway, act: str) -> None:
    """A blank comment is told before anything is sent."""
    given = {"loanId": key(1), "comment": " \n"} | (
        {"action": "STAFF_INFO_ADDED"} if act == "addLoanInfo" else {}
    )
    answer = await gateway.ask(document(act), {"input": given})

    (error,) = answer["errors"]
    assert error["message"] == "`comment` must not be blank."
    assert gateway.paths() == []


async def test_the_loan_is_asked_only_where_it_is_selected(gateway: Gateway) -> None:
    """An act that answers nothing costs one call, and one more for the loan behind its id."""
    given = {"loanId": loan_of(gateway)["id"], "dueDate": "2099-01-01T00:00:00Z"}
    query = (
        "mutation($input: ChangeDueDateInput!) {{ changeDueDate(input: $input) "
        "{{ ... on DueDateChanged {} }} }}"
    )
    await gateway.data(query.format("{ loan { id } }"), {"input": given})
    alone = gateway.paths()
    gateway.sandbox.calls.clear()
    await gateway.data(query.format("{ loan { dueDate } }"), {"input": given})

    assert alone == [f"POST /circulation/loans/{given['loanId']}/change-due-date"]
    assert gateway.paths() == [*alone, "GET /circulation-bff/loans"]


async def test_a_failing_link_does_not_hide_success(gateway: Gateway) -> None:
    """When the loan cannot be read afterwards, the act is told as done and the link as failed."""
    gateway.sandbox.faults.add(kind="status", status=503, method="GET", path="/circulation-bff/loans")
    loan = loan_of(gateway)
    given = {"loanId": loan["id"], "dueDate": "2099-01-01T00:00:00Z"}
    answer = await gateway.ask(document("changeDueDate"), {"input": given})

    (error,) = answer["errors"]
    assert answer["data"] == {"changeDueDate": {"__typename": "DueDateChanged", "loan": None}}
    assert error["path"] == ["changeDueDate", "loan"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert loan["dueDate"].startswith("2099-01-01T00:00:00")


async def test_a_session_ends(gateway: Gateway) -> None:
    """Sessions of several patrons end in one call, whether or not there is anything to tell them."""
    ended = (
        "mutation($input: EndPatronActionSessionInput!) "
        "{ endPatronActionSession(input: $input) { __typename } }"
    )
    sessions = [
        {"patronId": user_id, "actionType": "CHECK_IN"} for user_id in list(gateway.library.users)[:2]
    ]
    data = await gateway.data(ended, {"input": {"endSessions": sessions}})
    none = await gateway.ask(ended, {"input": {"endSessions": []}})

    assert data == {"endPatronActionSession": {"__typename": "PatronActionSessionEnded"}}
    assert none["errors"][0]["message"] == "`endSessions` must have at least one element."
    assert gateway.paths() == ["POST /circulation/end-patron-action-session"]
