"""Lists that a service cuts short: they are read on, or an error, and never silently incomplete."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = pytest.mark.anyio

BATCH = key(1)
DETAILS = f"/circulation-bff/batch-requests/{BATCH}/details"


class Batch:
    """A batch of items, of which the service sends at most two in a page, and at most `available` at all."""

    def __init__(self, count: int, available: int = 1000) -> None:
        self.count = count
        self.available = available
        self.offsets: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != DETAILS:
            return httpx.Response(200, json={"batchId": BATCH})
        offset, limit = int(request.url.params.get("offset", 0)), int(request.url.params["limit"])
        assert "query" not in request.url.params
        self.offsets.append(offset)
        numbers = range(offset, min(offset + min(limit, 2), self.available, self.count))
        rows = [{"itemId": key(number), "errorCode": str(number)} for number in numbers]
        return httpx.Response(200, json={"mediatedBatchRequestDetails": rows, "totalRecords": self.count})


def details(arguments: str) -> str:
    return f"""{{ batchRequest(id: "{BATCH}") {{ details{arguments} {{
        totalCount pageInfo {{ hasNextPage }} nodes {{ errorCode }}
    }} }} }}"""


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_details_of_a_batch_are_read_on(execution: str) -> None:
    """A page with fewer items than its total is read on until it has what was requested."""
    batch = Batch(5)
    async with gateway_over(batch, execution=execution) as client:
        complete = (await client.execute(details("(first: 10)")))["data"]["batchRequest"]["details"]
        offsets, batch.offsets = batch.offsets, []
        page = (await client.execute(details("(first: 3)")))["data"]["batchRequest"]["details"]

    assert [each["errorCode"] for each in complete["nodes"]] == ["0", "1", "2", "3", "4"]
    assert (complete["totalCount"], complete["pageInfo"]["hasNextPage"]) == (5, False)
    assert offsets == [0, 2, 4]
    assert [each["errorCode"] for each in page["nodes"]] == ["0", "1", "2"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, True)
    assert batch.offsets == [0, 2]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_details_that_are_missing_are_an_error(execution: str) -> None:
    """If the service does not send what it counts, the list has an error."""
    async with gateway_over(Batch(5, available=2), execution=execution) as client:
        response = await client.execute(details("(first: 10)"))

    assert response["data"] == {"batchRequest": {"details": None}}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_BAD_RESPONSE"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize(
    ("query", "member"),
    [
        (f'{{ requestQueue(itemId: "{key(1)}") {{ nodes {{ id }} }} }}', "requests"),
        (f'{{ requestQueue(instanceId: "{key(1)}") {{ nodes {{ id }} }} }}', "requests"),
        (f'{{ pickSlips(servicePointId: "{key(1)}") {{ totalCount }} }}', "pickSlips"),
        (f'{{ searchSlips(servicePointId: "{key(1)}") {{ totalCount }} }}', "searchSlips"),
        ('{ externalUsers(externalUserId: "x") { nodes { id } } }', "users"),
    ],
)
async def test_lists_that_cannot_be_read_on(query: str, member: str, execution: str) -> None:
    """A list without pages that has fewer records than its total is an error, and not taken for complete."""
    page: dict[str, Any] = {member: [{"id": key(2)}]}
    results: list[Any] = []
    for total in (1, 2):
        page["totalRecords"] = total
        async with gateway_over(lambda _: httpx.Response(200, json=page), execution=execution) as client:
            results.append(await client.execute(query))
            assert len(client.requests) == 1

    assert "errors" not in results[0]
    assert list(results[1]["data"].values()) == [None]
    assert [each["extensions"]["code"] for each in results[1]["errors"]] == ["UPSTREAM_BAD_RESPONSE"]
