"""The page on operations names the metrics, the fields of log lines and the times of the code."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest
from starlette.routing import Route
from starlette.types import Message

from gateway.app import create_app
from gateway.cli.serve import DRAIN_SECONDS
from gateway.engine.response_body import GraphQLResponse
from gateway.http.open_streams import OpenStreams
from gateway.identity import Caller
from gateway.settings import Settings
from tests.gateway_under_test import open_gateway
from tests.manual.pages import PAGES, blocks, section
from tests.observability.log_lines import logged

pytestmark = pytest.mark.anyio

PAGE = PAGES["operations"]
LOANS = "query Loans { loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
LOCK = "mutation { lockObject(input: { objectType: PATRON, objectId: 29938 }) { __typename } }"


class NoResults:
    """The results of a subscription that has none."""

    async def __anext__(self) -> tuple[str | None, GraphQLResponse]:
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""


async def never() -> Message:
    """Receive nothing."""
    return await asyncio.Future()


async def drop(message: Message) -> None:
    """Drop what is sent."""


async def test_the_metrics_are_those_of_the_code() -> None:
    """The table names each metric with the labels that it has, and no other."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| ", section("operations", "Metrics"), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    async with open_gateway() as gateway:
        await gateway.data(LOANS)
        await gateway.data(LOCK, headers=gateway.as_staff())
        await gateway.execute("{ nonsense }")
        text = (await gateway.http.get("/metrics")).text
    types = dict(re.findall(r"^# TYPE (gateway_\w+) (\w+)$", text, re.MULTILINE))
    labels: dict[str, set[str]] = {}
    for name, given in re.findall(r"^(gateway_\w+?)(?:\{(.*)\})? ", text, re.MULTILINE):
        family = name if name in types else re.sub(r"_(bucket|sum|count)$", "", name)
        labels.setdefault(family, set()).update(set(re.findall(r'(\w+)="', given)) - {"le"})

    assert documented == {name: labels.get(name, documented.get(name, set())) for name in types}


async def test_the_log_lines_have_the_fields_shown() -> None:
    """An operation and a mutation are logged with the members of the examples."""
    examples = [json.loads(block) for block in blocks("json", section("operations", "Logs"))]
    operation, mutation, subscription = examples
    with logged() as lines:
        async with open_gateway() as gateway:
            await gateway.data(LOANS)
            await gateway.data(LOCK, headers=gateway.as_staff())
    read, written = lines.all[0], lines.of(mutation["event"])[0]

    assert set(operation) - {"errors"} == set(read)
    assert (operation["event"], operation["logger"]) == (read["event"], read["logger"])
    assert set(mutation) | {"status"} == set(written)  # there was no response in the example
    assert mutation["logger"] == written["logger"]
    streams = OpenStreams()
    with logged() as lines:
        caller = Caller(tenant="diku", request_id="7/graphql")
        stream = await streams.admit(NoResults(), caller, "Queue", ["diku/7"])
        await stream.serve({}, never, drop)
    assert [set(line) for line in lines.all] == [set(subscription)]
    assert (lines.all[0]["event"], lines.all[0]["logger"]) == (subscription["event"], subscription["logger"])


def test_the_paths_are_served() -> None:
    """Each path of the health checks and `/metrics` is a route."""
    routes = {route.path for route in create_app(Settings(sandbox=True)).routes if isinstance(route, Route)}

    assert set(re.findall(r"`(?:GET )?(/[a-z/]+)`", PAGE)) <= routes | {"/graphql", "/admin"}


def test_the_times_are_those_of_the_code() -> None:
    """The drain, the grace period and the defaults that the page repeats are those of the code."""
    settings = Settings(sandbox=True)
    longest = settings.operation_timeout + settings.act_timeout
    grace = timedelta(seconds=settings.shutdown_timeout / 2 + longest)

    assert DRAIN_SECONDS == 3
    assert "accepted for 3 seconds" in PAGE
    assert grace == timedelta(seconds=50)
    assert "50 seconds" in PAGE
    assert (settings.head_timeout, settings.body_timeout, settings.connect_timeout) == (10, 10, 1)
    assert (settings.max_header_bytes, settings.max_headers) == (32 * 1024, 100)
