"""What carries the calls: two networks and an application in this process, each without a memory.

No transport repeats a call, follows the environment or keeps a cookie.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from gateway.upstream.transport.aiohttp_transport import AiohttpTransport

Transport = httpx.AsyncBaseTransport

KEEP_ALIVE = 4.0  # seconds; below the 5 s after which common servers close idle connections under our feet


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call may take; times in seconds, sizes in decoded bytes. Attempts and pauses are for reads."""

    concurrency: int = 64
    queue: float = 1.0
    connect: float = 1.0
    first_byte: float = 5.0
    read: float = 8.0
    act: float = 30.0
    max_bytes: int = 10_000_000
    attempts: int = 3
    pauses: tuple[float, float] = (0.05, 0.5)
    breaker: bool = True


def aiohttp_transport(limits: Limits) -> Transport:
    """aiohttp's connections and parser, which take a fraction of the CPU of httpx's own transport."""
    return AiohttpTransport(
        connections=limits.concurrency,
        connect=limits.connect,
        keep_alive=KEEP_ALIVE,
        trusted=_authorities(),
        max_bytes=limits.max_bytes,
    )


def httpx_transport(limits: Limits) -> Transport:
    """httpx's own transport, for those who prefer it: slower, and no other difference."""
    pool = httpx.Limits(
        max_connections=2 * limits.concurrency,
        max_keepalive_connections=limits.concurrency,
        keepalive_expiry=KEEP_ALIVE,
    )

    def made() -> Transport:
        return httpx.AsyncHTTPTransport(verify=_authorities(), limits=pool, trust_env=False, retries=0)

    return RenewedTransport(made, limits.concurrency)


@cache
def _authorities() -> ssl.SSLContext:
    """Whom both transports trust: the machine's certificate authorities, loaded once."""
    return ssl.create_default_context()


class RenewedTransport(httpx.AsyncBaseTransport):
    """A transport that is replaced by a new one after so many cancelled calls.

    httpcore loses the connection of a call that is cancelled at an unlucky moment, outside its queue as well
    (#1093). A pool of twice the calls in flight, given up after `most` cancelled ones, always has room.
    """

    def __init__(self, made: Callable[[], Transport], most: int) -> None:
        self._made = made
        self._most = most
        self._pool = _Pool(made())
        self._retired: set[_Pool] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._pool
        pool.calls += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException as problem:
            self._ended(pool, isinstance(problem, asyncio.CancelledError))
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - httpx types both kinds as one
        response.stream = _Watched(response.stream, lambda cancelled: self._ended(pool, cancelled))
        return response

    def _ended(self, pool: _Pool, cancelled: bool) -> None:
        pool.calls -= 1
        pool.cancelled += cancelled
        if pool is self._pool and pool.cancelled >= self._most:
            self._retired.add(pool)
            self._pool = _Pool(self._made())
        if pool in self._retired and pool.calls == 0:
            self._retired.remove(pool)
            closing = asyncio.create_task(pool.transport.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        for pool in (self._pool, *self._retired):
            await pool.transport.aclose()
        await asyncio.gather(*self._closing)


@dataclass(slots=True, eq=False)
class _Pool:
    transport: Transport
    calls: int = 0
    cancelled: int = 0


class _Watched(httpx.AsyncByteStream):
    """The body of an answer, whose end is told: whether it was cancelled on the way."""

    def __init__(self, stream: httpx.AsyncByteStream, ended: Callable[[bool], None]) -> None:
        self._stream = stream
        self._ended = ended
        self._cancelled = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except asyncio.CancelledError:
            self._cancelled = True
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except asyncio.CancelledError:
            self._cancelled = True
            raise
        finally:
            self._ended(self._cancelled)


def in_process_transport(app: Any) -> Transport:  # Any: an ASGI app; httpx keeps its type private
    """An application in this process in the place of a network."""
    return httpx.ASGITransport(app=app)
