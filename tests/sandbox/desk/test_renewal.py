"""Renewals, every reason for a refusal, and overrides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.records import encode_records

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


def renewal_body(library: Library, barcode: str, **more: object) -> Body:
    """Build the renewal of an item by its borrower."""
    borrower = library.users[loan_of(library, barcode)["userId"]]
    return {"itemBarcode": barcode, "userBarcode": borrower["barcode"], **more}


async def lend(client: httpx.AsyncClient, circ_desk: str, barcode: str, **more: object) -> None:
    body = {"itemBarcode": barcode, "userBarcode": "1000000001", "servicePointId": circ_desk, **more}
    response = await client.post("/circulation-bff/loans/check-out-by-barcode", json=body)
    assert response.status_code == 200, response.text


def policy_parameters(library: Library, name: str) -> list[Body]:
    policy = next(each for each in library.loan_policies.values() if each["name"] == name)
    return [{"key": "loanPolicyId", "value": policy["id"]}, {"key": "loanPolicyName", "value": name}]


async def refuse(
    client: httpx.AsyncClient, library: Library, body: Body, *, caller: str = "", path: str = BY_BARCODE
) -> list[Body]:
    """Send a renewal, check that nothing has changed, and return the errors."""
    before = encode_records(library.loans, library.items, library.accounts, library.loan_history)
    response = await client.post(path, json=body, headers={"X-Okapi-Token": caller} if caller else {})

    assert response.status_code == 422, response.text
    assert encode_records(library.loans, library.items, library.accounts, library.loan_history) == before
    errors: list[Body] = response.json()["errors"]
    return errors


async def codes(client: httpx.AsyncClient, library: Library, body: Body) -> list[str | None]:
    return [each.get("code") for each in await refuse(client, library, body)]


async def test_renewal_extends_the_loan(client: httpx.AsyncClient, library: Library) -> None:
    """The complete loan is returned, due one loan period from today, with its count increased."""
    loan = loan_of(library, PLAIN)
    loan |= {"renewalCount": 1, "actionComment": "from before"}
    due = (library.clock.now() + timedelta(days=28)).date()
    response = await client.post(BY_BARCODE, json=renewal_body(library, PLAIN))
    view = response.json()

    assert response.status_code == 200
    assert response.headers["location"] == f"/circulation/loans/{loan['id']}"
    assert (view["id"], view["action"], view["renewalCount"]) == (loan["id"], "renewed", 2)
    assert view["dueDate"] == f"{due}T23:59:59.000+00:00"
    assert "actionComment" not in view
    assert view["item"]["status"]["name"] == "Checked out"
    assert [each["loan"]["action"] for each in library.loan_history.values()][-1] == "renewed"


async def test_renewal_by_ids(client: httpx.AsyncClient, library: Library) -> None:
    """Ids select the same loan as barcodes, in lower or upper case."""
    loan = loan_of(library, PLAIN)
    body = {"itemId": loan["itemId"].upper(), "userId": loan["userId"]}
    response = await client.post(BY_ID, json=body)

    assert response.status_code == 200
    assert (response.json()["id"], response.json()["action"]) == (loan["id"], "renewed")


async def test_renewal_limit(client: httpx.AsyncClient, library: Library) -> None:
    """After three renewals the policy refuses, and staff may override it."""
    assert await refuse(client, library, renewal_body(library, AT_LIMIT)) == [
        {
            "message": "loan at maximum renewal number",
            "parameters": policy_parameters(library, "Standard loan"),
            "code": "LOAN_RENEWAL_LIMIT_REACHED",
            "overridableBlock": LIFTABLE,
        }
    ]


async def test_recall_blocks_the_renewal(client: httpx.AsyncClient, library: Library) -> None:
    """The refusal names the request."""
    (recall,) = [
        each
        for each in library.requests.values()
        if each.get("itemId") == item_of(library, RECALLED)["id"] and each["requestType"] == "Recall"
    ]
    assert await refuse(client, library, renewal_body(library, RECALLED)) == [
        {
            "message": "items cannot be renewed when there is an active recall request",
            "parameters": [{"key": "requestId", "value": recall["id"]}],
            "code": "RENEWAL_BLOCKED_BY_RECALL",
            "overridableBlock": LIFTABLE,
        }
    ]


async def test_holds_block_renewals_by_policy(client: httpx.AsyncClient, library: Library) -> None:
    """A requested film is not renewed, a requested book is."""
    (error,) = await refuse(client, library, renewal_body(library, HELD_DVD))
    book = await client.post(BY_BARCODE, json=renewal_body(library, "2000000031"))

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
async def test_lost_and_claimed_items(
    client: httpx.AsyncClient, library: Library, barcode: str, code: str, lifted_by: Body | None
) -> None:
    """A lost item may be renewed with an override, a claimed one may not."""
    errors = await refuse(client, library, renewal_body(library, barcode))
    error = next(each for each in errors if each["code"] == code)

    assert error["message"] == f"item is {item_of(library, barcode)['status']['name']}"
    assert error["parameters"] == [{"key": "itemId", "value": item_of(library, barcode)["id"]}]
    assert error.get("overridableBlock") == lifted_by


async def test_reminder_fees_block_renewals(client: httpx.AsyncClient, library: Library) -> None:
    """A loan with reminder fees is not renewed."""
    errors = await refuse(client, library, renewal_body(library, REMINDED))
    assert errors[0]["code"] == "RENEWAL_BLOCKED_BY_REMINDER_FEES"
    assert errors[0]["overridableBlock"] == LIFTABLE


async def test_not_renewable_loan(client: httpx.AsyncClient, library: Library, circ_desk: str) -> None:
    """The policy of course reserves allows no renewal."""
    await lend(client, circ_desk, RESERVE)
    library.clock.advance(timedelta(hours=1))
    assert await refuse(client, library, renewal_body(library, RESERVE)) == [
        {
            "message": "loan is not renewable",
            "parameters": policy_parameters(library, "Three hours"),
            "code": "LOAN_NOT_RENEWABLE",
            "overridableBlock": WITH_DATE,
        }
    ]


async def test_loan_of_a_not_loanable_item(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """An item that is not loanable is not renewed either."""
    lifted = {"itemNotLoanableBlock": {"dueDate": LATE}, "comment": "for a day"}
    await lend(client, circ_desk, READING_ROOM, overrideBlocks=lifted)

    assert await codes(client, library, renewal_body(library, READING_ROOM)) == [
        "ITEM_NOT_LOANABLE",
        "LOAN_NOT_RENEWABLE",
    ]


async def test_renewal_without_a_change(client: httpx.AsyncClient, library: Library, circ_desk: str) -> None:
    """A loan of today already has the due date of its renewal."""
    await lend(client, circ_desk, "2000000001")
    (error,) = await refuse(client, library, renewal_body(library, "2000000001"))

    assert error["message"] == "renewal would not change the due date"
    assert (error["code"], error["overridableBlock"]) == ("RENEWAL_WOULD_NOT_CHANGE_DUE_DATE", WITH_DATE)


async def test_policy_that_renews_from_the_due_date(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """It may have a different renewal period and no limit."""
    await lend(client, circ_desk, "2000000001", loanDate="2026-01-02T03:04:05Z")
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Standard loan")
    policy["renewalsPolicy"] = {
        "unlimited": True,
        "renewFromId": "CURRENT_DUE_DATE",
        "differentPeriod": True,
        "period": {"duration": 2, "intervalId": "Weeks"},
    }
    loan_of(library, "2000000001")["renewalCount"] = 30
    response = await client.post(BY_BARCODE, json=renewal_body(library, "2000000001"))

    assert response.json()["dueDate"] == "2026-02-13T23:59:59.000+00:00"
    assert response.json()["renewalCount"] == 31


async def test_unknown_barcodes(client: httpx.AsyncClient, library: Library) -> None:
    """Both are reported at once, each with a code."""
    assert await refuse(client, library, {"itemBarcode": "no item", "userBarcode": "no user"}) == [
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
    errors = await refuse(client, library, {"itemId": NOTHING, "userId": NOTHING}, path=BY_ID)
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
    """Each missing barcode has its own code."""
    body = renewal_body(library, PLAIN)
    del body[missing]
    (error,) = await refuse(client, library, body)
    assert (error["code"], error["parameters"]) == (code, [{"key": missing, "value": None}])


async def test_ids_are_required(client: httpx.AsyncClient, library: Library) -> None:
    """The first missing id is reported, without a code."""
    (error,) = await refuse(client, library, {"itemId": NOTHING}, path=BY_ID)
    assert error["parameters"] == [{"key": "userId", "value": None}]


async def test_loan_of_another_user(client: httpx.AsyncClient, library: Library) -> None:
    """The refusal names the user by the field of the request."""
    other = library.user_by_barcode("1000000001")
    assert other is not None
    by_barcode = {"itemBarcode": PLAIN, "userBarcode": "1000000001"}
    by_id = {"itemId": item_of(library, PLAIN)["id"], "userId": other["id"]}
    message, code = "Cannot renew item checked out to different user", "ITEM_CHECKED_OUT_TO_DIFFERENT_USER"

    (first,) = await refuse(client, library, by_barcode)
    (second,) = await refuse(client, library, by_id, path=BY_ID)
    assert first == {
        "message": message,
        "parameters": [{"key": "userBarcode", "value": "1000000001"}],
        "code": code,
    }
    assert second["parameters"] == [{"key": "userId", "value": other["id"]}]


async def test_item_without_a_loan(client: httpx.AsyncClient, library: Library) -> None:
    """An item without a loan cannot be renewed."""
    (error,) = await refuse(client, library, {"itemBarcode": "2000000001", "userBarcode": "1000000001"})
    assert error["parameters"] == [{"key": "itemId", "value": item_of(library, "2000000001")["id"]}]
    assert "code" not in error


@pytest.mark.parametrize("change", [{"active": False}, {"expirationDate": "2020-01-01T00:00:00Z"}])
async def test_inactive_patron_is_refused(client: httpx.AsyncClient, library: Library, change: Body) -> None:
    """Renewals have a code for it, check-outs have none."""
    library.users[loan_of(library, PLAIN)["userId"]] |= change
    assert await refuse(client, library, renewal_body(library, PLAIN)) == [
        {
            "message": "Cannot renew loan when user is inactive or expired",
            "parameters": [{"key": "reason", "value": "User is inactive."}],
            "code": "USER_IS_INACTIVE_OR_EXPIRED",
        }
    ]


async def test_patron_blocks(client: httpx.AsyncClient, library: Library) -> None:
    """Manual blocks are one error, automated ones an error each, and all can be overridden together."""
    loan = loan_of(library, PLAIN)
    for each in (*library.manual_blocks.values(), *library.automated_blocks.values()):
        each["userId"] = loan["userId"]
    body = renewal_body(library, PLAIN)
    errors = await refuse(client, library, body, caller="sandbox:desk")
    lifted = {"patronBlock": {}, "comment": "spoke with them"}
    response = await client.post(BY_BARCODE, json=body | {"overrideBlocks": lifted})

    missing = ["circulation.override-patron-block.post"]
    assert [each["code"] for each in errors] == ["USER_IS_BLOCKED_MANUALLY"] + [
        "USER_IS_BLOCKED_AUTOMATICALLY"
    ] * 2
    assert errors[0]["message"] == "Patron blocked from renewing"
    assert errors[0]["parameters"] == [{"key": "reason", "value": "Card reported lost;Address unknown"}]
    assert {tuple(each["overridableBlock"]["missingPermissions"]) for each in errors} == {tuple(missing)}
    assert (response.json()["action"], response.json()["actionComment"]) == (
        "renewedThroughOverride",
        "spoke with them",
    )


@pytest.mark.parametrize("barcode", [AT_LIMIT, RECALLED, AGED])
async def test_override_renewal(client: httpx.AsyncClient, library: Library, barcode: str) -> None:
    """The new due date is the policy's; the item is checked out again."""
    loan = loan_of(library, barcode)
    before, count = loan["dueDate"], loan["renewalCount"]
    overrides = {"renewalBlock": {}, "comment": "for the exhibition"}
    response = await client.post(BY_BARCODE, json=renewal_body(library, barcode, overrideBlocks=overrides))
    view = response.json()

    assert response.status_code == 200, response.text
    assert (view["action"], view["actionComment"]) == ("renewedThroughOverride", "for the exhibition")
    assert datetime.fromisoformat(view["dueDate"]) > datetime.fromisoformat(before)
    assert view["renewalCount"] == count + 1
    assert view["item"]["status"]["name"] == "Checked out"


async def test_override_renewal_cancels_lost_item_fees(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The borrower of an item that is not lost owes no fee for it."""
    loan = loan_of(library, PLAIN)
    lost = {"declaredLostDateTime": LATE, "servicePointId": circ_desk}
    await client.post(f"/circulation-bff/loans/{loan['id']}/declare-item-lost", json=lost)
    overrides = {"renewalBlock": {}, "comment": "found at home"}
    response = await client.post(BY_BARCODE, json=renewal_body(library, PLAIN, overrideBlocks=overrides))
    accounts = [each for each in library.accounts.values() if each["loanId"] == loan["id"]]

    assert response.json()["feesAndFines"] == {"amountRemainingToPay": 0}
    assert [each["paymentStatus"]["name"] for each in accounts] == ["Cancelled item renewed"] * 2


async def test_override_due_date(client: httpx.AsyncClient, library: Library, circ_desk: str) -> None:
    """If the policy gives no date, staff set one."""
    await lend(client, circ_desk, RESERVE)
    overrides = {"renewalDueDateRequiredBlock": {"dueDate": LATE}, "comment": "until then"}
    response = await client.post(BY_BARCODE, json=renewal_body(library, RESERVE, overrideBlocks=overrides))

    assert response.json()["dueDate"] == "2099-01-01T12:00:00.000+00:00"
    assert response.json()["action"] == "renewedThroughOverride"


async def test_override_requires_a_due_date_without_a_policy_date(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The two cases have separate codes, and the service writes null as text."""
    await lend(client, circ_desk, RESERVE)
    await lend(client, circ_desk, "2000000001")
    overrides = {"renewalBlock": {}, "comment": "please"}
    (not_renewable,) = await refuse(client, library, renewal_body(library, RESERVE, overrideBlocks=overrides))
    (unchanged,) = await refuse(
        client, library, renewal_body(library, "2000000001", overrideBlocks=overrides)
    )

    assert not_renewable == {
        "message": "New due date must be specified when due date calculation fails",
        "parameters": [{"key": "dueDate", "value": "null"}],
        "code": "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED",
    }
    assert unchanged["code"] == "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED"


async def test_override_due_date_in_the_past(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """An override cannot shorten a loan."""
    await lend(client, circ_desk, "2000000001")
    overrides = {"renewalDueDateRequiredBlock": {"dueDate": "2020-01-01T00:00:00Z"}, "comment": "x"}
    body = renewal_body(library, "2000000001", overrideBlocks=overrides)
    assert await codes(client, library, body) == ["RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"]


async def test_override_of_a_renewable_loan_is_refused(client: httpx.AsyncClient, library: Library) -> None:
    """A loan that can be renewed without an override is refused with one."""
    overrides = {"renewalBlock": {}, "comment": "just so"}
    (error,) = await refuse(client, library, renewal_body(library, PLAIN, overrideBlocks=overrides))

    assert error["code"] == "OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN"
    assert error["parameters"] == policy_parameters(library, "Standard loan")


async def test_override_without_the_permission(client: httpx.AsyncClient, library: Library) -> None:
    """The refusal names the missing permission."""
    overrides = {"renewalBlock": {}, "comment": "please"}
    body = renewal_body(library, AT_LIMIT, overrideBlocks=overrides)
    assert await refuse(client, library, body, caller="sandbox:desk") == [
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


async def test_override_without_a_comment(client: httpx.AsyncClient, library: Library) -> None:
    """An override of the renewal has a code for the missing comment, one of a patron block has none."""
    (forced,) = await refuse(
        client, library, renewal_body(library, AT_LIMIT, overrideBlocks={"renewalBlock": {}})
    )
    (patron,) = await refuse(
        client, library, renewal_body(library, PLAIN, overrideBlocks={"patronBlock": {}})
    )

    assert forced["code"] == "OVERRIDE_RENEWAL_COMMENT_REQUIRED"
    assert forced["parameters"] == patron["parameters"] == [{"key": "comment", "value": None}]
    assert "code" not in patron


@pytest.mark.parametrize("path", [BY_BARCODE, BY_ID])
@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
async def test_bodies_that_are_not_objects(client: httpx.AsyncClient, path: str, content: bytes) -> None:
    """They are 400 in plain text."""
    response = await client.post(path, content=content)
    assert (response.status_code, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize("path", [BY_BARCODE, BY_ID])
async def test_renewals_require_their_permission(client: httpx.AsyncClient, path: str) -> None:
    """A caller without permissions may not renew."""
    response = await client.post(path, json={}, headers={"X-Okapi-Token": "sandbox:nobody"})
    assert response.status_code == 403
    assert response.text.endswith(f"requires permission: circulation.{path.rsplit('/', 1)[1]}.post")


async def test_library_without_policies(client: httpx.AsyncClient, library: Library, circ_desk: str) -> None:
    """Its loans are renewed for four weeks, without a limit."""
    await lend(client, circ_desk, "2000000001", loanDate="2026-01-02T03:04:05Z")
    library.loan_policies.clear()
    loan = loan_of(library, "2000000001") | {"renewalCount": 30}
    library.loans[loan["id"]] = loan
    expected = library.clock.now() + timedelta(days=28)
    response = await client.post(BY_BARCODE, json=renewal_body(library, "2000000001"))

    assert response.json()["renewalCount"] == 31
    assert abs(datetime.fromisoformat(response.json()["dueDate"]) - expected) < timedelta(minutes=1)
