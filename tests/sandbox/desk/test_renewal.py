"""Lending for longer: what is renewed, every reason not to, and what staff may lift."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

BY_BARCODE, BY_ID = "/circulation/renew-by-barcode", "/circulation/renew-by-id"
PLAIN, AT_LIMIT, RECALLED, HELD_DVD, REMINDED = (
    "2000000112",
    "2000000121",
    "2000000048",
    "2000000032",
    "2000000066",
)
CLAIMED, DECLARED_LOST, AGED = "2000000151", "2000000152", "2000000153"
RESERVE, READING_ROOM = "2000000011", "2000000009"
LATE = "2099-01-01T12:00:00Z"
NOTHING = "00000000-0000-4000-8000-000000000000"
LIFTABLE = {"name": "renewalBlock", "missingPermissions": []}
WITH_DATE = {"name": "renewalDueDateRequiredBlock", "missingPermissions": []}

Body = dict[str, Any]


def item_of(library: Library, barcode: str) -> Body:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def loan_of(library: Library, barcode: str) -> Body:
    loan = library.open_loan_of_item(item_of(library, barcode)["id"])
    assert loan is not None
    return loan


def body_for(library: Library, barcode: str, **more: object) -> Body:
    """A renewal of an item by the person who has it."""
    borrower = library.users[loan_of(library, barcode)["userId"]]
    return {"itemBarcode": barcode, "userBarcode": borrower["barcode"], **more}


async def lend(client: httpx.AsyncClient, desk: str, barcode: str, **more: object) -> None:
    body = {"itemBarcode": barcode, "userBarcode": "1000000001", "servicePointId": desk, **more}
    answer = await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)
    assert answer.status_code == 200, answer.text


def policy_parameters(library: Library, name: str) -> list[Body]:
    policy = next(each for each in library.loan_policies.values() if each["name"] == name)
    return [{"key": "loanPolicyId", "value": policy["id"]}, {"key": "loanPolicyName", "value": name}]


async def refused(
    client: httpx.AsyncClient, library: Library, body: Body, *, caller: str = "", path: str = BY_BARCODE
) -> list[Body]:
    """Send it, see that nothing has changed, and return the errors."""
    before = deepcopy((library.loans, library.items, library.accounts, library.loan_history))
    answer = await client.post(path, json=body, headers={"X-Okapi-Token": caller} if caller else {})

    assert answer.status_code == 422, answer.text
    assert (library.loans, library.items, library.accounts, library.loan_history) == before
    errors: list[Body] = answer.json()["errors"]
    return errors


async def codes(client: httpx.AsyncClient, library: Library, body: Body) -> list[str | None]:
    return [each.get("code") for each in await refused(client, library, body)]


async def test_a_renewal_makes_the_loan_longer(client: httpx.AsyncClient, library: Library) -> None:
    """The loan is answered whole, due a loan period from today, and counted."""
    loan = loan_of(library, PLAIN)
    loan |= {"renewalCount": 1, "actionComment": "from before"}
    due = (library.clock.now() + timedelta(days=28)).date()
    answer = await client.post(BY_BARCODE, json=body_for(library, PLAIN))
    shown = answer.json()

    assert answer.status_code == 200
    assert answer.headers["location"] == f"/circulation/loans/{loan['id']}"
    assert (shown["id"], shown["action"], shown["renewalCount"]) == (loan["id"], "renewed", 2)
    assert shown["dueDate"] == f"{due}T23:59:59.000+00:00"
    assert "actionComment" not in shown
    assert shown["item"]["status"]["name"] == "Checked out"
    assert [each["loan"]["action"] for each in library.loan_history.values()][-1] == "renewed"


async def test_a_renewal_by_ids(client: httpx.AsyncClient, library: Library) -> None:
    """Ids lead to the same loan as barcodes, in either case of letters."""
    loan = loan_of(library, PLAIN)
    body = {"itemId": loan["itemId"].upper(), "userId": loan["userId"]}
    answer = await client.post(BY_ID, json=body)

    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["action"]) == (loan["id"], "renewed")


async def test_the_limit_of_renewals(client: httpx.AsyncClient, library: Library) -> None:
    """After three renewals the policy stands in the way, and staff may lift it."""
    assert await refused(client, library, body_for(library, AT_LIMIT)) == [
        {
            "message": "loan at maximum renewal number",
            "parameters": policy_parameters(library, "Standard loan"),
            "code": "LOAN_RENEWAL_LIMIT_REACHED",
            "overridableBlock": LIFTABLE,
        }
    ]


async def test_a_recall_comes_first(client: httpx.AsyncClient, library: Library) -> None:
    """The request in the way is named."""
    (recall,) = [
        each
        for each in library.requests.values()
        if each.get("itemId") == item_of(library, RECALLED)["id"] and each["requestType"] == "Recall"
    ]
    assert await refused(client, library, body_for(library, RECALLED)) == [
        {
            "message": "items cannot be renewed when there is an active recall request",
            "parameters": [{"key": "requestId", "value": recall["id"]}],
            "code": "RENEWAL_BLOCKED_BY_RECALL",
            "overridableBlock": LIFTABLE,
        }
    ]


async def test_holds_block_where_the_policy_says_so(client: httpx.AsyncClient, library: Library) -> None:
    """A film that somebody waits for is not renewed; a book is."""
    (error,) = await refused(client, library, body_for(library, HELD_DVD))
    book = await client.post(BY_BARCODE, json=body_for(library, "2000000031"))

    assert (error["code"], error["overridableBlock"]) == ("RENEWAL_BLOCKED_BY_HOLD_REQUEST", WITH_DATE)
    assert error["parameters"] == policy_parameters(library, "One week")
    assert book.status_code == 200


@pytest.mark.parametrize(
    ("barcode", "code", "lifted_by"),
    [
        (DECLARED_LOST, "ITEM_DECLARED_LOST_NOT_RENEWABLE", LIFTABLE),
        (AGED, "ITEM_AGED_TO_LOST_NOT_RENEWABLE", LIFTABLE),
        (CLAIMED, "ITEM_CLAIMED_RETURNED_NOT_RENEWABLE", None),
    ],
)
async def test_items_that_are_not_there(
    client: httpx.AsyncClient, library: Library, barcode: str, code: str, lifted_by: Body | None
) -> None:
    """A lost item may be renewed by force, a claimed one by nobody."""
    errors = await refused(client, library, body_for(library, barcode))
    error = next(each for each in errors if each["code"] == code)

    assert error["message"] == f"item is {item_of(library, barcode)['status']['name']}"
    assert error["parameters"] == [{"key": "itemId", "value": item_of(library, barcode)["id"]}]
    assert error.get("overridableBlock") == lifted_by


async def test_reminders_end_renewals(client: httpx.AsyncClient, library: Library) -> None:
    """A loan whose patron was reminded for money is not renewed as a matter of course."""
    errors = await refused(client, library, body_for(library, REMINDED))
    assert errors[0]["code"] == "RENEWAL_BLOCKED_BY_REMINDER_FEES"
    assert errors[0]["overridableBlock"] == LIFTABLE


async def test_a_loan_that_is_not_renewable(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Course reserves go back when their hours are over."""
    await lend(client, desk, RESERVE)
    library.clock.advance(timedelta(hours=1))
    assert await refused(client, library, body_for(library, RESERVE)) == [
        {
            "message": "loan is not renewable",
            "parameters": policy_parameters(library, "Three hours"),
            "code": "LOAN_NOT_RENEWABLE",
            "overridableBlock": WITH_DATE,
        }
    ]


async def test_a_loan_that_was_lent_against_the_policy(
    client: httpx.AsyncClient, library: Library, desk: str
) -> None:
    """What is not lent is not renewed either."""
    lifted = {"itemNotLoanableBlock": {"dueDate": LATE}, "comment": "for a day"}
    await lend(client, desk, READING_ROOM, overrideBlocks=lifted)

    assert await codes(client, library, body_for(library, READING_ROOM)) == [
        "ITEM_NOT_LOANABLE",
        "LOAN_NOT_RENEWABLE",
    ]


async def test_a_renewal_that_would_change_nothing(
    client: httpx.AsyncClient, library: Library, desk: str
) -> None:
    """A loan of today is due when its renewal would be."""
    await lend(client, desk, "2000000001")
    (error,) = await refused(client, library, body_for(library, "2000000001"))

    assert error["message"] == "renewal would not change the due date"
    assert (error["code"], error["overridableBlock"]) == ("RENEWAL_WOULD_NOT_CHANGE_DUE_DATE", WITH_DATE)


async def test_a_policy_that_counts_from_the_due_date(
    client: httpx.AsyncClient, library: Library, desk: str
) -> None:
    """It may have another period for renewals, and no limit."""
    await lend(client, desk, "2000000001", loanDate="2026-01-02T03:04:05Z")
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Standard loan")
    policy["renewalsPolicy"] = {
        "unlimited": True,
        "renewFromId": "CURRENT_DUE_DATE",
        "differentPeriod": True,
        "period": {"duration": 2, "intervalId": "Weeks"},
    }
    loan_of(library, "2000000001")["renewalCount"] = 30
    answer = await client.post(BY_BARCODE, json=body_for(library, "2000000001"))

    assert answer.json()["dueDate"] == "2026-02-13T23:59:59.000+00:00"
    assert answer.json()["renewalCount"] == 31


async def test_unknown_barcodes(client: httpx.AsyncClient, library: Library) -> None:
    """Both are told at once, and both have a code here."""
    assert await refused(client, library, {"itemBarcode": "no item", "userBarcode": "no user"}) == [
        {
            "message": "No item with barcode no item exists",
            "parameters": [{"key": "itemBarcode", "value": "no item"}],
            "code": "ITEM_BARCODE_NOT_FOUND",
        },
        {
            "message": "Could not find user with matching barcode",
            "parameters": [{"key": "userBarcode", "value": "no user"}],
            "code": "USER_BARCODE_NOT_FOUND",
        },
    ]


async def test_unknown_ids(client: httpx.AsyncClient, library: Library) -> None:
    """Only the user's has a code."""
    errors = await refused(client, library, {"itemId": NOTHING, "userId": NOTHING}, path=BY_ID)
    assert [each.get("code") for each in errors] == [None, "USER_NOT_FOUND"]
    assert [each["parameters"][0]["key"] for each in errors] == ["itemId", "userId"]


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("itemBarcode", "RENEWAL_REQUEST_ITEM_BARCODE_REQUIRED"),
        ("userBarcode", "RENEWAL_REQUEST_USER_BARCODE_REQUIRED"),
    ],
)
async def test_barcodes_are_required(
    client: httpx.AsyncClient, library: Library, missing: str, code: str
) -> None:
    """Each is missed under its own code."""
    body = body_for(library, PLAIN)
    del body[missing]
    (error,) = await refused(client, library, body)
    assert (error["code"], error["parameters"]) == (code, [{"key": missing, "value": None}])


async def test_ids_are_required(client: httpx.AsyncClient, library: Library) -> None:
    """They are missed one after the other, without a code."""
    (error,) = await refused(client, library, {"itemId": NOTHING}, path=BY_ID)
    assert error["parameters"] == [{"key": "userId", "value": None}]


async def test_the_loan_of_somebody_else(client: httpx.AsyncClient, library: Library) -> None:
    """The refusal names the user as the request did."""
    other = library.user_by_barcode("1000000001")
    assert other is not None
    by_barcode = {"itemBarcode": PLAIN, "userBarcode": "1000000001"}
    by_id = {"itemId": item_of(library, PLAIN)["id"], "userId": other["id"]}
    message, code = "Cannot renew item checked out to different user", "ITEM_CHECKED_OUT_TO_DIFFERENT_USER"

    (first,) = await refused(client, library, by_barcode)
    (second,) = await refused(client, library, by_id, path=BY_ID)
    assert first == {
        "message": message,
        "parameters": [{"key": "userBarcode", "value": "1000000001"}],
        "code": code,
    }
    assert second["parameters"] == [{"key": "userId", "value": other["id"]}]


async def test_an_item_that_nobody_has(client: httpx.AsyncClient, library: Library) -> None:
    """An item on the shelf has no loan to renew."""
    (error,) = await refused(client, library, {"itemBarcode": "2000000001", "userBarcode": "1000000001"})
    assert error["parameters"] == [{"key": "itemId", "value": item_of(library, "2000000001")["id"]}]
    assert "code" not in error


@pytest.mark.parametrize("change", [{"active": False}, {"expirationDate": "2020-01-01T00:00:00Z"}])
async def test_a_patron_who_is_not_served(client: httpx.AsyncClient, library: Library, change: Body) -> None:
    """Renewal has a code for it, check-out has none."""
    library.users[loan_of(library, PLAIN)["userId"]] |= change
    assert await refused(client, library, body_for(library, PLAIN)) == [
        {
            "message": "Cannot renew loan when user is inactive or expired",
            "parameters": [{"key": "reason", "value": "User is inactive."}],
            "code": "USER_IS_INACTIVE_OR_EXPIRED",
        }
    ]


async def test_blocks_of_the_patron(client: httpx.AsyncClient, library: Library) -> None:
    """Manual blocks come in one error, automated ones each in its own, all to be lifted together."""
    loan = loan_of(library, PLAIN)
    for each in (*library.manual_blocks.values(), *library.automated_blocks.values()):
        each["userId"] = loan["userId"]
    body = body_for(library, PLAIN)
    errors = await refused(client, library, body, caller="sandbox:desk")
    lifted = {"patronBlock": {}, "comment": "spoke with them"}
    answer = await client.post(BY_BARCODE, json=body | {"overrideBlocks": lifted})

    missing = ["circulation.override-patron-block.post"]
    assert [each["code"] for each in errors] == ["USER_IS_BLOCKED_MANUALLY"] + [
        "USER_IS_BLOCKED_AUTOMATICALLY"
    ] * 2
    assert errors[0]["message"] == "Patron blocked from renewing"
    assert errors[0]["parameters"] == [{"key": "reason", "value": "Card reported lost;Address unknown"}]
    assert {tuple(each["overridableBlock"]["missingPermissions"]) for each in errors} == {tuple(missing)}
    assert (answer.json()["action"], answer.json()["actionComment"]) == (
        "renewedThroughOverride",
        "spoke with them",
    )


@pytest.mark.parametrize("barcode", [AT_LIMIT, RECALLED, AGED])
async def test_a_renewal_by_force(client: httpx.AsyncClient, library: Library, barcode: str) -> None:
    """The new due date is the policy's; the item is simply out again."""
    loan = loan_of(library, barcode)
    before, count = loan["dueDate"], loan["renewalCount"]
    asked = {"renewalBlock": {}, "comment": "for the exhibition"}
    answer = await client.post(BY_BARCODE, json=body_for(library, barcode, overrideBlocks=asked))
    shown = answer.json()

    assert answer.status_code == 200, answer.text
    assert (shown["action"], shown["actionComment"]) == ("renewedThroughOverride", "for the exhibition")
    assert datetime.fromisoformat(shown["dueDate"]) > datetime.fromisoformat(before)
    assert shown["renewalCount"] == count + 1
    assert shown["item"]["status"]["name"] == "Checked out"


async def test_a_forced_renewal_forgets_lost_fees(
    client: httpx.AsyncClient, library: Library, desk: str
) -> None:
    """Whoever has the item after all does not pay for it."""
    loan = loan_of(library, PLAIN)
    lost = {"declaredLostDateTime": LATE, "servicePointId": desk}
    await client.post(f"/circulation-bff/loans/{loan['id']}/declare-item-lost", json=lost)
    asked = {"renewalBlock": {}, "comment": "found at home"}
    answer = await client.post(BY_BARCODE, json=body_for(library, PLAIN, overrideBlocks=asked))
    accounts = [each for each in library.accounts.values() if each["loanId"] == loan["id"]]

    assert answer.json()["feesAndFines"] == {"amountRemainingToPay": 0}
    assert [each["paymentStatus"]["name"] for each in accounts] == ["Cancelled item renewed"] * 2


async def test_a_due_date_by_force(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Where the policy gives no date, staff name one."""
    await lend(client, desk, RESERVE)
    asked = {"renewalDueDateRequiredBlock": {"dueDate": LATE}, "comment": "until then"}
    answer = await client.post(BY_BARCODE, json=body_for(library, RESERVE, overrideBlocks=asked))

    assert answer.json()["dueDate"] == "2099-01-01T12:00:00.000+00:00"
    assert answer.json()["action"] == "renewedThroughOverride"


async def test_force_needs_a_date_where_the_policy_has_none(
    client: httpx.AsyncClient, library: Library, desk: str
) -> None:
    """The two ways of missing it have their own codes, and the service writes null as text."""
    await lend(client, desk, RESERVE)
    await lend(client, desk, "2000000001")
    asked = {"renewalBlock": {}, "comment": "please"}
    (not_renewable,) = await refused(client, library, body_for(library, RESERVE, overrideBlocks=asked))
    (unchanged,) = await refused(client, library, body_for(library, "2000000001", overrideBlocks=asked))

    assert not_renewable == {
        "message": "New due date must be specified when due date calculation fails",
        "parameters": [{"key": "dueDate", "value": "null"}],
        "code": "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED",
    }
    assert unchanged["code"] == "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED"


async def test_a_forced_date_in_the_past(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Even force makes no loan shorter."""
    await lend(client, desk, "2000000001")
    asked = {"renewalDueDateRequiredBlock": {"dueDate": "2020-01-01T00:00:00Z"}, "comment": "x"}
    body = body_for(library, "2000000001", overrideBlocks=asked)
    assert await codes(client, library, body) == ["RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"]


async def test_force_is_not_for_every_loan(client: httpx.AsyncClient, library: Library) -> None:
    """A loan that could be renewed anyway is not forced."""
    asked = {"renewalBlock": {}, "comment": "just so"}
    (error,) = await refused(client, library, body_for(library, PLAIN, overrideBlocks=asked))

    assert error["code"] == "OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN"
    assert error["parameters"] == policy_parameters(library, "Standard loan")


async def test_force_without_the_right(client: httpx.AsyncClient, library: Library) -> None:
    """A caller who lacks the permission is told which."""
    asked = {"renewalBlock": {}, "comment": "please"}
    body = body_for(library, AT_LIMIT, overrideBlocks=asked)
    assert await refused(client, library, body, caller="sandbox:desk") == [
        {
            "message": "Insufficient override permissions",
            "parameters": [],
            "code": "INSUFFICIENT_OVERRIDE_PERMISSIONS",
            "overridableBlock": {
                "name": "renewalBlock",
                "missingPermissions": ["circulation.override-renewal-block.post"],
            },
        }
    ]


async def test_force_without_a_comment(client: httpx.AsyncClient, library: Library) -> None:
    """A forced renewal misses its reason under a code, a lifted patron block without one."""
    (forced,) = await refused(
        client, library, body_for(library, AT_LIMIT, overrideBlocks={"renewalBlock": {}})
    )
    (patron,) = await refused(client, library, body_for(library, PLAIN, overrideBlocks={"patronBlock": {}}))

    assert forced["code"] == "OVERRIDE_RENEWAL_COMMENT_REQUIRED"
    assert forced["parameters"] == patron["parameters"] == [{"key": "comment", "value": None}]
    assert "code" not in patron


@pytest.mark.parametrize("path", [BY_BARCODE, BY_ID])
@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
async def test_bodies_that_are_no_objects(client: httpx.AsyncClient, path: str, content: bytes) -> None:
    """They are 400 in plain text."""
    answer = await client.post(path, content=content)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", [BY_BARCODE, BY_ID])
async def test_renewals_need_their_permission(client: httpx.AsyncClient, path: str) -> None:
    """Who may do nothing may not renew."""
    answer = await client.post(path, json={}, headers={"X-Okapi-Token": "sandbox:nobody"})
    assert answer.status_code == 403
    assert answer.text.endswith(f"requires permission: circulation.{path.rsplit('/', 1)[1]}.post")


async def test_a_library_without_policies(client: httpx.AsyncClient, library: Library, desk: str) -> None:
    """Its loans are renewed for four weeks, without end."""
    await lend(client, desk, "2000000001", loanDate="2026-01-02T03:04:05Z")
    library.loan_policies.clear()
    loan = loan_of(library, "2000000001") | {"renewalCount": 30}
    library.loans[loan["id"]] = loan
    expected = library.clock.now() + timedelta(days=28)
    answer = await client.post(BY_BARCODE, json=body_for(library, "2000000001"))

    assert answer.json()["renewalCount"] == 31
    assert abs(datetime.fromisoformat(answer.json()["dueDate"]) - expected) < timedelta(minutes=1)
