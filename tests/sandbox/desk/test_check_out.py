"""Lending at the desk: what is lent, and every reason not to."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

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
def _body(desk: str) -> Callable[..., Body]:
    def body(item: str = ITEM, user: str = PATRON, **more: object) -> Body:
        return {"itemBarcode": item, "userBarcode": user, "servicePointId": desk, **more}

    return body


def state(library: Library) -> object:
    return deepcopy((library.loans, library.items, library.requests))


async def refused(client: httpx.AsyncClient, library: Library, body: Body, caller: str = "") -> list[Body]:
    """Send it, see that nothing has changed, and return the errors."""
    before = state(library)
    answer = await client.post(BFF, json=body, headers={"X-Okapi-Token": caller} if caller else {})

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert state(library) == before
    errors: list[Body] = answer.json()["errors"]
    return errors


async def test_a_check_out_makes_a_loan(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The loan is answered whole, the item is checked out, and the next search finds both."""
    answer = await client.post(BFF, json=body(loanDate=NOW))
    loan = answer.json()
    patron, item = library.user_by_barcode(PATRON), library.item_by_barcode(ITEM)
    assert patron is not None
    assert item is not None

    assert answer.status_code == 200
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


async def test_circulation_answers_created(client: httpx.AsyncClient, body: Callable[..., Body]) -> None:
    """Without the BFF a check-out is 201 with the place of the loan."""
    answer = await client.post(CIRCULATION, json=body())

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/circulation/loans/{answer.json()['id']}"


async def test_a_second_check_out(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """A lent item is refused without a code."""
    await client.post(BFF, json=body())
    assert await refused(client, library, body()) == [
        {"message": "Item is already checked out", "parameters": [{"key": "itemBarcode", "value": ITEM}]}
    ]


async def test_an_open_loan_behind_another_status(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An item that claims to be available though it is on loan is refused with a code."""
    lent = library.item_by_barcode("2000000035")
    assert lent is not None
    lent["status"]["name"] = "Available"

    errors = await refused(client, library, body(item="2000000035"))
    assert [each.get("code") for each in errors] == ["ITEM_HAS_OPEN_LOAN", None]


async def test_unknown_barcodes(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """Both are told at once; only the one of the user has a code."""
    assert await refused(client, library, body(item="no item", user="no user")) == [
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
async def test_patrons_who_are_not_served(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], patron: str
) -> None:
    """Expired and inactive are one refusal, without a code."""
    assert await refused(client, library, body(user=patron)) == [
        {
            "message": "Cannot check out to inactive user",
            "parameters": [{"key": "userBarcode", "value": patron}],
        }
    ]


async def test_a_manual_block(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """All texts come in one error, and this caller may lift it."""
    assert await refused(client, library, body(user=MANUALLY_BLOCKED)) == [
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
    """Each condition is an error of its own, without parameters; another caller would have to lift it."""
    errors = await refused(client, library, body(user=AUTOMATICALLY_BLOCKED), caller="sandbox:desk")

    assert [each["code"] for each in errors] == ["USER_IS_BLOCKED_AUTOMATICALLY"] * 2
    assert [each["parameters"] for each in errors] == [[], []]
    assert errors[0]["overridableBlock"] == {
        "name": "patronBlock",
        "missingPermissions": ["circulation.override-patron-block.post"],
    }


async def test_an_item_limit(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """A visitor has two books at most, but may still have a film."""
    (error,) = await refused(client, library, body(user=VISITOR))

    assert error["code"] == "ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE"
    assert error["overridableBlock"] == {"name": "itemLimitBlock", "missingPermissions": []}
    assert error["message"] == (
        "Patron has reached maximum limit of 2 items for combination of patron group and material type"
    )
    assert (await client.post(BFF, json=body(user=VISITOR, item="2000000010"))).status_code == 200


async def test_an_item_that_is_not_lent(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The policy in the way is named."""
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Not loanable")
    assert await refused(client, library, body(item=READING_ROOM_ITEM)) == [
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
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], desk: str
) -> None:
    """Block and policy arrive in one answer."""
    errors = await refused(client, library, body(user=MANUALLY_BLOCKED, item=READING_ROOM_ITEM))
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
    """The message says which status it is."""
    (error,) = await refused(client, library, body(item=barcode))

    assert error["message"].endswith(
        f"(Barcode: {barcode}) has the item status {status} and cannot be checked out"
    )
    assert error["parameters"] == [{"key": "itemBarcode", "value": barcode}]
    assert "code" not in error


async def test_an_item_on_hold_for_somebody_else(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An item that waits for its requester is not given to another patron."""
    (error,) = await refused(client, library, body(item="2000000251"))

    assert error["message"].endswith("because it has been requested by another patron")
    assert error["parameters"] == [{"key": "userBarcode", "value": PATRON}]


async def test_a_request_is_filled(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """The requester takes the item, and the request is closed and leaves the queue."""
    item = library.item_by_barcode("2000000251")
    assert item is not None
    request = next(each for each in library.requests.values() if each.get("itemId") == item["id"])
    requester = library.users[request["requesterId"]]

    answer = await client.post(BFF, json=body(item="2000000251", user=requester["barcode"]))

    assert answer.status_code == 200
    assert library.requests[request["id"]]["status"] == "Closed - Filled"
    assert "position" not in library.requests[request["id"]]


async def test_a_proxy(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """A proxy borrows for the sponsor."""
    answer = await client.post(BFF, json=body(user=SPONSOR, proxyUserBarcode=PROXY))
    proxy = library.user_by_barcode(PROXY)
    assert proxy is not None

    assert answer.status_code == 200
    assert answer.json()["proxyUserId"] == proxy["id"]


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
async def test_proxies_that_are_not_accepted(
    client: httpx.AsyncClient,
    library: Library,
    body: Callable[..., Body],
    proxy: str,
    message: str,
    code: str | None,
) -> None:
    """Somebody who may not act for the sponsor is refused by name of the field."""
    (error,) = await refused(client, library, body(user=SPONSOR, proxyUserBarcode=proxy))

    assert (error["message"], error.get("code")) == (message, code)
    assert error["parameters"] == [{"key": "proxyUserBarcode", "value": proxy}]


async def test_an_unknown_service_point(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """A loan is made somewhere."""
    elsewhere = "00000000-0000-4000-8000-000000000000"
    assert await refused(client, library, body(servicePointId=elsewhere)) == [
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
async def test_overrides_lift_blocks(
    client: httpx.AsyncClient, body: Callable[..., Body], patron: str, item: str, block: Body
) -> None:
    """With a comment and the right to it, each block is lifted, and the loan says so."""
    answer = await client.post(BFF, json=body(item, patron, overrideBlocks=block | {"comment": "ok by me"}))
    loan = answer.json()

    assert answer.status_code == 200
    assert (loan["action"], loan["actionComment"]) == ("checkedOutThroughOverride", "ok by me")
    if "itemNotLoanableBlock" in block:
        assert loan["dueDate"] == "2099-01-01T12:00:00.000+00:00"


async def test_one_override_lifts_one_block(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """What was not asked to be lifted still stands."""
    asked = {"patronBlock": {}, "comment": "ok"}
    errors = await refused(client, library, body(READING_ROOM_ITEM, MANUALLY_BLOCKED, overrideBlocks=asked))
    assert [each["code"] for each in errors] == ["ITEM_NOT_LOANABLE"]


async def test_an_override_without_the_right(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """A caller who lacks the permission is told which."""
    asked = {"patronBlock": {}, "comment": "please"}
    blocked = body(user=MANUALLY_BLOCKED, overrideBlocks=asked)
    assert await refused(client, library, blocked, caller="sandbox:desk") == [
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


async def test_an_override_without_comment(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """A reason has to be given for every override."""
    (error,) = await refused(client, library, body(user=MANUALLY_BLOCKED, overrideBlocks={"patronBlock": {}}))
    assert error["parameters"] == [{"key": "comment", "value": None}]


async def test_a_due_date_before_the_loan(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body]
) -> None:
    """An override cannot lend into the past."""
    asked = {"itemNotLoanableBlock": {"dueDate": "2020-01-01T00:00:00Z"}, "comment": "ok"}
    (error,) = await refused(client, library, body(READING_ROOM_ITEM, overrideBlocks=asked))
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
async def test_bodies_that_are_not_valid(
    client: httpx.AsyncClient, library: Library, body: Callable[..., Body], change: Body
) -> None:
    """The BFF's framework refuses them before any rule is asked; mod-circulation refuses them too."""
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
async def test_bodies_that_are_no_objects(client: httpx.AsyncClient, content: bytes) -> None:
    """Malformed JSON is 400 in both forms."""
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
    """Days and weeks end with the day, hours do not."""
    assert (await client.post(BFF, json=body(item, loanDate=NOW))).json()["dueDate"] == due


async def test_time_can_pass(client: httpx.AsyncClient, library: Library, body: Callable[..., Body]) -> None:
    """The library's clock can be moved past a patron's expiration."""
    library.clock.advance(timedelta(days=400))

    (error,) = await refused(client, library, body())
    assert error["message"] == "Cannot check out to inactive user"
    assert datetime.fromisoformat(library.now()) > library.clock.start - timedelta(seconds=1)
