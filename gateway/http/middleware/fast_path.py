"""The way to the one path that nearly all requests are for, past the router."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class FastPath:
    """Hand requests for one path straight to what serves it.

    Starlette asks its routes one by one and looks after exceptions that no endpoint of ours raises; for an
    operation that is more work than reading it. The route stays, for applications that mount this one.
    """

    def __init__(self, app: ASGIApp, *, path: str, endpoint: ASGIApp) -> None:
        self.app = app
        self.path = path
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"] == self.path and not scope.get("root_path")
        await (self.endpoint if straight else self.app)(scope, receive, send)
