"""The gateway as its clients see it, and the sandbox behind it for the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, cached_property
from typing import Any

import httpx

from gateway.app import create_app, create_documents
from gateway.engine.documents import Documents, Operation, default_values
from gateway.sandbox import Call, Sandbox, Summary, create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport

Json = Any  # a result is JSON of the shape that each test expects

WORKSTATION, ORGANIZATION = "7", "3"  # of all seeded staff


@cache
def _documents() -> Documents:
    return create_documents(Settings())


def estimated_calls(query: str, variables: Mapping[str, Json]) -> int:
    """Return the upstream calls that an operation may need by the estimate that MAX_COST limits."""
    operation = _documents().prepare(query)
    assert isinstance(operation, Operation)
    return _documents().estimate(operation, {**default_values(operation), **variables}).calls


class Gateway:
    """One gateway over one sandbox."""

    def __init__(self, http: httpx.AsyncClient, sandbox: Sandbox) -> None:
        self.http = http
        self.sandbox = sandbox
        self.library = sandbox.library("diku")

    @cached_property
    def summary(self) -> Summary:
        """Examples of the sandbox as it is at the first use."""
        return self.sandbox.summary()

    async def execute(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Return the complete response, errors included."""
        sent = {"X-Okapi-Tenant": "diku"} if headers is None else dict(headers)
        body = {"query": query, "variables": variables or {}}
        response = await self.http.post("/graphql", json=body, headers=sent)
        return response.json()

    async def data(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Return the data of a response without errors."""
        result = await self.execute(query, variables, headers)
        assert "errors" not in result, result["errors"]
        return result["data"]

    @property
    def calls(self) -> list[Call]:
        """Return the upstream calls since the list was cleared."""
        return list(self.sandbox.calls)

    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]

    def as_staff(self, name: str = "desk") -> dict[str, str]:
        """Return headers of a seeded staff member at the seeded workstation, known to FOLIO and Polaris.

        They are those of the summary, for which the library would have to create all its records.
        """
        return {
            "X-Okapi-Tenant": "diku",
            "X-Okapi-Token": f"sandbox:{name}",
            "X-Polaris-Authorization": self.sandbox.locks.authenticator.authorization(name),
            "X-Polaris-Workstation": WORKSTATION,
            "X-Polaris-Organization": ORGANIZATION,
        }


@asynccontextmanager
async def open_gateway(sandbox: Sandbox | None = None, **settings: Json) -> AsyncIterator[Gateway]:
    """Open a gateway over this sandbox, or over a new one."""
    behind = sandbox or create_sandbox()
    app = create_app(
        Settings(sandbox=True, **settings), transport=lambda limits: in_process_transport(behind)
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http,
    ):
        yield Gateway(http, behind)
