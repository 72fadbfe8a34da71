"""The batches of many requests: the BFF reads those of 20 requests at once, and gets ten of them at most."""

from __future__ import annotations

import httpx
import pytest

from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import Gateway, Json, open_gateway

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("execution", ["plan", "generic"]),
]

REQUESTS = "{ requests(first: %d) { nodes { id batchRequestInfo { batchRequest { id } } %s } } }"
LIST = "GET /circulation-bff/requests"


def add_to_batch(gateway: Gateway, count: int) -> set[str]:
    """Make so many requests parts of the seeded batch, and return their ids."""
    library = gateway.library
    detail = next(each for each in library.batch_request_details.values() if "confirmedRequestId" in each)
    library.batch_request_details.clear()
    chosen = sorted(library.requests.values(), key=lambda each: (each["requestDate"], each["id"]))[:count]
    for request in chosen:
        library.batch_request_details[request["id"]] = {
            **detail,
            "id": request["id"],
            "confirmedRequestId": request["id"],
        }
    return {request["id"] for request in chosen}


def in_a_batch(nodes: Json) -> set[str]:
    return {each["id"] for each in nodes if each["batchRequestInfo"] is not None}


async def test_each_request_of_a_batch_has_it(execution: str) -> None:
    """Of 50 requests, 30 belong to a batch, and the BFF sends it for 20: the other 30 are read again."""
    async with open_gateway(execution=execution) as gateway:
        batched = add_to_batch(gateway, 30)
        data = await gateway.data(REQUESTS % (50, ""))
        calls = gateway.calls

    nodes = data["requests"]["nodes"]
    assert len(nodes) == 50
    assert in_a_batch(nodes) == batched
    assert [call.path for call in calls] == ["/circulation-bff/requests"] * 3
    assert [call.query["limit"] for call in calls] == ["50", "30", "20"]


@pytest.mark.parametrize(("batched", "first"), [(9, 50), (10, 10), (0, 50)])
async def test_one_call_is_enough(execution: str, batched: int, first: int) -> None:
    """If the BFF sends fewer than ten batches, or the page has ten requests, none can be missing."""
    async with open_gateway(execution=execution) as gateway:
        ids = add_to_batch(gateway, batched)
        data = await gateway.data(REQUESTS % (first, ""))
        paths = gateway.paths()

    assert in_a_batch(data["requests"]["nodes"]) == ids
    assert paths == [LIST]


async def test_requests_of_circulation(execution: str) -> None:
    """Beside a member that only circulation sends, the batches are loaded by id, and completed too."""
    async with open_gateway(execution=execution) as gateway:
        batched = add_to_batch(gateway, 15)
        data = await gateway.data(REQUESTS % (30, "loan { dueDate }"))
        paths = gateway.paths()

    assert in_a_batch(data["requests"]["nodes"]) == batched
    assert paths == ["GET /circulation/requests", *[LIST] * 2]  # of 30 by id, and 20 without a batch again


async def test_the_second_read_fails(execution: str) -> None:
    """If the BFF fails on the second read, the list is an error: which batches are missing is not known."""
    rows = [{"id": key(each), "batchRequestInfo": {"batchRequestId": key(99)}} for each in range(10)]
    rows += [{"id": key(each)} for each in range(10, 20)]
    limits = []

    def upstream(request: httpx.Request) -> httpx.Response:
        limits.append(request.url.params["limit"])
        if limits[-1] == "20":
            return httpx.Response(200, json={"requests": rows, "totalRecords": 20})
        return httpx.Response(500)

    async with gateway_over(upstream, execution=execution, lists_from="bff") as gateway:
        result = await gateway.execute(REQUESTS % (20, ""))

    assert result["data"] == {"requests": None}
    (error,) = result["errors"]
    assert error["path"] == ["requests"]
    assert error["extensions"]["code"] == "UPSTREAM_ERROR"
    assert limits[0] == "20"
    assert set(limits[1:]) == {"10"}  # of those without a batch


async def test_an_upstream_that_ignores_the_query(execution: str) -> None:
    """A page with more requests than were asked for again is not completed in turn."""
    rows = [{"id": key(each), "batchRequestInfo": {"batchRequestId": key(999)}} for each in range(10)]
    rows += [{"id": key(each)} for each in range(10, 100)]
    limits = []

    def upstream(request: httpx.Request) -> httpx.Response:
        limits.append(request.url.params["limit"])
        return httpx.Response(200, json={"requests": rows, "totalRecords": 100})

    async with gateway_over(upstream, execution=execution, lists_from="bff") as gateway:
        result = await gateway.execute(REQUESTS % (100, ""))

    assert "errors" not in result
    assert in_a_batch(result["data"]["requests"]["nodes"]) == {key(each) for each in range(10)}
    assert limits == ["100", "40", "40", "10"]


FROM_CIRCULATION = ["GET /circulation/requests", LIST]
OF_CLEARANCE = ["GET /circulation/requests-reports/hold-shelf-clearance/{servicePointId}", LIST]
OF_QUEUE = ["GET /circulation/requests/queue/instance/{id}", LIST]


@pytest.mark.parametrize(
    ("query", "planned"),
    [
        ("requests(first: 5) { nodes { SELECTED } }", [LIST]),
        ("requests(first: 5) { nodes { position SELECTED } }", [LIST]),
        ("requests(first: 5) { nodes { SELECTED tags { tagList } } }", FROM_CIRCULATION),
        ("requests(first: 5) { nodes { loan { dueDate } ...F } }", FROM_CIRCULATION),
        ("requests(first: 5) { edges { node { SELECTED itemLocationCode } } }", FROM_CIRCULATION),
        (
            "requests(first: 100) { nodes { SELECTED printDetails { printCount } } }",
            [*FROM_CIRCULATION, LIST],
        ),
        ('requestQueue(instanceId: "INSTANCE") { nodes { SELECTED } }', OF_QUEUE),
        ('holdShelfClearance(servicePointId: "POINT") { nodes { SELECTED } }', OF_CLEARANCE),
        (
            'requestQueue(instanceId: "INSTANCE") '
            "{ nodes { requester { openRequests { nodes { SELECTED } } } } }",
            [OF_QUEUE[0], *[LIST] * 4],
        ),
    ],
)
async def test_the_call_for_batches_is_planned(execution: str, query: str, planned: list[str]) -> None:
    """If circulation is read, because of what is selected beside them, the batches are planned as a call."""
    selected = "id batchRequestInfo { batchRequestSubmittedAt }"
    async with open_gateway(execution=execution) as gateway:
        instance = next(
            each["instanceId"]
            for each in gateway.library.requests.values()
            if each["status"].startswith("Open")
        )
        text = query.replace("SELECTED", selected).replace("INSTANCE", instance)
        text = text.replace("POINT", str(gateway.summary.service_point_id))
        fragment = f"fragment F on Request {{ {selected} }}" if "...F" in text else ""
        response = await gateway.execute(
            f"{{ {text} }} {fragment}", headers={"X-Okapi-Tenant": "diku", "GraphQL-Explain": "1"}
        )
        sent = len(gateway.calls)

    assert "errors" not in response
    explained = response["extensions"]["explain"]
    routes = [
        route
        for each in explained["calls"]
        for route in [f"{each['method']} {each['route']}"] * each["estimated"]
    ]
    assert routes == planned
    assert explained["estimate"]["calls"] == len(planned) >= sent
    assert all(each["call"] is not None for each in explained["actual"]["requests"])
