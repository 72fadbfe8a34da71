"""A transport of httpx's kind over aiohttp's connections, to be called directly where a call must be cheap.

What the sessions, requests and responses of aiohttp or httpx do for a call costs more than the call itself,
and nothing of it is wanted here: no redirects, cookies, proxies, decompression or repetition. So a call is a
connection of the pool, the bytes of a request, and what the parser finds in the answer.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import aiohttp
import httpx
from aiohttp.connector import Connection
from yarl import URL

from gateway.upstream.transport.body import Body
from gateway.upstream.transport.http_protocol import HttpProtocol, Incoming


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
        self._connect = connect
        self._timeout = _within(connect)
        self._connector: aiohttp.TCPConnector | None = None
        self._clock: Callable[[], float] = time.monotonic  # until the loop is known
        self._origins: dict[str, aiohttp.ClientRequest] = {}

    async def send(
        self, origin: str, request: bytes, incoming: Incoming, silence: float, until: float
    ) -> None:
        """Send a whole request, once, and wait until `incoming` is the whole answer.

        `origin` is scheme, host and port of a URL; `silence` is how many seconds may pass without a byte of
        the answer, and `until` the end of it all by the loop's clock; both may be infinite. Raises httpx's
        exceptions, `ConnectError` and `ConnectTimeout` where nothing was sent, `TimeoutError` at the end, and
        what the body of `incoming` raises.
        """
        connection = await self._connected(origin, until)
        try:
            await cast(HttpProtocol, connection.protocol).call(request, incoming, silence, until)
        except BaseException:
            connection.close()
            raise
        connection.release()

    async def _connected(self, origin: str, until: float) -> Connection:
        connector = self._connector or self._opened()
        asked = self._origins.get(origin)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = self._origins[origin] = aiohttp.ClientRequest("GET", URL(origin), loop=loop)
        left = until - self._clock()
        if left <= 0:
            raise TimeoutError
        in_time = left >= self._connect
        try:
            return await connector.connect(asked, [], self._timeout if in_time else _within(left))
        except TimeoutError as problem:
            if not in_time:
                raise TimeoutError from problem
            raise httpx.ConnectTimeout(type(problem).__name__) from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise httpx.ConnectError(type(problem).__name__) from problem

    def _opened(self) -> aiohttp.TCPConnector:
        made = self._connector = aiohttp.TCPConnector(
            limit=self._connections, keepalive_timeout=self._keep_alive, ssl=self._trusted
        )
        loop = asyncio.get_running_loop()
        protocol: Any = partial(HttpProtocol, loop)  # Any: a kind of what aiohttp makes
        made._factory = protocol
        self._clock = loop.time
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
        whole = b"".join((*head, b"\r\n", content))
        await self.send(origin, whole, incoming, math.inf if silence is None else silence, math.inf)
        stream = httpx.ByteStream(incoming.whole())  # as it came: httpx decompresses
        return httpx.Response(incoming.status, headers=incoming.headers, stream=stream, request=request)

    async def aclose(self) -> None:
        if self._connector is not None:
            await self._connector.close()


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds)
