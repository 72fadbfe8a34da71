"""Load shedding for the GraphQL endpoint, which requests reach past the router."""

from __future__ import annotations

import asyncio

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import Overloaded
from gateway.http.error_response import error_response
from gateway.http.request import HTTPError
from gateway.observability.counters import ProcessCounter

RETRY_AFTER = 1  # seconds


SHED = ProcessCounter("gateway_operations_shed", "Requests refused because MAX_OPERATIONS were in flight.")
BODIES_SHED = ProcessCounter(
    "gateway_waiting_bodies_shed", "Requests refused because MAX_WAITING_BODIES waited for their bodies."
)


class LoadShedding:
    """Limit the operations in flight, and pass those admitted directly to the endpoint.

    An operation is in flight from the arrival of its body on, and not while it waits for its client to read.
    A request whose body has not arrived costs almost nothing, so such requests have a separate limit, beyond
    which the one that has waited longest is refused. So clients that send a head and no body, or read no
    response, do not keep others out.

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
        max_waiting_bodies: int = 500,
    ) -> None:
        if max_operations < 1:
            raise ValueError(f"max_operations must be at least 1; got {max_operations}")
        if max_waiting_bodies < 1:
            raise ValueError(f"max_waiting_bodies must be at least 1; got {max_waiting_bodies}")
        self.app = app
        self.path = path
        self.endpoint = endpoint
        self.max_operations = max_operations
        self.max_waiting_bodies = max_waiting_bodies
        self.in_flight = 0
        self.waiting: dict[Admission, None] = {}  # the longest wait first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_mounted = bool(scope.get("root_path"))
        if scope["type"] != "http" or (get_route_path(scope) if is_mounted else scope["path"]) != self.path:
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.max_operations:
            SHED.add()
            headers, body = error_response(_too_many_operations(), scope["headers"])
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        scope["admission"] = admission = Admission(self, receive, send)
        if scope.get("method") != "POST":
            admission.admit()  # it needs no body
        try:
            await (self.app if is_mounted else self.endpoint)(scope, admission.receive, admission.send)
        finally:
            admission.leave()
            # `receive` and `send` are methods of the server's object that has the scope: a reference cycle,
            # which would leave all objects of the request to the garbage collector.
            del scope["admission"]


class Admission:
    """The place of one request: waiting for its body, then in flight."""

    __slots__ = ("_is_admitted", "_is_counted", "_is_shed", "_receive", "_send", "_shedding", "_task")

    def __init__(self, shedding: LoadShedding, receive: Receive, send: Send) -> None:
        self._shedding = shedding
        self._receive = receive
        self._send = send
        self._is_admitted = False  # at any time: it has its body
        self._is_counted = False
        self._is_shed = False
        self._task: asyncio.Task[object] | None = None

    async def receive(self) -> Message:
        """Receive a message, the first ones as a request that waits. Raises `HTTPError` if it is refused."""
        if self._is_admitted:
            return await self._receive()
        if self._task is None:
            self._wait()
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if self._is_shed and self._task is not None and self._task.uncancel() == 0:
                error = Overloaded("Too many requests wait for their bodies.", retry_after=RETRY_AFTER)
                # The body may still come, or not: the start of the next request is unknown.
                raise HTTPError(503, error, _retry_after(), (b"connection", b"close")) from None
            raise
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._shedding.waiting.pop(self, None)
            if self._shedding.in_flight >= self._shedding.max_operations:
                SHED.add()
                raise HTTPError(503, _too_many_operations(), _retry_after())
            self.admit()
        return message

    async def send(self, message: Message) -> None:
        """Send a message. While the client does not read, the operation is not in flight."""
        if not self._is_counted:
            await self._send(message)
            return
        self._shedding.in_flight -= 1
        try:
            await self._send(message)
        finally:
            self._shedding.in_flight += 1

    def admit(self) -> None:
        """Count the operation as one in flight."""
        self._is_admitted = self._is_counted = True
        self._shedding.in_flight += 1

    def leave(self) -> None:
        """Free the place, at the end of the request or once its response is a stream; it may be repeated."""
        self._shedding.waiting.pop(self, None)
        if self._is_counted:
            self._is_counted = False
            self._shedding.in_flight -= 1

    def _wait(self) -> None:
        self._task = asyncio.current_task()
        waiting = self._shedding.waiting
        waiting[self] = None
        if len(waiting) > self._shedding.max_waiting_bodies:
            BODIES_SHED.add()
            longest = next(iter(waiting))
            del waiting[longest]
            longest._shed()

    def _shed(self) -> None:
        self._is_shed = True
        if self._task is not None:
            self._task.cancel()


def _too_many_operations() -> Overloaded:
    return Overloaded("Too many concurrent operations. Nothing was sent.", retry_after=RETRY_AFTER)


def _retry_after() -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % RETRY_AFTER
