"""Responses when upstream fails below a list: the rows stay, and each failed link has its error."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from gateway import errors
from gateway.app import create_app
from gateway.settings import Settings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Route
from gateway.upstream.statuses import Write
from tests.upstream.socket_server import (
    Responder,
    SocketServer,
    closed_port,
    closes,
    drips,
    gzip_bomb,
    hangs,
    hangs_after,
    head,
    resets,
    resets_after,
    responds,
    sends,
    socket_server,
    until,
)

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

TENANT = {"X-Okapi-Tenant": "diku"}
QUICK: dict[str, Json] = {"read_timeout": 0.6, "first_byte_timeout": 0.3, "operation_timeout": 1.0}


def key(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


LOANS = json.dumps(
    {"loans": [{"id": key(n), "userId": key(100 + n), "dueDate": "2026-01-01T00:00:00Z"} for n in range(10)]}
).encode()
USERS = json.dumps({"users": [{"id": key(100 + n), "username": f"u{n}"} for n in range(10)]}).encode()
TEN = "{ loans(first: 10) { nodes { id dueDate borrower { username } } } }"


class Routed:
    """An upstream with a response for each path, and 404 for others."""

    def __init__(self, **responses: Responder) -> None:
        self.responses = {"/circulation-bff/loans": responds(200, LOANS)} | {
            "/" + path.replace("__", "/").replace("_", "-"): response for path, response in responses.items()
        }
        self.server: SocketServer | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.server is not None
        # Each request is read and served before the event loop continues with another connection.
        path = self.server.received[-1].target.partition("?")[0]
        await self.responses.get(path, responds(404, b"Not found"))(reader, writer)

    def count_requests(self) -> Counter[str]:
        assert self.server is not None
        return Counter(each.target.partition("?")[0] for each in self.server.received)


@asynccontextmanager
async def app_over(upstream: Routed, **given: Json) -> AsyncIterator[Starlette]:
    async with socket_server(upstream) as server:
        upstream.server = server
        app = create_app(Settings(**{"okapi_url": server.url, "polaris_url": server.url} | given))
        async with app.router.lifespan_context(app):
            yield app


async def execute(app: Starlette, query: str) -> Json:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        return (await http.post("/graphql", json={"query": query}, headers=TENANT)).json()


# fault, code, number of reads of the users
FAULTS: dict[str, tuple[Responder, str, int]] = {
    "reset": (resets, "UPSTREAM_UNAVAILABLE", 3),
    "closed": (closes, "UPSTREAM_UNAVAILABLE", 3),
    "503": (responds(503), "UPSTREAM_UNAVAILABLE", 3),
    "reset in the body": (
        resets_after(head(200, "Content-Length: 100") + b'{"users":[]}'),
        "UPSTREAM_UNAVAILABLE",
        1,
    ),
    "cut": (
        sends(head(200, f"Content-Length: {len(USERS)}") + USERS[:-9], close=True),
        "UPSTREAM_UNAVAILABLE",
        1,
    ),
    "cut without a length": (sends(head(200) + USERS[:-9], close=True), "UPSTREAM_BAD_RESPONSE", 1),
    "HTML": (responds(200, b"<!DOCTYPE html><title>secret</title>"), "UPSTREAM_BAD_RESPONSE", 1),
    "empty": (responds(200), "UPSTREAM_BAD_RESPONSE", 1),
    "array as root": (responds(200, b"[]"), "UPSTREAM_BAD_RESPONSE", 1),
    "no collection": (responds(200, b"{}"), "UPSTREAM_BAD_RESPONSE", 1),
    "redirected": (responds(302, b"", "Location: /elsewhere"), "UPSTREAM_BAD_RESPONSE", 1),
    "bomb": (sends(gzip_bomb(5)), "UPSTREAM_BAD_RESPONSE", 1),
    "too big": (responds(200, USERS + b" " * 1_000_000), "UPSTREAM_BAD_RESPONSE", 1),
    "hangs": (hangs, "UPSTREAM_TIMEOUT", 1),
    "hangs in the body": (hangs_after(head(200, "Content-Length: 99") + b"{"), "UPSTREAM_TIMEOUT", 1),
    "drips": (drips(head(200) + b" " * 1000, every=0.02), "UPSTREAM_TIMEOUT", 1),
    "401": (responds(401), "UNAUTHENTICATED", 1),
    "403": (responds(403, b"Access denied: secret"), "FORBIDDEN", 1),
    "422": (responds(422, b'"secret"'), "UPSTREAM_REJECTED", 1),
    "429": (responds(429, b"", "Retry-After: 7"), "RATE_LIMITED", 1),
    "500": (responds(500, b"java.lang.NullPointerException: secret"), "UPSTREAM_ERROR", 1),
}


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_link_never_nulls_its_list(fault: str, network: str) -> None:
    """All ten rows are complete; each failed link is null with one error, all of one code."""
    response, code, times = FAULTS[fault]
    upstream = Routed(users=response)
    given = QUICK if code == "UPSTREAM_TIMEOUT" else {}
    async with app_over(upstream, upstream_transport=network, max_upstream_bytes=500_000, **given) as app:
        result = await execute(app, TEN)

    assert result["data"]["loans"]["nodes"] == [
        {"id": key(n), "dueDate": "2026-01-01T00:00:00.000Z", "borrower": None} for n in range(10)
    ]
    assert sorted(each["path"][2] for each in result["errors"]) == list(range(10))
    assert all(each["path"] == ["loans", "nodes", each["path"][2], "borrower"] for each in result["errors"])
    assert {each["extensions"]["code"] for each in result["errors"]} == {code}
    assert "secret" not in json.dumps(result)
    assert upstream.count_requests() == {"/circulation-bff/loans": 1, "/users": times}


async def test_an_absent_record_is_null_without_an_error() -> None:
    """404 by id, and an id that is not in the response to a batch: null, and no error."""
    upstream = Routed(users=responds(200, b'{"users":[]}'))
    async with app_over(upstream, **QUICK) as app:
        response = await execute(
            app,
            f'{{ loans(first: 10) {{ nodes {{ borrower {{ username }} }} }} user(id: "{key(1)}") {{ id }} }}',
        )

    assert response == {"data": {"loans": {"nodes": [{"borrower": None}] * 10}, "user": None}}


async def test_invalid_values_null_only_their_field() -> None:
    """Unknown members, integers beyond 32 bits and values of another type affect no other field."""
    users: list[dict[str, Json]] = [
        {"id": key(100 + n), "username": f"u{n}", "personal": {"lastName": "x"}, "new": {"a": [n]}}
        for n in range(10)
    ]
    users[3]["personal"] = "none"
    users[4]["username"] = 99999999999999999999
    upstream = Routed(users=responds(200, json.dumps({"users": users, "resultInfo": {}}).encode()))
    async with app_over(upstream, **QUICK) as app:
        response = await execute(
            app, "{ loans(first: 10) { nodes { borrower { id username personal { lastName } } } } }"
        )

    rows = [each["borrower"] for each in response["data"]["loans"]["nodes"]]
    assert [each["id"] for each in rows] == [key(100 + n) for n in range(10)]
    assert [n for n, each in enumerate(rows) if each["personal"] != {"lastName": "x"}] == [3]
    assert all(each["username"] == f"u{n}" for n, each in enumerate(rows) if n != 4)
    assert {each["extensions"]["code"] for each in response.get("errors", [])} <= {"UPSTREAM_BAD_RESPONSE"}


async def test_a_slow_link_is_cut_and_the_others_are_kept() -> None:
    """At the end of the operation's time loaded links stay, and the others are UPSTREAM_TIMEOUT."""
    upstream = Routed(users=hangs, groups=responds(200, b'{"usergroups":[]}'))
    given = {"operation_timeout": 0.4, "read_timeout": 8, "first_byte_timeout": 5}
    async with app_over(upstream, **given) as app:
        started = time.monotonic()
        response = await execute(app, TEN)
        took = time.monotonic() - started

    assert len(response["data"]["loans"]["nodes"]) == 10
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_TIMEOUT"}
    assert 0.35 < took < 4


async def test_a_transient_fault_is_retried() -> None:
    """The sidecar's 503 with Retry-After: 1, sent while a token is renewed, costs a second and no error."""
    remaining = 1

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal remaining
        remaining -= 1
        await (responds(503, b"", "Retry-After: 1") if remaining == 0 else responds(200, USERS))(
            reader, writer
        )

    upstream = Routed(users=once)
    async with app_over(upstream) as app:
        response = await execute(app, TEN)

    assert "errors" not in response
    assert [each["borrower"]["username"] for each in response["data"]["loans"]["nodes"]] == [
        f"u{n}" for n in range(10)
    ]
    assert upstream.count_requests() == {"/circulation-bff/loans": 1, "/users": 2}


@pytest.mark.slow
async def test_a_hanging_upstream_does_not_delay_others() -> None:
    """With every slot of one service in use by hanging calls, users are read in two seconds."""
    bff = Routed(circulation_bff__loans=hangs)
    bff.responses = {"/circulation-bff/loans": hangs}
    folio = Routed(users=responds(200, USERS))
    async with socket_server(bff) as hanging:
        bff.server = hanging
        async with app_over(folio, bff_url=hanging.url, upstream_concurrency=8, first_byte_timeout=3) as app:
            stuck = [asyncio.create_task(execute(app, TEN)) for _ in range(12)]
            await until(lambda: len(hanging.received) == 6)
            started = time.monotonic()
            response = await execute(app, "{ users { nodes { id } } }")
            took = time.monotonic() - started
            responses = await asyncio.gather(*stuck)

    assert len(response["data"]["users"]["nodes"]) == 10
    assert took < 2
    codes = Counter(each["errors"][0]["extensions"]["code"] for each in responses)
    assert codes == {"UPSTREAM_TIMEOUT": 12}


async def test_an_open_breaker_is_reported_with_its_time() -> None:
    """After twenty failures nothing is sent, and the error has the time of the next attempt."""
    upstream = Routed(users=responds(503))
    async with app_over(upstream, read_attempts=1) as app:
        for _ in range(20):
            await execute(app, "{ users { nodes { id } } }")
        response = await execute(app, "{ users { nodes { id } } }")

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert error["extensions"]["retryable"] is True
    assert 1 <= error["extensions"]["retryAfter"] <= 5
    assert upstream.count_requests() == {"/users": 20}


@pytest.mark.parametrize("network", ["aiohttp", "httpx"])
async def test_a_disconnect_cancels_the_reads(network: str) -> None:
    """Within two seconds its upstream connections are closed, and all slots can be used again."""
    upstream = Routed(users=hangs)
    async with app_over(upstream, upstream_transport=network, upstream_concurrency=4) as app:
        assert upstream.server is not None
        for _ in range(3):
            disconnected = [asyncio.Event() for _ in range(4)]
            running = [asyncio.create_task(_raw(app, each)) for each in disconnected]
            await until(lambda: upstream.count_requests()["/users"] == 4)
            started = time.monotonic()
            for each in disconnected:
                each.set()
            await asyncio.gather(*running)
            await until(lambda: _open(upstream) == 0)
            assert time.monotonic() - started < 2
            upstream.server.received.clear()

        upstream.responses["/users"] = responds(200, USERS)
        responses = await asyncio.gather(*(execute(app, TEN) for _ in range(4)))
        assert all("errors" not in each for each in responses)


def _open(upstream: Routed) -> int:
    assert upstream.server is not None
    return upstream.server.open_connections


async def _raw(app: Starlette, disconnected: asyncio.Event) -> None:
    """Execute as a server does whose client disconnects when `gone` is set."""
    body = json.dumps({"query": "{ users { nodes { id } } }"}).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Json]:
        message = next(messages, None)
        if message is None:
            await disconnected.wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message: object) -> None:
        raise AssertionError("the client has disconnected")

    headers = [(b"host", b"gateway"), (b"content-type", b"application/json"), (b"x-okapi-tenant", b"diku")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
    }
    await app(scope, receive, send)


async def test_a_mutation_that_was_not_sent_is_retryable() -> None:
    """Without a server the error is retryable, and nothing was sent."""
    app = create_app(Settings(okapi_url=f"http://127.0.0.1:{closed_port()}"))
    async with app.router.lifespan_context(app):
        response = await execute(
            app,
            'mutation { checkOut(input: { itemBarcode: "1", userBarcode: "2", '
            f'servicePointId: "{key(1)}" }}) {{ __typename }} }}',
        )

    extensions = response["errors"][0]["extensions"]
    assert (extensions["code"], extensions["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "message", "code", "parameters", "users", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()),
    retry_after=st.none() | st.sampled_from(["7", "-1", "nan", "soon", "1e999"]),
)
def test_any_upstream_response_is_a_result_or_a_gateway_error(
    status: int, body: bytes, retry_after: str | None
) -> None:
    """Any status with any body is a result or an error of the tree, for a read and for a mutation."""
    response = {} if retry_after is None else {"Retry-After": retry_after}
    client = Client(
        "folio",
        "http://folio",
        httpx.MockTransport(lambda request: httpx.Response(status, content=body, headers=response)),
        Settings(read_attempts=1),
    )
    caller = CallerClient(client, ())
    write = Write(operation="checkOut", keys={}, verify="item")
    calls: list[Callable[[], Any]] = [
        lambda: Collection(Route("GET", "/users"), "users").bind(caller)(None, limit=1, total=True),
        lambda: caller.read_record(Route("GET", "/users/{id}"), "1"),
        lambda: caller.write_for_record(write, Route("POST", "/act"), {}),
    ]
    for call in calls:
        problem = asyncio.run(_failure(call))
        if problem is not None:
            assert problem.code != "INTERNAL_ERROR"
            json.dumps(problem.extensions)


async def _failure(call: Callable[[], Any]) -> errors.GatewayError | None:
    try:
        await call()
    except errors.GatewayError as problem:
        return problem
    return None
