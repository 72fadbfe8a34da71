"""The memory of a gateway process while many requests of the maximum size wait for upstream."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.http.held_upstream import held_upstream
from tests.server.edge import gateway_process, post
from tests.soak.memory import CONTAINER_LIMIT, peak_bytes

REQUESTS = 20
SIZE = 990_000  # bytes of a body; a megabyte is the maximum
READ = "{ loans(first: 1) { nodes { id } } }"
LISTS = "[" + "[]," * (SIZE // 3 - 100) + "1]"


def body(query: str, variables: str) -> bytes:
    content = f'{{"query": {json.dumps(query)}, "variables": {{"a": {variables}}}}}'.encode()
    assert SIZE * 0.99 < len(content) < 1_000_000
    return content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (body(READ, LISTS), "UPSTREAM_BAD_RESPONSE"),
        (body("query ($a: String) " + READ.replace("(", "(cql: $a, "), f'"{"x" * SIZE}"'), "BAD_USER_INPUT"),
        (
            body("query ($a: [LoanStatusName!]) " + READ.replace("(", "(filter: {status: $a}, "), LISTS),
            "LIMIT_EXCEEDED",
        ),
    ],
    ids=["undeclared lists", "a declared text", "declared lists"],
)
def test_twenty_large_requests_stay_within_the_limit_of_the_container(content: bytes, code: str) -> None:
    """Twenty requests of a megabyte wait for upstream or are refused, below the memory limit."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url) as gateway,
        ExitStack() as stack,
    ):
        clients = [stack.enter_context(gateway.client()) for _ in range(REQUESTS)]
        request = post(body=content)
        for client in clients:
            client.send(request[:-1])
        for client in clients:
            client.send(request[-1:])
        if code.startswith("UPSTREAM"):  # the upstream has no body for them
            upstream.wait_for(REQUESTS)
            upstream.release()
        responses = [client.response() for client in clients]
        peak = peak_bytes(gateway.process.pid)

    assert [each.error for each in responses] == [(200, code)] * REQUESTS
    assert peak < CONTAINER_LIMIT
