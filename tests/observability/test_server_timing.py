"""The Server-Timing header shows developers the time of a response."""

from __future__ import annotations

import re

import pytest

from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

LOANS = "{ loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
VALUE = re.compile(r'total;dur=([0-9.]+), upstream;dur=([0-9.]+);desc="(\d+ calls?)"')


async def timing(gateway: Gateway, query: str, method: str = "POST") -> tuple[float, float, str]:
    response = await gateway.http.request(method, "/graphql", json={"query": query})
    result = VALUE.fullmatch(response.headers["server-timing"])
    assert result
    return float(result[1]), float(result[2]), result[3]


async def test_the_header_has_the_time_and_the_calls() -> None:
    """The header has total time and upstream time in milliseconds, and the number of calls."""
    async with open_gateway(server_timing=True) as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=0.05, path="/groups")

        total, upstream, calls = await timing(gateway, LOANS)
        nothing = await timing(gateway, "{ __typename }")
        one = await timing(gateway, "{ loans { nodes { id } } }")
        refused = await timing(gateway, "{ loans", "PUT")

    assert 50 <= upstream <= total
    assert calls == "2 calls"
    assert nothing[1:] == (0.0, "0 calls")
    assert one[2] == "1 call"
    assert refused[1:] == (0.0, "0 calls")


async def test_concurrent_calls_count_once() -> None:
    """Two concurrent calls of 500 ms count as 500 ms of upstream time, not 1,000."""
    async with open_gateway(server_timing=True) as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=0.5, path="/circulation-bff")

        _, upstream, calls = await timing(gateway, "{ loans { nodes { id } } requests { nodes { id } } }")

    assert calls == "2 calls"
    assert 500 <= upstream < 950


async def test_the_header_is_off_by_default(gateway: Gateway) -> None:
    """The header is only sent with SERVER_TIMING, because times reveal details of the library."""
    response = await gateway.http.post("/graphql", json={"query": LOANS})

    assert "server-timing" not in response.headers
