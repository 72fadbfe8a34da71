"""A client of an application in this process.

It is for tests with so many requests that httpx takes a fifth of their time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

Json = Any  # a body is JSON of the shape that each test expects


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """A complete response."""

    status: int
    content: bytes

    def json(self) -> Json:
        return json.loads(self.content)


async def post_json(app: ASGIApp, path: str, body: Json, headers: Mapping[str, str]) -> AsgiResponse:
    """Send JSON and return the complete response. The client stays connected until then."""
    content = json.dumps(body).encode()
    sent = {
        "Host": "gateway",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **headers,
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "server": ("gateway", None),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
    requests: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
    complete = asyncio.Event()
    statuses: list[int] = []
    pieces: list[bytes] = []

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
            return
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            complete.set()

    await app(scope, receive, send)
    assert complete.is_set()
    (status,) = statuses
    return AsgiResponse(status, b"".join(pieces))
