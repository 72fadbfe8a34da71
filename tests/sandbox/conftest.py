"""A fresh sandbox for each test, and a client that talks to it as the gateway would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox, create_sandbox

Found = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


@pytest.fixture(name="library")
def _library(sandbox: Sandbox) -> Library:
    return sandbox.library("diku")


@pytest.fixture(name="client")
async def _client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=sandbox)
    headers = {"X-Okapi-Tenant": "diku"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield client


@pytest.fixture(name="desk")
def _desk(library: Library) -> str:
    """The id of Circ Desk 1."""
    return next(key for key, point in library.service_points.items() if point["name"] == "Circ Desk 1")


@pytest.fixture(name="found")
def _found(client: httpx.AsyncClient) -> Found:
    """Ask a collection and return its rows."""

    async def found(path: str, query: str, **parameters: str) -> list[dict[str, Any]]:
        answer = await client.get(path, params={"query": query, "limit": "1000", **parameters})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows = next(value for value in body.values() if isinstance(value, list))
        return list(rows)

    return found
