"""The creation of requests: its effects, and every reason for a refusal."""

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
Refuse = Callable[..., Awaitable[list[Body]]]
RequestBody = Callable[..., Body]


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


async def test_page(client: httpx.AsyncClient, library: Library, request_body: RequestBody) -> None:
    """The item is paged, the request is in the queue, and the response shows it completely."""
    response = await client.post(BFF, json=request_body(patronComments="Second edition"))
    request = response.json()

    assert response.status_code == 201
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


async def test_circulation_returns_location_and_loan(
    client: httpx.AsyncClient, request_body: RequestBody
) -> None:
    """At mod-circulation the response has a Location, the item's loan and the tags of the body."""
    response = await client.post(
        CIRCULATION, json=request_body(LENT, kind="Hold", tags={"tagList": ["urgent"]})
    )
    request = response.json()

    assert response.status_code == 201
    assert response.headers["location"] == f"/circulation/requests/{request['id']}"
    assert list(request["loan"]) == ["dueDate"]
    assert request["tags"] == {"tagList": ["urgent"]}
    assert "loan" not in (await client.post(BFF, json=request_body(LENT, SPONSOR, "Hold"))).json()


async def test_hold_is_recorded_on_the_loan(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """The hold is last in the queue, and the due date stays."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    due = loan["dueDate"]
    request = (await client.post(BFF, json=request_body(LENT, kind="Hold"))).json()

    assert request["position"] == 2
    assert (loan["action"], loan["dueDate"]) == ("holdrequested", due)
    assert list(library.loan_history.values())[-1]["loan"] == loan
    assert "dueDateChangedByRecall" not in loan
    assert item_of(library, LENT)["status"]["name"] == "Checked out"


@pytest.mark.parametrize(
    ("recalls", "days"), [({}, 7), ({"recallReturnInterval": {"duration": 5, "intervalId": "Days"}}, 5)]
)
async def test_recall_shortens_the_loan(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody, recalls: Body, days: int
) -> None:
    """The loan is due by the policy's interval, or in a week; a second recall changes nothing."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    library.loan_policies[loan["loanPolicyId"]]["requestManagement"] = {"recalls": recalls}
    loan["dueDate"] = format_timestamp(library.clock.now() + timedelta(days=20))
    await client.post(BFF, json=request_body(LENT, kind="Recall"))
    shortened = format_timestamp(add_period(library.clock.now(), {"duration": days, "intervalId": "Days"}))

    assert loan["action"] == "recallrequested"
    assert (loan["dueDate"], loan["dueDateChangedByRecall"]) == (shortened, True)
    library.clock.advance(timedelta(days=2))
    await client.post(BFF, json=request_body(LENT, SPONSOR, "Recall"))
    assert loan["dueDate"] == shortened


async def test_recall_never_extends_a_loan(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """A loan that is due earlier keeps its due date."""
    loan = library.open_loan_of_item(item_of(library, LENT)["id"])
    assert loan is not None
    loan["dueDate"] = soon = format_timestamp(library.clock.now() + timedelta(days=1))
    await client.post(BFF, json=request_body(LENT, kind="Recall"))

    assert loan["dueDate"] == soon
    assert "dueDateChangedByRecall" not in loan


async def test_page_for_an_instance_selects_an_item(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """The first available item is paged."""
    request = (await client.post(BFF, json=for_title(request_body()))).json()

    assert (request["requestLevel"], request["itemId"]) == ("Title", item_of(library, AVAILABLE)["id"])
    assert request["holdingsRecordId"] == item_of(library, AVAILABLE)["holdingsRecordId"]
    assert item_of(library, AVAILABLE)["status"]["name"] == "Paged"
    assert item_of(library, "2000000161")["status"]["name"] == "Available"


async def test_hold_for_an_instance_has_no_item(client: httpx.AsyncClient, request_body: RequestBody) -> None:
    """The first item that is checked in will fill it."""
    request = (await client.post(BFF, json=for_title(request_body("2000000071", kind="Hold")))).json()
    assert "itemId" not in request
    assert "item" not in request


async def test_recall_for_an_instance_selects_the_loan_due_first(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """That loan is recalled."""
    request = (await client.post(BFF, json=for_title(request_body("2000000071", kind="Recall")))).json()
    loan = library.open_loan_of_item(request["itemId"])

    assert request["itemId"] == item_of(library, "2000000071")["id"]
    assert loan is not None
    assert loan["action"] == "recallrequested"


async def test_delivery(client: httpx.AsyncClient, library: Library, request_body: RequestBody) -> None:
    """It requires no pickup point and shows the address."""
    home = next(key for key, each in library.address_types.items() if each["addressType"] == "Home")
    body = request_body(
        fulfillmentPreference="Delivery", deliveryAddressTypeId=home, pickupServicePointId=None
    )
    request = (await client.post(BFF, json=body)).json()

    assert request["deliveryAddress"]["city"] == "Springfield"
    assert "pickupServicePoint" not in request


async def test_proxy_requests_for_the_sponsor(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """The response contains both."""
    response = await client.post(BFF, json=request_body(user=SPONSOR, proxyUserId=user_id(library, PROXY)))
    request = response.json()
    assert (request["requester"]["barcode"], request["proxy"]["barcode"]) == (SPONSOR, PROXY)


@pytest.mark.parametrize(
    ("proxy", "message", "code"),
    [
        (FORMER_PROXY, "proxyUserId is not valid", None),
        (EXPIRED, "proxyUserId is not valid", None),
        (SPONSOR, "User cannot be proxy for themselves", "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"),
    ],
)
async def test_invalid_proxies_are_refused(
    library: Library, request_body: RequestBody, refuse: Refuse, proxy: str, message: str, code: str | None
) -> None:
    """A user who is not the sponsor's proxy is refused under the field's name."""
    body = request_body(user=SPONSOR, proxyUserId=user_id(library, proxy))
    (error,) = await refuse("POST", BFF, body)

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
async def test_missing_or_unknown_references(
    request_body: RequestBody, refuse: Refuse, change: Body, message: str, key: str, code: str | None
) -> None:
    """Most of these refusals have no code."""
    (error,) = await refuse("POST", BFF, request_body(**change))

    assert (error["message"], error.get("code")) == (message, code)
    assert error["parameters"] == [{"key": key, "value": next(iter(change.values()))}]


async def test_service_point_is_not_a_pickup_location(
    library: Library, request_body: RequestBody, refuse: Refuse
) -> None:
    """The service point has to be a pickup location."""
    online = next(key for key, point in library.service_points.items() if point["name"] == "Online")
    (error,) = await refuse("POST", BFF, request_body(pickupServicePointId=online))
    assert error == {
        "message": "Service point is not a pickup location",
        "parameters": [{"key": "pickupServicePointId", "value": online}],
        "code": "SERVICE_POINT_IS_NOT_PICKUP_LOCATION",
    }


async def test_service_point_is_not_allowed_by_policy(request_body: RequestBody, refuse: Refuse) -> None:
    """The policy allows films at the Music Desk only."""
    (error,) = await refuse("POST", BFF, request_body("2000000010"))
    assert error["code"] == "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED"


async def test_same_item_twice(client: httpx.AsyncClient, request_body: RequestBody, refuse: Refuse) -> None:
    """The refusal names the existing request."""
    first = (await client.post(BFF, json=request_body(LENT, kind="Hold"))).json()
    (error,) = await refuse("POST", BFF, request_body(LENT, kind="Recall"))

    assert error["code"] == "ITEM_ALREADY_REQUESTED"
    assert error["parameters"] == [
        {"key": "requesterId", "value": first["requesterId"]},
        {"key": "itemId", "value": first["itemId"]},
        {"key": "requestId", "value": first["id"]},
    ]


async def test_same_instance_twice(
    client: httpx.AsyncClient, request_body: RequestBody, refuse: Refuse
) -> None:
    """The code depends on whether the first request was for the instance or for one of its items."""
    title = for_title(request_body("2000000071", kind="Hold"))
    await client.post(BFF, json=title)
    (error,) = await refuse("POST", BFF, title)
    await client.post(BFF, json=request_body("2000000072", kind="Hold"))
    (other,) = await refuse("POST", BFF, for_title(request_body("2000000072", kind="Hold")))

    assert error["code"] == "INSTANCE_ALREADY_REQUESTED"
    assert other["code"] == "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED"


async def test_item_on_loan_to_the_requester(request_body: RequestBody, refuse: Refuse) -> None:
    """A user cannot request an item of their own loans, nor its instance."""
    copy = request_body("2000000037", READER_OF_MANY, "Hold")
    (error,) = await refuse("POST", BFF, copy)
    title = await refuse("POST", BFF, for_title(copy))

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
    request_body: RequestBody, refuse: Refuse, item: str, user: str, kind: str
) -> None:
    """Status and policy both have to allow the type."""
    (error,) = await refuse("POST", BFF, request_body(item, user, kind))
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
async def test_types_that_an_instance_does_not_allow(
    request_body: RequestBody, refuse: Refuse, item: str, user: str, kind: str, code: str
) -> None:
    """All items together determine the types."""
    (error,) = await refuse("POST", BFF, for_title(request_body(item, user, kind)))
    assert error["code"] == code


@pytest.mark.parametrize("patron", [EXPIRED, INACTIVE])
async def test_inactive_patrons_are_refused(request_body: RequestBody, refuse: Refuse, patron: str) -> None:
    """Expired and inactive patrons get the same refusal, without a code."""
    (error,) = await refuse("POST", BFF, request_body(user=patron))

    assert error["message"] == "Inactive users cannot make requests"
    assert "code" not in error


async def test_blocks(request_body: RequestBody, refuse: Refuse) -> None:
    """Manual blocks are one error, automated ones an error each; all can be overridden together."""
    (manual,) = await refuse("POST", BFF, request_body(user=MANUALLY_BLOCKED))
    (automated,) = await refuse("POST", BFF, request_body(user=AUTOMATICALLY_BLOCKED), caller="sandbox:desk")

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


async def test_reasons_are_collected(request_body: RequestBody, refuse: Refuse) -> None:
    """Block and policy are in one response."""
    errors = await refuse("POST", BFF, request_body(READING_ROOM, MANUALLY_BLOCKED))
    assert [error["code"] for error in errors] == [
        "USER_IS_BLOCKED_MANUALLY",
        "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
    ]


@pytest.mark.parametrize("patron", [MANUALLY_BLOCKED, AUTOMATICALLY_BLOCKED])
async def test_block_is_overridden(client: httpx.AsyncClient, request_body: RequestBody, patron: str) -> None:
    """With a comment and the permission; the parameters themselves are not stored."""
    processing = {"overrideBlocks": {"patronBlock": {}, "comment": "Exam next week"}}
    response = await client.post(BFF, json=request_body(user=patron, requestProcessingParameters=processing))

    assert response.status_code == 201
    assert "requestProcessingParameters" not in response.json()


async def test_block_is_not_overridden(request_body: RequestBody, refuse: Refuse) -> None:
    """Without a comment, without the permission, or with a block that requests do not support."""

    def overriding(**blocks: object) -> Body:
        return request_body(user=MANUALLY_BLOCKED, requestProcessingParameters={"overrideBlocks": blocks})

    (silent,) = await refuse("POST", BFF, overriding(patronBlock={}))
    (denied,) = await refuse("POST", BFF, overriding(patronBlock={}, comment="please"), "sandbox:desk")
    (blocked,) = await refuse("POST", BFF, overriding(itemLimitBlock={}, comment="please"))

    assert silent["parameters"] == [{"key": "comment", "value": None}]
    assert denied["code"] == "INSUFFICIENT_OVERRIDE_PERMISSIONS"
    assert blocked["code"] == "USER_IS_BLOCKED_MANUALLY"


@pytest.mark.parametrize("path", [BFF, CIRCULATION])
async def test_client_chosen_id(
    client: httpx.AsyncClient, request_body: RequestBody, refuse: Refuse, path: str
) -> None:
    """The id is kept, and a second request with it is refused, first for the same item and requester."""
    first = await client.post(path, json=request_body(id=CHOSEN.upper()))
    again = (await refuse("POST", path, request_body(id=CHOSEN)))[0]
    (error,) = await refuse("POST", path, request_body("2000000161", SPONSOR, id=CHOSEN))

    assert first.json()["id"] == CHOSEN
    assert again["code"] == "ITEM_ALREADY_REQUESTED"
    assert {"key": "requestId", "value": CHOSEN} in again["parameters"]
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
async def test_invalid_bodies_are_rejected(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody, change: Body
) -> None:
    """The BFF's framework rejects them before any rule; mod-circulation rejects them too."""
    before = len(library.requests)
    bff = await client.post(BFF, json=request_body(**change))
    circulation = await client.post(CIRCULATION, json=request_body(**change))

    assert bff.status_code == 400
    assert bff.json() | {"timestamp": ""} == {
        "timestamp": "",
        "status": 400,
        "error": "Bad Request",
        "path": BFF,
    }
    assert circulation.status_code in (400, 422)
    assert len(library.requests) == before


async def test_bff_rejects_tags(client: httpx.AsyncClient, request_body: RequestBody) -> None:
    """Its type for tags is a UUID, so real ones are rejected."""
    assert (await client.post(BFF, json=request_body(tags={"tagList": []}))).status_code == 400


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"requestLevel": "Shelf"}, "REQUEST_LEVEL_IS_NOT_ALLOWED"),
        ({"fulfillmentPreference": "Post"}, "FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED"),
        ({"requestType": "Borrow"}, None),
    ],
)
async def test_unknown_values_at_circulation(
    request_body: RequestBody, refuse: Refuse, change: Body, code: str | None
) -> None:
    """The refusal lists the valid values."""
    (error,) = await refuse("POST", CIRCULATION, request_body(**change))

    assert error.get("code") == code
    assert " must be one of the following: " in error["message"]


async def test_permission(client: httpx.AsyncClient, library: Library, request_body: RequestBody) -> None:
    """Okapi names the missing permission, and no request is created."""
    before = len(library.requests)
    response = await client.post(BFF, json=request_body(), headers={"X-Okapi-Token": "sandbox:nobody"})

    assert response.status_code == 403
    assert response.text.endswith("requires permission: circulation-bff.requests.post")
    assert len(library.requests) == before


async def test_library_without_policies(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """The item's status alone determines the types, as in a library from a folder."""
    library.circulation_rules.clear()
    library.request_policies.clear()
    assert (await client.post(BFF, json=request_body(READING_ROOM))).status_code == 201


async def test_new_request_is_filled_at_check_in(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody, circ_desk: str
) -> None:
    """The next check-in of the item puts it on the hold shelf."""
    request = (await client.post(BFF, json=request_body())).json()
    scan = {"itemBarcode": AVAILABLE, "servicePointId": circ_desk, "checkInDate": library.now()}
    await client.post("/circulation-bff/loans/check-in-by-barcode", json=scan)
    view = (await client.get(f"{CIRCULATION}/{request['id']}")).json()

    assert view["status"] == "Open - Awaiting pickup"
    assert parse_timestamp(view["holdShelfExpirationDate"]) > library.clock.now()


async def test_page_for_an_instance_with_an_unavailable_item(
    library: Library, request_body: RequestBody, refuse: Refuse
) -> None:
    """A named item is used, or the request is refused."""
    item_of(library, AVAILABLE)["status"]["name"] = "Missing"
    (error,) = await refuse("POST", BFF, request_body(requestLevel="Title"))
    assert error["code"] == "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION"


async def test_recall_for_an_instance_without_further_loans(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """If every loan is recalled already, the request has no item."""
    loan = library.open_loan_of_item(item_of(library, "2000000071")["id"])
    assert loan is not None
    loan["dueDateChangedByRecall"] = True
    request = (await client.post(BFF, json=for_title(request_body("2000000071", kind="Recall")))).json()
    assert (request["requestType"], "itemId" in request) == ("Recall", False)
