"""The sandbox as an ASGI app: tenants, tokens, permissions, routes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.sandbox import routes
from gateway.sandbox.calls import MOST_CALLS, Call, kept
from gateway.sandbox.exchange import Endpoint, Exchange
from gateway.sandbox.faults import Faults, broken, truncating
from gateway.sandbox.folder import library_from
from gateway.sandbox.library import Library
from gateway.sandbox.object_lock import LockDesk, lock_routes
from gateway.sandbox.permissions import caller
from gateway.sandbox.refusals import Answered, BadRequest, NotFound
from gateway.sandbox.seed import seeded
from gateway.sandbox.summary import Summary, summarize

LONGEST_REQUEST_LINE = 4096  # Vert.x's default, which FOLIO's modules do not raise
POLARIS = "/Polaris.ApplicationServices"
WITHOUT_TENANT = "x-okapi-tenant header must be provided\n"


class Sandbox:
    """A small library in memory behind FOLIO's circulation interfaces and Polaris' object locks.

    `faults` makes calls fail, `calls` remembers the last ones, `locks` is the Polaris that all tenants share.
    """

    TENANTS = ("diku", "college")

    def __init__(self, libraries: Mapping[str, Library], *, latency: float = 0.0) -> None:
        self.libraries = dict(libraries)
        self.latency = latency
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=MOST_CALLS)
        self.locks = LockDesk(self.libraries["diku"].clock)
        self.app = Starlette(routes=[*lock_routes(POLARIS, self.locks), *self.folio_routes()])
        self.app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        self.remember(scope)
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = self.faults.take(method, path)
        if fault is not None:
            if await broken(fault, scope, receive, send):
                return
            if fault.kind == "truncate":
                send = truncating(send)
        if refusal := refused_at_the_door(scope, self.libraries):
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def library(self, tenant: str) -> Library:
        """The state of one tenant. Raises KeyError for an unknown one."""
        return self.libraries[tenant]

    def summary(self, tenant: str = "diku") -> Summary:
        return summarize(self.library(tenant), self.locks)

    def remember(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        query = dict(QueryParams(scope["query_string"]))
        call = Call(scope["method"], scope["path"], query, headers.get("x-okapi-tenant"), kept(headers))
        self.calls.append(call)

    def folio_routes(self) -> list[Route]:
        return [
            Route(each.path, self.serve(each.permission, each.endpoint), methods=[each.method])
            for each in routes.ROUTES
        ] + [Route("/{path:path}", no_module, methods=routes.METHODS)]

    def serve(self, permission: str | None, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def served(request: Request) -> Response:
            library = self.libraries[request.headers["x-okapi-tenant"]]
            try:
                who = caller(library, request.headers)
                who.require(permission)
                exchange = Exchange(
                    library=library,
                    caller=who,
                    path=request.url.path,
                    path_values=request.path_params,
                    query=dict(request.query_params),
                    body=await request.body(),
                    tenants=self.libraries,
                )
                return endpoint(exchange)
            except Answered as error:
                return relayed(error, request)

        return served


def relayed(error: Answered, request: Request) -> Response:
    """The error as it reaches the caller: the BFF passes bodies on and labels them by what is accepted."""
    path = request.url.path
    response = error.response(path)
    if isinstance(error, BadRequest | NotFound) and path.startswith("/circulation-bff/"):
        accepted = "application/json" in request.headers.get("accept", "")
        response.headers["content-type"] = "application/json" if accepted else "text/plain"
    return response


def refused_at_the_door(scope: Scope, libraries: Mapping[str, Library]) -> Response | None:
    """What is wrong with a FOLIO call before any module sees it."""
    if scope["path"].startswith(POLARIS):
        return None
    target = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    line = len(scope["method"]) + len(target) + (len(query) + 1 if query else 0) + len("  HTTP/1.1")
    if line > LONGEST_REQUEST_LINE:
        return PlainTextResponse("Request-URI Too Long", 414)
    tenant = Headers(scope=scope).get("x-okapi-tenant")
    if not tenant:
        return PlainTextResponse(WITHOUT_TENANT, 400)
    if tenant not in libraries:
        return PlainTextResponse(f"No such Tenant {tenant}", 400)
    return None


async def no_module(request: Request) -> Response:
    path, tenant = request.url.path, request.headers.get("x-okapi-tenant")
    if path.startswith(POLARIS):
        return PlainTextResponse("Not Found", 404)
    return PlainTextResponse(f"No suitable module found for path {path} for tenant {tenant}", 404)


def create_sandbox(data: Path | None = None, *, latency: float = 0.0) -> Sandbox:
    """A sandbox with the seeded libraries, or with FOLIO records from a folder for tenant `diku`.

    `latency` is waited in seconds before every answer. Raises ValueError for a folder that cannot be read.
    """
    libraries = {tenant: seeded(tenant) for tenant in Sandbox.TENANTS}
    if data is not None:
        libraries["diku"] = library_from(data, tenant="diku")
    return Sandbox(libraries, latency=latency)
