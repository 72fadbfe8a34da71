"""One HTTP exchange: a request sent once, and its complete response, over any transport of httpx.

Every exchange sends the same bytes, follows no redirect, keeps no cookie, and reads through the same cap.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol, TypeAlias

import httpx
import msgspec
from propcache.api import cached_property

from gateway import errors
from gateway.settings import UpstreamSettings
from gateway.upstream.budget import OperationBudget

Transport: TypeAlias = httpx.AsyncBaseTransport

ACCEPT_ENCODING = ("Accept-Encoding", "gzip")  # the encoding that `Body` decodes
USER_AGENT = ("User-Agent", "circulation-gateway")
JSON = ("Content-Type", "application/json")
FIRST_ERROR = 300  # the first status whose meaning does not need the body

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs every URL, CQL included


class UpstreamResponse(msgspec.Struct, frozen=True):
    """A response: status, headers (by lower-case name), decompressed body, and the time of its request.

    `content` is the body, as it arrived: a view of the bytes that were received with the head.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes | memoryview
    sent_at: datetime

    @property
    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else bytes(self.content)


class Headers(tuple[tuple[str, str], ...]):
    """The header fields of one caller, encoded once for all calls that send them."""

    @cached_property
    def wire(self) -> bytes:
        return encode_headers(self)


def encode_headers(headers: Sequence[tuple[str, str]]) -> bytes:
    """Encode header fields for HTTP/1.1. Raises `ValueError` for characters that could end a field."""
    lines = [f"{name}: {value}" for name, value in headers]
    text = "".join(lines)
    if not (text.isascii() and text.isprintable()):
        raise ValueError("A header must be printable ASCII.")
    return "\r\n".join([*lines, ""]).encode("ascii")


class Body:
    """A response body, decompressed piece by piece and never beyond the cap: 300 KB of gzip can be 300 MB.

    That of an error is empty if it cannot be decompressed: the status says enough.
    """

    __slots__ = (
        "_budget",
        "_chunks",
        "_gunzip",
        "_is_error",
        "_is_limited",
        "_max_bytes",
        "_remaining",
        "_upstream",
        "has_begun",
    )

    def __init__(
        self,
        upstream: str,
        encoding: str,
        max_bytes: int,
        attempt: Attempt | None = None,
        *,
        is_error: bool = False,
    ) -> None:
        """`encoding` is the Content-Encoding, empty without one; `max_bytes` counts decompressed bytes."""
        # The attempt itself is not kept: it holds the body, and both would wait for a garbage collection.
        self._budget = None if attempt is None else attempt.budget
        self._is_limited = attempt is not None and attempt.is_limited
        self._upstream = upstream
        self._max_bytes = max_bytes
        self._remaining = max_bytes
        self._chunks: list[bytes | memoryview] = []
        self._gunzip: zlib._Decompress | _NotRequested | None = None
        self._is_error = is_error
        self.has_begun = False  # true from its first byte on
        name = encoding.lower()
        if name == "gzip":
            self._gunzip = zlib.decompressobj(wbits=31)
        elif name not in ("", "identity"):
            self._gunzip = _NotRequested()

    def add(self, raw: bytes | memoryview) -> None:
        """Add a piece.

        Raises `UpstreamBadResponse` beyond the cap, and if it cannot be decompressed, and `LimitExceeded`
        beyond the budget of the operation if the attempt is limited.
        """
        if not raw:
            return
        self.has_begun = True
        chunk = raw if self._gunzip is None else self._decompress(self._gunzip, raw)
        self._remaining -= len(chunk)
        if self._remaining < 0:
            raise errors.UpstreamBadResponse(
                f"{self._upstream} sent more than {self._max_bytes} bytes.", upstream=self._upstream
            )
        budget = self._budget
        if budget is not None:
            budget.bytes += len(chunk)
            process = budget.process
            process.held += len(chunk)
            process.by_tenant[budget.tenant] += len(chunk)
            if self._is_limited and (
                budget.bytes > budget.max_bytes
                or (budget.bytes > process.free and process.is_exceeded_by(budget.tenant))
            ):
                raise budget.size_error()
        self._chunks.append(chunk)

    def read(self) -> bytes | memoryview:
        """Return the complete body. Raises `UpstreamBadResponse` if compressed data is cut or too long."""
        gunzip = self._gunzip
        if gunzip is not None and self._chunks and (gunzip.unused_data or not gunzip.eof):
            return self._not_decompressed()
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def _decompress(self, gunzip: zlib._Decompress | _NotRequested, raw: bytes | memoryview) -> bytes:
        if gunzip.eof:
            return self._not_decompressed()
        try:
            return gunzip.decompress(raw, self._remaining + 1)
        except zlib.error as problem:
            return self._not_decompressed(problem)

    def _not_decompressed(self, problem: zlib.error | None = None) -> bytes:
        """Return nothing in the place of the body of an error. Raises `UpstreamBadResponse` for any other."""
        if not self._is_error:
            raise errors.UpstreamBadResponse(
                f"{self._upstream} sent a response that cannot be decompressed.", upstream=self._upstream
            ) from problem
        self._chunks.clear()
        self._gunzip = _NotRequested()  # for what follows
        return b""


class _NotRequested:
    """The decompression of an encoding that was not requested."""

    eof = False
    unused_data = b""

    def decompress(self, raw: bytes | memoryview, max_length: int) -> bytes:
        raise zlib.error


class Attempt(msgspec.Struct):
    """One attempt of a call: its end by the event loop's clock, the budget of its operation, its progress."""

    until: float
    budget: OperationBudget | None = None
    is_limited: bool = True
    """False for a write, whose response is counted and never cut: its outcome would be unknown."""
    body: Body | None = None

    @property
    def body_has_begun(self) -> bool:
        return self.body is not None and self.body.has_begun


class Exchange(Protocol):
    """Sends a request once and reads the complete response.

    Raises httpx's exceptions, those of `Body`, and `TimeoutError` at the end of the attempt.
    """

    base_path: str

    async def __call__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        idle_timeout: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        """`target` is percent-encoded and relative to the base URL; `idle_timeout` is in seconds."""

    async def aclose(self) -> None: ...


class DirectTransport(httpx.AsyncBaseTransport):
    """A transport with an exchange of its own, without httpx's requests and responses."""

    @abstractmethod
    def exchange(self, upstream: str, base_url: str, settings: UpstreamSettings) -> Exchange:
        """Return the exchange with a service at this address."""


def open_exchange(upstream: str, base_url: str, transport: Transport, settings: UpstreamSettings) -> Exchange:
    """Return the exchange with a service at this address over this transport."""
    if isinstance(transport, DirectTransport):
        return transport.exchange(upstream, base_url, settings)
    return HttpxExchange(upstream, base_url, transport, settings)


class HttpxExchange:
    """An exchange over any httpx transport, by httpx's public interface."""

    def __init__(
        self, upstream: str, base_url: str, transport: Transport, settings: UpstreamSettings
    ) -> None:
        self._upstream = upstream
        self._base_url = base_url
        self._max_bytes = settings.max_upstream_bytes
        self._timeouts = {
            "connect": settings.connect_timeout,
            "pool": settings.connect_timeout,
            "write": settings.first_byte_timeout,
        }
        self.base_path = base_path(httpx.URL(base_url))
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
        idle_timeout: float,
        attempt: Attempt,
    ) -> UpstreamResponse:
        request = self._http.build_request(
            method,
            self._base_url + target,
            content=content,
            headers=[*headers, JSON] if content is not None else list(headers),
            extensions={"timeout": {**self._timeouts, "read": idle_timeout}},
        )
        sent_at = datetime.now(UTC)
        async with asyncio.timeout_at(attempt.until):
            response = await self._http.send(request, stream=True)
            try:
                assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - typed as either kind
                encoding = response.headers.get("Content-Encoding", "")
                is_error = response.status_code >= FIRST_ERROR
                attempt.body = body = Body(
                    self._upstream, encoding, self._max_bytes, attempt, is_error=is_error
                )
                async for piece in response.stream:
                    body.add(piece)
                content = bytes(body.read())
            finally:
                await response.aclose()
        response.stream = httpx.ByteStream(content)  # the client's stream and the response hold each other
        return UpstreamResponse(response.status_code, response.headers, content, sent_at)

    async def aclose(self) -> None:
        await self._http.aclose()


def base_path(url: httpx.URL) -> str:
    """Return the path of a base URL as it stands in requests, without its final slash."""
    return url.raw_path.decode("ascii").rstrip("/")
