"""Too many at once: the excess is turned away while it is cheap."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.engine.error_masking import refusal
from gateway.errors import Overloaded
from gateway.identity import request_id_from_headers

RETRY_AFTER = 1  # seconds


@dataclass(slots=True)
class Load:
    """Operations in flight in this process, and how many were turned away since it began."""

    in_flight: int = 0
    shed: int = 0


class LoadShedding:
    """Refuse operations beyond so many in flight in this process, before their bodies are read.

    Only `path` is counted and refused: an orchestrator that got no answer about health would stop a process
    which is merely busy.
    """

    def __init__(self, app: ASGIApp, *, path: str, most: int, load: Load | None = None) -> None:
        if most < 1:
            raise ValueError("most must be at least 1")
        self.app = app
        self.path = path
        self.most = most
        self.load = load or Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        if self.load.in_flight >= self.most:
            self.load.shed += 1
            await _turn_away(scope, send)
            return
        self.load.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.load.in_flight -= 1


async def _turn_away(scope: Scope, send: Send) -> None:
    request_id = request_id_from_headers(scope["headers"])
    error = Overloaded("Too many operations are running; nothing was asked.", retry_after=RETRY_AFTER)
    body = msgspec.json.encode({"errors": [refusal(error, request_id)]})
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(RETRY_AFTER).encode()),
        (b"x-okapi-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
