"""Requests created, moved, reordered and cancelled: effects and refusals."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over
from tests.gateway_under_test import Gateway
from tests.mutations.conftest import Execute
from tests.mutations.mutation_cases import MUTATION_CASES, key
from tests.mutations.seeded import INACTIVE, ITEM, MANUALLY_BLOCKED, PATRON, record, service_point, state
from tests.records import encode_records

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

LENT_TWICE = "2000000032"  # two wait for it
HELD, SHELVED = "2000000038", "2000000198"  # two copies of one title
PAGED = "2000000231"
REQUEST = "request { id status position requestType item { barcode } requester { barcode } }"
SUCCESS = {
    "createRequest": f"RequestCreated {{ {REQUEST} }}",
    "createEcsRequestExternal": f"RequestCreated {{ {REQUEST} }} "
    "... on MediatedRequestCreated { mediatedRequest { id status mediatedRequestStatus requestType } }",
    "confirmMediatedRequest": "MediatedRequestConfirmed { "
    "mediatedRequest { id status confirmedRequest { id } } }",
    "createBatchRequest": "BatchRequestCreated { batchRequest { id mediatedRequestStatus } }",
    "cancelRequest": "RequestCancelled { request { id status position cancelledDate "
    "cancellationReason { id } cancellationAdditionalInformation cancelledBy { id } } }",
    "moveRequest": f"RequestMoved {{ {REQUEST} }}",
    "reorderQueue": "QueueReordered { queue { totalCount nodes { id position } } }",
    "recordPrintEvents": "PrintEventsRecorded { recorded }",
}


def document(mutation: str) -> str:
    pascal = mutation[0].upper() + mutation[1:]
    return (
        f"mutation($input: {pascal}Input!) {{ {mutation}(input: $input) {{ __typename "
        f"... on {SUCCESS[mutation]} "
        "... on Refusal { reasons { code message parameters { key value } overridableBlock { name } } } } }"
    )


async def done(gateway: Gateway, mutation: str, inputs: Json) -> Json:
    """Return the result of a successful mutation with one write."""
    gateway.sandbox.calls.clear()
    result = (await gateway.data(document(mutation), {"input": inputs}))[mutation]

    assert result["__typename"] != "Refusal", result["reasons"]
    assert len([call for call in gateway.calls if call.method != "GET"]) == 1
    return result


async def refused(
    gateway: Gateway, mutation: str, inputs: Json, **headers: Json
) -> list[tuple[str, list[str]]]:
    """Return codes and parameters of a mutation that is refused after one write and changes nothing."""
    before, more = state(gateway), others(gateway)
    gateway.sandbox.calls.clear()
    result = (await gateway.data(document(mutation), {"input": inputs}, **headers))[mutation]

    assert result["__typename"] == "Refusal", result
    assert len([call for call in gateway.calls if call.method != "GET"]) == 1
    assert (state(gateway), others(gateway)) == (before, more)
    return [
        (each["code"], [parameter["key"] for parameter in each["parameters"]]) for each in result["reasons"]
    ]


def others(gateway: Gateway) -> bytes:
    library = gateway.library
    return encode_records(library.batch_requests, library.batch_request_details, library.mediated_requests)


def request_input(gateway: Gateway, item: str = ITEM, user: str = PATRON, **more: Json) -> Json:
    """Build a Page for an available item; None removes a field."""
    library = gateway.library
    copy = record(library.item_by_barcode(item))
    inputs = {
        "requesterId": record(library.user_by_barcode(user))["id"],
        "instanceId": library.holdings[copy["holdingsRecordId"]]["instanceId"],
        "holdingsRecordId": copy["holdingsRecordId"],
        "itemId": copy["id"],
        "requestType": "PAGE",
        "requestLevel": "ITEM",
        "fulfillmentPreference": "HOLD_SHELF",
        "pickupServicePointId": service_point(library),
        **more,
    }
    return {name: value for name, value in inputs.items() if value is not None}


def waiting_for(gateway: Gateway, barcode: str) -> list[Json]:
    """Return the open requests for an item, in order."""
    item = record(gateway.library.item_by_barcode(barcode))
    requests_of_item = [
        each for each in gateway.library.requests.values() if each.get("itemId") == item["id"]
    ]
    return sorted(
        (each for each in requests_of_item if "position" in each), key=lambda each: int(each["position"])
    )


# Creating one


async def test_request_is_created(gateway: Gateway) -> None:
    """The request is returned completely, with one call, and the next query reads it."""
    created = (await done(gateway, "createRequest", request_input(gateway, id=key(1))))["request"]
    paths = gateway.paths()
    view = await gateway.data(f'{{ request(id: "{key(1)}") {{ status item {{ barcode }} }} }}')

    assert created == {
        "id": key(1),
        "status": "OPEN_NOT_YET_FILLED",
        "position": 1,
        "requestType": "PAGE",
        "item": {"barcode": ITEM},
        "requester": {"barcode": PATRON},
    }
    assert paths == ["POST /circulation-bff/requests"]
    assert view == {"request": {"status": "OPEN_NOT_YET_FILLED", "item": {"barcode": ITEM}}}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"itemId": None, "holdingsRecordId": None}, ("OTHER", ["itemId"]), id="item"),
        pytest.param({"holdingsRecordId": None}, ("OTHER", ["holdingsRecordId"]), id="holdings"),
    ],
)
async def test_incomplete_request_is_refused(gateway: Gateway, more: Json, expected: Json) -> None:
    """The library names the missing part, and no request is created."""
    assert await refused(gateway, "createRequest", request_input(gateway, **more)) == [expected]


async def test_hold_shelf_requires_a_pickup_point(gateway: Gateway) -> None:
    """Without a pickup point the refusal has its code."""
    ((code, _),) = await refused(gateway, "createRequest", request_input(gateway, pickupServicePointId=None))

    assert code == "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT"


async def test_second_request_is_refused(gateway: Gateway) -> None:
    """A user cannot request an item twice."""
    await done(gateway, "createRequest", request_input(gateway))

    assert await refused(gateway, "createRequest", request_input(gateway)) == [
        ("ITEM_ALREADY_REQUESTED", ["requesterId", "itemId", "requestId"]),
        ("REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION", ["requestType"]),  # the item is paged already
    ]


async def test_block_override_requires_a_comment(gateway: Gateway) -> None:
    """A blocked patron is refused, also without a comment for the override; with one it is created."""
    inputs = request_input(gateway, user=MANUALLY_BLOCKED)
    blocked = await refused(gateway, "createRequest", inputs)
    silent = await refused(gateway, "createRequest", inputs | {"overrideBlocks": {"patronBlock": True}})
    lifted = {"overrideBlocks": {"patronBlock": True, "comment": "Her last wish"}}
    created = await done(gateway, "createRequest", inputs | lifted)

    assert [code for code, _ in blocked] == ["USER_IS_BLOCKED_MANUALLY"]
    assert silent == [("OTHER", ["comment"])]
    assert created["request"]["requester"] == {"barcode": MANUALLY_BLOCKED}


# In a consortium


def external(gateway: Gateway, **more: Json) -> Json:
    inputs = request_input(gateway, requestType=None, **more)
    return {name: value for name, value in inputs.items() if name not in ("instanceId", "holdingsRecordId")}


async def test_external_request(gateway: Gateway) -> None:
    """Without mediation it becomes a request at once, of a type that the library chooses."""
    created = await done(gateway, "createEcsRequestExternal", external(gateway))

    assert (created["__typename"], created["request"]["requestType"]) == ("RequestCreated", "PAGE")


async def test_external_request_in_the_secure_tenant(gateway: Gateway) -> None:
    """In a secure tenant the same request awaits confirmation."""
    gateway.library.secure = True
    created = await done(gateway, "createEcsRequestExternal", external(gateway))

    assert created["__typename"] == "MediatedRequestCreated"
    assert created["mediatedRequest"]["mediatedRequestStatus"] == "NEW"
    assert created["mediatedRequest"]["id"] in gateway.library.mediated_requests
    assert waiting_for(gateway, ITEM) == []


@pytest.mark.parametrize("member", ["mediatedRequestStatus", "mediatedWorkflow"])
async def test_mediated_request_is_recognized_by_one_field(execute: Execute, member: str) -> None:
    """Upstream does not name the type of the record; either field of a mediated request identifies it."""
    mutation = next(mutation for mutation in MUTATION_CASES if mutation.name == "createEcsRequestExternal")
    created = httpx.Response(201, json={"id": key(1), member: "New"})
    response, _ = await execute(document(mutation.name), mutation.inputs, created)

    assert response["data"][mutation.name]["__typename"] == "MediatedRequestCreated"
    assert response["data"][mutation.name]["mediatedRequest"]["id"] == key(1)


async def test_mediated_request_is_confirmed(gateway: Gateway) -> None:
    """A new one is created and confirmed in one call, and links to the resulting request."""
    confirmed = (await done(gateway, "confirmMediatedRequest", request_input(gateway)))["mediatedRequest"]

    (request,) = waiting_for(gateway, ITEM)
    assert confirmed["status"] == "OPEN_NOT_YET_FILLED"
    assert confirmed["confirmedRequest"] == {"id": request["id"]}


async def test_inactive_patron_is_refused(gateway: Gateway) -> None:
    """The refusal names the requester, and nothing is saved."""
    ((_, parameters),) = await refused(
        gateway, "confirmMediatedRequest", request_input(gateway, user=INACTIVE)
    )

    assert parameters == ["requesterId"]


# Many at once


def batch(gateway: Gateway, *items: str, **more: Json) -> Json:
    library = gateway.library
    rows = [
        {
            "itemId": record(library.item_by_barcode(item))["id"],
            "pickupServicePointId": service_point(library),
        }
        for item in items
    ]
    return {"requesterId": record(library.user_by_barcode(PATRON))["id"], "itemRequests": rows, **more}


async def test_batch_is_created(gateway: Gateway) -> None:
    """The batch is pending, with the id that the caller chose."""
    created = await done(gateway, "createBatchRequest", batch(gateway, ITEM, "2000000002", batchId=key(1)))

    assert created["batchRequest"]["id"] == key(1)
    assert created["batchRequest"]["mediatedRequestStatus"] == "PENDING"
    assert key(1) in gateway.library.batch_requests


async def test_batch_has_distinct_items(gateway: Gateway) -> None:
    """A repeated item is refused by the library, an empty batch rejected before any call."""
    ((_, parameters),) = await refused(gateway, "createBatchRequest", batch(gateway, ITEM, ITEM))
    gateway.sandbox.calls.clear()
    response = await gateway.execute(document("createBatchRequest"), {"input": batch(gateway)})

    assert parameters == []
    assert response["errors"][0]["message"] == "`itemRequests` must have at least one element."
    assert gateway.paths() == []


# Cancelling


def cancellation(gateway: Gateway, request_id: str, **more: Json) -> Json:
    return {
        "requestId": request_id,
        "cancellationReasonId": next(iter(gateway.library.cancellation_reasons)),
        "cancelledByUserId": record(gateway.library.user_by_barcode(PATRON))["id"],
        **more,
    }


async def test_cancellation(gateway: Gateway) -> None:
    """One read, one write, and one read for the selected fields; nothing else of the request changes."""
    (request,) = waiting_for(gateway, PAGED)
    before = deepcopy(request)
    inputs = cancellation(
        gateway,
        request["id"].upper(),
        cancellationAdditionalInformation="Twice",
        cancelledDate="2026-01-02T03:04:05Z",
    )
    result = (await done(gateway, "cancelRequest", inputs))["request"]

    path = f"/circulation/requests/{request['id']}"
    assert gateway.paths() == [f"GET {path}", f"PUT {path}", "GET /circulation-bff/requests"]
    assert result == {
        "id": request["id"],
        "status": "CLOSED_CANCELLED",
        "position": None,
        "cancelledDate": "2026-01-02T03:04:05.000Z",
        "cancellationReason": {"id": inputs["cancellationReasonId"]},
        "cancellationAdditionalInformation": "Twice",
        "cancelledBy": {"id": inputs["cancelledByUserId"]},
    }
    changed = {name for name in {*before, *request} if before.get(name) != request.get(name)}
    assert {name for name in changed if not name.startswith("cancel")} == {"status", "position", "metadata"}


async def test_closed_request_is_refused(gateway: Gateway) -> None:
    """A second cancellation is refused with its code."""
    (request,) = waiting_for(gateway, PAGED)
    await done(gateway, "cancelRequest", cancellation(gateway, request["id"]))

    ((code, _),) = await refused(gateway, "cancelRequest", cancellation(gateway, request["id"]))
    assert code == "REQUEST_ALREADY_CLOSED"


async def test_unknown_cancellation_reason_is_refused(gateway: Gateway) -> None:
    """The refusal names the reason, and the request stays open."""
    (request,) = waiting_for(gateway, PAGED)
    inputs = cancellation(gateway, request["id"], cancellationReasonId=key(1))

    assert await refused(gateway, "cancelRequest", inputs) == [("OTHER", ["cancellationReasonId"])]


async def test_unknown_request_is_not_written(gateway: Gateway) -> None:
    """The read returns nothing, so nothing is written, and the error names the request."""
    response = await gateway.execute(document("cancelRequest"), {"input": cancellation(gateway, key(1))})

    (error,) = response["errors"]
    assert response["data"] == {"cancelRequest": None}
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("NOT_FOUND", 404)
    assert gateway.paths() == [f"GET /circulation/requests/{key(1)}"]


@pytest.mark.parametrize(
    ("status", "code"), [(500, "UPSTREAM_ERROR"), (503, "UPSTREAM_UNAVAILABLE"), (403, "FORBIDDEN")]
)
async def test_failed_read_is_a_known_outcome(execute: Execute, status: int, code: str) -> None:
    """If the request cannot be read, nothing is written, and the error is that of a read."""
    mutation = next(mutation for mutation in MUTATION_CASES if mutation.name == "cancelRequest")
    lasting = httpx.Response(status, headers={"Retry-After": "60"})  # so that the read is not retried
    response, upstream_calls = await execute(mutation.document, mutation.inputs, lasting)

    assert response["errors"][0]["extensions"]["code"] == code
    assert [each.method for each in upstream_calls] == ["GET"]


# Moving and reordering


async def test_move_to_another_item(gateway: Gateway) -> None:
    """The Hold for an item on loan becomes a Page for the available one."""
    (hold,) = waiting_for(gateway, HELD)
    copy = record(gateway.library.item_by_barcode(SHELVED))
    inputs = {"requestId": hold["id"], "destinationItemId": copy["id"], "requestType": "PAGE"}
    moved = (await done(gateway, "moveRequest", inputs))["request"]

    assert (moved["id"], moved["requestType"], moved["item"]) == (hold["id"], "PAGE", {"barcode": SHELVED})
    assert gateway.paths() == [f"POST /circulation/requests/{hold['id']}/move"]


@pytest.mark.parametrize("kind", [{}, {"requestType": "HOLD"}, {"requestType": "RECALL"}])
@pytest.mark.parametrize("lost", [False, True])
async def test_request_for_an_available_item_becomes_a_page(gateway: Gateway, kind: Json, lost: bool) -> None:
    """Circulation makes a page of a request that is moved to an available item; a look-up finds it too."""
    (hold,) = waiting_for(gateway, HELD)
    copy = record(gateway.library.item_by_barcode(SHELVED))
    assert (hold["requestType"], copy["status"]["name"]) == ("Hold", "Available")
    if lost:
        gateway.sandbox.faults.add(kind="reset", method="POST", path="/circulation/requests/", after=True)
    inputs = {"requestId": hold["id"], "destinationItemId": copy["id"], **kind}
    moved = (await done(gateway, "moveRequest", inputs))["request"]

    assert (moved["requestType"], moved["item"]) == ("PAGE", {"barcode": SHELVED})


async def test_move_to_the_same_item_is_refused(gateway: Gateway) -> None:
    """The refusal has its code."""
    (hold,) = waiting_for(gateway, HELD)
    inputs = {"requestId": hold["id"], "destinationItemId": hold["itemId"]}

    ((code, _),) = await refused(gateway, "moveRequest", inputs)
    assert code == "MOVING_REQUEST_TO_THE_SAME_ITEM"


def places(*ids: str) -> Json:
    return [{"id": each, "newPosition": place} for place, each in enumerate(ids, start=1)]


@pytest.mark.parametrize("of", ["instanceId", "itemId"])
async def test_reorder_queue(gateway: Gateway, of: str) -> None:
    """The complete queue is returned in its new order, with one call."""
    first, second = waiting_for(gateway, LENT_TWICE)
    inputs = {of: first[of], "queue": places(second["id"], first["id"])}
    queue = (await done(gateway, "reorderQueue", inputs))["queue"]

    assert queue == {
        "totalCount": 2,
        "nodes": [{"id": second["id"], "position": 1}, {"id": first["id"], "position": 2}],
    }
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize(
    ("elements", "nodes", "code"),
    [
        ([{"id": key(3), "position": 2}, None, {"id": key(2), "position": 1}], [key(2), key(3), None], None),
        ([None, 7], None, "OUTCOME_UNKNOWN"),
    ],
    ids=["one", "all"],
)
async def test_a_reordered_queue_with_elements_that_are_no_objects(
    execution: str, elements: list[Json], nodes: list[str | None] | None, code: str | None
) -> None:
    """The write has happened if the response has any request: another element is null with an error."""
    inputs = {"itemId": key(9), "queue": places(key(2), key(3))}
    query = """mutation($input: ReorderQueueInput!) { reorderQueue(input: $input) {
        ... on QueueReordered { queue { nodes { id } } } } }"""

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"requests": elements, "totalRecords": len(elements)})

    async with gateway_over(upstream, execution=execution) as gateway:
        response = await gateway.execute(query, inputs)

    (error,) = response["errors"]
    if nodes is None:
        assert response["data"] == {"reorderQueue": None}
        assert error["extensions"]["code"] == code
    else:
        shown = [each and each["id"] for each in response["data"]["reorderQueue"]["queue"]["nodes"]]
        assert shown == nodes
        assert error["path"] == ["reorderQueue", "queue", "nodes", 2]
        assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert gateway.lines() == [f"POST /circulation/requests/queue/item/{key(9)}/reorder"]


async def test_incomplete_queue_is_refused(gateway: Gateway) -> None:
    """An order without one of the requests is refused by the library, which names the queue."""
    first, _ = waiting_for(gateway, LENT_TWICE)
    inputs = {"instanceId": first["instanceId"], "queue": places(first["id"])}

    assert await refused(gateway, "reorderQueue", inputs) == [("OTHER", ["instanceId"])]


@pytest.mark.parametrize(
    ("queue", "name"),
    [
        pytest.param([], "newPosition", id="empty"),
        pytest.param([(1, 1), (2, 3)], "newPosition", id="a gap"),
        pytest.param([(1, 1), (2, 1)], "newPosition", id="two on one place"),
        pytest.param([(1, 0), (2, 1)], "newPosition", id="from nought"),
        pytest.param([(1, 2)], "newPosition", id="nobody first"),
        pytest.param([(1, 1), (1, 2)], "queue", id="one twice"),
    ],
)
async def test_invalid_orders_are_not_sent(gateway: Gateway, queue: list[tuple[int, int]], name: str) -> None:
    """Positions with gaps and repeated requests are rejected before any call."""
    inputs = [{"id": key(number), "newPosition": place} for number, place in queue]
    response = await gateway.execute(document("reorderQueue"), {"input": {"itemId": key(9), "queue": inputs}})

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"`{name}`" in error["message"]
    assert gateway.paths() == []


async def test_request_ids_are_case_insensitive(gateway: Gateway) -> None:
    """The same id in capitals is the same request."""
    capital = "ABCDEF00-0000-4000-8000-000000000001"
    response = await gateway.execute(
        document("reorderQueue"), {"input": {"itemId": key(9), "queue": places(capital, capital.lower())}}
    )

    assert response["errors"][0]["message"] == "`queue` must contain each request once."


@pytest.mark.parametrize("queue_fields", [{}, {"instanceId": key(1), "itemId": key(2)}])
async def test_one_queue_is_required(gateway: Gateway, queue_fields: Json) -> None:
    """An instance or an item: none and both are rejected before any call."""
    response = await gateway.execute(
        document("reorderQueue"), {"input": {**queue_fields, "queue": places(key(3))}}
    )

    assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.paths() == []


# Printing


def printed(gateway: Gateway, *ids: str, name: str = "Abebe, Desta") -> Json:
    staff = record(gateway.library.user_by_barcode(PATRON))["id"]
    return {"requestIds": list(ids), "requesterId": staff, "requesterName": name}


async def test_print_is_counted(gateway: Gateway) -> None:
    """Each print of a slip is counted in its request."""
    (request,) = waiting_for(gateway, PAGED)
    for count in (1, 2):
        await done(gateway, "recordPrintEvents", printed(gateway, request["id"]))
        assert request["printDetails"]["printCount"] == count


async def test_unknown_request_is_refused(gateway: Gateway) -> None:
    """The library refuses the complete list."""
    ((code, _),) = await refused(gateway, "recordPrintEvents", printed(gateway, key(1)))

    assert code == "OTHER"


@pytest.mark.parametrize(("ids", "name"), [([], "Abebe"), ([key(1)], "  ")])
async def test_print_requires_requests_and_printer(gateway: Gateway, ids: list[str], name: str) -> None:
    """An empty list or name is rejected before any call."""
    response = await gateway.execute(
        document("recordPrintEvents"), {"input": printed(gateway, *ids, name=name)}
    )

    assert response["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.paths() == []
