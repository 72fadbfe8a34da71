"""Faults on demand: slow, broken, misleading and missing responses."""

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
MAINTENANCE_PAGE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
)


class ConnectionLost(ConnectionResetError):
    """Raised out of the ASGI application: the client sees a broken connection."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for calls whose path starts with `path`, for the next `times` of them or (None) for all."""

    kind: Kind
    path: str = "/"
    method: str | None = None
    times: int | None = None
    status: int = 500
    body: str = "Internal Server Error"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 1.0
    shape: object = field(default_factory=list)
    after: bool = False

    def matches(self, method: str, path: str) -> bool:
        return path.startswith(self.path) and self.method in (None, method) and self.times != 0


class Faults:
    """The faults in force; tests add and clear them."""

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
        after: bool = False,
    ) -> Fault:
        """Inject a fault.

        By default the call fails before the library processes it. `after` lets the library process it
        first: what it wrote stays, and only the response is lost, late or wrong.
        `status`, `body` and `headers` apply to kind "status", `delay` in seconds to "slow", `shape` (the JSON
        sent instead, an empty array by default) to "wrong_shape". `times=None` lasts until `clear()`.
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
            after=after,
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault that matches this call and count it against the fault's `times`."""
        fault = next((each for each in self._faults if each.matches(method, path)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault


async def send_fault(fault: Fault, scope: Scope, receive: Receive, send: Send) -> bool:
    """Send the faulty response. Returns False if the response of the library has to be sent."""
    match fault.kind:
        case "reset":
            # Once its response has started, a server can only close the connection; before, it sends 500.
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
            response = HTMLResponse(MAINTENANCE_PAGE)
        case "empty":
            response = Response(b"", 200, media_type="application/json")
        case "wrong_shape":
            response = Response(json.dumps(fault.shape), media_type="application/json")
    await response(scope, receive, send)
    return True


def damaged_by(fault: Fault, send: Send) -> Send:
    """Return `send`, wrapped if the fault changes the response of the library."""
    return truncate_body(send) if fault.kind == "truncate" else send


def truncate_body(send: Send) -> Send:
    """Wrap `send` so that half of the body is dropped, without a content length."""

    async def send_half(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name != b"content-length"]
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2]}
        await send(message)

    return send_half
