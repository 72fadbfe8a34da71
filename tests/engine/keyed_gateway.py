"""A gateway over the embedded library whose store of idempotency keys is the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx

from gateway.app import create_documents
from gateway.context import ContextFactory, ShutdownState
from gateway.engine.idempotency import DECISIONS, IdempotentMutations
from gateway.engine.idempotency_stores import LEASE, IdempotencyStore
from gateway.engine.operations import Operations
from gateway.engine.plans.executor import PlanExecutor
from gateway.engine.running_mutations import RunningMutations
from gateway.graph import schema
from gateway.http.endpoint import GraphQLEndpoint
from gateway.identity import caller_from_headers
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import in_process_transport
from tests.tokens import web_token

Json = Any  # a result is JSON of the shape that each test expects

KEY = "0b5d8c7e-1f57-4d0c-9d53-6a1f5b1c6a11"
SERVICE_POINT = "1df88d03-62ee-575e-8f87-51a3e14c5dd1"
CHECK_OUT_PATH = "/circulation-bff/loans/check-out-by-barcode"
CHECK_OUT = """mutation Lend($input: CheckOutInput!) {
    checkOut(input: $input) {
        __typename
        ... on CheckedOut { loan { id item { barcode } } }
        ... on Refusal { reasons { code } }
    }
}"""
GRAPHQL = "application/graphql-response+json"


def lend(item: str = "2000000001", user: str = "1000000001") -> Json:
    """Return the variables of a check-out."""
    return {"input": {"itemBarcode": item, "userBarcode": user, "servicePointId": SERVICE_POINT}}


def token(user: str, number: int = 1, **claims: Json) -> str:
    """Return a token that names a user by the id; each number is another token of the same user."""
    return web_token({"sub": "someone", "user_id": user, "jti": str(number), **claims})


class KeyedGateway:
    """One gateway, and the requests to it."""

    def __init__(self, http: httpx.AsyncClient, sandbox: Sandbox, stopping: ShutdownState) -> None:
        self.http = http
        self.sandbox = sandbox
        self.stopping = stopping

    async def send(
        self,
        variables: Json = None,
        query: str = CHECK_OUT,
        *,
        key: str | None = KEY,
        headers: Mapping[str, str] | None = None,
        **members: Json,
    ) -> httpx.Response:
        """Send an operation, by default a check-out with the key of these tests."""
        sent = {"X-Okapi-Tenant": "diku", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        body = {"query": query, "variables": lend() if variables is None else variables, **members}
        return await self.http.post("/graphql", json=body, headers=sent)

    @property
    def writes(self) -> int:
        """The number of writes that the library applied."""
        return self.sandbox.writes.applied.total()

    @property
    def sent(self) -> list[str]:
        """Method and path of each upstream call since the list was cleared."""
        return [f"{each.method} {each.path}" for each in self.sandbox.calls]


@asynccontextmanager
async def keyed_gateway(
    store: IdempotencyStore,
    sandbox: Sandbox,
    *,
    lease: float = LEASE,
    **settings: Json,
) -> AsyncIterator[KeyedGateway]:
    """Open a gateway over this sandbox, with this store."""
    configured = Settings(sandbox=True, **settings)
    services = Services(configured, lambda _: in_process_transport(sandbox))
    running = RunningMutations()
    new_context = ContextFactory(services, limits=configured, upstream=configured, stopping=running.stopping)
    idempotency = IdempotentMutations(store, new_context, lease=lease)
    operations = Operations(
        create_documents(configured),
        new_context,
        running_mutations=running,
        plans=PlanExecutor(schema) if configured.execution == "plan" else None,
        idempotency=idempotency,
    )
    endpoint = GraphQLEndpoint(
        operations, partial(caller_from_headers, token_cookie=False), max_body_bytes=1_000_000
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=endpoint), base_url="http://gateway"
    ) as http:
        yield KeyedGateway(http, sandbox, running.stopping)
    await idempotency.aclose()
    await services.aclose()


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Return the status, and the code of the only error."""
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


def is_replayed(response: httpx.Response) -> bool:
    """Return True if a response has the mark."""
    mark: str | None = response.headers.get("Idempotent-Replayed")
    return mark == "true"


class Decisions:
    """The decisions about keys since this object was created."""

    def __init__(self) -> None:
        self._before = dict(DECISIONS.counts)

    @property
    def counts(self) -> dict[str, int]:
        return {
            name: count - self._before[name]
            for name, count in DECISIONS.counts.items()
            if count != self._before[name]
        }


async def until_sent(gateway: KeyedGateway, calls: int = 1) -> None:
    """Wait until the library has received so many calls."""
    async with asyncio.timeout(20):
        while len(gateway.sandbox.calls) < calls:  # noqa: ASYNC110 - the library has no event for it
            await asyncio.sleep(0.005)
