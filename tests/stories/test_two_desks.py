"""Two desks and a reader's queue page: a check-in at one desk changes the screens of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from tests.http.event_stream import EVENT_STREAM, Event, read_events
from tests.live.test_many_subscribers import until_connected
from tests.stories.two_desks import ARRANGEMENTS, Json, Story, story
from tests.test_over_http import PATIENCE, processes

pytestmark = pytest.mark.anyio

DESK = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "sandbox:desk"}
READER = {"X-Okapi-Tenant": "diku"}


async def check_in(http: httpx.AsyncClient, url: str, story: Story, desk: str) -> None:
    response = await http.post(f"{url}/graphql", json={"query": story.check_in(desk)}, headers=DESK)
    assert response.json() == {"data": {"checkIn": {"__typename": "CheckedIn"}}}


@asynccontextmanager
async def screen(
    http: httpx.AsyncClient, url: str, query: str, headers: dict[str, str]
) -> AsyncIterator[AsyncIterator[Event]]:
    async with http.stream(
        "POST", f"{url}/graphql", json={"query": query}, headers=headers | {"Accept": EVENT_STREAM}
    ) as response:
        yield read_events(response)


async def until_shown(events: AsyncIterator[Event], expected: Json) -> None:
    """Read results until one is as expected: other events of the check-in may bring an equal one again."""
    result: Json = None
    async with asyncio.timeout(PATIENCE):
        while result != expected:
            event = await anext(events)
            assert "errors" not in event.data, event.data
            (result,) = event.data["data"].values()


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
async def test_a_check_in_changes_the_screens_of_others(arrangement: str) -> None:
    """A requested item is returned at one desk and held at another one: all see it within a moment."""
    story_ = story()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE))
        gateways = stack.enter_context(ARRANGEMENTS[arrangement]())
        urls = stack.enter_context(processes(*(([], settings) for settings in gateways)))
        if arrangement == "Kafka":
            for url in urls:
                await asyncio.wait_for(until_connected(http, url), PATIENCE)
        one, other = urls[0], urls[-1]
        first = await stack.enter_async_context(screen(http, one, story_.item_page, DESK))
        second = await stack.enter_async_context(screen(http, other, story_.arrivals, DESK))
        reader = await stack.enter_async_context(screen(http, other, story_.queue_page, READER))

        body = {"query": story_.queue}
        queue = (await http.post(f"{one}/graphql", json=body, headers=READER)).json()["data"]["requestQueue"]
        requested = next(each for each in queue["nodes"] if each["id"] == story_.request)
        assert (requested["status"], requested["position"]) == ("OPEN_NOT_YET_FILLED", 1)
        for gateway, desk, item, request in (
            (one, story_.first_desk, "IN_TRANSIT", "OPEN_IN_TRANSIT"),
            (other, story_.second_desk, "AWAITING_PICKUP", "OPEN_AWAITING_PICKUP"),
        ):
            await check_in(http, gateway, story_, desk)

            await until_shown(first, {"item": {"status": {"name": item}}})
            arrival = {"id": story_.request, "status": request, "item": {"barcode": story_.barcode}}
            await until_shown(second, {"request": arrival})
            requested["status"] = request
            await until_shown(reader, {"requestQueue": queue})
