"""The sandbox as an ASGI application: tenants, tokens, permissions, routes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from gateway.sandbox.events import Publish, published_changes
from gateway.sandbox.folder import load_library
from gateway.sandbox.http.bff import REQUESTS as BFF_REQUESTS
from gateway.sandbox.http.bff import Bff
from gateway.sandbox.http.call_log import MAX_CALLS, Call, WriteCounts, select_headers
from gateway.sandbox.http.errors import ApiError, BadRequest, NotFound
from gateway.sandbox.http.faults import Fault, Faults, damaged_by, send_fault
from gateway.sandbox.http.permissions import authenticate
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.http.route import ServedRoute
from gateway.sandbox.library import Library
from gateway.sandbox.metadata import stamped_changes
from gateway.sandbox.polaris.endpoints import lock_routes
from gateway.sandbox.polaris.locks import LockStore
from gateway.sandbox.routes import METHODS, ROUTES
from gateway.sandbox.seed.seeded_library import SeededLibraries
from gateway.sandbox.summary import Summary, summarize

MAX_REQUEST_LINE = 4096  # Vert.x's default, which FOLIO's modules do not raise
POLARIS = "/Polaris.ApplicationServices"
TENANT_MISSING = "x-okapi-tenant header must be provided\n"


class Sandbox:
    """A small library in memory behind FOLIO's circulation interfaces and Polaris' object locks.

    `faults` makes calls fail, `calls` holds the last ones received, `writes` counts the writes processed,
    `locks` is the Polaris that all tenants share, and `bff` the version of the BFF. `publish` receives the
    events that FOLIO publishes when records change.
    """

    TENANTS = ("diku", "college")

    def __init__(
        self,
        libraries: Mapping[str, Library],
        *,
        latency: float = 0.0,
        bff: Bff | None = None,
        publish: Publish | None = None,
    ) -> None:
        self.libraries = libraries
        self.publish = publish
        self.latency = latency
        self.bff = bff or Bff()
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.writes = WriteCounts()
        self.locks = LockStore(self.libraries["diku"].clock)
        self.app = Starlette(routes=sandbox_routes())
        self.app.state.sandbox, self.app.state.locks = self, self.locks
        self.app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.log_call(scope)
        if self.latency:
            await asyncio.sleep(self.latency)
        fault = self.faults.take(scope["method"], scope["path"])
        if fault is None:
            await self.respond(scope, receive, send)
        elif fault.after:
            await self.respond_and_fail(fault, scope, receive, send)
        elif not await send_fault(fault, scope, receive, send):
            await self.respond(scope, receive, damaged_by(fault, send))

    async def respond_and_fail(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the library process the call, then send the faulty response in place of its own."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.respond(scope, receive, keep)
        if not await send_fault(fault, scope, receive, send):
            send = damaged_by(fault, send)
            for message in messages:
                await send(message)

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if rejection := reject_early(scope, self.libraries):
            await rejection(scope, receive, send)
            return
        tenant = Headers(scope=scope).get("x-okapi-tenant", "")
        if absent := self.bff.reject(scope["method"], scope["path"], tenant):
            await absent(scope, receive, send)
            return
        await self.app(scope, receive, self.writes.counted(scope, send))

    def library(self, tenant: str) -> Library:
        """Return the state of a tenant. Raises KeyError if it is unknown."""
        return self.libraries[tenant]

    def summary(self, tenant: str = "diku") -> Summary:
        return summarize(self.library(tenant), self.locks)

    def changes(self, tenant: str) -> AbstractContextManager[None]:
        """Publish the events of what is changed meanwhile in the library of a tenant."""
        return published_changes(self.library(tenant), self.publish)

    def log_call(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        query = dict(QueryParams(scope["query_string"]))
        logged = select_headers(headers)
        self.calls.append(Call(scope["method"], scope["path"], query, headers.get("x-okapi-tenant"), logged))


@cache
def sandbox_routes() -> list[Route]:
    """Return the routes of all sandboxes: compiling their paths would take most of the time to create one."""
    return [
        *lock_routes(POLARIS),
        *(Route(route.path, serve(route), methods=[route.method]) for route in ROUTES),
        Route("/{path:path}", unknown_path, methods=METHODS),
    ]


def serve(route: ServedRoute) -> Callable[[Request], Awaitable[Response]]:
    """Wrap an endpoint: authenticate, check the permission, render errors."""

    async def serve_request(request: Request) -> Response:
        sandbox: Sandbox = request.app.state.sandbox
        tenant = request.headers["x-okapi-tenant"]
        library = sandbox.libraries[tenant]
        try:
            caller = authenticate(library, request.headers)
            caller.require(route.permission)
            http_request = HttpRequest(
                library=library,
                caller=caller,
                path=request.url.path,
                path_params=request.path_params,
                query=dict(request.query_params),
                query_pairs=request.query_params.multi_items(),
                body=await request.body(),
                libraries=sandbox.libraries,
                query_lists={name: request.query_params.getlist(name) for name in request.query_params},
            )
            if route.method == "GET":
                response = route.endpoint(http_request)
            else:
                with sandbox.changes(tenant), stamped_changes(library, caller):
                    response = route.endpoint(http_request)
            if route.method == "GET" and route.path == BFF_REQUESTS:
                response = sandbox.bff.break_page(http_request, tenant, response)
            return response
        except ApiError as error:
            return error_response(error, request)

    return serve_request


def error_response(error: ApiError, request: Request) -> Response:
    """Render an error; the BFF passes bodies on and labels them by the Accept header."""
    path = request.url.path
    response = error.response(path)
    if isinstance(error, BadRequest | NotFound) and path.startswith("/circulation-bff/"):
        accepts_json = "application/json" in request.headers.get("accept", "")
        response.headers["content-type"] = "application/json" if accepts_json else "text/plain"
    return response


def reject_early(scope: Scope, libraries: Mapping[str, Library]) -> Response | None:
    """Return the response to a FOLIO call that is rejected before it reaches a module."""
    if scope["path"].startswith(POLARIS):
        return None
    target = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    line = len(scope["method"]) + len(target) + (len(query) + 1 if query else 0) + len("  HTTP/1.1")
    if line > MAX_REQUEST_LINE:
        return PlainTextResponse("Request-URI Too Long", 414)
    tenant = Headers(scope=scope).get("x-okapi-tenant")
    if not tenant:
        return PlainTextResponse(TENANT_MISSING, 400)
    if tenant not in libraries:
        return PlainTextResponse(f"No such Tenant {tenant}", 400)
    return None


async def unknown_path(request: Request) -> Response:
    path, tenant = request.url.path, request.headers.get("x-okapi-tenant")
    if path.startswith(POLARIS):
        return PlainTextResponse("Not Found", 404)
    return PlainTextResponse(f"No suitable module found for path {path} for tenant {tenant}", 404)


def create_sandbox(
    data: Path | None = None,
    *,
    latency: float = 0.0,
    bff: Bff | None = None,
    publish: Publish | None = None,
) -> Sandbox:
    """Create a sandbox with the seeded libraries, or with FOLIO records from a folder for tenant `diku`.

    `latency` delays each response by that many seconds. `bff` is the version of the BFF, by default one
    that has every route. `publish` receives the events of changed records. Raises ValueError if the folder
    cannot be read.
    """
    loaded = {} if data is None else {"diku": load_library(data, tenant="diku")}
    return Sandbox(SeededLibraries(Sandbox.TENANTS, loaded), latency=latency, bff=bff, publish=publish)
