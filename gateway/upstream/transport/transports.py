"""The transports of upstream calls: aiohttp's connections, httpx's own, an application in this process.

No transport retries a call, reads proxies from the environment or keeps a cookie.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx

from gateway.settings import UpstreamSettings
from gateway.settings_group import SettingsError
from gateway.upstream.transport.aiohttp_compatibility import (
    AiohttpChanged,
    ConnectionClasses,
    check_connection_classes,
    connection_classes,
)
from gateway.upstream.transport.exchange import Transport

CERTIFICATE_FILE = "SSL_CERT_FILE"  # read by OpenSSL
KEEP_ALIVE = 4.0  # seconds; below the 5 s after which common servers close idle connections

TransportFactory: TypeAlias = Callable[[UpstreamSettings], Transport]

_CLOSED = httpx.ByteStream(b"")

log = logging.getLogger(__name__)


def network_transport(
    name: Literal["aiohttp", "httpx"],
    load_classes: Callable[[], ConnectionClasses] = connection_classes,
) -> TransportFactory:
    """Return the transport of this name, or httpx's if the installed aiohttp cannot carry ours.

    The fallback is logged in one line. `load_classes` returns the classes of aiohttp that are checked.
    """
    if name == "httpx":
        return httpx_transport
    try:
        check_connection_classes(load_classes())
    except (ImportError, AttributeError, AiohttpChanged) as problem:
        log.warning("aiohttp's connection classes changed (%s); using the slower httpx transport", problem)
        return httpx_transport
    return aiohttp_transport


def aiohttp_transport(settings: UpstreamSettings) -> Transport:
    """Return a transport over aiohttp's connections, which takes a fraction of the CPU of httpx's own."""
    from gateway.upstream.transport.aiohttp_transport import AiohttpTransport  # only if it is used

    return AiohttpTransport(
        connections=settings.upstream_concurrency,
        connect=settings.connect_timeout,
        keep_alive=KEEP_ALIVE,
        trusted=_certificate_authorities() if settings.has_https else True,
        max_bytes=settings.max_upstream_bytes,
    )


def httpx_transport(settings: UpstreamSettings) -> Transport:
    """Return httpx's own transport: public interface only, slower, with a new connection for each call.

    httpcore passes bytes that follow a response to the next call on the connection, which may be another
    caller's, and has no interface that shows them. So no connection has a second call.
    """
    pool = httpx.Limits(max_connections=2 * settings.upstream_concurrency, max_keepalive_connections=0)

    def create() -> Transport:
        return httpx.AsyncHTTPTransport(
            verify=_certificate_authorities(), limits=pool, trust_env=False, retries=0
        )

    return RenewedTransport(create, settings.upstream_concurrency)


def in_process_transport(app: Any) -> Transport:  # Any: an ASGI app; httpx keeps its type private
    """Return a transport to an application in this process."""
    return httpx.ASGITransport(app=app)


@cache
def _certificate_authorities() -> ssl.SSLContext:
    """Load the machine's certificate authorities, once for both transports.

    Raises `SettingsError` for an SSL_CERT_FILE that cannot be used: OpenSSL ignores it, and every call fails.
    """
    file = os.environ.get(CERTIFICATE_FILE)
    if file is None:
        return ssl.create_default_context()
    try:
        if Path(file).is_file():
            # What is loaded by default, but an error if the file cannot be used.
            directory = ssl.get_default_verify_paths().capath
            return ssl.create_default_context(cafile=file, capath=directory)
    except OSError:  # ssl.SSLError is one
        pass
    problem = f"{CERTIFICATE_FILE}: must be a readable file of PEM certificates (got {file!r})"
    raise SettingsError([problem])


class RenewedTransport(httpx.AsyncBaseTransport):
    """A transport that is replaced by a new one after a number of cancelled calls.

    httpcore loses the connection of a call that is cancelled at certain moments, outside its queue as well
    (#1093). A pool of twice the calls in flight that is replaced after `max_cancelled` cancelled ones always
    has room.
    """

    def __init__(self, create: Callable[[], Transport], max_cancelled: int) -> None:
        self._create = create
        self._max_cancelled = max_cancelled
        self._pool = _Pool(create())
        self._retired: set[_Pool] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._pool
        pool.calls += 1
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException as problem:
            self._end_call(pool, isinstance(problem, asyncio.CancelledError))
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - typed as either kind
        response.extensions.pop("network_stream", None)  # it holds the unread bytes, as the stream does
        response.stream = _ObservedStream(response.stream, lambda cancelled: self._end_call(pool, cancelled))
        return response

    def _end_call(self, pool: _Pool, cancelled: bool) -> None:
        pool.calls -= 1
        pool.cancelled += cancelled
        if pool is self._pool and pool.cancelled >= self._max_cancelled:
            self._retired.add(pool)
            self._pool = _Pool(self._create())
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


class _ObservedStream(httpx.AsyncByteStream):
    """A response body that reports its end: `on_close(True)` if it was cancelled."""

    def __init__(self, stream: httpx.AsyncByteStream, on_close: Callable[[bool], None]) -> None:
        self._stream = stream
        self._on_close = on_close
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
            self._stream = _CLOSED  # httpx's response refers to itself, and would hold the unread bytes
            self._on_close(self._cancelled)
