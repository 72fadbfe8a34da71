"""Two gateways over one upstream: one executes by plans, the other does not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.types import ASGIApp

from gateway.app import create_app
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.asgi_client import post_json
from tests.semantic_nulls import unexplained_nulls

Json = Any  # a response is JSON of the shape that each test expects
Change = Callable[[str, Json], Json]
Call = tuple[str, ...]  # method and path, and the requested ids

# The operations of these tests are longer than those of clients.
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


class RecordingTransport(httpx.AsyncBaseTransport):
    """Records the calls to an upstream and may change its responses."""

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


class ComparedExecutions:
    """Executes each operation both ways; the responses have the same bytes except for the order of errors.

    A null has an error, in both, where the schema promises one.
    """

    def __init__(self, plan: ASGIApp, generic: ASGIApp, calls: dict[str, list[Call]]) -> None:
        self.plan = plan
        self.generic = generic
        self.calls = calls
        self.compared = 0
        self.with_errors = 0
        self.fewer = self.more = 0  # operations with fewer or more calls, depending on the timing of batches
        self.refused: list[Json] = []

    async def same(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        but: Callable[[str], str] = str,
    ) -> Json:
        """Return the response of both; `but` removes permitted differences from the text of the data."""
        expected, expected_calls = await self._execute("generic", query, variables, headers)
        result, calls = await self._execute("plan", query, variables, headers)
        assert but(json.dumps(result.get("data"))) == but(json.dumps(expected.get("data"))), query
        assert _errors(result) == _errors(expected), query
        assert unexplained_nulls(query, expected) == [], query
        if "UNFORESEEN" not in {each["extensions"]["code"] for each in expected.get("errors", ())}:
            # A loader that breaks does not remember it; one that upstream fails does.
            assert _requested_ids(calls) == _requested_ids(expected_calls), query
        assert _writes(calls) == _writes(expected_calls), query
        self.fewer += len(calls) < len(expected_calls)
        self.more += len(calls) > len(expected_calls)
        self.compared += 1
        self.with_errors += "errors" in expected
        if "data" not in expected:
            self.refused.append(expected)
        return expected

    async def _execute(
        self,
        execution: str,
        query: str,
        variables: Mapping[str, Json] | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[Json, list[Call]]:
        app = self.plan if execution == "plan" else self.generic
        self.calls[execution].clear()
        sent = {"X-Okapi-Tenant": "diku"} if headers is None else dict(headers)
        body = {"query": query, "variables": variables or {}}
        response = await post_json(app, "/graphql", body, sent)
        return response.json(), list(self.calls[execution])


def _errors(response: Json) -> list[str]:
    """Return message, path and extensions of each error; the order of errors is not defined."""
    errors = [
        {**each, "extensions": {**each.get("extensions", {}), "requestId": None, "sentAt": None}}
        for each in response.get("errors", ())
    ]
    return sorted(json.dumps(each, sort_keys=True) for each in errors)


def _requested_ids(calls: list[Call]) -> list[Call]:
    """Return each requested id separately: the grouping of ids into calls depends on timing."""
    return sorted((path, each) for path, *ids in calls for each in ids or [""])


def _writes(calls: list[Call]) -> list[str]:
    """Return the writes, in order."""
    return [path for path, *_ in calls if not path.startswith("GET ")]


@asynccontextmanager
async def compare_executions(
    sandbox: Sandbox | httpx.AsyncBaseTransport,
    change: Change | None = None,
    *,
    own: Sandbox | httpx.AsyncBaseTransport | None = None,
    **more: Json,
) -> AsyncIterator[ComparedExecutions]:
    """Open both gateways over the sandbox, or over `own` for plans if operations change records.

    `more` are settings of both. A change may return a response that is not JSON, and it may raise.
    """
    calls: dict[str, list[Call]] = {"plan": [], "generic": []}
    apps: dict[str, ASGIApp] = {}
    for execution in ("plan", "generic"):
        behind = own if own is not None and execution == "plan" else sandbox
        if isinstance(behind, Sandbox):
            behind = in_process_transport(behind)
        transport = RecordingTransport(behind, calls[execution], change)
        settings = Settings(sandbox=True, execution=execution, breaker=False, **WIDE, **more)
        app = create_app(settings, transport=lambda limits, transport=transport: transport)  # type: ignore[misc]
        apps[execution] = app
    yield ComparedExecutions(apps["plan"], apps["generic"], calls)
