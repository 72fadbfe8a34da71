"""Two gateways over one upstream, one that executes by plans and one that does not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.app import create_app
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport

Json = Any  # an answer is JSON, and each test knows which
Change = Callable[[str, Json], Json]
Call = tuple[str, ...]  # method and path, and the ids that are asked

# Limits are for operations of clients; the ones here are long.
WIDE = {
    "max_cost": 100_000,
    "max_result_nodes": 10_000_000,
    "max_depth": 50,
    "max_aliases": 1000,
    "max_directives": 1000,
    "max_nodes": 10_000,
    "max_tokens": 20_000,
    "max_query_characters": 500_000,
}
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Recorded(httpx.AsyncBaseTransport):
    """An upstream that notes what it is asked and may change what it answers."""

    def __init__(self, upstream: httpx.AsyncBaseTransport, calls: list[Call], change: Change | None) -> None:
        self.upstream = upstream
        self.calls = calls
        self.change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = f"{request.method} {request.url.path}"
        ids = _ID.findall(request.url.params.get("query", ""))
        self.calls.append((path, *sorted(ids)))
        response = await self.upstream.handle_async_request(request)
        if self.change is None or response.status_code != 200:
            return response
        body = json.loads(await response.aread())
        changed = self.change(request.url.path, body)
        if isinstance(changed, httpx.Response):
            return changed
        return httpx.Response(200, json=changed)


class SideBySide:
    """The same operation asked twice; the answers are the same to the byte, but for the order of errors."""

    def __init__(
        self, plan: httpx.AsyncClient, generic: httpx.AsyncClient, calls: dict[str, list[Call]]
    ) -> None:
        self.plan = plan
        self.generic = generic
        self.calls = calls
        self.compared = 0
        self.with_errors = 0
        self.fewer = self.more = 0  # calls, where keys happen to come together in time or do not
        self.refused: list[Json] = []

    async def same(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        but: Callable[[str], str] = str,
    ) -> Json:
        """The answer, when both give it; `but` makes one of what may differ in the text of the data."""
        expected, expected_calls = await self._ask("generic", query, variables, headers)
        result, calls = await self._ask("plan", query, variables, headers)
        assert but(json.dumps(result.get("data"))) == but(json.dumps(expected.get("data"))), query
        assert _errors(result) == _errors(expected), query
        if "UNFORESEEN" not in {each["extensions"]["code"] for each in expected.get("errors", ())}:
            # A loader that breaks does not remember it; one that upstream fails does.
            assert _asked(calls) == _asked(expected_calls), query
        assert _acts(calls) == _acts(expected_calls), query
        self.fewer += len(calls) < len(expected_calls)
        self.more += len(calls) > len(expected_calls)
        self.compared += 1
        self.with_errors += "errors" in expected
        if "data" not in expected:
            self.refused.append(expected)
        return expected

    async def _ask(
        self,
        how: str,
        query: str,
        variables: Mapping[str, Json] | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[Json, list[Call]]:
        client = self.plan if how == "plan" else self.generic
        self.calls[how].clear()
        sent = {"X-Okapi-Tenant": "diku"} if headers is None else dict(headers)
        body = {"query": query, "variables": variables or {}}
        response = await client.post("/graphql", json=body, headers=sent)
        return response.json(), list(self.calls[how])


def _errors(response: Json) -> list[str]:
    """Message, path and extensions of each error; which of them is told first is left open."""
    kept = [
        {**each, "extensions": {**each.get("extensions", {}), "requestId": None, "sentAt": None}}
        for each in response.get("errors", ())
    ]
    return sorted(json.dumps(each, sort_keys=True) for each in kept)


def _asked(calls: list[Call]) -> list[Call]:
    """What was asked, each id by itself: how ids share calls depends on when they come."""
    return sorted((path, each) for path, *ids in calls for each in ids or [""])


def _acts(calls: list[Call]) -> list[str]:
    """What was sent to be done, in its order."""
    return [path for path, *_ in calls if not path.startswith("GET ")]


@asynccontextmanager
async def side_by_side(
    sandbox: Sandbox | httpx.AsyncBaseTransport,
    change: Change | None = None,
    *,
    own: Sandbox | httpx.AsyncBaseTransport | None = None,
    **more: Json,
) -> AsyncIterator[SideBySide]:
    """Both gateways over the sandbox; `own` is one for the plans alone, where operations change something.

    `more` are settings of both. A change may answer something that is no JSON, and it may raise.
    """
    calls: dict[str, list[Call]] = {"plan": [], "generic": []}
    clients = {}
    for how in ("plan", "generic"):
        behind = own if own is not None and how == "plan" else sandbox
        if isinstance(behind, Sandbox):
            behind = in_process_transport(behind)
        transport = Recorded(behind, calls[how], change)
        settings = Settings(sandbox=True, execution=how, breaker=False, **WIDE, **more)
        app = create_app(settings, transport=lambda limits, transport=transport: transport)  # type: ignore[misc]
        clients[how] = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")
    async with clients["plan"] as plan, clients["generic"] as generic:
        yield SideBySide(plan, generic, calls)
