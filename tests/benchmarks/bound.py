"""The lower bound: the msgspec endpoints over bare asyncio protocols, without any HTTP library.

A request is its method, target and body; a response is its bytes. The remaining work is necessary in any
gateway: read a request, fetch from upstream, decode the needed members, project, encode and write them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks.driver import Connection as UpstreamConnection
from tests.benchmarks.driver import UpstreamResponse
from tests.benchmarks.handwritten import CONNECTIONS, Calls, Incoming, forwarded_headers
from tests.benchmarks.handwritten_msgspec import MsgspecEndpoints
from tests.benchmarks.serving import SPARE_COLLECTIONS, spare_collections, upstream_url

_OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class BareRequest:
    """One request, with the members that the endpoints read."""

    headers: Mapping[str, str]
    content: bytes
    path_params: Mapping[str, Any] = field(default_factory=dict)  # Any: as Starlette declares it

    async def body(self) -> bytes:
        return self.content


class BareCalls(Calls):
    """The upstream calls over a fixed pool of kept-alive connections."""

    def __init__(self) -> None:
        self._idle: asyncio.LifoQueue[UpstreamConnection] = asyncio.LifoQueue()

    async def connect(self, url: str) -> None:
        host, port = urlsplit(url).netloc.split(":")
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, connection = await loop.create_connection(UpstreamConnection, host, int(port))
            self._idle.put_nowait(connection)

    async def get(self, target: str, request: Incoming) -> bytes:
        return await self._send(f"GET {target} HTTP/1.1\r\nHost: upstream\r\n", b"", request)

    async def post(self, target: str, body: bytes, request: Incoming) -> bytes:
        head = f"POST {target} HTTP/1.1\r\nHost: upstream\r\nContent-Type: application/json\r\n"
        return await self._send(f"{head}Content-Length: {len(body)}\r\n", body, request)

    async def _send(self, head: str, body: bytes, request: Incoming) -> bytes:
        headers = "".join([f"{name}: {value}\r\n" for name, value in forwarded_headers(request).items()])
        connection = await self._idle.get()
        try:
            response: UpstreamResponse = await connection.execute(f"{head}{headers}\r\n".encode() + body)
        finally:
            self._idle.put_nowait(connection)
        if response.status >= 300:
            raise RuntimeError(f"upstream responded {response.status}")
        return response.body


class BareServer:
    """The routes: exact targets, and one with an id at its end."""

    def __init__(self, calls: Calls) -> None:
        endpoints = MsgspecEndpoints(calls)
        self.by_id = endpoints.loan
        self.routes: dict[str, Callable[[Incoming], Awaitable[bytes]]] = {
            "/loans": endpoints.loans,
            "/many-loans": endpoints.many_loans,
            "/loans-with-links": endpoints.loans_with_links,
            "/loans-as-they-are": endpoints.loans_as_they_are,
            "/loans-with-keys": endpoints.loans_with_keys,
            "/requests-with-links": endpoints.requests_with_links,
            "/check-out": endpoints.check_out,
        }
        self.running: set[asyncio.Task[None]] = set()  # the event loop holds tasks weakly

    def handle(self, head: str, body: bytes, transport: asyncio.Transport) -> None:
        task = asyncio.get_running_loop().create_task(self._respond(head, body, transport))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def _respond(self, head: str, body: bytes, transport: asyncio.Transport) -> None:
        first, *lines = head.split("\r\n")
        target = first.split(" ")[1]
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        endpoint = self.routes.get(target)
        if endpoint is not None:
            content = await endpoint(BareRequest(headers, body))
        else:
            key = target.removeprefix("/loans/")
            content = await self.by_id(BareRequest(headers, body, {"id": key}))
        response = f"{_OK}content-length: {len(content)}\r\n\r\n"
        transport.write(response.encode() + content)


class ServerConnection(asyncio.Protocol):
    """One kept-alive connection; one request at a time."""

    transport: asyncio.Transport

    def __init__(self, server: BareServer) -> None:
        self.server = server
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.received[:end]
        length = 0
        if head.startswith(b"POST"):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        after = end + 4 + length
        if len(self.received) >= after:
            body, self.received = self.received[end + 4 : after], self.received[after:]
            self.server.handle(head.decode("latin-1"), body, self.transport)


async def serve() -> None:
    calls = BareCalls()
    await calls.connect(upstream_url())
    server = BareServer(calls)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: ServerConnection(server), "127.0.0.1", 0, backlog=2048)
    if SPARE_COLLECTIONS in os.environ:
        spare_collections()
    host, port = listening.sockets[0].getsockname()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
