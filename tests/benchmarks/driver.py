"""The load: kept-alive HTTP/1.1 connections, each of which sends its next request after each response.

Every response is compared with the expected bytes, under load too: a row that fails fast would win otherwise.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from tests.benchmarks.processes import Process

# A token as long as those of Keycloak without roles; both servers and the upstream pass it on or read it.
CALLER = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "e30." + "t" * 400 + ".c2ln"}


WAKING = 8
PATIENCE = 300  # seconds after the end of the load until a server counts as stuck


class UnexpectedResponse(Exception):
    """A server sent another response than the one that it is measured for."""


@dataclass(frozen=True)
class UpstreamResponse:
    """Status and body of one response."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One connection to a server: a request, then its response, then the next request."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = bytearray()
        self._expected = 0  # bytes of the complete response, once its head is read
        self._body_at = 0
        self._response: asyncio.Future[UpstreamResponse] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = self._received[:end].lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            self._body_at = end + 4
            self._expected = self._body_at + int(length)
        if len(self._received) >= self._expected and self._response is not None:
            response = UpstreamResponse(int(self._received[9:12]), bytes(self._received[self._body_at :]))
            self._received.clear()
            self._expected = 0
            self._response.set_result(response)

    def connection_lost(self, reason: Exception | None) -> None:
        if self._response is not None and not self._response.done():
            self._response.set_exception(reason or UnexpectedResponse("the server closed the connection"))

    async def execute(self, encode_request: bytes) -> UpstreamResponse:
        self._response = asyncio.get_running_loop().create_future()
        self.transport.write(encode_request)
        return await self._response


@dataclass(frozen=True)
class Measured:
    """The work of one server in one period of load."""

    requests: int
    cpu_seconds: float
    seconds: float

    @property
    def cpu_ms(self) -> float:
        """CPU per request, in milliseconds."""
        return self.cpu_seconds / self.requests * 1000


def encode_request(
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] = CALLER,  # Any: JSON
) -> bytes:
    """Return the bytes of one request."""
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def check(response: UpstreamResponse, expected: bytes) -> None:
    """Raise `UnexpectedResponse` unless it is the expected one."""
    if response.status != 200 or response.body != expected:
        raise UnexpectedResponse(f"status {response.status}: {response.body[:500]!r}")


async def execute(url: str, request: bytes) -> UpstreamResponse:
    """Return one response over a separate connection."""
    async with asyncio.timeout(PATIENCE), connections(url, 1) as (connection,):
        return await connection.execute(request)


async def load(
    process: Process, request: bytes, expected: bytes, *, concurrency: int, seconds: float
) -> Measured:
    """Send requests over so many connections for so long; those in flight at the end are completed and count.

    A warm-up of a tenth of the time, over a few of the connections, is not measured.
    """
    async with connections(process.url, concurrency) as opened:
        await _until(time.monotonic() + seconds / 10, opened[:WAKING], request, expected)
        cpu, began = process.cpu_seconds(), time.monotonic()
        requests = await _until(began + seconds, opened, request, expected)
        return Measured(requests, process.cpu_seconds() - cpu, time.monotonic() - began)


async def _until(end: float, opened: list[Connection], request: bytes, expected: bytes) -> int:
    async def worker(connection: Connection) -> int:
        done = 0
        while not done or time.monotonic() < end:
            check(await connection.execute(request), expected)
            done += 1
        return done

    async with asyncio.timeout(end - time.monotonic() + PATIENCE):
        return sum(await asyncio.gather(*map(worker, opened)))


@asynccontextmanager
async def connections(url: str, count: int) -> AsyncIterator[list[Connection]]:
    """Open kept-alive connections to a server, closed with the block."""
    host, port = urlsplit(url).netloc.split(":")
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(count):
            _, connection = await loop.create_connection(Connection, host, int(port))
            stack.callback(connection.transport.close)
            opened.append(connection)
        yield opened
