"""Failures on demand: slow, broken, misleading and absent answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send

Kind = Literal["slow", "status", "truncate", "wrong_shape", "html", "empty", "reset"]
KINDS = ("slow", "status", "truncate", "wrong_shape", "html", "empty", "reset")
PAGE = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"


class ConnectionLost(ConnectionResetError):
    """Raised out of the app: the client sees a broken connection."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One failure, for calls whose path starts with `path`; it wears off after `times` calls, or never."""

    kind: Kind
    path: str = "/"
    method: str | None = None
    times: int | None = None
    status: int = 500
    body: str = "Internal Server Error"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 1.0
    shape: object = field(default_factory=list)

    def applies(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in (None, method) and self.times != 0


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        *,
        kind: Kind,
        path: str = "/",
        method: str | None = None,
        times: int | None = None,
        status: int = 500,
        body: str = "Internal Server Error",
        headers: Mapping[str, str] | None = None,
        delay: float = 1.0,
        shape: object = (),
    ) -> Fault:
        """Make calls fail.

        `status`, `body` and `headers` belong to kind "status", `delay` in seconds to "slow", `shape` (the
        JSON sent instead, an empty array unless given) to "wrong_shape". `times=None` means until cleared.
        Raises ValueError for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {kind}")
        fault = Fault(
            kind=kind,
            path=path,
            method=method,
            times=times,
            status=status,
            body=body,
            headers=dict(headers or {}),
            delay=delay,
            shape=shape,
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault for this call; a limited one is used up a little."""
        fault = next((each for each in self._faults if each.applies(method, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault


async def broken(fault: Fault, scope: Scope, receive: Receive, send: Send) -> bool:
    """Answer in the fault's way; False means that the call goes on to the library."""
    match fault.kind:
        case "reset":
            # A server that has begun to answer can only close the connection; before, it would answer 500.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            raise ConnectionLost("connection reset by the sandbox")
        case "slow":
            await asyncio.sleep(fault.delay)
            return False
        case "truncate":
            return False
        case "status":
            response = Response(fault.body, fault.status, headers=dict(fault.headers))
            if "content-type" not in response.headers:
                response.headers["content-type"] = "text/plain; charset=utf-8"
        case "html":
            response = HTMLResponse(PAGE)
        case "empty":
            response = Response(b"", 200, media_type="application/json")
        case "wrong_shape":
            response = Response(json.dumps(fault.shape), media_type="application/json")
    await response(scope, receive, send)
    return True


def truncating(send: Send) -> Send:
    """A send that keeps half of the body and says nothing of it."""

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name != b"content-length"]
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2]}
        await send(message)

    return cut
