"""Check-out: the new loan, and every reason for a refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from tests.records import encode_records

pytestmark = pytest.mark.anyio

BFF = "/circulation-bff/loans/check-out-by-barcode"
CIRCULATION = "/circulation/check-out-by-barcode"
PATRON, ITEM, READING_ROOM_ITEM = "1000000001", "2000000001", "2000000009"
MANUALLY_BLOCKED, AUTOMATICALLY_BLOCKED, EXPIRED, INACTIVE = (
    "1000000003",
    "1000000004",
    "1000000005",
    "1000000006",
)
PROXY, SPONSOR, VISITOR, FORMER_PROXY = "1000000009", "1000000010", "1000000011", "1000000012"
NOW = "2026-01-02T03:04:05.000Z"

Body = dict[str, Any]


@pytest.fixture(name="body")
def _body(circ_desk: str) -> Callable[..., Body]:
    def body(item: str = ITEM, user: str = PATRON, **more: object) -> Body:
        return {"itemBarcode": item, "userBarcode": user, "servicePointId": circ_desk, **more}

    return body


def state(library: Library) -> bytes:
    return encode_records(library.loans, library.items, library.requests)


async def refuse(client: httpx.AsyncClient, library: Library, body: Body, caller: str = "") -> list[Body]:
    """Send a check-out, check that nothing has changed, and return the errors."""
    before = state(library)
    response = await client.post(BFF, json=body, headers={"X-Okapi-Token": caller} if caller else {})

    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert state(library) == before
    errors: list[Body] = response.json()["errors"]
    return errors


async def test_check_out_creates_a_loan(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The complete loan is returned, the item is checked out, and the next search matches both."""
    response = await client.post(BFF, json=body(loanDate=NOW))
    loan = response.json()
    patron, item = library.user_by_barcode(PATRON), library.item_by_barcode(ITEM)
    assert patron is not None
    assert item is not None

    assert response.status_code == 200
    assert loan["userId"] == patron["id"]
    assert loan["itemId"] == item["id"]
    assert loan["status"] == {"name": "Open"}
    assert loan["action"] == "checkedout"
    assert loan["loanDate"] == "2026-01-02T03:04:05.000+00:00"
    assert loan["dueDate"] == "2026-01-30T23:59:59.000+00:00"
    assert loan["loanPolicy"] == {"name": "Standard loan"}
    assert loan["borrower"]["barcode"] == PATRON
    assert loan["item"]["status"]["name"] == "Checked out"
    assert loan["checkoutServicePoint"]["name"] == "Circ Desk 1"
    assert "actionComment" not in loan
    listed = await client.get(
        "/circulation/loans", params={"query": f'itemId=="{item["id"]}" and status.name==Open'}
    )
    assert [each["id"] for each in listed.json()["loans"]] == [loan["id"]]


async def test_circulation_responds_created(client: httpx.AsyncClient, body: Callable[..., Body]) -> None:
    """Without the BFF the response is 201 with the loan's Location."""
    response = await client.post(CIRCULATION, json=body())

    assert response.status_code == 201
    assert response.headers["location"] == f"/circulation/loans/{response.json()['id']}"


async def test_item_on_loan_is_refused(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An item on loan is refused without a code."""
    await client.post(BFF, json=body())
    assert await refuse(client, library, body()) == [
        {"message": "Item is already checked out", "parameters": [{"key": "itemBarcode", "value": ITEM}]}
    ]


async def test_available_item_with_an_open_loan_is_refused(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An item on loan whose status is Available is refused with a code."""
    lent = library.item_by_barcode("2000000035")
    assert lent is not None
    lent["status"]["name"] = "Available"

    errors = await refuse(client, library, body(item="2000000035"))
    assert [each.get("code") for each in errors] == ["ITEM_HAS_OPEN_LOAN", None]


async def test_unknown_barcodes(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """Both are reported at once; only the user's has a code."""
    assert await refuse(client, library, body(item="no item", user="no user")) == [
        {
            "message": "Could not find user with matching barcode",
            "parameters": [{"key": "userBarcode", "value": "no user"}],
            "code": "USER_BARCODE_NOT_FOUND",
        },
        {
            "message": "No item with barcode no item exists",
            "parameters": [{"key": "itemBarcode", "value": "no item"}],
        },
    ]


@pytest.mark.parametrize("patron", [EXPIRED, INACTIVE])
async def test_inactive_patrons_are_refused(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], patron: str
) -> None:
    """Expired and inactive patrons get the same refusal, without a code."""
    assert await refuse(client, library, body(user=patron)) == [
        {
            "message": "Cannot check out to inactive user",
            "parameters": [{"key": "userBarcode", "value": patron}],
        }
    ]


async def test_manual_block(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """All descriptions are in one error, and this caller may override it."""
    assert await refuse(client, library, body(user=MANUALLY_BLOCKED)) == [
        {
            "message": "Patron blocked from borrowing",
            "parameters": [{"key": "reason", "value": "Card reported lost;Address unknown"}],
            "code": "USER_IS_BLOCKED_MANUALLY",
            "overridableBlock": {"name": "patronBlock", "missingPermissions": []},
        }
    ]


async def test_automated_blocks(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """Each condition is a separate error without parameters; only another caller may override it."""
    errors = await refuse(client, library, body(user=AUTOMATICALLY_BLOCKED), caller="sandbox:desk")

    assert [each["code"] for each in errors] == ["USER_IS_BLOCKED_AUTOMATICALLY"] * 2
    assert [each["parameters"] for each in errors] == [[], []]
    assert errors[0]["overridableBlock"] == {
        "name": "patronBlock",
        "missingPermissions": ["circulation.override-patron-block.post"],
    }


async def test_item_limit(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """A visitor may borrow two books, and still a film."""
    (error,) = await refuse(client, library, body(user=VISITOR))

    assert error["code"] == "ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE"
    assert error["overridableBlock"] == {"name": "itemLimitBlock", "missingPermissions": []}
    assert error["message"] == (
        "Patron has reached maximum limit of 2 items for combination of patron group and material type"
    )
    assert (await client.post(BFF, json=body(user=VISITOR, item="2000000010"))).status_code == 200


async def test_not_loanable_item_is_refused(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The refusal names the loan policy."""
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Not loanable")
    assert await refuse(client, library, body(item=READING_ROOM_ITEM)) == [
        {
            "message": "Item is not loanable",
            "parameters": [
                {"key": "loanPolicyId", "value": policy["id"]},
                {"key": "loanPolicyName", "value": "Not loanable"},
                {"key": "itemBarcode", "value": READING_ROOM_ITEM},
            ],
            "code": "ITEM_NOT_LOANABLE",
            "overridableBlock": {"name": "itemNotLoanableBlock", "missingPermissions": []},
        }
    ]


async def test_reasons_are_collected(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], circ_desk: str
) -> None:
    """Block and policy are in one response."""
    errors = await refuse(client, library, body(user=MANUALLY_BLOCKED, item=READING_ROOM_ITEM))
    assert [each["code"] for each in errors] == ["USER_IS_BLOCKED_MANUALLY", "ITEM_NOT_LOANABLE"]


@pytest.mark.parametrize(
    ("barcode", "status"),
    [
        ("2000000018", "Intellectual item"),
        ("2000000151", "Claimed returned"),
        ("2000000152", "Declared lost"),
        ("2000000153", "Aged to lost"),
    ],
)
async def test_statuses_that_are_never_lent(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], barcode: str, status: str
) -> None:
    """The message contains the status."""
    (error,) = await refuse(client, library, body(item=barcode))

    assert error["message"].endswith(
        f"(Barcode: {barcode}) has the item status {status} and cannot be checked out"
    )
    assert error["parameters"] == [{"key": "itemBarcode", "value": barcode}]
    assert "code" not in error


async def test_item_on_hold_for_another_patron(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An item on the hold shelf is not lent to another patron."""
    (error,) = await refuse(client, library, body(item="2000000251"))

    assert error["message"].endswith("because it has been requested by another patron")
    assert error["parameters"] == [{"key": "userBarcode", "value": PATRON}]


async def test_check_out_fills_the_request(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The requester borrows the item, and the request is closed and leaves the queue."""
    item = library.item_by_barcode("2000000251")
    assert item is not None
    request = next(each for each in library.requests.values() if each.get("itemId") == item["id"])
    requester = library.users[request["requesterId"]]

    response = await client.post(BFF, json=body(item="2000000251", user=requester["barcode"]))

    assert response.status_code == 200
    assert library.requests[request["id"]]["status"] == "Closed - Filled"
    assert "position" not in library.requests[request["id"]]


async def test_proxy(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """A proxy borrows for the sponsor."""
    response = await client.post(BFF, json=body(user=SPONSOR, proxyUserBarcode=PROXY))
    proxy = library.user_by_barcode(PROXY)
    assert proxy is not None

    assert response.status_code == 200
    assert response.json()["proxyUserId"] == proxy["id"]


@pytest.mark.parametrize(
    ("proxy", "message", "code"),
    [
        (FORMER_PROXY, "Cannot check out item via proxy when relationship is invalid", None),
        ("1000000030", "Cannot check out item via proxy when relationship is invalid", None),
        (EXPIRED, "Cannot check out via inactive proxying user", None),
        (SPONSOR, "User cannot be proxy for themselves", "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"),
        ("nobody", "Could not find user with matching barcode", "USER_BARCODE_NOT_FOUND"),
    ],
)
async def test_invalid_proxies_are_refused(
    client: httpx.AsyncClient,
    library: Library,
    body: Callable[..., Body],
    proxy: str,
    message: str,
    code: str | None,
) -> None:
    """A user who is not the sponsor's proxy is refused under the field's name."""
    (error,) = await refuse(client, library, body(user=SPONSOR, proxyUserBarcode=proxy))

    assert (error["message"], error.get("code")) == (message, code)
    assert error["parameters"] == [{"key": "proxyUserBarcode", "value": proxy}]


async def test_unknown_service_point(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """A check-out needs an existing service point."""
    elsewhere = "00000000-0000-4000-8000-000000000000"
    assert await refuse(client, library, body(servicePointId=elsewhere)) == [
        {
            "message": "Check out must be performed at a service point",
            "parameters": [{"key": "servicePointId", "value": elsewhere}],
        }
    ]


@pytest.mark.parametrize(
    ("patron", "item", "block"),
    [
        (MANUALLY_BLOCKED, ITEM, {"patronBlock": {}}),
        (AUTOMATICALLY_BLOCKED, ITEM, {"patronBlock": {}}),
        (VISITOR, ITEM, {"itemLimitBlock": {}}),
        (PATRON, READING_ROOM_ITEM, {"itemNotLoanableBlock": {"dueDate": "2099-01-01T12:00:00Z"}}),
        (
            MANUALLY_BLOCKED,
            READING_ROOM_ITEM,
            {"patronBlock": {}, "itemNotLoanableBlock": {"dueDate": "2099-01-01T12:00:00Z"}},
        ),
    ],
)
async def test_overrides(
    client: httpx.AsyncClient, body: Callable[..., Body], patron: str, item: str, block: Body
) -> None:
    """With a comment and the permission each block is overridden, and the loan shows it."""
    response = await client.post(BFF, json=body(item, patron, overrideBlocks=block | {"comment": "ok by me"}))
    loan = response.json()

    assert response.status_code == 200
    assert (loan["action"], loan["actionComment"]) == ("checkedOutThroughOverride", "ok by me")
    if "itemNotLoanableBlock" in block:
        assert loan["dueDate"] == "2099-01-01T12:00:00.000+00:00"


async def test_an_override_applies_to_one_block(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """Blocks that are not overridden still apply."""
    overrides = {"patronBlock": {}, "comment": "ok"}
    errors = await refuse(
        client, library, body(READING_ROOM_ITEM, MANUALLY_BLOCKED, overrideBlocks=overrides)
    )
    assert [each["code"] for each in errors] == ["ITEM_NOT_LOANABLE"]


async def test_override_without_the_permission(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The refusal names the missing permission."""
    overrides = {"patronBlock": {}, "comment": "please"}
    blocked = body(user=MANUALLY_BLOCKED, overrideBlocks=overrides)
    assert await refuse(client, library, blocked, caller="sandbox:desk") == [
        {
            "message": "Insufficient override permissions",
            "parameters": [],
            "code": "INSUFFICIENT_OVERRIDE_PERMISSIONS",
            "overridableBlock": {
                "name": "patronBlock",
                "missingPermissions": ["circulation.override-patron-block.post"],
            },
        }
    ]


async def test_override_without_a_comment(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """Every override requires a comment."""
    (error,) = await refuse(client, library, body(user=MANUALLY_BLOCKED, overrideBlocks={"patronBlock": {}}))
    assert error["parameters"] == [{"key": "comment", "value": None}]


async def test_due_date_before_the_loan_date(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An override cannot set a due date in the past."""
    overrides = {"itemNotLoanableBlock": {"dueDate": "2020-01-01T00:00:00Z"}, "comment": "ok"}
    (error,) = await refuse(client, library, body(READING_ROOM_ITEM, overrideBlocks=overrides))
    assert error["parameters"] == [{"key": "dueDate", "value": "2020-01-01T00:00:00.000+00:00"}]


@pytest.mark.parametrize(
    "change",
    [
        {"itemBarcode": None},
        {"userBarcode": 7},
        {"servicePointId": "desk"},
        {"servicePointId": "01890000-0000-7000-8000-000000000000"},
        {"loanDate": "yesterday"},
        {"overrideBlocks": "all"},
        {"overrideBlocks": {"everyBlock": {}, "comment": "x"}},
        {"overrideBlocks": {"patronBlock": {"why": 1}, "comment": "x"}},
        {"overrideBlocks": {"itemNotLoanableBlock": {}, "comment": "x"}},
        {"overrideBlocks": {"patronBlock": {}, "comment": 7}},
    ],
)
async def test_invalid_bodies_are_rejected(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], change: Body
) -> None:
    """The BFF's framework rejects them before any rule; mod-circulation rejects them too."""
    before = state(library)
    bff = await client.post(BFF, json=body() | change)
    circulation = await client.post(CIRCULATION, json=body() | change)

    assert bff.status_code == 400
    assert bff.json() | {"timestamp": ""} == {
        "timestamp": "",
        "status": 400,
        "error": "Bad Request",
        "path": BFF,
    }
    assert circulation.status_code in (400, 422)
    assert state(library) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null"])
async def test_bodies_that_are_not_objects(client: httpx.AsyncClient, content: bytes) -> None:
    """Malformed JSON is 400 at both."""
    assert (await client.post(BFF, content=content)).json()["path"] == BFF
    assert (await client.post(CIRCULATION, content=content)).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("item", "due"),
    [
        (ITEM, "2026-01-30T23:59:59.000+00:00"),
        ("2000000010", "2026-01-09T23:59:59.000+00:00"),
        ("2000000011", "2026-01-02T06:04:05.000+00:00"),
    ],
)
async def test_due_dates(client: httpx.AsyncClient, body: Callable[..., Body], item: str, due: str) -> None:
    """Periods of days and weeks end at the end of the day, hours do not."""
    assert (await client.post(BFF, json=body(item, loanDate=NOW))).json()["dueDate"] == due


async def test_clock_can_be_advanced(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The library's clock can be moved past a patron's expiration date."""
    library.clock.advance(timedelta(days=400))

    (error,) = await refuse(client, library, body())
    assert error["message"] == "Cannot check out to inactive user"
    assert datetime.fromisoformat(library.now()) > library.clock.start - timedelta(seconds=1)
