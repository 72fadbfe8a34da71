"""One request and its answer over a transport: in httpx's ordinary way, or directly where there is one.

Both send the same, follow nothing, keep no cookies, and read through the same cap.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol

import httpx
from propcache.api import cached_property

from gateway.upstream.response import UpstreamResponse
from gateway.upstream.transport.aiohttp_transport import AiohttpTransport
from gateway.upstream.transport.body import Body
from gateway.upstream.transport.http_protocol import Incoming
from gateway.upstream.transport.transports import Limits, Transport

ACCEPT_ENCODING = ("Accept-Encoding", "gzip")  # what `Body` decodes
USER_AGENT = ("User-Agent", "circulation-gateway")
JSON = ("Content-Type", "application/json")

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every URL, CQL and all


class Headers(tuple[tuple[str, str], ...]):
    """Header fields of one caller; written as bytes once, however many calls they travel with."""

    @cached_property
    def wire(self) -> bytes:
        return written(self)


def written(headers: Sequence[tuple[str, str]]) -> bytes:
    """Header fields as they go over the wire. Raises `ValueError` for what could end a field early."""
    lines = [f"{name}: {value}" for name, value in headers]
    text = "".join(lines)
    if not (text.isascii() and text.isprintable()):
        raise ValueError("A header holds characters that no header has.")
    return "\r\n".join([*lines, ""]).encode("ascii")


@dataclass(slots=True)
class Attempt:
    """One attempt of a call: until when it may last, by the loop's clock, and how far it has come."""

    until: float
    sent: bool = False
    body: Body | None = None

    @property
    def body_began(self) -> bool:
        return self.body is not None and self.body.began


class Exchange(Protocol):
    """Sends a request once and reads the whole answer.

    Raises httpx's exceptions, those of `Body`, and `TimeoutError` at the end of the attempt's time.
    """

    base_path: str

    async def __call__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        silence: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        """`target` begins below the base URL and is percent-encoded; `silence` is in seconds."""

    async def aclose(self) -> None: ...


def exchange_over(upstream: str, base_url: str, transport: Transport, limits: Limits) -> Exchange:
    """How a service at this address is called over this transport."""
    if isinstance(transport, AiohttpTransport):
        return DirectExchange(upstream, base_url, transport, limits)
    return HttpxExchange(upstream, base_url, transport, limits)


class HttpxExchange:
    """The ordinary way, over any transport that httpx can use."""

    def __init__(self, upstream: str, base_url: str, transport: Transport, limits: Limits) -> None:
        self._upstream = upstream
        self._base_url = base_url
        self._max_bytes = limits.max_bytes
        self._timeouts = {"connect": limits.connect, "pool": limits.connect, "write": limits.first_byte}
        self.base_path = _path(httpx.URL(base_url))
        self._http = httpx.AsyncClient(
            transport=transport,
            headers=[ACCEPT_ENCODING, USER_AGENT],
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),  # stores and sends nothing
            follow_redirects=False,
            trust_env=False,
        )

    async def __call__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        silence: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        request = self._http.build_request(
            method,
            self._base_url + target,
            content=content,
            headers=[*headers, JSON] if content is not None else list(headers),
            extensions={"timeout": {**self._timeouts, "read": silence}},
        )
        sent_at = datetime.now(UTC)
        async with asyncio.timeout_at(attempt.until):
            response = await self._http.send(request, stream=True)
            try:
                assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - typed as either kind
                encoding = response.headers.get("Content-Encoding", "")
                attempt.body = body = Body(self._upstream, encoding, self._max_bytes)
                async for piece in response.stream:
                    body.add(piece)
                whole = body.whole()
            finally:
                await response.aclose()
        return UpstreamResponse(response.status_code, response.headers, whole, sent_at)

    async def aclose(self) -> None:
        await self._http.aclose()


class DirectExchange:
    """The short way: no objects of httpx between us and its transport."""

    def __init__(self, upstream: str, base_url: str, transport: AiohttpTransport, limits: Limits) -> None:
        self._upstream = upstream
        self._transport = transport
        self._max_bytes = limits.max_bytes
        url = httpx.URL(base_url)
        self.base_path = _path(url)
        self._origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        always = [("Host", url.netloc.decode("ascii")), ("Connection", "keep-alive")]
        self._head = f" HTTP/1.1\r\n{written([*always, ACCEPT_ENCODING, USER_AGENT]).decode('ascii')}"
        self._json = written([JSON])

    async def __call__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        silence: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        fields = headers.wire if isinstance(headers, Headers) else written(headers)
        line = f"{method} {self.base_path}{target}"
        if not line.isprintable() or line.count(" ") != 1:
            raise ValueError("A request target holds what would end its line, or blanks.")
        rest = b"\r\n"
        if content is not None:
            rest = b"%sContent-Length: %d\r\n\r\n%s" % (self._json, len(content), content)
        request = b"%s%s%s" % (f"{line}{self._head}".encode("ascii"), fields, rest)
        sent_at = datetime.now(UTC)

        def begin(received: dict[str, str]) -> Body:
            attempt.body = Body(self._upstream, received.get("content-encoding", ""), self._max_bytes)
            return attempt.body

        incoming = Incoming(begin)
        await self._transport.send(self._origin, request, incoming, silence, attempt.until)
        return UpstreamResponse(incoming.status, incoming.headers, incoming.whole(), sent_at)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _path(url: httpx.URL) -> str:
    return url.raw_path.decode("ascii").rstrip("/")
