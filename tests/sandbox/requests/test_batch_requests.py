"""Batches: creation, processing and reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox

pytestmark = pytest.mark.anyio

BATCHES = "/circulation-bff/batch-requests"
CHOSEN = "22222222-2222-4222-8222-222222222222"
NOTHING = "00000000-0000-4000-8000-000000000000"
INACTIVE = "1000000006"
RESPONSE = """batchId requesterId mediatedRequestStatus requestDate patronComments mediatedWorkflow metadata
itemRequestsStats"""
DETAIL = """batchId itemId requesterId pickupServicePointId mediatedRequestStatus requestStatus
confirmedRequestId errorCode errorDetails patronComments metadata"""

Body = dict[str, Any]
Refuse = Callable[..., Awaitable[list[Body]]]
Batch = Callable[..., Body]


@pytest.fixture(name="batch")
def _batch(library: Library, circ_desk: str) -> Batch:
    """Build a batch of the first patron for items by barcode."""

    def batch(*barcodes: str, user: str = "1000000001", **more: object) -> Body:
        items = [library.item_by_barcode(barcode) for barcode in barcodes]
        patron = library.user_by_barcode(user)
        assert patron is not None
        return {
            "batchId": CHOSEN,
            "requesterId": patron["id"],
            "mediatedWorkflow": "Multi-Item request",
            "itemRequests": [
                {"itemId": item["id"], "pickupServicePointId": circ_desk} for item in items if item
            ],
            **more,
        }

    return batch


def with_status(library: Library, status: str) -> str:
    return next(
        key for key, each in library.batch_requests.items() if each["mediatedRequestStatus"] == status
    )


def stats(total: int, **counts: int) -> Body:
    return {"total": total} | dict.fromkeys(("pending", "inProgress", "completed", "failed"), 0) | counts


async def read(client: httpx.AsyncClient, key: str) -> Body:
    response = await client.get(f"{BATCHES}/{key}")
    assert response.status_code == 200
    body: Body = response.json()
    return body


async def details(client: httpx.AsyncClient, key: str, **parameters: str) -> list[Body]:
    response = await client.get(f"{BATCHES}/{key}/details", params=parameters)
    rows: list[Body] = response.json()["mediatedBatchRequestDetails"]
    return rows


async def test_new_batch_is_pending(client: httpx.AsyncClient, library: Library, batch: Batch) -> None:
    """No request exists in circulation yet."""
    before = len(library.requests)
    response = await client.post(BATCHES, json=batch("2000000001", "2000000037", patronComments="Seminar"))
    body = response.json()

    assert response.status_code == 201
    assert (body["batchId"], body["mediatedRequestStatus"]) == (CHOSEN, "Pending")
    assert body["patronComments"] == "Seminar"
    assert body["metadata"]["createdDate"] == body["requestDate"]
    assert "itemRequestsStats" not in body
    assert [row["mediatedRequestStatus"] for row in await details(client, CHOSEN)] == ["Pending", "Pending"]
    assert len(library.requests) == before


async def test_each_read_advances_the_batch(
    client: httpx.AsyncClient, library: Library, batch: Batch
) -> None:
    """The first read finds it in progress, the second completed: items paged if possible, else held."""
    await client.post(BATCHES, json=batch("2000000001", "2000000037", patronComments="Seminar"))
    steps = [await read(client, CHOSEN) for _ in range(3)]
    rows = await details(client, CHOSEN)
    requests = [library.requests[row["confirmedRequestId"]] for row in rows]

    assert [step["mediatedRequestStatus"] for step in steps] == ["In progress", "Completed", "Completed"]
    assert [step["itemRequestsStats"] for step in steps] == [
        stats(2, inProgress=2),
        stats(2, completed=2),
        stats(2, completed=2),
    ]
    assert [request["requestType"] for request in requests] == ["Page", "Hold"]
    assert {row["requestStatus"] for row in rows} == {"Open - Not yet filled"}
    assert {request["patronComments"] for request in requests} == {"Seminar"}


async def test_batch_with_a_refused_item(client: httpx.AsyncClient, library: Library, batch: Batch) -> None:
    """The other items are requested; the refused one has the error."""
    await client.post(BATCHES, json=batch("2000000001", "2000000024"))
    await read(client, CHOSEN)
    finished = await read(client, CHOSEN)
    good, bad = await details(client, CHOSEN)

    assert finished["mediatedRequestStatus"] == "Failed"
    assert finished["itemRequestsStats"] == stats(2, completed=1, failed=1)
    assert good["confirmedRequestId"] in library.requests
    assert (bad["mediatedRequestStatus"], bad["errorCode"]) == (
        "Failed",
        "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION",
    )
    assert bad["errorDetails"] == "Page requests are not allowed for this patron and item combination"
    assert "confirmedRequestId" not in bad


async def test_unknown_item(client: httpx.AsyncClient, batch: Batch, circ_desk: str) -> None:
    """A refusal without a code gets the one for unknown reasons."""
    rows = [{"itemId": NOTHING.replace("-4", "-1"), "pickupServicePointId": circ_desk}]
    await client.post(BATCHES, json=batch() | {"itemRequests": rows})
    await read(client, CHOSEN)
    await read(client, CHOSEN)
    (row,) = await details(client, CHOSEN)
    assert (row["errorCode"], row["errorDetails"]) == ("-1", "Instance does not exist; Item does not exist")


async def test_requests_of_a_batch_name_it(client: httpx.AsyncClient, batch: Batch) -> None:
    """The BFF's list of requests shows the batch of a request."""
    await client.post(BATCHES, json=batch("2000000001"))
    await read(client, CHOSEN)
    submitted = (await read(client, CHOSEN))["requestDate"]
    (row,) = await details(client, CHOSEN)
    response = await client.get(
        "/circulation-bff/requests", params={"query": f"id=={row['confirmedRequestId']}"}
    )
    assert response.json()["requests"][0]["batchRequestInfo"] == {
        "batchRequestId": CHOSEN,
        "batchRequestSubmittedAt": submitted,
    }


async def test_batch_without_an_id_gets_one(client: httpx.AsyncClient, batch: Batch) -> None:
    """A batch without an id gets one."""
    body = batch("2000000001")
    del body["batchId"]
    assert (await read(client, (await client.post(BATCHES, json=body)).json()["batchId"]))["requesterId"]


async def test_refusals(client: httpx.AsyncClient, library: Library, batch: Batch, refuse: Refuse) -> None:
    """Each has a number, and one is sent at a time."""
    online = next(key for key, point in library.service_points.items() if point["name"] == "Online")
    barcodes = [str(2000000201 + number) for number in range(51)]

    async def code_of(body: Body) -> str:
        (error,) = await refuse("POST", BATCHES, body)
        assert "type" not in error
        return str(error["code"])

    assert await code_of(batch("2000000001", user=INACTIVE)) == "100"
    assert await code_of(batch("2000000001", mediatedRequestStatus="Completed")) == "104"
    elsewhere = batch("2000000001")
    elsewhere["itemRequests"][0]["pickupServicePointId"] = online
    assert await code_of(elsewhere) == "105"
    assert await code_of(batch("2000000001", "2000000001")) == "106"
    assert await code_of(batch(*barcodes)) == "107"
    assert (await client.post(BATCHES, json=batch(*barcodes[:50]))).status_code == 201


async def test_second_batch_with_an_id(
    client: httpx.AsyncClient, sandbox: Sandbox, batch: Batch, refuse: Refuse
) -> None:
    """The same body again, or another one with its id, is refused and changes nothing."""
    first = await client.post(BATCHES, json=batch("2000000001"))
    (same,) = await refuse("POST", BATCHES, batch("2000000001"))
    (other,) = await refuse("POST", BATCHES, batch("2000000161", batchId=CHOSEN.upper()))

    assert first.status_code == 201
    assert (same["code"], same["parameters"]) == ("103", [{"key": "batchId", "value": CHOSEN}])
    assert other == same
    assert sandbox.writes.served == {("POST", BATCHES): 3}
    assert sandbox.writes.applied == {("POST", BATCHES): 1}


@pytest.mark.parametrize(
    "change",
    [
        {"requesterId": None},
        {"batchId": "first"},
        {"mediatedWorkflow": "Private request"},
        {"itemRequests": None},
        {"itemRequests": "all"},
        {"itemRequests": [{"itemId": NOTHING}]},
        {"patronComments": 7},
    ],
)
async def test_invalid_bodies_are_rejected(client: httpx.AsyncClient, batch: Batch, change: Body) -> None:
    """The BFF's framework rejects them."""
    response = await client.post(BATCHES, json=batch("2000000001") | change)
    assert (response.status_code, response.json()["path"]) == (400, BATCHES)


async def test_list(client: httpx.AsyncClient, library: Library) -> None:
    """It accepts a query, requires none, and has no statistics; reading it advances nothing."""
    everything = (await client.get(BATCHES)).json()
    pending = (await client.get(BATCHES, params={"query": "mediatedRequestStatus==Pending"})).json()
    key = with_status(library, "Pending")
    by_id = (await client.get(BATCHES, params={"query": f"id==({key} or {CHOSEN})"})).json()
    page = (await client.get(BATCHES, params={"limit": "1", "offset": "3"})).json()

    assert list(everything) == ["mediatedBatchRequests", "totalRecords"]
    assert everything["totalRecords"] == 4
    assert not any("itemRequestsStats" in each for each in everything["mediatedBatchRequests"])
    assert [each["batchId"] for each in pending["mediatedBatchRequests"]] == [key]
    assert by_id == pending
    assert (len(page["mediatedBatchRequests"]), page["totalRecords"]) == (1, 4)


async def test_invalid_query_is_400_in_json(client: httpx.AsyncClient) -> None:
    """The module is not built on raml-module-builder."""
    response = await client.get(BATCHES, params={"query": "nonsense==1"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"].endswith("unsupported index nonsense")


async def test_details_are_paged(client: httpx.AsyncClient, batch: Batch) -> None:
    """A page has ten details unless another limit is sent."""
    await client.post(BATCHES, json=batch(*(str(2000000201 + number) for number in range(12))))
    first, rest = await details(client, CHOSEN), await details(client, CHOSEN, offset="10")
    total = (await client.get(f"{BATCHES}/{CHOSEN}/details")).json()["totalRecords"]

    assert (len(first), len(rest), total) == (10, 2, 12)
    assert len(await details(client, CHOSEN, limit="100")) == 12


async def test_unknown_batch(client: httpx.AsyncClient) -> None:
    """It is 404 in JSON on both paths, and 400 if the id is not a UUID."""
    for path in (f"{BATCHES}/{CHOSEN}", f"{BATCHES}/{CHOSEN}/details"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["errors"][0]["message"] == f"Batch request was not found: {CHOSEN}"
    assert (await client.get(f"{BATCHES}/first")).status_code == 400


async def test_seeded_batches(client: httpx.AsyncClient, library: Library) -> None:
    """There is one of each status; together they have every declared field, and two advance when read."""
    keys = [with_status(library, name) for name in ("Completed", "Failed", "Pending", "In progress")]
    batches = [await read(client, key) for key in keys]
    rows = [row for key in keys for row in await details(client, key)]

    assert set().union(*batches) == set(RESPONSE.split())
    assert set().union(*rows) == set(DETAIL.split())
    assert [each["mediatedRequestStatus"] for each in batches] == [
        "Completed",
        "Failed",
        "In progress",
        "Failed",
    ]
    assert batches[3]["itemRequestsStats"] == stats(2, completed=1, failed=1)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ('requestDate>="2026-11-01T00:00:00.000"', 200),
        ('requestDate>="2026-11-01T00:00"', 200),
        ('requestDate>="2026-11-01T00:00:00.000+00:00"', 500),
        ('requesterId==x or (requestDate=="2026-11-01")', 500),
        ("createdDate<2026", 500),
        ("cql.allRecords=1 sortby batchId", 400),
        ("cql.allRecords=1 sortby createdDate id", 200),
    ],
)
async def test_queries_of_jpa(client: httpx.AsyncClient, query: str, status: int) -> None:
    """Indexes are the attributes of an entity, and dates have no offset (folio-spring-support)."""
    response = await client.get(BATCHES, params={"query": query})
    assert response.status_code == status


async def test_a_limit_of_zero_is_500(client: httpx.AsyncClient, library: Library) -> None:
    """A page without records is an exception in lists of batches and of their items."""
    key = next(iter(library.batch_requests))
    for path in (BATCHES, f"{BATCHES}/{key}/details"):
        assert (await client.get(path, params={"limit": "0"})).status_code == 500
