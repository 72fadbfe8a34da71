"""Isolation under load, health during an outage, and request ids, through the complete gateway."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time

import httpx
import pytest

from tests.engine.test_hostile import HOSTILE
from tests.gateway_over import CALLER, gateway_at, gateway_over, key
from tests.gateway_under_test import open_gateway
from tests.upstream.socket_server import closed_port, hangs, responds, socket_server, until

pytestmark = pytest.mark.anyio

MUTATION = f"""mutation {{ checkOut(input: {{
    itemBarcode: "1", userBarcode: "2", servicePointId: "{key(1)}"
}}) {{ __typename }} }}"""


# Separate concurrency limits


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
async def test_hanging_upstream_takes_no_slot_of_another(network: str) -> None:
    """With every slot of Polaris in use, queries and mutations of FOLIO are executed at once."""
    locks = "{ objectLocks { totalCount } }"
    body = b'{"users":[],"loans":[],"id":"1"}'
    async with (
        socket_server(hangs) as hanging,
        socket_server(responds(200, body)) as server,
        gateway_at(
            server.url,
            polaris_url=hanging.url,
            upstream_transport=network,
            upstream_concurrency=2,
            first_byte_timeout=8,
        ) as gateway,
    ):
        stuck = [asyncio.create_task(gateway.execute(locks)) for _ in range(4)]
        await until(lambda: len(hanging.received) == 2)
        began = time.monotonic()
        responses = [
            await gateway.execute(document)
            for document in ("{ users { nodes { id } } }", "{ loans { nodes { id } } }", MUTATION)
        ]
        took = time.monotonic() - began
        assert len(hanging.received) == 2
        for each in stuck:
            each.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    assert ["errors" in each for each in responses] == [False] * 3
    assert took < 5


# Hostile documents


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_does_not_delay_other_clients(name: str) -> None:
    """`{ __typename }` of another client takes less than half a second, sent right after the abuse.

    All run in one thread, whose CPU time is the delay of another client; other processes do not count.
    """
    async with open_gateway() as gateway:
        await gateway.data("{ __typename }")
        gc.collect()  # objects of other tests are not collected during this one
        began = time.thread_time()
        attack = asyncio.create_task(gateway.execute(HOSTILE[name]))
        await asyncio.sleep(0)  # it has begun
        result = await gateway.data("{ __typename }")
        took = time.thread_time() - began
        refused = await attack

    assert result == {"__typename": "Query"}
    assert "errors" in refused
    assert took < 0.5


# Health


async def test_readiness_does_not_depend_on_upstream() -> None:
    """Without a reachable upstream the process is alive and ready, for callers without a tenant too."""
    async with gateway_at(f"http://127.0.0.1:{closed_port()}") as gateway:
        for _ in range(25):  # enough to open the circuit breaker
            response = await gateway.execute("{ users { nodes { id } } }")
        statuses = [
            (await gateway.http.get(path)).status_code
            for path in ("/admin/health", "/admin/health/readiness", "/admin/info")
        ]

    assert response["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert statuses == [200, 200, 200]


async def test_health_sends_nothing_upstream() -> None:
    """Liveness and readiness are about this process: no upstream is called."""
    async with gateway_over(lambda request: httpx.Response(500)) as gateway:
        for path in ("/admin/health", "/admin/health/readiness", "/admin/info"):
            await gateway.http.get(path)

    assert gateway.requests == []


# Request ids

EVERYWHERE = """{
    users { nodes { id } }
    loans { nodes { id borrower { username } } }
    item(id: "42") { id }
}"""


@pytest.mark.parametrize(
    "sent", ["4711/desk", None, "not an id", "x" * 300], ids=["given", "none", "broken", "long"]
)
async def test_the_request_id_is_the_same_everywhere(sent: str | None) -> None:
    """Upstream, each error and the response header have one id: the caller's with a suffix, or a new one."""

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/circulation-bff/loans":
            return httpx.Response(200, json={"loans": [{"id": key(n), "userId": key(9)} for n in range(2)]})
        return httpx.Response(500)

    headers = {name: value for name, value in CALLER.items() if name != "X-Okapi-Request-Id"}
    if sent is not None:
        headers["X-Okapi-Request-Id"] = sent
    async with gateway_over(upstream) as gateway:
        responses = [await gateway.response(EVERYWHERE, None, headers) for _ in range(2)]
        received = [each.headers["X-Okapi-Request-Id"] for each in gateway.requests]

    ids = [each.headers["X-Okapi-Request-Id"] for each in responses]
    assert ids[0] != ids[1]
    assert received == [ids[0]] * 3 + [ids[1]] * 3
    for each, request_id in zip(responses, ids, strict=True):
        errors = each.json()["errors"]
        assert len(errors) == 4
        assert {error["extensions"]["requestId"] for error in errors} == {request_id}
        assert request_id.startswith("4711/desk;") is (sent == "4711/desk")
        assert "not an id" not in request_id
        assert len(request_id) < 300


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"query":"{"}', b'{"query":"{ nothing }"}', b'{"query":"{ loan { id } }"}'],
    ids=["nothing", "no object", "no GraphQL", "not of the schema", "an argument too few"],
)
async def test_a_refused_request_has_its_id(body: bytes) -> None:
    """A request that is not executed has the id of its caller in the error and in the header."""
    headers = CALLER | {"Content-Type": "application/json"}
    async with gateway_over(lambda request: httpx.Response(500)) as gateway:
        response = await gateway.http.post("/graphql", content=body, headers=headers)

    (error,) = response.json()["errors"]
    assert error["extensions"]["requestId"] == response.headers["X-Okapi-Request-Id"]
    assert error["extensions"]["requestId"].startswith("4711/desk;")


async def test_a_fault_is_logged_under_its_id(caplog: pytest.LogCaptureFixture) -> None:
    """The log line of an unexpected error has the request id of the response, and no part of the request."""

    def upstream(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("secret")

    caplog.set_level(logging.INFO)
    async with gateway_over(upstream) as gateway:
        response = await gateway.execute('{ user(barcode: "b-7788") { id } }')

    (error,) = response["errors"]
    messages = [each.getMessage() for each in caplog.get_records("call") if each.name.startswith("gateway.")]
    lines = [each for each in messages if each.startswith("Unexpected")]
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert len(lines) == 1
    assert error["extensions"]["requestId"] in lines[0]
    assert "secret" not in json.dumps(response) + lines[0]
    assert "b-7788" not in lines[0]
