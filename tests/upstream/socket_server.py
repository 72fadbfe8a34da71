"""A small HTTP server with control over every byte, for faults that only sockets can produce."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each.lower() == name.lower()]


Responder = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class SocketServer:
    """Responds to each request with `respond`, and keeps the requests."""

    respond: Responder
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    greeting: bytes = b""  # sent before the request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[str]:
        return [f"{each.method} {each.target}" for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        number = self.connections
        writer.write(self.greeting)
        try:
            while not writer.is_closing():
                self.received.append(await _request(reader, number))
                await self.respond(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client may disconnect
        finally:
            self.open_connections -= 1
            writer.close()


async def _request(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:] if line)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = await reader.readexactly(length)
    return Received(method=method, target=target, headers=headers, body=body, connection=connection)


@asynccontextmanager
async def socket_server(respond: Responder) -> AsyncIterator[SocketServer]:
    """Start a server on a free port of this machine."""
    server = SocketServer(respond)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await until(lambda: server.open_connections == 0)  # they end when their clients close them


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that is true soon, however slow the machine is."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.002)


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    """Return a port on which connecting hangs: its queue is full and never accepted from."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]


def head(status: int, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} Whatever", *headers, "", "")).encode()


def sends(raw: bytes, *, close: bool = False) -> Responder:
    """Send these bytes, and then wait for the next request or the end of the connection."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        if close:
            writer.close()

    return respond


def responds(status: int, body: bytes = b"", *headers: str) -> Responder:
    """Send a complete response."""
    return sends(head(status, f"Content-Length: {len(body)}", *headers) + body)


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the connection without a response."""
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection without a response."""
    _reset(writer)


def resets_after(raw: bytes) -> Responder:
    """Send some bytes, then reset the connection."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        await asyncio.sleep(0.02)  # a reset discards bytes that the client has not read yet
        _reset(writer)

    return respond


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send nothing until the client disconnects."""
    await reader.read()


def hangs_after(raw: bytes) -> Responder:
    """Send some bytes, then nothing until the client disconnects."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await reader.read()

    return respond


def drips(raw: bytes, *, every: float) -> Responder:
    """Send a byte now and then: no single wait is long, and the response never ends."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for place in range(len(raw)):
            if writer.is_closing():
                return
            writer.write(raw[place : place + 1])
            await writer.drain()
            await asyncio.sleep(every)

    return respond


@cache
def gzip_bomb(megabytes: int) -> bytes:
    """Return a response of a few kilobytes that inflates to so many megabytes."""
    body = gzip.compress(b" " * (megabytes * 1_000_000))
    return head(200, f"Content-Length: {len(body)}", "Content-Encoding: gzip") + body
