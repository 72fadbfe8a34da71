"""Server-Timing: where the time of an answer went, for whoever develops against the gateway."""

from __future__ import annotations

import re

import pytest

from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

LOANS = "{ loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
VALUE = re.compile(r'total;dur=([0-9.]+), upstream;dur=([0-9.]+);desc="(\d+ calls?)"')


async def timing(gateway: Gateway, query: str, method: str = "POST") -> tuple[float, float, str]:
    response = await gateway.http.request(method, "/graphql", json={"query": query})
    found = VALUE.fullmatch(response.headers["server-timing"])
    assert found
    return float(found[1]), float(found[2]), found[3]


async def test_it_tells_the_time_and_the_calls() -> None:
    """All the time, that with a call open, in milliseconds, and how many calls there were."""
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


async def test_calls_side_by_side_count_once() -> None:
    """Two calls of 100 ms at once are 100 ms of upstream's time, not 200."""
    async with open_gateway(server_timing=True) as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=0.1, path="/circulation-bff")

        _, upstream, calls = await timing(gateway, "{ loans { nodes { id } } requests { nodes { id } } }")

    assert calls == "2 calls"
    assert 100 <= upstream < 190


async def test_unless_asked_for_nothing_is_told(gateway: Gateway) -> None:
    """Times tell about the library behind, so the header is there only where SERVER_TIMING is on."""
    response = await gateway.http.post("/graphql", json={"query": LOANS})

    assert "server-timing" not in response.headers
