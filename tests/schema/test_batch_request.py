"""Lists of batch requests, which mod-requests-mediated reads by JPA: its attributes and its form of dates."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway, Json

pytestmark = pytest.mark.anyio

LIST = "GET /circulation-bff/batch-requests"
SUBMITTED = """query($filter: BatchRequestFilter, $sort: [BatchRequestSort!]) {
    batchRequests(filter: $filter, sort: $sort) { totalCount nodes { id requestDate } }
}"""


def stored(gateway: Gateway) -> list[Json]:
    return sorted(gateway.library.batch_requests.values(), key=lambda each: (each["requestDate"], each["id"]))


async def test_the_order_of_a_list(reader: Gateway) -> None:
    """Ties are broken by the attribute `id`: JPA has no `batchId`, and rejects a query with it."""
    ids = [each["id"] for each in stored(reader)]
    latest_first = await reader.data(SUBMITTED)
    oldest_first = await reader.data(SUBMITTED, {"sort": [{"field": "REQUEST_DATE"}]})
    queries = [call.query["query"] for call in reader.calls]

    assert {each["id"] for each in latest_first["batchRequests"]["nodes"]} == {*ids}
    assert [each["id"] for each in oldest_first["batchRequests"]["nodes"]] == ids
    assert queries == [
        "cql.allRecords=1 sortby requestDate/sort.descending id",
        "cql.allRecords=1 sortby requestDate id",
    ]


async def test_batches_of_a_period(reader: Gateway) -> None:
    """A period is sent as local dates in UTC, because Java parses them as such."""
    dates = sorted({each["requestDate"] for each in stored(reader)})
    period = {"from": dates[0].replace("+00:00", "Z"), "before": dates[-1].replace("+00:00", "Z")}
    data = await reader.data(SUBMITTED, {"filter": {"requestDate": period}})
    (call,) = reader.calls

    expected = {each["id"] for each in stored(reader) if dates[0] <= each["requestDate"] < dates[-1]}
    assert 0 < len(expected) < len(stored(reader))
    assert {each["id"] for each in data["batchRequests"]["nodes"]} == expected
    assert call.query["query"] == (
        f'(requestDate>="{dates[0][:23]}" and requestDate<"{dates[-1][:23]}") '
        "sortby requestDate/sort.descending id"
    )


async def test_a_total_alone(reader: Gateway) -> None:
    """A total of batches, or of the items of one, is read with a record: upstream fails on a limit of 0."""
    batch = next(iter(reader.library.batch_requests))
    total = await reader.data("{ batchRequests { totalCount } }")
    none = await reader.data("{ batchRequests(first: 0) { totalCount nodes { id } } }")
    query = "query($id: ID!) { batchRequest(id: $id) { details { totalCount } } }"
    details = await reader.data(query, {"id": batch})
    items = [each for each in reader.library.batch_request_details.values() if each["batchId"] == batch]

    assert total["batchRequests"] == {"totalCount": len(stored(reader))}
    assert none["batchRequests"] == {"totalCount": len(stored(reader)), "nodes": []}
    assert details["batchRequest"] == {"details": {"totalCount": len(items)}}
    assert reader.paths() == [LIST, LIST, f"{LIST}/{batch}", f"{LIST}/{batch}/details"]
    assert [call.query.get("limit") for call in reader.calls] == ["1", "1", None, "1"]
