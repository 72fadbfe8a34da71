"""Totals of lists that mod-inventory serves: exact, although it estimates large ones."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import create_sandbox
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

COUNT = 1234
READ = {"items": "GET /inventory/items", "instances": "GET /inventory/instances"}


@pytest.fixture(params=["plan", "generic"])
async def large(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """A library with more items, all of one title, and titles than upstream counts exactly."""
    sandbox = create_sandbox()
    library = sandbox.library("diku")
    for records in (library.items, library.instances):
        (template, *_) = records.values()
        for number in range(len(records), COUNT):
            key = str(uuid.UUID(int=number, version=4))
            records[key] = template | {"id": key, "hrid": f"x{number}", "barcode": f"x{number}"}
    async with open_gateway(sandbox, execution=request.param) as gateway:
        yield gateway


@pytest.mark.parametrize("root", ["items", "instances"])
async def test_the_total_of_a_page_is_counted_by_a_second_call(large: Gateway, root: str) -> None:
    """The page has an estimate, and reading no records counts them."""
    data = await large.data(f"{{ {root}(first: 5) {{ totalCount nodes {{ id }} }} }}")

    assert data[root]["totalCount"] == COUNT
    assert len(data[root]["nodes"]) == 5
    assert [(f"{call.method} {call.path}", call.query["limit"]) for call in large.calls] == [
        (READ[root], "5"),
        (READ[root], "0"),
    ]
    assert large.calls[1].query["query"] == "cql.allRecords=1"


@pytest.mark.parametrize("root", ["items", "instances"])
@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ("first: 0", "totalCount"),
        ("first: 5", "nodes { id } pageInfo { hasNextPage }"),
        ('first: 5, filter: { hrid: ["x1100", "x1200"] }', "totalCount"),
    ],
    ids=["only counted", "without a total", "a complete list"],
)
async def test_a_known_total_is_not_counted(large: Gateway, root: str, arguments: str, fields: str) -> None:
    """Without records, without `totalCount`, or if the page is the complete list, there is one call."""
    data = await large.data(f"{{ {root}({arguments}) {{ {fields} }} }}")

    assert data[root].get("totalCount") in (None, 2, COUNT)
    assert large.paths() == [READ[root]]


async def test_a_small_total_is_exact(gateway: Gateway) -> None:
    """Upstream counts up to 1000 matches exactly, so that there is one call."""
    data = await gateway.data("{ items(first: 5) { totalCount } }")

    assert data["items"]["totalCount"] == len(gateway.library.items)
    assert gateway.paths() == ["GET /inventory/items"]


async def test_the_last_page_has_the_total(large: Gateway) -> None:
    """The end of the list shows how long it is, and a page beyond it is counted."""
    page = await large.data("{ items(first: 1000) { pageInfo { endCursor } } }")
    after = page["items"]["pageInfo"]["endCursor"]
    query = "query($after: String!) { items(first: 1000, after: $after) { totalCount nodes { id } } }"
    large.sandbox.calls.clear()

    last = await large.data(query, {"after": after})

    assert (last["items"]["totalCount"], len(last["items"]["nodes"])) == (COUNT, COUNT - 1000)
    assert large.paths() == ["GET /inventory/items"]


async def test_the_items_of_one_holdings_record_are_counted(large: Gateway) -> None:
    """A page below one parent is counted with the condition of its list."""
    (item, *_) = large.library.items.values()
    of_holdings = [
        each
        for each in large.library.items.values()
        if each["holdingsRecordId"] == item["holdingsRecordId"] and each["status"]["name"] == "Available"
    ]
    data = await large.data(
        """query($id: ID!) { holdings(id: $id) {
            items(first: 2, filter: { status: [AVAILABLE] }) { totalCount nodes { id } }
        } }""",
        {"id": item["holdingsRecordId"]},
    )

    assert len(of_holdings) > COUNT - 400
    assert data["holdings"]["items"]["totalCount"] == len(of_holdings)
