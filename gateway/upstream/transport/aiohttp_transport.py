"""A transport over aiohttp's connection pool, with an exchange that takes a fraction of a session's CPU.

The sessions, requests and responses of aiohttp and httpx cost more than the call itself, and none of their
features is wanted: no redirects, cookies, proxies, decompression or retries. A call is therefore a pooled
connection, the bytes of a request, and the parsed response.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, cast

import aiohttp
import httpx
from aiohttp.connector import Connection
from yarl import URL

from gateway.settings import UpstreamSettings
from gateway.upstream.transport.aiohttp_protocol import HttpProtocol, IncomingResponse
from gateway.upstream.transport.exchange import (
    ACCEPT_ENCODING,
    FIRST_ERROR,
    JSON,
    USER_AGENT,
    Attempt,
    Body,
    DirectTransport,
    Headers,
    UpstreamResponse,
    base_path,
    encode_headers,
)

_VISIBLE = bytes(range(ord("!"), ord("~") + 1))  # looked for in a third of the time of `isprintable`


class AiohttpTransport(DirectTransport):
    """Connections to any number of origins. The pool is opened on first use, in the loop that uses it."""

    def __init__(
        self,
        *,
        connections: int,
        connect: float,
        keep_alive: float,
        trusted: ssl.SSLContext | Literal[True],
        max_bytes: int,
    ) -> None:
        """`connect` and `keep_alive` are seconds; calls beyond `connections` wait for `connect` seconds.

        `trusted` holds the certificate authorities; if it is true, those that aiohttp has loaded.
        `max_bytes` limits responses to httpx; a direct caller of `send` supplies a `Body` with its own limit.
        """
        self._connections = connections
        self._keep_alive = keep_alive
        self._trusted = trusted
        self._max_bytes = max_bytes
        self._connect_timeout = connect
        self._client_timeout = _client_timeout(connect)
        self._connector: aiohttp.TCPConnector | None = None
        self._clock: Callable[[], float] = time.monotonic  # until the event loop is known
        self._origins: dict[str, aiohttp.ClientRequest] = {}

    def exchange(self, upstream: str, base_url: str, settings: UpstreamSettings) -> AiohttpExchange:
        return AiohttpExchange(upstream, base_url, self, settings)

    async def send(
        self, origin: str, request: bytes, incoming: IncomingResponse, idle_timeout: float, until: float
    ) -> None:
        """Send a complete request once and wait until `incoming` is complete.

        `origin` is scheme, host and port of a URL; `idle_timeout` is the number of seconds that may pass
        without a byte of the response, and `until` the end by the event loop's clock; both may be infinite.
        Raises httpx's exceptions, `ConnectError` and `ConnectTimeout` if nothing was sent, `TimeoutError` at
        the end, and those of the body of `incoming`.
        """
        connection = await self._connect(origin, until)
        try:
            await cast(HttpProtocol, connection.protocol).call(request, incoming, idle_timeout, until)
        except BaseException:
            connection.close()
            raise
        connection.release()

    async def _connect(self, origin: str, until: float) -> Connection:
        connector = self._connector or self._open()
        request = self._origins.get(origin)
        if request is None:
            loop = asyncio.get_running_loop()
            request = self._origins[origin] = aiohttp.ClientRequest("GET", URL(origin), loop=loop)
        remaining = until - self._clock()
        if remaining <= 0:
            raise TimeoutError
        in_time = remaining >= self._connect_timeout
        timeout = self._client_timeout if in_time else _client_timeout(remaining)
        try:
            while True:
                connection = await connector.connect(request, [], timeout)
                protocol = cast(HttpProtocol, connection.protocol)
                if protocol.is_usable():
                    return connection
                connection.close()
                if protocol.is_new:  # as of a proxy without a service behind it
                    raise httpx.ConnectError("The connection ended before it was used.")
        except TimeoutError as problem:
            if not in_time:
                raise TimeoutError from problem
            raise httpx.ConnectTimeout(type(problem).__name__) from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise httpx.ConnectError(type(problem).__name__) from problem

    def _open(self) -> aiohttp.TCPConnector:
        connector = self._connector = aiohttp.TCPConnector(
            limit=self._connections, keepalive_timeout=self._keep_alive, ssl=self._trusted
        )
        loop = asyncio.get_running_loop()
        protocol: Any = partial(HttpProtocol, loop)  # Any: a subclass of the protocol that aiohttp creates
        connector._factory = protocol
        self._clock = loop.time
        return connector

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx. The response is read completely before it is returned."""
        if "Transfer-Encoding" in request.headers:
            raise httpx.UnsupportedProtocol("A request needs a Content-Length.", request=request)
        url, content = request.url, await request.aread()
        head = [b"%s %s HTTP/1.1\r\n" % (request.method.encode("ascii"), url.raw_path)]
        head += [b"%s: %s\r\n" % header for header in request.headers.raw]
        incoming = IncomingResponse(lambda status, headers: Body(url.host, "", self._max_bytes))
        read_timeout = request.extensions.get("timeout", {}).get("read")
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        message = b"".join((*head, b"\r\n", content))
        await self.send(
            origin, message, incoming, math.inf if read_timeout is None else read_timeout, math.inf
        )
        stream = httpx.ByteStream(bytes(incoming.read()))  # not decompressed: httpx does that
        return httpx.Response(incoming.status, headers=incoming.headers, stream=stream, request=request)

    async def aclose(self) -> None:
        if self._connector is not None:
            await self._connector.close()


class AiohttpExchange:
    """An exchange over `AiohttpTransport`, without httpx's requests and responses."""

    def __init__(
        self, upstream: str, base_url: str, transport: AiohttpTransport, settings: UpstreamSettings
    ) -> None:
        self._upstream = upstream
        self._transport = transport
        self._max_bytes = settings.max_upstream_bytes
        url = httpx.URL(base_url)
        self.base_path = base_path(url)
        self._origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        constant = [("Host", url.netloc.decode("ascii")), ("Connection", "keep-alive")]
        self._head = b" HTTP/1.1\r\n" + encode_headers([*constant, ACCEPT_ENCODING, USER_AGENT])
        self._json = encode_headers([JSON])

    async def __call__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        idle_timeout: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        fields = headers.wire if isinstance(headers, Headers) else encode_headers(headers)
        line = f"{method} {self.base_path}{target}".encode("ascii")
        if line.translate(None, _VISIBLE) != b" ":
            raise ValueError("A request target must not contain blanks or control characters.")
        rest = b"\r\n"
        if content is not None:
            rest = b"%sContent-Length: %d\r\n\r\n%s" % (self._json, len(content), content)
        request = b"%s%s%s%s" % (line, self._head, fields, rest)
        sent_at = datetime.now(UTC)

        def begin_body(status: int, received: dict[str, str]) -> Body:
            encoding, is_error = received.get("content-encoding", ""), status >= FIRST_ERROR
            attempt.body = Body(self._upstream, encoding, self._max_bytes, attempt, is_error=is_error)
            return attempt.body

        incoming = IncomingResponse(begin_body)
        await self._transport.send(self._origin, request, incoming, idle_timeout, attempt.until)
        return UpstreamResponse(incoming.status, incoming.headers, incoming.read(), sent_at)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _client_timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds)
