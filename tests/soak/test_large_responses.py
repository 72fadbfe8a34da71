"""The memory of a gateway process while the largest operations run at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.benchmarks.driver import connections, encode_request
from tests.soak.memory import CONTAINER_LIMIT, peak_bytes
from tests.soak.neighbour import HEADERS, OPERATIONS, served
from tests.soak.storm_hostile import WIDE_FIELDS, roots

PAGES_WITHOUT_A_PLAN = {"query": roots(30, 1000, WIDE_FIELDS)}


@pytest.mark.parametrize(
    ("operation", "number", "execution"),
    [
        (OPERATIONS["100,000 records"], 12, "plan"),
        (OPERATIONS["100,000 records"], 4, "generic"),
        (OPERATIONS["15 wide pages"], 3, "plan"),
        (OPERATIONS["30 fat pages"], 4, "plan"),
        (OPERATIONS["nine megabytes"], 12, "plan"),
        (PAGES_WITHOUT_A_PLAN, 2, "plan"),
    ],
    ids=[
        "100,000 records",
        "100,000 records without a plan",
        "15 wide pages",
        "30 fat pages",
        "nine megabytes",
        "pages without a plan",
    ],
)
def test_large_operations_stay_within_the_limit_of_the_container(
    operation: object, number: int, execution: str
) -> None:
    """Of several large operations at once at least one has data, and the memory stays below the limit."""

    async def execute(url: str) -> list[bytes]:
        async with connections(url, number) as opened:
            request = encode_request("POST", "/graphql", operation, HEADERS)
            return [each.body for each in await asyncio.gather(*(one.execute(request) for one in opened))]

    with served(execution) as gateway:
        responses = asyncio.run(execute(gateway.url))
        peak = peak_bytes(gateway.pid)

    assert peak < CONTAINER_LIMIT
    longest = json.loads(max(responses, key=len))
    assert any(longest["data"].values())
    codes = {
        error["extensions"]["code"] for each in responses for error in json.loads(each).get("errors", ())
    }
    assert codes <= {"LIMIT_EXCEEDED"}
