"""Load shedding for the GraphQL endpoint, which requests reach past the router."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import Overloaded
from gateway.http.error_response import error_response
from gateway.observability.counters import ProcessCounter

RETRY_AFTER = 1  # seconds


SHED = ProcessCounter("gateway_operations_shed", "Requests refused because MAX_OPERATIONS were in flight.")


class LoadShedding:
    """Limit the operations in flight, and pass those admitted directly to the endpoint.

    Requests beyond the limit are refused before their body is read. Health checks are never refused, or an
    orchestrator would kill a process that is merely busy.

    Starlette's router tries its routes one by one and adds exception handling that the endpoint does not
    need, which costs more than parsing an operation. The route stays for applications that mount this one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        endpoint: ASGIApp,
        max_operations: int,
    ) -> None:
        if max_operations < 1:
            raise ValueError(f"max_operations must be at least 1; got {max_operations}")
        self.app = app
        self.path = path
        self.endpoint = endpoint
        self.max_operations = max_operations
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.max_operations:
            SHED.add()
            error = Overloaded("Too many concurrent operations. Nothing was sent.", retry_after=RETRY_AFTER)
            headers, body = error_response(error, scope["headers"])
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        self.in_flight += 1
        try:
            await (self.app if scope.get("root_path") else self.endpoint)(scope, receive, send)
        finally:
            self.in_flight -= 1
