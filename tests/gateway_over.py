"""A complete gateway over an upstream that is a function, or over one at a real address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from gateway.app import create_app
from gateway.settings import Settings

# An unknown outcome is reported at once, unless a test is about its look-up.
NO_LOOK_UP = {"look_up_timeout": 0}

Json = Any  # a response is JSON of the shape that each test expects
Upstream = Callable[[httpx.Request], httpx.Response]

CALLER = {
    "X-Okapi-Tenant": "diku",
    "X-Okapi-Token": "token-of-the-caller",
    "X-Okapi-Request-Id": "4711/desk",
    "X-Polaris-Authorization": "PAS polaris:token:secret",
    "X-Polaris-Workstation": "7",
    "X-Polaris-Organization": "3",
}


def key(number: int) -> str:
    return f"7c9e6679-7425-40de-944b-{number:012}"


class GatewayClient:
    """A client of the gateway, and the requests to an upstream that is a function."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.requests: list[httpx.Request] = []

    async def response(
        self, query: str, given: Json = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        body = {"query": query, "variables": {} if given is None else {"input": given}}
        return await self.http.post("/graphql", json=body, headers=dict(headers or CALLER))

    async def execute(self, query: str, given: Json = None, headers: Mapping[str, str] | None = None) -> Json:
        """Return the complete response, errors included."""
        return (await self.response(query, given, headers)).json()

    def lines(self) -> list[str]:
        """Return method and path of each upstream request."""
        return [f"{each.method} {each.url.path}" for each in self.requests]


@asynccontextmanager
async def gateway_over(upstream: Upstream, **settings: Json) -> AsyncIterator[GatewayClient]:
    """Open a gateway over a function in place of every service."""

    def response(request: httpx.Request) -> httpx.Response:
        client.requests.append(request)
        return upstream(request)

    app = create_app(
        Settings(**{"okapi_url": "http://folio", "polaris_url": "http://polaris"} | NO_LOOK_UP | settings),
        transport=lambda limits: httpx.MockTransport(response),
    )
    async with _client(app) as http:
        client = GatewayClient(http)
        yield client


@asynccontextmanager
async def gateway_at(url: str, **settings: Json) -> AsyncIterator[GatewayClient]:
    """Open a gateway whose upstream is on the network, at this address."""
    app = create_app(Settings(**{"okapi_url": url, "polaris_url": url} | NO_LOOK_UP | settings))
    async with app.router.lifespan_context(app), _client(app) as http:
        yield GatewayClient(http)


@asynccontextmanager
async def _client(app: Any) -> AsyncIterator[httpx.AsyncClient]:  # Any: an ASGI application
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http
