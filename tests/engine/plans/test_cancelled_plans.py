"""An operation executed by a plan stops all its requests when it is cancelled, and leaves no task behind."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Collection
from typing import Any

import httpx
import pytest
from starlette.types import Message

from gateway.app import create_app
from gateway.engine.plans.cache import PLANS_EXECUTED
from gateway.settings import Settings

pytestmark = pytest.mark.anyio

Json = Any  # records are JSON
LOANS = [
    {
        "id": f"l{number}",
        "userId": f"u{number}",
        "itemId": f"i{number}",
        "proxyUserId": f"u{number + 1}",
        "checkoutServicePointId": f"p{number}",
        "status": {"name": "Open"},
    }
    for number in range(120)
]
USERS = [
    {"id": f"u{number}", "username": str(number), "departments": [f"d{number}", f"e{number}", "d"]}
    for number in range(121)
]
ANSWERS: dict[str, Json] = {
    "/circulation-bff/loans": {"loans": LOANS},
    "/users": {"users": USERS},
    "/inventory/items": {"items": []},
    "/service-points": {"servicepoints": []},
}


@pytest.fixture(autouse=True)
async def _no_lost_tasks() -> AsyncIterator[None]:
    """Fail the test if the event loop reports a lost task or an exception that was never retrieved."""
    reports: list[str] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(
        lambda _, context: reports.append(f"{context['message']}: {context.get('exception')}")
    )
    yield
    gc.collect()
    loop.set_exception_handler(before)
    assert reports == []


class Held:
    """An upstream that never responds to some paths and records their cancellations."""

    def __init__(self, *paths: str, fine: Collection[str] = ANSWERS) -> None:
        self.paths = paths
        self.fine = fine
        self.open = 0
        self.cancelled: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path not in self.paths:
            if request.url.path not in self.fine:
                return httpx.Response(403, text="no")
            return httpx.Response(200, json=ANSWERS[request.url.path])
        self.open += 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.append(request.url.path)
            raise
        finally:
            self.open -= 1
        raise AssertionError("was not cancelled")


class Client:
    """One connection to the gateway, which can disconnect."""

    def __init__(self, upstream: Held, query: str, *, accept: str | None = None, **settings: Json) -> None:
        self.app = create_app(
            Settings(okapi_url="http://folio", batch_size=50, **settings),
            transport=lambda limits: httpx.MockTransport(upstream),
        )
        self.body = json.dumps({"query": query}).encode()
        self.accept = [] if accept is None else [(b"accept", accept.encode())]
        self.disconnected = asyncio.Event()
        self.sent: list[Message] = []
        self.received = 0

    async def execute(self) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"x-okapi-tenant", b"diku"),
            (b"content-length", str(len(self.body)).encode()),
            *self.accept,
        ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await self.app(scope, self.receive, self.send)

    async def receive(self) -> Message:
        self.received += 1
        if self.received == 1:
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def response(self) -> Json:
        return json.loads(b"".join(message.get("body", b"") for message in self.sent))


async def disconnect(upstream: Held, query: str, calls: int) -> None:
    """Disconnect when so many calls are held; assert that all are cancelled in 2 s and no task remains."""
    before, planned = asyncio.all_tasks(), PLANS_EXECUTED.counts[""]
    client = Client(upstream, query)
    execution = asyncio.create_task(client.execute())
    deadline = time.monotonic() + 20
    while upstream.open < calls:
        assert time.monotonic() < deadline, (upstream.open, client.sent)
        await asyncio.sleep(0.01)
    client.disconnected.set()
    started = time.monotonic()
    await asyncio.wait_for(execution, 20)
    while asyncio.all_tasks() - before:
        assert time.monotonic() - started < 2, asyncio.all_tasks() - before
        await asyncio.sleep(0.01)

    assert PLANS_EXECUTED.counts[""] == planned + 1
    assert client.sent == []
    assert upstream.open == 0
    assert len(upstream.cancelled) == calls


@pytest.mark.parametrize(
    ("query", "paths", "calls"),
    [
        ("{ loans { nodes { id } } }", ["/circulation-bff/loans"], 1),
        ("{ a: loans { nodes { id } } loan(id: \"7c9e6679-7425-40de-944b-000000000001\") { id } "
         "users { nodes { id } } }", ["/circulation-bff/loans", "/users"], 3),
        ("{ loans(first: 120) { nodes { borrower { username } } } }", ["/users"], 3),
        ("{ loans(first: 120) { nodes { borrower { username } item { copyNumber } checkoutServicePoint { "
         "code } } } }", ["/users", "/inventory/items", "/service-points"], 9),
        ("{ loans(first: 120) { nodes { proxy { username } item { copyNumber openLoan { dueDate } } } } "
         "users { nodes { departments { name } openLoans { totalCount } } } }",
         ["/users", "/inventory/items"], 7),
        ("{ users { nodes { departments { name code } } } }", ["/departments"], 1),
        ("{ users { nodes { departments { name } openLoans { nodes { id borrower { type } } } } } }",
         ["/departments", "/circulation-bff/loans"], 2),
        ("{ users { nodes { automatedBlocks { message } manualBlocks { nodes { desc } } } } }",
         ["/manualblocks", *(f"/automated-patron-blocks/u{number}" for number in range(10))], 11),
    ],
    ids=["root", "roots", "batches", "levels", "roots-and-levels", "lists", "lists-and-more", "singly"],
)  # fmt: skip
async def test_all_reads_are_cancelled_when_the_client_disconnects(
    query: str, paths: list[str], calls: int
) -> None:
    """Every read of the operation is cancelled: of roots, of links in several calls, of lists of links."""
    await disconnect(Held(*paths), query, calls)


@pytest.mark.parametrize(
    "query",
    [
        "{ users { nodes { id departments { name } } } }",
        "{ loans(first: 60) { nodes { id borrower { type } } } users { nodes { departments { name } } } }",
        "{ loans(first: 60) { nodes { dueDate borrower { username } item { copyNumber } } } }",
    ],
)
async def test_errors_of_many_links_are_all_retrieved(query: str) -> None:
    """If every key of a list fails, each exception is retrieved and is one error for each path."""
    roots = {"/users"} if "departments" in query else {"/circulation-bff/loans"}
    client = Client(Held(fine=roots | {"/circulation-bff/loans"}), query)
    await client.execute()

    _no_lost_tasks = client.response()
    assert {error["extensions"]["code"] for error in _no_lost_tasks["errors"]} == {"FORBIDDEN"}
    places = [json.dumps(error["path"]) for error in _no_lost_tasks["errors"]]
    assert len(places) == len(set(places)) > 1


async def test_links_are_null_after_the_operation_timeout() -> None:
    """Links that are not loaded in time are null with an error each; the rest of the response is complete."""
    upstream = Held("/users", "/service-points")
    client = Client(
        upstream,
        "{ loans(first: 60) { nodes { id borrower { username } checkoutServicePoint { code } item "
        "{ copyNumber } } } }",
        operation_timeout=1.0,
    )
    started = time.monotonic()
    await asyncio.wait_for(client.execute(), 20)

    assert time.monotonic() - started < 5
    _no_lost_tasks = client.response()
    nodes = _no_lost_tasks["data"]["loans"]["nodes"]
    assert len(nodes) == 60
    assert all(node["borrower"] is node["checkoutServicePoint"] is node["item"] is None for node in nodes)
    assert {error["extensions"]["code"] for error in _no_lost_tasks["errors"]} == {"UPSTREAM_TIMEOUT"}
    assert len(_no_lost_tasks["errors"]) == 2 * 60
    assert upstream.open == 0


async def test_a_cancelled_operation_leaves_no_task() -> None:
    """An operation that is cancelled in any turn of the event loop leaves no task behind."""
    query = "{ loans { nodes { id } } a: loans { nodes { borrower { username } } } users { totalCount } }"
    for turns in range(0, 60, 3):
        before = asyncio.all_tasks()
        upstream = Held("/users")
        client = Client(upstream, query)
        execution = asyncio.create_task(client.execute())
        for _ in range(turns):
            await asyncio.sleep(0)
        execution.cancel()
        with pytest.raises(asyncio.CancelledError):
            await execution
        started = time.monotonic()
        while asyncio.all_tasks() - before:
            assert time.monotonic() - started < 2, (turns, asyncio.all_tasks() - before)
            await asyncio.sleep(0)
        assert upstream.open == 0
