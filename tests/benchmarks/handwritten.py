"""The baselines: endpoints for exactly the workloads, handwritten with Starlette and aiohttp.

They send upstream the same requests as the gateway, with the caller's token and 75 ids a call, and return the
same bytes. They have none of the other features of the gateway: no GraphQL, no limits, no
deadlines, no translation of failures, no request ids. This module has the calls, which they share; the two
other modules differ in how they read and write JSON.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from tests.benchmarks.records import LOANS, MANY_LOANS

IDS_IN_CALL = 75
CONNECTIONS = 64  # as the gateway's UPSTREAM_CONCURRENCY

REQUEST_TYPES = {"Hold": "HOLD", "Recall": "RECALL", "Page": "PAGE"}

_BY_LOAN_DATE = quote("cql.allRecords=1 sortby loanDate/sort.descending id", safe="")
_BY_REQUEST_DATE = quote("cql.allRecords=1 sortby requestDate id", safe="")


def date(text: str | None) -> str | None:
    """Return a date in the one form of the API."""
    return None if text is None else f"{text[:23]}Z"


class Incoming(Protocol):
    """The members of a request that the endpoints read: of Starlette's and of that of `bound`."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def path_params(self) -> Mapping[str, Any]: ...  # Any: as Starlette declares it

    async def body(self) -> bytes: ...


@cache
def enum(text: str) -> str:
    """Return a text as the enum value of a closed set: `Open - Not yet filled` is OPEN_NOT_YET_FILLED."""
    return text.upper().replace(" - ", "_").replace(" ", "_")


class Calls(ABC):
    """The upstream calls of the workloads. Responses are undecoded JSON."""

    @abstractmethod
    async def get(self, target: str, request: Incoming) -> bytes: ...

    @abstractmethod
    async def post(self, target: str, body: bytes, request: Incoming) -> bytes: ...

    async def loan(self, request: Incoming) -> bytes:
        """The page of the one loan that the path names."""
        key = request.path_params["id"]
        query = quote(f'id=="{key}"', safe="")
        return await self.get(f"/circulation-bff/loans?query={query}&limit=1&totalRecords=none", request)

    async def loans(self, request: Incoming, limit: int = LOANS) -> bytes:
        target = f"/circulation-bff/loans?query={_BY_LOAN_DATE}&limit={limit}&totalRecords=none"
        return await self.get(target, request)

    async def requests(self, request: Incoming) -> bytes:
        target = f"/circulation-bff/requests?query={_BY_REQUEST_DATE}&limit=100&totalRecords=none"
        return await self.get(target, request)

    async def users(self, ids: Iterable[str], request: Incoming) -> list[bytes]:
        return await self._by_id("/users", ids, request)

    async def desks(self, ids: Iterable[str], request: Incoming) -> list[bytes]:
        return await self._by_id("/service-points", ids, request, "&includeRoutingServicePoints=true")

    async def titles(self, ids: Iterable[str], request: Incoming) -> list[bytes]:
        return await self._by_id("/inventory/instances", ids, request)

    async def items(self, ids: Iterable[str], request: Incoming) -> list[bytes]:
        return await self._by_id("/inventory/items", ids, request)

    async def check_out(self, body: bytes, request: Incoming) -> bytes:
        return await self.post("/circulation-bff/loans/check-out-by-barcode", body, request)

    async def _by_id(self, path: str, ids: Iterable[str], request: Incoming, extra: str = "") -> list[bytes]:
        distinct = list(dict.fromkeys(ids))
        chunks = [distinct[start : start + IDS_IN_CALL] for start in range(0, len(distinct), IDS_IN_CALL)]
        targets = []
        for chunk in chunks:
            either = " or ".join(f'"{each}"' for each in chunk)
            query = quote(f"id==({either})" if len(chunk) > 1 else f"id=={either}", safe="")
            targets.append(f"{path}?query={query}&limit={len(chunk)}&totalRecords=none{extra}")
        return await asyncio.gather(*(self.get(target, request) for target in targets))


class AiohttpCalls(Calls):
    """The calls over one aiohttp session for the lifetime of the process."""

    session: aiohttp.ClientSession

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        pool = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar()) as self.session:
            yield

    async def get(self, target: str, request: Incoming) -> bytes:
        url = URL(self.upstream + target, encoded=True)
        async with self.session.get(url, headers=forwarded_headers(request)) as response:
            response.raise_for_status()
            return await response.read()

    async def post(self, target: str, body: bytes, request: Incoming) -> bytes:
        url = URL(self.upstream + target, encoded=True)
        headers = {**forwarded_headers(request), "Content-Type": "application/json"}
        async with self.session.post(url, data=body, headers=headers) as response:
            response.raise_for_status()
            return await response.read()


class Endpoints(ABC):
    """The response bodies, one method for each workload."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    @abstractmethod
    async def loan(self, request: Incoming) -> bytes:
        """W1."""

    async def loans(self, request: Incoming) -> bytes:
        """W2."""
        return self.listed(await self.calls.loans(request))

    async def many_loans(self, request: Incoming) -> bytes:
        """W2 with ten times the loans."""
        return self.listed(await self.calls.loans(request, MANY_LOANS))

    @abstractmethod
    def listed(self, page: bytes) -> bytes:
        """Return the fields of W2 for each loan of a page."""

    @abstractmethod
    async def loans_with_links(self, request: Incoming) -> bytes:
        """W3."""

    @abstractmethod
    async def requests_with_links(self, request: Incoming) -> bytes:
        """W4."""

    @abstractmethod
    async def check_out(self, request: Incoming) -> bytes:
        """W5."""

    @abstractmethod
    async def loans_as_they_are(self, request: Incoming) -> bytes:
        """W6."""

    @abstractmethod
    async def loans_with_keys(self, request: Incoming) -> bytes:
        """W7."""


def create_app(calls: AiohttpCalls, endpoints: Endpoints) -> Starlette:
    return Starlette(
        routes=[
            Route("/loans/{id}", _respond(endpoints.loan)),
            Route("/loans", _respond(endpoints.loans)),
            Route("/many-loans", _respond(endpoints.many_loans)),
            Route("/loans-with-links", _respond(endpoints.loans_with_links)),
            Route("/loans-as-they-are", _respond(endpoints.loans_as_they_are)),
            Route("/loans-with-keys", _respond(endpoints.loans_with_keys)),
            Route("/requests-with-links", _respond(endpoints.requests_with_links)),
            Route("/check-out", _respond(endpoints.check_out), methods=["POST"]),
        ],
        lifespan=calls.lifespan,
    )


def _respond(endpoint: Callable[[Incoming], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        return Response(await endpoint(request), media_type="application/json")

    return respond


def forwarded_headers(request: Incoming) -> dict[str, str]:
    headers = request.headers
    return {
        "Accept": "application/json, text/plain",
        "X-Okapi-Tenant": headers["x-okapi-tenant"],
        "X-Okapi-Token": headers["x-okapi-token"],
    }
