"""Changes of requests: what is kept, conflicts, refusals, and proofs of expiration dates."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.gateway_under_test import Gateway
from tests.mutations.look_up_cases import WAITED_FOR, queue_of
from tests.mutations.mutation_cases import key
from tests.mutations.seeded import service_point, state

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON

REQUEST = """{
    id status position fulfillmentPreference requestExpirationDate pickupServicePoint { id } tags { tagList }
    requester { id } metadata { updatedDate }
}"""
DOCUMENT = f"""mutation($input: UpdateRequestInput!) {{ updateRequest(input: $input) {{
    __typename ... on RequestUpdated {{ request {REQUEST} }} ... on RequestConflict {{ current {REQUEST} }}
    ... on Refusal {{ reasons {{ code message parameters {{ key }} }} }} }} }}"""


def waiting(gateway: Gateway) -> Json:
    return queue_of(gateway, WAITED_FOR)[0]


async def update(gateway: Gateway, **inputs: Json) -> Json:
    gateway.sandbox.calls.clear()
    return (await gateway.data(DOCUMENT, {"input": inputs}))["updateRequest"]


async def test_only_the_given_members_change(gateway: Gateway) -> None:
    """One read, one write, and one read for the selected fields; null removes, an absent field stays."""
    request = waiting(gateway)
    request["tags"] = {"tagList": ["rare"]}
    request["patronComments"] = "First edition"
    before = deepcopy(request)
    point = service_point(gateway.library)
    result = await update(
        gateway,
        requestId=request["id"].upper(),
        unchangedSince=request["metadata"]["updatedDate"],
        requestExpirationDate="2027-01-01T10:00:00+01:00",
        pickupServicePointId=point,
        tags=None,
    )

    path = f"/circulation/requests/{request['id']}"
    assert gateway.paths() == [f"GET {path}", f"PUT {path}", "GET /circulation/requests"]
    assert result["__typename"] == "RequestUpdated"
    assert result["request"]["requestExpirationDate"] == "2027-01-01T23:59:59.000Z"
    assert result["request"]["pickupServicePoint"] == {"id": point}
    assert (result["request"]["tags"], result["request"]["position"]) == (None, 1)
    changed = {name for name in {*before, *request} if before.get(name) != request.get(name)}
    assert changed - {"pickupServicePointId"} == {"requestExpirationDate", "tags", "metadata"}
    assert before["patronComments"] == request["patronComments"]


@pytest.mark.parametrize("shows", ["a later date", "no date"])
async def test_a_request_that_changed_is_a_conflict(gateway: Gateway, shows: str) -> None:
    """The current request is data after one read, and nothing is written."""
    request = waiting(gateway)
    since = request["metadata"]["updatedDate"]
    request["metadata"] = {"updatedDate": "2099-01-01T00:00:00.000+00:00"} if shows == "a later date" else {}
    request["tags"] = {"tagList": ["of someone else"]}
    before = state(gateway)
    result = await update(gateway, requestId=request["id"], unchangedSince=since, tags=["mine"])

    assert result["__typename"] == "RequestConflict"
    assert result["current"]["id"] == request["id"]
    assert result["current"]["tags"] == {"tagList": ["of someone else"]}
    assert result["current"]["requester"] == {"id": request["requesterId"]}
    assert gateway.paths() == [f"GET /circulation/requests/{request['id']}"]
    assert state(gateway) == before


async def test_a_refusal_is_data(gateway: Gateway) -> None:
    """A hold without a pickup service point is refused with FOLIO's code, and nothing changes."""
    request = waiting(gateway)
    before = state(gateway)
    result = await update(gateway, requestId=request["id"], pickupServicePointId=None)

    assert result["__typename"] == "Refusal"
    assert [each["code"] for each in result["reasons"]] == [
        "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT"
    ]
    assert state(gateway) == before


async def test_a_closed_request_is_refused(gateway: Gateway) -> None:
    """Its code is that of a second cancellation."""
    request = next(each for each in gateway.library.requests.values() if each["status"].startswith("Closed"))
    result = await update(gateway, requestId=request["id"], tags=["late"])

    assert [each["code"] for each in result["reasons"]] == ["REQUEST_ALREADY_CLOSED"]


async def test_an_unknown_request_is_not_written(gateway: Gateway) -> None:
    """The read returns nothing, so nothing is written."""
    response = await gateway.execute(DOCUMENT, {"input": {"requestId": key(1)}})

    assert [each["extensions"]["code"] for each in response["errors"]] == ["NOT_FOUND"]
    assert gateway.paths() == [f"GET /circulation/requests/{key(1)}"]


@pytest.mark.parametrize(
    ("inputs", "code", "named"),
    [
        ({"fulfillmentPreference": None}, "BAD_USER_INPUT", "`fulfillmentPreference`"),
        ({"fulfillmentPreference": "UNKNOWN"}, "BAD_USER_INPUT", "`fulfillmentPreference`"),
        ({"tags": ["x"] * 101}, "LIMIT_EXCEEDED", "`tags` must have at most 100 elements; got 101"),
        ({"tags": [""]}, "BAD_USER_INPUT", "`tags`"),
        ({"tags": ["bell\x07"]}, "BAD_USER_INPUT", "`tags`"),
        ({"pickupServicePointId": "desk"}, "BAD_USER_INPUT", "`pickupServicePointId`"),
        ({"requestId": "desk"}, "BAD_USER_INPUT", "`requestId`"),
        ({"unchangedSince": "yesterday"}, "BAD_USER_INPUT", "unchangedSince"),
        ({"requestExpirationDate": "soon"}, "BAD_USER_INPUT", "requestExpirationDate"),
    ],
)
async def test_bad_input_is_not_sent(gateway: Gateway, inputs: Json, code: str, named: str) -> None:
    """The error names the field, and nothing is sent or changed."""
    before = state(gateway)
    response = await gateway.execute(DOCUMENT, {"input": {"requestId": waiting(gateway)["id"], **inputs}})

    (error,) = response["errors"]
    assert error["extensions"]["code"] == code
    assert named in error["message"]
    assert gateway.paths() == []
    assert state(gateway) == before


async def test_the_last_millisecond_of_a_day_is_in_that_day(gateway: Gateway) -> None:
    """The end of a day that a client sends is later than the one that FOLIO stores, a whole second."""
    request = waiting(gateway)
    gateway.sandbox.faults.add(method="PUT", path="/circulation/requests/", kind="reset", after=True)
    inputs = {"requestId": request["id"], "requestExpirationDate": "2027-01-01T23:59:59.999Z"}

    response = await gateway.execute(DOCUMENT.replace(REQUEST, "{ id }"), {"input": inputs})

    assert "errors" not in response
    assert response["extensions"] == {"outcome": "confirmed"}
    assert request["requestExpirationDate"].startswith("2027-01-01T23:59:59.000")
    assert sum(gateway.sandbox.writes.applied.values()) == 1


@pytest.mark.parametrize(
    ("stored", "proven"),
    [
        ("2027-01-01T23:59:59.000+00:00", True),
        ("2027-01-01T22:59:59.999+00:00", True),
        ("2027-01-03T23:59:59.000+00:00", False),
        ("2026-12-31T23:59:59.000+00:00", False),
        (None, False),
    ],
)
async def test_the_end_of_the_day_proves_an_expiration_date(
    gateway: Gateway, stored: str | None, proven: bool
) -> None:
    """A response is lost: a request written later with another day, or none, proves nothing."""
    request = waiting(gateway)
    gateway.sandbox.faults.add(method="PUT", path="/circulation/requests/", kind="status", status=502)
    request["requestExpirationDate"] = stored
    request["metadata"]["updatedDate"] = "2099-01-01T00:00:00.000+00:00"
    inputs = {"requestId": request["id"], "requestExpirationDate": "2027-01-01T10:00:00Z"}
    response = await gateway.execute(DOCUMENT.replace(REQUEST, "{ id }"), {"input": inputs})

    if proven:
        assert response["extensions"] == {"outcome": "confirmed"}
    else:
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert error["extensions"]["seen"].endswith("other values: `requestExpirationDate`")
