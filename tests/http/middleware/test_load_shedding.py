"""Operations beyond the limit are refused, and health checks are not."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import create_app
from gateway.http.middleware.load_shedding import LoadShedding
from gateway.settings import Settings


def scope(root_path: str, *headers: tuple[bytes, bytes]) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": f"{root_path}/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), *headers],
    }


@pytest.mark.anyio
@pytest.mark.parametrize("root_path", ["", "/library/desk"])
async def test_the_excess_is_refused_before_its_body_is_read(root_path: str) -> None:
    """Beyond MAX_OPERATIONS the response is 503, also below a path; others and health checks are served."""
    called, may_continue = asyncio.Event(), asyncio.Event()

    async def upstream(request: httpx.Request) -> httpx.Response:
        called.set()
        await may_continue.wait()
        return httpx.Response(200, json={"loans": [], "totalRecords": 0})

    settings = Settings(okapi_url="http://folio", max_operations=1)
    gateway = create_app(settings, transport=lambda _: httpx.MockTransport(upstream))
    app = Starlette(routes=[Mount(root_path, gateway)]) if root_path else gateway
    responses: list[Message] = []

    async def body_of_first() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b'{"query":"{ loans { totalCount } }"}'}

    async def never() -> Message:
        pytest.fail("the body was read")

    async def keeps(message: Message) -> None:
        responses.append(message)
        await asyncio.sleep(0)

    tenant = (b"x-okapi-tenant", b"diku")
    first = asyncio.create_task(app(scope(root_path, tenant), body_of_first, keeps))
    await called.wait()
    excess: list[Message] = []

    async def keeps_excess(message: Message) -> None:
        excess.append(message)
        await asyncio.sleep(0)

    await app(scope(root_path, (b"x-okapi-request-id", b"7")), never, keeps_excess)
    base_url = f"http://gateway{root_path}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url) as client:
        for path in ("/admin/health", "/admin/info"):
            assert (await client.get(path)).status_code == 200
        may_continue.set()
        await first
        later = await client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"X-Okapi-Tenant": "diku"}
        )

    assert responses[0]["status"] == later.status_code == 200
    headers = dict(excess[0]["headers"])
    (error,) = json.loads(excess[1]["body"])["errors"]
    request_id = error["extensions"].pop("requestId")
    assert (excess[0]["status"], headers[b"retry-after"]) == (503, b"1")
    assert headers[b"x-okapi-request-id"].decode() == request_id
    assert request_id.startswith("7;")
    assert error["extensions"] == {"code": "OVERLOADED", "retryable": True, "retryAfter": 1}


@pytest.mark.anyio
async def test_failures_free_their_slot() -> None:
    """A request frees its slot with any kind of end."""

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async def no_response() -> Message:
        await asyncio.sleep(0)
        return {}

    async def discard(message: Message) -> None:
        await asyncio.sleep(0)

    app = LoadShedding(fails, path="/graphql", endpoint=fails, max_operations=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await app({"type": "http", "path": "/graphql"}, no_response, discard)

    assert app.in_flight == 0


@pytest.mark.anyio
async def test_running_operations_are_no_waiting_bodies() -> None:
    """A request whose body has arrived is never refused in favor of one whose body has not."""
    may_respond = asyncio.Event()
    running = 0

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running
        while (await receive())["more_body"]:
            pass
        running += 1
        if running == 3:
            may_respond.set()
        await may_respond.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    app = LoadShedding(wait, path="/graphql", endpoint=wait, max_operations=3, max_waiting_bodies=1)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        requests = [client.post("/graphql", content=b"{}") for _ in range(3)]
        responses = await asyncio.wait_for(asyncio.gather(*requests), 10)

    assert [each.status_code for each in responses] == [204] * 3
    assert len(app.waiting) == app.in_flight == 0


@pytest.mark.anyio
async def test_sequential_operations_are_not_limited() -> None:
    """Any number of operations may be executed one after another."""

    async def responses(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    transport = httpx.ASGITransport(
        app=LoadShedding(responses, path="/graphql", endpoint=responses, max_operations=2)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert [(await client.get("/graphql")).status_code for _ in range(5)] == [204] * 5


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scope", "is_direct"),
    [
        ({"type": "http", "path": "/graphql"}, True),
        ({"type": "http", "path": "/graphql", "root_path": ""}, True),
        ({"type": "http", "path": "/graphql/"}, False),
        ({"type": "http", "path": "/graphql/assets/page.js"}, False),
        ({"type": "http", "path": "/admin/health"}, False),
        ({"type": "http", "path": "/graphql", "root_path": "/graphql"}, False),
        ({"type": "websocket", "path": "/graphql"}, False),
        ({"type": "lifespan"}, False),
    ],
)
async def test_operations_bypass_the_router(scope: Scope, is_direct: bool) -> None:
    """Only requests for exactly this path, of an application that is not mounted, bypass the router."""
    received: list[str] = []

    async def router(scope: Scope, receive: Receive, send: Send) -> None:
        received.append("router")

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        received.append("endpoint")

    async def receive() -> Message:
        raise AssertionError("the body is not read")

    async def send(message: Message) -> None:
        raise AssertionError("no response is sent")

    await LoadShedding(router, path="/graphql", endpoint=endpoint, max_operations=1)(scope, receive, send)

    assert received == ["endpoint" if is_direct else "router"]


@pytest.mark.parametrize("limit", ["max_operations", "max_waiting_bodies"])
def test_limit_of_zero_is_refused(limit: str) -> None:
    """A limit of zero operations would be an outage."""
    app: ASGIApp = httpx.ASGITransport  # type: ignore[assignment]  # never called
    limits = {"max_operations": 1, limit: 0}
    with pytest.raises(ValueError, match=f"{limit} must be at least 1; got 0"):
        LoadShedding(app, path="/graphql", endpoint=app, **limits)
