"""Gateway processes over one FOLIO and one Valkey or Redis: a stream of each has the mutations of all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.live.changes import SKEW_MS
from tests.http.event_stream import EVENT_STREAM, Event, read_events
from tests.mutations.seeded import ITEM, PATRON
from tests.store_server import PATIENCE, needs_store_server, store_server
from tests.test_over_http import Command, processes

pytestmark = [pytest.mark.anyio, needs_store_server]

Json = Any  # a response is JSON of the shape that each test expects

HEADERS = {"X-Okapi-Tenant": "diku"}
LOANS = """subscription ($user: ID!) {
    loanChanged(userId: $user) { kind loan { status { name } item { barcode } } } }"""
CHECK_OUT = """mutation ($item: String!, $user: String!, $point: ID!) {
    checkOut(input: { itemBarcode: $item, userBarcode: $user, servicePointId: $point }) { __typename } }"""
CHECK_IN = """mutation ($item: String!, $point: ID!) {
    checkIn(input: { itemBarcode: $item, servicePointId: $point }) { __typename } }"""
KEYS = """query ($user: String!) {
    user(barcode: $user) { id } servicePoints(first: 1) { nodes { id } } }"""


async def execute(http: httpx.AsyncClient, url: str, document: str, variables: Json) -> Json:
    body = {"query": document, "variables": variables}
    response = (await http.post(f"{url}/graphql", json=body, headers=HEADERS)).json()
    assert "errors" not in response, response["errors"]
    return response["data"]


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, url: str, variables: Json, after: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """Open a stream of loans, and return its results. The changes from then on are in it."""
    headers = HEADERS | {"Accept": EVENT_STREAM} | ({} if after is None else {"Last-Event-ID": after})
    body = {"query": LOANS, "variables": variables}
    async with http.stream("POST", f"{url}/graphql", json=body, headers=headers) as response:
        assert response.headers["content-type"].startswith(EVENT_STREAM)
        yield read_events(response)


async def following(events: AsyncIterator[Event]) -> tuple[Json, str]:
    """Return the change and the id of the next result."""
    async with asyncio.timeout(PATIENCE):
        event = await anext(events)
    assert event.name == "next"
    assert event.id is not None
    assert "errors" not in event.data, event.data["errors"]
    return event.data["data"]["loanChanged"], event.id


async def until_received(http: httpx.AsyncClient, url: str, number: int) -> None:
    """Wait until a process is connected to the store, and has received messages of others."""
    expected = (
        "gateway_relay_connected 1.0",
        f'gateway_relay_messages_total{{outcome="received"}} {number}.0',
    )
    async with asyncio.timeout(PATIENCE):
        metrics: set[str] = set()
        while not metrics.issuperset(expected):
            metrics = {*(await http.get(f"{url}/metrics")).text.splitlines()}


def loan(kind: str, status: str) -> Json:
    return {"kind": kind, "loan": {"status": {"name": status}, "item": {"barcode": ITEM}}}


async def test_a_stream_has_the_mutations_of_another_process() -> None:
    """A desk at one process changes the loans that a reader at another one watches.

    What is missed while the reader is away is sent by any process that it comes back to. After an outage of
    the store the reader is to read again, and is live.
    """
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        with store_server() as server, processes((["sandbox"], {})) as [folio]:
            gateway: Command = ([], {"OKAPI_URL": folio, "POLARIS_URL": folio, "REDIS_URL": server.url})
            with processes(gateway, gateway) as [desk, page]:
                await until_received(http, desk, 0)
                await until_received(http, page, 0)
                keys = await execute(http, desk, KEYS, {"user": PATRON})
                point, user = keys["servicePoints"]["nodes"][0]["id"], {"user": keys["user"]["id"]}
                item = {"item": ITEM, "point": point}
                await asyncio.sleep(SKEW_MS / 1000)  # a stream that begins earlier is to read again

                await execute(http, desk, CHECK_IN, item)  # from then on both have all changes
                await until_received(http, page, 1)

                async with stream(http, page, user) as events:
                    await execute(http, desk, CHECK_OUT, item | {"user": PATRON})
                    change, last = await following(events)
                    assert change == loan("CREATED", "OPEN")

                await execute(http, desk, CHECK_IN, item)
                async with stream(http, desk, user, last) as events:
                    change, last = await following(events)
                    assert change == loan("UPDATED", "CLOSED")

                async with stream(http, page, user, last) as events:
                    await execute(http, desk, CHECK_OUT, item | {"user": PATRON})
                    change, _ = await following(events)  # and nothing of before
                    assert change == loan("CREATED", "OPEN")

                    server.kill()
                    server.start()
                    change, _ = await following(events)
                    assert change == {"kind": "RESYNC", "loan": None}

                    await until_received(http, desk, 0)
                    await execute(http, desk, CHECK_IN, item)
                    change, _ = await following(events)
                    assert change == loan("UPDATED", "CLOSED")
