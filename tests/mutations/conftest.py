"""Gateways for tests of mutations: a shared one, and one over a mocked upstream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, open_gateway

Execute = Callable[..., Awaitable[tuple[Any, list[httpx.Request]]]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Use one event loop for the tests of a file, so that they can share a gateway."""
    return "asyncio"


@pytest.fixture(scope="module", name="module_gateway")
async def _module_gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened


@pytest.fixture(name="shared_gateway")
def _shared_gateway(module_gateway: Gateway) -> Gateway:
    """A gateway for tests that change nothing; sharing it saves its startup."""
    module_gateway.sandbox.calls.clear()
    return module_gateway


@pytest.fixture(name="execute")
def _execute() -> Execute:
    """Send one mutation and return the complete response and the upstream requests."""

    async def execute(
        document: str,
        inputs: object,
        result: httpx.Response | Callable[[httpx.Request], httpx.Response],
        **headers: str,
    ) -> tuple[Any, list[httpx.Request]]:
        upstream_calls: list[httpx.Request] = []

        def upstream(request: httpx.Request) -> httpx.Response:
            upstream_calls.append(request)
            return result if isinstance(result, httpx.Response) else result(request)

        app = create_app(
            Settings(okapi_url="http://folio", polaris_url="http://polaris", look_up_timeout=0),
            transport=lambda limits: httpx.MockTransport(upstream),
        )
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            response = await client.post(
                "/graphql",
                json={"query": document, "variables": {"input": inputs}},
                headers={
                    "X-Okapi-Tenant": "diku",
                    "X-Okapi-Token": "secret",
                    "X-Polaris-Authorization": "PAS polaris:token:secret",
                    "X-Polaris-Workstation": "7",
                    "X-Polaris-Organization": "3",
                    **headers,
                },
            )
        return response.json(), upstream_calls

    return execute
