"""Asking for a copy or a title: what follows from it, and every reason to be refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.clock import add_period, format_timestamp, parse_timestamp
from gateway.sandbox.library import Record

pytestmark = pytest.mark.anyio

BFF, CIRCULATION = "/circulation-bff/requests", "/circulation/requests"
PATRON, MANUALLY_BLOCKED, AUTOMATICALLY_BLOCKED = "1000000001", "1000000003", "1000000004"
EXPIRED, INACTIVE, PROXY, SPONSOR, VISITOR = (
    "1000000005",
    "1000000006",
    "1000000009",
    "1000000010",
    "1000000011",
)
FORMER_PROXY = "1000000012"
READER_OF_MANY = "1000000002"
AVAILABLE, LENT, READING_ROOM = "2000000001", "2000000037", "2000000009"
NOTHING = "00000000-0000-4000-8000-000000000000"
CHOSEN = "11111111-1111-4111-8111-111111111111"

Body = dict[str, Any]
Refused = Callable[..., Awaitable[list[Body]]]
Wanted = Callable[..., Body]


def item_of(library: Library, barcode: str) -> Record:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def user_id(library: Library, barcode: str) -> str:
    user = library.user_by_barcode(barcode)
    assert user is not None
    return str(user["id"])


def for_title(body: Body) -> Body:
    return {
        name: value
        for name, value in (body | {"requestLevel": "Title"}).items()
        if name not in ("itemId", "holdingsRecordId")
    }


async def test_a_page(client: httpx.AsyncClient, library: Library, wanted: Wanted) -> None:
    """The copy is paged, the request stands in the queue, and the answer shows it whole."""
    answer = await client.post(BFF, json=wanted(patronComments="Second edition"))
    request = answer.json()

    assert answer.status_code == 201
    assert request["status"] == "Open - Not yet filled"
    assert request["position"] == 1
    assert request["requestDate"] == "2026-01-02T03:04:05.000+00:00"
    assert request["patronComments"] == "Second edition"
    assert request["instance"]["title"] == "Pride and Prejudice"
    assert request["item"]["status"] == "Paged"
    assert request["requester"]["barcode"] == PATRON
    assert request["pickupServicePoint"]["name"] == "Circ Desk 1"
    assert request["metadata"]["createdByUserId"] == library.user_by_name("head")["id"]  # type: ignore[index] # seeded
    assert item_of(library, AVAILABLE)["status"]["name"] == "Paged"
    queue = await client.get(f"{CIRCULATION}/queue/instance/{request['instanceId']}")
    assert [each["id"] for each in queue.json()["requests"]] == [request["id"]]


async def test_circulation_tells_where_it_is_and_which_loan_is_in_the_way(
    client: httpx.AsyncClient, wanted: Wanted
) -> None:
    """Without the BFF there is a Location, the loan and whatever tags were sent."""
    answer = await client.post(CIRCULATION, json=wanted(LENT, kind="Hold", tags={"tagList": ["urgent"]}))
    request = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/circulation/requests/{request['id']}"
    assert list(request["loan"]) == ["dueDate"]
    assert request["tags"] == {"tagList": ["urgent"]}
    assert "loan" not in (await client.post(BFF, json=wanted(LENT, SPONSOR, "Hold"))).json()


async def test_a_hold_is_told_to_the_loan(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """It comes after those who wait already, and the due date stays."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    due = loan["dueDate"]
    request = (await client.post(BFF, json=wanted(LENT, kind="Hold"))).json()

    assert request["position"] == 2
    assert (loan["action"], loan["dueDate"]) == ("holdrequested", due)
    assert list(library.loan_history.values())[-1]["loan"] == loan
    assert "dueDateChangedByRecall" not in loan
    assert item_of(library, LENT)["status"]["name"] == "Checked out"


@pytest.mark.parametrize(
    ("recalls", "days"), [({}, 7), ({"recallReturnInterval": {"duration": 5, "intervalId": "Days"}}, 5)]
)
async def test_a_recall_shortens_the_loan(
    client: httpx.AsyncClient, library: Library, wanted: Wanted, recalls: Body, days: int
) -> None:
    """The copy is due when the policy says, or in a week, once: a second recall changes nothing more."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    library.loan_policies[loan["loanPolicyId"]]["requestManagement"] = {"recalls": recalls}
    loan["dueDate"] = format_timestamp(library.clock.now() + timedelta(days=20))
    await client.post(BFF, json=wanted(LENT, kind="Recall"))
    shortened = format_timestamp(add_period(library.clock.now(), {"duration": days, "intervalId": "Days"}))

    assert loan["action"] == "recallrequested"
    assert (loan["dueDate"], loan["dueDateChangedByRecall"]) == (shortened, True)
    library.clock.advance(timedelta(days=2))
    await client.post(BFF, json=wanted(LENT, SPONSOR, "Recall"))
    assert loan["dueDate"] == shortened


async def test_a_recall_never_lengthens_a_loan(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """A loan that ends sooner anyway keeps its due date."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    loan["dueDate"] = soon = format_timestamp(library.clock.now() + timedelta(days=1))
    await client.post(BFF, json=wanted(LENT, kind="Recall"))

    assert loan["dueDate"] == soon
    assert "dueDateChangedByRecall" not in loan


async def test_a_page_for_a_title_finds_a_copy(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """The first copy that can be fetched is paged."""
    request = (await client.post(BFF, json=for_title(wanted()))).json()

    assert (request["requestLevel"], request["itemId"]) == ("Title", item_of(library, AVAILABLE)["id"])
    assert request["holdingsRecordId"] == item_of(library, AVAILABLE)["holdingsRecordId"]
    assert item_of(library, AVAILABLE)["status"]["name"] == "Paged"
    assert item_of(library, "2000000161")["status"]["name"] == "Available"


async def test_a_hold_for_a_title_has_no_copy_yet(client: httpx.AsyncClient, wanted: Wanted) -> None:
    """Whatever comes back first will fill it."""
    request = (await client.post(BFF, json=for_title(wanted("2000000071", kind="Hold")))).json()
    assert "itemId" not in request
    assert "item" not in request


async def test_a_recall_for_a_title_takes_the_loan_that_ends_first(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """Its borrower hears of it."""
    request = (await client.post(BFF, json=for_title(wanted("2000000071", kind="Recall")))).json()
    loan = library.open_loan_of_item(request["itemId"])

    assert request["itemId"] == item_of(library, "2000000071")["id"]
    assert loan is not None
    assert loan["action"] == "recallrequested"


async def test_a_delivery(client: httpx.AsyncClient, library: Library, wanted: Wanted) -> None:
    """It needs no pickup point and shows the address."""
    home = next(key for key, each in library.address_types.items() if each["addressType"] == "Home")
    body = wanted(fulfillmentPreference="Delivery", deliveryAddressTypeId=home, pickupServicePointId=None)
    request = (await client.post(BFF, json=body)).json()

    assert request["deliveryAddress"]["city"] == "Springfield"
    assert "pickupServicePoint" not in request


async def test_a_proxy_asks_for_the_sponsor(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """Both are in the answer."""
    answer = await client.post(BFF, json=wanted(user=SPONSOR, proxyUserId=user_id(library, PROXY)))
    request = answer.json()
    assert (request["requester"]["barcode"], request["proxy"]["barcode"]) == (SPONSOR, PROXY)


@pytest.mark.parametrize(
    ("proxy", "message", "code"),
    [
        (FORMER_PROXY, "proxyUserId is not valid", None),
        (EXPIRED, "proxyUserId is not valid", None),
        (SPONSOR, "User cannot be proxy for themselves", "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"),
    ],
)
async def test_proxies_that_are_not_accepted(
    library: Library, wanted: Wanted, refused: Refused, proxy: str, message: str, code: str | None
) -> None:
    """Somebody who may not act for the sponsor is refused by the name of the field."""
    body = wanted(user=SPONSOR, proxyUserId=user_id(library, proxy))
    (error,) = await refused("POST", BFF, body)

    assert (error["message"], error.get("code")) == (message, code)
    assert error["parameters"] == [{"key": "proxyUserId", "value": user_id(library, proxy)}]


@pytest.mark.parametrize(
    ("change", "message", "key", "code"),
    [
        ({"itemId": None}, "Cannot create a request with no item ID", "itemId", None),
        (
            {"holdingsRecordId": None},
            "Cannot create a request with no holdings record ID",
            "holdingsRecordId",
            None,
        ),
        (
            {"pickupServicePointId": None},
            "Hold Shelf Fulfillment Requests require a Pickup Service Point",
            "pickupServicePointId",
            "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT",
        ),
        (
            {"pickupServicePointId": NOTHING},
            "Pickup service point does not exist",
            "pickupServicePointId",
            None,
        ),
        ({"instanceId": NOTHING}, "Instance does not exist", "instanceId", None),
        ({"itemId": NOTHING}, "Item does not exist", "itemId", None),
        ({"requesterId": NOTHING}, "Could not find user with matching ID", "userId", "USER_NOT_FOUND"),
    ],
)
async def test_parts_that_are_missing_or_unknown(
    wanted: Wanted, refused: Refused, change: Body, message: str, key: str, code: str | None
) -> None:
    """Most of these refusals carry no code."""
    (error,) = await refused("POST", BFF, wanted(**change))

    assert (error["message"], error.get("code")) == (message, code)
    assert error["parameters"] == [{"key": key, "value": next(iter(change.values()))}]


async def test_a_point_where_nothing_is_picked_up(library: Library, wanted: Wanted, refused: Refused) -> None:
    """The service point has to be a pickup location."""
    online = next(key for key, point in library.service_points.items() if point["name"] == "Online")
    (error,) = await refused("POST", BFF, wanted(pickupServicePointId=online))
    assert error == {
        "message": "Service point is not a pickup location",
        "parameters": [{"key": "pickupServicePointId", "value": online}],
        "code": "SERVICE_POINT_IS_NOT_PICKUP_LOCATION",
    }


async def test_a_point_that_the_policy_does_not_allow(wanted: Wanted, refused: Refused) -> None:
    """Films are handed out at the Music Desk only."""
    (error,) = await refused("POST", BFF, wanted("2000000010"))
    assert error["code"] == "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"


async def test_the_same_copy_twice(client: httpx.AsyncClient, wanted: Wanted, refused: Refused) -> None:
    """The request in the way is named."""
    first = (await client.post(BFF, json=wanted(LENT, kind="Hold"))).json()
    (error,) = await refused("POST", BFF, wanted(LENT, kind="Recall"))

    assert error["code"] == "ITEM_ALREADY_REQUESTED"
    assert error["parameters"] == [
        {"key": "requesterId", "value": first["requesterId"]},
        {"key": "itemId", "value": first["itemId"]},
        {"key": "requestId", "value": first["id"]},
    ]


async def test_the_same_title_twice(client: httpx.AsyncClient, wanted: Wanted, refused: Refused) -> None:
    """It matters whether the first request was for the title or for one of its copies."""
    title = for_title(wanted("2000000071", kind="Hold"))
    await client.post(BFF, json=title)
    (error,) = await refused("POST", BFF, title)
    await client.post(BFF, json=wanted("2000000072", kind="Hold"))
    (other,) = await refused("POST", BFF, for_title(wanted("2000000072", kind="Hold")))

    assert error["code"] == "INSTANCE_ALREADY_REQUESTED"
    assert other["code"] == "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED"


async def test_a_copy_that_the_requester_has(wanted: Wanted, refused: Refused) -> None:
    """Nobody waits for their own loan, nor for its title."""
    copy = wanted("2000000037", READER_OF_MANY, "Hold")
    (error,) = await refused("POST", BFF, copy)
    title = await refused("POST", BFF, for_title(copy))

    assert error["code"] == "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN"
    assert [parameter["key"] for parameter in error["parameters"]] == ["itemId", "userId", "loanId"]
    assert title[0]["code"] == "REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS"


@pytest.mark.parametrize(
    ("item", "user", "kind"),
    [
        (LENT, PATRON, "Page"),
        (AVAILABLE, PATRON, "Hold"),
        ("2000000024", PATRON, "Hold"),
        (READING_ROOM, PATRON, "Page"),
        ("2000000032", PATRON, "Recall"),
        (LENT, VISITOR, "Hold"),
    ],
)
async def test_types_that_are_not_allowed(
    wanted: Wanted, refused: Refused, item: str, user: str, kind: str
) -> None:
    """Neither status nor policy may be against it."""
    (error,) = await refused("POST", BFF, wanted(item, user, kind))
    assert error == {
        "message": f"{kind} requests are not allowed for this patron and item combination",
        "parameters": [{"key": "requestType", "value": kind}],
        "code": "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
    }


@pytest.mark.parametrize(
    ("item", "user", "kind", "code"),
    [
        (AVAILABLE, PATRON, "Hold", "HOLD_AND_RECALL_TLR_NOT_ALLOWED_PAGEABLE_AVAILABLE_ITEM_FOUND"),
        ("2000000071", PATRON, "Page", "CANNOT_CREATE_PAGE_TLR_WITHOUT_ITEM_ID"),
        ("2000000071", VISITOR, "Hold", "REQUEST_NOT_ALLOWED_FOR_PATRON_TITLE_COMBINATION"),
    ],
)
async def test_types_that_a_title_does_not_allow(
    wanted: Wanted, refused: Refused, item: str, user: str, kind: str, code: str
) -> None:
    """All copies together decide."""
    (error,) = await refused("POST", BFF, for_title(wanted(item, user, kind)))
    assert error["code"] == code


@pytest.mark.parametrize("patron", [EXPIRED, INACTIVE])
async def test_patrons_who_are_not_served(wanted: Wanted, refused: Refused, patron: str) -> None:
    """Expired and inactive are one refusal, without a code."""
    (error,) = await refused("POST", BFF, wanted(user=patron))

    assert error["message"] == "Inactive users cannot make requests"
    assert "code" not in error


async def test_blocks(wanted: Wanted, refused: Refused) -> None:
    """Manual blocks are one error with all texts, automated ones an error each, all to be lifted together."""
    (manual,) = await refused("POST", BFF, wanted(user=MANUALLY_BLOCKED))
    (automated,) = await refused("POST", BFF, wanted(user=AUTOMATICALLY_BLOCKED), caller="sandbox:desk")

    assert manual == {
        "message": "Patron blocked from requesting",
        "parameters": [{"key": "reason", "value": "Card reported lost;Address unknown"}],
        "code": "USER_IS_BLOCKED_MANUALLY",
        "overridableBlock": {"name": "patronBlock", "missingPermissions": []},
    }
    assert (automated["code"], automated["parameters"]) == ("USER_IS_BLOCKED_AUTOMATICALLY", [])
    assert automated["overridableBlock"] == {
        "name": "patronBlock",
        "missingPermissions": ["circulation.override-patron-block.post"],
    }


async def test_reasons_are_collected(wanted: Wanted, refused: Refused) -> None:
    """Block and policy arrive in one answer."""
    errors = await refused("POST", BFF, wanted(READING_ROOM, MANUALLY_BLOCKED))
    assert [error["code"] for error in errors] == [
        "USER_IS_BLOCKED_MANUALLY",
        "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
    ]


@pytest.mark.parametrize("patron", [MANUALLY_BLOCKED, AUTOMATICALLY_BLOCKED])
async def test_a_block_is_lifted(client: httpx.AsyncClient, wanted: Wanted, patron: str) -> None:
    """With a comment and the right to it; the parameters themselves are not stored."""
    asked = {"overrideBlocks": {"patronBlock": {}, "comment": "Exam next week"}}
    answer = await client.post(BFF, json=wanted(user=patron, requestProcessingParameters=asked))

    assert answer.status_code == 201
    assert "requestProcessingParameters" not in answer.json()


async def test_a_block_is_not_lifted(wanted: Wanted, refused: Refused) -> None:
    """Without a comment, without the right, or with a block that means nothing here."""

    def overriding(**blocks: object) -> Body:
        return wanted(user=MANUALLY_BLOCKED, requestProcessingParameters={"overrideBlocks": blocks})

    (silent,) = await refused("POST", BFF, overriding(patronBlock={}))
    (denied,) = await refused("POST", BFF, overriding(patronBlock={}, comment="please"), "sandbox:desk")
    (blocked,) = await refused("POST", BFF, overriding(itemLimitBlock={}, comment="please"))

    assert silent["parameters"] == [{"key": "comment", "value": None}]
    assert denied["code"] == "INSUFFICIENT_OVERRIDE_PERMISSIONS"
    assert blocked["code"] == "USER_IS_BLOCKED_MANUALLY"


async def test_an_id_of_ones_own(client: httpx.AsyncClient, wanted: Wanted, refused: Refused) -> None:
    """A chosen id is kept, and a replay with it is refused."""
    first = await client.post(BFF, json=wanted(id=CHOSEN.upper()))
    (error,) = await refused("POST", BFF, wanted("2000000161", SPONSOR, id=CHOSEN))

    assert first.json()["id"] == CHOSEN
    assert error == {
        "message": f"id value already exists in table request: {CHOSEN}",
        "parameters": [{"key": "id", "value": CHOSEN}],
        "code": "-1",
        "type": "1",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"requestType": None},
        {"requestLevel": None},
        {"requestDate": None},
        {"requesterId": None},
        {"instanceId": None},
        {"fulfillmentPreference": None},
        {"requestType": "Borrow"},
        {"requestLevel": "Shelf"},
        {"fulfillmentPreference": "Post"},
        {"requestDate": "yesterday"},
        {"itemId": "moby"},
        {"pickupServicePointId": "01890000-0000-7000-8000-000000000000"},
        {"patronComments": 7},
        {"requestProcessingParameters": "all"},
        {"requestProcessingParameters": {"overrideBlocks": {"everyBlock": {}, "comment": "x"}}},
        {"tags": ["urgent"]},
    ],
)
async def test_bodies_that_are_not_valid(
    client: httpx.AsyncClient, library: Library, wanted: Wanted, change: Body
) -> None:
    """The BFF's framework refuses them before any rule is asked; mod-circulation refuses them too."""
    before = len(library.requests)
    bff = await client.post(BFF, json=wanted(**change))
    circulation = await client.post(CIRCULATION, json=wanted(**change))

    assert bff.status_code == 400
    assert bff.json() | {"timestamp": ""} == {
        "timestamp": "",
        "status": 400,
        "error": "Bad Request",
        "path": BFF,
    }
    assert circulation.status_code in (400, 422)
    assert len(library.requests) == before


async def test_tags_do_not_pass_the_bff(client: httpx.AsyncClient, wanted: Wanted) -> None:
    """Its type for them is a UUID, which the real ones are not."""
    assert (await client.post(BFF, json=wanted(tags={"tagList": []}))).status_code == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"requestLevel": "Shelf"}, "REQUEST_LEVEL_IS_NOT_ALLOWED"),
        ({"fulfillmentPreference": "Post"}, "FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED"),
        ({"requestType": "Borrow"}, None),
    ],
)
async def test_values_that_circulation_does_not_know(
    wanted: Wanted, refused: Refused, change: Body, code: str | None
) -> None:
    """It names the values it does know."""
    (error,) = await refused("POST", CIRCULATION, wanted(**change))

    assert error.get("code") == code
    assert " must be one of the following: " in error["message"]


async def test_the_permission(client: httpx.AsyncClient, library: Library, wanted: Wanted) -> None:
    """Okapi names what is missing, and nothing is asked for."""
    before = len(library.requests)
    answer = await client.post(BFF, json=wanted(), headers={"X-Okapi-Token": "sandbox:nobody"})

    assert answer.status_code == 403
    assert answer.text.endswith("requires permission: circulation-bff.requests.post")
    assert len(library.requests) == before


async def test_a_library_without_policies_allows_what_the_status_takes(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """As with one that was read from a folder."""
    library.request_rules.clear()
    library.request_policies.clear()
    assert (await client.post(BFF, json=wanted(READING_ROOM))).status_code == 201


async def test_a_new_request_is_filled_at_the_desk(
    client: httpx.AsyncClient, library: Library, wanted: Wanted, desk: str
) -> None:
    """The next scan of the copy puts it on the hold shelf."""
    request = (await client.post(BFF, json=wanted())).json()
    scan = {"itemBarcode": AVAILABLE, "servicePointId": desk, "checkInDate": library.now()}
    await client.post("/circulation-bff/loans/check-in-by-barcode", json=scan)
    found = (await client.get(f"{CIRCULATION}/{request['id']}")).json()

    assert found["status"] == "Open - Awaiting pickup"
    assert parse_timestamp(found["holdShelfExpirationDate"]) > library.clock.now()


async def test_a_page_for_a_title_by_a_copy_that_cannot_be_fetched(
    library: Library, wanted: Wanted, refused: Refused
) -> None:
    """Whoever names a copy gets that one or none."""
    item_of(library, AVAILABLE)["status"]["name"] = "Missing"
    (error,) = await refused("POST", BFF, wanted(requestLevel="Title"))
    assert error["code"] == "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION"


async def test_a_recall_for_a_title_whose_loans_are_recalled(
    client: httpx.AsyncClient, library: Library, wanted: Wanted
) -> None:
    """With nobody left to call, it waits without a copy."""
    loan = library.open_loan_of_item(item_of(library, "2000000071")["id"])
    assert loan is not None
    loan["dueDateChangedByRecall"] = True
    request = (await client.post(BFF, json=for_title(wanted("2000000071", kind="Recall")))).json()
    assert (request["requestType"], "itemId" in request) == ("Recall", False)
