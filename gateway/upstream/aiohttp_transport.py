"""A transport of httpx's kind over aiohttp's connections, to be called directly where a call must be cheap.

What the sessions, requests and responses of aiohttp or httpx do for a call costs more than the call itself,
and nothing of it is wanted here: no redirects, cookies, proxies, decompression or repetition. So a call is a
connection of the pool, the bytes of a request, and what the parser finds in the answer.
"""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Any, cast

import aiohttp
import httpx
from aiohttp.connector import Connection
from yarl import URL

from gateway.upstream.body import Body
from gateway.upstream.http_protocol import HttpProtocol, Incoming


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Connections to any number of origins. Opened when it is first used, in the loop that uses it."""

    def __init__(
        self,
        *,
        connections: int,
        connect: float,
        keep_alive: float,
        trusted: ssl.SSLContext,
        max_bytes: int,
    ) -> None:
        """`connect` and `keep_alive` are seconds; calls beyond `connections` wait for `connect` seconds.

        `max_bytes` is for answers that httpx asks for; who calls directly brings a `Body` with its own.
        """
        self._connections = connections
        self._keep_alive = keep_alive
        self._trusted = trusted
        self._max_bytes = max_bytes
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect)
        self._connector: aiohttp.TCPConnector | None = None
        self._origins: dict[str, aiohttp.ClientRequest] = {}

    async def send(self, origin: str, request: bytes, incoming: Incoming, silence: float | None) -> None:
        """Send a whole request, once, and wait until `incoming` is the whole answer.

        `origin` is scheme, host and port of a URL; `silence` is how many seconds may pass without a byte of
        the answer. Raises httpx's exceptions, `ConnectError` and `ConnectTimeout` where nothing was sent, and
        what the body of `incoming` raises.
        """
        connection = await self._connected(origin)
        try:
            await cast(HttpProtocol, connection.protocol).call(request, incoming, silence)
        except BaseException:
            connection.close()
            raise
        connection.release()

    async def _connected(self, origin: str) -> Connection:
        connector = self._connector or self._opened()
        asked = self._origins.get(origin)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = self._origins[origin] = aiohttp.ClientRequest("GET", URL(origin), loop=loop)
        try:
            return await connector.connect(asked, [], self._timeout)
        except TimeoutError as problem:
            raise httpx.ConnectTimeout(type(problem).__name__) from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise httpx.ConnectError(type(problem).__name__) from problem

    def _opened(self) -> aiohttp.TCPConnector:
        made = self._connector = aiohttp.TCPConnector(
            limit=self._connections, keepalive_timeout=self._keep_alive, ssl=self._trusted
        )
        protocol: Any = partial(HttpProtocol, asyncio.get_running_loop())  # Any: a kind of what aiohttp makes
        made._factory = protocol
        return made

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks; the answer is read whole."""
        if "Transfer-Encoding" in request.headers:
            raise httpx.UnsupportedProtocol("A request is sent whole, with its length.", request=request)
        url, content = request.url, await request.aread()
        head = [b"%s %s HTTP/1.1\r\n" % (request.method.encode("ascii"), url.raw_path)]
        head += [b"%s: %s\r\n" % header for header in request.headers.raw]
        incoming = Incoming(lambda headers: Body(url.host, "", self._max_bytes))
        silence = request.extensions.get("timeout", {}).get("read")
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        await self.send(origin, b"".join((*head, b"\r\n", content)), incoming, silence)
        stream = httpx.ByteStream(incoming.whole())  # as it came: httpx decompresses
        return httpx.Response(incoming.status, headers=incoming.headers, stream=stream, request=request)

    async def aclose(self) -> None:
        if self._connector is not None:
            await self._connector.close()
