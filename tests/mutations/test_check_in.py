"""Check-in: its effects on loan and item, refusals, and unknown outcomes."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.graph import schema
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.conftest import Execute
from tests.mutations.seeded import (
    CLAIMED_RETURNED_ITEM,
    INTELLECTUAL_ITEM,
    ITEM,
    LENT_ITEM,
    record,
    service_point,
    state,
)
from tests.mutations.unclear_responses import UNCLEAR_FAULTS, assert_unclear, fault_name

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

POST = "POST /circulation-bff/loans/check-in-by-barcode"
PERMISSION = "circulation-bff.loans.check-in-by-barcode.execute"
CHECK_IN = """mutation($input: CheckInInput!) { checkIn(input: $input) {
    __typename
    ... on CheckedIn {
        inHouseUse
        loan { id action returnDate status { name } checkinServicePoint { id name } borrower { barcode } }
        item { id barcode status { name } inTransitDestinationServicePoint { name } }
        loanItem { title status { name } }
        staffSlipContext {
            item { barcode title status fromServicePoint toServicePoint lastCheckedInDateTime }
            request { requestId servicePointPickup deliveryAddressType request { id } }
            requester { barcode lastName addressType }
        }
    }
    ... on Refusal { reasons {
        code message parameters { key value } overridableBlock { name missingPermissions }
    } }
} }"""
AFTERWARDS = """query($item: String!, $loan: ID!) {
    item(barcode: $item) { status { name } openLoan { id } lastCheckIn { servicePoint { name } } }
    loan(id: $loan) { status { name } }
}"""
KEYS = {"itemBarcode": LENT_ITEM, "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}


def returned(gateway: Gateway, item: str = LENT_ITEM, **more: Json) -> Json:
    return {"input": {"itemBarcode": item, "servicePointId": service_point(gateway.library), **more}}


async def taken_back(gateway: Gateway, item: str, **more: Json) -> Json:
    """Return the result of a check-in that makes one upstream call."""
    data = await gateway.data(CHECK_IN, returned(gateway, item, **more))

    assert data["checkIn"]["__typename"] == "CheckedIn"
    assert gateway.paths() == [POST]
    return data["checkIn"]


def waiting_for(gateway: Gateway, barcode: str) -> Json:
    item = record(gateway.library.item_by_barcode(barcode))
    return next(each for each in gateway.library.requests.values() if each.get("itemId") == item["id"])


def loan_of(gateway: Gateway, barcode: str) -> Json:
    item = record(gateway.library.item_by_barcode(barcode))
    return record(gateway.library.open_loan_of_item(item["id"]))


# Effects


async def test_check_in_closes_the_loan(gateway: Gateway) -> None:
    """The loan is closed, the item available, and the result complete, with one upstream call."""
    loan = loan_of(gateway, LENT_ITEM)
    item = record(gateway.library.item_by_barcode(LENT_ITEM))
    title = "The handbook of maps"
    execute = await taken_back(gateway, LENT_ITEM, checkInDate="2026-01-02T05:04:05+02:00")

    slip = execute["staffSlipContext"]
    date_time = slip["item"].pop("lastCheckedInDateTime")
    assert abs(datetime.fromisoformat(date_time) - gateway.library.clock.now()) < timedelta(minutes=1)
    assert execute == {
        "__typename": "CheckedIn",
        "inHouseUse": False,
        "loan": {
            "id": loan["id"],
            "action": "checkedin",
            "returnDate": "2026-01-02T03:04:05.000Z",
            "status": {"name": "CLOSED"},
            "checkinServicePoint": {"id": service_point(gateway.library), "name": "Circ Desk 1"},
            "borrower": {"barcode": gateway.library.users[loan["userId"]]["barcode"]},
        },
        "item": {
            "id": item["id"],
            "barcode": LENT_ITEM,
            "status": {"name": "AVAILABLE"},
            "inTransitDestinationServicePoint": None,
        },
        "loanItem": {"title": title, "status": {"name": "AVAILABLE"}},
        "staffSlipContext": {
            "item": {
                "barcode": LENT_ITEM,
                "title": title,
                "status": "Available",
                "fromServicePoint": "Circ Desk 1",
                "toServicePoint": None,
            },
            "request": None,
            "requester": None,
        },
    }


async def test_check_in_is_visible_to_the_next_operation(gateway: Gateway) -> None:
    """The next operation reads the item as available without a loan, and the loan as closed."""
    loan = loan_of(gateway, LENT_ITEM)["id"]
    variables = {"item": LENT_ITEM, "loan": loan}
    before = await gateway.data(AFTERWARDS, variables)
    await gateway.data(CHECK_IN, returned(gateway))
    after = await gateway.data(AFTERWARDS, variables)

    assert before == {
        "item": {"status": {"name": "CHECKED_OUT"}, "openLoan": {"id": loan}, "lastCheckIn": None},
        "loan": {"status": {"name": "OPEN"}},
    }
    assert after == {
        "item": {
            "status": {"name": "AVAILABLE"},
            "openLoan": None,
            "lastCheckIn": {"servicePoint": {"name": "Circ Desk 1"}},
        },
        "loan": {"status": {"name": "CLOSED"}},
    }


async def test_item_goes_to_the_hold_shelf(gateway: Gateway) -> None:
    """At the pickup point of the first request the slip names its requester."""
    request = waiting_for(gateway, "2000000037")
    request["pickupServicePointId"] = service_point(gateway.library)
    requester = gateway.library.users[request["requesterId"]]
    execute = await taken_back(gateway, "2000000037")

    slip = execute["staffSlipContext"]
    assert execute["item"]["status"] == {"name": "AWAITING_PICKUP"}
    assert slip["request"] == {
        "requestId": request["id"],
        "servicePointPickup": "Circ Desk 1",
        "deliveryAddressType": None,
        "request": {"id": request["id"]},
    }
    assert slip["requester"] == {
        "barcode": requester["barcode"],
        "lastName": requester["personal"]["lastName"],
        "addressType": None,
    }
    assert request["status"] == "Open - Awaiting pickup"


async def test_item_is_sent_to_its_pickup_point(gateway: Gateway) -> None:
    """At another service point it goes in transit to the pickup point."""
    request = waiting_for(gateway, "2000000038")
    pickup = gateway.library.service_points[request["pickupServicePointId"]]["name"]
    execute = await taken_back(gateway, "2000000038")

    assert execute["item"]["status"] == {"name": "IN_TRANSIT"}
    assert execute["item"]["inTransitDestinationServicePoint"] == {"name": pickup}
    assert execute["staffSlipContext"]["item"]["toServicePoint"] == pickup
    assert execute["staffSlipContext"]["request"]["requestId"] == request["id"]
    assert pickup != "Circ Desk 1"


async def test_item_is_sent_home(gateway: Gateway) -> None:
    """An item of another location goes in transit there without a request."""
    execute = await taken_back(gateway, "2000000119")

    assert execute["item"]["status"] == {"name": "IN_TRANSIT"}
    assert execute["item"]["inTransitDestinationServicePoint"] == {"name": "Music Desk"}
    assert execute["staffSlipContext"]["request"] is None
    assert execute["loan"]["status"] == {"name": "CLOSED"}


async def test_item_awaits_delivery(gateway: Gateway) -> None:
    """A request for delivery has the type of the address."""
    execute = await taken_back(gateway, "2000000041")

    assert execute["item"]["status"] == {"name": "AWAITING_DELIVERY"}
    assert execute["staffSlipContext"]["request"]["deliveryAddressType"] == "Home"
    assert execute["staffSlipContext"]["requester"]["addressType"] == "Home"


async def test_item_without_a_loan(gateway: Gateway) -> None:
    """The loan is null; the BFF does not report in-house use."""
    first = await taken_back(gateway, ITEM)
    gateway.sandbox.calls.clear()
    second = await taken_back(gateway, ITEM)

    for execute in (first, second):
        assert (execute["loan"], execute["inHouseUse"]) == (None, None)
        assert execute["item"]["status"] == {"name": "AVAILABLE"}


@pytest.mark.parametrize(
    ("resolution", "action"),
    [("FOUND_BY_LIBRARY", "checkedInFoundByLibrary"), ("RETURNED_BY_PATRON", "checkedInReturnedByPatron")],
)
async def test_claim_is_resolved(gateway: Gateway, resolution: str, action: str) -> None:
    """The loan of an item that was claimed returned shows the resolution."""
    execute = await taken_back(gateway, CLAIMED_RETURNED_ITEM, claimedReturnedResolution=resolution)

    assert (execute["loan"]["action"], execute["loan"]["status"]) == (action, {"name": "CLOSED"})


async def test_two_check_ins_are_two_calls(gateway: Gateway) -> None:
    """Mutations are never merged, neither in one operation nor in two concurrent ones."""
    twice = """mutation($input: CheckInInput!) {
        one: checkIn(input: $input) { __typename } two: checkIn(input: $input) { __typename }
    }"""
    await asyncio.gather(*(gateway.data(twice, returned(gateway, ITEM)) for _ in range(2)))

    assert gateway.paths() == [POST] * 4


# The write is rejected


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(
            CLAIMED_RETURNED_ITEM,
            {
                "code": "OTHER",
                "message": "Item is claimed returned, a resolution is required",
                "parameters": [{"key": "claimedReturnedResolution", "value": None}],
            },
            id="claimed returned",
        ),
        pytest.param(
            "no item",
            {
                "code": "ITEM_BARCODE_NOT_FOUND",
                "message": "No item with barcode no item exists",
                "parameters": [{"key": "itemBarcode", "value": "no item"}],
            },
            id="unknown item",
        ),
        pytest.param(
            INTELLECTUAL_ITEM,
            {
                "code": "OTHER",
                "message": "The handbook of clocks (book) (Barcode: 2000000018) has the item status "
                "Intellectual item and cannot be checked in",
                "parameters": [{"key": "itemBarcode", "value": INTELLECTUAL_ITEM}],
            },
            id="no thing",
        ),
    ],
)
async def test_refusal_has_its_reasons(shared_gateway: Gateway, item: str, expected: Json) -> None:
    """A refused check-in makes one upstream call and changes nothing."""
    before = state(shared_gateway)
    data = await shared_gateway.data(CHECK_IN, returned(shared_gateway, item))

    assert data["checkIn"] == {
        "__typename": "Refusal",
        "reasons": [expected | {"overridableBlock": None}],
    }
    assert shared_gateway.paths() == [POST]
    assert state(shared_gateway) == before


# Upstream requests and responses

EVERY_INPUT = {
    "itemBarcode": "A*B?C",
    "servicePointId": "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
    "checkInDate": "2026-11-21T10:00:00.123456+01:00",
    "claimedReturnedResolution": "FOUND_BY_LIBRARY",
    "sessionId": "1B671A64-40D5-491E-99B0-DA01FF1F3341",
}
TAKEN = httpx.Response(200, json={"item": {"id": "645549b1-2a73-4251-b8bb-39598f773a93"}})


async def test_every_input_field_is_sent(execute: Execute) -> None:
    """Upstream receives each field of the input once: dates in UTC, the resolution as FOLIO spells it."""
    response, upstream_calls = await execute(
        "mutation($input: CheckInInput!) { checkIn(input: $input) { ... on CheckedIn { item { id } } } }",
        EVERY_INPUT,
        TAKEN,
    )

    declared = schema.get_type_by_name("CheckInInput")
    assert len(declared.fields) == len(EVERY_INPUT)  # type: ignore[union-attr]  # an input type
    assert response["data"]["checkIn"]["item"]["id"] == "645549b1-2a73-4251-b8bb-39598f773a93"
    assert [f"{each.method} {each.url.path}" for each in upstream_calls] == [POST]
    assert json.loads(upstream_calls[0].content) == {
        "itemBarcode": "A*B?C",
        "servicePointId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "checkInDate": "2026-11-21T09:00:00.123Z",
        "claimedReturnedResolution": "Found by library",
        "sessionId": "1b671a64-40d5-491e-99b0-da01ff1f3341",
    }


async def test_check_in_date_defaults_to_now(execute: Execute) -> None:
    """FOLIO requires a date, so the gateway sends the current time, and no other absent field."""
    _, upstream_calls = await execute(CHECK_IN, KEYS | {"sessionId": None}, TAKEN)

    body = json.loads(upstream_calls[0].content)
    date_time = datetime.fromisoformat(body.pop("checkInDate"))
    assert abs(datetime.now(UTC) - date_time) < timedelta(minutes=1)
    assert body == KEYS


@pytest.mark.parametrize(
    ("resolution", "sent"),
    [("FOUND_BY_LIBRARY", "Found by library"), ("RETURNED_BY_PATRON", "Returned by patron")],
)
async def test_resolutions_are_sent_as_folio_spells_them(
    execute: Execute, resolution: str, sent: str
) -> None:
    """FOLIO compares the resolution case-sensitively."""
    _, upstream_calls = await execute(CHECK_IN, KEYS | {"claimedReturnedResolution": resolution}, TAKEN)

    assert json.loads(upstream_calls[0].content)["claimedReturnedResolution"] == sent


async def test_in_house_use_of_upstream_takes_precedence(execute: Execute) -> None:
    """If the BFF returns `inHouseUse`, it takes precedence over the missing loan."""
    result = httpx.Response(
        200, json={"item": {"id": "645549b1-2a73-4251-b8bb-39598f773a93"}, "inHouseUse": False}
    )
    response, _ = await execute(CHECK_IN, KEYS, result)

    assert response["data"]["checkIn"]["inHouseUse"] is False


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx.Response(401, text="Invalid token"), "UNAUTHENTICATED"),
        (
            httpx.Response(400, text="Token missing, access requires permission: " + PERMISSION),
            "UNAUTHENTICATED",
        ),
    ],
)
async def test_rejected_check_in_has_its_error_code(
    execute: Execute, response: httpx.Response, code: str
) -> None:
    """A check-in that certainly did not happen is an error with a specific code."""
    body, upstream_calls = await execute(CHECK_IN, KEYS, response)

    assert body["data"] == {"checkIn": None}
    assert body["errors"][0]["extensions"]["code"] == code
    assert len(upstream_calls) == 1


# Unclear response


@pytest.mark.parametrize(
    "fault",
    [*UNCLEAR_FAULTS, *({"kind": "status", "status": status} for status in (400, 403, 404, 429))],
    ids=fault_name,
)
async def test_unclear_response_is_an_unknown_outcome(fault: Json) -> None:
    """It is sent once; these statuses are unclear too, because upstream reads after it has written."""
    async with open_gateway(act_timeout=0.1, look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(method="POST", path="/circulation-bff", **fault)
        variables = returned(gateway)
        response = await gateway.execute(CHECK_IN, variables)

        (error,) = response["errors"]
        assert response["data"] == {"checkIn": None}
        assert_unclear(error, "checkIn", variables["input"])
        assert error["extensions"]["verify"] == (
            "item(barcode:) { status { name date } lastCheckIn { dateTime servicePoint { id } } }"
        )
        assert gateway.paths() == [POST]


async def test_unknown_outcome_can_be_verified() -> None:
    """The query in the error shows that the check-in with the truncated response succeeded."""
    async with open_gateway(look_up_timeout=0) as gateway:
        gateway.sandbox.faults.add(kind="truncate", method="POST")
        response = await gateway.execute(CHECK_IN, returned(gateway))
        verify = response["errors"][0]["extensions"]["verify"].replace("barcode:", f'barcode: "{LENT_ITEM}"')
        view = await gateway.data(f"{{ {verify} }}")

        item = record(gateway.library.item_by_barcode(LENT_ITEM))
        assert view["item"]["status"]["name"] == "AVAILABLE"
        assert view["item"]["lastCheckIn"] == {
            "dateTime": item["lastCheckIn"]["dateTime"].replace("+00:00", "Z"),
            "servicePoint": {"id": service_point(gateway.library)},
        }


async def test_missing_permission_is_a_known_outcome(gateway: Gateway) -> None:
    """A 403 for a permission of the BFF itself precedes its processing: nothing happened."""
    before = state(gateway)
    unauthorized = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "sandbox:nobody"}
    response = await gateway.execute(CHECK_IN, returned(gateway), unauthorized)

    assert response["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert gateway.paths() == [POST]
    assert state(gateway) == before


# Links of the result

COMPLETE_ITEM = "2000000161"
NOTES = """mutation($input: CheckInInput!) { checkIn(input: $input) { ... on CheckedIn {
    staffSlipContext { item { barcode } } item { title circulationNotes { noteType note } }
} } }"""


async def test_embedded_fields_of_the_item_cost_no_call(gateway: Gateway) -> None:
    """Every field of the item that the response embeds needs no further call."""
    data = await gateway.data(
        """mutation($input: CheckInInput!) { checkIn(input: $input) { ... on CheckedIn { item {
            id barcode title status { name date } materialType { name } contributorNames { name }
            effectiveCallNumberComponents { callNumber prefix suffix } effectiveLocation { name }
            enumeration volume chronology displaySummary accessionNumber
            holdings { id } instance { id hrid title }
            inTransitDestinationServicePoint { id name }
        } } } }""",
        returned(gateway, COMPLETE_ITEM),
    )

    item = data["checkIn"]["item"]
    assert gateway.paths() == [POST]
    assert item["title"] == item["instance"]["title"] == "Pride and Prejudice"
    assert item["instance"]["hrid"] == "in00000001"
    assert item["effectiveCallNumberComponents"] == {
        "callNumber": "PR4034 .P7 1813",
        "prefix": "Rare",
        "suffix": "c. 2",
    }
    assert item["contributorNames"] == [{"name": "Austen, Jane"}, {"name": "Grant, Fiona"}]
    assert item["inTransitDestinationServicePoint"]["name"] == "Circ Desk 2"


async def test_circulation_notes_cost_one_call(gateway: Gateway) -> None:
    """Circulation notes are not in the response, so the item is read once, after the write."""
    data = await gateway.data(NOTES, returned(gateway, COMPLETE_ITEM))

    assert data["checkIn"]["item"]["circulationNotes"] == [
        {"noteType": "CHECK_OUT", "note": "Handle with care"},
        {"noteType": "CHECK_IN", "note": "Handle with care"},
    ]
    assert gateway.paths() == [POST, "GET /inventory/items"]


async def test_failed_link_keeps_the_result(gateway: Gateway) -> None:
    """The slip and the embedded title are returned; the member that could not be read has the error."""
    gateway.sandbox.faults.add(kind="status", status=500, path="/inventory/items")
    response = await gateway.execute(NOTES, returned(gateway, LENT_ITEM))

    (error,) = response["errors"]
    title = gateway.library.instances[
        gateway.library.holdings[
            next(each for each in gateway.library.items.values() if each.get("barcode") == LENT_ITEM)[
                "holdingsRecordId"
            ]
        ]["instanceId"]
    ]["title"]
    assert response["data"]["checkIn"] == {
        "staffSlipContext": {"item": {"barcode": LENT_ITEM}},
        "item": {"title": title, "circulationNotes": None},
    }
    assert error["path"] == ["checkIn", "item", "circulationNotes"]
    assert error["extensions"]["code"] == "UPSTREAM_ERROR"
    assert gateway.paths().count(POST) == 1
